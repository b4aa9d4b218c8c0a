//! `clear`: drops what fits every condition that is given, and says how much went.

use super::{LATER, at, json_at, speaking};
use crate::sandbox::Sandbox;

/// A machine that holds three quotes of two providers, a series and two values of `put`, at
/// [`LATER`]: two of the quotes are stale then.
fn filled() -> Sandbox {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    at(&sandbox, LATER, &["fetch", "AAPL", "GDP", "-p", "demo"]);
    at(&sandbox, LATER, &["put", "prediction:stock:AAPL", "1", "--tag", "model"]);
    at(&sandbox, LATER, &["put", "system_config:paper", "true", "--tag", "model", "--tag", "desk"]);
    sandbox
}

/// The names of what is held.
fn held(sandbox: &Sandbox, now: &str) -> Vec<String> {
    let keys = json_at(sandbox, now, &["keys"]);
    let name = |entry: &serde_json::Value| {
        format!("{}@{}", entry["key"].as_str().unwrap(), entry["provider"].as_str().unwrap())
    };
    keys.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn each_condition_picks_what_it_says_and_together_they_narrow() {
    let sandbox = filled();
    let all = held(&sandbox, LATER);
    assert_eq!(
        all,
        [
            "prediction:stock:AAPL@put",
            "quote:stock:AAPL@demo",
            "quote:stock:AAPL@yahoo",
            "quote:stock:MSFT@yahoo",
            "series:macro:GDP@demo",
            "system_config:paper@put",
        ]
    );
    for (conditions, picked) in [
        (&["quote:*"][..], &[1, 2, 3][..]),
        (&["price:*"], &[1, 2, 3]),
        (&["*:AAPL"], &[0, 1, 2]),
        (&["quote:*@yahoo"], &[2, 3]),
        (&["quote:stock:AAPL"], &[1, 2]),
        (&["quote:*", "series:*"], &[1, 2, 3, 4]),
        (&["--symbol", "aapl"], &[0, 1, 2]),
        (&["--type", "quote"], &[1, 2, 3]),
        (&["-t", "price"], &[1, 2, 3]),
        (&["-t", "system_config"], &[5]),
        (&["--provider", "demo"], &[1, 4]),
        (&["-p", "put"], &[0, 5]),
        (&["--tag", "model"], &[0, 5]),
        (&["--tag", "desk"], &[5]),
        (&["--stale"], &[2, 3]),
        (&["--gone"], &[]),
        (&["--symbol", "AAPL", "-p", "demo"], &[1]),
        (&["quote:*", "--stale", "--symbol", "MSFT"], &[3]),
        (&["--tag", "model", "--symbol", "AAPL"], &[0]),
        (&["--all"], &[0, 1, 2, 3, 4, 5]),
    ] {
        let arguments = [&["clear", "--dry-run"], conditions].concat();
        let plan = json_at(&sandbox, LATER, &arguments);
        let expected: Vec<&String> = picked.iter().map(|at| &all[*at]).collect();
        assert_eq!(plan["keys"], serde_json::json!(expected), "{conditions:?}");
        assert_eq!(plan["entries"], expected.len(), "{conditions:?}");
    }
    assert_eq!(held(&sandbox, LATER), all, "a dry run drops nothing");
}

#[test]
fn what_is_dropped_is_counted_in_entries_and_bytes_and_is_gone() {
    let sandbox = filled();
    let bytes: i64 = json_at(&sandbox, LATER, &["keys", "quote:*@yahoo"])
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["size_bytes"].as_i64().unwrap())
        .sum();
    let dropped = json_at(&sandbox, LATER, &["clear", "quote:*@yahoo"]);
    assert_eq!(dropped["entries"], 2);
    assert_eq!(dropped["bytes"], bytes);
    assert_eq!(dropped["dry_run"], false);
    assert_eq!(held(&sandbox, LATER).len(), 4);
    let rest = at(&sandbox, LATER, &["clear", "--all"]);
    assert!(rest.stdout.starts_with("dropped 4 entries, "), "{rest:?}");
    assert!(held(&sandbox, LATER).is_empty());
    assert_eq!(json_at(&sandbox, LATER, &["stats"])["bytes"]["payload"], 0);
}

#[test]
fn what_was_cleared_is_asked_again() {
    let (upstream, sandbox) = speaking();
    sandbox.json(&["fetch", "AAPL"]);
    sandbox.run(&["clear", "--symbol", "AAPL"]);
    assert_eq!(sandbox.json(&["fetch", "AAPL"])[0]["cache"]["status"], "miss");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_dry_run_lists_what_would_go() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a:x", "1"]);
    sandbox.run(&["put", "a:y", "22"]);
    insta::assert_snapshot!(sandbox.run(&["clear", "a:*", "--dry-run"]).shown(), @r"
    a:x@put
    a:y@put
    would drop 2 entries, 15 B
    exit 0
    ");
    insta::assert_snapshot!(sandbox.run(&["clear", "a:x"]).shown(), @r"
    dropped 1 entry, 7 B
    exit 0
    ");
}

#[test]
fn nothing_said_clears_nothing() {
    let sandbox = filled();
    insta::assert_snapshot!(sandbox.run(&["clear"]).shown(), @r"
    ! error: nothing says what to clear
    ! hint: give a pattern (`mcache clear 'quote:*'`), a condition such as --stale, or --all
    exit 2
    ");
    sandbox.run(&["clear", "--dry-run"]).fails(2, &["nothing says what to clear"]);
    sandbox.run(&["clear", "--all", "quote:*"]).fails(2, &["cannot be used with"]);
    assert_eq!(held(&sandbox, LATER).len(), 6);
}

#[test]
fn a_pattern_that_picks_nothing_names_the_nearest_key() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "system_config:paper", "1"]);
    let run = sandbox.run(&["clear", "system_confg:paper"]);
    run.fails(0, &["nothing matches `system_confg:paper`; did you mean `system_config:paper`?"]);
    assert_eq!(run.stdout, "dropped 0 entries, 0 B\n");
    let far = sandbox.run(&["clear", "elephant"]);
    assert_eq!(far.stderr, "nothing matches `elephant`\n");
    sandbox
        .run(&["clear", "-p", "yaho"])
        .fails(2, &["there is no provider `yaho`", "did you mean `yahoo`?"]);
}

#[test]
fn a_type_of_which_nothing_is_held_names_the_nearest() {
    let sandbox = filled();
    let run = sandbox.run(&["clear", "-t", "quotes"]);
    run.fails(0, &["nothing is of the type `quotes`: did you mean `quote`?"]);
    assert_eq!(run.stdout, "dropped 0 entries, 0 B\n");
    // A type that there is, and one of `put`, of which another condition picks nothing.
    for data_type in ["bars", "system_config"] {
        let run = sandbox.run(&["clear", "-t", data_type, "--gone"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{data_type}");
    }
}

#[test]
fn what_is_gone_can_be_dropped_alone() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    let month_later = "2026-08-01T00:00:00Z";
    at(&sandbox, month_later, &["put", "a", "1"]);
    assert_eq!(json_at(&sandbox, month_later, &["clear", "--gone"])["entries"], 1);
    assert_eq!(held(&sandbox, month_later), ["a@put"]);
}
