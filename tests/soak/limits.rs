//! What upstream allows is counted over all processes of the machine.

use mcache::clock::Clock;

use crate::Form;
use crate::crowd::answered;
use crate::processes::{Crowd, run};
use crate::sandbox::{Run, Sandbox, Upstream, machine, numbered};

const PROCESSES: usize = 40;
const ALLOWED: usize = 10;

/// So many processes at once, each with a symbol of its own.
fn all_at_once(sandbox: &Sandbox) -> Vec<Run> {
    let mut crowd = Crowd::default();
    for number in 0..PROCESSES {
        crowd.start(sandbox.command(&arguments(&symbol(number))));
    }
    crowd.finish()
}

fn symbol(number: usize) -> String {
    format!("S{number}")
}

fn arguments(symbol: &str) -> [&str; 6] {
    ["fetch", symbol, "-f", "json", "--max-wait", "0"]
}

/// Asserts that as many were answered as upstream allows and that the others were told until when
/// they are not; the numbers of those who were answered.
fn exactly_the_allowed(runs: &[Run], upstream: &Upstream) -> Vec<usize> {
    let calls = upstream.count();
    assert_eq!(calls, ALLOWED, "{PROCESSES} processes made {calls} calls");
    let (held, refused): (Vec<usize>, Vec<usize>) =
        (0..PROCESSES).partition(|number| runs[*number].code == Some(0));
    assert_eq!(held.len(), ALLOWED);
    for number in &held {
        answered(&runs[*number], &[symbol(*number)]);
    }
    for number in refused {
        let run = &runs[number];
        run.fails(1, &["allows no more requests until "]);
        let answers: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(answers[0]["error"]["kind"], "rate_limited", "{run:?}");
    }
    held
}

/// An hour, not a minute: however long the machine takes, no slot comes back meanwhile.
pub fn a_window_holds_over_all_processes(form: Form) -> String {
    let rounds = form.of(2, 12);
    let mut stale = 0;
    for _ in 0..rounds {
        let upstream = numbered();
        let limited = machine(&upstream).env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[10/1h]");
        let held = exactly_the_allowed(&all_at_once(&limited), &upstream);
        // What is held is stale from now on, in whatever hours: it stands in for what may not be asked.
        let sandbox = limited.env("MCACHE_TTL__QUOTE__STOCK", "0");
        for number in held {
            let run = run(sandbox.command(&arguments(&symbol(number))));
            assert_eq!(run.json()[0]["cache"]["status"], "stale", "{run:?}");
            assert!(run.stderr.contains("until "), "{run:?}");
            stale += 1;
        }
        assert_eq!(upstream.count(), ALLOWED, "a stale answer cost a call");
    }
    format!("{rounds} rounds of {PROCESSES} processes: {ALLOWED} calls each, {stale} served stale")
}

pub fn a_budget_is_never_overspent(form: Form) -> String {
    let rounds = form.of(2, 12);
    let mut done = 0;
    while done < rounds {
        let upstream = numbered();
        let sandbox = machine(&upstream).env("MCACHE_PROVIDERS__YAHOO__BUDGET", "10/day");
        let day = Clock::system().real_now().day();
        unreachable_calls_cost_nothing(&sandbox);
        let runs = all_at_once(&sandbox);
        // Over midnight there are two budgets.
        if Clock::system().real_now().day() == day {
            exactly_the_allowed(&runs, &upstream);
            done += 1;
        }
    }
    format!("{rounds} rounds of {PROCESSES} processes: {ALLOWED} calls each")
}

/// A call that never left the machine gives its share of the budget back.
fn unreachable_calls_cost_nothing(sandbox: &Sandbox) {
    for number in 0..3 {
        let mut command = sandbox.command(&arguments(&symbol(PROCESSES + number)));
        command.env("MCACHE_PROVIDERS__YAHOO__BASE_URL", "http://127.0.0.1:1");
        run(command).fails(1, &["cannot be reached"]);
    }
}
