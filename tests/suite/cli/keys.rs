//! `keys`: lists entries with their state, as the rules in force see it.

use super::{LATER, SOON, at, json_at, members, speaking};
use crate::sandbox::Sandbox;

#[test]
fn a_record_has_the_fields_of_the_contract_and_no_other() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    sandbox.run(&["fetch", "AAPL"]);
    let run = sandbox.run(&["keys", "-f", "ndjson"]);
    let names = members(&format!("\"record\":{}", run.stdout), "record");
    assert_eq!(
        names,
        ["key", "provider", "state", "ttl_left_seconds", "size_bytes", "tier", "hits", "reason"]
    );
    let record: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(record["key"], "quote:stock:AAPL");
    assert_eq!(record["provider"], "yahoo");
    assert_eq!(record["state"], "fresh");
    assert_eq!(record["tier"], "disk");
    assert_eq!(record["hits"], 1);
    assert!(record["reason"].is_null());
    assert!((record["ttl_left_seconds"].as_f64().unwrap() - 30.0).abs() < 2.0);
}

#[test]
fn the_table_shows_what_each_entry_has_left() {
    let sandbox = Sandbox::new();
    sandbox.run(&["put", "a:x", "1", "--ttl", "1h"]);
    sandbox.run(&["put", "a:y", "22"]);
    sandbox.run(&["put", "a:z", "333", "--ttl", "5s"]);
    insta::assert_snapshot!(at(&sandbox, SOON, &["keys"]).shown(), @r"
    KEY  PROVIDER  STATE  TTL LEFT  SIZE  TIER  HITS  REASON
    a:x  put       fresh    59 min   7 B  disk     0
    a:y  put       fresh     4 min   8 B  disk     0
    a:z  put       stale       0 s   9 B  disk     0
    exit 0
    ");
    insta::assert_snapshot!(at(&sandbox, SOON, &["keys", "a:?", "-q"]).stdout.lines().count(), @r"4");
}

#[test]
fn the_header_of_the_csv_is_there_without_entries_too() {
    let sandbox = Sandbox::new();
    let header = "key,provider,state,ttl_left_seconds,size_bytes,tier,hits,reason\n";
    assert_eq!(sandbox.run(&["keys", "-f", "csv"]).stdout, header);
    sandbox.run(&["put", "a", "1"]);
    let csv = sandbox.run(&["keys", "-f", "csv"]).stdout;
    assert!(csv.starts_with(header) && csv.lines().count() == 2, "{csv}");
    assert_eq!(sandbox.run(&["keys", "-f", "json"]).json().as_array().unwrap().len(), 1);
}

#[test]
fn a_changed_rule_changes_the_state_of_what_is_stored() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    for (set, state) in
        [("ttl.quote.stock=60", "fresh"), ("ttl.quote.stock=20", "stale"), ("keep.quote=0", "gone")]
    {
        assert_eq!(json_at(&sandbox, LATER, &["keys", "--set", set])[0]["state"], state, "{set}");
    }
    // A plain value stands for the whole map.
    assert_eq!(json_at(&sandbox, LATER, &["keys", "--set", "ttl.quote=60"])[0]["state"], "fresh");
}

#[test]
fn a_pattern_picks_and_one_that_picks_nothing_names_the_nearest() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL", "MSFT"]);
    let count = |pattern: &str| sandbox.json(&["keys", pattern]).as_array().unwrap().len();
    for (pattern, expected) in [
        ("quote:*", 2),
        ("*:AAPL*", 1),
        ("quote:*@yahoo", 2),
        ("quote:*@demo", 0),
        ("quote:stock:????", 2),
    ] {
        assert_eq!(count(pattern), expected, "{pattern}");
    }
    let run = sandbox.run(&["keys", "quote:stock:APPL"]);
    run.fails(0, &["nothing matches `quote:stock:APPL`; did you mean `quote:stock:AAPL`?"]);
    sandbox.run(&["put", "pair_config:ETH/USDT", "1"]);
    for (pattern, near) in [
        ("pair_confg*", "pair_config*"),
        ("qoute:*", "quote:*"),
        ("quotes:*", "quote:*"),
        ("*:APPL*", "*:AAPL*"),
        ("quote:*AAPLE*", "quote:*AAPL*"),
        ("quote:*:MSF", "quote:*:MSFT"),
        ("qoute:*@yahoo", "quote:*@yahoo"),
    ] {
        let says = format!("nothing matches `{pattern}`; did you mean `{near}`?");
        sandbox.run(&["keys", pattern]).fails(0, &[&says]);
        sandbox.run(&["clear", pattern]).fails(0, &[&says]);
        sandbox.run(&["get", pattern]).fails(1, &[&says]);
    }
    let far = sandbox.run(&["keys", "elephants:*"]).stderr;
    assert_eq!(far, "nothing matches `elephants:*`\n");
}
