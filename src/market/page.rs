//! What one request for bars gives, and the most that it can give.

use std::time::Duration;

use super::{Bars, Events};
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
