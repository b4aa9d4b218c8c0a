//! What Yahoo's v8 chart endpoint sends, field by field.
//!
//! Nothing here is used outside of this folder, and nothing is judged: whatever may be missing
//! or null is optional, which is everything (older replies lack half of it). Times are seconds
//! since 1970 in UTC.

use serde::Deserialize;

use crate::number::Number;

/// The whole body: under `chart` what the endpoint says, under `finance` what the gateway
/// before it says.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    pub(super) chart: Option<Chart>,
    pub(super) finance: Option<Gateway>,
}

/// Either a result or an error.
#[derive(Debug, Deserialize)]
pub(super) struct Chart {
    pub(super) result: Option<Vec<Outcome>>,
    pub(super) error: Option<Failure>,
}

/// What the gateway says when it does not let a request through.
#[derive(Debug, Deserialize)]
pub(super) struct Gateway {
    pub(super) error: Option<Failure>,
}

/// `{"code":"Not Found","description":"No data found, symbol may be delisted"}`.
#[derive(Debug, Deserialize)]
pub(super) struct Failure {
    pub(super) code: Option<String>,
    pub(super) description: Option<String>,
}

/// One symbol; `timestamp` is absent when there is no bar.
#[derive(Debug, Deserialize)]
pub(super) struct Outcome {
    pub(super) meta: Meta,
    pub(super) timestamp: Option<Vec<Option<i64>>>,
    pub(super) indicators: Option<Indicators>,
}

/// What is said of the symbol besides its bars.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Meta {
    pub(super) symbol: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) exchange_name: Option<String>,
    pub(super) range: Option<String>,
    pub(super) has_pre_post_market_data: Option<bool>,
    pub(super) regular_market_price: Option<Number>,
    pub(super) regular_market_time: Option<i64>,
    pub(super) regular_market_day_high: Option<Number>,
    pub(super) regular_market_day_low: Option<Number>,
    pub(super) regular_market_volume: Option<Number>,
    pub(super) previous_close: Option<Number>,
    pub(super) chart_previous_close: Option<Number>,
    pub(super) current_trading_period: Option<TradingPeriod>,
}

/// The day's three phases.
#[derive(Debug, Deserialize)]
pub(super) struct TradingPeriod {
    pub(super) pre: Option<Phase>,
    pub(super) regular: Option<Phase>,
    pub(super) post: Option<Phase>,
}

/// From `start` up to, but not at, `end`.
#[derive(Debug, Deserialize)]
pub(super) struct Phase {
    pub(super) start: Option<i64>,
    pub(super) end: Option<i64>,
}

/// The bars, one array a field; any element of any array may be null.
#[derive(Debug, Deserialize)]
pub(super) struct Indicators {
    pub(super) quote: Option<Vec<Option<Bars>>>,
}

/// Empty (`{}`) when there is no bar.
#[derive(Debug, Deserialize)]
pub(super) struct Bars {
    pub(super) open: Option<Vec<Option<Number>>>,
}
