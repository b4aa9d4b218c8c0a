//! What each provider is asked, and about whom.

use super::*;

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

/// Whom, for what, about which symbol, and what it is asked; nothing, if it cannot be.
type Row = (&'static str, Of, (Class, &'static str), Option<&'static str>);

const ASKED: &[Row] = &[
    ("coinbase", Q, (Class::Crypto, "BTC"), Some("/products/BTC-USDT/ticker?")),
    ("coinbase", Q, (Class::Crypto, "BTC/USD"), Some("/products/BTC-USD/ticker?")),
    ("coinbase", Q, (Class::Stock, "AAPL"), None),
    (
        "coinbase",
        B(Interval::Hour1),
        (Class::Crypto, "ETH/EUR"),
        Some(
            "/products/ETH-EUR/candles?end=2026-07-01T13:30:00Z&granularity=3600&start=2026-06-29T13:30:00Z",
        ),
    ),
    ("coinbase", B(Interval::Hour4), (Class::Crypto, "ETH/EUR"), None),
    ("kraken", Q, (Class::Crypto, "BTC"), Some("/0/public/Ticker?pair=XBTUSDT")),
    ("kraken", Q, (Class::Crypto, "ETH/BTC"), Some("/0/public/Ticker?pair=ETHXBT")),
    ("kraken", Q, (Class::Crypto, "DOGE/USD"), Some("/0/public/Ticker?pair=XDGUSD")),
    (
        "kraken",
        B(DAY),
        (Class::Crypto, "BTC/USD"),
        Some("/0/public/OHLC?interval=1440&pair=XBTUSD"),
    ),
    ("coingecko", Q, (Class::Crypto, "BTC"), None),
    ("coingecko", Q, (Class::Crypto, "BTC/EUR"), None),
    ("coingecko", Q, (Class::Crypto, "WIF/USD"), None),
    (
        "coingecko",
        Q,
        (Class::Crypto, "BTC/USD"),
        Some(
            "/simple/price?ids=bitcoin&include_24hr_change=true&include_last_updated_at=true&vs_currencies=usd",
        ),
    ),
    (
        "stooq",
        B(DAY),
        (Class::Stock, "BRK.B"),
        Some("/q/d/l/?d1=20260629&d2=20260701&i=d&s=brk-b.us"),
    ),
    ("stooq", B(DAY), (Class::Index, "SPX"), None),
    ("alphavantage", Q, (Class::Stock, "IBM"), Some("/query?function=GLOBAL_QUOTE&symbol=IBM")),
    ("alphavantage", Q, (Class::Crypto, "BTC"), None),
    ("alphavantage", B(Interval::Hour1), (Class::Stock, "IBM"), None),
    ("finnhub", Q, (Class::Stock, "AAPL"), Some("/quote?symbol=AAPL")),
    ("finnhub", Q, (Class::Crypto, "BTC"), None),
    ("finnhub", Q, (Class::Macro, "GDP"), None),
    ("twelvedata", Q, (Class::Stock, "BRK.B"), Some("/quote?symbol=BRK.B")),
    (
        "twelvedata",
        B(DAY),
        (Class::Stock, "AAPL"),
        Some(
            "/time_series?end_date=2026-07-02&interval=1day&outputsize=5000&start_date=2026-06-28&symbol=AAPL&timezone=UTC",
        ),
    ),
    ("twelvedata", Q, (Class::Fx, "EURUSD"), None),
    (
        "tiingo",
        B(DAY),
        (Class::Stock, "BRK.B"),
        Some(
            "/tiingo/daily/BRK-B/prices?endDate=2026-07-01&format=json&resampleFreq=daily&startDate=2026-06-29",
        ),
    ),
    ("tiingo", Kept("iex"), (Class::Stock, "AAPL"), Some("/iex/AAPL/prices?resampleFreq=30min")),
    (
        "polygon",
        B(DAY),
        (Class::Stock, "AAPL"),
        Some(
            "/v2/aggs/ticker/AAPL/range/1/day/2026-06-28/2026-07-02?adjusted=true&limit=50000&sort=asc",
        ),
    ),
    ("polygon", Q, (Class::Stock, "AAPL"), None),
    ("us_treasury", Kept("yield_curve"), NOTHING, None),
    ("fred_csv", S, (Class::Macro, "GDP"), Some("/graph/fredgraph.csv?id=GDP")),
    ("fred_csv", Q, (Class::Macro, "GDP"), None),
    ("fred_csv", S, (Class::Stock, "AAPL"), None),
];

#[test]
fn each_is_asked_in_its_own_spelling_and_only_about_what_it_has() {
    for (provider, of, symbol, expected) in ASKED {
        assert_eq!(
            asked(provider, *of, *symbol).as_deref(),
            *expected,
            "{provider} {of:?} {symbol:?}"
        );
    }
}
