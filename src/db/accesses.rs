//! The newest reads: what was read when, for whoever wants to try another configuration on them.
//!
//! What would have come of them is [`policy::replay`](crate::policy::replay)'s. A database without
//! these tables, as an older release has made it, holds none; that they were lost is no reason to set
//! the entries aside.
//!
//! # Shape
//!
//! A row holds the reads of one name that were counted together, up to a thousand of them: the
//! instant of the first, and how many milliseconds after it each other one was. Its id is the running
//! number of its last read, so what is beyond the newest [`MOST`] is the beginning of the table. A
//! name is known by its XXH3: two names of one sum would be counted as one, and nothing else depends
//! on it.
//!
//! # Cost
//!
//! Folding a long log writes a row a name and not a row a read: four bytes for each.

use std::collections::{BTreeMap, HashMap};

use rusqlite::{Connection, Transaction};
use xxhash_rust::xxh3::xxh3_64;

use super::Trouble;
use crate::key::PUT;
use crate::time::Timestamp;

/// How many reads are remembered, and at most one row more: enough for a replay of weeks in less
/// than half a megabyte.
pub const MOST: i64 = 100_000;

/// The highest running number that there may be: a damaged one above it would be the last for ever.
const HIGHEST: i64 = i64::MAX / 2;

/// After how many reads names are looked for that nothing refers to any more: that reads every row.
const PRUNED_EVERY: i64 = 10_000;

/// How many reads a row holds at most: a kilobyte or four.
const LONGEST: usize = 1000;

/// Reads, not yet written.
#[derive(Debug, Default)]
pub struct Accesses(HashMap<String, Vec<i64>>);

impl Accesses {
    /// Remembers a read of `key@provider`. What `put` wrote has no upstream to ask, and is left out
    /// as what has no name.
    pub fn add(&mut self, at: Timestamp, name: &str) {
        let provider = name.rsplit_once('@').map_or("", |(_, provider)| provider);
        if provider.is_empty() || provider == PUT {
            return;
        }
        match self.0.get_mut(name) {
            Some(instants) => instants.push(at.as_ms()),
            None => {
                self.0.insert(name.to_owned(), vec![at.as_ms()]);
            }
        }
    }

    /// Adds them to the database, and drops what is beyond the newest [`MOST`].
    pub fn write(&self, transaction: &Transaction<'_>) -> Result<(), Trouble> {
        if self.0.is_empty() || !is_there(transaction)? {
            return Ok(());
        }
        let first = last(transaction)?;
        let mut last = first;
        // A name that is not what was written is made so again.
        let mut name = transaction.prepare_cached(
            "INSERT INTO access_name (id, name) VALUES (?1, ?2)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name WHERE name IS NOT excluded.name",
        )?;
        let mut row = transaction.prepare_cached(
            "INSERT INTO access (id, name, at_ms, later) VALUES (?1, ?2, ?3, ?4)",
        )?;
        for (named, instants) in &self.0 {
            let id = xxh3_64(named.as_bytes()).cast_signed();
            name.execute((id, named))?;
            // Several processes append to one log, and not in the order of their clocks.
            let mut instants = instants.clone();
            instants.sort_unstable();
            let mut rest = &instants[..];
            while let Some((first, later)) = rest.split_first() {
                let later = offsets(*first, later);
                last += 1 + i64::try_from(later.len()).unwrap_or(0);
                rest = &rest[1 + later.len()..];
                row.execute((last, id, first, later.as_flattened()))?;
            }
        }
        if forget(transaction, last - MOST)? && first / PRUNED_EVERY != last / PRUNED_EVERY {
            prune(transaction)?;
        }
        Ok(())
    }
}

/// How long after the first each of these was, as far as a row holds them.
fn offsets(first: i64, later: &[i64]) -> Vec<[u8; 4]> {
    let offset = |at: &i64| Some(u32::try_from(at.checked_sub(first)?).ok()?.to_le_bytes());
    later.iter().take(LONGEST - 1).map_while(offset).collect()
}

/// Every read that is remembered, by name and in order; only those from `since` on.
pub fn read(
    connection: &Connection,
    since: Option<Timestamp>,
) -> Result<BTreeMap<String, Vec<Timestamp>>, Trouble> {
    let mut reads: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    if !is_there(connection)? {
        return Ok(reads);
    }
    let mut select = connection.prepare_cached(
        "SELECT n.name, a.at_ms, a.later FROM access a JOIN access_name n ON n.id = a.name",
    )?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        // A row that is not what was written costs its reads; the entries have nothing to do with it.
        let (Ok(name), Ok(first), Ok(later)) =
            (row.get_ref(0)?.as_str(), row.get_ref(1)?.as_i64(), row.get_ref(2)?.as_blob())
        else {
            continue;
        };
        let (later, _) = later.as_chunks();
        let later =
            later.iter().map(|offset| first.saturating_add(u32::from_le_bytes(*offset).into()));
        let all = std::iter::once(first).chain(later).map(Timestamp::from_ms);
        let all = all.filter(|at| since.is_none_or(|since| *at >= since));
        match reads.get_mut(name) {
            Some(instants) => instants.extend(all),
            None => {
                reads.insert(name.to_owned(), all.collect());
            }
        }
    }
    reads.retain(|_, instants| !instants.is_empty());
    for instants in reads.values_mut() {
        instants.sort_unstable();
    }
    Ok(reads)
}

/// Forgets all but about so many of the newest, and with them the names of which no read is left.
pub fn keep_newest(transaction: &Transaction<'_>, most: i64) -> Result<(), Trouble> {
    if !is_there(transaction)? {
        return Ok(());
    }
    let last = last(transaction)?;
    if forget(transaction, last.saturating_sub(most))? {
        prune(transaction)?;
    }
    Ok(())
}

/// Whether there were any.
fn forget(transaction: &Transaction<'_>, until: i64) -> Result<bool, Trouble> {
    let mut delete = transaction.prepare_cached("DELETE FROM access WHERE id <= ?1")?;
    Ok(delete.execute([until])? > 0)
}

/// Drops the names of which no read is left.
fn prune(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    transaction
        .prepare_cached("DELETE FROM access_name WHERE id NOT IN (SELECT name FROM access)")?
        .execute([])?;
    Ok(())
}

/// The running number of the newest read; rows above what there may be are dropped.
fn last(transaction: &Transaction<'_>) -> Result<i64, Trouble> {
    let mut last = transaction.prepare_cached("SELECT coalesce(max(id), 0) FROM access")?;
    let found: i64 = last.query_row([], |row| row.get(0))?;
    if found <= HIGHEST {
        return Ok(found.max(0));
    }
    transaction.prepare_cached("DELETE FROM access WHERE id > ?1")?.execute([HIGHEST])?;
    let found: i64 = last.query_row([], |row| row.get(0))?;
    Ok(found.max(0))
}

fn is_there(connection: &Connection) -> Result<bool, Trouble> {
    let mut find = connection.prepare_cached(
        "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name IN ('access', 'access_name')
         GROUP BY type HAVING count(*) = 2",
    )?;
    Ok(find.exists([])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Database;

    const AAPL: &str = "quote:stock:AAPL@demo";

    fn write(database: &Database, reads: impl IntoIterator<Item = (i64, &'static str)>) {
        let mut accesses = Accesses::default();
        for (ms, name) in reads {
            accesses.add(Timestamp::from_ms(ms), name);
        }
        database.write(|transaction| accesses.write(transaction)).unwrap();
    }

    fn held(database: &Database, since: Option<i64>) -> BTreeMap<String, Vec<i64>> {
        let since = since.map(Timestamp::from_ms);
        let reads = database.read(|connection| read(connection, since)).unwrap();
        let ms = |instants: Vec<Timestamp>| instants.into_iter().map(Timestamp::as_ms).collect();
        reads.into_iter().map(|(name, instants)| (name, ms(instants))).collect()
    }

    fn names(database: &Database) -> i64 {
        let sql = "SELECT count(*) FROM access_name";
        database.read(|connection| Ok(connection.query_row(sql, [], |row| row.get(0))?)).unwrap()
    }

    fn change(database: &Database, sql: &str) {
        database.write(|transaction| Ok(transaction.execute_batch(sql)?)).unwrap();
    }

    fn of(name: &str, reads: &[i64]) -> BTreeMap<String, Vec<i64>> {
        BTreeMap::from([(name.to_owned(), reads.to_vec())])
    }

    #[test]
    fn reads_come_back_in_order_whatever_lies_between_them() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        let far = 1_782_918_000_000;
        write(&database, [(far, AAPL), (-5, AAPL), (far + 7, AAPL)]);
        write(&database, [(3, AAPL), (i64::MIN, AAPL), (i64::MAX, AAPL), (3, AAPL)]);
        let expected = [i64::MIN, -5, 3, 3, far, far + 7, i64::MAX];
        assert_eq!(held(&database, None), of(AAPL, &expected));
        assert_eq!(held(&database, Some(far)), of(AAPL, &expected[4..]));
    }

    #[test]
    fn what_has_no_upstream_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        write(&database, [(1, "a@put"), (2, "(removed)"), (3, "a@"), (4, AAPL)]);
        assert_eq!(held(&database, None), of(AAPL, &[4]));
    }

    #[test]
    fn only_the_newest_are_kept_and_no_name_twice() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        write(&database, [(0, "quote:stock:OLD@demo")]);
        for start in [0, 60_000] {
            write(&database, (0..60_000).map(|ms| (start + ms, AAPL)));
        }
        let reads = held(&database, None);
        let longest = i64::try_from(LONGEST).unwrap();
        assert_eq!(reads.len(), 1);
        let count = i64::try_from(reads[AAPL].len()).unwrap();
        assert!((MOST..MOST + longest).contains(&count), "{count}");
        assert_eq!(names(&database), 1, "a name goes with its last read");
        assert_eq!(*reads[AAPL].last().unwrap(), 119_999);
        database.write(|transaction| keep_newest(transaction, 1500)).unwrap();
        let count = i64::try_from(held(&database, None)[AAPL].len()).unwrap();
        assert!((1500..1500 + longest).contains(&count), "{count}");
        assert_eq!(names(&database), 1);
    }

    #[test]
    fn names_are_gone_through_only_after_a_read_was_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        write(&database, [(1, AAPL), (2, "quote:stock:MSFT@demo")]);
        change(&database, "INSERT INTO access_name VALUES (1, 'nobody''s')");
        for (most, expected) in [(1000, 3), (2, 3), (1, 1)] {
            database.write(|transaction| keep_newest(transaction, most)).unwrap();
            assert_eq!(names(&database), expected, "{most}");
        }
    }

    #[test]
    fn a_damaged_row_costs_its_reads_and_nothing_else() {
        let msft = "quote:stock:MSFT@demo";
        for (damage, left) in [
            ("UPDATE access_name SET name = CAST(x'ff61' AS TEXT) WHERE name LIKE '%MSFT%'", 1),
            ("UPDATE access_name SET name = x'61' WHERE name LIKE '%MSFT%'", 1),
            ("UPDATE access SET at_ms = 'x' WHERE at_ms = 2", 1),
            ("UPDATE access SET later = 7 WHERE at_ms = 2", 1),
            ("UPDATE access SET id = 9223372036854775807 WHERE at_ms = 2", 2),
            ("UPDATE access SET id = id - 9223372036854775807", 2),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let database = Database::at(folder.path());
            write(&database, [(1, AAPL)]);
            write(&database, [(2, msft)]);
            change(&database, damage);
            let reads = held(&database, None);
            assert_eq!((&reads[AAPL][..], reads.len()), (&[1][..], left), "{damage}");
            write(&database, [(3, msft), (4, AAPL)]);
            database.write(|transaction| keep_newest(transaction, 1000)).unwrap();
            let reads = held(&database, None);
            assert_eq!(reads[AAPL].last(), Some(&4), "{damage}");
            assert_eq!(reads[msft].last(), Some(&3), "{damage}");
        }
    }

    #[test]
    fn a_lost_table_costs_reads_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        let lose = |transaction: &Transaction<'_>| {
            transaction.execute_batch("DROP TABLE access_name")?;
            Ok(())
        };
        database.write(lose).unwrap();
        write(&database, [(1, AAPL)]);
        database.write(|transaction| keep_newest(transaction, 1)).unwrap();
        assert!(held(&database, None).is_empty());
    }
}
