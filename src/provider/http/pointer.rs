//! JSON pointers (RFC 6901), followed into a text of which only what lies on the way is parsed.
//!
//! No number is ever turned into a float here: what is found is the text that upstream sent. A step
//! `*` is the first member that is an array or an object, for names that are upstream's own.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{Usage, nearest, sanitized};

/// The way to a value in JSON; the empty one leads to the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointer(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(Box<str>),
    /// The first member that is an array or an object.
    Any,
}

impl Pointer {
    /// Reads a pointer: nothing, or names each behind a slash; `~1` is a slash and `~0` a tilde.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let wrong = |hint| {
            let usage = Usage::new(format!("`{}` is not a JSON pointer", sanitized(text)));
            Err(usage.hint(hint))
        };
        let Some(rest) = text.strip_prefix('/') else {
            return if text.is_empty() {
                Ok(Self::default())
            } else {
                wrong(format!("write a slash before each name: /{}", sanitized(text)))
            };
        };
        let mut steps = Vec::new();
        for name in rest.split('/') {
            let is_escaped =
                |(at, _): (usize, &str)| matches!(name.as_bytes().get(at + 1), Some(b'0' | b'1'));
            if !name.match_indices('~').all(is_escaped) {
                return wrong("a tilde is written ~0, and a slash in a name ~1".to_owned());
            }
            steps.push(match name {
                "*" => Step::Any,
                name => Step::Name(name.replace("~1", "/").replace("~0", "~").into()),
            });
        }
        Ok(Self(steps))
    }

    /// The pointer to the member of this name.
    pub fn of(name: &str) -> Self {
        Self(vec![Step::Name(name.into())])
    }

    /// Whether it leads to an element of an array.
    pub fn begins_with_an_index(&self) -> bool {
        matches!(self.0.first(), Some(Step::Name(name)) if index(name).is_some())
    }

    /// The place in a row of cells that it leads to, by the names of their columns.
    pub(super) fn column<'a>(&self, mut names: impl Iterator<Item = &'a str>) -> Option<usize> {
        let [Step::Name(name)] = &self.0[..] else { return None };
        index(name).or_else(|| names.position(|column| *column == **name))
    }

    /// What it leads to.
    pub(super) fn find<'a>(&self, value: &'a RawValue) -> Option<&'a RawValue> {
        self.0.iter().try_fold(value, |value, step| Level::of(value)?.member(step))
    }

    /// What was probably meant where it leads nowhere: a way past a name that is spelt nearly so, past
    /// the first of an array, or to the same name elsewhere.
    pub(super) fn meant(&self, value: &RawValue) -> Option<Self> {
        let (reached, end) = self.reached(value);
        let Step::Name(missing) = self.0.get(reached)? else { return None };
        let with = |name: &str, from: usize| {
            let steps = [&self.0[..reached], &[Step::Name(name.into())], &self.0[from..]].concat();
            let other = Self(steps);
            other.find(value).is_some().then_some(other)
        };
        let near = || match Level::of(end)? {
            Level::Array(_) => with("0", reached),
            level @ Level::Object(_) => {
                let names = level.names();
                let near = nearest(missing, names.iter().map(String::as_str));
                near.and_then(|name| with(name, reached + 1))
            }
        };
        // The name that is meant may stand elsewhere as it is; of what is on the way only the place is
        // known, and that it leads on.
        if reached + 1 == self.0.len() {
            self.elsewhere(value).or_else(near)
        } else {
            near().or_else(|| self.elsewhere(value))
        }
    }

    /// The way to the name that it ends with, wherever that stands: what is near the top first.
    fn elsewhere(&self, value: &RawValue) -> Option<Self> {
        /// Whoever looks at an answer has no time for all of a large one.
        const MOST: usize = 2000;
        const DEEPEST: usize = 6;
        let Some(Step::Name(wanted)) = self.0.last() else { return None };
        if index(wanted).is_some() {
            return None;
        }
        let mut waiting = VecDeque::from([(Self::default(), value)]);
        for _ in 0..MOST {
            let (way, value) = waiting.pop_front()?;
            let deeper = |name: &str| {
                let step = Step::Name(name.into());
                Self([&way.0[..], &[step]].concat())
            };
            match Level::of(value) {
                Some(Level::Object(members)) => {
                    let found = members.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                    if let Some((name, _)) = found {
                        return Some(deeper(name));
                    }
                    let room = MOST.saturating_sub(waiting.len());
                    let below = members.iter().take(room).filter(|_| way.0.len() < DEEPEST);
                    waiting.extend(below.map(|(name, value)| (deeper(name), *value)));
                }
                // The others are like it.
                Some(Level::Array(elements)) if way.0.len() < DEEPEST => {
                    waiting.extend(elements.first().map(|first| (deeper("0"), *first)));
                }
                _ => {}
            }
        }
        None
    }

    /// Where it ends that leads nowhere, with the names that are there; none if that is one value.
    pub(super) fn end(&self, value: &RawValue) -> (Self, Option<Vec<String>>) {
        let (reached, end) = self.reached(value);
        (Self(self.0[..reached].to_vec()), Level::of(end).map(|level| level.names()))
    }

    /// How many steps lead somewhere, and what is there.
    fn reached<'a>(&self, value: &'a RawValue) -> (usize, &'a RawValue) {
        let mut end = value;
        for (number, step) in self.0.iter().enumerate() {
            match Level::of(end).and_then(|level| level.member(step)) {
                Some(next) => end = next,
                None => return (number, end),
            }
        }
        (self.0.len(), end)
    }

    /// What it leads to from a value whose members are known already.
    pub(super) fn find_in<'a>(&self, level: &Level<'a>) -> Option<&'a RawValue> {
        let (first, rest) = self.0.split_first()?;
        let member = level.member(first)?;
        rest.iter().try_fold(member, |value, step| Level::of(value)?.member(step))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.0 {
            match step {
                Step::Name(name) => write!(f, "/{}", name.replace('~', "~0").replace('/', "~1"))?,
                Step::Any => f.write_str("/*")?,
            }
        }
        Ok(())
    }
}

/// The index that a name is, in the one spelling that RFC 6901 knows.
fn index(name: &str) -> Option<usize> {
    let is_plain = name == "0" || !name.starts_with('0');
    (is_plain && name.bytes().all(|byte| byte.is_ascii_digit())).then(|| name.parse().ok())?
}

/// A value of JSON and what is directly in it.
pub(super) enum Level<'a> {
    /// Names with values, in the order of the text.
    Object(Vec<(Cow<'a, str>, &'a RawValue)>),
    /// Values.
    Array(Vec<&'a RawValue>),
}

impl<'a> Level<'a> {
    /// What is directly in a value; none if it is no object and no array.
    pub(super) fn of(value: &'a RawValue) -> Option<Self> {
        match value.get().as_bytes().first() {
            Some(b'{' | b'[') => serde_json::from_str(value.get()).ok(),
            _ => None,
        }
    }

    /// The names of its members, or their numbers; of many only the first, and none that is no name.
    fn names(&self) -> Vec<String> {
        const MOST: usize = 1000;
        const LONGEST: usize = 64;
        match self {
            Self::Object(members) => {
                let names = members.iter().map(|(name, _)| name.to_string());
                names.filter(|name| name.len() <= LONGEST).take(MOST).collect()
            }
            Self::Array(elements) => {
                (0..elements.len().min(MOST)).map(|at| at.to_string()).collect()
            }
        }
    }

    fn member(&self, step: &Step) -> Option<&'a RawValue> {
        let is_nested = |value: &&'a RawValue| value.get().starts_with(['{', '[']);
        match (self, step) {
            // Of a name that is there twice every parser takes the last.
            (Self::Object(members), Step::Name(name)) => {
                members.iter().rfind(|(known, _)| **known == **name).map(|(_, value)| *value)
            }
            (Self::Array(elements), Step::Name(name)) => elements.get(index(name)?).copied(),
            (Self::Object(members), Step::Any) => {
                members.iter().map(|(_, value)| *value).find(is_nested)
            }
            (Self::Array(elements), Step::Any) => elements.iter().copied().find(is_nested),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Level<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelVisitor)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = Level<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Level<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some((Text(name), value)) = map.next_entry()? {
            members.push((name, value));
        }
        Ok(Level::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Level<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element()? {
            elements.push(element);
        }
        Ok(Level::Array(elements))
    }
}

/// A string, borrowed where nothing in it is escaped.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// What a value says, if it is no array and no object: a string without its quotes, and anything else
/// as it was written; none for null.
pub(super) fn content(value: &RawValue) -> Result<Option<Cow<'_, str>>, &'static str> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'"') => {
            let said = serde_json::from_str(text).map_err(|_| "it holds a string that is none")?;
            let Text(said) = said;
            Ok(Some(said))
        }
        Some(b'{' | b'[') => Err("it holds an array or an object where a value is expected"),
        _ if text == "null" => Ok(None),
        _ => Ok(Some(Cow::Borrowed(text))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pointer: &str, json: &str) -> Option<String> {
        let value: &RawValue = serde_json::from_str(json).unwrap();
        Pointer::parse(pointer).unwrap().find(value).map(|found| found.get().to_owned())
    }

    #[test]
    fn a_pointer_leads_to_what_was_sent_digit_by_digit() {
        let json = r#"{"a": {"b/c": [1.50, {"~d": "x\ty"}]}, "": 7, "e\u0041": 1, "1": "one"}"#;
        for (pointer, expected) in [
            ("/a/b~1c/0", Some("1.50")),
            ("/a/b~1c/1/~0d", Some(r#""x\ty""#)),
            ("/", Some("7")),
            ("/eA", Some("1")),
            ("/1", Some("\"one\"")),
            ("/a/b~1c/00", None),
            ("/a/b~1c/2", None),
            ("/a/b~1c/-", None),
            ("/a/x", None),
            ("/1/0", None),
            ("", Some(json)),
        ] {
            assert_eq!(found(pointer, json).as_deref(), expected, "{pointer}");
        }
        assert_eq!(found("/a", r#"{"a":1,"a":2}"#).as_deref(), Some("2"));
    }

    #[test]
    fn where_a_pointer_leads_nowhere_a_near_way_is_found() {
        let json = r#"{"data":{"last":1,"of":[{"bid":2}]},"meta":{"deep":{"Vol/ume":3}},"list":[{"x":4}]}"#;
        let value: &RawValue = serde_json::from_str(json).unwrap();
        for (pointer, expected) in [
            ("/data/lst", Some("/data/last")),
            ("/dat/last", Some("/data/last")),
            ("/DATA/last", Some("/data/last")),
            ("/list/x", Some("/list/0/x")),
            ("/last", Some("/data/last")),
            ("/result/bid", Some("/data/of/0/bid")),
            ("/vol~1ume", Some("/meta/deep/Vol~1ume")),
            ("/data/last/0", None),
            ("/nowhere", None),
            ("/data/of/7", None),
        ] {
            let meant = Pointer::parse(pointer).unwrap().meant(value);
            assert_eq!(meant.map(|way| way.to_string()).as_deref(), expected, "{pointer}");
        }
        let (end, names) = Pointer::parse("/data/nothing/here").unwrap().end(value);
        assert_eq!(
            (end.to_string().as_str(), names),
            ("/data", Some(vec!["last".to_owned(), "of".to_owned()]))
        );
    }

    #[test]
    fn a_star_is_the_first_member_that_holds_something() {
        let kraken = r#"{"result":{"last":1502445600,"XXBTZUSD":[[1]]}}"#;
        assert_eq!(found("/result/*", kraken).as_deref(), Some("[[1]]"));
        assert_eq!(found("/result/*/0/0", kraken).as_deref(), Some("1"));
        assert_eq!(found("/*/0", "[1,[2]]").as_deref(), Some("2"));
        assert_eq!(found("/*", r#"{"a":1}"#), None);
    }

    #[test]
    fn a_pointer_reads_back_as_it_was_written_and_others_are_refused() {
        for text in ["", "/", "/a/b~1c/0", "/~0d", "/*/usd", "/1. open"] {
            assert_eq!(Pointer::parse(text).unwrap().to_string(), text);
        }
        for (text, hint) in [
            ("data", "write a slash before each name: /data"),
            ("/a~b", "a tilde is written ~0, and a slash in a name ~1"),
            ("/a~", "a tilde is written ~0, and a slash in a name ~1"),
        ] {
            let usage = Pointer::parse(text).unwrap_err();
            assert_eq!(usage.message, format!("`{text}` is not a JSON pointer"));
            assert_eq!(usage.hint.as_deref(), Some(hint));
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(found(&"/0".repeat(3), &deep).map(|found| found.len()), Some(deep.len() - 6));
    }
}
