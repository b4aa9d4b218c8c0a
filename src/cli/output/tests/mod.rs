//! What is printed of bars, of what is worked out of them, and of the members that are picked.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::cache::record;
use crate::cache::record::tests::hit;
use crate::cli::args;
use crate::entry::{Entry, Format as EntryFormat};
use crate::key::Key;
use crate::market::{Adjust, Bar, BarSeries, Bars, Class, Gap, Interval, Symbol};

const NOW: Timestamp = Timestamp::from_seconds(1_782_920_000);

fn question(key: &str) -> Question {
    let (data_type, symbol) = (crate::market::DataType::Series, Symbol::new(Class::Stock, "AAPL"));
    let key = Key::from_stored(key);
    Question {
        symbol,
        data_type,
        params: crate::market::Params::default(),
        read_as: key.clone(),
        key,
        providers: vec!["yahoo".into()],
        pinned: false,
        slice: None,
    }
}

/// What an answer holds.
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
enum Reading {
    Bars(BarSeries),
    Object(Box<[u8]>),
}

fn answer(key: &str, reading: Reading) -> Answer {
    let (bars, body) = match reading {
        Reading::Bars(bars) => (Some(Arc::new(bars)), Box::default()),
        Reading::Object(body) => (None, body),
    };
    let entry = Entry {
        key: Key::from_stored(key),
        provider: "yahoo".into(),
        fetched_at: Timestamp::from_ms(NOW.as_ms() - 10_000),
        own_ttl: None,
        format: EntryFormat::Json,
        body,
    };
    let served = Served { bars, ..hit(entry) };
    Answer::new(Ok(served), Duration::ZERO)
}

/// Daily bars of which the last is live and the one before it provisional.
fn daily(bars: u16) -> BarSeries {
    let mut series = BarSeries {
        symbol: "AAPL".to_owned(),
        asset_class: "stock".to_owned(),
        provider: "yahoo".to_owned(),
        interval: Interval::Day1,
        currency: Some("USD".to_owned()),
        adjust: Adjust::Splits,
        bars: Bars::default(),
        finals: usize::from(bars).saturating_sub(2),
        ended: usize::from(bars).saturating_sub(1),
        missing: Vec::new(),
        faults: Vec::new(),
    };
    for at in 0..bars {
        // Prices as 32-bit floats that were widened, as Yahoo sends them.
        let wave = (f32::from(at) * 0.37).sin() * 9.0 + f32::from(at) * 0.01;
        let (open, close) = (f64::from(189.5 + wave), f64::from(190.0 + wave));
        let day = 20_635 - i32::from(bars) + i32::from(at);
        series.bars.push(Bar {
            time: i64::from(day) * 86_400_000 + 48_600_000,
            day: Some(day),
            open,
            high: close + 1.25,
            low: if at == 1 { f64::NAN } else { close - 2.5 },
            close,
            volume: 45_000_000.0 + 1000.0 * f64::from(at),
            adjusted: close,
        });
    }
    series
}

/// The same bars as bars of five minutes.
fn intraday(bars: u16) -> BarSeries {
    let mut series = BarSeries { interval: Interval::Minute5, ..daily(bars) };
    series.bars.days.clear();
    for (at, time) in (0..).zip(&mut series.bars.times) {
        *time = 1_782_912_600_000 + at * 300_000;
    }
    series.bars.adjusted.fill(f64::NAN);
    series
}

/// What is printed of these readings, in a pipe unless the style says otherwise.
fn printed(line: &str, style: Style, answers: Vec<(&str, Reading)>) -> Result<String, Usage> {
    written(line, style, answers).map(|bytes| String::from_utf8(bytes).unwrap())
}

/// The same in bytes.
fn written(line: &str, style: Style, answers: Vec<(&str, Reading)>) -> Result<Vec<u8>, Usage> {
    let questions: Vec<Question> = answers.iter().map(|(key, _)| question(key)).collect();
    let (format, look) = said(line);
    let mut printer = printer(format, &look, &questions, style)?;
    let mut out = Vec::new();
    for (question, (key, reading)) in questions.iter().zip(answers) {
        let answer = answer(key, reading);
        let shown = Shown { question, answer: &answer, reasons: None, now: NOW };
        printer.answer(&shown, &mut out).unwrap();
    }
    printer.end(&mut out).unwrap();
    Ok(out)
}

/// The flags of a line such as `-f csv --fields date,close`.
fn said(line: &str) -> (Option<Format>, Look) {
    #[derive(clap::Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        global: args::Global,
        #[command(flatten)]
        look: Look,
    }
    let line = <Line as clap::Parser>::try_parse_from(line.split_whitespace()).unwrap();
    (line.global.format, line.look)
}

const DAILY: &str = "bars:stock:AAPL:1d";

fn bars(line: &str, series: BarSeries) -> String {
    printed(line, Style::default(), vec![(DAILY, Reading::Bars(series))]).unwrap()
}

#[test]
fn bars_are_a_row_each_in_csv_and_what_is_missing_is_empty() {
    insta::assert_snapshot!(bars("-f csv", daily(3)), @r"
    symbol,date,time,open,high,low,close,adjusted_close,volume,state
    AAPL,2026-06-28,2026-06-28T13:30:00Z,189.5,191.25,187.5,190,190,45000000,final
    AAPL,2026-06-29,2026-06-29T13:30:00Z,192.76454162597656,194.51454162597656,,193.26454162597656,193.26454162597656,45001000,provisional
    AAPL,2026-06-30,2026-06-30T13:30:00Z,195.58859252929688,197.33859252929688,193.58859252929688,196.08859252929688,196.08859252929688,45002000,live
    ");
    insta::assert_snapshot!(bars("-f csv", intraday(2)), @r"
    symbol,date,time,open,high,low,close,adjusted_close,volume,state
    AAPL,,2026-07-01T13:30:00Z,189.5,191.25,187.5,190,,45000000,provisional
    AAPL,,2026-07-01T13:35:00Z,192.76454162597656,194.51454162597656,,193.26454162597656,,45001000,live
    ");
}

#[test]
fn bars_are_one_object_in_json_and_what_is_missing_is_null() {
    insta::assert_snapshot!(bars("-f ndjson", daily(2)), @r#"{"symbol":"AAPL","asset_class":"stock","type":"bars","provider":"yahoo","interval":"1d","currency":"USD","adjust":"splits","bars":[{"time":"2026-06-29T13:30:00Z","date":"2026-06-29","open":189.5,"high":191.25,"low":187.5,"close":190,"adjusted_close":190,"volume":45000000,"state":"provisional"},{"time":"2026-06-30T13:30:00Z","date":"2026-06-30","open":192.76454162597656,"high":194.51454162597656,"low":null,"close":193.26454162597656,"adjusted_close":193.26454162597656,"volume":45001000,"state":"live"}],"cache":{"key":"bars:stock:AAPL:1d","status":"hit","tier":"disk","fetched_at":"2026-07-01T15:33:10Z","expires_at":"2026-07-01T15:34:10Z","age_seconds":10.0,"ttl_seconds":60.0,"upstream_calls":0}}"#);
    let mut series = intraday(1);
    series.currency = None;
    let why = "yahoo has minutes of 30 days only".to_owned();
    series.missing = vec![Gap { from_ms: 0, to_ms: 60_000, why }];
    insta::assert_snapshot!(bars("-f json", series), @r#"
    [
    {"symbol":"AAPL","asset_class":"stock","type":"bars","provider":"yahoo","interval":"5m","currency":null,"adjust":"splits","bars":[{"time":"2026-07-01T13:30:00Z","open":189.5,"high":191.25,"low":187.5,"close":190,"adjusted_close":null,"volume":45000000,"state":"live"}],"cache":{"key":"bars:stock:AAPL:1d","status":"hit","tier":"disk","fetched_at":"2026-07-01T15:33:10Z","expires_at":"2026-07-01T15:34:10Z","age_seconds":10.0,"ttl_seconds":60.0,"upstream_calls":0,"missing":[{"from":"1970-01-01T00:00:00Z","to":"1970-01-01T00:01:00Z","why":"yahoo has minutes of 30 days only"}]}}
    ]
    "#);
}

#[test]
fn a_table_of_bars_is_plain_and_whole_in_a_pipe_and_short_on_a_terminal() {
    insta::assert_snapshot!(bars("", daily(3)), @r"
    AAPL: 3 bars of 1d in USD, hit from disk, yahoo, 10 s old
    SYMBOL  DATE            OPEN      HIGH       LOW     CLOSE  ADJ CLOSE      VOLUME  STATE
    AAPL    2026-06-28  189.5000  191.2500  187.5000  190.0000   190.0000  45,000,000  final
    AAPL    2026-06-29  192.7645  194.5145         -  193.2645   193.2645  45,001,000  provisional
    AAPL    2026-06-30  195.5886  197.3386  193.5886  196.0886   196.0886  45,002,000  live
    ");
    insta::assert_snapshot!(bars("", intraday(2)), @r"
    AAPL: 2 bars of 5m in USD, hit from disk, yahoo, 10 s old
    SYMBOL  TIME (UTC)               OPEN      HIGH       LOW     CLOSE      VOLUME  STATE
    AAPL    2026-07-01 13:30:00  189.5000  191.2500  187.5000  190.0000  45,000,000  provisional
    AAPL    2026-07-01 13:35:00  192.7645  194.5145         -  193.2645  45,001,000  live
    ");
    let terminal = Style { width: Some(110), color: false };
    let reading = Reading::Bars(daily(5040));
    let text = printed("", terminal, vec![(DAILY, reading)]).unwrap();
    assert_eq!(text.lines().count(), 1 + 4 + 20 + 1, "{text}");
    assert!(text.ends_with("not shown: 5,020 earlier bars; -f csv prints them all\n"));
    assert!(text.contains("2026-06-30"), "the newest are shown: {text}");
}

#[test]
fn a_series_without_bars_is_printed_in_every_format() {
    assert_eq!(bars("-f csv", daily(0)).lines().count(), 1);
    assert!(bars("-f json", daily(0)).contains("\"bars\":[],\"cache\""));
    assert_eq!(bars("", daily(0)).lines().count(), 1);
}

const DIVIDENDS: &str = r#"{"symbol":"AAPL","asset_class":"stock","type":"dividends","provider":"yahoo","currency":"USD","events":[{"date":"2026-05-11","time":"2026-05-11T13:30:00Z","amount":0.27},{"date":"2026-08-10","time":"2026-08-10T13:30:00Z","amount":0.2800000011920929}]}"#;
const SPLITS: &str = r#"{"symbol":"AAPL","asset_class":"stock","type":"splits","provider":"yahoo","events":[{"date":"2020-08-31","time":"2020-08-31T13:30:00Z","numerator":4,"denominator":1,"ratio":4}]}"#;
const VALUES: &str = r#"{"symbol":"AAPL","asset_class":"stock","type":"adjusted_close","provider":"yahoo","observations":[{"date":"2026-06-30","value":189.97999572753906},{"date":"2026-07-01","value":null}]}"#;

fn object(line: &str, json: &str) -> String {
    let key = format!("{}:stock:AAPL", json.split('"').nth(11).unwrap());
    let reading = Reading::Object(json.as_bytes().into());
    printed(line, Style::default(), vec![(&key, reading)]).unwrap()
}

#[test]
fn what_is_worked_out_of_bars_has_its_own_columns() {
    insta::assert_snapshot!(object("-f csv", DIVIDENDS), @r"
    symbol,date,time,amount
    AAPL,2026-05-11,2026-05-11T13:30:00Z,0.27
    AAPL,2026-08-10,2026-08-10T13:30:00Z,0.2800000011920929
    ");
    insta::assert_snapshot!(object("-f csv", SPLITS), @r"
    symbol,date,time,numerator,denominator,ratio
    AAPL,2020-08-31,2020-08-31T13:30:00Z,4,1,4
    ");
    insta::assert_snapshot!(object("-f csv", VALUES), @r"
    symbol,date,value
    AAPL,2026-06-30,189.97999572753906
    AAPL,2026-07-01,
    ");
    insta::assert_snapshot!(object("", DIVIDENDS), @r"
    AAPL: 2 dividends, hit from disk, yahoo, 10 s old
    DATE        AMOUNT
    2026-05-11    0.27
    2026-08-10    0.28
    ");
    insta::assert_snapshot!(object("", SPLITS), @r"
    AAPL: 1 split, hit from disk, yahoo, 10 s old
    DATE        NUMERATOR  DENOMINATOR  RATIO
    2020-08-31          4            1      4
    ");
    insta::assert_snapshot!(object("", VALUES), @r"
    AAPL: 2 observations, hit from disk, yahoo, 10 s old
    DATE         VALUE
    2026-06-30  189.98
    2026-07-01       -
    ");
    let json = object("-f ndjson", DIVIDENDS);
    assert!(json.starts_with(DIVIDENDS.strip_suffix('}').unwrap()), "{json}");
}

#[test]
fn fields_are_picked_in_the_order_in_which_they_are_named() {
    insta::assert_snapshot!(bars("-f csv --fields volume,Date,currency", daily(2)), @r"
    volume,date,currency
    45000000,2026-06-29,USD
    45001000,2026-06-30,USD
    ");
    insta::assert_snapshot!(bars("-f ndjson --fields close,symbol,date", daily(2)), @r#"{"bars":[{"close":190,"date":"2026-06-29"},{"close":193.26454162597656,"date":"2026-06-30"}],"symbol":"AAPL"}"#);
    insta::assert_snapshot!(bars("-f ndjson --fields currency", daily(2)), @r#"{"currency":"USD"}"#);
    insta::assert_snapshot!(bars("--fields date,close,state", daily(2)), @r"
    AAPL: 2 bars of 1d in USD, hit from disk, yahoo, 10 s old
    DATE           CLOSE  STATE
    2026-06-29  190.0000  provisional
    2026-06-30  193.2645  live
    ");
    insta::assert_snapshot!(object("-f csv --fields amount,currency", DIVIDENDS), @r"
    amount,currency
    0.27,USD
    0.2800000011920929,USD
    ");
    insta::assert_snapshot!(object("-f ndjson --fields symbol,amount,provider", DIVIDENDS), @r#"{"symbol":"AAPL","events":[{"amount":0.27},{"amount":0.2800000011920929}],"provider":"yahoo"}"#);
    insta::assert_snapshot!(object("--fields time,amount", DIVIDENDS), @r"
    AAPL: 2 dividends, hit from disk, yahoo, 10 s old
    TIME (UTC)           AMOUNT
    2026-05-11 13:30:00    0.27
    2026-08-10 13:30:00    0.28
    ");
    assert!(bars("-f json --fields close,cache", daily(1)).contains("\"cache\":{\"key\""));
    assert_eq!(bars("-f csv --fields low", daily(2)).lines().nth(2), Some("\"\""));
}

#[test]
fn a_field_that_there_is_not_is_refused_with_the_nearest() {
    let refused = |line: &str| {
        let usage = printed(line, Style::default(), vec![(DAILY, Reading::Bars(daily(1)))]);
        let usage = usage.unwrap_err();
        format!("{} ({})", usage.message, usage.hint.unwrap_or_default())
    };
    insta::assert_snapshot!(refused("-f csv --fields date,clsoe"), @"`clsoe` is not a field (did you mean `close`? The fields are symbol, asset_class, type, provider, interval, currency, adjust, time, date, open, high, low, close, adjusted_close, volume, state)");
    insta::assert_snapshot!(refused("-f json --fields elephants"), @"`elephants` is not a field (the fields are symbol, asset_class, type, provider, interval, currency, adjust, time, date, open, high, low, close, adjusted_close, volume, state, cache)");
    insta::assert_snapshot!(refused("-f csv --fields cache"), @"`cache` is not a field (the fields are symbol, asset_class, type, provider, interval, currency, adjust, time, date, open, high, low, close, adjusted_close, volume, state)");
    insta::assert_snapshot!(refused("-f csv --fields date,date"), @"--fields names `date` twice (name each field once)");
    insta::assert_snapshot!(refused("-f csv --raw"), @"--raw prints what upstream sent, which is no table and no csv (leave the format out, or use -f json or -f ndjson)");
}

#[test]
fn raw_is_the_record_alone() {
    let json = bars("--raw", daily(1));
    assert!(json.ends_with("\"state\":\"live\"}]}\n") && !json.contains("cache"), "{json}");
    assert_eq!(object("--raw", DIVIDENDS), format!("{DIVIDENDS}\n"));
    assert_eq!(object("--raw -f json", SPLITS), format!("[\n{SPLITS}\n]\n"));
}

#[test]
fn a_csv_holds_one_kind_of_rows() {
    let dividends = ("dividends:stock:AAPL", Reading::Object(DIVIDENDS.as_bytes().into()));
    let both = vec![(DAILY, Reading::Bars(daily(1))), dividends];
    let usage = printed("-f csv", Style::default(), both).unwrap_err();
    assert_eq!(usage.message, "one csv cannot hold both bars and dividends");
}

/// Bars that go up and down by one each time.
fn stairs(bars: u16) -> BarSeries {
    let mut series = daily(bars);
    for at in 0..usize::from(bars) {
        let rises = at % 3 != 2;
        let (open, close) = if rises { (10.0, 12.0) } else { (12.0, 11.0) };
        let lift = f64::from(u32::try_from(at).unwrap());
        (series.bars.open[at], series.bars.close[at]) = (open + lift, close + lift);
        (series.bars.high[at], series.bars.low[at]) = (13.0 + lift, 9.5 + lift);
    }
    series
}

#[test]
fn a_chart_draws_what_rises_hollow_and_what_falls_filled() {
    insta::assert_snapshot!(bars("--chart", stairs(9)), @r"
    AAPL  19.00  +7.00 (+58.33 %)  high 21.00  low 9.50
    9 bars of 1d in USD, hit from disk, yahoo, 10 s old
         │                                 │
    20.0 ┤                             ╷   ╽
         │                         ╷   ║   ┃
         │                         │   ║   │
    17.5 ┤                     │   ║   ║   │
         │                 │   ┃   ║   ║
         │             ╷   ║   ┃   ║
    15.0 ┤         ╷   ║   ║   │   ╵
         │         │   ║   ║   ╵
         │     │   ┃   ║   ║
    12.5 ┤ │   ║   ╿   ║
         │ ║   ║   │
         │ ║   ║   ╵
         │ ║   ╵
    10.0 ┤ ║
         │ █   █   █   █   █   █   █   █   █
         │ █   █   █   █   █   █   █   █   █
         │ █   █   █   █   █   █   █   █   █
         └─┬───────────────┬───────────────┬──
          2026-06-22  2026-06-26    2026-06-30
    ");
    let colored = Style { width: Some(40), color: true };
    let text = printed("--chart", colored, vec![(DAILY, Reading::Bars(stairs(9)))]).unwrap();
    assert!(text.contains("\u{1b}[0;32m") && text.contains("\u{1b}[0;31m"), "{text}");
    assert!(!text.contains('║'), "colour says it");
    assert!(!bars("--chart", stairs(9)).contains('\u{1b}'), "a pipe has no colour");
}

#[test]
fn a_chart_of_observations_is_a_line_with_a_gap_where_one_is_missing() {
    let values = "1 2 3 null 5 6".split(' ').enumerate();
    let rows = values.map(|(at, v)| format!(r#"{{"date":"202{at}-01-01","value":{v}}}"#));
    let rows: Vec<String> = rows.collect();
    let json =
        format!(r#"{{"symbol":"GDP","a":"","t":"series","observations":[{}]}}"#, rows.join(","));
    insta::assert_snapshot!(object("--chart", &json), @r"
    AAPL  6.00  +5.00 (+500.00 %)  high 6.00  low 1.00
    6 observations, hit from disk, yahoo, 10 s old
    6 ┤                                                                       ⢀⣀⠤⠒⠊⠉
      │                                                                  ⢀⡠⠤⠒⠊⠁
      │                                                             ⢀⡠⠤⠒⠉⠁
    5 ┤                                                             ⠁
      │
      │
    4 ┤
      │
    3 ┤                             ⢀⣀
      │                        ⢀⡠⠤⠒⠉⠁
      │                   ⣀⡠⠔⠒⠉⠁
    2 ┤              ⣀⡠⠔⠒⠉
      │         ⣀⡠⠔⠒⠉
      │    ⣀⡠⠔⠒⠉
    1 ┤⡠⠔⠒⠉
      └┬─────────────────────────────┬──────────────┬──────────────────────────────┬
       2020-01-01               2022-01-01     2023-01-01                 2025-01-01
    ");
}

#[test]
fn a_chart_is_of_bars_and_series_and_for_people() {
    for line in ["--chart -f json", "--chart -f csv"] {
        let usage = printed(line, Style::default(), vec![(DAILY, Reading::Bars(daily(2)))]);
        assert!(usage.unwrap_err().message.contains("--chart"), "{line}");
    }
    let dividends = ("dividends:stock:AAPL", Reading::Object(DIVIDENDS.as_bytes().into()));
    let usage = printed("--chart", Style::default(), vec![dividends]).unwrap_err();
    assert_eq!(usage.message, "--chart draws bars and series, and no dividends");
    assert_eq!(bars("--chart", daily(0)).lines().count(), 1, "nothing is said to be nothing");
}

/// A pipe that somebody reads slowly: it counts how often it is written to.
struct Pieces(usize);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn many_bars_are_written_in_few_pieces() {
    let series = daily(5040);
    let columns = Fields::default().columns(Layout::of_bars());
    let mut out = Pieces(0);
    super::bars::csv(&series, &columns, &mut out).unwrap();
    assert!((4..16).contains(&out.0), "{}", out.0);
    let mut out = Pieces(0);
    record::bars::open(&series, &[], &mut out).unwrap();
    assert!((8..32).contains(&out.0), "{}", out.0);
}

#[test]
fn the_columns_of_bars_are_the_members_of_their_record() {
    let layout = Layout::of_bars();
    let names = |fields: &[fields::Field]| fields.iter().map(|f| f.name).collect::<Vec<_>>();
    assert_eq!(names(layout.record), record::bars::OF_ALL);
    assert_eq!(names(layout.row), record::bars::OF_ONE);
}

/// Any float that a provider could send, and none.
fn sent() -> impl Strategy<Value = f64> {
    prop_oneof![
        1 => Just(f64::NAN),
        2 => (0.0001..500_000.0_f32).prop_map(f64::from),
        2 => 0.0..1e12_f64,
        2 => any::<u32>().prop_map(f64::from),
        2 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |f| f.is_finite()),
    ]
}

fn any_bars() -> impl Strategy<Value = BarSeries> {
    let row = (1_i64..90_000_000, [sent(), sent(), sent(), sent(), sent(), sent()]);
    (prop::collection::vec(row, 0..40), any::<bool>()).prop_map(|(rows, is_daily)| {
        let mut series = if is_daily { daily(0) } else { intraday(0) };
        let (mut time, mut day) = (-400_000_000_000, -5000);
        for (step, [open, high, low, close, volume, adjusted]) in rows {
            (time, day) = (time + step, day + i32::try_from(step % 40 + 1).unwrap());
            let day = is_daily.then_some(day);
            series.bars.push(Bar { time, day, open, high, low, close, volume, adjusted });
        }
        series.finals = series.bars.len() / 2;
        series.ended = series.bars.len();
        series
    })
}

/// A cell of a csv or a member of a bar; none if it is empty or `null`.
type Read<'a> = Box<dyn Fn(&str) -> Option<String> + 'a>;

/// The bar that these cells say.
fn read_back(cell: &Read<'_>) -> Bar {
    let number = |name| cell(name).map_or(f64::NAN, |text| text.parse().unwrap());
    let date = |text: &str| Timestamp::from_date(text).unwrap().day();
    Bar {
        time: Timestamp::parse(&cell("time").unwrap()).unwrap().as_ms(),
        day: cell("date").map(|text| i32::try_from(date(&text)).unwrap()),
        open: number("open"),
        high: number("high"),
        low: number("low"),
        close: number("close"),
        volume: number("volume"),
        adjusted: number("adjusted_close"),
    }
}

/// The same bars with one NaN for all: which of them was meant is not written.
fn with_one_nan(mut bar: Bar) -> Bar {
    let Bar { open, high, low, close, volume, adjusted, .. } = &mut bar;
    for value in [open, high, low, close, volume, adjusted] {
        if value.is_nan() {
            *value = f64::NAN;
        }
    }
    bar
}

proptest! {
    #[test]
    fn a_chart_of_any_bars_keeps_within_its_width(
        series in any_bars(),
        width in 0..300_u16,
        color in any::<bool>(),
    ) {
        let style = Style { width: Some(width), color: false };
        let text = printed("--chart", style, vec![(DAILY, Reading::Bars(series.clone()))]).unwrap();
        for line in text.lines().skip(2) {
            prop_assert!(line.chars().count() <= usize::from(width.clamp(30, 240)), "{}", line);
        }
        printed("--chart", Style { color, ..style }, vec![(DAILY, Reading::Bars(series))]).unwrap();
    }

    #[test]
    fn bars_read_back_from_csv_to_the_bit(series in any_bars()) {
        let text = bars("-f csv", series.clone());
        let mut reader = ::csv::Reader::from_reader(text.as_bytes());
        let head = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), series.bars.len());
        for (at, row) in rows.iter().enumerate() {
            let cell: Read<'_> = Box::new(|name| {
                let place = head.iter().position(|head| head == name).unwrap();
                Some(row[place].to_owned()).filter(|text| !text.is_empty())
            });
            prop_assert_eq!(read_back(&cell), with_one_nan(series.bars.bar(at)));
            prop_assert_eq!(&row[9], series.state(at).as_str());
        }
    }

    #[test]
    fn bars_read_back_from_json_to_the_bit(series in any_bars()) {
        let text = bars("-f json", series.clone());
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        let rows = read[0]["bars"].as_array().unwrap();
        prop_assert_eq!(rows.len(), series.bars.len());
        for (at, row) in rows.iter().enumerate() {
            let cell: Read<'_> = Box::new(|name| match &row[name] {
                serde_json::Value::Null => None,
                serde_json::Value::String(text) => Some(text.clone()),
                number => Some(number.to_string()),
            });
            prop_assert_eq!(read_back(&cell), with_one_nan(series.bars.bar(at)));
            prop_assert_eq!(row["state"].as_str(), Some(series.state(at).as_str()));
        }
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_parquet_says_how_to_build_one_with_it() {
    let bars = vec![(DAILY, Reading::Bars(daily(1)))];
    let usage = printed("-f parquet", Style::default(), bars).unwrap_err();
    assert!(usage.hint.unwrap().contains("--features parquet"));
}

#[cfg(feature = "parquet")]
mod parquet;
