//! What was asked of whom, and when the next call may start: the book of the limits.
//!
//! One book for everybody who uses a cache folder, in a small database of its own there: a process
//! sees the calls of all others, and a restart forgets none. It refuses to wait and to send: that
//! is [`upstream`](crate::upstream)'s; and to know what is stored: that is
//! [`cache`](crate::cache)'s. The time is a parameter, real time whatever `MCACHE_NOW` says.
//!
//! # Where a rule is
//!
//! | question | place |
//! |---|---|
//! | What is a call, and what is said of it? | `call.rs` |
//! | Does one more call fit into a window, and if not, when? | `window.rs` |
//! | May it start now, be promised a later instant, or must it be refused? | `claim.rs` |
//! | When does a budget begin anew? | `budget.rs` |
//! | When could a whole list of calls start? | `outlook.rs` |
//! | What does a refusal by upstream, or a failure, lead to? | `health.rs` |
//! | What if the file is damaged, locked, or the clock was set? | `store.rs`, `carry.rs` |
//!
//! # Order
//!
//! [`claim`](Ledger::claim) enters a call as started, promises it a later instant, or refuses it.
//! Who was promised one claims again when it has come. A call that started is
//! [given back](Ledger::give_back) if it never left the machine, and else its outcome is
//! [settled](Ledger::settle). Each is one immediate transaction, so a process that dies leaves a
//! call that counts, or a promise that is forgotten five seconds after its instant.

mod budget;
mod call;
mod carry;
mod claim;
mod health;
mod outlook;
mod rows;
mod store;
#[cfg(test)]
mod tests;
mod window;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Transaction;

pub use budget::{Budget, Period};
pub use call::{Call, Claim, EndpointLimits, Filled, Limits, Outcome, Said, Standing, Started};
pub use claim::{Cause, Refusal, Ticket};
pub use health::{Health, Hindrance, Pause, PausedBy};
pub use outlook::{Outlook, Pace, Prospect};
pub use rows::Cooling;
pub use store::Mishap;
pub use window::{Reserve, Window};

use crate::clock::Reading;
use crate::db::Trouble;
use crate::time::Timestamp;
use claim::{Book, Verdict};
use rows::Entered;
use store::Store;

/// The book of every provider.
#[derive(Debug)]
pub struct Ledger {
    store: Store,
}

impl Ledger {
    /// The book in this folder, or one in memory. Nothing is opened before it is needed.
    pub fn at(folder: Option<&Path>) -> Self {
        Self { store: Store::at(folder) }
    }

    /// Enters a call as started, promises it an instant, or refuses it if that would be later than
    /// `patience` from now. `ticket` is the promise that the call was given before.
    ///
    /// A budget and a breaker are never waited for here. Who is refused because somebody
    /// [tries](Cause::Tried) whether the provider is well again may look
    /// [whether it still does](Self::tried_until), and then claim again.
    pub fn claim(
        &self,
        call: &Call<'_>,
        ticket: Option<&Ticket>,
        patience: Duration,
        now: &Reading,
    ) -> Claim {
        let claimed = if call.limits.are_none() && ticket.is_none() && !call.is_probe {
            self.claim_unlimited(call, patience, now)
        } else {
            self.store.write(now, &|transaction| enter(transaction, call, ticket, patience, now))
        };
        claimed.unwrap_or_else(|trouble| {
            let cause = Cause::Unkept(trouble.to_string());
            Claim::Refused(Refusal { until: now.wall, cause })
        })
    }

    /// A call that nothing counts is only looked at: no page is written for it, unless it is the one
    /// that tries whether a provider is well again.
    fn claim_unlimited(
        &self,
        call: &Call<'_>,
        patience: Duration,
        now: &Reading,
    ) -> Result<Claim, Trouble> {
        let look = |connection: &rusqlite::Connection| rows::health(connection, call.provider);
        let health = self.store.read(now, &look)?.unwrap_or_default();
        if health.hindrance(now.wall).is_none() && !health.is_probing() {
            let started = Started { at: now.wall, id: None, period: None, is_probe: false };
            return Ok(Claim::Started(started));
        }
        self.store.write(now, &|transaction| enter(transaction, call, None, patience, now))
    }

    /// Takes a promise back that will not be used.
    pub fn forgo(&self, ticket: &Ticket, now: &Reading) {
        // What cannot be struck is forgotten by itself a moment after its instant.
        let _ = self.store.write(now, &|transaction| rows::strike(transaction, ticket.id));
    }

    /// Takes a call back that never left the machine.
    pub fn give_back(&self, call: &Call<'_>, started: &Started, now: &Reading) {
        if started.id.is_none() && started.period.is_none() && !started.is_probe {
            return;
        }
        // What cannot be given back counts as used.
        let _ = self.store.write(now, &|transaction| {
            if let Some(id) = started.id {
                rows::take_back(transaction, id, call.weight)?;
            }
            if let Some(period) = &started.period {
                rows::spend(transaction, call.provider, period, call.share(), -1)?;
            }
            if started.is_probe {
                let mut health = rows::health(transaction, call.provider)?;
                health.give_back_probe();
                rows::keep_health(transaction, call.provider, &health)?;
            }
            Ok(())
        });
    }

    /// Notes how a request ended. Most end well, and then there is nothing to write.
    pub fn settle(&self, outcome: &Outcome<'_>, now: &Reading) {
        let changes = self.store.read(now, &|connection| changes(connection, outcome, now));
        if matches!(changes, Ok(Some(false))) {
            return;
        }
        // What cannot be noted is found out again by the next request.
        let _ = self.store.write(now, &|transaction| {
            settle_health(transaction, outcome, now)?;
            settle_keys(transaction, outcome, now)?;
            let unknown = unknown_use(transaction, outcome)?;
            if unknown > 0 {
                let limits = Limits::default();
                let weight = u32::try_from(unknown).unwrap_or(u32::MAX);
                let call = Call {
                    provider: outcome.provider,
                    endpoint: "",
                    weight,
                    caller: "",
                    use_case: None,
                    limits: &limits,
                    budget_share: None,
                    is_probe: false,
                };
                rows::note(transaction, &call, now.wall, Entered::Started)?;
            }
            Ok(())
        });
    }

    /// How the last request of a key failed, if nothing has been heard of it since; it may have
    /// cooled down by now.
    pub fn cooling(&self, key: &str, now: &Reading) -> Option<Cooling> {
        let found = self.store.read(now, &|connection| rows::cooling(connection, key)).ok()??;
        // What cannot be is not what was written.
        found.filter(|c| c.failed_at <= now.wall && c.until <= now.wall + health::LONGEST_COOLING)
    }

    /// Until when a provider is paused, if it is.
    pub fn paused_until(&self, provider: &str, now: &Reading) -> Option<Timestamp> {
        match self.hindrance(provider, now)? {
            Hindrance::Paused(pause) => Some(pause.until),
            Hindrance::Open(_) | Hindrance::Tried(_) => None,
        }
    }

    /// Until when one who tries whether a provider is well again keeps others out, if somebody does:
    /// whoever was killed over it is not waited for after that. Nothing is written.
    pub fn tried_until(&self, provider: &str, now: &Reading) -> Option<Timestamp> {
        match self.hindrance(provider, now)? {
            Hindrance::Tried(until) => Some(until),
            Hindrance::Paused(_) | Hindrance::Open(_) => None,
        }
    }

    fn hindrance(&self, provider: &str, now: &Reading) -> Option<Hindrance> {
        let look = |connection: &rusqlite::Connection| rows::health(connection, provider);
        self.store.read(now, &look).ok()??.hindrance(now.wall)
    }

    /// Pauses a provider by hand.
    pub fn pause(&self, provider: &str, until: Timestamp, now: &Reading) -> Result<(), Trouble> {
        self.store.write(now, &|transaction| {
            let mut health = rows::health(transaction, provider)?;
            health.pause(now.wall, until);
            rows::keep_health(transaction, provider, &health)
        })
    }

    /// Ends every pause of a provider, closes its breaker, and lets its keys be asked for again.
    pub fn resume(&self, provider: &str, now: &Reading) -> Result<(), Trouble> {
        self.store.write(now, &|transaction| {
            rows::keep_health(transaction, provider, &Health::default())?;
            rows::warm(transaction, &format!("*@{provider}"))
        })
    }

    /// What the provider of a call has used, and whether the call might start now.
    pub fn standing(&self, call: &Call<'_>, now: &Reading) -> Result<Standing, Trouble> {
        Ok(standing(&self.book(call, now)?, call, now.wall))
    }

    /// Why a call would not be let start by somebody who waits this long, if so. Nothing is entered.
    pub fn refusal(
        &self,
        call: &Call<'_>,
        patience: Duration,
        now: &Reading,
    ) -> Result<Option<Refusal>, Trouble> {
        Ok(match self.book(call, now)?.claim(call, None, now.wall, patience) {
            Verdict::Refuse(refusal) => Some(refusal),
            Verdict::Start | Verdict::Wait(_) => None,
        })
    }

    /// What its provider has been asked by now, for calls that are made up.
    pub fn prospect(&self, call: &Call<'_>, now: &Reading) -> Result<Prospect, Trouble> {
        Ok(Prospect::of(self.book(call, now)?, now.wall))
    }

    fn book(&self, call: &Call<'_>, now: &Reading) -> Result<Book, Trouble> {
        let look = |connection: &rusqlite::Connection| {
            rows::book(connection, call.provider, call.limits, now.wall)
        };
        Ok(self.store.read(now, &look)?.unwrap_or_default())
    }

    /// When these calls of one provider could start, made one after the other as fast as its limits
    /// let them. Nothing is entered.
    pub fn outlook(
        &self,
        calls: &[Call<'_>],
        pace: Pace,
        now: &Reading,
    ) -> Result<Outlook, Trouble> {
        let Some(first) = calls.first() else { return Ok(Outlook::default()) };
        Ok(outlook::of(self.book(first, now)?, calls, pace, now.wall))
    }

    /// Whether other processes see what is written here, found out by writing.
    pub fn can_be_shared(&self, now: &Reading) -> bool {
        self.store.write(now, &|transaction| rows::try_noting(transaction, now.wall)).is_ok()
            && self.is_shared()
    }

    /// Whether other processes see what is written here.
    pub fn is_shared(&self) -> bool {
        self.store.is_shared()
    }

    /// What is wrong with the file, in words; [`Trouble::Absent`] if there is none.
    pub fn problems(&self) -> Result<Vec<String>, Trouble> {
        self.store.problems()
    }

    /// Sets the file aside, if it is damaged, and goes on with what can be read of it; where it
    /// stands now.
    pub fn repair(&self, now: &Reading) -> Result<Option<PathBuf>, Trouble> {
        self.store.repair(now)
    }

    /// What has happened to the file since this was last asked.
    pub fn take_mishaps(&self) -> Vec<Mishap> {
        self.store.take_mishaps()
    }
}

fn enter(
    transaction: &Transaction<'_>,
    call: &Call<'_>,
    ticket: Option<&Ticket>,
    patience: Duration,
    now: &Reading,
) -> Result<Claim, Trouble> {
    let mut book = rows::book(transaction, call.provider, call.limits, now.wall)?;
    // Two processes do not read the clock in the order in which they get their turn, and a clock may
    // be put back a little: now is never before the last call, which would be overlooked.
    let now = book.latest().map_or(now.wall, |latest| latest.max(now.wall));
    let verdict = book.claim(call, ticket, now, patience);
    if let Some(ticket) = ticket {
        rows::strike(transaction, ticket.id)?;
    }
    match verdict {
        Verdict::Start => start(transaction, call, &mut book, now).map(Claim::Started),
        Verdict::Wait(at) => {
            let id = rows::note(transaction, call, at, Entered::Promised)?;
            Ok(Claim::Promised(Ticket { id, at }))
        }
        Verdict::Refuse(refusal) => Ok(Claim::Refused(refusal)),
    }
}

fn start(
    transaction: &Transaction<'_>,
    call: &Call<'_>,
    book: &mut Book,
    now: Timestamp,
) -> Result<Started, Trouble> {
    let mut id = None;
    if call.limits.longest().is_some() {
        let newest = rows::note(transaction, call, now, Entered::Started)?;
        rows::tidy(transaction, call.provider, call.limits, newest, now)?;
        id = Some(newest);
    }
    let period = call.limits.budget.as_ref().map(|budget| budget.period_at(now).0);
    if let Some(period) = &period {
        rows::spend(transaction, call.provider, period, call.share(), 1)?;
    }
    let is_probe = book.health.is_probing();
    if is_probe {
        book.health.probe(now);
        rows::keep_health(transaction, call.provider, &book.health)?;
    }
    Ok(Started { at: now, id, period, is_probe })
}

/// Whether an outcome changes anything.
fn changes(
    connection: &rusqlite::Connection,
    outcome: &Outcome<'_>,
    now: &Reading,
) -> Result<bool, Trouble> {
    let known = rows::health(connection, outcome.provider)?;
    let mut health = known.clone();
    note_health(&mut health, outcome, now.wall);
    let mut keys = outcome.failed.is_some() && !outcome.keys.is_empty();
    for key in outcome.keys {
        keys = keys || rows::cooling(connection, key)?.is_some();
    }
    Ok(keys || health != known || unknown_use(connection, outcome)? > 0)
}

fn note_health(health: &mut Health, outcome: &Outcome<'_>, now: Timestamp) {
    match outcome.said {
        Said::Answered => health.accept(outcome.started),
        Said::Refused(status, wait) => health.refuse(status, outcome.started, now, wait),
        Said::Failed(error) => health.fail(error.kind, &error.message, now),
        Said::Nothing => {}
    }
}

fn settle_health(
    transaction: &Transaction<'_>,
    outcome: &Outcome<'_>,
    now: &Reading,
) -> Result<(), Trouble> {
    let known = rows::health(transaction, outcome.provider)?;
    let mut health = known.clone();
    note_health(&mut health, outcome, now.wall);
    if health == known {
        return Ok(());
    }
    rows::keep_health(transaction, outcome.provider, &health)
}

fn settle_keys(
    transaction: &Transaction<'_>,
    outcome: &Outcome<'_>,
    now: &Reading,
) -> Result<(), Trouble> {
    for key in outcome.keys {
        let Some(error) = outcome.failed.cloned() else {
            rows::warm(transaction, key)?;
            continue;
        };
        let known = rows::cooling(transaction, key)?.map(|known| (known.failures, known.until));
        let (failures, until) = health::cooling(known, now.wall);
        let cooling = Cooling { error, failed_at: now.wall, until, failures };
        rows::cool(transaction, key, &cooling, now.wall - health::LONGEST_COOLING)?;
    }
    Ok(())
}

/// What was called of a provider without us, by its own count: by other programs, or from another
/// machine behind the same address.
fn unknown_use(connection: &rusqlite::Connection, outcome: &Outcome<'_>) -> Result<u64, Trouble> {
    let Some((since, used)) = outcome.used else { return Ok(0) };
    let known: u64 = rows::calls(connection, outcome.provider, since - Duration::from_millis(1))?
        .iter()
        .filter(|call| call.started)
        .map(|call| u64::from(call.weight))
        .sum();
    Ok(used.saturating_sub(known))
}

fn standing(book: &Book, call: &Call<'_>, now: Timestamp) -> Standing {
    let windows = call.limits.scopes(call.endpoint).map(|(endpoint, window)| {
        let leaves: Vec<(Timestamp, u64)> = book
            .calls
            .iter()
            .filter(|noted| noted.started && noted.at + window.apart() > now)
            .filter(|noted| endpoint.is_none_or(|endpoint| *noted.endpoint == *endpoint))
            .map(|noted| (noted.at + window.apart(), u64::from(noted.weight)))
            .collect();
        let used = leaves.iter().map(|(_, weight)| weight).sum();
        Filled { window, endpoint: endpoint.map(Into::into), used, leaves }
    });
    let spent =
        call.limits.budget.as_ref().map(|b| (book.spent.values().sum(), b.period_at(now).1));
    let refusal = match book.claim(call, None, now, Duration::ZERO) {
        // Without patience nothing is promised.
        Verdict::Start | Verdict::Wait(_) => None,
        Verdict::Refuse(refusal) => Some(refusal),
    };
    Standing { windows: windows.collect(), spent, health: book.health.clone(), refusal }
}
