//! The providers that are shipped as configuration: what they ask, and what they make of every answer that
//! was recorded of them and of the failures that were not.

use super::*;
use crate::config::freshness::number;
use crate::provider::recorded;

/// What is asked of a provider.
#[derive(Clone, Copy, Debug)]
enum Of {
    Quote,
    Bars(Interval),
    Series,
    /// What an endpoint of this name sends, as it sends it.
    Kept(&'static str),
}

use Of::{Bars as B, Kept, Quote as Q, Series as S};

const DAY: Interval = Interval::Day1;

/// A recorded answer, whom it is of, about what, and what is made of it.
type Recording = (&'static str, &'static str, Of, (Class, &'static str), &'static str);

/// The symbol of what is asked about none.
const NOTHING: (Class, &str) = (Class::Stock, "AAPL");

const RECORDED: &[Recording] = &[
    (
        "alphavantage/global_quote_MSFT.json",
        "alphavantage",
        Q,
        (Class::Stock, "MSFT"),
        r#""price":112.1300,"previous_close":112.7900,"change":-0.6600,"change_percent":-0.5852,"open":112.6300,"high":113.1700,"low":110.6400,"volume":29062853,"time":"2018-10-05T04:00:00Z""#,
    ),
    (
        "alphavantage/information_premium.json",
        "alphavantage",
        B(DAY),
        (Class::Stock, "IBM"),
        "Unauthorized",
    ),
    (
        "alphavantage/information_rate_limit.json",
        "alphavantage",
        Q,
        (Class::Stock, "IBM"),
        "RateLimited",
    ),
    (
        "alphavantage/symbol_search_IBM.json",
        "alphavantage",
        Kept("symbol_search"),
        (Class::Stock, "IBM"),
        r#"2393 bytes: {"bestMatches":[{"1. symbol":"IBM","2. n"#,
    ),
    (
        "alphavantage/time_series_daily_IBM_partial.json",
        "alphavantage",
        B(DAY),
        (Class::Stock, "IBM"),
        r#"7: 2020-12-31T14:30:00Z 2020-12-31 124.22 126.03 123.99 125.88 - - to 2021-01-11T14:30:00Z 2021-01-11 127.95 129.675 127.66 128.58 - -"#,
    ),
    (
        "alphavantage/time_series_daily_adjusted_IBM_partial.json",
        "alphavantage",
        B(DAY),
        (Class::Stock, "IBM"),
        r#"7: 2020-12-31T14:30:00Z 2020-12-31 124.22 126.03 123.99 125.88 - - to 2021-01-11T14:30:00Z 2021-01-11 127.95 129.675 127.66 128.58 - -"#,
    ),
    (
        "coinbase/candles_BTC-EUR_1d_page1.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        r#"2: 2020-01-01T00:00:00Z 2020-01-01 6400.02 6471.44 6388.91 6410.22 491.94797816 - to 2020-10-16T00:00:00Z 2020-10-16 9828.84 9860 9588 9672.41 1068.08144123 -"#,
    ),
    (
        "coinbase/candles_BTC-EUR_1d_page2.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        r#"2: 2020-10-17T00:00:00Z 2020-10-17 9675.29 9742.61 9630.1 9706.33 385.03505036 - to 2021-01-07T00:00:00Z 2021-01-07 29818.73 32900 29516.98 32120.19 5957.46980324 -"#,
    ),
    (
        "coinbase/candles_BTC-EUR_1d_recent.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        r#"7: 2021-01-01T00:00:00Z 2021-01-01 23706.73 24250 23512.7 24070.97 1830.04655405 - to 2021-01-07T00:00:00Z 2021-01-07 29818.73 32900 29516.98 32120.19 5957.46980324 -"#,
    ),
    (
        "coinbase/products_partial.json",
        "coinbase",
        Kept("products"),
        NOTHING,
        r#"1217 bytes: [{"id":"BTC-EUR","base_currency":"BTC",""#,
    ),
    (
        "coingecko/ping.json",
        "coingecko",
        Kept("ping"),
        NOTHING,
        r#"34 bytes: {"gecko_says":"(V3) To the Moon!"}}"#,
    ),
    (
        "coingecko/simple_price.json",
        "coingecko",
        Q,
        (Class::Crypto, "BTC/USD"),
        r#""price":5005.73,"currency":"USD","market_state":"regular""#,
    ),
    (
        "fred/fredgraph_DGS10_new_header.csv",
        "fred_csv",
        S,
        (Class::Macro, "DGS10"),
        r#"6674: 2000-01-03 6.58 to 2025-07-31 4.37"#,
    ),
    (
        "fred/fredgraph_M2SL_old_header.csv",
        "fred_csv",
        S,
        (Class::Macro, "M2SL"),
        r#"770: 1959-01-01 286.6 to 2023-02-01 21062.5"#,
    ),
    (
        "kraken/ohlc_XBTUSD_1m_2017-08-10.json",
        "kraken",
        B(Interval::Minute1),
        (Class::Crypto, "BTC/USD"),
        r#"720: 2017-08-10T22:02:00Z 3449.992 3449.999 3449.992 3449.999 1.012 - to 2017-08-11T10:01:00Z 3531.999 3534.099 3531.999 3534.099 0.36437516 -"#,
    ),
    (
        "kraken/ticker_XXBTZEUR.json",
        "kraken",
        Q,
        (Class::Crypto, "BTC/EUR"),
        r#""price":560.87711,"high":591.11000,"low":560.00000,"bid":560.46600,"ask":562.26651,"volume":600.91850325,"currency":"EUR","exchange":"Kraken","market_state":"regular""#,
    ),
    (
        "polygon/aggs_AAPL_1day_2005-04-01_2005-04-04.json",
        "polygon",
        B(DAY),
        (Class::Stock, "AAPL"),
        r#"2: 2005-04-01T14:30:00Z 2005-04-01 1.5032 1.5064 1.4489 1.4604 642646396 - to 2005-04-04T13:30:00Z 2005-04-04 1.4639 1.4754 1.4343 1.4675 578172308 -"#,
    ),
    (
        "polygon/dividends.json",
        "polygon",
        Kept("reference_dividends"),
        (Class::Stock, "AAPL"),
        r#"1977 bytes: {"results":[{"cash_amount":0.59375,"decl"#,
    ),
    (
        "polygon/marketstatus_now.json",
        "polygon",
        Kept("marketstatus"),
        NOTHING,
        r#"235 bytes: {"market":"extended-hours","earlyHours":"#,
    ),
    (
        "polygon/splits.json",
        "polygon",
        Kept("reference_splits"),
        (Class::Stock, "AAPL"),
        r#"838 bytes: {"results":[{"execution_date":"2022-07-1"#,
    ),
    (
        "stooq/spx_monthly_pl.csv",
        "stooq",
        B(DAY),
        (Class::Stock, "IBM"),
        r#"510: 1980-11-30T05:00:00Z 1980-11-30 127.47 141.96 127.23 140.52 548949997 - to 2023-04-30T04:00:00Z 2023-04-30 4102.2 4169.48 4069.84 4133.52 30270143373 -"#,
    ),
    (
        "tiingo/daily_GOOGL_2018-01.json",
        "tiingo",
        B(DAY),
        (Class::Stock, "GOOGL"),
        r#"10: 2018-01-05T14:30:00Z 2018-01-05 1103.45 1113.58 1101.8 1110.29 1493389 1110.29 to 2018-01-19T14:30:00Z 2018-01-19 1138.03 1143.78 1132.5 1143.5 1418376 1143.5"#,
    ),
    (
        "tiingo/daily_GOOGL_columns.json",
        "tiingo",
        B(DAY),
        (Class::Stock, "GOOGL"),
        r#"2024-10-22T13:30:00Z 2024-10-22 162.98 165.77 162.98 165.14 16568121 -"#,
    ),
    ("tiingo/error_403_detail.json", "tiingo", B(DAY), (Class::Stock, "GOOGL"), "Unauthorized"),
    (
        "tiingo/iex_GOOGL_30min_2018-01-02.json",
        "tiingo",
        Kept("iex"),
        (Class::Stock, "GOOGL"),
        r#"1261 bytes: [{"date":"2018-01-02T14:30:00.000Z","ope"#,
    ),
    (
        "tiingo/meta_GOOGL.json",
        "tiingo",
        Kept("meta"),
        (Class::Stock, "GOOGL"),
        r#"974 bytes: {"endDate":"2017-10-06","startDate":"200"#,
    ),
    (
        "us_treasury/daily_treasury_yield_curve_2022.csv",
        "us_treasury",
        Kept("yield_curve"),
        NOTHING,
        r#"1160 bytes: "Date,\"1 Mo\",\"2 Mo\",\"3 Mo\",\"4 Mo\"#,
    ),
];

/// Recordings that nothing reads, and why.
const UNREAD: [(&str, &str); 1] = [("tiingo/daily_GOOGL_2018-01.csv", "it is asked for as JSON")];

/// Whose recordings are read by code of its own: see the tests beside that.
const BUILT_IN: [&str; 3] = ["binance", "fred", "yahoo"];

/// A provider as it is shipped.
fn shipped(provider: &str) -> Definition {
    let layers = Layers::default();
    for name in layers.names(&["providers", provider, "endpoints"]) {
        check(&layers, provider, &name).unwrap_or_else(|(at, usage)| panic!("{at:?}: {usage:?}"));
    }
    definition(&layers, provider)
}

/// Every provider that is shipped as configuration.
fn all() -> Vec<String> {
    let layers = Layers::default();
    let is_one = |name: &String| layers.text(&["providers", name, "kind"]) == Some("http");
    layers.names(&["providers"]).into_iter().filter(is_one).collect()
}

/// What is made of a reply: of many the count, the first and the last.
fn made(
    provider: &str,
    of: Of,
    (class, name): (Class, &str),
    reply: &Reply,
) -> Result<String, Error> {
    let (definition, symbol) = (shipped(provider), Symbol::new(class, name));
    let ends = |all: &[String]| match all {
        [first, .., last] => format!("{}: {first} to {last}", all.len()),
        few => few.join(", "),
    };
    Ok(match of {
        Of::Quote => plain(&record(&definition, DataType::Quote, &symbol, reply)?),
        Of::Bars(interval) => {
            let span = (interval, "1970-01-01", "2026-07-01");
            ends(&told(&page(&definition, &symbol, span, reply)?.bars))
        }
        Of::Series => {
            let record = record(&definition, DataType::Series, &symbol, reply)?;
            let Record::Series(series) = record else { panic!("{record:?}") };
            let value =
                |value: &Option<_>| value.as_ref().map_or("-".to_owned(), ToString::to_string);
            let said =
                series.observations.iter().map(|of| format!("{} {}", of.date, value(&of.value)));
            ends(&said.collect::<Vec<_>>())
        }
        Of::Kept(endpoint) => {
            let data_type = DataType::Payload(EndpointName::parse(endpoint).unwrap());
            let params = Params::parse(["year=2022"]).unwrap();
            let ask = Ask { symbol: &symbol, data_type, provider, params: &params };
            assert!(definition.has(&symbol, data_type) && definition.request(&ask).is_some());
            let record = definition.read(&ask, reply, at("2026-07-01"))?;
            validate::record(&record)?;
            let text = String::from_utf8(record.to_json()).unwrap();
            let (_, sent) = text.split_once(r#""payload":"#).unwrap();
            format!("{} bytes: {}", sent.len() - 1, sent.chars().take(40).collect::<String>())
        }
    })
}

#[test]
fn every_recorded_answer_is_read_by_what_is_shipped() {
    let mut wrong = Vec::new();
    for (file, provider, of, symbol, expected) in RECORDED {
        let (folder, name) = file.split_once('/').unwrap();
        let status = if name.starts_with("error_403") { 403 } else { 200 };
        let Some(reply) = recorded::reply(folder, name, status) else { return };
        let found = made(provider, *of, *symbol, &reply)
            .unwrap_or_else(|error| format!("{:?}", error.kind));
        if found != *expected {
            wrong.push(format!("{file}\n{found}\n{expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn no_recording_is_left_unread() {
    let Some(any) = recorded::folder("kraken") else { return };
    let is_known = |file: &str| {
        RECORDED.iter().any(|(known, ..)| *known == file)
            || UNREAD.iter().any(|(known, _)| *known == file)
    };
    for folder in std::fs::read_dir(any.parent().unwrap()).unwrap() {
        let folder = folder.unwrap();
        let name = folder.file_name().into_string().unwrap();
        if !folder.path().is_dir() {
            continue;
        }
        let prefix = if name == "fred" { "fredgraph_" } else { "" };
        if BUILT_IN.contains(&name.as_str()) && prefix.is_empty() {
            continue;
        }
        let files = recorded::files(&name, prefix);
        assert!(!files.is_empty(), "{name}");
        for file in files.iter().map(|file| format!("{name}/{file}")) {
            assert!(is_known(&file), "nothing reads {file}");
        }
    }
}

/// Failures as they are known to be sent, of which there are no recordings: whom they are of, what was asked
/// for, the status, the body, and what they mean.
const FAILURES: &[(&str, Of, u16, &str, Kind)] = &[
    ("coinbase", Q, 404, r#"{"message":"NotFound"}"#, Kind::NotFound),
    ("coinbase", B(DAY), 404, r#"{"message":"NotFound"}"#, Kind::NotFound),
    ("coinbase", B(DAY), 400, r#"{"message":"Unsupported granularity"}"#, Kind::Unsupported),
    (
        "coinbase",
        B(DAY),
        400,
        r#"{"message":"granularity too small for the requested time range. Count of aggregations requested exceeds 300"}"#,
        Kind::Unsupported,
    ),
    ("coinbase", Q, 429, r#"{"message":"Public rate limit exceeded"}"#, Kind::RateLimited),
    ("kraken", Q, 200, r#"{"error":["EQuery:Unknown asset pair"]}"#, Kind::NotFound),
    ("kraken", B(DAY), 200, r#"{"error":["EQuery:Unknown asset pair"]}"#, Kind::NotFound),
    ("kraken", Q, 200, r#"{"error":["EAPI:Rate limit exceeded"]}"#, Kind::RateLimited),
    ("kraken", B(DAY), 200, r#"{"error":["EGeneral:Too many requests"]}"#, Kind::RateLimited),
    ("kraken", Q, 200, r#"{"error":["EService:Unavailable"]}"#, Kind::Upstream),
    ("kraken", B(DAY), 200, r#"{"error":["EGeneral:Invalid arguments"]}"#, Kind::Upstream),
    ("coingecko", Q, 200, "{}", Kind::NotFound),
    ("coingecko", Q, 404, r#"{"error":"coin not found"}"#, Kind::NotFound),
    (
        "coingecko",
        Q,
        200,
        r#"{"status":{"error_code":429,"error_message":"You've exceeded the Rate Limit."}}"#,
        Kind::RateLimited,
    ),
    ("coingecko", Q, 401, r#"{"error":{"status":{"error_code":10002}}}"#, Kind::Unauthorized),
    ("coingecko", Q, 400, r#"{"error":{"status":{"error_code":10010}}}"#, Kind::Unauthorized),
    ("stooq", B(DAY), 200, "Exceeded the daily hits limit", Kind::RateLimited),
    ("stooq", B(DAY), 200, "Przekroczony dzienny limit wywolan", Kind::RateLimited),
    (
        "stooq",
        B(DAY),
        200,
        "Get your apikey:\nhttps://stooq.com/q/d/?s=aapl.us&get_apikey",
        Kind::Unauthorized,
    ),
    ("stooq", B(DAY), 200, "Access denied", Kind::Unauthorized),
    (
        "stooq",
        B(DAY),
        200,
        "<!DOCTYPE html><html><body>one, two, three</body></html>",
        Kind::InvalidData,
    ),
    ("alphavantage", Q, 200, r#"{"Global Quote":{}}"#, Kind::NotFound),
    ("alphavantage", Q, 200, r#"{"Error Message":"Invalid API call."}"#, Kind::NotFound),
    ("alphavantage", B(DAY), 200, r#"{"Error Message":"Invalid API call."}"#, Kind::NotFound),
    (
        "alphavantage",
        Q,
        200,
        r#"{"Note":"Our standard API call frequency is 5 calls per minute and 500 calls per day."}"#,
        Kind::RateLimited,
    ),
    (
        "alphavantage",
        B(DAY),
        200,
        r#"{"Information":"Please consider spreading out your free API requests (1 request per second)."}"#,
        Kind::RateLimited,
    ),
    (
        "alphavantage",
        Q,
        200,
        r#"{"Information":"The **demo** API key is for demo purposes only."}"#,
        Kind::Unauthorized,
    ),
    (
        "finnhub",
        Q,
        200,
        r#"{"c":0,"d":null,"dp":null,"h":0,"l":0,"o":0,"pc":0,"t":0}"#,
        Kind::NotFound,
    ),
    ("finnhub", Q, 401, r#"{"error":"Invalid API key"}"#, Kind::Unauthorized),
    (
        "finnhub",
        Q,
        403,
        r#"{"error":"You don't have access to this resource."}"#,
        Kind::Unauthorized,
    ),
    (
        "finnhub",
        Q,
        429,
        r#"{"error":"API limit reached. Please try again later. Remaining Limit: 0"}"#,
        Kind::RateLimited,
    ),
    (
        "twelvedata",
        B(DAY),
        200,
        r#"{"code":429,"message":"You have run out of API credits for the current minute.","status":"error"}"#,
        Kind::RateLimited,
    ),
    (
        "twelvedata",
        Q,
        200,
        r#"{"code":404,"message":"**symbol** not found: NOSUCH.","status":"error"}"#,
        Kind::NotFound,
    ),
    (
        "twelvedata",
        B(DAY),
        200,
        r#"{"code":400,"message":"**symbol** not found: NOSUCH.","status":"error"}"#,
        Kind::NotFound,
    ),
    (
        "twelvedata",
        Q,
        200,
        r#"{"code":401,"message":"**apikey** is incorrect","status":"error"}"#,
        Kind::Unauthorized,
    ),
    (
        "twelvedata",
        B(DAY),
        200,
        r#"{"code":403,"message":"of a plan","status":"error"}"#,
        Kind::Unauthorized,
    ),
    ("twelvedata", Q, 200, r#"{"code":500,"message":"oops","status":"error"}"#, Kind::Upstream),
    (
        "twelvedata",
        B(DAY),
        200,
        r#"{"code":500,"message":"oops","status":"error"}"#,
        Kind::Upstream,
    ),
    ("tiingo", B(DAY), 403, r#"{"detail":"Please supply a token"}"#, Kind::Unauthorized),
    ("tiingo", B(DAY), 404, r#"{"detail":"Not found."}"#, Kind::NotFound),
    ("tiingo", B(DAY), 404, r#"{"detail":"Error: Ticker 'X' not found"}"#, Kind::NotFound),
    (
        "tiingo",
        B(DAY),
        200,
        "Error: You have run over your hourly request allocation.",
        Kind::RateLimited,
    ),
    (
        "tiingo",
        B(DAY),
        200,
        r#"{"detail":"Error: You have run over your 500 symbol look up for this month."}"#,
        Kind::RateLimited,
    ),
    (
        "polygon",
        B(DAY),
        401,
        r#"{"status":"ERROR","request_id":"a","error":"Unknown API Key"}"#,
        Kind::Unauthorized,
    ),
    (
        "polygon",
        B(DAY),
        403,
        r#"{"status":"NOT_AUTHORIZED","message":"upgrade your plan"}"#,
        Kind::Unauthorized,
    ),
    (
        "polygon",
        B(DAY),
        429,
        r#"{"status":"ERROR","error":"You've exceeded the maximum requests per minute, please wait or upgrade"}"#,
        Kind::RateLimited,
    ),
    ("polygon", B(DAY), 404, r#"{"status":"NOT_FOUND"}"#, Kind::NotFound),
    (
        "polygon",
        B(DAY),
        200,
        r#"{"status":"OK","resultsCount":1,"results":[{"t":1112331600000,"c":1}],"next_url":"https://a.example"}"#,
        Kind::InvalidData,
    ),
    ("us_treasury", Kept("yield_curve"), 200, "<!DOCTYPE html><html></html>", Kind::InvalidData),
    ("us_treasury", Kept("bill_rates"), 503, "<html></html>", Kind::Upstream),
    ("fred_csv", S, 404, "<!DOCTYPE html><html></html>", Kind::NotFound),
    ("fred_csv", S, 200, "<!DOCTYPE html><html><body>a, b</body></html>", Kind::InvalidData),
];

/// Something that each provider can be asked about.
fn something(provider: &str) -> (Class, &'static str) {
    match provider {
        "coinbase" | "kraken" | "coingecko" => (Class::Crypto, "BTC/USD"),
        "fred_csv" => (Class::Macro, "GDP"),
        _ => NOTHING,
    }
}

#[test]
fn every_failure_that_is_known_has_its_kind() {
    for (provider, of, status, body, kind) in FAILURES {
        let reply = Reply::new(*status, body.as_bytes().to_vec());
        let found = made(provider, *of, something(provider), &reply);
        let error = found.map_err(|error| error.kind);
        assert_eq!(error, Err(*kind), "{provider} {of:?} {status} {body}");
    }
}

#[test]
fn what_is_empty_is_no_failure_and_what_was_not_recorded_is_read() {
    let stock = NOTHING;
    for (provider, of, body, expected) in [
        ("stooq", B(DAY), "No data", ""),
        ("polygon", B(DAY), r#"{"status":"OK","resultsCount":0,"queryCount":0}"#, ""),
        (
            "twelvedata",
            B(DAY),
            r#"{"code":400,"message":"No data is available on the specified dates. Try setting different start/end dates.","status":"error"}"#,
            "",
        ),
        (
            "twelvedata",
            B(DAY),
            r#"{"meta":{"symbol":"AAPL"},"values":[{"datetime":"2024-01-31","open":"187.04","high":"187.10","low":"184.35","close":"184.40","volume":"55467800"}],"status":"ok"}"#,
            "2024-01-31T14:30:00Z 2024-01-31 187.04 187.1 184.35 184.4 55467800 -",
        ),
        (
            "twelvedata",
            B(Interval::Hour1),
            r#"{"values":[{"datetime":"2024-01-31 15:30:00","open":"2","high":"2","low":"2","close":"2","volume":"5"},{"datetime":"2024-01-31 14:30:00","open":"1","high":"1","low":"1","close":"1","volume":"5"}],"status":"ok"}"#,
            "2: 2024-01-31T14:30:00Z 1 1 1 1 5 - to 2024-01-31T15:30:00Z 2 2 2 2 5 -",
        ),
        (
            "twelvedata",
            Q,
            r#"{"symbol":"AAPL","mic_code":"XNAS","currency":"USD","timestamp":1706734800,"open":"187.04","high":"187.10","low":"184.35","close":"184.40","volume":"55467800","previous_close":"188.04","change":"-3.64","percent_change":"-1.93576"}"#,
            r#""price":184.40,"previous_close":188.04,"change":-3.64,"change_percent":-1.93576,"open":187.04,"high":187.10,"low":184.35,"volume":55467800,"currency":"USD","exchange":"XNAS","time":"2024-01-31T21:00:00Z""#,
        ),
        (
            "finnhub",
            Q,
            r#"{"c":261.74,"d":1.5,"dp":0.5764,"h":263.31,"l":260.68,"o":261.07,"pc":260.24,"t":1582641000}"#,
            r#""price":261.74,"previous_close":260.24,"change":1.5,"change_percent":0.5764,"open":261.07,"high":263.31,"low":260.68,"time":"2020-02-25T14:30:00Z""#,
        ),
    ] {
        assert_eq!(made(provider, of, stock, &sent(body)).unwrap(), expected, "{provider} {body}");
    }
    let ticker = r#"{"trade_id":1,"price":"60000.5","size":"0.1","bid":"60000","ask":"60001","volume":"1234.5","time":"2026-07-01T14:59:59.5Z"}"#;
    assert_eq!(
        made("coinbase", Q, (Class::Crypto, "BTC"), &sent(ticker)).unwrap(),
        r#""price":60000.5,"bid":60000,"ask":60001,"volume":1234.5,"currency":"USDT","exchange":"Coinbase","market_state":"regular","time":"2026-07-01T14:59:59.5Z""#
    );
}

/// The path and the query of what a provider is asked; none if it cannot be.
fn asked(provider: &str, of: Of, (class, name): (Class, &str)) -> Option<String> {
    let (definition, symbol) = (shipped(provider), Symbol::new(class, name));
    let ask = |data_type| Ask { symbol: &symbol, data_type, provider, params: Params::none() };
    let request = match of {
        Of::Bars(interval) => {
            let charts = definition.charts()?;
            charts.reach(&symbol, interval)?;
            let span = Span::new(at("2026-06-29T13:30:00Z"), at("2026-07-01T13:30:00Z")).unwrap();
            charts.request(
                &ask(DataType::Bars),
                &Piece { interval, span, session: SessionKind::Regular },
            )
        }
        Of::Quote | Of::Series | Of::Kept(_) => {
            let data_type = match of {
                Of::Series => DataType::Series,
                Of::Kept(name) => DataType::Payload(EndpointName::parse(name).unwrap()),
                _ => DataType::Quote,
            };
            definition.has(&symbol, data_type).then_some(())?;
            definition.request(&ask(data_type))?
        }
    };
    let query = request.query.iter().map(|(name, value)| format!("{name}={value}"));
    Some(format!("{}?{}", request.path, query.collect::<Vec<_>>().join("&")))
}

#[test]
fn each_is_asked_in_its_own_spelling_and_only_about_what_it_has() {
    let (coin, stock) = (Class::Crypto, Class::Stock);
    for (provider, of, symbol, expected) in [
        ("coinbase", Q, (coin, "BTC"), Some("/products/BTC-USDT/ticker?")),
        ("coinbase", Q, (coin, "BTC/USD"), Some("/products/BTC-USD/ticker?")),
        ("coinbase", Q, (stock, "AAPL"), None),
        (
            "coinbase",
            B(Interval::Hour1),
            (coin, "ETH/EUR"),
            Some(
                "/products/ETH-EUR/candles?end=2026-07-01T13:30:00Z&granularity=3600&start=2026-06-29T13:30:00Z",
            ),
        ),
        ("coinbase", B(Interval::Hour4), (coin, "ETH/EUR"), None),
        ("kraken", Q, (coin, "BTC"), Some("/0/public/Ticker?pair=XBTUSDT")),
        ("kraken", Q, (coin, "ETH/BTC"), Some("/0/public/Ticker?pair=ETHXBT")),
        ("kraken", Q, (coin, "DOGE/USD"), Some("/0/public/Ticker?pair=XDGUSD")),
        ("kraken", B(DAY), (coin, "BTC/USD"), Some("/0/public/OHLC?interval=1440&pair=XBTUSD")),
        ("coingecko", Q, (coin, "BTC"), None),
        ("coingecko", Q, (coin, "BTC/EUR"), None),
        ("coingecko", Q, (coin, "WIF/USD"), None),
        (
            "coingecko",
            Q,
            (coin, "BTC/USD"),
            Some(
                "/simple/price?ids=bitcoin&include_24hr_change=true&include_last_updated_at=true&vs_currencies=usd",
            ),
        ),
        ("stooq", B(DAY), (stock, "BRK.B"), Some("/q/d/l/?d1=20260629&d2=20260701&i=d&s=brk-b.us")),
        ("stooq", B(DAY), (Class::Index, "SPX"), None),
        ("alphavantage", Q, (stock, "IBM"), Some("/query?function=GLOBAL_QUOTE&symbol=IBM")),
        ("alphavantage", Q, (coin, "BTC"), None),
        ("alphavantage", B(Interval::Hour1), (stock, "IBM"), None),
        ("finnhub", Q, (stock, "AAPL"), Some("/quote?symbol=AAPL")),
        ("finnhub", Q, (coin, "BTC"), None),
        ("finnhub", Q, (Class::Macro, "GDP"), None),
        ("twelvedata", Q, (stock, "BRK.B"), Some("/quote?symbol=BRK.B")),
        (
            "twelvedata",
            B(DAY),
            (stock, "AAPL"),
            Some(
                "/time_series?end_date=2026-07-02&interval=1day&outputsize=5000&start_date=2026-06-28&symbol=AAPL&timezone=UTC",
            ),
        ),
        ("twelvedata", Q, (Class::Fx, "EURUSD"), None),
        (
            "tiingo",
            B(DAY),
            (stock, "BRK.B"),
            Some(
                "/tiingo/daily/BRK-B/prices?endDate=2026-07-01&format=json&resampleFreq=daily&startDate=2026-06-29",
            ),
        ),
        ("tiingo", Kept("iex"), (stock, "AAPL"), Some("/iex/AAPL/prices?resampleFreq=30min")),
        (
            "polygon",
            B(DAY),
            (stock, "AAPL"),
            Some(
                "/v2/aggs/ticker/AAPL/range/1/day/1782739800000/1782912600000?adjusted=true&limit=50000&sort=asc",
            ),
        ),
        ("polygon", Q, (stock, "AAPL"), None),
        ("us_treasury", Kept("yield_curve"), NOTHING, None),
        ("fred_csv", S, (Class::Macro, "GDP"), Some("/graph/fredgraph.csv?id=GDP")),
        ("fred_csv", Q, (Class::Macro, "GDP"), None),
        ("fred_csv", S, (stock, "AAPL"), None),
    ] {
        assert_eq!(
            asked(provider, of, symbol).as_deref(),
            expected,
            "{provider} {of:?} {symbol:?}"
        );
    }
}

#[test]
fn whether_one_gives_something_is_told_without_its_definition_as_with_it() {
    let names = [
        (Class::Stock, "AAPL"),
        (Class::Crypto, "BTC"),
        (Class::Crypto, "BTC/USD"),
        (Class::Crypto, "NOSUCH/USD"),
        (Class::Macro, "GDP"),
        (Class::Fx, "EURUSD"),
        (Class::Index, "GSPC"),
    ];
    let mut given = 0;
    for provider in all() {
        let whole = Speech::Http(Arc::new(shipped(&provider)));
        let kept = Layers::default().names(&["providers", &provider, "endpoints"]);
        let kept = kept.iter().filter_map(|name| EndpointName::parse(name).ok());
        for data_type in DataType::ALL.into_iter().chain(kept.map(DataType::Payload)) {
            for ((class, name), interval) in
                names.iter().flat_map(|name| Interval::ALL.map(|interval| (*name, interval)))
            {
                let symbol = Symbol::new(class, name);
                let layers = Layers::default();
                let outlined = gives(&layers, &provider, &symbol, data_type, interval);
                let case = format!("{provider} {data_type:?} {symbol} {interval:?}");
                assert!(layers.made.get(&provider).is_none(), "{case}");
                assert_eq!(outlined, whole.gives(&symbol, data_type, interval), "{case}");
                given += usize::from(outlined);
            }
            if let DataType::Payload(endpoint) = data_type {
                let layers = Layers::default();
                let told = takes_a_symbol(&layers, &provider, endpoint);
                assert_eq!(told, whole.takes_a_symbol(endpoint), "{provider} {data_type:?}");
            }
        }
    }
    assert!(given > 100, "{given}");
}

#[test]
fn what_is_shipped_has_the_definition_0_until_a_user_changes_what_it_means() {
    let of = |set: &str| {
        let set = if set.is_empty() { Vec::new() } else { vec![set.to_owned()] };
        Layers::load(Sources { set, ..Sources::default() }).unwrap()
    };
    let shipped = of("");
    for provider in all() {
        for endpoint in shipped.names(&["providers", &provider, "endpoints"]) {
            assert_eq!(number(&shipped, &provider, &endpoint), 0, "{provider} {endpoint}");
        }
    }
    for (set, is_changed) in [
        ("providers.kraken.limits=[2/1s]", false),
        ("providers.kraken.endpoints.quote.ttl=5", false),
        ("providers.kraken.endpoints.quote.classes=[crypto, fx]", false),
        ("providers.kraken.endpoints.bars.max_rows=3", false),
        ("providers.kraken.endpoints.quote.fields.price=/p", true),
        ("providers.kraken.endpoints.quote.version=2", true),
        ("providers.kraken.names.ETH=XETH", true),
    ] {
        assert_eq!(number(&of(set), "kraken", "quote") != 0, is_changed, "{set}");
    }
    let acme = |path: &str| {
        number(&of(&format!("providers.kraken.endpoints.mine.path={path}")), "kraken", "mine")
    };
    assert_ne!(acme("/a"), acme("/b"));
}

#[test]
fn a_definition_is_made_once() {
    let layers = Layers::default();
    let one = crate::config::sites::speech(&layers, "kraken").unwrap();
    let Speech::Http(one) = one else { panic!("{one:?}") };
    assert!(Arc::ptr_eq(&one, &layers.made.get("kraken").unwrap()));
    let again = crate::config::sites::speech(&layers, "kraken");
    assert!(matches!(again, Some(Speech::Http(again)) if Arc::ptr_eq(&one, &again)));
    assert!(layers.made.get("coinbase").is_none() && layers.clone().made.get("kraken").is_none());
}
