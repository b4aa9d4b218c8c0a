//! What Binance's bars mean, by hand-written replies and by the recorded.

use super::*;
use crate::error::Kind;
use crate::market::{Class, Params, SessionKind};
use crate::provider::recorded;
use crate::span::Span;
use crate::validate;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn piece(interval: Interval, from: &str, to: &str) -> Piece {
    let span = Span::new(at(from), at(to)).unwrap();
    Piece { interval, span, session: SessionKind::Regular }
}

fn read(piece: &Piece, reply: &Reply) -> Result<Page, Error> {
    let symbol = Symbol::new(Class::Crypto, "BTC");
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "binance",
        params: Params::none(),
    };
    let page = BinanceCharts.read(&ask, piece, reply, at("2026-07-01"))?;
    validate::page(&symbol, "binance", piece.interval, piece.span, &page)?;
    Ok(page)
}

fn answered(status: u16, body: &str) -> Reply {
    Reply::new(status, body.as_bytes().to_vec())
}

#[test]
fn bars_are_asked_for_with_both_ends_included() {
    let symbol = Symbol::new(Class::Crypto, "ETH/BTC");
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "binance",
        params: Params::none(),
    };
    let piece = piece(Interval::Hour4, "2024-01-01", "2024-01-02");
    let request = BinanceCharts.request(&ask, &piece);
    assert_eq!((&*request.endpoint, request.weight), ("bars", 2));
    assert_eq!(request.path, "/api/v3/klines");
    let expected = [
        ("symbol", "ETHBTC"),
        ("interval", "4h"),
        ("startTime", "1704067200000"),
        ("endTime", "1704153599999"),
        ("limit", "1000"),
    ];
    assert_eq!(request.query, expected.map(|(name, value)| (name.into(), value.to_owned())));
}

#[test]
fn every_interval_that_binance_has_is_within_reach() {
    let names: Vec<&str> = Interval::ALL
        .into_iter()
        .filter(|interval| {
            let reach = BinanceCharts.reach(&Symbol::new(Class::Crypto, "BTC"), *interval);
            assert_eq!(reach.and_then(|reach| reach.rows), reach.map(|_| 1000));
            reach.is_some()
        })
        .map(Interval::as_str)
        .collect();
    let expected = ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d"];
    assert_eq!(names, expected);
    for (class, name) in [(Class::Crypto, "BTC/USD"), (Class::Stock, "AAPL")] {
        assert_eq!(BinanceCharts.reach(&Symbol::new(class, name), Interval::Day1), None, "{name}");
    }
}

#[test]
fn recorded_bars_are_read() {
    let file = "rebuilt_klines_BTCUSDT_1h_2024-01-01_2024-01-04.json";
    let Some(reply) = recorded::reply("binance", file, 200) else { return };
    let page = read(&piece(Interval::Hour1, "2024-01-01", "2024-01-05"), &reply).unwrap();
    assert_eq!(page.bars.len(), 96);
    assert_eq!(page.currency.as_deref(), Some("USDT"));
    assert_eq!(page.exchange.as_deref(), Some("Binance"));
    let first = page.bars.bar(0);
    assert_eq!(Timestamp::from_ms(first.time), at("2024-01-01"));
    assert_eq!(
        [first.open, first.high, first.low, first.close, first.volume].map(f64::to_bits),
        [42283.58, 42554.57, 42261.02, 42475.23, 1271.68108].map(f64::to_bits)
    );
    assert!(first.adjusted.is_nan() && first.day.is_none());
    // What begins outside of the piece is left out.
    let page =
        read(&piece(Interval::Hour1, "2024-01-03T12:00:00Z", "2024-01-03T14:00:00Z"), &reply);
    let bars = page.unwrap().bars;
    assert_eq!(
        bars.times,
        [at("2024-01-03T12:00:00Z"), at("2024-01-03T13:00:00Z")].map(Timestamp::as_ms)
    );

    let reply = recorded::reply("binance", "klines_docs_sample.json", 200).unwrap();
    let page = read(&piece(Interval::Day1, "2017-01-01", "2018-01-01"), &reply).unwrap();
    assert_eq!(page.bars.days, [17350]);
    assert_eq!(page.bars.close[0].to_bits(), 0.015_771_f64.to_bits());
}

#[test]
fn a_coin_that_was_not_traded_yet_has_no_bars() {
    let page = read(&piece(Interval::Day1, "2001-01-01", "2002-01-01"), &answered(200, "[]"));
    assert!(page.unwrap().bars.is_empty());
}

#[test]
fn what_cannot_be_bars_has_its_kind() {
    let row = |time: i64, rest: &str| format!("[{time},{rest}]");
    let good = r#""2","3","1","2","5""#;
    let first = 1_704_067_200_000;
    let day = 86_400_000;
    for (status, body, kind) in [
        (200, format!("[{},{}]", row(first, good), row(first, good)), Kind::InvalidData),
        (200, format!("[{},{}]", row(first + day, good), row(first, good)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","3","1""#)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","1","3","2","5""#)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","3","0.0","2","5""#)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","3","1","-2","5""#)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","3","1","2","-5""#)), Kind::InvalidData),
        (200, format!("[{}]", row(first, r#""2","3","1",null,"5""#)), Kind::InvalidData),
        (200, "{}".to_owned(), Kind::InvalidData),
        (400, r#"{"code":-1121,"msg":"Invalid symbol."}"#.to_owned(), Kind::NotFound),
        (429, r#"{"code":-1003,"msg":"Too many."}"#.to_owned(), Kind::RateLimited),
        (403, "<html>".to_owned(), Kind::RateLimited),
        (451, String::new(), Kind::Unauthorized),
        (502, String::new(), Kind::Upstream),
    ] {
        let error =
            read(&piece(Interval::Day1, "2024-01-01", "2024-02-01"), &answered(status, &body));
        let error = error.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.hint.is_some(), "{error}");
    }
    let body = format!("[{}]", row(first, good));
    assert!(
        read(&piece(Interval::Day1, "2024-01-01", "2024-02-01"), &answered(200, &body)).is_ok()
    );
}
