//! Slots of windows: who gets which, and what becomes of those that are not used.

use super::*;
use crate::time::Zone;

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
