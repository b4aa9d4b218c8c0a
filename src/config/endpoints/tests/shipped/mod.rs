//! The providers that are shipped as configuration: what they make of every answer that was recorded of them,
//! and what is made of them before they are asked.

mod asked;
mod failures;

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
        "7: 2020-12-31T14:30:00Z 2020-12-31 124.22 126.03 123.99 125.88 - - to 2021-01-11T14:30:00Z 2021-01-11 127.95 129.675 127.66 128.58 - -",
    ),
    (
        "alphavantage/time_series_daily_adjusted_IBM_partial.json",
        "alphavantage",
        B(DAY),
        (Class::Stock, "IBM"),
        "7: 2020-12-31T14:30:00Z 2020-12-31 124.22 126.03 123.99 125.88 - - to 2021-01-11T14:30:00Z 2021-01-11 127.95 129.675 127.66 128.58 - -",
    ),
    (
        "coinbase/candles_BTC-EUR_1d_page1.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        "2: 2020-01-01T00:00:00Z 2020-01-01 6400.02 6471.44 6388.91 6410.22 491.94797816 - to 2020-10-16T00:00:00Z 2020-10-16 9828.84 9860 9588 9672.41 1068.08144123 -",
    ),
    (
        "coinbase/candles_BTC-EUR_1d_page2.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        "2: 2020-10-17T00:00:00Z 2020-10-17 9675.29 9742.61 9630.1 9706.33 385.03505036 - to 2021-01-07T00:00:00Z 2021-01-07 29818.73 32900 29516.98 32120.19 5957.46980324 -",
    ),
    (
        "coinbase/candles_BTC-EUR_1d_recent.json",
        "coinbase",
        B(DAY),
        (Class::Crypto, "BTC/EUR"),
        "7: 2021-01-01T00:00:00Z 2021-01-01 23706.73 24250 23512.7 24070.97 1830.04655405 - to 2021-01-07T00:00:00Z 2021-01-07 29818.73 32900 29516.98 32120.19 5957.46980324 -",
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
        "6674: 2000-01-03 6.58 to 2025-07-31 4.37",
    ),
    (
        "fred/fredgraph_M2SL_old_header.csv",
        "fred_csv",
        S,
        (Class::Macro, "M2SL"),
        "770: 1959-01-01 286.6 to 2023-02-01 21062.5",
    ),
    (
        "kraken/ohlc_XBTUSD_1m_2017-08-10.json",
        "kraken",
        B(Interval::Minute1),
        (Class::Crypto, "BTC/USD"),
        "720: 2017-08-10T22:02:00Z 3449.992 3449.999 3449.992 3449.999 1.012 - to 2017-08-11T10:01:00Z 3531.999 3534.099 3531.999 3534.099 0.36437516 -",
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
        "2: 2005-04-01T14:30:00Z 2005-04-01 1.5032 1.5064 1.4489 1.4604 642646396 - to 2005-04-04T13:30:00Z 2005-04-04 1.4639 1.4754 1.4343 1.4675 578172308 -",
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
        "510: 1980-11-30T05:00:00Z 1980-11-30 127.47 141.96 127.23 140.52 548949997 - to 2023-04-30T04:00:00Z 2023-04-30 4102.2 4169.48 4069.84 4133.52 30270143373 -",
    ),
    (
        "tiingo/daily_GOOGL_2018-01.json",
        "tiingo",
        B(DAY),
        (Class::Stock, "GOOGL"),
        "10: 2018-01-05T14:30:00Z 2018-01-05 1103.45 1113.58 1101.8 1110.29 1493389 1110.29 to 2018-01-19T14:30:00Z 2018-01-19 1138.03 1143.78 1132.5 1143.5 1418376 1143.5",
    ),
    (
        "tiingo/daily_GOOGL_columns.json",
        "tiingo",
        B(DAY),
        (Class::Stock, "GOOGL"),
        "2024-10-22T13:30:00Z 2024-10-22 162.98 165.77 162.98 165.14 16568121 -",
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
fn nobody_says_of_all_stocks_where_they_are_traded() {
    for provider in all() {
        for endpoint in shipped(&provider).endpoints {
            let is_of_stocks =
                endpoint.classes.as_ref().is_none_or(|of| of.contains(&Class::Stock));
            let said = endpoint.reading.as_ref().and_then(|reading| reading.exchange.as_deref());
            assert!(
                !is_of_stocks || said.is_none(),
                "{provider} {}: {said:?}",
                endpoint.name.as_str()
            );
        }
    }
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
