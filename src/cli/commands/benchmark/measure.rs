//! Samples, and what is said of them: percentiles by nearest rank, out of all samples and not out
//! of a histogram.

use std::time::Duration;

use serde::Serialize;

use crate::clock::Clock;

/// How long something took, each time.
#[derive(Debug, Default)]
pub(super) struct Samples(Vec<Duration>);

/// One row of the report; the fields are the contract's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    /// What was measured.
    pub(super) name: &'static str,
    /// How often.
    pub(super) n: usize,
    /// Half took at most so long, in microseconds.
    pub(super) p50_us: f64,
    /// 95 of 100 took at most so long.
    pub(super) p95_us: f64,
    /// 99 of 100 took at most so long.
    pub(super) p99_us: f64,
}

impl Samples {
    /// Measures `work` so often. The first failure ends it.
    pub(super) fn of<E>(
        n: usize,
        clock: Clock,
        mut work: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Self, E> {
        let mut samples = Vec::with_capacity(n);
        for index in 0..n {
            let since = clock.stopwatch();
            work(index)?;
            samples.push(since.elapsed());
        }
        Ok(Self(samples))
    }

    /// The row of these samples.
    pub(super) fn row(mut self, name: &'static str) -> Row {
        self.0.sort_unstable();
        let at = |percent| micros(percentile(&self.0, percent));
        Row { name, n: self.0.len(), p50_us: at(50), p95_us: at(95), p99_us: at(99) }
    }
}

/// The smallest sample that so many percent of all samples do not exceed; zero of none.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.max(1) - 1).copied().unwrap_or_default()
}

/// In microseconds, to the tenth.
fn micros(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e7).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_micros).collect();
        for (of, percent, micros) in
            [(100, 50, 50), (100, 99, 99), (10, 50, 5), (10, 95, 10), (3, 50, 2), (1, 99, 1)]
        {
            let found = percentile(&sorted[..of], percent);
            assert_eq!(found, Duration::from_micros(micros), "p{percent} of {of}");
        }
        assert_eq!(percentile(&[], 50), Duration::ZERO);
    }

    #[test]
    fn a_row_does_not_mind_the_order_of_its_samples() {
        let samples = [3, 1, 2].map(Duration::from_millis);
        let row = Samples(samples.to_vec()).row("x");
        assert_eq!((row.n, row.p50_us, row.p99_us), (3, 2000.0, 3000.0));
    }

    #[test]
    fn a_failure_ends_the_measuring() {
        let failed = Samples::of(10, Clock::system(), |n| if n < 3 { Ok(()) } else { Err(n) });
        assert_eq!(failed.unwrap_err(), 3);
    }
}
