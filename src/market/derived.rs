//! What is worked out from stored series when it is read, as it is answered: events, adjusted
//! closes, returns, inflation.
//!
//! Nothing here is stored, and nothing here rounds. What is missing is `null`, never NaN.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Serialize, Serializer};

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
        #[serde(serialize_with = "shortest")]
        amount: f64,
        /// `capital_gain` for what a fund has realised.
        #[serde(skip_serializing_if = "Option::is_none")]
        kind: Option<&'static str>,
    },
    /// Shares were divided.
    Split {
        /// How many shares there are after it…
        #[serde(serialize_with = "shortest")]
        numerator: f64,
        /// …for so many before.
        #[serde(serialize_with = "shortest")]
        denominator: f64,
        /// By what a price before it is divided.
        #[serde(serialize_with = "shortest")]
        ratio: f64,
    },
}

/// The value of a day.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Value {
    /// The exchange's date, `2026-07-01`.
    pub date: String,
    /// The value, if there is one.
    #[serde(serialize_with = "shortest_if_any")]
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
    /// an instant, or without one as they were on its day.
    pub fn dividends(
        about: About,
        actions: &Actions,
        span_ms: &Range<i64>,
        at_ms: Option<i64>,
    ) -> Self {
        let held = actions.dividends.iter().filter(|held| span_ms.contains(&held.dividend.at_ms));
        let events = held.map(|held| Event {
            date: date(held.dividend.day),
            time: Timestamp::from_ms(held.dividend.at_ms),
            what: What::Dividend {
                amount: match at_ms {
                    Some(at_ms) => held.amount_at(at_ms, &actions.splits),
                    None => held.as_paid(&actions.splits),
                },
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

/// Writes a float in the fewest digits: a whole number without a point.
#[expect(clippy::cast_possible_truncation, reason = "a whole number of so few digits is exact")]
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn shortest<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

#[expect(clippy::ref_option, reason = "serde hands over a reference")]
fn shortest_if_any<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => shortest(value, serializer),
        None => serializer.serialize_none(),
    }
}

/// A float in the fewest digits that read back as it; none if it is not finite.
fn exact(value: f64) -> Option<Number> {
    Number::parse(&value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Bar, Dividend, Events, Split};
    use serde_json::json;

    fn about() -> About {
        About {
            symbol: "AAPL".to_owned(),
            asset_class: "stock".to_owned(),
            provider: "yahoo".to_owned(),
            currency: Some("USD".to_owned()),
        }
    }

    fn at(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().as_ms()
    }

    fn day(text: &str) -> i32 {
        i32::try_from(Timestamp::from_date(text).unwrap().day()).unwrap()
    }

    /// Apple: a dividend and a split of 2020 and a gain that it never had, fetched in two parts.
    fn actions() -> Actions {
        let dividend = |time: &str, amount, is_capital_gain| Dividend {
            at_ms: at(time),
            day: day(&time[..10]),
            amount,
            is_capital_gain,
        };
        let split = Split {
            at_ms: at("2020-08-31T13:30:00Z"),
            day: day("2020-08-31"),
            numerator: 4.0,
            denominator: 1.0,
        };
        let mut actions = Actions::default();
        for (said, fetched) in [
            (
                Events {
                    splits: vec![],
                    dividends: vec![dividend("2020-08-07T13:30:00Z", 0.82, false)],
                },
                "2020-08-10T00:00:00Z",
            ),
            (
                Events {
                    splits: vec![split],
                    dividends: vec![
                        dividend("2020-08-14T13:30:00Z", 0.3, true),
                        dividend("2020-11-06T14:30:00Z", 0.205, false),
                    ],
                },
                "2020-12-01T00:00:00Z",
            ),
        ] {
            actions.learn(&said, 0..0, at(fetched), &|_| None);
        }
        actions
    }

    #[test]
    fn dividends_are_of_shares_as_they_are_divided_now() {
        let read = |span: Range<i64>, now| {
            serde_json::to_value(Derived::dividends(about(), &actions(), &span, Some(at(now))))
                .unwrap()
        };
        assert_eq!(
            read(0..i64::MAX, "2026-07-01"),
            json!({
                "symbol": "AAPL", "asset_class": "stock", "type": "dividends", "provider": "yahoo",
                "currency": "USD",
                "events": [
                    {"date": "2020-08-07", "time": "2020-08-07T13:30:00Z", "amount": 0.205},
                    {"date": "2020-08-14", "time": "2020-08-14T13:30:00Z", "amount": 0.3,
                     "kind": "capital_gain"},
                    {"date": "2020-11-06", "time": "2020-11-06T14:30:00Z", "amount": 0.205},
                ],
            })
        );
        // Before the split, and without what lies outside of the span: its end is not in it.
        let august = at("2020-08-01")..at("2020-08-14T13:30:00Z");
        assert_eq!(
            read(august, "2020-08-30")["events"],
            json!([{"date": "2020-08-07", "time": "2020-08-07T13:30:00Z", "amount": 0.82}])
        );
        // As they were paid: one was sent before the split, two after it.
        let paid = Derived::dividends(about(), &actions(), &(0..i64::MAX), None);
        let paid = serde_json::to_value(paid).unwrap();
        let amounts = paid["events"].as_array().unwrap().iter().map(|event| &event["amount"]);
        assert_eq!(amounts.collect::<Vec<_>>(), [&json!(0.82), &json!(1.2), &json!(0.205)]);
    }

    #[test]
    fn a_split_says_of_how_many_shares_how_many_were_made() {
        let read = Derived::splits(About { currency: None, ..about() }, &actions(), &(0..i64::MAX));
        assert_eq!(
            serde_json::to_string(&read).unwrap(),
            concat!(
                r#"{"symbol":"AAPL","asset_class":"stock","type":"splits","provider":"yahoo","#,
                r#""currency":null,"events":[{"date":"2020-08-31","time":"2020-08-31T13:30:00Z","#,
                r#""numerator":4,"denominator":1,"ratio":4}]}"#
            )
        );
        let none = Derived::splits(about(), &actions(), &(0..1));
        assert_eq!(none.content, Content::Events(vec![]));
    }

    fn closes(adjusted: &[f64]) -> Bars {
        let mut bars = Bars::default();
        for (at, adjusted) in adjusted.iter().enumerate() {
            let day = i32::try_from(at).unwrap();
            let price = 1.0;
            bars.push(Bar {
                time: i64::from(day) * 86_400_000,
                day: Some(day),
                open: price,
                high: price,
                low: price,
                close: price,
                volume: price,
                adjusted: *adjusted,
            });
        }
        bars
    }

    #[test]
    fn a_return_is_cumulative_since_the_first_close_and_what_is_missing_is_null() {
        let bars = closes(&[f64::NAN, 80.0, 100.0, f64::NAN, 60.0]);
        let adjusted = serde_json::to_value(Derived::adjusted_close(about(), &bars)).unwrap();
        assert_eq!(adjusted["type"], "adjusted_close");
        assert_eq!(
            adjusted["observations"],
            json!([
                {"date": "1970-01-01", "value": null},
                {"date": "1970-01-02", "value": 80},
                {"date": "1970-01-03", "value": 100},
                {"date": "1970-01-04", "value": null},
                {"date": "1970-01-05", "value": 60},
            ])
        );
        let gained = serde_json::to_value(Derived::total_return(about(), &bars)).unwrap();
        assert_eq!(gained["type"], "total_return");
        assert_eq!(
            gained["observations"],
            json!([
                {"date": "1970-01-01", "value": null},
                {"date": "1970-01-02", "value": 0},
                {"date": "1970-01-03", "value": 25},
                {"date": "1970-01-04", "value": null},
                {"date": "1970-01-05", "value": -25},
            ])
        );
    }

    #[test]
    fn no_close_that_can_be_gives_a_number_that_json_lacks() {
        for odd in [&[][..], &[f64::NAN], &[0.0, 1.0], &[f64::INFINITY, 1.0], &[-0.0, f64::NAN]] {
            for derived in [
                Derived::adjusted_close(about(), &closes(odd)),
                Derived::total_return(about(), &closes(odd)),
            ] {
                let Content::Observations(values) = &derived.content else { panic!("{derived:?}") };
                assert_eq!(values.len(), odd.len());
                assert!(values.iter().filter_map(|value| value.value).all(f64::is_finite));
            }
        }
    }

    #[test]
    fn inflation_is_of_the_same_date_a_year_before() {
        let level = |date: &str, value: Option<&str>| Observation {
            date: date.to_owned(),
            value: value.map(|digits| Number::parse(digits).unwrap()),
        };
        let levels = Series {
            symbol: "CPIAUCSL".to_owned(),
            asset_class: "macro".to_owned(),
            data_type: "series".to_owned(),
            provider: "fred".to_owned(),
            observations: vec![
                level("2024-02-29", Some("1")),
                level("2024-06-01", Some("200")),
                level("2024-07-01", None),
                level("2024-09-01", Some("0")),
                level("2025-02-28", Some("2")),
                level("2025-06-01", Some("205.0")),
                level("2025-07-01", Some("210")),
                level("2025-08-01", Some("211")),
                level("2025-09-01", Some("212")),
                level("2026-06-01", None),
                level("2026-07-01", Some("199.5")),
                level("nonsense", Some("1")),
                level("-99999999999-1", Some("1")),
            ],
        };
        let rate = inflation_rate(&levels);
        assert_eq!(
            (&*rate.symbol, &*rate.data_type, &*rate.provider),
            ("CPIAUCSL", "inflation_rate", "fred")
        );
        assert_eq!(rate.observations.len(), levels.observations.len());
        let known: Vec<_> = rate
            .observations
            .iter()
            .filter_map(|one| Some((one.date.as_str(), one.value.as_ref()?.as_f64())))
            .collect();
        assert_eq!(known.len(), 2, "{known:?}");
        for ((date, value), (our_date, ours)) in
            [("2025-06-01", 2.5), ("2026-07-01", -5.0)].into_iter().zip(known)
        {
            assert_eq!(date, our_date);
            assert!((value - ours).abs() < 1e-9, "{date}: {ours}");
        }
    }
}
