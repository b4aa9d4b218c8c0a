//! Binance's bars: its klines, of coins that never close.
//!
//! Days begin at midnight UTC. Fewer bars than were asked for are no error: before its first trade a
//! pair has none, and outages leave holes. A price that is adjusted for anything is never made up:
//! coins have none.

#[cfg(test)]
mod tests;

use super::wire::Kline;
use super::{Binance, EXCHANGE, WEIGHT, refusal, spelling};
use crate::error::Error;
use crate::market::{Bar, Bars, DataType, Events, Interval, Page, Symbol};
use crate::provider::{Ask, Charts, Piece, Provider, Reach, Reply, Request, nonsense};
use crate::time::Timestamp;

/// The name of the endpoint that gives bars.
const ENDPOINT: &str = "bars";

/// The most bars that one reply holds; more are cut without a word.
pub(in crate::provider) const ROWS: u32 = 1000;

/// Gives bars as Binance spot does.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct BinanceCharts;

impl Charts for BinanceCharts {
    fn reach(&self, symbol: &Symbol, interval: Interval) -> Option<Reach> {
        reach(interval).filter(|_| Binance.has(symbol, DataType::Quote))
    }

    fn request(&self, ask: &Ask<'_>, piece: &Piece) -> Request {
        let Piece { interval, span, .. } = piece;
        // Both ends are included in what Binance gives.
        let query = [
            ("symbol", spelling(ask.symbol)),
            ("interval", interval.as_str().to_owned()),
            ("startTime", span.start().as_ms().to_string()),
            ("endTime", (span.end().as_ms() - 1).to_string()),
            ("limit", ROWS.to_string()),
        ];
        Request::get(ENDPOINT, "/api/v3/klines", query, WEIGHT)
    }

    fn read(
        &self,
        ask: &Ask<'_>,
        piece: &Piece,
        reply: &Reply,
        _now: Timestamp,
    ) -> Result<Page, Error> {
        refusal(ask, reply)?;
        let rows = serde_json::from_slice::<Vec<Kline>>(&reply.body)
            .map_err(|error| nonsense(ask, reply, error))?;
        Ok(Page {
            currency: ask.symbol.pair().map(|(_, quote)| quote.to_owned()),
            exchange: Some(EXCHANGE.to_owned()),
            first_trade_ms: None,
            bars: bars(piece, &rows).map_err(|why| nonsense(ask, reply, why))?,
            events: Events::default(),
        })
    }
}

/// How many bars of an interval Binance gives of whatever it has.
pub(in crate::provider) fn reach(interval: Interval) -> Option<Reach> {
    let has = !matches!(interval, Interval::Minute2 | Interval::Week1 | Interval::Month1);
    has.then(|| Reach { rows: Some(ROWS), since: Some(SINCE), ..Reach::default() })
}

/// 2017-07-14: the first day of which Binance has any bar.
const SINCE: Timestamp = Timestamp::from_seconds(1_499_990_400);

/// The bars that begin in the span of a piece.
fn bars(piece: &Piece, rows: &[Kline]) -> Result<Bars, &'static str> {
    if !rows.is_sorted_by(|a, b| a.open_time < b.open_time) {
        return Err("its times do not ascend");
    }
    let mut bars = Bars::default();
    for Kline { open_time, amounts: [open, high, low, close, volume] } in rows {
        let (time, [open, high, low, close, volume]) =
            (Timestamp::from_ms(*open_time), [*open, *high, *low, *close, *volume]);
        if !piece.span.contains(time) {
            continue;
        }
        let day = i32::try_from(time.day()).map_err(|_| "one of its times is none")?;
        let day = (!piece.interval.is_intraday()).then_some(day);
        let adjusted = f64::NAN;
        bars.push(Bar { time: *open_time, day, open, high, low, close, volume, adjusted });
    }
    Ok(bars)
}
