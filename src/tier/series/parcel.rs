//! A parcel: series as a file that is carried from one cache to another.
//!
//! # Shape
//!
//! A magic of four bytes, whose last is the version; sections; an end. A section is the length of its
//! packed bytes and their sum (XXH3), eight bytes each, lowest first, and the bytes; the end is a
//! length of zero, how many sections there were, and the sum of everything before that sum. A section
//! is packed as older versions are (`past.rs`): as it is, or by zstd where that pays. In it stand what
//! it is, its key, its provider and when it was fetched; of bars then a head without bars, and sealed
//! chunks of final ones; of a macro series its JSON.
//!
//! # Rules for changing it
//!
//! What is written is read for ever: another shape is another last byte of the magic.
//!
//! # What it refuses
//!
//! Whatever is not what was written: a parcel is read to its end, and its sums compared, before a
//! section of it is believed. No section unpacks to more than [`LARGEST`] bytes or [`MOST_BARS`] bars,
//! whatever it claims.

use std::io::{self, Read, Write};

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::bytes::{Reader, Writer};
use super::chunk::{Chunk, most_bars, open};
use super::head::Head;
use super::past;
use super::stretch::Stretch;
use crate::codec::{Damage, LARGEST};
use crate::key::Key;
use crate::time::Timestamp;

/// What every parcel begins with.
pub const MAGIC: [u8; 4] = *b"MCX1";

/// The most bars of one section: forty years of minutes.
pub const MOST_BARS: usize = 1 << 22;

const BARS: u8 = 0;
const OBSERVATIONS: u8 = 1;

/// One series of a parcel.
#[derive(Clone, Debug)]
pub struct Section {
    /// Its key.
    pub key: Key,
    /// Who gave it.
    pub provider: Box<str>,
    /// When the newest of it was fetched.
    pub fetched_at: Timestamp,
    /// What is held of it.
    pub content: Content,
}

/// What is carried of a series.
#[derive(Clone, Debug)]
pub enum Content {
    /// Final bars.
    Bars {
        /// What is known of them; it holds none itself.
        head: Box<Head>,
        /// The bars, with the basis of each.
        bars: Box<Stretch>,
    },
    /// All observations of a macro series, as JSON.
    Observations(Box<[u8]>),
}

/// Why a parcel cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The file cannot be.
    #[error("{0}")]
    File(#[from] io::Error),
    /// It is not what was written.
    #[error("it is damaged: {0}")]
    Damaged(&'static str),
}

impl Section {
    fn to_bytes(&self) -> Vec<u8> {
        let kind = match self.content {
            Content::Bars { .. } => BARS,
            Content::Observations(_) => OBSERVATIONS,
        };
        let mut writer = Writer(vec![kind]);
        writer.text(Some(self.key.as_str()));
        writer.text(Some(&self.provider));
        writer.signed(self.fetched_at.as_ms());
        match &self.content {
            Content::Observations(body) => writer.0.extend_from_slice(body),
            Content::Bars { head, bars } => {
                let mut long = |bytes: &[u8]| {
                    writer.count(bytes.len());
                    writer.0.extend_from_slice(bytes);
                };
                long(&head.to_body());
                let most = most_bars(self.key.interval().unwrap_or_default());
                for from in (0..bars.len()).step_by(most) {
                    let part = bars.slice(from..bars.len().min(from + most));
                    if let Some(chunk) = Chunk::seal(&part.bars, part.runs()) {
                        long(&chunk.sealed);
                    }
                }
            }
        }
        writer.0
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let mut reader = Reader(bytes);
        let kind = reader.byte()?;
        let key = Key::from_stored(reader.text()?.ok_or(Damage)?);
        let provider = reader.text()?.ok_or(Damage)?.into();
        let fetched_at = Timestamp::from_ms(reader.signed()?);
        let content = match kind {
            OBSERVATIONS => Content::Observations(reader.0.into()),
            BARS => {
                let head = Head::from_body(long(&mut reader)?)?;
                if !head.chunks.is_empty() || !head.recent.is_empty() || head.tail.is_some() {
                    return Err(Damage);
                }
                Content::Bars { head: Box::new(head), bars: Box::new(read_bars(reader)?) }
            }
            _ => return Err(Damage),
        };
        Ok(Self { key, provider, fetched_at, content })
    }
}

/// The bars of sealed chunks, to the end.
fn read_bars(mut reader: Reader<'_>) -> Result<Stretch, Damage> {
    let mut all = Stretch::default();
    while !reader.0.is_empty() {
        let (bars, runs) = open(long(&mut reader)?)?;
        let said = runs.iter().try_fold(0_usize, |sum, run| sum.checked_add(run.bars));
        let is_behind = bars.times.is_sorted_by(|a, b| a < b)
            && bars.times.first() > all.bars.times.last()
            && (all.bars.is_empty() || bars.days.is_empty() == all.bars.days.is_empty());
        if !is_behind || said != Some(bars.len()) || all.len() + bars.len() > MOST_BARS {
            return Err(Damage);
        }
        all.append(&Stretch::new(bars, &runs));
    }
    Ok(all)
}

fn long<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Damage> {
    let length = reader.size()?;
    let (bytes, rest) = reader.0.split_at_checked(length).ok_or(Damage)?;
    reader.0 = rest;
    Ok(bytes)
}

/// A parcel that is written.
pub struct Packer<W> {
    to: W,
    sum: Xxh3,
    sections: u64,
}

impl<W: Write> Packer<W> {
    /// Begins one.
    pub fn new(to: W) -> io::Result<Self> {
        let mut packer = Self { to, sum: Xxh3::new(), sections: 0 };
        packer.write(&MAGIC)?;
        Ok(packer)
    }

    /// Adds a series.
    pub fn add(&mut self, section: &Section) -> io::Result<()> {
        let bytes = section.to_bytes();
        if bytes.len() > LARGEST {
            let message = format!("{} is larger than a parcel can hold", section.key);
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        let packed = past::pack(&bytes);
        self.write(&(packed.len() as u64).to_le_bytes())?;
        self.write(&xxh3_64(&packed).to_le_bytes())?;
        self.write(&packed)?;
        self.sections += 1;
        Ok(())
    }

    /// Ends it.
    pub fn finish(mut self) -> io::Result<()> {
        self.write(&0_u64.to_le_bytes())?;
        self.write(&self.sections.to_le_bytes())?;
        let sum = self.sum.digest();
        self.write(&sum.to_le_bytes())?;
        self.to.flush()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.to.write_all(bytes)
    }
}

/// A parcel that is read.
pub struct Unpacker<R> {
    from: R,
    sum: Xxh3,
    sections: u64,
}

impl<R: Read> Unpacker<R> {
    /// Begins to read one.
    pub fn new(from: R) -> Result<Self, Fault> {
        let mut unpacker = Self { from, sum: Xxh3::new(), sections: 0 };
        let magic: [u8; 4] = unpacker.read()?;
        if magic == MAGIC {
            return Ok(unpacker);
        }
        let is_later = magic[..3] == MAGIC[..3];
        Err(Fault::Damaged(if is_later {
            "a later release of mcache wrote it"
        } else {
            "it does not begin as a parcel does"
        }))
    }

    /// The next series; none at the end, where all sums are as they were written.
    pub fn next_section(&mut self) -> Result<Option<Section>, Fault> {
        let length = u64::from_le_bytes(self.read()?);
        if length == 0 {
            let sections = u64::from_le_bytes(self.read()?);
            let sum = self.sum.digest();
            let is_whole = u64::from_le_bytes(self.read()?) == sum && sections == self.sections;
            if !is_whole || self.from.read(&mut [0])? != 0 {
                return Err(Fault::Damaged("its end is not what was written"));
            }
            return Ok(None);
        }
        let sum = u64::from_le_bytes(self.read()?);
        // What is claimed is believed only as far as bytes come.
        let mut packed = Vec::new();
        let most = LARGEST as u64 + 8;
        if length <= most {
            self.from.by_ref().take(length).read_to_end(&mut packed)?;
        }
        if packed.len() as u64 != length || xxh3_64(&packed) != sum {
            return Err(Fault::Damaged("a series in it does not match its checksum"));
        }
        self.sum.update(&packed);
        self.sections += 1;
        let section = past::unpack(&packed).and_then(|bytes| Section::from_bytes(&bytes));
        section.map(Some).map_err(|_| Fault::Damaged("a series in it cannot be read"))
    }

    fn read<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Damaged("it ends too early"),
            _ => Fault::File(error),
        })?;
        self.sum.update(&bytes);
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::market::{Bar, Bars, Run};

    fn section(bars: usize) -> Section {
        let mut some = Bars::default();
        for at in 0..bars {
            let day = i32::try_from(at).unwrap();
            let price = 100.0 + f64::from(day);
            some.push(Bar {
                time: i64::from(day) * 86_400_000,
                day: Some(day),
                open: price,
                high: price + 1.0,
                low: price - 1.0,
                close: price,
                volume: 1e6,
                adjusted: f64::NAN,
            });
        }
        let bars =
            Stretch::new(some, &[Run { bars: bars / 2, basis_ms: 5 }, Run { bars, basis_ms: 9 }]);
        let head = Box::new(Head { currency: Some("USD".to_owned()), ..Head::default() });
        Section {
            key: Key::from_stored("bars:stock:AAPL:1d"),
            provider: "yahoo".into(),
            fetched_at: Timestamp::from_ms(77),
            content: Content::Bars { head, bars: Box::new(bars) },
        }
    }

    fn parcel(sections: &[Section]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut packer = Packer::new(&mut bytes).unwrap();
        for section in sections {
            packer.add(section).unwrap();
        }
        packer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Section>, Fault> {
        let mut unpacker = Unpacker::new(bytes)?;
        let mut sections = Vec::new();
        while let Some(section) = unpacker.next_section()? {
            sections.push(section);
        }
        Ok(sections)
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let macro_series = Section {
            key: Key::from_stored("series:macro:GDP"),
            content: Content::Observations(b"{}".repeat(900).into()),
            ..section(0)
        };
        let sections = [section(3000), macro_series, section(0)];
        let back = read(&parcel(&sections)).unwrap();
        assert_eq!(back.len(), 3);
        for (before, after) in sections.iter().zip(&back) {
            assert_eq!(before.to_bytes(), after.to_bytes());
            if let (Content::Bars { bars: a, .. }, Content::Bars { bars: b, .. }) =
                (&before.content, &after.content)
            {
                assert_eq!((&a.bars, a.runs()), (&b.bars, b.runs()));
            }
        }
        assert!(read(&parcel(&[])).unwrap().is_empty());
    }

    #[test]
    fn a_flipped_bit_and_a_lost_byte_are_damage_wherever_they_are() {
        let bytes = parcel(&[section(40), section(3)]);
        for at in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(matches!(read(&flipped), Err(Fault::Damaged(_))), "byte {at}");
            assert!(matches!(read(&bytes[..at]), Err(Fault::Damaged(_))), "cut at {at}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(read(&longer), Err(Fault::Damaged(_))));
        let mut later = bytes;
        later[3] = b'2';
        assert!(read(&later).unwrap_err().to_string().contains("later release"));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Section::from_bytes(&bytes);
            let framed = [&MAGIC[..], &bytes].concat();
            prop_assert!(read(&framed).is_err());
            // With sums that are right it is the section itself that must hold.
            let packed = past::pack(&bytes);
            let length = (packed.len() as u64).to_le_bytes();
            let sum = xxh3_64(&packed).to_le_bytes();
            let _ = read(&[&MAGIC[..], &length, &sum, &packed].concat());
        }
    }
}
