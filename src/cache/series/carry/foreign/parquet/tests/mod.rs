//! Files as pandas, polars, Spark and mcache write them, and as nobody should.

#![expect(clippy::float_cmp, reason = "what is read is what was written, to the last bit")]

use std::sync::Arc;

use ::parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use ::parquet::data_type::{
    ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type, Int96, Int96Type,
};
use ::parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use ::parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use ::parquet::schema::parser::parse_message_type;
use proptest::prelude::*;

use super::reading::rows;
use crate::cache::carry::foreign::{Adjusted, Rows, When};
use crate::calendar::Date;
use crate::error::Error;
use crate::market::Interval;

mod hostile;

/// A column that is written.
#[derive(Clone)]
enum Said {
    Long(Vec<Option<i64>>),
    Int(Vec<Option<i32>>),
    Real(Vec<Option<f64>>),
    Short(Vec<Option<f32>>),
    Text(Vec<Option<&'static str>>),
    Julian(Vec<Option<[u32; 3]>>),
    Fixed(Vec<Option<Vec<u8>>>),
}

fn write<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, said: &[Option<T::T>]) {
    let mut column = group.next_column().unwrap().unwrap();
    let there: Vec<i16> = said.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<T::T> = said.iter().flatten().cloned().collect();
    column.typed::<T>().write_batch(&values, Some(&there), None).unwrap();
    column.close().unwrap();
}

fn built(properties: WriterPropertiesBuilder, schema: &str, groups: &[Vec<Said>]) -> Vec<u8> {
    let schema = Arc::new(parse_message_type(&format!("message a {{{schema}}}")).unwrap());
    let mut file =
        SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
    for columns in groups {
        let mut group = file.next_row_group().unwrap();
        for said in columns {
            match said {
                Said::Long(said) => write::<Int64Type>(&mut group, said),
                Said::Int(said) => write::<Int32Type>(&mut group, said),
                Said::Real(said) => write::<DoubleType>(&mut group, said),
                Said::Short(said) => write::<FloatType>(&mut group, said),
                Said::Text(said) => {
                    let said: Vec<_> = said.iter().map(|text| text.map(ByteArray::from)).collect();
                    write::<ByteArrayType>(&mut group, &said);
                }
                Said::Julian(said) => {
                    let said: Vec<_> = said
                        .iter()
                        .map(|parts| {
                            parts.map(|[a, b, c]| {
                                let mut value = Int96::new();
                                value.set_data(a, b, c);
                                value
                            })
                        })
                        .collect();
                    write::<Int96Type>(&mut group, &said);
                }
                Said::Fixed(said) => {
                    let said: Vec<_> = said
                        .iter()
                        .map(|bytes| bytes.clone().map(|bytes| ByteArray::from(bytes).into()))
                        .collect();
                    write::<FixedLenByteArrayType>(&mut group, &said);
                }
            }
        }
        group.close().unwrap();
    }
    file.into_inner().unwrap()
}

fn packed(by: Compression) -> WriterPropertiesBuilder {
    WriterProperties::builder().set_compression(by)
}

fn file(schema: &str, columns: &[Said]) -> Vec<u8> {
    built(packed(Compression::SNAPPY), schema, &[columns.to_vec()])
}

fn days(file: Vec<u8>) -> Result<Rows, Error> {
    rows(file.into(), Interval::Day1)
}

fn day(text: &str) -> When {
    When::Day(Date::parse(text).unwrap())
}

/// The schema of prices, with times of this kind.
fn prices(time: &str) -> String {
    let of = |name: &str| format!("optional double {name};");
    format!("{}optional int64 Volume;{time};", ["Open", "High", "Low", "Close"].map(of).concat())
}

/// Two days of prices, but not their times; of the second day the open and the volume are missing.
fn two_days() -> Vec<Said> {
    let real = |a: f64, b| Said::Real(vec![Some(a), b]);
    vec![
        real(1.0, None),
        real(3.0, Some(f64::NAN)),
        real(0.5, Some(1.5)),
        real(2.0, Some(2.5)),
        Said::Long(vec![Some(100), None]),
    ]
}

/// Two days of prices with such times.
fn with(kind: &str, times: Said) -> Vec<u8> {
    let mut columns = two_days();
    columns.push(times);
    file(&prices(kind), &columns)
}

const DAY_NS: i64 = 86_400_000_000_000;
/// 2 January 2024, in days since 1970.
const SECOND: i64 = 19_724;

#[test]
fn the_days_of_everybody_are_read() {
    let long = |a: i64, b: i64| Said::Long(vec![Some(a), Some(b)]);
    let midnight = |unit: i64| long(SECOND * 86_400 * unit, (SECOND + 1) * 86_400 * unit);
    // Midnight of New York, and the hour at which its session begins.
    let new_york = |hours: i64| {
        let at = |day: i64| (day * 24 + hours) * 3_600_000_000_000;
        long(at(SECOND), at(SECOND + 1))
    };
    let julian = |day: u32| Some([0, 0, day + 2_440_588]);
    for (who, kind, times) in [
        ("pandas", "optional int64 Date (TIMESTAMP(NANOS,false))", midnight(1_000_000_000)),
        (
            "pandas, in UTC",
            "optional int64 __index_level_0__ (TIMESTAMP(NANOS,true))",
            midnight(1_000_000_000),
        ),
        ("polars", "optional int64 datetime (TIMESTAMP(MICROS,false))", midnight(1_000_000)),
        (
            "polars' dates",
            "optional int32 date (DATE)",
            Said::Int(vec![Some(19_724), Some(19_725)]),
        ),
        ("fastparquet", "optional int64 index (TIMESTAMP_MICROS)", midnight(1_000_000)),
        ("an older writer", "optional int64 Timestamp (TIMESTAMP_MILLIS)", midnight(1_000)),
        (
            "texts",
            "optional binary DATE (STRING)",
            Said::Text(vec![Some("2024-01-02"), Some("2024-01-03")]),
        ),
        ("numbers", "optional int64 date", long(20_240_102, 20_240_103)),
        ("Spark", "optional int96 Date", Said::Julian(vec![julian(19_724), julian(19_725)])),
    ] {
        let read = days(with(kind, times)).unwrap_or_else(|error| panic!("{who}: {error}"));
        let times: Vec<When> = read.rows.iter().map(|row| row.when).collect();
        assert_eq!(times, [day("2024-01-02"), day("2024-01-03")], "{who}");
        let (first, second) = (read.rows[0], read.rows[1]);
        assert_eq!((first.prices, first.volume), ([1.0, 3.0, 0.5, 2.0], 100.0), "{who}");
        let is_nan = second.prices.map(f64::is_nan);
        assert_eq!((is_nan, second.volume.is_nan()), ([true, true, false, false], true), "{who}");
    }
    for hours in [5, 14] {
        let kind = "optional int64 Date (TIMESTAMP(NANOS,true))";
        let read = days(with(kind, new_york(hours))).unwrap();
        let at = (SECOND * 24 + hours) * 3_600_000;
        assert_eq!(read.rows[0].when, When::At(at), "the calendar says of which date it is");
    }
}

#[test]
fn minutes_have_a_zone_or_are_refused() {
    let minutes = |kind: &str, times: Said| rows(with(kind, times).into(), Interval::Minute1);
    let begin = SECOND * DAY_NS + 52_200_000_000_000;
    let times = || Said::Long(vec![Some(begin), Some(begin + 60_000_000_000)]);
    let read = minutes("optional int64 Datetime (TIMESTAMP(NANOS,true))", times()).unwrap();
    assert_eq!(read.rows[0].when, When::At(begin / 1_000_000));
    for (kind, times, says) in [
        ("optional int64 Datetime (TIMESTAMP(NANOS,false))", times(), "from which zone"),
        ("optional int96 Datetime", Said::Julian(vec![Some([0, 0, 2_460_312]); 2]), "which zone"),
        ("optional int64 Datetime (TIME(NANOS,true))", times(), "it holds no times"),
    ] {
        let error = minutes(kind, times).unwrap_err();
        assert!(error.message.contains(says) && error.message.starts_with("row 1: "), "{error}");
    }
}

#[test]
fn numbers_are_read_however_they_are_held() {
    let schema = "required int32 Date (DATE); optional float Open; optional int32 High;
        optional fixed_len_byte_array(3) Low (DECIMAL(6,2)); optional int64 Close (DECIMAL(18,4));
        optional int32 Volume (INTEGER(32,false)); optional binary Dividends (STRING);
        optional int64 Splits;";
    let columns = [
        Said::Int(vec![Some(19_724), Some(19_725)]),
        Said::Short(vec![Some(1.5), None]),
        Said::Int(vec![Some(3), None]),
        Said::Fixed(vec![Some(vec![0, 0, 150]), Some(vec![0xff, 0xff, 0xff])]),
        Said::Long(vec![Some(23_456), Some(-1)]),
        Said::Int(vec![Some(-1), None]),
        Said::Text(vec![Some("0.25"), Some("")]),
        Said::Long(vec![Some(0), Some(4)]),
    ];
    let mut read = days(file(schema, &columns));
    let rows = &mut read.as_mut().unwrap().rows;
    assert_eq!(rows[0].prices, [1.5, 3.0, 1.5, 2.3456]);
    assert_eq!((rows[0].volume, rows[0].dividend), (4_294_967_295.0, 0.25));
    assert_eq!((rows[1].prices[2], rows[1].prices[3], rows[1].split), (-0.01, -0.0001, 4.0));
    assert!(read.unwrap().has_events);
}

#[test]
fn what_mcache_writes_is_read_as_its_csv_is() {
    let schema = "optional binary symbol (STRING); optional int32 date (DATE);
        required int64 time (TIMESTAMP(MILLIS,true)); optional double close; optional double note;
        required binary state (STRING); optional binary adjust (STRING);";
    let told = |symbol, adjust, state| {
        [
            Said::Text(vec![Some("A"), Some("A"), Some(symbol)]),
            Said::Int(vec![Some(19_724), Some(19_725), Some(19_726)]),
            Said::Long(vec![Some(1), Some(2), Some(3)]),
            Said::Real(vec![Some(1.0), None, Some(2.0)]),
            Said::Real(vec![None; 3]),
            Said::Text(vec![Some("final"), Some("final"), Some(state)]),
            Said::Text(vec![Some(adjust); 3]),
        ]
    };
    let read = |symbol, adjust, state| days(file(schema, &told(symbol, adjust, state)));
    let rows = read("A", "none", "live").unwrap();
    assert_eq!((rows.rows.len(), rows.left_out, rows.adjusted), (1, 2, Some(Adjusted::None)));
    assert_eq!(rows.rows[0].when, day("2024-01-02"));
    let several = read("B", "none", "final").unwrap_err();
    assert!(several.message.contains("row 3: it holds several symbols"), "{several}");
    let adjusted = read("A", "all", "final").unwrap_err();
    assert!(adjusted.message.contains("adjusted for dividends"), "{adjusted}");
    // A row group a symbol, or a year: together they are one file.
    let groups = [told("A", "none", "final").to_vec(), told("A", "none", "final").to_vec()];
    let both = built(packed(Compression::SNAPPY), schema, &groups);
    assert_eq!(days(both).unwrap().rows.len(), 4);
}

#[test]
fn what_cannot_be_meant_is_refused_and_the_rest_ignored() {
    let date = "optional int32 Date (DATE)";
    let dates = || Said::Int(vec![Some(19_724), Some(19_725)]);
    let close = || Said::Real(vec![Some(1.0), Some(2.0)]);
    let of = |schema: &str, columns: &[Said]| days(file(schema, columns));
    for (read, says) in [
        (of(&format!("{date};"), &[dates()]), "do not name a date or time, and a close"),
        (
            of(
                "optional double Close; optional int64 index;",
                &[close(), Said::Long(vec![Some(1); 2])],
            ),
            "do not name",
        ),
        (
            of(
                &format!("{date}; optional double Close; optional double CLOSE;"),
                &[dates(), close(), close()],
            ),
            "`close` is there twice",
        ),
        (
            of(&format!("{date}; optional int32 Close (DATE);"), &[dates(), dates()]),
            "row 1: the column `Close`: it holds no numbers",
        ),
        (
            of("optional double Date; optional double Close;", &[close(), close()]),
            "the column `Date`: it holds no times",
        ),
        (
            of(
                &format!("{date}; optional double Close;"),
                &[dates(), Said::Real(vec![Some(f64::INFINITY); 2])],
            ),
            "`inf` is not a number",
        ),
        (
            of(
                &format!("{date}; optional double Close;"),
                &[Said::Int(vec![Some(i32::MAX); 2]), close()],
            ),
            "is no time at which prices were made",
        ),
        (
            of(&format!("{date}; optional double Close;"), &[Said::Int(vec![None; 2]), close()]),
            "row 1: the column `Date`: it says no time",
        ),
        (
            of(
                &format!("{date}; optional group Close {{ optional double a; }}"),
                &[dates(), close()],
            ),
            "`Close` holds more than one value a row",
        ),
    ] {
        let error = read.unwrap_err();
        assert!(error.message.contains(says), "{error}");
    }
    let nested =
        format!("optional group note {{ optional double close; }} {date}; optional double Close;");
    assert_eq!(of(&nested, &[close(), dates(), close()]).unwrap().rows.len(), 2);
}

#[test]
fn what_packs_a_file_is_unpacked_or_named() {
    let mut columns = two_days();
    columns.push(Said::Int(vec![Some(19_724), Some(19_725)]));
    let schema = prices("optional int32 Date (DATE)");
    for by in [
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::GZIP(GzipLevel::default()),
    ] {
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for has_dictionary in [true, false] {
                let how = packed(by).set_writer_version(version);
                let how = how.set_dictionary_enabled(has_dictionary);
                let read = days(built(how, &schema, &[columns.clone()]));
                let read = read.unwrap_or_else(|error| panic!("{by:?} {version:?}: {error}"));
                assert_eq!(read.rows[1].prices[3], 2.5, "{by:?} {version:?}");
            }
        }
    }
    let at = |compression| {
        // The number of the compression stands in what is said of each column.
        let bytes = built(packed(Compression::UNCOMPRESSED), &schema, &[columns.clone()]);
        days(renumbered(bytes, compression)).unwrap_err()
    };
    for (number, name) in [(4, "brotli"), (5, "lz4"), (7, "lz4_raw"), (3, "lzo")] {
        let error = at(number);
        assert!(error.message.contains(&format!("compressed with {name}, ")), "{error}");
    }
}

/// A file that says of its columns that they are compressed otherwise: field 4 of what is said of a
/// column, behind the names of its path.
fn renumbered(mut bytes: Vec<u8>, compression: u8) -> Vec<u8> {
    for name in ["Open", "High", "Low", "Close", "Volume", "Date"] {
        let foot = bytes.len()
            - 8
            - usize::from(u16::from_le_bytes([bytes[bytes.len() - 8], bytes[bytes.len() - 7]]));
        let path =
            [&[0x19, 0x18, u8::try_from(name.len()).unwrap()], name.as_bytes(), &[0x15]].concat();
        let found = bytes[foot..].windows(path.len()).position(|window| window == path);
        let at = foot + found.unwrap() + path.len();
        bytes[at] = compression << 1;
    }
    bytes
}

#[test]
fn encodings_of_other_writers_are_read_or_named() {
    let count = 700_i64;
    let schema = "optional int64 Date (TIMESTAMP(MILLIS,false)); optional int32 Volume; optional double Close;";
    let gap = |at: i64| at % 7 == 3;
    let columns = [
        Said::Long((0..count).map(|at| Some((SECOND + at) * 86_400_000)).collect()),
        Said::Int(
            (0..count)
                .map(|at| {
                    (!gap(at)).then_some(i32::try_from((at * 7919) % 1_000_003 - 500).unwrap())
                })
                .collect(),
        ),
        Said::Real(
            (0..count).map(|at| Some(f64::from(i32::try_from(at).unwrap()) / 7.0)).collect(),
        ),
    ];
    for (whole, real) in [
        (Encoding::DELTA_BINARY_PACKED, Encoding::BYTE_STREAM_SPLIT),
        (Encoding::BYTE_STREAM_SPLIT, Encoding::PLAIN),
    ] {
        let how = packed(Compression::SNAPPY).set_dictionary_enabled(false);
        let how = how
            .set_column_encoding("Date".into(), whole)
            .set_column_encoding("Volume".into(), whole)
            .set_column_encoding("Close".into(), real)
            .set_data_page_row_count_limit(100)
            .set_write_batch_size(50);
        let read = days(built(how, schema, &[columns.to_vec()])).unwrap();
        assert_eq!(read.rows.len(), 700);
        for (at, row) in (0..count).zip(&read.rows) {
            assert_eq!(row.when, When::Day(Date::from_days(SECOND + at)));
            let volume = row.volume;
            let said = (at * 7919) % 1_000_003 - 500;
            assert!(if gap(at) {
                volume.is_nan()
            } else {
                volume == f64::from(i32::try_from(said).unwrap())
            });
            assert_eq!(row.prices[3], f64::from(i32::try_from(at).unwrap()) / 7.0);
        }
    }
    let how = packed(Compression::SNAPPY).set_dictionary_enabled(false);
    let how = how.set_column_encoding("Date".into(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    let schema = "optional binary Date (STRING); optional double Close;";
    let columns = vec![Said::Text(vec![Some("2024-01-02")]), Said::Real(vec![Some(1.0)])];
    let error = days(built(how, schema, &[columns])).unwrap_err();
    assert!(error.message.contains("DELTA_LENGTH_BYTE_ARRAY, which is not read"), "{error}");
}

#[test]
fn a_file_that_is_cut_off_is_an_error_wherever_that_is() {
    let whole = with("optional int32 Date (DATE)", Said::Int(vec![Some(19_724), Some(19_725)]));
    for cut in 0..whole.len() {
        let error = days(whole[..cut].to_vec()).unwrap_err();
        assert!(error.hint.is_some(), "{error}");
    }
}

/// A file that is damaged in many ways below, packed so.
fn victim(by: Compression, version: WriterVersion) -> Vec<u8> {
    let schema = "optional binary symbol (STRING); optional int64 Date (TIMESTAMP(NANOS,true));
        optional double Open; optional fixed_len_byte_array(4) Close (DECIMAL(8,2)); optional int32 Volume;";
    let how = packed(by).set_writer_version(version);
    let how = how.set_column_dictionary_enabled("Open".into(), false);
    let columns = vec![
        Said::Text(vec![Some("A"); 40]),
        Said::Long((0..40).map(|at| Some((SECOND + at) * DAY_NS)).collect()),
        Said::Real((0..40).map(|at| (at % 3 != 0).then_some(f64::from(at))).collect()),
        Said::Fixed((0..40).map(|at| Some(vec![0, 0, 1, at])).collect()),
        Said::Int((0..40).map(|at| Some(at % 5)).collect()),
    ];
    built(how, schema, &[columns.clone(), columns])
}

proptest! {
    #[test]
    fn a_file_that_was_tampered_with_is_no_reason_to_panic(
        flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        is_packed in any::<bool>(),
        is_new in any::<bool>(),
    ) {
        let by = if is_packed { Compression::SNAPPY } else { Compression::UNCOMPRESSED };
        let version = if is_new { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 };
        let mut bytes = victim(by, version);
        for (at, byte) in flips {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        for interval in [Interval::Day1, Interval::Minute1] {
            let _ = rows(bytes.clone().into(), interval);
        }
    }

    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        let file = [b"PAR1", &bytes[..], &length, b"PAR1"].concat();
        prop_assert!(days(file).is_err());
    }
}
