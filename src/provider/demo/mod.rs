//! The embedded upstream: invented prices in the providers' own shapes, for trying mcache out,
//! for tests and for benchmarks without a network.
//!
//! Two halves that never meet but over loopback: `Demo` asks and reads by delegating to the
//! three providers, so that whatever is learnt with the demo was learnt of them too; [`reply`] is
//! what its server answers. It holds no state and reads no clock: a reply follows from the symbol
//! and `now` alone. Its prices are no market's; its exchange keeps the sessions of New York, and
//! everything is listed since 2000-01-03.
//!
//! One stock is special: `SPLT` split 4:1 at the open of 2026-06-15 and pays a dividend on the first
//! session from the 10th of February, May, August and November on, of 0.25 for a share as they are
//! after the split. Whoever asks before the split gets prices four times as high.

mod answers;
mod bars;
mod listing;
mod session;
mod walk;

use super::binance::{self, Binance, BinanceCharts};
use super::fred::Fred;
use super::yahoo::{self, Yahoo, YahooCharts};
use super::{Ask, Charts, Pace, Piece, Provider, Reach, Reply, Request};
use crate::error::Error;
use crate::market::{Class, DataType, ExchangeCode, Interval, Page, Quote, Record, Symbol};
use crate::time::Timestamp;

/// The earliest and the latest instant that prices are invented for, 1970 to 2200: beyond, the
/// walk would leave what is plausible.
const INVENTED: [i64; 2] = [0, 7_258_118_400_000];

/// What a name must begin with not to be known, in any of the three shapes.
const UNKNOWN: [&str; 2] = ["NOSUCH", "UNKNOWN"];

/// Speaks to the embedded upstream: as Yahoo of stocks, indices and currencies, as Binance of
/// coins in whatever, as FRED of macro series.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demo;

impl Provider for Demo {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        match data_type {
            DataType::Quote => true,
            DataType::Series => symbol.class() == Class::Macro,
            _ => false,
        }
    }

    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        speaker(ask.symbol.class()).request(ask)
    }

    // It counts no weight and bans nobody.
    fn pace(
        &self,
        _: &Ask<'_>,
        _: &Reply,
        _: &dyn Fn(&str) -> Option<String>,
        _: Timestamp,
    ) -> Pace {
        Pace::default()
    }

    fn exchange(&self, quote: &Quote) -> Option<ExchangeCode> {
        speaker(Class::from_name(&quote.asset_class)?).exchange(quote)
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, now: Timestamp) -> Result<Record, Error> {
        speaker(ask.symbol.class()).read(ask, reply, now)
    }

    fn charts(&self) -> Option<&dyn Charts> {
        Some(&DemoCharts)
    }
}

/// Gives bars as Yahoo does, of coins as Binance does, of macro series none.
#[derive(Clone, Copy, Debug)]
struct DemoCharts;

impl Charts for DemoCharts {
    fn reach(&self, symbol: &Symbol, interval: Interval) -> Option<Reach> {
        // Of its class it has whatever there is, more than those whose words it speaks.
        match symbol.class() {
            Class::Stock | Class::Index | Class::Fx => yahoo::reach(interval),
            Class::Crypto => binance::reach(interval),
            Class::Macro => None,
        }
    }

    fn request(&self, ask: &Ask<'_>, piece: &Piece) -> Request {
        chartist(ask.symbol.class()).request(ask, piece)
    }

    fn read(
        &self,
        ask: &Ask<'_>,
        piece: &Piece,
        reply: &Reply,
        now: Timestamp,
    ) -> Result<Page, Error> {
        chartist(ask.symbol.class()).read(ask, piece, reply, now)
    }
}

/// Who speaks of the bars of a class; of macro series there are none.
fn chartist(class: Class) -> &'static dyn Charts {
    if class == Class::Crypto { &BinanceCharts } else { &YahooCharts }
}

fn speaker(class: Class) -> &'static dyn Provider {
    match class {
        Class::Stock | Class::Index | Class::Fx => &Yahoo,
        Class::Crypto => &Binance,
        Class::Macro => &Fred,
    }
}

/// The reply of the embedded upstream to `GET <path>?<query>` at `now`: one of the three
/// endpoints with its real shape and its real errors, 404 for any other path.
///
/// A name that begins with `NOSUCH` or `UNKNOWN` is not known. Names and values may be
/// percent-encoded. The same symbol and `now` always give the same reply.
pub fn reply(path_and_query: &str, now: Timestamp) -> Reply {
    let now = Timestamp::from_ms(now.as_ms().clamp(INVENTED[0], INVENTED[1]));
    let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
    let query = Query::parse(query);
    if let Some(symbol) = path.strip_prefix("/v8/finance/chart/") {
        let symbol = decoded(symbol);
        let has_span = query.get("period1").is_some();
        return if has_span {
            bars::chart(&symbol, &query, now)
        } else {
            answers::chart(&symbol, now)
        };
    }
    match path {
        "/api/v3/ticker/24hr" => answers::ticker(&query, now),
        "/api/v3/klines" => bars::klines(&query, now),
        "/fred/series/observations" => answers::observations(&query, now),
        _ => answers::no_such_page(),
    }
}

/// Whether a name stands for one that a provider does not have.
fn is_unknown(name: &str) -> bool {
    let name = name.trim_start_matches('^').to_ascii_uppercase();
    UNKNOWN.iter().any(|start| name.starts_with(start))
}

/// The parameters of a request, decoded, in the order in which they came.
struct Query(Vec<(String, String)>);

impl Query {
    fn parse(text: &str) -> Self {
        Self(
            text.split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decoded(name), decoded(value))
                })
                .collect(),
        )
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Text without its percent-encoding; what is no encoding stays as it is.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).and_then(|b| char::from(*b).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = digit(at + 1).zip(digit(at + 2));
        match (bytes[at], pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok())) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests;
