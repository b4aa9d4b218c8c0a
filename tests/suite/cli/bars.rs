//! `fetch -t bars`: what is said of bars that are not final, of splits, and of what cannot be had.

use serde_json::json;

use super::{at, json_at};
use crate::sandbox::{Sandbox, Upstream};

/// The evening of the first of July 2026 in New York.
const EVENING: &str = "2026-07-01T22:00:00Z";

fn closes(record: &serde_json::Value) -> Vec<f64> {
    let bars = record[0]["bars"].as_array().unwrap().iter();
    bars.map(|bar| bar["close"].as_f64().unwrap()).collect()
}

#[test]
fn a_week_that_is_not_over_is_no_final_one() {
    let sandbox = Sandbox::new();
    let weeks = ["fetch", "AAPL", "-p", "demo", "-tbars", "-i1wk", "--period", "1mo"];
    let all = json_at(&sandbox, EVENING, &weeks);
    let finals = json_at(&sandbox, EVENING, &[&weeks[..], &["--final-only"]].concat());
    let (all, finals) = (all[0]["bars"].as_array().unwrap(), finals[0]["bars"].as_array().unwrap());
    assert_eq!(all.last().unwrap()["state"], "live");
    assert!(finals.iter().all(|week| week["state"] == "final"));
    assert_eq!(finals.len(), all.len() - 1);
    // One of whose days some are final has none of its own yet.
    for (interval, from, to, now) in [
        ("-i1wk", "2026-06-22", "2026-06-26", "2026-06-29T12:00:00Z"),
        ("-i1mo", "2026-06-01", "2026-06-30", "2026-07-01T15:00:00Z"),
    ] {
        let of = ["fetch", "MSFT", "-p", "demo", "-tbars", interval, "--from", from, "--to", to];
        let of = [&of[..], &["--final-only"]].concat();
        assert_eq!(json_at(&sandbox, now, &of)[0]["bars"], json!([]), "{interval}");
        let later = json_at(&sandbox, "2026-07-08T21:00:00Z", &of);
        let whole = json_at(&sandbox, "2026-07-08T21:00:00Z", &of[..of.len() - 1]);
        assert_eq!(later[0]["bars"], whole[0]["bars"], "{interval}");
        assert_eq!(later[0]["bars"].as_array().unwrap().len(), 1, "{interval}");
    }
}

#[test]
fn prices_of_one_answer_are_of_the_same_shares_on_the_day_of_a_split() {
    let sandbox = Sandbox::new();
    let some = |from, to| ["fetch", "SPLT", "-p", "demo", "-tbars", "--from", from, "--to", to];
    at(&sandbox, "2026-06-10T20:30:00Z", &some("2026-05-18", "2026-06-10")).says("");
    // An hour and a half after the split, which nobody has heard of: half of it is held.
    let answer = json_at(&sandbox, "2026-06-15T15:00:00Z", &some("2026-05-04", "2026-05-29"));
    assert_eq!(closes(&answer).len(), 19, "{answer}");
    for pair in closes(&answer).windows(2) {
        assert!((pair[1] / pair[0] - 1.0).abs() < 0.5, "{pair:?} in {answer}");
    }
}

#[test]
fn a_macro_series_begins_and_ends_where_its_agency_says_unless_somebody_else_does() {
    let observations = [("1855-01-01", "1.5"), ("2020-01-01", "2.5"), ("2036-01-01", "3.5")];
    let rows =
        observations.map(|(date, value)| format!(r#"{{"date":"{date}","value":"{value}"}}"#));
    let body = format!(r#"{{"observations":[{}]}}"#, rows.join(","));
    let upstream = Upstream::saying(200, "application/json", &body);
    let sandbox = Sandbox::new().with_provider("fred", upstream.url()).env("FRED_API_KEY", "a-key");
    let dates = |more: &[&str]| -> Vec<String> {
        let record = json_at(&sandbox, EVENING, &[&["fetch", "macro:OLD"], more].concat());
        let rows = record[0]["observations"].as_array().unwrap().iter();
        rows.map(|row| row["date"].as_str().unwrap().to_owned()).collect()
    };
    let [old, late, to_come] = observations.map(|(date, _)| date);
    assert_eq!(dates(&[]), [old, late, to_come]);
    assert_eq!(dates(&["--period", "max"]), [old, late, to_come]);
    assert_eq!(dates(&["--from", "2000-01-01"]), [late, to_come]);
    assert_eq!(dates(&["--to", "2026-06-30"]), [old, late]);
    assert_eq!(dates(&["-t", "inflation_rate"]), [old, late, to_come]);
}

#[test]
fn a_refresh_that_failed_is_none() {
    let sandbox = Sandbox::new();
    let days = ["fetch", "AAPL", "-p", "demo", "-tbars", "--period", "2d"];
    at(&sandbox, EVENING, &days).says("");
    let failing = ["--refresh", "--set", "providers.demo.error_rate=1", "-fjson"];
    let run = at(&sandbox, "2026-07-01T22:00:05Z", &[&days[..], &failing].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.json()[0]["cache"]["status"], "stale", "{run:?}");
    assert_eq!(run.json()[0]["cache"]["tier"], "disk", "{run:?}");
    assert!(run.stderr.contains("warning: "), "{run:?}");
}

#[test]
fn what_is_missing_of_a_part_is_said_also_where_csv_has_no_place_for_it() {
    let sandbox = Sandbox::new();
    let minutes =
        ["fetch", "AAPL", "-p", "demo", "-tbars", "-i1m", "-fcsv", "--from", "2026-05-01"];
    at(&sandbox, EVENING, &minutes)
        .fails(1, &["has no 1m bars of `AAPL` from before", "--partial"]);
    let run = at(&sandbox, EVENING, &[&minutes[..], &["--partial", "--to", "2026-06-10"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("AAPL: nothing from 2026-05-01"), "{run:?}");
}

#[test]
fn an_option_of_series_without_a_series_is_refused() {
    let sandbox = Sandbox::new();
    for (option, of) in [
        ("--from=2026-06-01", "series"),
        ("--period=5d", "series"),
        ("--partial", "series"),
        ("-i1h", "bars"),
        ("--session=extended", "bars"),
        ("--final-only", "bars"),
        ("--adjust=all", "bars and dividends"),
    ] {
        let run = sandbox.run(&["fetch", "AAPL", "-p", "demo", option]);
        run.fails(2, &[&format!("is for {of}, and AAPL is asked for a quote"), "-t bars"]);
    }
    sandbox.run(&["get", "bars:stock:AAPL:1d"]).fails(1, &["bars:stock:AAPL:1d"]);
}

#[test]
fn an_option_of_bars_is_refused_where_no_bars_are_asked_for() {
    let sandbox = Sandbox::new();
    for (command, symbol, data_type, option, says) in [
        ("fetch", "AAPL", "total_return", "-i1wk", "--interval is for bars, and AAPL is asked for"),
        ("fetch", "AAPL", "adjusted_close", "-i1h", "is asked for adjusted_close"),
        ("fetch", "AAPL", "dividends", "-i1h", "is asked for dividends"),
        ("fetch", "AAPL", "splits", "--final-only", "--final-only is for bars"),
        ("fetch", "AAPL", "splits", "--adjust=all", "--adjust is for bars and dividends"),
        ("fetch", "GDP", "series", "--session=extended", "--session is for bars, and GDP is"),
        ("fetch", "GDP", "series", "--adjust=all", "is asked for a series"),
        ("warm", "AAPL", "dividends,quote", "-i1h", "--interval is for bars"),
        ("warm", "GDP", "inflation_rate", "--session=regular", "--session is for bars"),
    ] {
        let run = at(&sandbox, EVENING, &[command, symbol, "-pdemo", "-t", data_type, option]);
        run.fails(2, &["error: ", says, "hint: "]);
    }
    assert!(!sandbox.cache().exists(), "nothing was done");
    for (types, option) in
        [("dividends", "--adjust=none"), ("quote,bars", "-i1h"), ("splits,bars", "--final-only")]
    {
        at(&sandbox, EVENING, &["fetch", "AAPL", "-pdemo", "-t", types, option]).says("");
    }
}

#[test]
fn an_interval_that_the_named_provider_lacks_is_refused_with_those_that_it_has() {
    let sandbox = Sandbox::new();
    let run = at(&sandbox, EVENING, &["fetch", "AAPL", "-pdemo", "-tbars", "-i4h"]);
    run.fails(1, &["demo has no 4h bars of `AAPL`", "hint: it has 1m, 2m, 5m", "1h, 1d, 1wk, 1mo"]);
    assert!(!run.stderr.contains("--provider"), "{run:?}");
    at(&sandbox, EVENING, &["fetch", "BTC", "-pdemo", "-tbars", "-i4h"]).says("");
    let run = at(&sandbox, EVENING, &["fetch", "GDP", "-pdemo", "-tdividends"]);
    run.fails(1, &["no provider of the macro chain has dividends of `GDP`"]);
}

#[test]
fn what_is_missing_of_a_part_is_named_where_nobody_may_be_asked() {
    let sandbox = Sandbox::new();
    let part = |more: &[&str]| {
        at(&sandbox, EVENING, &[&["fetch", "AAPL", "-pdemo", "-tbars"], more].concat())
    };
    let half = ["--from", "2026-01-01", "--to", "2026-06-30", "--offline"];
    let warm = "hint: leave --offline away, or warm the cache first: `mcache warm AAPL -t bars";
    part(&half).fails(1, &["holds no answer", &format!("{warm} -p demo`")]);
    part(&["-i1h", "--offline"]).fails(1, &[&format!("{warm} -i 1h -p demo`")]);
    part(&["--from", "2026-06-24", "--to", "2026-06-30"]).says("");
    part(&["--from", "2026-02-02", "--to", "2026-02-03"]).says("");
    part(&half).fails(
        1,
        &[
            "nothing of 2026-01-01 to 2026-02-01 and of one more stretch, and --offline asks nobody",
            "--partial serves what is held",
            "`mcache warm AAPL -t bars -p demo --from 2026-01-01 --to 2026-06-23`",
        ],
    );
    part(&[&half[..], &["--partial"]].concat()).says("warning: ");
    let rest = ["warm", "AAPL", "-t", "bars", "-p", "demo"];
    let rest = [&rest[..], &["--from", "2026-01-01", "--to", "2026-06-23"]].concat();
    at(&sandbox, EVENING, &rest).says("");
    part(&half).says("");
}

#[test]
fn an_unknown_symbol_is_unknown_on_a_day_without_a_session_too() {
    let sandbox = Sandbox::new();
    let saturday = ["--from", "2026-06-27", "--to", "2026-06-27"];
    let ask = |name| [&["fetch", name, "-p", "demo", "-tbars", "-fjson"], &saturday[..]].concat();
    at(&sandbox, EVENING, &ask("NOSUCH")).fails(1, &["demo does not know `NOSUCH`"]);
    let known = at(&sandbox, EVENING, &ask("AAPL"));
    assert_eq!((known.code, closes(&known.json()).len()), (Some(0), 0), "{known:?}");
}

#[test]
fn what_is_held_before_a_gap_answers_stale_if_nobody_can_be_asked_about_the_gap() {
    let sandbox = Sandbox::new();
    let of = ["fetch", "AAPL", "-p", "demo", "-t", "bars"];
    at(&sandbox, "2026-01-15T21:30:00Z", &[&of[..], &["--period", "1y"]].concat()).says("");
    at(&sandbox, "2026-06-10T21:30:00Z", &[&of[..], &["--period", "5d"]].concat()).says("");
    let spring = [&of[..], &["--from", "2025-03-03", "--to", "2025-06-30"]].concat();
    let offline =
        json_at(&sandbox, "2026-06-10T21:30:00Z", &[&spring[..], &["--offline"]].concat());
    assert_eq!(offline[0]["cache"]["status"], "stale", "{offline}");
    assert_eq!(offline[0]["bars"].as_array().unwrap().len(), 83);
    let asked = json_at(&sandbox, "2026-06-10T21:30:00Z", &spring);
    assert_eq!(asked[0]["cache"]["upstream_calls"], 1, "about the months between");
    let again = json_at(&sandbox, "2026-06-10T21:30:00Z", &spring);
    assert_eq!(again[0]["cache"]["status"], "hit", "{again}");
}

#[test]
fn what_is_worked_out_of_bars_lives_by_its_own_rule() {
    let sandbox = Sandbox::new();
    let asked = |now: &str, data_type: &str| {
        let of = ["fetch", "AAPL", "-p", "demo", "-t", data_type];
        let cache = json_at(&sandbox, now, &of)[0]["cache"].clone();
        (cache["ttl_seconds"].as_f64().unwrap(), cache["upstream_calls"].as_i64().unwrap())
    };
    assert_eq!(asked("2026-07-01T15:00:00Z", "dividends"), (604_800.0, 1));
    // The same bars: a session has begun since, and is not waited for.
    assert_eq!(asked("2026-07-02T14:59:00Z", "adjusted_close"), (86_400.0, 0));
    assert_eq!(asked("2026-07-02T15:00:30Z", "dividends"), (604_800.0, 0));
    assert_eq!(asked("2026-07-02T15:00:30Z", "total_return"), (1800.0, 1));
    assert_eq!(asked("2026-07-02T15:25:00Z", "total_return"), (1800.0, 0));
    assert_eq!(asked("2026-07-02T15:25:00Z", "bars"), (300.0, 1));
    // As new as the bars are, from when on it lasts.
    assert_eq!(asked("2026-07-03T15:20:00Z", "adjusted_close"), (86_400.0, 0));
    assert_eq!(asked("2026-07-03T15:30:00Z", "adjusted_close"), (86_400.0, 1));
}

#[test]
fn a_clock_that_was_set_back_costs_no_bar() {
    let later = "2026-07-01T15:00:00Z";
    let bars = ["fetch", "AAPL", "-p", "demo", "-t", "bars", "--from", "2026-05-01"];
    let at = |sandbox: &Sandbox, now: &str| json_at(sandbox, now, &bars)[0]["bars"].clone();
    for earlier in [
        "2026-07-01T14:00:00Z",
        "2026-07-01T12:00:00Z",
        "2026-06-30T21:00:00Z",
        "2026-06-30T15:00:00Z",
        "2026-06-29T12:00:00Z",
        "2026-06-13T15:00:00Z",
        "2026-05-04T15:00:00Z",
    ] {
        let sandbox = Sandbox::new();
        let first = at(&sandbox, later);
        // What has come to be final stays so.
        let dates = |bars: serde_json::Value| {
            let bars = bars.as_array().unwrap().clone();
            bars.iter().map(|bar| bar["date"].to_string()).collect::<Vec<_>>()
        };
        let (held, afresh) = (at(&sandbox, earlier), at(&Sandbox::new(), earlier));
        assert_eq!(dates(held), dates(afresh), "{earlier}");
        assert_eq!(sandbox.json(&["stats", "--verify"])["damaged"], serde_json::json!([]));
        assert_eq!(sandbox.count("past"), 0, "{earlier}: nothing is restated");
        assert_eq!(at(&sandbox, later), first, "{earlier}");
    }
}

#[test]
fn an_answer_without_a_bar_loses_none_that_had_come() {
    let speaking = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", speaking.url());
    let bars = ["fetch", "AAPL", "-t", "bars", "--from", "2026-06-24"];
    let held = json_at(&sandbox, "2026-07-01T15:00:00Z", &bars)[0]["bars"].clone();
    let empty = r#"{"chart":{"result":[{"meta":{"symbol":"AAPL","currency":"USD","exchangeTimezoneName":"America/New_York","dataGranularity":"1d"},"indicators":{"quote":[{}],"adjclose":[{}]}}],"error":null}}"#;
    let empty = Upstream::saying(200, "application/json", empty);
    let sandbox = sandbox.with_provider("yahoo", empty.url());
    let later = "2026-07-01T15:10:00Z";
    let run = at(&sandbox, later, &[&bars[..], &["-f", "json"]].concat());
    run.says("sent no bar of `AAPL` where it had sent some before");
    assert_eq!((&run.json()[0]["bars"], empty.count()), (&held, 1));
    at(&sandbox, later, &bars).says("sent no bar");
    assert_eq!(empty.count(), 1, "the key cools down");
    assert_eq!(run.json()[0]["cache"]["status"], "stale");
    let offline = json_at(&sandbox, later, &[&bars[..], &["--offline"]].concat());
    assert_eq!(offline[0]["bars"], held);
    let sandbox = sandbox.with_provider("yahoo", speaking.url());
    assert_eq!(json_at(&sandbox, later, &[&bars[..], &["--refresh"]].concat())[0]["bars"], held);
}

#[test]
fn what_never_expires_is_null_to_programs() {
    let sandbox = Sandbox::new();
    let finals =
        ["fetch", "BTC", "-p", "demo", "-t", "bars", "--from", "2026-05-01", "--to", "2026-05-03"];
    for _ in ["miss", "hit"] {
        let cache = &sandbox.json(&finals)[0]["cache"].clone();
        assert_eq!((&cache["expires_at"], &cache["ttl_seconds"]), (&json!(null), &json!(null)));
        assert!(cache["age_seconds"].is_number(), "{cache}");
    }
    // No more is what no calendar has a day for.
    let sandbox = sandbox.at("9999-06-01T00:00:00Z");
    sandbox.run(&["put", "for_ever", "1", "--ttl", "36500d"]).fails(0, &[]);
    let listed = sandbox.json(&["keys", "for_ever"])[0].clone();
    assert_eq!((&listed["state"], &listed["ttl_left_seconds"]), (&json!("fresh"), &json!(null)));
    let csv = sandbox.run(&["keys", "for_ever", "-f", "csv"]).stdout;
    assert!(csv.contains("for_ever,put,fresh,,"), "{csv}");
    assert!(sandbox.run(&["keys", "for_ever"]).stdout.contains("never"));
}
