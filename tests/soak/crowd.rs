//! One call for one key: whoever asks for it, in whatever order, and whoever dies over it.

use std::collections::BTreeMap;
use std::process::Command;

use crate::Form;
use crate::processes::Crowd;
use crate::sandbox::{Random, Run, Sandbox, Upstream, counted, is_whole, machine, numbered};

/// A machine on which nobody gives up waiting before the watchdog does.
fn patient(upstream: &Upstream) -> Sandbox {
    machine(upstream).env("MCACHE_PROVIDERS__YAHOO__TIMEOUT", "1m")
}

fn fetching(sandbox: &Sandbox, symbols: &[String]) -> Command {
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    sandbox.command(&[&["fetch", "-f", "json", "--max-wait", "1m"], &names[..]].concat())
}

/// Asserts that a process answered these symbols rightly and heard of nobody else; how many of
/// them it had to wait for.
pub fn answered(run: &Run, symbols: &[String]) -> usize {
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let answers = run.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), symbols.len(), "{run:?}");
    for (answer, symbol) in answers.iter().zip(symbols) {
        assert_eq!(answer["symbol"], *symbol);
        let price = 1000.0 + symbol[1..].parse::<f64>().unwrap();
        assert!((answer["price"].as_f64().unwrap() - price).abs() < 1e-9, "{answer}");
    }
    answers.iter().filter(|answer| answer["cache"]["status"] != "hit").count()
}

/// Upstream's calls by symbol, all of which must be one.
fn asked_once_each(upstream: &Upstream) -> usize {
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    for incoming in upstream.seen() {
        *calls.entry(incoming.path).or_default() += 1;
    }
    let symbols = calls.len();
    calls.retain(|_, count| *count > 1);
    assert!(calls.is_empty(), "of {symbols} symbols these were asked more than once: {calls:?}");
    symbols
}

pub fn one_key_costs_one_call(form: Form) -> String {
    let processes = form.of(64, 200);
    let upstream = numbered();
    let sandbox = patient(&upstream);
    let symbols = ["S7".to_owned()];
    upstream.hold();
    let mut crowd = Crowd::default();
    for _ in 0..processes {
        crowd.start(fetching(&sandbox, &symbols));
    }
    // Whoever comes too late to wait finds the answer in the cache: the promise is the same.
    upstream.wait_for(1);
    let quiet = crowd.is_quiet();
    upstream.let_go();
    let runs = crowd.finish();
    let calls = upstream.count();
    assert_eq!(calls, 1, "{processes} processes made {calls} calls for one key");
    let waited: usize = runs.iter().map(|run| answered(run, &symbols)).sum();
    let stats = sandbox.json(&["stats"]);
    assert_eq!(counted(&stats), i64::from(processes), "{stats}");
    assert_eq!(stats["upstream_calls"], 1, "{stats}");
    assert!(is_whole(&sandbox));
    let all = if quiet { "all" } else { "not all" };
    format!(
        "{processes} processes, 1 call, {waited} waited; {all} had come as far as they could before \
         upstream answered"
    )
}

pub fn a_killed_holder_frees_the_waiters(form: Form) -> String {
    let processes = form.of(32, 200);
    let upstream = numbered();
    let sandbox = patient(&upstream);
    let symbols = ["S7".to_owned()];
    upstream.hold();
    let mut crowd = Crowd::default();
    crowd.start(fetching(&sandbox, &symbols));
    // Alone so far: this one holds the flight.
    upstream.wait_for(1);
    for _ in 0..processes {
        crowd.start(fetching(&sandbox, &symbols));
    }
    crowd.is_quiet();
    let before = upstream.count();
    assert_eq!(before, 1, "{before} calls while one process held the flight");
    crowd.kill_first();
    // Upstream still holds the first answer: what frees the others is the death alone.
    upstream.wait_for(2);
    crowd.is_quiet();
    upstream.let_go();
    let waited: usize = crowd.finish().iter().map(|run| answered(run, &symbols)).sum();
    let calls = upstream.count();
    assert_eq!(calls, 2, "{calls} calls, of which the killed holder made one");
    assert!(is_whole(&sandbox));
    format!("{processes} waiters, 1 call more than the killed holder's, {waited} waited")
}

pub fn overlapping_sets_cost_one_call_a_symbol(form: Form) -> String {
    const PROCESSES: usize = 16;
    const EACH: usize = 10;
    const SYMBOLS: usize = 24;
    let rounds = form.of(4, 40);
    let mut random = Random(11);
    let mut calls = 0;
    for round in 0..rounds {
        let upstream = numbered();
        let sandbox = patient(&upstream);
        // Held back in every other round: all of them then meet over the first they ask for.
        let held = round % 2 == 0;
        if held {
            upstream.hold();
        }
        let mut crowd = Crowd::default();
        let sets: Vec<Vec<String>> =
            (0..PROCESSES).map(|_| chosen(&mut random, SYMBOLS, EACH)).collect();
        for set in &sets {
            crowd.start(fetching(&sandbox, set));
        }
        if held {
            crowd.is_quiet();
            upstream.let_go();
        }
        for (run, set) in crowd.finish().iter().zip(&sets) {
            answered(run, set);
        }
        calls += asked_once_each(&upstream);
        assert!(is_whole(&sandbox), "round {round}");
    }
    format!("{rounds} rounds of {PROCESSES} processes with {EACH} symbols each, {calls} calls")
}

/// Some of so many symbols, in any order.
fn chosen(random: &mut Random, of: usize, count: usize) -> Vec<String> {
    let mut all: Vec<String> = (0..of).map(|n| format!("S{n}")).collect();
    (0..count).map(|_| all.swap_remove(random.below(all.len()))).collect()
}
