//! The validators of values: by what upstream may say that one is still the same.
//!
//! They are read when upstream is about to be asked and never on a hit. A row whose sum does not fit
//! the value that it stands beside is as if there were none: that costs a body, and a value that is
//! confirmed by another's validators would be a wrong answer.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::entry::Entry;
use crate::provider::Validators;

const TABLE: &str = "validator";

/// The validators of this entry in this row; none if there are none for this very value.
pub fn of(connection: &Connection, id: i64, entry: &Entry) -> Result<Option<Validators>, Trouble> {
    let sql = "SELECT etag, last_modified, request, sum FROM validator WHERE id = ?1";
    let Some(mut find) = joined::prepare_alone(connection, TABLE, sql)? else { return Ok(None) };
    let found = find.query_row([id], |row| {
        // A column of the wrong type is one whose sum does not fit.
        let text = |at| Some(row.get_ref(at).ok()?.as_str_or_null().ok()?.map(Into::into));
        let number = |at| row.get_ref(at).ok()?.as_i64().ok();
        let read = || {
            let validators =
                Validators { etag: text(0)?, last_modified: text(1)?, request: number(2)? };
            (codec::validators_sum(entry, &validators) == number(3)?).then_some(validators)
        };
        Ok(read())
    });
    Ok(found.optional()?.flatten())
}

/// Writes down what came with the value in this row, in place of what did with the one before.
pub fn set(
    transaction: &Transaction<'_>,
    id: i64,
    entry: &Entry,
    validators: Option<&Validators>,
) -> Result<(), Trouble> {
    let Some(validators) = validators else { return forget(transaction, id) };
    let sql = "INSERT OR REPLACE INTO validator (id, etag, last_modified, request, sum)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    if let Some(mut insert) = joined::prepare_alone(transaction, TABLE, sql)? {
        let sum = codec::validators_sum(entry, validators);
        let Validators { etag, last_modified, request } = validators;
        insert.execute(params![id, etag, last_modified, request, sum])?;
    }
    Ok(())
}

/// Drops the validators in a row.
pub fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    if let Some(mut delete) =
        joined::prepare_alone(transaction, TABLE, "DELETE FROM validator WHERE id = ?1")?
    {
        delete.execute([id])?;
    }
    Ok(())
}
