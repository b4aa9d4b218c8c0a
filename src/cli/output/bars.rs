//! Bars as csv and as JSON: written bar by bar into one buffer, which goes out in large pieces.
//!
//! No cell is a text of its own and nothing is sorted, joined or rounded: ten thousand bars take
//! milliseconds. Which columns there are is [`fields`](super::fields)'s.

use std::io::{self, Write};

use super::cells::{Dates, csv_text, json_number, json_text, number};
use super::fields::{Field, Fields, Layout};
use crate::market::BarSeries;

/// How much is written at once, in bytes.
const PIECE: usize = 64 * 1024;

/// What stands in a column of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// What is said of all bars, at this place of [`said`].
    Said(usize),
    /// When it begins.
    Time,
    /// The exchange's date.
    Date,
    /// The first price.
    Open,
    /// The highest.
    High,
    /// The lowest.
    Low,
    /// The last.
    Close,
    /// The last, adjusted for splits and dividends.
    Adjusted,
    /// What was traded.
    Volume,
    /// How settled it is.
    State,
}

impl Cell {
    /// What is under this name, and among the members of the record the place of it.
    pub(super) fn of(name: &str) -> Self {
        match name {
            "time" => Self::Time,
            "date" => Self::Date,
            "open" => Self::Open,
            "high" => Self::High,
            "low" => Self::Low,
            "close" => Self::Close,
            "adjusted_close" => Self::Adjusted,
            "volume" => Self::Volume,
            "state" => Self::State,
            of_record => {
                let record = Layout::of_bars().record;
                Self::Said(record.iter().position(|field| field.name == of_record).unwrap_or(0))
            }
        }
    }

    /// The number in this column; none if it holds none.
    pub(super) fn number(self, series: &BarSeries, at: usize) -> Option<f64> {
        let bars = &series.bars;
        Some(match self {
            Self::Open => bars.open[at],
            Self::High => bars.high[at],
            Self::Low => bars.low[at],
            Self::Close => bars.close[at],
            Self::Adjusted => bars.adjusted[at],
            Self::Volume => bars.volume[at],
            Self::Said(_) | Self::Time | Self::Date | Self::State => return None,
        })
    }
}

/// What is said of all bars, in the order of the members of a record; none for what is not known.
pub(super) fn said(series: &BarSeries) -> [Option<&str>; 7] {
    [
        Some(&series.symbol),
        Some(&series.asset_class),
        Some("bars"),
        Some(&series.provider),
        Some(series.interval.as_str()),
        series.currency.as_deref(),
        Some(series.adjust.as_str()),
    ]
}

/// Writes bars as rows of a csv.
pub(super) fn csv(
    series: &BarSeries,
    columns: &[&'static Field],
    out: &mut dyn Write,
) -> io::Result<()> {
    let cells: Vec<Cell> = columns.iter().map(|field| Cell::of(field.name)).collect();
    let said = said(series).map(|text| {
        let mut cell = Vec::new();
        csv_text(text.unwrap_or_default(), &mut cell);
        cell
    });
    let (mut times, mut dates) = (Dates::new(), Dates::new());
    let mut rows = Vec::with_capacity(PIECE + 1024);
    for at in 0..series.bars.len() {
        let begin = rows.len();
        for cell in &cells {
            match cell {
                Cell::Said(place) => rows.extend_from_slice(&said[*place]),
                Cell::Time => times.instant(series.bars.times[at], &mut rows),
                Cell::Date => {
                    if let Some(day) = series.bars.days.get(at) {
                        dates.date(i64::from(*day), &mut rows);
                    }
                }
                Cell::State => rows.extend_from_slice(series.state(at).as_str().as_bytes()),
                of_numbers => {
                    if let Some(value) = of_numbers.number(series, at) {
                        number(value, &mut rows);
                    }
                }
            }
            rows.push(b',');
        }
        end_of_row(begin, &mut rows);
        if rows.len() >= PIECE {
            out.write_all(&rows)?;
            rows.clear();
        }
    }
    out.write_all(&rows)
}

/// Makes the comma behind the last cell a new line. A row of one empty cell is quoted: an empty line
/// would be no row.
pub(super) fn end_of_row(begin: usize, rows: &mut Vec<u8>) {
    rows.pop();
    if rows.len() == begin {
        rows.extend_from_slice(b"\"\"");
    }
    rows.push(b'\n');
}

/// Writes the record of bars as a JSON object that is still open: what is known besides follows.
/// Whether a member stands in it.
pub(super) fn json(series: &BarSeries, fields: &Fields, out: &mut dyn Write) -> io::Result<bool> {
    let layout = Layout::of_bars();
    let all: Vec<&str> = layout.record.iter().map(|field| field.name).chain(["bars"]).collect();
    let mut wanted: Vec<&str> = Vec::new();
    for name in if fields.are_all() { &all } else { fields.names() } {
        let name = if layout.is_of_row(name) { "bars" } else { name };
        if name != "cache" && !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let said = said(series);
    let mut text = vec![b'{'];
    for (number, name) in wanted.iter().enumerate() {
        if number > 0 {
            text.push(b',');
        }
        json_text(name, &mut text);
        text.push(b':');
        match (Cell::of(name), *name) {
            (_, "bars") => rows(series, fields, &mut text, out)?,
            (Cell::Said(place), _) => match said[place] {
                Some(said) => json_text(said, &mut text),
                None => text.extend_from_slice(b"null"),
            },
            _ => {}
        }
    }
    out.write_all(&text)?;
    Ok(!wanted.is_empty())
}

/// Writes the array of bars behind what is in the buffer; the end of it is left there.
fn rows(
    series: &BarSeries,
    fields: &Fields,
    text: &mut Vec<u8>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let layout = Layout::of_bars();
    let has_date = |name: &&str| *name != "date" || !series.bars.days.is_empty();
    let names: Vec<&str> = if fields.are_all() {
        layout.row.iter().map(|field| field.name).filter(has_date).collect()
    } else {
        fields.names().iter().copied().filter(|name| layout.is_of_row(name)).collect()
    };
    let opened = |(at, name): (usize, &&str)| {
        let opening = if at == 0 { "{" } else { "," };
        (format!("{opening}\"{name}\":").into_bytes(), Cell::of(name))
    };
    let members: Vec<(Vec<u8>, Cell)> = names.iter().enumerate().map(opened).collect();
    let (mut times, mut dates) = (Dates::new(), Dates::new());
    text.push(b'[');
    for at in 0..series.bars.len() {
        if at > 0 {
            text.push(b',');
        }
        for (opening, cell) in &members {
            text.extend_from_slice(opening);
            match (cell, series.bars.days.get(at)) {
                (Cell::Time, _) => {
                    text.push(b'"');
                    times.instant(series.bars.times[at], text);
                    text.push(b'"');
                }
                (Cell::Date, Some(day)) => {
                    text.push(b'"');
                    dates.date(i64::from(*day), text);
                    text.push(b'"');
                }
                (Cell::State, _) => {
                    text.push(b'"');
                    text.extend_from_slice(series.state(at).as_str().as_bytes());
                    text.push(b'"');
                }
                (cell, _) => json_number(cell.number(series, at).unwrap_or(f64::NAN), text),
            }
        }
        text.push(b'}');
        if text.len() >= PIECE {
            out.write_all(text)?;
            text.clear();
        }
    }
    text.push(b']');
    Ok(())
}
