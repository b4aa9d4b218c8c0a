//! The strategy of a provider: what it makes of a TTL, how it is said, and how it decays.
//!
//! Courses are planted as whoever asks would write them, with instants so far away that no test
//! waits for them: they are of real time, whatever time it is in a sandbox.

use mcache::policy::Course;
use mcache::time::Timestamp;

use super::{LATER, SOON, at, json_at, speaking};
use crate::sandbox::Sandbox;

/// What is over in every run, and what is yet to come.
const OVER: Timestamp = Timestamp::from_seconds(1);
const TO_COME: Timestamp = Timestamp::from_seconds(9_999_999_999);

fn course(minimal: Timestamp, conservative: Timestamp, aggressive: Timestamp) -> Course {
    Course {
        minimal_until: minimal,
        conservative_until: conservative,
        aggressive_until: aggressive,
    }
}

fn careful() -> Course {
    course(OVER, TO_COME, OVER)
}

/// The `cache` of what is fetched of AAPL at a time, with these flags.
fn cache_at(sandbox: &Sandbox, now: &str, flags: &[&str]) -> serde_json::Value {
    json_at(sandbox, now, &[&["fetch", "AAPL"], flags].concat())[0]["cache"].clone()
}

#[test]
fn a_pinned_strategy_scales_the_ttl_of_what_is_asked_and_of_what_is_held() {
    for (strategy, seconds, later) in [
        ("aggressive", 15.0, "miss"),
        ("normal", 30.0, "miss"),
        ("auto", 30.0, "miss"),
        ("conservative", 60.0, "hit"),
        ("minimal", 120.0, "hit"),
    ] {
        let (_upstream, sandbox) = speaking();
        let pinned = ["--set", &format!("providers.yahoo.strategy={strategy}")];
        let asked = cache_at(&sandbox, crate::sandbox::NOW, &pinned);
        assert_eq!((&asked["status"], &asked["ttl_seconds"]), (&"miss".into(), &seconds.into()));
        let held = cache_at(&sandbox, SOON, &pinned);
        assert_eq!((&held["status"], &held["ttl_seconds"]), (&"hit".into(), &seconds.into()));
        let left = json_at(&sandbox, SOON, &[&["keys"], &pinned[..]].concat())[0].clone();
        let left = left["ttl_left_seconds"].as_f64().unwrap();
        assert!((seconds - 13.0..=seconds - 7.0).contains(&left), "{strategy}: {left}");
        assert_eq!(cache_at(&sandbox, LATER, &pinned)["status"], later, "{strategy}");
    }
}

#[test]
fn explain_names_a_strategy_that_is_not_normal_just_before_what_is_asked_for() {
    let (_upstream, sandbox) = speaking();
    let why = |strategy: &str, flags: &[&str]| {
        let pinned = format!("providers.yahoo.strategy={strategy}");
        cache_at(&sandbox, SOON, &[&["--explain", "--set", &pinned], flags].concat())["why"].clone()
    };
    for _ in ["asked", "held"] {
        assert_eq!(
            why("conservative", &[]),
            serde_json::json!(["ttl.quote.stock: 30 s", "strategy conservative: 60 s"])
        );
    }
    assert_eq!(why("normal", &[]), serde_json::json!(["ttl.quote.stock: 30 s"]));
    assert_eq!(
        why("minimal", &["--max-age", "45s"]),
        serde_json::json!(["ttl.quote.stock: 30 s", "strategy minimal: 2 min", "--max-age: 45 s"])
    );
    let pinned = ["--set", "providers.yahoo.strategy=minimal"];
    assert_eq!(
        cache_at(&sandbox, LATER, &[&["--max-age", "45s"], &pinned[..]].concat())["ttl_seconds"],
        45.0
    );
    assert_eq!(
        cache_at(&sandbox, LATER, &[&["--max-age", "5s"], &pinned[..]].concat())["status"],
        "miss",
        "what is asked for is stronger"
    );
}

#[test]
fn what_put_wrote_and_what_is_not_there_obey_no_strategy() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__STRATEGY", "minimal");
    sandbox.run(&["put", "quote:stock:AAPL", "1", "--ttl", "1m"]);
    let put = cache_at(&sandbox, SOON, &["--explain"]);
    assert_eq!(put["ttl_seconds"], 60.0);
    assert_eq!(put["why"], serde_json::json!(["put --ttl: 60 s"]));
    sandbox.run(&["fetch", "NOSUCH"]).fails(1, &["error: NOSUCH"]);
    let unknown = sandbox.json(&["keys", "*NOSUCH"])[0]["ttl_left_seconds"].as_f64().unwrap();
    assert!((3590.0..=3610.0).contains(&unknown), "{unknown}");
}

#[test]
fn a_course_is_what_the_strongest_instant_to_come_says() {
    let (upstream, sandbox) = speaking();
    // Two calls of three are no reason to change.
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[3/1h]");
    cache_at(&sandbox, crate::sandbox::NOW, &[]);
    for (course, seconds) in [
        (course(TO_COME, TO_COME, TO_COME), 120.0),
        (course(TO_COME, OVER, OVER), 120.0),
        (course(OVER, TO_COME, TO_COME), 60.0),
        (course(OVER, OVER, TO_COME), 15.0),
        (course(OVER, OVER, OVER), 30.0),
    ] {
        sandbox.set_course("yahoo", course);
        let held = cache_at(&sandbox, SOON, &["--offline"]);
        assert_eq!(held["ttl_seconds"], seconds, "{course:?}");
        let left = json_at(&sandbox, SOON, &["keys"])[0]["ttl_left_seconds"].as_f64().unwrap();
        assert!((seconds - 13.0..=seconds - 7.0).contains(&left), "{course:?}: {left}");
    }
    sandbox.set_course("yahoo", careful());
    let hit = cache_at(&sandbox, LATER, &["--explain"]);
    assert_eq!((&hit["status"], &hit["ttl_seconds"]), (&"hit".into(), &60.0.into()));
    assert_eq!(
        hit["why"],
        serde_json::json!(["ttl.quote.stock: 30 s", "strategy conservative: 60 s"])
    );
    let entries = json_at(&sandbox, LATER, &["stats"])["entries"].clone();
    assert_eq!((&entries["fresh"], &entries["stale"]), (&1.into(), &0.into()));
    assert_eq!(upstream.count(), 1);
    // What is asked for anew lives as long as what is held.
    assert_eq!(cache_at(&sandbox, SOON, &["--refresh"])["ttl_seconds"], 60.0);
}

#[test]
fn a_course_is_of_one_provider_and_a_pinned_strategy_is_stronger() {
    let (_upstream, sandbox) = speaking();
    cache_at(&sandbox, crate::sandbox::NOW, &[]);
    sandbox.set_course("fred", careful());
    assert_eq!(cache_at(&sandbox, SOON, &[])["ttl_seconds"], 30.0);
    sandbox.set_course("yahoo", careful());
    for (strategy, seconds) in [("auto", 60.0), ("normal", 30.0), ("aggressive", 15.0)] {
        let pinned = format!("providers.yahoo.strategy={strategy}");
        let held = cache_at(&sandbox, SOON, &["--set", &pinned]);
        assert_eq!(held["ttl_seconds"], seconds, "{strategy}");
    }
    let factor = ["--set", "strategies.conservative.ttl_factor=3"];
    assert_eq!(cache_at(&sandbox, SOON, &factor)["ttl_seconds"], 90.0);
}

#[test]
fn a_course_goes_by_real_time() {
    let (_upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[3/1h]");
    // After the sandbox's time and before real time; then the other way round.
    let between = Timestamp::from_seconds(1_700_000_000);
    let early = "2022-01-03T15:00:00Z";
    cache_at(&sandbox, early, &[]);
    sandbox.set_course("yahoo", course(OVER, between, OVER));
    assert_eq!(cache_at(&sandbox, early, &[])["ttl_seconds"], 30.0);
    sandbox.set_course("yahoo", careful());
    assert_eq!(cache_at(&sandbox, "2400-01-03T15:00:00Z", &[])["ttl_seconds"], 60.0);
}

#[test]
fn a_course_that_is_not_what_was_written_is_as_if_there_were_none() {
    for damage in [
        "UPDATE strategy SET minimal_until_ms = 9999999999999",
        "UPDATE strategy SET sum = sum + 1",
        "UPDATE strategy SET sum = 'x'",
        "UPDATE strategy SET conservative_until_ms = 1.5",
        "UPDATE strategy SET provider = 'yahoo' WHERE provider = 'fred'",
        "DELETE FROM strategy",
    ] {
        let (_upstream, sandbox) = speaking();
        cache_at(&sandbox, crate::sandbox::NOW, &[]);
        let provider = if damage.contains("fred") { "fred" } else { "yahoo" };
        sandbox.set_course(provider, careful());
        sandbox.sql(damage);
        let run = at(&sandbox, SOON, &["fetch", "AAPL", "-f", "json"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{damage}");
        let held = &run.json()[0]["cache"];
        assert_eq!((&held["status"], &held["ttl_seconds"]), (&"hit".into(), &30.0.into()));
        assert_eq!(at(&sandbox, SOON, &["keys"]).stderr, "", "{damage}");
        // Whoever writes it next puts it right.
        sandbox.set_course("yahoo", careful());
        assert_eq!(cache_at(&sandbox, SOON, &[])["ttl_seconds"], 60.0, "{damage}");
    }
}

#[test]
fn thresholds_that_overtake_each_other_are_a_mistake_with_its_place() {
    let sandbox = Sandbox::new();
    for (text, place, says) in [
        (
            "strategies:\n  normal: {below: 85%}\n",
            "config.yaml:2:12",
            "`strategies.normal.below` (85 %) is above `strategies.conservative.above` (80 %)",
        ),
        (
            "strategies:\n  conservative:\n    above: 30%\n",
            "config.yaml:3:5",
            "`strategies.normal.below` (40 %) is above `strategies.conservative.above` (30 %)",
        ),
        (
            "strategies: {minimal: {above: 79.5%}}\n",
            "config.yaml:1:24",
            "`strategies.conservative.above` (80 %) is above `strategies.minimal.above` (79.5 %)",
        ),
        ("strategies:\n  minimal:\n    above: 95\n", "config.yaml:3:", "`95` is not a share"),
        ("strategies:\n  minimal:\n    above: 0.95\n", "config.yaml:3:", "with the sign: 80%"),
        ("strategies: {minimal: {factor: 2}}\n", "config.yaml:1:24", "unknown key"),
        (
            "providers: {yahoo: {strategy: agressive}}\n",
            "config.yaml:1:",
            "did you mean `aggressive`?",
        ),
    ] {
        sandbox.config(text);
        sandbox.run(&["fetch", "AAPL"]).fails(2, &[place, says]);
    }
    sandbox.config("strategies: {minimal: {above: 80%}, normal: {below: 80%}}\n");
    assert_eq!(sandbox.run(&["config", "check"]).code, Some(0));
}
