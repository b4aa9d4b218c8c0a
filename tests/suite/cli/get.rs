//! `get`: a value by its key, byte for byte.

use super::{LATER, at, json_at, speaking};
use crate::sandbox::Sandbox;

#[test]
fn a_value_comes_back_byte_for_byte() {
    let sandbox = Sandbox::new();
    let binary: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let text = "  ünï\n\nwith space at the end \n";
    for (key, value) in [
        ("zero", &b"0"[..]),
        ("empty", b""),
        ("list", b"[]"),
        ("json", b"{\"a\": 1.500,  \"b\":[]}\n"),
        ("text", text.as_bytes()),
        ("binary", &binary),
    ] {
        assert_eq!(sandbox.run_with_input(&["put", key, "-"], value).code, Some(0), "{key}");
        let run = sandbox.run(&["get", key]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{key}");
        assert!(run.bytes == value, "{key}");
    }
}

#[test]
fn in_json_text_is_a_string_and_bytes_are_an_object() {
    let sandbox = Sandbox::new();
    for (key, value, shown) in [
        ("json", &b"{\"price\": 1.500}"[..], "{\"price\":1.500}\n"),
        ("text", b"a \"b\"", "\"a \\\"b\\\"\"\n"),
        (
            "binary",
            &[0xff, 0x00, 0x10],
            "{\"base64\":\"/wAQ\",\"bytes\":3,\"content_type\":\"application/octet-stream\"}\n",
        ),
    ] {
        sandbox.run_with_input(&["put", key], value);
        assert_eq!(sandbox.run(&["get", key, "-f", "json"]).stdout, shown);
    }
}

#[test]
fn what_is_not_fresh_is_not_served_unless_it_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a:b", "1", "--ttl", "20s"]);
    let stale = at(&sandbox, LATER, &["get", "a:b"]);
    insta::assert_snapshot!(stale.shown(), @r"
    ! error: a:b: what is held is not fresh (--stale serves it)
    exit 1
    ");
    let served = at(&sandbox, LATER, &["get", "a:b", "--stale"]);
    assert_eq!((served.code, served.stdout.as_str()), (Some(0), "1"), "{served:?}");
    // Kept for 30 days after that, then it is gone.
    assert_eq!(at(&sandbox, "2026-07-31T15:00:00Z", &["get", "a:b", "--stale"]).code, Some(0));
    assert_eq!(at(&sandbox, "2026-07-31T15:01:00Z", &["get", "a:b", "--stale"]).code, Some(1));
}

#[test]
fn max_age_narrows_what_was_put_too() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a", "1"]);
    assert_eq!(at(&sandbox, LATER, &["get", "a", "--max-age", "1m"]).code, Some(0));
    assert_eq!(at(&sandbox, LATER, &["get", "a", "--max-age", "10s"]).code, Some(1));
    // No rule of the configuration does.
    assert_eq!(at(&sandbox, LATER, &["get", "a", "--set", "ttl.quote=1"]).code, Some(0));
}

#[test]
fn a_key_names_the_chains_entry_and_an_at_sign_another_providers() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    sandbox.run(&["fetch", "AAPL", "-p", "demo"]);
    let provider = |key: &str| sandbox.json(&["get", key])["provider"].clone();
    assert_eq!(provider("quote:stock:AAPL"), "yahoo");
    assert_eq!(provider("price:stock:AAPL"), "yahoo");
    assert_eq!(provider("quote:stock:AAPL@demo"), "demo");
    sandbox.run(&["put", "quote:stock:AAPL", r#"{"provider":"me"}"#]);
    assert_eq!(provider("quote:stock:AAPL"), "me");
    assert_eq!(provider("quote:stock:AAPL@put"), "me");
    assert_eq!(provider("quote:stock:AAPL@yahoo"), "yahoo");
    sandbox.run(&["get", "quote:stock:AAPL@yaho"]).fails(2, &["did you mean `yahoo`?"]);
}

#[test]
fn a_pattern_gives_one_object_of_keys_and_values() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "system_config:paper", "true"]);
    sandbox.run(&["put", "system_config:desk", "\"left\""]);
    sandbox.run(&["put", "system_config:note", "plain words"]);
    sandbox.run(&["put", "other", "1", "--ttl", "1s"]);
    assert_eq!(
        sandbox.run(&["get", "system_config:*", "-f", "json"]).stdout,
        "{\"system_config:desk\":\"left\",\"system_config:note\":\"plain words\",\"system_config:paper\":true}\n"
    );
    insta::assert_snapshot!(sandbox.run(&["get", "system_config:*"]).shown(), @r#"
    KEY                  VALUE
    system_config:desk   "left"
    system_config:note   plain words
    system_config:paper  true
    exit 0
    "#);
    // What is stale is not in it.
    assert_eq!(
        json_at(&sandbox, LATER, &["get", "o*", "--stale"]),
        serde_json::json!({"other": 1})
    );
    let none = at(&sandbox, LATER, &["get", "o*", "-f", "json"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(1), "{}\n"), "{none:?}");
}

#[test]
fn what_is_not_held_is_said_with_the_nearest_key() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "system_config:paper", "1"]);
    sandbox
        .run(&["get", "system_config:papr"])
        .fails(1, &["system_config:papr: nothing is held", "`system_config:paper`"]);
    sandbox.run(&["get", "elephant"]).fails(1, &["error: elephant: nothing is held"]);
    // Only the demo's is held, and the demo stands in no chain.
    sandbox.run(&["fetch", "AAPL", "-p", "demo"]);
    let demo = sandbox.run(&["get", "quote:stock:AAPL"]);
    demo.fails(1, &["quote:stock:AAPL: ", "did you mean `quote:stock:AAPL@demo`?"]);
    for bad in ["", "a b", &"k".repeat(600)] {
        assert_eq!(sandbox.run(&["get", bad]).code, Some(2), "{bad}");
    }
}
