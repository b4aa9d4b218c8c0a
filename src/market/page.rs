//! What one request for bars gives, and the most that it can give.

use std::time::Duration;

use super::{Bars, Events, Interval};
use crate::time::Timestamp;

/// How many bars a provider gives, and of which time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// The longest span that one request may ask for.
    pub per_call: Option<Duration>,
    /// The most bars that one reply holds.
    pub rows: Option<u32>,
    /// How long ago the oldest may have begun.
    pub back: Option<Duration>,
    /// Before when there is none at all.
    pub since: Option<Timestamp>,
}

impl Reach {
    /// The longest span that one request may ask for: at least one bar.
    pub fn longest(&self, interval: Interval) -> Duration {
        /// A day at most: it is the exchange's, and a little shorter or longer than this at times.
        const DAY: Duration = Duration::from_hours(24);
        let bar = interval.duration().unwrap_or(DAY);
        let rows = self.rows.map_or(Duration::MAX, |rows| bar.saturating_mul(rows));
        self.per_call.unwrap_or(Duration::MAX).min(rows).max(bar)
    }

    /// What is new of a request that begins with a bar that is held, if there is a longest one.
    #[must_use]
    pub fn behind_a_bar(self, interval: Interval) -> Self {
        if self.per_call.is_none() && self.rows.is_none() {
            return self;
        }
        let bar = Self { rows: Some(1), ..Self::default() }.longest(interval);
        let new = self.longest(interval).saturating_sub(bar);
        Self { per_call: Some(new), rows: None, ..self }
    }
}

/// A stretch of a series as a provider sent it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// What the prices are in.
    pub currency: Option<String>,
    /// The exchange in upstream's spelling.
    pub exchange: Option<String>,
    /// When it was first traded, in milliseconds UTC, if that is said.
    pub first_trade_ms: Option<i64>,
    /// The bars that begin in the span that was asked for.
    pub bars: Bars,
    /// The splits and dividends of that span.
    pub events: Events,
}
