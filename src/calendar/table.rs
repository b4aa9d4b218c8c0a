//! The shipped calendars, as the build script made them of the texts in `data/`.
//!
//! A table holds the weekly hours of an exchange by period, and the days that differ from them;
//! outside of its dates it guesses. Whoever changes a text there reads `data/README.md` first.

use super::exchange::Exchange;
use super::offset::{Change, Offset, Offsets};
use crate::calendar::Date;

/// When an exchange is open on a day, in minutes since its midnight.
///
/// Invariant: `open < rest.0 < rest.1 < close <= 1440`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hours {
    pub(super) open: u16,
    pub(super) close: u16,
    /// The break.
    pub(super) rest: Option<(u16, u16)>,
}

/// A day that is not as the weekly hours say.
pub(super) struct Differing {
    /// Days since the first of the table.
    day: u16,
    /// Which of the table's kinds it is.
    kind: u8,
}

/// What is known of an exchange.
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) zone: &'static str,
    pub(super) offsets: &'static Offsets,
    /// The first and the last date that it knows, in days since 1970.
    pub(super) first: i64,
    pub(super) last: i64,
    /// The regular hours from a day on.
    periods: &'static [(i64, Hours)],
    /// The months and days that are closed every year.
    yearly: &'static [(u8, u8)],
    /// What a day that differs may be; none is closed.
    kinds: &'static [Option<Hours>],
    /// The days that differ, in their order: numbers, because an exchange has hundreds of them.
    differing: &'static [Differing],
}

impl Table {
    /// Whether the table says what this day is, or can only guess.
    pub(super) fn knows(&self, day: i64) -> bool {
        (self.first..=self.last).contains(&day)
    }

    /// The hours of a day; none if it is closed.
    pub(super) fn hours(&self, day: i64) -> Option<Hours> {
        let since_first = u16::try_from(day - self.first).ok().filter(|_| day <= self.last);
        let Some(since_first) = since_first else {
            let (_, month, day_of_month) = Date::from_days(day).parts();
            let is_holiday = self.yearly.contains(&(month, day_of_month));
            return self.regular(day).filter(|_| !is_holiday);
        };
        match self.differing.binary_search_by_key(&since_first, |differing| differing.day) {
            Ok(at) => self.kinds[usize::from(self.differing[at].kind)],
            Err(_) => self.regular(day),
        }
    }

    /// What the weekly hours say: before the first period as in it, after the last as in that.
    pub(super) fn regular(&self, day: i64) -> Option<Hours> {
        // Of 1970-01-01, a Thursday, the remainder is 3; Saturday's is 5.
        if (day + 3).rem_euclid(7) >= 5 {
            return None;
        }
        let after = self.periods.iter().rev().find(|(from, _)| *from <= day);
        after.or(self.periods.first()).map(|(_, hours)| *hours)
    }
}

include!(concat!(env!("OUT_DIR"), "/calendars.rs"));
