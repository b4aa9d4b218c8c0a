//! How each provider speaks: a question in, a request out; a reply in, a record out.
//!
//! Nothing here sends anything, keeps a secret or reads a clock: [`upstream`](crate::upstream)
//! is the only door to the network. One more provider costs one folder, a line in [`Speech`] and
//! in the schema of the configuration, a block in `cache_config.yaml` and a folder of fixtures; the
//! conformance suite finds it.

mod binance;
pub mod demo;
mod fred;
#[cfg(test)]
mod recorded;
mod yahoo;

use crate::error::{Error, Kind, sanitized};
use crate::market::{DataType, Record, Symbol};
use crate::time::Timestamp;

/// What is asked of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// About what.
    pub symbol: &'a Symbol,
    /// Which of its data.
    pub data_type: DataType,
    /// The name under which the configuration knows the provider; it stands in the record.
    pub provider: &'a str,
}

/// One GET request, without the base URL, the credentials and the headers that
/// [`upstream`](crate::upstream) adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the endpoint, for limits and statistics.
    pub endpoint: &'static str,
    /// The path with a leading slash; each segment is already percent-encoded.
    pub path: String,
    /// The query, not yet encoded.
    pub query: Vec<(&'static str, String)>,
}

/// What upstream answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// The body, as it came.
    pub body: Vec<u8>,
}

/// The way a provider speaks.
pub trait Provider: Sync {
    /// Whether it can have this at all, by type, class and pair.
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool;

    /// The request for what it [has](Self::has).
    fn request(&self, ask: &Ask<'_>) -> Request;

    /// The record in a reply, received at `now`, or what the reply says is wrong.
    fn read(&self, ask: &Ask<'_>, reply: &Reply, now: Timestamp) -> Result<Record, Error>;
}

/// The ways of speaking that are built in: `kind` in the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Yahoo Finance, the v8 chart endpoint.
    Yahoo,
    /// Binance spot, the REST interface.
    Binance,
    /// FRED of the Federal Reserve Bank of St. Louis.
    Fred,
    /// The embedded upstream: it speaks as the three above do.
    Demo,
}

impl Speech {
    /// Every way of speaking.
    pub const ALL: [Self; 4] = [Self::Yahoo, Self::Binance, Self::Fred, Self::Demo];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yahoo => "yahoo",
            Self::Binance => "binance",
            Self::Fred => "fred",
            Self::Demo => "demo",
        }
    }

    /// The one that speaks so.
    pub fn provider(self) -> &'static dyn Provider {
        match self {
            Self::Yahoo => &yahoo::Yahoo,
            Self::Binance => &binance::Binance,
            Self::Fred => &fred::Fred,
            Self::Demo => &demo::Demo,
        }
    }
}

/// What a status alone says, for replies whose body says nothing better.
///
/// 403 is read as a refusal of the caller: providers that use it for limits say so in their own
/// `read`.
fn status_error(ask: &Ask<'_>, reply: &Reply) -> Error {
    let Ask { symbol, provider, .. } = ask;
    let status = reply.status;
    match status {
        404 => Error::new(Kind::NotFound, format!("{provider} does not know `{symbol}`"))
            .hint("check the spelling; a class can be said, as in `crypto:BTC`"),
        401 | 403 => Error::new(
            Kind::Unauthorized,
            format!("{provider} refused the request (HTTP {status})"),
        )
        .hint(format!("check the key of `providers.{provider}.auth` with `mcache config show`")),
        418 | 429 => Error::new(
            Kind::RateLimited,
            format!("{provider} allows no more requests now (HTTP {status})"),
        )
        .hint("wait before asking again; --offline answers from the cache"),
        _ => Error::new(
            Kind::Upstream,
            format!("{provider} failed with HTTP {status}: {}", excerpt(&reply.body)),
        )
        .hint("try again later; --offline answers from the cache"),
    }
}

/// The error for a body that is not what the provider speaks.
fn nonsense(ask: &Ask<'_>, reply: &Reply, why: impl std::fmt::Display) -> Error {
    let Ask { symbol, provider, .. } = ask;
    // A parser's complaint may quote the body, so it is text from outside as well.
    let why = shown(&why.to_string());
    Error::new(
        Kind::InvalidData,
        format!(
            "what {provider} sent for `{symbol}` cannot be read ({why}): {}",
            excerpt(&reply.body)
        ),
    )
    .hint("nothing was stored; if it lasts, check `base_url` with `mcache config show`")
}

/// The start of a body, fit to be shown.
fn excerpt(body: &[u8]) -> String {
    // Far more than is shown, so that no secret is cut in two before it is recognised.
    let start = String::from_utf8_lossy(&body[..body.len().min(2048)]);
    match shown(&start) {
        empty if empty.is_empty() => "an empty body".to_owned(),
        text => format!("`{}`", text.chars().take(80).collect::<String>()),
    }
}

/// Text of upstream, fit to be shown: without what may be a secret, cut, and without control
/// characters.
fn shown(text: &str) -> String {
    sanitized(&redacted(text))
}

/// The text without what may be a secret.
///
/// Some providers repeat the request in an error, and with it the key. A provider here does not
/// know the key, so it goes by shape: a word of 32 letters and digits or more (what FRED, and
/// most others, give out), and whatever follows `key=`, `token=` or `secret=`.
fn redacted(text: &str) -> String {
    const KEY_LENGTH: usize = 32;
    let mut out = String::with_capacity(text.len());
    let mut follows = false;
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let end = &piece[word.len()..];
        let is_secret = !word.is_empty() && (follows || word.len() >= KEY_LENGTH);
        out.push_str(if is_secret { "[redacted]" } else { word });
        out.push_str(end);
        let name = word.to_ascii_lowercase();
        follows = (end == "=" && ["key", "token", "secret"].iter().any(|n| name.ends_with(n)))
            || (follows && ["-", "_", ".", "~", "%", "+"].contains(&end));
    }
    out
}

/// An instant as it stands in a quote; none if the calendar does not reach that far.
fn written(instant: Timestamp) -> Option<String> {
    let text = instant.to_string();
    Timestamp::parse(&text).is_ok().then_some(text)
}

/// Percent-encodes one segment of a path (RFC 3986, unreserved characters stay).
fn encoded(segment: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_in_upstreams_text_is_never_shown() {
        let key = "0123456789abcdef0123456789abcdef";
        for text in [
            format!("the value {key} is not registered"),
            format!("GET /fred/series?api_key={key}&file_type=json"),
            format!("\u{e9}{key}\u{e9}"),
            format!("{}{key}", "x ".repeat(60)),
            key.to_owned(),
        ] {
            let shown = shown(&text);
            assert!(!shown.contains(&key[..12]), "{shown}");
            let excerpt = excerpt(text.as_bytes());
            assert!(!excerpt.contains(&key[..12]), "{excerpt}");
        }
        assert_eq!(
            redacted("?token=ab-cd_ef&symbol=GDP"),
            "?token=[redacted]-[redacted]_[redacted]&symbol=GDP"
        );
        assert_eq!(redacted("the key is bad"), "the key is bad");
    }

    #[test]
    fn a_segment_of_a_path_holds_only_what_a_path_may() {
        for (segment, expected) in [
            ("^GSPC", "%5EGSPC"),
            ("EURUSD=X", "EURUSD%3DX"),
            ("BRK-B", "BRK-B"),
            ("M&M.NS", "M%26M.NS"),
        ] {
            assert_eq!(encoded(segment), expected);
        }
    }

    #[test]
    fn every_way_of_speaking_has_its_name() {
        for speech in Speech::ALL {
            let symbol = Symbol::new(crate::market::Class::Stock, "AAPL");
            let speaks = speech.provider().has(&symbol, DataType::Quote);
            assert_eq!(speaks, matches!(speech.as_str(), "yahoo" | "demo"), "{speech:?}");
        }
    }
}
