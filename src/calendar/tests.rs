//! What the calendars promise, held against the reference that `tools/calendars.py` writes from the
//! schedule of exchange_calendars, and not from our tables.

use xxhash_rust::xxh3::xxh3_64;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calendars/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

/// A session as the reference writes it.
fn row(session: &Session) -> String {
    let (from, to) = session
        .rest
        .map_or((String::new(), String::new()), |(from, to)| (from.to_string(), to.to_string()));
    format!("{},{},{},{from},{to}\n", session.date, session.open, session.close)
}

fn rows(exchange: Exchange, from: &str, to: &str) -> Vec<String> {
    let sessions = Calendars::default();
    sessions.sessions(exchange, date(from), date(to)).map(|session| row(&session)).collect()
}

#[test]
fn every_session_is_that_of_the_reference() {
    let text = fixture("years.csv");
    let mut exchanges = std::collections::BTreeSet::new();
    let mut sessions = 0;
    for line in text.lines().skip(1) {
        let [name, year, count, hash] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let exchange = Exchange::from_name(name).unwrap();
        let rows = rows(exchange, &format!("{year}-01-01"), &format!("{year}-12-31"));
        let ours = format!("{:016x}", xxh3_64(rows.concat().as_bytes()));
        assert_eq!((rows.len().to_string(), ours), (count.to_owned(), hash.to_owned()), "{line}");
        exchanges.insert(exchange);
        sessions += rows.len();
    }
    let placed = Exchange::all().filter(|exchange| exchange.table().is_some());
    assert!(exchanges.into_iter().eq(placed));
    assert_eq!(sessions, 202_279);
}
