//! Which requests fill what is missing of a series.
//!
//! It counts requests and nothing else: who asks, and when, is decided elsewhere. What is held is
//! asked for again only where that saves a request, and no more than a few bars of it.

use std::time::Duration;

use crate::market::{Interval, Reach};
use crate::span::{Span, Spans};
use crate::time::Timestamp;

const MINUTE_MS: i64 = 60_000;

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
        let longest = self.longest();
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

    /// The longest span that one request may ask for: at least one bar.
    fn longest(&self) -> Duration {
        /// A day at most: it is the exchange's, and a little shorter or longer than this at times.
        const DAY: Duration = Duration::from_hours(24);
        let bar = self.interval.duration().unwrap_or(DAY);
        let rows = self.reach.rows.map_or(Duration::MAX, |rows| bar.saturating_mul(rows));
        self.reach.per_call.unwrap_or(Duration::MAX).min(rows).max(bar)
    }
}
