//! What is made of failures, and of what was not recorded, in the shapes that are known of each provider.

use super::*;

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
            r#"{"symbol":"AAPL","mic_code":"XNAS","currency":"USD","timestamp":1706711400,"last_quote_at":1706734740,"open":"187.04","high":"187.10","low":"184.35","close":"184.40","volume":"55467800","previous_close":"188.04","change":"-3.64","percent_change":"-1.93576"}"#,
            r#""price":184.40,"previous_close":188.04,"change":-3.64,"change_percent":-1.93576,"open":187.04,"high":187.10,"low":184.35,"volume":55467800,"currency":"USD","exchange":"XNAS","time":"2024-01-31T20:59:00Z""#,
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
