//! Corporate actions: the splits and dividends that are held of a symbol, and when each was learnt.
//!
//! A dividend's amount is kept as it was sent, of the shares as divided when it was sent; what it
//! took off the price is a ratio, which no later split changes. Nothing here touches a bar: that is
//! [`adjust`](super::adjust())'s.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{Dividend, Events, Split};

/// Two amounts or ratios that differ by less than this part are the same: what is lost when an
/// upstream rounds to six digits.
pub(super) const PRECISION: f64 = 1e-5;

/// A split, and when it was first said.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "SplitRow", from = "SplitRow")]
pub struct HeldSplit {
    /// What was said.
    pub split: Split,
    /// When it was fetched, in milliseconds UTC.
    pub fetched_ms: i64,
}

/// A dividend, when it was first said, and what it took off the price.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(into = "DividendRow", from = "DividendRow")]
pub struct HeldDividend {
    /// What was said; the amount is of shares as they were divided at `fetched_ms`.
    pub dividend: Dividend,
    /// What is left of a price before it, above 0 and at most 1; none if the close before it is not
    /// known.
    pub factor: Option<f64>,
    /// When it was fetched, in milliseconds UTC.
    pub fetched_ms: i64,
}

/// Splits and dividends that are held, each in order of time.
///
/// Invariant: each kind has at most one a day, a dividend and a gain being two kinds; every number
/// is finite, every ratio above zero.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Actions {
    /// The splits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<HeldSplit>,
    /// The dividends, and the gains of funds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dividends: Vec<HeldDividend>,
}

impl Actions {
    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.splits.is_empty() && self.dividends.is_empty()
    }

    /// Takes over what a page fetched at one instant says of a span: what is held of the span and
    /// is not said any more goes, what is said beyond it is taken too. Who said the same earlier
    /// keeps its instant.
    ///
    /// `close_before` gives the last close before an instant, of shares as they were divided at
    /// `fetched_ms`, if it is held.
    pub fn learn(
        &mut self,
        events: &Events,
        span_ms: Range<i64>,
        fetched_ms: i64,
        close_before: &dyn Fn(i64) -> Option<f64>,
    ) {
        let said = events.splits.iter().filter(|split| is_ratio(split.ratio()));
        let said = said.map(|split| HeldSplit { split: *split, fetched_ms });
        self.splits = learnt(&self.splits, said, &span_ms, |held, said| {
            if is_near(held.split.ratio(), said.split.ratio()) { *held } else { said }
        });
        // After the splits: an amount that was sent before one is compared as it would be sent now.
        let splits = std::mem::take(&mut self.splits);
        let said = events.dividends.iter().filter(|dividend| dividend.amount.is_finite());
        let said = said.map(|dividend| HeldDividend {
            dividend: *dividend,
            factor: close_before(dividend.at_ms).and_then(|close| left(dividend.amount, close)),
            fetched_ms,
        });
        self.dividends = learnt(&self.dividends, said, &span_ms, |held, said| {
            if is_near(held.amount_at(fetched_ms, &splits), said.dividend.amount) {
                HeldDividend { factor: held.factor.or(said.factor), ..*held }
            } else {
                said
            }
        });
        self.splits = splits;
    }

    /// Works out what dividends have left of which that is not known, by the closes before them of
    /// shares as they were divided at `fetched_ms`.
    pub fn complete(&mut self, fetched_ms: i64, close_before: &dyn Fn(i64) -> Option<f64>) {
        for held in self.dividends.iter_mut().filter(|held| held.factor.is_none()) {
            let amount = held.amount_at(fetched_ms, &self.splits);
            let close = close_before(held.dividend.at_ms);
            held.factor = close.and_then(|close| left(amount, close));
        }
    }

    /// What of it was known at an instant.
    #[must_use]
    pub fn known_at(&self, at_ms: i64) -> Self {
        Self {
            splits: self.splits.iter().filter(|held| held.fetched_ms <= at_ms).copied().collect(),
            dividends: self
                .dividends
                .iter()
                .filter(|held| held.fetched_ms <= at_ms)
                .copied()
                .collect(),
        }
    }

    /// What two series of one symbol hold together: where both know of the same, what was fetched
    /// later, but never without a factor that one of them knows.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let nowhere = 0..0;
        Self {
            splits: learnt(&self.splits, other.splits.iter().copied(), &nowhere, |held, said| {
                if said.fetched_ms > held.fetched_ms { said } else { *held }
            }),
            dividends: learnt(
                &self.dividends,
                other.dividends.iter().copied(),
                &nowhere,
                |held, said| {
                    let is_later = said.fetched_ms > held.fetched_ms;
                    let (later, earlier) = if is_later { (&said, held) } else { (held, &said) };
                    HeldDividend { factor: later.factor.or(earlier.factor), ..*later }
                },
            ),
        }
    }
}

impl HeldDividend {
    /// The amount for one share as shares are divided at an instant, by these splits.
    pub fn amount_at(&self, at_ms: i64, splits: &[HeldSplit]) -> f64 {
        let since = self.fetched_ms.max(self.dividend.at_ms);
        let later = splits.iter().rev().take_while(|held| since < held.split.at_ms);
        let later = later.filter(|held| held.split.at_ms <= at_ms);
        later.fold(self.dividend.amount, |amount, held| amount / held.split.ratio())
    }

    /// The amount as it was paid, for one share as shares were divided on the day.
    pub fn as_paid(&self, splits: &[HeldSplit]) -> f64 {
        let day = self.dividend.at_ms;
        let since = splits.iter().filter(|held| day < held.split.at_ms);
        let since = since.filter(|held| held.split.at_ms <= self.fetched_ms);
        since.fold(self.dividend.amount, |amount, held| amount * held.split.ratio())
    }
}

/// What happens on a day, of one kind.
trait Dated: Copy {
    /// When, in milliseconds UTC.
    fn at_ms(&self) -> i64;

    /// What two of them that are the same have in common: the day, and the kind.
    fn identity(&self) -> (i32, bool);
}

impl Dated for HeldSplit {
    fn at_ms(&self) -> i64 {
        self.split.at_ms
    }

    fn identity(&self) -> (i32, bool) {
        (self.split.day, false)
    }
}

impl Dated for HeldDividend {
    fn at_ms(&self) -> i64 {
        self.dividend.at_ms
    }

    fn identity(&self) -> (i32, bool) {
        (self.dividend.day, self.dividend.is_capital_gain)
    }
}

/// What is held outside the span, and what is said; `both` settles what is held and said.
fn learnt<T: Dated>(
    held: &[T],
    said: impl Iterator<Item = T>,
    span_ms: &Range<i64>,
    both: impl Fn(&T, T) -> T,
) -> Vec<T> {
    let known: BTreeMap<_, &T> = held.iter().map(|one| (one.identity(), one)).collect();
    let kept = held.iter().filter(|one| !span_ms.contains(&one.at_ms()));
    let mut all: BTreeMap<_, T> = kept.map(|one| (one.identity(), *one)).collect();
    for one in said {
        let settled = known.get(&one.identity()).map_or(one, |held| both(held, one));
        // Of what a page says twice of one day, the last word counts.
        all.insert(one.identity(), settled);
    }
    let mut all: Vec<T> = all.into_values().collect();
    all.sort_by_key(Dated::at_ms);
    all
}

/// What is left of a close when this is paid out.
fn left(amount: f64, close: f64) -> Option<f64> {
    let factor = 1.0 - amount / close;
    (factor > 0.0 && factor <= 1.0).then_some(factor)
}

/// Whether a price can be divided by it.
fn is_ratio(ratio: f64) -> bool {
    ratio.is_finite() && ratio > 0.0 && ratio.recip().is_finite()
}

/// Whether two numbers are the same but for what rounding takes; what is missing is only itself.
pub(super) fn is_near(a: f64, b: f64) -> bool {
    (a - b).abs() <= PRECISION * a.abs().min(b.abs()) || (a.is_nan() && b.is_nan())
}

/// A split as it is written: `[at_ms, day, numerator, denominator, fetched_ms]`.
type SplitRow = (i64, i32, f64, f64, i64);

/// A dividend as it is written: `[at_ms, day, amount, is_capital_gain, factor, fetched_ms]`.
type DividendRow = (i64, i32, f64, bool, Option<f64>, i64);

impl From<HeldSplit> for SplitRow {
    fn from(HeldSplit { split, fetched_ms }: HeldSplit) -> Self {
        (split.at_ms, split.day, split.numerator, split.denominator, fetched_ms)
    }
}

impl From<SplitRow> for HeldSplit {
    fn from((at_ms, day, numerator, denominator, fetched_ms): SplitRow) -> Self {
        Self { split: Split { at_ms, day, numerator, denominator }, fetched_ms }
    }
}

impl From<HeldDividend> for DividendRow {
    fn from(HeldDividend { dividend, factor, fetched_ms }: HeldDividend) -> Self {
        let Dividend { at_ms, day, amount, is_capital_gain } = dividend;
        (at_ms, day, amount, is_capital_gain, factor, fetched_ms)
    }
}

impl From<DividendRow> for HeldDividend {
    fn from((at_ms, day, amount, is_capital_gain, factor, fetched_ms): DividendRow) -> Self {
        let dividend = Dividend { at_ms, day, amount, is_capital_gain };
        Self { dividend, factor, fetched_ms }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAY_MS: i64 = 86_400_000;

    fn split(day: i32, numerator: f64) -> Split {
        Split { at_ms: i64::from(day) * DAY_MS, day, numerator, denominator: 1.0 }
    }

    fn dividend(day: i32, amount: f64) -> Dividend {
        Dividend { at_ms: i64::from(day) * DAY_MS, day, amount, is_capital_gain: false }
    }

    fn days(days: Range<i32>) -> Range<i64> {
        i64::from(days.start) * DAY_MS..i64::from(days.end) * DAY_MS
    }

    fn events(splits: &[Split], dividends: &[Dividend]) -> Events {
        Events { splits: splits.to_vec(), dividends: dividends.to_vec() }
    }

    fn evening(day: i32) -> i64 {
        i64::from(day) * DAY_MS + DAY_MS / 2
    }

    /// What was learnt of some pages: the days, the evening, what was said, the close before.
    fn learnt_of(pages: &[(Range<i32>, i32, Events, Option<f64>)]) -> Actions {
        let mut actions = Actions::default();
        for (span, at, said, close) in pages {
            actions.learn(said, days(span.clone()), evening(*at), &|_| *close);
        }
        actions
    }

    #[test]
    fn a_page_replaces_what_is_held_of_its_span_and_nothing_else() {
        let first =
            events(&[split(5, 2.0), split(20, 3.0)], &[dividend(6, 1.0), dividend(21, 1.0)]);
        // Of days 0 to 9 there is now one split; a dividend of day 30 is sent unasked.
        let second = events(&[split(7, 4.0)], &[dividend(30, 2.0)]);
        let actions = learnt_of(&[(0..25, 25, first, Some(10.0)), (0..10, 31, second, Some(20.0))]);
        let splits: Vec<_> =
            actions.splits.iter().map(|held| (held.split.day, held.fetched_ms)).collect();
        assert_eq!(splits, [(7, evening(31)), (20, evening(25))]);
        let paid: Vec<_> =
            actions.dividends.iter().map(|held| (held.dividend.day, held.factor)).collect();
        assert_eq!(paid, [(21, Some(0.9)), (30, Some(0.9))]);
    }

    #[test]
    fn who_says_the_same_again_keeps_the_instant_and_the_factor() {
        let before = events(&[], &[dividend(6, 0.92)]);
        // The same dividend, of shares that have been divided by four since.
        let after = events(&[split(20, 4.0)], &[dividend(6, 0.23)]);
        let held =
            learnt_of(&[(0..10, 10, before.clone(), Some(92.0)), (0..30, 30, after.clone(), None)]);
        assert_eq!(
            held.dividends[0],
            HeldDividend {
                dividend: dividend(6, 0.92),
                factor: Some(0.99),
                fetched_ms: evening(10),
            }
        );
        assert!((held.dividends[0].amount_at(evening(30), &held.splits) - 0.23).abs() < 1e-12);
        assert!((held.dividends[0].amount_at(evening(19), &held.splits) - 0.92).abs() < 1e-12);
        // A factor that was not known is taken when it is; another amount is another dividend.
        let held = learnt_of(&[(0..10, 10, before.clone(), None), (0..30, 30, after, Some(23.0))]);
        assert_eq!(
            (held.dividends[0].factor, held.dividends[0].fetched_ms),
            (Some(0.99), evening(10))
        );
        let corrected = events(&[], &[dividend(6, 0.46)]);
        let held =
            learnt_of(&[(0..10, 10, before, Some(92.0)), (0..10, 11, corrected, Some(92.0))]);
        assert_eq!(
            (held.dividends[0].factor, held.dividends[0].fetched_ms),
            (Some(0.995), evening(11))
        );
    }

    #[test]
    fn nonsense_is_no_action_and_no_factor() {
        let said = events(
            &[
                split(1, 0.0),
                split(2, f64::NAN),
                split(3, -2.0),
                split(4, f64::INFINITY),
                split(5, 1e-320),
            ],
            &[
                dividend(1, f64::NAN),
                dividend(2, 11.0),
                dividend(3, 10.0),
                dividend(4, -1.0),
                dividend(5, 0.0),
            ],
        );
        let held = learnt_of(&[(0..10, 10, said.clone(), Some(10.0))]);
        assert!(held.splits.is_empty());
        let factors: Vec<_> = held.dividends.iter().map(|held| held.factor).collect();
        assert_eq!(factors, [None, None, None, Some(1.0)]);
        for close in [0.0, f64::NAN, -1.0] {
            let held = learnt_of(&[(0..10, 10, said.clone(), Some(close))]);
            let factors = held.dividends.iter().filter_map(|held| held.factor);
            assert!(factors.clone().all(|factor| factor > 0.0 && factor <= 1.0), "{close}");
        }
    }

    #[test]
    fn a_dividend_and_a_gain_of_one_day_are_two() {
        let gain = Dividend { is_capital_gain: true, ..dividend(6, 2.0) };
        let said = events(&[], &[gain, dividend(6, 1.0), dividend(6, 3.0)]);
        let held = learnt_of(&[(0..10, 10, said, None)]);
        let paid: Vec<_> = held.dividends.iter().map(|held| held.dividend).collect();
        assert_eq!(paid, [dividend(6, 3.0), gain]);
    }

    #[test]
    fn a_factor_outlives_a_merge_and_the_later_word_counts() {
        let said = |amount| events(&[split(3, amount)], &[dividend(6, amount)]);
        let daily = learnt_of(&[(0..10, 10, said(1.0), Some(10.0))]);
        let minutes = learnt_of(&[(0..10, 11, said(2.0), None)]);
        for merged in [daily.merge(&minutes), minutes.merge(&daily)] {
            assert_eq!(merged.splits, minutes.splits);
            assert_eq!(merged.dividends[0].dividend.amount.to_bits(), 2.0_f64.to_bits());
            assert_eq!(
                (merged.dividends[0].factor, merged.dividends[0].fetched_ms),
                (Some(0.9), evening(11))
            );
        }
        assert_eq!(daily.merge(&Actions::default()), daily);
        assert_eq!(Actions::default().merge(&daily), daily);
    }

    #[test]
    fn actions_are_written_shortly_and_read_back() {
        assert_eq!(serde_json::to_string(&Actions::default()).unwrap(), "{}");
        let gain = Dividend { is_capital_gain: true, ..dividend(2, 0.2) };
        let held = learnt_of(&[(0..10, 10, events(&[split(1, 2.0)], &[gain]), Some(0.8))]);
        let text = serde_json::to_string(&held).unwrap();
        assert_eq!(
            text,
            r#"{"splits":[[86400000,1,2.0,1.0,907200000]],"dividends":[[172800000,2,0.2,true,0.75,907200000]]}"#,
        );
        assert_eq!(serde_json::from_str::<Actions>(&text).unwrap(), held);
        assert!(serde_json::from_str::<Actions>(r#"{"splits":[[1,2]]}"#).is_err());
    }

    proptest! {
        #[test]
        fn each_kind_stays_in_order_of_time_once_a_day_and_what_is_known_later_holds_what_was(
            pages in prop::collection::vec(
                (
                    0..30_i32,
                    0..30_i32,
                    prop::collection::vec((0..30_i32, 0.1..5.0), 0..6),
                    prop::collection::vec((0..30_i32, 0.0..5.0, any::<bool>()), 0..6),
                ),
                0..6,
            ),
        ) {
            let mut actions = Actions::default();
            let mut at = 30;
            for (from, long, splits, dividends) in pages {
                let said = Events {
                    splits: splits.into_iter().map(|(day, many)| split(day, many)).collect(),
                    dividends: dividends
                        .into_iter()
                        .map(|(day, amount, is_capital_gain)| Dividend {
                            is_capital_gain,
                            ..dividend(day, amount)
                        })
                        .collect(),
                };
                actions.learn(&said, days(from..from + long), evening(at), &|_| Some(4.0));
                at += 1;
                let splits: Vec<_> = actions.splits.iter().map(Dated::identity).collect();
                prop_assert!(splits.is_sorted_by(|a, b| a < b), "{splits:?}");
                let paid: Vec<_> = actions.dividends.iter().map(Dated::identity).collect();
                prop_assert!(paid.is_sorted_by(|a, b| a < b), "{paid:?}");
                // A page that says what is held of everything changes nothing.
                let mut again = actions.clone();
                let all = Events {
                    splits: actions.splits.iter().map(|held| held.split).collect(),
                    dividends: actions
                        .dividends
                        .iter()
                        .map(|held| Dividend {
                            amount: held.amount_at(evening(at), &actions.splits),
                            ..held.dividend
                        })
                        .collect(),
                };
                again.learn(&all, days(0..99), evening(at), &|_| None);
                prop_assert_eq!(&again, &actions);
                prop_assert_eq!(&actions.merge(&actions), &actions);
                prop_assert_eq!(&actions.known_at(evening(at)), &actions);
                prop_assert!(actions.known_at(evening(29)).is_empty());
                let then = actions.known_at(evening(31));
                prop_assert!(then.splits.iter().all(|held| actions.splits.contains(held)));
            }
        }
    }
}
