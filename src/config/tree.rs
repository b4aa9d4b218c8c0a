//! YAML text, flattened to leaves: one path for each value, and where it stands when it is wrong.
//!
//! It knows nothing of the keys that there are: a [`Guide`] says what may stand where, so that
//! `build.rs` can flatten the shipped file with this same code. It imports nothing of mcache.
//!
//! *Verbatim.* YAML would turn the tickers `NO`, `TRUE` and `0700` into other things; a scalar
//! stays the text that was written, and gets its type from whoever reads it. The parser gives
//! the text only to one who asks for text, and asking for text of a map is an error; so the
//! text is parsed twice, first for the shape, then for the words. Files of users are short.
//!
//! *Places.* The parser adds its place to an error that is raised while it visits something. A
//! key is therefore judged inside the visit of the key, a value inside that of the value.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess,
    SeqAccess, Visitor,
};

/// What stands between two names of a path: no key can hold it, while a symbol may hold a dot.
pub const SEPARATOR: char = '\t';

/// What stands for an item of a list in the path of what is in it, where that may be a map: no name
/// can be so called.
pub const ITEM: &str = "[]";

/// What is set at the end of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leaf {
    /// A scalar, as it was written.
    Text(Cow<'static, str>),
    /// A list of scalars, as they were written; a map in it is the text of one in JSON.
    List(Cow<'static, [Cow<'static, str>]>),
    /// `~` or `null`: what weaker layers say here and below is removed.
    Null,
}

/// The leaves of a text with their paths, in the order of the text.
pub type Leaves = Vec<(String, Leaf)>;

/// What was found at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A map.
    Map,
    /// A list.
    List,
    /// A scalar.
    Text,
    /// `~` or `null`.
    Null,
}

impl Found {
    /// What it is called, with its article.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Map => "a map",
            Self::List => "a list",
            Self::Text => "a single value",
            Self::Null => "nothing",
        }
    }
}

/// Why something may not stand where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

/// Knows what may stand where.
pub trait Guide {
    /// The path of this name below `parent` (the root is empty), in the spelling that it is
    /// known by.
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal>;
    /// Whether such a thing may stand there.
    fn admit(&self, path: &str, found: Found) -> Result<(), Refusal>;
    /// Whether this scalar, or this item of a list, may stand there.
    fn check(&self, path: &str, text: &str) -> Result<(), Refusal>;
}

/// What is wrong with a text, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line and column, both from 1, where the parser knows them.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub refusal: Refusal,
}

/// Flattens a document; an empty one has no leaves, and a key without a value says nothing.
pub fn flatten(text: &str, guide: &dyn Guide) -> Result<Leaves, Fault> {
    walk(text, Walk { guide, unfolds: false, leaves: Vec::new(), refusal: None })
}

/// Leads the guide through a document in which lists hold anything: an item has the path of its
/// list with [`ITEM`] below it.
pub fn unfold(text: &str, guide: &dyn Guide) -> Result<(), Fault> {
    walk(text, Walk { guide, unfolds: true, leaves: Vec::new(), refusal: None }).map(drop)
}

fn walk(text: &str, mut walk: Walk<'_>) -> Result<Leaves, Fault> {
    let shape: Shape = serde_yaml::from_str(text).map_err(|error| malformed(text, &error))?;
    let node = Node { walk: &mut walk, path: String::new(), shape: &shape };
    match node.deserialize(serde_yaml::Deserializer::from_str(text)) {
        Ok(()) => Ok(walk.leaves),
        Err(error) => Err(match walk.refusal {
            Some(refusal) => Fault {
                place: error.location().map(|place| (place.line(), place.column())),
                refusal,
            },
            None => malformed(text, &error),
        }),
    }
}

/// What the parser says, with its place taken out of the sentence.
fn malformed(text: &str, error: &serde_yaml::Error) -> Fault {
    let mut message = error.to_string();
    let mut place = error.location().map(|place| (place.line(), place.column()));
    if let Some((line, column)) = place {
        message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
    }
    // For a character that no YAML may hold the parser gives a byte and no line.
    if let Some((before, byte)) = message.split_once(" at position ") {
        let byte = byte.split(|c: char| !c.is_ascii_digit()).next().and_then(|n| n.parse().ok());
        place = byte.and_then(|byte| text.get(..byte)).map(place_after).or(place);
        message = before.to_owned();
    }
    let message = format!("not YAML: {message}");
    Fault { place, refusal: Refusal { message, hint: None } }
}

/// The line and the column behind a text, both from 1.
pub fn place_after(text: &str) -> (usize, usize) {
    let line = text.rsplit('\n').next().unwrap_or_default();
    (text.matches('\n').count() + 1, line.chars().count() + 1)
}

/// What the first pass learns: the kind of every node, in the order of the text.
enum Shape {
    Null,
    Text,
    List(Vec<Shape>),
    Map(Vec<Shape>),
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Text)
    }

    fn visit_unit<E: Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Shape, A::Error> {
        let mut shapes = Vec::new();
        while let Some(shape) = list.next_element()? {
            shapes.push(shape);
        }
        Ok(Shape::List(shapes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shape, A::Error> {
        let mut shapes = Vec::new();
        while let Some((IgnoredAny, shape)) = map.next_entry()? {
            shapes.push(shape);
        }
        Ok(Shape::Map(shapes))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, _: A) -> Result<Shape, A::Error> {
        Err(A::Error::custom("a tag (`!…`) means nothing here"))
    }
}

struct Walk<'g> {
    guide: &'g dyn Guide,
    /// Whether the items of a list are nodes; else a list of scalars is one leaf.
    unfolds: bool,
    leaves: Leaves,
    /// What the guide said, while the parser carries an error out that has the place.
    refusal: Option<Refusal>,
}

impl Walk<'_> {
    fn heed<T, E: Error>(&mut self, answer: Result<T, Refusal>) -> Result<T, E> {
        answer.map_err(|refusal| {
            self.refusal = Some(refusal);
            E::custom("refused")
        })
    }

    fn admit<E: Error>(&mut self, path: &str, found: Found) -> Result<(), E> {
        self.heed(self.guide.admit(path, found))
    }
}

/// The second pass over one value.
struct Node<'w, 'g> {
    walk: &'w mut Walk<'g>,
    path: String,
    shape: &'w Shape,
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.shape {
            // An empty document has no event that could be read as text.
            Shape::Null if self.path.is_empty() => IgnoredAny::deserialize(deserializer).map(drop),
            Shape::Null | Shape::Text => deserializer.deserialize_str(self),
            Shape::List(_) => deserializer.deserialize_seq(self),
            Shape::Map(_) => deserializer.deserialize_map(self),
        }
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        let Self { walk, path, shape } = self;
        // `NULL` is nothing to YAML and a ticker to everybody else; quoted, each is a text.
        let leaf = match text {
            "" if matches!(shape, Shape::Null) => return Ok(()),
            "~" | "null" if matches!(shape, Shape::Null) => {
                walk.admit(&path, Found::Null)?;
                Leaf::Null
            }
            text => {
                walk.admit(&path, Found::Text)?;
                walk.heed(walk.guide.check(&path, text))?;
                Leaf::Text(Cow::Owned(text.to_owned()))
            }
        };
        walk.leaves.push((path, leaf));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let Self { walk, path, shape } = self;
        walk.admit(&path, Found::List)?;
        let shapes: &[Shape] = if let Shape::List(shapes) = shape { shapes } else { &[] };
        if walk.unfolds {
            for shape in shapes {
                let item = Node { walk, path: below(&path, ITEM), shape };
                if list.next_element_seed(item)?.is_none() {
                    break;
                }
            }
            return Ok(());
        }
        let mut items = Vec::with_capacity(shapes.len());
        for shape in shapes {
            let item = Item { walk, path: &path, shape };
            let Some(text) = list.next_element_seed(item)? else { break };
            items.push(Cow::Owned(text));
        }
        walk.leaves.push((path, Leaf::List(Cow::Owned(items))));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self { walk, path, shape } = self;
        walk.admit(&path, Found::Map)?;
        fields(walk, &path, shape, &mut map)
    }
}

/// The second pass over one item of a list.
struct Item<'w, 'g> {
    walk: &'w mut Walk<'g>,
    path: &'w str,
    shape: &'w Shape,
}

impl Item<'_, '_> {
    fn refused<E: Error>(self, what: &str) -> E {
        self.walk.refusal = Some(Refusal {
            message: format!("`{}` holds {what}", shown(self.path)),
            hint: Some("the items of this list are plain values".to_owned()),
        });
        E::custom("refused")
    }
}

impl<'de> DeserializeSeed<'de> for Item<'_, '_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        match self.shape {
            Shape::Null | Shape::Text => deserializer.deserialize_str(self),
            Shape::Map(_) => deserializer.deserialize_map(self),
            Shape::List(_) => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Item<'_, '_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a plain value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        self.walk.heed(self.walk.guide.check(self.path, text))?;
        Ok(text.to_owned())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<String, A::Error> {
        Err(self.refused("a list"))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let item = below(self.path, ITEM);
        if self.walk.guide.admit(&item, Found::Map).is_err() {
            return Err(self.refused("a map"));
        }
        let Self { walk, path, shape } = self;
        let before = walk.leaves.len();
        fields(walk, &item, shape, &mut map)?;
        let text = as_json(&item, walk.leaves.drain(before..));
        walk.heed(walk.guide.check(path, &text))?;
        Ok(text)
    }
}

/// The second pass over what stands in a map.
fn fields<'de, A: MapAccess<'de>>(
    walk: &mut Walk<'_>,
    path: &str,
    shape: &Shape,
    map: &mut A,
) -> Result<(), A::Error> {
    let shapes: &[Shape] = if let Shape::Map(shapes) = shape { shapes } else { &[] };
    let mut seen = BTreeSet::new();
    for shape in shapes {
        let key = Key { walk, parent: path, seen: &mut seen };
        let Some(path) = map.next_key_seed(key)? else { break };
        map.next_value_seed(Node { walk, path, shape })?;
    }
    Ok(())
}

/// The leaves below a path as the text of one map.
fn as_json(path: &str, leaves: impl Iterator<Item = (String, Leaf)>) -> String {
    let fields: Vec<String> = leaves
        .filter_map(|(leaf_path, leaf)| {
            let value = match leaf {
                Leaf::Text(text) => quoted(&text),
                Leaf::List(items) => {
                    let items: Vec<String> = items.iter().map(|item| quoted(item)).collect();
                    format!("[{}]", items.join(","))
                }
                Leaf::Null => return None,
            };
            let name = leaf_path.strip_prefix(path)?.trim_start_matches(SEPARATOR);
            Some(format!("{}:{value}", quoted(name)))
        })
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// A text as JSON has it.
fn quoted(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The second pass over one key: gives the path of what stands under it.
struct Key<'w, 'g> {
    walk: &'w mut Walk<'g>,
    parent: &'w str,
    seen: &'w mut BTreeSet<String>,
}

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_, '_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a key")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        let Self { walk, parent, seen } = self;
        let path = walk.heed(walk.guide.enter(parent, name))?;
        if !seen.insert(path.clone()) {
            let message = format!("`{}` stands here for the second time", shown(&path));
            let hint = Some("keep one of the two".to_owned());
            return walk.heed(Err(Refusal { message, hint }));
        }
        Ok(path)
    }
}

/// A path as people write it: with dots, and quotes about a name that has a dot itself.
pub fn shown(path: &str) -> String {
    let quoted = |name: &str| {
        if name.contains(['.', '=', '"']) { format!("\"{name}\"") } else { name.to_owned() }
    };
    path.split(SEPARATOR).map(quoted).collect::<Vec<_>>().join(".")
}

/// The path of this name below `parent`.
pub fn below(parent: &str, name: &str) -> String {
    if parent.is_empty() { name.to_owned() } else { format!("{parent}{SEPARATOR}{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fmt::Write as _;

    /// Lets everything pass but a key or a value called `bad`.
    struct Lenient;

    impl Guide for Lenient {
        fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
            self.check(parent, name).map(|()| below(parent, name))
        }

        fn admit(&self, path: &str, _: Found) -> Result<(), Refusal> {
            // Maps stand in the lists called `maps` only.
            let odd = path.ends_with(ITEM) && !path.starts_with("maps");
            let refusal = || Refusal { message: "odd".to_owned(), hint: None };
            if odd { Err(refusal()) } else { Ok(()) }
        }

        fn check(&self, _: &str, text: &str) -> Result<(), Refusal> {
            let refusal = || Refusal { message: "bad".to_owned(), hint: None };
            if text == "bad" { Err(refusal()) } else { Ok(()) }
        }
    }

    fn text(text: &str) -> Leaf {
        Leaf::Text(Cow::Owned(text.to_owned()))
    }

    #[test]
    fn what_looks_like_another_type_stays_what_was_written() {
        let words =
            ["NO", "TRUE", "0700", "NULL", "1E5", "600519", "0x10", "1.50", ".5", "Y", "ON"];
        for word in words {
            let yaml = format!("a: {word}\nb: [{word}, x]\n{word}: {{c: {word}}}\n");
            let leaves = flatten(&yaml, &Lenient).unwrap();
            let list = Leaf::List(vec![Cow::Borrowed(word), Cow::Borrowed("x")].into());
            let expected = vec![
                ("a".to_owned(), text(word)),
                ("b".to_owned(), list),
                (format!("{word}\tc"), text(word)),
            ];
            assert_eq!(leaves, expected, "{word}");
        }
    }

    #[test]
    fn nothing_is_not_null_and_quotes_make_a_text_of_both() {
        let yaml = "a: ~\nb: null\nc:\nd: \"\"\ne: '~'\nf: {}\ng: []\n";
        let leaves = flatten(yaml, &Lenient).unwrap();
        let expected = [
            ("a", Leaf::Null),
            ("b", Leaf::Null),
            ("d", text("")),
            ("e", text("~")),
            ("g", Leaf::List(Cow::Borrowed(&[]))),
        ];
        assert_eq!(leaves, expected.map(|(path, leaf)| (path.to_owned(), leaf)));
    }

    #[test]
    fn a_map_in_a_list_is_kept_as_text() {
        let yaml = "maps:\n- {a: NO, b: [x, 0700]}\n- x\n- c: 'say \"\\'\n  d: ~\n- {}\n";
        let items = [r#"{"a":"NO","b":["x","0700"]}"#, "x", r#"{"c":"say \"\\"}"#, "{}"];
        let list = Leaf::List(items.map(Cow::Borrowed).to_vec().into());
        assert_eq!(flatten(yaml, &Lenient), Ok(vec![("maps".to_owned(), list)]));
    }

    #[test]
    fn a_document_that_says_nothing_has_no_leaves() {
        for yaml in ["", "\n", "# only a comment\n", "---\n", "~", "{}", "---\n...\n", "\u{feff}"] {
            assert_eq!(flatten(yaml, &Lenient), Ok(vec![]), "{yaml:?}");
        }
    }

    #[test]
    fn a_fault_is_where_it_stands() {
        for (yaml, place, message) in [
            ("bad: 1", (1, 1), "bad"),
            ("a:\n  b: 1\n  bad: 1\n", (3, 3), "bad"),
            ("a: {b: 1, bad: {c: 1}}", (1, 11), "bad"),
            ("a:\n  b:   bad\n", (2, 8), "bad"),
            ("é: {ü: \"bad\"}", (1, 8), "bad"),
            ("a: [x, bad]", (1, 8), "bad"),
            ("a:\n- x\n- bad\n", (3, 3), "bad"),
            ("a: &x bad", (1, 4), "bad"),
            ("a: {b: 1}\na: {c: 1}\n", (2, 1), "`a` stands here for the second time"),
            ("a:\n  b: 1\n  c: 2\n  b: 3\n", (4, 3), "`a.b` stands here for the second time"),
            ("a: [x, [y]]", (1, 8), "`a` holds a list"),
            ("a:\n- x\n- y: z\n", (3, 3), "`a` holds a map"),
            ("maps:\n- a: x\n  bad: y\n", (3, 3), "bad"),
            ("maps:\n- a: x\n- b: [x, bad]\n", (3, 10), "bad"),
            ("maps: [{a: x, a: y}]", (1, 15), "`maps.[].a` stands here for the second time"),
            ("maps: [[x]]", (1, 8), "`maps` holds a list"),
            ("a: !tag x", (1, 4), "not YAML: a: a tag (`!…`) means nothing here"),
            ("a: *nowhere", (1, 4), "not YAML: unknown anchor"),
        ] {
            let fault = flatten(yaml, &Lenient).unwrap_err();
            assert_eq!(
                (fault.place, fault.refusal.message.as_str()),
                (Some(place), message),
                "{yaml}"
            );
        }
    }

    #[test]
    fn what_is_no_yaml_says_so_and_where() {
        for (yaml, place) in [
            ("a: [1, 2\nb: 3\n", Some((2, 2))),
            ("a: b: c", Some((1, 5))),
            ("\ta: 1", Some((1, 1))),
            ("a: 1\nb: \u{7}x\n", Some((2, 4))),
            ("a: \"x", Some((1, 6))),
            ("? [a, b]\n: c\n", Some((1, 3))),
            ("a: 1\n---\nb: 2\n", None),
        ] {
            let fault = flatten(yaml, &Lenient).unwrap_err();
            assert!(fault.refusal.message.starts_with("not YAML: "), "{yaml:?}: {fault:?}");
            assert_eq!(fault.place, place, "{yaml:?}: {fault:?}");
        }
    }

    #[test]
    fn an_unfolded_list_may_hold_anything_and_keeps_its_order() {
        struct Words(std::cell::RefCell<Vec<String>>);
        impl Guide for Words {
            fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
                Lenient.enter(parent, name)
            }

            fn admit(&self, _: &str, _: Found) -> Result<(), Refusal> {
                Ok(())
            }

            fn check(&self, path: &str, text: &str) -> Result<(), Refusal> {
                self.0.borrow_mut().push(format!("{}={text}", shown(path)));
                Lenient.check(path, text)
            }
        }
        let words = Words(std::cell::RefCell::default());
        assert_eq!(unfold("a: [NO, {b: 0700, c: [x]}, y, ~]\nd: e", &words), Ok(()));
        assert_eq!(words.0.take(), ["a.[]=NO", "a.[].b=0700", "a.[].c.[]=x", "a.[]=y", "d=e"]);
        let fault = unfold("- x\n- b: bad\n", &words).unwrap_err();
        assert_eq!((fault.place, fault.refusal.message.as_str()), (Some((2, 6)), "bad"));
    }

    #[test]
    fn anchors_are_followed_and_bombs_are_not() {
        let leaves = flatten("a: &x {b: 1}\nc: *x\n", &Lenient).unwrap();
        assert_eq!(leaves[1], ("c\tb".to_owned(), text("1")));
        let mut bomb = "a0: &a0 [x]\n".to_owned();
        for i in 1..40 {
            writeln!(bomb, "a{i}: &a{i} {{l: *a{0}, r: *a{0}}}", i - 1).unwrap();
        }
        assert!(flatten(&bomb, &Lenient).is_err());
        assert!(flatten(&"[".repeat(1000), &Lenient).is_err());
        assert!(flatten(&"{a: ".repeat(1000), &Lenient).is_err());
    }

    #[test]
    fn a_path_is_shown_with_dots() {
        assert_eq!(shown("symbols\tBRK.B"), "symbols.\"BRK.B\"");
        assert_eq!(shown("cache\tdisk"), "cache.disk");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(yaml in "\\PC{0,60}") {
            let _ = flatten(&yaml, &Lenient);
        }

        #[test]
        fn no_punctuation_makes_it_panic(yaml in "[ab~!&*<>|?:,%@'\"#\\[\\]{}\\-\n\t 01.]{0,60}") {
            let _ = flatten(&yaml, &Lenient);
        }
    }
}
