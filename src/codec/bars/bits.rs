//! Integers in one number of bits each, counted from one of them. It knows nothing of those that do
//! not fit: whoever packs keeps them elsewhere.
//!
//! What this takes more than an entropy coder it makes up in time: a value is a load, a shift and a
//! mask, and no value waits for the one before it.

use crate::codec::Damage;

/// The most bits of an integer: with up to seven of the one before it, they are eight bytes.
const WIDEST: u8 = 56;

/// What an integer that does not fit costs elsewhere, beside its own bits and in bits.
const OTHER: usize = 16;

/// A frame of reference: the first of a stretch of integers, and in how many bits the others are
/// counted from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) first: i64,
    pub(super) width: u8,
}

impl Frame {
    /// The one in which these take the least, with what those take that do not fit, roughly.
    pub(super) fn of(integers: &[i64]) -> Self {
        let mut sorted = integers.to_vec();
        sorted.sort_unstable();
        let ends = [sorted.first(), sorted.last()].into_iter().flatten();
        let bits =
            |end: &i64| usize::try_from(64 - end.unsigned_abs().leading_zeros()).unwrap_or(64);
        let other = OTHER + ends.map(bits).max().unwrap_or(0);
        let mut best = Self { first: 0, width: 0 };
        let mut least = usize::MAX;
        // From the widest on, since narrower ones leave out ever more.
        for width in (0..=WIDEST).rev() {
            let (frame, fitting) = Self::fullest(&sorted, width);
            let others = other * (sorted.len() - fitting);
            if others > least {
                break;
            }
            let cost = sorted.len() * usize::from(width) + others;
            if cost < least {
                (best, least) = (frame, cost);
            }
        }
        best
    }

    /// Of the frames of this width, one that holds the most of these, and how many.
    fn fullest(sorted: &[i64], width: u8) -> (Self, usize) {
        let lowest = Self { first: sorted.first().copied().unwrap_or(0), width };
        if sorted.last().is_some_and(|most| lowest.holds(*most)) {
            return (lowest, sorted.len());
        }
        let mut best = (lowest, 0);
        let mut from = 0;
        for (at, integer) in sorted.iter().enumerate() {
            while !(Self { first: sorted[from], width }).holds(*integer) {
                from += 1;
            }
            if at + 1 - from > best.1 {
                best = (Self { first: sorted[from], width }, at + 1 - from);
            }
        }
        best
    }

    /// Whether an integer fits.
    pub(super) fn holds(self, integer: i64) -> bool {
        integer >= self.first && self.offset(integer) >> self.width == 0
    }

    fn offset(self, integer: i64) -> u64 {
        integer.wrapping_sub(self.first).cast_unsigned()
    }

    /// The integers as bits; what does not fit counts for the first.
    pub(super) fn pack(self, integers: &[i64], to: &mut Vec<u8>) {
        let (mut pending, mut held) = (0_u64, 0_u8);
        for integer in integers {
            let offset = if self.holds(*integer) { self.offset(*integer) } else { 0 };
            pending |= offset << held;
            held += self.width;
            while held >= 8 {
                to.push(pending.to_le_bytes()[0]);
                pending >>= 8;
                held -= 8;
            }
        }
        if held > 0 {
            to.push(pending.to_le_bytes()[0]);
        }
    }

    /// So many integers from the front of these bytes, and the bytes behind them.
    pub(super) fn unpack(self, bytes: &[u8], count: usize) -> Result<(Vec<i64>, &[u8]), Damage> {
        let width = usize::from(self.width);
        let rest = bytes.get((count * width).div_ceil(8)..).ok_or(Damage)?;
        if self.width > WIDEST {
            return Err(Damage);
        }
        let mask = (1_u64 << self.width) - 1;
        let integer = |at: usize| {
            let bit = at * width;
            let offset = word(bytes, bit / 8) >> (bit % 8) & mask;
            self.first.wrapping_add(offset.cast_signed())
        };
        Ok(((0..count).map(integer).collect(), rest))
    }
}

/// The eight bytes from here on; noughts for those behind the end.
fn word(bytes: &[u8], at: usize) -> u64 {
    if let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        return u64::from_le_bytes(*word);
    }
    let mut word = [0; 8];
    for (to, byte) in word.iter_mut().zip(bytes.iter().skip(at)) {
        *to = *byte;
    }
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_fits_comes_back_and_the_rest_is_the_first(
            integers in prop_oneof![
                proptest::collection::vec(any::<i64>(), 1..90),
                proptest::collection::vec(-40_i64..40, 1..90),
                proptest::collection::vec((any::<i32>(), 0..40).prop_map(|(n, by)| i64::from(n) << by), 1..90),
            ],
            width in 0..=WIDEST,
            behind in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            for frame in [Frame { first: integers[0], width }, Frame::of(&integers)] {
                let mut bytes = Vec::new();
                frame.pack(&integers, &mut bytes);
                bytes.extend(&behind);
                let (back, rest) = frame.unpack(&bytes, integers.len()).unwrap();
                prop_assert_eq!(rest, &behind[..]);
                for (integer, back) in integers.iter().zip(back) {
                    prop_assert_eq!(back, if frame.holds(*integer) { *integer } else { frame.first });
                }
            }
        }

        #[test]
        fn a_frame_is_found_that_holds_all_where_all_are_near(
            first in -1_000_000_000_i64..1_000_000_000,
            offsets in proptest::collection::vec(0_i64..256, 1..90),
        ) {
            let integers: Vec<i64> = offsets.iter().map(|offset| first + offset).collect();
            let frame = Frame::of(&integers);
            prop_assert!(frame.width <= 8);
            let others = integers.iter().filter(|integer| !frame.holds(**integer)).count();
            prop_assert!(others <= integers.len() / 2, "{} of {}", others, integers.len());
        }
    }

    #[test]
    fn wider_frames_and_bytes_too_few_are_damage() {
        let bytes = [0; 64];
        assert!(Frame { first: 0, width: WIDEST }.unpack(&bytes, 9).is_ok());
        for (width, count) in [(WIDEST + 1, 1), (255, 1), (WIDEST, 10), (1, 513)] {
            assert_eq!(Frame { first: 0, width }.unpack(&bytes, count), Err(Damage));
        }
    }
}
