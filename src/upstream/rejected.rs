//! What is kept of an answer that was refused as nonsense: enough to see what is wrong with it.
//!
//! Nothing in it is believed, and no secret of the site is left in it: whoever looks at it later does
//! not know which words were one.

use super::http::Arrival;
use super::site::{SHORTEST_BESIDE, Secret, Site, erased};
use crate::error::sanitized;
use crate::provider::Reply;

/// How much of a body is kept, in bytes.
const MOST_BYTES: usize = 64 * 1024;

/// An answer that was refused as nonsense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The endpoint that was asked.
    pub endpoint: String,
    /// The status of HTTP; none if no answer came that has one, or a program printed it.
    pub status: Option<u16>,
    /// What the body is, as its sender says.
    pub content_type: Option<String>,
    /// The start of the body, without our key.
    pub body: Vec<u8>,
    /// How long the whole body was, as far as it came.
    pub bytes: u64,
}

impl Rejected {
    /// What is kept of a reply.
    pub(super) fn of(site: &Site, endpoint: &str, reply: &Reply) -> Self {
        let content_type = reply.content_type.as_deref();
        Self::new(
            &site.secrets(SHORTEST_BESIDE),
            endpoint,
            Some(reply.status),
            content_type,
            &reply.body,
        )
    }

    /// What is kept of what a program has printed.
    pub(super) fn printed(site: &Site, endpoint: &str, output: &[u8]) -> Self {
        Self::new(&site.secrets(SHORTEST_BESIDE), endpoint, None, None, output)
    }

    /// What is kept of an answer of which not all could be received; nothing did, if there is none.
    pub(super) fn torn(site: &Site, endpoint: &str, received: Option<&Arrival>) -> Self {
        let secrets = site.secrets(SHORTEST_BESIDE);
        let Some(arrival) = received else { return Self::new(&secrets, endpoint, None, None, &[]) };
        // It may end within a secret. No spelling of a byte is longer than six of them (`\u0041`).
        let longest = secrets.iter().map(|secret| secret.reveal().len() * 6).max();
        let sure = arrival.body.len().saturating_sub(longest.unwrap_or(0));
        let content_type = arrival.header("content-type");
        let torn = &arrival.body[..sure];
        let kept = Self::new(&secrets, endpoint, Some(arrival.status), content_type, torn);
        Self { bytes: arrival.body.len() as u64, ..kept }
    }

    fn new(
        secrets: &[Secret],
        endpoint: &str,
        status: Option<u16>,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Self {
        let clean = |bytes: &[u8]| erased(secrets, bytes, MOST_BYTES);
        let content_type = content_type.map(|text| clean(text.as_bytes()));
        Self {
            endpoint: endpoint.to_owned(),
            status,
            content_type: content_type.map(|text| sanitized(&String::from_utf8_lossy(&text))),
            body: whole_characters(clean(body)),
            bytes: body.len() as u64,
        }
    }
}

/// Text that was cut within its last character, without that; anything else as it is.
fn whole_characters(mut bytes: Vec<u8>) -> Vec<u8> {
    if let Err(error) = std::str::from_utf8(&bytes)
        && error.error_len().is_none()
    {
        bytes.truncate(error.valid_up_to());
    }
    bytes
}
