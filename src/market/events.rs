//! What changes a price without anybody trading: splits and dividends.

use serde::{Deserialize, Serialize};

/// A split: of so many shares before it, so many were made.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The instant from which prices are of the new shares, in milliseconds UTC.
    pub at_ms: i64,
    /// The exchange's date of that, in days since 1970-01-01.
    pub day: i32,
    /// How many shares there are after it…
    pub numerator: f64,
    /// …for so many before.
    pub denominator: f64,
}

impl Split {
    /// By what a price before it is divided.
    pub fn ratio(&self) -> f64 {
        self.numerator / self.denominator
    }
}

/// What was paid out for one share.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Dividend {
    /// The instant from which a share is bought without it, in milliseconds UTC.
    pub at_ms: i64,
    /// The exchange's date of that, in days since 1970-01-01.
    pub day: i32,
    /// How much, in the currency of the prices, as the provider sent it: of shares as they were
    /// divided when it was sent.
    pub amount: f64,
    /// Whether it is a gain that a fund has realised.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_capital_gain: bool,
}

/// Splits and dividends, each in order of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Events {
    /// The splits.
    pub splits: Vec<Split>,
    /// The dividends, and the gains of funds.
    pub dividends: Vec<Dividend>,
}
