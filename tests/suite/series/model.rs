//! What is read out of a series is what downloading all of it afresh would give at that instant, and
//! no final bar is asked for twice but the one that proves that history is the same.
//!
//! A fixed set of cases, so that a change is judged by itself; others at random, and as many as wanted,
//! with `PROPTEST_CASES`.

use mcache::calendar::Date;
use mcache::market::{Adjust, Interval};
use mcache::policy::{Asked, Edge, Period};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError};

use crate::world::World;
use crate::world::fresh::Model;
use crate::world::shop::{Ask, Shop};
use crate::world::stock::{DAY, MINUTE, Stock, date};

/// Who is asked about.
const NAMES: [&str; 6] = ["AAPL", "SPLT", "HOLE", "GONE", "VOD.L", "BTC"];

/// Everything goes stale at once, so that every answer must be as of now.
const AS_OF_NOW: [&str; 5] =
    ["ttl.bars=1", "ttl.dividends=1", "ttl.splits=1", "ttl.adjusted_close=1", "ttl.total_return=1"];

/// Of each kind one: a plain one, one that splits and pays, one with holes and a halt, one that is
/// delisted, and one elsewhere, whose prices come late.
pub fn stocks() -> Vec<Stock> {
    let of = |name| Stock { name, place: "NMS", ..Stock::default() };
    let paying = |days: &[&str]| days.iter().map(|day| (date(day), 0.015)).collect();
    let dividends = ["2026-02-11", "2026-03-10", "2026-05-12", "2026-08-11", "2026-11-10"];
    vec![
        of("AAPL"),
        Stock {
            splits: vec![
                (date("2026-03-10"), 2.0),
                (date("2026-06-15"), 4.0),
                (date("2026-10-01"), 0.1),
            ],
            dividends: paying(&dividends),
            ..of("SPLT")
        },
        Stock {
            holes: 11,
            halted: Some(date("2026-04-07")..date("2026-04-21")),
            dividends: paying(&["2026-04-10", "2026-07-14"]),
            ..of("HOLE")
        },
        Stock { listed: Some(date("2022-01-03")..date("2026-05-20")), ..of("GONE") },
        Stock {
            place: "LSE",
            delay: 20 * MINUTE,
            splits: vec![(date("2026-09-01"), 3.0)],
            dividends: paying(&["2026-06-04", "2026-11-26"]),
            ..of("VOD.L")
        },
    ]
}

/// A request, and how much time goes by before it.
#[derive(Clone, Debug)]
struct Step {
    /// In minutes.
    later: i64,
    /// Several are asked by one process.
    asks: Vec<Wish>,
}

/// A request before it is known when it is asked.
#[derive(Clone, Debug)]
struct Wish {
    who: usize,
    interval: Interval,
    part: Part,
    adjust: Adjust,
    final_only: bool,
    refresh: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Last(&'static str),
    /// Days before now, and so many days of it; none up to now.
    Some(i64, Option<i64>),
}

fn parts() -> impl Strategy<Value = (Interval, Part)> {
    let last = |names: &'static [&'static str]| prop::sample::select(names).prop_map(Part::Last);
    let some = |most: i64| {
        (0..most, prop::option::of(0..most / 3)).prop_map(|(back, days)| Part::Some(back, days))
    };
    prop_oneof![
        3 => last(&["5d", "1mo", "3mo", "1y", "2y", "ytd"]).prop_map(|part| (Interval::Day1, part)),
        3 => some(600).prop_map(|part| (Interval::Day1, part)),
        1 => last(&["1d", "5d", "1mo"]).prop_map(|part| (Interval::Hour1, part)),
        2 => some(150).prop_map(|part| (Interval::Hour1, part)),
        1 => some(20).prop_map(|part| (Interval::Minute15, part)),
    ]
}

fn wishes(who: std::ops::Range<usize>) -> impl Strategy<Value = Wish> {
    let adjust = prop_oneof![
        3 => Just(Adjust::Splits), 1 => Just(Adjust::None), 1 => Just(Adjust::All),
    ];
    let flags = (prop::bool::weighted(0.15), prop::bool::weighted(0.1));
    (who, parts(), adjust, flags).prop_map(|(who, (interval, part), adjust, flags)| {
        let (final_only, refresh) = flags;
        Wish { who, interval, part, adjust, final_only, refresh }
    })
}

fn steps(who: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let later =
        prop_oneof![2 => 1..60_i64, 2 => 60..1440_i64, 3 => 1440..5000_i64, 2 => 5000..60_000_i64];
    let step = (later, prop::collection::vec(wishes(who), 1..4));
    prop::collection::vec(step.prop_map(|(later, asks)| Step { later, asks }), 1..9)
}

impl Wish {
    fn at(&self, now: i64) -> Ask {
        // By UTC it may be tomorrow already.
        let day = |back: i64| Edge::Day(Date::from_days(now / DAY - 1 - back));
        let asked = match self.part {
            Part::Last(period) => {
                Asked { period: Some(Period::parse(period).unwrap()), ..Asked::default() }
            }
            Part::Some(back, days) => Asked {
                from: Some(day(back)),
                to: days.map(|days| day((back - days).max(0))),
                period: None,
            },
        };
        // What is shorter than a day has no dividends.
        // Nor is asked for what has happened after it.
        let divides = matches!(NAMES[self.who], "SPLT" | "VOD.L");
        let asked = if self.interval.is_intraday() && divides {
            Asked { to: None, ..asked }
        } else {
            asked
        };
        let adjust = match self.adjust {
            Adjust::All if self.interval.is_intraday() => Adjust::Splits,
            adjust => adjust,
        };
        Ask {
            name: NAMES[self.who].to_owned(),
            interval: self.interval,
            asked,
            adjust,
            final_only: self.final_only,
            refresh: self.refresh,
        }
    }
}

/// Goes through the steps.
fn is_as_fresh(start: &str, days: i64, join_gap: u32, steps: &[Step]) -> Result<(), TestCaseError> {
    let world = World::of(stocks());
    let shop = Shop::of(&world, join_gap, &AS_OF_NOW);
    let mut model = Model::of(&world, join_gap);
    // Nothing happens 17 seconds after a full minute, nor soon.
    let mut now = date(start).days() * DAY + days * DAY + 17_000;
    for step in steps {
        now += step.later * MINUTE;
        world.go_to(now);
        let cache = shop.open(now);
        for wish in &step.asks {
            let ask = wish.at(now);
            let (answer, fetched_at) = shop.bars(&cache, &ask);
            model.compare(&ask, now, fetched_at, &answer).map_err(TestCaseError::fail)?;
            model.count(&ask).map_err(TestCaseError::fail)?;
        }
        let warnings = cache.take_warnings();
        prop_assert!(warnings.is_empty(), "{warnings:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_answer_of_a_stock_is_what_a_fresh_download_gives(
        days in 0..250_i64,
        join_gap in prop::sample::select(&[0, 10][..]),
        steps in steps(0..5),
    ) {
        is_as_fresh("2026-01-10", days, join_gap, &steps)?;
    }

    #[test]
    fn every_answer_of_a_coin_is_what_a_fresh_download_gives(
        days in 0..250_i64,
        join_gap in prop::sample::select(&[0, 10][..]),
        steps in steps(5..6),
    ) {
        is_as_fresh("2026-01-10", days, join_gap, &steps)?;
    }
}

/// 64, or as many as `PROPTEST_CASES` says.
fn config() -> Config {
    let usual = Config::default();
    let wanted = Config { max_shrink_iters: 400, failure_persistence: None, ..usual.clone() };
    if usual.cases == 256 {
        Config { cases: 64, rng_seed: RngSeed::Fixed(20_260_701), ..wanted }
    } else {
        wanted
    }
}
