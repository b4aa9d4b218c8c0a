//! How records are written: one file a format.
//!
//! A [`Printer`] is fed answers in the order of the questions, each as soon as all before it are
//! there, so that long output streams.

mod answers;
mod bars;
pub(crate) mod changes;
mod chart;
mod csv;
pub(crate) mod digest;
mod fields;
pub(crate) mod file;
mod json;
#[cfg(feature = "parquet")]
mod parquet;
mod people;
pub(crate) mod prometheus;
mod sent;
pub(crate) mod table;

use std::borrow::Cow;
use std::io::{self, Write};

use crate::cache::record;
use crate::cache::record::members::Members;
use crate::cache::{Answer, PassedOver, Question, Served};
use crate::error::{Usage, sanitized};
use crate::market::{DataType, Series};
use crate::policy::Reason;
use crate::time::Timestamp;

use super::args::{Format, Look};
use super::ui::Style;
pub(in crate::cli) use fields::members_of_quotes;
use fields::{Fields, Layout};

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

impl Shown<'_> {
    /// The record that an answer holds, as JSON; of bars there is none.
    fn record<'s>(&self, served: &'s Served) -> Cow<'s, [u8]> {
        record::stored(self.question, &served.entry)
    }

    /// Who of the chain was passed over, and the rules that set the time to live, strongest last; none
    /// unless that is wanted.
    fn why(&self) -> Option<Vec<String>> {
        let reasons = self.reasons.as_ref()?;
        let passed = self.answer.passed.iter().map(|over| format!("chain: {}", passed_over(over)));
        let rules = reasons.iter().map(|reason| format!("{}: {}", reason.rule, reason.says));
        Some(passed.chain(rules).collect())
    }
}

/// That a provider was passed over, and why, on one line.
pub(crate) fn passed_over(passed: &PassedOver) -> String {
    let (provider, why) = (&passed.provider, sanitized(&passed.error.message));
    format!("{provider} was passed over ({why})")
}

/// One format of answers.
pub(crate) trait Printer {
    /// Writes an answer.
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()>;

    /// Writes what stands at the end.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
}

/// The printer of a format for these questions; what cannot be printed so is refused before anything
/// is asked.
pub(crate) fn printer(
    format: Option<Format>,
    look: &Look,
    questions: &[Question],
    style: Style,
) -> Result<Box<dyn Printer>, Usage> {
    let as_sent = look.raw && format.is_none() && style.width.is_none();
    let format = format.unwrap_or(if look.raw { Format::Ndjson } else { Format::Table });
    if look.raw && !matches!(format, Format::Json | Format::Ndjson) {
        return Err(Usage::new("--raw prints what upstream sent, which is no table and no csv")
            .hint("leave the format out, or use -f json or -f ndjson"));
    }
    if look.chart {
        if format != Format::Table {
            return Err(Usage::new("--chart is drawn for people, and in no other format")
                .hint("leave out either --chart or --format"));
        }
        return Ok(Box::new(chart::Charts::new(style, questions)?));
    }
    let fields = Fields::read(&look.fields, format, questions)?;
    let wanted = |fields| json::Wanted { fields, raw: look.raw };
    Ok(match format {
        Format::Json => Box::new(json::Array::new(wanted(fields))),
        Format::Ndjson if as_sent => Box::new(sent::Sent(json::Lines(wanted(fields)))),
        Format::Ndjson => Box::new(json::Lines(wanted(fields))),
        Format::Csv => Box::new(csv::Rows::new(questions, &fields)?),
        #[cfg(feature = "parquet")]
        Format::Parquet => Box::new(parquet::Groups::new(questions, &fields, style)?),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => {
            return Err(Usage::new("this mcache was built without parquet")
                .hint("`cargo install mcache --features parquet` builds one that has it"));
        }
        Format::Table | Format::Prometheus => Box::new(answers::Answers::new(style, fields)),
    })
}

/// Whether a value can be written so: what `put` wrote under the key of a quote need not be one.
pub(crate) fn fits(format: Format, question: &Question, served: &Served) -> bool {
    if format == Format::Parquet {
        return served.bars.as_deref().is_some();
    }
    let record = record::stored(question, &served.entry);
    let has = |name| Members::read(&record).is_some_and(|record| record.get(name).is_some());
    format != Format::Csv
        || served.bars.is_some()
        || matches!(question.data_type, DataType::Payload(_))
        || match Layout::of(question).rows_in {
            None => has("price"),
            Some("observations") => serde_json::from_slice::<Series>(&record).is_ok(),
            Some(rows) => Members::read(&record).is_some_and(|record| record.rows(rows).is_some()),
        }
}

#[cfg(test)]
mod tests;
