//! The ledger as a whole: against a slow, obvious model, and over real files.

use proptest::prelude::*;

use super::*;
use crate::error::Kind;
use crate::time::Zone;
use crate::units::parse_share;

const PATIENT: Duration = Duration::from_secs(1_000_000);
const NONE: Duration = Duration::ZERO;

/// Some afternoon, so that no instant of a test lies before 1970.
const START: i64 = 1_782_918_000_000;

/// Both clocks at this many milliseconds after the start.
fn at(ms: i64) -> Reading {
    Reading {
        wall: Timestamp::from_ms(START + ms),
        uptime: Duration::from_millis(3_600_000 + ms.unsigned_abs()),
    }
}

fn windows(texts: &[&str]) -> Limits {
    Limits::of(&texts.iter().map(|text| Window::parse(text).unwrap()).collect::<Vec<_>>())
}

fn call(limits: &Limits) -> Call<'_> {
    Call {
        provider: "acme",
        endpoint: "quote",
        weight: 1,
        caller: "me",
        use_case: None,
        limits,
        budget_share: None,
        is_probe: false,
    }
}

fn is_started(claim: &Claim) -> bool {
    matches!(claim, Claim::Started(_))
}

/// The instant that was promised, in milliseconds after the start.
fn promised(claim: Claim) -> i64 {
    match claim {
        Claim::Promised(ticket) => ticket.at.as_ms() - START,
        other => panic!("no promise: {other:?}"),
    }
}

fn refused(claim: Claim) -> Refusal {
    match claim {
        Claim::Refused(refusal) => refusal,
        other => panic!("no refusal: {other:?}"),
    }
}

fn answered(said: Said<'_>) -> Outcome<'_> {
    Outcome { provider: "acme", started: at(0).wall, said, used: None, keys: &[], failed: None }
}

#[test]
fn a_window_is_read_and_written_as_people_write_it() {
    for (text, calls, ms, written) in [
        ("60/1m", 60, 60_000, "60/1m"),
        (" 20 / 10s ", 20, 10_000, "20/10s"),
        ("2/s", 2, 1000, "2/1s"),
        ("5/1500ms", 5, 1500, "5/1500ms"),
        ("3000/60", 3000, 60_000, "3000/1m"),
        ("500/1d", 500, 86_400_000, "500/1d"),
    ] {
        let window = Window::parse(text).unwrap();
        assert_eq!(window, Window { calls, stretch: Duration::from_millis(ms) }, "{text}");
        assert_eq!(window.to_string(), written);
    }
    for text in
        ["", "60", "60/", "/1m", "0/1m", "60/0", "-1/1m", "60/1x", "1.5/1s", "a/b", "1/1s/1s"]
    {
        assert!(Window::parse(text).unwrap_err().hint.is_some(), "{text}");
    }
}

#[test]
fn every_window_holds_at_once_and_promises_are_first_come_first_served() {
    let ledger = Ledger::at(None);
    let limits = windows(&["2/1s", "3/10s"]);
    let call = call(&limits);
    for _ in 0..2 {
        assert!(is_started(&ledger.claim(&call, None, NONE, &at(0))));
    }
    let promises: Vec<i64> =
        (0..3).map(|_| promised(ledger.claim(&call, None, PATIENT, &at(0)))).collect();
    assert_eq!(promises, [1020, 10_020, 10_020]);
    let other = Call { provider: "other", ..call };
    assert!(is_started(&ledger.claim(&other, None, NONE, &at(0))), "each has limits of its own");
}

#[test]
fn who_cannot_wait_takes_no_slot_and_hears_what_is_full() {
    let ledger = Ledger::at(None);
    let limits = windows(&["1/1m"]);
    ledger.claim(&call(&limits), None, NONE, &at(0));
    for _ in 0..3 {
        let refusal = refused(ledger.claim(&call(&limits), None, Duration::from_secs(10), &at(0)));
        let until = Timestamp::from_ms(START + 60_020);
        assert_eq!(refusal, Refusal { until, cause: Cause::Full(limits.windows[0]) });
    }
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(60_020))));
}

#[test]
fn a_late_start_moves_those_behind_it() {
    let ledger = Ledger::at(None);
    let limits = windows(&["1/1s"]);
    let call = call(&limits);
    ledger.claim(&call, None, NONE, &at(0));
    let Claim::Promised(first) = ledger.claim(&call, None, PATIENT, &at(0)) else { panic!() };
    let Claim::Promised(second) = ledger.claim(&call, None, PATIENT, &at(0)) else { panic!() };
    assert!(is_started(&ledger.claim(&call, Some(&first), NONE, &at(1700))));
    assert_eq!(promised(ledger.claim(&call, Some(&second), PATIENT, &at(2040))), 2720);
}

#[test]
fn who_read_the_clock_before_the_last_call_does_not_overlook_it() {
    let ledger = Ledger::at(None);
    let limits = windows(&["1/1h"]);
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(5))));
    for now in [0, 4, -200] {
        let now = Reading { wall: Timestamp::from_ms(START + now), uptime: at(6).uptime };
        let refusal = refused(ledger.claim(&call(&limits), None, NONE, &now));
        assert_eq!(refusal.until.as_ms(), START + 5 + 3_600_020);
    }
}

#[test]
fn what_is_given_back_takes_nobody_elses_with_it() {
    let ledger = Ledger::at(None);
    let limits = windows(&["3000/1h"]);
    let (mut now, mut last) = (0, None);
    for _ in 0..256 {
        now += 1;
        match ledger.claim(&call(&limits), None, NONE, &at(now)) {
            Claim::Started(started) => last = Some(started),
            other => panic!("{other:?}"),
        }
    }
    let used = |now| ledger.standing(&call(&limits), &at(now)).unwrap().windows[0].clone();
    assert_eq!(used(now).used, 256);
    assert!(used(now).leaves.len() < 256, "many were merged into others");
    ledger.give_back(&call(&limits), &last.unwrap(), &at(now));
    assert_eq!(used(now).used, 255);
}

#[test]
fn a_promise_of_the_dead_costs_one_slot() {
    let ledger = Ledger::at(None);
    let limits = windows(&["1/1s"]);
    let call = call(&limits);
    ledger.claim(&call, None, NONE, &at(0));
    ledger.claim(&call, None, PATIENT, &at(0));
    assert_eq!(promised(ledger.claim(&call, None, PATIENT, &at(1100))), 2120);
    assert!(is_started(&ledger.claim(&call, None, NONE, &at(7200))), "and none five seconds later");
}

#[test]
fn what_never_left_the_machine_costs_nothing() {
    let ledger = Ledger::at(None);
    let budget = Budget::parse("1/day", Zone::UTC).unwrap();
    let limits = Limits { budget: Some(budget), ..windows(&["1/1m"]) };
    let own = call(&limits);
    for _ in 0..5 {
        let Claim::Started(started) = ledger.claim(&own, None, NONE, &at(0)) else { panic!() };
        ledger.give_back(&own, &started, &at(0));
    }
    assert!(is_started(&ledger.claim(&own, None, NONE, &at(0))));
    let other = windows(&["1/1m"]);
    let other = Call { provider: "other", ..call(&other) };
    ledger.claim(&other, None, NONE, &at(0));
    let Claim::Promised(ticket) = ledger.claim(&other, None, PATIENT, &at(0)) else { panic!() };
    ledger.forgo(&ticket, &at(0));
    assert_eq!(promised(ledger.claim(&other, None, PATIENT, &at(0))), 60_020);
}

#[test]
fn a_budget_is_never_overspent_and_begins_anew_in_its_zone() {
    let ledger = Ledger::at(None);
    let zone = Zone::parse("America/New_York").unwrap();
    let limits =
        Limits { budget: Some(Budget::parse("3/day", zone).unwrap()), ..Limits::default() };
    let half = Call { budget_share: Some(parse_share("34%").unwrap()), ..call(&limits) };
    assert!(is_started(&ledger.claim(&half, None, NONE, &at(0))));
    let refusal = refused(ledger.claim(&half, None, PATIENT, &at(0)));
    assert!(matches!(refusal.cause, Cause::ShareSpent(_, 1)), "{refusal:?}");
    for _ in 0..2 {
        assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(0))));
    }
    let refusal = refused(ledger.claim(&call(&limits), None, PATIENT, &at(0)));
    assert!(matches!(refusal.cause, Cause::Spent(_)), "nobody waits for tomorrow: {refusal:?}");
    assert_eq!(refusal.until.to_string(), "2026-07-02T04:00:00Z");
    let tomorrow = at(refusal.until.as_ms() - START);
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &tomorrow)));
}

#[test]
fn what_is_reserved_is_for_its_owner_and_is_not_waited_for_behind_others() {
    let ledger = Ledger::at(None);
    let reserve = Reserve::from([("bot".into(), parse_share("20%").unwrap())]);
    let budget = Some(Budget::parse("10/day", Zone::UTC).unwrap());
    let limits = Limits { budget, reserve, ..windows(&["10/1m"]) };
    let other = call(&limits);
    let bot = Call { caller: "bot", ..other };
    for n in 0..8 {
        assert!(is_started(&ledger.claim(&other, None, NONE, &at(n))), "{n}");
    }
    let refusal = refused(ledger.claim(&other, None, NONE, &at(10)));
    assert!(matches!(refusal.cause, Cause::Spent(_)), "{refusal:?}");
    for n in 0..2 {
        assert!(is_started(&ledger.claim(&bot, None, NONE, &at(20 + n))), "{n}");
    }
    refused(ledger.claim(&bot, None, NONE, &at(30)));

    let ledger = Ledger::at(None);
    let limits = Limits { budget: None, ..limits.clone() };
    let (other, bot) = (Call { limits: &limits, ..other }, Call { limits: &limits, ..bot });
    for n in 0..8 {
        ledger.claim(&other, None, NONE, &at(n));
    }
    for _ in 0..30 {
        promised(ledger.claim(&other, None, PATIENT, &at(10)));
    }
    assert!(is_started(&ledger.claim(&bot, None, NONE, &at(20))), "a backfill starves nobody");
}

#[test]
fn an_endpoint_has_windows_of_its_own_and_weighs_what_it_weighs() {
    let ledger = Ledger::at(None);
    let own = EndpointLimits { windows: windows(&["1/1m"]).windows, weight: None };
    let limits =
        Limits { endpoints: BTreeMap::from([("news".into(), own)]), ..windows(&["10/1m"]) };
    let quote = Call { weight: 4, ..call(&limits) };
    let news = Call { endpoint: "news", ..call(&limits) };
    assert!(is_started(&ledger.claim(&news, None, NONE, &at(0))));
    let refusal = refused(ledger.claim(&news, None, NONE, &at(1)));
    assert_eq!(refusal.cause, Cause::Full(limits.endpoints["news"].windows[0]));
    assert!(is_started(&ledger.claim(&quote, None, NONE, &at(1))));
    assert!(is_started(&ledger.claim(&quote, None, NONE, &at(1))), "9 of 10");
    refused(ledger.claim(&quote, None, NONE, &at(1)));
    let standing = ledger.standing(&news, &at(2)).unwrap();
    let used: Vec<u64> = standing.windows.iter().map(|filled| filled.used).collect();
    assert_eq!(used, [9, 1]);
    assert_eq!(standing.refusal.unwrap().until.as_ms(), START + 60_020);
}

#[test]
fn a_call_heavier_than_its_window_takes_all_of_it() {
    let ledger = Ledger::at(None);
    let limits = windows(&["3/1m"]);
    let heavy = Call { weight: 100, ..call(&limits) };
    assert!(is_started(&ledger.claim(&heavy, None, NONE, &at(0))));
    refused(ledger.claim(&call(&limits), None, NONE, &at(0)));
    assert!(is_started(&ledger.claim(&heavy, None, NONE, &at(60_020))));
}

#[test]
fn what_upstream_counts_and_we_do_not_know_of_is_used_all_the_same() {
    let ledger = Ledger::at(None);
    let limits = windows(&["10/1m"]);
    ledger.claim(&call(&limits), None, NONE, &at(0));
    let minute = Timestamp::from_ms(START / 60_000 * 60_000);
    for _ in 0..3 {
        let outcome = Outcome { used: Some((minute, 9)), ..answered(Said::Answered) };
        ledger.settle(&outcome, &at(5));
        let standing = ledger.standing(&call(&limits), &at(5)).unwrap();
        assert_eq!(standing.windows[0].used, 9, "said again it is nothing new");
    }
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(5))));
    refused(ledger.claim(&call(&limits), None, NONE, &at(5)));
}

#[test]
fn everybody_obeys_a_pause_whatever_was_promised_and_without_any_limit() {
    let ledger = Ledger::at(None);
    let (limited, unlimited) = (windows(&["1/1s"]), Limits::default());
    ledger.claim(&call(&limited), None, NONE, &at(0));
    let Claim::Promised(ticket) = ledger.claim(&call(&limited), None, PATIENT, &at(0)) else {
        panic!()
    };
    ledger.settle(&answered(Said::Refused(418, Some(Duration::from_secs(5)))), &at(10));
    for limits in [&limited, &unlimited] {
        let refusal = refused(ledger.claim(&call(limits), None, NONE, &at(20)));
        assert_eq!(refusal.until.as_ms(), START + 5010);
        assert!(
            matches!(refusal.cause, Cause::Paused(pause) if pause.by == PausedBy::Upstream(418))
        );
    }
    assert_eq!(promised(ledger.claim(&call(&limited), Some(&ticket), PATIENT, &at(1020))), 5010);
    assert_eq!(promised(ledger.claim(&call(&unlimited), None, PATIENT, &at(1020))), 5010);
    assert!(is_started(&ledger.claim(&call(&unlimited), None, NONE, &at(5010))));
}

#[test]
fn to_be_forbidden_is_not_to_be_told_to_wait() {
    let ledger = Ledger::at(None);
    ledger.settle(&answered(Said::Refused(403, None)), &at(0));
    let limits = Limits::default();
    refused(ledger.claim(&call(&limits), None, PATIENT, &at(1)));
    ledger.resume("acme", &at(1)).unwrap();
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(1))));
}

#[test]
fn a_ban_of_days_is_not_the_end_of_a_queue() {
    let ledger = Ledger::at(None);
    let limits = Limits::default();
    ledger.pause("acme", at(7_200_000).wall, &at(0)).unwrap();
    refused(ledger.claim(&call(&limits), None, PATIENT, &at(1)));
    assert_eq!(promised(ledger.claim(&call(&limits), None, PATIENT, &at(3_600_000))), 7_200_000);
}

#[test]
fn a_breaker_lets_one_probe_through_at_a_time() {
    let ledger = Ledger::at(None);
    let error = Error::new(Kind::Upstream, "HTTP 500");
    let limits = Limits::default();
    for n in 0..5 {
        assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(n))));
        ledger.settle(&answered(Said::Failed(&error)), &at(n));
    }
    let refusal = refused(ledger.claim(&call(&limits), None, PATIENT, &at(10)));
    assert_eq!(refusal.cause, Cause::Sick(Kind::Upstream, "HTTP 500".to_owned()));
    let probe = ledger.claim(&call(&limits), None, NONE, &at(10_004));
    assert!(is_started(&probe));
    refused(ledger.claim(&call(&limits), None, NONE, &at(10_005)));
    let Claim::Started(probe) = probe else { panic!() };
    ledger.give_back(&call(&limits), &probe, &at(10_006));
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(10_007))));
    ledger.settle(&answered(Said::Answered), &at(10_008));
    assert!(is_started(&ledger.claim(&call(&limits), None, NONE, &at(10_009))));
}

#[test]
fn what_comes_of_a_trial_is_seen_by_those_whom_it_keeps_out() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Ledger::at(Some(folder.path())), Ledger::at(Some(folder.path())));
    let error = Error::new(Kind::Upstream, "HTTP 500");
    let none = Limits::default();
    for n in 0..5 {
        one.settle(&answered(Said::Failed(&error)), &at(n));
    }
    assert_eq!(other.tried_until("acme", &at(10)), None, "nobody tries yet");
    for (start, said) in [(10_004, Said::Failed(&error)), (20_104, Said::Answered)] {
        assert!(is_started(&one.claim(&call(&none), None, NONE, &at(start))));
        let until = at(start + 10_000).wall;
        // Neither patience nor a limit makes it another refusal.
        for limits in [&none, &windows(&["5/1h"])] {
            let refusal = refused(other.claim(&call(limits), None, PATIENT, &at(start + 1)));
            let cause = Cause::Tried(Kind::Upstream, "HTTP 500".to_owned());
            assert_eq!(refusal, Refusal { until, cause });
            assert!(refusal.is_worth_a_wait(at(start + 1).wall));
        }
        assert_eq!(other.tried_until("acme", &at(start + 50)), Some(until));
        assert_eq!(other.tried_until("other", &at(start + 50)), None);
        one.settle(&answered(said), &at(start + 100));
        assert_eq!(other.tried_until("acme", &at(start + 100)), None);
        match other.claim(&call(&none), None, PATIENT, &at(start + 101)) {
            Claim::Started(started) => assert!(!started.is_probe, "it is well again"),
            claim => assert!(matches!(refused(claim).cause, Cause::Sick(..))),
        }
    }
}

#[test]
fn a_trial_of_the_dead_keeps_others_out_for_ten_seconds() {
    let folder = tempfile::tempdir().unwrap();
    let (dead, other) = (Ledger::at(Some(folder.path())), Ledger::at(Some(folder.path())));
    let error = Error::new(Kind::Upstream, "HTTP 500");
    let limits = Limits::default();
    for _ in 0..5 {
        dead.settle(&answered(Said::Failed(&error)), &at(0));
    }
    assert!(is_started(&dead.claim(&call(&limits), None, NONE, &at(10_000))));
    drop(dead);
    assert_eq!(other.tried_until("acme", &at(19_999)), Some(at(20_000).wall));
    assert_eq!(other.tried_until("acme", &at(20_000)), None);
    let Claim::Started(next) = other.claim(&call(&limits), None, NONE, &at(20_000)) else {
        panic!()
    };
    assert!(next.is_probe, "whoever waited tries by itself");
}

#[test]
fn a_key_that_failed_cools_down_until_it_is_answered() {
    let ledger = Ledger::at(None);
    let error = Error::new(Kind::Unreachable, "no answer").hint("try again");
    let keys = &["a@acme"][..];
    let failed = Outcome { keys, failed: Some(&error), ..answered(Said::Nothing) };
    ledger.settle(&failed, &at(0));
    ledger.settle(&failed, &at(1000));
    let cooling = ledger.cooling("a@acme", &at(1000)).unwrap();
    assert_eq!((cooling.failed_at, cooling.until), (at(1000).wall, at(3000).wall));
    assert_eq!((cooling.error.kind, cooling.error.hint), (error.kind, error.hint.clone()));
    assert!(ledger.cooling("b@acme", &at(1000)).is_none());
    ledger.settle(&Outcome { failed: None, ..failed }, &at(2000));
    assert!(ledger.cooling("a@acme", &at(2000)).is_none());
    // Those of one request fail together.
    ledger.settle(&Outcome { keys: &["a@acme", "b@acme"], ..failed }, &at(2000));
    for key in ["a@acme", "b@acme"] {
        assert_eq!(ledger.cooling(key, &at(2000)).unwrap().until, at(3000).wall, "{key}");
    }
}

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

/// Whether some stretch of a window holds more than it may, by weight.
fn is_overfull(window: Window, calls: &[(i64, u32)]) -> bool {
    let apart = i64::try_from(window.apart().as_millis()).unwrap();
    calls.iter().any(|(first, _)| {
        let inside = calls.iter().filter(|(at, _)| (*first..*first + apart).contains(at));
        inside.map(|(_, weight)| weight.min(&window.calls)).sum::<u32>() > window.calls
    })
}

/// The first millisecond, tried one by one, at which a call fits beside these, which started or
/// were promised; the later ones among them may come to wait longer.
fn slow_earliest(windows: &[Window], calls: &[(i64, u32)], weight: u32, now: i64) -> i64 {
    (now..now + 1_000_000)
        .find(|instant| {
            windows.iter().all(|window| {
                let apart = i64::try_from(window.apart().as_millis()).unwrap();
                let near = calls.iter().filter(|(at, _)| at <= instant && *at > instant - apart);
                near.map(|(_, w)| w).sum::<u32>() + weight.min(window.calls) <= window.calls
            })
        })
        .unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Pass(i64),
    /// A call of this weight.
    Claim(u32),
    /// The waiter at this place, if its time has come.
    Come(usize),
    /// The waiter at this place gives up.
    Forgo(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0_i64..80).prop_map(Step::Pass),
        4 => (1_u32..4).prop_map(Step::Claim),
        5 => (0_usize..4).prop_map(Step::Come),
        1 => (0_usize..4).prop_map(Step::Forgo),
    ];
    prop::collection::vec(step, 1..60)
}

fn any_windows() -> impl Strategy<Value = Vec<Window>> {
    let window = (1_u32..6, 1_u64..120)
        .prop_map(|(calls, ms)| Window { calls, stretch: Duration::from_millis(ms) });
    prop::collection::vec(window, 1..3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_stretch_of_any_window_holds_more_than_it_may_and_nobody_waits_in_vain(
        windows in any_windows(),
        steps in steps(),
    ) {
        let ledger = Ledger::at(None);
        let limits = Limits::of(&windows);
        let mut now = 0;
        let mut started: Vec<(i64, u32)> = Vec::new();
        let mut waiting: Vec<(Ticket, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Pass(ms) => now += ms,
                Step::Claim(weight) => {
                    let mut known = started.clone();
                    known.extend(waiting.iter().map(|(ticket, weight)| {
                        ((ticket.at.as_ms() - START).max(now), *weight)
                    }));
                    let expected = slow_earliest(&windows, &known, weight, now);
                    match ledger.claim(&Call { weight, ..call(&limits) }, None, PATIENT, &at(now)) {
                        Claim::Started(_) => {
                            prop_assert_eq!(expected, now);
                            started.push((now, weight));
                        }
                        Claim::Promised(ticket) => {
                            prop_assert_eq!(ticket.at.as_ms() - START, expected);
                            waiting.push((ticket, weight));
                        }
                        Claim::Refused(refusal) => panic!("{refusal:?}"),
                    }
                }
                Step::Come(index) if index < waiting.len() && waiting[index].0.at <= at(now).wall => {
                    let (ticket, weight) = waiting.remove(index);
                    let fits = slow_earliest(&windows, &started, weight, now) == now;
                    match ledger.claim(&Call { weight, ..call(&limits) }, Some(&ticket), PATIENT, &at(now)) {
                        Claim::Started(_) => started.push((now, weight)),
                        Claim::Promised(ticket) => {
                            prop_assert!(!fits);
                            waiting.push((ticket, weight));
                        }
                        Claim::Refused(refusal) => panic!("{refusal:?}"),
                    }
                }
                Step::Forgo(index) if index < waiting.len() => {
                    ledger.forgo(&waiting.remove(index).0, &at(now));
                }
                Step::Come(_) | Step::Forgo(_) => {}
            }
            for window in &windows {
                prop_assert!(!is_overfull(*window, &started));
            }
        }
    }

}

proptest! {
    // Each case makes three thousand calls.
    #![proptest_config(ProptestConfig::with_cases(3))]

    #[test]
    fn merged_calls_are_a_little_stricter_and_never_laxer(
        gaps in prop::collection::vec(0_i64..120, 3000..3100),
    ) {
        let window = Window { calls: 1500, stretch: Duration::from_mins(1) };
        let limits = Limits::of(&[window]);
        let ledger = Ledger::at(None);
        let (mut now, mut started) = (0, Vec::new());
        for gap in gaps {
            now += gap;
            if is_started(&ledger.claim(&call(&limits), None, NONE, &at(now))) {
                started.push((now, 1));
            } else {
                // A sixtieth of the stretch is what merging may cost.
                let lax = Window { stretch: Duration::from_secs(61), ..window };
                prop_assert!(slow_earliest(&[lax], &started, 1, now) > now);
            }
        }
        let apart = i64::try_from(window.apart().as_millis()).unwrap();
        for pair in started.windows(1501) {
            prop_assert!(pair[1500].0 - pair[0].0 >= apart);
        }
        let standing = ledger.standing(&call(&limits), &at(now)).unwrap();
        prop_assert!(standing.windows[0].leaves.len() < 1200);
    }
}
