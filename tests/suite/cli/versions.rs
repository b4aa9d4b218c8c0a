//! The version of an endpoint: what came under another one is stale, and stands in where it must.

use super::{SOON, at, json_at, nobody, speaking};
use crate::sandbox::{NOW, Sandbox, finished};

const KEY: &str = "MCACHE_PROVIDERS__YAHOO__ENDPOINTS__QUOTE__VERSION";

/// The `cache` of what is fetched of AAPL ten seconds after the start, where a quote is fresh.
fn soon(sandbox: &Sandbox, flags: &[&str]) -> serde_json::Value {
    json_at(sandbox, SOON, &[&["fetch", "AAPL"], flags].concat())[0]["cache"].clone()
}

/// How many rows the table of definitions has.
fn rows(sandbox: &Sandbox) -> i64 {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    database.query_row("SELECT count(*) FROM definition", [], |row| row.get(0)).unwrap()
}

#[test]
fn a_changed_version_makes_what_is_held_stale_until_it_is_asked_for() {
    let (upstream, sandbox) = speaking();
    json_at(&sandbox, NOW, &["fetch", "AAPL"]);
    assert_eq!(soon(&sandbox, &[])["status"], "hit");
    let changed = sandbox.env(KEY, "2");
    assert_eq!(json_at(&changed, SOON, &["keys"])[0]["state"], "stale");
    assert_eq!(soon(&changed, &[])["status"], "miss");
    assert_eq!(soon(&changed, &[])["status"], "hit");
    assert_eq!(json_at(&changed, SOON, &["keys"])[0]["state"], "fresh");
    assert_eq!(upstream.count(), 2);
    let another = changed.env(KEY, "3");
    assert_eq!(soon(&another, &[])["status"], "miss");
    assert_eq!((soon(&another, &[])["status"].as_str(), upstream.count()), (Some("hit"), 3));
}

#[test]
fn back_to_no_version_what_came_under_one_is_stale() {
    let (upstream, sandbox) = speaking();
    let version = ["--set", "providers.yahoo.endpoints.quote.version=2"];
    json_at(&sandbox, NOW, &[&["fetch", "AAPL"], &version[..]].concat());
    assert_eq!((soon(&sandbox, &version)["status"].as_str(), rows(&sandbox)), (Some("hit"), 1));
    assert_eq!(soon(&sandbox, &[])["status"], "miss");
    assert_eq!((soon(&sandbox, &[])["status"].as_str(), rows(&sandbox)), (Some("hit"), 0));
    assert_eq!(upstream.count(), 2);
}

#[test]
fn what_another_version_gave_still_answers_where_nobody_can_be_asked() {
    let (_upstream, sandbox) = speaking();
    json_at(&sandbox, NOW, &["fetch", "AAPL"]);
    let changed = sandbox.env(KEY, "2");
    let offline = soon(&changed, &["--offline", "--explain"]);
    assert_eq!((&offline["status"], &offline["ttl_seconds"]), (&"stale".into(), &0.0.into()));
    let said = "providers.yahoo.endpoints.quote.version: stale, it came under another one";
    assert_eq!(offline["why"].as_array().unwrap().last().unwrap(), said);
    let alone = changed.with_provider("yahoo", &nobody());
    let run = at(&alone, SOON, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.json()[0]["cache"]["status"], "stale");
    assert!(run.stderr.contains("warning: "), "{run:?}");
}

#[test]
fn a_version_is_of_one_endpoint_and_of_nothing_that_a_user_wrote() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox
        .with_provider("fred", upstream.url())
        .env("FRED_API_KEY", "0123456789abcdef0123456789abcdef");
    for data_type in ["quote", "series"] {
        json_at(&sandbox, NOW, &["fetch", "GDP", "-t", data_type]);
    }
    assert_eq!(at(&sandbox, NOW, &["put", "quote:stock:MSFT", "1"]).code, Some(0));
    let changed =
        sandbox.env("MCACHE_PROVIDERS__FRED__ENDPOINTS__SERIES__VERSION", "2").env(KEY, "2");
    for (arguments, status) in
        [(["fetch", "GDP", "-t", "quote"], "hit"), (["fetch", "GDP", "-t", "series"], "miss")]
    {
        assert_eq!(json_at(&changed, SOON, &arguments)[0]["cache"]["status"], status);
    }
    assert_eq!(at(&changed, SOON, &["get", "quote:stock:MSFT"]).stdout, "1");
}

#[test]
fn who_waits_is_not_given_what_came_under_another_version() {
    let (upstream, sandbox) = speaking();
    upstream.hold();
    let fetch = ["fetch", "AAPL", "-f", "json"];
    let old = sandbox.command(&fetch).spawn().unwrap();
    upstream.wait_for(1);
    let new = sandbox.command(&fetch).env(KEY, "2").spawn().unwrap();
    upstream.let_go();
    assert_eq!(finished(old).json()[0]["cache"]["status"], "miss");
    let asked = finished(new).json()[0]["cache"].clone();
    assert_eq!((&asked["status"], &asked["upstream_calls"]), (&"miss".into(), &1.into()));
    assert_eq!(upstream.count(), 2);
}

#[test]
fn what_an_older_release_stored_in_its_place_came_under_no_version() {
    let (_upstream, sandbox) = speaking();
    let version = ["--set", "providers.yahoo.endpoints.quote.version=2"];
    json_at(&sandbox, NOW, &[&["fetch", "AAPL"], &version[..]].concat());
    sandbox.sql("CREATE TABLE kept AS SELECT * FROM definition");
    assert_eq!(soon(&sandbox, &[])["status"], "miss");
    sandbox.sql("INSERT INTO definition SELECT * FROM kept");
    assert_eq!(soon(&sandbox, &[])["status"], "hit", "it is the default's");
    assert_eq!(soon(&sandbox, &version)["status"], "miss");
}

#[test]
fn final_bars_of_any_version_are_asked_for_once() {
    let sandbox = Sandbox::new();
    let part = ["--from", "2020-01-06", "--to", "2020-01-10"];
    let asked = |now: &str, data_type: &str, version: &str| {
        let set = format!("providers.demo.endpoints.bars.version={version}");
        let fetch = ["fetch", "AAPL", "-p", "demo", "-t", data_type, "--set", &set];
        let cache = json_at(&sandbox, now, &[&fetch[..], &part].concat())[0]["cache"].clone();
        assert_eq!(cache["ttl_seconds"], 604_800.0, "{cache}");
        cache["upstream_calls"].clone()
    };
    assert_eq!(asked(NOW, "bars", "2"), 1);
    for now in [SOON, "2026-07-01T15:06:00Z", "2026-07-02T16:00:00Z"] {
        assert_eq!(asked(now, "bars", "2"), 0, "{now}");
        assert_eq!(asked(now, "dividends", "2"), 0, "{now}: made of the same bars");
    }
    // What is final of one version is not what another one gives.
    assert_eq!(asked("2026-07-02T16:00:00Z", "dividends", "3"), 1);
    assert_eq!(asked("2026-07-02T16:00:00Z", "bars", "3"), 0);
}
