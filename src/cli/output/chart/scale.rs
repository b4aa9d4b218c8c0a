//! From prices to rows, and which prices are written beside them.

use crate::cli::output::table::grouped;

/// A range of values over so many steps, the highest first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    low: f64,
    high: f64,
    steps: usize,
}

impl Scale {
    /// The scale on which these values fill so many steps; none if none of them is finite.
    pub(super) fn of(values: impl Iterator<Item = f64>, steps: usize) -> Option<Self> {
        let finite = values.filter(|value| value.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        if low > high {
            return None;
        }
        // What never moved stands in the middle.
        let margin = if high > low { 0.0 } else { (high.abs() * 0.01).max(f64::MIN_POSITIVE) };
        let (low, high) = (low - margin, high + margin);
        ((high - low).is_finite() && high > low).then_some(Self { low, high, steps })
    }

    /// The step at which a value stands, counted from the top.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of some dozens of steps"
    )]
    pub(super) fn step(&self, value: f64) -> usize {
        let share = ((self.high - value) / (self.high - self.low)).clamp(0.0, 1.0);
        (share * (self.steps.saturating_sub(1)) as f64).round() as usize
    }

    /// Round values on the scale, about as many as wanted, the highest first, as they are written.
    pub(super) fn ticks(&self, wanted: u32) -> Vec<(f64, String)> {
        let rough = (self.high - self.low) / f64::from(wanted.max(1));
        let power = 10_f64.powf(rough.log10().floor());
        let factors = [1.0, 2.0, 2.5, 5.0, 10.0];
        let factor = factors.into_iter().find(|factor| factor * power >= rough).unwrap_or(10.0);
        let step = factor * power;
        let places = places(step);
        let mut ticks = Vec::new();
        let first = (self.low / step).ceil();
        for at in 0..wanted * 3 {
            let value = (first + f64::from(at)) * step;
            // Neighbouring floats may be less than a step apart.
            if value > self.high || step <= 0.0 || !value.is_finite() {
                break;
            }
            ticks.push((value, written(value, places)));
        }
        ticks.reverse();
        ticks
    }
}

/// How many decimal places tell multiples of this apart.
fn places(step: f64) -> usize {
    (0..12)
        .find(|places| {
            let scaled = step * 10_f64.powi(*places);
            (scaled - scaled.round()).abs() < 1e-6 * scaled
        })
        .and_then(|places| usize::try_from(places).ok())
        .unwrap_or(12)
}

/// A value with so many places, in groups of three digits.
fn written(value: f64, places: usize) -> String {
    let text = format!("{value:.places$}");
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
        None => grouped(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(low: f64, high: f64) -> Scale {
        Scale::of([low, f64::NAN, high].into_iter(), 21).unwrap()
    }

    #[test]
    fn the_highest_stands_on_top_and_the_lowest_at_the_bottom() {
        let scale = scale(10.0, 20.0);
        let steps = [20.0, 15.0, 10.0, 5.0, 30.0].map(|value| scale.step(value));
        assert_eq!(steps, [0, 10, 20, 20, 0]);
    }

    #[test]
    fn round_prices_are_written_beside_the_axis() {
        for (low, high, ticks) in [
            (187.5, 203.1, &["200", "195", "190"][..]),
            (0.000_012, 0.000_034, &["0.00003", "0.00002"]),
            (-1.2, 1.3, &["1", "0", "-1"]),
            (80_000.0, 124_000.0, &["120,000", "100,000", "80,000"]),
        ] {
            let written: Vec<String> =
                scale(low, high).ticks(4).into_iter().map(|tick| tick.1).collect();
            assert_eq!(written, ticks, "{low} to {high}");
        }
    }

    #[test]
    fn what_never_moved_and_what_is_not_there_have_a_scale_or_none() {
        assert_eq!(scale(5.0, 5.0).step(5.0), 10);
        assert_eq!(scale(0.0, 0.0).step(0.0), 10);
        assert!(Scale::of([f64::NAN].into_iter(), 9).is_none());
        assert!(Scale::of([f64::MIN, f64::MAX].into_iter(), 9).is_none());
        assert!(scale(1.0, 1.0 + f64::EPSILON).ticks(5).len() < 16);
    }
}
