//! The hit log: what a hit writes instead of a page of the database.
//!
//! A hit appends 64 bytes and is done; the next writer folds them into the statistics and the
//! order of eviction. A failed append is silent: counting must never cost an answer.
//!
//! # Shape
//!
//! `hits.log` is a header and records of 64 bytes each, appended with `O_APPEND` in one
//! write, so records of several processes never mix. Every record has a version and a check
//! sum; what is torn is skipped. The header carries a random *generation*.
//!
//! # Order
//!
//! Folding commits `(generation, bytes folded)` in the same transaction as the counters, so every
//! record counts exactly once, whenever a process dies. An appender holds the file's shared lock
//! while it writes. Whoever rotates takes the exclusive lock, folds what is left, and renames a new
//! file with a new generation over the old one; an appender that opened the old file finds that it
//! has no name any more and opens again.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::Write as _;
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::Transaction;
use xxhash_rust::xxh3::xxh3_64;

use super::open::create_file;
use super::tally::{Event, Outcome, Tally};
use super::{Database, Trouble};
use crate::time::Timestamp;

/// The name of the log in the cache folder.
pub const FILE: &str = "hits.log";

/// The bytes of a record, and of the header.
const RECORD: usize = 64;

/// The version of a record's layout.
const VERSION: u8 = 1;

/// The longest name of a caller, in bytes: what a record has room for.
pub const LONGEST_CALLER: usize = 27;

/// The size from which a hit folds the log itself, in bytes.
const FOLD_FROM: u64 = 1024 * 1024;

/// How much of the log is read at a time, in bytes: whole records.
const CHUNK: u64 = 1024 * 1024;

const MAGIC: &[u8; 8] = b"mcachehl";

/// One read that the cache answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// When, by the program's time: the statistics'.
    pub at: Timestamp,
    /// When, by real time: eviction's.
    pub used_at: Timestamp,
    /// The entry's row.
    pub id: i64,
    /// From where, and how.
    pub outcome: Outcome,
    /// How long it took, in microseconds.
    pub latency_us: u32,
    /// How old the answer was, in seconds.
    pub age_s: u32,
    /// Who asked.
    pub caller: String,
}

/// Appends hits to the log. Whether the log has grown so large that it should be folded now.
///
/// A log that is being rotated is not waited for.
pub fn append(folder: &Path, hits: &[Hit]) -> bool {
    let bytes: Vec<u8> = hits.iter().flat_map(to_bytes).collect();
    let path = folder.join(FILE);
    // Twice: the file may have been rotated between opening and locking it.
    for _ in 0..2 {
        let Ok(mut log) = open_for_append(&path) else { return false };
        if log.try_lock_shared().is_err() {
            return false;
        }
        let Ok(file) = log.metadata() else { return false };
        if file.nlink() > 0 {
            return log.write_all(&bytes).is_ok() && file.len() >= FOLD_FROM;
        }
    }
    false
}

/// Counts what the log holds beyond what was counted before, within the writer's transaction.
///
/// A log that cannot be read costs counts and never the transaction.
pub fn fold(transaction: &Transaction<'_>, folder: &Path) -> Result<(), Trouble> {
    let path = folder.join(FILE);
    let Ok(log) = File::open(&path) else { return Ok(()) };
    let Ok(file) = log.metadata() else { return Ok(()) };
    let Some(generation) = generation_of(&log) else {
        if file.is_file() && log.try_lock().is_ok() {
            // Not a log of ours: kept under another name, and the next hit makes a new one.
            let _ = fs::rename(&path, super::aside::free_name(folder, &format!("{FILE}.damaged")));
        }
        return Ok(());
    };
    let (known, folded): (i64, i64) = transaction
        .prepare_cached("SELECT generation, folded FROM hit_log")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Whole records only: the rest of one may still be on its way.
    let end = file.len() / RECORD as u64 * RECORD as u64;
    if end < file.len() {
        cut(&path, &log, file.len(), end);
    }
    let mut start = RECORD as u64;
    if known == generation {
        // A log that was cut below what was counted goes on from where it is.
        start = u64::try_from(folded).unwrap_or(start).min(end);
    }
    while start < end {
        let mut bytes = vec![0; usize::try_from((end - start).min(CHUNK)).unwrap_or(RECORD)];
        if log.read_exact_at(&mut bytes, start).is_err() {
            break;
        }
        count(transaction, &bytes)?;
        start += bytes.len() as u64;
    }
    let folded_now = i64::try_from(start).unwrap_or(i64::MAX);
    if (known, folded) != (generation, folded_now) {
        transaction
            .prepare_cached("UPDATE hit_log SET generation = ?1, folded = ?2")?
            .execute([generation, folded_now])?;
    }
    Ok(())
}

/// What says of the log, where it is noted how far it is counted, that all of it is.
pub fn whole(folder: &Path) -> Option<(i64, i64)> {
    let log = File::open(folder.join(FILE)).ok()?;
    let length = log.metadata().ok()?.len() / RECORD as u64 * RECORD as u64;
    Some((generation_of(&log)?, i64::try_from(length).ok()?))
}

/// Takes away half a record that nobody is writing any more, as a full disk leaves it: all that
/// came after it would be read out of step.
fn cut(path: &Path, log: &File, seen: u64, end: u64) {
    if log.try_lock().is_ok() {
        // Whoever was writing may have finished before the lock was had.
        if log.metadata().is_ok_and(|file| file.len() != seen) {
            let _ = log.unlock();
            return;
        }
        let _ = OpenOptions::new().write(true).open(path).and_then(|log| log.set_len(end));
        let _ = log.unlock();
    }
}

/// Folds everything and starts a new log, if the log is large and nobody is writing to it. A hit
/// does this, so it waits for nobody: the next one tries again.
///
/// The old log stays locked until the new one has its name: nothing can be appended in between.
pub fn rotate(database: &Database) -> Result<(), Trouble> {
    let path = database.folder().join(FILE);
    let log = database.write_within(Duration::ZERO, |transaction| {
        let log = File::open(&path)?;
        let is_current = log.try_lock().is_ok() && log.metadata()?.nlink() > 0;
        // A log that is not ours is for `fold` to set aside.
        let is_ours = generation_of(&log).is_some();
        if !is_current || !is_ours || log.metadata()?.len() < FOLD_FROM {
            return Ok(None);
        }
        fold(transaction, database.folder())?;
        Ok(Some(log))
    })?;
    if log.is_none() {
        return Ok(());
    }
    let fresh = database.folder().join(format!("{FILE}.new"));
    let mut file = create_file(&fresh, |options| {
        options.write(true).truncate(true);
    })?;
    file.write_all(&header(new_generation()))?;
    fs::rename(fresh, path)?;
    Ok(())
}

fn open_for_append(path: &Path) -> std::io::Result<File> {
    match OpenOptions::new().append(true).open(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => create(path),
        opened => opened,
    }
}

/// The first hit makes the log: whole, under another name, and linked into place, so that nobody
/// ever sees it without its header; who loses the race uses the winner's.
fn create(path: &Path) -> std::io::Result<File> {
    let own = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = create_file(&own, |options| {
        options.write(true);
    })?;
    let linked = file.write_all(&header(new_generation())).and_then(|()| fs::hard_link(&own, path));
    fs::remove_file(&own)?;
    match linked {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => OpenOptions::new().append(true).open(path),
    }
}

/// A number that no log of this folder has had: random, since a counter could start anew with the
/// database and a process id comes again.
fn new_generation() -> i64 {
    RandomState::new().build_hasher().finish().cast_signed()
}

fn header(generation: i64) -> [u8; RECORD] {
    let mut header = [0; RECORD];
    header[..8].copy_from_slice(MAGIC);
    header[8..16].copy_from_slice(&generation.to_le_bytes());
    header
}

fn generation_of(log: &File) -> Option<i64> {
    let mut header = [0; RECORD];
    log.read_exact_at(&mut header, 0).ok()?;
    header.starts_with(MAGIC).then(|| number(&header[8..16]))
}

fn to_bytes(hit: &Hit) -> [u8; RECORD] {
    let caller = &hit.caller.as_bytes()[..hit.caller.len().min(LONGEST_CALLER)];
    let mut record = [0; RECORD];
    record[0] = VERSION;
    record[3] = hit.outcome.number();
    record[4..8].copy_from_slice(&hit.latency_us.to_le_bytes());
    record[8..16].copy_from_slice(&hit.at.as_ms().to_le_bytes());
    record[16..24].copy_from_slice(&hit.id.to_le_bytes());
    record[24..28].copy_from_slice(&hit.age_s.to_le_bytes());
    record[28..36].copy_from_slice(&hit.used_at.as_ms().to_le_bytes());
    // At most 27: it always fits.
    record[36] = u8::try_from(caller.len()).unwrap_or(0);
    record[37..37 + caller.len()].copy_from_slice(caller);
    let check = check(&record);
    record[1..3].copy_from_slice(&check);
    record
}

fn from_bytes(record: &[u8]) -> Option<Hit> {
    if record[0] != VERSION || record[1..3] != check(record) {
        return None;
    }
    let caller = record.get(37..37 + usize::from(record[36]))?;
    Some(Hit {
        at: Timestamp::from_ms(number(&record[8..16])),
        id: number(&record[16..24]),
        used_at: Timestamp::from_ms(number(&record[28..36])),
        outcome: Outcome::from_number(record[3])?,
        latency_us: u32::from_le_bytes(record[4..8].try_into().ok()?),
        age_s: u32::from_le_bytes(record[24..28].try_into().ok()?),
        caller: String::from_utf8_lossy(caller).into_owned(),
    })
}

/// Two bytes over all that stands behind them.
fn check(record: &[u8]) -> [u8; 2] {
    let sum = xxh3_64(&record[3..]).to_le_bytes();
    [sum[0], sum[1]]
}

fn number(bytes: &[u8]) -> i64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(bytes);
    i64::from_le_bytes(eight)
}

fn count(transaction: &Transaction<'_>, bytes: &[u8]) -> Result<(), Trouble> {
    let mut tally = Tally::default();
    let mut names: HashMap<i64, String> = HashMap::new();
    let mut uses: HashMap<i64, (i64, i64)> = HashMap::new();
    let mut name =
        transaction.prepare_cached("SELECT key || '@' || provider FROM entry WHERE id = ?1")?;
    for hit in bytes.chunks_exact(RECORD).filter_map(from_bytes) {
        let named = names.entry(hit.id).or_insert_with(|| {
            name.query_row([hit.id], |row| row.get(0)).unwrap_or_else(|_| "(removed)".to_owned())
        });
        let used = uses.entry(hit.id).or_insert((0, hit.used_at.as_ms()));
        let answered = i64::from(hit.outcome != Outcome::Given);
        *used = (used.0 + answered, used.1.max(hit.used_at.as_ms()));
        tally.add(&Event {
            at: hit.at,
            name: named,
            caller: &hit.caller,
            outcome: hit.outcome,
            latency_us: Some(hit.latency_us.into()),
            age_s: Some(hit.age_s.into()),
        });
    }
    let mut update = transaction.prepare_cached(
        "UPDATE usage SET hits = hits + ?2, used_at_ms = max(used_at_ms, ?3) WHERE id = ?1",
    )?;
    for (id, (hits, used_at)) in uses {
        update.execute([id, hits, used_at])?;
    }
    tally.write(transaction)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(n: u32) -> Hit {
        Hit {
            at: Timestamp::from_ms(1_782_918_000_000),
            used_at: Timestamp::from_ms(1_782_918_000_001),
            id: 16,
            outcome: Outcome::Disk,
            latency_us: n,
            age_s: 7,
            caller: "bot".to_owned(),
        }
    }

    fn counted(database: &Database) -> i64 {
        database.write(|transaction| fold(transaction, database.folder())).unwrap();
        database
            .read(|connection| {
                let sql = "SELECT coalesce(sum(n), 0) FROM stat WHERE dimension = 'key' AND measure = 'disk'";
                Ok(connection.query_row(sql, [], |row| row.get(0))?)
            })
            .unwrap()
    }

    #[test]
    fn a_record_reads_back_and_a_torn_one_does_not() {
        let record = to_bytes(&hit(3));
        assert_eq!(from_bytes(&record), Some(hit(3)));
        for at in 0..RECORD {
            let mut torn = record;
            torn[at] ^= 1;
            assert_eq!(from_bytes(&torn), None, "byte {at}");
        }
    }

    #[test]
    fn every_hit_is_counted_once() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        for expected in 1..=3 {
            append(folder.path(), &[hit(1)]);
            assert_eq!(counted(&database), expected);
            assert_eq!(counted(&database), expected);
        }
    }

    #[test]
    fn half_a_record_waits_for_its_other_half() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        append(folder.path(), &[hit(1)]);
        let path = folder.path().join(FILE);
        let mut log = OpenOptions::new().append(true).open(path).unwrap();
        let record = to_bytes(&hit(2));
        log.lock_shared().unwrap();
        log.write_all(&record[..20]).unwrap();
        assert_eq!(counted(&database), 1);
        log.write_all(&record[20..]).unwrap();
        assert_eq!(counted(&database), 2);
    }

    #[test]
    fn half_a_record_of_one_who_is_gone_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        append(folder.path(), &[hit(1)]);
        let mut log = OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap();
        log.write_all(&to_bytes(&hit(2))[..20]).unwrap();
        assert_eq!(counted(&database), 1);
        append(folder.path(), &[hit(3)]);
        assert_eq!(counted(&database), 2);
    }

    #[test]
    fn a_large_log_is_rotated_and_nothing_is_lost_or_counted_twice() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::at(folder.path());
        let batch = vec![hit(1); 20_000];
        append(folder.path(), &batch);
        let old = OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap();
        assert!(append(folder.path(), &[hit(1)]), "more than a megabyte asks to be folded");
        rotate(&database).unwrap();
        assert_eq!(folder.path().join(FILE).metadata().unwrap().len(), RECORD as u64);
        assert_eq!(old.metadata().unwrap().nlink(), 0);
        append(folder.path(), &[hit(1)]);
        assert_eq!(counted(&database), 20_002);
    }
}
