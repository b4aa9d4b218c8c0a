//! Files that say one thing to who checks them and another to the library that reads them.

use std::sync::atomic::Ordering;

use ::parquet::column::page::PageReader as _;
use ::parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use ::parquet::file::reader::ChunkReader as _;
use ::parquet::file::serialized_reader::SerializedPageReader;
use bytes::Bytes;

use super::*;
use crate::cache::carry::foreign::MOST_BYTES;
use crate::cache::carry::foreign::parquet::bounds::{
    Bounded, Held, budget, check_chunk, check_foot,
};
use crate::cache::carry::foreign::parquet::reading::foot;
use crate::cache::carry::foreign::parquet::thrift::Thrift;

const INT: u8 = 5;
const LONG: u8 = 6;
const BYTES: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 0x7f {
        bytes.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

fn number(value: i64) -> Vec<u8> {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned())
}

fn text(bytes: &[u8]) -> Vec<u8> {
    [varint(bytes.len() as u64), bytes.to_vec()].concat()
}

fn list(kind: u8, elements: &[Vec<u8>]) -> Vec<u8> {
    [vec![0xf0 | kind], varint(elements.len() as u64), elements.concat()].concat()
}

/// A struct of fields by their numbers and kinds.
fn fields(of: &[(i64, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, kind, value) in of {
        bytes.push(*kind);
        bytes.extend(number(*id));
        bytes.extend(value);
    }
    bytes.push(0);
    bytes
}

/// A file that has this foot.
fn ended(body: &[u8], foot: &[u8]) -> Bytes {
    let length = u32::try_from(foot.len()).unwrap().to_le_bytes();
    [b"PAR1", body, foot, &length, b"PAR1"].concat().into()
}

/// An element of a schema that holds so many; further fields behind it.
fn element(name: &str, (kind, children): (u8, i64), more: &[(i64, u8, Vec<u8>)]) -> Vec<u8> {
    let mut all = vec![(3, INT, number(0)), (4, BYTES, text(name.as_bytes()))];
    all.push((5, kind, number(children)));
    all.extend_from_slice(more);
    fields(&all)
}

/// The foot of a file without rows that has this schema.
fn foot_of(schema: &[Vec<u8>]) -> Vec<(i64, u8, Vec<u8>)> {
    vec![
        (1, INT, number(1)),
        (2, LIST, list(STRUCT, schema)),
        (3, LONG, number(0)),
        (4, LIST, list(STRUCT, &[])),
    ]
}

fn leaf(more: &[(i64, u8, Vec<u8>)]) -> Vec<u8> {
    fields(
        &[&[(1, INT, number(5)), (3, INT, number(0)), (4, BYTES, text(b"a"))][..], more].concat(),
    )
}

fn is_refused(foot: &[(i64, u8, Vec<u8>)]) -> bool {
    check_foot(&ended(&[], &fields(foot))).is_err()
}

#[test]
fn a_schema_that_hides_behind_a_field_of_another_kind_is_refused() {
    // To who skips bytes a text; to who reads a number one of two bytes, and then a schema that is
    // nested a million deep.
    let nested = vec![vec![0x48, 0, 0x15, 2, 0]; 1_000_000];
    let hidden = text(&[vec![LIST], number(2), list(STRUCT, &nested), vec![0]].concat());
    let sound = foot_of(&[element("a", (INT, 1), &[]), leaf(&[])]);
    assert!(!is_refused(&sound));
    let mut foot = sound.clone();
    foot[0] = (1, BYTES, hidden.clone());
    assert!(is_refused(&foot));
    // The same behind a number that the library does not know: a list of truths.
    for kind in [1, 2] {
        let truths = [vec![0xf0 | kind], varint(hidden.len() as u64), hidden.clone()].concat();
        assert!(is_refused(&[&[(1, INT, number(1)), (2, LIST, truths)][..], &sound[2..]].concat()));
        let unknown = [vec![0x30 | kind], vec![1; 3]].concat();
        assert!(is_refused(&[&sound[..], &[(10, LIST, unknown)]].concat()));
    }
    assert!(is_refused(&[&sound[..1], &sound[2..]].concat()), "there is no schema");
    let mut cut_off = sound.clone();
    cut_off[0] = (1, INT, number(1 << 32));
    assert!(is_refused(&cut_off));
}

#[test]
fn every_field_that_the_library_knows_has_its_kind_or_is_refused() {
    let value = |kind: u8| match kind {
        1 | 2 => vec![],
        LIST => list(STRUCT, &[]),
        7 => vec![0; 8],
        _ => vec![0],
    };
    let sound = foot_of(&[element("a", (INT, 1), &[]), leaf(&[])]);
    let of = |id: i64| match id {
        1 => INT,
        2 | 4 | 5 | 7 => LIST,
        3 => LONG,
        8 => STRUCT,
        _ => BYTES,
    };
    for id in 1..=9 {
        for kind in (1..=12).filter(|kind| ![of(id), 11].contains(kind)) {
            let mut foot: Vec<_> = sound.iter().filter(|field| field.0 != id).cloned().collect();
            foot.push((id, kind, value(kind)));
            foot.sort_by_key(|field| field.0);
            assert!(is_refused(&foot), "field {id} of the foot, of kind {kind}");
        }
    }
    for id in 1..=10 {
        let kind = match id {
            4 => BYTES,
            10 => STRUCT,
            _ => INT,
        };
        for other in (1..=12).filter(|other| ![kind, 11].contains(other)) {
            let said = [(id, other, value(other))];
            let schema = [element("a", (INT, 1), &[]), fields(&said)];
            assert!(is_refused(&foot_of(&schema)), "field {id} of an element, of kind {other}");
        }
    }
    // What it holds as a number of another width: to the library it holds that all the same.
    assert!(is_refused(&foot_of(&[element("a", (LONG, 1), &[]), leaf(&[])])));
    let logical = |id, said: Vec<(i64, u8, Vec<u8>)>| {
        let logical = fields(&[(id, STRUCT, fields(&said))]);
        let said = [(10, STRUCT, logical)];
        is_refused(&foot_of(&[element("a", (INT, 1), &[]), leaf(&said)]))
    };
    assert!(!logical(5, vec![(1, INT, number(2)), (2, INT, number(9))]));
    assert!(logical(5, vec![(1, LONG, number(2)), (2, INT, number(9))]));
    assert!(logical(10, vec![(1, INT, number(64)), (2, 1, vec![])]));
    assert!(logical(10, vec![(1, 3, vec![64]), (2, INT, number(1))]));
    assert!(logical(8, vec![(1, 1, vec![]), (2, INT, number(0))]));
    assert!(logical(17, vec![(1, INT, number(0))]));
}

/// The head of a page of a dictionary; the second field is what it comes to.
fn head(kind: u8, unpacked: i64, packed: usize) -> Vec<u8> {
    let about = fields(&[(1, INT, number(1)), (2, INT, number(0))]);
    fields(&[
        (1, INT, number(2)),
        (2, kind, number(unpacked)),
        (3, INT, number(i64::try_from(packed).unwrap())),
        (7, STRUCT, about),
    ])
}

/// A file of one packed page that says that it comes to so much.
fn of_page(kind: u8, unpacked: i64) -> Bytes {
    let page = [head(kind, unpacked, 800), vec![0; 800]].concat();
    let column = fields(&[
        (1, INT, number(5)),
        (2, LIST, list(INT, &[number(0)])),
        (4, INT, number(1)),
        (5, LONG, number(1)),
        (6, LONG, number(unpacked)),
        (7, LONG, number(i64::try_from(page.len()).unwrap())),
        (9, LONG, number(4)),
    ]);
    let chunk = fields(&[(2, LONG, number(0)), (3, STRUCT, column)]);
    let group =
        fields(&[(1, LIST, list(STRUCT, &[chunk])), (2, LONG, number(1)), (3, LONG, number(1))]);
    let mut foot = foot_of(&[element("a", (INT, 1), &[]), leaf(&[])]);
    foot[3].2 = list(STRUCT, &[group]);
    ended(&page, &fields(&foot))
}

#[test]
fn a_page_comes_to_what_the_library_reads_or_is_refused() {
    for (kind, unpacked, is_sound) in [
        (INT, 1000, true),
        (INT, i64::from(i32::MAX), false),
        (INT, -1, false),
        (INT, (1 << 32) + 1000, false),
        (LONG, i64::from(i32::MAX), false),
        (LONG, 1000, false),
        (4, 1000, false),
    ] {
        let file = of_page(kind, unpacked);
        check_foot(&file).unwrap();
        let metadata = foot(&file).unwrap();
        let chunk = metadata.row_group(0).column(0);
        let left = budget();
        let pages = Bounded::new(file, chunk, Arc::clone(&left));
        assert_eq!(pages.get_read(4).is_ok(), is_sound, "{kind}: {unpacked}");
        let taken = MOST_BYTES - left.load(Ordering::Relaxed);
        assert_eq!(taken, if is_sound { 1000 } else { 0 });
    }
}

#[test]
fn what_is_inside_the_head_of_a_page_has_its_kind_too() {
    let of = |id, said: &[(i64, u8, Vec<u8>)]| {
        let said = fields(&[(2, INT, number(1000)), (id, STRUCT, fields(said))]);
        Thrift::new(said.into()).head()
    };
    let levels = of(8, &[(5, INT, number(7)), (6, INT, number(8))]).unwrap();
    assert_eq!((levels.unpacked, levels.levels), (1000, 15));
    for (id, field, known) in [(5, 1, 4), (7, 1, 2), (8, 1, 6)]
        .into_iter()
        .flat_map(|(id, first, last)| (first..=last).map(move |field| (id, field, INT)))
    {
        assert!(of(id, &[(field, known, number(1))]).is_some());
        for other in [1, 3, 4, LONG] {
            assert!(of(id, &[(field, other, number(1))]).is_none(), "{id}.{field}: {other}");
        }
    }
    for (id, field) in [(7, 3), (8, 7)] {
        assert!(of(id, &[(field, 2, vec![])]).is_some());
        assert!(of(id, &[(field, INT, number(0))]).is_none());
    }
    assert!(of(6, &[(1, INT, number(0))]).is_some());
    assert!(Thrift::new(fields(&[(8, INT, number(0))]).into()).head().is_none());
}

#[test]
fn names_and_things_that_would_come_to_much_are_refused() {
    // Each column is kept with the names of all that it lies in.
    let deep = |name: &str, leaves: usize| {
        let mut schema = vec![element(name, (INT, 1), &[]); 9];
        schema.push(element(name, (INT, i64::try_from(leaves).unwrap()), &[]));
        schema.extend(vec![leaf(&[]); leaves]);
        is_refused(&foot_of(&schema))
    };
    assert!(!deep("a", 5000));
    assert!(!deep(&"a".repeat(10_000), 2));
    assert!(deep(&"a".repeat(10_000), 5000));
    let mut foot = foot_of(&[element("a", (INT, 1), &[]), leaf(&[])]);
    foot[3].2 = list(STRUCT, &vec![vec![0]; (1 << 18) + 1]);
    assert!(is_refused(&foot));
    assert!(size_of::<ColumnChunkMetaData>() <= 1024, "the most is a quarter of a gigabyte");
}

#[test]
fn a_dictionary_takes_of_the_budget_while_it_is_held() {
    let all = budget();
    let most = usize::try_from(MOST_BYTES / 8).unwrap();
    let held = Held::of::<u64>(most, &all).unwrap();
    assert_eq!(all.load(Ordering::Relaxed), 0);
    assert!(Held::of::<u64>(1, &all).is_err());
    drop(held);
    assert!(Held::of::<u64>(most + 1, &all).is_err());
    assert_eq!(all.load(Ordering::Relaxed), MOST_BYTES);
}

/// Where the heads of fields are in a struct; moves on to behind it.
fn heads(bytes: &[u8], at: &mut usize, found: &mut Vec<usize>) {
    loop {
        let head = bytes[*at];
        *at += 1;
        if head == 0 {
            return;
        }
        found.push(*at - 1);
        assert!(head >> 4 > 0, "writers of ours write no long form");
        pass(bytes, head & 0xf, at, found);
    }
}

fn pass(bytes: &[u8], kind: u8, at: &mut usize, found: &mut Vec<usize>) {
    let varint = |at: &mut usize| {
        let mut value = 0_usize;
        for shift in (0..).step_by(7) {
            value |= usize::from(bytes[*at] & 0x7f) << shift;
            *at += 1;
            if bytes[*at - 1] < 0x80 {
                return value;
            }
        }
        value
    };
    match kind {
        1 | 2 => {}
        3 => *at += 1,
        7 => *at += 8,
        BYTES => *at += varint(at),
        LIST => {
            let head = bytes[*at];
            *at += 1;
            let count = if head >> 4 == 15 { varint(at) } else { usize::from(head >> 4) };
            (0..count).for_each(|_| pass(bytes, head & 0xf, at, found));
        }
        STRUCT => heads(bytes, at, found),
        _ => drop(varint(at)),
    }
}

/// Where the heads of fields are in a file that is sound: of its foot, and of the pages.
fn all_heads(file: &Bytes) -> (Vec<usize>, Vec<usize>) {
    let tail = file[file.len() - 8..].first_chunk().copied().unwrap();
    let mut at = file.len() - 8 - u32::from_le_bytes(tail) as usize;
    let (mut of_foot, mut of_pages) = (Vec::new(), Vec::new());
    heads(file, &mut at, &mut of_foot);
    for chunk in foot(file).unwrap().row_groups().iter().flat_map(RowGroupMetaData::columns) {
        let (begin, _) = chunk.byte_range();
        heads(file, &mut usize::try_from(begin).unwrap(), &mut of_pages);
        heads(file, &mut usize::try_from(chunk.data_page_offset()).unwrap(), &mut of_pages);
    }
    (of_foot, of_pages)
}

/// What the library unpacks of a file, and what that took of the budget.
fn unpacked(file: &Bytes) -> Option<(u64, u64)> {
    check_foot(file).ok()?;
    let metadata = foot(file).ok()?;
    let (all, mut bytes) = (budget(), 0);
    for group in metadata.row_groups() {
        let rows = usize::try_from(group.num_rows()).ok()?;
        for chunk in group.columns() {
            check_chunk(chunk, file).ok()?;
            let source = Bounded::new(file.clone(), chunk, Arc::clone(&all));
            let mut pages = SerializedPageReader::new(Arc::new(source), chunk, rows, None).ok()?;
            while let Ok(Some(page)) = pages.get_next_page() {
                let is_unpacked = chunk.compression() != Compression::UNCOMPRESSED;
                bytes += if is_unpacked { page.buffer().len() as u64 } else { 0 };
            }
        }
    }
    Some((bytes, MOST_BYTES - all.load(Ordering::Relaxed)))
}

#[test]
fn what_is_unpacked_of_a_sound_file_is_all_that_it_takes() {
    let (bytes, taken) =
        unpacked(&victim(Compression::SNAPPY, WriterVersion::PARQUET_1_0).into()).unwrap();
    assert!(bytes > 0 && bytes == taken, "{bytes} {taken}");
}

#[test]
fn no_kind_of_a_field_in_the_head_of_a_page_lets_it_be_unpacked_for_nothing() {
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        let sound = victim(Compression::SNAPPY, version);
        let (_, of_pages) = all_heads(&sound.clone().into());
        for (at, kind) in
            of_pages.iter().take(24).flat_map(|at| (1..16).map(move |kind| (*at, kind)))
        {
            let mut changed = sound.clone();
            changed[at] = changed[at] & 0xf0 | kind;
            if let Some((bytes, taken)) = unpacked(&changed.into()) {
                assert!(bytes <= taken, "{bytes} were unpacked for {taken}: {kind} at {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn fields_of_other_kinds_and_numbers_are_no_reason_to_panic_or_to_unpack_for_nothing(
        changes in proptest::collection::vec(
            (any::<bool>(), any::<prop::sample::Index>(), 1..=15_u8, any::<bool>()), 1..4),
        by in 0..3,
        is_new in any::<bool>(),
    ) {
        let by = match by {
            0 => Compression::UNCOMPRESSED,
            1 => Compression::SNAPPY,
            _ => Compression::GZIP(GzipLevel::default()),
        };
        let version = if is_new { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let mut bytes = victim(by, version);
        let (of_foot, of_pages) = all_heads(&bytes.clone().into());
        for (is_foot, at, nibble, is_kind) in changes {
            let heads = if is_foot { &of_foot } else { &of_pages };
            let byte = &mut bytes[*at.get(heads)];
            *byte = if is_kind { *byte & 0xf0 | nibble } else { *byte & 0xf | nibble << 4 };
        }
        let file = Bytes::from(bytes);
        if let Some((bytes, taken)) = unpacked(&file) {
            prop_assert!(bytes <= taken, "{} were unpacked for {}", bytes, taken);
        }
        for interval in [Interval::Day1, Interval::Minute1] {
            let _ = rows(file.clone(), interval);
        }
    }
}
