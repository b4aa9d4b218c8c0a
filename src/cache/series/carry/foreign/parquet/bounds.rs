//! What a file of Parquet claims, checked before the format's library believes it.
//!
//! The library reserves what a file says that it needs, follows its schema by recursion and unpacks a
//! page whatever comes out of it. So the foot of a file and the head of each page are walked here first,
//! in the compact form of Thrift in which they are written: nothing is kept of them but sizes.

use std::io::{Read as _, copy, sink};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ::parquet::basic::Compression;
use ::parquet::errors::{ParquetError, Result as Answer};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::reader::{ChunkReader, Length};
use bytes::Bytes;
use bytes::buf::{Buf as _, Reader};
use flate2::read::MultiGzDecoder;

use super::packed::Front;
use crate::cache::carry::foreign::{MOST_BYTES, senseless};
use crate::error::{Error, sanitized};

/// The most bytes of what a file says of itself: a thousand row groups of a hundred columns.
const LARGEST_FOOT: usize = 8 << 20;

/// The most columns of a file, and groups of them.
const MOST_ELEMENTS: u64 = 10_000;

/// How deep a schema may be nested: a list of maps of lists is deep enough.
const DEEPEST: usize = 50;

/// How deep Thrift is followed.
const DEEPEST_STRUCT: usize = 20;

/// The error for what does not keep to the format.
pub(super) fn damaged(what: &str) -> Error {
    senseless(format!("it is damaged: {what}")).hint("have it written anew; nothing was taken")
}

/// What the library says of a file.
pub(super) fn said(error: &ParquetError) -> Error {
    damaged(&sanitized(&error.to_string()))
}

/// Refuses a file whose foot claims what the library could not stand.
pub(super) fn check_foot(file: &Bytes) -> Result<(), Error> {
    let Some((rest, tail)) = file.split_last_chunk::<8>() else {
        return Err(damaged("it is too short"));
    };
    let [a, b, c, d, magic @ ..] = *tail;
    if magic != super::MAGIC {
        let why = if magic == *b"PARE" { "it is encrypted" } else { "it ends too early" };
        return Err(damaged(why));
    }
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > LARGEST_FOOT {
        return Err(damaged("it says too much of itself"));
    }
    let begin = rest.len().checked_sub(length).ok_or_else(|| damaged("it ends too early"))?;
    let mut foot = Thrift(Front::new(file.slice(begin..rest.len())));
    let is_sound = foot.fields(0, &mut |foot, field| match field {
        (2, Thrift::LIST) => foot.schema().map(|()| true),
        _ => Some(false),
    });
    is_sound.ok_or_else(|| damaged("what it says of itself makes no sense"))
}

/// Refuses a column of a row group that does not lie in the file or cannot be unpacked.
pub(super) fn check_chunk(chunk: &ColumnChunkMetaData, file: &Bytes) -> Result<(), Error> {
    match chunk.compression() {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::GZIP(_)
        | Compression::ZSTD(_) => {}
        other => {
            let name = format!("{other:?}").to_lowercase();
            let name = name.split('(').next().unwrap_or_default();
            return Err(senseless(format!("it is compressed with {name}, which is not read"))
                .hint("write it with snappy, as pandas does, or zstd, as polars does"));
        }
    }
    let begin = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
    let place = |at: i64| u64::try_from(at).ok();
    let end = place(begin).zip(place(chunk.compressed_size()));
    let end = end.and_then(|(begin, length)| begin.checked_add(length));
    let is_inside = end.is_some_and(|end| end <= file.len() as u64);
    if !is_inside || chunk.file_path().is_some() {
        return Err(damaged("a column does not lie in it"));
    }
    Ok(())
}

/// What may still be unpacked of a file.
pub(super) type Budget = Arc<AtomicU64>;

/// All that may be unpacked of a file.
pub(super) fn budget() -> Budget {
    Arc::new(AtomicU64::new(MOST_BYTES))
}

/// A column of a file, whose pages are unpacked to no more than is left of the budget, whatever they
/// claim.
#[derive(Debug)]
pub(super) struct Bounded {
    file: Bytes,
    budget: Budget,
    /// What the next page comes to, and how much of that is not compressed, if it is gzip.
    gzip: Option<Mutex<Head>>,
}

impl Bounded {
    /// The pages of a column.
    pub(super) fn new(file: Bytes, chunk: &ColumnChunkMetaData, budget: Budget) -> Self {
        let is_gzip = matches!(chunk.compression(), Compression::GZIP(_));
        Self { file, budget, gzip: is_gzip.then(Mutex::default) }
    }
}

impl Length for Bounded {
    fn len(&self) -> u64 {
        self.file.len() as u64
    }
}

fn refused(why: &str) -> ParquetError {
    ParquetError::General(why.to_owned())
}

impl ChunkReader for Bounded {
    type T = Reader<Bytes>;

    /// The head of a page, from where on it is read.
    fn get_read(&self, start: u64) -> Answer<Self::T> {
        let start = usize::try_from(start).ok().filter(|start| *start <= self.file.len());
        let start = start.ok_or_else(|| refused("a page does not lie in it"))?;
        let bytes = self.file.slice(start..);
        let head = Thrift(Front::new(bytes.clone())).head();
        let head = head.ok_or_else(|| refused("the head of a page makes no sense"))?;
        let left = self.budget.load(Ordering::Relaxed).checked_sub(head.unpacked);
        self.budget.store(left.ok_or_else(|| refused(TOO_MUCH))?, Ordering::Relaxed);
        if let Some(mut next) = self.gzip.as_ref().and_then(|next| next.lock().ok()) {
            *next = head;
        }
        Ok(bytes.reader())
    }

    /// A page as it is packed.
    fn get_bytes(&self, start: u64, length: usize) -> Answer<Bytes> {
        let start = usize::try_from(start).ok();
        let end = start.and_then(|start| start.checked_add(length));
        let range = start.zip(end).filter(|(_, end)| *end <= self.file.len());
        let (start, end) = range.ok_or_else(|| refused("a page does not lie in it"))?;
        let page = self.file.slice(start..end);
        if let Some(head) = self.gzip.as_ref().and_then(|next| next.lock().ok()) {
            // The library unpacks gzip to its end, whatever the page says that it comes to.
            let levels = usize::try_from(head.levels).unwrap_or(usize::MAX);
            let packed = page.get(levels..).unwrap_or_default();
            let mut unpacked = MultiGzDecoder::new(packed).take(head.unpacked + 1);
            if copy(&mut unpacked, &mut sink()).is_ok_and(|bytes| bytes > head.unpacked) {
                return Err(refused(TOO_MUCH));
            }
        }
        Ok(page)
    }
}

/// What is said of more than is unpacked.
const TOO_MUCH: &str = "it unpacks to too much";

/// What is looked at of the head of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Head {
    /// What it comes to, in bytes.
    unpacked: u64,
    /// How many of those are not compressed.
    levels: u64,
}

/// Asked of a field by its number and kind; whether it was read, or none if it makes no sense.
type Each<'a> = &'a mut dyn FnMut(&mut Thrift, (i64, u8)) -> Option<bool>;

/// A value of Thrift in its compact form.
struct Thrift(Front);

impl Thrift {
    const INT: u8 = 5;
    const LIST: u8 = 9;
    const STRUCT: u8 = 12;

    /// Walks the fields of a struct; each is skipped unless it was read. None if it makes no sense.
    fn fields(&mut self, depth: usize, each: Each<'_>) -> Option<()> {
        let mut id = 0;
        loop {
            let [head] = self.0.array()?;
            let (step, kind) = (i64::from(head >> 4), head & 0xf);
            if kind == 0 {
                return Some(());
            }
            let next = if step == 0 { self.0.zigzag()? } else { id + step };
            // A field that is there twice could say something else the second time.
            id = Some(next).filter(|next| *next > id && *next <= i64::from(i16::MAX))?;
            if !each(self, (id, kind))? {
                self.skip(kind, depth)?;
            }
        }
    }

    /// How many elements of which kind a list has.
    fn list(&mut self) -> Option<(u64, u8)> {
        let [head] = self.0.array()?;
        let count = if head >> 4 == 15 { self.0.varint()? } else { u64::from(head >> 4) };
        Some((count, head & 0xf))
    }

    fn skip(&mut self, kind: u8, depth: usize) -> Option<()> {
        if depth > DEEPEST_STRUCT {
            return None;
        }
        match kind {
            1 | 2 => {}
            3 => self.0.take(1).map(drop)?,
            4..=6 => self.0.varint().map(drop)?,
            7 => self.0.take(8).map(drop)?,
            8 => {
                let length = usize::try_from(self.0.varint()?).ok()?;
                self.0.take(length).map(drop)?;
            }
            Self::LIST | 10 => {
                let (count, kind) = self.list()?;
                for _ in 0..count {
                    // In a list a truth is a byte, and nothing may be shorter.
                    let kind = if kind <= 2 { 3 } else { kind };
                    self.skip(kind, depth + 1)?;
                }
            }
            Self::STRUCT => self.fields(depth + 1, &mut |_, _| Some(false))?,
            _ => return None,
        }
        Some(())
    }

    /// Walks a schema: how many columns it has, and how deep they are nested.
    fn schema(&mut self) -> Option<()> {
        let (count, kind) = self.list()?;
        if count > MOST_ELEMENTS || kind != Self::STRUCT {
            return None;
        }
        // How many are still to come at each depth.
        let mut open: Vec<u64> = vec![1];
        for _ in 0..count {
            while open.last() == Some(&0) {
                open.pop();
            }
            *open.last_mut()? -= 1;
            let mut children = 0;
            self.fields(0, &mut |element, field| match field {
                (5, Self::INT) => {
                    children = u64::try_from(element.0.zigzag()?).ok()?;
                    Some(true)
                }
                _ => Some(false),
            })?;
            if children > count || open.len() > DEEPEST {
                return None;
            }
            open.push(children);
        }
        open.iter().all(|left| *left == 0).then_some(())
    }

    /// Walks the head of a page.
    fn head(&mut self) -> Option<Head> {
        let mut head = Head::default();
        self.fields(0, &mut |this, field| {
            match field {
                (2, Self::INT) => head.unpacked = u64::try_from(this.0.zigzag()?).ok()?,
                (8, Self::STRUCT) => this.fields(1, &mut |this, field| {
                    let (5 | 6, Self::INT) = field else { return Some(false) };
                    head.levels += u64::try_from(this.0.zigzag()?).ok()?;
                    Some(true)
                })?,
                _ => return Some(false),
            }
            Some(true)
        })?;
        (head.levels <= head.unpacked && head.unpacked <= MOST_BYTES).then_some(head)
    }
}
