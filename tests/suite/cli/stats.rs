//! `stats`: what the cache holds and what it has saved, counted over all processes.

use mcache::clock::Clock;
use mcache::error::{Error, Kind};
use mcache::ledger::{Ledger, Outcome, Said};

use super::{LATER, at, json_at, nobody, speaking, when_aged};
use crate::sandbox::{Sandbox, Upstream};

/// `requests` and the five that make it up, of which `shared` is none in this release.
fn identity(sandbox: &Sandbox) -> [i64; 6] {
    let stats = sandbox.json(&["stats"]);
    let hits = |tier: &str| stats["hits"][tier].as_i64().unwrap();
    let parts = [
        hits("memory"),
        hits("disk"),
        hits("shared"),
        hits("stale"),
        stats["misses"].as_i64().unwrap(),
    ];
    let requests = stats["requests"].as_i64().unwrap();
    assert_eq!(requests, parts.iter().sum::<i64>(), "{stats}");
    [requests, parts[0], parts[1], parts[2], parts[3], parts[4]]
}

#[test]
fn every_request_is_one_of_memory_disk_stale_and_miss() {
    let (upstream, sandbox) = speaking();
    assert_eq!(identity(&sandbox), [0; 6]);
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    assert_eq!(identity(&sandbox), [2, 0, 0, 0, 0, 2], "two misses");
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    assert_eq!(identity(&sandbox), [4, 0, 2, 0, 0, 2], "two hits");
    sandbox.run(&["fetch", "AAPL", "AAPL"]);
    let twice = identity(&sandbox);
    assert_eq!((twice[0], twice[1] + twice[2]), (6, 4), "the second may come from memory");
    sandbox.run(&["fetch", "AAPL", "--refresh"]);
    assert_eq!(identity(&sandbox)[5], 3, "a refresh is a miss");
    sandbox.run(&["fetch", "NOSUCH"]);
    assert_eq!(identity(&sandbox)[5], 4, "an error is a miss");
    sandbox.run(&["fetch", "NOSUCH"]);
    assert_eq!(identity(&sandbox)[5], 5, "one that is remembered too");
    sandbox.run(&["fetch", "NEVER", "--offline"]);
    assert_eq!(identity(&sandbox)[5], 6, "one that nobody was asked about too");
    at(&sandbox, LATER, &["fetch", "MSFT", "--offline"]);
    assert_eq!(identity(&sandbox)[4], 1, "a stale hit");
    sandbox.run(&["warm", "IBM"]);
    sandbox.run(&["put", "a", "1"]);
    sandbox.run(&["clear", "--all"]);
    assert_eq!(identity(&sandbox)[0], 11, "what is warmed, put and cleared is no request");
    assert_eq!(upstream.count(), 5);
    let stats = sandbox.json(&["stats"]);
    assert_eq!(stats["upstream_calls"], 5);
    assert_eq!(stats["errors"]["not_found"], 2);
    assert_eq!(stats["errors"]["offline"], 1);
}

#[test]
fn a_key_that_cools_down_waits_for_nobody() {
    let upstream = Upstream::saying(501, "text/plain", "no");
    let sandbox = Sandbox::new();
    let sandbox = ["yahoo", "binance"]
        .into_iter()
        .fold(sandbox, |sandbox, name| sandbox.with_provider(name, upstream.url()))
        .env("MCACHE_CHAINS__CRYPTO", "[binance]");
    // The second is given what comes of the first.
    assert_eq!(sandbox.run(&["fetch", "MSFT", "MSFT"]).code, Some(1));
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["misses"], &stats["coalesced"]), (&2.into(), &1.into()), "{stats}");
    // Other processes have failed with these a moment ago, so often that they cool down for long.
    let (ledger, now) = (Ledger::at(Some(&sandbox.cache())), Clock::system().reading());
    let error = Error::new(Kind::Upstream, "no");
    let outcome = Outcome {
        provider: "another",
        started: now.wall,
        said: Said::Nothing,
        used: None,
        keys: &[
            "quote:stock:AAPL@yahoo",
            "quote:crypto:BTC@binance",
            "quote:crypto:ETH@binance",
            "quote:crypto:SOL@binance",
        ],
        failed: Some(&error),
    };
    for _ in 0..6 {
        ledger.settle(&outcome, &now);
    }
    for symbols in [&["AAPL", "AAPL"][..], &["BTC", "ETH", "SOL"]] {
        let run = sandbox.run(&[&["fetch"], symbols].concat());
        run.fails(1, &["it failed a moment ago and is not asked again"]);
    }
    assert_eq!(upstream.count(), 1);
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["misses"], &stats["coalesced"]), (&7.into(), &1.into()), "{stats}");
    assert_eq!((&stats["errors"]["upstream"], &stats["calls_saved"]), (&6.into(), &1.into()));
}

#[test]
fn a_remembered_absence_saves_the_calls_of_those_who_ask_again() {
    let (upstream, sandbox) = speaking();
    for _ in 0..3 {
        assert_eq!(sandbox.run(&["fetch", "NOSUCH"]).code, Some(1));
    }
    assert_eq!(upstream.count(), 1);
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["requests"], &stats["calls_saved"]), (&3.into(), &2.into()), "{stats}");
}

#[test]
fn what_put_wrote_is_counted_when_it_is_read() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a:b", "1"]);
    sandbox.run(&["get", "a:b"]);
    sandbox.run(&["get", "a:c"]);
    assert_eq!(identity(&sandbox), [2, 0, 1, 0, 0, 1]);
    assert_eq!(sandbox.json(&["stats"])["calls_saved"], 0, "no upstream was spared");
}

#[test]
fn calls_and_money_saved_are_what_was_not_called() {
    let (_upstream, sandbox) = speaking();
    sandbox.config("providers:\n  yahoo: {cost_per_call: 0.002}\n");
    for _ in 0..4 {
        sandbox.run(&["fetch", "AAPL", "MSFT"]);
    }
    let stats = sandbox.json(&["stats"]);
    assert_eq!(stats["calls_saved"], 6);
    assert_eq!(stats["hit_rate"], 0.75);
    assert_eq!(stats["cost"], serde_json::json!({"spent": 0.004, "saved": 0.012}));
    assert_eq!(stats["providers"]["yahoo"]["calls"], 2);
    let endpoint = &stats["providers"]["yahoo"]["endpoints"]["quote"];
    assert_eq!(
        *endpoint,
        serde_json::json!({"hits": 6, "misses": 2, "calls": 2, "errors": 0, "blocks": 0})
    );
}

#[test]
fn errors_are_counted_by_kind() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.with_provider("fred", &nobody()).env("MCACHE_CHAINS__MACRO", "[fred]");
    sandbox.run(&["fetch", "NOSUCH"]);
    sandbox.run(&["fetch", "GDP"]);
    sandbox.run(&["fetch", "AAPL", "-t", "series"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    sandbox.run(&["fetch", "IBM"]);
    let stats = sandbox.json(&["stats"]);
    let kinds = stats["errors"].as_object().unwrap();
    assert_eq!(kinds.len(), 8, "all kinds are there, those that never happened too");
    for (kind, count) in [
        ("not_found", 1),
        ("unauthorized", 1),
        ("unsupported", 1),
        ("unreachable", 1),
        ("upstream", 0),
    ] {
        assert_eq!(kinds[kind], count, "{kind}: {stats}");
    }
}

#[test]
fn a_limit_that_held_a_request_back_is_counted() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&[
        "fetch",
        "AAPL",
        "MSFT",
        "--max-wait",
        "0",
        "--set",
        "providers.yahoo.limits=[1/1m]",
    ]);
    let stats = sandbox.json(&["stats"]);
    assert_eq!(stats["rate_limit_blocks"], 1);
    assert_eq!(stats["errors"]["rate_limited"], 1);
}

#[test]
fn what_is_held_is_counted_by_state_and_type() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    sandbox.run(&["put", "system_config:paper", "true"]);
    json_at(&sandbox, LATER, &["fetch", "AAPL"]);
    let stats = json_at(&sandbox, LATER, &["stats"]);
    assert_eq!(
        stats["entries"],
        serde_json::json!({"total": 3, "fresh": 2, "stale": 1, "gone": 0})
    );
    assert_eq!(stats["types"], serde_json::json!({"quote": 2, "system_config": 1}));
    assert_eq!(stats["monitored_symbols"], 2);
    assert!(stats["bytes"]["disk"].as_u64() > stats["bytes"]["payload"].as_u64(), "{stats}");
    let gone = json_at(&sandbox, "2026-07-20T00:00:00Z", &["stats"]);
    assert_eq!(gone["entries"]["gone"], 2);
}

#[test]
fn the_age_of_answers_is_counted_and_how_many_were_past_their_time() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    let (soon, later) = (when_aged(&sandbox, 10), when_aged(&sandbox, 40));
    at(&sandbox, &soon, &["fetch", "AAPL"]);
    at(&sandbox, &later, &["fetch", "AAPL", "--offline"]);
    let ages = &sandbox.json(&["stats"])["age_at_serve"];
    assert_eq!(ages["p50_s"], 10);
    // The end of the bucket that forty seconds fall into.
    assert_eq!(ages["p99_s"], 43);
    assert_eq!(ages["past_ttl"], 1);
}

#[test]
fn a_row_of_each_dimension_counts_the_same_requests() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL", "MSFT", "--caller", "desk"]);
    sandbox.run(&["fetch", "AAPL", "--caller", "desk"]);
    sandbox.run(&["fetch", "GDP", "-p", "demo"]);
    let names = |by: &str| {
        let rows = sandbox.json(&["stats", "--by", by]);
        let rows = rows.as_array().unwrap().clone();
        assert_eq!(
            rows.iter().map(|row| row["requests"].as_i64().unwrap()).sum::<i64>(),
            4,
            "{by}"
        );
        assert_eq!(
            rows.iter().map(|row| row["upstream_calls"].as_i64().unwrap()).sum::<i64>(),
            3,
            "{by}"
        );
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("symbol"), ["AAPL", "GDP", "MSFT"]);
    assert_eq!(names("key"), ["quote:stock:AAPL", "quote:stock:MSFT", "series:macro:GDP"]);
    assert_eq!(names("type"), ["quote", "series"]);
    assert_eq!(names("provider"), ["yahoo", "demo"]);
    assert_eq!(names("caller"), ["desk", "cli"]);
    assert_eq!(names("hour").len(), 1);
    let top = sandbox.json(&["stats", "--by", "symbol", "--top", "1"]);
    insta::assert_snapshot!(top, @r#"[{"errors":0,"hit_rate":0.5,"hits":1,"misses":1,"name":"AAPL","requests":2,"upstream_calls":1}]"#);
    let csv = sandbox.run(&["stats", "--by", "symbol", "-f", "csv"]);
    insta::assert_snapshot!(csv.shown(), @r"
    name,requests,hits,misses,hit_rate,upstream_calls,errors
    AAPL,2,1,1,0.5,1,0
    GDP,1,0,1,0.0,1,0
    MSFT,1,0,1,0.0,1,0
    exit 0
    ");
    let table = sandbox.run(&["stats", "--by", "symbol"]);
    insta::assert_snapshot!(table.shown(), @r"
    NAME  REQUESTS  HITS  MISSES  HIT RATE  CALLS  ERRORS
    AAPL         2     1       1    50.0 %      1       0
    GDP          1     0       1     0.0 %      1       0
    MSFT         1     0       1     0.0 %      1       0
    exit 0
    ");
    sandbox
        .run(&["stats", "--by", "colour"])
        .fails(2, &["symbol, key, type, hour, provider, caller"]);
    sandbox.run(&["stats", "--top", "3"]).fails(2, &["--by"]);
}

#[test]
fn since_counts_from_the_start_of_a_day() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.in_real_time();
    sandbox.run(&["fetch", "AAPL"]);
    for (since, requests) in
        [("1h", 1), ("7d", 1), ("2020-01-01", 1), ("2020-01-01T00:00:00Z", 1), ("2999-01-01", 0)]
    {
        assert_eq!(sandbox.json(&["stats", "--since", since])["requests"], requests, "{since}");
    }
    sandbox
        .run(&["stats", "--since", "yesterday"])
        .fails(2, &["neither a time nor a duration", "hint: write 7d"]);
}

#[test]
fn a_reset_forgets_the_counters_and_keeps_the_entries() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    sandbox.run(&["fetch", "AAPL"]);
    let run = sandbox.run(&["stats", "--reset"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    let stats = sandbox.json(&["stats"]);
    assert_eq!(stats["requests"], 0);
    assert_eq!(stats["upstream_calls"], 0);
    assert_eq!(stats["entries"]["total"], 1);
    assert_eq!(sandbox.json(&["keys"])[0]["hits"], 0);
    assert_eq!(sandbox.json(&["fetch", "AAPL"])[0]["cache"]["status"], "hit");
    assert_eq!(sandbox.json(&["stats"])["hits"]["disk"], 1);
}

#[test]
fn a_full_cache_makes_room_and_counts_what_it_dropped() {
    // What is dropped goes by real time, whatever the program's clock says.
    let sandbox = Sandbox::new().in_real_time();
    let value = |n: u64| {
        // Digits without a pattern, which no compression makes small.
        let mut state = n + 1;
        let mut words = Vec::new();
        while words.len() < 2500 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            words.push(format!("{state:016x}"));
        }
        words.concat()
    };
    let small = ["--set", "cache.disk.max_size_gb=0.001"];
    for batch in 0..6 {
        let lines: Vec<String> = (0..10)
            .map(|n| {
                format!("{{\"key\":\"big:{batch}:{n}\",\"value\":\"{}\"}}", value(batch * 10 + n))
            })
            .collect();
        let arguments = [&["put", "--ndjson", "-"], &small[..]].concat();
        let run = sandbox.run_with_input(&arguments, lines.join("\n"));
        assert_eq!(run.code, Some(0), "{run:?}");
    }
    let stats = sandbox.run(&["stats", "-f", "json"]).json();
    let (evictions, held) = (&stats["evictions"], stats["entries"]["total"].as_i64().unwrap());
    assert_eq!(evictions.as_i64().unwrap() + held, 60, "{stats}");
    assert!(held > 35 && held < 48, "{stats}");
    assert!(stats["bytes"]["disk"].as_u64().unwrap() < 1_600_000, "{stats}");
    // The newest are there.
    assert_eq!(sandbox.run(&["get", "big:5:9"]).code, Some(0));
    assert_eq!(sandbox.run(&["get", "big:0:0"]).code, Some(1));
}

#[test]
fn the_table_for_people_has_the_seeds_names() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    let table = sandbox.run(&["stats"]);
    for name in [
        "Total entries",
        "Active entries",
        "Expired entries",
        "Cache size",
        "TTL",
        "Hit rate",
        "API calls saved",
        "Rate-limit blocks",
        "Monitored symbols",
    ] {
        assert!(
            table.stdout.lines().any(|line| line.starts_with(name)),
            "{name}: {}",
            table.stdout
        );
    }
}

#[test]
fn every_line_for_a_scraper_is_a_comment_or_a_sample() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL", "NOSUCH"]);
    sandbox.run(&["fetch", "AAPL"]);
    let run = sandbox.run(&["stats", "-f", "prometheus"]);
    let mut samples = 0;
    for line in run.stdout.lines() {
        if line.starts_with("# HELP mcache_")
            || line.starts_with("# TYPE mcache_")
            || line == "# EOF"
        {
            continue;
        }
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let (name, labels) =
            name.split_once('{').map_or((name, ""), |(n, l)| (n, l.strip_suffix('}').unwrap()));
        assert!(
            name.starts_with("mcache_") && name.chars().all(|c| c.is_ascii_lowercase() || c == '_'),
            "{line}"
        );
        assert!(
            labels.is_empty() || labels.split(',').all(|l| l.contains("=\"") && l.ends_with('"')),
            "{line}"
        );
        samples += 1;
    }
    assert!(samples > 30, "{}", run.stdout);
    assert!(run.stdout.contains("mcache_hits_total{tier=\"disk\"} 1"), "{}", run.stdout);
    assert!(run.stdout.ends_with("# EOF\n"));
}

#[test]
fn a_machine_without_a_cache_has_statistics_of_nothing() {
    let sandbox = Sandbox::new();
    let stats = sandbox.json(&["stats"]);
    assert_eq!(stats["requests"], 0);
    assert_eq!(stats["hit_rate"], 0.0);
    assert!(!sandbox.cache().exists(), "looking creates nothing");
    assert_eq!(sandbox.json(&["stats", "--by", "symbol"]), serde_json::json!([]));
}

#[test]
fn verify_and_repair_say_what_they_found_and_did() {
    let sandbox = Sandbox::new();
    for key in ["a", "b", "c"] {
        assert_eq!(sandbox.run(&["put", key, "1"]).code, Some(0));
    }
    let shown = |task: &str| {
        let folder = sandbox.cache().display().to_string();
        let lines = sandbox.run(&["stats", task]).shown();
        // The folder is as long as it is, and all that stands to the right goes by it.
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        lines.replace(&folder, "FOLDER").lines().map(words).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(shown("--verify"), @r"
    Cache folder FOLDER
    Database ok
    Ledger of limits absent
    Sound entries 3
    Damaged entries 0
    Files set aside 0
    exit 0
    ");
    sandbox.sql("UPDATE entry SET body = x'32' WHERE key = 'b'");
    insta::assert_snapshot!(shown("--verify"), @r"
    Cache folder FOLDER
    Database ok
    Ledger of limits absent
    Sound entries 2
    Damaged entries 1
    Files set aside 0
    DAMAGED PROVIDER ROW
    b put 6294355645245719600
    ! error: 1 entry is damaged
    ! hint: `mcache stats --repair` sets aside what is bad and keeps the rest
    exit 1
    ");
    insta::assert_snapshot!(shown("--repair"), @r"
    Cache folder FOLDER
    Database ok
    Ledger of limits absent
    Sound entries 2
    Damaged entries 0
    Kept 2
    Salvaged 0
    Brought back 0
    Set aside now 1
    Files set aside 1
    SET ASIDE
    cache.db.damaged-entry-575a0b1c44d88430-fb95a7322f5da314
    exit 0
    ");
    let report = sandbox.json(&["stats", "--repair"]);
    for (field, value) in [
        ("database", serde_json::json!("ok")),
        ("entries", 2.into()),
        ("kept", 2.into()),
        ("salvaged", 0.into()),
        ("brought_back", 0.into()),
        ("set_aside", serde_json::json!([])),
        ("damaged", serde_json::json!([])),
    ] {
        assert_eq!(report[field], value, "{field}: {report}");
    }
}

#[test]
fn verify_and_repair_exclude_each_other_and_all_that_counts() {
    let sandbox = Sandbox::new();
    for task in ["--verify", "--repair"] {
        for other in [&["--reset"][..], &["--since", "7d"], &["--by", "key"]] {
            sandbox
                .run(&[&["stats", task], other].concat())
                .fails(2, &[task, "cannot be used with"]);
        }
        for format in ["csv", "ndjson", "prometheus"] {
            sandbox.run(&["stats", task, "-f", format]).fails(2, &["table, json"]);
        }
    }
    sandbox.run(&["stats", "--verify", "--repair"]).fails(2, &["cannot be used with"]);
    assert!(!sandbox.cache().exists());
}

#[test]
fn verify_and_repair_look_at_the_ledger_too() {
    let sandbox = Sandbox::new();
    let fetch = ["fetch", "AAPL", "-p", "demo", "--set", "providers.demo.limits=[9/1m]"];
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    assert_eq!(sandbox.json(&["stats", "--verify"])["ledger"], "ok");
    assert_eq!(sandbox.run(&["limits", "yahoo", "--pause", "12h"]).code, Some(0));
    let ledger = sandbox.cache().join("ledger.db");
    // The page of a table that has nothing to do with the pause.
    let root: u32 = rusqlite::Connection::open(&ledger)
        .unwrap()
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'cooling'", [], |r| r.get(0))
        .unwrap();
    let mut bytes = std::fs::read(&ledger).unwrap();
    let root = usize::try_from(root).unwrap();
    bytes[(root - 1) * 4096..root * 4096].fill(0x5a);
    std::fs::write(&ledger, bytes).unwrap();
    let run = sandbox.run(&["stats", "--verify", "-f", "json"]);
    run.fails(1, &["the ledger is damaged", "mcache stats --repair"]);
    assert!(run.stdout.contains(r#""ledger": "damaged""#), "{run:?}");
    let report = sandbox.json(&["stats", "--repair"]);
    assert_eq!(report["ledger"], "ok", "{report}");
    assert!(report["set_aside"][0].as_str().unwrap().starts_with("ledger.db.damaged-"), "{report}");
    let paused = sandbox.run(&["limits", "yahoo", "--check", "-f", "json"]);
    assert_eq!(paused.code, Some(1), "a pause that is forgotten is a ban");
    let limits = ["limits", "demo", "--set", "providers.demo.limits=[9/1m]"];
    assert_eq!(sandbox.json(&limits)[0]["limits"][0]["used"], 1);
    let again = [&fetch[..], &["--refresh"]].concat();
    assert_eq!(sandbox.run(&again).stderr, "");
}
