//! The book that processes share, whatever their clocks say and whether or not it can be used.

use super::*;

#[test]
fn processes_share_a_book_and_it_outlives_them() {
    let folder = tempfile::tempdir().unwrap();
    let limits = windows(&["2/1m"]);
    let (first, second) = (Ledger::at(Some(folder.path())), Ledger::at(Some(folder.path())));
    assert!(is_started(&first.claim(&call(&limits), None, NONE, &at(0))));
    assert!(is_started(&second.claim(&call(&limits), None, NONE, &at(1))));
    drop((first, second));
    let third = Ledger::at(Some(folder.path()));
    refused(third.claim(&call(&limits), None, NONE, &at(2)));
    assert_eq!(third.take_mishaps(), []);
}

#[test]
fn a_clock_that_is_set_changes_no_limit() {
    let hour = 3_600_000;
    for set_by in [-hour, hour, -5 * 365 * 24 * hour, 400] {
        let folder = tempfile::tempdir().unwrap();
        let limits = windows(&["1/1m"]);
        let ledger = Ledger::at(Some(folder.path()));
        ledger.claim(&call(&limits), None, NONE, &at(0));
        ledger.settle(&answered(Said::Refused(429, Some(Duration::from_mins(2)))), &at(0));
        let set = |ms: i64| Reading {
            wall: Timestamp::from_ms(START + ms + set_by),
            uptime: at(ms).uptime,
        };
        let ledger = Ledger::at(Some(folder.path()));
        assert_eq!(ledger.paused_until("acme", &set(30_000)), Some(set(120_000).wall), "{set_by}");
        let standing = ledger.standing(&call(&limits), &set(30_000)).unwrap();
        assert_eq!(standing.windows[0].leaves, [(set(60_020).wall, 1)], "{set_by}");
        assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &set(120_000))), "{set_by}");
    }
}

#[test]
fn nothing_has_happened_later_than_now_after_a_restart_with_a_wrong_clock() {
    let folder = tempfile::tempdir().unwrap();
    let limits = windows(&["1/1m"]);
    let ledger = Ledger::at(Some(folder.path()));
    ledger.claim(&call(&limits), None, NONE, &at(0));
    drop(ledger);
    rusqlite::Connection::open(folder.path().join("ledger.db"))
        .unwrap()
        .execute("UPDATE anchor SET boot = 'another'", [])
        .unwrap();
    let ledger = Ledger::at(Some(folder.path()));
    let earlier = Reading { wall: Timestamp::from_ms(START - 3_600_000), uptime: NONE };
    let refusal = refused(ledger.claim(&call(&limits), None, NONE, &earlier));
    assert_eq!(refusal.until, earlier.wall + Duration::from_millis(60_020));
}

#[test]
fn a_ledger_that_cannot_be_used_goes_on_in_memory_and_says_so() {
    let limits = windows(&["1/1m"]);
    for (bytes, is_aside) in [(&b"garbage, and not a database at all"[..], true), (&b""[..], true)]
    {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        std::fs::write(&path, bytes).unwrap();
        let ledger = Ledger::at(Some(folder.path()));
        assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(0))));
        refused(ledger.claim(&call(&limits), None, NONE, &at(1)));
        let set_aside = ledger.take_mishaps().iter().any(|m| matches!(m, Mishap::SetAside { .. }));
        assert_eq!(set_aside, is_aside && !bytes.is_empty());
        let other = Ledger::at(Some(folder.path()));
        refused(other.claim(&call(&limits), None, NONE, &at(2)));
    }
    let folder = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(folder.path().join("ledger.db"))
        .unwrap()
        .execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 7")
        .unwrap();
    let ledger = Ledger::at(Some(folder.path()));
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(0))));
    refused(ledger.claim(&call(&limits), None, NONE, &at(1)));
    assert!(matches!(ledger.take_mishaps()[..], [Mishap::Unusable(_)]), "and said once");
}
