//! One asker per key, on the whole machine: whoever asks upstream for a key holds its lock.
//!
//! A lock is the operating system's, on a file `locks/<hash of the name>` in the cache folder, so it
//! ends with its holder, however that dies: there is no lease that must run out. One file a key in
//! flight and never one of a fixed number: two of 30 keys would share one of 256 four times in five,
//! and a provider that hangs would keep strangers waiting.
//!
//! # Order
//!
//! A lock is taken only by [`board`](Flights::board), which never waits, just before asking; nobody
//! waits for a second one while holding a first. So processes with overlapping lists of keys cannot
//! wait for each other in a circle. Only the holder of a program's key waits for those of what the program
//! is to be handed, where no program prints that: these waits go one way.
//!
//! Who waits blocks in the kernel for a *shared* lock, which all of them get at once when the holder
//! lets go or dies; then each looks whether the answer is there, and boards only if it is not.
//!
//! # The name of a file
//!
//! The holder removes the file before it lets go. Whoever had opened it then gets the lock of a file
//! that has no name any more, which guards nothing: so after locking, the name is looked at again.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use crate::db::{Trouble, create_file, create_folder, create_inner_folder};

/// The flights of a cache folder.
#[derive(Clone, Debug)]
pub struct Flights {
    cache: PathBuf,
    folder: PathBuf,
}

/// The right to ask for one key. Dropped, it frees those who wait.
#[derive(Debug)]
pub struct Holder {
    path: PathBuf,
    lock: File,
}

impl Flights {
    /// Those of this cache folder. Nothing is created before it is needed.
    pub fn at(folder: &Path) -> Self {
        Self { cache: folder.to_owned(), folder: folder.join("locks") }
    }

    /// Takes the lock of this name, unless somebody has it.
    pub fn board(&self, name: &str) -> Result<Option<Holder>, Trouble> {
        create_folder(&self.cache)?;
        create_inner_folder(&self.folder)?;
        let path = self.path(name);
        loop {
            let file = create_file(&path, |options| {
                options.read(true).write(true);
            })?;
            match file.try_lock() {
                Ok(()) if is_named(&file, &path) => return Ok(Some(Holder { path, lock: file })),
                // Its holder has landed in between: the name is free, or another's by now.
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
    }

    /// Blocks until nobody has the lock of this name, or had it a moment ago.
    pub fn wait(&self, name: &str) -> Result<(), Trouble> {
        match File::open(self.path(name)) {
            Ok(file) => Ok(file.lock_shared()?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the files that killed holders have left: they lock nothing, and take a name each.
    pub fn tidy(&self) {
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let path = file.path();
            let Ok(lock) = File::open(&path) else { continue };
            if lock.try_lock().is_ok() && is_named(&lock, &path) {
                drop(Holder { path, lock });
            }
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{:016x}", xxh3_64(name.as_bytes())))
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        // The name first: who opens the file between the two finds it locked, and then nameless.
        let _ = fs::remove_file(&self.path);
        let _ = self.lock.unlock();
    }
}

/// Whether this is the file that the path names.
fn is_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.metadata()) {
        (Ok(own), Ok(named)) => (own.dev(), own.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    #[test]
    fn one_at_a_time_holds_a_key_and_strangers_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let flights = Flights::at(folder.path());
        let first = flights.board("quote:stock:AAPL@yahoo").unwrap();
        assert!(first.is_some());
        assert!(flights.board("quote:stock:AAPL@yahoo").unwrap().is_none());
        assert!(flights.board("quote:stock:MSFT@yahoo").unwrap().is_some());
        drop(first);
        assert!(flights.board("quote:stock:AAPL@yahoo").unwrap().is_some());
        assert_eq!(fs::read_dir(folder.path().join("locks")).unwrap().count(), 0, "none is left");
    }

    #[test]
    fn who_waits_is_freed_by_the_holder_and_at_once_if_there_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let flights = Flights::at(folder.path());
        flights.wait("a").unwrap();
        let holder = flights.board("a").unwrap();
        let (freed, waiting) = mpsc::channel();
        let other = flights.clone();
        let thread = thread::spawn(move || freed.send(other.wait("a").is_ok()));
        assert!(waiting.try_recv().is_err(), "the lock is held");
        drop(holder);
        assert!(waiting.recv().unwrap());
        thread.join().unwrap().unwrap();
    }

    #[test]
    fn a_lock_of_a_dead_holder_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let flights = Flights::at(folder.path());
        let holder = flights.board("a").unwrap().unwrap();
        let path = holder.path.clone();
        // As a kill leaves it: unlocked, with its name.
        let file = holder.lock.try_clone().unwrap();
        std::mem::forget(holder);
        file.unlock().unwrap();
        assert!(path.exists());
        let stranger = flights.board("b").unwrap();
        flights.tidy();
        assert!(!path.exists(), "what nobody holds is removed");
        assert!(flights.board("b").unwrap().is_none() && stranger.is_some(), "and nothing else");
        assert!(flights.board("a").unwrap().is_some());
    }

    #[test]
    fn never_two_at_once_however_many_try() {
        let folder = tempfile::tempdir().unwrap();
        let (inside, flown) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let flights = Flights::at(folder.path());
                    for _ in 0..200 {
                        if let Some(_holder) = flights.board("a").unwrap() {
                            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0);
                            flown.fetch_add(1, Ordering::SeqCst);
                            inside.fetch_sub(1, Ordering::SeqCst);
                        } else {
                            flights.wait("a").unwrap();
                        }
                    }
                });
            }
        });
        assert!(flown.load(Ordering::SeqCst) >= 200);
    }
}
