//! `export` and `import`: what one cache holds of series, carried to another; and what people own
//! already.

use crate::sandbox::{Run, Sandbox};

/// Ten years of a stock that splits and pays, as the demo invents them.
const BARS: [&str; 6] = ["-t", "bars", "-p", "demo", "--from", "2016-07-01"];

/// A machine that holds what the demo says of a stock.
fn holding() -> Sandbox {
    let sandbox = Sandbox::new();
    let run = sandbox.run(&[&["fetch", "AAPL"], &BARS[..], &["-f", "csv"]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    sandbox
}

/// What a machine answers of it without asking anybody.
fn offline(sandbox: &Sandbox, more: &[&str]) -> Run {
    let asked = ["fetch", "AAPL", "--offline", "--final-only", "-f", "csv"];
    sandbox.run(&[&asked, &BARS[..], more].concat())
}

/// A parcel of what a machine holds.
fn parcel(sandbox: &Sandbox, more: &[&str]) -> Vec<u8> {
    let run = sandbox.run(&[&["export", "-s", "AAPL", "-p", "demo", "out.mcache"], more].concat());
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{run:?}");
    std::fs::read(sandbox.path("out.mcache")).unwrap()
}

#[test]
fn what_is_exported_here_is_answered_there_to_the_last_byte() {
    let here = holding();
    let there = Sandbox::new();
    there.file("a.mcache", parcel(&here, &[]));
    let row = &there.json(&["import", "a.mcache"])[0];
    assert_eq!((&row["key"], &row["new"]), (&"bars:stock:AAPL:1d".into(), &row["bars"]), "{row}");
    assert!(row["bars"].as_i64().unwrap() > 2400, "{row}");
    for adjust in ["none", "splits", "all"] {
        let (a, b) =
            (offline(&here, &["--adjust", adjust]), offline(&there, &["--adjust", adjust]));
        assert_eq!(a.code, Some(0), "{a:?}");
        assert_eq!((a.stdout, b.stderr), (b.stdout, a.stderr), "{adjust}");
    }
    for of in ["dividends", "splits", "total_return"] {
        let of = [
            "fetch",
            "AAPL",
            "-t",
            of,
            "-p",
            "demo",
            "--from",
            "2016-07-01",
            "--to",
            "2026-06-01",
            "--offline",
        ];
        let (a, b) = (here.json(&of), there.json(&of));
        assert_eq!(a["results"][0]["data"], b["results"][0]["data"], "{a}");
        assert!(a["results"][0]["data"].is_object(), "{a}");
    }
    let again = &there.json(&["import", "a.mcache"])[0];
    assert_eq!((&again["new"], &again["spans"]), (&0.into(), &serde_json::json!([])), "{again}");
}

#[test]
fn only_what_is_missing_is_asked_for_after_an_import() {
    let here = holding();
    let there = Sandbox::new();
    there.file("a.mcache", parcel(&here, &["--from", "2020-01-02", "--to", "2025-12-31"]));
    there.json(&["import", "a.mcache"]);
    let old = [
        "fetch",
        "AAPL",
        "-t",
        "bars",
        "-p",
        "demo",
        "--from",
        "2020-01-02",
        "--to",
        "2025-12-31",
        "-v",
    ];
    let run = there.run(&old);
    assert!(run.stderr.contains("hit disk"), "{run:?}");
    let all = there.run(&[&["fetch", "AAPL", "-f", "csv"], &BARS[..]].concat());
    let whole = here.run(&[&["fetch", "AAPL", "-f", "csv"], &BARS[..]].concat());
    assert_eq!(all.stdout, whole.stdout);
    assert_eq!(there.json(&["stats"])["upstream_calls"], 2, "before it and behind it");
}

#[test]
fn an_import_fills_holes_and_leaves_what_is_held() {
    let here = holding();
    let there = Sandbox::new();
    let part = ["fetch", "AAPL", "-t", "bars", "-p", "demo", "--period", "1y", "-f", "csv"];
    let before = there.run(&part);
    there.file("a.mcache", parcel(&here, &[]));
    let planned = there.json(&["import", "a.mcache", "--dry-run"]);
    let keys = there.run(&["keys", "-f", "json"]).stdout;
    let done = there.json(&["import", "a.mcache"]);
    assert_eq!(planned, done, "a dry run says what comes of it");
    assert_ne!(keys, there.run(&["keys", "-f", "json"]).stdout, "and does nothing");
    assert!(done[0]["new"].as_i64() < done[0]["bars"].as_i64(), "{done}");
    assert_eq!(before.stdout, there.run(&part).stdout, "also what is not final");
    assert_eq!(offline(&here, &[]).stdout, offline(&there, &[]).stdout);
    assert_eq!(there.json(&["stats", "--verify"])["damaged"], serde_json::json!([]));
}

#[test]
fn a_flipped_byte_is_refused_and_nothing_is_taken() {
    let here = holding();
    let whole = parcel(&here, &["--from", "2026-01-02"]);
    let there = Sandbox::new();
    for at in [0, 3, 5, 20, whole.len() / 2, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 4;
        there.file("a.mcache", flipped);
        let run = there.run(&["import", "a.mcache"]);
        run.fails(1, &["error: ", "a.mcache", "hint: "]);
    }
    there.file("a.mcache", &whole[..whole.len() - 9]);
    there.run(&["import", "a.mcache"]).fails(1, &["it ends too early"]);
    assert_eq!(there.json(&["keys"]), serde_json::json!([]));
}

#[test]
fn a_live_bar_never_leaves_the_cache() {
    let here = holding();
    let there = Sandbox::new();
    there.file("a.mcache", parcel(&here, &[]));
    there.json(&["import", "a.mcache"]);
    let csv =
        there.run(&[&["fetch", "AAPL", "--offline", "--partial", "-f", "csv"], &BARS[..]].concat());
    let last = csv.stdout.lines().last().unwrap();
    assert!(last.contains("2026-06-29") && last.ends_with("final"), "{last}");
}

#[test]
fn what_is_not_held_is_said_and_no_file_is_written() {
    let here = holding();
    let run = here.run(&["export", "-s", "AAPL", "-p", "demo", "--from", "2010-01-01", "x.mcache"]);
    run.fails(1, &["error: AAPL: of `bars:stock:AAPL:1d` is not held: 2010-01-0", "hint: "]);
    assert!(!here.path("x.mcache").exists());
    let run = here.run(&[
        "export",
        "-s",
        "AAPL,NOPE",
        "-p",
        "demo",
        "--from",
        "2010-01-01",
        "--partial",
        "x.mcache",
    ]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.stderr.contains("NOPE") && here.path("x.mcache").exists());
    here.run(&["export", "-s", "AAPL", "-t", "quote", "x"]).fails(2, &["a quote is not carried"]);
    here.run(&["export", "-s", "NOPE", "y.mcache"]).fails(1, &["nothing final is held"]);
}

#[test]
fn a_macro_series_goes_with_the_others() {
    let here = holding();
    here.run(&["fetch", "GDP", "-p", "demo"]);
    let run = here.run(&["export", "-s", "AAPL,GDP", "-p", "demo", "both.mcache"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    let there = Sandbox::new();
    there.file("both.mcache", std::fs::read(here.path("both.mcache")).unwrap());
    assert_eq!(there.json(&["import", "both.mcache"]).as_array().unwrap().len(), 2);
    let gdp = ["fetch", "GDP", "-p", "demo", "--offline", "-f", "csv"];
    assert_eq!(here.run(&gdp).stdout, there.run(&gdp).stdout);
}
