//! A column of a row group, cell by cell, out of its pages.
//!
//! Pages are unpacked one at a time, and a cell is taken out of one when it is asked for. No page may
//! hold more cells than its row group has rows.

use std::sync::Arc;

use ::parquet::basic::{Encoding, Type};
use ::parquet::column::page::{Page, PageReader as _};
use ::parquet::file::metadata::ColumnChunkMetaData;
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;

use super::bounds::{Bounded, Budget, Held, check_chunk, damaged, said};
use super::packed::{Differences, Front, Runs};
use crate::cache::carry::foreign::senseless;
use crate::error::Error;

/// The day on which time began, counted as Julius Scaliger did.
const JULIAN_EPOCH: i64 = 2_440_588;

/// The most values of a dictionary: writers give up on one that is larger.
const LARGEST_DICTIONARY: u32 = 1 << 20;

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell {
    /// Nothing.
    Null,
    /// A whole number; of an INT96, milliseconds since 1970.
    Whole(i64),
    /// A number.
    Real(f64),
    /// Bytes: a text, or a decimal.
    Bytes(Bytes),
}

/// A column that is being read.
pub(super) struct Column {
    pages: SerializedPageReader<Bounded>,
    physical: Type,
    /// The bytes of a value, where all have as many and the type does not say how many.
    width: usize,
    is_optional: bool,
    dictionary: Option<Dictionary>,
    budget: Budget,
    levels: Option<Runs>,
    values: Values,
    /// How many cells are left of the page, and how many of the row group are not in it.
    in_page: usize,
    behind: usize,
}

/// The values that pages name by their places, and what of the budget they take.
struct Dictionary {
    cells: Vec<Cell>,
    _held: Held,
}

/// The values of a page.
enum Values {
    /// One behind another.
    Plain(Front),
    /// Places in the dictionary.
    Dictionary(Runs),
    /// Differences.
    Differences(Differences),
    /// The first bytes of all, then the second ones; how many values, and which is next.
    Split(Bytes, usize, usize),
}

impl Column {
    /// A column of a row group that has so many rows.
    pub(super) fn new(
        chunk: &ColumnChunkMetaData,
        file: &Bytes,
        rows: usize,
        budget: &Budget,
    ) -> Result<Self, Error> {
        check_chunk(chunk, file)?;
        let source = Arc::new(Bounded::new(file.clone(), chunk, Arc::clone(budget)));
        let described = chunk.column_descr();
        let pages = SerializedPageReader::new(source, chunk, rows, None);
        Ok(Self {
            pages: pages.map_err(|error| said(&error))?,
            physical: described.physical_type(),
            width: usize::try_from(described.type_length()).unwrap_or(0),
            is_optional: described.max_def_level() > 0,
            dictionary: None,
            budget: Arc::clone(budget),
            levels: None,
            values: Values::Plain(Front::new(Bytes::new())),
            in_page: 0,
            behind: rows,
        })
    }

    /// The next cell.
    pub(super) fn next(&mut self) -> Result<Cell, Error> {
        while self.in_page == 0 {
            let page = self.pages.get_next_page().map_err(|error| said(&error))?;
            let page = page.ok_or_else(|| damaged("a column ends before its rows do"))?;
            self.open(page)?;
        }
        self.in_page -= 1;
        let short = || damaged("a page ends before its values do");
        if let Some(levels) = &mut self.levels
            && levels.next().ok_or_else(short)? == 0
        {
            return Ok(Cell::Null);
        }
        self.value().ok_or_else(short)
    }

    /// Opens a page.
    fn open(&mut self, page: Page) -> Result<(), Error> {
        let short = || damaged("a page ends before its values do");
        let (cells, encoding, values) = match page {
            Page::DictionaryPage { buf, num_values, .. } => {
                if num_values > LARGEST_DICTIONARY {
                    return Err(damaged("a dictionary is too large"));
                }
                // What it says that it holds is reserved, and no value is shorter than a byte.
                let count = num_values as usize;
                if count > buf.len() {
                    return Err(short());
                }
                self.dictionary = None;
                let held = Held::of::<Cell>(count, &self.budget)?;
                let mut cells = Vec::with_capacity(count);
                let mut front = Front::new(buf);
                for _ in 0..count {
                    cells.push(plain(&mut front, self.physical, self.width).ok_or_else(short)?);
                }
                self.dictionary = Some(Dictionary { cells, _held: held });
                return Ok(());
            }
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let mut front = Front::new(buf);
                if self.is_optional {
                    if def_level_encoding != Encoding::RLE {
                        return Err(packed_oddly(def_level_encoding));
                    }
                    let length = front.array().map(u32::from_le_bytes).ok_or_else(short)?;
                    let levels = front.take(length as usize).ok_or_else(short)?;
                    self.levels = Runs::new(levels, 1);
                }
                (num_values, encoding, front.rest())
            }
            Page::DataPageV2 {
                buf,
                num_values,
                encoding,
                def_levels_byte_len,
                rep_levels_byte_len,
                ..
            } => {
                let mut front = Front::new(buf);
                front.take(rep_levels_byte_len as usize).ok_or_else(short)?;
                let levels = front.take(def_levels_byte_len as usize).ok_or_else(short)?;
                if self.is_optional {
                    self.levels = Runs::new(levels, 1);
                }
                (num_values, encoding, front.rest())
            }
        };
        self.in_page = cells as usize;
        let behind = self.behind.checked_sub(self.in_page);
        self.behind = behind.ok_or_else(|| damaged("a column has more rows than it says"))?;
        if self.in_page > 0 {
            self.values = self.values_of(encoding, values)?;
        }
        Ok(())
    }

    /// How the values of a page are read.
    fn values_of(&self, encoding: Encoding, bytes: Bytes) -> Result<Values, Error> {
        let is_whole = matches!(self.physical, Type::INT32 | Type::INT64);
        let values = match encoding {
            Encoding::PLAIN => Some(Values::Plain(Front::new(bytes))),
            _ if self.is_dictionary(encoding) => {
                let mut front = Front::new(bytes);
                // A page in which nothing has a value may end before the width of its places.
                let [width] = front.array().unwrap_or_default();
                Runs::new(front.rest(), width.into()).map(Values::Dictionary)
            }
            Encoding::DELTA_BINARY_PACKED if is_whole => {
                Differences::new(bytes).map(Values::Differences)
            }
            Encoding::BYTE_STREAM_SPLIT => {
                let count = bytes.len().checked_div(self.width());
                count.map(|count| Values::Split(bytes, count, 0))
            }
            other => return Err(packed_oddly(other)),
        };
        values.ok_or_else(|| damaged("the values of a page make no sense"))
    }

    /// Whether these are places in a dictionary that there is; older writers name them otherwise.
    fn is_dictionary(&self, encoding: Encoding) -> bool {
        self.dictionary.is_some()
            && matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
    }

    /// How many bytes a value has; none if they differ.
    fn width(&self) -> usize {
        match self.physical {
            Type::INT32 | Type::FLOAT => 4,
            Type::INT64 | Type::DOUBLE => 8,
            Type::FIXED_LEN_BYTE_ARRAY => self.width,
            Type::INT96 | Type::BOOLEAN | Type::BYTE_ARRAY => 0,
        }
    }

    fn value(&mut self) -> Option<Cell> {
        let (width, physical) = (self.width(), self.physical);
        match &mut self.values {
            Values::Plain(front) => plain(front, physical, width),
            Values::Dictionary(places) => {
                let place = usize::try_from(places.next()?).ok()?;
                self.dictionary.as_ref()?.cells.get(place).cloned()
            }
            Values::Differences(differences) => {
                let value = differences.next()?;
                let is_short = physical == Type::INT32;
                // Those of 32 bits run over at 32 bits.
                Some(Cell::Whole(if is_short { short(value) } else { value }))
            }
            Values::Split(bytes, count, at) => {
                let place = Some(*at).filter(|at| at < count)?;
                *at += 1;
                let value: Option<Vec<u8>> =
                    (0..width).map(|byte| bytes.get(byte * *count + place).copied()).collect();
                plain(&mut Front::new(value?.into()), physical, width)
            }
        }
    }
}

/// The lower 32 bits of a number, with their sign.
fn short(value: i64) -> i64 {
    let [a, b, c, d, ..] = value.to_le_bytes();
    i32::from_le_bytes([a, b, c, d]).into()
}

/// The next of values that stand one behind another.
fn plain(front: &mut Front, physical: Type, width: usize) -> Option<Cell> {
    Some(match physical {
        Type::INT32 => Cell::Whole(i32::from_le_bytes(front.array()?).into()),
        Type::INT64 => Cell::Whole(i64::from_le_bytes(front.array()?)),
        Type::FLOAT => Cell::Real(f32::from_le_bytes(front.array()?).into()),
        Type::DOUBLE => Cell::Real(f64::from_le_bytes(front.array()?)),
        Type::INT96 => {
            let nanos = u64::from_le_bytes(front.array()?);
            let day = i64::from(u32::from_le_bytes(front.array()?)) - JULIAN_EPOCH;
            Cell::Whole(day * 86_400_000 + i64::try_from(nanos / 1_000_000).ok()?)
        }
        Type::BYTE_ARRAY => {
            let length = u32::from_le_bytes(front.array()?);
            Cell::Bytes(front.take(usize::try_from(length).ok()?)?)
        }
        // Without a width nothing would be taken, and no page would end.
        Type::FIXED_LEN_BYTE_ARRAY if width > 0 => Cell::Bytes(front.take(width)?),
        Type::FIXED_LEN_BYTE_ARRAY | Type::BOOLEAN => return None,
    })
}

/// The error for what few writers write.
fn packed_oddly(encoding: Encoding) -> Error {
    senseless(format!("a column has the encoding {encoding}, which is not read"))
        .hint("write it as pandas and polars do unless they are told otherwise, or as csv")
}
