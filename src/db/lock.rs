//! The writers' queue: a lock of the operating system that dies with its holder.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::Trouble;
use super::open::create_file;

/// The turn to write; given up when it is dropped, or when the process dies.
#[derive(Debug)]
pub(super) struct WriteLock {
    _held: File,
}

impl WriteLock {
    /// Waits for the turn, at most so long, without polling: a thread blocks in the kernel's queue
    /// while the caller waits for it or for the deadline. A thread that comes too late finds nobody
    /// and lets go.
    pub(super) fn acquire(folder: &Path, wait: Duration) -> Result<Self, Trouble> {
        let file = create_file(&folder.join("write.lock"), |options| {
            options.read(true).write(true);
        })?;
        match file.try_lock() {
            Ok(()) => return Ok(Self { _held: file }),
            Err(TryLockError::WouldBlock) if wait.is_zero() => return Err(Trouble::Locked),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        let (turn, waiting) = mpsc::channel();
        thread::spawn(move || {
            let locked = file.lock().map(|()| file);
            // Nobody waits any more: dropping the file gives the lock back.
            let _ = turn.send(locked);
        });
        match waiting.recv_timeout(wait) {
            Ok(locked) => Ok(Self { _held: locked? }),
            Err(_) => Err(Trouble::Locked),
        }
    }
}
