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
    /// When it is read, by the reader's clock, where somebody judges it for an answer or a list.
    pub read_at: Option<Timestamp>,
}

impl Known {
    /// The event that has expired this entry, if one has, at an instant that has come for the reader:
    /// whoever reads of it reads later, whatever the clocks of the two say.
    pub fn expired(&self, entry: &Entry) -> Option<Expired> {
        let expired = self.expired.as_ref().filter(|e| e.holds_for(entry.fetched_at))?;
        let come = self.read_at.map_or(expired.at, |now| now.max(entry.fetched_at));
        Some(Expired { at: expired.at.min(come), why: expired.why.clone() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Format;
    use crate::key::Key;
    use crate::policy::Cause;

    #[test]
    fn what_has_happened_has_happened_for_whoever_reads_of_it() {
        let at = Timestamp::from_seconds;
        for (case, fetched, happened, read, expected) in [
            ("in order", 1, 2, Some(3), Some(2)),
            ("read by a clock behind", 1, 5, Some(3), Some(3)),
            ("and fetched by one ahead of that", 4, 5, Some(3), Some(4)),
            ("judged for nobody", 1, 5, None, Some(5)),
            ("fetched since", 3, 2, Some(1), None),
        ] {
            let entry = Entry {
                key: Key::from_stored("k"),
                provider: "yahoo".into(),
                fetched_at: at(fetched),
                own_ttl: None,
                format: Format::Json,
                body: Box::default(),
            };
            let expired = Some(Expired { at: at(happened), why: Cause::RULE });
            let known = Known { expired, read_at: read.map(at), ..Known::default() };
            assert_eq!(known.expired(&entry).map(|e| e.at), expected.map(at), "{case}");
        }
    }
}
