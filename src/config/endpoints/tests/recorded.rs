//! Recorded answers, read by definitions; without the recordings nothing is tried.

use super::*;
use crate::provider::recorded;

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
