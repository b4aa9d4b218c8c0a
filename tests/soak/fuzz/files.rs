//! What stands in the cache folder, and in files that are imported.

use std::io::{Cursor, Write as _};

use mcache::cache::carry::foreign::{archive, table};
use mcache::calendar::Override;
use mcache::codec::bars::{Effort, pack, unpack};
use mcache::codec::{self, Packing, Row};
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::market::{Bar, Bars, Interval, Run};
use mcache::span::Span;
use mcache::tier::series::parcel::{Content, Packer, Section, Unpacker};
use mcache::tier::series::{Chunk, Head, Stretch, Version, open};
use mcache::time::Timestamp;

use super::Target;
use super::replies::now;

const DAY_MS: i64 = 86_400_000;

/// Bars of so many days, some of which lack what is not needed.
fn bars(count: i32) -> Bars {
    let mut bars = Bars::default();
    for day in 0..count {
        let close = 100.0 + f64::from(day % 17) * 0.25;
        let adjusted = if day % 5 == 0 { f64::NAN } else { close * 0.97 };
        bars.push(Bar {
            time: i64::from(day) * DAY_MS + 52_200_000,
            day: Some(day),
            open: close - 0.125,
            high: close + 1.0,
            low: if day % 11 == 0 { f64::NAN } else { close - 1.0 },
            close,
            volume: f64::from(day) * 1000.0,
            adjusted,
        });
    }
    bars
}

fn head(bars: &Bars) -> Head {
    let runs = vec![Run { bars: bars.len(), basis_ms: DAY_MS }];
    let chunk = Chunk::seal(&self::bars(20), vec![Run { bars: 20, basis_ms: 5 }]).unwrap();
    Head {
        chunks: vec![chunk.at],
        currency: Some("USD".to_owned()),
        tail: Span::new(now(), now() + std::time::Duration::from_hours(1)),
        actions_at: Some(now()),
        runs,
        finals: bars.len(),
        ended: bars.len(),
        recent: bars.clone(),
        ..Head::default()
    }
}

fn parcel() -> Vec<u8> {
    let bars = bars(30);
    let runs = [Run { bars: 30, basis_ms: DAY_MS }];
    let content = Content::Bars {
        head: Box::new(Head::default()),
        bars: Box::new(Stretch::new(bars, &runs)),
    };
    let section = Section {
        key: Key::from_stored("bars:stock:AAPL:1d"),
        provider: "yahoo".into(),
        fetched_at: now(),
        content,
    };
    let mut bytes = Vec::new();
    let mut packer = Packer::new(&mut bytes).unwrap();
    packer.add(&section).unwrap();
    packer.finish().unwrap();
    bytes
}

fn zipped(text: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.csv", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(text.as_bytes()).unwrap();
    zip.finish().unwrap().into_inner()
}

/// A row whose parts are cut out of bytes.
fn open_row(bytes: &[u8]) {
    let (head, body) = bytes.split_at(bytes.len().min(40));
    let number = |at: usize| {
        let mut eight = [0; 8];
        let part = head.get(at..at + 8).unwrap_or_default();
        eight[..part.len()].copy_from_slice(part);
        i64::from_le_bytes(eight)
    };
    let row = Row {
        key: "quote:stock:AAPL",
        provider: "yahoo",
        fetched_at_ms: number(0),
        own_ttl_ms: Some(number(8)),
        shape: number(16),
        raw_bytes: number(24),
        sum: number(32),
        body,
    };
    let _ = codec::open(&row);
}

fn sealed() -> Vec<u8> {
    let entry = Entry {
        key: Key::from_stored("quote:stock:AAPL"),
        provider: "yahoo".into(),
        fetched_at: now(),
        own_ttl: Some(std::time::Duration::from_secs(30)),
        format: Format::Json,
        body: b"{\"price\":1}".repeat(200).into(),
    };
    let sealed = codec::seal(&entry, Packing::Zstd);
    let numbers = [now().as_ms(), 30_000, sealed.shape, codec::raw_bytes(&entry), sealed.sum];
    let head: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    [head, sealed.body.to_vec()].concat()
}

const TABLES: [&str; 4] = [
    "Date,Open,High,Low,Close,Adj Close,Volume\n2026-06-29,1,2,0.5,1.5,1.4,7\n2026-06-30,1,2,0.5,1.5,1.4,8\n",
    "1502942400000,4261.48,4313.62,4261.32,4308.83,47.181009,1502945999999,202366.13,171,35.1,150952.4,0\n",
    ",Price,Close,High\n,Ticker,AAPL,AAPL\n2026-06-29 00:00:00-04:00,1,2,3\n",
    "symbol,date,time,open,high,low,close,adjusted_close,volume,state\nAAPL,2026-06-29,2026-06-29T13:30:00Z,1,2,0.5,1.5,1.4,7,final\n",
];

const DAYS: [&str; 2] = [
    "exchange,session,open,close,break_start,break_end\nXNYS,2026-07-03,09:30,13:00,,\nXHKG,2026-07-01,,,,\n",
    "exchange,session,open,close,break_start,break_end\nXTKS,2026-07-03,09:00,15:30,11:30,12:30\n",
];

pub(super) fn targets() -> Vec<Target> {
    let short = bars(25);
    let chunk = Chunk::seal(&bars(300), vec![Run { bars: 300, basis_ms: 5 }]).unwrap();
    let span = Span::new(Timestamp::from_ms(0), Timestamp::from_ms(40 * DAY_MS)).unwrap();
    let stretch = Stretch::new(short.clone(), &[Run { bars: 25, basis_ms: 5 }]);
    let version = Version { span, stretch }.superseded(Timestamp::from_ms(1), now());
    let day = Interval::Day1;
    vec![
        Target::new("row", [sealed()], open_row),
        Target::new("bars", [pack(&short, Effort::Fast), pack(&bars(300), Effort::Small)], |b| {
            let _ = unpack(b);
        }),
        Target::new("head", [head(&short).to_body(), Head::default().to_body()], |bytes| {
            let _ = (Head::from_body(bytes), Head::directory(bytes));
        }),
        Target::new("chunk", [chunk.sealed], |bytes| drop(open(bytes))),
        Target::new("version", [version.body.to_vec()], |bytes| drop(Version::open(bytes))),
        Target::new("parcel", [parcel()], |bytes| {
            let Ok(mut unpacker) = Unpacker::new(bytes) else { return };
            while let Ok(Some(_)) = unpacker.next_section() {}
        }),
        Target::new("csv", TABLES, move |bytes| drop(table::read(bytes, day))),
        Target::new("zip", TABLES.map(zipped), move |bytes| {
            drop(archive::read(Cursor::new(bytes), day));
        }),
        Target::new("days", DAYS, |bytes| {
            drop(Override::parse_all(&String::from_utf8_lossy(bytes)));
        }),
    ]
}
