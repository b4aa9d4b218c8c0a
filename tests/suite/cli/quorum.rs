//! `fetch --quorum N`: several providers asked at once, whether they agree, and what that costs.

use super::chains::{chained, error, told, who};
use super::{LATER, at, nobody, yahoo_at};
use crate::sandbox::{Sandbox, Upstream};

/// A machine whose stocks are asked of three that say these prices.
fn voting(prices: [&str; 3]) -> (Vec<Upstream>, Sandbox) {
    let upstreams: Vec<Upstream> =
        prices.iter().map(|price| yahoo_at(price, ",\"regularMarketTime\":1782918000")).collect();
    let sandbox = chained(upstreams[0].url(), upstreams[1].url());
    let [first, second, third] = [0, 1, 2].map(|at| upstreams[at].url());
    sandbox.config(&format!(
        "providers:
  first: {{kind: yahoo, base_url: \"{first}\"}}
  second: {{kind: yahoo, base_url: \"{second}\"}}
  third: {{kind: yahoo, base_url: \"{third}\"}}
chains:
  stock: [first, second, third]
"
    ));
    (upstreams, sandbox)
}

#[test]
fn several_that_agree_are_no_news() {
    let (upstreams, sandbox) = voting(["100.00", "100.50", "900"]);
    let run = sandbox.run(&["fetch", "AAPL", "--quorum", "2", "-f", "json"]);
    assert_eq!(run.stderr, "");
    assert_eq!(told(&run.json()), who("first", "miss", 100.0, 2));
    let quorum = run.json()[0]["cache"]["quorum"].clone();
    assert_eq!(
        quorum,
        serde_json::json!({"asked": 2, "agreed": true, "spread_percent": 0.4988, "values": [
            {"provider": "first", "price": 100.0, "time": "2026-07-01T15:00:00Z"},
            {"provider": "second", "price": 100.5, "time": "2026-07-01T15:00:00Z"},
        ]})
    );
    assert!(run.stdout.contains(r#""price":100.00,"time""#), "as it was sent: {run:?}");
    // What is fresh is not asked for again, and a third word costs one call.
    let again = sandbox.run(&["fetch", "AAPL", "--quorum", "3", "-f", "json"]);
    assert_eq!(told(&again.json()), who("first", "hit", 100.0, 1));
    again.says("warning: AAPL: prices differ by 796.02 %: first 100.00 at 2026-07-01T15:00:00Z, ");
    assert_eq!(upstreams.iter().map(Upstream::count).collect::<Vec<_>>(), [1, 1, 1]);
    let offline = sandbox.json(&["fetch", "AAPL", "--quorum", "2", "--offline"]);
    assert_eq!(offline[0]["cache"]["quorum"]["agreed"], true);
}

#[test]
fn those_that_disagree_are_named_and_the_best_answers() {
    let (_upstreams, sandbox) = voting(["100.00", "103.00", "100"]);
    let run = sandbox.run(&["fetch", "AAPL", "--quorum", "2", "-f", "json"]);
    assert_eq!(
        run.stderr,
        "warning: AAPL: prices differ by 2.96 %: first 100.00 at 2026-07-01T15:00:00Z, second \
         103.00 at 2026-07-01T15:00:00Z\n"
    );
    assert_eq!(told(&run.json()), who("first", "miss", 100.0, 2));
    assert_eq!(run.json()[0]["cache"]["quorum"]["agreed"], false);
    for (tolerance, agreed) in
        [("=5%", true), (".stock=5%", true), (".crypto=5%", false), ("=~", true), ("=0%", false)]
    {
        let set = format!("quorum.tolerance{tolerance}");
        let fetch = ["fetch", "AAPL", "--quorum", "2", "--set", &set];
        assert_eq!(sandbox.json(&fetch)[0]["cache"]["quorum"]["agreed"], agreed, "{tolerance}");
    }
}

#[test]
fn who_fails_is_replaced_by_the_next_and_too_few_are_said_to_be() {
    let (upstreams, sandbox) = voting(["100", "101", "100.5"]);
    let set = format!("providers.first.base_url={}", nobody());
    let run = sandbox.run(&["fetch", "AAPL", "--quorum", "2", "-f", "json", "-v", "--set", &set]);
    assert_eq!(told(&run.json()), who("second", "miss", 101.0, 2));
    let votes = run.json()[0]["cache"]["quorum"]["values"].clone();
    assert_eq!((&votes[0]["provider"], &votes[1]["provider"]), (&"second".into(), &"third".into()));
    run.says("first was passed over (");
    assert!(!run.stderr.contains("warning"), "{run:?}");
    assert_eq!(upstreams[0].count(), 0);
    let run = sandbox.run(&["fetch", "AAPL", "--quorum", "3", "-f", "json", "--set", &set]);
    run.says("warning: AAPL: 2 of 3 providers answered: ");
    assert_eq!(run.json()[0]["cache"]["quorum"]["agreed"], true);
    // Whoever is left alone agrees with nobody; what is stale is no word.
    let second = format!("providers.second.base_url={}", nobody());
    let fetch = ["fetch", "AAPL", "--quorum", "2", "-f", "json", "--set", &set, "--set", &second];
    let run = at(&sandbox, LATER, &fetch);
    run.says("warning: AAPL: 1 of 2 providers answered: ");
    assert_eq!(told(&run.json()), who("third", "miss", 100.5, 1));
    assert_eq!(run.json()[0]["cache"]["quorum"]["agreed"], false);
    assert_eq!(run.json()[0]["cache"]["quorum"]["spread_percent"], serde_json::Value::Null);
}

#[test]
fn a_quorum_costs_what_those_cost_who_failed_too() {
    let failing = Upstream::saying(501, "text/plain", "no");
    let (upstreams, sandbox) = voting(["100", "101", "100.5"]);
    let set = format!("providers.first.base_url={}", failing.url());
    let fetch = ["fetch", "AAPL", "--quorum", "2", "-f", "json", "--set", &set];
    assert_eq!(told(&sandbox.run(&fetch).json()), who("second", "miss", 101.0, 3));
    assert_eq!((failing.count(), upstreams.iter().map(Upstream::count).sum::<usize>()), (1, 2));
    // What is only stale is no word, and what it cost to learn that is part of it.
    let second = format!("providers.second.base_url={}", failing.url());
    let third = format!("providers.third.base_url={}", failing.url());
    for provider in ["first", "second", "third"] {
        sandbox.run(&["limits", provider, "--resume"]).fails(0, &[]);
    }
    let run = at(&sandbox, LATER, &[&fetch[..], &["--set", &second, "--set", &third]].concat());
    let calls = u64::try_from(failing.count() - 1).unwrap();
    let cache = run.json()[0]["cache"].clone();
    assert_eq!((&cache["status"], &cache["upstream_calls"]), (&"stale".into(), &calls.into()));
}

#[test]
fn a_quorum_that_cannot_be_is_refused() {
    let (upstreams, sandbox) = voting(["100", "101", "100.5"]);
    for (arguments, says) in [
        (&["-t", "bars"][..], "--quorum is for quotes, and AAPL is asked for bars"),
        (&["-p", "first"], "--quorum <N>' cannot be used with '--provider"),
        (&["--quorum", "6"], "6 is not in 2..=5"),
    ] {
        let quorum = ["fetch", "AAPL", "--quorum", "2"];
        let quorum = if arguments[0] == "--quorum" { &quorum[..2] } else { &quorum[..] };
        sandbox.run(&[quorum, arguments].concat()).fails(2, &[says]);
    }
    let run = sandbox.run(&["fetch", "AAPL", "--quorum", "4", "-f", "json"]);
    let (kind, message) = error(&run);
    assert_eq!(kind, "unsupported");
    assert_eq!(
        message,
        "of the stock chain only first, second and third have a quote of `AAPL`, and --quorum asks 4"
    );
    assert!(upstreams.iter().all(|upstream| upstream.count() == 0));
    // All fail: the error of the first, with what the others said.
    let down = nobody();
    let sets = ["first", "second", "third"].map(|p| format!("providers.{p}.base_url={down}"));
    let sets: Vec<&str> = sets.iter().flat_map(|set| ["--set", set.as_str()]).collect();
    let run = sandbox.run(&[&["fetch", "AAPL", "--quorum", "2", "-f", "json"], &sets[..]].concat());
    let (kind, message) = error(&run);
    assert_eq!(kind, "unreachable");
    assert!(message.starts_with("first cannot be reached") && message.contains("; third cannot"));
}
