//! Rows of prices as csv: found by the names of columns, or by their order in Binance's bulk files.
//!
//! It reads text and no more than [`MOST_BYTES`] of it; what names and cells mean is
//! `columns`'s.

use std::borrow::Cow;
use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::columns::{Cells, Columns, Reading, number, when};
use super::{MOST_BYTES, Rows, When, senseless};
use crate::error::{Error, sanitized};
use crate::market::Interval;

/// How many columns a bulk file of Binance has.
const BULK: usize = 12;

/// Reads csv whose bars are so long.
pub fn read(from: impl Read, interval: Interval) -> Result<Rows, Error> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(from.take(MOST_BYTES + 1));
    let mut record = ByteRecord::new();
    let mut reading: Option<Reading> = None;
    loop {
        let more = reader.read_byte_record(&mut record);
        let line = record.position().map_or(1, csv::Position::line);
        let at = |mut error: Error| {
            error.message = format!("line {line}: {}", error.message);
            error
        };
        if !more.map_err(|error| senseless(sanitized(&error.to_string())))? {
            break;
        }
        if reader.position().byte() > MOST_BYTES {
            return Err(senseless("it is too large").hint("cut it into files of a year each"));
        }
        let Some(reading) = &mut reading else {
            let (columns, is_header) = columns_of(&record).map_err(at)?;
            let begun = reading.insert(Reading::new(columns, interval));
            if !is_header {
                begun.take(&record).map_err(at)?;
            }
            continue;
        };
        if !is_second_header(&record) && !record.iter().all(<[u8]>::is_empty) {
            reading.take(&record).map_err(at)?;
        }
    }
    Ok(reading.map(Reading::end).unwrap_or_default())
}

impl Cells for ByteRecord {
    fn amount(&self, place: usize) -> Result<f64, Error> {
        self.get(place).map_or(Ok(f64::NAN), number)
    }

    fn text(&self, place: usize) -> Result<Option<Cow<'_, str>>, Error> {
        Ok(self.get(place).map(String::from_utf8_lossy))
    }

    fn when(&self, place: usize, interval: Interval) -> Result<When, Error> {
        when(self.get(place).unwrap_or_default(), interval)
    }
}

/// The columns that a first record names, or, if it is a row of a bulk file itself, those of such a
/// file; whether it names them.
fn columns_of(record: &ByteRecord) -> Result<(Columns, bool), Error> {
    let is_bulk = record.len() == BULK
        && record.iter().all(|cell| number(cell).is_ok_and(|number| !number.is_nan()));
    if is_bulk {
        return Ok((Columns::of_bulk(), false));
    }
    let columns = Columns::named(record.iter())?;
    if !columns.are_of_prices() {
        return Err(senseless("its first line does not name a date or time, and a close")
            .hint("a header such as Date,Open,High,Low,Close,Volume says what is what"));
    }
    Ok((columns, true))
}

/// Whether this is one of the further lines of names that yfinance writes.
fn is_second_header(record: &ByteRecord) -> bool {
    matches!(record.get(0), Some(b"Ticker" | b"Date" | b"Datetime"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::calendar::Date;

    fn days(text: &str) -> Result<Rows, Error> {
        read(text.as_bytes(), Interval::Day1)
    }

    #[test]
    fn the_csv_of_everybody_is_read() {
        for (who, text) in [
            ("Yahoo", "Date,Open,High,Low,Close,Adj Close,Volume\n2024-01-02,1,3,0.5,2,1.9,100\n"),
            ("Stooq", "Date,Open,High,Low,Close,Volume\r\n2024-01-02,1,3,0.5,2,100\r\n"),
            (
                "Stooq in bulk",
                "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\nA.US,D,20240102,000000,1,3,0.5,2,100\n",
            ),
            (
                "pandas",
                ",Open,High,Low,Close,Volume,Dividends,Stock Splits\n2024-01-02 00:00:00-05:00,1,3,0.5,2,100,0.0,0.0\n",
            ),
            (
                "yfinance",
                "Price,Close,High,Low,Open,Volume\nTicker,A,A,A,A,A\nDate,,,,,\n2024-01-02,2,3,0.5,1,100\n",
            ),
            (
                "mcache",
                "symbol,date,time,open,high,low,close,adjusted_close,volume,state\nA,2024-01-02,2024-01-02T14:30:00Z,1,3,0.5,2,1.9,100,final\n",
            ),
            (
                "with a mark before it",
                "\u{feff}timestamp,open,high,low,close,volume\n2024-01-02,1,3,0.5,2,100\n\n",
            ),
        ] {
            let rows = days(text).unwrap_or_else(|error| panic!("{who}: {error}"));
            assert_eq!(rows.rows.len(), 1, "{who}");
            let row = rows.rows[0];
            assert_eq!(row.when, When::Day(Date::parse("2024-01-02").unwrap()), "{who}");
            assert_eq!((row.prices, row.volume), ([1.0, 3.0, 0.5, 2.0], 100.0), "{who}");
        }
    }

    #[test]
    fn a_bulk_file_has_no_header_and_times_of_either_length() {
        let row = |time: &str| format!("{time},1,3,0.5,2,100,1704067259999,9,4,5,6,0\n");
        let text = row("1704067200000") + &row("1735689600000000") + &row("1704067260");
        let rows = read(text.as_bytes(), Interval::Minute1).unwrap().rows;
        let times: Vec<When> = rows.iter().map(|row| row.when).collect();
        let expected = [1_704_067_200_000, 1_735_689_600_000, 1_704_067_260_000].map(When::At);
        assert_eq!(times, expected);
        let futures = format!("open_time,open,high,low,close,volume,close_time,a,b,c,d,e\n{text}");
        assert_eq!(read(futures.as_bytes(), Interval::Minute1).unwrap().rows.len(), 3);
    }

    #[test]
    fn what_could_mean_something_else_is_refused() {
        let minutes = |text: &str| read(text.as_bytes(), Interval::Minute1);
        for (read, says) in [
            (
                minutes("Datetime,Close\n2024-01-02 09:30:00,1\n"),
                "line 2: `2024-01-02 09:30:00` has no offset",
            ),
            (days("Date,Open,High,Low\n"), "does not name"),
            (days("Date,Close,Close\n"), "`close` is there twice"),
            (days("Date,Close\n2024-13-02,1\n"), "neither a date nor a time"),
            (days("Date,Close\n2024-01-02,1.2.3\n"), "line 2: `1.2.3` is not a number"),
            (days("Date,Close\n2024-01-02,inf\n"), "is not a number"),
            (
                days("Symbol,Date,Close\nA,2024-01-02,1\nB,2024-01-03,1\n"),
                "line 3: it holds several",
            ),
            (days("Date,Close,adjust\n2024-01-02,1,all\n"), "adjusted for dividends"),
            (days(""), ""),
        ] {
            match read {
                Err(error) => assert!(error.message.contains(says), "{error}"),
                Ok(rows) => assert!(says.is_empty() && rows.rows.is_empty(), "{says}"),
            }
        }
    }

    #[test]
    fn rows_without_a_price_and_rows_that_may_change_are_left_out() {
        let rows = days(
            "Date,Close,state\n2024-01-02,null,final\n2024-01-03,1,live\n2024-01-04,1,final\n",
        );
        let rows = rows.unwrap();
        assert_eq!((rows.rows.len(), rows.left_out), (1, 2));
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[-0-9,.a-zA-Z:\n\" ]{0,200}") {
            for interval in [Interval::Day1, Interval::Minute1] {
                let _ = read(&bytes[..], interval);
                let _ = read(text.as_bytes(), interval);
                let headed = format!("Date,Open,High,Low,Close,Volume\n{text}");
                let _ = read(headed.as_bytes(), interval);
                let _ = when(text.as_bytes(), interval);
            }
        }
    }
}
