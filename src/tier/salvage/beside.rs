//! What stood beside entries in a damaged file: chunks of series, and older versions.
//!
//! A row is believed if its sum fits the name of the entry that had that row, and a chunk only if the
//! head that is held now refers to it. A head forgets the chunks that are found nowhere, so that their
//! spans are asked for again.

use std::collections::HashMap;

use rusqlite::Transaction;

use super::{MOST, MOST_BYTES};
use crate::db::Trouble;
use crate::db::pages::{Pages, Row, Value};
use crate::entry::Entry;
use crate::tier::disk::{Disk, chunks, entry_in, past};
use crate::tier::series::{Chunk, ChunkRef, Superseded};
use crate::time::Timestamp;

/// An entry that is held now, whoever brought it.
struct Owner {
    /// Its row.
    row: i64,
    /// It, without its value.
    entry: Entry,
    /// The chunks that it refers to.
    chunks: HashMap<i64, ChunkRef>,
}

/// Entries by the rows that they had in the file.
#[derive(Default)]
pub(super) struct Owners(HashMap<i64, Owner>);

/// Something that stood beside an entry.
enum Found {
    Chunk(Chunk),
    Past(Superseded),
}

/// The row of an entry beside which this row stood, if it looks like one of those.
pub(super) fn beside(row: &Row<'_>) -> Option<i64> {
    use Value::{Blob, Integer};
    match (row.id, &row.columns[..]) {
        (
            Some(_),
            [Integer(series), Integer(_), Integer(_), Integer(_), Blob(_)]
            | [Integer(series), Integer(_), Integer(_), Blob(_), Integer(_)],
        ) => Some(*series),
        _ => None,
    }
}

impl Owners {
    /// Notes that the entry which had one row in the file stands in another now.
    pub(super) fn add(&mut self, had: i64, row: i64, held: &Entry) {
        let directory = chunks::directory(held).unwrap_or_default();
        let entry = Entry { body: Box::default(), ..held.clone() };
        let chunks = directory.into_iter().map(|chunk| (chunk.id, chunk)).collect();
        self.0.insert(had, Owner { row, entry, chunks });
    }

    /// Brings over what stood beside these entries.
    pub(super) fn bring_over(&self, disk: &Disk, pages: &Pages) -> Result<(), Trouble> {
        if self.0.is_empty() {
            return Ok(());
        }
        let (mut slice, mut bytes) = (Vec::new(), 0);
        let write = |slice: &[(&Owner, Found)]| {
            disk.database().write(|transaction| {
                slice.iter().try_for_each(|(owner, found)| store(transaction, owner, found))
            })
        };
        pages.rows(&mut |row| {
            let Some(owner) = beside(&row).and_then(|series| self.0.get(&series)) else {
                return Ok(());
            };
            if let Some(found) = found(&row, owner) {
                bytes += match &found {
                    Found::Chunk(chunk) => chunk.sealed.len(),
                    Found::Past(of) => of.body.len(),
                };
                slice.push((owner, found));
            }
            if slice.len() >= MOST || bytes >= MOST_BYTES {
                write(&slice)?;
                slice.clear();
                bytes = 0;
            }
            Ok(())
        })?;
        write(&slice)?;
        let with_chunks: Vec<&Owner> =
            self.0.values().filter(|owner| !owner.chunks.is_empty()).collect();
        for owners in with_chunks.chunks(MOST) {
            disk.database().write(|transaction| {
                owners.iter().try_for_each(|owner| forget_missing(transaction, owner))
            })?;
        }
        Ok(())
    }
}

fn found(row: &Row<'_>, owner: &Owner) -> Option<Found> {
    use Value::{Blob, Integer};
    let (key, provider) = (owner.entry.key.as_str(), &owner.entry.provider);
    match row.columns[..] {
        [Integer(_), Integer(id), Integer(_), Integer(sum), Blob(sealed)] => {
            let at = owner.chunks.get(&id)?;
            let is_sound = chunks::sum(key, provider, id, sealed) == sum && at.open(sealed).is_ok();
            is_sound.then(|| Found::Chunk(Chunk { at: at.clone(), sealed: sealed.to_vec() }))
        }
        [Integer(_), Integer(from), Integer(until), Blob(packed), Integer(sum)] => {
            let is_sound = past::sum(key, provider, [from, until], packed) == sum;
            let body = crate::tier::series::past::unpack(packed).ok().filter(|_| is_sound)?;
            let [known_from, known_until] = [from, until].map(Timestamp::from_ms);
            Some(Found::Past(Superseded { known_from, known_until, body }))
        }
        _ => None,
    }
}

fn store(transaction: &Transaction<'_>, owner: &Owner, found: &Found) -> Result<(), Trouble> {
    match found {
        Found::Chunk(chunk) => chunks::write(transaction, owner.row, &owner.entry, chunk),
        Found::Past(of) if past::holds(transaction, owner.row, of)? => Ok(()),
        Found::Past(of) => past::write(transaction, owner.row, &owner.entry, of),
    }
}

fn forget_missing(transaction: &Transaction<'_>, owner: &Owner) -> Result<(), Trouble> {
    let Some(entry) = entry_in(transaction, owner.row)? else { return Ok(()) };
    let missing = chunks::bad(transaction, owner.row, &entry)?;
    if missing.is_empty() {
        return Ok(());
    }
    chunks::forget(transaction, owner.row, &entry, &missing)
}
