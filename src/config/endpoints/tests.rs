//! What becomes of replies by definitions as people write them, and of definitions that are wrong.

use std::fmt::Write as _;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::config::{Config, Environment, Said as Asked, Sources};
use crate::error::{Error, Kind, Usage};
use crate::market::{Bars, Class, DataType, Page, Record, SessionKind, Symbol};
use crate::provider::{Ask, Piece, Provider as _, Reply, recorded};
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

#[test]
fn a_quote_is_read_with_the_digits_that_were_sent() {
    let fields = "\
quote:
  path: /q/{symbol}
  fields: {price: /d/last, previous_close: /d/prev, change_percent: /d/pct, bid: /d/bid, volume: /d/vol, currency: /d/cur, exchange: /d/ex, time: /d/ts}
  time: {unit: milliseconds}
  missing: [\"\", N/D, \"-\"]
";
    let acme = acme(fields);
    for (body, expected) in [
        (
            r#"{"d":{"last":1.50,"prev":"1.250","vol":0,"cur":"USD","ex":"NASDAQ","ts":1782907200123}}"#,
            r#""price":1.50,"previous_close":1.250,"change":0.250,"change_percent":20,"volume":0,"currency":"USD","exchange":"NASDAQ","time":"2026-07-01T12:00:00.123Z""#,
        ),
        (
            r#"{"d":{"last":"12345678901234567890.10","prev":"N/D","pct":" -0.5910% ","bid":0,"vol":"-"}}"#,
            r#""price":12345678901234567890.10,"change_percent":-0.5910"#,
        ),
        (r#"{"d":{"last":1e2,"prev":null,"cur":""}}"#, r#""price":1e2"#),
    ] {
        assert_eq!(quoted(&acme, body).unwrap(), expected, "{body}");
    }
    for (body, kind, says) in [
        (r#"{"d":{"last":"N/D"}}"#, Kind::NotFound, "acme has no price for `AAPL`"),
        (r#"{"d":{"last":null}}"#, Kind::NotFound, "acme has no price for `AAPL`"),
        (r#"{"d":{}}"#, Kind::InvalidData, "(it has no `/d/last`)"),
        (r#"{"d":{"last":{"a":1}}}"#, Kind::InvalidData, "where a value is expected"),
        (r#"{"d":{"last":"1,5"}}"#, Kind::InvalidData, "(its price `1,5` is not a number)"),
        (r#"{"d":{"last":true}}"#, Kind::InvalidData, "(its price `true` is not a number)"),
        (r#"{"d":{"last":1,"ts":"now"}}"#, Kind::InvalidData, "(its time `now` is no time)"),
        (r#"{"d":{"last":0}}"#, Kind::InvalidData, "must be above zero"),
        ("<html>", Kind::InvalidData, "(it is no JSON)"),
        ("Too Many Requests", Kind::RateLimited, "no more requests"),
    ] {
        let error = quoted(&acme, body).unwrap_err();
        assert!(error.kind == kind && error.message.contains(says), "{body}: {error:?}");
    }
}

#[test]
fn what_trades_has_its_exchange_and_its_currency() {
    let plain_quote = "quote:\n  path: /q/{symbol}\n  fields: {price: /p, exchange: /e}\n";
    let acme = acme(&format!("{plain_quote}  constants: {{exchange: LSE}}\n"));
    for (class, name, body, exchange, currency) in [
        (Class::Stock, "AAPL", r#"{"p":1,"e":"NASDAQ"}"#, Some("XNAS"), None),
        (Class::Stock, "VOD.L", r#"{"p":1}"#, Some("XLON"), None),
        (Class::Stock, "AAPL", r#"{"p":1,"e":"somewhere"}"#, None, None),
        (Class::Crypto, "BTC", r#"{"p":1,"e":"NASDAQ"}"#, Some("24/7"), Some("USDT")),
        (Class::Fx, "EURUSD", r#"{"p":1}"#, Some("FX"), Some("USD")),
    ] {
        let symbol = Symbol::new(class, name);
        let Record::Quote(quote) = record(&acme, DataType::Quote, &symbol, &sent(body)).unwrap()
        else {
            panic!("{body}")
        };
        let code = acme.exchange(&quote);
        assert_eq!(code.as_ref().map(crate::market::ExchangeCode::as_str), exchange, "{name}");
        assert_eq!(quote.currency.as_deref(), currency, "{name}");
    }
}

#[test]
fn coinbase_has_the_low_first_and_the_newest_row() {
    let coinbase = acme(COINBASE);
    let body = "[[1704074400,3,5,4,4.50,7.25],[1704070800,2,4,3,4,0],[1704067200,1,3,2,3,1]]";
    let span = (Interval::Hour1, "2024-01-01T00:30:00Z", "2024-01-01T02:30:00Z");
    let read = page(&coinbase, &bitcoin(), span, &sent(body)).unwrap();
    assert_eq!(
        told(&read.bars),
        ["2024-01-01T01:00:00Z 3 4 2 4 0 -", "2024-01-01T02:00:00Z 4 5 3 4.5 7.25 -"]
    );
    assert_eq!(read.currency.as_deref(), Some("USD"));
    let day = (Interval::Day1, "2024-01-01", "2024-01-02");
    let read = page(&coinbase, &bitcoin(), day, &sent("[[1704067200,1,3,2,3,1]]")).unwrap();
    assert_eq!(told(&read.bars), ["2024-01-01T00:00:00Z 2024-01-01 2 3 1 3 1 -"]);
    assert!(page(&coinbase, &bitcoin(), day, &sent("[]")).unwrap().bars.is_empty());
    for (status, body, kind) in [
        (404, r#"{"message":"NotFound"}"#, Kind::NotFound),
        (429, r#"{"message":"Public rate limit exceeded"}"#, Kind::RateLimited),
        (400, r#"{"message":"Unsupported granularity"}"#, Kind::Upstream),
        (200, "[[1704067200,1,3,2,3,1],[1704067200,1,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1,1,1,1,1,1],[3,1,1,1,1,1],[2,1,1,1,1,1]]", Kind::InvalidData),
        (200, "[[1704067200,1,3]]", Kind::InvalidData),
        (200, "[{}]", Kind::InvalidData),
        (200, "{}", Kind::InvalidData),
        (200, "null", Kind::InvalidData),
        (200, "[[1704067200,5,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1704067200,0,3,2,3,1]]", Kind::InvalidData),
        (200, "[[1704067200,1,3,2,3,1]", Kind::InvalidData),
        (200, "", Kind::InvalidData),
    ] {
        let reply = Reply::new(status, body.as_bytes().to_vec());
        let found = page(&coinbase, &bitcoin(), day, &reply).map_err(|error| error.kind);
        assert_eq!(found, Err(kind), "{body}");
    }
}

#[test]
fn the_rows_of_kraken_stand_under_its_own_name() {
    let kraken = acme(KRAKEN);
    let body = r#"{"error":[],"result":{"last":1502402580,"XXBTZUSD":[[1502402520,"3449.992","3449.999","3449.992","3449.999","3449.997","1.01200000",7]]}}"#;
    let span = (Interval::Minute1, "2017-08-10T22:00:00Z", "2017-08-11");
    let read = page(&kraken, &bitcoin(), span, &sent(body)).unwrap();
    let row = "2017-08-10T22:02:00Z 3449.992 3449.999 3449.992 3449.999 1.012 -";
    assert_eq!((told(&read.bars), read.exchange), (vec![row.to_owned()], None));
    for (error, kind) in [
        ("EQuery:Unknown asset pair", Kind::NotFound),
        ("EAPI:Rate limit exceeded", Kind::RateLimited),
        ("EService:Unavailable", Kind::Upstream),
    ] {
        let reply = sent(&format!(r#"{{"error":["{error}"]}}"#));
        let found = page(&kraken, &bitcoin(), span, &reply).unwrap_err();
        assert_eq!(found.kind, kind);
        assert!(found.message.contains(error), "{found}");
    }
}

#[test]
fn the_columns_of_finnhub_are_of_one_length() {
    let finnhub = acme(FINNHUB);
    let apple = Symbol::new(Class::Stock, "AAPL");
    let span = (Interval::Day1, "2024-01-02", "2024-01-05");
    let read = |body: &str| page(&finnhub, &apple, span, &sent(body));
    // The second is a holiday's: nobody traded, and everything is null.
    let body = r#"{"c":[185.64,null],"h":[188.44,null],"l":[183.885,null],"o":[187.15,null],"s":"ok","t":[1704153600,1704240000],"v":[82488674,null]}"#;
    assert_eq!(
        told(&read(body).unwrap().bars),
        ["2024-01-02T14:30:00Z 2024-01-02 187.15 188.44 183.885 185.64 82488674 -"]
    );
    assert!(read(r#"{"s":"no_data"}"#).unwrap().bars.is_empty());
    for (body, kind) in [
        (r#"{"s":"ok","c":[1],"t":[]}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":[1]}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":1,"t":1}"#, Kind::InvalidData),
        (r#"{"s":"ok","c":[1],"t":[null]}"#, Kind::InvalidData),
        (r#"{"s":"odd","c":[],"t":[]}"#, Kind::Upstream),
        (r#"{"error":"You don't have access to this resource."}"#, Kind::Unauthorized),
    ] {
        assert_eq!(read(body).map_err(|error| error.kind), Err(kind), "{body}");
    }
}

#[test]
fn a_day_begins_when_the_session_of_its_date_opens() {
    let tiingo = acme(TIINGO);
    let day = |class, name, date: &str| {
        let body = format!(r#"[{{"date":"{date}","close":2,"open":1}}]"#);
        let span = (Interval::Day1, "1960-01-01", "2026-07-01");
        told(&page(&tiingo, &Symbol::new(class, name), span, &sent(&body)).unwrap().bars).join("")
    };
    for (class, name, date, expected) in [
        // In winter, in summer, and on a day on which New York was closed.
        (Class::Stock, "AAPL", "2018-01-05T00:00:00.000Z", "2018-01-05T14:30:00Z 2018-01-05"),
        (Class::Stock, "BRK.B", "2024-10-22T00:00:00+00:00", "2024-10-22T13:30:00Z 2024-10-22"),
        (Class::Stock, "AAPL", "2024-12-25", "2024-12-25T05:00:00Z 2024-12-25"),
        (Class::Stock, "VOD.L", "2024-07-01", "2024-07-01T07:00:00Z 2024-07-01"),
        (Class::Stock, "7203.T", "2024-07-01", "2024-07-01T00:00:00Z 2024-07-01"),
        (Class::Fx, "EURUSD", "2024-07-01", "2024-06-30T21:00:00Z 2024-07-01"),
        (Class::Crypto, "BTC", "2024-07-01", "2024-07-01T00:00:00Z 2024-07-01"),
    ] {
        assert_eq!(day(class, name, date), format!("{expected} 1 - - 2 - -"), "{name} {date}");
    }
}

#[test]
fn only_what_upstream_has_is_within_reach() {
    let reach = |acme: &Definition, class, name, interval| {
        acme.charts().unwrap().reach(&Symbol::new(class, name), interval)
    };
    let coinbase = acme(COINBASE);
    let most = reach(&coinbase, Class::Crypto, "BTC", Interval::Hour1).unwrap();
    assert_eq!((most.rows, most.back), (Some(300), None));
    for (class, name, interval) in [
        (Class::Crypto, "BTC", Interval::Minute5),
        (Class::Stock, "AAPL", Interval::Hour1),
        (Class::Macro, "GDP", Interval::Day1),
    ] {
        assert_eq!(reach(&coinbase, class, name, interval), None, "{name}");
    }
    // It always gives the latest 720, of which one is running.
    let latest = reach(&acme(KRAKEN), Class::Crypto, "BTC", Interval::Hour1).unwrap();
    assert_eq!(latest.back, Some(std::time::Duration::from_hours(719)));
    assert_eq!(latest.rows, None);
    let whole = reach(&acme(ALPHA_VANTAGE), Class::Stock, "AAPL", Interval::Day1);
    assert_eq!(whole, Some(crate::provider::Reach::default()));
}

#[test]
fn bars_are_asked_for_in_upstreams_words() {
    let acme = acme(COINBASE);
    let symbol = bitcoin();
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Bars,
        provider: "acme",
        params: Params::none(),
    };
    let span = Span::new(at("2024-01-01"), at("2024-01-02")).unwrap();
    let piece = Piece { interval: Interval::Hour1, span, session: SessionKind::Regular };
    let request = acme.charts().unwrap().request(&ask, &piece);
    assert_eq!((&*request.endpoint, &*request.path), ("bars", "/products/BTC-USD/candles"));
    let query: Vec<String> = request.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
    assert_eq!(
        query,
        ["end=2024-01-02T00:00:00Z", "granularity=3600", "start=2024-01-01T00:00:00Z"]
    );
    assert!(!acme.has(&symbol, DataType::Bars) && !acme.has(&symbol, DataType::Quote));
}

#[test]
fn what_is_read_is_asked_with_its_own_parameters() {
    let acme = acme(
        "quote: {path: \"/q/{param:depth}\", params: {depth: 10}, fields: {price: /p}}\n\
         sentiment: {path: \"/s/{param:depth}\", params: {depth: 10}}\n",
    );
    let params = Params::parse(["depth=20"]).unwrap();
    let sentiment = DataType::Payload(EndpointName::parse("sentiment").unwrap());
    for (data_type, path) in [(DataType::Quote, "/q/10"), (sentiment, "/s/20")] {
        let ask = Ask { symbol: &bitcoin(), data_type, provider: "acme", params: &params };
        assert_eq!(acme.request(&ask).unwrap().path, path);
    }
}

#[test]
fn a_series_may_be_newest_first_and_has_gaps() {
    let series = |endpoints: &str, body: &str| {
        let symbol = Symbol::new(Class::Macro, "DGS4MO");
        record(&acme(endpoints), DataType::Series, &symbol, &sent(body)).map(
            |record| match record {
                Record::Series(series) => series
                    .observations
                    .iter()
                    .map(|one| {
                        let value = one.value.as_ref().map_or("-", crate::number::Number::as_str);
                        format!("{} {value}", one.date)
                    })
                    .collect::<Vec<_>>(),
                other => panic!("{other:?}"),
            },
        )
    };
    let body = "Date,\"1 Mo\",\"4 Mo\"\n10/21/2022,3.55,4.310\n10/18/2022,3.25,";
    assert_eq!(series(TREASURY, body).unwrap(), ["2022-10-18 -", "2022-10-21 4.310"]);
    let body = "observation_date,GDP\n2024-01-01,-1.50\n2024-04-01,.\n";
    assert_eq!(series(FREDGRAPH, body).unwrap(), ["2024-01-01 -1.50", "2024-04-01 -"]);
    for body in [
        "Date,\"1 Mo\"\n10/21/2022,3.55\n",
        "Date,\"4 Mo\"\n21.10.2022,3.55\n",
        "Date,\"4 Mo\"\n10/21/2022\n",
        "Date,\"4 Mo\"\n10/21/2022,1\n10/21/2022,1\n",
        "Date,\"4 Mo\"\n",
        "<!DOCTYPE html><html></html>",
        "",
    ] {
        assert_eq!(series(TREASURY, body).unwrap_err().kind, Kind::InvalidData, "{body}");
    }
    let stock = Symbol::new(Class::Stock, "AAPL");
    assert!(!acme(FREDGRAPH).has(&stock, DataType::Series));
}

#[test]
fn lines_are_read_by_name_or_by_number() {
    let stooq = acme(STOOQ);
    let quote = "Symbol,Date,Time,Open,High,Low,Close,Volume,Name\n";
    let apple =
        format!("{quote}AAPL.US,2024-07-01,22:00:09,212.09,217.51,211.92,216.750,60402929,APPLE\n");
    assert_eq!(
        quoted(&stooq, &apple).unwrap(),
        r#""price":216.750,"open":212.09,"high":217.51,"low":211.92,"volume":60402929,"time":"2024-07-01T00:00:00Z""#
    );
    let unknown = format!("{quote}NOSUCH.US,N/D,N/D,N/D,N/D,N/D,N/D,N/D,NOSUCH\n");
    assert_eq!(quoted(&stooq, &unknown).unwrap_err().kind, Kind::NotFound);
    assert_eq!(quoted(&stooq, quote).unwrap_err().kind, Kind::NotFound);
    let symbol = Symbol::new(Class::Stock, "AAPL");
    let span = (Interval::Day1, "2024-01-01", "2024-12-31");
    let read = |body: &str| page(&stooq, &symbol, span, &sent(body));
    // Without a volume, as indices are.
    let body = "Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie\r\n2024-07-01,1,3,0.50,2\r\n";
    assert_eq!(told(&read(body).unwrap().bars), ["2024-07-01T13:30:00Z 2024-07-01 1 3 0.5 2 - -"]);
    assert!(read("No data").unwrap().bars.is_empty());
    for (body, kind) in [
        ("Exceeded the daily hits limit", Kind::RateLimited),
        ("Access denied", Kind::InvalidData),
        ("a,b,c,d,e\n2024-07-01,1,3", Kind::InvalidData),
    ] {
        assert_eq!(read(body).map_err(|error| error.kind), Err(kind), "{body}");
    }
}

#[test]
fn coins_of_coingecko_have_no_volume() {
    let coingecko = acme(
        "bars:\n  path: /coins/{base:lower}/ohlc\n  intervals: {30m: 30m}\n  max_rows: 48\n  \
         shape: arrays\n  fields: {time: /0, open: /1, high: /2, low: /3, close: /4}\n  \
         time: {unit: milliseconds}\n",
    );
    let span = (Interval::Minute30, "2024-01-01", "2024-01-02");
    let read = page(&coingecko, &bitcoin(), span, &sent("[[1704069000000,1,3,0.5,2]]")).unwrap();
    assert_eq!(told(&read.bars), ["2024-01-01T00:30:00Z 1 3 0.5 2 - -"]);
}

#[test]
fn what_is_kept_as_sent_is_judged_too() {
    let cryptometer = acme(
        "ls_ratio:\n  path: /ls-ratio/\n  query: {symbol: \"{base}\"}\n  ok: {/success: true}\n  \
         errors: {empty: {/error: No Data}, unauthorized: {/error: \"*api key*\"}}\n",
    );
    let data_type = DataType::Payload(EndpointName::parse("ls_ratio").unwrap());
    let read = |body: &str| {
        let record = record(&cryptometer, data_type, &bitcoin(), &sent(body));
        record.map_err(|error| error.kind).map(|record| plain(&record))
    };
    let body = r#"{"success":"true","error":"false","data":[1.50]}"#;
    assert_eq!(read(body).unwrap(), format!("\"payload\":{}", body.trim_end_matches('}')));
    assert!(read(r#"{"success":"false","error":"No Data"}"#).is_ok());
    for (error, kind) in
        [("Invalid API Key", Kind::Unauthorized), ("market_pair is missing", Kind::Upstream)]
    {
        let body = format!(r#"{{"success":"false","error":"{error}"}}"#);
        assert_eq!(read(&body), Err(kind), "{error}");
    }
}

/// A recorded answer of bars: the endpoints, the class and the name of a symbol, the folder, the file,
/// the interval, and how many bars there are, the first and the last.
type Recording = (
    &'static str,
    (Class, &'static str),
    &'static str,
    &'static str,
    Interval,
    usize,
    &'static str,
    &'static str,
);

const RECORDED: [Recording; 6] = [
    (
        COINBASE,
        (Class::Crypto, "BTC/USD"),
        "coinbase",
        "candles_BTC-EUR_1d_recent.json",
        Interval::Day1,
        7,
        "2021-01-01T00:00:00Z 2021-01-01 23706.73 24250 23512.7 24070.97 1830.04655405 -",
        "2021-01-07T00:00:00Z 2021-01-07 29818.73 32900 29516.98 32120.19 5957.46980324 -",
    ),
    (
        KRAKEN,
        (Class::Crypto, "BTC/USD"),
        "kraken",
        "ohlc_XBTUSD_1m_2017-08-10.json",
        Interval::Minute1,
        720,
        "2017-08-10T22:02:00Z 3449.992 3449.999 3449.992 3449.999 1.012 -",
        "2017-08-11T10:01:00Z 3531.999 3534.099 3531.999 3534.099 0.36437516 -",
    ),
    (
        ALPHA_VANTAGE,
        (Class::Stock, "IBM"),
        "alphavantage",
        "time_series_daily_adjusted_IBM_partial.json",
        Interval::Day1,
        7,
        "2020-12-31T14:30:00Z 2020-12-31 124.22 126.03 123.99 125.88 - 122.836743878",
        "2021-01-11T14:30:00Z 2021-01-11 127.95 129.675 127.66 128.58 - 125.471469081",
    ),
    (
        TIINGO,
        (Class::Stock, "IBM"),
        "tiingo",
        "daily_GOOGL_2018-01.json",
        Interval::Day1,
        10,
        "2018-01-05T14:30:00Z 2018-01-05 1103.45 1113.58 1101.8 1110.29 1493389 1110.29",
        "2018-01-19T14:30:00Z 2018-01-19 1138.03 1143.78 1132.5 1143.5 1418376 1143.5",
    ),
    (
        TIINGO,
        (Class::Stock, "IBM"),
        "tiingo",
        "iex_GOOGL_30min_2018-01-02.json",
        Interval::Minute30,
        13,
        "2018-01-02T14:30:00Z 1057.47 1061.91 1054.17 1061.91 - -",
        "2018-01-02T20:30:00Z 1073.83 1075.87 1073.23 1073.315 - -",
    ),
    (
        STOOQ,
        (Class::Stock, "IBM"),
        "stooq",
        "spx_monthly_pl.csv",
        Interval::Day1,
        510,
        "1980-11-30T05:00:00Z 1980-11-30 127.47 141.96 127.23 140.52 548949997 -",
        "2023-04-30T04:00:00Z 2023-04-30 4102.2 4169.48 4069.84 4133.52 30270143373 -",
    ),
];

#[test]
fn recorded_bars_are_read() {
    for (endpoints, (class, name), folder, file, interval, count, first, last) in RECORDED {
        let Some(reply) = recorded::reply(folder, file, 200) else { return };
        let span = (interval, "1970-01-01", "2026-07-01");
        let bars = page(&acme(endpoints), &Symbol::new(class, name), span, &reply).unwrap().bars;
        let bars = told(&bars);
        assert_eq!(bars.len(), count, "{file}");
        assert_eq!((bars[0].as_str(), bars[count - 1].as_str()), (first, last), "{file}");
    }
}

#[test]
fn a_recorded_answer_of_polygon_is_read_in_its_zone() {
    let polygon = acme(
        "bars:\n  path: /v2/aggs/ticker/{symbol}/range/1/{interval}/{from:ms}/{to:ms}\n  \
         ok: {/status: OK}\n  errors: {empty: {/resultsCount: 0}}\n  intervals: {1d: day}\n  \
         rows: /results\n  fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}\n  \
         time: {unit: milliseconds, zone: America/New_York}\n",
    );
    let apple = Symbol::new(Class::Stock, "AAPL");
    let span = (Interval::Day1, "2005-01-01", "2006-01-01");
    let read = |reply: &Reply| told(&page(&polygon, &apple, span, reply).unwrap().bars);
    assert!(read(&sent(r#"{"status":"OK","resultsCount":0}"#)).is_empty());
    let file = "aggs_AAPL_1day_2005-04-01_2005-04-04.json";
    let Some(reply) = recorded::reply("polygon", file, 200) else { return };
    assert_eq!(
        read(&reply),
        [
            "2005-04-01T14:30:00Z 2005-04-01 1.5032 1.5064 1.4489 1.4604 642646396 -",
            "2005-04-04T13:30:00Z 2005-04-04 1.4639 1.4754 1.4343 1.4675 578172308 -",
        ]
    );
}

#[test]
fn recorded_quotes_series_and_failures_are_read() {
    let microsoft = Symbol::new(Class::Stock, "MSFT");
    let alpha = acme(ALPHA_VANTAGE);
    let Some(reply) = recorded::reply("alphavantage", "global_quote_MSFT.json", 200) else {
        return;
    };
    let quote = record(&alpha, DataType::Quote, &microsoft, &reply).unwrap();
    assert_eq!(
        plain(&quote),
        r#""price":112.1300,"previous_close":112.7900,"change":-0.6600,"change_percent":-0.5852,"open":112.6300,"high":113.1700,"low":110.6400,"volume":29062853,"currency":"USD","time":"2018-10-05T04:00:00Z""#
    );
    for (file, kind) in [
        ("information_rate_limit.json", Kind::RateLimited),
        ("information_premium.json", Kind::Unauthorized),
    ] {
        let reply = recorded::reply("alphavantage", file, 200).unwrap();
        let found = record(&alpha, DataType::Quote, &microsoft, &reply);
        assert_eq!(found.map_err(|error| error.kind), Err(kind), "{file}");
    }
    let reply = recorded::reply("kraken", "ticker_XXBTZEUR.json", 200).unwrap();
    let coin = Symbol::new(Class::Crypto, "BTC/EUR");
    assert_eq!(
        plain(&record(&acme(KRAKEN), DataType::Quote, &coin, &reply).unwrap()),
        r#""price":560.87711,"open":568.98910,"high":591.11000,"low":560.00000,"bid":560.46600,"ask":562.26651,"volume":600.91850325,"currency":"EUR","exchange":"Kraken","market_state":"regular""#
    );
    let gecko = acme("quote: {path: /simple/price, fields: {price: /*/usd}}");
    let reply = recorded::reply("coingecko", "simple_price.json", 200).unwrap();
    let quote = plain(&record(&gecko, DataType::Quote, &bitcoin(), &reply).unwrap());
    assert!(quote.starts_with(r#""price":5005.73,"#), "{quote}");
    let reply = recorded::reply("tiingo", "error_403_detail.json", 403).unwrap();
    let span = (Interval::Day1, "2018-01-01", "2018-02-01");
    let found = page(&acme(TIINGO), &microsoft, span, &reply).unwrap_err();
    assert_eq!(found.kind, Kind::Unauthorized);
    for (endpoints, folder, file, count) in [
        (TREASURY, "us_treasury", "daily_treasury_yield_curve_2022.csv", 14),
        (FREDGRAPH, "fred", "fredgraph_M2SL_old_header.csv", 770),
        (FREDGRAPH, "fred", "fredgraph_DGS10_new_header.csv", 6674),
    ] {
        let reply = recorded::reply(folder, file, 200).unwrap();
        let symbol = Symbol::new(Class::Macro, "X");
        let Record::Series(series) =
            record(&acme(endpoints), DataType::Series, &symbol, &reply).unwrap()
        else {
            panic!("{file}")
        };
        assert_eq!(series.observations.len(), count, "{file}");
    }
}

/// Endpoints, the message and the hint.
const MISTAKES: &[(&str, &str, &str)] = &[
    (
        "quote: {path: /q, fields: {prise: /p}}",
        "c.yaml:6:34: unknown key `providers.acme.endpoints.quote.fields.prise`",
        "did you mean `providers.acme.endpoints.quote.fields.price`?",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1d: D}\n  fields: {time: /0, price: /1}",
        "c.yaml:9:28: `bars` has no field `price`",
        "the fields of `bars` are time, close, open, high, low, volume, adjusted_close",
    ),
    (
        "series: {path: /s, fields: {date: /d, volume: /v}}",
        "c.yaml:6:45: `series` has no field `volume`",
        "did you mean `value`?",
    ),
    (
        "quote: {path: /q, fields: {bid: /p}}",
        "c.yaml:6:25: the fields of `quote` lack `price`",
        "write where each stands, as in fields: {price: /data/last}",
    ),
    (
        "bars: {path: /b, intervals: {1d: D}, fields: {close: /p}}",
        "c.yaml:6:44: the fields of `bars` lack `time`",
        "write where each stands, as in fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}",
    ),
    (
        "quote: {path: /q}",
        "c.yaml:6:7: the endpoint `quote` has no `fields`",
        "write where each stands, as in fields: {price: /data/last}; under another name it is kept as it is sent",
    ),
    (
        "qoute: {path: /q, fields: {price: /p}}",
        "c.yaml:6:25: `qoute` has `fields`, which are for quote, bars and series",
        "did you mean `quote`?",
    ),
    (
        "sentiment: {path: /q, fields: {price: /p}}",
        "c.yaml:6:29: `sentiment` has `fields`, which are for quote, bars and series",
        "without them it is kept as it is sent",
    ),
    (
        "sentiment: {path: /q, rows: /p}",
        "c.yaml:6:29: `rows` is for quote, bars, series, and not for `sentiment`",
        "leave it out",
    ),
    (
        "quote: {path: /q, fields: {price: p}}",
        "c.yaml:6:34: `price`: `p` is not a JSON pointer",
        "write a slash before each name: /p",
    ),
    (
        "bars:\n  path: /b\n  rows: data\n  intervals: {1d: D}\n  fields: {time: /0, close: /1}",
        "c.yaml:8:15: `providers.acme.endpoints.bars.rows`: `data` is not a JSON pointer",
        "write a slash before each name: /data",
    ),
    (
        "bars:\n  path: /b\n  shape: arrays\n  intervals: {1d: D}\n  fields: {time: /t, close: /1}",
        "c.yaml:10:18: `time`: `/t` leads to a name, and rows of the shape arrays have none",
        "write which of its values it is: /0 is the first",
    ),
    (
        "bars:\n  path: /b\n  shape: array\n  intervals: {1d: D}\n  fields: {time: /0, close: /1}",
        "c.yaml:8:16: `providers.acme.endpoints.bars.shape`: `array` is not one of objects, arrays, columns, map, csv",
        "did you mean `arrays`?",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1d: D}\n  fields: {time: \"{key}\", close: /1}",
        "c.yaml:9:18: `time` is `{key}`, and only rows of the shape map have names",
        "write `shape: map`, or a JSON pointer",
    ),
    (
        "bars: {path: /b, fields: {time: /t, close: /c}}",
        "c.yaml:6:7: the endpoint `bars` has no `intervals`",
        "write what upstream calls each that it has: intervals: {1d: D, 1h: H}",
    ),
    (
        "bars:\n  path: /b\n  intervals: {1wk: W}\n  fields: {time: /t, close: /c}",
        "c.yaml:8:21: unknown key `providers.acme.endpoints.bars.intervals.1wk`",
        "the keys of `providers.acme.endpoints.bars.intervals` are 1m, 2m, 3m, 5m, 15m, 30m, 1h, 2h, 4h, 6h, 8h, 12h, 1d",
    ),
    (
        "quote:\n  path: /q\n  query: {since: \"{from}\"}\n  fields: {price: /p}",
        "c.yaml:8:17: `quote` says when bars begin, or how long they are",
        "only the endpoint `bars` is asked with {interval}, {from} and {to}",
    ),
    (
        "sentiment: {path: \"/q/{interval}\"}",
        "c.yaml:6:19: `sentiment` says when bars begin, or how long they are",
        "only the endpoint `bars` is asked with {interval}, {from} and {to}",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, intervals: {1d: D}}",
        "c.yaml:6:46: `intervals` is for bars, and not for `quote`",
        "leave it out",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, delimiter: \";\"}",
        "c.yaml:6:46: `delimiter` is for the shape csv",
        "write `shape: csv`",
    ),
    (
        "quote: {path: /q, fields: {price: p}, shape: csv, rows: /d}",
        "c.yaml:6:57: lines of csv are the whole, and `rows` leads into JSON",
        "leave it out",
    ),
    (
        "quote: {path: /q, ok: {status: ok}, fields: {price: /p}}",
        "c.yaml:6:30: unknown key `providers.acme.endpoints.quote.ok.status`",
        "a name here is a JSON pointer such as /status/code, or body for all that is sent",
    ),
    (
        "quote: {path: /q, errors: {notfound: {/a: 1}}, fields: {price: /p}}",
        "c.yaml:6:34: unknown key `providers.acme.endpoints.quote.errors.notfound`",
        "did you mean `providers.acme.endpoints.quote.errors.not_found`?",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, time: {unit: milisecond}}",
        "c.yaml:6:59: `providers.acme.endpoints.quote.time.unit`: `milisecond` is no form of a time",
        "did you mean `milliseconds`?",
    ),
    (
        "quote: {path: /q, fields: {price: /p}, time: {zone: Mars}}",
        "c.yaml:6:59: `providers.acme.endpoints.quote.time.zone`: `Mars` is not a time zone",
        "write a name such as America/New_York, Europe/London or UTC",
    ),
    (
        "quote: {path: \"/q/{param:depth}\", fields: {price: /p}}",
        "c.yaml:6:7: `quote` is asked with {param:depth}, which is nothing",
        "write `params: {depth: …}`; only what is kept as it is sent is asked with --param",
    ),
    (
        "bars: {path: /b, intervals: {1d: D, 1h: H}, fields: {time: /t, close: /c}}",
        "c.yaml:6:24: `bars` has several intervals, and its request says none",
        "write {interval} where upstream is told which is wanted",
    ),
    (
        "quote: {path: q, fields: {price: /p}}",
        "c.yaml:6:15: the path of `quote` has no slash at its start",
        "it is appended to `base_url`: /v1/quote/{symbol}",
    ),
    (
        "quote: {fields: {price: /p}}",
        "c.yaml:6:7: the endpoint `quote` has no `path`",
        "write where it is asked: /v1/quote/{symbol}",
    ),
];

#[test]
fn a_mistake_is_told_with_its_place_and_what_was_meant() {
    for (endpoints, message, hint) in MISTAKES {
        assert_eq!(mistake(endpoints), ((*message).to_owned(), (*hint).to_owned()), "{endpoints}");
    }
}

/// Every definition of this file.
static EVERY: LazyLock<Vec<Definition>> =
    LazyLock::new(|| ALL.iter().map(|endpoints| acme(endpoints)).collect());

/// Reads a reply in every way that every definition has; no result is a panic.
fn read_by_all(reply: &Reply) {
    for definition in &*EVERY {
        let symbols =
            [Symbol::new(Class::Stock, "AAPL"), Symbol::new(Class::Macro, "GDP"), bitcoin()];
        for symbol in &symbols {
            for data_type in [DataType::Quote, DataType::Series] {
                if definition.has(symbol, data_type) {
                    let _ = record(definition, data_type, symbol, reply);
                }
            }
            let charts = definition.charts();
            for interval in [Interval::Minute1, Interval::Day1] {
                if charts.is_some_and(|charts| charts.reach(symbol, interval).is_some()) {
                    let span = (interval, "1970-01-01", "2026-07-01");
                    let _ = page(definition, symbol, span, reply);
                }
            }
        }
    }
}

/// JSON in which the names occur that definitions look for.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9TZ:./%-]{0,24}".prop_map(|text| format!("\"{text}\"")),
    ];
    let name = prop_oneof![
        Just("result".to_owned()),
        Just("error".to_owned()),
        Just("s".to_owned()),
        Just("t".to_owned()),
        Just("c".to_owned()),
        Just("date".to_owned()),
        Just("close".to_owned()),
        Just("Time Series (Daily)".to_owned()),
        Just("Global Quote".to_owned()),
        "[0-9-]{0,12}".prop_map(|name| name),
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..600_u16) {
        read_by_all(&Reply::new(status, body));
    }

    #[test]
    fn no_json_makes_it_panic(body in json()) {
        read_by_all(&sent(&body));
    }

    #[test]
    fn no_lines_make_it_panic(body in "(Date|a),[\"\n\r;,0-9/.-]{0,60}") {
        read_by_all(&sent(&body));
    }

    #[test]
    fn no_digit_of_a_price_is_lost(whole in 1..u64::MAX, places in "[0-9]{0,24}", quoted_so: bool) {
        let price = if places.is_empty() { whole.to_string() } else { format!("{whole}.{places}") };
        let mark = if quoted_so { "\"" } else { "" };
        let plain = acme("quote: {path: \"/q/{symbol}\", fields: {price: /p}}");
        let body = format!(r#"{{"p":{mark}{price}{mark}}}"#);
        prop_assert_eq!(quoted(&plain, &body).unwrap(), format!("\"price\":{price}"));
    }
}
