//! What makes a strategy, as the configuration says it.

use super::{Layers, Origin};
use crate::error::Usage;
use crate::policy::{Strategies, Strategy};

const NORMAL_BELOW: [&str; 3] = ["strategies", "normal", "below"];
const CONSERVATIVE_ABOVE: [&str; 3] = ["strategies", "conservative", "above"];
const MINIMAL_ABOVE: [&str; 3] = ["strategies", "minimal", "above"];

/// What makes a strategy; where the configuration has removed something, the contract's.
pub(super) fn strategies(layers: &Layers) -> Strategies {
    let known = Strategies::default();
    let at = |strategy, key| ["strategies", strategy, key];
    let share = |path: [&str; 3], known| layers.share(&path).unwrap_or(known);
    let factor = |strategy, known| layers.number(&at(strategy, "ttl_factor")).unwrap_or(known);
    let lasts = layers.duration(&at("aggressive", "lasts"));
    Strategies {
        minimal_above: share(MINIMAL_ABOVE, known.minimal_above),
        conservative_above: share(CONSERVATIVE_ABOVE, known.conservative_above),
        normal_below: share(NORMAL_BELOW, known.normal_below),
        aggressive_factor: factor("aggressive", known.aggressive_factor),
        conservative_factor: factor("conservative", known.conservative_factor),
        minimal_factor: factor("minimal", known.minimal_factor),
        price_move: share(at("aggressive", "price_move"), known.price_move),
        aggressive_for: lasts.unwrap_or(known.aggressive_for),
        pinned: pinned(layers),
    }
}

/// The providers whose strategy is said. The shipped file says none.
fn pinned(layers: &Layers) -> Vec<(Box<str>, Strategy)> {
    if !layers.differ() {
        return Vec::new();
    }
    let of = |name: String| {
        let strategy = layers.text(&["providers", &name, "strategy"])?;
        Some((name.into(), Strategy::from_name(strategy)?))
    };
    layers.names(&["providers"]).into_iter().filter_map(of).collect()
}

/// Refuses thresholds that overtake each other: what makes a provider conservative would call it
/// back to normal.
pub(super) fn check(layers: &Layers) -> Result<(), Usage> {
    let Strategies { normal_below, conservative_above, minimal_above, .. } = strategies(layers);
    for (lower, low, higher, high) in [
        (NORMAL_BELOW, normal_below, CONSERVATIVE_ABOVE, conservative_above),
        (CONSERVATIVE_ABOVE, conservative_above, MINIMAL_ABOVE, minimal_above),
    ] {
        if low <= high {
            continue;
        }
        let message =
            format!("`{}` ({low}) is above `{}` ({high})", lower.join("."), higher.join("."));
        // Of the two the one that somebody said is wrong.
        let is_said =
            |path: &[&str]| layers.get(path).is_some_and(|(_, origin)| *origin != Origin::Default);
        let usage = Usage::new(message)
            .hint("they rise from normal.below over conservative.above to minimal.above");
        return Err(layers.at(if is_said(&lower) { &lower } else { &higher }, usage));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_strategies_are_those_of_the_contract() {
        assert_eq!(strategies(&Layers::default()), Strategies::default());
        assert_eq!(check(&Layers::default()), Ok(()));
    }
}
