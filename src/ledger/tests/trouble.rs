//! Pauses, breakers, trials and keys that cool down.

use super::*;
use crate::error::{Error, Kind};

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
