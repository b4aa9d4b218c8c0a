//! What is said of the measurements: for a program the contract's object, for people a table with
//! the targets beside it.

use std::io::{self, Write};

use serde::Serialize;

use super::measure::Row;
use super::tiers::Tiers;
use super::workload::Workload;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Style;

/// All that was measured; `rows` to `targets` are the contract's.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    rows: Vec<Row>,
    /// The median of upstream over that of a whole process that hits.
    speedup: f64,
    /// How much less the mean read of the workload takes than upstream; without a workload, how
    /// much less a whole process does.
    improvement_percent: f64,
    targets: Vec<Target>,
    workload: Option<Workload>,
    /// What the memory tier took.
    memory_bytes: u64,
    /// The most that this process took, if the system tells.
    resident_bytes: Option<u64>,
    /// What the disk tier took.
    disk_bytes: u64,
}

/// A figure that was promised.
#[derive(Clone, Debug, Serialize)]
struct Target {
    name: &'static str,
    #[serde(rename = "target")]
    wanted: f64,
    measured: f64,
    met: bool,
    /// How `measured` must stand to `wanted`.
    bound: &'static str,
}

impl Target {
    fn at_least(name: &'static str, wanted: f64, measured: f64) -> Self {
        Self { name, wanted, measured: rounded(measured), met: measured >= wanted, bound: ">=" }
    }

    fn above(name: &'static str, wanted: f64, measured: f64) -> Self {
        Self { name, wanted, measured: rounded(measured), met: measured > wanted, bound: ">" }
    }

    fn below(name: &'static str, wanted: f64, measured: f64) -> Self {
        Self { name, wanted, measured: rounded(measured), met: measured < wanted, bound: "<" }
    }
}

impl Report {
    /// Puts the measurements beside the targets.
    pub(super) fn new(tiers: Tiers, workload: Option<Workload>) -> Self {
        let resident_bytes = resident_bytes();
        let call_us = tiers.row("uncached").map_or(0.0, |row| row.p50_us);
        let process_us = tiers.row("whole_process").map_or(0.0, |row| row.p50_us);
        let hit_us = tiers.row("disk_cold").map_or(0.0, |row| row.p50_us);
        let mean_us = workload.as_ref().map_or(process_us, |load| load.mean_us(hit_us, call_us));
        let (speedup, improvement) = (call_us / process_us, (1.0 - mean_us / call_us) * 100.0);
        let mut targets = vec![
            Target::at_least("speedup", 10.0, speedup),
            Target::at_least("improvement_percent", 72.0, improvement),
            Target::at_least("mean_speedup", 3.6, call_us / mean_us),
        ];
        if let Some(load) = &workload {
            targets.extend([
                Target::above("hit_rate_percent", 80.0, load.hit_rate_percent),
                Target::at_least("hot_hit_rate_percent", 95.0, load.hot_hit_rate_percent),
                Target::below("upstream_percent", 5.0, load.upstream_percent),
                Target::at_least("calls_saved_percent", 70.0, load.calls_saved_percent),
                Target::at_least("cost_saved_percent", 90.0, load.cost_saved_percent),
            ]);
        }
        let p99_ms = |name| tiers.row(name).map_or(0.0, |row| row.p99_us / 1000.0);
        let resident = resident_bytes.unwrap_or(tiers.memory_bytes);
        targets.extend([
            Target::below("memory_p99_ms", 1.0, p99_ms("memory")),
            Target::below("disk_p99_ms", 50.0, p99_ms("disk_cold")),
            Target::below("memory_used_mb", 100.0, bytes(resident) / 1e6),
            Target::below("disk_used_gb", 1.0, bytes(tiers.disk_bytes) / 1e9),
        ]);
        Self {
            speedup: rounded(speedup),
            improvement_percent: rounded(improvement),
            targets,
            workload,
            memory_bytes: tiers.memory_bytes,
            resident_bytes,
            disk_bytes: tiers.disk_bytes,
            rows: tiers.rows,
        }
    }

    /// Whether every target is met.
    pub(super) fn meets_all(&self) -> bool {
        self.targets.iter().all(|target| target.met)
    }

    /// Writes it for people.
    pub(super) fn write(&self, style: Style, out: &mut dyn Write) -> io::Result<()> {
        use Side::{Left, Right};
        let mut rows = Table::new(&[
            ("STEP", Left),
            ("SAMPLES", Right),
            ("P50", Right),
            ("P95", Right),
            ("P99", Right),
        ]);
        for row in &self.rows {
            let times = [row.p50_us, row.p95_us, row.p99_us].map(time);
            rows.row([row.name.to_owned(), row.n.to_string()].into_iter().chain(times).collect());
        }
        rows.write(style, out)?;
        let mut targets =
            Table::new(&[("TARGET", Left), ("WANTED", Right), ("MEASURED", Right), ("", Left)]);
        for Target { name, wanted, measured, met, bound } in &self.targets {
            targets.row(vec![
                (*name).to_owned(),
                format!("{bound} {wanted}"),
                measured.to_string(),
                if *met { "met" } else { "MISSED" }.to_owned(),
            ]);
        }
        targets.write(style, out)?;
        if let Some(workload) = &self.workload {
            writeln!(out, "{}", workload.said())?;
        }
        Ok(())
    }
}

/// A time for people, with a unit that suits it.
fn time(us: f64) -> String {
    if us < 1000.0 { format!("{us:.1} us") } else { format!("{:.2} ms", us / 1000.0) }
}

/// Four places are more than any measurement here is worth.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

#[expect(clippy::cast_precision_loss, reason = "for people, and below 2^53")]
fn bytes(bytes: u64) -> f64 {
    bytes as f64
}

/// The most memory that this process ever had resident, where the system tells.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}
