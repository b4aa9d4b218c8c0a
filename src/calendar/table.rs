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

    /// The place in the table from which the days around this one are found at once.
    pub(super) fn near(&self, day: i64) -> Near<'_> {
        let since_first = day - self.first;
        let at = self.differing.partition_point(|other| i64::from(other.day) < since_first);
        Near { table: self, at }
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

/// A place in the list of days that differ: a walk from day to day does not search it again.
pub(super) struct Near<'a> {
    table: &'a Table,
    at: usize,
}

impl Near<'_> {
    /// The hours of a day; none if it is closed. Fast for days that are near the one before.
    pub(super) fn hours(&mut self, day: i64) -> Option<Hours> {
        let Table { first, differing, kinds, yearly, .. } = self.table;
        let regular = self.table.regular(day);
        if !self.table.knows(day) {
            let (_, month, day_of_month) = Date::from_days(day).parts();
            return regular.filter(|_| !yearly.contains(&(month, day_of_month)));
        }
        let since_first = day - first;
        while self.at > 0 && i64::from(differing[self.at - 1].day) >= since_first {
            self.at -= 1;
        }
        while differing.get(self.at).is_some_and(|other| i64::from(other.day) < since_first) {
            self.at += 1;
        }
        match differing.get(self.at) {
            Some(differing) if i64::from(differing.day) == since_first => {
                kinds[usize::from(differing.kind)]
            }
            _ => regular,
        }
    }
}

include!(concat!(env!("OUT_DIR"), "/calendars.rs"));
