//! What Binance's spot interface sends, field by field.
//!
//! Nothing here is used outside of this folder, and nothing is judged. Prices are strings with
//! eight decimals, times are milliseconds since 1970 in UTC. The short form of the ticker
//! (`type=MINI`) lacks the changes, the previous close, the bid and the ask.

use std::fmt;

use serde::de::{Error as _, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

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

/// One bar: `[openTime, open, high, low, close, volume, closeTime, …]`.
#[derive(Debug)]
pub(super) struct Kline {
    /// When it begins.
    pub(super) open_time: i64,
    /// Open, high, low, close, and the volume in units of the base.
    pub(super) amounts: [f64; 5],
}

impl<'de> Deserialize<'de> for Kline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Row)
    }
}

/// Reads the row of a bar: of twelve fields the first six, whatever follows.
struct Row;

impl<'de> Visitor<'de> for Row {
    type Value = Kline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the row of a bar")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut row: A) -> Result<Kline, A::Error> {
        let short = || A::Error::custom("a row is too short");
        let open_time = row.next_element()?.ok_or_else(short)?;
        let mut amounts = [0.0; 5];
        for amount in &mut amounts {
            *amount = row.next_element::<Number>()?.ok_or_else(short)?.as_f64();
        }
        while row.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Kline { open_time, amounts })
    }
}
