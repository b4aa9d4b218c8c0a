//! What the disk promises: damage is set aside, and what stands beside an entry lives and dies with it.

use std::convert::Infallible;
use std::sync::Arc;

use super::*;
use crate::entry::Format;
use crate::market::{Bar, Interval};
use crate::span::Span;
use crate::tier::salvage::{BadRow, Extent, count_sound};
use crate::tier::series::{Head, Parts, Superseded, settle};

const KEY: &str = "bars:stock:AAPL:1d";
const DAY: i64 = 86_400_000;

fn disk(folder: &tempfile::TempDir) -> Disk {
    Disk::new(Database::at(folder.path()), Packing::Zstd)
}

fn bars(days: std::ops::Range<i64>) -> Bars {
    let mut bars = Bars::default();
    for day in days {
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let price = 100.0 + (day % 977) as f64 / 100.0;
        bars.push(Bar {
            time: day * DAY,
            day: i32::try_from(day).ok(),
            open: price,
            high: price + 0.5,
            low: price - 0.5,
            close: price + 0.25,
            volume: 1e6 + price,
            adjusted: price,
        });
    }
    bars
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}

fn entry_of(key: &str, provider: &str, body: &[u8], format: Format, fetched_at: i64) -> Entry {
    Entry {
        key: Key::from_stored(key),
        provider: provider.into(),
        fetched_at: at(fetched_at),
        own_ttl: None,
        format,
        body: body.into(),
    }
}

fn incoming(entry: Entry, parts: Option<Parts>, put_at: i64) -> Incoming {
    Incoming {
        stored: Stored { entry: Arc::new(entry), row: 0, known: Known::default() },
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        gone_at: Timestamp::NEVER,
        put_at: at(put_at),
        sighting: None,
        parts: parts.map(Box::new),
    }
}

/// Puts final bars into a series as the cache does; its head.
fn extend(disk: &Disk, key: &str, new: &Bars, put_at: i64, superseded: Vec<Superseded>) -> Head {
    let name = Key::from_stored(key);
    let mut head = head(disk, key).unwrap_or_default();
    head.put(new, 1, new.len(), new.len());
    let span = Span::new(at(new.times[0]), at(new.times[new.len() - 1] + DAY)).unwrap();
    head.coverage.learn(span, &new.times, at(put_at));
    let mut load = |refs: &[ChunkRef]| {
        let found = disk.chunks(&name, "demo", refs).unwrap();
        Ok::<_, Infallible>(found.into_iter().map(Option::unwrap).collect())
    };
    let Ok(chunks) = settle(&mut head, Interval::Day1, &mut load);
    let entry = entry_of(key, "demo", &head.to_body(), Format::Binary, put_at);
    disk.put(&mut [incoming(entry, Some(Parts { chunks, superseded }), put_at)]).unwrap();
    head
}

fn head(disk: &Disk, key: &str) -> Option<Head> {
    let shelf = disk.get(&Key::from_stored(key)).unwrap_or_default()?;
    Some(Head::from_body(&shelf[0].entry.body).unwrap())
}

/// All bars of a series; none for a chunk that is missing.
fn read(disk: &Disk, key: &str) -> Bars {
    let head = head(disk, key).unwrap();
    let found = disk.chunks(&Key::from_stored(key), "demo", &head.chunks).unwrap();
    let there = head.chunks.iter().cloned().zip(found);
    let there: Vec<_> = there.filter_map(|(at, bars)| Some((at, bars?))).collect();
    head.read(i64::MIN..i64::MAX, &there).bars
}

fn sql(disk: &Disk, sql: &str) {
    disk.database().write(|transaction| Ok(transaction.execute_batch(sql)?)).unwrap();
}

fn count(disk: &Disk, sql: &str) -> i64 {
    disk.database().read(|c| Ok(c.query_row(sql, [], |row| row.get(0))?)).unwrap()
}

fn chunk_rows(disk: &Disk) -> i64 {
    count(disk, "SELECT count(*) FROM chunk")
}

fn version(from: i64, until: i64) -> Superseded {
    let body = format!("{from}-{until};").repeat(300).into_bytes().into();
    Superseded { known_from: at(from), known_until: at(until), body }
}

#[test]
fn a_series_is_read_back_as_it_was_put() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    extend(&disk, KEY, &bars(0..3000), 1, Vec::new());
    assert_eq!(chunk_rows(&disk), 3);
    let before = count(&disk, "SELECT max(rowid) FROM chunk");
    extend(&disk, KEY, &bars(3000..3001), 2, Vec::new());
    assert_eq!(count(&disk, "SELECT max(rowid) FROM chunk"), before, "no chunk was written");
    assert_eq!(chunk_rows(&disk), 3, "a head that is replaced keeps its chunks");
    for from in (3001..3400).step_by(7) {
        extend(&disk, KEY, &bars(from..from + 7), from, Vec::new());
    }
    assert_eq!(read(&disk, KEY), bars(0..3400));
    assert_eq!(chunk_rows(&disk), 3, "what was replaced is gone");
    // Another process, and one that reads nothing but a part.
    let other = self::disk(&folder);
    let head = head(&other, KEY).unwrap();
    let refs = head.within(1300 * DAY, 1310 * DAY).to_vec();
    let found = other.chunks(&Key::from_stored(KEY), "demo", &refs).unwrap();
    let part = head.read(1300 * DAY..1310 * DAY, &[(refs[0].clone(), found[0].clone().unwrap())]);
    assert_eq!((part.bars, refs.len()), (bars(1300..1310), 1));
    // Nobody else's, and none that is not there.
    for (key, provider) in [(KEY, "yahoo"), ("bars:stock:MSFT:1d", "demo")] {
        let found = other.chunks(&Key::from_stored(key), provider, &refs).unwrap();
        assert_eq!(found, [None], "{key}@{provider}");
    }
    assert!(other.take_damaged().is_empty());
}

#[test]
fn what_an_entry_takes_counts_its_chunks_and_its_past() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let size = || {
        let mut size = 0;
        disk.scan(None, &mut |listed| size = listed.size_bytes).unwrap();
        i64::try_from(size).unwrap()
    };
    let head = extend(&disk, KEY, &bars(0..2000), 1, vec![version(0, 1)]);
    let beside = count(
        &disk,
        "SELECT (SELECT sum(length(body)) FROM chunk) + (SELECT sum(length(body)) FROM past)",
    );
    let own = KEY.len() + "demo".len() + head.to_body().len();
    assert!(beside > 2000);
    assert_eq!(size(), i64::try_from(own).unwrap() + beside);
}

#[test]
fn chunks_and_versions_go_with_their_entry_whoever_drops_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let rows = || (chunk_rows(&disk), count(&disk, "SELECT count(*) FROM past"));
    let name = Name { key: Key::from_stored(KEY), provider: "demo".into() };
    extend(&disk, KEY, &bars(0..3000), 1, vec![version(0, 1)]);
    extend(&disk, "bars:stock:MSFT:1d", &bars(0..300), 1, vec![version(0, 1)]);
    assert_eq!(rows(), (4, 2));
    assert_eq!(disk.remove(std::slice::from_ref(&name)).unwrap(), 1);
    assert_eq!(rows(), (1, 1), "the other one's stay");
    extend(&disk, KEY, &bars(0..3000), 1, vec![version(0, 1)]);
    // As a release does that knows of entries alone.
    sql(&disk, "DELETE FROM entry");
    assert_eq!(rows(), (0, 0));
}

#[test]
fn an_entry_in_the_place_of_another_has_nothing_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let head = extend(&disk, KEY, &bars(0..3000), 1, vec![version(0, 1)]);
    let row = disk.get(&Key::from_stored(KEY)).unwrap().unwrap()[0].row;
    // As a release does that knows nothing of what stands beside.
    let thief = entry_of(KEY, "yahoo", &head.to_body(), Format::Binary, 1);
    let sealed = codec::seal(&thief, Packing::None);
    disk.database()
        .write(|transaction| {
            transaction.execute(
                "INSERT OR REPLACE INTO entry
                 SELECT ?1, key, 'yahoo', fetched_at_ms, own_ttl_ms, shape, raw_bytes, ?2, body
                 FROM entry WHERE id = ?1",
                params![row, sealed.sum],
            )?;
            Ok(())
        })
        .unwrap();
    let key = Key::from_stored(KEY);
    assert_eq!(&*disk.get(&key).unwrap().unwrap()[0].entry.provider, "yahoo");
    assert_eq!(chunk_rows(&disk), 3);
    let found = disk.chunks(&key, "yahoo", &head.chunks).unwrap();
    assert_eq!(found, [None, None, None], "they are of another series");
    assert!(disk.past_from(&key, "yahoo").unwrap().is_empty());
    // What was not a head any more takes the chunks along.
    let other = entry_of(KEY, "yahoo", b"{}", Format::Json, 2);
    disk.put(&mut [incoming(other, None, 2)]).unwrap();
    assert_eq!(chunk_rows(&disk), 0);
}

#[test]
fn a_damaged_chunk_is_set_aside_and_its_span_asked_for_again() {
    for (case, damage) in [
        ("a byte", "UPDATE chunk SET body = x'00' || substr(body, 2) WHERE first_ms = 0"),
        ("its end", "UPDATE chunk SET body = substr(body, 1, 40) WHERE first_ms = 0"),
        ("no bytes", "UPDATE chunk SET body = 7 WHERE first_ms = 0"),
        ("its sum", "UPDATE chunk SET sum = 'x' WHERE first_ms = 0"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        let head = extend(&disk, KEY, &bars(0..3000), 1, Vec::new());
        sql(&disk, damage);
        assert_eq!(read(&disk, KEY), bars(1260..3000), "{case}");
        let [damaged] = &disk.take_damaged()[..] else { panic!("{case}") };
        assert_eq!(damaged.part, Part::Chunk(head.chunks[0].id), "{case}");
        let aside = disk.set_row_aside(damaged).unwrap();
        assert_eq!(std::fs::read(aside).unwrap(), damaged.body, "{case}");
        let left = self::head(&disk, KEY).unwrap();
        assert_eq!(left.chunks, head.chunks[1..], "{case}");
        let known = |day: i64| left.coverage.rows().iter().any(|r| r.span.contains(at(day * DAY)));
        assert!(!known(0) && !known(1259) && known(1260), "{case}");
        assert_eq!(chunk_rows(&disk), 2, "{case}");
        // It comes back when it is asked for again.
        extend(&disk, KEY, &bars(0..1260), 2, Vec::new());
        assert_eq!(read(&disk, KEY), bars(0..3000), "{case}");
        // Whoever met the damage before comes too late.
        disk.set_row_aside(damaged).unwrap();
        assert_eq!(read(&disk, KEY), bars(0..3000), "{case}");
    }
}

#[test]
fn a_repair_takes_out_what_is_bad_beside_an_entry_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    extend(&disk, KEY, &bars(0..3000), 1, vec![version(0, 1), version(1, 2)]);
    let bad = |disk: &Disk| {
        let mut bad = Vec::new();
        (disk.inspect(&mut |row: BadRow| bad.push(row)).unwrap(), bad)
    };
    assert_eq!(bad(&disk), (1, Vec::new()));
    sql(
        &disk,
        "DELETE FROM chunk WHERE first_ms = 0;
         UPDATE chunk SET body = zeroblob(90) WHERE first_ms = 1260 * 86400000;
         UPDATE past SET known_from_ms = -7 WHERE known_from_ms = 0;",
    );
    let (sound, found) = bad(&disk);
    assert_eq!((sound, found.len()), (1, 3));
    let asides = found.iter().filter_map(|row| disk.set_bad_row_aside(row).unwrap());
    assert_eq!(asides.count(), 2, "of what is missing there are no bytes");
    assert_eq!(bad(&disk), (1, Vec::new()));
    assert_eq!(read(&disk, KEY), bars(2520..3000));
    assert_eq!(disk.past_from(&Key::from_stored(KEY), "demo").unwrap(), [version(1, 2)]);
    // A head that is none, though its sum fits.
    let no_head = entry_of(KEY, "demo", b"MCS1\xff\xff", Format::Binary, 9);
    disk.put(&mut [incoming(no_head, None, 9)]).unwrap();
    let (sound, found) = bad(&disk);
    assert_eq!((sound, found.len()), (0, 1));
    disk.set_bad_row_aside(&found[0]).unwrap().unwrap();
    assert_eq!(head(&disk, KEY), None);
}

#[test]
fn older_versions_are_known_by_their_time_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder).keeping_past(3);
    let key = Key::from_stored("series:macro:GDP");
    for n in 0..5 {
        let entry = entry_of(key.as_str(), "demo", b"{}", Format::Json, n);
        let superseded = vec![version(n * 10, n * 10 + 10)];
        let parts = Parts { chunks: Vec::new(), superseded };
        disk.put(&mut [incoming(entry, Some(parts), n)]).unwrap();
    }
    let all: Vec<Superseded> = (2..5).map(|n| version(n * 10, n * 10 + 10)).collect();
    assert_eq!(disk.past_from(&key, "demo").unwrap(), all, "the newest three");
    for (ms, expected) in
        [(19, &[][..]), (20, &all[..1]), (29, &all[..1]), (30, &all[1..2]), (50, &[])]
    {
        assert_eq!(disk.past(&key, "demo", at(ms)).unwrap(), expected, "{ms}");
    }
    sql(&disk, "UPDATE past SET body = x'00aa' WHERE known_from_ms = 20");
    assert_eq!(disk.past_from(&key, "demo").unwrap(), all[1..]);
    let [damaged] = &disk.take_damaged()[..] else { panic!() };
    disk.set_row_aside(damaged).unwrap();
    assert_eq!(count(&disk, "SELECT count(*) FROM past"), 2);
}

#[test]
fn series_go_last_when_room_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    extend(&disk, KEY, &bars(0..5000), 0, Vec::new());
    extend(&disk, "bars:stock:MSFT:1d", &bars(0..5000), 1, Vec::new());
    let noise: Vec<u8> =
        (0..4000_u32).flat_map(|n| n.wrapping_mul(0x9e37_79b9).to_le_bytes()).collect();
    let mut others: Vec<Incoming> = (0..20)
        .map(|n| {
            incoming(entry_of(&format!("k{n}"), "put", &noise, Format::Binary, n), None, 100 + n)
        })
        .collect();
    disk.put(&mut others).unwrap();
    let held = || disk.keys(&Pattern::parse("*", &crate::market::Nobody).unwrap()).unwrap().len();
    assert_eq!(held(), 22);
    while disk.drop_oldest(at(200), 1).unwrap() > 0 {}
    assert_eq!(held(), 2, "used longer ago, and still there");
    let some = disk.used_bytes().unwrap() - 1;
    assert_eq!(disk.drop_oldest_series(at(200), some).unwrap(), 1);
    assert!(head(&disk, KEY).is_none() && head(&disk, "bars:stock:MSFT:1d").is_some());
    assert!(disk.used_bytes().unwrap() <= some, "with its chunks");
    assert_eq!(disk.drop_oldest_series(at(200), 1).unwrap(), 1);
    assert_eq!((held(), chunk_rows(&disk)), (0, 0));
}

#[test]
fn a_series_is_stored_with_all_that_belongs_to_it_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let before = extend(&disk, KEY, &bars(0..3000), 1, Vec::new());
    // The last thing that is written fails.
    sql(
        &disk,
        "CREATE TRIGGER full BEFORE INSERT ON past BEGIN SELECT raise(ABORT, 'no room'); END",
    );
    let mut head = before.clone();
    head.put(&bars(3000..3200), 1, 200, 200);
    let key = Key::from_stored(KEY);
    let mut load = |refs: &[ChunkRef]| {
        let found = disk.chunks(&key, "demo", refs).unwrap();
        Ok::<_, Infallible>(found.into_iter().map(Option::unwrap).collect())
    };
    let Ok(chunks) = settle(&mut head, Interval::Day1, &mut load);
    assert_eq!(chunks.len(), 1);
    let parts = Parts { chunks, superseded: vec![version(0, 1)] };
    let entry = entry_of(KEY, "demo", &head.to_body(), Format::Binary, 2);
    assert!(disk.put(&mut [incoming(entry, Some(parts), 2)]).is_err());
    let other = self::disk(&folder);
    assert_eq!(self::head(&other, KEY).unwrap(), before);
    assert_eq!(read(&other, KEY), bars(0..3000));
}

#[test]
fn a_damaged_file_gives_back_series_with_their_chunks_and_versions() {
    let (damaged, sound) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let old = disk(&damaged);
    extend(&old, KEY, &bars(0..5000), 1, vec![version(0, 1)]);
    extend(&old, "bars:stock:MSFT:1d", &bars(0..700), 1, Vec::new());
    sql(
        &old,
        "UPDATE chunk SET body = zeroblob(50) WHERE first_ms = 1260 * 86400000;
         CREATE TABLE beyond (id INTEGER); PRAGMA incremental_vacuum;",
    );
    drop(old);
    let file = damaged.path().join(crate::db::FILE);
    assert_eq!(count_sound(&file).unwrap(), 2);
    let new = disk(&sound);
    for brought in [2, 0] {
        let count = new.salvage(&file, Extent::Entries, &|_| Timestamp::NEVER).unwrap();
        assert_eq!(count, brought);
        let expected: Vec<i64> =
            bars(0..1260).times.into_iter().chain(bars(2520..5000).times).collect();
        assert_eq!(read(&new, KEY).times, expected);
        assert_eq!(read(&new, "bars:stock:MSFT:1d"), bars(0..700));
        assert_eq!(head(&new, KEY).unwrap().chunks.len(), 3, "one is asked for again");
        assert_eq!(new.past_from(&Key::from_stored(KEY), "demo").unwrap(), [version(0, 1)]);
        assert_eq!(new.inspect(&mut |bad| panic!("{bad:?}")).unwrap(), 2);
        // As if it had been killed before the chunks.
        if brought == 2 {
            sql(&new, "DELETE FROM chunk; DELETE FROM past;");
        }
    }
}

#[test]
fn a_database_without_chunks_is_read_as_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let disk = disk(&folder);
    let head = extend(&disk, KEY, &bars(0..3000), 1, Vec::new());
    sql(&disk, "DROP TRIGGER entry_dropped; DROP TABLE chunk; DROP TABLE past;");
    let other = self::disk(&folder);
    let key = Key::from_stored(KEY);
    assert_eq!(other.chunks(&key, "demo", &head.chunks).unwrap(), [None, None, None]);
    assert_eq!(other.past_from(&key, "demo").unwrap(), []);
    other.scan(None, &mut |listed| assert!(listed.size_bytes > 0)).unwrap();
    assert_eq!(other.inspect(&mut |_| ()).unwrap(), 1);
}

fn stored(disk: &Disk) -> Stored {
    let entry = Entry {
        key: Key::from_stored("quote:stock:AAPL"),
        provider: "demo".into(),
        fetched_at: Timestamp::from_ms(0),
        own_ttl: None,
        format: Format::Json,
        body: Box::from(*b"{}"),
    };
    let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
    let (gone_at, put_at) = (Timestamp::NEVER, Timestamp::from_ms(0));
    let incoming = Incoming {
        stored,
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        sighting: None,
        parts: None,
        gone_at,
        put_at,
    };
    let mut incoming = [incoming];
    disk.put(&mut incoming).unwrap();
    incoming[0].stored.clone()
}

#[test]
fn a_row_that_is_sound_again_is_not_dropped_with_the_damage_that_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let Stored { entry, row, .. } = stored(&disk);
    let seen =
        DamagedRow { id: row, key: entry.key.clone(), part: Part::Entry, body: b"{".to_vec() };
    disk.set_row_aside(&seen).unwrap();
    assert!(disk.get(&entry.key).unwrap().is_some(), "it was replaced in the meantime");
    disk.database()
        .write(|transaction| {
            transaction.execute("UPDATE entry SET body = x'7b' WHERE id = ?1", [row])?;
            Ok(())
        })
        .unwrap();
    let aside = disk.set_row_aside(&seen).unwrap();
    assert_eq!(std::fs::read(aside).unwrap(), b"{");
    assert!(disk.get(&entry.key).unwrap().is_none());
    assert!(disk.take_damaged().is_empty(), "nothing damaged is left");
}
