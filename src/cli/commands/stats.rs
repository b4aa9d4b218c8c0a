//! `stats`: what the cache holds and what it has saved.

use std::io::Write as _;

use super::verify::Task;
use super::{limits, say_warnings};
use crate::cache::{Cache, Dimension, Report, Row};
use crate::cli::Invocation;
use crate::cli::args::{By, Format, Stats};
use crate::cli::exit::Exit;
use crate::cli::output::prometheus;
use crate::cli::output::table::{Side, Table, grouped};
use crate::error::Usage;
use crate::time::Timestamp;
use crate::units::{bytes_for_people, duration_for_people, parse_duration};

pub(in crate::cli) fn run(args: &Stats, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    use Format::{Csv, Json, Ndjson, Prometheus, Table};
    match (args.verify, args.repair) {
        (true, _) => return super::verify::run(Task::Verify, invocation),
        (_, true) => return super::verify::run(Task::Repair, invocation),
        _ => {}
    }
    if args.limits {
        return limits::all(invocation);
    }
    if args.quarantine {
        return super::quarantine::run(invocation);
    }
    if !args.what_if.is_empty() {
        return super::what_if::run(args, invocation);
    }
    let format = match (args.by, args.reset) {
        (_, true) => invocation.format(&[Table])?,
        (Some(_), _) => invocation.format(&[Table, Json, Ndjson, Csv])?,
        (None, _) => invocation.format(&[Table, Json, Prometheus])?,
    };
    let cache = invocation.config.open()?;
    let since = args.since.as_deref().map(|text| since(text, cache.clock().now())).transpose()?;
    if args.reset {
        let reset = cache.reset_statistics();
        say_warnings(&cache, invocation.ui);
        reset?;
        return Ok(Exit::Success);
    }
    if let Some(by) = args.by {
        let top = args.top.unwrap_or(if by == By::Hour { 24 } else { 20 });
        let rows = cache.report_by(dimension(by), since, top);
        return by_dimension(&rows, format, &cache, invocation);
    }
    let configured = invocation.config.providers();
    let price = |provider: &str| invocation.config.cost_per_call(provider);
    let report = cache.report(since, &configured, &price);
    whole(&report, format, &cache, invocation)
}

/// The start of what is counted: an instant, or so long before now.
pub(super) fn since(text: &str, now: Timestamp) -> Result<Timestamp, Usage> {
    parse_duration(text).map(|duration| now - duration).or_else(|_| Timestamp::parse(text)).map_err(
        |_| {
            Usage::new(format!(
                "`{}` is neither a time nor a duration",
                crate::error::sanitized(text)
            ))
            .hint("write 7d, 2026-07-01 or 2026-07-01T15:00:00Z")
        },
    )
}

pub(super) fn dimension(by: By) -> Dimension {
    match by {
        By::Symbol => Dimension::Symbol,
        By::Key => Dimension::Key,
        By::Type => Dimension::Type,
        By::Hour => Dimension::Hour,
        By::Provider => Dimension::Provider,
        By::Caller => Dimension::Caller,
    }
}

fn whole(
    report: &Report,
    format: Format,
    cache: &Cache,
    invocation: Invocation<'_>,
) -> anyhow::Result<Exit> {
    let ui = invocation.ui;
    let allowances = cache.allowances(&invocation.config.providers());
    say_warnings(cache, ui);
    match format {
        Format::Json => writeln!(ui.data(), "{}", serde_json::to_string_pretty(report)?)?,
        Format::Prometheus => {
            ui.data().write_all(prometheus::exposition(report, &allowances)?.as_bytes())?;
        }
        _ => {
            let style = ui.style();
            people(report, cache, invocation.config.folder()).write(style, ui.data())?;
            if !report.providers.is_empty() {
                providers(report).write(style, ui.data())?;
            }
            let restricted = limits::restricted(report, &allowances);
            if !restricted.is_empty() {
                restricted.write(style, ui.data())?;
            }
        }
    }
    Ok(Exit::Success)
}

/// The seeds' names stand: total, active and expired entries, cache size, hit rate and so on.
fn people(report: &Report, cache: &Cache, folder: &std::path::Path) -> Table {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right)]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    let count = |n: i64| grouped(&n.to_string());
    let share = |part: f64| format!("{:.1} %", part * 100.0);
    row("Cache folder", folder.display().to_string());
    row("Total entries", grouped(&report.entries.total.to_string()));
    row("Active entries", grouped(&report.entries.fresh.to_string()));
    row("Stale entries", grouped(&report.entries.stale.to_string()));
    row("Expired entries", grouped(&report.entries.gone.to_string()));
    row("Cache size", bytes_for_people(report.bytes.disk));
    for (data_type, (shortest, longest)) in cache.ttls() {
        let (shortest, longest) = (duration_for_people(shortest), duration_for_people(longest));
        let range = if shortest == longest { shortest } else { format!("{shortest} to {longest}") };
        row(&format!("TTL, {data_type}"), range);
    }
    row("Monitored symbols", grouped(&report.monitored_symbols.to_string()));
    row("Requests", count(report.requests));
    row("Hits from memory", count(report.hits.memory));
    row("Hits from disk", count(report.hits.disk));
    row("Stale hits", count(report.hits.stale));
    row("Misses", count(report.misses));
    row("Given another's answer", count(report.coalesced));
    row("Hit rate", share(report.hit_rate));
    row("Upstream calls", count(report.upstream_calls));
    row("API calls saved", count(report.calls_saved));
    row("Rate-limit blocks", count(report.rate_limit_blocks));
    row("Errors", count(report.errors.values().sum()));
    row("Evictions", count(report.evictions));
    if !report.invalidations.is_empty() {
        let by_reason: Vec<String> =
            report.invalidations.iter().map(|(why, n)| format!("{} {why}", count(*n))).collect();
        row("Invalidations", by_reason.join(", "));
    }
    for (name, latency) in &report.latency {
        let (p50, p99) = (micros(latency.p50_us), micros(latency.p99_us));
        row(&format!("Time, {name}"), format!("{p50} median, {p99} p99"));
    }
    let ages = report.age_at_serve;
    row(
        "Age at serve",
        format!("{} s median, {} s p99, {} past TTL", ages.p50_s, ages.p99_s, ages.past_ttl),
    );
    row("Time saved", saved(report.time_saved_seconds));
    row("Cost", format!("{} spent, {} saved", report.cost.spent, report.cost.saved));
    table
}

fn providers(report: &Report) -> Table {
    let mut table = Table::new(&[
        ("PROVIDER", Side::Left),
        ("ENDPOINT", Side::Left),
        ("HITS", Side::Right),
        ("MISSES", Side::Right),
        ("CALLS", Side::Right),
        ("ERRORS", Side::Right),
        ("BLOCKS", Side::Right),
    ]);
    for (provider, of_provider) in &report.providers {
        for (endpoint, of) in &of_provider.endpoints {
            let counts = [of.hits, of.misses, of.calls, of.errors, of.blocks];
            let cells = counts.map(|n| grouped(&n.to_string()));
            table.row([provider.clone(), endpoint.clone()].into_iter().chain(cells).collect());
        }
    }
    table
}

fn by_dimension(
    rows: &[Row],
    format: Format,
    cache: &Cache,
    invocation: Invocation<'_>,
) -> anyhow::Result<Exit> {
    let ui = invocation.ui;
    say_warnings(cache, ui);
    match format {
        Format::Json => writeln!(ui.data(), "{}", serde_json::to_string(rows)?)?,
        Format::Ndjson => {
            for row in rows {
                writeln!(ui.data(), "{}", serde_json::to_string(row)?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(ui.data());
            for row in rows {
                writer.serialize(row)?;
            }
            writer.flush()?;
        }
        _ => {
            let mut table = Table::new(&[
                ("NAME", Side::Left),
                ("REQUESTS", Side::Right),
                ("HITS", Side::Right),
                ("MISSES", Side::Right),
                ("HIT RATE", Side::Right),
                ("CALLS", Side::Right),
                ("ERRORS", Side::Right),
            ]);
            for row in rows {
                let count = |n: i64| grouped(&n.to_string());
                table.row(vec![
                    row.name.clone(),
                    count(row.requests),
                    count(row.hits),
                    count(row.misses),
                    format!("{:.1} %", row.hit_rate * 100.0),
                    count(row.upstream_calls),
                    count(row.errors),
                ]);
            }
            let style = ui.style();
            table.write(style, ui.data())?;
        }
    }
    Ok(Exit::Success)
}

/// Microseconds for people: `312 µs`, `1.4 ms`, `2.1 s`.
#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn micros(us: u64) -> String {
    match us {
        0..=999 => format!("{us} µs"),
        1000..=999_999 => format!("{:.1} ms", us as f64 / 1e3),
        _ => format!("{:.1} s", us as f64 / 1e6),
    }
}

fn saved(seconds: f64) -> String {
    let text = duration_for_people(std::time::Duration::from_secs_f64(seconds.abs()));
    if seconds < 0.0 { format!("-{text}") } else { text }
}
