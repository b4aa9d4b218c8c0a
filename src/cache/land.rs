//! Steps 4 and 5: what came is put, what failed falls back, everything is counted and delivered.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::{Whose, Word};
use super::errand::{Came, Errand, Failure, Flight, Landed};
use super::fly::{name, refused, unsupported};
use super::lookup::{Found, Missing, NOT_HELD, held};
use super::series::{Filled, replaced};
use super::{Answer, AnsweredBy, Cache, News, Purpose, Question, Served, Status};
use crate::db::courses::Turn;
use crate::db::hits::Hit;
use crate::db::quarantine::Refused;
use crate::db::tally::{Asking, Event, Outcome, Tally};
use crate::entry::{Entry, Format};
use crate::error::{Error, Kind};
use crate::ledger::Call;
use crate::market::Record;
use crate::policy::market::Sighting;
use crate::policy::{self, Course, Known, Looks, Terms, Use};
use crate::provider::Speech;
use crate::tier::Incoming;
use crate::time::Timestamp;
use crate::upstream::{Asked, Given, Site};

/// What one landing leaves to be written, and to be delivered once it is.
#[derive(Default)]
pub(super) struct Landing {
    pub(super) tally: Tally,
    pub(super) incoming: Vec<Incoming>,
    /// One line each for the log of hits: answers that others had asked for.
    given: Vec<Hit>,
    /// How far series have come of which a page was kept.
    pub(super) filled: Vec<(usize, Filled)>,
    pub(super) answers: Vec<(usize, Answer)>,
    /// What was refused as nonsense.
    refused: Vec<Refused>,
    /// Questions that were not answered by whoever was asked.
    pub(super) failed: Vec<(usize, Missing)>,
    /// Flights with something left to ask for, and those to the next provider.
    pub(super) onward: Vec<Flight>,
}

/// What changes the course of a provider: its use, and whether its market moves.
struct Turning {
    uses: Vec<Use>,
    is_volatile: bool,
    /// What it comes to, read and turned once for all answers of the landing.
    course: Course,
}

impl Cache {
    /// Stores what came, lets go of the keys, then delivers everything; the flights that go on.
    pub(super) fn land(
        &self,
        errand: &Errand<'_>,
        landed: Vec<Landed>,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Vec<Flight> {
        let turnings = self.turnings(errand, &landed);
        // Until all is stored: who waits for a key looks for what was stored.
        let mut holders = Vec::new();
        let mut landing = Landing::default();
        for Landed { mut flight, mut came, holder } in landed {
            let errand = &errand.at(flight.missing.trail.link);
            let question = &errand.questions[flight.index];
            landing.refused.extend(self.reject(errand, question, &mut came));
            if let Some(mut leg) = flight.leg.take() {
                let provider = errand.questions[flight.index].providers.first();
                let turning = provider.and_then(|provider| turnings.get(&**provider));
                let course = turning.map(|turning| turning.course);
                if self.land_leg(errand, &flight, &mut leg, came, course, &mut landing) {
                    leg.holder = holder;
                    flight.leg = Some(leg);
                    landing.onward.push(flight);
                } else {
                    self.arrive(errand, flight, *leg, &mut landing);
                    holders.extend(holder);
                }
                continue;
            }
            holders.extend(holder);
            let everybody = flight.everybody();
            match came {
                Came::Asked { asked, at } => {
                    self.answer_asked(errand, everybody, &asked, at, &turnings, &mut landing);
                }
                Came::Failed(failure) => self.fail(errand, everybody, &failure, &mut landing),
                Came::Shared(found) => {
                    self.answer_given(errand, everybody, &found, &mut landing);
                }
                // Only said of a flight that fills a series.
                Came::Whole => {}
            }
        }
        self.go_on(errand, &mut landing);
        let Landing { tally, mut incoming, given, filled, answers, refused, onward, .. } = landing;
        self.count_hits(&given);
        self.quarantine(&refused);
        if !incoming.is_empty() || !tally.is_empty() {
            let now = self.clock.real_now();
            let turned: Vec<_> = turnings
                .iter()
                .map(|(provider, turning)| (*provider, |c| self.turned(c, turning, now)))
                .collect();
            let turns: Vec<Turn<'_>> =
                turned.iter().map(|(provider, turned)| Turn { provider, now, turned }).collect();
            self.store(&mut incoming, &tally, &turns);
        }
        drop(holders);
        for (index, filled) in filled {
            deliver(index, News::Page(filled));
        }
        for (index, answer) in answers {
            deliver(index, News::Answer(Box::new(answer)));
        }
        onward
    }

    /// Answers everybody who waited for what was asked, and keeps what came.
    fn answer_asked(
        &self,
        errand: &Errand<'_>,
        everybody: Vec<(usize, Missing)>,
        asked: &Asked,
        at: Timestamp,
        turnings: &BTreeMap<&str, Turning>,
        landing: &mut Landing,
    ) {
        let Some((own, missing)) = everybody.last() else { return };
        let own = *own;
        let question = &errand.questions[own];
        let name = name(question);
        self.count_asking(&mut landing.tally, &name, asked);
        let sighting = self.sighting(errand, question, asked, at);
        let entry = Self::entry(question, missing, asked, at).map(|entry| {
            let course = turnings.get(&*entry.provider).map(|turning| turning.course);
            let course = course.unwrap_or_default();
            let definition = self.rules.definition(&entry.provider, entry.key.data_type());
            let market = self.market(errand.terms, &entry, sighting.as_ref());
            let pace = self.pace(missing, &entry);
            (entry, Known { course, definition, market, pace, ..Known::default() })
        });
        let noticed = entry
            .as_ref()
            .and_then(|(_, known)| self.noticed(errand, question, missing, asked, at, known));
        let storable = |entry: &Entry| !errand.terms.no_cache && self.has_room_for(entry);
        if let Some((entry, known)) = entry.clone().filter(|(entry, _)| storable(entry)) {
            let incoming = self.incoming(entry, known, sighting);
            let before = missing.of_the_asked(question);
            let parts = replaced(before, &incoming.stored.entry);
            let validators = asked.validators.clone();
            let asked_after = before.and_then(|before| before.known.expired.clone());
            landing.incoming.push(Incoming { asked_after, validators, parts, ..incoming });
        }
        for (index, mut missing) in everybody {
            let question = &errand.questions[index];
            let whose = if index == own { Whose::Own } else { Whose::Anothers };
            missing.trail.flew(asked.calls, whose);
            let mut answer = match (&asked.outcome, &entry) {
                (Ok(given), Some(entry)) => {
                    self.answer(question, errand.terms, &missing, given, entry)
                }
                (outcome, _) => {
                    // What is given always becomes an entry: the question has a provider.
                    let error = outcome.clone().err().unwrap_or_else(|| unsupported(question));
                    missing.trail.failed(question, error, Word::after(asked.calls), None);
                    landing.failed.push((index, missing));
                    continue;
                }
            };
            if let Some(noticed) = &noticed {
                noticed.tell(question, &mut answer, at);
            }
            if errand.purpose == Purpose::Read {
                let cost = missing.trail.cost();
                self.count_answer(&mut landing.tally, &name, &answer, cost);
            }
            landing.answers.push((index, answer));
        }
    }

    /// The pace of an entry, by the one that it takes the place of.
    fn pace(&self, missing: &Missing, entry: &Entry) -> Looks {
        let held = missing.held.iter().find(|held| held.entry.provider == entry.provider);
        held.map(|h| self.rules.paced(&h.known, &h.entry, entry)).unwrap_or_default()
    }

    /// Takes note of how a request that was not for this key alone has failed for everybody who waited.
    fn fail(
        &self,
        errand: &Errand<'_>,
        everybody: Vec<(usize, Missing)>,
        failure: &Failure,
        landing: &mut Landing,
    ) {
        let Failure { error, whose, calls } = failure;
        let asked = refused(error.clone());
        let own = everybody.last().map(|(own, _)| *own);
        let word = if *whose == Whose::Shared { Word::after(*calls) } else { Word::Its };
        for (index, mut missing) in everybody {
            let question = &errand.questions[index];
            if errand.purpose == Purpose::Read {
                self.count_asking(&mut landing.tally, &name(question), &asked);
            }
            let is_waiter = *whose == Whose::Shared && Some(index) != own;
            missing.trail.flew(*calls, if is_waiter { Whose::Anothers } else { *whose });
            missing.trail.failed(question, error.clone(), word, None);
            landing.failed.push((index, missing));
        }
    }

    /// Answers everybody who waited with what another process has stored.
    fn answer_given(
        &self,
        errand: &Errand<'_>,
        everybody: Vec<(usize, Missing)>,
        found: &Found,
        landing: &mut Landing,
    ) {
        for (index, missing) in everybody {
            let question = &errand.questions[index];
            // Each may ask for another part of the same series.
            let (entry, known) = (Arc::clone(&found.entry), found.known.clone());
            let found =
                self.found(question, errand.terms, entry, known, (found.answered_by, found.row));
            let took = missing.since.elapsed();
            let served = self.served(question, &found, NOT_HELD).map(|served| Served {
                status: Status::Miss,
                answered_by: AnsweredBy::Upstream,
                upstream_calls: missing.trail.calls,
                ..served
            });
            if let Some(served) = served.as_ref().filter(|_| errand.purpose == Purpose::Read) {
                landing.given.push(self.hit(found.row, served, took));
            }
            let outcome = served.ok_or_else(|| unreadable(question));
            let passed = missing.trail.passed_over();
            landing.answers.push((index, Answer { passed, ..Answer::new(outcome, took) }));
        }
    }

    /// What changes the course of every provider that was called.
    fn turnings<'a>(&self, errand: &Errand<'a>, landed: &[Landed]) -> BTreeMap<&'a str, Turning> {
        let mut turnings: BTreeMap<&'a str, Turning> = BTreeMap::new();
        for Landed { flight, came, .. } in landed {
            let Came::Asked { asked, at } = came else { continue };
            let question = &errand.at(flight.missing.trail.link).questions[flight.index];
            // The map outlives the landing, and so does the question's name for the provider.
            let Some(provider) = question.providers.first() else { continue };
            // What came in one request with others was counted once, for one of them.
            let came = asked.calls > 0 || asked.outcome.is_ok();
            let Some(site) = errand.sites.get(provider).filter(|_| came) else { continue };
            let turning = turnings.entry(provider).or_insert_with(|| Turning {
                uses: self.uses(site),
                is_volatile: false,
                course: self.course(provider),
            });
            let held = &flight.missing.held;
            if !held.is_empty()
                && let Some(entry) = Self::entry(question, &flight.missing, asked, *at)
            {
                let strategies = &self.rules.strategies;
                // Another's price is no move of this one's.
                let own = held.iter().filter(|held| held.entry.provider == entry.provider);
                turning.is_volatile |=
                    own.into_iter().any(|h| strategies.is_volatile(&h.entry, &entry));
            }
        }
        let now = self.clock.real_now();
        for turning in turnings.values_mut() {
            turning.course = self.turned(turning.course, turning, now);
        }
        turnings
    }

    /// How full the windows and the budget of a provider are; those of one endpoint are no reason to
    /// spare the others.
    fn uses(&self, site: &Site) -> Vec<Use> {
        let call = Call {
            provider: &site.name,
            endpoint: "",
            weight: 1,
            caller: &self.caller,
            use_case: None,
            limits: &site.limits,
            budget_share: None,
            is_probe: false,
        };
        let Ok(standing) = self.upstream.ledger().standing(&call, &self.clock.reading()) else {
            return Vec::new();
        };
        let windows = standing
            .windows
            .into_iter()
            .map(|filled| Use { allowed: filled.window.calls.into(), calls: filled.leaves });
        let budget = standing
            .spent
            .zip(site.limits.budget.as_ref())
            .map(|(spent, budget)| Use { allowed: budget.calls, calls: vec![(spent.1, spent.0)] });
        windows.chain(budget).collect()
    }

    fn turned(&self, course: Course, turning: &Turning, now: Timestamp) -> Course {
        let strategies = &self.rules.strategies;
        let course = course.after(&turning.uses, strategies, now);
        if turning.is_volatile { course.volatile(now, strategies.aggressive_for) } else { course }
    }

    /// What a quote that came says of the market of its symbol. What is invented says nothing.
    fn sighting(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        asked: &Asked,
        at: Timestamp,
    ) -> Option<Sighting> {
        let Ok(Given::Record(Record::Quote(quote))) = &asked.outcome else { return None };
        let speech = &errand.sites.get(question.providers.first()?)?.speech;
        let exchange = speech.provider().exchange(quote);
        let mut sighting = Sighting::of(quote, exchange, self.rules.unusual_volume)
            .filter(|_| *speech != Speech::Demo)?;
        // What is published late is of the session before for as long as it is late.
        let known = Known { market: sighting.alone(), ..Known::default() };
        let provider = question.providers.first()?;
        sighting.in_session &= self.rules.is_in_session(&question.key, provider, &known, at);
        Some(sighting)
    }

    /// What is stored of an outcome: a record, what is held and was confirmed, or that there is none,
    /// if that is not said of something that we hold.
    pub(super) fn entry(
        question: &Question,
        missing: &Missing,
        asked: &Asked,
        at: Timestamp,
    ) -> Option<Arc<Entry>> {
        let (format, body) = match &asked.outcome {
            Ok(Given::Record(record)) => (Format::Json, Record::to_json(record).into()),
            Ok(Given::Unchanged) => {
                let held = &missing.of_the_asked(question)?.entry;
                (held.format, held.body.clone())
            }
            Err(error)
                if error.kind == Kind::NotFound
                    && asked.calls > 0
                    && policy::may_remember_absence(
                        &held(&missing.held),
                        question.providers.first()?,
                        at,
                    ) =>
            {
                (Format::NotFound, error.message.clone().into_bytes().into())
            }
            // A page goes into the head of a series.
            Ok(Given::Page(_) | Given::Several(_)) | Err(_) => return None,
        };
        Some(Arc::new(Entry {
            key: question.key.clone(),
            provider: question.providers.first()?.clone(),
            fetched_at: at,
            own_ttl: None,
            format,
            body,
        }))
    }

    fn answer(
        &self,
        question: &Question,
        terms: &Terms,
        missing: &Missing,
        given: &Given,
        (entry, known): &(Arc<Entry>, Known),
    ) -> Answer {
        let is_refresh = terms.refresh || *given == Given::Unchanged;
        let from = (AnsweredBy::Upstream, 0);
        let found = self.found(question, terms, Arc::clone(entry), known.clone(), from);
        let served = self.served(question, &found, NOT_HELD).map(|served| Served {
            status: if is_refresh { Status::Refresh } else { Status::Miss },
            upstream_calls: missing.trail.calls,
            ..served
        });
        let outcome = served.ok_or_else(|| unreadable(question));
        let (passed, took) = (missing.trail.passed_over(), missing.since.elapsed());
        Answer { passed, ..Answer::new(outcome, took) }
    }

    /// Counts a question that was refused without asking, if this one was: a miss like any other
    /// error.
    pub(super) fn count_refused(&self, tally: &mut Tally, question: &Question, answer: &Answer) {
        if let Err(error) = &answer.outcome {
            let name = name(question);
            self.count_asking(tally, &name, &refused(error.clone()));
            self.count_answer(tally, &name, answer, Cost { calls: 0, coalesced: false });
        }
    }

    pub(super) fn count_asking(&self, tally: &mut Tally, name: &str, asked: &Asked) {
        tally.asked(&Asking {
            at: self.clock.now(),
            name,
            caller: &self.caller,
            calls: asked.calls,
            latency_us: u64::try_from(asked.latency.as_micros()).unwrap_or(u64::MAX),
            failed: asked.outcome.as_ref().err().map(|error| error.kind),
        });
    }

    pub(super) fn count_answer(&self, tally: &mut Tally, name: &str, answer: &Answer, cost: Cost) {
        let served = answer.outcome.as_ref().ok();
        let outcome = match served.map(|served| (served.status, served.answered_by)) {
            Some((Status::Stale, _)) => Outcome::Stale,
            Some((Status::Hit, AnsweredBy::Memory)) => Outcome::Memory,
            Some((Status::Hit, _)) => Outcome::Disk,
            _ => Outcome::Miss,
        };
        tally.add(&Event {
            at: self.clock.now(),
            name,
            caller: &self.caller,
            outcome,
            latency_us: u64::try_from(answer.took.as_micros()).ok(),
            age_s: served.map(|served| served.entry.age(self.clock.now()).as_secs()),
        });
        if cost.coalesced {
            tally.coalesced(self.clock.now(), name);
        }
        // That there is no such thing is an answer, and the cache spared the call for it.
        let is_answer = |error: &Error| error.kind == Kind::NotFound;
        if cost.calls == 0 && answer.outcome.as_ref().is_err_and(|error| !is_answer(error)) {
            tally.uncalled(self.clock.now(), name);
        }
    }
}

/// The error for what came and cannot be read.
pub(super) fn unreadable(question: &Question) -> Error {
    Error::new(Kind::InvalidData, format!("what is held of `{}` cannot be read", question.key))
        .hint("`mcache stats --repair` sets it aside, and it is asked for again")
}

/// What an answer cost.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    /// The calls of its flight, whoever in it asked.
    pub(super) calls: u32,
    /// Whether it was given another's.
    pub(super) coalesced: bool,
}
