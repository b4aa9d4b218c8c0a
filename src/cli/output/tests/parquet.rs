//! Bars as Parquet, read back.

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};
use ::parquet::record::{Field, Row};

use super::*;

/// What a file says, row by row, and how many row groups it has.
fn read(line: &str, answers: Vec<(&str, Reading)>) -> (Vec<Row>, usize) {
    let out = written(line, Style::default(), answers).unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&out).unwrap();
    let file = SerializedFileReader::new(file).unwrap();
    let rows = file.get_row_iter(None).unwrap().map(Result::unwrap).collect();
    (rows, file.num_row_groups())
}

fn column<'a>(row: &'a Row, name: &str) -> &'a Field {
    row.get_column_iter().find(|column| column.0 == name).map(|column| column.1).unwrap()
}

#[test]
fn a_terminal_and_what_is_no_bar_are_refused() {
    let terminal = Style { width: Some(80), color: false };
    let bars = vec![(DAILY, Reading::Bars(daily(1)))];
    let usage = printed("-f parquet", terminal, bars).unwrap_err();
    assert_eq!(usage.message, "a terminal cannot show parquet");
    let dividends = ("dividends:stock:AAPL", Reading::Object(DIVIDENDS.as_bytes().into()));
    let usage = printed("-f parquet", Style::default(), vec![dividends]).unwrap_err();
    assert_eq!(usage.message, "only bars can be written as parquet, and no dividends");
}

#[test]
fn a_file_has_a_group_a_symbol_and_the_columns_that_are_wanted() {
    let other = || Reading::Bars(BarSeries { symbol: "MSFT".to_owned(), ..intraday(2) });
    let both = vec![(DAILY, Reading::Bars(daily(3))), ("bars:stock:MSFT:5m", other())];
    let (rows, groups) = read("-f parquet", both);
    assert_eq!((rows.len(), groups), (5, 2));
    assert_eq!(
        rows[0].to_string(),
        "{symbol: \"AAPL\", date: 2026-06-28, time: 2026-06-28 13:30:00.000 +00:00, open: 189.5, \
         high: 191.25, low: 187.5, close: 190.0, adjusted_close: 190.0, volume: 45000000.0, \
         state: \"final\"}"
    );
    assert_eq!(column(&rows[4], "symbol"), &Field::Str("MSFT".to_owned()));
    assert_eq!(column(&rows[4], "date"), &Field::Null);
    let (rows, _) = read("-f parquet --fields close,interval", vec![(DAILY, other())]);
    assert_eq!(rows[0].to_string(), "{close: 190.0, interval: \"5m\"}");
    assert_eq!(read("-f parquet", vec![(DAILY, Reading::Bars(daily(0)))]).0.len(), 0);
}

proptest! {
    #[test]
    fn bars_read_back_from_parquet_to_the_bit(series in any_bars()) {
        let (rows, _) = read("-f parquet", vec![(DAILY, Reading::Bars(series.clone()))]);
        prop_assert_eq!(rows.len(), series.bars.len());
        for (at, row) in rows.iter().enumerate() {
            let number = |name| match column(row, name) {
                Field::Double(value) => *value,
                _ => f64::NAN,
            };
            let Field::TimestampMillis(time) = column(row, "time") else { panic!("{row}") };
            let day = match column(row, "date") {
                Field::Date(day) => Some(*day),
                _ => None,
            };
            let bar = Bar {
                time: *time,
                day,
                open: number("open"),
                high: number("high"),
                low: number("low"),
                close: number("close"),
                volume: number("volume"),
                adjusted: number("adjusted_close"),
            };
            prop_assert_eq!(bar, with_one_nan(series.bars.bar(at)));
        }
    }
}
