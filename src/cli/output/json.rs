//! JSON: one array, or one object a line. A stored record is not parsed: what is known besides is
//! spliced in before its last brace.

use std::io::{self, Write};

use serde::Serialize;

use super::table::value_as_json;
use super::{Printer, Shown, age_seconds};
use crate::cache::Served;
use crate::error::Error;

/// One array, an object a line.
#[derive(Default)]
pub(super) struct Array {
    begun: bool,
}

impl Printer for Array {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        object(shown, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })
    }
}

/// One object a line.
pub(super) struct Lines;

impl Printer for Lines {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        object(shown, out)?;
        out.write_all(b"\n")
    }

    fn end(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

/// The contract's `cache` object.
#[derive(Serialize)]
struct Cache<'a> {
    key: &'a str,
    status: &'static str,
    tier: &'static str,
    fetched_at: String,
    expires_at: String,
    age_seconds: f64,
    ttl_seconds: f64,
    upstream_calls: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<Vec<String>>,
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

fn object(shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
    match &shown.answer.outcome {
        Ok(served) => record(shown, served, out),
        Err(error) => failed(shown, error, out),
    }
}

fn record(shown: &Shown<'_>, served: &Served, out: &mut dyn Write) -> io::Result<()> {
    let why = shown.reasons.as_ref().map(|reasons| {
        reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.says)).collect()
    });
    let cache = Cache {
        key: served.entry.key.as_str(),
        status: served.status.as_str(),
        tier: served.answered_by.as_str(),
        fetched_at: served.entry.fetched_at.to_string(),
        expires_at: served.life.expires_at.to_string(),
        age_seconds: age_seconds(served, shown.now),
        ttl_seconds: served.life.ttl.as_secs_f64(),
        upstream_calls: served.upstream_calls,
        why,
    };
    // What a provider gave is one object on one line, as we wrote it; what `put` wrote is anything.
    let own = served.entry.is_put().then(|| value_as_json(&served.entry));
    let body = own.as_deref().map_or(&*served.entry.body, str::as_bytes);
    match body.strip_suffix(b"}") {
        Some(open) if body.starts_with(b"{") => {
            out.write_all(open)?;
            out.write_all(if open == b"{" { b"\"cache\":" } else { b",\"cache\":" })?;
        }
        _ => {
            let symbol = serde_json::Value::from(shown.question.symbol.name());
            write!(out, "{{\"symbol\":{symbol},\"payload\":")?;
            out.write_all(body)?;
            out.write_all(b",\"cache\":")?;
        }
    }
    serde_json::to_writer(&mut *out, &cache)?;
    out.write_all(b"}")
}

fn failed(shown: &Shown<'_>, error: &Error, out: &mut dyn Write) -> io::Result<()> {
    let error = Reported { kind: error.kind.as_str(), message: &error.message };
    Ok(serde_json::to_writer(out, &Failed { symbol: shown.question.symbol.name(), error })?)
}
