//! Room: what the database takes, and what is dropped of it when that is too much.
//!
//! In slices, between which others may write. Whether something is gone is asked of the floor above,
//! since the rules may have changed since it was written.

use rusqlite::{CachedStatement, Connection, ToSql, Transaction, params};
use xxhash_rust::xxh3::xxh3_64;

use super::chunks::IS_HEAD;
use super::rows::named;
use super::{Disk, delete, hint};
use crate::db::paces::Learning;
use crate::db::tally::Tally;
use crate::db::{Trouble, accesses, hits, joined, markets};
use crate::entry::Entry;
use crate::policy::Known;
use crate::time::Timestamp;

/// How many entries one slice of sweeping looks at: a few milliseconds of the writers' turn.
const SLICE: i64 = 256;

/// In how many rows of each table beside the entries a sweep looks for orphans, twice: a few
/// milliseconds.
const ORPHANS: i64 = 2048;

/// How many days of statistics outlive a cache that is full: a year and a month.
const STATISTICS_DAYS: i64 = 396;

/// How much of a cache that is full reads may take that are remembered, at the most: a twentieth, if
/// each stands in a row of its own.
const BYTES_A_READ: u64 = 500;

impl Disk {
    /// The size that the database has once its WAL is folded into it, in bytes.
    pub fn bytes(&self) -> Result<u64, Trouble> {
        self.database.read(|connection| pages(connection, "page_count"))
    }

    /// What the pages in use take, in bytes: the file without the pages that are free.
    pub fn used_bytes(&self) -> Result<u64, Trouble> {
        self.database.read(used)
    }

    /// Drops what stands beside the entries and is of no use to anybody: old counters, markets that
    /// nobody asks for, and some of what belonged to entries that an older release has dropped. Once
    /// a sweep and not once a slice, since whole tables are read for it.
    ///
    /// What is old is so by the program's clock, as these rows are written, and by the real one: a run
    /// under another clock drops nothing that others still use.
    pub fn drop_beside(&self, real_now: Timestamp, now: Timestamp) -> Result<(), Trouble> {
        self.database.write(|transaction| {
            let today = now.min(real_now).day();
            Tally::forget_before(transaction, today - STATISTICS_DAYS)?;
            markets::forget_before(transaction, today)?;
            // Another part of the tables each time: ids are spread evenly.
            let from = xxh3_64(&real_now.as_ms().to_le_bytes()).cast_signed();
            joined::drop_orphans(transaction, from, ORPHANS)
        })
    }

    /// Drops a slice of the entries that are gone; how many were looked at. `gone_at` is asked for
    /// each, since the rules may have changed since it was written; what proves not to be gone is
    /// not looked at again before it is.
    pub fn drop_gone(
        &self,
        now: Timestamp,
        gone_at: &dyn Fn(&Entry, &Known) -> Timestamp,
    ) -> Result<usize, Trouble> {
        self.database.write(|transaction| {
            hits::fold(transaction, self.database.folder())?;
            let ids = ids(
                transaction.prepare_cached(
                    "SELECT id FROM usage WHERE gone_hint_ms <= ?2 ORDER BY gone_hint_ms LIMIT ?1",
                )?,
                params![SLICE, now.as_ms()],
            )?;
            let mut tally = Tally::default();
            let looked_at = ids.len();
            for id in ids {
                let end = named(transaction, id, self.learning)?
                    .map(|(entry, known)| (gone_at(&entry, &known), entry));
                match end {
                    Some((end, _)) if end > now => {
                        transaction
                            .prepare_cached("UPDATE usage SET gone_hint_ms = ?2 WHERE id = ?1")?
                            .execute(params![id, hint(end)])?;
                    }
                    Some((_, entry)) => evict(transaction, id, &entry, now, &mut tally)?,
                    None => delete(transaction, id)?,
                }
            }
            tally.write(transaction)?;
            Ok(looked_at)
        })
    }

    /// Drops the least recently used entries but for series, in a slice, until no more than `target`
    /// bytes are in use; how many entries. That is measured in the writer's turn: ten processes that
    /// all found the cache too full would otherwise drop ten times what there is too much.
    pub fn drop_oldest(&self, now: Timestamp, target: u64) -> Result<usize, Trouble> {
        self.database.write(|transaction| {
            hits::fold(transaction, self.database.folder())?;
            let most = i64::try_from(target / BYTES_A_READ).unwrap_or(i64::MAX);
            accesses::keep_newest(transaction, most.min(accesses::MOST))?;
            let wanted = used(transaction)?.saturating_sub(target);
            let oldest = oldest(transaction, &format!("NOT coalesce({IS_HEAD}, 0)"))?;
            let oldest_are_all = i64::try_from(oldest.len()).is_ok_and(|count| count < SLICE);
            let (dropped, freed) = evict_until(transaction, oldest, now, wanted)?;
            if oldest_are_all && freed < wanted {
                markets::forget_volumes(transaction)?;
            }
            Ok(dropped)
        })
    }

    /// The same of series, which hold what does not change any more: only where nothing else is left.
    pub fn drop_oldest_series(&self, now: Timestamp, target: u64) -> Result<usize, Trouble> {
        self.database.write(|transaction| {
            let wanted = used(transaction)?.saturating_sub(target);
            let oldest = oldest(transaction, IS_HEAD)?;
            Ok(evict_until(transaction, oldest, now, wanted)?.0)
        })
    }

    /// Gives free pages back to the file system, in slices between which others may write.
    pub fn shrink(&self) -> Result<(), Trouble> {
        while self.bytes()? > self.used_bytes()? {
            let before = self.bytes()?;
            self.database.maintain(|connection| {
                // The pragma gives a row for each page that it moves: all of them must be read.
                let mut vacuum = connection.prepare_cached("PRAGMA incremental_vacuum(4096)")?;
                let mut rows = vacuum.query([])?;
                while rows.next()?.is_some() {}
                Ok(())
            })?;
            if self.bytes()? == before {
                // Made without incremental vacuum, by whatever: its pages are used again.
                break;
            }
        }
        Ok(())
    }
}

/// The least recently used rows of which this is true, and what each takes, in bytes.
fn oldest(transaction: &Transaction<'_>, which: &str) -> Result<Vec<(i64, i64)>, Trouble> {
    let sql = format!(
        "SELECT u.id, coalesce(length(e.body) + length(e.key), 0)
                + (SELECT coalesce(sum(length(body)), 0) FROM chunk WHERE series = u.id)
                + (SELECT coalesce(sum(length(body)), 0) FROM past WHERE series = u.id)
         FROM usage u LEFT JOIN entry e ON e.id = u.id WHERE {which}
         ORDER BY u.used_at_ms LIMIT ?1"
    );
    let mut oldest = transaction.prepare_cached(&sql)?;
    let rows = oldest.query_map([SLICE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Drops rows until so many bytes are free; how many rows, and bytes.
fn evict_until(
    transaction: &Transaction<'_>,
    oldest: Vec<(i64, i64)>,
    now: Timestamp,
    wanted: u64,
) -> Result<(usize, u64), Trouble> {
    let mut tally = Tally::default();
    let (mut dropped, mut freed) = (0, 0);
    for (id, size) in oldest {
        if freed >= wanted {
            break;
        }
        match named(transaction, id, Learning::Off)? {
            Some((entry, _)) => evict(transaction, id, &entry, now, &mut tally)?,
            None => delete(transaction, id)?,
        }
        dropped += 1;
        freed += size.unsigned_abs();
    }
    tally.write(transaction)?;
    Ok((dropped, freed))
}

fn evict(
    transaction: &Transaction<'_>,
    id: i64,
    entry: &Entry,
    now: Timestamp,
    tally: &mut Tally,
) -> Result<(), Trouble> {
    tally.evicted(now, &format!("{}@{}", entry.key, entry.provider));
    delete(transaction, id)
}

fn ids(mut select: CachedStatement<'_>, bounds: &[&dyn ToSql]) -> Result<Vec<i64>, Trouble> {
    let ids = select.query_map(bounds, |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn used(connection: &Connection) -> Result<u64, Trouble> {
    Ok(pages(connection, "page_count")?.saturating_sub(pages(connection, "freelist_count")?))
}

fn pages(connection: &Connection, which: &str) -> Result<u64, Trouble> {
    let sql = format!("SELECT {which} * page_size FROM pragma_{which}, pragma_page_size");
    let bytes: i64 = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok(bytes.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Packing;
    use crate::db::Database;
    use crate::db::tally::{Event, Outcome};

    #[test]
    fn a_cache_that_is_small_and_full_remembers_fewer_reads() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        let mut tally = Tally::default();
        for _ in 0..5000 {
            tally.add(&Event {
                at: Timestamp::from_ms(0),
                name: "quote:stock:AAPL@demo",
                caller: "cli",
                outcome: Outcome::Miss,
                latency_us: None,
                age_s: None,
            });
        }
        disk.commit(&mut [], &tally, &[]).unwrap();
        let count = || {
            let reads = disk.database().read(|connection| accesses::read(connection, None));
            reads.unwrap().values().map(Vec::len).sum::<usize>()
        };
        disk.drop_oldest(Timestamp::from_ms(0), 1_000_000_000).unwrap();
        assert_eq!(count(), 5000);
        disk.drop_oldest(Timestamp::from_ms(0), 1_000_000).unwrap();
        assert_eq!(count(), 2000);
    }

    #[test]
    fn what_belongs_to_no_entry_is_dropped_and_a_table_that_is_lost_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(Database::at(folder.path()), Packing::None);
        let change = |sql: &str| {
            disk.database().write(|transaction| Ok(transaction.execute_batch(sql)?)).unwrap();
        };
        let ids = |table: &str| -> Vec<i64> {
            let read = disk.database().read(|connection| {
                ids(connection.prepare_cached(&format!("SELECT id FROM {table} ORDER BY id"))?, &[])
            });
            read.unwrap()
        };
        change("INSERT INTO entry VALUES (7, 'k', 'demo', 0, NULL, 0, 0, 0, x'')");
        let tables = ["validator", "definition", "mark", "pace"];
        for id in [i64::MIN, -5, 7, 8, i64::MAX] {
            change(&format!(
                "INSERT INTO validator VALUES ({id}, NULL, NULL, 0, 0);
                 INSERT INTO definition VALUES ({id}, 1, 0);
                 INSERT INTO mark VALUES ({id}, 0, 'rule', 0);
                 INSERT INTO pace VALUES ({id}, 1, 0, 0, 0);"
            ));
        }
        disk.database().write(|transaction| joined::drop_orphans(transaction, 7, 2)).unwrap();
        assert_eq!(ids("mark"), [7, i64::MAX], "no more than two, twice");
        let at = Timestamp::from_ms(0);
        disk.drop_beside(at, at).unwrap();
        for table in tables {
            assert_eq!(ids(table), [7], "{table}");
        }
        for table in tables {
            change(&format!("DROP TABLE {table}"));
        }
        let next = Disk::new(Database::at(folder.path()), Packing::None);
        next.drop_beside(at, at).unwrap();
    }
}
