//! The only door to the network, and to other programs: sends what a provider wrote, within the
//! limits, tries again what may go better, and checks what comes back.
//!
//! It refuses to look anything up, to store anything and to serve anything stale: that is
//! [`cache`](crate::cache)'s.
//!
//! # Order
//!
//! First a [`Permit`] of the process, of which a provider has `concurrency`; then, the caller's, the
//! lock of the key; then a slot of the [`ledger`](crate::ledger). Whoever has a permit waits for time or for an answer and for nobody else, so nothing can wait in a circle.
//!
//! # What a failure leads to
//!
//! | what | the request | everybody |
//! |---|---|---|
//! | a broken connection, 408, 5xx | is tried again, at most twice | five in a row open the breaker |
//! | 429, 418, 403, a body that says so | waits for the pause, if it may | the provider is paused |
//! | no connection at all | fails, and so do all others of this command | counts as one failure |
//! | anything else | fails | its key cools down |
//! | a program that fails, or takes too long | fails, and is not run again | five in a row open the breaker |
//!
//! # Secrets
//!
//! A key is put into a request and nowhere else. Every error that leaves this folder is searched
//! for it, because upstreams like to repeat what they were sent.

mod demo;
mod http;
mod line;
mod process;
mod program;
mod rejected;
mod retry;
mod send;
mod site;
mod turn;
mod witness;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::Url;

pub use demo::DemoUpstream;
pub use line::{Patience, Permit};
pub use program::{Surroundings, Told};
pub use rejected::Rejected;
pub use site::{Access, Certificates, Credentials, DemoSettings, Place, Secret, Site};
pub use turn::{reason, refused};
pub use witness::{Seen, Sent, Witness};

use crate::clock::{Clock, Reading};
use crate::error::{Error, Kind};
use crate::ledger::{Call, Ledger, Outcome, Said};
use crate::market::{DataType, Page, Params, Record, Symbol};
use crate::provider::{Ask, Pace, Piece, Reply, Request, Speech, Validators};
use crate::time::Timestamp;
use crate::units::Share;
use http::{Clients, Letter};
use line::Line;
use retry::Again;

/// How many redirects are followed for one question.
const MOST_REDIRECTS: usize = 3;

/// The shortest pause after a refusal that names a time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// One question to one provider.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// The provider.
    pub site: &'a Site,
    /// About what.
    pub symbol: &'a Symbol,
    /// Which of its data, as a provider gives it.
    pub data_type: DataType,
    /// What the parameters of its endpoint are.
    pub params: &'a Params,
    /// Which bars, if those are asked for.
    pub piece: Option<Piece>,
    /// What else is asked about in the same request; nothing for a request of its own.
    pub beside: &'a [&'a Symbol],
    /// The name under which a failure is remembered: `key@provider`.
    pub name: &'a str,
    /// Who asks, for what is reserved.
    pub caller: &'a str,
    /// What for, if that is known.
    pub use_case: Option<&'a str>,
    /// How much of the budget may be used up.
    pub budget_share: Option<Share>,
    /// The number of the endpoint's definition.
    pub definition: u64,
    /// By what upstream may confirm the value that is held, if one is.
    pub validators: Option<&'a Validators>,
    /// What a program that is asked finds on its standard input.
    pub input: &'a [u8],
}

/// What upstream gave.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A record that was read and found possible.
    Record(Record),
    /// The same of bars.
    Page(Box<Page>),
    /// The records of all that was asked about at once, in order; none for what is to be asked by itself.
    Several(Vec<Option<Record>>),
    /// That the value whose validators were sent is what it would give again (304).
    Unchanged,
}

/// What became of one question.
#[derive(Debug)]
pub struct Asked {
    /// What upstream gave, or why it gave nothing.
    pub outcome: Result<Given, Error>,
    /// By what it may confirm that later.
    pub validators: Option<Validators>,
    /// What came, if it was refused as nonsense.
    pub rejected: Option<Rejected>,
    /// How many requests left the machine: 0 if none did, more than 1 after redirects.
    pub calls: u32,
    /// The time that those requests took, from sending to the last byte; no waiting for a slot or
    /// for another request is in it.
    pub latency: Duration,
}

/// Everyone who can be asked, and the book of what they were.
///
/// It is shared by reference between any number of questions under way at once, in one runtime.
/// A provider that cannot be reached is not tried again: one is made for each command, so that
/// holds for the rest of it.
#[derive(Debug)]
pub struct Upstream {
    clock: Clock,
    ledger: Ledger,
    clients: Clients,
    lines: Mutex<HashMap<String, Arc<Line>>>,
    surroundings: Told,
}

/// One question as its provider puts it.
struct Inquiry<'a> {
    ask: Ask<'a>,
    request: Request,
    /// By which validators are told that hold for it.
    number: i64,
}

/// Why one try came to nothing.
struct Failed {
    error: Error,
    again: Again,
    blame: Blame,
}

/// What a failure says of the provider.
enum Blame {
    /// It refused, with this status, and was noted to be paused.
    Refused,
    /// It is there, and says what it should.
    Well,
    /// It fails.
    Sick,
    /// Nothing, and the key does not cool down either: nobody was asked.
    Unasked,
}

impl Upstream {
    /// Nobody has been asked yet; nothing is built before somebody is.
    pub fn new(clock: Clock, ledger: Ledger) -> Self {
        Self {
            clock,
            ledger,
            clients: Clients::default(),
            lines: Mutex::default(),
            surroundings: Told::new(Box::new(Surroundings::default)),
        }
    }

    /// The book of what everybody was asked.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Waits for the right to ask a provider.
    pub async fn permit(&self, site: &Site, patience: &mut Patience) -> Permit {
        self.line(site).permit(patience).await
    }

    /// Asks once it may, and again where that may help. Waiting for limits, for pauses and between
    /// retries together takes no longer than `patience`; the requests themselves together no longer
    /// than the site's `timeout`.
    pub async fn ask(
        &self,
        asking: &Asking<'_>,
        permit: &Permit,
        patience: &mut Patience,
    ) -> Asked {
        self.ask_before(asking, permit, patience, None).await
    }

    /// The same before somebody who looks on, if there is one.
    pub async fn ask_before(
        &self,
        asking: &Asking<'_>,
        permit: &Permit,
        patience: &mut Patience,
        witness: Option<&Witness>,
    ) -> Asked {
        let mut spent = Spent {
            patience,
            calls: 0,
            latency: Duration::ZERO,
            started: None,
            is_probe: false,
            used: None,
            witness,
            rejected: None,
        };
        let outcome = self.converse(asking, &permit.line, &mut spent).await;
        let (calls, latency) = (spent.calls, spent.latency);
        let mut validators = None;
        let outcome = match outcome {
            Ok((given, kept)) => {
                self.settle(asking, &spent, Said::Answered, Some((asking.name, None)));
                validators = kept;
                Ok(given)
            }
            Err(Failed { error, blame, .. }) => {
                let error = send::without_secret(error, asking.site);
                match blame {
                    Blame::Refused | Blame::Unasked => {}
                    Blame::Well => {
                        let failed = (error.kind != Kind::NotFound).then_some(&error);
                        self.settle(asking, &spent, Said::Answered, Some((asking.name, failed)));
                    }
                    Blame::Sick => {
                        let key = Some((asking.name, Some(&error)));
                        self.settle(asking, &spent, Said::Failed(&error), key);
                    }
                }
                Err(error)
            }
        };
        let is_nonsense = |error: &Error| error.kind == Kind::InvalidData;
        let rejected = spent.rejected.filter(|_| outcome.as_ref().err().is_some_and(is_nonsense));
        Asked { outcome, validators, rejected, calls, latency }
    }

    async fn converse(
        &self,
        asking: &Asking<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<(Given, Option<Validators>), Failed> {
        let site = asking.site;
        let ask = Ask {
            symbol: asking.symbol,
            data_type: asking.data_type,
            provider: &site.name,
            params: asking.params,
        };
        let request = match asking.beside {
            [] => send::request(site, &ask, asking.piece.as_ref()),
            beside => site.speech.provider().request_at_once(&send::several(&ask, beside)),
        };
        let Some(request) = request else {
            return Err(Failed::unasked(send::unable(site, &ask)));
        };
        if let Speech::Command(definition) = &site.speech {
            return self.perform(asking, definition, (&ask, &request), line, spent).await;
        }
        let credentials = site.credentials().map_err(Failed::unasked)?;
        let base = self.base_url(site, line).map_err(Failed::unasked)?;
        let number = request.number(&site.speech, site.base_url.as_deref(), asking.definition);
        let mut letter =
            send::letter(site, &base, &request, credentials).map_err(Failed::unasked)?;
        letter.validators = asking.validators.filter(|held| held.request == number);
        let inquiry = Inquiry { ask, request, number };
        let (mut retries, mut before) = (0, None);
        loop {
            let failed = match self.attempt(asking, &inquiry, letter.clone(), line, spent).await {
                Ok(given) => return Ok(given),
                // Why it could not be asked again says less than how it failed.
                Err(Failed { blame: Blame::Unasked, error, .. }) => {
                    return Err(before.unwrap_or_else(|| Failed::unasked(error)));
                }
                Err(failed) => failed,
            };
            let Some(pause) = self.pause_before_retry(site, &failed, retries, spent) else {
                if failed.error.kind == Kind::Unreachable {
                    line.lost.send_replace(Some(failed.error.clone()));
                }
                return Err(failed);
            };
            tokio::time::sleep(pause).await;
            spent.patience.spend(pause);
            retries += 1;
            before = Some(failed);
        }
    }

    /// How long to wait before asking again, if that helps and if there is time for it: of the
    /// request's own `timeout`, and of what may be waited.
    fn pause_before_retry(
        &self,
        site: &Site,
        failed: &Failed,
        retries: u32,
        spent: &mut Spent<'_>,
    ) -> Option<Duration> {
        let left = spent.patience.left();
        let pause = failed.again.pause(retries)?;
        let now = self.reading();
        let paused = match failed.again {
            Again::AfterPause => {
                self.ledger.paused_until(&site.name, &now).map(|u| u.since(now.wall))
            }
            Again::Soon | Again::No => None,
        };
        if let Some(paused) = paused.filter(|paused| *paused > spent.patience.left_for_limits()) {
            spent.patience.passes_by(now.wall + paused);
            return None;
        }
        let in_time = spent.latency < site.timeout && !left.is_zero();
        (in_time && pause.max(paused.unwrap_or_default()) <= left).then_some(pause)
    }

    /// One try: a request and its answer, through its redirects.
    async fn attempt(
        &self,
        asking: &Asking<'_>,
        inquiry: &Inquiry<'_>,
        mut letter: Letter<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<(Given, Option<Validators>), Failed> {
        let site = asking.site;
        for redirects in 0..=MOST_REDIRECTS {
            if let Some(witness) = spent.witness {
                witness.note_sent(site, &letter);
            }
            let arrival = self.exchange(asking, &inquiry.request, &mut letter, line, spent).await?;
            if let Some(witness) = spent.witness {
                witness.note_arrival(site, &arrival);
            }
            let status = arrival.status;
            let next = send::redirection(site, &letter.url, &arrival).map_err(Failed::well)?;
            let Some(next) = next else {
                // Those of another place would be sent to this one.
                let validators = (redirects == 0)
                    .then(|| send::validators(site, inquiry.number, &arrival))
                    .flatten();
                return self.read(asking, inquiry, letter.validators, arrival, spent).map(
                    |given| match (&given, letter.validators) {
                        (Given::Unchanged, Some(held)) => (given, Some(held.renewed(validators))),
                        _ => (given, validators),
                    },
                );
            };
            send::redirect(site, &mut letter, status, next);
        }
        let message = format!("{} redirects more than {MOST_REDIRECTS} times", site.name);
        let error = Error::new(Kind::Upstream, message);
        Err(Failed::well(error.hint("check `base_url` with `mcache config show`")))
    }

    /// What an answer gives, and what it says of how often one may ask; `held` was sent along.
    fn read(
        &self,
        asking: &Asking<'_>,
        inquiry: &Inquiry<'_>,
        held: Option<&Validators>,
        mut arrival: http::Arrival,
        spent: &mut Spent<'_>,
    ) -> Result<Given, Failed> {
        let site = asking.site;
        let body = std::mem::take(&mut arrival.body);
        let status = arrival.status;
        let header = |name: &str| arrival.header(name).map(str::to_owned);
        let content_type = header("content-type").map(Into::into);
        let reply = Reply { status, body, content_type };
        let now = self.reading();
        let pace = site.speech.provider().pace(&inquiry.ask, &reply, &header, now.wall);
        let endpoint = &inquiry.request.endpoint;
        // What nothing limits need not be known, and what was counted before this call started
        // may be counted in another minute.
        let is_of_use = |since: Timestamp| {
            !site.limits.windows.is_empty() && spent.started.is_some_and(|at| at >= since)
        };
        spent.used = pace.used.filter(|(since, _)| is_of_use(*since)).or(spent.used);
        let outcome = match (status, held) {
            (304, Some(_)) => Ok(Given::Unchanged),
            (304, None) => Err(send::unasked(site)),
            _ => match asking.beside {
                [] => {
                    send::read(site, &inquiry.ask, asking.piece.as_ref(), &reply, self.clock.now())
                }
                beside => {
                    let asks = send::several(&inquiry.ask, beside);
                    send::read_several(site, &asks, &reply, self.clock.now())
                }
            },
        };
        let is_nonsense = outcome.as_ref().is_err_and(|error| error.kind == Kind::InvalidData);
        spent.rejected = is_nonsense.then(|| Rejected::of(site, endpoint, &reply));
        outcome.map_err(|error| {
            // A date is meant by the clock of whoever wrote it.
            let its_now = arrival.header("date").and_then(Timestamp::from_http_date);
            let named = arrival
                .header("retry-after")
                .and_then(|text| send::retry_after(text, its_now.unwrap_or(now.wall)));
            self.failed(asking, error, status, named, pace, spent)
        })
    }

    /// What an answer that is no record says: refused by its status, by a time that it names, or,
    /// where the status says nothing of it (Yahoo's 200 with `Too Many Requests`), by what the
    /// provider read.
    fn failed(
        &self,
        asking: &Asking<'_>,
        error: Error,
        status: u16,
        named: Option<Duration>,
        pace: Pace,
        spent: &Spent<'_>,
    ) -> Failed {
        let now = self.reading();
        let banned = pace.banned_until.map(|until| send::bounded(until.since(now.wall)));
        // Not at all, or a date that has passed by our clock, is a moment all the same: whoever
        // refuses everybody must not be asked by everybody at once.
        let wait = named.max(banned).map(|wait| wait.max(SHORTEST_PAUSE));
        let limited = error.kind == Kind::RateLimited;
        if matches!(status, 403 | 418 | 429) || (status >= 400 && wait.is_some()) || limited {
            self.settle(asking, spent, Said::Refused(status, wait), None);
            let error = self.with_pause(asking.site, error);
            let again = if limited { Again::AfterPause } else { Again::No };
            return Failed { error, again, blame: Blame::Refused };
        }
        let again = Again::after_status(status);
        let sick = status >= 500 || matches!(error.kind, Kind::Upstream | Kind::InvalidData);
        let blame = if sick { Blame::Sick } else { Blame::Well };
        Failed { error, again, blame }
    }

    /// One request and its answer, when it is its turn.
    async fn exchange(
        &self,
        asking: &Asking<'_>,
        request: &Request,
        letter: &mut Letter<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<http::Arrival, Failed> {
        let site = asking.site;
        // Built before the call starts, so that it does not arrive late by that time.
        let client = self.clients.client(&site.name, &letter.url, site.certificates);
        let client = client.map_err(Failed::unasked)?;
        let call = Call {
            provider: &site.name,
            endpoint: &request.endpoint,
            weight: site.limits.weight(&request.endpoint, request.weight),
            caller: asking.caller,
            use_case: asking.use_case,
            limits: &site.limits,
            budget_share: asking.budget_share,
            is_probe: spent.is_probe,
        };
        // Whoever stops waiting from here on has made the call.
        let started = self.turn(line, &call, spent.patience).await.map_err(Failed::unasked)?;
        spent.is_probe |= started.is_probe;
        letter.timeout = site.timeout.saturating_sub(spent.latency);
        let stopwatch = self.clock.stopwatch();
        let outcome = http::exchange(client, letter).await;
        if outcome.as_ref().map_or_else(|failure| failure.left, |_| true) {
            spent.calls += 1;
            spent.latency += stopwatch.elapsed();
            spent.started = Some(started.at);
        } else {
            self.ledger.give_back(&call, &started, &self.reading());
        }
        if let Err(failure) = &outcome {
            let received = failure.received.as_deref();
            let is_nonsense = failure.error.kind == Kind::InvalidData;
            spent.rejected = is_nonsense.then(|| Rejected::torn(site, &request.endpoint, received));
        }
        outcome.map_err(|failure| Failed {
            error: failure.error,
            again: if failure.broke { Again::Soon } else { Again::No },
            blame: Blame::Sick,
        })
    }

    /// Notes what upstream said; of the key, if that is known by now, how it failed or that it did
    /// not.
    fn settle(
        &self,
        asking: &Asking<'_>,
        spent: &Spent<'_>,
        said: Said<'_>,
        key: Option<(&str, Option<&Error>)>,
    ) {
        let now = self.reading();
        let outcome = Outcome {
            provider: &asking.site.name,
            started: spent.started.unwrap_or(now.wall),
            said,
            used: spent.used,
            key,
        };
        self.ledger.settle(&outcome, &now);
    }

    /// The error of an upstream that refuses, with the instant at which the pause ends.
    fn with_pause(&self, site: &Site, error: Error) -> Error {
        let now = self.reading();
        match self.ledger.paused_until(&site.name, &now) {
            Some(until) if error.kind == Kind::RateLimited => {
                let until = send::time_of_day(until, now.wall);
                error.hint(format!(
                    "it is asked again from {until} on; --offline answers from the cache"
                ))
            }
            _ => error,
        }
    }

    fn line(&self, site: &Site) -> Arc<Line> {
        let mut lines = locked(&self.lines);
        let line = lines.entry(site.name.clone()).or_insert_with(|| Arc::new(Line::of(site)));
        Arc::clone(line)
    }

    /// Where the site is; the embedded upstream is started when it is first wanted.
    fn base_url(&self, site: &Site, line: &Line) -> Result<Url, Error> {
        let running;
        let text = match &site.base_url {
            Some(text) => text,
            None if site.speech == Speech::Demo => {
                let demo = line.demo.get_or_init(|| {
                    DemoUpstream::start(site.demo, self.clock).map_err(|error| error.to_string())
                });
                running = demo.as_ref().map(DemoUpstream::base_url).map_err(|why| {
                    Error::new(Kind::Unreachable, format!("{} cannot be started: {why}", site.name))
                        .hint("it needs a free port on 127.0.0.1")
                })?;
                &running
            }
            None => {
                let message = format!("{} has no `base_url`", site.name);
                return Err(Error::new(Kind::Unsupported, message)
                    .hint(format!("set `providers.{}.base_url`", site.name)));
            }
        };
        site::base_url(text).map_err(|usage| send::unusable(site, usage))
    }

    fn reading(&self) -> Reading {
        self.clock.reading()
    }
}

/// What these locks guard is whole between any two statements, so a panic elsewhere is no reason to
/// give it up. No guard lives across an await.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Failed {
    /// What is wrong was known before anybody was asked, or it was said by another.
    fn unasked(error: Error) -> Self {
        Self { error, again: Again::No, blame: Blame::Unasked }
    }

    fn well(error: Error) -> Self {
        Self { error, again: Again::No, blame: Blame::Well }
    }
}

/// What one question has used, and what it may still wait.
struct Spent<'a> {
    patience: &'a mut Patience,
    calls: u32,
    latency: Duration,
    /// When its last call started.
    started: Option<Timestamp>,
    /// Whether it is the one that tries whether a sick provider is well again.
    is_probe: bool,
    /// What upstream says is used of its limit.
    used: Option<(Timestamp, u64)>,
    /// Who looks on.
    witness: Option<&'a Witness>,
    /// What its last call brought, if that was nonsense.
    rejected: Option<Rejected>,
}
