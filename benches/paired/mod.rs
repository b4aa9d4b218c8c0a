//! Two things measured against each other in alternating pairs, so that whatever else the machine
//! does meets both alike: what counts is the median of the ratios of the pairs.

use std::time::Duration;

/// What came of a comparison.
pub(crate) struct Compared {
    /// The median of the first.
    pub(crate) first: Duration,
    /// The median of the second.
    pub(crate) second: Duration,
    /// The median of first over second, pair by pair.
    pub(crate) ratio: f64,
    /// The middle half of those ratios.
    pub(crate) quartiles: [f64; 2],
}

/// Runs both so often, each first in every other pair.
pub(crate) fn compare(
    pairs: usize,
    mut first: impl FnMut() -> Duration,
    mut second: impl FnMut() -> Duration,
) -> Compared {
    let mut taken: Vec<(Duration, Duration)> = Vec::with_capacity(pairs);
    for pair in 0..pairs {
        if pair % 2 == 0 {
            let a = first();
            taken.push((a, second()));
        } else {
            let b = second();
            taken.push((first(), b));
        }
    }
    let mut ratios: Vec<f64> =
        taken.iter().map(|(a, b)| a.as_secs_f64() / b.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    Compared {
        first: median(taken.iter().map(|pair| pair.0).collect()),
        second: median(taken.iter().map(|pair| pair.1).collect()),
        ratio: ratios[pairs / 2],
        quartiles: [ratios[pairs / 4], ratios[pairs * 3 / 4]],
    }
}

/// The middle one.
pub(crate) fn median(mut of: Vec<Duration>) -> Duration {
    of.sort_unstable();
    of[of.len() / 2]
}

/// A line of the report; whether the target is met.
pub(crate) fn report(name: &str, pairs: usize, unit: Unit, compared: &Compared, most: f64) -> bool {
    let Compared { first, second, ratio, quartiles: [low, high] } = compared;
    let met = *ratio <= most;
    let per = |duration: &Duration| duration.as_secs_f64() * unit.per_second;
    println!(
        "{name:<44} {:>9.3} {:<2} against {:>9.3} {:<2}  ratio {ratio:.3} [{low:.3} {high:.3}]  \
         n {pairs}  target <= {most}  {}",
        per(first),
        unit.name,
        per(second),
        unit.name,
        if met { "met" } else { "MISSED" },
    );
    met
}

/// What times are printed in.
#[derive(Clone, Copy)]
pub(crate) struct Unit {
    /// Its name.
    pub(crate) name: &'static str,
    /// How many of it a second is, per thing measured.
    pub(crate) per_second: f64,
}
