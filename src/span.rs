//! Stretches of time and what can be done with them: the arithmetic under coverage.
//!
//! A span is half open: it holds its start and not its end, so two neighbours never overlap and
//! never leave a gap. Nothing here knows of bars, sessions or providers.

use std::time::Duration;

use crate::time::Timestamp;

/// A stretch of time from `start` up to, but not at, `end`.
///
/// Invariant: `start < end`. An empty stretch is no span.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    start: Timestamp,
    end: Timestamp,
}

impl Span {
    /// The stretch between two instants; none if it is empty.
    pub fn new(start: Timestamp, end: Timestamp) -> Option<Self> {
        (start < end).then_some(Self { start, end })
    }

    /// Its first instant.
    pub fn start(self) -> Timestamp {
        self.start
    }

    /// The first instant after it.
    pub fn end(self) -> Timestamp {
        self.end
    }

    /// How long it is.
    pub fn length(self) -> Duration {
        self.end.since(self.start)
    }

    /// Whether an instant lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }

    /// What both have in common, if anything.
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.start.max(other.start), self.end.min(other.end))
    }
}

/// A set of instants, as the fewest spans that hold them.
///
/// Invariant: in order of time, and between two of them there is an instant that is in neither.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// No instant at all.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The spans, in order of time.
    pub fn iter(&self) -> std::slice::Iter<'_, Span> {
        self.0.iter()
    }

    /// Whether there is no instant in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many spans there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds the instants of a span.
    pub fn insert(&mut self, span: Span) {
        // Those that touch it are one with it.
        let from = self.0.partition_point(|held| held.end < span.start);
        let to = self.0.partition_point(|held| held.start <= span.end);
        let joined = self.0[from..to].iter().fold(span, |joined, held| Span {
            start: joined.start.min(held.start),
            end: joined.end.max(held.end),
        });
        self.0.splice(from..to, [joined]);
    }

    /// The instants that are in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.iter().chain(other).copied().collect()
    }

    /// The instants that are in this and not in the other.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for span in self {
            let mut start = span.start;
            for taken in other.overlapping(*span) {
                left.extend(Span::new(start, taken.start));
                start = taken.end;
            }
            left.extend(Span::new(start, span.end));
        }
        Self(left)
    }

    /// The instants that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let common = |span: &Span| {
            let span = *span;
            other.overlapping(span).iter().filter_map(move |held| held.intersection(span))
        };
        Self(self.iter().flat_map(common).collect())
    }

    /// Whether an instant is in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        let next = self.0.partition_point(|held| held.end <= at);
        self.0.get(next).is_some_and(|held| held.contains(at))
    }

    /// Whether every instant of a span is in it.
    pub fn covers(&self, span: Span) -> bool {
        match self.overlapping(span) {
            [held] => held.start <= span.start && span.end <= held.end,
            _ => false,
        }
    }

    /// From the first to the last of its instants; none if there is none.
    pub fn bounds(&self) -> Option<Span> {
        Span::new(self.0.first()?.start, self.0.last()?.end)
    }

    /// The spans that have an instant in common with this one.
    fn overlapping(&self, span: Span) -> &[Span] {
        let from = self.0.partition_point(|held| held.end <= span.start);
        let to = self.0.partition_point(|held| held.start < span.end);
        &self.0[from..to]
    }
}

/// In any order, whether or not they overlap.
impl FromIterator<Span> for Spans {
    fn from_iter<I: IntoIterator<Item = Span>>(spans: I) -> Self {
        let mut all: Vec<Span> = spans.into_iter().collect();
        all.sort_unstable();
        let mut joined: Vec<Span> = Vec::with_capacity(all.len());
        for span in all {
            match joined.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => joined.push(span),
            }
        }
        Self(joined)
    }
}

/// The instants of one span.
impl From<Span> for Spans {
    fn from(span: Span) -> Self {
        Self(vec![span])
    }
}

impl<'a> IntoIterator for &'a Spans {
    type Item = &'a Span;
    type IntoIter = std::slice::Iter<'a, Span>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
