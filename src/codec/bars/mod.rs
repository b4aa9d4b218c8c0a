//! Bars as bytes, and back to the last bit.

use crate::codec::Damage;
use crate::market::Bars;

/// How much work is put into making bars small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// For a few bars that are written often.
    Fast,
    /// For many bars that are written once.
    Small,
}

/// The most bars that bytes may stand for.
pub const MOST: usize = 1 << 20;

const PLAIN: u8 = 0;

/// Packs bars.
pub fn pack(bars: &Bars, _effort: Effort) -> Vec<u8> {
    let mut bytes = vec![PLAIN, u8::from(!bars.days.is_empty())];
    bytes.extend(bars.times.iter().flat_map(|time| time.to_le_bytes()));
    bytes.extend(bars.days.iter().flat_map(|day| day.to_le_bytes()));
    for column in [&bars.open, &bars.high, &bars.low, &bars.close, &bars.volume, &bars.adjusted] {
        bytes.extend(column.iter().flat_map(|value| value.to_le_bytes()));
    }
    bytes
}

/// The bars in bytes, or that they are damaged.
pub fn unpack(bytes: &[u8]) -> Result<Bars, Damage> {
    let ([PLAIN, dated @ (0 | 1)], rest) = bytes.split_first_chunk().ok_or(Damage)? else {
        return Err(Damage);
    };
    let width = 7 * 8 + if *dated == 1 { 4 } else { 0 };
    let count = rest.len() / width;
    if rest.len() % width != 0 || count > MOST {
        return Err(Damage);
    }
    let (times, rest) = rest.split_at(8 * count);
    let (days, rest) = rest.split_at(if *dated == 1 { 4 * count } else { 0 });
    let mut columns = (0..6).map(|at| {
        let column = rest[8 * count * at..8 * count * (at + 1)].as_chunks().0;
        column.iter().map(|value| f64::from_le_bytes(*value)).collect::<Vec<_>>()
    });
    let mut column = || columns.next().unwrap_or_default();
    Ok(Bars {
        times: times.as_chunks().0.iter().map(|time| i64::from_le_bytes(*time)).collect(),
        days: days.as_chunks().0.iter().map(|day| i32::from_le_bytes(*day)).collect(),
        open: column(),
        high: column(),
        low: column(),
        close: column(),
        volume: column(),
        adjusted: column(),
    })
}
