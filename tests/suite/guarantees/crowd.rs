//! Many processes at once: every key is asked once, every answer is right, nobody hears of a lock,
//! everything is counted.

use std::process::Child;

use super::{counted, files, is_whole, machine, numbered};
use crate::sandbox::{Sandbox, Upstream, finished};

/// Waits for all of them; each was asked for these symbols and must have answered rightly.
fn all_right(crowd: Vec<(Vec<String>, Child)>) {
    for (symbols, child) in crowd {
        let run = finished(child);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stderr, "", "nobody hears of the others");
        let answers = run.json();
        assert_eq!(answers.as_array().unwrap().len(), symbols.len());
        for (answer, symbol) in answers.as_array().unwrap().iter().zip(&symbols) {
            assert_eq!(answer["symbol"], *symbol);
            let price = 1000.0 + symbol[1..].parse::<f64>().unwrap();
            assert!((answer["price"].as_f64().unwrap() - price).abs() < 1e-9, "{answer}");
        }
    }
}

fn fetching(sandbox: &Sandbox, symbols: Vec<String>) -> (Vec<String>, Child) {
    let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
    let child = sandbox.command(&[&["fetch", "-f", "json"], &names[..]].concat()).spawn().unwrap();
    (symbols, child)
}

#[test]
fn a_crowd_over_a_cold_cache_asks_once_a_key_and_is_counted_exactly() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    // No answer comes before every key was asked for; who asks for one does not keep a process from
    // asking for the next.
    upstream.hold();
    let crowd: Vec<_> = (0..24)
        .map(|n| fetching(&sandbox, (0..10).map(|i| format!("S{}", (n * 3 + i) % 40)).collect()))
        .collect();
    upstream.wait_for(40);
    upstream.let_go();
    all_right(crowd);
    assert_eq!(upstream.count(), 40, "each key once");
    let stats = sandbox.json(&["stats"]);
    assert_eq!(counted(&stats), 24 * 10);
    assert_eq!(stats["upstream_calls"], 40);
    assert_eq!(stats["misses"].as_i64().unwrap(), 40 + stats["coalesced"].as_i64().unwrap());
    assert_eq!(stats["entries"]["total"], 40);
    assert!(is_whole(&sandbox));
    assert!(files(&sandbox, "cache.db.damaged").is_empty());
    assert_eq!(std::fs::read_dir(sandbox.cache().join("locks")).unwrap().count(), 0);
}

#[test]
fn a_killed_holder_frees_the_waiters_and_one_of_them_asks() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    upstream.hold();
    let (_, mut holder) = fetching(&sandbox, vec!["S7".to_owned()]);
    upstream.wait_for(1);
    let crowd: Vec<_> = (0..8).map(|_| fetching(&sandbox, vec!["S7".to_owned()])).collect();
    holder.kill().unwrap();
    finished(holder);
    upstream.wait_for(2);
    upstream.let_go();
    all_right(crowd);
    assert_eq!(upstream.count(), 2);
}

#[test]
fn a_failure_is_shared_with_those_who_wait_and_cools_down() {
    let upstream = Upstream::saying(500, "text/plain", "oops");
    let sandbox = machine(&upstream);
    upstream.hold();
    let fetch = ["fetch", "AAPL", "--max-wait", "1m"];
    let first = sandbox.command(&["fetch", "AAPL", "--max-wait", "0"]).spawn().unwrap();
    upstream.wait_for(1);
    let crowd: Vec<Child> = (0..8).map(|_| sandbox.command(&fetch).spawn().unwrap()).collect();
    upstream.let_go();
    for child in crowd.into_iter().chain([first]) {
        finished(child).fails(1, &["yahoo failed with HTTP 500"]);
    }
    // Whoever started late may have come after a second of cooling down: two further tries each.
    let asked = upstream.count();
    assert!(asked < 8, "{asked} requests of nine processes");
}

#[test]
fn no_wait_for_another_is_longer_than_it_may_be() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    upstream.hold();
    let (_, mut holder) = fetching(&sandbox, vec!["S7".to_owned()]);
    upstream.wait_for(1);
    let run = sandbox.run(&["fetch", "S7", "--max-wait", "0"]);
    run.fails(1, &["S7: another process asks for `quote:stock:S7`", "--max-wait"]);
    assert_eq!(upstream.count(), 1);
    holder.kill().unwrap();
    finished(holder);
    upstream.let_go();
}

#[test]
fn readers_writers_and_clearers_do_not_disturb_each_other() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    all_right(vec![fetching(&sandbox, (0..20).map(|n| format!("S{n}")).collect())]);
    let mut crowd = Vec::new();
    let mut others = Vec::new();
    for round in 0..12 {
        for first in [round, round + 8] {
            crowd.push(fetching(&sandbox, (first..first + 5).map(|n| format!("S{n}")).collect()));
        }
        let (key, symbol) = (format!("k{round}"), format!("S{}", round * 2));
        for arguments in [
            &["put", &key, "1"][..],
            &["clear", "--symbol", &symbol],
            &["warm", &symbol, "--refresh"],
            &["stats"],
            &["keys", "quote:*"],
        ] {
            others.push(sandbox.command(arguments).spawn().unwrap());
        }
    }
    let asked: usize = 20 + crowd.iter().map(|(symbols, _)| symbols.len()).sum::<usize>();
    all_right(crowd);
    for child in others {
        let run = finished(child);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert!(!run.stderr.contains("warning") && !run.stderr.contains("lock"), "{run:?}");
    }
    assert_eq!(usize::try_from(counted(&sandbox.json(&["stats"]))).unwrap(), asked);
    assert!(is_whole(&sandbox));
    for round in 0..12 {
        assert_eq!(sandbox.run(&["get", &format!("k{round}")]).stdout, "1");
    }
}

#[test]
fn a_crowd_whose_first_provider_is_down_asks_each_of_the_chain_once() {
    for refusal in ["HTTP/1.1 501 X\r\n", "HTTP/1.1 429 X\r\nRetry-After: 60\r\n"] {
        let first = Upstream::start(move |_| {
            format!("{refusal}Content-Length: 0\r\nConnection: close\r\n\r\n").into_bytes()
        });
        let second = numbered();
        let sandbox = machine(&second);
        sandbox.config(&format!(
            "providers:\n  down: {{kind: yahoo, base_url: \"{}\", limits: []}}\nchains:\n  stock: [down, yahoo]\n",
            first.url()
        ));
        first.hold();
        second.hold();
        let crowd: Vec<_> = (0..20).map(|_| fetching(&sandbox, vec!["S7".to_owned()])).collect();
        first.wait_for(1);
        first.let_go();
        second.wait_for(1);
        second.let_go();
        all_right(crowd);
        assert_eq!((first.count(), second.count()), (1, 1), "{refusal}");
        let stats = sandbox.json(&["stats"]);
        assert_eq!(counted(&stats), 20, "one question is one request");
        assert_eq!(stats["upstream_calls"], 2);
        let keys = sandbox.json(&["keys"]);
        assert_eq!((keys.as_array().unwrap().len(), &keys[0]["provider"]), (1, &"yahoo".into()));
        assert_eq!(std::fs::read_dir(sandbox.cache().join("locks")).unwrap().count(), 0);
    }
}
