//! What every tier does, asked of each of them; at the foot, what only the disk can get wrong.

use std::sync::Arc;
use std::time::Duration;

use mcache::cache::AnsweredBy;
use mcache::codec::{self, Packing};
use mcache::config::{Config, Environment, Said};
use mcache::db::Database;
use mcache::db::courses::Turn;
use mcache::db::tally::Tally;
use mcache::entry::{Entry, Format};
use mcache::key::{Key, Pattern};
use mcache::market::ExchangeCode;
use mcache::policy::market::Sighting;
use mcache::policy::{Course, Known, Market, Terms};
use mcache::provider::Validators;
use mcache::tier::disk::Disk;
use mcache::tier::memory::{Bounds, Memory};
use mcache::tier::salvage::Extent;
use mcache::tier::{Incoming, Name, Stored, Tier};
use mcache::time::Timestamp;
use rusqlite::params;

const THEN: Timestamp = Timestamp::from_ms(1_782_918_000_123);

/// Asks the same of an empty tier of every kind.
fn every(check: impl Fn(&dyn Tier, &str)) {
    let bounds = Bounds { bytes: 256 * 1024 * 1024, entries: 1000 };
    check(&Memory::new(bounds), "memory");
    for packing in [Packing::Zstd, Packing::None] {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(Database::at(folder.path()), packing);
        check(&disk, if packing == Packing::Zstd { "disk, packed" } else { "disk, as it is" });
    }
}

fn entry(key: &str, provider: &str, body: &[u8]) -> Entry {
    Entry {
        key: Key::from_stored(key),
        provider: provider.into(),
        fetched_at: THEN,
        own_ttl: None,
        format: Format::of(body),
        body: body.into(),
    }
}

fn incoming(entry: Entry) -> Incoming {
    let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
    let gone_at = Timestamp::NEVER;
    Incoming {
        stored,
        asked_after: None,
        tags: Vec::new(),
        validators: None,
        sighting: None,
        parts: None,
        gone_at,
        put_at: THEN,
    }
}

fn put(tier: &dyn Tier, entry: Entry) {
    tier.put(&mut [incoming(entry)]).unwrap();
}

/// What a tier holds under a key, by provider.
fn held(tier: &dyn Tier, key: &str) -> Vec<Entry> {
    let shelf = tier.get(&Key::from_stored(key)).unwrap();
    let mut entries: Vec<Entry> =
        shelf.iter().flat_map(|shelf| shelf.iter()).map(|s| Entry::clone(&s.entry)).collect();
    entries.sort_by(|a, b| a.provider.cmp(&b.provider));
    entries
}

fn name(key: &str, provider: &str) -> Name {
    Name { key: Key::from_stored(key), provider: provider.into() }
}

fn picked(tier: &dyn Tier, pattern: &str) -> Vec<String> {
    let environment = Environment::from([("HOME", "/nowhere")]);
    let config = Config::load(Said::default(), environment).unwrap();
    let pattern: Pattern = config.pattern(pattern).unwrap();
    let names = tier.keys(&pattern).unwrap();
    names.iter().map(|name| format!("{}@{}", name.key, name.provider)).collect()
}

#[test]
fn a_value_reads_back_byte_for_byte() {
    let large: Vec<u8> = (0..5_000_000_u64).map(|n| (n * n % 251).to_le_bytes()[0]).collect();
    let repetitive = b"0123456789".repeat(100_000);
    let binary: Vec<u8> = (0..=255).collect();
    every(|tier, kind| {
        for body in [&b""[..], b"0", b"\"\"", b"[]", b"null", b"\0", &binary, &repetitive, &large] {
            let entry = entry("k", "put", body);
            put(tier, entry.clone());
            assert!(held(tier, "k") == [entry], "{kind}, {} bytes", body.len());
        }
    });
}

#[test]
fn the_metadata_of_a_value_read_back_as_they_were() {
    every(|tier, kind| {
        for format in [Format::Json, Format::Text, Format::Binary, Format::NotFound] {
            for own_ttl in [None, Some(Duration::ZERO), Some(Duration::from_millis(300_001))] {
                let entry = Entry { format, own_ttl, ..entry("k", "put", b"{\"a\":1}") };
                put(tier, entry.clone());
                assert_eq!(held(tier, "k"), [entry], "{kind}");
            }
        }
    });
}

#[test]
fn the_age_of_a_value_is_never_stamped_anew() {
    every(|tier, kind| {
        for ms in [0, -1, 1, THEN.as_ms(), i64::MAX] {
            let old = Entry { fetched_at: Timestamp::from_ms(ms), ..entry("k", "yahoo", b"1") };
            put(tier, old);
            for _ in 0..2 {
                assert_eq!(held(tier, "k")[0].fetched_at.as_ms(), ms, "{kind}");
            }
        }
    });
}

#[test]
fn the_providers_of_a_key_do_not_get_in_each_others_way() {
    every(|tier, kind| {
        put(tier, entry("k", "binance", b"1"));
        put(tier, entry("k", "yahoo", b"2"));
        put(tier, entry("k", "binance", b"3"));
        let expected = [entry("k", "binance", b"3"), entry("k", "yahoo", b"2")];
        assert_eq!(held(tier, "k"), expected, "{kind}");
        assert_eq!(tier.remove(&[name("k", "yahoo")]).unwrap(), 1, "{kind}");
        assert_eq!(held(tier, "k"), [entry("k", "binance", b"3")], "{kind}");
    });
}

#[test]
fn an_unknown_key_holds_nothing() {
    every(|tier, kind| {
        put(tier, entry("quote:stock:AAPL", "yahoo", b"1"));
        for key in ["quote:stock:AAP", "quote:stock:AAPLX", "quote:stock:aapl", ""] {
            assert!(tier.get(&Key::from_stored(key)).unwrap().is_none(), "{kind}, `{key}`");
        }
    });
}

#[test]
fn removing_counts_what_was_there() {
    every(|tier, kind| {
        let mut entries: Vec<Incoming> =
            (0..5).map(|n| incoming(entry(&format!("k{n}"), "put", b"1"))).collect();
        tier.put(&mut entries).unwrap();
        let names =
            [name("k0", "put"), name("k1", "yahoo"), name("nothing", "put"), name("k2", "put")];
        assert_eq!(tier.remove(&names).unwrap(), 2, "{kind}");
        assert_eq!(tier.remove(&names).unwrap(), 0, "{kind}");
        assert_eq!(picked(tier, "*"), ["k1@put", "k3@put", "k4@put"], "{kind}");
    });
}

#[test]
fn keys_come_in_order_and_by_pattern() {
    every(|tier, kind| {
        for (key, provider) in [
            ("quote:stock:MSFT", "yahoo"),
            ("quote:crypto:BTC", "binance"),
            ("quote:stock:AAPL", "yahoo"),
            ("quote:stock:AAPL", "demo"),
            ("system_config:x", "put"),
        ] {
            put(tier, entry(key, provider, b"1"));
        }
        for (pattern, expected) in [
            ("quote:*@yahoo", &["quote:stock:AAPL@yahoo", "quote:stock:MSFT@yahoo"][..]),
            ("quote:stock:AAPL", &["quote:stock:AAPL@demo", "quote:stock:AAPL@yahoo"]),
            ("*:x", &["system_config:x@put"]),
            ("nothing*", &[]),
        ] {
            assert_eq!(picked(tier, pattern), expected, "{kind}");
        }
        assert_eq!(picked(tier, "*").len(), 5, "{kind}");
    });
}

#[test]
fn an_empty_put_is_no_trouble() {
    every(|tier, kind| {
        tier.put(&mut []).unwrap();
        assert_eq!(tier.remove(&[]).unwrap(), 0, "{kind}");
        assert!(picked(tier, "*").is_empty(), "{kind}");
    });
}

#[test]
fn of_one_name_in_one_put_the_last_is_kept() {
    every(|tier, kind| {
        let mut twice = [incoming(entry("k", "put", b"1")), incoming(entry("k", "put", b"2"))];
        tier.put(&mut twice).unwrap();
        assert_eq!(held(tier, "k"), [entry("k", "put", b"2")], "{kind}");
    });
}

#[test]
fn more_providers_than_a_key_has_room_for_lose_nothing_but_one_another() {
    every(|tier, kind| {
        put(tier, entry("other", "put", b"untouched"));
        for n in 0..17 {
            put(tier, entry("k", &format!("p{n:02}"), n.to_string().as_bytes()));
        }
        let held = held(tier, "k");
        assert!((16..=17).contains(&held.len()), "{kind} holds {}", held.len());
        for entry in &held {
            let expected: u32 = entry.provider[1..].parse().unwrap();
            assert_eq!(*entry.body, *expected.to_string().as_bytes(), "{kind}");
        }
        assert!(held.iter().any(|entry| &*entry.provider == "p16"), "{kind}: the newest is there");
        assert_eq!(self::held(tier, "other"), [entry("other", "put", b"untouched")], "{kind}");
    });
}

/// A disk tier and its database, opened as another program might.
fn disk(folder: &tempfile::TempDir) -> (Disk, rusqlite::Connection) {
    let disk = Disk::new(Database::at(folder.path()), Packing::Zstd);
    disk.put(&mut []).unwrap();
    let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    (disk, database)
}

#[test]
fn all_of_a_put_is_on_the_disk_or_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, database) = disk(&folder);
    put(&disk, entry("a", "put", b"before"));
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON entry WHEN new.key = 'c'
                  BEGIN SELECT raise(ABORT, 'refused'); END";
    database.execute_batch(refuse).unwrap();
    let mut batch: Vec<Incoming> =
        ["a", "b", "c", "d"].map(|key| incoming(entry(key, "put", b"after"))).into();
    assert!(disk.put(&mut batch).is_err());
    assert_eq!(held(&disk, "a"), [entry("a", "put", b"before")]);
    assert_eq!(picked(&disk, "*"), ["a@put"]);
}

#[test]
fn two_keys_with_the_same_hash_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, database) = disk(&folder);
    put(&disk, entry("mine", "put", b"1"));
    // No two texts with the same 60 bits are known: the row of another key is put among mine.
    let other = entry("other", "put", b"2");
    let sealed = codec::seal(&other, Packing::Zstd);
    let row = Key::from_stored("mine").first_id() + 1;
    database
        .execute(
            "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7, ?8)",
            params![
                row,
                "other",
                "put",
                other.fetched_at.as_ms(),
                sealed.shape,
                codec::raw_bytes(&other),
                sealed.sum,
                sealed.body
            ],
        )
        .unwrap();
    assert_eq!(held(&disk, "mine"), [entry("mine", "put", b"1")]);
    put(&disk, entry("mine", "put", b"3"));
    put(&disk, entry("mine", "yahoo", b"4"));
    assert_eq!(held(&disk, "mine").len(), 2);
    assert_eq!(disk.remove(&[name("mine", "put"), name("mine", "yahoo")]).unwrap(), 2);
    assert_eq!(held(&disk, "mine"), []);
    let left: i64 = database
        .query_row("SELECT count(*) FROM entry WHERE id = ?1", [row], |r| r.get(0))
        .unwrap();
    assert_eq!(left, 1, "the other key's row is not ours to remove");
}

/// A quote of AAPL so many seconds later, and what it says of its market.
fn sighting(seconds: i64, price: f64, exchange: &str) -> Incoming {
    let fetched_at = Timestamp::from_ms(THEN.as_ms() + seconds * 1000);
    let quote = Entry { fetched_at, ..entry("quote:stock:AAPL", "yahoo", b"{}") };
    let sighting = Sighting {
        exchange: ExchangeCode::parse(exchange),
        price,
        volume: Some(5.0),
        in_session: true,
        unusual_above: 1.5,
    };
    Incoming { sighting: Some(sighting), ..incoming(quote) }
}

/// A disk that has seen thirteen quotes of AAPL, each dearer or cheaper by a hundredth.
fn stormy(folder: &tempfile::TempDir) -> (Disk, Market) {
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let mut last = None;
    for n in 0..13 {
        let mut quote = [sighting(n * 60, if n % 2 == 0 { 100.0 } else { 101.0 }, "XNAS")];
        disk.commit(&mut quote, &Tally::default(), &[]).unwrap();
        last = Some(quote[0].stored.known.market);
    }
    let market = last.unwrap();
    assert!(market.volatility.is_some() && market.exchange.is_some(), "{market:?}");
    (disk, market)
}

#[test]
fn entries_are_read_with_the_market_of_their_symbol_however_they_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, market) = stormy(&folder);
    put(&disk, entry("bars:stock:AAPL:1d", "yahoo", b"{}"));
    put(&disk, entry("quote:stock:MSFT", "yahoo", b"{}"));
    put(&disk, entry("aapl", "put", b"1"));
    let expected = [
        ("aapl", Market::default()),
        ("bars:stock:AAPL:1d", market),
        ("quote:stock:AAPL", market),
        ("quote:stock:MSFT", Market::default()),
    ];
    for (key, market) in expected {
        let key = Key::from_stored(key);
        assert_eq!(disk.get(&key).unwrap().unwrap()[0].known.market, market, "{key}");
        assert_eq!(disk.market(&key).unwrap(), market, "{key}");
    }
    let mut listed = Vec::new();
    disk.scan(None, &mut |l| listed.push((l.entry.key.to_string(), l.known.market))).unwrap();
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(listed, expected.map(|(key, market)| (key.to_owned(), market)));
    let asked = std::cell::RefCell::new(Vec::new());
    let gone_at = |entry: &Entry, known: &Known| {
        asked.borrow_mut().push((entry.key.to_string(), known.market));
        Timestamp::NEVER
    };
    let mut gone =
        [Incoming { gone_at: THEN, ..incoming(entry("quote:stock:AAPL", "fred", b"1")) }];
    disk.put(&mut gone).unwrap();
    disk.drop_gone(THEN, &gone_at).unwrap();
    assert_eq!(asked.into_inner(), [("quote:stock:AAPL".to_owned(), market)]);
    drop(disk);
    // The first read of a process takes another way.
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let shelf = disk.get(&Key::from_stored("bars:stock:AAPL:1d")).unwrap().unwrap();
    assert_eq!(shelf[0].known.market, market);
}

#[test]
fn what_two_processes_see_of_a_market_at_once_both_counts() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, before) = stormy(&folder);
    let other = Disk::new(Database::at(folder.path()), Packing::None);
    let mut late = [sighting(840, 101.0, "")];
    let Incoming { stored, sighting: Some(says), .. } = &late[0] else { unreachable!() };
    let foreseen = disk.foreseen(&stored.entry, says).unwrap();
    assert_eq!(foreseen.exchange, before.exchange);
    // Between its look and its turn another stores a quote.
    other.commit(&mut [sighting(780, 150.0, "XNYS")], &Tally::default(), &[]).unwrap();
    disk.commit(&mut late, &Tally::default(), &[]).unwrap();
    let market = late[0].stored.known.market;
    assert_eq!(market.exchange, ExchangeCode::parse("XNYS"));
    assert!(market.volatility > foreseen.volatility, "{market:?} {foreseen:?}");
    let aapl = Key::from_stored("quote:stock:AAPL");
    assert_eq!(other.market(&aapl).unwrap(), market);
    // One that is older and comes later changes nothing.
    other.commit(&mut [sighting(800, 1.0, "XLON")], &Tally::default(), &[]).unwrap();
    assert_eq!(other.market(&aapl).unwrap(), market);
}

#[test]
fn a_crowd_that_sees_a_market_at_once_leaves_it_sound_and_of_the_latest_quote() {
    let folder = tempfile::tempdir().unwrap();
    drop(stormy(&folder));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let folder = folder.path();
            scope.spawn(move || {
                let disk = Disk::new(Database::at(folder), Packing::None);
                for n in 0..20 {
                    let mut quote = [sighting(1000 + n * 40 + thread * 10, 100.0, "XNAS")];
                    disk.commit(&mut quote, &Tally::default(), &[]).unwrap();
                }
            });
        }
    });
    let (disk, database) = disk(&folder);
    let market = disk.market(&Key::from_stored("quote:stock:AAPL")).unwrap();
    assert_eq!(market.exchange, ExchangeCode::parse("XNAS"), "its sum fits");
    let seen_at: i64 =
        database.query_row("SELECT seen_at_ms FROM market", [], |row| row.get(0)).unwrap();
    assert_eq!(seen_at, THEN.as_ms() + 1_790_000);
    let mut next = [sighting(1800, 100.0, "XNAS")];
    disk.commit(&mut next, &Tally::default(), &[]).unwrap();
    assert!(next[0].stored.known.market.volatility.is_some(), "its pace goes on");
}

#[test]
fn what_nobody_adds_to_is_forgotten_and_volumes_go_when_nothing_else_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let (disk, market) = stormy(&folder);
    let aapl = Key::from_stored("quote:stock:AAPL");
    let days_later = |days: i64| Timestamp::from_ms(THEN.as_ms() + days * 86_400_000);
    let volumes = || {
        let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
        let count = database.query_row("SELECT count(*) FROM volume", [], |row| row.get(0));
        count.unwrap()
    };
    let stays = |_: &Entry, _: &Known| Timestamp::NEVER;
    assert_eq!(volumes(), 1_i64);
    disk.drop_beside(days_later(59), days_later(59)).unwrap();
    assert_eq!((volumes(), disk.market(&aapl).unwrap()), (1, market));
    for (real_days, days) in [(1000, 0), (0, 1000)] {
        disk.drop_beside(days_later(real_days), days_later(days)).unwrap();
        disk.drop_gone(days_later(1000), &stays).unwrap();
        assert_eq!((volumes(), disk.market(&aapl).unwrap()), (1, market), "another clock");
    }
    disk.drop_beside(days_later(62), days_later(62)).unwrap();
    assert_eq!((volumes(), disk.market(&aapl).unwrap()), (0, market));
    disk.drop_beside(days_later(398), days_later(398)).unwrap();
    assert_eq!(disk.market(&aapl).unwrap(), Market::default());
    disk.commit(&mut [sighting(0, 1.0, "XNAS")], &Tally::default(), &[]).unwrap();
    disk.drop_oldest(THEN, u64::MAX).unwrap();
    assert_eq!(volumes(), 1, "there is room");
    disk.drop_oldest(THEN, 0).unwrap();
    assert_eq!((volumes(), disk.get(&aapl).unwrap()), (0, None));
}

/// A course that is conservative until so many milliseconds, by real time.
fn careful(until_ms: i64) -> Course {
    Course { conservative_until: Timestamp::from_ms(until_ms), ..Course::default() }
}

/// Turns the course of a provider, storing these entries with it.
fn turn(disk: &Disk, entries: &mut [Incoming], provider: &str, turned: &dyn Fn(Course) -> Course) {
    let turn = Turn { provider, now: THEN, turned };
    disk.commit(entries, &Tally::default(), &[turn]).unwrap();
}

#[test]
fn a_memory_keeps_the_course_with_the_entry() {
    let memory = Memory::new(Bounds { bytes: 1_000_000, entries: 1000 });
    let mut put = incoming(entry("k", "yahoo", b"1"));
    put.stored.known.course = careful(5);
    memory.put(&mut [put]).unwrap();
    assert_eq!(memory.get(&Key::from_stored("k")).unwrap().unwrap()[0].known.course, careful(5));
}

#[test]
fn the_entries_of_a_provider_are_read_with_its_course() {
    let folder = tempfile::tempdir().unwrap();
    let until = THEN.as_ms() + 60_000;
    let courses = |disk: &Disk| {
        let shelf = disk.get(&Key::from_stored("k")).unwrap().unwrap();
        let mut courses: Vec<_> =
            shelf.iter().map(|s| (s.entry.provider.to_string(), s.known.course)).collect();
        courses.sort_by(|a, b| a.0.cmp(&b.0));
        courses
    };
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    put(&disk, entry("k", "yahoo", b"1"));
    put(&disk, entry("k", "binance", b"2"));
    let mut stored = [incoming(entry("other", "yahoo", b"3")), incoming(entry("x", "fred", b"4"))];
    turn(&disk, &mut stored, "yahoo", &|_| careful(until));
    assert_eq!(stored.map(|s| s.stored.known.course), [careful(until), Course::default()]);
    let expected =
        [("binance".to_owned(), Course::default()), ("yahoo".to_owned(), careful(until))];
    assert_eq!(courses(&disk), expected);
    assert_eq!(disk.course("yahoo").unwrap(), careful(until));
    assert_eq!(disk.course("binance").unwrap(), Course::default());
    assert_eq!(disk.courses().unwrap(), [("yahoo".into(), careful(until))]);
    let mut listed = Vec::new();
    disk.scan(None, &mut |l| listed.push((l.entry.provider.to_string(), l.known.course))).unwrap();
    listed.sort_by(|a, b| a.0.cmp(&b.0));
    listed.dedup();
    assert_eq!(
        listed,
        [
            ("binance".to_owned(), Course::default()),
            ("fred".to_owned(), Course::default()),
            ("yahoo".to_owned(), careful(until)),
        ]
    );
    drop(disk);
    // The first read of a process takes another way.
    assert_eq!(courses(&Disk::new(Database::at(folder.path()), Packing::None)), expected);
}

#[test]
fn a_course_is_turned_from_what_stands_there_and_written_only_if_somebody_would_notice() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let written = || disk.courses().unwrap();
    let until = THEN.as_ms() + 60_000;
    turn(&disk, &mut [], "yahoo", &|_| careful(THEN.as_ms() + 1000));
    assert_eq!(written(), [], "a second is not worth a row");
    turn(&disk, &mut [], "yahoo", &|_| careful(until));
    // Another process, which has read nothing.
    let other = Disk::new(Database::at(folder.path()), Packing::None);
    turn(&other, &mut [], "yahoo", &|course| course.volatile(THEN, Duration::from_mins(5)));
    let both = Course { aggressive_until: THEN + Duration::from_mins(5), ..careful(until) };
    assert_eq!(written(), [("yahoo".into(), both)], "neither has undone the other's");
    let mut stored = [incoming(entry("k", "yahoo", b"1"))];
    let nearly = Course { conservative_until: Timestamp::from_ms(until + 1000), ..both };
    turn(&disk, &mut stored, "yahoo", &|_| nearly);
    assert_eq!(written(), [("yahoo".into(), both)]);
    assert_eq!(stored[0].stored.known.course, nearly);
    turn(&disk, &mut [], "yahoo", &|_| Course::default());
    assert_eq!(written(), [("yahoo".into(), Course::default())]);
}

#[test]
fn sweeping_asks_for_the_end_of_an_entry_under_the_course_of_its_provider() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let mut put: Vec<Incoming> = ["yahoo", "fred"]
        .map(|provider| Incoming { gone_at: THEN, ..incoming(entry("k", provider, b"1")) })
        .into();
    turn(&disk, &mut put, "yahoo", &|_| careful(THEN.as_ms() + 60_000));
    let now = THEN + Duration::from_secs(30);
    disk.drop_gone(now, &|_, known| known.course.conservative_until).unwrap();
    assert_eq!(held(&disk, "k"), [entry("k", "yahoo", b"1")]);
}

/// An older release's database has no such table, and readers never migrate.
#[test]
fn without_the_table_of_courses_entries_are_found_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Disk::new(Database::at(folder.path()), Packing::None);
    put(&disk(), entry("k", "yahoo", b"1"));
    let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    let later = "DROP TABLE strategy; DROP TABLE validator; DROP TABLE definition; DROP TABLE market;
                 DROP TABLE volume; DROP TABLE mark; DROP INDEX entry_by_key; DROP INDEX tag_by_entry;
                 DROP TABLE access; DROP TABLE access_name; DROP TABLE pace;
                 DROP TRIGGER entry_dropped; DROP TABLE chunk; DROP TABLE past;";
    database.execute_batch(&format!("{later} PRAGMA user_version = 1001")).unwrap();
    drop(database);
    let reader = disk();
    for way in ["at a glance", "properly"] {
        assert_eq!(held(&reader, "k"), [entry("k", "yahoo", b"1")], "{way}");
    }
    assert_eq!(picked(&reader, "*"), ["k@yahoo"]);
    assert_eq!(reader.course("yahoo").unwrap(), Course::default());
    assert_eq!(reader.courses().unwrap(), []);
    let writer = disk();
    turn(&writer, &mut [], "yahoo", &|_| careful(i64::MAX));
    // The reader that was opened before the table was there finds it.
    assert_eq!(reader.course("yahoo").unwrap(), careful(i64::MAX));
    let shelf = reader.get(&Key::from_stored("k")).unwrap().unwrap();
    assert_eq!(shelf[0].known.course, careful(i64::MAX));
}

#[test]
fn a_lost_table_of_courses_stops_no_put() {
    let folder = tempfile::tempdir().unwrap();
    put(&Disk::new(Database::at(folder.path()), Packing::None), entry("k", "yahoo", b"1"));
    let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    database.execute_batch("DROP TABLE strategy").unwrap();
    drop(database);
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    let mut stored = [incoming(entry("k", "yahoo", b"2"))];
    turn(&disk, &mut stored, "yahoo", &|_| careful(i64::MAX));
    assert_eq!(stored[0].stored.known.course, careful(i64::MAX));
    assert_eq!(held(&disk, "k"), [entry("k", "yahoo", b"2")]);
}

fn validators(etag: &str) -> Validators {
    Validators { etag: Some(etag.into()), last_modified: None, request: 7 }
}

fn known_by(entry: Entry, etag: &str, definition: u64) -> Incoming {
    let mut incoming = incoming(entry);
    incoming.validators = Some(validators(etag));
    incoming.stored.known.definition = definition;
    incoming
}

/// The definition and the validators of an entry as the disk holds it.
fn beside(disk: &Disk, key: &str) -> (u64, Option<Validators>) {
    let shelf = disk.get(&Key::from_stored(key)).unwrap().unwrap();
    let found = disk.validators(shelf[0].row, &shelf[0].entry).unwrap();
    (shelf[0].known.definition, found)
}

#[test]
fn what_stands_beside_an_entry_goes_and_changes_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::new(Database::at(folder.path()), Packing::None);
    disk.put(&mut [known_by(entry("k", "yahoo", b"1"), "\"a\"", 3)]).unwrap();
    assert_eq!(beside(&disk, "k"), (3, Some(validators("\"a\""))));
    // A process of its own, which looks at a glance first.
    let other = Disk::new(Database::at(folder.path()), Packing::None);
    assert_eq!(beside(&other, "k"), (3, Some(validators("\"a\""))));
    disk.put(&mut [known_by(entry("k", "yahoo", b"2"), "\"b\"", u64::MAX)]).unwrap();
    assert_eq!(beside(&disk, "k"), (u64::MAX, Some(validators("\"b\""))));
    put(&disk, entry("k", "yahoo", b"2"));
    assert_eq!(beside(&disk, "k"), (0, None));
    disk.put(&mut [known_by(entry("k", "yahoo", b"2"), "\"b\"", 3)]).unwrap();
    disk.remove(&[name("k", "yahoo")]).unwrap();
    put(&disk, entry("k", "yahoo", b"2"));
    assert_eq!(beside(&disk, "k"), (0, None), "of another entry, though it is the same value");
    let mut gone = known_by(entry("k", "yahoo", b"2"), "\"b\"", 3);
    gone.gone_at = THEN;
    disk.put(&mut [gone]).unwrap();
    disk.drop_gone(THEN + Duration::from_secs(1), &|_, _| THEN).unwrap();
    assert!(held(&disk, "k").is_empty());
    let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
    let count = "SELECT (SELECT count(*) FROM validator) + (SELECT count(*) FROM definition)";
    let rows: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn what_was_changed_beside_an_entry_is_as_if_there_were_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for sql in [
        "UPDATE validator SET etag = '\"b\"'; UPDATE definition SET number = 4",
        "UPDATE validator SET etag = x'ff'; UPDATE definition SET number = 'four'",
        "UPDATE validator SET request = request + 1; UPDATE definition SET sum = sum + 1",
        "DROP TABLE validator; DROP TABLE definition",
    ] {
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        disk.put(&mut [known_by(entry("k", "yahoo", b"1"), "\"a\"", 3)]).unwrap();
        drop(disk);
        let database = rusqlite::Connection::open(folder.path().join("cache.db")).unwrap();
        database.execute_batch(sql).unwrap();
        drop(database);
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        assert_eq!(beside(&disk, "k"), (0, None), "{sql}");
        assert_eq!(picked(&disk, "*"), ["k@yahoo"], "{sql}");
        assert!(disk.take_damaged().is_empty(), "{sql}");
    }
}

#[test]
fn what_is_salvaged_still_came_under_its_definition_and_is_asked_for_in_full() {
    let (damaged, fresh) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let disk = Disk::new(Database::at(damaged.path()), Packing::None);
    disk.put(&mut [known_by(entry("k", "yahoo", b"1"), "\"a\"", 3)]).unwrap();
    put(&disk, entry("other", "yahoo", b"2"));
    drop(disk);
    let disk = Disk::new(Database::at(fresh.path()), Packing::None);
    let file = damaged.path().join("cache.db");
    assert_eq!(disk.salvage(&file, Extent::Everything, &|_| Timestamp::NEVER).unwrap(), 2);
    assert_eq!(held(&disk, "k"), [entry("k", "yahoo", b"1")]);
    assert_eq!((beside(&disk, "k"), beside(&disk, "other")), ((3, None), (0, None)));
}

#[test]
fn what_an_event_expires_is_read_from_the_disk_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap().to_owned();
    let environment = Environment::from([("HOME", &*folder), ("MCACHE_CACHE_DIR", &*folder)]);
    let config = Config::load(Said::default(), environment).unwrap();
    let cache = config.open().unwrap();
    let put = |key: &str, tags: &[String]| {
        let values = vec![(Key::from_stored(key), Box::from(*b"1"))];
        cache.put(values, Duration::from_hours(1), tags).unwrap();
    };
    let answered_by = |key: &str| {
        let question = config.key(key).unwrap();
        cache.get(&question, &Terms::default()).map(|served| served.answered_by)
    };
    put("pair_config:A", &[]);
    put("pair_config:B", &[]);
    assert_eq!(answered_by("pair_config:A"), Some(AnsweredBy::Memory));
    put("pair_risk:A", &[]);
    assert_eq!(answered_by("pair_config:A"), None, "memory knows of no event");
    assert_eq!(answered_by("pair_config:B"), Some(AnsweredBy::Memory));
    put("pair_config:A", &[]);
    assert_eq!(answered_by("pair_config:A"), Some(AnsweredBy::Memory));
}
