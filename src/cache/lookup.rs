//! Steps 1 and 2: what the tiers hold, and what comes of it without asking.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use super::chain::Trail;
use super::series::{Part, Told, stale};
use super::{Answer, AnsweredBy, Cache, Question, Served, Status};
use crate::calendar::Exchange;
use crate::clock::Stopwatch;
use crate::db::hits::Hit;
use crate::entry::{Entry, Format, Life, State};
use crate::error::{Error, Kind};
use crate::key::{Key, PUT};
use crate::market::{DataType, Interval};
use crate::policy::{self, Held, Known, Next, Reader, Terms};
use crate::span::Span;
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
    /// What is held of the part of a series that is asked for.
    pub(super) part: Option<Box<Part>>,
}

/// A question that the tiers leave open.
#[derive(Debug)]
pub(super) struct Missing {
    /// What is held, best first, for the case that upstream fails.
    pub(super) held: Vec<Found>,
    /// Running since the question was taken up.
    pub(super) since: Stopwatch,
    /// How far it has come along its chain.
    pub(super) trail: Trail,
}

impl Found {
    /// Whether it is of bars, and none is held of the whole series.
    pub(super) fn is_bare(&self) -> bool {
        self.part.as_ref().is_some_and(|part| part.head.is_bare())
    }
}

impl Missing {
    /// What is held, of a question that nobody was asked yet.
    pub(super) fn of(held: Vec<Found>, since: Stopwatch) -> Self {
        Self { held, since, trail: Trail::default() }
    }

    /// An error as the answer.
    pub(super) fn failed(&self, error: Error) -> Answer {
        let calls_of_error = self.trail.calls;
        Answer { calls_of_error, ..Answer::new(Err(error), self.since.elapsed()) }
    }

    /// What is held of the provider that is asked, the newest of it.
    pub(super) fn of_the_asked(&self, question: &Question) -> Option<&Found> {
        let provider = question.providers.first()?;
        self.held.iter().find(|found| found.entry.provider == *provider)
    }
}

/// How often what is held is looked up for one answer: what another process replaces while it is read
/// is there the next time, what is damaged is not.
const LOOKS: usize = 2;

/// Why a part of a series is missing that nobody was asked for.
pub(super) const NOT_HELD: &str = "it is not held, and nobody was asked";

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
        if let Some(at) = question.slice.as_ref().and_then(|slice| slice.as_of) {
            return self.answer_as_of(question, at, &since);
        }
        let now = self.clock.now();
        let mut found = self.look_up(question, terms, now);
        for _ in 0..LOOKS {
            let index = match policy::next(&held(&found), &question.providers, terms, now) {
                Next::Ask => return Looked::Open(Missing::of(found, since)),
                Next::Refuse(error) => {
                    let outcome = Err(self.unanswered(question, &found, error));
                    let answer = Answer::new(outcome, since.elapsed());
                    return Looked::Answered { answer, hit: None };
                }
                Next::Answer(index) => index,
            };
            let Some(served) = self.served(question, &found[index], NOT_HELD) else {
                found = self.look_up(question, terms, now);
                continue;
            };
            let took = since.elapsed();
            let hit = Some(self.hit(found[index].row, &served, took));
            let mut warnings = Vec::new();
            if served.status == Status::Stale {
                warnings.push(is_stale(question, &served, now, "--offline asks nobody"));
            }
            return Looked::Answered {
                answer: Answer { warnings, ..Answer::new(Ok(served), took) },
                hit,
            };
        }
        if terms.offline {
            let error = Error::new(Kind::Offline, "what the cache holds of it is damaged");
            let outcome = Err(error.hint("leave --offline away: it is asked for again"));
            let answer = Answer::new(outcome, since.elapsed());
            return Looked::Answered { answer, hit: None };
        }
        Looked::Open(Missing::of(found, since))
    }

    /// The error of a question that only the cache may answer: what of a series is missing, if some of
    /// it is held; else what fetches it, or who else has given an answer.
    fn unanswered(&self, question: &Question, found: &[Found], error: Error) -> Error {
        if error.kind != Kind::Offline {
            return error;
        }
        found.iter().find_map(|found| self.lacking(question, found)).unwrap_or_else(|| {
            let warm = warming(question);
            let hint = format!("leave --offline away, or warm the cache first: `{warm}`");
            self.with_others(question, error.hint(hint))
        })
    }

    /// The error of a part of a series of which only some is held.
    fn lacking(&self, question: &Question, found: &Found) -> Option<Error> {
        let part = found.part.as_ref()?;
        let (first, bounds) = (part.holes.iter().next()?, part.holes.bounds()?);
        if part.head.coverage.spans().intersection(&part.span?.into()).is_empty() {
            return None;
        }
        let is_of_days = !question.slice.as_ref()?.stored().is_intraday();
        let exchange = self.rules.exchange(&question.key, &found.known);
        let edges = |span: Span| {
            let date = |at| {
                let exchange = exchange.unwrap_or(Exchange::ALWAYS);
                self.rules.calendars().trading_date(exchange, at).to_string()
            };
            if is_of_days {
                [date(span.start()), date(span.end() - Duration::from_millis(1))]
            } else {
                [span.start().to_string(), span.end().to_string()]
            }
        };
        let [from, to] = edges(*first);
        let more = match part.holes.len() - 1 {
            0 => String::new(),
            1 => " and of one more stretch".to_owned(),
            more => format!(" and of {more} more stretches"),
        };
        let message =
            format!("the cache holds nothing of {from} to {to}{more}, and --offline asks nobody");
        let ([from, to], warm) = (edges(bounds), warming(question));
        Some(Error::new(Kind::Offline, message).hint(format!(
            "--partial serves what is held; `{warm} --from {from} --to {to}` fetches the rest"
        )))
    }

    /// The error of a question that only the cache may answer, with who else has given an answer.
    pub(super) fn with_others(&self, question: &Question, error: Error) -> Error {
        let held = (error.kind == Kind::Offline).then(|| self.read_disk(&question.key)).flatten();
        let is_another = |stored: &&Stored| {
            stored.entry.format != Format::NotFound
                && &*stored.entry.provider != PUT
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
            self.take(question, terms, &shelf, (AnsweredBy::Memory, now), &mut found);
            if matches!(
                policy::next(&held(&found), &question.providers, terms, now),
                Next::Answer(_)
            ) {
                return found;
            }
        }
        if let Some(shelf) = self.read_disk(&question.key) {
            self.take(question, terms, &shelf, (AnsweredBy::Disk, now), &mut found);
            if let Some(memory) = self.memory() {
                memory.keep(&question.key, shelf);
            }
        }
        found
    }

    /// An answer out of what was found, `why` some of it may be missing; none if it cannot be read.
    pub(super) fn served(&self, question: &Question, found: &Found, why: &str) -> Option<Served> {
        let Told { entry, bars } = self.tell(question, found, why)?;
        let fresh = found.life.state(self.clock.now()) == State::Fresh;
        Some(Served {
            entry,
            life: found.life,
            known: found.known.clone(),
            status: if fresh { Status::Hit } else { Status::Stale },
            answered_by: found.answered_by,
            upstream_calls: 0,
            bars,
            noticed: None,
        })
    }

    /// Who reads under these terms.
    pub(super) fn reader(&self, terms: &Terms) -> Reader {
        Reader { use_case: terms.use_case, max_age: terms.max_age, ..self.anybody() }
    }

    /// Who reads what is held under a key under these terms.
    pub(super) fn reader_of(&self, key: &Key, terms: &Terms) -> Reader {
        Reader { every: terms.every.get(key).copied(), ..self.reader(terms) }
    }

    /// Who reads without asking for anything in particular.
    pub(super) fn anybody(&self) -> Reader {
        Reader::at(self.clock.real_now())
    }

    /// An entry, judged as an answer to a question.
    pub(super) fn found(
        &self,
        question: &Question,
        terms: &Terms,
        entry: Arc<Entry>,
        known: Known,
        from: (AnsweredBy, i64),
    ) -> Found {
        self.found_as_of(question, terms, entry, known, from, self.clock.now())
    }

    /// The same, at this instant.
    pub(super) fn found_as_of(
        &self,
        question: &Question,
        terms: &Terms,
        entry: Arc<Entry>,
        known: Known,
        (answered_by, row): (AnsweredBy, i64),
        now: Timestamp,
    ) -> Found {
        let known = Known { read_at: Some(now), ..known };
        let life = self.rules.life(&entry, &known, self.reader_of(&question.key, terms));
        let mut found = Found { entry, life, known, answered_by, row, part: None };
        self.stand(question, terms, &mut found, now);
        found
    }

    fn take(
        &self,
        question: &Question,
        terms: &Terms,
        shelf: &Shelf,
        (answered_by, now): (AnsweredBy, Timestamp),
        found: &mut Vec<Found>,
    ) {
        for Stored { entry, row, known } in shelf.iter() {
            if rank(question, entry).is_some() {
                let (entry, known) = (Arc::clone(entry), known.clone());
                let from = (answered_by, *row);
                found.push(self.found_as_of(question, terms, entry, known, from, now));
            }
        }
        // Of one provider the newest first: another process may have refreshed the disk's copy. A series
        // in which nothing is held stands behind those of others, and keeps nobody from being asked.
        found.sort_by_key(|f| (f.is_bare(), rank(question, &f.entry), Reverse(f.entry.fetched_at)));
        if question.providers.len() > 1 {
            for bare in found.iter_mut().filter(|f| f.is_bare()) {
                bare.life = stale(&bare.life);
            }
        }
    }
}

/// The command that fetches what a question asks for.
fn warming(question: &Question) -> String {
    let Question { symbol, data_type, .. } = question;
    let is_usual = *data_type == DataType::usual(symbol.class());
    let data_type = (!is_usual).then(|| format!(" -t {}", data_type.as_str()));
    let interval = question.slice.as_ref().map(|slice| slice.interval);
    let interval = interval.filter(|interval| *interval != Interval::default());
    let interval = interval.map(|interval| format!(" -i {}", interval.as_str()));
    let provider = question.providers.first().filter(|_| question.pinned);
    let provider = provider.map(|provider| format!(" -p {provider}"));
    let options = [data_type, interval, provider].map(Option::unwrap_or_default).concat();
    format!("mcache warm {symbol}{options}")
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

/// The warning that goes with an answer that is past its time.
pub(super) fn is_stale(question: &Question, served: &Served, now: Timestamp, why: &str) -> Warning {
    Warning::ServedStale {
        symbol: question.symbol.to_string(),
        age: served.entry.age(now),
        why: why.to_owned(),
    }
}
