//! Corporate actions: the splits and dividends that are held of a symbol, and when each was learnt.
//!
//! A dividend's amount is kept as it was sent, of the shares as divided when it was sent; what it
//! took off the price is a ratio, which no later split changes. Nothing here touches a bar: that is
//! [`adjust`](super::adjust())'s.

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
        let later =
            splits.iter().filter(|held| since < held.split.at_ms && held.split.at_ms <= at_ms);
        later.fold(self.dividend.amount, |amount, held| amount / held.split.ratio())
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
    let kept = held.iter().filter(|one| !span_ms.contains(&one.at_ms()));
    let mut all: Vec<T> = kept.copied().collect();
    for one in said {
        let settled = match held.iter().find(|other| other.identity() == one.identity()) {
            Some(known) => both(known, one),
            None => one,
        };
        // Also what the same page has said before: the last word counts.
        all.retain(|other| other.identity() != settled.identity());
        all.push(settled);
    }
    all.sort_by_key(|one| (one.at_ms(), one.identity()));
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
    (a - b).abs() <= PRECISION * a.abs().max(b.abs()) || (a.is_nan() && b.is_nan())
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
