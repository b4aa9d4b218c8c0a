//! What of a series differs from what was known of it before, value by value.
//!
//! Where both came from, and at which instants, is the caller's.

use std::collections::BTreeMap;

use super::actions::is_near;
use super::{BarSeries, BarState, Bars, Observation};
use crate::time::Timestamp;

/// Two numbers that differ by less than this part are the same: arithmetic loses so much.
const NOTHING: f64 = 1e-9;

/// Why a value differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It was final, and upstream has corrected it.
    Restated,
    /// It was not final yet.
    Settled,
    /// A split, or a dividend, that came to be known explains it.
    Adjusted,
}

impl ChangeKind {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restated => "restated",
            Self::Settled => "settled",
            Self::Adjusted => "adjusted",
        }
    }
}

/// A value that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// When its bar begins; none of an observation.
    pub time: Option<Timestamp>,
    /// The date of its day, or of its observation.
    pub date: Option<String>,
    /// Which value of it; `bar` if all of it was not there, or is not any more.
    pub field: &'static str,
    /// What it was; of a bar, its close.
    pub was: Option<f64>,
    /// What it is.
    pub is: Option<f64>,
    /// Why.
    pub kind: ChangeKind,
    /// How settled it was.
    pub state: BarState,
}

/// What of bars differs from what they were. `moved` is what they were, restated for what is known
/// of splits and dividends now; bars that only one of both has count where `is_known` says that all
/// of them were known both times.
pub fn changes(
    was: &BarSeries,
    is: &BarSeries,
    moved: &BarSeries,
    is_known: &dyn Fn(i64) -> bool,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let place = |bars: &Bars, time: i64| bars.times.binary_search(&time).ok();
    for at in 0..was.bars.len() {
        let time = was.bars.times[at];
        let state = was.state(at);
        let Some(now) = place(&is.bars, time) else {
            if is_known(time) {
                changes.push(gone(&was.bars, at, state));
            }
            continue;
        };
        let then = place(&moved.bars, time);
        let olds = values(&was.bars, at);
        for (number, (field, new)) in values(&is.bars, now).into_iter().enumerate() {
            let old = olds[number].1;
            if is_same(old, new) {
                continue;
            }
            let explained = then.is_some_and(|at| is_near(values(&moved.bars, at)[number].1, new));
            let kind = match state {
                _ if explained => ChangeKind::Adjusted,
                BarState::Final => ChangeKind::Restated,
                BarState::Live | BarState::Provisional => ChangeKind::Settled,
            };
            let (was_value, is_value) = (said(old), said(new));
            let change = of_bar(&was.bars, at, field, state);
            changes.push(Change { was: was_value, is: is_value, kind, ..change });
        }
    }
    for at in 0..is.bars.len() {
        let time = is.bars.times[at];
        if place(&was.bars, time).is_none() && is_known(time) {
            let close = said(is.bars.close[at]);
            changes.push(Change { is: close, ..of_bar(&is.bars, at, "bar", BarState::Final) });
        }
    }
    changes.sort_by_key(|change| change.time);
    changes
}

/// What of final bars differs from the same bars as they came again, both of the same shares:
/// prices, beyond what rounding takes. Volumes are corrected for days, and adjusted closes change
/// with every dividend.
pub fn differing(held: &Bars, came: &Bars) -> Vec<Change> {
    let mut changes = Vec::new();
    for at in 0..held.len() {
        let Ok(again) = came.times.binary_search(&held.times[at]) else {
            changes.push(gone(held, at, BarState::Final));
            continue;
        };
        let pairs = values(held, at).into_iter().zip(values(came, again)).take(4);
        for ((field, old), (_, new)) in pairs.filter(|((_, old), (_, new))| !is_near(*old, *new)) {
            let change = of_bar(held, at, field, BarState::Final);
            changes.push(Change { was: said(old), is: said(new), ..change });
        }
    }
    changes
}

/// What of observations differs from what they were; those that were not there yet do not.
pub fn observed(was: &[Observation], is: &[Observation]) -> Vec<Change> {
    let now: BTreeMap<&str, &Observation> = is.iter().map(|one| (&*one.date, one)).collect();
    let value =
        |one: &Observation| one.value.as_ref().map(crate::number::Number::as_f64).and_then(said);
    let differs = |old: &&Observation| match now.get(&*old.date) {
        Some(new) => old.value != new.value && value(old) != value(new),
        None => true,
    };
    let change = |old: &Observation| Change {
        time: None,
        date: Some(old.date.clone()),
        field: "value",
        was: value(old),
        is: now.get(&*old.date).and_then(|new| value(new)),
        kind: ChangeKind::Restated,
        state: BarState::Final,
    };
    was.iter().filter(differs).map(change).collect()
}

/// The values of a bar, prices first.
fn values(bars: &Bars, at: usize) -> [(&'static str, f64); 6] {
    [
        ("open", bars.open[at]),
        ("high", bars.high[at]),
        ("low", bars.low[at]),
        ("close", bars.close[at]),
        ("adjusted_close", bars.adjusted[at]),
        ("volume", bars.volume[at]),
    ]
}

fn is_same(a: f64, b: f64) -> bool {
    (a.is_nan() && b.is_nan()) || (a - b).abs() <= NOTHING * a.abs().max(b.abs())
}

/// A number that was sent.
fn said(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn of_bar(bars: &Bars, at: usize, field: &'static str, state: BarState) -> Change {
    let day = bars.days.get(at).map(|day| Timestamp::from_seconds(i64::from(*day) * 86_400));
    Change {
        time: Some(Timestamp::from_ms(bars.times[at])),
        date: day.map(|day| day.to_string().chars().take(10).collect()),
        field,
        was: None,
        is: None,
        kind: ChangeKind::Restated,
        state,
    }
}

/// A bar that is not there any more.
fn gone(bars: &Bars, at: usize, state: BarState) -> Change {
    let is_final = state == BarState::Final;
    let kind = if is_final { ChangeKind::Restated } else { ChangeKind::Settled };
    Change { was: said(bars.close[at]), kind, ..of_bar(bars, at, "bar", state) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Adjust, Bar, Interval};
    use crate::number::Number;

    const DAY: i64 = 86_400_000;

    fn series(closes: &[(i64, f64)], finals: usize, ended: usize) -> BarSeries {
        let mut bars = Bars::default();
        for (day, close) in closes {
            bars.push(Bar {
                time: day * DAY,
                day: i32::try_from(*day).ok(),
                open: 1.0,
                high: 9.0,
                low: f64::NAN,
                close: *close,
                volume: 5.0,
                adjusted: f64::NAN,
            });
        }
        BarSeries {
            symbol: "A".to_owned(),
            asset_class: "stock".to_owned(),
            provider: "demo".to_owned(),
            interval: Interval::Day1,
            currency: None,
            adjust: Adjust::Splits,
            bars,
            finals,
            ended,
            missing: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn shown(changes: &[Change]) -> Vec<String> {
        let shown = |c: &Change| {
            let date = c.date.as_deref().unwrap_or_default();
            let (kind, state) = (c.kind.as_str(), c.state.as_str());
            format!("{date} {} {:?} {:?} {kind} {state}", c.field, c.was, c.is)
        };
        changes.iter().map(shown).collect()
    }

    #[test]
    fn a_change_says_whether_it_was_restated_settled_or_adjusted() {
        let was = series(&[(1, 4.0), (2, 5.0), (3, 6.0), (4, 7.0), (5, 8.0)], 3, 4);
        let moved = series(&[(1, 2.0), (2, 5.0), (3, 6.0), (4, 7.0), (5, 8.0)], 3, 4);
        let is = series(&[(1, 2.0), (2, 5.5), (3, 6.0 + 1e-12), (4, 7.5), (5, 8.5)], 5, 5);
        assert_eq!(
            shown(&changes(&was, &is, &moved, &|_| true)),
            [
                "1970-01-02 close Some(4.0) Some(2.0) adjusted final",
                "1970-01-03 close Some(5.0) Some(5.5) restated final",
                "1970-01-05 close Some(7.0) Some(7.5) settled provisional",
                "1970-01-06 close Some(8.0) Some(8.5) settled live",
            ]
        );
        assert!(changes(&was, &was, &was, &|_| true).is_empty());
    }

    #[test]
    fn a_bar_that_came_or_went_counts_only_where_all_were_known_both_times() {
        let was = series(&[(1, 4.0), (2, 5.0), (7, 5.0)], 3, 3);
        let is = series(&[(1, 4.0), (3, 6.0), (8, 6.0)], 3, 3);
        let is_known = |ms: i64| ms < 4 * DAY;
        assert_eq!(
            shown(&changes(&was, &is, &was, &is_known)),
            [
                "1970-01-03 bar Some(5.0) None restated final",
                "1970-01-04 bar None Some(6.0) restated final",
            ]
        );
    }

    #[test]
    fn what_rounding_takes_is_no_difference_of_bars_that_came_again() {
        let held = series(&[(1, 4.0), (2, 5.0), (3, 6.0)], 3, 3).bars;
        let came = series(&[(1, 4.000_01), (2, 5.01)], 2, 2).bars;
        assert_eq!(
            shown(&differing(&held, &came)),
            [
                "1970-01-03 close Some(5.0) Some(5.01) restated final",
                "1970-01-04 bar Some(6.0) None restated final",
            ]
        );
    }

    #[test]
    fn an_observation_that_is_new_has_not_changed() {
        let of = |values: &[(&str, Option<&str>)]| {
            let one = |(date, value): &(&str, Option<&str>)| Observation {
                date: (*date).to_owned(),
                value: value.and_then(Number::parse),
            };
            values.iter().map(one).collect::<Vec<_>>()
        };
        let was = of(&[("a", Some("1.50")), ("b", None), ("c", Some("2")), ("d", Some("3"))]);
        let is = of(&[("a", Some("1.5")), ("b", Some("2")), ("c", Some("2.1")), ("e", Some("4"))]);
        assert_eq!(
            shown(&observed(&was, &is)),
            [
                "b value None Some(2.0) restated final",
                "c value Some(2.0) Some(2.1) restated final",
                "d value Some(3.0) None restated final",
            ]
        );
    }
}
