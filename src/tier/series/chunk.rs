//! A chunk: a sealed, compressed run of final bars, and what a directory says of one.
//!
//! Its bytes are its name: what is changed is another chunk. It says itself of which bases its bars
//! are, so that bytes without a directory are worth something. Whether bytes are those of a certain
//! series is for whoever keeps their sum.

use xxhash_rust::xxh3::xxh3_64;

use super::bytes::{Reader, Writer};
use crate::codec::Damage;
use crate::codec::bars::{Effort, pack, unpack};
use crate::market::{Bars, Interval, Run};

/// What the directory of a head says of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    /// When its first bar begins, in milliseconds UTC.
    pub first_ms: i64,
    /// When its last bar begins.
    pub last_ms: i64,
    /// XXH3 of its sealed bytes.
    pub id: i64,
    /// The bases of its bars; as many bars as it has.
    pub runs: Vec<Run>,
}

/// A chunk that is to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// What the directory says of it.
    pub at: ChunkRef,
    /// Its bytes.
    pub sealed: Vec<u8>,
}

/// How many bars of this interval a chunk holds that is full.
pub fn most_bars(interval: Interval) -> usize {
    if interval >= Interval::Day1 { 1_260 } else { 8_192 }
}

impl ChunkRef {
    /// How many bars it has.
    pub fn bars(&self) -> usize {
        self.runs.iter().fold(0, |sum, run| sum.saturating_add(run.bars))
    }

    /// The bars in sealed bytes, if they are those of this chunk.
    pub fn open(&self, sealed: &[u8]) -> Result<Bars, Damage> {
        let (bars, _) = open(sealed)?;
        let is_it = bars.len() == self.bars()
            && bars.times.first() == Some(&self.first_ms)
            && bars.times.last() == Some(&self.last_ms);
        if is_it { Ok(bars) } else { Err(Damage) }
    }
}

impl Chunk {
    /// Seals final bars; none if there are none.
    pub fn seal(bars: &Bars, runs: Vec<Run>) -> Option<Self> {
        let (first_ms, last_ms) = (*bars.times.first()?, *bars.times.last()?);
        let mut writer = Writer::default();
        write_runs(&mut writer, &runs);
        writer.0.extend(pack(bars, Effort::Small));
        let sealed = writer.0;
        let id = xxh3_64(&sealed).cast_signed();
        Some(Self { at: ChunkRef { first_ms, last_ms, id, runs }, sealed })
    }
}

/// The bars in sealed bytes, with their bases.
pub fn open(sealed: &[u8]) -> Result<(Bars, Vec<Run>), Damage> {
    let mut reader = Reader(sealed);
    let runs = read_runs(&mut reader)?;
    Ok((unpack(reader.0)?, runs))
}

pub(super) fn write_runs(writer: &mut Writer, runs: &[Run]) {
    writer.count(runs.len());
    let mut last = 0;
    for run in runs {
        writer.count(run.bars);
        writer.after(&mut last, run.basis_ms);
    }
}

pub(super) fn read_runs(reader: &mut Reader<'_>) -> Result<Vec<Run>, Damage> {
    let mut last = 0;
    let count = reader.count(2)?;
    let run = |_| Ok(Run { bars: reader.size()?, basis_ms: reader.after(&mut last)? });
    (0..count).map(run).collect()
}
