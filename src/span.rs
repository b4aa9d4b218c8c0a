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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Instants are small here, so that a set can be written down one by one.
    const INSTANTS: i64 = 24;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn span(start: i64, end: i64) -> Span {
        Span::new(at(start), at(end)).unwrap()
    }

    fn any_span() -> impl Strategy<Value = Span> {
        (0..INSTANTS - 1)
            .prop_flat_map(|start| (Just(start), start + 1..INSTANTS))
            .prop_map(|(start, end)| span(start, end))
    }

    fn any_spans() -> impl Strategy<Value = Vec<Span>> {
        proptest::collection::vec(any_span(), 0..6)
    }

    /// The instants of spans, one by one.
    fn instants<'a>(spans: impl IntoIterator<Item = &'a Span>) -> BTreeSet<i64> {
        spans.into_iter().flat_map(|span| span.start.as_ms()..span.end.as_ms()).collect()
    }

    /// A set as the fewest spans, from its instants.
    fn fewest(instants: &BTreeSet<i64>) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for ms in instants {
            match spans.last_mut() {
                Some(last) if last.end == at(*ms) => last.end = at(ms + 1),
                _ => spans.push(span(*ms, ms + 1)),
            }
        }
        spans
    }

    #[test]
    fn an_empty_stretch_is_no_span() {
        assert_eq!(Span::new(at(5), at(5)), None);
        assert_eq!(Span::new(at(6), at(5)), None);
        assert_eq!(span(1, 5).intersection(span(5, 9)), None, "neighbours never overlap");
        assert_eq!(span(1, 5).length(), Duration::from_millis(4));
    }

    #[test]
    fn neighbours_are_one_span() {
        let mut spans = Spans::new();
        for (start, end) in [(0, 2), (8, 9), (4, 6), (2, 4)] {
            spans.insert(span(start, end));
        }
        assert_eq!(spans.0, [span(0, 6), span(8, 9)]);
        assert_eq!((spans.len(), spans.bounds()), (2, Some(span(0, 9))));
        assert_eq!(Spans::new().bounds(), None);
    }

    proptest! {
        #[test]
        fn spans_are_a_set_of_instants(a in any_spans(), b in any_spans(), one in any_span()) {
            let (x, y): (Spans, Spans) = (a.iter().copied().collect(), b.iter().copied().collect());
            let (p, q) = (instants(&a), instants(&b));
            prop_assert_eq!(&x.0, &fewest(&p), "joined from any order");
            prop_assert_eq!(x.union(&y).0, fewest(&(&p | &q)));
            prop_assert_eq!(x.minus(&y).0, fewest(&(&p - &q)));
            prop_assert_eq!(x.intersection(&y).0, fewest(&(&p & &q)));
            let mut inserted = x.clone();
            inserted.insert(one);
            prop_assert_eq!(inserted.0, fewest(&(&p | &instants([&one]))));
            prop_assert_eq!(x.covers(one), instants([&one]).is_subset(&p));
            for ms in -1..=INSTANTS {
                prop_assert_eq!(x.contains(at(ms)), p.contains(&ms), "{}", ms);
            }
            let bounds = p.first().zip(p.last()).map(|(first, last)| span(*first, last + 1));
            prop_assert_eq!(x.bounds(), bounds);
            prop_assert_eq!(x.is_empty(), p.is_empty());
        }
    }
}
