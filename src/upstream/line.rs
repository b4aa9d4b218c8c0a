//! What the questions to one provider share within a process: the permits of those who ask.
//!
//! A permit is had before anything else, in the order in which it was asked for, and held while its
//! owner waits for a slot and until the answer has come. So no more than `concurrency` questions of
//! a process hold the lock of a key or a promise of the ledger, and the slots of the next hours are
//! not taken by a long list. Only whoever waits for what its program is to be handed holds a lock without.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::locked;
use super::{DemoUpstream, Site};
use crate::clock::{Clock, Stopwatch};
use crate::error::Error;
use crate::time::Timestamp;

/// How long one question may still wait for others.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    left: Duration,
    /// Whether a limit, or what comes of a trial, is waited for: not where another provider may be asked
    /// instead.
    waits_for_limits: bool,
    limited_until: Option<Timestamp>,
}

impl Patience {
    /// So long.
    pub fn of(left: Duration) -> Self {
        Self { left, waits_for_limits: true, limited_until: None }
    }

    /// The same, with a wait for limits and for the pauses that upstream asks for.
    #[must_use]
    pub fn waiting_for_limits(self) -> Self {
        Self { waits_for_limits: true, limited_until: None, ..self }
    }

    /// The same without.
    #[must_use]
    pub fn passing_limits_by(self) -> Self {
        Self { waits_for_limits: false, limited_until: None, ..self }
    }

    /// What is left of it.
    pub fn left(self) -> Duration {
        self.left
    }

    /// What is left of it for a limit.
    pub fn left_for_limits(self) -> Duration {
        if self.waits_for_limits { self.left } else { Duration::ZERO }
    }

    /// The instant, by real time, until which a limit was not waited for that patience would have
    /// done for.
    pub fn limited_until(self) -> Option<Timestamp> {
        self.limited_until
    }

    /// Keeps no more of it than this.
    pub fn bound(&mut self, most: Duration) {
        self.left = self.left.min(most);
    }

    /// Takes off what was waited.
    pub fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }

    /// Takes note of a limit that is not waited for.
    pub(super) fn passes_by(&mut self, until: Timestamp) {
        self.limited_until = (!self.waits_for_limits).then_some(until);
    }
}

/// What the questions to one provider share.
#[derive(Debug)]
pub(super) struct Line {
    permits: Arc<Semaphore>,
    /// The permits of all lines together, if there is a bound to that.
    jobs: Option<Arc<Semaphore>>,
    /// Why it cannot be reached, once that is known.
    pub(super) lost: watch::Sender<Option<Error>>,
    /// The embedded upstream, where this is it.
    pub(super) demo: OnceLock<Result<DemoUpstream, String>>,
    held_up: Mutex<HeldUp>,
}

/// How long this line has been held up by a limit: those at its end wait for that too.
#[derive(Debug, Default)]
struct HeldUp {
    by: usize,
    since: Option<Stopwatch>,
    before: Duration,
}

/// The right to be one of those who ask a provider.
pub struct Permit {
    pub(super) line: Arc<Line>,
    _held: Held,
}

/// One permit of a line, and one of all lines together if there is a bound to that. A semaphore that was
/// closed would give none; none ever is.
struct Held {
    _own: Option<OwnedSemaphorePermit>,
    _job: Option<OwnedSemaphorePermit>,
}

/// So many permits; one at the least.
pub(super) fn permits(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS)))
}

impl Line {
    pub(super) fn of(site: &Site, jobs: Option<Arc<Semaphore>>) -> Self {
        Self {
            permits: permits(site.concurrency),
            jobs,
            lost: watch::Sender::new(None),
            demo: OnceLock::new(),
            held_up: Mutex::default(),
        }
    }

    /// Waits for a permit. Waiting for answers is not limited, since each comes within the `timeout`;
    /// waiting for those who wait for a limit is waiting for the limit.
    pub(super) async fn permit(self: Arc<Self>, patience: &mut Patience) -> Permit {
        let before = self.held_up();
        let held = self.hold().await;
        patience.spend(self.held_up().saturating_sub(before));
        Permit { line: self, _held: held }
    }

    /// Waits for both permits. Those who wait for one of all lines get it in the order in which they ask,
    /// whomever they ask.
    async fn hold(&self) -> Held {
        let own = || Arc::clone(&self.permits);
        let Some(jobs) = &self.jobs else {
            return Held { _own: own().acquire_owned().await.ok(), _job: None };
        };
        let job = Arc::clone(jobs).acquire_owned().await.ok();
        if let Ok(own) = own().try_acquire_owned() {
            return Held { _own: Some(own), _job: job };
        }
        // Who waits for this provider keeps nobody from asking another.
        drop(job);
        let own = own().acquire_owned().await.ok();
        Held { _own: own, _job: Arc::clone(jobs).acquire_owned().await.ok() }
    }

    /// The same, if both are free and nobody waits for them.
    pub(super) fn permit_at_once(self: Arc<Self>) -> Option<Permit> {
        let own = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        let job = self.jobs.clone().map(Semaphore::try_acquire_owned).transpose().ok()?;
        Some(Permit { line: self, _held: Held { _own: Some(own), _job: job } })
    }

    fn held_up(&self) -> Duration {
        let held_up = locked(&self.held_up);
        held_up.before + held_up.since.map_or(Duration::ZERO, Stopwatch::elapsed)
    }

    /// Says that one of them waits for a limit, until what this gives is dropped.
    pub(super) fn hold_up(&self, clock: Clock) -> impl Drop + '_ {
        let mut held_up = locked(&self.held_up);
        held_up.by += 1;
        held_up.since = held_up.since.or_else(|| Some(clock.stopwatch()));
        Waiting(self)
    }
}

/// One of a line waits for a limit.
struct Waiting<'a>(&'a Line);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut held_up = locked(&self.0.held_up);
        held_up.by -= 1;
        if held_up.by == 0
            && let Some(since) = held_up.since.take()
        {
            held_up.before += since.elapsed();
        }
    }
}
