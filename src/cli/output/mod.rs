//! How records are written: one file a format.
//!
//! A [`Printer`] is fed answers in the order of the questions, each as soon as all before it are
//! there, so that long output streams.

mod csv;
pub(crate) mod file;
mod json;
pub(crate) mod prometheus;
pub(crate) mod table;

use std::io::{self, Write};

use crate::cache::{Answer, Question, Served};
use crate::error::Usage;
use crate::market::{DataType, Quote, Series};
use crate::policy::Reason;
use crate::time::Timestamp;

use super::args::Format;
use super::ui::Style;

/// An answer with what printing must know besides.
pub(crate) struct Shown<'a> {
    /// What was asked.
    pub(crate) question: &'a Question,
    /// What came of it.
    pub(crate) answer: &'a Answer,
    /// The rules that set its time to live, if they are wanted.
    pub(crate) reasons: Option<Vec<Reason>>,
    /// The instant of printing.
    pub(crate) now: Timestamp,
}

/// One format of answers.
pub(crate) trait Printer {
    /// Writes an answer.
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands at the end.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// The printer of a format for these questions.
pub(crate) fn printer(
    format: Format,
    questions: &[Question],
    style: Style,
) -> Result<Box<dyn Printer>, Usage> {
    Ok(match format {
        Format::Json => Box::new(json::Array::default()),
        Format::Ndjson => Box::new(json::Lines),
        Format::Csv => Box::new(csv::Rows::new(one_type(questions)?)),
        Format::Table | Format::Prometheus => Box::new(table::Answers::new(style)),
    })
}

/// Whether a value can be written so: what `put` wrote under the key of a quote need not be one.
pub(crate) fn fits(format: Format, question: &Question, served: &Served) -> bool {
    let body = &served.entry.body;
    format != Format::Csv
        || match question.data_type {
            DataType::Quote => serde_json::from_slice::<Quote>(body).is_ok(),
            DataType::Series => serde_json::from_slice::<Series>(body).is_ok(),
        }
}

/// A csv has one header, so all of its rows are of one type.
fn one_type(questions: &[Question]) -> Result<DataType, Usage> {
    let first = questions.first().map_or(DataType::Quote, |question| question.data_type);
    if questions.iter().all(|question| question.data_type == first) {
        return Ok(first);
    }
    Err(Usage::new("one csv cannot hold both quotes and series")
        .hint("choose one with --type, or use -f ndjson"))
}

/// How old an answer was when it was printed, in seconds with milliseconds.
fn age_seconds(served: &Served, now: Timestamp) -> f64 {
    (served.entry.age(now).as_secs_f64() * 1000.0).round() / 1000.0
}
