//! Yahoo Finance: quotes and bars of stocks, indices, currencies, and coins in money, from the v8 chart
//! endpoint.
//!
//! It is unofficial and needs no key. It never asks for cookies or a crumb (the v7 and v10
//! endpoints want them, the chart does not), and it never takes a value of the chart for one of
//! the day unless the chart is of one day: `chartPreviousClose` is the close before the *range*.
//! Prices are 32-bit floats widened by Yahoo; they are kept as sent.

mod bars;
mod exchanges;
mod place;
mod wire;

#[cfg(test)]
mod tests;

pub(super) use bars::{YahooCharts, reach};

use super::{
    ALWAYS_OPEN, Ask, Charts, Pace, Provider, Reply, Request, encoded, nonsense, shown,
    status_error, written,
};
use crate::error::{Error, Kind};
use crate::market::{Class, DataType, ExchangeCode, MarketState, Quote, Record, Symbol};
use crate::time::Timestamp;
use serde::de::DeserializeOwned;
use wire::{Envelope, Failure, Meta, Outcome, Phase};

/// The currencies that Yahoo quotes coins in (its market `CCC`). USDT is none of them: to Yahoo
/// a coin in dollars is a coin in dollars.
pub(super) const MONEY: [&str; 20] = [
    "USD", "EUR", "GBP", "JPY", "CAD", "AUD", "CHF", "CNY", "INR", "KRW", "BRL", "MXN", "NZD",
    "SEK", "NOK", "DKK", "HKD", "SGD", "TRY", "ZAR",
];

/// The exchange under which Yahoo keeps what is no longer listed anywhere.
const DELISTED: &str = "YHD";

/// Yahoo's own status for who asks too often, seen historically.
const REQUEST_DENIED: u16 = 999;

/// Speaks as Yahoo Finance does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Yahoo;

impl Provider for Yahoo {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        data_type == DataType::Quote
            && match symbol.class() {
                Class::Stock | Class::Index | Class::Fx => true,
                Class::Crypto => symbol.pair().is_some_and(|(_, quote)| MONEY.contains(&quote)),
                Class::Macro => false,
            }
    }

    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        let path = format!("/v8/finance/chart/{}", encoded(&spelling(ask.symbol)));
        let query = [("interval", "1d".to_owned()), ("range", "1d".to_owned())];
        Some(Request::get("quote", path, query, 1))
    }

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
        let name = quote.exchange.as_deref();
        ExchangeCode::parse(match Class::from_name(&quote.asset_class) {
            Some(Class::Crypto) => ALWAYS_OPEN,
            Some(Class::Fx) => exchanges::CURRENCIES,
            _ => exchanges::code(name?)?,
        })
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, now: Timestamp) -> Result<Record, Error> {
        match said::<Outcome>(ask, reply)? {
            Said::Result(outcome) => quote(ask, reply, outcome, now).map(Record::from),
            Said::Failure(failure) => Err(failed(ask, reply, &failure)),
        }
    }

    fn charts(&self) -> Option<&dyn Charts> {
        Some(&bars::YahooCharts)
    }
}

/// What a reply that can be read says.
enum Said<T> {
    Result(T),
    Failure(Failure),
}

/// What a reply says of the one symbol that was asked about, read as what is wanted of it.
fn said<T: DeserializeOwned>(ask: &Ask<'_>, reply: &Reply) -> Result<Said<T>, Error> {
    // The limit is said in plain text, and was seen with status 200 too.
    if [429, REQUEST_DENIED].contains(&reply.status) || says_too_many(&reply.body) {
        return Err(status_error(ask, &Reply::new(429, Vec::new())));
    }
    let envelope = match serde_json::from_slice::<Envelope<T>>(&reply.body) {
        Ok(envelope) => envelope,
        Err(_) if reply.status != 200 => return Err(status_error(ask, reply)),
        Err(error) => return Err(nonsense(ask, reply, error)),
    };
    let Envelope { chart, finance } = envelope;
    let gateway = finance.and_then(|finance| finance.error);
    let (result, error) = chart.map_or((None, None), |chart| (chart.result, chart.error));
    if let Some(failure) = error.or(gateway) {
        return Ok(Said::Failure(failure));
    }
    if reply.status != 200 {
        return Err(status_error(ask, reply));
    }
    match result.and_then(|result| result.into_iter().next()) {
        Some(outcome) => Ok(Said::Result(outcome)),
        None => Err(nonsense(ask, reply, "it has neither a result nor an error")),
    }
}

/// A symbol as Yahoo writes it: `BRK-B`, `^GSPC`, `EURUSD=X`, `BTC-USD`.
fn spelling(symbol: &Symbol) -> String {
    let name = symbol.name();
    match symbol.class() {
        Class::Index => format!("^{name}"),
        Class::Fx => format!("{name}=X"),
        Class::Crypto => {
            symbol.pair().map_or_else(|| name.to_owned(), |(base, quote)| format!("{base}-{quote}"))
        }
        Class::Stock | Class::Macro => match symbol.share_class() {
            Some((company, class)) => format!("{company}-{class}"),
            None => name.to_owned(),
        },
    }
}

/// Whether Yahoo's name is of what was asked. Against the dollar both `USDINR=X` and `INR=X` are
/// the rupee, and Yahoo answers with either.
fn is_same(asked: &str, answered: &str) -> bool {
    let plain = |name: &str| {
        let name = name.to_ascii_uppercase();
        match name.strip_prefix("USD") {
            Some(rest) if rest.len() == "INR=X".len() && rest.ends_with("=X") => rest.to_owned(),
            _ => name,
        }
    };
    plain(asked) == plain(answered)
}

fn says_too_many(body: &[u8]) -> bool {
    let start = &body[..body.len().min(64)];
    let text = String::from_utf8_lossy(start);
    let text = text.trim_start();
    text.strip_prefix("Edge: ").unwrap_or(text).starts_with("Too Many Requests")
}

/// The error in what Yahoo says is wrong.
fn failed(ask: &Ask<'_>, reply: &Reply, failure: &Failure) -> Error {
    let Ask { symbol, provider, .. } = ask;
    let code = failure.code.as_deref().unwrap_or_default();
    let said = failure.description.as_deref().filter(|text| !text.trim().is_empty());
    let said = shown(said.unwrap_or(code));
    match (code, reply.status) {
        ("Not Found", _) => {
            Error::new(Kind::NotFound, format!("{provider} does not know `{symbol}` ({said})"))
                .hint("check the spelling; a class can be said, as in `crypto:BTC`")
        }
        // "Data doesn't exist for startDate = …": a name that is known and has nothing.
        ("Bad Request", _) if said.contains("doesn't exist") || said.contains("No data found") => {
            Error::new(Kind::NotFound, format!("{provider} has nothing for `{symbol}` ({said})"))
                .hint("it may be delisted; --provider asks another provider")
        }
        ("Too Many Requests", _) => status_error(ask, &Reply::new(429, Vec::new())),
        ("Unauthorized", _) | (_, 401 | 403) => {
            Error::new(Kind::Unauthorized, format!("{provider} refused the request ({said})"))
                .hint(format!("check `providers.{provider}` with `mcache config show`"))
        }
        ("Bad Request" | "Unprocessable Entity", _) | (_, 400 | 422) => Error::new(
            Kind::Unsupported,
            format!("{provider} cannot answer this for `{symbol}` ({said})"),
        )
        .hint("--provider asks another provider"),
        (_, status) => Error::new(
            Kind::Upstream,
            format!("{provider} failed on `{symbol}` with HTTP {status} ({said})"),
        )
        .hint("try again later; --offline answers from the cache"),
    }
}

fn quote(ask: &Ask<'_>, reply: &Reply, outcome: Outcome, now: Timestamp) -> Result<Quote, Error> {
    let asked = spelling(ask.symbol);
    if let Some(answered) = outcome.meta.symbol.as_deref().filter(|name| !is_same(&asked, name)) {
        let why = format!("it is of `{answered}` and not of `{asked}`");
        return Err(nonsense(ask, reply, why));
    }
    let of_one_day = outcome.meta.range.as_deref().is_none_or(|range| range == "1d");
    let has_bars = outcome.timestamp.as_ref().is_some_and(|times| !times.is_empty());
    let open = if of_one_day { first_open(&outcome) } else { None };
    let meta = outcome.meta;
    let market_state = market_state(ask.symbol.class(), &meta, now);
    let Some(price) = meta.regular_market_price else {
        let unlisted = meta.exchange_name.as_deref() == Some(DELISTED);
        let says_nothing = meta.symbol.is_some() && meta.currency.is_none() && !has_bars;
        return Err(if unlisted || says_nothing {
            delisted(ask)
        } else {
            nonsense(ask, reply, "it has no regularMarketPrice")
        });
    };
    let time = match meta.regular_market_time.map(|at| written(Timestamp::from_seconds(at))) {
        Some(None) => return Err(nonsense(ask, reply, "its regularMarketTime is no time")),
        Some(time) => time,
        None => None,
    };
    let before = meta.previous_close.or(meta.chart_previous_close.filter(|_| of_one_day));
    Ok(Quote {
        open,
        high: meta.regular_market_day_high,
        low: meta.regular_market_day_low,
        volume: meta.regular_market_volume,
        currency: meta.currency,
        exchange: meta.exchange_name,
        market_state,
        time,
        ..Quote::of(ask.symbol, ask.provider, price)
    }
    .with_change_from(before))
}

fn delisted(ask: &Ask<'_>) -> Error {
    let Ask { symbol, provider, .. } = ask;
    Error::new(Kind::NotFound, format!("{provider} has no price for `{symbol}`, which is delisted"))
        .hint("check the spelling; a delisted name has no quote")
}

/// The open of the first bar that has one; the rows of halts and gaps are null.
fn first_open(outcome: &Outcome) -> Option<crate::number::Number> {
    let bars = outcome.indicators.as_ref()?.quote.as_ref()?.first()?.as_ref()?;
    bars.open.as_ref()?.iter().flatten().next().cloned()
}

/// What the market was doing at `now`, by the phases that Yahoo sends along.
///
/// Pre and post are named by Yahoo for exchanges that have neither, whose quotes do not move
/// then: those are closed. Coins are always traded, though Yahoo's day for them ends at 23:59.
fn market_state(class: Class, meta: &Meta, now: Timestamp) -> Option<MarketState> {
    if class == Class::Crypto {
        return Some(MarketState::Regular);
    }
    let period = meta.current_trading_period.as_ref()?;
    let regular = period.regular.as_ref()?;
    let during = |phase: &Phase| {
        let (Some(start), Some(end)) = (phase.start, phase.end) else { return false };
        Timestamp::from_seconds(start) <= now && now < Timestamp::from_seconds(end)
    };
    let extended = meta.has_pre_post_market_data.unwrap_or(true);
    Some(if during(regular) {
        MarketState::Regular
    } else if extended && period.pre.as_ref().is_some_and(during) {
        MarketState::Pre
    } else if extended && period.post.as_ref().is_some_and(during) {
        MarketState::Post
    } else {
        MarketState::Closed
    })
}
