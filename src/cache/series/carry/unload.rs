//! What came in a file takes its place in a series, under the lock of the series and in one
//! transaction.
//!
//! It never asks, and never takes the place of anything that is held and final.

use std::sync::Arc;

use super::{named, places};
use crate::cache::series::fill::Fill;
use crate::cache::{Cache, Question, Slice};
use crate::db::tally::Tally;
use crate::entry::{Entry, Format};
use crate::error::{Error, Kind};
use crate::flight::Holder;
use crate::market::{
    Bar, Class, DataType, Dividend, Events, Interval, Page, Record, Series, Split, Symbol, restated,
};
use crate::policy::coverage::Covered;
use crate::policy::{Finality, Known};
use crate::span::{Span, Spans};
use crate::tier::series::parcel::{Content, Section};
use crate::tier::series::{ChunkRef, Head, Parts, Stretch, Superseded, Version, settle};
use crate::tier::{Incoming, Stored};
use crate::time::Timestamp;
use crate::validate;

/// 1779: no history begins earlier.
const EARLIEST: Timestamp = Timestamp::from_seconds(-6_000_000_000);

/// How many bars that disagree are named.
const NAMED: usize = 3;

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// It is.
    Take,
    /// It is only said what would come of it.
    Plan,
}

/// What has come of a series in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unloaded {
    /// How many bars, or observations, are in the file.
    pub bars: usize,
    /// How many of them were not held.
    pub new: usize,
    /// How many were left out because they may still change.
    pub left_out: usize,
    /// From when to when bars are known now that were not.
    pub spans: Spans,
}

impl Cache {
    /// Puts a series that came in a file into what is held of it, or only says what would come
    /// of that. All of it is taken or nothing.
    pub fn unload(&self, section: &Section, act: Act) -> Result<Unloaded, Error> {
        let (symbol, interval, session) = named(section)?;
        let slice = Slice { interval, session, ..Slice::default() };
        let data_type = match section.content {
            Content::Bars { .. } => DataType::Bars,
            Content::Observations(_) => DataType::Series,
        };
        let question = Question {
            symbol,
            data_type,
            params: crate::market::Params::default(),
            key: section.key.clone(),
            read_as: section.key.clone(),
            providers: vec![section.provider.clone()],
            pinned: true,
            slice: Some(slice),
        };
        let _holder = if act == Act::Plan { None } else { self.lock(section)? };
        let shelf = self.read_disk(&section.key);
        let mut shelf = shelf.iter().flat_map(|shelf| shelf.iter());
        let held = shelf.find(|stored| {
            stored.entry.provider == section.provider
                && stored.entry.format != Format::NotFound
                && self.rules.is_defined_so(&stored.entry, &stored.known)
        });
        let (unloaded, incoming) = match &section.content {
            Content::Bars { head, bars } => {
                self.unload_bars(&question, section, (head, bars), held)?
            }
            Content::Observations(body) => self.unload_series(&question, section, body, held)?,
        };
        if let Some(incoming) = incoming.filter(|_| act == Act::Take) {
            let fits = self.has_room_for(&incoming.stored.entry);
            if !fits || !self.store(&mut [incoming], &Tally::default(), &[]) {
                return Err(Error::new(Kind::Upstream, "it could not be stored")
                    .hint("the warning says why; nothing of this series was taken"));
            }
        }
        Ok(unloaded)
    }

    /// The lock of a series, once whoever has it lets go; none if locks cannot be kept at all.
    fn lock(&self, section: &Section) -> Result<Option<Holder>, Error> {
        let Some(flights) = &self.flights else { return Ok(None) };
        let name = format!("{}@{}", section.key, section.provider);
        let failed = |trouble: crate::db::Trouble| {
            let message = format!("the lock of the series cannot be had: {trouble}");
            Error::new(Kind::Unreachable, message)
                .hint("`mcache config check` names the cache folder")
        };
        loop {
            if let Some(holder) = flights.board(&name).map_err(failed)? {
                return Ok(Some(holder));
            }
            flights.wait(&name).map_err(failed)?;
        }
    }

    fn unload_bars(
        &self,
        question: &Question,
        section: &Section,
        (said, bars): (&Head, &Stretch),
        held: Option<&Stored>,
    ) -> Result<(Unloaded, Option<Incoming>), Error> {
        let slice = question.slice.clone().unwrap_or_default();
        let interval = slice.interval;
        sound(&question.symbol, interval, said, bars)?;
        let known = held.map(|held| held.known.clone()).unwrap_or_default();
        let finality = self.finality(question, &slice, &section.provider, &known);
        let head = held.map(|held| {
            Head::from_body(&held.entry.body).map_err(|_| {
                Error::new(Kind::InvalidData, "what is held of it cannot be read")
                    .hint("`mcache stats --repair` sets it aside")
            })
        });
        let mut fill = Fill { head: head.transpose()?.unwrap_or_default(), ..Fill::default() };
        let load = |refs: &[ChunkRef]| self.chunks(question, &section.provider, refs);
        let actions = fill.head.actions.merge(&said.actions);
        fill.head.actions = actions;
        agree(&mut fill, bars, &load)?;

        let now = self.clock.now();
        let (new, spans, unloaded) = news(&mut fill.head, said, bars, &finality, now);
        let head = &mut fill.head;
        head.currency = head.currency.take().or_else(|| said.currency.clone());
        head.exchange = head.exchange.take().or_else(|| said.exchange.clone());
        head.first_trade_ms = head.first_trade_ms.or(said.first_trade_ms);
        head.actions_at = head.actions_at.max(said.actions_at.map(|at| at.min(now)));
        let edge_at = held.map(|held| held.entry.fetched_at);
        let superseded = put(head, new, &spans, edge_at, now);
        let chunks = seal(&mut fill, interval, &load);
        let fetched_at = match (fill.head.tail, edge_at) {
            // What lies behind the final bars is as old as it was.
            (Some(_), Some(edge_at)) => edge_at,
            _ => edge_at.max(Some(section.fetched_at.min(now))).unwrap_or(now),
        };
        let entry = Entry {
            key: section.key.clone(),
            provider: section.provider.clone(),
            fetched_at,
            own_ttl: None,
            format: Format::Binary,
            body: fill.head.to_body().into(),
        };
        let parts = Parts { chunks, superseded: superseded.into_iter().collect() };
        Ok((unloaded, Some(self.carried(entry, known, parts))))
    }

    fn unload_series(
        &self,
        question: &Question,
        section: &Section,
        body: &[u8],
        held: Option<&Stored>,
    ) -> Result<(Unloaded, Option<Incoming>), Error> {
        let unreadable = |_| Error::new(Kind::InvalidData, "its observations cannot be read");
        let series: Series = serde_json::from_slice(body).map_err(unreadable)?;
        let bars = series.observations.len();
        let is_it =
            series.symbol == question.symbol.name() && *series.provider == *section.provider;
        if !is_it {
            return Err(Error::new(Kind::InvalidData, "its observations are of another series"));
        }
        let record = Record::Series(series);
        validate::record(&record)?;
        let fetched_at = section.fetched_at.min(self.clock.now());
        let unloaded = Unloaded { bars, ..Unloaded::default() };
        // Of two versions of an economy the later one is the truer.
        if held.is_some_and(|held| held.entry.fetched_at >= fetched_at) {
            return Ok((unloaded, None));
        }
        let entry = Entry {
            key: section.key.clone(),
            provider: section.provider.clone(),
            fetched_at,
            own_ttl: None,
            format: Format::Json,
            body: record.to_json().into(),
        };
        // Of one that is the same it is only said that it was known before already.
        let superseded = held.map(|held| Superseded {
            known_from: held.entry.fetched_at,
            known_until: fetched_at,
            body: if held.entry.body == entry.body {
                Box::default()
            } else {
                held.entry.body.clone()
            },
        });
        let parts = Parts { superseded: superseded.into_iter().collect(), ..Parts::default() };
        let known = held.map(|held| held.known.clone()).unwrap_or_default();
        Ok((Unloaded { new: bars, ..unloaded }, Some(self.carried(entry, known, parts))))
    }

    /// An entry out of a file, on its way into the tiers.
    fn carried(&self, entry: Entry, known: Known, parts: Parts) -> Incoming {
        let definition = self.rules.definition(&entry.provider, entry.key.data_type());
        let known = Known { definition, ..known };
        let incoming = self.incoming(Arc::new(entry), known, None);
        Incoming { parts: Some(Box::new(parts)), ..incoming }
    }
}

/// Refuses what cannot be bars of this series.
fn sound(symbol: &Symbol, interval: Interval, said: &Head, bars: &Stretch) -> Result<(), Error> {
    let spans = said.coverage.spans();
    let Some(bounds) = spans.bounds() else { return Ok(()) };
    if bounds.start() < EARLIEST {
        return Err(Error::new(Kind::InvalidData, "it begins before there were stocks"));
    }
    let page = Page {
        bars: bars.bars.clone(),
        events: Events {
            splits: said.actions.splits.iter().map(|held| held.split).collect::<Vec<Split>>(),
            dividends: said
                .actions
                .dividends
                .iter()
                .map(|held| held.dividend)
                .collect::<Vec<Dividend>>(),
        },
        ..Page::default()
    };
    validate::carried(symbol, interval, bounds, &page)?;
    if places(&bars.bars, &spans).count() < bars.len() {
        return Err(Error::new(Kind::InvalidData, "some of its bars lie where it knows of none"));
    }
    let is_divided = symbol.class() == Class::Stock;
    if !is_divided && !said.actions.splits.is_empty() {
        return Err(Error::new(Kind::InvalidData, "only stocks are split"));
    }
    Ok(())
}

/// Refuses bars that are held with other prices.
fn agree(
    fill: &mut Fill,
    bars: &Stretch,
    load: &dyn Fn(&[ChunkRef]) -> Vec<Option<crate::market::Bars>>,
) -> Result<(), Error> {
    let times = &bars.bars.times;
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return Ok(()) };
    let span_ms = *first..last.saturating_add(1);
    let refs = fill.head.within(span_ms.start, span_ms.end).to_vec();
    let chunks = fill.open(refs, load);
    let read = fill.head.read(span_ms, &chunks);
    let held = Stretch::new(read.bars.slice(0..read.finals), &read.runs);
    // A session may open a little earlier for one than for the other: a day is a day.
    let same = |came: &Bar| match came.day {
        Some(day) => held.bars.days.binary_search(&day).ok(),
        None => held.bars.times.binary_search(&came.time).ok(),
    };
    let differs = |at: &usize| {
        let came = bars.bars.bar(*at);
        let Some(place) = same(&came) else { return false };
        let (bar, basis) = (held.bars.bar(place), held.basis(place));
        restated(&bar, basis, &came, bars.basis(*at), &fill.head.actions)
    };
    let different: Vec<usize> = (0..bars.len()).filter(differs).collect();
    if different.is_empty() {
        return Ok(());
    }
    let name = |at: &usize| {
        let came = bars.bars.bar(*at);
        let place = same(&came).unwrap_or(0);
        let (time, is, was) =
            (Timestamp::from_ms(came.time), came.close, held.bars.bar(place).close);
        format!("{time} (close {is} in the file, {was} held)")
    };
    let named: Vec<String> = different.iter().take(NAMED).map(name).collect();
    let more = different.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "{} of its bars differ from those that are held: {}{more}",
        different.len(),
        named.join(", ")
    );
    Err(Error::new(Kind::InvalidData, message).hint(
        "nothing of this series was taken; is the basis the right one (--basis, --adjusted)? \
         `mcache clear KEY` drops what is held",
    ))
}

/// What a file knows that is not held, and is final: its bars, and their spans, which are known from
/// here on.
fn news(
    head: &mut Head,
    said: &Head,
    bars: &Stretch,
    finality: &Finality<'_>,
    now: Timestamp,
) -> (Stretch, Spans, Unloaded) {
    let known = head.coverage.spans();
    let mut spans = Spans::new();
    let mut settled = Spans::new();
    for row in said.coverage.rows() {
        let fetched_at = row.fetched_at.min(now);
        let end = row.span.end().min(finality.horizon(fetched_at));
        let Some(span) = Span::new(row.span.start(), end) else { continue };
        settled.insert(span);
        for span in &Spans::from(span).minus(&known) {
            let within = bars.bars.within(span.start().as_ms(), span.end().as_ms());
            head.coverage.take(Covered {
                span: *span,
                is_empty: within.is_empty(),
                fetched_at,
                is_imported: true,
                is_silent: row.is_silent,
            });
            spans.insert(*span);
        }
    }
    let mut new = Stretch::default();
    for span in &spans {
        new.append(&bars.slice(bars.bars.within(span.start().as_ms(), span.end().as_ms())));
    }
    let left_out = bars.len() - places(&bars.bars, &settled).count();
    let unloaded = Unloaded { bars: bars.len(), new: new.len(), left_out, spans: spans.clone() };
    (new, spans, unloaded)
}

/// Puts final bars into a head; what was not final and is known better now goes, and is given back as
/// it was.
fn put(
    head: &mut Head,
    new: Stretch,
    spans: &Spans,
    edge_at: Option<Timestamp>,
    now: Timestamp,
) -> Option<Superseded> {
    let recent = Stretch::new(head.recent.clone(), &head.runs);
    let finals = new.over(&recent.slice(0..head.finals));
    let known_to = spans.iter().map(|span| span.end()).max();
    let known_to = known_to.filter(|to| head.tail.is_some_and(|tail| tail.start() < *to));
    let mut first = head.finals;
    let mut superseded = None;
    if let (Some(span), Some(known_to)) = (head.tail, known_to) {
        let stretch = recent.slice(head.finals..recent.len());
        let known_from = edge_at.filter(|known_from| *known_from < now);
        superseded = known_from.map(|from| Version { span, stretch }.superseded(from, now));
        // What was asked for before there was anything behind it says nothing of that.
        let is_later = edge_at.is_some_and(|edge_at| known_to <= edge_at);
        head.tail = Span::new(known_to, span.end()).filter(|_| is_later);
        let kept = match head.tail {
            Some(tail) => recent.bars.times.partition_point(|ms| *ms < tail.start().as_ms()),
            None => recent.len(),
        };
        first = first.max(kept);
    }
    let tail = recent.slice(first..recent.len());
    let ended = head.ended.saturating_sub(first);
    head.finals = finals.len();
    head.ended = finals.len() + ended.min(tail.len());
    let all = finals.over(&tail);
    (head.runs, head.recent) = (all.runs(), all.bars);
    superseded
}

/// Moves final bars into chunks, if there are many.
fn seal(
    fill: &mut Fill,
    interval: Interval,
    load: &dyn Fn(&[ChunkRef]) -> Vec<Option<crate::market::Bars>>,
) -> Vec<crate::tier::series::Chunk> {
    // A damaged chunk is forgotten when it is met, so each round meets fewer.
    for _ in 0..=fill.head.chunks.len() {
        let mut head = fill.head.clone();
        let settled = settle(&mut head, interval, &mut |refs| {
            let chunks = fill.open(refs.to_vec(), load);
            let is_whole = chunks.len() == refs.len();
            is_whole.then(|| chunks.into_iter().map(|(_, bars)| bars).collect()).ok_or(())
        });
        if let Ok(chunks) = settled {
            fill.head = head;
            return chunks;
        }
    }
    Vec::new()
}
