//! Parquet: a row group a symbol, for bars only, and never to a terminal.
//!
//! Columns are written as they lie in memory, without Arrow; what is missing is null.

use std::io::{self, Write};
use std::sync::Arc;

use ::parquet::basic::Compression;
use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type, Int64Type};
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::WriterProperties;
use ::parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use ::parquet::schema::parser::parse_message_type;

use super::fields::{Field, Fields, Layout};
use super::{Printer, Shown};
use crate::cache::Question;
use crate::cache::record::bars::{Cell, said};
use crate::cli::ui::Style;
use crate::error::Usage;
use crate::market::BarSeries;

/// One file.
pub(super) struct Groups {
    cells: Vec<Cell>,
    /// What is written into memory, and from there on to the output after each row group.
    file: SerializedFileWriter<Vec<u8>>,
}

impl Groups {
    pub(super) fn new(
        questions: &[Question],
        fields: &Fields,
        style: Style,
    ) -> Result<Self, Usage> {
        let layout = Layout::of_bars();
        if let Some(other) = questions.iter().map(Layout::of).find(|other| *other != layout) {
            let message = format!("only bars can be written as parquet, and no {}", other.plural);
            return Err(Usage::new(message).hint("choose them with -t bars, or use -f csv"));
        }
        if style.width.is_some() {
            return Err(Usage::new("a terminal cannot show parquet")
                .hint("write it to a file with -o FILE, or into a pipe"));
        }
        let columns = fields.columns(layout);
        let refused = |error: ParquetError| Usage::new(format!("no parquet file: {error}"));
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_created_by(concat!("mcache ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let schema = parse_message_type(&schema(&columns)).map_err(refused)?;
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(properties));
        let cells = columns.iter().map(|field| Cell::of(field.name)).collect();
        Ok(Self { cells, file: file.map_err(refused)? })
    }

    fn group(&mut self, series: &BarSeries) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for cell in &self.cells {
            if let Some(mut column) = group.next_column()? {
                write(*cell, series, &mut column)?;
                column.close()?;
            }
        }
        group.close()?;
        Ok(())
    }

    /// Hands on what was written into memory.
    fn hand_on(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.file.flush()?;
        out.write_all(self.file.inner())?;
        self.file.inner_mut().clear();
        Ok(())
    }
}

impl Printer for Groups {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        let served = shown.answer.outcome.as_ref().ok();
        let series = served.and_then(|served| served.bars.as_deref());
        if let Some(series) = series.filter(|series| !series.bars.is_empty()) {
            self.group(series).map_err(io::Error::other)?;
            self.hand_on(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.file.finish().map_err(io::Error::other)?;
        self.hand_on(out)
    }
}

/// The columns in the language of Parquet.
fn schema(columns: &[&'static Field]) -> String {
    let of = |field: &&'static Field| {
        let kind = match Cell::of(field.name) {
            Cell::Time => "required int64 time (TIMESTAMP(MILLIS,true))".to_owned(),
            Cell::Date => "optional int32 date (DATE)".to_owned(),
            Cell::State => "required binary state (STRING)".to_owned(),
            Cell::Said(_) => format!("optional binary {} (STRING)", field.name),
            _ => format!("optional double {}", field.name),
        };
        format!("{kind};")
    };
    format!("message bars {{{}}}", columns.iter().map(of).collect::<String>())
}

/// Writes a column of a row group.
fn write(
    cell: Cell,
    series: &BarSeries,
    column: &mut SerializedColumnWriter<'_>,
) -> Result<(), ParquetError> {
    let bars = series.bars.len();
    match cell {
        Cell::Time => {
            column.typed::<Int64Type>().write_batch(&series.bars.times, None, None)?;
        }
        Cell::Date => {
            let days = &series.bars.days;
            let there = vec![i16::from(!days.is_empty()); bars];
            column.typed::<Int32Type>().write_batch(days, Some(&there), None)?;
        }
        Cell::State => {
            let states: Vec<ByteArray> =
                (0..bars).map(|at| series.state(at).as_str().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&states, None, None)?;
        }
        Cell::Said(place) => {
            let text = said(series)[place];
            let texts: Vec<ByteArray> =
                text.iter().flat_map(|text| vec![ByteArray::from(*text); bars]).collect();
            let there = vec![i16::from(text.is_some()); bars];
            column.typed::<ByteArrayType>().write_batch(&texts, Some(&there), None)?;
        }
        of_numbers => {
            let number = |at| of_numbers.number(series, at).filter(|value| value.is_finite());
            let values: Vec<f64> = (0..bars).filter_map(number).collect();
            let there: Vec<i16> = (0..bars).map(|at| i16::from(number(at).is_some())).collect();
            column.typed::<DoubleType>().write_batch(&values, Some(&there), None)?;
        }
    }
    Ok(())
}
