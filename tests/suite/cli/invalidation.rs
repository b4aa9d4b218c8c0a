//! What expires what: a price that moves, a volume that swells, a key that is put, a word of the
//! user's; what becomes of it, and what is counted.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{LATER, SOON, at, json_at, yahoo};
use crate::sandbox::{Run, Sandbox, Upstream, finished, reply};

/// A day after a sandbox starts.
const TOMORROW: &str = "2026-07-02T15:00:00Z";

/// An upstream that says these of every symbol, each once and the last for ever: a price, and a
/// volume or nothing.
fn quoting(said: &'static [(&'static str, &'static str)]) -> Upstream {
    let next = AtomicUsize::new(0);
    Upstream::start(move |incoming| {
        let symbol = incoming.path.split(['/', '?']).nth(4).unwrap_or_default();
        let at = next.fetch_add(1, Ordering::SeqCst).min(said.len() - 1);
        let (price, volume) = said[at];
        let more = match volume {
            "" => String::new(),
            volume => format!(r#","regularMarketVolume":{volume}"#),
        };
        reply(200, "application/json", yahoo(symbol, price, &more).as_bytes())
    })
}

/// A machine that has asked `AAPL` once, with predictions of it and of another.
fn predicting(upstream: &Upstream) -> Sandbox {
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    for key in ["prediction:stock:AAPL", "prediction:stock:AAPL:1h", "prediction:stock:NVDA"] {
        put(&sandbox, &[key, "0.7", "--ttl", "2d"]);
    }
    put(&sandbox, &["market:all", "up", "--ttl", "2d"]);
    sandbox
}

fn put(sandbox: &Sandbox, arguments: &[&str]) {
    done(&sandbox.run(&[&["put"], arguments].concat()));
}

fn done(run: &Run) {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

/// State and reason of an entry at a time.
fn state(sandbox: &Sandbox, now: &str, key: &str) -> (String, Option<String>) {
    let listed = &json_at(sandbox, now, &["keys", key])[0];
    let reason = listed["reason"].as_str().map(str::to_owned);
    (listed["state"].as_str().unwrap().to_owned(), reason)
}

fn fresh() -> (String, Option<String>) {
    ("fresh".to_owned(), None)
}

fn expired(why: &str) -> (String, Option<String>) {
    ("stale".to_owned(), Some(why.to_owned()))
}

#[test]
fn a_price_that_moves_expires_what_depends_on_its_symbol() {
    let upstream = quoting(&[("100", ""), ("102.1", "")]);
    let sandbox = predicting(&upstream);
    assert_eq!(state(&sandbox, SOON, "prediction:stock:AAPL"), fresh());
    done(&at(&sandbox, SOON, &["fetch", "AAPL", "--refresh"]));
    for key in ["prediction:stock:AAPL", "prediction:stock:AAPL:1h", "market:all"] {
        assert_eq!(state(&sandbox, LATER, key), expired("price_move"), "{key}");
    }
    assert_eq!(state(&sandbox, LATER, "prediction:stock:NVDA"), fresh());
    assert_eq!(state(&sandbox, SOON, "quote:stock:AAPL"), fresh(), "nor the quote itself");
    // It answers no more, but it is still there.
    assert_eq!(at(&sandbox, LATER, &["get", "prediction:stock:AAPL"]).code, Some(1));
    let run = at(&sandbox, LATER, &["get", "prediction:stock:AAPL", "--stale"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "0.7"));
    let csv = at(&sandbox, LATER, &["keys", "market:*", "-f", "csv"]).stdout;
    assert!(csv.lines().nth(1).unwrap().ends_with(",price_move"), "{csv}");
    let table = at(&sandbox, LATER, &["keys", "market:*"]).stdout;
    assert!(table.contains("price_move"), "{table}");
    // A newer value is fresh again.
    done(&at(&sandbox, LATER, &["put", "prediction:stock:AAPL", "0.8", "--ttl", "1h"]));
    assert_eq!(state(&sandbox, LATER, "prediction:stock:AAPL"), fresh());
    assert_eq!(at(&sandbox, LATER, &["get", "prediction:stock:AAPL"]).stdout, "0.8");
}

#[test]
fn what_moves_no_further_than_the_threshold_expires_nothing() {
    for (said, set, why) in [
        (&[("50.00", ""), ("51.00", "")] as &[_], "", None),
        (&[("50.00", ""), ("51.01", "")], "", Some("price_move")),
        (&[("100", "1000"), ("100", "1500")], "", None),
        (&[("100", "1000"), ("100", "1510")], "", Some("volume_change")),
        (&[("100", "1000"), ("100", "490")], "", Some("volume_change")),
        (&[("100", "0"), ("100", "490")], "", None),
        (&[("100", ""), ("103", "")], "invalidation.price_move=3%", None),
        (&[("100", ""), ("103", "")], "invalidation.price_move.stock=3%", None),
        (&[("100", ""), ("103", "")], "invalidation.price_move.crypto=3%", Some("price_move")),
        (&[("100", ""), ("103", "")], "invalidation.price_move=~", None),
        (&[("100", ""), ("103", "")], "invalidation.expire=[]", None),
        (
            &[("100", ""), ("103", "")],
            "invalidation.expire=prediction:{class}:{symbol}@put",
            Some("price_move"),
        ),
        (
            &[("100", ""), ("103", "")],
            "invalidation.expire=prediction:{symbol}",
            Some("price_move"),
        ),
        (&[("100", ""), ("103", "")], "invalidation.expire=*@yahoo", None),
    ] {
        let upstream = quoting(said);
        let sandbox = predicting(&upstream);
        let mut fetch = vec!["fetch", "AAPL", "--refresh"];
        if !set.is_empty() {
            fetch.extend(["--set", set]);
        }
        done(&at(&sandbox, SOON, &fetch));
        let expected = why.map_or_else(fresh, expired);
        assert_eq!(state(&sandbox, LATER, "prediction:stock:AAPL"), expected, "{said:?} {set}");
    }
}

#[test]
fn a_new_session_begins_with_no_volume() {
    let upstream = quoting(&[("100", "1000"), ("100", "10")]);
    let sandbox = predicting(&upstream);
    done(&at(&sandbox, TOMORROW, &["fetch", "AAPL"]));
    assert_eq!(state(&sandbox, TOMORROW, "prediction:stock:AAPL"), fresh());
}

#[test]
fn other_providers_and_what_came_with_it_stay_fresh() {
    let upstream = quoting(&[("100", ""), ("100", ""), ("100", ""), ("200", "")]);
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_INVALIDATION__EXPIRE", "quote:*");
    sandbox
        .config(&format!("providers: {{mirror: {{kind: yahoo, base_url: {}}}}}", upstream.url()));
    for arguments in [&["fetch", "AAPL"][..], &["fetch", "AAPL", "-p", "mirror"], &["fetch", "IBM"]]
    {
        done(&sandbox.run(arguments));
    }
    done(&at(&sandbox, SOON, &["fetch", "AAPL", "MSFT", "--refresh"]));
    for (key, expected) in [
        ("quote:stock:AAPL@yahoo", fresh()),
        ("quote:stock:AAPL@mirror", fresh()),
        ("quote:stock:MSFT", fresh()),
        ("quote:stock:IBM", expired("price_move")),
    ] {
        assert_eq!(state(&sandbox, "2026-07-01T15:00:20Z", key), expected, "{key}");
    }
}

#[test]
fn an_expired_quote_still_answers_when_nobody_else_does() {
    let upstream = quoting(&[("100", ""), ("200", "")]);
    let sandbox = predicting(&upstream);
    done(&at(&sandbox, SOON, &["put", "news:AAPL", "1", "--tag", "quote:stock:AAPL"]));
    let soon = "2026-07-01T15:00:20Z";
    assert_eq!(state(&sandbox, soon, "quote:stock:AAPL"), expired("rule"));
    let run = at(&sandbox, soon, &["fetch", "AAPL", "--offline", "--explain", "-f", "json"]);
    assert!(run.stderr.contains("warning: "), "{run:?}");
    let answer = &run.json()[0];
    assert_eq!((&answer["price"], &answer["cache"]["status"]), (&100.into(), &"stale".into()));
    let why = answer["cache"]["why"].as_array().unwrap().last().unwrap().to_string();
    assert!(why.contains("event rule") && why.contains("2026-07-01T15:00:10"), "{why}");
    // Whoever may ask does, and what comes is fresh.
    let asked = json_at(&sandbox, soon, &["fetch", "AAPL"])[0].clone();
    assert_eq!((&asked["price"], &asked["cache"]["status"]), (&200.into(), &"miss".into()));
    assert_eq!(json_at(&sandbox, soon, &["fetch", "AAPL"])[0]["cache"]["status"], "hit");
}

#[test]
fn a_put_expires_what_its_rule_names() {
    let sandbox = Sandbox::new();
    put(&sandbox, &["all_of_it", "1", "--ttl", "2d", "--tag", "system_config"]);
    for key in ["system_config", "trading_pairs", "pair_strategies:ETH/USDT", "pair_strategies:BTC"]
    {
        put(&sandbox, &[key, "1", "--ttl", "2d"]);
    }
    let stale = || -> Vec<String> {
        let keys = json_at(&sandbox, LATER, &["keys"]);
        let of = |listed: &serde_json::Value| {
            (listed["reason"] == "rule").then(|| listed["key"].as_str().unwrap().to_owned())
        };
        keys.as_array().unwrap().iter().filter_map(of).collect()
    };
    done(&at(&sandbox, SOON, &["put", "strategy_config:ETH/USDT:momentum", "1", "--ttl", "2d"]));
    assert_eq!(stale(), ["pair_strategies:ETH/USDT"]);
    done(&at(&sandbox, SOON, &["put", "system_config:paper_trading", "1", "--ttl", "2d"]));
    assert_eq!(stale(), ["all_of_it", "pair_strategies:ETH/USDT", "system_config"]);
    done(&at(&sandbox, SOON, &["put", "x", "1", "--ttl", "2d", "--tag", "pair_config:BTC"]));
    assert!(stale().contains(&"trading_pairs".to_owned()));
    // What is expired is no put: nothing follows from it.
    done(&at(&sandbox, SOON, &["put", "pair_config:BTC", "1", "--ttl", "2d"]));
    done(&at(&sandbox, SOON, &["put", "trading_pairs", "1", "--ttl", "2d"]));
    done(&at(&sandbox, SOON, &["put", "pair_risk:BTC", "1", "--ttl", "2d"]));
    assert!(stale().contains(&"pair_config:BTC".to_owned()));
    assert!(!stale().contains(&"trading_pairs".to_owned()), "no cascade");
}

#[test]
fn a_tag_expires_the_key_of_its_name_and_no_other() {
    let sandbox = Sandbox::new();
    put(&sandbox, &["group", "1", "--ttl", "2d"]);
    put(&sandbox, &["group:a", "1", "--ttl", "2d"]);
    put(&sandbox, &["member", "1", "--ttl", "2d", "--tag", "group"]);
    done(&at(&sandbox, SOON, &["put", "second", "1", "--ttl", "2d", "--tag", "group"]));
    assert_eq!(state(&sandbox, LATER, "group"), expired("rule"));
    for key in ["group:a", "member", "second"] {
        assert_eq!(state(&sandbox, LATER, key), fresh(), "{key}");
    }
    // A key is not expired by its own put, and a tag is no pattern.
    done(&at(&sandbox, LATER, &["put", "group", "2", "--ttl", "2d", "--tag", "group"]));
    done(&at(&sandbox, LATER, &["put", "third", "1", "--tag", "*", "--tag", "two words"]));
    for key in ["group", "group:a", "member", "second"] {
        assert_eq!(state(&sandbox, TOMORROW, key), fresh(), "{key}");
    }
}

#[test]
fn what_is_expired_twice_keeps_its_reason_and_is_counted_once() {
    let sandbox = Sandbox::new();
    put(&sandbox, &["a", "1", "--ttl", "2d"]);
    for now in [SOON, LATER] {
        done(&at(&sandbox, now, &["put", "c", "1", "--tag", "a", "--ttl", "2d"]));
        assert_eq!(state(&sandbox, LATER, "a"), expired("rule"));
    }
    assert_eq!(sandbox.json(&["stats"])["invalidations"], serde_json::json!({"rule": 1}));
}

#[test]
fn many_puts_expire_in_one_step_and_not_each_other() {
    let sandbox = Sandbox::new();
    put(&sandbox, &["pair_strategies:A", "1", "--ttl", "2d"]);
    put(&sandbox, &["pair_strategies:B", "1", "--ttl", "2d"]);
    let lines = "{\"key\":\"strategy_config:A:x\",\"value\":1}\n{\"key\":\"strategy_config:B:x\",\"value\":1}\n{\"key\":\"pair_strategies:B\",\"value\":2}\n";
    let file = sandbox.file("lines", lines);
    done(&at(&sandbox, SOON, &["put", "--ndjson", file.to_str().unwrap()]));
    assert_eq!(state(&sandbox, LATER, "pair_strategies:A"), expired("rule"));
    assert_eq!(state(&sandbox, LATER, "pair_strategies:B"), fresh());
    // One bad line, and nothing has happened.
    put(&sandbox, &["pair_strategies:C", "1", "--ttl", "2d"]);
    let file = sandbox.file("lines", "{\"key\":\"strategy_config:C:x\",\"value\":1}\n{}\n");
    assert_eq!(at(&sandbox, SOON, &["put", "--ndjson", file.to_str().unwrap()]).code, Some(2));
    assert_eq!(state(&sandbox, LATER, "pair_strategies:C"), fresh());
}

#[test]
fn rules_are_what_the_configuration_says_and_a_list_replaces_a_list() {
    let sandbox = Sandbox::new();
    sandbox.config(
        "rules:\n\
         - when: \"{kind}:{name}:*\"\n  expire: [\"all:{kind}:*\", \"name:{name}\"]\n\
         profiles: {quiet: {rules: []}}\n",
    );
    for key in ["all:a:1", "all:b:1", "name:b", "system_config"] {
        put(&sandbox, &[key, "1", "--ttl", "2d"]);
    }
    done(&at(&sandbox, SOON, &["put", "a:b:c", "1", "--profile", "quiet"]));
    assert_eq!(state(&sandbox, LATER, "name:b"), fresh());
    done(&at(&sandbox, SOON, &["put", "a:b:c", "1"]));
    done(&at(&sandbox, SOON, &["put", "system_config:x", "1"]));
    for (key, expected) in [
        ("all:a:1", expired("rule")),
        ("all:b:1", fresh()),
        ("name:b", expired("rule")),
        ("system_config", fresh()),
    ] {
        assert_eq!(state(&sandbox, LATER, key), expected, "{key}");
    }
    let shown = sandbox.run(&["config", "show", "rules", "-f", "json"]).stdout;
    assert!(shown.contains("all:{kind}:*") && shown.contains("config.yaml"), "{shown}");
    let set = "rules=[{when: \"x:*\", expire: [name:b, all:*]}]";
    done(&at(&sandbox, SOON, &["put", "x:1", "1", "--set", set]));
    assert_eq!(state(&sandbox, LATER, "all:b:1"), expired("rule"));
    let value = "[{when: \"x:*\", expire: [y]}]";
    let run = sandbox.run(&["config", "show", "rules", "--set", &format!("rules={value}")]);
    assert!(run.stdout.contains(r#"[{"when":"x:*","expire":["y"]}]"#), "{run:?}");
}

#[test]
fn a_rule_that_makes_no_sense_is_a_mistake_with_its_place() {
    let sandbox = Sandbox::new();
    for (text, place, says) in [
        (
            "rules:\n- {when: a, expire: [b]}\n- {whem: a}\n",
            "config.yaml:3:4",
            "did you mean `rules.[].when`?",
        ),
        (
            "rules:\n- when: a\n  expire: b\n",
            "config.yaml:3:11",
            "`rules.[].expire` is a single value, not a list",
        ),
        ("rules:\n- when: \"a:{b\"\n", "config.yaml:2:9", "a brace without an end"),
        ("rules:\n- when: a:x{b}\n  expire: [c]\n", "config.yaml:2:9", "{b} is no whole segment"),
        (
            "rules:\n- {when: \"a:{b}\", expire: [c, \"d:{e}\"]}\n",
            "config.yaml:2:",
            "`{e}` stands in `expire` and not in `when`",
        ),
        ("rules:\n- {when: \"a:{b}\"}\n", "config.yaml:2:", "a rule has no `expire`"),
        ("rules: {when: a}\n", "config.yaml:1:8", "`rules` is a map, not a list of rules"),
        ("rules: [a]\n", "config.yaml:1:9", "`a` is not a map of when and expire"),
        ("rules: [[a]]\n", "config.yaml:1:9", "`rules` holds a list"),
        ("rules: {\"[]\": {when: a}}\n", "config.yaml:1:", "`rules` is a map"),
        ("watchlists: {a: [{b: c}]}\n", "config.yaml:1:18", "`watchlists.a` holds a map"),
        ("profiles: {p: {rules: [{when: \"{\"}]}}\n", "config.yaml:1:", "a brace without an end"),
        ("invalidation: {price_move: 2}\n", "config.yaml:1:28", "`2` is not a share"),
        (
            "invalidation: {expire: [\"a:{name}\"]}\n",
            "config.yaml:1:25",
            "`{name}` is not known here",
        ),
        (
            "invalidation: {price_moves: 2%}\n",
            "config.yaml:1:16",
            "did you mean `invalidation.price_move`?",
        ),
    ] {
        sandbox.config(text);
        sandbox.run(&["get", "a"]).fails(2, &[place, says]);
    }
    sandbox.config("");
    for (set, says) in [
        ("rules.[].when=a", "unknown key"),
        ("rules=a", "`rules` is a single value, not a list of rules"),
        ("rules=[{when: a}]", "a rule has no `expire`"),
        ("rules=[]\nstale_if_error: 5", "is not a list"),
    ] {
        sandbox.run(&["get", "a", "--set", set]).fails(2, &[says]);
    }
}

#[test]
fn what_was_expired_or_cleared_is_counted_by_reason() {
    let upstream = quoting(&[("100", ""), ("200", ""), ("300", "")]);
    let sandbox = predicting(&upstream);
    assert_eq!(sandbox.json(&["stats"])["invalidations"], serde_json::json!({}));
    assert!(!sandbox.run(&["stats"]).stdout.contains("Invalidations"));
    done(&at(&sandbox, SOON, &["fetch", "AAPL", "--refresh"]));
    let count = |since: &str| {
        json_at(&sandbox, TOMORROW, &["stats", "--since", since])["invalidations"].clone()
    };
    assert_eq!(count("7d"), serde_json::json!({"price_move": 3}));
    // What is expired already is not expired again.
    done(&at(&sandbox, LATER, &["fetch", "AAPL"]));
    assert_eq!(count("7d"), serde_json::json!({"price_move": 3}));
    let clear = ["clear", "prediction:*", "--reason", "news"];
    done(&at(&sandbox, LATER, &[&clear[..], &["--dry-run"]].concat()));
    assert_eq!(count("7d"), serde_json::json!({"price_move": 3}));
    done(&at(&sandbox, LATER, &clear));
    done(&at(&sandbox, LATER, &["clear", "market:*"]));
    let both = serde_json::json!({"news": 3, "price_move": 3});
    assert_eq!(count("7d"), both);
    assert_eq!(count("2026-07-02"), serde_json::json!({}));
    let table = sandbox.run(&["stats"]).stdout;
    assert!(table.contains("3 news, 3 price_move"), "{table}");
    let metrics = sandbox.run(&["stats", "-f", "prometheus"]).stdout;
    assert!(metrics.contains("mcache_invalidations_total{reason=\"news\"} 3\n"), "{metrics}");
    done(&sandbox.run(&["stats", "--reset"]));
    assert_eq!(count("7d"), serde_json::json!({}));
    for word in ["", "two words", "é", &"a".repeat(33)] {
        sandbox.run(&["clear", "--all", "--reason", word]).fails(2, &["--reason"]);
    }
}

#[test]
fn a_mark_that_is_not_what_was_written_is_as_if_there_were_none() {
    for damage in [
        "UPDATE mark SET expired_at_ms = expired_at_ms - 1",
        "UPDATE mark SET sum = sum + 1",
        "UPDATE mark SET sum = 'x'",
        "UPDATE mark SET why = 'news'",
        "UPDATE mark SET why = x'ff'",
        "UPDATE mark SET expired_at_ms = 1.5",
        "UPDATE mark SET id = (SELECT id FROM entry WHERE key = 'b')",
        "DELETE FROM mark",
        "DROP TABLE mark",
    ] {
        let sandbox = Sandbox::new();
        put(&sandbox, &["a", "1", "--ttl", "2d"]);
        put(&sandbox, &["b", "1", "--ttl", "2d"]);
        done(&at(&sandbox, SOON, &["put", "c", "1", "--tag", "a", "--ttl", "2d"]));
        assert_eq!(state(&sandbox, LATER, "a"), expired("rule"));
        sandbox.sql(damage);
        for key in ["a", "b"] {
            done(&at(&sandbox, LATER, &["get", key]));
            assert_eq!(state(&sandbox, LATER, key), fresh(), "{damage}");
        }
        done(&at(&sandbox, LATER, &["put", "c", "1", "--tag", "b"]));
        done(&at(&sandbox, LATER, &["clear", "c"]));
        done(&at(&sandbox, LATER, &["get", "a"]));
    }
}

#[test]
fn an_event_of_one_process_is_seen_by_all_and_happens_once() {
    let upstream = quoting(&[("100", ""), ("200", "")]);
    let sandbox = predicting(&upstream);
    upstream.hold();
    let fetch = ["fetch", "AAPL", "--refresh"];
    let asking: Vec<_> =
        (0..4).map(|_| sandbox.command(&fetch).env("MCACHE_NOW", SOON).spawn().unwrap()).collect();
    upstream.wait_for(2);
    upstream.let_go();
    for child in asking {
        done(&finished(child));
    }
    assert_eq!(state(&sandbox, LATER, "prediction:stock:AAPL"), expired("price_move"));
    let stats = json_at(&sandbox, LATER, &["stats"]);
    assert_eq!(stats["invalidations"], serde_json::json!({"price_move": 3}));
}

/// When a sandbox starts, and 0.9 and 5 seconds later: programs that are started at one instant differ
/// by what they take.
const CLOCKS: [&str; 3] =
    ["2026-07-01T15:00:00Z", "2026-07-01T15:00:00.9Z", "2026-07-01T15:00:05Z"];

#[test]
fn what_is_held_when_a_price_moves_is_expired_also_for_who_reads_by_a_clock_behind() {
    for ahead in CLOCKS {
        let upstream = quoting(&[("100", ""), ("110", "")]);
        let sandbox = predicting(&upstream);
        // One that would have been stale before the event, by the clock of who makes it.
        put(&sandbox, &["prediction:stock:AAPL:1m", "0.5", "--ttl", "1s"]);
        done(&at(&sandbox, ahead, &["fetch", "AAPL", "--refresh"]));
        for key in ["prediction:stock:AAPL", "prediction:stock:AAPL:1m", "market:all"] {
            assert_eq!(sandbox.run(&["get", key]).code, Some(1), "{ahead} {key}");
            assert_eq!(state(&sandbox, CLOCKS[0], key).0, "stale", "{ahead} {key}");
        }
        assert_eq!(
            state(&sandbox, CLOCKS[0], "prediction:stock:AAPL"),
            expired("price_move"),
            "{ahead}"
        );
        // What is written since is fresh, whoever reads it.
        put(&sandbox, &["prediction:stock:AAPL", "0.9", "--ttl", "1h"]);
        for now in CLOCKS {
            let run = at(&sandbox, now, &["get", "prediction:stock:AAPL"]);
            assert_eq!((run.code, run.stdout.as_str()), (Some(0), "0.9"), "{ahead} {now}");
        }
    }
}

#[test]
fn what_was_put_by_a_clock_ahead_is_expired_by_an_event_that_comes_later() {
    for ahead in CLOCKS {
        let sandbox = Sandbox::new();
        done(&at(&sandbox, ahead, &["put", "trading_pairs", "1"]));
        put(&sandbox, &["pair_config:ETH", "1"]);
        for now in CLOCKS {
            assert_eq!(at(&sandbox, now, &["get", "trading_pairs"]).code, Some(1), "{ahead} {now}");
        }
    }
}

#[test]
fn what_a_program_prints_fires_the_rules_at_once() {
    let sandbox = Sandbox::new();
    put(&sandbox, &["trading_pairs", "1"]);
    let run = ["get", "pair_config:ETH", "--or-run", "sh", "-c", "echo 1"];
    done(&at(&sandbox, CLOCKS[2], &run));
    assert_eq!(sandbox.run(&["get", "trading_pairs"]).code, Some(1));
    put(&sandbox, &["trading_pairs", "2"]);
    assert_eq!(sandbox.run(&["get", "trading_pairs"]).stdout, "2");
}

#[test]
fn a_quote_that_moved_is_an_event_also_by_a_clock_behind_that_of_the_one_it_replaces() {
    let upstream = quoting(&[("100", ""), ("110", "")]);
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    done(&at(&sandbox, CLOCKS[1], &["fetch", "AAPL"]));
    put(&sandbox, &["prediction:stock:AAPL", "0.7"]);
    done(&sandbox.run(&["fetch", "AAPL", "--refresh"]));
    assert_eq!(state(&sandbox, CLOCKS[0], "prediction:stock:AAPL"), expired("price_move"));
}

#[test]
fn what_is_asked_for_after_an_event_is_fresh_also_by_a_clock_behind() {
    let upstream = Upstream::start(|_| reply(200, "application/json", b"1"));
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers: {{acme: {{kind: http, base_url: \"{}\", endpoints: {{mood: {{path: /mood}}}}}}}}",
        upstream.url()
    ));
    done(&sandbox.run(&["fetch", "-t", "mood"]));
    done(&at(&sandbox, CLOCKS[1], &["put", "cause", "1", "--tag", "mood:acme"]));
    assert_eq!(state(&sandbox, CLOCKS[0], "mood:acme"), expired("rule"));
    for (status, requests) in [("miss", 2), ("hit", 2)] {
        let answer = &sandbox.json(&["fetch", "-t", "mood"])[0];
        assert_eq!((&answer["cache"]["status"], upstream.count()), (&status.into(), requests));
    }
}
