//! Section 7 of the contract, tried on real files, real processes and a real upstream.
//!
//! - `formats` — what is on disk is read for ever
//! - `damage` — no damage stops an answer, and none is answered
//! - `repair` — what is sound is kept, and what was set aside comes back
//! - `failure` — a cache that cannot be used is a warning
//! - `crash` — killed at any instant, nothing acknowledged is lost
//! - `crowd` — many processes at once
//! - `sweep` — the disk stays within its cap
//! - `secrets` — a key is sent to its provider and written nowhere

mod crash;
mod crowd;
mod damage;
mod failure;
mod formats;
mod repair;
mod secrets;
mod sweep;

use std::path::{Path, PathBuf};

use crate::sandbox::{Run, Sandbox, Upstream, reply};

/// Numbers that look random and are the same at every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next().to_le_bytes()[0]).collect()
    }
}

/// A machine by the clock on the wall, whose Yahoo is this upstream and whose quotes last.
fn machine(upstream: &Upstream) -> Sandbox {
    Sandbox::new()
        .in_real_time()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]")
        .env("MCACHE_TTL__QUOTE__STOCK", "1d")
}

/// An upstream whose every stock costs the same.
fn selling_at(price: u32) -> Upstream {
    Upstream::start(move |incoming| {
        let symbol = incoming.path.split(['/', '?']).nth(4).unwrap_or_default();
        let body = format!(
            r#"{{"chart":{{"result":[{{"meta":{{"symbol":"{symbol}","currency":"USD","regularMarketPrice":{price},"regularMarketTime":1782918000}}}}],"error":null}}}}"#
        );
        reply(200, "application/json", body.as_bytes())
    })
}

/// The files in the cache folder whose names begin so, in order.
fn files(sandbox: &Sandbox, start: &str) -> Vec<PathBuf> {
    files_in(&sandbox.cache(), start)
}

fn files_in(folder: &Path, start: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(start))
        .collect();
    files.sort();
    files
}

/// The only answer that a run of `fetch -f json` printed; it must have succeeded and not panicked.
fn only(run: &Run) -> serde_json::Value {
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    run.json()[0].clone()
}

/// How many lines of standard error are warnings.
fn warnings(run: &Run) -> usize {
    run.stderr.lines().filter(|line| line.starts_with("warning: ")).count()
}

/// Whether SQLite itself finds the database whole.
fn is_whole(sandbox: &Sandbox) -> bool {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    let said: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    said == "ok"
}

/// Asserts the identity of the contract; the number of requests.
fn counted(stats: &serde_json::Value) -> i64 {
    let hits = &stats["hits"];
    let number = |value: &serde_json::Value| value.as_i64().unwrap_or(0);
    let parts = ["memory", "disk", "shared", "stale"].map(|name| number(&hits[name]));
    let requests = number(&stats["requests"]);
    assert_eq!(requests, parts.iter().sum::<i64>() + number(&stats["misses"]), "{stats}");
    requests
}
