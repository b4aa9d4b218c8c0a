//! The upstream that a test talks to: a real socket on loopback that counts what it is asked,
//! answers what the test says, and can hold its answers until the test lets go, which is what
//! replaces waiting for time to pass.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use mcache::time::Timestamp;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// GET or POST.
    pub method: String,
    /// The path with the query.
    pub path: String,
    /// All header lines.
    pub headers: Vec<String>,
    /// What came behind the head.
    pub body: Vec<u8>,
}

impl Incoming {
    /// What the header of this name, in lower case, says; none if it was not sent.
    pub fn header(&self, name: &str) -> Option<&str> {
        let fields = self.headers.iter().filter_map(|line| line.split_once(':'));
        fields.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.trim())
    }
}

/// After this what has not come never will.
const NEVER_COMES: Duration = Duration::from_mins(1);

type Answer = dyn Fn(&Incoming) -> Vec<u8> + Send + Sync;

struct State {
    answer: Box<Answer>,
    seen: Mutex<Vec<Incoming>>,
    /// Whether answers are held back, and a signal for when that or `seen` changes.
    held: Mutex<bool>,
    changed: Condvar,
}

/// An upstream on a free port of loopback. It ends with the test.
pub struct Upstream {
    address: String,
    state: Arc<State>,
}

impl Upstream {
    /// Answers every request with what `answer` makes of it: bytes as they go over the wire.
    pub fn start(answer: impl Fn(&Incoming) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::default(),
            held: Mutex::new(false),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&serving);
                thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// Speaks as the real providers do, with the demo's data at the sandbox's time.
    pub fn speaking() -> Self {
        Self::start(|incoming| {
            let now = Timestamp::parse(super::NOW).unwrap();
            let answer = mcache::provider::demo::reply(&incoming.path, now);
            reply(answer.status, "application/json", &answer.body)
        })
    }

    /// Answers every request with the same.
    pub fn saying(status: u16, content_type: &str, body: &str) -> Self {
        let bytes = reply(status, content_type, body.as_bytes());
        Self::start(move |_| bytes.clone())
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.address
    }

    /// What was asked so far.
    pub fn seen(&self) -> Vec<Incoming> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How much was asked so far.
    pub fn count(&self) -> usize {
        self.state.seen.lock().unwrap().len()
    }

    /// Holds back every answer from now on.
    pub fn hold(&self) {
        *self.state.held.lock().unwrap() = true;
    }

    /// Lets go of what was held back.
    pub fn let_go(&self) {
        *self.state.held.lock().unwrap() = false;
        self.state.changed.notify_all();
    }

    /// Waits until so many requests have come; a test whose program never asks fails.
    pub fn wait_for(&self, count: usize) {
        let seen = self.state.seen.lock().unwrap();
        let waiting = |seen: &mut Vec<Incoming>| seen.len() < count;
        let (seen, end) =
            self.state.changed.wait_timeout_while(seen, NEVER_COMES, waiting).unwrap();
        assert!(!end.timed_out(), "{} requests came, not {count}", seen.len());
    }
}

/// A whole HTTP response.
pub fn reply(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// One request a connection: reads the head, notes it, waits while held, answers, closes.
fn serve(mut stream: TcpStream, state: &State) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) if line.trim_end().is_empty() => break,
            Ok(_) => lines.push(line.trim_end().to_owned()),
        }
    }
    let mut words = lines[0].split(' ').map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut incoming = Incoming { method, path, headers: lines.split_off(1), body: Vec::new() };
    let length = incoming.header("content-length").and_then(|length| length.parse().ok());
    incoming.body.resize(length.unwrap_or(0), 0);
    if reader.read_exact(&mut incoming.body).is_err() {
        return;
    }
    state.seen.lock().unwrap().push(incoming.clone());
    state.changed.notify_all();
    let held = state.held.lock().unwrap();
    drop(state.changed.wait_while(held, |held| *held).unwrap());
    // The other side may have given up: its trouble is what the test looks at.
    let _ = stream.write_all(&(state.answer)(&incoming));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = reader.read(&mut [0]);
}
