//! `stats --verify` looks and changes nothing; `stats --repair` loses nothing that can be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Value, json};

use super::crash::{killed_when, length};
use super::failure::{
    on_a_disk_of, opened, run_as_nobody, said_once_that_nothing_can_be_mounted, set_mode,
};
use super::{Random, counted, files, is_whole, machine, only, selling_at};
use crate::sandbox::{Run, Sandbox, Upstream, finished};

/// The size of a page.
const PAGE: usize = 4096;

/// Values by key.
type Values = BTreeMap<String, String>;

/// A machine whose cache holds so many values of all sizes, and which; the database is one file.
fn filled(count: usize) -> (Upstream, Sandbox, Values) {
    let upstream = selling_at(5);
    // Values as they are, so that a test can find them in the file.
    let sandbox = machine(&upstream).env("MCACHE_CACHE__DISK__COMPRESSION", "false");
    let mut random = Random(11);
    let mut values = Values::new();
    for n in 0..count {
        let value = format!("{n}-{:x}-", random.next()).repeat(1 + random.below(1 + n % 7 * 60));
        values.insert(format!("value:{n}"), value);
    }
    // One that is the same nowhere.
    values.insert("value:3".to_owned(), (0..9).map(|_| random.next().to_string()).collect());
    put(&sandbox, &values);
    // What was dropped must stay so: its pages are free, and the rows still stand in them.
    let dropped: Values = (0..30).map(|n| (format!("dropped:{n}"), "x".repeat(n * 331))).collect();
    put(&sandbox, &dropped);
    assert_eq!(sandbox.run(&["clear", "dropped:*"]).code, Some(0));
    assert!(files(&sandbox, "cache.db-wal").is_empty());
    (upstream, sandbox, values)
}

/// Puts values, tagged with the parity of how many they are.
fn put(sandbox: &Sandbox, values: &Values) {
    let mut lines = String::new();
    for (key, value) in values {
        writeln!(lines, "{}", json!({"key": key, "value": value})).unwrap();
    }
    let run = sandbox.run_with_input(&["put", "--ndjson", "-", "--tag", "t"], lines);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

/// The values that the cache holds, but for quotes.
fn held(sandbox: &Sandbox) -> Values {
    let run = sandbox.run(&["get", "*", "--stale", "-f", "json"]);
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    let held: BTreeMap<String, Value> = serde_json::from_str(&run.stdout).unwrap_or_default();
    let text = |(key, value): (String, Value)| Some((key, value.as_str()?.to_owned()));
    held.into_iter().filter_map(text).collect()
}

fn verify(sandbox: &Sandbox) -> (Run, Value) {
    reported(sandbox.run(&["stats", "--verify", "-f", "json"]))
}

fn repair(sandbox: &Sandbox) -> (Run, Value) {
    reported(sandbox.run(&["stats", "--repair", "-f", "json"]))
}

fn reported(run: Run) -> (Run, Value) {
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    let report = serde_json::from_str(&run.stdout).unwrap_or(Value::Null);
    (run, report)
}

/// A repair that succeeds, after which everything is sound.
fn repaired(sandbox: &Sandbox, what: &str) -> Value {
    let (run, report) = repair(sandbox);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{what}: {run:?}");
    assert!(is_whole(sandbox), "{what}");
    assert_eq!(report["damaged"], json!([]), "{what}");
    assert!(!sandbox.cache().join("cache.db.repair").exists(), "{what}");
    assert_eq!(verify(sandbox).0.code, Some(0), "{what}");
    report
}

fn database(sandbox: &Sandbox) -> Vec<u8> {
    fs::read(sandbox.cache().join("cache.db")).unwrap()
}

/// Puts this in the place of the database, and nothing beside it.
fn replace(sandbox: &Sandbox, database: &[u8]) {
    for file in files(sandbox, "cache.db") {
        fs::remove_file(file).unwrap();
    }
    fs::write(sandbox.cache().join("cache.db"), database).unwrap();
}

/// Where `value:3` stands in this database: in its row, and not in what a row has left somewhere.
fn place(sandbox: &Sandbox, database: &[u8], values: &Values) -> usize {
    let value = values["value:3"].as_bytes();
    let mut places =
        (0..database.len() - value.len()).filter(|at| database[*at..].starts_with(value));
    let is_it = |at: &usize| {
        let mut flipped = database.to_vec();
        flipped[*at] ^= 1;
        replace(sandbox, &flipped);
        verify(sandbox).0.code == Some(1)
    };
    let place = places.find(is_it).unwrap();
    replace(sandbox, database);
    place
}

/// The same database with the page overwritten that `value:3` stands in.
fn without_its_page(sandbox: &Sandbox, database: &[u8], values: &Values) -> Vec<u8> {
    let mut damaged = database.to_vec();
    let page = place(sandbox, database, values) / PAGE * PAGE;
    damaged[page..page + PAGE].fill(0xee);
    damaged
}

/// What is on the disk, but for what SQLite keeps beside a database while it is read.
fn everything(sandbox: &Sandbox) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for path in files(sandbox, "") {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let is_index = name.ends_with("-shm") || (name.ends_with("-wal") && length(&path) == 0);
        if !is_index {
            all.insert(name, fs::read(path).unwrap());
        }
    }
    all
}

/// Whether a file with these bytes was set aside.
fn is_kept(sandbox: &Sandbox, bytes: &[u8]) -> bool {
    files(sandbox, "cache.db.damaged-").iter().any(|path| fs::read(path).unwrap() == bytes)
}

#[test]
fn a_sound_cache_and_a_missing_one_are_sound() {
    let sandbox = Sandbox::new();
    for task in ["--verify", "--repair"] {
        let report = sandbox.json(&["stats", task]);
        assert_eq!((&report["database"], &report["entries"]), (&json!("absent"), &json!(0)));
        assert!(!sandbox.cache().exists(), "looking creates nothing");
    }
    let (_upstream, sandbox, values) = filled(50);
    let before = everything(&sandbox);
    let (run, report) = verify(&sandbox);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        report,
        json!({"database": "ok", "ledger": "absent", "problems": [], "entries": values.len(), "damaged": [],
               "aside": [], "not_brought_back": []})
    );
    assert_eq!(repaired(&sandbox, "sound")["kept"], values.len());
    assert_eq!(everything(&sandbox), before, "neither changes what is sound");
}

#[test]
fn verify_finds_every_flipped_byte_of_a_value_and_changes_nothing() {
    let (_upstream, sandbox, values) = filled(20);
    let good = database(&sandbox);
    let start = place(&sandbox, &good, &values);
    for at in 0..values["value:3"].len() {
        let mut flipped = good.clone();
        flipped[start + at] ^= 1 << (at % 8);
        replace(&sandbox, &flipped);
        let before = everything(&sandbox);
        let (run, report) = verify(&sandbox);
        run.fails(1, &["error: 1 entry is damaged", "hint: `mcache stats --repair`"]);
        assert_eq!(report["database"], "ok", "byte {at}");
        assert_eq!(report["entries"], values.len() - 1, "byte {at}");
        assert_eq!(report["damaged"][0]["key"], "value:3", "byte {at}");
        assert_eq!(report["damaged"][0]["provider"], "put", "byte {at}");
        assert_eq!(report["damaged"].as_array().unwrap().len(), 1, "byte {at}");
        assert_eq!(everything(&sandbox), before, "byte {at}: looking changes nothing");
    }
}

#[test]
fn verify_changes_nothing_whatever_it_finds() {
    let (_upstream, sandbox, _) = filled(60);
    let good = database(&sandbox);
    let mut random = Random(12);
    let mut headless = good.clone();
    headless[..100].fill(0);
    for (what, damaged) in [
        ("garbage", random.bytes(good.len())),
        ("no header", headless),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("two bytes", b"xy".to_vec()),
    ] {
        replace(&sandbox, &damaged);
        let before = everything(&sandbox);
        let (run, report) = verify(&sandbox);
        run.fails(1, &["error: the database is damaged", "hint: `mcache stats --repair`"]);
        assert_eq!(report["database"], "damaged", "{what}");
        assert!(!report["problems"].as_array().unwrap().is_empty(), "{what}");
        assert_eq!(everything(&sandbox), before, "{what}");
    }
}

#[test]
fn a_damaged_entry_is_set_aside_and_costs_no_other() {
    for (column, damaged) in [
        ("body", "x'7b'"),
        ("body", "'text'"),
        ("key", "'value:99999'"),
        ("key", "CAST(x'ff41fe' AS TEXT)"),
        ("provider", "'other'"),
        ("fetched_at_ms", "fetched_at_ms + 1"),
        ("sum", "sum + 1"),
        // The row of another key: no look-up would ever find it.
        ("id", "id + 160"),
    ] {
        let what = format!("{column} = {damaged}");
        let (_upstream, sandbox, mut values) = filled(30);
        sandbox.sql(&format!("UPDATE entry SET {column} = {damaged} WHERE key = 'value:7'"));
        let (run, report) = verify(&sandbox);
        assert_eq!(run.code, Some(1), "{what}");
        assert_eq!(report["damaged"].as_array().unwrap().len(), 1, "{what}: {report}");
        let report = repaired(&sandbox, &what);
        values.remove("value:7");
        assert_eq!(report["kept"], values.len(), "{what}");
        let kept = files(&sandbox, "cache.db.damaged-entry-");
        assert_eq!(report["set_aside"].as_array().unwrap().len(), 1, "{what}");
        assert_eq!(kept.len(), 1, "{what}");
        let kept = fs::read(&kept[0]).unwrap();
        match damaged {
            "x'7b'" => assert_eq!(kept, b"{"),
            "'text'" => assert_eq!(kept, b"text"),
            _ => assert!(kept.starts_with(b"\"7-") || !kept.is_empty(), "{what}"),
        }
        assert_eq!(held(&sandbox), values, "{what}");
    }
}

#[test]
fn an_overwritten_page_costs_what_stood_in_it_and_nothing_else() {
    let (_upstream, sandbox, values) = filled(200);
    let good = database(&sandbox);
    let pages = good.len() / PAGE;
    let mut random = Random(13);
    let mut found = 0;
    for page in (0..pages).step_by(5).chain(1..14) {
        for filling in [random.bytes(PAGE), vec![0; PAGE]] {
            let what = format!("page {} of {pages}", page + 1);
            let mut damaged = good.clone();
            damaged[page * PAGE..(page + 1) * PAGE].copy_from_slice(&filling);
            replace(&sandbox, &damaged);
            let (run, report) = verify(&sandbox);
            if run.code == Some(0) {
                // A page that is free, or the map of pages that are.
                assert_eq!(held(&sandbox), values, "{what}");
                continue;
            }
            found += 1;
            let promised = report["entries"].as_u64().unwrap();
            let report = repaired(&sandbox, &what);
            let held = held(&sandbox);
            // A page has room for forty of the smallest.
            assert!(held.len() + 40 >= values.len(), "{what}: {} of {}", held.len(), values.len());
            for (key, value) in &held {
                assert_eq!(values.get(key), Some(value), "{what}: {key}");
            }
            assert_eq!(held.len() as u64, promised, "{what}: verify says how many will be there");
            assert_eq!(report["entries"], promised, "{what}");
            if report["database"] == "ok" && report["salvaged"] != 0 {
                assert!(is_kept(&sandbox, &damaged), "{what}: what was damaged is kept");
            }
        }
    }
    assert!(found >= pages / 5, "only {found} of {pages} were in use");
}

#[test]
fn pages_overwritten_in_the_middle_leave_most_entries_there_and_each_right() {
    let (_upstream, sandbox, values) = filled(400);
    let good = database(&sandbox);
    let mut random = Random(14);
    for round in 0..6 {
        let mut damaged = good.clone();
        for _ in 0..4 {
            let page = 2 + random.below(good.len() / PAGE - 2);
            damaged[page * PAGE..(page + 1) * PAGE].copy_from_slice(&random.bytes(PAGE));
        }
        replace(&sandbox, &damaged);
        repaired(&sandbox, &format!("round {round}"));
        let held = held(&sandbox);
        assert!(held.len() > values.len() / 2, "round {round}: {} are there", held.len());
        assert!(held.iter().all(|(key, value)| values.get(key) == Some(value)), "round {round}");
        assert!(is_kept(&sandbox, &damaged) || is_whole(&sandbox), "round {round}");
    }
}

/// How a cache is used: hits of keys, tags, counters.
fn uses(sandbox: &Sandbox) -> (Value, Value, usize, i64) {
    let stats = sandbox.json(&["stats"]);
    let requests = counted(&stats);
    let tagged = sandbox.json(&["clear", "--tag", "t", "--dry-run"])["keys"].clone();
    let mut keys = sandbox.json(&["keys"]);
    for key in keys.as_array_mut().unwrap() {
        key.as_object_mut().unwrap().remove("ttl_left_seconds");
    }
    (keys, stats["hits"].clone(), tagged.as_array().unwrap().len(), requests)
}

#[test]
fn a_destroyed_header_or_schema_costs_nothing_at_all() {
    let (_upstream, sandbox, values) = filled(40);
    // An entry keeps its row, which hits in the log go by, though the one before it has gone.
    assert_eq!(sandbox.run(&["fetch", "AAPL", "-p", "demo"]).code, Some(0));
    assert_eq!(sandbox.run(&["fetch", "AAPL", "MSFT"]).code, Some(0));
    assert_eq!(sandbox.run(&["clear", "quote:stock:AAPL@demo"]).code, Some(0));
    for key in ["value:1", "value:2", "value:2"] {
        assert_eq!(sandbox.run(&["get", key]).code, Some(0));
    }
    let before = uses(&sandbox);
    assert!(before.2 == values.len() && before.3 >= 5, "{before:?}");
    // Two hits that stand in the log and are counted nowhere yet.
    assert_eq!(sandbox.run(&["fetch", "AAPL", "MSFT"]).code, Some(0));
    let (good, log) = (database(&sandbox), sandbox.cache().join("hits.log"));
    let logged = fs::read(&log).unwrap();
    for (what, damage) in [("header", 0..100), ("schema", 100..PAGE), ("first page", 0..PAGE)] {
        let mut damaged = good.clone();
        damaged[damage].fill(0xff);
        replace(&sandbox, &damaged);
        fs::write(&log, &logged).unwrap();
        let report = repaired(&sandbox, what);
        assert_eq!(report["salvaged"], values.len() + 2, "{what}");
        assert!(is_kept(&sandbox, &damaged), "{what}");
        let after = uses(&sandbox);
        assert_eq!(after.3, before.3 + 2, "{what}: every request is counted once");
        assert_eq!(after.2, before.2, "{what}: tags");
        let hits = |uses: &Value, key: &str| {
            let rows = uses.as_array().unwrap();
            rows.iter().find(|row| row["key"] == key).unwrap()["hits"].as_i64().unwrap()
        };
        for (key, more) in [("value:2", 0), ("value:1", 0), ("quote:stock:AAPL", 1)] {
            assert_eq!(hits(&after.0, key), hits(&before.0, key) + more, "{what}: {key}");
        }
        let again = only(&sandbox.run(&["fetch", "AAPL", "-f", "json"]));
        assert_eq!(again["cache"]["status"], "hit", "{what}");
    }
}

#[test]
fn a_truncated_database_keeps_what_is_left_and_garbage_nothing() {
    let (_upstream, sandbox, values) = filled(260);
    let good = database(&sandbox);
    let mut last = 0;
    for part in 1..=4 {
        let damaged = &good[..good.len() / 5 * part + 17];
        replace(&sandbox, damaged);
        repaired(&sandbox, &format!("{part} of 5"));
        let held = held(&sandbox);
        assert!(held.iter().all(|(key, value)| values.get(key) == Some(value)), "{part} of 5");
        assert!(held.len() >= last + 10, "{part} of 5: {} after {last}", held.len());
        last = held.len();
        assert!(is_kept(&sandbox, damaged), "{part} of 5");
    }
    for (what, damaged) in
        [("garbage", Random(15).bytes(good.len())), ("notes", b"my notes\n".repeat(900))]
    {
        replace(&sandbox, &damaged);
        let report = repaired(&sandbox, what);
        assert_eq!((&report["salvaged"], &report["entries"]), (&json!(0), &json!(0)), "{what}");
        assert!(is_kept(&sandbox, &damaged), "{what}");
        assert_eq!(sandbox.run(&["put", "a", "1"]).stderr, "", "{what}");
    }
}

/// A machine whose database is damaged in its middle and has values in its WAL that stand nowhere
/// else; the database, the WAL and those values.
fn damaged_with_a_wal() -> (Upstream, Sandbox, Vec<u8>, Vec<u8>, Values) {
    let (upstream, sandbox, _) = filled(150);
    // A reader that stays keeps the writer from folding its WAL into the database.
    let reader = Connection::open(sandbox.cache().join("cache.db")).unwrap();
    reader.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0)).unwrap();
    let mut late: Values = (0..5).map(|n| (format!("late:{n}"), "y".repeat(n * 97))).collect();
    late.insert("value:1".to_owned(), "newer".to_owned());
    put(&sandbox, &late);
    let wal = fs::read(sandbox.cache().join("cache.db-wal")).unwrap();
    // Before the reader, the last, folds the one into the other.
    let mut damaged = database(&sandbox);
    drop(reader);
    let middle = damaged.len() / PAGE / 2 * PAGE;
    damaged[middle - 6 * PAGE..middle + 6 * PAGE].fill(0xee);
    replace(&sandbox, &damaged);
    fs::write(sandbox.cache().join("cache.db-wal"), &wal).unwrap();
    (upstream, sandbox, damaged, wal, late)
}

#[test]
fn what_stands_in_the_wal_alone_is_salvaged_too() {
    let (_upstream, sandbox, damaged, wal, late) = damaged_with_a_wal();
    let report = repaired(&sandbox, "wal");
    assert!(report["salvaged"].as_u64().unwrap() > 75, "{report}");
    let held = held(&sandbox);
    assert!(late.iter().all(|(key, value)| held.get(key) == Some(value)), "{held:?}");
    assert!(is_kept(&sandbox, &damaged) && is_kept(&sandbox, &wal));
}

#[test]
fn what_was_put_comes_back_from_a_database_that_was_set_aside() {
    let (_upstream, sandbox, mut values) = filled(60);
    let mut damaged = database(&sandbox);
    damaged[..PAGE].fill(0xee);
    replace(&sandbox, &damaged);
    // Any command that meets the damage sets the database aside and begins anew.
    let run = sandbox.run(&["put", "value:5", "\"newer\""]);
    assert!(run.stderr.contains("was damaged; set aside"), "{run:?}");
    assert_eq!(held(&sandbox).len(), 1);
    let (run, report) = verify(&sandbox);
    assert_eq!(run.code, Some(0), "what is in use is sound");
    assert!(run.stderr.contains("`mcache stats --repair` brings back"), "{run:?}");
    assert_eq!(report["not_brought_back"].as_array().unwrap().len(), 1);
    let report = repaired(&sandbox, "set aside");
    assert_eq!(report["brought_back"], values.len() - 1);
    assert_eq!(report["kept"], 1);
    values.insert("value:5".to_owned(), "newer".to_owned());
    assert_eq!(held(&sandbox), values, "a newer value is not replaced");
    assert_eq!(sandbox.json(&["clear", "--tag", "t", "--dry-run"])["entries"], values.len() - 1);
    assert!(is_kept(&sandbox, &damaged));
    assert!(
        files(&sandbox, "cache.db.damaged-")
            .iter()
            .all(|path| { path.to_str().unwrap().contains(".salvaged") })
    );
    // Once is enough: what is cleared now stays so.
    assert_eq!(sandbox.run(&["clear", "value:1?"]).code, Some(0));
    assert_eq!(repaired(&sandbox, "again")["brought_back"], 0);
    assert_eq!(held(&sandbox).len(), values.len() - 10);
}

#[test]
fn a_key_that_was_cleared_after_its_database_was_set_aside_comes_back() {
    let (_upstream, sandbox, values) = filled(10);
    let mut damaged = database(&sandbox);
    damaged[..PAGE].fill(0xee);
    replace(&sandbox, &damaged);
    assert_eq!(sandbox.run(&["put", "value:5", "1"]).code, Some(0));
    assert_eq!(sandbox.run(&["clear", "value:5"]).code, Some(0));
    // Nothing is left that could say that it was cleared: the older value is the newest there is.
    repaired(&sandbox, "cleared");
    assert_eq!(held(&sandbox), values);
}

/// A large cache with a page of values overwritten; the values that are left.
fn with_a_bad_page(count: usize) -> (Upstream, Sandbox, Values, Vec<u8>) {
    let (upstream, sandbox, mut values) = filled(count);
    let damaged = without_its_page(&sandbox, &database(&sandbox), &values);
    replace(&sandbox, &damaged);
    // What is left, by a repair of a copy.
    repaired(&sandbox, "a copy");
    let left = held(&sandbox);
    assert!(left.len() > values.len() / 2 && left.len() < values.len(), "{}", left.len());
    values = left;
    replace(&sandbox, &damaged);
    (upstream, sandbox, values, damaged)
}

#[test]
fn killed_at_any_point_a_repair_loses_nothing() {
    let (_upstream, sandbox, values, damaged) = with_a_bad_page(500);
    let mut random = Random(16);
    let (mut killed, mut round) = (0, 0);
    // Whether the killer is in time is the scheduler's: it gets further rounds until it was.
    while round < 20 || (killed < 10 && round < 80) {
        replace(&sandbox, &damaged);
        let inode = || sandbox.cache().join("cache.db").metadata().map(|file| file.ino()).ok();
        let before = inode();
        let site = sandbox.cache().join("cache.db.repair");
        let child = sandbox.command(&["stats", "--repair"]).spawn().unwrap();
        let wanted = random.next() % 200_000;
        let well = killed_when(child, || match round % 5 {
            0 => site.exists(),
            1 => length(&site.join("cache.db-wal")) > wanted,
            2 => length(&site.join("cache.db")) > wanted,
            3 => site.join("complete.db").exists(),
            _ => inode() != before,
        });
        killed += i32::from(!well);
        // Whoever comes in between is answered, and may set aside what is left of it.
        if round % 2 == 0 {
            let answer = only(&sandbox.run(&["fetch", "AAPL", "-f", "json"]));
            assert_eq!(answer["price"], 5, "round {round}");
        }
        repaired(&sandbox, &format!("round {round}"));
        let mut held = held(&sandbox);
        held.remove("quote:stock:AAPL");
        assert_eq!(held.len(), values.len(), "round {round}");
        assert!(held == values, "round {round}");
        // Whoever came in between may have written into it.
        assert!(round % 2 == 0 || is_kept(&sandbox, &damaged), "round {round}: it is kept");
        round += 1;
    }
    assert!(killed >= 10, "{killed} of {round} were killed");
}

#[test]
fn killed_between_two_renames_a_repair_loses_nothing() {
    for meanwhile in [&[][..], &["put", "own", "1"], &["fetch", "AAPL"], &["stats"]] {
        let (_upstream, sandbox, damaged, wal, late) = damaged_with_a_wal();
        let cache = |name: &str| sandbox.cache().join(name);
        repaired(&sandbox, "what a repair builds");
        let values = held(&sandbox);
        assert!(values.len() > 75 && late.keys().all(|key| values.contains_key(key)));
        let built = database(&sandbox);
        // As it is when the WAL has gone and the database has not.
        replace(&sandbox, &damaged);
        fs::create_dir(cache("cache.db.repair")).unwrap();
        fs::write(cache("cache.db.repair/complete.db"), &built).unwrap();
        fs::hard_link(cache("cache.db"), cache("cache.db.damaged-2026-01-02.salvaged")).unwrap();
        fs::write(cache("cache.db.damaged-2026-01-02.salvaged-wal"), &wal).unwrap();
        if !meanwhile.is_empty() {
            assert_eq!(sandbox.run(meanwhile).code, Some(0), "{meanwhile:?}");
        }
        let report = repaired(&sandbox, "after the kill");
        // Nobody has written since: the WAL is given back, and with it all that was counted.
        assert!(!meanwhile.is_empty() || report["salvaged"] == values.len(), "{report}");
        let held = held(&sandbox);
        for (key, value) in &values {
            assert_eq!(held.get(key), Some(value), "{meanwhile:?}: {key}");
        }
        assert!(is_kept(&sandbox, &wal), "{meanwhile:?}");
        assert!(!meanwhile.is_empty() || is_kept(&sandbox, &damaged), "nobody wrote into it");
    }
}

#[test]
fn a_crowd_during_a_repair_gets_right_answers() {
    let (upstream, sandbox, values, damaged) = with_a_bad_page(500);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    replace(&sandbox, &damaged);
    let repairs: Vec<_> =
        (0..2).map(|_| sandbox.command(&["stats", "--repair"]).spawn().unwrap()).collect();
    let crowd: Vec<_> = (0..12)
        .map(|n| {
            let symbol = format!("S{}", n % 4);
            let fetch = sandbox.command(&["fetch", &symbol, "-f", "json"]).spawn().unwrap();
            let key = format!("value:{}", n * 11);
            let get = sandbox.command(&["get", &key, "--stale"]).spawn().unwrap();
            (symbol, fetch, key, get)
        })
        .collect();
    for (symbol, fetch, key, get) in crowd {
        let answer = only(&finished(fetch));
        assert_eq!((&answer["symbol"], &answer["price"]), (&json!(symbol), &json!(5)));
        let run = finished(get);
        if run.code == Some(0) {
            assert_eq!(serde_json::from_str::<String>(&run.stdout).unwrap(), values[&key]);
        }
    }
    for child in repairs {
        let run = finished(child);
        assert!(!run.stderr.contains("panicked"), "{run:?}");
    }
    assert!(upstream.count() >= 4);
    repaired(&sandbox, "afterwards");
    let held = held(&sandbox);
    assert!(values.iter().all(|(key, value)| held.get(key) == Some(value)), "nothing is lost");
}

#[test]
fn trouble_is_said_with_what_to_do_and_loses_nothing() {
    let (_upstream, sandbox, values) = filled(30);
    let good = database(&sandbox);
    let mut damaged = good.clone();
    damaged[..100].fill(0xee);
    // Locked.
    replace(&sandbox, &damaged);
    let lock = File::options().write(true).open(sandbox.cache().join("write.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(verify(&sandbox).0.code, Some(1), "looking waits for nobody");
    repair(&sandbox).0.fails(1, &["could not be repaired", "has locked it", "hint: run it again"]);
    lock.unlock().unwrap();
    assert!(database(&sandbox) == damaged);
    // Another version, another program.
    replace(&sandbox, &good);
    for version in [7, 2000, 0] {
        sandbox.sql(&format!("PRAGMA user_version = {version}"));
        let before = everything(&sandbox);
        for (run, _) in [verify(&sandbox), repair(&sandbox)] {
            run.fails(1, &["was made by another", "hint: it is left alone"]);
        }
        assert_eq!(everything(&sandbox), before, "version {version}");
    }
    // A later minor version may keep what this one knows nothing of.
    sandbox.sql("PRAGMA user_version = 1999; PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(verify(&sandbox).0.code, Some(0), "sound is sound");
    let later = without_its_page(&sandbox, &database(&sandbox), &values);
    replace(&sandbox, &later);
    repair(&sandbox).0.fails(1, &["was made by a later version of mcache", "hint: it is left"]);
    assert!(database(&sandbox) == later);
}

#[test]
fn a_read_only_folder_can_be_verified_and_not_repaired() {
    let (_upstream, sandbox, values) = filled(30);
    let mut damaged = database(&sandbox);
    damaged[place(&sandbox, &database(&sandbox), &values)] ^= 1;
    opened(&sandbox);
    replace(&sandbox, &damaged);
    for file in files(&sandbox, "") {
        set_mode(&file, 0o444);
    }
    set_mode(&sandbox.cache(), 0o555);
    let run = run_as_nobody(&sandbox, &["stats", "--verify"]);
    run.fails(1, &["1 entry is damaged"]);
    let run = run_as_nobody(&sandbox, &["stats", "--repair"]);
    run.fails(1, &["could not be repaired", "hint: see whose the folder is"]);
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    set_mode(&sandbox.cache(), 0o755);
    assert!(database(&sandbox) == damaged);
}

#[test]
fn a_full_disk_stops_a_repair_and_loses_nothing() {
    let upstream = selling_at(5);
    let sandbox = machine(&upstream);
    let script = r#"
        m=$1 c=home/.cache/mcache n=0
        while [ $n -lt 20 ]; do
            $m put "good:$n" "$(head -c 6000 /dev/urandom | base64 -w0)" || exit 20
            $m get "good:$n" > "kept.$n" || exit 21
            n=$((n+1))
        done
        dd if=/dev/zero of=$c/cache.db bs=100 count=1 conv=notrunc 2>/dev/null
        cp $c/cache.db damaged
        head -c 1m /dev/zero > home/filler 2>/dev/null
        $m stats --repair > out 2> err && exit 22
        grep -q 'the disk is full' err && grep -q 'hint: make room' err || { cat err; exit 23; }
        cmp $c/cache.db damaged || exit 24
        [ -e $c/cache.db.repair ] && exit 25
        rm home/filler
        $m stats --repair > out 2> err || { cat err; exit 26; }
        i=0
        while [ $i -lt $n ]; do
            $m get "good:$i" | cmp - "kept.$i" || exit 27
            i=$((i+1))
        done
        exit 0"#;
    match on_a_disk_of("900k", &sandbox, script) {
        Some(run) => assert_eq!(run.code, Some(0), "{run:?}"),
        None => said_once_that_nothing_can_be_mounted(),
    }
}

#[test]
fn the_new_database_is_for_whom_the_old_one_was() {
    let (_upstream, sandbox, _) = filled(10);
    set_mode(&sandbox.cache(), 0o770);
    set_mode(&sandbox.cache().join("cache.db"), 0o660);
    let mut damaged = database(&sandbox);
    damaged[..100].fill(0);
    fs::write(sandbox.cache().join("cache.db"), damaged).unwrap();
    repaired(&sandbox, "shared");
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(mode(&sandbox.cache().join("cache.db")), 0o660);
}

#[test]
fn what_was_expired_stays_so_and_no_key_becomes_a_tag() {
    let (_upstream, sandbox, _) = filled(40);
    for key in ["value:2", "value:3"] {
        assert_eq!(sandbox.run(&["put", "cause", "1", "--tag", key]).stderr, "");
    }
    assert_eq!(sandbox.run(&["clear", "cause"]).code, Some(0));
    let good = database(&sandbox);
    let reason = |key: &str| sandbox.json(&["keys", key])[0]["reason"].clone();
    for damage in [0..100, 0..PAGE] {
        let mut damaged = good.clone();
        damaged[damage].fill(0xff);
        replace(&sandbox, &damaged);
        repaired(&sandbox, "marks");
        for (key, expected) in
            [("value:1", Value::Null), ("value:2", json!("rule")), ("value:3", json!("rule"))]
        {
            assert_eq!(reason(key), expected, "{key}");
            // The index of keys has rows that are not unlike those of tags.
            let tagged = sandbox.json(&["clear", "--tag", key, "--dry-run"]);
            assert_eq!(tagged["entries"], 0, "{key}");
        }
        assert_eq!(sandbox.json(&["stats"])["invalidations"], json!({"rule": 2}));
    }
}
