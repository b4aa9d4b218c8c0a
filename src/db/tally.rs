//! Counters that outlive the process: what happened, by day and by what it happened to.
//!
//! A [`Tally`] collects in memory and is written in one go, in the transaction that stores what it
//! counts. What the counters mean together (rates, savings) is worked out when they are read, in
//! [`cache`](crate::cache).
//!
//! # Shape
//!
//! `(day, dimension, name, measure) → n`. The dimension `key` has names like
//! `quote:stock:AAPL@yahoo`, from which symbol, type, endpoint and provider follow; `hour` and
//! `caller` have rows of their own; `latency` and `age` are histograms, whose measure is the lower
//! bound of a bucket; `reason` has the words that say why entries were expired or cleared. When each
//! read was is kept beside them, in [`accesses`](super::accesses).

use std::collections::HashMap;

use rusqlite::Transaction;

use super::Trouble;
use super::accesses::Accesses;
use crate::error::Kind;
use crate::policy::Cause;
use crate::time::Timestamp;

/// What one request came to. Every request is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Fresh, from the memory of the process.
    Memory,
    /// Fresh, from the disk.
    Disk,
    /// From a tier, past its time.
    Stale,
    /// Not from a tier: asked of upstream, refreshed, or not served at all.
    Miss,
    /// A miss that was given the answer for which another process had asked.
    Given,
}

impl Outcome {
    /// The number in the hit log; never reused.
    pub(super) fn number(self) -> u8 {
        match self {
            Self::Memory => 1,
            Self::Disk => 2,
            Self::Stale => 4,
            Self::Miss => 5,
            Self::Given => 6,
        }
    }

    pub(super) fn from_number(number: u8) -> Option<Self> {
        [Self::Memory, Self::Disk, Self::Stale, Self::Miss, Self::Given]
            .into_iter()
            .find(|o| o.number() == number)
    }

    /// The measure.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Stale => "stale",
            Self::Miss | Self::Given => "miss",
        }
    }
}

/// One request and what it came to.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// When, by the program's time.
    pub at: Timestamp,
    /// `key@provider`.
    pub name: &'a str,
    /// Who asked.
    pub caller: &'a str,
    /// What it came to.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub latency_us: Option<u64>,
    /// How old the answer was, in seconds.
    pub age_s: Option<u64>,
}

/// What was asked of upstream for one key.
#[derive(Clone, Copy, Debug)]
pub struct Asking<'a> {
    /// When, by the program's time.
    pub at: Timestamp,
    /// `key@provider`.
    pub name: &'a str,
    /// Who asked.
    pub caller: &'a str,
    /// The requests that left the machine.
    pub calls: u32,
    /// How long they took together, in microseconds.
    pub latency_us: u64,
    /// How it failed, if it did.
    pub failed: Option<Kind>,
}

/// Counts, not yet written.
#[derive(Debug, Default)]
pub struct Tally {
    counts: HashMap<(i64, &'static str, String, String), i64>,
    accesses: Accesses,
}

impl Tally {
    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Counts a request.
    pub fn add(&mut self, event: &Event<'_>) {
        let outcome = event.outcome.as_str();
        self.accesses.add(event.at, event.name);
        self.everywhere(event.at, event.name, event.caller, outcome, 1);
        if event.outcome == Outcome::Given {
            self.coalesced(event.at, event.name);
        }
        if let Some(us) = event.latency_us {
            if !matches!(event.outcome, Outcome::Miss | Outcome::Given) {
                self.count(event.at, "key", event.name, "hit_us", us.cast_signed());
            }
            self.count(event.at, "latency", outcome, &bucket(us).to_string(), 1);
        }
        if let Some(age) = event.age_s {
            self.count(event.at, "age", "served", &bucket(age).to_string(), 1);
        }
    }

    /// Counts what was asked of upstream.
    pub fn asked(&mut self, asking: &Asking<'_>) {
        let Asking { at, name, caller, calls, latency_us, failed } = *asking;
        if calls > 0 {
            self.everywhere(at, name, caller, "calls", calls.into());
            self.count(at, "key", name, "call_us", latency_us.cast_signed());
            self.count(at, "latency", "upstream", &bucket(latency_us).to_string(), 1);
        }
        if let Some(kind) = failed {
            self.everywhere(at, name, caller, &format!("error.{kind}"), 1);
            if calls == 0 && kind == Kind::RateLimited {
                self.count(at, "key", name, "blocked", 1);
            }
        }
    }

    /// Counts a request that was given the answer of another.
    pub fn coalesced(&mut self, at: Timestamp, name: &str) {
        self.count(at, "key", name, "coalesced", 1);
    }

    /// Counts a request that failed without a call: uncached it would have cost none either.
    pub fn uncalled(&mut self, at: Timestamp, name: &str) {
        self.count(at, "key", name, "uncalled", 1);
    }

    /// Counts entries that were dropped to make room.
    pub fn evicted(&mut self, at: Timestamp, name: &str) {
        self.count(at, "key", name, "evicted", 1);
    }

    /// Counts entries that were expired, or dropped, for a reason.
    pub fn invalidated(&mut self, at: Timestamp, why: &Cause, n: i64) {
        self.count(at, "reason", why.as_str(), "entries", n);
    }

    /// Forgets what was counted on the days before this one.
    pub fn forget_before(transaction: &Transaction<'_>, day: i64) -> Result<(), Trouble> {
        transaction.prepare_cached("DELETE FROM stat WHERE day < ?1")?.execute([day])?;
        Ok(())
    }

    /// Adds the counts to the database.
    pub fn write(&self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        let mut add = transaction.prepare_cached(
            "INSERT INTO stat (day, dimension, name, measure, n) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET n = n + excluded.n",
        )?;
        for ((day, dimension, name, measure), n) in &self.counts {
            add.execute((day, dimension, name, measure, n))?;
        }
        self.accesses.write(transaction)
    }

    fn everywhere(&mut self, at: Timestamp, name: &str, caller: &str, measure: &str, n: i64) {
        self.count(at, "key", name, measure, n);
        self.count(at, "caller", caller, measure, n);
        self.count(at, "hour", &format!("{:02}", at.hour()), measure, n);
    }

    fn count(&mut self, at: Timestamp, dimension: &'static str, name: &str, measure: &str, n: i64) {
        let key = (at.day(), dimension, name.to_owned(), measure.to_owned());
        *self.counts.entry(key).or_insert(0) += n;
    }
}

/// The lower bound of a value's bucket: eight buckets for each power of two, so a bucket is at
/// most an eighth wide.
fn bucket(value: u64) -> u64 {
    let width = width(value);
    value >> width << width
}

/// The largest value of the bucket that begins at `low`.
pub fn bucket_end(low: u64) -> u64 {
    low | !(u64::MAX << width(low))
}

/// How many of a value's low bits its bucket leaves out.
fn width(value: u64) -> u32 {
    value.checked_ilog2().map_or(0, |log| log.saturating_sub(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_at_most_an_eighth_wide() {
        for value in [0, 1, 7, 15, 16, 17, 1000, 123_456, u64::MAX] {
            let low = bucket(value);
            assert!(low <= value && value - low <= value / 8, "{value} in {low}");
            assert_eq!(bucket(low), low);
            assert!(bucket_end(low) >= value && bucket(bucket_end(low)) == low, "{value}");
        }
    }
}
