//! The flags of `fetch` that say what is acceptable: how old, how stale, from where.

use super::{LATER, SOON, at, json_at, nobody, speaking, when_aged};
use crate::sandbox::{Sandbox, Upstream};

#[test]
fn max_age_asks_again_what_is_older() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL", "--max-age", "20s"])[0]["cache"]["status"],
        "hit"
    );
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL", "--max-age", "5"])[0]["cache"]["status"],
        "miss"
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn max_age_never_makes_fresh_what_the_rules_call_stale() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(
        json_at(&sandbox, LATER, &["fetch", "AAPL", "--max-age", "1h"])[0]["cache"]["status"],
        "miss"
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn min_fresh_asks_again_what_would_go_stale_too_soon() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL", "--min-fresh", "15s"])[0]["cache"]["status"],
        "hit"
    );
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL", "--min-fresh", "25s"])[0]["cache"]["status"],
        "miss"
    );
    assert_eq!(upstream.count(), 2);
}

#[test]
fn max_stale_bounds_what_stands_in_for_upstream() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    // Ten seconds past its time.
    for (bound, served) in [("1m", true), ("30s", true), ("5s", false), ("0", false)] {
        let run = at(&sandbox, LATER, &["fetch", "AAPL", "--max-stale", bound]);
        assert_eq!(run.code, Some(i32::from(!served)), "{bound}: {run:?}");
        assert_eq!(run.stderr.contains("warning: AAPL"), served, "{bound}: {run:?}");
        assert_eq!(run.stderr.contains("error: AAPL: yahoo cannot be reached"), !served, "{run:?}");
    }
}

#[test]
fn stale_if_error_bounds_it_for_every_request() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    for (bound, code) in [("1m", 0), ("5s", 1), ("keep", 0), ("0", 1)] {
        let set = format!("stale_if_error={bound}");
        assert_eq!(
            at(&sandbox, LATER, &["fetch", "AAPL", "--set", &set]).code,
            Some(code),
            "{bound}"
        );
    }
}

#[test]
fn a_refresh_that_fails_serves_what_is_still_fresh() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    let run = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "AAPL", "--refresh", "-f", "json"]);
    run.fails(0, &["warning: AAPL: this answer is 10 s old, no newer one could be had"]);
    let cache = run.json()[0]["cache"].clone();
    assert_eq!((&cache["status"], &cache["tier"]), (&"stale".into(), &"disk".into()));
    let hits = sandbox.json(&["stats"])["hits"].clone();
    assert_eq!((&hits["disk"], &hits["stale"]), (&0.into(), &1.into()), "nobody asked for a hit");
    let told = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "AAPL", "--refresh", "--explain"]);
    assert!(told.stdout.contains(": fresh until Wed 2026-07-01 15:00:"), "{told:?}");
    let bars = ["fetch", "AAPL", "-t", "bars", "--period", "5d"];
    let whole = speaking().1;
    whole.json(&bars);
    let whole = whole.with_provider("yahoo", &nobody());
    let run = whole.run(&[&bars[..], &["--refresh", "-f", "json"]].concat());
    run.fails(0, &["no newer one could be had"]);
    assert_eq!(run.json()[0]["cache"]["status"], "stale");
}

#[test]
fn no_cache_neither_reads_nor_writes() {
    let (upstream, sandbox) = speaking();
    let bypassed = sandbox.json(&["fetch", "AAPL", "--no-cache"]);
    assert_eq!(bypassed[0]["cache"]["status"], "miss");
    assert_eq!(sandbox.json(&["keys"]), serde_json::json!([]));
    sandbox.json(&["fetch", "AAPL"]);
    let before = sandbox.json(&["keys"]);
    json_at(&sandbox, SOON, &["fetch", "AAPL", "--no-cache"]);
    assert_eq!(sandbox.json(&["keys"])[0]["hits"], before[0]["hits"]);
    assert_eq!(
        json_at(&sandbox, SOON, &["fetch", "AAPL"])[0]["cache"]["fetched_at"]
            .as_str()
            .unwrap()
            .get(..19),
        Some("2026-07-01T15:00:00"),
        "what was held is as it was"
    );
    assert_eq!(upstream.count(), 3);
    // What failed is not remembered either, and nothing stale stands in for it.
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    assert_eq!(at(&sandbox, LATER, &["fetch", "AAPL", "--no-cache"]).code, Some(1));
}

#[test]
fn offline_never_asks() {
    let (upstream, sandbox) = speaking();
    let nothing = sandbox.run(&["fetch", "AAPL", "--offline", "-f", "json"]);
    nothing
        .fails(1, &["error: AAPL: the cache holds no answer and --offline asks nobody", "hint: "]);
    assert!(nothing.stdout.contains(r#""kind":"offline""#), "{nothing:?}");
    assert_eq!(upstream.count(), 0);
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(sandbox.json(&["--offline", "fetch", "AAPL"])[0]["cache"]["status"], "hit");
    let stale = json_at(&sandbox, LATER, &["fetch", "AAPL", "--offline"]);
    assert_eq!(stale[0]["cache"]["status"], "stale");
    assert_eq!(stale[0]["cache"]["upstream_calls"], 0);
    let sandbox = sandbox.env("MCACHE_OFFLINE", "1");
    assert_eq!(json_at(&sandbox, LATER, &["fetch", "AAPL"])[0]["cache"]["status"], "stale");
    assert_eq!(upstream.count(), 1);
    for off in ["0", "false", "no", ""] {
        let online =
            Sandbox::new().with_provider("yahoo", upstream.url()).env("MCACHE_OFFLINE", off);
        assert_eq!(online.json(&["fetch", "AAPL"])[0]["cache"]["status"], "miss", "{off}");
    }
}

#[test]
fn max_wait_bounds_the_wait_for_a_slot() {
    let (upstream, sandbox) = speaking();
    let limited =
        ["fetch", "AAPL", "MSFT", "--max-wait", "0", "--set", "providers.yahoo.limits=[1/1m]"];
    let run = sandbox.run(&limited);
    run.fails(
        1,
        &[
            "yahoo allows no more requests until",
            "(the limit 1/1m is used up)",
            "hint: `--max-wait",
        ],
    );
    assert!(run.stdout.contains("AAPL"), "{run:?}");
    assert_eq!(upstream.count(), 1);
    let json = sandbox.run(&[&limited[..], &["--refresh", "-f", "ndjson"]].concat());
    assert!(json.stdout.contains(r#""kind":"rate_limited""#), "{json:?}");
}

#[test]
fn explain_names_the_rules_that_set_the_ttl_strongest_last() {
    let (_upstream, sandbox) = speaking();
    let why = |arguments: &[&str]| {
        sandbox.json(&[&["fetch", "AAPL", "--explain"], arguments].concat())[0]["cache"]["why"]
            .clone()
    };
    assert_eq!(why(&[]), serde_json::json!(["ttl.quote.stock: 30 s"]));
    assert_eq!(
        why(&["--max-age", "10s"]),
        serde_json::json!(["ttl.quote.stock: 30 s", "--max-age: 10 s"])
    );
    let table = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "AAPL", "--explain"]);
    insta::assert_snapshot!(table.shown(), @r"
    SYMBOL   PRICE  CHANGE  CHANGE %     VOLUME  CURRENCY  MARKET   TIME (UTC)           PROVIDER  STATUS  TIER   AGE
    AAPL    228.83    2.57   +1.14 %  1,296,970  USD       regular  2026-07-01 15:00:00  yahoo     hit     disk  10 s
      ttl.quote.stock: 30 s
      no call was made: fresh until Wed 2026-07-01 15:00:30 UTC
    exit 0
    ");
    sandbox.run(&["put", "quote:stock:X", "1", "--ttl", "1h"]);
    assert_eq!(
        sandbox.json(&["fetch", "X", "--explain"])[0]["cache"]["why"],
        serde_json::json!(["put --ttl: 60 min"])
    );
}

#[test]
fn verbose_says_one_line_a_request_on_standard_error() {
    let (_upstream, sandbox) = speaking();
    let plain = sandbox.run(&["fetch", "AAPL"]);
    assert!(plain.stderr.is_empty());
    let hit = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "AAPL", "NOSUCH", "-v", "-q"]);
    let lines: Vec<&str> = hit.stderr.lines().collect();
    let words: Vec<&str> = lines[0].split(' ').collect();
    assert_eq!(words[..4], ["hit", "disk", "quote:stock:AAPL", "10s"], "{hit:?}");
    assert!(words[4].strip_suffix("ms").unwrap().parse::<f64>().is_ok(), "{hit:?}");
    assert_eq!(words[5..], ["yahoo"]);
    assert!(hit.stderr.contains("error not_found quote:stock:NOSUCH - "), "{hit:?}");
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    for arguments in [
        &["-f", "json", "--offline", "--set", "ttl.quote.stock=99", "fetch", "AAPL"][..],
        &["fetch", "-f", "json", "--offline", "--set", "ttl.quote.stock=99", "AAPL"],
        &["fetch", "AAPL", "--set", "ttl.quote.stock=99", "--offline", "-f", "json"],
        &["--offline", "fetch", "AAPL", "--format=json", "--set=ttl.quote.stock=99"],
    ] {
        assert_eq!(sandbox.run(arguments).json()[0]["cache"]["ttl_seconds"], 99.0, "{arguments:?}");
    }
}

#[test]
fn quiet_says_no_warning_but_every_error() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let down = Upstream::saying(500, "text/plain", "down");
    let sandbox = sandbox.with_provider("yahoo", down.url());
    let run = at(&sandbox, LATER, &["fetch", "AAPL", "-q"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    at(&sandbox, LATER, &["fetch", "MSFT", "-q"]).fails(1, &["error: MSFT"]);
}

#[test]
fn without_a_disk_tier_no_value_is_written() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let off = ["fetch", "AAPL", "AAPL", "--set", "cache.disk.enabled=false"];
    assert_eq!(sandbox.json(&off).as_array().unwrap().len(), 2);
    // Limits are the machine's, whatever a program stores.
    assert!(sandbox.cache().join("ledger.db").exists());
    assert!(!sandbox.cache().join("cache.db").exists());
    assert_eq!(upstream.count(), 1);
}
