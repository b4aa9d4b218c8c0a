//! What an endpoint is asked besides a symbol: names with values.
//!
//! They stand in the key, in one order, so that the same question has one key.

use crate::error::{Usage, sanitized};

/// Parameters of an endpoint.
///
/// Invariant: sorted by name, each name once; a name has letters, digits and `_ . -`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(Box<str>, Box<str>)>);

impl Params {
    /// No parameters.
    pub fn none() -> &'static Self {
        static NONE: Params = Params(Vec::new());
        &NONE
    }

    /// Reads parameters as people write them, `depth=10` each; the last of a name counts.
    pub fn parse<'a>(said: impl IntoIterator<Item = &'a str>) -> Result<Self, Usage> {
        let mut params = Self::default();
        for text in said {
            let is_name = |name: &str| {
                !name.is_empty()
                    && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
            };
            let Some((name, value)) = text.split_once('=').filter(|(name, _)| is_name(name)) else {
                return Err(Usage::new(format!("`{}` is not a parameter", sanitized(text)))
                    .hint("write NAME=VALUE, as in --param depth=10"));
            };
            if value.chars().any(char::is_control) {
                return Err(Usage::new(format!("the value of `{name}` is not one line of text"))
                    .hint("write NAME=VALUE, as in --param depth=10"));
            }
            params.set(name, value);
        }
        Ok(params)
    }

    /// Says what a parameter is.
    pub fn set(&mut self, name: &str, value: &str) {
        match self.0.binary_search_by(|(known, _)| (**known).cmp(name)) {
            Ok(at) => self.0[at].1 = value.into(),
            Err(at) => self.0.insert(at, (name.into(), value.into())),
        }
    }

    /// What a parameter is.
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.0[at].1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every parameter, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_one_order_and_the_last_of_a_name_counts() {
        let params = Params::parse(["b=2", "a=1=x", "b=", "a=3"]).unwrap();
        assert_eq!(params.iter().collect::<Vec<_>>(), [("a", "3"), ("b", "")]);
        assert_eq!((params.get("a"), params.get("c")), (Some("3"), None));
        for text in ["", "a", "=1", "a b=1", "a=\n"] {
            assert!(Params::parse([text]).is_err(), "{text}");
        }
    }
}
