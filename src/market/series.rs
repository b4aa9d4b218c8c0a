//! All observations of one macro series.

use serde::{Deserialize, Serialize};

use crate::number::Number;

/// One value of a series.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The first day of the period that the value is for, `2026-07-01`.
    pub date: String,
    /// The value in the unit of the series; `None` where upstream says that it is missing.
    pub value: Option<Number>,
}

/// A macro series, oldest observation first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// The symbol in our spelling, `GDP`.
    pub symbol: String,
    /// Always `macro`.
    pub asset_class: String,
    /// `series`; `inflation_rate` where that was worked out of one.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Who said so.
    pub provider: String,
    /// The values.
    pub observations: Vec<Observation>,
}
