//! What Binance's spot interface sends, field by field.
//!
//! Nothing here is used outside of this folder, and nothing is judged. Prices are strings with
//! eight decimals, times are milliseconds since 1970 in UTC. The short form of the ticker
//! (`type=MINI`) lacks the changes, the previous close, the bid and the ask.

use serde::Deserialize;

use crate::number::Number;

/// The last 24 hours of one pair.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ticker {
    pub(super) symbol: Option<String>,
    pub(super) last_price: Option<Number>,
    pub(super) price_change: Option<Number>,
    pub(super) price_change_percent: Option<Number>,
    pub(super) prev_close_price: Option<Number>,
    pub(super) bid_price: Option<Number>,
    pub(super) ask_price: Option<Number>,
    pub(super) open_price: Option<Number>,
    pub(super) high_price: Option<Number>,
    pub(super) low_price: Option<Number>,
    /// In units of the base.
    pub(super) volume: Option<Number>,
    pub(super) close_time: Option<i64>,
    /// How many trades there were.
    pub(super) count: Option<i64>,
}

/// `{"code":-1121,"msg":"Invalid symbol."}`.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) code: i64,
    #[serde(default)]
    pub(super) msg: String,
}
