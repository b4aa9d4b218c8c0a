//! Series: bars that are kept as a head, which every look-up reads, and chunks, which few do.
//!
//! It knows how bars are kept and nothing of where: heads are the bodies of entries, chunks stand in a
//! table beside them ([`disk`](super::disk)). It asks nobody for bars and adjusts no price.

mod bytes;
mod chunk;
mod head;
pub mod parcel;
pub(super) mod past;
mod settle;
mod stretch;
mod version;

use std::ops::Range;

pub use chunk::{Chunk, ChunkRef, most_bars, open};
pub use head::Head;
pub use past::{MOST_PAST, Superseded};
pub use settle::{Load, MOST_RECENT, settle};
pub use stretch::Stretch;
pub use version::Version;

use crate::market::{Bars, Run};
use crate::span::Span;
use crate::time::Timestamp;

/// What stands beside a head, or another entry, on its way to the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// The chunks of its directory that are new.
    pub chunks: Vec<Chunk>,
    /// What is not true any more.
    pub superseded: Vec<Superseded>,
}

/// Bars read out of a series, in order of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Read {
    /// The bars: final ones, then those that have ended, then the live one.
    pub bars: Bars,
    /// Their bases.
    pub runs: Vec<Run>,
    /// How many of them are final.
    pub finals: usize,
    /// How many of them have ended.
    pub ended: usize,
}

impl Head {
    /// The chunks with bars that may begin from one instant up to, but not at, another.
    pub fn within(&self, from_ms: i64, to_ms: i64) -> &[ChunkRef] {
        let from = self.chunks.partition_point(|chunk| chunk.last_ms < from_ms);
        let to = self.chunks.partition_point(|chunk| chunk.first_ms < to_ms);
        &self.chunks[from..to.max(from)]
    }

    /// Up to when splits are in the prices of bars that begin in a span, one after the other; of a chunk
    /// that is in it in part, of all its bars.
    pub fn bases(&self, span: Span) -> impl Iterator<Item = i64> {
        let (from, to) = (span.start().as_ms(), span.end().as_ms());
        let recent = self.recent.within(from, to);
        let mut begin = 0;
        let of_head = self.runs.iter().filter(move |run| {
            let bars = begin..begin + run.bars;
            begin = bars.end;
            bars.start < recent.end && recent.start < bars.end
        });
        let of_chunks = self.within(from, to).iter().flat_map(|chunk| &chunk.runs);
        of_chunks.chain(of_head).map(|run| run.basis_ms)
    }

    /// The bars of these chunks and of the head that begin from one instant up to, but not at,
    /// another.
    pub fn read(&self, span_ms: Range<i64>, chunks: &[(ChunkRef, Bars)]) -> Read {
        let recent = Stretch::new(self.recent.clone(), &self.runs);
        let held = chunks.iter().fold(Stretch::default(), |held, (at, bars)| {
            Stretch::new(bars.clone(), &at.runs).over(&held)
        });
        let all = recent.slice(0..self.finals).over(&held);
        let finals = all.bars.within(span_ms.start, span_ms.end);
        let tail = recent.slice(self.finals..recent.len());
        let others = tail.bars.within(span_ms.start, span_ms.end);
        let ended = others.end.min(self.ended - self.finals).saturating_sub(others.start);
        let count = finals.len();
        let read = tail.slice(others).over(&all.slice(finals));
        let runs = read.runs();
        Read { bars: read.bars, runs, finals: count, ended: count + ended }
    }

    /// Removes a chunk from the directory and forgets its span, so that it is asked for again;
    /// whether it was there.
    pub fn forget(&mut self, id: i64) -> bool {
        let Some(at) = self.chunks.iter().position(|chunk| chunk.id == id) else { return false };
        let chunk = self.chunks.remove(at);
        let start = Timestamp::from_ms(chunk.first_ms);
        let end = Timestamp::from_ms(chunk.last_ms.saturating_add(1));
        if let Some(span) = Span::new(start, end) {
            self.coverage.forget(span);
        }
        true
    }
}

#[cfg(test)]
mod tests;
