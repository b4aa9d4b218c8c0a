//! What every way of speaking does, asked of each of them with the demo's replies, which have the
//! providers' own shapes.

use mcache::error::{Error, Kind};
use mcache::market::{Class, DataType, Interval, Page, Params, Record, SessionKind, Symbol};
use mcache::provider::{Ask, Charts, Piece, Reply, Request, Speech, demo};
use mcache::span::Span;
use mcache::time::Timestamp;
use mcache::validate;
use proptest::prelude::*;
use std::time::Duration;

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
fn every(mut check: impl FnMut(&Speech, &Ask<'_>)) {
    let mut questions = 0;
    for speech in Speech::BUILT_IN {
        for (class, name) in SYMBOLS {
            let symbol = Symbol::new(class, name);
            for data_type in DataType::ALL {
                if speech.provider().has(&symbol, data_type) {
                    let (provider, params) = (speech.as_str(), Params::none());
                    check(&speech, &Ask { symbol: &symbol, data_type, provider, params });
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

fn good_reply(speech: &Speech, ask: &Ask<'_>) -> Reply {
    let mut line = line(&speech.provider().request(ask).unwrap());
    if line.starts_with("/fred/") {
        // Answered only with a key, which is not the provider's to add.
        line.push_str("&api_key=0123456789abcdef0123456789abcdef");
    }
    demo::reply(&line, now())
}

fn read(speech: &Speech, ask: &Ask<'_>, status: u16, body: &[u8]) -> Result<Record, Error> {
    speech.provider().read(ask, &Reply::new(status, body.to_vec()), now())
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
    for speech in Speech::BUILT_IN {
        for class in Class::ALL {
            let symbol = Symbol::new(class, "NOSUCH");
            let data_type = DataType::usual(class);
            if !speech.provider().has(&symbol, data_type) {
                continue;
            }
            let (provider, params) = (speech.as_str(), Params::none());
            let ask = Ask { symbol: &symbol, data_type, provider, params };
            let reply = good_reply(&speech, &ask);
            let error = speech.provider().read(&ask, &reply, now()).unwrap_err();
            assert_eq!(error.kind, Kind::NotFound, "{speech:?} {class:?}: {error}");
            assert!(error.message.contains("NOSUCH"), "{speech:?}: {error}");
        }
    }
}

#[test]
fn a_request_holds_no_secret_and_is_ready_to_be_sent() {
    every(|speech, ask| {
        let request = speech.provider().request(ask).unwrap();
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

/// What is asked of the bars of a way of speaking.
struct Course<'a> {
    speech: &'a Speech,
    charts: &'a dyn Charts,
    ask: &'a Ask<'a>,
    piece: Piece,
}

impl Course<'_> {
    fn request(&self) -> Request {
        self.charts.request(self.ask, &self.piece)
    }

    fn good_reply(&self) -> Reply {
        demo::reply(&line(&self.request()), now())
    }

    /// The page in a reply, if it is one that may be stored.
    fn read(&self, reply: &Reply) -> Result<Page, Error> {
        let page = self.charts.read(self.ask, &self.piece, reply, now())?;
        let Piece { interval, span, .. } = self.piece;
        let bars = &page.bars;
        let dated = if interval.is_intraday() { 0 } else { bars.len() };
        assert_eq!(bars.days.len(), dated, "{:?}", self.speech);
        assert!(bars.times.is_sorted_by(|a, b| a < b), "{:?}: {:?}", self.speech, bars.times);
        assert!(bars.close.iter().all(|close| !close.is_nan()), "{:?}", self.speech);
        let inside = |at: &i64| span.contains(Timestamp::from_ms(*at));
        assert!(bars.times.iter().all(inside), "{:?}: {:?}", self.speech, bars.times);
        assert!(page.events.splits.iter().all(|split| inside(&split.at_ms)), "{:?}", self.speech);
        assert!(page.events.dividends.iter().all(|paid| inside(&paid.at_ms)), "{:?}", self.speech);
        validate::page(self.ask.symbol, self.speech.as_str(), interval, span, &page)?;
        Ok(page)
    }
}

/// Every series of bars that each way of speaking has, of some days up to now.
fn every_course(mut check: impl FnMut(&Course<'_>)) {
    let mut asked = 0;
    for speech in &Speech::BUILT_IN {
        let Some(charts) = speech.provider().charts() else { continue };
        for (class, name) in SYMBOLS {
            let symbol = Symbol::new(class, name);
            let ask = Ask {
                symbol: &symbol,
                data_type: DataType::Quote,
                provider: speech.as_str(),
                params: Params::none(),
            };
            for interval in Interval::ALL {
                let Some(reach) = charts.reach(&symbol, interval) else { continue };
                let minutes = if interval.is_intraday() { 12 * 60 } else { 14 * 24 * 60 };
                let long = Duration::from_secs(minutes * 60);
                assert!(reach.per_call.is_none_or(|most| long <= most), "{speech:?} {interval:?}");
                let span = Span::new(now() - long, now() + Duration::from_secs(1)).unwrap();
                let piece = Piece { interval, span, session: SessionKind::Regular };
                check(&Course { speech, charts, ask: &ask, piece });
                asked += 1;
            }
        }
    }
    assert!(asked >= 60, "only {asked} series were asked for");
}

#[test]
fn every_provider_of_bars_reads_a_good_reply_to_possible_bars() {
    every_course(|course| {
        let page = course.read(&course.good_reply()).unwrap();
        assert!(!page.bars.is_empty(), "{:?} {:?}", course.ask, course.piece);
        assert!(page.currency.is_some() && page.exchange.is_some(), "{:?}", course.ask);
    });
}

#[test]
fn weeks_months_and_macro_series_are_nobodys_bars() {
    for speech in Speech::BUILT_IN {
        let Some(charts) = speech.provider().charts() else {
            assert_eq!(speech, Speech::Fred);
            continue;
        };
        for interval in Interval::ALL {
            assert_eq!(charts.reach(&Symbol::new(Class::Macro, "GDP"), interval), None);
        }
        for interval in [Interval::Week1, Interval::Month1] {
            for (class, name) in SYMBOLS {
                assert_eq!(charts.reach(&Symbol::new(class, name), interval), None, "{speech:?}");
            }
        }
    }
}

#[test]
fn a_request_for_bars_is_ready_to_be_sent_and_is_counted() {
    every_course(|course| {
        let Request { endpoint, path, weight, .. } = course.request();
        let speech = course.speech;
        let fits = |c: char| c.is_ascii_alphanumeric() || "-._~%/".contains(c);
        assert!(path.starts_with('/') && path.chars().all(fits), "{speech:?}: {path}");
        assert!(weight > 0 && speech.endpoints().contains_key(&endpoint), "{speech:?}: {endpoint}");
    });
}

#[test]
fn bars_that_begin_outside_of_the_piece_are_dropped() {
    every_course(|course| {
        let reply = course.good_reply();
        let all = course.read(&reply).unwrap().bars;
        let [first, last] = [all.times[0], *all.times.last().unwrap()].map(Timestamp::from_ms);
        for span in [Span::new(first + Duration::from_millis(1), last), Span::new(first, last)] {
            let Some(span) = span else { continue };
            let piece = Piece { span, ..course.piece };
            let bars = Course { piece, ..*course }.read(&reply).unwrap().bars;
            let within = all.within(span.start().as_ms(), span.end().as_ms());
            assert_eq!(bars, all.slice(within), "{:?} {:?}", course.speech, course.piece);
        }
        let long_ago = Span::new(Timestamp::from_ms(0), Timestamp::from_ms(1)).unwrap();
        let piece = Piece { span: long_ago, ..course.piece };
        assert!(Course { piece, ..*course }.read(&reply).unwrap().bars.is_empty());
    });
}

#[test]
fn a_refusal_of_bars_has_the_contracts_kind_and_a_hint() {
    every_course(|course| {
        for (status, body, kind) in [
            (404, &b""[..], Kind::NotFound),
            (401, b"{}", Kind::Unauthorized),
            (429, b"Too Many Requests", Kind::RateLimited),
            (500, b"<html>", Kind::Upstream),
            (503, b"", Kind::Upstream),
            (200, b"", Kind::InvalidData),
            (200, b"{}", Kind::InvalidData),
            (200, b"null", Kind::InvalidData),
            (200, b"<!DOCTYPE html><html><body>Please log in</body></html>", Kind::InvalidData),
            (200, b"[[]]", Kind::InvalidData),
        ] {
            let error = course.read(&Reply::new(status, body.to_vec())).unwrap_err();
            assert_eq!(error.kind, kind, "{:?}, {status} {body:?}: {error}", course.speech);
            assert!(error.hint.is_some(), "{:?}, {status}: {error}", course.speech);
        }
        let mut cut = course.good_reply();
        cut.body.truncate(cut.body.len() / 2);
        assert_eq!(course.read(&cut).unwrap_err().kind, Kind::InvalidData);
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
    fn no_bytes_make_bars(
        status in prop::sample::select(vec![200_u16, 204, 400, 403, 404, 422, 429, 451, 500, 999]),
        body in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let reply = Reply::new(status, body);
        every_course(|course| {
            assert!(course.read(&reply).is_ok_and(|page| !page.bars.is_empty()).eq(&false));
        });
    }

    #[test]
    fn a_changed_reply_with_bars_is_read_within_the_invariant_or_refused(
        at in any::<prop::sample::Index>(),
        with in prop::collection::vec(prop::sample::select(b"0123456789-.,[]null\"e".to_vec()), 0..3),
    ) {
        every_course(|course| {
            let mut reply = course.good_reply();
            let at = at.index(reply.body.len());
            reply.body.splice(at..=at, with.clone());
            drop(course.read(&reply));
        });
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
