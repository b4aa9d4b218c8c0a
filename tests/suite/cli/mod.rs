//! What each command promises, through the real binary.
//!
//! - `fetch` — where an answer comes from, how old it may be, and what it says of itself
//! - `terms` — the flags of `fetch` that say what is acceptable
//! - `strategy` — how carefully a provider is asked, and what that makes of a TTL
//! - `revalidation` — what upstream confirms as unchanged, and costs no body
//! - `versions` — the version of an endpoint, and what came under another one
//! - `market` — what is known of the market of a symbol, and what that makes of a TTL
//! - `invalidation` — what expires what, and what is counted of it
//! - `adaptive` — what how often a value changes makes of its TTL
//! - `what_if` — recorded reads under another configuration
//! - `several` — many symbols at once: order, lists, duplicates, files
//! - `lists` — the portfolio, the watchlists and their files
//! - `summary` — what the cache knows of a class, in one answer
//! - `settings` — `put`, `get`, tags and rules as the configuration cache of a trading bot
//! - `python` — the client for Python, and the bot that uses it
//! - `live` — `config check --live`: one call, and what was understood
//! - `http` — a provider that is made of configuration
//! - `presets` — those that are shipped so
//! - `services` — the services of the kind `http` that are shipped, as they are shipped
//! - `command`, `handed`, `or_run` — programs whose output is cached, and what they are handed
//! - `providers` — what each provider is sent, and who is told the key
//! - `failures` — what becomes of everything that an upstream may answer
//! - `trials` — who asks, and who waits, after an outage
//! - `chains` — several providers of one chain: who is asked when one fails
//! - `quorum` — whether several providers agree
//! - `quarantine` — what was refused as nonsense, and where that is kept
//! - `noticed` — what is possible and looks wrong, and quotes that stand still
//! - `bars` — what is said of bars that are not final, of splits, and of what cannot be had
//! - `history` — what was known when, what has changed since, and how that is proved
//! - `benchmark`, `warm`, `stats`, `clear`, `keys`, `get`, `put`, `limits`, `calendar`, `config`,
//!   `packaging` — the command of that name
//! - `plan` — `--plan` of `fetch` and `warm`
//! - `schedules` — what `warm` is about if nothing is named, until when, and who runs beside it
//! - `batch` — several symbols in one request, where upstream takes them
//! - `carry` — `export` and `import`
//! - `parquet` — Parquet files that are imported, and what a build without them says
//! - `output` — formats, colour, numbers, closed pipes
//! - `bad_input` — what cannot be meant, on the command line and in files

mod adaptive;
mod bad_input;
mod bars;
mod batch;
mod benchmark;
mod braces;
mod calendar;
mod carry;
mod chains;
mod clear;
mod command;
mod config;
mod failures;
mod fetch;
mod freshness;
mod get;
mod handed;
mod history;
mod http;
mod invalidation;
mod keys;
mod limits;
mod lists;
mod live;
mod market;
mod noticed;
mod or_run;
mod output;
mod packaging;
mod parquet;
mod plan;
mod presets;
mod providers;
mod put;
mod python;
mod quarantine;
mod quorum;
mod revalidation;
mod schedules;
mod services;
mod settings;
mod several;
mod stats;
mod strategy;
mod summary;
mod terms;
mod trials;
mod versions;
mod warm;
mod what_if;

use std::time::Duration;

use mcache::time::Timestamp;

use crate::sandbox::{Run, Sandbox, Upstream, finished, reply};

/// Ten and a half seconds after a sandbox starts: a quote of then is fresh.
const SOON: &str = "2026-07-01T15:00:10.5Z";

/// Forty and a half seconds after a sandbox starts: a quote of then is stale.
const LATER: &str = "2026-07-01T15:00:40.5Z";

/// When what came last is so many seconds and a half old, however long it took to come.
fn when_aged(sandbox: &Sandbox, seconds: u64) -> String {
    let database = rusqlite::Connection::open(sandbox.cache().join("cache.db")).unwrap();
    let newest = "SELECT max(fetched_at_ms) FROM entry";
    let newest: i64 = database.query_row(newest, [], |row| row.get(0)).unwrap();
    let then = Timestamp::from_ms(newest) + Duration::from_millis(seconds * 1000 + 500);
    then.to_string()
}

/// Runs the program on the same machine at another time.
fn at(sandbox: &Sandbox, now: &str, arguments: &[&str]) -> Run {
    finished(sandbox.command(arguments).env("MCACHE_NOW", now).spawn().unwrap())
}

/// What is printed as JSON on the same machine at another time, by a program that succeeds.
fn json_at(sandbox: &Sandbox, now: &str, arguments: &[&str]) -> serde_json::Value {
    at(sandbox, now, &[arguments, &["-f", "json"]].concat()).json()
}

/// An upstream as the real ones and a machine whose `yahoo` it is.
fn speaking() -> (Upstream, Sandbox) {
    let upstream = Upstream::speaking();
    let sandbox = Sandbox::new().with_provider("yahoo", upstream.url());
    (upstream, sandbox)
}

/// An address on which nobody listens.
fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The least that Yahoo says of a symbol at a price, with more of its `meta` if wanted.
fn yahoo(symbol: &str, price: &str, more: &str) -> String {
    format!(
        r#"{{"chart":{{"result":[{{"meta":{{"symbol":"{symbol}","currency":"USD","regularMarketPrice":{price}{more}}}}}],"error":null}}}}"#
    )
}

/// An upstream that says this of `AAPL` with status 200.
fn yahoo_at(price: &str, more: &str) -> Upstream {
    Upstream::saying(200, "application/json", &yahoo("AAPL", price, more))
}

/// A response with further header lines.
fn reply_with(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let plain = String::from_utf8(reply(status, "application/json", body.as_bytes())).unwrap();
    plain.replacen("\r\n", &format!("\r\n{headers}\r\n"), 1).into_bytes()
}

/// The members of a JSON object, in the order in which they stand in the text.
fn members(text: &str, of: &str) -> Vec<String> {
    let start = text.find(&format!("\"{of}\":{{")).unwrap() + of.len() + 4;
    let end = start + text[start..].find('}').unwrap();
    text[start..end]
        .split(',')
        .map(|member| member.split(':').next().unwrap().trim_matches('"').to_owned())
        .collect()
}
