//! Many processes at once: every answer is right, nobody hears of a lock, everything is counted.
//!
//! That one key is asked once by all of them together is not promised here.

use std::process::Child;

use super::{counted, files, is_whole, machine, numbered};
use crate::sandbox::{Sandbox, finished};

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
fn a_crowd_over_a_cold_cache_is_answered_rightly_and_counted_exactly() {
    let upstream = numbered();
    let sandbox = machine(&upstream);
    // All of them have asked before any is answered, so that all write at the same time.
    upstream.hold();
    let crowd: Vec<_> = (0..24)
        .map(|n| fetching(&sandbox, (0..10).map(|i| format!("S{}", (n * 3 + i) % 40)).collect()))
        .collect();
    // Yahoo's own four at a time.
    upstream.wait_for(24 * 4);
    upstream.let_go();
    all_right(crowd);
    let stats = sandbox.json(&["stats"]);
    assert_eq!(counted(&stats), 24 * 10);
    assert_eq!(stats["misses"], 240, "nothing was held when they looked");
    assert_eq!(stats["upstream_calls"].as_u64().unwrap(), upstream.count() as u64);
    assert_eq!(stats["entries"]["total"], 40);
    assert!(is_whole(&sandbox));
    assert!(files(&sandbox, "cache.db.damaged").is_empty());
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
