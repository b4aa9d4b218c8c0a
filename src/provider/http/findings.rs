//! What stands in a reply where a configuration says that something stands, told to whoever wrote it.
//!
//! Nothing is read here as anything: that is [`Reading`]'s. It only looks along every pointer, and where
//! one leads nowhere it says what may have been meant. Everything that it gives is fit to be shown.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::fields::{Reading, needed};
use super::pointer::{Level, Pointer, content};
use super::rows::{Place, Rows, Shape};
use super::verdict::{Body, Spot, Verdict};
use super::{Definition, Endpoint};
use crate::error::nearest;
use crate::market::DataType;
use crate::provider::{Reply, excerpt, shown};

/// How many names are told of what is there.
const MOST_NAMES: usize = 12;

/// What stands where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// The name of the endpoint.
    pub endpoint: String,
    /// Where rows are sought, if they are.
    pub rows: Option<Finding>,
    /// The fields of the whole, or of the first row.
    pub fields: Vec<Finding>,
    /// Every `ok`, and of `errors` what holds.
    pub conditions: Vec<Condition>,
}

/// One place that the configuration names.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The name of the field.
    pub name: String,
    /// The place as it is written.
    pub place: String,
    /// What stands there; none if that leads nowhere.
    pub found: Option<String>,
    /// Whether nothing can be read without it.
    pub is_needed: bool,
    /// What may have been meant, where it leads nowhere.
    pub meant: Option<String>,
}

/// What is said of an answer by which it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// `ok`, or the name of an error.
    pub name: &'static str,
    /// Where.
    pub place: String,
    /// What is expected there.
    pub expected: String,
    /// What stands there.
    pub found: Option<String>,
    /// Whether that fits.
    pub holds: bool,
}

impl Definition {
    /// What a reply holds where the endpoint that gives this looks; none if it looks nowhere.
    pub fn findings(&self, data_type: DataType, reply: &Reply) -> Option<Findings> {
        let endpoint = self.giving(data_type)?;
        let body = Body::of(reply).unwrap_or(Body { text: "", json: None });
        let mut findings = Findings {
            endpoint: endpoint.name.as_str().to_owned(),
            conditions: conditions(&endpoint.verdict, &body),
            ..Findings::default()
        };
        if let Some(reading) = &endpoint.reading {
            findings.rows = reading.rows.as_ref().and_then(|rows| sought(rows, &body));
            findings.fields = fields(endpoint, reading, &body);
        }
        Some(findings)
    }
}

fn conditions(verdict: &Verdict, body: &Body<'_>) -> Vec<Condition> {
    let condition = |name, spot: &Spot, expected: &str| {
        let (place, found) = match spot {
            Spot::Body => (super::BODY.to_owned(), Some(shown(body.text))),
            Spot::At(pointer) => {
                (pointer.to_string(), body.json.and_then(|json| pointer.find(json)).map(told))
            }
        };
        let (expected, holds) = (expected.to_owned(), spot.holds(body, expected));
        Condition { name, place, expected, found, holds }
    };
    let errors = verdict.errors.iter().map(|(sign, spot, is)| condition(sign.as_str(), spot, is));
    let errors = errors.filter(|condition| condition.holds);
    let ok = verdict.ok.iter().map(|(spot, expected)| condition("ok", spot, expected));
    errors.chain(ok).collect()
}

/// The place of the rows; none for lines, which stand nowhere in particular.
fn sought(rows: &Rows, body: &Body<'_>) -> Option<Finding> {
    if matches!(rows.shape, Shape::Csv(_)) {
        return None;
    }
    let found = body.json.and_then(|json| rows.at.find(json));
    Some(Finding {
        name: "rows".to_owned(),
        place: rows.at.to_string(),
        found: found.map(told),
        is_needed: true,
        meant: body.json.filter(|_| found.is_none()).map(|json| meant(&rows.at, json)),
    })
}

/// Where fields are looked for.
enum Source<'a> {
    /// In this, or in the first row, which has a name in a map.
    Value(&'a RawValue, Option<Cow<'a, str>>),
    /// In the first element of each array that stands here.
    Columns(&'a RawValue),
    /// Under these columns of the first line.
    Line(Vec<String>, Vec<String>),
}

impl<'a> Source<'a> {
    /// None if there is no row, or no place where one could be.
    fn of(reading: &Reading, body: &Body<'a>) -> Option<Self> {
        let Some(rows) = &reading.rows else {
            return body.json.map(|json| Self::Value(json, None));
        };
        if let Shape::Csv(delimiter) = rows.shape {
            return line(body.text, delimiter);
        }
        let value = rows.at.find(body.json?)?;
        if rows.shape == Shape::Columns {
            return Some(Self::Columns(value));
        }
        match Level::of(value)? {
            Level::Object(members) => {
                let (name, row) = members.into_iter().next()?;
                Some(Self::Value(row, Some(name)))
            }
            Level::Array(elements) => Some(Self::Value(elements.into_iter().next()?, None)),
        }
    }

    /// What stands in a place, or what may have been meant by it.
    fn look(&self, place: &Place) -> (Option<String>, Option<String>) {
        match (self, place) {
            (Self::Value(_, name), Place::Key) => (name.as_deref().map(shown), None),
            (_, Place::Key) => (None, None),
            (Self::Value(value, _), Place::At(pointer)) => match pointer.find(value) {
                Some(found) => (Some(told(found)), None),
                None => (None, Some(meant(pointer, value))),
            },
            (Self::Columns(value), Place::At(pointer)) => match pointer.find(value) {
                Some(column) => match Level::of(column) {
                    Some(Level::Array(values)) => {
                        let first = values.first().copied();
                        (Some(first.map_or_else(|| "no element".to_owned(), told)), None)
                    }
                    _ => (Some(told(column)), Some("it is no array".to_owned())),
                },
                None => (None, Some(meant(pointer, value))),
            },
            (Self::Line(names, cells), Place::At(pointer)) => {
                match pointer.column(names.iter().map(String::as_str)) {
                    Some(at) if at < names.len() => (cells.get(at).map(|cell| shown(cell)), None),
                    _ => (None, Some(column_meant(pointer, names))),
                }
            }
        }
    }
}

/// The first line of a table.
fn line<'a>(text: &str, delimiter: u8) -> Option<Source<'a>> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let cells = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect();
    let names = cells(reader.headers().ok()?);
    let first = reader.records().next().and_then(Result::ok);
    Some(Source::Line(names, first.as_ref().map(cells).unwrap_or_default()))
}

fn fields(endpoint: &Endpoint, reading: &Reading, body: &Body<'_>) -> Vec<Finding> {
    let known = super::FIELDS.iter().find(|(name, _)| *name == endpoint.name.as_str());
    let needed = known.map(|(name, fields)| &fields[..needed(name)]).unwrap_or_default();
    let source = Source::of(reading, body);
    let finding = |(name, place): &(Box<str>, Place)| {
        let (found, meant) = source.as_ref().map(|source| source.look(place)).unwrap_or_default();
        Finding {
            name: name.to_string(),
            place: match place {
                Place::At(pointer) => written(pointer, reading),
                Place::Key => "{key}".to_owned(),
            },
            found,
            is_needed: needed.contains(&&**name),
            meant,
        }
    };
    reading.fields.iter().map(finding).collect()
}

/// A pointer as it is written: a column has a name.
fn written(pointer: &Pointer, reading: &Reading) -> String {
    let text = pointer.to_string();
    match reading.rows.as_ref().map(|rows| rows.shape) {
        Some(Shape::Csv(_)) => text.trim_start_matches('/').to_owned(),
        _ => text,
    }
}

/// A way that was probably meant, or what is there where this one ends.
fn meant(pointer: &Pointer, value: &RawValue) -> String {
    if let Some(other) = pointer.meant(value) {
        return format!("did you mean `{}`?", shown(&other.to_string()));
    }
    let (place, names) = pointer.end(value);
    let place = match place.to_string() {
        whole if whole.is_empty() => "what is looked into".to_owned(),
        place => format!("`{}`", shown(&place)),
    };
    match names {
        Some(names) if names.is_empty() => format!("{place} is empty"),
        Some(names) => format!("{place} has {}", listed(&names)),
        None => format!("{place} is a single value"),
    }
}

fn column_meant(pointer: &Pointer, names: &[String]) -> String {
    let name = pointer.to_string();
    let known = names.iter().map(String::as_str).filter(|name| name.len() <= 64);
    match nearest(name.trim_start_matches('/'), known.take(1000)) {
        Some(near) => format!("did you mean `{}`?", shown(near)),
        None => format!("its columns are {}", listed(names)),
    }
}

/// The first of these names.
fn listed(names: &[String]) -> String {
    let mut told: Vec<String> = names.iter().take(MOST_NAMES).map(|name| shown(name)).collect();
    if names.len() > MOST_NAMES {
        told.push(format!("{} more", names.len() - MOST_NAMES));
    }
    told.join(", ")
}

/// A value, fit to be shown.
fn told(value: &RawValue) -> String {
    match content(value) {
        Ok(Some(text)) if text.trim().is_empty() => "\"\"".to_owned(),
        Ok(Some(text)) => shown(&text),
        Ok(None) => "null".to_owned(),
        Err(_) => match Level::of(value) {
            Some(Level::Array(elements)) => format!("an array of {}", elements.len()),
            Some(Level::Object(members)) => format!("an object of {}", members.len()),
            None => "nothing that can be read".to_owned(),
        },
    }
}

/// What a reply is made of, at its top.
pub fn shape(reply: &Reply) -> String {
    let Some(body) = Body::of(reply) else {
        return "bytes that are no text".to_owned();
    };
    let kind = |value: &RawValue| match value.get().as_bytes().first() {
        Some(b'{' | b'[') => told(value),
        Some(b'"') => "text".to_owned(),
        Some(b't' | b'f') => "true or false".to_owned(),
        Some(b'n') => "null".to_owned(),
        _ => "number".to_owned(),
    };
    match body.json.map(|json| (json, Level::of(json))) {
        Some((_, Some(Level::Object(members)))) if members.is_empty() => {
            "an empty object".to_owned()
        }
        Some((_, Some(Level::Object(members)))) => {
            let names: Vec<String> =
                members.iter().map(|(name, value)| format!("{name} ({})", kind(value))).collect();
            format!("an object: {}", listed(&names))
        }
        Some((_, Some(Level::Array(elements)))) => match elements.first() {
            None => "an empty array".to_owned(),
            Some(first) => format!("an array of {}, the first is {}", elements.len(), kind(first)),
        },
        Some((json, None)) => format!("a single value: {}", kind(json)),
        None if body.text.trim().is_empty() => "nothing".to_owned(),
        None => format!("{} lines of text: {}", body.text.lines().count(), excerpt(&reply.body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{EndpointName, Params};
    use crate::provider::http::{Names, Template, TimeForm};

    /// What stands in the fields of bars in rows of a shape.
    fn looked(shape: Shape, at: &str, close: &str, body: &str) -> (Option<Finding>, Vec<Finding>) {
        let place = |text: &str| match (text, shape) {
            ("{key}", _) => Place::Key,
            (name, Shape::Csv(_)) => Place::At(Pointer::of(name)),
            (text, _) => Place::At(Pointer::parse(text).unwrap()),
        };
        let reading = Reading {
            rows: Some(Rows { at: Pointer::parse(at).unwrap(), shape }),
            fields: vec![("close".into(), place(close))],
            time: TimeForm::default(),
            missing: Vec::new(),
            currency: None,
            exchange: None,
            intervals: Vec::new(),
            max_rows: None,
        };
        let endpoint = Endpoint {
            name: EndpointName::parse("bars").unwrap(),
            classes: None,
            names: Names::default(),
            path: Template::parse("/bars").unwrap(),
            query: Vec::new(),
            body: None,
            params: Params::default(),
            verdict: Verdict::default(),
            retry_after: None,
            reading: Some(reading),
        };
        let definition = Definition { endpoints: vec![endpoint] };
        let reply = Reply::new(200, body.as_bytes().to_vec());
        let findings = definition.findings(DataType::Bars, &reply).unwrap();
        (findings.rows, findings.fields)
    }

    #[test]
    fn every_shape_is_looked_along() {
        use Shape::{Arrays, Columns, Csv, Map, Objects};
        for (shape, at, close, body, found, meant) in [
            (Objects, "/d", "/c", r#"{"d":[{"c":"1.50"}]}"#, Some("1.50"), None),
            (Objects, "", "/elephant", r#"[{"close":1,"t":2}]"#, None, Some("has close, t")),
            (
                Objects,
                "/d",
                "/vlue",
                r#"{"d":[{"value":1}]}"#,
                None,
                Some("did you mean `/value`?"),
            ),
            (Arrays, "/d", "/4", r#"{"d":[[1,2]]}"#, None, Some("what is looked into has 0, 1")),
            (Map, "/d", "/c", r#"{"d":{"2026-07-01":{"c":2}}}"#, Some("2"), None),
            (Map, "/d", "{key}", r#"{"d":{"2026-07-01":{"c":2}}}"#, Some("2026-07-01"), None),
            (Columns, "/d", "/c", r#"{"d":{"c":[3,4]}}"#, Some("3"), None),
            (Columns, "/d", "/c", r#"{"d":{"c":[]}}"#, Some("no element"), None),
            (Columns, "/d", "/c", r#"{"d":{"c":5}}"#, Some("5"), Some("it is no array")),
            (Csv(b','), "", "close", "date,close\n2026-07-01,6\n", Some("6"), None),
            (Csv(b','), "", "clse", "date,close\n", None, Some("did you mean `close`?")),
            (Csv(b','), "", "elephant", "date,close\n", None, Some("its columns are date, close")),
            (Objects, "/d", "/c", r#"{"d":[]}"#, None, None),
            (Objects, "/d", "/c", "no JSON", None, None),
        ] {
            let (_, fields) = looked(shape, at, close, body);
            assert_eq!(fields[0].found.as_deref(), found, "{body}");
            let said = fields[0].meant.as_deref();
            let fits = meant.is_none_or(|meant| said.is_some_and(|said| said.contains(meant)));
            assert!(fits && meant.is_some() == said.is_some(), "{body}: {said:?}");
            assert!(fields[0].is_needed);
        }
        let (rows, _) = looked(Objects, "/dta", "/c", r#"{"data":[{"c":1}]}"#);
        assert_eq!(rows.unwrap().meant.as_deref(), Some("did you mean `/data`?"));
    }

    #[test]
    fn the_shape_of_an_answer_is_told_in_a_line() {
        for (body, told) in [
            (&b"{}"[..], "an empty object"),
            (
                br#"{"a":1,"b":[1,2],"c":null,"d":"x","e":true}"#,
                "an object: a (number), b (an array of 2), c (null), d (text), e (true or false)",
            ),
            (b"[]", "an empty array"),
            (b"[[1,2],3]", "an array of 2, the first is an array of 2"),
            (b"7", "a single value: number"),
            (b"  ", "nothing"),
            (b"a\nb", "2 lines of text: `a b`"),
            (b"\xff\xfe", "bytes that are no text"),
        ] {
            assert_eq!(shape(&Reply::new(200, body.to_vec())), told);
        }
    }
}
