//! Which symbol is read next: numbers that are the same in every run, and the law by which a few
//! symbols are read most.

/// Steele, Lea and Flood's `SplitMix64`: enough for a workload, and the same everywhere.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The sequence that belongs to this number.
    pub(super) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 up to, but not, 1.
    fn share(&mut self) -> f64 {
        let upper = u32::try_from(self.next() >> 32).unwrap_or(u32::MAX);
        f64::from(upper) / 4_294_967_296.0
    }
}

/// Zipf's law with exponent 1: the second symbol is read half as often as the first, the third a
/// third as often.
#[derive(Debug)]
pub(super) struct Zipf {
    /// The share of all reads that goes to the symbols up to each.
    up_to: Vec<f64>,
}

impl Zipf {
    /// The law over so many symbols, at least one.
    pub(super) fn over(symbols: u32) -> Self {
        let mut sum = 0.0;
        let mut up_to: Vec<f64> = (1..=symbols.max(1))
            .map(|rank| {
                sum += 1.0 / f64::from(rank);
                sum
            })
            .collect();
        for share in &mut up_to {
            *share /= sum;
        }
        Self { up_to }
    }

    /// The next symbol, by its rank from 0.
    pub(super) fn next(&self, random: &mut Random) -> usize {
        let share = random.share();
        self.up_to.partition_point(|up_to| *up_to <= share).min(self.up_to.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_paper() {
        // The first outputs for seed 1234567 that its reference implementation prints.
        let mut random = Random::seeded(1_234_567);
        assert_eq!(random.next(), 6_457_827_717_110_365_317);
        assert_eq!(random.next(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn a_symbol_is_read_as_often_as_its_rank_says() {
        let (zipf, mut random) = (Zipf::over(50), Random::seeded(1));
        let mut counts = [0_u32; 50];
        for _ in 0..100_000 {
            counts[zipf.next(&mut random)] += 1;
        }
        // The fiftieth harmonic number is 4.4992: the first symbol gets 22.2 %.
        for (rank, expected) in [(0, 22_226.0), (1, 11_113.0), (9, 2_222.6), (49, 444.5)] {
            let off = (f64::from(counts[rank]) - expected).abs();
            assert!(off < 5.0 * f64::sqrt(expected), "rank {rank}: {}", counts[rank]);
        }
    }

    #[test]
    fn one_symbol_gets_all_reads() {
        let (zipf, mut random) = (Zipf::over(1), Random::seeded(1));
        assert!((0..100).all(|_| zipf.next(&mut random) == 0));
    }
}
