//! When bars begin, and on which date: mostly nothing but that the next one follows. It knows
//! weekdays, and no holidays.

use super::stream::{Reader, Writer};
use crate::codec::Damage;
use crate::market::Bars;

const UNDATED: u8 = 0;
/// Dated, and every day is expected to follow.
const DAILY: u8 = 1;
/// Dated, and every Monday to Friday is expected to follow.
const WEEKDAYS: u8 = 2;

const DAY_MS: i64 = 86_400_000;

pub(super) fn write(bars: &Bars, to: &mut Writer) {
    if bars.days.len() != bars.times.len() {
        to.byte(UNDATED);
        write_steps(&bars.times, to);
        return;
    }
    let days: Vec<i64> = bars.days.iter().map(|day| i64::from(*day)).collect();
    let (daily, weekdays) = (surprises(&days, DAILY), surprises(&days, WEEKDAYS));
    let expected = |surprises: &[i64]| surprises.iter().filter(|by| **by == 0).count();
    let (rule, surprises) =
        if expected(&weekdays) > expected(&daily) { (WEEKDAYS, weekdays) } else { (DAILY, daily) };
    to.byte(rule);
    to.signed(days[0]);
    to.integers(&surprises);
    let hours: Vec<i64> = bars
        .times
        .iter()
        .zip(&days)
        .map(|(time, day)| time.wrapping_sub(day.wrapping_mul(DAY_MS)))
        .collect();
    write_steps(&hours, to);
}

pub(super) fn read(bars: &mut Bars, count: usize, from: &mut Reader<'_>) -> Result<(), Damage> {
    let rule = from.byte()?;
    if rule > WEEKDAYS {
        return Err(Damage);
    }
    if rule == UNDATED {
        bars.times = read_steps(count, from)?;
        return Ok(());
    }
    let mut day = from.signed()?;
    let surprises = from.integers(count - 1)?;
    let narrow = |day: i64| i32::try_from(day).map_err(|_| Damage);
    bars.days = vec![narrow(day)?; count];
    let mut weekday = weekday_of(day);
    for (at, surprise) in bars.days[1..].iter_mut().zip(surprises) {
        day = following(day, weekday, rule);
        weekday = if weekday == 6 || passed_over(weekday, rule) { 0 } else { weekday + 1 };
        // Seldom, and the remainder of a division takes longer than all the rest.
        if surprise != 0 {
            day = day.wrapping_add(surprise);
            weekday = weekday_of(narrow(day)?.into());
        }
        *at = narrow(day)?;
    }
    bars.times = read_steps(count, from)?;
    for (time, day) in bars.times.iter_mut().zip(&bars.days) {
        *time = time.wrapping_add(i64::from(*day) * DAY_MS);
    }
    Ok(())
}

/// By how much each day but the first is not the one that was expected.
fn surprises(days: &[i64], rule: u8) -> Vec<i64> {
    let next = |day: i64| following(day, weekday_of(day), rule);
    days.windows(2).map(|pair| pair[1] - next(pair[0])).collect()
}

/// 0 for Monday; the first day of the epoch was a Thursday.
fn weekday_of(day: i64) -> i64 {
    (day + 3).rem_euclid(7)
}

/// The day that is expected after another, which is one that a date can have.
fn following(day: i64, weekday: i64, rule: u8) -> i64 {
    if passed_over(weekday, rule) { day + 7 - weekday } else { day + 1 }
}

/// Whether the days after this weekday are passed over, up to Monday.
fn passed_over(weekday: i64, rule: u8) -> bool {
    rule == WEEKDAYS && (weekday == 4 || weekday == 5)
}

/// The first, and from each to the next.
fn write_steps(values: &[i64], to: &mut Writer) {
    to.signed(values[0]);
    let steps: Vec<i64> = values.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    to.integers(&steps);
}

fn read_steps(count: usize, from: &mut Reader<'_>) -> Result<Vec<i64>, Damage> {
    let mut value = from.signed()?;
    let steps = from.integers(count - 1)?;
    let mut values = Vec::with_capacity(count);
    values.push(value);
    // Not a push for each: that asks each time whether there is room.
    values.extend(steps.iter().map(|step| {
        value = value.wrapping_add(*step);
        value
    }));
    Ok(values)
}
