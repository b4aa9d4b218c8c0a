//! Bars, and what is worked out of them, as they are answered.
//!
//! What is read is as of now: prices are adjusted for what has happened since they were fetched, days
//! become weeks, and the values of other types are worked out. Nothing that is worked out is stored.

use std::ops::Range;
use std::sync::Arc;

use super::Slice;
use super::standing::{Part, named};
use crate::cache::lookup::Found;
use crate::cache::{Cache, Question};
use crate::calendar::{Date, Exchange};
use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::market::{
    About, Actions, Adjust, BarSeries, Bars, Class, DataType, Derived, Gap, Interval, Resampled,
    Series, SessionKind, adjust, faults, inflation_rate, resample,
};
use crate::policy::finality::next_day;
use crate::policy::{Asked, Known, Period};
use crate::span::Span;
use crate::tier::Tier as _;
use crate::tier::series::{ChunkRef, Head};
use crate::time::Timestamp;

/// What is read for one answer.
pub(in crate::cache) struct Told {
    /// The entry, under the name of what is read.
    pub(in crate::cache) entry: Arc<Entry>,
    /// The bars, if it is bars.
    pub(in crate::cache) bars: Option<Arc<BarSeries>>,
}

/// The bars of a part as they are held, adjusted.
struct Gathered {
    bars: Bars,
    finals: usize,
    ended: usize,
    actions: Actions,
}

impl Cache {
    /// Reads what a question asks for out of what was found; `why` says why something is missing.
    /// None if some of it is damaged, or was replaced meanwhile: it must be looked up again.
    pub(in crate::cache) fn tell(
        &self,
        question: &Question,
        found: &Found,
        why: &str,
    ) -> Option<Told> {
        let entry = &found.entry;
        let Some(slice) = question.slice.as_ref().filter(|_| !entry.is_put()) else {
            return Some(Told { entry: Arc::clone(entry), bars: None });
        };
        let Some(part) = &found.part else {
            return Some(Told { entry: self.observations(question, slice, entry), bars: None });
        };
        let gathered = self.gather(question, slice, found, part)?;
        let about = About {
            symbol: question.symbol.to_string(),
            asset_class: question.symbol.class().as_str().to_owned(),
            provider: entry.provider.to_string(),
            currency: part.head.currency.clone(),
        };
        if question.data_type != DataType::Bars {
            let derived = self.derived(question, slice, part, about, &gathered);
            let body = serde_json::to_vec(&derived).unwrap_or_default();
            let entry = Arc::new(worked_out(entry, &question.read_as, body));
            return Some(Told { entry, bars: None });
        }
        let is_marked = self.rules.marks_faults;
        let known = || faults(&gathered.bars, &gathered.actions.splits);
        let faults = if is_marked { known() } else { Vec::new() };
        let mut read = self.resampled(question, slice, found, part, gathered);
        if slice.interval != slice.stored() {
            self.cut(question, slice, found, part, &mut read);
        }
        let Resampled { bars, finals, ended } = read;
        let series = BarSeries {
            symbol: about.symbol,
            asset_class: about.asset_class,
            provider: about.provider,
            interval: slice.interval,
            currency: about.currency,
            adjust: slice.adjust,
            bars,
            finals,
            ended,
            missing: missing(part, why),
            faults,
        };
        let entry = Arc::new(worked_out(entry, &question.read_as, Vec::new()));
        Some(Told { entry, bars: Some(Arc::new(series)) })
    }

    /// The bars of a part, as of now.
    fn gather(
        &self,
        question: &Question,
        slice: &Slice,
        found: &Found,
        part: &Part,
    ) -> Option<Gathered> {
        let provider = &found.entry.provider;
        let span_ms = span_ms(part);
        let refs = part.head.within(span_ms.start, span_ms.end);
        let (held, unread): (Vec<_>, Vec<_>) =
            refs.iter().cloned().partition(|chunk| part.chunks.contains_key(&chunk.id));
        let read =
            if unread.is_empty() { Vec::new() } else { self.chunks(question, provider, &unread) };
        let read: Option<Vec<_>> =
            unread.into_iter().zip(read).map(|(chunk, bars)| Some((chunk, bars?))).collect();
        let mut chunks = read?;
        chunks.extend(held.into_iter().filter_map(|chunk| {
            let bars = part.chunks.get(&chunk.id)?.clone();
            Some((chunk, bars))
        }));
        let mut read = part.head.read(span_ms, &chunks);
        if slice.final_only {
            (read.bars, read.ended) = (read.bars.slice(0..read.finals), read.finals);
        }
        let actions = self.actions(question, slice, provider, &part.head);
        let now_ms = self.read_at(slice).as_ms();
        adjust(&mut read.bars, &read.runs, &actions, slice.adjust, now_ms);
        let pays_nothing = question.symbol.class() != Class::Stock;
        if pays_nothing && read.bars.adjusted.iter().all(|adjusted| adjusted.is_nan()) {
            read.bars.adjusted.clone_from(&read.bars.close);
        }
        Some(Gathered { bars: read.bars, finals: read.finals, ended: read.ended, actions })
    }

    /// What is worked out of bars.
    fn derived(
        &self,
        question: &Question,
        slice: &Slice,
        part: &Part,
        about: About,
        gathered: &Gathered,
    ) -> Derived {
        let Gathered { bars, actions, .. } = gathered;
        match question.data_type {
            DataType::Dividends => {
                let at_ms = self.read_at(slice).as_ms();
                let at_ms = (slice.adjust != Adjust::None).then_some(at_ms);
                Derived::dividends(about, actions, &span_ms(part), at_ms)
            }
            DataType::Splits => Derived::splits(about, actions, &span_ms(part)),
            DataType::TotalReturn => Derived::total_return(about, bars),
            _ => Derived::adjusted_close(about, bars),
        }
    }

    /// Leaves out weeks and months of which days are missing, and those that are not final if only
    /// final ones are wanted.
    fn cut(
        &self,
        question: &Question,
        slice: &Slice,
        found: &Found,
        part: &Part,
        read: &mut Resampled,
    ) {
        let exchange = self.rules.exchange(&question.key, &found.known).unwrap_or(Exchange::ALWAYS);
        let start = |date| self.calendars().day_start(exchange, date);
        let is_whole = |day: i32| {
            let date = Date::from_days(day.into());
            let span = Span::new(start(date), start(next_day(slice.interval, date)));
            let meets = |hole: &Span| span.is_some_and(|span| span.intersection(*hole).is_some());
            !part.holes.iter().any(meets)
        };
        let most = if slice.final_only { read.finals } else { read.bars.len() };
        let mut kept = Resampled::default();
        for at in (0..most).filter(|at| is_whole(read.bars.days[*at])) {
            kept.bars.push(read.bars.bar(at));
            kept.finals += usize::from(at < read.finals);
            kept.ended += usize::from(at < read.ended);
        }
        *read = kept;
    }

    /// Weeks or months of days, if those are asked for.
    fn resampled(
        &self,
        question: &Question,
        slice: &Slice,
        found: &Found,
        part: &Part,
        gathered: Gathered,
    ) -> Resampled {
        let Gathered { bars, finals, ended, .. } = gathered;
        if slice.interval == slice.stored() {
            return Resampled { bars, finals, ended };
        }
        let exchange = self.rules.exchange(&question.key, &found.known);
        let exchange = exchange.unwrap_or(Exchange::ALWAYS);
        // Of what is final no more is read than up to the end of the part: what follows may have days
        // that are not.
        let now = self.read_at(slice);
        let now =
            if slice.final_only { part.span.map_or(now, |span| now.min(span.end())) } else { now };
        let has_begun =
            |day: i32| self.calendars().day_start(exchange, Date::from_days(day.into())) <= now;
        resample(&bars, finals, ended, slice.interval, &has_begun)
    }

    /// What is known of splits and dividends: of a symbol's shorter bars, also what its days know.
    pub(super) fn actions(
        &self,
        question: &Question,
        slice: &Slice,
        provider: &str,
        head: &Head,
    ) -> Actions {
        if !slice.stored().is_intraday() || question.symbol.class() != Class::Stock {
            return head.actions.clone();
        }
        let daily = Key::of_bars(&question.symbol, Interval::Day1, SessionKind::Regular);
        let shelf = self.disk().and_then(|disk| disk.get(&daily).ok()?);
        let days = shelf.and_then(|shelf| {
            let stored = shelf.iter().find(|stored| &*stored.entry.provider == provider)?.clone();
            Head::from_body(&stored.entry.body).ok()
        });
        let at_ms = self.read_at(slice).as_ms();
        let known = |days: Head| head.actions.merge(&days.actions.known_at(at_ms));
        days.map_or_else(|| head.actions.clone(), known)
    }

    /// The observations of a macro series that are asked for.
    ///
    /// Where nobody says from when, or until when, there is no such bound: agencies publish values of
    /// times before there were markets, and of times to come.
    fn observations(&self, question: &Question, slice: &Slice, entry: &Arc<Entry>) -> Arc<Entry> {
        let Asked { from, to, period } = slice.asked;
        let is_begun = from.is_some() || period.is_some_and(|period| period != Period::Max);
        let is_ended = to.is_some();
        if question.data_type == DataType::Series && !is_begun && !is_ended {
            return Arc::clone(entry);
        }
        let Ok(mut series) = serde_json::from_slice::<Series>(&entry.body) else {
            return Arc::clone(entry);
        };
        if question.data_type == DataType::InflationRate {
            series = inflation_rate(&series);
        }
        if let Ok(span) = self.span(question, slice, &Known::default(), self.read_at(slice)) {
            let in_span = |date: &str| {
                Timestamp::from_date(date).is_some_and(|at| {
                    (!is_begun || span.start() <= at) && (!is_ended || at < span.end())
                })
            };
            series.observations.retain(|observation| in_span(&observation.date));
        }
        let body = serde_json::to_vec(&series).unwrap_or_default();
        Arc::new(worked_out(entry, &question.read_as, body))
    }

    /// The bars of chunks; damage is set aside, and any trouble said.
    pub(super) fn chunks(
        &self,
        question: &Question,
        provider: &str,
        refs: &[ChunkRef],
    ) -> Vec<Option<Bars>> {
        let none = || vec![None; refs.len()];
        self.read_chunks(&question.key, provider, refs).unwrap_or_else(none)
    }
}

/// The span of a part in milliseconds; nothing, if there is none.
fn span_ms(part: &Part) -> Range<i64> {
    part.span.map_or(0..0, |span| span.start().as_ms()..span.end().as_ms())
}

/// The spans that an answer lacks.
fn missing(part: &Part, why: &str) -> Vec<Gap> {
    let gap = |hole: &Span| Gap {
        from_ms: hole.start().as_ms(),
        to_ms: hole.end().as_ms(),
        why: why.to_owned(),
    };
    part.holes.iter().map(gap).collect()
}

/// The entry of what was worked out of another.
fn worked_out(entry: &Entry, read_as: &Key, body: Vec<u8>) -> Entry {
    Entry { format: Format::Json, body: body.into(), ..named(entry, read_as) }
}
