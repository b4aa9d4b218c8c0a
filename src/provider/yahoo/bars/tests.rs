//! What Yahoo's bars mean, by hand-written replies and by the recorded.

use super::*;
use crate::market::{Class, Params};
use crate::provider::recorded;
use crate::validate;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn piece(interval: Interval, from: &str, to: &str) -> Piece {
    let span = Span::new(at(from), at(to)).unwrap();
    Piece { interval, span, session: SessionKind::Regular }
}

/// All of time that Yahoo knows of.
fn ever(interval: Interval) -> Piece {
    piece(interval, "1900-01-01", "2100-01-01")
}

fn read(class: Class, name: &str, piece: &Piece, reply: &Reply) -> Result<Page, Error> {
    let symbol = Symbol::new(class, name);
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "yahoo",
        params: Params::none(),
    };
    let page = YahooCharts.read(&ask, piece, reply, at("2026-07-01"))?;
    validate::page(&symbol, "yahoo", piece.interval, piece.span, &page)?;
    Ok(page)
}

fn first_and_last(bars: &Bars) -> [String; 2] {
    [bars.times.first(), bars.times.last()].map(|time| match time {
        Some(time) => Timestamp::from_ms(*time).to_string(),
        None => String::new(),
    })
}

/// Number of bars, first and last time, first and last close.
type Facts = (usize, [&'static str; 2], [f64; 2]);

const RECORDED: [(&str, Class, &str, Interval, Facts); 14] = [
    (
        "chart_AAPL_1d_5d_2021.json",
        Class::Stock,
        "AAPL",
        Interval::Day1,
        (
            5,
            ["2021-04-19T13:30:00Z", "2021-04-23T13:30:00Z"],
            [134.839_996_337_890_62, 134.320_007_324_218_75],
        ),
    ),
    // The last bar was sent with the time of the last trade, 20:00:01.
    (
        "chart_AAPL_1d_6mo_live_last_bar.json",
        Class::Stock,
        "AAPL",
        Interval::Day1,
        (127, ["2025-04-30T13:30:00Z", "2025-10-29T13:30:00Z"], [212.5, 269.700_012_207_031_25]),
    ),
    // The clocks were put back between the first bar and the last, which was sent with 16:35:44.
    (
        "chart_GS2C.DE_1d_5d_eu_dst.json",
        Class::Stock,
        "GS2C.DE",
        Interval::Day1,
        (
            5,
            ["2025-10-23T07:00:00Z", "2025-10-29T08:00:00Z"],
            [19.738_000_869_750_977, 19.947_999_954_223_633],
        ),
    ),
    (
        "chart_IBM_1d_since_1962_partial.json",
        Class::Stock,
        "IBM",
        Interval::Day1,
        (
            10,
            ["1962-01-02T14:30:00Z", "2021-01-08T14:30:00Z"],
            [7.291_267_871_856_689_5, 122.877_632_141_113_28],
        ),
    ),
    // One of four rows is null.
    (
        "chart_INR=X_1d_null_row.json",
        Class::Fx,
        "USDINR",
        Interval::Day1,
        (
            3,
            ["2017-07-09T23:00:00Z", "2017-07-12T23:00:00Z"],
            [64.611_701_965_332_03, 64.364_997_863_769_53],
        ),
    ),
    (
        "chart_AAPL_1h_no_results.json",
        Class::Stock,
        "AAPL",
        Interval::Hour1,
        (0, ["", ""], [0.0; 2]),
    ),
    (
        "http_chart_AAPL_1d_2020-08-31_2020-11-07.json",
        Class::Stock,
        "AAPL",
        Interval::Day1,
        (
            49,
            ["2020-08-31T13:30:00Z", "2020-11-06T14:30:00Z"],
            [129.039_993_286_132_8, 118.690_002_441_406_25],
        ),
    ),
    (
        "http_chart_AAPL_1m_weekend_2025-02-01.json",
        Class::Stock,
        "AAPL",
        Interval::Minute1,
        (0, ["", ""], [0.0; 2]),
    ),
    (
        "http_chart_BTC-USD_1d_2020-01-01_2020-01-03.json",
        Class::Crypto,
        "BTC/USD",
        Interval::Day1,
        (
            3,
            ["2020-01-01T00:00:00Z", "2020-01-03T00:00:00Z"],
            [7_200.174_316_406_25, 7_344.884_277_343_75],
        ),
    ),
    (
        "http_chart_EURUSD=X_1d_2020-01-01_2020-01-03.json",
        Class::Fx,
        "EURUSD",
        Interval::Day1,
        (
            3,
            ["2020-01-01T00:00:00Z", "2020-01-03T00:00:00Z"],
            [1.122_082_591_056_823_7, 1.117_143_750_190_734_9],
        ),
    ),
    (
        "http_chart_GC=F_1d_2020-01-01_2020-01-03.json",
        Class::Stock,
        "GC=F",
        Interval::Day1,
        (1, ["2020-01-02T05:00:00Z", "2020-01-02T05:00:00Z"], [1524.5, 1524.5]),
    ),
    (
        "http_chart_MSFT_1d_2021-02-01_2022-01-31.json",
        Class::Stock,
        "MSFT",
        Interval::Day1,
        (
            252,
            ["2021-02-01T14:30:00Z", "2022-01-28T14:30:00Z"],
            [239.649_993_896_484_38, 308.260_009_765_625],
        ),
    ),
    // 61 of 199 minutes are null.
    (
        "result_USDGBP=X_1m_2018-05-29_nulls.json",
        Class::Fx,
        "USDGBP",
        Interval::Minute1,
        (
            138,
            ["2018-05-29T23:00:00Z", "2018-05-30T02:14:00Z"],
            [0.754_360_020_160_675, 0.754_909_992_218_017_6],
        ),
    ),
    (
        "result_^GSPC_1m_2018-05-29.json",
        Class::Index,
        "GSPC",
        Interval::Minute1,
        (390, ["2018-05-29T13:30:00Z", "2018-05-29T19:59:00Z"], [2703.5, 2_689.310_058_593_75]),
    ),
];

#[test]
fn recorded_bars_are_read() {
    for (file, class, name, interval, (bars, times, closes)) in RECORDED {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let page = read(class, name, &ever(interval), &reply).unwrap();
        assert_eq!(page.bars.len(), bars, "{file}");
        assert_eq!(first_and_last(&page.bars), times, "{file}");
        if bars > 0 {
            let ends = [page.bars.close[0], page.bars.close[bars - 1]].map(f64::to_bits);
            assert_eq!(ends, closes.map(f64::to_bits), "{file}");
        }
        assert!(page.currency.is_some() && page.exchange.is_some(), "{file}");
    }
}

fn dated(bars: &Bars) -> Vec<String> {
    bars.days
        .iter()
        .map(|day| crate::calendar::Date::from_days(i64::from(*day)).to_string())
        .collect()
}

#[test]
fn the_date_of_a_day_is_its_exchanges() {
    for (file, class, name, dates) in [
        // A meta of winter, bars of both sides of the change.
        (
            "chart_GS2C.DE_1d_5d_eu_dst.json",
            Class::Stock,
            "GS2C.DE",
            ["2025-10-23", "2025-10-24", "2025-10-27", "2025-10-28", "2025-10-29"].as_slice(),
        ),
        // Midnight in London's summer is the evening before in UTC.
        (
            "chart_INR=X_1d_null_row.json",
            Class::Fx,
            "USDINR",
            &["2017-07-10", "2017-07-12", "2017-07-13"],
        ),
        ("http_chart_GC=F_1d_2020-01-01_2020-01-03.json", Class::Stock, "GC=F", &["2020-01-02"]),
    ] {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let page = read(class, name, &ever(Interval::Day1), &reply).unwrap();
        assert_eq!(dated(&page.bars), dates, "{file}");
    }
    let Some(reply) =
        recorded::reply("yahoo", "http_chart_AAPL_1d_2020-08-31_2020-11-07.json", 200)
    else {
        return;
    };
    let page = read(Class::Stock, "AAPL", &ever(Interval::Day1), &reply).unwrap();
    let calendars = crate::calendar::Calendars::default();
    for place in 0..page.bars.len() {
        let bar = page.bars.bar(place);
        let date = crate::calendar::Date::from_days(i64::from(bar.day.unwrap()));
        let session = calendars.session(crate::calendar::Exchange::XNAS, date).unwrap();
        assert_eq!(session.open.as_ms(), bar.time, "{date}");
    }
}

/// Splits with their ratio, dividends with their amount, each at an instant.
type Happenings = (Vec<(&'static str, f64)>, Vec<(&'static str, f64)>);

#[test]
fn recorded_events_are_at_the_open_of_their_date() {
    let cases: [(&str, &str, Happenings); 3] = [
        (
            "http_chart_AAPL_1d_2020-08-31_2020-11-07.json",
            "AAPL",
            (vec![("2020-08-31T13:30:00Z", 4.0)], vec![("2020-11-06T14:30:00Z", 0.205)]),
        ),
        (
            "http_chart_MSFT_1d_2021-02-01_2022-01-31.json",
            "MSFT",
            (
                vec![],
                vec![
                    ("2021-02-17T14:30:00Z", 0.56),
                    ("2021-05-19T13:30:00Z", 0.56),
                    ("2021-08-18T13:30:00Z", 0.56),
                    ("2021-11-17T14:30:00Z", 0.62),
                ],
            ),
        ),
        (
            "chart_AAPL_1d_6mo_live_last_bar.json",
            "AAPL",
            (vec![], vec![("2025-05-12T13:30:00Z", 0.26), ("2025-08-11T13:30:00Z", 0.26)]),
        ),
    ];
    for (file, name, (splits, dividends)) in cases {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let events = read(Class::Stock, name, &ever(Interval::Day1), &reply).unwrap().events;
        let got: Vec<_> =
            events.splits.iter().map(|one| (one.at_ms, one.ratio().to_bits())).collect();
        let expected = |list: Vec<(&str, f64)>| -> Vec<(i64, u64)> {
            list.into_iter().map(|(time, value)| (at(time).as_ms(), value.to_bits())).collect()
        };
        assert_eq!(got, expected(splits), "{file}");
        let got: Vec<_> =
            events.dividends.iter().map(|one| (one.at_ms, one.amount.to_bits())).collect();
        assert_eq!(got, expected(dividends), "{file}");
    }
    let Some(reply) = recorded::reply("yahoo", "chart_IBM_1d_since_1962_partial.json", 200) else {
        return;
    };
    let events = read(Class::Stock, "IBM", &ever(Interval::Day1), &reply).unwrap().events;
    let ratios: Vec<String> = events.splits.iter().map(|one| one.ratio().to_string()).collect();
    assert_eq!(ratios, ["1.25", "1.5", "2", "1.25", "4", "2", "2"]);
    assert_eq!(events.dividends.len(), 10);
    // Of a span, only what happened in it.
    let later = piece(Interval::Day1, "1999-01-01", "2020-01-01");
    let events = read(Class::Stock, "IBM", &later, &reply).unwrap().events;
    assert_eq!((events.splits.len(), events.dividends.len()), (1, 1));
}

#[test]
fn a_coarser_granularity_is_not_taken_for_the_one_that_was_asked_for() {
    for (file, name) in [
        ("chart_AAPL_1mo_2019_2024_splits.json", "AAPL"),
        ("chart_VFINX_max_3mo_dividends_capitalGains.json", "VFINX"),
    ] {
        let Some(reply) = recorded::reply("yahoo", file, 200) else { return };
        let error = read(Class::Stock, name, &ever(Interval::Day1), &reply).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidData, "{file}: {error}");
        assert!(error.message.contains("and not of `1d`"), "{error}");
    }
}

#[test]
fn capital_gains_are_told_from_dividends() {
    let file = "chart_VFINX_max_3mo_dividends_capitalGains.json";
    let Some(mut reply) = recorded::reply("yahoo", file, 200) else { return };
    // Of days, as they would be sent.
    let body = String::from_utf8(reply.body).unwrap();
    let mut body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let result = &mut body["chart"]["result"][0];
    result["meta"]["dataGranularity"] = "1d".into();
    result["timestamp"] = serde_json::Value::Null;
    result["indicators"] = serde_json::json!({"quote": [{}]});
    reply.body = body.to_string().into_bytes();
    let events = read(Class::Stock, "VFINX", &ever(Interval::Day1), &reply).unwrap().events;
    let gains = events.dividends.iter().filter(|paid| paid.is_capital_gain).count();
    assert_eq!((gains, events.dividends.len()), (21, 185));
    assert!(events.dividends.is_sorted_by_key(|paid| paid.at_ms));
}

/// A reply with these rows (time and one price for all columns), of New York's AAPL on 2026-07-01.
fn rows(granularity: &str, running: i64, rows: &[(i64, Option<f64>)]) -> Reply {
    let column: Vec<Option<f64>> = rows.iter().map(|(_, price)| *price).collect();
    let times: Vec<i64> = rows.iter().map(|(time, _)| *time).collect();
    let body = serde_json::json!({"chart": {"result": [{
        "meta": {
            "symbol": "AAPL", "currency": "USD", "exchangeName": "NMS", "gmtoffset": -14400,
            "exchangeTimezoneName": "America/New_York", "regularMarketTime": running,
            "dataGranularity": granularity, "firstTradeDate": 345_479_400, "unknown": {"x": [1]},
            "currentTradingPeriod": {
                "pre": {"start": OPEN - 19_800, "end": OPEN},
                "regular": {"start": OPEN, "end": CLOSE},
                "post": {"start": CLOSE, "end": CLOSE + 14_400},
            },
        },
        "timestamp": times,
        "indicators": {"quote": [{
            "open": column, "high": column, "low": column, "close": column, "volume": column,
        }]},
    }], "error": null}});
    Reply::new(200, body.to_string().into_bytes())
}

/// 2026-07-01T13:30:00Z.
const OPEN: i64 = 1_782_912_600;
const CLOSE: i64 = OPEN + 23_400;

/// What is asked for and sent, by seconds after the open: the name of the case, the piece, when the
/// last trade was, the rows, and what they come to.
type Running<'a> = (&'a str, Piece, i64, &'a [(i64, Option<f64>)], &'a [(i64, f64)]);

#[test]
fn a_running_bar_begins_when_its_interval_does() {
    let day = ever(Interval::Hour1);
    let extended = Piece { session: SessionKind::Extended, ..day };
    let cases: [Running<'_>; 8] = [
        ("off the grid", day, 4000, &[(0, Some(1.0)), (4000, Some(2.0))], &[(0, 1.0), (3600, 2.0)]),
        (
            "doubled",
            day,
            4000,
            &[(0, Some(1.0)), (3600, Some(3.0)), (4000, Some(2.0))],
            &[(0, 1.0), (3600, 2.0)],
        ),
        (
            "a whole minute",
            day,
            7260,
            &[(3600, Some(1.0)), (7260, Some(2.0))],
            &[(3600, 1.0), (7200, 2.0)],
        ),
        ("alone", day, 4000, &[(4000, Some(2.0))], &[(3600, 2.0)]),
        (
            "the print of the close",
            day,
            23_401,
            &[(21_600, Some(1.0)), (23_401, Some(2.0))],
            &[(21_600, 1.0)],
        ),
        (
            "late trading",
            extended,
            23_401,
            &[(21_600, Some(1.0)), (23_401, Some(2.0))],
            &[(21_600, 1.0), (23_400, 2.0)],
        ),
        ("early trading", extended, -12_601, &[(-12_601, Some(2.0))], &[(-16_200, 2.0)]),
        ("null", day, 4000, &[(0, Some(1.0)), (4000, None)], &[(0, 1.0)]),
    ];
    for (what, piece, running, sent, expected) in cases {
        let sent: Vec<_> = sent.iter().map(|(after, close)| (OPEN + after, *close)).collect();
        let page = read(Class::Stock, "AAPL", &piece, &rows("1h", OPEN + running, &sent)).unwrap();
        let got: Vec<_> = (0..page.bars.len()).map(|at| page.bars.bar(at)).collect();
        let got: Vec<_> =
            got.iter().map(|bar| (bar.time / 1000 - OPEN, bar.close.to_bits())).collect();
        let expected: Vec<_> = expected.iter().map(|(after, c)| (*after, c.to_bits())).collect();
        assert_eq!(got, expected, "{what}");
    }
    let twice = [(OPEN + 3600, Some(3.0)), (OPEN + 4000, Some(2.0))];
    let page = read(Class::Stock, "AAPL", &day, &rows("60m", OPEN + 4000, &twice)).unwrap();
    let bar = page.bars.bar(0);
    assert_eq!(
        [bar.open, bar.high, bar.low, bar.close].map(f64::to_bits),
        [3.0, 3.0, 2.0, 2.0].map(f64::to_bits)
    );
    assert_eq!(page.first_trade_ms, Some(345_479_400_000));
}

#[test]
fn a_running_day_begins_at_the_open_and_is_there_once() {
    let yesterday = OPEN - 86_400;
    for (what, sent, closes) in [
        ("running", &[(yesterday, Some(1.0)), (OPEN + 4000, Some(2.0))][..], [1.0, 2.0]),
        (
            "doubled",
            &[(yesterday, Some(1.0)), (OPEN, Some(3.0)), (OPEN + 4000, Some(2.0))],
            [1.0, 2.0],
        ),
        ("null", &[(yesterday, Some(1.0)), (OPEN, Some(3.0)), (OPEN + 4000, None)], [1.0, 3.0]),
    ] {
        // With a calendar, and without one.
        for exchange in ["NMS", "ZZZ"] {
            let mut reply = rows("1d", OPEN + 4000, sent);
            reply.body =
                String::from_utf8(reply.body).unwrap().replace("NMS", exchange).into_bytes();
            let page = read(Class::Stock, "AAPL", &ever(Interval::Day1), &reply).unwrap();
            assert_eq!(page.bars.times, [yesterday * 1000, OPEN * 1000], "{what}");
            assert_eq!(dated(&page.bars), ["2026-06-30", "2026-07-01"]);
            let got: Vec<_> = page.bars.close.iter().map(|close| close.to_bits()).collect();
            assert_eq!(got, closes.map(f64::to_bits), "{what}");
        }
    }
}

#[test]
fn what_cannot_be_bars_is_refused() {
    let good = [(OPEN, Some(1.0)), (OPEN + 3600, Some(2.0)), (OPEN + 7200, Some(3.0))];
    let ok = |reply: &Reply| read(Class::Stock, "AAPL", &ever(Interval::Hour1), reply);
    assert_eq!(ok(&rows("1h", 0, &good)).unwrap().bars.len(), 3);
    let [first, second, third] = good;
    for bad in [
        rows("1h", 0, &[second, first, third]),
        rows("1h", 0, &[first, first, third]),
        rows("1h", 0, &[first, second, second]),
        rows("1h", 0, &[first, (OPEN + 3600, Some(0.0))]),
        rows("1h", 0, &[first, (OPEN + 3600, Some(-2.0))]),
        rows("1h", 0, &[first, (i64::MAX, Some(2.0))]),
        rows("1h", 0, &[(i64::MIN, Some(2.0)), first]),
        rows("1d", 0, &good),
    ] {
        let error = ok(&bad).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidData, "{error}");
    }
    for (from, to) in [
        (r#""AAPL""#, r#""MSFT""#),
        ("[1.0,2.0,3.0]", "[1.0,2.0]"),
        ("[1.0,2.0,3.0]", "[1.0,2.0,1e999]"),
        ("[1.0,2.0,3.0]", r#"[1.0,2.0,"x"]"#),
        (r#""high":[1.0,2.0,3.0]"#, r#""high":[1.0,2.0,2.5]"#),
        (r#""low":[1.0,2.0,3.0]"#, r#""low":[1.0,2.5,3.0]"#),
        (r#""volume":[1.0,2.0,3.0]"#, r#""volume":[1.0,-2.0,3.0]"#),
        (r#""timestamp":[1782912600,"#, r#""timestamp":[null,"#),
    ] {
        let body = String::from_utf8(rows("1h", 0, &good).body).unwrap();
        assert!(body.contains(from), "{from} in {body}");
        let reply = Reply::new(200, body.replace(from, to).into_bytes());
        let error = ok(&reply).unwrap_err();
        assert_eq!(error.kind, Kind::InvalidData, "{to}: {error}");
        assert!(error.hint.is_some() && error.message.len() < 500, "{error}");
    }
}

#[test]
fn a_failure_has_its_kind_and_a_known_empty_span_is_none() {
    let said = |code: &str, text: &str| {
        let error = serde_json::json!({"code": code, "description": text});
        serde_json::json!({"chart": {"result": null, "error": error}}).to_string()
    };
    let reach = "5m data not available for startTime=1 and endTime=2. The requested range must be within the last 60 days.";
    let days = "Only 8 days worth of 1m granularity data are allowed to be fetched per request.";
    let read = |status, body: &str| {
        let reply = Reply::new(status, body.as_bytes().to_vec());
        read(Class::Stock, "AAPL", &ever(Interval::Minute5), &reply)
    };
    for (status, body, kind) in [
        (422, said("Unprocessable Entity", reach), Kind::Unsupported),
        (400, said("Bad Request", days), Kind::Unsupported),
        (400, said("Bad Request", "Invalid input"), Kind::Unsupported),
        (404, said("Not Found", "No data found, symbol may be delisted"), Kind::NotFound),
        (429, "Too Many Requests\r\n".to_owned(), Kind::RateLimited),
        (200, "Edge: Too Many Requests".to_owned(), Kind::RateLimited),
        (401, said("Unauthorized", "Invalid Crumb"), Kind::Unauthorized),
        (500, "<html>".to_owned(), Kind::Upstream),
    ] {
        let error = read(status, &body).unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.hint.is_some(), "{error}");
        if body.contains("must be within") || body.contains("days worth") {
            assert!(error.hint.unwrap().contains("a later start or a longer interval"));
        }
    }
    for (status, text) in [
        (400, "Data doesn't exist for startDate = 1, endDate = 2"),
        (404, "Timestamp data missing."),
    ] {
        assert_eq!(read(status, &said("Bad Request", text)).unwrap(), Page::default());
    }
    let gone = include_str!("../../../../tests/fixtures/yahoo/delisted.json");
    let reply = Reply::new(200, gone.as_bytes().to_vec());
    let error = self::read(Class::Stock, "GONE", &ever(Interval::Day1), &reply);
    assert_eq!(error.unwrap_err().kind, Kind::NotFound);
}

#[test]
fn what_is_asked_for_is_a_span_of_one_interval() {
    let symbol = Symbol::new(Class::Index, "GSPC");
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "yahoo",
        params: Params::none(),
    };
    let piece = piece(Interval::Hour1, "2026-06-01T00:00:00.500Z", "2026-06-02T00:00:00.001Z");
    let request = YahooCharts.request(&ask, &piece);
    assert_eq!((&*request.endpoint, request.weight), ("bars", 1));
    assert_eq!(request.path, "/v8/finance/chart/%5EGSPC");
    let expected = [
        ("period1", "1780272000"),
        ("period2", "1780358401"),
        ("interval", "1h"),
        ("events", "div|split|capitalGain"),
    ];
    assert_eq!(request.query, expected.map(|(name, value)| (name.into(), value.to_owned())));
    let extended = Piece { session: SessionKind::Extended, ..piece };
    let last = YahooCharts.request(&ask, &extended).query.pop();
    assert_eq!(last, Some(("includePrePost".into(), "true".to_owned())));
}

#[test]
fn every_interval_that_yahoo_has_is_within_reach() {
    let symbol = Symbol::new(Class::Stock, "AAPL");
    let reach = |interval| YahooCharts.reach(&symbol, interval);
    let names: Vec<&str> =
        Interval::ALL.into_iter().filter(|i| reach(*i).is_some()).map(Interval::as_str).collect();
    assert_eq!(names, ["1m", "2m", "5m", "15m", "30m", "1h", "1d"]);
    let days = |days: u64| Some(Duration::from_secs(days * 86_400));
    let minute = reach(Interval::Minute1).unwrap();
    assert_eq!(minute.per_call, days(7));
    assert!(minute.back < days(30) && minute.back > days(29));
    assert!(reach(Interval::Minute5).unwrap().back < days(60));
    assert!(reach(Interval::Hour1).unwrap().back < days(730));
    assert_eq!(reach(Interval::Day1), Some(Reach::default()));
    for (class, name) in [(Class::Crypto, "BTC"), (Class::Macro, "GDP")] {
        assert_eq!(YahooCharts.reach(&Symbol::new(class, name), Interval::Day1), None, "{name}");
    }
}
