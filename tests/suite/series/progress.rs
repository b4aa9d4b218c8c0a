//! Whoever waits for a series that takes many requests is told of each page that was kept, and of
//! how many there will be.

use mcache::cache::Filled;
use mcache::market::Interval;
use mcache::policy::{Asked, Edge};
use mcache::time::Timestamp;

use crate::world::World;
use crate::world::shop::{Ask, Shop};
use crate::world::stock::{Stock, at};

/// Of which one request gives a thousand.
const MINUTE: i64 = 60_000;

/// 2026-07-01T15:00:00Z.
const NOW: i64 = 1_782_918_000_000;

/// The minutes of a coin, from so many before now to so many before now.
fn minutes(from: i64, to: i64) -> Ask {
    let instant = |before: i64| Some(Edge::Instant(at(NOW - before * MINUTE)));
    let asked = Asked { from: instant(from), to: instant(to), period: None };
    Ask { interval: Interval::Minute1, ..Ask::days("BTC", asked) }
}

/// A cache in front of an upstream that has a coin and a stock.
fn shop() -> (World, Shop) {
    let world = World::of(vec![Stock { name: "AAPL", place: "NMS", ..Stock::default() }]);
    world.go_to(NOW);
    let shop = Shop::of(&world, 10, &[]);
    (world, shop)
}

/// The pages that one question is told of, out of so many.
fn pages(index: usize, of: u32) -> Vec<(usize, Filled)> {
    (1..=of).map(|pages| (index, Filled { pages, of })).collect()
}

#[test]
fn each_page_of_a_long_series_is_told_in_order_with_how_many_there_will_be() {
    assert_eq!(Timestamp::parse("2026-07-01T15:00:00Z").unwrap(), at(NOW));
    // Each page after the first begins with a bar that is held: 999 minutes of it are new.
    let lengths = [(30 * 1440, 44), (1000, 1), (1001, 2), (1999, 2), (3997, 4), (3998, 5)];
    for (length, of) in lengths {
        let (world, shop) = shop();
        let (answers, told) = shop.told(&shop.open(NOW), &[minutes(length + 60, 60)]);
        assert_eq!(answers[0].outcome.as_ref().unwrap().upstream_calls, of, "{length} minutes");
        assert_eq!(told, pages(0, of), "{length} minutes");
        assert_eq!(world.asked().len(), usize::try_from(of).unwrap());
    }
}

#[test]
fn what_is_held_is_not_counted() {
    let (_world, shop) = shop();
    let (_, told) = shop.told(&shop.open(NOW), &[minutes(5000, 3500)]);
    assert_eq!(told, pages(0, 2));
    let whole = minutes(7000, 60);
    // Three requests for 2,000 minutes before what is held, and four for 3,440 behind it.
    let (_, told) = shop.told(&shop.open(NOW), std::slice::from_ref(&whole));
    assert_eq!(told, pages(0, 7));
    let (answers, told) = shop.told(&shop.open(NOW), &[whole]);
    assert_eq!((answers[0].outcome.as_ref().unwrap().upstream_calls, told), (0, vec![]));
}

#[test]
fn of_several_questions_each_is_told_of_its_own_pages_and_those_of_one_key_are_told_once() {
    let (_world, shop) = shop();
    let days = Ask::days("AAPL", Asked::default());
    let asks = [days, minutes(2500, 1500), minutes(3500, 1000)];
    let (answers, told) = shop.told(&shop.open(NOW), &asks);
    assert!(answers.iter().all(|answer| answer.outcome.is_ok()));
    let of = |who: usize| told.iter().filter(|(index, _)| *index == who).copied().collect();
    let of: [Vec<_>; 3] = [of(0), of(1), of(2)];
    assert_eq!(of, [pages(0, 1), pages(1, 3), vec![]]);
}
