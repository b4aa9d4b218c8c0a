//! A raw server on loopback that sends whatever bytes a test gives it, well formed or not.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;

/// A server that answers each connection once, with the next of the bytes it was given.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    /// The heads of the requests, as they come.
    pub(super) heads: mpsc::Receiver<String>,
    /// Dropped with the server; then it lets go.
    _held: mpsc::Sender<()>,
}

/// What a server does after its bytes.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Then {
    Closes,
    /// Says nothing more until the test ends.
    Holds,
}

pub(super) fn server_that(then: Then, answers: Vec<Vec<u8>>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (report, heads) = mpsc::channel();
    let (held, let_go) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            drop(report.send(head(&mut stream)));
            // The client may have seen enough before everything is written.
            drop(stream.write_all(&answer));
            if then == Then::Holds {
                open.push(stream);
            }
        }
        // Fails when the server is dropped, and that is what is waited for.
        let _ = let_go.recv();
    });
    Server { address, heads, _held: held }
}

pub(super) fn server(answers: Vec<Vec<u8>>) -> Server {
    server_that(Then::Closes, answers)
}

pub(super) fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
        head.push(byte[0]);
    }
    String::from_utf8_lossy(&head).into_owned()
}

pub(super) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    // Each connection is closed behind its answer, and a client must not take it for the next request.
    let headers = format!("Connection: close\r\nContent-Length: {length}\r\n{headers}");
    let mut bytes = format!("HTTP/1.1 {status}\r\n{headers}\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A gzip file of one block that is stored as it is (RFC 1951 and 1952).
pub(super) fn gzip(data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    let mut sum = u32::MAX;
    for byte in data {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ if sum & 1 == 1 { 0xEDB8_8320 } else { 0 };
        }
    }
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend_from_slice(data);
    file.extend((!sum).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}
