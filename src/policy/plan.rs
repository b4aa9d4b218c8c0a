//! Which requests fill what is missing of a series.
//!
//! It counts requests and nothing else: who asks, and when, is decided elsewhere. What is held is
//! asked for again only where that saves a request, and no more than a few bars of it.

use std::time::Duration;

use crate::market::{Interval, Reach};
use crate::span::{Span, Spans};
use crate::time::Timestamp;

const MINUTE_MS: i64 = 60_000;

/// How series are filled, and when their bars are final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesRules {
    /// Two holes are asked for at once if no more bars than this are held between them.
    pub join_gap: u32,
    /// For how long after the next session has opened a day may still be corrected.
    pub late_correction: Duration,
}

/// What is shipped.
impl Default for SeriesRules {
    fn default() -> Self {
        Self { join_gap: 10, late_correction: Duration::from_hours(24) }
    }
}

/// What is wanted of a series, what is held of it, and what its provider gives.
#[derive(Clone, Copy)]
pub struct Want<'a> {
    /// When the bars begin that are wanted.
    pub wanted: Span,
    /// What need not be asked for.
    pub held: &'a Spans,
    /// How long a bar is; weeks and months are asked for as days.
    pub interval: Interval,
    /// What the provider gives.
    pub reach: Reach,
    /// Two holes are asked for at once if no more bars than this are held between them.
    pub join_gap: u32,
    /// The instant of asking.
    pub now: Timestamp,
    /// How many bars are held in a span.
    pub bars_held: &'a dyn Fn(Span) -> usize,
    /// Whether a bar can begin in a span at all.
    pub could_begin: &'a dyn Fn(Span) -> bool,
}

/// What is missing and can be asked for, and what is missing and cannot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The fewest spans that hold what can be asked for, oldest first, each for one request.
    pub pieces: Vec<Span>,
    /// What the provider does not give any more.
    pub out_of_reach: Spans,
}

/// Some of what is missing is older than what the provider gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOld {
    /// From when on it gives something, in whole minutes.
    pub earliest: Timestamp,
}

/// What is wanted and not held, without what can hold no bar.
pub fn holes(wanted: Span, held: &Spans, could_begin: &dyn Fn(Span) -> bool) -> Spans {
    if held.covers(wanted) {
        return Spans::new();
    }
    let missing = Spans::from(wanted).minus(held);
    missing.iter().copied().filter(|hole| could_begin(*hole)).collect()
}

impl Want<'_> {
    /// What is missing.
    pub fn holes(&self) -> Spans {
        holes(self.wanted, self.held, self.could_begin)
    }

    /// The requests for all that is missing, unless some of it cannot be had.
    pub fn whole(&self) -> Result<Vec<Span>, TooOld> {
        let plan = self.partial();
        match self.earliest() {
            Some(earliest) if !plan.out_of_reach.is_empty() => Err(TooOld { earliest }),
            _ => Ok(plan.pieces),
        }
    }

    /// The requests for what is missing and can be had, and what cannot.
    pub fn partial(&self) -> Plan {
        let holes = self.holes();
        let (near, far) = match self.reach.back.zip(self.earliest()) {
            None => (holes, Spans::new()),
            Some((back, earliest)) => self.within(&holes, self.now - back, earliest),
        };
        Plan { pieces: self.pieces(&near), out_of_reach: far }
    }

    /// From when on the provider gives something, rounded up to a whole minute; none if it gives
    /// everything.
    pub fn earliest(&self) -> Option<Timestamp> {
        let oldest = (self.now - self.reach.back?).as_ms();
        let minutes = oldest.div_euclid(MINUTE_MS) + i64::from(oldest.rem_euclid(MINUTE_MS) > 0);
        Some(Timestamp::from_ms(minutes.saturating_mul(MINUTE_MS)))
    }

    /// The holes that begin within reach, or what of them does, and what is left of the others.
    fn within(&self, holes: &Spans, oldest: Timestamp, earliest: Timestamp) -> (Spans, Spans) {
        let could = |span: &Span| (self.could_begin)(*span);
        let (mut near, mut far) = (Spans::new(), Spans::new());
        for hole in holes {
            if hole.start() >= oldest {
                near.insert(*hole);
                continue;
            }
            let before = Span::new(hole.start(), hole.end().min(earliest));
            if let Some(before) = before.filter(could) {
                far.insert(before);
            }
            if let Some(after) = Span::new(hole.start().max(earliest), hole.end()).filter(could) {
                near.insert(after);
            }
        }
        (near, far)
    }

    /// The fewest spans that hold these holes. One that begins where the last one ended, and goes as
    /// far as it may, leaves no more to the others than any other choice.
    fn pieces(&self, holes: &Spans) -> Vec<Span> {
        let longest = self.reach.longest(self.interval);
        let mut pieces = Vec::new();
        let mut left = holes.iter().copied().peekable();
        let mut rest = left.next();
        while let Some(hole) = rest {
            let limit = hole.start() + longest;
            let mut end = hole.end().min(limit);
            // A piece of a hole may be a weekend, though all of it is not.
            let is_needed = Span::new(hole.start(), end).is_some_and(self.could_begin);
            rest = Span::new(end, hole.end());
            while rest.is_none() {
                rest = left.next();
                let Some(next) = rest.filter(|next| is_needed && self.joins(end, *next, limit))
                else {
                    break;
                };
                end = next.end().min(limit);
                rest = Span::new(end, next.end());
            }
            pieces.extend(Span::new(hole.start(), end).filter(|_| is_needed));
        }
        pieces
    }

    /// Whether a piece that must end at a limit goes on into the next hole.
    fn joins(&self, end: Timestamp, next: Span, limit: Timestamp) -> bool {
        let few =
            |gap| (self.bars_held)(gap) <= usize::try_from(self.join_gap).unwrap_or(usize::MAX);
        next.start() < limit && Span::new(end, next.start()).is_none_or(few)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// The instants of these tests are minutes.
    fn at(minute: i64) -> Timestamp {
        Timestamp::from_ms(minute * MINUTE_MS)
    }

    fn span(start: i64, end: i64) -> Span {
        Span::new(at(start), at(end)).unwrap()
    }

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(minutes * 60)
    }

    fn spans(all: &[(i64, i64)]) -> Spans {
        all.iter().map(|(start, end)| span(*start, *end)).collect()
    }

    fn listed(all: &[(i64, i64)]) -> Vec<Span> {
        all.iter().map(|(start, end)| span(*start, *end)).collect()
    }

    /// A bar is held in every minute of what is held.
    fn bars(held: &Spans) -> impl Fn(Span) -> usize {
        move |over| {
            let common = Spans::from(over).intersection(held);
            common.iter().map(|span| usize::try_from(span.length().as_secs() / 60).unwrap()).sum()
        }
    }

    fn want<'a>(wanted: Span, held: &'a Spans, bars_held: &'a dyn Fn(Span) -> usize) -> Want<'a> {
        Want {
            wanted,
            held,
            interval: Interval::Minute1,
            reach: Reach::default(),
            join_gap: 0,
            now: at(100),
            bars_held,
            could_begin: &|_| true,
        }
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let held = spans(&[(5, 8), (12, 20)]);
        let bars = bars(&held);
        for (from, to, pieces) in [
            (5, 8, &[][..]),
            (0, 30, &[(0, 5), (8, 12), (20, 30)]),
            (6, 15, &[(8, 12)]),
            (18, 25, &[(20, 25)]),
        ] {
            let want = want(span(from, to), &held, &bars);
            assert_eq!(want.whole(), Ok(listed(pieces)), "{from} to {to}");
        }
    }

    #[test]
    fn holes_are_joined_over_a_few_bars() {
        let held = spans(&[(5, 8), (12, 20)]);
        let bars = bars(&held);
        for (join_gap, pieces) in
            [(2, &[(0, 5), (8, 12), (20, 30)][..]), (3, &[(0, 12), (20, 30)]), (8, &[(0, 30)])]
        {
            let want = Want { join_gap, ..want(span(0, 30), &held, &bars) };
            assert_eq!(want.whole(), Ok(listed(pieces)), "{join_gap}");
        }
    }

    #[test]
    fn joining_never_costs_a_request() {
        // Joined they are 22 minutes, which takes three requests of ten.
        let held = spans(&[(10, 12)]);
        let bars = bars(&held);
        let reach = Reach { per_call: Some(minutes(10)), ..Reach::default() };
        let want = Want { join_gap: 10, reach, ..want(span(0, 22), &held, &bars) };
        assert_eq!(want.whole(), Ok(listed(&[(0, 10), (12, 22)])));
    }

    #[test]
    fn requests_are_as_long_as_the_provider_allows() {
        let held = Spans::new();
        let bars = bars(&held);
        let whole = |interval, per_call, rows, to| {
            let reach = Reach { per_call, rows, ..Reach::default() };
            Want { interval, reach, ..want(span(0, to), &held, &bars) }.whole().unwrap()
        };
        let five = whole(Interval::Minute5, Some(minutes(60)), Some(4), 50);
        assert_eq!(five, listed(&[(0, 20), (20, 40), (40, 50)]), "four bars of five minutes");
        let hour = whole(Interval::Minute5, Some(minutes(30)), Some(1000), 50);
        assert_eq!(hour, listed(&[(0, 30), (30, 50)]), "half an hour");
        let day = 24 * 60;
        for interval in [Interval::Day1, Interval::Week1, Interval::Month1] {
            let days = whole(interval, None, Some(2), 3 * day);
            assert_eq!(days, listed(&[(0, 2 * day), (2 * day, 3 * day)]), "a row a day");
        }
        let nonsense = whole(Interval::Minute1, Some(Duration::ZERO), Some(0), 2);
        assert_eq!(nonsense, listed(&[(0, 1), (1, 2)]), "a bar is the least");
    }

    #[test]
    fn where_no_bar_can_begin_nothing_is_asked() {
        // Closed from 10 to 20.
        let open = |span: Span| span.start() < at(10) || at(20) < span.end();
        let held = spans(&[(0, 10)]);
        let bars = bars(&held);
        let asked = |from, to, per_call| {
            let reach = Reach { per_call, ..Reach::default() };
            let want = want(span(from, to), &held, &bars);
            Want { could_begin: &open, reach, ..want }.whole().unwrap()
        };
        assert_eq!(asked(5, 20, None), []);
        assert_eq!(asked(5, 21, None), listed(&[(10, 21)]));
        let short = asked(5, 25, Some(minutes(4)));
        assert_eq!(short, listed(&[(18, 22), (22, 25)]), "a piece of a hole may be closed too");
    }

    #[test]
    fn what_is_too_old_names_the_earliest_start() {
        let held = spans(&[(40, 50)]);
        let bars = bars(&held);
        let reach = Reach { back: Some(minutes(50)), ..Reach::default() };
        let now = at(100) + Duration::from_millis(1);
        let want = |from, to| Want { reach, now, ..want(span(from, to), &held, &bars) };
        assert_eq!(want(45, 100).whole(), Err(TooOld { earliest: at(51) }));
        assert_eq!(want(51, 100).whole(), Ok(listed(&[(51, 100)])));
        assert_eq!(want(40, 50).whole(), Ok(vec![]), "what is held is never too old");
        let both = want(30, 100).partial();
        assert_eq!(both.pieces, listed(&[(51, 100)]));
        assert_eq!(both.out_of_reach, spans(&[(30, 40), (50, 51)]));
        let closed = |span: Span| span.end() > at(60);
        let quiet = Want { could_begin: &closed, ..want(45, 100) };
        assert_eq!(quiet.whole(), Ok(listed(&[(51, 100)])), "nothing is lost with a weekend");
        // A start within reach is not moved to the minute.
        let start = now - minutes(50) + Duration::from_secs(1);
        let wanted = Span::new(start, at(100)).unwrap();
        assert_eq!(Want { wanted, ..want(50, 100) }.whole(), Ok(vec![wanted]));
    }

    #[test]
    fn all_of_time_is_planned_without_overflow() {
        let wanted = Span::new(Timestamp::from_ms(i64::MIN), Timestamp::NEVER).unwrap();
        let held = Spans::new();
        let bars = bars(&held);
        let reach = Reach { rows: Some(u32::MAX), ..Reach::default() };
        let all = Want { reach, interval: Interval::Day1, ..want(wanted, &held, &bars) };
        assert_eq!(all.whole().unwrap().first().map(|piece| piece.start()), Some(wanted.start()));
        let back = Reach { back: Some(Duration::MAX), ..reach };
        assert!(!Want { reach: back, ..all }.partial().pieces.is_empty());
    }

    /// The fewest requests that hold all holes, by trying every set of allowed requests.
    fn fewest(holes: &BTreeSet<i64>, end: i64, longest: i64, join_gap: usize) -> usize {
        // A request may hold at most `join_gap` instants in a row that are in no hole.
        let is_allowed = |from: i64, to: i64| {
            let inner: Vec<bool> = (from..to).map(|at| holes.contains(&at)).collect();
            to - from <= longest
                && inner.first() == Some(&true)
                && inner.last() == Some(&true)
                && inner.split(|is_hole| *is_hole).all(|run| run.len() <= join_gap)
        };
        let mut reached = BTreeSet::from([BTreeSet::new()]);
        for requests in 0.. {
            if reached.contains(holes) {
                return requests;
            }
            let mut next = BTreeSet::new();
            for held in &reached {
                for from in 0..end {
                    for to in (from + 1..=end).filter(|to| is_allowed(from, *to)) {
                        let filled = (from..to).filter(|at| holes.contains(at));
                        next.insert(held.iter().copied().chain(filled).collect());
                    }
                }
            }
            reached = next;
        }
        unreachable!()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn no_other_choice_of_requests_is_fewer(
            missing in proptest::collection::vec(any::<bool>(), 9),
            longest in 1..7_i64,
            join_gap in 0..4_usize,
        ) {
            let end = i64::try_from(missing.len()).unwrap();
            let holes: BTreeSet<i64> =
                (0..end).zip(&missing).filter(|(_, is_missing)| **is_missing).map(|(at, _)| at).collect();
            let wanted = span(0, end);
            let lacking: Spans = holes.iter().map(|at| span(*at, at + 1)).collect();
            let held = Spans::from(wanted).minus(&lacking);
            let bars = bars(&held);
            let per_call = minutes(u64::try_from(longest).unwrap());
            let want = Want {
                reach: Reach { per_call: Some(per_call), ..Reach::default() },
                join_gap: u32::try_from(join_gap).unwrap(),
                ..want(wanted, &held, &bars)
            };
            let pieces = want.whole().unwrap();
            prop_assert_eq!(pieces.len(), fewest(&holes, end, longest, join_gap));
            // Each is allowed, they are in order, and nothing is left.
            let filled: Spans = pieces.iter().copied().collect();
            prop_assert!(lacking.minus(&filled).is_empty());
            prop_assert!(pieces.windows(2).all(|pair| pair[0].end() <= pair[1].start()));
            for piece in &pieces {
                prop_assert!(piece.length() <= per_call);
                for kept in &Spans::from(*piece).minus(&lacking) {
                    prop_assert!(bars(*kept) <= join_gap);
                }
                prop_assert!(lacking.contains(piece.start()), "nothing held is asked for first");
                let last = piece.end() - minutes(1);
                prop_assert!(lacking.contains(last), "nor last");
            }
        }
    }
}
