//! `put`: any program's value under a key, all of them or none.

use super::{LATER, at, json_at};
use crate::sandbox::Sandbox;

#[test]
fn a_value_lives_by_its_own_time() {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&["put", "a:default", "1"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{run:?}");
    sandbox.run(&["put", "a:short", "1", "--ttl", "30"]);
    sandbox.run(&["put", "a:long", "1", "--ttl", "7d"]);
    let left = |entry: &serde_json::Value| entry["ttl_left_seconds"].as_f64().unwrap();
    let keys = json_at(&sandbox, LATER, &["keys"]);
    assert!((left(&keys[0]) - 260.0).abs() < 2.0, "{keys}");
    assert!((left(&keys[1]) - 604_760.0).abs() < 2.0, "{keys}");
    assert_eq!(keys[2]["state"], "stale");
}

#[test]
fn a_value_replaces_the_one_before_with_its_tags() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a", "1", "--tag", "x", "--tag", "y"]);
    sandbox.run(&["put", "a", "2", "--tag", "z"]);
    assert_eq!(sandbox.run(&["get", "a"]).stdout, "2");
    for (tag, entries) in [("x", 0), ("z", 1)] {
        assert_eq!(
            sandbox.json(&["clear", "--tag", tag, "--dry-run"])["entries"],
            entries,
            "{tag}"
        );
    }
}

#[test]
fn many_values_are_stored_in_one_step() {
    let sandbox = Sandbox::new();
    let lines = "{\"key\":\"a:1\",\"value\":{\"x\": 1.50}}\n\n{\"key\":\"a:2\",\"value\":\"text\"}\n{\"value\":null,\"key\":\"a:3\"}";
    let run =
        sandbox.run_with_input(&["put", "--ndjson", "-", "--ttl", "1h", "--tag", "batch"], lines);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(
        sandbox.run(&["get", "a:*", "-f", "json"]).stdout,
        "{\"a:1\":{\"x\":1.50},\"a:2\":\"text\",\"a:3\":null}\n"
    );
    assert_eq!(sandbox.json(&["clear", "--tag", "batch", "--dry-run"])["entries"], 3);
    let file = sandbox.file("values.ndjson", "{\"key\":\"b\",\"value\":2}\n");
    assert_eq!(sandbox.run(&["put", "--ndjson", file.to_str().unwrap()]).code, Some(0));
    assert_eq!(sandbox.run(&["get", "b"]).stdout, "2");
}

#[test]
fn one_bad_line_stores_none() {
    let sandbox = Sandbox::new();
    for (line, says) in [
        ("{\"key\":\"b\"}", "line 2: missing field `value`"),
        ("{\"key\":\"b\",\"value\":1,\"ttl\":3}", "line 2: unknown field `ttl`"),
        ("{\"key\":\"b c\",\"value\":1}", "line 2: the key `b c` holds ' '"),
        ("{\"key\":\"\",\"value\":1}", "line 2: a key is empty"),
        ("[]", "line 2: "),
        ("{\"key\":\"b\",\"value\":", "line 2: "),
    ] {
        let input = format!("{{\"key\":\"a\",\"value\":1}}\n{line}\n");
        sandbox
            .run_with_input(&["put", "--ndjson", "-"], input)
            .fails(2, &["error: ", says, "hint: "]);
    }
    assert_eq!(sandbox.json(&["keys"]), serde_json::json!([]));
    sandbox.run(&["put", "--ndjson", "nowhere"]).fails(2, &["`nowhere` cannot be read", "hint: "]);
}

#[test]
fn a_key_is_any_name_that_a_line_can_hold() {
    let sandbox = Sandbox::new();
    for key in ["pair_strategies:ETH/USDT", "ünï:côde", "a", "-", "a:b:c:d:e"] {
        assert_eq!(sandbox.run(&["put", "--", key, "1"]).code, Some(0), "{key}");
        assert_eq!(sandbox.run(&["get", "--", key]).stdout, "1", "{key}");
    }
    for key in ["", "a b", "a\tb", "a\u{1}b", "a*", "a?", &"k".repeat(513)] {
        sandbox.run(&["put", key, "1"]).fails(2, &["error: ", "hint: "]);
    }
    sandbox.run(&["put"]).fails(2, &["KEY"]);
}

#[test]
fn the_seeds_spelling_of_a_key_is_read() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "prediction:BTC", "0.7"]);
    assert_eq!(sandbox.run(&["get", "prediction:crypto:BTC"]).stdout, "0.7");
    assert_eq!(sandbox.json(&["keys"])[0]["key"], "prediction:crypto:BTC");
}

#[test]
fn a_negative_number_is_a_value() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.run(&["put", "a", "-1.5"]).code, Some(0));
    assert_eq!(sandbox.run(&["get", "a"]).stdout, "-1.5");
}

#[test]
fn a_value_without_limits_of_sense_is_refused() {
    let sandbox = Sandbox::new();
    let huge = vec![b'x'; 70_000_000];
    let run = sandbox.run_with_input(&["put", "a", "-"], &huge);
    run.fails(2, &["the value is larger than ", "hint: "]);
    assert_eq!(sandbox.run(&["get", "a"]).code, Some(1));
    assert_eq!(at(&sandbox, LATER, &["put", "a", "1", "--ttl", "200000d"]).code, Some(2));
}

#[test]
fn what_cannot_be_stored_is_an_error() {
    let sandbox = Sandbox::new();
    // A file stands where the folder should be.
    let file = sandbox.file("taken", "");
    let run = sandbox.run(&["put", "a", "1", "--cache-dir", file.to_str().unwrap()]);
    run.fails(1, &["error: the value could not be stored", "hint: "]);
}
