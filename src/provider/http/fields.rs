//! What of a reply is read as what: the fields of quotes, bars and series, and how they are written.
//!
//! An endpoint without fields is kept as it was sent. Whether names and places fit together is checked
//! when the configuration is loaded; here whatever is not said is not read.

use super::moment::{Moment, TimeForm};
use super::rows::{Place, Rows};
use crate::calendar::{Calendars, Exchange};
use crate::market::{Class, Interval, Symbol};
use crate::number::Number;

/// The names of endpoints that have fields, each with its fields; those that it needs come first.
pub const FIELDS: [(&str, &[&str]); 3] =
    [(QUOTE, &QUOTE_FIELDS), (BARS, &BARS_FIELDS), (SERIES, &SERIES_FIELDS)];

pub(super) const QUOTE: &str = "quote";
pub(super) const BARS: &str = "bars";
pub(super) const SERIES: &str = "series";

pub(super) const QUOTE_FIELDS: [&str; 13] = [
    "price",
    "previous_close",
    "change",
    "change_percent",
    "open",
    "high",
    "low",
    "bid",
    "ask",
    "volume",
    "currency",
    "exchange",
    "time",
];
pub(super) const BARS_FIELDS: [&str; 7] =
    ["time", "close", "open", "high", "low", "volume", "adjusted_close"];
pub(super) const SERIES_FIELDS: [&str; 2] = ["date", "value"];

/// How many fields an endpoint of this name needs: the first of [`FIELDS`].
pub fn needed(endpoint: &str) -> usize {
    if endpoint == QUOTE { 1 } else { 2 }
}

/// What a reply is read as.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Where rows are; of a quote the first is meant, and without rows the whole.
    pub rows: Option<Rows>,
    /// Where each field stands, by its name.
    pub fields: Vec<(Box<str>, Place)>,
    /// How times are written.
    pub time: TimeForm,
    /// What stands for a value that is missing.
    pub missing: Vec<Box<str>>,
    /// What all prices are in, where upstream does not say.
    pub currency: Option<Box<str>>,
    /// Where all is traded, where upstream does not say.
    pub exchange: Option<Box<str>>,
    /// What upstream calls each interval of which it has bars.
    pub intervals: Vec<(Interval, Box<str>)>,
    /// The most rows that one reply holds.
    pub max_rows: Option<u32>,
}

impl Reading {
    /// Where these fields stand, in this order.
    pub(super) fn places<const N: usize>(&self, names: [&str; N]) -> [Option<&Place>; N] {
        names.map(|name| {
            self.fields.iter().find(|(field, _)| **field == *name).map(|(_, place)| place)
        })
    }

    /// The instant that stands in a field.
    pub(super) fn moment(&self, field: &str, text: &str) -> Result<Moment, String> {
        self.time.read(text).ok_or_else(|| format!("its {field} `{}` is no time", cut(text)))
    }

    /// Where a symbol is traded, as far as the configuration or its name tells; else in New York.
    pub(super) fn exchange_of(&self, symbol: &Symbol) -> Exchange {
        let said = self.exchange.as_deref().and_then(|said| Exchange::parse(said).ok());
        match symbol.class() {
            Class::Crypto | Class::Macro => Exchange::ALWAYS,
            Class::Fx => Exchange::FX,
            Class::Stock | Class::Index => said
                .or_else(|| Calendars::default().of_suffix(symbol.name().rsplit_once('.')?.1))
                .unwrap_or(Exchange::XNYS),
        }
    }

    /// What prices of a symbol are in, where upstream does not say: that is in the name of a pair.
    pub(super) fn currency_of(&self, symbol: &Symbol) -> Option<String> {
        let said = self.currency.as_deref();
        said.or_else(|| super::template::sides(symbol).map(|(_, quote)| quote)).map(str::to_owned)
    }
}

/// The number that stands in a field, with the digits that were sent; a percent sign is no digit.
pub(super) fn number(field: &str, text: &str) -> Result<Number, String> {
    let digits = text.trim();
    let digits = digits.strip_suffix('%').map_or(digits, str::trim_end);
    Number::parse(digits).ok_or_else(|| format!("its {field} `{}` is not a number", cut(text)))
}

fn cut(text: &str) -> String {
    text.chars().take(40).collect()
}
