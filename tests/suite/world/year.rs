//! A year of sessions, each asked for once, after its close.

use mcache::cache::Answer;
use mcache::calendar::Session;
use mcache::market::BarSeries;
use mcache::policy::{Asked, Period};

use super::World;
use super::fresh::Model;
use super::shop::{Ask, Shop};
use super::stock::{MINUTE, Stock, date, sessions};

/// So many stocks: some split, some pay, some have holes, and the prices of some come late.
pub fn stocks(count: usize) -> Vec<Stock> {
    let stock = |at: usize| {
        let place = if at % 4 == 3 { "LSE" } else { "NMS" };
        let name = if place == "LSE" { format!("W{at}.L") } else { format!("W{at}") };
        let paid = ["2026-02-11", "2026-05-12", "2026-08-11", "2026-11-10"];
        Stock {
            name: name.leak(),
            place,
            delay: if place == "LSE" { 20 * MINUTE } else { 0 },
            holes: if at % 5 == 2 { 13 } else { 0 },
            splits: if at % 3 == 1 { vec![(date("2026-06-15"), 4.0)] } else { Vec::new() },
            dividends: if at % 2 == 1 {
                paid.iter().map(|day| (date(day), 0.004)).collect()
            } else {
                Vec::new()
            },
            ..Stock::default()
        }
    };
    (0..count).map(stock).collect()
}

/// Asks for a year of each of so many stocks after every session of New York's 2026; every answer must
/// be what a fresh download gives, and cost one call, or none if its own exchange was closed. The
/// sessions and the calls.
pub fn goes_by(count: usize) -> (usize, usize) {
    let world = World::of(stocks(count));
    let shop = Shop::of(&world, 10, &[]);
    let mut model = Model::of(&world, 10);
    let year = Asked { period: Some(Period::Years(1)), ..Asked::default() };
    let asks: Vec<Ask> = stocks(count).iter().map(|stock| Ask::days(stock.name, year)).collect();
    let (mut gone_by, mut before) = (0, 0);
    let mut expected = vec![0; asks.len()];
    for session in sessions(stocks(1)[0].exchange()) {
        if !(date("2026-01-01")..date("2027-01-01")).contains(&session.date) {
            continue;
        }
        gone_by += 1;
        let now = session.close.as_ms() + 30 * MINUTE + 17_000;
        world.go_to(now);
        let cache = shop.open(now);
        for (ask, answer) in asks.iter().zip(shop.answers(&cache, &asks)) {
            let (series, fetched_at) = read(&answer);
            model.compare(ask, now, fetched_at, &series).unwrap();
        }
        model.count(&asks[0]).unwrap();
        let asked = world.asked();
        for (ask, expected) in asks.iter().zip(&mut expected) {
            let own = sessions(world.stock(&ask.name).exchange());
            let since = |own: &&Session| before < own.close.as_ms() && own.close.as_ms() <= now;
            *expected += usize::from(own.iter().any(|own| since(&own)));
            let calls = asked.iter().filter(|asked| asked.name == ask.name).count();
            assert_eq!(calls, *expected, "{} on {}", ask.name, session.date);
        }
        before = now;
    }
    (gone_by, world.asked().len())
}

fn read(answer: &Answer) -> (BarSeries, i64) {
    let served = answer.outcome.as_ref().unwrap();
    let series = BarSeries::clone(served.bars.as_ref().unwrap());
    (series, served.entry.fetched_at.as_ms())
}
