//! Records that are stored as JSON: their members and rows, without a copy of what is in them.
//!
//! It knows no type. A number keeps its digits, whatever they are.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// The members of a JSON object in their order.
pub(crate) struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

/// The name of a member: borrowed, unless something in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Members<'a> {
    /// Reads an object; none if it is none.
    pub(crate) fn read(json: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(json).ok()
    }

    /// Every member and its value, as JSON.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &'a str)> {
        self.0.iter().map(|(name, value)| (&*name.0, value.get()))
    }

    /// The value of the first member of this name, as JSON.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|member| member.0.0 == name).map(|member| member.1.get())
    }

    /// The value of a member as text: without quotation marks, and nothing for `null`.
    pub(crate) fn text(&self, name: &str) -> Cow<'a, str> {
        self.get(name).map_or(Cow::Borrowed(""), text)
    }

    /// The rows under this name; none if that is no array of objects.
    pub(crate) fn rows(&self, name: &str) -> Option<Vec<Self>> {
        serde_json::from_str(self.get(name)?).ok()
    }
}

/// A JSON value as text.
fn text(json: &str) -> Cow<'_, str> {
    match json {
        "null" => Cow::Borrowed(""),
        quoted if quoted.starts_with('"') => match serde_json::from_str::<Name<'_>>(quoted) {
            Ok(name) => name.0,
            Err(_) => Cow::Borrowed(quoted),
        },
        digits => Cow::Borrowed(digits),
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_digits_and_lose_their_quotation_marks() {
        let json = br#"{"a":1.50,"b":"x\"y","\u0063":null,"rows":[{"d":1e3},{"d":null}],"f":[1]}"#;
        let members = Members::read(json).unwrap();
        assert_eq!(members.text("a"), "1.50");
        assert_eq!(members.text("b"), "x\"y");
        assert_eq!((members.text("c"), members.get("c")), ("".into(), Some("null")));
        let rows = members.rows("rows").unwrap();
        assert_eq!(rows.iter().map(|row| row.text("d")).collect::<Vec<_>>(), ["1e3", ""]);
        assert!(members.rows("f").is_none() && members.rows("none").is_none());
        assert!(Members::read(b"[1]").is_none());
    }
}
