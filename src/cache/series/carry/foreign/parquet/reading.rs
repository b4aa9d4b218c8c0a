//! Rows of prices out of a file of Parquet, by the names of its columns.
//!
//! Only the columns that are read are unpacked. One that is nested is none of ours, and refused if it
//! is called so.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read as _;

use ::parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
    RowGroupMetaData,
};
use ::parquet::schema::types::SchemaDescriptor;
use bytes::Bytes;

use super::bounds::{Budget, budget, check_foot, damaged, said};
use super::cells::{Cell, Column};
use super::kind::Kind;
use crate::cache::carry::foreign::columns::{Cells, Columns, Reading, normal, too_many};
use crate::cache::carry::foreign::{MOST_BYTES, Rows, When, senseless};
use crate::error::{Error, sanitized};
use crate::market::Interval;
use crate::tier::series::parcel::MOST_BARS;

/// What pandas calls an index that has no name.
const INDEX: [&str; 2] = ["__index_level_0__", "index"];

/// Reads a file whose bars are so long.
pub fn read(from: File, interval: Interval) -> Result<Rows, Error> {
    let mut bytes = Vec::new();
    let read = from.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| senseless(format!("it cannot be read: {error}")))?;
    rows(bytes.into(), interval)
}

/// Reads the bytes of a file.
pub(super) fn rows(file: Bytes, interval: Interval) -> Result<Rows, Error> {
    if file.len() as u64 > MOST_BYTES {
        return Err(senseless("it is too large").hint("cut it into files of a year each"));
    }
    check_foot(&file)?;
    let metadata = foot(&file)?;
    let schema = metadata.file_metadata().schema_descr();
    let names = names(schema);
    let columns = columns(schema, &names)?;
    let counts = metadata.row_groups().iter().map(|group| usize::try_from(group.num_rows()));
    let counts: Vec<usize> =
        counts.collect::<Result<_, _>>().map_err(|_| damaged("it has less than no rows"))?;
    if counts.iter().try_fold(0_usize, |all, rows| all.checked_add(*rows)) > Some(MOST_BARS) {
        return Err(too_many());
    }
    let mut all = All { file, names, places: Vec::new(), budget: budget(), row: 0 };
    all.places = columns.places(interval).collect();
    let mut reading = Reading::new(columns, interval);
    for (group, rows) in metadata.row_groups().iter().zip(counts) {
        all.group(group, rows, &mut reading)?;
    }
    Ok(reading.end())
}

/// What a file says of itself; nothing of the statistics, which are not needed.
pub(super) fn foot(file: &Bytes) -> Result<ParquetMetaData, Error> {
    let skip = ParquetStatisticsPolicy::SkipAll;
    let options = ParquetMetaDataOptions::new()
        .with_column_stats_policy(skip.clone())
        .with_size_stats_policy(skip.clone())
        .with_encoding_stats_policy(skip);
    let reader = ParquetMetaDataReader::new().with_metadata_options(Some(options));
    reader.parse_and_finish(file).map_err(|error| said(&error))
}

/// The names of the columns that are not nested; that of a nested one is empty.
fn names(schema: &SchemaDescriptor) -> Vec<String> {
    let flat = schema.columns().iter().map(|column| match column.path().parts() {
        [name] if column.max_rep_level() == 0 => name.clone(),
        _ => String::new(),
    });
    flat.collect()
}

/// The columns that are read.
fn columns(schema: &SchemaDescriptor, names: &[String]) -> Result<Columns, Error> {
    for (at, name) in names.iter().enumerate() {
        let root = schema.get_column_root(at).name();
        if name.is_empty() && !root.is_empty() && Columns::know(root.as_bytes()) {
            let root = sanitized(root);
            return Err(senseless(format!("the column `{root}` holds more than one value a row")));
        }
    }
    // What stands in front is no index because of that, as it is in a csv of pandas.
    let is_index_of_csv = |name: &str| name.is_empty() || name.eq_ignore_ascii_case("price");
    let named = names.iter().map(|name| if is_index_of_csv(name) { "-" } else { name.as_str() });
    let mut columns = Columns::named(named.map(str::as_bytes))?;
    if !columns.have_time() {
        let is_index = |at: &usize| {
            INDEX.contains(&names[*at].as_str()) && Kind::of(&schema.column(*at)).is_time()
        };
        if let Some(at) = (0..names.len()).find(is_index) {
            columns.take_times_from(at);
        }
    }
    if !columns.are_of_prices() {
        return Err(senseless("its columns do not name a date or time, and a close").hint(
            "names such as Date, Open, High, Low, Close, Volume say what is what; of what yfinance \
             downloads say multi_level_index=False",
        ));
    }
    Ok(columns)
}

impl Columns {
    /// Whether a name is that of a column which is read.
    fn know(name: &[u8]) -> bool {
        Self::default().slot(&normal(name), usize::MAX).is_some()
    }

    /// Says where the times are, when no name does.
    fn take_times_from(&mut self, place: usize) {
        self.time = Some(place);
    }

    /// The places that are read of bars of this length.
    fn places(&self, interval: Interval) -> impl Iterator<Item = usize> {
        let others = [self.adjusted, self.volume, self.dividend, self.split];
        let said = [self.symbol, self.state, self.adjust, self.time_of(interval)];
        self.prices.into_iter().chain(others).chain(said).flatten()
    }
}

/// A file that is being read.
struct All {
    file: Bytes,
    names: Vec<String>,
    places: Vec<usize>,
    budget: Budget,
    row: usize,
}

impl All {
    /// Takes the rows of a row group.
    fn group(
        &mut self,
        group: &RowGroupMetaData,
        rows: usize,
        reading: &mut Reading,
    ) -> Result<(), Error> {
        let mut columns = Vec::with_capacity(self.places.len());
        for place in &self.places {
            let chunk = group.columns().get(*place);
            let chunk = chunk.ok_or_else(|| damaged("a row group lacks a column"))?;
            let column = Column::new(chunk, &self.file, rows, &self.budget)?;
            columns.push((column, Kind::of(chunk.column_descr())));
        }
        let mut row = Read { names: &self.names, cells: Vec::with_capacity(self.places.len()) };
        for _ in 0..rows {
            self.row += 1;
            row.cells.clear();
            for ((column, kind), place) in columns.iter_mut().zip(&self.places) {
                row.cells.push((*place, *kind, column.next()?));
            }
            reading.take(&row).map_err(|mut error| {
                error.message = format!("row {}: {}", self.row, error.message);
                error
            })?;
        }
        Ok(())
    }
}

/// A row, of which the cells that are read are known by their places.
struct Read<'a> {
    names: &'a [String],
    cells: Vec<(usize, Kind, Cell)>,
}

impl Read<'_> {
    /// What a cell says, under the name of its column if it cannot be.
    fn ask<'a, T>(
        &'a self,
        place: usize,
        what: impl FnOnce(Kind, &'a Cell) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (_, kind, cell) = self
            .cells
            .iter()
            .find(|(at, ..)| *at == place)
            .ok_or_else(|| damaged("a row lacks a cell"))?;
        what(*kind, cell).map_err(|mut error| {
            let name = sanitized(&self.names[place]);
            error.message = format!("the column `{name}`: {}", error.message);
            error
        })
    }
}

impl Cells for Read<'_> {
    fn amount(&self, place: usize) -> Result<f64, Error> {
        self.ask(place, Kind::amount)
    }

    fn text(&self, place: usize) -> Result<Option<Cow<'_, str>>, Error> {
        self.ask(place, Kind::text).map(Some)
    }

    fn when(&self, place: usize, interval: Interval) -> Result<When, Error> {
        self.ask(place, |kind, cell| kind.when(cell, interval))
    }
}
