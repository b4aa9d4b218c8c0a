//! Days as a user states them: what the shipped calendars do not know, or know wrongly.
//!
//! A CSV with the columns `exchange,session,open,close,break_start,break_end`, times in the
//! exchange's own clock. It is read here from text; whose file it is, is the configuration's
//! business.

use super::table::Hours;
use super::{Date, Exchange};
use crate::error::{Usage, sanitized};

const COLUMNS: [&str; 6] = ["exchange", "session", "open", "close", "break_start", "break_end"];

/// What an exchange does on one day, whatever its table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Override {
    pub(super) exchange: Exchange,
    pub(super) date: Date,
    /// None if it is closed all day.
    pub(super) hours: Option<Hours>,
}

impl Override {
    /// Reads the text of a file of such days; of one day stated twice, the later line holds.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, Usage> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(
            // A spreadsheet begins a file with a mark that nobody sees.
            text.trim_start_matches('\u{feff}').as_bytes(),
        );
        let form = || format!("the first line is {}", COLUMNS.join(","));
        let headers = reader.headers().map_err(|error| Usage::new(error.to_string()))?;
        if headers.iter().ne(COLUMNS) {
            return Err(Usage::new("line 1: these are not the columns of days").hint(form()));
        }
        let mut days = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| Usage::new(error.to_string()))?;
            let line = record.position().map_or(0, csv::Position::line);
            let fields: Vec<&str> = record.iter().collect();
            let day = Self::parse(&fields).map_err(|usage| usage.at(format!("line {line}")))?;
            days.push(day);
        }
        Ok(days)
    }

    fn parse(fields: &[&str]) -> Result<Self, Usage> {
        let [exchange, date, open, close, break_start, break_end] = fields else {
            return Err(Usage::new(format!("{} columns instead of six", fields.len()))
                .hint(format!("the columns are {}", COLUMNS.join(","))));
        };
        let exchange = Exchange::parse(exchange)?;
        if exchange.table().is_none() {
            return Err(Usage::new(format!("`{exchange}` has no days of its own"))
                .hint("only exchanges with sessions do"));
        }
        let Some(day) = Date::parse(date) else {
            return Err(
                Usage::new(format!("`{}` is not a date", sanitized(date))).hint("write 2026-07-01")
            );
        };
        let times = [time(open)?, time(close)?, time(break_start)?, time(break_end)?];
        let hours = match times {
            [None, None, None, None] => None,
            [Some(open), Some(close), None, None] if open < close => {
                Some(Hours { open, close, rest: None })
            }
            [Some(open), Some(close), Some(from), Some(to)]
                if open < from && from < to && to < close =>
            {
                Some(Hours { open, close, rest: Some((from, to)) })
            }
            _ => {
                return Err(Usage::new("these are not the hours of a session").hint(
                    "open, break_start, break_end and close follow each other; \
                     leave the break empty if there is none, and all four if it is closed",
                ));
            }
        };
        Ok(Self { exchange, date: day, hours })
    }
}

/// The minutes since midnight of `09:30`; none of nothing.
fn time(text: &str) -> Result<Option<u16>, Usage> {
    if text.is_empty() {
        return Ok(None);
    }
    let minutes = text.split_once(':').and_then(|(hour, minute)| {
        let number = |text: &str| {
            let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| text.parse::<u16>().ok()).flatten()
        };
        let (hour, minute) = (number(hour)?, number(minute)?);
        (minute < 60 && hour * 60 + minute <= 1440).then_some(hour * 60 + minute)
    });
    match minutes {
        Some(minutes) => Ok(Some(minutes)),
        None => Err(Usage::new(format!("`{}` is not a time of day", sanitized(text)))
            .hint("write 09:30, in the exchange's own time")),
    }
}
