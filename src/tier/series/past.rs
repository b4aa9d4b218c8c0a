//! An older version of values, kept for who asks as of then: how it is packed.
//!
//! The first byte says how: as it is, or by zstd behind its length in four bytes. What the bytes mean
//! is for whoever wrote them.

use crate::codec::{Damage, LARGEST, PAYS_FROM};
use crate::time::Timestamp;

/// How many older versions of a value are kept, unless it is said.
pub const MOST_PAST: usize = 1_000;

const RAW: u8 = 0;
const ZSTD: u8 = 1;

/// The level of zstd: an older version is written once and seldom read.
const LEVEL: i32 = 9;

/// An older version of a series, or of a part of one: packed bars, or the JSON of a macro series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Superseded {
    /// From when it was thought to be true.
    pub known_from: Timestamp,
    /// The first instant at which it was not any more.
    pub known_until: Timestamp,
    /// What it was.
    pub body: Box<[u8]>,
}

/// Packs the body of an older version.
pub(in crate::tier) fn pack(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() >= PAYS_FROM);
    let packed = length.and_then(|length| {
        let packed = zstd::bulk::compress(body, LEVEL).ok()?;
        let is_less = packed.len() <= body.len() / 8 * 7;
        is_less.then(|| [&[ZSTD][..], &length.to_le_bytes(), &packed].concat())
    });
    packed.unwrap_or_else(|| [&[RAW], body].concat())
}

/// The body of an older version.
pub(in crate::tier) fn unpack(packed: &[u8]) -> Result<Box<[u8]>, Damage> {
    match packed.split_first() {
        Some((&RAW, body)) => Ok(body.into()),
        Some((&ZSTD, rest)) => {
            let (length, packed) = rest.split_first_chunk().ok_or(Damage)?;
            let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Damage)?;
            if length > LARGEST {
                return Err(Damage);
            }
            let body = zstd::bulk::decompress(packed, length).map_err(|_| Damage)?;
            if body.len() == length { Ok(body.into()) } else { Err(Damage) }
        }
        _ => Err(Damage),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_version_comes_back_as_it_was() {
        for body in [&b""[..], b"{}", &b"{\"rows\":[1,2,3]}".repeat(200), &[0; 5000]] {
            let packed = pack(body);
            assert_eq!(unpack(&packed).as_deref(), Ok(body));
            assert!(packed.len() <= body.len() + 1);
        }
        assert!(pack(&[0; 5000]).len() < 50);
    }

    #[test]
    fn bytes_that_are_no_older_version_are_damage() {
        let packed = pack(&[0; 5000]);
        let short = [&packed[..1], &1_u32.to_le_bytes(), &packed[5..]].concat();
        let huge = [&packed[..1], &u32::MAX.to_le_bytes(), &packed[5..]].concat();
        for bytes in [&b""[..], &[7, 1], &[ZSTD], &packed[..3], &packed[..9], &short, &huge] {
            assert_eq!(unpack(bytes), Err(Damage), "{bytes:?}");
        }
    }
}
