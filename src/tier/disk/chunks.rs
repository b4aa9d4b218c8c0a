//! The chunks of series: rows beside the entry whose body is the head.
//!
//! A chunk is looked for only by what the directory of a head says, and believed only if its sum, which
//! covers the name of the series, and its bars agree with that. What no directory names is dropped with
//! the next head that is stored.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params, params_from_iter};

use super::{DamagedRow, Part, rows};
use crate::codec::{self, Packing};
use crate::db::{Trouble, joined};
use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::market::Bars;
use crate::tier::series::{Chunk, ChunkRef, Head};

const TABLE: &str = "chunk";

/// Whether the entry in a row is the head of a series, as SQLite finds out: binary, not packed, and
/// beginning as heads do. Of a long value that is something else no byte is read.
pub(super) const IS_HEAD: &str = "(e.shape = 32 AND substr(e.body, 1, 4) = x'4d435331')";

/// A row as it stands there.
struct Row {
    sum: i64,
    body: Vec<u8>,
}

/// Whether an entry is the head of a series.
pub(in crate::tier) fn is_head(entry: &Entry) -> bool {
    entry.format == Format::Binary && Head::is_head(&entry.body)
}

/// How an entry is packed: a head is packed already, and read too often to be unpacked twice.
pub(super) fn packing(entry: &Entry, usual: Packing) -> Packing {
    if is_head(entry) { Packing::None } else { usual }
}

/// The chunks that an entry refers to; none if it is no head, and nothing if it is one that says
/// nothing.
pub(in crate::tier) fn directory(entry: &Entry) -> Option<Vec<ChunkRef>> {
    if is_head(entry) { Head::directory(&entry.body).ok() } else { Some(Vec::new()) }
}

/// Writes a chunk of the entry in a row.
pub(in crate::tier) fn write(
    transaction: &Transaction<'_>,
    series: i64,
    entry: &Entry,
    Chunk { at, sealed }: &Chunk,
) -> Result<(), Trouble> {
    let sum = sum(entry.key.as_str(), &entry.provider, at.id, sealed);
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO chunk (series, id, first_ms, sum, body)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![series, at.id, at.first_ms, sum, sealed])?;
    Ok(())
}

/// Drops the chunks of a row that its entry does not refer to.
pub(super) fn drop_others(
    transaction: &Transaction<'_>,
    series: i64,
    entry: &Entry,
) -> Result<(), Trouble> {
    let select = "SELECT id FROM chunk WHERE series = ?1";
    let Some(mut select) = joined::prepare_alone(transaction, TABLE, select)? else {
        return Ok(());
    };
    let there: Vec<i64> =
        select.query_map([series], |row| row.get(0))?.collect::<Result<_, _>>()?;
    if there.is_empty() {
        return Ok(());
    }
    let Some(directory) = directory(entry) else { return Ok(()) };
    let kept: HashSet<i64> = directory.iter().map(|chunk| chunk.id).collect();
    for id in there.into_iter().filter(|id| !kept.contains(id)) {
        delete(transaction, series, id)?;
    }
    Ok(())
}

/// The bars of these chunks of a series, in their order; none for one that is missing, or damaged, as
/// those behind them are.
pub(super) fn read(
    connection: &Connection,
    key: &Key,
    provider: &str,
    refs: &[ChunkRef],
) -> Result<(Vec<Option<Bars>>, Vec<DamagedRow>), Trouble> {
    let (mut found, mut damaged) = (HashMap::new(), Vec::new());
    // In one statement: between two of them somebody may put other chunks in the place of these.
    let sql = format!(
        "SELECT c.series, c.id, c.sum, c.body FROM entry e CROSS JOIN chunk c ON c.series = e.id
         WHERE e.id BETWEEN ? AND ? AND e.key = ? AND e.provider = ? AND c.id IN ({})",
        vec!["?"; refs.len()].join(",")
    );
    if let Some(mut select) = joined::prepare_alone(connection, TABLE, &sql)? {
        let first = key.first_id();
        let (first, last) = (first.into(), (first + crate::key::SLOTS - 1).into());
        let name = [key.as_str().to_owned().into(), provider.to_owned().into()];
        let bounds: Vec<rusqlite::types::Value> = [first, last]
            .into_iter()
            .chain(name)
            .chain(refs.iter().map(|at| at.id.into()))
            .collect();
        let mut rows = select.query(params_from_iter(bounds))?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(1)?;
            let body = row.get_ref(3)?.as_bytes().unwrap_or_default();
            let is_sound =
                row.get_ref(2)?.as_i64().ok() == Some(sum(key.as_str(), provider, id, body));
            let at = refs.iter().find(|at| at.id == id).filter(|_| is_sound);
            match at.map(|at| at.open(body)) {
                Some(Ok(bars)) => {
                    found.insert(id, bars);
                }
                _ => damaged.push(DamagedRow {
                    id: row.get(0)?,
                    key: key.clone(),
                    part: Part::Chunk(id),
                    body: body.to_vec(),
                }),
            }
        }
    }
    Ok((refs.iter().map(|at| found.remove(&at.id)).collect(), damaged))
}

/// The chunks that an entry refers to and that are missing or not what was stored.
pub(in crate::tier) fn bad(
    connection: &Connection,
    series: i64,
    entry: &Entry,
) -> Result<Vec<i64>, Trouble> {
    let mut bad = Vec::new();
    for at in directory(entry).unwrap_or_default() {
        let row = row(connection, series, at.id)?;
        if !row.is_some_and(|row| is_sound(entry, &at, &row)) {
            bad.push(at.id);
        }
    }
    Ok(bad)
}

/// Takes a chunk that is missing or damaged out of its series, whose head forgets its span; its bytes,
/// if there are any. Nothing of the kind if it is sound by now.
pub(in crate::tier) fn take_out(
    transaction: &Transaction<'_>,
    series: i64,
    id: i64,
) -> Result<Option<Vec<u8>>, Trouble> {
    let found = row(transaction, series, id)?;
    let Some(entry) = rows::entry(transaction, series)? else { return Ok(None) };
    let directory = directory(&entry).unwrap_or_default();
    let at = directory.iter().find(|at| at.id == id);
    if let (Some(at), Some(row)) = (at, &found)
        && is_sound(&entry, at, row)
    {
        return Ok(None);
    }
    if at.is_some() {
        forget(transaction, series, &entry, &[id])?;
    }
    if found.is_some() {
        delete(transaction, series, id)?;
    }
    Ok(found.map(|row| row.body))
}

/// Has the head in a row forget chunks.
pub(in crate::tier) fn forget(
    transaction: &Transaction<'_>,
    series: i64,
    entry: &Entry,
    ids: &[i64],
) -> Result<(), Trouble> {
    let Ok(mut head) = Head::from_body(&entry.body) else { return Ok(()) };
    for id in ids {
        head.forget(*id);
    }
    let entry = Entry { body: head.to_body().into(), ..entry.clone() };
    let sealed = codec::seal(&entry, Packing::None);
    transaction
        .prepare_cached(
            "UPDATE entry SET shape = ?2, raw_bytes = ?3, sum = ?4, body = ?5 WHERE id = ?1",
        )?
        .execute(params![
            series,
            sealed.shape,
            codec::raw_bytes(&entry),
            sealed.sum,
            sealed.body
        ])?;
    Ok(())
}

/// What the chunks of each row take, in bytes.
pub(super) fn sizes(connection: &Connection) -> Result<HashMap<i64, u64>, Trouble> {
    super::past::sizes_of(
        connection,
        TABLE,
        "SELECT series, sum(length(body)) FROM chunk GROUP BY series",
    )
}

/// The sum of a chunk as it stands in the database.
pub(in crate::tier) fn sum(key: &str, provider: &str, id: i64, sealed: &[u8]) -> i64 {
    codec::bytes_sum([key, provider], id, sealed)
}

fn is_sound(entry: &Entry, at: &ChunkRef, row: &Row) -> bool {
    sum(entry.key.as_str(), &entry.provider, at.id, &row.body) == row.sum
        && at.open(&row.body).is_ok()
}

fn row(connection: &Connection, series: i64, id: i64) -> Result<Option<Row>, Trouble> {
    let sql = "SELECT sum, body FROM chunk WHERE series = ?1 AND id = ?2";
    let Some(mut select) = joined::prepare_alone(connection, TABLE, sql)? else { return Ok(None) };
    let found = select.query_row([series, id], |row| {
        let sum = row.get_ref(0)?.as_i64().unwrap_or(0);
        Ok(Row { sum, body: row.get_ref(1)?.as_bytes().unwrap_or_default().to_vec() })
    });
    Ok(found.optional()?)
}

fn delete(transaction: &Transaction<'_>, series: i64, id: i64) -> Result<(), Trouble> {
    transaction
        .prepare_cached("DELETE FROM chunk WHERE series = ?1 AND id = ?2")?
        .execute([series, id])?;
    Ok(())
}
