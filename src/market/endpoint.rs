//! The name of an endpoint: what a configuration calls one request of a provider.
//!
//! It is kept where it stands, since a name is copied with every question and is short.

use std::fmt;

use crate::error::{Usage, sanitized};

/// The longest name, in bytes: `ai_screener_analysis` has 20.
const LONGEST: usize = 31;

/// The name of an endpoint.
///
/// Invariant: 1 to 31 lower-case letters, digits and `_`, and no colon, so that it can begin a key.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointName {
    bytes: [u8; LONGEST],
    length: u8,
}

impl EndpointName {
    /// Reads a name; a dash is written as `_`, and upper case as lower.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let refused = || {
            Usage::new(format!("`{}` is not the name of an endpoint", sanitized(text))).hint(
                format!(
                    "a name has at most {LONGEST} letters, digits and `_`, as in open_interest"
                ),
            )
        };
        let mut name = Self { bytes: [0; LONGEST], length: 0 };
        for byte in text.bytes() {
            let byte = match byte {
                b'-' => b'_',
                b'a'..=b'z' | b'0'..=b'9' | b'_' => byte,
                b'A'..=b'Z' => byte.to_ascii_lowercase(),
                _ => return Err(refused()),
            };
            *name.bytes.get_mut(usize::from(name.length)).ok_or_else(refused)? = byte;
            name.length += 1;
        }
        if name.length == 0 { Err(refused()) } else { Ok(name) }
    }

    /// Whether it is what a model says of a symbol: a type that there is whoever gives it.
    pub fn is_prediction(&self) -> bool {
        self.as_str() == "prediction"
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        // By the invariant it is ASCII.
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for EndpointName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_kept_in_one_spelling() {
        for (text, name) in [
            ("sentiment", "sentiment"),
            ("24h_trade_volume_v2", "24h_trade_volume_v2"),
            ("LS-Ratio", "ls_ratio"),
            (&"x".repeat(31), &"x".repeat(31)),
        ] {
            assert_eq!(EndpointName::parse(text).unwrap().as_str(), name);
        }
        for text in ["", "a b", "a:b", "ä", "a/b", "a.b", "*", &"x".repeat(32)] {
            assert!(EndpointName::parse(text).is_err(), "{text}");
        }
    }
}
