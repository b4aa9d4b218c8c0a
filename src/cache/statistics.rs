//! What the cache holds and what it has saved: the counters, read together.
//!
//! Identity: `requests` = memory + disk + shared + stale hits + misses. What was warmed is no
//! request: it costs calls and saves those of later reads.
//!
//! *Calls saved* is what the same reads would have cost uncached, one call each, less what was
//! called; reads that failed without a call, and reads of what `put` wrote, would have cost none. That
//! upstream knows no such thing is no failure: it is an answer, which may be remembered.
//! *Time saved* is, for each hit, the mean time of that provider's calls less the hit's own.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Ages, Dimension, Percentiles, Report, Row};
use super::store::Doing;
use super::{Cache, Selection, Undone};
use crate::db::accesses;
use crate::db::tally::bucket_end;
use crate::entry::State;
use crate::error::Kind;
use crate::key::{Key, PUT};
use crate::time::Timestamp;

/// The counters of one name.
pub(super) type Counts = BTreeMap<String, i64>;

/// All counters of one dimension since a day.
pub(super) type Counters = BTreeMap<String, Counts>;

impl Cache {
    /// What all processes have counted since a day (all days, if none is given), and how the
    /// providers are that were called: those with counters, and those of `configured` whose limits
    /// know of calls.
    ///
    /// `cost_per_call` is asked for each provider.
    pub fn report(
        &self,
        since: Option<Timestamp>,
        configured: &[String],
        cost_per_call: &dyn Fn(&str) -> f64,
    ) -> Report {
        self.count_logged_hits();
        let mut report = Report {
            errors: Kind::ALL.into_iter().map(|kind| (kind.as_str(), 0)).collect(),
            ..Report::default()
        };
        let keys = self.counters("key", since);
        for (name, counts) in &keys {
            report.add(name, counts, cost_per_call);
        }
        report.time_saved_seconds = time_saved(&keys);
        report.hit_rate = rate(report.requests - report.misses, report.requests);
        for (name, counts) in self.counters("latency", since) {
            let (count, p50_us, p99_us) = percentiles(&counts);
            report.latency.insert(name, Percentiles { count, p50_us, p99_us });
        }
        if let Some(counts) = self.counters("age", since).get("served") {
            let (_, p50_s, p99_s) = percentiles(counts);
            report.age_at_serve = Ages { p50_s, p99_s, past_ttl: report.hits.stale };
        }
        for (reason, counts) in self.counters("reason", since) {
            report.invalidations.insert(reason, count(&counts, "entries"));
        }
        self.add_holdings(&mut report);
        self.add_allowances(&mut report, configured);
        report
    }

    /// The same told apart by one dimension: the most asked first, at most `top` rows.
    pub fn report_by(
        &self,
        dimension: Dimension,
        since: Option<Timestamp>,
        top: usize,
    ) -> Vec<Row> {
        self.count_logged_hits();
        let table = match dimension {
            Dimension::Hour => "hour",
            Dimension::Caller => "caller",
            _ => "key",
        };
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for (name, counts) in self.counters(table, since) {
            let name = coarse(&name, dimension);
            let row = rows.entry(name.clone()).or_default();
            row.name = name;
            row.hits += hits(&counts);
            row.misses += count(&counts, "miss");
            row.upstream_calls += count(&counts, "calls");
            row.errors += errors(&counts);
        }
        let mut rows: Vec<Row> = rows.into_values().collect();
        for row in &mut rows {
            row.requests = row.hits + row.misses;
            row.hit_rate = rate(row.hits, row.requests);
        }
        if dimension != Dimension::Hour {
            rows.sort_by_key(|row| std::cmp::Reverse((row.requests, row.upstream_calls)));
        }
        rows.truncate(top);
        rows
    }

    /// Forgets all counters, and when what was read; entries stay.
    pub fn reset_statistics(&self) -> Result<(), Undone> {
        let Some(disk) = self.disk().filter(|disk| disk.database().path().exists()) else {
            return Ok(());
        };
        self.count_logged_hits();
        let forget = |transaction: &rusqlite::Transaction<'_>| {
            transaction.execute_batch("DELETE FROM stat; UPDATE usage SET hits = 0")?;
            accesses::keep_newest(transaction, 0)
        };
        self.attempt(disk, Doing::Writing, || disk.database().write(forget))
            .ok_or_else(|| Undone("the statistics could not be reset".to_owned()))
    }

    pub(super) fn counters(&self, dimension: &str, since: Option<Timestamp>) -> Counters {
        let Some(disk) = self.disk() else { return Counters::new() };
        let since = since.map_or(i64::MIN, Timestamp::day);
        let read = |connection: &rusqlite::Connection| {
            let mut select = connection.prepare_cached(
                "SELECT name, measure, sum(n) FROM stat
                 WHERE dimension = ?1 AND day >= ?2 GROUP BY name, measure",
            )?;
            let mut rows = select.query((dimension, since))?;
            let mut counters = Counters::new();
            while let Some(row) = rows.next()? {
                counters.entry(row.get(0)?).or_default().insert(row.get(1)?, row.get(2)?);
            }
            Ok(counters)
        };
        self.attempt(disk, Doing::Reading, || disk.database().read(read)).unwrap_or_default()
    }

    fn add_holdings(&self, report: &mut Report) {
        let mut symbols = BTreeSet::new();
        self.scan(&Selection::default(), &mut |listing| {
            report.entries.total += 1;
            match listing.state {
                State::Fresh => report.entries.fresh += 1,
                State::Stale => report.entries.stale += 1,
                State::Gone => report.entries.gone += 1,
            }
            report.bytes.payload += listing.size_bytes;
            *report.types.entry(listing.key.data_type().to_owned()).or_default() += 1;
            symbols.extend(listing.key.symbol().map(str::to_owned));
        });
        report.monitored_symbols = symbols.len() as u64;
        report.bytes.memory = self.memory_bytes();
        report.bytes.disk = self.disk_bytes();
    }

    fn add_allowances(&self, report: &mut Report, configured: &[String]) {
        let counted = report.providers.keys().cloned();
        let names: BTreeSet<String> = counted.chain(configured.iter().cloned()).collect();
        for name in names {
            let allowance = self.allowance(&name, None);
            if !report.providers.contains_key(&name) && !allowance.is_worth_saying() {
                continue;
            }
            let of_provider = report.providers.entry(name).or_default();
            of_provider.strategy = allowance.strategy;
            of_provider.health = allowance.health;
            of_provider.until = allowance.until;
            of_provider.reason = allowance.reason;
            of_provider.limits = allowance.limits;
            of_provider.budget = allowance.budget;
        }
    }

    /// What the cache takes on the disk, in bytes: the database, its WAL and the hit log.
    pub fn disk_bytes(&self) -> u64 {
        let Some(disk) = &self.disk else { return 0 };
        let file = |name: String| {
            disk.database().folder().join(name).metadata().map_or(0, |file| file.len())
        };
        let database = crate::db::FILE;
        file(database.to_owned())
            + file(format!("{database}-wal"))
            + file(crate::db::hits::FILE.to_owned())
    }
}

impl Report {
    fn add(&mut self, name: &str, counts: &Counts, cost_per_call: &dyn Fn(&str) -> f64) {
        let (key, provider) = name.rsplit_once('@').unwrap_or((name, ""));
        let (hit, missed, calls) = (hits(counts), count(counts, "miss"), count(counts, "calls"));
        self.requests += hit + missed;
        self.hits.memory += count(counts, "memory");
        self.hits.disk += count(counts, "disk");
        self.hits.stale += count(counts, "stale");
        self.misses += missed;
        self.upstream_calls += calls;
        self.coalesced += count(counts, "coalesced");
        self.rate_limit_blocks += count(counts, "blocked");
        self.evictions += count(counts, "evicted");
        for kind in Kind::ALL {
            let failed = count(counts, &format!("error.{kind}"));
            self.errors.entry(kind.as_str()).and_modify(|n| *n += failed);
        }
        if provider == PUT || provider.is_empty() {
            return;
        }
        let saved = hit + missed - count(counts, "uncalled") - calls;
        self.calls_saved += saved;
        let price = cost_per_call(provider);
        self.cost.spent += money(calls, price);
        self.cost.saved += money(saved, price);
        let of_provider = self.providers.entry(provider.to_owned()).or_default();
        of_provider.calls += calls;
        of_provider.errors += errors(counts);
        of_provider.cost += money(calls, price);
        let endpoint = Key::from_stored(key).data_type().to_owned();
        let of_endpoint = of_provider.endpoints.entry(endpoint).or_default();
        of_endpoint.hits += hit;
        of_endpoint.misses += missed;
        of_endpoint.calls += calls;
        of_endpoint.errors += errors(counts);
        of_endpoint.blocks += count(counts, "blocked");
    }
}

pub(super) fn count(counts: &Counts, measure: &str) -> i64 {
    counts.get(measure).copied().unwrap_or(0)
}

fn hits(counts: &Counts) -> i64 {
    ["memory", "disk", "stale"].iter().map(|measure| count(counts, measure)).sum()
}

fn errors(counts: &Counts) -> i64 {
    counts.iter().filter(|(measure, _)| measure.starts_with("error.")).map(|(_, n)| n).sum()
}

/// The name of a counter as a coarser dimension has it.
pub(super) fn coarse(name: &str, dimension: Dimension) -> String {
    let (key, provider) = name.rsplit_once('@').unwrap_or((name, name));
    let key = Key::from_stored(key);
    match dimension {
        Dimension::Hour | Dimension::Caller => name.to_owned(),
        Dimension::Key => key.to_string(),
        Dimension::Type => key.data_type().to_owned(),
        Dimension::Provider => provider.to_owned(),
        Dimension::Symbol => key.symbol().unwrap_or(key.as_str()).to_owned(),
    }
}

/// For each provider: hits times the mean time of a call, less what the hits took.
fn time_saved(keys: &Counters) -> f64 {
    let mut by_provider: BTreeMap<&str, [i64; 4]> = BTreeMap::new();
    for (name, counts) in keys {
        let provider = name.rsplit_once('@').map_or("", |(_, provider)| provider);
        let sums = by_provider.entry(provider).or_default();
        let parts = [
            hits(counts),
            count(counts, "hit_us"),
            count(counts, "calls"),
            count(counts, "call_us"),
        ];
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += part;
        }
    }
    let saved_us: f64 = by_provider
        .values()
        .filter(|[_, _, calls, _]| *calls > 0)
        .map(|[hits, hit_us, calls, call_us]| {
            as_f64(*hits) * as_f64(*call_us) / as_f64(*calls) - as_f64(*hit_us)
        })
        .sum();
    // No terms at all come to minus zero.
    saved_us / 1e6 + 0.0
}

/// How many, the median and the 99th percentile, by nearest rank over a histogram.
fn percentiles(buckets: &Counts) -> (i64, u64, u64) {
    let mut sorted: Vec<(u64, i64)> =
        buckets.iter().filter_map(|(low, n)| Some((low.parse().ok()?, *n))).collect();
    sorted.sort_unstable();
    let total: i64 = sorted.iter().map(|(_, n)| n).sum();
    let at = |percent: i64| {
        let rank = (total * percent + 99) / 100;
        let mut seen = 0;
        for (low, n) in &sorted {
            seen += n;
            if seen >= rank {
                return bucket_end(*low);
            }
        }
        0
    };
    (total, at(50), at(99))
}

fn rate(part: i64, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { as_f64(part) / as_f64(whole) }
}

/// Prices are in fractions of cents: six places hide what binary fractions add.
pub(super) fn money(calls: i64, price: f64) -> f64 {
    (as_f64(calls) * price * 1e6).round() / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
fn as_f64(n: i64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(of: &[(&str, i64)]) -> Counts {
        of.iter().map(|(measure, n)| ((*measure).to_owned(), *n)).collect()
    }

    #[test]
    fn what_was_saved_is_what_was_not_called() {
        let mut report = Report::default();
        let free = |_: &str| 0.0;
        report.add(
            "quote:stock:AAPL@yahoo",
            &counts(&[("disk", 9), ("miss", 1), ("calls", 1)]),
            &free,
        );
        assert_eq!(report.calls_saved, 9);
        report.add(
            "quote:stock:MSFT@yahoo",
            &counts(&[("miss", 2), ("error.unauthorized", 2), ("uncalled", 2)]),
            &free,
        );
        assert_eq!(report.calls_saved, 9, "what cannot be asked saves nothing");
        report.add("quote:stock:IBM@yahoo", &counts(&[("calls", 3)]), &free);
        assert_eq!(report.calls_saved, 6, "warming costs");
        report.add("system_config:x@put", &counts(&[("disk", 100)]), &free);
        assert_eq!(report.calls_saved, 6, "what put wrote has no upstream");
        assert_eq!(report.requests, 112);
    }

    #[test]
    fn money_is_counted_by_the_price_of_the_provider() {
        let mut report = Report::default();
        let price = |provider: &str| if provider == "acme" { 0.002 } else { 0.0 };
        report.add(
            "quote:stock:AAPL@acme",
            &counts(&[("disk", 90), ("miss", 10), ("calls", 10)]),
            &price,
        );
        assert_eq!((report.cost.spent, report.cost.saved), (0.02, 0.18));
    }

    #[test]
    fn time_saved_is_the_time_of_calls_less_that_of_hits() {
        let keys = BTreeMap::from([(
            "quote:stock:AAPL@yahoo".to_owned(),
            counts(&[("disk", 10), ("hit_us", 1000), ("calls", 2), ("call_us", 400_000)]),
        )]);
        assert!((time_saved(&keys) - 1.999).abs() < 1e-9);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let buckets = counts(&[("10", 50), ("20", 49), ("1000", 1)]);
        assert_eq!(percentiles(&buckets), (100, 10, 21));
        assert_eq!(percentiles(&counts(&[("7", 1)])), (1, 7, 7));
        assert_eq!(percentiles(&Counts::new()), (0, 0, 0));
    }
}
