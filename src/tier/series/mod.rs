//! Series: bars that are kept as a head, which every look-up reads, and chunks, which few do.
//!
//! It knows how bars are kept and nothing of where: heads are the bodies of entries, chunks stand in a
//! table beside them ([`disk`](super::disk)). It asks nobody for bars and adjusts no price.

mod bytes;
mod chunk;
mod head;
pub(super) mod past;
mod settle;
mod stretch;

use std::ops::Range;

pub use chunk::{Chunk, ChunkRef, most_bars, open};
pub use head::Head;
pub use past::{MOST_PAST, Superseded};
pub use settle::{Load, MOST_RECENT, settle};
pub use stretch::Stretch;

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

    /// Puts bars that were fetched together into the head: the first so many of them are final, the
    /// first so many have ended. They take the place of what `recent` holds of their time; bars that
    /// were not final go where later ones are. Chunks stay as they are: see [`settle`].
    pub fn put(&mut self, bars: &Bars, basis_ms: i64, finals: usize, ended: usize) {
        let ended = ended.min(bars.len());
        let finals = finals.min(ended);
        let new = Stretch::new(bars.clone(), &[Run { bars: bars.len(), basis_ms }]);
        let old = Stretch::new(std::mem::take(&mut self.recent), &self.runs);
        let settled = new.slice(0..finals).over(&old.slice(0..self.finals));
        // What stood at the end and was not said again is not true any more, nor is what is older than
        // a final bar: it would be final too.
        let newest = settled.bars.times.last().copied().max(self.chunks.last().map(|c| c.last_ms));
        let told = bars.times.first().zip(bars.times.last());
        let is_open = |ms: i64| {
            newest.is_none_or(|newest| ms > newest)
                && told.is_none_or(|(first, last)| ms < *first || ms > *last)
        };
        let kept: Vec<usize> =
            (self.finals..old.len()).filter(|at| is_open(old.bars.times[*at])).collect();
        let had_ended: Vec<i64> = kept
            .iter()
            .filter(|at| **at < self.ended)
            .map(|at| old.bars.times[*at])
            .chain(bars.times[finals..ended].iter().copied())
            .collect();
        let tail =
            kept.iter().fold(Stretch::default(), |tail, at| old.slice(*at..at + 1).over(&tail));
        let later = new.slice(finals..new.len());
        let from = newest.map_or(0, |newest| later.bars.times.partition_point(|ms| *ms <= newest));
        let tail = later.slice(from..later.len()).over(&tail);
        let last_ended = had_ended.into_iter().max();
        let tail_ended =
            last_ended.map_or(0, |last| tail.bars.times.partition_point(|ms| *ms <= last));
        self.finals = settled.len();
        self.ended = self.finals + tail_ended;
        let all = tail.over(&settled);
        self.runs = all.runs();
        self.recent = all.bars;
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
