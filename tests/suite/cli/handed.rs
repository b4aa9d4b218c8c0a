//! When what a program is handed is asked for: only once nothing is left to do but to run it.

use std::io::Read as _;
use std::process::Command;

use serde_json::{Value, json};

use super::command::{let_go, pipe, runs};
use super::{LATER, at};
use crate::sandbox::{Sandbox, Upstream, finished};

/// A machine whose `model` runs one program at a time, of these endpoints, and whose quotes come from here.
fn machine(upstream: &Upstream, endpoints: &str) -> Sandbox {
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.config(&format!(
        "providers:\n  model:\n    kind: command\n    concurrency: 1\n    endpoints:\n{endpoints}"
    ));
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_mcache"));
    let folder = program.parent().unwrap().display().to_string();
    sandbox.env("PATH", format!("{folder}:/usr/bin:/bin"))
}

/// The same whose predictions are `first`'s and, where that fails, those of a program with an input.
fn chain(upstream: &Upstream, first: &str) -> Sandbox {
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.config(&format!(
        "providers:
  first: {{kind: command, endpoints: {{prediction: {{command: [sh, -c, '{first}', sh, '{{symbol}}']}}}}}}
  second: {{kind: command, endpoints: {{prediction: {{command: [cat], input: [quote]}}}}}}
chains: {{stock: [first, second, yahoo]}}
"
    ));
    sandbox
}

/// What the answer to this says, and who gave it.
fn given(sandbox: &Sandbox, arguments: &[&str]) -> (Value, Value) {
    let mut answer = sandbox.json(arguments)[0].take();
    (answer["provider"].take(), answer["payload"].take())
}

#[test]
fn who_stands_behind_in_a_chain_is_handed_nothing_before_its_turn() {
    let upstream = Upstream::speaking();
    let fetch = ["fetch", "AAPL", "-t", "prediction"];
    let sandbox = chain(&upstream, "echo 1");
    assert_eq!(given(&sandbox, &fetch), (json!("first"), json!(1)));
    assert_eq!(upstream.count(), 0);
    let sandbox = chain(&upstream, "exit 1");
    let (who, handed) = given(&sandbox, &fetch);
    assert_eq!((&who, &handed["quote"]["symbol"]), (&json!("second"), &json!("AAPL")));
    assert_eq!((upstream.count(), &handed["quote"]["cache"]["upstream_calls"]), (1, &json!(1)));
    // The quote's request is one of those that were made, besides the two programs.
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["upstream_calls"], &stats["requests"]), (&json!(3), &json!(2)));
    // Who is passed over since there is nothing to be had of it costs its input no more than that.
    let sandbox = chain(&upstream, "exit 66");
    assert_eq!(given(&sandbox, &fetch).0, "second");
    sandbox.run(&["limits", "second", "--pause", "1d"]);
    at(&sandbox, LATER, &fetch).says("second is paused until");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn who_waits_for_another_to_run_the_program_asks_for_nothing() {
    let upstream = Upstream::speaking();
    let sandbox = machine(
        &upstream,
        "      mood: {command: [sh, -c, 'echo > ~/begun; cat ~/gate'], input: [quote]}\n",
    );
    let (begun, gate) = (pipe(&sandbox, "begun"), pipe(&sandbox, "gate"));
    let fetch = ["fetch", "AAPL", "-t", "mood", "-f", "json"];
    let running = sandbox.command(&fetch).spawn().unwrap();
    std::fs::File::open(begun).unwrap().read_to_string(&mut String::new()).unwrap();
    assert_eq!(upstream.count(), 1);
    // By then the quote is stale, and it will not wait.
    let run = at(&sandbox, LATER, &[&fetch[..], &["--max-wait", "0"]].concat());
    run.fails(1, &["another process asks for `mood:stock:AAPL`"]);
    assert_eq!(upstream.count(), 1);
    let_go(&gate);
    let run = finished(running);
    assert_eq!((run.json()[0]["payload"].clone(), run.stderr.as_str()), (json!("go\n"), ""));
}

#[test]
fn a_program_that_may_not_be_run_now_costs_no_input() {
    let upstream = Upstream::speaking();
    let sandbox = machine(&upstream, "      mood: {command: [cat], input: [quote], limit: 1/1h}\n");
    assert_eq!(sandbox.run(&["fetch", "AAPL", "-t", "mood"]).code, Some(0));
    let run = sandbox.run(&["fetch", "MSFT", "-t", "mood"]);
    run.fails(1, &["model allows no more requests until", "the limit 1/1h is used up"]);
    assert_eq!(upstream.count(), 1);
    assert_eq!(sandbox.json(&["stats"])["rate_limit_blocks"], 1);
}

#[test]
fn what_several_programs_are_handed_is_one_request() {
    let upstream = Upstream::speaking();
    let sandbox = machine(&upstream, "      mood: {command: [cat], input: [quote]}\n")
        .with_provider("binance", upstream.url())
        .env("MCACHE_CHAINS__CRYPTO", "[binance]");
    let symbols: Vec<String> = (0..20).map(|n| format!("C{n}/USDT")).collect();
    let symbols: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let answers = sandbox.json(&[&["fetch", "-t", "mood"], &symbols[..]].concat());
    for (answer, symbol) in answers.as_array().unwrap().iter().zip(symbols) {
        assert_eq!(answer["payload"]["quote"]["symbol"], symbol.trim_end_matches("/USDT"));
    }
    assert_eq!(upstream.count(), 1);
}

#[test]
fn programs_that_are_handed_what_others_print_wait_for_no_one_in_a_circle() {
    let upstream = Upstream::speaking();
    let endpoints = "      inner: {command: [sh, -c, 'echo ran >> ~/ran; cat'], input: [quote], output: json}\n      outer: {command: [cat], input: [inner, quote], output: json}\n";
    for types in ["outer,inner,quote", "quote,inner,outer", "outer"] {
        let sandbox = machine(&upstream, endpoints);
        let before = upstream.count();
        let run = sandbox.run(&["fetch", "AAPL", "MSFT", "-t", types, "-f", "json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{types}: {run:?}");
        assert_eq!((runs(&sandbox), upstream.count() - before), (2, 2), "{types}");
        let of = |answer: &Value| answer["payload"]["inner"]["payload"]["quote"]["price"].clone();
        assert_eq!(run.json().as_array().unwrap().iter().filter(|a| of(a).is_f64()).count(), 2);
    }
}

#[test]
fn a_program_that_asks_for_one_that_is_being_handed_something_does_not_wait_for_itself() {
    let upstream = Upstream::speaking();
    let sandbox = machine(
        &upstream,
        "      prediction: {command: [sh, -c, 'echo ran >> ~/ran; cat'], input: [quote], ttl: 1h}\n      ensemble: {command: [sh, -c, 'echo > ~/begun; mcache fetch \"$1\" -t prediction -f json', sh, '{symbol}'], output: json}\n",
    );
    let begun = pipe(&sandbox, "begun");
    upstream.hold();
    let types = "prediction,ensemble";
    let fetch = ["fetch", "AAPL", "-t", types, "-f", "json", "--max-wait", "1m"];
    let running = sandbox.command(&fetch).spawn().unwrap();
    // The one place is taken by a program that asks for the other one, whose quote comes now.
    std::fs::File::open(begun).unwrap().read_to_string(&mut String::new()).unwrap();
    upstream.let_go();
    let run = finished(running);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!((runs(&sandbox), upstream.count()), (1, 1));
}

#[test]
fn a_program_that_hands_another_something_may_not_ask_for_that_one() {
    let upstream = Upstream::speaking();
    let sandbox = machine(
        &upstream,
        "      inner: {command: [sh, -c, 'mcache fetch \"$1\" -t outer', sh, '{symbol}']}\n      outer: {command: [cat], input: [inner], output: json}\n",
    );
    let run = sandbox.run(&["fetch", "AAPL", "-t", "outer", "-f", "json"]);
    assert_eq!(run.json()[0]["payload"], json!({"inner": null}));
    run.says("`outer:stock:AAPL` is what this program was started for");
}

#[test]
fn an_interrupt_ends_who_waits_for_what_its_program_is_handed() {
    let upstream = Upstream::speaking();
    let sandbox = machine(
        &upstream,
        "      inner: {command: [cat], input: [quote]}\n      outer: {command: [cat], input: [inner]}\n",
    );
    upstream.hold();
    let waiting = sandbox.command(&["fetch", "AAPL", "-t", "outer"]).spawn().unwrap();
    upstream.wait_for(1);
    let kill = Command::new("kill").args(["-s", "INT", &waiting.id().to_string()]).status();
    assert!(kill.unwrap().success());
    assert_eq!(finished(waiting).code, Some(130));
    upstream.let_go();
    // Nothing of it is in the way of the next.
    assert_eq!(sandbox.run(&["fetch", "AAPL", "-t", "outer"]).code, Some(0));
}

#[test]
fn a_program_that_asks_for_what_waits_for_its_permit_is_not_waited_for_in_a_circle() {
    let upstream = Upstream::speaking();
    // `ensemble` has the one permit and asks for the prediction that needs one for its input.
    let sandbox = machine(
        &upstream,
        "      inner: {command: [cat], input: [quote]}
      prediction: {command: [cat], input: [inner], ttl: 1h}
      ensemble: {command: [sh, -c, 'mcache fetch \"$1\" -t prediction -f json', sh, '{symbol}']}
",
    );
    let run =
        sandbox.run(&["fetch", "AAPL", "MSFT", "IBM", "-t", "prediction,ensemble", "-f", "json"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(run.json().as_array().unwrap().len(), 6);
}
