//! What is on disk is read for ever; what is newer or another's is left alone.
//!
//! `tests/fixtures/cache-v1.db` is a database of the first format, made by the program itself:
//! [`fixture`] makes one like it at every run, in the folder for temporary files of the build
//! (`tmp/cache.db` in the target folder). A release with a new migration adds a copy of that file under a new
//! name, and a line to [`FIXTURES`]; the old ones stay.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mcache::codec::{Packing, market_sum};
use mcache::db::Database;
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::market::{Bar, Bars, Dividend, ExchangeCode, HeldDividend, HeldSplit, Interval, Split};
use mcache::policy::volatility::Realised;
use mcache::policy::{Course, Known, Market};
use mcache::provider::definition;
use mcache::span::Span;
use mcache::tier::disk::Disk;
use mcache::tier::series::{Head, Parts, Superseded, settle};
use mcache::tier::{Incoming, Stored, Tier as _};
use mcache::time::Timestamp;
use xxhash_rust::xxh3::xxh3_64;

use super::{files, machine, only, selling_at, warnings};
use crate::sandbox::{Run, Sandbox, Upstream, finished};

/// A database of a released format.
struct Fixture {
    name: &'static str,
    user_version: u32,
    /// When its AAPL was fetched.
    fetched_at: &'static str,
    /// How long that is fresh: from the second on, a course stands there that is never over; from
    /// the third on, a volatility of 50 %.
    ttl_seconds: f64,
    /// Why its BTC was expired: from the third on, by the put of a key with its key as a tag.
    expired: Option<&'static str>,
    /// How many series it holds: from the fourth on, one.
    series: usize,
}

const FIXTURES: [Fixture; 4] = [
    Fixture {
        name: "cache-v1.db",
        user_version: 1001,
        fetched_at: "2026-07-01T15:00:00.013Z",
        ttl_seconds: 30.0,
        expired: None,
        series: 0,
    },
    Fixture {
        name: "cache-v1.2.db",
        user_version: 1002,
        fetched_at: "2026-07-01T15:00:00.003Z",
        ttl_seconds: 60.0,
        expired: None,
        series: 0,
    },
    Fixture {
        name: "cache-v1.7.db",
        user_version: 1007,
        fetched_at: "2026-07-01T15:00:00.012Z",
        ttl_seconds: 48.0,
        expired: Some("rule"),
        series: 0,
    },
    Fixture {
        name: "cache-v1.8.db",
        user_version: 1008,
        fetched_at: "2026-07-01T15:00:00.014Z",
        ttl_seconds: 48.0,
        expired: Some("rule"),
        series: 1,
    },
];

/// The migrations and the XXH3 of each: a changed line here is a broken promise.
const MIGRATIONS: [(&str, u64); 8] = [
    ("0001_entries.sql", MIGRATION_1),
    ("0002_strategy.sql", MIGRATION_2),
    ("0003_validator.sql", MIGRATION_3),
    ("0004_definition.sql", MIGRATION_4),
    ("0005_market.sql", MIGRATION_5),
    ("0006_mark.sql", MIGRATION_6),
    ("0007_access.sql", MIGRATION_7),
    ("0008_series.sql", MIGRATION_8),
];

const MIGRATION_1: u64 = 15_840_919_813_787_878_424;
const MIGRATION_2: u64 = 10_826_554_760_807_537_320;
const MIGRATION_3: u64 = 11_594_974_072_515_935_945;
const MIGRATION_4: u64 = 551_953_676_249_732_810;
const MIGRATION_5: u64 = 8_932_507_068_257_543_363;
const MIGRATION_6: u64 = 10_921_380_409_354_171_211;
const MIGRATION_7: u64 = 13_745_639_230_809_868_544;
const MIGRATION_8: u64 = 7_784_196_215_289_058_021;

/// XXH3 of the records of AAPL, BTC and GDP in the fixtures.
const SUMS: [u64; 3] =
    [17_547_701_173_773_374_406, 4_969_596_434_612_694_310, 12_743_144_969_540_151_612];

/// An instant of real time that no test comes to.
const NEVER_OVER: Timestamp = Timestamp::from_seconds(9_999_999_999);

/// A minute after the entries of the fixtures were written.
const LATER: &str = "2026-07-01T15:01:00Z";

/// Ten seconds after, when they are fresh.
const SOON: &str = "2026-07-01T15:00:10Z";

/// Runs the program on the same machine at another time.
fn at(sandbox: &Sandbox, now: &str, arguments: &[&str]) -> Run {
    finished(sandbox.command(arguments).env("MCACHE_NOW", now).spawn().unwrap())
}

/// What the fixtures hold: a key and its value.
fn values() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("system_config:paper_trading", b"true".to_vec()),
        ("empty", Vec::new()),
        ("text", "caf\u{e9}, 2 \u{20ac}\n".as_bytes().to_vec()),
        ("binary", (0..=255).collect()),
        ("large", b"{\"rows\":[1,2,3]}".repeat(1000)),
        ("pair_strategies:ETH/USDT", b"[{\"leg\":1},{\"leg\":2}]".to_vec()),
    ]
}

/// What the upstream of the newest fixture says to be asked by.
const ETAG: &str = "\"v1-33a64df5\"";

/// An upstream as the real ones that sends these header lines too.
fn speaking_with(headers: &str) -> Upstream {
    let headers = headers.to_owned();
    Upstream::start(move |incoming| {
        let now = Timestamp::parse(crate::sandbox::NOW).unwrap();
        let answer = mcache::provider::demo::reply(&incoming.path, now);
        let head = format!(
            "HTTP/1.1 {} X\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
            answer.status,
            answer.body.len()
        );
        [head.as_bytes(), &answer.body].concat()
    })
}

/// A machine with a cache like those of the fixtures.
fn fixture() -> Sandbox {
    let upstream = speaking_with(&format!("ETag: {ETAG}\r\n"));
    let mut sandbox = Sandbox::new().env("FRED_API_KEY", "0123456789abcdef0123456789abcdef");
    for provider in ["yahoo", "binance", "fred"] {
        sandbox = sandbox.with_provider(provider, upstream.url());
    }
    let version = ["--set", "providers.fred.endpoints.series.version=2"];
    let fetch = [&["fetch", "AAPL", "BTC", "GDP"], &version[..]].concat();
    assert_eq!(sandbox.run(&fetch).code, Some(0));
    assert_eq!(sandbox.run(&["fetch", "NOSUCH"]).code, Some(1));
    for (key, value) in values() {
        let put = ["put", key, "-", "--ttl", "1h", "--tag", "fixture"];
        assert_eq!(sandbox.run_with_input(&put, value).code, Some(0));
        assert_eq!(sandbox.run(&["get", key, "--stale"]).code, Some(0));
    }
    assert_eq!(at(&sandbox, SOON, &["put", "a", "1", "--tag", "quote:crypto:BTC"]).code, Some(0));
    assert_eq!(sandbox.run(&["clear", "a"]).code, Some(0));
    // Folds the hit log, so that its table has something in it.
    assert_eq!(sandbox.run(&["stats"]).code, Some(0));
    sandbox.set_course("yahoo", Course { conservative_until: NEVER_OVER, ..Course::default() });
    make_volatile(&sandbox);
    put_series(&sandbox);
    sandbox
}

/// A year of daily bars, each unlike the others.
fn bars() -> Bars {
    let mut bars = Bars::default();
    for day in 0..365_i32 {
        let price = 100.0 + f64::from(day * 37 % 101) / 100.0;
        bars.push(Bar {
            time: (20_000 + i64::from(day)) * 86_400_000 + 52_200_000,
            day: Some(20_000 + day),
            open: price,
            high: price + 1.25,
            low: if day % 50 == 7 { f64::NAN } else { price - 0.75 },
            close: price + 0.5,
            volume: f64::from(day) * 1000.0,
            adjusted: price / 3.0,
        });
    }
    bars
}

/// What is known of the series of the newest fixture.
fn head() -> Head {
    let at = Timestamp::from_ms;
    let mut head = Head {
        currency: Some("USD".to_owned()),
        exchange: Some("NMS".to_owned()),
        first_trade_ms: Some(345_479_400_000),
        actions_at: Some(at(1_782_918_000_000)),
        ..Head::default()
    };
    let bars = bars();
    let span = Span::new(at(bars.times[0]), at(bars.times[364] + 1)).unwrap();
    head.coverage.learn(span, &bars.times, at(1_782_918_000_000));
    let (at_ms, day) = (bars.times[100], bars.days[100]);
    let split = Split { at_ms, day, numerator: 4.0, denominator: 1.0 };
    head.actions.splits.push(HeldSplit { split, fetched_ms: 1_782_918_000_000 });
    let dividend = Dividend { at_ms, day, amount: 0.26, is_capital_gain: false };
    let factor = Some(0.9975);
    head.actions.dividends.push(HeldDividend { dividend, factor, fetched_ms: 1_782_918_000_000 });
    // The last one is live, and the one before is not final.
    head.tail = Span::new(at(bars.times[363]), Timestamp::NEVER);
    head.runs = vec![mcache::market::Run { bars: bars.len(), basis_ms: 1_782_918_000_000 }];
    (head.recent, head.finals, head.ended) = (bars, 363, 364);
    head
}

/// What the series of the newest fixture was once thought to be.
fn superseded() -> Superseded {
    let [known_from, known_until] = [1_000, 1_782_918_000_000].map(Timestamp::from_ms);
    Superseded { known_from, known_until, body: b"once".repeat(500).into() }
}

/// Puts a series into the cache, with a chunk and what it was before.
fn put_series(sandbox: &Sandbox) {
    let mut head = head();
    let chunks = settle::<()>(&mut head, Interval::Day1, &mut |_| Err(())).unwrap();
    let entry = Entry {
        key: Key::from_stored("bars:stock:AAPL:1d"),
        provider: "yahoo".into(),
        fetched_at: Timestamp::from_ms(1_782_918_000_000),
        own_ttl: None,
        format: Format::Binary,
        body: head.to_body().into(),
    };
    let disk = Disk::new(Database::at(&sandbox.cache()), Packing::Zstd);
    let incoming = Incoming {
        put_at: entry.fetched_at,
        stored: Stored { entry: Arc::new(entry), row: 0, known: Known::default() },
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        gone_at: Timestamp::NEVER,
        sighting: None,
        parts: Some(Box::new(Parts { chunks, superseded: vec![superseded()] })),
    };
    disk.put(&mut [incoming]).unwrap();
}

/// Has the market of AAPL move by 50 % a year.
fn make_volatile(sandbox: &Sandbox) {
    let known = sandbox.market(&Key::from_stored("quote:stock:AAPL"));
    assert_eq!(known.exchange, ExchangeCode::parse("XNAS"));
    let volatility = Some(Realised::of(0.5));
    let sum = market_sum("stock:AAPL", &Market { volatility, ..known });
    let set = format!("volatility_ppm = 500000, sum = {sum}");
    sandbox.sql(&format!("UPDATE market SET {set} WHERE symbol = 'stock:AAPL'"));
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A machine whose cache is this file.
fn with_database(file: &Path) -> Sandbox {
    let sandbox = Sandbox::new().at(LATER);
    fs::create_dir_all(sandbox.cache()).unwrap();
    fs::copy(file, sandbox.cache().join("cache.db")).unwrap();
    sandbox
}

fn schema(file: &Path) -> Vec<String> {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut select = database
        .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type, name")
        .unwrap();
    select.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn user_version(database: &[u8]) -> u32 {
    u32::from_be_bytes(database[60..64].try_into().unwrap())
}

#[test]
fn the_newest_fixture_is_what_this_program_writes() {
    let sandbox = fixture();
    let fresh = sandbox.cache().join("cache.db");
    fs::copy(&fresh, Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache.db")).unwrap();
    let newest = &FIXTURES[FIXTURES.len() - 1];
    let kept = fixtures().join(newest.name);
    assert_eq!(
        schema(&fresh),
        schema(&kept),
        "a changed schema is a new migration and a new fixture"
    );
    assert_eq!(user_version(&fs::read(fresh).unwrap()), newest.user_version);
}

#[test]
fn every_released_format_answers_byte_for_byte() {
    for Fixture { name, user_version: version, fetched_at, ttl_seconds, expired, series } in
        FIXTURES
    {
        let file = fixtures().join(name);
        let bytes = fs::read(&file).unwrap();
        assert_eq!(user_version(&bytes), version, "{name}");
        assert_eq!(bytes[68..72], *b"mcac", "{name}");
        let sandbox = with_database(&file);
        for (key, value) in values() {
            let run = sandbox.run(&["get", key]);
            assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{name} {key}");
            assert!(run.bytes == value, "{name} {key}");
        }
        // The sums are of what the first release stored; what the demo says may change.
        for (key, sum) in [
            ("quote:stock:AAPL", SUMS[0]),
            ("quote:crypto:BTC", SUMS[1]),
            ("series:macro:GDP", SUMS[2]),
        ] {
            let run = sandbox.run(&["get", key, "--stale"]);
            assert_eq!(run.code, Some(0), "{name} {key}");
            assert_eq!(xxh3_64(&run.bytes), sum, "{name} {key}: {}", run.stdout);
        }
        let answer = only(&sandbox.run(&["fetch", "AAPL", "--offline", "-f", "json"]));
        assert_eq!(answer["cache"]["fetched_at"], fetched_at, "{name}");
        assert_eq!(answer["cache"]["ttl_seconds"], ttl_seconds, "{name}");
        let reason = sandbox.json(&["keys", "quote:crypto:BTC"])[0]["reason"].clone();
        assert_eq!(reason.as_str(), expired, "{name}");
        let keys = || sandbox.json(&["keys", "*"]).as_array().unwrap().len();
        assert_eq!(keys(), 4 + series + values().len(), "{name}");
        assert_eq!(sandbox.run(&["clear", "--tag", "fixture"]).code, Some(0));
        assert_eq!(keys(), 4 + series, "{name}");
        assert!(files(&sandbox, "cache.db.damaged-").is_empty(), "{name}");
    }
}

#[test]
fn what_stands_beside_the_entries_of_the_newest_format_is_understood() {
    let newest = &FIXTURES[FIXTURES.len() - 1];
    let sandbox = with_database(&fixtures().join(newest.name));
    let disk = Disk::new(Database::at(&sandbox.cache()), Packing::None);
    for (key, number) in [("quote:stock:AAPL", 0), ("series:macro:GDP", definition(Some("2")))] {
        let shelf = disk.get(&Key::from_stored(key)).unwrap().unwrap();
        assert_eq!(shelf[0].known.definition, number, "{key}");
        let validators = disk.validators(shelf[0].row, &shelf[0].entry).unwrap().unwrap();
        assert_eq!(validators.etag.as_deref(), Some(ETAG), "{key}");
        let other = Entry { body: Box::default(), ..Entry::clone(&shelf[0].entry) };
        assert_eq!(disk.validators(shelf[0].row, &other).unwrap(), None, "{key}");
    }
}

#[test]
fn a_series_of_every_format_since_it_is_kept_is_read_to_the_last_bit() {
    let key = Key::from_stored("bars:stock:AAPL:1d");
    for fixture in FIXTURES.iter().filter(|fixture| fixture.series > 0) {
        let sandbox = with_database(&fixtures().join(fixture.name));
        let disk = Disk::new(Database::at(&sandbox.cache()), Packing::None);
        let shelf = disk.get(&key).unwrap().unwrap();
        let held = Head::from_body(&shelf[0].entry.body).unwrap();
        let found = disk.chunks(&key, "yahoo", &held.chunks).unwrap();
        let chunks: Vec<_> =
            held.chunks.iter().cloned().zip(found.into_iter().map(Option::unwrap)).collect();
        let read = held.read(i64::MIN..i64::MAX, &chunks);
        let counts = (chunks.len(), held.recent.len(), read.finals, read.ended);
        assert_eq!(counts, (1, 3, 363, 364), "{}", fixture.name);
        assert_eq!(read.bars, bars(), "{}", fixture.name);
        let expected = head();
        assert_eq!((held.coverage, held.actions), (expected.coverage, expected.actions));
        assert_eq!(disk.past_from(&key, "yahoo").unwrap(), [superseded()], "{}", fixture.name);
    }
}

#[test]
fn a_cache_without_markets_answers_as_it_stands_and_gains_them_with_the_next_quote() {
    for Fixture { name, ttl_seconds, .. } in &FIXTURES[..2] {
        let upstream = Upstream::speaking();
        let sandbox = with_database(&fixtures().join(name)).with_provider("yahoo", upstream.url());
        let aapl = Key::from_stored("quote:stock:AAPL");
        for _ in 0..2 {
            let run = sandbox.run(&["fetch", "AAPL", "--offline", "-f", "json"]);
            assert_eq!(only(&run)["cache"]["ttl_seconds"], *ttl_seconds, "{name}");
            assert_eq!(sandbox.market(&aapl), Market::default(), "{name}");
        }
        assert_eq!(sandbox.run(&["fetch", "AAPL", "--refresh"]).code, Some(0), "{name}");
        make_volatile(&sandbox);
        let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
        // Whoever asked found the provider hardly used: nothing else scales it any more.
        assert_eq!(only(&run)["cache"]["ttl_seconds"], 24.0, "{name}");
        assert!(files(&sandbox, "cache.db.damaged-").is_empty(), "{name}");
    }
}

#[test]
fn an_older_minor_version_answers_as_it_stands_and_is_migrated_by_whoever_writes() {
    for older in &FIXTURES[..FIXTURES.len() - 1] {
        is_migrated_by_whoever_writes(older);
    }
}

fn is_migrated_by_whoever_writes(older: &Fixture) {
    // When what lasts for a minute is stale too.
    let sandbox = with_database(&fixtures().join(older.name)).at("2026-07-01T15:02:00Z");
    let version = || user_version(&fs::read(sandbox.cache().join("cache.db")).unwrap());
    let ttl = |flags: &[&str]| {
        let run = sandbox.run(&[&["fetch", "AAPL", "--offline", "-f", "json"], flags].concat());
        assert_eq!(run.stderr.matches("warning").count(), 1, "only that it is stale: {run:?}");
        only(&run)["cache"]["ttl_seconds"].clone()
    };
    // From the third on a volatility of 50 % shortens everything.
    let scaled = |seconds: f64| if older.user_version < 1005 { seconds } else { seconds * 0.8 };
    // Hits write no page, so nothing may be migrated for them, and nothing is damaged.
    for _ in 0..2 {
        assert_eq!(sandbox.run(&["get", "empty"]).code, Some(0));
        assert_eq!(ttl(&[]), older.ttl_seconds);
        assert_eq!(ttl(&["--set", "providers.yahoo.strategy=aggressive"]), scaled(15.0));
        assert_eq!(ttl(&["--set", "policy=adaptive"]), older.ttl_seconds);
        assert_eq!(version(), older.user_version);
    }
    let keys = sandbox.json(&["keys"]);
    // By a tag it expires what the older release has stored.
    assert_eq!(sandbox.run(&["put", "a", "1", "--tag", "empty"]).code, Some(0));
    let empty = at(&sandbox, "2026-07-01T15:02:10Z", &["keys", "empty", "-f", "json"]).json();
    assert_eq!(empty[0]["state"], "stale");
    sandbox.set_course("yahoo", Course { conservative_until: NEVER_OVER, ..Course::default() });
    assert_eq!(
        sandbox.json(&["keys"]).as_array().unwrap().len(),
        keys.as_array().unwrap().len() + 1
    );
    let pinned = ["--set", "providers.yahoo.strategy=conservative"];
    let run = sandbox.run(&[&["fetch", "AAPL", "--offline", "-f", "json"], &pinned[..]].concat());
    assert_eq!(only(&run)["cache"]["ttl_seconds"], scaled(60.0));
    let run = sandbox.run(&["fetch", "AAPL", "--offline", "-f", "json"]);
    assert_eq!(only(&run)["cache"]["ttl_seconds"], scaled(60.0), "the course is read from now on");
    assert!(files(&sandbox, "cache.db.damaged-").is_empty());
    // What stands in the WAL is in the file once another program has closed it.
    sandbox.sql("PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(version(), FIXTURES[FIXTURES.len() - 1].user_version);
}

#[test]
fn a_released_migration_is_never_changed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/db/migrations");
    let mut there: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    there.sort();
    assert_eq!(there, MIGRATIONS.map(|(name, _)| name), "one more file is one more line here");
    for (number, (name, sum)) in MIGRATIONS.into_iter().enumerate() {
        assert!(name.starts_with(&format!("{:04}_", number + 1)), "{name}");
        assert_eq!(xxh3_64(&fs::read(folder.join(name)).unwrap()), sum, "{name} was changed");
    }
}

#[test]
fn a_newer_minor_version_is_used_as_if_it_were_ours() {
    let upstream = selling_at(7);
    let sandbox = machine(&upstream);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    sandbox.sql(
        "ALTER TABLE entry ADD COLUMN mood TEXT DEFAULT 'good';
         ALTER TABLE usage ADD COLUMN colour INTEGER;
         CREATE TABLE forecast (at_ms INTEGER PRIMARY KEY, sun REAL) STRICT;
         CREATE INDEX forecast_by_sun ON forecast (sun);
         PRAGMA user_version = 1099;",
    );
    for command in [
        &["fetch", "AAPL"][..],
        &["fetch", "AAPL", "MSFT", "--refresh"],
        &["put", "a", "1"],
        &["get", "a"],
        &["stats"],
        &["keys"],
        &["clear", "a"],
    ] {
        let run = sandbox.run(command);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{command:?}");
    }
    let hit = only(&sandbox.run(&["fetch", "MSFT", "-f", "json"]));
    assert_eq!(hit["cache"]["status"], "hit");
    assert_eq!(user_version(&fs::read(sandbox.cache().join("cache.db")).unwrap()), 1099);
}

/// Asks a machine whose database is not ours: it stays as it is, and upstream answers.
fn is_left_alone(sandbox: &Sandbox, says: &str, what: &str) {
    let path = sandbox.cache().join("cache.db");
    let before = fs::read(&path).unwrap();
    for _ in 0..2 {
        let run = sandbox.run(&["fetch", "AAPL", "MSFT", "-f", "json"]);
        assert_eq!(run.code, Some(0), "{what}: {run:?}");
        assert_eq!(run.json()[1]["cache"]["status"], "miss", "{what}");
        assert_eq!(warnings(&run), 1, "{what}: {run:?}");
        assert!(run.stderr.contains(says), "{what}: {run:?}");
        assert!(run.stderr.contains("is left alone"), "{what}: {run:?}");
    }
    let put = sandbox.run(&["put", "a", "1"]);
    put.fails(1, &["is left alone", "could not be stored"]);
    for command in [&["keys"][..], &["stats"], &["clear", "--all"]] {
        assert!(!sandbox.run(command).stderr.contains("panicked"), "{what}: {command:?}");
    }
    assert!(fs::read(&path).unwrap() == before, "{what}: the file was changed");
    assert!(files(sandbox, "cache.db.damaged-").is_empty(), "{what}");
}

#[test]
fn a_newer_major_version_is_left_alone() {
    for version in [2000, 2001, 999_999, i32::MAX] {
        let upstream = selling_at(7);
        let sandbox = machine(&upstream);
        assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
        let newer = "ALTER TABLE entry RENAME TO entry_of_the_future;";
        sandbox.sql(&format!("{newer} PRAGMA user_version = {version};"));
        let says = format!("was made by another version of mcache (schema {version}");
        is_left_alone(&sandbox, &says, &format!("version {version}"));
    }
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    for (version, journal) in
        [(0, "DELETE"), (7, "DELETE"), (1001, "DELETE"), (0, "WAL"), (-1, "WAL")]
    {
        let upstream = selling_at(7);
        let sandbox = machine(&upstream);
        fs::create_dir_all(sandbox.cache()).unwrap();
        sandbox.sql(&format!(
            "PRAGMA journal_mode = {journal};
             CREATE TABLE photo (name TEXT, bytes BLOB);
             INSERT INTO photo VALUES ('cat', randomblob(9000));
             PRAGMA user_version = {version};"
        ));
        is_left_alone(&sandbox, "was made by another program", &format!("{version}, {journal}"));
    }
}

#[test]
fn an_empty_file_is_taken_over() {
    let upstream = selling_at(7);
    let sandbox = machine(&upstream);
    sandbox.file("home/.cache/mcache/cache.db", "");
    for status in ["miss", "hit"] {
        let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
        assert_eq!(run.stderr, "");
        assert_eq!(only(&run)["cache"]["status"], status);
    }
}
