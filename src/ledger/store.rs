//! The file that the ledger is kept in, and what becomes of trouble with it.
//!
//! A ledger that cannot be used never stops a call: its book goes on in the memory of the process,
//! and that is said. A damaged file is set aside, as a damaged cache is.
//!
//! # Time
//!
//! Instants in the file are real time. When the clock of the machine was set since the last look,
//! which the clock that nobody can set gives away, everything in the file is moved by as much
//! before it is read: neither does a clock that was put back make anybody wait for an hour, nor
//! does one that was put forward let twice the calls through.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior};

use super::{carry, rows};
use crate::clock::Reading;
use crate::db::{Database, Schema, Trouble};

/// The ledger's database; the application is "mcal".
static LEDGER: Schema = Schema {
    file: FILE,
    lock: "ledger.lock",
    application_id: 0x6d63_616c,
    major: 1,
    migrations: &[SCHEMA],
    tables: &["anchor", "call", "spent", "health", "cooling"],
};

/// The name of the ledger in the cache folder.
pub(super) const FILE: &str = "ledger.db";

const SCHEMA: &str = include_str!("schema.sql");

/// How long a process waits for its turn to write. Longer than for entries: an answer can go out
/// unstored, but a call must not start unlogged.
const WAIT: Duration = Duration::from_secs(10);

/// How far the two clocks may be apart before the one on the wall is said to have been set, in
/// milliseconds.
const STEP_MS: i64 = 250;

/// What happened to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// It was damaged and stands aside now; a new one was begun.
    SetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
    },
    /// It cannot be used: limits hold within this process.
    Unusable(Trouble),
}

/// A file, or the memory of the process.
#[derive(Debug)]
pub(super) struct Store {
    file: Option<Database>,
    /// In use once the file has failed, or if there is none.
    memory: Mutex<Option<Connection>>,
    mishaps: Mutex<Vec<Mishap>>,
}

impl Store {
    pub(super) fn at(folder: Option<&Path>) -> Self {
        Self {
            file: folder.map(|folder| Database::of(folder, &LEDGER)),
            memory: Mutex::default(),
            mishaps: Mutex::default(),
        }
    }

    pub(super) fn is_shared(&self) -> bool {
        self.file_in_use().is_some()
    }

    pub(super) fn take_mishaps(&self) -> Vec<Mishap> {
        std::mem::take(&mut *locked(&self.mishaps))
    }

    /// Reads what stands there by the clock of now; nothing if nothing was ever written.
    pub(super) fn read<T>(
        &self,
        now: &Reading,
        work: &dyn Fn(&Connection) -> Result<T, Trouble>,
    ) -> Result<Option<T>, Trouble> {
        let steadily = |connection: &Connection| match step(connection, now)? {
            0 => work(connection).map(Some),
            _ => Ok(None),
        };
        let found = match self.file_in_use() {
            Some(file) => match file.read(steadily) {
                Err(Trouble::Absent) => return Ok(None),
                Ok(found) => found,
                // Whoever writes finds out what is to be done about it.
                Err(_) => None,
            },
            None => None,
        };
        match found {
            Some(found) => Ok(Some(found)),
            None => self.write(now, &|transaction| work(transaction)).map(Some),
        }
    }

    /// Writes in one transaction, by the clock of now.
    pub(super) fn write<T>(
        &self,
        now: &Reading,
        work: &dyn Fn(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        self.write_after(None, now, work)
    }

    /// Writes in one transaction what can be read of a file that was set aside, and then the rest.
    fn write_after<T>(
        &self,
        mut aside: Option<PathBuf>,
        now: &Reading,
        work: &dyn Fn(&Transaction<'_>) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        let steadily = |transaction: &Transaction<'_>| {
            steady(transaction, now)?;
            work(transaction)
        };
        let mut condemned = None;
        for _ in 0..3 {
            let Some(file) = self.file_in_use() else { break };
            let failed = file.identity();
            let written = file.write_within(WAIT, |transaction| {
                if let Some(aside) = &aside {
                    carry::from_file(aside, transaction);
                }
                steadily(transaction)
            });
            match written {
                Ok(done) => return Ok(done),
                Err(Trouble::Damaged(why)) => match file.set_aside(now.wall, condemned) {
                    Ok(Some(to)) => {
                        let mishap = Mishap::SetAside { path: file.path(), aside: to.clone() };
                        locked(&self.mishaps).push(mishap);
                        aside = Some(to);
                    }
                    // It seems sound: another process was faster, or a second try will tell.
                    Ok(None) => condemned = failed,
                    Err(_) => self.do_without(Trouble::Damaged(why)),
                },
                Err(trouble) => self.do_without(trouble),
            }
        }
        if self.file_in_use().is_some() {
            self.do_without(Trouble::Damaged("again and again".to_owned()));
        }
        let mut memory = locked(&self.memory);
        let connection = match &mut *memory {
            Some(connection) => connection,
            none => none.insert(in_memory()?),
        };
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = steadily(&transaction)?;
        transaction.commit()?;
        Ok(done)
    }

    /// What is wrong with the file, in words; [`Trouble::Absent`] if there is none.
    pub(super) fn problems(&self) -> Result<Vec<String>, Trouble> {
        self.file.as_ref().map_or(Err(Trouble::Absent), Database::structure)
    }

    /// Sets the file aside, if it is damaged, and begins a new one with what can be read of it; where
    /// it stands now.
    pub(super) fn repair(&self, now: &Reading) -> Result<Option<PathBuf>, Trouble> {
        let Some(file) = &self.file else { return Ok(None) };
        // Before the look: another process may set it aside meanwhile and begin a new one.
        let seen = file.identity();
        match file.structure() {
            Ok(problems) if !problems.is_empty() => {
                let aside = file.set_aside(now.wall, seen)?;
                if aside.is_some() {
                    self.write_after(aside.clone(), now, &|_| Ok(()))?;
                }
                Ok(aside)
            }
            Err(Trouble::Absent) => Ok(None),
            looked => looked.map(|_| None),
        }
    }

    fn file_in_use(&self) -> Option<&Database> {
        self.file.as_ref().filter(|_| locked(&self.memory).is_none())
    }

    /// Goes on in memory: what fails now may take as long to fail at the next call.
    fn do_without(&self, trouble: Trouble) {
        // Memory that cannot be had is found out by whoever writes into it.
        let memory = in_memory().ok();
        if let (Some(memory), Some(file)) = (&memory, &self.file) {
            // What cannot be written may still be read, and is obeyed.
            let _ = file.read(|book| {
                carry::from_book(book, memory);
                Ok(())
            });
        }
        *locked(&self.memory) = memory;
        locked(&self.mishaps).push(Mishap::Unusable(trouble));
    }
}

fn in_memory() -> Result<Connection, Trouble> {
    let connection = Connection::open_in_memory()?;
    connection.execute_batch(SCHEMA)?;
    Ok(connection)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which start of the machine this is; empty where that cannot be told, and then every look is one
/// after a restart.
fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        text.trim().to_owned()
    })
}

/// By how many milliseconds the clock was set since the last write, as far as that can be told and
/// matters; the instants in the file are so much too early.
fn step(connection: &Connection, now: &Reading) -> Result<i64, Trouble> {
    let anchor: Option<(String, i64, i64)> = connection
        .prepare_cached("SELECT boot, wall_ms, uptime_ms FROM anchor")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((known, wall_ms, uptime_ms)) = anchor else { return Ok(0) };
    let wall = now.wall.as_ms().saturating_sub(wall_ms);
    if known == boot() && !known.is_empty() {
        let drift = wall.saturating_sub(uptime(now).saturating_sub(uptime_ms));
        return Ok(if drift.abs() < STEP_MS { 0 } else { drift });
    }
    // Another start of the machine: only that nothing can have happened later than now is known.
    let newest: Option<i64> = connection
        .prepare_cached("SELECT max(at_ms) FROM call WHERE started = 1")?
        .query_row([], |row| row.get(0))?;
    let newest = newest.unwrap_or(wall_ms).max(wall_ms);
    Ok(now.wall.as_ms().saturating_sub(newest).min(0))
}

/// Moves everything by what the clock was set by, and notes how the clocks stand.
fn steady(transaction: &Transaction<'_>, now: &Reading) -> Result<(), Trouble> {
    let moved = step(transaction, now)?;
    if moved != 0 {
        for statement in [
            "UPDATE call SET at_ms = at_ms + ?1",
            "UPDATE cooling SET failed_at_ms = failed_at_ms + ?1, until_ms = until_ms + ?1",
        ] {
            transaction.execute(statement, [moved])?;
        }
        rows::move_health(transaction, moved)?;
    }
    let known: Option<String> = transaction
        .prepare_cached("SELECT boot FROM anchor")?
        .query_row([], |row| row.get(0))
        .optional()?;
    if moved != 0 || known.as_deref() != Some(boot()) {
        transaction.execute(
            "INSERT INTO anchor (only, boot, wall_ms, uptime_ms) VALUES (1, ?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET boot = ?1, wall_ms = ?2, uptime_ms = ?3",
            (boot(), now.wall.as_ms(), uptime(now)),
        )?;
    }
    Ok(())
}

fn uptime(now: &Reading) -> i64 {
    i64::try_from(now.uptime.as_millis()).unwrap_or(i64::MAX)
}
