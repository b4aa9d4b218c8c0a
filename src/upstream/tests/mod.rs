//! What this floor promises, against raw sockets that send what no well-behaved server would.
//!
//! No test waits for time to pass: a server that is slow is one that never answers and holds its
//! connection until the test ends.

mod limits;
mod server;

use std::error::Error as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use reqwest::Url;

use self::server::{Then, answer, gzip, head, server, server_that};
use super::site::{SHORTEST_BESIDE, SHORTEST_IN_DATA};
use super::*;
use crate::ledger::{Call, Claim, Limits, Window};
use crate::market::{Class, Params};
use crate::provider::{Ask, Speech};

const PATIENT: Duration = Duration::from_secs(10);
const KEY: &str = "hush/hush key&1";

fn good() -> Vec<u8> {
    answer("200 OK", "", good_body())
}

/// What the demo upstream says about the symbol of these tests.
fn good_body() -> Vec<u8> {
    let symbol = apple();
    let ask = Ask {
        symbol: &symbol,
        data_type: DataType::Quote,
        provider: "acme",
        params: Params::none(),
    };
    let request = Speech::Demo.provider().request(&ask).unwrap();
    let url = site::joined(&Url::parse("http://localhost").unwrap(), &request.path, &request.query);
    let path = format!("{}?{}", url.path(), url.query().unwrap_or_default());
    crate::provider::demo::reply(&path, Clock::system().now()).body
}

fn apple() -> Symbol {
    Symbol::new(Class::Stock, "AAPL")
}

fn site(address: SocketAddr) -> Site {
    Site {
        name: "acme".to_owned(),
        speech: Speech::Demo,
        base_url: Some(format!("http://{address}/mirror/")),
        access: Access::Open,
        headers: Vec::new(),
        user_agent: "mcache-test".to_owned(),
        timeout: Duration::from_secs(20),
        concurrency: 8,
        limits: Limits::default(),
        certificates: Certificates::Bundled,
        demo: DemoSettings::default(),
    }
}

fn with_key(site: Site, place: Place) -> Site {
    let access = Access::Key(Credentials { place, secret: Secret::new(KEY) });
    Site { access, ..site }
}

/// Limits of these windows alone.
fn within(windows: &[&str]) -> Limits {
    let windows: Vec<Window> = windows.iter().map(|text| Window::parse(text).unwrap()).collect();
    Limits::of(&windows)
}

/// Nobody was asked yet, and the book is in memory.
fn upstream() -> Upstream {
    Upstream::new(Clock::system(), Ledger::at(None))
}

async fn ask_within(upstream: &Upstream, site: &Site, patience: Duration) -> Asked {
    let mut patience = Patience::of(patience);
    let permit = upstream.permit(site, &mut patience).await;
    let symbol = apple();
    let asking = Asking {
        beside: &[],
        site,
        symbol: &symbol,
        data_type: DataType::Quote,
        params: Params::none(),
        piece: None,
        name: "quote:stock:AAPL@acme",
        caller: "tests",
        use_case: None,
        budget_share: None,
        definition: 0,
        validators: None,
        input: &[],
        above: &[],
    };
    upstream.ask(&asking, &permit, &mut patience).await
}

/// Without patience: nothing is tried twice.
async fn ask(upstream: &Upstream, site: &Site) -> Asked {
    ask_within(upstream, site, Duration::ZERO).await
}

async fn ask_once(site: &Site) -> Asked {
    ask(&upstream(), site).await
}

fn error(asked: Asked) -> Error {
    asked.outcome.unwrap_err()
}

#[tokio::test]
async fn an_answer_becomes_a_record_and_costs_one_call() {
    let server = server(vec![good()]);
    let site =
        Site { headers: vec![("X-Team".to_owned(), Secret::new("blue"))], ..site(server.address) };
    let asked = ask_once(&site).await;
    let Given::Record(Record::Quote(quote)) = asked.outcome.unwrap() else { panic!("no quote") };
    assert_eq!((quote.symbol.as_str(), quote.provider.as_str(), asked.calls), ("AAPL", "acme", 1));
    let head = server.heads.recv().unwrap().to_lowercase();
    assert!(head.starts_with("get /mirror/v8/finance/chart/aapl"), "{head}");
    for line in ["user-agent: mcache-test\r\n", "x-team: blue\r\n", "accept-encoding: gzip\r\n"] {
        assert!(head.contains(line), "{head}");
    }
}

#[tokio::test]
async fn an_answer_that_is_no_record_is_an_error_of_its_kind() {
    let page = "<html><body>Service Unavailable</body></html>";
    for (bytes, kind) in [
        (answer("404 Not Found", "", ""), Kind::NotFound),
        (answer("401 Unauthorized", "", ""), Kind::Unauthorized),
        (answer("403 Forbidden", "", page), Kind::Unauthorized),
        (answer("429 Too Many Requests", "Retry-After: 7\r\n", ""), Kind::RateLimited),
        (answer("500 Internal Server Error", "", page), Kind::Upstream),
        (answer("503 Service Unavailable", "", page), Kind::Upstream),
        (answer("302 Found", "", ""), Kind::Upstream),
        (answer("200 OK", "Content-Type: text/html\r\n", page), Kind::InvalidData),
        (answer("200 OK", "", ""), Kind::InvalidData),
        (
            answer("200 OK", "Content-Encoding: gzip\r\n", "this was never compressed"),
            Kind::InvalidData,
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n".to_vec(), Kind::InvalidData),
        (b"".to_vec(), Kind::Unreachable),
    ] {
        let server = server(vec![bytes.clone()]);
        let asked = ask_once(&site(server.address)).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(asked.calls, 1, "{text}");
        let error = error(asked);
        assert_eq!(error.kind, kind, "{text}: {error}");
        assert!(error.hint.is_some() && error.message.contains("acme"), "{error}");
    }
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let server = server(vec![answer("200 OK", "Content-Encoding: gzip\r\n", gzip(&good_body()))]);
    assert!(ask_once(&site(server.address)).await.outcome.is_ok());
}

#[tokio::test]
async fn an_answer_that_ends_early_is_invalid_data_and_says_where() {
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"pri".to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"pri\r\n".to_vec();
    let packed = gzip(&good_body());
    let half = answer("200 OK", "Content-Encoding: gzip\r\n", &packed[..packed.len() / 2]);
    for (bytes, expected) in [
        (short, "cut short after 5 bytes"),
        (chunked, "cut short after 5 bytes"),
        (half, "cut short after"),
    ] {
        let server = server(vec![bytes]);
        let asked = ask_once(&site(server.address)).await;
        assert_eq!(asked.calls, 1);
        let error = error(asked);
        assert_eq!(error.kind, Kind::InvalidData);
        assert!(error.message.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_not_read_to_its_end() {
    let body = vec![b' '; http::LARGEST_BODY + 1];
    let server = server(vec![answer("200 OK", "", body)]);
    let error = error(ask_once(&site(server.address)).await);
    assert_eq!(error.kind, Kind::InvalidData);
    assert!(error.message.contains("longer than 16 MiB"), "{error}");
}

#[tokio::test]
async fn silence_is_unreachable_and_an_answer_that_stops_is_invalid_data() {
    let started = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec();
    for (bytes, kind, expected) in [
        (Vec::new(), Kind::Unreachable, "no answer within 50 ms"),
        (started, Kind::InvalidData, "cut short after 1 bytes: the rest did not come within 50 ms"),
    ] {
        let server = server_that(Then::Holds, vec![bytes]);
        let site = Site { timeout: Duration::from_millis(50), ..site(server.address) };
        let asked = ask_once(&site).await;
        assert_eq!(asked.calls, 1);
        let error = error(asked);
        assert_eq!(error.kind, kind);
        assert!(error.message.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_tried_once_and_keeps_its_slots() {
    // Bound and dropped: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let site = Site { limits: within(&["1/1h"]), concurrency: 1, ..site(address) };
    let upstream = upstream();
    // The second waits for a slot in an hour, and is told at once all the same.
    let (first, second) = tokio::join!(
        ask_within(&upstream, &site, PATIENT),
        ask_within(&upstream, &site, Duration::from_hours(24)),
    );
    let third = ask(&upstream, &site).await;
    for asked in [first, second, third] {
        assert_eq!((asked.calls, asked.latency), (0, Duration::ZERO));
        let error = error(asked);
        assert_eq!(error.kind, Kind::Unreachable);
        assert_eq!(
            error.message,
            format!("acme cannot be reached at {address}: the connection was refused")
        );
        assert!(error.hint.is_some());
    }
    let other = Site { name: "other".to_owned(), ..site.clone() };
    assert_eq!(error(ask(&upstream, &other).await).kind, Kind::Unreachable, "and not rate_limited");
    let call = Call {
        provider: "acme",
        endpoint: "quote",
        weight: 1,
        caller: "tests",
        use_case: None,
        limits: &site.limits,
        budget_share: None,
        is_probe: false,
    };
    let standing = upstream.ledger().standing(&call, &upstream.reading()).unwrap();
    assert_eq!(standing.refusal, None, "what never left the machine costs nothing");
}

#[tokio::test]
async fn a_name_that_does_not_resolve_and_a_server_without_tls_are_said_in_words() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // The first bytes of a TLS greeting, to which a server of plain HTTP says no.
        stream.read_exact(&mut [0; 16]).unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    });
    // Longer than any name may be, so that no server is asked for it.
    let name = "x".repeat(70);
    for (base_url, expected) in [
        (format!("http://{name}.invalid"), "its name cannot be resolved"),
        (format!("https://{address}"), "no TLS connection"),
    ] {
        let site = Site { base_url: Some(base_url), ..site(address) };
        let asked = ask_once(&site).await;
        assert_eq!(asked.calls, 0);
        let error = error(asked);
        assert_eq!(error.kind, Kind::Unreachable);
        assert!(error.message.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn a_secret_never_reaches_an_error() {
    let echo = format!("you sent {KEY} and hush%2Fhush+key%261 and hush%2Fhush%20key%261");
    let padded = format!("{}{KEY}", "x".repeat(74));
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for place in
        [Place::Query("api_key".to_owned()), Place::Header("X-Api-Key".to_owned()), Place::Bearer]
    {
        for bytes in [
            answer("400 Bad Request", "", &echo),
            answer("500 Internal Server Error", "", &echo),
            answer("500 Internal Server Error", "", &padded),
            answer("200 OK", "", &echo),
            answer("404 Not Found", "", &echo),
            answer("302 Found", "Location: http://127.0.0.1:1/?k=hush%2Fhush+key%261\r\n", ""),
            answer("302 Found", "Location: ftp://hush%2Fhush+key%261/\r\n", ""),
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec(),
            format!("{KEY}\r\n\r\n").into_bytes(),
            Vec::new(),
        ] {
            let server = server(vec![bytes]);
            let site = with_key(site(server.address), place.clone());
            assert_hidden(&ask_once(&site).await, &site);
            let head = server.heads.recv().unwrap();
            assert!(
                head.contains(KEY) || head.contains("api_key=hush%2Fhush+key%261 HTTP"),
                "{head}"
            );
        }
        let site = with_key(site(refused), place);
        assert_hidden(&ask_once(&site).await, &site);
    }
}

fn assert_hidden(asked: &Asked, site: &Site) {
    let error = asked.outcome.as_ref().unwrap_err();
    let mut shown = format!("{site:?} {site:#?} {asked:?} {error} {:?}", error.hint);
    let mut cause = error.source();
    while let Some(found) = cause {
        shown = format!("{shown} {found} {found:?}");
        cause = found.source();
    }
    for part in ["hush", "%261"] {
        assert!(!shown.contains(part), "{shown}");
    }
}

#[test]
fn the_words_of_headers_are_secrets_unless_they_are_short() {
    let nobody = SocketAddr::from(([127, 0, 0, 1], 9));
    let header = |value: &str| ("x-of-ours".to_owned(), Secret::new(value));
    let headers = vec![header("Basic hush-hush"), header("en")];
    let site = Site { headers, ..with_key(site(nobody), Place::Bearer) };
    for (shortest, words) in
        [(SHORTEST_BESIDE, &["Basic", "hush-hush"][..]), (SHORTEST_IN_DATA, &["hush-hush"])]
    {
        let secrets = site.secrets(shortest);
        assert!(secrets.iter().map(Secret::reveal).eq([KEY].iter().chain(words).copied()));
    }
}

#[tokio::test]
async fn a_missing_key_sends_nothing_and_names_what_to_set() {
    let server = server(Vec::new());
    let hint = "set FRED_API_KEY in the environment".to_owned();
    let missing = Site { access: Access::Missing { hint: hint.clone() }, ..site(server.address) };
    let asked = ask_once(&missing).await;
    assert_eq!(asked.calls, 0);
    let error = error(asked);
    assert_eq!((error.kind, error.hint), (Kind::Unauthorized, Some(hint)));

    for key in ["", "two\nlines"] {
        let credentials = Credentials { place: Place::Bearer, secret: Secret::new(key) };
        let asked =
            ask_once(&Site { access: Access::Key(credentials), ..site(server.address) }).await;
        assert_eq!(asked.calls, 0);
        assert_eq!(asked.outcome.unwrap_err().kind, Kind::Unauthorized);
    }
    assert!(server.heads.try_recv().is_err());
}

#[tokio::test]
async fn another_host_sees_neither_key_nor_headers() {
    let other = server(vec![good()]);
    let location = format!("Location: http://{}/elsewhere\r\n", other.address);
    let first = server(vec![answer("302 Found", &location, "")]);
    let headers = vec![("X-Team".to_owned(), Secret::new("blue"))];
    let site =
        Site { headers, ..with_key(site(first.address), Place::Header("X-Api-Key".to_owned())) };
    let asked = ask_once(&site).await;
    assert!(asked.outcome.is_ok(), "{asked:?}");
    assert_eq!(asked.calls, 2);
    assert!(first.heads.recv().unwrap().contains("x-api-key: hush"));
    let head = other.heads.recv().unwrap().to_lowercase();
    assert!(
        !head.contains("hush") && !head.contains("blue") && !head.contains("referer"),
        "{head}"
    );
    assert!(
        head.starts_with("get /elsewhere ") && head.contains("user-agent: mcache-test"),
        "{head}"
    );
}

#[tokio::test]
async fn a_redirect_is_a_call_and_the_same_host_keeps_the_key() {
    let there = || answer("301 Moved Permanently", "Location: /again\r\n", "");
    let server = server(vec![there(), there(), there(), there(), there()]);
    let asked = ask_once(&with_key(site(server.address), Place::Bearer)).await;
    assert_eq!(asked.calls, 4);
    let error = error(asked);
    assert_eq!(error.kind, Kind::Upstream);
    assert!(error.message.contains("more than 3 times"), "{error}");
    for _ in 0..4 {
        assert!(server.heads.recv().unwrap().contains("Bearer hush"));
    }
    let limited = Site { limits: within(&["1/1h"]), ..site(server.address) };
    let asked = ask_once(&limited).await;
    assert_eq!((asked.calls, asked.outcome.unwrap_err().kind), (1, Kind::RateLimited));
}

#[test]
fn https_never_turns_into_http() {
    let site = site(([127, 0, 0, 1], 1).into());
    let from = Url::parse("https://a.example/x").unwrap();
    for (location, allowed) in [
        ("http://a.example/x", false),
        ("ftp://a.example/x", false),
        ("//b.example/x", true),
        ("../y", true),
        ("https://user:word@b.example/", false),
    ] {
        let headers = reqwest::header::HeaderMap::from_iter([(
            reqwest::header::LOCATION,
            location.parse().unwrap(),
        )]);
        let arrival = http::Arrival { status: 308, headers, body: Vec::new() };
        assert_eq!(send::redirection(&site, &from, &arrival).is_ok(), allowed, "{location}");
    }
}

#[tokio::test]
async fn the_embedded_upstream_serves_a_crowd() {
    let demo = DemoSettings { latency: Duration::from_millis(5), ..DemoSettings::default() };
    let site = Site { base_url: None, concurrency: 256, demo, ..site(([127, 0, 0, 1], 1).into()) };
    assert_eq!(site.check(), Ok(()));
    let upstream = upstream();
    let (first, site) = (&upstream, &site);
    let asked =
        futures_util::future::join_all((0..512).map(|_| async move { ask(first, site).await }));
    for asked in asked.await {
        assert_eq!((asked.outcome.is_ok(), asked.calls), (true, 1));
        assert!(asked.latency >= Duration::from_millis(5));
    }
    let line = upstream.line(site);
    assert_eq!(line.demo.get().unwrap().as_ref().unwrap().requests(), 512);
}

#[test]
fn it_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: T) {}
    shared(&upstream());
    let site = site(([127, 0, 0, 1], 1).into());
    let upstream = upstream();
    sent(ask(&upstream, &site));
}

#[test]
fn every_client_can_be_built_or_says_why_not() {
    let clients = Clients::default();
    for url in ["http://a.example", "https://a.example", "http://127.0.0.1:1", "https://localhost"]
    {
        let url = Url::parse(url).unwrap();
        assert!(clients.client("acme", &url, Certificates::Bundled).is_ok());
        if let Err(error) = clients.client("acme", &url, Certificates::System) {
            assert_eq!((error.kind, url.scheme()), (Kind::Unreachable, "https"));
            assert!(error.hint.is_some());
        }
    }
}

#[test]
fn a_site_that_cannot_be_asked_is_refused_before_it_is() {
    let good = site(([127, 0, 0, 1], 1).into());
    assert_eq!(good.check(), Ok(()));
    let header = |name: &str, value: &str| vec![(name.to_owned(), Secret::new(value))];
    for (what, site) in [
        ("base_url", Site { base_url: Some("ftp://a".to_owned()), ..good.clone() }),
        ("base_url", Site { base_url: None, speech: Speech::Yahoo, ..good.clone() }),
        ("header", Site { headers: header("X Y", "1"), ..good.clone() }),
        ("header", Site { headers: header("X-Y", "1\n2"), ..good.clone() }),
        ("header", with_key(good.clone(), Place::Header(String::new()))),
        ("user_agent", Site { user_agent: "a\nb".to_owned(), ..good.clone() }),
        ("concurrency", Site { concurrency: 0, ..good.clone() }),
        ("timeout", Site { timeout: Duration::ZERO, ..good.clone() }),
        (
            "error_rate",
            Site { demo: DemoSettings { error_rate: f64::NAN, ..good.demo }, ..good.clone() },
        ),
    ] {
        let usage = site.check().unwrap_err();
        assert!(usage.message.contains(what) && usage.hint.is_some(), "{usage}");
    }
}
