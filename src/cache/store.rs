//! Putting into every tier, and what becomes of trouble: a warning, said once.

use std::sync::atomic::Ordering;

use super::Cache;
use crate::db::courses::Turn;
use crate::db::tally::Tally;
use crate::db::{Identity, Trouble};
use crate::entry::Entry;
use crate::key::Key;
use crate::market::Bars;
use crate::policy::market::Sighting;
use crate::policy::{Course, Known, Market, Terms};
use crate::tier::disk::Disk;
use crate::tier::expire::Expiry;
use crate::tier::series::{ChunkRef, Superseded};
use crate::tier::{Incoming, Shelf, Stored, Tier as _};
use crate::time::Timestamp;
use crate::units::bytes_for_people;
use crate::warning::Warning;

/// How many slices a commit may sweep, beside twice what it has added: 2,000 entries.
const SLICES: usize = 8;

/// How far below its cap a full cache is swept, in percent, so that not every write sweeps.
const SWEPT_TO: u64 = 95;

impl Cache {
    /// What the disk tier holds under a key; damage is set aside, and any trouble said.
    pub(super) fn read_disk(&self, key: &Key) -> Option<Shelf> {
        let disk = self.disk()?;
        let shelf = self.attempt(disk, Doing::Reading, || disk.get(key)).flatten();
        self.set_damaged_aside(disk);
        shelf
    }

    /// The bars of chunks of a series; damage is set aside, and any trouble said.
    pub(super) fn read_chunks(
        &self,
        key: &Key,
        provider: &str,
        refs: &[ChunkRef],
    ) -> Option<Vec<Option<Bars>>> {
        let disk = self.disk()?;
        let chunks = self.attempt(disk, Doing::Reading, || disk.chunks(key, provider, refs));
        self.set_damaged_aside(disk);
        chunks
    }

    /// The older versions of an entry that were known at an instant, or all of them; damage is set
    /// aside, and any trouble said.
    pub(super) fn read_past(
        &self,
        key: &Key,
        provider: &str,
        at: Option<Timestamp>,
    ) -> Vec<Superseded> {
        let Some(disk) = self.disk() else { return Vec::new() };
        let past = self.attempt(disk, Doing::Reading, || match at {
            Some(at) => disk.past(key, provider, at),
            None => disk.past_from(key, provider),
        });
        self.set_damaged_aside(disk);
        past.unwrap_or_default()
    }

    /// Keeps the bytes of damaged rows in files, and says so.
    fn set_damaged_aside(&self, disk: &Disk) {
        for row in disk.take_damaged() {
            let aside = disk.set_row_aside(&row).ok();
            self.warn(Warning::EntryDamaged { key: row.key.to_string(), aside });
        }
    }

    /// What is known of a provider's course; nothing is said if it cannot be read, since whatever
    /// stands in the way will be said of an entry.
    pub(super) fn course(&self, provider: &str) -> Course {
        self.disk().and_then(|disk| disk.course(provider).ok()).unwrap_or_default()
    }

    /// What is known of the market of what came, once it is stored; as of a course, nothing is said
    /// if it cannot be read.
    pub(super) fn market(
        &self,
        terms: &Terms,
        entry: &Entry,
        sighting: Option<&Sighting>,
    ) -> Market {
        let known = |disk: &Disk| match sighting {
            Some(sighting) => disk.foreseen(entry, sighting),
            None => disk.market(&entry.key),
        };
        let known = self.disk().filter(|_| !terms.no_cache).and_then(|disk| known(disk).ok());
        known.or_else(|| sighting.map(Sighting::alone)).unwrap_or_default()
    }

    /// Puts entries and counts into the disk tier, turns courses and expires what depends on the
    /// entries, in one transaction, then puts the entries into memory. Whether the disk has them now.
    pub(super) fn store(
        &self,
        entries: &mut [Incoming],
        tally: &Tally,
        turns: &[Turn<'_>],
    ) -> bool {
        let expired = self.disk().and_then(|disk| {
            let is_new = !disk.database().path().exists();
            let sessions =
                |held: &Entry, new: &Stored| self.rules.sessions(held, &new.entry, &new.known);
            let expiry = (!entries.is_empty()).then(|| Expiry {
                at: self.clock.now(),
                by: &self.invalidation,
                sessions: &sessions,
            });
            let commit = || disk.commit_expiring(entries, tally, turns, expiry.as_ref());
            let expired = self.attempt(disk, Doing::Writing, commit)?;
            if is_new && let Some(kind) = disk.database().network() {
                let path = disk.database().folder().to_owned();
                self.warn(Warning::NetworkFolder { path, kind });
            }
            Some(expired)
        });
        // The memory tier cannot fail. What it holds knows of no event: the disk is read again.
        if let Some((memory, expired)) = self.memory_in_use().zip(expired.as_ref()) {
            let _ = memory.remove(expired);
        }
        if let Some(memory) = self.memory().filter(|_| !entries.is_empty()) {
            let _ = memory.put(entries);
        }
        let stored = expired.is_some();
        if stored && let Err(trouble) = self.sweep(entries.len()) {
            self.say(&trouble, Doing::Writing);
        }
        stored
    }

    /// Whether there is room for a value at all: one that takes more than half of the cap would
    /// push out nearly everything else, and go itself with the next write.
    pub(super) fn has_room_for(&self, entry: &Entry) -> bool {
        let fits = entry.body.len() as u64 <= self.max_disk_bytes / 2;
        if let (false, Some(disk)) = (fits, &self.disk) {
            let size = bytes_for_people(entry.body.len() as u64);
            let path = disk.database().folder().to_owned();
            let why =
                format!("{} takes {size}, more than half of `cache.disk.max_size_gb`", entry.key);
            self.warn(Warning::NotStored { path, why });
        }
        fits
    }

    /// Drops what there is no room for: gone entries first, then the least recently used, series last.
    /// What was stored last is the last to go.
    pub(super) fn sweep(&self, added: usize) -> Result<(), Trouble> {
        let Some(disk) = self.disk() else { return Ok(()) };
        // Two looks at the folder settle it for nearly every write; the WAL may hold what the
        // file does not.
        if disk.database().file_bytes() <= self.max_disk_bytes
            || disk.bytes()? <= self.max_disk_bytes
        {
            return Ok(());
        }
        let now = self.clock.real_now();
        let target = self.max_disk_bytes / 100 * SWEPT_TO;
        disk.drop_beside(now, self.clock.now())?;
        let mut series = 0;
        for _ in 0..SLICES + added / 128 {
            if disk.used_bytes()? <= target {
                break;
            }
            let gone_at = |entry: &Entry, known: &Known| {
                self.rules.life(entry, known, self.anybody()).gone_at
            };
            if disk.drop_gone(now, &gone_at)? > 0 {
                continue;
            }
            if disk.drop_oldest(now, target)? > 0 || disk.used_bytes()? <= target {
                continue;
            }
            let dropped = disk.drop_oldest_series(now, target)?;
            series += dropped;
            if dropped == 0 && disk.used_bytes()? > target {
                self.warn(Warning::OverCap { path: disk.database().folder().to_owned() });
                break;
            }
        }
        if series > 0 {
            self.warn(Warning::SeriesDropped { path: disk.database().folder().to_owned(), series });
        }
        disk.shrink()
    }

    /// Does something with the database, and once more if only damage stood in the way: the
    /// damaged file is aside by then. What still fails then is damage that no check finds, such as
    /// a letter of the schema, and the file goes, unless another process has replaced it already.
    pub(super) fn attempt<T>(
        &self,
        disk: &Disk,
        doing: Doing,
        mut work: impl FnMut() -> Result<T, Trouble>,
    ) -> Option<T> {
        if doing == Doing::Writing && self.writing_given_up.load(Ordering::Relaxed) {
            return None;
        }
        let mut condemned = None;
        for _ in 0..3 {
            match work() {
                Ok(done) => return Some(done),
                Err(Trouble::Damaged(why)) => {
                    let failed = disk.database().identity();
                    if !self.damage(disk, why, condemned) {
                        return None;
                    }
                    condemned = failed;
                }
                Err(Trouble::Absent) => return None,
                Err(trouble) => {
                    self.give_up(&trouble, doing);
                    return None;
                }
            }
        }
        self.give_up(&Trouble::Damaged("again and again".to_owned()), doing);
        None
    }

    /// Sets the database aside, if it is damaged; whether the same thing may be tried again.
    fn damage(&self, disk: &Disk, why: String, condemned: Option<Identity>) -> bool {
        let path = disk.database().path();
        match disk.database().set_aside(self.clock.real_now(), condemned) {
            Ok(Some(aside)) => self.warn(Warning::SetAside { path, aside }),
            // It seems sound: another process was faster, or a second try will tell.
            Ok(None) => {}
            Err(trouble @ Trouble::Foreign(_)) => {
                self.give_up(&trouble, Doing::Reading);
                return false;
            }
            Err(_) => {
                self.give_up(&Trouble::Damaged(why), Doing::Reading);
                return false;
            }
        }
        true
    }

    /// Says what cannot be helped and does without it from now on: what fails now may take as long
    /// to fail at the next key. What cannot be written may still be read.
    fn give_up(&self, trouble: &Trouble, doing: Doing) {
        self.say(trouble, doing);
        self.writing_given_up.store(true, Ordering::Relaxed);
        if doing == Doing::Reading {
            self.reading_given_up.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn say(&self, trouble: &Trouble, doing: Doing) {
        let Some(disk) = &self.disk else { return };
        let path = disk.database().folder().to_owned();
        self.warn(match (trouble, doing) {
            (Trouble::Foreign(what), _) => {
                Warning::Foreign { path: disk.database().path(), what: what.clone() }
            }
            (_, Doing::Reading) => Warning::Unusable { path, why: trouble.to_string() },
            (_, Doing::Writing) => Warning::NotStored { path, why: trouble.to_string() },
        });
    }
}

/// What was being done when trouble came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Reading,
    Writing,
}
