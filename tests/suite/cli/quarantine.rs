//! What is refused as nonsense is kept beside the good answers, and can be looked at.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::{LATER, at, yahoo, yahoo_at};
use crate::sandbox::{Run, Sandbox, Upstream, reply};

fn refused(sandbox: &Sandbox) -> Vec<serde_json::Value> {
    sandbox.json(&["stats", "--quarantine"]).as_array().unwrap().clone()
}

/// The number of files of the cache folder that begin so.
fn files(sandbox: &Sandbox, start: &str) -> usize {
    let files = std::fs::read_dir(sandbox.cache()).unwrap();
    let named = |file: std::fs::DirEntry| file.file_name().to_string_lossy().starts_with(start);
    files.map(|file| named(file.unwrap())).filter(|is_named| *is_named).count()
}

#[test]
fn an_answer_that_cannot_be_is_kept_with_why_and_the_good_one_stays() {
    let good = yahoo_at("100", "");
    let sandbox = Sandbox::new().with_provider("yahoo", good.url());
    sandbox.json(&["fetch", "AAPL"]);
    assert_eq!(files(&sandbox, "quarantine"), 0, "who refuses nothing opens nothing");
    let bad = yahoo_at("-5", "");
    let sandbox = sandbox.with_provider("yahoo", bad.url());
    let run = at(&sandbox, LATER, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.json()[0]["price"], 100, "{run:?}");
    assert!(run.stderr.contains("cannot be: it must be above zero"), "{run:?}");
    let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
    assert_eq!(row["key"], "quote:stock:AAPL");
    assert_eq!((&row["provider"], &row["endpoint"]), (&"yahoo".into(), &"quote".into()));
    assert_eq!((&row["status"], &row["times"]), (&200.into(), &1.into()));
    assert_eq!(row["content_type"], "application/json");
    assert!(row["at"].as_str().unwrap().starts_with("2026-07-01T15:00:"), "{row}");
    assert!(row["why"].as_str().unwrap().starts_with("yahoo sent a price of `-5`"), "{row}");
    let body = yahoo("AAPL", "-5", "");
    assert_eq!((&row["body"], &row["encoding"]), (&body.clone().into(), &"text".into()));
    assert_eq!(row["size_bytes"], body.len());
}

#[test]
fn the_error_says_where_to_look_and_the_table_is_short() {
    let bad = Upstream::saying(200, "text/html", "<html>sorry</html>");
    let sandbox = Sandbox::new().with_provider("yahoo", bad.url());
    sandbox
        .run(&["fetch", "AAPL"])
        .fails(1, &["hint: ", "; `mcache stats --quarantine` shows what came"]);
    let run = sandbox.run(&["stats", "--quarantine"]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    for (line, parts) in [
        (lines[0], &["WHEN", "TIMES", "KEY", "WHY", "SIZE"][..]),
        (lines[1], &["quote:stock:AAPL@yahoo", "cannot be read", "18 B"]),
    ] {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
    let csv = sandbox.run(&["stats", "--quarantine", "-f", "csv"]).stdout;
    assert!(csv.starts_with("key,provider,endpoint,first_at,at,times,why,status,"), "{csv}");
    assert!(csv.lines().nth(1).unwrap().ends_with(",18,text,<html>sorry</html>"), "{csv}");
    let line = sandbox.run(&["stats", "--quarantine", "-f", "ndjson"]).stdout;
    let row: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(row["body"], "<html>sorry</html>");
}

#[test]
fn bars_that_cannot_be_and_bytes_that_are_no_text_are_kept_too() {
    let bad = Upstream::start(|_| reply(200, "application/octet-stream", &[0xff, 0, 0xfe]));
    let sandbox = Sandbox::new().with_provider("yahoo", bad.url());
    let run = sandbox.run(&["fetch", "AAPL", "-t", "bars", "--period", "5d"]);
    run.fails(1, &["stats --quarantine"]);
    let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
    assert_eq!((&row["key"], &row["endpoint"]), (&"bars:stock:AAPL:1d".into(), &"bars".into()));
    assert_eq!((&row["body"], &row["encoding"]), (&"/wD+".into(), &"base64".into()));
}

#[test]
fn the_same_fault_of_the_same_key_is_counted_and_not_kept_again() {
    let bad = yahoo_at("0", "");
    let sandbox = Sandbox::new().with_provider("yahoo", bad.url());
    for now in ["2026-07-01T15:00:00Z", "2026-07-01T15:30:00Z", "2026-07-01T16:00:00Z"] {
        at(&sandbox, now, &["fetch", "AAPL", "--refresh"]);
    }
    let rows = refused(&sandbox);
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!(rows[0]["times"], 3);
    assert!(rows[0]["first_at"].as_str().unwrap() < "2026-07-01T15:01", "{rows:?}");
    assert!(rows[0]["at"].as_str().unwrap() > "2026-07-01T15:59", "{rows:?}");
}

#[test]
fn a_long_body_is_cut_and_its_length_is_said() {
    let long = format!("{}é", "x".repeat(64 * 1024 - 1)).repeat(3);
    let size = long.len();
    let bad = Upstream::start(move |_| reply(200, "application/json", long.as_bytes()));
    let sandbox = Sandbox::new().with_provider("yahoo", bad.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &[]);
    let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
    assert_eq!(row["size_bytes"], size);
    assert_eq!(row["body"].as_str().unwrap().len(), 64 * 1024 - 1, "no character is cut in two");
    assert_eq!(row["encoding"], "text");
}

#[test]
fn a_body_that_is_too_long_or_breaks_off_is_kept_as_far_as_it_came() {
    let torn = Upstream::start(|_| {
        b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\nConnection: close\r\n\r\n{\"a\":1".to_vec()
    });
    let sandbox = Sandbox::new().with_provider("yahoo", torn.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &["cut short"]);
    let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
    assert_eq!((&row["body"], &row["size_bytes"]), (&"{\"a\":1".into(), &6.into()));
    let endless = Upstream::start(|_| reply(200, "application/json", &vec![b'['; 17 << 20]));
    let sandbox = Sandbox::new().with_provider("yahoo", endless.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &["is longer than 16 MiB"]);
    let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
    assert_eq!(row["body"].as_str().unwrap().len(), 64 * 1024);
    assert!(row["size_bytes"].as_u64().unwrap() > 15 << 20, "{}", row["size_bytes"]);
}

#[test]
fn what_is_not_nonsense_is_not_kept_nor_anything_of_who_keeps_nothing() {
    let failing = Upstream::saying(503, "text/plain", "busy");
    let sandbox = Sandbox::new().with_provider("yahoo", failing.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &[]);
    let bad = yahoo_at("0", "");
    let sandbox = sandbox.with_provider("yahoo", bad.url());
    let run = sandbox.run(&["fetch", "MSFT", "--no-cache"]);
    assert!(!run.fails(1, &["error: "]).stderr.contains("--quarantine"), "{run:?}");
    let run = sandbox.run(&["stats", "--quarantine"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "nothing was refused\n"));
    assert_eq!(files(&sandbox, "quarantine"), 0);
}

#[test]
fn clearing_everything_empties_it_and_clearing_some_does_not() {
    let bad = yahoo_at("0", "");
    let sandbox = Sandbox::new().with_provider("yahoo", bad.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &[]);
    for kept in [&["clear", "--all", "--dry-run"][..], &["clear", "quote:*"], &["clear", "--stale"]]
    {
        assert_eq!(sandbox.run(kept).code, Some(0));
        assert_eq!(refused(&sandbox).len(), 1, "{kept:?}");
    }
    assert_eq!(sandbox.run(&["clear", "--all"]).code, Some(0));
    assert!(refused(&sandbox).is_empty());
}

#[test]
fn a_quarantine_that_cannot_be_written_costs_no_answer() {
    let (good, bad) = (yahoo_at("100", ""), yahoo_at("0", ""));
    let sandbox = Sandbox::new().with_provider("yahoo", good.url());
    sandbox.json(&["fetch", "AAPL"]);
    std::fs::create_dir_all(sandbox.cache().join("quarantine.db")).unwrap();
    let sandbox = sandbox.with_provider("yahoo", bad.url());
    let run: Run = sandbox.run(&["fetch", "AAPL", "--refresh", "-f", "json"]);
    assert_eq!((run.code, &run.json()[0]["price"]), (Some(0), &100.into()), "{run:?}");
    run.says("it must be above zero");
    assert_eq!(run.stderr.matches("warning").count(), 1, "{run:?}");
    sandbox.run(&["stats", "--quarantine"]).says("quarantine.db");
}

#[test]
fn a_key_that_a_broken_body_repeats_is_nowhere_in_the_folder() {
    const KEY: &str = "k3y/of~ours+7f3a9b";
    let encoded = KEY.replace('/', "%2F").replace('+', "%2b");
    let basic = STANDARD.encode(format!("user:{KEY}"));
    let url_safe = URL_SAFE_NO_PAD.encode(format!("x{KEY}yz"));
    let sure = |text: &str| text[8..text.len() - 8].to_owned();
    let needles = [KEY.to_owned(), encoded.clone(), sure(&basic), sure(&url_safe)];
    let filler = "x".repeat(64 * 1024 - 70);
    let bodies = [
        format!("{{\"you\":\"sent {KEY}, {encoded} and Basic {basic}, or {url_safe}\""),
        // It stands where the body is cut.
        format!("{filler} {KEY} {KEY} {KEY} {KEY} {KEY} {KEY}"),
    ];
    for body in bodies {
        let content_type = format!("text/{encoded}");
        let bad = Upstream::start(move |_| reply(200, &content_type, body.as_bytes()));
        let sandbox = Sandbox::new()
            .with_provider("fred", bad.url())
            .env("FRED_API_KEY", KEY)
            .env("MCACHE_PROVIDERS__FRED__HEADERS__X-MORE", "also-h1dden");
        sandbox.run(&["fetch", "GDP"]).fails(1, &["stats --quarantine"]);
        let [row] = &refused(&sandbox)[..] else { panic!("one was refused") };
        assert!(row["body"].as_str().unwrap().contains("***"), "{row}");
        for file in std::fs::read_dir(sandbox.cache()).unwrap() {
            let path = file.unwrap().path();
            let bytes = std::fs::read(&path).unwrap_or_default();
            for needle in &needles {
                let holds = bytes.windows(needle.len()).any(|part| part == needle.as_bytes());
                assert!(!holds, "{} holds {needle}", path.display());
            }
            let tail = &KEY[KEY.len() - 6..];
            assert!(!bytes.windows(6).any(|part| part == tail.as_bytes()), "{}", path.display());
        }
    }
}

#[test]
fn bars_of_the_wrong_shape_are_not_taken_for_no_bars() {
    let good = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", good.url());
    let days = ["fetch", "AAPL", "-t", "bars", "--from", "2026-06-01", "--to", "2026-06-26"];
    let held = sandbox.json(&days)[0]["bars"].clone();
    let meta = r#""meta":{"symbol":"AAPL","dataGranularity":"1d"}"#;
    let shapes = [
        r#""meta":{}"#.to_owned(),
        format!(r#"{meta},"timestamp":[1782480600]"#),
        format!(r#"{meta},"timestamp":[1782480600],"indicators":{{}}"#),
        format!(r#"{meta},"timestamp":[1782480600],"indicators":{{"quote":[]}}"#),
        format!(r#"{meta},"timestamp":[1782480600],"indicators":{{"quote":[{{"open":[1]}}]}}"#),
    ];
    let mut sandbox = sandbox;
    for (n, shape) in (1..).zip(&shapes) {
        let body = format!(r#"{{"chart":{{"result":[{{{shape}}}],"error":null}}}}"#);
        let bad = Upstream::saying(200, "application/json", &body);
        sandbox = sandbox.with_provider("yahoo", bad.url());
        let run = sandbox.run(&[&days[..], &["--refresh"]].concat());
        assert!(run.stderr.contains("cannot be read"), "{shape}: {run:?}");
        assert_eq!(bad.count(), 1, "{shape}");
        let times: Option<i64> = refused(&sandbox).iter().map(|row| row["times"].as_i64()).sum();
        assert_eq!(times, Some(n), "{shape}");
        assert_eq!(sandbox.json(&[&days[..], &["--offline"]].concat())[0]["bars"], held, "{shape}");
    }
    let nothing = format!(
        r#"{{"chart":{{"result":[{{{meta},"indicators":{{"quote":[{{}}],"adjclose":[{{}}]}}}}],"error":null}}}}"#
    );
    let none = Upstream::saying(200, "application/json", &nothing);
    let sandbox = Sandbox::new().with_provider("yahoo", none.url());
    sandbox.run(&days);
    assert_eq!(refused(&sandbox).len(), 0, "so it says that there are none");
}
