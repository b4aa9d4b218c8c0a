//! What FRED's replies mean, by hand-written ones and by the recorded.

use proptest::prelude::*;

use super::*;
use crate::market::Params;
use crate::provider::recorded;
use crate::validate;

const LATEST_FIRST: &str = include_str!("../../../tests/fixtures/fred/latest_first.json");

const SERIES: &str = include_str!("../../../tests/fixtures/fred/series.json");

const NOW: Timestamp = Timestamp::from_seconds(1_782_919_805);

fn read(data_type: DataType, status: u16, body: &[u8]) -> Result<Record, Error> {
    let symbol = Symbol::new(Class::Macro, "GDP");
    let ask = Ask { symbol: &symbol, data_type, provider: "fred", params: Params::none() };
    Fred.read(&ask, &Reply::new(status, body.to_vec()), NOW)
}

fn quote(status: u16, body: &str) -> Result<Quote, Error> {
    match read(DataType::Quote, status, body.as_bytes())? {
        Record::Quote(quote) => Ok(*quote),
        other => unreachable!("a quote was asked for, not {other:?}"),
    }
}

fn series(status: u16, body: &[u8]) -> Result<Series, Error> {
    match read(DataType::Series, status, body)? {
        Record::Series(series) => Ok(series),
        other => unreachable!("a series was asked for, not {other:?}"),
    }
}

#[test]
fn a_series_is_asked_for_whole_and_a_quote_by_its_end() {
    let symbol = Symbol::new(Class::Macro, "GDP");
    for (data_type, query) in [
        (DataType::Series, &[("series_id", "GDP"), ("file_type", "json")][..]),
        (
            DataType::Quote,
            &[("series_id", "GDP"), ("file_type", "json"), ("sort_order", "desc"), ("limit", "10")],
        ),
    ] {
        assert!(Fred.has(&symbol, data_type));
        let request = Fred.request(&Ask {
            symbol: &symbol,
            data_type,
            provider: "fred",
            params: Params::none(),
        });
        let request = request.unwrap();
        assert_eq!(request.path, "/fred/series/observations");
        let sent: Vec<_> =
            request.query.iter().map(|(name, value)| (&**name, value.as_str())).collect();
        assert_eq!(sent, query);
    }
    assert!(!Fred.has(&Symbol::new(Class::Stock, "GDP"), DataType::Quote));
}

#[test]
fn a_missing_value_stays_in_its_place() {
    let series = series(200, SERIES.as_bytes()).unwrap();
    let values: Vec<_> = series
        .observations
        .iter()
        .map(|o| (o.date.as_str(), o.value.as_ref().map(Number::as_str)))
        .collect();
    let expected =
        [("2025-10-01", None), ("2026-01-01", Some("101.500")), ("2026-04-01", Some("102.25"))];
    assert_eq!(values, expected);
    validate::record(&Record::Series(series)).unwrap();
}

#[test]
fn a_macro_quote_is_the_latest_value_that_is_there() {
    let quote = quote(200, LATEST_FIRST).unwrap();
    assert_eq!(quote.price.as_str(), "-0.15");
    assert_eq!(quote.previous_close.as_ref().map(Number::as_str), Some("0.10"));
    assert_eq!(quote.change.as_ref().map(Number::as_str), Some("-0.25"));
    assert_eq!(quote.time.as_deref(), Some("2026-06-29T00:00:00Z"));
    validate::record(&Record::from(quote)).unwrap();
}

#[test]
fn an_upstream_that_does_not_know_the_order_changes_nothing() {
    let quote = quote(200, SERIES).unwrap();
    assert_eq!(quote.price.as_str(), "102.25");
    assert_eq!(quote.time.as_deref(), Some("2026-04-01T00:00:00Z"));
}

#[test]
fn every_failure_has_its_kind() {
    let said = |message: &str| {
        format!(r#"{{"error_code":400,"error_message":"Bad Request.  {message}"}}"#)
    };
    let limit = r#"{"error_code":429,"error_message":"Too Many Requests.  Exceeded Rate Limit"}"#;
    for (status, body, kind) in [
        (400, said("The series does not exist."), Kind::NotFound),
        (400, said("Invalid value for variable series_id."), Kind::NotFound),
        (400, said("Variable api_key is not set."), Kind::Unauthorized),
        (400, said("The value for variable api_key is not registered."), Kind::Unauthorized),
        (403, String::new(), Kind::Unauthorized),
        (400, said("Variable limit is not between 1 and 100000."), Kind::Upstream),
        (429, limit.to_owned(), Kind::RateLimited),
        (429, String::new(), Kind::RateLimited),
        (404, "<html>".to_owned(), Kind::NotFound),
        (423, said("Locked"), Kind::Upstream),
        (500, "<html>".to_owned(), Kind::Upstream),
        (200, "<?xml version=\"1.0\"?><observations/>".to_owned(), Kind::InvalidData),
        (200, String::new(), Kind::InvalidData),
        (200, "{}".to_owned(), Kind::InvalidData),
        (200, "null".to_owned(), Kind::InvalidData),
        (200, SERIES[..200].to_owned(), Kind::InvalidData),
        (200, SERIES.replace("101.500", "NaN"), Kind::InvalidData),
        (200, SERIES.replace("2026-04-01", "2026-04-31"), Kind::InvalidData),
        (200, r#"{"observations":[]}"#.to_owned(), Kind::InvalidData),
        (200, r#"{"observations":[{"date":"2026-01-01"}]}"#.to_owned(), Kind::InvalidData),
        (200, r#"{"observations":[{"date":"2026-01-01","value":"."}]}"#.to_owned(), Kind::NotFound),
    ] {
        let error = quote(status, &body).unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}: {error}");
        assert!(error.hint.is_some(), "{error}");
    }
}

#[test]
fn a_refused_key_is_named_and_never_shown() {
    let key = "abcdef0123456789abcdef0123456789";
    for (status, body) in [
        (
            400,
            format!(
                r#"{{"error_code":400,"error_message":"Bad Request.  The value {key} for variable api_key is not registered."}}"#
            ),
        ),
        (500, format!("GET /fred/series/observations?api_key={key}&series_id=GDP failed")),
        (200, format!("GET /fred/series/observations?api_key={key}&series_id=GDP")),
        (200, format!(r#"{{"observations":"{key}"}}"#)),
        (200, format!(r#"{{"observations":[{{"date":"2026-01-01","value":"{key}"}}]}}"#)),
    ] {
        let error = quote(status, &body).unwrap_err();
        let all = format!("{error:?}");
        assert!(!all.contains(key) && !all.contains(&key[..16]), "{all}");
    }
    let error = quote(400, r#"{"error_code":400,"error_message":"Variable api_key is not set."}"#)
        .unwrap_err();
    assert!(error.hint.unwrap().contains("FRED_API_KEY"));
}

#[test]
fn recorded_answers_are_read() {
    let Some(reply) = recorded::reply("fred", "observations_GDP_2024-10-30.json", 200) else {
        return;
    };
    let gdp = series(200, &reply.body).unwrap();
    assert_eq!(gdp.observations.len(), 315);
    assert!(gdp.observations[..4].iter().all(|o| o.value.is_none()));
    assert_eq!(gdp.observations[0].date, "1946-01-01");
    let first = gdp.observations[4].value.as_ref().map(Number::as_str);
    assert_eq!(first, Some("243.164"));
    validate::record(&Record::Series(gdp)).unwrap();
    let latest = quote(200, std::str::from_utf8(&reply.body).unwrap()).unwrap();
    assert_eq!(latest.price.as_str(), "29349.924");
    assert_eq!(latest.previous_close.as_ref().map(Number::as_str), Some("29016.714"));
    assert_eq!(latest.time.as_deref(), Some("2024-07-01T00:00:00Z"));
    for file in ["series_GDP.json", "categories_GDP.json", "fredgraph_M2SL_old_header.csv"] {
        let reply = recorded::reply("fred", file, 200).unwrap();
        assert_eq!(series(200, &reply.body).unwrap_err().kind, Kind::InvalidData, "{file}");
    }
}

fn bounded() -> ProptestConfig {
    ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(bounded())]

    #[test]
    fn no_bytes_can_break_the_reader(status in 100_u16..1000, body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(DataType::Quote, status, &body);
        let _ = read(DataType::Series, status, &body);
    }

    #[test]
    fn no_change_to_a_reply_can_break_the_reader(at in any::<prop::sample::Index>(), with in any::<[u8; 3]>(), cut in any::<bool>()) {
        let mut body = LATEST_FIRST.trim_end().as_bytes().to_vec();
        let at = at.index(body.len());
        body.splice(at..=at, with);
        if cut {
            body.truncate(at);
        }
        let _ = read(DataType::Quote, 200, &body);
        let _ = read(DataType::Series, 200, &body);
    }
}
