//! The rows of the ledger: what [`Book`] is read from and written to.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use xxhash_rust::xxh3::Xxh3;

use super::claim::Book;
use super::health::{Health, Pause, PausedBy};
use super::window::Noted;
use super::{Call, Limits};
use crate::db::Trouble;
use crate::error::{Error, Kind};
use crate::time::Timestamp;

/// After so many calls those are merged that are old compared with the time they may still matter.
const MERGED_AFTER: i64 = 256;

/// Merged calls are no further apart than this part of their age. A call counts in a window of
/// length T only while it is younger than T, so a window is at most this part of its length longer.
const RESOLUTION: i64 = 60;

/// How long a promise outlives its instant: whoever it was made to has died, or is so late that it
/// has to ask again.
const LATE: Duration = Duration::from_secs(5);

/// Calls are kept for this long even if no window of this configuration needs them: another
/// process may know a longer one.
const SHORTEST_MEMORY: Duration = Duration::from_hours(48);

/// What is known of a provider that matters to these limits.
pub(super) fn book(
    connection: &Connection,
    provider: &str,
    limits: &Limits,
    now: Timestamp,
) -> Result<Book, Trouble> {
    let mut book = Book { health: health(connection, provider)?, ..Book::default() };
    if let Some(longest) = limits.longest() {
        book.calls = calls(connection, provider, now - longest)?;
        // What started later than now, but for the time that clocks and turns are apart, did not.
        let is_known = |at: Timestamp| at <= now + LATE;
        let is_awaited = |at: Timestamp| at + LATE > now;
        book.calls
            .retain(|call| if call.started { is_known(call.at) } else { is_awaited(call.at) });
    }
    if let Some(budget) = &limits.budget {
        book.spent = spent(connection, provider, &budget.period_at(now).0)?;
    }
    Ok(book)
}

/// The calls since an instant and all promises, in the order of their time.
pub(super) fn calls(
    connection: &Connection,
    provider: &str,
    since: Timestamp,
) -> Result<Vec<Noted>, Trouble> {
    let mut select = connection.prepare_cached(
        "SELECT id, at_ms, endpoint, weight, share, started FROM call
         WHERE provider = ?1 AND (at_ms > ?2 OR started = 0) ORDER BY at_ms, id",
    )?;
    let rows = select.query_map(params![provider, since.as_ms()], |row| {
        Ok(Noted {
            id: row.get(0)?,
            at: Timestamp::from_ms(row.get(1)?),
            endpoint: row.get(2)?,
            weight: row.get(3)?,
            share: row.get(4)?,
            started: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn spent(
    connection: &Connection,
    provider: &str,
    period: &str,
) -> Result<BTreeMap<Box<str>, u64>, Trouble> {
    let mut select = connection.prepare_cached(
        "SELECT share, calls, sum FROM spent WHERE provider = ?1 AND period = ?2",
    )?;
    let rows = select.query_map([provider, period], |row| {
        let (share, calls): (Box<str>, i64) = (row.get(0)?, row.get(1)?);
        let is_whole = row.get::<_, i64>(2)? == sum(&[provider, period, &share], &[calls]);
        Ok((share, if is_whole { calls.unsigned_abs() } else { 0 }))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Adds to the calls of a period, or takes from them.
pub(super) fn spend(
    transaction: &Transaction<'_>,
    provider: &str,
    period: &str,
    share: &str,
    calls: i64,
) -> Result<(), Trouble> {
    let known = spent(transaction, provider, period)?.get(share).copied().unwrap_or(0);
    let calls = known.saturating_add_signed(calls).cast_signed();
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO spent (provider, period, share, calls, sum)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            provider,
            period,
            share,
            calls,
            sum(&[provider, period, share], &[calls])
        ])?;
    Ok(())
}

/// The sum over a row: texts, each with its length, then numbers.
fn sum(texts: &[&str], numbers: &[i64]) -> i64 {
    let mut hasher = Xxh3::new();
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    for number in numbers {
        hasher.update(&number.to_le_bytes());
    }
    hasher.digest().cast_signed()
}

/// What is entered of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entered {
    Started,
    Promised,
}

/// Enters a call, or the promise of one; its number.
pub(super) fn note(
    transaction: &Transaction<'_>,
    call: &Call<'_>,
    at: Timestamp,
    entered: Entered,
) -> Result<i64, Trouble> {
    transaction
        .prepare_cached(
            "INSERT INTO call (provider, endpoint, at_ms, weight, share, started)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            call.provider,
            call.endpoint,
            at.as_ms(),
            call.weight,
            call.share(),
            entered == Entered::Started
        ])?;
    Ok(transaction.last_insert_rowid())
}

/// Writes what noting a call would, and leaves nothing of it: a transaction without a change writes no
/// page, so it would not find out that the disk is full.
pub(super) fn try_noting(transaction: &Transaction<'_>, now: Timestamp) -> Result<(), Trouble> {
    transaction
        .prepare_cached(
            "INSERT INTO call (provider, endpoint, at_ms, weight, share, started)
             VALUES ('', '', ?1, 0, '', 0)",
        )?
        .execute([now.as_ms()])?;
    strike(transaction, transaction.last_insert_rowid())
}

/// Takes back what a call takes of its windows; others may have been merged into it.
pub(super) fn take_back(
    transaction: &Transaction<'_>,
    id: i64,
    weight: u32,
) -> Result<(), Trouble> {
    transaction
        .prepare_cached("UPDATE call SET weight = weight - ?2 WHERE id = ?1")?
        .execute([id, weight.into()])?;
    transaction.prepare_cached("DELETE FROM call WHERE id = ?1 AND weight <= 0")?.execute([id])?;
    Ok(())
}

/// Takes a promise back.
pub(super) fn strike(transaction: &Transaction<'_>, id: i64) -> Result<(), Trouble> {
    transaction.prepare_cached("DELETE FROM call WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// Forgets what matters to nobody any more, and now and then merges what is old; `newest` is the
/// number of the newest call.
pub(super) fn tidy(
    transaction: &Transaction<'_>,
    provider: &str,
    limits: &Limits,
    newest: i64,
    now: Timestamp,
) -> Result<(), Trouble> {
    let memory = limits.longest().unwrap_or_default().max(SHORTEST_MEMORY);
    transaction
        .prepare_cached(
            "DELETE FROM call WHERE provider = ?1
             AND (at_ms <= ?2 OR (started = 0 AND at_ms <= ?3))",
        )?
        .execute(params![provider, (now - memory).as_ms(), (now - LATE).as_ms()])?;
    if newest % MERGED_AFTER == 0 {
        let known = calls(transaction, provider, now - memory)?;
        merge(transaction, &known, now)?;
    }
    Ok(())
}

/// Merges neighbours that are close together for their age into the later one: what it says is
/// never too early, so a limit is kept a little longer and never less.
fn merge(transaction: &Transaction<'_>, known: &[Noted], now: Timestamp) -> Result<(), Trouble> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Noted>> = BTreeMap::new();
    for call in known.iter().filter(|call| call.started) {
        groups.entry((&call.endpoint, &call.share)).or_default().push(call);
    }
    let mut update = transaction.prepare_cached("UPDATE call SET weight = ?2 WHERE id = ?1")?;
    for calls in groups.values() {
        let mut first = 0;
        for last in 0..calls.len() {
            let is_end = calls.get(last + 1).is_none_or(|next| {
                let age = now.as_ms() - next.at.as_ms();
                next.at.as_ms() - calls[first].at.as_ms() > age / RESOLUTION
            });
            if is_end {
                for call in &calls[first..last] {
                    strike(transaction, call.id)?;
                }
                if first < last {
                    let weight = calls[first..=last]
                        .iter()
                        .fold(0_u32, |sum, call| sum.saturating_add(call.weight));
                    update.execute(params![calls[last].id, weight])?;
                }
                first = last + 1;
            }
        }
    }
    Ok(())
}

/// What is known of a provider's health; nothing, if that is not what was written.
pub(super) fn health(connection: &Connection, provider: &str) -> Result<Health, Trouble> {
    let instant = |ms: i64| (ms > 0).then(|| Timestamp::from_ms(ms));
    let found = connection
        .prepare_cached(
            "SELECT paused_since_ms, paused_until_ms, paused_by, refusals, failures,
                    open_until_ms, probed_until_ms, failed_as, failed_why, sum
             FROM health WHERE provider = ?1",
        )?
        .query_row([provider], |row| {
            let mut numbers = [0; 7];
            for (at, number) in numbers.iter_mut().enumerate() {
                *number = row.get(at)?;
            }
            let (failed_as, why): (String, String) = (row.get(7)?, row.get(8)?);
            if row.get::<_, i64>(9)? != sum(&[provider, &failed_as, &why], &numbers) {
                return Ok(None);
            }
            let [since, until, by, refusals, failures, open_until, probed_until] = numbers;
            let by = match u16::try_from(by) {
                Ok(0) | Err(_) => PausedBy::User,
                Ok(status) => PausedBy::Upstream(status),
            };
            let pause = instant(until).zip(instant(since));
            Ok(Some(Health {
                pause: pause.map(|(until, since)| Pause { since, until, by }),
                refusals: u32::try_from(refusals).unwrap_or(0),
                failures: u32::try_from(failures).unwrap_or(0),
                open_until: instant(open_until),
                probed_until: instant(probed_until),
                failed_as: kind(&failed_as).map(|kind| (kind, why)),
            }))
        })
        .optional()?;
    Ok(found.flatten().unwrap_or_default())
}

/// Keeps what is known of a provider's health.
pub(super) fn keep_health(
    transaction: &Transaction<'_>,
    provider: &str,
    health: &Health,
) -> Result<(), Trouble> {
    let ms = |instant: Option<Timestamp>| instant.map_or(0, Timestamp::as_ms);
    let by = match health.pause.map(|pause| pause.by) {
        Some(PausedBy::Upstream(status)) => status,
        Some(PausedBy::User) | None => 0,
    };
    let (failed_as, why) = match &health.failed_as {
        Some((kind, why)) => (kind.as_str(), why.as_str()),
        None => ("", ""),
    };
    let numbers: [i64; 7] = [
        ms(health.pause.map(|pause| pause.since)),
        ms(health.pause.map(|pause| pause.until)),
        by.into(),
        health.refusals.into(),
        health.failures.into(),
        ms(health.open_until),
        ms(health.probed_until),
    ];
    let [since, until, by, refusals, failures, open_until, probed_until] = numbers;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO health (provider, paused_since_ms, paused_until_ms, paused_by,
                 refusals, failures, open_until_ms, probed_until_ms, failed_as, failed_why, sum)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute(params![
            provider,
            since,
            until,
            by,
            refusals,
            failures,
            open_until,
            probed_until,
            failed_as,
            why,
            sum(&[provider, failed_as, why], &numbers)
        ])?;
    Ok(())
}

/// Moves everything that is known of anybody's health by so many milliseconds.
pub(super) fn move_health(transaction: &Transaction<'_>, moved_ms: i64) -> Result<(), Trouble> {
    let providers: Vec<String> = transaction
        .prepare("SELECT provider FROM health")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let moved = |instant: Timestamp| Timestamp::from_ms(instant.as_ms().saturating_add(moved_ms));
    for provider in providers {
        let health = health(transaction, &provider)?;
        let pause = health.pause.map(|pause| Pause {
            since: moved(pause.since),
            until: moved(pause.until),
            by: pause.by,
        });
        let (open_until, probed_until) =
            (health.open_until.map(moved), health.probed_until.map(moved));
        keep_health(transaction, &provider, &Health { pause, open_until, probed_until, ..health })?;
    }
    Ok(())
}

/// A key that is not asked for, since its last request has failed.
#[derive(Clone, Debug)]
pub struct Cooling {
    /// How it failed.
    pub error: Error,
    /// When it failed.
    pub failed_at: Timestamp,
    /// When it may be asked for again; no later than it can be, whatever stands there.
    pub until: Timestamp,
    pub(super) failures: u32,
}

/// How the last request of a key failed, whether it still cools down or not.
pub(super) fn cooling(connection: &Connection, key: &str) -> Result<Option<Cooling>, Trouble> {
    Ok(connection
        .prepare_cached(
            "SELECT failures, failed_at_ms, until_ms, kind, message, hint FROM cooling
             WHERE key = ?1",
        )?
        .query_row([key], |row| {
            let (name, message, hint): (String, String, String) =
                (row.get(3)?, row.get(4)?, row.get(5)?);
            let error = Error::new(kind(&name).unwrap_or(Kind::Upstream), message);
            Ok(Cooling {
                error: if hint.is_empty() { error } else { error.hint(hint) },
                failed_at: Timestamp::from_ms(row.get(1)?),
                until: Timestamp::from_ms(row.get(2)?),
                failures: row.get(0)?,
            })
        })
        .optional()?)
}

/// Keeps how a key failed; what cooled down long ago is forgotten.
pub(super) fn cool(
    transaction: &Transaction<'_>,
    key: &str,
    cooling: &Cooling,
    long_ago: Timestamp,
) -> Result<(), Trouble> {
    transaction
        .prepare_cached("DELETE FROM cooling WHERE until_ms < ?1")?
        .execute([long_ago.as_ms()])?;
    let error = &cooling.error;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO cooling (key, failures, failed_at_ms, until_ms, kind, message, hint)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            key,
            cooling.failures,
            cooling.failed_at.as_ms(),
            cooling.until.as_ms(),
            error.kind.as_str(),
            error.message,
            error.hint.as_deref().unwrap_or_default()
        ])?;
    Ok(())
}

/// Forgets that a key failed; of a whole provider, if the key is `*@provider`.
pub(super) fn warm(transaction: &Transaction<'_>, key: &str) -> Result<(), Trouble> {
    match key.strip_prefix('*') {
        None => transaction.prepare_cached("DELETE FROM cooling WHERE key = ?1")?.execute([key])?,
        Some(end) => transaction
            .prepare_cached("DELETE FROM cooling WHERE substr(key, -length(?1)) = ?1")?
            .execute([end])?,
    };
    Ok(())
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
}
