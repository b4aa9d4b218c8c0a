//! `fetch --class CLASS --all`: what the cache knows of a class, in one answer.

use super::{LATER, at, json_at};
use crate::sandbox::{NOW, Sandbox, Upstream};

/// A machine whose providers speak, and that holds two stocks and three coins, one of them `put`.
fn held() -> (Upstream, Sandbox) {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .with_provider("binance", upstream.url())
        .with_provider("fred", upstream.url())
        .env("FRED_API_KEY", "k");
    let run = sandbox.run(&["fetch", "AAPL", "MSFT", "BTC", "ETH", "NOSUCH", "-q"]);
    assert_eq!(run.code, Some(1), "{run:?}");
    let sol =
        r#"{"symbol":"SOL","asset_class":"crypto","type":"quote","provider":"me","price":150}"#;
    sandbox.run(&["put", "quote:crypto:SOL", sol, "--ttl", "10s"]);
    (upstream, sandbox)
}

fn symbols(answers: &serde_json::Value) -> Vec<&str> {
    answers.as_array().unwrap().iter().map(|a| a["symbol"].as_str().unwrap()).collect()
}

#[test]
fn all_that_is_held_of_a_class_is_one_answer_and_nobody_is_asked() {
    let (upstream, sandbox) = held();
    let asked = upstream.count();
    let coins = sandbox.json(&["fetch", "--class", "crypto", "--all"]);
    assert_eq!(symbols(&coins), ["BTC", "ETH", "SOL"]);
    assert_eq!(coins[0]["cache"]["status"], "hit");
    assert_eq!(coins[0]["provider"], "binance");
    // What upstream does not know is nothing that is known.
    let stocks = sandbox.json(&["fetch", "--class", "stock", "--all", "-t", "price"]);
    assert_eq!(symbols(&stocks), ["AAPL", "MSFT"]);
    for format in ["table", "csv", "ndjson"] {
        let run = sandbox.run(&["fetch", "--all", "--class", "STOCK", "-f", format]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
        assert_eq!(run.stdout.lines().count(), if format == "ndjson" { 2 } else { 3 }, "{run:?}");
    }
    assert_eq!(upstream.count(), asked);
    // They are reads as any other.
    assert_eq!(crate::sandbox::counted(&sandbox.json(&["stats"])), 5 + 3 + 2 + 6);
}

#[test]
fn what_is_stale_is_served_as_that_with_one_warning_for_all_of_it() {
    let (upstream, sandbox) = held();
    let asked = upstream.count();
    let run = at(&sandbox, LATER, &["fetch", "--class", "crypto", "--all", "-f", "json"]);
    assert_eq!(run.stderr, "warning: 3 of 3 are stale, and nobody was asked: --refresh asks\n");
    let coins = run.json();
    assert_eq!(symbols(&coins), ["BTC", "ETH", "SOL"]);
    assert!(coins.as_array().unwrap().iter().all(|coin| coin["cache"]["status"] == "stale"));
    let quiet = at(&sandbox, LATER, &["fetch", "--class", "crypto", "--all", "-q", "-f", "csv"]);
    assert_eq!(quiet.stderr, "");
    assert_eq!(upstream.count(), asked);
    // What is gone is not known any more.
    let gone = at(&sandbox, "2026-07-20T15:00:00Z", &["fetch", "--class", "stock", "--all"]);
    assert!(gone.stderr.contains("the cache holds no quote of stock"), "{gone:?}");
}

#[test]
fn how_fresh_it_has_to_be_may_be_said_and_then_what_is_held_is_asked_for() {
    let (upstream, sandbox) = held();
    let asked = upstream.count();
    let all = ["fetch", "--class", "crypto", "--all"];
    let fresh = json_at(&sandbox, LATER, &[&all[..], &["--max-age", "1h"]].concat());
    assert_eq!(symbols(&fresh), ["BTC", "ETH", "SOL"]);
    assert_eq!(
        upstream.count(),
        asked + 1,
        "each of them is stale by its own rule, and one request has them all"
    );
    let refreshed = json_at(&sandbox, LATER, &[&all[..], &["--refresh"]].concat());
    assert_eq!(refreshed[0]["cache"]["status"], "refresh");
    assert_eq!(upstream.count(), asked + 2);
    let offline = at(&sandbox, LATER, &[&all[..], &["--max-age", "0s", "--offline"]].concat());
    assert_eq!(offline.code, Some(0), "{offline:?}");
    assert_eq!(upstream.count(), asked + 2);
}

#[test]
fn of_macro_symbols_the_series_are_meant_and_p_names_one_provider() {
    let (_upstream, sandbox) = held();
    sandbox.run(&["fetch", "GDP"]);
    sandbox.run(&["fetch", "DOGE", "-p", "demo"]);
    let series = sandbox.json(&["fetch", "--class", "macro", "--all"]);
    assert_eq!((&series[0]["symbol"], &series[0]["type"]), (&"GDP".into(), &"series".into()));
    assert_eq!(sandbox.json(&["fetch", "--class", "crypto", "--all"]).as_array().unwrap().len(), 3);
    let demo = sandbox.json(&["fetch", "--class", "crypto", "--all", "-p", "demo"]);
    assert_eq!(symbols(&demo), ["DOGE"]);
}

#[test]
fn nothing_held_is_no_error_and_says_who_else_has_something() {
    let sandbox = Sandbox::new();
    let run = |format: &str| sandbox.run(&["fetch", "--class", "crypto", "--all", "-f", format]);
    insta::assert_snapshot!(run("json").shown(), @r"
    []
    ! the cache holds no quote of crypto
    exit 0
    ");
    assert!(run("csv").stdout.starts_with("symbol,asset_class,type,provider,price,"));
    assert_eq!(run("table").stdout, "");
    sandbox.run(&["fetch", "BTC", "ETH", "-p", "demo"]);
    let said = run("ndjson").stderr;
    assert_eq!(said, "the cache holds no quote of crypto; 2 of `demo`: `-p demo` shows them\n");
    let file = sandbox.path("all.json");
    sandbox.run(&["fetch", "--class", "fx", "--all", "-o", file.to_str().unwrap()]);
    assert_eq!(std::fs::read_to_string(file).unwrap(), "[]\n");
}

#[test]
fn a_list_of_the_configuration_is_asked_for_as_if_named() {
    let (upstream, sandbox) = held();
    sandbox.config("watchlists: {coins: [BTC, ETH], tech: [AAPL]}\n");
    let asked = upstream.count();
    let all = json_at(&sandbox, NOW, &["fetch", "@all", "--type", "quote"]);
    assert_eq!((symbols(&all), upstream.count()), (vec!["BTC", "ETH", "AAPL"], asked));
}

#[test]
fn what_makes_no_sense_is_refused_with_what_does() {
    let sandbox = Sandbox::new();
    for (arguments, says) in [
        (&["--class", "crypto"][..], "hint: `mcache fetch --class crypto --all`"),
        (&["--all"], "hint: `mcache fetch --class crypto --all`"),
        (&["BTC", "--class", "crypto"], "as in `crypto:NAME`"),
        (&["BTC", "--class", "crypto", "--all"], "hint: leave the symbols away"),
        (&["--class", "crypto", "--all", "--no-cache"], "--no-cache reads nothing of it"),
        (&["--class", "crypto", "--all", "-t", "bars"], "hint: name the symbols"),
        (&["--class", "stock", "--all", "-t", "dividends"], "not of dividends"),
        (&["--class", "crpto", "--all"], "did you mean `crypto`?"),
        (&["--class", "market", "--all"], "`mcache get market:all`"),
        (&["--class", "crypto", "--all", "-p", "yaho"], "did you mean `yahoo`?"),
        (&["--class", "crypto", "--all", "-t", "qoute"], "did you mean `quote`?"),
    ] {
        sandbox.run(&[&["fetch"], arguments].concat()).fails(2, &[says]);
    }
    sandbox.run(&["warm", "--class", "crypto", "--all"]).fails(2, &[]);
}

#[test]
fn what_was_put_stands_among_the_others_in_every_format() {
    let (_upstream, sandbox) = held();
    sandbox.run(&["put", "quote:crypto:ADA", r#"{"price":0.50}"#]).fails(0, &[]);
    let csv = sandbox.run(&["fetch", "--class", "crypto", "--all", "-f", "csv"]);
    csv.fails(0, &[]);
    assert!(csv.stdout.contains("\nADA,crypto,quote,put,0.50,,"), "{csv:?}");
    assert_eq!(csv.stdout.lines().count(), 5);
    // What is no quote is no row of quotes, and none of those that are stale.
    sandbox.run(&["put", "quote:crypto:XRP", "text", "--ttl", "10s"]).fails(0, &[]);
    let late = at(&sandbox, LATER, &["fetch", "--class", "crypto", "--all", "-f", "csv"]);
    late.fails(1, &["XRP", "warning: 3 of 4 are stale"]);
}
