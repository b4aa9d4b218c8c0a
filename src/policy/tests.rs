//! The policy as a whole: every rule alone, every set of them, and the hours of every exchange.

use std::time::Duration;

use proptest::prelude::*;

use super::event::{Cause, Expired};
use super::hours::Hours;
use super::strategy::{Course, Strategies};
use super::ttl::{Keep, Lasting, Scope, Subjects, TtlRule};
use super::use_case::Demand;
use super::volatility::Realised;
use super::volume::HighVolume;
use super::{EndpointRule, Endpoints, Known, Reader, Rules, Strategy, UseCase};
use crate::calendar::{Calendars, Date, Exchange};
use crate::entry::{Entry, Format, State};
use crate::key::Key;
use crate::market::Class;
use crate::time::Timestamp;

/// A Wednesday, half an hour after New York has opened.
const OPEN: &str = "2026-07-01T14:00:00Z";
/// The evening of that day, and the next open.
const CLOSED: &str = "2026-07-01T22:00:00Z";
const NEXT_OPEN: &str = "2026-07-02T13:30:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn entry(key: &str, provider: &str, fetched_at: Timestamp) -> Entry {
    Entry {
        key: Key::from_stored(key),
        provider: provider.into(),
        fetched_at,
        own_ttl: None,
        format: Format::Json,
        body: Box::from(*b"{}"),
    }
}

fn rules() -> Rules {
    let keep = vec![("quote".into(), Keep::For(Duration::from_hours(168)))];
    Rules { keep, hours: Some(Hours::default()), ..Rules::default() }
}

fn rule(scope: Scope, ttl: u64) -> TtlRule {
    TtlRule {
        data_type: "quote".into(),
        scope,
        lasting: Lasting::exactly(seconds(ttl)),
        after_hours: None,
        named: format!("rule of {ttl}").into(),
    }
}

fn one(subject: &str) -> Subjects {
    Subjects::new([subject.into()])
}

/// What is said of one endpoint, and of no other.
fn quotes_of_yahoo(rule: EndpointRule) -> Endpoints {
    Endpoints::new(move |provider, name| {
        (provider == "yahoo" && name == "quote").then(|| rule.clone())
    })
}

fn conservative() -> Known {
    let course = Course { conservative_until: Timestamp::NEVER, ..Course::default() };
    Known { course, ..Known::default() }
}

/// One thing that may be so or not, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Type,
    Class,
    Hot,
    Endpoint,
    List,
    Volume,
    Position,
    ListTtl,
    SymbolTtl,
    Given,
    Volatility,
    Closed,
    Strategy,
    MaxAge,
}

const PARTS: [Part; 14] = [
    Part::Type,
    Part::Class,
    Part::Hot,
    Part::Endpoint,
    Part::List,
    Part::Volume,
    Part::Position,
    Part::ListTtl,
    Part::SymbolTtl,
    Part::Given,
    Part::Volatility,
    Part::Closed,
    Part::Strategy,
    Part::MaxAge,
];

/// What the rules make of these parts together, in milliseconds, and whoever had a say.
fn judged(parts: &[Part]) -> (u128, Vec<String>) {
    let mut rules = rules();
    let mut reader = Reader::at(at(OPEN));
    let mut known = Known::default();
    let mut fetched_at = at(OPEN);
    let tech = || Subjects::new(["stock:NVDA".into(), "stock:AMD".into()]);
    for part in parts {
        match part {
            Part::Type => rules.ttl.push(rule(Scope::Any, 100)),
            Part::Class => rules.ttl.push(rule(Scope::Class(Class::Stock), 101)),
            Part::Hot => {
                rules.hot = one("stock:NVDA");
                rules.ttl.push(rule(Scope::Hot, 102));
            }
            Part::Endpoint => {
                rules.endpoints = quotes_of_yahoo(EndpointRule {
                    lasting: Some((Lasting::exactly(seconds(103)), "endpoint".into())),
                    ..EndpointRule::default()
                });
            }
            Part::List => rules.use_cases.watched = tech(),
            Part::Position => rules.use_cases.positions = one("stock:NVDA"),
            Part::ListTtl => rules.ttl.push(rule(Scope::These(tech()), 106)),
            Part::SymbolTtl => rules.ttl.push(rule(Scope::These(one("stock:NVDA")), 107)),
            Part::Given => reader.use_case = Some(UseCase::Research),
            Part::Closed => fetched_at = at(CLOSED),
            Part::Strategy => known.course = conservative().course,
            Part::Volume => {
                let (from, until) = (Timestamp::from_ms(0), Timestamp::NEVER);
                known.market.high_volume =
                    Some(HighVolume { from, until, permille: 2300, days: 20 });
            }
            Part::Volatility => known.market.volatility = Some(Realised::of(4.0)),
            Part::MaxAge => reader.max_age = Some(seconds(50)),
        }
    }
    let demand =
        |ttl| Demand { lasting: Some(Lasting::exactly(seconds(ttl))), ..Demand::default() };
    rules.use_cases.demands[UseCase::Watchlist as usize] = demand(104);
    rules.use_cases.demands[UseCase::HighVolume as usize] = demand(109);
    rules.use_cases.demands[UseCase::Trading as usize] = demand(105);
    rules.use_cases.demands[UseCase::Research as usize] = demand(108);
    let quote = entry("quote:stock:NVDA", "yahoo", fetched_at);
    let life = rules.life(&quote, &known, reader);
    assert_eq!(life.expires_at, quote.fetched_at + life.ttl, "{parts:?}");
    let said = rules.reasons(&quote, &known, reader).into_iter().map(|reason| reason.rule);
    (life.ttl.as_millis(), said.collect())
}

/// The same, as section 5 of the contract has it, in milliseconds.
fn expected(parts: &[Part]) -> u64 {
    let has = |part| parts.contains(&part);
    let said = [
        (Part::Given, 108),
        (Part::SymbolTtl, 107),
        (Part::ListTtl, 106),
        (Part::Position, 105),
        (Part::Volume, 109),
        (Part::List, 104),
        (Part::Endpoint, 103),
        (Part::Hot, 102),
        (Part::Class, 101),
        (Part::Type, 100),
    ];
    let mut ms = 1000 * said.iter().find(|(part, _)| has(*part)).map_or(3600, |(_, ttl)| *ttl);
    if has(Part::Volatility) {
        // Never less than half.
        ms /= 2;
    }
    if has(Part::Closed) {
        ms = 1000 * at(NEXT_OPEN).since(at(CLOSED)).as_secs();
    } else if has(Part::Strategy) {
        ms *= 2;
    }
    if has(Part::MaxAge) { ms.min(50_000) } else { ms }
}

#[test]
fn every_set_of_rules_comes_to_what_the_strongest_says() {
    for set in 0_u32..1 << PARTS.len() {
        let parts: Vec<Part> = PARTS
            .into_iter()
            .enumerate()
            .filter(|(at, _)| set & 1 << at != 0)
            .map(|(_, p)| p)
            .collect();
        assert_eq!(judged(&parts).0, expected(&parts).into(), "{parts:?}");
    }
}

#[test]
fn whoever_had_a_say_is_named_the_strongest_last() {
    for (parts, said) in [
        (&[][..], &["cache.memory.default_ttl_hours"][..]),
        (&[Part::Type, Part::Class], &["rule of 101"]),
        (&[Part::Type, Part::Endpoint], &["rule of 100", "endpoint"]),
        (&[Part::Type, Part::List], &["rule of 100", "use_cases.watchlist"]),
        (&[Part::Type, Part::List, Part::Position], &["rule of 100", "use_cases.trading"]),
        (&[Part::Position, Part::Given, Part::Type], &["rule of 100", "use_cases.research"]),
        (
            &[Part::Position, Part::SymbolTtl, Part::Type],
            &["rule of 100", "use_cases.trading", "rule of 107"],
        ),
        (&[Part::Type, Part::Closed], &["rule of 100", "calendar XNYS"]),
        (&[Part::Type, Part::Closed, Part::Strategy], &["rule of 100", "calendar XNYS"]),
        (
            &[Part::Type, Part::Strategy, Part::MaxAge],
            &["rule of 100", "strategy conservative", "--max-age"],
        ),
    ] {
        assert_eq!(judged(parts).1, said, "{parts:?}");
    }
}

/// What is the case, of what, from whom, when it was fetched, and when it goes stale.
const HOURS: [(&str, &str, &str, &str, &str); 20] = [
    ("in the session", "quote:stock:AAPL", "yahoo", "2026-07-01T15:00:00Z", "2026-07-01T15:10:00Z"),
    (
        "right before the close",
        "quote:stock:AAPL",
        "yahoo",
        "2026-07-01T19:59:00Z",
        "2026-07-01T20:00:00Z",
    ),
    ("at the close", "quote:stock:AAPL", "yahoo", "2026-07-01T20:00:00Z", "2026-07-02T13:30:00Z"),
    (
        "before a long week-end",
        "quote:stock:AAPL",
        "yahoo",
        "2026-07-02T21:00:00Z",
        "2026-07-06T13:30:00Z",
    ),
    ("on a Sunday", "quote:stock:AAPL", "yahoo", "2026-06-28T12:00:00Z", "2026-06-29T13:30:00Z"),
    ("a half day", "quote:stock:AAPL", "yahoo", "2026-11-27T17:55:00Z", "2026-11-27T18:00:00Z"),
    (
        "a clock goes back",
        "quote:stock:AAPL",
        "yahoo",
        "2026-10-30T20:30:00Z",
        "2026-11-02T14:30:00Z",
    ),
    (
        "a delay after the close",
        "quote:stock:VOD.L",
        "yahoo",
        "2026-07-01T15:35:00Z",
        "2026-07-01T15:45:00Z",
    ),
    (
        "cut by the delay",
        "quote:stock:VOD.L",
        "yahoo",
        "2026-07-01T15:45:00Z",
        "2026-07-01T15:50:00Z",
    ),
    (
        "after the delay",
        "quote:stock:VOD.L",
        "yahoo",
        "2026-07-01T15:50:00Z",
        "2026-07-02T07:00:00Z",
    ),
    (
        "somebody without a delay",
        "quote:stock:VOD.L",
        "acme",
        "2026-07-01T15:35:00Z",
        "2026-07-02T07:00:00Z",
    ),
    ("a lunch break", "quote:stock:7203.T", "acme", "2026-07-01T02:40:00Z", "2026-07-01T03:30:00Z"),
    (
        "right before lunch",
        "quote:stock:7203.T",
        "acme",
        "2026-07-01T02:25:00Z",
        "2026-07-01T02:30:00Z",
    ),
    (
        "a coin on a Sunday",
        "quote:crypto:BTC",
        "binance",
        "2026-06-28T12:00:00Z",
        "2026-06-28T12:10:00Z",
    ),
    (
        "currencies on a Saturday",
        "quote:fx:EURUSD",
        "yahoo",
        "2026-06-27T12:00:00Z",
        "2026-06-28T21:00:00Z",
    ),
    ("an index", "quote:index:GSPC", "yahoo", "2026-06-28T12:00:00Z", "2026-06-29T13:30:00Z"),
    ("a future", "quote:stock:GC=F", "yahoo", "2026-06-28T12:00:00Z", "2026-06-28T12:10:00Z"),
    (
        "a class of shares",
        "quote:stock:BRK.B",
        "yahoo",
        "2026-06-28T12:00:00Z",
        "2026-06-29T13:30:00Z",
    ),
    (
        "an exchange without a calendar",
        "quote:stock:X.ZZ",
        "yahoo",
        "2026-06-28T12:00:00Z",
        "2026-06-28T12:10:00Z",
    ),
    ("a series", "quote:macro:GDP", "fred", "2026-06-28T12:00:00Z", "2026-06-28T12:10:00Z"),
];

#[test]
fn what_closes_is_fresh_until_it_opens_and_what_was_fetched_before_the_close_is_not() {
    let mut rules = rules();
    rules.ttl.push(rule(Scope::Any, 600));
    rules.hours.as_mut().unwrap().delays =
        vec![("yahoo".into(), Exchange::XLON, Duration::from_mins(20))];
    for (case, key, provider, fetched_at, expires_at) in HOURS {
        let life = rules.life(
            &entry(key, provider, at(fetched_at)),
            &Known::default(),
            Reader::at(at(OPEN)),
        );
        assert_eq!(life.expires_at, at(expires_at), "{case}: {}", life.expires_at);
    }
}

#[test]
fn after_hours_caps_how_long_a_close_is_fresh() {
    let mut rules = rules();
    let capped = TtlRule { after_hours: Some(Duration::from_hours(24)), ..rule(Scope::Any, 300) };
    rules.ttl.push(capped);
    let friday = entry("quote:stock:AAPL", "yahoo", at("2026-06-26T21:00:00Z"));
    let life = rules.life(&friday, &Known::default(), Reader::at(at(OPEN)));
    assert_eq!(life.expires_at, at("2026-06-27T21:00:00Z"));
    let evening = entry("quote:stock:AAPL", "yahoo", at("2026-06-25T21:00:00Z"));
    let life = rules.life(&evening, &Known::default(), Reader::at(at(OPEN)));
    assert_eq!(life.expires_at, at("2026-06-26T13:30:00Z"));
}

#[test]
fn a_range_is_walked_by_the_strategy_and_not_left() {
    let range = Lasting::parse("2m-5m").unwrap();
    let strategies = Strategies::default();
    for (strategy, expected) in [
        (Strategy::Aggressive, 120),
        (Strategy::Normal, 210),
        (Strategy::Conservative, 300),
        (Strategy::Minimal, 300),
    ] {
        assert_eq!(range.under(strategy, &strategies), seconds(expected), "{strategy:?}");
    }
}

#[test]
fn a_use_case_says_how_stale_an_answer_may_be_and_how_long_it_is_kept() {
    let mut rules = rules();
    rules.ttl.push(rule(Scope::Any, 30));
    rules.use_cases.demands[UseCase::Trading as usize] = Demand {
        stale_if_error: Some(seconds(300)),
        keep: Some(Keep::For(seconds(900))),
        ..Demand::default()
    };
    let quote = entry("quote:stock:AAPL", "yahoo", at(OPEN));
    let trading = Reader { use_case: Some(UseCase::Trading), ..Reader::at(at(OPEN)) };
    let life = rules.life(&quote, &Known::default(), trading);
    assert_eq!(life.error_until, at(OPEN) + seconds(330));
    assert_eq!(life.gone_at, at(OPEN) + seconds(930));
    let life = rules.life(&quote, &Known::default(), Reader::at(at(OPEN)));
    assert_eq!(life.error_until, life.gone_at);
}

#[test]
fn what_is_known_of_a_symbol_concerns_only_what_moves_with_its_price() {
    let mut rules = rules();
    rules.use_cases.positions = one("stock:NVDA");
    rules.use_cases.demands[UseCase::Trading as usize].lasting =
        Some(Lasting::exactly(seconds(30)));
    let ttl = |key: &str, use_case| {
        let reader = Reader { use_case, ..Reader::at(at(OPEN)) };
        rules.life(&entry(key, "yahoo", at(OPEN)), &Known::default(), reader).ttl.as_secs()
    };
    for (key, seconds) in [
        ("quote:stock:NVDA", 30),
        ("bars:stock:NVDA:1d", 30),
        ("dividends:stock:NVDA", 3600),
        ("prediction:stock:NVDA", 3600),
        ("quote:stock:AMD", 3600),
    ] {
        assert_eq!(ttl(key, None), seconds, "{key}");
    }
    assert_eq!(ttl("dividends:stock:NVDA", Some(UseCase::Trading)), 30, "who says so is believed");
}

#[test]
fn an_entry_goes_from_fresh_to_stale_to_gone() {
    let mut rules = rules();
    rules.ttl.push(rule(Scope::Any, 30));
    let quote = entry("quote:stock:AAPL", "yahoo", at(OPEN));
    let life = rules.life(&quote, &Known::default(), Reader::at(at(OPEN)));
    for (after, state) in [
        (0, State::Fresh),
        (29, State::Fresh),
        (30, State::Stale),
        (604_829, State::Stale),
        (604_830, State::Gone),
    ] {
        assert_eq!(life.state(quote.fetched_at + seconds(after)), state, "{after}");
    }
}

#[test]
fn what_another_definition_gave_is_stale_at_once_and_kept_as_long_as_any() {
    let quote = entry("quote:stock:AAPL", "yahoo", at(OPEN));
    let put = Entry { provider: crate::key::PUT.into(), ..quote.clone() };
    let series = entry("series:macro:GDP", "yahoo", at(OPEN));
    let number = |number| Known { definition: number, ..Known::default() };
    for (case, configured, entry, stored, is_stale) in [
        ("both the default", 0, &quote, 0, false),
        ("both the same", 7, &quote, 7, false),
        ("a new one", 7, &quote, 0, true),
        ("another one", 7, &quote, 8, true),
        ("back to the default", 0, &quote, 7, true),
        ("of another endpoint", 7, &series, 0, false),
        ("a user's own", 7, &put, 0, false),
    ] {
        let mut rules = rules();
        rules.endpoints =
            quotes_of_yahoo(EndpointRule { definition: configured, ..EndpointRule::default() });
        let reader = Reader::at(at(OPEN));
        let life = rules.life(entry, &number(stored), reader);
        let state = if is_stale { State::Stale } else { State::Fresh };
        // One that seems to come from a moment later than now too.
        for at in [entry.fetched_at, entry.fetched_at - Duration::from_millis(10)] {
            assert_eq!(life.state(at), state, "{case}");
        }
        let said = rules.reasons(entry, &number(stored), reader);
        let last = said.last().unwrap();
        assert_eq!(last.rule == "providers.yahoo.endpoints.quote.version", is_stale, "{case}");
        rules.endpoints = Endpoints::default();
        let usual = rules.life(entry, &number(0), reader);
        assert_eq!((life.gone_at, life.error_until), (usual.gone_at, usual.error_until), "{case}");
    }
}

#[test]
fn an_event_makes_an_entry_stale_and_nothing_else() {
    let mut rules = rules();
    rules.ttl.push(rule(Scope::Any, 30));
    let put = Entry {
        provider: crate::key::PUT.into(),
        own_ttl: Some(seconds(30)),
        ..entry("prediction:stock:AAPL", "put", at(OPEN))
    };
    for entry in [entry("quote:stock:AAPL", "yahoo", at(OPEN)), put] {
        let second = |after: i64| Timestamp::from_ms(at(OPEN).as_ms() + after * 1000);
        let plain = rules.life(&entry, &Known::default(), Reader::at(at(OPEN)));
        for (case, happened, expires, max_age) in [
            ("before it was fetched", -1, 30, None),
            ("as it was fetched", 0, 0, None),
            ("while it was fresh", 10, 10, None),
            ("when it was stale", 40, 30, None),
            ("after what is asked for", 10, 5, Some(5)),
        ] {
            let expired = Some(Expired { at: second(happened), why: Cause::PRICE_MOVE });
            let known = Known { expired, ..Known::default() };
            let reader = Reader { max_age: max_age.map(seconds), ..Reader::at(at(OPEN)) };
            let life = rules.life(&entry, &known, reader);
            assert_eq!(life.expires_at, second(expires), "{case}");
            assert_eq!(life.ttl.as_secs(), expires.unsigned_abs(), "{case}");
            assert_eq!(life.gone_at, plain.gone_at, "{case}");
            assert_eq!(life.error_until, plain.error_until, "{case}");
            assert_eq!(life.state(second(29)) == State::Fresh, expires == 30, "{case}");
            let said = rules.reasons(&entry, &known, reader);
            let last = said.last().unwrap();
            assert_eq!(last.rule == "event price_move", happened >= 0, "{case}: {said:?}");
            if happened == 10 {
                assert_eq!(last.says, "at 2026-07-01T14:00:10Z", "{case}");
            }
        }
    }
}

#[test]
fn judging_an_entry_allocates_nothing() {
    let mut rules = rules();
    rules.ttl = vec![rule(Scope::Any, 30), rule(Scope::Class(Class::Stock), 30)];
    rules.hot = one("stock:NVDA");
    rules.use_cases.positions = one("stock:NVDA");
    rules.use_cases.watched = Subjects::new(["stock:AMD".into(), "crypto:BTC".into()]);
    let expired = Some(Expired { at: at(CLOSED), why: Cause::PRICE_MOVE });
    for key in ["quote:stock:NVDA", "quote:stock:VOD.L", "quote:crypto:BTC", "series:macro:GDP"] {
        for fetched_at in [OPEN, CLOSED] {
            let entry = entry(key, "yahoo", at(fetched_at));
            let known = Known { expired: expired.clone(), ..conservative() };
            let reader = Reader { max_age: Some(seconds(5)), ..Reader::at(at(CLOSED)) };
            let counted = allocation_counter::measure(|| {
                std::hint::black_box(rules.life(&entry, &known, reader));
            });
            assert_eq!(counted.count_total, 0, "{key} {fetched_at}");
        }
    }
    let counted = allocation_counter::measure(|| {
        let entry = entry("quote:stock:NVDA", "yahoo", at(OPEN));
        std::hint::black_box(rules.reasons(&entry, &Known::default(), Reader::at(at(OPEN))));
    });
    assert!(counted.count_total > 0, "what allocates is counted");
}

/// A suffix for every exchange that has one, and the symbol that is traded there.
const TRADED: [(&str, Exchange); 8] = [
    ("quote:stock:AAPL", Exchange::XNYS),
    ("quote:stock:VOD.L", Exchange::XLON),
    ("quote:stock:SAP.DE", Exchange::XETR),
    ("quote:stock:AIR.PA", Exchange::XPAR),
    ("quote:stock:7203.T", Exchange::XTKS),
    ("quote:stock:0700.HK", Exchange::XHKG),
    ("quote:stock:RY.TO", Exchange::XTSE),
    ("quote:stock:BHP.AX", Exchange::XASX),
];

/// The stretches of trading around an instant, out of the sessions alone.
fn stretches(exchange: Exchange, around: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let calendars = Calendars::default();
    let day = Date::from_days(around.day());
    let mut stretches = Vec::new();
    for session in calendars.sessions(exchange, day.plus(-15), day.plus(15)) {
        match session.rest {
            None => stretches.push((session.open, session.close)),
            Some((begins, ends)) => {
                stretches.extend([(session.open, begins), (ends, session.close)]);
            }
        }
    }
    stretches
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn nothing_is_fresh_past_an_open_and_nothing_asked_while_closed(
        traded in 0..TRADED.len(),
        // 2000 to 2028, all clock changes, half days and week-ends in it.
        fetched_at in 946_900_000_i64..1_830_000_000,
        ttl in 1_u64..100_000,
        delay in 0_u64..40,
        strategy in prop::sample::select(vec![1.0, 0.5, 4.0]),
    ) {
        let (key, exchange) = TRADED[traded];
        let fetched_at = Timestamp::from_seconds(fetched_at);
        let delay = Duration::from_mins(delay);
        let mut rules = rules();
        rules.ttl.push(rule(Scope::Any, ttl));
        rules.hours.as_mut().unwrap().delays = vec![("yahoo".into(), exchange, delay)];
        rules.strategies.conservative_factor = strategy;
        let life = rules.life(&entry(key, "yahoo", fetched_at), &conservative(), Reader::at(fetched_at));
        let stretches = stretches(exchange, fetched_at);
        let next_open = stretches.iter().map(|s| s.0).find(|open| *open > fetched_at).unwrap();
        prop_assert!(life.expires_at <= next_open, "{} past {}", life.expires_at, next_open);
        let last = stretches.iter().rev().find(|s| s.0 <= fetched_at).unwrap();
        if fetched_at >= last.1 + delay {
            prop_assert_eq!(life.expires_at, next_open, "closed since {}", last.1);
        } else {
            prop_assert!(life.expires_at <= last.1 + delay);
            prop_assert!(life.expires_at <= fetched_at + Duration::from_secs(ttl).mul_f64(strategy.max(1.0)));
        }
    }
}
