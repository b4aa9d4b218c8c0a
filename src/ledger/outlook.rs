//! When a whole list of calls could start: what a plan says of the time that it takes.
//!
//! Pure, and a forecast: it asks the rules of `claim.rs` for each call as if those before it had been
//! made, and enters nothing. Whoever else calls meanwhile makes it later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::Call;
use super::claim::{Book, Refusal};
use super::window::Noted;
use crate::time::Timestamp;

/// How fast calls are made where no limit holds them back.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// How many may be under way at once.
    pub concurrency: usize,
    /// How long one takes.
    pub latency: Duration,
    /// The longest that all of them together wait for limits.
    pub patience: Duration,
    /// No call starts at this instant or later, by real time.
    pub until: Option<Timestamp>,
}

/// When calls could start.
#[derive(Clone, Debug, Default)]
pub struct Outlook {
    /// For each call, in their order, the instant, or why it could not start; none where only the time
    /// is lacking.
    pub starts: Vec<Result<Timestamp, Option<Refusal>>>,
    /// When the last of them would be done.
    pub end: Option<Timestamp>,
}

/// How many calls of one provider are planned one by one.
const MOST_PLANNED: usize = 2_000;

/// A provider, and the calls that are planned for it now: what is left for those that come after.
#[derive(Debug)]
pub struct Prospect {
    book: Book,
    now: Timestamp,
    planned: usize,
}

impl Prospect {
    /// By what is known of a provider.
    pub(super) fn of(book: Book, now: Timestamp) -> Self {
        Self { book, now, planned: 0 }
    }

    /// Plans so many of a call, as far as they can start without a wait, and no more than 2,000 in all:
    /// each is held against those before it. Whether the first can.
    pub fn plan(&mut self, call: &Call<'_>, times: u32) -> bool {
        let at_once = Latest { patience: Duration::ZERO, until: None };
        for of_call in 0..times {
            if self.planned >= MOST_PLANNED {
                return true;
            }
            let number = self.planned + 1;
            if start(&mut self.book, call, number, (self.now, self.now), at_once).is_err() {
                return of_call > 0;
            }
            self.planned = number;
        }
        true
    }
}

/// When these calls of one provider could start, by what is known of it.
pub(super) fn of(mut book: Book, calls: &[Call<'_>], pace: Pace, now: Timestamp) -> Outlook {
    let mut outlook = Outlook::default();
    // Who waits for a slot holds a permit meanwhile, so that one is free at the end of each call.
    let mut permits: BinaryHeap<Reverse<Timestamp>> =
        (0..pace.concurrency.clamp(1, calls.len().max(1))).map(|_| Reverse(now)).collect();
    let (mut last, mut patience) = (now, pace.patience);
    for (number, call) in calls.iter().enumerate() {
        let free = permits.peek().map_or(now, |Reverse(free)| *free).max(last);
        let latest = Latest { patience, until: pace.until };
        let start = start(&mut book, call, number, (free, now), latest);
        if let Ok(at) = start {
            patience = patience.saturating_sub(at.since(free));
            last = at;
            permits.pop();
            permits.push(Reverse(at + pace.latency));
            outlook.end = outlook.end.max(Some(at + pace.latency));
        }
        outlook.starts.push(start);
    }
    outlook
}

/// How late a call may start.
#[derive(Clone, Copy)]
struct Latest {
    patience: Duration,
    until: Option<Timestamp>,
}

/// When one call could start, not before it is its turn; entered in the book if it could.
fn start(
    book: &mut Book,
    call: &Call<'_>,
    number: usize,
    (turn, now): (Timestamp, Timestamp),
    latest: Latest,
) -> Result<Timestamp, Option<Refusal>> {
    if let Some(refusal) = book.refusal(call, now) {
        return Err(Some(refusal));
    }
    let wait = book.earliest(call, turn, &|_| true);
    let at = wait.as_ref().map_or(turn, |wait| wait.until);
    if at.since(turn) > latest.patience || latest.until.is_some_and(|until| at >= until) {
        return Err(wait);
    }
    let share = call.share();
    if call.limits.budget.is_some() {
        *book.spent.entry(share.into()).or_default() += 1;
    }
    if let Some(longest) = call.limits.longest() {
        // What has left every window by then is of no matter to the calls after this one.
        book.calls.retain(|noted| !noted.started || noted.at + longest > at);
        book.calls.push(Noted {
            id: -1 - i64::try_from(number).unwrap_or(i64::MAX - 1),
            at,
            endpoint: call.endpoint.into(),
            weight: call.weight,
            share: share.into(),
            started: true,
        });
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{Budget, Limits, Window};
    use crate::time::Zone;

    fn call<'a>(limits: &'a Limits, endpoint: &'a str, weight: u32) -> Call<'a> {
        Call {
            provider: "p",
            endpoint,
            weight,
            caller: "cli",
            use_case: None,
            limits,
            budget_share: None,
            is_probe: false,
        }
    }

    /// The seconds after which each call starts, -1 for one that does not.
    fn seconds(outlook: &Outlook) -> Vec<i64> {
        let second = |at: &Timestamp| at.as_ms() / 1000;
        outlook.starts.iter().map(|start| start.as_ref().map_or(-1, second)).collect()
    }

    const AT_ONCE: Pace =
        Pace { concurrency: 8, latency: Duration::ZERO, patience: Duration::MAX, until: None };

    #[test]
    fn calls_start_as_fast_as_every_window_lets_them() {
        let now = Timestamp::from_ms(0);
        let windows = ["3/10s", "4/30s"].map(|text| Window::parse(text).unwrap());
        let limits = Limits::of(&windows);
        let calls = vec![call(&limits, "quote", 1); 6];
        let outlook = of(Book::default(), &calls, AT_ONCE, now);
        assert_eq!(seconds(&outlook), [0, 0, 0, 10, 30, 30]);
        let heavy = vec![call(&limits, "quote", 2); 3];
        assert_eq!(seconds(&of(Book::default(), &heavy, AT_ONCE, now)), [0, 10, 30]);
    }

    #[test]
    fn permits_and_answers_take_their_time_too() {
        let limits = Limits::default();
        let calls = vec![call(&limits, "quote", 1); 5];
        let pace = Pace { concurrency: 2, latency: Duration::from_secs(3), ..AT_ONCE };
        let outlook = of(Book::default(), &calls, pace, Timestamp::from_ms(0));
        assert_eq!(seconds(&outlook), [0, 0, 3, 3, 6]);
        assert_eq!(outlook.end, Some(Timestamp::from_seconds(9)));
    }

    #[test]
    fn what_comes_too_late_or_is_beyond_a_budget_does_not_start() {
        let now = Timestamp::from_ms(0);
        let limits = Limits {
            budget: Some(Budget::parse("4/day", Zone::UTC).unwrap()),
            ..Limits::of(&[Window::parse("2/10s").unwrap()])
        };
        let calls = vec![call(&limits, "quote", 1); 6];
        let outlook = of(Book::default(), &calls, AT_ONCE, now);
        assert_eq!(seconds(&outlook), [0, 0, 10, 10, -1, -1]);
        let until = Some(Timestamp::from_seconds(10));
        let outlook = of(Book::default(), &calls, Pace { until, ..AT_ONCE }, now);
        assert_eq!(seconds(&outlook), [0, 0, -1, -1, -1, -1]);
        let patience = Duration::from_secs(5);
        let outlook = of(Book::default(), &calls, Pace { patience, ..AT_ONCE }, now);
        assert_eq!(seconds(&outlook), [0, 0, -1, -1, -1, -1]);
    }

    #[test]
    fn what_is_planned_for_a_provider_is_not_left_for_others() {
        let limits = Limits::of(&[Window::parse("3/10s").unwrap()]);
        let call = call(&limits, "quote", 1);
        let mut prospect = Prospect::of(Book::default(), Timestamp::from_ms(0));
        assert!(prospect.plan(&call, 1));
        // The first of several is enough: the others wait.
        assert!(prospect.plan(&call, 5));
        assert!(!prospect.plan(&call, 1));
        let unlimited = Limits::default();
        let call = Call { limits: &unlimited, ..call };
        let mut prospect = Prospect::of(Book::default(), Timestamp::from_ms(0));
        assert!((0..1000).all(|_| prospect.plan(&call, 1)));
    }

    #[test]
    fn a_list_of_thousands_is_foreseen_at_once() {
        let limits = Limits::of(&[Window::parse("60/1m").unwrap()]);
        let calls = vec![call(&limits, "quote", 1); 6000];
        let outlook = of(Book::default(), &calls, AT_ONCE, Timestamp::from_ms(0));
        // Sixty at once, and again after every minute and its 20 ms.
        assert_eq!(outlook.end, Some(Timestamp::from_ms(99 * 60_020)));
    }
}
