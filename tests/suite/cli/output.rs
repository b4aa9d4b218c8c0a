//! Output: data to standard output, everything else to standard error; the same record in every
//! format, with the digits that upstream sent.

use std::process::Stdio;

use super::{LATER, at, speaking, when_aged, yahoo_at};
use crate::sandbox::{Sandbox, Upstream};

#[test]
fn json_is_one_array_whatever_the_number() {
    let (_upstream, sandbox) = speaking();
    for (symbols, code, records) in
        [(&["AAPL"][..], 0, 1), (&["AAPL", "MSFT"], 0, 2), (&["NOSUCH"], 1, 1)]
    {
        let run = sandbox.run(&[&["fetch", "-f", "json"], symbols].concat());
        assert_eq!(run.code, Some(code), "{run:?}");
        let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(printed.as_array().unwrap().len(), records);
    }
    assert_eq!(sandbox.run(&["keys", "no:*", "-f", "json"]).stdout, "[]\n");
}

#[test]
fn percents_have_two_places_for_people_and_all_of_them_in_csv() {
    let sandbox = Sandbox::new();
    for (symbol, data_type) in [("AAPL", "total_return"), ("CPIAUCSL", "inflation_rate")] {
        let asked = ["fetch", symbol, "-pdemo", "-t", data_type];
        let table = sandbox.run(&asked).stdout;
        assert!(table.lines().nth(1).unwrap().contains("PERCENT"), "{table}");
        let is_rounded = |row: &str| {
            let digits = row.strip_suffix(" %").map(|row| row.rsplit_once('.').unwrap().1.len());
            digits == Some(2) || row.ends_with(" -")
        };
        assert!(table.lines().count() > 10 && table.lines().skip(2).all(is_rounded), "{table}");
        let csv = sandbox.run(&[&asked[..], &["-fcsv"]].concat()).stdout;
        assert!(csv.starts_with("symbol,date,value\n"), "{csv}");
        let longest = csv.lines().filter_map(|row| Some(row.split_once('.')?.1.len())).max();
        assert!(longest > Some(2), "{csv}");
    }
}

#[test]
fn ndjson_is_one_object_a_line() {
    let (_upstream, sandbox) = speaking();
    let run = sandbox.run(&["fetch", "AAPL", "NOSUCH", "MSFT", "-f", "ndjson"]);
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert!(lines.iter().all(serde_json::Value::is_object));
    assert!(run.stdout.ends_with('\n'));
}

#[test]
fn what_failed_is_an_object_in_json_and_a_line_with_a_hint_on_standard_error() {
    let (_upstream, sandbox) = speaking();
    for format in ["json", "ndjson"] {
        sandbox.run(&["clear", "--all"]);
        insta::allow_duplicates! {
            let run = sandbox.run(&["fetch", "NOSUCH", "-f", format]);
            let shown = run.shown().replace("[\n", "").replace("]\n", "");
            insta::assert_snapshot!(shown, @r#"
            {"symbol":"NOSUCH","error":{"kind":"not_found","message":"yahoo does not know `NOSUCH` (No data found, symbol may be delisted)"}}
            ! error: NOSUCH: yahoo does not know `NOSUCH` (No data found, symbol may be delisted)
            ! hint: check the spelling; a class can be said, as in `crypto:BTC`
            exit 1
            "#);
        }
    }
}

#[test]
fn csv_has_exactly_the_columns_of_the_contract() {
    let (_upstream, sandbox) = speaking();
    insta::assert_snapshot!(sandbox.run(&["fetch", "AAPL", "-f", "csv"]).shown(), @r"
    symbol,asset_class,type,provider,price,previous_close,change,change_percent,open,high,low,bid,ask,volume,currency,exchange,market_state,time
    AAPL,stock,quote,yahoo,228.83,226.26,2.57,1.1359,228.41,229.2,228.1,,,1296970,USD,NMS,regular,2026-07-01T15:00:00Z
    exit 0
    ");
    let series = sandbox.run(&["fetch", "GDP", "-p", "demo", "-f", "csv"]).stdout;
    insta::assert_snapshot!(series.lines().take(3).collect::<Vec<_>>().join("\n"), @r"
    symbol,date,value
    GDP,2016-07-01,
    GDP,2016-10-01,19474.816
    ");
    let failed = sandbox.run(&["fetch", "NOSUCH", "-f", "csv"]);
    assert_eq!(failed.stdout.lines().count(), 1, "what failed has no row, the header is there");
}

#[test]
fn a_csv_of_two_types_is_refused_before_anything_is_asked() {
    let (upstream, sandbox) = speaking();
    let run = sandbox.run(&["fetch", "AAPL", "GDP", "-f", "csv"]);
    insta::assert_snapshot!(run.shown(), @r"
    ! error: one csv cannot hold both quotes and series
    ! hint: choose one with --type, or use -f ndjson
    exit 2
    ");
    sandbox.run(&["fetch", "GDP", "-t", "quote,series", "-f", "csv"]).fails(2, &["one csv"]);
    assert_eq!(upstream.count(), 0);
}

#[test]
fn fields_are_picked_and_what_is_none_is_refused_before_anything_is_asked() {
    let (upstream, sandbox) = speaking();
    for line in ["--fields prise", "--fields cache -f csv", "-f parquet", "--chart", "--raw -f csv"]
    {
        let line = format!("fetch AAPL {line}");
        sandbox.run(&line.split(' ').collect::<Vec<_>>()).fails(2, &["hint: "]);
    }
    assert_eq!(upstream.count(), 0);
    let run = sandbox.run(&["fetch", "AAPL", "--fields", "price,symbol", "-f", "json"]);
    assert_eq!(run.stdout, "[\n{\"price\":228.83,\"symbol\":\"AAPL\"}\n]\n");
    let run = sandbox.run(&["fetch", "AAPL", "--fields", "symbol,price"]);
    assert_eq!(run.stdout, "SYMBOL   PRICE\nAAPL    228.83\n");
}

#[test]
fn a_format_that_a_command_lacks_is_refused_before_anything_is_done() {
    let (upstream, sandbox) = speaking();
    sandbox.run(&["put", "a", "1"]);
    for (arguments, formats) in [
        (&["fetch", "AAPL", "-f", "prometheus"][..], "table, json, ndjson, csv"),
        (&["clear", "--all", "-f", "csv"], "table, json"),
        (&["stats", "-f", "csv"], "table, json, prometheus"),
        (&["put", "a", "2", "-f", "json"], "table"),
        (&["warm", "AAPL", "-f", "json"], "table"),
    ] {
        let hint = format!("hint: its formats are {formats}");
        sandbox.run(arguments).fails(2, &["this command has no format", &hint]);
    }
    sandbox
        .run(&["fetch", "AAPL", "-f", "xml"])
        .fails(2, &["table, json, ndjson, csv, parquet, prometheus"]);
    assert_eq!(upstream.count(), 0);
    assert_eq!(sandbox.run(&["get", "a"]).stdout, "1");
}

#[test]
fn numbers_keep_the_digits_that_upstream_sent() {
    let upstream = yahoo_at(
        "189.97999572753906",
        r#","regularMarketDayHigh":190.0,"regularMarketDayLow":0.00001234,"regularMarketVolume":12345678901234567890"#,
    );
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    for status in ["miss", "hit"] {
        let json = sandbox.run(&["fetch", "AAPL", "-f", "json"]).stdout;
        for said in [
            status,
            "\"price\":189.97999572753906,",
            "\"high\":190.0,",
            "\"low\":0.00001234,",
            "\"volume\":12345678901234567890,",
        ] {
            assert!(json.contains(said), "{said}: {json}");
        }
        let csv = sandbox.run(&["fetch", "AAPL", "-f", "csv"]).stdout;
        assert!(csv.contains(",189.97999572753906,") && csv.contains(",0.00001234,"), "{csv}");
        let table = sandbox.run(&["fetch", "AAPL"]).stdout;
        assert!(
            table.contains(" 189.98 "),
            "a price for people has the places that matter: {table}"
        );
    }
}

#[test]
fn a_pipe_gets_a_plain_table_without_colour() {
    let (_upstream, sandbox) = speaking();
    for arguments in
        [&["fetch", "AAPL"][..], &["keys"], &["stats"], &["config", "show"], &["fetch", "NOSUCH"]]
    {
        let run = sandbox.run(arguments);
        let all = format!("{}{}", run.stdout, run.stderr);
        assert!(!all.contains(['\u{1b}', '│', '─', '…']), "{arguments:?}: {all}");
        assert!(run.stdout.lines().all(|line| line.trim_end() == line), "{arguments:?}: {all}");
    }
    let wide = sandbox.run(&["keys"]).stdout;
    assert!(wide.starts_with("KEY "), "{wide}");
}

#[test]
fn colour_is_used_when_it_is_always_wanted() {
    let (_upstream, sandbox) = speaking();
    sandbox.run(&["fetch", "AAPL"]);
    let down = Upstream::saying(500, "text/plain", "");
    let sandbox = sandbox.with_provider("yahoo", down.url());
    let colour = at(&sandbox, LATER, &["fetch", "AAPL", "MSFT", "--color", "always"]);
    for said in [
        "\u{1b}[1;33mwarning\u{1b}[0m: AAPL",
        "\u{1b}[1;31merror\u{1b}[0m: MSFT",
        "\u{1b}[1;36mhint\u{1b}[0m: ",
    ] {
        assert!(colour.stderr.contains(said), "{said}: {colour:?}");
    }
    // Nothing is said by colour alone.
    for flag in ["never", "auto"] {
        let plain = at(&sandbox, LATER, &["fetch", "AAPL", "MSFT", "--color", flag]);
        for said in ["warning: AAPL", "error: MSFT", "hint: "] {
            assert!(plain.stderr.contains(said), "{said}: {plain:?}");
        }
    }
    // What is for programs is never coloured.
    let json = at(&sandbox, LATER, &["fetch", "AAPL", "--color", "always", "-f", "json"]);
    assert!(!json.stdout.contains('\u{1b}'), "{json:?}");
    sandbox.run(&["keys", "--color", "sometimes"]).fails(2, &["auto, always, never"]);
}

#[test]
fn no_color_is_honoured_and_a_flag_is_stronger() {
    let sandbox = Sandbox::new().env("NO_COLOR", "1");
    let run = sandbox.run(&["get", "a"]);
    assert!(!run.stderr.contains('\u{1b}'));
    let forced = sandbox.run(&["get", "a", "--color", "always"]);
    assert!(forced.stderr.contains("\u{1b}[1;31merror"), "{forced:?}");
}

#[test]
fn times_are_rfc_3339_in_utc() {
    let (_upstream, sandbox) = speaking();
    let record = &sandbox.json(&["fetch", "AAPL"])[0];
    for time in [&record["time"], &record["cache"]["fetched_at"], &record["cache"]["expires_at"]] {
        let text = time.as_str().unwrap();
        assert!(text.starts_with("2026-07-01T15:00:") && text.ends_with('Z'), "{text}");
    }
}

#[test]
fn a_series_is_a_table_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.run(&["fetch", "GDP", "-p", "demo"]);
    let table = at(&sandbox, &when_aged(&sandbox, 10), &["fetch", "GDP", "-p", "demo"]).stdout;
    insta::assert_snapshot!(table.lines().take(4).collect::<Vec<_>>().join("\n"), @r"
    GDP: 40 observations, hit from disk, demo, 10 s old
    DATE            VALUE
    2016-07-01          -
    2016-10-01  19474.816
    ");
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    let sandbox = Sandbox::new();
    let gdp = ["GDP"; 200];
    for arguments in [
        [&["fetch", "-p", "demo", "-f", "csv"], &gdp[..]].concat(),
        [&["fetch", "-p", "demo"], &gdp[..]].concat(),
        vec!["--help"],
        vec!["completions", "zsh"],
        vec!["config", "show"],
    ] {
        let mut child = sandbox.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{:?}", arguments[0]);
        assert_eq!(output.status.code(), Some(0), "{:?}", arguments[0]);
    }
}

#[test]
fn text_from_upstream_cannot_drive_the_terminal() {
    let page = format!("\u{1b}]0;owned\u{7}\u{1b}[2J{}", "x".repeat(10_000));
    let upstream = Upstream::saying(500, "text/html", &page);
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let run = sandbox.run(&["fetch", "AAPL", "-v"]);
    assert!(!run.stderr.contains(['\u{1b}', '\u{7}']), "{run:?}");
    assert!(run.stderr.len() < 1500, "{run:?}");
}
