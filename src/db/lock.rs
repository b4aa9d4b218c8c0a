//! The writers' queue: who holds `write.lock` writes, and who comes later writes later.
//!
//! # Shape
//!
//! `write.lock` is a lock of the operating system and dies with its holder: it alone keeps two
//! writers apart. It is given to whoever is awake when it falls free, and on a busy machine that
//! is never the one who sleeps for it: a process that writes again and again took it from others
//! who had waited for seconds. So those who have to wait also stand in line, and who comes anew and
//! finds a line goes to its end.
//!
//! A place in the line is a socket `write.turn-<number>` on which nobody ever speaks: whoever comes
//! next connects to it and sleeps until it is closed, by the end of the turn, by giving up, or by
//! the death of the process. No file lock can be waited for until a deadline without a second
//! thread, and on a machine with more work than processors each thread that must wake before a
//! write begins costs milliseconds. `write.lock` holds the number whose turn was the last.
//!
//! # Order
//!
//! A place is taken before `write.lock`, and left after it. The line is fairness and nothing more:
//! where no socket can be made (a path that is too long, a network), where a number was lost to a
//! race or to damage, somebody is overtaken, and `write.lock` is waited for by a thread.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::open::create_file;
use super::{Place, Trouble};
use crate::clock::{Clock, Stopwatch};

/// The longest line. Whoever comes then is served out of order.
const LONGEST: u64 = 256;

/// The turn to write; given up when it is dropped, or when the process dies.
#[derive(Debug)]
pub(super) struct WriteLock {
    // Before the place: who is next must find it free.
    _held: File,
    _spot: Option<Spot>,
}

impl WriteLock {
    /// Waits for the turn, at most so long, without polling.
    pub(super) fn acquire(place: &Place, wait: Duration) -> Result<Self, Trouble> {
        let line = place.folder.join(place.schema.lock);
        let file = create_file(&line, |options| {
            options.read(true).write(true);
        })?;
        // Looked at before the lock is touched: it would be in the way of the one whose turn it is.
        if !is_awaited(&line, &file) {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _held: file, _spot: None }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error.into()),
            }
        }
        if wait.is_zero() {
            return Err(Trouble::Locked);
        }
        let deadline = Deadline { wait, since: Clock::system().stopwatch() };
        let spot = Spot::take(&line, &file);
        if let Some(spot) = &spot {
            spot.wait(&line, &file, &deadline)?;
        }
        let file = locked(file, &deadline)?;
        if let Some(spot) = &spot {
            // Were it not written, those who come would take this place for one that is still ahead.
            let _ = file.write_all_at(&spot.number.to_le_bytes(), 0);
        }
        Ok(Self { _held: file, _spot: spot })
    }
}

/// How much longer somebody waits.
struct Deadline {
    wait: Duration,
    since: Stopwatch,
}

impl Deadline {
    fn left(&self) -> Result<Duration, Trouble> {
        let left = self.wait.saturating_sub(self.since.elapsed());
        if left.is_zero() { Err(Trouble::Locked) } else { Ok(left) }
    }
}

/// A place in the line; left when it is dropped, or when the process dies.
#[derive(Debug)]
struct Spot {
    number: u64,
    path: PathBuf,
    _socket: UnixListener,
}

impl Spot {
    /// The first place behind all others; none if there can be none.
    fn take(line: &Path, lock: &File) -> Option<Self> {
        let first = last_turn(lock).wrapping_add(1);
        for number in (0..LONGEST).map(|ahead| first.wrapping_add(ahead)) {
            let path = socket(line, number);
            match UnixListener::bind(&path) {
                Ok(socket) => return Some(Self { number, path, _socket: socket }),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(_) => return None,
            }
        }
        None
    }

    /// Sleeps until nobody is ahead any more.
    fn wait(&self, line: &Path, lock: &File, deadline: &Deadline) -> Result<(), Trouble> {
        // Again after each: who was ahead may have given up, with others still before it.
        while let Some(mut ahead) = self.nearest_ahead(line, lock) {
            ahead.set_read_timeout(Some(deadline.left()?))?;
            match ahead.read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(Trouble::Locked);
                }
                // Closed or reset: it is gone.
                _ => {}
            }
        }
        Ok(())
    }

    /// Whoever holds the nearest place before this one, back to the one whose turn it is.
    fn nearest_ahead(&self, line: &Path, lock: &File) -> Option<UnixStream> {
        let most = self.number.wrapping_sub(last_turn(lock)).min(LONGEST);
        (1..=most).find_map(|back| {
            let path = socket(line, self.number.wrapping_sub(back));
            match UnixStream::connect(&path) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    // Left by one who was killed.
                    let _ = fs::remove_file(path);
                    None
                }
                ahead => ahead.ok(),
            }
        })
    }
}

impl Drop for Spot {
    fn drop(&mut self) {
        // The name first: a number whose name is taken is one that somebody waits behind.
        let _ = fs::remove_file(&self.path);
    }
}

/// The socket of a place in the line for this lock: `write.turn-7` for `write.lock`.
fn socket(line: &Path, number: u64) -> PathBuf {
    line.with_extension(format!("turn-{number}"))
}

/// Whether somebody has the place that comes next.
fn is_awaited(line: &Path, lock: &File) -> bool {
    socket(line, last_turn(lock).wrapping_add(1)).symlink_metadata().is_ok()
}

/// The number of the place whose turn was the last; zero if there was none.
fn last_turn(lock: &File) -> u64 {
    let mut number = [0; 8];
    lock.read_exact_at(&mut number, 0).map_or(0, |()| u64::from_le_bytes(number))
}

/// Waits for the lock itself, which is free unless somebody came when there was no line: a thread
/// blocks in the kernel while the caller waits for it or for the deadline. A thread that comes too
/// late finds nobody and lets go.
fn locked(file: File, deadline: &Deadline) -> Result<File, Trouble> {
    match file.try_lock() {
        Ok(()) => return Ok(file),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error.into()),
    }
    let (turn, waiting) = mpsc::channel();
    thread::spawn(move || {
        let locked = file.lock().map(|()| file);
        // Nobody waits any more: dropping the file gives the lock back.
        let _ = turn.send(locked);
    });
    match waiting.recv_timeout(deadline.left()?) {
        Ok(locked) => Ok(locked?),
        Err(_) => Err(Trouble::Locked),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn place(folder: &Path) -> Place {
        Place { folder: folder.to_owned(), schema: &super::super::CACHE }
    }

    fn line(folder: &Path) -> PathBuf {
        folder.join("write.lock")
    }

    #[test]
    fn who_comes_later_writes_later() {
        let folder = tempfile::tempdir().unwrap();
        let held = WriteLock::acquire(&place(folder.path()), LONG).unwrap();
        let order: Arc<Mutex<Vec<u64>>> = Arc::default();
        let waiters: Vec<_> = (1..=8)
            .map(|number| {
                let (folder, order) = (folder.path().to_owned(), Arc::clone(&order));
                let spot = socket(&line(&folder), number);
                let waiter = thread::spawn(move || {
                    let _turn = WriteLock::acquire(&place(&folder), LONG).unwrap();
                    order.lock().unwrap().push(number);
                });
                while !spot.exists() {
                    thread::yield_now();
                }
                waiter
            })
            .collect();
        assert_eq!(
            WriteLock::acquire(&place(folder.path()), Duration::ZERO).err(),
            Some(Trouble::Locked),
            "nobody overtakes a line"
        );
        drop(held);
        for waiter in waiters {
            waiter.join().unwrap();
        }
        assert_eq!(*order.lock().unwrap(), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "only `write.lock` stays");
    }

    #[test]
    fn the_place_of_one_who_was_killed_is_stepped_over() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=3 {
            // A socket's name outlives it, as it does when its process is killed.
            drop(UnixListener::bind(socket(&line(folder.path()), number)).unwrap());
        }
        drop(WriteLock::acquire(&place(folder.path()), LONG).unwrap());
        drop(WriteLock::acquire(&place(folder.path()), Duration::ZERO).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn nobody_waits_longer_than_was_said() {
        let folder = tempfile::tempdir().unwrap();
        let held = WriteLock::acquire(&place(folder.path()), LONG).unwrap();
        let moment = Duration::from_millis(1);
        for _ in 0..2 {
            assert_eq!(
                WriteLock::acquire(&place(folder.path()), moment).err(),
                Some(Trouble::Locked)
            );
        }
        let lock = File::open(folder.path().join("write.lock")).unwrap();
        let behind_a_place = Spot::take(&line(folder.path()), &lock).unwrap();
        assert_eq!(WriteLock::acquire(&place(folder.path()), moment).err(), Some(Trouble::Locked));
        drop((held, behind_a_place));
        drop(WriteLock::acquire(&place(folder.path()), LONG).unwrap());
    }

    #[test]
    fn where_no_socket_can_be_made_there_is_still_a_lock() {
        let folder = tempfile::tempdir().unwrap();
        // Longer than the address of a socket may be.
        let deep = folder.path().join("x".repeat(120));
        std::fs::create_dir(&deep).unwrap();
        let held = WriteLock::acquire(&place(&deep), LONG).unwrap();
        let moment = Duration::from_millis(1);
        assert_eq!(WriteLock::acquire(&place(&deep), moment).err(), Some(Trouble::Locked));
        drop(held);
        drop(WriteLock::acquire(&place(&deep), LONG).unwrap());
    }
}
