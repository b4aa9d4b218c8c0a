//! What a record is in JSON: the one writer of it, for who typed a command and for programs that are
//! handed records.
//!
//! A record that is stored is not parsed: what is known besides is spliced in before its last brace.
//! Which members are wanted, and what only the command line says of an answer, is not known here.

pub(crate) mod bars;
pub(crate) mod cells;
pub(crate) mod members;
mod written;

use std::borrow::Cow;
use std::io::{self, Write};

use serde::Serialize;

use super::{Question, Served};
use crate::entry::{Entry, Format};
use crate::market::Json;
use crate::time::Timestamp;

/// The contract's `cache` object, as far as every answer has one.
#[derive(Serialize)]
pub(crate) struct Told<'a> {
    key: &'a str,
    status: &'static str,
    tier: &'static str,
    fetched_at: Timestamp,
    /// Nothing of what never expires, as `ttl_seconds`.
    expires_at: Option<Timestamp>,
    age_seconds: f64,
    ttl_seconds: Option<f64>,
    upstream_calls: u32,
}

impl<'a> Told<'a> {
    /// What is told of an answer at this instant.
    pub(crate) fn of(served: &'a Served, now: Timestamp) -> Self {
        // Milliseconds without the noise of a float.
        let age = served.entry.age(now).as_secs_f64();
        let expires_at = served.life.expires_at.in_the_calendar();
        Self {
            key: served.entry.key.as_str(),
            status: served.status.as_str(),
            tier: served.answered_by.as_str(),
            fetched_at: served.entry.fetched_at,
            expires_at,
            age_seconds: (age * 1000.0).round() / 1000.0,
            ttl_seconds: expires_at.map(|_| served.life.ttl.as_secs_f64()),
            upstream_calls: served.upstream_calls,
        }
    }
}

/// A value as JSON: JSON as it is, text as a string, bytes as the contract's object.
pub(crate) fn value(entry: &Entry) -> String {
    let text = || String::from_utf8_lossy(&entry.body);
    let json = match entry.format {
        Format::Json => Json::parse(&text()).unwrap_or_else(|| Json::text(&text())),
        Format::Text | Format::NotFound => Json::text(&text()),
        Format::Binary => Json::binary(&entry.body, None),
    };
    json.as_str().to_owned()
}

/// The JSON of a record that is stored as such: one object on one line. What a provider gave is that, as
/// we wrote it; what `put` wrote is anything, and becomes one.
pub(crate) fn stored<'e>(question: &Question, entry: &'e Entry) -> Cow<'e, [u8]> {
    if entry.is_put() {
        Cow::Owned(written::record(question, entry))
    } else {
        Cow::Borrowed(&entry.body)
    }
}

/// A record that was written up to its last brace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Open {
    /// Whether a member stands in it.
    pub(crate) has_members: bool,
}

/// Writes a record up to its last brace.
pub(crate) fn open(json: &[u8], out: &mut dyn Write) -> io::Result<Open> {
    let open = json.strip_suffix(b"}").unwrap_or(json);
    out.write_all(open).map(|()| Open { has_members: open.len() > 1 })
}

impl Open {
    /// Writes what stands behind the members: what is told of the record, if anything is.
    pub(crate) fn close(
        self,
        told: Option<&impl Serialize>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        if let Some(told) = told {
            out.write_all(if self.has_members { b",\"cache\":" } else { b"\"cache\":" })?;
            serde_json::to_writer(&mut *out, told)?;
        }
        out.write_all(b"}")
    }
}

#[cfg(test)]
pub(crate) mod tests;
