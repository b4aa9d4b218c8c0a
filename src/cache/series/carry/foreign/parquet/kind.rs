//! What a column is, and what its cells say as numbers, texts and times.
//!
//! It guesses nothing that would change a price or a time: an instant that does not say in which zone
//! it is counts as a date, and of minutes and hours it is refused.

use std::borrow::Cow;

use ::parquet::basic::{ConvertedType, LogicalType, TimeUnit, Type};
use ::parquet::schema::types::ColumnDescriptor;

use super::cells::Cell;
use crate::cache::carry::foreign::columns::{number, when};
use crate::cache::carry::foreign::{When, senseless};
use crate::calendar::Date;
use crate::error::{Error, sanitized};
use crate::market::Interval;

/// A day, in milliseconds.
const DAY: i64 = 86_400_000;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers as they stand in memory.
    Number,
    /// Whole numbers without a sign, of so many bits.
    Unsigned(u32),
    /// Decimal numbers with so many places.
    Decimal(i32),
    /// Dates.
    Date,
    /// Instants, of which so many make a millisecond.
    Instant(i64),
    /// Times on a wall, nobody says where, of which so many make a millisecond.
    Wall(i64),
    /// Texts.
    Text,
    /// Something that is never a price or a time.
    Other,
}

impl Kind {
    /// What a column holds by what its file says of it.
    pub(super) fn of(column: &ColumnDescriptor) -> Self {
        let physical = column.physical_type();
        match (physical, column.logical_type_ref()) {
            (Type::BOOLEAN, _) => Self::Other,
            // Whoever writes those does not say whether they are UTC.
            (Type::INT96, _) => Self::Wall(1),
            (_, Some(LogicalType::Decimal(decimal))) => Self::Decimal(decimal.scale),
            (Type::INT32, Some(LogicalType::Date)) => Self::Date,
            (Type::INT64, Some(LogicalType::Timestamp(time))) => {
                let per_ms = match time.unit {
                    TimeUnit::MILLIS => 1,
                    TimeUnit::MICROS => 1_000,
                    TimeUnit::NANOS => 1_000_000,
                };
                if time.is_adjusted_to_u_t_c { Self::Instant(per_ms) } else { Self::Wall(per_ms) }
            }
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(int))) if !int.is_signed => {
                Self::Unsigned(if physical == Type::INT32 { 32 } else { 64 })
            }
            (Type::INT32 | Type::INT64, Some(LogicalType::Integer(_) | LogicalType::Unknown)) => {
                Self::Number
            }
            (Type::BYTE_ARRAY, Some(LogicalType::String | LogicalType::Enum)) => Self::Text,
            (_, Some(_)) => Self::Other,
            (_, None) => Self::of_older(column, physical),
        }
    }

    /// What a column holds by what older files say.
    fn of_older(column: &ColumnDescriptor, physical: Type) -> Self {
        match (column.converted_type(), physical) {
            (ConvertedType::DECIMAL, _) => Self::Decimal(column.type_scale()),
            (ConvertedType::DATE, Type::INT32) => Self::Date,
            (ConvertedType::TIMESTAMP_MILLIS, Type::INT64) => Self::Instant(1),
            (ConvertedType::TIMESTAMP_MICROS, Type::INT64) => Self::Instant(1_000),
            (
                ConvertedType::UINT_8 | ConvertedType::UINT_16 | ConvertedType::UINT_32,
                Type::INT32,
            ) => Self::Unsigned(32),
            (ConvertedType::UINT_64, Type::INT64) => Self::Unsigned(64),
            (ConvertedType::TIME_MILLIS | ConvertedType::TIME_MICROS, _) => Self::Other,
            (_, Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE) => Self::Number,
            (ConvertedType::NONE | ConvertedType::UTF8 | ConvertedType::ENUM, Type::BYTE_ARRAY) => {
                Self::Text
            }
            _ => Self::Other,
        }
    }

    /// Whether it may say when, and is no mere count.
    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::Instant(_) | Self::Wall(_) | Self::Text)
    }

    /// The number in a cell; NaN where there is none.
    pub(super) fn amount(self, cell: &Cell) -> Result<f64, Error> {
        let number = match (self, cell) {
            (_, Cell::Null) => return Ok(f64::NAN),
            (Self::Number, Cell::Real(value)) => *value,
            (Self::Number, Cell::Whole(value)) => near(i128::from(*value)),
            (Self::Unsigned(bits), Cell::Whole(value)) => {
                let wrap = if *value < 0 { 1_i128 << bits } else { 0 };
                near(i128::from(*value) + wrap)
            }
            (Self::Decimal(places), Cell::Whole(value)) => decimal(i128::from(*value), places)?,
            (Self::Decimal(places), Cell::Bytes(bytes)) => decimal(unscaled(bytes)?, places)?,
            (Self::Text, Cell::Bytes(bytes)) => return number(bytes),
            _ => return Err(senseless("it holds no numbers")),
        };
        if number.is_infinite() {
            return Err(senseless("`inf` is not a number"));
        }
        Ok(number)
    }

    /// The text in a cell, empty where there is none.
    pub(super) fn text(self, cell: &Cell) -> Result<Cow<'_, str>, Error> {
        match (self, cell) {
            (_, Cell::Null) => Ok(Cow::Borrowed("")),
            (Self::Text, Cell::Bytes(bytes)) => Ok(String::from_utf8_lossy(bytes)),
            _ => Err(senseless("it holds no texts")),
        }
    }

    /// When a bar of this length begins that has this cell.
    pub(super) fn when(self, cell: &Cell, interval: Interval) -> Result<When, Error> {
        match (self, cell) {
            (_, Cell::Null) => Err(senseless("it says no time")),
            (Self::Number, Cell::Whole(value)) => when(value.to_string().as_bytes(), interval),
            (Self::Unsigned(64), Cell::Whole(value)) => {
                when(value.cast_unsigned().to_string().as_bytes(), interval)
            }
            (Self::Text, Cell::Bytes(bytes)) => when(bytes, interval),
            (Self::Date, Cell::Whole(days)) => day(*days),
            (Self::Instant(per_ms), Cell::Whole(time)) => {
                let at = time.div_euclid(per_ms);
                // A day that begins at midnight UTC is a date that was made a time: nowhere does a
                // session begin then that belongs to another date.
                if !interval.is_intraday() && at.rem_euclid(DAY) == 0 {
                    return day(at / DAY);
                }
                let is_time = day(at.div_euclid(DAY)).is_ok();
                is_time.then_some(When::At(at)).ok_or_else(|| no_date(at))
            }
            (Self::Wall(per_ms), Cell::Whole(time)) => {
                if interval.is_intraday() {
                    return Err(senseless("it does not say from which zone its times are").hint(
                        "give them one: in pandas `df.index.tz_localize(\"America/New_York\")`, or \
                         `\"UTC\"` if that is what they are",
                    ));
                }
                day(time.div_euclid(per_ms).div_euclid(DAY))
            }
            _ => Err(senseless("it holds no times")),
        }
    }
}

/// A date by its days since 1970.
fn day(days: i64) -> Result<When, Error> {
    let is_one = (Date::MIN.days()..=Date::MAX.days()).contains(&days);
    is_one.then(|| When::Day(Date::from_days(days))).ok_or_else(|| no_date(days))
}

fn no_date(number: i64) -> Error {
    senseless(format!("{number} since 1970 is no time at which prices were made"))
}

/// A whole number as prices are held.
#[expect(clippy::cast_precision_loss, reason = "what is traded stays far below 2^53")]
fn near(value: i128) -> f64 {
    value as f64
}

/// A decimal number, to the last bit as it would be read from a text.
fn decimal(unscaled: i128, places: i32) -> Result<f64, Error> {
    let text = format!("{unscaled}e{}", -i64::from(places));
    text.parse().map_err(|_| senseless(format!("`{}` is not a number", sanitized(&text))))
}

/// The digits of a decimal number, the first of its bytes first.
fn unscaled(bytes: &[u8]) -> Result<i128, Error> {
    let [first, ..] = bytes else { return Ok(0) };
    let mut all = [if *first < 0x80 { 0 } else { 0xff }; 16];
    let begin = all.len().checked_sub(bytes.len());
    let begin = begin.ok_or_else(|| senseless("its decimal numbers have more than 38 digits"))?;
    all[begin..].copy_from_slice(bytes);
    Ok(i128::from_be_bytes(all))
}
