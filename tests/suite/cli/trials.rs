//! After an outage: one request tries whether a provider is well again, and who would be refused only
//! because of that waits for what comes of it.
//!
//! The outage, and trials of other processes, are written into the ledger as those would have: that a
//! breaker opens and who opens it is promised elsewhere (`limits`, `chains`, `command`).

use std::process::Child;
use std::time::Duration;

use mcache::clock::{Clock, Reading};
use mcache::error::{Error, Kind};
use mcache::ledger::{Call, Claim, Ledger, Limits, Outcome, Said};

use crate::sandbox::{Sandbox, Upstream, finished, machine, numbered, reply};

/// So many milliseconds ago, by both clocks of the machine.
fn ago(ms: u64) -> Reading {
    let (now, ago) = (Clock::system().reading(), Duration::from_millis(ms));
    Reading { wall: now.wall - ago, uptime: now.uptime.saturating_sub(ago) }
}

/// The ledger of a machine, as another process on it has it.
fn ledger(sandbox: &Sandbox) -> Ledger {
    std::fs::create_dir_all(sandbox.cache()).unwrap();
    Ledger::at(Some(&sandbox.cache()))
}

/// Writes down how a request of a provider has ended.
fn settle(ledger: &Ledger, provider: &str, said: Said<'_>, now: &Reading) {
    let outcome =
        Outcome { provider, started: now.wall, said, used: None, keys: &[], failed: None };
    ledger.settle(&outcome, now);
}

/// A provider that failed again and again, so long ago that it may be tried.
fn was_out(sandbox: &Sandbox, provider: &str) -> Ledger {
    let ledger = ledger(sandbox);
    let error = Error::new(Kind::Upstream, "it was out");
    for _ in 0..5 {
        settle(&ledger, provider, Said::Failed(&error), &ago(30_000));
    }
    ledger
}

/// Another process tries a provider since so many milliseconds.
fn tried_since(ledger: &Ledger, provider: &str, ms: u64) {
    let limits = Limits::default();
    let call = Call {
        provider,
        endpoint: "quote",
        weight: 1,
        caller: "another",
        use_case: None,
        limits: &limits,
        budget_share: None,
        is_probe: false,
    };
    match ledger.claim(&call, None, Duration::ZERO, &ago(ms)) {
        Claim::Started(started) => assert!(started.is_probe),
        other => panic!("{other:?}"),
    }
}

/// Waits until a process asks for so many keys, or has ended.
fn asks_for(sandbox: &Sandbox, mut process: Child, keys: usize) -> Child {
    let locks = sandbox.cache().join("locks");
    let asked = || std::fs::read_dir(&locks).map_or(0, Iterator::count);
    while asked() < keys && process.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
    process
}

#[test]
fn the_first_command_after_an_outage_gets_all_that_it_asks_for() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    was_out(&sandbox, "yahoo");
    let run = sandbox.run(&["fetch", "S1", "S2", "S3", "S4", "S5", "S6", "-f", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    for (n, record) in (1..).zip(run.json().as_array().unwrap()) {
        assert_eq!(record["price"], 1000 + n, "{record}");
    }
    assert_eq!(upstream.count(), 6);
    assert_eq!(sandbox.json(&["limits", "yahoo"])[0]["health"], "ok");
    assert_eq!(sandbox.json(&["stats"])["errors"]["upstream"], 0);
}

#[test]
fn one_request_tries_and_if_it_fails_all_others_are_refused() {
    let upstream = Upstream::saying(501, "text/plain", "no");
    let sandbox = machine(&upstream);
    was_out(&sandbox, "yahoo");
    let run = sandbox.run(&["fetch", "S1", "S2", "S3", "S4", "S5", "S6"]);
    run.fails(1, &["hint: `mcache limits yahoo --resume` asks it at once"]);
    assert_eq!(upstream.count(), 1);
    let said = |text: &str| run.stderr.matches(text).count();
    assert_eq!(said("error: S"), 6, "{run:?}");
    // Who had not waited would say how it had failed before.
    let waited = "UTC: it failed again and again: yahoo failed with HTTP 501";
    assert_eq!((said("yahoo is not asked before "), said(waited)), (5, 5), "{run:?}");
}

#[test]
fn the_trial_of_another_process_is_waited_for() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    let ledger = was_out(&sandbox, "yahoo");
    let asking = || sandbox.command(&["fetch", "S1", "S2", "--max-wait", "1m"]).spawn().unwrap();
    tried_since(&ledger, "yahoo", 0);
    let waiting = asks_for(&sandbox, asking(), 2);
    settle(&ledger, "yahoo", Said::Failed(&Error::new(Kind::Upstream, "still out")), &ago(0));
    let run = finished(waiting);
    run.fails(1, &["S1: yahoo is not asked before ", "it failed again and again: still out"]);
    assert_eq!(upstream.count(), 0);

    ledger.resume("yahoo", &ago(0)).unwrap();
    was_out(&sandbox, "yahoo");
    tried_since(&ledger, "yahoo", 0);
    let waiting = asks_for(&sandbox, asking(), 2);
    settle(&ledger, "yahoo", Said::Answered, &ago(0));
    let run = finished(waiting);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn who_was_killed_while_it_tried_is_not_waited_for_for_ever() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    let ledger = was_out(&sandbox, "yahoo");
    // It keeps others out for ten seconds in all.
    tried_since(&ledger, "yahoo", 9_700);
    let run = sandbox.run(&["fetch", "S1", "S2", "S3"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(upstream.count(), 3);
}

#[test]
fn who_does_not_wait_is_refused_at_once_and_offline_asks_nobody() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    let ledger = was_out(&sandbox, "yahoo");
    tried_since(&ledger, "yahoo", 0);
    // Whoever waited would try by himself in the end.
    let refused = ["S1: yahoo is not asked before ", "it failed again and again: it was out"];
    sandbox.run(&["fetch", "S1", "--max-wait", "0"]).fails(1, &refused);
    let offline = sandbox.run(&["fetch", "S1", "--offline", "-f", "json"]);
    assert!(offline.stdout.contains("\"kind\":\"offline\""), "{offline:?}");
    assert_eq!(upstream.count(), 0);
}

/// A machine whose stocks are asked of `first`, and then of `second`.
fn chained(first: &Upstream, second: &Upstream) -> Sandbox {
    let sandbox = machine(second);
    let link = |upstream: &Upstream| format!("{{kind: yahoo, base_url: \"{}\"}}", upstream.url());
    sandbox.config(&format!(
        "providers: {{first: {}, second: {}}}\nchains: {{stock: [first, second]}}\n",
        link(first),
        link(second)
    ));
    sandbox
}

#[test]
fn a_trial_is_not_waited_for_where_another_may_be_asked() {
    let (first, second) = (numbered(), numbered());
    let sandbox = chained(&first, &second);
    let ledger = was_out(&sandbox, "first");
    tried_since(&ledger, "first", 0);
    let run = sandbox.run(&["fetch", "S1", "S2", "-v", "-f", "json", "--max-wait", "1h"]);
    run.says("first was passed over (first is not asked before ");
    for record in run.json().as_array().unwrap() {
        assert_eq!(record["provider"], "second", "{record}");
    }
    assert_eq!((first.count(), second.count()), (0, 2));
}

#[test]
fn a_trial_is_waited_for_once_all_others_have_failed() {
    let first = numbered();
    let second = Upstream::start(|_| reply(404, "text/plain", b"no"));
    let sandbox = chained(&first, &second);
    let ledger = was_out(&sandbox, "first");
    tried_since(&ledger, "first", 9_000);
    let records = sandbox.json(&["fetch", "S1"]);
    assert_eq!((&records[0]["provider"], first.count()), (&"first".into(), 1), "{records}");
}

#[test]
fn the_trial_of_a_program_is_not_waited_for() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    sandbox
        .config("providers: {model: {kind: command, endpoints: {mood: {command: [echo, '1']}}}}\n");
    let ledger = was_out(&sandbox, "model");
    tried_since(&ledger, "model", 0);
    // It may be asking for what is held meanwhile; whoever waited would run it in the end.
    let run = sandbox.run(&["fetch", "S1", "-t", "mood", "-p", "model", "--max-wait", "1m"]);
    run.fails(1, &["model is not asked before ", "it failed again and again: it was out"]);
}
