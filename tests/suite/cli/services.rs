//! Cryptometer, `KingFisher`, Airtable and Telegram, as they are shipped: the real program and the
//! configuration that is compiled in, with nothing changed but where they are.

use serde_json::{Value, json};

use super::{json_at, reply_with};
use crate::sandbox::{Incoming, Run, Sandbox, Upstream, reply};

/// The four, with the variables that their keys stand in.
const KEYS: [(&str, &str); 4] = [
    ("cryptometer", "CRYPTOMETER_API_KEY"),
    ("kingfisher", "KINGFISHER_API_KEY"),
    ("airtable", "AIRTABLE_API_KEY"),
    ("telegram", "TELEGRAM_BOT_TOKEN"),
];

/// A machine on which this service is this upstream; its use makes it no more careful.
fn machine(service: &str, upstream: &Upstream) -> Sandbox {
    let (_, variable) = KEYS.into_iter().find(|(name, _)| *name == service).unwrap();
    Sandbox::new()
        .with_provider(service, upstream.url())
        .env(&format!("MCACHE_PROVIDERS__{}__STRATEGY", service.to_uppercase()), "normal")
        .env(variable, "12:k-e_y")
}

fn sent(body: &str) -> Vec<u8> {
    reply(200, "application/json", body.as_bytes())
}

/// The endpoints of Cryptometer: what is asked, the request that goes out without its key, the key that
/// it has, and for how many seconds it is fresh.
const CRYPTOMETER: [(&[&str], &str, &str, f64); 17] = [
    (&["BTC", "-t", "ticker"], "/ticker/?e=binance&market_pair=BTCUSDT", "ticker:crypto:BTC", HOT),
    (&["-t", "rapid_movements"], "/rapid-movements/?", "rapid_movements:cryptometer", HOT),
    (
        &["ETH", "-t", "ls_ratio"],
        "/ls-ratio/?e=binance_futures&pair=ETH-USDT&timeframe=1h",
        "ls_ratio:crypto:ETH",
        HOT,
    ),
    (
        &["BTC", "-t", "liquidation_data_v2"],
        "/liquidation-data-v2/?symbol=btc",
        "liquidation_data_v2:crypto:BTC",
        HOT,
    ),
    (
        &["BTC/USDT", "-t", "open_interest"],
        "/open-interest/?e=binance_futures&market_pair=BTCUSDT",
        "open_interest:crypto:BTC",
        HOT,
    ),
    (&["-t", "trend_indicator_v3"], "/trend-indicator-v3/?", "trend_indicator_v3:cryptometer", HOT),
    (&["-t", "tickerlist"], "/tickerlist/?e=binance", "tickerlist:cryptometer", WARM),
    (
        &["-t", "tickerlist-pro", "--param", "e=bybit"],
        "/tickerlist-pro/?e=bybit",
        "tickerlist_pro:cryptometer:e=bybit",
        WARM,
    ),
    (
        &["SOL", "-t", "ohlcv", "--param", "timeframe=4h", "-p", "cryptometer"],
        "/ohlcv/?e=binance&pair=SOL-USDT&timeframe=4h",
        "ohlcv:crypto:SOL:timeframe=4h",
        WARM,
    ),
    (
        &["BTC", "-t", "24h_trade_volume_v2"],
        "/24h-trade-volume-v2/?e=binance&pair=BTC-USDT",
        "24h_trade_volume_v2:crypto:BTC",
        WARM,
    ),
    (&["BTC", "-t", "xtrades"], "/xtrades/?e=binance&symbol=btc", "xtrades:crypto:BTC", WARM),
    (&["-t", "ai_screener"], "/ai-screener/?type=full", "ai_screener:cryptometer", COLD),
    (
        &["BTC", "-t", "ai_screener_analysis"],
        "/ai-screener-analysis/?symbol=BTC",
        "ai_screener_analysis:crypto:BTC",
        COLD,
    ),
    (&["-t", "coinlist"], "/coinlist/?e=binance", "coinlist:cryptometer", FROZEN),
    (&["-t", "coin_info"], "/coininfo/?", "coin_info:cryptometer", FROZEN),
    (
        &["-t", "cryptocurrency_info", "--param", "filter=defi"],
        "/cryptocurrency-info/?e=binance&filter=defi",
        "cryptocurrency_info:cryptometer:filter=defi",
        FROZEN,
    ),
    (&["-t", "forex_rates"], "/forex-rates/?source=USD", "forex_rates:cryptometer", FROZEN),
];

const HOT: f64 = 300.0;
const WARM: f64 = 900.0;
const COLD: f64 = 3600.0;
const FROZEN: f64 = 21_600.0;

#[test]
fn each_endpoint_of_cryptometer_is_answered_and_the_second_answer_costs_no_call() {
    let upstream = Upstream::start(|incoming| {
        let asked = incoming.path.split('?').next().unwrap();
        sent(&format!(
            r#"{{"data":[{{"of":"{asked}","last":"1.50"}}],"success":"true","error":"false"}}"#
        ))
    });
    let sandbox = machine("cryptometer", &upstream);
    for (at, (asked, request, key, ttl)) in CRYPTOMETER.into_iter().enumerate() {
        let arguments = [&["fetch"], asked].concat();
        let answer = sandbox.json(&arguments)[0].take();
        let path = request.split('?').next().unwrap();
        let payload =
            json!({"data": [{"of": path, "last": "1.50"}], "success": "true", "error": "false"});
        assert_eq!(answer["payload"], payload, "{asked:?}");
        assert_eq!(answer["cache"]["key"], key);
        assert_eq!(
            (&answer["cache"]["status"], answer["cache"]["ttl_seconds"].as_f64()),
            (&json!("miss"), Some(ttl)),
            "{key}"
        );
        let with_key = format!("{request}&api_key=12%3Ak-e_y").replace("?&", "?");
        assert_eq!(upstream.seen()[at].path, with_key);
        let again = json_at(&sandbox, "2026-07-01T15:04:30Z", &arguments);
        assert_eq!(again[0]["cache"]["status"], "hit", "{key}");
        assert_eq!((again[0]["payload"].clone(), upstream.count()), (payload, at + 1));
    }
    let keys = sandbox.run(&["keys", "-f", "ndjson"]).stdout;
    assert!(
        CRYPTOMETER.iter().all(|(_, _, key, _)| keys.contains(&format!("\"{key}\""))),
        "{keys}"
    );
    let endpoints = &sandbox.json(&["stats"])["providers"]["cryptometer"]["endpoints"];
    assert_eq!(endpoints.as_object().unwrap().len(), 17);
    assert_eq!(
        (&endpoints["ls_ratio"]["hits"], &endpoints["ls_ratio"]["calls"]),
        (&json!(1), &json!(1))
    );
    let limits = sandbox.run(&["limits", "cryptometer/ls_ratio"]).stdout;
    assert!(limits.contains("1 of 10/1m") && limits.contains("17 of 100/1m"), "{limits}");
}

#[test]
fn what_cryptometer_says_with_a_status_of_success_is_heard() {
    let upstream = Upstream::start(|incoming| {
        let of = |coin: &str| incoming.path.contains(&format!("market_pair={coin}USDT"));
        let failed = |said: &str| sent(&format!(r#"{{"success":"false","error":"{said}"}}"#));
        match () {
            () if of("ADA") => failed("No Data"),
            () if of("DOT") => sent(r#"{"success":"false","message":"No Liquidation data found"}"#),
            () if of("SOL") => failed("This endpoint is only for paid plans"),
            () if of("XRP") => failed("market_pair is missing"),
            () if of("LTC") => failed("boom"),
            () if of("BCH") => sent("<html>"),
            () if of("ETC") => failed("Invalid API Key"),
            () => failed("Rate limit exceeded"),
        }
    });
    let sandbox = machine("cryptometer", &upstream);
    let fetch =
        |coin: &str| sandbox.run(&["fetch", coin, "-t", "ticker", "-f", "json", "--max-wait", "0"]);
    for coin in ["ADA", "DOT"] {
        let answer = fetch(coin).json();
        assert_eq!(answer[0]["payload"]["success"], "false", "nothing is an answer too: {answer}");
        assert_eq!(fetch(coin).json()[0]["cache"]["status"], "hit");
    }
    for (coin, kind, said) in [
        ("SOL", "unsupported", "cryptometer cannot answer this for `SOL` (This endpoint is only"),
        ("XRP", "unsupported", "(market_pair is missing)"),
        ("LTC", "upstream", "cryptometer failed on `LTC` (boom)"),
        ("BCH", "invalid_data", "cannot be read"),
        ("ETC", "unauthorized", "cryptometer refused the request (Invalid API Key)"),
        ("TRX", "rate_limited", "cryptometer allows no more requests now (Rate limit exceeded)"),
    ] {
        let run = fetch(coin);
        let error = &serde_json::from_str::<Value>(&run.stdout).unwrap()[0]["error"];
        assert_eq!((&error["kind"], run.code), (&json!(kind), Some(1)), "{run:?}");
        assert!(error["message"].as_str().unwrap().contains(said), "{run:?}");
    }
    let asked = upstream.count();
    fetch("UNI").fails(1, &["cryptometer allows no more requests until"]);
    assert_eq!(upstream.count(), asked, "whoever was told to wait does");
    // A stock has no two sides, and whoever has no key asks nobody.
    sandbox
        .run(&["fetch", "AAPL", "-t", "ticker", "-p", "cryptometer"])
        .fails(1, &["has no ticker"]);
    let keyless = Sandbox::new().with_provider("cryptometer", upstream.url());
    keyless.run(&["fetch", "BTC", "-t", "ticker"]).fails(
        1,
        &["cryptometer needs a key and has none", "set the variable CRYPTOMETER_API_KEY"],
    );
    assert_eq!(upstream.count(), asked);
}

/// A picture, or what begins as one.
const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xfe";

#[test]
fn a_map_of_kingfisher_may_be_a_picture_and_comes_out_as_it_went_in() {
    let upstream = Upstream::start(|incoming| match incoming.path.as_str() {
        "/api/map/latest" => sent(r#"{"result":{"clusters":[{"price":61000.50,"size":1e3}]}}"#),
        "/api/support-resistance/latest" => reply(402, "application/json", b"{}"),
        _ => reply(200, "image/png", PICTURE),
    });
    let sandbox = machine("kingfisher", &upstream);
    let map = &sandbox.json(&["fetch", "BTC", "-t", "liquidation_map"])[0];
    assert_eq!(map["payload"]["result"]["clusters"][0]["size"], 1e3);
    assert_eq!(map["cache"]["ttl_seconds"], HOT);
    let incoming = upstream.seen().remove(0);
    assert_eq!(
        (incoming.method.as_str(), incoming.header("x-api-key")),
        ("POST", Some("12:k-e_y"))
    );
    let body: Value = serde_json::from_slice(&incoming.body).unwrap();
    assert_eq!(body, json!({"pair": "BTCUSDT", "exchange": "binance", "type": "perpetual"}));
    for (endpoint, ttl) in [
        ("rsi_heatmap", WARM),
        ("liquidation_heatmap", WARM),
        ("long_term_ratios", COLD),
        ("professional_report", FROZEN),
    ] {
        let heatmap = &sandbox.json(&["fetch", "ETH", "-t", endpoint])[0];
        assert_eq!(heatmap["cache"]["ttl_seconds"], ttl, "{endpoint}");
        assert_eq!(heatmap["payload"]["content_type"], "image/png");
        assert_eq!(heatmap["payload"]["bytes"], PICTURE.len());
        assert_eq!(heatmap["payload"]["base64"], "iVBORw0KGgoAAAANSUhEUv/+");
    }
    let asked = upstream.count();
    let file = sandbox.path("heatmap.png");
    let arguments = ["fetch", "ETH", "-t", "rsi_heatmap", "--raw", "-o", file.to_str().unwrap()];
    assert_eq!(sandbox.run(&arguments).code, Some(0));
    assert_eq!(std::fs::read(&file).unwrap(), PICTURE);
    assert_eq!(sandbox.run(&arguments[..5]).bytes, PICTURE);
    assert_eq!(upstream.count(), asked, "they are hits");
    let run = sandbox.run(&["fetch", "ETH", "-t", "support_resistance"]);
    run.fails(1, &["kingfisher wants to be paid for this (HTTP 402)"]);
    // Another type is another body, another question and another key.
    let other = ["fetch", "BTC", "-t", "liquidation_map", "--param", "type=spot"];
    assert_eq!(sandbox.json(&other)[0]["cache"]["key"], "liquidation_map:crypto:BTC:type=spot");
    sandbox.run(&["fetch", "BTC", "-t", "historical"]).fails(
        1,
        &["kingfisher is asked for historical with a `ts`, and none is said", "--param ts="],
    );
    let past = ["fetch", "BTC", "-t", "historical", "--param", "ts=1751382000000"];
    assert_eq!(sandbox.json(&past)[0]["cache"]["ttl_seconds"], FROZEN);
}

#[test]
fn a_parameter_that_nothing_takes_is_refused_before_anybody_is_asked() {
    let upstream = Upstream::start(|_| sent(r#"{"success":"true","data":[]}"#));
    let sandbox = machine("cryptometer", &upstream);
    let of = ["fetch", "ETH", "-t", "ls_ratio", "--param"];
    let run = sandbox.run(&[&of[..], &["exchange=bybit"]].concat());
    run.fails(
        2,
        &["nothing that is asked for takes a `exchange`", "its parameters are e, timeframe"],
    );
    let run = sandbox.run(&[&of[..], &["timefame=4h"]].concat());
    run.fails(2, &["did you mean --param timeframe=…?"]);
    sandbox.run(&["fetch", "ETH", "--param", "e=bybit"]).fails(2, &["leave --param away"]);
    assert_eq!(upstream.count(), 0);
    let both = ["fetch", "ETH", "-t", "ticker,ls_ratio", "--param", "timeframe=4h", "-q"];
    assert_eq!(sandbox.run(&both).code, Some(0), "one of them takes it");
}

#[test]
fn what_two_services_have_is_the_first_ones_by_name_unless_one_is_said() {
    let upstream = Upstream::start(|_| sent(r#"{"success":"true","data":[]}"#));
    let sandbox = machine("cryptometer", &upstream)
        .with_provider("kingfisher", upstream.url())
        .env("KINGFISHER_API_KEY", "k");
    let of = |more: &[&str]| {
        let answer = sandbox.json(&[&["fetch", "-t", "rapid_movements"], more].concat());
        answer[0]["cache"]["key"].clone()
    };
    assert_eq!(of(&[]), "rapid_movements:cryptometer");
    assert_eq!(of(&["BTC"]), "rapid_movements:cryptometer");
    assert_eq!(of(&["BTC", "-p", "kingfisher"]), "rapid_movements:crypto:BTC");
    let paths: Vec<String> = upstream.seen().into_iter().map(|incoming| incoming.path).collect();
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(paths[0].starts_with("/rapid-movements/") && paths[1].starts_with("/api/rapid-"));
}

#[test]
fn records_of_airtable_are_asked_for_page_by_page() {
    let upstream = Upstream::start(|incoming| {
        let path = incoming.path.as_str();
        if path.contains("offset=itrDead") {
            let error = r#"{"error":{"type":"LIST_RECORDS_ITERATOR_NOT_AVAILABLE","message":"The iterator is gone"}}"#;
            return reply(422, "application/json", error.as_bytes());
        }
        if path.starts_with("/v0/appX/None") {
            return reply(404, "application/json", br#"{"error":"NOT_FOUND"}"#);
        }
        if path.starts_with("/v0/appX/Secret") {
            let error =
                r#"{"error":{"type":"INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND","message":"no"}}"#;
            return reply(403, "application/json", error.as_bytes());
        }
        let next = if path.contains("offset=") { "" } else { r#","offset":"itrA/recB""# };
        sent(&format!(
            r#"{{"records":[{{"id":"recA","createdTime":"2026-07-01T12:00:00.000Z","fields":{{"Symbol":"ETH"}}}}]{next}}}"#
        ))
    });
    let sandbox = machine("airtable", &upstream);
    let fetch = |more: &[&str]| -> Run {
        let base =
            ["fetch", "-t", "records", "-f", "json", "--max-wait", "0", "--param", "base=appX"];
        sandbox.run(&[&base[..], more].concat())
    };
    let first = fetch(&["--param", "table=King Fisher/1"]).json();
    assert_eq!(first[0]["payload"]["records"][0]["fields"]["Symbol"], "ETH");
    let incoming = upstream.seen().remove(0);
    assert_eq!(incoming.path, "/v0/appX/King%20Fisher%2F1?pageSize=100");
    assert_eq!(incoming.header("authorization"), Some("Bearer 12:k-e_y"));
    let offset = format!("offset={}", first[0]["payload"]["offset"].as_str().unwrap());
    let next = fetch(&["--param", "table=King Fisher/1", "--param", &offset]).json();
    assert_eq!(next[0]["payload"].get("offset"), None);
    assert!(upstream.seen()[1].path.ends_with("?offset=itrA%2FrecB&pageSize=100"));
    for (more, kind) in [
        (&["--param", "table=T", "--param", "offset=itrDead"][..], "unsupported"),
        (&["--param", "table=None"], "not_found"),
        (&["--param", "table=Secret"], "unauthorized"),
        (&["--param", "table=.."], "unsupported"),
        (&[], "unsupported"),
    ] {
        let run = fetch(more);
        let error = &serde_json::from_str::<Value>(&run.stdout).unwrap()[0]["error"];
        assert_eq!((&error["kind"], run.code), (&json!(kind), Some(1)), "{more:?}: {run:?}");
    }
    fetch(&[]).fails(1, &["airtable is asked for records with a `table`, and none is said"]);
    assert_eq!(upstream.count(), 5);
}

/// Telegram as its bots know it.
fn telegram(incoming: &Incoming) -> Vec<u8> {
    let path = incoming.path.split('?').next().unwrap();
    match path {
        "/bot12:k-e_y/getUpdates" if incoming.path.contains("offset=1") => {
            let said = r#"{"ok":false,"error_code":409,"description":"Conflict: terminated by other getUpdates request"}"#;
            reply(409, "application/json", said.as_bytes())
        }
        "/bot12:k-e_y/getUpdates" if incoming.path.contains("offset=2") => {
            let said = r#"{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 934","parameters":{"retry_after":934}}"#;
            reply(429, "application/json", said.as_bytes())
        }
        "/bot12:k-e_y/getUpdates" => sent(r#"{"ok":true,"result":[{"update_id":7}]}"#),
        "/bot12:k-e_y/getFile" => {
            sent(r#"{"ok":true,"result":{"file_id":"AgAC","file_path":"photos/file 0.jpg"}}"#)
        }
        "/file/bot12:k-e_y/photos/file%200.jpg" => reply(200, "image/jpeg", PICTURE),
        _ => reply(
            401,
            "application/json",
            br#"{"ok":false,"error_code":401,"description":"Unauthorized"}"#,
        ),
    }
}

#[test]
fn a_bot_of_telegram_sees_its_updates_and_the_files_in_them() {
    let upstream = Upstream::start(telegram);
    let sandbox = machine("telegram", &upstream);
    let updates = &sandbox.json(&["fetch", "-t", "updates"])[0];
    assert_eq!(updates["payload"]["result"][0]["update_id"], 7);
    assert_eq!(updates["cache"]["key"], "updates:telegram");
    let info = &sandbox.json(&["fetch", "-t", "file_info", "--param", "file_id=AgAC"])[0];
    let path = format!("path={}", info["payload"]["result"]["file_path"].as_str().unwrap());
    let file = ["fetch", "-t", "file", "--param", &path, "--raw"];
    assert_eq!(sandbox.run(&file).bytes, PICTURE);
    assert_eq!(sandbox.run(&file).bytes, PICTURE);
    assert_eq!(upstream.count(), 3);
    let run = sandbox.run(&["fetch", "-t", "file", "--param", "path=../../x"]);
    run.fails(1, &["telegram has no file of"]);
    let run = sandbox.run(&["fetch", "-t", "updates", "--param", "offset=1", "--max-wait", "0"]);
    run.fails(1, &["cannot answer this", "Conflict: terminated by other getUpdates request"]);
    // What it says in the body is obeyed, by everybody.
    let run = sandbox.run(&["fetch", "-t", "updates", "--param", "offset=2", "--max-wait", "0"]);
    run.fails(1, &["telegram allows no more requests now (Too Many Requests: retry after 934)"]);
    let row = &sandbox.json(&["limits", "telegram"])[0];
    let until = mcache::time::Timestamp::parse(row["until"].as_str().unwrap()).unwrap();
    let left = until.since(mcache::clock::Clock::system().real_now()).as_secs();
    assert!((900..=934).contains(&left), "{row}");
    let asked = upstream.count();
    sandbox
        .run(&["fetch", "-t", "file_info", "--param", "file_id=B", "--max-wait", "0"])
        .fails(1, &["telegram allows no more requests until"]);
    assert_eq!(upstream.count(), asked);
}

#[test]
fn a_key_of_telegram_that_is_wrong_is_told_and_not_shown() {
    let upstream = Upstream::start(telegram);
    let sandbox = machine("telegram", &upstream).env("TELEGRAM_BOT_TOKEN", "99:wrong/k?y#");
    let run = sandbox.run(&["fetch", "-t", "updates", "-vv", "--max-wait", "0"]);
    run.fails(1, &["telegram refused the request (Unauthorized)"]);
    assert_eq!(upstream.seen()[0].path, "/bot99:wrong%2Fk%3Fy%23/getUpdates");
    assert!(!run.stderr.contains("wrong"), "{run:?}");
}

#[test]
fn a_wait_stands_where_the_configuration_says() {
    let said = r#"{"ok":false,"wait":"120.5"}"#;
    let upstream = Upstream::start(move |_| reply_with(503, "X: y", said));
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers:\n  acme:\n    kind: http\n    base_url: {}\n    endpoints:\n      \
         a: {{path: /a, retry_after: /wait}}\n      b: {{path: /b}}\n",
        upstream.url()
    ));
    let left = |endpoint: &str| {
        sandbox.run(&["fetch", "-t", endpoint, "--max-wait", "0"]);
        let row = sandbox.json(&["limits", "acme"])[0].take();
        let until = mcache::time::Timestamp::parse(row["until"].as_str()?).ok()?;
        Some(until.since(mcache::clock::Clock::system().real_now()).as_secs())
    };
    assert_eq!(left("b"), None);
    assert!(left("a").is_some_and(|seconds| (100..=121).contains(&seconds)));
}
