//! What bars cost in other shares: prices as they were stored, restated for splits and dividends.
//!
//! Prices are stored as they were sent, of shares as they were divided when they were fetched (their
//! *basis*). What is asked for is worked out when they are read, so a split or a dividend changes
//! what is served and nothing that is stored. Which actions are known, and up to when, is the
//! caller's: an action that is not given is taken not to have been.

use std::ops::Range;

use super::actions::is_near;
use super::{Actions, Adjust, Bar, Bars, HeldDividend, Run};

/// Restates bars as of `now_ms`. `runs` says of what basis they are, oldest first; bars beyond the
/// runs are left alone.
///
/// The adjusted closes are always as of now: as sent, restated for what came after the basis, or,
/// where none was sent and there are actions, worked out from these; NaN where that takes a dividend
/// whose factor is not known. With [`Adjust::All`] the prices are then NaN too: a price that is
/// adjusted for some dividends and not for others is none.
///
/// It takes the time of `bars + runs × actions` and allocates nothing; what no action touches keeps
/// every bit.
pub fn adjust(bars: &mut Bars, runs: &[Run], actions: &Actions, how: Adjust, now_ms: i64) {
    let mut start = 0_usize;
    for run in runs {
        let end = start.saturating_add(run.bars).min(bars.len());
        restate(bars, start..end, run.basis_ms, actions, how, now_ms);
        start = end;
    }
}

/// Restates bars of one basis, stretch by stretch from the newest: between two actions all bars
/// have the same scale.
fn restate(
    bars: &mut Bars,
    places: Range<usize>,
    basis_ms: i64,
    actions: &Actions,
    how: Adjust,
    now_ms: i64,
) {
    let mut scale = Scale::of_newest(actions);
    let mut end = places.end;
    for (at_ms, action) in newest_first(actions).skip_while(|(at_ms, _)| *at_ms > now_ms) {
        let times = &bars.times[places.start..end];
        let start = places.start + times.partition_point(|time| *time < at_ms);
        scale.apply(bars, start..end, how);
        scale.include(at_ms, action, basis_ms);
        end = start;
    }
    scale.apply(bars, places.start..end, how);
}

/// What an action does to the prices before it.
#[derive(Clone, Copy, Debug)]
enum Action {
    /// Divides them.
    Split(f64),
    /// Leaves this part of them; NaN if it is not known.
    Dividend(f64),
}

/// All actions with their instants, the newest first.
fn newest_first(actions: &Actions) -> impl Iterator<Item = (i64, Action)> {
    let splits = actions.splits.iter().rev();
    let mut splits =
        splits.map(|held| (held.split.at_ms, Action::Split(held.split.ratio()))).peekable();
    let factor = |held: &HeldDividend| Action::Dividend(held.factor.unwrap_or(f64::NAN));
    let dividends = actions.dividends.iter().rev();
    let mut dividends = dividends.map(move |held| (held.dividend.at_ms, factor(held))).peekable();
    std::iter::from_fn(move || match (splits.peek(), dividends.peek()) {
        (Some(split), Some(dividend)) if split.0 < dividend.0 => dividends.next(),
        (Some(_), _) => splits.next(),
        (None, _) => dividends.next(),
    })
}

/// By what bars of one basis are restated between two actions.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// The ratios of the splits after the bar that were in its price when it was sent.
    sent: f64,
    /// Those of the splits that were not.
    since: f64,
    /// What the dividends have left that were not in the adjusted close when it was sent.
    left_since: f64,
    /// What all dividends after the bar have left.
    left: f64,
    /// Whether anything is known of what changes a price.
    has_actions: bool,
}

impl Scale {
    /// That of bars which nothing came after.
    fn of_newest(actions: &Actions) -> Self {
        let has_actions = !actions.is_empty();
        Self { sent: 1.0, since: 1.0, left_since: 1.0, left: 1.0, has_actions }
    }

    /// Goes on to the bars before an action.
    fn include(&mut self, at_ms: i64, action: Action, basis_ms: i64) {
        let was_sent = at_ms <= basis_ms;
        match action {
            Action::Split(ratio) if was_sent => self.sent *= ratio,
            Action::Split(ratio) => self.since *= ratio,
            Action::Dividend(factor) => {
                self.left *= factor;
                if !was_sent {
                    self.left_since *= factor;
                }
            }
        }
    }

    /// Restates these bars.
    fn apply(self, bars: &mut Bars, places: Range<usize>, how: Adjust) {
        // The adjusted closes first: some are worked out of closes as sent.
        self.apply_to_adjusted(bars, places.clone());
        match how {
            Adjust::None => {
                for prices in prices(bars) {
                    multiply(&mut prices[places.clone()], self.sent);
                }
                divide(&mut bars.volume[places], self.sent);
            }
            Adjust::Splits | Adjust::All => {
                for prices in prices(bars) {
                    divide(&mut prices[places.clone()], self.since);
                }
                multiply(&mut bars.volume[places.clone()], self.since);
                if how == Adjust::All {
                    self.apply_dividends(bars, places);
                }
            }
        }
    }

    /// Restates the adjusted closes of bars whose prices are as they were sent.
    fn apply_to_adjusted(self, bars: &mut Bars, places: Range<usize>) {
        let closes = &bars.close[places.clone()];
        for (adjusted, close) in bars.adjusted[places].iter_mut().zip(closes) {
            if !adjusted.is_nan() {
                // By 1 where nothing came since: that keeps every bit.
                *adjusted = *adjusted / self.since * self.left_since;
            } else if self.has_actions {
                *adjusted = close / self.since * self.left;
            }
        }
    }

    /// Takes the dividends off prices that are restated for splits already, as the adjusted close
    /// says; by what is known of the dividends where it says nothing.
    fn apply_dividends(self, bars: &mut Bars, places: Range<usize>) {
        for at in places {
            let (close, adjusted) = (bars.close[at], bars.adjusted[at]);
            let part = if adjusted.is_nan() { self.left } else { adjusted / close };
            for prices in prices(bars) {
                multiply(&mut prices[at..=at], part);
            }
            if !adjusted.is_nan() {
                // To the bit: a close times `adjusted / close` need not be.
                bars.close[at] = adjusted;
            }
        }
    }
}

/// The columns of prices.
fn prices(bars: &mut Bars) -> [&mut [f64]; 4] {
    [&mut bars.open, &mut bars.high, &mut bars.low, &mut bars.close]
}

/// Multiplies all of them; by 1 it touches nothing, not even what is missing.
fn multiply(values: &mut [f64], by: f64) {
    if by.to_bits() != 1.0_f64.to_bits() {
        for value in values {
            *value *= by;
        }
    }
}

/// Divides all of them; by 1 it touches nothing, not even what is missing.
fn divide(values: &mut [f64], by: f64) {
    if by.to_bits() != 1.0_f64.to_bits() {
        for value in values {
            *value /= by;
        }
    }
}

/// Whether a bar that was fetched twice was sent with other prices than the splits between both
/// explain.
///
/// Volumes are not compared, because exchanges correct them for days, nor adjusted closes, because
/// every dividend changes them.
pub fn restated(
    held: &Bar,
    held_basis_ms: i64,
    came: &Bar,
    came_basis_ms: i64,
    actions: &Actions,
) -> bool {
    // The one of the earlier basis is restated as of the later.
    let (old, new) = if held_basis_ms <= came_basis_ms { (held, came) } else { (came, held) };
    let earlier = held_basis_ms.min(came_basis_ms).max(held.time);
    let later = held_basis_ms.max(came_basis_ms);
    let between = actions.splits.iter().map(|held| held.split);
    let ratio: f64 = between
        .filter(|split| earlier < split.at_ms && split.at_ms <= later)
        .map(|split| split.ratio())
        .product();
    let prices = |bar: &Bar| [bar.open, bar.high, bar.low, bar.close];
    !prices(old).iter().zip(prices(new)).all(|(old, new)| is_near(old / ratio, new))
}

#[cfg(test)]
mod tests;
