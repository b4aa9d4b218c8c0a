//! A stock as it was traded, and what may be said of it at an instant: what a download comes to.
//!
//! Everything follows from the numbers of a session, so what was said once is said again unless it
//! was not final. It knows nothing of the cache, and works out every price in its own way.

use std::ops::Range;
use std::sync::OnceLock;
use std::time::Duration;

use mcache::calendar::{Calendars, Date, Exchange, Session};
use mcache::market::{Adjust, Bar, Interval};
use mcache::time::Timestamp;

use crate::sandbox::Random;

pub const MINUTE: i64 = 60_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// How long after the next open a day is corrected: within the day that mcache allows for it.
const CORRECTED: i64 = 3 * HOUR;

/// A stock as it was traded.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    pub name: &'static str,
    /// Yahoo's name of the exchange.
    pub place: &'static str,
    /// By how much later than the exchange its prices are published.
    pub delay: i64,
    /// When it was traded; later there is nothing.
    pub listed: Option<Range<Date>>,
    /// When nothing was traded.
    pub halted: Option<Range<Date>>,
    /// Every so many sessions, and bars, one is missing.
    pub holes: u32,
    /// On which date how many shares became of one.
    pub splits: Vec<(Date, f64)>,
    /// On which date which part of the close before was paid out.
    pub dividends: Vec<(Date, f64)>,
    /// From when on all prices of before a date are said to have been so many times as high.
    pub restated: Option<(i64, Date, f64)>,
}

/// A split or a dividend as it is said at an instant.
#[derive(Clone, Copy, Debug)]
pub struct Action {
    pub at: i64,
    /// The shares of one, or the amount.
    pub value: f64,
}

pub fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

/// The sessions of New York or London.
pub fn sessions(of: Exchange) -> &'static [Session] {
    static ALL: [OnceLock<Vec<Session>>; 2] = [OnceLock::new(), OnceLock::new()];
    let is_london = of.as_str() == "XLON";
    ALL[usize::from(is_london)].get_or_init(|| {
        let place = Exchange::from_name(if is_london { "XLON" } else { "XNYS" }).unwrap();
        Calendars::default().sessions(place, date("2022-01-03"), date("2028-12-29")).collect()
    })
}

/// Numbers that follow from what they are of: from 0 to 1.
fn noise(of: &str, number: i64, salt: u64) -> f64 {
    let seed = of.bytes().fold(salt, |seed, byte| seed.wrapping_mul(31) ^ u64::from(byte));
    let mut random = Random(seed ^ number.cast_unsigned().wrapping_mul(0x9e37_79b9));
    f64::from(u32::try_from(random.below(1_000_000)).unwrap()) / 1e6
}

/// How much of a stretch of time has gone by.
pub fn part_of(now: i64, from: i64, to: i64) -> f64 {
    let length = |from: i64, to: i64| Duration::from_millis((to - from).cast_unsigned());
    length(from, now.clamp(from, to)).div_duration_f64(length(from, to))
}

fn mix(from: f64, to: f64, part: f64) -> f64 {
    from + (to - from) * part
}

/// As Yahoo sends prices.
#[expect(clippy::cast_possible_truncation, reason = "prices have seven digits")]
fn sent(price: f64) -> f64 {
    f64::from(price as f32)
}

impl Stock {
    pub fn exchange(&self) -> Exchange {
        Exchange::from_name(if self.place == "LSE" { "XLON" } else { "XNAS" }).unwrap()
    }

    fn is_traded(&self, session: &Session) -> bool {
        let is_in = |range: &Option<Range<Date>>| {
            range.as_ref().is_some_and(|range| range.contains(&session.date))
        };
        let is_hole = self.holes > 0
            && session.date.days().cast_unsigned().wrapping_mul(2_654_435_761)
                % u64::from(self.holes)
                == 3;
        (self.listed.is_none() || is_in(&self.listed)) && !is_in(&self.halted) && !is_hole
    }

    /// How many sessions of a span have no bar.
    pub fn sessions_without(&self, span: Range<i64>) -> usize {
        let all = sessions(self.exchange()).iter();
        let within = all.filter(|session| span.contains(&session.open.as_ms()));
        within.filter(|session| !self.is_traded(session)).count()
    }

    /// What was paid, and how much of it, from one instant to another of a session.
    fn paid(&self, session: &Session, number: i64, parts: Range<f64>) -> Bar {
        let of = |salt| noise(self.name, number, salt);
        let usual = 100.0 + 30.0 * (part_of(number, 0, 50_000_000_000_000) * 1000.0).sin();
        let (open, close) = (usual + of(1), usual + of(2) * 2.0);
        let (open, close) = (mix(open, close, parts.start), mix(open, close, parts.end));
        let (high, low) = (open.max(close) + of(3), open.min(close) - of(4));
        let volume = (1e6 * (1.0 + of(5)) * (parts.end - parts.start)).round();
        let day = i32::try_from(session.date.days()).ok();
        let (time, adjusted) = (session.open.as_ms(), f64::NAN);
        Bar { time, day, open, high, low, close, volume, adjusted }
    }

    /// The day of a session as it is said at an instant, in the shares of that day.
    fn day_traded(&self, at: usize, now: i64) -> Option<Bar> {
        let all = sessions(self.exchange());
        let session = all.get(at)?;
        let (open, close) = (session.open.as_ms(), session.close.as_ms());
        let seen = now - self.delay;
        if seen < open || !self.is_traded(session) {
            return None;
        }
        let part = part_of(seen, open, close);
        let mut bar = self.paid(session, open, 0.0..part);
        if part >= 1.0 && seen < all[at + 1].open.as_ms() + CORRECTED {
            // What is said first is not what is said for ever.
            bar.close *= 1.001;
            bar.high = bar.high.max(bar.close);
            bar.volume -= 100.0;
        }
        if let Some((_, _, factor)) =
            self.restated.filter(|(since, until, _)| *since <= now && session.date < *until)
        {
            for price in [&mut bar.open, &mut bar.high, &mut bar.low, &mut bar.close] {
                *price *= factor;
            }
        }
        Some(bar)
    }

    fn place_of(&self, on: Date) -> usize {
        sessions(self.exchange()).partition_point(|session| session.date < on)
    }

    fn opens(&self, on: Date) -> i64 {
        sessions(self.exchange())[self.place_of(on)].open.as_ms()
    }

    /// How many shares became of one of an instant until another.
    fn ratio(&self, from: i64, until: i64) -> f64 {
        let splits = self.splits.iter().map(|(on, ratio)| (self.opens(*on), ratio));
        splits.filter(|(at, _)| from < *at && *at <= until).map(|(_, ratio)| ratio).product()
    }

    /// What is left of a close of a session by what was paid out after it.
    fn left(&self, at: usize, now: i64) -> f64 {
        let paid = self
            .dividends
            .iter()
            .filter(|(on, _)| self.opens(*on) <= now && at < self.place_of(*on));
        paid.map(|(_, part)| 1.0 - part).product()
    }

    /// The splits that have been, by an instant.
    pub fn splits_at(&self, now: i64) -> Vec<Action> {
        let splits = self.splits.iter().map(|(on, value)| (self.opens(*on), *value));
        let past = splits.filter(|(at, _)| *at <= now);
        past.map(|(at, value)| Action { at, value }).collect()
    }

    /// What has been paid out by an instant, for a share of then.
    pub fn dividends_at(&self, now: i64) -> Vec<Action> {
        let past = self.dividends.iter().filter(|(on, _)| self.opens(*on) <= now);
        past.filter_map(|(on, part)| {
            let place = self.place_of(*on);
            let before = (0..place).rev().find_map(|at| self.day_traded(at, now))?;
            let value = before.close * part / self.ratio(before.time, now);
            Some(Action { at: self.opens(*on), value })
        })
        .collect()
    }

    /// A bar of then as it is said now, or read as it is wanted.
    fn said(&self, bar: Bar, adjusted: f64, now: i64, how: Adjust) -> Bar {
        let ratio = self.ratio(bar.time, now);
        let part = if how == Adjust::All { adjusted } else { 1.0 };
        let shares = if how == Adjust::None { 1.0 } else { ratio };
        let price = |price: f64| sent(price / shares * part);
        Bar {
            open: price(bar.open),
            high: price(bar.high),
            low: price(bar.low),
            close: price(bar.close),
            volume: bar.volume * shares,
            adjusted: sent(bar.close / ratio * adjusted),
            ..bar
        }
    }

    /// The bars that begin in a span, as a download of them at an instant gives them.
    pub fn download(
        &self,
        interval: Interval,
        span: Range<i64>,
        now: i64,
        how: Adjust,
    ) -> Vec<Bar> {
        let all = sessions(self.exchange());
        let from = all.partition_point(|session| session.close.as_ms() <= span.start);
        let to = all.partition_point(|session| session.open.as_ms() < span.end);
        let bars = (from..to.max(from)).flat_map(|at| match interval.duration() {
            None => {
                let left = self.left(at, now);
                let bar = self.day_traded(at, now);
                bar.map(|bar| self.said(bar, left, now, how)).into_iter().collect()
            }
            Some(length) => {
                let length = i64::try_from(length.as_millis()).unwrap();
                self.stretches(&all[at], length, now, how)
            }
        });
        bars.filter(|bar| span.contains(&bar.time)).collect()
    }

    /// The bars of a session that are shorter than it.
    fn stretches(&self, session: &Session, length: i64, now: i64, how: Adjust) -> Vec<Bar> {
        let (open, close) = (session.open.as_ms(), session.close.as_ms());
        let seen = now - self.delay;
        let starts = (0..).map(|place| open + place * length).take_while(|at| *at < close);
        let is_there = |at: &i64| {
            let is_hole = self.holes > 0 && noise(self.name, *at, 9) * f64::from(self.holes) < 1.0;
            *at <= seen && self.is_traded(session) && !is_hole
        };
        starts
            .filter(is_there)
            .map(|at| {
                let end = (at + length).min(close);
                let part = part_of(seen, at, end);
                let bar = Bar { time: at, day: None, ..self.paid(session, at, 0.0..part) };
                Bar { adjusted: f64::NAN, ..self.said(bar, 1.0, now, how) }
            })
            .collect()
    }

    /// From when on a bar that begins at an instant does not change any more: a day, a day after the
    /// next open.
    pub fn final_at(&self, interval: Interval, begin: i64) -> i64 {
        let length = interval.duration();
        let settled = if let Some(length) = length {
            begin + i64::try_from(length.as_millis()).unwrap()
        } else {
            let all = sessions(self.exchange());
            let next = all.partition_point(|session| session.open.as_ms() <= begin);
            all[next].open.as_ms() + DAY
        };
        settled + self.delay
    }

    /// When a bar is over that begins at an instant.
    pub fn ends_at(&self, interval: Interval, begin: i64) -> i64 {
        let all = sessions(self.exchange());
        let next = all.partition_point(|session| session.open.as_ms() <= begin);
        let close = all[next - 1].close.as_ms();
        let length = interval.duration().map(|length| i64::try_from(length.as_millis()).unwrap());
        length.map_or(close, |length| close.min(begin + length))
    }

    /// The last instant of a session at which it was traded, by what is seen now; and that session.
    pub fn last_trade(&self, now: i64) -> Option<(i64, Session)> {
        let all = sessions(self.exchange());
        let seen = now - self.delay;
        let begun = all.partition_point(|session| session.open.as_ms() <= seen);
        let session = all[..begun].iter().rev().find(|session| self.is_traded(session))?;
        Some((seen.min(session.close.as_ms()), *session))
    }
}

/// Now, as an instant.
pub fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(ms)
}
