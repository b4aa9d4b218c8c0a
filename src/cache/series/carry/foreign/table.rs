//! Rows of prices as csv: found by the names of columns, or by their order in Binance's bulk files.
//!
//! It reads text and guesses nothing that would change a price or a time: an instant without an offset,
//! a column that is there twice or prices that are adjusted for dividends are refused.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};

use super::{Adjusted, MOST_BYTES, Row, Rows, When, senseless};
use crate::calendar::Date;
use crate::error::{Error, sanitized};
use crate::market::Interval;
use crate::tier::series::parcel::MOST_BARS;
use crate::time::Timestamp;

/// How many columns a bulk file of Binance has, and which are read.
const BULK: usize = 12;

/// How much of a row is kept: no row of prices is longer.
const LONGEST_CELL: usize = 64;

/// Where the columns are that are read.
#[derive(Clone, Copy, Debug, Default)]
struct Columns {
    date: Option<usize>,
    time: Option<usize>,
    prices: [Option<usize>; 4],
    adjusted: Option<usize>,
    volume: Option<usize>,
    dividend: Option<usize>,
    split: Option<usize>,
    symbol: Option<usize>,
    state: Option<usize>,
    adjust: Option<usize>,
}

/// Reads csv whose bars are so long.
pub fn read(from: impl Read, interval: Interval) -> Result<Rows, Error> {
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(from.take(MOST_BYTES + 1));
    let mut record = ByteRecord::new();
    let mut columns: Option<Columns> = None;
    let (mut rows, mut symbol) = (Rows::default(), None);
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
        let Some(columns) = &columns else {
            let found = Columns::of(&record).map_err(at)?;
            let is_header = found.1;
            columns = Some(found.0);
            if !is_header {
                take(&mut rows, &found.0, &record, interval).map_err(at)?;
            }
            continue;
        };
        if is_second_header(&record) {
            continue;
        }
        if let Some(said) = columns.symbol.map(|place| record.get(place).unwrap_or_default()) {
            let first = symbol.get_or_insert_with(|| said.to_vec());
            if first != said {
                return Err(at(senseless("it holds several symbols").hint("make a file of each")));
            }
        }
        take(&mut rows, columns, &record, interval).map_err(at)?;
        if rows.rows.len() > MOST_BARS {
            return Err(senseless(format!("it has more than {MOST_BARS} bars")));
        }
    }
    Ok(rows)
}

impl Columns {
    /// The columns that a first record names, or, if it is a row of a bulk file itself, those of such
    /// a file; whether it names them.
    fn of(record: &ByteRecord) -> Result<(Self, bool), Error> {
        let is_bulk = record.len() == BULK
            && record.iter().all(|cell| number(cell).is_ok_and(|number| !number.is_nan()));
        if is_bulk {
            let prices = [1, 2, 3, 4].map(Some);
            let bulk = Self { time: Some(0), prices, volume: Some(5), ..Self::default() };
            return Ok((bulk, false));
        }
        let mut columns = Self::default();
        for (place, name) in record.iter().enumerate() {
            let name = normal(name);
            let [open, high, low, close] = &mut columns.prices;
            let column = match name.as_str() {
                "date" => &mut columns.date,
                // pandas gives an index no name, or that of what stands in the row.
                "" | "price" if place == 0 => &mut columns.time,
                "time" | "datetime" | "timestamp" | "open_time" => &mut columns.time,
                "open" => open,
                "high" => high,
                "low" => low,
                "close" => close,
                "adj_close" | "adjclose" | "adjusted_close" => &mut columns.adjusted,
                "volume" | "vol" => &mut columns.volume,
                "dividends" | "dividend" => &mut columns.dividend,
                "stock_splits" | "splits" | "split" => &mut columns.split,
                "symbol" | "ticker" => &mut columns.symbol,
                "state" => &mut columns.state,
                "adjust" => &mut columns.adjust,
                _ => continue,
            };
            if column.replace(place).is_some() {
                return Err(senseless(format!("the column `{name}` is there twice")));
            }
        }
        if columns.date.or(columns.time).is_none() || columns.prices[3].is_none() {
            return Err(senseless("its first line does not name a date or time, and a close")
                .hint("a header such as Date,Open,High,Low,Close,Volume says what is what"));
        }
        Ok((columns, true))
    }
}

/// Whether this is one of the further lines of names that yfinance writes.
fn is_second_header(record: &ByteRecord) -> bool {
    matches!(record.get(0), Some(b"Ticker" | b"Date" | b"Datetime"))
}

/// The name of a column without case, blanks and brackets.
fn normal(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_CELL)]);
    let name = name.trim_start_matches('\u{feff}').trim().trim_matches(['<', '>', '"']);
    name.to_lowercase().replace([' ', '-'], "_")
}

/// Takes a row, unless it is not final or has no price.
fn take(
    rows: &mut Rows,
    columns: &Columns,
    record: &ByteRecord,
    interval: Interval,
) -> Result<(), Error> {
    let cell = |place: Option<usize>| place.and_then(|place| record.get(place));
    let amount = |place| cell(place).map_or(Ok(f64::NAN), number);
    if record.iter().all(<[u8]>::is_empty) {
        return Ok(());
    }
    if let Some(adjust) = cell(columns.adjust) {
        rows.adjusted = Some(match adjust {
            b"none" => Adjusted::None,
            b"splits" => Adjusted::Splits,
            _ => {
                return Err(senseless("its prices are adjusted for dividends")
                    .hint("write it anew with --adjust splits, or none"));
            }
        });
    }
    rows.has_events = columns.dividend.is_some() && columns.split.is_some();
    let [open, high, low, close] = columns.prices;
    let prices = [amount(open)?, amount(high)?, amount(low)?, amount(close)?];
    let is_final = cell(columns.state).is_none_or(|state| state == b"final");
    if prices[3].is_nan() || !is_final {
        rows.left_out += 1;
        return Ok(());
    }
    let said = if interval.is_intraday() {
        columns.time.or(columns.date)
    } else {
        columns.date.or(columns.time)
    };
    rows.rows.push(Row {
        when: when(cell(said).unwrap_or_default(), interval)?,
        prices,
        volume: amount(columns.volume)?,
        adjusted: amount(columns.adjusted)?,
        dividend: amount(columns.dividend)?,
        split: amount(columns.split)?,
    });
    Ok(())
}

/// A number; NaN where there is none.
fn number(cell: &[u8]) -> Result<f64, Error> {
    let text = str::from_utf8(cell).unwrap_or("?").trim();
    match text.to_ascii_lowercase().as_str() {
        "" | "null" | "nan" | "none" | "-" | "n/a" => return Ok(f64::NAN),
        _ => {}
    }
    let wrong = || senseless(format!("`{}` is not a number", sanitized(text)));
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(wrong)
}

/// When a bar begins: a date, RFC 3339 with a blank for the T if need be, or a time since 1970.
fn when(cell: &[u8], interval: Interval) -> Result<When, Error> {
    let text = str::from_utf8(cell).unwrap_or("?").trim();
    let wrong = |why: &str| senseless(format!("`{}` {why}", sanitized(text)));
    if !text.is_empty() && text.len() < 20 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return match (text.len(), text.parse::<i64>()) {
            (8, Ok(_)) => {
                let date = format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..]);
                Date::parse(&date).map(When::Day).ok_or_else(|| wrong("is no date"))
            }
            (_, Ok(since)) => Ok(When::At(milliseconds(since))),
            (_, Err(_)) => Err(wrong("is no time")),
        };
    }
    // Of a day the date counts, as the exchange has written it.
    let date = text.get(..10).and_then(Date::parse);
    if let Some(date) = date.filter(|_| !interval.is_intraday() || text.len() == 10) {
        return Ok(When::Day(date));
    }
    let instant = text.replacen(' ', "T", 1);
    match Timestamp::parse(&instant) {
        Ok(at) => Ok(When::At(at.as_ms())),
        Err(_) if date.is_some() => Err(wrong("has no offset from UTC").hint(
            "write 2026-07-01T09:30:00-04:00, or seconds or milliseconds since 1970; pandas writes \
             an offset for an index that has a time zone",
        )),
        Err(_) => Err(wrong("is neither a date nor a time")),
    }
}

/// Milliseconds of what may be seconds, milliseconds, or thousandths or millionths of those: no
/// market was open when one could be taken for the other.
fn milliseconds(since: i64) -> i64 {
    match since.checked_ilog10().unwrap_or(0) {
        ..=10 => since * 1000,
        11..=13 => since,
        14..=16 => since / 1000,
        _ => since / 1_000_000,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
