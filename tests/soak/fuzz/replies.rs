//! What the providers that are built in read of a reply, and what is then refused.

use std::fs;
use std::path::Path;

use mcache::market::{Class, DataType, Interval, Params, SessionKind, Symbol};
use mcache::provider::{Ask, Piece, Reply, Speech, demo};
use mcache::span::Span;
use mcache::time::Timestamp;
use mcache::validate;

use super::Target;

/// An hour and a half into New York's session.
pub(super) fn now() -> Timestamp {
    Timestamp::parse("2026-07-01T15:00:00Z").unwrap()
}

/// What the demo answers to these.
fn invented(paths: &[&str]) -> Vec<Vec<u8>> {
    paths.iter().map(|path| demo::reply(path, now()).body).collect()
}

/// The fixtures of a provider: ours, and what was recorded, where that is there.
pub(super) fn fixtures(provider: &str) -> Vec<Vec<u8>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the recordings are is the test's business"
    )]
    let said = std::env::var("MCACHE_FIXTURES").ok();
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let recorded = said.map_or_else(|| top.join("../shared/fixtures"), Into::into);
    let folders = [top.join("tests/fixtures").join(provider), recorded.join(provider)];
    let mut paths: Vec<_> = folders
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(|files| files.flatten().map(|file| file.path()))
        .collect();
    paths.sort();
    paths.iter().map(|path| body(&fs::read(path).unwrap_or_default())).collect()
}

/// The body in a recording: those of Yahoo may hold the whole exchange, or one result alone.
fn body(bytes: &[u8]) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let body = &json["response"]["bodyJson"];
    if body.is_object() {
        return body.to_string().into_bytes();
    }
    if json.get("meta").is_some() {
        return [br#"{"chart":{"result":["#, bytes, br#"],"error":null}}"#].concat();
    }
    bytes.to_vec()
}

/// A reply of this body; its length says which status, so that all are tried.
pub(super) fn reply(bytes: &[u8]) -> Reply {
    let status = match bytes.len() % 16 {
        0 => 429,
        1 => 404,
        2 => 500,
        3 => 403,
        4 => 400,
        _ => 200,
    };
    Reply::new(status, bytes.to_vec())
}

/// Reads a reply as a record of a symbol, and looks whether it can be true.
pub(super) fn record(speech: &Speech, symbol: &Symbol, data_type: DataType, reply: &Reply) {
    let (provider, params) = ("fuzz", Params::none());
    let ask = Ask { symbol, data_type, provider, params };
    if let Ok(record) = speech.provider().read(&ask, reply, now())
        && validate::record(&record).is_ok()
    {
        let json = record.to_json();
        // A number in a payload may be larger than a float: it is kept as it was sent.
        assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&json).is_ok());
    }
}

/// The same as bars.
pub(super) fn bars(speech: &Speech, symbol: &Symbol, interval: Interval, reply: &Reply) {
    let (provider, params) = ("fuzz", Params::none());
    let ask = Ask { symbol, data_type: DataType::Bars, provider, params };
    let Some(charts) = speech.provider().charts() else { return };
    let span = Span::new(Timestamp::parse("1960-01-01").unwrap(), now()).unwrap();
    let session = if interval.is_intraday() { SessionKind::Extended } else { SessionKind::Regular };
    let piece = Piece { interval, span, session };
    if let Ok(page) = charts.read(&ask, &piece, reply, now()) {
        let _ = validate::page(symbol, provider, interval, span, &page);
    }
}

/// What a reply says of how often one may ask, where its start is what every header says.
fn pace(speech: &Speech, reply: &Reply) {
    let start = &reply.body[..reply.body.len().min(40)];
    let header = |_: &str| Some(String::from_utf8_lossy(start).into_owned());
    let symbol = symbol(Class::Crypto, "BTC");
    let (data_type, params) = (DataType::Quote, Params::none());
    let ask = Ask { symbol: &symbol, data_type, provider: "fuzzed", params };
    let _ = speech.provider().pace(&ask, reply, &header, now());
}

fn symbol(class: Class, name: &str) -> Symbol {
    Symbol::new(class, name)
}

fn fred() -> Vec<Vec<u8>> {
    let path = "/fred/series/observations?series_id=GDP&file_type=json&api_key=abcdefghijklmnopqrstuvwxyz012345";
    [invented(&[path]), fixtures("fred")].concat()
}

pub(super) fn targets() -> Vec<Target> {
    let yahoo = || {
        let paths = [
            "/v8/finance/chart/AAPL?interval=1d&range=1d",
            "/v8/finance/chart/AAPL?period1=1782000000&period2=1782918000&interval=1d&events=div",
            "/v8/finance/chart/BTC-USD?period1=1782900000&period2=1782918000&interval=1m",
            "/v8/finance/chart/NOSUCH",
        ];
        [invented(&paths), fixtures("yahoo")].concat()
    };
    let binance = || {
        let paths = [
            "/api/v3/ticker/24hr?symbol=BTCUSDT",
            "/api/v3/klines?symbol=BTCUSDT&interval=1d&startTime=1781000000000&endTime=1782918000000&limit=50",
            "/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1782800000000&endTime=1782918000000&limit=50",
            "/api/v3/ticker/24hr?symbol=NOSUCHUSDT",
        ];
        [invented(&paths), fixtures("binance")].concat()
    };
    let stocks = [
        symbol(Class::Stock, "AAPL"),
        symbol(Class::Crypto, "BTC/USD"),
        symbol(Class::Fx, "EURUSD"),
    ];
    let shares = stocks.clone();
    let coin = symbol(Class::Crypto, "BTC/USDT");
    let coins = coin.clone();
    let gdp = symbol(Class::Macro, "GDP");
    vec![
        Target::new("yahoo-quote", yahoo(), move |bytes| {
            let reply = reply(bytes);
            for symbol in &stocks {
                record(&Speech::Yahoo, symbol, DataType::Quote, &reply);
            }
            pace(&Speech::Yahoo, &reply);
        }),
        Target::new("yahoo-bars", yahoo(), move |bytes| {
            let reply = Reply::new(200, bytes.to_vec());
            for interval in [Interval::Day1, Interval::Minute1, Interval::Hour1] {
                bars(&Speech::Yahoo, &shares[bytes.len() % shares.len()], interval, &reply);
            }
        }),
        Target::new("binance-quote", binance(), move |bytes| {
            let reply = reply(bytes);
            record(&Speech::Binance, &coin, DataType::Quote, &reply);
            pace(&Speech::Binance, &reply);
        }),
        Target::new("binance-bars", binance(), move |bytes| {
            let reply = Reply::new(200, bytes.to_vec());
            bars(&Speech::Binance, &coins, Interval::Day1, &reply);
            bars(&Speech::Binance, &coins, Interval::Hour1, &reply);
        }),
        Target::new("fred", fred(), move |bytes| {
            let reply = reply(bytes);
            record(&Speech::Fred, &gdp, DataType::Series, &reply);
            record(&Speech::Fred, &gdp, DataType::Quote, &reply);
        }),
    ]
}
