//! What the embedded upstream's bars promise, asked for and read as providers do.

use proptest::prelude::*;

use crate::error::{Error, Kind};
use crate::market::{Class, DataType, Interval, Page, Params, Record, SessionKind, Symbol};
use crate::provider::demo::{Demo, reply};
use crate::provider::{Ask, Piece, Provider, Reply, encoded};
use crate::span::Span;
use crate::time::Timestamp;
use crate::validate;

/// A Wednesday, in New York's session.
const OPEN: &str = "2026-07-01T15:00:30Z";

const KINDS: [(Class, &str); 4] =
    [(Class::Stock, "AAPL"), (Class::Index, "GSPC"), (Class::Fx, "EURUSD"), (Class::Crypto, "BTC")];

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn piece(interval: Interval, from: &str, to: &str) -> Piece {
    let span = Span::new(at(from), at(to)).unwrap();
    Piece { interval, span, session: SessionKind::Regular }
}

fn answer(class: Class, name: &str, piece: &Piece, now: Timestamp) -> Reply {
    let symbol = Symbol::new(class, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "demo",
        params: Params::none(),
    };
    let request = Demo.charts().unwrap().request(&ask, piece);
    let query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    reply(&format!("{}?{}", request.path, query.join("&")), now)
}

fn try_bars(class: Class, name: &str, piece: &Piece, now: Timestamp) -> Result<Page, Error> {
    let symbol = Symbol::new(class, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "demo",
        params: Params::none(),
    };
    let reply = answer(class, name, piece, now);
    let page = Demo.charts().unwrap().read(&ask, piece, &reply, now)?;
    validate::page(&symbol, "demo", piece.interval, piece.span, &page)?;
    Ok(page)
}

fn bars(class: Class, name: &str, piece: &Piece, now: &str) -> Page {
    try_bars(class, name, piece, at(now)).unwrap()
}

fn price(class: Class, name: &str, now: Timestamp) -> f64 {
    let symbol = Symbol::new(class, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "demo",
        params: Params::none(),
    };
    let request = Demo.request(&ask).unwrap();
    let query: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let reply = reply(&format!("{}?{}", request.path, query.join("&")), now);
    match Demo.read(&ask, &reply, now).unwrap() {
        Record::Quote(quote) => quote.price.as_f64(),
        other => unreachable!("a quote was asked for, not {other:?}"),
    }
}

fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

#[test]
fn a_day_closes_at_what_a_quote_of_its_close_says() {
    for (class, name) in KINDS {
        let page = bars(class, name, &piece(Interval::Day1, "2026-05-01", "2026-06-01"), OPEN);
        for place in 0..page.bars.len() {
            let bar = page.bars.bar(place);
            let length = if matches!(class, Class::Stock | Class::Index) { 390 } else { 1440 };
            let close = Timestamp::from_ms(bar.time + length * 60_000);
            assert!(same(bar.close, price(class, name, close)), "{name} {close}");
        }
        let days = match class {
            Class::Crypto => 31,
            Class::Fx => 21,
            _ => 20,
        };
        assert_eq!(page.bars.len(), days, "{name}");
    }
}

#[test]
fn the_running_day_is_what_a_quote_says_and_only_widens() {
    for (class, name) in KINDS {
        let today = piece(Interval::Day1, "2026-07-01", "2026-07-02");
        let mut before: Option<crate::market::Bar> = None;
        for second in (0..3600).step_by(7) {
            let now = Timestamp::from_seconds(at("2026-07-01T13:30:00Z").as_ms() / 1000 + second);
            let page = try_bars(class, name, &today, now).unwrap();
            assert_eq!(page.bars.len(), 1, "{name} {now}");
            let bar = page.bars.bar(0);
            assert!(same(bar.close, price(class, name, now)), "{name} {now}");
            if let Some(before) = before {
                assert_eq!((bar.time, bar.day), (before.time, before.day));
                assert!(same(bar.open, before.open));
                assert!(bar.high >= before.high && bar.low <= before.low, "{name} {now}");
                assert!(bar.volume >= before.volume, "{name} {now}");
            }
            before = Some(bar);
        }
    }
}

#[test]
fn shorter_bars_add_up_to_longer_ones() {
    for (class, name, parts) in [
        (Class::Stock, "AAPL", [Interval::Minute5, Interval::Hour1]),
        (Class::Fx, "EURUSD", [Interval::Minute15, Interval::Minute30]),
        (Class::Crypto, "BTC", [Interval::Minute3, Interval::Hour8]),
    ] {
        let (from, to) = ("2026-06-30", "2026-07-01");
        let day = bars(class, name, &piece(Interval::Day1, from, to), OPEN).bars.bar(0);
        for interval in parts {
            let bars = bars(class, name, &piece(interval, from, to), OPEN).bars;
            assert_eq!(bars.times[0], day.time);
            assert!(same(bars.open[0], day.open) && same(*bars.close.last().unwrap(), day.close));
            let high = bars.high.iter().copied().fold(0.0, f64::max);
            let low = bars.low.iter().copied().fold(f64::INFINITY, f64::min);
            assert!(same(high, day.high) && same(low, day.low), "{name} {interval:?}");
            let volume: f64 = bars.volume.iter().sum();
            assert!((volume - day.volume).abs() <= day.volume * 1e-9, "{name} {interval:?}");
        }
    }
}

#[test]
fn whatever_the_span_a_bar_is_the_same() {
    for (class, name) in KINDS {
        let all = bars(class, name, &piece(Interval::Minute5, "2026-06-29", "2026-07-02"), OPEN);
        let part = piece(Interval::Minute5, "2026-06-29T14:02:00Z", "2026-06-30T03:00:00Z");
        let part = (bars(class, name, &part, OPEN).bars, part.span);
        let within = all.bars.within(part.1.start().as_ms(), part.1.end().as_ms());
        assert!(!within.is_empty(), "{name}");
        assert_eq!(all.bars.slice(within), part.0, "{name}");
        // The running one begins when its interval does.
        let last = Timestamp::from_ms(*all.bars.times.last().unwrap());
        assert_eq!(last, at("2026-07-01T15:00:00Z"), "{name}");
    }
}

#[test]
fn early_and_late_trading_are_given_to_who_asks_for_them() {
    let regular = piece(Interval::Minute30, "2026-06-30", "2026-07-01");
    let extended = Piece { session: SessionKind::Extended, ..regular };
    let [regular, extended] =
        [regular, extended].map(|piece| bars(Class::Stock, "AAPL", &piece, OPEN).bars);
    assert_eq!((regular.len(), extended.len()), (13, 32));
    assert_eq!(Timestamp::from_ms(extended.times[0]), at("2026-06-30T08:00:00Z"));
    let within = extended.within(regular.times[0], regular.times[12] + 1);
    assert_eq!(extended.slice(within), regular);
}

#[test]
fn everything_is_listed_since_the_first_session_of_2000() {
    for (class, name) in KINDS {
        let page = bars(class, name, &piece(Interval::Day1, "1999-06-01", "2000-02-01"), OPEN);
        let first = Timestamp::from_ms(page.bars.times[0]).to_string();
        assert!(first.starts_with("2000-01-0"), "{name}: {first}");
        let before = bars(class, name, &piece(Interval::Day1, "1990-01-01", "1999-12-31"), OPEN);
        assert!(before.bars.is_empty(), "{name}");
    }
    let stock =
        bars(Class::Stock, "AAPL", &piece(Interval::Day1, "2000-01-01", "2026-07-02"), OPEN);
    // The sessions of New York from 2000 to June 2026, and the running one.
    assert_eq!(stock.bars.len(), 6_663);
    assert_eq!(stock.first_trade_ms, Some(stock.bars.times[0]));
    let sunday = piece(Interval::Day1, "2026-06-27", "2026-06-29");
    assert!(bars(Class::Stock, "AAPL", &sunday, OPEN).bars.is_empty());
}

#[test]
fn what_is_out_of_reach_is_refused_in_yahoos_words() {
    for (interval, from, part) in [
        (Interval::Minute1, "2026-05-30", "must be within the last 30 days"),
        (Interval::Minute1, "2026-06-20", "Only 8 days worth of 1m"),
        (Interval::Minute5, "2026-04-30", "must be within the last 60 days"),
        (Interval::Hour1, "2024-06-20", "must be within the last 730 days"),
    ] {
        let piece = piece(interval, from, "2026-07-01");
        let error = try_bars(Class::Stock, "AAPL", &piece, at(OPEN)).unwrap_err();
        assert_eq!(error.kind, Kind::Unsupported, "{error}");
        assert!(error.message.contains(part) && error.hint.is_some(), "{error}");
        assert_eq!(answer(Class::Stock, "AAPL", &piece, at(OPEN)).status, 422);
    }
    let weeks = "/v8/finance/chart/AAPL?period1=1&period2=2000000000&interval=3m";
    assert_eq!(reply(weeks, at(OPEN)).status, 400);
}

#[test]
fn a_split_divides_all_that_was_before_once_it_has_happened() {
    let span = piece(Interval::Day1, "2026-06-01", "2026-06-15");
    let before = bars(Class::Stock, "SPLT", &span, "2026-06-15T13:29:59Z");
    let after = bars(Class::Stock, "SPLT", &span, "2026-06-15T13:30:00Z");
    assert_eq!(before.bars.times, after.bars.times);
    for place in 0..before.bars.len() {
        let (old, new) = (before.bars.bar(place), after.bars.bar(place));
        assert!(same(old.close, new.close * 4.0) && same(old.high, new.high * 4.0));
        assert!(same(old.adjusted, new.adjusted * 4.0));
        assert!((old.volume * 4.0 / new.volume - 1.0).abs() < 0.01, "{old:?} {new:?}");
    }
    assert!(before.events.splits.is_empty());
    let all = piece(Interval::Day1, "2026-05-01", "2026-08-20");
    let page = bars(Class::Stock, "SPLT", &all, "2026-08-19T15:00:00Z");
    let split = page.events.splits[0];
    assert!(same(split.ratio(), 4.0));
    assert_eq!(Timestamp::from_ms(split.at_ms), at("2026-06-15T13:30:00Z"));
    // The price of a quote is divided at the same instant, and does not leap but for that.
    let [quote, then] = ["2026-06-15T13:29:59Z", "2026-06-15T13:30:01Z"]
        .map(|now| price(Class::Stock, "SPLT", at(now)));
    assert!((quote / then / 4.0 - 1.0).abs() < 0.05, "{quote} then {then}");
}

#[test]
fn dividends_are_paid_four_times_a_year_and_taken_out_of_earlier_adjusted_closes() {
    let year = piece(Interval::Day1, "2025-07-01", "2026-07-01");
    let page = bars(Class::Stock, "SPLT", &year, OPEN);
    let paid: Vec<String> = page
        .events
        .dividends
        .iter()
        .map(|paid| format!("{} {}", Timestamp::from_ms(paid.at_ms), paid.amount))
        .collect();
    let expected = [
        "2025-08-11T13:30:00Z 0.25",
        "2025-11-10T14:30:00Z 0.25",
        "2026-02-10T14:30:00Z 0.25",
        "2026-05-11T13:30:00Z 0.25",
    ];
    assert_eq!(paid, expected);
    let bars = &page.bars;
    let mut factor = 1.0;
    for place in (0..bars.len()).rev() {
        let bar = bars.bar(place);
        assert!((bar.adjusted / (bar.close * factor) - 1.0).abs() < 1e-12, "{bar:?}");
        if page.events.dividends.iter().any(|paid| paid.at_ms == bar.time) {
            factor *= 1.0 - 0.25 / bars.close[place - 1];
        }
    }
    assert!(factor < 1.0);
    // Before the split it paid four times as much for a share.
    let may = piece(Interval::Day1, "2026-05-01", "2026-06-01");
    let page = self::bars(Class::Stock, "SPLT", &may, "2026-06-02T15:00:00Z");
    assert!(same(page.events.dividends[0].amount, 1.0));
    // Others do neither.
    let page = self::bars(Class::Stock, "AAPL", &year, OPEN);
    assert_eq!(page.events, crate::market::Events::default());
    assert!(
        (0..page.bars.len()).all(|place| same(page.bars.close[place], page.bars.adjusted[place]))
    );
}

#[test]
fn a_coin_has_a_thousand_bars_a_call_at_most() {
    let page =
        bars(Class::Crypto, "BTC", &piece(Interval::Minute1, "2026-06-01", "2026-07-01"), OPEN);
    assert_eq!(page.bars.len(), 1000);
    assert_eq!(Timestamp::from_ms(page.bars.times[0]), at("2026-06-01"));
    for (target, code) in [
        ("/api/v3/klines?interval=1d", "-1102"),
        ("/api/v3/klines?symbol=BTCUSDT", "-1102"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=2m", "-1120"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1d&x=1", "-1104"),
        ("/api/v3/klines?symbol=NOSUCHUSDT&interval=1d", "-1121"),
        ("/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=x", "-1100"),
    ] {
        let reply = reply(target, at(OPEN));
        let body = String::from_utf8(reply.body).unwrap();
        assert!(reply.status == 400 && body.contains(code), "{target}: {body}");
    }
    let latest = reply("/api/v3/klines?symbol=BTCUSDT&interval=1d&limit=2", at(OPEN));
    let rows: Vec<Vec<serde_json::Value>> = serde_json::from_slice(&latest.body).unwrap();
    let times = rows.iter().map(|row| Timestamp::from_ms(row[0].as_i64().unwrap()).to_string());
    assert_eq!(times.collect::<Vec<_>>(), ["2026-06-30T00:00:00Z", "2026-07-01T00:00:00Z"]);
}

#[test]
fn an_unknown_name_has_no_bars() {
    for (class, name) in
        [(Class::Stock, "NOSUCH"), (Class::Crypto, "NOSUCH"), (Class::Fx, "UNKNOWN")]
    {
        let piece = piece(Interval::Day1, "2026-06-01", "2026-07-01");
        let error = try_bars(class, name, &piece, at(OPEN)).unwrap_err();
        assert_eq!(error.kind, Kind::NotFound, "{name}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_span_at_any_time_is_answered_with_what_passes_validation(
        place in 0..KINDS.len(),
        interval in prop::sample::select(Interval::ALL.to_vec()),
        now in 0_i64..7_000_000_000,
        back in 0_i64..40 * 86_400,
        length in 1_i64..7 * 86_400,
        extended: bool,
    ) {
        let (class, name) = KINDS[place];
        let start = Timestamp::from_seconds(now - back);
        let span = Span::new(start, start + std::time::Duration::from_secs(length.unsigned_abs())).unwrap();
        let session = if extended { SessionKind::Extended } else { SessionKind::Regular };
        let piece = Piece { interval, span, session };
        let now = Timestamp::from_seconds(now);
        let symbol = Symbol::new(class, name);
        if let Some(reach) = Demo.charts().unwrap().reach(&symbol, interval)
            && reach.back.is_none_or(|back| now - back <= span.start())
        {
            prop_assert!(try_bars(class, name, &piece, now).is_ok(), "{:?}", try_bars(class, name, &piece, now));
        }
    }

    #[test]
    fn no_span_can_break_the_server(from: i64, to: i64, now: i64, place in 0..Interval::ALL.len()) {
        let interval = Interval::ALL[place].as_str();
        for target in [
            format!("/v8/finance/chart/SPLT?period1={from}&period2={to}&interval={interval}"),
            format!("/api/v3/klines?symbol=BTCUSDT&startTime={from}&endTime={to}&interval={interval}"),
            format!("/api/v3/klines?symbol=BTCUSDT&endTime={to}&limit={from}&interval={interval}"),
        ] {
            let _ = reply(&target, Timestamp::from_ms(now));
        }
    }
}
