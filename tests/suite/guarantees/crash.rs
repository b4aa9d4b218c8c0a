//! Killed at any instant, nothing that was acknowledged is lost, torn or counted twice.
//!
//! The instants are found by what a process has done so far (how far its WAL has grown, how many
//! requests it has sent), never by time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};

use mcache::db::hits::{self, Hit};
use mcache::db::tally::Outcome;
use mcache::key::Key;
use mcache::time::Timestamp;

use super::{Random, counted, files, is_whole, machine, selling_at};
use crate::sandbox::{Sandbox, Upstream, finished};

pub(super) fn length(path: &Path) -> u64 {
    path.metadata().map_or(0, |file| file.len())
}

/// Kills a process as soon as this holds, if it has not ended by then. Whether it ended well.
pub(super) fn killed_when(mut child: Child, holds: impl Fn() -> bool) -> bool {
    while child.try_wait().unwrap().is_none() {
        if holds() {
            child.kill().unwrap();
            break;
        }
        std::thread::yield_now();
    }
    finished(child).code == Some(0)
}

/// Kills a process once it has written so many bytes into the cache folder.
fn killed_after(sandbox: &Sandbox, child: Child, bytes: u64) -> bool {
    let written = || {
        ["cache.db", "cache.db-wal", "hits.log"]
            .iter()
            .map(|n| length(&sandbox.cache().join(n)))
            .sum()
    };
    let before: u64 = written();
    killed_when(child, || written() >= before.saturating_add(bytes))
}

/// Every value that was acknowledged reads back, and no value is torn: all of one put or none.
fn holds_all(sandbox: &Sandbox, acknowledged: &BTreeMap<String, String>) {
    assert!(is_whole(sandbox));
    let held = sandbox.json(&["get", "*", "--stale"]);
    for (key, value) in acknowledged {
        assert_eq!(held[key], value.as_str(), "{key} was acknowledged");
    }
}

#[test]
fn what_was_put_is_there_after_a_kill_at_any_instant() {
    let upstream = selling_at(1);
    let sandbox = machine(&upstream);
    let mut random = Random(6);
    let mut acknowledged = BTreeMap::new();
    let (mut killed, mut ended) = (0, 0);
    let mut round = 0;
    // Whether the killer is in time is the scheduler's: it gets further rounds until it was.
    while round < 60 || (killed < 15 && round < 240) {
        let own = format!("own:{round}");
        let mut lines = String::new();
        for n in 0..40 {
            let value = format!("{round}-{n}-{:x}", random.next()).repeat(1 + random.below(60));
            // Half of them replace what an earlier round has put.
            let key = if n % 2 == 0 { format!("shared:{n}") } else { format!("{own}:{n}") };
            writeln!(lines, r#"{{"key":"{key}","value":"{value}"}}"#).unwrap();
        }
        let mut child =
            sandbox.command(&["put", "--ndjson", "-"]).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        let values = || lines.lines().map(|line| serde_json::from_str(line).unwrap());
        // Every fifth is left to end.
        let bytes = if round % 5 == 0 { u64::MAX } else { random.next() % 150_000 };
        if killed_after(&sandbox, child, bytes) {
            ended += 1;
            for line in values() {
                let line: serde_json::Value = line;
                let text = |name: &str| line[name].as_str().unwrap().to_owned();
                acknowledged.insert(text("key"), text("value"));
            }
        } else {
            killed += 1;
            // It may have been stored all the same: then all of it.
            let held = sandbox.json(&["get", "*", "--stale"]);
            let there = values().filter(|line: &serde_json::Value| {
                held[line["key"].as_str().unwrap()] == line["value"]
            });
            match there.count() {
                0 => {}
                40 => acknowledged.extend(values().map(|line: serde_json::Value| {
                    (line["key"].as_str().unwrap().into(), line["value"].as_str().unwrap().into())
                })),
                some => panic!("round {round}: {some} of 40 are there"),
            }
        }
        holds_all(&sandbox, &acknowledged);
        round += 1;
    }
    assert!(killed >= 15 && ended >= 12, "{killed} killed, {ended} ended");
    assert!(files(&sandbox, "cache.db.damaged").is_empty());
}

#[test]
fn a_killed_warm_leaves_whole_answers_and_the_next_one_finishes() {
    let upstream = selling_at(9);
    let symbols: Vec<String> = (0..30).map(|n| format!("W{n}")).collect();
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    for round in 0..15 {
        let sandbox = machine(&upstream);
        let before = upstream.count();
        let child = sandbox.command(&[&["warm"], &names[..]].concat()).spawn().unwrap();
        killed_when(child, || upstream.count() > before + round * 2);
        if sandbox.cache().join("cache.db").exists() {
            assert!(is_whole(&sandbox), "round {round}");
            let kept = sandbox.run(&["get", "quote:*", "-f", "json"]);
            let kept: serde_json::Value = serde_json::from_str(&kept.stdout).unwrap();
            for (key, quote) in kept.as_object().unwrap() {
                assert_eq!(quote["price"], 9, "round {round}: {key}");
            }
        }
        let run = sandbox.run(&[&["warm"], &names[..]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "round {round}");
        let before = counted(&sandbox.json(&["stats"]));
        let run = sandbox.run(&[&["fetch", "--offline", "-f", "json"], &names[..]].concat());
        assert_eq!(run.json().as_array().unwrap().len(), 30, "round {round}");
        assert_eq!(counted(&sandbox.json(&["stats"])), before + 30, "round {round}");
    }
}

#[test]
fn a_killed_fetch_disturbs_nobody_who_comes_after_it() {
    let upstream = selling_at(9);
    let sandbox = machine(&upstream);
    upstream.hold();
    let crowd: Vec<Child> =
        (0..8).map(|_| sandbox.command(&["fetch", "AAPL"]).spawn().unwrap()).collect();
    upstream.wait_for(1);
    for mut child in crowd {
        child.kill().unwrap();
        finished(child);
    }
    upstream.let_go();
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
    assert_eq!(
        (run.json()[0]["cache"]["status"].as_str(), run.stderr.as_str()),
        (Some("miss"), "")
    );
}

#[test]
fn every_hit_is_counted_once_whoever_dies_while_folding() {
    let upstream = selling_at(9);
    let sandbox = machine(&upstream);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    let mut random = Random(7);
    let mut hits = 0;
    let large = format!("\"{}\"", "x".repeat(200_000));
    let put = ["put", "large", "-", "--set", "cache.disk.compression=false"];
    for round in 0..30 {
        for _ in 0..=random.below(3) {
            assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
            hits += 1;
        }
        let mut child = sandbox.command(&put).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(large.as_bytes()).unwrap();
        killed_after(&sandbox, child, random.next() % 230_000);
        if round % 3 == 0 {
            let stats = sandbox.json(&["stats"]);
            assert_eq!(counted(&stats), hits + 1, "round {round}");
            assert_eq!(stats["hits"]["disk"], hits, "round {round}");
        }
    }
    assert_eq!(sandbox.json(&["stats"])["hits"]["disk"], hits);
    assert!(is_whole(&sandbox));
}

/// A hit log of more than a megabyte: the next hit folds it and starts a new one.
fn fill_log(sandbox: &Sandbox, upstream: &Upstream) -> i64 {
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    assert_eq!(upstream.count(), 1);
    let hit = Hit {
        at: Timestamp::from_ms(1_795_000_000_000),
        used_at: Timestamp::from_ms(1_795_000_000_000),
        id: Key::from_stored("quote:stock:AAPL").first_id(),
        outcome: Outcome::Disk,
        latency_us: 100,
        age_s: 1,
        caller: "bot".to_owned(),
    };
    hits::append(&sandbox.cache(), &vec![hit; 17_000]);
    17_000
}

#[test]
fn every_hit_is_counted_once_whoever_dies_while_renewing_the_log() {
    let mut random = Random(8);
    let mut renewed = 0;
    for round in 0..12 {
        let upstream = selling_at(9);
        let sandbox = machine(&upstream);
        let filled = fill_log(&sandbox, &upstream);
        let log = sandbox.cache().join("hits.log");
        let child = sandbox.command(&["fetch", "AAPL"]).spawn().unwrap();
        let (new, wal) =
            (sandbox.cache().join("hits.log.new"), sandbox.cache().join("cache.db-wal"));
        let wanted = random.next() % 20_000;
        let ended = killed_when(child, || match round % 4 {
            0 => new.exists(),
            1 => length(&log) < 1000,
            2 => length(&wal) > wanted,
            _ => length(&log) > 17_001 * 64,
        });
        renewed += i64::from(length(&log) < 1000);
        let disk = sandbox.json(&["stats"])["hits"]["disk"].as_i64().unwrap();
        // The killed one's own hit may have been written or not.
        assert!((filled + i64::from(ended)..=filled + 1).contains(&disk), "round {round}: {disk}");
        for _ in 0..2 {
            assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
        }
        let stats = sandbox.json(&["stats"]);
        assert_eq!(stats["hits"]["disk"], disk + 2, "round {round}");
        counted(&stats);
        assert!(length(&log) < 1000, "round {round}: the log was renewed in the end");
    }
    assert!(renewed >= 1, "nobody came as far as renewing the log");
}
