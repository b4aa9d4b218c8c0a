//! What is noticed of what came without being a reason to refuse it: a price that looks wrong, a quote
//! that does not move.
//!
//! Nothing is changed and nothing is stored: it is worked out again when bars, or a quote, are read.
//! What only the quote before shows is said to whoever had the new one fetched.

use super::errand::Errand;
use super::lookup::Missing;
use super::record::bars::Cell;
use super::{Answer, Cache, Question, Served};
use crate::calendar::Date;
use crate::entry::Format;
use crate::market::{BarSeries, DataType, Fault, FaultKind, Record, Traded, is_unit_flip};
use crate::number::Number;
use crate::policy::{Frozen, Known};
use crate::provider::Speech;
use crate::time::Timestamp;
use crate::upstream::{Asked, Given};
use crate::warning::Warning;

/// What was noticed of a quote as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// What looks wrong.
    pub faults: Vec<Fault>,
    /// That it does not move.
    pub frozen: Option<Frozen>,
    /// The price, and what it is a hundred times of, or a hundredth.
    flipped: Option<(Number, Number)>,
}

impl Cache {
    /// What is to be noticed of what came, if it is a quote.
    pub(super) fn noticed(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        missing: &Missing,
        asked: &Asked,
        at: Timestamp,
        known: &Known,
    ) -> Option<Noticed> {
        let Ok(Given::Record(Record::Quote(quote))) = &asked.outcome else { return None };
        let held = missing.of_the_asked(question).map(|found| &*found.entry);
        let is_invented = {
            let site = errand.sites.get(question.providers.first()?)?;
            site.speech == Speech::Demo
        };
        let frozen = (!is_invented)
            .then(|| self.rules.frozen(&question.key, known, quote, held, at))
            .flatten();
        let before = || held.and_then(|held| Traded::read(&held.body)).map(|before| before.price);
        let close = quote.previous_close.as_ref();
        let is_marked = self.rules.marks_faults;
        let flipped = is_marked.then(|| flipped(&quote.price, close, before)).flatten();
        Noticed::of(frozen, flipped)
    }

    /// Says of a quote what looks wrong of it, of which that was not noticed as it came: it was held, or
    /// confirmed, or another process's.
    pub(super) fn notice_held(&self, question: &Question, answer: &mut Answer) {
        let Ok(Served { entry, noticed: None, .. }) = &answer.outcome else { return };
        let is_sent = entry.format == Format::Json && !entry.is_put();
        if question.data_type != DataType::Quote || !is_sent || !self.rules.marks_faults {
            return;
        }
        let Some(held) = Traded::read(&entry.body) else { return };
        let flipped = flipped(&held.price, held.previous_close.as_ref(), || None);
        if let Some(noticed) = Noticed::of(None, flipped) {
            noticed.tell(question, answer, self.clock.now());
        }
    }
}

/// The price of a quote, and what it is in another unit than: the close before, or the price that it
/// takes the place of.
fn flipped(
    price: &Number,
    close: Option<&Number>,
    before: impl FnOnce() -> Option<Number>,
) -> Option<(Number, Number)> {
    let differs = |beside: &Number| is_unit_flip(price.as_f64(), beside.as_f64());
    let beside = close.filter(|close| differs(close)).cloned();
    let beside = beside.or_else(|| before().filter(differs))?;
    Some((price.clone(), beside))
}

impl Noticed {
    /// What there is to say, if there is anything.
    fn of(frozen: Option<Frozen>, flipped: Option<(Number, Number)>) -> Option<Self> {
        let fault = Fault { time: None, day: None, kind: FaultKind::Unit, field: Some("price") };
        let faults: Vec<Fault> = flipped.iter().map(|_| fault).collect();
        (frozen.is_some() || flipped.is_some()).then_some(Self { faults, frozen, flipped })
    }

    /// Says it with an answer, if that is the quote.
    pub(super) fn tell(&self, question: &Question, answer: &mut Answer, at: Timestamp) {
        let Ok(served) = &mut answer.outcome else { return };
        served.noticed = Some(Box::new(self.clone()));
        let symbol = question.symbol.to_string();
        if let Some((price, beside)) = &self.flipped {
            let what = format!(
                "the price of {price} looks wrong beside {beside}: another unit, such as pence for \
                 pounds? nothing is changed"
            );
            answer.warnings.push(Warning::LooksWrong { symbol: symbol.clone(), what });
        }
        if let Some(Frozen { since, exchange }) = self.frozen {
            answer.warnings.push(Warning::Frozen {
                symbol,
                provider: served.entry.provider.to_string(),
                since,
                still: at.since(since),
                exchange: exchange.to_string(),
            });
        }
    }
}

/// What is said of bars that look wrong.
pub(super) fn looks_wrong(answer: &Answer) -> Option<Warning> {
    let series = answer.outcome.as_ref().ok()?.bars.as_deref()?;
    let first = series.faults.first()?;
    let mut bars: Vec<_> = series.faults.iter().map(|fault| fault.time).collect();
    bars.dedup();
    let (count, s, look) =
        if bars.len() == 1 { (1, "", "looks") } else { (bars.len(), "s", "look") };
    let what = format!(
        "{count} bar{s} {look} wrong, first {}; nothing is changed, -f json has all under \
         cache.faults",
        of_bar(series, first)
    );
    Some(Warning::LooksWrong { symbol: series.symbol.clone(), what })
}

/// What looks wrong of a bar.
fn of_bar(series: &BarSeries, fault: &Fault) -> String {
    let time = fault.time.unwrap_or_default();
    let when = match fault.day {
        Some(day) => Date::from_days(day.into()).to_string(),
        None => Timestamp::from_ms(time).to_string(),
    };
    let place = series.bars.times.binary_search(&time).ok();
    let field = fault.field.unwrap_or("close").replace('_', " ");
    let cell = Cell::of(fault.field.unwrap_or("close"));
    let value = place.and_then(|at| cell.number(series, at));
    let value = value.map(|value| format!(" of {value}")).unwrap_or_default();
    match fault.kind {
        FaultKind::Unit => {
            format!(
                "the {field}{value} of {when}, a hundred times what stands beside it or a hundredth"
            )
        }
        FaultKind::AdjustedCloseMissing => format!("the {field} of {when}, which is missing"),
    }
}
