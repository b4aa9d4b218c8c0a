//! What was read most, and what the reads that are remembered would have come to under other rules.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Cache;
use super::report::Dimension;
use super::statistics::coarse;
use super::store::Doing;
use crate::db::accesses;
use crate::key::Key;
use crate::policy::Rules;
use crate::policy::replay::{Reads, Replayed};
use crate::time::Timestamp;

/// What reads come to under some rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Side {
    /// The calls that they cost.
    pub calls: u64,
    /// The share of them that cost none, 0 to 1.
    pub hit_rate: f64,
    /// How old an answer is on the average, in seconds.
    pub age_mean_s: f64,
    /// 99 of 100 answers are at most so old, in seconds.
    pub age_p99_s: f64,
}

/// The same reads under the rules in force and under others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Comparison {
    /// The reads.
    pub reads: u64,
    /// By the rules in force.
    pub now: Side,
    /// By the others.
    pub then: Side,
    /// How many calls fewer those cost; below zero if more.
    pub calls_saved: i64,
    /// How much older answers are on the average, in seconds; below zero if younger.
    pub age_added_s: f64,
}

/// What other rules would have come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WhatIf {
    /// All reads together.
    pub total: Comparison,
    /// Told apart by name, those first for which the calls differ most.
    pub rows: Vec<(String, Comparison)>,
}

/// Reads under both rules.
#[derive(Default)]
struct Both {
    now: Replayed,
    then: Replayed,
}

impl Cache {
    /// Replays the reads that are remembered since an instant (all, if none is given) by the rules in
    /// force and by others; told apart by a dimension that follows from a key and its provider.
    pub fn what_if(
        &self,
        then: &Rules,
        since: Option<Timestamp>,
        by: Option<(Dimension, usize)>,
    ) -> WhatIf {
        self.count_logged_hits();
        let mut total = Both::default();
        let mut rows: BTreeMap<String, Both> = BTreeMap::new();
        for (name, at) in self.accesses(since) {
            let (key, provider) = name.rsplit_once('@').unwrap_or((&name, ""));
            let reads = Reads { key: Key::from_stored(key), provider: provider.into(), at };
            let both = Both { now: self.rules.replay(&reads), then: then.replay(&reads) };
            total.add(&both);
            if let Some((dimension, _)) = by {
                rows.entry(coarse(&name, dimension)).or_default().add(&both);
            }
        }
        let mut rows: Vec<_> =
            rows.into_iter().map(|(name, both)| (name, both.compared())).collect();
        rows.sort_by_key(|(_, row)| std::cmp::Reverse((row.calls_saved.unsigned_abs(), row.reads)));
        rows.truncate(by.map_or(0, |(_, top)| top));
        WhatIf { total: total.compared(), rows }
    }

    /// The names that were read since an instant (`key@provider`, without what `put` wrote), as far as it
    /// is remembered and was counted; the most read first.
    pub fn most_read(&self, since: Timestamp) -> Vec<String> {
        let reads = self.accesses(Some(since)).into_iter();
        let mut names: Vec<(String, usize)> = reads.map(|(name, at)| (name, at.len())).collect();
        names.sort_by_key(|(_, reads)| std::cmp::Reverse(*reads));
        names.into_iter().map(|(name, _)| name).collect()
    }

    fn accesses(&self, since: Option<Timestamp>) -> BTreeMap<String, Vec<Timestamp>> {
        let Some(disk) = self.disk() else { return BTreeMap::new() };
        let read = || disk.database().read(|connection| accesses::read(connection, since));
        self.attempt(disk, Doing::Reading, read).unwrap_or_default()
    }
}

impl Both {
    fn add(&mut self, other: &Self) {
        self.now.add(&other.now);
        self.then.add(&other.then);
    }

    fn compared(&self) -> Comparison {
        let (now, then) = (side(&self.now), side(&self.then));
        Comparison {
            reads: self.now.reads(),
            now,
            then,
            calls_saved: now.calls.cast_signed() - then.calls.cast_signed(),
            age_added_s: rounded(then.age_mean_s - now.age_mean_s),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "there are a hundred thousand reads")]
fn side(replayed: &Replayed) -> Side {
    let (reads, calls) = (replayed.reads(), replayed.calls);
    let hits = reads - calls;
    Side {
        calls,
        hit_rate: if reads == 0 { 0.0 } else { hits as f64 / reads as f64 },
        age_mean_s: rounded(replayed.age_mean().as_secs_f64()),
        age_p99_s: rounded(replayed.age_percentile(99).as_secs_f64()),
    }
}

/// To the millisecond, as times are kept.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0 + 0.0
}
