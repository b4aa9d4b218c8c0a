//! A session for which upstream had nothing is asked for again by who wants everything anew, and is
//! heard of when it comes beside something else. It is said once that there was none.

use mcache::cache::{Answer, Cache};
use mcache::policy::{Asked, Edge, Period};
use mcache::time::Timestamp;
use mcache::warning::Warning;

use crate::sandbox::{Run, Sandbox};
use crate::world::World;
use crate::world::fresh::Model;
use crate::world::shop::{Ask, Shop};
use crate::world::stock::{Stock, date};

fn ms(text: &str) -> i64 {
    Timestamp::parse(text).unwrap().as_ms()
}

/// A stock of which upstream does not tell what was traded from one date up to another.
fn without(from: &str, to: &str) -> World {
    let halted = Some(date(from)..date(to));
    World::of(vec![Stock { name: "AAPL", place: "NMS", halted, ..Stock::default() }])
}

/// Upstream tells all from now on.
fn recover(world: &World) {
    world.change("AAPL", |stock| stock.halted = None);
}

fn days(from: &str, to: &str) -> Ask {
    let (from, to) = (Some(Edge::Day(date(from))), Some(Edge::Day(date(to))));
    Ask::days("AAPL", Asked { from, to, period: None })
}

/// Asks at an instant, as another process; what was said, and whether the answer is what a fresh
/// download gives.
fn asked(world: &World, shop: &Shop, ask: &Ask, now: i64) -> (Vec<String>, bool) {
    world.go_to(now);
    let cache: Cache = shop.open(now);
    let mut answers: Vec<Answer> = shop.answers(&cache, std::slice::from_ref(ask));
    let served = answers.remove(0);
    let said = served.warnings.iter().map(Warning::to_string).collect();
    let served = served.outcome.unwrap();
    let series = served.bars.as_deref().unwrap();
    let model = Model::of(world, 10);
    (said, model.compare(ask, now, served.entry.fetched_at.as_ms(), series).is_ok())
}

const EVENING: &str = "2026-06-30T21:00:17Z";

#[test]
fn what_upstream_had_not_is_asked_for_again_by_who_wants_everything_anew() {
    // All of what is asked for, its end, its beginning, and some of its midst.
    for (from, to) in [
        ("2026-03-01", "2026-05-01"),
        ("2026-04-10", "2026-05-01"),
        ("2026-03-01", "2026-04-10"),
        ("2026-04-07", "2026-04-09"),
    ] {
        let world = without(from, to);
        let shop = Shop::of(&world, 10, &[]);
        let april = days("2026-04-01", "2026-04-30");
        let now = ms(EVENING);
        asked(&world, &shop, &april, now);
        recover(&world);
        let (_, is_fresh) = asked(&world, &shop, &april, now + 60_000);
        assert_eq!((world.asked().len(), is_fresh), (1, false), "{from}: it is believed");
        let anew = Ask { refresh: true, ..april.clone() };
        let (_, is_fresh) = asked(&world, &shop, &anew, now + 120_000);
        assert!(is_fresh, "{from}: {:?}", world.asked());
        let (_, is_fresh) = asked(&world, &shop, &april, now + 180_000);
        assert!(is_fresh, "{from}: it is kept");
        let calls = world.asked().len();
        asked(&world, &shop, &anew, now + 240_000);
        let again = world.asked()[calls..].to_vec();
        let april = ms("2026-04-01T04:00:00Z")..ms("2026-04-30T13:30:00Z");
        let of_april = again.iter().filter(|asked| april.contains(&asked.span.start));
        assert_eq!(of_april.count(), 0, "{from}: what is final is not asked for: {again:?}");
    }
}

#[test]
fn what_comes_in_passing_is_kept() {
    let world = without("2026-06-18", "2026-06-30");
    let shop = Shop::of(&world, 10, &[]);
    let month = Asked { period: Some(Period::Months(1)), ..Asked::default() };
    let month = Ask::days("AAPL", month);
    // For days there was nothing, until it was final that there had been none; then upstream tells
    // of them when it is asked for what came behind.
    for day in ["17", "18", "22", "23", "25", "26", "29"] {
        asked(&world, &shop, &month, ms(&format!("2026-06-{day}T21:00:17Z")));
    }
    recover(&world);
    let calls = world.asked().len();
    let (_, is_fresh) = asked(&world, &shop, &month, ms("2026-06-30T21:00:17Z"));
    assert!(is_fresh, "{:?}", world.asked());
    assert_eq!(world.asked().len(), calls + 1, "nobody was asked for it alone");
}

#[test]
fn that_sessions_are_missing_is_said_once_and_only_between_bars() {
    let world = without("2026-04-07", "2026-04-09");
    let shop = Shop::of(&world, 10, &[]);
    let april = days("2026-04-01", "2026-04-30");
    let (said, _) = asked(&world, &shop, &april, ms(EVENING));
    let two = "AAPL: yahoo has no bars of 2 sessions of XNYS from 2026-04-07 to 2026-04-08; \
               --refresh asks for them again";
    assert_eq!(said, [two]);
    let may = days("2026-04-01", "2026-05-20");
    for ask in [&april, &may] {
        let (said, _) = asked(&world, &shop, ask, ms(EVENING));
        assert!(said.is_empty(), "it has been said: {said:?}");
    }
    // That nothing at all has come is said, also if it is too little to be between bars.
    let nothing = without("2026-01-01", "2026-07-01");
    let (said, _) = asked(&nothing, &Shop::of(&nothing, 10, &[]), &april, ms(EVENING));
    assert_eq!(nothing.asked().len(), 1);
    assert!(said[0].contains(" sessions of XNYS from 2026-04-01 to 2026-06-26;"), "{said:?}");
    // What stands at an end is said once there are bars behind it too.
    let world = without("2026-04-01", "2026-04-03");
    let shop = Shop::of(&world, 10, &[]);
    let (said, _) = asked(&world, &shop, &april, ms(EVENING));
    assert!(said.is_empty(), "{said:?}");
    let (said, _) = asked(&world, &shop, &days("2026-03-20", "2026-04-10"), ms(EVENING));
    assert!(said[0].contains(" 2 sessions of XNYS from 2026-04-01 to 2026-04-02;"), "{said:?}");
    // Before the first bar it may not have been listed, and after the last no longer.
    let world = World::of(vec![Stock {
        name: "AAPL",
        place: "NMS",
        listed: Some(date("2026-04-14")..date("2026-04-20")),
        ..Stock::default()
    }]);
    let shop = Shop::of(&world, 10, &[]);
    let (said, _) = asked(&world, &shop, &april, ms(EVENING));
    assert!(said.is_empty(), "{said:?}");
}

#[test]
fn what_was_missing_then_is_missing_as_of_then() {
    let world = without("2026-04-07", "2026-04-09");
    let shop = Shop::of(&world, 10, &[]);
    let april = days("2026-04-01", "2026-04-30");
    let now = ms(EVENING);
    asked(&world, &shop, &april, now);
    recover(&world);
    asked(&world, &shop, &Ask { refresh: true, ..april.clone() }, now + 3_600_000);
    let cache = shop.open(now + 7_200_000);
    let known_at = |at_ms| shop.bars_known_at(&cache, &april, at_ms);
    assert_eq!((known_at(now + 60_000), known_at(now + 7_100_000)), (19, 21));
}

#[test]
fn many_single_sessions_are_one_request_and_what_was_known_before_is_known_of_then() {
    let world =
        World::of(vec![Stock { name: "AAPL", place: "NMS", holes: 11, ..Stock::default() }]);
    let shop = Shop::of(&world, 10, &[]);
    let years = days("2023-01-03", "2026-04-30");
    let now = ms(EVENING);
    let (said, _) = asked(&world, &shop, &years, now);
    let missing = world.stock("AAPL").sessions_without(ms("2023-01-03")..ms("2026-05-01"));
    assert!(missing > 64 && said[0].contains(" sessions of XNYS from 2023-01-"), "{said:?}");
    let anew = Ask { refresh: true, ..years.clone() };
    let calls = world.asked().len();
    asked(&world, &shop, &anew, now + 60_000);
    assert!(world.asked().len() <= calls + 2, "{:?}", &world.asked()[calls..]);
    let known_then = shop.bars_known_at(&shop.open(now + 60_000), &years, now + 30_000);
    world.change("AAPL", |stock| stock.holes = 0);
    let (_, is_fresh) = asked(&world, &shop, &anew, now + 120_000);
    assert!(is_fresh, "all of them came");
    let cache = shop.open(now + 300_000);
    let known_at = |at_ms| shop.bars_known_at(&cache, &years, at_ms);
    assert_eq!(
        (known_at(now + 60_000), known_at(now + 200_000)),
        (known_then, known_then + missing)
    );
}

#[test]
fn a_command_says_it_on_standard_error_and_is_heard_again() {
    let world = without("2026-04-07", "2026-04-08");
    world.go_to(ms(EVENING));
    let sandbox = Sandbox::new().at(EVENING).with_provider("yahoo", world.upstream.url());
    let april =
        ["fetch", "AAPL", "-t", "bars", "--from", "2026-04-01", "--to", "2026-04-30", "-f", "json"];
    let bars = |run: &Run| run.json()[0]["bars"].as_array().unwrap().len();
    let run = sandbox.run(&april);
    let said = "warning: AAPL: yahoo has no bar of XNYS's session of 2026-04-07; --refresh asks for \
                it again\n";
    assert_eq!((run.code, run.stderr.as_str(), bars(&run)), (Some(0), said, 20));
    let run = sandbox.run(&april);
    assert_eq!((run.stderr.as_str(), bars(&run)), ("", 20), "a hit says nothing");
    recover(&world);
    let run = sandbox.run(&[&april[..], &["--refresh"]].concat());
    assert_eq!((run.stderr.as_str(), bars(&run)), ("", 21));
}

/// A machine whose stocks are asked of two, the first of whom has no bar of any.
fn chained(nothing: &World, all: &World) -> Sandbox {
    let sandbox = Sandbox::new().at(EVENING);
    let link = |world: &World| format!("{{kind: yahoo, base_url: \"{}\"}}", world.upstream.url());
    sandbox.config(&format!(
        "providers: {{empty: {}, full: {}}}\nchains: {{stock: [empty, full]}}\n",
        link(nothing),
        link(all)
    ));
    for world in [nothing, all] {
        world.go_to(ms(EVENING));
    }
    sandbox
}

/// One that was delisted years ago.
fn delisted() -> World {
    let listed = Some(date("2022-01-03")..date("2022-02-01"));
    World::of(vec![Stock { name: "AAPL", place: "NMS", listed, ..Stock::default() }])
}

const WEEK: [&str; 6] = ["fetch", "AAPL", "-t", "bars", "--period", "5d"];

/// Who has answered, and with how many bars.
fn given(sandbox: &Sandbox, more: &[&str]) -> (String, usize) {
    let answer = sandbox.json(&[&WEEK[..], more].concat())[0].take();
    (answer["provider"].as_str().unwrap().to_owned(), answer["bars"].as_array().unwrap().len())
}

#[test]
fn who_has_no_bar_at_all_does_not_keep_the_next_of_its_chain_from_being_asked() {
    let (nothing, all) = (delisted(), without("2022-01-03", "2022-02-01"));
    let sandbox = chained(&nothing, &all);
    let full = || ("full".to_owned(), 5);
    assert_eq!((given(&sandbox, &[]), given(&sandbox, &[])), (full(), full()));
    assert_eq!((nothing.asked().len(), all.asked().len()), (1, 1), "the second is a hit");
    let sandbox = sandbox.at("2026-06-30T21:09:17Z");
    assert_eq!(given(&sandbox, &["--as-of", "2026-06-30T21:05:17Z"]), full());
    // If nobody has any, that is the answer.
    all.change("AAPL", |stock| stock.listed = Some(date("2022-01-03")..date("2022-02-01")));
    assert_eq!(given(&sandbox, &["--no-cache"]).1, 0);
}

#[test]
fn that_one_has_no_bar_is_not_the_answer_once_another_can_be_asked_again() {
    let (nothing, all) = (delisted(), without("2022-01-03", "2022-02-01"));
    let sandbox = chained(&nothing, &all);
    sandbox.run(&["limits", "full", "--pause", "1d"]);
    assert_eq!(given(&sandbox, &[]), ("empty".to_owned(), 0));
    sandbox.run(&["limits", "full", "--resume"]);
    let plan = sandbox.json(&[&WEEK[..], &["--plan"]].concat());
    assert_eq!(
        (&plan["calls"], &plan["items"][0]["provider"]),
        (&1.into(), &"full".into()),
        "{plan}"
    );
    assert_eq!(given(&sandbox, &[]), ("full".to_owned(), 5));
    assert_eq!(nothing.asked().len(), 1, "what is known of it is known");
}
