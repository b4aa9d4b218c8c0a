//! Answers that the providers really gave, for the tests of what is assumed about them.
//!
//! They are in a folder beside the repository and never in it: where it is absent, the tests
//! over it have nothing to say and pass.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use super::Reply;

/// The folder of one provider's recordings, if it is there: in `MCACHE_FIXTURES`, else in
/// `../shared/fixtures` seen from the repository.
pub(crate) fn folder(provider: &str) -> Option<PathBuf> {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the recordings are is the test's business"
    )]
    let said = std::env::var("MCACHE_FIXTURES").ok();
    let all = said.map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/fixtures")),
        PathBuf::from,
    );
    let folder = all.join(provider);
    folder.is_dir().then_some(folder)
}

/// One recording as a reply: `http_…` files hold the whole exchange, `result_…` files one
/// element of Yahoo's `chart.result`, all others a body, which came with this status.
pub(crate) fn reply(provider: &str, file: &str, status: u16) -> Option<Reply> {
    let body = fs::read(folder(provider)?.join(file)).unwrap();
    if file.starts_with("http_") {
        let exchange: Value = serde_json::from_slice(&body).unwrap();
        let response = &exchange["response"];
        let status = response["status"].as_u64().and_then(|s| u16::try_from(s).ok()).unwrap();
        return Some(Reply::new(status, response["bodyJson"].to_string().into_bytes()));
    }
    if file.starts_with("result_") {
        let body = [br#"{"chart":{"result":["#, &body[..], br#"],"error":null}}"#].concat();
        return Some(Reply::new(status, body));
    }
    Some(Reply::new(status, body))
}

/// The names of the recordings of one provider that begin so; empty where the folder is absent.
pub(crate) fn files(provider: &str, prefix: &str) -> Vec<String> {
    let Some(folder) = folder(provider) else { return Vec::new() };
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(prefix))
        .collect();
    names.sort();
    names
}
