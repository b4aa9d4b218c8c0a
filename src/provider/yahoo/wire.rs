//! What Yahoo's v8 chart endpoint sends, field by field.
//!
//! Nothing here is used outside of this folder, and nothing is judged: whatever may be missing
//! or null is optional, which is everything (older replies lack half of it). Times are seconds
//! since 1970 in UTC.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::number::Number;

/// The whole body: under `chart` what the endpoint says, under `finance` what the gateway
/// before it says.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Envelope<T> {
    pub(super) chart: Option<Chart<T>>,
    pub(super) finance: Option<Gateway>,
}

/// Either a result or an error; of the result only as much is read as is wanted.
#[derive(Debug, Deserialize)]
#[serde(bound = "T: Deserialize<'de>")]
pub(super) struct Chart<T> {
    pub(super) result: Option<Vec<T>>,
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

/// What a quote is made of: one symbol; `timestamp` is absent when there is no bar.
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

/// What bars are made of: one symbol; `timestamp` is absent when there is no bar.
#[derive(Debug, Deserialize)]
pub(super) struct Course {
    pub(super) meta: CourseMeta,
    pub(super) timestamp: Option<Vec<Option<i64>>>,
    pub(super) events: Option<Happened>,
    pub(super) indicators: Option<Columns>,
}

/// What is said of the symbol that its bars are read by.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CourseMeta {
    pub(super) symbol: Option<String>,
    pub(super) currency: Option<String>,
    pub(super) exchange_name: Option<String>,
    pub(super) exchange_timezone_name: Option<String>,
    /// Of today, in seconds ahead of UTC.
    pub(super) gmtoffset: Option<i64>,
    pub(super) first_trade_date: Option<i64>,
    pub(super) regular_market_time: Option<i64>,
    pub(super) current_trading_period: Option<TradingPeriod>,
    pub(super) data_granularity: Option<String>,
}

/// What happened to the symbol, by instants that are not to be trusted: `date` is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Happened {
    pub(super) splits: Option<BTreeMap<String, Divided>>,
    pub(super) dividends: Option<BTreeMap<String, Paid>>,
    pub(super) capital_gains: Option<BTreeMap<String, Paid>>,
}

/// A split, with `4` or `4.0` for four.
#[derive(Debug, Deserialize)]
pub(super) struct Divided {
    pub(super) date: i64,
    pub(super) numerator: f64,
    pub(super) denominator: f64,
}

/// A dividend, or a gain that a fund realised.
#[derive(Debug, Deserialize)]
pub(super) struct Paid {
    pub(super) date: i64,
    pub(super) amount: f64,
}

/// All columns of the bars; `adjclose` is absent for what is shorter than a day.
#[derive(Debug, Deserialize)]
pub(super) struct Columns {
    pub(super) quote: Option<Vec<Option<Prices>>>,
    pub(super) adjclose: Option<Vec<Option<Adjusted>>>,
}

/// One column of numbers, any of which may be null.
pub(super) type Column = Vec<Option<f64>>;

/// Empty (`{}`) when there is no bar.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Prices {
    pub(super) open: Option<Column>,
    pub(super) high: Option<Column>,
    pub(super) low: Option<Column>,
    pub(super) close: Option<Column>,
    pub(super) volume: Option<Column>,
}

/// The closes, adjusted for splits and dividends.
#[derive(Debug, Deserialize)]
pub(super) struct Adjusted {
    pub(super) adjclose: Option<Column>,
}
