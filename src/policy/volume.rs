//! Whether more is traded than usual for the time of day.
//!
//! The volume of a quote is what was traded since its session began (of coins: in the last 24
//! hours), so it is compared with what it was in the same quarter of an hour of earlier days, and
//! with nothing else: that is like with like for both. Within the quarter nothing is scaled: volumes
//! gather neither evenly nor alike from one day to the next. The quarters are of UTC, so where clocks
//! change the days before are an hour off until the median is of the days after.

use std::fmt;
use std::time::Duration;

use crate::time::Timestamp;

/// How many days are looked back on.
pub const DAYS: usize = 20;

/// So many earlier days make a judgement.
pub const ENOUGH: usize = 5;

/// How long a judgement holds if no further quote is judged: its own quarter of an hour and the
/// next, so that whoever asks once in each stays in it, and whoever stops asking comes out of it.
pub const HOLDS: Duration = Duration::from_mins(30);

const QUARTER_MS: i64 = 15 * 60 * 1000;

/// The quarter of an hour of the day, in UTC: 0 to 95.
pub fn slot(at: Timestamp) -> i64 {
    at.as_ms().rem_euclid(24 * 60 * 60 * 1000) / QUARTER_MS
}

/// What a volume is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// The median of the days; above zero.
    pub median: f64,
    /// How many days.
    pub days: usize,
}

/// The volumes of one symbol at one time of day, as one provider counts them: a day and what was
/// last said on it, the latest day last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History(pub Vec<(i64, f64)>);

impl History {
    /// What was usual before this day, once enough days are known.
    pub fn usual(&self, day: i64) -> Option<Usual> {
        let mut volumes: Vec<f64> = self.before(day).map(|(_, volume)| *volume).collect();
        volumes.sort_unstable_by(f64::total_cmp);
        let days = volumes.len();
        let middle = days / 2;
        let median = match days {
            0..ENOUGH => return None,
            days if days % 2 == 1 => volumes[middle],
            _ => f64::midpoint(volumes[middle - 1], volumes[middle]),
        };
        (median > 0.0).then_some(Usual { median, days })
    }

    /// The history with what was said on a day. A later day than that was written by a clock that
    /// was wrong, and is forgotten.
    #[must_use]
    pub fn after(&self, day: i64, volume: f64) -> Self {
        let kept: Vec<_> = self.before(day).copied().collect();
        let first = (kept.len() + 1).saturating_sub(DAYS);
        Self(kept.into_iter().skip(first).chain([(day, volume)]).collect())
    }

    fn before(&self, day: i64) -> impl Iterator<Item = &(i64, f64)> {
        self.0.iter().filter(move |(earlier, _)| *earlier < day)
    }
}

/// A time in which more is traded than usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HighVolume {
    /// From when on: when the first quote was asked for that said so.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How many thousandths of the median the last quote had that said so.
    pub permille: u32,
    /// Of how many days the median was.
    pub days: u32,
}

impl HighVolume {
    /// Whether what was fetched at this instant was fetched in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }

    /// What a further quote makes of what was known: above so many times the usual it begins or
    /// goes on, else it ends; a quote that cannot be judged changes nothing.
    pub fn after(
        held: Option<Self>,
        volume: f64,
        usual: Option<Usual>,
        above: f64,
        at: Timestamp,
    ) -> Option<Self> {
        let Some(Usual { median, days }) = usual else { return held };
        if volume <= median * above {
            return held.map(|high| Self { until: high.until.min(at), ..high });
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a cast of a float saturates, and none is negative"
        )]
        let permille = (volume / median * 1000.0).round() as u32;
        Some(Self {
            from: held.filter(|high| high.holds(at)).map_or(at, |high| high.from),
            until: at + HOLDS,
            permille,
            days: u32::try_from(days).unwrap_or(u32::MAX),
        })
    }
}

/// The reason that is said of it: `unusual volume: 2.3 times the median of 20 sessions`.
impl fmt::Display for HighVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = f64::from(self.permille) / 1000.0;
        write!(f, "unusual volume: {times:.1} times the median of {} sessions", self.days)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_day_has_ninety_six_slots() {
        for (at, expected) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-07-01T00:14:59.999Z", 0),
            ("2026-07-01T00:15:00Z", 1),
            ("2026-07-01T15:00:00Z", 60),
            ("2026-07-01T23:59:59.999Z", 95),
            ("1969-12-31T23:50:00Z", 95),
        ] {
            assert_eq!(slot(Timestamp::parse(at).unwrap()), expected, "{at}");
        }
    }

    #[test]
    fn what_is_usual_takes_five_earlier_days() {
        let history = |volumes: &[f64]| {
            let day = |at: usize| i64::try_from(at).unwrap();
            History(volumes.iter().enumerate().map(|(at, v)| (day(at), *v)).collect())
        };
        for (case, volumes, day, usual) in [
            ("nothing", &[][..], 9, None),
            ("four", &[1.0, 2.0, 3.0, 4.0], 9, None),
            ("five", &[5.0, 1.0, 3.0, 2.0, 4.0], 9, Some((3.0, 5))),
            (
                "six: between the two in the middle",
                &[1.0, 9.0, 2.0, 8.0, 3.0, 4.0],
                9,
                Some((3.5, 6)),
            ),
            ("five, but one is of the day itself", &[1.0, 2.0, 3.0, 4.0, 5.0], 4, None),
            ("nothing was traded", &[0.0; 5], 9, None),
        ] {
            let usual = usual.map(|(median, days)| Usual { median, days });
            assert_eq!(history(volumes).usual(day), usual, "{case}");
        }
    }

    #[test]
    fn more_than_so_many_times_the_usual_is_unusual_for_half_an_hour() {
        let usual = Some(Usual { median: 100.0, days: 20 });
        let high = |volume, held, at| HighVolume::after(held, volume, usual, 1.5, seconds(at));
        assert_eq!(high(150.0, None, 0), None, "not above");
        let begun = high(230.0, None, 1000).unwrap();
        assert_eq!(begun.to_string(), "unusual volume: 2.3 times the median of 20 sessions");
        for (at, holds) in [(999, false), (1000, true), (2799, true), (2800, false)] {
            assert_eq!(begun.holds(seconds(at)), holds, "{at}");
        }
        let on = high(160.0, Some(begun), 2000).unwrap();
        assert_eq!((on.from, on.until, on.permille), (seconds(1000), seconds(3800), 1600));
        let again = high(160.0, Some(begun), 9000).unwrap();
        assert_eq!(again.from, seconds(9000), "what was over does not come back");
        let ended = high(150.0, Some(on), 2500).unwrap();
        assert_eq!(ended.until, seconds(2500));
        assert!(ended.holds(seconds(2499)), "what was fetched in it was");
        assert_eq!(high(1.0, Some(ended), 5000), Some(ended));
        let unknown = HighVolume::after(Some(on), 1.0, None, 1.5, seconds(2500));
        assert_eq!(unknown, Some(on), "what cannot be judged changes nothing");
    }

    proptest! {
        #[test]
        fn a_history_holds_the_last_word_of_the_latest_twenty_days(
            said in proptest::collection::vec((0_i64..40, 1.0..9.0_f64), 0..80),
        ) {
            let mut history = History::default();
            let mut naive: std::collections::BTreeMap<i64, f64> = std::collections::BTreeMap::new();
            for (day, volume) in said {
                history = history.after(day, volume);
                naive.retain(|known, _| *known < day);
                naive.insert(day, volume);
                while naive.len() > DAYS {
                    naive.pop_first();
                }
                prop_assert_eq!(&history.0, &naive.iter().map(|(d, v)| (*d, *v)).collect::<Vec<_>>());
            }
        }
    }
}
