//! Tables for people: boxed on a terminal, plain text columns in a pipe.
//!
//! Numbers stand to the right. Nothing is cut in a pipe; on a terminal what does not fit is
//! wrapped.

use std::io::{self, Write};

use base64::Engine as _;
use comfy_table::{Cell, CellAlignment, ContentArrangement, presets};
use serde_json::{Value, json};

use super::{Printer, Shown};
use crate::cache::{Served, Status};
use crate::cli::ui::{Style, Tint};
use crate::entry::{Entry, Format};
use crate::market::{MarketState, Quote, Series};
use crate::number::Number;
use crate::units::duration_for_people;

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

/// Answers as tables: quotes in one, then a series each.
pub(super) struct Answers {
    style: Style,
    quotes: Table,
    series: Vec<(String, Table)>,
}

impl Answers {
    pub(super) fn new(style: Style) -> Self {
        use Side::{Left, Right};
        let quotes = Table::new(&[
            ("SYMBOL", Left),
            ("PRICE", Right),
            ("CHANGE", Right),
            ("CHANGE %", Right),
            ("VOLUME", Right),
            ("CURRENCY", Left),
            ("MARKET", Left),
            ("TIME (UTC)", Left),
            ("PROVIDER", Left),
            ("STATUS", Left),
            ("TIER", Left),
            ("AGE", Right),
        ]);
        let quotes = quotes.dispensing_with(&[
            "MARKET",
            "VOLUME",
            "TIME (UTC)",
            "CURRENCY",
            "CHANGE",
            "PROVIDER",
            "CHANGE %",
            "STATUS",
        ]);
        Self { style, quotes, series: Vec::new() }
    }

    fn quote(&mut self, shown: &Shown<'_>, served: &Served, quote: &Quote) {
        self.quotes.row(vec![
            quote.symbol.clone(),
            price(Some(&quote.price)),
            price(quote.change.as_ref()),
            percent(quote.change_percent.as_ref()),
            volume(quote.volume.as_ref()),
            quote.currency.clone().unwrap_or_default(),
            quote.market_state.map_or("", MarketState::as_str).to_owned(),
            quote.time.as_deref().map(second).unwrap_or_default(),
            quote.provider.clone(),
            served.status.as_str().to_owned(),
            served.answered_by.as_str().to_owned(),
            duration_for_people(served.entry.age(shown.now)),
        ]);
        for line in explained(shown, served) {
            self.quotes.note(line);
        }
    }

    fn series(&mut self, shown: &Shown<'_>, served: &Served, series: &Series) {
        let mut table = Table::new(&[("DATE", Side::Left), ("VALUE", Side::Right)]);
        for observation in &series.observations {
            let value = observation.value.as_ref().map_or("-".to_owned(), ToString::to_string);
            table.row(vec![observation.date.clone(), value]);
        }
        let mut title = format!(
            "{}: {} observations, {} from {}, {}, {} old",
            series.symbol,
            series.observations.len(),
            served.status.as_str(),
            served.answered_by.as_str(),
            series.provider,
            duration_for_people(served.entry.age(shown.now)),
        );
        title.extend(explained(shown, served).into_iter().map(|line| format!("\n  {line}")));
        self.series.push((title, table));
    }
}

/// The rules that set the time to live, a line each, and what came of them; nothing unless that is
/// wanted.
fn explained(shown: &Shown<'_>, served: &Served) -> Vec<String> {
    let Some(reasons) = &shown.reasons else { return Vec::new() };
    let until = served.life.expires_at.for_people();
    let verdict = match (served.status, served.upstream_calls) {
        (Status::Hit, 0) => format!("no call was made: fresh until {until}"),
        (Status::Hit, _) => format!("upstream failed: fresh until {until}"),
        (Status::Stale, 0) => format!("no call was made: stale since {until}"),
        (Status::Stale, _) => format!("upstream failed: stale since {until}"),
        (_, 0) => format!("another process asked: fresh until {until}"),
        (..) => format!("upstream was asked: fresh until {until}"),
    };
    let rules = reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.says));
    rules.chain([verdict]).collect()
}

impl Printer for Answers {
    fn answer(&mut self, shown: &Shown<'_>, _: &mut dyn Write) -> io::Result<()> {
        let Ok(served) = &shown.answer.outcome else { return Ok(()) };
        let body = &served.entry.body;
        if let Ok(quote) = serde_json::from_slice::<Quote>(body) {
            self.quote(shown, served, &quote);
        } else if let Ok(series) = serde_json::from_slice::<Series>(body) {
            self.series(shown, served, &series);
        } else {
            let title = format!("{}: {}", shown.question.symbol, value_for_people(&served.entry));
            self.series.push((title, Table::new(&[])));
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.quotes.is_empty() {
            self.quotes.write(self.style, out)?;
        }
        for (title, table) in &self.series {
            writeln!(out, "{title}")?;
            if !table.is_empty() {
                table.write(self.style, out)?;
            }
        }
        Ok(())
    }
}

/// A value as JSON: JSON as it is, text as a string, bytes as the contract's object.
pub(crate) fn value_as_json(entry: &Entry) -> String {
    let text = || String::from_utf8_lossy(&entry.body);
    match entry.format {
        Format::Json => on_one_line(&text()),
        Format::Text | Format::NotFound => Value::from(text()).to_string(),
        Format::Binary => json!({
            "content_type": "application/octet-stream",
            "bytes": entry.body.len(),
            "base64": base64::engine::general_purpose::STANDARD.encode(&entry.body),
        })
        .to_string(),
    }
}

/// JSON without the white space between its words; the digits of numbers stay as they are.
fn on_one_line(json: &str) -> String {
    let (mut line, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for c in json.chars() {
        if quoted || !c.is_ascii_whitespace() {
            line.push(c);
        }
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
    }
    line
}

/// A value for people: text as it is, bytes by their number.
pub(crate) fn value_for_people(entry: &Entry) -> String {
    match entry.format {
        Format::Binary => format!("({} bytes)", entry.body.len()),
        // What a program wrote must not drive the terminal.
        _ => String::from_utf8_lossy(&entry.body)
            .replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "\u{fffd}"),
    }
}

/// A price for people: from ten upwards four places, from one (exchange rates) five, below eight.
fn price(number: Option<&Number>) -> String {
    let Some(number) = number else { return String::new() };
    let value = number.as_f64();
    let places = match value.abs() {
        10.0.. => 4,
        1.0..10.0 => 5,
        _ => 8,
    };
    let text = Number::rounded(value, places).map_or_else(|| number.to_string(), |n| n.to_string());
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    format!("{}.{fraction:0<2}", grouped(whole))
}

fn percent(number: Option<&Number>) -> String {
    number.map_or_else(String::new, |number| format!("{:+.2} %", number.as_f64()))
}

fn volume(number: Option<&Number>) -> String {
    number.map_or_else(String::new, |number| grouped(&format!("{:.0}", number.as_f64())))
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
    fn prices_are_shown_with_the_places_that_matter() {
        for (number, shown) in [
            ("189.97999572753906", "189.98"),
            ("84123.45000000", "84,123.45"),
            ("0.00001234", "0.00001234"),
            ("1.083456", "1.08346"),
            ("7", "7.00"),
            ("-1234.5", "-1,234.50"),
        ] {
            assert_eq!(price(Number::parse(number).as_ref()), shown, "{number}");
        }
    }

    #[test]
    fn json_goes_on_one_line_and_keeps_what_is_quoted() {
        for (json, line) in [
            ("{ }", "{}"),
            ("{\n \"a b\": [1.50, \"x\\\" y\\\\\" ]\t}", "{\"a b\":[1.50,\"x\\\" y\\\\\"]}"),
        ] {
            assert_eq!(on_one_line(json), line);
        }
    }

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
