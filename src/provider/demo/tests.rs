//! What is asked of the embedded upstream is answered, and what it answers is read.

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::market::{MarketState, Params, Quote, Series};
use crate::validate;

/// A Wednesday, in New York's session.
const OPEN: &str = "2026-07-01T15:00:00Z";

/// The path and query of a request, encoded as a client does.
fn target(request: &Request) -> String {
    let query: Vec<String> = request
        .query
        .iter()
        .map(|(name, value)| format!("{name}={}", crate::provider::encoded(value)))
        .collect();
    format!("{}?{}", request.path, query.join("&"))
}

fn ask(class: Class, name: &str, data_type: DataType, now: Timestamp) -> Result<Record, Error> {
    let symbol = Symbol::new(class, name);
    assert!(Demo.has(&symbol, data_type));
    let ask = Ask { symbol: &symbol, data_type, provider: "demo", params: Params::none() };
    let reply = reply(&target(&Demo.request(&ask).unwrap()), now);
    let record = Demo.read(&ask, &reply, now)?;
    validate::record(&record)?;
    Ok(record)
}

fn quote(class: Class, name: &str, now: &str) -> Quote {
    match ask(class, name, DataType::Quote, Timestamp::parse(now).unwrap()).unwrap() {
        Record::Quote(quote) => *quote,
        other => unreachable!("a quote was asked for, not {other:?}"),
    }
}

fn series(name: &str, now: &str) -> Series {
    match ask(Class::Macro, name, DataType::Series, Timestamp::parse(now).unwrap()).unwrap() {
        Record::Series(series) => series,
        other => unreachable!("a series was asked for, not {other:?}"),
    }
}

#[test]
fn every_class_has_a_quote_that_is_complete() {
    for (class, name, currency) in [
        (Class::Stock, "AAPL", Some("USD")),
        (Class::Stock, "BRK.B", Some("USD")),
        (Class::Index, "GSPC", Some("USD")),
        (Class::Fx, "EURGBP", Some("GBP")),
        (Class::Crypto, "BTC", Some("USDT")),
        (Class::Crypto, "BTC/USD", Some("USD")),
        (Class::Crypto, "ETH/BTC", Some("BTC")),
        (Class::Crypto, "PEPE/WEIRD", Some("WEIRD")),
        (Class::Macro, "GDP", None),
    ] {
        let quote = quote(class, name, OPEN);
        assert_eq!(quote.currency.as_deref(), currency, "{name}");
        assert_eq!(quote.symbol, name);
        assert_eq!(quote.provider, "demo");
        assert!(quote.previous_close.is_some() && quote.change.is_some(), "{name}");
        assert!(quote.time.is_some(), "{name}");
        if class != Class::Macro {
            assert_eq!(quote.market_state, Some(MarketState::Regular), "{name}");
            let [low, high] = [&quote.low, &quote.high].map(|n| n.as_ref().unwrap().as_f64());
            let price = quote.price.as_f64();
            assert!(low <= price && price <= high, "{name}: {low} {price} {high}");
            assert!(quote.open.is_some() && quote.volume.is_some(), "{name}");
        }
    }
}

#[test]
fn the_same_instant_gives_the_same_quote_and_a_later_one_another() {
    let now = quote(Class::Crypto, "BTC", OPEN);
    assert_eq!(now, quote(Class::Crypto, "BTC", OPEN));
    let later = quote(Class::Crypto, "BTC", "2026-07-01T15:01:00Z");
    assert_ne!(now.price, later.price);
    assert_eq!(later.time.as_deref(), Some("2026-07-01T15:01:00Z"));
}

#[test]
fn a_stock_stands_still_while_its_exchange_is_closed() {
    for (now, state) in [
        ("2026-07-01T20:30:00Z", MarketState::Post),
        ("2026-07-02T03:00:00Z", MarketState::Closed),
        ("2026-07-02T09:00:00Z", MarketState::Pre),
    ] {
        let quote = quote(Class::Stock, "AAPL", now);
        assert_eq!(quote.time.as_deref(), Some("2026-07-01T20:00:00Z"), "{now}");
        assert_eq!(quote.market_state, Some(state), "{now}");
    }
    // Yesterday's price is today's previous close.
    let yesterday = quote(Class::Stock, "AAPL", "2026-07-01T22:00:00Z");
    let today = quote(Class::Stock, "AAPL", "2026-07-02T15:00:00Z");
    assert_eq!(today.previous_close, Some(yesterday.price));
    let sunday = quote(Class::Stock, "AAPL", "2026-07-05T15:00:00Z");
    assert_eq!(sunday.market_state, Some(MarketState::Closed));
    assert_eq!(sunday.time.as_deref(), Some("2026-07-02T20:00:00Z"));
}

#[test]
fn a_series_has_forty_quarters_of_which_the_first_is_missing() {
    let series = series("GDP", OPEN);
    assert_eq!(series.observations.len(), 40);
    assert_eq!(series.observations[0].value, None);
    assert!(series.observations[1..].iter().all(|o| o.value.is_some()));
    let last = series.observations.last().unwrap();
    assert_eq!(last.date, "2026-04-01");
    let latest = quote(Class::Macro, "GDP", OPEN);
    assert_eq!(Some(latest.price), last.value);
    assert_eq!(latest.time.as_deref(), Some("2026-04-01T00:00:00Z"));
}

#[test]
fn what_is_not_there_is_not_found_in_every_shape() {
    let now = Timestamp::parse(OPEN).unwrap();
    for (class, name) in [
        (Class::Stock, "NOSUCH"),
        (Class::Stock, "UNKNOWN1"),
        (Class::Index, "NOSUCH"),
        (Class::Fx, "NOSUCHX"),
        (Class::Crypto, "NOSUCH"),
        (Class::Crypto, "UNKNOWN/USD"),
        (Class::Macro, "NOSUCHSERIES"),
    ] {
        let error = ask(class, name, DataType::Quote, now).unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{name}: {error}");
    }
}

#[test]
fn a_request_that_makes_no_sense_gets_the_providers_own_error() {
    let now = Timestamp::parse(OPEN).unwrap();
    for (target, status, part) in [
        ("/api/v3/ticker/24hr", 400, "-1102"),
        ("/api/v3/ticker/24hr?symbol=", 400, "-1102"),
        ("/api/v3/ticker/24hr?symbol=BTCUSDT&x=1", 400, "-1104"),
        ("/api/v3/ticker/24hr?symbol=btc%2Fusdt", 400, "-1100"),
        ("/fred/series/observations?file_type=json", 400, "series_id is not set"),
        ("/fred/series/observations?series_id=GDP&limit=0", 400, "limit"),
        ("/v8/finance/chart/", 404, "finance"),
        ("/v8/finance/chart/NOSUCH", 404, "No data found"),
        ("/v7/finance/quote?symbols=AAPL", 404, "not found"),
        ("/", 404, "not found"),
        ("", 404, "not found"),
    ] {
        let reply = reply(target, now);
        let body = String::from_utf8(reply.body).unwrap();
        assert_eq!(reply.status, status, "{target}: {body}");
        assert!(body.contains(part), "{target}: {body}");
    }
}

#[test]
fn text_is_decoded_and_broken_encoding_is_left_alone() {
    for (text, expected) in [
        ("%5EGSPC", "^GSPC"),
        ("EURUSD%3DX", "EURUSD=X"),
        ("a+b", "a b"),
        ("100%", "100%"),
        ("%4", "%4"),
        ("%zz", "%zz"),
        ("%+1", "% 1"),
    ] {
        assert_eq!(decoded(text), expected);
    }
}

fn bounded() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(bounded())]

    #[test]
    fn any_symbol_at_any_time_is_answered_with_what_passes_validation(
        name in "[A-Z0-9]{1,10}",
        class in prop::sample::select(Class::ALL.to_vec()),
        // Nothing was quoted before 1980, nor is yet what will be after 2099.
        second in 315_532_800_i64..4_102_444_800,
    ) {
        let now = Timestamp::from_seconds(second);
        let known = !is_unknown(&name);
        prop_assert_eq!(ask(class, &name, DataType::Quote, now).is_ok(), known);
        if class == Class::Macro {
            prop_assert_eq!(ask(class, &name, DataType::Series, now).is_ok(), known);
        }
    }

    #[test]
    fn no_target_and_no_time_can_break_the_server(target in "\\PC{0,60}", ms in any::<i64>()) {
        for start in ["", "/v8/finance/chart/", "/api/v3/ticker/24hr?", "/fred/series/observations?series_id="] {
            let _ = reply(&format!("{start}{target}"), Timestamp::from_ms(ms));
        }
    }
}
