//! The marks of what events have expired: one row each, read with the entry that it is of.
//!
//! What a mark means is [`policy`](crate::policy)'s. A row whose sum does not fit is as if there were
//! none: at worst an entry lives for as long as it would have without the event.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::entry::Entry;
use crate::policy::{Cause, Expired};
use crate::time::Timestamp;

const TABLE: &str = "mark";

/// The mark in a row, its instant, its word and its sum from this column on; none of it if there is
/// none, and nothing if the sum does not fit.
pub fn expired(row: &Row<'_>, first: usize, key: &str, provider: &str) -> Option<Option<Expired>> {
    let number = |at: usize| row.get_ref(first + at).ok()?.as_i64_or_null().ok();
    let why = row.get_ref(first + 1).ok()?.as_bytes_or_null().ok()?;
    let (Some(at), Some(why), Some(sum)) = (number(0)?, why, number(2)?) else {
        return Some(None);
    };
    let why = Cause::from_stored(str::from_utf8(why).ok()?)?;
    let expired = Expired { at: Timestamp::from_ms(at), why };
    (codec::mark_sum(key, provider, &expired) == sum).then_some(Some(expired))
}

/// Marks the entry in a row, in place of any mark before.
pub fn mark(
    transaction: &Transaction<'_>,
    id: i64,
    key: &str,
    provider: &str,
    expired: &Expired,
) -> Result<(), Trouble> {
    let sql = "INSERT OR REPLACE INTO mark (id, expired_at_ms, why, sum) VALUES (?1, ?2, ?3, ?4)";
    if let Some(mut insert) = joined::prepare_alone(transaction, TABLE, sql)? {
        let sum = codec::mark_sum(key, provider, expired);
        insert.execute(params![id, expired.at.as_ms(), expired.why.as_str(), sum])?;
    }
    Ok(())
}

/// The mark of the entry in a row, if there is one and its sum fits.
pub fn of(
    connection: &Connection,
    id: i64,
    key: &str,
    provider: &str,
) -> Result<Option<Expired>, Trouble> {
    let sql = "SELECT expired_at_ms, why, sum FROM mark WHERE id = ?1";
    let Some(mut find) = joined::prepare_alone(connection, TABLE, sql)? else { return Ok(None) };
    let found = find.query_row([id], |row| Ok(expired(row, 0, key, provider))).optional()?;
    Ok(found.flatten().flatten())
}

/// Takes the mark off a row, unless it holds for the entry that now stands there; that mark. One that
/// was there when the entry was asked for (`asked_after`) does not; one from later than `now`, where
/// that is known, was made under another clock and holds for nothing new.
pub fn settle(
    transaction: &Transaction<'_>,
    id: i64,
    entry: &Entry,
    asked_after: Option<&Expired>,
    now: Option<Timestamp>,
) -> Result<Option<Expired>, Trouble> {
    let mark = of(transaction, id, entry.key.as_str(), &entry.provider)?;
    let is_sensible = |expired: &Expired| now.is_none_or(|now| !expired.is_after(now));
    let is_news = |expired: &Expired| asked_after != Some(expired) && expired.outlives(entry);
    let kept = mark.filter(|expired| is_news(expired) && is_sensible(expired));
    if kept.is_none() {
        forget(transaction, id)?;
    }
    Ok(kept)
}

/// Takes the mark off a row.
pub fn forget(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    let sql = "DELETE FROM mark WHERE id = ?1";
    if let Some(mut delete) = joined::prepare_alone(transaction, TABLE, sql)? {
        delete.execute([id])?;
    }
    Ok(())
}
