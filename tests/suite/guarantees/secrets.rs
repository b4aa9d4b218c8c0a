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

/// The symbol that services are asked about.
const COIN: &str = "BTC";

/// What a service does with the key, call by call: the same, and between it what is an answer all the
/// same, and kept as it is sent.
fn telltale_service(incoming: &Incoming, n: usize, elsewhere: &str) -> Vec<u8> {
    let said = format!("{} {}", incoming.path, incoming.headers.join(" "));
    let quoted = serde_json::Value::from(format!("of {SECRET} in {said}"));
    let headed = |header: String, content_type: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 X\r\nContent-Type: {content_type}\r\n{header}Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        [head.as_bytes(), body].concat()
    };
    let answer = format!(r#"{{"success":"true","ok":true,"data":{quoted}}}"#);
    let escaped: Vec<String> = SECRET.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let escaped = escaped.concat();
    let spelt = format!(r#"{{"success":"true","ok":true,"data":["{escaped}"]}}"#);
    match n % 10 {
        _ if n % 2 == 1 => telltale(incoming, n / 2, elsewhere),
        0 => headed(String::new(), "application/json", answer.as_bytes()),
        2 => headed(String::new(), &format!("image/png; of={SECRET}"), b"\x89PNG\0\xff"),
        4 => headed(format!("ETag: \"{SECRET}\"\r\n"), "application/json", spelt.as_bytes()),
        6 => headed(format!("X-Echo: {SECRET}\r\n"), "image/png", &[b"\xff", SECRET.as_bytes()].concat()),
        _ => reply(409, "application/json", format!(r#"{{"ok":false,"success":"false","error":{quoted},"error_code":409,"description":{quoted}}}"#).as_bytes()),
    }
}

/// Runs everything that could give the key away; what was said.
fn run_everything(sandbox: &Sandbox, symbol: &str, flags: &[&str], times: usize) -> Vec<Run> {
    let mut runs = Vec::new();
    for _ in 0..times {
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
        &["limits", "-f", "json"],
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
    let is_service = symbol == COIN;
    let upstream = Upstream::start(move |incoming| {
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        match *calls - 1 {
            n if is_service => telltale_service(incoming, n, &elsewhere),
            n => telltale(incoming, n, &elsewhere),
        }
    });
    let sandbox = configure(machine(&upstream).with_provider(provider, upstream.url()))
        .env(&format!("MCACHE_PROVIDERS__{}__LIMITS", provider.to_uppercase()), "[]");
    for run in run_everything(&sandbox, symbol, flags, if is_service { 20 } else { 10 }) {
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
        assert!(!holds_secret(path.to_str().unwrap().as_bytes()), "{what}: {}", path.display());
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

/// Each service, what it is asked, and the variable of its key.
const SERVICES: [(&str, &str, &[&str]); 6] = [
    ("cryptometer", "CRYPTOMETER_API_KEY", &["-t", "ls_ratio"]),
    ("cryptometer", "CRYPTOMETER_API_KEY", &["-t", "coinlist"]),
    ("kingfisher", "KINGFISHER_API_KEY", &["-t", "liquidation_map"]),
    (
        "airtable",
        "AIRTABLE_API_KEY",
        &["-t", "records", "--param", "base=appX", "--param", "table=T"],
    ),
    ("telegram", "TELEGRAM_BOT_TOKEN", &["-t", "updates"]),
    ("telegram", "TELEGRAM_BOT_TOKEN", &["-t", "file", "--param", "path=a/b.jpg"]),
];

#[test]
fn the_keys_of_the_services_are_written_nowhere() {
    for (service, variable, asked) in SERVICES {
        let configure = |sandbox: Sandbox| {
            // Of all that is tried, some would be refused by the endpoint's own limit.
            sandbox.config(&format!(
                "providers: {{{service}: {{endpoints: {{{}: {{limit: 1000/1m}}}}}}}}\n",
                asked[1]
            ));
            sandbox.env(variable, SECRET)
        };
        let flags = [&["-p", service], asked].concat();
        is_kept(configure, service, COIN, &flags, &format!("{service} {}", asked[1]));
    }
}

#[test]
fn what_is_kept_as_it_was_sent_is_kept_without_the_key() {
    let upstream = Upstream::start(|incoming| {
        let next = format!("https://api.cryptometer.io{}", incoming.path);
        let body = format!(r#"{{"success":"true","next":"{next}","price":1.50}}"#);
        reply(200, "application/json", body.as_bytes())
    });
    let sandbox = Sandbox::new()
        .with_provider("cryptometer", upstream.url())
        .env("CRYPTOMETER_API_KEY", SECRET);
    let answer = sandbox.json(&["fetch", "-t", "coinlist"]);
    assert_eq!(
        answer[0]["payload"]["next"],
        "https://api.cryptometer.io/coinlist/?e=binance&api_key=***"
    );
    // A short one is a word that data may well hold.
    let short = Sandbox::new()
        .with_provider("cryptometer", upstream.url())
        .env("CRYPTOMETER_API_KEY", "price");
    assert_eq!(short.json(&["fetch", "-t", "coinlist"])[0]["payload"]["price"], 1.5);
}

#[test]
fn nothing_on_the_disk_is_named_after_a_key_while_it_is_used() {
    let upstream = Upstream::saying(200, "application/json", r#"{"ok":true,"result":[]}"#);
    let sandbox =
        Sandbox::new().with_provider("telegram", upstream.url()).env("TELEGRAM_BOT_TOKEN", SECRET);
    upstream.hold();
    let child = sandbox.command(&["fetch", "-t", "updates"]).spawn().unwrap();
    upstream.wait_for(1);
    let mut files = Vec::new();
    all_files(&sandbox.path(""), &mut files);
    let locks = files.iter().filter(|path| path.parent().unwrap().ends_with("locks")).count();
    assert_eq!(locks, 1, "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        let name = path.to_str().unwrap();
        assert!(!holds_secret(name.as_bytes()) && !holds_secret(&bytes), "{name}");
    }
    upstream.let_go();
    assert_eq!(crate::sandbox::finished(child).code, Some(0));
}

#[test]
fn a_short_key_is_taken_out_of_what_is_kept_as_it_was_sent_and_a_word_is_left() {
    let upstream = Upstream::start(|incoming| {
        let next = serde_json::json!({"next": incoming.path, "of": "k7f3a9 and demo"});
        reply(200, "application/json", next.to_string().as_bytes())
    });
    for (key, kept) in [("k7f3a9", "*** and demo"), ("demo", "k7f3a9 and demo")] {
        let sandbox = Sandbox::new().env("ACME_API_KEY", key);
        sandbox.config(&format!(
            "providers: {{acme: {{kind: http, base_url: \"{}\", auth: {{query: k}}, endpoints: {{list: {{path: /list}}}}}}}}\n",
            upstream.url()
        ));
        let payload = sandbox.json(&["fetch", "-t", "list", "-p", "acme"])[0]["payload"].clone();
        assert_eq!(payload["of"], kept, "{payload}");
        assert_eq!(payload["next"].as_str().unwrap().ends_with("k=***"), key == "k7f3a9");
    }
}
