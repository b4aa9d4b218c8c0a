//! The hash of an answer: of its rows as csv, without what changes though no value does.

use std::io::{self, Write};

use xxhash_rust::xxh3::Xxh3;

use super::csv::Rows;
use super::fields::{Fields, Layout};
use super::{Printer as _, Shown};
use crate::cache::{Answer, Question, Served};
use crate::cli::args::Format;
use crate::time::Timestamp;

/// How it is worked out, as a receipt says it.
pub(crate) const ALGORITHM: &str = "xxh3-128";

/// The hash of rows.
pub(crate) struct Digest {
    /// Their columns, in order: with `fetch -f csv --fields` the same bytes are printed.
    pub(crate) columns: String,
    /// The hash in hexadecimal digits.
    pub(crate) value: String,
}

/// Bytes that are hashed as they are written.
struct Sink(Xxh3);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The hash of an answer; none if it has no rows.
pub(crate) fn digest(question: &Question, served: &Served) -> Option<Digest> {
    let questions = std::slice::from_ref(question);
    let layout = Layout::of(question);
    // A bar that comes to be final changes its state and nothing else.
    let names = layout.csv().iter().filter(|name| **name != "state");
    let names: Vec<String> = names.map(|name| (*name).to_owned()).collect();
    let fields = Fields::read(&names, Format::Csv, questions).ok()?;
    let mut rows = Rows::new(questions, &fields).ok()?;
    let mut sink = Sink(Xxh3::new());
    let answer = Answer::new(Ok(served.clone()), std::time::Duration::ZERO);
    let now = Timestamp::from_ms(0);
    let shown = Shown { question, answer: &answer, reasons: None, now };
    rows.answer(&shown, &mut sink).and_then(|()| rows.end(&mut sink)).ok()?;
    Some(Digest { columns: names.join(","), value: format!("{:032x}", sink.0.digest128()) })
}
