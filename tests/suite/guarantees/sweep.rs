//! The disk stays within its cap: gone entries go first, then the least recently used.

use std::fmt::Write as _;

use super::{Random, counted, is_whole, machine, selling_at};
use crate::sandbox::{Sandbox, Upstream, finished};

/// What a command may leave above the cap: the WAL, until the last one who uses it has gone, and
/// the pages of the tables that are not entries.
const SLACK: u64 = 512 * 1024;

/// What the database takes on the disk, with its WAL.
fn size(sandbox: &Sandbox) -> u64 {
    let file = |name: &str| sandbox.cache().join(name).metadata().map_or(0, |file| file.len());
    file("cache.db") + file("cache.db-wal")
}

fn capped(upstream: &Upstream, gigabytes: &str) -> Sandbox {
    machine(upstream).env("MCACHE_CACHE__DISK__MAX_SIZE_GB", gigabytes)
}

/// Puts bytes that cannot be packed.
fn put(sandbox: &Sandbox, key: &str, bytes: usize, options: &[&str]) {
    let value = Random(key.bytes().map(u64::from).sum()).bytes(bytes);
    let run = sandbox.run_with_input(&[&["put", key, "-"], options].concat(), value);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{key}");
}

fn holds(sandbox: &Sandbox, key: &str) -> bool {
    let keys = sandbox.json(&["keys", key]);
    !keys.as_array().unwrap().is_empty()
}

#[test]
fn the_disk_stays_within_its_cap_after_every_command() {
    let upstream = selling_at(1);
    for (cap, gigabytes) in [(1_000_000, "0.001"), (3_000_000, "0.003")] {
        let sandbox = capped(&upstream, gigabytes);
        for n in 0..40 {
            let key = format!("value:{n}");
            put(&sandbox, &key, 150_000, &[]);
            assert!(size(&sandbox) <= cap + SLACK, "{} of {cap} after {n}", size(&sandbox));
            assert!(holds(&sandbox, &key), "what was just acknowledged is there");
        }
        let stats = sandbox.json(&["stats"]);
        assert!(stats["evictions"].as_u64().unwrap() >= 40 - cap / 150_000, "{stats}");
        let used = stats["entries"]["total"].as_u64().unwrap() * 150_000;
        assert!(used >= cap / 2, "{used} of {cap} are used: too much was dropped");
        assert!(is_whole(&sandbox));
    }
}

#[test]
fn many_small_values_in_one_command_stay_within_the_cap_too() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.001");
    for round in 0..3 {
        let mut lines = String::new();
        for n in 0..6000 {
            writeln!(lines, r#"{{"key":"v:{round}:{n}","value":"{n:0>200}"}}"#).unwrap();
        }
        let run = sandbox.run_with_input(&["put", "--ndjson", "-"], lines);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert!(size(&sandbox) <= 1_000_000 + SLACK, "{} after {round}", size(&sandbox));
    }
}

#[test]
fn many_writers_at_once_stay_within_the_cap() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.003");
    let value = "x1y2".repeat(20_000);
    let crowd: Vec<_> = (0..12)
        .map(|n| {
            let mut lines = String::new();
            for i in 0..5 {
                writeln!(lines, r#"{{"key":"w{n}:{i}","value":"{value}"}}"#).unwrap();
            }
            let own = sandbox.file(&format!("{n}.ndjson"), lines);
            let unpacked = ["--set", "cache.disk.compression=false"];
            let put = ["put", "--ndjson", own.to_str().unwrap()];
            sandbox.command(&[&put[..], &unpacked].concat()).spawn().unwrap()
        })
        .collect();
    for child in crowd {
        let run = finished(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    }
    put(&sandbox, "last", 1000, &[]);
    assert!(size(&sandbox) <= 3_000_000 + SLACK, "{}", size(&sandbox));
    assert!(holds(&sandbox, "last"));
    let left = sandbox.json(&["keys", "w*"]).as_array().unwrap().len();
    assert!(left >= 25, "only {left} are left of the 35 that there is room for");
    assert!(is_whole(&sandbox));
}

#[test]
fn what_is_gone_goes_before_what_is_used_least() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.002").env("MCACHE_KEEP__PUT", "0s");
    put(&sandbox, "oldest", 300_000, &["--ttl", "1h"]);
    for n in 0..3 {
        put(&sandbox, &format!("gone:{n}"), 300_000, &["--ttl", "0s"]);
    }
    for n in 0..4 {
        put(&sandbox, &format!("new:{n}"), 300_000, &["--ttl", "1h"]);
    }
    assert!(holds(&sandbox, "oldest"), "it was to go after those that are gone");
    assert!(!holds(&sandbox, "gone:*"));
    assert_eq!(sandbox.json(&["stats"])["evictions"], 3);
}

#[test]
fn a_hit_protects_an_entry() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.002");
    for n in 0..5 {
        put(&sandbox, &format!("old:{n}"), 300_000, &[]);
    }
    assert_eq!(sandbox.run(&["get", "old:0"]).code, Some(0));
    assert_eq!(sandbox.run(&["get", "old:1"]).code, Some(0));
    for n in 0..3 {
        put(&sandbox, &format!("new:{n}"), 300_000, &[]);
    }
    for (key, held) in [("old:0", true), ("old:1", true), ("old:2", false), ("new:2", true)] {
        assert_eq!(holds(&sandbox, key), held, "{key}");
    }
    counted(&sandbox.json(&["stats"]));
}

#[test]
fn the_clock_of_a_replay_does_not_decide_what_goes() {
    let upstream = selling_at(1);
    let sandbox =
        capped(&upstream, "0.001").at("2001-01-01T00:00:00Z").env("MCACHE_KEEP__PUT", "unlimited");
    for n in 0..12 {
        put(&sandbox, &format!("v:{n}"), 150_000, &[]);
        assert!(holds(&sandbox, &format!("v:{n}")));
    }
    assert!(!holds(&sandbox, "v:0"));
}

#[test]
fn under_the_clock_of_a_replay_no_market_of_its_time_is_old() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.001").at("2001-01-01T00:00:00Z");
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    for n in 0..8 {
        put(&sandbox, &format!("v:{n}"), 150_000, &[]);
    }
    assert!(!holds(&sandbox, "v:0"), "it was swept");
    assert_eq!(sandbox.count("market"), 1);
}

#[test]
fn a_lowered_cap_takes_effect_at_the_next_write() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.005");
    for n in 0..25 {
        put(&sandbox, &format!("v:{n}"), 150_000, &[]);
    }
    assert!(size(&sandbox) > 3_500_000);
    let sandbox = sandbox.env("MCACHE_CACHE__DISK__MAX_SIZE_GB", "0.001");
    put(&sandbox, "last", 1000, &[]);
    assert!(size(&sandbox) <= 1_000_000 + SLACK, "{}", size(&sandbox));
    assert!(holds(&sandbox, "last") && holds(&sandbox, "v:24") && !holds(&sandbox, "v:0"));
}

#[test]
fn a_value_above_the_cap_is_said_and_stops_nothing() {
    let upstream = selling_at(1);
    let sandbox = capped(&upstream, "0.001");
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    let value = Random(9).bytes(2_000_000);
    let run = sandbox.run_with_input(&["put", "huge", "-"], value);
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    assert!(size(&sandbox) <= 1_000_000 + SLACK, "{}", size(&sandbox));
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
}
