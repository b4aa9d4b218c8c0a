//! Whole processes against each other: `cargo bench --bench whole_process`.
//!
//! - A warm `mcache fetch AAPL -f json`, statistics included, in a cache of ten thousand entries,
//!   against the `sqlite3` shell with one look-up by primary key of a value of 300 bytes among ten
//!   thousand, and against `true`. From starting the process to its end, output to `/dev/null`,
//!   in a scrubbed environment without a configuration file.
//! - Twenty years of daily bars of one symbol as csv, a hit too, against that hit of a quote.
//! - The most memory that such a hit has resident (`/usr/bin/time`, where it is installed).
//! - `mcache fetch` of 500 symbols that nobody holds against the demo upstream of 100 ms with its
//!   concurrency of 32.
//!
//! Exit code 1 if a target is missed.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

#[path = "paired/mod.rs"]
mod paired;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use mcache::clock::Clock;
use mcache::codec::Packing;
use mcache::db::Database;
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::policy::Known;
use mcache::tier::disk::Disk;
use mcache::tier::{Incoming, Stored, Tier};
use mcache::time::Timestamp;
use mcache::upstream::{DemoSettings, DemoUpstream};
use paired::{Unit, compare, median, report};

const ENTRIES: u64 = 10_000;
const PAIRS: usize = 401;

const MILLISECONDS: Unit = Unit { name: "ms", per_second: 1e3 };

fn main() -> ExitCode {
    let home = tempfile::tempdir().unwrap();
    let machine = Machine::set_up(home.path());
    let mut met = true;
    let shell = Path::new("/usr/bin/sqlite3");
    if shell.exists() {
        met &= against(&machine, "hit / sqlite3 shell", 1.0, || machine.sqlite3(shell));
    } else {
        println!("hit / sqlite3 shell: not measured, there is no {}", shell.display());
    }
    against(&machine, "hit / true (an aim, not a target)", 2.0, || {
        machine.command("/bin/true".as_ref())
    });
    met &= history(&machine);
    met &= resident(&machine);
    met &= cold(&machine);
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A home with a warm cache, and a database for the shell.
struct Machine {
    home: PathBuf,
    /// A copy of the program that was built beside this one, as installing it makes one: what a
    /// linker has just written page by page takes a quarter longer to start.
    mcache: PathBuf,
    upstream: DemoUpstream,
}

impl Machine {
    fn set_up(home: &Path) -> Self {
        let upstream = DemoUpstream::start(DemoSettings::default(), Clock::system()).unwrap();
        let disk = Disk::new(Database::at(&home.join(".cache/mcache")), Packing::Zstd);
        let mut entries: Vec<Incoming> = (0..ENTRIES).map(incoming).collect();
        disk.put(&mut entries).unwrap();
        drop(disk);
        let bare = rusqlite::Connection::open(home.join("kv.db")).unwrap();
        bare.execute_batch(
            "PRAGMA journal_mode = WAL; BEGIN;
             CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID;",
        )
        .unwrap();
        for n in 0..ENTRIES {
            let Incoming { stored, .. } = incoming(n);
            let value = String::from_utf8(stored.entry.body.to_vec()).unwrap();
            bare.execute("INSERT INTO kv VALUES (?1, ?2)", (stored.entry.key.as_str(), value))
                .unwrap();
        }
        bare.execute_batch("COMMIT").unwrap();
        let mcache = home.join("mcache");
        let built = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().join("mcache");
        std::fs::copy(built, &mcache).unwrap();
        Self { home: home.to_owned(), mcache, upstream }
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.env_clear().env("HOME", &self.home).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    fn mcache(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.mcache);
        command.args(arguments);
        command
    }

    fn hit(&self) -> Command {
        self.mcache(&["fetch", "AAPL", "-f", "json"])
    }

    /// Makes AAPL fresh again: it is for 30 seconds.
    fn refresh(&self) {
        let mut command = self.mcache(&["fetch", "AAPL", "-f", "json", "--refresh"]);
        command.env("MCACHE_PROVIDERS__YAHOO__BASE_URL", self.upstream.base_url());
        timed(command);
    }

    fn sqlite3(&self, shell: &Path) -> Command {
        let mut command = self.command(shell);
        command.arg(self.home.join("kv.db")).arg("select v from kv where k='quote:stock:S4242'");
        command
    }
}

/// An entry of 300 bytes.
fn incoming(n: u64) -> Incoming {
    let now = Clock::system().now();
    let entry = Entry {
        key: Key::from_stored(&format!("quote:stock:S{n}")),
        provider: "yahoo".into(),
        fetched_at: now,
        own_ttl: None,
        format: Format::Json,
        body: format!("{{\"filler\":\"{n:0>287}\"}}").into_bytes().into(),
    };
    let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
    let gone_at = Timestamp::NEVER;
    Incoming {
        stored,
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        sighting: None,
        parts: None,
        gone_at,
        put_at: now,
    }
}

/// How long a process takes from its start to its end, which must be a good one.
fn timed(mut command: Command) -> Duration {
    let since = Clock::system().stopwatch();
    let status = command.status().unwrap();
    let elapsed = since.elapsed();
    assert!(status.success(), "{command:?}: {status}");
    elapsed
}

fn against(machine: &Machine, name: &str, most: f64, other: impl Fn() -> Command) -> bool {
    let mut runs = 0;
    let hit = || {
        if runs % 200 == 0 {
            machine.refresh();
        }
        runs += 1;
        timed(machine.hit())
    };
    let compared = compare(PAIRS, hit, || timed(other()));
    let asked = machine.upstream.requests();
    assert!(asked <= 10, "{asked} requests: what was measured was not a hit");
    report(name, PAIRS, MILLISECONDS, &compared, most)
}

/// Twenty years of days as csv, against a quote.
fn history(machine: &Machine) -> bool {
    let part = ["--from", "2006-01-03", "--to", "2026-01-02", "-f", "csv"];
    let days = || {
        let mut command = machine.mcache(&["fetch", "AAPL", "-p", "demo", "-t", "bars"]);
        command.args(part);
        command
    };
    timed(days());
    let mut offline = days();
    let held = offline.arg("--offline").stdout(Stdio::piped()).output().unwrap();
    let rows = held.stdout.split(|byte| *byte == b'\n').count();
    assert!(held.status.success() && rows > 5_000, "{rows} rows are held");
    let mut runs = 0;
    let hit = || {
        if runs % 200 == 0 {
            machine.refresh();
        }
        runs += 1;
        timed(machine.hit())
    };
    let compared = compare(PAIRS, || timed(days()), hit);
    report("20 years of days as csv / hit", PAIRS, MILLISECONDS, &compared, 3.0)
}

/// The most memory that a hit has resident.
fn resident(machine: &Machine) -> bool {
    const MOST_KB: u64 = 12 * 1024;
    let time = Path::new("/usr/bin/time");
    if !time.exists() {
        println!("resident memory of a hit: not measured, there is no {}", time.display());
        return true;
    }
    machine.refresh();
    let mut command = machine.command(time);
    command.args(["-f", "%M"]).arg(&machine.mcache).args(["fetch", "AAPL", "-f", "json"]);
    let output = command.output().unwrap();
    let kilobytes: u64 = String::from_utf8(output.stderr).unwrap().trim().parse().unwrap();
    let met = kilobytes < MOST_KB;
    let verdict = if met { "met" } else { "MISSED" };
    println!("resident memory of a hit: {kilobytes} kB  target < {MOST_KB}  {verdict}");
    met
}

/// Many symbols that nobody holds, asked at once.
fn cold(machine: &Machine) -> bool {
    const SYMBOLS: u32 = 500;
    const RUNS: usize = 5;
    const MOST: f64 = 1.15;
    let floor = f64::from(SYMBOLS) / 32.0 * 0.1;
    let symbols: Vec<String> = (0..SYMBOLS).map(|n| format!("C{n}")).collect();
    let runs: Vec<Duration> = (0..RUNS)
        .map(|run| {
            let mut command = machine.mcache(&["fetch", "-p", "demo", "-f", "json"]);
            command.args(["--set", "providers.demo.latency=100ms", "--cache-dir"]);
            command.arg(machine.home.join(format!("cold-{run}"))).args(&symbols);
            timed(command)
        })
        .collect();
    let taken = median(runs).as_secs_f64();
    let ratio = taken / floor;
    let met = ratio <= MOST;
    let verdict = if met { "met" } else { "MISSED" };
    println!(
        "fetch of {SYMBOLS} cold symbols, 100 ms, 32 at once: {taken:.3} s, floor {floor:.4} s  \
         ratio {ratio:.3}  n {RUNS}  target <= {MOST}  {verdict}"
    );
    met
}
