//! What it costs to judge an entry and to ask a calendar: `cargo bench --bench decisions`.
//!
//! The rules are the shipped ones, and the same with a portfolio and watchlists of 5,000 symbols. What is
//! judged was fetched at random instants of 2000 to 2028, so every season, holiday and clock change is
//! among them. The median of many rounds. Exit code 1 if a target is missed.

#![expect(clippy::unwrap_used, reason = "in a benchmark a panic is the report")]
#![expect(clippy::print_stdout, reason = "what a benchmark is for")]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Duration;

use mcache::calendar::{Calendars, Exchange};
use mcache::clock::Clock;
use mcache::config::{Config, Environment, Said};
use mcache::entry::{Entry, Format};
use mcache::key::Key;
use mcache::policy::{Known, Reader, Rules, Subjects};
use mcache::time::Timestamp;

/// The most that a decision may take, and a look-up in a calendar, in nanoseconds.
const DECISION: f64 = 1000.0;
const LOOK_UP: f64 = 200.0;

/// How many things one round does, and how many rounds there are.
const OF_A_ROUND: u32 = 2000;
const ROUNDS: usize = 301;

fn main() -> ExitCode {
    let shipped = rules();
    let mut listed = shipped.clone();
    let symbols =
        |from: u32| Subjects::new((from..from + 5000).map(|n| format!("stock:S{n}").into()));
    listed.use_cases.positions = symbols(0);
    listed.use_cases.watched = symbols(2500);
    let mut met = true;
    for (name, rules, key) in [
        ("decide on a stock in New York", &shipped, "quote:stock:AAPL"),
        ("decide on a stock in London", &shipped, "quote:stock:VOD.L"),
        ("decide on a coin", &shipped, "quote:crypto:BTC"),
        ("decide on a series", &shipped, "series:macro:GDP"),
        ("decide on one of 5,000 positions", &listed, "quote:stock:S2600"),
        ("decide on one on no list of 5,000", &listed, "quote:stock:AAPL"),
    ] {
        met &= report(name, DECISION, decide(rules, key));
    }
    let calendars = Calendars::default();
    for exchange in Exchange::all() {
        let ask = |at| {
            black_box(calendars.phase(exchange, at));
        };
        met &= report(&format!("look {exchange} up"), LOOK_UP, each(ask));
    }
    if met { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The rules of the shipped configuration.
fn rules() -> Rules {
    let environment = Environment::from([("HOME", "/nowhere")]);
    let config = Config::load(Said::default(), environment).unwrap();
    let mut rules = None;
    config.open_with(|options| rules = Some(options.rules.clone())).unwrap();
    rules.unwrap()
}

fn decide(rules: &Rules, key: &str) -> f64 {
    let mut entry = Entry {
        key: Key::from_stored(key),
        provider: "yahoo".into(),
        fetched_at: Timestamp::from_seconds(0),
        own_ttl: None,
        format: Format::Json,
        body: Box::default(),
    };
    let known = Known::default();
    each(|at| {
        entry.fetched_at = at;
        black_box(rules.life(&entry, &known, Reader::at(at)));
    })
}

/// What one of these takes, in nanoseconds: the median of the rounds.
fn each(mut of: impl FnMut(Timestamp)) -> f64 {
    let instants: Vec<Timestamp> = instants().take(OF_A_ROUND as usize).collect();
    let round = |_| {
        let watch = Clock::system().stopwatch();
        for at in &instants {
            of(*at);
        }
        watch.elapsed()
    };
    let mut taken: Vec<Duration> = (0..ROUNDS).map(round).collect();
    taken.sort_unstable();
    taken[ROUNDS / 2].as_secs_f64() * 1e9 / f64::from(OF_A_ROUND)
}

/// Instants without rhyme or reason from 2000 to 2028, by a linear congruence.
fn instants() -> impl Iterator<Item = Timestamp> {
    const FIRST: i64 = 946_900_000;
    const SECONDS: u64 = 883_000_000;
    let mut state = 1_u64;
    std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        Timestamp::from_seconds(FIRST + ((state >> 33) % SECONDS).cast_signed())
    })
}

fn report(name: &str, most: f64, taken: f64) -> bool {
    let met = taken <= most;
    let verdict = if met { "met" } else { "MISSED" };
    println!("{name:<36} {taken:>7.0} ns  target <= {most} ns  {verdict}");
    met
}
