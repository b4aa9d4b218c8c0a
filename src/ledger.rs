//! What was asked of whom, and when the next call may start: the book of the limits.
//!
//! In this release the book is kept in the memory of one process and ends with it: two processes
//! on one machine do not yet see each other's calls, and a restart forgets them. It refuses to
//! read a clock, to wait and to know why a caller asks: `now` is a parameter (real time, whatever
//! `MCACHE_NOW` says), and waiting is [`upstream`](crate::upstream)'s.
//!
//! # Shape
//!
//! For each provider a log of the calls that started, as long as its widest window has calls, and
//! the promises that were made to those who wait. Not a token bucket and not GCRA: both let nearly
//! 2N calls through in some stretch of length T, the log never more than N.
//!
//! # Order
//!
//! [`reserve`](Ledger::reserve) promises the earliest instant that no earlier promise takes: first
//! come, first served. [`start`](Ledger::start) is asked again when that instant has come, and
//! looks only at calls that did start. Both are needed: who waits for a free connection starts
//! later than promised, and a log of promises alone would then let N + 1 calls into one window.
//! A promise that is never used costs one slot until it is [given back](Ledger::give_back).

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::Duration;

use crate::error::{Usage, sanitized};
use crate::time::Timestamp;
use crate::units::parse_duration;

/// Added to every window. Instants are whole milliseconds, and upstream counts arrivals while we
/// count departures: the first call of a window also opens a connection, the one that follows it
/// in the next does not, so they arrive closer together than they left.
const JOURNEY: Duration = Duration::from_millis(20);

/// The pause after a refusal that names no time; it doubles with each refusal that follows.
const FIRST_PAUSE: Duration = Duration::from_mins(1);

/// The longest pause that is kept without upstream naming a time.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// At most so many calls start in any stretch of this length.
///
/// Invariant: `calls` and `stretch` are above zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// How many calls.
    pub calls: u32,
    /// In how long a time.
    pub stretch: Duration,
}

impl Window {
    /// Reads `60/1m`; a bare unit means one of it, as in `2/s`.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let bad = || {
            Usage::new(format!("`{}` is not a limit", sanitized(text)))
                .hint("write calls/time with both above zero: 60/1m, 20/10s, 2/s")
        };
        let (calls, time) = text.split_once('/').ok_or_else(bad)?;
        let time = time.trim();
        let stretch = if time.starts_with(|c: char| c.is_ascii_alphabetic()) {
            parse_duration(&format!("1{time}"))
        } else {
            parse_duration(time)
        };
        let window = Self {
            calls: calls.trim().parse().map_err(|_| bad())?,
            stretch: stretch.map_err(|_| bad())?,
        };
        if window.calls == 0 || window.stretch.is_zero() { Err(bad()) } else { Ok(window) }
    }

    /// The time that must lie between a call and the one `calls` places after it.
    fn apart(self) -> Duration {
        self.stretch.saturating_add(JOURNEY)
    }
}

/// As it is written in the configuration: `60/1m`, `20/10s`, `5/1500ms`.
impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = self.stretch.as_millis();
        let (amount, unit) = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
            .into_iter()
            .find(|(length, _)| ms.is_multiple_of(*length))
            .map_or((ms, "ms"), |(length, unit)| (ms / length, unit));
        write!(f, "{}/{amount}{unit}", self.calls)
    }
}

/// A promise to one caller; the names of two are never the same within one provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Slot {
    ticket: u64,
    /// The instant at which the call may start, if nothing before it starts late.
    pub at: Timestamp,
}

/// Why a call may not start yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// This window has no room.
    Full(Window),
    /// Upstream refused a call with this status of HTTP.
    Refused(u16),
    /// Those who came before have promises for later.
    Queue,
}

/// When a call may start at the earliest, and what it has to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The earliest instant.
    pub until: Timestamp,
    /// What decides it.
    pub cause: Cause,
}

/// A time in which a provider is not called, because it said so.
#[derive(Clone, Copy, Debug)]
struct Pause {
    made_at: Timestamp,
    until: Timestamp,
    status: u16,
}

/// What is known of one provider.
#[derive(Debug, Default)]
struct Book {
    /// Calls that started, oldest first.
    started: VecDeque<(u64, Timestamp)>,
    /// Promises that are not used yet, earliest first.
    promised: VecDeque<(u64, Timestamp)>,
    next_ticket: u64,
    pause: Option<Pause>,
    /// Refusals without a time since the last call that was not refused.
    refusals: u32,
}

/// The book of every provider.
#[derive(Debug, Default)]
pub struct Ledger {
    books: HashMap<Box<str>, Book>,
}

impl Ledger {
    /// An empty book.
    pub fn new() -> Self {
        Self::default()
    }

    /// Promises the earliest instant at which one more call of `provider` may start, or says when
    /// that would be if it lies later than `patience` from now; then nothing is promised.
    ///
    /// No windows means no limit; a pause is kept all the same.
    pub fn reserve(
        &mut self,
        provider: &str,
        windows: &[Window],
        now: Timestamp,
        patience: Duration,
    ) -> Result<Slot, Wait> {
        let book = self.book(provider);
        let wait = book.earliest(windows, now);
        if wait.until > now + patience {
            return Err(wait);
        }
        let ticket = book.next_ticket;
        book.next_ticket += 1;
        book.promised.push_back((ticket, wait.until));
        Ok(Slot { ticket, at: wait.until })
    }

    /// Enters the call of this slot as started now, or says until when it still has to wait,
    /// because an earlier call started late or upstream has asked for a pause since.
    pub fn start(
        &mut self,
        provider: &str,
        windows: &[Window],
        slot: &Slot,
        now: Timestamp,
    ) -> Result<(), Wait> {
        let book = self.book(provider);
        if let Some(wait) = book.held_up(windows, now) {
            return Err(wait);
        }
        book.promised.retain(|(ticket, _)| *ticket != slot.ticket);
        // Never before the one before it, even if the caller's clock was set back.
        let at = book.started.back().map_or(now, |(_, last)| now.max(*last));
        book.started.push_back((slot.ticket, at));
        let needed = windows.iter().map(|window| window.calls as usize).max().unwrap_or(0);
        while book.started.len() > needed {
            book.started.pop_front();
        }
        Ok(())
    }

    /// Takes a slot back whose call never left the machine, started or not.
    pub fn give_back(&mut self, provider: &str, slot: &Slot) {
        let book = self.book(provider);
        book.promised.retain(|(ticket, _)| *ticket != slot.ticket);
        book.started.retain(|(ticket, _)| *ticket != slot.ticket);
    }

    /// Notes that upstream refused a call that started at `started`, with this status of HTTP.
    ///
    /// `wait` is what upstream asked for; without it the pause is 60 s, doubling to 1 h with each
    /// refusal in a row. Calls that were already under way when the pause began do not double it.
    pub fn refuse(
        &mut self,
        provider: &str,
        status: u16,
        started: Timestamp,
        now: Timestamp,
        wait: Option<Duration>,
    ) {
        let book = self.book(provider);
        let under_way = book.pause.is_some_and(|pause| started <= pause.made_at);
        let wait = match wait {
            Some(wait) => wait,
            None if under_way => return,
            None => {
                let doubled = FIRST_PAUSE.saturating_mul(1 << book.refusals.min(16));
                book.refusals += 1;
                doubled.min(LONGEST_PAUSE)
            }
        };
        let longer = book.pause.is_none_or(|pause| pause.until < now + wait);
        if longer {
            book.pause = Some(Pause { made_at: now, until: now + wait, status });
        }
    }

    /// Notes that upstream answered without refusing: the next pause begins at 60 s again.
    pub fn accept(&mut self, provider: &str) {
        self.book(provider).refusals = 0;
    }

    /// Until when `provider` is paused, if it is at `now`.
    pub fn paused_until(&self, provider: &str, now: Timestamp) -> Option<Timestamp> {
        let pause = self.books.get(provider)?.pause?;
        (pause.until > now).then_some(pause.until)
    }

    fn book(&mut self, provider: &str) -> &mut Book {
        self.books.entry(provider.into()).or_default()
    }
}

impl Book {
    /// When one more call may start, after all that started and all that was promised.
    fn earliest(&self, windows: &[Window], now: Timestamp) -> Wait {
        let mut wait = Wait { until: now, cause: Cause::Queue };
        if let Some((_, last)) = self.promised.back() {
            wait.delay(*last, Cause::Queue);
        }
        if let Some(pause) = self.pause {
            wait.delay(pause.until, Cause::Refused(pause.status));
        }
        let (started, promised) = (self.started.len(), self.promised.len());
        for window in windows {
            let Some(index) = (started + promised).checked_sub(window.calls as usize) else {
                continue;
            };
            let before = match index.checked_sub(started) {
                None => self.started[index].1,
                // A promise whose time has passed can only start now or later.
                Some(index) => self.promised[index].1.max(now),
            };
            wait.delay(before + window.apart(), Cause::Full(*window));
        }
        wait
    }

    /// What keeps a call from starting now, if anything does: only what did happen counts.
    fn held_up(&self, windows: &[Window], now: Timestamp) -> Option<Wait> {
        let mut wait = Wait { until: now, cause: Cause::Queue };
        if let Some(pause) = self.pause {
            wait.delay(pause.until, Cause::Refused(pause.status));
        }
        for window in windows {
            if let Some(index) = self.started.len().checked_sub(window.calls as usize) {
                wait.delay(self.started[index].1 + window.apart(), Cause::Full(*window));
            }
        }
        (wait.until > now).then_some(wait)
    }
}

impl Wait {
    /// Lets this decide if it is the later.
    fn delay(&mut self, until: Timestamp, cause: Cause) {
        // What a queue waits for is a window: where both name one instant, the window is said.
        if until > self.until || (until == self.until && self.cause == Cause::Queue) {
            *self = Self { until, cause };
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATIENT: Duration = Duration::from_secs(1_000_000);

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn window(text: &str) -> Window {
        Window::parse(text).unwrap()
    }

    #[test]
    fn a_window_is_read_and_written_as_people_write_it() {
        for (text, calls, ms, written) in [
            ("60/1m", 60, 60_000, "60/1m"),
            (" 20 / 10s ", 20, 10_000, "20/10s"),
            ("2/s", 2, 1000, "2/1s"),
            ("5/1500ms", 5, 1500, "5/1500ms"),
            ("3000/60", 3000, 60_000, "3000/1m"),
            ("500/1d", 500, 86_400_000, "500/1d"),
        ] {
            let window = window(text);
            assert_eq!(window, Window { calls, stretch: Duration::from_millis(ms) }, "{text}");
            assert_eq!(window.to_string(), written);
        }
        for text in
            ["", "60", "60/", "/1m", "0/1m", "60/0", "-1/1m", "60/1x", "1.5/1s", "a/b", "1/1s/1s"]
        {
            assert!(Window::parse(text).unwrap_err().hint.is_some(), "{text}");
        }
    }

    #[test]
    fn every_window_holds_at_once() {
        let windows = [window("2/1s"), window("3/10s")];
        let mut ledger = Ledger::new();
        let slots: Vec<i64> = (0..5)
            .map(|_| ledger.reserve("acme", &windows, at(0), PATIENT).unwrap().at.as_ms())
            .collect();
        assert_eq!(slots, [0, 0, 1020, 10_020, 10_020]);
        let other = ledger.reserve("other", &windows, at(0), PATIENT).unwrap();
        assert_eq!(other.at, at(0), "each provider has limits of its own");
    }

    #[test]
    fn who_cannot_wait_takes_no_slot_and_hears_what_is_full() {
        let windows = [window("1/1m")];
        let mut ledger = Ledger::new();
        ledger.reserve("acme", &windows, at(0), Duration::ZERO).unwrap();
        for _ in 0..3 {
            let wait =
                ledger.reserve("acme", &windows, at(0), Duration::from_secs(10)).unwrap_err();
            assert_eq!(wait, Wait { until: at(60_020), cause: Cause::Full(windows[0]) });
        }
    }

    #[test]
    fn a_late_start_moves_those_behind_it() {
        let windows = [window("1/1s")];
        let mut ledger = Ledger::new();
        let first = ledger.reserve("acme", &windows, at(0), PATIENT).unwrap();
        let second = ledger.reserve("acme", &windows, at(0), PATIENT).unwrap();
        ledger.start("acme", &windows, &first, at(700)).unwrap();
        let wait = ledger.start("acme", &windows, &second, second.at).unwrap_err();
        assert_eq!(wait.until, at(1720));
        ledger.start("acme", &windows, &second, wait.until).unwrap();
    }

    #[test]
    fn a_call_that_never_left_gives_its_slot_back() {
        let windows = [window("1/1m")];
        let mut ledger = Ledger::new();
        for _ in 0..5 {
            let slot = ledger.reserve("acme", &windows, at(0), Duration::ZERO).unwrap();
            ledger.start("acme", &windows, &slot, at(0)).unwrap();
            ledger.give_back("acme", &slot);
        }
    }

    #[test]
    fn a_refusal_pauses_even_a_provider_without_limits() {
        let mut ledger = Ledger::new();
        ledger.refuse("acme", 429, at(0), at(100), None);
        assert_eq!(ledger.paused_until("acme", at(100)), Some(at(60_100)));
        let wait = ledger.reserve("acme", &[], at(100), Duration::ZERO).unwrap_err();
        assert_eq!(wait, Wait { until: at(60_100), cause: Cause::Refused(429) });
        assert_eq!(ledger.reserve("acme", &[], at(100), PATIENT).unwrap().at, at(60_100));
        assert_eq!(ledger.paused_until("acme", at(60_100)), None);
        assert_eq!(ledger.paused_until("other", at(100)), None);
    }

    #[test]
    fn a_pause_stops_those_who_already_had_a_promise() {
        let windows = [window("1/1s")];
        let mut ledger = Ledger::new();
        ledger.reserve("acme", &windows, at(0), PATIENT).unwrap();
        let slot = ledger.reserve("acme", &windows, at(0), PATIENT).unwrap();
        ledger.refuse("acme", 418, at(0), at(10), Some(Duration::from_secs(5)));
        let wait = ledger.start("acme", &windows, &slot, slot.at).unwrap_err();
        assert_eq!(wait, Wait { until: at(5010), cause: Cause::Refused(418) });
    }

    #[test]
    fn refusals_in_a_row_double_the_pause_up_to_an_hour() {
        let mut ledger = Ledger::new();
        let mut now = at(0);
        for seconds in [60, 120, 240, 480, 960, 1920, 3600, 3600] {
            ledger.refuse("acme", 429, now, now, None);
            // A second call that was under way at the same time says nothing new.
            ledger.refuse("acme", 429, now, now + Duration::from_millis(5), None);
            let until = ledger.paused_until("acme", now).unwrap();
            assert_eq!(until.since(now), Duration::from_secs(seconds));
            now = until;
        }
        ledger.accept("acme");
        ledger.refuse("acme", 429, now, now, None);
        assert_eq!(ledger.paused_until("acme", now), Some(now + FIRST_PAUSE));
    }

    /// The same rules, written as slowly and as plainly as they can be.
    #[derive(Default)]
    struct Model {
        started: Vec<i64>,
        promised: Vec<i64>,
    }

    impl Model {
        /// Whether some stretch of a window would hold too many calls.
        fn overfull(calls: &[i64], windows: &[Window]) -> bool {
            windows.iter().any(|window| {
                let length = i64::try_from(window.apart().as_millis()).unwrap();
                calls.iter().any(|first| {
                    let within =
                        calls.iter().filter(|call| (*first..first + length).contains(call));
                    within.count() > window.calls as usize
                })
            })
        }

        /// The first millisecond, tried one by one, at which one more call fits.
        fn earliest(&self, windows: &[Window], now: i64) -> i64 {
            let mut calls = self.started.clone();
            calls.extend(self.promised.iter().map(|promise| *promise.max(&now)));
            let mut instant = self.promised.last().map_or(now, |last| now.max(*last));
            loop {
                // Earlier calls may stand too close together by starting late; only what the new
                // one adds is judged.
                let crowded = windows.iter().any(|window| {
                    let length = i64::try_from(window.apart().as_millis()).unwrap();
                    let near = calls.iter().filter(|call| **call > instant - length);
                    near.count() >= window.calls as usize
                });
                if !crowded {
                    return instant;
                }
                instant += 1;
            }
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Pass(i64),
        Reserve,
        /// The waiter at this place (of those whose time has come) tries to start.
        Start(usize),
        Abandon(usize),
        /// This call of the last few turns out never to have left.
        Bounce,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (0_i64..60).prop_map(Step::Pass),
            4 => Just(Step::Reserve),
            5 => (0_usize..4).prop_map(Step::Start),
            1 => (0_usize..4).prop_map(Step::Abandon),
            1 => Just(Step::Bounce),
        ];
        prop::collection::vec(step, 1..80)
    }

    fn windows() -> impl Strategy<Value = Vec<Window>> {
        let window = (1_u32..5, 1_u64..120)
            .prop_map(|(calls, ms)| Window { calls, stretch: Duration::from_millis(ms) });
        prop::collection::vec(window, 0..3)
    }

    proptest! {
        #[test]
        fn no_stretch_of_any_window_holds_more_calls_than_it_may(windows in windows(), steps in steps()) {
            let (mut ledger, mut model) = (Ledger::new(), Model::default());
            let (mut now, mut waiting, mut last) = (0, Vec::<Slot>::new(), None::<Slot>);
            for step in steps {
                match step {
                    Step::Pass(ms) => now += ms,
                    Step::Reserve => {
                        let expected = model.earliest(&windows, now);
                        let slot = ledger.reserve("acme", &windows, at(now), PATIENT).unwrap();
                        prop_assert_eq!(slot.at, at(expected));
                        model.promised.push(expected);
                        waiting.push(slot);
                    }
                    Step::Start(index) if index < waiting.len() && waiting[index].at <= at(now) => {
                        let mut with = model.started.clone();
                        with.push(now);
                        let answer = ledger.start("acme", &windows, &waiting[index], at(now));
                        prop_assert_eq!(answer.is_ok(), !Model::overfull(&with, &windows));
                        if answer.is_ok() {
                            model.started = with;
                            model.promised.remove(index);
                            last = Some(waiting.remove(index));
                        }
                    }
                    Step::Abandon(index) if index < waiting.len() => {
                        ledger.give_back("acme", &waiting.remove(index));
                        model.promised.remove(index);
                    }
                    Step::Bounce => if let Some(slot) = last.take() {
                        ledger.give_back("acme", &slot);
                        model.started.pop();
                    },
                    Step::Start(_) | Step::Abandon(_) => {}
                }
                prop_assert!(!Model::overfull(&model.started, &windows));
            }
        }

        #[test]
        fn a_promise_is_kept_when_nobody_is_late(
            windows in windows(),
            gaps in prop::collection::vec(0_i64..30, 1..40),
        ) {
            let mut ledger = Ledger::new();
            let (mut now, mut waiting) = (0, VecDeque::<Slot>::new());
            for gap in gaps {
                now += gap;
                while waiting.front().is_some_and(|slot| slot.at <= at(now)) {
                    let slot = waiting.pop_front().unwrap();
                    prop_assert_eq!(ledger.start("acme", &windows, &slot, slot.at), Ok(()));
                }
                waiting.push_back(ledger.reserve("acme", &windows, at(now), PATIENT).unwrap());
            }
        }
    }
}
