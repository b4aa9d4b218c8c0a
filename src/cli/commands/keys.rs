//! `keys`: lists entries.

use std::io::Write;

use serde::Serialize;

use super::say_warnings;
use crate::cache::{Listing, Selection};
use crate::cli::Invocation;
use crate::cli::args::{Format, Keys};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Style;
use crate::policy::Cause;
use crate::units::{bytes_for_people, duration_for_people};

/// An entry as the contract has it (section 3).
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    provider: &'a str,
    state: &'static str,
    ttl_left_seconds: Option<f64>,
    size_bytes: u64,
    tier: &'static str,
    hits: u64,
    reason: Option<&'a str>,
}

impl<'a> From<&'a Listing> for Line<'a> {
    fn from(listing: &'a Listing) -> Self {
        Self {
            key: listing.key.as_str(),
            provider: &listing.provider,
            state: listing.state.as_str(),
            ttl_left_seconds: listing.ttl_left.map(|left| left.as_secs_f64()),
            size_bytes: listing.size_bytes,
            tier: "disk",
            hits: listing.hits,
            reason: reason(listing),
        }
    }
}

/// Why it is what it is: the event that has expired it, or that upstream knows no such thing.
fn reason(listing: &Listing) -> Option<&str> {
    let unknown = listing.not_found.then_some("not_found");
    listing.expired.as_ref().map(Cause::as_str).or(unknown)
}

pub(in crate::cli) fn run(args: &Keys, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json, Format::Ndjson, Format::Csv])?;
    let patterns = args
        .pattern
        .iter()
        .map(|text| invocation.config.pattern(text))
        .collect::<Result<Vec<_>, _>>()?;
    let cache = invocation.config.open()?;
    cache.count_logged_hits();
    let listed = cache.list(&Selection { patterns: patterns.clone(), ..Selection::default() });
    let ui = invocation.ui;
    let style = ui.style();
    write(&listed, format, style, ui.data())?;
    say_warnings(&cache, ui);
    if let Some(pattern) = patterns.first().filter(|_| listed.is_empty()) {
        ui.note(&super::nothing_matches(&cache, pattern));
    }
    Ok(Exit::Success)
}

fn write(
    listed: &[Listing],
    format: Format,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let records: Vec<Line<'_>> = listed.iter().map(Line::from).collect();
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(&records)?)?,
        Format::Ndjson => {
            for record in &records {
                writeln!(out, "{}", serde_json::to_string(record)?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            // An empty list has its header too, which the writer takes from the first record.
            if records.is_empty() {
                writer.write_record([
                    "key",
                    "provider",
                    "state",
                    "ttl_left_seconds",
                    "size_bytes",
                    "tier",
                    "hits",
                    "reason",
                ])?;
            }
            for record in &records {
                writer.serialize(record)?;
            }
            writer.flush()?;
        }
        Format::Table | Format::Parquet | Format::Prometheus => table(listed).write(style, out)?,
    }
    Ok(())
}

fn table(listed: &[Listing]) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("KEY", Left),
        ("PROVIDER", Left),
        ("STATE", Left),
        ("TTL LEFT", Right),
        ("SIZE", Right),
        ("TIER", Left),
        ("HITS", Right),
        ("REASON", Left),
    ])
    .dispensing_with(&["TIER", "HITS", "SIZE", "REASON", "TTL LEFT"]);
    for listing in listed {
        table.row(vec![
            listing.key.to_string(),
            listing.provider.clone(),
            listing.state.as_str().to_owned(),
            listing.ttl_left.map_or_else(|| "never".to_owned(), duration_for_people),
            bytes_for_people(listing.size_bytes),
            "disk".to_owned(),
            listing.hits.to_string(),
            reason(listing).unwrap_or_default().to_owned(),
        ]);
    }
    table
}
