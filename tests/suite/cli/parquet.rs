//! Parquet files in folders and by name: what `fetch -f parquet` wrote, what pandas would have, what is
//! damaged, and what is said where none can be read.

#[cfg(not(feature = "parquet"))]
use crate::sandbox::Sandbox;

/// How files are imported here.
const AS_DEMO: [&str; 4] = ["-p", "demo", "--basis", "2026-06-30T20:00:00Z"];

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so_and_takes_the_rest_of_a_folder() {
    let there = Sandbox::new();
    there.file("own/AAPL.csv", "Date,Close\n2024-01-02,1\n");
    there.file("own/MSFT.parquet", "PAR1");
    there.file("other/MSFT.parquet", "PAR1");
    let run = there.run(&[&["import", "own"], &AS_DEMO[..]].concat());
    assert_eq!(run.code, Some(0), "{run:?}");
    let says = "of `own` 1 Parquet file is left out: `cargo install mcache --features parquet`";
    assert!(run.stderr.contains(says) && run.stdout.contains("AAPL"), "{run:?}");
    let run = there.run(&[&["import", "other"], &AS_DEMO[..]].concat());
    run.fails(2, &["no csv in `other`, and 1 Parquet file is left out", "--features parquet"]);
    let run = there.run(&[&["import", "own/MSFT.parquet"], &AS_DEMO[..]].concat());
    run.fails(2, &["a Parquet file, which this mcache was built without", "--features parquet"]);
}

#[cfg(feature = "parquet")]
mod built_in {
    use std::sync::Arc;

    use parquet::data_type::{DataType, DoubleType, Int64Type};
    use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
    use parquet::schema::parser::parse_message_type;

    use super::AS_DEMO;
    use crate::sandbox::Sandbox;

    /// What the demo says of a stock, in this form.
    fn fetched(symbol: &str, format: &str) -> Vec<u8> {
        let sandbox = Sandbox::new();
        let asked = ["fetch", symbol, "-t", "bars", "-p", "demo", "--from", "2022-01-03"];
        let run = sandbox.run(&[&asked[..], &["-f", format, "-o", "out"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        std::fs::read(sandbox.path("out")).unwrap()
    }

    /// What is held of a stock up to when a file was made.
    fn held(sandbox: &Sandbox, symbol: &str) -> String {
        let asked = ["fetch", symbol, "-t", "bars", "-p", "demo", "--from", "2022-01-03"];
        let until = ["--to", "2026-06-26", "--offline", "-f", "csv"];
        let run = sandbox.run(&[&asked[..], &until].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        run.stdout
    }

    #[test]
    fn what_fetch_writes_as_parquet_is_taken_as_its_csv_is() {
        let (one, other) = (Sandbox::new(), Sandbox::new());
        one.file("MSFT.parquet", fetched("MSFT", "parquet"));
        other.file("MSFT.csv", fetched("MSFT", "csv"));
        let import = |sandbox: &Sandbox, file: &str| {
            sandbox.run(&[&["import", file, "-f", "json"], &AS_DEMO[..]].concat())
        };
        let (a, b) = (import(&one, "MSFT.parquet"), import(&other, "MSFT.csv"));
        assert!(a.code == Some(0) && a.json()[0]["new"].as_i64() > Some(1100), "{a:?}");
        assert_eq!((&a.stdout, &a.stderr), (&b.stdout, &b.stderr));
        assert_eq!(held(&one, "MSFT"), held(&other, "MSFT"));
        assert!(held(&one, "MSFT").lines().count() > 1100);
    }

    fn column<T: DataType>(group: &mut SerializedRowGroupWriter<'_, Vec<u8>>, values: &[T::T]) {
        let mut column = group.next_column().unwrap().unwrap();
        let there = vec![1; values.len()];
        column.typed::<T>().write_batch(values, Some(&there), None).unwrap();
        column.close().unwrap();
    }

    /// Whether an index says where its times are.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Zone {
        Utc,
        None,
    }

    /// Three days as pandas writes them: the index behind, in nanoseconds.
    fn of_pandas(zone: Zone) -> Vec<u8> {
        let schema = format!(
            "message schema {{ optional double Open; optional double High; optional double Low;
             optional double Close; optional int64 Volume; optional double Repaired;
             optional int64 Date (TIMESTAMP(NANOS,{})); }}",
            zone == Zone::Utc
        );
        let schema = Arc::new(parse_message_type(&schema).unwrap());
        let mut file = SerializedFileWriter::new(Vec::new(), schema, Arc::default()).unwrap();
        let mut group = file.next_row_group().unwrap();
        for values in [[1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [0.5, 1.5, 2.5], [1.5, 2.5, 3.5]] {
            column::<DoubleType>(&mut group, &values);
        }
        column::<Int64Type>(&mut group, &[100, 200, 300]);
        column::<DoubleType>(&mut group, &[f64::NAN; 3]);
        let days = [19_724, 19_725, 19_726].map(|day: i64| day * 86_400_000_000_000);
        column::<Int64Type>(&mut group, &days);
        group.close().unwrap();
        file.into_inner().unwrap()
    }

    #[test]
    fn the_days_of_pandas_are_dates_with_a_zone_and_without() {
        for zone in [Zone::Utc, Zone::None] {
            let there = Sandbox::new();
            there.file("XYZ.parquet", of_pandas(zone));
            let run = there.run(&[&["import", "XYZ.parquet", "-f", "json"], &AS_DEMO[..]].concat());
            assert_eq!(run.json()[0]["new"], 3, "{run:?}");
            let asked = ["fetch", "XYZ", "-t", "bars", "-p", "demo", "--from", "2024-01-02"];
            let more = ["--to", "2024-01-04", "--offline", "-q", "-f", "csv", "--fields"];
            let fields = ["date,open,high,low,close,volume"];
            let rows = there.run(&[&asked[..], &more, &fields].concat()).stdout;
            let expected = "date,open,high,low,close,volume\n2024-01-02,1,2,0.5,1.5,100\n\
                            2024-01-03,2,3,1.5,2.5,200\n2024-01-04,3,4,2.5,3.5,300\n";
            assert_eq!(rows, expected, "{zone:?}");
        }
    }

    #[test]
    fn a_folder_holds_csv_and_parquet_and_what_is_damaged_is_named() {
        let there = Sandbox::new();
        there.file("own/AAPL.csv", "Date,Close\n2024-01-02,1\n");
        there.file("own/XYZ.PARQUET", of_pandas(Zone::None));
        let whole = of_pandas(Zone::None);
        there.file("own/TORN.parquet", &whole[..whole.len() - 20]);
        let run = there.run(&[&["import", "own"], &AS_DEMO[..]].concat());
        run.fails(1, &["TORN.parquet`: it is damaged: it ends too early", "hint: "]);
        for taken in ["bars:stock:AAPL:1d", "bars:stock:XYZ:1d"] {
            assert!(run.stdout.contains(taken), "the others go on: {run:?}");
        }
        assert!(!run.stdout.contains("TORN"), "{run:?}");
    }

    #[test]
    fn several_symbols_in_a_parquet_file_are_refused_as_in_csv() {
        let sandbox = Sandbox::new();
        let asked = ["fetch", "AAPL", "MSFT", "-t", "bars", "-p", "demo", "--period", "1mo"];
        let run = sandbox.run(&[&asked[..], &["-f", "parquet", "-o", "AAPL.parquet"]].concat());
        assert_eq!(run.code, Some(0), "{run:?}");
        let run = sandbox.run(&[&["import", "AAPL.parquet"], &AS_DEMO[..]].concat());
        run.fails(1, &["it holds several symbols", "hint: make a file of each"]);
    }
}
