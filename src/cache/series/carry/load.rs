//! What is held of a series, cut out of it to be carried.
//!
//! It reads what the disk holds and changes nothing.

use std::sync::Arc;

use super::clipped;
use crate::cache::series::Slice;
use crate::cache::series::fill::Fill;
use crate::cache::{Cache, Question};
use crate::entry::Format;
use crate::error::{Error, Kind};
use crate::market::DataType;
use crate::policy::plan::holes;
use crate::policy::{Finality, Known};
use crate::span::{Span, Spans};
use crate::tier::Stored;
use crate::tier::series::parcel::{Content, Section};
use crate::tier::series::{Head, Stretch};

/// A series that can be carried.
#[derive(Debug)]
pub struct Loaded {
    /// What is carried.
    pub section: Section,
    /// How many bars, or observations, that are.
    pub bars: usize,
    /// From when to when bars are known that are carried.
    pub spans: Spans,
    /// What was meant and is not held.
    pub missing: Spans,
}

impl Cache {
    /// Cuts what a question is about out of what is held of the best provider that has any of it.
    /// Nobody is asked. Without a start it is all that is held, and without an end all that is held
    /// from there on.
    pub fn load(&self, question: &Question) -> Result<Loaded, Error> {
        let shelf = self.read_disk(&question.key);
        let of = |provider: &str| {
            let mut shelf = shelf.iter().flat_map(|shelf| shelf.iter());
            let stored = shelf.find(|stored| &*stored.entry.provider == provider)?;
            let is_value = stored.entry.format != Format::NotFound;
            (is_value && self.rules.is_defined_so(&stored.entry, &stored.known)).then_some(stored)
        };
        let is_bare = |stored: &&Stored| {
            !Head::from_body(&stored.entry.body).is_ok_and(|head| !head.is_bare())
        };
        let best = question.providers.iter().filter_map(|name| of(name)).min_by_key(is_bare);
        let (Some(stored), Some(slice)) = (best, &question.slice) else {
            return Err(self.with_others(question, nothing(question)));
        };
        if question.data_type == DataType::Series {
            return Ok(observations(stored));
        }
        self.load_bars(question, slice, stored)
    }

    fn load_bars(
        &self,
        question: &Question,
        slice: &Slice,
        Stored { entry, known, .. }: &Stored,
    ) -> Result<Loaded, Error> {
        let head = Head::from_body(&entry.body).map_err(|_| nothing(question))?;
        let finality = self.finality(question, slice, &entry.provider, known);
        let wanted = self.meant(question, slice, known, &finality, &head);
        let wanted = wanted?.ok_or_else(|| nothing(question))?;
        let (from, to) = (wanted.start().as_ms(), wanted.end().as_ms());
        let mut fill = Fill { head, ..Fill::default() };
        let refs = fill.head.within(from, to).to_vec();
        let chunks = fill.open(refs, &|refs| self.chunks(question, &entry.provider, refs));
        // What is damaged is forgotten by now, and missing.
        let read = fill.head.read(from..to, &chunks);
        let bars = Stretch::new(read.bars.slice(0..read.finals), &read.runs);
        let coverage = clipped(&fill.head.coverage, wanted);
        let spans = coverage.spans();
        if spans.is_empty() {
            return Err(nothing(question));
        }
        let could_begin = |hole| finality.could_begin(hole);
        let missing = holes(wanted, &spans, &could_begin);
        let newest = coverage.rows().iter().map(|row| row.fetched_at).max();
        let head = Head {
            currency: fill.head.currency.clone(),
            exchange: fill.head.exchange.clone(),
            first_trade_ms: fill.head.first_trade_ms,
            actions: self.actions(question, slice, &entry.provider, &fill.head),
            actions_at: fill.head.actions_at,
            coverage,
            ..Head::default()
        };
        let section = Section {
            key: question.key.clone(),
            provider: entry.provider.clone(),
            fetched_at: newest.unwrap_or(entry.fetched_at),
            content: Content::Bars { head: Box::new(head), bars: Box::new(bars) },
        };
        let bars = read.finals;
        Ok(Loaded { section, bars, spans, missing })
    }

    /// The span that is meant: where it is not said when it begins or ends, as far as bars are held.
    fn meant(
        &self,
        question: &Question,
        slice: &Slice,
        known: &Known,
        finality: &Finality<'_>,
        head: &Head,
    ) -> Result<Option<Span>, Error> {
        let Some(held) = head.coverage.spans().bounds() else { return Ok(None) };
        let exchange = self.rules.exchange(&question.key, known);
        let said = slice.asked.span(slice.interval, self.calendars(), exchange, self.clock.now());
        let said = said.map_err(|usage| {
            let error = Error::new(Kind::Unsupported, usage.message);
            if let Some(hint) = usage.hint { error.hint(hint) } else { error }
        })?;
        let is_begun = slice.asked.from.is_some() || slice.asked.period.is_some();
        let start = if is_begun { said.start() } else { held.start() };
        let end = if slice.asked.to.is_some() {
            said.end().min(finality.horizon(self.clock.now()))
        } else {
            held.end()
        };
        Ok(Span::new(start, end))
    }
}

/// A macro series, which is carried whole.
fn observations(Stored { entry, .. }: &Stored) -> Loaded {
    let entry = Arc::clone(entry);
    let series = serde_json::from_slice::<crate::market::Series>(&entry.body).ok();
    Loaded {
        bars: series.map_or(0, |series| series.observations.len()),
        spans: Spans::new(),
        missing: Spans::new(),
        section: Section {
            key: entry.key.clone(),
            provider: entry.provider.clone(),
            fetched_at: entry.fetched_at,
            content: Content::Observations(entry.body.clone()),
        },
    }
}

/// The error for what is not held.
fn nothing(question: &Question) -> Error {
    let (key, symbol, data_type) = (&question.key, &question.symbol, question.data_type.as_str());
    let interval = question.slice.as_ref().filter(|_| question.is_of_bars());
    let interval = interval.map(|slice| format!(" -i {}", slice.interval.as_str()));
    let provider = question.providers.first().filter(|_| question.pinned);
    let provider = provider.map(|provider| format!(" -p {provider}"));
    let options = [interval, provider].map(Option::unwrap_or_default).concat();
    Error::new(Kind::Offline, format!("nothing final is held of `{key}`")).hint(format!(
        "`mcache fetch {symbol} -t {data_type}{options}` fetches it first; `mcache keys` shows what \
         is held"
    ))
}
