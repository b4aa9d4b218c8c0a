//! Damage never stops an answer, is never answered, is never deleted and is said once.

use std::fs;
use std::path::Path;

use mcache::policy::Course;
use mcache::time::Timestamp;

use super::{Random, files, machine, only, selling_at, warnings};
use crate::sandbox::{Run, Sandbox, Upstream};

/// What the stored quotes cost.
const BEFORE: u32 = 100;

/// What upstream says after the damage.
const AFTER: u32 = 200;

const SYMBOLS: [&str; 8] = ["AAPL", "MSFT", "NVDA", "AMD", "INTC", "TSLA", "META", "GOOG"];

/// A machine with a cache of several pages, and the database as it stands: one file, no WAL.
fn filled(after: &Upstream) -> (Sandbox, Vec<u8>) {
    let before = selling_at(BEFORE);
    let sandbox = machine(&before);
    assert_eq!(sandbox.run(&[&["fetch"], &SYMBOLS[..]].concat()).code, Some(0));
    // Values of all sizes, so that there are inner and overflow pages and free ones.
    let mut random = Random(1);
    for n in 0..24 {
        let value = random.bytes(n * 331);
        let key = format!("value:{n}");
        assert_eq!(sandbox.run_with_input(&["put", &key, "-", "--tag", "t"], value).code, Some(0));
    }
    assert_eq!(sandbox.run(&["clear", "value:2?"]).code, Some(0));
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    assert_eq!(sandbox.run(&["stats"]).code, Some(0));
    let until = Timestamp::from_seconds(9_999_999_999);
    sandbox.set_course("yahoo", Course { minimal_until: until, ..Course::default() });
    let sandbox = sandbox.with_provider("yahoo", after.url());
    assert!(files(&sandbox, "cache.db-wal").is_empty());
    let bytes = fs::read(sandbox.cache().join("cache.db")).unwrap();
    (sandbox, bytes)
}

/// Puts a database in the place of the one that is there, with nothing beside it.
fn replace(sandbox: &Sandbox, database: &[u8]) {
    for file in files(sandbox, "cache.db").into_iter().chain(files(sandbox, "hits.log")) {
        fs::remove_file(file).unwrap();
    }
    fs::write(sandbox.cache().join("cache.db"), database).unwrap();
}

/// Asks for a symbol: the answer is what was stored, or what upstream says, and nothing else.
fn ask(sandbox: &Sandbox, symbol: &str, what: &str) -> (serde_json::Value, Run) {
    let run = sandbox.run(&["fetch", symbol, "-f", "json"]);
    assert_eq!(run.code, Some(0), "{what}: {run:?}");
    let answer = only(&run);
    let price = answer["price"].as_f64().unwrap();
    let status = answer["cache"]["status"].as_str().unwrap().to_owned();
    let right = match status.as_str() {
        "hit" => [BEFORE, AFTER].map(f64::from).contains(&price),
        "miss" => (price - f64::from(AFTER)).abs() < 1e-9,
        _ => false,
    };
    assert!(right, "{what}: {status} with {price}");
    assert_eq!(answer["symbol"], symbol, "{what}");
    (answer, run)
}

/// The whole promise: an answer, one warning, the damaged bytes kept, and then a clean hit.
fn is_set_aside(sandbox: &Sandbox, database: &[u8], what: &str) {
    let (answer, run) = ask(sandbox, "AAPL", what);
    assert_eq!(answer["cache"]["status"], "miss", "{what}");
    assert_eq!(warnings(&run), 1, "{what}: {run:?}");
    assert!(run.stderr.contains("was damaged; set aside as `cache.db.damaged-"), "{what}: {run:?}");
    let kept: Vec<_> = files(sandbox, "cache.db.damaged-");
    let same = |path: &Path| fs::read(path).unwrap() == database;
    assert!(kept.iter().any(|path| same(path)), "{what}: {kept:?}");
    let (answer, run) = ask(sandbox, "AAPL", what);
    assert_eq!(answer["cache"]["status"], "hit", "{what}");
    assert_eq!(run.stderr, "", "{what}");
}

#[test]
fn a_database_that_is_garbage_is_set_aside() {
    let after = selling_at(AFTER);
    let (sandbox, good) = filled(&after);
    let mut random = Random(2);
    let garbage = random.bytes(good.len());
    let mut garbage_with_our_header = garbage.clone();
    garbage_with_our_header[..100].copy_from_slice(&good[..100]);
    let mut text = b"these are my notes, and no database at all\n".repeat(100);
    text.truncate(4096);
    for (what, database) in [
        ("garbage", &garbage),
        ("garbage behind a good header", &garbage_with_our_header),
        ("text", &text),
        ("zeros", &vec![0; good.len()]),
        ("two bytes", &b"xy".to_vec()),
    ] {
        replace(&sandbox, database);
        is_set_aside(&sandbox, database, what);
    }
}

#[test]
fn a_truncated_database_is_set_aside_or_still_right() {
    let after = selling_at(AFTER);
    let (sandbox, good) = filled(&after);
    let mut set_aside = 0;
    for length in [50, 100, 512, 4000, 4096, 5000, 8192, 12_288, good.len() / 2, good.len() - 1] {
        let what = format!("truncated to {length}");
        replace(&sandbox, &good[..length]);
        for symbol in SYMBOLS {
            ask(&sandbox, symbol, &what);
        }
        let (answer, run) = ask(&sandbox, "AAPL", &what);
        assert_eq!(answer["cache"]["status"], "hit", "{what}");
        assert_eq!(run.stderr, "", "{what}");
        set_aside += files(&sandbox, "cache.db.damaged-").len();
    }
    assert!(set_aside >= 9, "only {set_aside} of 10 were set aside");
}

/// The places to flip: every byte of the header that means something, then all over.
fn places(random: &mut Random, length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = (0..100).chain([18, 19, 18, 19, 18, 19]).collect();
    for page in 0..length / 4096 {
        // The head of the page and its cell pointers, then anywhere in it.
        places.extend((0..2).map(|_| page * 4096 + random.below(24)));
        places.extend((0..3).map(|_| page * 4096 + random.below(4096)));
    }
    // Page 1 holds the schema as text.
    places.extend((0..30).map(|_| 100 + random.below(3996)));
    places
}

#[test]
fn a_flipped_byte_anywhere_is_never_answered_and_never_stops_an_answer() {
    let after = selling_at(AFTER);
    let (sandbox, good) = filled(&after);
    let mut random = Random(3);
    let places = places(&mut random, good.len());
    assert!(places.len() >= 200, "{} places", places.len());
    for (number, at) in places.into_iter().enumerate() {
        let mut flipped = good.clone();
        flipped[at] ^= 1 << random.below(8);
        let what = format!("byte {at}: {:#04x} for {:#04x}", flipped[at], good[at]);
        replace(&sandbox, &flipped);
        flip(&sandbox, &flipped, number, &what);
    }
}

/// One flip: whatever it hits, answers are right, and after two of them the cache works.
fn flip(sandbox: &Sandbox, flipped: &[u8], number: usize, what: &str) {
    let all = [&["fetch"], &SYMBOLS[..], &["-f", "json"]].concat();
    let run = sandbox.run(&all);
    assert_eq!(run.code, Some(0), "{what}: {run:?}");
    assert!(!run.stderr.contains("panicked"), "{what}: {run:?}");
    for answer in run.json().as_array().unwrap() {
        let (price, status) = (answer["price"].as_f64().unwrap(), &answer["cache"]["status"]);
        let expected = if status == "hit" { BEFORE } else { AFTER };
        assert!((price - f64::from(expected)).abs() < 1e-9, "{what}: {status} with {price}");
    }
    let said = warnings(&run);
    let kept = files(sandbox, "cache.db.damaged-");
    if run.stderr.contains("is left alone") {
        // A version that is not ours: whoever wrote it may want it back.
        assert_eq!(fs::read(sandbox.cache().join("cache.db")).unwrap(), flipped, "{what}");
        assert!(
            (56..72).contains(&what[5..].split(':').next().unwrap().parse().unwrap()),
            "{what}"
        );
        return;
    }
    if run.stderr.contains("was damaged; set aside") {
        assert!(kept.iter().any(|path| fs::read(path).unwrap() == flipped), "{what}: {run:?}");
    }
    assert_eq!(said, kept.iter().filter(|path| !is_beside(path)).count(), "{what}: {run:?}");
    // What only these read may show its damage only now.
    let command = [&["put", "probe", "1"][..], &["stats"], &["keys"]][number % 3];
    let run = sandbox.run(command);
    assert_eq!(run.code, Some(0), "{what}: {run:?}");
    assert!(!run.stderr.contains("error"), "{what}: {run:?}");
    // SQLite believes a page that says where its free space begins: if that is wrong, the first
    // write spoils what stands there, and only the next one meets it.
    for value in ["2", "3"] {
        let run = sandbox.run(&["put", "probe", value]);
        assert_eq!(run.code, Some(0), "{what}: {run:?}");
    }
    let run = sandbox.run(&["put", "probe", "4"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{what}: {run:?}");
    ask(sandbox, "AAPL", what);
    let (answer, run) = ask(sandbox, "AAPL", what);
    assert_eq!(answer["cache"]["status"], "hit", "{what}: {run:?}");
    assert_eq!(run.stderr, "", "{what}");
}

/// Whether a file belongs to a database of the same name.
fn is_beside(path: &Path) -> bool {
    path.to_str().is_some_and(|name| name.ends_with("-wal") || name.ends_with("-shm"))
}

#[test]
fn a_damaged_entry_costs_that_entry_and_no_other() {
    let after = selling_at(AFTER);
    for column in ["body", "fetched_at_ms", "provider", "shape", "raw_bytes", "sum", "own_ttl_ms"] {
        let (sandbox, _) = filled(&after);
        let damaged = match column {
            "body" => "CAST(replace(CAST(body AS TEXT), '100', '900') AS BLOB)",
            "provider" => "'Yahoo'",
            "own_ttl_ms" => "1",
            _ => "coalesce({column}, 0) + 1",
        };
        let damaged = damaged.replace("{column}", column);
        let which = "key = 'quote:stock:AAPL'";
        sandbox.sql(&format!("UPDATE entry SET {column} = {damaged} WHERE {which}"));
        let (answer, run) = ask(&sandbox, "AAPL", column);
        assert_eq!(answer["cache"]["status"], "miss", "{column}");
        assert_eq!(warnings(&run), 1, "{column}: {run:?}");
        assert!(
            run.stderr.contains("the entry `quote:stock:AAPL` was damaged"),
            "{column}: {run:?}"
        );
        let kept = files(&sandbox, "cache.db.damaged-");
        assert_eq!(kept.len(), 1, "{column}: {kept:?}");
        let bytes = String::from_utf8(fs::read(&kept[0]).unwrap()).unwrap();
        assert!(
            bytes.contains(if column == "body" { ":900" } else { ":100" }),
            "{column}: {bytes}"
        );
        for symbol in SYMBOLS {
            let (answer, run) = ask(&sandbox, symbol, column);
            assert_eq!(answer["cache"]["status"], "hit", "{column}, {symbol}");
            assert_eq!(run.stderr, "", "{column}, {symbol}");
        }
    }
}

#[test]
fn a_damaged_key_hides_nothing_but_itself() {
    let after = selling_at(AFTER);
    let (sandbox, _) = filled(&after);
    for key in ["'quote:stock:AAPM'", "CAST(x'ff41fe' AS TEXT)", "x'00'", "''"] {
        let which = "id IN (SELECT id FROM entry WHERE key LIKE 'quote:%' LIMIT 1)";
        sandbox.sql(&format!("UPDATE entry SET key = {key} WHERE {which}"));
        for symbol in SYMBOLS {
            ask(&sandbox, symbol, key);
        }
        let run = sandbox.run(&["keys"]);
        assert_eq!(run.code, Some(0), "{key}: {run:?}");
        assert!(run.stdout.contains("value:1 "), "{key}: {run:?}");
        assert!(!files(&sandbox, "cache.db.damaged-").iter().any(|f| f.ends_with("-2")), "{key}");
    }
}

#[test]
fn missing_tables_are_damage() {
    let after = selling_at(AFTER);
    for sql in [
        "DROP TABLE entry",
        "DROP TABLE usage",
        "DROP TABLE tag",
        "DROP TABLE stat",
        "DROP TABLE hit_log",
        "DELETE FROM hit_log",
        "ALTER TABLE entry RENAME COLUMN body TO bode",
        "ALTER TABLE usage RENAME COLUMN hits TO hitz",
        "UPDATE hit_log SET folded = 'x'",
    ] {
        let (sandbox, _) = filled(&after);
        sandbox.sql(sql);
        let run = sandbox.run(&["fetch", "AAPL", "AMZN", "-f", "json"]);
        assert_eq!(run.code, Some(0), "{sql}: {run:?}");
        assert_eq!(warnings(&run), 1, "{sql}: {run:?}");
        let kept = files(&sandbox, "cache.db.damaged-");
        assert_eq!(kept.iter().filter(|path| !is_beside(path)).count(), 1, "{sql}: {kept:?}");
        for symbol in ["AMZN", "AAPL", "AAPL"] {
            let (_, run) = ask(&sandbox, symbol, sql);
            assert_eq!(run.stderr, "", "{sql}");
        }
        let (answer, _) = ask(&sandbox, "AAPL", sql);
        assert_eq!(answer["cache"]["status"], "hit", "{sql}");
    }
}

#[test]
fn a_damaged_wal_is_never_answered() {
    let after = selling_at(AFTER);
    let before = selling_at(BEFORE);
    let mut random = Random(4);
    let sandbox = machine(&before);
    assert_eq!(sandbox.run(&[&["fetch"], &SYMBOLS[..]].concat()).code, Some(0));
    // A reader that stays keeps the next writer from folding its WAL into the database.
    let reader = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    reader.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(sandbox.run(&[&["fetch", "--refresh"], &SYMBOLS[..]].concat()).code, Some(0));
    let database = fs::read(sandbox.cache().join("cache.db")).unwrap();
    let wal = fs::read(sandbox.cache().join("cache.db-wal")).unwrap();
    drop(reader);
    let sandbox = sandbox.with_provider("yahoo", after.url());
    for round in 0..60 {
        let mut flipped = wal.clone();
        let at = if round < 32 { round } else { random.below(wal.len()) };
        flipped[at] ^= 1 << random.below(8);
        if round % 5 == 4 {
            flipped.truncate(at);
        }
        replace(&sandbox, &database);
        fs::write(sandbox.cache().join("cache.db-wal"), &flipped).unwrap();
        for symbol in SYMBOLS {
            ask(&sandbox, symbol, &format!("byte {at} of the WAL"));
        }
        let (answer, run) = ask(&sandbox, "AAPL", "afterwards");
        assert_eq!(answer["cache"]["status"], "hit", "byte {at} of the WAL");
        assert_eq!(run.stderr, "", "byte {at} of the WAL");
    }
}

#[test]
fn a_damaged_hit_log_stops_nothing_and_counts_go_on() {
    let after = selling_at(AFTER);
    let (sandbox, good) = filled(&after);
    let log = sandbox.cache().join("hits.log");
    let mut random = Random(5);
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    let sound = fs::read(&log).unwrap();
    let mut flipped_header = sound.clone();
    flipped_header[3] ^= 4;
    let mut flipped_record = sound.clone();
    flipped_record[100] ^= 1;
    for (what, bytes) in [
        ("garbage", random.bytes(5000)),
        ("large garbage", random.bytes(3 << 20)),
        ("foreign", b"my own notes\n".repeat(20)),
        ("empty", Vec::new()),
        ("cut in the header", sound[..30].to_vec()),
        ("cut in a record", sound[..sound.len() - 20].to_vec()),
        ("a flipped header", flipped_header),
        ("a flipped record", flipped_record),
        ("garbage behind a good header", [&sound[..64], &random.bytes(999)].concat()),
    ] {
        replace(&sandbox, &good);
        fs::write(&log, &bytes).unwrap();
        for _ in 0..2 {
            let (answer, run) = ask(&sandbox, "AAPL", what);
            assert_eq!(answer["cache"]["status"], "hit", "{what}");
            assert_eq!(run.stderr, "", "{what}");
        }
        assert_eq!(sandbox.run(&["put", "a", "1"]).stderr, "", "{what}");
        let before = super::counted(&sandbox.json(&["stats"]));
        for _ in 0..3 {
            ask(&sandbox, "AAPL", what);
        }
        let stats = sandbox.json(&["stats"]);
        assert_eq!(super::counted(&stats), before + 3, "{what}: counting goes on");
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_stops_no_answer() {
    let after = selling_at(AFTER);
    for name in ["cache.db", "cache.db-wal", "hits.log", "write.lock"] {
        let sandbox = machine(&after);
        fs::create_dir_all(sandbox.cache().join(name).join("inside")).unwrap();
        for _ in 0..2 {
            ask(&sandbox, "AAPL", name);
        }
        assert!(sandbox.cache().join(name).join("inside").is_dir(), "{name} is not ours to remove");
    }
}
