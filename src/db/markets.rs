//! The markets of symbols: a row each, read with the entries that it judges and brought up to date
//! with the quotes that are stored.
//!
//! What a market is, and what a quote makes of it, is [`policy::market`](crate::policy::market)'s. A
//! row whose sum does not fit is as if there were none, and is written anew with the next quote: a
//! market is worth no warning. Of a database without these tables see [`joined`].
//!
//! # Rules for changing it
//!
//! The bytes of a pace and of a history are read for ever: whole numbers and floats of eight bytes,
//! the least first, in the order in which they stand below; a day has four.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, Row, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::entry::Entry;
use crate::key::Key;
use crate::market::ExchangeCode;
use crate::policy::Market;
use crate::policy::market::{Followed, Seen, Sighting};
use crate::policy::volatility::{Moves, Realised};
use crate::policy::volume::{HighVolume, History, slot};
use crate::time::Timestamp;

/// The columns of a market, for [`market`].
const MARKET: &str = "SELECT m.exchange, m.volatility_ppm, m.high_from_ms, m.high_until_ms,
            m.high_permille, m.high_days, m.sum";

/// How it is looked up by itself.
const OF_SYMBOL: &str = "FROM (SELECT ?1 AS symbol) k LEFT JOIN market m ON m.symbol = k.symbol";

/// How long the volumes of a time of day are kept that nobody adds to, in days: 20 sessions and a
/// holiday.
const VOLUME_DAYS: i64 = 60;

/// How long a market is kept whose quotes nobody stores, in days.
const MARKET_DAYS: i64 = 396;

/// Looks markets up one after the other.
pub struct Markets<'c>(CachedStatement<'c>);

impl<'c> Markets<'c> {
    /// Looks them up here.
    pub fn of(connection: &'c Connection) -> Result<Self, Trouble> {
        joined::prepare(connection, &format!("{MARKET} {OF_SYMBOL}")).map(Self)
    }

    /// The market of what a key is about; the default if nothing is known of it.
    pub fn market(&mut self, key: &Key) -> Result<Market, Trouble> {
        let Some(symbol) = key.subject() else { return Ok(Market::default()) };
        let found =
            self.0.query_row([symbol], |row| Ok(market(row, 0, Some(symbol)))).optional()?;
        Ok(found.flatten().unwrap_or_default())
    }
}

/// The market in a row, its columns from this one on; the default if there is none, and nothing if
/// the sum does not fit.
pub fn market(row: &Row<'_>, first: usize, symbol: Option<&str>) -> Option<Market> {
    let number = |at: usize| row.get_ref(first + at).ok()?.as_i64_or_null().ok();
    let Some(sum) = number(6)? else { return Some(Market::default()) };
    let exchange = match row.get_ref(first).ok()?.as_str_or_null().ok()? {
        Some(code) => Some(ExchangeCode::parse(code)?),
        None => None,
    };
    let small = |at: usize| match number(at)? {
        Some(number) => u32::try_from(number).ok().map(Some),
        None => Some(None),
    };
    let high = (number(2)?, number(3)?, small(4)?, small(5)?);
    let high_volume = match high {
        (Some(from), Some(until), Some(permille), Some(days)) => Some(HighVolume {
            from: Timestamp::from_ms(from),
            until: Timestamp::from_ms(until),
            permille,
            days,
        }),
        (None, None, None, None) => None,
        _ => return None,
    };
    let market = Market { exchange, volatility: small(1)?.map(Realised), high_volume };
    (codec::market_sum(symbol?, &market) == sum).then_some(market)
}

/// What is known of the market of a quote once that is stored; nothing is written.
pub fn foreseen(
    connection: &Connection,
    quote: &Entry,
    sighting: &Sighting,
) -> Result<Market, Trouble> {
    let Some(seen) = Subject::of(quote) else { return Ok(Market::default()) };
    let followed = seen.followed(connection)?;
    let history = seen.history(connection, sighting)?;
    Ok(followed.after(&seen.says(sighting), &history).0.market)
}

/// Enters what a stored quote says of the market of its symbol, in the writer's turn; what is known
/// of it now. Where the tables were lost nothing is written: that is no reason to set all the
/// entries aside.
pub fn see(
    transaction: &Transaction<'_>,
    quote: &Entry,
    sighting: &Sighting,
) -> Result<Market, Trouble> {
    let Some(seen) = Subject::of(quote) else { return Ok(Market::default()) };
    let before = seen.followed(transaction)?;
    let history = seen.history(transaction, sighting)?;
    let (after, history) = before.clone().after(&seen.says(sighting), &history);
    if after != before && joined::is_there(transaction, "market")? {
        seen.write_market(transaction, &after)?;
    }
    if let Some(history) = history
        && joined::is_there(transaction, "volume")?
    {
        seen.write_history(transaction, &history)?;
    }
    Ok(after.market)
}

/// Drops what nobody has added to for long, as of this day of the program's clock. It reads both tables.
pub fn forget_before(transaction: &Transaction<'_>, today: i64) -> Result<(), Trouble> {
    if joined::is_there(transaction, "volume")? {
        let sql = "DELETE FROM volume WHERE day < ?1";
        transaction.prepare_cached(sql)?.execute([today - VOLUME_DAYS])?;
    }
    if joined::is_there(transaction, "market")? {
        let sql = "DELETE FROM market WHERE seen_at_ms < ?1";
        transaction.prepare_cached(sql)?.execute([(today - MARKET_DAYS) * 86_400_000])?;
    }
    Ok(())
}

/// Drops every history: of what is kept it can be missed first, once there are no entries left to
/// drop.
pub fn forget_volumes(transaction: &Transaction<'_>) -> Result<(), Trouble> {
    if joined::is_there(transaction, "volume")? {
        transaction.prepare_cached("DELETE FROM volume")?.execute([])?;
    }
    Ok(())
}

/// What a quote is about, and whose it is.
struct Subject<'a> {
    symbol: &'a str,
    quote: &'a Entry,
    class: crate::market::Class,
}

impl<'a> Subject<'a> {
    fn of(quote: &'a Entry) -> Option<Self> {
        Some(Self { symbol: quote.key.subject()?, class: quote.key.class()?, quote })
    }

    fn says(&self, sighting: &'a Sighting) -> Seen<'a> {
        let Entry { provider, fetched_at, .. } = self.quote;
        Seen { class: self.class, provider, at: *fetched_at, sighting }
    }

    /// What the row says; the default if there is none or a part of it is not what was written.
    fn followed(&self, connection: &Connection) -> Result<Followed, Trouble> {
        let sql = format!("{MARKET}, m.seen_at_ms, m.pace, m.pace_sum {OF_SYMBOL}");
        let mut find = joined::prepare(connection, &sql)?;
        let read = |row: &Row<'_>| -> Option<Followed> {
            let market = market(row, 0, Some(self.symbol))?;
            let seen_at = row.get_ref(7).ok()?.as_i64().ok()?;
            let bytes = row.get_ref(8).ok()?.as_blob().ok()?;
            let sum = row.get_ref(9).ok()?.as_i64().ok()?;
            if codec::bytes_sum([self.symbol, ""], seen_at, bytes) != sum {
                return None;
            }
            let pace = if bytes.is_empty() { None } else { Some(pace_from(bytes)?) };
            Some(Followed { market, seen_at: Some(Timestamp::from_ms(seen_at)), pace })
        };
        let found = find.query_row([self.symbol], |row| Ok(read(row))).optional()?;
        Ok(found.flatten().unwrap_or_default())
    }

    /// The volumes at this time of day; none if the quote says nothing of its volume.
    fn history(&self, connection: &Connection, sighting: &Sighting) -> Result<History, Trouble> {
        let asks = sighting.volume.is_some() && sighting.in_session;
        if !asks || !joined::is_there(connection, "volume")? {
            return Ok(History::default());
        }
        let slot = slot(self.quote.fetched_at);
        let mut find = connection.prepare_cached(
            "SELECT history, sum FROM volume WHERE symbol = ?1 AND provider = ?2 AND slot = ?3",
        )?;
        let read = |row: &Row<'_>| -> Option<History> {
            let bytes = row.get_ref(0).ok()?.as_blob().ok()?;
            let sum = row.get_ref(1).ok()?.as_i64().ok()?;
            let fits = codec::bytes_sum([self.symbol, &self.quote.provider], slot, bytes) == sum;
            fits.then(|| history_from(bytes))
        };
        let found = find
            .query_row(params![self.symbol, self.quote.provider, slot], |row| Ok(read(row)))
            .optional()?;
        Ok(found.flatten().unwrap_or_default())
    }

    fn write_market(&self, transaction: &Transaction<'_>, after: &Followed) -> Result<(), Trouble> {
        let Market { exchange, volatility, high_volume } = after.market;
        let seen_at = after.seen_at.map_or(0, Timestamp::as_ms);
        let pace = after.pace.as_ref().map(pace_bytes).unwrap_or_default();
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO market
                 (symbol, exchange, volatility_ppm, high_from_ms, high_until_ms, high_permille,
                  high_days, sum, seen_at_ms, pace, pace_sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                self.symbol,
                exchange.as_ref().map(ExchangeCode::as_str),
                volatility.map(|realised| realised.0),
                high_volume.map(|high| high.from.as_ms()),
                high_volume.map(|high| high.until.as_ms()),
                high_volume.map(|high| high.permille),
                high_volume.map(|high| high.days),
                codec::market_sum(self.symbol, &after.market),
                seen_at,
                pace,
                codec::bytes_sum([self.symbol, ""], seen_at, &pace),
            ])?;
        Ok(())
    }

    fn write_history(
        &self,
        transaction: &Transaction<'_>,
        history: &History,
    ) -> Result<(), Trouble> {
        let Entry { provider, fetched_at, .. } = self.quote;
        let (slot, bytes) = (slot(*fetched_at), history_bytes(history));
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO volume (symbol, provider, slot, day, history, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                self.symbol,
                provider,
                slot,
                fetched_at.day(),
                bytes,
                codec::bytes_sum([self.symbol, provider], slot, &bytes),
            ])?;
        Ok(())
    }
}

fn pace_bytes(pace: &Moves) -> Vec<u8> {
    let Moves { provider, price, at, squares, seconds, returns } = pace;
    let mut bytes = Vec::with_capacity(40 + provider.len());
    bytes.extend(at.as_ms().to_le_bytes());
    for number in [price, squares, seconds] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(u64::from(*returns).to_le_bytes());
    bytes.extend(provider.as_bytes());
    bytes
}

fn pace_from(bytes: &[u8]) -> Option<Moves> {
    let (numbers, provider) = bytes.split_at_checked(40)?;
    let number = |at: usize| numbers[at * 8..at * 8 + 8].try_into().map(f64::from_le_bytes).ok();
    let whole = |at: usize| numbers[at * 8..at * 8 + 8].try_into().map(i64::from_le_bytes).ok();
    Some(Moves {
        at: Timestamp::from_ms(whole(0)?),
        price: number(1)?,
        squares: number(2)?,
        seconds: number(3)?,
        returns: u32::try_from(whole(4)?).ok()?,
        provider: str::from_utf8(provider).ok()?.into(),
    })
}

fn history_bytes(history: &History) -> Vec<u8> {
    let pair = |(day, volume): &(i64, f64)| {
        let day = i32::try_from(*day).unwrap_or(i32::MAX);
        day.to_le_bytes().into_iter().chain(volume.to_le_bytes())
    };
    history.0.iter().flat_map(pair).collect()
}

fn history_from(bytes: &[u8]) -> History {
    let pair = |bytes: &[u8]| {
        let day = i32::from_le_bytes(bytes[..4].try_into().ok()?);
        Some((i64::from(day), f64::from_le_bytes(bytes[4..].try_into().ok()?)))
    };
    History(bytes.chunks_exact(12).filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_a_pace_and_of_a_history_never_change() {
        // On disk for ever.
        let pace = Moves {
            provider: "yahoo".into(),
            price: 189.98,
            at: Timestamp::from_ms(1_782_918_000_123),
            squares: 0.000_25,
            seconds: 3600.0,
            returns: 12,
        };
        let bytes = pace_bytes(&pace);
        let sum = codec::bytes_sum(["stock:AAPL", ""], 7, &bytes);
        assert_eq!((bytes.len(), sum), (45, -1_401_541_360_196_903_793));
        assert_eq!(pace_from(&bytes), Some(pace));
        assert_eq!(pace_from(&bytes[..39]), None);
        let history = History(vec![(20_634, 1_234_567.0), (20_635, 0.5)]);
        let bytes = history_bytes(&history);
        let sum = codec::bytes_sum(["stock:AAPL", "yahoo"], 60, &bytes);
        assert_eq!((bytes.len(), sum), (24, -7_542_001_524_469_349_104));
        assert_eq!(history_from(&bytes), history);
    }
}
