//! Bars with the basis of each: what chunks and heads are cut out of and put together from.
//!
//! It moves bars and never changes one.

use std::ops::Range;

use crate::market::{Bars, Run};

/// Bars, and for each the instant up to which splits are in its prices.
///
/// Invariant: both are of one length.
#[derive(Clone, Debug, Default)]
pub struct Stretch {
    /// The bars.
    pub bars: Bars,
    bases: Vec<i64>,
}

impl Stretch {
    /// Bars with their runs; of what no run is said to be, the basis is that of the last run.
    pub fn new(bars: Bars, runs: &[Run]) -> Self {
        let mut bases = Vec::with_capacity(bars.len());
        for run in runs {
            let end = bars.len().min(bases.len().saturating_add(run.bars));
            bases.resize(end, run.basis_ms);
        }
        bases.resize(bars.len(), runs.last().map_or(0, |run| run.basis_ms));
        Self { bars, bases }
    }

    /// Puts later ones behind these.
    pub fn append(&mut self, later: &Self) {
        self.bars.append(&later.bars);
        self.bases.extend_from_slice(&later.bases);
    }

    /// The basis of the one at this place.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn basis(&self, at: usize) -> i64 {
        self.bases[at]
    }

    /// How many bars.
    pub fn len(&self) -> usize {
        self.bars.len()
    }

    /// The bases, neighbours of the same as one.
    pub fn runs(&self) -> Vec<Run> {
        let same = self.bases.chunk_by(|a, b| a == b);
        same.map(|run| Run { bars: run.len(), basis_ms: run[0] }).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bars.is_empty()
    }

    /// Those at some places.
    #[must_use]
    pub fn slice(&self, places: Range<usize>) -> Self {
        Self { bars: self.bars.slice(places.clone()), bases: self.bases[places].to_vec() }
    }

    /// These and others, in order of time; where both have a bar, these count.
    #[must_use]
    pub fn over(self, others: &Self) -> Self {
        let is_behind = |a: &Self, b: &Self| match (a.bars.times.first(), b.bars.times.last()) {
            (Some(first), Some(last)) => first > last,
            _ => true,
        };
        if is_behind(others, &self) {
            return self.followed_by(others);
        }
        if is_behind(&self, others) {
            return others.clone().followed_by(&self);
        }
        let mut both = Self::default();
        let (mut a, mut b) = (0, 0);
        while a < self.len() || b < others.len() {
            let (mine, theirs) = (self.bars.times.get(a), others.bars.times.get(b));
            if mine.is_some_and(|mine| theirs.is_none_or(|theirs| mine <= theirs)) {
                b += usize::from(mine == theirs);
                both.push(&self, a);
                a += 1;
            } else {
                both.push(others, b);
                b += 1;
            }
        }
        both
    }

    fn push(&mut self, from: &Self, at: usize) {
        self.bars.push(from.bars.bar(at));
        self.bases.push(from.bases[at]);
    }

    fn followed_by(mut self, later: &Self) -> Self {
        self.append(later);
        self
    }
}
