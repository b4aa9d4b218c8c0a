//! What a pattern that picks nothing most probably meant.

use std::collections::BTreeSet;

use super::{Pattern, matches};
use crate::error::nearest;

impl Pattern {
    /// This pattern in the spelling of what is held, part by part: a part that no key has is replaced by
    /// the nearest that one has, with the stars before and behind it as they are. None if there is
    /// nothing to replace, or nothing near.
    pub fn respelt(&self, keys: &[&str]) -> Option<Self> {
        let held: BTreeSet<&str> = keys.iter().flat_map(|key| key.split(':')).collect();
        let respelt = |part: &str| {
            let word = part.trim_matches(['*', '?']);
            if word.contains(['*', '?']) || held.iter().any(|of_key| matches(part, of_key)) {
                return part.to_owned();
            }
            let near = nearest(word, held.iter().copied().filter(|of_key| !of_key.is_empty()));
            near.map_or_else(|| part.to_owned(), |near| part.replacen(word, near, 1))
        };
        let glob = self.glob.split(':').map(respelt).collect::<Vec<_>>().join(":");
        (*glob != *self.glob).then(|| Self { glob: glob.into(), provider: self.provider.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Nobody;

    #[test]
    fn parts_that_no_key_has_are_spelt_as_those_of_keys() {
        let keys = ["quote:stock:AAPL", "quote:stock:MSFT", "pair_config:ETH/USDT", "a::b"];
        for (glob, expected) in [
            ("pair_confg*", Some("pair_config*")),
            ("qoute:*", Some("quote:*")),
            ("quotes:*", Some("quote:*")),
            ("*:APPL*", Some("*:AAPL*")),
            ("quote:*AAPLE*", Some("quote:*AAPL*")),
            ("quote:*:MSF", Some("quote:*:MSFT")),
            ("qoute:st*:MSF@yahoo", Some("quote:st*:MSFT@yahoo")),
            ("quote:*:????", None),
            ("quote:*:AAPL", None),
            ("elephants:*", None),
            ("qu*te:*", None),
            ("*", None),
            ("::", None),
        ] {
            let respelt = Pattern::parse(glob, &Nobody).unwrap().respelt(&keys);
            assert_eq!(respelt.map(|of| of.to_string()).as_deref(), expected, "{glob}");
        }
    }
}
