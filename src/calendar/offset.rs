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

impl Offsets {
    /// The seconds ahead of UTC at an instant, in seconds since 1970.
    pub(super) fn at(&self, instant: i64) -> i64 {
        let listed = self.known.partition_point(|offset| i64::from(offset.from) <= instant);
        // The rule says of the last one what the list says; behind it only the rule says anything.
        let is_listed = (1..self.known.len()).contains(&listed);
        let minutes = match self.changes.last() {
            Some(last) if !is_listed => self.ruled(instant, last.minutes),
            _ => self.known[listed.max(1) - 1].minutes,
        };
        i64::from(minutes) * 60
    }

    /// The seconds ahead of UTC during a day of the place, in days since 1970, from the morning on.
    ///
    /// At noon in Greenwich, it is that day everywhere from the Azores to Auckland, or the first
    /// minutes of the next one, and the hours before dawn, in which clocks change, are over.
    pub(super) fn on(&self, day: i64) -> i64 {
        self.at(day * 86_400 + 43_200)
    }

    fn ruled(&self, instant: i64, at_new_year: i16) -> i16 {
        let (year, ..) = Date::from_days(instant.div_euclid(86_400)).parts();
        let mut minutes = at_new_year;
        for change in self.changes {
            let local = change.day(year) * 86_400 + i64::from(change.clock) * 60;
            if instant < local - i64::from(minutes) * 60 {
                break;
            }
            minutes = change.minutes;
        }
        minutes
    }
}

impl Change {
    /// The day of a year, in days since 1970.
    fn day(&self, year: i64) -> i64 {
        let first = Date::new(year, self.month, 1).unwrap_or(Date::MAX);
        let sunday = first.plus(6 - first.weekday());
        let weeks = i64::from(self.week) - 1;
        let day = sunday.plus(7 * weeks);
        if day.parts().1 == self.month { day.days() } else { sunday.plus(21).days() }
    }
}
