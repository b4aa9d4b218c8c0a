//! Patterns with names in braces: `strategy_config:{symbol}:*` takes a segment of a key under a
//! name, `pair_strategies:{symbol}` is a pattern once that name is filled in.
//!
//! A name takes one whole segment, so where it ends is never in doubt: at the next colon. All else
//! is a glob as everywhere. It refuses a brace that is no name; a literal brace cannot be meant.

use std::str::CharIndices;

use super::{FOREIGN, Pattern};
use crate::error::{Usage, sanitized};
use crate::market::Names;

/// The types whose keys the seeds write without the class.
const WITHOUT_CLASS: [&str; 3] = ["prediction", "chart", "ws_history"];

/// What names have taken: each with its text.
pub type Captures<'a> = Vec<(&'a str, &'a str)>;

/// A pattern with names in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Pattern);

/// A piece of a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'t> {
    Char(char),
    Name(&'t str),
}

impl Template {
    /// Reads a pattern into which names are to be filled.
    pub fn parse(text: &str, names: &dyn Names) -> Result<Self, Usage> {
        let template = Self(Pattern::parse(&with_class(text), names)?);
        for piece in template.pieces() {
            let odd = match piece {
                Piece::Char('{') => "a brace without an end",
                Piece::Char('}') => "an end of a brace without a beginning",
                Piece::Name(name) if !is_word(name) => "braces that hold no name",
                _ => continue,
            };
            return Err(Usage::new(format!("`{}` holds {odd}", sanitized(text)))
                .hint("a name in braces has letters, digits and _ only, as in `pair:{symbol}`"));
        }
        Ok(template)
    }

    /// Reads a pattern that takes segments of a key.
    pub fn capturing(text: &str, names: &dyn Names) -> Result<Self, Usage> {
        let template = Self::parse(text, names)?;
        let shown = sanitized(text);
        if template.0.provider().is_some() {
            return Err(Usage::new(format!("`{shown}` names a provider"))
                .hint("leave `@…` away: what is put has no provider"));
        }
        let pieces: Vec<Piece<'_>> = template.pieces().collect();
        for (at, piece) in pieces.iter().enumerate() {
            let Piece::Name(name) = piece else { continue };
            let is_end = |piece: Option<&Piece<'_>>| piece.is_none_or(|p| *p == Piece::Char(':'));
            let before = at.checked_sub(1).and_then(|at| pieces.get(at));
            if !is_end(before) || !is_end(pieces.get(at + 1)) {
                return Err(Usage::new(format!("`{shown}`: {{{name}}} is no whole segment"))
                    .hint("a name takes what stands between two colons: `a:{name}:*`"));
            }
            if pieces[..at].contains(piece) {
                return Err(Usage::new(format!("`{shown}`: {{{name}}} stands there twice"))
                    .hint("give each segment a name of its own"));
            }
        }
        Ok(template)
    }

    /// The names in it, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces().filter_map(|piece| match piece {
            Piece::Name(name) => Some(name),
            Piece::Char(_) => None,
        })
    }

    /// The pattern that it is with these filled in; none if a name is not among them.
    pub fn filled(&self, captures: &[(&str, &str)]) -> Option<Pattern> {
        let mut glob = String::new();
        for piece in self.pieces() {
            match piece {
                Piece::Char(c) => glob.push(c),
                Piece::Name(name) => {
                    glob.push_str(captures.iter().find(|(known, _)| *known == name)?.1);
                }
            }
        }
        Some(Pattern { glob: glob.into(), provider: self.0.provider.clone() })
    }

    /// What its names take of a text, if it matches; where several ways would do, each star takes as
    /// little as it can. A text that can be no key matches nothing: filled in, it would be a glob.
    ///
    /// Without recursion, as globs are matched: a name ends at the next colon, so on a mismatch only
    /// the last star has a choice left.
    pub fn captures<'a>(&'a self, text: &'a str) -> Option<Captures<'a>> {
        if text.contains(FOREIGN) {
            return None;
        }
        let (mut pieces, mut at) = (self.pieces(), 0);
        let mut taken: Captures<'a> = Vec::new();
        // What follows the last star, from where on, and how many names had taken something by then.
        let mut star: Option<(Pieces<'a>, usize, usize)> = None;
        loop {
            let mut after = pieces.clone();
            let given = text[at..].chars().next();
            let step = match (after.next(), given) {
                (Some(Piece::Char('*')), _) => {
                    star = Some((after.clone(), at, taken.len()));
                    Some(0)
                }
                (None, None) => return Some(taken),
                (Some(Piece::Char(wanted)), Some(given)) if wanted == '?' || wanted == given => {
                    Some(given.len_utf8())
                }
                (Some(Piece::Name(name)), Some(given)) if given != ':' => {
                    let segment = text[at..].split(':').next().unwrap_or_default();
                    taken.push((name, segment));
                    Some(segment.len())
                }
                _ => None,
            };
            if let Some(step) = step {
                (pieces, at) = (after, at + step);
                continue;
            }
            // The rest of the text, less one more character that the last star takes.
            let (after, from, names) = star.as_mut()?;
            *from += text[*from..].chars().next()?.len_utf8();
            taken.truncate(*names);
            (pieces, at) = (after.clone(), *from);
        }
    }

    fn pieces(&self) -> Pieces<'_> {
        Pieces { text: &self.0.glob, chars: self.0.glob.char_indices() }
    }
}

/// The pieces of a template, one after the other.
#[derive(Clone)]
struct Pieces<'t> {
    text: &'t str,
    chars: CharIndices<'t>,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let (at, c) = self.chars.next()?;
        if c != '{' {
            return Some(Piece::Char(c));
        }
        let inside = &self.text[at + 1..];
        let Some(name) = inside.find('}').map(|end| &inside[..end]) else {
            return Some(Piece::Char(c));
        };
        let end = at + 1 + name.len();
        while self.chars.offset() <= end {
            self.chars.next()?;
        }
        Some(Piece::Name(name))
    }
}

fn is_word(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// The seeds leave the class out; of a symbol that is not known yet it is any.
fn with_class(text: &str) -> String {
    match text.split_once(":{") {
        Some((data_type, rest))
            if WITHOUT_CLASS.contains(&data_type) && !rest.starts_with("class}") =>
        {
            format!("{data_type}:*:{{{rest}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::Key;
    use crate::market::Nobody;

    fn template(text: &str) -> Template {
        Template::capturing(text, &Nobody).unwrap()
    }

    #[test]
    fn a_name_takes_one_segment() {
        let none: Option<Captures<'_>> = None;
        for (text, key, expected) in [
            ("pair:{symbol}", "pair:ETH/USDT", Some(vec![("symbol", "ETH/USDT")])),
            ("pair:{symbol}", "pair:ETH:x", none.clone()),
            ("pair:{symbol}", "pair:", none.clone()),
            ("pair:{symbol}", "pairs:ETH", none.clone()),
            ("s:{symbol}:*", "s:ETH:momentum:1", Some(vec![("symbol", "ETH")])),
            ("s:{symbol}:*", "s:ETH", none.clone()),
            ("s:*", "s:ETH", Some(vec![])),
            ("{a}:{b}", "é:ü", Some(vec![("a", "é"), ("b", "ü")])),
            ("*:{last}", "a:b:c", Some(vec![("last", "c")])),
            ("*:{x}:*", "a:b:c:d", Some(vec![("x", "b")])),
            ("*:{x}:k:*", "a:k:k:d", Some(vec![("x", "k")])),
            ("{only}", "abc", Some(vec![("only", "abc")])),
            ("s:{symbol}", "s:*", none.clone()),
            ("s:{symbol}", "s:x@yahoo", none),
        ] {
            assert_eq!(template(text).captures(key), expected, "{text} {key}");
        }
    }

    #[test]
    fn names_are_filled_in_and_the_rest_stays_a_pattern() {
        let filled = |text: &str, captures: &[(&str, &str)]| {
            Some(Template::parse(text, &Nobody).unwrap().filled(captures)?.to_string())
        };
        let captures = [("symbol", "AAPL"), ("class", "stock")];
        for (text, expected) in [
            ("prediction:*:{symbol}", Some("prediction:*:AAPL")),
            ("x-{symbol}_y:{class}*", Some("x-AAPL_y:stock*")),
            ("market:*", Some("market:*")),
            ("price:{class}:{symbol}@yahoo", Some("quote:stock:AAPL@yahoo")),
            ("prediction:{symbol}", Some("prediction:*:AAPL")),
            ("a:{other}", None),
        ] {
            assert_eq!(filled(text, &captures).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (text, says) in [
            ("a:{symbol", "a brace without an end"),
            ("a:symbol}", "an end of a brace"),
            ("a:{}", "braces that hold no name"),
            ("a:{a b}", "' '"),
            ("a:{a{b}}", "braces that hold no name"),
            ("", "empty"),
        ] {
            let usage = Template::parse(text, &Nobody).unwrap_err();
            assert!(usage.message.contains(says), "{text}: {}", usage.message);
        }
        for (text, says) in [
            ("a:x{symbol}", "{symbol} is no whole segment"),
            ("a:{symbol}*", "{symbol} is no whole segment"),
            ("a:{b}{c}", "{b} is no whole segment"),
            ("a:{b}:{b}", "{b} stands there twice"),
            ("a:{b}@yahoo", "names a provider"),
        ] {
            let usage = Template::capturing(text, &Nobody).unwrap_err();
            assert!(usage.message.contains(says), "{text}: {}", usage.message);
        }
    }

    #[test]
    fn many_stars_take_no_longer_than_their_product_with_the_text() {
        let text = format!("{}{}", "*a".repeat(120), ":{x}:b");
        let key = format!("{}:{}", "a".repeat(500), "a".repeat(12));
        assert_eq!(template(&text).captures(&key), None);
    }

    /// Tries every way, the shortest of each star first.
    fn obvious<'a>(pieces: &[Piece<'a>], text: &'a str) -> Option<Captures<'a>> {
        let ends = |from: usize| {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).filter(move |at| *at >= from)
        };
        match pieces.split_first() {
            None => text.is_empty().then(Vec::new),
            Some((Piece::Char('*'), rest)) => ends(0).find_map(|at| obvious(rest, &text[at..])),
            Some((Piece::Char(wanted), rest)) => {
                let given = text.chars().next()?;
                let fits = *wanted == '?' || *wanted == given;
                fits.then(|| obvious(rest, &text[given.len_utf8()..]))?
            }
            Some((Piece::Name(name), rest)) => {
                ends(1).filter(|at| !text[..*at].contains(':')).find_map(|at| {
                    let mut taken = obvious(rest, &text[at..])?;
                    taken.insert(0, (*name, &text[..at]));
                    Some(taken)
                })
            }
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_obvious_one(
            segments in proptest::collection::vec("[aé*?]{1,3}|\\{[xyz]\\}", 1..5),
            text in "[aé:]{0,10}",
        ) {
            // A name that stands twice is refused.
            if let Ok(template) = Template::capturing(&segments.join(":"), &Nobody) {
                let pieces: Vec<Piece<'_>> = template.pieces().collect();
                prop_assert_eq!(template.captures(&text), obvious(&pieces, &text));
            }
        }

        #[test]
        fn what_a_template_takes_fills_it_again(
            segments in proptest::collection::vec("[a-c]{1,2}|\\{[xyz]\\}", 1..5),
            text in "[a-c:]{1,10}",
        ) {
            if let Ok(template) = Template::capturing(&segments.join(":"), &Nobody)
                && let Some(captures) = template.captures(&text)
            {
                let pattern = template.filled(&captures).unwrap();
                prop_assert!(pattern.picks(&Key::from_stored(&text), "put"));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,30}", key in "\\PC{0,30}") {
            if let Ok(template) = Template::parse(&text, &Nobody) {
                let _ = template.captures(&key);
                let _ = template.filled(&[]);
            }
        }
    }
}
