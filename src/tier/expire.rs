//! What storing entries expires: worked out and marked in the transaction that stores them.
//!
//! An event is judged by what stands there in the writer's turn, so two processes that store the same
//! move make one event of it, and nobody reads the new value without its consequences. What is
//! stored together is not expired by each other. An entry is expired once: the first event says why, and
//! the last one when, since an answer may be under way that was asked for between the two.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use rusqlite::{CachedStatement, OptionalExtension as _, Transaction, params};

use super::disk::sound;
use super::{Incoming, Name, Stored};
use crate::db::tally::Tally;
use crate::db::{Trouble, marks};
use crate::entry::Entry;
use crate::key::{Key, Pattern};
use crate::policy::event::Sessions;
use crate::policy::{Cause, Event, Expired, Invalidation};
use crate::time::Timestamp;

/// One key.
const EXACTLY: &str = "SELECT id, key, provider FROM entry WHERE key = ?1";

/// The keys from one to, but not at, another, from an index that has no more: no value is read.
const BETWEEN: &str = "SELECT id, key, provider FROM entry WHERE key >= ?1 AND key < ?2";

/// The same to the end.
const FROM: &str = "SELECT id, key, provider FROM entry WHERE key >= ?1";

/// The keys with a tag.
const TAGGED: &str = "SELECT e.id, e.key, e.provider FROM tag t JOIN entry e ON e.id = t.id
                      WHERE t.tag = ?1";

/// By what storing entries expires others.
pub struct Expiry<'a> {
    /// When, by the program's clock.
    pub at: Timestamp,
    /// What makes an event, and what events expire.
    pub by: &'a Invalidation,
    /// In how many sessions two quotes of one key were taken.
    pub sessions: &'a dyn Fn(&Entry, &Stored) -> Sessions,
}

/// A row that an event may be about.
#[derive(Clone)]
struct Candidate {
    id: i64,
    name: Name,
}

impl Expiry<'_> {
    /// What happens if this is stored now, before it is.
    pub(super) fn events(
        &self,
        transaction: &Transaction<'_>,
        incoming: &Incoming,
    ) -> Result<Vec<Event>, Trouble> {
        let new = &*incoming.stored.entry;
        if new.is_put() {
            return Ok(self.by.after_put(&new.key, &incoming.tags).into_iter().collect());
        }
        if !self.by.watches(new) {
            return Ok(Vec::new());
        }
        let held = held(transaction, &new.key, &new.provider)?;
        let happened = |held: Entry| {
            let sessions = (self.sessions)(&held, &incoming.stored);
            self.by.events(&held, new, sessions)
        };
        Ok(held.map_or_else(Vec::new, happened))
    }

    /// Marks what these events expire, but for the rows just `stored`, and counts it; what it was.
    pub(super) fn expire(
        &self,
        transaction: &Transaction<'_>,
        events: &[Event],
        stored: &HashSet<i64>,
    ) -> Result<Vec<Name>, Trouble> {
        // A hundred thousand puts with one tag name the same key a hundred thousand times.
        let mut named: BTreeMap<(&Cause, Target<'_>), Vec<&Key>> = BTreeMap::new();
        for event in events {
            let patterns = event.patterns.iter().map(Target::Keys);
            let tags = event.tags.iter().map(|tag| Target::Tagged(tag));
            for target in patterns.chain(tags) {
                named.entry((&event.why, target)).or_default().push(&event.key);
            }
        }
        let mut expired = Vec::new();
        let mut counts: BTreeMap<&Cause, i64> = BTreeMap::new();
        let mut ranges = Ranges::default();
        for ((why, target), of) in named {
            for Candidate { id, name } in ranges.picked(transaction, target)? {
                let is_itself = of.iter().all(|key| **key == name.key);
                if is_itself || stored.contains(&id) || !self.mark(transaction, id, &name, why)? {
                    continue;
                }
                *counts.entry(why).or_default() += 1;
                expired.push(name);
            }
        }
        let mut tally = Tally::default();
        for (why, n) in counts {
            tally.invalidated(self.at, why, n);
        }
        tally.write(transaction)?;
        Ok(expired)
    }

    /// Marks one entry; whether no event had expired it yet. What was expired before is so from now
    /// on, for the same reason: an answer under way that was asked for since is of before this event.
    /// A mark from later than now was made under another clock, and stands in no event's way.
    fn mark(
        &self,
        transaction: &Transaction<'_>,
        id: i64,
        name: &Name,
        why: &Cause,
    ) -> Result<bool, Trouble> {
        let Name { key, provider } = name;
        let mut find =
            transaction.prepare_cached("SELECT fetched_at_ms FROM entry WHERE id = ?1")?;
        let found = find.query_row([id], |row| Ok(row.get_ref(0)?.as_i64().ok())).optional()?;
        // What is no number was never written: whoever asks for that entry learns of it.
        let Some(fetched_at) = found.flatten().map(Timestamp::from_ms) else { return Ok(false) };
        let expired = Expired { at: self.at, why: why.clone() }.of(fetched_at);
        let before = marks::of(transaction, id, key.as_str(), provider)?
            .filter(|before| before.holds_for(fetched_at) && !before.is_after(expired.at));
        let is_new = before.is_none();
        let expired = match before {
            // Always another mark than before, since who has seen that one has not seen this event.
            Some(before) => {
                Expired { why: before.why, at: expired.at.max(before.at + NEXT_INSTANT) }
            }
            None => expired,
        };
        marks::mark(transaction, id, key.as_str(), provider, &expired)?;
        Ok(is_new)
    }
}

/// As close as two marks may be.
const NEXT_INSTANT: Duration = Duration::from_millis(1);

/// What an event names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target<'e> {
    /// The keys that this picks.
    Keys(&'e Pattern),
    /// What carries this tag.
    Tagged(&'e str),
}

/// The keys that begin alike, read once for all events: 500 symbols may move at once.
#[derive(Default)]
struct Ranges<'e>(HashMap<&'e str, Vec<Candidate>>);

impl<'e> Ranges<'e> {
    /// What an event names.
    fn picked(
        &mut self,
        transaction: &Transaction<'_>,
        target: Target<'e>,
    ) -> Result<Vec<Candidate>, Trouble> {
        let pattern = match target {
            Target::Tagged(tag) => return read(transaction.prepare_cached(TAGGED)?, &[tag]),
            Target::Keys(pattern) => pattern,
        };
        let is_meant = |of: &Candidate| pattern.picks(&of.name.key, &of.name.provider);
        if pattern.is_one_key() {
            let found = read(transaction.prepare_cached(EXACTLY)?, &[pattern.glob()])?;
            return Ok(found.into_iter().filter(is_meant).collect());
        }
        let first = pattern.prefix();
        if !self.0.contains_key(first) {
            let found = match after_all_with(first) {
                Some(end) => read(transaction.prepare_cached(BETWEEN)?, &[first, &end])?,
                None => read(transaction.prepare_cached(FROM)?, &[first])?,
            };
            self.0.insert(first, found);
        }
        let range = self.0.get(first).into_iter().flatten();
        Ok(range.filter(|of| is_meant(of)).cloned().collect())
    }
}

fn read(mut select: CachedStatement<'_>, bounds: &[&str]) -> Result<Vec<Candidate>, Trouble> {
    let mut rows = select.query(rusqlite::params_from_iter(bounds))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        // What is no text was never written, and whoever asks for it learns of it.
        let (Ok(key), Ok(provider)) = (row.get_ref(1)?.as_str(), row.get_ref(2)?.as_str()) else {
            continue;
        };
        let name = Name { key: Key::from_stored(key), provider: provider.into() };
        found.push(Candidate { id: row.get(0)?, name });
    }
    Ok(found)
}

/// The first text after all that begin with this one, by code points, which is the order of the
/// index; none if there is no such text.
fn after_all_with(first: &str) -> Option<String> {
    let mut end = first.to_owned();
    while let Some(last) = end.pop() {
        // Between the two halves of the code points there are some that are no characters.
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// The entry that one of this name would take the place of, if it is sound.
fn held(
    transaction: &Transaction<'_>,
    key: &Key,
    provider: &str,
) -> Result<Option<Entry>, Trouble> {
    let mut find = transaction.prepare_cached(
        "SELECT id, CAST(key AS BLOB), CAST(provider AS BLOB), fetched_at_ms, own_ttl_ms, shape,
                raw_bytes, sum, body
         FROM entry WHERE id BETWEEN ?1 AND ?1 + 15 AND key = ?2 AND provider = ?3",
    )?;
    let bounds = params![key.first_id(), key.as_str(), provider];
    Ok(find.query_row(bounds, |row| Ok(sound(row).ok())).optional()?.flatten())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::codec::Packing;
    use crate::db::Database;
    use crate::entry::Format;
    use crate::key::PUT;
    use crate::policy::Known;
    use crate::tier::disk::Disk;
    use crate::tier::{Stored, Tier as _};

    const NOW: Timestamp = Timestamp::from_ms(1_782_918_000_000);

    fn disk(folder: &tempfile::TempDir) -> Disk {
        Disk::new(Database::at(folder.path()), Packing::None)
    }

    /// An entry that was fetched so many milliseconds from now.
    fn incoming(key: &str, provider: &str, ms: i64, body: &[u8]) -> Incoming {
        let entry = Entry {
            key: Key::from_stored(key),
            provider: provider.into(),
            fetched_at: Timestamp::from_ms(NOW.as_ms() + ms),
            own_ttl: None,
            format: Format::Json,
            body: body.into(),
        };
        let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
        Incoming {
            stored,
            asked_after: None,
            tags: Vec::new(),
            validators: None,
            sighting: None,
            parts: None,
            gone_at: Timestamp::NEVER,
            put_at: NOW,
        }
    }

    /// Stores this so many milliseconds from now; how many entries it expires.
    fn store_at(disk: &Disk, ms: i64, new: Incoming) -> usize {
        let by = Invalidation::default();
        let at = Timestamp::from_ms(NOW.as_ms() + ms);
        let expiry = Expiry { at, by: &by, sessions: &|_, _| Sessions::One };
        disk.commit_expiring(&mut [new], &Tally::default(), &[], Some(&expiry)).unwrap().len()
    }

    /// Puts a key whose tag expires `key`, so many milliseconds from now; how many entries that was.
    fn expire_at(disk: &Disk, ms: i64, key: &str) -> usize {
        let put = incoming("cause", PUT, ms, b"1");
        store_at(disk, ms, Incoming { tags: vec![key.to_owned()], ..put })
    }

    /// The same, now.
    fn expire(disk: &Disk, key: &str) -> usize {
        expire_at(disk, 0, key)
    }

    /// Marks what stands alone under a key, as an event so many milliseconds from now did.
    fn mark_at(disk: &Disk, ms: i64, key: &str) {
        let stored = disk.get(&Key::from_stored(key)).unwrap().unwrap()[0].clone();
        let at = Timestamp::from_ms(NOW.as_ms() + ms);
        let expired = Expired { at, why: Cause::PRICE_MOVE };
        let marked = disk.database().write(|transaction| {
            marks::mark(transaction, stored.row, key, &stored.entry.provider, &expired)
        });
        marked.unwrap();
    }

    /// How many milliseconds from now what stands alone under a key was expired, and why.
    fn mark(disk: &Disk, key: &str) -> Option<(i64, Cause)> {
        let stored = disk.get(&Key::from_stored(key)).unwrap().unwrap()[0].clone();
        stored.known.expired.map(|expired| (expired.at.as_ms() - NOW.as_ms(), expired.why))
    }

    /// Whether each entry under a key is expired, by provider.
    fn expired(disk: &Disk, key: &str) -> Vec<(String, bool)> {
        let shelf = disk.get(&Key::from_stored(key)).unwrap().unwrap();
        let mut of: Vec<_> = shelf
            .iter()
            .map(|s| (s.entry.provider.to_string(), s.known.expired(&s.entry).is_some()))
            .collect();
        of.sort();
        of
    }

    #[test]
    fn keys_are_found_by_how_they_begin_and_no_value_is_read_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        disk.put(&mut [incoming("a", "yahoo", 0, b"1")]).unwrap();
        for (sql, bounds, way) in [
            (BETWEEN, vec!["a", "b"], "entry_by_key (key>? AND key<?)"),
            (EXACTLY, vec!["a"], "entry_by_key (key=?)"),
            (FROM, vec!["a"], "entry_by_key (key>?)"),
        ] {
            let explained = disk.database().read(|connection| {
                let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let bounds = rusqlite::params_from_iter(bounds.iter());
                let steps = explain.query_map(bounds, |row| row.get::<_, String>(3))?;
                Ok(steps.collect::<Result<Vec<_>, _>>()?)
            });
            let expected = format!("SEARCH entry USING COVERING INDEX {way}");
            assert_eq!(explained.unwrap(), [expected]);
        }
    }

    #[test]
    fn of_a_key_all_that_was_there_is_expired_and_once() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        let mut stored = [
            incoming("k", "yahoo", -5000, b"1"),
            incoming("k", "a slewed clock", 1000, b"1"),
            incoming("k", "from later", 60_000, b"1"),
            incoming("k2", "yahoo", -5000, b"1"),
        ];
        disk.put(&mut stored).unwrap();
        assert_eq!((expire(&disk, "k"), expire(&disk, "k")), (3, 0));
        let expected = [("a slewed clock", true), ("from later", true), ("yahoo", true)];
        assert_eq!(expired(&disk, "k"), expected.map(|(who, is)| (who.to_owned(), is)));
        assert_eq!(expired(&disk, "k2"), [("yahoo".to_owned(), false)]);
    }

    #[test]
    fn what_was_asked_for_before_an_event_is_expired_though_it_comes_later() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        for (case, provider, ms, is_expired) in [
            ("asked for before", "yahoo", -1, true),
            ("asked for at that instant", "yahoo", 0, false),
            ("asked for later", "yahoo", 1, false),
            ("what a user writes", PUT, -1, false),
        ] {
            disk.put(&mut [incoming("k", provider, -5000, b"1")]).unwrap();
            expire(&disk, "k");
            let mut new = [incoming("k", provider, ms, b"2")];
            disk.put(&mut new).unwrap();
            let stored = &new[0].stored;
            assert_eq!(stored.known.expired(&stored.entry).is_some(), is_expired, "{case}");
            assert_eq!(expired(&disk, "k"), [(provider.to_owned(), is_expired)], "{case}");
            disk.remove(&[Name { key: Key::from_stored("k"), provider: provider.into() }]).unwrap();
        }
    }

    #[test]
    fn a_second_event_is_not_lost_on_an_answer_that_was_asked_for_between_the_two() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        store_at(&disk, 0, incoming("k", "yahoo", -5000, b"1"));
        mark_at(&disk, 0, "k");
        assert_eq!(expire_at(&disk, 5000, "k"), 0, "it was expired before");
        assert_eq!(mark(&disk, "k"), Some((5000, Cause::PRICE_MOVE)), "the first says why");
        assert_eq!(expire_at(&disk, 4500, "k"), 0, "a clock that is behind");
        store_at(&disk, 6000, incoming("k", "yahoo", 3000, b"2"));
        assert_eq!(mark(&disk, "k"), Some((5001, Cause::PRICE_MOVE)));
        assert_eq!(expired(&disk, "k"), [("yahoo".to_owned(), true)]);
    }

    #[test]
    fn a_mark_from_a_clock_that_was_ahead_hides_no_event_and_holds_for_nothing_new() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        for (ahead, is_blocking) in [(1000, true), (1001, false), (31_536_000_000, false)] {
            store_at(&disk, 0, incoming("k", "yahoo", -5000, b"1"));
            mark_at(&disk, ahead, "k");
            store_at(&disk, 0, incoming("k", "yahoo", -5000, b"2"));
            assert_eq!(mark(&disk, "k").is_some(), is_blocking, "{ahead}");
            mark_at(&disk, ahead, "k");
            assert_eq!(expire(&disk, "k"), usize::from(!is_blocking), "{ahead}");
            let another = (ahead + 1, Cause::PRICE_MOVE);
            let expected = if is_blocking { another } else { (0, Cause::RULE) };
            assert_eq!(mark(&disk, "k"), Some(expected), "{ahead}");
            disk.remove(&[Name { key: Key::from_stored("k"), provider: "yahoo".into() }]).unwrap();
        }
    }

    #[test]
    fn what_is_asked_for_after_an_event_is_fresh_whatever_its_clock_says() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        for (case, is_expired) in [("it was there", false), ("another came since", true)] {
            store_at(&disk, 0, incoming("k", "yahoo", -5000, b"1"));
            mark_at(&disk, 900, "k");
            let at = Timestamp::from_ms(NOW.as_ms() + 900);
            let asked_after = Some(Expired { at, why: Cause::PRICE_MOVE });
            if is_expired {
                // By a clock that is behind that of the first.
                expire(&disk, "k");
            }
            store_at(&disk, 0, Incoming { asked_after, ..incoming("k", "yahoo", 0, b"2") });
            assert_eq!(expired(&disk, "k"), [("yahoo".to_owned(), is_expired)], "{case}");
            disk.remove(&[Name { key: Key::from_stored("k"), provider: "yahoo".into() }]).unwrap();
        }
    }

    #[test]
    fn a_mark_goes_with_its_entry() {
        let folder = tempfile::tempdir().unwrap();
        let disk = disk(&folder);
        let mut stored = [incoming("k", "yahoo", -5000, b"1")];
        disk.put(&mut stored).unwrap();
        expire(&disk, "k");
        let name = Name { key: Key::from_stored("k"), provider: "yahoo".into() };
        disk.remove(&[name]).unwrap();
        disk.put(&mut stored).unwrap();
        assert_eq!(expired(&disk, "k"), [("yahoo".to_owned(), false)]);
    }

    proptest! {
        #[test]
        fn the_keys_that_begin_so_are_those_before_the_end(
            first in "[a\u{d7ff}\u{e000}\u{10ffff}]{0,3}", text in "[ab\u{d7ff}\u{e000}\u{10ffff}]{0,4}",
        ) {
            let is_between = text >= first && after_all_with(&first).is_none_or(|end| text < end);
            prop_assert_eq!(is_between, text.starts_with(&first));
        }
    }
}
