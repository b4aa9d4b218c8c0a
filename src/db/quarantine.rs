//! Answers that were refused as nonsense, kept beside the good ones for whoever wants to know why.
//!
//! Nothing is ever answered out of it, and a hit never opens it: it is a small file of its own,
//! `quarantine.db`. One table more in `cache.db` would be parsed at every cold start.
//!
//! # Bounds
//!
//! The newest [`MOST_ANSWERS`], and no more of them than make [`MOST_BYTES`] together; what is older
//! goes in the transaction in which something newer comes. What is refused again for the same reason
//! is counted in the row that is there: a provider that is broken for a day takes one row a key.
//!
//! # Damage
//!
//! The file is set aside under another name and begun anew, as the cache is.

use std::path::{Path, PathBuf};

use rusqlite::Row;

use super::{Database, Schema, Trouble};
use crate::time::Timestamp;

/// The database of what was refused; the application is "mcaq".
static QUARANTINE: Schema = Schema {
    file: FILE,
    lock: "quarantine.lock",
    application_id: 0x6d63_6171,
    major: 1,
    migrations: &[include_str!("quarantine.sql")],
    tables: &["answer"],
};

/// The name of the file in the cache folder.
pub const FILE: &str = "quarantine.db";

/// How many answers are kept.
pub const MOST_ANSWERS: u32 = 100;

/// How many bytes their bodies may take together.
pub const MOST_BYTES: u32 = 4 * 1024 * 1024;

/// An answer that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// What was asked for.
    pub key: String,
    /// Who gave it.
    pub provider: String,
    /// Which endpoint was asked.
    pub endpoint: String,
    /// When it was refused last.
    pub at: Timestamp,
    /// Why, fit to be shown.
    pub why: String,
    /// The status of HTTP, if there was one.
    pub status: Option<u16>,
    /// What the body is, as its sender said.
    pub content_type: Option<String>,
    /// How long the body was, in bytes.
    pub bytes: u64,
    /// The start of it, without what is secret.
    pub body: Vec<u8>,
}

/// A row: an answer, and how often the same was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first of them, as of the last time.
    pub answer: Refused,
    /// When it was refused first.
    pub first_at: Timestamp,
    /// How often.
    pub times: u64,
}

/// The quarantine of one cache folder. Nothing is opened or created before it is needed.
#[derive(Debug)]
pub struct Quarantine(Database);

impl Quarantine {
    /// The one in this folder.
    pub fn at(folder: &Path) -> Self {
        Self(Database::of(folder, &QUARANTINE))
    }

    /// The file.
    pub fn path(&self) -> PathBuf {
        self.0.path()
    }

    /// Keeps answers, and drops what is too old or too much; where a damaged file stands now that was
    /// in the way.
    pub fn keep(&self, answers: &[Refused], now: Timestamp) -> Result<Option<PathBuf>, Trouble> {
        let failed = self.0.identity();
        match self.write(answers) {
            Err(Trouble::Damaged(_)) => {
                let aside = self.0.set_aside(now, failed)?;
                self.write(answers).map(|()| aside)
            }
            written => written.map(|()| None),
        }
    }

    fn write(&self, answers: &[Refused]) -> Result<(), Trouble> {
        self.0.write(|transaction| {
            for answer in answers {
                let again = transaction
                    .prepare_cached(
                        "UPDATE answer SET id = (SELECT max(id) FROM answer) + 1, at_ms = ?4,
                             times = times + 1
                         WHERE key = ?1 AND provider = ?2 AND why = ?3",
                    )?
                    .execute((&answer.key, &answer.provider, &answer.why, answer.at.as_ms()))?;
                if again == 0 {
                    insert(transaction, answer)?;
                }
            }
            transaction.execute(
                "DELETE FROM answer WHERE id IN (
                     SELECT id FROM (
                         SELECT id, row_number() OVER newest AS place,
                             sum(length(body)) OVER newest AS bytes
                         FROM answer WINDOW newest AS (ORDER BY id DESC)
                     ) WHERE place > ?1 OR bytes > ?2)",
                (MOST_ANSWERS, MOST_BYTES),
            )?;
            Ok(())
        })
    }

    /// What is held, the newest first; nothing, if nothing was ever refused.
    pub fn list(&self) -> Result<Vec<Held>, Trouble> {
        let read = self.0.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT key, provider, endpoint, first_at_ms, at_ms, times, why, status,
                     content_type, bytes, body
                 FROM answer ORDER BY id DESC",
            )?;
            let rows = statement.query_map([], held)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        });
        match read {
            Err(Trouble::Absent) => Ok(Vec::new()),
            read => read,
        }
    }

    /// Forgets everything.
    pub fn clear(&self) -> Result<(), Trouble> {
        if self.0.identity().is_none() {
            return Ok(());
        }
        self.0.write(|transaction| Ok(transaction.execute("DELETE FROM answer", []).map(drop)?))
    }
}

fn insert(transaction: &rusqlite::Transaction<'_>, answer: &Refused) -> Result<(), Trouble> {
    let bytes = i64::try_from(answer.bytes).unwrap_or(i64::MAX);
    transaction
        .prepare_cached(
            "INSERT INTO answer (id, key, provider, endpoint, first_at_ms, at_ms, times, why,
                 status, content_type, bytes, body)
             VALUES ((SELECT coalesce(max(id), 0) FROM answer) + 1,
                 ?1, ?2, ?3, ?4, ?4, 1, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            &answer.key,
            &answer.provider,
            &answer.endpoint,
            answer.at.as_ms(),
            &answer.why,
            answer.status,
            &answer.content_type,
            bytes,
            &answer.body,
        ))?;
    Ok(())
}

fn held(row: &Row<'_>) -> rusqlite::Result<Held> {
    let answer = Refused {
        key: row.get(0)?,
        provider: row.get(1)?,
        endpoint: row.get(2)?,
        at: Timestamp::from_ms(row.get(4)?),
        why: row.get(6)?,
        status: row.get(7)?,
        content_type: row.get(8)?,
        bytes: row.get::<_, i64>(9)?.unsigned_abs(),
        body: row.get(10)?,
    };
    let times = row.get::<_, i64>(5)?.unsigned_abs();
    Ok(Held { answer, first_at: Timestamp::from_ms(row.get(3)?), times })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &str, why: &str, at: i64, size: usize) -> Refused {
        Refused {
            key: key.to_owned(),
            provider: "yahoo".to_owned(),
            endpoint: "quote".to_owned(),
            at: Timestamp::from_ms(at),
            why: why.to_owned(),
            status: Some(200),
            content_type: None,
            bytes: size as u64,
            body: vec![b'x'; size],
        }
    }

    fn keys(quarantine: &Quarantine) -> Vec<String> {
        quarantine.list().unwrap().into_iter().map(|held| held.answer.key).collect()
    }

    #[test]
    fn what_is_refused_again_is_counted_and_is_the_newest() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::at(folder.path());
        assert_eq!(quarantine.list(), Ok(Vec::new()));
        quarantine.clear().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is created");
        let now = Timestamp::from_ms(9);
        for (key, why, at) in [("a", "x", 1), ("b", "x", 2), ("a", "x", 3), ("a", "y", 4)] {
            quarantine.keep(&[refused(key, why, at, 1)], now).unwrap();
        }
        let held = quarantine.list().unwrap();
        let told: Vec<_> = held
            .iter()
            .map(|of| (&*of.answer.key, &*of.answer.why, of.first_at.as_ms(), of.times))
            .collect();
        assert_eq!(told, [("a", "y", 4, 1), ("a", "x", 1, 2), ("b", "x", 2, 1)]);
        assert_eq!(held[1].answer.at.as_ms(), 3);
        quarantine.clear().unwrap();
        assert_eq!(quarantine.list(), Ok(Vec::new()));
    }

    #[test]
    fn only_the_newest_are_kept_and_no_more_than_their_bodies_may_take() {
        let folder = tempfile::tempdir().unwrap();
        let quarantine = Quarantine::at(folder.path());
        let now = Timestamp::from_ms(9);
        let many: Vec<_> = (0..120).map(|n| refused(&n.to_string(), "x", n, 1)).collect();
        quarantine.keep(&many, now).unwrap();
        let left = keys(&quarantine);
        assert_eq!((left.len(), &*left[0], &*left[99]), (100, "119", "20"));
        for n in 0..5 {
            quarantine.keep(&[refused(&format!("large{n}"), "x", n, 1 << 20)], now).unwrap();
        }
        assert_eq!(keys(&quarantine), ["large4", "large3", "large2", "large1"]);
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_begun_anew() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), [7; 4096]).unwrap();
        let quarantine = Quarantine::at(folder.path());
        let aside = quarantine.keep(&[refused("a", "x", 1, 1)], Timestamp::from_ms(9)).unwrap();
        assert!(aside.unwrap().file_name().unwrap().to_str().unwrap().starts_with(FILE));
        assert_eq!(keys(&quarantine), ["a"]);
    }
}
