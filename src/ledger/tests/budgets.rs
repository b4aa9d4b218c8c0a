//! Budgets, what of them is reserved, and how much a call weighs.

use std::collections::BTreeMap;

use super::*;
use crate::time::Zone;
use crate::units::parse_share;

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
