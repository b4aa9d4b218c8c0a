//! How carefully a provider is asked: what its use comes to, and how that decays by itself.
//!
//! # Shape
//!
//! A [`Strategy`] is what holds at an instant; a [`Course`] is the strategy of one provider from now
//! on, if nothing more is called: three instants. Whoever asks works a course out of the use of the
//! provider's windows and budgets ([`Use`]) and writes it down; whoever reads judges by it and never
//! looks at the calls. So a provider that nobody asks any more comes back to normal in time without
//! anybody writing.
//!
//! # Rules for changing it
//!
//! Courses stand in the database and are read by other versions: the three instants mean the same
//! for ever. Everything here is real time, as the limits are, whatever `MCACHE_NOW` says.

use std::time::Duration;

use super::event::{moved, successive};
use super::ttl::scaled;
use crate::entry::Entry;
use crate::time::Timestamp;
use crate::units::Share;

/// How much an instant may move before it is worth writing: no reader would notice less.
const NOTICEABLE: Duration = Duration::from_secs(1);

/// How carefully a provider is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strategy {
    /// Its market moves: what it gave is soon asked for again.
    Aggressive,
    /// As the rules say.
    Normal,
    /// Much of what it allows is used: what it gave lasts longer.
    Conservative,
    /// Nearly all is used.
    Minimal,
}

impl Strategy {
    /// Every strategy.
    pub const ALL: [Self; 4] = [Self::Aggressive, Self::Normal, Self::Conservative, Self::Minimal];

    /// The name in configuration and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aggressive => "aggressive",
            Self::Normal => "normal",
            Self::Conservative => "conservative",
            Self::Minimal => "minimal",
        }
    }

    /// The strategy of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.as_str() == name)
    }
}

/// What makes a strategy, and what it makes of a time to live. The default is the contract's.
#[derive(Clone, Debug, PartialEq)]
pub struct Strategies {
    /// Above this use a provider is minimal: 90 %.
    pub minimal_above: Share,
    /// Above this use it is conservative: 80 %.
    pub conservative_above: Share,
    /// Below this use it is no longer conservative: 40 %.
    pub normal_below: Share,
    /// By what times to live are multiplied while it is aggressive: 0.5.
    pub aggressive_factor: f64,
    /// While it is conservative: 2.
    pub conservative_factor: f64,
    /// While it is minimal: 4.
    pub minimal_factor: f64,
    /// A price that moves by more than this makes it aggressive: 2 %.
    pub price_move: Share,
    /// For so long: 5 minutes.
    pub aggressive_for: Duration,
    /// The providers whose strategy the configuration says, whatever their use.
    pub pinned: Vec<(Box<str>, Strategy)>,
}

impl Default for Strategies {
    fn default() -> Self {
        Self {
            minimal_above: Share(0.9),
            conservative_above: Share(0.8),
            normal_below: Share(0.4),
            aggressive_factor: 0.5,
            conservative_factor: 2.0,
            minimal_factor: 4.0,
            price_move: Share(0.02),
            aggressive_for: Duration::from_mins(5),
            pinned: Vec::new(),
        }
    }
}

impl Strategies {
    /// The strategy of a provider whose course this is; `now` is real time.
    pub fn of(&self, provider: &str, course: Course, now: Timestamp) -> Strategy {
        self.pinned
            .iter()
            .find(|(name, _)| **name == *provider)
            .map_or_else(|| course.at(now), |(_, pinned)| *pinned)
    }

    /// A time to live under a strategy, in whole milliseconds.
    pub fn scaled(&self, ttl: Duration, strategy: Strategy) -> Duration {
        let factor = match strategy {
            Strategy::Normal => return ttl,
            Strategy::Aggressive => self.aggressive_factor,
            Strategy::Conservative => self.conservative_factor,
            Strategy::Minimal => self.minimal_factor,
        };
        scaled(ttl, factor)
    }

    /// Whether an entry differs from the one that it replaces by so much that its provider becomes
    /// aggressive: two quotes of one key and one provider, of which the later costs more or less by
    /// more than `price_move`.
    pub fn is_volatile(&self, held: &Entry, new: &Entry) -> bool {
        successive(held, new).is_some_and(|(before, after)| {
            moved(before.price.as_f64(), after.price.as_f64(), self.price_move)
        })
    }
}

/// What is used of one window or budget of a provider, and how that falls if nothing more is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// What it allows, by weight; zero counts as one.
    pub allowed: u64,
    /// The calls that are counted in it, in any order: when each is no longer, and its weight. A
    /// budget is a single call of what was spent, until it begins anew.
    pub calls: Vec<(Timestamp, u64)>,
}

impl Use {
    fn share(&self, used: u64) -> Share {
        Share::of(used, self.allowed.max(1))
    }

    /// What is used of it at this instant, the past and the future known so far.
    pub fn at(&self, now: Timestamp) -> Share {
        let counted = self.calls.iter().filter(|(until, _)| *until > now);
        self.share(counted.fold(0, |sum, (_, weight)| sum.saturating_add(*weight)))
    }

    /// The first instant, from `now` on, at which so little is used of it; the last of its calls'
    /// ends if that is never little enough.
    fn falls(&self, now: Timestamp, is_little: impl Fn(Share) -> bool) -> Timestamp {
        let mut calls: Vec<_> =
            self.calls.iter().filter(|(until, _)| *until > now).copied().collect();
        calls.sort_unstable();
        let mut used = calls.iter().fold(0_u64, |sum, (_, weight)| sum.saturating_add(*weight));
        let mut at = now;
        for (until, weight) in calls {
            if is_little(self.share(used)) {
                break;
            }
            used -= weight.min(used);
            at = until;
        }
        at
    }
}

/// The strategy of a provider from now on: each of the three holds before its instant, the
/// strongest first: minimal, conservative, aggressive; then normal. The default is normal for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Course {
    /// Minimal before this instant of real time.
    pub minimal_until: Timestamp,
    /// Conservative before this one, unless minimal.
    pub conservative_until: Timestamp,
    /// Aggressive before this one, unless conservative or minimal.
    pub aggressive_until: Timestamp,
}

impl Default for Course {
    fn default() -> Self {
        let past = Timestamp::from_ms(0);
        Self { minimal_until: past, conservative_until: past, aggressive_until: past }
    }
}

impl Course {
    /// What holds at this instant.
    pub fn at(self, now: Timestamp) -> Strategy {
        if now < self.minimal_until {
            Strategy::Minimal
        } else if now < self.conservative_until {
            Strategy::Conservative
        } else if now < self.aggressive_until {
            Strategy::Aggressive
        } else {
            Strategy::Normal
        }
    }

    /// The course of a provider of whose windows and budgets so much is used now; the fullest of
    /// them counts.
    ///
    /// Minimal lasts until nothing is used by more than `minimal_above`; then it is conservative, as
    /// it is above `conservative_above`, and stays so until everything is used by less than
    /// `normal_below`. Between the two it depends on where it comes from, and that is what `self`
    /// says: nothing else of it is left, so what was once reckoned too high does not stay. How long
    /// it is aggressive is not a matter of use, only never longer than the rules now say.
    #[must_use]
    pub fn after(self, uses: &[Use], by: &Strategies, now: Timestamp) -> Self {
        let all = |is_little: &dyn Fn(Share) -> bool| {
            uses.iter().map(|used| used.falls(now, is_little)).max().unwrap_or(now)
        };
        let fullest = uses.iter().map(|used| used.at(now).0).fold(0.0, f64::max);
        let is_tight = fullest > by.conservative_above.0 || fullest > by.minimal_above.0;
        let was_tight = now < self.conservative_until.max(self.minimal_until);
        Self {
            minimal_until: all(&|share| share <= by.minimal_above),
            conservative_until: if is_tight || was_tight {
                all(&|share| share < by.normal_below)
            } else {
                now
            },
            aggressive_until: self.aggressive_until.min(now + by.aggressive_for),
        }
    }

    /// The same course of a provider whose market moves: aggressive from now on for so long, where
    /// it is neither conservative nor minimal.
    #[must_use]
    pub fn volatile(self, now: Timestamp, lasts: Duration) -> Self {
        Self { aggressive_until: self.aggressive_until.max(now + lasts), ..self }
    }

    /// Whether it differs from another from now on, by more than a reader would notice.
    pub fn differs_from(self, other: Self, now: Timestamp) -> bool {
        let instants = |course: Self| {
            [course.minimal_until, course.conservative_until, course.aggressive_until]
        };
        instants(self).into_iter().zip(instants(other)).any(|(mine, theirs)| {
            let (mine, theirs) = (mine.max(now), theirs.max(now));
            mine.since(theirs).max(theirs.since(mine)) > NOTICEABLE
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;
    use crate::entry::Format;
    use crate::key::Key;

    fn ms(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    /// A window of ten calls of which each of these ends at so many milliseconds.
    fn window(ends: &[i64]) -> Use {
        Use { allowed: 10, calls: ends.iter().map(|end| (ms(*end), 1)).collect() }
    }

    fn course(minimal: i64, conservative: i64, aggressive: i64) -> Course {
        Course {
            minimal_until: ms(minimal),
            conservative_until: ms(conservative),
            aggressive_until: ms(aggressive),
        }
    }

    #[test]
    fn the_use_of_a_provider_sets_its_course() {
        use Strategy::{Aggressive, Conservative, Minimal, Normal};
        let fresh = Course::default();
        let careful = course(0, 1000, 0);
        // Nine calls that end at 10, 20, … 90, and what was said of them at 0.
        let nine: Vec<i64> = (1..=9).map(|n| n * 10).collect();
        let ten: Vec<i64> = (1..=10).map(|n| n * 10).collect();
        for (case, before, uses, expected) in [
            ("nothing is known", fresh, vec![], vec![(0, Normal)]),
            ("80 % is not above 80 %", fresh, vec![window(&nine[..8])], vec![(0, Normal)]),
            (
                "90 % is above 80 %, and stays until below 40 %: three of ten",
                fresh,
                vec![window(&nine)],
                vec![(0, Conservative), (59, Conservative), (60, Normal)],
            ),
            (
                "100 % is minimal until it is 90 %",
                fresh,
                vec![window(&ten)],
                vec![(9, Minimal), (10, Conservative), (69, Conservative), (70, Normal)],
            ),
            (
                "60 % goes on as conservative",
                careful,
                vec![window(&nine[..6])],
                vec![(0, Conservative), (29, Conservative), (30, Normal)],
            ),
            ("60 % goes on as normal", fresh, vec![window(&nine[..6])], vec![(0, Normal)]),
            ("40 % is not below 40 %", careful, vec![window(&[50; 4])], vec![(49, Conservative)]),
            ("30 % ends it at once", careful, vec![window(&nine[..3])], vec![(0, Normal)]),
            ("nothing used ends it at once", careful, vec![], vec![(0, Normal)]),
            (
                "minimal before, 60 % now: conservative, as it would have come to be",
                course(1000, 0, 0),
                vec![window(&nine[..6])],
                vec![(0, Conservative), (30, Normal)],
            ),
            (
                "the fullest counts, at each instant",
                fresh,
                vec![window(&[5; 10]), window(&[500; 5]), Use { allowed: 0, calls: vec![] }],
                vec![(4, Minimal), (5, Conservative), (499, Conservative), (500, Normal)],
            ),
            (
                "a budget is one call of what was spent",
                fresh,
                vec![Use { allowed: 500, calls: vec![(ms(700), 460)] }],
                vec![(699, Minimal), (700, Normal)],
            ),
            (
                "conservative is stronger than aggressive, and what is left of that comes after",
                course(0, 0, 100),
                vec![window(&nine)],
                vec![(0, Conservative), (60, Aggressive), (99, Aggressive), (100, Normal)],
            ),
        ] {
            let after = before.after(&uses, &Strategies::default(), ms(0));
            for (at, strategy) in expected {
                assert_eq!(after.at(ms(at)), strategy, "{case}: at {at}");
            }
        }
    }

    #[test]
    fn a_window_that_grows_again_extends_what_it_began() {
        let by = Strategies::default();
        let begun = Course::default().after(&[window(&[100; 9])], &by, ms(0));
        assert_eq!(begun.at(ms(99)), Strategy::Conservative);
        let grown = begun.after(&[window(&[100, 100, 100, 100, 160])], &by, ms(60));
        assert_eq!(grown.conservative_until, ms(100), "one of ten is left then");
        let grown = begun.after(&[window(&[100, 160, 160, 160, 160])], &by, ms(60));
        assert_eq!(grown.conservative_until, ms(160));
    }

    #[test]
    fn volatility_makes_aggressive_for_a_while_and_never_longer_than_the_rules_say() {
        let volatile = Course::default().volatile(ms(1000), Duration::from_mins(5));
        assert_eq!(volatile.at(ms(300_999)), Strategy::Aggressive);
        assert_eq!(volatile.at(ms(301_000)), Strategy::Normal);
        assert_eq!(volatile.volatile(ms(1000), Duration::from_secs(1)), volatile);
        let by = Strategies { aggressive_for: Duration::from_secs(1), ..Strategies::default() };
        assert_eq!(volatile.after(&[], &by, ms(2000)).aggressive_until, ms(3000));
    }

    #[test]
    fn what_nobody_would_notice_is_no_difference() {
        let held = course(0, 10_000, 0);
        for (case, other, differs) in [
            ("the same", held, false),
            ("a second later", course(0, 11_000, 0), false),
            ("more than a second later", course(0, 11_001, 0), true),
            ("more than a second earlier", course(0, 8999, 0), true),
            ("a past that was another", course(4000, 10_000, 2000), false),
            ("aggressive", course(0, 10_000, 6001), true),
            ("minimal", course(6001, 10_000, 0), true),
        ] {
            assert_eq!(other.differs_from(held, ms(5000)), differs, "{case}");
            assert_eq!(held.differs_from(other, ms(5000)), differs, "{case}, the other way");
        }
    }

    #[test]
    fn a_pinned_strategy_is_stronger_than_every_course() {
        let pinned = vec![("yahoo".into(), Strategy::Aggressive)];
        let by = Strategies { pinned, ..Strategies::default() };
        let careful = course(1000, 1000, 0);
        assert_eq!(by.of("yahoo", careful, ms(0)), Strategy::Aggressive);
        assert_eq!(by.of("fred", careful, ms(0)), Strategy::Minimal);
    }

    #[test]
    fn a_ttl_is_scaled_and_never_overflows() {
        let by = Strategies::default();
        for (strategy, seconds) in [
            (Strategy::Aggressive, 15),
            (Strategy::Normal, 30),
            (Strategy::Conservative, 60),
            (Strategy::Minimal, 120),
        ] {
            let ttl = Duration::from_secs(30);
            assert_eq!(by.scaled(ttl, strategy).as_secs(), seconds, "{strategy:?}");
            assert_eq!(Strategy::from_name(strategy.as_str()), Some(strategy));
        }
        let longest = Duration::from_millis(u64::MAX);
        assert_eq!(by.scaled(Duration::MAX, Strategy::Minimal), longest);
        let third = Strategies { aggressive_factor: 1.0 / 3.0, ..by };
        let scaled = third.scaled(Duration::from_secs(1), Strategy::Aggressive);
        assert_eq!(scaled, Duration::from_millis(333), "whole milliseconds");
    }

    #[test]
    fn a_price_that_jumps_is_volatile() {
        let quote = |seconds, body: &str| Entry {
            key: Key::from_stored("quote:stock:AAPL"),
            provider: "yahoo".into(),
            fetched_at: Timestamp::from_seconds(seconds),
            own_ttl: None,
            format: Format::Json,
            body: body.as_bytes().into(),
        };
        let held = quote(0, r#"{"symbol":"AAPL","price":100.00}"#);
        let by = Strategies::default();
        for (price, volatile) in
            [("102", false), ("102.01", true), ("98", false), ("97.99", true), ("100", false)]
        {
            let new = quote(1, &format!(r#"{{"price":{price},"volume":5}}"#));
            assert_eq!(by.is_volatile(&held, &new), volatile, "{price}");
        }
        let new = quote(1, r#"{"price":200}"#);
        assert!(by.is_volatile(&held, &new));
        assert!(by.is_volatile(&new, &held), "whichever clock is behind");
        for (case, held, new) in [
            ("no price", held.clone(), quote(1, r#"{"price":null}"#)),
            ("not an object", quote(0, "[]"), new.clone()),
            ("a price of zero", quote(0, r#"{"price":0}"#), new.clone()),
            ("of another", Entry { provider: "demo".into(), ..held.clone() }, new.clone()),
            ("unknown upstream", Entry { format: Format::NotFound, ..held.clone() }, new.clone()),
            (
                "a series",
                Entry { key: Key::from_stored("series:macro:GDP"), ..held.clone() },
                Entry { key: Key::from_stored("series:macro:GDP"), ..new.clone() },
            ),
            (
                "a user's own",
                Entry { provider: crate::key::PUT.into(), ..held.clone() },
                Entry { provider: crate::key::PUT.into(), ..new.clone() },
            ),
        ] {
            assert!(!by.is_volatile(&held, &new), "{case}");
        }
    }

    /// The contract's chain, taken at one instant; `at_ease` is what holds as far as use goes.
    fn chain(was: Strategy, share: f64, at_ease: Strategy) -> Strategy {
        if share > 0.9 {
            Strategy::Minimal
        } else if share > 0.8 {
            Strategy::Conservative
        } else if share < 0.4 {
            at_ease
        } else if was >= Strategy::Conservative {
            Strategy::Conservative
        } else {
            at_ease
        }
    }

    fn share_at(uses: &[Use], now: i64) -> f64 {
        uses.iter().map(|used| used.at(ms(now)).0).fold(0.0, f64::max)
    }

    proptest! {
        /// Calls come in bursts; after each a course is worked out, which must say for every instant
        /// until the next what the chain, taken at every instant, comes to.
        #[test]
        fn a_course_says_what_the_chain_of_the_contract_comes_to_at_every_instant(
            allowed in proptest::collection::vec(1_u64..12, 1..4),
            bursts in proptest::collection::vec(
                (1_i64..40, proptest::collection::vec((0_usize..3, 1_i64..60, 1_u64..4), 0..12), any::<bool>()),
                1..8,
            ),
        ) {
            let by = Strategies { aggressive_for: Duration::from_millis(25), ..Strategies::default() };
            let mut uses: Vec<Use> =
                allowed.iter().map(|allowed| Use { allowed: *allowed, calls: vec![] }).collect();
            let mut course = Course::default();
            let (mut now, mut moving_until, mut was) = (0, 0, Strategy::Normal);
            for (pause, calls, moves) in bursts {
                for (which, lasts, weight) in calls {
                    let which = which % uses.len();
                    uses[which].calls.push((ms(now + lasts), weight));
                }
                course = course.after(&uses, &by, ms(now));
                if moves {
                    course = course.volatile(ms(now), by.aggressive_for);
                    moving_until = now + 25;
                }
                // The last instant comes twice: before the next burst, and after it.
                for at in now..=now + pause {
                    let at_ease =
                        if at < moving_until { Strategy::Aggressive } else { Strategy::Normal };
                    was = chain(was, share_at(&uses, at), at_ease);
                    prop_assert_eq!(course.at(ms(at)), was, "at {}: {:?} {:?}", at, course, uses);
                }
                now += pause;
            }
        }
    }
}
