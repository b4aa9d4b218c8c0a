//! What is done to entries by name: put, get, list, clear.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::lookup::Looked;
use super::store::Doing;
use super::{Cache, Question, Served, Undone};
use crate::db::tally::{Event, Outcome, Tally};
use crate::entry::{Entry, Format, State};
use crate::error::nearest;
use crate::key::{Key, PUT, Pattern};
use crate::policy::market::Sighting;
use crate::policy::{Cause, Known, Terms};
use crate::tier::disk::Listed;
use crate::tier::{Incoming, Name, Stored, Tier as _};
use crate::time::Timestamp;

/// An entry as `keys` shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    /// Its key.
    pub key: Key,
    /// Who gave it.
    pub provider: String,
    /// How far it has come.
    pub state: State,
    /// How long it stays fresh, zero once it is not; none of what never expires.
    pub ttl_left: Option<Duration>,
    /// What its row takes, in bytes.
    pub size_bytes: u64,
    /// How often it answered.
    pub hits: u64,
    /// Whether it is the memory of an upstream that knows no such thing.
    pub not_found: bool,
    /// Why it went stale before its time, if an event has expired it.
    pub expired: Option<Cause>,
}

/// Which entries are meant: all conditions that are given must hold; of several patterns, one.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Globs over keys.
    pub patterns: Vec<Pattern>,
    /// About this symbol.
    pub symbol: Option<String>,
    /// Of this type.
    pub data_type: Option<String>,
    /// From this provider.
    pub provider: Option<String>,
    /// With this tag.
    pub tag: Option<String>,
    /// In one of these states; in any, if none is named.
    pub states: Vec<State>,
}

/// What a selection picks, or what clearing it has dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// The entries.
    pub names: Vec<Name>,
    /// What their rows take, in bytes.
    pub bytes: u64,
}

impl Cache {
    /// Writes values under free keys, each with the time that it has to live, and expires what the
    /// rules and tags name. All of it is done, or nothing.
    pub fn put(
        &self,
        values: Vec<(Key, Box<[u8]>)>,
        ttl: Duration,
        tags: &[String],
    ) -> Result<(), Undone> {
        let mut incoming: Vec<Incoming> = values
            .into_iter()
            .map(|(key, body)| {
                let entry = Entry {
                    key,
                    provider: PUT.into(),
                    fetched_at: self.clock.now(),
                    own_ttl: Some(ttl),
                    format: Format::of(&body),
                    body,
                };
                let tags = tags.to_vec();
                Incoming { tags, ..self.incoming(Arc::new(entry), Known::default(), None) }
            })
            .collect();
        let fits = incoming.iter().all(|incoming| self.has_room_for(&incoming.stored.entry));
        if fits && self.store(&mut incoming, &Tally::default(), &[]) {
            return Ok(());
        }
        Err(self.unstored("the value"))
    }

    /// That something could not be stored; why was said, unless nothing ever is.
    pub fn unstored(&self, what: &str) -> Undone {
        let off = if self.disk.is_none() { ": the disk tier is switched off" } else { "" };
        Undone(format!("{what} could not be stored{off}"))
    }

    /// Whether an answer of upstream's is on the disk for those who come later, as far as trouble has
    /// shown itself by now.
    pub fn has_kept(&self, served: &Served) -> bool {
        let can_write = !self.writing_given_up.load(Ordering::Relaxed);
        self.disk().is_some() && can_write && self.has_room_for(&served.entry)
    }

    /// The value under a key: what `put` wrote, else that of the first of the chain; none if nothing
    /// fresh (or, with `terms.offline`, nothing that is not gone) is held.
    pub fn get(&self, question: &Question, terms: &Terms) -> Option<Served> {
        let looked = self.answer_from_tiers(question, terms);
        let Looked::Answered { answer, hit } = looked else {
            self.count_miss(question);
            return None;
        };
        self.count_hits(hit.as_slice());
        if answer.outcome.is_err() {
            self.count_miss(question);
        }
        answer.outcome.ok()
    }

    /// Counts the hits that are still in the log, so that a list shows them. Where nothing can be
    /// written it shows those that were counted before.
    pub fn count_logged_hits(&self) {
        if let Some(disk) = self.disk().filter(|disk| disk.database().path().exists()) {
            // Counting must never cost an answer.
            let _ = disk.commit(&mut [], &Tally::default(), &[]);
        }
    }

    /// The entries that a selection picks, in the order of their keys.
    pub fn list(&self, selection: &Selection) -> Vec<Listing> {
        let mut listings = Vec::new();
        self.scan(selection, &mut |listing| listings.push(listing));
        listings.sort_by(|a, b| (&a.key, &a.provider).cmp(&(&b.key, &b.provider)));
        listings
    }

    /// What [`clear`](Self::clear) would drop. Of a cache that cannot be read nobody knows.
    pub fn plan_clear(&self, selection: &Selection) -> Result<Cleared, Undone> {
        let mut plan = Cleared::default();
        for listing in self.list(selection) {
            plan.bytes += listing.size_bytes;
            plan.names.push(Name { key: listing.key, provider: listing.provider.into() });
        }
        let is_read = self.disk.is_none() || self.disk().is_some();
        is_read.then_some(plan).ok_or_else(|| Undone("nothing could be dropped".to_owned()))
    }

    /// Drops what was planned, from every tier, and gives the room back; with a reason it is counted.
    pub fn clear(&self, plan: &Cleared, reason: Option<&Cause>) -> Result<(), Undone> {
        let Some(disk) = self.disk().filter(|_| !plan.names.is_empty()) else { return Ok(()) };
        if let Some(memory) = self.memory_in_use() {
            // The memory tier cannot fail.
            let _ = memory.remove(&plan.names);
        }
        let reason = reason.map(|why| (why, self.clock.now()));
        self.attempt(disk, Doing::Writing, || disk.clear(&plan.names, reason))
            .ok_or_else(|| Undone("the entries could not be dropped".to_owned()))?;
        // The entries are gone; that the file is no smaller is only worth a word.
        if let Err(trouble) = disk.shrink() {
            self.say(&trouble, Doing::Writing);
        }
        Ok(())
    }

    /// Whether something is held that is not fresh and not gone.
    pub fn holds_stale(&self, question: &Question) -> bool {
        let terms = Terms { offline: true, ..Terms::default() };
        matches!(self.answer_from_tiers(question, &terms), Looked::Answered { answer, .. } if answer.outcome.is_ok())
    }

    /// What a pattern that picked nothing most probably meant: a key that holds it, as
    /// `quote:stock:AAPL` holds `aapl`; of a glob, one that picks something and is spelt nearly so; else
    /// such a key.
    pub fn nearest_key(&self, pattern: &Pattern) -> Option<String> {
        let (mut names, mut keys) = (Vec::new(), BTreeSet::new());
        self.scan(&Selection::default(), &mut |Listing { key, provider, .. }| {
            keys.insert(key.to_string());
            names.push((key, provider));
        });
        let glob = pattern.glob().to_lowercase();
        let meant = glob.trim_matches(['*', '?', ':']);
        let holds = |key: &&String| !meant.is_empty() && key.to_lowercase().contains(meant);
        let texts: Vec<&str> = keys.iter().map(String::as_str).collect();
        let near = || nearest(&glob, texts.iter().copied()).map(str::to_owned);
        let picks = |of: &Pattern| names.iter().any(|(key, provider)| of.picks(key, provider));
        let respelt = || {
            let respelt = pattern.respelt(&texts).filter(|of| !of.is_one_key() && picks(of));
            respelt.map(|pattern| pattern.to_string())
        };
        keys.iter().find(holds).cloned().or_else(respelt).or_else(near)
    }

    /// Goes through the entries that a selection picks, in no order.
    pub(super) fn scan(&self, selection: &Selection, each: &mut dyn FnMut(Listing)) {
        let Some(disk) = self.disk() else { return };
        let now = self.clock.now();
        let mut begun = false;
        self.attempt(disk, Doing::Reading, || {
            if begun {
                // What was gone through already must not come twice.
                return Ok(());
            }
            disk.scan(selection.tag.as_deref(), &mut |listed| {
                begun = true;
                let listing = self.listing(listed, now);
                if selection.picks(&listing) {
                    each(listing);
                }
            })
        });
    }

    fn listing(&self, mut listed: Listed, now: Timestamp) -> Listing {
        listed.known.read_at = Some(now);
        let life = self.rules.life(&listed.entry, &listed.known, self.anybody());
        let state = life.state(now);
        let left = match state {
            State::Fresh => life.expires_at.in_the_calendar().map(|at| at.since(now)),
            State::Stale | State::Gone => Some(Duration::ZERO),
        };
        Listing {
            state,
            ttl_left: left,
            size_bytes: listed.size_bytes,
            hits: listed.hits,
            not_found: listed.entry.format == Format::NotFound,
            // One that was stale already when it happened was not expired by it.
            expired: listed
                .known
                .expired(&listed.entry)
                .filter(|expired| expired.at == life.expires_at)
                .map(|expired| expired.why),
            provider: listed.entry.provider.into(),
            key: listed.entry.key,
        }
    }

    /// An entry on its way into the tiers.
    pub(super) fn incoming(
        &self,
        entry: Arc<Entry>,
        known: Known,
        sighting: Option<Sighting>,
    ) -> Incoming {
        // Nearly so: what is known of it may move this a little, and is asked before it is dropped.
        let gone_at = self.rules.life(&entry, &Known::default(), self.anybody()).gone_at;
        let put_at = self.clock.real_now();
        let stored = Stored { entry, row: 0, known };
        Incoming {
            stored,
            asked_after: None,
            tags: Vec::new(),
            validators: None,
            sighting,
            parts: None,
            gone_at,
            put_at,
        }
    }

    /// Counts a miss, if there is a database to count it in: a question makes none.
    pub(super) fn count_miss(&self, question: &Question) {
        if self.disk().is_none_or(|disk| !disk.database().path().exists()) {
            return;
        }
        let mut tally = Tally::default();
        let provider = question.providers.first().map_or(PUT, AsRef::as_ref);
        tally.add(&Event {
            at: self.clock.now(),
            name: &format!("{}@{provider}", question.key),
            caller: &self.caller,
            outcome: Outcome::Miss,
            latency_us: None,
            age_s: None,
        });
        self.store(&mut [], &tally, &[]);
    }
}

impl Selection {
    fn picks(&self, listing: &Listing) -> bool {
        let Listing { key, provider, state, .. } = listing;
        let is = |wanted: Option<&String>, value: Option<&str>| {
            wanted.is_none_or(|wanted| Some(wanted.as_str()) == value)
        };
        (self.patterns.is_empty() || self.patterns.iter().any(|p| p.picks(key, provider)))
            && (self.states.is_empty() || self.states.contains(state))
            && is(self.symbol.as_ref(), key.symbol())
            && is(self.data_type.as_ref(), Some(key.data_type()))
            && is(self.provider.as_ref(), Some(provider))
    }
}
