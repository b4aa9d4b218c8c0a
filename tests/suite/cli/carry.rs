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
        let rows = |of: &serde_json::Value| {
            let mut of = of[0].clone();
            of.as_object_mut().unwrap().remove("cache");
            of
        };
        assert_eq!(rows(&a), rows(&b));
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
fn what_was_not_final_here_gives_way_to_what_is_final_there() {
    let there = holding();
    let here = Sandbox::new().at("2026-06-25T15:00:00Z");
    let early = here.run(&[&["fetch", "AAPL", "-f", "csv"], &BARS[..]].concat());
    assert!(early.stdout.contains("provisional") && early.stdout.contains("live"), "{early:?}");
    let old = parcel(&here, &[]);
    let here = here.at("2026-07-01T15:00:00Z");
    here.file("a.mcache", parcel(&there, &[]));
    assert_eq!(here.run(&["import", "a.mcache"]).code, Some(0));
    assert_eq!(offline(&here, &[]).stdout, offline(&there, &[]).stdout);
    let all = [&["fetch", "AAPL", "-f", "csv"], &BARS[..]].concat();
    assert_eq!(here.run(&all).stdout, there.run(&all).stdout, "and the rest is asked for");
    // What is older and held changes nothing, not even what is not final.
    let before = there.run(&all).stdout;
    there.file("old.mcache", old);
    assert_eq!(there.json(&["import", "old.mcache"])[0]["new"], 0);
    assert_eq!(there.run(&[&all[..], &["--offline"]].concat()).stdout, before);
    assert_eq!(there.json(&["stats"])["upstream_calls"], 1);
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
    let bad = there.file("low.csv", "Date,Open,High,Low,Close\n2024-01-02,3,2,2.5,3\n");
    let run = there.run(&["import", bad.to_str().unwrap(), "-p", "yahoo", "--basis", "2026-01-01"]);
    run.fails(1, &["low.csv`: bars:stock:LOW:1d@yahoo: it holds a high of `2` for `LOW`"]);
    run.fails(1, &["below the low (the bar of 2024-01-02)", "hint: nothing", "mend the file"]);
    assert!(!run.stderr.contains("sent") && !run.stderr.contains("--offline"), "{run:?}");
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
    run.says("warning: AAPL: of `bars:stock:AAPL:1d` is not held: 2010-01-01");
    assert!(!run.stderr.contains("--partial"), "{run:?}");
    for name in ["a.csv", "a.JSON", "a.ndjson", "a.parquet"] {
        here.run(&["export", "-s", "AAPL", "-p", "demo", name])
            .fails(2, &["only `mcache import` reads it", "a.mcache", &format!("-o {name}")]);
        assert!(!here.path(name).exists());
    }
    here.run(&["export", "-s", "AAPL", "-t", "quote", "x"])
        .fails(2, &["a quote cannot be carried"]);
    for (symbol, more, hint) in [
        ("NOPE", &[][..], "hint: `mcache fetch NOPE -t bars -i 1d` fetches it first"),
        ("NOPE", &["-p", "demo"], "hint: `mcache fetch NOPE -t bars -i 1d -p demo` fetches"),
        ("AAPL", &[], "hint: `demo` gave one: add `--provider demo`"),
        ("GDP", &["-p", "demo"], "hint: `mcache fetch GDP -t series -p demo` fetches"),
    ] {
        let run = here.run(&[&["export", "-s", symbol, "y.mcache"], more].concat());
        run.fails(1, &["nothing final is held", hint]);
    }
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

/// What the demo says of a stock, as csv.
fn csv(symbol: &str, more: &[&str]) -> String {
    let sandbox = Sandbox::new();
    let asked = ["fetch", symbol, "-t", "bars", "-p", "demo", "-f", "csv"];
    let run = sandbox.run(&[&asked, more].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout
}

/// How csv is imported here.
const AS_DEMO: [&str; 4] = ["-p", "demo", "--basis", "2026-06-30T20:00:00Z"];

#[test]
fn after_a_csv_only_the_rest_is_asked_for() {
    let text = csv("MSFT", &["--from", "2022-01-03", "--to", "2026-06-30"]);
    let there = Sandbox::new();
    there.file("own/MSFT.csv", &text);
    let run = there.run(&[&["import", "own", "-f", "json"], &AS_DEMO[..]].concat());
    let row = &run.json()[0];
    assert_eq!(row["key"], "bars:stock:MSFT:1d");
    assert!(row["new"].as_i64().unwrap() > 1100 && row["imported"] == true, "{row}");
    let part =
        ["fetch", "MSFT", "-t", "bars", "-p", "demo", "--from", "2022-01-03", "-v", "-f", "csv"];
    let run = there.run(&part);
    assert!(run.stderr.contains("miss upstream bars:stock:MSFT:1d"), "{run:?}");
    assert_eq!(run.stdout, csv("MSFT", &["--from", "2022-01-03"]));
    assert_eq!(there.json(&["stats"])["upstream_calls"], 1);
    // What is final is as it was in the file, and what is behind it as the provider says.
    assert!(there.run(&part).stderr.contains("hit disk"));
}

#[test]
fn a_session_that_a_csv_lacks_is_asked_for_when_it_is_wanted() {
    let text = csv("MSFT", &["--from", "2024-01-02", "--to", "2024-12-31"]);
    let kept = text.split_inclusive('\n').filter(|line| !line.contains("2024-06-1"));
    let without: String = kept.collect();
    let there = Sandbox::new();
    there.file("MSFT.csv", &without);
    let run = there.run(&[&["import", "MSFT.csv"], &AS_DEMO[..]].concat());
    assert!(run.code == Some(0) && run.stderr.contains("lacks sessions in 1 place: "), "{run:?}");
    let asked = [
        "fetch",
        "MSFT",
        "-t",
        "bars",
        "-p",
        "demo",
        "--from",
        "2024-01-02",
        "--to",
        "2024-12-31",
        "--adjust",
        "none",
        "-f",
        "csv",
    ];
    let lacks = there.run(&[&asked[..], &["--offline"]].concat());
    assert_eq!(lacks.code, Some(1), "{lacks:?}");
    assert_eq!(there.run(&asked).stdout.lines().count(), text.lines().count());
    // One for the hole, and one to know which splits are in the prices.
    assert!(there.json(&["stats"])["upstream_calls"].as_i64() <= Some(2));
}

#[test]
fn bars_that_disagree_are_named_and_nothing_of_their_series_is_taken() {
    let there = Sandbox::new();
    there.run(&[
        "fetch",
        "MSFT",
        "-t",
        "bars",
        "-p",
        "demo",
        "--from",
        "2024-01-02",
        "--to",
        "2024-12-31",
    ]);
    let size = || there.json(&["keys", "*MSFT*"])[0]["size_bytes"].clone();
    let held = size();
    let text = csv("MSFT", &["--from", "2023-01-03", "--to", "2024-12-31"]);
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let at = lines.iter().position(|line| line.contains("2024-03-05")).unwrap();
    let mut cells: Vec<String> = lines[at].split(',').map(str::to_owned).collect();
    for cell in &mut cells[3..8] {
        *cell = (cell.parse::<f64>().unwrap() * 2.0).to_string();
    }
    lines[at] = cells.join(",");
    there.file("MSFT.csv", lines.join("\n"));
    there.file("AMD.csv", csv("AMD", &["--from", "2024-01-02", "--to", "2024-12-31"]));
    let run = there.run(&[&["import", "MSFT.csv", "AMD.csv"], &AS_DEMO[..]].concat());
    run.fails(1, &["bars:stock:MSFT:1d@demo: 1 of its bars differ", "2024-03-05", "hint: "]);
    assert!(run.stdout.contains("bars:stock:AMD:1d"), "the others go on: {run:?}");
    assert_eq!(size(), held, "nothing was taken");
}

#[test]
fn prices_as_they_were_paid_are_divided_by_the_splits_that_the_file_names() {
    let there = Sandbox::new();
    there.file("XYZ.csv", "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits\n\
        2024-01-02,100,110,90,104,1000,0,0\n2024-01-03,26,27,25,26,4000,0,4\n2024-01-04,26,27,25,26.5,4000,0.5,0\n");
    let import = ["import", "XYZ.csv", "-p", "demo", "--basis", "2026-01-02", "--adjusted", "none"];
    assert_eq!(there.run(&import).code, Some(0));
    let closes = |adjust: &str| {
        let asked = [
            "fetch",
            "XYZ",
            "-t",
            "bars",
            "-p",
            "demo",
            "--from",
            "2024-01-02",
            "--to",
            "2024-01-04",
            "--offline",
            "-q",
            "-f",
            "csv",
            "--adjust",
            adjust,
            "--fields",
            "close",
        ];
        there.run(&asked).stdout
    };
    assert_eq!(closes("none"), "close\n104\n26\n26.5\n");
    assert_eq!(closes("splits"), "close\n26\n26\n26.5\n");
}

#[test]
fn what_may_still_change_is_left_out_and_said() {
    let there = Sandbox::new();
    let rows =
        "2026-06-26,1,1,1,1,1\n2026-06-29,1,1,1,1,1\n2026-06-30,1,1,1,1,1\n2026-07-01,1,1,1,1,1\n";
    there.file("XYZ.csv", format!("Date,Open,High,Low,Close,Volume\n{rows}"));
    let import =
        ["import", "XYZ.csv", "-p", "demo", "-f", "json", "--basis", "2026-07-01T14:59:00Z"];
    let row = &there.run(&import).json()[0];
    assert_eq!((&row["new"], &row["left_out"]), (&2.into(), &2.into()), "{row}");
}

#[test]
fn bulk_files_of_binance_say_themselves_what_they_are() {
    let there = Sandbox::new();
    let row = |at: i64| format!("{},1,3,0.5,2,100,0,9,4,5,6,0\n", at * 1_000_000);
    let hours: String = (0..48).map(|hour| row(1_735_689_600 + hour * 3600)).collect();
    there.file("BTCUSDT-1h-2025-01-01.csv", &hours);
    let out = there.run(&["import", "BTCUSDT-1h-2025-01-01.csv", "-p", "binance", "-f", "json"]);
    let row = &out.json()[0];
    assert_eq!((&row["key"], &row["new"]), (&"bars:crypto:BTC:1h".into(), &48.into()));
    assert_eq!(row["spans"], serde_json::json!([["2025-01-01T00:00:00Z", "2025-01-03T00:00:00Z"]]));
    let asked = [
        "fetch",
        "BTC",
        "-t",
        "bars",
        "-i",
        "1h",
        "--from",
        "2025-01-01",
        "--to",
        "2025-01-02",
        "--offline",
        "-f",
        "csv",
    ];
    assert_eq!(there.run(&asked).stdout.lines().count(), 49);
}

#[test]
fn a_database_of_requests_cache_is_read_and_its_pickles_are_not() {
    let there = Sandbox::new();
    let path = there.path("http_cache.sqlite");
    let body = r#"{"chart":{"result":[{"meta":{"symbol":"AAPL","currency":"USD","exchangeName":"NMS","dataGranularity":"1d","exchangeTimezoneName":"America/New_York","gmtoffset":-18000},"timestamp":[1704205800,1704292200],"indicators":{"quote":[{"open":[1.0,2.0],"high":[3.0,3.0],"low":[0.5,1.0],"close":[2.0,2.5],"volume":[10,20]}],"adjclose":[{"adjclose":[1.9,2.4]}]}}],"error":null}}"#;
    let row = serde_json::json!({
        "url": "https://query2.finance.yahoo.com/v8/finance/chart/AAPL?period1=1704153600&period2=1704326400&interval=1d&events=div,splits",
        "status_code": 200,
        "created_at": "2026-06-01T09:54:00.182560+00:00",
        "_content": base64(body.as_bytes()),
    });
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("CREATE TABLE responses (key TEXT PRIMARY KEY, value BLOB, expires INTEGER)")
        .unwrap();
    database.execute("INSERT INTO responses VALUES ('a', ?1, NULL)", [row.to_string()]).unwrap();
    let run = there.run(&["import", "http_cache.sqlite", "-p", "yahoo", "-f", "json"]);
    let taken = &run.json()[0];
    assert_eq!(
        (&taken["key"], &taken["new"]),
        (&"bars:stock:AAPL:1d".into(), &2.into()),
        "{run:?}"
    );
    assert_eq!(
        taken["spans"],
        serde_json::json!([["2024-01-02T00:00:00Z", "2024-01-04T00:00:00Z"]])
    );
    database.execute("INSERT INTO responses VALUES ('b', x'80049500', NULL)", []).unwrap();
    there
        .run(&["import", "http_cache.sqlite", "-p", "yahoo"])
        .fails(1, &["1 of its answers are pickles", "hint: "]);
}

/// Bytes as requests-cache writes them.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let groups = bytes.chunks(3).map(|group| {
        let bits = (0..3)
            .fold(0_usize, |bits, at| bits << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        let letters = (0..4).map(|at| char::from(LETTERS[bits >> (18 - 6 * at) & 63]));
        letters.take(group.len() + 1).chain("==".chars().take(3 - group.len())).collect::<String>()
    });
    groups.collect()
}

#[test]
fn what_cannot_be_meant_is_said_before_anything_is_taken() {
    let there = Sandbox::new();
    there.file("AAPL.csv", "Date,Close\n2024-01-02,1\n");
    there.file("b.pkl", b"\x80\x04abc");
    there.file("no symbol.csv", "Date,Close\n");
    there.file("all.mcache", "");
    for (arguments, says) in [
        (&["AAPL.csv"][..], "does not say whose prices they are"),
        (&["AAPL.csv", "-p", "nobody"], "there is no provider `nobody`"),
        (&["AAPL.csv", "-p", "yahoo"], "does not say when it was made"),
        (
            &["AAPL.csv", "-p", "yahoo", "--basis", "2026-01-01", "-i", "1wk"],
            "bars of 1wk are not taken",
        ),
        (&["no symbol.csv", "-p", "yahoo", "--basis", "2026-01-01"], "is not named after a symbol"),
        (&["b.pkl", "-p", "yahoo"], "is a pickle"),
        (&["nowhere.csv"], "cannot be read"),
        (&[".", "--symbol", "AAPL", "-p", "yahoo"], "--symbol cannot be said of a folder"),
        (&["all.mcache", "--symbol", "AAPL"], "wrote, and --symbol says nothing of it"),
        (&["all.mcache", "-p", "yahoo"], "--provider says nothing of it"),
        (&["all.mcache", "--basis", "2026-01-01"], "--basis says nothing of it"),
    ] {
        there.run(&[&["import"], arguments].concat()).fails(2, &["error: ", says, "hint: "]);
    }
    for (name, text, says) in [
        ("future", "Date,Close\n2024-01-02,1\n", "--basis is in the future"),
        ("odd", "Date,Close\n2024-01-02,-1\n", "it must be above zero"),
        ("torn", "Date,Close\n2024-01-02,1\n2024-01-02,2\n", "is there twice"),
    ] {
        let file = there.file(&format!("{name}.csv"), text);
        let basis = if name == "future" { "2027-01-01" } else { "2026-01-01" };
        let run = there.run(&["import", file.to_str().unwrap(), "-p", "yahoo", "--basis", basis]);
        run.fails(1, &["error: ", says]);
    }
    assert_eq!(there.json(&["keys"]), serde_json::json!([]));
}

#[test]
fn what_a_file_does_not_say_of_splits_and_dividends_is_asked_for_when_it_counts() {
    let fresh = Sandbox::new();
    let of = ["fetch", "SPLT", "-p", "demo", "--from", "2026-02-02", "--to", "2026-06-26"];
    let csv = fresh.run(&[&of[..], &["-t", "bars", "-f", "csv"]].concat()).stdout;
    // Prices that are adjusted for splits, and nothing else.
    let rows = csv.lines().filter(|line| !line.contains("provisional")).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        [cells[1], cells[3], cells[4], cells[5], cells[6], cells[8]].join(",")
    });
    let rows: Vec<String> = rows.collect();
    let sandbox = Sandbox::new();
    sandbox.file("SPLT.csv", rows.join("\n"));
    let run = sandbox.run(&["import", "SPLT.csv", "-p", "demo", "--basis", "2026-06-30"]);
    assert!(run.stderr.contains("nothing of splits and dividends"), "{run:?}");
    let calls = || sandbox.json(&["stats"])["upstream_calls"].clone();
    let rest = ["--from", "2026-02-02", "--to", "2026-06-26", "-f", "csv"];
    let bars = |of: &Sandbox, how: &[&str]| {
        let days = ["fetch", "SPLT", "-p", "demo", "-t", "bars"];
        of.run(&[&days[..], &rest[..], how].concat()).stdout
    };
    bars(&sandbox, &[]);
    assert!(calls() == 1, "for what has happened since: {}", calls());
    for how in [&["--adjust", "none"][..], &["--adjust", "all"], &["--adjust", "splits"]] {
        assert_eq!(bars(&sandbox, how), bars(&fresh, how), "{how:?}");
    }
    for data_type in ["splits", "dividends", "total_return", "adjusted_close"] {
        let of = [&["fetch", "SPLT", "-p", "demo", "-t", data_type], &rest[..]].concat();
        let (told, expected) = (sandbox.run(&of), fresh.run(&of));
        assert_eq!(told.stdout, expected.stdout, "{data_type}");
        assert!(told.stdout.lines().count() > 1, "{told:?}");
    }
    assert_eq!(calls(), 2, "once, for all of them");
}
