//! The record of bars: its members, and how it is written, bar by bar into one buffer, which goes out
//! in large pieces.
//!
//! No cell is a text of its own and nothing is sorted, joined or rounded: ten thousand bars take
//! milliseconds.

use std::io::{self, Write};

use super::Open;
use super::cells::{Dates, json_number, json_text};
use crate::market::BarSeries;

/// How much is written at once, in bytes.
pub(crate) const PIECE: usize = 64 * 1024;

/// The members that say something of all bars, in their order.
pub(crate) const OF_ALL: [&str; 7] =
    ["symbol", "asset_class", "type", "provider", "interval", "currency", "adjust"];

/// The member that holds the bars.
pub(crate) const ROWS: &str = "bars";

/// The members of a bar, in their order. Only bars of days and longer ones have a date.
pub(crate) const OF_ONE: [&str; 9] =
    ["time", "date", "open", "high", "low", "close", "adjusted_close", "volume", "state"];

/// What stands in a column of bars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// What is said of all bars, at this place of [`OF_ALL`].
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
    pub(crate) fn of(name: &str) -> Self {
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
            of_all => Self::Said(OF_ALL.iter().position(|name| *name == of_all).unwrap_or(0)),
        }
    }

    /// The number in this column; none if it holds none.
    pub(crate) fn number(self, series: &BarSeries, at: usize) -> Option<f64> {
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

/// What is said of all bars, in the order of [`OF_ALL`]; none for what is not known.
pub(crate) fn said(series: &BarSeries) -> [Option<&str>; 7] {
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

/// Writes the record of bars up to its last brace: these members of it and of its bars in this order,
/// or all if none are named. What bars have not is left out: it may be named for other records.
pub(crate) fn open(series: &BarSeries, picked: &[&str], out: &mut dyn Write) -> io::Result<Open> {
    let all = OF_ALL.iter().chain([&ROWS]);
    let names = all.filter(|_| picked.is_empty()).chain(picked).copied();
    let mut wanted: Vec<&str> = Vec::new();
    for name in names {
        let name = if OF_ONE.contains(&name) { ROWS } else { name };
        if (name == ROWS || OF_ALL.contains(&name)) && !wanted.contains(&name) {
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
            (_, ROWS) => rows(series, picked, &mut text, out)?,
            (Cell::Said(place), _) => match said[place] {
                Some(said) => json_text(said, &mut text),
                None => text.extend_from_slice(b"null"),
            },
            _ => {}
        }
    }
    out.write_all(&text)?;
    Ok(Open { has_members: !wanted.is_empty() })
}

/// Writes the array of bars behind what is in the buffer; the end of it is left there.
fn rows(
    series: &BarSeries,
    picked: &[&str],
    text: &mut Vec<u8>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let members = members(series, picked);
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

/// The members of a bar that are written, each with what stands before its value.
fn members(series: &BarSeries, picked: &[&str]) -> Vec<(Vec<u8>, Cell)> {
    let has_date = |name: &&&str| **name != "date" || !series.bars.days.is_empty();
    let names: Vec<&str> = if picked.is_empty() {
        OF_ONE.iter().filter(has_date).copied().collect()
    } else {
        picked.iter().filter(|name| OF_ONE.contains(name)).copied().collect()
    };
    let opened = |(at, name): (usize, &&str)| {
        let opening = if at == 0 { "{" } else { "," };
        (format!("{opening}\"{name}\":").into_bytes(), Cell::of(name))
    };
    names.iter().enumerate().map(opened).collect()
}
