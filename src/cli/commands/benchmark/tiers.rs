//! How long an answer takes from each tier, from upstream, and from a whole process.

use super::measure::{Row, Samples};
use super::stage::{Pace, Stage};
use crate::cache::{AnsweredBy, Question};
use crate::policy::Terms;
use crate::tier::memory::Bounds;

/// The most samples of upstream: each costs its latency.
const MOST_CALLS: usize = 20;

/// The most processes that are started.
const MOST_PROCESSES: usize = 50;

/// The most symbols that the memory tier is asked for: they must fit any sensible bounds.
const IN_MEMORY: usize = 100;

/// The bounds of the memory tier where it is switched off.
const BOUNDS: Bounds = Bounds { bytes: 64 << 20, entries: 1000 };

/// The folder that all of this happens in.
const FOLDER: &str = "tiers";

/// What was measured.
pub(super) struct Tiers {
    /// A row a step.
    pub(super) rows: Vec<Row>,
    /// What the memory tier took, in bytes.
    pub(super) memory_bytes: u64,
    /// What the disk tier took, in bytes.
    pub(super) disk_bytes: u64,
}

impl Tiers {
    /// The row of this name.
    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

/// How many calls upstream will get for so many symbols.
pub(super) fn calls(symbols: usize) -> usize {
    symbols.min(MOST_CALLS)
}

/// Measures every step; `done` is called after each.
pub(super) fn measure(
    stage: &Stage<'_>,
    questions: &[Question],
    iterations: usize,
    done: &mut dyn FnMut(),
) -> anyhow::Result<Tiers> {
    let mut rows = Vec::new();
    let mut add = |row| {
        rows.push(row);
        done();
    };
    add(uncached(stage, questions)?);
    fill(stage, questions)?;
    let (row, memory_bytes) = memory(stage, questions, iterations)?;
    add(row);
    add(disk_warm(stage, questions, iterations)?);
    add(disk_cold(stage, questions, iterations)?);
    add(whole_process(stage, questions, iterations)?);
    let disk_bytes = stage.open(FOLDER, Pace::Quick, |_| {})?.disk_bytes();
    Ok(Tiers { rows, memory_bytes, disk_bytes })
}

/// What it takes without a cache: each question by a client of its own, as a script would.
///
/// The real provider's answers are kept, so that nothing has to be asked of it twice.
fn uncached(stage: &Stage<'_>, questions: &[Question]) -> anyhow::Result<Row> {
    let live = stage.is_live();
    let terms = Terms { refresh: live, no_cache: !live, ..Terms::default() };
    let samples = Samples::of(calls(questions.len()), stage.config.clock(), |index| {
        let cache = stage.open(FOLDER, Pace::Real, |_| {})?;
        stage.ask(&cache, &questions[index], &terms, AnsweredBy::Upstream)
    })?;
    Ok(samples.row("uncached"))
}

/// Puts an answer to every question onto the disk.
fn fill(stage: &Stage<'_>, questions: &[Question]) -> anyhow::Result<()> {
    let cache = stage.open(FOLDER, Pace::Quick, |_| {})?;
    stage.ask_all(&cache, questions, &Terms::default(), |_| {})
}

/// A process that has read them before.
fn memory(stage: &Stage<'_>, questions: &[Question], n: usize) -> anyhow::Result<(Row, u64)> {
    let questions = &questions[..questions.len().min(IN_MEMORY)];
    let cache = stage.open(FOLDER, Pace::Quick, |options| {
        options.memory.get_or_insert(BOUNDS);
    })?;
    let terms = Terms::default();
    stage.ask_all(&cache, questions, &terms, |_| {})?;
    let samples = Samples::of(n, stage.config.clock(), |index| {
        stage.ask(&cache, &questions[index % questions.len()], &terms, AnsweredBy::Memory)
    })?;
    Ok((samples.row("memory"), cache.memory_bytes()))
}

/// A process that has the database open and has not read them before.
fn disk_warm(stage: &Stage<'_>, questions: &[Question], n: usize) -> anyhow::Result<Row> {
    let cache = stage.open(FOLDER, Pace::Quick, |options| options.memory = None)?;
    let terms = Terms::default();
    stage.ask(&cache, &questions[0], &terms, AnsweredBy::Disk)?;
    let samples = Samples::of(n, stage.config.clock(), |index| {
        stage.ask(&cache, &questions[index % questions.len()], &terms, AnsweredBy::Disk)
    })?;
    Ok(samples.row("disk_warm"))
}

/// What a new process does: opens the database, reads and closes.
fn disk_cold(stage: &Stage<'_>, questions: &[Question], n: usize) -> anyhow::Result<Row> {
    let terms = Terms::default();
    let samples = Samples::of(n, stage.config.clock(), |index| {
        let cache = stage.open(FOLDER, Pace::Quick, |_| {})?;
        stage.ask(&cache, &questions[index % questions.len()], &terms, AnsweredBy::Disk)
    })?;
    Ok(samples.row("disk_cold"))
}

/// What a script sees: from starting the program to its end.
fn whole_process(stage: &Stage<'_>, questions: &[Question], n: usize) -> anyhow::Result<Row> {
    let samples = Samples::of(n.min(MOST_PROCESSES), stage.config.clock(), |index| {
        stage.run(stage.process(FOLDER, &questions[index % questions.len()])?)
    })?;
    Ok(samples.row("whole_process"))
}
