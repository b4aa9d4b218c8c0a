//! What providers of one's own read of a reply: every shape, every form of a time, what is kept as sent.

use std::sync::{Arc, Mutex};

use mcache::config::{Config, Environment, Said};
use mcache::market::{Class, DataType, EndpointName, Interval, Symbol};
use mcache::provider::{Reply, Speech};

use super::Target;
use super::replies::{bars, fixtures, record, reply};

/// A provider a shape.
const PROVIDERS: &str = r#"
providers:
  plain:
    kind: http
    base_url: https://a.example
    endpoints:
      quote:
        path: /q/{symbol}
        ok: {/status: ok}
        errors: {not_found: {/code: 404}, rate_limited: {/message: "*limit*"}, empty: {/data: "[]"}}
        fields: {price: /data/last, previous_close: /data/prev, open: /data/day/0, high: /data/day/1, low: /data/day/2, bid: /data/bid, ask: /data/*/ask, volume: /data/vol, currency: /data/currency, exchange: /data/venue, time: /data/ts, change: /data/change, change_percent: /data/percent}
        time: {unit: milliseconds, zone: America/New_York}
      bars:
        path: /b/{symbol}/{interval}
        intervals: {1m: 1, 1d: D}
        rows: /data
        fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v, adjusted_close: /a}
        time: {unit: rfc3339, zone: Europe/London}
      series:
        path: /s/{symbol}
        rows: /data
        shape: arrays
        fields: {date: /0, value: /1}
        missing: ["", "."]
      sentiment: {path: /m}
  arrays:
    kind: http
    base_url: https://a.example
    endpoints:
      bars:
        path: /b/{symbol}/{interval}
        intervals: {1m: 1, 1d: D}
        max_rows: 720
        rows: /result/*
        shape: arrays
        fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /6}
        time: {unit: seconds}
  columns:
    kind: http
    base_url: https://a.example
    endpoints:
      bars:
        path: /b/{symbol}/{interval}
        ok: {/s: ok}
        errors: {empty: {/s: no_data}}
        intervals: {1h: 60, 1d: D}
        shape: columns
        fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}
        time: {unit: seconds}
  map:
    kind: http
    base_url: https://a.example
    endpoints:
      quote:
        path: /q
        query: {s: "{symbol}"}
        fields: {price: "/Global Quote/05. price", change_percent: "/Global Quote/10. change percent", time: "/Global Quote/07. latest trading day"}
        time: {unit: "%Y-%m-%d", zone: America/New_York}
      bars:
        path: /b
        query: {s: "{symbol}"}
        intervals: {1d: daily}
        rows: "/Time Series (Daily)"
        shape: map
        fields: {time: "{key}", open: "/1. open", high: "/2. high", low: "/3. low", close: "/4. close", volume: "/5. volume", adjusted_close: "/5. adjusted close"}
        time: {unit: "%Y-%m-%d", zone: America/New_York}
  csv:
    kind: http
    base_url: https://a.example
    endpoints:
      quote:
        path: /q/{symbol}
        shape: csv
        fields: {price: Close, open: Open, high: High, low: Low, volume: Volume, time: Date}
        missing: ["", N/D]
      bars:
        path: /b/{symbol}/{interval}
        errors: {empty: {body: No data}, rate_limited: {body: Exceeded*}}
        intervals: {1d: d, 1m: m}
        shape: csv
        fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /5}
      series:
        path: /s/{symbol}
        shape: csv
        delimiter: ";"
        fields: {date: Date, value: Value}
        time: {unit: "%m/%d/%Y"}
"#;

const JSON: [&str; 9] = [
    r#"{"status":"ok","data":{"last":189.98,"prev":"188.63","day":[188,"190.5",187.1],"bid":1,"x":{"ask":2},"vol":41000,"currency":"USD","venue":"XNAS","ts":1782918000000,"change":-1,"percent":"0.7 %"}}"#,
    r#"{"status":"ok","data":[{"t":"2026-06-29","o":1,"h":2,"l":0.5,"c":1.5,"v":7,"a":1.4},{"t":"2026-06-30T13:30:00Z","o":1,"h":2,"l":0.5,"c":1.5,"v":null}]}"#,
    r#"{"data":[["2026-01-01","1.5"],["2026-04-01",null],["2026-07-01","."]]}"#,
    r#"{"error":[],"result":{"XXBTZUSD":[[1502402520,"3449.9","3450","3449.1","3449.9","1","1.01",3],[1502402580,"3449.9","3450","3449.1","3449.9","1","1.01",3]],"last":1}}"#,
    r#"{"s":"ok","t":[1781000000,1781086400],"o":[1,2],"h":[3,3],"l":[1,1],"c":[2,2.5],"v":[10,0]}"#,
    r#"{"s":"no_data"}"#,
    r#"{"Time Series (Daily)":{"2021-01-11":{"1. open":"127.95","2. high":"129.6","3. low":"127.6","4. close":"128.58","5. volume":"5602466"},"2021-01-08":{"1. open":"128.5","2. high":"129.3","3. low":"126.8","4. close":"128.5","5. volume":"4676487"}}}"#,
    r#"{"Global Quote":{"05. price":"112.13","07. latest trading day":"2018-10-05","10. change percent":"-0.5852%"}}"#,
    r#"{"code":404,"message":"over the limit"}"#,
];

const CSV: [&str; 4] = [
    "Symbol,Date,Time,Open,High,Low,Close,Volume,Name\r\nAAPL.US,2026-06-30,22:00:17,188,190,187,189.9,4100,APPLE\r\n",
    "Date,Open,High,Low,Close,Volume\n2026-06-29,1,2,0.5,1.5,7\n2026-06-30,1,2,0.5,1.5,\"8\"\n",
    "Date;Value\n06/29/2026;1.5\n06/30/2026;\n",
    "No data\n",
];

/// How the provider of this name speaks.
fn speech(name: &str) -> Speech {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, PROVIDERS).unwrap();
    let said = Said { file: Some(path), ..Said::default() };
    let config = Config::load(said, Environment::from([("HOME", "/nowhere")])).unwrap();
    let sites = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&sites);
    drop(config.open_with(|options| *taken.lock().unwrap() = Some(Arc::clone(&options.sites))));
    let sites = sites.lock().unwrap().take().unwrap();
    sites(name).speech
}

/// Reads a reply in every way that a provider has.
fn all(speech: &Speech, reply: &Reply) {
    let symbols = [Symbol::new(Class::Stock, "AAPL"), Symbol::new(Class::Macro, "GDP")];
    for symbol in &symbols {
        for data_type in [DataType::Quote, DataType::Series] {
            if speech.provider().has(symbol, data_type) {
                record(speech, symbol, data_type, reply);
            }
        }
        let charts = speech.provider().charts();
        for interval in [Interval::Minute1, Interval::Day1] {
            if charts.is_some_and(|charts| charts.reach(symbol, interval).is_some()) {
                bars(speech, symbol, interval, reply);
            }
        }
    }
}

pub(super) fn targets() -> Vec<Target> {
    let recorded =
        |names: &[&str]| -> Vec<Vec<u8>> { names.iter().flat_map(|name| fixtures(name)).collect() };
    let seeds = |own: &[&str], names: &[&str]| -> Vec<Vec<u8>> {
        [own.iter().map(|text| text.as_bytes().to_vec()).collect(), recorded(names)].concat()
    };
    let of_json = ["plain", "arrays", "columns", "map"].map(speech);
    let of_csv = speech("csv");
    let plain = speech("plain");
    let sentiment = DataType::Payload(EndpointName::parse("sentiment").unwrap());
    vec![
        Target::new(
            "http-json",
            seeds(&JSON, &["kraken", "coinbase", "tiingo", "polygon", "alphavantage"]),
            move |bytes| of_json.iter().for_each(|speech| all(speech, &reply(bytes))),
        ),
        Target::new("http-csv", seeds(&CSV, &["stooq", "us_treasury"]), move |bytes| {
            all(&of_csv, &reply(bytes));
        }),
        Target::new("http-payload", seeds(&[&JSON[..], &CSV[..]].concat(), &[]), move |bytes| {
            let mut reply = reply(bytes);
            let said = ["application/json", "text/plain", "image/png", "text/html"];
            reply.content_type = Some(said[bytes.len() % said.len()].into());
            record(&plain, &Symbol::new(Class::Stock, "AAPL"), sentiment, &reply);
        }),
    ]
}
