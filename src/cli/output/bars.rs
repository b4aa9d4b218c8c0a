//! Bars as csv: written bar by bar into one buffer, which goes out in large pieces.
//!
//! No cell is a text of its own and nothing is sorted, joined or rounded: ten thousand bars take
//! milliseconds. Which columns there are is [`fields`](super::fields)'s, and what stands in one
//! [`record`](crate::cache::record)'s.

use std::io::{self, Write};

use super::csv::csv_text;
use super::fields::Field;
use crate::cache::record::bars::{Cell, PIECE, said};
use crate::cache::record::cells::{Dates, number};
use crate::market::BarSeries;

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
