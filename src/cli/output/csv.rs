//! CSV: a header and a row a record; of bars and other series, a row for each. What failed has no
//! row.

use std::io::{self, Write};

use super::bars;
use super::fields::{Field, Fields, Layout};
use super::{Printer, Shown};
use crate::cache::Question;
use crate::cache::record::members::Members;
use crate::error::Usage;

/// Rows of one layout.
pub(super) struct Rows {
    layout: &'static Layout,
    columns: Vec<&'static Field>,
    begun: bool,
}

impl Rows {
    /// A csv has one header, so all of its rows are of one layout.
    pub(super) fn new(questions: &[Question], fields: &Fields) -> Result<Self, Usage> {
        let mut layouts = questions.iter().map(Layout::of);
        let layout = layouts.next().unwrap_or_else(Layout::of_bars);
        if let Some(other) = layouts.find(|other| *other != layout) {
            let (one, other) = (layout.plural, other.plural);
            return Err(Usage::new(format!("one csv cannot hold both {one} and {other}"))
                .hint("choose one with --type, or use -f ndjson"));
        }
        Ok(Self { layout, columns: fields.columns(layout), begun: false })
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        let names: Vec<&str> = self.columns.iter().map(|field| field.name).collect();
        writeln!(out, "{}", names.join(","))
    }

    /// The rows of a record that is stored as JSON.
    fn record(&self, record: &Members<'_>, out: &mut dyn Write) -> io::Result<()> {
        let rows = self.layout.rows_in.map(|name| record.rows(name).unwrap_or_default());
        let mut text = Vec::new();
        for row in rows.iter().flatten().map(Some).chain(rows.is_none().then_some(None)) {
            let begin = text.len();
            for column in &self.columns {
                let row = row.filter(|_| self.layout.is_of_row(column.name));
                csv_text(&row.unwrap_or(record).text(column.name), &mut text);
                text.push(b',');
            }
            bars::end_of_row(begin, &mut text);
        }
        out.write_all(&text)
    }
}

impl Printer for Rows {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        let Ok(served) = &shown.answer.outcome else { return Ok(()) };
        if let Some(series) = served.bars.as_deref() {
            return bars::csv(series, &self.columns, out);
        }
        let record = shown.record(served);
        Members::read(&record).map_or(Ok(()), |record| self.record(&record, out))
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)
    }
}

/// A text for csv, in quotation marks if it must be (RFC 4180).
pub(super) fn csv_text(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['"', ',', '\n', '\r']) {
        return out.extend_from_slice(text.as_bytes());
    }
    // Writing to a buffer in memory does not fail.
    let _ = write!(out, "\"{}\"", text.replace('"', "\"\""));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_only_if_it_must_be() {
        for (text, cell) in [("AAPL", "AAPL"), ("a,b", "\"a,b\""), ("a\"b\n", "\"a\"\"b\n\"")] {
            let mut out = Vec::new();
            csv_text(text, &mut out);
            assert_eq!(out, cell.as_bytes());
        }
    }
}
