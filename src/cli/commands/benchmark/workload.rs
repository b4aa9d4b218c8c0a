//! Many reads as several programs make them, to count what a cache saves.
//!
//! What is simulated: eight programs, each of which asks for ten symbols every two seconds, so a
//! run of the program every quarter of a second. Which symbols is Zipf's law with exponent 1, the
//! same in every benchmark. Each run opens the cache anew, as a process does, with a clock that
//! stands a quarter of a second later than the last one's; an answer is fresh for 30 seconds,
//! which is the shipped rule for quotes of stocks. The cache is empty at the start. Upstream
//! answers at once: what is counted does not depend on how long it takes.

use std::time::Duration;

use serde::Serialize;

use super::stage::{Pace, Stage};
use super::zipf::{Random, Zipf};
use crate::cache::{Dimension, Question, Report, Row};
use crate::clock::Clock;
use crate::policy::Terms;

/// How many symbols one run asks for.
const READS_A_RUN: usize = 10;

/// The simulated time from one run to the next.
const EVERY: Duration = Duration::from_millis(250);

/// How long an answer is fresh: the shipped rule for quotes of stocks.
const TTL: Duration = Duration::from_secs(30);

/// A nominal price of one call, to have something to add up.
const COST_PER_CALL: f64 = 0.01;

/// One in so many symbols is hot.
const HOT: usize = 10;

/// The folder that all of this happens in.
const FOLDER: &str = "workload";

/// What was simulated and what came of it. Shares are percent.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Workload {
    /// The law by which symbols are read.
    distribution: &'static str,
    symbols: usize,
    /// Openings of the cache, each a process of its own.
    runs: usize,
    reads_per_run: usize,
    /// All reads.
    pub(super) reads: i64,
    simulated_seconds: f64,
    ttl_seconds: f64,
    /// Reads that the cache answered.
    pub(super) hit_rate_percent: f64,
    /// The symbols that are read most: one in ten.
    hot_symbols: usize,
    hot_reads: i64,
    /// Reads of those that the cache answered.
    pub(super) hot_hit_rate_percent: f64,
    upstream_calls: i64,
    /// Calls for a hundred reads.
    pub(super) upstream_percent: f64,
    calls_saved: i64,
    /// Reads that cost no call.
    pub(super) calls_saved_percent: f64,
    cost_per_call: f64,
    cost_spent: f64,
    cost_saved: f64,
    /// What was not spent of what the reads would have cost uncached.
    pub(super) cost_saved_percent: f64,
}

/// Plays so many runs.
pub(super) fn play(
    stage: &Stage<'_>,
    questions: &[Question],
    runs: usize,
) -> anyhow::Result<Workload> {
    let zipf = Zipf::over(u32::try_from(questions.len()).unwrap_or(u32::MAX));
    let mut random = Random::seeded(1);
    let start = stage.config.clock().now();
    for run in 0..runs {
        let read: Vec<Question> =
            (0..READS_A_RUN).map(|_| questions[zipf.next(&mut random)].clone()).collect();
        let cache = stage.open(FOLDER, Pace::Quick, |options| {
            options.rules.default_ttl = TTL;
            options.clock = Clock::starting_at(start + simulated(run));
        })?;
        stage.ask_all(&cache, &read, &Terms::default(), |_| {})?;
    }
    let cache = stage.open(FOLDER, Pace::Quick, |_| {})?;
    let report = cache.report(None, &[], &|_| COST_PER_CALL);
    let by_symbol = cache.report_by(Dimension::Symbol, None, usize::MAX);
    Ok(Workload::of(&report, &by_symbol, questions, runs))
}

fn simulated(runs: usize) -> Duration {
    EVERY * u32::try_from(runs).unwrap_or(u32::MAX)
}

impl Workload {
    fn of(report: &Report, by_symbol: &[Row], questions: &[Question], runs: usize) -> Self {
        let hot = &questions[..questions.len().div_ceil(HOT)];
        let is_hot = |row: &&Row| hot.iter().any(|question| question.symbol.name() == row.name);
        let (hot_reads, hot_hits) = by_symbol
            .iter()
            .filter(is_hot)
            .fold((0, 0), |(reads, hits), row| (reads + row.requests, hits + row.hits));
        let cost = report.cost;
        Self {
            distribution: "zipf(1.0)",
            symbols: questions.len(),
            runs,
            reads_per_run: READS_A_RUN,
            reads: report.requests,
            simulated_seconds: simulated(runs).as_secs_f64(),
            ttl_seconds: TTL.as_secs_f64(),
            hit_rate_percent: percent(report.requests - report.misses, report.requests),
            hot_symbols: hot.len(),
            hot_reads,
            hot_hit_rate_percent: percent(hot_hits, hot_reads),
            upstream_calls: report.upstream_calls,
            upstream_percent: percent(report.upstream_calls, report.requests),
            calls_saved: report.calls_saved,
            calls_saved_percent: percent(report.calls_saved, report.requests),
            cost_per_call: COST_PER_CALL,
            cost_spent: cost.spent,
            cost_saved: cost.saved,
            cost_saved_percent: cost.saved / (cost.spent + cost.saved) * 100.0,
        }
    }

    /// What one read takes on average, in microseconds, where a hit takes `hit_us` and upstream
    /// `call_us`.
    pub(super) fn mean_us(&self, hit_us: f64, call_us: f64) -> f64 {
        let hits = self.hit_rate_percent / 100.0;
        hits * hit_us + (1.0 - hits) * call_us
    }

    /// What was simulated, in a sentence.
    pub(super) fn said(&self) -> String {
        format!(
            "Workload: {} reads of {} symbols by Zipf's law (1.0), in {} runs of {} reads, one run every \
             {} ms of simulated time ({} s in all); an answer is fresh for {} s; \
             the cache is empty at the start. The {} most-read symbols are hot.",
            self.reads,
            self.symbols,
            self.runs,
            self.reads_per_run,
            EVERY.as_millis(),
            self.simulated_seconds,
            self.ttl_seconds,
            self.hot_symbols,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of reads stay far below 2^53")]
fn percent(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 * 100.0 }
}
