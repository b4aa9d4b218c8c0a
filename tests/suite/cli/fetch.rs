//! `fetch`: the first answer comes from upstream, the next ones from the disk, until it is stale.

use super::{LATER, SOON, at, json_at, members, nobody, speaking, when_aged};
use crate::sandbox::{Sandbox, Upstream};

#[test]
fn a_fresh_entry_costs_no_request() {
    let (upstream, sandbox) = speaking();
    let first = sandbox.json(&["fetch", "AAPL"]);
    let second = sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(first[0]["cache"]["status"], "miss");
    assert_eq!(first[0]["cache"]["tier"], "upstream");
    assert_eq!(first[0]["cache"]["upstream_calls"], 1);
    assert_eq!(second[0]["cache"]["status"], "hit");
    assert_eq!(second[0]["cache"]["tier"], "disk");
    assert_eq!(second[0]["cache"]["upstream_calls"], 0);
    assert_eq!(first[0]["price"], second[0]["price"]);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn the_table_says_which_tier_answered_and_how_old_it_is() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.with_provider("binance", upstream.url());
    sandbox.run(&["fetch", "AAPL", "BTC"]);
    let hit = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "AAPL", "BTC"]);
    insta::assert_snapshot!(hit.shown(), @r"
    SYMBOL      PRICE    CHANGE  CHANGE %     VOLUME  CURRENCY  MARKET   TIME (UTC)           PROVIDER  STATUS  TIER   AGE
    AAPL       228.83      2.57   +1.14 %  1,296,970  USD       regular  2026-07-01 15:00:00  yahoo     hit     disk  10 s
    BTC     74,569.68  1,555.35   +2.13 %     15,223  USDT      regular  2026-07-01 15:00:00  binance   hit     disk  10 s
    exit 0
    ");
}

#[test]
fn the_cache_object_has_the_fields_of_the_contract_and_no_other() {
    let (_upstream, sandbox) = speaking();
    let expected = [
        "key",
        "status",
        "tier",
        "fetched_at",
        "expires_at",
        "age_seconds",
        "ttl_seconds",
        "upstream_calls",
    ];
    for _ in ["miss", "hit"] {
        let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
        // The times hold colons of their own, which the names end before.
        assert_eq!(members(&run.stdout, "cache"), expected);
        let cache = &run.json()[0]["cache"];
        assert_eq!(cache["key"], "quote:stock:AAPL");
        assert_eq!(cache["ttl_seconds"], 30.0);
        let time = |name: &str| {
            mcache::time::Timestamp::parse(cache[name].as_str().unwrap()).unwrap().as_ms()
        };
        assert_eq!(time("expires_at") - time("fetched_at"), 30_000);
    }
}

#[test]
fn a_quote_has_every_field_of_the_contract_and_null_for_what_upstream_lacks() {
    let (_upstream, sandbox) = speaking();
    let quote = &sandbox.json(&["fetch", "AAPL"])[0];
    let mut names: Vec<&str> = quote.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "ask",
            "asset_class",
            "bid",
            "cache",
            "change",
            "change_percent",
            "currency",
            "exchange",
            "high",
            "low",
            "market_state",
            "open",
            "previous_close",
            "price",
            "provider",
            "symbol",
            "time",
            "type",
            "volume",
        ]
    );
    assert!(quote["bid"].is_null());
    assert_eq!(quote["asset_class"], "stock");
    assert_eq!(quote["type"], "quote");
    assert_eq!(quote["provider"], "yahoo");
}

#[test]
fn a_stale_entry_is_asked_again() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let again = json_at(&sandbox, LATER, &["fetch", "AAPL"]);
    assert_eq!(again[0]["cache"]["status"], "miss");
    assert_eq!(upstream.count(), 2);
    // And what came is fresh for as long again.
    assert_eq!(
        json_at(&sandbox, "2026-07-01T15:01:05Z", &["fetch", "AAPL"])[0]["cache"]["status"],
        "hit"
    );
}

#[test]
fn refresh_asks_although_the_entry_is_fresh() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let asked = sandbox.json(&["fetch", "AAPL", "--refresh"]);
    assert_eq!(asked[0]["cache"]["status"], "refresh");
    assert_eq!(asked[0]["cache"]["tier"], "upstream");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_hit_never_restamps_the_age() {
    let (_upstream, sandbox) = speaking();
    let first = sandbox.json(&["fetch", "AAPL"]);
    for (now, seconds) in [(SOON, 10.5), ("2026-07-01T15:00:20.5Z", 20.5)] {
        let hit = json_at(&sandbox, now, &["fetch", "AAPL"]);
        assert_eq!(hit[0]["cache"]["status"], "hit");
        assert_eq!(hit[0]["cache"]["fetched_at"], first[0]["cache"]["fetched_at"]);
        assert_eq!(hit[0]["cache"]["expires_at"], first[0]["cache"]["expires_at"]);
        let age = hit[0]["cache"]["age_seconds"].as_f64().unwrap();
        assert!((age - seconds).abs() < 2.0, "{age}");
    }
}

#[test]
fn a_changed_ttl_holds_at_once_for_what_is_stored() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let longer = json_at(&sandbox, LATER, &["fetch", "AAPL", "--set", "ttl.quote.stock=60"]);
    assert_eq!(longer[0]["cache"]["status"], "hit");
    assert_eq!(longer[0]["cache"]["ttl_seconds"], 60.0);
    assert_eq!(upstream.count(), 1);
    let shorter = json_at(&sandbox, SOON, &["fetch", "AAPL", "--set", "ttl.quote.stock=5"]);
    assert_eq!(shorter[0]["cache"]["status"], "miss");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn an_entry_from_the_future_is_stale_and_asked_again() {
    let (upstream, sandbox) = speaking();
    json_at(&sandbox, LATER, &["fetch", "AAPL"]);
    assert_eq!(json_at(&sandbox, LATER, &["keys"])[0]["state"], "fresh");
    assert_eq!(sandbox.json(&["keys"])[0]["state"], "stale");
    assert_eq!(sandbox.json(&["fetch", "AAPL"])[0]["cache"]["status"], "miss");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_stale_answer_stands_in_for_an_upstream_that_failed() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let down = Upstream::saying(500, "application/json", "{}");
    let sandbox = sandbox.with_provider("yahoo", down.url());
    // The pauses between retries would count towards the age.
    let run = at(&sandbox, &when_aged(&sandbox, 40), &["fetch", "AAPL", "--max-wait", "0"]);
    insta::assert_snapshot!(run.shown(), @r"
    SYMBOL   PRICE  CHANGE  CHANGE %     VOLUME  CURRENCY  MARKET   TIME (UTC)           PROVIDER  STATUS  TIER   AGE
    AAPL    228.83    2.57   +1.14 %  1,296,970  USD       regular  2026-07-01 15:00:00  yahoo     stale   disk  40 s
    ! warning: AAPL: this answer is 40 s old, no newer one could be had: yahoo failed with HTTP 500: `{}`
    exit 0
    ");
    let asked = down.count();
    let cooling = json_at(&sandbox, LATER, &["fetch", "AAPL"]);
    assert_eq!((&cooling[0]["cache"]["upstream_calls"], down.count()), (&0.into(), asked));
    let served = json_at(&sandbox, LATER, &["fetch", "AAPL", "--refresh", "--max-wait", "0"]);
    assert_eq!(served[0]["cache"]["status"], "stale");
    assert_eq!(served[0]["cache"]["tier"], "disk");
    assert_eq!(served[0]["cache"]["upstream_calls"], 1);
    assert_eq!(
        served[0]["cache"]["fetched_at"].as_str().unwrap().get(..19),
        Some("2026-07-01T15:00:00")
    );
}

#[test]
fn what_is_gone_never_answers() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    // Fresh for 30 seconds and kept for 7 days after that.
    let held = at(&sandbox, "2026-07-08T15:00:25Z", &["fetch", "AAPL"]);
    assert_eq!(held.code, Some(0), "{held:?}");
    for flag in [&[][..], &["--offline"]] {
        let gone = at(&sandbox, "2026-07-08T15:00:40Z", &[&["fetch", "AAPL"], flag].concat());
        assert_eq!(gone.code, Some(1), "{gone:?}");
        assert!(gone.stdout.is_empty());
    }
    let keep = ["fetch", "AAPL", "--offline", "--set", "keep.quote=8d"];
    assert_eq!(at(&sandbox, "2026-07-08T15:00:40Z", &keep).code, Some(0));
}

#[test]
fn that_there_is_none_is_remembered_for_an_hour() {
    let (upstream, sandbox) = speaking();
    let first = sandbox.run(&["fetch", "NOSUCH"]);
    first.fails(1, &["error: NOSUCH: yahoo does not know `NOSUCH`", "hint: "]);
    assert_eq!(upstream.count(), 1);
    let again = at(&sandbox, "2026-07-01T15:59:00Z", &["fetch", "NOSUCH"]);
    again.fails(1, &["NOSUCH", "remembered until 2026-07-01T16:00", "--refresh asks again"]);
    assert_eq!(upstream.count(), 1);
    let listed = &sandbox.json(&["keys"])[0];
    assert_eq!(listed["key"], "quote:stock:NOSUCH");
    assert_eq!(listed["reason"], "not_found");
    sandbox.run(&["fetch", "NOSUCH", "--refresh"]).fails(1, &["does not know"]);
    assert_eq!(upstream.count(), 2);
    at(&sandbox, "2026-07-01T16:30:00Z", &["fetch", "NOSUCH"]).fails(1, &["does not know"]);
    assert_eq!(upstream.count(), 3);
}

#[test]
fn a_symbol_that_vanishes_upstream_keeps_its_last_value() {
    let (_upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let gone = Upstream::saying(404, "application/json", "{}");
    let sandbox = sandbox.with_provider("yahoo", gone.url());
    let served = at(&sandbox, &when_aged(&sandbox, 40), &["fetch", "AAPL"]);
    served.fails(0, &["warning: AAPL: this answer is 40 s old", "does not know"]);
    assert_eq!(json_at(&sandbox, LATER, &["keys"])[0]["reason"], serde_json::Value::Null);
}

#[test]
fn a_put_value_answers_before_the_chain() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    let value = r#"{"mine":[1],"price":1.50,"volume":3e2}"#;
    assert_eq!(sandbox.run(&["put", "quote:stock:AAPL", value]).code, Some(0));
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
    // It is a quote: what is known from its key is there, and what it lacks is null.
    let told = concat!(
        r#"{"symbol":"AAPL","asset_class":"stock","type":"quote","provider":"put","price":1.50,"#,
        r#""previous_close":null,"change":null,"change_percent":null,"open":null,"high":null,"#,
        r#""low":null,"bid":null,"ask":null,"volume":3e2,"currency":null,"exchange":null,"#,
        r#""market_state":null,"time":null,"mine":[1],"cache":{"#
    );
    assert!(run.stdout.contains(told), "{run:?}");
    let csv = sandbox.run(&["fetch", "AAPL", "-f", "csv"]).stdout;
    assert!(csv.ends_with("\nAAPL,stock,quote,put,1.50,,,,,,,,,3e2,,,,\n"), "{csv}");
    let picked = ["fetch", "AAPL", "--fields", "provider,price,bid", "-f", "ndjson"];
    assert_eq!(sandbox.run(&picked).stdout, "{\"provider\":\"put\",\"price\":1.50,\"bid\":null}\n");
    let table = sandbox.run(&["fetch", "AAPL"]).stdout;
    let row: Vec<&str> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..2], ["AAPL", "1.50"], "{table}");
    assert_eq!(sandbox.run(&["get", "quote:stock:AAPL"]).stdout, value);
    assert_eq!(run.json()[0]["cache"]["ttl_seconds"], 300.0);
    // Who names a provider wants that provider's.
    assert_eq!(sandbox.json(&["fetch", "AAPL", "-p", "yahoo"])[0]["provider"], "yahoo");
    assert_eq!(upstream.count(), 1);
    // Once it is stale, the chain answers.
    assert_eq!(
        json_at(&sandbox, "2026-07-01T15:06:00Z", &["fetch", "AAPL"])[0]["provider"],
        "yahoo"
    );
}

#[test]
fn the_demo_needs_no_network_and_answers_only_when_it_is_named() {
    let sandbox = Sandbox::new().with_provider("yahoo", &nobody());
    let first = sandbox.json(&["fetch", "AAPL", "BTC", "GDP", "-p", "demo"]);
    assert_eq!(first.as_array().unwrap().len(), 3);
    assert!(first.as_array().unwrap().iter().all(|record| record["provider"] == "demo"));
    assert_eq!(first[0]["cache"]["status"], "miss");
    let second = sandbox.json(&["fetch", "AAPL", "--provider", "demo"]);
    assert_eq!(second[0]["cache"]["status"], "hit");
    assert_eq!(second[0]["price"], first[0]["price"]);
    // Invented data never stands in for real data.
    sandbox.run(&["fetch", "AAPL"]).fails(1, &["error: AAPL: yahoo cannot be reached"]);
    sandbox.run(&["fetch", "AAPL", "--offline"]).fails(1, &["the cache holds no answer"]);
}

#[test]
fn a_macro_symbol_is_a_series_unless_a_quote_is_asked_for() {
    let sandbox = Sandbox::new();
    let series = &sandbox.json(&["fetch", "GDP", "-p", "demo"])[0];
    assert_eq!(series["type"], "series");
    assert_eq!(series["cache"]["key"], "series:macro:GDP");
    let observations = series["observations"].as_array().unwrap();
    assert!(observations[0]["value"].is_null(), "a missing value is null");
    let last = observations.last().unwrap();
    let quote = &sandbox.json(&["fetch", "GDP", "-t", "quote", "-p", "demo"])[0];
    assert_eq!(quote["type"], "quote");
    assert_eq!(quote["price"], last["value"], "a macro quote is the latest observation");
    assert_eq!(quote["cache"]["ttl_seconds"], 300.0);
    let both = sandbox.json(&["fetch", "GDP", "-t", "quote,series", "-p", "demo"]);
    assert_eq!(both[0]["cache"]["status"], "hit");
    assert_eq!(both[1]["cache"]["status"], "hit");
}

#[test]
fn what_no_provider_has_is_unsupported() {
    let sandbox = Sandbox::new().with_provider("yahoo", &nobody());
    let run = sandbox.run(&["fetch", "AAPL", "-t", "series", "-f", "ndjson"]);
    run.fails(
        1,
        &["error: AAPL: no provider of the stock chain has a series", "hint: see `chains.stock`"],
    );
    assert!(run.stdout.contains(r#"{"symbol":"AAPL","error":{"kind":"unsupported","#), "{run:?}");
    assert_eq!(sandbox.run(&["fetch", "BTC", "-p", "fred"]).code, Some(1));
    let macro_bars = sandbox.run(&["fetch", "GDP", "-t", "bars"]);
    macro_bars.fails(1, &["no provider of the macro chain has 1d bars", "hint: ", "`-t series`"]);
    // Types that are made of the same are told of one by one.
    let both = ["fetch", "BTC", "-t", "splits,dividends"];
    let has = |what| format!("no provider of the crypto chain has {what} of `BTC`");
    sandbox.run(&both).fails(1, &[&has("splits"), &has("dividends")]);
    let named = sandbox.run(&["fetch", "AAPL", "-t", "splits,total_return", "-p", "stooq"]);
    let told = |what| format!("{what} of `AAPL` cannot be told by the provider that was named");
    named.fails(1, &[&told("splits"), &told("total_return"), "hint: leave --provider away"]);
}

#[test]
fn a_name_that_nobody_knows_and_that_reads_like_an_exchange_rate_is_said_to() {
    let upstream = Upstream::saying(404, "text/html", "");
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let hint = "hint: it was asked for as stock; `fx:EURUSD` is the exchange rate";
    sandbox.run(&["fetch", "EURUSD"]).fails(1, &["does not know `EURUSD`", hint]);
    // Also when it is only remembered.
    sandbox.run(&["fetch", "eurusd"]).fails(1, &["remembered until", hint]);
    assert_eq!(upstream.count(), 1);
    let other = sandbox.run(&["fetch", "NOSUCH"]);
    assert!(!other.fails(1, &["does not know"]).stderr.contains("fx:"), "{other:?}");
}
