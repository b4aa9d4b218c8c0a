//! What upstream had nothing for, although there was a session: it is believed, and so final, but it is
//! asked for again by who wants everything anew; what comes of it beside something else is kept; and
//! once, it is said.
//!
//! A halt looks like that, and so does an answer that was cut short ([`policy::hollow`]).
//!
//! [`policy::hollow`]: crate::policy::hollow

use std::time::Duration;

use super::fill::{Came, Fill, Load};
use super::flight::Leg;
use crate::cache::{Cache, Question};
use crate::calendar::Date;
use crate::market::Page;
use crate::policy::hollow::{hollow, of_dates};
use crate::policy::{Finality, Want};
use crate::span::{Span, Spans};
use crate::tier::series::{Superseded, Version};
use crate::time::Timestamp;
use crate::warning::Warning;

/// No date is longer, with the hours that clocks are put back by.
const A_DATE: Duration = Duration::from_hours(48);

/// How far behind what has come to be known a bar is looked for that shows that it goes on.
const NEAR: Duration = Duration::from_hours(10 * 24);

impl Cache {
    /// Decides what is asked for again of what upstream had nothing for.
    pub(super) fn doubt(&self, question: &Question, leg: &mut Leg) {
        let (Some(slice), Some(provider)) = (&question.slice, question.providers.first()) else {
            return;
        };
        let finality = self.finality(question, slice, provider, &leg.known);
        let load = |refs: &_| self.chunks(question, provider, refs);
        for span in &leg.wanted() {
            leg.hollow = leg.hollow.union(&leg.fill.hollow(*span, &finality, &load));
        }
    }

    /// Which sessions upstream had nothing for.
    pub(super) fn gaps(&self, question: &Question, leg: &mut Leg) -> Vec<Date> {
        let (Some(slice), Some(provider)) = (&question.slice, question.providers.first()) else {
            return Vec::new();
        };
        let finality = self.finality(question, slice, provider, &leg.known);
        leg.fill.sessions_without(&finality, &|refs: &_| self.chunks(question, provider, refs))
    }

    /// Says which sessions upstream had nothing for.
    pub(super) fn is_hollow(&self, question: &Question, leg: &Leg) -> Option<Warning> {
        Some(Warning::Hollow {
            symbol: question.symbol.to_string(),
            provider: question.providers.first()?.to_string(),
            sessions: leg.gaps.len(),
            exchange: self.rules.exchange(&question.key, &leg.known)?.to_string(),
            first: leg.gaps.first()?.to_string(),
            last: leg.gaps.last()?.to_string(),
        })
    }
}

/// What is known anew since there are bars where there were none.
#[derive(Debug, Default)]
pub(super) struct Reopened {
    /// Where those bars are.
    pub(super) late: Spans,
    /// From the first of them to the last.
    pub(super) anew: Spans,
    /// What was known of that.
    pub(super) gone: Vec<Superseded>,
}

impl Reopened {
    /// Whether a bar that begins at an instant was held already.
    pub(super) fn was_held(&self, at: Timestamp) -> bool {
        self.anew.contains(at) && !self.late.contains(at)
    }
}

impl Fill {
    /// Takes note that the page has bars where there were said to be none. All of the time from the first
    /// of those to the last is known anew, and what was known of it until now, as it came to be known.
    pub(super) fn reopen(&mut self, page: &Page, came: &Came<'_>) -> Reopened {
        let piece = came.piece.span;
        let settled = Span::new(piece.start(), piece.end().min(came.finality.horizon(came.at)));
        let Some(settled) = settled else { return Reopened::default() };
        let known = self.head.coverage.spans();
        let is_known = |at: &Timestamp| settled.contains(*at) && known.contains(*at);
        let times = page.bars.times.iter().map(|ms| Timestamp::from_ms(*ms));
        let times: Vec<Timestamp> = times.filter(is_known).collect();
        let (Some(first), Some(last)) = (times.first(), times.last()) else {
            return Reopened::default();
        };
        let held = self.finals(first.as_ms(), last.as_ms(), came.load);
        if times.iter().all(|at| held.bars.times.binary_search(&at.as_ms()).is_ok()) {
            return Reopened::default();
        }
        let Some(about) = Span::new(*first - A_DATE, *last + A_DATE) else {
            return Reopened::default();
        };
        let hollow = self.hollow(about, came.finality, came.load).intersection(&settled.into());
        let has_one = |span: &&Span| times.iter().any(|at| span.contains(*at));
        let late: Spans = hollow.iter().filter(has_one).copied().collect();
        let rows = self.head.coverage.rows().iter().filter(|row| !row.is_imported);
        let anew: Vec<(Span, Timestamp)> = rows
            .filter_map(|row| Some((row.span.intersection(late.bounds()?)?, row.fetched_at)))
            .collect();
        let mut reopened = Reopened { late, ..Reopened::default() };
        for (span, fetched_at) in anew {
            if fetched_at < came.at {
                let within = held.bars.within(span.start().as_ms(), span.end().as_ms());
                let version = Version { span, stretch: held.slice(within) };
                reopened.gone.push(version.superseded(fetched_at, came.at));
            }
            reopened.anew.insert(span);
            self.head.coverage.forget(span);
        }
        reopened
    }

    /// What of a span is known and holds no bar though it could: where upstream had nothing, and
    /// sessions without a bar. What came out of a file is believed, and so is that there is nothing
    /// before the first trade.
    fn hollow(&mut self, within: Span, finality: &Finality<'_>, load: Load<'_>) -> Spans {
        let first = self.head.first_trade_ms.map_or(within.start(), Timestamp::from_ms);
        let Some(within) = Span::new(within.start().max(first), within.end()) else {
            return Spans::new();
        };
        let rows = self.head.coverage.rows().iter().filter(|row| !row.is_imported);
        let (mut known, mut empty) = (Spans::new(), Spans::new());
        for (span, is_empty) in
            rows.filter_map(|row| Some((row.span.intersection(within)?, row.is_empty)))
        {
            known.insert(span);
            if is_empty {
                empty.insert(span);
            }
        }
        let held = self.finals(within.start().as_ms(), within.end().as_ms(), load);
        let dates = hollow(finality, &known, &held.bars.times);
        empty.union(&of_dates(finality, &dates).intersection(&known))
    }

    /// The dates of sessions without a bar that have come to be known as such on the way: those
    /// between bars, and after the first trade if that is known; all, if nothing but that has come.
    fn sessions_without(&mut self, finality: &Finality<'_>, load: Load<'_>) -> Vec<Date> {
        let Some(learnt) = self.learnt.bounds() else { return Vec::new() };
        let before = self.last_final_before(learnt.start()).unwrap_or(learnt.start());
        let held = self.finals(before.as_ms(), (learnt.end() + NEAR).as_ms(), load).bars.times;
        let is_new = |ms: &i64| self.learnt.contains(Timestamp::from_ms(*ms));
        let first_trade = self.head.first_trade_ms.map(|ms| ms.max(before.as_ms()));
        let between = if held.iter().any(is_new) {
            let first = first_trade.or(held.first().copied());
            first.zip(held.last()).and_then(|(first, last)| {
                Span::new(Timestamp::from_ms(first), Timestamp::from_ms(*last))
            })
        } else {
            let first = first_trade.map_or(learnt.start(), Timestamp::from_ms);
            Span::new(first.max(learnt.start()), learnt.end())
        };
        let between = between.map(Spans::from).unwrap_or_default();
        let known = self.head.coverage.spans().intersection(&between);
        let mut dates = hollow(finality, &known, &held);
        dates.retain(|date| {
            let of_date = of_dates(finality, &[*date]);
            let Some(span) = of_date.bounds() else { return false };
            let next = held.partition_point(|ms| *ms < span.end().as_ms());
            let beside = [next.checked_sub(1), Some(next)].into_iter().flatten();
            beside.filter_map(|place| held.get(place)).any(is_new)
                || !of_date.intersection(&self.learnt).is_empty()
        });
        dates
    }
}

/// The requests for what can be had of what is missing. What is asked for only because there was nothing
/// is not worth a request each: if there would be many, all of them are joined as far as they can be.
pub(super) fn part(leg: &Leg) -> impl Fn(&Want<'_>) -> Vec<Span> + '_ {
    const MANY: usize = 4;
    let has_hollow = !leg.hollow.is_empty();
    move |want| {
        let pieces = want.partial().pieces;
        if has_hollow && pieces.len() >= MANY {
            // What came out of a file may differ, and is not asked for again.
            let imported = |gap| leg.fill.head.coverage.is_imported(gap);
            let bars_held = |gap| if imported(gap) { usize::MAX } else { 0 };
            return Want { join_gap: 0, bars_held: &bars_held, ..*want }.partial().pieces;
        }
        pieces
    }
}
