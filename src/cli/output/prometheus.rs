//! The statistics as text for a scraper: OpenMetrics, names beginning with `mcache_`.
//!
//! Counters are those of all processes since the last reset, so a scraper's `rate()` works over
//! restarts. The same state gives the same text, line by line.

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::cache::{Allowance, Health, Report};

type Labels = Vec<(&'static str, String)>;

/// The whole exposition.
pub(crate) fn exposition(report: &Report, allowances: &[Allowance]) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("mcache");
    counters(report, &mut registry);
    providers(report, &mut registry);
    gauges(report, &mut registry);
    limits(allowances, &mut registry);
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
    let reasons = report.invalidations.iter().map(|(why, n)| (why.as_str(), *n));
    counter(
        registry,
        "invalidations",
        "Entries expired or cleared for a reason",
        labelled("reason", reasons),
    );
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

/// Of every provider that is configured, so that no line comes and goes with use.
fn limits(allowances: &[Allowance], registry: &mut Registry) {
    let windows = || {
        allowances.iter().flat_map(|allowance| {
            // A window that all endpoints share is said once.
            let own = allowance.limits.iter().filter(|of| of.endpoint == allowance.endpoint);
            own.map(|of| {
                let endpoint = of.endpoint.clone().map(|endpoint| ("endpoint", endpoint));
                let labels = [("provider", allowance.provider.clone())].into_iter().chain(endpoint);
                (labels.chain([("window", of.window.clone())]).collect::<Labels>(), of)
            })
        })
    };
    gauge(
        registry,
        "provider_window_used",
        "Calls in a limit, by weight",
        windows().map(|(labels, of)| (labels, float(of.used))),
    );
    gauge(
        registry,
        "provider_window_limit",
        "The most calls in a limit, by weight",
        windows().map(|(labels, of)| (labels, float(of.limit))),
    );
    let providers = || allowances.iter().filter(|allowance| allowance.endpoint.is_none());
    let budgets = || {
        providers().filter_map(|allowance| {
            let budget = allowance.budget.as_ref()?;
            Some((vec![("provider", allowance.provider.clone())], budget))
        })
    };
    gauge(
        registry,
        "provider_budget_used",
        "Calls of this day or month",
        budgets().map(|(labels, budget)| (labels, float(budget.used))),
    );
    gauge(
        registry,
        "provider_budget_limit",
        "The most calls of a day or month",
        budgets().map(|(labels, budget)| (labels, float(budget.limit))),
    );
    let states = providers().flat_map(|allowance| {
        Health::ALL.into_iter().map(|health| {
            let provider = ("provider", allowance.provider.clone());
            let labels = vec![provider, ("health", health.as_str().to_owned())];
            (labels, if allowance.health == health { 1.0 } else { 0.0 })
        })
    });
    gauge(registry, "provider_health", "How a provider is: 1 for the state that it is in", states);
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
    let values = values.into_iter().map(|(labels, n)| (labels, n.unsigned_abs()));
    registry.register(name, help, Counters(values.collect()));
}

fn gauge(
    registry: &mut Registry,
    name: &str,
    help: &str,
    values: impl IntoIterator<Item = (Labels, f64)>,
) {
    registry.register(name, help, Gauges(values.into_iter().collect()));
}

/// The samples of a counter in their order, which the crate's own family does not keep.
#[derive(Debug)]
struct Counters(Vec<(Labels, u64)>);

impl EncodeMetric for Counters {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, n) in &self.0 {
            encoder.encode_family(labels)?.encode_counter::<NoLabelSet, u64, u64>(n, None)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Counter
    }
}

/// The same of a gauge.
#[derive(Debug)]
struct Gauges(Vec<(Labels, f64)>);

impl EncodeMetric for Gauges {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, value) in &self.0 {
            encoder.encode_family(labels)?.encode_gauge(value)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes stay far below 2^53")]
fn float(n: u64) -> f64 {
    n as f64
}
