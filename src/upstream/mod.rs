//! The only door to the network: sends what a provider wrote, within the limits, and checks what
//! comes back.
//!
//! It refuses to look anything up, to store anything and to serve anything stale: that is
//! [`cache`](crate::cache)'s. It does not try twice.
//!
//! # Order
//!
//! One who asks first gets a promise of a slot from the [`ledger`](crate::ledger), waits for it,
//! then waits for one of the `concurrency` requests that may be under way, and only then enters
//! the call as started. The ledger is asked again at that point, because a wait for the second
//! may have made the promise worthless; whoever has to wait again lets go of the second first. So
//! nobody waits for a slot while keeping others from sending.
//!
//! # Secrets
//!
//! A key is put into a request and nowhere else. Every error that leaves this folder is searched
//! for it, because upstreams like to repeat what they were sent.

mod demo;
mod http;
mod send;
mod site;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::Url;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

pub use demo::DemoUpstream;
pub use site::{Access, Certificates, Credentials, DemoSettings, Place, Secret, Site};

use crate::clock::{Clock, Stopwatch};
use crate::error::{Error, Kind};
use crate::ledger::{Cause, Ledger, Slot, Wait};
use crate::market::{DataType, Record, Symbol};
use crate::provider::{Ask, Speech};
use crate::time::Timestamp;
use crate::validate;
use http::{Arrival, Clients, Letter};

/// How many redirects are followed for one question.
const MOST_REDIRECTS: usize = 3;

/// What became of one question.
#[derive(Debug)]
pub struct Asked {
    /// A record that was read and found possible, or why there is none.
    pub outcome: Result<Record, Error>,
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
    opened_at: Timestamp,
    running: Stopwatch,
    ledger: Mutex<Ledger>,
    clients: Clients,
    lines: Mutex<HashMap<String, Arc<Line>>>,
}

/// What an answer says beside its body.
struct Said {
    status: u16,
    retry_after: Option<String>,
}

impl Said {
    fn of(arrival: &Arrival) -> Self {
        Self { status: arrival.status, retry_after: arrival.retry_after.clone() }
    }
}

/// What the questions to one provider share.
#[derive(Debug)]
struct Line {
    /// One for each request that may be under way.
    permits: Semaphore,
    /// Why it cannot be reached, once that is known.
    lost: watch::Sender<Option<Error>>,
    /// The embedded upstream, where this is it.
    demo: OnceLock<Result<DemoUpstream, String>>,
}

impl Upstream {
    /// Nobody has been asked yet; nothing is built before somebody is.
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            opened_at: clock.real_now(),
            running: clock.stopwatch(),
            ledger: Mutex::default(),
            clients: Clients::default(),
            lines: Mutex::default(),
        }
    }

    /// Asks `site` for this type of data of `symbol`, waiting for its limits for at most
    /// `patience`. Waiting for one of the `concurrency` requests under way is not limited, since
    /// each of those ends within the `timeout`.
    pub async fn ask(
        &self,
        site: &Site,
        symbol: &Symbol,
        data_type: DataType,
        patience: Duration,
    ) -> Asked {
        let ask = Ask { symbol, data_type, provider: &site.name };
        let mut spent = Spent { patience, calls: 0, latency: Duration::ZERO };
        let outcome = self
            .converse(site, &ask, &mut spent)
            .await
            .map_err(|error| send::without_secret(error, site));
        Asked { outcome, calls: spent.calls, latency: spent.latency }
    }

    async fn converse(
        &self,
        site: &Site,
        ask: &Ask<'_>,
        spent: &mut Spent,
    ) -> Result<Record, Error> {
        let provider = site.speech.provider();
        if !provider.has(ask.symbol, ask.data_type) {
            let (name, symbol, data_type) = (&site.name, ask.symbol, ask.data_type.as_str());
            let message = format!("{name} has no {data_type} of `{symbol}`");
            return Err(Error::new(Kind::Unsupported, message).hint("ask another provider with -p"));
        }
        let credentials = site.credentials()?;
        let line = self.line(site);
        let base = self.base_url(site, &line)?;
        let mut letter = send::letter(site, &base, &provider.request(ask), credentials)?;
        for _ in 0..=MOST_REDIRECTS {
            let (arrival, started) = self.exchange(site, &line, &letter, spent).await?;
            let Some(next) = send::redirection(site, &letter.url, &arrival)? else {
                let said = Said::of(&arrival);
                let outcome = send::read(site, ask, arrival, self.clock.now());
                self.note(site, &said, outcome.as_ref().err(), started);
                let record = outcome.map_err(|error| self.with_pause(site, error))?;
                validate::record(&record)?;
                return Ok(record);
            };
            send::redirect(site, &mut letter, next);
        }
        let message = format!("{} redirects more than {MOST_REDIRECTS} times", site.name);
        Err(Error::new(Kind::Upstream, message).hint("check `base_url` with `mcache config show`"))
    }

    /// One request and its answer, when it is its turn.
    async fn exchange(
        &self,
        site: &Site,
        line: &Line,
        letter: &Letter<'_>,
        spent: &mut Spent,
    ) -> Result<(Arrival, Timestamp), Error> {
        // Built before the call starts, so that it does not arrive late by that time.
        let client = self.clients.client(&site.name, &letter.url, site.certificates)?;
        let mut turn = self.turn(site, line, spent).await?;
        let started = self.now();
        let stopwatch = self.clock.stopwatch();
        let outcome = http::exchange(client, letter).await;
        match outcome {
            Ok(arrival) => {
                spent.count(stopwatch.elapsed());
                Ok((arrival, started))
            }
            Err(failure) => {
                if failure.left {
                    spent.count(stopwatch.elapsed());
                } else {
                    turn.unused = true;
                }
                if failure.error.kind == Kind::Unreachable {
                    line.lost.send_replace(Some(failure.error.clone()));
                }
                Err(failure.error)
            }
        }
    }

    /// Waits until a call may start, and enters it as started; at once the error of the one who
    /// found that the provider cannot be reached.
    async fn turn<'a>(
        &'a self,
        site: &'a Site,
        line: &'a Line,
        spent: &mut Spent,
    ) -> Result<Turn<'a>, Error> {
        let mut lost = line.lost.subscribe();
        let lost = async {
            match lost.wait_for(Option::is_some).await.ok().and_then(|error| error.clone()) {
                Some(error) => error,
                // The sender lives in `line`, so this is never reached.
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            error = lost => Err(error),
            turn = self.slot_and_permit(site, line, spent) => turn,
        }
    }

    async fn slot_and_permit<'a>(
        &'a self,
        site: &'a Site,
        line: &'a Line,
        spent: &mut Spent,
    ) -> Result<Turn<'a>, Error> {
        let slot = self
            .ledger()
            .reserve(&site.name, &site.limits, self.now(), spent.patience)
            .map_err(|wait| self.full(site, wait))?;
        let mut at = slot.at;
        let mut turn = Turn { upstream: self, site: &site.name, slot, unused: true, permit: None };
        loop {
            let pause = at.since(self.now());
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
                spent.patience = spent.patience.saturating_sub(pause);
            }
            // The semaphore is never closed.
            turn.permit = line.permits.acquire().await.ok();
            let now = self.now();
            let started = self.ledger().start(&site.name, &site.limits, &turn.slot, now);
            match started {
                Ok(()) => {
                    turn.unused = false;
                    return Ok(turn);
                }
                Err(wait) if wait.until > now + spent.patience => return Err(self.full(site, wait)),
                Err(wait) => {
                    turn.permit = None;
                    at = wait.until;
                }
            }
        }
    }

    /// Notes in the ledger whether upstream refused: by its status, or, where the status says
    /// nothing of it (Yahoo's 200 with `Too Many Requests`), by what the provider read.
    fn note(&self, site: &Site, said: &Said, error: Option<&Error>, started: Timestamp) {
        let now = self.now();
        let wait = said
            .retry_after
            .as_deref()
            .and_then(|text| send::retry_after(text, self.clock.real_now()));
        let status = said.status;
        let refused = matches!(status, 403 | 418 | 429)
            || (status >= 400 && wait.is_some())
            || error.is_some_and(|error| error.kind == Kind::RateLimited);
        if refused {
            self.ledger().refuse(&site.name, status, started, now, wait);
        } else if status < 500 {
            self.ledger().accept(&site.name);
        }
    }

    /// The error for a call that may not start within the caller's patience.
    fn full(&self, site: &Site, wait: Wait) -> Error {
        let why = match wait.cause {
            Cause::Full(window) => format!("the limit {window} is used up"),
            Cause::Refused(status) => format!("it answered HTTP {status}"),
            Cause::Queue => "others wait for it already".to_owned(),
        };
        let until = send::time_of_day(wait.until, self.now());
        let seconds = wait.until.since(self.now()).as_millis().div_ceil(1000);
        Error::new(
            Kind::RateLimited,
            format!("{} allows no more requests until {until} ({why})", site.name),
        )
        .hint(format!("`--max-wait {seconds}s` waits for it; --offline answers from the cache"))
    }

    /// The error of an upstream that refuses, with the instant at which the pause ends.
    fn with_pause(&self, site: &Site, error: Error) -> Error {
        let now = self.now();
        match self.ledger().paused_until(&site.name, now) {
            Some(until) if error.kind == Kind::RateLimited => {
                let until = send::time_of_day(until, now);
                error.hint(format!(
                    "it is asked again from {until} on; --offline answers from the cache"
                ))
            }
            _ => error,
        }
    }

    fn line(&self, site: &Site) -> Arc<Line> {
        let mut lines = locked(&self.lines);
        let line = lines.entry(site.name.clone()).or_insert_with(|| {
            let permits = site.concurrency.clamp(1, Semaphore::MAX_PERMITS);
            Arc::new(Line {
                permits: Semaphore::new(permits),
                lost: watch::Sender::new(None),
                demo: OnceLock::new(),
            })
        });
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

    /// Real time, in steps that nobody who sets the clock of the machine can change: a slot would
    /// otherwise lie an hour away after the clock is put back by one.
    fn now(&self) -> Timestamp {
        self.opened_at + self.running.elapsed()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        locked(&self.ledger)
    }
}

/// The book and the lines are whole between any two statements, so a panic elsewhere is no reason
/// to give them up. No guard lives across an await.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What one question has used, and what it may still wait.
#[derive(Debug)]
struct Spent {
    patience: Duration,
    calls: u32,
    latency: Duration,
}

impl Spent {
    fn count(&mut self, latency: Duration) {
        self.calls += 1;
        self.latency += latency;
    }
}

/// The right to one call. Dropped unused, also by a caller who stopped waiting, it gives its slot
/// back.
struct Turn<'a> {
    upstream: &'a Upstream,
    site: &'a str,
    slot: Slot,
    unused: bool,
    permit: Option<SemaphorePermit<'a>>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if self.unused {
            self.upstream.ledger().give_back(self.site, &self.slot);
        }
        // Last, so that whoever gets it next finds the slot given back.
        self.permit.take();
    }
}
