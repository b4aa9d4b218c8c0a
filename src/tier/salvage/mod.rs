//! Entries of a damaged disk tier: found, told from bad ones, and brought over into a sound one.
//!
//! An entry is believed if its sum fits and it stands in a row of its key, whatever the file around
//! it looks like, and a mark if its sum fits that entry. What has no sum (tags, uses, counters) is believed if it has the right shape and
//! belongs to an entry that is, or to a counter that there may be; of two that contradict each other
//! the larger counts, since counters only grow. Validators and courses are left behind: whoever asks
//! next gets new ones.
//!
//! What stands beside the entries of series, and older versions, come with them (`beside.rs`).
//!
//! # Rules for changing it
//!
//! A row is told by its columns and not by its table, since nobody may be left to say which table a
//! page is of. A migration that adds a table or a column says here how its rows look. Those of
//! strategies, markets and volumes begin with a text and are longer than a tag, so they are taken for
//! nothing else; they are not brought over, since whoever asks next begins them anew. A chunk is four
//! numbers and bytes, an older version three numbers, bytes and a number.

mod beside;

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::disk::{Disk, Part, chunks, delete, entry_in, past, sound};
use super::series::Head;
use super::{Incoming, Stored};
use crate::codec;
use crate::db::pages::{Pages, Row, Value};
use crate::db::{Trouble, hits, marks};
use crate::entry::Entry;
use crate::policy::{Cause, Expired, Known};
use crate::time::Timestamp;
use beside::Owners;

/// How many entries are looked at in one read.
const SLICE: i64 = 256;

/// How many entries are brought over in one transaction: others want to write too.
const MOST: usize = 256;

/// How many bytes of values are, from which on no further is added.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// The dimensions of counters that there are.
const DIMENSIONS: [&str; 6] = ["key", "hour", "caller", "latency", "age", "reason"];

/// A row of the table of entries that holds no entry, or something bad beside one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its number.
    pub id: i64,
    /// What of it is bad.
    pub part: Part,
    /// What its key says, if that is a text.
    pub key: Option<String>,
    /// What its provider says, if that is a text.
    pub provider: Option<String>,
}

/// Which rows of a file are brought over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Entries with their tags and uses: counters were begun anew since.
    Entries,
    /// Counters too: nothing has been counted elsewhere.
    Everything,
}

impl Disk {
    /// Reads every entry and what stands beside it, in slices: how many entries are sound. The others
    /// are given to `bad`, and whatever is bad beside a sound one.
    pub fn inspect(&self, bad: &mut dyn FnMut(BadRow)) -> Result<u64, Trouble> {
        let (mut from, mut count) = (Some(i64::MIN), 0);
        while let Some(start) = from {
            from = self.database().read(|connection| {
                let (sound, next) = inspect_slice(connection, start, bad)?;
                count += sound;
                Ok(next)
            })?;
        }
        Ok(count)
    }

    /// Keeps the bytes of what is bad in a file and drops it, unless it is sound by now; the file, if
    /// there were any bytes. Of a chunk, the head of its series forgets the span.
    pub fn set_bad_row_aside(
        &self,
        BadRow { id, part, .. }: &BadRow,
    ) -> Result<Option<PathBuf>, Trouble> {
        self.database().write(|transaction| {
            let body = match *part {
                Part::Entry => bad_body(transaction, *id)?,
                Part::Chunk(chunk) => chunks::take_out(transaction, *id, chunk)?,
                Part::Past(row) => past::take_out(transaction, *id, row)?,
            };
            let Some(body) = body else { return Ok(None) };
            // Before the transaction ends: what is dropped is kept elsewhere by then.
            let path = crate::db::keep_bytes(self.database().folder(), *id, &body)?;
            if *part == Part::Entry {
                delete(transaction, *id)?;
            }
            Ok(Some(path))
        })
    }

    /// Brings over what can be read of a file, in slices; how many entries. An entry that is held
    /// already and not older stays.
    pub fn salvage(
        &self,
        file: &Path,
        extent: Extent,
        gone_at: &dyn Fn(&Entry) -> Timestamp,
    ) -> Result<u64, Trouble> {
        let pages = Pages::open(file)?;
        let about = About::read(&pages)?;
        let mut count = 0;
        if extent == Extent::Everything {
            // First, so that there is a database though there be no entry.
            let log = file.parent().unwrap_or(file);
            self.database().write(|transaction| about.write_counters(transaction, log))?;
        }
        let mut owners = Owners::default();
        let (mut slice, mut bytes) = (Vec::new(), 0);
        pages.rows(&mut |row| {
            if let Some(entry) = entry(&row) {
                bytes += entry.body.len();
                slice.push(about.incoming(entry, row.id.unwrap_or(0), gone_at));
            }
            if slice.len() >= MOST || bytes >= MOST_BYTES {
                count += self.bring_over(&slice, &about, &mut owners)?;
                slice.clear();
                bytes = 0;
            }
            Ok(())
        })?;
        count += self.bring_over(&slice, &about, &mut owners)?;
        owners.bring_over(self, &pages)?;
        Ok(count)
    }

    fn bring_over(
        &self,
        slice: &[Incoming],
        about: &About,
        owners: &mut Owners,
    ) -> Result<u64, Trouble> {
        if slice.is_empty() {
            return Ok(0);
        }
        self.database().write(|transaction| {
            let mut held = transaction.prepare_cached(
                "SELECT fetched_at_ms, id FROM entry
                 WHERE id BETWEEN ?1 AND ?1 + 15 AND key = ?2 AND provider = ?3",
            )?;
            let mut count = 0;
            for incoming in slice {
                let Stored { entry, row: had, .. } = &incoming.stored;
                let has_more = chunks::is_head(entry) || about.beside.contains(had);
                let held: Option<(i64, i64)> = held
                    .query_row(
                        params![entry.key.first_id(), entry.key.as_str(), entry.provider],
                        |row| Ok((row.get(0)?, row.get(1)?)),
                    )
                    .optional()?;
                if let Some((fetched_at, id)) = held
                    && fetched_at >= entry.fetched_at.as_ms()
                {
                    // One who was killed may have brought it over without what stands beside it.
                    if let Some(entry) =
                        has_more.then(|| entry_in(transaction, id)).transpose()?.flatten()
                    {
                        owners.add(*had, id, &entry);
                    }
                    continue;
                }
                let (id, kept) = self.insert(transaction, incoming, None)?;
                if has_more {
                    owners.add(*had, id, entry);
                }
                // An event may have happened since the file was set aside: the later one says more.
                let is_news = |expired: &Expired| kept.as_ref().is_none_or(|k| k.at < expired.at);
                if let Some(expired) = incoming.stored.known.expired(entry).filter(is_news) {
                    let (key, provider) = (entry.key.as_str(), &entry.provider);
                    marks::mark(transaction, id, key, provider, &expired)?;
                }
                let uses = about.uses.get(had).map_or(0, |uses| uses.hits);
                transaction
                    .prepare_cached("UPDATE usage SET hits = max(hits, ?2) WHERE id = ?1")?
                    .execute([id, uses])?;
                count += 1;
            }
            Ok(count)
        })
    }
}

/// How many entries a file holds that are sound: what would be salvaged of it.
pub fn count_sound(file: &Path) -> Result<u64, Trouble> {
    let mut names = std::collections::HashSet::new();
    Pages::open(file)?.rows(&mut |row| {
        if let Some(Entry { key, provider, .. }) = entry(&row) {
            names.insert((key, provider));
        }
        Ok(())
    })?;
    Ok(names.len() as u64)
}

/// How many of the next rows are sound, and where the slice after them begins, if there is one.
fn inspect_slice(
    connection: &Connection,
    start: i64,
    bad: &mut dyn FnMut(BadRow),
) -> Result<(u64, Option<i64>), Trouble> {
    let mut select = connection.prepare_cached(&select("WHERE id >= ?1 ORDER BY id LIMIT ?2"))?;
    let mut rows = select.query([start, SLICE])?;
    let (mut sound, mut seen, mut last) = (0, 0, start);
    while let Some(row) = rows.next()? {
        (last, seen) = (row.get(0)?, seen + 1);
        if let Some(entry) = is_placed(row) {
            sound += 1;
            let chunks = chunks::bad(connection, last, &entry)?.into_iter().map(Part::Chunk);
            let past = past::bad(connection, last, &entry)?.into_iter().map(Part::Past);
            for part in chunks.chain(past) {
                let (key, provider) = (entry.key.to_string(), entry.provider.to_string());
                bad(BadRow { id: last, part, key: Some(key), provider: Some(provider) });
            }
            continue;
        }
        let text = |column| {
            let bytes = row.get_ref(column).ok()?.as_bytes_or_null().ok()??;
            str::from_utf8(bytes).ok().map(str::to_owned)
        };
        bad(BadRow { id: last, part: Part::Entry, key: text(1), provider: text(2) });
    }
    Ok((sound, last.checked_add(1).filter(|_| seen == SLICE)))
}

/// The bytes of an entry that is not sound.
fn bad_body(transaction: &Transaction<'_>, id: i64) -> Result<Option<Vec<u8>>, Trouble> {
    let body = transaction.prepare_cached(&select("WHERE id = ?1"))?.query_row([id], |row| {
        let body = || row.get_ref(8).map(|body| body.as_bytes().unwrap_or(&[]).to_vec());
        is_placed(row).is_none().then(body).transpose()
    });
    Ok(body.optional()?.flatten())
}

/// Texts as bytes, as where entries are looked up.
fn select(which: &str) -> String {
    format!(
        "SELECT id, CAST(key AS BLOB), CAST(provider AS BLOB), fetched_at_ms, own_ttl_ms, shape,
                raw_bytes, sum, body
         FROM entry {which}"
    )
}

/// The entry in a row, if it is sound and where it would be looked for.
fn is_placed(row: &rusqlite::Row<'_>) -> Option<Entry> {
    let id: i64 = row.get(0).ok()?;
    sound(row).ok().filter(|entry| entry.key.first_id() == id & !15 && is_whole(entry))
}

/// Whether it is what it says it is: a head of a series can be read as one.
fn is_whole(entry: &Entry) -> bool {
    !chunks::is_head(entry) || Head::from_body(&entry.body).is_ok()
}

/// The entry in a row of any table, if it is one.
fn entry(row: &Row<'_>) -> Option<Entry> {
    let id = row.id?;
    let [Value::Null, key, provider, fetched, own_ttl, shape, raw, sum, body, ..] = row.columns[..]
    else {
        return None;
    };
    let sealed = codec::Row {
        key: key.text()?,
        provider: provider.text()?,
        fetched_at_ms: fetched.integer()?,
        own_ttl_ms: if own_ttl == Value::Null { None } else { Some(own_ttl.integer()?) },
        shape: shape.integer()?,
        raw_bytes: raw.integer()?,
        sum: sum.integer()?,
        body: body.blob()?,
    };
    codec::open(&sealed).ok().filter(|entry| entry.key.first_id() == id & !15 && is_whole(entry))
}

/// How an entry was used.
#[derive(Clone, Copy, Debug, Default)]
struct Uses {
    used_at_ms: i64,
    hits: i64,
}

/// What a file says of its entries, and what was counted.
#[derive(Debug, Default)]
struct About {
    uses: HashMap<i64, Uses>,
    tags: HashMap<i64, Vec<String>>,
    /// Numbers with their sums.
    definitions: HashMap<i64, (i64, i64)>,
    /// Marks with their sums, of which nobody knows yet whether they fit.
    marks: HashMap<i64, Vec<(Expired, i64)>>,
    counters: HashMap<(i64, String, String, String), i64>,
    /// The rows beside which something stands.
    beside: HashSet<i64>,
    /// Generation of the hit log, and how much of it is counted.
    log: Option<(i64, i64)>,
}

impl About {
    fn read(pages: &Pages) -> Result<Self, Trouble> {
        let mut about = Self::default();
        pages.rows(&mut |row| {
            about.take(&row);
            Ok(())
        })?;
        Ok(about)
    }

    fn take(&mut self, row: &Row<'_>) {
        use Value::{Integer, Null, Text};
        self.beside.extend(beside::beside(row));
        match (row.id, &row.columns[..]) {
            // A pace (reads have a blob in the last column): it looks like uses of the first second of 1970, and is learned anew.
            (Some(_), [Null, Integer(..1000), Integer(_), Integer(_), Integer(_)]) => {}
            (Some(id), [Null, Integer(used_at), Integer(hits), Null | Integer(_), ..]) => {
                let uses = self.uses.entry(id).or_default();
                uses.used_at_ms = uses.used_at_ms.max(*used_at);
                uses.hits = uses.hits.max(*hits);
            }
            (Some(id), [Null, Integer(number), Integer(sum)]) => {
                self.definitions.insert(id, (*number, *sum));
            }
            (Some(id), [Null, Integer(at), why @ Text(_), Integer(sum)]) => {
                if let Some(why) = why.text().and_then(Cause::from_stored) {
                    let expired = Expired { at: Timestamp::from_ms(*at), why };
                    self.marks.entry(id).or_default().push((expired, *sum));
                }
            }
            (Some(_), [Integer(generation), Integer(folded)]) => {
                self.log = self.log.max(Some((*generation, *folded)));
            }
            (None, [tag @ Text(_), Integer(id)]) => {
                if let Some(tag) = tag.text() {
                    self.tags.entry(*id).or_default().push(tag.to_owned());
                }
            }
            (None, [Integer(day), dimension, name, measure, Integer(n)]) if *n > 0 => {
                let texts = (dimension.text(), name.text(), measure.text());
                let (Some(dimension), Some(name), Some(measure)) = texts else { return };
                if DIMENSIONS.contains(&dimension) {
                    let counter = (*day, dimension.to_owned(), name.to_owned(), measure.to_owned());
                    let count = self.counters.entry(counter).or_default();
                    *count = (*count).max(*n);
                }
            }
            _ => {}
        }
    }

    fn incoming(&self, entry: Entry, row: i64, gone_at: &dyn Fn(&Entry) -> Timestamp) -> Incoming {
        let marks = self.marks.get(&row).into_iter().flatten();
        let fits = |(expired, sum): &&(Expired, i64)| {
            codec::mark_sum(entry.key.as_str(), &entry.provider, expired) == *sum
        };
        let expired = marks.filter(fits).map(|(expired, _)| expired).max_by_key(|e| e.at).cloned();
        let used_at = self.uses.get(&row).map(|uses| Timestamp::from_ms(uses.used_at_ms));
        let definition = self.definitions.get(&row).and_then(|(number, sum)| {
            let number = number.cast_unsigned();
            (codec::definition_sum(&entry, number) == *sum).then_some(number)
        });
        let definition = definition.unwrap_or_default();
        let known = Known { definition, expired, ..Known::default() };
        Incoming {
            asked_after: None,
            tags: self.tags.get(&row).cloned().unwrap_or_default(),
            gone_at: gone_at(&entry),
            put_at: used_at.unwrap_or(entry.fetched_at),
            // To ask for a body once more is cheaper than to tell whose validators they were.
            validators: None,
            stored: Stored { entry: Arc::new(entry), row, known },
            // What it said of its market is lost with the rows that knew; the next quote begins them.
            sighting: None,
            parts: None,
        }
    }

    /// Writes the counters into a new database, and how much of the log they count. Where that is
    /// lost, all of it: to lose the last few hits is better than to count thousands twice.
    fn write_counters(&self, transaction: &Transaction<'_>, folder: &Path) -> Result<(), Trouble> {
        let mut add = transaction.prepare_cached(
            "INSERT INTO stat (day, dimension, name, measure, n) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET n = max(n, excluded.n)",
        )?;
        for ((day, dimension, name, measure), n) in &self.counters {
            add.execute(params![day, dimension, name, measure, n])?;
        }
        let unknown = || (!self.counters.is_empty()).then(|| hits::whole(folder)).flatten();
        if let Some((generation, folded)) = self.log.or_else(unknown) {
            transaction
                .execute("UPDATE hit_log SET generation = ?1, folded = ?2", [generation, folded])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Packing;
    use crate::db::Database;
    use crate::entry::Format;
    use crate::key::Key;
    use crate::tier::Tier as _;

    const KEY: &str = "quote:stock:AAPL";

    /// A cache of one entry that was fetched at this instant and expired at the other.
    fn disk(folder: &tempfile::TempDir, fetched_at: i64, expired: Option<(i64, Cause)>) -> Disk {
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        let entry = Entry {
            key: Key::from_stored(KEY),
            provider: "demo".into(),
            fetched_at: Timestamp::from_ms(fetched_at),
            own_ttl: None,
            format: Format::Json,
            body: Box::from(*b"{}"),
        };
        let row = entry.key.first_id();
        let stored = Stored { entry: Arc::new(entry), row, known: Known::default() };
        let mut incoming = [Incoming {
            stored,
            asked_after: None,
            tags: Vec::new(),
            validators: None,
            sighting: None,
            parts: None,
            gone_at: Timestamp::NEVER,
            put_at: Timestamp::from_ms(0),
        }];
        disk.put(&mut incoming).unwrap();
        if let Some((at, why)) = expired {
            let expired = Expired { at: Timestamp::from_ms(at), why };
            let mark = disk.database().write(|t| marks::mark(t, row, KEY, "demo", &expired));
            mark.unwrap();
        }
        disk
    }

    #[test]
    fn of_two_marks_of_an_entry_that_is_salvaged_the_later_one_counts() {
        for (case, salvaged, held, expected) in [
            ("an event since", Some(10), Some(20), Some((20, Cause::RULE))),
            ("no event since", Some(20), Some(10), Some((20, Cause::PRICE_MOVE))),
            ("none but the salvaged one", Some(10), None, Some((10, Cause::PRICE_MOVE))),
            ("one of before it was fetched", Some(4), None, None),
            ("none but the one that is held", None, Some(20), Some((20, Cause::RULE))),
        ] {
            let (damaged, sound) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            disk(&damaged, 5, salvaged.map(|at| (at, Cause::PRICE_MOVE)));
            let sound = disk(&sound, 0, held.map(|at| (at, Cause::RULE)));
            let file = damaged.path().join("cache.db");
            let count = sound.salvage(&file, Extent::Entries, &|_| Timestamp::NEVER).unwrap();
            let shelf = sound.get(&Key::from_stored(KEY)).unwrap().unwrap();
            let expired = shelf[0].known.expired.clone().map(|e| (e.at.as_ms(), e.why));
            assert_eq!((count, expired), (1, expected), "{case}");
        }
    }
}
