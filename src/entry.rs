//! A value with what must be known to judge it, and the states it goes through.
//!
//! An entry knows when it was fetched and nothing of when it expires: that is worked out when it
//! is read, by [`policy`](crate::policy), from the rules then in force.

use std::time::Duration;

use crate::key::{Key, PUT};
use crate::time::Timestamp;

/// What the bytes of an entry are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON value; of a provider, always one object.
    Json,
    /// UTF-8 text.
    Text,
    /// Anything else.
    Binary,
    /// Nothing: upstream says that there is no such thing; the bytes are its sentence.
    NotFound,
}

impl Format {
    /// What bytes from outside are: JSON if they parse, else text, else binary.
    pub fn of(bytes: &[u8]) -> Self {
        if serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok() {
            Self::Json
        } else if std::str::from_utf8(bytes).is_ok() {
            Self::Text
        } else {
            Self::Binary
        }
    }
}

/// A value with its metadata. Its age travels with it: no tier ever re-stamps `fetched_at`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub key: Key,
    /// Who gave it; `put` for what a user wrote.
    pub provider: Box<str>,
    /// When it came.
    pub fetched_at: Timestamp,
    /// The time to live that `put` was given; what came from upstream lives by rule.
    pub own_ttl: Option<Duration>,
    /// What `body` is.
    pub format: Format,
    /// The value, byte for byte what is answered.
    pub body: Box<[u8]>,
}

impl Entry {
    /// Whether a user wrote it.
    pub fn is_put(&self) -> bool {
        &*self.provider == PUT
    }

    /// How old it is; zero for one that seems to come from later.
    pub fn age(&self, now: Timestamp) -> Duration {
        now.since(self.fetched_at)
    }
}

/// How far an entry has come, in this order and never back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// It answers.
    Fresh,
    /// It answers when upstream cannot, and offline.
    Stale,
    /// It does not answer, and may be swept.
    Gone,
}

impl State {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Stale => "stale",
            Self::Gone => "gone",
        }
    }
}

/// What makes an entry go stale when it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Its time to live is over.
    Ttl,
    /// Its market opens or closes: nothing new can come before.
    Market,
    /// The same, by hours that are guessed since nobody knows them yet, or any more.
    Guess,
    /// Whoever reads it wants no older one.
    Reader,
    /// Something has happened since.
    Event,
    /// Nothing does: it does not change any more.
    Final,
}

/// How long an entry lives: what the rules in force make of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// How long it is fresh.
    pub ttl: Duration,
    /// When it was fetched.
    pub fetched_at: Timestamp,
    /// When it goes stale.
    pub expires_at: Timestamp,
    /// What makes it so.
    pub until: Until,
    /// Until when it may answer in place of a failed upstream.
    pub error_until: Timestamp,
    /// When it is gone.
    pub gone_at: Timestamp,
}

/// How much later than now an entry may seem to be: clocks are slewed by less, and two programs
/// that are started at the same `MCACHE_NOW` one after the other differ by what they take.
pub(crate) const CLOCK_SLACK: Duration = Duration::from_secs(1);

impl Life {
    /// The state at this instant. An entry from later than now is stale: the clock was wrong then
    /// or is wrong now, and upstream knows better. One that has no time to live never is fresh, also
    /// while it seems to come from a moment later.
    pub fn state(&self, now: Timestamp) -> State {
        if now >= self.gone_at {
            State::Gone
        } else if now >= self.expires_at
            || self.ttl.is_zero()
            || self.fetched_at > now + CLOCK_SLACK
        {
            State::Stale
        } else {
            State::Fresh
        }
    }
}
