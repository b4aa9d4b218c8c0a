//! The head of a series: the small row that every look-up reads, as bytes.
//!
//! # Shape
//!
//! A magic of four bytes, whose last is the version; the directory of chunks; what the series is in;
//! what is known of its time; splits and dividends; how `recent` is divided; and `recent`, packed, to
//! the end. Instants are written as how far they are behind the one before.
//!
//! # Rules for changing it
//!
//! What is written is read for ever: another order or another field is another last byte of the
//! magic. The directory comes first, so that whoever stores a head can read it without the rest.
//!
//! # Cost
//!
//! Written by hand, since every hit reads it: a head of twenty years takes a few microseconds.

use super::bytes::{Reader, Writer};
use super::chunk::{ChunkRef, read_runs, write_runs};
use crate::codec::Damage;
use crate::codec::bars::{Effort, pack, unpack};
use crate::market::{Actions, Bars, Dividend, HeldDividend, HeldSplit, Run, Split};
use crate::policy::coverage::{Coverage, Covered};
use crate::span::Span;
use crate::time::Timestamp;

/// What every head begins with.
pub(super) const MAGIC: [u8; 4] = *b"MCS1";

/// What is known of a series: a small row beside its chunks.
///
/// Invariant: chunks are in order and share no instant; the runs of each have as many bars as it;
/// `recent` is in order, its runs have as many bars, and `finals <= ended <=` its length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    /// What the prices are in.
    pub currency: Option<String>,
    /// The exchange in upstream's spelling.
    pub exchange: Option<String>,
    /// When it was first traded, in milliseconds UTC.
    pub first_trade_ms: Option<i64>,
    /// What is known of which span.
    pub coverage: Coverage,
    /// The span behind what is covered that was asked for when the entry was fetched: what is not
    /// final lies in it. It ends never if it was asked for as far as there is anything.
    pub tail: Option<Span>,
    /// The splits and dividends.
    pub actions: Actions,
    /// Up to which instant those are known.
    pub actions_at: Option<Timestamp>,
    /// The chunks, oldest first.
    pub chunks: Vec<ChunkRef>,
    /// The final bars that are in no chunk, which may be older than one, then those that are not
    /// final.
    pub recent: Bars,
    /// The bases of `recent`.
    pub runs: Vec<Run>,
    /// How many of `recent` are final.
    pub finals: usize,
    /// How many of `recent` have ended, final or not.
    pub ended: usize,
}

impl Head {
    /// Whether bytes begin as those of a head do.
    pub fn is_head(body: &[u8]) -> bool {
        body.starts_with(&MAGIC)
    }

    /// Whether no bar is held at all.
    pub fn is_bare(&self) -> bool {
        self.chunks.is_empty() && self.recent.is_empty()
    }

    /// The bytes of the head.
    pub fn to_body(&self) -> Vec<u8> {
        let mut writer = Writer(MAGIC.to_vec());
        write_chunks(&mut writer, &self.chunks);
        writer.text(self.currency.as_deref());
        writer.text(self.exchange.as_deref());
        writer.maybe(self.first_trade_ms);
        write_coverage(&mut writer, &self.coverage);
        writer.maybe(self.tail.map(|tail| tail.start().as_ms()));
        writer.maybe(self.tail.map(|tail| tail.end().as_ms()));
        write_actions(&mut writer, &self.actions);
        writer.maybe(self.actions_at.map(Timestamp::as_ms));
        write_runs(&mut writer, &self.runs);
        writer.count(self.finals);
        writer.count(self.ended);
        if !self.recent.is_empty() {
            writer.0.extend(pack(&self.recent, Effort::Fast));
        }
        writer.0
    }

    /// The head in these bytes, or that they are none.
    pub fn from_body(body: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader(body.strip_prefix(&MAGIC).ok_or(Damage)?);
        let head = Self {
            chunks: read_chunks(&mut reader)?,
            currency: reader.text()?.map(str::to_owned),
            exchange: reader.text()?.map(str::to_owned),
            first_trade_ms: reader.maybe()?,
            coverage: read_coverage(&mut reader)?,
            tail: read_tail(&mut reader)?,
            actions: read_actions(&mut reader)?,
            actions_at: reader.maybe()?.map(Timestamp::from_ms),
            runs: read_runs(&mut reader)?,
            finals: reader.size()?,
            ended: reader.size()?,
            recent: if reader.0.is_empty() { Bars::default() } else { unpack(reader.0)? },
        };
        let bars = head.runs.iter().try_fold(0_usize, |sum, run| sum.checked_add(run.bars));
        let is_head = bars == Some(head.recent.len())
            && head.finals <= head.ended
            && head.ended <= head.recent.len()
            && head.recent.times.is_sorted_by(|a, b| a < b);
        if is_head { Ok(head) } else { Err(Damage) }
    }

    /// The chunks that a head in these bytes refers to, without reading the rest of it.
    pub fn directory(body: &[u8]) -> Result<Vec<ChunkRef>, Damage> {
        read_chunks(&mut Reader(body.strip_prefix(&MAGIC).ok_or(Damage)?))
    }
}

fn write_chunks(writer: &mut Writer, chunks: &[ChunkRef]) {
    writer.count(chunks.len());
    let mut last = 0;
    for chunk in chunks {
        writer.after(&mut last, chunk.first_ms);
        writer.after(&mut last, chunk.last_ms);
        writer.whole(chunk.id.cast_unsigned());
        write_runs(writer, &chunk.runs);
    }
}

fn read_chunks(reader: &mut Reader<'_>) -> Result<Vec<ChunkRef>, Damage> {
    let count = reader.count(11)?;
    let mut chunks: Vec<ChunkRef> = Vec::with_capacity(count);
    let mut last = 0;
    for _ in 0..count {
        let chunk = ChunkRef {
            first_ms: reader.after(&mut last)?,
            last_ms: reader.after(&mut last)?,
            id: reader.whole()?.cast_signed(),
            runs: read_runs(reader)?,
        };
        let is_behind = chunks.last().is_none_or(|before| before.last_ms < chunk.first_ms);
        if !is_behind || chunk.first_ms > chunk.last_ms || chunk.bars() == 0 {
            return Err(Damage);
        }
        chunks.push(chunk);
    }
    Ok(chunks)
}

fn write_coverage(writer: &mut Writer, coverage: &Coverage) {
    writer.count(coverage.rows().len());
    let (mut last, mut fetched) = (0, 0);
    for row in coverage.rows() {
        let flags = [row.is_empty, row.is_imported, row.is_silent];
        writer.number(flags.into_iter().rev().fold(0, |bits, flag| bits << 1 | u64::from(flag)));
        writer.after(&mut last, row.span.start().as_ms());
        writer.after(&mut last, row.span.end().as_ms());
        writer.after(&mut fetched, row.fetched_at.as_ms());
    }
}

fn read_coverage(reader: &mut Reader<'_>) -> Result<Coverage, Damage> {
    let count = reader.count(4)?;
    let mut rows = Vec::with_capacity(count);
    let (mut last, mut fetched) = (0, 0);
    for _ in 0..count {
        let flags @ 0..=7 = reader.byte()? else { return Err(Damage) };
        let [is_empty, is_imported, is_silent] = [1, 2, 4].map(|bit| flags & bit == bit);
        let start = Timestamp::from_ms(reader.after(&mut last)?);
        let end = Timestamp::from_ms(reader.after(&mut last)?);
        let span = Span::new(start, end).ok_or(Damage)?;
        let fetched_at = Timestamp::from_ms(reader.after(&mut fetched)?);
        rows.push(Covered { span, is_empty, fetched_at, is_imported, is_silent });
    }
    Ok(Coverage::from_rows(rows))
}

fn read_tail(reader: &mut Reader<'_>) -> Result<Option<Span>, Damage> {
    match (reader.maybe()?, reader.maybe()?) {
        (Some(start), Some(end)) => {
            Span::new(Timestamp::from_ms(start), Timestamp::from_ms(end)).map(Some).ok_or(Damage)
        }
        (None, None) => Ok(None),
        _ => Err(Damage),
    }
}

fn write_actions(writer: &mut Writer, actions: &Actions) {
    writer.count(actions.splits.len());
    let (mut at, mut day, mut fetched) = (0, 0, 0);
    for HeldSplit { split, fetched_ms } in &actions.splits {
        writer.after(&mut at, split.at_ms);
        writer.after(&mut day, split.day.into());
        writer.float(split.numerator);
        writer.float(split.denominator);
        writer.after(&mut fetched, *fetched_ms);
    }
    writer.count(actions.dividends.len());
    (at, day) = (0, 0);
    for HeldDividend { dividend, factor, fetched_ms } in &actions.dividends {
        writer.number(u64::from(dividend.is_capital_gain) | u64::from(factor.is_some()) << 1);
        writer.after(&mut at, dividend.at_ms);
        writer.after(&mut day, dividend.day.into());
        writer.float(dividend.amount);
        if let Some(factor) = factor {
            writer.float(*factor);
        }
        writer.after(&mut fetched, *fetched_ms);
    }
}

fn read_actions(reader: &mut Reader<'_>) -> Result<Actions, Damage> {
    let mut actions = Actions::default();
    let (mut at, mut day, mut fetched) = (0, 0, 0);
    for _ in 0..reader.count(19)? {
        let split = Split {
            at_ms: reader.after(&mut at)?,
            day: i32::try_from(reader.after(&mut day)?).map_err(|_| Damage)?,
            numerator: reader.float()?,
            denominator: reader.float()?,
        };
        let ratio = split.ratio();
        if !(ratio.is_finite() && ratio > 0.0) {
            return Err(Damage);
        }
        actions.splits.push(HeldSplit { split, fetched_ms: reader.after(&mut fetched)? });
    }
    (at, day) = (0, 0);
    for _ in 0..reader.count(12)? {
        let flags @ 0..=3 = reader.byte()? else { return Err(Damage) };
        let dividend = Dividend {
            at_ms: reader.after(&mut at)?,
            day: i32::try_from(reader.after(&mut day)?).map_err(|_| Damage)?,
            amount: reader.float()?,
            is_capital_gain: flags & 1 == 1,
        };
        let factor = if flags & 2 == 2 { Some(reader.float()?) } else { None };
        let is_factor = factor.is_none_or(|factor| factor > 0.0 && factor <= 1.0);
        if !dividend.amount.is_finite() || !is_factor {
            return Err(Damage);
        }
        let fetched_ms = reader.after(&mut fetched)?;
        actions.dividends.push(HeldDividend { dividend, factor, fetched_ms });
    }
    Ok(actions)
}
