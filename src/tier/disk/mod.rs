//! The disk tier: entries in the database, with their tags and what eviction must know of them.
//!
//! It keeps bytes, and beside the entries the chunks of series and older versions, and refuses damaged
//! ones; whether an entry is fresh or may be dropped is decided
//! above. The rows of one key are neighbours (see [`Key::first_id`]), so one look-up finds the
//! entries of all providers; a row is trusted only if its key text and its sum agree.

pub(super) mod chunks;
pub(super) mod past;
mod room;
mod rows;

pub(super) use rows::{entry as entry_in, sound};

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::{OptionalExtension as _, Transaction, params};
use serde::Serialize;

use super::expire::Expiry;
use super::series::{ChunkRef, MOST_PAST, Superseded};
use super::{Incoming, Name, Shelf, Stored, Tier};
use crate::codec::{self, Packing};
use crate::db::courses::{self, Turn};
use crate::db::hits::{self, Hit};
use crate::db::markets::{self, Markets};
use crate::db::paces::{self, Learning};
use crate::db::tally::Tally;
use crate::db::{Database, Trouble, definitions, marks, validators};
use crate::entry::Entry;
use crate::key::{Key, Pattern, SLOTS};
use crate::market::Bars;
use crate::policy::market::Sighting;
use crate::policy::{Cause, Course, Expired, Known, Market};
use crate::provider::Validators;
use crate::time::Timestamp;
use rows::{Found, LIST, bodiless, find};

/// A row whose sum does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedRow {
    /// The row of the entry.
    pub id: i64,
    /// The key that was looked up.
    pub key: Key,
    /// What of it is damaged.
    pub part: Part,
    /// The bytes of that as they stand there.
    pub body: Vec<u8>,
}

/// A part of what is stored under one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The entry itself.
    Entry,
    /// The chunk with this number.
    Chunk(i64),
    /// The older version in this row.
    Past(i64),
}

/// An entry as `keys` lists it: all but the value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The entry with an empty body.
    pub entry: Entry,
    /// What is known of it.
    pub known: Known,
    /// What it takes, in bytes: key, provider and packed value, chunks and older versions.
    pub size_bytes: u64,
    /// How often it answered.
    pub hits: u64,
}

/// The entries in the database of one cache folder.
#[derive(Debug)]
pub struct Disk {
    database: Database,
    packing: Packing,
    /// Whether the paces of entries are read and written.
    learning: Learning,
    most_past: usize,
    damaged: Mutex<Vec<DamagedRow>>,
}

impl Disk {
    /// The tier over this database.
    pub fn new(database: Database, packing: Packing) -> Self {
        let (learning, most_past) = (Learning::Off, MOST_PAST);
        Self { database, packing, learning, most_past, damaged: Mutex::default() }
    }

    /// The same tier, of somebody who learns how often values change, or does not.
    #[must_use]
    pub fn learning(self, learning: Learning) -> Self {
        Self { learning, ..self }
    }

    /// The same tier, which keeps at most so many older versions of each entry.
    #[must_use]
    pub fn keeping_past(self, most_past: usize) -> Self {
        Self { most_past, ..self }
    }

    /// A tier that keeps entries as this one does, over another database.
    #[must_use]
    pub fn over(&self, database: Database) -> Self {
        let over = Self::new(database, self.packing).learning(self.learning);
        over.keeping_past(self.most_past)
    }

    /// The database under it.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Stores entries and counts, turns courses, enters what quotes say of their markets, and folds
    /// the hit log: in one transaction. What is stored learns its row, its market and, if that was
    /// turned, the course of its provider.
    pub fn commit(
        &self,
        entries: &mut [Incoming],
        tally: &Tally,
        turns: &[Turn<'_>],
    ) -> Result<(), Trouble> {
        self.commit_expiring(entries, tally, turns, None).map(drop)
    }

    /// The same, and marks what that expires; what it was.
    pub fn commit_expiring(
        &self,
        entries: &mut [Incoming],
        tally: &Tally,
        turns: &[Turn<'_>],
        expiry: Option<&Expiry<'_>>,
    ) -> Result<Vec<Name>, Trouble> {
        let (rows, courses, expired) = self.database.write(|transaction| {
            hits::fold(transaction, self.database.folder())?;
            tally.write(transaction)?;
            let courses = turns
                .iter()
                .map(|turn| courses::turn(transaction, turn))
                .collect::<Result<Vec<_>, _>>()?;
            let now = expiry.map(|expiry| expiry.at);
            let mut events = Vec::new();
            for incoming in &*entries {
                if let Some(expiry) = expiry {
                    events.extend(expiry.events(transaction, incoming)?);
                }
            }
            let rows = entries
                .iter()
                .map(|incoming| {
                    let see = |says| markets::see(transaction, &incoming.stored.entry, says);
                    let market = incoming.sighting.as_ref().map(see).transpose()?;
                    let (id, mark) = self.insert(transaction, incoming, now)?;
                    Ok((id, mark, market))
                })
                .collect::<Result<Vec<_>, Trouble>>()?;
            let stored: HashSet<i64> = rows.iter().map(|(id, ..)| *id).collect();
            let expired = match expiry.filter(|_| !events.is_empty()) {
                Some(expiry) => expiry.expire(transaction, &events, &stored)?,
                None => Vec::new(),
            };
            Ok((rows, courses, expired))
        })?;
        for (incoming, (row, mark, market)) in entries.iter_mut().zip(rows) {
            let stored = &mut incoming.stored;
            (stored.row, stored.known.expired) = (row, mark);
            stored.known.market = market.unwrap_or(stored.known.market);
            let mut turned = turns.iter().zip(&courses).rev();
            if let Some((_, course)) = turned.find(|(t, _)| *t.provider == *stored.entry.provider) {
                stored.known.course = *course;
            }
        }
        Ok(expired)
    }

    /// The course of a provider; the default if nothing is known of it.
    pub fn course(&self, provider: &str) -> Result<Course, Trouble> {
        self.database.read(|connection| courses::of(connection, provider))
    }

    /// What is known of the market of a quote once that is stored.
    pub fn foreseen(&self, quote: &Entry, sighting: &Sighting) -> Result<Market, Trouble> {
        self.database.read(|connection| markets::foreseen(connection, quote, sighting))
    }

    /// What is known of the market of what a key is about; the default if nothing is.
    pub fn market(&self, key: &Key) -> Result<Market, Trouble> {
        self.database.read(|connection| Markets::of(connection)?.market(key))
    }

    /// The courses that are written down, by provider.
    pub fn courses(&self) -> Result<Vec<(Box<str>, Course)>, Trouble> {
        self.database.read(courses::all)
    }

    /// The validators of an entry in its row; none if none came with this very value.
    pub fn validators(&self, row: i64, entry: &Entry) -> Result<Option<Validators>, Trouble> {
        self.database.read(|connection| validators::of(connection, row, entry))
    }

    /// Counts hits in the log; folds and renews it once it is large.
    pub fn count(&self, hits: &[Hit]) {
        if hits::append(self.database.folder(), hits) {
            // Counting must never cost an answer.
            let _ = hits::rotate(&self.database);
        }
    }

    /// The damaged rows that look-ups have met since the last call.
    pub fn take_damaged(&self) -> Vec<DamagedRow> {
        std::mem::take(&mut *self.damaged.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps the bytes of a damaged row in a file and drops the row; the file. Of a chunk, the head of
    /// its series forgets the span.
    pub fn set_row_aside(&self, row: &DamagedRow) -> Result<PathBuf, Trouble> {
        let path = crate::db::keep_bytes(self.database.folder(), row.id, &row.body)?;
        // Another process may have put something sound there in the meantime.
        self.database.write(|transaction| match row.part {
            Part::Entry => {
                let found = find(transaction, &row.key, Learning::Off)?;
                let is_damaged = found.damaged.iter().any(|damaged| damaged.id == row.id);
                if is_damaged { delete(transaction, row.id) } else { Ok(()) }
            }
            Part::Chunk(id) => chunks::take_out(transaction, row.id, id).map(drop),
            Part::Past(id) => past::take_out(transaction, row.id, id).map(drop),
        })?;
        Ok(path)
    }

    /// The bars of these chunks of a series, in their order; none for one that is missing or damaged.
    /// A head that was read earlier may name chunks that have been replaced since: whoever misses one
    /// reads the head again.
    pub fn chunks(
        &self,
        key: &Key,
        provider: &str,
        refs: &[ChunkRef],
    ) -> Result<Vec<Option<Bars>>, Trouble> {
        if refs.is_empty() {
            return Ok(Vec::new());
        }
        let (found, damaged) = self.database.read(|c| chunks::read(c, key, provider, refs))?;
        self.remember(damaged);
        Ok(found)
    }

    /// What of an entry was thought to be true at an instant and is not any more, in the order in
    /// which that ended.
    pub fn past(
        &self,
        key: &Key,
        provider: &str,
        at: Timestamp,
    ) -> Result<Vec<Superseded>, Trouble> {
        let (found, damaged) = self.database.read(|c| past::read(c, key, provider, Some(at)))?;
        self.remember(damaged);
        Ok(found)
    }

    /// Every older version of an entry, in the order in which they ended.
    pub fn past_from(&self, key: &Key, provider: &str) -> Result<Vec<Superseded>, Trouble> {
        let (found, damaged) = self.database.read(|c| past::read(c, key, provider, None))?;
        self.remember(damaged);
        Ok(found)
    }

    /// Has what a look-up has met set aside.
    fn remember(&self, damaged: Vec<DamagedRow>) {
        if !damaged.is_empty() {
            self.damaged.lock().unwrap_or_else(PoisonError::into_inner).extend(damaged);
        }
    }

    /// Drops entries, and counts them if there is a reason, at this instant of the program's; how
    /// many there were.
    pub fn clear(
        &self,
        names: &[Name],
        reason: Option<(&Cause, Timestamp)>,
    ) -> Result<usize, Trouble> {
        self.database.write(|transaction| {
            hits::fold(transaction, self.database.folder())?;
            let mut removed = 0;
            for name in names {
                if let Some(id) = existing(transaction, &name.key, &name.provider)? {
                    delete(transaction, id)?;
                    removed += 1;
                }
            }
            if let Some((why, at)) = reason.filter(|_| removed > 0) {
                let mut tally = Tally::default();
                tally.invalidated(at, why, i64::try_from(removed).unwrap_or(i64::MAX));
                tally.write(transaction)?;
            }
            Ok(removed)
        })
    }

    /// Goes through the entries, or those with a tag if one is given, in no order.
    pub fn scan(&self, tag: Option<&str>, each: &mut dyn FnMut(Listed)) -> Result<(), Trouble> {
        self.database.read(|connection| {
            let mut markets = Markets::of(connection)?;
            let beside = [chunks::sizes(connection)?, past::sizes(connection)?];
            let mut scan = paces::prepare(connection, LIST, self.learning)?;
            let mut rows = scan.query([tag])?;
            while let Some(row) = rows.next()? {
                // A damaged row is no reason to do without the others; whoever asks for it learns.
                let Some((entry, mut known)) = bodiless(row, self.learning)? else { continue };
                known.market = markets.market(&entry.key)?;
                let named = entry.key.as_str().len() + entry.provider.len();
                let id: i64 = row.get(16)?;
                let beside: u64 = beside.iter().filter_map(|sizes| sizes.get(&id)).sum();
                each(Listed {
                    size_bytes: named as u64 + row.get::<_, i64>(14)?.unsigned_abs() + beside,
                    hits: row.get::<_, Option<i64>>(15)?.unwrap_or(0).unsigned_abs(),
                    entry,
                    known,
                });
            }
            Ok(())
        })
    }

    /// Stores an entry, now, if that is known; its row, and the mark that was there and holds for it
    /// too.
    pub(super) fn insert(
        &self,
        transaction: &Transaction<'_>,
        incoming: &Incoming,
        now: Option<Timestamp>,
    ) -> Result<(i64, Option<Expired>), Trouble> {
        let entry = &incoming.stored.entry;
        let id = row_for(transaction, &incoming.stored)?;
        let sealed = codec::seal(entry, chunks::packing(entry, self.packing));
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO entry
                 (id, key, provider, fetched_at_ms, own_ttl_ms, shape, raw_bytes, sum, body)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                id,
                entry.key.as_str(),
                entry.provider,
                entry.fetched_at.as_ms(),
                codec::own_ttl_ms(entry),
                sealed.shape,
                codec::raw_bytes(entry),
                sealed.sum,
                sealed.body,
            ])?;
        transaction
            .prepare_cached(
                "INSERT INTO usage (id, used_at_ms, hits, gone_hint_ms) VALUES (?1, ?2, 0, ?3)
                 ON CONFLICT DO UPDATE SET used_at_ms = max(used_at_ms, excluded.used_at_ms),
                                           gone_hint_ms = excluded.gone_hint_ms",
            )?
            .execute(params![id, incoming.put_at.as_ms(), hint(incoming.gone_at)])?;
        transaction.prepare_cached("DELETE FROM tag WHERE id = ?1")?.execute([id])?;
        for tag in &incoming.tags {
            transaction
                .prepare_cached("INSERT OR IGNORE INTO tag (tag, id) VALUES (?1, ?2)")?
                .execute(params![tag, id])?;
        }
        let parts = incoming.parts.as_deref();
        for chunk in parts.iter().flat_map(|parts| &parts.chunks) {
            chunks::write(transaction, id, entry, chunk)?;
        }
        chunks::drop_others(transaction, id, entry)?;
        let superseded = parts.map_or(&[][..], |parts| &parts.superseded);
        past::store(transaction, id, entry, superseded, self.most_past)?;
        validators::set(transaction, id, entry, incoming.validators.as_ref())?;
        definitions::set(transaction, id, entry, incoming.stored.known.definition)?;
        if self.learning == Learning::On {
            paces::write(transaction, id, entry, incoming.stored.known.pace)?;
        }
        let asked_after = incoming.asked_after.as_ref();
        Ok((id, marks::settle(transaction, id, entry, asked_after, now)?))
    }
}

impl Tier for Disk {
    fn get(&self, key: &Key) -> Result<Option<Shelf>, Trouble> {
        // What a glance finds was verified. What it does not find, or finds damaged, may only have
        // been changed under it: that is looked at properly.
        let sound = |found: Found| {
            (found.damaged.is_empty() && !found.is_unsure).then_some(found.shelf).flatten()
        };
        if let Some(shelf) = self.database.glance(|c| find(c, key, self.learning).map(sound)) {
            return Ok(Some(shelf));
        }
        let found = self.database.read(|c| find(c, key, self.learning))?;
        self.remember(found.damaged);
        Ok(found.shelf)
    }

    fn put(&self, entries: &mut [Incoming]) -> Result<(), Trouble> {
        self.commit(entries, &Tally::default(), &[])
    }

    fn remove(&self, names: &[Name]) -> Result<usize, Trouble> {
        self.clear(names, None)
    }

    fn keys(&self, pattern: &Pattern) -> Result<Vec<Name>, Trouble> {
        let mut names = Vec::new();
        self.scan(None, &mut |Listed { entry, .. }| {
            if pattern.picks(&entry.key, &entry.provider) {
                names.push(Name { key: entry.key, provider: entry.provider });
            }
        })?;
        names.sort();
        Ok(names)
    }
}

/// The row of an entry of the same name, else the one that it had, else the first free slot of its
/// key, else the last: a seventeenth provider of one key takes the place of the sixteenth.
fn row_for(transaction: &Transaction<'_>, stored: &Stored) -> Result<i64, Trouble> {
    let Stored { entry, row, .. } = stored;
    if let Some(id) = existing(transaction, &entry.key, &entry.provider)? {
        return Ok(id);
    }
    let first = entry.key.first_id();
    let mut taken =
        transaction.prepare_cached("SELECT id FROM entry WHERE id BETWEEN ?1 AND ?1 + 15")?;
    let taken: Vec<i64> = taken.query_map([first], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let slots = first..first + SLOTS;
    let had = Some(*row).filter(|row| slots.contains(row));
    let mut wanted = had.into_iter().chain(slots);
    if let Some(id) = wanted.find(|id| !taken.contains(id)) {
        return Ok(id);
    }
    let last = first + SLOTS - 1;
    // Its chunks go when the other entry is written.
    past::forget(transaction, last)?;
    Ok(last)
}

fn existing(
    transaction: &Transaction<'_>,
    key: &Key,
    provider: &str,
) -> Result<Option<i64>, Trouble> {
    let mut find = transaction.prepare_cached(
        "SELECT id FROM entry WHERE id BETWEEN ?1 AND ?1 + 15 AND key = ?2 AND provider = ?3",
    )?;
    Ok(find
        .query_row(params![key.first_id(), key.as_str(), provider], |row| row.get(0))
        .optional()?)
}

pub(super) fn delete(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    for sql in [
        "DELETE FROM entry WHERE id = ?1",
        "DELETE FROM usage WHERE id = ?1",
        "DELETE FROM tag WHERE id = ?1",
    ] {
        transaction.prepare_cached(sql)?.execute([id])?;
    }
    validators::forget(transaction, id)?;
    definitions::forget(transaction, id)?;
    marks::forget(transaction, id)?;
    paces::forget(transaction, id)
}

/// When an entry is gone, as sweep order; nothing for one that is kept without limit.
fn hint(gone_at: Timestamp) -> Option<i64> {
    (gone_at != Timestamp::NEVER).then(|| gone_at.as_ms())
}

#[cfg(test)]
mod tests;
