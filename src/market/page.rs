//! What one request for bars gives.

use super::{Bars, Events};

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
