//! What a file of Parquet claims, checked before the format's library believes it.
//!
//! The library reserves what a file says that it needs, follows its schema by recursion and unpacks a
//! page whatever comes out of it. So the foot of a file and the head of each page are walked here first:
//! nothing is kept of them but sizes, and what they come to is taken off a budget.

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

use super::thrift::{Head, Thrift};
use crate::cache::carry::foreign::{MOST_BYTES, senseless};
use crate::error::{Error, sanitized};

/// The most bytes of what a file says of itself: a thousand row groups of a hundred columns.
const LARGEST_FOOT: usize = 8 << 20;

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
    let foot = Thrift::new(file.slice(begin..rest.len()));
    foot.foot().ok_or_else(|| damaged("what it says of itself makes no sense"))
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

/// Takes bytes off a budget; none if it has not as many.
fn take(budget: &Budget, bytes: u64) -> Option<()> {
    let left = budget.load(Ordering::Relaxed).checked_sub(bytes)?;
    budget.store(left, Ordering::Relaxed);
    Some(())
}

/// Bytes that are held for a while: the budget has them back afterwards.
#[derive(Debug)]
pub(super) struct Held {
    budget: Budget,
    bytes: u64,
}

impl Held {
    /// So many values that are as large as these.
    pub(super) fn of<T>(values: usize, budget: &Budget) -> Result<Self, Error> {
        let bytes = values.checked_mul(size_of::<T>()).and_then(|bytes| u64::try_from(bytes).ok());
        let taken = bytes.filter(|bytes| take(budget, *bytes).is_some());
        let bytes = taken.ok_or_else(|| damaged(TOO_MUCH))?;
        Ok(Self { budget: Arc::clone(budget), bytes })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.fetch_add(self.bytes, Ordering::Relaxed);
    }
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
        let head = Thrift::new(bytes.clone()).head();
        let head = head.ok_or_else(|| refused("the head of a page makes no sense"))?;
        take(&self.budget, head.unpacked).ok_or_else(|| refused(TOO_MUCH))?;
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
