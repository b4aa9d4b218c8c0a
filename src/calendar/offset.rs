//! How far the clocks of a place are from UTC.
//!
//! The changes since 1999 are listed; before and after them the rule of today is taken, which is
//! right for as long as nobody changes it. A test holds the list against the time zone database.

use super::Date;

/// From an instant on, in seconds since 1970, the clocks are so many minutes ahead of UTC.
pub(super) struct Offset {
    pub(super) from: u32,
    pub(super) minutes: i16,
}

/// How the clocks change every year: on a Sunday of a month, at so many minutes after midnight by
/// the clock before, to so many minutes ahead of UTC.
pub(super) struct Change {
    pub(super) month: u8,
    /// Which Sunday; the fifth is the last one.
    pub(super) week: u8,
    pub(super) clock: u16,
    pub(super) minutes: i16,
}

/// The clocks of a place.
pub(super) struct Offsets {
    /// What is listed, in order.
    pub(super) known: &'static [Offset],
    /// What happens every year, in order; none if nothing does.
    pub(super) changes: &'static [Change],
}

/// A stretch of time, in seconds since 1970, in which the clocks did not change. It need not be the
/// longest.
#[derive(Clone, Copy)]
pub(super) struct Steady {
    from: i64,
    until: i64,
    /// Ahead of UTC.
    pub(super) seconds: i64,
}

impl Offsets {
    /// The offset at an instant, with instants around it that have the same.
    pub(super) fn around(&self, instant: i64) -> Steady {
        let from = |at: usize| i64::from(self.known[at].from);
        let next = self.known.partition_point(|offset| i64::from(offset.from) <= instant);
        // The rule says of the last one what the list says; behind it only the rule says anything.
        let is_listed = (1..self.known.len()).contains(&next);
        match self.changes.last() {
            Some(last) if !is_listed => self.ruled(instant, last.minutes),
            _ => Steady {
                from: if next == 0 { i64::MIN } else { from(next - 1) },
                until: if next == self.known.len() { i64::MAX } else { from(next) },
                seconds: i64::from(self.known[next.max(1) - 1].minutes) * 60,
            },
        }
    }

    /// The seconds ahead of UTC at an instant.
    pub(super) fn at(&self, instant: i64) -> i64 {
        self.around(instant).seconds
    }

    /// The seconds ahead of UTC during a day of the place, in days since 1970, from the morning on;
    /// `near` is what is known already, of an instant that is probably not far.
    ///
    /// At noon in Greenwich, it is that day everywhere from the Azores to Auckland, or the first
    /// minutes of the next one, and the hours before dawn, in which clocks change, are over.
    pub(super) fn on(&self, day: i64, near: Steady) -> i64 {
        let noon = day * 86_400 + 43_200;
        if near.from <= noon && noon < near.until { near.seconds } else { self.at(noon) }
    }

    fn ruled(&self, instant: i64, at_new_year: i16) -> Steady {
        let (year, ..) = Date::from_days(instant.div_euclid(86_400)).parts();
        // A year without the last day of a leap year, which is asked for anew.
        let from = Date::new(year, 1, 1).map_or(instant, |first| first.days() * 86_400);
        let until = (from + 365 * 86_400).max(instant + 1);
        let mut steady = Steady { from, until, seconds: at(at_new_year) };
        for change in self.changes {
            let local = change.day(year) * 86_400 + i64::from(change.clock) * 60;
            let change_at = local - steady.seconds;
            if instant < change_at {
                return Steady { until: change_at, ..steady };
            }
            steady = Steady { from: change_at, until, seconds: at(change.minutes) };
        }
        steady
    }
}

fn at(minutes: i16) -> i64 {
    i64::from(minutes) * 60
}

impl Change {
    /// The day of a year, in days since 1970.
    fn day(&self, year: i64) -> i64 {
        // The last Sunday is the one before the first of the next month; nowhere is it December's.
        let (month, weeks) = match self.week {
            5 => (self.month + 1, -1),
            week => (self.month, i64::from(week) - 1),
        };
        let first = Date::new(year, month, 1).unwrap_or(Date::MAX);
        first.days() + 6 - first.weekday() + 7 * weeks
    }
}
