//! What a question comes to: a value with how it was come by, or why there is none, and what is to be
//! said besides.
//!
//! Nothing is looked up here and nothing is asked.

use std::sync::Arc;
use std::time::Duration;

use super::{Filled, Noticed, Question, Quorum};
use crate::entry::{Entry, Life};
use crate::error::{Error, Kind};
use crate::market::{BarSeries, Gap};
use crate::policy::Known;
use crate::time::Timestamp;
use crate::warning::Warning;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The memory tier.
    Memory,
    /// The disk tier.
    Disk,
    /// A provider.
    Upstream,
}

impl AnsweredBy {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Upstream => "upstream",
        }
    }
}

/// What an answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Fresh, from a tier.
    Hit,
    /// From a tier, past its time, or in place of a newer one that could not be had.
    Stale,
    /// Asked of upstream.
    Miss,
    /// Asked of upstream because of `--refresh`, or confirmed by it as unchanged.
    Refresh,
}

impl Status {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Stale => "stale",
            Self::Miss => "miss",
            Self::Refresh => "refresh",
        }
    }
}

/// A value and how it was come by.
#[derive(Clone, Debug)]
pub struct Served {
    /// The value.
    pub entry: Arc<Entry>,
    /// How long it lives by the rules in force and the terms of the request.
    pub life: Life,
    /// What is known of it, by which that is so.
    pub known: Known,
    /// What the answer was.
    pub status: Status,
    /// Where it came from.
    pub answered_by: AnsweredBy,
    /// The requests that this answer cost.
    pub upstream_calls: u32,
    /// The bars, if it is bars: the entry has no value of its own then.
    pub bars: Option<Arc<BarSeries>>,
    /// What was noticed of a quote as it came.
    pub noticed: Option<Box<Noticed>>,
}

/// What a question came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The value, or why there is none.
    pub outcome: Result<Served, Error>,
    /// What should be known although the answer stands.
    pub warnings: Vec<Warning>,
    /// Who was passed over for whoever gave it.
    pub passed: Vec<PassedOver>,
    /// What several providers said, if they were asked.
    pub quorum: Option<Box<Quorum>>,
    /// The requests that an error cost; a value tells of its own.
    pub calls_of_error: u32,
    /// How long it took.
    pub took: Duration,
}

impl Answer {
    /// What it came to, and nothing else to be said of it.
    pub fn new(outcome: Result<Served, Error>, took: Duration) -> Self {
        let (warnings, passed) = (Vec::new(), Vec::new());
        Self { outcome, warnings, passed, quorum: None, calls_of_error: 0, took }
    }

    /// The requests that it cost.
    pub fn calls(&self) -> u32 {
        self.outcome.as_ref().map_or(self.calls_of_error, |served| served.upstream_calls)
    }
}

/// A provider that did not answer, so that the next of its chain was asked.
#[derive(Clone, Debug)]
pub struct PassedOver {
    /// Who.
    pub provider: Box<str>,
    /// Why.
    pub error: Error,
}

/// What is told of a question while it is answered.
#[derive(Clone, Debug)]
pub enum News {
    /// A page of its series has been kept, and how far that is.
    Page(Filled),
    /// What it came to: nothing is told of it after this.
    Answer(Box<Answer>),
}

/// The user stopped the command; what had come by then was stored and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("interrupted")]
pub struct Interrupted;

/// The cache could not do what it was told; why was said as a warning.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Undone(pub(super) String);

/// Why a question is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Somebody wants the answer: it counts as a request.
    Read,
    /// So that a later read is a hit: only what it costs counts.
    Warm,
}

/// What an answer lacks.
pub(super) fn partial(answer: &Answer) -> Vec<Warning> {
    let bars = answer.outcome.as_ref().ok().and_then(|served| served.bars.as_ref());
    let warning = |bars: &BarSeries, gap: &Gap| Warning::Partial {
        symbol: bars.symbol.clone(),
        from: Timestamp::from_ms(gap.from_ms),
        to: Timestamp::from_ms(gap.to_ms),
        why: gap.why.clone(),
    };
    bars.map(|bars| bars.missing.iter().map(|gap| warning(bars, gap)).collect()).unwrap_or_default()
}

/// Says of a name that nobody knows that it reads like an exchange rate, if it does.
pub(super) fn point_to_rate(question: &Question, answer: &mut Answer) {
    if let Err(error) = &mut answer.outcome
        && error.kind == Kind::NotFound
        && let Some(rate) = question.symbol.as_rate()
    {
        let (class, subject) = (question.symbol.class().as_str(), rate.subject());
        error.hint = Some(format!("it was asked for as {class}; `{subject}` is the exchange rate"));
    }
}
