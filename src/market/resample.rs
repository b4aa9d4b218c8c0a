//! Weeks and months, made from days.
//!
//! They are made when they are read and never stored, from days that are adjusted already: a split
//! in the middle of a week would tear its bar.

use std::ops::Range;

use super::{Bar, Bars, Interval};
use crate::time::{Timestamp, Zone};

/// Bars of a longer interval, and how settled they are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resampled {
    /// The bars. Each begins when its first session does; its day is the Monday of the week, or the
    /// first of the month.
    pub bars: Bars,
    /// How many of them are final.
    pub finals: usize,
    /// How many of them have ended, final or not.
    pub ended: usize,
}

/// Makes weeks or months of days, of which so many are final and so many have ended; of any other
/// interval it gives the bars as they are.
///
/// `is_over` says whether the time before a date, in days since 1970-01-01, has passed at the
/// exchange; it is asked only for the first day after the last week or month, as an earlier one is
/// over when there is a later bar. A week is final when it is over and each of its days is final.
pub fn resample(
    daily: &Bars,
    finals: usize,
    ended: usize,
    to: Interval,
    is_over: &dyn Fn(i32) -> bool,
) -> Resampled {
    let is_longer = matches!(to, Interval::Week1 | Interval::Month1);
    if !is_longer || daily.days.len() != daily.len() {
        return Resampled { bars: daily.clone(), finals, ended };
    }
    let mut made = Resampled::default();
    let mut start = 0;
    while let Some(day) = daily.days.get(start) {
        let period = period(*day, to);
        let others = daily.days[start + 1..].iter();
        let end = start + 1 + others.take_while(|day| period.contains(day)).count();
        let has_ended = end < daily.len() || is_over(period.end);
        made.finals += usize::from(has_ended && end <= finals);
        made.ended += usize::from(has_ended && end <= ended);
        made.bars.push(joined(daily, start..end, period.start));
        start = end;
    }
    made
}

/// The week or the month of a day.
fn period(day: i32, of: Interval) -> Range<i32> {
    if of == Interval::Week1 {
        // 1970-01-01 was a Thursday, three days after a Monday.
        let monday = day.saturating_sub(day.saturating_add(3).rem_euclid(7));
        return monday..monday.saturating_add(7);
    }
    let midnight = Timestamp::from_ms(i64::from(day) * 86_400_000);
    let (month, next) = Zone::UTC.month(midnight);
    let day_of = |instant: Timestamp| i32::try_from(instant.day()).unwrap_or(i32::MAX);
    let first = Timestamp::from_date(&format!("{month}-01")).map_or(day, day_of);
    first..day_of(next)
}

/// The values of a column that are not missing.
fn known(column: &[f64]) -> impl Iterator<Item = f64> {
    column.iter().copied().filter(|value| !value.is_nan())
}

/// One bar of several.
///
/// # Panics
///
/// If there are not so many, or it is of none.
fn joined(daily: &Bars, places: Range<usize>, day: i32) -> Bar {
    let last = places.end - 1;
    Bar {
        time: daily.times[places.start],
        day: Some(day),
        open: known(&daily.open[places.clone()]).next().unwrap_or(f64::NAN),
        high: known(&daily.high[places.clone()]).reduce(f64::max).unwrap_or(f64::NAN),
        low: known(&daily.low[places.clone()]).reduce(f64::min).unwrap_or(f64::NAN),
        close: daily.close[last],
        volume: known(&daily.volume[places]).reduce(|sum, one| sum + one).unwrap_or(f64::NAN),
        adjusted: daily.adjusted[last],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day_of(date: &str) -> i32 {
        i32::try_from(Timestamp::from_date(date).unwrap().day()).unwrap()
    }

    fn bar(day: i32, price: f64) -> Bar {
        Bar {
            time: i64::from(day) * 86_400_000 + 52_200_000,
            day: Some(day),
            open: price,
            high: price + 2.0,
            low: price - 2.0,
            close: price + 1.0,
            volume: 10.0,
            adjusted: price / 2.0,
        }
    }

    fn bars(all: impl IntoIterator<Item = Bar>) -> Bars {
        let mut bars = Bars::default();
        all.into_iter().for_each(|bar| bars.push(bar));
        bars
    }

    #[test]
    fn a_week_begins_on_monday_and_a_month_on_its_first_day() {
        for (date, monday, first, next) in [
            ("2026-07-01", "2026-06-29", "2026-07-01", "2026-08-01"),
            ("2026-06-29", "2026-06-29", "2026-06-01", "2026-07-01"),
            ("2026-07-05", "2026-06-29", "2026-07-01", "2026-08-01"),
            ("2024-02-29", "2024-02-26", "2024-02-01", "2024-03-01"),
            ("2026-12-31", "2026-12-28", "2026-12-01", "2027-01-01"),
            ("1962-01-02", "1962-01-01", "1962-01-01", "1962-02-01"),
        ] {
            let day = day_of(date);
            assert_eq!(period(day, Interval::Week1), day_of(monday)..day_of(monday) + 7, "{date}");
            assert_eq!(period(day, Interval::Month1), day_of(first)..day_of(next), "{date}");
        }
    }

    #[test]
    fn a_week_is_what_its_days_were() {
        // Friday; Tuesday to Thursday after a holiday.
        let friday = day_of("2026-07-03");
        let mut tuesday = bar(friday + 4, 20.0);
        tuesday.open = f64::NAN;
        tuesday.volume = f64::NAN;
        let wednesday = Bar { high: f64::NAN, ..bar(friday + 5, 30.0) };
        let thursday = Bar { low: f64::NAN, ..bar(friday + 6, 10.0) };
        let daily = bars([bar(friday, 5.0), tuesday, wednesday, thursday]);
        let made = resample(&daily, 4, 4, Interval::Week1, &|_| true);
        let week = Bar {
            time: tuesday.time,
            day: Some(friday + 3),
            open: 30.0,
            high: 22.0,
            low: 18.0,
            close: 11.0,
            volume: 20.0,
            adjusted: 5.0,
        };
        assert_eq!(made.bars, bars([Bar { day: Some(friday - 4), ..bar(friday, 5.0) }, week]));
        assert_eq!((made.finals, made.ended), (2, 2));
    }

    #[test]
    fn what_nobody_sent_of_a_week_is_missing_in_it() {
        let nothing = f64::NAN;
        let day =
            Bar { open: nothing, high: nothing, low: nothing, volume: nothing, ..bar(4, 9.0) };
        let week =
            resample(&bars([day, Bar { day: Some(5), ..day }]), 0, 0, Interval::Week1, &|_| true);
        let week = week.bars.bar(0);
        assert!([week.open, week.high, week.low, week.volume].iter().all(|value| value.is_nan()));
    }

    #[test]
    fn a_week_is_as_settled_as_its_least_settled_day_and_lives_until_it_is_over() {
        let monday = day_of("2026-06-29");
        let daily = bars((0..4).map(|at| bar(monday + 3 + at * 2, 10.0)));
        // Thursday and Saturday; Monday and Wednesday of the next week.
        for (finals, ended, is_over, expected) in [
            (4, 4, true, (2, 2)),
            (4, 4, false, (1, 1)),
            (3, 4, true, (1, 2)),
            (2, 3, true, (1, 1)),
            (1, 2, true, (0, 1)),
            (0, 0, true, (0, 0)),
        ] {
            let asked = std::cell::RefCell::new(Vec::new());
            let made = resample(&daily, finals, ended, Interval::Week1, &|day| {
                asked.borrow_mut().push(day);
                is_over
            });
            assert_eq!((made.finals, made.ended), expected, "{finals} {ended} {is_over}");
            assert_eq!(*asked.borrow(), [monday + 14]);
        }
    }

    #[test]
    fn other_intervals_are_left_as_they_are_and_nothing_stays_nothing() {
        let daily = bars([bar(1, 2.0), bar(2, 3.0)]);
        let made = resample(&daily, 1, 2, Interval::Day1, &|_| false);
        assert_eq!(made, Resampled { bars: daily, finals: 1, ended: 2 });
        let none = resample(&Bars::default(), 0, 0, Interval::Month1, &|_| true);
        assert_eq!(none, Resampled::default());
    }

    /// A day's key in a calendar that knows nothing of ours.
    fn key(day: i32, to: Interval) -> (i16, i8) {
        let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
        match to {
            Interval::Week1 => (date.iso_week_date().year(), date.iso_week_date().week()),
            _ => (date.year(), date.month()),
        }
    }

    proptest! {
        #[test]
        fn weeks_and_months_are_those_of_a_naive_model(
            first in -200_000..200_000_i32,
            rows in prop::collection::vec((1..9_i32, prop::array::uniform6(1.0..100.0)), 1..80),
            missing in prop::collection::vec((0..80_usize, 0..4_usize), 0..40),
            to in prop::sample::select(vec![Interval::Week1, Interval::Month1]),
            settled in (0..81_usize, 0..81_usize),
            is_over: bool,
        ) {
            let mut day = first;
            let mut daily = bars(rows.into_iter().map(|(later, values)| {
                day += later;
                let [open, high, low, close, volume, adjusted] = values;
                Bar { open, high, low, close, volume, adjusted, ..bar(day, 0.0) }
            }));
            let many = daily.len();
            for (at, column) in missing {
                let Bars { open, high, low, volume, .. } = &mut daily;
                [open, high, low, volume][column][at % many] = f64::NAN;
            }
            let ended = settled.0.min(many);
            let finals = settled.1.min(ended);
            let made = resample(&daily, finals, ended, to, &|_| is_over);

            let keys: Vec<_> = daily.days.iter().map(|day| key(*day, to)).collect();
            let mut place = 0;
            for at in 0..made.bars.len() {
                let of: Vec<usize> = (0..many).filter(|day| keys[*day] == keys[place]).collect();
                let last = *of.last().unwrap();
                let seen = |column: &[f64]| -> Vec<f64> {
                    of.iter().map(|day| column[*day]).filter(|value| !value.is_nan()).collect()
                };
                let of_all = |values: Vec<f64>, by: fn(f64, f64) -> f64| {
                    values.into_iter().reduce(by).unwrap_or(f64::NAN)
                };
                let begin = made.bars.days[at];
                prop_assert!(begin <= daily.days[place] && key(begin, to) == keys[place]);
                prop_assert!(key(begin - 1, to) != keys[place]);
                let expected = Bar {
                    time: daily.times[place],
                    day: Some(begin),
                    open: seen(&daily.open).first().copied().unwrap_or(f64::NAN),
                    high: of_all(seen(&daily.high), f64::max),
                    low: of_all(seen(&daily.low), f64::min),
                    close: daily.close[last],
                    volume: of_all(seen(&daily.volume), |a, b| a + b),
                    adjusted: daily.adjusted[last],
                };
                prop_assert_eq!(made.bars.bar(at), expected);
                let is_past = last + 1 < many || is_over;
                prop_assert_eq!(at < made.finals, is_past && last < finals);
                prop_assert_eq!(at < made.ended, is_past && last < ended);
                place = last + 1;
            }
            prop_assert_eq!(place, many);
        }

        #[test]
        fn days_that_cannot_be_do_no_harm(days in prop::collection::vec(any::<i32>(), 0..9)) {
            let daily = bars(days.into_iter().map(|day| Bar { time: 0, day: Some(day), ..bar(0, 1.0) }));
            for to in [Interval::Week1, Interval::Month1] {
                let made = resample(&daily, 99, 99, to, &|_| true);
                prop_assert!(made.bars.len() <= daily.len() && made.ended == made.bars.len());
            }
        }
    }
}
