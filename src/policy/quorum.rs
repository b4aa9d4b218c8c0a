//! Whether what several providers say a thing costs is the same.

use crate::units::Share;

/// How far prices of one thing lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Whether none is further from the median than is tolerated.
    pub agreed: bool,
    /// The highest less the lowest, as a share of the median.
    pub spread: Share,
}

impl Agreement {
    /// Of these prices, all above zero; none of fewer than two, which cannot agree. Without a
    /// tolerance nothing is too far apart.
    ///
    /// The median, not the first or the mean: of three it is never the one that is wrong alone.
    pub fn of(prices: &[f64], tolerance: Option<Share>) -> Option<Self> {
        /// What binary fractions add to a price that lies exactly at the tolerance.
        const NOISE: f64 = 1e-12;
        let mut sorted = prices.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [lowest, .., highest] = sorted.as_slice() else { return None };
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        let furthest = (highest - median).max(median - lowest) / median;
        Some(Self {
            agreed: tolerance.is_none_or(|tolerance| furthest <= tolerance.0 + NOISE),
            spread: Share((highest - lowest) / median),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_agree_that_lie_within_the_tolerance_of_their_median() {
        for (case, prices, agreed, spread) in [
            ("the same", &[100.0, 100.0][..], true, 0.0),
            ("exactly at it", &[99.0, 101.0], true, 2.0),
            ("just beyond", &[98.99, 101.01], false, 2.02),
            ("one of three is wrong", &[100.0, 150.0, 100.0], false, 50.0),
            ("wherever it stands", &[150.0, 100.0, 100.2], false, 49.9),
            ("the mean of the middle two", &[100.0, 101.0, 99.5, 100.5], true, 1.496),
        ] {
            let said = Agreement::of(prices, Some(Share(0.01))).unwrap();
            assert_eq!(said.agreed, agreed, "{case}: {said:?}");
            assert!((said.spread.0 * 100.0 - spread).abs() < 0.01, "{case}: {said:?}");
        }
    }

    #[test]
    fn one_alone_does_not_agree_and_without_a_tolerance_all_do() {
        assert_eq!(Agreement::of(&[100.0], Some(Share(0.01))), None);
        assert_eq!(Agreement::of(&[], None), None);
        assert!(Agreement::of(&[1.0, 1000.0], None).unwrap().agreed);
        assert!(!Agreement::of(&[1.0, 1.001], Some(Share(0.0))).unwrap().agreed);
    }
}
