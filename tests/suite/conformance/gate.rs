//! What section 7 of the contract calls nonsense is refused, whoever sends it and whatever it is of.

use std::sync::{Arc, Mutex};

use mcache::config::{Config, Environment, Said};
use mcache::error::Kind;
use mcache::market::{Class, DataType, EndpointName, Interval, Params, SessionKind, Symbol};
use mcache::provider::{Ask, Piece, Reply, Speech};
use mcache::span::Span;
use mcache::time::Timestamp;
use mcache::validate;

const ACME: &str = r#"
providers:
  acme:
    kind: http
    base_url: https://a.example
    endpoints:
      quote:
        path: /q/{symbol}
        fields: {price: /p, previous_close: /pc, open: /o, high: /h, low: /l, bid: /b, ask: /a, volume: /v, time: /t}
        time: {unit: seconds}
      bars:
        path: /b/{symbol}
        intervals: {1d: D}
        rows: /data
        shape: arrays
        fields: {time: /0, open: /1, high: /2, low: /3, close: /4, volume: /5, adjusted_close: /6}
        time: {unit: "%Y-%m-%d"}
      series:
        path: /s/{symbol}
        rows: /data
        shape: arrays
        fields: {date: /0, value: /1}
      sentiment: {path: /m}
"#;

fn acme() -> Speech {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("c.yaml");
    std::fs::write(&path, ACME).unwrap();
    let said = Said { file: Some(path), ..Said::default() };
    let config = Config::load(said, Environment::from([("HOME", "/nowhere")])).unwrap();
    let sites = Arc::new(Mutex::new(None));
    let taken = Arc::clone(&sites);
    drop(config.open_with(|options| *taken.lock().unwrap() = Some(Arc::clone(&options.sites))));
    let sites = sites.lock().unwrap().take().unwrap();
    sites("acme").speech
}

fn now() -> Timestamp {
    Timestamp::parse("2026-07-01T15:00:00Z").unwrap()
}

/// What comes of a body: nothing, or the kind of the error.
fn gate(speech: &Speech, symbol: &Symbol, data_type: DataType, reply: &Reply) -> Result<(), Kind> {
    let (provider, params) = (speech.as_str(), Params::none());
    let ask = Ask { symbol, data_type, provider, params };
    let checked = if data_type == DataType::Bars {
        let span = Span::new(Timestamp::parse("2026-06-01").unwrap(), now()).unwrap();
        let (interval, session) = (Interval::Day1, SessionKind::Regular);
        let piece = Piece { interval, span, session };
        let charts = speech.provider().charts().unwrap();
        let page = charts.read(&ask, &piece, reply, now());
        page.and_then(|page| validate::page(symbol, provider, interval, span, &page))
    } else {
        let record = speech.provider().read(&ask, reply, now());
        record.and_then(|record| validate::record(&record))
    };
    checked.map_err(|error| error.kind)
}

/// A body with holes: what stands in each in a good answer, and what cannot.
struct Form {
    speech: Speech,
    symbol: Symbol,
    data_type: DataType,
    good: &'static str,
    /// What stands in the good body, and what in its place is nonsense.
    bad: &'static [(&'static str, &'static str)],
}

const YAHOO_QUOTE: &str = r#"{"chart":{"result":[{"meta":{"symbol":"AAPL","currency":"USD","regularMarketPrice":10.5,"previousClose":10.25,"regularMarketDayHigh":11.5,"regularMarketDayLow":9.5,"regularMarketVolume":777,"regularMarketTime":1782917999},"timestamp":[1782912600],"indicators":{"quote":[{"open":[10.75]}]}}],"error":null}}"#;
const YAHOO_BARS: &str = r#"{"chart":{"result":[{"meta":{"symbol":"AAPL","currency":"USD","exchangeName":"NMS","dataGranularity":"1d"},"timestamp":[1782135000,1782221400,1782307800],"indicators":{"quote":[{"open":[2.01,2.02,2.03],"high":[3.01,3.02,3.03],"low":[1.01,1.02,1.03],"close":[2.51,2.52,2.53],"volume":[71,72,73]}],"adjclose":[{"adjclose":[2.41,2.42,2.43]}]}}],"error":null}}"#;
const BINANCE_QUOTE: &str = r#"{"symbol":"BTCUSDT","lastPrice":"10.5","prevClosePrice":"10.25","bidPrice":"10.4","askPrice":"10.6","openPrice":"10.75","highPrice":"11.5","lowPrice":"9.5","volume":"777","closeTime":1782917999000,"count":5}"#;
const BINANCE_BARS: &str = r#"[[1782086400000,"2.01","3.01","1.01","2.51","71",0],[1782172800000,"2.02","3.02","1.02","2.52","72",0],[1782259200000,"2.03","3.03","1.03","2.53","73",0]]"#;
const FRED_SERIES: &str = r#"{"observations":[{"date":"2026-01-01","value":"1.5"},{"date":"2026-02-01","value":"."},{"date":"2026-03-01","value":"-2.5"}]}"#;
const ACME_QUOTE: &str = r#"{"p":10.5,"pc":10.25,"o":"10.75","h":11.5,"l":9.5,"b":10.4,"a":10.6,"v":777,"t":1782917999}"#;
const ACME_BARS: &str = r#"{"data":[["2026-06-22",2.01,3.01,1.01,2.51,71,2.41],["2026-06-23",2.02,3.02,1.02,2.52,72,2.42],["2026-06-24",2.03,3.03,1.03,2.53,73,2.43]]}"#;
const ACME_SERIES: &str =
    r#"{"data":[["2026-01-01","1.5"],["2026-02-01",null],["2026-03-01",-2.5]]}"#;

/// Amounts that cannot be, in the place of each of these.
const QUOTE: &[(&str, &str)] = &[
    ("10.5", "0"),
    ("10.5", "-10.5"),
    ("10.5", "NaN"),
    ("10.5", "1e999"),
    ("10.5", "{}"),
    ("10.25", "-1"),
    ("10.25", "true"),
    ("10.75", "-1"),
    ("11.5", "-1"),
    ("11.5", "9.25"),
    ("9.5", "-1"),
    ("9.5", "11.75"),
    ("777", "-1"),
    ("777", "[]"),
];
const BARS: &[(&str, &str)] = &[
    ("2.02", "0"),
    ("2.02", "-2.02"),
    ("3.02", "1.001"),
    ("3.02", "0"),
    ("1.02", "-1"),
    ("1.02", "3.75"),
    ("2.52", "0"),
    ("2.52", "-1"),
    ("2.52", "NaN"),
    ("2.52", "1e999"),
    ("2.52", "{}"),
    ("72", "-1"),
    ("72", "NaN"),
];

const SERIES: &[(&str, &str)] = &[
    ("1.5", "NaN"),
    ("1.5", "1e999"),
    ("1.5", "x"),
    ("2026-02-01", "2026-01-01"),
    ("2026-02-01", "2026-04-01"),
    ("2026-02-01", "2026-02-30"),
    ("2026-02-01", ""),
];
const YAHOO_TIMES: &[(&str, &str)] = &[
    ("2.42", "0"),
    ("1782221400", "1782135000"),
    ("1782135000", "1782221401"),
    ("2.02,", ""),
    ("1782221400", "null"),
    ("1782221400", "99999999999999"),
];
const BINANCE_OWN: &[(&str, &str)] =
    &[("10.4", "-1"), ("10.6", "-1"), ("BTCUSDT", "ETHUSDT"), ("1782917999000", "1e300")];
const BINANCE_TIMES: &[(&str, &str)] = &[
    ("1782172800000", "1782086400000"),
    ("1782172800000", "1782345600000"),
    ("\"2.02\",", ""),
    ("1782172800000", "\"x\""),
];
const ACME_OWN: &[(&str, &str)] =
    &[("10.4", "-1"), ("10.6", "-1"), ("1782917999", "\"soon\""), ("\"p\":10.5,", "")];
const ACME_DATES: &[(&str, &str)] = &[
    ("2.42", "0"),
    ("2026-06-23", "2026-06-22"),
    ("2026-06-23", "2026-06-25"),
    ("2026-06-23", "2026-06-31"),
    ("2026-06-23", ""),
];

fn forms() -> Vec<Form> {
    use DataType::{Bars, Quote, Series};
    let stock = || Symbol::new(Class::Stock, "AAPL");
    let coin = || Symbol::new(Class::Crypto, "BTC/USDT");
    let economy = || Symbol::new(Class::Macro, "GDP");
    let form = |speech, symbol, data_type, good, bad| Form { speech, symbol, data_type, good, bad };
    vec![
        form(Speech::Yahoo, stock(), Quote, YAHOO_QUOTE, QUOTE),
        form(Speech::Yahoo, stock(), Bars, YAHOO_BARS, BARS),
        form(Speech::Yahoo, stock(), Bars, YAHOO_BARS, YAHOO_TIMES),
        form(Speech::Binance, coin(), Quote, BINANCE_QUOTE, QUOTE),
        form(Speech::Binance, coin(), Quote, BINANCE_QUOTE, BINANCE_OWN),
        form(Speech::Binance, coin(), Bars, BINANCE_BARS, BARS),
        form(Speech::Binance, coin(), Bars, BINANCE_BARS, BINANCE_TIMES),
        form(Speech::Fred, economy(), Series, FRED_SERIES, SERIES),
        form(acme(), stock(), Quote, ACME_QUOTE, QUOTE),
        form(acme(), stock(), Quote, ACME_QUOTE, ACME_OWN),
        form(acme(), stock(), Bars, ACME_BARS, BARS),
        form(acme(), stock(), Bars, ACME_BARS, ACME_DATES),
        form(acme(), economy(), Series, ACME_SERIES, SERIES),
    ]
}

#[test]
fn nonsense_in_any_place_is_refused_whoever_sends_it() {
    for Form { speech, symbol, data_type, good, bad } in forms() {
        let named = format!("{} {}", speech.as_str(), data_type.as_str());
        let come = |body: &str| {
            gate(&speech, &symbol, data_type, &Reply::new(200, body.as_bytes().to_vec()))
        };
        assert_eq!(come(good), Ok(()), "{named}");
        for (sound, nonsense) in bad {
            assert!(good.contains(sound), "{named} has no {sound}");
            let body = good.replacen(sound, nonsense, 1);
            assert_eq!(come(&body), Err(Kind::InvalidData), "{named}: {sound} -> {nonsense}");
            // As JSON has no such number, some write it as a text.
            if ["NaN", "1e999"].contains(nonsense) && !good.contains(&format!("\"{sound}\"")) {
                let body = good.replacen(sound, &format!("\"{nonsense}\""), 1);
                assert_eq!(come(&body), Err(Kind::InvalidData), "{named}: \"{nonsense}\"");
            }
        }
        for body in ["", " ", "null", "[]", "{}", "0", "<html>", "{\"a\":", "NaN", "\u{0}", "[[]]"]
        {
            // Rows of which there is none are no nonsense: nothing was traded.
            let is_empty = data_type == DataType::Bars && speech == Speech::Binance && body == "[]";
            let expected = if is_empty { Ok(()) } else { Err(Kind::InvalidData) };
            assert_eq!(come(body), expected, "{named}: {body:?}");
        }
        for cut in (0..good.len()).step_by(7) {
            assert_eq!(come(&good[..cut]), Err(Kind::InvalidData), "{named} cut at {cut}");
        }
    }
}

#[test]
fn rows_may_stand_newest_first_where_a_configuration_reads_them_and_nowhere_else() {
    let reversed = r#"{"data":[["2026-06-24",2,3,1,2,7],["2026-06-23",2,3,1,2,7]]}"#;
    let stock = Symbol::new(Class::Stock, "AAPL");
    let come = |speech: &Speech, symbol: &Symbol, body: &str| {
        gate(speech, symbol, DataType::Bars, &Reply::new(200, body.as_bytes().to_vec()))
    };
    assert_eq!(come(&acme(), &stock, reversed), Ok(()));
    let doubled = reversed.replace("06-23", "06-24");
    assert_eq!(come(&acme(), &stock, &doubled), Err(Kind::InvalidData));
    let mut rows: Vec<&str> = BINANCE_BARS.trim_matches(['[', ']']).split("],[").collect();
    rows.reverse();
    let coin = Symbol::new(Class::Crypto, "BTC/USDT");
    let body = format!("[[{}]]", rows.join("],["));
    assert_eq!(come(&Speech::Binance, &coin, &body), Err(Kind::InvalidData));
    // Of Yahoo's, only the bar that is running may be there twice: the later one knows more.
    let running = YAHOO_BARS.replace("1782221400,1782307800", "1782307800,1782307800");
    assert_eq!(come(&Speech::Yahoo, &stock, &running), Ok(()));
    let settled = YAHOO_BARS.replace("1782135000,1782221400", "1782221400,1782221400");
    assert_eq!(come(&Speech::Yahoo, &stock, &settled), Err(Kind::InvalidData));
}

#[test]
fn what_is_kept_as_it_was_sent_is_no_page_for_people_and_not_nothing() {
    let sentiment = DataType::Payload(EndpointName::parse("sentiment").unwrap());
    let stock = Symbol::new(Class::Stock, "AAPL");
    for (content_type, body, is_kept) in [
        (None, "", false),
        (None, " \n", false),
        (None, "<!DOCTYPE html><p>", false),
        (None, "<HTML><p>sorry</p>", false),
        (None, "\u{feff} <head>", false),
        (Some("text/html"), "sorry", false),
        (Some("application/json"), "{\"a\":NaN}", false),
        (Some("application/json"), "{\"a\":", false),
        (Some("application/json"), "\u{0}", false),
        (None, "<feed/>", true),
        (None, "plain words", true),
        (Some("application/json"), "{\"a\":[1]}", true),
    ] {
        let reply =
            Reply { content_type: content_type.map(Into::into), ..Reply::new(200, body.into()) };
        let expected = if is_kept { Ok(()) } else { Err(Kind::InvalidData) };
        assert_eq!(gate(&acme(), &stock, sentiment, &reply), expected, "{content_type:?} {body:?}");
    }
}
