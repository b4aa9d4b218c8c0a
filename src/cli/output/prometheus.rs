//! The statistics as text for a scraper: OpenMetrics, names beginning with `mcache_`.
//!
//! Counters are those of all processes since the last reset, so a scraper's `rate()` works over
//! restarts.

use std::fmt;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::cache::Report;

type Labels = Vec<(&'static str, String)>;

/// The whole exposition.
pub(crate) fn exposition(report: &Report) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("mcache");
    counters(report, &mut registry);
    providers(report, &mut registry);
    gauges(report, &mut registry);
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn counters(report: &Report, registry: &mut Registry) {
    let hits = &report.hits;
    let tiers = [
        ("memory", hits.memory),
        ("disk", hits.disk),
        ("shared", hits.shared),
        ("stale", hits.stale),
    ];
    let errors = report.errors.iter().map(|(kind, n)| (*kind, *n));
    counter(registry, "requests", "Reads", [(vec![], report.requests)]);
    counter(registry, "hits", "Reads that a tier answered", labelled("tier", tiers));
    counter(registry, "misses", "Reads that no tier answered", [(vec![], report.misses)]);
    counter(
        registry,
        "upstream_calls",
        "Requests that left the machine",
        [(vec![], report.upstream_calls)],
    );
    counter(registry, "errors", "Failed requests", labelled("kind", errors));
    counter(
        registry,
        "coalesced",
        "Reads that were given another's answer",
        [(vec![], report.coalesced)],
    );
    counter(
        registry,
        "rate_limit_blocks",
        "Requests that a limit held back",
        [(vec![], report.rate_limit_blocks)],
    );
    counter(registry, "evictions", "Entries dropped to make room", [(vec![], report.evictions)]);
}

fn providers(report: &Report, registry: &mut Registry) {
    let endpoints = || {
        report.providers.iter().flat_map(|(provider, of_provider)| {
            of_provider.endpoints.iter().map(move |(endpoint, of)| {
                (vec![("provider", provider.clone()), ("endpoint", endpoint.clone())], of)
            })
        })
    };
    counter(
        registry,
        "provider_calls",
        "Requests that left the machine",
        endpoints().map(|(l, of)| (l, of.calls)),
    );
    counter(
        registry,
        "provider_errors",
        "Failed requests",
        endpoints().map(|(l, of)| (l, of.errors)),
    );
    counter(
        registry,
        "provider_hits",
        "Reads that a tier answered",
        endpoints().map(|(l, of)| (l, of.hits)),
    );
    counter(
        registry,
        "provider_misses",
        "Reads that no tier answered",
        endpoints().map(|(l, of)| (l, of.misses)),
    );
}

fn gauges(report: &Report, registry: &mut Registry) {
    let entries = &report.entries;
    let states = [("fresh", entries.fresh), ("stale", entries.stale), ("gone", entries.gone)];
    let states = states.map(|(state, n)| (vec![("state", state.to_owned())], float(n)));
    gauge(registry, "entries", "Entries held", states);
    gauge(
        registry,
        "disk_bytes",
        "Size of the database and its log",
        [(vec![], float(report.bytes.disk))],
    );
    gauge(
        registry,
        "payload_bytes",
        "Size of the rows of all entries",
        [(vec![], float(report.bytes.payload))],
    );
    gauge(registry, "hit_rate", "Hits in all reads, 0 to 1", [(vec![], report.hit_rate)]);
    #[expect(clippy::cast_precision_loss, reason = "counters stay far below 2^53")]
    let saved = report.calls_saved as f64;
    gauge(
        registry,
        "calls_saved",
        "Calls that the same reads would have cost besides",
        [(vec![], saved)],
    );
    gauge(
        registry,
        "time_saved_seconds",
        "Time that hits have saved",
        [(vec![], report.time_saved_seconds)],
    );
    gauge(
        registry,
        "cost_spent",
        "Money spent, in the unit of cost_per_call",
        [(vec![], report.cost.spent)],
    );
    gauge(
        registry,
        "cost_saved",
        "Money saved, in the unit of cost_per_call",
        [(vec![], report.cost.saved)],
    );
    let latency = |pick: fn(&crate::cache::Percentiles) -> u64, quantile: &str| {
        let quantile = quantile.to_owned();
        report.latency.iter().map(move |(name, p)| {
            let labels = vec![("answered_by", name.clone()), ("quantile", quantile.clone())];
            (labels, float(pick(p)) / 1e6)
        })
    };
    let both =
        latency(|p| p.p50_us, "0.5").chain(latency(|p| p.p99_us, "0.99")).collect::<Vec<_>>();
    gauge(registry, "latency_seconds", "Time to answer", both);
}

fn labelled<'a>(
    label: &'static str,
    values: impl IntoIterator<Item = (&'a str, i64)>,
) -> Vec<(Labels, i64)> {
    values.into_iter().map(|(value, n)| (vec![(label, value.to_owned())], n)).collect()
}

fn counter(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, i64)>,
) {
    let family = Family::<Labels, Counter>::default();
    for (labels, n) in values {
        family.get_or_create(&labels).inc_by(n.unsigned_abs());
    }
    registry.register(name, help, family);
}

fn gauge(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, f64)>,
) {
    let family = Family::<Labels, Gauge<f64, AtomicU64>>::default();
    for (labels, value) in values {
        family.get_or_create(&labels).set(value);
    }
    registry.register(name, help, family);
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes stay far below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}
