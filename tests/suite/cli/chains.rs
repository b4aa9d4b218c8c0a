//! Several providers of one chain: who is asked when one fails, what is said of it, and that nothing of
//! two is ever mixed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mcache::time::Timestamp;

use super::{LATER, at, json_at, nobody, reply_with, when_aged, yahoo_at};
use crate::sandbox::{Run, Sandbox, Upstream, counted, numbered, reply};

/// A minute after a sandbox started: what was fetched at `LATER` is fresh still.
const LATER_STILL: &str = "2026-07-01T15:01:00Z";

/// A machine whose stocks are asked of two that speak as Yahoo does: `first`, and then `second`.
pub(super) fn chained(first: &str, second: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers:
  first: {{kind: yahoo, base_url: \"{first}\", limits: []}}
  second: {{kind: yahoo, base_url: \"{second}\", limits: []}}
chains:
  stock: [first, second]
"
    ));
    sandbox
}

/// Who answered, from which status, at what price and for how many requests.
pub(super) fn told(records: &serde_json::Value) -> (String, String, f64, i64) {
    let record = &records[0];
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let calls = record["cache"]["upstream_calls"].as_i64().unwrap();
    let price = record["price"].as_f64().unwrap();
    (text(&record["provider"]), text(&record["cache"]["status"]), price, calls)
}

pub(super) fn who(
    provider: &str,
    status: &str,
    price: f64,
    calls: i64,
) -> (String, String, f64, i64) {
    (provider.to_owned(), status.to_owned(), price, calls)
}

/// The kind and the message of the error of a run that served nothing.
pub(super) fn error(run: &Run) -> (String, String) {
    assert_eq!(run.code, Some(1), "{run:?}");
    let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let error = &printed[0]["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{run:?}")).to_owned();
    (text("kind"), text("message"))
}

#[test]
fn whoever_fails_is_passed_over_and_the_next_answers_without_a_word() {
    let not_found = r#"{"chart":{"result":null,"error":{"code":"Not Found"}}}"#;
    for (case, failing, says) in [
        ("status", Upstream::saying(501, "text/plain", "no"), "first failed with HTTP 501"),
        ("key", Upstream::saying(401, "text/plain", "no"), "first refused the request (HTTP 401)"),
        (
            "banned",
            Upstream::saying(403, "text/plain", "no"),
            "first refused the request (HTTP 403",
        ),
        ("limit", Upstream::saying(429, "text/plain", "no"), "first allows no more requests now"),
        (
            "nonsense",
            Upstream::saying(200, "text/html", "<p>"),
            "what first sent for `AAPL` cannot",
        ),
        ("nothing", Upstream::saying(404, "application/json", not_found), "first does not know"),
    ] {
        let second = yahoo_at("12.5", "");
        let sandbox = chained(failing.url(), second.url());
        let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
        assert_eq!(run.stderr, "", "{case}");
        assert_eq!(told(&run.json()), who("second", "miss", 12.5, 2), "{case}");
        assert_eq!((failing.count(), second.count()), (1, 1), "{case}");
        // What it gave is a hit for whoever asks the chain.
        let again = sandbox.json(&["fetch", "AAPL"]);
        assert_eq!(told(&again), who("second", "hit", 12.5, 0), "{case}");
        let stats = sandbox.json(&["stats"]);
        assert_eq!(counted(&stats), 2, "{case}: one question is one request");
        let of =
            |name: &str| (&stats["providers"][name]["calls"], &stats["providers"][name]["errors"]);
        assert_eq!(of("first"), (&1.into(), &1.into()), "{case}: {stats}");
        assert_eq!(of("second"), (&1.into(), &0.into()), "{case}: {stats}");
        // Who wants to know is told.
        let sandbox = chained(failing.url(), second.url());
        let run = sandbox.run(&["fetch", "AAPL", "-v", "-f", "json", "--explain"]);
        run.says(" second, first was passed over (").says(says);
        let why = run.json()[0]["cache"]["why"][0].as_str().unwrap().to_owned();
        assert!(why.starts_with("chain: first was passed over ("), "{case}: {why}");
    }
}

#[test]
fn who_cannot_be_reached_is_tried_once_and_everything_else_goes_to_the_next() {
    let second = numbered();
    let sandbox = chained(&nobody(), second.url());
    let symbols = ["S1", "S2", "S3", "S4", "S5", "S6", "S7"];
    let set = "providers.first.concurrency=1";
    let run = sandbox.run(&[&["fetch", "-f", "json", "--set", set], &symbols[..]].concat());
    assert_eq!(run.stderr, "");
    let records = run.json();
    assert!(records.as_array().unwrap().iter().all(|record| record["provider"] == "second"));
    assert_eq!(second.count(), symbols.len());
    // It counts as one failure.
    assert_eq!(sandbox.json(&["limits", "first"])[0]["may_call"], true);
}

#[test]
fn a_provider_whose_breaker_is_open_is_not_asked() {
    let first = Upstream::saying(501, "text/plain", "no");
    let second = numbered();
    let sandbox = chained(first.url(), second.url());
    for symbol in ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8"] {
        let records = sandbox.json(&["fetch", symbol]);
        assert_eq!(records[0]["provider"], "second", "{symbol}");
    }
    assert_eq!((first.count(), second.count()), (5, 8));
    sandbox.run(&["fetch", "S9", "-v"]).says("first was passed over (first is not asked before");
}

#[test]
fn a_limit_is_not_waited_for_where_another_may_be_asked() {
    let paused = Upstream::start(|_| reply_with(429, "Retry-After: 60", "{}"));
    let second = numbered();
    let sandbox = chained(paused.url(), second.url());
    for symbol in ["S1", "S2"] {
        let run = sandbox.run(&["fetch", symbol, "-f", "json", "--max-wait", "1h"]);
        assert_eq!(run.json()[0]["provider"], "second", "{run:?}");
    }
    assert_eq!(paused.count(), 1, "whoever was told to wait does");
    // A window of its own is full after one call; `warm` waits for nobody either.
    let (first, second) = (numbered(), numbered());
    let sandbox = chained(first.url(), second.url());
    let set = "providers.first.limits=[1/1h]";
    sandbox.run(&["warm", "S1", "S2", "S3", "--set", set]).says("");
    assert_eq!((first.count(), second.count()), (1, 2));
    assert_eq!(sandbox.json(&["stats"])["rate_limit_blocks"], 2);
    // A pause by hand is one too.
    sandbox.run(&["limits", "first", "--pause", "1h"]);
    assert_eq!(sandbox.json(&["fetch", "S4"])[0]["provider"], "second");
    sandbox.run(&["fetch", "S4", "-p", "first"]).fails(1, &["error: S4: first is paused until"]);
}

#[test]
fn once_all_are_limited_the_one_that_is_free_first_is_waited_for() {
    let (first, second) = (numbered(), numbered());
    let sandbox = chained(first.url(), second.url());
    let limits =
        ["--set", "providers.first.limits=[1/1h]", "--set", "providers.second.limits=[1/1s]"];
    let fetch = |wait| {
        let all = ["fetch", "-f", "json", "S1", "S2", "S3", "--max-wait", wait];
        sandbox.run(&[&all[..], &limits[..]].concat())
    };
    let run = fetch("0");
    run.fails(
        1,
        &["first allows no more requests until", "; second allows no more requests until"],
    );
    assert_eq!((first.count(), second.count()), (1, 1));
    let records = fetch("10s").json();
    assert_eq!(second.count(), 2, "{records}");
    let one = records.as_array().unwrap().iter().find(|r| r["cache"]["status"] == "miss").unwrap();
    assert_eq!(one["provider"], "second");
}

#[test]
fn what_one_does_not_know_is_remembered_of_it_alone() {
    let first = Upstream::saying(404, "text/plain", "");
    let second = yahoo_at("12.5", "");
    let sandbox = chained(first.url(), second.url());
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(told(&json_at(&sandbox, LATER, &["fetch", "AAPL"])), who("second", "miss", 12.5, 1));
    assert_eq!((first.count(), second.count()), (1, 2), "it was asked once in an hour");
    json_at(&sandbox, LATER, &["fetch", "AAPL", "--refresh"]);
    assert_eq!((first.count(), second.count()), (2, 3), "--refresh passes over that");
    // What all of them do not know is not there.
    let nothing = Upstream::saying(404, "text/plain", "");
    let sandbox = chained(first.url(), nothing.url());
    let said = error(&sandbox.run(&["fetch", "NOSUCH", "-f", "json"]));
    assert_eq!(said.0, "not_found");
    assert!(said.1.starts_with("first does not know `NOSUCH`; second does not know"), "{said:?}");
    let said = error(&sandbox.run(&["fetch", "NOSUCH", "-f", "json"]));
    assert!(said.0 == "not_found" && said.1.contains("(remembered until"), "{said:?}");
    assert_eq!((first.count(), nothing.count()), (3, 1));
    // As long as one of them fails that is left open.
    let sandbox = chained(first.url(), &nobody());
    let said = error(&sandbox.run(&["fetch", "NOSUCH", "-f", "json"]));
    assert_eq!(said.0, "unreachable");
    assert!(said.1.contains("refused; first does not know `NOSUCH`"), "{said:?}");
}

#[test]
fn who_has_no_key_is_passed_over() {
    let second = yahoo_at("12.5", "");
    let unasked = Upstream::saying(500, "text/plain", "");
    let sandbox = chained(unasked.url(), second.url());
    sandbox.config(&format!(
        "providers:
  locked:
    kind: http
    base_url: \"{}\"
    auth: {{header: X-Api-Key, env: LOCKED_KEY}}
    endpoints: {{quote: {{path: \"/q/{{symbol}}\", fields: {{price: /p}}}}}}
  second: {{kind: yahoo, base_url: \"{}\"}}
chains:
  stock: [locked, second]
",
        unasked.url(),
        second.url()
    ));
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json", "-v"]);
    assert_eq!(told(&run.json()), who("second", "miss", 12.5, 1));
    run.says(", locked was passed over (locked needs a key and has none)");
    assert_eq!(unasked.count(), 0);
    // What the one who was asked says counts for more.
    let said = error(&sandbox.run(&["fetch", "MSFT", "-f", "json"]));
    assert_eq!(said.0, "invalid_data", "{said:?}");
    assert!(said.1.contains("; locked"), "{said:?}");
}

#[test]
fn a_fresh_answer_of_a_lower_one_beats_a_stale_one_of_a_higher() {
    let (first, second) = (yahoo_at("10", ""), yahoo_at("12.5", ""));
    let sandbox = chained(first.url(), second.url());
    assert_eq!(told(&sandbox.json(&["fetch", "AAPL"])), who("first", "miss", 10.0, 1));
    let down = format!("providers.first.base_url={}", nobody());
    let down = ["fetch", "AAPL", "--set", &down];
    assert_eq!(told(&json_at(&sandbox, LATER, &down)), who("second", "miss", 12.5, 1));
    // It is back, and what the other gave is fresh still.
    let back = json_at(&sandbox, LATER_STILL, &["fetch", "AAPL"]);
    assert_eq!(told(&back), who("second", "hit", 12.5, 0));
    assert_eq!((first.count(), second.count()), (1, 1));
    // A minute later nobody's is.
    sandbox.run(&["limits", "first", "--resume"]);
    let stale = json_at(&sandbox, "2026-07-01T15:02:00Z", &["fetch", "AAPL"]);
    assert_eq!(told(&stale), who("first", "miss", 10.0, 1));
}

#[test]
fn once_all_have_failed_the_best_of_what_is_held_answers() {
    let second = yahoo_at("12.5", "");
    let sandbox = chained(&nobody(), second.url());
    sandbox.json(&["fetch", "AAPL"]);
    sandbox.run(&["limits", "first", "--resume"]);
    let broken = Upstream::saying(501, "text/plain", "");
    let set = format!("providers.second.base_url={}", broken.url());
    let later = when_aged(&sandbox, 40);
    let run = at(&sandbox, &later, &["fetch", "AAPL", "-f", "json", "--set", &set]);
    run.says("warning: AAPL: this answer is 4").says("; second failed with HTTP 501");
    assert_eq!(told(&run.json()), who("second", "stale", 12.5, 1));
    let set = ["--set", &set, "--max-stale", "0", "-f", "json"];
    let run = at(&sandbox, LATER, &[&["fetch", "AAPL", "--refresh"], &set[..]].concat());
    let (kind, message) = error(&run);
    assert_eq!(kind, "unreachable");
    assert!(message.contains("refused; second failed with HTTP 501"), "{message}");
    assert!(!message.contains('\n') && run.stderr.contains("\nhint: "), "{run:?}");
}

#[test]
fn a_named_provider_is_asked_and_no_other() {
    let second = yahoo_at("12.5", "");
    let sandbox = chained(&nobody(), second.url());
    sandbox.run(&["fetch", "AAPL", "-p", "first"]).fails(1, &["error: AAPL: first cannot be"]);
    assert_eq!(second.count(), 0);
}

/// The instants from which and up to which bars were asked for, in days since 2026-05-01.
fn span(asked: &str) -> (i64, i64) {
    let number = |name: &str| -> i64 {
        let (_, rest) = asked.split_once(&format!("{name}=")).unwrap();
        rest.split('&').next().unwrap().parse().unwrap()
    };
    let days = |seconds: i64| (seconds - 1_777_593_600).div_euclid(86_400);
    (days(number("period1")), days(number("period2")))
}

#[test]
fn a_series_is_of_one_provider_whoever_fails_half_way() {
    let (first, second) = (Upstream::speaking(), Upstream::speaking());
    let sandbox = chained(first.url(), second.url());
    let bars = |from: &'static str, more: &[&str]| {
        let of = ["fetch", "AAPL", "-tbars", "--from", from, "--to", "2026-06-12"];
        sandbox.run(&[&of[..], more].concat())
    };
    let json = |run: Run| run.json()[0].clone();
    let june = json(bars("2026-06-01", &["-f", "json"]));
    assert_eq!(june["provider"], "first");
    assert_eq!(june["bars"].as_array().unwrap().len(), 10);
    // It is down: the other is asked for all of it, not for what the first lacks.
    let down = format!("providers.first.base_url={}", nobody());
    let both = json(bars("2026-05-04", &["-f", "json", "--set", &down]));
    assert_eq!((&both["provider"], &both["cache"]["status"]), (&"second".into(), &"miss".into()));
    assert_eq!(both["bars"].as_array().unwrap().len(), 29, "{both}");
    assert_eq!(second.count(), 1);
    let (from, to) = span(&second.seen()[0].path);
    assert!(from <= 3 && to >= 42, "{from} to {to}");
    let csv = bars("2026-05-04", &["-f", "csv", "-v", "--set", &down]);
    csv.says("hit disk bars:stock:AAPL:1d").says(" second");
    assert_eq!(csv.stdout.lines().count(), 30);
    // It is back: it is asked for what it lacks itself, whatever the other has given meanwhile.
    sandbox.run(&["limits", "first", "--resume"]);
    let more = json(bars("2026-04-20", &["-f", "json"]));
    assert_eq!(more["provider"], "first");
    assert_eq!(more["bars"].as_array().unwrap().len(), 39, "{more}");
    assert_eq!((first.count(), second.count()), (2, 1));
    let (from, to) = span(&first.seen()[1].path);
    assert!(from <= -11 && (30..=33).contains(&to), "only the hole: {from} to {to}");
    // Two entries, each with what its own provider gave.
    let keys = sandbox.json(&["keys", "bars:*"]);
    let providers: Vec<_> = keys.as_array().unwrap().iter().map(|k| &k["provider"]).collect();
    assert_eq!(providers, ["first", "second"]);
}

#[test]
fn who_fails_between_two_pages_keeps_what_had_come_and_the_next_gives_all() {
    let now = Timestamp::parse(crate::sandbox::NOW).unwrap();
    let (calls, is_down) = (AtomicUsize::new(0), Arc::new(AtomicBool::new(true)));
    let down = Arc::clone(&is_down);
    let first = Upstream::start(move |incoming| {
        if down.load(Ordering::SeqCst) && calls.fetch_add(1, Ordering::SeqCst) > 0 {
            return reply(501, "text/plain", b"no");
        }
        let answer = mcache::provider::demo::reply(&incoming.path, now);
        reply(answer.status, "application/json", &answer.body)
    });
    let second = Upstream::speaking();
    let sandbox = chained(first.url(), second.url());
    let minutes = ["fetch", "AAPL", "-tbars", "-i1m", "--from", "2026-06-08", "--to", "2026-06-30"];
    let all = sandbox.json(&minutes);
    let pages = second.count();
    assert!(pages > 1, "{pages}");
    assert_eq!(all[0]["provider"], "second");
    assert_eq!(all[0]["bars"].as_array().unwrap().len(), 16 * 390);
    assert_eq!(all[0]["cache"]["upstream_calls"], 2 + pages);
    // Each program's clock begins anew: what came late in the first is later than the next one's now.
    assert_eq!(json_at(&sandbox, LATER, &minutes)[0]["cache"]["status"], "hit");
    assert_eq!(first.count(), 2);
    // It is back: what it gave is not asked for again.
    is_down.store(false, Ordering::SeqCst);
    sandbox.run(&["limits", "first", "--resume"]);
    sandbox.run(&["clear", "bars:*@second"]);
    let back = json_at(&sandbox, LATER, &minutes);
    assert_eq!(back[0]["provider"], "first");
    assert_eq!(first.count(), 2 + pages - 1, "{}", back[0]["cache"]);
    assert_eq!(back[0]["bars"], all[0]["bars"], "two of one mind");
}

#[test]
fn who_holds_a_part_of_a_series_is_waited_for() {
    let (first, second) = (Upstream::speaking(), Upstream::speaking());
    let sandbox = chained(first.url(), second.url());
    let bars = |from: &str| {
        let of = ["fetch", "AAPL", "-tbars", "--from", from, "--to", "2026-06-12"];
        sandbox.json(&[&of[..], &["--set", "providers.first.limits=[1/1s]"]].concat())
    };
    bars("2026-06-01");
    assert_eq!(bars("2026-05-04")[0]["provider"], "first");
    assert_eq!((first.count(), second.count()), (2, 0));
}

#[test]
fn what_all_are_too_young_for_is_said_of_each_and_nobody_is_asked() {
    let (first, second) = (Upstream::speaking(), Upstream::speaking());
    let sandbox = chained(first.url(), second.url());
    // Thirty days of minutes is what both have: the error is the first's, and names its own limit.
    let minutes = ["fetch", "AAPL", "-tbars", "-i1m", "--from", "2026-03-02", "--to", "2026-03-03"];
    let run = sandbox.run(&minutes);
    run.fails(
        1,
        &["error: AAPL: first has no 1m bars of `AAPL` from before", "; second has no 1m"],
    );
    assert_eq!((first.count(), second.count()), (0, 0));
}

#[test]
fn several_types_of_one_symbol_go_along_the_chain_together() {
    let second = Upstream::speaking();
    let sandbox = chained(&nobody(), second.url());
    let types = ["fetch", "AAPL", "MSFT", "-t", "quote,bars,dividends", "--period", "1mo"];
    let records = sandbox.json(&types);
    assert_eq!(records.as_array().unwrap().len(), 6);
    assert!(records.as_array().unwrap().iter().all(|r| r["provider"] == "second"), "{records}");
    assert_eq!(second.count(), 4, "bars and what is worked out of them are asked for once");
}

#[test]
fn nobody_stands_twice_in_a_chain() {
    let sandbox = Sandbox::new();
    sandbox.config("chains:\n  crypto: [binance, coinbase, binance]\n");
    let run = sandbox.run(&["fetch", "BTC", "--quorum", "2"]);
    run.fails(2, &["config.yaml:2:3: `binance` stands twice in a chain", "hint: leave one out"]);
}
