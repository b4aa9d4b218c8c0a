//! The code under which the sessions of an exchange are known.

use std::fmt;

/// A code of ISO 10383 such as `XNYS`, or `24/7` for what always trades, or `FX` for the week of
/// currencies.
///
/// Invariant: one to eight upper-case letters, digits and `/`. It is kept in place, since it is read
/// with every entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExchangeCode([u8; 8]);

impl ExchangeCode {
    /// Reads a code; none if this cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'/';
        let mut code = [0; 8];
        let place = code.get_mut(..text.len()).filter(|place| !place.is_empty())?;
        place.copy_from_slice(text.as_bytes());
        text.bytes().all(fits).then_some(Self(code))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        let length = self.0.iter().position(|byte| *byte == 0).unwrap_or(self.0.len());
        // The invariant makes the fallback unreachable.
        str::from_utf8(&self.0[..length]).unwrap_or_default()
    }
}

impl fmt::Display for ExchangeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ExchangeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_plain() {
        for text in ["XNYS", "24/7", "FX", "A", "ABCDEFGH"] {
            assert_eq!(ExchangeCode::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "xnys", "ABCDEFGHI", "X Y", "X\0Y", "\0", "caf\u{e9}"] {
            assert_eq!(ExchangeCode::parse(text), None, "{text:?}");
        }
    }
}
