//! What is wrong with a database, and a new one in its place.
//!
//! Looking changes nothing: what is found is said, and only [`Database::rebuild`] acts on it.
//!
//! # Order
//!
//! A rebuild holds `write.lock` from its look to its end. The new database is made in a folder of
//! its own, `cache.db.repair`, and is whole and on the disk before anything else is touched. Then
//! the damaged file gets its second name (a link), its WAL is renamed to go with that, and the new
//! file is renamed over the old name. Who has the old one open finds another identity and opens
//! again, as after setting aside.
//!
//! Killed before the link, the work is lost and nothing else: the next rebuild clears the folder.
//! Killed after it, the old database still stands under its name, perhaps without its WAL. The next
//! rebuild gives that back and drops the link; and because others may have written meanwhile, what
//! was built is kept as if it had been set aside, and its entries are brought back from there.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::aside::{DATABASE, ENTRY, free_name};
use super::lock::WriteLock;
use super::pages::Pages;
use super::{CACHE, Database, FILE, Identity, Place, Trouble, WAIT, aside, locked, open};
use crate::time::Timestamp;

/// Where a new database is made.
const SITE: &str = "cache.db.repair";

/// What it is called there once it is whole.
const COMPLETE: &str = "complete.db";

/// What the names of files end with whose entries were brought back.
const SALVAGED: &str = ".salvaged";

/// What SQLite keeps beside a database. In this order: without its WAL a database is older, but a
/// WAL beside another database is poison.
const BESIDE: [&str; 3] = ["-wal", "-journal", "-shm"];

/// How the names of other files begin that were set aside and hold no entries.
const OTHERS: [&str; 2] = ["hits.log.damaged", "ledger.db.damaged-"];

/// What came of a rebuild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt<T> {
    /// What filling the new database gave.
    pub filled: T,
    /// Where the damaged one stands now.
    pub aside: PathBuf,
}

/// A file that was set aside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Aside {
    /// Where it stands.
    pub path: PathBuf,
    /// What can be done with it.
    pub holds: Holds,
}

/// What can be done with a file that was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// It is a database whose entries nobody has brought back yet.
    Entries,
    /// It is one of a later release, which knows better how to.
    LaterEntries,
    /// Its entries were brought back.
    Salvaged,
    /// It is no database, but what could not be read of one thing.
    Bytes,
}

impl Database {
    /// What is wrong with the database, in words; nothing, if it is sound. Every table is read, and
    /// SQLite checks the structure; values are for whoever knows what they are.
    pub fn problems(&self) -> Result<Vec<String>, Trouble> {
        self.close();
        problems(&self.place)
    }

    /// What SQLite finds wrong with the structure of a database of any kind; [`Trouble::Absent`] if
    /// there is none.
    pub fn structure(&self) -> Result<Vec<String>, Trouble> {
        self.close();
        match open::reader(&self.place).and_then(|connection| integrity(&connection)) {
            Err(Trouble::Damaged(why)) => Ok(vec![why]),
            looked => looked,
        }
    }

    /// Closes both connections; the next use opens them again.
    pub fn close(&self) {
        *locked(&self.reader) = None;
        *locked(&self.writer) = None;
    }

    /// The files that were set aside, in the order of their names.
    pub fn asides(&self) -> Vec<Aside> {
        asides(self.folder())
    }

    /// Notes in the name of a file that its entries were brought back; the new name.
    pub fn mark_salvaged(&self, aside: &Path) -> Result<PathBuf, Trouble> {
        let name = aside.file_name().unwrap_or_default().to_string_lossy();
        let to = free_name(self.folder(), &format!("{name}{SALVAGED}"));
        for suffix in BESIDE.into_iter().chain([""]) {
            rename(&with_suffix(aside, suffix), &with_suffix(&to, suffix))?;
        }
        Ok(to)
    }

    /// Makes a new database in the place of a damaged one, which `fill` reads and fills it from;
    /// none if there is nothing wrong with it. Also clears up after a rebuild that was killed.
    pub fn rebuild<T>(
        &self,
        now: Timestamp,
        fill: impl FnOnce(&Path, Self) -> Result<T, Trouble>,
    ) -> Result<Option<Rebuilt<T>>, Trouble> {
        let _turn = WriteLock::acquire(&self.place, WAIT)?;
        self.close();
        let site = Site(self.folder().join(SITE));
        site.clear_up_after_another(&self.place, now)?;
        match problems(&self.place) {
            Ok(problems) if problems.is_empty() => return Ok(None),
            Err(Trouble::Absent) => return Ok(None),
            looked => looked?,
        };
        refuse_a_newer(&self.path(), &self.place)?;
        let built = site.open(self.folder()).and_then(|()| {
            let filled = fill(&self.path(), Self::at(&site.0))?;
            site.finish(&self.path())?;
            Ok((filled, site.put_in_place(&self.place, now)?))
        });
        // What was not finished only takes room; what was is not touched.
        site.clear();
        built.map(|(filled, aside)| Some(Rebuilt { filled, aside }))
    }

    /// Whether a rebuild has left something behind.
    pub fn has_leftovers(&self) -> bool {
        self.folder().join(SITE).exists()
    }
}

/// What a database of ours is, seen by reading all of it but the values of entries.
fn problems(place: &Place) -> Result<Vec<String>, Trouble> {
    // Before SQLite opens it: closing a file gives up the locks that this process has on it.
    let odd = open::header(place).is_some_and(|header| header[18] > 2);
    let looked = || {
        let connection = open::reader(place)?;
        let mut problems = integrity(&connection)?;
        if problems.is_empty() {
            read_tables(&connection)?;
        }
        if odd {
            problems.push("its header is not one that SQLite writes".to_owned());
        }
        Ok(problems)
    };
    let problems = match looked() {
        Err(Trouble::Damaged(why)) => vec![why],
        Err(Trouble::Absent) => return Err(nothing_or_another_program(place)),
        looked => looked?,
    };
    if !problems.is_empty() {
        open::is_ours(place)?;
    }
    Ok(problems)
}

/// A file without our version is no database of ours yet, or never will be.
fn nothing_or_another_program(place: &Place) -> Trouble {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let tables = Connection::open_with_flags(place.path(), flags).and_then(|connection| {
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
    });
    match tables {
        Ok(1..) => Trouble::Foreign(open::ANOTHER_PROGRAM.to_owned()),
        _ => Trouble::Absent,
    }
}

/// What SQLite itself finds wrong with the structure of a database.
fn integrity(connection: &Connection) -> Result<Vec<String>, Trouble> {
    let mut check = connection.prepare("PRAGMA integrity_check")?;
    let said = check.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    Ok(said.into_iter().filter(|line| line != "ok").collect())
}

/// Reads a row as what its columns were made for.
type Read = fn(&rusqlite::Row<'_>) -> rusqlite::Result<()>;

/// Reads the tables whose rows have no sum of their own: a column may hold what was never written
/// into it, which SQLite allows.
fn read_tables(connection: &Connection) -> Result<(), Trouble> {
    // Whether the columns are there; their values are read by whoever knows the sum.
    connection.prepare(
        "SELECT id, key, provider, fetched_at_ms, own_ttl_ms, shape, raw_bytes, sum, body FROM entry",
    )?;
    let tables: [(&str, Read); 4] = [
        ("SELECT id, used_at_ms, hits, gone_hint_ms FROM usage", |row| {
            let _: (i64, i64, i64, Option<i64>) = row.try_into()?;
            Ok(())
        }),
        ("SELECT tag, id FROM tag", |row| {
            let _: (String, i64) = row.try_into()?;
            Ok(())
        }),
        ("SELECT day, dimension, name, measure, n FROM stat", |row| {
            let _: (i64, String, String, String, i64) = row.try_into()?;
            Ok(())
        }),
        ("SELECT generation, folded FROM hit_log", |row| {
            let _: (i64, i64) = row.try_into()?;
            Ok(())
        }),
    ];
    for (sql, read) in tables {
        let mut select = connection.prepare(sql)?;
        let mut rows = select.query([])?;
        let mut count = 0;
        while let Some(row) = rows.next()? {
            read(row)?;
            count += 1;
        }
        if sql.ends_with("hit_log") && count != 1 {
            return Err(Trouble::Damaged(format!("the table `hit_log` has {count} rows")));
        }
    }
    Ok(())
}

/// A later release may keep in a table what this one knows nothing of, and would leave behind.
fn refuse_a_newer(path: &Path, place: &Place) -> Result<(), Trouble> {
    match version(path).filter(|version| i64::from(*version) > i64::from(place.schema.version())) {
        Some(version) => Err(Trouble::Foreign(format!(
            "was made by a later version of mcache (schema {version}, this one writes {})",
            place.schema.version()
        ))),
        None => Ok(()),
    }
}

/// The version of a file that has one.
fn version(path: &Path) -> Option<u32> {
    Some(Pages::open(path).ok()?.head()?.version)
}

/// Whether a file of this version may hold more than this release knows of.
fn is_newer(version: u32) -> bool {
    i64::from(version) > i64::from(CACHE.version())
}

fn asides(folder: &Path) -> Vec<Aside> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut asides: Vec<Aside> = names
        .filter_map(|file| file.file_name().into_string().ok())
        .filter(|name| name.starts_with(DATABASE) || OTHERS.iter().any(|o| name.starts_with(o)))
        .filter(|name| !BESIDE.iter().any(|suffix| name.ends_with(suffix)))
        .map(|name| Aside { holds: holds(folder, &name), path: folder.join(name) })
        .collect();
    asides.sort();
    asides
}

fn holds(folder: &Path, name: &str) -> Holds {
    match name {
        name if name.contains(SALVAGED) => Holds::Salvaged,
        name if !name.starts_with(DATABASE) || name.starts_with(ENTRY) => Holds::Bytes,
        name if version(&folder.join(name)).is_some_and(is_newer) => Holds::LaterEntries,
        _ => Holds::Entries,
    }
}

/// The folder in which a new database is made.
struct Site(PathBuf);

impl Site {
    /// Makes the folder, for whom the cache folder is, so that its files are too.
    fn open(&self, cache: &Path) -> Result<(), Trouble> {
        open::create_folder(&self.0)?;
        fs::set_permissions(&self.0, cache.metadata()?.permissions())?;
        Ok(())
    }

    /// Makes sure that the new database is whole, on the disk and for whom the old one was.
    fn finish(&self, old: &Path) -> Result<(), Trouble> {
        let new = self.0.join(FILE);
        for suffix in &BESIDE[..2] {
            if with_suffix(&new, suffix).metadata().is_ok_and(|file| file.len() > 0) {
                return Err(Trouble::Full);
            }
        }
        let was = old.metadata()?;
        // Who may not give files away owns it then, as whoever makes a database does.
        let _ = chown(&new, Some(was.uid()), Some(was.gid()));
        let _ = fs::set_permissions(&new, Permissions::from_mode(was.mode() & 0o777));
        File::open(&new)?.sync_all()?;
        fs::rename(new, self.0.join(COMPLETE))?;
        sync(&self.0);
        Ok(())
    }

    /// Exchanges the databases; where the old one stands.
    fn put_in_place(&self, place: &Place, now: Timestamp) -> Result<PathBuf, Trouble> {
        let folder = &place.folder;
        let old = place.path();
        let name = aside::name(place, now);
        let name = name.file_name().unwrap_or_default().to_string_lossy();
        // Its entries are in the new one: that is done.
        let aside = free_name(folder, &format!("{name}{SALVAGED}"));
        // With a link there is a database under the name at every instant.
        let is_linked = fs::hard_link(&old, &aside).is_ok();
        for suffix in BESIDE {
            rename(&with_suffix(&old, suffix), &with_suffix(&aside, suffix))?;
        }
        if !is_linked {
            fs::rename(&old, &aside)?;
        }
        fs::rename(self.0.join(COMPLETE), old)?;
        sync(folder);
        Ok(aside)
    }

    /// Undoes half an exchange, and keeps what was built for it.
    fn clear_up_after_another(&self, place: &Place, now: Timestamp) -> Result<(), Trouble> {
        if !self.0.exists() {
            return Ok(());
        }
        let folder = &place.folder;
        let current = identity(&place.path());
        for Aside { path, .. } in asides(folder) {
            // A second name of the database that is in use.
            if current.is_none() || identity(&path) != current {
                continue;
            }
            for suffix in BESIDE {
                let (from, to) = (with_suffix(&path, suffix), with_suffix(&place.path(), suffix));
                if to.metadata().map_or(0, |file| file.len()) == 0 {
                    rename(&from, &to)?;
                }
            }
            fs::remove_file(path)?;
        }
        rename(&self.0.join(COMPLETE), &aside::name(place, now))?;
        self.clear();
        Ok(())
    }

    /// Removes what was made here and has no name elsewhere: a copy that is not needed.
    fn clear(&self) {
        if self.0.join(COMPLETE).exists() {
            return;
        }
        let new = self.0.join(FILE);
        for file in BESIDE.into_iter().chain([""]).map(|suffix| with_suffix(&new, suffix)) {
            let _ = fs::remove_file(file);
        }
        let _ = fs::remove_file(self.0.join("write.lock"));
        // Anything else in it is not ours, and it stays.
        let _ = fs::remove_dir(&self.0);
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let file = path.metadata().ok()?;
    Some(Identity { device: file.dev(), number: file.ino() })
}

/// Renames what is there.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed,
    }
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Makes names last over a power cut; where that cannot be done, the next start shows the old ones.
fn sync(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}
