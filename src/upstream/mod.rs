//! The only door to the network, and to other programs: sends what a provider wrote, within the
//! limits, tries again what may go better, and checks what comes back.
//!
//! It refuses to look anything up, to store anything and to serve anything stale: that is
//! [`cache`](crate::cache)'s.
//!
//! One question is sent and sent again in `conversation`; what comes back is judged in `answer`; a
//! program is run in `program`. What all of them share stands here.
//!
//! # Order
//!
//! First a [`Permit`] of the process, of which a provider has `concurrency`, and all of them together no
//! more than may be said; then, the caller's, the lock of the key; then a slot of the
//! [`ledger`](crate::ledger). Whoever has a permit waits for time or for an answer and for nobody else, so
//! nothing can wait in a circle. Whoever waits for what its program is to be handed has no permit, and the
//! lock only if no program prints that; it takes a permit after that only if one is free, and else lets go
//! of the lock first.
//!
//! # What a failure leads to
//!
//! | what | the request | everybody |
//! |---|---|---|
//! | a broken connection, 408, 5xx | is tried again, at most twice | five in a row open the breaker; then one tries, and the others wait for it |
//! | 429, 418, 403, a body that says so | waits for the pause, if it may | the provider is paused |
//! | no connection at all | fails, and so do all others of this command | counts as one failure |
//! | anything else | fails | its key cools down |
//! | a program that fails, or takes too long | fails, and is not run again | five in a row open the breaker |
//!
//! # Secrets
//!
//! A key is put into a request and nowhere else. Every error that leaves this folder is searched
//! for it, because upstreams like to repeat what they were sent.

mod answer;
mod conversation;
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

use tokio::sync::Semaphore;

pub use demo::DemoUpstream;
pub use line::{Patience, Permit};
pub use program::{Surroundings, Told};
pub use rejected::Rejected;
pub use site::{Access, Certificates, Credentials, DemoSettings, Place, Secret, Site};
pub use turn::{reason, refused};
pub use witness::{Seen, Sent, Witness};

use crate::clock::{Clock, Reading};
use crate::error::{Error, Kind};
use crate::ledger::{Ledger, Outcome, Said};
use crate::market::{DataType, Page, Params, Record, Symbol};
use crate::provider::{Piece, Validators};
use crate::time::Timestamp;
use crate::units::Share;
use http::Clients;
use line::Line;
use retry::Again;

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
    pub beside: &'a [Beside<'a>],
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
    /// For which programs of this process it is asked, each `key@provider`.
    pub above: &'a [String],
}

/// What is asked about in the request of another question.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// About what.
    pub symbol: &'a Symbol,
    /// The name under which a failure is remembered.
    pub name: &'a str,
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
    /// Whether it failed for a reason that is nothing of what was asked about: whatever else is asked
    /// of this provider now would fail as well.
    pub is_general: bool,
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
    /// What all lines share, if there is a bound to all of them together.
    jobs: Option<Arc<Semaphore>>,
    surroundings: Told,
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
            jobs: None,
            surroundings: Told::new(Box::new(Surroundings::default)),
        }
    }

    /// The same with so many permits at a time for all providers together, if it is said how many.
    #[must_use]
    pub fn with_jobs(self, jobs: Option<usize>) -> Self {
        Self { jobs: jobs.map(line::permits), ..self }
    }

    /// The book of what everybody was asked.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Waits for the right to ask a provider.
    pub async fn permit(&self, site: &Site, patience: &mut Patience) -> Permit {
        self.line(site).permit(patience).await
    }

    /// The same, if it can be had at once.
    pub fn permit_at_once(&self, site: &Site) -> Option<Permit> {
        self.line(site).permit_at_once()
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
            status: None,
            used: None,
            witness,
            rejected: None,
        };
        let outcome = self.converse(asking, &permit.line, &mut spent).await;
        let (calls, latency) = (spent.calls, spent.latency);
        let mut validators = None;
        let failed = outcome.as_ref().err();
        let is_general = failed.is_some_and(|f| answer::is_general(f.error.kind, spent.status));
        let mut names = vec![asking.name];
        names.extend(asking.beside.iter().map(|beside| beside.name));
        let outcome = match outcome {
            Ok((given, kept)) => {
                self.settle(asking, &spent, Said::Answered, &names, None);
                validators = kept;
                Ok(given)
            }
            Err(Failed { error, blame, .. }) => {
                let error = send::without_secret(error, asking.site);
                if !is_general && !asking.beside.is_empty() {
                    // Of which of them it is the fault is found out by asking for each.
                    names.clear();
                }
                match blame {
                    Blame::Refused | Blame::Unasked => {}
                    Blame::Well => {
                        let failed = (error.kind != Kind::NotFound).then_some(&error);
                        self.settle(asking, &spent, Said::Answered, &names, failed);
                    }
                    Blame::Sick => {
                        self.settle(asking, &spent, Said::Failed(&error), &names, Some(&error));
                    }
                }
                Err(error)
            }
        };
        let is_nonsense = |error: &Error| error.kind == Kind::InvalidData;
        let rejected = spent.rejected.filter(|_| outcome.as_ref().err().is_some_and(is_nonsense));
        Asked { outcome, validators, rejected, is_general, calls, latency }
    }

    /// Notes what upstream said; of the keys of which that is known by now, how they failed or that
    /// they did not.
    fn settle(
        &self,
        asking: &Asking<'_>,
        spent: &Spent<'_>,
        said: Said<'_>,
        keys: &[&str],
        failed: Option<&Error>,
    ) {
        let now = self.reading();
        let outcome = Outcome {
            provider: &asking.site.name,
            started: spent.started.unwrap_or(now.wall),
            said,
            used: spent.used,
            keys,
            failed,
        };
        self.ledger.settle(&outcome, &now);
    }

    fn line(&self, site: &Site) -> Arc<Line> {
        let mut lines = locked(&self.lines);
        let line = lines
            .entry(site.name.clone())
            .or_insert_with(|| Arc::new(Line::of(site, self.jobs.clone())));
        Arc::clone(line)
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
    /// The status of the answer to its last request, if one came.
    status: Option<u16>,
    /// What upstream says is used of its limit.
    used: Option<(Timestamp, u64)>,
    /// Who looks on.
    witness: Option<&'a Witness>,
    /// What its last call brought, if that was nonsense.
    rejected: Option<Rejected>,
}
