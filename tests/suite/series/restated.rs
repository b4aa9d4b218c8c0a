//! History that upstream tells otherwise than it did is fetched anew, and what splits is not taken
//! for that.

use mcache::cache::Cache;
use mcache::market::Adjust;
use mcache::policy::{Asked, Edge, Period};
use mcache::time::Timestamp;

use crate::world::World;
use crate::world::fresh::Model;
use crate::world::shop::{Ask, Shop};
use crate::world::stock::{Stock, date};

fn ms(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().as_ms()
}

/// Asks at an instant; the answer must be what a fresh download gives.
fn asked(world: &World, shop: &Shop, ask: &Ask, now: i64) -> Cache {
    world.go_to(now);
    let cache = shop.open(now);
    let (answer, fetched_at) = shop.bars(&cache, ask);
    Model::of(world, 10).compare(ask, now, fetched_at, &answer).unwrap();
    cache
}

/// How often a history was found to be another.
fn times_restated(cache: &Cache) -> i64 {
    let report = cache.report(None, &[], &|_| 0.0);
    report.invalidations.get("restated").copied().unwrap_or(0)
}

#[test]
fn a_history_that_is_told_otherwise_is_fetched_anew_and_counted() {
    let changed = ms("2026-06-30T12:00:00Z");
    let restated = Some((changed, date("2026-06-26"), 1.01));
    let world = World::of(vec![Stock { name: "AAPL", place: "NMS", restated, ..Stock::default() }]);
    let shop = Shop::of(&world, 10, &[]);
    let year = Ask::days("AAPL", Asked { period: Some(Period::Years(1)), ..Asked::default() });
    let cache = asked(&world, &shop, &year, ms("2026-06-25T21:00:17Z"));
    assert_eq!((world.asked().len(), times_restated(&cache)), (1, 0));
    let cache = asked(&world, &shop, &year, ms("2026-06-29T21:00:17Z"));
    assert_eq!((world.asked().len(), times_restated(&cache)), (2, 0));
    // Now all before the 26th is told to have been a percent higher.
    world.change("AAPL", |stock| stock.restated = Some((changed, date("2026-07-15"), 1.01)));
    let cache = asked(&world, &shop, &year, ms("2026-06-30T21:00:17Z"));
    assert_eq!(times_restated(&cache), 1);
    // What is asked for then is all of it, once.
    let asked_for = world.asked();
    let all = asked_for.last().unwrap();
    assert_eq!(asked_for.len(), 4);
    assert!(all.span.start <= ms("2025-07-01T00:00:00Z"), "{all:?}");
    // What was told otherwise stands for good.
    asked(&world, &shop, &year, ms("2026-06-30T21:10:17Z"));
    assert_eq!(world.asked().len(), 4);
}

#[test]
fn a_part_that_is_not_wanted_is_not_fetched_anew_though_all_is_given_up() {
    let changed = ms("2026-06-30T12:00:00Z");
    let world = World::of(vec![Stock { name: "AAPL", place: "NMS", ..Stock::default() }]);
    let shop = Shop::of(&world, 10, &[]);
    let of = |from: &str| {
        let from = Some(Edge::Day(date(from)));
        Ask::days("AAPL", Asked { from, ..Asked::default() })
    };
    asked(&world, &shop, &of("2024-01-02"), ms("2026-06-25T21:00:17Z"));
    world.change("AAPL", |stock| stock.restated = Some((changed, date("2026-07-15"), 0.5)));
    let cache = asked(&world, &shop, &of("2026-06-01"), ms("2026-06-30T21:00:17Z"));
    assert_eq!(times_restated(&cache), 1);
    // Nothing of the history that was given up is read any more.
    asked(&world, &shop, &of("2024-01-02"), ms("2026-07-01T21:00:17Z"));
}

#[test]
fn a_split_is_no_other_history() {
    let splits = vec![(date("2026-06-15"), 4.0), (date("2026-06-23"), 0.5)];
    let world = World::of(vec![Stock { name: "SPLT", place: "NMS", splits, ..Stock::default() }]);
    let shop = Shop::of(&world, 10, &[]);
    let year = Ask::days("SPLT", Asked { period: Some(Period::Years(1)), ..Asked::default() });
    for (calls, day) in (1..).zip(10..27).filter(|(_, day)| day % 7 < 6) {
        let cache = asked(&world, &shop, &year, ms(&format!("2026-06-{day}T21:00:17Z")));
        assert_eq!(times_restated(&cache), 0, "after {calls} calls");
    }
}

#[test]
fn what_was_paid_since_shows_beside_prices_as_they_were_paid() {
    let dividends = vec![(date("2026-07-14"), 0.015)];
    let world =
        World::of(vec![Stock { name: "PAYS", place: "NMS", dividends, ..Stock::default() }]);
    let shop = Shop::of(&world, 10, &[]);
    let year = Ask::days("PAYS", Asked { period: Some(Period::Years(1)), ..Asked::default() });
    asked(&world, &shop, &year, ms("2026-06-12T21:00:17Z"));
    let day = Some(Edge::Day(date("2026-01-22")));
    let past = Ask::days("PAYS", Asked { from: day, to: day, ..Asked::default() });
    let past = Ask { adjust: Adjust::None, ..past };
    asked(&world, &shop, &past, ms("2026-07-14T13:30:17Z"));
    assert_eq!(world.asked().len(), 2, "for what has happened since");
    asked(&world, &shop, &past, ms("2026-07-15T13:30:17Z"));
    assert_eq!(world.asked().len(), 2, "it is known for its time to live");
}

#[test]
fn what_split_where_nothing_is_held_counts_for_all_before_it() {
    let splits = vec![(date("2026-03-10"), 2.0)];
    let world = World::of(vec![Stock { name: "SPLT", place: "NMS", splits, ..Stock::default() }]);
    let shop = Shop::of(&world, 0, &[]);
    let last = |period: &str| {
        let period = Some(Period::parse(period).unwrap());
        Ask::days("SPLT", Asked { period, ..Asked::default() })
    };
    let (from, to) = (Edge::Day(date("2026-02-02")), Edge::Day(date("2026-02-10")));
    let february = Ask::days("SPLT", Asked { from: Some(from), to: Some(to), period: None });
    let evening = |day: &str| ms(&format!("{day}T22:00:17Z"));
    for (case, between) in [("a closed part", &february), ("all of it", &last("3mo"))] {
        let shop = &Shop::of(&world, 0, &[]);
        let before = world.asked().len();
        asked(&world, shop, &last("3mo"), evening("2026-03-04"));
        // Nobody asks for the day of the split.
        asked(&world, shop, &last("5d"), evening("2026-04-20"));
        let cache = asked(&world, shop, between, evening("2026-04-20"));
        assert_eq!(times_restated(&cache), 0, "{case}: a split is no other history");
        asked(&world, shop, between, evening("2026-04-20"));
        assert_eq!(world.asked().len() - before, 3, "{case}: nothing is asked for twice");
    }
    let as_paid = Ask { adjust: Adjust::None, ..february };
    asked(&world, &shop, &last("3mo"), evening("2026-03-04"));
    asked(&world, &shop, &last("5d"), evening("2026-04-20"));
    asked(&world, &shop, &as_paid, evening("2026-04-20"));
}
