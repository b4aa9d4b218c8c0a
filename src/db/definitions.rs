//! Under which definition of its endpoint each entry came: a number, which the rules compare with the
//! one now in force.
//!
//! Only what is not the default has a row, so there is none as long as nobody configures a version.
//! The sum of a row covers when its entry was fetched: an older release, which knows of no versions,
//! replaces an entry and leaves the row behind.

use rusqlite::{Row, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::entry::Entry;

const TABLE: &str = "definition";

/// The number in a row, with its sum in the next column; 0 if there is none, and nothing if the sum
/// does not fit.
pub fn number(row: &Row<'_>, first: usize, entry: &Entry) -> Option<u64> {
    let column = |at: usize| row.get_ref(first + at).ok()?.as_i64_or_null().ok();
    let (Some(number), Some(sum)) = (column(0)?, column(1)?) else { return Some(0) };
    let number = number.cast_unsigned();
    (codec::definition_sum(entry, number) == sum).then_some(number)
}

/// Writes down under which definition the entry in this row came.
pub fn set(
    transaction: &Transaction<'_>,
    id: i64,
    entry: &Entry,
    number: u64,
) -> Result<(), Trouble> {
    if number == 0 {
        return forget(transaction, id);
    }
    let sql = "INSERT OR REPLACE INTO definition (id, number, sum) VALUES (?1, ?2, ?3)";
    if let Some(mut insert) = joined::prepare_alone(transaction, TABLE, sql)? {
        let sum = codec::definition_sum(entry, number);
        insert.execute(params![id, number.cast_signed(), sum])?;
    }
    Ok(())
}

/// Drops the number in a row.
pub fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    if let Some(mut delete) =
        joined::prepare_alone(transaction, TABLE, "DELETE FROM definition WHERE id = ?1")?
    {
        delete.execute([id])?;
    }
    Ok(())
}
