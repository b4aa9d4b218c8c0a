//! Refuses what cannot be market data, before it can replace what is.
//!
//! Only what is impossible is refused, never what is merely odd: a price outside of the day's
//! range happens (ranges lag, and auctions are not counted in), and so does a fall of ninety
//! percent. It never mends a value, and it asks nobody: a record is judged by itself.

use crate::error::{Error, Kind, sanitized};
use crate::market::{Class, Quote, Record, Series};
use crate::number::Number;
use crate::time::Timestamp;

/// Refuses a record that cannot be true: a price that is not above zero, a negative amount, a
/// high below the low; a series that is empty, or whose dates are no dates, doubled or not
/// ascending. The values of an economy may be negative or zero.
pub fn record(record: &Record) -> Result<(), Error> {
    match record {
        Record::Quote(checked) => quote(checked),
        Record::Series(checked) => series(checked),
    }
}

fn quote(quote: &Quote) -> Result<(), Error> {
    let refuse = |field: &str, value: &Number, why: &str| {
        refused(&quote.symbol, &quote.provider, field, value.as_str(), why)
    };
    let may_be_negative = quote.asset_class == Class::Macro.as_str();
    let price = quote.price.as_f64();
    if !price.is_finite() {
        return refuse("price", &quote.price, "it is not finite");
    }
    if may_be_negative {
        return Ok(());
    }
    if price <= 0.0 {
        return refuse("price", &quote.price, "it must be above zero");
    }
    for (field, value) in [
        ("previous_close", &quote.previous_close),
        ("open", &quote.open),
        ("high", &quote.high),
        ("low", &quote.low),
        ("bid", &quote.bid),
        ("ask", &quote.ask),
        ("volume", &quote.volume),
    ] {
        // Zero is said by some of what they do not know (the volume of a currency).
        if let Some(value) = value.as_ref().filter(|value| value.as_f64() < 0.0) {
            return refuse(field, value, "it must not be negative");
        }
    }
    if let (Some(high), Some(low)) = (&quote.high, &quote.low)
        && high.as_f64() < low.as_f64()
    {
        return refuse("high", high, &format!("it is below the low of {low}"));
    }
    Ok(())
}

fn series(series: &Series) -> Result<(), Error> {
    let refuse = |field: &str, value: &str, why: &str| {
        refused(&series.symbol, &series.provider, field, value, why)
    };
    if series.observations.is_empty() {
        return refuse("observations", "[]", "a series has at least one");
    }
    let mut before: Option<(Timestamp, &str)> = None;
    for observation in &series.observations {
        let date = observation.date.as_str();
        let Some(day) = Timestamp::from_date(date) else {
            return refuse("date", date, "it is not a date");
        };
        match before {
            Some((earlier, _)) if earlier == day => {
                return refuse("date", date, "it is there twice");
            }
            Some((later, text)) if later > day => {
                return refuse("date", date, &format!("it stands behind `{text}`, which is later"));
            }
            _ => before = Some((day, date)),
        }
    }
    Ok(())
}

fn refused(symbol: &str, provider: &str, field: &str, value: &str, why: &str) -> Result<(), Error> {
    let value = sanitized(value);
    Err(Error::new(
        Kind::InvalidData,
        format!("{provider} sent a {field} of `{value}` for `{symbol}`, which cannot be: {why}"),
    )
    .hint("nothing was stored and what the cache holds is kept; --offline answers from it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Observation, Symbol};

    fn number(text: &str) -> Number {
        Number::parse(text).unwrap()
    }

    fn good(class: Class, price: &str) -> Quote {
        let symbol = Symbol::new(class, "TEST");
        Quote {
            high: Some(number("11")),
            low: Some(number("9")),
            volume: Some(number("0")),
            ..Quote::of(&symbol, "yahoo", number(price))
        }
    }

    fn dated(dates: &[&str]) -> Record {
        let observations = dates
            .iter()
            .map(|date| Observation { date: (*date).to_owned(), value: None })
            .collect();
        Record::Series(Series {
            symbol: "GDP".to_owned(),
            asset_class: "macro".to_owned(),
            data_type: "series".to_owned(),
            provider: "fred".to_owned(),
            observations,
        })
    }

    #[test]
    fn what_is_odd_but_possible_passes() {
        for (class, price) in [
            (Class::Stock, "10"),
            (Class::Stock, "0.00001"),
            (Class::Stock, "250"),
            (Class::Macro, "-0.5"),
            (Class::Macro, "0"),
        ] {
            assert!(record(&Record::from(good(class, price))).is_ok(), "{price}");
        }
        assert!(record(&dated(&["1946-01-01", "1946-04-01"])).is_ok());
        assert!(record(&dated(&["1946-01-01"])).is_ok());
    }

    #[test]
    fn what_cannot_be_a_price_is_refused() {
        for class in [Class::Stock, Class::Crypto, Class::Fx, Class::Index] {
            for price in ["0", "-0", "0.00000000", "-1", "1e-400"] {
                let error = record(&Record::from(good(class, price))).unwrap_err();
                assert_eq!(error.kind, Kind::InvalidData);
                for part in ["TEST", "yahoo", "price", price] {
                    assert!(error.message.contains(part), "{part} in {error}");
                }
                assert!(error.hint.unwrap().contains("nothing was stored"));
            }
        }
    }

    #[test]
    fn a_negative_amount_is_refused_whatever_it_is_of() {
        for field in ["previous_close", "open", "high", "low", "bid", "ask", "volume"] {
            let mut quote = good(Class::Stock, "10");
            *match field {
                "previous_close" => &mut quote.previous_close,
                "open" => &mut quote.open,
                "high" => &mut quote.high,
                "low" => &mut quote.low,
                "bid" => &mut quote.bid,
                "ask" => &mut quote.ask,
                _ => &mut quote.volume,
            } = Some(number("-1"));
            let error = record(&Record::from(quote)).unwrap_err();
            assert!(error.message.contains(&format!("a {field} of `-1`")), "{error}");
        }
    }

    #[test]
    fn a_high_below_the_low_is_refused() {
        let quote = Quote { high: Some(number("8.9")), ..good(Class::Stock, "10") };
        let error = record(&Record::from(quote)).unwrap_err();
        assert_eq!(
            error.message,
            "yahoo sent a high of `8.9` for `TEST`, which cannot be: it is below the low of 9"
        );
    }

    #[test]
    fn a_series_has_dates_that_ascend() {
        for (dates, why) in [
            (&[][..], "at least one"),
            (&["1946-01-01", "1946-01-01"], "twice"),
            (&["1946-04-01", "1946-01-01"], "behind"),
            (&["1946-13-01"], "not a date"),
            (&["19460101"], "not a date"),
            (&[""], "not a date"),
        ] {
            let error = record(&dated(dates)).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidData);
            assert!(error.message.contains(why), "{error}");
        }
    }
}
