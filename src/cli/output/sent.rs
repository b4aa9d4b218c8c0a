//! `--raw` without a format: what an endpoint sent, as it sent it. Text is text and a picture its
//! bytes, with nothing before, between or behind; everything else is one line of JSON.
//!
//! A terminal is spared both: there they are JSON too.

use std::io::{self, Write};

use super::json::{Lines, is_payload};
use super::{Printer, Shown};
use crate::cache::record::members::Members;
use crate::market::Json;

/// What was sent, one after the other.
pub(super) struct Sent(pub(super) Lines);

impl Printer for Sent {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        let served = shown.answer.outcome.as_ref().ok();
        let record = served.filter(|_| is_payload(shown)).map(|served| shown.record(served));
        let members = record.as_ref().and_then(|record| Members::read(record));
        match members.and_then(|members| Json::sent(members.get("payload")?)) {
            Some(bytes) => out.write_all(&bytes),
            None => self.0.answer(shown, out),
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.0.end(out)
    }
}
