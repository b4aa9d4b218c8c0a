//! `fetch --as-of`, `diff`, receipts and `--verify`: what was known when, what has changed since.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use mcache::time::Timestamp;
use serde_json::{Value, json};

use super::{at, json_at};
use crate::sandbox::{NOW, Random, Sandbox, Upstream, reply};

/// Half a minute after a sandbox starts.
const THEN: &str = "2026-07-01T15:00:30Z";

/// The next week: all of what was not final then is.
const WEEK: &str = "2026-07-08T15:00:00Z";

/// A second later, so that what was fetched in that week is known.
const AFTER: &str = "2026-07-08T15:00:30Z";

const BARS: [&str; 5] = ["fetch", "AAPL", "-p", "demo", "-tbars"];

/// `BARS`, and more.
fn bars<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&BARS, more].concat()
}

/// What of a record does not depend on when it is asked for.
fn values(record: &Value) -> &Value {
    &record[0]["bars"]
}

/// The calls that were made by now.
fn calls(sandbox: &Sandbox) -> i64 {
    json_at(sandbox, AFTER, &["stats"])["upstream_calls"].as_i64().unwrap()
}

/// The demo's data at any time, as an upstream of which history can be changed.
struct Rewritten {
    served: Upstream,
    now: Arc<AtomicI64>,
    has_another_past: Arc<AtomicBool>,
}

impl Rewritten {
    fn new() -> Self {
        let (now, has_another_past) =
            (Arc::new(AtomicI64::new(0)), Arc::new(AtomicBool::new(false)));
        let (clock, rewritten) = (Arc::clone(&now), Arc::clone(&has_another_past));
        let served = Upstream::start(move |incoming| {
            let now = Timestamp::from_ms(clock.load(Ordering::SeqCst));
            let answer = mcache::provider::demo::reply(&incoming.path, now);
            let mut body: Value = serde_json::from_slice(&answer.body).unwrap();
            if rewritten.load(Ordering::SeqCst) {
                rewrite(&mut body);
            }
            reply(answer.status, "application/json", body.to_string().as_bytes())
        });
        Self { served, now, has_another_past }
    }

    fn machine(&self) -> Sandbox {
        let sandbox = Sandbox::new().with_provider("yahoo", self.served.url());
        sandbox.with_provider("fred", self.served.url()).env("FRED_API_KEY", "k")
    }

    /// Runs the program at a time, which is the upstream's too.
    fn run(&self, sandbox: &Sandbox, now: &str, arguments: &[&str]) -> crate::sandbox::Run {
        self.now.store(Timestamp::parse(now).unwrap().as_ms(), Ordering::SeqCst);
        at(sandbox, now, arguments)
    }
}

/// Doubles the prices of 29 June, and makes another value of that of the first quarter.
fn rewrite(body: &mut Value) {
    let doubled = |value: &mut Value| *value = json!(value.as_f64().unwrap() * 2.0);
    let times = body["chart"]["result"][0]["timestamp"].as_array().cloned().unwrap_or_default();
    for (place, time) in times.iter().enumerate() {
        let time = Timestamp::from_seconds(time.as_i64().unwrap()).to_string();
        if time.starts_with("2026-06-29") {
            let indicators = &mut body["chart"]["result"][0]["indicators"];
            for name in ["open", "high", "low", "close"] {
                doubled(&mut indicators["quote"][0][name][place]);
            }
            doubled(&mut indicators["adjclose"][0]["adjclose"][place]);
        }
    }
    for one in body["observations"].as_array_mut().into_iter().flatten() {
        if one["date"] == "2026-01-01" {
            one["value"] = json!("1.5");
        }
    }
}

#[test]
fn what_was_known_then_is_answered_as_it_was_and_nobody_is_asked() {
    let sandbox = Sandbox::new();
    let then = json_at(&sandbox, NOW, &bars(&["--period", "5d"]));
    let later = json_at(&sandbox, WEEK, &bars(&["--period", "1mo"]));
    let calls_before = calls(&sandbox);
    let recalled = json_at(&sandbox, AFTER, &bars(&["--period", "5d", "--as-of", THEN]));
    assert_eq!(values(&recalled), values(&then));
    assert_ne!(values(&recalled)[4], values(&later)[16], "the live bar was another");
    let cache = &recalled[0]["cache"];
    assert_eq!((&cache["status"], &cache["tier"]), (&json!("hit"), &json!("disk")));
    assert_eq!(cache["fetched_at"], then[0]["cache"]["fetched_at"]);
    assert_eq!(cache["upstream_calls"], 0);
    let states: Vec<_> = (0..5).map(|place| &values(&recalled)[place]["state"]).collect();
    assert_eq!(states, ["final", "final", "final", "provisional", "live"]);
    let same = json_at(&sandbox, AFTER, &bars(&["--period", "1mo", "--as-of", AFTER]));
    assert_eq!(values(&same), values(&later));
    assert_eq!(calls(&sandbox), calls_before);
}

#[test]
fn every_version_of_a_running_day_is_known_of_its_time() {
    let sandbox = Sandbox::new();
    let mut known = Vec::new();
    // The last two say the same of all days: what was known in between is known all the same.
    for hour in ["14:00", "15:00", "21:00", "22:00"] {
        let now = format!("2026-07-01T{hour}:00Z");
        let run = at(&sandbox, &now, &bars(&["--from", "2026-06-30", "--refresh", "-fcsv"]));
        known.push((format!("2026-07-01T{hour}:30Z"), run.stdout));
    }
    assert_ne!(known[1].1, known[2].1);
    assert_eq!(known[2].1, known[3].1);
    for (then, was) in known {
        let from = ["--from", "2026-06-30", "-fcsv", "--as-of", &then];
        assert_eq!(at(&sandbox, WEEK, &bars(&from)).stdout, was, "{then}");
    }
}

#[test]
fn as_of_any_instant_the_answer_is_what_it_was_then() {
    const DAY: Duration = Duration::from_hours(24);
    let mut random = Random(20_260_615);
    for symbol in ["SPLT", "crypto:BTC"] {
        let sandbox = Sandbox::new();
        let mut told = Vec::new();
        let mut day = Timestamp::parse("2026-06-01T00:00:00Z").unwrap();
        for _ in 0..12 {
            let now = day + Duration::from_secs(random.next() % 86_000);
            let mut back = [random.next() % 40, random.next() % 40];
            back.sort_unstable();
            let date = |days: u64| {
                let at = now - DAY * u32::try_from(days).unwrap();
                at.to_string()[..10].to_owned()
            };
            let (from, to) = (date(back[1]), date(back[0]));
            let adjust = ["none", "splits", "all"][random.below(3)];
            let arguments: Vec<String> =
                ["fetch", symbol, "-pdemo", "-tbars", "-fcsv", "--adjust", adjust]
                    .into_iter()
                    .chain(["--from", &from, "--to", &to])
                    .map(str::to_owned)
                    .collect();
            let asked: Vec<&str> = arguments.iter().map(String::as_str).collect();
            let run = at(&sandbox, &now.to_string(), &asked);
            assert_eq!(run.code, Some(0), "{run:?}");
            let then = now + Duration::from_secs(20);
            told.push((then.to_string(), arguments, run.stdout));
            day = day + DAY * u32::try_from(1 + random.below(6)).unwrap();
        }
        for (then, arguments, was) in told {
            let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            arguments.extend(["--as-of", &*then]);
            let run = at(&sandbox, "2026-12-01T15:00:00Z", &arguments);
            assert_eq!(run.stdout, was, "{arguments:?}: {run:?}");
        }
    }
}

#[test]
fn what_was_not_known_is_no_answer() {
    let sandbox = Sandbox::new();
    let early = ["--period", "5d", "--as-of", "2026-07-01T14:00:00Z"];
    let run = at(&sandbox, AFTER, &bars(&early));
    run.fails(1, &["AAPL: the cache knew nothing of it at 2026-07-01T14:00:00Z"]);
    at(&sandbox, NOW, &bars(&["--period", "5d"]));
    let others = "hint: `demo` gave one: add `--provider demo`";
    at(&sandbox, AFTER, &["diff", "AAPL", "--as-of", THEN])
        .fails(1, &["AAPL: the cache knew nothing of it", others]);
    at(&sandbox, AFTER, &["fetch", "AAPL", "-tbars", "--as-of", THEN]).fails(1, &[others]);
    at(&sandbox, WEEK, &bars(&["--period", "1mo"]));
    let run = at(&sandbox, AFTER, &bars(&early));
    run.fails(
        1,
        &["knew nothing of it", "the earliest that it knows of: --as-of 2026-07-01T15:00"],
    );
    assert!(!sandbox.json(&["keys"])[0].is_null());
    let month = bars(&["--period", "1mo", "--as-of", THEN]);
    let run = at(&sandbox, AFTER, &month);
    run.fails(
        1,
        &[
            "did not know all of it at 2026-07-01T15:00:30Z: nothing from 2026-06-01T04",
            "--partial",
        ],
    );
    let part = json_at(&sandbox, AFTER, &[&month[..], &["--partial"]].concat());
    assert_eq!(values(&part).as_array().unwrap().len(), 5);
    let missing = &part[0]["cache"]["missing"];
    assert_eq!(missing[0]["why"], "it was not known then", "{missing}");
    let finals =
        json_at(&sandbox, AFTER, &bars(&["--period", "5d", "--as-of", THEN, "--final-only"]));
    assert_eq!(values(&finals).as_array().unwrap().len(), 3);
}

#[test]
fn a_split_that_was_not_known_divides_nothing() {
    let sandbox = Sandbox::new();
    let split = ["fetch", "SPLT", "-p", "demo", "-tbars", "--period", "5d", "-fcsv"];
    let before = at(&sandbox, "2026-06-12T15:00:00Z", &split);
    at(&sandbox, "2026-06-19T15:00:00Z", &split);
    let as_of = ["--as-of", "2026-06-12T15:00:30Z"];
    assert_eq!(at(&sandbox, AFTER, &[&split[..], &as_of].concat()).stdout, before.stdout);
    let run = at(&sandbox, AFTER, &[&["diff", "SPLT", "-p", "demo", "-fcsv"][..], &as_of].concat());
    let row = |date: &str, field: &str| {
        let mut rows = run.stdout.lines();
        rows.find(|row| row.contains(date) && row.contains(field)).unwrap().to_owned()
    };
    let of_final = row("2026-06-10", ",close,");
    assert_eq!(of_final, "SPLT,2026-06-10,2026-06-10T13:30:00Z,close,1559.64,389.91,adjusted,");
    assert!(row("2026-06-12", ",close,").ends_with(",settled,was live"), "{run:?}");
    let run = at(
        &sandbox,
        AFTER,
        &[&["diff", "SPLT", "-p", "demo", "--adjust", "none"][..], &as_of].concat(),
    );
    assert!(!run.stdout.contains("2026-06-10  close"), "what was paid is what was paid: {run:?}");
}

#[test]
fn what_is_worked_out_is_as_of_then_too() {
    let sandbox = Sandbox::new();
    let before = "2026-06-12T15:00:00Z";
    let asked: [&[&str]; 4] =
        [&["-tdividends"], &["-tsplits"], &["-tadjusted_close"], &["-tbars", "-i1wk"]];
    let told = |now: &str, asked: &[&str], more: &[&str]| {
        let of = ["fetch", "SPLT", "-pdemo", "--period", "1y"];
        let mut record = json_at(&sandbox, now, &[&of[..], asked, more].concat());
        record[0].as_object_mut().unwrap().remove("cache");
        record
    };
    let was = asked.map(|asked| told(before, asked, &[]));
    assert!(was[0][0]["events"][0]["amount"].as_f64() > Some(0.0), "{}", was[0]);
    for (asked, was) in asked.into_iter().zip(&was) {
        assert_ne!(&told(AFTER, asked, &[]), was, "{asked:?}");
    }
    for (asked, was) in asked.into_iter().zip(&was) {
        assert_eq!(&told(AFTER, asked, &["--as-of", "2026-06-12T15:00:30Z"]), was, "{asked:?}");
    }
}

#[test]
fn what_has_changed_is_a_row_a_value() {
    let sandbox = Sandbox::new();
    at(&sandbox, NOW, &bars(&["--period", "5d"]));
    at(&sandbox, WEEK, &bars(&["--period", "1y"]));
    let diff =
        |more: &[&str]| at(&sandbox, AFTER, &[&["diff", "AAPL", "-p", "demo"], more].concat());
    insta::assert_snapshot!(diff(&["--as-of", THEN]).shown(), @r"
    SYMBOL  DATE        FIELD               WAS       IS  KIND     NOTE
    AAPL    2026-07-01  high             229.31   230.05  settled  was live
    AAPL    2026-07-01  close            228.83   229.95  settled  was live
    AAPL    2026-07-01  adjusted_close   228.83   229.95  settled  was live
    AAPL    2026-07-01  volume          1301307  5639000  settled  was live
    exit 0
    ");
    let rows = diff(&["--as-of", THEN, "-fjson"]).json();
    assert_eq!(
        rows[1],
        json!({
            "symbol": "AAPL", "date": "2026-07-01", "time": "2026-07-01T13:30:00Z", "field": "close",
            "was": 228.83, "is": 229.95, "kind": "settled", "note": "was live",
        })
    );
    assert_eq!(diff(&["--as-of", THEN, "-fndjson"]).stdout.lines().count(), 4);
    let nothing = diff(&["--as-of", THEN, "--to", "2026-07-01T16:00:00Z", "-fcsv"]);
    insta::assert_snapshot!(nothing.shown(), @r"
    symbol,date,time,field,was,is,kind,note
    ! AAPL: nothing that was known at 2026-07-01T15:00:30Z has changed by 2026-07-01T16:00:00Z
    exit 0
    ");
    diff(&["--as-of", "2026-06-01"]).fails(1, &["knew nothing of it at 2026-06-01T00:00:00Z"]);
    let weeks = diff(&["--as-of", THEN, "-i1wk"]);
    assert!(!weeks.stdout.contains("restated"), "a week of which not all was known: {weeks:?}");
}

#[test]
fn a_receipt_says_later_whether_anything_of_it_has_changed() {
    let sandbox = Sandbox::new();
    let wanted = ["--period", "5d", "--receipt", "r.json"];
    at(&sandbox, NOW, &bars(&wanted));
    let receipt: Value =
        serde_json::from_slice(&std::fs::read(sandbox.path("r.json")).unwrap()).unwrap();
    let answer = &receipt["answers"][0];
    assert_eq!(receipt["version"], 1);
    assert_eq!(answer["states"], json!({"final": 3, "provisional": 1, "live": 1}));
    assert_eq!((&answer["provider"], &answer["rows"]), (&json!("demo"), &json!(5)));
    assert_eq!(answer["coverage"].as_array().unwrap().len(), 2, "{answer}");
    let diff = |now: &str| at(&sandbox, now, &["diff", "--receipt", "r.json"]);
    diff(THEN).says("nothing that was known at 2026-07-01T15:00:0");
    at(&sandbox, WEEK, &bars(&["--period", "1mo"]));
    let run = diff(AFTER);
    assert_eq!((run.code, run.stdout.lines().count()), (Some(0), 5), "{run:?}");
    // What was final then is the same: its receipt says so, and it can be hashed by hand.
    let finals = ["--period", "5d", "--final-only", "--as-of", THEN, "--receipt", "f.json"];
    at(&sandbox, AFTER, &bars(&finals));
    at(&sandbox, AFTER, &["diff", "--receipt", "f.json"]).says("nothing that was known");
    // Without what stood there before nobody can say what it was.
    sandbox.sql("DELETE FROM past");
    diff(AFTER).fails(
        1,
        &["AAPL: it has changed since, and what it was is not held any more", "series.past"],
    );
}

#[test]
fn the_hash_of_a_receipt_is_that_of_the_rows_as_csv() {
    let sandbox = Sandbox::new();
    at(&sandbox, NOW, &bars(&["--period", "5d", "--receipt", "r.json"]));
    let text = std::fs::read_to_string(sandbox.path("r.json")).unwrap();
    let receipt: Value = serde_json::from_str(&text).unwrap();
    let hash = &receipt["answers"][0]["hash"];
    let columns = hash["csv"].as_str().unwrap();
    let run = at(&sandbox, NOW, &bars(&["--period", "5d", "-fcsv", "--fields", columns]));
    assert_eq!(hash["algorithm"], "xxh3-128");
    assert_eq!(hash["value"], format!("{:032x}", xxhash_rust::xxh3::xxh3_128(&run.bytes)));
}

#[test]
fn history_that_upstream_rewrites_is_known_as_it_was() {
    let yahoo = Rewritten::new();
    let sandbox = yahoo.machine();
    let wanted = ["fetch", "AAPL", "-tbars", "--from", "2026-06-25", "--to", "2026-07-01", "-fcsv"];
    let early = "2026-06-26T15:00:00Z";
    yahoo.run(&sandbox, early, &wanted);
    let was = yahoo.run(&sandbox, "2026-07-01T15:00:00Z", &wanted);
    yahoo.has_another_past.store(true, Ordering::SeqCst);
    let verified = yahoo.run(&sandbox, THEN, &[&wanted[..], &["--verify"]].concat());
    verified
        .fails(1, &["AAPL: 3 of 3 final bars compared with yahoo, 1 differs", "2026-06-29  close"]);
    assert_eq!(verified.stdout, was.stdout, "nothing is overwritten");
    let receipt = ["--final-only", "--receipt", "r.json"];
    yahoo.run(&sandbox, THEN, &[&wanted[..], &receipt].concat());
    // The bar that overlaps is that of 29 June, with other prices: all of it is asked for again.
    let is = yahoo.run(&sandbox, WEEK, &wanted);
    assert_ne!(is.stdout, was.stdout);
    for (as_of, known) in [(THEN, &was), (AFTER, &is)] {
        let run = at(&sandbox, AFTER, &[&wanted[..], &["--as-of", as_of]].concat());
        assert_eq!(run.stdout, known.stdout, "{as_of}");
    }
    // What was restated was not known before it was fetched.
    let first = at(&sandbox, AFTER, &[&wanted[..], &["--as-of", "2026-06-26T15:00:30Z"]].concat());
    assert_eq!(first.stdout.lines().count(), 3, "{first:?}");
    let diff = at(&sandbox, AFTER, &["diff", "AAPL", "--as-of", THEN, "-fcsv"]);
    let restated: Vec<_> = diff.stdout.lines().filter(|row| row.contains(",restated,")).collect();
    assert_eq!(restated.len(), 5, "{diff:?}");
    assert!(restated.iter().all(|row| row.starts_with("AAPL,2026-06-29,")), "{restated:?}");
    let run = at(&sandbox, AFTER, &["diff", "--receipt", "r.json", "-fcsv"]);
    assert_eq!(run.stdout.lines().skip(1).collect::<Vec<_>>(), restated);
}

#[test]
fn a_macro_series_is_known_as_it_was() {
    let fred = Rewritten::new();
    let sandbox = fred.machine();
    let wanted = ["fetch", "GDP", "-fcsv"];
    let known: Vec<_> = [(NOW, false), ("2026-07-03T15:00:00Z", false), (WEEK, true)]
        .into_iter()
        .map(|(now, has_another_past)| {
            fred.has_another_past.store(has_another_past, Ordering::SeqCst);
            fred.run(&sandbox, now, &wanted).stdout
        })
        .collect();
    assert_ne!(known[1], known[2]);
    let as_of = [THEN, "2026-07-05T15:00:00Z", AFTER];
    for (then, was) in as_of.into_iter().zip(&known) {
        let run = at(&sandbox, AFTER, &[&wanted[..], &["--as-of", then]].concat());
        assert_eq!(run.stdout, *was, "{then}: {run:?}");
    }
    // What said the same is not kept twice.
    assert_eq!(sandbox.count("past"), 2);
    assert_eq!(sandbox.count("(SELECT 1 FROM past WHERE length(body) < 9)"), 1);
    let diff = at(&sandbox, AFTER, &["diff", "GDP", "--as-of", THEN, "-fcsv"]);
    let rows: Vec<_> = diff.stdout.lines().skip(1).collect();
    assert!(rows.len() == 1 && rows[0].starts_with("GDP,2026-01-01,,value,"), "{diff:?}");
    assert!(rows[0].ends_with(",1.5,restated,"), "{diff:?}");
    let run = at(&sandbox, AFTER, &[&wanted[..], &["--as-of", "2026-06-01"]].concat());
    run.fails(1, &["the cache knew nothing of it", "--as-of 2026-07-01T15:00:00"]);
}

#[test]
fn so_many_older_versions_are_kept_as_is_configured() {
    for (past, held) in [("0", 0), ("1", 1), ("9", 2)] {
        let sandbox = Sandbox::new().env("MCACHE_SERIES__PAST", past);
        for now in ["2026-07-01T14:00:00Z", NOW, "2026-07-01T16:00:00Z"] {
            at(&sandbox, now, &bars(&["--period", "5d"]));
        }
        assert_eq!(sandbox.count("past"), held, "{past}");
    }
    let run = Sandbox::new().run(&["config", "show", "--set", "series.past=-1"]);
    run.fails(2, &["series.past"]);
}

#[test]
fn final_bars_are_compared_with_upstream_and_counted() {
    let sandbox = Sandbox::new();
    at(&sandbox, NOW, &bars(&["--period", "1y"]));
    let before = calls(&sandbox);
    let run = at(&sandbox, THEN, &bars(&["--period", "1y", "--verify"]));
    run.says("AAPL: 20 of 250 final bars compared with demo, none differ");
    assert_eq!(calls(&sandbox), before + 1);
    // Of minutes a few requests are made, spread over what there is.
    let minutes = ["fetch", "BTC", "-pdemo", "-tbars", "-i1m", "--period", "5d", "-q"];
    at(&sandbox, NOW, &minutes);
    let before = calls(&sandbox);
    let run = at(&sandbox, THEN, &[&minutes[..7], &["--verify"]].concat());
    run.says("BTC: 18 of ");
    assert_eq!(calls(&sandbox), before + 3);
    // A split between what is held and what comes is no difference.
    let split = ["fetch", "SPLT", "-pdemo", "-tbars", "--period", "1mo"];
    at(&sandbox, "2026-06-12T15:00:00Z", &split);
    let old = [&split[..4], &["--from", "2026-05-18", "--to", "2026-06-05", "--verify"]].concat();
    at(&sandbox, "2026-06-19T15:00:00Z", &old).says("14 of 14 final bars compared");
}

#[test]
fn what_cannot_be_known_or_proved_is_refused_before_anything_is_asked() {
    let sandbox = Sandbox::new();
    for (arguments, says) in [
        (bars(&["--as-of", "2026-07-02"]), &["--as-of 2026-07-02T00:00:00Z is in the future"][..]),
        (bars(&["--as-of", "yesterday"]), &["--as-of", "yesterday"]),
        (bars(&["--as-of", NOW, "--refresh"]), &["cannot be used with"]),
        (bars(&["--as-of", NOW, "--verify"]), &["cannot be used with"]),
        (bars(&["--offline", "--verify"]), &["cannot be used with"]),
        (bars(&["--no-cache", "--receipt", "r"]), &["cannot be used with"]),
        (vec!["fetch", "AAPL", "--as-of", NOW], &["--as-of is for series", "-t bars"]),
        (vec!["fetch", "AAPL", "--receipt", "r"], &["--receipt is for series"]),
        (vec!["fetch", "GDP", "--verify"], &["--verify is for bars"]),
        (vec!["diff"], &["--as-of"]),
        (vec!["diff", "AAPL"], &["--as-of"]),
        (
            vec!["diff", "AAPL", "--as-of", "2026-08-01"],
            &["--as-of 2026-08-01T00:00:00Z is in the future"],
        ),
        (
            vec!["diff", "AAPL", "--as-of", "2026-06-01", "--to", "2026-05-01"],
            &["is before --as-of"],
        ),
        (vec!["diff", "AAPL", "--as-of", NOW, "-t", "quote"], &["a quote cannot be compared"]),
        (vec!["diff", "AAPL", "--as-of", NOW, "-t", "bras"], &["bars"]),
        (vec!["diff", "AAPL", "--as-of", NOW, "-f", "prometheus"], &["no format `prometheus`"]),
        (vec!["diff", "--receipt", "none.json"], &["is no receipt"]),
        (vec!["diff", "AAPL", "--receipt", "r.json"], &["cannot be used with"]),
    ] {
        at(&sandbox, NOW, &arguments).fails(2, says);
    }
    assert!(!sandbox.cache().exists() && !sandbox.path("r").exists());
    let run = at(&sandbox, NOW, &bars(&["--receipt", "no/such/folder"]));
    run.fails(1, &["cannot be written"]);
}

#[test]
fn a_receipt_that_is_none_is_refused() {
    let sandbox = Sandbox::new();
    at(&sandbox, NOW, &bars(&["--period", "5d", "--receipt", "r.json"]));
    let text = std::fs::read_to_string(sandbox.path("r.json")).unwrap();
    for (bad, says) in [
        (String::new(), "is no receipt"),
        ("[]".to_owned(), "is no receipt"),
        ("\u{0}".to_owned(), "is no receipt"),
        (text.replace("\"version\": 1", "\"version\": 2"), "of version 2"),
        (text.replace("xxh3-128", "md5"), "its hash is no xxh3-128"),
        (text.replace("\"demo\"", "\"nobody\""), "no provider `nobody`"),
        (text.replace("\"1d\"", "\"7d\""), "7d"),
        (text.replace("\"splits\"", "\"jumps\""), "the receipt's adjust `jumps` is none"),
        (text.replace("\"regular\"", "\"x\""), "the receipt's session `x` is none"),
        (text.replace("\"AAPL\"", "\"A PL\""), "A PL"),
        (text.replace("\"as_of\": \"2026", "\"as_of\": \"2027"), "which is in the future"),
        (text.replace("\"as_of\": \"2026", "\"as_of\": \"x"), "the receipt's `as_of`"),
        (text.replace("\"from\": \"2026", "\"from\": \"x"), "is not a time"),
    ] {
        sandbox.file("bad.json", &bad);
        let run = at(&sandbox, AFTER, &["diff", "--receipt", "bad.json"]);
        assert_eq!(run.code, Some(2), "{says}: {run:?}");
        assert!(run.stderr.contains(says), "{says}: {run:?}");
    }
}
