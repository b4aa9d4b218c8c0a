//! What series take on the disk, and what a bar more costs: `cargo bench --bench series`.
//!
//! - Bytes in the file per bar: 500 symbols with 20 years of daily bars, with their dividends, and a few
//!   with 100,000 minute bars; all of the file is counted.
//! - A session's bar more for 5,000 symbols: heads decoded, extended, encoded and stored, 500 in a
//!   transaction.
//! - A head decoded, as every hit does.
//! - Twenty years of one symbol read, head and chunks, among 25 million bars of others against alone: in
//!   turns.
//!
//! Prices are a random walk in cents, volumes whole. Times are the process's own, whatever else the
//! machine does. Exit code 1 if a target is missed.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]
#![expect(clippy::cast_precision_loss, reason = "sizes and prices are small")]

use std::convert::Infallible;
use std::hint::black_box;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mcache::clock::Clock;
use mcache::codec::Packing;
use mcache::codec::bars::{Effort, pack, unpack};
use mcache::db::Database;
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::market::{Bar, Bars, Dividend, HeldDividend, Interval, Run};
use mcache::policy::Known;
use mcache::span::Span;
use mcache::tier::disk::Disk;
use mcache::tier::series::{ChunkRef, Head, Parts, Stretch, settle};
use mcache::tier::{Incoming, Stored, Tier as _};
use mcache::time::Timestamp;

const MINUTE: i64 = 60_000;
const DAY: i64 = 86_400_000;
const NOW: Timestamp = Timestamp::from_seconds(1_782_918_000);

/// Twenty years of sessions.
const DAYS: usize = 5_040;
const SYMBOLS: usize = 500;
const MINUTES: usize = 100_000;
const MINUTE_SYMBOLS: usize = 10;

/// How many symbols of minute bars make 25 million bars.
const CROWD: usize = 250;

/// How often each side reads.
const READS: usize = 301;

/// How many heads gain a bar, and how many of them in one transaction.
const HEADS: usize = 5_000;
const BATCH: usize = 500;

fn main() -> ExitCode {
    let mut met = bytes("daily bars", Interval::Day1, SYMBOLS, DAYS, 10.0);
    met &= bytes("minute bars", Interval::Minute1, MINUTE_SYMBOLS, MINUTES, 5.0);
    met &= appending();
    met &= crowded();
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Numbers without rhyme or reason.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mixed = (self.0 ^ (self.0 >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 32)
    }

    /// A number between minus and plus this one, those around zero more often.
    fn around_zero(&mut self, most: i64) -> i64 {
        let wide = 2 * most.unsigned_abs() + 1;
        let two = self.next() % wide + self.next() % wide;
        two.cast_signed() / 2 - most
    }
}

/// A walk in cents, in bars of this interval.
fn walk(seed: usize, interval: Interval, count: usize) -> Bars {
    let mut numbers = Numbers(seed as u64 * 7919 + 13);
    let is_day = interval >= Interval::Day1;
    let (step, traded) = if is_day { (150, 80_000_000) } else { (8, 40_000) };
    let mut bars = Bars::default();
    let (mut cents, mut at) = (5_000 + i64::try_from(numbers.next() % 30_000).unwrap(), 0);
    let start =
        NOW.as_ms() - i64::try_from(count).unwrap() * if is_day { DAY * 7 / 5 } else { 4 * MINUTE };
    for n in 0..count {
        let open = (cents + numbers.around_zero(step / 4)).max(100);
        let close = (open + numbers.around_zero(step)).max(100);
        let high = open.max(close) + numbers.around_zero(step / 2).abs();
        let low = (open.min(close) - numbers.around_zero(step / 2).abs()).max(50);
        cents = close;
        at += match (is_day, n % 5, n % 390) {
            (true, 0, _) => 3 * DAY,
            (true, ..) => DAY,
            (false, _, 0) => DAY - 389 * MINUTE,
            (false, ..) => MINUTE,
        };
        let price = |cents: i64| cents as f64 / 100.0;
        let time = start + at;
        bars.push(Bar {
            time,
            day: is_day.then(|| i32::try_from(time.div_euclid(DAY)).unwrap()),
            open: price(open),
            high: price(high),
            low: price(low),
            close: price(close),
            volume: (traded / 2 + numbers.next() % traded) as f64,
            // Minutes are not adjusted by any upstream.
            adjusted: if is_day { price(close) } else { f64::NAN },
        });
    }
    for at in 0..bars.days.len() {
        bars.adjusted[at] = adjusted(bars.close[at], count - at);
    }
    bars
}

/// A close as upstream adjusts it for what was paid out in each quarter since: in 32 bits, as it is sent.
#[expect(clippy::cast_possible_truncation, reason = "that is what upstream does")]
fn adjusted(close: f64, bars_since: usize) -> f64 {
    let quarters = i32::try_from(bars_since / 63).unwrap();
    f64::from((close * 0.9975_f64.powi(quarters)) as f32)
}

fn key(n: usize, interval: Interval) -> Key {
    Key::from_stored(&format!("bars:stock:S{n}:{}", interval.as_str()))
}

/// The head of these bars, and its chunks; of days with a dividend a quarter.
fn settled(bars: &Bars, interval: Interval) -> Incoming {
    let mut head = Head {
        currency: Some("USD".to_owned()),
        exchange: Some("NMS".to_owned()),
        first_trade_ms: bars.times.first().copied(),
        actions_at: Some(NOW),
        ..Head::default()
    };
    let last = bars.times[bars.len() - 1];
    let span = Span::new(Timestamp::from_ms(bars.times[0]), Timestamp::from_ms(last + 1));
    head.coverage.learn(span.unwrap(), &bars.times, NOW);
    for at in (0..bars.days.len()).step_by(63) {
        let (at_ms, day) = (bars.times[at], bars.days[at]);
        let dividend = Dividend { at_ms, day, amount: 0.26, is_capital_gain: false };
        let factor = Some(1.0 - 0.26 / bars.close[at]);
        head.actions.dividends.push(HeldDividend { dividend, factor, fetched_ms: NOW.as_ms() });
    }
    put(&mut head, bars, NOW.as_ms(), bars.len());
    let mut nothing = |_: &[ChunkRef]| Ok::<_, Infallible>(Vec::new());
    let Ok(chunks) = settle(&mut head, interval, &mut nothing);
    incoming(Key::from_stored("none"), &head, Parts { chunks, superseded: Vec::new() })
}

fn incoming(key: Key, head: &Head, parts: Parts) -> Incoming {
    let entry = Entry {
        key,
        provider: "yahoo".into(),
        fetched_at: NOW,
        own_ttl: None,
        format: Format::Binary,
        body: head.to_body().into(),
    };
    Incoming {
        stored: Stored { entry: Arc::new(entry), row: 0, known: Known::default() },
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        sighting: None,
        parts: Some(Box::new(parts)),
        gone_at: Timestamp::NEVER,
        put_at: NOW,
    }
}

fn named(incoming: Incoming, key: Key) -> Incoming {
    let entry = Entry { key, ..Entry::clone(&incoming.stored.entry) };
    let stored = Stored { entry: Arc::new(entry), ..incoming.stored };
    Incoming { stored, ..incoming }
}

/// How long this process has been running on a processor, in seconds.
fn own_time() -> f64 {
    let said = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    said.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

fn size(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap().flatten();
    files.map(|file| file.metadata().unwrap().len()).sum()
}

fn line(name: &str, value: f64, unit: &str, most: f64) -> bool {
    let met = value <= most;
    let said = if met { "met" } else { "MISSED" };
    println!("{name:<44} {value:>9.2} {unit:<14} target <= {most}  {said}");
    met
}

fn bytes(name: &str, interval: Interval, symbols: usize, count: usize, most: f64) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::Zstd);
    let since = own_time();
    let (mut chunk_bytes, mut head_bytes) = (0, 0);
    for n in 0..symbols {
        let all = walk(n, interval, count);
        let incoming = named(settled(&all, interval), key(n, interval));
        let chunks = &incoming.parts.as_ref().unwrap().chunks;
        chunk_bytes += chunks.iter().map(|chunk| chunk.sealed.len()).sum::<usize>();
        head_bytes += incoming.stored.entry.body.len();
        disk.put(&mut [incoming]).unwrap();
    }
    let took = own_time() - since;
    drop(disk);
    let bars = (symbols * count) as f64;
    println!(
        "{name}: {symbols} x {count} in {:.1} s; chunks {:.2}, heads {:.2} bytes a bar",
        took,
        chunk_bytes as f64 / bars,
        head_bytes as f64 / bars,
    );
    line(&format!("{name}, in the file"), size(folder.path()) as f64 / bars, "bytes a bar", most)
}

fn appending() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::Zstd);
    let all = walk(1, Interval::Day1, DAYS + 1);
    let held = settled(&all.slice(0..DAYS - 64), Interval::Day1);
    for batch in (0..HEADS).collect::<Vec<_>>().chunks(BATCH) {
        let mut batch: Vec<Incoming> = batch
            .iter()
            .map(|n| {
                let mut head = Head::from_body(&held.stored.entry.body).unwrap();
                put(&mut head, &all.slice(DAYS - 64..DAYS), NOW.as_ms(), 63);
                let parts = Parts::clone(held.parts.as_ref().unwrap());
                incoming(key(*n, Interval::Day1), &head, parts)
            })
            .collect();
        disk.put(&mut batch).unwrap();
    }
    let new = all.slice(DAYS - 1..DAYS + 1);
    let since = own_time();
    for batch in (0..HEADS).collect::<Vec<_>>().chunks(BATCH) {
        let mut batch: Vec<Incoming> = batch
            .iter()
            .map(|n| {
                let key = key(*n, Interval::Day1);
                let shelf = disk.get(&key).unwrap().unwrap();
                let mut head = Head::from_body(&shelf[0].entry.body).unwrap();
                put(&mut head, &new, NOW.as_ms() + DAY, 1);
                let mut load = |_: &[ChunkRef]| Ok::<_, Infallible>(Vec::new());
                let Ok(chunks) = settle(&mut head, Interval::Day1, &mut load);
                assert!(chunks.is_empty(), "it touches no chunk");
                incoming(key, &head, Parts::default())
            })
            .collect();
        disk.put(&mut batch).unwrap();
    }
    let took = own_time() - since;
    let mut met = line("a bar more for 5,000 symbols", took, "s", 2.0);
    let shelf = disk.get(&key(7, Interval::Day1)).unwrap().unwrap();
    let body = &shelf[0].entry.body;
    let name = format!("a head of {} bytes, decoded", body.len());
    met &= line(&name, repeated(|| Head::from_body(black_box(body)).unwrap()), "us", 20.0);
    let head = Head::from_body(body).unwrap();
    let packed = pack(&head.recent, Effort::Fast);
    let name = format!("of that its {} bars, {} bytes", head.recent.len(), packed.len());
    line(&name, repeated(|| unpack(black_box(&packed)).unwrap()), "us", 20.0);
    line("the same head, encoded", repeated(|| black_box(&head).to_body()), "us", 100.0);
    met
}

/// Twenty years of one symbol, read among 25 million bars of others and alone.
fn crowded() -> bool {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let [alone, crowd] =
        [0, 1].map(|at| Disk::new(Database::at(folders[at].path()), Packing::Zstd));
    let of_days = || settled(&walk(1, Interval::Day1, DAYS), Interval::Day1);
    let key = key(0, Interval::Day1);
    for disk in [&alone, &crowd] {
        disk.put(&mut [named(of_days(), key.clone())]).unwrap();
    }
    let minutes = walk(7, Interval::Minute1, MINUTES);
    for n in 0..CROWD {
        let others = named(settled(&minutes, Interval::Minute1), self::key(n, Interval::Minute1));
        crowd.put(&mut [others]).unwrap();
    }
    let read = |disk: &Disk| {
        let since = Clock::system().stopwatch();
        let shelf = disk.get(&key).unwrap().unwrap();
        let head = Head::from_body(&shelf[0].entry.body).unwrap();
        let chunks = disk.chunks(&key, "yahoo", &head.chunks).unwrap();
        let bars: usize = chunks.iter().flatten().map(Bars::len).sum();
        assert_eq!(bars + head.recent.len(), DAYS);
        since.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..READS).map(|_| read(&crowd) / read(&alone)).collect();
    ratios.sort_by(f64::total_cmp);
    let met =
        line("one symbol among 25 million bars, against alone", ratios[READS / 2], "times", 1.5);
    println!("{:<44} {:>9.2} ms", "  the same, alone", read(&alone) * 1e3);
    met
}

/// Puts bars into a head, of which so many are final; those that were not final go.
fn put(head: &mut Head, bars: &Bars, basis_ms: i64, finals: usize) {
    let of_one = |bars: Bars| {
        let runs = [Run { bars: bars.len(), basis_ms }];
        Stretch::new(bars, &runs)
    };
    let held = Stretch::new(head.recent.slice(0..head.finals), &head.runs);
    let settled = of_one(bars.slice(0..finals)).over(&held);
    head.finals = settled.len();
    let all = settled.over(&of_one(bars.slice(finals..bars.len())));
    head.ended = all.len();
    (head.runs, head.recent) = (all.runs(), all.bars);
}

/// How long this takes, in microseconds.
fn repeated<T>(mut work: impl FnMut() -> T) -> f64 {
    const TIMES: u32 = 20_000;
    let since = own_time();
    for _ in 0..TIMES {
        black_box(work());
    }
    (own_time() - since) * 1e6 / f64::from(TIMES)
}
