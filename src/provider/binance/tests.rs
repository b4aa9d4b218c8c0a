//! What Binance's replies mean, by hand-written ones and by the recorded.

use proptest::prelude::*;

use super::*;
use crate::market::{Class, Params};
use crate::provider::recorded;
use crate::validate;

const TICKER: &str = include_str!("../../../tests/fixtures/binance/ticker.json");

const NO_TRADES: &str = include_str!("../../../tests/fixtures/binance/no_trades.json");

const NOW: Timestamp = Timestamp::from_seconds(1_782_919_805);

fn read_bytes(name: &str, status: u16, body: &[u8]) -> Result<Quote, Error> {
    let symbol = Symbol::new(Class::Crypto, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "binance",
        params: Params::none(),
    };
    match Binance.read(&ask, &Reply::new(status, body.to_vec()), NOW)? {
        Record::Quote(quote) => Ok(*quote),
        other => unreachable!("a quote was asked for, not {other:?}"),
    }
}

fn read(name: &str, status: u16, body: &str) -> Result<Quote, Error> {
    read_bytes(name, status, body.as_bytes())
}

fn text(number: Option<&Number>) -> Option<&str> {
    number.map(Number::as_str)
}

#[test]
fn a_pair_is_asked_for_with_one_parameter_and_no_more() {
    for (name, expected) in [("BTC", "BTCUSDT"), ("ETH/BTC", "ETHBTC"), ("BTC/EUR", "BTCEUR")] {
        let symbol = Symbol::new(Class::Crypto, name);
        assert!(Binance.has(&symbol, DataType::Quote), "{name}");
        let request = Binance
            .request(&Ask {
                symbol: &symbol,
                data_type: DataType::Quote,
                provider: "binance",
                params: Params::none(),
            })
            .unwrap();
        assert_eq!(request.path, "/api/v3/ticker/24hr");
        assert_eq!(request.query, [("symbol".into(), expected.to_owned())]);
    }
}

#[test]
fn what_binance_lacks_is_not_asked_of_it() {
    for (class, name) in [
        (Class::Crypto, "BTC/USD"),
        (Class::Crypto, "BTC/GBP"),
        (Class::Stock, "AAPL"),
        (Class::Fx, "EURUSD"),
        (Class::Macro, "GDP"),
    ] {
        assert!(!Binance.has(&Symbol::new(class, name), DataType::Quote), "{name}");
    }
    assert!(!Binance.has(&Symbol::new(Class::Crypto, "BTC"), DataType::Series));
}

#[test]
fn a_quote_has_the_digits_that_were_sent() {
    let quote = read("ETH", 200, TICKER).unwrap();
    assert_eq!(quote.symbol, "ETH");
    assert_eq!(quote.price.as_str(), "3000.00000000");
    assert_eq!(text(quote.previous_close.as_ref()), Some("3012.40000000"));
    assert_eq!(text(quote.change.as_ref()), Some("-12.50000000"));
    assert_eq!(text(quote.change_percent.as_ref()), Some("-0.415"));
    assert_eq!(text(quote.open.as_ref()), Some("3012.50000000"));
    assert_eq!(text(quote.high.as_ref()), Some("3050.00000000"));
    assert_eq!(text(quote.low.as_ref()), Some("2980.10000000"));
    assert_eq!(text(quote.bid.as_ref()), Some("2999.99000000"));
    assert_eq!(text(quote.ask.as_ref()), Some("3000.01000000"));
    assert_eq!(text(quote.volume.as_ref()), Some("1500.25000000"));
    assert_eq!(quote.currency.as_deref(), Some("USDT"));
    assert_eq!(quote.exchange.as_deref(), Some("Binance"));
    assert_eq!(quote.market_state, Some(MarketState::Regular));
    assert_eq!(quote.time.as_deref(), Some("2026-07-01T15:30:00Z"));
}

#[test]
fn a_ticker_in_its_short_form_is_a_quote() {
    let short = r#"{"symbol":"ETHUSDT","lastPrice":"3000.5","volume":"1"}"#;
    let quote = read("ETH", 200, short).unwrap();
    assert_eq!((quote.change, quote.bid, quote.time), (None, None, None));
}

#[test]
fn zero_is_no_previous_close_and_no_bid() {
    let body = TICKER.replace("3012.40000000", "0.00000000").replace("2999.99000000", "0.00000000");
    let quote = read("ETH", 200, &body).unwrap();
    assert_eq!((quote.previous_close, quote.bid), (None, None));
}

#[test]
fn a_price_of_zero_with_trades_is_nonsense_and_without_is_no_price() {
    assert_eq!(read("ETH", 200, NO_TRADES).unwrap_err().kind, Kind::NotFound);
    let quote = read("ETH", 200, &TICKER.replace("3000.00000000", "0.00000000")).unwrap();
    assert_eq!(validate::record(&Record::from(quote)).unwrap_err().kind, Kind::InvalidData);
}

#[test]
fn every_failure_has_its_kind() {
    let html = "<html><head><title>403 Forbidden</title></head></html>";
    for (status, body, kind) in [
        (400, r#"{"code":-1121,"msg":"Invalid symbol."}"#, Kind::NotFound),
        (
            400,
            r#"{"code":-1100,"msg":"Illegal characters found in parameter 'symbol'"}"#,
            Kind::NotFound,
        ),
        (400, r#"{"code":-1104,"msg":"Not all sent parameters were read"}"#, Kind::Upstream),
        (429, r#"{"code":-1003,"msg":"Too much request weight used"}"#, Kind::RateLimited),
        (429, "", Kind::RateLimited),
        (418, "", Kind::RateLimited),
        (403, html, Kind::RateLimited),
        (
            403,
            r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#,
            Kind::Unauthorized,
        ),
        (401, r#"{"code":-2014,"msg":"API-key format invalid."}"#, Kind::Unauthorized),
        (
            451,
            r#"{"code":0,"msg":"Service unavailable from a restricted location"}"#,
            Kind::Unauthorized,
        ),
        (451, "", Kind::Unauthorized),
        (500, r#"{"code":-1000,"msg":"An unknown error occurred"}"#, Kind::Upstream),
        (503, html, Kind::Upstream),
        (200, html, Kind::InvalidData),
        (200, "", Kind::InvalidData),
        (200, "[]", Kind::InvalidData),
        (200, "{}", Kind::InvalidData),
        (200, "null", Kind::InvalidData),
        (200, &TICKER[..200], Kind::InvalidData),
        (200, &TICKER.replace("ETHUSDT", "BTCUSDT"), Kind::InvalidData),
        (200, &TICKER.replace("\"3000.00000000\"", "null"), Kind::InvalidData),
        (200, &TICKER.replace("\"3000.00000000\"", "\"NaN\""), Kind::InvalidData),
        (200, &TICKER.replace("1782919800000", "1782919800000000"), Kind::InvalidData),
    ] {
        let error = read("ETH", status, body).unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.hint.is_some(), "{error}");
        assert!(error.message.len() < 500, "{error}");
    }
}

#[test]
fn a_ban_says_until_when_and_a_refused_place_says_where_else() {
    let body = r#"{"code":-1003,"msg":"Way too much request weight used; IP banned until 1782919860000. Please use WebSocket Streams."}"#;
    let error = read("ETH", 418, body).unwrap_err();
    assert!(error.message.contains("until 2026-07-01T15:31:00Z"), "{error}");
    let body = r#"{"code":-1003,"msg":"banned until 99999999999999999999"}"#;
    assert!(read("ETH", 418, body).unwrap_err().message.contains("no more requests now"));
    let error = read("ETH", 451, "").unwrap_err();
    assert!(error.hint.unwrap().contains("https://data-api.binance.vision"));
}

#[test]
fn recorded_answers_are_read() {
    let Some(reply) = recorded::reply("binance", "ticker_24hr_BTCUSDT.json", 200) else { return };
    let quote = read_bytes("BTC", reply.status, &reply.body).unwrap();
    assert_eq!(quote.price.as_str(), "84374.99000000");
    assert_eq!(text(quote.previous_close.as_ref()), Some("84019.31000000"));
    assert_eq!(text(quote.change.as_ref()), Some("355.67000000"));
    assert_eq!(text(quote.change_percent.as_ref()), Some("0.423"));
    assert_eq!(quote.time.as_deref(), Some("2025-03-22T09:22:06.167Z"));
    assert_eq!(quote.currency.as_deref(), Some("USDT"));
    validate::record(&Record::from(quote)).unwrap();
    for (file, status, kind) in [
        ("error_-1121_invalid_symbol.json", 400, Kind::NotFound),
        ("error_-1120_invalid_interval.json", 400, Kind::Upstream),
        ("error_-1102_missing_parameter.json", 400, Kind::Upstream),
        ("error_-1104_unread_parameter.json", 400, Kind::Upstream),
        // Other endpoints and the form for all pairs: none of them is a quote of one.
        ("ticker_24hr_docs_sample_all.json", 200, Kind::InvalidData),
        ("ticker_price_BTCUSDT.json", 200, Kind::InvalidData),
        ("ticker_price_docs_sample_all.json", 200, Kind::InvalidData),
        ("klines_docs_sample.json", 200, Kind::InvalidData),
        ("exchange_info_docs_sample.json", 200, Kind::InvalidData),
    ] {
        let reply = recorded::reply("binance", file, status).unwrap();
        let error = read_bytes("BTC", reply.status, &reply.body).unwrap_err();
        assert_eq!(error.kind, kind, "{file}: {error}");
    }
}

fn bounded() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(bounded())]

    #[test]
    fn no_bytes_can_break_the_reader(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read_bytes("ETH", status, &body);
    }

    #[test]
    fn no_change_to_a_reply_can_break_the_reader(at in any::<prop::sample::Index>(), with in any::<[u8; 3]>(), cut in any::<bool>()) {
        let mut body = TICKER.trim_end().as_bytes().to_vec();
        let at = at.index(body.len());
        body.splice(at..=at, with);
        if cut {
            body.truncate(at);
        }
        let _ = read_bytes("ETH", 200, &body);
    }
}

#[test]
fn its_weight_is_of_its_own_minute_and_its_ban_until_the_instant_it_names() {
    let now = Timestamp::parse("2026-07-01T15:02:00.500Z").unwrap();
    let weight = ("x-mbx-used-weight-1m", "1400");
    let pace = |headers: &[(&str, &str)], body: &str| {
        let reply = Reply::new(200, body.as_bytes().to_vec());
        let find = |name: &str| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        let symbol = Symbol::new(Class::Crypto, "BTC");
        let (data_type, provider, params) = (DataType::Quote, "binance", Params::none());
        let ask = Ask { symbol: &symbol, data_type, provider, params };
        Binance.pace(&ask, &reply, &find, now)
    };
    let since = |text: &str| Some((Timestamp::parse(text).unwrap(), 1400));
    // Counted in the minute before, half a second ago.
    let date = ("date", "Wed, 01 Jul 2026 15:01:59 GMT");
    assert_eq!(pace(&[weight, date], "{}").used, since("2026-07-01T15:01:00.500Z"));
    assert_eq!(pace(&[weight], "{}").used, since("2026-07-01T15:02:00Z"));
    assert_eq!(pace(&[], "{}"), Pace::default());
    let banned = r#"{"code":-1003,"msg":"Way too much request weight used; IP banned until 1761768001000."}"#;
    assert_eq!(pace(&[], banned).banned_until, Some(Timestamp::from_ms(1_761_768_001_000)));
}

#[test]
fn several_pairs_are_asked_for_at_once_and_each_gets_its_own() {
    let symbols = ["BTC", "ETH", "SOL"].map(|name| Symbol::new(Class::Crypto, name));
    let asks = symbols.each_ref().map(|symbol| Ask {
        symbol,
        data_type: DataType::Quote,
        provider: "binance",
        params: Params::none(),
    });
    assert_eq!(
        (Binance.most_at_once(DataType::Quote), Binance.most_at_once(DataType::Bars)),
        (20, 1)
    );
    let request = Binance.request_at_once(&asks).unwrap();
    let pairs = r#"["BTCUSDT","ETHUSDT","SOLUSDT"]"#.to_owned();
    assert_eq!((request.query, request.weight), (vec![("symbols".into(), pairs)], WEIGHT));
    let ticker = |pair: &str, price: &str| {
        format!(r#"{{"symbol":"{pair}","lastPrice":"{price}","count":1}}"#)
    };
    let (btc, eth) = (ticker("BTCUSDT", "60000.10"), ticker("ETHUSDT", "3000.5"));
    let read = |status, body: &str| {
        let reply = Reply::new(status, body.as_bytes().to_vec());
        let price = |record: Option<Record>| match record {
            Some(Record::Quote(quote)) => {
                Some((quote.symbol.clone(), quote.price.as_str().to_owned()))
            }
            _ => None,
        };
        let records = Binance.read_at_once(&asks, &reply, NOW);
        records.into_iter().map(price).collect::<Vec<_>>()
    };
    let of = |name: &str, price: &str| Some((name.to_owned(), price.to_owned()));
    // In any order, and whatever else is there.
    let other = ticker("XRPUSDT", "1");
    assert_eq!(
        read(200, &format!("[{eth},{other},{btc}]")),
        [of("BTC", "60000.10"), of("ETH", "3000.5"), None]
    );
    let halted = r#"{"symbol":"ETHUSDT","lastPrice":"0.00000000","count":0}"#;
    assert_eq!(read(200, &format!("[{btc},{halted}]")), [of("BTC", "60000.10"), None, None]);
    for (status, body) in [
        (200, btc.as_str()),
        (200, "[]"),
        (200, ""),
        (500, "[]"),
        (400, r#"{"code":-1121,"msg":"x"}"#),
    ] {
        assert_eq!(read(status, body), [None, None, None], "{status} {body}");
    }
    assert_eq!(read(429, &format!("[{btc}]")), [None, None, None]);
}
