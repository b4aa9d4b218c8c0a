//! What is worked out from stored series when it is read, as it is answered: events, adjusted
//! closes, returns, inflation.
//!
//! Nothing here is stored, and nothing here rounds. What is missing is `null`, never NaN.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::{Actions, BarSeries, Bars, Observation, Series};
use crate::number::Number;
use crate::time::{Timestamp, Zone};

/// Whose values they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The symbol in our spelling.
    pub symbol: String,
    /// `stock`, `crypto`, `fx` or `index`.
    pub asset_class: String,
    /// Who said what they are made of.
    pub provider: String,
    /// What amounts and prices are in.
    pub currency: Option<String>,
}

/// An answer that was worked out; as JSON the object that is printed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Derived {
    /// The symbol in our spelling.
    pub symbol: String,
    /// `stock`, `crypto`, `fx` or `index`.
    pub asset_class: String,
    /// `dividends`, `splits`, `adjusted_close` or `total_return`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Who said what it is made of.
    pub provider: String,
    /// What amounts and prices are in.
    pub currency: Option<String>,
    /// The values.
    #[serde(flatten)]
    pub content: Content,
}

/// The values of a [`Derived`], oldest first.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// Splits or dividends.
    Events(Vec<Event>),
    /// A value a day.
    Observations(Vec<Value>),
}

/// A split or a dividend as it is answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The exchange's date, `2026-07-01`.
    pub date: String,
    /// When the first session with it opened.
    pub time: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened on a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum What {
    /// Something was paid out.
    Dividend {
        /// For one share, as shares are divided now.
        amount: f64,
        /// `capital_gain` for what a fund has realised.
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<&'static str>,
    },
    /// Shares were divided.
    Split {
        /// How many shares there are after it…
        numerator: f64,
        /// …for so many before.
        denominator: f64,
        /// By what a price before it is divided.
        ratio: f64,
    },
}

/// The value of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The exchange's date, `2026-07-01`.
    pub date: String,
    /// The value, if there is one.
    pub value: Option<f64>,
}

impl From<&BarSeries> for About {
    fn from(series: &BarSeries) -> Self {
        Self {
            symbol: series.symbol.clone(),
            asset_class: series.asset_class.clone(),
            provider: series.provider.clone(),
            currency: series.currency.clone(),
        }
    }
}

impl Derived {
    /// The dividends of a span, in milliseconds UTC: each for one share as shares are divided at
    /// `now_ms`.
    pub fn dividends(about: About, actions: &Actions, span_ms: &Range<i64>, now_ms: i64) -> Self {
        let held = actions.dividends.iter().filter(|held| span_ms.contains(&held.dividend.at_ms));
        let events = held.map(|held| Event {
            date: date(held.dividend.day),
            time: Timestamp::from_ms(held.dividend.at_ms),
            what: What::Dividend {
                amount: held.amount_at(now_ms, &actions.splits),
                kind: held.dividend.is_capital_gain.then_some("capital_gain"),
            },
        });
        Self::new(about, "dividends", Content::Events(events.collect()))
    }

    /// The splits of a span, in milliseconds UTC.
    pub fn splits(about: About, actions: &Actions, span_ms: &Range<i64>) -> Self {
        let splits = actions.splits.iter().map(|held| held.split);
        let events = splits.filter(|split| span_ms.contains(&split.at_ms)).map(|split| Event {
            date: date(split.day),
            time: Timestamp::from_ms(split.at_ms),
            what: What::Split {
                numerator: split.numerator,
                denominator: split.denominator,
                ratio: split.ratio(),
            },
        });
        Self::new(about, "splits", Content::Events(events.collect()))
    }

    /// The adjusted closes of daily bars that are [adjusted](super::adjust()).
    pub fn adjusted_close(about: About, bars: &Bars) -> Self {
        Self::new(about, "adjusted_close", observations(bars, |adjusted| adjusted))
    }

    /// What the holder of a share has gained since the first of these bars whose adjusted close is
    /// known, dividends reinvested, in percent points; the bars are [adjusted](super::adjust()).
    pub fn total_return(about: About, bars: &Bars) -> Self {
        let first = bars.adjusted.iter().copied().find(|adjusted| adjusted.is_finite());
        let first = first.unwrap_or(f64::NAN);
        let gained = |adjusted: f64| (adjusted / first - 1.0) * 100.0;
        Self::new(about, "total_return", observations(bars, gained))
    }

    fn new(about: About, data_type: &str, content: Content) -> Self {
        let About { symbol, asset_class, provider, currency } = about;
        Self { symbol, asset_class, data_type: data_type.to_owned(), provider, currency, content }
    }
}

/// What a macro series of levels has risen by within a year, in percent points: each value against
/// that of the same date one year earlier, missing where either is.
#[must_use]
pub fn inflation_rate(levels: &Series) -> Series {
    let value = |observation: &Observation| observation.value.as_ref().map(Number::as_f64);
    let by_date: HashMap<&str, f64> = levels
        .observations
        .iter()
        .filter_map(|observation| Some((observation.date.as_str(), value(observation)?)))
        .collect();
    let observations = levels.observations.iter().map(|observation| {
        let before = year_before(&observation.date).and_then(|date| by_date.get(&*date).copied());
        let risen = value(observation).zip(before).map(|(now, then)| (now / then - 1.0) * 100.0);
        Observation { date: observation.date.clone(), value: risen.and_then(exact) }
    });
    Series {
        observations: observations.collect(),
        data_type: "inflation_rate".to_owned(),
        ..levels.clone()
    }
}

/// Each bar's date with what becomes of its adjusted close.
fn observations(bars: &Bars, of: impl Fn(f64) -> f64) -> Content {
    let values = bars.days.iter().zip(&bars.adjusted).map(|(day, adjusted)| Value {
        date: date(*day),
        value: Some(of(*adjusted)).filter(|value| value.is_finite()),
    });
    Content::Observations(values.collect())
}

/// How a day since 1970-01-01 is written.
fn date(day: i32) -> String {
    Zone::UTC.day(Timestamp::from_ms(i64::from(day) * 86_400_000)).0
}

/// The same date of the year before; none if this is no date.
fn year_before(date: &str) -> Option<String> {
    let (year, rest) = date.split_once('-')?;
    Some(format!("{:04}-{rest}", year.parse::<i32>().ok()?.checked_sub(1)?))
}

/// A float in the fewest digits that read back as it; none if it is not finite.
fn exact(value: f64) -> Option<Number> {
    Number::parse(&value.to_string())
}
