//! Bars as bytes, and back to the last bit.
//!
//! # Shape
//!
//! A byte that says which format this is, the version of the integer coder, how many bars there are
//! and whether they are dated; then the times (`times.rs`) and the prices (`prices.rs`), column by
//! column. What stands in a column are small integers: differences from what the columns before it let
//! expect, in steps of what the provider counts in (`scale.rs`). They are written by `stream.rs`: as
//! bytes where bars are few, and where they are many as bits (`bits.rs`), or through `pco` where that
//! takes far less, since reading it takes longer. A value that does not fit the steps
//! of its column stands beside it as it is, so nothing is ever rounded.
//!
//! # Rules for changing it
//!
//! What is written here is read for ever: a new shape gets a new first byte.
//!
//! # What it refuses
//!
//! Bytes that were not written here are [`Damage`], or bars that nobody sent: there is no sum in
//! them. Whoever stores them keeps one beside them.

mod bits;
mod prices;
mod scale;
mod stream;
#[cfg(test)]
mod tests;
mod times;

use self::stream::{Reader, Writer};
use crate::codec::Damage;
use crate::market::Bars;

/// The most bars that bytes may stand for.
pub const MOST: usize = 1 << 20;

/// So many bars may stand in any number of bytes, and so many more in each byte: a few bytes that
/// claim a million bars are damage, not sixty megabytes of memory.
const ANYWHERE: usize = 1 << 14;
const PER_BYTE: usize = 256;

/// The formats: the first one knew no bits, and is read as the second.
const WITHOUT_BITS: u8 = 1;
const COLUMNS: u8 = 2;

/// How much work is put into making bars small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Little: for a few bars that are written often.
    Fast,
    /// All that pays: for many bars that are written once.
    Small,
}

/// Packs bars, of which there may be [`MOST`].
pub fn pack(bars: &Bars, effort: Effort) -> Vec<u8> {
    debug_assert!(bars.len() <= MOST, "more bars than are ever read");
    let mut to = Writer::new(COLUMNS, effort);
    to.number(bars.len() as u64);
    if !bars.is_empty() {
        times::write(bars, &mut to);
        prices::write(bars, &mut to);
    }
    let mut bytes = to.into_bytes();
    // What hardly changes takes less than a reader believes.
    let least = bars.len().saturating_sub(ANYWHERE).div_ceil(PER_BYTE);
    bytes.resize(bytes.len().max(least), 0);
    bytes
}

/// The bars in bytes, or that they are damaged.
pub fn unpack(bytes: &[u8]) -> Result<Bars, Damage> {
    let mut from = Reader::new(&[WITHOUT_BITS, COLUMNS], bytes)?;
    let count = usize::try_from(from.number()?).map_err(|_| Damage)?;
    let believed = ANYWHERE.saturating_add(bytes.len().saturating_mul(PER_BYTE));
    if count > MOST || count > believed {
        return Err(Damage);
    }
    let mut bars = Bars::default();
    if count > 0 {
        times::read(&mut bars, count, &mut from)?;
        prices::read(&mut bars, count, &mut from)?;
    }
    if from.rest().iter().any(|padding| *padding != 0) {
        return Err(Damage);
    }
    Ok(bars)
}
