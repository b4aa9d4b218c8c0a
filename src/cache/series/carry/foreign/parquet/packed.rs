//! How values are packed in a page: levels and places in a dictionary, and differences.
//!
//! Nothing is believed: what ends too early has no next value, and nothing is reserved.

use bytes::Bytes;

/// The most bits of a value.
const MOST_BITS: u32 = 64;

/// The most values of a block of differences.
const LARGEST_BLOCK: u64 = 1 << 20;

/// Bytes that are read from the front.
#[derive(Clone, Debug)]
pub(super) struct Front {
    bytes: Bytes,
    at: usize,
}

impl Front {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<Bytes> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len())?;
        let taken = self.bytes.slice(self.at..end);
        self.at = end;
        Some(taken)
    }

    /// The next bytes as an array.
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let taken = self.bytes.get(self.at..)?.first_chunk().copied()?;
        self.at += N;
        Some(taken)
    }

    /// What is left.
    pub(super) fn rest(self) -> Bytes {
        self.bytes.slice(self.at.min(self.bytes.len())..)
    }

    /// A number of seven bits a byte.
    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    /// A number with a sign, of seven bits a byte.
    pub(super) fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}

/// The number in so many bits, from this bit on.
fn bits(bytes: &[u8], from: usize, width: u32) -> Option<u64> {
    if width == 0 {
        return Some(0);
    }
    let skipped = from % 8;
    let needed = (skipped + usize::try_from(width).ok()?).div_ceil(8);
    let begin = from / 8;
    let window = bytes.get(begin..begin.checked_add(needed)?)?;
    let all = window.iter().rev().fold(0_u128, |all, byte| all << 8 | u128::from(*byte));
    let mask = u64::MAX >> (MOST_BITS - width.min(MOST_BITS));
    u64::try_from((all >> skipped) & u128::from(mask)).ok()
}

/// Small numbers: runs of the same, and groups of eight side by side.
#[derive(Debug)]
pub(super) struct Runs {
    front: Front,
    width: u32,
    left: u64,
    run: Run,
}

/// What is being read.
#[derive(Debug)]
enum Run {
    /// The same again and again.
    Same(u64),
    /// Side by side, from this bit on.
    Packed(Bytes, usize),
}

impl Runs {
    /// Numbers of so many bits; none if there are no such numbers.
    pub(super) fn new(bytes: Bytes, width: u32) -> Option<Self> {
        let front = Front::new(bytes);
        (width <= 32).then_some(Self { front, width, left: 0, run: Run::Same(0) })
    }

    pub(super) fn next(&mut self) -> Option<u64> {
        while self.left == 0 {
            self.begin()?;
        }
        self.left -= 1;
        match &mut self.run {
            Run::Same(value) => Some(*value),
            Run::Packed(bytes, at) => {
                let value = bits(bytes, *at, self.width)?;
                *at += self.width as usize;
                Some(value)
            }
        }
    }

    /// Begins the next run.
    fn begin(&mut self) -> Option<()> {
        let head = self.front.varint()?;
        let count = head >> 1;
        if head & 1 == 0 {
            let bytes = self.front.take(self.width.div_ceil(8) as usize)?;
            self.left = count;
            self.run = Run::Same(bits(&bytes, 0, self.width)?);
            return Some(());
        }
        self.left = count.checked_mul(8)?;
        let bytes = usize::try_from(count.checked_mul(self.width.into())?).ok()?;
        // The last group may be cut off where its numbers end.
        let there = self.front.bytes.len().saturating_sub(self.front.at);
        self.run = Run::Packed(self.front.take(bytes.min(there))?, 0);
        Some(())
    }
}

/// Whole numbers as differences from the one before, in blocks of small blocks.
#[derive(Debug)]
pub(super) struct Differences {
    front: Front,
    /// How many numbers a small block has, and how many of those a block.
    small: u64,
    per_block: usize,
    /// How wide the numbers of the small blocks still to come are.
    widths: std::vec::IntoIter<u8>,
    smallest: i64,
    /// The small block that is being read, from which bit on, and how many are left of it.
    packed: Bytes,
    at: usize,
    width: u32,
    left: u64,
    is_begun: bool,
    last: i64,
}

impl Differences {
    pub(super) fn new(bytes: Bytes) -> Option<Self> {
        let mut front = Front::new(bytes);
        let (block, per_block) = (front.varint()?, front.varint()?);
        let _count = front.varint()?;
        let last = front.zigzag()?;
        let small = block.checked_div(per_block)?;
        let is_sound =
            block <= LARGEST_BLOCK && small * per_block == block && small > 0 && small % 8 == 0;
        is_sound.then_some(Self {
            front,
            small,
            per_block: usize::try_from(per_block).ok()?,
            widths: Vec::new().into_iter(),
            smallest: 0,
            packed: Bytes::new(),
            at: 0,
            width: 0,
            left: 0,
            is_begun: false,
            last,
        })
    }

    pub(super) fn next(&mut self) -> Option<i64> {
        if !self.is_begun {
            self.is_begun = true;
            return Some(self.last);
        }
        if self.left == 0 {
            self.begin()?;
        }
        self.left -= 1;
        let more = bits(&self.packed, self.at, self.width)?.cast_signed();
        self.at += self.width as usize;
        self.last = self.last.wrapping_add(self.smallest).wrapping_add(more);
        Some(self.last)
    }

    /// Begins the next small block.
    fn begin(&mut self) -> Option<()> {
        if self.widths.len() == 0 {
            self.smallest = self.front.zigzag()?;
            self.widths = self.front.take(self.per_block)?.to_vec().into_iter();
        }
        self.width = self.widths.next()?.into();
        if self.width > MOST_BITS {
            return None;
        }
        let bytes = usize::try_from(self.small / 8 * u64::from(self.width)).ok()?;
        let there = self.front.bytes.len().saturating_sub(self.front.at);
        self.packed = self.front.take(bytes.min(there))?;
        self.at = 0;
        self.left = self.small;
        Some(())
    }
}
