//! One provider as it is configured: where it is, what it is told, and how much it may be asked.
//!
//! It refuses to find out: what a site holds was read by whoever builds it. A secret that it holds
//! can be sent and can be removed from a text, but it cannot be printed.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

use crate::error::{Error, Kind, Usage, sanitized};
use crate::ledger::{Limits, Window};
use crate::provider::Speech;

/// What stands in the place of a secret wherever one would be shown.
const HIDDEN: &str = "***";

/// The shortest secret that is taken out of what is read as data: a shorter one is a word such as `demo`
/// or `guest`, which may well be part of it, and without it would be other data. One of six may be a word
/// as well (`public`); but a key on the disk is worse than `***` in the place of a word, and whoever has
/// such a word for a key has none.
pub(super) const SHORTEST_IN_DATA: usize = 6;

/// The shortest word of a configured header that is kept out of what nobody reads as data, where it
/// costs little to take one for a secret that is none; but `2` or `en` is in every other `ETag`.
pub(super) const SHORTEST_BESIDE: usize = 4;

/// A text that must not be seen: it has no `Display` and its `Debug` is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Hides this text.
    pub fn new(text: impl Into<Box<str>>) -> Self {
        Self(text.into())
    }

    /// Whether there is nothing to hide, which no provider accepts as a key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text, for the one place that sends it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `text` holds the secret, as it is, as a URL, JSON or HTML writes it, or in base64.
    pub(super) fn is_in(&self, text: &str) -> bool {
        let spellings = self.spellings();
        let bytes = text.as_bytes();
        (0..bytes.len()).any(|at| longest(&spellings, bytes, at).is_some())
    }

    /// The text with `***` wherever it held the secret.
    pub(super) fn removed_from(&self, text: &str) -> String {
        let clean = erased(std::slice::from_ref(self), text.as_bytes(), usize::MAX);
        // What is left out begins and ends with whole characters.
        String::from_utf8_lossy(&clean).into_owned()
    }

    /// The secret, and what is left of it for certain where base64 has it within something longer, as
    /// in `Basic dXNlcjprZXk=`: three ways of falling into groups of three bytes, in two alphabets. An
    /// empty secret, which would be in every text, has no spelling.
    fn spellings(&self) -> Vec<Vec<u8>> {
        /// A shorter one is in every other text.
        const SHORTEST: usize = 6;
        let mut spellings = Vec::new();
        if self.is_empty() {
            return spellings;
        }
        spellings.push(self.0.as_bytes().to_vec());
        for ahead in 0..3 {
            let bytes = [&[0; 3][..ahead], self.0.as_bytes()].concat();
            for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = alphabet.encode(&bytes).into_bytes();
                // A character of six bits that also holds bits of a neighbour may be any.
                let sure = (ahead * 8).div_ceil(6)..bytes.len() * 8 / 6;
                let sure = encoded[sure].to_vec();
                if sure.len() >= SHORTEST && !spellings.contains(&sure) {
                    spellings.push(sure);
                }
            }
        }
        spellings
    }
}

/// Bytes with `***` wherever they held one of the secrets; no more than so many of them. None is cut
/// in two, where no search would find it.
pub(super) fn erased(secrets: &[Secret], bytes: &[u8], most: usize) -> Vec<u8> {
    let spellings: Vec<_> = secrets.iter().flat_map(Secret::spellings).collect();
    let mut clean = Vec::with_capacity(bytes.len().min(most));
    let mut at = 0;
    while at < bytes.len() && clean.len() < most {
        if let Some(end) = longest(&spellings, bytes, at) {
            clean.extend_from_slice(HIDDEN.as_bytes());
            at = end;
        } else {
            clean.push(bytes[at]);
            at += 1;
        }
    }
    clean.truncate(most);
    clean
}

/// Where the longest of these ends that stands in the text at `at`, if one does. An upstream that
/// fails likes to repeat what it was asked, in its own spelling, so each byte may be spelt in any way.
fn longest(spellings: &[Vec<u8>], text: &[u8], at: usize) -> Option<usize> {
    let first = text.get(at)?;
    // Bodies are long, and nearly no byte of them begins a secret.
    if !b"%\\&+".contains(first) && spellings.iter().all(|secret| secret.first() != Some(first)) {
        return None;
    }
    spellings.iter().filter_map(|secret| spelt(text, at, secret)).max()
}

/// Where `secret` ends if it stands in the text at `at`, each byte of it as it is, as a URL has it
/// (`%2F`, `+`), as JSON has it (`\/`, `\u002f`) or as HTML has it (`&amp;`).
fn spelt(text: &[u8], at: usize, secret: &[u8]) -> Option<usize> {
    let Some((byte, rest)) = secret.split_first() else { return Some(at) };
    let here = text.get(at..)?;
    let encoded = |start: &[u8]| {
        let digits = here.strip_prefix(start)?.get(..2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        (u8::from_str_radix(digits, 16).ok()? == *byte).then_some(start.len() + 2)
    };
    let is = |spelling: &[u8]| here.starts_with(spelling).then_some(spelling.len());
    [
        is(&[*byte]),
        is(b"+").filter(|_| *byte == b' '),
        is(b"&amp;").filter(|_| *byte == b'&'),
        is(&[b'\\', *byte]),
        encoded(b"%"),
        encoded(b"\\u00"),
    ]
    .into_iter()
    .flatten()
    .find_map(|length| spelt(text, at + length, rest))
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

/// Where in a request the secret stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// As the value of this parameter of the query.
    Query(String),
    /// As the value of this header.
    Header(String),
    /// As `Authorization: Bearer …`.
    Bearer,
    /// Where the path of a request says so.
    Path,
}

/// A secret and where it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Where in a request it stands.
    pub place: Place,
    /// What stands there.
    pub secret: Secret,
}

/// Whether a provider wants a key, and whether there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// It is asked without a key.
    Open,
    /// It is asked with this one.
    Key(Credentials),
    /// It wants one and there is none: nothing is sent.
    Missing {
        /// What to do about it, naming the variable or the file that should hold the key.
        hint: String,
    },
}

/// Which certificates are trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Certificates {
    /// Mozilla's, built in: no file is read.
    #[default]
    Bundled,
    /// The machine's, with whatever its owner has added.
    System,
}

/// How the embedded upstream behaves.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct DemoSettings {
    /// The time that each answer takes.
    pub latency: Duration,
    /// The share of requests that fail, from 0 to 1.
    pub error_rate: f64,
    /// What is refused with 429; none refuses nothing.
    pub rate_limit: Option<Window>,
}

/// One configured provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Site {
    /// The name in the configuration, in records and in messages.
    pub name: String,
    /// How it speaks.
    pub speech: Speech,
    /// Scheme, host and any prefix, to which the provider's own paths are appended. Without one
    /// the embedded upstream is started, if it is the one that is meant.
    pub base_url: Option<String>,
    /// Whether it wants a key.
    pub access: Access,
    /// Sent with every request, names and values. The values may well be keys: they are not
    /// printed, and no other host sees them.
    pub headers: Vec<(String, Secret)>,
    /// Who we say we are.
    pub user_agent: String,
    /// The longest time from sending a request to the last byte of its answer.
    pub timeout: Duration,
    /// How many requests may be under way at once.
    pub concurrency: usize,
    /// How much it may be asked.
    pub limits: Limits,
    /// Which certificates are trusted.
    pub certificates: Certificates,
    /// How the embedded upstream behaves, where it is the one that is asked.
    pub demo: DemoSettings,
}

impl Site {
    /// Refuses what could never be asked, before anything is.
    pub fn check(&self) -> Result<(), Usage> {
        match &self.base_url {
            Some(text) => drop(base_url(text)?),
            None if matches!(self.speech, Speech::Demo | Speech::Command(_)) => {}
            None => {
                return Err(Usage::new("`base_url` is missing")
                    .hint("write scheme and host: https://api.example.com"));
            }
        }
        for (name, value) in &self.headers {
            header_name(name)?;
            if HeaderValue::from_str(value.reveal()).is_err() {
                return Err(Usage::new(format!(
                    "the value of the header `{}` cannot be sent",
                    sanitized(name)
                ))
                .hint("a header holds one line of printable text"));
            }
        }
        if let Access::Key(Credentials { place: Place::Header(name), .. }) = &self.access {
            header_name(name)?;
        }
        if HeaderValue::from_str(&self.user_agent).is_err() {
            return Err(
                Usage::new("`user_agent` cannot be sent").hint("write one line of printable text")
            );
        }
        if self.concurrency == 0 {
            return Err(Usage::new("`concurrency` is 0").hint("write 1 or more"));
        }
        if self.timeout.is_zero() {
            return Err(
                Usage::new("`timeout` is 0").hint("write a time in which an answer can come: 10s")
            );
        }
        if !(0.0..=1.0).contains(&self.demo.error_rate) {
            return Err(
                Usage::new("`error_rate` is not a share").hint("write a number from 0 to 1")
            );
        }
        Ok(())
    }

    /// The key, or the error that says that there is none.
    pub(super) fn credentials(&self) -> Result<Option<&Credentials>, Error> {
        let missing = |hint: &str| {
            Err(Error::new(Kind::Unauthorized, format!("{} needs a key and has none", self.name))
                .hint(hint))
        };
        match &self.access {
            Access::Open => Ok(None),
            Access::Key(credentials) if credentials.secret.is_empty() => missing(&format!(
                "`providers.{}.auth` names where the key stands, and it is empty there",
                self.name
            )),
            Access::Key(credentials) => Ok(Some(credentials)),
            Access::Missing { hint } => missing(hint),
        }
    }

    /// The secret, if there is one to hide.
    pub(super) fn secret(&self) -> Option<&Secret> {
        match &self.access {
            Access::Key(credentials) => Some(&credentials.secret),
            Access::Open | Access::Missing { .. } => None,
        }
    }

    /// Everything that must not be seen of it: its key, however short, and of the headers that were
    /// configured, which may well hold keys, the words that are no shorter than this: `Bearer` and what
    /// follows it.
    pub(super) fn secrets(&self, shortest: usize) -> Vec<Secret> {
        let headers = self.headers.iter().map(|(_, header)| header.reveal());
        let words = headers.flat_map(str::split_ascii_whitespace);
        let words = words.filter(|word| word.len() >= shortest).map(Secret::new);
        self.secret().cloned().into_iter().chain(words).collect()
    }
}

fn header_name(name: &str) -> Result<HeaderName, Usage> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| {
        Usage::new(format!("`{}` is not the name of a header", sanitized(name)))
            .hint("a name has letters, digits and dashes: X-Api-Key")
    })
}

/// Reads a base URL: scheme, host, perhaps a port and a prefix, and nothing else.
///
/// The message never repeats the text, which may hold a password.
pub(super) fn base_url(text: &str) -> Result<Url, Usage> {
    let bad = |why: &str, hint: &str| Err(Usage::new(format!("`base_url` {why}")).hint(hint));
    let Ok(url) = Url::parse(text.trim()) else {
        return bad("is not a URL", "write scheme and host: https://api.example.com");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return bad("is neither http nor https", "write scheme and host: https://api.example.com");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return bad("has a query or a fragment", "leave out `?` and `#` and what follows");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return bad(
            "holds a user or a password",
            "put the key under `auth`, from a variable or a file",
        );
    }
    Ok(url)
}

/// The URL of a path, already encoded, under a base with or without a slash at its end.
pub(super) fn joined(base: &Url, path: &str, query: &[(Cow<'static, str>, String)]) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// The host and the port of a URL, as messages name it.
pub(super) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port_or_known_default() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_prefix_is_kept_with_and_without_a_slash_at_its_end() {
        for (base, expected) in [
            ("https://a.example", "https://a.example/v8/x%5Ey?s=a+%26b"),
            ("https://a.example/", "https://a.example/v8/x%5Ey?s=a+%26b"),
            ("http://a.example:81/mirror/of", "http://a.example:81/mirror/of/v8/x%5Ey?s=a+%26b"),
            (" http://[::1]:8/m%20x/ ", "http://[::1]:8/m%20x/v8/x%5Ey?s=a+%26b"),
        ] {
            let url =
                joined(&base_url(base).unwrap(), "/v8/x%5Ey", &[("s".into(), "a &b".to_owned())]);
            assert_eq!(url.as_str(), expected);
        }
        assert_eq!(joined(&base_url("http://a").unwrap(), "/x", &[]).as_str(), "http://a/x");
    }

    #[test]
    fn what_is_no_base_url_is_refused_with_a_hint_and_not_repeated() {
        for text in [
            "",
            "api.example.com",
            "ftp://a.example",
            "file:///etc/passwd",
            "https://",
            "https://a.example/?hush=1",
            "https://a.example/#hush",
            "https://user:hush@a.example",
        ] {
            let usage = base_url(text).unwrap_err();
            assert!(usage.hint.is_some(), "{text}");
            assert!(!format!("{usage:?}").contains("hush"), "{text}");
        }
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let secret = Secret::new("a b&c/d");
        assert_eq!(format!("{secret:?}"), "***");
        for spelling in [
            "a b&c/d",
            "a+b%26c%2Fd",
            "a%20b%26c%2fd",
            "a+b&c/d",
            "%61%20%62%26%63%2F%64",
            r"a b&c\/d",
            r"a b\u0026c/d",
            "a b&amp;c/d",
        ] {
            let text = format!("\u{e9}{spelling}\u{e9} k={spelling}");
            assert!(secret.is_in(&text), "{spelling}");
            assert_eq!(secret.removed_from(&text), "\u{e9}***\u{e9} k=***", "{spelling}");
            assert!(
                !secret.is_in(&spelling[1..]) && !secret.is_in(&spelling[..spelling.len() - 1])
            );
        }
        assert!(!Secret::new("").is_in("anything"));
        assert_eq!(Secret::new("").removed_from("anything"), "anything");
    }
    #[test]
    fn a_secret_is_found_in_base64_wherever_it_stands_within() {
        let secret = Secret::new("k>y?of~ours");
        for alphabet in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            for before in ["", "u", "me", "you:", "user:"] {
                let encoded = alphabet.encode(format!("{before}k>y?of~ours:x"));
                let text = format!("Basic {encoded}==, é");
                assert!(secret.is_in(&text), "{text}");
                let clean = secret.removed_from(&text);
                assert!(clean.starts_with("Basic ") && clean.ends_with("==, é"), "{clean}");
                assert!(clean.contains("***") && !secret.is_in(&clean), "{clean}");
            }
        }
        assert!(!Secret::new("abc").is_in("YWJj YWJj"), "too short to be told from any text");
    }

    #[test]
    fn what_is_cut_holds_no_part_of_a_secret() {
        let secret = [Secret::new("0123456789")];
        for most in 0..12 {
            let clean = erased(&secret, b"ab0123456789cd", most);
            assert_eq!(clean, &b"ab***cd"[..most.min(7)], "{most}");
        }
    }
}
