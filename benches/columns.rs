//! Packed bars against plain ones: `cargo bench --bench columns`.
//!
//! What bars take in bytes and in time, chunk by chunk as they are stored: by `codec::bars`, as JSON, and
//! as plain columns through zstd. Five thousand daily bars (four chunks), a chunk of minutes, the recent
//! bars of a head. The bars walk at random (geometric Brownian motion: 2 % a day, 0.05 % a minute, volumes
//! lognormal); recorded answers are read where they stand beside the repository. The median of many
//! rounds; the file is a database of one table of chunks, by the pages that it has. Exit code 1 if a
//! target is missed.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use mcache::clock::Clock;
use mcache::codec::bars::{Effort, pack, unpack};
use mcache::market::{Bar, Bars};
use serde_json::Value;

const DAILY_CHUNK: usize = 1260;
const MINUTE_CHUNK: usize = 8192;
const HEAD: usize = 128;

/// The most that a bar may take in the file, in bytes: of a day, of a minute.
const DAILY_BYTES: f64 = 10.0;
const MINUTE_BYTES: f64 = 5.0;

/// The most that reading five thousand daily bars may take, in microseconds.
const READING: f64 = 200.0;

const ROUNDS: usize = 101;

const DAY: i64 = 86_400_000;
const MINUTE: i64 = 60_000;

fn main() -> ExitCode {
    println!(
        "{:<46} {:>6} {:>9} {:>9} {:>10} {:>10}",
        "", "bars", "B/bar", "in file", "write us", "read us"
    );
    let mut met = true;
    for (name, sent) in [
        ("days, two decimals", Sent::Cents),
        ("days, two decimals in single precision", Sent::Single),
        ("days, the same before a split 4:1 and one 7:1", Sent::Split),
        ("days, prices to the last bit", Sent::Doubles),
    ] {
        let days = days(5040, sent);
        let row = measure(name, &days, DAILY_CHUNK, Effort::Small);
        if sent == Sent::Cents {
            met &= target("a daily bar in the file, bytes", row.in_file, DAILY_BYTES);
            met &= target("5,040 daily bars read, us", row.read, READING * 1.008);
            measure("  the same in one piece", &days, days.len(), Effort::Small);
            plain(&days, DAILY_CHUNK);
        }
    }
    for (name, sent) in [
        ("minutes, two decimals", Sent::Cents),
        ("minutes, two decimals in single precision", Sent::Single),
        ("minutes, prices to the last bit", Sent::Doubles),
    ] {
        let minutes = minutes(MINUTE_CHUNK, sent);
        let row = measure(name, &minutes, MINUTE_CHUNK, Effort::Small);
        if sent == Sent::Cents {
            met &= target("a minute bar in the file, bytes", row.in_file, MINUTE_BYTES);
            plain(&minutes, MINUTE_CHUNK);
        }
    }
    let recent = days(HEAD, Sent::Cents);
    measure("the head's days", &recent, HEAD, Effort::Fast);
    measure("the same, as a chunk", &recent, HEAD, Effort::Small);
    measure("the head's minutes", &minutes(HEAD, Sent::Cents), HEAD, Effort::Fast);
    plain(&recent, HEAD);
    for (name, bars) in recorded() {
        measure(&name, &bars, MINUTE_CHUNK, Effort::Small);
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What was measured of one way to write bars.
struct Row {
    in_file: f64,
    read: f64,
}

fn measure(name: &str, bars: &Bars, chunk: usize, effort: Effort) -> Row {
    let write = |bars: &Bars| pack(bars, effort);
    line(name, bars, chunk, write, |bytes| unpack(bytes).unwrap())
}

/// The same bars as JSON and as columns through zstd.
fn plain(bars: &Bars, chunk: usize) {
    line("  as JSON", bars, chunk, json, of_json);
    let write = |bars: &Bars| zstd::bulk::compress(&json(bars), 3).unwrap();
    line("  as JSON, zstd", bars, chunk, write, |bytes| {
        of_json(&zstd::bulk::decompress(bytes, 1 << 26).unwrap())
    });
    let write = |bars: &Bars| zstd::bulk::compress(&columns(bars), 3).unwrap();
    line("  as plain columns, zstd", bars, chunk, write, |bytes| {
        of_columns(&zstd::bulk::decompress(bytes, 1 << 26).unwrap())
    });
}

fn line(
    name: &str,
    bars: &Bars,
    chunk: usize,
    write: impl Fn(&Bars) -> Vec<u8>,
    read: impl Fn(&[u8]) -> Bars,
) -> Row {
    let starts = (0..bars.len()).step_by(chunk);
    let chunks: Vec<Bars> =
        starts.map(|from| bars.slice(from..(from + chunk).min(bars.len()))).collect();
    let packed: Vec<Vec<u8>> = chunks.iter().map(&write).collect();
    for (packed, chunk) in packed.iter().zip(&chunks) {
        assert_eq!(read(packed), *chunk, "{name}");
    }
    let written = median(|| chunks.iter().for_each(|chunk| drop(black_box(write(chunk)))));
    let read = median(|| packed.iter().for_each(|packed| drop(black_box(read(packed)))));
    let count = count(bars.len());
    let in_file = file(&packed) / count;
    let bytes = count_of(&packed) / count;
    println!(
        "{name:<46} {:>6} {bytes:>9.2} {in_file:>9.2} {written:>10.1} {read:>10.1}",
        bars.len()
    );
    Row { in_file, read }
}

fn target(name: &str, taken: f64, most: f64) -> bool {
    let met = taken <= most;
    let verdict = if met { "met" } else { "MISSED" };
    println!("  {name:<44} {taken:>9.2}  target <= {most:.0}  {verdict}");
    met
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn count(of: usize) -> f64 {
    of as f64
}

fn count_of(packed: &[Vec<u8>]) -> f64 {
    count(packed.iter().map(Vec::len).sum())
}

/// What this takes in microseconds: the median of the rounds.
fn median(of: impl Fn()) -> f64 {
    let round = |_| {
        let watch = Clock::system().stopwatch();
        of();
        watch.elapsed()
    };
    let mut taken: Vec<Duration> = (0..ROUNDS).map(round).collect();
    taken.sort_unstable();
    taken[ROUNDS / 2].as_secs_f64() * 1e6
}

/// What these chunks take in a database beside what an empty one takes, in bytes: of a hundred series
/// alike, so that the last page of the table is not of one.
fn file(packed: &[Vec<u8>]) -> f64 {
    const SERIES: usize = 100;
    let database = rusqlite::Connection::open_in_memory().unwrap();
    let pages = || {
        let pages: i64 = database.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let size: i64 = database.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
        count(usize::try_from(pages * size).unwrap())
    };
    database
        .execute_batch("CREATE TABLE chunk (id INTEGER PRIMARY KEY, sum INTEGER, body BLOB)")
        .unwrap();
    let empty = pages();
    let mut insert = database.prepare("INSERT INTO chunk (sum, body) VALUES (?1, ?2)").unwrap();
    for packed in std::iter::repeat_n(packed, SERIES).flatten() {
        insert.execute((i64::MAX, packed)).unwrap();
    }
    (pages() - empty) / count(SERIES)
}

fn json(bars: &Bars) -> Vec<u8> {
    let columns: Vec<Vec<Option<f64>>> = prices(bars)
        .iter()
        .map(|column| column.iter().map(|value| value.is_finite().then_some(*value)).collect())
        .collect();
    serde_json::to_vec(&(&bars.times, &bars.days, columns)).unwrap()
}

fn of_json(bytes: &[u8]) -> Bars {
    let (times, days, columns): (_, _, Vec<Vec<Option<f64>>>) =
        serde_json::from_slice(bytes).unwrap();
    let mut columns = columns.into_iter().map(|column| {
        column.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect::<Vec<_>>()
    });
    let mut column = || columns.next().unwrap();
    let (open, high, low, close) = (column(), column(), column(), column());
    Bars { times, days, open, high, low, close, volume: column(), adjusted: column() }
}

fn columns(bars: &Bars) -> Vec<u8> {
    let mut bytes = vec![u8::from(!bars.days.is_empty())];
    bytes.extend(bars.times.iter().flat_map(|time| time.to_le_bytes()));
    for column in prices(bars) {
        bytes.extend(column.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes.extend(bars.days.iter().flat_map(|day| day.to_le_bytes()));
    bytes
}

fn of_columns(bytes: &[u8]) -> Bars {
    let (dated, bytes) = bytes.split_first().unwrap();
    let count = bytes.len() / if *dated == 1 { 60 } else { 56 };
    let mut rest = bytes;
    let mut take = |width: usize| {
        let (column, after) = rest.split_at(width * count);
        rest = after;
        column
    };
    let times = take(8).as_chunks().0.iter().map(|time| i64::from_le_bytes(*time)).collect();
    let mut column =
        || take(8).as_chunks().0.iter().map(|value| f64::from_le_bytes(*value)).collect();
    let (open, high, low, close) = (column(), column(), column(), column());
    let (volume, adjusted) = (column(), column());
    let days = rest.as_chunks().0.iter().map(|day| i32::from_le_bytes(*day)).collect();
    Bars { times, days, open, high, low, close, volume, adjusted }
}

fn prices(bars: &Bars) -> [&Vec<f64>; 6] {
    [&bars.open, &bars.high, &bars.low, &bars.close, &bars.volume, &bars.adjusted]
}

/// How a provider sends prices.
#[derive(Clone, Copy, PartialEq)]
enum Sent {
    /// Rounded to cents.
    Cents,
    /// Rounded to cents and then to single precision.
    Single,
    /// The same, divided by the splits since.
    Split,
    /// As they come out of a division.
    Doubles,
}

impl Sent {
    fn price(self, price: f64) -> f64 {
        let cents = (price * 100.0).round() / 100.0;
        match self {
            Self::Cents => cents,
            Self::Single => single(cents),
            Self::Split => single(cents / 28.0),
            Self::Doubles => price,
        }
    }

    fn adjusted(self, close: f64, factor: f64) -> f64 {
        match self {
            Self::Cents => (close * factor * 10_000.0).round() / 10_000.0,
            Self::Single | Self::Split => single(close * factor),
            Self::Doubles => close * factor,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the rounding is what is meant")]
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

/// Numbers as a normal distribution gives them.
struct Chance(u64);

impl Chance {
    fn even(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        count(usize::try_from(self.0 >> 33).unwrap()) / count(1 << 31)
    }

    fn normal(&mut self) -> f64 {
        let (size, turn) = (self.even().max(1e-12), self.even());
        (-2.0 * size.ln()).sqrt() * (std::f64::consts::TAU * turn).cos()
    }
}

/// The prices of one bar: eight moves, the first of which is the gap before it.
fn walk(price: &mut f64, volatility: f64, chance: &mut Chance) -> [f64; 4] {
    let step = volatility / 3.0;
    *price *= (step * chance.normal()).exp();
    let open = *price;
    let (mut high, mut low) = (open, open);
    for _ in 0..8 {
        *price *= (step * chance.normal()).exp();
        (high, low) = (high.max(*price), low.min(*price));
    }
    [open, high, low, *price]
}

fn days(count: usize, sent: Sent) -> Bars {
    let mut chance = Chance(1);
    let (mut price, mut factor, mut activity) = (150.0, 0.8, 0.0);
    let mut bars = Bars::default();
    let mut day: i32 = 11_000;
    while bars.len() < count {
        day += 1;
        let weekday = (day + 3).rem_euclid(7);
        if weekday > 4 || chance.even() < 9.0 / 260.0 {
            continue;
        }
        if bars.len() % 63 == 62 {
            factor += 0.002;
        }
        let [open, high, low, close] = walk(&mut price, 0.02, &mut chance).map(|p| sent.price(p));
        activity = 0.8 * activity + 0.3 * chance.normal();
        let summer = (80..300).contains(&day.rem_euclid(365));
        let hours = if summer { 13 } else { 14 };
        bars.push(Bar {
            time: i64::from(day) * DAY + hours * 60 * MINUTE + 30 * MINUTE,
            day: Some(day),
            open,
            high,
            low,
            close,
            volume: (4e7 * (activity + 0.2 * chance.normal()).exp()).round(),
            adjusted: sent.adjusted(close, factor),
        });
    }
    bars
}

fn minutes(count: usize, sent: Sent) -> Bars {
    let mut chance = Chance(2);
    let mut price = 150.0;
    let mut bars = Bars::default();
    let (mut session, mut minute) = (19_000, 0);
    while bars.len() < count {
        if minute == 390 {
            (session, minute) = (session + if session % 5 == 4 { 3 } else { 1 }, 0);
        }
        let [open, high, low, close] = walk(&mut price, 0.0005, &mut chance).map(|p| sent.price(p));
        bars.push(Bar {
            time: session * DAY + (14 * 60 + 30 + minute) * MINUTE,
            day: None,
            open,
            high,
            low,
            close,
            volume: (1e5 * (0.7 * chance.normal()).exp()).round(),
            adjusted: f64::NAN,
        });
        minute += 1;
    }
    bars
}

/// What providers answered, where recorded answers are at hand.
fn recorded() -> Vec<(String, Bars)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures/");
    let answer = |file: &str| -> Option<Value> {
        serde_json::from_slice(&std::fs::read(format!("{folder}{file}")).ok()?).ok()
    };
    let yahoo = [
        "yahoo/http_chart_MSFT_1d_2021-02-01_2022-01-31.json",
        "yahoo/chart_AAPL_1d_6mo_live_last_bar.json",
        "yahoo/chart_AAPL_1mo_2019_2024_splits.json",
        "yahoo/result_^GSPC_1m_2018-05-29.json",
        "yahoo/result_USDGBP=X_1m_2018-05-29_nulls.json",
    ];
    let rows = [
        ("binance/rebuilt_klines_BTCUSDT_1h_2024-01-01_2024-01-04.json", "", 1, 5),
        ("kraken/ohlc_XBTUSD_1m_2017-08-10.json", "/result/XXBTZUSD", 1000, 6),
    ];
    let charts = yahoo.into_iter().filter_map(|file| Some((file.into(), chart(&answer(file)?)?)));
    let rows = rows.into_iter().filter_map(|(file, at, unit, volume)| {
        Some((file.into(), of_rows(answer(file)?.pointer(at)?, unit, volume)?))
    });
    charts.chain(rows).collect()
}

/// The bars of a chart as Yahoo sends it.
fn chart(answer: &Value) -> Option<Bars> {
    let body = answer.pointer("/response/bodyJson").unwrap_or(answer);
    let chart = body.pointer("/chart/result/0").unwrap_or(body);
    let numbers = |at: &str| chart.pointer(at)?.as_array();
    let quote = |name: &str| numbers(&format!("/indicators/quote/0/{name}"));
    let number = |column: Option<&Vec<Value>>, at: usize| {
        column.and_then(|column| column[at].as_f64()).unwrap_or(f64::NAN)
    };
    let adjusted = numbers("/indicators/adjclose/0/adjclose");
    let zone = chart.pointer("/meta/gmtoffset")?.as_i64()?;
    let mut bars = Bars::default();
    for (at, time) in numbers("/timestamp")?.iter().enumerate() {
        let close = number(quote("close"), at);
        if close.is_nan() {
            continue;
        }
        let time = time.as_i64()? * 1000;
        let date = (time + zone * 1000).div_euclid(DAY);
        bars.push(Bar {
            time,
            day: adjusted.and(i32::try_from(date).ok()),
            open: number(quote("open"), at),
            high: number(quote("high"), at),
            low: number(quote("low"), at),
            close,
            volume: number(quote("volume"), at),
            adjusted: number(adjusted, at),
        });
    }
    Some(bars)
}

/// The bars of a list of lists: time, open, high, low, close, and the volume somewhere.
fn of_rows(rows: &Value, unit: i64, volume: usize) -> Option<Bars> {
    let mut bars = Bars::default();
    for row in rows.as_array()? {
        let number = |at: usize| row[at].as_str()?.parse::<f64>().ok();
        bars.push(Bar {
            time: row[0].as_i64()? * unit,
            day: None,
            open: number(1)?,
            high: number(2)?,
            low: number(3)?,
            close: number(4)?,
            volume: number(volume)?,
            adjusted: f64::NAN,
        });
    }
    Some(bars)
}
