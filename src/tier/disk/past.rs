//! What stood in place of an entry, or of a part of it, before it was corrected.
//!
//! Rows beside the entry, the newest so many of each; a sum covers the name of the entry, so a row that
//! another's entry left behind is nobody's.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{DamagedRow, Part, rows};
use crate::codec;
use crate::db::{Trouble, joined};
use crate::entry::Entry;
use crate::key::Key;
use crate::tier::series::Superseded;
use crate::tier::series::past::{pack, unpack};
use crate::time::Timestamp;

const TABLE: &str = "past";

/// Writes down what is not true any more, and drops the oldest beyond so many.
pub(super) fn store(
    transaction: &Transaction<'_>,
    series: i64,
    entry: &Entry,
    superseded: &[Superseded],
    most: usize,
) -> Result<(), Trouble> {
    if superseded.is_empty() {
        return Ok(());
    }
    for of in superseded {
        write(transaction, series, entry, of)?;
    }
    transaction
        .prepare_cached(
            "DELETE FROM past WHERE rowid IN (
                 SELECT rowid FROM past WHERE series = ?1
                 ORDER BY known_until_ms DESC, rowid DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![series, i64::try_from(most).unwrap_or(i64::MAX)])?;
    Ok(())
}

/// Writes down one version.
pub(in crate::tier) fn write(
    transaction: &Transaction<'_>,
    series: i64,
    entry: &Entry,
    of: &Superseded,
) -> Result<(), Trouble> {
    let body = pack(&of.body);
    let span = [of.known_from.as_ms(), of.known_until.as_ms()];
    let sum = sum(entry.key.as_str(), &entry.provider, span, &body);
    transaction
        .prepare_cached(
            "INSERT INTO past (series, known_from_ms, known_until_ms, body, sum)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![series, span[0], span[1], body, sum])?;
    Ok(())
}

/// Whether a version is written down beside a row already.
pub(in crate::tier) fn holds(
    transaction: &Transaction<'_>,
    series: i64,
    of: &Superseded,
) -> Result<bool, Trouble> {
    let mut find = transaction.prepare_cached(
        "SELECT 1 FROM past WHERE series = ?1 AND known_until_ms = ?2 AND known_from_ms = ?3
                                  AND body = ?4",
    )?;
    let (from, until) = (of.known_from.as_ms(), of.known_until.as_ms());
    Ok(find.exists(params![series, until, from, pack(&of.body)])?)
}

/// The versions of an entry that were known at an instant, or all of them, in the order in which they
/// ended; and those that are damaged.
pub(super) fn read(
    connection: &Connection,
    key: &Key,
    provider: &str,
    at: Option<Timestamp>,
) -> Result<(Vec<Superseded>, Vec<DamagedRow>), Trouble> {
    let (mut found, mut damaged) = (Vec::new(), Vec::new());
    let sql = "SELECT p.series, p.rowid, p.known_from_ms, p.known_until_ms, p.body, p.sum
         FROM entry e CROSS JOIN past p ON p.series = e.id
         WHERE e.id BETWEEN ?1 AND ?1 + 15 AND e.key = ?2 AND e.provider = ?3
               AND (?4 IS NULL OR (p.known_from_ms <= ?4 AND p.known_until_ms > ?4))
         ORDER BY p.known_until_ms, p.rowid";
    let Some(mut select) = joined::prepare_alone(connection, TABLE, sql)? else {
        return Ok((found, damaged));
    };
    let at = at.map(Timestamp::as_ms);
    let mut rows = select.query(params![key.first_id(), key.as_str(), provider, at])?;
    while let Some(row) = rows.next()? {
        match version(row, 2, key.as_str(), provider) {
            Some(of) => found.push(of),
            None => damaged.push(DamagedRow {
                id: row.get(0)?,
                key: key.clone(),
                part: Part::Past(row.get(1)?),
                body: row.get_ref(4)?.as_bytes().unwrap_or_default().to_vec(),
            }),
        }
    }
    Ok((found, damaged))
}

/// The rows of what stands beside an entry that are not what was stored.
pub(in crate::tier) fn bad(
    connection: &Connection,
    series: i64,
    entry: &Entry,
) -> Result<Vec<i64>, Trouble> {
    let sql = "SELECT rowid, known_from_ms, known_until_ms, body, sum FROM past WHERE series = ?1";
    let Some(mut select) = joined::prepare_alone(connection, TABLE, sql)? else {
        return Ok(Vec::new());
    };
    let mut rows = select.query([series])?;
    let mut bad = Vec::new();
    while let Some(row) = rows.next()? {
        if version(row, 1, entry.key.as_str(), &entry.provider).is_none() {
            bad.push(row.get(0)?);
        }
    }
    Ok(bad)
}

/// Drops a version that is damaged; its bytes. Nothing of the kind if it is gone or sound by now.
pub(in crate::tier) fn take_out(
    transaction: &Transaction<'_>,
    series: i64,
    row_id: i64,
) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(entry) = rows::entry(transaction, series)? else { return Ok(None) };
    let sql = "SELECT rowid, known_from_ms, known_until_ms, body, sum FROM past
               WHERE rowid = ?1 AND series = ?2";
    let Some(mut select) = joined::prepare_alone(transaction, TABLE, sql)? else {
        return Ok(None);
    };
    let damaged = select
        .query_row([row_id, series], |row| {
            let is_sound = version(row, 1, entry.key.as_str(), &entry.provider).is_some();
            let body = row.get_ref(3)?.as_bytes().unwrap_or_default().to_vec();
            Ok((!is_sound).then_some(body))
        })
        .optional()?
        .flatten();
    if damaged.is_some() {
        transaction.prepare_cached("DELETE FROM past WHERE rowid = ?1")?.execute([row_id])?;
    }
    Ok(damaged)
}

/// Drops everything that was written down beside a row.
pub(super) fn forget(transaction: &Transaction<'_>, series: i64) -> Result<(), Trouble> {
    let sql = "DELETE FROM past WHERE series = ?1";
    if let Some(mut delete) = joined::prepare_alone(transaction, TABLE, sql)? {
        delete.execute([series])?;
    }
    Ok(())
}

/// What the older versions beside each row take, in bytes.
pub(super) fn sizes(connection: &Connection) -> Result<HashMap<i64, u64>, Trouble> {
    sizes_of(connection, TABLE, "SELECT series, sum(length(body)) FROM past GROUP BY series")
}

pub(super) fn sizes_of(
    connection: &Connection,
    table: &str,
    sql: &str,
) -> Result<HashMap<i64, u64>, Trouble> {
    let Some(mut select) = joined::prepare_alone(connection, table, sql)? else {
        return Ok(HashMap::new());
    };
    let sizes = select.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs())));
    Ok(sizes?.collect::<Result<_, _>>()?)
}

/// The sum of an older version as it stands in the database.
pub(in crate::tier) fn sum(key: &str, provider: &str, span: [i64; 2], body: &[u8]) -> i64 {
    let known = codec::bytes_sum(["", ""], span[0], &span[1].to_le_bytes());
    codec::bytes_sum([key, provider], known, body)
}

/// The version in a row, from its first instant on, if it is what was stored.
fn version(row: &rusqlite::Row<'_>, first: usize, key: &str, provider: &str) -> Option<Superseded> {
    let number = |at: usize| row.get_ref(first + at).ok()?.as_i64().ok();
    let body = row.get_ref(first + 2).ok()?.as_blob().ok()?;
    let span = [number(0)?, number(1)?];
    let is_sound = sum(key, provider, span, body) == number(3)?;
    let [known_from, known_until] = span.map(Timestamp::from_ms);
    let body = unpack(body).ok().filter(|_| is_sound)?;
    Some(Superseded { known_from, known_until, body })
}
