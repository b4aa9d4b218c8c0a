//! Replies that nobody would send: whatever comes, nothing panics and no digit is lost.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

/// Every definition of these tests.
static EVERY: LazyLock<Vec<Definition>> =
    LazyLock::new(|| ALL.iter().map(|endpoints| acme(endpoints)).collect());

/// Reads a reply in every way that every definition has; no result is a panic.
fn read_by_all(reply: &Reply) {
    for definition in &*EVERY {
        let symbols =
            [Symbol::new(Class::Stock, "AAPL"), Symbol::new(Class::Macro, "GDP"), bitcoin()];
        for symbol in &symbols {
            for data_type in [DataType::Quote, DataType::Series] {
                if definition.has(symbol, data_type) {
                    let _ = record(definition, data_type, symbol, reply);
                }
            }
            let charts = definition.charts();
            for interval in [Interval::Minute1, Interval::Day1] {
                if charts.is_some_and(|charts| charts.reach(symbol, interval).is_some()) {
                    let span = (interval, "1970-01-01", "2026-07-01");
                    let _ = page(definition, symbol, span, reply);
                }
            }
        }
    }
}

/// JSON in which the names occur that definitions look for.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("\"\\ud800\"".to_owned()),
        any::<f64>().prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "[0-9TZ:./%-]{0,24}".prop_map(|text| format!("\"{text}\"")),
    ];
    let name = prop_oneof![
        Just("result".to_owned()),
        Just("error".to_owned()),
        Just("s".to_owned()),
        Just("t".to_owned()),
        Just("c".to_owned()),
        Just("date".to_owned()),
        Just("close".to_owned()),
        Just("Time Series (Daily)".to_owned()),
        Just("Global Quote".to_owned()),
        "[0-9-]{0,12}".prop_map(|name| name),
    ];
    leaf.prop_recursive(4, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8)
                .prop_map(|all| format!("[{}]", all.join(","))),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|all| {
                let members: Vec<String> =
                    all.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200), status in 100..600_u16) {
        read_by_all(&Reply::new(status, body));
    }

    #[test]
    fn no_json_makes_it_panic(body in json()) {
        read_by_all(&sent(&body));
    }

    #[test]
    fn no_lines_make_it_panic(body in "(Date|a),[\"\n\r;,0-9/.-]{0,60}") {
        read_by_all(&sent(&body));
    }

    #[test]
    fn no_digit_of_a_price_is_lost(whole in 1..u64::MAX, places in "[0-9]{0,24}", quoted_so: bool) {
        let price = if places.is_empty() { whole.to_string() } else { format!("{whole}.{places}") };
        let mark = if quoted_so { "\"" } else { "" };
        let plain = acme("quote: {path: \"/q/{symbol}\", fields: {price: /p}}");
        let body = format!(r#"{{"p":{mark}{price}{mark}}}"#);
        prop_assert_eq!(quoted(&plain, &body).unwrap(), format!("\"price\":{price}"));
    }
}
