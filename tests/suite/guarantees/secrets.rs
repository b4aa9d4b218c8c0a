//! A key is sent to its provider and to nobody else, and is written nowhere.

use std::path::Path;
use std::sync::{Arc, Mutex};

use super::machine;
use crate::sandbox::{Incoming, Run, Sandbox, Upstream, reply};

/// A key with what a URL must encode, and a part that stays itself in any encoding.
const SECRET: &str = "s3cr3t/Key+of mine&7f3a9b";

/// The secret as it may be spelt.
fn spellings() -> Vec<String> {
    let mut spellings = vec![SECRET.to_owned()];
    for space in ["+", "%20"] {
        let encoded = SECRET.replace('+', "%2B").replace('/', "%2F").replace('&', "%26");
        spellings.push(encoded.replace(' ', space));
        spellings.push(encoded.to_lowercase().replace(' ', space));
        spellings.push(SECRET.replace(' ', space));
    }
    spellings.push("7f3a9b".to_owned());
    spellings
}

fn holds_secret(bytes: &[u8]) -> bool {
    spellings()
        .iter()
        .any(|spelling| bytes.windows(spelling.len()).any(|w| w == spelling.as_bytes()))
}

/// What upstream does with the key, call by call: repeats it in every way that it can.
fn telltale(incoming: &Incoming, n: usize, elsewhere: &str) -> Vec<u8> {
    let said = format!("{} {}", incoming.path, incoming.headers.join(" "));
    let quoted = serde_json::Value::from(format!("bad key {SECRET} in {said}"));
    let location = |to: &str| {
        format!(
            "HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes()
    };
    match n % 10 {
        0 => reply(400, "application/json", format!("{{\"error_code\":400,\"error_message\":{quoted}}}").as_bytes()),
        1 => reply(401, "application/json", format!("{{\"error_message\":{quoted}}}").as_bytes()),
        2 => reply(500, "text/html", format!("<html>{said} {SECRET}</html>").as_bytes()),
        3 => reply(200, "application/json", format!("{{\"observations\":[{{\"date\":{quoted},\"value\":{quoted}}}]}}").as_bytes()),
        4 => reply(200, "text/plain", said.as_bytes()),
        5 => location(&format!("{elsewhere}{}", incoming.path)),
        6 => location(&format!("{elsewhere}/x?stolen={}", SECRET.replace(' ', "+"))),
        7 => location("ftp://nowhere.example/"),
        8 => reply(404, "application/json", format!("{{\"chart\":{{\"result\":null,\"error\":{{\"code\":\"Not Found\",\"description\":{quoted}}}}}}}").as_bytes()),
        _ => format!("HTTP/1.1 200 {SECRET}\r\nX-Key: {SECRET}\r\nContent-Length: 99999\r\n\r\n{SECRET}").into_bytes(),
    }
}

/// Runs everything that could give the key away; what was said.
fn run_everything(sandbox: &Sandbox, symbol: &str, flags: &[&str]) -> Vec<Run> {
    let mut runs = Vec::new();
    for _ in 0..10 {
        runs.push(
            sandbox.run(&[&["fetch", symbol, "-vv", "--refresh", "--explain"], flags].concat()),
        );
    }
    for format in ["json", "csv", "ndjson", "table"] {
        runs.push(sandbox.run(&[&["fetch", symbol, "-v", "-f", format], flags].concat()));
    }
    for command in [
        &["warm", symbol, "-v"][..],
        &["config", "show"],
        &["config", "show", "-f", "json"],
        &["config", "check"],
        &["keys", "-f", "json"],
        &["stats", "-f", "json"],
        &["stats", "--by", "key"],
        &["stats", "-f", "prometheus"],
        &["get", "*", "-f", "json"],
    ] {
        runs.push(sandbox.run(&[command, if command[0] == "warm" { flags } else { &[] }].concat()));
    }
    runs
}

/// Every file below a folder.
fn all_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            all_files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// One provider whose upstream repeats the key: it must be sent there and stand nowhere else.
fn is_kept(
    configure: impl Fn(Sandbox) -> Sandbox,
    provider: &str,
    symbol: &str,
    flags: &[&str],
    what: &str,
) {
    let strangers: Arc<Mutex<Vec<Incoming>>> = Arc::default();
    let seen = Arc::clone(&strangers);
    let stranger = Upstream::start(move |incoming| {
        seen.lock().unwrap().push(incoming.clone());
        reply(200, "application/json", b"{}")
    });
    let elsewhere = stranger.url().replace("127.0.0.1", "localhost");
    let calls = Mutex::new(0);
    let upstream = Upstream::start(move |incoming| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        telltale(incoming, *calls - 1, &elsewhere)
    });
    let sandbox = configure(machine(&upstream).with_provider(provider, upstream.url()))
        .env(&format!("MCACHE_PROVIDERS__{}__LIMITS", provider.to_uppercase()), "[]");
    for run in run_everything(&sandbox, symbol, flags) {
        assert!(run.code.is_some_and(|code| code < 2), "{what}: {run:?}");
        assert!(
            !holds_secret(&run.bytes) && !holds_secret(run.stderr.as_bytes()),
            "{what}: {run:?}"
        );
    }
    let sent: Vec<String> =
        upstream.seen().iter().map(|i| format!("{} {:?}", i.path, i.headers)).collect();
    assert!(sent.len() >= 10, "{what}: only {} requests", sent.len());
    assert!(sent.iter().all(|line| holds_secret(line.as_bytes())), "{what}: the key was sent");
    for incoming in strangers.lock().unwrap().iter() {
        let said = format!("{} {:?}", incoming.path, incoming.headers);
        assert!(!holds_secret(said.as_bytes()), "{what}: a stranger was told: {said}");
    }
    let mut files = Vec::new();
    all_files(&sandbox.path(""), &mut files);
    assert!(files.iter().any(|path| path.ends_with("cache.db")), "{what}: {files:?}");
    for path in files.iter().filter(|path| !path.ends_with("the.key")) {
        let bytes = std::fs::read(path).unwrap();
        assert!(!holds_secret(&bytes), "{what}: {} holds the key", path.display());
    }
}

#[test]
fn a_key_from_the_environment_in_the_query_is_written_nowhere() {
    is_kept(|sandbox| sandbox.env("FRED_API_KEY", SECRET), "fred", "GDP", &[], "env, query");
}

#[test]
fn a_key_from_a_file_in_the_query_is_written_nowhere() {
    let configure = |sandbox: Sandbox| {
        let key = sandbox.file("the.key", format!("{SECRET}\n"));
        let path = key.to_str().unwrap();
        sandbox
            .config(&format!("providers: {{fred: {{auth: {{query: api_key, file: {path}}}}}}}\n"));
        sandbox
    };
    is_kept(configure, "fred", "GDP", &[], "file, query");
}

#[test]
fn a_key_in_a_header_is_written_nowhere() {
    for (what, auth) in [
        ("header", "{header: X-Api-Key, env: THE_KEY}"),
        ("bearer", "{bearer: true, env: THE_KEY}"),
    ] {
        let configure = |sandbox: Sandbox| {
            sandbox.config(&format!("providers: {{yahoo: {{auth: {auth}}}}}\n"));
            sandbox.env("THE_KEY", SECRET)
        };
        is_kept(configure, "yahoo", "AAPL", &["-p", "yahoo"], what);
    }
}
