//! What becomes of everything that an upstream may answer: a kind, an exit code, something to do,
//! and nothing in the cache that should not be there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{LATER, at, json_at, nobody, reply_with, speaking, when_aged, yahoo, yahoo_at};
use crate::sandbox::{Sandbox, Upstream, reply};

/// Asks an upstream that fails for `AAPL`, first on an empty machine and then on one that holds
/// an older value. What fails has to be of this kind and to say this; nothing may be stored, and
/// the older value is served with a warning.
fn fails(case: &str, failing: &str, kind: &str, says: &str) {
    let empty = Sandbox::new().with_provider("yahoo", failing);
    let run = empty.run(&["fetch", "AAPL", "-f", "json"]);
    assert_eq!(run.code, Some(1), "{case}: {run:?}");
    let printed: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(printed[0]["symbol"], "AAPL", "{case}");
    assert_eq!(printed[0]["error"]["kind"], kind, "{case}: {run:?}");
    let message = printed[0]["error"]["message"].as_str().unwrap();
    assert!(message.contains(says), "{case}: {message}");
    assert!(message.len() < 400 && !message.contains('\n'), "{case}: {message}");
    assert!(run.stderr.starts_with(&format!("error: AAPL: {message}\nhint: ")), "{case}: {run:?}");
    let held = empty.json(&["keys"]);
    let remembered = i32::from(kind == "not_found");
    assert_eq!(
        held.as_array().unwrap().len(),
        usize::try_from(remembered).unwrap(),
        "{case}: {held}"
    );
    assert_eq!(empty.json(&["stats"])["errors"][kind], 1, "{case}");

    let (_good, sandbox) = speaking();
    let good = sandbox.json(&["fetch", "AAPL"])[0]["price"].clone();
    let sandbox = sandbox.with_provider("yahoo", failing);
    let stale = at(&sandbox, &when_aged(&sandbox, 40), &["fetch", "AAPL", "-f", "json"]);
    let warning = "warning: AAPL: this answer is 4";
    stale.fails(0, &[warning, " s old, no newer one could be had: ", says]);
    assert_eq!(stale.json()[0]["cache"]["status"], "stale", "{case}");
    assert_eq!(stale.json()[0]["price"], good, "{case}");
    assert_eq!(
        json_at(&sandbox, LATER, &["get", "quote:stock:AAPL", "--stale"])["price"],
        good,
        "{case}"
    );
}

#[test]
fn a_status_says_what_kind_of_failure_it_is() {
    for (status, kind, says) in [
        (404, "not_found", "yahoo does not know `AAPL`"),
        (401, "unauthorized", "yahoo refused the request (HTTP 401)"),
        (403, "unauthorized", "yahoo refused the request (HTTP 403)"),
        (418, "rate_limited", "yahoo allows no more requests now (HTTP 418)"),
        (429, "rate_limited", "yahoo allows no more requests now (HTTP 429)"),
        (451, "upstream", "yahoo failed with HTTP 451"),
        (500, "upstream", "yahoo failed with HTTP 500"),
        (502, "upstream", "yahoo failed with HTTP 502"),
        (503, "upstream", "yahoo failed with HTTP 503"),
    ] {
        let page = "<html><body><h1>No</h1>\u{1b}[31m\n</body></html>";
        let upstream = Upstream::saying(status, "text/html", page);
        fails(&status.to_string(), upstream.url(), kind, says);
    }
}

#[test]
fn a_limit_says_until_when() {
    let upstream = Upstream::start(|_| reply_with(429, "Retry-After: 120", "{}"));
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let run = sandbox.run(&["fetch", "AAPL", "MSFT", "--set", "providers.yahoo.concurrency=1"]);
    run.fails(
        1,
        &[
            "error: AAPL: yahoo allows no more requests now (HTTP 429)",
            "hint: it is asked again from",
        ],
    );
    run.fails(1, &["error: MSFT: yahoo allows no more requests until", "(it answered HTTP 429)"]);
    assert_eq!(upstream.count(), 1, "whoever was told to wait does");
}

#[test]
fn a_server_that_says_when_it_is_back_is_asked_again_then() {
    let trouble = AtomicBool::new(true);
    let upstream = Upstream::start(move |_| {
        if trouble.swap(false, Ordering::Relaxed) {
            return reply_with(503, "Retry-After: 1", "{}");
        }
        reply(200, "application/json", yahoo("AAPL", "1.5", "").as_bytes())
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let run = sandbox.run(&["fetch", "AAPL", "-f", "json", "--max-wait", "10m"]);
    assert_eq!((run.code, upstream.count()), (Some(0), 2), "{run:?}");
    assert_eq!(run.json()[0]["price"], 1.5);

    let upstream = Upstream::start(|_| reply_with(503, "Retry-After: 120", "{}"));
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    sandbox.run(&["fetch", "AAPL"]).fails(1, &["yahoo failed with HTTP 503"]);
    assert_eq!(upstream.count(), 1, "that is longer than anybody waits");
}

#[test]
fn binance_out_of_reach_of_the_law_names_the_other_host() {
    let upstream = Upstream::saying(
        451,
        "application/json",
        r#"{"code":0,"msg":"Service unavailable from a restricted location"}"#,
    );
    let sandbox = Sandbox::new().with_provider("binance", upstream.url());
    let run = sandbox.run(&["fetch", "BTC", "-p", "binance"]);
    run.fails(
        1,
        &[
            "error: BTC: binance does not serve this location (HTTP 451)",
            "https://data-api.binance.vision",
        ],
    );
}

#[test]
fn what_is_not_an_answer_is_invalid_data() {
    let truncated = yahoo("AAPL", "1.5", "");
    for (case, body, says) in [
        ("a page", "<!doctype html><html>Consent</html>".to_owned(), "yahoo"),
        ("truncated", truncated[..truncated.len() - 7].to_owned(), "yahoo"),
        ("empty", String::new(), "yahoo"),
        ("null", "null".to_owned(), "yahoo"),
        ("a list", "[]".to_owned(), "yahoo"),
        (
            "a result of nothing",
            r#"{"chart":{"result":[{"meta":{}}]}}"#.to_owned(),
            "no regularMarketPrice",
        ),
        ("another shape", r#"{"quote":1}"#.to_owned(), "neither a result nor an error"),
        ("not even text", "\u{0}\u{1}\u{2}".to_owned(), "yahoo"),
        ("another symbol", yahoo("MSFT", "1.5", ""), "it is of `MSFT` and not of `AAPL`"),
        ("deep", "[".repeat(100_000), "yahoo"),
    ] {
        let upstream = Upstream::saying(200, "application/json", &body);
        fails(case, upstream.url(), "invalid_data", says);
    }
}

#[test]
fn a_body_beyond_the_limit_is_not_read_to_its_end() {
    let upstream = Upstream::start(|_| {
        let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n".to_vec();
        bytes.resize(bytes.len() + 50_000_000, b' ');
        bytes
    });
    fails("50 MB", upstream.url(), "invalid_data", "is longer than 16 MiB");
}

#[test]
fn an_answer_cut_short_is_invalid_data() {
    let upstream = Upstream::start(|_| {
        let whole = reply(200, "application/json", yahoo("AAPL", "1.5", "").as_bytes());
        whole[..whole.len() - 20].to_vec()
    });
    fails("cut short", upstream.url(), "invalid_data", "was cut short after");
}

#[test]
fn a_price_that_cannot_be_never_replaces_good_data() {
    for (case, price, more, says) in [
        ("null", "null", "", "it has no regularMarketPrice"),
        (
            "negative",
            "-1.5",
            "",
            "a price of `-1.5` for `AAPL`, which cannot be: it must be above zero",
        ),
        ("zero", "0", "", "a price of `0` for `AAPL`"),
        ("zero, with places", "0.000", "", "a price of `0.000` for `AAPL`"),
        ("NaN", "NaN", "", "yahoo"),
        ("text", "\"NaN\"", "", "yahoo"),
        ("infinite", "1e999", "", "yahoo"),
        (
            "high below low",
            "10",
            r#","regularMarketDayHigh":9,"regularMarketDayLow":11"#,
            "it is below the low of 11",
        ),
        ("negative volume", "10", r#","regularMarketVolume":-5"#, "a volume of `-5`"),
    ] {
        fails(case, yahoo_at(price, more).url(), "invalid_data", says);
    }
}

#[test]
fn who_does_not_answer_is_unreachable() {
    fails("refused", &nobody(), "unreachable", "the connection was refused");
    let closing = Upstream::start(|_| Vec::new());
    fails(
        "closed",
        closing.url(),
        "unreachable",
        "the connection was closed before an answer came",
    );
}

#[test]
fn a_provider_that_cannot_be_reached_is_tried_once_a_command() {
    let sandbox = Sandbox::new().with_provider("yahoo", &nobody());
    let run =
        sandbox.run(&["fetch", "AAPL", "MSFT", "IBM", "--set", "providers.yahoo.concurrency=1"]);
    assert_eq!(run.stderr.matches("the connection was refused").count(), 3, "{run:?}");
    assert_eq!(sandbox.json(&["stats"])["upstream_calls"], 0, "nothing left the machine");
}

#[test]
fn an_answer_that_takes_too_long_is_unreachable() {
    let upstream = Upstream::speaking();
    upstream.hold();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let run = sandbox.run(&["fetch", "AAPL", "--set", "providers.yahoo.timeout=200ms"]);
    run.fails(
        1,
        &["error: AAPL: yahoo cannot be reached at 127.0.0.1:", "no answer within 200 ms"],
    );
    upstream.let_go();
}

#[test]
fn what_is_not_http_is_said_to_be_so() {
    let upstream = Upstream::start(|_| b"220 smtp.example ESMTP\r\n".to_vec());
    fails("another protocol", upstream.url(), "invalid_data", "is not HTTP");
}

#[test]
fn a_redirect_is_followed_and_a_loop_of_them_is_not() {
    let upstream = Upstream::start(|incoming| {
        if incoming.path.starts_with("/v8") {
            return reply_with(302, "Location: /moved", "");
        }
        reply(200, "application/json", yahoo("AAPL", "1.5", "").as_bytes())
    });
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    let record = &sandbox.json(&["fetch", "AAPL"])[0];
    assert_eq!(record["cache"]["upstream_calls"], 2);
    let endless = Upstream::start(|_| reply_with(302, "Location: /v8/again", ""));
    fails("loop", endless.url(), "upstream", "yahoo redirects more than 3 times");
    let away = Upstream::start(|_| reply_with(302, "Location: file:///etc/passwd", ""));
    fails("elsewhere", away.url(), "upstream", "yahoo redirects to what is not HTTP");
}

#[test]
fn an_embedded_upstream_that_fails_is_an_upstream_that_fails() {
    let sandbox = Sandbox::new();
    let failing = ["fetch", "AAPL", "-p", "demo", "--set", "providers.demo.error_rate=1"];
    sandbox.run(&failing).fails(1, &["error: AAPL: demo failed with HTTP 503"]);
    let limited = ["fetch", "A", "B", "C", "-p", "demo", "--set", "providers.demo.rate_limit=1/1m"];
    let run = sandbox.run(&limited);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("HTTP 429"), "{run:?}");
    // As slow as it is told to be, on a machine where it has refused nobody.
    let sandbox = Sandbox::new();
    let slow = ["fetch", "D", "-p", "demo", "--set", "providers.demo.latency=50ms"];
    let latency = Duration::from_millis(50).as_micros();
    sandbox.json(&slow);
    let stats = sandbox.json(&["stats"]);
    assert!(
        u128::from(stats["latency"]["upstream"]["p99_us"].as_u64().unwrap()) * 9 / 8 >= latency,
        "{stats}"
    );
}
