//! What `put` wrote, as a record: what it is about is known from what was asked, and the rest is the
//! user's, with every digit.

use super::cells::json_text;
use super::members::Members;
use super::value;
use crate::cache::Question;
use crate::entry::{Entry, Format};
use crate::key::PUT;
use crate::market::{DataType, Quote};

/// What is known of every record without reading it.
const KNOWN: [&str; 4] = ["symbol", "asset_class", "type", "provider"];

/// What stands behind every record that is told of.
const CACHE: &str = "cache";

/// The record that answers a question with what `put` wrote. An object under the key of market data is
/// that: of a quote all members of quotes, what is lacking `null`, then what else there is. Anything
/// else is a payload, and so is all that is kept for an endpoint.
pub(super) fn record(question: &Question, entry: &Entry) -> Vec<u8> {
    let written = value(entry);
    let mut record = Object::about(question);
    let is_payload = matches!(question.data_type, DataType::Payload(_));
    let members = (entry.format == Format::Json && !is_payload)
        .then(|| Members::read(written.as_bytes()))
        .flatten();
    let Some(members) = members else {
        record.member("payload", &written);
        return record.closed();
    };
    let is_quote = question.data_type == DataType::Quote;
    let expected = if is_quote { &Quote::MEMBERS[KNOWN.len()..] } else { &[] };
    for name in expected {
        record.member(name, members.get(name).unwrap_or("null"));
    }
    for (name, json) in members.iter() {
        if !KNOWN.contains(&name) && !expected.contains(&name) && name != CACHE {
            record.member(name, json);
        }
    }
    record.closed()
}

/// A JSON object that is being written.
struct Object(Vec<u8>);

impl Object {
    /// One that says what was asked; what takes no symbol is about none.
    fn about(question: &Question) -> Self {
        let mut object = Self(vec![b'{']);
        let of_symbol = question.key.symbol().is_some();
        let class = question.symbol.class().as_str();
        let said = [question.symbol.name(), class, question.data_type.as_str(), PUT];
        for (name, text) in KNOWN.into_iter().zip(said).skip(if of_symbol { 0 } else { 2 }) {
            object.name(name);
            json_text(text, &mut object.0);
        }
        object
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
        json_text(name, &mut self.0);
        self.0.push(b':');
    }

    fn member(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.extend_from_slice(json.as_bytes());
    }

    fn closed(mut self) -> Vec<u8> {
        self.0.push(b'}');
        self.0
    }
}
