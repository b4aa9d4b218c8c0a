//! What bars cost in other shares: by hand, and against a stock whose whole past is known.

use super::*;
use crate::market::{Dividend, Events, Split};
use proptest::prelude::*;

const DAY_MS: i64 = 86_400_000;
/// When the session of a day opens.
const OPEN_MS: i64 = 52_200_000;
/// When everything of a day has been sent.
const EVENING_MS: i64 = 80_000_000;

fn open_of(day: usize) -> i64 {
    i64::try_from(day).unwrap() * DAY_MS + OPEN_MS
}

fn evening_of(day: usize) -> i64 {
    i64::try_from(day).unwrap() * DAY_MS + EVENING_MS
}

/// A stock as it was traded, and an upstream that tells of it what it knows when it is asked.
#[derive(Clone, Debug)]
struct Stock {
    /// Open, high, low, close and volume of each day, of the shares that were traded.
    traded: Vec<[f64; 5]>,
    splits: Vec<(usize, f64, f64)>,
    /// The part of the close before that was paid out.
    dividends: Vec<(usize, f64, bool)>,
    sends_adjusted: bool,
}

impl Stock {
    /// By what upstream divides a price of `since` when it is asked at `at_ms`.
    fn divided(&self, since_ms: i64, at_ms: i64) -> f64 {
        let splits = self
            .splits
            .iter()
            .filter(|(day, _, _)| since_ms < open_of(*day) && open_of(*day) <= at_ms);
        splits.map(|(_, many, few)| many / few).product()
    }

    fn bar(&self, day: usize, at_ms: i64) -> Bar {
        let ratio = self.divided(open_of(day), at_ms);
        let paid = self.dividends.iter().filter(|(ex, _, _)| day < *ex && open_of(*ex) <= at_ms);
        let left: f64 = paid.map(|(_, part, _)| 1.0 - part).product();
        let [open, high, low, close, volume] = self.traded[day];
        #[expect(clippy::cast_possible_truncation, reason = "as Yahoo sends prices")]
        let sent = |price: f64| f64::from((price / ratio) as f32);
        Bar {
            time: open_of(day),
            day: Some(i32::try_from(day).unwrap()),
            open: sent(open),
            high: sent(high),
            low: sent(low),
            close: sent(close),
            volume: volume * ratio,
            adjusted: if self.sends_adjusted { sent(close * left) } else { f64::NAN },
        }
    }

    /// The answer for days of which none is to come.
    fn page(&self, days: Range<usize>, at_ms: i64) -> (Bars, Events) {
        let is_in = |day: usize| days.contains(&day) && open_of(day) <= at_ms;
        let date = |day: usize| (open_of(day), i32::try_from(day).unwrap());
        let mut bars = Bars::default();
        days.clone().for_each(|day| bars.push(self.bar(day, at_ms)));
        let splits = self.splits.iter().filter(|(day, _, _)| is_in(*day));
        let splits = splits.map(|(day, numerator, denominator)| {
            let (at_ms, day) = date(*day);
            Split { at_ms, day, numerator: *numerator, denominator: *denominator }
        });
        let paid = self.dividends.iter().filter(|(day, _, _)| is_in(*day));
        let dividends = paid.map(|(ex, part, is_capital_gain)| {
            let close = self.traded[ex - 1][3] / self.divided(open_of(ex - 1), at_ms);
            let (at_ms, day) = date(*ex);
            Dividend { at_ms, day, amount: close * part, is_capital_gain: *is_capital_gain }
        });
        let events = Events { splits: splits.collect(), dividends: dividends.collect() };
        (bars, events)
    }
}

/// What is held of a stock: every bar as it was sent, with the instant of that.
#[derive(Default)]
struct Held {
    bars: Bars,
    runs: Vec<Run>,
    actions: Actions,
}

impl Held {
    fn learn(&mut self, page: &(Bars, Events), days: &Range<usize>, at_ms: i64) {
        let (bars, events) = page;
        let close_before = |ex_ms: i64| {
            let before = bars.times.partition_point(|time| *time < ex_ms).checked_sub(1)?;
            Some(bars.close[before])
        };
        let span = open_of(days.start)..open_of(days.end);
        self.actions.learn(events, span, at_ms, &close_before);
    }

    /// Asks for the days behind what is held, with one of overlap, up to `today`.
    fn go_on(&mut self, stock: &Stock, first: usize, today: usize) {
        let at_ms = evening_of(today);
        let overlap = usize::from(!self.bars.is_empty());
        let days = first + self.bars.len() - overlap..today + 1;
        let page = stock.page(days.clone(), at_ms);
        self.learn(&page, &days, at_ms);
        if overlap == 1 {
            let held = self.bars.bar(self.bars.len() - 1);
            let basis_ms = self.runs.last().unwrap().basis_ms;
            let came = page.0.bar(0);
            assert!(!restated(&held, basis_ms, &came, at_ms, &self.actions));
            assert!(!restated(&came, at_ms, &held, basis_ms, &self.actions));
            let corrected = Bar { close: came.close * 1.000_1, ..came };
            assert!(restated(&held, basis_ms, &corrected, at_ms, &self.actions));
        }
        let new = page.0.slice(overlap..page.0.len());
        self.runs.push(Run { bars: new.len(), basis_ms: at_ms });
        self.bars.append(&new);
    }

    /// Asks for so many days before what is held.
    fn go_back(&mut self, stock: &Stock, first: usize, many: usize, today: usize) {
        let at_ms = evening_of(today);
        let days = first - many..first;
        let page = stock.page(days.clone(), at_ms);
        self.learn(&page, &days, at_ms);
        let mut bars = page.0;
        self.runs.insert(0, Run { bars: bars.len(), basis_ms: at_ms });
        bars.append(&self.bars);
        self.bars = bars;
    }

    fn read(&self, how: Adjust, now_ms: i64) -> Bars {
        let mut bars = self.bars.clone();
        adjust(&mut bars, &self.runs, &self.actions, how, now_ms);
        bars
    }

    /// What was held, and known, at an instant; `first` is the first day held.
    fn as_of(&self, first: usize, at_ms: i64) -> (usize, Self) {
        let mut held = Self { actions: self.actions.known_at(at_ms), ..Self::default() };
        let (mut place, mut from) = (0, None);
        for run in &self.runs {
            if run.basis_ms <= at_ms {
                from.get_or_insert(first + place);
                held.bars.append(&self.bars.slice(place..place + run.bars));
                held.runs.push(*run);
            }
            place += run.bars;
        }
        (from.unwrap(), held)
    }
}

/// Says how a bar should read, by what upstream says of it now and what was traded.
fn expected(stock: &Stock, day: usize, how: Adjust, now_ms: i64) -> Bar {
    let fresh = Stock { sends_adjusted: true, ..stock.clone() }.bar(day, now_ms);
    let part = fresh.adjusted / fresh.close;
    match how {
        Adjust::Splits => fresh,
        Adjust::None => {
            let [open, high, low, close, volume] = stock.traded[day];
            Bar { open, high, low, close, volume, ..fresh }
        }
        Adjust::All => Bar {
            open: fresh.open * part,
            high: fresh.high * part,
            low: fresh.low * part,
            close: fresh.adjusted,
            ..fresh
        },
    }
}

fn numbers(bar: &Bar) -> [f64; 6] {
    [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.adjusted]
}

/// Holds what is read against a fresh download; `first` is the first day held.
fn check(stock: &Stock, held: &Held, first: usize, now_ms: i64) {
    let unknown = held.actions.dividends.iter().rev().find(|held| held.factor.is_none());
    let unknown_ms = unknown.map_or(i64::MIN, |held| held.dividend.at_ms);
    for how in [Adjust::None, Adjust::Splits, Adjust::All] {
        let read = held.read(how, now_ms);
        for at in 0..read.len() {
            let (ours, theirs) = (read.bar(at), expected(stock, first + at, how, now_ms));
            let is_unknown =
                !stock.sends_adjusted && (ours.time < unknown_ms || held.actions.is_empty());
            for (place, (our, their)) in
                numbers(&ours).into_iter().zip(numbers(&theirs)).enumerate()
            {
                let is_of_dividends = place == 5 || (place < 4 && how == Adjust::All);
                if is_unknown && is_of_dividends && our.is_nan() {
                    continue;
                }
                assert!(is_near(our, their), "{how:?}, day {}: {ours:?}, {theirs:?}", first + at);
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// So many days pass, and what came in them is asked for.
    GoOn(usize),
    /// So many days before what is held are asked for.
    GoBack(usize),
    /// So many days pass.
    Wait(usize),
}

const DAYS: usize = 120;

fn stock() -> impl Strategy<Value = Stock> {
    let day = (1.0..900.0, 0.0..0.1, 0.0..0.1, 0.0..1.0, 1.0e3..1.0e9);
    let traded = day.prop_map(|(low, up, more, at, volume): (f64, f64, f64, f64, f64)| {
        let (open, close) = (low * (1.0 + up * at), low * (1.0 + up));
        [open, close * (1.0 + more), low, close, volume]
    });
    let ratio = prop::sample::select(vec![
        (2.0, 1.0),
        (3.0, 1.0),
        (4.0, 1.0),
        (3.0, 2.0),
        (20.0, 1.0),
        (1.0, 10.0),
        (1.0, 4.0),
        (1009.0, 1000.0),
    ]);
    (
        prop::collection::vec(traded, DAYS),
        prop::collection::btree_map(1..DAYS, ratio, 0..5),
        prop::collection::btree_map((1..DAYS, any::<bool>()), 0.000_1..0.2, 0..9),
        any::<bool>(),
    )
        .prop_map(|(traded, splits, dividends, sends_adjusted)| Stock {
            traded,
            splits: splits.into_iter().map(|(day, (many, few))| (day, many, few)).collect(),
            dividends: dividends.into_iter().map(|((d, gain), part)| (d, part, gain)).collect(),
            sends_adjusted,
        })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (1..20_usize).prop_map(Step::GoOn),
        (1..20_usize).prop_map(Step::GoBack),
        (0..20_usize).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..10)
}

fn day(at: usize, close: f64, adjusted: f64) -> Bar {
    Bar {
        time: open_of(at),
        day: Some(i32::try_from(at).unwrap()),
        open: close,
        high: close,
        low: close,
        close,
        volume: 1000.0,
        adjusted,
    }
}

fn days(all: &[Bar]) -> Bars {
    let mut bars = Bars::default();
    for bar in all {
        bars.push(*bar);
    }
    bars
}

fn split(at: usize, numerator: f64, denominator: f64) -> Split {
    let day = i32::try_from(at).unwrap();
    Split { at_ms: open_of(at), day, numerator, denominator }
}

fn dividend(at: usize, amount: f64) -> Dividend {
    let day = i32::try_from(at).unwrap();
    Dividend { at_ms: open_of(at), day, amount, is_capital_gain: false }
}

/// What is known of a symbol in the evening of a day.
fn known(splits: &[Split], dividends: &[Dividend], close: Option<f64>, at: usize) -> Actions {
    let events = Events { splits: splits.to_vec(), dividends: dividends.to_vec() };
    let mut actions = Actions::default();
    actions.learn(&events, 0..i64::MAX, evening_of(at), &|_| close);
    actions
}

fn run(bars: usize, at: usize) -> Run {
    Run { bars, basis_ms: evening_of(at) }
}

#[test]
fn what_no_action_touches_keeps_every_bit() {
    let odd = f64::from_bits(0x7ff8_dead_beef_0001);
    let gap = Bar { volume: odd, adjusted: f64::NAN, ..day(3, 0.1 + 0.2, 0.0) };
    let bars = days(&[Bar { open: -0.0, ..day(1, 1.0 / 3.0, 0.123) }, day(2, 5e-324, 7.7), gap]);
    let past = known(&[split(1, 3.0, 1.0)], &[dividend(1, 0.3)], Some(1.0), 4);
    // Without actions, and with some that are in the bars already or are still to come.
    for (actions, now) in
        [(Actions::default(), 9), (past, 9), (known(&[split(8, 2.0, 1.0)], &[], None, 4), 7)]
    {
        let mut read = bars.slice(0..2);
        adjust(&mut read, &[run(2, 4)], &actions, Adjust::Splits, evening_of(now));
        assert_eq!(read, bars.slice(0..2));
    }
    let mut read = bars.clone();
    adjust(&mut read, &[run(3, 4)], &Actions::default(), Adjust::None, evening_of(9));
    assert_eq!(read, bars);
    // Where nothing is known of dividends, `All` has nothing to take off.
    adjust(&mut read.slice(2..3), &[run(1, 4)], &Actions::default(), Adjust::All, evening_of(9));
    assert_eq!(read, bars);
}

#[test]
fn a_split_after_the_fetch_divides_and_one_before_it_is_in_the_prices() {
    // One share became four on day 3; day 1 was fetched before that, day 2 after it.
    let bars = days(&[day(1, 400.0, 400.0), day(2, 101.0, 101.0), day(3, 102.0, 102.0)]);
    let runs = [run(1, 2), run(2, 3)];
    let actions = known(&[split(3, 4.0, 1.0)], &[], None, 3);
    for (how, closes, volumes) in [
        (Adjust::Splits, [100.0, 101.0, 102.0], [4000.0, 1000.0, 1000.0]),
        (Adjust::None, [400.0, 404.0, 102.0], [1000.0, 250.0, 1000.0]),
        (Adjust::All, [100.0, 101.0, 102.0], [4000.0, 1000.0, 1000.0]),
    ] {
        let mut read = bars.clone();
        adjust(&mut read, &runs, &actions, how, evening_of(5));
        assert_eq!((&read.close[..], &read.volume[..]), (&closes[..], &volumes[..]), "{how:?}");
        assert_eq!(read.adjusted, [100.0, 101.0, 102.0], "{how:?}");
        assert_eq!((&read.open, &read.high, &read.low), (&read.close, &read.close, &read.close));
    }
    // As of the day before, there was no split.
    let mut read = bars.slice(0..1);
    adjust(&mut read, &runs[..1], &actions, Adjust::Splits, evening_of(2));
    assert_eq!(read, bars.slice(0..1));
}

#[test]
fn a_dividend_takes_off_what_yahoo_takes_off() {
    // AAPL around 2025-08-11, as Yahoo sent it in October; in July it sent closes as they were.
    let (close, theirs, amount) = (229.350_006_103_515_62, 229.090_011_596_679_7, 0.26);
    let bars = days(&[day(1, close, close)]);
    let actions = known(&[], &[dividend(2, amount)], Some(close), 2);
    let mut read = bars.clone();
    adjust(&mut read, &[run(1, 1)], &actions, Adjust::Splits, evening_of(3));
    assert!(is_near(read.adjusted[0], theirs), "{} {theirs}", read.adjusted[0]);
    assert_eq!(read.close, [close]);
    let mut read = bars.clone();
    adjust(&mut read, &[run(1, 1)], &actions, Adjust::All, evening_of(3));
    assert_eq!((read.close[0], read.open[0]), (read.adjusted[0], read.adjusted[0]));
}

#[test]
fn a_dividend_of_unknown_weight_leaves_no_adjusted_close_before_it() {
    let bars = days(&[day(1, 10.0, 9.0), day(2, 11.0, 10.0), day(3, 12.0, 12.0)]);
    let actions = known(&[], &[dividend(3, 1.0)], None, 3);
    let read = |basis, how| {
        let mut read = bars.clone();
        adjust(&mut read, &[run(3, basis)], &actions, how, evening_of(4));
        read
    };
    // It was known to the provider already: what it sent stands.
    assert_eq!(read(3, Adjust::Splits), bars);
    let after = read(2, Adjust::Splits);
    assert!(after.adjusted[0].is_nan() && after.adjusted[1].is_nan());
    assert_eq!((&after.close, after.adjusted[2]), (&bars.close, 12.0));
    let after = read(2, Adjust::All);
    assert!(after.close[0].is_nan() && after.open[1].is_nan());
    assert_eq!((after.close[2], after.volume[0]), (12.0, 1000.0));
}

#[test]
fn an_adjusted_close_that_was_not_sent_is_worked_out_if_actions_are_known() {
    let bars = days(&[day(1, 100.0, f64::NAN), day(2, 50.0, f64::NAN)]);
    let mut read = bars.clone();
    adjust(&mut read, &[run(2, 3)], &Actions::default(), Adjust::Splits, evening_of(4));
    assert_eq!(read, bars);
    let actions = known(&[split(4, 2.0, 1.0)], &[dividend(2, 10.0)], Some(100.0), 4);
    adjust(&mut read, &[run(2, 3)], &actions, Adjust::Splits, evening_of(4));
    assert_eq!(read.adjusted, [45.0, 25.0]);
}

#[test]
fn a_bar_that_came_with_other_prices_is_restated() {
    let actions = known(&[split(3, 4.0, 1.0)], &[], None, 3);
    let (before, after) = (evening_of(2), evening_of(3));
    let held = day(1, 400.0, 390.0);
    let came = Bar { volume: 1.0, adjusted: 1.0, ..day(1, 100.0, 0.0) };
    assert!(!restated(&held, before, &came, after, &actions));
    assert!(!restated(&came, after, &held, before, &actions));
    assert!(restated(&held, before, &held, after, &actions));
    assert!(!restated(&held, before, &held, before, &actions));
    assert!(restated(&held, before, &came, after, &Actions::default()));
    for price in [400.003, 399.997] {
        let near = Bar { low: price, ..held };
        assert!(!restated(&held, before, &near, before, &actions), "{price}");
    }
    for price in [400.005, 399.995, f64::NAN, 0.0, -400.0, f64::INFINITY] {
        let far = Bar { low: price, ..held };
        assert!(restated(&held, before, &far, before, &actions), "{price}");
        assert!(restated(&far, before, &held, before, &actions), "{price}");
    }
    let without = Bar { open: f64::NAN, ..held };
    assert!(!restated(&without, before, &without, before, &actions));
}

#[test]
fn runs_that_do_not_fit_the_bars_harm_nothing() {
    let bars = days(&[day(1, 400.0, 400.0), day(2, 400.0, 400.0)]);
    let actions = known(&[split(3, 4.0, 1.0)], &[], None, 3);
    for (runs, closes) in [
        (vec![], [400.0, 400.0]),
        (vec![run(1, 2)], [100.0, 400.0]),
        (vec![run(usize::MAX, 2), run(usize::MAX, 2)], [100.0, 100.0]),
    ] {
        let mut read = bars.clone();
        adjust(&mut read, &runs, &actions, Adjust::Splits, evening_of(4));
        assert_eq!(read.close, closes);
    }
}

proptest! {
    #[test]
    fn what_was_stored_at_any_times_reads_as_a_fresh_download(
        stock in stock(),
        steps in steps(),
        begin in 20..60_usize,
    ) {
        let mut held = Held::default();
        let (mut first, mut today) = (begin, begin);
        let mut edges = vec![evening_of(today)];
        held.go_on(&stock, first, today);
        for step in steps.into_iter().chain([Step::GoOn(1)]) {
            match step {
                Step::Wait(days) => today = (today + days).min(DAYS - 2),
                Step::GoBack(days) => {
                    let days = days.min(first);
                    held.go_back(&stock, first, days, today);
                    first -= days;
                }
                Step::GoOn(days) => {
                    today = (today + days).min(DAYS - 1);
                    held.go_on(&stock, first, today);
                    edges.push(evening_of(today));
                    check(&stock, &held, first, evening_of(today));
                }
            }
        }
        // Bars that were asked for earlier in time go before what is held, so what was held at
        // an edge is one stretch.
        for edge_ms in edges {
            let (from, then) = held.as_of(first, edge_ms);
            check(&stock, &then, from, edge_ms);
        }
    }
}
