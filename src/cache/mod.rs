//! One request, from the question to the answer.
//!
//! The life of a request ([`Cache::fetch`]):
//!
//! 1. *Look up* memory, then the disk; the look-up goes on past an entry that is not fresh, since
//!    another process may have refreshed a slower tier. [`policy::next`](crate::policy::next) decides what comes of it.
//! 2. A fresh entry *answers*: no runtime is started, no client is built, 64 bytes are appended to
//!    the hit log.
//! 3. Else upstream is *asked*, all keys of the command at once, each key once; of a chain of
//!    providers one after the other, until one gives an answer.
//! 4. What came (and passed [`validate`](crate::validate)) is *put* into every tier, in one
//!    transaction with its statistics and with what it expires, and only then answered.
//! 5. What all of them failed is answered with a stale entry, if [`policy::fallback`](crate::policy::fallback) allows one, and a
//!    warning; else with the error.
//!
//! Trouble with the cache never stops an answer: it becomes a [`Warning`], said once, and upstream
//! is asked.

mod answer;
mod ask;
mod batch;
mod chain;
mod entries;
mod errand;
mod fly;
mod input;
mod land;
mod limits;
mod lookup;
mod noticed;
mod planned;
mod probe;
mod quarantine;
mod quorum;
pub(crate) mod record;
mod report;
mod series;
mod statistics;
mod store;
mod through;
mod verify;
mod what_if;

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};
use std::time::Duration;

pub use answer::{
    Answer, AnsweredBy, Interrupted, News, PassedOver, Purpose, Served, Status, Undone,
};
pub use entries::{Cleared, Listing, Selection};
pub use input::Wanted;
pub use limits::{Allowance, BudgetUse, Health, WindowUse};
pub use noticed::Noticed;
pub use planned::{Opening, Planned, PlannedItem, PlannedOf, PlannedProvider};
pub use probe::Probe;
pub use quorum::{Consensus, Quorum, Vote, first_votes};
pub use report::{Dimension, Percentiles, Report, Row};
pub use series::{Checked, Filled, Provenance, Slice, Verified, carry};
pub use through::OrRun;
pub use verify::{BadEntry, Condition, Repair, Verdict};
pub use what_if::{Comparison, Side, WhatIf};

use crate::calendar;
use crate::clock::Clock;
use crate::codec::Packing;
use crate::db::Database;
use crate::db::hits::Hit;
use crate::db::paces::Learning;
use crate::db::tally::{Outcome, Tally};
use crate::entry::Until;
use crate::error::Error;
use crate::flight::Flights;
use crate::key::Key;
use crate::ledger::Ledger;
use crate::market::{DataType, Params, Symbol};
use crate::policy::{Invalidation, Known, Lasting, Priority, Reason, Rules, Terms};
use crate::tier::disk::Disk;
use crate::tier::memory::{Bounds, Memory};
use crate::upstream::{Site, Told, Upstream};
use crate::warning::Warning;
use answer::{partial, point_to_rate};
use noticed::looks_wrong;

/// What a cache is made of.
pub struct Options {
    /// The folder of the disk tier; none to go without.
    pub folder: Option<PathBuf>,
    /// The folder of the ledger and of the locks of keys, which protect upstream even if nothing is
    /// stored; none to keep both within this process.
    pub ledger_folder: Option<PathBuf>,
    /// Whether values are compressed on the disk.
    pub packing: Packing,
    /// How many superseded versions of each series the disk tier keeps.
    pub most_past: usize,
    /// What the disk tier may take, in bytes.
    pub max_disk_bytes: u64,
    /// What the memory tier may hold; none to go without.
    pub memory: Option<Bounds>,
    /// The rules in force.
    pub rules: Rules,
    /// What expires what; only asked for once something is stored.
    pub invalidation: Lazily<Invalidation>,
    /// The clock.
    pub clock: Clock,
    /// Who asks, for the statistics.
    pub caller: String,
    /// The configured providers.
    pub sites: Sites,
    /// How many requests may be under way at a time, of all providers together; none for as many as
    /// each of them takes.
    pub jobs: Option<usize>,
    /// What programs are handed.
    pub inputs: Inputs,
    /// What programs are told, and what those have asked for that have started this process.
    pub surroundings: Told,
}

impl Options {
    /// Changes every provider before it is asked.
    pub fn change_sites(&mut self, change: impl Fn(&mut Site) + Send + Sync + 'static) {
        let sites = Arc::clone(&self.sites);
        self.sites = Arc::new(move |name| {
            let mut site = sites(name);
            change(&mut site);
            site
        });
    }
}

/// The configured providers by name; only asked for once upstream must be.
pub type Sites = Arc<dyn Fn(&str) -> Site + Send + Sync>;

/// What the program that answers a question is handed, if a provider of this name runs one; only asked
/// for once it must be run.
pub type Inputs = Arc<dyn Fn(&Question, &str) -> Wanted + Send + Sync>;

/// A value that is made when it is first needed: a hit needs none.
pub type Lazily<T> = LazyLock<T, Box<dyn FnOnce() -> T + Send>>;

/// What is asked.
#[derive(Clone, Debug)]
pub struct Question {
    /// About what.
    pub symbol: Symbol,
    /// Which of its data.
    pub data_type: DataType,
    /// What the parameters of its endpoint are.
    pub params: Params,
    /// The key of what that is made of.
    pub key: Key,
    /// The key of what is read, by whose rules it lives: the same, if it is not worked out.
    pub read_as: Key,
    /// Who may answer, best first.
    pub providers: Vec<Box<str>>,
    /// Whether only these may, and not what `put` wrote.
    pub pinned: bool,
    /// Which part of it, and how, if it is read out of a series.
    pub slice: Option<Slice>,
}

impl Question {
    /// Whether bars are what it is made of.
    fn is_of_bars(&self) -> bool {
        self.slice.is_some() && self.data_type.made_of() == DataType::Bars
    }
}

/// All tiers, the rules and upstream: the thing that one opens.
pub struct Cache {
    clock: Clock,
    rules: Rules,
    invalidation: Lazily<Invalidation>,
    caller: String,
    memory: Option<(Bounds, OnceLock<Memory>)>,
    disk: Option<Disk>,
    reading_given_up: AtomicBool,
    writing_given_up: AtomicBool,
    max_disk_bytes: u64,
    sites: Sites,
    inputs: Inputs,
    upstream: Upstream,
    flights: Option<Flights>,
    ledger_folder: Option<PathBuf>,
    /// Whether it was said that limits and keys are kept within this process only.
    is_alone: AtomicBool,
    warnings: Mutex<(Vec<Warning>, HashSet<String>)>,
}

impl Cache {
    /// Opens a cache. No file is touched and nothing is connected before it is needed.
    pub fn open(options: Options) -> Self {
        let flights = options.ledger_folder.as_deref().map(Flights::at);
        let ledger = Ledger::at(options.ledger_folder.as_deref());
        let learning = options.rules.adaptive.map_or(Learning::Off, |_| Learning::On);
        let disk = |folder: PathBuf| {
            Disk::new(Database::at(&folder), options.packing).keeping_past(options.most_past)
        };
        let disk = options.folder.map(|folder| disk(folder).learning(learning));
        Self {
            clock: options.clock,
            rules: options.rules,
            invalidation: options.invalidation,
            caller: options.caller,
            memory: options.memory.map(|bounds| (bounds, OnceLock::new())),
            disk,
            reading_given_up: AtomicBool::new(false),
            writing_given_up: AtomicBool::new(false),
            max_disk_bytes: options.max_disk_bytes,
            sites: options.sites,
            inputs: options.inputs,
            upstream: Upstream::new(options.clock, ledger)
                .surrounded_by(options.surroundings)
                .with_jobs(options.jobs),
            flights,
            ledger_folder: options.ledger_folder,
            is_alone: AtomicBool::new(false),
            warnings: Mutex::default(),
        }
    }

    /// Answers questions: `deliver` gets the index of a question and its answer, hits in the order
    /// of the questions and what was asked of upstream as it comes. Every question is answered
    /// once, unless the user interrupts; before that it is told of each page of a series that was
    /// kept, by the index of the question that is asked for it.
    pub fn fetch(
        &self,
        questions: &[Question],
        terms: &Terms,
        purpose: Purpose,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        let deliver: &mut dyn FnMut(usize, News) = &mut |index, mut news| {
            self.complete(&questions[index], &mut news);
            deliver(index, news);
        };
        let open = self.sift(questions, terms, purpose, deliver);
        if open.is_empty() {
            return Ok(());
        }
        self.ask(questions, open, terms, purpose, deliver)
    }

    /// Adds to an answer what else is to be said of it.
    fn complete(&self, question: &Question, news: &mut News) {
        if let News::Answer(answer) = news {
            self.say_guess(answer);
            point_to_rate(question, answer);
            let lacks = partial(answer);
            answer.warnings.extend(lacks);
            self.notice_held(question, answer);
            answer.warnings.extend(looks_wrong(answer));
        }
    }

    /// Answers what can be without asking anybody; the questions that are open.
    fn sift(
        &self,
        questions: &[Question],
        terms: &Terms,
        purpose: Purpose,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Vec<(usize, lookup::Missing)> {
        let mut open = Vec::new();
        let mut hits = Vec::new();
        let mut refused = Tally::default();
        for (index, question) in questions.iter().enumerate() {
            match self.answer_from_tiers(question, terms) {
                lookup::Looked::Answered { answer, hit } => {
                    hits.extend(hit);
                    self.count_refused(&mut refused, question, &answer);
                    deliver(index, News::Answer(Box::new(answer)));
                }
                lookup::Looked::Open(missing) => match self.held_above(question) {
                    None => open.push((index, missing)),
                    Some(error) => {
                        let answer = missing.failed(error);
                        self.count_refused(&mut refused, question, &answer);
                        deliver(index, News::Answer(Box::new(answer)));
                    }
                },
            }
        }
        if purpose == Purpose::Read {
            self.count_hits(&hits);
            if !refused.is_empty() {
                self.store(&mut [], &refused, &[]);
            }
        }
        open
    }

    /// The error for what was asked for by a process that has started this one.
    fn held_above(&self, question: &Question) -> Option<Error> {
        let surroundings = self.upstream.surroundings();
        let may_be = !surroundings.held.is_empty();
        let refusal =
            |provider: &str| surroundings.refusal(&format!("{}@{provider}", question.key));
        question.providers.iter().filter(|_| may_be).find_map(|provider| refusal(provider))
    }

    /// The rules that set an answer's time to live, strongest last.
    pub fn reasons(&self, served: &Served, terms: &Terms) -> Vec<Reason> {
        self.rules.reasons(&served.entry, &served.known, self.reader(terms))
    }

    /// What comes first, when not everything can be had at once.
    pub fn priority(&self, question: &Question, terms: &Terms) -> Priority {
        let provider = question.providers.first().map_or("", AsRef::as_ref);
        self.rules.priority(&question.key, provider, terms.use_case)
    }

    /// The exchange at which what a question is about is traded, as far as that is known beforehand.
    pub fn exchange(&self, question: &Question) -> Option<calendar::Exchange> {
        self.rules.exchange(&question.key, &Known::default())
    }

    /// The shortest and the longest time to live that a rule gives to a value of each type.
    pub fn ttls(&self) -> BTreeMap<&str, (Duration, Duration)> {
        let mut ttls: BTreeMap<&str, (Duration, Duration)> = BTreeMap::new();
        for rule in &self.rules.ttl {
            let Lasting { least, most } = rule.lasting;
            let range = ttls.entry(&rule.data_type).or_insert((least, most));
            *range = (range.0.min(least), range.1.max(most));
        }
        ttls
    }

    /// What there is to say about the cache itself, each thing once.
    pub fn take_warnings(&self) -> Vec<Warning> {
        std::mem::take(&mut self.said().0)
    }

    /// The clock of this cache.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// What the memory tier holds, in bytes with all overhead.
    pub fn memory_bytes(&self) -> u64 {
        self.memory_in_use().map_or(0, Memory::bytes)
    }

    fn warn(&self, warning: Warning) {
        let mut said = self.said();
        if said.1.insert(warning.to_string()) {
            said.0.push(warning);
        }
    }

    /// Says that hours of an exchange are guessed on which it depends how long an answer is fresh.
    fn say_guess(&self, answer: &Answer) {
        if let Ok(Served { entry, life, known, .. }) = &answer.outcome
            && life.until == Until::Guess
            && let Some(exchange) = self.rules.exchange(&entry.key, known)
        {
            self.warn(Warning::Guessed { of: calendar::extent(exchange) });
        }
    }

    fn said(&self) -> std::sync::MutexGuard<'_, (Vec<Warning>, HashSet<String>)> {
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The memory tier, made on its first use: a process that answers one question never does.
    fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref().map(|(bounds, memory)| memory.get_or_init(|| Memory::new(*bounds)))
    }

    fn memory_in_use(&self) -> Option<&Memory> {
        self.memory.as_ref().and_then(|(_, memory)| memory.get())
    }

    /// The disk tier, until trouble made this process do without.
    fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref().filter(|_| !self.reading_given_up.load(Ordering::Relaxed))
    }

    fn count_hits(&self, hits: &[Hit]) {
        if let Some(disk) = self.disk().filter(|_| !hits.is_empty()) {
            disk.count(hits);
        }
    }

    fn hit(&self, row: i64, served: &Served, took: Duration) -> Hit {
        let outcome = match (served.status, served.answered_by) {
            (Status::Stale, _) => Outcome::Stale,
            (_, AnsweredBy::Memory) => Outcome::Memory,
            (_, AnsweredBy::Disk) => Outcome::Disk,
            // The only answer of upstream's that is one line in the log is another's.
            (_, AnsweredBy::Upstream) => Outcome::Given,
        };
        Hit {
            at: self.clock.now(),
            used_at: self.clock.real_now(),
            id: row,
            outcome,
            latency_us: u32::try_from(took.as_micros()).unwrap_or(u32::MAX),
            age_s: u32::try_from(served.entry.age(self.clock.now()).as_secs()).unwrap_or(u32::MAX),
            caller: self.caller.clone(),
        }
    }
}
