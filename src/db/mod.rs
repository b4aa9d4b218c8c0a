//! The database file: opened, migrated, locked, and set aside when it is damaged.
//!
//! It knows nothing of what the tables mean: [`tier::disk`](crate::tier::disk) keeps entries in it,
//! [`tally`] counters, [`accesses`] the newest reads, [`courses`] what the use of providers comes to,
//! [`markets`] what quotes say of the markets of their symbols, [`marks`] what events have expired,
//! [`paces`] how often values change, [`validators`] and [`definitions`] what else there is to know of
//! an entry; [`quarantine`] keeps what was refused in a file of its own. It never stops an answer:
//! whatever goes wrong is a [`Trouble`], and the floor above turns that into a warning.
//!
//! # Shape
//!
//! `cache.db` in the cache folder, SQLite in WAL mode with incremental vacuum. Beside it `hits.log`
//! ([`hits`]: what a hit writes instead of a page) and `write.lock`, and while writers wait
//! `write.turn-<number>`. `user_version` is major·1000 + minor.
//!
//! # Rules for changing it
//!
//! A migration is a new file in `migrations/`, never a changed one, and opens with its reason. A
//! minor migration only adds, so that older binaries go on beside newer ones; what must change the
//! meaning of something is a new major version, which opens `cache-<major>.db` and leaves this one
//! alone. A file of a later major, or of another program, is left alone too. Readers do not migrate, and
//! may be in a folder that nobody can write: a look-up that reads a newer table must do without it
//! where there is none, as [`joined::prepare`] does.
//!
//! # Locking
//!
//! One reader and one writer connection a process. Readers open read-only and wait for nobody;
//! they can never checkpoint. The first read of a process goes without locks if there is no WAL
//! ([`Database::glance`]). Writers queue for `write.lock` (`lock.rs`) before `BEGIN IMMEDIATE`:
//! SQLite's own waiting is a sleep that backs off and lets the unlucky starve for seconds, and a
//! deferred transaction that reads and then writes fails without waiting at all. The lock is the
//! operating system's and dies with its holder. Order: `write.lock`, then the database, then
//! `hits.log`.
//!
//! # Damage
//!
//! Only damage is set aside: under `write.lock`, after a second look (another process may have done
//! it already), by renaming the file and its WAL. Nothing is ever deleted. A file that passes its
//! check and fails again, as one with a flipped letter in its schema does, is set aside too, as
//! long as it is still the same file. What can still be read of a damaged file is for
//! `stats --repair`: [`pages`] reads it without SQLite, and `rebuild.rs` puts a new one in its place.
//!
//! # Cost
//!
//! Every table is parsed at each cold start, so the schema is small. SQLite before 3.51.3 can lose
//! committed frames when several processes checkpoint (sqlite.org/wal.html, the WAL-reset bug): the
//! library is always the bundled one, and older ones are refused. `mmap_size` stays 0: an I/O error
//! under mmap is a SIGBUS, not a warning.

pub mod accesses;
mod aside;
pub mod courses;
pub mod definitions;
pub mod hits;
pub mod joined;
mod lock;
pub mod markets;
pub mod marks;
mod open;
pub mod paces;
pub mod pages;
pub mod quarantine;
mod rebuild;
pub mod tally;
mod trouble;
pub mod validators;

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use aside::keep_bytes;
pub(crate) use open::{create_file, create_folder, create_inner_folder};
pub use rebuild::{Aside, Holds, Rebuilt};
pub use trouble::Trouble;

use crate::time::Timestamp;
use lock::WriteLock;

/// The name of the database in the cache folder.
pub const FILE: &str = "cache.db";

/// One kind of database file in a cache folder.
#[derive(Debug)]
pub struct Schema {
    /// Its name there.
    pub file: &'static str,
    /// The name of the lock file on which its writers queue.
    pub lock: &'static str,
    /// What marks it as ours, in the header of the file.
    pub application_id: i32,
    /// The major version.
    pub major: i32,
    /// The migrations; the index of each is the minor version it starts from.
    pub migrations: &'static [&'static str],
    /// The tables of the first migration, without which it is not sound.
    pub tables: &'static [&'static str],
}

impl Schema {
    /// What `user_version` is after the last migration.
    fn version(&self) -> i32 {
        self.major * 1000 + i32::try_from(self.migrations.len()).unwrap_or(999)
    }
}

/// The database of entries and statistics; the application is "mcac".
static CACHE: Schema = Schema {
    file: FILE,
    lock: "write.lock",
    application_id: 0x6d63_6163,
    major: 1,
    migrations: &[
        include_str!("migrations/0001_entries.sql"),
        include_str!("migrations/0002_strategy.sql"),
        include_str!("migrations/0003_validator.sql"),
        include_str!("migrations/0004_definition.sql"),
        include_str!("migrations/0005_market.sql"),
        include_str!("migrations/0006_mark.sql"),
        include_str!("migrations/0007_access.sql"),
        include_str!("migrations/0008_series.sql"),
    ],
    tables: &["entry", "usage", "tag", "stat", "hit_log"],
};

/// Where one database is.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    schema: &'static Schema,
}

impl Place {
    fn path(&self) -> PathBuf {
        self.folder.join(self.schema.file)
    }

    /// The file that SQLite keeps beside it under this suffix.
    fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.join(format!("{}-{suffix}", self.schema.file))
    }
}

/// How long a writer waits for its turn before the answer goes out unstored.
///
/// Two seconds: longer than any transaction of ours under load, shorter than a user's patience.
const WAIT: Duration = Duration::from_secs(2);

/// How large a WAL may be when a writer ends, in bytes: 64 pages. Opening beside a larger one
/// costs every hit after it more than reading its entry does.
const LARGEST_WAL: u64 = 64 * 4120;

/// To how many bytes a WAL that begins anew is cut: what SQLite lets one grow to, 1000 pages.
///
/// Only what was written since then is ever read, so a shorter one is opened no sooner; and to cut
/// it each time it begins anew cost up to 20 ms of the turn of whoever began.
const LONGEST_KEPT_WAL: u64 = 1000 * 4120;

/// Which file something is, whatever its name: a new one under an old name is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    number: u64,
}

/// The database of one cache folder. Connections are opened when they are first needed.
#[derive(Debug)]
pub struct Database {
    place: Place,
    reader: Mutex<Option<Connection>>,
    /// With the file that it was opened on.
    writer: Mutex<Option<(Connection, Option<Identity>)>>,
    glanced: AtomicBool,
}

impl Database {
    /// The database of entries in this folder; nothing is opened or created yet.
    pub fn at(folder: &Path) -> Self {
        Self::of(folder, &CACHE)
    }

    /// The database of this kind in this folder; nothing is opened or created yet.
    pub fn of(folder: &Path, schema: &'static Schema) -> Self {
        Self {
            place: Place { folder: folder.to_owned(), schema },
            reader: Mutex::default(),
            writer: Mutex::default(),
            glanced: AtomicBool::new(false),
        }
    }

    /// The cache folder.
    pub fn folder(&self) -> &Path {
        &self.place.folder
    }

    /// The database file.
    pub fn path(&self) -> PathBuf {
        self.place.path()
    }

    /// Reads once, at the very first, without locks, if nobody is writing; none if that is not
    /// so, or if it came to nothing.
    ///
    /// A process that answers one question and ends spends a tenth of its time on making the index
    /// of an empty WAL. Without it somebody who begins to write in this very moment may change
    /// pages under the reader: what `work` gives back must have been verified against its sum, and
    /// if it gives nothing back, that means nothing.
    pub fn glance<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<Option<T>, Trouble>,
    ) -> Option<T> {
        if self.glanced.swap(true, Ordering::Relaxed) {
            return None;
        }
        let found = work(&open::at_rest(&self.place)?).ok().flatten();
        // Whoever began in the meantime may have moved what was not found yet.
        found.filter(|_| open::is_at_rest(&self.place))
    }

    /// What the database and its WAL take on the disk, in bytes.
    pub fn file_bytes(&self) -> u64 {
        let bytes = |path: PathBuf| path.metadata().map_or(0, |file| file.len());
        bytes(self.path()) + bytes(self.place.beside("wal"))
    }

    /// Reads; [`Trouble::Absent`] if nothing was ever written.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let mut reader = locked(&self.reader);
        let connection = match &mut *reader {
            Some(connection) => connection,
            empty => empty.insert(open::reader(&self.place)?),
        };
        work(connection)
    }

    /// Writes in one immediate transaction: all of it is there afterwards, or nothing.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.write_within(WAIT, work)
    }

    /// The same, waiting for its turn for at most so long.
    pub fn write_within<T>(
        &self,
        wait: Duration,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        open::create_folder(self.folder())?;
        let _turn = WriteLock::acquire(&self.place, wait)?;
        let mut writer = locked(&self.writer);
        // Another process may have set the file aside: SQLite would go on writing into it.
        if writer.as_ref().is_some_and(|(_, opened)| *opened != self.identity()) {
            *writer = None;
            *locked(&self.reader) = None;
        }
        let (connection, _) = match &mut *writer {
            Some(opened) => opened,
            empty => {
                let connection = open::writer(&self.place, WAIT)?;
                empty.insert((connection, self.identity()))
            }
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Works on the writer connection outside of a transaction: what SQLite allows only there.
    pub fn maintain(
        &self,
        work: impl FnOnce(&Connection) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let _turn = WriteLock::acquire(&self.place, WAIT)?;
        locked(&self.writer).as_ref().map_or(Ok(()), |(connection, _)| work(connection))
    }

    /// Which file the database is at this moment; none if there is none.
    pub fn identity(&self) -> Option<Identity> {
        let file = self.path().metadata().ok()?;
        Some(Identity { device: file.dev(), number: file.ino() })
    }

    /// Renames a damaged database; where it stands now, or none if it proved to be sound. A
    /// `condemned` file is renamed whatever its check says: it has failed twice.
    pub fn set_aside(
        &self,
        now: Timestamp,
        condemned: Option<Identity>,
    ) -> Result<Option<PathBuf>, Trouble> {
        let _turn = WriteLock::acquire(&self.place, WAIT)?;
        // Both connections go: they hold the damaged file open.
        *locked(&self.reader) = None;
        *locked(&self.writer) = None;
        open::is_ours(&self.place)?;
        let is_condemned = condemned.is_some() && condemned == self.identity();
        if self.identity().is_none() || (!is_condemned && open::is_sound(&self.place)?) {
            return Ok(None);
        }
        aside::database(&self.place, now).map(Some)
    }

    /// Whether the folder lies on a network, and on what kind of file system.
    pub fn network(&self) -> Option<String> {
        open::network_kind(self.folder())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // The reader first: the last connection to close folds the WAL into the database and
        // removes it, and only a writer can.
        *locked(&self.reader) = None;
        if let Some((writer, _)) = locked(&self.writer).take() {
            let wal = self.place.beside("wal");
            let is_large = wal.metadata().is_ok_and(|file| file.len() > LARGEST_WAL);
            // Of a crowd only the last does it: two fsyncs for every few writes kept all of them
            // waiting. Others may be reading: what they still need is left for the next writer.
            if is_large && let Ok(_turn) = WriteLock::acquire(&self.place, Duration::ZERO) {
                let _ = writer.busy_timeout(Duration::ZERO);
                let _ = writer.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            }
        }
    }
}

/// A panic while holding one of these locks leaves a connection that SQLite rolls back.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn glanced(database: &Database) -> Option<i64> {
        database.glance(|connection| {
            Ok(Some(connection.query_row("SELECT generation FROM hit_log", [], |row| row.get(0))?))
        })
    }

    fn set_generation(database: &Database, generation: i64) {
        database
            .write(|transaction| {
                transaction.execute("UPDATE hit_log SET generation = ?1", [generation])?;
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn a_database_at_rest_is_glanced_at_once() {
        let folder = tempfile::tempdir().unwrap();
        set_generation(&Database::at(folder.path()), 7);
        let database = Database::at(folder.path());
        assert_eq!(glanced(&database), Some(7));
        assert_eq!(glanced(&database), None, "later reads must see what has changed since");
        assert!(!folder.path().join(format!("{FILE}-shm")).exists(), "no index is made");
    }

    #[test]
    fn what_stands_in_the_wal_alone_is_never_overlooked() {
        let folder = tempfile::tempdir().unwrap();
        let writer = Database::at(folder.path());
        set_generation(&writer, 7);
        assert_eq!(glanced(&Database::at(folder.path())), None);
        drop(writer);
        assert_eq!(glanced(&Database::at(folder.path())), Some(7));
    }

    #[test]
    fn there_is_nothing_to_glance_at_before_the_first_write() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(glanced(&Database::at(folder.path())), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
