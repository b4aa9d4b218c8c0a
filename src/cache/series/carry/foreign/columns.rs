//! Columns of prices, whoever wrote them: what their names mean, and what a row of cells comes to.
//!
//! It guesses nothing that would change a price or a time: a column that is there twice, prices that
//! are adjusted for dividends and rows of several symbols are refused.

use std::borrow::Cow;

use super::{Adjusted, Row, Rows, When, senseless};
use crate::calendar::Date;
use crate::error::{Error, sanitized};
use crate::market::Interval;
use crate::tier::series::parcel::MOST_BARS;
use crate::time::Timestamp;

/// How much of a name is looked at: no name of ours is longer.
const LONGEST_NAME: usize = 64;

/// What the cells of one row say. A place is that of a column.
pub(super) trait Cells {
    /// The number at a place; NaN where there is none.
    fn amount(&self, place: usize) -> Result<f64, Error>;

    /// The text at a place, empty where there is none; nothing where a row has no such place.
    fn text(&self, place: usize) -> Result<Option<Cow<'_, str>>, Error>;

    /// When a bar of this length begins that has this cell.
    fn when(&self, place: usize, interval: Interval) -> Result<When, Error>;
}

/// Where the columns are that are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Columns {
    pub(super) date: Option<usize>,
    pub(super) time: Option<usize>,
    pub(super) prices: [Option<usize>; 4],
    pub(super) adjusted: Option<usize>,
    pub(super) volume: Option<usize>,
    pub(super) dividend: Option<usize>,
    pub(super) split: Option<usize>,
    pub(super) symbol: Option<usize>,
    pub(super) state: Option<usize>,
    pub(super) adjust: Option<usize>,
}

impl Columns {
    /// The columns of a bulk file of Binance, which does not name them.
    pub(super) fn of_bulk() -> Self {
        let prices = [1, 2, 3, 4].map(Some);
        Self { time: Some(0), prices, volume: Some(5), ..Self::default() }
    }

    /// The columns that have these names.
    pub(super) fn named<'a>(names: impl Iterator<Item = &'a [u8]>) -> Result<Self, Error> {
        let mut columns = Self::default();
        for (place, name) in names.enumerate() {
            let name = normal(name);
            let Some(column) = columns.slot(&name, place) else { continue };
            if column.replace(place).is_some() {
                return Err(senseless(format!("the column `{name}` is there twice")));
            }
        }
        Ok(columns)
    }

    /// The column that is meant by a name at a place.
    pub(super) fn slot(&mut self, name: &str, place: usize) -> Option<&mut Option<usize>> {
        let [open, high, low, close] = &mut self.prices;
        Some(match name {
            "date" => &mut self.date,
            // pandas gives an index no name, or that of what stands in the row.
            "" | "price" if place == 0 => &mut self.time,
            "time" | "datetime" | "timestamp" | "open_time" => &mut self.time,
            "open" => open,
            "high" => high,
            "low" => low,
            "close" => close,
            "adj_close" | "adjclose" | "adjusted_close" => &mut self.adjusted,
            "volume" | "vol" => &mut self.volume,
            "dividends" | "dividend" => &mut self.dividend,
            "stock_splits" | "splits" | "split" => &mut self.split,
            "symbol" | "ticker" => &mut self.symbol,
            "state" => &mut self.state,
            "adjust" => &mut self.adjust,
            _ => return None,
        })
    }

    /// Whether they say when a bar begins.
    pub(super) fn have_time(&self) -> bool {
        self.date.or(self.time).is_some()
    }

    /// Whether they say when a bar begins and at which price it ended.
    pub(super) fn are_of_prices(&self) -> bool {
        self.have_time() && self.prices[3].is_some()
    }

    /// The column that says when a bar of this length begins: of a day the date counts.
    pub(super) fn time_of(&self, interval: Interval) -> Option<usize> {
        if interval.is_intraday() { self.time.or(self.date) } else { self.date.or(self.time) }
    }
}

/// Rows that are being read, whose bars are so long.
pub(super) struct Reading {
    columns: Columns,
    interval: Interval,
    symbol: Option<String>,
    rows: Rows,
}

impl Reading {
    /// Begins with these columns.
    pub(super) fn new(columns: Columns, interval: Interval) -> Self {
        Self { columns, interval, symbol: None, rows: Rows::default() }
    }

    /// Takes a row, unless it is not final or has no price.
    pub(super) fn take(&mut self, cells: &impl Cells) -> Result<(), Error> {
        let columns = &self.columns;
        let text = |place: Option<usize>| place.map_or(Ok(None), |place: usize| cells.text(place));
        let amount =
            |place: Option<usize>| place.map_or(Ok(f64::NAN), |place: usize| cells.amount(place));
        if columns.symbol.is_some() {
            let said = text(columns.symbol)?.unwrap_or_default();
            if *self.symbol.get_or_insert_with(|| said.clone().into_owned()) != said {
                return Err(senseless("it holds several symbols").hint("make a file of each"));
            }
        }
        if let Some(adjust) = text(columns.adjust)? {
            self.rows.adjusted = Some(match &*adjust {
                "none" => Adjusted::None,
                "splits" => Adjusted::Splits,
                _ => {
                    return Err(senseless("its prices are adjusted for dividends")
                        .hint("write it anew with --adjust splits, or none"));
                }
            });
        }
        self.rows.has_events = columns.dividend.is_some() && columns.split.is_some();
        let [open, high, low, close] = columns.prices;
        let prices = [amount(open)?, amount(high)?, amount(low)?, amount(close)?];
        let is_final = text(columns.state)?.is_none_or(|state| state == "final");
        if prices[3].is_nan() || !is_final {
            self.rows.left_out += 1;
            return Ok(());
        }
        let said = columns.time_of(self.interval);
        let when = said.map(|place| cells.when(place, self.interval)).transpose()?;
        self.rows.rows.push(Row {
            when: when.ok_or_else(|| senseless("it does not say when its bars begin"))?,
            prices,
            volume: amount(columns.volume)?,
            adjusted: amount(columns.adjusted)?,
            dividend: amount(columns.dividend)?,
            split: amount(columns.split)?,
        });
        if self.rows.rows.len() > MOST_BARS {
            return Err(too_many());
        }
        Ok(())
    }

    /// What was taken.
    pub(super) fn end(self) -> Rows {
        self.rows
    }
}

/// The error for more bars than a series may have.
pub(super) fn too_many() -> Error {
    senseless(format!("it has more than {MOST_BARS} bars"))
}

/// The name of a column without case, blanks and brackets.
pub(super) fn normal(name: &[u8]) -> String {
    let name = String::from_utf8_lossy(&name[..name.len().min(LONGEST_NAME)]);
    let name = name.trim_start_matches('\u{feff}').trim().trim_matches(['<', '>', '"']);
    name.to_lowercase().replace([' ', '-'], "_")
}

/// A number; NaN where there is none.
pub(super) fn number(cell: &[u8]) -> Result<f64, Error> {
    let text = str::from_utf8(cell).unwrap_or("?").trim();
    match text.to_ascii_lowercase().as_str() {
        "" | "null" | "nan" | "none" | "-" | "n/a" => return Ok(f64::NAN),
        _ => {}
    }
    let wrong = || senseless(format!("`{}` is not a number", sanitized(text)));
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(wrong)
}

/// When a bar begins: a date, RFC 3339 with a blank for the T if need be, or a time since 1970.
pub(super) fn when(cell: &[u8], interval: Interval) -> Result<When, Error> {
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
