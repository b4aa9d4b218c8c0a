//! When a quote stands still although its market is open: its provider has stopped moving, and says
//! with every answer that all is well.
//!
//! What a quote says of its own time is believed. One that says nothing is compared with the one that
//! it takes the place of, so it is noticed only where nobody asked for so long. Nothing is refused: a share
//! that nobody trades stands still too.

use std::time::Duration;

use super::{Known, Rules};
use crate::calendar::Exchange;
use crate::entry::{Entry, Format};
use crate::key::Key;
use crate::market::{Class, MarketState, Quote, Traded};
use crate::time::Timestamp;

/// After how long a quote has stood still for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrozenAfter {
    /// Where nothing else is said; none: never.
    pub default: Option<Duration>,
    /// Of these classes; none: never.
    pub classes: Vec<(Class, Option<Duration>)>,
}

/// What is shipped.
impl Default for FrozenAfter {
    fn default() -> Self {
        Self { default: Some(Duration::from_mins(30)), classes: Vec::new() }
    }
}

impl FrozenAfter {
    fn of(&self, class: Class) -> Option<Duration> {
        let own = self.classes.iter().find(|(of, _)| *of == class);
        own.map_or(self.default, |(_, after)| *after)
    }
}

/// A quote that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frozen {
    /// Since when, as far as is known.
    pub since: Timestamp,
    /// Which exchange is open all the while.
    pub exchange: Exchange,
}

impl Rules {
    /// Whether a quote that came at an instant stands still; `held` is the one that it replaces.
    ///
    /// What is published late may be as much older, and what has not opened for so long cannot have
    /// stood still for so long.
    pub fn frozen(
        &self,
        key: &Key,
        known: &Known,
        quote: &Quote,
        held: Option<&Entry>,
        at: Timestamp,
    ) -> Option<Frozen> {
        if quote.market_state.is_some_and(|state| state != MarketState::Regular) {
            return None;
        }
        let after = self.frozen_after.of(key.class()?)?;
        let (hours, exchange) = self.hours.as_ref().zip(self.exchange(key, known))?;
        let published = at - hours.delay(&quote.provider, exchange);
        let phase = hours.calendars.phase(exchange, published);
        if !phase.is_open || phase.is_guess {
            return None;
        }
        let since = match &quote.time {
            Some(time) => Timestamp::parse(time).ok()?,
            None => unmoved_since(quote, held?)?,
        };
        (published.since(since.max(phase.since)) > after).then_some(Frozen { since, exchange })
    }
}

/// When the quote was fetched that this one is the same as, but for what the time of asking makes of it.
fn unmoved_since(quote: &Quote, held: &Entry) -> Option<Timestamp> {
    let before = Traded::read(&held.body).filter(|_| held.format == Format::Json)?;
    let is_same = before.price == quote.price && before.volume == quote.volume;
    is_same.then_some(held.fetched_at)
}
