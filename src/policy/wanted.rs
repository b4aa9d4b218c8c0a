//! Which span of a series is meant by what people say: dates, instants, `1y`, `ytd`.
//!
//! Dates are those of the exchange, and where that is not known, of UTC. Nothing ends later than now:
//! no bar has begun that begins then.

use std::fmt;
use std::time::Duration;

use super::finality::{first_day, next_day};
use crate::calendar::{Calendars, Date, Exchange};
use crate::error::{Usage, nearest, sanitized};
use crate::market::Interval;
use crate::span::Span;
use crate::time::Timestamp;

/// 1900-01-01: before it nothing is looked for unless somebody says a date.
pub const EPOCH_OF_MARKETS: Date = Date::from_days(-25_567);

/// How many years one may look back.
const MOST_YEARS: u32 = 200;

/// Where a span begins or ends, as it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// All of a date of the exchange.
    Day(Date),
    /// An instant.
    Instant(Timestamp),
}

impl Edge {
    /// Reads a date, or RFC 3339.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        if let Some(date) = Date::parse(text) {
            return Ok(Self::Day(date));
        }
        let wrong = |_| {
            Usage::new(format!("`{}` is neither a date nor a time", sanitized(text)))
                .hint("write 2026-07-01, a date of the exchange, or 2026-07-01T15:00:00Z")
        };
        Timestamp::parse(text).map(Self::Instant).map_err(wrong)
    }
}

/// As it is read.
impl fmt::Display for Edge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(date) => date.fmt(f),
            Self::Instant(at) => at.fmt(f),
        }
    }
}

/// How far back a span begins before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// So many sessions, the last one that has begun included.
    Days(u32),
    /// On the same day of the week, so many weeks before.
    Weeks(u32),
    /// On the same day, so many months before, or the last day of that month.
    Months(u32),
    /// On the same day, so many years before.
    Years(u32),
    /// On the first of January.
    YearToDate,
    /// On [1900-01-01](EPOCH_OF_MARKETS).
    Max,
}

impl Period {
    /// Reads a period as people write it: `5d`, `1wk`, `3mo`, `20y`, `ytd`, `max`.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        const KNOWN: [&str; 10] =
            ["1d", "5d", "1wk", "1mo", "3mo", "6mo", "1y", "5y", "ytd", "max"];
        const FORM: &str = "write 5d (sessions), 1wk, 3mo, 20y, ytd or max";
        let wrong = || Usage::new(format!("`{}` is not a period", sanitized(text)));
        let lower = text.to_ascii_lowercase();
        let digits = lower.find(|c: char| !c.is_ascii_digit()).unwrap_or(lower.len());
        let (count, unit) = lower.split_at(digits);
        // A minute is no period, and a month is `1M` at the exchanges.
        let unit = if unit == "m" && text.ends_with('M') { "mo" } else { unit };
        if count.is_empty() {
            return match unit {
                "ytd" => Ok(Self::YearToDate),
                "max" => Ok(Self::Max),
                _ => Err(wrong().hint(match nearest(&lower, KNOWN) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => FORM.to_owned(),
                })),
            };
        }
        // What has too many digits is too long.
        let count = count.parse().unwrap_or(u32::MAX);
        let (period, per_year): (fn(u32) -> Self, u32) = match unit {
            "d" => (Self::Days, 366),
            "wk" | "w" => (Self::Weeks, 53),
            "mo" => (Self::Months, 12),
            "y" => (Self::Years, 1),
            "m" => return Err(wrong().hint(format!("a month is `{count}mo`"))),
            "" => return Err(wrong().hint(format!("did you mean `{count}d`?"))),
            _ => return Err(wrong().hint(FORM)),
        };
        if count == 0 {
            return Err(wrong().hint("the shortest is 1d"));
        }
        if count > MOST_YEARS * per_year {
            return Err(wrong().hint(format!("the longest is {MOST_YEARS}y, and `max` is all")));
        }
        Ok(period(count))
    }

    /// The period that is meant when none is said.
    pub fn usual(interval: Interval) -> Self {
        if interval.is_intraday() { Self::Days(5) } else { Self::Years(1) }
    }
}

/// What is said of the span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its first date or instant.
    pub from: Option<Edge>,
    /// Its last date, or the first instant after it.
    pub to: Option<Edge>,
    /// How far back it begins before its end.
    pub period: Option<Period>,
}

impl Asked {
    /// The span in which the bars begin that are meant; of weeks and months always whole ones.
    pub fn span(
        &self,
        interval: Interval,
        calendars: &Calendars,
        exchange: Option<Exchange>,
        now: Timestamp,
    ) -> Result<Span, Usage> {
        let dates = Dates { calendars, exchange: exchange.unwrap_or(Exchange::ALWAYS) };
        if self.from.is_some() && self.period.is_some() {
            return Err(Usage::new("--from and --period cannot both be said")
                .hint("a period ends at --to, or now; --from and --to need none"));
        }
        // What begins now is in it.
        let open_end = now + Duration::from_millis(1);
        let said_end = self.to.map(|to| match to {
            Edge::Day(date) => dates.start(date.plus(1)),
            Edge::Instant(at) => at,
        });
        let end = said_end.unwrap_or(open_end).min(open_end);
        let start = match self.from {
            Some(Edge::Day(date)) => dates.start(date),
            Some(Edge::Instant(at)) => at,
            None => dates.back(self.period.unwrap_or(Period::usual(interval)), end),
        };
        self.check(start, said_end, now)?;
        let span = Span::new(start, end).ok_or_else(|| self.backwards(start))?;
        Ok(dates.widened(interval, span, open_end))
    }

    /// Refuses what begins too late or too early.
    fn check(
        &self,
        start: Timestamp,
        said_end: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Usage> {
        if said_end.is_some_and(|end| end <= start) {
            return Err(self.backwards(start));
        }
        let of = self.from.map(|from| format!("--from {from}")).unwrap_or_default();
        if start > now {
            return Err(Usage::new(format!("{of} is in the future")).hint(format!("it is {now}")));
        }
        let year = |at: Timestamp| Date::from_days(at.day()).parts().0;
        let earliest = (year(now) - i64::from(MOST_YEARS)).min(EPOCH_OF_MARKETS.parts().0);
        if year(start) < earliest {
            let said = if of.is_empty() { "the period" } else { &of };
            return Err(Usage::new(format!("{said} begins before the year {earliest}"))
                .hint("--period max is all that there is"));
        }
        Ok(())
    }

    /// The mistake of an end that is not after the start.
    fn backwards(&self, start: Timestamp) -> Usage {
        let from = self.from.map_or_else(|| start.to_string(), |from| from.to_string());
        let to = self.to.map_or_else(|| "now".to_owned(), |to| to.to_string());
        Usage::new(format!("--to {to} is not after --from {from}"))
            .hint("dates are the exchange's, and --to is included; an instant is not")
    }
}

/// The dates of an exchange.
struct Dates<'a> {
    calendars: &'a Calendars,
    exchange: Exchange,
}

impl Dates<'_> {
    fn start(&self, date: Date) -> Timestamp {
        self.calendars.day_start(self.exchange, date)
    }

    fn of(&self, at: Timestamp) -> Date {
        self.calendars.trading_date(self.exchange, at)
    }

    /// Where a period begins that ends at an instant.
    fn back(&self, period: Period, end: Timestamp) -> Timestamp {
        let last = self.of(end - Duration::from_millis(1));
        let (year, ..) = last.parts();
        self.start(match period {
            Period::Days(count) => self.sessions_back(count, last, end),
            Period::Weeks(count) => last.plus(-7 * i64::from(count)),
            Period::Months(count) => months_back(last, count),
            Period::Years(count) => months_back(last, count.saturating_mul(12)),
            Period::YearToDate => Date::new(year, 1, 1).unwrap_or(Date::MIN),
            Period::Max => EPOCH_OF_MARKETS,
        })
    }

    /// The date of the session so many sessions back, counting the last one that begins before an
    /// end.
    fn sessions_back(&self, count: u32, last: Date, end: Timestamp) -> Date {
        // More than enough for every weekend and holiday, unless somebody closes it for years.
        let most = i64::from(count) * 2 + 60;
        let earlier = (0..most).map(|before| last.plus(-before));
        let mut sessions = earlier.filter(|date| {
            let session = self.calendars.session(self.exchange, *date);
            session.is_some_and(|session| session.open < end)
        });
        let at = usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(1);
        sessions.nth(at).unwrap_or(last.plus(-most))
    }

    /// The whole weeks, or months, that a span has a part in, as far as they have begun.
    fn widened(&self, interval: Interval, span: Span, open_end: Timestamp) -> Span {
        if !matches!(interval, Interval::Week1 | Interval::Month1) {
            return span;
        }
        let last = self.of(span.end() - Duration::from_millis(1));
        let start = self.start(first_day(interval, self.of(span.start())));
        let end = self.start(next_day(interval, last)).min(open_end);
        Span::new(start, end).unwrap_or(span)
    }
}

/// The same day so many months before, or the last day of that month.
fn months_back(date: Date, count: u32) -> Date {
    let (year, month, day) = date.parts();
    let months = year * 12 + i64::from(month) - 1 - i64::from(count);
    let (year, month) = (months.div_euclid(12), u8::try_from(months.rem_euclid(12) + 1));
    let found = month.ok().and_then(|month| {
        (day.saturating_sub(3)..=day).rev().find_map(|day| Date::new(year, month, day))
    });
    found.unwrap_or(Date::MIN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn asked(from: &str, to: &str, period: &str) -> Asked {
        let edge = |text: &str| (!text.is_empty()).then(|| Edge::parse(text).unwrap());
        let period = (!period.is_empty()).then(|| Period::parse(period).unwrap());
        Asked { from: edge(from), to: edge(to), period }
    }

    /// A Wednesday, an hour and a half after New York has opened.
    const NOW: &str = "2026-07-01T15:00:00Z";
    const AFTER_NOW: &str = "2026-07-01T15:00:00.001Z";

    fn found(said: Asked, interval: Interval, exchange: &str) -> Result<(String, String), Usage> {
        let calendars = Calendars::default();
        let span = said.span(interval, &calendars, Exchange::from_name(exchange), at(NOW))?;
        Ok((span.start().to_string(), span.end().to_string()))
    }

    #[test]
    fn a_period_is_read_as_people_write_it() {
        for (text, period) in [
            ("5d", Period::Days(5)),
            ("1wk", Period::Weeks(1)),
            ("2W", Period::Weeks(2)),
            ("3mo", Period::Months(3)),
            ("3M", Period::Months(3)),
            ("20y", Period::Years(20)),
            ("200Y", Period::Years(200)),
            ("ytd", Period::YearToDate),
            ("MAX", Period::Max),
        ] {
            assert_eq!(Period::parse(text), Ok(period), "{text}");
        }
    }

    #[test]
    fn what_is_no_period_is_refused_with_what_would_be_right() {
        for (text, hint) in [
            ("", "write 5d"),
            ("ytdd", "did you mean `ytd`?"),
            ("mx", "did you mean `max`?"),
            ("3m", "a month is `3mo`"),
            ("5", "did you mean `5d`?"),
            ("5x", "write 5d"),
            ("-5d", "did you mean `5d`?"),
            ("1.5y", "write 5d"),
            ("0d", "the shortest is 1d"),
            ("201y", "the longest is 200y"),
            ("2401mo", "the longest is 200y"),
            ("99999999999999999999d", "the longest is 200y"),
            ("5 d", "write 5d"),
            ("yearly", "write 5d"),
        ] {
            let usage = Period::parse(text).unwrap_err();
            assert!(usage.hint.as_ref().unwrap().starts_with(hint), "{text}: {usage:?}");
        }
    }

    #[test]
    fn an_edge_is_a_date_of_the_exchange_or_an_instant() {
        for text in ["2026-07-01", "2026-07-01T15:00:00Z"] {
            assert_eq!(Edge::parse(text).unwrap().to_string(), text);
        }
        let there = Edge::parse("2026-07-01T11:00:00-04:00");
        assert_eq!(there, Ok(Edge::Instant(at(NOW))));
        for text in ["", "yesterday", "20260701", "2026-02-30", "2026-07-01T15:00:00", "1m"] {
            assert!(Edge::parse(text).unwrap_err().hint.is_some(), "{text}");
        }
    }

    /// From, to, period, interval, exchange; start and end.
    #[rustfmt::skip]
    const SPANS: [(&str, &str, &str, Interval, &str, &str, &str); 22] = [
        ("2026-06-01", "2026-06-02", "", Interval::Day1, "XNYS", "2026-06-01T04:00:00Z", "2026-06-03T04:00:00Z"),
        ("2026-03-08", "2026-03-08", "", Interval::Day1, "XNYS", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"),
        ("2026-06-01", "2026-06-02", "", Interval::Day1, "XTKS", "2026-05-31T15:00:00Z", "2026-06-02T15:00:00Z"),
        ("2026-06-01", "2026-06-02", "", Interval::Day1, "FX", "2026-05-31T21:00:00Z", "2026-06-02T21:00:00Z"),
        ("2026-06-01", "2026-06-02", "", Interval::Day1, "", "2026-06-01T00:00:00Z", "2026-06-03T00:00:00Z"),
        ("2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z", "", Interval::Minute1, "XNYS", "2026-06-01T12:00:00Z", "2026-06-01T13:00:00Z"),
        // What has not begun is not missing.
        ("2026-07-01", "2027-01-01", "", Interval::Day1, "XNYS", "2026-07-01T04:00:00Z", AFTER_NOW),
        (NOW, "", "", Interval::Minute1, "XNYS", NOW, AFTER_NOW),
        // The usual periods.
        ("", "", "", Interval::Day1, "XNYS", "2025-07-01T04:00:00Z", AFTER_NOW),
        ("", "", "", Interval::Minute1, "XNYS", "2026-06-25T04:00:00Z", AFTER_NOW),
        ("", "2026-06-02", "", Interval::Hour1, "XNYS", "2026-05-27T04:00:00Z", "2026-06-03T04:00:00Z"),
        // Sessions: over a weekend and Juneteenth; of a day before its open the ones before it.
        ("", "2026-06-22", "2d", Interval::Day1, "XNYS", "2026-06-18T04:00:00Z", "2026-06-23T04:00:00Z"),
        ("", "2026-07-01T13:30:00Z", "1d", Interval::Minute1, "XNYS", "2026-06-30T04:00:00Z", "2026-07-01T13:30:00Z"),
        ("", "", "5d", Interval::Day1, "24/7", "2026-06-27T00:00:00Z", AFTER_NOW),
        ("", "", "5d", Interval::Day1, "", "2026-06-27T00:00:00Z", AFTER_NOW),
        // By the calendar.
        ("", "2026-05-31", "3mo", Interval::Day1, "XNYS", "2026-02-28T05:00:00Z", "2026-06-01T04:00:00Z"),
        ("", "", "1wk", Interval::Day1, "XNYS", "2026-06-24T04:00:00Z", AFTER_NOW),
        ("", "", "ytd", Interval::Day1, "XNYS", "2026-01-01T05:00:00Z", AFTER_NOW),
        ("", "", "max", Interval::Day1, "24/7", "1900-01-01T00:00:00Z", AFTER_NOW),
        // Whole weeks and months.
        ("2026-05-28", "2026-06-10", "", Interval::Week1, "XNYS", "2026-05-25T04:00:00Z", "2026-06-15T04:00:00Z"),
        ("2026-05-28", "2026-06-10", "", Interval::Month1, "XNYS", "2026-05-01T04:00:00Z", "2026-07-01T04:00:00Z"),
        ("", "", "1mo", Interval::Week1, "XNYS", "2026-06-01T04:00:00Z", AFTER_NOW),
    ];

    #[test]
    fn a_span_is_what_was_said_in_the_exchanges_dates() {
        for (from, to, period, interval, exchange, start, end) in SPANS {
            let span = found(asked(from, to, period), interval, exchange);
            let expected = Ok((start.to_owned(), end.to_owned()));
            assert_eq!(span, expected, "{from} {to} {period} {interval:?} {exchange}");
        }
    }

    #[test]
    fn what_makes_no_span_is_refused() {
        for (from, to, period, says) in [
            ("2026-06-01", "", "5d", "--from and --period cannot both be said"),
            ("2026-06-02", "2026-06-01", "", "--to 2026-06-01 is not after --from 2026-06-02"),
            (NOW, NOW, "", "--to 2026-07-01T15:00:00Z is not after --from 2026-07-01T15:00:00Z"),
            ("2026-07-02", "", "", "--from 2026-07-02 is in the future"),
            ("2026-07-02", "2026-07-03", "", "--from 2026-07-02 is in the future"),
            ("2030-01-02", "2030-01-01", "", "--to 2030-01-01 is not after --from 2030-01-02"),
            ("0001-01-01", "", "", "--from 0001-01-01 begins before the year 1826"),
            ("", "1830-01-01", "10y", "the period begins before the year 1826"),
            ("", "1830-01-01", "max", "--to 1830-01-01 is not after --from 1900-01-01T05:00:00Z"),
        ] {
            let usage = found(asked(from, to, period), Interval::Day1, "XNYS").unwrap_err();
            assert_eq!(usage.message, says);
            assert!(usage.hint.is_some(), "{says}");
        }
    }

    #[test]
    fn the_longest_period_of_what_never_opens_ends() {
        let header = "exchange,session,open,close,break_start,break_end".to_owned();
        let lines = (0..20_000).map(|day| format!("XNYS,{},,,,", Date::from_days(day + 1000)));
        let text: Vec<String> = [header].into_iter().chain(lines).collect();
        let stated = crate::calendar::Override::parse_all(&text.join("\n")).unwrap();
        let calendars = Calendars::default().with_days(stated);
        let said = asked("", "2020-01-01", "5d");
        let span = said.span(Interval::Day1, &calendars, Some(Exchange::XNYS), at(NOW)).unwrap();
        assert_eq!(span.end(), at("2020-01-02T05:00:00Z"));
    }

    fn any_edge() -> impl Strategy<Value = Option<Edge>> {
        proptest::option::of(prop_oneof![
            (-60_000..30_000_i64).prop_map(|day| Edge::Day(Date::from_days(day))),
            any::<i64>().prop_map(|ms| Edge::Instant(Timestamp::from_ms(ms))),
            (0..2_000_000_000_000_i64).prop_map(|ms| Edge::Instant(Timestamp::from_ms(ms))),
        ])
    }

    fn any_period() -> impl Strategy<Value = Option<Period>> {
        proptest::option::of(prop_oneof![
            (1..1000_u32).prop_map(Period::Days),
            (1..10_600_u32).prop_map(Period::Weeks),
            (1..2400_u32).prop_map(Period::Months),
            (1..200_u32).prop_map(Period::Years),
            Just(Period::YearToDate),
            Just(Period::Max),
        ])
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_span_lies_before_now_and_in_its_edges(
            from in any_edge(),
            to in any_edge(),
            period in any_period(),
            exchange in proptest::sample::select(Exchange::all().collect::<Vec<_>>()),
            interval in proptest::sample::select(&Interval::ALL[..]),
            now in 946_684_800_000..1_861_920_000_000_i64,
        ) {
            let calendars = Calendars::default();
            let now = Timestamp::from_ms(now);
            let said = Asked { from, to, period };
            let Ok(span) = said.span(interval, &calendars, Some(exchange), now) else {
                return Ok(());
            };
            prop_assert!(span.end() <= now + Duration::from_millis(1));
            let date = |at| calendars.trading_date(exchange, at);
            if let Some(Edge::Day(day)) = from {
                prop_assert!(date(span.start()) <= day);
                prop_assert!(calendars.day_start(exchange, date(span.start())) == span.start());
            }
            if interval <= Interval::Day1
                && let Some(Edge::Day(day)) = to
            {
                prop_assert!(date(span.end() - Duration::from_millis(1)) <= day);
            }
            if let (None, Some(Period::Days(count))) = (from, period)
                && interval <= Interval::Day1
            {
                let last = date(span.end());
                let sessions = calendars.sessions(exchange, date(span.start()), last);
                let begun = sessions.filter(|session| session.open < span.end()).count();
                prop_assert_eq!(begun, usize::try_from(count).unwrap());
            }
        }
    }
}
