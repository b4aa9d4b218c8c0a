//! What upstream confirms as unchanged is new again, byte for byte, and costs a call but no body.

use std::sync::{Arc, Mutex};

use super::{LATER, SOON, at, json_at, nobody, reply_with, yahoo};
use crate::sandbox::{NOW, Sandbox, Upstream, finished};

/// A minute and two after a sandbox starts, where a quote of half a minute before is stale.
const NEXT: &str = "2026-07-01T15:01:30Z";
const LAST: &str = "2026-07-01T15:02:30Z";

/// What an upstream says of `AAPL`: its price, and the header lines that go with it.
#[derive(Clone)]
struct Saying {
    price: String,
    headers: String,
    /// How many bodies it has sent.
    bodies: usize,
}

/// An upstream that can be told what to say, and answers 304 to whoever has it already.
struct Site {
    upstream: Upstream,
    saying: Arc<Mutex<Saying>>,
}

impl Site {
    fn saying(price: &str, headers: &str) -> Self {
        let (price, headers) = (price.to_owned(), headers.to_owned());
        let saying = Arc::new(Mutex::new(Saying { price, headers, bodies: 0 }));
        let said = Arc::clone(&saying);
        let upstream = Upstream::start(move |incoming| {
            let mut saying = said.lock().unwrap();
            let is_known = ["if-none-match", "if-modified-since"]
                .iter()
                .filter_map(|name| incoming.header(name))
                .any(|held| saying.headers.contains(held));
            if is_known {
                return reply_with(304, &saying.headers, "");
            }
            saying.bodies += 1;
            reply_with(200, &saying.headers, &yahoo("AAPL", &saying.price, ""))
        });
        Self { upstream, saying }
    }

    fn say(&self, price: &str, headers: &str) {
        let mut saying = self.saying.lock().unwrap();
        (saying.price, saying.headers) = (price.to_owned(), headers.to_owned());
    }

    fn bodies(&self) -> usize {
        self.saying.lock().unwrap().bodies
    }

    fn sandbox(&self) -> Sandbox {
        Sandbox::new().with_provider("yahoo", self.upstream.url())
    }

    /// What each request was to be answered only if it had changed since.
    fn conditions(&self) -> Vec<String> {
        conditions(&self.upstream)
    }
}

/// The conditions of each request, an empty text where it had none.
fn conditions(upstream: &Upstream) -> Vec<String> {
    upstream
        .seen()
        .iter()
        .map(|incoming| {
            let sent = ["if-none-match", "if-modified-since"].map(|name| incoming.header(name));
            let sent: Vec<&str> = sent.into_iter().flatten().collect();
            sent.join(" and ")
        })
        .collect()
}

/// The condition of who holds `v1`.
const V1: &str = "\"v1\"";

/// `AAPL` at a time: the record without its `cache`, and that.
fn fetched(sandbox: &Sandbox, now: &str, flags: &[&str]) -> (serde_json::Value, serde_json::Value) {
    let mut record = json_at(sandbox, now, &[&["fetch", "AAPL"], flags].concat())[0].clone();
    let cache = record.as_object_mut().unwrap().remove("cache").unwrap();
    (record, cache)
}

/// Every row of the table of validators.
fn rows(sandbox: &Sandbox) -> i64 {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    database.query_row("SELECT count(*) FROM validator", [], |row| row.get(0)).unwrap()
}

#[test]
fn what_upstream_confirms_is_new_again_byte_for_byte_and_costs_no_body() {
    let site = Site::saying("189.9800", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    assert_eq!(at(&sandbox, NOW, &["fetch", "AAPL"]).code, Some(0));
    let body = || at(&sandbox, NOW, &["get", "quote:stock:AAPL", "--stale"]).bytes;
    let stored = body();
    let (_, confirmed) = fetched(&sandbox, LATER, &[]);
    assert_eq!(body(), stored);
    assert_eq!((&confirmed["status"], &confirmed["tier"]), (&"refresh".into(), &"upstream".into()));
    assert_eq!(confirmed["upstream_calls"], 1);
    assert!(confirmed["fetched_at"].as_str().unwrap().starts_with("2026-07-01T15:00:40."));
    assert!(confirmed["expires_at"].as_str().unwrap().starts_with("2026-07-01T15:01:10."));
    let (_, hit) = fetched(&sandbox, "2026-07-01T15:01:05Z", &[]);
    assert_eq!((&hit["status"], &hit["tier"]), (&"hit".into(), &"disk".into()));
    assert_eq!(fetched(&sandbox, NEXT, &[]).1["status"], "refresh", "and again");
    assert_eq!(body(), stored);
    assert_eq!(site.conditions(), ["", V1, V1]);
    assert_eq!(site.bodies(), 1);
    let stats = sandbox.json(&["stats"]);
    let upstream = &stats["providers"]["yahoo"];
    assert_eq!((&stats["upstream_calls"], &stats["misses"]), (&3.into(), &3.into()), "{stats}");
    assert_eq!((&upstream["calls"], &upstream["errors"]), (&3.into(), &0.into()), "{stats}");
    assert_eq!((&upstream["limits"][0]["used"], &upstream["health"]), (&3.into(), &"ok".into()));
}

#[test]
fn a_new_value_replaces_the_held_one_and_what_it_is_asked_by() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    site.say("2", "ETag: \"v2\"");
    let (quote, cache) = fetched(&sandbox, LATER, &[]);
    assert_eq!((&quote["price"], &cache["status"]), (&2.into(), &"miss".into()));
    let (quote, cache) = fetched(&sandbox, NEXT, &[]);
    assert_eq!((&quote["price"], &cache["status"]), (&2.into(), &"refresh".into()));
    site.say("3", "X-No: validators");
    assert_eq!(fetched(&sandbox, LAST, &[]).0["price"], 3);
    assert_eq!(rows(&sandbox), 0, "what is not sent any more is not kept");
    assert_eq!(fetched(&sandbox, "2026-07-01T15:04:00Z", &[]).1["status"], "miss");
    let v2 = "\"v2\"";
    assert_eq!(site.conditions(), ["", V1, v2, v2, ""]);
}

#[test]
fn a_confirmation_may_bring_a_new_name_for_the_same_value() {
    let upstream = Upstream::start(|incoming| match incoming.header("if-none-match") {
        None => reply_with(200, "ETag: \"a\"", &yahoo("AAPL", "1", "")),
        Some("\"a\"") => reply_with(304, "ETag: \"b\"", ""),
        Some(_) => reply_with(304, "X: y", ""),
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    for now in [NOW, LATER, NEXT, LAST] {
        assert_eq!(fetched(&sandbox, now, &[]).0["price"], 1);
    }
    let (a, b) = ("\"a\"", "\"b\"");
    assert_eq!(conditions(&upstream), ["", a, b, b]);
}

#[test]
fn a_date_of_change_is_asked_by_unless_it_may_stand_for_two_values() {
    let modified = "Last-Modified: Wed, 01 Jul 2026 14:00:00 GMT";
    let date = "Wed, 01 Jul 2026 14:00:00 GMT";
    for (headers, condition) in [
        (modified.to_owned(), date.to_owned()),
        (format!("{modified}\r\nETag: W/\"x\""), format!("W/\"x\" and {date}")),
        (format!("{modified}\r\nDate: {date}"), String::new()),
        ("Last-Modified: yesterday".to_owned(), String::new()),
    ] {
        let site = Site::saying("1", &headers);
        let sandbox = site.sandbox();
        fetched(&sandbox, NOW, &[]);
        let status = if condition.is_empty() { "miss" } else { "refresh" };
        assert_eq!(fetched(&sandbox, LATER, &[]).1["status"], status, "{headers}");
        assert_eq!(site.conditions(), ["", &condition], "{headers}");
    }
}

#[test]
fn refresh_asks_whether_anything_has_changed_and_no_cache_asks_for_all_of_it() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    let (_, refreshed) = fetched(&sandbox, SOON, &["--refresh"]);
    assert_eq!(
        (&refreshed["status"], &refreshed["upstream_calls"]),
        (&"refresh".into(), &1.into())
    );
    assert!(refreshed["fetched_at"].as_str().unwrap().starts_with("2026-07-01T15:00:10."));
    assert_eq!(fetched(&sandbox, NEXT, &["--no-cache"]).1["status"], "miss");
    assert_eq!(fetched(&sandbox, NEXT, &["--offline"]).1["status"], "stale");
    assert_eq!(site.conditions(), ["", V1, ""]);
}

#[test]
fn nothing_odd_is_kept_or_sent_back() {
    let long = format!("ETag: \"{}\"", "x".repeat(10_000));
    for headers in [
        long.as_bytes(),
        b"ETag: *",
        b"ETag: v1",
        b"ETag: \"a\", \"b\"",
        b"ETag: \"a\tb\"",
        b"ETag: \"a\x80\xff\"",
        b"ETag: \"a\"\r\nETag: \"b\"",
        b"ETag: \"\"\"",
    ] {
        let body = yahoo("AAPL", "1", "").into_bytes();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
        let end = b"\r\nConnection: close\r\n\r\n";
        let bytes = [head.as_bytes(), headers, &end[..], &body].concat();
        let upstream = Upstream::start(move |_| bytes.clone());
        let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
        let case = String::from_utf8_lossy(&headers[..headers.len().min(30)]);
        fetched(&sandbox, NOW, &[]);
        assert_eq!(rows(&sandbox), 0, "{case}");
        assert_eq!(fetched(&sandbox, LATER, &[]).1["status"], "miss", "{case}");
        assert_eq!(conditions(&upstream), ["", ""], "{case}");
    }
}

#[test]
fn an_etag_that_no_header_may_hold_replaces_nothing() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    let upstream = Upstream::start(|_| reply_with(304, "ETag: \"a\u{1}b\"", ""));
    let sandbox = sandbox.with_provider("yahoo", upstream.url());
    let run = at(&sandbox, LATER, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.json()[0]["cache"]["status"], "stale");
    assert!(run.stderr.contains("is not HTTP"), "{run:?}");
    let sandbox = sandbox.with_provider("yahoo", site.upstream.url());
    assert_eq!(fetched(&sandbox, LATER, &["--refresh"]).1["status"], "refresh");
    assert_eq!(site.conditions(), ["", V1]);
}

#[test]
fn a_confirmation_that_nobody_asked_for_is_an_upstream_error() {
    let upstream = Upstream::start(|_| reply_with(304, "ETag: \"v1\"", ""));
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let run = at(&sandbox, NOW, &["fetch", "AAPL", "-f", "json"]);
    run.fails(1, &["error: AAPL: yahoo says that nothing has changed (HTTP 304)", "hint: "]);
    assert!(run.stdout.contains(r#""kind":"upstream""#), "{run:?}");
    // What is held without validators is no reason to believe it either.
    let site = Site::saying("7", "X: y");
    let sandbox = sandbox.with_provider("yahoo", site.upstream.url());
    let flags = ["--refresh"];
    fetched(&sandbox, NOW, &flags);
    let sandbox = sandbox.with_provider("yahoo", upstream.url());
    let run = at(&sandbox, LATER, &["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.json()[0]["cache"]["status"], "stale");
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("HTTP 304"), "{run:?}");
    assert_eq!(upstream.count(), 2);
}

#[test]
fn only_the_same_request_read_in_the_same_way_is_asked_by_what_came_with_it() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let version = ["--set", "providers.yahoo.endpoints.quote.version=2"];
    let elsewhere = format!("providers.yahoo.base_url={}/mirror", site.upstream.url());
    for (case, flags) in [("version", &version[..]), ("place", &["--set", &elsewhere])] {
        let sandbox = site.sandbox();
        fetched(&sandbox, NOW, &[]);
        let before = site.conditions().len();
        assert_eq!(fetched(&sandbox, LATER, flags).1["status"], "miss", "{case}");
        assert_eq!(fetched(&sandbox, NEXT, flags).1["status"], "refresh", "{case}");
        assert_eq!(site.conditions()[before..], ["", V1], "{case}");
    }
    // As another reading, or a request that is put differently, would have it.
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    sandbox.sql("UPDATE validator SET request = request + 1");
    assert_eq!(fetched(&sandbox, LATER, &[]).1["status"], "miss");
}

#[test]
fn what_came_with_one_value_confirms_no_other() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    // An older release replaces the entry and leaves what it does not know of.
    sandbox.sql("CREATE TABLE kept AS SELECT * FROM validator");
    site.say("2", "X: y");
    fetched(&sandbox, LATER, &[]);
    sandbox.sql("INSERT INTO validator SELECT * FROM kept");
    site.say("1", "ETag: \"v1\"");
    assert_eq!(fetched(&sandbox, NEXT, &[]).0["price"], 1, "and not the 2 that is held");
    assert_eq!(site.conditions().last().unwrap(), "");
}

#[test]
fn what_is_gone_cleared_or_known_not_to_exist_is_asked_for_in_full() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    fetched(&sandbox, LATER, &["--set", "keep.quote=1s"]);
    assert_eq!(site.conditions(), ["", ""], "gone");
    assert_eq!(at(&sandbox, LATER, &["clear", "--all"]).code, Some(0));
    assert_eq!(rows(&sandbox), 0, "cleared");
    fetched(&sandbox, LATER, &[]);
    assert_eq!(site.conditions(), ["", "", ""], "cleared");

    let upstream = Upstream::start(|_| reply_with(404, "ETag: \"none\"", ""));
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    for flags in [&[][..], &["--refresh"]] {
        at(&sandbox, NOW, &[&["fetch", "AAPL"], flags].concat()).fails(1, &["AAPL"]);
    }
    assert_eq!(conditions(&upstream), ["", ""]);
    assert_eq!(rows(&sandbox), 0);
}

#[test]
fn every_try_asks_whether_anything_has_changed() {
    let failing = Arc::new(Mutex::new(0));
    let left = Arc::clone(&failing);
    let upstream = Upstream::start(move |incoming| {
        let mut left = left.lock().unwrap();
        if *left > 0 {
            *left -= 1;
            return reply_with(503, "ETag: \"trouble\"", "");
        }
        match incoming.header("if-none-match") {
            Some("\"v1\"") => reply_with(304, "X: y", ""),
            _ => reply_with(200, "ETag: \"v1\"", &yahoo("AAPL", "1", "")),
        }
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    fetched(&sandbox, NOW, &[]);
    *failing.lock().unwrap() = 2;
    let (_, cache) = fetched(&sandbox, LATER, &[]);
    assert_eq!((&cache["status"], &cache["upstream_calls"]), (&"refresh".into(), &3.into()));
    assert_eq!(conditions(&upstream), ["", V1, V1, V1]);
}

#[test]
fn a_redirect_takes_nothing_along_and_brings_nothing_back() {
    let upstream = Upstream::start(|incoming| {
        if incoming.path.starts_with("/moved") {
            reply_with(200, "ETag: \"elsewhere\"", &yahoo("AAPL", "1", ""))
        } else {
            reply_with(302, "ETag: \"here\"\r\nLocation: /moved", "")
        }
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    fetched(&sandbox, NOW, &[]);
    assert_eq!(rows(&sandbox), 0);
    let site = Site::saying("1", "ETag: \"v1\"");
    let moved = format!("Location: {}/x", site.upstream.url());
    let other = Upstream::start(move |incoming| match incoming.header("if-none-match") {
        None => reply_with(200, "ETag: \"v1\"", &yahoo("AAPL", "1", "")),
        Some(_) => reply_with(302, &moved, ""),
    });
    let sandbox = Sandbox::new().with_provider("yahoo", other.url());
    fetched(&sandbox, NOW, &[]);
    assert_eq!(fetched(&sandbox, LATER, &[]).1["status"], "miss");
    assert_eq!(site.conditions(), [""]);
}

#[test]
fn several_who_ask_at_once_share_one_confirmation() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    site.upstream.hold();
    let fetch = || {
        let mut command = sandbox.command(&["fetch", "AAPL", "AAPL", "-f", "json"]);
        command.env("MCACHE_NOW", LATER).spawn().unwrap()
    };
    let first = fetch();
    site.upstream.wait_for(2);
    let crowd: Vec<_> = (0..3).map(|_| fetch()).collect();
    site.upstream.let_go();
    for child in crowd.into_iter().chain([first]) {
        let run = finished(child);
        assert_eq!(run.stderr, "");
        for answer in run.json().as_array().unwrap() {
            assert_eq!(answer["price"], 1);
            assert!(answer["cache"]["fetched_at"].as_str().unwrap() > "2026-07-01T15:00:40");
        }
    }
    assert_eq!(site.conditions(), ["", V1]);
    assert_eq!(site.bodies(), 1);
}

#[test]
fn who_dies_before_the_confirmation_leaves_what_was_held_and_how_to_ask() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    site.upstream.hold();
    let mut child = sandbox.command(&["fetch", "AAPL"]).env("MCACHE_NOW", LATER).spawn().unwrap();
    site.upstream.wait_for(2);
    child.kill().unwrap();
    finished(child);
    site.upstream.let_go();
    let (_, held) = fetched(&sandbox, LATER, &["--offline"]);
    assert_eq!(held["status"], "stale");
    assert_eq!(fetched(&sandbox, LATER, &[]).1["status"], "refresh");
    assert_eq!(site.conditions(), ["", V1, V1]);
}

#[test]
fn an_upstream_that_repeats_a_key_as_its_etag_has_it_written_nowhere() {
    let key = "0123456789abcdef0123456789abcdef";
    let answer = r#"{"observations":[{"date":"2026-01-01","value":"1.5"}]}"#;
    let upstream = Upstream::start(move |incoming| {
        let key = incoming.path.split("api_key=").nth(1).unwrap().split('&').next().unwrap();
        reply_with(200, &format!("ETag: \"x{key}\""), answer)
    });
    let sandbox = Sandbox::new().with_provider("fred", upstream.url()).env("FRED_API_KEY", key);
    assert_eq!(at(&sandbox, NOW, &["fetch", "GDP", "-t", "series"]).code, Some(0));
    assert_eq!(rows(&sandbox), 0);
}

#[test]
fn an_etag_that_repeats_a_header_of_the_configuration_is_written_nowhere() {
    for (headers, etag, written) in [
        ("{X-Desk: hush-hush}", "xhush-hush", 0),
        ("{X-Other: a, Authorization: Bearer hush+hush}", "hush%2Bhush", 0),
        ("{X-Desk: hush-hush}", "v1", 1),
        ("{X-Version: 1}", "v1", 1),
    ] {
        let site = Site::saying("1", &format!("ETag: \"{etag}\""));
        let sandbox = site.sandbox();
        sandbox.config(&format!("providers:\n  yahoo:\n    headers: {headers}\n"));
        fetched(&sandbox, NOW, &[]);
        assert_eq!(rows(&sandbox), written, "{headers} {etag}");
    }
}

#[test]
fn a_table_that_was_lost_stops_no_answer() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    sandbox.sql("DROP TABLE validator; DROP TABLE definition");
    for (now, status) in [(LATER, "miss"), (NEXT, "miss")] {
        let run = at(&sandbox, now, &["fetch", "AAPL", "-f", "json"]);
        assert_eq!((run.json()[0]["cache"]["status"].as_str(), &*run.stderr), (Some(status), ""));
    }
    assert_eq!(at(&sandbox, LAST, &["clear", "--all"]).code, Some(0));
}

#[test]
fn a_stale_answer_stands_in_for_a_confirmation_that_did_not_come() {
    let site = Site::saying("1", "ETag: \"v1\"");
    let sandbox = site.sandbox();
    fetched(&sandbox, NOW, &[]);
    let gone = sandbox.with_provider("yahoo", &nobody());
    assert_eq!(fetched(&gone, LATER, &[]).1["status"], "stale");
    let back = gone.with_provider("yahoo", site.upstream.url());
    assert_eq!(fetched(&back, NEXT, &["--refresh"]).1["status"], "refresh");
    assert_eq!(site.conditions(), ["", V1]);
}

#[test]
fn the_demo_confirms_a_series_that_has_not_changed() {
    let sandbox = Sandbox::new();
    let series = ["fetch", "GDP", "-t", "series", "-p", "demo", "--max-age", "1s"];
    for (now, status) in [(NOW, "miss"), (LATER, "refresh"), (NEXT, "refresh")] {
        assert_eq!(json_at(&sandbox, now, &series)[0]["cache"]["status"], status);
    }
}

#[test]
fn nothing_is_confirmed_over_a_close_since_a_quote_says_what_its_market_did() {
    let site = Site::saying("228.83", "ETag: \"a\"");
    let sandbox = site.sandbox();
    for now in ["2026-07-01T19:58:00Z", "2026-07-01T19:59:00Z", "2026-07-01T20:05:00Z"] {
        assert_eq!(json_at(&sandbox, now, &["fetch", "AAPL"])[0]["price"], 228.83);
    }
    assert_eq!(site.bodies(), 2);
    assert_eq!(site.conditions()[2], "");
}
