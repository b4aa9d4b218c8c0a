//! What this cache knew of a series at an instant that has passed: nobody is asked, and nothing that
//! came to be known later is served.
//!
//! What is held was fetched at an instant, span by span; what was held before stands beside it, with
//! since when and until when. So what was known at any instant is put together out of layers, each
//! known since an instant; where two are of the same time, the one that came to be known later holds.
//! Prices are as of then too: a split that was not known divides nothing.

use std::collections::HashMap;
use std::sync::Arc;

use super::Slice;
use super::fill::Fill;
use super::standing::{Part, final_life, named};
use crate::cache::lookup::{Found, Looked};
use crate::cache::{Answer, AnsweredBy, Cache, Question, Served};
use crate::clock::Stopwatch;
use crate::entry::{Entry, Format};
use crate::error::{Error, Kind, Usage};
use crate::market::{BarState, DataType};
use crate::policy::plan::holes;
use crate::policy::{Coverage, Finality};
use crate::span::{Span, Spans};
use crate::tier::Stored;
use crate::tier::series::{Head, Parts, Stretch, Superseded, Version};
use crate::time::Timestamp;

/// Why a part of a series is missing in what was known.
const NOT_KNOWN: &str = "it was not known then";

/// What was known of a series at an instant.
pub(super) struct Then {
    /// As if it had been found then; its part is made of a head without chunks.
    pub(super) found: Found,
    /// When the bars begin that were known; nothing of a macro series.
    pub(super) known: Spans,
    /// Since when which span was known.
    pub(super) since: Vec<(Span, Timestamp)>,
}

/// Where an answer comes from: of which time it is, and since when that was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provenance {
    /// From when to when bars, or observations, are wanted; none if there can be none.
    pub span: Option<Span>,
    /// The parts of that which are known, each since an instant; nothing of a macro series.
    pub since: Vec<(Span, Timestamp)>,
}

/// A stretch of a series that is known since an instant.
struct Layer {
    known_from: Timestamp,
    span: Span,
    /// Whether it does not change any more, whatever is said of finality now.
    is_settled: bool,
    stretch: Stretch,
}

impl Layer {
    /// How settled a bar of it was.
    fn state(&self, time: i64, finality: &Finality<'_>) -> BarState {
        let begin = Timestamp::from_ms(time);
        if self.is_settled || begin < finality.horizon(self.known_from) {
            BarState::Final
        } else if finality.has_ended(begin, self.known_from) {
            BarState::Provisional
        } else {
            BarState::Live
        }
    }
}

impl Cache {
    /// Answers as of an instant that has passed, and counts that as the hit that it is.
    pub(in crate::cache) fn answer_as_of(
        &self,
        question: &Question,
        at: Timestamp,
        since: &Stopwatch,
    ) -> Looked {
        let (mut hit, took) = (None, since.elapsed());
        let outcome = self.recalled(question, at).map(|(served, row)| {
            hit = Some(self.hit(row, &served, took));
            served
        });
        Looked::Answered { answer: Answer::new(outcome, took), hit }
    }

    /// What this cache knew at an instant of what a question asks for, without counting it.
    pub fn recall(&self, question: &Question, at: Timestamp) -> Result<Served, Error> {
        self.recalled(&as_of(question, at), at).map(|(served, _)| served)
    }

    /// Where an answer as of an instant comes from.
    pub fn provenance(&self, question: &Question, at: Timestamp) -> Result<Provenance, Error> {
        let question = as_of(question, at);
        let Then { found, since, .. } = self.then(&question, at, None)?;
        let span = match (&found.part, &question.slice) {
            (Some(part), _) => part.span,
            (None, Some(slice)) => self.span(&question, slice, &found.known, at).ok(),
            (None, None) => None,
        };
        Ok(Provenance { span, since })
    }

    fn recalled(&self, question: &Question, at: Timestamp) -> Result<(Served, i64), Error> {
        let then = self.then(question, at, None)?;
        let part = then.found.part.as_ref();
        let takes_less = question.slice.as_ref().is_some_and(Slice::takes_less);
        if let Some(hole) = part.and_then(|part| part.holes.iter().next()).filter(|_| !takes_less) {
            let message = format!(
                "the cache did not know all of it at {at}: nothing from {} to {}",
                hole.start(),
                hole.end(),
            );
            let hint = "--partial answers with what it knew";
            return Err(Error::new(Kind::Offline, message).hint(hint));
        }
        let served = self.served(question, &then.found, NOT_KNOWN);
        let served = served.ok_or_else(|| {
            Error::new(Kind::Offline, "what the cache holds of it is damaged")
                .hint("`mcache stats --repair` sets it aside")
        })?;
        Ok((served, then.found.row))
    }

    /// What was known at an instant of what a question asks for, of the first of its providers of
    /// whom anything was, and of one without a bar only if there is no other; of this span, if one is
    /// given.
    pub(super) fn then(
        &self,
        question: &Question,
        at: Timestamp,
        span: Option<Span>,
    ) -> Result<Then, Error> {
        let shelf = self.read_disk(&question.key).unwrap_or_default();
        let of = |provider: &str| shelf.iter().find(|stored| &*stored.entry.provider == provider);
        let held: Vec<&Stored> = question.providers.iter().filter_map(|name| of(name)).collect();
        let slice = question.slice.clone().unwrap_or_default();
        let is_of_bars = question.data_type.made_of() == DataType::Bars;
        let of = |stored: &&Stored| {
            if is_of_bars {
                self.bars_then(question, &slice, stored, at, span)
            } else {
                self.series_then(question, stored, at)
            }
        };
        let mut bare = None;
        let known = held.iter().filter_map(of).find_map(|then| {
            if then.found.is_bare() {
                bare.get_or_insert(then);
                return None;
            }
            Some(then)
        });
        known.or(bare).ok_or_else(|| {
            let message = format!("the cache knew nothing of it at {at}");
            let earliest = held.iter().filter_map(|stored| self.known_since(question, stored));
            let error = Error::new(Kind::Offline, message);
            if let Some(earliest) = earliest.min() {
                return error.hint(format!("the earliest that it knows of: --as-of {earliest}"));
            }
            let hint = "it keeps what it fetches, so it knows nothing from before";
            self.with_others(question, error.hint(hint))
        })
    }

    /// What was known of bars.
    fn bars_then(
        &self,
        question: &Question,
        slice: &Slice,
        stored: &Stored,
        at: Timestamp,
        span: Option<Span>,
    ) -> Option<Then> {
        let Stored { entry, known, row } = stored;
        let head = Head::from_body(&entry.body).unwrap_or_default();
        let span = span
            .or_else(|| self.wanted(question, slice, &entry.provider, known, at).ok().flatten());
        let mut fill = Fill { head, ..Fill::default() };
        let mut layers = self.layers(question, stored, &mut fill, at, span);
        layers.extend(self.layers_of_past(question, &entry.provider, at));
        // Of the same time the later counts.
        layers.sort_by_key(|layer| layer.known_from);
        let fetched_at = layers.last()?.known_from;
        let finality = self.finality(question, slice, &entry.provider, known);
        let is_known: Spans = layers.iter().map(|layer| layer.span).collect();
        let holes = span.map(|span| holes(span, &is_known, &|hole| finality.could_begin(hole)));
        let head = Head {
            currency: fill.head.currency.clone(),
            exchange: fill.head.exchange.clone(),
            first_trade_ms: fill.head.first_trade_ms,
            actions: fill.head.actions.known_at(at.as_ms()),
            ..composed(&layers, span, &finality)
        };
        let holes = holes.unwrap_or_default();
        let part = Part { head, span, holes, chunks: HashMap::new() };
        let key = &question.key;
        let entry = Entry { fetched_at, format: Format::Binary, ..named(entry, key) };
        let found = self.found_then(stored, entry, *row, Some(Box::new(part)));
        let since = |layer: &Layer| Some((layer.span.intersection(span?)?, layer.known_from));
        let mut since: Vec<_> = layers.iter().filter_map(since).collect();
        since.sort_unstable();
        Some(Then { found, known: is_known, since })
    }

    /// What is held now and was known then.
    fn layers(
        &self,
        question: &Question,
        stored: &Stored,
        fill: &mut Fill,
        at: Timestamp,
        span: Option<Span>,
    ) -> Vec<Layer> {
        let (from, to) = span.map_or((0, 0), |s| (s.start().as_ms(), s.end().as_ms()));
        let refs = fill.head.within(from, to).to_vec();
        let provider = &stored.entry.provider;
        let chunks = fill.open(refs, &|refs| self.chunks(question, provider, refs));
        let read = fill.head.read(from..to, &chunks);
        let all = Stretch::new(read.bars, &read.runs);
        let of = |places: std::ops::Range<usize>, span: Span| {
            let some = all.slice(places);
            let within = some.bars.within(span.start().as_ms(), span.end().as_ms());
            some.slice(within)
        };
        let rows = fill.head.coverage.rows().iter().filter(|row| row.fetched_at <= at);
        let mut layers: Vec<Layer> = rows
            .map(|row| Layer {
                known_from: row.fetched_at,
                span: row.span,
                is_settled: true,
                stretch: of(0..read.finals, row.span),
            })
            .collect();
        let known_from = stored.entry.fetched_at;
        layers.extend(fill.head.tail.filter(|_| known_from <= at).map(|span| Layer {
            known_from,
            span,
            is_settled: false,
            stretch: of(read.finals..all.len(), span),
        }));
        layers
    }

    /// What was known then and has been replaced since; what cannot be read was not.
    fn layers_of_past(
        &self,
        question: &Question,
        provider: &str,
        at: Timestamp,
    ) -> impl Iterator<Item = Layer> {
        let past = self.read_past(&question.key, provider, Some(at));
        past.into_iter().filter_map(|Superseded { known_from, body, .. }| {
            let Version { span, stretch } = Version::open(&body).ok()?;
            Some(Layer { known_from, span, is_settled: false, stretch })
        })
    }

    /// What was known of a macro series.
    fn series_then(&self, question: &Question, stored: &Stored, at: Timestamp) -> Option<Then> {
        let entry = &stored.entry;
        let (fetched_at, body) = if entry.fetched_at <= at {
            (entry.format == Format::Json).then(|| (entry.fetched_at, entry.body.clone()))?
        } else {
            let past = self.read_past(&question.key, &entry.provider, None);
            let holds = |of: &&Superseded| of.known_from <= at && at < of.known_until;
            let of = past.iter().filter(holds).max_by_key(|of| of.known_from)?;
            (of.known_from, body_of(of, &past, entry)?)
        };
        let named = named(entry, &question.key);
        let entry = Entry { fetched_at, format: Format::Json, body, ..named };
        let found = self.found_then(stored, entry, stored.row, None);
        Some(Then { found, known: Spans::new(), since: Vec::new() })
    }

    /// What was known, as if it had been found: it does not change any more.
    fn found_then(
        &self,
        stored: &Stored,
        entry: Entry,
        row: i64,
        part: Option<Box<Part>>,
    ) -> Found {
        let known = stored.known.clone();
        let life = final_life(&self.rules.life(&entry, &known, self.anybody()));
        let answered_by = AnsweredBy::Disk;
        Found { entry: Arc::new(entry), life, known, answered_by, row, part }
    }

    /// The earliest instant at which anything of an entry was known that is known of.
    fn known_since(&self, question: &Question, stored: &Stored) -> Option<Timestamp> {
        let entry = &stored.entry;
        let head = Head::from_body(&entry.body).ok();
        let coverage = head.as_ref().map(|head| &head.coverage).into_iter();
        let rows = coverage.flat_map(Coverage::rows).map(|row| row.fetched_at);
        let holds = head.as_ref().map_or(entry.format == Format::Json, |h| h.tail.is_some());
        let past = self.read_past(&question.key, &entry.provider, None);
        let past = past.iter().map(|of| of.known_from);
        rows.chain(past).chain(holds.then_some(entry.fetched_at)).min()
    }

    /// The instant as of which a slice is read.
    pub(super) fn read_at(&self, slice: &Slice) -> Timestamp {
        slice.as_of.unwrap_or_else(|| self.clock.now())
    }

    /// Refuses what nobody can have known yet.
    pub(super) fn check_as_of(&self, slice: &Slice) -> Result<(), Usage> {
        let now = self.clock.now();
        match slice.as_of.filter(|at| *at > now) {
            None => Ok(()),
            Some(at) => {
                let usage = Usage::new(format!("--as-of {at} is in the future"));
                Err(usage.hint(format!("it is {now}")))
            }
        }
    }
}

/// The same question, as of an instant.
pub(super) fn as_of(question: &Question, at: Timestamp) -> Question {
    let slice = question.slice.clone().map(|slice| Slice { as_of: Some(at), ..slice });
    Question { slice, ..question.clone() }
}

/// What an entry replaces, if it is a macro series: the body, or nothing if it is the same, which
/// says that it was known before already.
pub(in crate::cache) fn replaced(held: Option<&Found>, by: &Entry) -> Option<Box<Parts>> {
    let held = &held?.entry;
    let is_series = by.key.data_type() == DataType::Series.as_str() && by.format == Format::Json;
    let is_older = held.format == Format::Json && held.fetched_at < by.fetched_at;
    (is_series && is_older).then(|| {
        let body = if held.body == by.body { Box::default() } else { held.body.clone() };
        let (known_from, known_until) = (held.fetched_at, by.fetched_at);
        let superseded = vec![Superseded { known_from, known_until, body }];
        Box::new(Parts { chunks: Vec::new(), superseded })
    })
}

/// The body of an older version: its own, or that of the first one after it that has one.
fn body_of(of: &Superseded, past: &[Superseded], entry: &Entry) -> Option<Box<[u8]>> {
    let mut of = of;
    // Each step goes on to a later version.
    for _ in 0..=past.len() {
        if !of.body.is_empty() {
            return Some(of.body.clone());
        }
        if of.known_until == entry.fetched_at {
            return (entry.format == Format::Json).then(|| entry.body.clone());
        }
        of = past.iter().find(|next| next.known_from == of.known_until)?;
    }
    None
}

/// The head that holds what layers know of a span, the earliest layer first.
fn composed(layers: &[Layer], span: Option<Span>, finality: &Finality<'_>) -> Head {
    let Some(span) = span else { return Head::default() };
    let owner = |time: i64| {
        let begin = Timestamp::from_ms(time);
        layers.iter().rposition(|layer| layer.span.contains(begin))
    };
    let mut all = Stretch::default();
    for (number, layer) in layers.iter().enumerate() {
        let times = &layer.stretch.bars.times;
        let is_its = |place: usize| owner(times[place]) == Some(number);
        let places = layer.stretch.bars.within(span.start().as_ms(), span.end().as_ms());
        let mut from = places.start;
        while from < places.end {
            let same = (from..places.end).take_while(|place| is_its(*place) == is_its(from));
            let to = from + same.count();
            if is_its(from) {
                all = layer.stretch.slice(from..to).over(&all);
            }
            from = to;
        }
    }
    let state = |time: &i64| {
        owner(*time).map_or(BarState::Live, |number| layers[number].state(*time, finality))
    };
    let states: Vec<BarState> = all.bars.times.iter().map(state).collect();
    let finals = states.iter().take_while(|state| **state == BarState::Final).count();
    let ended = states.iter().take_while(|state| **state != BarState::Live).count();
    let runs = all.runs();
    Head { recent: all.bars, runs, finals, ended, ..Head::default() }
}
