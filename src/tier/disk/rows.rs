//! What stands in the rows of entries, and beside them: the statements that read it, and what it comes
//! to.
//!
//! A row is trusted only if its key text and its sum agree. A column of the wrong type is damage like
//! any other; what stands beside an entry and does not fit is as if there were none.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::{DamagedRow, Part};
use crate::codec::{self, Row};
use crate::db::markets::{self, Markets};
use crate::db::paces::{self, Learning};
use crate::db::{Trouble, courses, definitions, marks};
use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::policy::Known;
use crate::tier::{Shelf, Stored};
use crate::time::Timestamp;

/// Texts are asked for as bytes: of a text SQLite makes a copy that ends with a zero.
///
/// One statement for the entries, the definitions that they came under, what their providers have come
/// to and what is known of the market of their symbol: the first read of a process is a glance that is
/// good for one, and each further one costs as much again.
const FIND: &str = "SELECT e.id, CAST(e.key AS BLOB), CAST(e.provider AS BLOB),
            e.fetched_at_ms, e.own_ttl_ms, e.shape, e.raw_bytes, e.sum, e.body,
            s.minimal_until_ms, s.conservative_until_ms, s.aggressive_until_ms, s.sum,
            d.number, d.sum,
            m.exchange, m.volatility_ppm, m.high_from_ms, m.high_until_ms, m.high_permille,
            m.high_days, m.sum,
            k.expired_at_ms, CAST(k.why AS BLOB), k.sum
     FROM entry e LEFT JOIN strategy s ON s.provider = e.provider
                  LEFT JOIN definition d ON d.id = e.id
                  LEFT JOIN market m ON m.symbol = ?2
                  LEFT JOIN mark k ON k.id = e.id
     WHERE e.id BETWEEN ?1 AND ?1 + 15";

/// What the rules must know of an entry, but for its market: see [`bodiless`].
const NAMED: &str = "SELECT e.key, e.provider, e.fetched_at_ms, e.own_ttl_ms, e.shape,
            s.minimal_until_ms, s.conservative_until_ms, s.aggressive_until_ms, s.sum,
            d.number, d.sum, k.expired_at_ms, k.why, k.sum
     FROM entry e LEFT JOIN strategy s ON s.provider = e.provider
                  LEFT JOIN definition d ON d.id = e.id
                  LEFT JOIN mark k ON k.id = e.id
     WHERE e.id = ?1";

/// The same of every entry, with what `keys` shows beside it.
pub(super) const LIST: &str = "SELECT e.key, e.provider, e.fetched_at_ms, e.own_ttl_ms, e.shape,
            s.minimal_until_ms, s.conservative_until_ms, s.aggressive_until_ms, s.sum,
            d.number, d.sum, k.expired_at_ms, k.why, k.sum, length(e.body), u.hits, e.id
     FROM entry e LEFT JOIN usage u ON u.id = e.id
                  LEFT JOIN strategy s ON s.provider = e.provider
                  LEFT JOIN definition d ON d.id = e.id
                  LEFT JOIN mark k ON k.id = e.id
     WHERE ?1 IS NULL OR e.id IN (SELECT id FROM tag WHERE tag = ?1)";

/// What stands under a key.
pub(super) struct Found {
    pub(super) shelf: Option<Shelf>,
    pub(super) damaged: Vec<DamagedRow>,
    /// Whether something was met beside an entry whose sum does not fit, and that is as if there were
    /// none.
    pub(super) is_unsure: bool,
}

/// What stands under a key, looked up in one statement.
pub(super) fn find(
    connection: &Connection,
    key: &Key,
    learning: Learning,
) -> Result<Found, Trouble> {
    let mut find = paces::prepare(connection, FIND, learning)?;
    let subject = key.subject();
    let mut rows = find.query(params![key.first_id(), subject])?;
    let mut found: Vec<Stored> = Vec::new();
    let mut damaged = Vec::new();
    let mut is_unsure = false;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        match opened(row, key) {
            Ok(Some(entry)) => {
                let course = courses::course(row, 9, &entry.provider);
                let definition = definitions::number(row, 13, &entry);
                let market = markets::market(row, 15, subject);
                let expired = marks::expired(row, 22, entry.key.as_str(), &entry.provider);
                let pace = paces::pace(row, &entry, learning);
                is_unsure |= course.is_none() || definition.is_none() || market.is_none();
                is_unsure |= expired.is_none() || pace.is_none();
                let known = Known {
                    course: course.unwrap_or_default(),
                    definition: definition.unwrap_or_default(),
                    market: market.unwrap_or_default(),
                    expired: expired.unwrap_or_default(),
                    pace: pace.unwrap_or_default(),
                    read_at: None,
                };
                found.push(Stored { entry: Arc::new(entry), row: id, known });
            }
            Ok(None) => {}
            Err(codec::Damage) => {
                let body = row.get_ref(8)?.as_bytes().unwrap_or_default().to_vec();
                damaged.push(DamagedRow { id, key: key.clone(), part: Part::Entry, body });
            }
        }
    }
    Ok(Found { shelf: (!found.is_empty()).then(|| found.into()), damaged, is_unsure })
}

/// The entry in a row of [`FIND`]; none if another key has the same hash.
fn opened(row: &rusqlite::Row<'_>, wanted: &Key) -> Result<Option<Entry>, codec::Damage> {
    sound(row).map(|entry| (entry.key == *wanted).then_some(entry))
}

/// The entry in a row with the columns of [`FIND`].
///
/// A column of the wrong type is damage like any other.
pub(in crate::tier) fn sound(row: &rusqlite::Row<'_>) -> Result<Entry, codec::Damage> {
    let text = |column| str::from_utf8(row.get_ref(column).ok()?.as_blob().ok()?).ok();
    let number = |column| row.get_ref(column).ok()?.as_i64().ok();
    let sealed = || {
        Some(Row {
            key: text(1)?,
            provider: text(2)?,
            fetched_at_ms: number(3)?,
            own_ttl_ms: row.get_ref(4).ok()?.as_i64_or_null().ok()?,
            shape: number(5)?,
            raw_bytes: number(6)?,
            sum: number(7)?,
            body: row.get_ref(8).ok()?.as_blob().ok()?,
        })
    };
    codec::open(&sealed().ok_or(codec::Damage)?)
}

/// The entry in a row, if it is sound.
pub(in crate::tier) fn entry(connection: &Connection, id: i64) -> Result<Option<Entry>, Trouble> {
    let mut select = connection.prepare_cached(
        "SELECT id, CAST(key AS BLOB), CAST(provider AS BLOB), fetched_at_ms, own_ttl_ms, shape,
                raw_bytes, sum, body
         FROM entry WHERE id = ?1",
    )?;
    Ok(select.query_row([id], |row| Ok(sound(row).ok())).optional()?.flatten())
}

/// An entry without its value, and what is known of it.
pub(super) fn named(
    transaction: &Transaction<'_>,
    id: i64,
    learning: Learning,
) -> Result<Option<(Entry, Known)>, Trouble> {
    let mut select = paces::prepare(transaction, NAMED, learning)?;
    let found = select.query_row([id], |row| bodiless(row, learning)).optional()?;
    let Some((entry, mut known)) = found.flatten() else { return Ok(None) };
    known.market = Markets::of(transaction)?.market(&entry.key)?;
    Ok(Some((entry, known)))
}

/// What the rules must know of an entry: all but its value, and what is known beside it but for its
/// market, which is looked up by its key. None if a column holds what was never written into it.
pub(super) fn bodiless(
    row: &rusqlite::Row<'_>,
    learning: Learning,
) -> rusqlite::Result<Option<(Entry, Known)>> {
    let read = || -> rusqlite::Result<(Entry, Known)> {
        let own_ttl: Option<i64> = row.get(3)?;
        let entry = Entry {
            key: Key::from_stored(row.get_ref(0)?.as_str()?),
            provider: row.get_ref(1)?.as_str()?.into(),
            fetched_at: Timestamp::from_ms(row.get(2)?),
            own_ttl: own_ttl.map(|ms| Duration::from_millis(ms.unsigned_abs())),
            format: codec::format_of(row.get::<_, i64>(4)? >> 4).unwrap_or(Format::Binary),
            body: Box::default(),
        };
        let course = courses::course(row, 5, &entry.provider).unwrap_or_default();
        let definition = definitions::number(row, 9, &entry).unwrap_or_default();
        let expired = marks::expired(row, 11, entry.key.as_str(), &entry.provider);
        let expired = expired.unwrap_or_default();
        let pace = paces::pace(row, &entry, learning).unwrap_or_default();
        Ok((entry, Known { course, definition, expired, pace, ..Known::default() }))
    };
    match read() {
        Err(error) if error.sqlite_error_code().is_none() => Ok(None),
        read => read.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::codec::Packing;
    use crate::db::{Database, joined};
    use crate::tier::Tier as _;
    use crate::tier::disk::Disk;

    #[test]
    fn a_look_up_is_planned_once_however_often_it_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        disk.put(&mut []).unwrap();
        let key = Key::from_stored("quote:stock:AAPL");
        for _ in 0..3 {
            disk.get(&key).unwrap();
        }
        let planned = disk.database().read(|connection| {
            let found = joined::prepare(connection, FIND)?;
            Ok(found.get_status(StatementStatus::RePrepare))
        });
        assert_eq!(planned.unwrap(), 0);
    }
}
