//! A zip around csv, as Binance gives its bulk files.
//!
//! Nothing is unpacked to a disk, no name in it is followed, and no more comes out of it than
//! [`MOST_BYTES`] in [`MOST_FILES`] files, whatever it claims.

use std::io::{Read, Seek};
use std::path::Path;

use zip::ZipArchive;

use super::table;
use super::{MOST_BYTES, Rows, senseless};
use crate::error::{Error, sanitized};
use crate::market::Interval;

/// The most files that a zip may hold.
pub const MOST_FILES: usize = 1000;

/// What every zip begins with.
pub const MAGIC: [u8; 4] = *b"PK\x03\x04";

/// Reads the csv files in a zip, whose bars are so long.
pub fn read(from: impl Read + Seek, interval: Interval) -> Result<Rows, Error> {
    let wrong = |error: zip::result::ZipError| senseless(sanitized(&error.to_string()));
    let mut archive = ZipArchive::new(from).map_err(wrong)?;
    if archive.len() > MOST_FILES {
        return Err(senseless(format!("it holds more than {MOST_FILES} files")));
    }
    let mut all = Rows::default();
    let mut left = MOST_BYTES;
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).map_err(wrong)?;
        let name = file.name().map_err(wrong)?.into_owned();
        if Path::new(&name).extension().is_none_or(|end| !end.eq_ignore_ascii_case("csv")) {
            continue;
        }
        let mut bounded = (&mut file).take(left + 1);
        let rows = table::read(&mut bounded, interval)?;
        let unread = bounded.limit();
        left = unread.checked_sub(1).ok_or_else(|| senseless("it unpacks to too much"))?;
        all.rows.extend(rows.rows);
        all.left_out += rows.left_out;
    }
    if all.rows.is_empty() {
        return Err(senseless("it holds no csv with a bar"));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write as _};

    use proptest::prelude::*;
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            writer.start_file(*name, SimpleFileOptions::default()).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const ROW: &[u8] = b"1704067200000,1,3,0.5,2,100,1704067259999,9,4,5,6,0\n";

    #[test]
    fn the_csv_in_a_zip_is_read_whatever_its_name_wants() {
        let bytes = zipped(&[("../../etc/a.csv", ROW), ("README", b"x"), ("b.CSV", ROW)]);
        let rows = read(Cursor::new(bytes), Interval::Minute1).unwrap();
        assert_eq!(rows.rows.len(), 2);
        let none = zipped(&[("README", b"x")]);
        assert!(read(Cursor::new(none), Interval::Minute1).is_err());
    }

    #[test]
    fn more_files_than_anybody_packs_are_refused() {
        let files = vec![("a.txt", &b""[..]); 1];
        assert!(read(Cursor::new(zipped(&files)), Interval::Day1).is_err());
        let names: Vec<String> = (0..=MOST_FILES).map(|at| format!("{at}.csv")).collect();
        let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), ROW)).collect();
        let error = read(Cursor::new(zipped(&many)), Interval::Minute1).unwrap_err();
        assert!(error.message.contains("more than 1000 files"), "{error}");
    }

    proptest! {
        #[test]
        fn a_zip_that_was_tampered_with_is_no_reason_to_panic(at in 0..150_usize, bits in any::<u8>(), cut in 0..150_usize) {
            let mut bytes = zipped(&[("a.csv", ROW)]);
            let place = at % bytes.len();
            bytes[place] ^= bits;
            let _ = read(Cursor::new(&bytes[..]), Interval::Minute1);
            let cut = cut % bytes.len();
            let _ = read(Cursor::new(&bytes[..cut]), Interval::Minute1);
        }
    }
}
