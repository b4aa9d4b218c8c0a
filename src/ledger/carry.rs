//! What can be read of one book goes on in another: of a damaged file in a new one, of a file that
//! cannot be written in the memory of the process. A pause that is forgotten is a ban.
//!
//! Nothing here fails: a table that cannot be read to its end gives what it had until then, and a
//! row that is not what a column may hold is left out (the tables are strict, and check).

use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

const TABLES: [&str; 5] = ["anchor", "health", "spent", "call", "cooling"];

/// Copies from a file that nobody uses any more.
pub(super) fn from_file(path: &Path, into: &Connection) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if let Ok(from) = Connection::open_with_flags(path, flags) {
        from_book(&from, into);
    }
}

/// Copies from a book that is open.
pub(super) fn from_book(from: &Connection, into: &Connection) {
    for table in TABLES {
        // The next one may be whole.
        let _ = copy(table, from, into);
    }
}

fn copy(table: &str, from: &Connection, into: &Connection) -> rusqlite::Result<()> {
    let mut select = from.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = select.column_count();
    let places = vec!["?"; columns].join(", ");
    let mut insert = into.prepare(&format!("INSERT OR IGNORE INTO {table} VALUES ({places})"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<Value> = (0..columns).map(|at| row.get(at)).collect::<Result<_, _>>()?;
        let _ = insert.execute(params_from_iter(values));
    }
    Ok(())
}
