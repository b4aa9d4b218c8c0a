//! What is made of how a market moves, as the configuration says it.

use super::Layers;
use crate::policy::Volatility;

/// Above how many times the usual volume it is unusual, where the configuration has removed that:
/// the contract's.
const UNUSUAL_VOLUME: f64 = 1.5;

/// What volatility makes of times to live; where the configuration has removed something, what is
/// shipped.
pub(super) fn volatility(layers: &Layers) -> Volatility {
    let known = Volatility::default();
    let usual = |class, known| layers.rate(&["volatility", "usual", class]).unwrap_or(known);
    let bound = |name, known| layers.number(&["volatility", name]).unwrap_or(known);
    Volatility {
        stock: usual("stock", known.stock),
        index: usual("index", known.index),
        fx: usual("fx", known.fx),
        crypto: usual("crypto", known.crypto),
        least: bound("least", known.least),
        most: bound("most", known.most),
    }
}

/// Above how many times the usual volume it is unusual.
pub(super) fn unusual_volume(layers: &Layers) -> f64 {
    layers.number(&["unusual_volume"]).unwrap_or(UNUSUAL_VOLUME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shipped_is_what_is_known() {
        assert_eq!(volatility(&Layers::default()), Volatility::default());
        assert!((unusual_volume(&Layers::default()) - UNUSUAL_VOLUME).abs() < f64::EPSILON);
    }
}
