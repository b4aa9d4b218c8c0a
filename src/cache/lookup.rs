//! Steps 1 and 2: what the tiers hold, and what comes of it without asking.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{Answer, AnsweredBy, Cache, Question, Served, Status};
use crate::clock::Stopwatch;
use crate::db::hits::Hit;
use crate::entry::{Entry, Format, Life, State};
use crate::error::{Error, Kind};
use crate::key::PUT;
use crate::policy::{self, Held, Known, Next, Reader, Terms};
use crate::tier::{Shelf, Stored, Tier as _};
use crate::time::Timestamp;
use crate::warning::Warning;

/// One entry that may answer a question.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) entry: Arc<Entry>,
    pub(super) life: Life,
    pub(super) known: Known,
    pub(super) answered_by: AnsweredBy,
    pub(super) row: i64,
}

/// A question that the tiers leave open.
#[derive(Debug)]
pub(super) struct Missing {
    /// What is held, best first, for the case that upstream fails.
    pub(super) held: Vec<Found>,
    /// Running since the question was taken up.
    pub(super) since: Stopwatch,
}

impl Missing {
    /// What is held of the provider that is asked, the newest of it.
    pub(super) fn of_the_asked(&self, question: &Question) -> Option<&Found> {
        let provider = question.providers.first()?;
        self.held.iter().find(|found| found.entry.provider == *provider)
    }
}

/// What came of looking.
#[expect(clippy::large_enum_variant, reason = "one a question, taken apart at once: no allocation")]
pub(super) enum Looked {
    /// The question is answered, or refused.
    Answered { answer: Answer, hit: Option<Hit> },
    /// Upstream must be asked.
    Open(Missing),
}

impl Cache {
    /// Looks the question up and decides.
    pub(super) fn answer_from_tiers(&self, question: &Question, terms: &Terms) -> Looked {
        let since = self.clock.stopwatch();
        let now = self.clock.now();
        let found = self.look_up(question, terms, now);
        let mut answer = Answer {
            outcome: match policy::next(&held(&found), terms, now) {
                Next::Ask => return Looked::Open(Missing { held: found, since }),
                Next::Refuse(error) => Err(self.with_others(question, error)),
                Next::Answer(index) => Ok(served(&found[index], now)),
            },
            warnings: Vec::new(),
            took: since.elapsed(),
        };
        let mut hit = None;
        if let Ok(served) = &answer.outcome {
            let of = found.iter().find(|f| Arc::ptr_eq(&f.entry, &served.entry));
            hit = of.map(|f| self.hit(f.row, served, answer.took));
            if served.status == Status::Stale {
                answer.warnings.push(is_stale(question, served, now, "--offline asks nobody"));
            }
        }
        Looked::Answered { answer, hit }
    }

    /// The error of a question that only the cache may answer, with who else has given an answer.
    fn with_others(&self, question: &Question, error: Error) -> Error {
        let held = (error.kind == Kind::Offline).then(|| self.read_disk(&question.key)).flatten();
        let is_another = |stored: &&Stored| {
            stored.entry.format != Format::NotFound
                && !question.providers.contains(&stored.entry.provider)
        };
        match held.as_deref().and_then(|held| held.iter().find(is_another)) {
            Some(Stored { entry, .. }) => {
                let provider = &entry.provider;
                error.hint(format!("`{provider}` gave one: add `--provider {provider}`"))
            }
            _ => error,
        }
    }

    /// The entries that may answer, best first: memory's if one of them does, else the disk's too.
    pub(super) fn look_up(&self, question: &Question, terms: &Terms, now: Timestamp) -> Vec<Found> {
        if terms.no_cache {
            return Vec::new();
        }
        let mut found = Vec::new();
        if let Some(shelf) =
            self.memory_in_use().and_then(|memory| memory.get(&question.key).ok()?)
        {
            self.take(question, terms, &shelf, AnsweredBy::Memory, &mut found);
            if matches!(policy::next(&held(&found), terms, now), Next::Answer(_)) {
                return found;
            }
        }
        if let Some(shelf) = self.read_disk(&question.key) {
            self.take(question, terms, &shelf, AnsweredBy::Disk, &mut found);
            if let Some(memory) = self.memory() {
                memory.keep(&question.key, shelf);
            }
        }
        found
    }

    /// Who reads under these terms.
    pub(super) fn reader(&self, terms: &Terms) -> Reader {
        Reader { use_case: terms.use_case, max_age: terms.max_age, ..self.anybody() }
    }

    /// Who reads without asking for anything in particular.
    pub(super) fn anybody(&self) -> Reader {
        Reader::at(self.clock.real_now())
    }

    fn take(
        &self,
        question: &Question,
        terms: &Terms,
        shelf: &Shelf,
        answered_by: AnsweredBy,
        found: &mut Vec<Found>,
    ) {
        let reader = self.reader(terms);
        for Stored { entry, row, known } in shelf.iter() {
            if rank(question, entry).is_some() {
                let life = self.rules.life(entry, known, reader);
                let (entry, known, row) = (Arc::clone(entry), known.clone(), *row);
                found.push(Found { entry, life, known, answered_by, row });
            }
        }
        // Of one provider the newest first: another process may have refreshed the disk's copy.
        found.sort_by_key(|f| (rank(question, &f.entry), Reverse(f.entry.fetched_at)));
    }
}

/// An entry's place in the order of who may answer: what `put` wrote, then the chain.
fn rank(question: &Question, entry: &Entry) -> Option<usize> {
    if &*entry.provider == PUT {
        return (!question.pinned).then_some(0);
    }
    question.providers.iter().position(|provider| *provider == entry.provider).map(|at| at + 1)
}

/// The same entries as the policy takes them.
pub(super) fn held(found: &[Found]) -> Vec<Held<'_>> {
    found.iter().map(|f| Held { entry: &f.entry, life: f.life }).collect()
}

/// An answer from a tier.
pub(super) fn served(found: &Found, now: Timestamp) -> Served {
    let fresh = found.life.state(now) == State::Fresh;
    Served {
        entry: Arc::clone(&found.entry),
        life: found.life,
        known: found.known.clone(),
        status: if fresh { Status::Hit } else { Status::Stale },
        answered_by: found.answered_by,
        upstream_calls: 0,
        reading: None,
    }
}

/// The warning that goes with an answer that is past its time.
pub(super) fn is_stale(question: &Question, served: &Served, now: Timestamp, why: &str) -> Warning {
    Warning::ServedStale {
        symbol: question.symbol.to_string(),
        age: served.entry.age(now),
        why: why.to_owned(),
    }
}
