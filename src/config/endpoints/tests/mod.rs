//! What becomes of replies by definitions as people write them and as they are shipped, and of definitions
//! that are wrong.
//!
//! Here stand the definitions, and what reads by them; the tests stand beside.

mod hostile;
mod mistakes;
mod reading;
mod recorded;
mod shipped;

use std::fmt::Write as _;

use super::*;
use crate::config::{Config, Environment, Said as Asked, Sources};
use crate::error::{Error, Kind, Usage};
use crate::market::{Bars, Class, DataType, Page, Record, SessionKind, Symbol};
use crate::provider::{Ask, Piece, Provider as _, Reply};
use crate::span::Span;
use crate::time::Timestamp;
use crate::validate;

/// A file with a provider that has these endpoints, and where it is.
fn file(endpoints: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let mut text = "providers:\n  acme:\n    kind: http\n    base_url: https://acme.example\n    \
                    endpoints:\n"
        .to_owned();
    for line in endpoints.lines() {
        let _ = writeln!(text, "      {line}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// The provider that has these endpoints.
fn acme(endpoints: &str) -> Definition {
    let (_folder, path) = file(endpoints);
    let layers = Layers::load(Sources { file: Some(path), ..Sources::default() }).unwrap();
    for name in layers.names(&["providers", "acme", "endpoints"]) {
        check(&layers, "acme", &name).unwrap_or_else(|(at, usage)| panic!("{at:?}: {usage:?}"));
    }
    definition(&layers, "acme")
}

/// What is wrong with these endpoints, and what would be right.
fn mistake(endpoints: &str) -> (String, String) {
    let (_folder, path) = file(endpoints);
    let environment = Environment::from([("HOME", "/nowhere")]);
    let said = Asked { file: Some(path.clone()), ..Asked::default() };
    let Err(Usage { message, hint }) = Config::load(said, environment) else {
        panic!("nothing is wrong with {endpoints}")
    };
    (message.replace(&path.display().to_string(), "c.yaml"), hint.unwrap_or_default())
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

/// A record that can be true, or why there is none.
fn record(
    acme: &Definition,
    data_type: DataType,
    symbol: &Symbol,
    reply: &Reply,
) -> Result<Record, Error> {
    let ask = Ask { symbol, data_type, provider: "acme", params: Params::none() };
    assert!(acme.has(symbol, data_type) && acme.request(&ask).is_some(), "{symbol}");
    let record = acme.read(&ask, reply, at("2026-07-01"))?;
    validate::record(&record)?;
    Ok(record)
}

/// The quote of a stock as JSON, without what is null.
fn quoted(acme: &Definition, body: &str) -> Result<String, Error> {
    let symbol = Symbol::new(Class::Stock, "AAPL");
    let record = record(acme, DataType::Quote, &symbol, &sent(body))?;
    Ok(plain(&record))
}

/// A record as JSON, without what is null and what every quote says.
fn plain(record: &Record) -> String {
    let text = String::from_utf8(record.to_json()).unwrap();
    let (_, rest) = text.split_once(r#""provider":"acme","#).unwrap();
    let said = rest.trim_end_matches('}').split(',').filter(|part| !part.ends_with(":null"));
    said.collect::<Vec<_>>().join(",")
}

fn sent(body: &str) -> Reply {
    Reply::new(200, body.as_bytes().to_vec())
}

/// The page of a span that can be true, or why there is none.
fn page(
    acme: &Definition,
    symbol: &Symbol,
    (interval, from, to): (Interval, &str, &str),
    reply: &Reply,
) -> Result<Page, Error> {
    let ask = Ask { symbol, data_type: DataType::Bars, provider: "acme", params: Params::none() };
    let span = Span::new(at(from), at(to)).unwrap();
    let piece = Piece { interval, span, session: SessionKind::Regular };
    let charts = acme.charts().unwrap();
    assert!(charts.reach(symbol, interval).is_some(), "{symbol}");
    let page = charts.read(&ask, &piece, reply, at("2026-07-01"))?;
    validate::page(symbol, "acme", interval, span, &page)?;
    Ok(page)
}

/// Bars in a line each: when, the date, and open, high, low, close, volume, adjusted close.
fn told(bars: &Bars) -> Vec<String> {
    (0..bars.len())
        .map(|at| bars.bar(at))
        .map(|bar| {
            let amounts = [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.adjusted];
            let amounts = amounts.map(|amount| match amount {
                missing if missing.is_nan() => "-".to_owned(),
                amount => amount.to_string(),
            });
            let date =
                bar.day.map(|day| format!(" {}", crate::calendar::Date::from_days(day.into())));
            format!(
                "{}{} {}",
                Timestamp::from_ms(bar.time),
                date.unwrap_or_default(),
                amounts.join(" ")
            )
        })
        .collect()
}

fn bitcoin() -> Symbol {
    Symbol::new(Class::Crypto, "BTC/USD")
}

const COINBASE: &str = "\
bars:
  path: /products/{base}-{quote}/candles
  query: {granularity: \"{interval}\", start: \"{from:rfc3339}\", end: \"{to:rfc3339}\"}
  intervals: {1m: 60, 1h: 3600, 1d: 86400}
  max_rows: 300
  shape: arrays
  fields: {time: /0, low: /1, high: /2, open: /3, close: /4, volume: /5}
  time: {unit: seconds}
  errors: {not_found: {/message: NotFound}, rate_limited: {/message: \"*rate limit*\"}}
";

const KRAKEN: &str = "\
quote:
  path: /0/public/Ticker
  query: {pair: \"{base}{quote}\"}
  ok: {/error: \"[]\"}
  errors: {not_found: {/error/0: \"*Unknown asset pair*\"}, rate_limited: {/error/0: \"*rate limit*\"}}
  fields: {price: /result/*/c/0, open: /result/*/o, high: /result/*/h/1, low: /result/*/l/1, bid: /result/*/b/0, ask: /result/*/a/0, volume: /result/*/v/1}
  constants: {exchange: Kraken}
bars:
  path: /0/public/OHLC
  query: {pair: \"{base}{quote}\", interval: \"{interval}\"}
  ok: {/error: \"[]\"}
  errors: {not_found: {/error/0: \"*Unknown asset pair*\"}, rate_limited: {/error/0: \"*rate limit*\"}}
  intervals: {1m: 1, 1h: 60, 1d: 1440}
  max_rows: 720
  rows: /result/*
  shape: arrays
  fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /6}
  time: {unit: seconds}
";

const ALPHA_VANTAGE: &str = "\
quote:
  path: /query
  query: {function: GLOBAL_QUOTE, symbol: \"{symbol}\"}
  errors: {not_found: {/Global Quote: \"{}\", /Error Message: \"*\"}, rate_limited: {/Information: \"*rate limit*\", /Note: \"*\"}, unauthorized: {/Information: \"*premium*\"}}
  fields: {price: /Global Quote/05. price, previous_close: /Global Quote/08. previous close, change: /Global Quote/09. change, change_percent: /Global Quote/10. change percent, open: /Global Quote/02. open, high: /Global Quote/03. high, low: /Global Quote/04. low, volume: /Global Quote/06. volume, time: /Global Quote/07. latest trading day}
  constants: {currency: USD}
  time: {unit: \"%Y-%m-%d\", zone: America/New_York}
bars:
  path: /query
  query: {function: TIME_SERIES_DAILY, symbol: \"{symbol}\", outputsize: full}
  errors: {not_found: {/Error Message: \"*\"}, rate_limited: {/Information: \"*rate limit*\", /Note: \"*\"}, unauthorized: {/Information: \"*premium*\"}}
  intervals: {1d: daily}
  rows: /Time Series (Daily)
  shape: map
  fields: {open: /1. open, high: /2. high, low: /3. low, close: /4. close, volume: /5. volume, adjusted_close: /5. adjusted close}
  time: {unit: \"%Y-%m-%d\", zone: America/New_York}
";

const FINNHUB: &str = "\
bars:
  path: /api/v1/stock/candle
  query: {symbol: \"{symbol}\", resolution: \"{interval}\", from: \"{from}\", to: \"{to}\"}
  ok: {/s: ok}
  errors: {empty: {/s: no_data}, unauthorized: {/error: \"*access*\"}}
  intervals: {1h: 60, 1d: D}
  shape: columns
  fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}
  time: {unit: seconds}
";

const STOOQ: &str = "\
quote:
  path: /q/l/
  query: {s: \"{symbol:lower}.us\", f: sd2t2ohlcvn, e: csv}
  shape: csv
  fields: {price: Close, open: Open, high: High, low: Low, volume: Volume, time: Date}
  missing: [\"\", N/D]
bars:
  path: /q/d/l/
  query: {s: \"{symbol:lower}.us\", i: d}
  errors: {empty: {body: No data}, rate_limited: {body: Exceeded*}}
  intervals: {1d: d}
  shape: csv
  fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /5}
";

const TIINGO: &str = "\
bars:
  path: /tiingo/daily/{symbol:lower}/prices
  query: {startDate: \"{from:date}\", endDate: \"{to:date}\", resampleFreq: \"{interval}\"}
  intervals: {1d: daily, 30m: 30Min}
  fields: {time: /date, open: /open, high: /high, low: /low, close: /close, volume: /volume, adjusted_close: /adjClose}
";

const FREDGRAPH: &str = "\
series:
  path: /graph/fredgraph.csv
  query: {id: \"{symbol}\"}
  shape: csv
  fields: {date: /0, value: /1}
  missing: [\"\", \".\"]
";

const TREASURY: &str = "\
series:
  path: /rates.csv
  shape: csv
  fields: {date: Date, value: 4 Mo}
  time: {unit: \"%m/%d/%Y\"}
";

const ALL: [&str; 8] =
    [COINBASE, KRAKEN, ALPHA_VANTAGE, FINNHUB, STOOQ, TIINGO, FREDGRAPH, TREASURY];
