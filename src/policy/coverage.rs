//! What is known of a series: the spans that are complete, and when each was fetched.
//!
//! Only spans and instants; which bars they hold is written elsewhere. It never says that something
//! was known before it was, and never forgets a span for the sake of room.

use crate::span::{Span, Spans};
use crate::time::Timestamp;

/// So many rows are kept apart. A series that is extended on every day for twenty years would have
/// thousands, in a row that is read with every answer.
const MOST_ROWS: usize = 64;

/// A span of which every bar is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// From when to when bars begin that are known.
    pub span: Span,
    /// Whether there is none.
    pub is_empty: bool,
    /// Since when that is known.
    pub fetched_at: Timestamp,
}

impl Covered {
    /// What both say, of two that touch.
    fn joined(self, next: Self) -> Option<Self> {
        Some(Self {
            span: Span::new(self.span.start(), next.span.end())?,
            is_empty: self.is_empty && next.is_empty,
            fetched_at: self.fetched_at.max(next.fetched_at),
        })
    }
}

/// The spans of a series that are known.
///
/// Invariant: in order of time, without an instant in two of them, and neighbours that say the same
/// are one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage(Vec<Covered>);

impl Coverage {
    /// What these rows say, in any order; where two overlap, the one that was fetched later holds.
    pub fn from_rows(rows: impl IntoIterator<Item = Covered>) -> Self {
        let mut rows: Vec<Covered> = rows.into_iter().collect();
        if !rows.is_sorted_by(|row, next| row.span.end() <= next.span.start()) {
            // Of two that were fetched at once, the one that may hold bars.
            rows.sort_by_key(|row| (row.fetched_at, !row.is_empty, row.span));
            let mut coverage = Self::default();
            for row in rows {
                coverage.replace(row.span, Some(row));
            }
            rows = coverage.0;
        }
        let mut coverage = Self(rows);
        coverage.join();
        coverage
    }

    /// The rows, in order of time and without overlaps.
    pub fn rows(&self) -> &[Covered] {
        &self.0
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From now on a span is known as it was at an instant, with bars that begin at these times;
    /// what was known of it is replaced.
    pub fn learn(&mut self, span: Span, times_ms: &[i64], at: Timestamp) {
        let begins = |ms: &i64| span.contains(Timestamp::from_ms(*ms));
        let is_empty = !times_ms.iter().any(begins);
        self.replace(span, Some(Covered { span, is_empty, fetched_at: at }));
        self.join();
    }

    /// From now on nothing is known of a span.
    pub fn forget(&mut self, span: Span) {
        self.replace(span, None);
    }

    /// Everything that is known.
    pub fn spans(&self) -> Spans {
        self.0.iter().map(|row| row.span).collect()
    }

    /// What was known at an instant already, and has not been fetched anew since.
    pub fn known_at(&self, at: Timestamp) -> Spans {
        self.0.iter().filter(|row| row.fetched_at <= at).map(|row| row.span).collect()
    }

    /// When the oldest of what is known of a span was fetched; none if nothing is.
    pub fn fetched_at(&self, span: Span) -> Option<Timestamp> {
        let overlapping = self.0.iter().filter(|row| row.span.intersection(span).is_some());
        overlapping.map(|row| row.fetched_at).min()
    }

    /// Puts a row in the place of all that stands in a span, whose rest keeps what it says.
    fn replace(&mut self, span: Span, row: Option<Covered>) {
        let from = self.0.partition_point(|held| held.span.end() <= span.start());
        let to = self.0.partition_point(|held| held.span.start() < span.end());
        let rest = |held: Option<&Covered>, start, end| {
            let held = held?;
            Some(Covered { span: Span::new(start, end)?, ..*held })
        };
        let overlapping = &self.0[from..to];
        let (first, last) = (overlapping.first(), overlapping.last());
        let before = first.and_then(|held| rest(first, held.span.start(), span.start()));
        let after = last.and_then(|held| rest(last, span.end(), held.span.end()));
        self.0.splice(from..to, [before, row, after].into_iter().flatten());
    }

    /// Makes one of neighbours that say the same, and keeps the number of rows small.
    fn join(&mut self) {
        let touch = |row: &Covered, next: &Covered| row.span.end() == next.span.start();
        self.0.dedup_by(|next, row| {
            let is_same = row.is_empty == next.is_empty && row.fetched_at == next.fetched_at;
            match row.joined(*next).filter(|_| is_same && touch(row, next)) {
                Some(joined) => *row = joined,
                None => return false,
            }
            true
        });
        while self.0.len() > MOST_ROWS {
            // The oldest first, and what holds bars beside what holds none at last: that there is
            // none would be lost.
            let pairs = self.0.windows(2).enumerate().filter_map(|(at, pair)| match pair {
                [row, next] if touch(row, next) => {
                    Some((row.is_empty != next.is_empty, row.fetched_at.max(next.fetched_at), at))
                }
                _ => None,
            });
            let Some((.., at)) = pairs.min() else { return };
            let Some(joined) = self.0[at].joined(self.0[at + 1]) else { return };
            self.0.splice(at..at + 2, [joined]);
        }
    }
}
