//! What a cell holds, as bytes: numbers, dates and instants, appended to one buffer.
//!
//! Nothing here makes a text of its own for a cell or rounds a number. It is fed one series of bars
//! after another, in which a date mostly lies in the month of the one before.

const DAY_MS: i64 = 86_400_000;

/// 0000-01-01 and 9999-12-31 in days since 1970-01-01: what four digits of a year can say.
const DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// The largest integer up to which every integer is a float of its own.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The shortest digits that read back as the same float; nothing for one that is not finite.
/// Integers have no point.
pub(crate) fn number(value: f64, out: &mut Vec<u8>) {
    if !value.is_finite() {
        return;
    }
    let is_integer = value.abs() < EXACT && value.trunc().to_bits() == value.to_bits();
    // Writing to a buffer in memory does not fail. Minus zero is no integer: it would lose its sign.
    let _ = if is_integer && (value != 0.0 || value.is_sign_positive()) {
        #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
        let integer = value as i64;
        serde_json::to_writer(out, &integer)
    } else {
        serde_json::to_writer(out, &value)
    };
}

/// The same for JSON, in which what is missing is `null`.
pub(crate) fn json_number(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        number(value, out);
    } else {
        out.extend_from_slice(b"null");
    }
}

/// A text for JSON, in quotation marks.
pub(crate) fn json_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a buffer in memory does not fail.
    let _ = serde_json::to_writer(out, text);
}

/// Writes dates, and remembers the month of the last one.
pub(crate) struct Dates {
    /// The first day of the month, in days since 1970-01-01.
    first: i64,
    /// How many days the month has; none before the first date.
    days: i64,
    /// `2026-07-01`: of the last date that was written.
    text: [u8; 10],
}

impl Dates {
    pub(crate) fn new() -> Self {
        Self { first: 0, days: 0, text: *b"0000-00-00" }
    }

    /// `2026-07-01`, of days since 1970-01-01. A date that four digits of a year cannot say is the
    /// first or the last that they can.
    pub(crate) fn date(&mut self, day: i64, out: &mut Vec<u8>) {
        let day = day.clamp(*DAYS.start(), *DAYS.end());
        if !(self.first..self.first + self.days).contains(&day) {
            self.turn_to(day);
        }
        self.text[8..].copy_from_slice(&two(day - self.first + 1));
        out.extend_from_slice(&self.text);
    }

    /// `2026-07-01T13:30:00Z`, of milliseconds since 1970-01-01T00:00:00Z; with milliseconds only
    /// where there are some.
    pub(crate) fn instant(&mut self, ms: i64, out: &mut Vec<u8>) {
        self.date(ms.div_euclid(DAY_MS), out);
        let ms = ms.rem_euclid(DAY_MS);
        let (second, ms) = (ms / 1000, ms % 1000);
        let [[h, hh], [m, mm], [s, ss]] =
            [two(second / 3600), two(second / 60 % 60), two(second % 60)];
        out.extend_from_slice(&[b'T', h, hh, b':', m, mm, b':', s, ss]);
        if ms > 0 {
            let [tens, ones] = two(ms % 100);
            out.extend_from_slice(&[b'.', digit(ms / 100), tens, ones]);
        }
        out.push(b'Z');
    }

    /// The month that this day lies in. Days are counted from a 1 March, in years that end with
    /// February, in eras of 400 years: so a leap day is the last of all.
    fn turn_to(&mut self, day: i64) {
        let since = day + 719_468;
        let (era, of_era) = (since.div_euclid(146_097), since.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let starts = |month: i64| (153 * month + 2) / 5;
        let year = era * 400 + year_of_era + i64::from(month >= 10);
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        self.first = day - (of_year - starts(month));
        self.days = match month {
            11 => 28 + i64::from(is_leap),
            _ => starts(month + 1) - starts(month),
        };
        let month = if month < 10 { month + 3 } else { month - 9 };
        self.text[..2].copy_from_slice(&two(year / 100));
        self.text[2..4].copy_from_slice(&two(year % 100));
        self.text[5..7].copy_from_slice(&two(month));
    }
}

/// The two digits of a number below 100.
fn two(number: i64) -> [u8; 2] {
    [digit(number / 10), digit(number % 10)]
}

fn digit(number: i64) -> u8 {
    b'0' + u8::try_from(number.clamp(0, 9)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        for (value, text) in [
            (189.979_995_727_539_06, "189.97999572753906"),
            (45_234_500.0, "45234500"),
            (-3.0, "-3"),
            (0.0, "0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (f64::NAN, ""),
            (f64::INFINITY, ""),
        ] {
            assert_eq!(written(|out| number(value, out)), text);
        }
        assert_eq!(written(|out| json_number(f64::NAN, out)), "null");
    }

    #[test]
    fn an_instant_of_any_size_is_written() {
        for ms in [i64::MIN, i64::MAX] {
            assert_eq!(written(|out| Dates::new().instant(ms, out)).get(10..11), Some("T"));
        }
    }

    proptest! {
        #[test]
        fn every_float_reads_back_to_the_bit(bits in any::<u64>(), near in -1e6..1e6_f32) {
            for value in [f64::from_bits(bits), near.into(), near.trunc().into()] {
                prop_assume!(value.is_finite());
                let text = written(|out| number(value, out));
                prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), value.to_bits());
                let read: f64 = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(read.to_bits(), value.to_bits());
            }
        }

        #[test]
        fn dates_and_instants_are_those_of_the_calendar(
            begin in -62_000_000_000_000_i64..250_000_000_000_000,
            steps in prop::collection::vec(-40_i64 * DAY_MS..400 * DAY_MS, 1..40),
        ) {
            let (mut dates, mut at) = (Dates::new(), begin);
            for step in steps {
                at += step;
                let naive = Timestamp::from_ms(at).to_string();
                let text = written(|out| dates.instant(at, out));
                prop_assert_eq!(Timestamp::parse(&text).unwrap(), Timestamp::from_ms(at));
                prop_assert_eq!(&text[..19], &naive[..19]);
                let text = written(|out| dates.date(at.div_euclid(DAY_MS), out));
                prop_assert_eq!(&text, &naive[..10]);
            }
        }
    }
}
