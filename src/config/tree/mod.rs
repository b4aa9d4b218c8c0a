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

mod shape;
#[cfg(test)]
mod tests;
mod walk;

use std::borrow::Cow;

use walk::{Walk, walk};

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
