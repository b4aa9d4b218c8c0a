//! What becomes of a good input: a few changes that a broken upstream, a torn transfer or a hostile
//! hand might make. It knows a little of JSON, so that most of what it makes is still read far into.

use std::ops::Range;

use crate::sandbox::Random;

/// What numbers and words are replaced with: edges of what is a number, a time, a name.
const ODD: [&str; 44] = [
    "0",
    "-0",
    "-1",
    "1e999",
    "-1e999",
    "1e308",
    "1e-400",
    "4.9e-324",
    "NaN",
    "\"NaN\"",
    "\"Infinity\"",
    "null",
    "true",
    "\"\"",
    "\" \"",
    "{}",
    "[]",
    "[[]]",
    "{\"\":{}}",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551616",
    "170141183460469231731687303715884105728",
    "253402300799",
    "253402300800",
    "-62135596800",
    "-62135596801",
    "99999999999999",
    "0.1",
    "+1",
    "1.",
    ".5",
    "00",
    "1,000",
    "12%",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\u{feff}",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31T23:59:60Z",
    "\"2026-03-29T02:30:00+99:99\"",
    "é",
];

/// Bytes that mean something to one parser or another.
const TELLING: &[u8] = b"{}[]\",:;\\/%.-+eE0123456789 \n\r\t*|=&<>#!@~'\0\xff\xc3\x80";

/// An input like this one, or like both.
pub fn mutated(seed: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(5) {
        mutate(&mut bytes, other, random);
    }
    // Longer ones only say the same more slowly.
    bytes.truncate(64 * 1024);
    bytes
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let length = bytes.len();
    if length == 0 {
        bytes.extend_from_slice(other);
        return;
    }
    match random.below(16) {
        0 => bytes[random.below(length)] ^= 1 << random.below(8),
        1 => bytes[random.below(length)] = TELLING[random.below(TELLING.len())],
        2 => bytes.insert(random.below(length + 1), TELLING[random.below(TELLING.len())]),
        3 => drop(bytes.drain(stretch(length, random))),
        4 => {
            let copy = bytes[stretch(length, random)].to_vec();
            let at = random.below(length + 1);
            bytes.splice(at..at, copy);
        }
        5 => bytes.truncate(random.below(length + 1)),
        6 => {
            let part = stretch(other.len().max(1), random);
            let copy = other.get(part).unwrap_or_default().to_vec();
            bytes.splice(stretch(length, random), copy);
        }
        7 => {
            let deep = [&b"["[..], b"{\"a\":"][random.below(2)].repeat(random.below(300));
            let at = random.below(length + 1);
            bytes.splice(at..at, deep);
        }
        8 => {
            // A number of any size, as a binary format counts.
            let at = random.below(length);
            let end = length.min(at + 8);
            let edge = [0, 1, u64::from(u32::MAX), u64::MAX, i64::MAX.cast_unsigned()];
            let number = edge[random.below(edge.len())].to_le_bytes();
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
        _ => restructure(bytes, other, random),
    }
}

/// A change that leaves the rest of JSON what it was.
fn restructure(bytes: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let Some(value) = value_near(bytes, random.below(bytes.len())) else { return };
    match random.below(6) {
        0 | 1 => {
            let odd = ODD[random.below(ODD.len())];
            bytes.splice(value, odd.bytes());
        }
        2 => {
            // Another value of the same input stands in its place: of another shape, most likely.
            let Some(copy) = value_near(bytes, random.below(bytes.len())) else { return };
            let copy = bytes[copy].to_vec();
            bytes.splice(value, copy);
        }
        3 => {
            if other.is_empty() {
                return;
            }
            let Some(copy) = value_near(other, random.below(other.len())) else { return };
            bytes.splice(value, other[copy].to_vec());
        }
        4 => {
            // It is there twice, in a row or as a member of the same name.
            let mut copy = bytes[value.clone()].to_vec();
            copy.insert(0, b',');
            bytes.splice(value.end..value.end, copy);
        }
        _ => {
            // It is not there, and neither is the comma behind it.
            let comma = usize::from(bytes.get(value.end) == Some(&b','));
            drop(bytes.drain(value.start..value.end + comma));
        }
    }
}

/// A stretch of so many places, mostly a short one.
fn stretch(length: usize, random: &mut Random) -> Range<usize> {
    let from = random.below(length);
    let most = if random.below(4) == 0 { length } else { 24 };
    from..length.min(from + 1 + random.below(most))
}

/// The first JSON value that begins at a place or behind it; a number or a word outside of strings
/// will do, so this finds the cells of csv too.
fn value_near(bytes: &[u8], at: usize) -> Option<Range<usize>> {
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || b"-\"{[".contains(byte);
    let from = at + bytes[at..].iter().position(begins)?;
    let rest = &bytes[from..];
    let length = match rest[0] {
        b'"' => 2 + rest[1..].iter().position(|byte| *byte == b'"')?,
        b'{' | b'[' => closing(rest)? + 1,
        _ => {
            let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"-+.".contains(byte);
            rest.iter().position(|byte| !goes_on(byte)).unwrap_or(rest.len())
        }
    };
    Some(from..from + length)
}

/// Where what begins with a bracket ends; brackets in strings count, which is wrong and does no harm.
fn closing(rest: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in rest.iter().enumerate() {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}
