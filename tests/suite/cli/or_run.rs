//! `get --or-run`: a value by its key, else what a program prints.

use std::path::Path;

use super::command::{let_go, pipe, runs};
use super::{LATER, at, when_aged};
use crate::sandbox::{Sandbox, counted, finished};

/// Says that it ran, and prints.
const PRINT: [&str; 4] = ["--or-run", "sh", "-c", "echo ran >> ~/ran; printf '\\377\\000 x'"];

fn get<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["get", "report:daily"], more].concat()
}

#[test]
fn what_a_program_prints_is_kept_byte_for_byte_as_put_would() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        let run = sandbox.run(&get(&PRINT));
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
        assert_eq!(run.bytes, b"\xff\x00 x");
    }
    assert_eq!(runs(&sandbox), 1);
    assert_eq!(sandbox.run(&get(&[])).bytes, b"\xff\x00 x");
    assert!(
        sandbox.run(&["keys"]).stdout.contains("report:daily"),
        "it is an entry like any other"
    );
    // As put: 300 seconds, unless it is said.
    assert_eq!(at(&sandbox, "2026-07-01T15:04:50Z", &get(&[])).code, Some(0));
    assert_eq!(at(&sandbox, "2026-07-01T15:05:10Z", &get(&[])).code, Some(1));
    at(&sandbox, "2026-07-01T15:05:10Z", &get(&[&["--ttl", "1h"], &PRINT[..]].concat()));
    assert_eq!(at(&sandbox, "2026-07-01T16:04:50Z", &get(&[])).code, Some(0));
    assert_eq!(runs(&sandbox), 2);
    // What is fresh and too old all the same.
    let young = [&["--max-age", "10s"], &PRINT[..]].concat();
    assert_eq!(at(&sandbox, "2026-07-01T15:06:00Z", &get(&young)).code, Some(0));
    assert_eq!(runs(&sandbox), 3);
}

#[test]
fn all_that_follows_is_the_program() {
    let sandbox = Sandbox::new();
    let run =
        sandbox.run(&["get", "a", "--or-run", "echo", "-n", "--stale", "-f", "--", "$HOME;x"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "--stale -f -- $HOME;x"));
    let json = sandbox.run(&["-f", "json", "get", "b", "--or-run", "echo", "up"]);
    assert_eq!(json.stdout, "\"up\\n\"\n");
    sandbox.run(&["get", "report:*", "--or-run", "echo"]).fails(2, &["report:*", "is not a key"]);
    sandbox.run(&["get", "a@demo", "--or-run", "echo"]).fails(2, &["a@demo"]);
    sandbox.run(&["get", "a", "--or-run"]).fails(2, &["--or-run"]);
    sandbox.run(&["get", "a", "--ttl", "5s"]).fails(2, &["--or-run"]);
}

#[test]
fn a_program_that_fails_is_told_and_a_stale_value_stands_in_for_it() {
    let sandbox = Sandbox::new();
    let failing = ["--or-run", "sh", "-c", "echo bad news >&2; exit 9"];
    let run = sandbox.run(&get(&failing));
    run.fails(1, &["error: report:daily: `sh` failed with exit code 9: bad news"]);
    assert_eq!(run.stdout, "");
    sandbox.run(&["put", "report:daily", "old", "--ttl", "10s"]);
    let stale = at(&sandbox, &when_aged(&sandbox, 40), &get(&failing));
    assert_eq!((stale.code, stale.stdout.as_str()), (Some(0), "old"), "{stale:?}");
    assert!(stale.stderr.contains("warning: report:daily: this answer is 40 s old"), "{stale:?}");
    let stats = sandbox.json(&["stats"]);
    assert_eq!(counted(&stats), 1, "one question is one request: {stats}");
    assert_eq!(stats["hits"]["stale"], 1);
    // After 30 days it is gone.
    at(&sandbox, "2026-08-01T15:00:00Z", &get(&failing)).fails(1, &["exit code 9"]);
    sandbox
        .run(&["get", "x", "--or-run", "/no/such"])
        .fails(1, &["there is no program `/no/such`"]);
}

#[test]
fn nothing_is_run_offline_and_nothing_if_a_stale_value_will_do() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&[&["--offline"], &get(&PRINT)[..]].concat());
    run.fails(1, &["nothing is held"]);
    sandbox.run(&["put", "report:daily", "old", "--ttl", "10s"]);
    let offline = at(&sandbox, LATER, &[&["--offline"], &get(&PRINT)[..]].concat());
    assert_eq!((offline.code, offline.stdout.as_str()), (Some(0), "old"), "{offline:?}");
    let stale = at(&sandbox, LATER, &get(&[&["--stale"], &PRINT[..]].concat()));
    assert_eq!((stale.stdout.as_str(), runs(&sandbox)), ("old", 0), "{stale:?}");
    let none = sandbox.run(&[&["get", "other", "--stale"], &PRINT[..]].concat());
    assert_eq!((none.code, runs(&sandbox)), (Some(0), 1), "{none:?}");
}

#[test]
fn a_crowd_runs_it_once_and_all_get_what_it_prints() {
    let sandbox = Sandbox::new().in_real_time();
    let gate = pipe(&sandbox, "gate");
    let arguments = get(&["--or-run", "sh", "-c", "echo ran >> ~/ran; cat ~/gate"]);
    let crowd: Vec<_> = (0..12).map(|_| sandbox.command(&arguments).spawn().unwrap()).collect();
    let_go(&gate);
    for child in crowd {
        let run = finished(child);
        assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "go\n", ""));
    }
    assert_eq!(runs(&sandbox), 1);
}

#[test]
fn a_program_may_ask_for_any_key_but_its_own() {
    let folder = Path::new(env!("CARGO_BIN_EXE_mcache")).parent().unwrap().display().to_string();
    let sandbox = Sandbox::new().env("PATH", format!("{folder}:/usr/bin:/bin"));
    let other = "mcache get other --or-run echo \"$MCACHE_KEY\"";
    let run = sandbox.run(&get(&["--or-run", "sh", "-c", other]));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "report:daily\n"), "{run:?}");
    for asks in [
        "mcache get own --or-run echo 1",
        "mcache get second --or-run mcache get own --or-run echo 1",
    ] {
        let run = sandbox.run(&["get", "own", "--or-run", "sh", "-c", asks]);
        run.fails(1, &["`own` is what this program was started for"]);
    }
    // A look is no question, and what is put meanwhile is another's.
    let look = "mcache get own || echo none";
    assert_eq!(sandbox.run(&["get", "own", "--or-run", "sh", "-c", look]).stdout, "none\n");
}
