//! One row as it lies in a page: its columns, by the file format (sqlite.org/fileformat2.html).
//!
//! Nothing here believes what it reads: a length that does not fit is no row.

/// A value as it lies there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing; also the id of a row where a column is that.
    Null,
    /// A whole number.
    Integer(i64),
    /// Any other number: no column of ours has one.
    Real,
    /// A text, of which nobody has said yet that it is one.
    Text(&'a [u8]),
    /// Bytes.
    Blob(&'a [u8]),
}

impl<'a> Value<'a> {
    /// The number, if it is one.
    pub fn integer(self) -> Option<i64> {
        if let Self::Integer(number) = self { Some(number) } else { None }
    }

    /// The text, if it is one.
    pub fn text(self) -> Option<&'a str> {
        if let Self::Text(bytes) = self { str::from_utf8(bytes).ok() } else { None }
    }

    /// The bytes, if it is a blob.
    pub fn blob(self) -> Option<&'a [u8]> {
        if let Self::Blob(bytes) = self { Some(bytes) } else { None }
    }
}

/// The columns of a record; none if it is not one.
pub(super) fn columns(record: &[u8]) -> Option<Vec<Value<'_>>> {
    let (length, start) = varint(record)?;
    let length = usize::try_from(length).ok()?;
    let (mut head, mut body) = (record.get(start..length)?, record.get(length..)?);
    let mut columns = Vec::new();
    while !head.is_empty() {
        let (kind, read) = varint(head)?;
        head = &head[read..];
        let size = size_of(kind)?;
        let (bytes, rest) = body.split_at_checked(size)?;
        columns.push(value(kind, bytes));
        body = rest;
    }
    // What is longer or shorter than its head says was never written so.
    body.is_empty().then_some(columns)
}

/// How many bytes a column of this kind takes.
fn size_of(kind: u64) -> Option<usize> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => usize::try_from(kind).ok()?,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => usize::try_from((kind - 12) / 2).ok()?,
    })
}

fn value(kind: u64, bytes: &[u8]) -> Value<'_> {
    match kind {
        0 => Value::Null,
        1..=6 => {
            let negative = bytes.first().is_some_and(|first| first & 0x80 != 0);
            let start = if negative { -1 } else { 0 };
            Value::Integer(bytes.iter().fold(start, |n, byte| n << 8 | i64::from(*byte)))
        }
        7 => Value::Real,
        8 => Value::Integer(0),
        9 => Value::Integer(1),
        kind if kind % 2 == 0 => Value::Blob(bytes),
        _ => Value::Text(bytes),
    }
}

/// A number of one to nine bytes, and how many it took.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, at + 1));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(8)?), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_sqlite_writes_them() {
        for (bytes, expected) in [
            (&[0x00][..], Some((0, 1))),
            (&[0x7f], Some((127, 1))),
            (&[0x81, 0x00], Some((128, 2))),
            (&[0xff; 9], Some((u64::MAX, 9))),
            (&[0x81], None),
            (&[], None),
        ] {
            assert_eq!(varint(bytes), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_record_is_its_columns_or_nothing() {
        // Six columns: NULL, -2 in one byte, 1, 258 in two bytes, a text of two, a blob of one.
        let record = [7, 0, 1, 9, 2, 17, 14, 0xfe, 1, 2, b'o', b'k', 0xaa];
        let expected = [
            Value::Null,
            Value::Integer(-2),
            Value::Integer(1),
            Value::Integer(258),
            Value::Text(b"ok"),
            Value::Blob(&[0xaa]),
        ];
        assert_eq!(columns(&record).unwrap(), expected);
        for length in 0..record.len() {
            assert_eq!(columns(&record[..length]), None, "cut to {length}");
        }
        assert_eq!(columns(&[&record[..], &[0]].concat()), None, "too long");
    }
}
