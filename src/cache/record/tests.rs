//! What stands in a record, however it came.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cache::{AnsweredBy, Status};
use crate::entry::{Life, Until};
use crate::key::{Key, PUT};
use crate::market::{
    Adjust, Bar, BarSeries, Bars, Class, DataType, EndpointName, Interval, Params, Quote, Symbol,
};
use crate::number::Number;
use crate::policy::Known;

const NOW: Timestamp = Timestamp::from_seconds(1_782_920_000);

/// A hit of the disk that is fresh for a minute from when it came.
pub(crate) fn hit(entry: Entry) -> Served {
    let life = Life {
        ttl: Duration::from_mins(1),
        fetched_at: entry.fetched_at,
        expires_at: entry.fetched_at + Duration::from_mins(1),
        until: Until::Ttl,
        error_until: Timestamp::NEVER,
        gone_at: Timestamp::NEVER,
    };
    Served {
        entry: Arc::new(entry),
        life,
        known: Known::default(),
        status: Status::Hit,
        answered_by: AnsweredBy::Disk,
        upstream_calls: 0,
        bars: None,
        noticed: None,
    }
}

/// What was written under the key of a quote, 1.239 s ago.
fn served(provider: &str, body: &[u8]) -> Served {
    hit(Entry {
        key: Key::from_stored("quote:stock:AAPL"),
        provider: provider.into(),
        fetched_at: Timestamp::from_ms(NOW.as_ms() - 1239),
        own_ttl: None,
        format: Format::of(body),
        body: body.into(),
    })
}

/// A question for this of Apple.
fn asked(data_type: DataType) -> Question {
    let symbol = Symbol::new(Class::Stock, "AAPL");
    let key = Key::of(data_type, &symbol);
    Question {
        symbol,
        data_type,
        params: Params::default(),
        read_as: key.clone(),
        key,
        providers: Vec::new(),
        pinned: false,
        slice: None,
    }
}

/// Its record as the answer to a question, with nothing told of it.
fn record_for(question: &Question, served: &Served) -> String {
    let mut out = Vec::new();
    let open = open(&stored(question, &served.entry), &mut out).unwrap();
    open.close(Some(&()), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Its record as a quote.
fn record(served: &Served) -> String {
    record_for(&asked(DataType::Quote), served)
}

/// The record of one bar, which begins at a fraction of a second.
fn record_of_bars(interval: Interval, day: Option<i32>, picked: &[&str]) -> String {
    let mut series = BarSeries {
        symbol: "AAPL".to_owned(),
        asset_class: "stock".to_owned(),
        provider: "yahoo".to_owned(),
        interval,
        currency: None,
        adjust: Adjust::Splits,
        bars: Bars::default(),
        finals: 1,
        ended: 1,
        missing: Vec::new(),
        faults: Vec::new(),
    };
    let (open, high, low, close) = (190.0, 191.25, f64::NAN, 190.5);
    let (time, volume, adjusted) = (NOW.as_ms() + 500, 45e6, 190.5);
    series.bars.push(Bar { time, day, open, high, low, close, volume, adjusted });
    let mut out = Vec::new();
    assert!(bars::open(&series, picked, &mut out).unwrap().has_members);
    String::from_utf8(out).unwrap()
}

#[test]
fn bars_have_their_members_in_order() {
    insta::assert_snapshot!(record_of_bars(Interval::Day1, Some(20_635), &[]), @r#"{"symbol":"AAPL","asset_class":"stock","type":"bars","provider":"yahoo","interval":"1d","currency":null,"adjust":"splits","bars":[{"time":"2026-07-01T15:33:20.500Z","date":"2026-07-01","open":190,"high":191.25,"low":null,"close":190.5,"adjusted_close":190.5,"volume":45000000,"state":"final"}]"#);
    insta::assert_snapshot!(record_of_bars(Interval::Minute5, None, &["close", "symbol", "time"]), @r#"{"bars":[{"close":190.5,"time":"2026-07-01T15:33:20.500Z"}],"symbol":"AAPL""#);
}

#[test]
fn what_bars_have_not_is_left_out_of_their_record() {
    let picked = ["price", "close", "cache"];
    let record = record_of_bars(Interval::Day1, Some(20_635), &picked);
    assert_eq!(record, r#"{"bars":[{"close":190.5}]"#);
}

#[test]
fn what_put_wrote_is_what_was_asked_for_or_a_payload() {
    let head = |of: &str| {
        format!(r#"{{"symbol":"AAPL","asset_class":"stock","type":"{of}","provider":"put","#)
    };
    let lacking = r#""previous_close":null,"change":null,"change_percent":null,"open":null,"high":null,"low":null,"bid":null,"ask":null,"#;
    let last = r#""currency":null,"exchange":null,"market_state":null,"time":null"#;
    let quote = |price: &str, volume: &str, more: &str| {
        format!(
            r#"{}"price":{price},{lacking}"volume":{volume},{last}{more},"cache":null}}"#,
            head("quote")
        )
    };
    for (body, told) in [
        (&br#"{"price":190.10}"#[..], quote("190.10", "null", "")),
        (b" {\"volume\": 1e3, \"price\": 5 }\n", quote("5", "1e3", "")),
        (b"{ }", quote("null", "null", "")),
        (
            br#"{"type":"x","mine":[1, 2],"symbol":"IBM","price":5,"cache":7,"provider":null}"#,
            quote("5", "null", r#","mine":[1,2]"#),
        ),
        (b"[1, 2]", format!(r#"{}"payload":[1,2],"cache":null}}"#, head("quote"))),
        (b"a \"b\"", format!(r#"{}"payload":"a \"b\"","cache":null}}"#, head("quote"))),
    ] {
        assert_eq!(record(&served(PUT, body)), told);
    }
    let bytes = record(&served(PUT, b"\xff"));
    assert!(bytes.contains(r#""payload":{"base64":"/w==","bytes":1,"#), "{bytes}");
    let body = br#"{"observations":[{"date":"2026-07-01","value":1.50}]}"#;
    assert_eq!(
        record_for(&asked(DataType::Series), &served(PUT, body)),
        format!(
            r#"{}"observations":[{{"date":"2026-07-01","value":1.50}}],"cache":null}}"#,
            head("series")
        )
    );
    // Of an endpoint all of it is what was sent, and of one without a symbol it is about none.
    let endpoint = DataType::Payload(EndpointName::parse("mood").unwrap());
    let told = r#""payload":{"p":1},"cache":null}"#;
    let of_symbol = record_for(&asked(endpoint), &served(PUT, br#"{"p":1}"#));
    assert_eq!(of_symbol, format!("{}{told}", head("mood")));
    let of_none = Question { key: Key::without_symbol(endpoint, "acme"), ..asked(endpoint) };
    let of_none = record_for(&of_none, &served(PUT, br#"{"p":1}"#));
    assert_eq!(of_none, format!(r#"{{"type":"mood","provider":"put",{told}"#));
}

#[test]
fn the_members_of_a_quote_have_one_order() {
    let quote = Quote::of(&Symbol::new(Class::Stock, "AAPL"), "yahoo", Number::parse("1").unwrap());
    let json = serde_json::to_vec(&quote).unwrap();
    let members = members::Members::read(&json).unwrap();
    assert_eq!(members.iter().map(|(name, _)| name).collect::<Vec<_>>(), Quote::MEMBERS);
}

#[test]
fn a_record_that_a_provider_gave_is_not_copied_to_be_written() {
    let served = served("yahoo", br#"{"price":190.10}"#);
    assert!(matches!(stored(&asked(DataType::Quote), &served.entry), Cow::Borrowed(_)));
    assert_eq!(record(&served), r#"{"price":190.10,"cache":null}"#);
}

#[test]
fn the_age_is_told_in_milliseconds() {
    let served = served("yahoo", b"{}");
    let told = serde_json::to_string(&Told::of(&served, NOW)).unwrap();
    insta::assert_snapshot!(told, @r#"{"key":"quote:stock:AAPL","status":"hit","tier":"disk","fetched_at":"2026-07-01T15:33:18.761Z","expires_at":"2026-07-01T15:34:18.761Z","age_seconds":1.239,"ttl_seconds":60.0,"upstream_calls":0}"#);
}
