//! `put`, `get`, tags and rules as the configuration cache of a trading bot: what its slow database
//! says of pairs, strategies and risks, each under a key of its own for 300 seconds, and expired
//! together with what it is made of.

use serde_json::{Value, json};

use super::{LATER, at};
use crate::sandbox::Sandbox;

/// What a bot reads when it begins.
const SETTINGS: &str = r#"{"key":"system_config:paper_trading","value":true}
{"key":"system_config:portfolio","value":{"cash": 10000.50, "note": "two  spaces\nand ünï"}}
{"key":"system_config","value":{"of":"all"}}
{"key":"trading_pairs","value":["ETH/USDT","BTC/USDT"]}
{"key":"pair_config:ETH/USDT","value":{"enabled":true,"size":0.10}}
{"key":"pair_config:BTC/USDT","value":{"enabled":false}}
{"key":"pair_strategies:ETH/USDT","value":["grid","momentum"]}
{"key":"pair_strategies:BTC/USDT","value":[]}
{"key":"strategy_config:ETH/USDT:grid","value":{"levels":12}}
{"key":"pair_risk:ETH/USDT","value":{"stop_loss":0.05}}
"#;

fn machine() -> Sandbox {
    let sandbox = Sandbox::new();
    let run = sandbox.run_with_input(&["put", "--ndjson", "-", "--tag", "bot"], SETTINGS);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    sandbox
}

/// The state of an entry, as `keys` tells it, with the reason.
fn state(sandbox: &Sandbox, key: &str) -> (String, Value) {
    let listed = sandbox.json(&["keys", key]);
    (listed[0]["state"].as_str().unwrap_or("none").to_owned(), listed[0]["reason"].clone())
}

/// The lines of many keys.
fn many(sandbox: &Sandbox, now: &str, keys: &str) -> (Option<i32>, Vec<Value>, String) {
    let file = sandbox.file("keys.txt", keys);
    let run = at(sandbox, now, &["get", "--ndjson", file.to_str().unwrap()]);
    let lines = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    (run.code, lines, run.stderr)
}

#[test]
fn everything_that_the_bot_reads_is_there_for_300_seconds() {
    let sandbox = machine();
    for line in SETTINGS.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let key = line["key"].as_str().unwrap();
        assert_eq!(sandbox.json(&["get", key]), line["value"], "{key}");
        // The commas and spaces of a value are its own.
        assert!(SETTINGS.contains(sandbox.run(&["get", key]).stdout.trim()), "{key}");
    }
    let pairs = sandbox.json(&["get", "pair_config:*"]);
    assert_eq!(pairs["pair_config:ETH/USDT"]["size"], json!(0.10));
    assert_eq!(at(&sandbox, "2026-07-01T15:04:50Z", &["get", "trading_pairs"]).code, Some(0));
    assert_eq!(at(&sandbox, "2026-07-01T15:05:10Z", &["get", "trading_pairs"]).code, Some(1));
    assert!(sandbox.run(&["clear", "--tag", "bot"]).stdout.starts_with("dropped 10 entries"));
}

#[test]
fn an_update_expires_what_the_seed_says_and_nothing_else() {
    for (put, expired, fresh) in [
        ("system_config:paper_trading", "system_config", "trading_pairs"),
        ("pair_config:ETH/USDT", "trading_pairs", "pair_config:BTC/USDT"),
        ("strategy_config:ETH/USDT:grid", "pair_strategies:ETH/USDT", "pair_strategies:BTC/USDT"),
        ("pair_risk:ETH/USDT", "pair_config:ETH/USDT", "pair_config:BTC/USDT"),
    ] {
        let sandbox = machine();
        // What was put together with it is as new as it.
        assert_eq!(state(&sandbox, expired).0, "fresh", "{expired}");
        let later = |arguments: &[&str]| at(&sandbox, "2026-07-01T15:00:05Z", arguments);
        assert_eq!(later(&["put", put, "{}"]).code, Some(0));
        let sandbox = sandbox.at("2026-07-01T15:00:06Z");
        let (is, why) = state(&sandbox, expired);
        assert_eq!((is.as_str(), why.is_null()), ("stale", false), "{put} {expired}");
        assert_eq!(
            (state(&sandbox, fresh).0.as_str(), state(&sandbox, put).0.as_str()),
            ("fresh", "fresh")
        );
        // It is still there for who wants it all the same, and a newer value is fresh again.
        assert_eq!(sandbox.run(&["get", expired]).code, Some(1));
        assert_eq!(sandbox.run(&["get", expired, "--stale"]).code, Some(0));
        let sandbox = sandbox.at("2026-07-01T15:00:07Z");
        sandbox.run(&["put", expired, "1"]);
        assert_eq!(sandbox.run(&["get", expired]).stdout, "1");
    }
}

#[test]
fn many_keys_are_read_in_one_process_each_with_its_line() {
    let sandbox = machine();
    let keys = "pair_config:ETH/USDT\n\n  trading_pairs \nnone\nsystem_config:portfolio@put\n";
    let (code, lines, said) = many(&sandbox, "2026-07-01T15:00:00Z", keys);
    assert_eq!((code, said.as_str()), (Some(1), "error: 1 of 4 keys have no value\n"));
    assert_eq!(
        lines[..3],
        [
            json!({"key": "pair_config:ETH/USDT", "status": "hit", "value": {"enabled": true, "size": 0.10}}),
            json!({"key": "trading_pairs", "status": "hit", "value": ["ETH/USDT", "BTC/USDT"]}),
            json!({"key": "none", "error": {"kind": "offline", "message": "nothing is held"}}),
        ]
    );
    assert_eq!(lines[3]["value"]["cash"], json!(10000.50));
    let fifty = (0..50).map(|_| "trading_pairs\n").collect::<String>();
    let (code, lines, said) = many(&sandbox, LATER, &fifty);
    assert_eq!((code, lines.len(), said.as_str()), (Some(0), 50, ""));
    let (code, lines, _) = many(&sandbox, "2026-07-01T15:06:00Z", "trading_pairs");
    assert_eq!(code, Some(1));
    assert_eq!(lines[0]["error"]["message"], "what is held is not fresh (--stale serves it)");
    let run = sandbox.run_with_input(&["get", "--ndjson", "-", "--stale"], "trading_pairs");
    assert_eq!(run.stdout.lines().count(), 1);
    assert_eq!(sandbox.run_with_input(&["get", "--ndjson", "-"], "").shown(), "exit 0");
}

#[test]
fn keys_that_cannot_be_meant_are_refused_before_one_is_read() {
    let sandbox = machine();
    for (input, says) in [
        (&b"trading_pairs\npair_config:*\n"[..], "line 2: `pair_config:*` is not a key"),
        (b"a b", "line 1: the key `a b` holds ' '"),
        (b"trading_pairs@nobody", "line 1: there is no provider `nobody`"),
        (b"\xff\xfe", "`-` cannot be read"),
    ] {
        let run = sandbox.run_with_input(&["get", "--ndjson", "-"], input);
        assert_eq!(run.stdout, "");
        run.fails(2, &[says]);
    }
    sandbox.run(&["get", "--ndjson", "no/such/file"]).fails(2, &["`no/such/file` cannot be read"]);
    sandbox.run(&["get", "trading_pairs", "--ndjson", "-"]).fails(2, &["cannot be used with"]);
    sandbox.run(&["get"]).fails(2, &["KEY|PATTERN"]);
    sandbox.run(&["get", "--ndjson", "-", "-f", "csv"]).fails(2, &["its formats are ndjson"]);
}
