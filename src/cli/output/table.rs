//! Tables for people: boxed on a terminal, plain text columns in a pipe.
//!
//! Numbers stand to the right. Nothing is cut in a pipe; on a terminal what does not fit is
//! wrapped.

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, ContentArrangement, presets};

use crate::cli::ui::{Style, Tint};
use crate::entry::{Entry, Format};

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// Of texts.
    Left,
    /// Of numbers.
    Right,
}

/// Rows under a head.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    head: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
    /// Columns that a narrow terminal may do without, the least wanted first.
    dispensable: &'static [&'static str],
    /// Text under the row of this number, across all columns.
    notes: Vec<(usize, String)>,
}

impl Table {
    /// An empty table with these columns.
    pub(crate) fn new(head: &[(&'static str, Side)]) -> Self {
        Self { head: head.to_vec(), rows: Vec::new(), dispensable: &[], notes: Vec::new() }
    }

    /// The same table, which a narrow terminal may show without these columns, the least wanted
    /// first.
    pub(crate) fn dispensing_with(mut self, columns: &'static [&'static str]) -> Self {
        self.dispensable = columns;
        self
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Adds a line of text under the last row; it widens no column.
    pub(crate) fn note(&mut self, text: String) {
        self.notes.push((self.rows.len(), text));
    }

    /// Whether it has no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether its columns have names; names and values need none.
    fn has_titles(&self) -> bool {
        self.head.iter().any(|(title, _)| !title.is_empty())
    }

    /// Writes the table.
    pub(crate) fn write(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        match style.width {
            Some(width) => self.boxed(style, width, out),
            None => self.plain(out),
        }
    }

    fn boxed(&self, style: Style, width: u16, out: &mut dyn Write) -> io::Result<()> {
        let shown = self.fitting(width.into());
        let mut table = comfy_table::Table::new();
        table.load_style(presets::UTF8_FULL_CONDENSED.with_rounded_corners());
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        if self.has_titles() {
            table.set_header(shown.iter().map(|column| Cell::new(self.head[*column].0)));
        }
        for row in &self.rows {
            table.add_row(shown.iter().map(|column| {
                Cell::new(&row[*column]).set_alignment(match self.head[*column].1 {
                    Side::Left => CellAlignment::Left,
                    Side::Right => CellAlignment::Right,
                })
            }));
        }
        let mut text = table.to_string();
        for (_, note) in &self.notes {
            text.extend(["\n  ", note]);
        }
        if !style.color {
            return writeln!(out, "{text}");
        }
        // The colour goes around whole words after the layout, so that it cannot shift a column.
        for line in text.lines() {
            let line = line.replace(" stale ", &Tint::Yellow.of(" stale "));
            writeln!(out, "{}", line.replace(" gone ", &Tint::Red.of(" gone ")))?;
        }
        Ok(())
    }

    /// The columns that a terminal of this width has room for: those that can best be done without
    /// are left out, since cells broken in their middle can be neither read nor copied.
    fn fitting(&self, width: usize) -> Vec<usize> {
        let widths = self.widths();
        let mut shown: Vec<usize> = (0..self.head.len()).collect();
        for dispensable in self.dispensable {
            // A border and two spaces a column, and the last border.
            let needed: usize = shown.iter().map(|column| widths[*column] + 3).sum::<usize>() + 1;
            if needed <= width {
                break;
            }
            shown.retain(|column| self.head[*column].0 != *dispensable);
        }
        shown
    }

    fn widths(&self) -> Vec<usize> {
        let longest = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].0.chars().count()]).max().unwrap_or(0)
        };
        (0..self.head.len()).map(longest).collect()
    }

    fn plain(&self, out: &mut dyn Write) -> io::Result<()> {
        let titles: Vec<String> = self.head.iter().map(|(title, _)| (*title).to_owned()).collect();
        let lines = || std::iter::once(&titles).chain(&self.rows);
        let widths = self.widths();
        for (number, line) in lines().enumerate().skip(usize::from(!self.has_titles())) {
            let mut text = String::new();
            for ((cell, width), (_, side)) in line.iter().zip(&widths).zip(&self.head) {
                let pad = " ".repeat(width - cell.chars().count());
                match side {
                    Side::Left => text.extend([cell.as_str(), &pad, "  "]),
                    Side::Right => text.extend([&pad, cell.as_str(), "  "]),
                }
            }
            writeln!(out, "{}", text.trim_end())?;
            for (_, note) in self.notes.iter().filter(|(row, _)| *row == number) {
                writeln!(out, "  {note}")?;
            }
        }
        Ok(())
    }
}

/// A value for people: text as it is, bytes by their number.
pub(crate) fn value_for_people(entry: &Entry) -> String {
    match entry.format {
        Format::Binary => format!("({} bytes)", entry.body.len()),
        _ => printable(&String::from_utf8_lossy(&entry.body)),
    }
}

/// Text from outside that cannot drive the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}")
}

/// Digits in groups of three: `12,345,678`.
pub(crate) fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("-", rest));
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    format!("{sign}{text}")
}

/// A time for people, to the second: `2026-07-01 15:00:00`.
pub(crate) fn second(time: &str) -> String {
    time.get(..19).unwrap_or(time).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_fewer_columns_and_no_broken_cells() {
        let mut table =
            Table::new(&[("KEY", Side::Left), ("N", Side::Right), ("NOTE", Side::Left)])
                .dispensing_with(&["NOTE", "N"]);
        table.row(vec!["quote:stock:AAPL".to_owned(), "1000".to_owned(), "none".to_owned()]);
        for (width, shown) in [(80, 3), (34, 3), (33, 2), (27, 2), (26, 1), (5, 1)] {
            assert_eq!(table.fitting(width).len(), shown, "{width}");
        }
    }

    #[test]
    fn a_pipe_gets_plain_columns_with_nothing_cut() {
        let mut table = Table::new(&[("KEY", Side::Left), ("N", Side::Right)]);
        table.row(vec!["a".repeat(90), "1".to_owned()]);
        table.row(vec!["b".to_owned(), "1000".to_owned()]);
        let mut out = Vec::new();
        table.write(Style::default(), &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[1].ends_with("a     1") && lines[2].ends_with("  1000"));
    }
}
