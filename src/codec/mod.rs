//! Sealing a value: bytes on disk that are either what was stored or known to be damaged.
//!
//! # Shape
//!
//! A sealed value is a row: key, provider, times, a *shape* (how the bytes are packed and what
//! they are), the length before packing, the packed bytes, and a 64-bit sum (XXH3) over all of
//! it. The sum covers the metadata too, so a flipped bit in `fetched_at` is as much damage as one
//! in a price, and it covers the packed bytes, so damage is found before anything is unpacked. What
//! stands beside it in other tables (the course of a provider, the market of a symbol, the validators
//! of a value, the definition that it came under, the mark of an event, the pace of its changes) has
//! sums of its own.
//!
//! # Rules for changing it
//!
//! What is written here is read for ever. The numbers of codecs and formats below are never
//! reused; a new packing gets a new number; the order in which the sum takes its parts is fixed.
//!
//! # Cost
//!
//! A value below [`PAYS_FROM`] is kept as it is: zstd saves a quarter of a 300-byte quote and
//! costs more than reading the quarter. Opening such a value is one pass of XXH3 and one copy.

pub mod bars;

use std::time::Duration;

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::policy::{Course, Expired, Looks, Market};
use crate::provider::Validators;
use crate::time::Timestamp;

/// The length from which packing is tried, in bytes: below it a row fits its page several times.
pub const PAYS_FROM: usize = 1024;

/// The largest value that is stored or unpacked, in bytes: above any body that upstream may send.
pub const LARGEST: usize = 64 * 1024 * 1024;

/// The level of zstd: its own default; higher ones gain one or two percent here.
const LEVEL: i32 = 3;

const RAW: i64 = 0;
const ZSTD: i64 = 1;

/// A row as it stands in the database.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The key.
    pub key: &'a str,
    /// Who gave the value.
    pub provider: &'a str,
    /// When, in milliseconds UTC.
    pub fetched_at_ms: i64,
    /// What `put` gave it to live, in milliseconds.
    pub own_ttl_ms: Option<i64>,
    /// Codec in the low four bits, format above them.
    pub shape: i64,
    /// The length before packing, in bytes.
    pub raw_bytes: i64,
    /// XXH3 over all the rest.
    pub sum: i64,
    /// The packed value.
    pub body: &'a [u8],
}

/// What sealing adds to an entry.
#[derive(Debug)]
pub struct Sealed<'a> {
    /// The row to write; its texts and, if nothing was packed, its body are the entry's own.
    pub shape: i64,
    /// The sum.
    pub sum: i64,
    /// The packed value.
    pub body: std::borrow::Cow<'a, [u8]>,
}

/// A row that is not what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage;

/// Whether values are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// All values are kept as they are.
    None,
    /// Large values are compressed with zstd where that saves an eighth.
    Zstd,
}

/// Seals an entry.
pub fn seal(entry: &Entry, packing: Packing) -> Sealed<'_> {
    let packed = (packing == Packing::Zstd && entry.body.len() >= PAYS_FROM)
        .then(|| zstd::bulk::compress(&entry.body, LEVEL).ok())
        .flatten()
        .filter(|packed| packed.len() <= entry.body.len() / 8 * 7);
    let (codec, body) = match packed {
        Some(packed) => (ZSTD, packed.into()),
        None => (RAW, (&*entry.body).into()),
    };
    let shape = format_number(entry.format) << 4 | codec;
    let mut sealed = Sealed { shape, sum: 0, body };
    sealed.sum = sum(&Row {
        key: entry.key.as_str(),
        provider: &entry.provider,
        fetched_at_ms: entry.fetched_at.as_ms(),
        own_ttl_ms: own_ttl_ms(entry),
        shape,
        raw_bytes: raw_bytes(entry),
        sum: 0,
        body: &sealed.body,
    });
    sealed
}

/// The entry in a row, or that the row is damaged.
pub fn open(row: &Row<'_>) -> Result<Entry, Damage> {
    if sum(row) != row.sum {
        return Err(Damage);
    }
    let length = usize::try_from(row.raw_bytes).ok().filter(|l| *l <= LARGEST).ok_or(Damage)?;
    let body: Box<[u8]> = match row.shape & 15 {
        RAW => row.body.into(),
        ZSTD => zstd::bulk::decompress(row.body, length).map_err(|_| Damage)?.into(),
        _ => return Err(Damage),
    };
    if body.len() != length {
        return Err(Damage);
    }
    Ok(Entry {
        key: Key::from_stored(row.key),
        provider: row.provider.into(),
        fetched_at: Timestamp::from_ms(row.fetched_at_ms),
        own_ttl: row.own_ttl_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0))),
        format: format_of(row.shape >> 4).ok_or(Damage)?,
        body,
    })
}

/// What `put` gave an entry to live, as it stands in a row.
pub fn own_ttl_ms(entry: &Entry) -> Option<i64> {
    entry.own_ttl.map(|ttl| i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX))
}

/// The length of an entry's value, as it stands in a row.
pub fn raw_bytes(entry: &Entry) -> i64 {
    i64::try_from(entry.body.len()).unwrap_or(i64::MAX)
}

/// Each part seeds the sum of the next, so no two rows differ only in where a part ends.
fn sum(row: &Row<'_>) -> i64 {
    let mut numbers = [0_u8; 40];
    let own_ttl = row.own_ttl_ms.unwrap_or(-1);
    let parts = [
        row.fetched_at_ms,
        own_ttl,
        row.shape,
        row.raw_bytes,
        i64::try_from(row.key.len()).unwrap_or(0),
    ];
    for (bytes, part) in numbers.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    let named = xxh3_64_with_seed(row.provider.as_bytes(), xxh3_64(row.key.as_bytes()));
    xxh3_64_with_seed(row.body, xxh3_64_with_seed(&numbers, named)).cast_signed()
}

/// The sum of an entry's mark as it stands in the database.
pub fn mark_sum(key: &str, provider: &str, expired: &Expired) -> i64 {
    let named = xxh3_64_with_seed(provider.as_bytes(), xxh3_64(key.as_bytes()));
    let why = xxh3_64_with_seed(expired.why.as_str().as_bytes(), named);
    xxh3_64_with_seed(&expired.at.as_ms().to_le_bytes(), why).cast_signed()
}

/// The sum of a provider's course as it stands in the database.
pub fn course_sum(provider: &str, course: Course) -> i64 {
    let mut numbers = [0_u8; 24];
    let instants = [course.minimal_until, course.conservative_until, course.aggressive_until];
    for (bytes, instant) in numbers.chunks_exact_mut(8).zip(instants) {
        bytes.copy_from_slice(&instant.as_ms().to_le_bytes());
    }
    xxh3_64_with_seed(&numbers, xxh3_64(provider.as_bytes())).cast_signed()
}

/// The sum of the validators of a value as it stands in the database.
///
/// It covers the value, so that validators are worth nothing beside any other: an older release
/// replaces an entry and leaves them where they are.
pub fn validators_sum(entry: &Entry, validators: &Validators) -> i64 {
    let (etag, last_modified) = (&validators.etag, &validators.last_modified);
    let length = |text: &Option<Box<str>>| {
        text.as_ref().map_or(-1, |text| i64::try_from(text.len()).unwrap_or(0))
    };
    let parts = [
        validators.request,
        length(etag),
        length(last_modified),
        format_number(entry.format),
        raw_bytes(entry),
    ];
    let mut numbers = [0_u8; 40];
    for (bytes, part) in numbers.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    let seed = xxh3_64_with_seed(&numbers, name_sum(entry));
    let seed = validators.texts().fold(seed, |seed, text| xxh3_64_with_seed(text.as_bytes(), seed));
    xxh3_64_with_seed(&entry.body, seed).cast_signed()
}

/// The sum of the number of the definition that an entry came under; of what was stored in its place
/// under the same name it says nothing.
pub fn definition_sum(entry: &Entry, number: u64) -> i64 {
    let mut numbers = [0_u8; 16];
    numbers[..8].copy_from_slice(&number.to_le_bytes());
    numbers[8..].copy_from_slice(&entry.fetched_at.as_ms().to_le_bytes());
    xxh3_64_with_seed(&numbers, name_sum(entry)).cast_signed()
}

fn name_sum(entry: &Entry) -> u64 {
    xxh3_64_with_seed(entry.provider.as_bytes(), xxh3_64(entry.key.as_str().as_bytes()))
}

/// The sum of the market of a symbol as it stands in the database.
pub fn market_sum(symbol: &str, market: &Market) -> i64 {
    let high = market.high_volume;
    let instant = |instant: Option<Timestamp>| instant.map_or(i64::MIN, Timestamp::as_ms);
    let small = |number: Option<u32>| number.map_or(-1, i64::from);
    let numbers = [
        small(market.volatility.map(|realised| realised.0)),
        instant(high.map(|high| high.from)),
        instant(high.map(|high| high.until)),
        small(high.map(|high| high.permille)),
        small(high.map(|high| high.days)),
    ];
    let mut bytes = [0_u8; 40];
    for (bytes, number) in bytes.chunks_exact_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    let exchange = market.exchange.as_ref().map_or("", |exchange| exchange.as_str());
    let named = xxh3_64_with_seed(exchange.as_bytes(), xxh3_64(symbol.as_bytes()));
    xxh3_64_with_seed(&bytes, named).cast_signed()
}

/// The sum of bytes that stand in the database beside two names and a number.
pub fn bytes_sum(names: [&str; 2], number: i64, bytes: &[u8]) -> i64 {
    let named = xxh3_64_with_seed(names[1].as_bytes(), xxh3_64(names[0].as_bytes()));
    xxh3_64_with_seed(bytes, xxh3_64_with_seed(&number.to_le_bytes(), named)).cast_signed()
}

/// The sum of an entry's pace as it stands in the database.
pub fn pace_sum(key: &str, provider: &str, pace: Looks) -> i64 {
    let mut numbers = [0_u8; 24];
    let parts = [pace.looks.into(), pace.changes.into(), pace.elapsed_ms];
    for (bytes, part) in numbers.chunks_exact_mut(8).zip(parts) {
        bytes.copy_from_slice(&part.to_le_bytes());
    }
    let named = xxh3_64_with_seed(provider.as_bytes(), xxh3_64(key.as_bytes()));
    xxh3_64_with_seed(&numbers, named).cast_signed()
}

fn format_number(format: Format) -> i64 {
    match format {
        Format::Json => 0,
        Format::Text => 1,
        Format::Binary => 2,
        Format::NotFound => 3,
    }
}

/// The format that a number stands for; none for one that was never written.
pub fn format_of(number: i64) -> Option<Format> {
    [Format::Json, Format::Text, Format::Binary, Format::NotFound]
        .into_iter()
        .find(|format| format_number(*format) == number)
}

#[cfg(test)]
mod tests;
