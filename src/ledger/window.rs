//! Windows, and the arithmetic of slots: when one more call fits.
//!
//! Pure: what was called is a list, now is a parameter. Not a token bucket and not GCRA: both let
//! nearly 2N calls through in some stretch of length T, a log never more than N.
//!
//! A reserve is a part of every window that only its owner may use up: to everybody else it counts
//! as used, even while it is not.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::error::{Usage, sanitized};
use crate::time::Timestamp;
use crate::units::{Share, parse_duration};

/// Added to every window. Instants are whole milliseconds, and upstream counts arrivals while we
/// count departures: the first call of a window also opens a connection, the one that follows it
/// in the next does not, so they arrive closer together than they left.
const JOURNEY: Duration = Duration::from_millis(20);

/// Which part of every window and budget is kept for whom.
pub type Reserve = BTreeMap<Box<str>, Share>;

/// The same in calls of one window or budget.
pub(super) type Kept = BTreeMap<Box<str>, u64>;

/// A call that started, or the promise that one may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) id: i64,
    pub(super) at: Timestamp,
    pub(super) endpoint: Box<str>,
    pub(super) weight: u32,
    /// The owner of the reserve that it counts to; empty for none.
    pub(super) share: Box<str>,
    pub(super) started: bool,
}

/// What a call takes of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taking<'a> {
    pub(super) at: Timestamp,
    pub(super) weight: u32,
    pub(super) share: &'a str,
}

impl Noted {
    pub(super) fn taking(&self) -> Taking<'_> {
        Taking { at: self.at, weight: self.weight, share: &self.share }
    }
}

/// At most so many calls, by weight, start in any stretch of this length.
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
                .hint("write calls/time with both above zero: 60/1m, 20/10s, 2/s; calls of a calendar's day or month stand in `budget`")
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
    pub(super) fn apart(self) -> Duration {
        self.stretch.saturating_add(JOURNEY)
    }

    /// What each owner of a reserve may count on, in calls: rounded up, and never so much that
    /// nothing is left for the others.
    pub(super) fn kept(self, reserve: &Reserve) -> Kept {
        let mut left = self.calls - 1;
        let mut kept = Kept::new();
        for (owner, share) in reserve {
            let calls = share.at_least(self.calls.into());
            let calls = u32::try_from(calls).unwrap_or(left).min(left);
            left -= calls;
            kept.insert(owner.clone(), calls.into());
        }
        kept
    }

    /// The first instant, not before `from`, at which `call` fits beside these others, which are in
    /// the order of their time. A call heavier than what it may ever have counts as all of that.
    pub(super) fn opens(
        self,
        others: &[Taking<'_>],
        call: Taking<'_>,
        kept: &Kept,
        from: Timestamp,
    ) -> Timestamp {
        let kept_from_it: u64 =
            kept.iter().filter(|(owner, _)| &***owner != call.share).map(|(_, calls)| calls).sum();
        let most = u64::from(self.calls).saturating_sub(kept_from_it).max(1);
        let weight = u64::from(call.weight).min(most);
        let fits = |at: Timestamp| {
            let mut used = BTreeMap::new();
            for other in others {
                if other.at <= at && other.at + self.apart() > at {
                    *used.entry(other.share).or_insert(0) += u64::from(other.weight);
                }
            }
            taken(&used, kept, call.share) + weight <= u64::from(self.calls)
        };
        if fits(from) {
            return from;
        }
        // Room comes only when a call leaves the window, and at the latest when all have.
        let mut leaves = others.iter().map(|other| other.at + self.apart()).filter(|at| *at > from);
        leaves.find(|at| fits(*at)).unwrap_or(from)
    }
}

/// What counts as used to a call of this share: what its own and free calls took, and of every
/// reserve of others the larger of what is kept and what was used.
pub(super) fn taken(used: &BTreeMap<&str, u64>, kept: &Kept, share: &str) -> u64 {
    let of_others = |owner: &str| owner != share && !owner.is_empty();
    let reserved: u64 = kept
        .iter()
        .filter(|(owner, _)| of_others(owner))
        .map(|(owner, calls)| (*calls).max(used.get(&**owner).copied().unwrap_or(0)))
        .sum();
    let free: u64 = used
        .iter()
        .filter(|(owner, _)| !of_others(owner) || !kept.contains_key(**owner))
        .map(|(_, weight)| weight)
        .sum();
    reserved + free
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
