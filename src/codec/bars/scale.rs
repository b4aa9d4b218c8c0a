//! What a column of numbers counts in: cents, units of the last binary place, whatever makes its
//! numbers small integers. It never rounds: a number that is no such integer is not one.

use super::Effort;
use super::stream::{Reader, Writer};
use crate::codec::Damage;

const DOUBLE: u8 = 0;
const SINGLE: u8 = 1;
const PARTS: u8 = 2;
const SINGLE_PARTS: u8 = 3;

/// What a value that does not fit costs beside its column, in bits.
const ODD_ONE: u64 = 80;

/// The most parts of a unit.
const FINEST: u32 = 100_000_000;

/// A way in which numbers are integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// The places of the doubles in their order.
    Double,
    /// The places of the single-precision numbers in their order.
    Single,
    /// So many parts of a unit, rounded to double or to single precision: upstream had a decimal
    /// number, or one divided by a split, and sent it as binary.
    Parts {
        /// How many.
        of_unit: u32,
        /// Whether to single precision.
        single: bool,
    },
}

impl Scale {
    /// The scale in which these columns are the smallest integers.
    pub(super) fn of(columns: &[&[f64]], effort: Effort) -> Self {
        let single = Self::Single.cost(columns);
        let (mut best, mut least) = match single {
            Some(cost) => (Self::Single, cost),
            None => (Self::Double, u64::MAX),
        };
        let mut consider = |of_unit| {
            let parts = Self::Parts { of_unit, single: single.is_some() };
            let Some(cost) = parts.cost(columns) else { return false };
            if cost < least {
                (best, least) = (parts, cost);
            }
            true
        };
        let decimal = (0..=8).map(|places| 10_u32.pow(places)).find(|of_unit| consider(*of_unit));
        if effort == Effort::Small && decimal.is_none_or(|of_unit| of_unit > 100) {
            // Cents divided by the splits since.
            (2..=256).any(|ratio| consider(100 * ratio));
        }
        best
    }

    /// What the steps in these columns take, roughly and in bits; none if more than a few of their
    /// numbers do not fit.
    fn cost(self, columns: &[&[f64]]) -> Option<u64> {
        let mut cost = 0;
        let mut odd = columns.iter().map(|column| column.len()).sum::<usize>() / 16;
        for column in columns {
            let mut before = None;
            for value in *column {
                match self.integer(*value) {
                    Some(integer) => {
                        let step = integer.wrapping_sub(before.unwrap_or(integer));
                        cost += u64::from(64 - step.unsigned_abs().leading_zeros());
                        before = Some(integer);
                    }
                    None if value.is_nan() => {}
                    None => {
                        odd = odd.checked_sub(1)?;
                        cost += ODD_ONE;
                    }
                }
            }
        }
        Some(cost)
    }

    /// The integer that stands for this very number, if one does; none does for what is missing.
    pub(super) fn integer(self, value: f64) -> Option<i64> {
        if value.is_nan() {
            return None;
        }
        let integer = self.nearest(value);
        (self.value(integer).to_bits() == value.to_bits()).then_some(integer)
    }

    /// An integer that stands for this number or one near to it.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "to the nearest, or to whatever is checked"
    )]
    pub(super) fn nearest(self, value: f64) -> i64 {
        match self {
            Self::Double => {
                let bits = value.to_bits().cast_signed();
                bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
            }
            Self::Single => {
                let bits = (value as f32).to_bits().cast_signed();
                i64::from(bits ^ ((bits >> 31).cast_unsigned() >> 1).cast_signed())
            }
            Self::Parts { of_unit, .. } => {
                let parts = value * f64::from(of_unit);
                (parts + 0.5_f64.copysign(parts)) as i64
            }
        }
    }

    /// The number that an integer stands for.
    #[expect(clippy::cast_possible_truncation, reason = "the rounding is what was meant")]
    #[expect(
        clippy::cast_precision_loss,
        reason = "as above; what is written is checked to be exact"
    )]
    pub(super) fn value(self, integer: i64) -> f64 {
        match self {
            Self::Double => {
                let mask = ((integer >> 63).cast_unsigned() >> 1).cast_signed();
                f64::from_bits((integer ^ mask).cast_unsigned())
            }
            Self::Single => {
                let integer = integer as i32;
                let mask = ((integer >> 31).cast_unsigned() >> 1).cast_signed();
                f64::from(f32::from_bits((integer ^ mask).cast_unsigned()))
            }
            Self::Parts { of_unit, single: false } => integer as f64 / f64::from(of_unit),
            Self::Parts { of_unit, single: true } => {
                f64::from((integer as f64 / f64::from(of_unit)) as f32)
            }
        }
    }

    /// The numbers that integers stand for.
    pub(super) fn values(self, integers: &[i64]) -> Vec<f64> {
        // Each arm is a loop of its own, without a choice in it.
        let column = |scale: Self| integers.iter().map(|integer| scale.value(*integer)).collect();
        match self {
            Self::Double => column(Self::Double),
            Self::Single => column(Self::Single),
            Self::Parts { of_unit, single: false } => {
                column(Self::Parts { of_unit, single: false })
            }
            Self::Parts { of_unit, single: true } => column(Self::Parts { of_unit, single: true }),
        }
    }

    /// By how many steps what is computed from rounded numbers may be off.
    pub(super) fn noise(self) -> u64 {
        match self {
            Self::Double | Self::Single => 16,
            Self::Parts { .. } => 2,
        }
    }

    /// What an integer counts for in sums: its parts, or the number itself.
    #[expect(clippy::cast_precision_loss, reason = "the same on both sides, and near enough")]
    pub(super) fn weight(self, integer: i64) -> f64 {
        match self {
            Self::Double | Self::Single => self.value(integer),
            Self::Parts { .. } => integer as f64,
        }
    }

    /// An integer that counts for about so much.
    pub(super) fn of_weight(self, weight: f64) -> i64 {
        match self {
            Self::Double | Self::Single => self.nearest(weight),
            Self::Parts { .. } => Self::Parts { of_unit: 1, single: false }.nearest(weight),
        }
    }

    pub(super) fn write(self, to: &mut Writer) {
        match self {
            Self::Double => to.byte(DOUBLE),
            Self::Single => to.byte(SINGLE),
            Self::Parts { of_unit, single } => {
                to.byte(if single { SINGLE_PARTS } else { PARTS });
                to.number(of_unit.into());
            }
        }
    }

    pub(super) fn read(from: &mut Reader<'_>) -> Result<Self, Damage> {
        let kind = from.byte()?;
        match kind {
            DOUBLE => Ok(Self::Double),
            SINGLE => Ok(Self::Single),
            PARTS | SINGLE_PARTS => {
                let of_unit = u32::try_from(from.number()?).map_err(|_| Damage)?;
                if !(1..=FINEST).contains(&of_unit) {
                    return Err(Damage);
                }
                Ok(Self::Parts { of_unit, single: kind == SINGLE_PARTS })
            }
            _ => Err(Damage),
        }
    }
}
