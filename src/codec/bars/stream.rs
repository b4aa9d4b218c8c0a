//! Integers as bytes: a few as they are, many as bits or through `pco`. It knows nothing of bars.
//!
//! A run of integers is a byte that says how it is written and, where they are all multiples of
//! one number, that number; how many there are stands elsewhere. Of `pco`, only its plain mode
//! without differences is written or read, so that what a hostile byte can ask of it is small.

use pco::data_types::Number;
use pco::wrapped::{FileCompressor, FileDecompressor};
use pco::{ChunkConfig, DecompressorScratch, DeltaSpec, ModeSpec};

use super::Effort;
use super::bits::Frame;
use crate::codec::Damage;

/// All are the same one.
const SAME: u8 = 0;
/// Each in as few bytes as it needs.
const BYTES: u8 = 1;
/// Through `pco`, by width.
const PCO_16: u8 = 2;
const PCO_32: u8 = 3;
const PCO_64: u8 = 4;
/// All are the same one but for a few.
const MOSTLY: u8 = 5;
/// In one number of bits each, but for a few.
const BITS: u8 = 6;
/// Beside one of the others: they are multiples of a number that comes first.
const MULTIPLES: u8 = 8;

/// How a chunk of `pco` begins in its plain mode without differences.
const PLAIN: u8 = 0;

/// The level of `pco`: its own default, 8, is no smaller here and slower to read.
const LEVEL: usize = 6;

/// For so many integers that `pco` has not to decode, a byte more is well spent: it takes five times
/// as long to read as bits.
const WORTH: usize = 4;

/// How many `pco` is asked for at once: a multiple of how many it has at once itself.
const BATCH: usize = 512;

/// The length of the version of `pco`, in bytes.
const VERSION: usize = 2;

/// Numbers on their way to bytes.
pub(super) struct Writer {
    bytes: Vec<u8>,
    effort: Effort,
    pco: FileCompressor,
}

impl Writer {
    pub(super) fn new(format: u8, effort: Effort) -> Self {
        let pco = FileCompressor::default();
        let bytes = pco.write_header(vec![format]).unwrap_or_default();
        Self { bytes, effort, pco }
    }

    pub(super) fn effort(&self) -> Effort {
        self.effort
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    pub(super) fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    pub(super) fn number(&mut self, number: u64) {
        put(number, &mut self.bytes);
    }

    pub(super) fn signed(&mut self, number: i64) {
        self.number(folded(number));
    }

    /// Writes integers without how many they are.
    pub(super) fn integers(&mut self, integers: &[i64]) {
        let Some((first, others)) = integers.split_first() else { return };
        if others.iter().all(|other| other == first) {
            self.byte(SAME);
            self.signed(*first);
            return;
        }
        let divisor = common_divisor(integers);
        let divided: Vec<i64>;
        let (integers, mark) = if divisor > 1 {
            divided = integers.iter().map(|integer| integer / divisor).collect();
            (&divided[..], MULTIPLES)
        } else {
            (integers, 0)
        };
        let (coding, bytes) = self.smallest(integers);
        self.byte(coding | mark);
        if divisor > 1 {
            self.signed(divisor);
        }
        self.bytes.extend(bytes);
    }

    /// The integers in the way that takes the fewest bytes, or a few more and far less time.
    fn smallest(&self, integers: &[i64]) -> (u8, Vec<u8>) {
        let mut ways = vec![(BYTES, bytewise(integers)), (MOSTLY, mostly(integers))];
        if self.effort == Effort::Small {
            ways.push((BITS, bitwise(integers)));
            ways.extend(self.packed(integers));
        }
        let price = |(coding, bytes): &(u8, Vec<u8>)| match *coding {
            PCO_16 | PCO_32 | PCO_64 => bytes.len() + integers.len() / WORTH,
            _ => bytes.len(),
        };
        ways.into_iter().min_by_key(price).unwrap_or_default()
    }

    /// The integers through `pco`, in the narrowest width that holds them.
    fn packed(&self, integers: &[i64]) -> Option<(u8, Vec<u8>)> {
        if let Some(narrow) = integers.iter().map(|n| i16::try_from(*n).ok()).collect() {
            return self.through_pco::<i16>(narrow).map(|bytes| (PCO_16, bytes));
        }
        if let Some(narrow) = integers.iter().map(|n| i32::try_from(*n).ok()).collect() {
            return self.through_pco::<i32>(narrow).map(|bytes| (PCO_32, bytes));
        }
        self.through_pco(integers.to_vec()).map(|bytes| (PCO_64, bytes))
    }

    #[expect(clippy::needless_pass_by_value, reason = "collected for this alone")]
    fn through_pco<N: Number>(&self, integers: Vec<N>) -> Option<Vec<u8>> {
        let config = ChunkConfig::default()
            .with_compression_level(LEVEL)
            .with_mode_spec(ModeSpec::Classic)
            .with_delta_spec(DeltaSpec::NoOp)
            .with_paging_spec(pco::PagingSpec::Exact(vec![integers.len()]));
        let mut chunk = self.pco.chunk_compressor(&integers, &config).ok()?;
        let bytes = chunk.write_meta(Vec::new()).ok()?;
        let bytes = chunk.write_page(0, bytes).ok()?;
        (bytes.first() == Some(&PLAIN)).then_some(bytes)
    }
}

/// Bytes on their way to numbers.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    pco: FileDecompressor,
    scratch: DecompressorScratch,
}

impl<'a> Reader<'a> {
    pub(super) fn new(formats: &[u8], bytes: &'a [u8]) -> Result<Self, Damage> {
        let (first, rest) = bytes.split_first().ok_or(Damage)?;
        let (version, rest) = rest.split_at_checked(VERSION).ok_or(Damage)?;
        if !formats.contains(first) {
            return Err(Damage);
        }
        let (pco, left) = FileDecompressor::new(version).map_err(|_| Damage)?;
        if !left.is_empty() {
            return Err(Damage);
        }
        Ok(Self { rest, pco, scratch: DecompressorScratch::default() })
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(super) fn byte(&mut self) -> Result<u8, Damage> {
        let (first, rest) = self.rest.split_first().ok_or(Damage)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn number(&mut self) -> Result<u64, Damage> {
        let mut number = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Damage)
    }

    pub(super) fn signed(&mut self) -> Result<i64, Damage> {
        self.number().map(unfolded)
    }

    /// Reads so many integers.
    pub(super) fn integers(&mut self, count: usize) -> Result<Vec<i64>, Damage> {
        if count == 0 {
            return Ok(Vec::new());
        }
        let coding = self.byte()?;
        let divisor = if coding & MULTIPLES == 0 { 1 } else { self.signed()? };
        let mut integers = match coding & !MULTIPLES {
            SAME => vec![self.signed()?; count],
            BYTES if count > self.rest.len() => return Err(Damage),
            BYTES => (0..count).map(|_| self.signed()).collect::<Result<_, _>>()?,
            MOSTLY => self.mostly(count)?,
            BITS => self.bitwise(count)?,
            PCO_16 => self.through_pco::<i16>(count)?,
            PCO_32 => self.through_pco::<i32>(count)?,
            PCO_64 => self.through_pco::<i64>(count)?,
            _ => return Err(Damage),
        };
        if divisor != 1 {
            for integer in &mut integers {
                *integer = integer.wrapping_mul(divisor);
            }
        }
        Ok(integers)
    }

    fn mostly(&mut self, count: usize) -> Result<Vec<i64>, Damage> {
        let mut integers = vec![self.signed()?; count];
        self.others(&mut integers)?;
        Ok(integers)
    }

    fn bitwise(&mut self, count: usize) -> Result<Vec<i64>, Damage> {
        let frame = Frame { width: self.byte()?, first: self.signed()? };
        let (mut integers, rest) = frame.unpack(self.rest, count)?;
        self.rest = rest;
        self.others(&mut integers)?;
        Ok(integers)
    }

    /// Reads those that stand beside these integers into their places.
    fn others(&mut self, integers: &mut [i64]) -> Result<(), Damage> {
        let others = self.number()?;
        let mut next = 0_usize;
        for _ in 0..others {
            let gap = usize::try_from(self.number()?).map_err(|_| Damage)?;
            let at = next.checked_add(gap).ok_or(Damage)?;
            *integers.get_mut(at).ok_or(Damage)? = self.signed()?;
            next = at + 1;
        }
        Ok(())
    }

    fn through_pco<N>(&mut self, count: usize) -> Result<Vec<i64>, Damage>
    where
        N: Number + Default + Into<i64>,
    {
        if self.rest.first() != Some(&PLAIN) {
            return Err(Damage);
        }
        let (chunk, rest) = self.pco.chunk_decompressor::<N, _>(self.rest).map_err(|_| Damage)?;
        let mut page = chunk
            .page_decompressor_with_scratch(rest, count, &mut self.scratch)
            .map_err(|_| Damage)?;
        let mut integers = Vec::with_capacity(count);
        // Widened while they are near; a column of the narrow ones is never made.
        let mut batch = [N::default(); BATCH];
        while integers.len() < count {
            let read = page.read(&mut batch).map_err(|_| Damage)?.n_processed;
            if read == 0 {
                return Err(Damage);
            }
            integers.extend(batch[..read].iter().map(|integer| -> i64 { (*integer).into() }));
        }
        self.rest = page.into_src();
        Ok(integers)
    }
}

/// Writes a number in as few bytes as it needs, seven bits in each.
fn put(number: u64, to: &mut Vec<u8>) {
    let mut left = number;
    while left >= 0x80 {
        to.push(left.to_le_bytes()[0] | 0x80);
        left >>= 7;
    }
    to.push(left.to_le_bytes()[0]);
}

fn bytewise(integers: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(2 * integers.len());
    for integer in integers {
        put(folded(*integer), &mut bytes);
    }
    bytes
}

/// The integer that most of them are, and the others.
fn mostly(integers: &[i64]) -> Vec<u8> {
    // Of a majority, what is left over when each pair of unlike ones is struck out.
    let (mut common, mut lead) = (0, 0_usize);
    for integer in integers {
        match lead {
            0 => (common, lead) = (*integer, 1),
            _ if common == *integer => lead += 1,
            _ => lead -= 1,
        }
    }
    let mut bytes = Vec::new();
    put(folded(common), &mut bytes);
    put_others(integers, |integer| integer == common, &mut bytes);
    bytes
}

/// The bits in which most of them fit, and the others.
fn bitwise(integers: &[i64]) -> Vec<u8> {
    let frame = Frame::of(integers);
    let mut bytes = vec![frame.width];
    put(folded(frame.first), &mut bytes);
    frame.pack(integers, &mut bytes);
    put_others(integers, |integer| frame.holds(integer), &mut bytes);
    bytes
}

/// Writes those that are not usual, with their places.
fn put_others(integers: &[i64], usual: impl Fn(i64) -> bool, to: &mut Vec<u8>) {
    let others = integers.iter().filter(|integer| !usual(**integer)).count();
    put(others as u64, to);
    let mut gap = 0;
    for integer in integers {
        if usual(*integer) {
            gap += 1;
            continue;
        }
        put(gap, to);
        put(folded(*integer), to);
        gap = 0;
    }
}

/// A signed number as an unsigned one that is small where it is near to nought.
fn folded(number: i64) -> u64 {
    ((number << 1) ^ (number >> 63)).cast_unsigned()
}

fn unfolded(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

/// The largest number that divides all of these; 1 if it is none that a signed one can hold.
fn common_divisor(integers: &[i64]) -> i64 {
    let mut divisor = 0_u64;
    for integer in integers {
        let mut other = integer.unsigned_abs();
        while other != 0 {
            (divisor, other) = (other, divisor % other);
        }
        if divisor == 1 {
            break;
        }
    }
    i64::try_from(divisor).unwrap_or(1).max(1)
}
