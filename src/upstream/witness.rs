//! What one question looked like on its way out and what came back, or what a program printed, for whoever
//! wants to look at it.
//!
//! Nothing in it holds the key of the provider, also not where upstream repeats it; what else may be a
//! secret of somebody's is told by its shape, as in every message. It decides nothing and keeps only
//! the last request: that of the last redirect, or of the last retry.

use std::sync::Mutex;

use super::http::{Arrival, Letter};
use super::site::SHORTEST_IN_DATA;
use super::{Site, locked};
use crate::error::sanitized;
use crate::provider::command::{End, Ended};
use crate::provider::{Reply, redacted};

/// One who looks on.
#[derive(Debug, Default)]
pub struct Witness(Mutex<Seen>);

/// What was seen.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The last request, if one was made.
    pub sent: Option<Sent>,
    /// What came back, or was printed, if anything was.
    pub reply: Option<Reply>,
    /// By what a program has ended.
    pub ended: Option<End>,
}

/// What was asked, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// A request as it went out, without its headers.
    Request {
        /// GET or POST.
        method: &'static str,
        /// Where to.
        url: String,
    },
    /// A program and its arguments, each cut where it is long.
    Program(Vec<String>),
}

impl Witness {
    /// What was seen so far.
    pub fn seen(&self) -> Seen {
        locked(&self.0).clone()
    }

    /// Notes a request; what came back of the one before is of no interest any more.
    pub(super) fn note_sent(&self, site: &Site, letter: &Letter<'_>) {
        let url = without_secrets(site, letter.url.as_str()).unwrap_or(letter.url.to_string());
        let method = if letter.body.is_some() { "POST" } else { "GET" };
        let sent = Some(Sent::Request { method, url: redacted(&url) });
        *locked(&self.0) = Seen { sent, ..Seen::default() };
    }

    /// Notes the program that is started.
    pub(super) fn note_started(&self, arguments: &[String]) {
        let shown = arguments.iter().map(|argument| sanitized(&redacted(argument)));
        let sent = Some(Sent::Program(shown.collect()));
        *locked(&self.0) = Seen { sent, ..Seen::default() };
    }

    /// Notes what it has printed.
    pub(super) fn note_ended(&self, ended: &Ended) {
        let mut seen = locked(&self.0);
        seen.reply = Some(Reply::new(200, ended.output.clone()));
        seen.ended = Some(ended.how);
    }

    /// Notes what came back.
    pub(super) fn note_arrival(&self, site: &Site, arrival: &Arrival) {
        let content_type = arrival.header("content-type").map(Into::into);
        let clean = without_secrets(site, &String::from_utf8_lossy(&arrival.body));
        let body = clean.map_or_else(|| arrival.body.clone(), String::into_bytes);
        locked(&self.0).reply = Some(Reply { status: arrival.status, body, content_type });
    }
}

/// The text without the key of the site and without what its headers say, if any of that is in it.
fn without_secrets(site: &Site, text: &str) -> Option<String> {
    let mut clean = None;
    // Where the fields of a record stand in it is looked up in what came back.
    for secret in site.secrets(SHORTEST_IN_DATA) {
        let text = clean.as_deref().unwrap_or(text);
        if secret.is_in(text) {
            clean = Some(secret.removed_from(text));
        }
    }
    clean
}
