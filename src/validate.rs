//! Refuses what cannot be market data, before it can replace what is.
//!
//! Only what is impossible is refused, never what is merely odd: a price outside of the day's
//! range happens (ranges lag, and auctions are not counted in), and so does a fall of ninety
//! percent. It never mends a value, and it asks nobody: a record is judged by itself.

use crate::calendar::Date;
use crate::error::{Error, Kind, sanitized};
use crate::market::{Bar, Class, Interval, Page, Quote, Record, Series, Symbol};
use crate::number::Number;
use crate::span::Span;
use crate::time::Timestamp;

/// No quote was sent by a program before 1980, in seconds UTC. Seconds that are read as milliseconds are
/// of January 1970.
const EARLIEST: i64 = 315_532_800;

/// The year 2100, in seconds UTC: microseconds that are taken for milliseconds lie far behind it.
const LATEST: i64 = 4_102_444_800;

/// Refuses a record that cannot be true: a price that is not above zero, a negative amount, a
/// high below the low; a series that is empty, or whose dates are no dates, doubled or not
/// ascending. The values of an economy may be negative or zero.
pub fn record(record: &Record) -> Result<(), Error> {
    match record {
        Record::Quote(checked) => quote(checked),
        Record::Series(checked) => series(checked),
        // Nothing is known of what it could be.
        Record::Payload(_) => Ok(()),
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
    // Only what a macro series said last, before it was given up, may be older: it has passed.
    let time = quote.time.as_deref().and_then(|time| Timestamp::parse(time).ok());
    let may_be = Timestamp::from_seconds(EARLIEST)..Timestamp::from_seconds(LATEST);
    if let Some(time) = time.filter(|time| !may_be.contains(time)) {
        let why = "nothing was quoted then: are its times in another unit?";
        return refused(&quote.symbol, &quote.provider, "time", &time.to_string(), why);
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
        return refuse("list of observations", "[]", "a series has at least one");
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

/// Refuses bars and events that cannot be true of the bars of an interval in a span: a price that
/// is not above zero, a high below the low, a negative volume; times that
/// do not ascend, lie outside of the span or have dates that are not theirs; a split into nothing.
pub fn page(
    symbol: &Symbol,
    provider: &str,
    interval: Interval,
    span: Span,
    page: &Page,
) -> Result<(), Error> {
    match flaw(interval, span, page) {
        Some((field, value, why)) => refused(symbol.name(), provider, field, &value, &why),
        None => Ok(()),
    }
}

/// Refuses the same of a file, which nobody has sent and which can be mended.
pub fn carried(symbol: &Symbol, interval: Interval, span: Span, page: &Page) -> Result<(), Error> {
    let Some((field, value, why)) = flaw(interval, span, page) else { return Ok(()) };
    let (field, symbol) = (with_article(field), symbol.name());
    let message = format!("it holds {field} of `{value}` for `{symbol}`, which cannot be: {why}");
    Err(Error::new(Kind::InvalidData, message)
        .hint("nothing of this series was taken: mend the file, and import it again"))
}

/// The first thing in a page that cannot be: its name, its value, and why.
fn flaw(interval: Interval, span: Span, page: &Page) -> Option<(&'static str, String, String)> {
    let flaw = |field, value: &dyn std::fmt::Display, why: &str| {
        Some((field, value.to_string(), why.to_owned()))
    };
    let bars = &page.bars;
    let dated = if interval.is_intraday() { 0 } else { bars.len() };
    if bars.days.len() != dated {
        return flaw("date", &bars.days.len(), "days have one each and shorter bars have none");
    }
    let mut before: Option<Bar> = None;
    for bar in (0..bars.len()).map(|at| bars.bar(at)) {
        let time = Timestamp::from_ms(bar.time);
        if let Some((field, value, why)) = impossible(&bar) {
            let day = bar.day.filter(|_| field != "date");
            let date = day.map(|day| Date::from_days(day.into()).to_string());
            let of = date.unwrap_or_else(|| time.to_string());
            return flaw(field, &value, &format!("{why} (the bar of {of})"));
        }
        if before.is_some_and(|before| {
            before.time >= bar.time || before.day >= bar.day.or(Some(i32::MAX))
        }) {
            return flaw("bar", &time, "it does not stand behind all that are earlier");
        }
        if !span.contains(time) {
            return flaw("bar", &time, "it was not asked for");
        }
        before = Some(bar);
    }
    for split in &page.events.splits {
        let sound = |shares: f64| shares.is_finite() && shares > 0.0;
        if !sound(split.numerator) || !sound(split.denominator) {
            let into = format!("{} for {}", split.numerator, split.denominator);
            return flaw("split", &into, "both numbers must be above zero");
        }
    }
    let below =
        page.events.dividends.iter().find(|paid| !(paid.amount >= 0.0 && paid.amount.is_finite()));
    below.and_then(|paid| flaw("dividend", &paid.amount, "it must not be negative"))
}

/// What of a bar cannot be, and why; what is NaN was not sent.
fn impossible(bar: &Bar) -> Option<(&'static str, f64, &'static str)> {
    /// No exchange's date is further from that of UTC.
    const DAY_MS: i64 = 86_400_000;
    let Bar { open, high, low, close, volume, adjusted, .. } = *bar;
    for (field, price) in [
        ("open", open),
        ("high", high),
        ("low", low),
        ("close", close),
        ("adjusted_close", adjusted),
    ] {
        if price.is_infinite() {
            return Some((field, price, "it is not finite"));
        }
        if price <= 0.0 {
            return Some((field, price, "it must be above zero"));
        }
    }
    if close.is_nan() {
        return Some(("close", close, "a bar has one"));
    }
    if volume < 0.0 || volume.is_infinite() {
        return Some(("volume", volume, "it must be finite and not negative"));
    }
    if high < low {
        return Some(("high", high, "it is below the low"));
    }
    let utc = bar.time.div_euclid(DAY_MS);
    let apart = bar.day.map_or(0, |day| (i64::from(day) - utc).abs());
    (apart > 1).then(|| ("date", f64::from(bar.day.unwrap_or(0)), "it is not the bar's"))
}

fn refused(symbol: &str, provider: &str, field: &str, value: &str, why: &str) -> Result<(), Error> {
    let (field, value) = (with_article(field), sanitized(value));
    Err(Error::new(
        Kind::InvalidData,
        format!("{provider} sent {field} of `{value}` for `{symbol}`, which cannot be: {why}"),
    )
    .hint("nothing was stored and what the cache holds is kept; --offline answers from it"))
}

/// The name of what was sent, as a sentence has it.
fn with_article(field: &str) -> String {
    let article = if field.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {field}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Dividend, Observation, Split};

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
            let article = if ["open", "ask"].contains(&field) { "an" } else { "a" };
            assert!(error.message.contains(&format!(" {article} {field} of `-1`")), "{error}");
        }
    }

    #[test]
    fn a_time_in_another_unit_is_refused() {
        for (time, may_be) in [
            ("2026-07-01T14:00:00Z", true),
            ("1970-01-21T15:20:00Z", false),
            ("5138-11-16T09:46:39Z", false),
        ] {
            let quote = Quote { time: Some(time.to_owned()), ..good(Class::Stock, "10") };
            let checked = record(&Record::from(quote));
            assert_eq!(checked.is_ok(), may_be, "{time}");
            assert!(checked.err().is_none_or(|error| error.message.contains("another unit")));
            let quote = Quote { time: Some(time.to_owned()), ..good(Class::Macro, "10") };
            assert!(record(&Record::from(quote)).is_ok(), "a series may have been given up");
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

    const DAY_MS: i64 = 86_400_000;

    /// What is done to good bars.
    type Change = fn(&mut Page);

    fn checked(interval: Interval, change: impl FnOnce(&mut Page)) -> Result<(), Error> {
        let mut sent = Page::default();
        for day in 0..3 {
            let time = i64::from(day) * DAY_MS;
            let (open, high, low, close) = (2.0, 3.0, 1.0, 2.5);
            let (day, volume, adjusted) = (Some(day), 7.0, f64::NAN);
            let bar = Bar { time, day, open, high, low, close, volume, adjusted };
            sent.bars.push(bar);
        }
        sent.events.splits.push(Split { at_ms: 0, day: 0, numerator: 4.0, denominator: 1.0 });
        sent.events.dividends.push(Dividend {
            at_ms: 0,
            day: 0,
            amount: 0.0,
            is_capital_gain: false,
        });
        change(&mut sent);
        let span = Span::new(Timestamp::from_ms(0), Timestamp::from_ms(3 * DAY_MS)).unwrap();
        page(&Symbol::new(Class::Stock, "TEST"), "yahoo", interval, span, &sent)
    }

    #[test]
    fn bars_that_are_odd_but_possible_pass() {
        let odd: [Change; 6] = [
            |_| (),
            |page| *page = Page::default(),
            |page| page.bars.volume[0] = 0.0,
            |page| [page.bars.open[0], page.bars.high[0], page.bars.volume[0]] = [f64::NAN; 3],
            // Ranges are rounded in other ways, and auctions are not counted in.
            |page| page.bars.open[1] = 3.1,
            |page| page.bars.days[2] = 3,
        ];
        for change in odd {
            checked(Interval::Day1, change).unwrap();
        }
        checked(Interval::Hour1, |page| page.bars.days.clear()).unwrap();
    }

    #[test]
    fn bars_that_cannot_be_are_refused() {
        let wrong: [(&str, Change); 18] = [
            ("open", |page| page.bars.open[1] = 0.0),
            ("low", |page| page.bars.low[1] = -1.0),
            ("close", |page| page.bars.close[1] = f64::NAN),
            ("high", |page| page.bars.high[1] = f64::INFINITY),
            ("adjusted_close", |page| page.bars.adjusted[1] = -0.5),
            ("high", |page| page.bars.high[1] = 0.9),
            ("volume", |page| page.bars.volume[1] = -1.0),
            ("volume", |page| page.bars.volume[1] = f64::INFINITY),
            ("bar", |page| page.bars.times[1] = 0),
            ("bar", |page| page.bars.times[2] = 3 * DAY_MS),
            ("bar", |page| page.bars.days[1] = 0),
            ("date", |page| page.bars.days[2] = 9),
            ("date", |page| page.bars.days[2] = i32::MAX),
            ("date", |page| page.bars.days[2] = i32::MIN),
            ("date", |page| page.bars.days.clear()),
            ("split", |page| page.events.splits[0].denominator = 0.0),
            ("split", |page| page.events.splits[0].numerator = f64::NAN),
            ("dividend", |page| page.events.dividends[0].amount = -0.1),
        ];
        for (field, change) in wrong {
            let error = checked(Interval::Day1, change).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidData);
            let field = with_article(field);
            assert!(error.message.contains(&format!("{field} of `")), "{field}: {error}");
            assert!(error.message.contains("TEST") && error.message.contains("yahoo"), "{error}");
        }
    }
}
