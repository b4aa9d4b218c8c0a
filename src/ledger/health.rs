//! What keeps a whole provider from being asked: a pause that it asked for, a breaker that opened;
//! and what keeps a key from being asked: that its last request failed a moment ago.
//!
//! Pure: states and the events that change them. All constants are the contract's (section 4 and
//! 6). A *pause* is obeyed whatever is asked; a *breaker* is our own judgement: five failed requests
//! in a row open it for ten seconds, then one request at a time may try (half-open); the first that
//! succeeds closes it. To be kept out because somebody tries is another thing than to be kept out
//! because somebody has failed: what comes of the first is soon known, so it may be waited for.

use std::time::Duration;

use crate::error::Kind;
use crate::time::Timestamp;

/// The pause after a refusal that names no time; it doubles with each refusal that follows.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that is kept without upstream naming a time.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// How many failed requests in a row open the breaker.
const FAILURES: u32 = 5;

/// How long it stays open, and how long a probe keeps others from trying: one that was killed frees
/// them no later than this.
const OPEN: Duration = Duration::from_secs(10);

/// How long a key cools down after its first failure; it doubles with each that follows.
const FIRST_COOLING: Duration = Duration::from_secs(1);

/// The longest that a key cools down. One that was not asked for this long begins anew.
pub(super) const LONGEST_COOLING: Duration = Duration::from_secs(30);

/// Who asked for a pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PausedBy {
    /// Upstream, with this status of HTTP.
    Upstream(u16),
    /// A user, with `mcache limits --pause`.
    User,
}

/// A time in which a provider is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When it was begun.
    pub since: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// Who asked for it.
    pub by: PausedBy,
}

/// What is known of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The pause that ends last; it may have ended.
    pub pause: Option<Pause>,
    /// Refusals without a time since the last call that was not refused.
    pub refusals: u32,
    /// Failed requests since the last one that did not fail.
    pub failures: u32,
    /// When the breaker, if enough have failed, may be tried again.
    pub open_until: Option<Timestamp>,
    /// Until when the one who tries keeps others from it.
    pub probed_until: Option<Timestamp>,
    /// How the last request failed.
    pub failed_as: Option<(Kind, String)>,
}

/// What keeps a provider from being asked now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// A pause.
    Paused(Pause),
    /// The breaker, which may be tried at this instant.
    Open(Timestamp),
    /// The breaker, while somebody tries it; whoever dies over that keeps others out until this
    /// instant.
    Tried(Timestamp),
}

impl Health {
    /// What keeps it from being asked at `now`, if anything does.
    pub fn hindrance(&self, now: Timestamp) -> Option<Hindrance> {
        if let Some(pause) = self.pause.filter(|pause| pause.until > now) {
            return Some(Hindrance::Paused(pause));
        }
        if self.failures < FAILURES {
            return None;
        }
        let is_open = self.open_until.is_some_and(|until| until > now);
        match self.probed_until.filter(|until| *until > now) {
            Some(until) if !is_open => Some(Hindrance::Tried(until)),
            probed => self.open_until.max(probed).filter(|_| is_open).map(Hindrance::Open),
        }
    }

    /// Whether the next call is one that tries whether the provider is well again.
    pub fn is_probing(&self) -> bool {
        self.failures >= FAILURES
    }

    /// Notes that such a call starts.
    pub fn probe(&mut self, now: Timestamp) {
        self.probed_until = Some(now + OPEN);
    }

    /// Notes that a call that never left was none: another may try.
    pub fn give_back_probe(&mut self) {
        self.probed_until = None;
    }

    /// Notes that upstream refused a call that started at `started`, with this status of HTTP.
    ///
    /// `wait` is what upstream asked for; without it the pause is 60 s, doubling to 1 h with each
    /// refusal in a row. Calls that were already under way when the pause began do not double it.
    pub fn refuse(
        &mut self,
        status: u16,
        started: Timestamp,
        now: Timestamp,
        wait: Option<Duration>,
    ) {
        // One who refuses is there; whether one who says when it will be well again has failed is seen
        // once it has been asked again.
        if status < 500 {
            self.failures = 0;
        }
        let under_way = self.pause.is_some_and(|pause| started <= pause.since);
        let wait = match wait {
            Some(wait) => wait,
            None if under_way => return,
            None => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << self.refusals.min(16));
                self.refusals += 1;
                doubled.min(LONGEST_PAUSE)
            }
        };
        self.extend(Pause { since: now, until: now + wait, by: PausedBy::Upstream(status) });
    }

    /// Pauses by hand: the last word of a user holds, but never shortens what upstream asked for.
    pub fn pause(&mut self, now: Timestamp, until: Timestamp) {
        self.pause = self.pause.filter(|pause| pause.by != PausedBy::User);
        self.extend(Pause { since: now, until, by: PausedBy::User });
    }

    fn extend(&mut self, pause: Pause) {
        if self.pause.is_none_or(|known| known.until < pause.until) {
            self.pause = Some(pause);
        }
    }

    /// Notes that upstream answered a call that started at `started` without refusing or failing. One
    /// that was under way when a pause began says nothing of whether that was long enough.
    pub fn accept(&mut self, started: Timestamp) {
        let under_way = self.pause.is_some_and(|pause| started <= pause.since);
        let refusals = if under_way { self.refusals } else { 0 };
        *self = Self { pause: self.pause, refusals, ..Self::default() };
    }

    /// Notes a failed request, retries and all.
    pub fn fail(&mut self, kind: Kind, why: &str, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        self.failed_as = Some((kind, why.to_owned()));
        self.probed_until = None;
        if self.failures >= FAILURES {
            self.open_until = Some(now + OPEN);
        }
    }
}

/// How a key cools down: the `failures` in a row with the newest one, and until when.
pub(super) fn cooling(known: Option<(u32, Timestamp)>, now: Timestamp) -> (u32, Timestamp) {
    let failures = match known {
        Some((failures, until)) if now < until + LONGEST_COOLING => failures.saturating_add(1),
        _ => 1,
    };
    let doubled = FIRST_COOLING.saturating_mul(1 << (failures - 1).min(16));
    (failures, now + doubled.min(LONGEST_COOLING))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn paused_until(health: &Health, now: i64) -> Option<i64> {
        match health.hindrance(at(now)) {
            Some(Hindrance::Paused(pause)) => Some(pause.until.as_ms()),
            _ => None,
        }
    }

    #[test]
    fn a_refusal_pauses_for_a_minute_doubling_to_an_hour() {
        let mut health = Health::default();
        let mut now = 0;
        for minutes in [1, 2, 4, 8, 16, 32, 60, 60] {
            health.refuse(429, at(now), at(now + 1), None);
            assert_eq!(paused_until(&health, now + 1), Some(now + 1 + minutes * 60_000));
            now += 1 + minutes * 60_000;
            assert_eq!(paused_until(&health, now), None);
        }
        health.accept(at(now));
        health.refuse(429, at(now), at(now + 1), None);
        assert_eq!(paused_until(&health, now + 1), Some(now + 60_001), "an answer begins anew");
    }

    #[test]
    fn calls_under_way_when_a_pause_began_do_not_double_it() {
        let mut health = Health::default();
        for now in [10, 20, 30] {
            health.refuse(429, at(0), at(now), None);
        }
        assert_eq!(paused_until(&health, 40), Some(60_010));
        health.refuse(429, at(0), at(50), Some(Duration::from_mins(5)));
        assert_eq!(paused_until(&health, 60), Some(300_050), "a time that is named holds");
        health.refuse(429, at(0), at(70), Some(Duration::from_secs(1)));
        assert_eq!(paused_until(&health, 80), Some(300_050), "and is never shortened");
        let mut health = Health::default();
        health.refuse(429, at(0), at(10), None);
        health.accept(at(5));
        health.refuse(429, at(60_010), at(60_020), None);
        assert_eq!(paused_until(&health, 60_030), Some(180_020), "nor begun anew by their answers");
    }

    #[test]
    fn five_failures_in_a_row_open_the_breaker_and_one_may_try() {
        let mut health = Health::default();
        for n in 0..4 {
            health.fail(Kind::Upstream, "HTTP 500", at(n));
            assert_eq!(health.hindrance(at(n)), None);
        }
        health.accept(at(1_000_000));
        for n in 0..5 {
            assert_eq!(health.hindrance(at(n)), None, "an answer begins anew");
            health.fail(Kind::Upstream, "HTTP 500", at(n));
        }
        assert_eq!(health.hindrance(at(5)), Some(Hindrance::Open(at(10_004))));
        assert_eq!(health.hindrance(at(10_004)), None);
        assert!(health.is_probing());
        health.probe(at(10_004));
        assert_eq!(
            health.hindrance(at(10_005)),
            Some(Hindrance::Tried(at(20_004))),
            "one at a time"
        );
        health.fail(Kind::Upstream, "HTTP 500", at(10_100));
        assert_eq!(health.hindrance(at(10_100)), Some(Hindrance::Open(at(20_100))));
        health.probe(at(20_100));
        assert_eq!(health.hindrance(at(30_099)), Some(Hindrance::Tried(at(30_100))));
        assert_eq!(health.hindrance(at(30_100)), None, "who was killed keeps nobody out for ever");
        // One that was under way when the breaker opened may fail while another tries.
        health.fail(Kind::Upstream, "HTTP 500", at(20_150));
        assert_eq!(health.hindrance(at(20_150)), Some(Hindrance::Open(at(30_150))));
        health.probe(at(30_150));
        health.give_back_probe();
        assert_eq!(health.hindrance(at(30_150)), None, "a call that never left was none");
        health.probe(at(30_150));
        health.accept(at(1_000_000));
        assert_eq!(health.hindrance(at(30_200)), None);
        assert!(!health.is_probing());
    }

    #[test]
    fn who_refuses_is_there() {
        let mut health = Health::default();
        for n in 0..4 {
            health.fail(Kind::Upstream, "HTTP 500", at(n));
        }
        health.refuse(429, at(5), at(6), Some(Duration::ZERO));
        health.fail(Kind::Upstream, "HTTP 500", at(7));
        assert_eq!(health.hindrance(at(8)), None);
        // But not with a 503, which is a failure once it has been asked again.
        for n in 0..5 {
            health.refuse(503, at(n), at(n), Some(Duration::from_millis(1)));
            assert!(!matches!(health.hindrance(at(n)), Some(Hindrance::Open(_))), "{n}");
            health.fail(Kind::Upstream, "HTTP 503", at(n));
        }
        assert!(matches!(health.hindrance(at(10)), Some(Hindrance::Open(_))));
    }

    #[test]
    fn a_pause_by_hand_outlasts_an_answer() {
        let mut health = Health::default();
        health.pause(at(0), at(1000));
        health.accept(at(1_000_000));
        assert_eq!(paused_until(&health, 10), Some(1000));
    }

    #[test]
    fn a_pause_by_hand_replaces_an_earlier_one_and_shortens_none_of_upstreams() {
        let mut health = Health::default();
        health.pause(at(0), at(9000));
        health.pause(at(1), at(1000));
        assert_eq!(paused_until(&health, 10), Some(1000));
        health.refuse(418, at(1), at(2), Some(Duration::from_mins(1)));
        health.pause(at(3), at(2000));
        assert_eq!(paused_until(&health, 10), Some(60_002));
    }

    #[test]
    fn a_key_cools_down_for_a_second_doubling_to_thirty() {
        let mut known = None;
        let mut now = 0;
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            let (failures, until) = cooling(known, at(now));
            assert_eq!(until, at(now + seconds * 1000));
            known = Some((failures, until));
            now += seconds * 1000;
        }
        now += 30_000;
        assert_eq!(cooling(known, at(now)).1, at(now + 1000), "what was long ago counts no more");
    }
}
