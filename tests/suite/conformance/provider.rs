//! What every way of speaking does, asked of each of them with the demo's replies, which have the
//! providers' own shapes.

use mcache::error::{Error, Kind};
use mcache::market::{Class, DataType, Record, Symbol};
use mcache::provider::{Ask, Reply, Request, Speech, demo};
use mcache::time::Timestamp;
use mcache::validate;
use proptest::prelude::*;

use crate::sandbox::NOW;

const SYMBOLS: [(Class, &str); 6] = [
    (Class::Stock, "AAPL"),
    (Class::Crypto, "BTC"),
    (Class::Crypto, "ETH/USD"),
    (Class::Macro, "GDP"),
    (Class::Fx, "EURUSD"),
    (Class::Index, "GSPC"),
];

/// Every question that each way of speaking has an answer to.
fn every(mut check: impl FnMut(Speech, &Ask<'_>)) {
    let mut questions = 0;
    for speech in Speech::ALL {
        for (class, name) in SYMBOLS {
            let symbol = Symbol::new(class, name);
            for data_type in DataType::ALL {
                if speech.provider().has(&symbol, data_type) {
                    check(speech, &Ask { symbol: &symbol, data_type, provider: speech.as_str() });
                    questions += 1;
                }
            }
        }
    }
    assert!(questions >= 10, "only {questions} questions were asked");
}

#[test]
fn what_trades_has_the_code_of_its_exchange() {
    every(|speech, ask| {
        let reply = good_reply(speech, ask);
        let Ok(Record::Quote(quote)) = read(speech, ask, reply.status, &reply.body) else { return };
        let code = speech.provider().exchange(&quote);
        let expected = match ask.symbol.class() {
            Class::Stock => Some("XNAS"),
            Class::Index => Some("XNYS"),
            Class::Crypto => Some("24/7"),
            Class::Fx => Some("FX"),
            Class::Macro => None,
        };
        let code = code.as_ref().map(mcache::market::ExchangeCode::as_str);
        assert_eq!(code, expected, "{speech:?} {ask:?}");
    });
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

/// The path and the query as they go over the wire, without what upstream adds.
fn line(request: &Request) -> String {
    let query: Vec<String> = request.query.iter().map(|(n, v)| format!("{n}={v}")).collect();
    format!("{}?{}", request.path, query.join("&"))
}

fn good_reply(speech: Speech, ask: &Ask<'_>) -> Reply {
    let mut line = line(&speech.provider().request(ask));
    if line.starts_with("/fred/") {
        // Answered only with a key, which is not the provider's to add.
        line.push_str("&api_key=0123456789abcdef0123456789abcdef");
    }
    demo::reply(&line, now())
}

fn read(speech: Speech, ask: &Ask<'_>, status: u16, body: &[u8]) -> Result<Record, Error> {
    speech.provider().read(ask, &Reply { status, body: body.to_vec() }, now())
}

#[test]
fn every_provider_reads_a_good_reply_to_a_possible_record() {
    every(|speech, ask| {
        let reply = good_reply(speech, ask);
        let record = speech.provider().read(ask, &reply, now()).unwrap_or_else(|error| {
            panic!("{speech:?} {ask:?}: {error}: {}", String::from_utf8_lossy(&reply.body))
        });
        validate::record(&record).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&record.to_json()).unwrap();
        assert_eq!(json["provider"], speech.as_str());
        assert_eq!(json["symbol"], ask.symbol.to_string());
        assert_eq!(json["type"], ask.data_type.as_str());
    });
}

#[test]
fn a_refusal_has_the_contracts_kind_and_a_hint() {
    let html = b"<!DOCTYPE html><html><body>Something</body></html>";
    every(|speech, ask| {
        for (status, kind) in [
            (404, Kind::NotFound),
            (401, Kind::Unauthorized),
            (429, Kind::RateLimited),
            (500, Kind::Upstream),
            (502, Kind::Upstream),
            (503, Kind::Upstream),
        ] {
            for body in [&b""[..], html, b"{}", b"[]", b"null", b"\xff\xfe"] {
                let error = read(speech, ask, status, body).unwrap_err();
                assert_eq!(error.kind, kind, "{speech:?}, {status} {body:?}: {error}");
                assert!(error.hint.is_some(), "{speech:?}, {status}: {error}");
            }
        }
    });
}

#[test]
fn nonsense_with_a_good_status_is_invalid_data() {
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    every(|speech, ask| {
        let mut cut = good_reply(speech, ask).body;
        cut.truncate(cut.len() / 2);
        for body in [
            &b""[..],
            b"<!DOCTYPE html><html><body>Please log in</body></html>",
            b"{}",
            b"[]",
            b"null",
            b"0",
            b"\"AAPL\"",
            b"{\"chart\":null,\"price\":NaN,\"lastPrice\":\"-1\",\"observations\":0}",
            b"\xff\xfe\x00",
            &deep,
            &cut,
        ] {
            let error = read(speech, ask, 200, body).unwrap_err();
            assert_eq!(error.kind, Kind::InvalidData, "{speech:?}, {body:.60?}: {error}");
            assert!(error.message.chars().count() < 500, "{speech:?} says too much: {error}");
            assert!(!error.message.contains(char::is_control), "{speech:?}: {error}");
        }
    });
}

#[test]
fn an_unknown_symbol_is_not_found() {
    for speech in Speech::ALL {
        for class in Class::ALL {
            let symbol = Symbol::new(class, "NOSUCH");
            let data_type = DataType::usual(class);
            if !speech.provider().has(&symbol, data_type) {
                continue;
            }
            let ask = Ask { symbol: &symbol, data_type, provider: speech.as_str() };
            let reply = good_reply(speech, &ask);
            let error = speech.provider().read(&ask, &reply, now()).unwrap_err();
            assert_eq!(error.kind, Kind::NotFound, "{speech:?} {class:?}: {error}");
            assert!(error.message.contains("NOSUCH"), "{speech:?}: {error}");
        }
    }
}

#[test]
fn a_request_holds_no_secret_and_is_ready_to_be_sent() {
    every(|speech, ask| {
        let request = speech.provider().request(ask);
        assert!(request.path.starts_with('/'), "{speech:?}");
        assert!(!request.endpoint.is_empty(), "{speech:?}");
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
        assert!(request.path.chars().all(fits), "{speech:?}: {}", request.path);
        let said = line(&request).to_lowercase();
        for word in ["key", "token", "secret", "password", "auth"] {
            assert!(!said.contains(word), "{speech:?}: {said}");
        }
    });
}

/// What upstream may not make us believe.
fn believed(outcome: Result<Record, Error>) -> bool {
    outcome.is_ok_and(|record| validate::record(&record).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_provider_panic_or_believe(
        status in prop::sample::select(vec![200_u16, 204, 304, 400, 403, 404, 418, 429, 451, 500, 999]),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        every(|speech, ask| assert!(!believed(read(speech, ask, status, &body))));
    }

    #[test]
    fn a_reply_with_a_byte_changed_is_read_or_refused(at in any::<prop::sample::Index>(), byte: u8) {
        every(|speech, ask| {
            let mut reply = good_reply(speech, ask);
            let at = at.index(reply.body.len());
            reply.body[at] = byte;
            if let Ok(record) = read(speech, ask, reply.status, &reply.body)
                && validate::record(&record).is_ok()
            {
                let json = record.to_json();
                assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
            }
        });
    }
}
