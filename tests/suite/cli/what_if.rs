//! `stats --what-if`: the recorded reads, replayed under another configuration.

use super::{json_at, speaking};
use crate::sandbox::Sandbox;

/// A quarter past eleven in New York, on a Wednesday.
const MINUTE: &str = "2026-07-01T15:15";

/// Reads AAPL of the demo at so many seconds of a minute.
fn read_at(sandbox: &Sandbox, minute: &str, seconds: &[u32]) {
    for second in seconds {
        let now = format!("{minute}:{second:02}.5Z");
        let run = super::at(sandbox, &now, &["fetch", "AAPL", "-p", "demo"]);
        assert_eq!(run.code, Some(0), "{run:?}");
    }
}

fn what_if(sandbox: &Sandbox, more: &[&str]) -> serde_json::Value {
    sandbox.json(&[&["stats", "--what-if"], more].concat())
}

#[test]
fn a_longer_ttl_is_weighed_in_calls_saved_against_age_added() {
    let sandbox = Sandbox::new();
    // Every 31 seconds a call at 30 s; at 60 s every other one is a hit, 31 seconds old.
    for second in (0..20).map(|read| read * 31) {
        read_at(&sandbox, &format!("2026-07-01T15:{:02}", second / 60), &[second % 60]);
    }
    let report = what_if(&sandbox, &["ttl.quote=60s"]);
    assert_eq!((&report["what_if"][0], &report["since"]), (&"ttl.quote=60s".into(), &().into()));
    assert_eq!(report["reads"], 20);
    assert_eq!((&report["now"]["calls"], &report["now"]["hit_rate"]), (&20.into(), &0.0.into()));
    assert_eq!((&report["then"]["calls"], &report["then"]["hit_rate"]), (&10.into(), &0.5.into()));
    assert_eq!(report["calls_saved"], 10);
    let (mean, most) = (&report["then"]["age_mean_s"], &report["then"]["age_p99_s"]);
    let near =
        |value: &serde_json::Value, wanted: f64| (value.as_f64().unwrap() - wanted).abs() < 1.5;
    assert!(near(mean, 15.5) && near(most, 31.0) && near(&report["age_added_s"], 15.5), "{report}");
    assert!(report.get("rows").is_none());
    // Stronger than what is said otherwise, and repeated.
    let longer = ["ttl.quote=60s", "--what-if", "ttl.quote.stock=1h", "--set", "ttl.quote=5"];
    let report = what_if(&sandbox, &longer);
    assert_eq!((&report["now"]["calls"], &report["then"]["calls"]), (&20.into(), &1.into()));
    let since = what_if(&sandbox, &["ttl.quote=60s", "--since", "2026-07-01T15:09:00Z"]);
    assert_eq!((&since["since"], &since["reads"]), (&"2026-07-01T15:09:00Z".into(), &2.into()));
}

#[test]
fn hits_stale_hits_and_misses_are_reads_and_what_is_warmed_put_or_cleared_is_none() {
    let (_upstream, sandbox) = speaking();
    let reads = || what_if(&sandbox, &["ttl.quote=60s"])["reads"].clone();
    assert_eq!(reads(), 0);
    sandbox.run(&["warm", "AAPL"]);
    sandbox.run(&["put", "a", "1"]);
    sandbox.run(&["get", "a"]);
    assert_eq!(reads(), 0);
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    sandbox.run(&["get", "quote:stock:AAPL"]);
    assert_eq!(reads(), 3, "a hit, a miss, and a hit by key");
    super::at(&sandbox, super::LATER, &["fetch", "MSFT", "--offline"]);
    assert_eq!(reads(), 4, "a stale hit");
    sandbox.run(&["clear", "--all"]);
    assert_eq!(reads(), 4, "what was read stays, whatever becomes of it");
    sandbox.run(&["stats", "--reset"]);
    assert_eq!(reads(), 0);
}

#[test]
fn a_week_end_is_free_under_both() {
    let sandbox = Sandbox::new();
    let saturday = "2026-06-27T12:00:00Z";
    for now in [saturday, "2026-06-27T18:00:00Z", "2026-06-28T12:00:00Z"] {
        assert_eq!(super::at(&sandbox, now, &["fetch", "AAPL", "-p", "demo"]).code, Some(0));
    }
    let report = what_if(&sandbox, &["ttl.quote=60s"]);
    assert_eq!((&report["reads"], &report["calls_saved"]), (&3.into(), &0.into()));
    assert_eq!((&report["now"], &report["now"]["calls"]), (&report["then"], &1.into()));
}

#[test]
fn reads_are_told_apart_by_name_those_first_that_save_most() {
    let sandbox = Sandbox::new();
    read_at(&sandbox, MINUTE, &[0, 30, 59]);
    for now in ["2026-07-01T15:15:00Z", "2026-07-01T15:15:40Z"] {
        super::at(&sandbox, now, &["fetch", "BTC", "IBM", "-p", "demo"]);
    }
    super::at(&sandbox, "2026-07-01T15:15:45Z", &["fetch", "IBM", "-p", "demo"]);
    let by = |by: &[&str]| what_if(&sandbox, &[&["ttl.quote.stock=60s", "--by"], by].concat());
    let symbols = by(&["symbol"]);
    let rows = symbols["rows"].as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!((&names[..2], names.len()), (&["AAPL", "IBM"][..], 3), "{symbols}");
    for (row, reads, saved) in [(0, 3, 1), (1, 3, 1), (2, 2, 0)] {
        assert_eq!(
            (&rows[row]["reads"], &rows[row]["calls_saved"]),
            (&reads.into(), &saved.into())
        );
    }
    assert_eq!(by(&["key", "--top", "1"])["rows"][0]["name"], "quote:stock:AAPL");
    assert_eq!(by(&["type"])["rows"][0]["reads"], 8);
    assert_eq!(by(&["provider"])["rows"][0]["name"], "demo");
    let table = sandbox.run(&["stats", "--what-if", "ttl.quote.stock=60s", "--by", "symbol"]);
    assert!(table.stdout.contains("2 calls saved, answers "), "{table:?}");
    let hour = sandbox.run(&["stats", "--what-if", "ttl.quote=60s", "--by", "hour"]);
    hour.fails(2, &["not recorded by hour", "symbol, key, type or provider"]);
}

#[test]
fn what_makes_no_difference_and_what_cannot_be_meant_is_said() {
    let sandbox = Sandbox::new();
    let nothing = sandbox.run(&["stats", "--what-if", "ttl.quote=60s"]);
    assert_eq!((nothing.code, nothing.stdout.as_str()), (Some(0), ""));
    assert!(nothing.stderr.contains("no reads are recorded yet"), "{nothing:?}");
    read_at(&sandbox, MINUTE, &[0, 10]);
    let later = sandbox.run(&["stats", "--what-if", "ttl.quote=60s", "--since", "2026-07-02"]);
    assert!(later.stderr.contains("no reads are recorded since then"), "{later:?}");
    let same = sandbox.run(&["stats", "--what-if", "cache.disk.max_size_gb=2"]);
    assert_eq!(same.code, Some(0));
    assert!(
        same.stdout
            .ends_with("Nothing changes: every read would have been answered as it is now.\n")
    );
    let adaptive = sandbox.run(&["stats", "--what-if", "policy=adaptive"]);
    assert!(adaptive.stderr.contains("a replay learns nothing"), "{adaptive:?}");
    assert!(adaptive.stdout.contains("Nothing changes"), "{adaptive:?}");
    for (said, message, hint) in [
        ("ttl.qoute=60s", "error: --what-if: unknown key `ttl.qoute`", "did you mean `ttl.quote`?"),
        ("ttl.quote", "error: --what-if: `ttl.quote` has no `=`", "write --what-if KEY=VALUE"),
        ("ttl.quote=soon", "error: --what-if: `ttl.quote`: `soon` is not a duration", "30s"),
        ("ttl.quote.@nobody=5", "--what-if: ", "@nobody"),
    ] {
        sandbox.run(&["stats", "--what-if", said]).fails(2, &[message, hint]);
    }
    sandbox.run(&["stats", "--what-if", "ttl.quote=5", "--reset"]).fails(2, &["--reset"]);
}

#[test]
fn a_database_of_an_older_release_has_no_reads_and_gains_them_with_the_next() {
    let sandbox = Sandbox::new();
    read_at(&sandbox, MINUTE, &[0]);
    sandbox.sql(
        "DROP TABLE access; DROP TABLE access_name; DROP TABLE pace; DROP TRIGGER entry_dropped; \
         DROP TABLE chunk; DROP TABLE past; PRAGMA user_version = 1006;",
    );
    read_at(&sandbox, MINUTE, &[40]);
    assert_eq!(what_if(&sandbox, &["ttl.quote=60s"])["reads"], 1);
    assert_eq!(json_at(&sandbox, super::LATER, &["stats"])["requests"], 2);
}
