//! How each provider speaks: a question in, a request out; a reply in, a record out.
//!
//! Nothing here sends anything, keeps a secret or reads a clock: [`upstream`](crate::upstream)
//! is the only door to the network. One more provider costs one folder, a line in [`Speech`] and
//! in the schema of the configuration, a block in `cache_config.yaml` and a folder of fixtures; the
//! conformance suite finds it.

mod binance;
pub mod command;
pub mod demo;
mod fred;
pub mod http;
#[cfg(test)]
pub(crate) mod recorded;
mod validators;
mod yahoo;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

pub use crate::market::Reach;
pub use http::Findings;
pub use validators::{Validators, definition};

use crate::error::{Error, Kind, sanitized};
use crate::key;
use crate::market::{
    Class, DataType, EndpointName, ExchangeCode, Interval, Page, Params, Quote, Record,
    SessionKind, Symbol,
};
use crate::span::Span;
use crate::time::Timestamp;

/// A symbol of each class that whoever has the class has.
pub const SAMPLES: [(Class, &str); 5] = [
    (Class::Stock, "AAPL"),
    (Class::Crypto, "BTC"),
    (Class::Macro, "GDP"),
    (Class::Fx, "EURUSD"),
    (Class::Index, "GSPC"),
];

/// The code of what trades day and night.
const ALWAYS_OPEN: &str = "24/7";

/// Marks in the path of a request where the key goes: a provider does not know it, and no value that
/// is filled in can look like this, since a brace is encoded.
pub const TOKEN: &str = "{token}";

/// What is asked of one provider.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// About what.
    pub symbol: &'a Symbol,
    /// Which of its data.
    pub data_type: DataType,
    /// The name under which the configuration knows the provider; it stands in the record.
    pub provider: &'a str,
    /// What the parameters of the endpoint are, by name.
    pub params: &'a Params,
}

/// Which bars are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How long they are.
    pub interval: Interval,
    /// When they begin.
    pub span: Span,
    /// Of which hours.
    pub session: SessionKind,
}

/// One request, without the base URL, the credentials and the headers that
/// [`upstream`](crate::upstream) adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the endpoint, for limits and statistics.
    pub endpoint: Cow<'static, str>,
    /// The path with a leading slash; each segment is already percent-encoded, and [`TOKEN`] stands
    /// where the key goes, if it goes there.
    pub path: String,
    /// The query, not yet encoded.
    pub query: Vec<(Cow<'static, str>, String)>,
    /// The JSON that is sent along with a POST; none is a GET.
    pub body: Option<String>,
    /// What it takes of a limit by the provider's own count; above zero.
    pub weight: u32,
}

impl Request {
    /// A GET.
    fn get(
        endpoint: &'static str,
        path: impl Into<String>,
        query: impl IntoIterator<Item = (&'static str, String)>,
        weight: u32,
    ) -> Self {
        let query = query.into_iter().map(|(name, value)| (name.into(), value)).collect();
        Self { endpoint: endpoint.into(), path: path.into(), query, body: None, weight }
    }
}

/// What upstream answered.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status of HTTP.
    pub status: u16,
    /// The body, as it came.
    pub body: Vec<u8>,
    /// What the body is, as its sender says.
    pub content_type: Option<Box<str>>,
}

impl Reply {
    /// A body that nothing is said of.
    pub fn new(status: u16, body: Vec<u8>) -> Self {
        Self { status, body, content_type: None }
    }
}

/// What an answer says of how often one may ask, besides what every provider says in the same way
/// (429, `Retry-After`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    /// Calls by weight since an instant, as the provider counts them.
    pub used: Option<(Timestamp, u64)>,
    /// Until when it wants no more of them.
    pub banned_until: Option<Timestamp>,
}

/// The way a provider speaks.
pub trait Provider: Sync {
    /// Whether it can have this at all, by type, class and pair.
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool;

    /// The request for what it [has](Self::has); none if one of its parameters is not known.
    fn request(&self, ask: &Ask<'_>) -> Option<Request>;

    /// How many symbols one request may ask for of this type; 1, if each has its own.
    fn most_at_once(&self, _data_type: DataType) -> usize {
        1
    }

    /// The request for all of these, which are no more than [that](Self::most_at_once), of one type and
    /// without parameters.
    fn request_at_once(&self, _asks: &[Ask<'_>]) -> Option<Request> {
        None
    }

    /// The records in the reply to it, in the order of what was asked; none for what it does not give
    /// rightly, and for all of them if it is no such reply.
    fn read_at_once(
        &self,
        asks: &[Ask<'_>],
        _reply: &Reply,
        _now: Timestamp,
    ) -> Vec<Option<Record>> {
        asks.iter().map(|_| None).collect()
    }

    /// What a reply received at `now`, real time, says of how often one may ask. `header` gives the
    /// value of a header by its name in lower case.
    fn pace(
        &self,
        ask: &Ask<'_>,
        reply: &Reply,
        header: &dyn Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Pace;

    /// Where what it quotes trades: the code under which the sessions of that are known, from
    /// `exchange` in the quote and what else is known of the symbol; none if that says nothing.
    fn exchange(&self, quote: &Quote) -> Option<ExchangeCode>;

    /// The record in a reply, received at `now`, or what the reply says is wrong.
    fn read(&self, ask: &Ask<'_>, reply: &Reply, now: Timestamp) -> Result<Record, Error>;

    /// How it gives bars, if it does.
    fn charts(&self) -> Option<&dyn Charts>;
}

/// The way a provider gives bars.
pub trait Charts: Sync {
    /// How many bars of this interval it gives of a symbol; none if it has none.
    fn reach(&self, symbol: &Symbol, interval: Interval) -> Option<Reach>;

    /// The request for bars that are within its [reach](Self::reach).
    fn request(&self, ask: &Ask<'_>, piece: &Piece) -> Request;

    /// The bars in a reply, received at `now`, that begin in the span of the piece, none if there is
    /// none; or what the reply says is wrong. Bars of days begin when their session opens, also the
    /// one that is running.
    fn read(
        &self,
        ask: &Ask<'_>,
        piece: &Piece,
        reply: &Reply,
        now: Timestamp,
    ) -> Result<Page, Error>;
}

/// The ways of speaking that are built in: `kind` in the configuration.
#[derive(Clone, Debug, PartialEq)]
pub enum Speech {
    /// Yahoo Finance, the v8 chart endpoint.
    Yahoo,
    /// Binance spot, the REST interface.
    Binance,
    /// FRED of the Federal Reserve Bank of St. Louis.
    Fred,
    /// The embedded upstream: it speaks as the three above do.
    Demo,
    /// As the configuration says.
    Http(Arc<http::Definition>),
    /// Programs that the configuration names.
    Command(Arc<command::Definition>),
}

impl Speech {
    /// Every way of speaking that needs no definition.
    pub const BUILT_IN: [Self; 4] = [Self::Yahoo, Self::Binance, Self::Fred, Self::Demo];

    /// The names of all in the configuration.
    pub const NAMES: [&str; 6] = ["yahoo", "binance", "fred", "demo", "http", "command"];

    /// The name in the configuration.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Yahoo => "yahoo",
            Self::Binance => "binance",
            Self::Fred => "fred",
            Self::Demo => "demo",
            Self::Http(_) => "http",
            Self::Command(_) => "command",
        }
    }

    /// The one that speaks so.
    pub fn provider(&self) -> &dyn Provider {
        match self {
            Self::Yahoo => &yahoo::Yahoo,
            Self::Binance => &binance::Binance,
            Self::Fred => &fred::Fred,
            Self::Demo => &demo::Demo,
            Self::Http(definition) => &**definition,
            Self::Command(definition) => &**definition,
        }
    }

    /// Whether who speaks so has what a type is made of, where that is bars, of this interval.
    pub fn gives(&self, symbol: &Symbol, data_type: DataType, interval: Interval) -> bool {
        let provider = self.provider();
        let pays = !matches!(data_type, DataType::Dividends | DataType::Splits);
        match data_type.made_of() {
            DataType::Bars if data_type != DataType::Bars && !self.knows_what_is_paid(symbol) => {
                false
            }
            DataType::Bars if pays || symbol.class() == Class::Stock => {
                provider.charts().is_some_and(|c| c.reach(symbol, interval).is_some())
            }
            DataType::Bars => false,
            given => provider.has(symbol, given),
        }
    }

    /// Whether the bars that it gives of a symbol come with what was paid out, if anything is: those of
    /// a configuration do not.
    pub fn knows_what_is_paid(&self, symbol: &Symbol) -> bool {
        !matches!(self, Self::Http(_)) || symbol.class() != Class::Stock
    }

    /// Whether an endpoint of this name, whose answers are kept as they are sent, is asked about a symbol;
    /// none if it has no such endpoint.
    pub fn takes_a_symbol(&self, endpoint: EndpointName) -> Option<bool> {
        match self {
            Self::Http(definition) => {
                let endpoint = definition.endpoint(endpoint.as_str());
                endpoint.filter(|of| of.reading.is_none()).map(http::Endpoint::takes_a_symbol)
            }
            Self::Command(definition) => {
                definition.endpoint(endpoint.as_str()).map(command::Endpoint::takes_a_symbol)
            }
            _ => None,
        }
    }

    /// The parameters that may be said to what gives this; none if it is not known here.
    pub fn params(&self, data_type: DataType) -> Vec<&str> {
        match self {
            Self::Http(definition) => definition.params(data_type),
            Self::Command(definition) => definition.params(data_type),
            _ => Vec::new(),
        }
    }

    /// The parameter that an endpoint needs to be asked and nobody says, if there is one.
    pub fn lacks(&self, ask: &Ask<'_>) -> Option<&str> {
        let Self::Http(definition) = self else { return None };
        definition.lacks(ask)
    }

    /// Every endpoint that is asked, with the least that a call of it takes of a limit by the
    /// provider's own count: what exactly it takes is known only of a request.
    pub fn endpoints(&self) -> BTreeMap<Cow<'static, str>, u32> {
        if let Self::Http(definition) = self {
            let names = definition.endpoints.iter();
            return names.map(|of| (of.name.as_str().to_owned().into(), 1)).collect();
        }
        if let Self::Command(definition) = self {
            let names = definition.endpoints.iter();
            return names.map(|of| (of.name.as_str().to_owned().into(), 1)).collect();
        }
        let mut endpoints = BTreeMap::new();
        let mut count = |request: Request| {
            let least = endpoints.entry(request.endpoint).or_insert(request.weight);
            *least = request.weight.min(*least);
        };
        let provider = self.provider();
        for (class, name) in SAMPLES {
            let symbol = Symbol::new(class, name);
            let ask = |data_type| Ask {
                symbol: &symbol,
                data_type,
                provider: self.as_str(),
                params: Params::none(),
            };
            for data_type in DataType::ALL {
                if provider.has(&symbol, data_type) {
                    provider.request(&ask(data_type)).into_iter().for_each(&mut count);
                }
            }
            let span = Span::new(Timestamp::from_seconds(0), Timestamp::from_seconds(1));
            if let (Some(charts), Some(span)) = (provider.charts(), span) {
                let reached = |interval: &Interval| charts.reach(&symbol, *interval).is_some();
                for interval in Interval::ALL.into_iter().filter(reached) {
                    let piece = Piece { interval, span, session: SessionKind::Regular };
                    count(charts.request(&ask(DataType::Quote), &piece));
                }
            }
        }
        endpoints
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
        404 if symbol.name() == *provider => {
            let message = format!("{provider} has nothing there (HTTP 404)");
            Error::new(Kind::NotFound, message)
                .hint("check the `path` of the endpoint, and --param")
        }
        404 => Error::new(Kind::NotFound, format!("{provider} does not know `{symbol}`"))
            .hint("check the spelling; a class can be said, as in `crypto:BTC`"),
        402 => Error::new(
            Kind::Unsupported,
            format!("{provider} wants to be paid for this (HTTP 402)"),
        )
        .hint("--provider asks another provider"),
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
    if says_limited(&reply.body) {
        return Error::new(
            Kind::RateLimited,
            format!("{provider} allows no more requests now: {}", excerpt(&reply.body)),
        )
        .hint("wait before asking again; --offline answers from the cache");
    }
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

/// Whether a body that is not what was asked for is a complaint about too many requests: some send
/// it with a status of 200 (Alpha Vantage's `Note` and `Information`, Tiingo's text, gateways).
fn says_limited(body: &[u8]) -> bool {
    /// Data are longer, and may well hold any of these words.
    const LONGEST: usize = 2048;
    const WORDS: [&str; 8] = [
        "too many requests",
        "rate limit",
        "call frequency",
        "calls per minute",
        "requests per minute",
        "requests per day",
        "request per second",
        "request allocation",
    ];
    let text = String::from_utf8_lossy(&body[..body.len().min(LONGEST)]).to_ascii_lowercase();
    body.len() <= LONGEST && WORDS.iter().any(|words| text.contains(words))
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
pub(crate) fn redacted(text: &str) -> String {
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

/// One segment of a path as it may stand there (RFC 3986, unreserved characters stay).
fn encoded(segment: &str) -> String {
    key::encoded(segment, b"-._~")
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
    fn the_endpoints_are_those_that_are_asked_with_their_least_weight() {
        for (speech, endpoints) in [
            (Speech::Yahoo, &[("bars", 1), ("quote", 1)][..]),
            (Speech::Binance, &[("bars", 2), ("quote", 2)]),
            (Speech::Fred, &[("quote", 1), ("series", 1)]),
            (Speech::Demo, &[("bars", 1), ("quote", 1), ("series", 1)]),
        ] {
            let endpoints = endpoints.iter().map(|(name, weight)| ((*name).into(), *weight));
            assert_eq!(speech.endpoints(), endpoints.collect(), "{speech:?}");
        }
    }

    #[test]
    fn every_way_of_speaking_has_its_name() {
        for speech in Speech::BUILT_IN {
            let symbol = Symbol::new(Class::Stock, "AAPL");
            let speaks = speech.provider().has(&symbol, DataType::Quote);
            assert_eq!(speaks, matches!(speech.as_str(), "yahoo" | "demo"), "{speech:?}");
        }
    }
}
