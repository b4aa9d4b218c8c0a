//! `get --or-run`: a value by its key, and if nothing fresh is held, what a program prints.
//!
//! The program is run once on the whole machine: who asks meanwhile waits for what it prints. What it
//! prints is stored as `put` would, and what fails falls back as everywhere.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::ask::interrupted;
use super::lookup::{Found, Looked, Missing, NOT_HELD, held};
use super::{Answer, AnsweredBy, Cache, Interrupted, Question, Served, Status};
use crate::entry::{Entry, Format};
use crate::error::{Error, Kind};
use crate::flight::{Flights, Holder};
use crate::key::PUT;
use crate::policy::{self, Known, Terms};
use crate::time::Timestamp;
use crate::units::duration_for_people;
use crate::warning::Warning;

/// What is run if nothing fresh is held.
#[derive(Clone, Copy, Debug)]
pub struct OrRun<'a> {
    /// The program and its arguments.
    pub arguments: &'a [String],
    /// How long what it prints is fresh.
    pub ttl: Duration,
}

impl Cache {
    /// The value under a key as [`get`](Self::get) gives it, else what a program prints, which is stored
    /// there. A stale value stands in for a program that fails.
    pub fn get_or_run(
        &self,
        question: &Question,
        terms: &Terms,
        or_run: &OrRun<'_>,
    ) -> Result<Answer, Interrupted> {
        let missing = match self.answer_from_tiers(question, terms) {
            Looked::Answered { answer, hit } if answer.outcome.is_ok() => {
                self.count_hits(hit.as_slice());
                return Ok(answer);
            }
            Looked::Answered { .. } => {
                let since = self.clock.stopwatch();
                Missing::of(self.look_up(question, terms, self.clock.now()), since)
            }
            Looked::Open(missing) => missing,
        };
        let name = format!("{}@{PUT}", question.key);
        if let Some(error) = self.upstream.surroundings().refusal(&name) {
            self.count_miss(question);
            return Ok(missing.failed(error));
        }
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error = Error::new(Kind::Unreachable, "nothing can be run").caused_by(error);
                self.count_miss(question);
                return Ok(missing.failed(error));
            }
        };
        let outcome = runtime.block_on(async {
            let interrupted = interrupted();
            tokio::select! {
                biased;
                outcome = self.run_or_wait(question, &missing, &name, or_run) => Ok(outcome),
                () = interrupted => Err(Interrupted),
            }
        });
        runtime.shutdown_background();
        self.say_mishaps();
        Ok(match outcome? {
            Ok(served) => {
                self.count_miss(question);
                Answer::new(Ok(served), missing.since.elapsed())
            }
            Err(error) => self.instead(question, &missing, error),
        })
    }

    /// Runs the program, or waits for another process that does.
    async fn run_or_wait(
        &self,
        question: &Question,
        missing: &Missing,
        name: &str,
        or_run: &OrRun<'_>,
    ) -> Result<Served, Error> {
        let can_share = self.disk().is_some() && !self.writing_given_up.load(Ordering::Relaxed);
        let flights = self.flights.as_ref().filter(|_| can_share);
        let since = self.clock.real_now();
        // Until what is printed is stored: who waits for the key looks for it.
        let _holder: Option<Holder> = loop {
            let Some(flights) = flights else { break None };
            let boarded = match flights.board(name) {
                Ok(Some(holder)) => Some(Some(holder)),
                Ok(None) => None,
                Err(trouble) => {
                    self.say_alone(&trouble);
                    Some(None)
                }
            };
            if boarded.is_none() {
                self.wait_its_end(question, flights, name).await?;
            }
            if let Some(landed) = self.printed_meanwhile(question, missing, name, since) {
                return landed;
            }
            if let Some(holder) = boarded {
                break holder;
            }
        };
        let at = self.clock.now();
        let body: Box<[u8]> = self.upstream.run(name, or_run.arguments).await?.into();
        let entry = Entry {
            key: question.key.clone(),
            provider: PUT.into(),
            fetched_at: at,
            own_ttl: Some(or_run.ttl),
            format: Format::of(&body),
            body,
        };
        // That it could not be stored was said, and is no reason to keep it from whoever asked.
        let _ = self.put(vec![(entry.key.clone(), entry.body.clone())], or_run.ttl, &[]);
        let (known, from) = (Known::default(), (AnsweredBy::Upstream, 0));
        let found = self.found(question, &Terms::default(), Arc::new(entry), known, from);
        self.given(question, &found)
    }

    /// Waits until whoever has the key has let go of it. A program that another one has started does so
    /// for no longer than a request would: the other may be waiting for a key of its own.
    async fn wait_its_end(
        &self,
        question: &Question,
        flights: &Flights,
        name: &str,
    ) -> Result<(), Error> {
        let (flights, awaited) = (flights.clone(), name.to_owned());
        let freed = tokio::task::spawn_blocking(move || flights.wait(&awaited));
        if self.upstream.surroundings().held.is_empty() {
            let _ = freed.await;
            return Ok(());
        }
        let patience = Terms::default().max_wait;
        if tokio::time::timeout(patience, freed).await.is_ok() {
            return Ok(());
        }
        let (key, waited) = (&question.key, duration_for_people(patience));
        let message =
            format!("another process runs a program for `{key}`, for longer than {waited}");
        Err(Error::new(Kind::Unreachable, message)
            .hint("two programs that wait for each other's keys would do so without end"))
    }

    /// What another process has come to with this key since the question was taken up, if anything.
    fn printed_meanwhile(
        &self,
        question: &Question,
        missing: &Missing,
        name: &str,
        since: Timestamp,
    ) -> Option<Result<Served, Error>> {
        let found =
            self.look_up(question, &Terms::default(), self.clock.now()).into_iter().find(|found| {
                found.entry.is_put() && !missing.held.iter().any(|held| held.entry == found.entry)
            });
        if let Some(found) = found {
            return Some(self.given(question, &found));
        }
        let cooling = self.upstream.ledger().cooling(name, &self.clock.reading())?;
        (cooling.failed_at >= since).then_some(Err(cooling.error))
    }

    /// What was printed for this question, as an answer.
    fn given(&self, question: &Question, found: &Found) -> Result<Served, Error> {
        let served = self.served(question, found, NOT_HELD);
        let served = served.ok_or_else(|| super::land::unreadable(question))?;
        Ok(Served { status: Status::Miss, answered_by: AnsweredBy::Upstream, ..served })
    }

    /// A stale value in place of a program that failed, or how it failed.
    fn instead(&self, question: &Question, missing: &Missing, error: Error) -> Answer {
        let now = self.clock.now();
        let fallback = policy::fallback(&held(&missing.held), &Terms::default(), now);
        let found = fallback.map(|index| &missing.held[index]);
        let served = found.and_then(|found| self.served(question, found, &error.message));
        // What a stale value answers is a stale hit, and no miss besides.
        let (Some(found), Some(served)) = (found, served) else {
            self.count_miss(question);
            return missing.failed(error);
        };
        let took = missing.since.elapsed();
        self.count_hits(&[self.hit(found.row, &served, took)]);
        let warning = Warning::ServedStale {
            symbol: question.key.to_string(),
            age: served.entry.age(now),
            why: error.message,
        };
        Answer { warnings: vec![warning], ..Answer::new(Ok(served), took) }
    }
}
