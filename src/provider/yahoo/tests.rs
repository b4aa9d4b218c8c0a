//! What Yahoo's replies mean, by hand-written ones and by the recorded.

use proptest::prelude::*;

use super::*;
use crate::market::Params;
use crate::provider::recorded;
use crate::validate;

const STOCK: &str = include_str!("../../../tests/fixtures/yahoo/stock.json");

/// In the session of the hand-written stock.
const NOW: Timestamp = Timestamp::from_seconds(1_782_919_805);

fn read_as(
    class: Class,
    name: &str,
    status: u16,
    body: &str,
    now: Timestamp,
) -> Result<Quote, Error> {
    let symbol = Symbol::new(class, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "yahoo",
        params: Params::none(),
    };
    match Yahoo.read(&ask, &Reply::new(status, body.as_bytes().to_vec()), now)? {
        Record::Quote(quote) => Ok(*quote),
        other => unreachable!("a quote was asked for, not {other:?}"),
    }
}

fn stock(name: &str, status: u16, body: &str) -> Result<Quote, Error> {
    read_as(Class::Stock, name, status, body, NOW)
}

fn text(number: Option<&crate::number::Number>) -> Option<&str> {
    number.map(crate::number::Number::as_str)
}

#[test]
fn every_class_has_yahoos_spelling() {
    for (class, name, path) in [
        (Class::Stock, "AAPL", "AAPL"),
        (Class::Stock, "BRK.B", "BRK-B"),
        (Class::Stock, "VOD.L", "VOD.L"),
        (Class::Stock, "RY.TO", "RY.TO"),
        (Class::Stock, "GC=F", "GC%3DF"),
        (Class::Index, "GSPC", "%5EGSPC"),
        (Class::Fx, "EURUSD", "EURUSD%3DX"),
        (Class::Crypto, "BTC/USD", "BTC-USD"),
        (Class::Crypto, "BTC/EUR", "BTC-EUR"),
    ] {
        let symbol = Symbol::new(class, name);
        assert!(Yahoo.has(&symbol, DataType::Quote), "{name}");
        assert!(!Yahoo.has(&symbol, DataType::Series), "{name}");
        let request = Yahoo.request(&Ask {
            symbol: &symbol,
            data_type: DataType::Quote,
            provider: "yahoo",
            params: Params::none(),
        });
        let request = request.unwrap();
        assert_eq!(request.path, format!("/v8/finance/chart/{path}"));
        assert_eq!(
            request.query,
            [("interval".into(), "1d".to_owned()), ("range".into(), "1d".to_owned())]
        );
    }
}

#[test]
fn what_yahoo_lacks_is_not_asked_of_it() {
    for (class, name) in [(Class::Crypto, "BTC"), (Class::Crypto, "ETH/BTC"), (Class::Macro, "GDP")]
    {
        assert!(!Yahoo.has(&Symbol::new(class, name), DataType::Quote), "{name}");
    }
}

#[test]
fn a_quote_has_the_digits_that_were_sent() {
    let quote = stock("BRK.B", 200, STOCK).unwrap();
    assert_eq!(quote.symbol, "BRK.B");
    assert_eq!(quote.price.as_str(), "501.25");
    assert_eq!(text(quote.previous_close.as_ref()), Some("499.0"));
    assert_eq!(text(quote.change.as_ref()), Some("2.25"));
    assert_eq!(text(quote.change_percent.as_ref()), Some("0.4509"));
    assert_eq!(text(quote.open.as_ref()), Some("500.10000610351562"));
    assert_eq!(text(quote.high.as_ref()), Some("503.5"));
    assert_eq!(text(quote.low.as_ref()), Some("498.75"));
    assert_eq!(text(quote.volume.as_ref()), Some("1234567"));
    assert_eq!((quote.bid, quote.ask), (None, None));
    assert_eq!(quote.currency.as_deref(), Some("USD"));
    assert_eq!(quote.exchange.as_deref(), Some("NYQ"));
    assert_eq!(quote.time.as_deref(), Some("2026-07-01T15:30:00Z"));
}

#[test]
fn the_market_state_is_that_of_the_moment_of_the_answer() {
    for (now, expected) in [
        (1_782_892_799, MarketState::Closed),
        (1_782_892_800, MarketState::Pre),
        (1_782_912_600, MarketState::Regular),
        (1_782_935_999, MarketState::Regular),
        (1_782_936_000, MarketState::Post),
        (1_782_950_400, MarketState::Closed),
    ] {
        let quote =
            read_as(Class::Stock, "BRK.B", 200, STOCK, Timestamp::from_seconds(now)).unwrap();
        assert_eq!(quote.market_state, Some(expected), "{now}");
    }
    let without = STOCK.replace("\"hasPrePostMarketData\":true", "\"hasPrePostMarketData\":false");
    let early = Timestamp::from_seconds(1_782_900_000);
    let quote = read_as(Class::Stock, "BRK.B", 200, &without, early).unwrap();
    assert_eq!(quote.market_state, Some(MarketState::Closed));
    let coin = STOCK.replace("BRK-B", "BTC-USD");
    let quote = read_as(Class::Crypto, "BTC/USD", 200, &coin, Timestamp::from_seconds(0)).unwrap();
    assert_eq!(quote.market_state, Some(MarketState::Regular));
}

#[test]
fn the_close_before_a_longer_range_is_not_yesterdays() {
    let body = include_str!("../../../tests/fixtures/yahoo/older_short_meta.json");
    let quote = stock("OLD", 200, body).unwrap();
    assert_eq!(text(quote.previous_close.as_ref()), Some("12.25"));
    let body = body.replace("\"previousClose\":12.25,", "");
    assert_eq!(stock("OLD", 200, &body).unwrap().previous_close, None);
    let body = body.replace(",\"range\":\"5d\"", "");
    assert_eq!(text(stock("OLD", 200, &body).unwrap().previous_close.as_ref()), Some("7.5"));
}

#[test]
fn the_answer_for_another_symbol_is_refused() {
    let error = stock("AAPL", 200, STOCK).unwrap_err();
    assert_eq!(error.kind, Kind::InvalidData);
    assert!(error.message.contains("`BRK-B`"), "{error}");
    for (name, answered) in [("USDINR", "INR=X"), ("INR", "USDINR=X"), ("EURUSD", "eurusd=x")] {
        let body = STOCK.replace("BRK-B", answered);
        assert!(read_as(Class::Fx, name, 200, &body, NOW).is_ok(), "{name} as {answered}");
    }
    let body = STOCK.replace("BRK-B", "EURUSD=X");
    assert!(read_as(Class::Fx, "EUR", 200, &body, NOW).is_err());
}

#[test]
fn every_failure_has_its_kind() {
    let unknown =
        r#"{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}"#;
    let gateway =
        r#"{"finance":{"result":null,"error":{"code":"Bad Request","description":"Missing"}}}"#;
    let crumb = r#"{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}"#;
    let span = r#"{"chart":{"result":null,"error":{"code":"Bad Request","description":"Data doesn't exist for startDate = 1"}}}"#;
    let minutes = r#"{"chart":{"result":null,"error":{"code":"Unprocessable Entity","description":"1m data not available"}}}"#;
    let sick = r#"{"chart":{"result":null,"error":{"code":"Internal Server Error","description":"boom"}}}"#;
    let html = "<!DOCTYPE html><html><body>Sorry</body></html>";
    for (status, body, kind) in [
        (404, unknown, Kind::NotFound),
        (200, unknown, Kind::NotFound),
        (404, "", Kind::NotFound),
        (400, span, Kind::NotFound),
        (200, include_str!("../../../tests/fixtures/yahoo/delisted.json"), Kind::NotFound),
        (400, gateway, Kind::Unsupported),
        (422, minutes, Kind::Unsupported),
        (401, crumb, Kind::Unauthorized),
        (429, "Too Many Requests\r\n", Kind::RateLimited),
        (200, "Edge: Too Many Requests", Kind::RateLimited),
        (999, html, Kind::RateLimited),
        (500, sick, Kind::Upstream),
        (502, html, Kind::Upstream),
        (503, "", Kind::Upstream),
        (200, html, Kind::InvalidData),
        (200, "", Kind::InvalidData),
        (200, "null", Kind::InvalidData),
        (200, "[]", Kind::InvalidData),
        (200, "{}", Kind::InvalidData),
        (200, &STOCK[..STOCK.len() / 2], Kind::InvalidData),
        (200, r#"{"chart":{"result":[],"error":null}}"#, Kind::InvalidData),
        (200, include_str!("../../../tests/fixtures/yahoo/no_price.json"), Kind::InvalidData),
        (200, &STOCK.replace("\"regularMarketPrice\":501.25,", ""), Kind::InvalidData),
        (200, &STOCK.replace("501.25", "NaN"), Kind::InvalidData),
        (200, &STOCK.replace("1782919800", "99999999999999"), Kind::InvalidData),
    ] {
        let name = if body.contains("GONE") {
            "GONE"
        } else if body.contains("GAP") {
            "GAP"
        } else {
            "BRK.B"
        };
        let error = stock(name, status, body).unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.hint.is_some(), "{error}");
        assert!(error.message.len() < 500, "{error}");
    }
}

/// Price, previous close (only of charts that know yesterday's), time, currency, exchange.
type Facts = (&'static str, Option<&'static str>, &'static str, &'static str, &'static str);

const CHARTS: [(&str, Class, &str, Facts); 11] = [
    (
        "chart_AAPL_1d_5d_2021.json",
        Class::Stock,
        "AAPL",
        ("134.32", None, "2021-04-23T20:00:03Z", "USD", "NMS"),
    ),
    (
        "chart_AAPL_1d_6mo_live_last_bar.json",
        Class::Stock,
        "AAPL",
        ("269.7", None, "2025-10-29T20:00:01Z", "USD", "NMS"),
    ),
    (
        "chart_AAPL_1h_no_results.json",
        Class::Stock,
        "AAPL",
        ("132.54", Some("131.46"), "2021-05-03T20:00:01Z", "USD", "NMS"),
    ),
    (
        "chart_GS2C.DE_1d_5d_eu_dst.json",
        Class::Stock,
        "GS2C.DE",
        ("19.948", None, "2025-10-29T16:35:44Z", "EUR", "GER"),
    ),
    (
        "chart_INR=X_1d_null_row.json",
        Class::Fx,
        "USDINR",
        ("83.89", None, "2024-09-14T03:30:16Z", "INR", "CCY"),
    ),
    (
        "http_chart_AAPL_1m_weekend_2025-02-01.json",
        Class::Stock,
        "AAPL",
        ("244.87", Some("244.47"), "2025-02-19T21:00:01Z", "USD", "NMS"),
    ),
    (
        "http_chart_TSLA_1h_no_bars_tradingPeriods.json",
        Class::Stock,
        "TSLA",
        ("360.56", Some("354.11"), "2025-02-19T21:00:00Z", "USD", "NMS"),
    ),
    (
        "http_chart_BTC-USD_1d_2020-01-01_2020-01-03.json",
        Class::Crypto,
        "BTC/USD",
        ("97208.17", None, "2025-02-20T11:44:00Z", "USD", "CCC"),
    ),
    (
        "http_chart_EURUSD=X_1d_2020-01-01_2020-01-03.json",
        Class::Fx,
        "EURUSD",
        ("1.0436", None, "2025-02-20T11:46:42Z", "USD", "CCY"),
    ),
    (
        "http_chart_GC=F_1d_2020-01-01_2020-01-03.json",
        Class::Stock,
        "GC=F",
        ("2952.5", None, "2025-02-20T11:35:11Z", "USD", "CMX"),
    ),
    (
        "http_chart_OCDO.L_1d_2020-01-01_2020-01-03.json",
        Class::Stock,
        "OCDO.L",
        ("305.3", None, "2025-02-20T11:32:23Z", "GBp", "LSE"),
    ),
];

#[test]
fn recorded_charts_are_read() {
    for (file, class, name, expected) in CHARTS {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let body = String::from_utf8(reply.body).unwrap();
        let quote = read_as(class, name, reply.status, &body, NOW).unwrap();
        let got = (
            quote.price.as_str(),
            text(quote.previous_close.as_ref()),
            quote.time.as_deref().unwrap_or_default(),
            quote.currency.as_deref().unwrap_or_default(),
            quote.exchange.as_deref().unwrap_or_default(),
        );
        assert_eq!(got, expected, "{file}");
        validate::record(&Record::from(quote)).unwrap();
    }
}

#[test]
fn recorded_failures_have_their_kind() {
    for (file, class, name, status, kind) in [
        ("chart_not_found.json", Class::Stock, "NOSUCH", 404, Kind::NotFound),
        ("chart_delisted_no_data.json", Class::Stock, "CAPIO.ST", 200, Kind::NotFound),
        ("finance_bad_request.json", Class::Stock, "AAPL", 400, Kind::Unsupported),
        // Other endpoints: nothing of theirs may be taken for a quote.
        ("quote_v7_AAPL_MSFT.json", Class::Stock, "AAPL", 200, Kind::InvalidData),
        ("quote_v7_unknown_symbol.json", Class::Stock, "GS2C", 200, Kind::InvalidData),
        ("spark_v7_AAPL_5d.json", Class::Stock, "AAPL", 200, Kind::InvalidData),
        // The meta of 2018 has no price.
        ("result_^GSPC_1m_2018-05-29.json", Class::Index, "GSPC", 200, Kind::InvalidData),
        ("result_USDGBP=X_1m_2018-05-29_nulls.json", Class::Fx, "USDGBP", 200, Kind::InvalidData),
    ] {
        let Some(reply) = recorded::reply("yahoo", file, status) else { return };
        let body = String::from_utf8(reply.body).unwrap();
        let error = read_as(class, name, reply.status, &body, NOW).unwrap_err();
        assert_eq!(error.kind, kind, "{file}: {error}");
    }
}

#[test]
fn no_recording_is_left_unread() {
    for file in recorded::files("yahoo", "").iter().filter(|file| file.contains("chart_")) {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let body = String::from_utf8(reply.body).unwrap();
        // Of the wrong symbol on purpose: whatever it is, it is not taken for that one's.
        let error = stock("WRONG", reply.status, &body).unwrap_err();
        assert!(matches!(error.kind, Kind::InvalidData | Kind::NotFound), "{file}: {error}");
    }
}

fn bounded() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(bounded())]

    #[test]
    fn no_bytes_can_break_the_reader(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = stock("BRK.B", status, &String::from_utf8_lossy(&body));
        let symbol = Symbol::new(Class::Stock, "BRK.B");
        let ask = Ask { symbol: &symbol, data_type: DataType::Quote, provider: "yahoo", params: Params::none() };
        let _ = Yahoo.read(&ask, &Reply::new(status, body), NOW);
    }

    #[test]
    fn no_change_to_a_reply_can_break_the_reader(at in any::<prop::sample::Index>(), with in any::<[u8; 3]>(), cut in any::<bool>(), now in any::<i64>()) {
        let mut body = STOCK.trim_end().as_bytes().to_vec();
        let at = at.index(body.len());
        body.splice(at..=at, with);
        if cut {
            body.truncate(at);
        }
        let symbol = Symbol::new(Class::Stock, "BRK.B");
        let ask = Ask { symbol: &symbol, data_type: DataType::Quote, provider: "yahoo", params: Params::none() };
        let _ = Yahoo.read(&ask, &Reply::new(200, body), Timestamp::from_ms(now));
    }
}

#[test]
fn where_it_trades_is_told_by_yahoos_name_of_it_and_by_class() {
    for (class, exchange, code) in [
        (Class::Stock, Some("NMS"), Some("XNAS")),
        (Class::Stock, Some("NYQ"), Some("XNYS")),
        (Class::Stock, Some("PCX"), Some("XNYS")),
        (Class::Stock, Some("LSE"), Some("XLON")),
        (Class::Stock, Some("GER"), Some("XETR")),
        (Class::Stock, Some("PAR"), Some("XPAR")),
        (Class::Stock, Some("JPX"), Some("XTKS")),
        (Class::Stock, Some("HKG"), Some("XHKG")),
        (Class::Stock, Some("TOR"), Some("XTSE")),
        (Class::Stock, Some("ASX"), Some("XASX")),
        (Class::Index, Some("SNP"), Some("XNYS")),
        (Class::Index, Some("FGI"), Some("XLON")),
        (Class::Stock, Some("YHD"), None),
        (Class::Stock, None, None),
        (Class::Crypto, None, Some("24/7")),
        (Class::Fx, None, Some("FX")),
    ] {
        let price = crate::number::Number::parse("1").unwrap();
        let quote = Quote::of(&Symbol::new(class, "TEST"), "yahoo", price);
        let quote = Quote { exchange: exchange.map(str::to_owned), ..quote };
        let found = Yahoo.exchange(&quote);
        assert_eq!(found.as_ref().map(ExchangeCode::as_str), code, "{class:?} {exchange:?}");
    }
}

#[test]
fn every_recorded_exchange_that_still_lists_something_is_known() {
    for file in recorded::files("yahoo", "").iter().filter(|f| f.contains("chart_")) {
        let reply = recorded::reply("yahoo", file, 200).unwrap();
        let Ok(envelope) = serde_json::from_slice::<Envelope<Outcome>>(&reply.body) else {
            continue;
        };
        let outcome = envelope.chart.and_then(|chart| chart.result).unwrap_or_default();
        for name in outcome.into_iter().filter_map(|one| one.meta.exchange_name) {
            assert_eq!(exchanges::code(&name).is_some(), name != DELISTED, "{file}: {name}");
        }
    }
}
