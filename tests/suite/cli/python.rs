//! The client for Python, and the bot that uses it, run by `python3` against the real program.
//!
//! `.ci/run` makes sure that there is one; elsewhere, without it, nothing is run and that is said.

use std::path::Path;

use crate::sandbox::{Run, Sandbox, finished};

/// What Python says of a script of this repository; none if there is no Python.
fn python(sandbox: &Sandbox, arguments: &[&str]) -> Option<Run> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = sandbox.command_of(Path::new("/usr/bin/env"), &["python3", "-B"]);
    command
        .args(arguments)
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("MCACHE_BINARY", env!("CARGO_BIN_EXE_mcache"))
        .current_dir(top);
    let run = finished(command.spawn().unwrap());
    if run.code == Some(127) {
        return None;
    }
    Some(run)
}

#[test]
fn the_client_for_python_keeps_its_promises() {
    let sandbox = Sandbox::new().in_real_time();
    let discover = ["-m", "unittest", "discover", "-s", "clients/python"];
    let Some(run) = python(&sandbox, &discover) else { return };
    assert!(run.code == Some(0) && run.stderr.contains("\nOK"), "{}", run.stderr);
}

#[test]
fn the_bot_reads_its_database_once_and_sees_a_change_at_once() {
    // One process after the other sees what the one before has done: the clock has to go on.
    let sandbox = Sandbox::new().in_real_time();
    let Some(run) = python(&sandbox, &["examples/trading_bot.py", "--demo"]) else { return };
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    for (line, (begins, ends)) in lines.iter().zip([
        ("warm_cache: 9 settings were not held", "(10 reads of the database)"),
        ("warm_cache again: 0 settings were not held", "(0 reads of the database)"),
        ("should_trade_pair BTC/USDT: yes, ", "(0 reads of the database)"),
        ("should_trade_pair ETH/USDT: yes, ", "(0 reads of the database)"),
        ("should_trade_pair DOGE/USDT: no, it is no trading pair", "(0 reads of the database)"),
        ("get_portfolio_settings: {'cash': 10000.5, ", "(0 reads of the database)"),
        ("ETH/USDT is switched off, which expires trading_pairs", "(0 reads of the database)"),
        ("should_trade_pair ETH/USDT: no, it is not enabled", "(1 reads of the database)"),
        ("", " hits"),
    ]) {
        assert!(line.starts_with(begins) && line.ends_with(ends), "{line}: {run:?}");
    }
    assert_eq!(lines.len(), 9, "{run:?}");
}

#[test]
fn a_bot_without_mcache_says_where_it_may_be_named() {
    let sandbox = Sandbox::new();
    let arguments = ["examples/trading_bot.py", "--demo", "--mcache", "/no/such/mcache"];
    let Some(run) = python(&sandbox, &arguments) else { return };
    run.fails(1, &["error: ", "/no/such/mcache", "hint: say where mcache is"]);
    let Some(run) = python(&sandbox, &["examples/trading_bot.py"]) else { return };
    run.fails(2, &["--demo"]);
}
