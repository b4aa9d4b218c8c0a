//! Several symbols in one request, where upstream takes them.

use serde_json::json;

use super::{LATER, SOON, at, json_at, reply, yahoo};
use crate::sandbox::{Sandbox, Upstream, finished};

/// A machine whose Binance is this upstream.
fn beside(upstream: &Upstream) -> Sandbox {
    let sandbox = Sandbox::new().with_provider("binance", upstream.url());
    sandbox.env("MCACHE_CHAINS__CRYPTO", "[binance]")
}

/// The pairs of each request.
fn pairs(upstream: &Upstream) -> Vec<String> {
    let query = |path: &str| path.split_once('?').map_or("", |(_, query)| query).to_owned();
    upstream.seen().iter().map(|incoming| query(&incoming.path)).collect()
}

#[test]
fn quotes_of_several_pairs_are_one_request_and_answers_of_their_own() {
    let upstream = Upstream::speaking();
    let sandbox = beside(&upstream);
    let answers = sandbox.json(&["fetch", "BTC", "ETH", "SOL"]);
    assert_eq!(pairs(&upstream), ["symbols=%5B%22BTCUSDT%22%2C%22ETHUSDT%22%2C%22SOLUSDT%22%5D"]);
    let calls = |n: usize| answers[n]["cache"]["upstream_calls"].as_i64().unwrap();
    assert_eq!((0..3).map(calls).sum::<i64>(), 1);
    for (n, symbol) in ["BTC", "ETH", "SOL"].into_iter().enumerate() {
        assert_eq!(answers[n]["symbol"], symbol);
        assert_eq!(answers[n]["cache"]["status"], "miss");
        // The same as if it had been asked for alone, which it is here, on another machine.
        let alone = beside(&upstream).json(&["fetch", symbol]);
        for field in ["price", "volume", "previous_close", "time"] {
            assert_eq!(alone[0][field], answers[n][field], "{symbol} {field}");
        }
    }
    assert_eq!(json_at(&sandbox, SOON, &["fetch", "ETH"])[0]["cache"]["status"], "hit");
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["misses"], &stats["upstream_calls"]), (&json!(3), &json!(1)));
    let limits = sandbox.json(&["limits", "binance"]);
    assert_eq!(limits[0]["limits"][0]["used"], 2, "it weighs as much as one");
}

#[test]
fn many_pairs_are_asked_for_in_as_many_requests_as_weigh_least() {
    let upstream = Upstream::speaking();
    let sandbox = beside(&upstream);
    let symbols: Vec<String> = (0..45).map(|n| format!("C{n}/USDT")).collect();
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let plan = sandbox.json(&[&["warm", "--plan"], &names[..]].concat());
    assert_eq!((&plan["calls"], &plan["fresh"]), (&json!(3), &json!(0)));
    assert_eq!(plan["items"][0]["why"], "it is not held; in one request with 19 more");
    let run = sandbox.run(&[&["warm"], &names[..]].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let mut counts: Vec<usize> =
        pairs(&upstream).iter().map(|query| query.matches("USDT").count()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [5, 20, 20]);
    let more = at(&sandbox, SOON, &[&["warm", "BTC", "--plan"], &names[..]].concat());
    assert!(more.stdout.contains("binance   quote         1     45"), "{more:?}");
}

#[test]
fn a_pair_that_upstream_does_not_know_keeps_no_other_from_being_asked() {
    let upstream = Upstream::speaking();
    let sandbox = beside(&upstream);
    let run = sandbox.run(&["fetch", "BTC", "NOSUCH/USDT", "ETH", "-f", "json"]);
    run.fails(1, &["error: NOSUCH: binance does not know `NOSUCH`"]);
    assert_eq!(run.stderr.matches("error: ").count(), 1, "{run:?}");
    // The refusal of all, and each by itself.
    assert_eq!(upstream.count(), 4);
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["misses"], &stats["upstream_calls"]), (&json!(3), &json!(4)));
    // That there is none is remembered, so the others go together again.
    let again = ["fetch", "BTC", "NOSUCH/USDT", "ETH"];
    assert_eq!(at(&sandbox, LATER, &again).code, Some(1));
    assert_eq!(upstream.count(), 5);
}

#[test]
fn what_a_reply_to_several_lacks_is_asked_for_by_itself() {
    let upstream = Upstream::start(|incoming| {
        let ticker = |pair: &str, price: u32| {
            format!(r#"{{"symbol":"{pair}","lastPrice":"{price}","count":1}}"#)
        };
        let body = if incoming.path.contains("symbols=") {
            format!(
                "[{},{}]",
                ticker("BTCUSDT", 60_000),
                ticker("SOLUSDT", 0).replace("\"0\"", "\"-1\"")
            )
        } else if incoming.path.contains("ETH") {
            ticker("ETHUSDT", 3_000)
        } else {
            ticker("SOLUSDT", 150)
        };
        reply(200, "application/json", body.as_bytes())
    });
    let answers = beside(&upstream).json(&["fetch", "BTC", "ETH", "SOL"]);
    let prices: Vec<i64> = (0..3).map(|n| answers[n]["price"].as_i64().unwrap()).collect();
    assert_eq!(prices, [60_000, 3_000, 150], "nothing impossible is believed");
    assert_eq!(upstream.count(), 3);
}

#[test]
fn a_batch_takes_what_nobody_else_is_asking_for() {
    let upstream = Upstream::speaking();
    // Two clocks that start one after the other at the same instant are apart: one tells real time.
    let sandbox = beside(&upstream).in_real_time().env("MCACHE_FROZEN_AFTER", "never");
    upstream.hold();
    let first = sandbox.command(&["fetch", "BTC", "ETH"]).spawn().unwrap();
    upstream.wait_for(1);
    let second = sandbox.command(&["fetch", "ETH", "SOL", "BTC", "XRP"]).spawn().unwrap();
    upstream.wait_for(2);
    upstream.let_go();
    for child in [first, second] {
        let run = finished(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    }
    assert_eq!(upstream.count(), 2);
    assert_eq!(pairs(&upstream)[1], "symbols=%5B%22SOLUSDT%22%2C%22XRPUSDT%22%5D");
    assert_eq!(std::fs::read_dir(sandbox.cache().join("locks")).unwrap().count(), 0);
}

#[test]
fn an_upstream_that_fails_for_all_fails_for_each() {
    let upstream = Upstream::saying(500, "text/plain", "oops");
    let sandbox = beside(&upstream);
    let run = sandbox.run(&["fetch", "BTC", "ETH", "--max-wait", "0"]);
    run.fails(1, &["error: BTC: binance failed with HTTP 500", "error: ETH: binance failed"]);
    assert_eq!(upstream.count(), 3, "both at once, then each");
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["misses"], &stats["upstream_calls"]), (&json!(2), &json!(3)));
    // Who takes one symbol a request is asked as before.
    let yahoo_of = Upstream::saying(200, "application/json", &yahoo("AAPL", "1", ""));
    let sandbox = Sandbox::new().with_provider("yahoo", yahoo_of.url());
    assert_eq!(sandbox.run(&["fetch", "AAPL", "MSFT"]).code, Some(1));
    assert_eq!(yahoo_of.count(), 2);
}
