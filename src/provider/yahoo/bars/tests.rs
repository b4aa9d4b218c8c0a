//! What Yahoo's bars mean, by hand-written replies and by the recorded.

use super::*;
use crate::market::Class;
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
    let ask = Ask { symbol: &symbol, data_type: DataType::Quote, provider: "yahoo" };
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
            [7200.174_316_406_25, 7344.884_277_343_75],
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
        (390, ["2018-05-29T13:30:00Z", "2018-05-29T19:59:00Z"], [2703.5, 2689.310_058_593_75]),
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
