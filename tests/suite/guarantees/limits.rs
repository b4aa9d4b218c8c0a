//! What the shipped services allow is never passed, by however many processes at once: more is asked
//! than may be, and the server's own log is read.

use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mcache::clock::Clock;
use mcache::time::Timestamp;

use crate::sandbox::{Sandbox, Upstream, finished, reply};

/// How much sooner than it was sent a request may seem to come, against another one.
const SLACK: Duration = Duration::from_secs(2);

/// Coins that every machine knows as such.
const COINS: [&str; 16] = [
    "BTC", "ETH", "SOL", "BNB", "XRP", "ADA", "DOGE", "AVAX", "DOT", "LINK", "LTC", "BCH", "POL",
    "MATIC", "TRX", "UNI",
];

/// Asks all of this at once, one process each; no stretch of this time may see more calls than `most`,
/// as many must be answered, and every other is refused with the right kind.
fn is_kept(service: &str, variable: &str, (most, stretch): (usize, Duration), asks: &[Vec<&str>]) {
    let log: Arc<Mutex<Vec<Timestamp>>> = Arc::default();
    let writing = Arc::clone(&log);
    let upstream = Upstream::start(move |_| {
        writing.lock().unwrap().push(Clock::system().real_now());
        reply(200, "application/json", br#"{"success":"true","ok":true,"data":[]}"#)
    });
    let sandbox =
        Sandbox::new().with_provider(service, upstream.url()).env(variable, "a-key-of-ours");
    let ask = |ask: &Vec<&str>| {
        let fixed = ["fetch", "-f", "json", "--max-wait", "0", "-p", service];
        sandbox.command(&[&fixed[..], ask].concat()).spawn().unwrap()
    };
    let crowd: Vec<Child> = asks.iter().map(ask).collect();
    let (mut answered, mut refused) = (0, 0);
    for child in crowd {
        let run = finished(child);
        let answers: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        for answer in answers.as_array().unwrap() {
            match answer.get("error") {
                None => answered += 1,
                Some(error) => {
                    assert_eq!(error["kind"], "rate_limited", "{service}: {run:?}");
                    refused += 1;
                }
            }
        }
    }
    let mut log = log.lock().unwrap().clone();
    log.sort();
    assert_eq!(log.len(), answered, "{service}: each answer cost a call");
    assert!(answered >= most && refused > 0, "{service}: {answered} answered, {refused} refused");
    for calls in log.windows(most + 1) {
        let apart = calls[most].since(calls[0]);
        assert!(apart + SLACK >= stretch, "{service}: {} calls in {apart:?}", most + 1);
    }
}

#[test]
fn cryptometer_is_asked_twenty_times_in_ten_seconds_and_no_more() {
    let mut asks = Vec::new();
    for endpoint in ["ticker", "ohlcv", "xtrades"] {
        let coins = COINS[..9].chunks(3);
        asks.extend(coins.map(|coins| [&["-t", endpoint], coins].concat()));
    }
    is_kept("cryptometer", "CRYPTOMETER_API_KEY", (20, Duration::from_secs(10)), &asks);
}

#[test]
fn an_endpoint_of_cryptometer_is_asked_ten_times_in_a_minute_and_no_more() {
    let coins = COINS.chunks(4);
    let asks: Vec<Vec<&str>> = coins.map(|coins| [&["-t", "ls_ratio"], coins].concat()).collect();
    is_kept("cryptometer", "CRYPTOMETER_API_KEY", (10, Duration::from_mins(1)), &asks);
}

#[test]
fn kingfisher_is_asked_ten_times_in_a_minute_and_no_more() {
    let mut asks = Vec::new();
    for endpoint in ["rsi_heatmap", "liquidation_map"] {
        asks.extend(COINS.chunks(6).map(|coins| [&["-t", endpoint], coins].concat()));
    }
    is_kept("kingfisher", "KINGFISHER_API_KEY", (10, Duration::from_mins(1)), &asks);
}

#[test]
fn airtable_is_asked_five_times_in_ten_seconds_and_no_more() {
    let tables: Vec<String> = (0..12).map(|n| format!("table=T{n}")).collect();
    let ask = |table| vec!["-t", "records", "--param", "base=appX", "--param", table];
    let asks: Vec<Vec<&str>> = tables.iter().map(|table| ask(table.as_str())).collect();
    is_kept("airtable", "AIRTABLE_API_KEY", (5, Duration::from_secs(10)), &asks);
}

#[test]
fn telegram_is_asked_thirty_times_in_a_minute_and_no_more() {
    let files: Vec<String> = (0..34).map(|n| format!("path=photos/{n}.jpg")).collect();
    let ask = |file| vec!["-t", "file", "--param", file];
    let asks: Vec<Vec<&str>> = files.iter().map(|file| ask(file.as_str())).collect();
    is_kept("telegram", "TELEGRAM_BOT_TOKEN", (30, Duration::from_mins(1)), &asks);
}
