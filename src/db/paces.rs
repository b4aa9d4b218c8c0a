//! The paces of entries: how often each value changes, read with the entry that it is of.
//!
//! What a pace means, and what it comes to, is [`policy::adaptive`](crate::policy::adaptive)'s. Only
//! who learns reads and writes them: nobody else pays for the table. A row whose sum does not fit, or
//! that was another entry's in the same place, is as if there were none, and so is a table that is not
//! there.

use rusqlite::{CachedStatement, Connection, Row, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::entry::Entry;
use crate::policy::Looks;

const TABLE: &str = "pace";

/// Where the columns of a pace are put into a statement over entries: behind all others.
const ENTRIES: &str = "FROM entry e";

/// What is put there.
const WITH_PACES: &str = ", p.looks AS pace_looks, p.changes AS pace_changes,
    p.elapsed_ms AS pace_elapsed_ms, p.sum AS pace_sum FROM entry e LEFT JOIN pace p ON p.id = e.id";

/// Whether somebody learns how often values change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learning {
    /// Nobody: paces are neither read nor written.
    Off,
    /// Whoever opened the tier.
    On,
}

/// Prepares a statement over entries, with their paces for who learns, if there are any.
pub fn prepare<'c>(
    connection: &'c Connection,
    sql: &str,
    learning: Learning,
) -> Result<CachedStatement<'c>, Trouble> {
    if learning == Learning::On {
        match joined::prepare(connection, &sql.replacen(ENTRIES, WITH_PACES, 1)) {
            Err(_) if !joined::is_there(connection, TABLE)? => {}
            prepared => return prepared,
        }
    }
    joined::prepare(connection, sql)
}

/// The pace of the entry in a row; the default if there is none or nobody learns, and nothing if its
/// sum does not fit.
pub fn pace(row: &Row<'_>, entry: &Entry, learning: Learning) -> Option<Looks> {
    if learning == Learning::Off {
        return Some(Looks::default());
    }
    let number = |name: &str| row.get_ref(name).ok()?.as_i64_or_null().ok()?;
    let Some(sum) = number("pace_sum") else { return Some(Looks::default()) };
    let small = |name| number(name).and_then(|number| u32::try_from(number).ok());
    let pace = Looks {
        looks: small("pace_looks")?,
        changes: small("pace_changes")?,
        elapsed_ms: u64::try_from(number("pace_elapsed_ms")?).ok()?,
    };
    (codec::pace_sum(entry.key.as_str(), &entry.provider, pace) == sum).then_some(pace)
}

/// Writes the pace of an entry, if anything is known of it.
pub fn write(
    transaction: &Transaction<'_>,
    id: i64,
    entry: &Entry,
    pace: Looks,
) -> Result<(), Trouble> {
    if pace == Looks::default() {
        return Ok(());
    }
    let sql = "INSERT OR REPLACE INTO pace (id, looks, changes, elapsed_ms, sum)
         VALUES (?1, ?2, ?3, ?4, ?5)";
    if let Some(mut insert) = joined::prepare_alone(transaction, TABLE, sql)? {
        insert.execute(params![
            id,
            pace.looks,
            pace.changes,
            i64::try_from(pace.elapsed_ms).unwrap_or(i64::MAX),
            codec::pace_sum(entry.key.as_str(), &entry.provider, pace),
        ])?;
    }
    Ok(())
}

/// Drops the pace of an entry that is dropped.
pub fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    let sql = "DELETE FROM pace WHERE id = ?1";
    if let Some(mut delete) = joined::prepare_alone(transaction, TABLE, sql)? {
        delete.execute([id])?;
    }
    Ok(())
}
