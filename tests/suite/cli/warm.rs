//! `warm`: fills the cache ahead of those who read; made for cron.

use super::{SOON, at, json_at, nobody, speaking, when_aged};
use crate::sandbox::{Sandbox, Upstream, finished};

#[test]
fn what_was_warmed_is_a_hit_and_no_request() {
    let (upstream, sandbox) = speaking();
    let run = sandbox.run(&["warm", "AAPL", "MSFT"]);
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (Some(0), "", ""), "{run:?}");
    assert_eq!(upstream.count(), 2);
    let stats = sandbox.json(&["stats"]);
    assert_eq!((&stats["requests"], &stats["upstream_calls"]), (&0.into(), &2.into()));
    assert_eq!(json_at(&sandbox, SOON, &["fetch", "AAPL"])[0]["cache"]["status"], "hit");
}

#[test]
fn what_is_fresh_is_not_asked_again() {
    let (upstream, sandbox) = speaking();
    sandbox.run(&["warm", "AAPL", "MSFT"]);
    assert_eq!(at(&sandbox, SOON, &["warm", "AAPL", "MSFT", "IBM"]).code, Some(0));
    assert_eq!(upstream.count(), 3);
    assert_eq!(at(&sandbox, SOON, &["warm", "AAPL", "--min-fresh", "25s"]).code, Some(0));
    assert_eq!(upstream.count(), 4);
    assert_eq!(at(&sandbox, SOON, &["warm", "AAPL", "--refresh"]).code, Some(0));
    assert_eq!(upstream.count(), 5);
}

#[test]
fn lists_and_types_are_warmed_too() {
    let (upstream, sandbox) = speaking();
    sandbox.config("watchlists:\n  tech: [AMD, INTC]\n");
    sandbox.run(&["warm", "@tech"]);
    assert_eq!(upstream.count(), 2);
    let demo = ["warm", "GDP", "-t", "quote,series", "-p", "demo", "--jobs", "1"];
    assert_eq!(sandbox.run(&demo).code, Some(0));
    assert_eq!(sandbox.json(&["keys", "*:GDP"]).as_array().unwrap().len(), 2);
}

#[test]
fn without_a_symbol_every_list_is_warmed() {
    let (upstream, sandbox) = speaking();
    sandbox.run(&["warm"]).fails(2, &["there is nothing to ask for", "`watchlists`"]);
    sandbox.config("watchlists:\n  tech: [AMD, INTC]\n  more: [INTC, IBM]\n");
    assert_eq!(sandbox.run(&["warm"]).code, Some(0));
    assert_eq!(upstream.count(), 3);
}

#[test]
fn what_failed_is_said_and_counted_against_what_is_tolerated() {
    let (_upstream, sandbox) = speaking();
    for (tolerated, code) in [("0", 1), ("1", 0), ("30%", 1), ("50%", 0)] {
        let run = sandbox.run(&["warm", "AAPL", "NOSUCH", "--refresh", "--tolerate", tolerated]);
        run.fails(code, &["error: NOSUCH: ", "1 asked, 0 fresh already, 1 failed, "]);
        assert!(run.stdout.is_empty());
    }
    sandbox
        .run(&["warm", "AAPL", "--tolerate", "x"])
        .fails(2, &["`x` is not a number of failures"]);
}

#[test]
fn a_stale_answer_in_place_of_a_new_one_has_not_warmed() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["warm", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", &nobody());
    let run = at(&sandbox, &when_aged(&sandbox, 40), &["warm", "AAPL"]);
    run.fails(1, &["warning: AAPL: this answer is 40 s old", "0 asked, 0 fresh already, 1 failed"]);
    // Nor has it where all is wanted anew, though what is held is fresh.
    sandbox.run(&["limits", "yahoo", "--resume"]);
    let run = sandbox.run(&["warm", "AAPL", "--refresh"]);
    run.fails(1, &["no newer one could be had", "0 asked, 0 fresh already, 1 failed"]);
}

#[test]
fn a_wait_for_a_slot_may_be_bounded() {
    let (upstream, sandbox) = speaking();
    let limited =
        ["warm", "AAPL", "MSFT", "--max-wait", "0", "--set", "providers.yahoo.limits=[1/1h]"];
    sandbox.run(&limited).fails(1, &["yahoo allows no more requests until"]);
    assert_eq!(upstream.count(), 1);
}

#[test]
fn a_share_of_a_budget_is_left_to_the_others() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.env("MCACHE_PROVIDERS__YAHOO__BUDGET", "10/month");
    let symbols = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];
    let warm = |share: &str| sandbox.run(&[&["warm", "--budget", share], &symbols[..]].concat());
    let run = warm("50%");
    run.fails(1, &["5 asked, 0 fresh already, 5 failed"]);
    let said = "the budget 10/month is used up to 5, and this command may use no more";
    assert_eq!(run.stderr.matches(said).count(), 5, "{run:?}");
    assert!(run.stderr.contains("hint: a larger `--budget` goes on"), "{run:?}");
    assert_eq!(upstream.count(), 5);
    assert_eq!(warm("60%").code, Some(1));
    assert_eq!(upstream.count(), 6, "whoever used the rest");
    assert_eq!(sandbox.run(&["fetch", "K"]).code, Some(0), "others may go on");
    assert_eq!(warm("0%").code, Some(1));
    assert_eq!(upstream.count(), 7);
}

#[test]
fn verbose_says_one_line_a_request_here_too() {
    let (_upstream, sandbox) = speaking();
    assert_eq!(sandbox.run(&["warm", "AAPL"]).stderr, "");
    let run = sandbox.run(&["warm", "AAPL", "MSFT", "-v"]);
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert!(lines[0].starts_with("hit disk quote:stock:AAPL "), "{run:?}");
    assert!(lines[1].starts_with("miss upstream quote:stock:MSFT "), "{run:?}");
}

/// Warms these while the upstream of Yahoo and Binance holds its answers back, and once so many
/// requests have come, lets go only after others have been served meanwhile.
fn warmed_while_held(upstream: &Upstream, at_once: usize, warm: &[&str]) {
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .with_provider("binance", upstream.url());
    upstream.hold();
    let child = sandbox.command(&[&["warm"], warm].concat()).spawn().unwrap();
    upstream.wait_for(at_once);
    for symbol in ["NVDA", "AMD", "INTC"] {
        assert_eq!(sandbox.run(&["fetch", symbol, "-p", "demo"]).code, Some(0));
    }
    assert_eq!(upstream.count(), at_once, "{warm:?}");
    upstream.let_go();
    let run = finished(child);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
}

#[test]
fn jobs_are_the_most_requests_at_a_time_whomever_they_ask() {
    let upstream = Upstream::speaking();
    warmed_while_held(&upstream, 1, &["AAPL", "BTC", "--jobs", "1"]);
    assert_eq!(upstream.count(), 2);
}

#[test]
fn jobs_are_never_more_than_a_provider_takes_at_a_time() {
    let upstream = Upstream::speaking();
    let symbols = ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"];
    warmed_while_held(&upstream, 4, &[&symbols[..], &["--jobs", "8"]].concat());
    assert_eq!(upstream.count(), 8);
}

#[test]
fn jobs_are_done_by_priority_whomever_they_ask() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.with_provider("binance", upstream.url());
    // The coins are asked for in one request.
    sandbox.config(
        "schedules:\n  - {symbols: [BTC, ETH], types: [quote], priority: low}\n\
         \x20 - {symbols: [A1, A2, A3, A4, A5, A6], types: [quote], priority: high}\n",
    );
    assert_eq!(sandbox.run(&["warm", "--jobs", "1"]).code, Some(0));
    let last = upstream.seen().pop().unwrap().path;
    assert!(last.contains("BTCUSDT") && last.contains("ETHUSDT"), "{last}");
    assert_eq!(upstream.count(), 7);
}

#[test]
fn what_is_nowhere_to_be_kept_has_not_warmed() {
    let (upstream, sandbox) = speaking();
    let warm = |more: &[&str]| {
        let off = ["warm", "AAPL", "MSFT", "--set", "cache.disk.enabled=false"];
        sandbox.run(&[&off[..], more].concat())
    };
    let says = [
        "error: 2 of 2 answers could not be stored: the disk tier is switched off",
        "0 asked, 0 fresh already, 2 failed, ",
    ];
    warm(&[]).fails(1, &says);
    warm(&["--tolerate", "2"]).fails(0, &says);
    assert_eq!(upstream.count(), 4);
}
