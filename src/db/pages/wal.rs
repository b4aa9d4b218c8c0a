//! The write-ahead log beside a database: which pages it holds newer than the file does.
//!
//! As SQLite reads it: up to the first frame whose sum does not fit, and of those only what was
//! committed.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// The bytes before the first frame.
const HEAD: u64 = 32;

/// The bytes before the page in a frame.
const FRAME_HEAD: u64 = 24;

/// The committed pages of a log.
#[derive(Debug)]
pub(super) struct Wal {
    file: File,
    /// Where the newest of each page stands.
    pages: HashMap<u32, u64>,
    /// How many pages the database has, by the last commit.
    pub(super) count: u32,
}

impl Wal {
    /// The log of this name; none if it holds nothing that was committed.
    pub(super) fn open(path: &Path, page_size: usize) -> Option<Self> {
        let file = File::open(path).ok()?;
        let mut head = [0; 32];
        file.read_exact_at(&mut head, 0).ok()?;
        // The last bit of the magic says in which order the words of a sum are read.
        let is_big = match number(&head, 0) {
            0x377f_0682 => false,
            0x377f_0683 => true,
            _ => return None,
        };
        let mut sum = Sum { is_big, halves: (0, 0) };
        sum.add(&head[..24]);
        if !sum.is(&head[24..]) || number(&head, 8) as usize != page_size {
            return None;
        }
        let mut wal = Self { file, pages: HashMap::new(), count: 0 };
        wal.read(&head[16..24], sum, page_size);
        (wal.count > 0).then_some(wal)
    }

    fn read(&mut self, salt: &[u8], mut sum: Sum, page_size: usize) {
        let mut frame = vec![0; 24 + page_size];
        let mut uncommitted = HashMap::new();
        let mut at = HEAD;
        while self.file.read_exact_at(&mut frame, at).is_ok() {
            let (head, page) = frame.split_at(24);
            sum.add(&head[..8]);
            sum.add(page);
            if head[8..16] != *salt || !sum.is(&head[16..]) {
                break;
            }
            uncommitted.insert(number(head, 0), at + FRAME_HEAD);
            if number(head, 4) > 0 {
                self.count = number(head, 4);
                self.pages.extend(uncommitted.drain());
            }
            at += frame.len() as u64;
        }
    }

    /// Reads a page, if the log has it; whether it has.
    pub(super) fn page(&self, number: u32, into: &mut [u8]) -> bool {
        self.pages.get(&number).is_some_and(|at| self.file.read_exact_at(into, *at).is_ok())
    }
}

/// The sum that runs through all frames.
struct Sum {
    is_big: bool,
    halves: (u32, u32),
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        let word = |bytes: &[u8]| {
            let number = number(bytes, 0);
            if self.is_big { number } else { number.swap_bytes() }
        };
        let (mut a, mut b) = self.halves;
        for pair in bytes.chunks_exact(8) {
            a = a.wrapping_add(word(pair)).wrapping_add(b);
            b = b.wrapping_add(word(&pair[4..])).wrapping_add(a);
        }
        self.halves = (a, b);
    }

    fn is(&self, written: &[u8]) -> bool {
        self.halves == (number(written, 0), number(written, 4))
    }
}

/// Four bytes as a number, as all numbers of the format but those of a sum stand; 0 beyond the end.
pub(super) fn number(bytes: &[u8], at: usize) -> u32 {
    let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
    four.map_or(0, u32::from_be_bytes)
}
