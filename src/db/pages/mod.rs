//! A database file read page by page, without SQLite: what is left to read when SQLite gives up.
//!
//! SQLite finds a row from the root of its tree down, so one bad page can hide a whole table, and a
//! bad header everything. Here every page that looks like one with rows is read by itself, in the
//! order of the file. It says nothing about whether a row is true, nor of which table it is:
//! whoever takes rows must verify them. It only reads, and it ends: no page is visited twice but
//! as the rest of a long row, and those are counted.
//!
//! # Shape
//!
//! The format is SQLite's (sqlite.org/fileformat2.html): leaves of tables (type 13), leaves and
//! inner pages of indexes and of tables `WITHOUT ROWID` (10 and 2), rests of long rows in chains.
//! Pages that the log beside the file holds newer are read from there. Pages that are free by the
//! file's own map (ours are made with `auto_vacuum`, which keeps one) are left out: rows that were
//! dropped still stand in them.

mod record;
mod wal;

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

pub use record::Value;
use record::{columns, varint};
use wal::{Wal, number};

use super::Trouble;

/// What SQLite makes pages of, unless it is told otherwise, which we never do.
const PAGE: usize = 4096;

/// The page that the locks of SQLite lie on, if the file is so large: it holds nothing.
const LOCKS: u64 = 0x4000_0000;

/// A row.
#[derive(Clone, Debug, PartialEq)]
pub struct Row<'a> {
    /// Its number; none in a table without.
    pub id: Option<i64>,
    /// Its columns.
    pub columns: Vec<Value<'a>>,
}

/// What the head of the file says, if it is one of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// `user_version`.
    pub version: u32,
    has_map: bool,
}

/// What a page is part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tree {
    /// A table whose rows have numbers.
    Table,
    /// An index, or a table without.
    Index,
}

/// A database file.
#[derive(Debug)]
pub struct Pages {
    file: File,
    wal: Option<Wal>,
    page_size: usize,
    count: u32,
    head: Option<Head>,
    /// How many more pages may be read as rests of rows: a chain that bad bytes tie into a ring
    /// would otherwise be followed for every row that seems to begin it.
    rests: Cell<u64>,
}

impl Pages {
    /// Opens a file, with the log beside it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let mut start = [0; 100];
        let _ = file.read_exact_at(&mut start, 0);
        let page_size = page_size_by(&start).unwrap_or(PAGE);
        let mut beside = path.as_os_str().to_owned();
        beside.push("-wal");
        let wal = Wal::open(Path::new(&beside), page_size);
        let in_file = file.metadata()?.len().div_ceil(page_size as u64);
        let in_file = u32::try_from(in_file).unwrap_or(u32::MAX);
        let count = wal.as_ref().map_or(in_file, |wal| wal.count);
        let rests = Cell::new(u64::from(count) * 4);
        let mut pages = Self { file, wal, page_size, count, head: None, rests };
        pages.head = pages.page(1).and_then(|first| {
            page_size_by(&first)
                .map(|_| Head { version: number(&first, 60), has_map: number(&first, 52) > 0 })
        });
        Ok(pages)
    }

    /// What its head says; none if that is no head of a database.
    pub fn head(&self) -> Option<Head> {
        self.head
    }

    /// Gives every row that can be read, in the order of the file.
    pub fn rows(
        &self,
        each: &mut dyn FnMut(Row<'_>) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        for page_number in 1..=self.count {
            if self.is_free(page_number) {
                continue;
            }
            let Some(page) = self.page(page_number) else { continue };
            let start = if page_number == 1 { 100 } else { 0 };
            // Of an inner page, which page is below stands at its head and before every row.
            let (tree, below) = match page[start] {
                13 => (Tree::Table, 0),
                10 => (Tree::Index, 0),
                2 => (Tree::Index, 4),
                _ => continue,
            };
            let cells = usize::from(short(&page, start + 3));
            let pointers = start + 8 + below;
            for at in (0..cells).map(|cell| usize::from(short(&page, pointers + 2 * cell))) {
                let Some((id, record)) = self.cell(&page, at + below, tree) else { continue };
                let Some(columns) = columns(&record) else { continue };
                each(Row { id, columns })?;
            }
        }
        Ok(())
    }

    /// The id and the bytes of the row that begins here, with its rest from other pages.
    fn cell(&self, page: &[u8], at: usize, tree: Tree) -> Option<(Option<i64>, Vec<u8>)> {
        let cell = page.get(at..)?;
        let (length, read) = varint(cell)?;
        let mut cell = &cell[read..];
        let mut id = None;
        if tree == Tree::Table {
            let (number, read) = varint(cell)?;
            id = Some(number.cast_signed());
            cell = &cell[read..];
        }
        let length = usize::try_from(length).ok().filter(|length| self.may_be_as_long(*length))?;
        let here = self.held_here(length, tree);
        let mut record = cell.get(..here)?.to_vec();
        let mut next = number(cell, here);
        while record.len() < length {
            self.rests.set(self.rests.get().checked_sub(1)?);
            let page = self.page(next).filter(|_| next > 1)?;
            let wanted = (length - record.len()).min(self.page_size - 4);
            record.extend_from_slice(&page[4..4 + wanted]);
            next = number(&page, 0);
        }
        Some((id, record))
    }

    fn may_be_as_long(&self, length: usize) -> bool {
        length as u64 <= u64::from(self.count) * self.page_size as u64
    }

    /// How much of a row of this length stands in its own page, by the rules of the format.
    fn held_here(&self, length: usize, tree: Tree) -> usize {
        let size = self.page_size;
        let most = match tree {
            Tree::Table => size - 35,
            Tree::Index => (size - 12) * 64 / 255 - 23,
        };
        if length <= most {
            return length;
        }
        let least = (size - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (size - 4);
        if fitting <= most { fitting } else { least }
    }

    /// Whether the map of the file says that nothing of this page is in use.
    fn is_free(&self, page: u32) -> bool {
        // Without a head to say so: all of ours have a map.
        if page < 3 || self.head.is_some_and(|head| !head.has_map) {
            return false;
        }
        let held = u32::try_from(self.page_size / 5).unwrap_or(u32::MAX);
        let mut map = (page - 2) / (held + 1) * (held + 1) + 2;
        if u64::from(map - 1) * self.page_size as u64 == LOCKS {
            map += 1;
        }
        let at = page.checked_sub(map + 1).map(|nth| nth as usize * 5);
        let Some((map, at)) = self.page(map).zip(at) else { return false };
        map.get(at) == Some(&2)
    }

    /// A page; none if it lies beyond the end, or cannot be read. The last may be cut.
    fn page(&self, number: u32) -> Option<Vec<u8>> {
        if number == 0 || number > self.count {
            return None;
        }
        let mut page = vec![0; self.page_size];
        if self.wal.as_ref().is_some_and(|wal| wal.page(number, &mut page)) {
            return Some(page);
        }
        let start = u64::from(number - 1) * self.page_size as u64;
        let mut filled = 0;
        while filled < page.len() {
            match self.file.read_at(&mut page[filled..], start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
        (filled > 0).then_some(page)
    }
}

/// The size of the pages, if this is the start of a database.
fn page_size_by(start: &[u8]) -> Option<usize> {
    let size = match short(start, 16) {
        1 => 65_536,
        size => usize::from(size),
    };
    let is_one = start.starts_with(b"SQLite format 3\0") && size >= 512 && size.is_power_of_two();
    is_one.then_some(size)
}

fn short(bytes: &[u8], at: usize) -> u16 {
    let two = bytes.get(at..at + 2).and_then(|two| two.try_into().ok());
    two.map_or(0, u16::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A database in the shape of ours, with long rows, dropped rows and free pages; its rows.
    fn filled(path: &Path, journal: &str) -> (Connection, Vec<(i64, String, Vec<u8>)>) {
        let connection = Connection::open(path).unwrap();
        connection
            .execute_batch(&format!(
                "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = {journal};
                 CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, body BLOB);
                 CREATE TABLE w (name TEXT, n INTEGER, PRIMARY KEY (name, n)) WITHOUT ROWID;
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
                 INSERT INTO t SELECT i * 7919, 'name ' || i, randomblob(i * i % 20011) FROM n;
                 INSERT INTO w SELECT name, id FROM t;
                 DELETE FROM t WHERE id % 3 = 0 OR id BETWEEN 2000000 AND 4000000;"
            ))
            .unwrap();
        let mut select = connection.prepare("SELECT * FROM t ORDER BY id").unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
        let rows = select.query_map([], read).unwrap().map(Result::unwrap).collect();
        drop(select);
        (connection, rows)
    }

    fn read(path: &Path) -> (Vec<(i64, String, Vec<u8>)>, usize) {
        let (mut of_t, mut of_w) = (Vec::new(), 0);
        Pages::open(path)
            .unwrap()
            .rows(&mut |row| {
                match (row.id, &row.columns[..]) {
                    (Some(id), [Value::Null, name, body]) => {
                        let name = name.text().unwrap().to_owned();
                        of_t.push((id, name, body.blob().unwrap().to_vec()));
                    }
                    (None, [Value::Text(_), Value::Integer(_)]) => of_w += 1,
                    _ => {}
                }
                Ok(())
            })
            .unwrap();
        of_t.sort();
        (of_t, of_w)
    }

    #[test]
    fn every_row_is_read_once_and_none_that_was_dropped() {
        for journal in ["WAL", "DELETE"] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            let (connection, rows) = filled(&path, journal);
            let beside = folder.path().join("x.db-wal");
            assert_eq!(beside.exists(), journal == "WAL");
            assert_eq!(read(&path), (rows.clone(), 900), "{journal}, as it stands");
            drop(connection);
            assert_eq!(read(&path), (rows, 900), "{journal}, closed");
        }
    }

    #[test]
    fn a_bad_page_costs_its_rows_and_a_bad_head_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let (connection, rows) = filled(&path, "WAL");
        drop(connection);
        let good = std::fs::read(&path).unwrap();
        let mut headless = good.clone();
        headless[..100].fill(0xff);
        std::fs::write(&path, &headless).unwrap();
        assert_eq!(Pages::open(&path).unwrap().head(), None);
        assert_eq!(read(&path), (rows.clone(), 900));
        for page in (1..good.len() / PAGE).step_by(61) {
            let mut bad = good.clone();
            bad[page * PAGE..(page + 1) * PAGE].fill(0xee);
            std::fs::write(&path, &bad).unwrap();
            let (read, _) = read(&path);
            assert!(read.len() + 60 > rows.len(), "page {page}: {} rows", read.len());
        }
    }

    #[test]
    fn bytes_without_meaning_are_read_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        // Leaves whose every cell claims a long row, and every chain leads to the next page.
        let mut page = vec![0x81_u8; PAGE];
        page[..8].copy_from_slice(&[13, 0, 0, 0xff, 0xff, 0, 0, 0]);
        std::fs::write(&path, page.repeat(300)).unwrap();
        assert_eq!(read(&path).0, []);
        std::fs::write(&path, b"notes").unwrap();
        assert_eq!(read(&path).0, []);
    }
}
