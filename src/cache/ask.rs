//! Steps 3 to 5: upstream is asked, what came is put, what failed falls back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};

use super::lookup::{Missing, held, is_stale, served};
use super::{Answer, AnsweredBy, Cache, Interrupted, Purpose, Question, Served, Status};
use crate::db::tally::{Asking, Event, Outcome, Tally};
use crate::entry::{Entry, Format};
use crate::error::{Error, Kind};
use crate::key::Key;
use crate::market::Record;
use crate::policy::{self, Course, Terms};
use crate::time::Timestamp;
use crate::upstream::{Asked, Site};

/// How long what has come waits for what comes right after it, while anything else is under way.
///
/// Answers to requests that were sent together come together. Storing the first at once would keep
/// the others from being read and the next requests from being sent: 500 symbols made 83
/// transactions and took a quarter longer than upstream did.
const TOGETHER: Duration = Duration::from_millis(5);

/// One key that is asked for, and everybody in this command who waits for it.
struct Flight {
    /// The index of the question that is asked.
    index: usize,
    missing: Missing,
    /// Further questions of the same key.
    waiters: Vec<(usize, Missing)>,
}

/// A flight that has landed.
struct Landed {
    flight: Flight,
    asked: Asked,
    at: Timestamp,
}

impl Cache {
    /// Asks for all open questions at once. Whatever comes together is stored together: a
    /// transaction for each of five hundred answers would take longer than asking.
    pub(super) fn ask(
        &self,
        questions: &[Question],
        open: Vec<(usize, Missing)>,
        terms: &Terms,
        purpose: Purpose,
        deliver: &mut dyn FnMut(usize, Answer),
    ) -> Result<(), Interrupted> {
        let flights = flights(questions, open);
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error =
                    Error::new(Kind::Unreachable, "the network cannot be used").caused_by(error);
                self.land(
                    questions,
                    terms,
                    purpose,
                    flights.into_iter().map(|f| failed(f, &error)).collect(),
                    deliver,
                );
                return Ok(());
            }
        };
        let sites = self.sites_of(questions, &flights);
        let result = runtime.block_on(async {
            let mut asking: FuturesUnordered<_> = flights
                .into_iter()
                .map(|flight| self.fly(&questions[flight.index], flight, &sites, terms))
                .collect();
            let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
            loop {
                let first = tokio::select! {
                    landed = asking.next() => landed,
                    _ = &mut interrupted => return Err(Interrupted),
                };
                let Some(first) = first else { return Ok(()) };
                let landed = together(first, &mut asking).await;
                self.land(questions, terms, purpose, landed, deliver);
            }
        });
        // A host name that is still being looked up would hold the process back.
        runtime.shutdown_background();
        result
    }

    /// The providers that are asked, each made once: a key may be read from a file for it.
    fn sites_of(&self, questions: &[Question], flights: &[Flight]) -> HashMap<Box<str>, Site> {
        let mut sites = HashMap::new();
        for provider in flights.iter().filter_map(|f| questions[f.index].providers.first()) {
            sites.entry(provider.clone()).or_insert_with(|| (self.sites)(provider));
        }
        sites
    }

    async fn fly(
        &self,
        question: &Question,
        flight: Flight,
        sites: &HashMap<Box<str>, Site>,
        terms: &Terms,
    ) -> Landed {
        let Some(site) = question.providers.first().and_then(|provider| sites.get(provider)) else {
            let asked = refused(unsupported(question));
            return Landed { flight, asked, at: self.clock.now() };
        };
        let (symbol, data_type) = (&question.symbol, question.data_type);
        let asked = self.upstream.ask(site, symbol, data_type, terms.max_wait).await;
        // A value is as old as the request for it: what changed on its way is not in it.
        let at = self.clock.now() - asked.latency;
        Landed { flight, asked, at }
    }

    /// Stores what came, then delivers everything.
    fn land(
        &self,
        questions: &[Question],
        terms: &Terms,
        purpose: Purpose,
        landed: Vec<Landed>,
        deliver: &mut dyn FnMut(usize, Answer),
    ) {
        let mut tally = Tally::default();
        let mut incoming = Vec::new();
        let mut answers = Vec::new();
        for Landed { flight, asked, at } in landed {
            let question = &questions[flight.index];
            let name = name(question);
            self.count_asking(&mut tally, &name, &asked);
            let entry = Self::entry(question, &flight.missing, &asked, at);
            let course =
                question.providers.first().map_or_else(Course::default, |p| self.course(p));
            let entry = entry.map(|entry| (entry, course));
            let answer = self.answer(question, terms, &flight.missing, &asked, entry.as_ref());
            for (index, missing) in flight.waiters {
                let shared =
                    Asked { outcome: asked.outcome.clone(), calls: 0, latency: asked.latency };
                let answer = self.answer(question, terms, &missing, &shared, entry.as_ref());
                answers.push((
                    index,
                    name.clone(),
                    answer,
                    Cost { calls: asked.calls, coalesced: true },
                ));
            }
            answers.push((
                flight.index,
                name,
                answer,
                Cost { calls: asked.calls, coalesced: false },
            ));
            let storable = entry.filter(|(e, _)| !terms.no_cache && self.has_room_for(e));
            if let Some((entry, course)) = storable {
                incoming.push(self.incoming(entry, course, Vec::new()));
            }
        }
        if purpose == Purpose::Read {
            for (_, name, answer, cost) in &answers {
                self.count_answer(&mut tally, name, answer, *cost);
            }
        }
        self.store(&mut incoming, &tally, &[]);
        for (index, _, answer, _) in answers {
            deliver(index, answer);
        }
    }

    /// What is stored of an outcome: a record, or that there is none, if that is not said of
    /// something that we hold.
    fn entry(
        question: &Question,
        missing: &Missing,
        asked: &Asked,
        at: Timestamp,
    ) -> Option<Arc<Entry>> {
        let (format, body) = match &asked.outcome {
            Ok(record) => (Format::Json, Record::to_json(record)),
            Err(error)
                if error.kind == Kind::NotFound
                    && asked.calls > 0
                    && policy::may_remember_absence(&held(&missing.held), at) =>
            {
                (Format::NotFound, error.message.clone().into_bytes())
            }
            Err(_) => return None,
        };
        Some(Arc::new(Entry {
            key: question.key.clone(),
            provider: question.providers.first()?.clone(),
            fetched_at: at,
            own_ttl: None,
            format,
            body: body.into(),
        }))
    }

    fn answer(
        &self,
        question: &Question,
        terms: &Terms,
        missing: &Missing,
        asked: &Asked,
        entry: Option<&(Arc<Entry>, Course)>,
    ) -> Answer {
        let now = self.clock.now();
        let took = missing.since.elapsed();
        match (&asked.outcome, entry) {
            (Ok(_), Some((entry, course))) => {
                let strategy = self.strategy(&entry.provider, *course);
                let served = Served {
                    entry: Arc::clone(entry),
                    life: self.rules.life(entry, strategy, terms.max_age),
                    strategy,
                    status: if terms.refresh { Status::Refresh } else { Status::Miss },
                    answered_by: AnsweredBy::Upstream,
                    upstream_calls: asked.calls,
                };
                Answer { outcome: Ok(served), warnings: Vec::new(), took }
            }
            (Err(error), _) => {
                let Some(index) = policy::fallback(&held(&missing.held), terms, now) else {
                    return Answer { outcome: Err(error.clone()), warnings: Vec::new(), took };
                };
                let mut served = served(&missing.held[index], now);
                served.upstream_calls = asked.calls;
                let warning = is_stale(question, &served, now, &error.message);
                Answer { outcome: Ok(served), warnings: vec![warning], took }
            }
            // A record always becomes an entry: the question that was asked has a provider.
            (Ok(_), None) => {
                Answer { outcome: Err(unsupported(question)), warnings: Vec::new(), took }
            }
        }
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

    fn count_asking(&self, tally: &mut Tally, name: &str, asked: &Asked) {
        tally.asked(&Asking {
            at: self.clock.now(),
            name,
            caller: &self.caller,
            calls: asked.calls,
            latency_us: u64::try_from(asked.latency.as_micros()).unwrap_or(u64::MAX),
            failed: asked.outcome.as_ref().err().map(|error| error.kind),
        });
    }

    fn count_answer(&self, tally: &mut Tally, name: &str, answer: &Answer, cost: Cost) {
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
        if served.is_none() && cost.calls == 0 {
            tally.uncalled(self.clock.now(), name);
        }
    }
}

/// What an answer cost.
#[derive(Clone, Copy)]
struct Cost {
    /// The calls of its flight, whoever in it asked.
    calls: u32,
    /// Whether it was given another's.
    coalesced: bool,
}

/// What has landed, with what lands right after it.
async fn together(first: Landed, asking: &mut (impl Stream<Item = Landed> + Unpin)) -> Vec<Landed> {
    let mut landed = vec![first];
    let mut waited = std::pin::pin!(tokio::time::sleep(TOGETHER));
    loop {
        tokio::select! {
            biased;
            next = asking.next() => match next {
                Some(next) => landed.push(next),
                None => return landed,
            },
            () = &mut waited => return landed,
        }
    }
}

/// One flight a key: who asks for the same waits for the first.
fn flights(questions: &[Question], open: Vec<(usize, Missing)>) -> Vec<Flight> {
    let mut flights: Vec<Flight> = Vec::new();
    let mut of_key: HashMap<(&Key, Option<&str>), usize> = HashMap::new();
    for (index, missing) in open {
        let question = &questions[index];
        let name = (&question.key, question.providers.first().map(AsRef::as_ref));
        if let Some(flight) = of_key.get(&name) {
            flights[*flight].waiters.push((index, missing));
        } else {
            of_key.insert(name, flights.len());
            flights.push(Flight { index, missing, waiters: Vec::new() });
        }
    }
    flights
}

/// The name under which a question is counted.
fn name(question: &Question) -> String {
    let provider = question.providers.first().map_or("none", AsRef::as_ref);
    format!("{}@{provider}", question.key)
}

fn unsupported(question: &Question) -> Error {
    let (data_type, class) = (question.data_type.as_str(), question.symbol.class().as_str());
    let symbol = &question.symbol;
    Error::new(
        Kind::Unsupported,
        format!("no provider of the {class} chain has a {data_type} of `{symbol}`"),
    )
    .hint(format!("see `chains.{class}` in `mcache config show`, or name one with --provider"))
}

fn refused(error: Error) -> Asked {
    Asked { outcome: Err(error), calls: 0, latency: Duration::ZERO }
}

fn failed(flight: Flight, error: &Error) -> Landed {
    Landed { flight, asked: refused(error.clone()), at: Timestamp::from_ms(0) }
}
