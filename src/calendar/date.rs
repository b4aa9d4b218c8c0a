//! A date of the civil calendar, as a number of days.
//!
//! Without a zone and without a time: what an exchange calls a session. The build script reads the
//! calendars with it too, so it uses nothing of the crate.

use std::fmt;

/// A date of the Gregorian calendar, from 0001-01-01 to 9999-12-31.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

impl Date {
    /// 0001-01-01.
    pub const MIN: Self = Self(-719_162);

    /// 9999-12-31.
    pub const MAX: Self = Self(2_932_896);

    /// The date so many days after 1970-01-01; the nearest if there is none.
    pub const fn from_days(days: i64) -> Self {
        if days < Self::MIN.0 as i64 {
            Self::MIN
        } else if days > Self::MAX.0 as i64 {
            Self::MAX
        } else {
            #[expect(clippy::cast_possible_truncation, reason = "it is between the bounds")]
            Self(days as i32)
        }
    }

    /// The days since 1970-01-01.
    pub const fn days(self) -> i64 {
        self.0 as i64
    }

    /// The date of this year, month and day, if there is one.
    pub fn new(year: i64, month: u8, day: u8) -> Option<Self> {
        if !(1..=9999).contains(&year) {
            return None;
        }
        // Years begin in March here, so that a leap day is the last of its year.
        let shifted = (i64::from(month) + 9) % 12;
        let from_march = year - i64::from(month <= 2);
        let days = 365 * from_march + from_march.div_euclid(4) - from_march.div_euclid(100)
            + from_march.div_euclid(400)
            + (153 * shifted + 2) / 5
            + i64::from(day)
            - 719_469;
        let date = Self::from_days(days);
        (date.parts() == (year, month, day)).then_some(date)
    }

    /// The year, the month and the day.
    pub fn parts(self) -> (i64, u8, u8) {
        let days = self.days() + 719_468;
        let (era, in_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
        let in_year = in_era - (365 * year + year / 4 - year / 100);
        let shifted = (5 * in_year + 2) / 153;
        let day = in_year - (153 * shifted + 2) / 5 + 1;
        let month = (shifted + 2) % 12 + 1;
        let small = |number| u8::try_from(number).unwrap_or_default();
        (era * 400 + year + i64::from(month <= 2), small(month), small(day))
    }

    /// The day of the week, from Monday, which is 0, to Sunday, which is 6.
    pub const fn weekday(self) -> i64 {
        (self.days() + 3).rem_euclid(7)
    }

    /// The date so many days later, or earlier; the nearest if there is none.
    #[must_use]
    pub const fn plus(self, days: i64) -> Self {
        Self::from_days(self.days().saturating_add(days))
    }

    /// Reads a date written `2026-07-01`, and in no other way.
    pub fn parse(text: &str) -> Option<Self> {
        let is_date = text.len() == 10
            && text.bytes().enumerate().all(|(at, byte)| match at {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        let part = |from, to| text.get(from..to)?.parse().ok();
        let small = |from, to| text.get(from..to)?.parse().ok();
        if is_date { Self::new(part(0, 4)?, small(5, 7)?, small(8, 10)?) } else { None }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.parts();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_has_one_spelling() {
        for text in ["2026-07-01", "2000-02-29", "0001-01-01", "9999-12-31", "1969-12-31"] {
            assert_eq!(Date::parse(text).map(|date| date.to_string()).as_deref(), Some(text));
        }
        for text in [
            "",
            "2026-7-1",
            "20260701",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "0000-01-01",
            "2026-01-00",
            "+026-01-01",
            "2026-07-01T00:00:00Z",
            "2026-07-ä",
        ] {
            assert_eq!(Date::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn days_and_dates_are_those_of_the_gregorian_calendar(days in -719_162..=2_932_896i64) {
            let ours = Date::from_days(days);
            let epoch = jiff::civil::date(1970, 1, 1);
            let theirs = epoch + jiff::Span::new().days(days);
            prop_assert_eq!(ours.to_string(), theirs.to_string());
            prop_assert_eq!(ours.weekday(), i64::from(theirs.weekday().to_monday_zero_offset()));
            prop_assert_eq!(Date::parse(&ours.to_string()), Some(ours));
        }

        #[test]
        fn a_number_beyond_all_dates_is_the_nearest(days: i64) {
            let date = Date::from_days(days).plus(days);
            prop_assert!((Date::MIN..=Date::MAX).contains(&date));
        }
    }
}
