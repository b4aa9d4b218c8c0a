//! What has changed: a row a value, in every format.

use std::io::{self, Write};

use super::csv::csv_text;
use super::table::Side::{Left, Right};
use super::table::{Table, second};
use crate::cache::record::cells::{json_number, json_text, number};
use crate::cli::args::Format;
use crate::cli::ui::Style;
use crate::market::{BarState, Change, ChangeKind};

/// The columns of a csv, and the members of an object.
const COLUMNS: [&str; 8] = ["symbol", "date", "time", "field", "was", "is", "kind", "note"];

/// What is in a column.
enum Cell<'a> {
    /// Nothing, which is `null`.
    None,
    Text(std::borrow::Cow<'a, str>),
    Number(Option<f64>),
}

/// Changes of one symbol.
pub(crate) struct Changes<'a> {
    /// The symbol.
    pub(crate) symbol: &'a str,
    /// What has changed of it.
    pub(crate) changes: &'a [Change],
}

/// What a change is besides its kind.
fn note(change: &Change) -> String {
    match (change.kind, change.state) {
        (ChangeKind::Settled, BarState::Live | BarState::Provisional) => {
            format!("was {}", change.state.as_str())
        }
        _ => String::new(),
    }
}

fn cells<'a>(symbol: &'a str, change: &'a Change) -> [Cell<'a>; 8] {
    let note = note(change);
    [
        Cell::Text(symbol.into()),
        change.date.as_deref().map_or(Cell::None, |date| Cell::Text(date.into())),
        change.time.map_or(Cell::None, |time| Cell::Text(time.to_string().into())),
        Cell::Text(change.field.into()),
        Cell::Number(change.was),
        Cell::Number(change.is),
        Cell::Text(change.kind.as_str().into()),
        if note.is_empty() { Cell::None } else { Cell::Text(note.into()) },
    ]
}

fn rows<'a>(all: &'a [Changes<'a>]) -> impl Iterator<Item = [Cell<'a>; 8]> {
    all.iter().flat_map(|of| of.changes.iter().map(|change| cells(of.symbol, change)))
}

/// Writes changes.
pub(crate) fn write(
    all: &[Changes<'_>],
    format: Format,
    style: Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut text = Vec::new();
    match format {
        Format::Csv => {
            text.extend_from_slice(COLUMNS.join(",").as_bytes());
            text.push(b'\n');
            for row in rows(all) {
                for (at, cell) in row.into_iter().enumerate() {
                    text.extend_from_slice(if at == 0 { b"" } else { b"," });
                    match cell {
                        Cell::None => {}
                        Cell::Text(said) => csv_text(&said, &mut text),
                        Cell::Number(value) => number(value.unwrap_or(f64::NAN), &mut text),
                    }
                }
                text.push(b'\n');
            }
        }
        Format::Json => {
            text.push(b'[');
            for (at, row) in rows(all).enumerate() {
                text.extend_from_slice(if at == 0 { b"" } else { b"," });
                object(row, &mut text);
            }
            text.extend_from_slice(b"]\n");
        }
        Format::Ndjson => {
            for row in rows(all) {
                object(row, &mut text);
                text.push(b'\n');
            }
        }
        _ => {
            let table = table(all);
            if !table.is_empty() {
                return table.write(style, out);
            }
        }
    }
    out.write_all(&text)
}

fn object(row: [Cell<'_>; 8], text: &mut Vec<u8>) {
    for (at, (name, cell)) in COLUMNS.into_iter().zip(row).enumerate() {
        text.push(if at == 0 { b'{' } else { b',' });
        json_text(name, text);
        text.push(b':');
        match cell {
            Cell::None => text.extend_from_slice(b"null"),
            Cell::Text(said) => json_text(&said, text),
            Cell::Number(value) => json_number(value.unwrap_or(f64::NAN), text),
        }
    }
    text.push(b'}');
}

/// Changes, for people.
pub(crate) fn table(all: &[Changes<'_>]) -> Table {
    let mut table = Table::new(&[
        ("SYMBOL", Left),
        ("DATE", Left),
        ("FIELD", Left),
        ("WAS", Right),
        ("IS", Right),
        ("KIND", Left),
        ("NOTE", Left),
    ])
    .dispensing_with(&["NOTE", "KIND"]);
    for (symbol, change) in
        all.iter().flat_map(|of| of.changes.iter().map(|change| (of.symbol, change)))
    {
        let time = || change.time.map(|time| second(&time.to_string())).unwrap_or_default();
        let value = |value: Option<f64>| {
            let mut text = Vec::new();
            number(value.unwrap_or(f64::NAN), &mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        table.row(vec![
            symbol.to_owned(),
            change.date.clone().unwrap_or_else(time),
            change.field.to_owned(),
            value(change.was),
            value(change.is),
            change.kind.as_str().to_owned(),
            note(change),
        ]);
    }
    table
}
