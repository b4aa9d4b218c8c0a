//! May a call start now, and if not, when and why: the decision, from what is known of a provider.
//!
//! Pure: it reads no file and no clock. [`Ledger`](super::Ledger) reads the book, asks here, and
//! writes down what came of it, all in one transaction.
//!
//! # Order
//!
//! Who has to wait is promised the earliest instant at which there is room beside all that started
//! and all that was promised before: first come, first served (by weight: light calls fit into room
//! that a heavy one, promised for later, has no use for yet). When that instant has come, only
//! calls that did start are looked at. Both are needed: who is late starts later than promised, and
//! a log of promises alone would let N + 1 calls into one window. Promises are fairness; that never
//! more than N calls start is decided by those that did.
//!
//! Who has a reserve passes by the promises of those who have none: a backfill that waits for the
//! next hours' slots would otherwise starve it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::budget::Budget;
use super::health::{Health, Hindrance, Pause, PausedBy};
use super::window::{Kept, Noted, Reserve, Taking, Window, taken};
use super::{Call, Limits};
use crate::error::Kind;
use crate::time::Timestamp;

/// A pause after which the answer will most likely be the same.
const FORBIDDEN: PausedBy = PausedBy::Upstream(403);

/// A pause that has longer to go is not waited for, however patient somebody is: cron would pile up
/// one waiting command on the other. It is the longest that we ask of ourselves.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// What the ledger knows of one provider.
#[derive(Clone, Debug, Default)]
pub(super) struct Book {
    /// Calls that started and promises that one may, in the order of their time.
    pub(super) calls: Vec<Noted>,
    /// The calls of this period of the budget, by the reserve that they counted to.
    pub(super) spent: BTreeMap<Box<str>, u64>,
    pub(super) health: Health,
}

/// A promise that a call may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    pub(super) id: i64,
    /// The instant at which it may, if nothing before it starts late.
    pub at: Timestamp,
}

/// Why a call may not start now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This window has no room.
    Full(Window),
    /// The budget of this period is used up, or what of it is not kept for others.
    Spent(Budget),
    /// What this command may use of the budget is used up: so many calls.
    ShareSpent(Budget, u64),
    /// Upstream, or a user, asked for a pause.
    Paused(Pause),
    /// The provider has failed again and again, the last time so.
    Sick(Kind, String),
    /// The same, and somebody tries whether it is well again: what comes of that may be known long
    /// before the time until which nobody else may try.
    Tried(Kind, String),
    /// The ledger cannot be kept, not even in memory.
    Unkept(String),
}

/// When a call may start at the earliest, and what it has to wait for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The earliest instant.
    pub until: Timestamp,
    /// What decides it.
    pub cause: Cause,
}

impl Refusal {
    /// Whether the call may start once that instant has come, and somebody may wait for it.
    pub fn is_worth_a_wait(&self, now: Timestamp) -> bool {
        match &self.cause {
            Cause::Full(_) | Cause::Tried(..) => true,
            Cause::Paused(pause) => is_waited_for(*pause, now),
            Cause::Spent(_) | Cause::ShareSpent(..) | Cause::Sick(..) | Cause::Unkept(_) => false,
        }
    }
}

/// Whether a pause is waited for by the patient.
fn is_waited_for(pause: Pause, now: Timestamp) -> bool {
    pause.by != FORBIDDEN && pause.until <= now + LONGEST_WAIT
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Start,
    Wait(Timestamp),
    Refuse(Refusal),
}

impl Book {
    /// When the last call started that is known of.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.calls.iter().filter(|call| call.started).map(|call| call.at).max()
    }

    /// Decides on a call that has this promise, if it has one, and can wait for `patience`.
    pub(super) fn claim(
        &self,
        call: &Call<'_>,
        ticket: Option<&Ticket>,
        now: Timestamp,
        patience: Duration,
    ) -> Verdict {
        if let Some(refusal) = self.refusal(call, now) {
            return Verdict::Refuse(refusal);
        }
        let due = ticket.is_some_and(|ticket| ticket.at <= now);
        if due && self.earliest(call, now, &|other| other.started).is_none() {
            return Verdict::Start;
        }
        let share = call.share();
        let own = ticket.map(|ticket| ticket.id);
        let counts = |other: &Noted| {
            other.started || (Some(other.id) != own && (share.is_empty() || share == &*other.share))
        };
        match self.earliest(call, now, &counts) {
            None => Verdict::Start,
            Some(wait) if wait.until > now + patience => Verdict::Refuse(wait),
            Some(wait) => Verdict::Wait(wait.until),
        }
    }

    /// What is not waited for: a budget begins anew tomorrow, who is sick is left alone, to be
    /// forbidden is not to be told to wait, and a ban of days is not the end of a queue.
    pub(super) fn refusal(&self, call: &Call<'_>, now: Timestamp) -> Option<Refusal> {
        match self.health.hindrance(now) {
            Some(Hindrance::Open(until)) if !call.is_probe => {
                return Some(self.sick(until, Cause::Sick));
            }
            Some(Hindrance::Tried(until)) if !call.is_probe => {
                return Some(self.sick(until, Cause::Tried));
            }
            Some(Hindrance::Paused(pause)) if !is_waited_for(pause, now) => {
                return Some(Refusal { until: pause.until, cause: Cause::Paused(pause) });
            }
            _ => {}
        }
        let budget = call.limits.budget.as_ref()?;
        let until = budget.period_at(now).1;
        let used: BTreeMap<&str, u64> =
            self.spent.iter().map(|(share, calls)| (&**share, *calls)).collect();
        let all: u64 = used.values().sum();
        if let Some(share) = call.budget_share
            && all >= share.at_most(budget.calls)
        {
            let most = share.at_most(budget.calls);
            return Some(Refusal { until, cause: Cause::ShareSpent(budget.clone(), most) });
        }
        let kept = kept_of(budget, &call.limits.reserve);
        (taken(&used, &kept, call.share()) >= budget.calls)
            .then(|| Refusal { until, cause: Cause::Spent(budget.clone()) })
    }

    fn sick(&self, until: Timestamp, cause: fn(Kind, String) -> Cause) -> Refusal {
        let failed = self.health.failed_as.clone();
        let (kind, why) = failed.unwrap_or((Kind::Upstream, String::new()));
        Refusal { until, cause: cause(kind, why) }
    }

    /// When there is room for the call beside those that count, if that is not now.
    pub(super) fn earliest(
        &self,
        call: &Call<'_>,
        now: Timestamp,
        counts: &dyn Fn(&Noted) -> bool,
    ) -> Option<Refusal> {
        let mut wait = None;
        let mut until = now;
        if let Some(Hindrance::Paused(pause)) = self.health.hindrance(now) {
            until = pause.until;
            wait = Some(Refusal { until, cause: Cause::Paused(pause) });
        }
        let scopes = call.limits.scopes(call.endpoint).map(|(endpoint, window)| {
            let mut others: Vec<Taking<'_>> = self
                .calls
                .iter()
                .filter(|other| counts(other))
                .filter(|other| endpoint.is_none_or(|endpoint| *other.endpoint == *endpoint))
                // A promise whose time has passed can only start now or later.
                .map(|other| {
                    let at = if other.started { other.at } else { other.at.max(now) };
                    Taking { at, ..other.taking() }
                })
                .collect();
            others.sort_by_key(|other| other.at);
            (window, others, window.kept(&call.limits.reserve))
        });
        let scopes: Vec<(Window, Vec<Taking<'_>>, Kept)> = scopes.collect();
        let own = Taking { at: now, weight: call.weight, share: call.share() };
        // What fits into one window may be too early for another.
        loop {
            let before = until;
            for (window, others, kept) in &scopes {
                let opens = window.opens(others, own, kept, until);
                if opens > until {
                    until = opens;
                    wait = Some(Refusal { until, cause: Cause::Full(*window) });
                }
            }
            if until == before {
                return wait;
            }
        }
    }
}

impl Limits {
    /// The windows that a call of this endpoint has to fit into, with the endpoint if it is one's
    /// own.
    pub(super) fn scopes<'a>(
        &'a self,
        endpoint: &'a str,
    ) -> impl Iterator<Item = (Option<&'a str>, Window)> {
        let own = self.endpoints.get(endpoint).into_iter().flat_map(|limits| &limits.windows);
        let of_provider = self.windows.iter().map(|window| (None, *window));
        of_provider.chain(own.map(move |window| (Some(endpoint), *window)))
    }
}

/// What each owner of a reserve may count on in a budget.
fn kept_of(budget: &Budget, reserve: &Reserve) -> Kept {
    reserve.iter().map(|(owner, share)| (owner.clone(), share.at_least(budget.calls))).collect()
}
