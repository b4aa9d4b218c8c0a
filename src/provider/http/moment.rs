//! When something was: the forms in which upstreams write instants and dates.
//!
//! It never guesses a form: a number is in the unit that was said, and a text in the pattern.

use crate::error::{Usage, nearest, sanitized};
use crate::number::Number;
use crate::time::{Timestamp, Zone};

/// Every form that has a name; any other is a pattern of strftime.
const NAMES: [&str; 5] = ["seconds", "milliseconds", "microseconds", "nanoseconds", "rfc3339"];

/// The instants of which there is a date everywhere: 0001-01-02 to 9999-12-30, in milliseconds.
const INSTANTS: std::ops::RangeInclusive<i64> = -62_135_510_400_000..=253_402_127_999_000;

const DAY_MS: i64 = 86_400_000;

/// How instants are written.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeForm {
    /// What stands for one.
    pub unit: TimeUnit,
    /// Whose clocks show it where that is not said, and whose dates count.
    pub zone: Zone,
}

/// What stands for an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// A number since 1970, of which so many make a millisecond, or which is so many milliseconds.
    Since(Count),
    /// A text as in RFC 3339; also without a time, and without a distance from UTC.
    Rfc3339,
    /// A text in a pattern of strftime.
    Pattern(Box<str>),
}

/// What is counted since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Milliseconds,
    /// Microseconds.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

/// An instant, and the date that it has in its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    pub(super) at: Timestamp,
    /// In days since 1970-01-01.
    pub(super) day: i64,
}

impl Default for TimeForm {
    fn default() -> Self {
        Self { unit: TimeUnit::Rfc3339, zone: Zone::UTC }
    }
}

impl TimeUnit {
    /// Reads the name of a form, or a pattern of strftime that says a date.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        match text {
            "seconds" => return Ok(Self::Since(Count::Seconds)),
            "milliseconds" => return Ok(Self::Since(Count::Milliseconds)),
            "microseconds" => return Ok(Self::Since(Count::Microseconds)),
            "nanoseconds" => return Ok(Self::Since(Count::Nanoseconds)),
            "rfc3339" => return Ok(Self::Rfc3339),
            _ => {}
        }
        let usage = Usage::new(format!("`{}` is no form of a time", sanitized(text)));
        if let Some(near) = nearest(text, NAMES).filter(|_| !text.contains('%')) {
            return Err(usage.hint(format!("did you mean `{near}`?")));
        }
        // What it writes it must read: a pattern without a day, or one that nobody knows, does not.
        let noon = Timestamp::from_seconds(1_782_907_200);
        let written = Zone::UTC.written(noon, text).filter(|_| text.contains('%'));
        match written.and_then(|written| Zone::UTC.read(&written, text)) {
            Some(_) => Ok(Self::Pattern(text.into())),
            None => Err(usage.hint(format!(
                "write {}, or a pattern of strftime with a date such as %Y-%m-%d",
                NAMES.join(", ")
            ))),
        }
    }
}

impl TimeForm {
    /// The instant that a text stands for; none if it is not so written, or too far away.
    pub(super) fn read(&self, text: &str) -> Option<Moment> {
        let text = text.trim();
        let at = match &self.unit {
            TimeUnit::Since(count) => count.read(text)?,
            TimeUnit::Rfc3339 => self.zone.read_iso(text)?,
            TimeUnit::Pattern(pattern) => self.zone.read(text, pattern)?,
        };
        let ms = at.as_ms();
        INSTANTS.contains(&ms).then(|| {
            let local = ms + self.zone.seconds_ahead(at) * 1000;
            Moment { at, day: local.div_euclid(DAY_MS) }
        })
    }
}

impl Count {
    fn read(self, text: &str) -> Option<Timestamp> {
        if let Ok(number) = text.parse::<i128>() {
            let ms = match self {
                Self::Seconds => number.checked_mul(1000)?,
                Self::Milliseconds => number,
                Self::Microseconds => number.div_euclid(1000),
                Self::Nanoseconds => number.div_euclid(1_000_000),
            };
            return i64::try_from(ms).ok().map(Timestamp::from_ms);
        }
        // With a fraction, or an exponent: no instant that is of use has more digits than a float.
        let number = Number::parse(text)?.as_f64();
        let ms = match self {
            Self::Seconds => number * 1e3,
            Self::Milliseconds => number,
            Self::Microseconds => number / 1e3,
            Self::Nanoseconds => number / 1e6,
        };
        // A float that is too large becomes the largest number, which is no date.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is a whole number, or too far away"
        )]
        Some(Timestamp::from_ms(ms.round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(unit: &str, zone: &str, text: &str) -> Option<(String, i64)> {
        let form =
            TimeForm { unit: TimeUnit::parse(unit).unwrap(), zone: Zone::parse(zone).unwrap() };
        form.read(text).map(|moment| (moment.at.to_string(), moment.day))
    }

    #[test]
    fn an_instant_is_read_in_the_unit_that_was_said() {
        for (unit, text, expected) in [
            ("seconds", "1502402520", Some("2017-08-10T22:02:00Z")),
            ("seconds", "1502402520.25", Some("2017-08-10T22:02:00.25Z")),
            ("milliseconds", "1502402520000", Some("2017-08-10T22:02:00Z")),
            ("microseconds", "1502402520000999", Some("2017-08-10T22:02:00Z")),
            ("nanoseconds", "1502402520000000000", Some("2017-08-10T22:02:00Z")),
            ("seconds", "-1", Some("1969-12-31T23:59:59Z")),
            ("seconds", "1502402520000", None),
            ("milliseconds", "1e99", None),
            ("seconds", "170141183460469231731687303715884105727", None),
            ("seconds", "2017-08-10", None),
            ("seconds", "", None),
            ("rfc3339", "2018-01-05T00:00:00.000Z", Some("2018-01-05T00:00:00Z")),
            ("%Y%m%d", "20180105", Some("2018-01-05T00:00:00Z")),
            ("%Y%m%d", "2018-01-05", None),
        ] {
            let found = read(unit, "UTC", text).map(|(at, _)| at);
            assert_eq!(found.as_deref(), expected, "{unit} {text}");
        }
    }

    #[test]
    fn a_date_is_that_of_the_zone() {
        let day = |text| Timestamp::from_date(text).unwrap().day();
        for (unit, zone, text, date) in [
            ("rfc3339", "UTC", "2018-01-05T00:00:00.000Z", "2018-01-05"),
            ("rfc3339", "America/New_York", "2018-01-05T00:00:00.000Z", "2018-01-04"),
            ("rfc3339", "America/New_York", "2018-01-05", "2018-01-05"),
            ("%m/%d/%Y", "Asia/Tokyo", "01/05/2018", "2018-01-05"),
            ("seconds", "Australia/Sydney", "1782860400", "2026-07-01"),
        ] {
            assert_eq!(
                read(unit, zone, text).map(|(_, day)| day),
                Some(day(date)),
                "{zone} {text}"
            );
        }
    }

    #[test]
    fn a_form_that_says_no_date_is_refused() {
        for (text, hint) in [
            ("milisecond", "did you mean `milliseconds`?"),
            ("RFC3339", "did you mean `rfc3339`?"),
            ("%H:%M", "write seconds, "),
            ("%Y", "write seconds, "),
            ("%!", "write seconds, "),
            ("daily", "write seconds, "),
        ] {
            let usage = TimeUnit::parse(text).unwrap_err();
            assert!(usage.hint.as_deref().is_some_and(|said| said.starts_with(hint)), "{usage:?}");
        }
        for text in
            ["%Y-%m-%d", "%Y-%m", "%d.%m.%y %H:%M", "%Y-%m-%dT%H:%M:%S%z", "%s", "%b %d, %Y"]
        {
            assert!(TimeUnit::parse(text).is_ok(), "{text}");
        }
    }
}
