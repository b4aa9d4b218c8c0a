//! What is possible and looks wrong: it is served as it was sent, and said.

use super::{at, yahoo, yahoo_at};
use crate::sandbox::{Run, Sandbox, Upstream, reply};

/// The sandbox's day, an hour and a half after New York opened, in seconds.
const NOW: i64 = 1_782_918_000;

/// An upstream whose quote says this of its time, in minutes before the sandbox's.
fn quoted(minutes_ago: i64) -> Upstream {
    yahoo_at("100", &format!(r#","regularMarketTime":{}"#, NOW - minutes_ago * 60))
}

fn machine(upstream: &Upstream) -> Sandbox {
    Sandbox::new().with_provider("yahoo", upstream.url())
}

/// Daily bars whose closes are these, the last of a day that is over.
fn daily(closes: &[f64], adjusted: &[&str]) -> String {
    // 2026-06-22, a Monday, when New York opens.
    let first = 1_782_135_000;
    let times: Vec<i64> = (0..).take(closes.len()).map(|day| first + day * 86_400).collect();
    let column = |factor: f64| -> Vec<f64> { closes.iter().map(|close| close * factor).collect() };
    format!(
        r#"{{"chart":{{"result":[{{"meta":{{"symbol":"AAPL","currency":"USD","exchangeName":"NMS","dataGranularity":"1d"}},"timestamp":{times:?},"indicators":{{"quote":[{{"open":{:?},"high":{:?},"low":{:?},"close":{closes:?},"volume":{:?}}}],"adjclose":[{{"adjclose":[{}]}}]}}}}],"error":null}}}}"#,
        column(0.99),
        column(1.02),
        column(0.97),
        column(10.0),
        adjusted.join(","),
    )
}

fn bars(upstream: &Upstream, more: &[&str]) -> (Sandbox, Run) {
    let sandbox = machine(upstream);
    let part = ["--from", "2026-06-22", "--to", "2026-06-26", "-f", "json"];
    let run = sandbox.run(&[&["fetch", "AAPL", "-t", "bars"], &part[..], more].concat());
    (sandbox, run)
}

#[test]
fn bars_in_another_unit_are_marked_and_not_changed() {
    let body = daily(&[2.0, 2.1, 205.0, 2.05, 2.0], &["2.0", "2.1", "205.0", "null", "2.0"]);
    let upstream = Upstream::saying(200, "application/json", &body);
    let (sandbox, run) = bars(&upstream, &[]);
    let said = "warning: AAPL: 2 bars look wrong, first the close of 205 of 2026-06-24, a hundred \
                times what stands beside it or a hundredth; nothing is changed, -f json has all \
                under cache.faults\n";
    assert_eq!(run.stderr, said);
    let record = &run.json()[0];
    assert_eq!(record["bars"][2]["close"], 205.0);
    assert_eq!(
        record["cache"]["faults"],
        serde_json::json!([
            {"time": "2026-06-24T13:30:00Z", "date": "2026-06-24", "fault": "unit_100x"},
            {"time": "2026-06-25T13:30:00Z", "date": "2026-06-25",
             "fault": "adjusted_close_missing", "field": "adjusted_close"},
        ])
    );
    // They are held, so whoever reads them later is told too; and who wants to know nothing is not.
    let again = ["fetch", "AAPL", "-t", "bars", "--from", "2026-06-22", "--to", "2026-06-26"];
    let run = sandbox.run(&again);
    run.says(said.trim_end());
    let off = sandbox.run(&[&again[..], &["--set", "repair=off", "-f", "json"]].concat());
    assert_eq!(off.stderr, "");
    assert!(off.json()[0]["cache"].get("faults").is_none(), "{off:?}");
}

#[test]
fn the_newest_bar_in_another_unit_is_marked_beside_those_that_are_held() {
    let closes = [2.0, 2.1, 2.05, 2.0, 205.0];
    let good = daily(&closes[..4], &["2.0", "2.1", "2.05", "2.0"]);
    let good = Upstream::saying(200, "application/json", &good);
    let sandbox = machine(&good);
    let fetch = ["fetch", "AAPL", "-t", "bars", "--from", "2026-06-22"];
    // Before the market opens on the day of the newest.
    let held = [&fetch[..], &["--to", "2026-06-25"]].concat();
    let run = at(&sandbox, "2026-06-26T12:00:00Z", &held);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let body = daily(&closes, &["2.0", "2.1", "2.05", "2.0", "205.0"]);
    let upstream = Upstream::saying(200, "application/json", &body);
    let sandbox = sandbox.with_provider("yahoo", upstream.url());
    let run = sandbox.run(&[&fetch[..], &["--to", "2026-06-26", "-f", "json"]].concat());
    run.says(
        "warning: AAPL: 1 bar looks wrong, first the close of 205 of 2026-06-26, a hundred times",
    );
    let record = &run.json()[0];
    assert_eq!(record["bars"][4]["close"], 205.0, "it stays what was sent");
    assert_eq!(record["cache"]["faults"][0]["date"], "2026-06-26");
    assert_eq!(record["cache"]["faults"].as_array().unwrap().len(), 1);
}

#[test]
fn bars_that_move_as_bars_do_are_not_marked() {
    let body = daily(&[2.0, 2.1, 1.4, 2.05, 3.9], &["2.0", "2.1", "1.4", "2.05", "3.9"]);
    let upstream = Upstream::saying(200, "application/json", &body);
    let (_, run) = bars(&upstream, &[]);
    assert_eq!(run.stderr, "");
    assert!(run.json()[0]["cache"].get("faults").is_none(), "{run:?}");
}

#[test]
fn a_quote_in_another_unit_is_marked_by_its_close_before_or_the_quote_that_it_replaces() {
    let pence = yahoo_at("100", r#","previousClose":1.01"#);
    let sandbox = machine(&pence);
    // Whoever reads it later is told too.
    for status in ["miss", "hit"] {
        let run = sandbox.run(&["fetch", "AAPL", "-f", "json"]);
        run.says("warning: AAPL: the price of 100 looks wrong beside 1.01: another unit");
        let answer = &run.json()[0];
        assert_eq!(
            (answer["price"].as_i64(), &answer["cache"]["status"]),
            (Some(100), &status.into())
        );
        let faults = &answer["cache"]["faults"];
        assert_eq!(*faults, serde_json::json!([{"fault": "unit_100x", "field": "price"}]));
    }
    let before = yahoo_at("1.02", "");
    let sandbox = machine(&before);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).stderr, "");
    let sandbox = sandbox.with_provider("yahoo", pence.url());
    let refresh = ["fetch", "AAPL", "--refresh"];
    sandbox.run(&refresh).says("looks wrong beside 1.01");
    let plain = yahoo_at("101", "");
    let sandbox = machine(&before);
    sandbox.json(&["fetch", "AAPL"]);
    let sandbox = sandbox.with_provider("yahoo", plain.url());
    sandbox.run(&refresh).says("the price of 101 looks wrong beside 1.02");
    assert_eq!(sandbox.run(&refresh).stderr, "", "it has been so since");
    let off = machine(&pence).run(&["fetch", "AAPL", "--set", "repair=off"]);
    assert_eq!((off.stderr.as_str(), off.code), ("", Some(0)));
}

#[test]
fn a_quote_that_stands_still_in_a_session_is_said_to() {
    let frozen = quoted(38);
    let run = machine(&frozen).run(&["fetch", "AAPL", "-f", "json"]);
    let said = "warning: AAPL: yahoo's quote has not moved since 14:22 UTC (38 min) although XNYS is \
                open\n";
    assert_eq!(run.stderr, said);
    assert_eq!(run.json()[0]["cache"]["frozen_since"], "2026-07-01T14:22:00Z");
    machine(&frozen).run(&["warm", "AAPL", "-v"]).says("has not moved since 14:22 UTC");
    assert_eq!(
        machine(&frozen).run(&["warm", "AAPL"]).stderr,
        "",
        "nothing failed, so cron hears nothing"
    );
    let held = machine(&frozen);
    held.run(&["fetch", "AAPL"]);
    assert_eq!(held.run(&["fetch", "AAPL"]).stderr, "", "a hit says nothing of it");
}

#[test]
fn a_quote_stands_still_for_as_long_as_is_configured_and_its_market_is_open() {
    let set = |upstream: &Upstream, now: &str, more: &[&str]| {
        let sandbox = machine(upstream);
        let run = at(&sandbox, now, &[&["fetch", "AAPL"], more].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stderr.contains("has not moved")
    };
    let (moving, frozen, old) = (quoted(29), quoted(38), quoted(60 * 19));
    let noon = "2026-07-01T15:00:00Z";
    assert!(!set(&moving, noon, &[]));
    assert!(set(&moving, noon, &["--set", "frozen_after=20m"]));
    assert!(set(&moving, noon, &["--set", "frozen_after.stock=20m"]));
    assert!(!set(&frozen, noon, &["--set", "frozen_after.stock=never"]));
    assert!(!set(&frozen, noon, &["--set", "frozen_after=never"]));
    assert!(!set(&frozen, noon, &["--set", "providers.yahoo.delays.XNYS=15m"]));
    // Yesterday's price a quarter of an hour after the open is no wonder, after an hour it is.
    assert!(!set(&old, "2026-07-01T13:45:00Z", &[]));
    assert!(set(&old, "2026-07-01T14:30:00Z", &[]));
    // At night and on a holiday nothing moves.
    assert!(!set(&frozen, "2026-07-02T01:00:00Z", &[]));
    assert!(!set(&frozen, "2026-07-03T15:00:00Z", &[]));
}

#[test]
fn a_quote_without_a_time_is_compared_with_the_one_that_it_replaces() {
    let (same, other) = (yahoo("AAPL", "100", ""), yahoo("AAPL", "100.01", ""));
    for (body, is_frozen) in [(same.clone(), true), (other, false)] {
        let first = Upstream::saying(200, "application/json", &same);
        let sandbox = machine(&first);
        assert_eq!(sandbox.run(&["fetch", "AAPL"]).stderr, "");
        let second = Upstream::saying(200, "application/json", &body);
        let sandbox = sandbox.with_provider("yahoo", second.url());
        let run = at(&sandbox, "2026-07-01T15:40:30Z", &["fetch", "AAPL"]);
        assert_eq!(run.stderr.contains("since 15:00 UTC (40 min"), is_frozen, "{run:?}");
    }
}

#[test]
fn a_coin_never_sleeps() {
    let ticker = |minutes_ago: i64| {
        let at = (NOW - minutes_ago * 60) * 1000;
        let body =
            format!(r#"{{"symbol":"BTCUSDT","lastPrice":"100.0","closeTime":{at},"count":5}}"#);
        Upstream::start(move |_| reply(200, "application/json", body.as_bytes()))
    };
    for (minutes_ago, is_frozen) in [(38, true), (5, false)] {
        let upstream = ticker(minutes_ago);
        let sandbox = Sandbox::new().with_provider("binance", upstream.url());
        let run = sandbox.run(&["fetch", "BTC"]);
        assert_eq!(run.code, Some(0), "{run:?}");
        assert_eq!(run.stderr.contains("although 24/7 is open"), is_frozen, "{run:?}");
    }
}
