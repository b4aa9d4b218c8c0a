//! Several symbols in one request, where upstream takes them.

use mcache::clock::Clock;
use mcache::ledger::Ledger;
use serde_json::json;

use super::{LATER, SOON, at, json_at, reply, yahoo};
use crate::sandbox::{Sandbox, Upstream, counted, finished};

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
fn what_fails_for_all_is_not_asked_again_for_each() {
    let page = |status, body: &str| Upstream::saying(status, "text/plain", body);
    let bad = r#"{"code":-1000,"msg":"An unknown error occured"}"#;
    for (upstream, kind, says, count) in [
        (page(500, "oops"), "upstream", "binance failed with HTTP 500", 3),
        (page(500, bad), "upstream", "binance failed with HTTP 500, code -1000", 3),
        (page(501, "no"), "upstream", "binance failed with HTTP 501", 1),
        (page(401, "no"), "unauthorized", "binance refused the request (HTTP 401)", 1),
        (page(451, "no"), "unauthorized", "binance does not serve this location", 1),
        (page(429, "no"), "rate_limited", "binance allows no more requests now", 1),
        (page(418, "no"), "rate_limited", "binance allows no more requests now", 1),
        (Upstream::start(|_| Vec::new()), "unreachable", "binance cannot be reached", 3),
    ] {
        let sandbox = beside(&upstream);
        let run = sandbox.run(&["fetch", "BTC", "ETH", "SOL", "-f", "json"]);
        run.fails(1, &["error: BTC: ", "error: ETH: ", "error: SOL: "]);
        let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        for answer in printed.as_array().unwrap() {
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(answer["error"]["kind"] == kind && message.starts_with(says), "{answer}");
        }
        assert_eq!(upstream.count(), count, "{says}: {run:?}");
        let stats = sandbox.json(&["stats"]);
        assert_eq!(counted(&stats), 3, "{says}");
        assert_eq!((&stats["upstream_calls"], &stats["coalesced"]), (&json!(count), &json!(0)));
        assert_eq!(stats["errors"][kind], 3, "{says}: {stats}");
        assert_eq!(stats["calls_saved"], 3 - i64::try_from(count).unwrap(), "{says}");
        // A key cools down as if it had been asked for alone; who refuses is left alone as a whole.
        let ledger = Ledger::at(Some(&sandbox.cache()));
        for coin in ["BTC", "ETH", "SOL"] {
            let name = format!("quote:crypto:{coin}@binance");
            let cooling = ledger.cooling(&name, &Clock::system().reading());
            assert_eq!(cooling.is_some(), kind != "rate_limited", "{says}: {name}");
        }
    }
}

#[test]
fn what_may_be_about_one_of_them_is_asked_for_each() {
    let invalid = r#"{"code":-1102,"msg":"A parameter was malformed"}"#;
    for (status, body) in [(400, invalid), (400, "no"), (404, "no"), (200, "<p>"), (200, "[]")] {
        let upstream = Upstream::start(move |incoming| {
            let ticker = r#"{"symbol":"ETHUSDT","lastPrice":"3000","count":1}"#;
            let is_good = incoming.path.ends_with("symbol=ETHUSDT");
            let (status, body) = if is_good { (200, ticker) } else { (status, body) };
            reply(status, "application/json", body.as_bytes())
        });
        let sandbox = beside(&upstream);
        let run = sandbox.run(&["fetch", "BTC", "ETH", "SOL", "-f", "json"]);
        run.fails(1, &["error: BTC: ", "error: SOL: "]);
        assert_eq!(run.stderr.matches("error: ").count(), 2, "{status} {body}: {run:?}");
        assert_eq!(upstream.count(), 4, "{status} {body}");
    }
}

#[test]
fn what_fails_for_all_goes_to_the_next_of_the_chain() {
    let (upstream, next) = (Upstream::saying(501, "text/plain", "no"), Upstream::speaking());
    let sandbox = Sandbox::new().with_provider("binance", upstream.url());
    let mirror = format!("mirror: {{kind: binance, base_url: \"{}\"}}", next.url());
    sandbox.config(&format!("providers:\n  {mirror}\nchains:\n  crypto: [binance, mirror]\n"));
    let answers = sandbox.json(&["fetch", "BTC", "ETH", "SOL"]);
    for answer in answers.as_array().unwrap() {
        assert_eq!(answer["provider"], "mirror", "{answer}");
    }
    assert_eq!((upstream.count(), next.count()), (1, 3));
}

#[test]
fn who_takes_one_symbol_a_request_is_asked_for_each() {
    let yahoo_of = Upstream::saying(200, "application/json", &yahoo("AAPL", "1", ""));
    let sandbox = Sandbox::new().with_provider("yahoo", yahoo_of.url());
    assert_eq!(sandbox.run(&["fetch", "AAPL", "MSFT"]).code, Some(1));
    assert_eq!(yahoo_of.count(), 2);
}
