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
    /// Whether some of it came out of a file, and not from the provider.
    pub is_imported: bool,
    /// Whether nothing is said of splits and dividends in it.
    pub is_silent: bool,
}

impl Covered {
    /// What both say, of two that touch.
    fn joined(self, next: Self) -> Option<Self> {
        Some(Self {
            span: Span::new(self.span.start(), next.span.end())?,
            is_empty: self.is_empty && next.is_empty,
            fetched_at: self.fetched_at.max(next.fetched_at),
            is_imported: self.is_imported || next.is_imported,
            is_silent: self.is_silent || next.is_silent,
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
        let row = Covered { span, is_empty, fetched_at: at, is_imported: false, is_silent: false };
        self.take(row);
    }

    /// From now on this is known of a span; what was known of it is replaced.
    pub fn take(&mut self, row: Covered) {
        self.replace(row.span, Some(row));
        self.join();
    }

    /// Whether some of what is known of a span came out of a file.
    pub fn is_imported(&self, span: Span) -> bool {
        let overlaps = |row: &&Covered| row.span.intersection(span).is_some();
        self.0.iter().filter(overlaps).any(|row| row.is_imported)
    }

    /// From now on nothing is known of a span.
    pub fn forget(&mut self, span: Span) {
        self.replace(span, None);
    }

    /// Everything that is known.
    pub fn spans(&self) -> Spans {
        self.0.iter().map(|row| row.span).collect()
    }

    /// Of which spans it is said what was split and paid out.
    pub fn told(&self) -> Spans {
        self.0.iter().filter(|row| !row.is_silent).map(|row| row.span).collect()
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
            let of = |row: &Covered| (row.is_empty, row.fetched_at, row.is_imported, row.is_silent);
            let is_same = of(row) == of(next);
            match row.joined(*next).filter(|_| is_same && touch(row, next)) {
                Some(joined) => *row = joined,
                None => return false,
            }
            true
        });
        while self.0.len() > MOST_ROWS {
            // The shortest first: what is joined counts as fetched when the later of both was, and a
            // long history that was fetched at once must not become as young as each day behind it.
            // What holds bars is joined to what holds none after the others, since that there is none
            // is lost by it, but before the later half of what was fetched.
            let mut fetched: Vec<Timestamp> = self.0.iter().map(|row| row.fetched_at).collect();
            let (_, &mut middle, _) = fetched.select_nth_unstable(MOST_ROWS / 2);
            let pairs = self.0.windows(2).enumerate().filter_map(|(at, pair)| match pair {
                [row, next] if touch(row, next) => {
                    let fetched_at = row.fetched_at.max(next.fetched_at);
                    let differs = row.is_empty != next.is_empty;
                    let length = next.span.end().since(row.span.start());
                    Some((fetched_at > middle, differs, length, at))
                }
                _ => None,
            });
            let Some((.., at)) = pairs.min() else { return };
            let Some(joined) = self.0[at].joined(self.0[at + 1]) else { return };
            self.0.splice(at..at + 2, [joined]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const INSTANTS: i64 = 30;

    #[test]
    fn a_history_that_grows_by_the_day_is_known_since_it_was_fetched() {
        let mut coverage = Coverage::default();
        coverage.learn(span(0, 5_000), &[1], at(5_000));
        for day in 5_000..6_000 {
            coverage.learn(span(day, day + 1), &[day], at(day + 1));
        }
        assert!(coverage.rows().len() <= MOST_ROWS);
        for then in [5_000, 5_300, 5_700, 5_980] {
            let known = coverage.known_at(at(then)).bounds().unwrap();
            assert!(known.start() == at(0) && known.end() > at(then - 100), "{then}: {known:?}");
            assert!(known.end() <= at(then), "{then}: {known:?}");
        }
    }

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn span(start: i64, end: i64) -> Span {
        Span::new(at(start), at(end)).unwrap()
    }

    fn held(start: i64, end: i64, fetched: i64) -> Covered {
        Covered {
            span: span(start, end),
            is_empty: false,
            fetched_at: at(fetched),
            is_imported: false,
            is_silent: false,
        }
    }

    /// What is known of every instant: since when, and whether it is empty.
    type Naive = Vec<Option<(i64, bool)>>;

    fn naive(coverage: &Coverage, instants: i64) -> Naive {
        let known = |ms: i64| {
            let mut rows = coverage.rows().iter().filter(|row| row.span.contains(at(ms)));
            let row = rows.next()?;
            assert!(rows.next().is_none(), "two rows hold {ms}");
            Some((row.fetched_at.as_ms(), row.is_empty))
        };
        (0..instants).map(known).collect()
    }

    fn paint(naive: &mut Naive, over: Span, known: Option<(i64, bool)>) {
        for (at, place) in (0..).zip(naive.iter_mut()) {
            if over.contains(Timestamp::from_ms(at)) {
                *place = known;
            }
        }
    }

    fn any_span(instants: i64) -> impl Strategy<Value = Span> {
        (0..instants - 1, 1..6_i64).prop_map(move |(start, length)| span(start, start + length))
    }

    fn any_row() -> impl Strategy<Value = Covered> {
        let fields = (any_span(INSTANTS), any::<bool>(), 0..6_i64);
        fields.prop_map(|(span, is_empty, ms)| {
            let (fetched_at, is_imported) = (at(ms), false);
            Covered { span, is_empty, fetched_at, is_imported, is_silent: false }
        })
    }

    /// Something is learnt of a span, with bars at these times, at an instant; or it is forgotten.
    fn any_step(instants: i64) -> impl Strategy<Value = (Span, Vec<i64>, Option<i64>)> {
        let times = proptest::collection::vec(0..instants, 0..3);
        (any_span(instants), times, proptest::option::weighted(0.8, 0..6_i64))
    }

    #[test]
    fn what_is_learnt_replaces_what_was_known() {
        let mut coverage = Coverage::default();
        coverage.learn(span(0, 10), &[3], at(100));
        coverage.learn(span(4, 6), &[3], at(200));
        let empty = Covered { is_empty: true, ..held(4, 6, 200) };
        let rows = [held(0, 4, 100), empty, held(6, 10, 100)];
        assert_eq!(coverage.rows(), rows);
        assert_eq!(coverage.fetched_at(span(4, 7)), Some(at(100)));
        assert_eq!(coverage.fetched_at(span(5, 6)), Some(at(200)));
        assert_eq!(coverage.fetched_at(span(10, 11)), None);
        assert_eq!(coverage.known_at(at(199)), [span(0, 4), span(6, 10)].into_iter().collect());
        assert_eq!(coverage.known_at(at(200)), Spans::from(span(0, 10)));
        coverage.learn(span(4, 6), &[5], at(100));
        assert_eq!(coverage.rows(), [held(0, 10, 100)], "neighbours that say the same");
        coverage.forget(span(0, 20));
        assert!(coverage.is_empty());
    }

    #[test]
    fn a_series_extended_daily_for_twenty_years_keeps_few_rows() {
        let mut coverage = Coverage::default();
        for day in 0..7300 {
            // Now and then somebody looks in the morning, and nothing has come.
            let times: &[i64] = if day % 50 == 7 { &[] } else { &[day] };
            coverage.learn(span(day, day + 1), times, at(day + 1));
        }
        assert_eq!(coverage.rows().len(), MOST_ROWS);
        assert_eq!(coverage.spans(), Spans::from(span(0, 7300)));
        assert_eq!(coverage.rows().last(), Some(&held(7299, 7300, 7300)));
        assert_eq!(coverage.known_at(at(7290)), Spans::from(span(0, 7290)));
        let again = Coverage::from_rows(coverage.rows().iter().copied());
        assert_eq!(again, coverage, "what is stored reads back");
    }

    #[test]
    fn islands_are_never_forgotten_nor_joined_over_what_is_unknown() {
        let mut coverage = Coverage::default();
        for island in 0..200 {
            coverage.learn(span(2 * island, 2 * island + 1), &[], at(island));
        }
        assert_eq!(coverage.spans().len(), 200);
    }

    proptest! {
        #[test]
        fn coverage_is_what_was_said_last_of_every_instant(
            steps in proptest::collection::vec(any_step(INSTANTS), 0..12),
        ) {
            let (mut coverage, mut model) = (Coverage::default(), vec![None; 36]);
            for (over, times, fetched) in steps {
                let has_bar = times.iter().any(|ms| over.contains(at(*ms)));
                paint(&mut model, over, fetched.map(|fetched| (fetched, !has_bar)));
                match fetched {
                    Some(fetched) => coverage.learn(over, &times, at(fetched)),
                    None => coverage.forget(over),
                }
                prop_assert_eq!(naive(&coverage, 36), model.clone());
                // In order, and no row could be joined to the next.
                for pair in coverage.rows().windows(2) {
                    prop_assert!(pair[0].span.end() <= pair[1].span.start());
                    let says = |row: &Covered| (row.is_empty, row.fetched_at);
                    let touch = pair[0].span.end() == pair[1].span.start();
                    prop_assert!(!touch || says(&pair[0]) != says(&pair[1]));
                }
            }
            for limit in 0..6 {
                let known = coverage.known_at(at(limit));
                for (ms, known_since) in (0..).zip(&model) {
                    let is_known = known_since.is_some_and(|(since, _)| since <= limit);
                    prop_assert_eq!(known.contains(at(ms)), is_known);
                }
            }
        }

        #[test]
        fn rows_in_any_order_say_what_was_fetched_last(
            rows in proptest::collection::vec(any_row(), 0..12).prop_shuffle(),
        ) {
            let mut model: Naive = vec![None; 36];
            for row in &rows {
                for (ms, place) in (0..).zip(model.iter_mut()) {
                    // The later one; of two at once, the one that may hold bars.
                    let said = (row.fetched_at.as_ms(), row.is_empty);
                    let wins = |held: (i64, bool)| (held.0, !held.1) < (said.0, !said.1);
                    if row.span.contains(at(ms)) && place.is_none_or(wins) {
                        *place = Some(said);
                    }
                }
            }
            let coverage = Coverage::from_rows(rows.iter().copied());
            prop_assert_eq!(naive(&coverage, 36), model);
            let reversed = Coverage::from_rows(rows.into_iter().rev());
            prop_assert_eq!(&reversed, &coverage);
            prop_assert_eq!(&Coverage::from_rows(coverage.rows().iter().copied()), &coverage);
        }

        #[test]
        fn many_rows_are_joined_without_saying_that_more_was_known_before(
            steps in proptest::collection::vec((any_span(400), 0..400_i64), 0..300),
        ) {
            let (mut coverage, mut model) = (Coverage::default(), vec![None; 406]);
            for (over, ms) in steps {
                coverage.learn(over, &[ms], at(ms));
                paint(&mut model, over, Some((ms, !over.contains(at(ms)))));
            }
            for (known, model) in naive(&coverage, 406).iter().zip(&model) {
                prop_assert_eq!(known.is_some(), model.is_some());
                let (Some((since, is_empty)), Some((naive_since, naive_empty))) = (known, model) else {
                    continue;
                };
                prop_assert!(since >= naive_since);
                prop_assert!(!is_empty || *naive_empty);
            }
            let touching = coverage.rows().windows(2).any(|pair| {
                pair[0].span.end() == pair[1].span.start()
            });
            prop_assert!(coverage.rows().len() <= MOST_ROWS || !touching);
        }
    }
}
