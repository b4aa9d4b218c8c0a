//! JSON: one array, or one object a line. What a record is stands in [`record`]; here stands what
//! only the command line says of one, and which members of it are picked.

use std::io::{self, Write};

use serde::Serialize;

use super::fields::{Fields, Layout};
use super::{Printer, Shown};
use crate::cache::record::cells::json_text;
use crate::cache::record::members::Members;
use crate::cache::record::{self, Open, Told};
use crate::cache::{self, Served};
use crate::calendar::Date;
use crate::error::Error;
use crate::market::{DataType, Fault};
use crate::number::Number;
use crate::time::Timestamp;

/// What of a record is printed.
pub(super) struct Wanted {
    /// These members.
    pub(super) fields: Fields,
    /// The record alone, as upstream gave it.
    pub(super) raw: bool,
}

/// One array, an object a line.
pub(super) struct Array {
    wanted: Wanted,
    begun: bool,
}

impl Array {
    pub(super) fn new(wanted: Wanted) -> Self {
        Self { wanted, begun: false }
    }
}

impl Printer for Array {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        self.wanted.object(shown, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })
    }
}

/// One object a line.
pub(super) struct Lines(pub(super) Wanted);

impl Printer for Lines {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.0.object(shown, out)?;
        out.write_all(b"\n")
    }

    fn end(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The contract's `cache` object, with what only the command line says.
#[derive(Serialize)]
struct Cache<'a> {
    #[serde(flatten)]
    told: Told<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<Missing<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<LooksWrong>,
    #[serde(skip_serializing_if = "Option::is_none")]
    frozen_since: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quorum: Option<Quorum<'a>>,
}

/// What several providers said.
#[derive(Serialize)]
struct Quorum<'a> {
    asked: usize,
    agreed: bool,
    spread_percent: Option<f64>,
    values: Vec<Value<'a>>,
}

/// What one of them said.
#[derive(Serialize)]
struct Value<'a> {
    provider: &'a str,
    price: &'a Number,
    time: Option<&'a str>,
}

/// What looks wrong, and of a bar which.
#[derive(Serialize)]
struct LooksWrong {
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date: Option<String>,
    fault: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
}

/// A span that is not in the answer.
#[derive(Serialize)]
struct Missing<'a> {
    from: Timestamp,
    to: Timestamp,
    why: &'a str,
}

#[derive(Serialize)]
struct Failed<'a> {
    symbol: &'a str,
    error: Reported<'a>,
}

#[derive(Serialize)]
struct Reported<'a> {
    kind: &'static str,
    message: &'a str,
}

impl Wanted {
    fn object(&self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        match &shown.answer.outcome {
            Ok(served) => self.record(shown, served, out),
            Err(error) => failed(shown, error, out),
        }
    }

    fn record(&self, shown: &Shown<'_>, served: &Served, out: &mut dyn Write) -> io::Result<()> {
        let open = match served.bars.as_deref() {
            Some(series) => Some(record::bars::open(series, self.fields.names(), out)?),
            None => self.stored(shown, served, out)?,
        };
        let Some(open) = open else { return Ok(()) };
        let picked = self.fields.are_all() || self.fields.names().contains(&"cache");
        let cache = (picked && !self.raw).then(|| cache(shown, served));
        open.close(cache.as_ref(), out)
    }

    /// Writes a record that is stored as JSON, up to its last brace; none if it is whole
    /// already.
    fn stored(
        &self,
        shown: &Shown<'_>,
        served: &Served,
        out: &mut dyn Write,
    ) -> io::Result<Option<Open>> {
        let body = shown.record(served);
        if !self.fields.are_all() {
            let (layout, members) = (Layout::of(shown.question), Members::read(&body));
            return picked(&self.fields, layout, members.as_ref(), out).map(Some);
        }
        if self.raw && served.entry.is_put() {
            return out.write_all(record::value(&served.entry).as_bytes()).map(|()| None);
        }
        if self.raw {
            let members = Members::read(&body).filter(|_| is_payload(shown));
            let payload = members.as_ref().and_then(|members| members.get("payload"));
            return out.write_all(payload.map_or(&body, str::as_bytes)).map(|()| None);
        }
        record::open(&body, out).map(Some)
    }
}

/// Whether an endpoint was asked whose answers are kept as they are sent.
pub(super) fn is_payload(shown: &Shown<'_>) -> bool {
    matches!(shown.question.data_type, DataType::Payload(_))
}

/// Writes these members of a record, those of its rows as its rows, up to its last brace.
fn picked(
    fields: &Fields,
    layout: &Layout,
    record: Option<&Members<'_>>,
    out: &mut dyn Write,
) -> io::Result<Open> {
    let (mut text, mut has_rows) = (vec![b'{'], false);
    for name in fields.names() {
        let is_of_row = layout.is_of_row(name);
        if (is_of_row && has_rows) || !(is_of_row || layout.is_of_record(name)) {
            continue;
        }
        if text.len() > 1 {
            text.push(b',');
        }
        match layout.rows_in.filter(|_| is_of_row) {
            None => member(name, record, &mut text),
            Some(rows_in) => {
                has_rows = true;
                json_text(rows_in, &mut text);
                let rows = record.and_then(|record| record.rows(rows_in));
                text.extend_from_slice(b":[");
                for (at, row) in rows.iter().flatten().enumerate() {
                    text.extend_from_slice(if at == 0 { b"{" } else { b",{" });
                    let names = fields.names().iter().filter(|name| layout.is_of_row(name));
                    for (at, name) in names.enumerate() {
                        text.extend_from_slice(if at == 0 { b"" } else { b"," });
                        member(name, Some(row), &mut text);
                    }
                    text.push(b'}');
                }
                text.push(b']');
            }
        }
    }
    out.write_all(&text)?;
    Ok(Open { has_members: text.len() > 1 })
}

/// Writes a member; what the record lacks is `null`.
fn member(name: &str, of: Option<&Members<'_>>, text: &mut Vec<u8>) {
    json_text(name, text);
    text.push(b':');
    let value = of.and_then(|members| members.get(name)).unwrap_or("null");
    text.extend_from_slice(value.as_bytes());
}

fn cache<'a>(shown: &'a Shown<'_>, served: &'a Served) -> Cache<'a> {
    let gaps = served.bars.as_deref().map(|series| &*series.missing).unwrap_or_default();
    let noticed = served.noticed.as_deref();
    let of_quote = noticed.map(|noticed| &*noticed.faults).unwrap_or_default();
    let faults = served.bars.as_deref().map_or(of_quote, |series| &*series.faults);
    let at = Timestamp::from_ms;
    let missing =
        gaps.iter().map(|gap| Missing { from: at(gap.from_ms), to: at(gap.to_ms), why: &gap.why });
    Cache {
        told: Told::of(served, shown.now),
        why: shown.why(),
        missing: missing.collect(),
        faults: faults.iter().map(looks_wrong).collect(),
        frozen_since: noticed.and_then(|noticed| noticed.frozen).map(|frozen| frozen.since),
        quorum: shown.answer.quorum.as_deref().map(quorum),
    }
}

/// Whoever is alone agrees with nobody.
fn quorum(quorum: &cache::Quorum) -> Quorum<'_> {
    fn value(vote: &cache::Vote) -> Value<'_> {
        Value { provider: &vote.provider, price: &vote.price, time: vote.time.as_deref() }
    }
    Quorum {
        asked: quorum.asked,
        agreed: quorum.agreement.is_some_and(|agreement| agreement.agreed),
        spread_percent: quorum.agreement.map(|agreement| (agreement.spread.0 * 1e6).round() / 1e4),
        values: quorum.votes.iter().map(value).collect(),
    }
}

fn looks_wrong(fault: &Fault) -> LooksWrong {
    LooksWrong {
        time: fault.time.map(Timestamp::from_ms),
        date: fault.day.map(|day| Date::from_days(day.into()).to_string()),
        fault: fault.kind.as_str(),
        field: fault.field,
    }
}

fn failed(shown: &Shown<'_>, error: &Error, out: &mut dyn Write) -> io::Result<()> {
    let error = Reported { kind: error.kind.as_str(), message: &error.message };
    Ok(serde_json::to_writer(out, &Failed { symbol: shown.question.symbol.name(), error })?)
}
