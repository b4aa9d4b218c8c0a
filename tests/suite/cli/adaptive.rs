//! `policy: adaptive`: how long a value is fresh follows how often it was seen to change.

use std::sync::atomic::{AtomicU32, Ordering};

use super::{at, json_at, yahoo, yahoo_at};
use crate::sandbox::{Sandbox, Upstream, reply};

const ADAPTIVE: [&str; 2] = ["--set", "policy=adaptive"];

/// Asks for AAPL anew every 31 seconds of a Wednesday's session; the `cache` of the last answer.
fn looked_at(sandbox: &Sandbox, looks: u32, flags: &[&str]) -> serde_json::Value {
    let mut cache = serde_json::Value::Null;
    for look in 0..looks {
        let (minute, second) = (look * 31 / 60, look * 31 % 60);
        let now = format!("2026-07-01T15:{minute:02}:{second:02}Z");
        let fetch = ["fetch", "AAPL", "--refresh", "--explain"];
        cache = json_at(sandbox, &now, &[&fetch, flags].concat())[0]["cache"].clone();
    }
    cache
}

fn machine(upstream: &Upstream) -> Sandbox {
    Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]")
}

/// How many rows of paces there are.
fn paces(sandbox: &Sandbox) -> i64 {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    database.query_row("SELECT count(*) FROM pace", [], |row| row.get(0)).unwrap()
}

/// An upstream whose price is another one each time.
fn moving() -> Upstream {
    let asked = AtomicU32::new(0);
    Upstream::start(move |_| {
        let price = format!("100.{:02}", asked.fetch_add(1, Ordering::Relaxed));
        reply(200, "application/json", yahoo("AAPL", &price, "").as_bytes())
    })
}

#[test]
fn a_value_that_never_changes_lasts_longer_up_to_most() {
    let upstream = yahoo_at("100", "");
    let sandbox = machine(&upstream);
    let eighth = looked_at(&sandbox, 8, &ADAPTIVE);
    assert_eq!(eighth["ttl_seconds"], 30.0, "seven looks say nothing: {eighth}");
    let ninth = looked_at(&sandbox, 9, &ADAPTIVE);
    assert_eq!(ninth["ttl_seconds"], 240.0);
    let why = |cache: &serde_json::Value, at: usize| cache["why"][at].as_str().unwrap().to_owned();
    assert_eq!(why(&ninth, 0), "ttl.quote.stock: 30 s");
    assert!(why(&ninth, 1).starts_with("policy adaptive: 4 min: changed in 0 of "), "{ninth}");
    // What is held is judged so too, by a process that only reads, and by `keys`.
    let asked = upstream.count();
    let later = "2026-07-01T15:07:00Z";
    let hit = json_at(&sandbox, later, &[&["fetch", "AAPL", "--explain"], &ADAPTIVE[..]].concat());
    assert_eq!(
        (&hit[0]["cache"]["status"], &hit[0]["cache"]["ttl_seconds"]),
        (&"hit".into(), &240.0.into())
    );
    let left = json_at(&sandbox, later, &[&["keys"], &ADAPTIVE[..]].concat());
    assert_eq!(left[0]["state"], "fresh");
    assert_eq!(upstream.count(), asked);
    let strategy = ["--set", "policy=adaptive", "--set", "providers.yahoo.strategy=conservative"];
    let careful =
        json_at(&sandbox, later, &[&["fetch", "AAPL", "--explain"], &strategy[..]].concat());
    assert_eq!(careful[0]["cache"]["ttl_seconds"], 480.0, "the strategy has its say after it");
    let bounded = ["--set", "policy=adaptive", "--set", "adaptive.most=2"];
    let hit = json_at(&sandbox, later, &[&["keys"], &bounded[..]].concat());
    assert_eq!(hit[0]["state"], "stale");
    // Switched off, the rule holds again, and what was learned is left where it is.
    let fixed = json_at(&sandbox, later, &["keys"]);
    assert_eq!(fixed[0]["state"], "stale");
    assert_eq!(paces(&sandbox), 1);
}

#[test]
fn a_value_that_always_changes_lasts_shorter_down_to_least() {
    let upstream = moving();
    let sandbox = machine(&upstream);
    let last = looked_at(&sandbox, 12, &ADAPTIVE);
    assert_eq!(last["ttl_seconds"], 15.0);
    assert_eq!(last["why"][1], "policy adaptive: 15 s: changed in 11 of 11 looks");
    let least = ["--set", "policy=adaptive", "--set", "adaptive.least=0.9"];
    let held =
        json_at(&sandbox, "2026-07-01T15:05:42Z", &[&["fetch", "AAPL"], &least[..]].concat());
    assert_eq!(
        (&held[0]["cache"]["status"], &held[0]["cache"]["ttl_seconds"]),
        (&"hit".into(), &27.0.into())
    );
    // What is cleared is forgotten.
    assert_eq!(sandbox.run(&["clear", "--all"]).code, Some(0));
    assert_eq!(paces(&sandbox), 0);
}

#[test]
fn off_by_default_nothing_is_learned() {
    let upstream = yahoo_at("100", "");
    let sandbox = machine(&upstream);
    let last = looked_at(&sandbox, 10, &[]);
    assert_eq!(
        (&last["ttl_seconds"], &last["why"]),
        (&30.0.into(), &serde_json::json!(["ttl.quote.stock: 30 s"]))
    );
    assert_eq!(paces(&sandbox), 0);
}

#[test]
fn what_put_wrote_and_what_is_not_there_learn_nothing() {
    let (_upstream, sandbox) = super::speaking();
    for minute in 0..10 {
        let now = format!("2026-07-01T15:{minute:02}:00Z");
        at(&sandbox, &now, &[&["put", "a", "1", "--ttl", "5s"], &ADAPTIVE[..]].concat());
        at(&sandbox, &now, &[&["fetch", "NOSUCH", "--refresh"], &ADAPTIVE[..]].concat());
    }
    assert_eq!(paces(&sandbox), 0);
}

#[test]
fn a_pace_whose_sum_does_not_fit_or_whose_table_is_not_there_is_as_if_there_were_none() {
    let upstream = yahoo_at("100", "");
    let sandbox = machine(&upstream);
    assert_eq!(looked_at(&sandbox, 10, &ADAPTIVE)["ttl_seconds"], 240.0);
    let ttl = || {
        let fetch = [&["fetch", "AAPL", "--offline"], &ADAPTIVE[..]].concat();
        let answer = json_at(&sandbox, "2026-07-01T15:04:45Z", &fetch);
        answer[0]["cache"]["ttl_seconds"].clone()
    };
    assert_eq!(ttl(), 240.0);
    sandbox.sql("UPDATE pace SET changes = changes + 1");
    assert_eq!(ttl(), 30.0);
    sandbox.sql("UPDATE pace SET changes = 'many', looks = x'00'");
    assert_eq!(ttl(), 30.0);
    sandbox.sql(
        "DROP TABLE pace; PRAGMA user_version = 1006; DROP TABLE access; DROP TABLE access_name",
    );
    assert_eq!(ttl(), 30.0, "readers do not migrate");
    assert_eq!(looked_at(&sandbox, 10, &ADAPTIVE)["ttl_seconds"], 240.0);
    sandbox.sql("DROP TABLE pace");
    let run = at(&sandbox, "2026-07-01T15:30:00Z", &[&["fetch", "AAPL"], &ADAPTIVE[..]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "a lost table damages nothing");
}

#[test]
fn a_repair_loses_paces_and_takes_them_for_nothing_else() {
    let upstream = moving();
    let sandbox = machine(&upstream);
    looked_at(&sandbox, 12, &ADAPTIVE);
    sandbox.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    let database = sandbox.cache().join("cache.db");
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[..100].fill(0);
    std::fs::write(&database, bytes).unwrap();
    assert_eq!(sandbox.run(&["stats", "--repair"]).code, Some(0));
    assert_eq!(paces(&sandbox), 0);
    let keys = sandbox.json(&["keys"]);
    assert_eq!((&keys[0]["key"], &keys[0]["hits"]), (&"quote:stock:AAPL".into(), &0.into()));
}
