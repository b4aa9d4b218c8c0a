//! The embedded upstream: a server on loopback that answers as the providers do.
//!
//! It refuses to know what it says: the answers are [`provider::demo`](crate::provider::demo)'s.
//! What stands here is the behaviour of an upstream: latency, failures and a rate limit, over real
//! HTTP/1.1, so that what is measured against it holds for a socket. It listens on 127.0.0.1 only.
//!
//! The server has a thread and a runtime of its own, so that the latency of an answer does not
//! depend on what the one who asks is doing, and ends when it is dropped.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, RETRY_AFTER};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use xxhash_rust::xxh3::xxh3_64;

use super::site::DemoSettings;
use crate::clock::Clock;
use crate::provider;
use crate::time::Timestamp;

/// How many connections may wait to be accepted. The usual 128 would make the kernel drop some of
/// a burst of 256, and who is dropped tries again only after a second.
const BACKLOG: u32 = 1024;

/// Where what it says changes so seldom that it is worth asking whether it has: of prices, which
/// change by the second, it says nothing to ask by.
const UNHURRIED: &str = "/fred/";

const UNAVAILABLE: &str = "<html><head><title>503 Service Unavailable</title></head>\
    <body><h1>Service Unavailable</h1><p>The demo upstream fails as it was told to.</p></body></html>";

/// A running server.
#[derive(Debug)]
pub struct DemoUpstream {
    address: SocketAddr,
    requests: Arc<AtomicU64>,
    /// Dropping it ends the server.
    stop: Option<oneshot::Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
}

impl DemoUpstream {
    /// Starts a server on a free port of loopback; it answers as soon as this returns.
    pub fn start(settings: DemoSettings, clock: Clock) -> io::Result<Self> {
        let requests = Arc::new(AtomicU64::new(0));
        let desk = Arc::new(Desk {
            settings,
            clock,
            requests: Arc::clone(&requests),
            state: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let (report, started) = mpsc::channel();
        // Everything about the runtime happens on its own thread: one that is built or dropped
        // inside another panics.
        let thread =
            std::thread::Builder::new().name("demo-upstream".to_owned()).spawn(move || {
                let outcome = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = match outcome {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(report.send(Err(error))),
                };
                runtime.block_on(async {
                    match listen() {
                        Ok((listener, address)) => {
                            drop(report.send(Ok(address)));
                            tokio::select! {
                                () = serve(listener, desk) => {}
                                _ = stopped => {}
                            }
                        }
                        Err(error) => drop(report.send(Err(error))),
                    }
                });
            })?;
        let address = started.recv().map_err(io::Error::other)??;
        Ok(Self { address, requests, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens, without a slash at the end: `http://127.0.0.1:41237`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have arrived, refused and failed ones included.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for DemoUpstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server that panicked has ended as well.
            let _ = thread.join();
        }
    }
}

/// What every connection shares.
#[derive(Debug)]
struct Desk {
    settings: DemoSettings,
    clock: Clock,
    requests: Arc<AtomicU64>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The sum of `error_rate` over the requests since the last failure; at 1 the next one is due.
    /// Not chance: the same requests fail in every run.
    due: f64,
    /// When the requests that count towards the limit came, oldest first.
    served: VecDeque<Timestamp>,
}

fn listen() -> io::Result<(TcpListener, SocketAddr)> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(tokio::spawn(converse(stream, Arc::clone(&desk)))),
            // A connection that broke before it was accepted, or too many open files: then some
            // have to end first, and trying at once would only keep them from it.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn converse(stream: TcpStream, desk: Arc<Desk>) {
    // Without it an answer may wait 40 ms for an acknowledgement; if it fails, it is only slow.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, Infallible>(desk.answer(&request).await) }
    });
    // A client that goes away in the middle is its own affair.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl Desk {
    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if let Some(seconds) = self.refused_for() {
            let mut response = page(429, "application/json", "{\"error\":\"too many requests\"}");
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            return response;
        }
        let fails = self.fails();
        if !self.settings.latency.is_zero() {
            tokio::time::sleep(self.settings.latency).await;
        }
        if fails {
            return page(503, "text/html", UNAVAILABLE);
        }
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let reply = provider::demo::reply(path, self.clock.now());
        if reply.status != 200 || !path.starts_with(UNHURRIED) {
            return page(reply.status, "application/json", reply.body);
        }
        let etag = format!("\"{:016x}\"", xxh3_64(&reply.body));
        let is_held = request.headers().get(IF_NONE_MATCH).is_some_and(|held| held == &*etag);
        let mut response =
            if is_held { page(304, "", "") } else { page(200, "application/json", reply.body) };
        response.headers_mut().extend(HeaderValue::from_str(&etag).ok().map(|etag| (ETAG, etag)));
        response
    }

    /// The whole seconds until a request would be served again, if this one is not.
    fn refused_for(&self) -> Option<u64> {
        let window = self.settings.rate_limit?;
        let now = self.clock.real_now();
        let mut state = self.locked();
        while state.served.front().is_some_and(|first| *first + window.stretch <= now) {
            state.served.pop_front();
        }
        match state.served.front() {
            Some(first) if state.served.len() >= window.calls as usize => {
                let left = (*first + window.stretch).since(now);
                Some(left.as_secs() + u64::from(left.subsec_nanos() > 0))
            }
            _ => {
                state.served.push_back(now);
                None
            }
        }
    }

    /// Whether it is this request's turn to fail.
    fn fails(&self) -> bool {
        // Ten times 0.1 is a little less than 1.
        const NEARLY_ONE: f64 = 1.0 - 1e-9;
        let mut state = self.locked();
        state.due += self.settings.error_rate;
        let fails = state.due >= NEARLY_ONE;
        if fails {
            state.due -= 1.0;
        }
        fails
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn page(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::ledger::Window;

    /// The status and the head of one answer, over a connection of its own.
    fn get(upstream: &DemoUpstream, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(upstream.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = Vec::new();
        stream.read_to_end(&mut text).unwrap();
        let text = String::from_utf8_lossy(&text).into_owned();
        (text[9..12].parse().unwrap(), text)
    }

    #[test]
    fn the_share_of_failures_is_exact_and_the_same_in_every_run() {
        let settings = DemoSettings { error_rate: 0.1, ..DemoSettings::default() };
        for _ in 0..2 {
            let upstream = DemoUpstream::start(settings, Clock::system()).unwrap();
            let failed: Vec<u32> = (1..=30).filter(|_| get(&upstream, "/").0 == 503).collect();
            assert_eq!(failed, [10, 20, 30]);
            assert_eq!(upstream.requests(), 30);
        }
    }

    #[test]
    fn beyond_its_limit_it_refuses_and_says_for_how_long() {
        let rate_limit = Some(Window::parse("2/1h").unwrap());
        let settings = DemoSettings { rate_limit, ..DemoSettings::default() };
        let upstream = DemoUpstream::start(settings, Clock::system()).unwrap();
        assert_ne!(get(&upstream, "/").0, 429);
        assert_ne!(get(&upstream, "/").0, 429);
        let (status, head) = get(&upstream, "/");
        assert_eq!(status, 429);
        assert!(
            head.contains("retry-after: 3600\r\n") || head.contains("retry-after: 3599\r\n"),
            "{head}"
        );
        assert_eq!(upstream.requests(), 3);
    }

    #[test]
    fn it_ends_when_it_is_dropped() {
        let upstream = DemoUpstream::start(DemoSettings::default(), Clock::system()).unwrap();
        let address = upstream.address;
        let open = TcpStream::connect(address).unwrap();
        drop(upstream);
        assert!(TcpStream::connect(address).is_err());
        drop(open);
    }
}
