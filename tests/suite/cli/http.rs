//! `kind: http`: a provider that is made of configuration, from its YAML to what is printed.

use super::{json_at, reply_with};
use crate::sandbox::{Incoming, Sandbox, Upstream, reply};

/// The endpoints of a provider.
const ENDPOINTS: &str = r#"
      quote:
        path: /v1/quote/{symbol}
        ok: {/status: ok}
        errors: {not_found: {/code: 404}, rate_limited: {/message: "*limit*"}}
        fields: {price: /data/last, previous_close: /data/prev, time: /data/ts}
        constants: {currency: USD}
        time: {unit: milliseconds}
      bars:
        path: /v1/bars/{symbol}
        query: {start: "{from:date}", end: "{to:date}", step: "{interval}"}
        intervals: {1d: D}
        max_rows: 1000
        rows: /data
        shape: arrays
        fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /5}
        time: {unit: "%Y-%m-%d"}
      series:
        path: /v1/series/{symbol}
        shape: csv
        fields: {date: day, value: value}
        missing: ["", "."]
"#;

/// A machine that knows these endpoints of an upstream.
fn machine(upstream: &Upstream, endpoints: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers:\n  acme:\n    kind: http\n    base_url: \"{}\"\n    endpoints:{endpoints}",
        upstream.url()
    ));
    sandbox
}

fn answer(incoming: &Incoming) -> Vec<u8> {
    let body = match incoming.path.split('?').next().unwrap() {
        "/v1/quote/AAPL" => {
            r#"{"status":"ok","data":{"last":"1.50","prev":1.250,"ts":1782917999123}}"#
        }
        "/v1/quote/MSFT" => r#"{"status":"bad","error":{"message":"no desk today"}}"#,
        "/v1/quote/NOSUCH" => r#"{"status":"bad","code":404}"#,
        "/v1/quote/BUSY" => r#"{"message":"your limit is reached"}"#,
        "/v1/series/GDP" => "day,value\n2026-04-01,2.50\n2026-01-01,.\n",
        _ => r#"{"data":[["2026-07-01",3,4.5,2,3.5,100],["2026-06-30",2,4,1,3,"200"]]}"#,
    };
    reply(200, "application/json", body.as_bytes())
}

#[test]
fn a_quote_bars_and_a_series_are_read_by_their_fields() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let fetch = |more: &[&str]| {
        let run = sandbox.run(&[&["fetch", "-p", "acme", "-f", "json"], more].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout.split(",\"cache\"").next().unwrap().trim_start_matches("[\n").to_owned()
    };
    insta::assert_snapshot!(fetch(&["AAPL"]), @r#"{"symbol":"AAPL","asset_class":"stock","type":"quote","provider":"acme","price":1.50,"previous_close":1.250,"change":0.250,"change_percent":20,"open":null,"high":null,"low":null,"bid":null,"ask":null,"volume":null,"currency":"USD","exchange":null,"market_state":null,"time":"2026-07-01T14:59:59.123Z""#);
    insta::assert_snapshot!(fetch(&["AAPL", "-tbars", "--from", "2026-06-30"]), @r#"{"symbol":"AAPL","asset_class":"stock","type":"bars","provider":"acme","interval":"1d","currency":null,"adjust":"splits","bars":[{"time":"2026-06-30T13:30:00Z","date":"2026-06-30","open":2,"high":4,"low":1,"close":3,"adjusted_close":null,"volume":200,"state":"provisional"},{"time":"2026-07-01T13:30:00Z","date":"2026-07-01","open":3,"high":4.5,"low":2,"close":3.5,"adjusted_close":null,"volume":100,"state":"live"}]"#);
    assert_eq!(
        upstream.seen().pop().unwrap().path,
        "/v1/bars/AAPL?end=2026-07-01&start=2026-06-30&step=D"
    );
    insta::assert_snapshot!(fetch(&["GDP"]), @r#"{"symbol":"GDP","asset_class":"macro","type":"series","provider":"acme","observations":[{"date":"2026-01-01","value":null},{"date":"2026-04-01","value":2.50}]"#);
    // What it says of itself is heard by the others too: nobody is asked again.
    let asked = upstream.count();
    for arguments in [&["AAPL"][..], &["AAPL", "-tbars", "--from", "2026-06-30"], &["GDP"]] {
        fetch(arguments);
    }
    assert_eq!(upstream.count(), asked);
}

#[test]
fn old_bars_are_asked_for_alone_and_once() {
    let upstream = Upstream::start(|incoming| {
        // The days that were asked for, as the server has them.
        let days = ["2020-01-06", "2020-01-07", "2020-01-08", "2020-01-09", "2020-01-10"];
        let first = incoming.path.split("start=").nth(1).unwrap();
        let rows = days
            .iter()
            .filter(|day| **day >= first)
            .map(|day| format!(r#"{{"date":"{day}","open":2,"high":4,"low":1,"close":3}}"#));
        let rows = rows.collect::<Vec<_>>().join(",");
        reply(200, "application/json", format!("[{rows}]").as_bytes())
    });
    let sandbox = machine(
        &upstream,
        "
      bars:
        path: /{symbol}
        query: {end: '{to:date}', start: '{from:date}'}
        fields: {time: /date, open: /open, high: /high, low: /low, close: /close}
        intervals: {1d: D}
        max_rows: 100
",
    );
    let part = ["-tbars", "--from", "2020-01-06", "--to", "2020-01-10"];
    for (now, adjust, status) in [
        ("2026-07-01T15:00:00Z", "splits", "miss"),
        ("2026-07-01T15:06:00Z", "splits", "hit"),
        ("2026-07-10T15:00:00Z", "none", "hit"),
        ("2026-07-10T15:00:00Z", "all", "hit"),
    ] {
        let fetch = [&["fetch", "AAPL", "-p", "acme", "--adjust", adjust], &part[..]].concat();
        let answer = super::json_at(&sandbox, now, &fetch);
        assert_eq!(answer[0]["bars"].as_array().unwrap().len(), 5, "{answer}");
        assert_eq!(
            answer[0]["cache"]["status"], status,
            "{now}: who tells of no splits is not asked"
        );
    }
    let asked: Vec<String> = upstream.seen().into_iter().map(|incoming| incoming.path).collect();
    assert_eq!(asked, ["/AAPL?end=2020-01-11&start=2020-01-06"]);
}

#[test]
fn an_answer_of_200_may_say_that_it_is_none() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let run = sandbox.run(&["fetch", "MSFT", "NOSUCH", "-p", "acme", "-f", "json"]);
    insta::assert_snapshot!(run.shown(), @r#"
    [
    {"symbol":"MSFT","error":{"kind":"upstream","message":"acme failed on `MSFT` (no desk today)"}},
    {"symbol":"NOSUCH","error":{"kind":"not_found","message":"acme does not know `NOSUCH` (`{\"status\":\"bad\",\"code\":404}`)"}}
    ]
    ! error: MSFT: acme failed on `MSFT` (no desk today)
    ! hint: try again later; --offline answers from the cache
    ! error: NOSUCH: acme does not know `NOSUCH` (`{"status":"bad","code":404}`)
    ! hint: check the spelling; a class can be said, as in `crypto:BTC`
    exit 1
    "#);
    let bars = sandbox.run(&["fetch", "AAPL", "-p", "acme", "-tbars", "-i", "1h"]);
    bars.fails(1, &["has no 1h bars of `AAPL`"]);
    for made in ["dividends", "total_return"] {
        let run = sandbox.run(&["fetch", "AAPL", "-p", "acme", "-t", made]);
        run.fails(1, &[&format!("{made} of `AAPL`")]);
    }
}

#[test]
fn a_limit_that_is_said_in_a_body_pauses_its_provider() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, ENDPOINTS);
    let run = sandbox.run(&["fetch", "BUSY", "-p", "acme", "--max-wait", "0"]);
    run.fails(
        1,
        &[
            "error: BUSY: acme allows no more requests now (your limit is reached)",
            "hint: it is asked again from",
        ],
    );
    let run = sandbox.run(&["fetch", "AAPL", "-p", "acme", "--max-wait", "0"]);
    run.fails(1, &["error: AAPL: acme allows no more requests until"]);
    assert_eq!(upstream.count(), 1, "whoever was told to wait does");
}

#[test]
fn a_mistake_in_an_endpoint_is_told_with_its_line() {
    let upstream = Upstream::start(answer);
    let sandbox = machine(&upstream, &ENDPOINTS.replace("price: /data/last", "bid: /data/last"));
    let run = sandbox.run(&["fetch", "AAPL", "-p", "acme"]);
    run.fails(
        2,
        &[
            "config.yaml:10:9: the fields of `quote` lack `price`",
            "hint: write where each stands, as in fields: {price: /data/last}",
        ],
    );
    assert_eq!(upstream.count(), 0);
}

#[test]
fn another_definition_is_another_value() {
    let upstream = Upstream::start(|_| reply_with(200, "ETag: \"1\"", r#"{"a":1.5,"b":2.5}"#));
    let prices = |field: &str, more: &str| {
        format!("\n      quote: {{path: \"/q/{{symbol}}\", fields: {{price: {field}}}{more}}}\n")
    };
    let sandbox = machine(&upstream, &prices("/a", ""));
    let price = || json_at(&sandbox, "2026-07-01T15:00:01Z", &["fetch", "AAPL", "-p", "acme"]);
    assert_eq!(price()[0]["price"], 1.5);
    let rewrite = |endpoints: &str| {
        let text =
            std::fs::read_to_string(sandbox.path("home/.config/mcache/config.yaml")).unwrap();
        let (before, _) = text.split_once("endpoints:").unwrap();
        sandbox.config(&format!("{before}endpoints:{endpoints}"));
    };
    rewrite(&prices("/a", ", limit: 10/1m, keep: 1d"));
    assert_eq!(price()[0]["cache"]["status"], "hit");
    rewrite(&prices("/b", ""));
    let other = price();
    assert_eq!((&other[0]["price"], &other[0]["cache"]["status"]), (&2.5.into(), &"miss".into()));
}

/// Endpoints whose answers are kept as they are sent.
const PAYLOADS: &str = r#"
      sentiment:
        path: /v1/sentiment/{symbol}
        query: {s: "{symbol:lower}", depth: "{param:depth}"}
        params: {depth: 10}
        ttl: 10m
      coinlist: {path: /v1/coinlist}
      picture: {path: /v1/picture}
      page: {path: /v1/page}
      map: {method: POST, path: /v1/map, body: '{{"pair":"{base}-{quote:lower}"}}'}
"#;

fn payload(incoming: &Incoming) -> Vec<u8> {
    match incoming.path.split('?').next().unwrap() {
        "/v1/picture" => reply(200, "image/png", b"\x89PNG\0"),
        "/v1/page" => reply(200, "text/html", b"<html>please log in</html>"),
        _ => reply(200, "application/json", b"{\n \"score\" : 0.50 ,\n \"of\": [ 1e3 ] }\n"),
    }
}

#[test]
fn what_has_no_fields_is_kept_as_it_is_sent() {
    let upstream = Upstream::start(payload);
    let sandbox = machine(&upstream, PAYLOADS);
    let run = sandbox.run(&["fetch", "AAPL", "-t", "sentiment", "-f", "ndjson"]);
    let kept = r#"{"symbol":"AAPL","asset_class":"stock","type":"sentiment","provider":"acme","payload":{"score":0.50,"of":[1e3]},"cache":{"key":"sentiment:stock:AAPL","#;
    assert!(run.stdout.starts_with(kept), "{run:?}");
    assert_eq!(upstream.seen().pop().unwrap().path, "/v1/sentiment/AAPL?depth=10&s=aapl");
    let raw = sandbox.run(&["fetch", "AAPL", "-t", "sentiment", "--raw"]);
    assert_eq!(raw.stdout, "{\"score\":0.50,\"of\":[1e3]}\n");
    let got = sandbox.run(&["get", "sentiment:stock:AAPL"]);
    assert!(got.stdout.contains("0.50") && got.code == Some(0), "{got:?}");
    assert_eq!(upstream.count(), 1, "they are hits");
    let other = ["fetch", "AAPL", "-t", "sentiment", "--param", "depth=20", "-f", "json"];
    let other = sandbox.json(&other[..6]);
    assert_eq!(other[0]["cache"]["key"], "sentiment:stock:AAPL:depth=20");
    assert_eq!((upstream.count(), &other[0]["cache"]["ttl_seconds"]), (2, &600.0.into()));
}

#[test]
fn an_endpoint_without_a_symbol_is_asked_once_whatever_the_symbols_are() {
    let upstream = Upstream::start(payload);
    let sandbox = machine(&upstream, PAYLOADS);
    for arguments in [&["-t", "coinlist"][..], &["AAPL", "MSFT", "-t", "coinlist"]] {
        let answers = sandbox.json(&[&["fetch"], arguments].concat());
        assert_eq!(answers.as_array().unwrap().len(), 1, "{answers}");
        assert_eq!(answers[0]["cache"]["key"], "coinlist:acme");
        assert_eq!(answers[0].get("symbol"), None);
    }
    assert_eq!(upstream.count(), 1);
    let run = sandbox.run(&["fetch", "-t", "sentiment"]);
    assert_eq!(run.code, Some(2), "{run:?}");
    let run = sandbox.run(&["fetch", "AAPL", "-t", "sentimnt"]);
    assert!(run.stderr.contains("did you mean `sentiment`?"), "{run:?}");
}

#[test]
fn what_one_calls_as_a_shipped_service_does_is_asked_of_ones_own() {
    let upstream = Upstream::start(payload);
    let sandbox = Sandbox::new();
    // Behind all that are shipped, by name.
    sandbox.config(&format!(
        "providers:\n  zeta:\n    kind: http\n    base_url: \"{}\"\n    endpoints:\n      \
         open_interest: {{path: \"/oi/{{symbol}}\"}}\n      coinlist: {{path: /coins}}\n",
        upstream.url()
    ));
    for (arguments, key) in [
        (&["BTC", "-t", "open_interest"][..], "open_interest:crypto:BTC"),
        (&["-t", "coinlist"], "coinlist:zeta"),
    ] {
        let answers = sandbox.json(&[&["fetch"], arguments].concat());
        assert_eq!(answers[0]["provider"], "zeta");
        assert_eq!(answers[0]["cache"]["key"], key);
    }
    assert_eq!(sandbox.run(&["get", "open_interest:crypto:BTC"]).code, Some(0));
    // What only another has is asked of that, and who is named is asked.
    for arguments in [&["-t", "tickerlist"][..], &["-t", "coinlist", "-p", "cryptometer"]] {
        let run = sandbox.run(&[&["fetch"], arguments].concat());
        run.fails(1, &["cryptometer needs a key and has none"]);
    }
}

#[test]
fn bytes_are_kept_and_a_page_for_people_is_not() {
    let upstream = Upstream::start(payload);
    let sandbox = machine(&upstream, PAYLOADS);
    let picture = &sandbox.json(&["fetch", "-t", "picture"])[0]["payload"];
    assert_eq!(picture["content_type"], "image/png");
    assert_eq!((&picture["bytes"], &picture["base64"]), (&5.into(), &"iVBORwA=".into()));
    let run = sandbox.run(&["fetch", "-t", "page", "-f", "ndjson"]);
    assert!(run.stdout.contains("\"kind\":\"invalid_data\""), "{run:?}");
    assert!(!sandbox.run(&["keys"]).stdout.contains("page:acme"));
}

#[test]
fn a_body_is_filled_in_and_posted() {
    let upstream = Upstream::start(|incoming| reply(200, "application/json", &incoming.body));
    let sandbox = machine(&upstream, PAYLOADS);
    let answer = sandbox.json(&["fetch", "BTC", "-t", "map"]);
    assert_eq!(answer[0]["payload"], serde_json::json!({"pair": "BTC-usdt"}));
    assert_eq!(upstream.seen()[0].method, "POST");
    // A stock has no two sides.
    let run = sandbox.run(&["fetch", "AAPL", "-t", "map", "-p", "acme"]);
    assert_eq!(run.code, Some(1), "{run:?}");
}
