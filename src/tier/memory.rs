//! The memory tier: what this process has read or fetched already.
//!
//! Bounded by bytes and by entries at once. Eviction is S3-FIFO (`quick_cache`): a scan over many
//! keys passes through a small queue and leaves what is read often where it is.

use std::sync::Arc;

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

use super::{Incoming, Name, Shelf, Stored, Tier};
use crate::db::Trouble;
use crate::key::{Key, Pattern};

/// What an entry costs beside its bytes: its key twice, its header, its place in the queues.
const OVERHEAD: u64 = 200;

/// The parts that the capacity is split into: few, so that a large value still fits one.
const SHARDS: usize = 4;

/// How much the tier may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// In bytes, with all overhead.
    pub bytes: u64,
    /// In entries.
    pub entries: u64,
}

/// The entries of one process.
#[derive(Debug)]
pub struct Memory {
    shelves: Cache<Key, Shelf, Weight>,
}

/// Makes one bound of the two: no shelf weighs less than its share of the bytes.
#[derive(Clone, Debug)]
struct Weight {
    least: u64,
}

impl Weighter<Key, Shelf> for Weight {
    fn weight(&self, key: &Key, shelf: &Shelf) -> u64 {
        size(key, shelf).max(self.least)
    }
}

/// What a shelf takes, in bytes with all overhead.
fn size(key: &Key, shelf: &Shelf) -> u64 {
    let bytes: usize = shelf.iter().map(|stored| stored.entry.body.len()).sum();
    (bytes + key.as_str().len()) as u64 + OVERHEAD * shelf.len() as u64
}

impl Memory {
    /// An empty tier with these bounds.
    pub fn new(bounds: Bounds) -> Self {
        let entries = bounds.entries.max(1);
        let weight = Weight { least: (bounds.bytes / entries).max(1) };
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(usize::try_from(entries.min(1000)).unwrap_or(1000))
            .weight_capacity(bounds.bytes.max(1))
            .build();
        let shelves = match options {
            Ok(options) => Cache::with_options(
                options,
                weight,
                DefaultHashBuilder::default(),
                DefaultLifecycle::default(),
            ),
            // Every option that has no default is set above.
            Err(_) => Cache::with_weighter(1000, bounds.bytes, weight),
        };
        Self { shelves }
    }

    /// What it holds, in bytes with all overhead: at most what it weighs, since small shelves weigh
    /// their share of the bound.
    pub fn bytes(&self) -> u64 {
        self.shelves.iter().map(|(key, shelf)| size(&key, &shelf)).sum()
    }

    /// How many keys it holds.
    pub fn len(&self) -> usize {
        self.shelves.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.shelves.is_empty()
    }

    /// Takes a shelf as another tier holds it.
    pub fn keep(&self, key: &Key, shelf: Shelf) {
        self.shelves.insert(key.clone(), shelf);
    }
}

impl Tier for Memory {
    fn get(&self, key: &Key) -> Result<Option<Shelf>, Trouble> {
        Ok(self.shelves.get(key))
    }

    fn put(&self, entries: &mut [Incoming]) -> Result<(), Trouble> {
        for Incoming { stored, .. } in entries {
            let key = &stored.entry.key;
            let others = self.shelves.peek(key).unwrap_or_default();
            let kept = others.iter().filter(|other| other.entry.provider != stored.entry.provider);
            let shelf: Vec<Stored> = kept.chain([&*stored]).cloned().collect();
            self.keep(key, shelf.into());
        }
        Ok(())
    }

    fn remove(&self, names: &[Name]) -> Result<usize, Trouble> {
        let mut removed = 0;
        for name in names {
            let Some(shelf) = self.shelves.peek(&name.key) else { continue };
            let kept: Arc<[Stored]> = shelf
                .iter()
                .filter(|stored| stored.entry.provider != name.provider)
                .cloned()
                .collect();
            removed += shelf.len() - kept.len();
            if kept.is_empty() {
                self.shelves.remove(&name.key);
            } else {
                self.keep(&name.key, kept);
            }
        }
        Ok(removed)
    }

    fn keys(&self, pattern: &Pattern) -> Result<Vec<Name>, Trouble> {
        let mut names: Vec<Name> = self
            .shelves
            .iter()
            .flat_map(|(key, shelf)| {
                let providers: Vec<_> =
                    shelf.iter().map(|stored| stored.entry.provider.clone()).collect();
                providers.into_iter().map(move |provider| Name { key: key.clone(), provider })
            })
            .filter(|name| pattern.picks(&name.key, &name.provider))
            .collect();
        names.sort();
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, Format};
    use crate::policy::Known;
    use crate::time::Timestamp;

    fn incoming(key: &str, bytes: usize) -> Incoming {
        let entry = Entry {
            key: Key::from_stored(key),
            provider: "demo".into(),
            fetched_at: Timestamp::from_ms(0),
            own_ttl: None,
            format: Format::Binary,
            body: vec![0; bytes].into(),
        };
        let stored = Stored { entry: Arc::new(entry), row: 0, known: Known::default() };
        let (gone_at, put_at) = (Timestamp::NEVER, Timestamp::from_ms(0));
        Incoming {
            stored,
            asked_after: None,
            tags: vec![],
            validators: None,
            sighting: None,
            parts: None,
            gone_at,
            put_at,
        }
    }

    #[test]
    fn both_bounds_hold() {
        for (bounds, bytes) in [
            (Bounds { bytes: 100_000, entries: 1_000_000 }, 1000),
            (Bounds { bytes: 100_000_000, entries: 100 }, 10),
        ] {
            let memory = Memory::new(bounds);
            for n in 0..10_000 {
                memory.put(&mut [incoming(&format!("quote:stock:S{n}"), bytes)]).unwrap();
            }
            assert!(memory.bytes() <= bounds.bytes, "{bounds:?} {}", memory.bytes());
            assert!(memory.len() as u64 <= bounds.entries, "{bounds:?} {}", memory.len());
            assert!(memory.len() > 10, "{bounds:?} {}", memory.len());
        }
    }

    #[test]
    fn a_scan_does_not_push_out_what_is_read_often() {
        let memory = Memory::new(Bounds { bytes: 1_000_000, entries: 400 });
        let hot: Vec<Key> = (0..100).map(|n| Key::from_stored(&format!("hot:{n}"))).collect();
        for key in &hot {
            memory.put(&mut [incoming(key.as_str(), 100)]).unwrap();
        }
        for _ in 0..5 {
            for key in &hot {
                assert!(memory.get(key).unwrap().is_some());
            }
        }
        for n in 0..20_000 {
            memory.put(&mut [incoming(&format!("scan:{n}"), 100)]).unwrap();
        }
        let left = hot.iter().filter(|key| memory.get(key).unwrap().is_some()).count();
        assert!(left >= 90, "{left} of 100 are left");
    }

    #[test]
    fn a_value_larger_than_the_tier_is_passed_by() {
        let memory = Memory::new(Bounds { bytes: 10_000, entries: 100 });
        memory.put(&mut [incoming("small", 10)]).unwrap();
        memory.put(&mut [incoming("large", 50_000)]).unwrap();
        assert!(memory.get(&Key::from_stored("large")).unwrap().is_none());
        assert!(memory.get(&Key::from_stored("small")).unwrap().is_some());
    }
}
