//! What downloading everything afresh comes to, and whether an answer is that.

use std::collections::{BTreeMap, BTreeSet};

use mcache::calendar::Date;
use mcache::market::{Adjust, Bar, BarSeries, Interval};

use super::shop::Ask;
use super::stock::{DAY, at};
use super::{World, coin};

/// By how much two numbers may differ that mean the same.
const PRECISION: f64 = 1e-5;

/// Says why something does not hold, if it does not.
macro_rules! ensure {
    ($holds:expr, $why:expr) => {
        if !$holds {
            return Err($why());
        }
    };
}

/// All that is known without a cache.
pub struct Model<'a> {
    world: &'a World,
    /// The final bars that were delivered, by what they are of.
    delivered: BTreeMap<(String, Interval), BTreeSet<i64>>,
    /// When what was asked about a split was asked for anew: once.
    excused: BTreeMap<(String, Interval, Date), i64>,
    /// What was asked of upstream that has been looked at.
    seen: usize,
    join_gap: u32,
}

impl<'a> Model<'a> {
    pub fn of(world: &'a World, join_gap: u32) -> Self {
        let (delivered, excused) = (BTreeMap::new(), BTreeMap::new());
        Self { world, delivered, excused, seen: 0, join_gap }
    }

    fn download(&self, ask: &Ask, now: i64) -> Vec<Bar> {
        let span = ask.span(now);
        let span = span.start().as_ms()..span.end().as_ms();
        let bars = if ask.name == "BTC" {
            coin::download(ask.interval, span, now)
        } else {
            self.world.stock(&ask.name).download(ask.interval, span, now, ask.adjust)
        };
        let is_wanted =
            |bar: &Bar| !ask.final_only || self.is_final(&ask.name, ask.interval, bar.time, now);
        bars.into_iter().filter(is_wanted).collect()
    }

    /// Whether a stock pays dividends.
    fn pays(&self, name: &str) -> bool {
        name != "BTC" && !self.world.stock(name).dividends.is_empty()
    }

    fn is_final(&self, name: &str, interval: Interval, begin: i64, now: i64) -> bool {
        if name.starts_with("BTC") {
            let settled = begin + coin::length(interval);
            return settled + if interval == Interval::Day1 { DAY } else { 0 } <= now;
        }
        self.world.stock(name).final_at(interval, begin) <= now
    }

    fn ends_at(&self, name: &str, interval: Interval, begin: i64) -> i64 {
        if name == "BTC" {
            return begin + coin::length(interval);
        }
        self.world.stock(name).ends_at(interval, begin)
    }

    /// Compares an answer with the download.
    pub fn compare(
        &self,
        ask: &Ask,
        now: i64,
        fetched_at: i64,
        answer: &BarSeries,
    ) -> Result<(), String> {
        let mut fresh = self.download(ask, now);
        if ask.final_only {
            // While a market is closed nobody is asked only because something came to be final.
            let was_final =
                |bar: &Bar| self.is_final(&ask.name, ask.interval, bar.time, fetched_at);
            while fresh.len() > answer.bars.len() && fresh.pop_if(|bar| !was_final(bar)).is_some() {
            }
        }
        let what = || format!("{ask:?} at {}", at(now));
        let times = |bars: &[Bar]| bars.iter().map(|bar| at(bar.time)).collect::<Vec<_>>();
        let held: Vec<Bar> = (0..answer.bars.len()).map(|place| answer.bars.bar(place)).collect();
        let (told, wanted) = (times(&held), times(&fresh));
        ensure!(told == wanted, || format!("{}: {told:?}, not {wanted:?}", what()));
        for (place, (held, fresh)) in held.iter().zip(&fresh).enumerate() {
            let mut pairs = vec![
                (held.open, fresh.open),
                (held.high, fresh.high),
                (held.low, fresh.low),
                (held.close, fresh.close),
                (held.volume, fresh.volume),
            ];
            if !ask.interval.is_intraday() {
                pairs.push((held.adjusted, fresh.adjusted));
            }
            for (held_value, fresh_value) in pairs {
                // What a dividend has left is not known without the close before it.
                let is_unknown =
                    held.adjusted.is_nan() && !ask.interval.is_intraday() && self.pays(&ask.name);
                let is_near =
                    is_unknown || (held_value - fresh_value).abs() <= PRECISION * fresh_value.abs();
                ensure!(is_near, || format!("{}: {held:?}, not {fresh:?}", what()));
            }
            ensure!(held.day == fresh.day, || format!("{}: {:?}", what(), held.day));
            let (begin, of) = (fresh.time, ask.name.as_str());
            if place < answer.finals {
                let is_final = self.is_final(of, ask.interval, begin, now);
                ensure!(is_final, || format!("{}: not final: {fresh:?}", what()));
            }
            let has_ended = self.ends_at(of, ask.interval, begin) <= now;
            ensure!((place < answer.ended) == has_ended, || {
                format!("{}: has ended: {has_ended}: {fresh:?}", what())
            });
        }
        ensure!(answer.missing.is_empty(), || format!("{}: {:?}", what(), answer.missing));
        Ok(())
    }

    /// Looks at what was asked of upstream since, by questions such as this one.
    pub fn count(&mut self, ask: &Ask) -> Result<(), String> {
        let all = self.world.asked();
        for asked in &all[self.seen..] {
            let name = if asked.name == "BTCUSDT" { "BTC" } else { asked.name.as_str() };
            let bars = if name == "BTC" {
                coin::download(asked.interval, asked.span.clone(), asked.at)
            } else {
                let stock = self.world.stock(name);
                stock.download(asked.interval, asked.span.clone(), asked.at, Adjust::Splits)
            };
            let key = (name.to_owned(), asked.interval);
            let delivered = self.delivered.get(&key);
            let again = |bar: &&Bar| delivered.is_some_and(|known| known.contains(&bar.time));
            let again = bars.iter().filter(again).count();
            // What there was nothing of is asked for anew in as few requests as will do.
            let has_hollow = ask.refresh
                && match name {
                    "BTC" => coin::has_day_without(&bars, &asked.span),
                    name => self.world.stock(name).sessions_without(asked.span.clone()) > 0,
                };
            let most = 1 + usize::try_from(self.join_gap).unwrap() * 4;
            if again > most && !has_hollow {
                // What came without an overlap hours before a split may or may not have it: it is
                // asked for anew once the split is told.
                let was_about = |day: &Date| {
                    let split = day.days() * DAY + DAY / 2;
                    all.iter().any(|of| of.name == name && (split - of.at).abs() < 2 * DAY)
                };
                let splits = if name == "BTC" { vec![] } else { self.world.stock(name).splits };
                let of = |day| (name.to_owned(), asked.interval, day);
                let mut days = splits.into_iter().map(|(day, _)| day).filter(was_about);
                let is_new =
                    |day: &Date| self.excused.get(&of(*day)).is_none_or(|at| *at == asked.at);
                let excuse = days.find(is_new);
                ensure!(excuse.is_some(), || {
                    format!("{again} final bars were asked for again: {asked:?}")
                });
                self.excused.extend(excuse.map(|day| (of(day), asked.at)));
            }
            let finals: Vec<i64> = bars
                .iter()
                .map(|bar| bar.time)
                .filter(|time| self.is_final(name, asked.interval, *time, asked.at))
                .collect();
            self.delivered.entry(key).or_default().extend(finals);
        }
        self.seen = all.len();
        Ok(())
    }
}
