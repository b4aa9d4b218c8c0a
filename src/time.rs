//! Instants in milliseconds UTC, and how they are written.
//!
//! It never asks what time it is: that is [`clock`](crate::clock)'s.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::error::{Usage, sanitized};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The instant after every other: what never comes.
    pub const NEVER: Self = Self(i64::MAX);

    /// The instant this many milliseconds after the epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// The instant this many seconds after the epoch.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The time from `earlier` to this instant; zero if `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whole days since the epoch, in UTC.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(86_400_000)
    }

    /// The hour of the day in UTC, 0 to 23.
    pub const fn hour(self) -> i64 {
        self.0.rem_euclid(86_400_000) / 3_600_000
    }

    /// Midnight UTC of a date written `2026-07-01`, and in no other way.
    pub fn from_date(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok()?;
        // The parser takes more than it writes (`20260701`, a time behind the date).
        if date.to_string() != text {
            return None;
        }
        let midnight = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
        Some(Self(midnight.timestamp().as_millisecond()))
    }

    /// The instant of a date as HTTP writes it: `Wed, 01 Jul 2026 15:02:00 GMT`.
    pub fn from_http_date(text: &str) -> Option<Self> {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
        Some(Self(date.as_millisecond()))
    }

    /// Parses RFC 3339 with an offset, or a date alone, which means midnight UTC.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_millisecond()));
        }
        Self::from_date(text).ok_or_else(|| {
            Usage::new(format!("`{text}` is not a time"))
                .hint("write 2026-07-01T15:00:00Z or 2026-07-01")
        })
    }

    /// The instant, if four digits of a year can say it: `NEVER` is none.
    pub fn in_the_calendar(self) -> Option<Self> {
        jiff::Timestamp::from_millisecond(self.0).is_ok().then_some(self)
    }

    /// The instant with its weekday, for people, and with seconds only if it has any:
    /// `Fri 2026-06-26 20:00 UTC`.
    pub fn for_people(self) -> String {
        let is_whole = self.0.rem_euclid(60_000) < 1000;
        let form = if is_whole { "%a %Y-%m-%d %H:%M UTC" } else { "%a %Y-%m-%d %H:%M:%S UTC" };
        jiff::Timestamp::from_millisecond(self.0)
            .map_or_else(|_| self.to_string(), |at| at.strftime(form).to_string())
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A time zone: whose days and months are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone(jiff::tz::TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(jiff::tz::TimeZone::UTC);

    /// The zone of this name in the IANA database (`America/New_York`), which is built in.
    pub fn parse(name: &str) -> Result<Self, Usage> {
        jiff::tz::TimeZone::get(name).map(Self).map_err(|_| {
            Usage::new(format!("`{}` is not a time zone", sanitized(name)))
                .hint("write a name such as America/New_York, Europe/London or UTC")
        })
    }

    /// How many seconds its clocks are ahead of UTC at an instant.
    pub fn seconds_ahead(&self, instant: Timestamp) -> i64 {
        jiff::Timestamp::from_millisecond(instant.0)
            .map_or(0, |instant| i64::from(self.0.to_offset(instant).seconds()))
    }

    /// The instant that is written in a pattern of strftime, as the clocks there show it: of a date
    /// its start, and of a month that of its first day. What says its distance from UTC, or counts
    /// seconds, needs no zone. None if the text is not so written.
    pub fn read(&self, text: &str, pattern: &str) -> Option<Timestamp> {
        let mut parts = jiff::fmt::strtime::parse(pattern, text).ok()?;
        if let Ok(instant) = parts.to_timestamp() {
            return Some(Timestamp(instant.as_millisecond()));
        }
        if parts.day().is_none() && parts.month().is_some() {
            parts.set_day(Some(1)).ok()?;
        }
        self.instant(parts.to_datetime().ok()?)
    }

    /// The same of what is written as in ISO 8601, with or without a time: `2026-07-01T15:00:00`.
    pub fn read_iso(&self, text: &str) -> Option<Timestamp> {
        match text.parse::<jiff::Timestamp>() {
            Ok(instant) => Some(Timestamp(instant.as_millisecond())),
            Err(_) => self.instant(text.parse().ok()?),
        }
    }

    /// An instant as a pattern of strftime writes it there; none if it is no such pattern.
    pub fn written(&self, instant: Timestamp, pattern: &str) -> Option<String> {
        let instant = jiff::Timestamp::from_millisecond(instant.0).ok()?;
        jiff::fmt::strtime::format(pattern, &instant.to_zoned(self.0.clone())).ok()
    }

    fn instant(&self, shown: jiff::civil::DateTime) -> Option<Timestamp> {
        let zoned = shown.to_zoned(self.0.clone()).ok()?;
        Some(Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// The date that an instant has there.
    fn date(&self, instant: Timestamp) -> jiff::civil::Date {
        jiff::Timestamp::from_millisecond(instant.0)
            .map_or(jiff::civil::Date::MAX, |instant| self.0.to_datetime(instant).date())
    }

    /// The day there, as in `2026-07-01`, and the instant at which the next one begins.
    pub fn day(&self, instant: Timestamp) -> (String, Timestamp) {
        let date = self.date(instant);
        (date.to_string(), self.start(date.tomorrow().ok()))
    }

    /// The month there, as in `2026-07`, and the instant at which the next one begins.
    pub fn month(&self, instant: Timestamp) -> (String, Timestamp) {
        let date = self.date(instant);
        (date.strftime("%Y-%m").to_string(), self.start(date.last_of_month().tomorrow().ok()))
    }

    /// When a date begins there: not always at midnight, which a clock put forward may skip.
    fn start(&self, date: Option<jiff::civil::Date>) -> Timestamp {
        date.and_then(|date| date.to_zoned(self.0.clone()).ok())
            .map_or(Timestamp::NEVER, |start| Timestamp(start.timestamp().as_millisecond()))
    }
}

/// RFC 3339 in UTC, with milliseconds only where there are some.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => f.write_str(if self.0 < 0 { "the beginning of time" } else { "never" }),
        }
    }
}

/// As it is written everywhere else; what is never is nothing to a program.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.in_the_calendar() {
            Some(instant) => serializer.collect_str(&instant),
            None => serializer.serialize_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_reads_back_as_it_was_written() {
        for text in ["2026-07-01T15:00:00Z", "1962-01-02T14:30:00Z", "2026-07-01T15:00:00.123Z"] {
            let instant = Timestamp::parse(text).unwrap();
            assert_eq!(instant.to_string(), text);
        }
        assert_eq!(
            Timestamp::parse("2026-07-01").unwrap(),
            Timestamp::parse("2026-07-01T02:00:00+02:00").unwrap(),
        );
    }

    #[test]
    fn never_is_a_word_to_people_and_nothing_to_programs() {
        assert_eq!(Timestamp::NEVER.to_string(), "never");
        let json = |at: Timestamp| serde_json::to_string(&at).unwrap();
        assert_eq!(json(Timestamp::NEVER), "null");
        assert_eq!(json(Timestamp::from_seconds(1_000_000_000_000)), "null");
        assert_eq!(json(Timestamp::from_seconds(0)), "\"1970-01-01T00:00:00Z\"");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in ["", "yesterday", "2026-13-01", "2026-07-01T15:00:00", "1e9"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_date_has_one_spelling() {
        assert_eq!(Timestamp::from_date("2024-07-01").unwrap().to_string(), "2024-07-01T00:00:00Z");
        for text in ["20240701", "2024-07-01T00:00:00", "2024-02-30", "2024-7-1", ""] {
            assert_eq!(Timestamp::from_date(text), None, "{text}");
        }
    }

    #[test]
    fn days_and_months_end_where_their_zone_says() {
        let at = |text| Timestamp::parse(text).unwrap();
        let new_york = Zone::parse("America/New_York").unwrap();
        for (zone, now, day, next_day, month, next_month) in [
            (
                &Zone::UTC,
                "2026-07-01T15:00:00Z",
                "2026-07-01",
                "2026-07-02",
                "2026-07",
                "2026-08-01",
            ),
            (
                &new_york,
                "2026-07-01T03:59:59Z",
                "2026-06-30",
                "2026-07-01T04:00:00Z",
                "2026-06",
                "2026-07-01T04:00:00Z",
            ),
            // The clocks go back on this day: it has 25 hours.
            (
                &new_york,
                "2026-11-01T04:00:00Z",
                "2026-11-01",
                "2026-11-02T05:00:00Z",
                "2026-11",
                "2026-12-01T05:00:00Z",
            ),
            (
                &Zone::UTC,
                "2026-12-31T23:59:59Z",
                "2026-12-31",
                "2027-01-01",
                "2026-12",
                "2027-01-01",
            ),
        ] {
            assert_eq!(zone.day(at(now)), (day.to_owned(), at(next_day)), "{now}");
            assert_eq!(zone.month(at(now)), (month.to_owned(), at(next_month)), "{now}");
        }
        assert!(Zone::parse("Mars/Olympus").unwrap_err().hint.is_some());
    }

    #[test]
    fn what_clocks_show_is_read_where_they_are() {
        let new_york = Zone::parse("America/New_York").unwrap();
        for (zone, text, pattern, expected) in [
            (&Zone::UTC, "31/01/2024", "%d/%m/%Y", Some("2024-01-31T00:00:00Z")),
            (&new_york, "2024-07-01 09:30", "%Y-%m-%d %H:%M", Some("2024-07-01T13:30:00Z")),
            (&new_york, "2024-07", "%Y-%m", Some("2024-07-01T04:00:00Z")),
            (
                &new_york,
                "2024-07-01 09:30 +0200",
                "%Y-%m-%d %H:%M %z",
                Some("2024-07-01T07:30:00Z"),
            ),
            (&new_york, "1720000000", "%s", Some("2024-07-03T09:46:40Z")),
            (&Zone::UTC, "2024-07-01", "%H:%M", None),
            (&Zone::UTC, "2024-02-30", "%Y-%m-%d", None),
            (&Zone::UTC, "2024-07-01x", "%Y-%m-%d", None),
            (&Zone::UTC, "2024", "%Y", None),
        ] {
            let read = zone.read(text, pattern).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text} {pattern}");
        }
        for (text, expected) in [
            ("2024-07-01T09:30:00", Some("2024-07-01T13:30:00Z")),
            ("2024-07-01 09:30:00", Some("2024-07-01T13:30:00Z")),
            ("2024-07-01", Some("2024-07-01T04:00:00Z")),
            ("2024-07-01T00:00:00+00:00", Some("2024-07-01T00:00:00Z")),
            ("yesterday", None),
        ] {
            let read = new_york.read_iso(text).map(|at| at.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        let at = Timestamp::parse("2024-07-01T13:30:00Z").unwrap();
        assert_eq!(new_york.written(at, "%d %H:%M").as_deref(), Some("01 09:30"));
        assert_eq!(new_york.written(at, "%!"), None);
    }

    #[test]
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::NEVER + Duration::from_secs(1), Timestamp::NEVER);
        assert_eq!(Timestamp::from_ms(5).since(Timestamp::from_ms(9)), Duration::ZERO);
        assert_eq!(Timestamp::from_ms(-1).day(), -1);
        assert_eq!(Timestamp::from_ms(-1).hour(), 23);
    }
}
