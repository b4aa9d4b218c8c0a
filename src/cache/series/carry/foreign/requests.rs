//! A database of requests-cache, with answers of Yahoo's charts in it.
//!
//! Its table `responses` holds an answer a row: as JSON, if its serializer was told to write that, else
//! as a pickle, which is a program in disguise and never read. What an answer says is for the provider
//! to read, as if it had come just now; here it is only found. The database is opened to be read and
//! no more.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde::Deserialize;

use super::{Built, Place, senseless};
use crate::cache::Cache;
use crate::codec::LARGEST;
use crate::error::{Error, Kind, sanitized};
use crate::key::Key;
use crate::market::{Actions, DataType, Interval, Params, Run, SessionKind, Symbol};
use crate::policy::{Coverage, Edge};
use crate::provider::{Ask, Piece, Reply, Speech};
use crate::span::Span;
use crate::tier::series::parcel::{Content, Section};
use crate::tier::series::{Head, Stretch};
use crate::time::Timestamp;

/// What every database of SQLite begins with.
pub const MAGIC: [u8; 15] = *b"SQLite format 3";

/// What the path of Yahoo's charts begins with.
const CHARTS: &str = "/v8/finance/chart/";

/// Some time before there was a stock, and some time after there is an mcache, in seconds.
const TIMES: std::ops::Range<i64> = -6_000_000_000..8_000_000_000;

/// A row, of which only what is named here is read.
#[derive(Deserialize)]
struct Response {
    url: Option<String>,
    status_code: Option<u16>,
    created_at: Option<String>,
    #[serde(rename = "_content")]
    content: Option<String>,
    #[serde(rename = "_decoded_content")]
    decoded: Option<serde_json::Value>,
}

/// An answer of Yahoo's charts.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// The symbol in Yahoo's spelling.
    pub symbol: String,
    /// How long its bars are.
    pub interval: Interval,
    /// Of which hours.
    pub session: SessionKind,
    /// The span that was asked for, in seconds, if it was one.
    pub asked: Option<(i64, i64)>,
    /// When it came.
    pub at: Timestamp,
    /// What it said.
    pub body: Vec<u8>,
}

/// How many rows of which kind are in a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many are answers of Yahoo's charts.
    pub charts: usize,
    /// How many rows are pickles.
    pub pickles: usize,
    /// How many rows are something else.
    pub others: usize,
}

/// Finds the answers in a database, each of which is given at once; how many rows there were.
pub fn read(path: &Path, each: &mut dyn FnMut(Chart)) -> Result<Found, Error> {
    let wrong = |error: rusqlite::Error| senseless(sanitized(&error.to_string()));
    let database =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(wrong)?;
    // A view, or what else a schema may hold, could be a program: a table is none.
    let is_table = "SELECT count(*) FROM sqlite_schema
                    WHERE name = 'responses' AND type = 'table' AND sql NOT LIKE '%VIRTUAL%'";
    let tables: i64 = database.query_row(is_table, [], |row| row.get(0)).map_err(wrong)?;
    if tables != 1 {
        return Err(senseless("it has no table `responses`, as a database of requests-cache has"));
    }
    let mut select = database.prepare("SELECT value FROM responses").map_err(wrong)?;
    let mut rows = select.query([]).map_err(wrong)?;
    let mut found = Found::default();
    while let Some(row) = rows.next().map_err(wrong)? {
        let value = row.get_ref(0).map_err(wrong)?;
        let (ValueRef::Text(bytes) | ValueRef::Blob(bytes)) = value else {
            found.others += 1;
            continue;
        };
        if bytes.first() == Some(&0x80) {
            found.pickles += 1;
        } else if let Some(chart) = Some(bytes).filter(|b| b.len() <= LARGEST).and_then(chart) {
            found.charts += 1;
            each(chart);
        } else {
            found.others += 1;
        }
    }
    Ok(found)
}

/// The answer of Yahoo's charts in a row, if it is one.
fn chart(bytes: &[u8]) -> Option<Chart> {
    let response: Response = serde_json::from_slice(bytes).ok()?;
    let url = response.url?;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let symbol = &path[path.find(CHARTS)? + CHARTS.len()..];
    let said = |name: &str| {
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(of, _)| *of == name).map(|(_, value)| value)
    };
    let interval = Interval::parse(said("interval").unwrap_or("1d")).ok()?;
    let is_extended = said("includePrePost").is_some_and(|said| said.eq_ignore_ascii_case("true"));
    let session = if is_extended && interval.is_intraday() {
        SessionKind::Extended
    } else {
        SessionKind::Regular
    };
    let edge = |name| said(name)?.parse::<i64>().ok().filter(|at| TIMES.contains(at));
    let body = match (response.decoded, response.content) {
        (Some(serde_json::Value::String(text)), _) => text.into_bytes(),
        (Some(value @ serde_json::Value::Object(_)), _) => serde_json::to_vec(&value).ok()?,
        (_, Some(content)) => STANDARD.decode(content).ok()?,
        _ => return None,
    };
    let at = Timestamp::parse(&response.created_at?).ok()?;
    (response.status_code == Some(200) && interval <= Interval::Day1).then(|| Chart {
        symbol: decoded(symbol),
        interval,
        session,
        asked: edge("period1").zip(edge("period2")),
        at,
        body,
    })
}

/// A part of a path without its percent signs.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, more)) = rest.split_first() {
        let hex = more.get(..2).and_then(|hex| str::from_utf8(hex).ok());
        let code = hex.filter(|_| *byte == b'%').and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(code.unwrap_or(*byte));
        rest = if code.is_some() { &more[2..] } else { more };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Cache {
    /// Makes a series of an answer of Yahoo's charts about a symbol.
    pub fn series_of_chart(
        &self,
        chart: &Chart,
        symbol: &Symbol,
        provider: &str,
    ) -> Result<Built, Error> {
        let Chart { interval, session, at, .. } = *chart;
        let now = self.clock.now();
        if at > now {
            return Err(senseless(format!("it came at {at}, and it is {now}")));
        }
        let everything = Span::new(Timestamp::from_ms(i64::MIN / 4), at);
        let asked = chart.asked.and_then(|(from, to)| {
            let of = |seconds: i64| Timestamp::from_ms(seconds.saturating_mul(1000));
            Span::new(of(from), of(to).min(at))
        });
        let span = asked.or(everything).ok_or_else(|| senseless("it came at no time"))?;
        let charts = Speech::Yahoo.provider().charts();
        let charts = charts.ok_or_else(|| Error::new(Kind::Unsupported, "it has no charts"))?;
        let ask = Ask { symbol, data_type: DataType::Bars, provider, params: Params::none() };
        let piece = Piece { interval, span, session };
        let reply = Reply::new(200, chart.body.clone());
        let page = charts.read(&ask, &piece, &reply, at)?;
        let key = Key::of_bars(symbol, interval, session);
        let declared = super::Declared {
            symbol: symbol.clone(),
            provider: provider.into(),
            interval,
            session,
            basis: Some(Edge::Instant(at)),
            adjusted: None,
        };
        let known = self.known_of(&key, provider);
        let finality = self.rules.finality(&key, provider, &known, (interval, session));
        let place = Place { of: &declared, finality, now };
        let (mut coverage, _) = place.coverage(&page.bars, at);
        if asked.is_some() {
            // What was asked for came whole.
            coverage = Coverage::default();
            coverage.take(crate::policy::Covered {
                span,
                is_empty: page.bars.is_empty(),
                fetched_at: at,
                is_imported: true,
                is_silent: false,
            });
        }
        let close = |ms: i64| {
            let before = page.bars.times.partition_point(|time| *time < ms).checked_sub(1);
            before.map(|place| page.bars.close[place])
        };
        let mut actions = Actions::default();
        actions.learn(&page.events, 0..0, at.as_ms(), &close);
        let runs = [Run { bars: page.bars.len(), basis_ms: at.as_ms() }];
        let head = Head {
            currency: page.currency,
            exchange: page.exchange,
            first_trade_ms: page.first_trade_ms,
            coverage,
            actions,
            ..Head::default()
        };
        let bars = Box::new(Stretch::new(page.bars, &runs));
        let content = Content::Bars { head: Box::new(head), bars };
        let section = Section { key, provider: provider.into(), fetched_at: at, content };
        Ok(Built { section, notes: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ROW: &str = r#"{"url":"https://query1.finance.yahoo.com/v8/finance/chart/%5EGSPC?interval=1d&period1=5&period2=9","status_code":200,"created_at":"2026-06-01T09:54:00.182560+00:00","_content":"e30="}"#;

    #[test]
    fn an_answer_is_found_with_what_was_asked() {
        let found = chart(ROW.as_bytes()).unwrap();
        assert_eq!((found.symbol.as_str(), found.asked), ("^GSPC", Some((5, 9))));
        assert_eq!((found.interval, found.body.as_slice()), (Interval::Day1, &b"{}"[..]));
        for (from, to) in [("chart/", "quote/"), ("200", "404"), ("1d", "1wk"), ("e30=", "~")] {
            assert_eq!(chart(ROW.replacen(from, to, 1).as_bytes()), None, "{to}");
        }
        let decoded = ROW.replacen(r#""_content":"e30=""#, r#""_decoded_content":{"a":1}"#, 1);
        assert_eq!(chart(decoded.as_bytes()).unwrap().body, br#"{"a":1}"#);
    }

    proptest! {
        #[test]
        fn no_row_is_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in ".{0,60}", at in 0..190_usize) {
            let _ = chart(&bytes);
            let _ = decoded(&text);
            let mut row = ROW.as_bytes().to_vec();
            let at = at % row.len();
            row.splice(at..at, text.bytes());
            let _ = chart(&row);
        }
    }
}
