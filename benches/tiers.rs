//! The tiers against the bare libraries under them: `cargo bench --bench tiers`.
//!
//! - Memory: `Tier::get` against a bare `quick_cache` get of the same key and value.
//! - Disk: `Tier::get`, the rules and the verdict (checksum and policy) against a bare prepared
//!   SELECT of the same row in the same database file, opened the same way, at ten thousand, a
//!   million and, with `MCACHE_BENCH_LARGE=1`, ten million entries: once of the value alone, once
//!   of all nine columns, without which nothing could be verified or judged.
//!
//! Keys are uniformly random, others for each side of a pair; values have 300 bytes; everything is
//! in the page cache. Exit code 1 if a target is missed.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

#[path = "paired/mod.rs"]
mod paired;

use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use mcache::clock::Clock;
use mcache::codec::Packing;
use mcache::db::Database;
use mcache::entry::{Entry, Format, State};
use mcache::key::Key;
use mcache::policy::{Keep, Known, Lasting, Reader, Rules, Scope, TtlRule};
use mcache::tier::disk::Disk;
use mcache::tier::memory::{Bounds, Memory};
use mcache::tier::{Incoming, Shelf, Stored, Tier};
use mcache::time::Timestamp;
use paired::{Unit, compare, report};
use rusqlite::{Connection, OpenFlags};

/// The most that a tier may take of what is under it.
const MOST: f64 = 1.3;

/// How many gets one measurement holds, and how many pairs of measurements are made.
const GETS: usize = 500;
const PAIRS: usize = 301;

const NOW: Timestamp = Timestamp::from_seconds(1_782_918_000);

fn main() -> ExitCode {
    let mut met = memory();
    let mut sizes = vec![10_000, 1_000_000];
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no configuration")]
    if std::env::var_os("MCACHE_BENCH_LARGE").is_some() {
        sizes.push(10_000_000);
    }
    for size in sizes {
        met &= disk(size);
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn key(n: u64) -> Key {
    Key::from_stored(&format!("quote:stock:S{n}"))
}

/// A value of 300 bytes.
fn entry(n: u64) -> Entry {
    Entry {
        key: key(n),
        provider: "demo".into(),
        fetched_at: NOW,
        own_ttl: None,
        format: Format::Json,
        body: format!("{{\"filler\":\"{n:0>287}\"}}").into_bytes().into(),
    }
}

fn incoming(n: u64) -> Incoming {
    let stored = Stored { entry: Arc::new(entry(n)), row: 0, known: Known::default() };
    Incoming {
        stored,
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        sighting: None,
        parts: None,
        gone_at: NOW + Duration::from_hours(168),
        put_at: NOW,
    }
}

/// The rules as they are shipped, as far as a quote is concerned.
fn rules() -> Rules {
    let rule = |scope| TtlRule {
        data_type: "quote".into(),
        scope,
        lasting: Lasting::exactly(Duration::from_secs(30)),
        after_hours: None,
        named: "ttl.quote".into(),
    };
    Rules {
        ttl: mcache::market::Class::ALL.map(|class| rule(Scope::Class(class))).into(),
        keep: vec![("quote".into(), Keep::For(Duration::from_hours(168)))],
        ..Rules::default()
    }
}

/// Numbers without rhyme or reason: a linear congruence over the whole range, which visits every
/// page as randomly as any other generator and costs nothing.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, size: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % size
    }

    fn keys(&mut self, size: u64) -> Vec<Key> {
        (0..GETS).map(|_| key(self.below(size))).collect()
    }
}

/// How long it takes to do this with each of these keys.
fn timed(keys: &[Key], mut get: impl FnMut(&Key)) -> Duration {
    let since = Clock::system().stopwatch();
    for key in keys {
        get(key);
    }
    since.elapsed()
}

fn unit(name: &'static str, per_second: f64) -> Unit {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let gets = GETS as f64;
    Unit { name, per_second: per_second / gets }
}

fn memory() -> bool {
    const ENTRIES: u64 = 10_000;
    let tier = Memory::new(Bounds { bytes: 1 << 30, entries: 4 * ENTRIES });
    let bare: quick_cache::sync::Cache<Key, Shelf> = quick_cache::sync::Cache::new(40_000);
    for n in 0..ENTRIES {
        let shelf: Shelf = [incoming(n).stored].into();
        tier.keep(&key(n), Arc::clone(&shelf));
        bare.insert(key(n), shelf);
    }
    let mut numbers = Numbers(1);
    let mut others = Numbers(2);
    let compared = compare(
        PAIRS,
        || {
            timed(&numbers.keys(ENTRIES), |key| {
                black_box(tier.get(key).unwrap().unwrap());
            })
        },
        || {
            timed(&others.keys(ENTRIES), |key| {
                black_box(bare.get(key).unwrap());
            })
        },
    );
    report("memory get / quick_cache get, 10000 entries", PAIRS, unit("ns", 1e9), &compared, MOST)
}

fn disk(size: u64) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let tier = Disk::new(Database::at(folder.path()), Packing::Zstd);
    fill(&tier, size);
    drop(tier);
    let tier = Disk::new(Database::at(folder.path()), Packing::Zstd);
    let bare = open_bare(folder.path());
    let mut value = bare.prepare("SELECT body FROM entry WHERE id = ?1").unwrap();
    let mut row = bare.prepare("SELECT * FROM entry WHERE id = ?1").unwrap();
    let rules = rules();
    let mut numbers = Numbers(1);
    let mut others = Numbers(2);
    let mut ours = || {
        timed(&numbers.keys(size), |key| {
            let shelf = tier.get(key).unwrap().unwrap();
            assert_eq!(
                rules.life(&shelf[0].entry, &shelf[0].known, Reader::at(NOW)).state(NOW),
                State::Fresh
            );
            black_box(shelf);
        })
    };
    let mut value_alone = || {
        timed(&others.keys(size), |key| {
            let value: Vec<u8> = value.query_row([key.first_id()], |row| row.get(0)).unwrap();
            assert_eq!(black_box(value).len(), 300);
        })
    };
    // The page cache and the connections, warm.
    for _ in 0..20 {
        black_box((ours(), value_alone()));
    }
    let compared = compare(PAIRS, &mut ours, value_alone);
    let name = format!("disk get / SELECT of the value, {size} entries");
    let met = report(&name, PAIRS, unit("us", 1e6), &compared, MOST);
    let mut others = Numbers(3);
    let whole_row = || {
        timed(&others.keys(size), |key| {
            black_box(row.query_row([key.first_id()], columns).unwrap());
        })
    };
    let compared = compare(PAIRS, ours, whole_row);
    let name = format!("disk get / SELECT of the row, {size} entries");
    report(&name, PAIRS, unit("us", 1e6), &compared, MOST) && met
}

/// All that a row holds, as plain values.
type Columns = (i64, String, String, i64, Option<i64>, i64, i64, i64, Vec<u8>);

fn columns(row: &rusqlite::Row<'_>) -> rusqlite::Result<Columns> {
    let (id, key, provider) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (fetched_at, own_ttl, shape) = (row.get(3)?, row.get(4)?, row.get(5)?);
    Ok((id, key, provider, fetched_at, own_ttl, shape, row.get(6)?, row.get(7)?, row.get(8)?))
}

/// Fills the table in the order of its rows: in any other, ten million take an hour.
fn fill(tier: &Disk, size: u64) {
    const BATCH: usize = 50_000;
    let mut order: Vec<(i64, u64)> = (0..size).map(|n| (key(n).first_id(), n)).collect();
    order.sort_unstable();
    for batch in order.chunks(BATCH) {
        let mut batch: Vec<Incoming> = batch.iter().map(|(_, n)| incoming(*n)).collect();
        tier.put(&mut batch).unwrap();
    }
}

/// A connection as the tier's own reader is opened.
fn open_bare(folder: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(folder.join(mcache::db::FILE), flags).unwrap()
}
