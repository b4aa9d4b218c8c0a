//! The upstreams that are shipped as configuration, from the shipped file to what is printed.

use serde_json::Value;

use crate::sandbox::{Incoming, Sandbox, Upstream, reply};

/// A machine whose provider of this name is a loopback server without limits that answers so, by the path
/// without its query.
fn machine(
    provider: &str,
    answer: impl Fn(&str, &Incoming) -> (u16, String) + Send + Sync + 'static,
) -> (Upstream, Sandbox) {
    let upstream = Upstream::start(move |incoming| {
        let path = incoming.path.split('?').next().unwrap();
        let (status, body) = answer(path, incoming);
        let of = match body.chars().next() {
            Some('{' | '[') => "application/json",
            Some('<') => "text/html",
            _ => "text/csv",
        };
        reply(status, of, body.as_bytes())
    });
    let sandbox = Sandbox::new().with_provider(provider, upstream.url());
    sandbox.config(&format!("providers: {{{provider}: {{limits: []}}}}\n"));
    (upstream, sandbox)
}

/// What is answered, without what is said of the cache.
fn fetched(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    let mut answer = sandbox.json(&[&["fetch"], arguments].concat())[0].take();
    answer.as_object_mut().unwrap().remove("cache");
    answer
}

/// The last path that was asked for.
fn last(upstream: &Upstream) -> String {
    upstream.seen().pop().unwrap().path
}

/// The kind of the error that is said of a question.
fn refused(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let run = sandbox.run(&[&["fetch", "-f", "ndjson", "--max-wait", "0"], arguments].concat());
    assert_eq!(run.code, Some(1), "{run:?}");
    let answer: Value = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    answer["error"]["kind"].as_str().unwrap().to_owned()
}

#[test]
fn coinbase_has_quotes_and_bars_of_the_pair_that_was_meant_and_of_no_other() {
    let (upstream, sandbox) = machine("coinbase", |path, _| {
        match path {
        "/products/BTC-USD/ticker" => (
            200,
            r#"{"trade_id":1,"price":"60000.50","size":"1","bid":"60000","ask":"60001","volume":"1234.5","time":"2026-07-01T14:59:59Z"}"#.into(),
        ),
        "/products/BTC-USD/candles" => (
            200,
            "[[1782864000,59000,61000,59500,60000.5,10.5],[1782777600,58000,60000,58500,59500,20]]".into(),
        ),
        _ => (404, r#"{"message":"NotFound"}"#.into()),
    }
    });
    let quote = fetched(&sandbox, &["BTC-USD"]);
    assert_eq!((&quote["provider"], &quote["symbol"]), (&"coinbase".into(), &"BTC/USD".into()));
    assert_eq!(quote["price"], 60000.5);
    assert_eq!((&quote["bid"], &quote["currency"]), (&60000.into(), &"USD".into()));
    assert_eq!(last(&upstream), "/products/BTC-USD/ticker");
    assert!(upstream.seen()[0].header("user-agent").is_some_and(|who| who.starts_with("mcache/")));
    let bars = fetched(&sandbox, &["BTC-USD", "-tbars", "--from", "2026-06-30"]);
    assert_eq!(bars["bars"].as_array().unwrap().len(), 2, "{bars}");
    assert_eq!((&bars["bars"][0]["low"], &bars["bars"][1]["open"]), (&58000.into(), &59500.into()));
    assert!(last(&upstream).starts_with("/products/BTC-USD/candles?end="), "{}", last(&upstream));
    assert_eq!(refused(&sandbox, &["BTC", "-p", "coinbase"]), "not_found");
    assert_eq!(last(&upstream), "/products/BTC-USDT/ticker");
    let asked = upstream.count();
    assert_eq!(refused(&sandbox, &["AAPL", "-p", "coinbase"]), "unsupported");
    assert_eq!(upstream.count(), asked, "a stock is no coin");
}

#[test]
fn kraken_is_asked_in_its_own_names_and_fails_with_a_status_of_success() {
    let (upstream, sandbox) = machine("kraken", |path, incoming| {
        let body = match path {
            _ if incoming.path.contains("XBTEUR") => r#"{"error":["EQuery:Unknown asset pair"]}"#,
            _ if incoming.path.contains("ETHEUR") => r#"{"error":["EAPI:Rate limit exceeded"]}"#,
            "/0/public/Ticker" => {
                r#"{"error":[],"result":{"XBTUSDT":{"a":["60001","1"],"b":["60000","1"],"c":["60000.5","0.1"],"v":["1","2"],"p":["1","1"],"t":[1,2],"l":["59000","58000"],"h":["61000","62000"],"o":"59500"}}}"#
            }
            _ => {
                r#"{"error":[],"result":{"XBTUSDT":[[1782864000,"59500","61000","59000","60000.5","60000","10.5",7]],"last":1782777600}}"#
            }
        };
        (200, body.into())
    });
    let quote = fetched(&sandbox, &["BTC", "-p", "kraken"]);
    assert_eq!(
        (&quote["price"], &quote["high"], &quote["open"]),
        (&60000.5.into(), &62000.into(), &Value::Null)
    );
    assert_eq!(last(&upstream), "/0/public/Ticker?pair=XBTUSDT");
    let bars = fetched(&sandbox, &["BTC", "-p", "kraken", "-tbars", "--from", "2026-07-01"]);
    assert_eq!(
        (&bars["bars"][0]["close"], &bars["bars"][0]["volume"]),
        (&60000.5.into(), &10.5.into())
    );
    assert_eq!(last(&upstream), "/0/public/OHLC?interval=1440&pair=XBTUSDT");
    assert_eq!(refused(&sandbox, &["BTC/EUR", "-p", "kraken"]), "not_found");
    assert_eq!(refused(&sandbox, &["ETH/EUR", "-p", "kraken"]), "rate_limited");
    let run = sandbox.run(&[
        "fetch",
        "ETH",
        "-p",
        "kraken",
        "-tbars",
        "--from",
        "2020-01-01",
        "--to",
        "2020-02-01",
    ]);
    run.fails(1, &["kraken", "ETH"]);
}

#[test]
fn finnhubs_zeros_are_no_price_and_its_key_goes_into_a_header() {
    let (upstream, sandbox) = machine("finnhub", |_, incoming| {
        let body = if incoming.path.ends_with("=NOSUCH") {
            r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#
        } else {
            r#"{"c":261.74,"d":1.5,"dp":0.5764,"h":263.31,"l":260.68,"o":261.07,"pc":260.24,"t":1782917999}"#
        };
        (200, body.into())
    });
    let run = sandbox.run(&["fetch", "AAPL", "-p", "finnhub"]);
    run.fails(1, &["finnhub needs a key and has none", "FINNHUB_API_KEY"]);
    assert_eq!(upstream.count(), 0, "without a key nobody is asked");
    let sandbox = sandbox.env("FINNHUB_API_KEY", "f1nn");
    let quote = fetched(&sandbox, &["AAPL", "-p", "finnhub"]);
    assert_eq!((&quote["price"], &quote["change_percent"]), (&261.74.into(), &0.5764.into()));
    assert_eq!(last(&upstream), "/quote?symbol=AAPL");
    assert_eq!(upstream.seen()[0].header("x-finnhub-token"), Some("f1nn"));
    assert_eq!(refused(&sandbox, &["NOSUCH", "-p", "finnhub"]), "not_found");
}

#[test]
fn what_alpha_vantage_says_with_a_status_of_success_is_heard() {
    let (upstream, sandbox) = machine("alphavantage", |_, incoming| {
        let body = match incoming.path.as_str() {
            path if path.contains("TIME_SERIES_DAILY") => {
                r#"{"Meta Data":{},"Time Series (Daily)":{"2026-06-30":{"1. open":"2.0","2. high":"4.0","3. low":"1.0","4. close":"3.0","5. volume":"200"},"2026-06-29":{"1. open":"1.0","2. high":"2.0","3. low":"1.0","4. close":"2.0","5. volume":"100"}}}"#
            }
            path if path.contains("symbol=NOSUCH") => r#"{"Global Quote":{}}"#,
            path if path.contains("symbol=BUSY") => {
                r#"{"Information":"Our standard API rate limit is 25 requests per day."}"#
            }
            path if path.contains("symbol=DEAR") => {
                r#"{"Information":"This is a premium endpoint"}"#
            }
            _ => {
                r#"{"Global Quote":{"01. symbol":"IBM","05. price":"112.1300","08. previous close":"112.7900","10. change percent":"-0.5852%","07. latest trading day":"2026-06-30"}}"#
            }
        };
        (200, body.into())
    });
    let sandbox = sandbox.env("ALPHAVANTAGE_API_KEY", "4lpha");
    let quote = fetched(&sandbox, &["IBM", "-p", "alphavantage"]);
    assert_eq!((&quote["price"], &quote["change_percent"]), (&112.13.into(), &(-0.5852).into()));
    assert_eq!(last(&upstream), "/query?function=GLOBAL_QUOTE&symbol=IBM&apikey=4lpha");
    let bars = fetched(
        &sandbox,
        &["IBM", "-p", "alphavantage", "-tbars", "--from", "2026-06-29", "--to", "2026-06-30"],
    );
    assert_eq!((&bars["bars"][0]["close"], &bars["bars"][1]["close"]), (&2.into(), &3.into()));
    assert_eq!(refused(&sandbox, &["NOSUCH", "-p", "alphavantage"]), "not_found");
    assert_eq!(refused(&sandbox, &["DEAR", "-p", "alphavantage"]), "unauthorized");
    assert_eq!(refused(&sandbox, &["BUSY", "-p", "alphavantage"]), "rate_limited");
}

#[test]
fn twelve_data_is_asked_a_day_wider_and_its_codes_are_heard() {
    let (upstream, sandbox) = machine("twelvedata", |path, incoming| {
        let body = match path {
            _ if incoming.path.contains("symbol=NOSUCH") => {
                r#"{"code":404,"message":"**symbol** not found: NOSUCH","status":"error"}"#
            }
            _ if incoming.path.contains("symbol=BUSY") => {
                r#"{"code":429,"message":"You have run out of API credits for the current minute.","status":"error"}"#
            }
            "/quote" => {
                r#"{"symbol":"AAPL","mic_code":"XNAS","currency":"USD","timestamp":1782912600,"last_quote_at":1782917940,"open":"2","high":"4","low":"1","close":"3.50","volume":"100","previous_close":"3","change":"0.5","percent_change":"16.7"}"#
            }
            _ => {
                r#"{"meta":{},"values":[{"datetime":"2026-07-01","open":"3","high":"4","low":"2","close":"3","volume":"1"},{"datetime":"2026-06-30","open":"2","high":"4","low":"1","close":"3","volume":"2"},{"datetime":"2026-06-29","open":"1","high":"2","low":"1","close":"2","volume":"3"}],"status":"ok"}"#
            }
        };
        (200, body.into())
    });
    let sandbox = sandbox.env("TWELVEDATA_API_KEY", "tw3lve");
    let quote = fetched(&sandbox, &["AAPL", "-p", "twelvedata"]);
    assert_eq!((&quote["price"], &quote["currency"]), (&3.5.into(), &"USD".into()));
    assert_eq!(quote["time"], "2026-07-01T14:59:00Z", "and not when the day opened");
    assert_eq!(quote["cache"].get("frozen_since"), None);
    let of = ["AAPL", "-p", "twelvedata", "-tbars", "--from", "2026-06-29", "--to", "2026-06-30"];
    let bars = fetched(&sandbox, &of);
    let dates: Vec<&Value> =
        bars["bars"].as_array().unwrap().iter().map(|bar| &bar["date"]).collect();
    assert_eq!(dates, ["2026-06-29", "2026-06-30"]);
    let asked = last(&upstream);
    assert!(
        asked.contains("start_date=2026-06-28") && asked.contains("end_date=2026-07-0"),
        "{asked}"
    );
    assert_eq!(refused(&sandbox, &["NOSUCH", "-p", "twelvedata"]), "not_found");
    assert_eq!(refused(&sandbox, &["BUSY", "-p", "twelvedata"]), "rate_limited");
}

#[test]
fn fred_has_its_series_without_a_key_too() {
    let (upstream, sandbox) = machine("fred_csv", |_, incoming| {
        if incoming.path.ends_with("=NOSUCH") {
            return (404, "<!DOCTYPE html><html></html>".into());
        }
        (200, "observation_date,GDP\n2026-01-01,28295.630\n2026-04-01,\n".into())
    });
    let series = fetched(&sandbox, &["GDP", "-p", "fred_csv"]);
    assert_eq!(series["observations"][0]["value"], 28295.63);
    assert_eq!(series["observations"][1]["value"], Value::Null);
    assert_eq!(last(&upstream), "/graph/fredgraph.csv?id=GDP");
    assert_eq!(refused(&sandbox, &["macro:NOSUCH", "-p", "fred_csv"]), "not_found");
    assert_eq!(refused(&sandbox, &["GDP", "-p", "fred_csv", "-tquote"]), "unsupported");
}

#[test]
fn the_treasury_sends_a_year_and_never_a_page_for_people() {
    let (upstream, sandbox) = machine("us_treasury", |path, _| {
        if path.contains("/2022/") {
            (200, "Date,\"1 Mo\"\n10/21/2022,3.55".into())
        } else {
            (200, "<!DOCTYPE html><html></html>".into())
        }
    });
    let year = |year: &str| {
        ["fetch", "-t", "yield_curve", "--param", &format!("year={year}"), "--raw"]
            .map(str::to_owned)
    };
    let run = sandbox.run(&year("2022").each_ref().map(String::as_str));
    assert!(run.code == Some(0) && run.stdout.contains("10/21/2022,3.55"), "{run:?}");
    assert!(last(&upstream).contains("field_tdr_date_value=2022"), "{}", last(&upstream));
    let run = sandbox.run(&year("2099").each_ref().map(String::as_str));
    assert!(run.code == Some(1) && run.stderr.contains("page for people"), "{run:?}");
}

#[test]
fn what_the_presets_add_changes_nobody_who_answers_first() {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new()
        .with_provider("binance", upstream.url())
        .with_provider("yahoo", upstream.url());
    for (symbol, provider) in
        [("BTC", "binance"), ("AAPL", "yahoo"), ("^GSPC", "yahoo"), ("EURUSD=X", "yahoo")]
    {
        assert_eq!(fetched(&sandbox, &[symbol])["provider"], provider, "{symbol}");
    }
    for name in ["coinbase", "kraken", "finnhub"] {
        assert_eq!(
            sandbox.run(&["config", "show", &format!("providers.{name}.kind")]).code,
            Some(0),
            "{name}"
        );
    }
}
