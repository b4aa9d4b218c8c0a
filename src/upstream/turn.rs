//! The wait for a slot, and what is said of one that cannot be had.
//!
//! It refuses to judge: when a call may start is the [`ledger`](crate::ledger)'s to say.

use std::time::Duration;

use super::line::{Line, Patience};
use super::{Upstream, send};
use crate::clock::Reading;
use crate::error::{Error, Kind};
use crate::ledger::{Call, Cause, Claim, PausedBy, Refusal, Started, Ticket};
use crate::time::Timestamp;

/// How often whoever waits for another's trial looks what has come of it: that may be another
/// process's, which tells nobody but the ledger. A look reads one row.
const GLANCE: Duration = Duration::from_millis(20);

/// What was promised to one who waits. Dropped before it has come, also by a caller who stopped
/// waiting, it is given back.
struct Promise<'a> {
    upstream: &'a Upstream,
    ticket: Option<Ticket>,
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket.take() {
            self.upstream.ledger.forgo(&ticket, &self.upstream.reading());
        }
    }
}

impl Upstream {
    /// Waits until this call may start, and enters it as started; at once the error of the one who
    /// found that the provider cannot be reached. Somebody's trial is waited for as long as one request may
    /// take, which is `longest`; not at all if that is zero.
    pub(super) async fn turn(
        &self,
        line: &Line,
        call: &Call<'_>,
        longest: Duration,
        patience: &mut Patience,
    ) -> Result<Started, Error> {
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
            started = self.slot(line, call, longest, patience) => started,
        }
    }

    async fn slot(
        &self,
        line: &Line,
        call: &Call<'_>,
        longest: Duration,
        patience: &mut Patience,
    ) -> Result<Started, Error> {
        let mut promise = Promise { upstream: self, ticket: None };
        loop {
            let now = self.reading();
            // It is in the hands of the ledger until that says what has become of it.
            let ticket = promise.ticket.take();
            match self.ledger.claim(call, ticket.as_ref(), patience.left_for_limits(), &now) {
                Claim::Started(started) => return Ok(started),
                Claim::Refused(refusal) => {
                    if matches!(refusal.cause, Cause::Tried(..))
                        && self.hears_of_trial(line, call, refusal.until, longest, patience).await
                    {
                        continue;
                    }
                    return Err(declined(call, &refusal, patience, &now));
                }
                Claim::Promised(ticket) => {
                    let pause = ticket.at.since(now.wall);
                    promise.ticket = Some(ticket);
                    let _held_up = line.hold_up(self.clock);
                    tokio::time::sleep(pause).await;
                    patience.spend(pause);
                }
            }
        }
    }

    /// Waits for what comes of somebody's trial of a sick provider, which keeps others out until
    /// `until`; whether it is over.
    ///
    /// Who has said nothing for as long as one request may take has died over it. A retry is another
    /// request, and says so by moving `until`.
    async fn hears_of_trial(
        &self,
        line: &Line,
        call: &Call<'_>,
        mut until: Timestamp,
        longest: Duration,
        patience: &mut Patience,
    ) -> bool {
        let most = patience.left_for_limits();
        if most.is_zero() || longest.is_zero() {
            return false;
        }
        let _held_up = line.hold_up(self.clock);
        let watch = self.clock.stopwatch();
        let mut end = longest;
        let is_over = loop {
            let left = most.min(end).saturating_sub(watch.elapsed());
            if left.is_zero() {
                break false;
            }
            tokio::time::sleep(left.min(GLANCE)).await;
            match self.ledger.tried_until(call.provider, &self.reading()) {
                None => break true,
                Some(moved) if moved != until => {
                    until = moved;
                    end = watch.elapsed().saturating_add(longest);
                }
                Some(_) => {}
            }
        };
        patience.spend(watch.elapsed());
        is_over
    }
}

/// The error for a call that is not waited for; that it could have been is noted.
pub(super) fn declined(
    call: &Call<'_>,
    refusal: &Refusal,
    patience: &mut Patience,
    now: &Reading,
) -> Error {
    // What comes of a trial may be known at any moment.
    let is_tried = matches!(refusal.cause, Cause::Tried(..));
    let free = if is_tried { now.wall } else { refusal.until };
    if refusal.is_worth_a_wait(now.wall) && !patience.left().is_zero() {
        patience.passes_by(free);
    }
    refused(call, refusal, now)
}

/// Why a call may not start, without its time: what `mcache limits` says, and every error.
pub fn reason(call: &Call<'_>, cause: &Cause) -> String {
    match cause {
        Cause::Full(window) => {
            let weight = match call.weight {
                1 => String::new(),
                weight => format!(", a call weighs {weight}"),
            };
            format!("the limit {window} is used up{weight}{}", kept_for_others(call))
        }
        Cause::Spent(budget) => format!("the budget {budget} is used up{}", kept_for_others(call)),
        Cause::ShareSpent(budget, most) => {
            format!("the budget {budget} is used up to {most}, and this command may use no more")
        }
        Cause::Paused(pause) => match pause.by {
            PausedBy::User => "paused by hand".to_owned(),
            // Some say it with a status that means success.
            PausedBy::Upstream(..400) => "it said that it is asked too often".to_owned(),
            PausedBy::Upstream(status) => format!("it answered HTTP {status}"),
        },
        Cause::Sick(_, why) | Cause::Tried(_, why) => format!("it failed again and again: {why}"),
        Cause::Unkept(why) => format!("its limits cannot be kept: {why}"),
    }
}

/// What explains that something is used up before its numbers say so.
fn kept_for_others(call: &Call<'_>) -> String {
    let owners = call.limits.reserve.keys().map(AsRef::as_ref);
    let others: Vec<&str> = owners.filter(|owner| *owner != call.share()).collect();
    if others.is_empty() {
        return String::new();
    }
    format!(", but for what is kept for {}", others.join(", "))
}

/// The error for a call that may not start within the caller's patience.
pub fn refused(call: &Call<'_>, refusal: &Refusal, now: &Reading) -> Error {
    let name = call.provider;
    let until = send::time_of_day(refusal.until, now.wall);
    let seconds = refusal.until.since(now.wall).as_millis().div_ceil(1000);
    let reason = reason(call, &refusal.cause);
    let offline = "--offline answers from the cache";
    let resume = |when: &str| format!("`mcache limits {name} --resume` {when}; {offline}");
    // What lies further ahead is waited for by nobody.
    let wait = || match seconds {
        ..=3600 => format!("`--max-wait {seconds}s` waits for it; {offline}"),
        _ => format!("`mcache limits {name}` shows what is used; {offline}"),
    };
    let allows_no_more = || format!("{name} allows no more requests until {until} ({reason})");
    let (message, hint) = match &refusal.cause {
        Cause::Full(_) => (allows_no_more(), wait()),
        Cause::Spent(_) => {
            (allows_no_more(), format!("`mcache limits {name}` shows its use; {offline}"))
        }
        Cause::ShareSpent(..) => (allows_no_more(), "a larger `--budget` goes on".to_owned()),
        Cause::Paused(pause) => match pause.by {
            PausedBy::User => (format!("{name} is paused until {until}"), resume("ends it")),
            PausedBy::Upstream(403) => (allows_no_more(), resume("asks it before that")),
            PausedBy::Upstream(_) => (allows_no_more(), wait()),
        },
        Cause::Sick(..) | Cause::Tried(..) => {
            (format!("{name} is not asked before {until}: {reason}"), resume("asks it at once"))
        }
        Cause::Unkept(_) => (
            format!("{name} is not asked: {reason}"),
            "look at the cache folder, `mcache config path`".to_owned(),
        ),
    };
    let kind = match &refusal.cause {
        Cause::Sick(kind, _) | Cause::Tried(kind, _) => *kind,
        _ => Kind::RateLimited,
    };
    Error::new(kind, message).hint(hint)
}
