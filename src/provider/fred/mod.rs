//! FRED of the Federal Reserve Bank of St. Louis: macro series, and their latest value.
//!
//! The key is added by [`upstream`](crate::upstream) and never known here; as FRED may repeat it
//! in an error, what looks like one is not shown. It never joins a new answer to an old one: FRED
//! revises what is years back, so a series is always read whole.

mod wire;

#[cfg(test)]
mod tests;

use super::{Ask, Charts, Pace, Provider, Reply, Request, nonsense, shown, status_error, written};
use crate::error::{Error, Kind};
use crate::market::{Class, DataType, ExchangeCode, Observation, Quote, Record, Series, Symbol};
use crate::number::Number;
use crate::time::Timestamp;
use wire::{Envelope, Row};

/// How many observations a quote looks back for two that are not missing: a daily series lacks
/// its holidays, and the longest closure known, September 2001, was four trading days.
const LOOK_BACK: &str = "10";

/// Where keys are given out.
const KEYS: &str = "https://fred.stlouisfed.org/docs/api/api_key.html";

/// Speaks as FRED does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fred;

impl Provider for Fred {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        symbol.class() == Class::Macro && matches!(data_type, DataType::Quote | DataType::Series)
    }

    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        let mut query =
            vec![("series_id", ask.symbol.name().to_owned()), ("file_type", "json".to_owned())];
        if ask.data_type == DataType::Quote {
            query.push(("sort_order", "desc".to_owned()));
            query.push(("limit", LOOK_BACK.to_owned()));
        }
        let endpoint = if ask.data_type == DataType::Quote { "quote" } else { "series" };
        Some(Request::get(endpoint, "/fred/series/observations", query, 1))
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

    // What an agency publishes trades nowhere.
    fn exchange(&self, _: &Quote) -> Option<ExchangeCode> {
        None
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, _now: Timestamp) -> Result<Record, Error> {
        let envelope = match serde_json::from_slice::<Envelope>(&reply.body) {
            Ok(envelope) => envelope,
            Err(_) if reply.status != 200 => return Err(refused(ask, reply, None)),
            Err(error) => return Err(nonsense(ask, reply, error)),
        };
        if reply.status != 200 || envelope.error_message.is_some() {
            return Err(refused(ask, reply, envelope.error_message.as_deref()));
        }
        let Some(rows) = envelope.observations else {
            return Err(nonsense(ask, reply, "it has neither observations nor an error"));
        };
        let observations = rows
            .into_iter()
            .map(|row| observation(ask, reply, row))
            .collect::<Result<Vec<_>, _>>()?;
        if ask.data_type == DataType::Quote {
            return latest(ask, reply, observations).map(Record::from);
        }
        Ok(Record::Series(Series {
            symbol: ask.symbol.to_string(),
            asset_class: ask.symbol.class().as_str().to_owned(),
            data_type: DataType::Series.as_str().to_owned(),
            provider: ask.provider.to_owned(),
            observations,
        }))
    }

    fn charts(&self) -> Option<&dyn Charts> {
        None
    }
}

/// One row; a missing value (a point, in the new CSV nothing at all) is kept as missing.
fn observation(ask: &Ask<'_>, reply: &Reply, row: Row) -> Result<Observation, Error> {
    let Row { date, value } = row;
    let value = match value.as_deref().map(str::trim) {
        None | Some("." | "") => None,
        Some(text) => {
            let Some(number) = Number::parse(text) else {
                let why = format!("its value `{text}` of {date} is not a number");
                return Err(nonsense(ask, reply, why));
            };
            Some(number)
        }
    };
    Ok(Observation { date, value })
}

/// The latest value that is not missing, and the one before.
fn latest(ask: &Ask<'_>, reply: &Reply, rows: Vec<Observation>) -> Result<Quote, Error> {
    if rows.is_empty() {
        return Err(nonsense(ask, reply, "it has no observation"));
    }
    let mut known = Vec::with_capacity(rows.len());
    for Observation { date, value } in rows {
        let Some(day) = Timestamp::from_date(&date) else {
            return Err(nonsense(ask, reply, format!("`{date}` is not a date")));
        };
        known.extend(value.map(|value| (day, value)));
    }
    // They were asked for newest first; a mirror that does not know the order must not make the
    // first value of a series its latest.
    known.sort_by_key(|(day, _)| std::cmp::Reverse(*day));
    let mut known = known.into_iter();
    let Some((day, price)) = known.next() else {
        let Ask { symbol, provider, .. } = ask;
        return Err(Error::new(
            Kind::NotFound,
            format!("{provider} has no value among the latest {LOOK_BACK} of `{symbol}`"),
        )
        .hint(format!("`mcache fetch macro:{symbol} -t series` shows what there is")));
    };
    let quote = Quote { time: written(day), ..Quote::of(ask.symbol, ask.provider, price) };
    Ok(quote.with_change_from(known.next().map(|(_, value)| value)))
}

/// The error in what FRED says is wrong: its statuses say little, its sentences all.
fn refused(ask: &Ask<'_>, reply: &Reply, message: Option<&str>) -> Error {
    let Ask { symbol, provider, .. } = ask;
    let status = reply.status;
    let message = message.unwrap_or_default();
    let said = match shown(message) {
        empty if empty.is_empty() => format!("HTTP {status}"),
        said => said,
    };
    if status == 429 || message.contains("Rate Limit") {
        return Error::new(
            Kind::RateLimited,
            format!("{provider} allows no more requests now ({said})"),
        )
        .hint("wait a minute before asking again; --offline answers from the cache");
    }
    if message.contains("api_key") || [401, 403].contains(&status) {
        return Error::new(Kind::Unauthorized, format!("{provider} refused the key ({said})"))
            .hint(format!("set FRED_API_KEY to a key from {KEYS}"));
    }
    // Ids that are no ids ("25 or less alphanumeric characters") are complained of by name.
    if message.contains("does not exist") || message.contains("series_id") {
        return Error::new(Kind::NotFound, format!("{provider} does not know `{symbol}` ({said})"))
            .hint(
                "check the id at https://fred.stlouisfed.org; ids look like GDP, CPIAUCSL, DGS10",
            );
    }
    if message.is_empty() {
        return status_error(ask, reply);
    }
    Error::new(Kind::Upstream, format!("{provider} failed on `{symbol}` ({said})"))
        .hint("try again later; --offline answers from the cache")
}
