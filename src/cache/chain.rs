//! Who of a chain is asked next when one fails, and what is said when all of them have.
//!
//! The providers of a question are the links of a chain, asked one after the other until one of them
//! gives an answer. Whoever cannot be asked, or fails in whatever way, is passed over. Nothing of two
//! providers is ever mixed: each link is put a question of its own, to that provider alone.
//!
//! # Waiting
//!
//! Whoever has another behind it is not waited for while it is limited. Once all have failed, the one
//! whose limit ends soonest is asked once more, and that is waited for, as long as patience lasts. A
//! provider that holds a part of the series is waited for at once: else years would be asked of
//! another for the sake of a second.
//!
//! # What is said
//!
//! Nothing, if somebody answers. Else the first error that leaves open whether there is such a thing;
//! else that there is none; else why nobody could be asked. What the others said stands behind it.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use super::errand::{Errand, Flight};
use super::fly::{name, unsupported};
use super::land::{Cost, Landing};
use super::lookup::{Found, Missing, held, is_stale};
use super::series::Leg;
use super::{Answer, Cache, PassedOver, Purpose, Question, Sites, Status};
use crate::entry::State;
use crate::error::{Error, Kind, sanitized};
use crate::key::{Key, PUT};
use crate::policy::{self, Terms};
use crate::time::Timestamp;
use crate::upstream::{Patience, Site};

/// Questions as they are put to one link of their chains after the other.
pub(super) struct Links<'a> {
    questions: &'a [Question],
    /// Those to the links behind the first, each made when it is first asked.
    behind: Vec<OnceLock<Vec<Question>>>,
}

impl<'a> Links<'a> {
    pub(super) fn of(questions: &'a [Question]) -> Self {
        let longest = questions.iter().map(|question| question.providers.len()).max().unwrap_or(0);
        Self { questions, behind: (1..longest).map(|_| OnceLock::new()).collect() }
    }

    /// The questions with all of their chains.
    pub(super) fn whole(&self) -> &'a [Question] {
        self.questions
    }

    /// The questions as they are put to the providers at this place of their chains.
    pub(super) fn at(&self, link: usize) -> &[Question] {
        let behind = link.checked_sub(1).and_then(|place| self.behind.get(place));
        let to_one = |question: &Question| Question {
            providers: question.providers.get(link).cloned().into_iter().collect(),
            ..question.clone()
        };
        behind.map_or(self.questions, |behind| {
            behind.get_or_init(|| self.questions.iter().map(to_one).collect())
        })
    }
}

/// The providers that may be asked, each made when it first is: a key may be read from a file for it.
pub(super) struct Askable<'a> {
    make: &'a Sites,
    made: HashMap<&'a str, OnceLock<Site>>,
}

impl<'a> Askable<'a> {
    pub(super) fn of(make: &'a Sites, questions: impl Iterator<Item = &'a Question>) -> Self {
        let names = questions.flat_map(|question| &question.providers);
        Self { make, made: names.map(|name| (&**name, OnceLock::new())).collect() }
    }

    pub(super) fn get(&self, provider: &str) -> Option<&Site> {
        self.made.get(provider).map(|site| site.get_or_init(|| (self.make)(provider)))
    }
}

/// How far a question has come along its chain.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// The place in the chain of whoever is asked.
    pub(super) link: usize,
    /// Those who were passed over, in the order of the chain.
    passed: Vec<Passed>,
    /// The requests that it has cost.
    pub(super) calls: u32,
    /// The requests of its flights, whoever of its key asked.
    flown: u32,
    /// Whether its last flight was another's.
    is_coalesced: bool,
    /// How long it may still wait for others.
    pub(super) patience: Option<Patience>,
    /// Whether limits are waited for, since nobody else is left.
    pub(super) waits: bool,
}

/// Whose flight it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The question's own.
    Own,
    /// That of another of the same key, here or in another process.
    Anothers,
    /// That of several keys of one request, to another of which its calls are counted.
    Shared,
    /// There was none: it failed a moment ago, and is not asked for so soon.
    Nobodys,
}

/// Whose word an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// The provider's: it was asked, by whomever.
    Its,
    /// Ours: nobody could ask it.
    Ours,
}

impl Word {
    /// That on a question that took so many requests.
    pub(super) fn after(calls: u32) -> Self {
        if calls > 0 { Self::Its } else { Self::Ours }
    }
}

/// A provider that was passed over.
#[derive(Debug)]
struct Passed {
    link: usize,
    provider: Box<str>,
    error: Error,
    word: Word,
    /// Until when it is limited, if a wait would have done.
    limited_until: Option<Timestamp>,
    /// What it gave of a series all the same.
    leg: Option<Arc<Leg>>,
}

impl Trail {
    /// Takes note of the requests of a flight.
    pub(super) fn flew(&mut self, calls: u32, whose: Whose) {
        self.is_coalesced = whose == Whose::Anothers;
        self.calls += if whose == Whose::Own { calls } else { 0 };
        self.flown += calls;
    }

    /// Takes note that the provider of this question has failed.
    pub(super) fn failed(
        &mut self,
        question: &Question,
        error: Error,
        word: Word,
        leg: Option<Arc<Leg>>,
    ) {
        let limited_until = self.patience.and_then(Patience::limited_until);
        let (provider, error) = match question.providers.first() {
            Some(provider) => (provider.clone(), error),
            // Who asked nobody hears of its own type, and not of that of whoever asked with it.
            None => (Box::default(), unsupported(question)),
        };
        self.pass(Passed { link: self.link, provider, error, word, limited_until, leg });
    }

    fn pass(&mut self, passed: Passed) {
        self.passed.retain(|other| other.link != passed.link);
        self.passed.push(passed);
        self.passed.sort_by_key(|passed| passed.link);
    }

    /// Who was passed over, and why.
    pub(super) fn passed_over(&self) -> Vec<PassedOver> {
        let over = |passed: &Passed| PassedOver {
            provider: passed.provider.clone(),
            error: passed.error.clone(),
        };
        self.passed.iter().map(over).collect()
    }

    pub(super) fn cost(&self) -> Cost {
        Cost { calls: self.flown, coalesced: self.is_coalesced }
    }

    /// Whether another of the chain of this question may be asked yet: one behind whoever is asked now,
    /// or one whose limit was not waited for.
    pub(super) fn has_more(&self, errand: &Errand<'_>, index: usize) -> bool {
        let is_behind = self.link + 1 < errand.links.whole()[index].providers.len();
        let is_limited = || self.passed.iter().any(|passed| passed.limited_until.is_some());
        !self.waits && (is_behind || is_limited())
    }

    /// Goes on to the next link that need not be passed over; whether there is one.
    fn go_on(
        &mut self,
        question: &Question,
        found: &[Found],
        terms: &Terms,
        (now, real_now): (Timestamp, Timestamp),
    ) -> bool {
        if self.waits {
            return false;
        }
        while let Some(provider) = question.providers.get(self.link + 1) {
            self.link += 1;
            let Some(error) = policy::absence(&held(found), provider, terms, now) else {
                return true;
            };
            self.is_absent(provider, error);
        }
        self.waits = true;
        let left = self.patience.map_or(terms.max_wait, Patience::left);
        let in_time = |passed: &&Passed| {
            passed.limited_until.is_some_and(|until| until.since(real_now) <= left)
        };
        let soonest = self.passed.iter().filter(in_time).min_by_key(|passed| passed.limited_until);
        self.link = soonest.map_or(self.link, |passed| passed.link);
        soonest.is_some()
    }

    /// Passes over a provider that is known to have no such thing.
    fn is_absent(&mut self, provider: &str, error: Error) {
        let (link, provider) = (self.link, provider.into());
        self.pass(Passed {
            link,
            provider,
            error,
            word: Word::Its,
            limited_until: None,
            leg: None,
        });
    }

    /// The error of a question that nobody has answered.
    fn error(&self) -> Option<Error> {
        let first = self.passed.iter().min_by_key(|passed| (passed.rank(), passed.link))?;
        let others = self.passed.iter().filter(|passed| passed.link != first.link);
        let mut error = first.error.clone();
        for other in others {
            error.message.push_str("; ");
            error.message.push_str(&other.says());
        }
        Some(error)
    }
}

/// The error of those who were asked one after the other, and all have failed.
pub(super) fn combined(passed: &[PassedOver]) -> Error {
    let mut trail = Trail::default();
    for (link, PassedOver { provider, error }) in passed.iter().enumerate() {
        let (provider, error) = (provider.clone(), error.clone());
        let word = Word::Ours;
        trail.pass(Passed { link, provider, error, word, limited_until: None, leg: None });
    }
    trail.error().unwrap_or_else(|| Error::new(Kind::Unsupported, "nobody was asked"))
}

impl Passed {
    /// Which error tells most, the least number first. That there is no such thing is only said if
    /// nobody who was asked leaves it open; whoever has no key, or nothing of the kind, was not asked.
    fn rank(&self) -> u8 {
        match self.error.kind {
            Kind::NotFound => 1,
            Kind::Unsupported => 2,
            Kind::Unauthorized if self.word == Word::Ours => 2,
            Kind::RateLimited
            | Kind::Unauthorized
            | Kind::Unreachable
            | Kind::Upstream
            | Kind::InvalidData
            | Kind::Offline => 0,
        }
    }

    /// What it said, short, with its name.
    fn says(&self) -> String {
        let said = sanitized(&self.error.message);
        if said.contains(&*self.provider) { said } else { format!("{}: {said}", self.provider) }
    }
}

impl Cache {
    /// Passes over those at the beginning of a chain who are known to have no such thing.
    pub(super) fn set_out(&self, question: &Question, missing: &mut Missing, terms: &Terms) {
        let (now, real_now) = (self.clock.now(), self.clock.real_now());
        let Missing { held: found, trail, .. } = missing;
        let Some(first) = question.providers.first() else { return };
        let Some(error) = policy::absence(&held(found), first, terms, now) else { return };
        trail.is_absent(first, error);
        if !trail.go_on(question, found, terms, (now, real_now)) {
            *trail = Trail::default();
        }
    }

    /// Puts the questions that have failed to the next of their chains; what is left without one is
    /// answered with what is held, or with the error.
    pub(super) fn go_on(&self, errand: &Errand<'_>, landing: &mut Landing) {
        let times = (self.clock.now(), self.clock.real_now());
        let mut open = Vec::new();
        for (index, mut missing) in std::mem::take(&mut landing.failed) {
            let question = &errand.links.whole()[index];
            if missing.trail.go_on(question, &missing.held, errand.terms, times) {
                open.push((index, missing));
                continue;
            }
            let answer = self.last_resort(errand, index, &missing);
            if errand.purpose == Purpose::Read {
                let cost = missing.trail.cost();
                self.count_answer(&mut landing.tally, &name(question), &answer, cost);
            }
            landing.answers.push((index, answer));
        }
        landing.onward.extend(flights(errand.links, open));
    }

    /// The answer once all have failed: what is held, a fresh one before a stale one and then the best
    /// of the chain; else the error.
    fn last_resort(&self, errand: &Errand<'_>, index: usize, missing: &Missing) -> Answer {
        let question = &errand.links.whole()[index];
        let trail = &missing.trail;
        let error = trail.error().unwrap_or_else(|| unsupported(question));
        let of = |provider: &str| {
            let parked = |passed: &&Passed| *passed.provider == *provider && passed.leg.is_some();
            let Some(passed) = trail.passed.iter().find(parked) else {
                return self.answer_held(errand, question, missing, provider, &error);
            };
            let (errand, leg) = (errand.at(passed.link), passed.leg.as_deref()?);
            self.answer_filled(&errand, index, missing, leg, Some(&error.message)).ok()
        };
        let providers = [PUT].into_iter().chain(question.providers.iter().map(AsRef::as_ref));
        let mut answers: Vec<Answer> = providers.filter_map(of).collect();
        let now = self.clock.now();
        let is_fresh = |answer: &Answer| {
            answer.outcome.as_ref().is_ok_and(|s| s.life.state(now) == State::Fresh)
        };
        let best = answers.iter().position(is_fresh).unwrap_or(0);
        if best < answers.len() {
            let answer = answers.swap_remove(best);
            let mut passed = trail.passed_over();
            passed.retain(|over| {
                answer.outcome.as_ref().is_ok_and(|s| s.entry.provider != over.provider)
            });
            return Answer { passed, ..answer };
        }
        missing.failed(error)
    }

    /// What is held of a provider as the answer, if it may stand in for one that failed.
    fn answer_held(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        missing: &Missing,
        provider: &str,
        error: &Error,
    ) -> Option<Answer> {
        let now = self.clock.now();
        let may = |found: &&Found| {
            let held = held(std::slice::from_ref(*found));
            *found.entry.provider == *provider
                && policy::fallback(&held, errand.terms, now).is_some()
        };
        let found = missing.held.iter().find(may)?;
        let mut served = self.served(question, found, &error.message)?;
        // Fresh or not, it is not what was asked for.
        served.status = Status::Stale;
        served.upstream_calls = missing.trail.calls;
        let warnings = vec![is_stale(question, &served, now, &error.message)];
        let took = missing.since.elapsed();
        Some(Answer { warnings, ..Answer::new(Ok(served), took) })
    }
}

/// One flight a key and provider: who asks for the same waits for the first.
pub(super) fn flights(links: &Links<'_>, open: Vec<(usize, Missing)>) -> Vec<Flight> {
    let mut flights: Vec<Flight> = Vec::new();
    let mut of_key: HashMap<(&Key, Option<&str>, usize), usize> = HashMap::new();
    for (index, missing) in open {
        let (question, link) = (&links.whole()[index], missing.trail.link);
        let name = (&question.key, question.providers.get(link).map(AsRef::as_ref), link);
        if let Some(flight) = of_key.get(&name) {
            flights[*flight].waiters.push((index, missing));
        } else {
            of_key.insert(name, flights.len());
            flights.push(Flight { index, missing, waiters: Vec::new(), leg: None });
        }
    }
    flights
}

#[cfg(test)]
mod tests {
    use super::Word::{Its, Ours};
    use super::*;

    fn passed(link: usize, kind: Kind, word: Word, says: &str) -> Passed {
        let provider = ["one", "two", "three"][link].into();
        let error = Error::new(kind, says);
        Passed { link, provider, error, word, limited_until: None, leg: None }
    }

    #[test]
    fn the_error_that_leaves_most_open_is_told_and_the_others_behind_it() {
        use Kind::{InvalidData, NotFound, Unauthorized, Unreachable, Unsupported, Upstream};
        for (case, said, kind, message) in [
            ("alone", &[(Upstream, Its)][..], Upstream, "one failed"),
            (
                "the first",
                &[(Unreachable, Ours), (Upstream, Its)],
                Unreachable,
                "one failed; two failed",
            ),
            ("all know nothing", &[(NotFound, Its); 2], NotFound, "one failed; two failed"),
            (
                "one does not know",
                &[(NotFound, Its), (InvalidData, Its)],
                InvalidData,
                "two failed; one failed",
            ),
            (
                "without a key",
                &[(Unauthorized, Ours), (NotFound, Its)],
                NotFound,
                "two failed; one failed",
            ),
            (
                "with a wrong one",
                &[(Unauthorized, Its), (NotFound, Its)],
                Unauthorized,
                "one failed; two failed",
            ),
            (
                "nobody was asked",
                &[(Unsupported, Ours), (Unauthorized, Ours)],
                Unsupported,
                "one failed; two failed",
            ),
        ] {
            let mut trail = Trail::default();
            for (link, (kind, word)) in said.iter().enumerate().rev() {
                let says = format!("{} failed", ["one", "two"][link]);
                trail.pass(passed(link, *kind, *word, &says));
            }
            let error = trail.error().unwrap();
            assert_eq!((error.kind, error.message.as_str()), (kind, message), "{case}");
        }
    }

    #[test]
    fn who_says_nothing_of_itself_is_named() {
        let mut trail = Trail::default();
        trail.pass(passed(0, Kind::Upstream, Its, "one failed"));
        trail.pass(passed(1, Kind::Upstream, Its, "no answer"));
        assert_eq!(trail.error().unwrap().message, "one failed; two: no answer");
        // Who is asked once more says it anew.
        trail.pass(passed(0, Kind::NotFound, Its, "one knows nothing"));
        assert_eq!(trail.passed.len(), 2);
        assert_eq!(trail.error().unwrap().message, "no answer; one knows nothing");
    }
}
