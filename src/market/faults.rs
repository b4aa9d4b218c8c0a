//! Known faults of what upstreams send: what looks wrong by what stands beside it.
//!
//! What is impossible was refused before it was stored; this is possible, and hardly ever true. It marks and
//! mends nothing: a value stays what was sent. It asks nobody and takes a few microseconds for a
//! thousand bars, since bars are looked through each time that they are read.

use std::ops::Range;

use super::{Bars, HeldSplit};

/// How many bars in a row may be in another unit: a month of days. What stays there longer is rather
/// a unit that has changed for good, or a split.
const LONGEST_RUN: usize = 25;

/// What looks wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A price is a hundred times what stands beside it, or a hundredth: pence for pounds.
    Unit,
    /// There is no adjusted close, and most of the others have one.
    AdjustedCloseMissing,
}

impl FaultKind {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unit => "unit_100x",
            Self::AdjustedCloseMissing => "adjusted_close_missing",
        }
    }
}

/// Something that looks wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When the bar begins, in milliseconds UTC; none of a quote.
    pub time: Option<i64>,
    /// The exchange's date of the bar, in days since 1970-01-01, if it has one.
    pub day: Option<i32>,
    /// What it is.
    pub kind: FaultKind,
    /// Which value it is; all prices, if none is named.
    pub field: Option<&'static str>,
}

/// Whether one price is about a hundred times another, or a hundredth: a market moves by a few
/// percent besides.
pub fn is_unit_flip(price: f64, beside: f64) -> bool {
    let is_hundredfold = |large: f64, small: f64| large >= 80.0 * small && large <= 125.0 * small;
    price > 0.0 && beside > 0.0 && (is_hundredfold(price, beside) || is_hundredfold(beside, price))
}

/// What looks wrong of bars, in their order. At the first and the last of them only one side can be
/// compared with, so that has to be much longer, and no split may be known that explains it.
pub fn faults(bars: &Bars, splits: &[HeldSplit]) -> Vec<Fault> {
    let mut found = Vec::new();
    let missing = bars.adjusted.iter().filter(|adjusted| adjusted.is_nan()).count();
    let should_be_there = missing > 0 && missing * 2 < bars.len();
    let mut flipped = first_run(bars, splits);
    let prices = bars.open.iter().zip(&bars.high).zip(bars.low.iter().zip(&bars.close));
    let mut before = bars.close.first().copied().unwrap_or(f64::NAN);
    for (at, ((open, high), (low, close))) in prices.enumerate() {
        let is_even = is_even([*open, *high, *low, *close], before);
        before = *close;
        if is_even && at >= flipped.end && !should_be_there {
            continue;
        }
        if at >= flipped.end {
            // The bar behind a stretch is back where the others are, and begins none itself.
            let is_back = at == flipped.end && !flipped.is_empty();
            flipped = if is_back { at..at } else { run_from(bars, splits, at) };
        }
        if flipped.contains(&at) {
            mark_with_close(bars, at, &mut found);
        } else if !is_even {
            mark_besides_close(bars, at, &mut found);
        }
        if should_be_there && bars.adjusted[at].is_nan() {
            found.push(fault(bars, at, FaultKind::AdjustedCloseMissing, Some("adjusted_close")));
        }
    }
    found
}

/// The bars from this one on whose closes are in another unit than those on both sides, or, up to the
/// last, than those before; none, if that is not so.
fn run_from(bars: &Bars, splits: &[HeldSplit], at: usize) -> Range<usize> {
    let (closes, none) = (&bars.close, at..at);
    let Some(before) = at.checked_sub(1).map(|before| closes[before]) else { return none };
    if !is_unit_flip(closes[at], before) {
        return none;
    }
    let is_back = |place: &usize| {
        is_unit_flip(closes[*place], closes[place - 1]) && !is_unit_flip(closes[*place], before)
    };
    match (at + 1..closes.len().min(at + 1 + LONGEST_RUN)).find(is_back) {
        // The most are taken to be right: of two at the edges that differ from all others those differ.
        Some(end) if (end - at) * 2 <= closes.len() => at..end,
        None if is_edge(closes.len() - at, closes.len()) && !is_told(bars, splits, at) => {
            at..closes.len()
        }
        _ => none,
    }
}

/// The first bars, if their closes are in another unit than those that follow.
fn first_run(bars: &Bars, splits: &[HeldSplit]) -> Range<usize> {
    let closes = &bars.close;
    let mut most = 1..closes.len().min(LONGEST_RUN + 1);
    let end = most.find(|place| is_unit_flip(closes[*place], closes[place - 1]));
    let is_theirs = |end: &usize| {
        is_edge(*end, closes.len())
            && !is_told(bars, splits, *end)
            && run_from(bars, splits, *end).is_empty()
    };
    0..end.filter(is_theirs).unwrap_or(0)
}

/// Whether so many bars at one end are few beside all of them: a unit may have changed for good, and then
/// neither side is wrong.
fn is_edge(run: usize, all: usize) -> bool {
    run <= LONGEST_RUN && run * 3 <= all
}

/// Whether a split between a bar and the one before explains that they differ: prices may be wanted as
/// they were paid.
fn is_told(bars: &Bars, splits: &[HeldSplit], at: usize) -> bool {
    let between = bars.times[at - 1] + 1..=bars.times[at];
    splits
        .iter()
        .any(|held| between.contains(&held.split.at_ms) && is_unit_flip(held.split.ratio(), 1.0))
}

/// Whether all prices of a bar, and the close before it, are of one size, as nearly all are. What is
/// missing is of none.
fn is_even([open, high, low, close]: [f64; 4], before: f64) -> bool {
    const FAR: f64 = 40.0;
    let most = low * FAR;
    high < most
        && open < most
        && close < most
        && open * FAR > high
        && close * FAR > high
        && close < before * FAR
        && close * FAR > before
}

/// The prices of a bar besides the close that are in another unit than that.
fn unlike_close(bars: &Bars, at: usize) -> impl Iterator<Item = (&'static str, bool)> {
    let others = [("open", bars.open[at]), ("high", bars.high[at]), ("low", bars.low[at])];
    let close = bars.close[at];
    let sent = others.into_iter().filter(|(_, price)| !price.is_nan());
    sent.map(move |(field, price)| (field, is_unit_flip(price, close)))
}

/// Marks the prices that are in another unit of a bar whose close is: those that go with it.
fn mark_with_close(bars: &Bars, at: usize, found: &mut Vec<Fault>) {
    if !unlike_close(bars, at).any(|(_, is_unlike)| is_unlike) {
        found.push(fault(bars, at, FaultKind::Unit, None));
        return;
    }
    let with_it = unlike_close(bars, at).filter(|(_, is_unlike)| !is_unlike);
    let fields = with_it.map(|(field, _)| field).chain(["close"]);
    found.extend(fields.map(|field| fault(bars, at, FaultKind::Unit, Some(field))));
}

/// Marks the prices that are in another unit of a bar whose close is not.
fn mark_besides_close(bars: &Bars, at: usize, found: &mut Vec<Fault>) {
    let unlike = unlike_close(bars, at).filter(|(_, is_unlike)| *is_unlike);
    found.extend(unlike.map(|(field, _)| fault(bars, at, FaultKind::Unit, Some(field))));
}

fn fault(bars: &Bars, at: usize, kind: FaultKind, field: Option<&'static str>) -> Fault {
    Fault { time: Some(bars.times[at]), day: bars.days.get(at).copied(), kind, field }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::{Bar, Split};

    fn bars(closes: &[f64]) -> Bars {
        let mut bars = Bars::default();
        for (day, close) in (0..).zip(closes) {
            let (open, high, low, close) = (close * 0.99, close * 1.02, close * 0.97, *close);
            let time = i64::from(day) * 86_400_000;
            let (day, volume, adjusted) = (Some(day), 1.0, close);
            bars.push(Bar { time, day, open, high, low, close, volume, adjusted });
        }
        bars
    }

    fn told(bars: &Bars) -> Vec<String> {
        let one = |fault: &Fault| {
            format!("{} {} {}", fault.day.unwrap(), fault.kind.as_str(), fault.field.unwrap_or("*"))
        };
        faults(bars, &[]).iter().map(one).collect()
    }

    #[test]
    fn a_stretch_in_another_unit_is_found_between_two_that_agree() {
        for (case, closes, expected) in [
            ("up", &[2.0, 2.1, 208.0, 2.05, 2.0][..], &["2 unit_100x *"][..]),
            ("down", &[200.0, 2.1, 205.0], &["1 unit_100x *"]),
            ("two", &[2.0, 210.0, 208.0, 2.05], &["1 unit_100x *", "2 unit_100x *"]),
            (
                "twice",
                &[2.0, 2.1, 208.0, 2.05, 2.0, 2.1, 210.0, 2.1, 2.0],
                &["2 unit_100x *", "6 unit_100x *"],
            ),
            ("next but one", &[2.0, 210.0, 2.0, 208.0, 2.0], &["1 unit_100x *", "3 unit_100x *"]),
            ("at both ends", &[200.0, 2.0, 2.1, 2.0, 210.0], &["0 unit_100x *", "4 unit_100x *"]),
            ("last", &[2.0, 2.1, 2.0, 2.1, 2.0, 210.0, 208.0], &["5 unit_100x *", "6 unit_100x *"]),
            ("first", &[0.02, 0.021, 2.0, 2.1, 2.0, 2.1], &["0 unit_100x *", "1 unit_100x *"]),
            ("for good", &[200.0, 201.0, 2.0, 2.1, 2.0], &[]),
            ("for good at last", &[200.0, 201.0, 199.0, 2.1, 2.0], &[]),
            ("of two", &[2.0, 200.0], &[]),
            ("by fifty", &[2.0, 100.0, 2.0], &[]),
            ("by two hundred", &[2.0, 400.0, 2.0], &[]),
            ("one", &[2.0], &[]),
            ("none", &[], &[]),
        ] {
            assert_eq!(told(&bars(closes)), expected, "{case}");
        }
    }

    #[test]
    fn what_changes_for_longer_than_a_month_has_changed_for_good() {
        let mut closes = vec![2.0; 100];
        closes.extend([200.0; LONGEST_RUN]);
        assert_eq!(told(&bars(&closes)).len(), LONGEST_RUN);
        closes.push(200.0);
        assert!(told(&bars(&closes)).is_empty());
    }

    #[test]
    fn a_split_that_is_known_explains_what_differs_at_an_end() {
        let bars = bars(&[2.0, 2.1, 2.0, 2.1, 200.0]);
        let split = |day: i32, numerator: f64| {
            let at_ms = i64::from(day) * 86_400_000;
            let split = Split { at_ms, day, numerator, denominator: 100.0 };
            HeldSplit { split, fetched_ms: 0 }
        };
        for (split, count) in [(split(4, 1.0), 0), (split(3, 1.0), 1), (split(4, 50.0), 1)] {
            assert_eq!(faults(&bars, &[split]).len(), count, "{split:?}");
        }
    }

    #[test]
    fn a_single_price_in_another_unit_is_named() {
        let mut mixed = bars(&[2.0, 2.1, 2.05, 2.0]);
        mixed.low[1] = 0.0205;
        mixed.high[2] = 207.0;
        assert_eq!(told(&mixed), ["1 unit_100x low", "2 unit_100x high"]);
        let mut close_alone = bars(&[2.0, 2.1, 2.05]);
        close_alone.close[1] = 210.0;
        close_alone.open[1] = f64::NAN;
        assert_eq!(told(&close_alone), ["1 unit_100x close"]);
    }

    #[test]
    fn an_adjusted_close_is_missed_where_most_have_one() {
        let mut some = bars(&[2.0, 2.1, 2.05]);
        some.adjusted[1] = f64::NAN;
        assert_eq!(told(&some), ["1 adjusted_close_missing adjusted_close"]);
        some.adjusted[2] = f64::NAN;
        assert!(told(&some).is_empty(), "most of them have none: it is not given");
    }

    proptest! {
        #[test]
        fn nothing_is_found_where_prices_move_as_prices_do(
            steps in prop::collection::vec(0.5..2.0_f64, 0..60),
        ) {
            let mut close = 100.0;
            let closes: Vec<f64> = steps.iter().map(|step| { close *= step; close }).collect();
            prop_assert!(faults(&bars(&closes), &[]).is_empty());
        }

        #[test]
        fn whatever_the_prices_are_it_ends(
            closes in prop::collection::vec(prop_oneof![any::<f64>(), Just(1.0), Just(100.0)], 0..60),
        ) {
            let found = faults(&bars(&closes), &[]);
            prop_assert!(found.len() <= closes.len() * 5);
        }
    }
}
