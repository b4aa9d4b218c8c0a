//! One place that holds entries, and what every such place can do.
//!
//! No tier judges an entry or re-stamps its age: it gives back what was put, with the time at
//! which it was fetched, and freshness is worked out by whoever reads. A method that the
//! conformance suite does not ask for is not in the trait.

pub mod disk;
pub mod expire;
pub mod memory;
pub mod salvage;
pub mod series;

use std::sync::Arc;

use crate::db::Trouble;
use crate::entry::Entry;
use crate::key::{Key, Pattern};
use crate::policy::market::Sighting;
use crate::policy::{Expired, Known};
use crate::provider::Validators;
use crate::time::Timestamp;

/// An entry and what stands with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The entry.
    pub entry: Arc<Entry>,
    /// Its row on the disk, by which hits are counted; 0 where there is none.
    pub row: i64,
    /// What was known of it when it was read or put.
    pub known: Known,
}

/// What a tier holds under one key: an entry a provider.
pub type Shelf = Arc<[Stored]>;

/// An entry on its way into the tiers.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The entry and, once the disk tier has it, its row.
    pub stored: Stored,
    /// The event that had expired what it takes the place of when it was asked for: it came later.
    pub asked_after: Option<Expired>,
    /// Names by which it can be cleared.
    pub tags: Vec<String>,
    /// What upstream may confirm it by.
    pub validators: Option<Validators>,
    /// When it is gone by the rules now in force: in which order to look when room is needed.
    pub gone_at: Timestamp,
    /// When it is put, by real time.
    pub put_at: Timestamp,
    /// What it says of the market of its symbol, if it is a quote of one.
    pub sighting: Option<Sighting>,
    /// What is stored beside it in the same transaction: of a series, its new chunks.
    pub parts: Option<Box<series::Parts>>,
}

/// One entry by name: entries of several providers may share a key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// The key.
    pub key: Key,
    /// The provider.
    pub provider: Box<str>,
}

/// One place that holds entries.
pub trait Tier {
    /// What it holds under this key, of any age; none if nothing.
    fn get(&self, key: &Key) -> Result<Option<Shelf>, Trouble>;

    /// Takes entries, each in place of the one of the same name: all of them or none.
    fn put(&self, entries: &mut [Incoming]) -> Result<(), Trouble>;

    /// Drops entries; how many there were.
    fn remove(&self, names: &[Name]) -> Result<usize, Trouble>;

    /// The names that a pattern picks, in order.
    fn keys(&self, pattern: &Pattern) -> Result<Vec<Name>, Trouble>;
}
