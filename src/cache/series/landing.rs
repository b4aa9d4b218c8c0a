//! A request of a flight that fills a series has come: it is kept, and the flight goes on or ends.

use std::sync::Arc;

use super::Slice;
use super::flight::Leg;
use crate::cache::chain::{Whose, Word};
use crate::cache::errand::{Came, Errand, Flight};
use crate::cache::fly::{name, unsupported};
use crate::cache::land::{Landing, unreadable};
use crate::cache::lookup::{Found, Missing, held, is_stale};
use crate::cache::{Answer, AnsweredBy, Cache, Purpose, Question, Served, Status};
use crate::entry::State;
use crate::error::{Error, Kind};
use crate::ledger::{Outcome, Said};
use crate::market::{DataType, Page};
use crate::policy::{self, Cause, Course, Known};
use crate::tier::Incoming;
use crate::time::Timestamp;
use crate::upstream::Given;
use crate::warning::Warning;

/// Why a part of a series is missing that its provider has not.
const OUT_OF_REACH: &str = "it is older than what the provider gives";

impl Cache {
    /// Keeps what came for a series; whether there is more to ask for.
    pub(in crate::cache) fn land_leg(
        &self,
        errand: &Errand<'_>,
        flight: &Flight,
        leg: &mut Leg,
        came: Came,
        course: Option<Course>,
        landing: &mut Landing,
    ) -> bool {
        let Came::Asked { mut asked, at } = came else { return false };
        let question = &errand.questions[flight.index];
        if matches!(&asked.outcome, Ok(Given::Page(page)) if leg.is_contradicted_by(page)) {
            let error = has_lost(question);
            self.cool_down(question, &error);
            asked.outcome = Err(error);
        }
        self.count_asking(&mut landing.tally, &name(question), &asked);
        leg.calls += asked.calls;
        leg.known.course = course.unwrap_or(leg.known.course);
        match asked.outcome {
            Ok(Given::Page(page)) => {
                self.keep_page(errand, question, leg, &page, at, landing);
                self.plan(errand.questions, leg);
                leg.pages += 1;
                landing.filled.push((flight.index, self.filled(errand.questions, leg)));
                leg.piece.is_some()
            }
            Ok(_) => {
                leg.failed = Some(unsupported(question));
                false
            }
            Err(ref error) => {
                leg.failed = Some(error.clone());
                if let Some(entry) = Self::entry(question, &flight.missing, &asked, at)
                    && !errand.terms.no_cache
                    && leg.fill.known().is_empty()
                {
                    landing.incoming.push(self.incoming(entry, Known::default(), None));
                }
                false
            }
        }
    }

    /// Notes that a key has failed whose answer seemed to be one.
    fn cool_down(&self, question: &Question, error: &Error) {
        let Some(provider) = question.providers.first() else { return };
        let now = self.clock.reading();
        let outcome = Outcome {
            provider,
            started: now.wall,
            said: Said::Answered,
            used: None,
            keys: &[&name(question)],
            failed: Some(error),
        };
        self.upstream.ledger().settle(&outcome, &now);
    }

    /// Puts a page into its series, to be stored if anything may be.
    fn keep_page(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        leg: &mut Leg,
        page: &Page,
        at: Timestamp,
        landing: &mut Landing,
    ) {
        let taken = self.settle(question, leg, page, at, errand.terms);
        if taken.is_restated {
            landing.tally.invalidated(at, &Cause::RESTATED, 1);
        }
        let Some(entry) = leg.entry(question).map(Arc::new) else { return };
        let asked_after = leg.known.expired.take();
        leg.known = Known {
            definition: self.rules.definition(&entry.provider, entry.key.data_type()),
            market: self.market(errand.terms, &entry, None),
            ..leg.known.clone()
        };
        if !errand.terms.no_cache && self.has_room_for(&entry) {
            landing.incoming.push(Incoming {
                asked_after,
                parts: Some(Box::new(taken.parts)),
                ..self.incoming(entry, leg.known.clone(), None)
            });
        }
    }

    /// Answers everybody who waited for a series to be filled.
    pub(in crate::cache) fn arrive(
        &self,
        errand: &Errand<'_>,
        flight: Flight,
        mut leg: Leg,
        landing: &mut Landing,
    ) {
        leg.gaps = self.gaps(&errand.questions[flight.index], &mut leg);
        let (own, leg) = (flight.index, Arc::new(leg));
        for (index, mut missing) in flight.everybody() {
            let question = &errand.questions[index];
            let whose = if index == own { Whose::Own } else { Whose::Anothers };
            missing.trail.flew(leg.calls, whose);
            match self.answer_filled(errand, index, &missing, &leg, None) {
                Ok(answer) => {
                    if errand.purpose == Purpose::Read {
                        let (name, cost) = (name(question), missing.trail.cost());
                        self.count_answer(&mut landing.tally, &name, &answer, cost);
                    }
                    landing.answers.push((index, answer));
                }
                Err(error) => {
                    let leg = Arc::clone(&leg);
                    let word = Word::after(leg.calls);
                    missing.trail.failed(question, error, word, Some(leg));
                    landing.failed.push((index, missing));
                }
            }
        }
    }

    /// The answer to a question about a series as it is now. As long as another provider may be asked
    /// it is all that was wanted or the error; once all have failed, and `said` why, what is held will
    /// do.
    pub(in crate::cache) fn answer_filled(
        &self,
        errand: &Errand<'_>,
        index: usize,
        missing: &Missing,
        leg: &Leg,
        said: Option<&str>,
    ) -> Result<Answer, Error> {
        let (question, took) = (&errand.questions[index], missing.since.elapsed());
        let failed = leg.refusal(index).or(leg.failed.as_ref());
        let Some(found) = self.aboard(errand, question, leg) else {
            return Err(failed.cloned().unwrap_or_else(|| unreadable(question)));
        };
        let is_whole = found.part.as_ref().is_some_and(|part| part.holes.is_empty());
        let is_bare = question.data_type == DataType::Bars
            && found.part.as_ref().is_some_and(|part| part.span.is_some() && part.head.is_bare());
        let is_modest = question.slice.as_ref().is_some_and(Slice::takes_less);
        let now = self.clock.now();
        // What failed may have been for another's part.
        let is_fresh = is_whole && found.life.state(now) == State::Fresh;
        match failed {
            Some(error) if said.is_none() && (!is_fresh || errand.terms.refresh) => {
                return Err(error.clone());
            }
            Some(error) if !is_fresh => {
                let may = is_modest && leg.refusal(index).is_none()
                    || policy::fallback(&held(std::slice::from_ref(&found)), errand.terms, now)
                        .is_some();
                if !may || (!is_whole && !is_modest) {
                    return Err(error.clone());
                }
            }
            None if !is_whole && !is_modest => return Err(unreadable(question)),
            // Another of its chain may have some.
            None if said.is_none() && is_bare && missing.trail.has_more(errand, index) => {
                return Err(has_none(question));
            }
            _ => {}
        }
        let why = said.or(failed.map(|error| &*error.message)).unwrap_or(OUT_OF_REACH);
        let Some(served) = self.served(question, &found, why) else {
            return Err(unreadable(question));
        };
        // Who wants everything anew has not got it.
        let failed = failed.filter(|_| served.status == Status::Stale || errand.terms.refresh);
        let status = match failed {
            Some(_) => Status::Stale,
            None if leg.calls == 0 && leg.fill.edge_at.is_some() => Status::Hit,
            None if errand.terms.refresh => Status::Refresh,
            None => Status::Miss,
        };
        let is_held = leg.calls == 0 || failed.is_some();
        let answered_by = if is_held { AnsweredBy::Disk } else { AnsweredBy::Upstream };
        let upstream_calls = missing.trail.calls;
        let served = Served { status, answered_by, upstream_calls, ..served };
        let mut warnings = Vec::new();
        if failed.is_some() {
            warnings.push(is_stale(question, &served, now, why));
        }
        if leg.fill.has_given_up {
            warnings.push(Warning::Restated { symbol: question.symbol.to_string() });
        }
        warnings.extend(self.is_hollow(question, leg));
        let passed = missing.trail.passed_over();
        Ok(Answer { warnings, passed, ..Answer::new(Ok(served), took) })
    }

    /// What is held of a series by now, as a question finds it.
    fn aboard(&self, errand: &Errand<'_>, question: &Question, leg: &Leg) -> Option<Found> {
        let entry = Arc::new(leg.entry(question)?);
        let from = (AnsweredBy::Upstream, 0);
        // What has come to be final since it was decided what to ask for, nobody has asked for.
        let (known, as_of) = (leg.known.clone(), leg.planned_at);
        let mut found = self.found_as_of(question, errand.terms, entry, known, from, as_of);
        if let Some(part) = &mut found.part {
            part.chunks.clone_from(&leg.fill.chunks);
        }
        Some(found)
    }
}

/// Why another is asked: whoever was asked has no bar at all.
fn has_none(question: &Question) -> Error {
    let (provider, symbol) =
        (question.providers.first().map_or("", AsRef::as_ref), &question.symbol);
    Error::new(Kind::NotFound, format!("{provider} has no bars of `{symbol}` in that time"))
}

/// The error for a page without any bar, of a time of which bars have come before.
fn has_lost(question: &Question) -> Error {
    let (provider, symbol) =
        (question.providers.first().map_or("", AsRef::as_ref), &question.symbol);
    let message = format!("{provider} sent no bar of `{symbol}` where it had sent some before");
    Error::new(Kind::InvalidData, message).hint("what is held is kept; ask again later")
}
