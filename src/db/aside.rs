//! Setting damage aside: under another name, beside where it was, never deleted.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::open::create_file;
use super::{FILE, Trouble};
use crate::time::Timestamp;

/// Renames the database with its WAL; the new name.
pub(super) fn database(folder: &Path, now: Timestamp) -> Result<PathBuf, Trouble> {
    let aside = free_name(folder, &format!("{FILE}.damaged-{}", date(now)));
    // The WAL first: a database without its WAL is older, a WAL beside a new database is poison.
    for suffix in ["-wal", "-shm", ""] {
        let from = folder.join(format!("{FILE}{suffix}"));
        let mut to = aside.clone().into_os_string();
        to.push(suffix);
        match fs::rename(from, to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
    }
    Ok(aside)
}

/// Keeps the bytes of one damaged entry in a file of its own; the name. What was kept before is not
/// kept again: while nothing can be written, every reader meets the same damage.
pub fn keep_bytes(folder: &Path, id: i64, body: &[u8]) -> Result<PathBuf, Trouble> {
    let path = folder.join(format!("{FILE}.damaged-entry-{id:016x}-{:016x}", xxh3_64(body)));
    if !path.exists() {
        let mut file = create_file(&path, |options| {
            options.write(true);
        })?;
        file.write_all(body)?;
    }
    Ok(path)
}

/// This name, or the first like it that is free.
pub(super) fn free_name(folder: &Path, wanted: &str) -> PathBuf {
    let mut path = folder.join(wanted);
    let mut n = 2;
    while path.exists() {
        path = folder.join(format!("{wanted}-{n}"));
        n += 1;
    }
    path
}

fn date(now: Timestamp) -> String {
    now.to_string().chars().take("2026-08-22".len()).collect()
}
