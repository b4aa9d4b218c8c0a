//! What an entry is judged by beside its value and the rules: what is known of it, and who reads.
//!
//! Whatever stands here is read in the one statement that finds the entry, so it is small, and an
//! entry of which nothing is known has the default.

use std::time::Duration;

use super::adaptive::Looks;
use super::event::Expired;
use super::market::Market;
use super::strategy::Course;
use super::use_case::UseCase;
use crate::entry::Entry;
use crate::time::Timestamp;

/// What is known of an entry when it is read, beside its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The course of its provider: it decays by itself.
    pub course: Course,
    /// The number of the definition of its endpoint that it came under; 0 is the default one.
    pub definition: u64,
    /// The market of its symbol.
    pub market: Market,
    /// That an event has expired it, or one of the same name before it.
    pub expired: Option<Expired>,
    /// How often its value was seen to change: known to who learns, and to nobody else.
    pub pace: Looks,
}

impl Known {
    /// The event that has expired this entry, if one has.
    pub fn expired(&self, entry: &Entry) -> Option<&Expired> {
        self.expired.as_ref().filter(|expired| expired.holds_for(entry.fetched_at))
    }
}

/// Who reads, when, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader {
    /// When, by real time: strategies go by it.
    pub real_now: Timestamp,
    /// What for, if they have said so.
    pub use_case: Option<UseCase>,
    /// No answer older than this is fresh to them.
    pub max_age: Option<Duration>,
    /// Nor is one by rule that is older than this, unless nothing new can have come since.
    pub every: Option<Duration>,
}

impl Reader {
    /// One who asks for nothing in particular.
    pub fn at(real_now: Timestamp) -> Self {
        Self { real_now, use_case: None, max_age: None, every: None }
    }

    /// The same, to whom everything is too old that is older than a schedule says.
    #[must_use]
    pub fn every_time(self) -> Self {
        let max_age = [self.max_age, self.every].into_iter().flatten().min();
        Self { max_age, ..self }
    }
}
