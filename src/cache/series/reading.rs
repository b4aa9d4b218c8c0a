//! Bars, and what is worked out of them, as they are answered.
//!
//! What is read is as of now: prices are adjusted for what has happened since they were fetched, days
//! become weeks, and the values of other types are worked out. Nothing that is worked out is stored.

use std::sync::Arc;

use super::Slice;
use super::fill::Fill;
use super::standing::{Part, named};
use crate::cache::lookup::Found;
use crate::cache::{Cache, Question};
use crate::calendar::Date;
use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::market::{
    About, Actions, BarSeries, Bars, Class, DataType, Derived, Gap, Interval, Reading, Resampled,
    Series, SessionKind, adjust, inflation_rate, resample,
};
use crate::policy::Known;
use crate::span::Span;
use crate::tier::Tier as _;
use crate::tier::series::{ChunkRef, Head};
use crate::time::Timestamp;

/// What is read for one answer.
pub(in crate::cache) struct Told {
    /// The entry, under the name of what is read.
    pub(in crate::cache) entry: Arc<Entry>,
    /// The bars, if it is bars.
    pub(in crate::cache) reading: Option<Arc<Reading>>,
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
        let (entry, provider) = (&found.entry, &found.entry.provider);
        let Some(slice) = question.slice.as_ref().filter(|_| !entry.is_put()) else {
            return Some(Told { entry: Arc::clone(entry), reading: None });
        };
        let Some(part) = &found.part else {
            return Some(Told { entry: self.observations(question, slice, entry), reading: None });
        };
        let mut fill =
            Fill { head: part.head.clone(), chunks: part.chunks.clone(), ..Fill::default() };
        let wanted = part.span.map(|span| {
            let (from, to) = (span.start().as_ms(), span.end().as_ms());
            (from..to, fill.head.within(from, to).to_vec())
        });
        let (span_ms, refs) = wanted.unwrap_or((0..0, Vec::new()));
        let count = refs.len();
        let chunks = fill.open(refs, &|refs| self.chunks(question, provider, refs));
        if chunks.len() < count {
            return None;
        }
        let mut read = fill.head.read(span_ms.clone(), &chunks);
        if slice.final_only {
            read.bars = read.bars.slice(0..read.finals);
            read.ended = read.finals;
        }
        let now = self.clock.now();
        let actions = self.actions(question, slice, provider, &fill.head);
        adjust(&mut read.bars, &read.runs, &actions, slice.adjust, now.as_ms());
        let pays_nothing = question.symbol.class() != Class::Stock;
        if pays_nothing && read.bars.adjusted.iter().all(|adjusted| adjusted.is_nan()) {
            read.bars.adjusted.clone_from(&read.bars.close);
        }
        let about = || About {
            symbol: question.symbol.to_string(),
            asset_class: question.symbol.class().as_str().to_owned(),
            provider: provider.to_string(),
            currency: fill.head.currency.clone(),
        };
        let derived = match question.data_type {
            DataType::Dividends => {
                Some(Derived::dividends(about(), &actions, &span_ms, now.as_ms()))
            }
            DataType::Splits => Some(Derived::splits(about(), &actions, &span_ms)),
            DataType::AdjustedClose => Some(Derived::adjusted_close(about(), &read.bars)),
            DataType::TotalReturn => Some(Derived::total_return(about(), &read.bars)),
            _ => None,
        };
        if let Some(derived) = derived {
            let body = serde_json::to_vec(&derived).unwrap_or_default();
            return Some(Told {
                entry: Arc::new(worked_out(entry, &question.read_as, body)),
                reading: None,
            });
        }
        let interval = slice.interval;
        let Resampled { bars, finals, ended } = match interval {
            Interval::Week1 | Interval::Month1 => {
                let exchange = self.rules.exchange(&question.key, &found.known);
                let is_over = |day: i32| {
                    let start = exchange.map(|exchange| {
                        self.calendars().day_start(exchange, Date::from_days(day.into()))
                    });
                    start.unwrap_or(Timestamp::from_seconds(i64::from(day) * 86_400)) <= now
                };
                resample(&read.bars, read.finals, read.ended, interval, &is_over)
            }
            _ => Resampled { bars: read.bars, finals: read.finals, ended: read.ended },
        };
        let About { symbol, asset_class, provider, currency } = about();
        let series = BarSeries {
            symbol,
            asset_class,
            provider,
            interval,
            currency,
            adjust: slice.adjust,
            bars,
            finals,
            ended,
            missing: missing(part, why),
        };
        let entry = Arc::new(worked_out(entry, &question.read_as, Vec::new()));
        Some(Told { entry, reading: Some(Arc::new(Reading::Bars(series))) })
    }

    /// What is known of splits and dividends: of a symbol's shorter bars, also what its days know.
    fn actions(&self, question: &Question, slice: &Slice, provider: &str, head: &Head) -> Actions {
        if !slice.stored().is_intraday() || question.symbol.class() != Class::Stock {
            return head.actions.clone();
        }
        let daily = Key::of_bars(&question.symbol, Interval::Day1, SessionKind::Regular);
        let shelf = self.disk().and_then(|disk| disk.get(&daily).ok()?);
        let days = shelf.and_then(|shelf| {
            let stored = shelf.iter().find(|stored| &*stored.entry.provider == provider)?.clone();
            Head::from_body(&stored.entry.body).ok()
        });
        days.map_or_else(|| head.actions.clone(), |days| head.actions.merge(&days.actions))
    }

    /// The observations of a macro series that are asked for.
    fn observations(&self, question: &Question, slice: &Slice, entry: &Arc<Entry>) -> Arc<Entry> {
        let Ok(mut series) = serde_json::from_slice::<Series>(&entry.body) else {
            return Arc::clone(entry);
        };
        if question.data_type == DataType::InflationRate {
            series = inflation_rate(&series);
        }
        if let Ok(span) = self.span(question, slice, &Known::default()) {
            let in_span =
                |date: &str| Timestamp::from_date(date).is_some_and(|at| span.contains(at));
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
