//! A page takes its place in a series.
//!
//! What is final is never replaced, and what comes over it is compared: if it differs by more than
//! the splits between both explain, upstream has restated its history, and all that is held of the
//! series is put aside. Nothing here asks or stores.

use std::collections::HashMap;

use super::hollow::Reopened;
use super::standing::is_told;
use crate::market::{Actions, Bar, Bars, Page, Run, Split, restated};
use crate::policy::Finality;
use crate::provider::Piece;
use crate::span::{Span, Spans};
use crate::tier::series::{ChunkRef, Head, Parts, Stretch, Superseded, Version, settle};
use crate::time::Timestamp;

/// Reads chunks; none for one that is missing or damaged.
pub(super) type Load<'a> = &'a dyn Fn(&[ChunkRef]) -> Vec<Option<Bars>>;

/// A series while it is filled.
#[derive(Clone, Debug, Default)]
pub(in crate::cache) struct Fill {
    /// What is known of it.
    pub(super) head: Head,
    /// When what lies behind its final bars was fetched, or, if nothing does, the last page.
    pub(super) edge_at: Option<Timestamp>,
    /// The chunks that were read or made on the way.
    pub(super) chunks: HashMap<i64, Bars>,
    /// What was asked for by now, and is not asked for again.
    pub(super) asked: Spans,
    /// What has come to be known on the way.
    pub(super) learnt: Spans,
    /// Whether all that was held has been given up: once is enough, or an upstream that says
    /// something else each time would be asked for ever.
    pub(super) has_given_up: bool,
}

/// What a page comes to.
#[derive(Debug, Default)]
pub(in crate::cache) struct Taken {
    /// What is stored beside the head.
    pub(in crate::cache) parts: Parts,
    /// Whether upstream has restated its history.
    pub(in crate::cache) is_restated: bool,
}

/// How a page came.
#[derive(Clone, Copy)]
pub(super) struct Came<'a> {
    /// What was asked for.
    pub(super) piece: &'a Piece,
    /// When.
    pub(super) at: Timestamp,
    /// Whether it goes as far as there is anything to be had.
    pub(super) is_open: bool,
    /// When bars are final.
    pub(super) finality: &'a Finality<'a>,
    /// Whether bars go into chunks: not where none are stored.
    pub(super) seals: bool,
    /// Reads chunks.
    pub(super) load: Load<'a>,
}

impl Came<'_> {
    /// The instant up to which splits and dividends are in the prices of a page.
    ///
    /// Of a page that goes as far as there is anything it is known which are in it: what is said
    /// later to have been at this morning's open is not, though that was before it came. Of any
    /// other page it is when it came.
    fn basis(&self, actions: &Actions) -> i64 {
        let at = self.at.as_ms();
        if !self.is_open {
            return at;
        }
        let last = instants(actions).filter(|ms| *ms <= at).max();
        last.unwrap_or(i64::MIN).max(self.piece.span.start().as_ms())
    }
}

impl Fill {
    /// Puts a page in its place.
    pub(super) fn take(&mut self, page: &Page, came: &Came<'_>) -> Taken {
        let mut taken = Taken::default();
        self.asked.insert(came.piece.span);
        let head = &mut self.head;
        head.currency = page.currency.clone().or(head.currency.take());
        head.exchange = page.exchange.clone().or(head.exchange.take());
        head.first_trade_ms = page.first_trade_ms.or(head.first_trade_ms);
        let known: Vec<Split> = self.head.actions.splits.iter().map(|held| held.split).collect();
        self.learn_actions(page, came);
        let basis_ms = came.basis(&self.head.actions);
        let differs = self.is_doubtful(&known) || self.is_restated(page, came, basis_ms);
        if differs && !self.has_given_up {
            taken.is_restated = true;
            taken.parts.superseded = self.give_up(came);
        }
        taken.parts.superseded.extend(self.drop_tail(came));
        let mut reopened = self.reopen(page, came);
        taken.parts.superseded.append(&mut reopened.gone);
        self.put(page, came, basis_ms, &reopened);
        if came.seals {
            self.seal(came, &mut taken.parts);
        }
        taken
    }

    /// What the page says of splits and dividends.
    fn learn_actions(&mut self, page: &Page, came: &Came<'_>) {
        let mut known = self.head.coverage.spans();
        known.insert(came.piece.span);
        let recent = &self.head.recent;
        // Only of the session before: another close says nothing of what a dividend has left.
        let before = |bars: &Bars, ms: i64| {
            let place = bars.times.partition_point(|time| *time < ms).checked_sub(1)?;
            let since = Span::new(Timestamp::from_ms(bars.times[place]), Timestamp::from_ms(ms))?;
            known.covers(since).then(|| bars.close[place])
        };
        let close = |ms: i64| before(&page.bars, ms).or_else(|| before(recent, ms));
        let span = came.piece.span.start().as_ms()..came.piece.span.end().as_ms();
        let at_ms = came.at.as_ms();
        self.head.actions.learn(&page.events, span, at_ms, &close);
        self.head.actions.complete(at_ms, &|ms| before(&page.bars, ms));
        if came.is_open {
            self.head.actions_at = Some(came.at);
        }
    }

    /// Whether it cannot be told if a split that is new is in prices that came about when it
    /// happened, on a page that did not say: providers divide prices some hours before or after they
    /// name the split.
    fn is_doubtful(&self, known: &[Split]) -> bool {
        /// From the evening before a split to that of its day, everywhere.
        const ABOUT_MS: i64 = 36 * 3_600_000;
        let head = &self.head;
        let splits = head.actions.splits.iter().map(|held| held.split);
        let new: Vec<i64> =
            splits.filter(|split| !known.contains(split)).map(|split| split.at_ms).collect();
        let runs = head.chunks.iter().flat_map(|chunk| &chunk.runs).chain(&head.runs);
        let mut bases = runs.map(|run| run.basis_ms);
        let is_closed = |basis_ms: i64| {
            head.coverage.rows().iter().any(|row| row.fetched_at.as_ms() == basis_ms)
        };
        let is_about = |basis_ms: i64| new.iter().any(|ms| (basis_ms - ms).abs() < ABOUT_MS);
        bases.any(|basis_ms| is_about(basis_ms) && is_closed(basis_ms))
    }

    /// Whether a final bar that is held came again with other prices.
    fn is_restated(&mut self, page: &Page, came: &Came<'_>, basis_ms: i64) -> bool {
        let times = &page.bars.times;
        let (Some(first), Some(last)) = (times.first(), times.last()) else { return false };
        let known = self.head.coverage.spans();
        if !times.iter().any(|time| known.contains(Timestamp::from_ms(*time))) {
            return false;
        }
        let held = self.finals(*first, *last, came.load);
        let bases =
            held.runs().into_iter().flat_map(|run| std::iter::repeat_n(run.basis_ms, run.bars));
        let actions = &self.head.actions;
        // By a clock that was set back what is held may not be final yet, and says nothing.
        let horizon_ms = came.finality.horizon(came.at).as_ms();
        bases.enumerate().any(|(place, held_basis)| {
            let bar = held.bars.bar(place);
            let again = found(&page.bars, bar.time).filter(|again| again.time < horizon_ms);
            again.is_some_and(|again| restated(&bar, held_basis, &again, basis_ms, actions))
        })
    }

    /// The final bars that are held from one instant to another, both included.
    pub(super) fn finals(&mut self, first_ms: i64, last_ms: i64, load: Load<'_>) -> Stretch {
        let end_ms = last_ms.saturating_add(1);
        let chunks = self.open(self.head.within(first_ms, end_ms).to_vec(), load);
        let read = self.head.read(first_ms..end_ms, &chunks);
        Stretch::new(read.bars.slice(0..read.finals), &read.runs)
    }

    /// These chunks; what is damaged is forgotten, so that it is asked for again.
    pub(super) fn open(&mut self, refs: Vec<ChunkRef>, load: Load<'_>) -> Vec<(ChunkRef, Bars)> {
        let is_new = |chunk: &&ChunkRef| !self.chunks.contains_key(&chunk.id);
        let unread: Vec<ChunkRef> = refs.iter().filter(is_new).cloned().collect();
        let read = if unread.is_empty() { Vec::new() } else { load(&unread) };
        for (chunk, bars) in unread.into_iter().zip(read) {
            match bars {
                Some(bars) => drop(self.chunks.insert(chunk.id, bars)),
                None => drop(self.head.forget(chunk.id)),
            }
        }
        let held = |chunk: ChunkRef| Some((chunk.clone(), self.chunks.get(&chunk.id)?.clone()));
        refs.into_iter().filter_map(held).collect()
    }

    /// Forgets all final bars; what they were, as it came to be known.
    fn give_up(&mut self, came: &Came<'_>) -> Vec<Superseded> {
        self.has_given_up = true;
        // What had come before this page may be of either history.
        self.asked = Spans::from(came.piece.span);
        let chunks = self.open(self.head.chunks.clone(), came.load);
        let coverage = std::mem::take(&mut self.head.coverage);
        let (finals, tail) = self.divided();
        let all = chunks
            .into_iter()
            .fold(finals, |all, (at, bars)| all.over(&Stretch::new(bars, &at.runs)));
        // Each span with the instant at which it was fetched: what came later was not known before.
        let gone = coverage.rows().iter().map(|row| {
            let (from, to) = (row.span.start().as_ms(), row.span.end().as_ms());
            let stretch = all.slice(all.bars.within(from, to));
            Version { span: row.span, stretch }.superseded(row.fetched_at, came.at)
        });
        let gone = gone.collect();
        let head = &mut self.head;
        head.chunks = Vec::new();
        head.ended -= head.finals;
        head.finals = 0;
        (head.runs, head.recent) = (tail.runs(), tail.bars);
        gone
    }

    /// The final bars of the head, and the others.
    fn divided(&self) -> (Stretch, Stretch) {
        let head = &self.head;
        let recent = Stretch::new(head.recent.clone(), &head.runs);
        (recent.slice(0..head.finals), recent.slice(head.finals..recent.len()))
    }

    /// Lets go of what was not final when it came, if the page says what has become of it or holds
    /// something later; what it was, also if the page says the same: until now nothing later was
    /// known.
    fn drop_tail(&mut self, came: &Came<'_>) -> Option<Superseded> {
        let span = self.head.tail.filter(|tail| tail.start() < came.piece.span.end())?;
        let (finals, stretch) = self.divided();
        let head = &mut self.head;
        head.tail = None;
        head.ended = head.finals;
        (head.runs, head.recent) = (finals.runs(), finals.bars);
        let known_from = self.edge_at.filter(|known_from| *known_from < came.at)?;
        Some(Version { span, stretch }.superseded(known_from, came.at))
    }

    /// Puts the bars of a page in their places: those that are final now, and those behind them.
    fn put(&mut self, page: &Page, came: &Came<'_>, basis_ms: i64, reopened: &Reopened) {
        let (piece, at) = (came.piece, came.at);
        let horizon = came.finality.horizon(at);
        // Of bars that came without splits and dividends, those that come with them hold.
        let known = self.head.coverage.told();
        let is_final = |time: i64| time < horizon.as_ms();
        let is_held = |at| known.contains(at) || reopened.was_held(at);
        let is_new = |time: i64| is_final(time) && !is_held(Timestamp::from_ms(time));
        let settled = Span::new(piece.span.start(), piece.span.end().min(horizon));
        for span in &settled.map(Spans::from).unwrap_or_default().minus(&known) {
            self.head.coverage.learn(*span, &page.bars.times, at);
            // What was known of the time between late bars is no news.
            let news = Spans::from(*span).minus(&reopened.anew);
            let late = Spans::from(*span).intersection(&reopened.late);
            self.learnt = self.learnt.union(&news).union(&late);
        }
        let of_page = |bars: Bars| {
            let runs = [Run { bars: bars.len(), basis_ms }];
            Stretch::new(bars, &runs)
        };
        let (finals, mut tail) = self.divided();
        let mut finals = of_page(chosen(&page.bars, is_new)).over(&finals);
        let head = &mut self.head;
        if came.is_open {
            // What nothing has happened to since it came is as if it had come now.
            let mut told = head.coverage.told();
            told.insert(piece.span);
            let runs = rebased(&finals.runs(), &head.actions, &told, basis_ms, came.finality);
            finals = Stretch::new(finals.bars, &runs);
        }
        // By a clock that was set back what is held as final goes further.
        let held = head.coverage.spans().bounds();
        let behind = held.map_or(horizon, |held| horizon.max(held.end()));
        if piece.span.end() > behind {
            let end = if came.is_open { Timestamp::NEVER } else { piece.span.end() };
            head.tail = Span::new(piece.span.start().max(behind), end);
            tail = of_page(chosen(&page.bars, |time| time >= behind.as_ms()));
        }
        if head.tail.is_none() || piece.span.end() > behind {
            self.edge_at = Some(at);
        }
        let edge_at = self.edge_at.unwrap_or(at);
        let has_ended = |time: &&i64| came.finality.has_ended(Timestamp::from_ms(**time), edge_at);
        head.finals = finals.len();
        head.ended = finals.len() + tail.bars.times.iter().filter(has_ended).count();
        let all = finals.over(&tail);
        (head.runs, head.recent) = (all.runs(), all.bars);
    }

    /// Moves final bars into chunks, if there are many.
    fn seal(&mut self, came: &Came<'_>, parts: &mut Parts) {
        // A damaged chunk is forgotten when it is met, so each round meets fewer.
        for _ in 0..=self.head.chunks.len() {
            let mut head = self.head.clone();
            let settled = settle(&mut head, came.piece.interval, &mut |refs| {
                let chunks = self.open(refs.to_vec(), came.load);
                let is_whole = chunks.len() == refs.len();
                is_whole.then(|| chunks.into_iter().map(|(_, bars)| bars).collect()).ok_or(())
            });
            if let Ok(chunks) = settled {
                self.head = head;
                for chunk in &chunks {
                    if let Ok(bars) = chunk.at.open(&chunk.sealed) {
                        self.chunks.insert(chunk.at.id, bars);
                    }
                }
                parts.chunks = chunks;
                return;
            }
        }
    }

    /// When the last final bar begins before an instant; none if that is in a chunk that was not
    /// read.
    pub(super) fn last_final_before(&self, at: Timestamp) -> Option<Timestamp> {
        let head = &self.head;
        let before = |times: &[i64]| {
            times[..times.partition_point(|time| *time < at.as_ms())].last().copied()
        };
        let recent = before(&head.recent.times[..head.finals]);
        let chunk = match head.chunks.iter().rev().find(|chunk| chunk.first_ms < at.as_ms()) {
            Some(chunk) if chunk.last_ms < at.as_ms() => Some(chunk.last_ms),
            Some(chunk) => Some(before(&self.chunks.get(&chunk.id)?.times)?),
            None => None,
        };
        recent.max(chunk).map(Timestamp::from_ms)
    }

    /// How many final bars are held in a span; those of a chunk that is in it in part are counted as
    /// if all were.
    pub(super) fn bars_within(&self, span: Span) -> usize {
        let (from, to) = (span.start().as_ms(), span.end().as_ms());
        let chunks = self.head.within(from, to).iter().map(ChunkRef::bars).sum::<usize>();
        chunks + self.head.recent.within(from, to).len()
    }

    /// What is held by now, final or not.
    pub(super) fn known(&self) -> Spans {
        with_tail(self.head.coverage.spans(), self.head.tail)
    }
}

/// These spans of a series and what lies behind the final bars.
pub(super) fn with_tail(mut spans: Spans, tail: Option<Span>) -> Spans {
    if let Some(tail) = tail {
        spans.insert(tail);
    }
    spans
}

/// The bases of bars as of a later one, where it is told that nothing has happened between both.
fn rebased(
    runs: &[Run],
    actions: &Actions,
    told: &Spans,
    basis_ms: i64,
    finality: &Finality<'_>,
) -> Vec<Run> {
    let is_told =
        |from: i64| is_told(told, Timestamp::from_ms(from), Timestamp::from_ms(basis_ms), finality);
    let has_happened = |from: i64| instants(actions).any(|ms| from < ms && ms <= basis_ms);
    let moves = |from: i64| from < basis_ms && is_told(from) && !has_happened(from);
    let of = |run: &Run| Run {
        basis_ms: if moves(run.basis_ms) { basis_ms } else { run.basis_ms },
        ..*run
    };
    runs.iter().map(of).collect()
}

/// When something happened to a price.
fn instants(actions: &Actions) -> impl Iterator<Item = i64> {
    let splits = actions.splits.iter().map(|held| held.split.at_ms);
    splits.chain(actions.dividends.iter().map(|held| held.dividend.at_ms))
}

/// The bars whose times are chosen.
fn chosen(bars: &Bars, is_chosen: impl Fn(i64) -> bool) -> Bars {
    let mut some = Bars::default();
    for place in (0..bars.len()).filter(|place| is_chosen(bars.times[*place])) {
        some.push(bars.bar(place));
    }
    some
}

/// The bar of this time.
fn found(bars: &Bars, time: i64) -> Option<Bar> {
    bars.times.binary_search(&time).ok().map(|place| bars.bar(place))
}
