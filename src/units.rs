//! Durations, sizes and shares as people write them.
//!
//! Reading is strict (an unknown unit is an error, never a guess); writing is for people and
//! keeps two significant steps at the most.

use std::fmt;
use std::time::Duration;

use crate::error::{Usage, sanitized};

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Bytes(pub u64);

/// A part of a whole: 0 is nothing of it, 1 all of it; what is overdrawn is more.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Share(pub f64);

impl Share {
    /// What `part` is of `whole`: the float nearest to it, as is one that is read, so that the two
    /// are equal where 54 of 60 are 90 %.
    #[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and nobody calls so often")]
    pub fn of(part: u64, whole: u64) -> Self {
        Self(part as f64 / whole as f64)
    }

    /// So much of a number, rounded up; what binary fractions add to a whole number is not.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "exact below 2^53, and at least zero"
    )]
    pub fn at_least(self, whole: u64) -> u64 {
        (self.0 * whole as f64 - 1e-9).ceil().max(0.0) as u64
    }

    /// So much of a number, rounded down.
    pub fn at_most(self, whole: u64) -> u64 {
        whole - Self(1.0 - self.0).at_least(whole)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Two decimals of a percent: 0.07 is 7.000000000000001 of a hundred.
        write!(f, "{} %", (self.0 * 1e4).round() / 1e2)
    }
}

const DURATION_UNITS: [(&str, f64); 6] =
    [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0), ("w", 604_800.0)];

const SIZE_UNITS: [(&str, f64); 7] = [
    ("B", 1.0),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
];

/// Reads a duration: seconds as a number, or a number with `ms`, `s`, `m`, `h`, `d` or `w`.
///
/// At most a hundred years, so that no sum of an instant and a duration can overflow.
pub fn parse_duration(text: &str) -> Result<Duration, Usage> {
    const LONGEST: f64 = 100.0 * 366.0 * 86_400.0;
    let (amount, factor) = split(text, &DURATION_UNITS, 1.0)
        .ok_or_else(|| bad("a duration", text, "write seconds (90) or 500ms, 30s, 5m, 1h, 7d"))?;
    let seconds = amount * factor;
    if seconds > LONGEST {
        return Err(bad("a duration", text, "the longest is 100 years"));
    }
    // Whole milliseconds: what the database keeps.
    Ok(Duration::from_secs_f64((seconds * 1000.0).round() / 1000.0))
}

/// Reads a size: bytes as a number, or a number with `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`.
pub fn parse_bytes(text: &str) -> Result<Bytes, Usage> {
    let (amount, factor) = split(text, &SIZE_UNITS, 1.0)
        .ok_or_else(|| bad("a size", text, "write bytes (1048576) or 512KB, 100MB, 1GB, 64MiB"))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "`split` gives finite amounts of at least zero, and the cast saturates"
    )]
    Ok(Bytes((amount * factor) as u64))
}

/// Reads a share: a number of percent, `0%` to `100%`, and with its sign.
///
/// A bare number is refused: `80` would be meant as 80 %, `0.8` too, and `1` is either.
pub fn parse_share(text: &str) -> Result<Share, Usage> {
    match percent(text).filter(|percent| (0.0..=100.0).contains(percent)) {
        Some(percent) => Ok(Share(percent / 100.0)),
        None => Err(bad("a share", text, "write percent, 0% to 100%, with the sign: 80%")),
    }
}

/// Reads a rate: a number of percent that may be above a hundred, `1%` to `1000%`; 1 is 100 %.
pub fn parse_rate(text: &str) -> Result<f64, Usage> {
    match percent(text).filter(|percent| (1.0..=1000.0).contains(percent)) {
        Some(percent) => Ok(percent / 100.0),
        None => Err(bad("a rate", text, "write percent, 1% to 1000%, with the sign: 40%")),
    }
}

fn percent(text: &str) -> Option<f64> {
    split(text, &[("%", 1.0)], f64::NAN).map(|(amount, factor)| amount * factor)
}

/// Splits `5m` into its amount and the factor of its unit; a bare number has the `plain` factor.
fn split(text: &str, units: &[(&str, f64)], plain: f64) -> Option<(f64, f64)> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let amount: f64 = text[..digits].parse().ok()?;
    let unit = text[digits..].trim();
    let factor = match unit {
        "" => plain,
        _ => units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit))?.1,
    };
    amount.is_finite().then_some((amount, factor))
}

fn bad(what: &str, text: &str, hint: &str) -> Usage {
    Usage::new(format!("`{}` is not {what}", sanitized(text))).hint(hint)
}

/// Writes a duration for people: `3 s`, `2 min`, `4 h`, `9 d`.
pub fn duration_for_people(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.is_zero() => "0 s".to_owned(),
        0 => format!("{} ms", duration.as_millis()),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Writes a size for people, in powers of a thousand: `312 B`, `4.1 kB`, `2.3 MB`.
pub fn bytes_for_people(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
    let mut amount = bytes as f64;
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    for unit in ["kB", "MB", "GB"] {
        amount /= 1000.0;
        if amount < 999.95 {
            return format!("{amount:.1} {unit}");
        }
    }
    format!("{:.1} TB", amount / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_a_count_is_a_count() {
        for (text, whole, least, most) in [
            ("20%", 10, 2, 2),
            ("12.5%", 10, 2, 1),
            ("0%", 10, 0, 0),
            ("100%", 7, 7, 7),
            ("55%", 100, 55, 55),
        ] {
            let share = parse_share(text).unwrap();
            assert_eq!((share.at_least(whole), share.at_most(whole)), (least, most), "{text}");
        }
    }

    #[test]
    fn a_rate_may_be_above_a_hundred_percent() {
        for (text, rate) in [("40%", 0.4), ("1%", 0.01), ("250 %", 2.5), ("1000%", 10.0)] {
            assert!((parse_rate(text).unwrap() - rate).abs() < 1e-12, "{text}");
        }
        for text in ["", "40", "0.4", "0%", "0.9%", "1001%", "-5%", "%"] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90", 90_000),
            ("0", 0),
            ("500ms", 500),
            ("30s", 30_000),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
            ("7 d", 604_800_000),
            ("0.3", 300),
        ] {
            assert_eq!(parse_duration(text).unwrap(), Duration::from_millis(ms), "{text}");
        }
        for text in ["", "s", "-5", "5x", "1e3", "inf", "NaN", "5m5s", "99999999999999"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in
            [("10", 10), ("1KB", 1000), ("64MiB", 67_108_864), ("1.5gb", 1_500_000_000)]
        {
            assert_eq!(parse_bytes(text).unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "MB", "-1", "5 bytes"] {
            assert!(parse_bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_read_with_their_sign_and_are_those_that_are_counted() {
        for (text, part, whole) in [
            ("0%", 0, 7),
            ("2 %", 2, 100),
            ("12.5%", 1, 8),
            ("40%", 24, 60),
            ("80%", 1200, 1500),
            ("90%", 54, 60),
            ("100%", 9, 9),
        ] {
            assert_eq!(parse_share(text).unwrap(), Share::of(part, whole), "{text}");
        }
        for text in ["", "%", "80", "0.8", "1", "101%", "-1%", "8e1%", "NaN%", "80%%", "5m"] {
            assert!(parse_share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn amounts_are_written_with_their_unit() {
        assert_eq!(duration_for_people(Duration::from_millis(340)), "340 ms");
        assert_eq!(duration_for_people(Duration::from_secs(119)), "119 s");
        assert_eq!(duration_for_people(Duration::from_hours(2)), "2 h");
        assert_eq!(bytes_for_people(999), "999 B");
        assert_eq!(bytes_for_people(4_096), "4.1 kB");
        assert_eq!(bytes_for_people(999_990), "1.0 MB");
    }
}
