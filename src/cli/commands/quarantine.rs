//! `stats --quarantine`: which answers were refused as nonsense, and why.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::say_warnings;
use crate::cli::Invocation;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, grouped};
use crate::db::quarantine::Held;
use crate::units::bytes_for_people;

/// What is known of one answer.
#[derive(Serialize)]
struct Row<'a> {
    key: &'a str,
    provider: &'a str,
    endpoint: &'a str,
    first_at: String,
    at: String,
    times: u64,
    why: &'a str,
    status: Option<u16>,
    content_type: Option<&'a str>,
    size_bytes: u64,
    /// `text` or `base64`.
    encoding: &'static str,
    body: String,
}

pub(super) fn run(invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    use Format::{Csv, Json, Ndjson, Table};
    let format = invocation.format(&[Table, Json, Ndjson, Csv])?;
    let cache = invocation.config.open()?;
    let held = cache.refused();
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    let mut rows = held.iter().map(row);
    match format {
        Json => {
            let rows: Vec<Row<'_>> = rows.collect();
            writeln!(ui.data(), "{}", serde_json::to_string_pretty(&rows)?)?;
        }
        Ndjson => {
            rows.try_for_each(|row| anyhow::Ok(writeln!(ui.data(), "{}", to_line(&row)?)?))?;
        }
        Csv => {
            let mut writer = csv::Writer::from_writer(ui.data());
            rows.try_for_each(|row| writer.serialize(row))?;
            writer.flush()?;
        }
        _ if held.is_empty() => ui.note("nothing was refused"),
        _ => {
            let style = ui.style();
            people(&held).write(style, ui.data())?;
        }
    }
    Ok(Exit::Success)
}

fn to_line(row: &Row<'_>) -> serde_json::Result<String> {
    serde_json::to_string(row)
}

fn row(held: &Held) -> Row<'_> {
    let Held { answer, first_at, times } = held;
    let (encoding, body) = match std::str::from_utf8(&answer.body) {
        Ok(text) => ("text", text.to_owned()),
        Err(_) => ("base64", STANDARD.encode(&answer.body)),
    };
    Row {
        key: &answer.key,
        provider: &answer.provider,
        endpoint: &answer.endpoint,
        first_at: first_at.to_string(),
        at: answer.at.to_string(),
        times: *times,
        why: &answer.why,
        status: answer.status,
        content_type: answer.content_type.as_deref(),
        size_bytes: answer.bytes,
        encoding,
        body,
    }
}

fn people(held: &[Held]) -> Table {
    let mut table = Table::new(&[
        ("WHEN", Side::Left),
        ("TIMES", Side::Right),
        ("KEY", Side::Left),
        ("WHY", Side::Left),
        ("SIZE", Side::Right),
    ]);
    for Held { answer, times, .. } in held {
        table.row(vec![
            answer.at.for_people(),
            grouped(&times.to_string()),
            format!("{}@{}", answer.key, answer.provider),
            answer.why.clone(),
            bytes_for_people(answer.bytes),
        ]);
    }
    table
}
