//! One exchange over HTTP: a request out, an answer in, and every failure in words.
//!
//! It refuses to wait for limits, to follow a redirect, to try twice and to say what an answer
//! means: that is for its caller, who owns the ledger. No error that leaves this file holds a URL.
//!
//! # Cost
//!
//! A client is built when the first request needs it. The bundled certificates cost 0.05 ms, the
//! machine's some milliseconds, and on a machine that has none they fail: so plain HTTP never
//! asks for them.

use std::error::Error as StdError;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH};
use reqwest::{Client, ClientBuilder, Response, Url};
use rustls::{CertificateError, ClientConfig, RootCertStore};

use super::site::{Certificates, host_and_port};
use crate::error::{Error, Kind, sanitized};
use crate::provider::Validators;
use crate::units::duration_for_people;

/// The largest body that is read, after decompression, in bytes. The longest answer of a provider
/// that is built in, all of a minute series, is below 2 MiB.
pub(super) const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// The longest time for name resolution, connection and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest silence within an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an idle connection is kept: shorter than any server does, so that a request is not
/// written into a connection that the other side is just closing.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// What is sent, besides the URL.
#[derive(Clone)]
pub(super) struct Letter<'a> {
    /// Who is asked, for messages.
    pub(super) provider: &'a str,
    /// Where; it may hold a secret.
    pub(super) url: Url,
    /// Every header but those of the transport.
    pub(super) headers: HeaderMap,
    /// The JSON that goes along with a POST; none is a GET.
    pub(super) body: Option<String>,
    /// What is held already, by which it may be confirmed.
    pub(super) validators: Option<&'a Validators>,
    /// The longest time until the last byte of the answer.
    pub(super) timeout: Duration,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// Decompressed, at most [`LARGEST_BODY`] bytes.
    pub(super) body: Vec<u8>,
}

impl Arrival {
    /// A header, if it is there and text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// A header, if it came once and is text.
    pub(super) fn single(&self, name: &str) -> Option<&str> {
        self.header(name).filter(|_| self.headers.get_all(name).iter().count() == 1)
    }
}

/// Why nothing usable came back.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whether the request may have reached upstream, so that it counts as a call.
    pub(super) left: bool,
    /// Whether a connection broke, which may go better a moment later.
    pub(super) broke: bool,
    /// What had come by then, if it was the beginning of an answer.
    pub(super) received: Option<Box<Arrival>>,
}

impl Failure {
    /// The failure of a request that has reached upstream.
    fn of(error: Error) -> Self {
        Self { error, left: true, broke: false, received: None }
    }
}

/// The clients of one process, each built when it is first needed.
#[derive(Debug, Default)]
pub(super) struct Clients {
    bundled: OnceLock<Result<Client, String>>,
    system: OnceLock<Result<Client, String>>,
    direct: OnceLock<Result<Client, String>>,
    direct_system: OnceLock<Result<Client, String>>,
}

impl Clients {
    /// The client for this URL.
    ///
    /// A proxy of the environment is passed by on the way to this very machine, as Go does it:
    /// no proxy elsewhere could reach the embedded upstream or a mirror on loopback.
    pub(super) fn client(
        &self,
        provider: &str,
        url: &Url,
        certificates: Certificates,
    ) -> Result<&Client, Error> {
        let route = Route::to(url);
        let certificates =
            if url.scheme() == "https" { certificates } else { Certificates::Bundled };
        let place = match (route, certificates) {
            (Route::Environment, Certificates::Bundled) => &self.bundled,
            (Route::Environment, Certificates::System) => &self.system,
            (Route::Direct, Certificates::Bundled) => &self.direct,
            (Route::Direct, Certificates::System) => &self.direct_system,
        };
        place.get_or_init(|| build(route, certificates)).as_ref().map_err(|why| {
            Error::new(Kind::Unreachable, format!("{provider} cannot be asked: {why}"))
                .hint("install ca-certificates or set SSL_CERT_FILE; `tls: bundled` needs neither")
        })
    }
}

/// Whether a proxy may stand between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// The one that the environment names, if it names one.
    Environment,
    /// None.
    Direct,
}

impl Route {
    fn to(url: &Url) -> Self {
        let host = url.host_str().unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let here = host.eq_ignore_ascii_case("localhost")
            || address.is_ok_and(|address| address.is_loopback());
        if here { Self::Direct } else { Self::Environment }
    }
}

fn build(route: Route, certificates: Certificates) -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = if certificates == Certificates::System {
        // reqwest takes the platform's verifier only together with the provider of the process.
        // Err means that one is installed already.
        let _ = rustls::crypto::CryptoProvider::install_default((*provider).clone());
        with_transport(Client::builder().tls_backend_rustls())
    } else {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A configuration of our own has to say itself what HTTP it speaks.
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        with_transport(Client::builder().tls_backend_preconfigured(config))
    };
    let builder = if route == Route::Direct { builder.no_proxy() } else { builder };
    builder.build().map_err(|error| innermost(&error.without_url()))
}

/// What holds for every client. The pool keeps as many idle connections as there were requests
/// under way, which is reqwest's default.
fn with_transport(builder: ClientBuilder) -> ClientBuilder {
    builder
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        // A redirect costs a call, so whoever keeps the ledger follows it.
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .gzip(true)
}

/// Sends a request and reads the whole answer.
pub(super) async fn exchange(client: &Client, letter: &Letter<'_>) -> Result<Arrival, Failure> {
    let address = host_and_port(&letter.url);
    let scene = Scene { provider: letter.provider, address: &address, timeout: letter.timeout };
    let request = match &letter.body {
        None => client.get(letter.url.clone()),
        Some(body) => client
            .post(letter.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .body(body.clone()),
    };
    let response = request
        .headers(letter.headers.clone())
        .headers(conditions(letter))
        .timeout(letter.timeout)
        .send()
        .await
        .map_err(|error| scene.no_answer(&error.without_url()))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    match scene.body(response).await {
        Ok(body) => Ok(Arrival { status, headers, body }),
        Err((failure, body)) => {
            let received = Some(Box::new(Arrival { status, headers, body }));
            Err(Failure { received, ..failure })
        }
    }
}

/// That an answer is wanted only if it is another than the one that is held.
fn conditions(letter: &Letter<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(Validators { etag, last_modified, .. }) = letter.validators else { return headers };
    for (name, text) in [(IF_NONE_MATCH, etag), (IF_MODIFIED_SINCE, last_modified)] {
        if let Some(Ok(value)) = text.as_ref().map(|text| HeaderValue::from_str(text)) {
            headers.insert(name, value);
        }
    }
    headers
}

/// What the messages of one exchange name.
struct Scene<'a> {
    provider: &'a str,
    address: &'a str,
    timeout: Duration,
}

impl Scene<'_> {
    /// The whole body, or why it is not that and its beginning.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, (Failure, Vec<u8>)> {
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => return Ok(body),
                Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_BODY => {
                    let why = format!("is longer than {} MiB", LARGEST_BODY >> 20);
                    return Err((Failure::of(self.unreadable(&why)), body));
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Err(error) => return Err((self.torn(&error.without_url(), body.len()), body)),
            }
        }
    }

    fn unreadable(&self, why: &str) -> Error {
        Error::new(Kind::InvalidData, format!("the answer of {} {why}", self.provider))
            .hint("nothing was stored; if it lasts, check `base_url` with `mcache config show`")
    }

    /// The error for an answer that ended before its end, after so many bytes.
    fn torn(&self, error: &reqwest::Error, bytes: usize) -> Failure {
        let encoding = find::<io::Error>(error).is_some_and(|cause| {
            matches!(cause.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput)
        });
        let why = if error.is_timeout() {
            let time = duration_for_people(self.timeout);
            format!("was cut short after {bytes} bytes: the rest did not come within {time}")
        } else if encoding {
            format!("cannot be decompressed after {bytes} bytes")
        } else {
            format!("was cut short after {bytes} bytes")
        };
        let broke = !error.is_timeout() && !encoding;
        Failure { broke, ..Failure::of(self.unreadable(&why).caused_by(chain(error))) }
    }

    /// The error for a request to which nothing came back that is HTTP.
    fn no_answer(&self, error: &reqwest::Error) -> Failure {
        let not_http = find::<hyper::Error>(error)
            .is_some_and(|cause| cause.is_parse() || cause.is_parse_too_large());
        if not_http {
            return Failure::of(self.unreadable("is not HTTP").caused_by(chain(error)));
        }
        let proxy = if chain(error).contains("tunnel") { "through the proxy, " } else { "" };
        let (provider, address) = (self.provider, self.address);
        let reason = self.reason(error);
        let untrusted = find::<rustls::Error>(error).is_some();
        let message = format!("{provider} cannot be reached at {address}: {proxy}{reason}");
        let hint = if error.is_dns() {
            "check the network, and `base_url` with `mcache config show`; --offline answers from the cache"
        } else if untrusted {
            "`tls: system` trusts this machine's certificates; --offline answers from the cache"
        } else {
            "check the network and try again; --offline answers from the cache"
        };
        let left = !error.is_connect() && !error.is_builder();
        Failure {
            error: Error::new(Kind::Unreachable, message).hint(hint).caused_by(chain(error)),
            left,
            broke: left && !error.is_timeout(),
            received: None,
        }
    }

    /// Why nothing came back, in words.
    fn reason(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            let (what, time) = if error.is_connect() {
                ("connection", self.timeout.min(CONNECT_TIMEOUT))
            } else {
                ("answer", self.timeout)
            };
            return format!("no {what} within {}", duration_for_people(time));
        }
        if error.is_dns() {
            return "its name cannot be resolved".to_owned();
        }
        if let Some(cause) = find::<rustls::Error>(error) {
            return tls_reason(cause);
        }
        if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) {
            return "the connection was closed before an answer came".to_owned();
        }
        match find::<io::Error>(error).map(io::Error::kind) {
            Some(io::ErrorKind::ConnectionRefused) => "the connection was refused".to_owned(),
            Some(
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionAborted
                | io::ErrorKind::BrokenPipe,
            ) => "the connection was broken off".to_owned(),
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
                "there is no way to it".to_owned()
            }
            Some(io::ErrorKind::UnexpectedEof) => {
                "the connection was closed while it was being made".to_owned()
            }
            _ => innermost(error),
        }
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    let rustls::Error::InvalidCertificate(cause) = error else {
        return format!("no TLS connection: {}", sanitized(&error.to_string()));
    };
    let why = match cause {
        CertificateError::UnknownIssuer => "is from an issuer that is not trusted",
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "is for another name"
        }
        CertificateError::Revoked => "was revoked",
        _ => "is not valid",
    };
    format!("its certificate {why}")
}

/// The first cause of this type; an I/O error may carry one that it does not name as its source.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(cause) = next {
        if let Some(found) = cause.downcast_ref::<T>() {
            return Some(found);
        }
        let carried = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(found) = carried.and_then(|carried| find::<T>(carried)) {
            return Some(found);
        }
        next = cause.source();
    }
    None
}

/// Every cause in one line, for `-v`: texts only, so that nothing else of the request stays in it.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// What lies at the bottom of an error, fit to be shown.
fn innermost(error: &reqwest::Error) -> String {
    let mut deepest: &dyn StdError = error;
    while let Some(cause) = deepest.source() {
        deepest = cause;
    }
    sanitized(&deepest.to_string())
}
