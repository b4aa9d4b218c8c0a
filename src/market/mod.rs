//! The data: what is quoted, and what is said of it.
//!
//! Only shapes, spelling and the arithmetic of bars. Where values come from is [`provider`](crate::provider)'s, whether
//! they can be true is [`validate`](crate::validate)'s.

mod actions;
mod adjust;
mod bar_series;
mod bars;
mod changes;
pub mod derived;
mod endpoint;
mod events;
mod exchange;
mod faults;
mod interval;
mod page;
mod params;
mod payload;
mod quote;
mod resample;
mod series;
mod symbol;

pub use actions::{Actions, HeldDividend, HeldSplit};
pub use adjust::{adjust, restated};
pub use bar_series::{Adjust, BarSeries, Gap, Run};
pub use bars::{Bar, BarState, Bars};
pub use changes::{Change, ChangeKind, changes, differing, observed};
pub use derived::{About, Derived, inflation_rate};
pub use endpoint::EndpointName;
pub use events::{Dividend, Events, Split};
pub use exchange::ExchangeCode;
pub use faults::{Fault, FaultKind, faults, is_unit_flip};
pub use interval::Interval;
pub use page::{Page, Reach};
pub use params::Params;
pub use payload::{Json, Payload};
pub use quote::{MarketState, Quote, Traded};
pub use resample::{Resampled, resample};
pub use series::{Observation, Series};
#[cfg(test)]
pub(crate) use symbol::Nobody;
pub use symbol::{Class, Names, Symbol};

use crate::error::{Usage, nearest};
use serde::Serialize;

/// The hours of a day whose bars are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// Those of the exchange.
    #[default]
    Regular,
    /// Early and late trading too.
    Extended,
}

impl SessionKind {
    /// The name in keys and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Regular => "regular",
            Self::Extended => "extended",
        }
    }
}

/// What can be asked of a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// A snapshot.
    Quote,
    /// Open, high, low, close and volume of one interval after the other.
    Bars,
    /// All observations of a macro series.
    Series,
    /// What was paid out.
    Dividends,
    /// How shares were divided.
    Splits,
    /// Closes, adjusted for splits and dividends.
    AdjustedClose,
    /// What was earned since the first close, dividends included.
    TotalReturn,
    /// By how much a macro series has changed within a year.
    InflationRate,
    /// What an endpoint of this name gives, as it was sent.
    Payload(EndpointName),
}

impl DataType {
    /// Every type but what endpoints give.
    pub const ALL: [Self; 8] = [
        Self::Quote,
        Self::Bars,
        Self::Series,
        Self::Dividends,
        Self::Splits,
        Self::AdjustedClose,
        Self::TotalReturn,
        Self::InflationRate,
    ];

    /// Other names that are accepted, in lower case: the seeds' own where they differ by more than
    /// capitals.
    pub const ALIASES: [(&str, Self); 4] = [
        ("price", Self::Quote),
        ("ohlcv", Self::Bars),
        ("dividend", Self::Dividends),
        ("split", Self::Splits),
    ];

    /// The name in keys and output.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Quote => "quote",
            Self::Bars => "bars",
            Self::Series => "series",
            Self::Dividends => "dividends",
            Self::Splits => "splits",
            Self::AdjustedClose => "adjusted_close",
            Self::TotalReturn => "total_return",
            Self::InflationRate => "inflation_rate",
            Self::Payload(endpoint) => endpoint.as_str(),
        }
    }

    /// The name in a sentence, behind `asked for` or `has`.
    pub fn in_prose(&self) -> &str {
        match self {
            Self::Quote => "a quote",
            Self::Series => "a series",
            // Several of a kind, or a name that is no word.
            other => other.as_str(),
        }
    }

    /// What it is worked out of when it is read; itself, if a provider gives it.
    #[must_use]
    pub fn made_of(self) -> Self {
        match self {
            Self::Quote | Self::Bars | Self::Series | Self::Payload(_) => self,
            Self::Dividends | Self::Splits | Self::AdjustedClose | Self::TotalReturn => Self::Bars,
            Self::InflationRate => Self::Series,
        }
    }

    /// What is worked out under the name of a type, by what it is made of; none of any other name.
    pub fn origin(name: &str) -> Option<Self> {
        let named = Self::ALL.into_iter().find(|data_type| data_type.as_str() == name)?;
        Some(named.made_of()).filter(|origin| *origin != named)
    }

    /// What is meant when no type is said: a macro symbol is a series, any other a quote.
    pub fn usual(class: Class) -> Self {
        if class == Class::Macro { Self::Series } else { Self::Quote }
    }

    /// Reads a type, in the seeds' spelling too (`price` is a quote, `OHLCV` are bars).
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let said = text.to_ascii_lowercase();
        let said = said.as_str();
        let alias = Self::ALIASES.into_iter().find(|(alias, _)| *alias == said);
        let named = || Self::ALL.into_iter().find(|data_type| data_type.as_str() == said);
        alias.map(|(_, data_type)| data_type).or_else(named).ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(Self::as_str).collect();
            Usage::new(format!("`{}` is not a type", crate::error::sanitized(text))).hint(
                match nearest(said, names.iter().copied()) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => format!("the types are {}", names.join(", ")),
                },
            )
        })
    }
}

/// What an endpoint gives: one value of market data, ready to be stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Record {
    /// A snapshot.
    Quote(Box<Quote>),
    /// All observations of a macro series.
    Series(Series),
    /// What an endpoint sent.
    Payload(Payload),
}

impl From<Quote> for Record {
    fn from(quote: Quote) -> Self {
        Self::Quote(Box::new(quote))
    }
}

impl Record {
    /// The record as the JSON object that is stored and printed.
    pub fn to_json(&self) -> Vec<u8> {
        // Serialisation of these shapes cannot fail: no map has a key that is not text, and
        // every number is valid by the invariant of `Number`.
        serde_json::to_vec(self).unwrap_or_default()
    }
}
