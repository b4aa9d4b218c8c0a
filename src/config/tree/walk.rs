//! The second pass over a text: its words as they were written, led by the shape that the first found.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{
    Deserialize as _, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};

use super::shape::Shape;
use super::{Fault, Found, Guide, ITEM, Leaf, Leaves, Refusal, SEPARATOR, below, malformed, shown};

/// Leads a guide through a text, both passes.
pub(super) fn walk(text: &str, mut walk: Walk<'_>) -> Result<Leaves, Fault> {
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

/// What the second pass carries through the text.
pub(super) struct Walk<'g> {
    pub(super) guide: &'g dyn Guide,
    /// Whether the items of a list are nodes; else a list of scalars is one leaf.
    pub(super) unfolds: bool,
    pub(super) leaves: Leaves,
    /// What the guide said, while the parser carries an error out that has the place.
    pub(super) refusal: Option<Refusal>,
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
