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
        if year(start) < year(now) - i64::from(MOST_YEARS) {
            let said = if of.is_empty() { "the period" } else { &of };
            return Err(Usage::new(format!("{said} begins more than {MOST_YEARS} years ago"))
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
