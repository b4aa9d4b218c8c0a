//! Settling: final bars go from the head of a series into its chunks.
//!
//! It decides which chunks are written anew and reads none of them: that is for whoever calls. A bar
//! more at the live edge touches no chunk; 128 of them rewrite the last one. Bars of a gap between two
//! chunks become chunks of their own, together with a neighbour that is not half full, so that a
//! history that is filled a little at a time does not end in crumbs.

use std::ops::Range;

use super::chunk::{Chunk, ChunkRef, most_bars};
use super::head::Head;
use super::stretch::Stretch;
use crate::market::{Bars, Interval};

/// How many final bars a head keeps before they go into chunks.
pub const MOST_RECENT: usize = 128;

/// How many bars stand where at most.
#[derive(Clone, Copy)]
pub(super) struct Sizes {
    /// Final ones in a head.
    pub(super) recent: usize,
    /// In a chunk.
    pub(super) chunk: usize,
}

/// Chunks that are written anew, with the bars that come to them; either may be nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Region {
    chunks: Range<usize>,
    bars: Range<usize>,
}

/// What gives the bars of chunks, in their order.
pub type Load<'l, E> = dyn FnMut(&[ChunkRef]) -> Result<Vec<Bars>, E> + 'l;

/// Moves the final bars of a head into chunks, if there are too many of them; the chunks that are
/// new, which are in its directory then in the place of those that `load` was asked for.
///
/// The last bar stays in the head: the next ones are asked for from there on, and compared with it.
pub fn settle<E>(
    head: &mut Head,
    interval: Interval,
    load: &mut Load<'_, E>,
) -> Result<Vec<Chunk>, E> {
    settle_by(head, Sizes { recent: MOST_RECENT, chunk: most_bars(interval) }, load)
}

pub(super) fn settle_by<E>(
    head: &mut Head,
    sizes: Sizes,
    load: &mut Load<'_, E>,
) -> Result<Vec<Chunk>, E> {
    if head.finals <= sizes.recent {
        return Ok(Vec::new());
    }
    let recent = Stretch::new(head.recent.clone(), &head.runs);
    let newest = head.chunks.last().map_or(i64::MIN, |chunk| chunk.last_ms);
    let stays = usize::from(recent.bars.times[head.finals - 1] > newest);
    let moving = recent.slice(0..head.finals - stays);
    let regions = regions(&head.chunks, &moving.bars.times, sizes.chunk);
    let wanted: Vec<ChunkRef> = regions
        .iter()
        .flat_map(|region| head.chunks[region.chunks.clone()].iter().cloned())
        .collect();
    let loaded = if wanted.is_empty() { Vec::new() } else { load(&wanted)? };
    let mut loaded = wanted.iter().zip(loaded);

    let (mut directory, mut new) = (Vec::new(), Vec::new());
    let mut from = 0;
    for Region { chunks, bars } in regions {
        directory.extend_from_slice(&head.chunks[from..chunks.start]);
        from = chunks.end;
        let mut all = moving.slice(bars);
        for (at, bars) in loaded.by_ref().take(chunks.len()) {
            all = all.over(&Stretch::new(bars, &at.runs));
        }
        // At the end each is filled before the next is begun; elsewhere all are of one size.
        let is_last = chunks.end == head.chunks.len();
        let parts = all.len().div_ceil(sizes.chunk).max(1);
        let size = if is_last { sizes.chunk } else { all.len().div_ceil(parts).max(1) };
        for from in (0..all.len()).step_by(size) {
            let places = from..all.len().min(from + size);
            let part = all.slice(places);
            new.extend(Chunk::seal(&part.bars, part.runs()));
            directory.extend(new.last().map(|chunk: &Chunk| chunk.at.clone()));
        }
    }
    directory.extend_from_slice(&head.chunks[from..]);

    let staying = recent.slice(moving.len()..recent.len());
    head.ended -= moving.len();
    head.finals = stays;
    head.runs = staying.runs();
    head.recent = staying.bars;
    head.chunks = directory;
    Ok(new)
}

/// Which chunks are written anew for bars that begin at these times, in order.
fn regions(chunks: &[ChunkRef], times: &[i64], most: usize) -> Vec<Region> {
    let place = |ms: i64| times.partition_point(|time| *time < ms);
    let spans: Vec<Range<usize>> = chunks
        .iter()
        .map(|chunk| place(chunk.first_ms)..times.partition_point(|time| *time <= chunk.last_ms))
        .collect();
    // The bars before each chunk, and behind the last.
    let gap = |at: usize| {
        let start = if at == 0 { 0 } else { spans[at - 1].end };
        start..spans.get(at).map_or(times.len(), |span| span.start)
    };
    let mut regions: Vec<Region> = Vec::new();
    let mut is_open = false;
    for (at, (chunk, span)) in chunks.iter().zip(&spans).enumerate() {
        let (before, behind) = (gap(at), gap(at + 1));
        let is_small = chunk.bars() < most / 2;
        let has_room = is_small || (at + 1 == chunks.len() && chunk.bars() < most);
        let is_meant = !span.is_empty()
            || (is_small && !before.is_empty())
            || (has_room && !behind.is_empty());
        if !before.is_empty() {
            grow(&mut regions, &mut is_open, at..at, before);
        }
        if is_meant {
            grow(&mut regions, &mut is_open, at..at + 1, span.clone());
        } else {
            is_open = false;
        }
    }
    let behind = gap(chunks.len());
    if !behind.is_empty() {
        grow(&mut regions, &mut is_open, chunks.len()..chunks.len(), behind);
    }
    regions
}

/// Takes chunks and bars into the last region, or begins one with them.
fn grow(regions: &mut Vec<Region>, is_open: &mut bool, chunks: Range<usize>, bars: Range<usize>) {
    match regions.last_mut().filter(|_| *is_open) {
        Some(region) => {
            region.chunks.end = chunks.end;
            region.bars.end = bars.end;
        }
        None => regions.push(Region { chunks, bars }),
    }
    *is_open = true;
}
