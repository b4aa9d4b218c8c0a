//! A coin as Binance sells it: day and night, with outages, at most so many bars at once.

use std::ops::Range;

use mcache::market::{Bar, Interval};
use serde_json::{Value, json};

use super::stock::{DAY, part_of};
use crate::sandbox::Random;

/// The first bar there is.
const FIRST: i64 = 19_000 * DAY;

pub fn length(interval: Interval) -> i64 {
    interval.duration().map_or(DAY, |length| i64::try_from(length.as_millis()).unwrap())
}

/// The bars that begin in a span, as they are said at an instant.
pub fn download(interval: Interval, span: Range<i64>, now: i64) -> Vec<Bar> {
    let length = length(interval);
    let first = (span.start.max(FIRST) + length - 1).div_euclid(length);
    let starts = (first..).map(|place| place * length);
    starts
        .take_while(|time| *time < span.end && *time <= now)
        .filter(|time| Random(time.cast_unsigned()).below(29) != 3)
        .map(|time| {
            let mut random = Random(time.cast_unsigned());
            let part = part_of(now, time, time + length);
            let mut of =
                |most: usize| f64::from(u32::try_from(random.below(most)).unwrap()) / 100.0;
            let open = 30_000.0 + of(900_000);
            let close = open + (of(90_000) * part).round();
            let (high, low) = (open.max(close) + 1.0, open.min(close) - 1.0);
            let volume = (of(100_000) * part).round();
            let day = (interval == Interval::Day1).then(|| i32::try_from(time / DAY).unwrap());
            Bar { time, day, open, high, low, close, volume, adjusted: close }
        })
        .collect()
}

/// Binance's answer.
pub fn klines(interval: Interval, span: Range<i64>, rows: usize, now: i64) -> Value {
    let bars = download(interval, span, now);
    let text = |value: f64| format!("{value:.8}");
    let row = |bar: &Bar| {
        json!([
            bar.time,
            text(bar.open),
            text(bar.high),
            text(bar.low),
            text(bar.close),
            text(bar.volume),
            bar.time + length(interval) - 1,
            "0",
            1,
            "0",
            "0",
            "0",
        ])
    };
    bars.iter().take(rows).map(row).collect()
}

/// Whether none of these bars begins on some day of a span.
pub fn has_day_without(bars: &[Bar], span: &Range<i64>) -> bool {
    let days = span.start.div_euclid(DAY)..span.end.div_euclid(DAY);
    days.into_iter().any(|day| bars.iter().all(|bar| bar.time.div_euclid(DAY) != day))
}
