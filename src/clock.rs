//! The only door to the time of day.
//!
//! Everything else takes `now` as a parameter. A clock may start elsewhere in time
//! (`MCACHE_NOW`): the program's time then runs from there, while waiting, measuring and
//! everything that protects upstream or the disk go on in real time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Timestamp;

/// Tells the program's time, and real time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// What is added to real time to get the program's, in milliseconds.
    shift_ms: i64,
}

impl Clock {
    /// The clock on the wall.
    pub const fn system() -> Self {
        Self { shift_ms: 0 }
    }

    /// A clock that shows `start` now and runs on from there.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { shift_ms: start.as_ms().saturating_sub(real_ms()) }
    }

    /// The program's time: what freshness is judged by.
    pub fn now(self) -> Timestamp {
        Timestamp::from_ms(real_ms().saturating_add(self.shift_ms))
    }

    /// Real time: what limits, eviction and names of set-aside files go by.
    pub fn real_now(self) -> Timestamp {
        Timestamp::from_ms(real_ms())
    }

    /// Real time by both clocks of the machine.
    pub fn reading(self) -> Reading {
        Reading { wall: self.real_now(), uptime: uptime() }
    }

    /// Starts measuring.
    #[expect(clippy::disallowed_methods, reason = "the only door to the time of day")]
    pub fn stopwatch(self) -> Stopwatch {
        Stopwatch(Instant::now())
    }
}

/// One look at both clocks of the machine: the one on the wall, which can be set, and the one that
/// has run since the machine started, which cannot.
///
/// What processes keep together is told by the first, since it outlives the machine's restart;
/// the second shows by how much the first was set meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Real time.
    pub wall: Timestamp,
    /// Since the machine was started, the time in which it slept included.
    pub uptime: Duration,
}

/// Measures how long something takes, unmoved by `MCACHE_NOW` and by changes of the wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// The time since it was started.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

fn uptime() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[expect(clippy::disallowed_methods, reason = "the only door to the time of day")]
fn real_ms() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}
