//! What `warm` is about if nothing is named, until when it goes on, and who runs beside it.

use std::io::{BufRead as _, BufReader};
use std::sync::{Arc, Condvar, Mutex};

use super::{SOON, at, reply, speaking};
use crate::sandbox::{Sandbox, Upstream, finished, machine, numbered};

/// The symbols that were asked for, in order.
fn asked(upstream: &Upstream) -> Vec<String> {
    let symbol = |path: &str| path.split(['/', '?']).nth(4).unwrap_or_default().to_owned();
    upstream.seen().iter().map(|incoming| symbol(&incoming.path)).collect()
}

#[test]
fn a_schedule_is_warmed_beside_the_lists_as_often_as_it_says() {
    let (upstream, sandbox) = speaking();
    sandbox.config(
        "watchlists: {tech: [AMD]}\n\
         schedules:\n  - {symbols: [AAPL], types: [quote], every: 5s}\n  - {symbols: [IBM]}\n",
    );
    let run = sandbox.run(&["warm"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(upstream.count(), 3);
    // By the rules all of them are fresh, AAPL for twenty seconds more.
    let plan = at(&sandbox, SOON, &["warm", "--plan", "-f", "csv"]).stdout;
    assert!(plan.contains("quote:stock:AAPL,yahoo,quote,stale,1,it is older than 5 s\n"), "{plan}");
    assert_eq!(at(&sandbox, SOON, &["warm"]).code, Some(0));
    assert_eq!(asked(&upstream)[3..], ["AAPL"]);
    // Who names a symbol has the rules alone.
    let named = at(&sandbox, SOON, &["warm", "AAPL", "--max-age", "1h"]);
    assert_eq!((named.code, upstream.count()), (Some(0), 4));
}

#[test]
fn a_schedule_asks_no_market_that_is_closed_again_and_again() {
    let (upstream, sandbox) = speaking();
    let sandbox = sandbox.with_provider("binance", upstream.url());
    sandbox.config(
        "schedules: [{symbols: [AAPL, BTC], types: [quote], every: 20s}]\nearly_refresh: 0%\n",
    );
    for (now, calls) in
        [("2026-07-01T22:00:00Z", 2), ("2026-07-01T22:00:25Z", 3), ("2026-07-01T22:05:00Z", 4)]
    {
        assert_eq!(at(&sandbox, now, &["warm"]).code, Some(0));
        assert_eq!(upstream.count(), calls, "{now}: coins are asked, shares are not");
    }
}

#[test]
fn what_has_priority_is_asked_first() {
    let (upstream, sandbox) = speaking();
    sandbox.config(
        "portfolio: {positions: [NVDA]}\n\
         schedules:\n  - {symbols: [IBM], types: [quote], priority: low}\n\
         \x20 - {symbols: [AAPL], types: [quote]}\n\
         \x20 - {symbols: [AMD], types: [quote, \"bars:1d\"], priority: high}\n",
    );
    assert_eq!(sandbox.run(&["warm", "--jobs", "1"]).code, Some(0));
    let order = asked(&upstream);
    assert_eq!(order[3..], ["AAPL", "IBM"], "{order:?}");
    assert!(order[..3].contains(&"NVDA".to_owned()), "a position is traded: {order:?}");
}

#[test]
fn an_endpoint_with_priority_is_asked_first() {
    let acme = Upstream::saying(200, "application/json", r#"{"a":1}"#);
    let sandbox = Sandbox::new();
    sandbox.config(&format!(
        "providers: {{acme: {{kind: http, base_url: \"{}\", endpoints: {{late: {{path: \"/late/{{symbol}}\", \
         priority: low}}, soon: {{path: \"/soon/{{symbol}}\"}}, first: {{path: \"/first/{{symbol}}\", \
         priority: high}}}}}}}}\n",
        acme.url()
    ));
    let warm = |more: &[&str]| {
        let before = acme.count();
        let run = sandbox
            .run(&[&["warm", "AAPL", "-t", "late,soon,first", "--jobs", "1"], more].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        acme.seen()[before..].iter().map(|asked| asked.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(warm(&[]), ["/first/AAPL", "/soon/AAPL", "/late/AAPL"]);
    // What it is said to be for counts before that.
    let said = warm(&["--use", "research", "--refresh"]);
    assert_eq!(said, ["/late/AAPL", "/soon/AAPL", "/first/AAPL"]);
}

#[test]
fn every_type_of_every_symbol_is_asked_for_and_what_takes_none_once() {
    let (upstream, sandbox) = speaking();
    let acme = Upstream::saying(200, "application/json", r#"{"a":1}"#);
    let sandbox = sandbox.with_provider("binance", upstream.url());
    let endpoints = "{coins: {path: /coins}, ls_ratio: {path: \"/ls/{symbol}\"}}";
    let acme_is = format!(
        "providers: {{acme: {{kind: http, base_url: \"{}\", endpoints: {endpoints}}}}}\n",
        acme.url()
    );
    sandbox.config(&acme_is);
    assert_eq!(sandbox.run(&["warm", "BTC", "ETH", "-t", "quote,coins,ls_ratio"]).code, Some(0));
    assert_eq!(upstream.count(), 1, "both quotes at once");
    let mut paths: Vec<String> = acme.seen().into_iter().map(|incoming| incoming.path).collect();
    paths.sort();
    assert_eq!(paths.len(), 3, "{paths:?}");
    assert_eq!(paths[0], "/coins");
    // No list is needed for it, and none is asked about.
    assert_eq!(sandbox.run(&["warm", "-t", "coins", "--refresh"]).code, Some(0));
    sandbox.config(&format!("{acme_is}schedules: [{{types: [coins], every: 5s}}]\n"));
    assert_eq!(at(&sandbox, SOON, &["warm"]).code, Some(0));
    assert_eq!(acme.count(), 5);
}

#[test]
fn a_schedule_that_makes_no_sense_is_refused_with_its_place() {
    let sandbox = Sandbox::new();
    for (schedules, says) in [
        (
            "[{symbols: [AAPL], evry: 5m}]",
            &["config.yaml:1:", "did you mean `schedules.[].every`?"][..],
        ),
        ("[{symbols: [AAPL], every: 5x}]", &["config.yaml:1:", "`5x` is not a duration"]),
        ("[{symbols: [AAPL], every: 0}]", &["config.yaml:1:", "`every` is 0"]),
        (
            "[{symbols: [AAPL], priority: hi}]",
            &["config.yaml:1:", "is not one of high, medium, low"],
        ),
        ("[{symbols: [\"A B\"]}]", &["config.yaml:1:", "is not a symbol, or a list"]),
        ("[{symbols: AAPL}]", &["config.yaml:1:", "is a single value"]),
        ("[{symbols: [AAPL], types: [\"bars:7d\"]}]", &["config.yaml:1:", "7d"]),
        ("[{every: 5m}]", &["config.yaml:1:", "neither `symbols` nor `types`"]),
        ("[AAPL]", &["config.yaml:1:", "is not a map"]),
        ("AAPL", &["config.yaml:1:", "not a list of schedules"]),
    ] {
        sandbox.config(&format!("schedules: {schedules}\n"));
        sandbox.run(&["keys"]).fails(2, says);
    }
    let lists = "watchlists: {tech: [AMD]}\n";
    for (schedule, says) in [
        (
            "{symbols: [\"@techs\"]}",
            &["schedule 2: there is no list `@techs`", "did you mean `@tech`?"][..],
        ),
        (
            "{symbols: [AAPL], types: [quotes]}",
            &["schedule 2: `quotes` is not a type", "did you mean `quote`?"],
        ),
        ("{symbols: [AAPL], types: [\"quote:1d\"]}", &["schedule 2: `quote:1d` has an interval"]),
        ("{types: [quote]}", &["schedule 2: quote is asked of symbols"]),
    ] {
        sandbox.config(&format!("{lists}schedules: [{{symbols: [AAPL]}}, {schedule}]\n"));
        for command in [&["config", "check"][..], &["warm"], &["warm", "--plan"]] {
            sandbox.run(command).fails(2, &[&["config.yaml:2:1: "], says].concat());
        }
        // Whoever only reads has nothing to do with it.
        assert_eq!(sandbox.run(&["fetch", "AAPL", "-p", "demo"]).code, Some(0));
    }
}

#[test]
fn what_is_read_most_is_warmed_with_its_parameters_and_what_put_wrote_is_not() {
    let (upstream, sandbox) = speaking();
    let acme = Upstream::saying(200, "application/json", r#"{"a":1}"#);
    sandbox.config(&format!(
        "providers: {{acme: {{kind: http, base_url: \"{}\", endpoints: {{book: {{path: \"/book/{{symbol}}\", query: {{d: \"{{param:depth}}\"}}}}}}}}}}\n",
        acme.url()
    ));
    let run = sandbox.run(&["warm", "--top", "3"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "nothing was read yet");
    sandbox.run(&["put", "k", "1"]);
    let book = ["fetch", "BTC", "-t", "book", "--param", "depth=5"];
    let reads = [
        &["fetch", "AAPL"][..],
        &["get", "k"],
        &book,
        &["fetch", "AAPL"],
        &["get", "k"],
        &["get", "k"],
        &book,
        &["fetch", "MSFT"],
        &["fetch", "AAPL"],
    ];
    for read in reads {
        assert_eq!(sandbox.run(read).code, Some(0), "{read:?}");
    }
    assert_eq!((upstream.count(), acme.count()), (2, 1));
    assert_eq!(sandbox.run(&["warm", "--top", "2", "--refresh"]).code, Some(0));
    assert_eq!(asked(&upstream)[2..], ["AAPL"]);
    let books = acme.seen();
    assert_eq!(books.len(), 2);
    assert_eq!(books[0].path, books[1].path);
    assert!(books[0].path.contains("d=5"), "{books:?}");
    // Besides what is named; and what was read long ago is not of late.
    assert_eq!(sandbox.run(&["warm", "IBM", "--top", "1", "--refresh"]).code, Some(0));
    assert_eq!((upstream.count(), acme.count()), (5, 2));
    assert_eq!(at(&sandbox, "2026-07-09T15:00:00Z", &["warm", "--top", "3"]).code, Some(0));
    assert_eq!(upstream.count(), 5);
    for (arguments, says) in [
        (&["warm", "--top", "0"][..], "0 is not in 1..="),
        (&["warm", "--top", "x"], "invalid value"),
        (
            &["warm", "--top", "2", "-t", "quote"],
            "what is asked of symbols is said, and none is named",
        ),
    ] {
        sandbox.run(arguments).fails(2, &[says]);
    }
}

#[test]
fn what_there_is_no_time_for_is_left_out_the_least_important_first() {
    let (upstream, sandbox) = speaking();
    sandbox.config("portfolio: {positions: [NVDA]}\nproviders: {yahoo: {limits: [2/1h]}}\n");
    let warm = ["warm", "A", "B", "C", "NVDA", "--by", "20m"];
    let run = sandbox.run(&warm);
    run.fails(
        1,
        &[
            "error: 2 of 4 left out by Wed 2026-07-01 15:20",
            "yahoo allows no more requests until",
            "hint: `mcache warm --plan` says how long all of it takes",
            "2 asked, 0 fresh already, 2 failed",
        ],
    );
    assert_eq!(run.stderr.lines().count(), 3, "said once: {run:?}");
    assert_eq!(asked(&upstream), ["NVDA", "A"], "what is traded comes first");
    let tolerant = at(&sandbox, SOON, &[&warm[..], &["--tolerate", "50%"]].concat());
    tolerant.fails(0, &["0 asked, 2 fresh already, 2 failed"]);
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_deadline_that_cannot_be_meant_is_refused_before_anybody_is_asked() {
    let (upstream, sandbox) = speaking();
    for (by, says) in [
        ("2026-07-01T14:00:00Z", "is not in the future"),
        ("0", "is not in the future"),
        ("soon", "is neither a duration nor a time"),
        ("open~5m", "is no deadline"),
        ("open-1d", "which has passed"),
    ] {
        sandbox.run(&["warm", "AAPL", "--by", by]).fails(2, &[says, "hint: "]);
    }
    assert_eq!(upstream.count(), 0);
    assert_eq!(sandbox.run(&["warm", "AAPL", "--by", "open-5m"]).code, Some(0));
    assert_eq!(upstream.count(), 1);
}

#[test]
fn two_that_warm_at_once_ask_for_nothing_twice() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    upstream.hold();
    let warm = ["warm", "S0", "S1", "S2", "S3", "S4", "S5"];
    let first = sandbox.command(&warm).spawn().unwrap();
    upstream.wait_for(4);
    let second = sandbox.command(&warm).spawn().unwrap();
    // Four are asked for by the first, and the second does not wait for them before it goes on.
    upstream.wait_for(6);
    upstream.let_go();
    for child in [first, second] {
        let run = finished(child);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    }
    assert_eq!(upstream.count(), 6, "{:?}", asked(&upstream));
}

#[test]
fn a_killed_one_goes_on_where_it_was() {
    let gate = Arc::new((Mutex::new(true), Condvar::new()));
    let waiting = Arc::clone(&gate);
    // The answer about S3 does not come before the first one is dead.
    let upstream = Upstream::start(move |incoming| {
        let symbol = incoming.path.split(['/', '?']).nth(4).unwrap_or_default();
        if symbol == "S3" {
            let closed = waiting.0.lock().unwrap();
            drop(waiting.1.wait_while(closed, |closed| *closed).unwrap());
        }
        reply(200, "application/json", super::yahoo(symbol, "7", "").as_bytes())
    });
    let sandbox = machine(&upstream);
    let warm = ["warm", "S0", "S1", "S2", "S3", "S4", "S5", "--jobs", "1", "-v"];
    let mut killed = sandbox.command(&warm).spawn().unwrap();
    let said = BufReader::new(killed.stderr.take().unwrap()).lines();
    // What is said to have come is stored.
    assert_eq!(
        said.take(3).filter(|line| line.as_ref().unwrap().contains("miss upstream")).count(),
        3
    );
    upstream.wait_for(4);
    killed.kill().unwrap();
    killed.wait().unwrap();
    *gate.0.lock().unwrap() = false;
    gate.1.notify_all();
    let run = finished(sandbox.command(&warm[..warm.len() - 1]).spawn().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    // One call a key, and that of which the answer came to nobody.
    assert_eq!(asked(&upstream), ["S0", "S1", "S2", "S3", "S3", "S4", "S5"]);
}
