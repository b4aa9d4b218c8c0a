//! Instants in milliseconds UTC, and how they are written.
//!
//! It never asks what time it is: that is [`clock`](crate::clock)'s.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use crate::error::Usage;

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

/// RFC 3339 in UTC, with milliseconds only where there are some.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => f.write_str(if self.0 < 0 { "the beginning of time" } else { "never" }),
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
    fn arithmetic_saturates_instead_of_wrapping() {
        assert_eq!(Timestamp::NEVER + Duration::from_secs(1), Timestamp::NEVER);
        assert_eq!(Timestamp::from_ms(5).since(Timestamp::from_ms(9)), Duration::ZERO);
        assert_eq!(Timestamp::from_ms(-1).day(), -1);
        assert_eq!(Timestamp::from_ms(-1).hour(), 23);
    }
}
