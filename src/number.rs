//! A number with the digits that upstream sent.
//!
//! Prices pass through mcache as text that is known to be a JSON number, so what is printed is
//! what was sent: `84123.45000000` keeps its zeros and a widened 32-bit float its tail. Nothing
//! here rounds, except where a caller says to how many places.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// A finite decimal number as text.
///
/// Invariant: the text is a number in the grammar of JSON (RFC 8259, section 6) and finite as a
/// 64-bit float.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Box<str>);

impl Number {
    /// Reads a number; none if the text is not one, or is not finite.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let valid = serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get() == text)
            && text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
        (valid && text.parse::<f64>().is_ok_and(f64::is_finite)).then(|| Self(text.into()))
    }

    /// This float rounded to so many decimal places; none if it is not finite.
    pub fn rounded(value: f64, places: usize) -> Option<Self> {
        let text = format!("{value:.places$}");
        let trimmed = text.trim_end_matches('0').trim_end_matches('.');
        Self::parse(if text.contains('.') { trimmed } else { &text })
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest 64-bit float.
    pub fn as_f64(&self) -> f64 {
        // The invariant makes the fallback unreachable.
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The exact difference, with as many decimal places as the longer of the two; none where a
    /// number has an exponent or more digits than 128 bits hold.
    pub fn minus(&self, other: &Self) -> Option<Self> {
        let (a, a_places) = self.scaled()?;
        let (b, b_places) = other.scaled()?;
        let places = a_places.max(b_places);
        let widen = |n: i128, from: u32| 10_i128.checked_pow(places - from)?.checked_mul(n);
        let difference = widen(a, a_places)?.checked_sub(widen(b, b_places)?)?;
        let sign = if difference < 0 { "-" } else { "" };
        let digits = difference.unsigned_abs().to_string();
        let places = places as usize;
        if places == 0 {
            return Self::parse(&format!("{sign}{digits}"));
        }
        let digits = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        Self::parse(&format!("{sign}{whole}.{fraction}"))
    }

    /// The digits as an integer, and how many of them stand behind the point.
    fn scaled(&self) -> Option<(i128, u32)> {
        let (whole, fraction) = self.0.split_once('.').unwrap_or((&self.0, ""));
        let places = u32::try_from(fraction.len()).ok()?;
        format!("{whole}{fraction}").parse().ok().map(|n| (n, places))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// As a JSON number with the same digits; only for `serde_json`.
impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// From a JSON number, or from a string that holds one; only for `serde_json`.
impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?;
        let text = raw.get();
        let inner = text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text);
        Self::parse(inner)
            .ok_or_else(|| D::Error::custom(format_args!("`{}` is not a number", shortened(text))))
    }
}

fn shortened(text: &str) -> String {
    crate::error::sanitized(text).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_upstream_survive() {
        for text in
            ["84123.45000000", "189.97999572753906", "0", "-0.5", "1e-7", "12345678901234567890"]
        {
            let number: Number = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&number).unwrap(), text);
            let quoted: Number = serde_json::from_str(&format!("\"{text}\"")).unwrap();
            assert_eq!(quoted, number);
        }
    }

    #[test]
    fn what_is_no_finite_number_is_refused() {
        for text in
            ["", "NaN", "inf", "1e999", "1.2.3", "0x10", "1,234", "null", "true", "[1]", " 1", "1 "]
        {
            assert_eq!(Number::parse(text), None, "{text}");
        }
    }

    #[test]
    fn differences_are_exact_in_decimal() {
        for (a, b, expected) in [
            ("189.98", "188.63", "1.35"),
            ("0.1", "0.3", "-0.2"),
            ("100", "99.5", "0.5"),
            ("7", "9", "-2"),
            ("1.00", "1", "0.00"),
        ] {
            let difference = Number::parse(a).unwrap().minus(&Number::parse(b).unwrap()).unwrap();
            assert_eq!(difference.as_str(), expected, "{a} - {b}");
        }
        assert_eq!(Number::parse("1e5").unwrap().minus(&Number::parse("1").unwrap()), None);
    }

    #[test]
    fn rounding_leaves_no_trailing_zeros() {
        for (value, expected) in [(0.715_63, "0.7156"), (2.0, "2"), (-1.5, "-1.5"), (100.0, "100")]
        {
            assert_eq!(Number::rounded(value, 4).unwrap().as_str(), expected);
        }
        assert_eq!(Number::rounded(f64::NAN, 4), None);
    }
}
