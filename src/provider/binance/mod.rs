//! Binance spot: quotes and bars of coins in coins, and in the money that Binance takes.
//!
//! It needs no key. It never sends a parameter that the endpoint does not read (Binance refuses
//! the whole request then, code -1104), and it never offers a coin in dollars: Binance has none,
//! and USDT is not USD.

mod bars;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

pub(super) use bars::{BinanceCharts, ROWS, reach};

use super::{
    ALWAYS_OPEN, Ask, Charts, Pace, Provider, Reply, Request, nonsense, shown, status_error,
    written,
};
use crate::error::{Error, Kind};
use crate::market::{DataType, ExchangeCode, MarketState, Quote, Record, Symbol};
use crate::number::Number;
use crate::time::Timestamp;
use wire::{Failure, Ticker};

/// What Binance quotes coins in, by the `quoteAsset` of its exchangeInfo: stable coins, coins,
/// money. BUSD ended in 2023 and GBP with its last bank; dollars are Binance.US's alone.
pub(super) const QUOTES: [&str; 24] = [
    "USDT", "USDC", "FDUSD", "TUSD", "DAI", "USD1", "EURI", "BTC", "ETH", "BNB", "XRP", "TRX",
    "DOGE", "EUR", "TRY", "BRL", "JPY", "ARS", "MXN", "PLN", "ZAR", "COP", "CZK", "RON",
];

/// Who traded: the ticker does not say so itself.
const EXCHANGE: &str = "Binance";

/// What the ticker of one pair weighs, by Binance's documentation of the endpoint.
const WEIGHT: u32 = 2;

/// How many pairs weigh no more than one; of 21 to 100 the ticker weighs twenty times as much.
const MOST_FOR_ONE: usize = 20;

/// The weight that this address has used in this minute of the clock.
const USED_WEIGHT: &str = "x-mbx-used-weight-1m";

/// Where the same data are given to places that the main host refuses.
const DATA_ONLY_HOST: &str = "https://data-api.binance.vision";

/// Too much was asked (`TOO_MANY_REQUESTS`); of Binance's published error codes, like the next.
const TOO_MANY_REQUESTS: i64 = -1003;
/// A parameter holds what it may not (`ILLEGAL_CHARS`): no pair can be called so.
const ILLEGAL_CHARACTERS: i64 = -1100;
/// There is no such pair (`BAD_SYMBOL`).
const BAD_SYMBOL: i64 = -1121;

/// Speaks as Binance spot does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binance;

impl Provider for Binance {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        data_type == DataType::Quote
            && symbol.pair().is_some_and(|(_, quote)| QUOTES.contains(&quote))
    }

    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        let query = [("symbol", spelling(ask.symbol))];
        Some(Request::get("quote", "/api/v3/ticker/24hr", query, WEIGHT))
    }

    fn most_at_once(&self, data_type: DataType) -> usize {
        if data_type == DataType::Quote { MOST_FOR_ONE } else { 1 }
    }

    fn request_at_once(&self, asks: &[Ask<'_>]) -> Option<Request> {
        let pairs: Vec<String> = asks.iter().map(|ask| spelling(ask.symbol)).collect();
        // Binance takes no blank between them.
        let query = [("symbols", serde_json::to_string(&pairs).ok()?)];
        Some(Request::get("quote", "/api/v3/ticker/24hr", query, WEIGHT))
    }

    fn read_at_once(
        &self,
        asks: &[Ask<'_>],
        reply: &Reply,
        _now: Timestamp,
    ) -> Vec<Option<Record>> {
        let tickers = serde_json::from_slice::<Vec<Ticker>>(&reply.body).unwrap_or_default();
        let mut tickers: HashMap<String, Ticker> = tickers
            .into_iter()
            .filter_map(|ticker| Some((ticker.symbol.clone()?, ticker)))
            .collect();
        let mut of = |ask: &Ask<'_>| {
            let ticker = tickers.remove(&spelling(ask.symbol)).filter(|_| reply.status == 200)?;
            quote(ask, reply, ticker).ok().map(Record::from)
        };
        asks.iter().map(&mut of).collect()
    }

    fn pace(
        &self,
        _: &Ask<'_>,
        reply: &Reply,
        header: &dyn Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Pace {
        let used = header(USED_WEIGHT).and_then(|weight| weight.trim().parse().ok());
        let failure = serde_json::from_slice::<Failure>(&reply.body).ok();
        Pace {
            used: used.map(|weight| (minute(header("date").as_deref(), now), weight)),
            banned_until: failure.and_then(|failure| banned_until(&failure.msg)),
        }
    }

    // Coins never close.
    fn exchange(&self, _: &Quote) -> Option<ExchangeCode> {
        ExchangeCode::parse(ALWAYS_OPEN)
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, _now: Timestamp) -> Result<Record, Error> {
        refusal(ask, reply)?;
        match serde_json::from_slice::<Ticker>(&reply.body) {
            Ok(ticker) => quote(ask, reply, ticker).map(Record::from),
            Err(error) => Err(nonsense(ask, reply, error)),
        }
    }

    fn charts(&self) -> Option<&dyn Charts> {
        Some(&bars::BinanceCharts)
    }
}

/// What a reply says is wrong, by its body or by its status.
fn refusal(ask: &Ask<'_>, reply: &Reply) -> Result<(), Error> {
    if let Ok(failure) = serde_json::from_slice::<Failure>(&reply.body) {
        return Err(failed(ask, reply, &failure));
    }
    match reply.status {
        200 => Ok(()),
        451 => Err(restricted(ask)),
        // A page instead of an answer is the firewall's, which counts requests as well.
        403 => {
            let Ask { provider, .. } = ask;
            Err(Error::new(
                Kind::RateLimited,
                format!("{provider}'s firewall lets no requests through now (HTTP 403)"),
            )
            .hint("wait some minutes before asking again; --offline answers from the cache"))
        }
        _ => Err(status_error(ask, reply)),
    }
}

/// When the minute began, by our clock, that Binance counted in: it says its time in whole seconds,
/// which have passed by up to one more. Where it does not, its clock is taken to be ours.
fn minute(date: Option<&str>, now: Timestamp) -> Timestamp {
    const MINUTE_MS: i64 = 60_000;
    let (its, unsaid) = match date.and_then(Timestamp::from_http_date) {
        Some(date) => (date, Duration::from_secs(1)),
        None => (now, Duration::ZERO),
    };
    let into = Duration::from_millis(its.as_ms().rem_euclid(MINUTE_MS).unsigned_abs());
    now - into - unsaid
}

/// A pair as Binance writes it: `BTCUSDT`.
fn spelling(symbol: &Symbol) -> String {
    symbol.pair().map_or_else(|| symbol.name().to_owned(), |(base, quote)| format!("{base}{quote}"))
}

/// The error in what Binance says is wrong.
fn failed(ask: &Ask<'_>, reply: &Reply, failure: &Failure) -> Error {
    let Ask { symbol, provider, .. } = ask;
    let said = shown(&failure.msg);
    match (failure.code, reply.status) {
        (_, 451) => restricted(ask),
        (TOO_MANY_REQUESTS, _) | (_, 418 | 429) => {
            let until = banned_until(&failure.msg)
                .map_or_else(|| "now".to_owned(), |until| format!("until {until}"));
            Error::new(
                Kind::RateLimited,
                format!("{provider} allows no more requests {until} ({said})"),
            )
            .hint("wait before asking again; --offline answers from the cache")
        }
        (BAD_SYMBOL | ILLEGAL_CHARACTERS, _) => {
            Error::new(Kind::NotFound, format!("{provider} does not know `{symbol}` ({said})"))
                .hint("check the spelling; what a coin is quoted in can be said, as in `BTC/USDC`")
        }
        (_, 401 | 403) => {
            Error::new(Kind::Unauthorized, format!("{provider} refused the request ({said})"))
                .hint(format!("check `providers.{provider}` with `mcache config show`"))
        }
        (code, status) => {
            // One request may be about several, and a server that fails does so on all of them.
            let on = if status < 500 { format!(" on `{symbol}`") } else { String::new() };
            Error::new(
                Kind::Upstream,
                format!("{provider} failed{on} with HTTP {status}, code {code} ({said})"),
            )
        }
        .hint("try again later; --offline answers from the cache"),
    }
}

fn restricted(ask: &Ask<'_>) -> Error {
    let Ask { provider, .. } = ask;
    Error::new(Kind::Unauthorized, format!("{provider} does not serve this location (HTTP 451)"))
        .hint(format!("set `providers.{provider}.base_url` to {DATA_ONLY_HOST}"))
}

/// The instant in "IP banned until 1761768001000": milliseconds.
fn banned_until(message: &str) -> Option<Timestamp> {
    let (_, rest) = message.split_once("until ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let until = Timestamp::from_ms(digits.parse().ok()?);
    written(until).map(|_| until)
}

fn quote(ask: &Ask<'_>, reply: &Reply, ticker: Ticker) -> Result<Quote, Error> {
    let asked = spelling(ask.symbol);
    if let Some(answered) = ticker.symbol.as_deref().filter(|name| *name != asked) {
        let why = format!("it is of `{answered}` and not of `{asked}`");
        return Err(nonsense(ask, reply, why));
    }
    let Some(price) = ticker.last_price else {
        return Err(nonsense(ask, reply, "it has no lastPrice"));
    };
    // A pair that is halted or gone keeps its ticker, all zeros. That is well said, so it is no
    // nonsense: there is no price to be had, which is worth remembering, and another provider
    // may have one.
    if is_zero(&price) && ticker.count == Some(0) {
        return Err(untraded(ask));
    }
    let time = match ticker.close_time.map(|at| written(Timestamp::from_ms(at))) {
        Some(None) => return Err(nonsense(ask, reply, "its closeTime is no time")),
        Some(time) => time,
        None => None,
    };
    let currency = ask.symbol.pair().map(|(_, quote)| quote.to_owned());
    let quote = Quote {
        open: ticker.open_price,
        high: ticker.high_price,
        low: ticker.low_price,
        bid: ticker.bid_price.filter(|bid| !is_zero(bid)),
        ask: ticker.ask_price.filter(|ask| !is_zero(ask)),
        volume: ticker.volume,
        currency,
        exchange: Some(EXCHANGE.to_owned()),
        market_state: Some(MarketState::Regular),
        time,
        ..Quote::of(ask.symbol, ask.provider, price)
    };
    let quote = quote.with_change_from(ticker.prev_close_price.filter(|close| !is_zero(close)));
    // Binance counts its change from the first trade of the 24 hours, not from the last before.
    Ok(Quote {
        change: ticker.price_change.or(quote.change),
        change_percent: ticker.price_change_percent.or(quote.change_percent),
        ..quote
    })
}

fn untraded(ask: &Ask<'_>) -> Error {
    let Ask { symbol, provider, .. } = ask;
    Error::new(
        Kind::NotFound,
        format!("{provider} lists `{symbol}`, but it was not traded for 24 hours"),
    )
    .hint("the pair is halted or delisted; another quote currency may trade, as in `BTC/USDC`")
}

/// Zero stands for "none" where a price cannot be zero.
fn is_zero(number: &Number) -> bool {
    number.as_f64() == 0.0
}
