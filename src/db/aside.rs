//! Setting damage aside: under another name, beside where it was, never deleted.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

use super::open::create_file;
use super::{Place, Trouble};
use crate::time::Timestamp;

/// How the names of databases that stand aside begin.
pub(super) const DATABASE: &str = "cache.db.damaged-";

/// How the names of files begin that hold the bytes of one damaged entry.
pub(super) const ENTRY: &str = "cache.db.damaged-entry-";

/// Renames the database with its WAL; the new name.
pub(super) fn database(place: &Place, now: Timestamp) -> Result<PathBuf, Trouble> {
    let file = place.schema.file;
    let aside = name(place, now);
    // The WAL first: a database without its WAL is older, a WAL beside a new database is poison.
    for suffix in ["-wal", "-shm", ""] {
        let from = place.folder.join(format!("{file}{suffix}"));
        let mut to = aside.clone().into_os_string();
        to.push(suffix);
        match fs::rename(from, to) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
    }
    Ok(aside)
}

/// Under which name a database that is damaged now is to stand.
pub(super) fn name(place: &Place, now: Timestamp) -> PathBuf {
    free_name(&place.folder, &format!("{}.damaged-{}", place.schema.file, date(now)))
}

/// Keeps the bytes of one damaged entry in a file of its own; the name. What was kept before is not
/// kept again: while nothing can be written, every reader meets the same damage.
pub fn keep_bytes(folder: &Path, id: i64, body: &[u8]) -> Result<PathBuf, Trouble> {
    let path = folder.join(format!("{ENTRY}{id:016x}-{:016x}", xxh3_64(body)));
    if !path.exists() {
        // Under another name first: half of it would be taken for the whole ever after.
        let own = path.with_extension(format!("new-{}", std::process::id()));
        let mut file = create_file(&own, |options| {
            options.write(true).truncate(true);
        })?;
        file.write_all(body)?;
        fs::rename(own, &path)?;
    }
    Ok(path)
}

/// This name, or the first like it that is free.
pub(super) fn free_name(folder: &Path, wanted: &str) -> PathBuf {
    let mut path = folder.join(wanted);
    let mut n = 2;
    // One who was killed while setting aside may have left a WAL there without its database.
    while path.exists() || path.with_file_name(beside(&path)).exists() {
        path = folder.join(format!("{wanted}-{n}"));
        n += 1;
    }
    path
}

/// The name of the WAL of a database.
fn beside(path: &Path) -> String {
    format!("{}-wal", path.file_name().unwrap_or_default().to_string_lossy())
}

fn date(now: Timestamp) -> String {
    now.to_string().chars().take("2026-08-22".len()).collect()
}
