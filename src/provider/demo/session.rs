//! When the embedded upstream's markets trade: New York's sessions, the weekdays of currencies, the
//! always of coins.

use crate::calendar::{Calendars, Date, Exchange};
use crate::time::Timestamp;

const DAY: i64 = 86_400;
const HOUR: i64 = 3_600;

/// Longer than New York was ever closed since 1914.
const LONGEST_CLOSURE: i64 = 15;

/// Whose hours a symbol keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hours {
    /// As XNYS trades, with early trading from 04:00 and late trading to 20:00.
    NewYork,
    /// Every weekday in UTC, whole.
    Weekdays,
    /// Every day in UTC, whole.
    Always,
}

/// One day of trading; all in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Session {
    day: i64,
    /// New York's distance from UTC on that day, zero for the others.
    pub(super) offset: i64,
    /// When early trading starts.
    pub(super) pre: i64,
    /// When regular trading starts.
    pub(super) start: i64,
    /// When regular trading is over.
    pub(super) end: i64,
    /// When late trading is over.
    pub(super) post: i64,
}

impl Session {
    /// The session that began last: the running one, or the one before now.
    pub(super) fn latest(hours: Hours, now: Timestamp) -> Self {
        let now = now.as_ms().div_euclid(1000);
        let today = Self::shown(hours, Timestamp::from_seconds(now));
        if today.start <= now { today } else { today.before(hours) }
    }

    /// The session that a chart of now speaks of: today's, whether it has begun or not, or on a
    /// weekend the last.
    pub(super) fn shown(hours: Hours, now: Timestamp) -> Self {
        let local = now.as_ms().div_euclid(1000) + offset(hours, now);
        Self::up_to(hours, local.div_euclid(DAY))
    }

    /// The session before this one.
    pub(super) fn before(self, hours: Hours) -> Self {
        Self::up_to(hours, self.day - 1)
    }

    /// The sessions that start from one instant to another, both included.
    pub(super) fn between(hours: Hours, from: i64, to: i64) -> impl Iterator<Item = Self> {
        // A session starts on its date in UTC too.
        let days = from.div_euclid(DAY)..=to.div_euclid(DAY);
        let calendars = Calendars::default();
        days.filter_map(move |day| Self::on(hours, &calendars, day))
            .filter(move |session| (from..=to).contains(&session.start))
    }

    /// The session on this day, counted since 1970, or the last before it.
    fn up_to(hours: Hours, day: i64) -> Self {
        let calendars = Calendars::default();
        let earlier = (0..LONGEST_CLOSURE).map(|before| day - before);
        let found = earlier.into_iter().find_map(|day| Self::on(hours, &calendars, day));
        // Nothing is closed for so long.
        found.unwrap_or_else(|| Self::whole(day))
    }

    /// The session on this day, if there is one.
    fn on(hours: Hours, calendars: &Calendars, day: i64) -> Option<Self> {
        match hours {
            Hours::Always => Some(Self::whole(day)),
            Hours::Weekdays => (!is_weekend(day)).then(|| Self::whole(day)),
            Hours::NewYork => {
                let session = calendars.session(Exchange::XNYS, Date::from_days(day))?;
                let (start, end) = (session.open.as_ms() / 1000, session.close.as_ms() / 1000);
                let offset = calendars.utc_offset_seconds(Exchange::XNYS, session.open);
                let at = |seconds: i64| day * DAY + seconds - offset;
                Some(Self { day, offset, pre: at(4 * HOUR), start, end, post: at(20 * HOUR) })
            }
        }
    }

    /// A day in UTC from start to end.
    fn whole(day: i64) -> Self {
        let at = |seconds: i64| day * DAY + seconds;
        Self { day, offset: 0, pre: at(0), start: at(0), end: at(DAY), post: at(DAY) }
    }
}

/// Seconds that local time is ahead of UTC.
fn offset(hours: Hours, now: Timestamp) -> i64 {
    match hours {
        Hours::NewYork => Calendars::default().utc_offset_seconds(Exchange::XNYS, now),
        Hours::Weekdays | Hours::Always => 0,
    }
}

/// 1970 began on a Thursday.
fn is_weekend(day: i64) -> bool {
    matches!((day + 4).rem_euclid(7), 0 | 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(hours: Hours, now: &str) -> [String; 2] {
        let session = Session::latest(hours, Timestamp::parse(now).unwrap());
        [session.start, session.end].map(|s| Timestamp::from_seconds(s).to_string())
    }

    #[test]
    fn the_latest_session_is_the_one_that_has_begun() {
        for (hours, now, start, end) in [
            (
                Hours::NewYork,
                "2026-07-01T15:00:00Z",
                "2026-07-01T13:30:00Z",
                "2026-07-01T20:00:00Z",
            ),
            (
                Hours::NewYork,
                "2026-07-01T13:29:59Z",
                "2026-06-30T13:30:00Z",
                "2026-06-30T20:00:00Z",
            ),
            (
                Hours::NewYork,
                "2026-01-05T01:00:00Z",
                "2026-01-02T14:30:00Z",
                "2026-01-02T21:00:00Z",
            ),
            (
                Hours::NewYork,
                "2026-07-05T12:00:00Z",
                // Independence Day was kept on the Friday.
                "2026-07-02T13:30:00Z",
                "2026-07-02T20:00:00Z",
            ),
            (
                Hours::NewYork,
                "2026-11-27T23:00:00Z",
                "2026-11-27T14:30:00Z",
                "2026-11-27T18:00:00Z",
            ),
            (
                Hours::Weekdays,
                "2026-07-05T12:00:00Z",
                "2026-07-03T00:00:00Z",
                "2026-07-04T00:00:00Z",
            ),
            (Hours::Always, "2026-07-05T12:00:00Z", "2026-07-05T00:00:00Z", "2026-07-06T00:00:00Z"),
        ] {
            assert_eq!(times(hours, now), [start, end], "{hours:?} {now}");
        }
    }
}
