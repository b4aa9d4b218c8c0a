//! What is known of the market of a symbol: where it trades, how much it moves, what is usual of it.
//!
//! Quotes come from an upstream whose price and volume the test sets, at times that the test sets.

use std::sync::{Arc, Mutex};

use mcache::calendar::{Calendars, Date, Exchange};
use mcache::key::Key;
use mcache::policy::Market;
use mcache::time::Timestamp;

use super::{at, json_at, yahoo};
use crate::sandbox::{NOW, Run, Sandbox, Upstream, reply};

/// Price and volume, as the upstream says them next, and more of what it says of the symbol.
type Said = Arc<Mutex<(String, u64, &'static str)>>;

/// A machine whose Yahoo says what the test has said.
fn told() -> (Said, Upstream, Sandbox) {
    let said: Said = Arc::new(Mutex::new(("100".to_owned(), 0, "")));
    let says = Arc::clone(&said);
    let upstream = Upstream::start(move |_| {
        let (price, volume, more) = says.lock().unwrap().clone();
        let more = format!(r#","regularMarketVolume":{volume},"exchangeName":"NMS"{more}"#);
        reply(200, "application/json", yahoo("AAPL", &price, &more).as_bytes())
    });
    let sandbox = Sandbox::new()
        .with_provider("yahoo", upstream.url())
        .env("MCACHE_PROVIDERS__YAHOO__LIMITS", "[]");
    (said, upstream, sandbox)
}

/// So many seconds after a sandbox starts.
fn after(seconds: i64) -> String {
    Timestamp::from_ms(Timestamp::parse(NOW).unwrap().as_ms() + seconds * 1000).to_string()
}

/// The `cache` of what is fetched of AAPL so many seconds after the start.
fn cache_after(sandbox: &Sandbox, seconds: i64, flags: &[&str]) -> serde_json::Value {
    let fetch = [&["fetch", "AAPL", "--explain"], flags].concat();
    json_at(sandbox, &after(seconds), &fetch)[0]["cache"].clone()
}

/// Asks for quotes a minute apart, each dearer or cheaper by so much in turn, the first at the
/// start; the `cache` of the last.
fn swing(said: &Said, sandbox: &Sandbox, quotes: i64, by: f64) -> serde_json::Value {
    let mut last = serde_json::Value::Null;
    for n in 0..quotes {
        said.lock().unwrap().0 = format!("{}", if n % 2 == 0 { 100.0 } else { 100.0 + by });
        last = cache_after(sandbox, n * 60, &[]);
        assert_eq!(last["status"], "miss", "{n}");
    }
    last
}

fn known(sandbox: &Sandbox) -> Market {
    sandbox.market(&Key::from_stored("quote:stock:AAPL"))
}

/// Thirteen quotes make twelve returns.
const ENOUGH: i64 = 13;

#[test]
fn a_storm_makes_the_ttl_shorter_and_explain_names_it() {
    let (said, upstream, sandbox) = told();
    let stormy = swing(&said, &sandbox, ENOUGH, 1.5);
    assert_eq!(stormy["ttl_seconds"], 15.0);
    let why = stormy["why"].as_array().unwrap();
    assert_eq!((why.len(), &why[0]), (2, &"ttl.quote.stock: 30 s".into()));
    let says = why[1].as_str().unwrap();
    assert!(says.starts_with("volatility 4") && says.ends_with("% a year: 15 s"), "{says}");
    // Whoever reads it judges by the same.
    let held = cache_after(&sandbox, (ENOUGH - 1) * 60 + 10, &[]);
    assert_eq!(
        (&held["status"], &held["ttl_seconds"], &held["why"]),
        (&"hit".into(), &15.0.into(), &stormy["why"])
    );
    let listed = json_at(&sandbox, &after((ENOUGH - 1) * 60 + 10), &["keys"]);
    let left = listed[0]["ttl_left_seconds"].as_f64().unwrap();
    assert!((1.0..=6.0).contains(&left), "{left}");
    let later = cache_after(&sandbox, (ENOUGH - 1) * 60 + 20, &["--offline"]);
    assert_eq!(later["status"], "stale");
    assert_eq!(upstream.count(), 13);
}

#[test]
fn the_bounds_and_what_is_usual_are_configured() {
    let (said, _upstream, sandbox) = told();
    swing(&said, &sandbox, ENOUGH, 1.5);
    let ttl = |set: &[&str]| {
        let flags: Vec<&str> = set.iter().flat_map(|key| ["--set", *key]).collect();
        let held = cache_after(&sandbox, (ENOUGH - 1) * 60 + 2, &flags);
        assert_eq!(held["status"], "hit");
        held["ttl_seconds"].as_f64().unwrap()
    };
    for (set, seconds) in [
        (&[][..], 15.0),
        (&["volatility.least=0.9"], 27.0),
        (&["volatility.least=1"], 30.0),
        (&["volatility.usual.stock=1000%"], 30.0),
        (&["volatility.usual.stock=1000%", "volatility.most=1.5"], 45.0),
        (&["volatility.usual.crypto=1000%"], 15.0),
    ] {
        let found = ttl(set);
        assert!((found - seconds).abs() < 1e-9, "{set:?}: {found}");
    }
    for (set, says) in [
        ("volatility.least=0", "a number from 0.01 to 1"),
        ("volatility.most=0.9", "a number from 1 to 10"),
        ("volatility.usual.stock=0.4", "with the sign: 40%"),
        ("volatility.usual.macro=4%", "unknown key"),
        ("unusual_volume=0.5", "a number from 1 to 1000"),
    ] {
        sandbox.run(&["fetch", "AAPL", "--set", set]).fails(2, &[says]);
    }
}

#[test]
fn too_few_quotes_and_a_calm_market_change_nothing() {
    for (case, quotes, by) in [("too few", ENOUGH - 1, 1.5), ("calm", ENOUGH, 0.0)] {
        let (said, _upstream, sandbox) = told();
        let last = swing(&said, &sandbox, quotes, by);
        assert_eq!(last["ttl_seconds"], 30.0, "{case}");
        assert_eq!(last["why"], serde_json::json!(["ttl.quote.stock: 30 s"]), "{case}");
    }
}

#[test]
fn a_market_that_stands_still_may_be_let_live_longer() {
    let (said, _upstream, sandbox) = told();
    let sandbox = sandbox.env("MCACHE_VOLATILITY__MOST", "1.9");
    let last = swing(&said, &sandbox, ENOUGH, 0.0);
    assert_eq!(last["ttl_seconds"], 57.0);
    assert_eq!(last["why"][1], "volatility 0.0% a year: 57 s");
}

#[test]
fn what_is_asked_while_the_market_is_closed_says_nothing_of_its_pace() {
    let (said, _upstream, sandbox) = told();
    // A regular session that is over, and none before or after it.
    said.lock().unwrap().2 = r#","hasPrePostMarketData":false,
        "currentTradingPeriod":{"regular":{"start":1782826200,"end":1782849600}}"#;
    let last = swing(&said, &sandbox, ENOUGH, 1.5);
    assert_eq!(last["ttl_seconds"], 30.0);
    let market = known(&sandbox);
    assert_eq!(market.volatility, None);
    assert_eq!(market.exchange.unwrap().as_str(), "XNAS", "but where it trades is known");
}

#[test]
fn a_market_that_is_not_what_was_written_is_as_if_there_were_none() {
    for damage in [
        "UPDATE market SET volatility_ppm = 9000000",
        "UPDATE market SET volatility_ppm = 'x'",
        "UPDATE market SET volatility_ppm = NULL",
        "UPDATE market SET exchange = 'XNYS'",
        "UPDATE market SET exchange = x'00'",
        "UPDATE market SET high_days = 1",
        "UPDATE market SET high_from_ms = 1, high_until_ms = 2, high_permille = 3, high_days = 4",
        "UPDATE market SET sum = sum + 1",
        "UPDATE market SET sum = 'x'",
        "UPDATE market SET symbol = 'stock:MSFT'",
        "DELETE FROM market",
        "DROP TABLE market",
        "DROP TABLE market; DROP TABLE volume; DROP TABLE strategy",
    ] {
        let (said, upstream, sandbox) = told();
        swing(&said, &sandbox, ENOUGH, 1.5);
        sandbox.sql(damage);
        let quiet =
            |run: &Run| assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{damage}");
        let soon = after((ENOUGH - 1) * 60 + 10);
        let run = at(&sandbox, &soon, &["fetch", "AAPL", "-f", "json"]);
        quiet(&run);
        let held = &run.json()[0]["cache"];
        assert_eq!(
            (&held["status"], &held["ttl_seconds"]),
            (&"hit".into(), &30.0.into()),
            "{damage}"
        );
        assert_eq!(known(&sandbox), Market::default(), "{damage}");
        quiet(&at(&sandbox, &soon, &["keys"]));
        // Whoever asks next begins it anew, if there is a place for it.
        let run = at(&sandbox, &soon, &["fetch", "AAPL", "--refresh", "-f", "json"]);
        quiet(&run);
        assert_eq!(run.json()[0]["cache"]["ttl_seconds"], 30.0, "{damage}");
        let is_kept = known(&sandbox).exchange.is_some();
        assert_eq!(is_kept, !damage.starts_with("DROP"), "{damage}");
        assert_eq!(upstream.count(), 14, "{damage}");
    }
}

#[test]
fn a_pace_that_is_not_what_was_written_begins_anew() {
    for damage in [
        "UPDATE market SET pace = x'00'",
        "UPDATE market SET pace = ''",
        "UPDATE market SET seen_at_ms = seen_at_ms + 1",
        "UPDATE market SET pace_sum = 7",
    ] {
        let (said, _upstream, sandbox) = told();
        swing(&said, &sandbox, ENOUGH, 1.5);
        sandbox.sql(damage);
        let held = cache_after(&sandbox, (ENOUGH - 1) * 60 + 5, &[]);
        assert_eq!(held["ttl_seconds"], 15.0, "{damage}: what a hit reads is sound");
        let asked = cache_after(&sandbox, ENOUGH * 60, &[]);
        assert_eq!(
            (&asked["status"], &asked["ttl_seconds"]),
            (&"miss".into(), &30.0.into()),
            "{damage}"
        );
    }
}

/// How many seconds after the first session the one of this number is, at the same time of day.
fn session(number: usize) -> i64 {
    let first = Date::parse("2026-07-01").unwrap();
    let sessions = Calendars::default();
    let mut sessions = sessions.sessions(Exchange::XNAS, first, first.plus(60));
    (sessions.nth(number).unwrap().date.days() - first.days()) * 86_400
}

/// Asks once a session at the same time, for so many of them, with this volume; then in the next.
fn days(said: &Said, sandbox: &Sandbox, days: usize, usual: u64, then: u64) -> Timestamp {
    for day in 0..=days {
        said.lock().unwrap().1 = if day == days { then } else { usual };
        assert_eq!(cache_after(sandbox, session(day), &[])["status"], "miss");
    }
    Timestamp::parse(&after(session(days) + 1)).unwrap()
}

#[test]
fn a_volume_above_one_and_a_half_times_the_median_of_twenty_sessions_is_unusual() {
    let (said, _upstream, sandbox) = told();
    let now = days(&said, &sandbox, 20, 1_000_000, 1_600_000);
    let high = known(&sandbox).unusual_volume(now).unwrap();
    assert_eq!(high.to_string(), "unusual volume: 1.6 times the median of 20 sessions");
    let held = cache_after(&sandbox, session(20) + 1, &[]);
    assert_eq!(held["ttl_seconds"], 60.0);
    let why = "use_cases.high_volume: 60 s: unusual volume: 1.6 times the median of 20 sessions";
    assert_eq!(held["why"][1], why);
    // It is over with the first quote that is usual again, and by itself.
    said.lock().unwrap().1 = 1_400_000;
    cache_after(&sandbox, session(20) + 70, &[]);
    let market = known(&sandbox);
    let later = Timestamp::parse(&after(session(20) + 71)).unwrap();
    assert!(market.is_unusual(now) && !market.is_unusual(later), "{market:?}");
}

#[test]
fn a_volume_is_judged_by_enough_days_above_the_threshold_and_at_the_same_time_of_day() {
    for (case, usual_days, then, threshold, expected) in [
        ("five days", 5, 1_600_000, "1.5", true),
        ("four days", 4, 1_600_000, "1.5", false),
        ("not above", 5, 1_500_000, "1.5", false),
        ("above a higher threshold", 5, 2_500_000, "2", true),
        ("not above a higher one", 5, 1_600_000, "2", false),
    ] {
        let (said, _upstream, sandbox) = told();
        let sandbox = sandbox.env("MCACHE_UNUSUAL_VOLUME", threshold);
        let now = days(&said, &sandbox, usual_days, 1_000_000, then);
        assert_eq!(known(&sandbox).is_unusual(now), expected, "{case}");
    }
    let (said, _upstream, sandbox) = told();
    days(&said, &sandbox, 8, 1_000_000, 1_000_000);
    said.lock().unwrap().1 = 9_000_000;
    cache_after(&sandbox, session(8) + 900, &[]);
    let now = Timestamp::parse(&after(session(8) + 901)).unwrap();
    assert!(!known(&sandbox).is_unusual(now), "nothing is known of a quarter of an hour later");
}

#[test]
fn volumes_that_are_not_what_was_written_are_as_if_there_were_none() {
    for damage in [
        "UPDATE volume SET history = x'00'",
        "UPDATE volume SET history = 7",
        "UPDATE volume SET sum = sum + 1",
        "UPDATE volume SET provider = 'binance'",
        "DROP TABLE volume",
    ] {
        let (said, _upstream, sandbox) = told();
        days(&said, &sandbox, 6, 1_000_000, 1_000_000);
        sandbox.sql(damage);
        said.lock().unwrap().1 = 9_000_000;
        let run = at(&sandbox, &after(session(7)), &["fetch", "AAPL"]);
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{damage}");
        let now = Timestamp::parse(&after(session(7) + 1)).unwrap();
        assert!(!known(&sandbox).is_unusual(now), "{damage}");
        assert!(known(&sandbox).exchange.is_some(), "{damage}");
    }
}

#[test]
fn nothing_is_written_for_no_cache_nor_for_what_is_invented() {
    let (_said, upstream, sandbox) = told();
    assert_eq!(sandbox.run(&["put", "a", "1"]).code, Some(0));
    assert_eq!(sandbox.run(&["fetch", "AAPL", "--no-cache"]).code, Some(0));
    assert_eq!(sandbox.run(&["fetch", "AAPL", "-p", "demo"]).code, Some(0));
    assert_eq!((sandbox.count("market"), sandbox.count("volume")), (0, 0));
    assert_eq!(upstream.count(), 1);
    assert_eq!(sandbox.run(&["fetch", "AAPL"]).code, Some(0));
    assert_eq!((sandbox.count("market"), sandbox.count("volume")), (1, 0), "a volume of none");
}

#[test]
fn every_type_of_a_symbol_is_judged_by_its_market_and_no_other_symbol() {
    let (said, _upstream, sandbox) = told();
    swing(&said, &sandbox, ENOUGH, 1.5);
    for (key, is_known) in [
        ("bars:stock:AAPL:1d", true),
        ("quote:stock:AAPL", true),
        ("prediction:stock:AAPL", true),
        ("quote:crypto:AAPL", false),
        ("quote:stock:AAP", false),
        ("quote:stock", false),
    ] {
        let market = sandbox.market(&Key::from_stored(key));
        assert_eq!(market != Market::default(), is_known, "{key}");
    }
}
