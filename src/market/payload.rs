//! What an endpoint sent, as it was sent.
//!
//! Nothing in it is understood. JSON loses the white space between its parts and nothing else, so that
//! a record is one line; text is a string, and anything else is told as base64.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use serde_json::value::RawValue;

/// So deep may parts stand within each other: as deep as most programs read (`serde_json` 128).
const DEEPEST: usize = 128;

/// A JSON value as text, on one line.
///
/// Invariant: it is valid, and not too deep to be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(Box<str>);

impl Json {
    /// Reads JSON; none if it is not valid, or too deep.
    pub fn parse(text: &str) -> Option<Self> {
        let raw: &RawValue = serde_json::from_str(text).ok()?;
        compact(raw.get()).map(|json| Self(json.into()))
    }

    /// A text as a JSON string.
    pub fn text(text: &str) -> Self {
        Self(json!(text).to_string().into())
    }

    /// Bytes that are neither: what they are, how many, and themselves.
    pub fn binary(bytes: &[u8], content_type: Option<&str>) -> Self {
        let content_type = content_type.unwrap_or("application/octet-stream");
        let told = json!({
            "content_type": content_type,
            "bytes": bytes.len(),
            "base64": STANDARD.encode(bytes),
        });
        Self(told.to_string().into())
    }

    /// The bytes that were sent, of a text that stands for text or for bytes; none if it is other JSON.
    pub fn sent(json: &str) -> Option<Vec<u8>> {
        if json.starts_with('"') {
            return serde_json::from_str(json).map(String::into_bytes).ok();
        }
        let Told { bytes, base64, .. } = serde_json::from_str(json).ok()?;
        let sent = STANDARD.decode(base64).ok()?;
        (sent.len() == bytes).then_some(sent)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Bytes, as they are told; nothing else may stand beside.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Told<'a> {
    #[serde(rename = "content_type")]
    _content_type: Cow<'a, str>,
    bytes: usize,
    base64: &'a str,
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// What an endpoint gave. The fields and their order are the contract's (section 3).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Payload {
    /// The symbol in our spelling; none of an endpoint that takes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Its class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_class: Option<String>,
    /// The name of the endpoint.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Who said so.
    pub provider: String,
    /// What was sent.
    pub payload: Json,
}

/// Valid JSON without the white space that stands outside of strings; none if it is too deep.
fn compact(json: &str) -> Option<String> {
    let (mut in_string, mut is_escaped, mut depth) = (false, false, 0_usize);
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if in_string {
            in_string = is_escaped || c != '"';
            is_escaped = !is_escaped && c == '\\';
        } else {
            match c {
                '"' => in_string = true,
                '{' | '[' => depth += 1,
                '}' | ']' => depth = depth.saturating_sub(1),
                _ if c.is_ascii_whitespace() => continue,
                _ => {}
            }
            if depth > DEEPEST {
                return None;
            }
        }
        out.push(c);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn json_keeps_its_digits_and_its_strings() {
        let sent = "{ \"a\" : 1.50 ,\n\"b c\":[ 1e3, \"x \\\" y\\\\\" ] }\n";
        let kept = Json::parse(sent).unwrap();
        assert_eq!(kept.as_str(), r#"{"a":1.50,"b c":[1e3,"x \" y\\"]}"#);
        assert_eq!(Json::parse("{\"a\":"), None);
        assert_eq!(Json::parse(&format!("{}{}", "[".repeat(5000), "]".repeat(5000))), None);
        assert_eq!(Json::text("a\nb").as_str(), r#""a\nb""#);
        let told = Json::binary(&[0, 255], Some("image/png"));
        assert!(
            told.as_str().contains(r#""base64":"AP8=""#) && told.as_str().contains(r#""bytes":2"#)
        );
    }

    #[test]
    fn text_and_bytes_come_back_as_they_were_sent() {
        let told = Json::binary(b"\x89PNG\0", None);
        assert_eq!(Json::sent(told.as_str()).as_deref(), Some(&b"\x89PNG\0"[..]));
        assert_eq!(Json::sent(Json::text("a\n\"b\"").as_str()).as_deref(), Some(&b"a\n\"b\""[..]));
        for other in [
            "{}",
            "[1]",
            "5",
            r#"{"content_type":"x","bytes":1,"base64":"AP8="}"#,
            r#"{"content_type":"x","bytes":2,"base64":"?"}"#,
            r#"{"content_type":"x","bytes":2,"base64":"AP8=","more":1}"#,
        ] {
            assert_eq!(Json::sent(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_is_the_same_value(text in "\\PC{0,20}", number: i64, pretty: bool) {
            let value = json!({text.clone(): [text, number, null, {"x": [], "y y": "\t"}]});
            let sent = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) };
            let kept = Json::parse(&sent.unwrap()).unwrap();
            prop_assert_eq!(kept.as_str(), value.to_string());
            let again: serde_json::Value = serde_json::from_str(kept.as_str()).unwrap();
            prop_assert_eq!(again, value);
        }
    }
}
