//! What statistics come to: the shapes that `stats` prints. Nothing is counted here.

use std::collections::BTreeMap;

use serde::Serialize;

use super::limits::{BudgetUse, Health, WindowUse};
use crate::time::Timestamp;

/// What statistics can be told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// The symbol, whatever its type.
    Symbol,
    /// The key.
    Key,
    /// The type.
    Type,
    /// The hour of the day, UTC.
    Hour,
    /// The provider.
    Provider,
    /// Who asked.
    Caller,
}

/// Hits by tier.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Hits {
    /// Fresh, from the memory of a process.
    pub memory: i64,
    /// Fresh, from the disk.
    pub disk: i64,
    /// Fresh, from the shared tier.
    pub shared: i64,
    /// From any tier, past their time.
    pub stale: i64,
}

/// Entries by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Entries {
    /// All of them.
    pub total: u64,
    /// Those that answer.
    pub fresh: u64,
    /// Those that answer when upstream cannot.
    pub stale: u64,
    /// Those that only take room.
    pub gone: u64,
}

/// Room taken, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// By the memory tier of this process.
    pub memory: u64,
    /// By the database and its log.
    pub disk: u64,
    /// By the rows of the entries.
    pub payload: u64,
}

/// Percentiles out of a histogram whose buckets are at most an eighth wide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: i64,
    /// Half were at most so much, in microseconds.
    pub p50_us: u64,
    /// 99 of 100 were at most so much, in microseconds.
    pub p99_us: u64,
}

/// How old answers were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Ages {
    /// Half were at most so old, in seconds.
    pub p50_s: u64,
    /// 99 of 100 were at most so old, in seconds.
    pub p99_s: u64,
    /// How many were past their time.
    pub past_ttl: i64,
}

/// Money, in the unit of `cost_per_call`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// For the calls that were made.
    pub spent: f64,
    /// For those that were not.
    pub saved: f64,
}

/// One endpoint of one provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// Requests answered by a tier.
    pub hits: i64,
    /// Requests that were not.
    pub misses: i64,
    /// Requests that left the machine.
    pub calls: i64,
    /// Those that failed, and those that could not be sent.
    pub errors: i64,
    /// Those that a limit held back.
    pub blocks: i64,
}

/// One provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Provider {
    /// Requests that left the machine.
    pub calls: i64,
    /// Those that failed, and those that could not be sent.
    pub errors: i64,
    /// How carefully it is asked, now.
    pub strategy: &'static str,
    /// How it is, now.
    pub health: Health,
    /// When it may be asked, if it may not be now.
    pub until: Option<Timestamp>,
    /// Why it may not.
    pub reason: Option<String>,
    /// The windows that all of its calls share, now.
    pub limits: Vec<WindowUse>,
    /// Its budget, now, if it has one.
    pub budget: Option<BudgetUse>,
    /// What its calls cost.
    pub cost: f64,
    /// By endpoint.
    pub endpoints: BTreeMap<String, Endpoint>,
}

/// What statistics come to; the fields and their order are the contract's (section 3).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Report {
    /// All reads.
    pub requests: i64,
    /// Those that a tier answered.
    pub hits: Hits,
    /// Those that none did.
    pub misses: i64,
    /// Hits and stale hits in all requests, 0 to 1.
    pub hit_rate: f64,
    /// Requests that left the machine.
    pub upstream_calls: i64,
    /// See the head of `statistics.rs`; below zero if more was warmed than read.
    pub calls_saved: i64,
    /// Misses that were given another's answer.
    pub coalesced: i64,
    /// Requests that a limit held back.
    pub rate_limit_blocks: i64,
    /// Errors by kind, all kinds.
    pub errors: BTreeMap<&'static str, i64>,
    /// Entries dropped to make room.
    pub evictions: i64,
    /// Entries that were expired, or cleared for a reason, by reason.
    pub invalidations: BTreeMap<String, i64>,
    /// Entries by state, now.
    pub entries: Entries,
    /// Room taken, now.
    pub bytes: Sizes,
    /// Time to answer, by what answered, and of upstream's calls.
    pub latency: BTreeMap<String, Percentiles>,
    /// How old answers were.
    pub age_at_serve: Ages,
    /// See the head of `statistics.rs`, in seconds.
    pub time_saved_seconds: f64,
    /// Money.
    pub cost: Cost,
    /// Symbols of which something is held, now.
    pub monitored_symbols: u64,
    /// Entries by type, now.
    pub types: BTreeMap<String, u64>,
    /// By provider.
    pub providers: BTreeMap<String, Provider>,
}

/// One row of `stats --by`.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Row {
    /// The symbol, key, type, hour, provider or caller.
    pub name: String,
    /// All reads.
    pub requests: i64,
    /// Those that a tier answered, stale ones too.
    pub hits: i64,
    /// Those that none did.
    pub misses: i64,
    /// `hits` in `requests`, 0 to 1.
    pub hit_rate: f64,
    /// Requests that left the machine.
    pub upstream_calls: i64,
    /// Requests that failed.
    pub errors: i64,
}
