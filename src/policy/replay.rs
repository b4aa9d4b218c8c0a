//! What a cache would have made of the reads that were recorded, under rules of one's choice.
//!
//! The cache begins empty, and everything else is assumed: a read that finds nothing fresh is one
//! call, which succeeds at that very instant; every read wants what the rules want, whatever its own
//! flags said; a provider's strategy is normal, unless it is pinned; and nothing is known of a value
//! but its name, so nothing is learned of how often it changes.

use std::time::Duration;

use super::known::{Known, Reader};
use super::life::Rules;
use crate::entry::{Entry, Format, Life, State};
use crate::key::Key;
use crate::time::Timestamp;

/// The reads of one entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Its key.
    pub key: Key,
    /// Its provider.
    pub provider: Box<str>,
    /// When it was read, in order.
    pub at: Vec<Timestamp>,
}

/// What reads come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The calls that they cost.
    pub calls: u64,
    /// How old each answer was; a call's is not old at all.
    ages: Vec<Duration>,
}

impl Rules {
    /// What would have come of these reads under these rules.
    pub fn replay(&self, reads: &Reads) -> Replayed {
        let mut replayed = Replayed { calls: 0, ages: Vec::with_capacity(reads.at.len()) };
        let mut entry = Entry {
            key: reads.key.clone(),
            provider: reads.provider.clone(),
            fetched_at: Timestamp::NEVER,
            own_ttl: None,
            format: Format::Json,
            body: Box::default(),
        };
        let mut held: Option<Life> = None;
        for at in &reads.at {
            if held.is_none_or(|life| life.state(*at) != State::Fresh) {
                entry.fetched_at = *at;
                held = Some(self.life(&entry, &Known::default(), Reader::at(*at)));
                replayed.calls += 1;
            }
            replayed.ages.push(at.since(entry.fetched_at));
        }
        replayed
    }
}

impl Replayed {
    /// How many reads there were.
    pub fn reads(&self) -> u64 {
        self.ages.len() as u64
    }

    /// All ages together.
    pub fn age_total(&self) -> Duration {
        self.ages.iter().sum()
    }

    /// How old an answer was on the average; zero without any.
    pub fn age_mean(&self) -> Duration {
        let reads = u32::try_from(self.ages.len()).unwrap_or(u32::MAX);
        self.age_total().checked_div(reads).unwrap_or_default()
    }

    /// How old at most so many of a hundred answers were, by nearest rank; zero without any.
    pub fn age_percentile(&self, percent: usize) -> Duration {
        let mut ages = self.ages.clone();
        let rank = (ages.len() * percent).div_ceil(100).clamp(1, ages.len().max(1)) - 1;
        if ages.is_empty() { Duration::ZERO } else { *ages.select_nth_unstable(rank).1 }
    }

    /// Adds what other reads come to.
    pub fn add(&mut self, other: &Self) {
        self.calls += other.calls;
        self.ages.extend_from_slice(&other.ages);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;
    use crate::policy::hours::Hours;
    use crate::policy::{Lasting, Scope, Subjects, TtlRule};

    /// Quotes last so long, in the hours of their exchange.
    fn rules(ttl_ms: u64) -> Rules {
        let rule = TtlRule {
            data_type: "quote".into(),
            scope: Scope::Any,
            lasting: Lasting::exactly(Duration::from_millis(ttl_ms)),
            after_hours: None,
            named: "ttl.quote".into(),
        };
        Rules { ttl: vec![rule], hours: Some(Hours::default()), ..Rules::default() }
    }

    fn reads(key: &str, at: impl IntoIterator<Item = Timestamp>) -> Reads {
        Reads { key: Key::from_stored(key), provider: "demo".into(), at: at.into_iter().collect() }
    }

    /// Reads at so many seconds after an instant.
    fn after(start: &str, seconds: &[u64]) -> Vec<Timestamp> {
        let start = Timestamp::parse(start).unwrap();
        seconds.iter().map(|seconds| start + Duration::from_secs(*seconds)).collect()
    }

    #[test]
    fn reads_come_to_what_can_be_counted_by_hand() {
        // A Wednesday in New York's session; a Friday whose session ends at 20:00; a Saturday.
        let (open, close, closed) =
            ("2026-07-01T15:00:00Z", "2026-06-26T19:59:30Z", "2026-06-27T12:00:00Z");
        let week_end = &[0, 3600, 86_400, 160_000];
        for (case, key, start, ttl, seconds, calls, ages, p50, p99) in [
            ("nothing", "quote:stock:AAPL", open, 30, &[][..], 0, 0, 0, 0),
            ("one read is one call", "quote:stock:AAPL", open, 30, &[0], 1, 0, 0, 0),
            // Calls at 0, 30 and 65; ages 0, 10, 29, 0, 5, 0.
            ("30 s", "quote:stock:AAPL", open, 30, &[0, 10, 29, 30, 35, 65], 3, 44, 0, 29),
            // Calls at 0 and 65; ages 0, 10, 29, 30, 35, 0.
            ("60 s", "quote:stock:AAPL", open, 60, &[0, 10, 29, 30, 35, 65], 2, 104, 10, 35),
            ("nothing is cached", "quote:stock:AAPL", open, 0, &[0, 0, 1], 3, 0, 0, 0),
            // The close ends the first after 30 s; the second lasts until Monday.
            ("a close", "quote:stock:AAPL", close, 60, &[0, 29, 30, 90, 3600], 2, 3659, 29, 3570),
            ("a week-end", "quote:stock:AAPL", closed, 30, week_end, 1, 250_000, 3600, 160_000),
            ("no week-end for a coin", "quote:crypto:BTC", closed, 30, week_end, 4, 0, 0, 0),
        ] {
            let replayed = rules(ttl * 1000).replay(&reads(key, after(start, seconds)));
            let seconds_of = |age: Duration| age.as_secs();
            assert_eq!(replayed.reads(), seconds.len() as u64, "{case}");
            assert_eq!(replayed.calls, calls, "{case}");
            assert_eq!(seconds_of(replayed.age_total()), ages, "{case}");
            let percentiles = [50, 99].map(|percent| seconds_of(replayed.age_percentile(percent)));
            assert_eq!(percentiles, [p50, p99], "{case}");
        }
    }

    #[test]
    fn a_provider_whose_strategy_is_pinned_is_replayed_so() {
        use crate::policy::Strategy;
        let of = reads("quote:stock:AAPL", after("2026-07-01T15:00:00Z", &[0, 30, 60, 90]));
        let mut rules = rules(30_000);
        assert_eq!(rules.replay(&of).calls, 4);
        rules.strategies.pinned = vec![("demo".into(), Strategy::Conservative)];
        assert_eq!(rules.replay(&of).calls, 2);
    }

    #[test]
    fn a_watched_symbol_is_replayed_as_it_is_read() {
        let mut rules = rules(30_000);
        rules.use_cases.watched = Subjects::new(["stock:AAPL".into()]);
        rules.use_cases.demands[crate::policy::UseCase::Watchlist as usize].lasting =
            Some(Lasting::exactly(Duration::from_mins(2)));
        let at = after("2026-07-01T15:00:00Z", &[0, 60, 119, 120]);
        assert_eq!(rules.replay(&reads("quote:stock:AAPL", at.clone())).calls, 2);
        assert_eq!(rules.replay(&reads("quote:stock:IBM", at)).calls, 3);
    }

    proptest! {
        /// Against a cache that never stops asking what it holds.
        #[test]
        fn a_replay_is_what_reading_one_after_the_other_comes_to(
            ttl_ms in 0_u64..400_000,
            steps in proptest::collection::vec(0_u64..500_000, 0..60),
            crypto: bool,
        ) {
            let key = if crypto { "quote:crypto:BTC" } else { "quote:stock:AAPL" };
            let rules = rules(ttl_ms);
            let mut now = Timestamp::parse("2026-07-01T19:30:00Z").unwrap();
            let mut at = Vec::new();
            for step in steps {
                now = now + Duration::from_millis(step);
                at.push(now);
            }
            let (mut calls, mut ages) = (0, Vec::new());
            let mut last: Option<Entry> = None;
            for now in &at {
                let is_fresh = |entry: &Entry| {
                    let life = rules.life(entry, &Known::default(), Reader::at(*now));
                    *now < life.expires_at
                };
                if !last.as_ref().is_some_and(is_fresh) {
                    calls += 1;
                    last = Some(Entry {
                        key: Key::from_stored(key),
                        provider: "demo".into(),
                        fetched_at: *now,
                        own_ttl: None,
                        format: Format::Json,
                        body: Box::from(*b"{}"),
                    });
                }
                ages.push(now.since(last.as_ref().unwrap().fetched_at));
            }
            let replayed = rules.replay(&reads(key, at));
            prop_assert_eq!(&replayed, &Replayed { calls, ages: ages.clone() });
            ages.sort();
            for percent in [1, 50, 99, 100] {
                let age = replayed.age_percentile(percent);
                let at_most = ages.iter().filter(|other| **other <= age).count();
                prop_assert!(at_most * 100 >= ages.len() * percent);
            }
        }

        #[test]
        fn who_lets_quotes_last_longer_never_calls_more(
            ttl_ms in 1_u64..200_000,
            steps in proptest::collection::vec(0_u64..300_000, 1..60),
        ) {
            let mut now = Timestamp::parse("2026-07-01T14:00:00Z").unwrap();
            let at = steps.into_iter().map(|step| {
                now = now + Duration::from_millis(step);
                now
            });
            let of = reads("quote:crypto:BTC", at);
            prop_assert!(rules(ttl_ms * 2).replay(&of).calls <= rules(ttl_ms).replay(&of).calls);
        }
    }
}
