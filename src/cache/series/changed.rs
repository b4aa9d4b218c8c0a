//! What has changed between two instants of what this cache knew: nobody is asked.

use std::sync::Arc;

use super::past::as_of;
use crate::cache::lookup::Found;
use crate::cache::{Cache, Question};
use crate::error::{Error, Kind};
use crate::market::{BarSeries, Change, Observation, changes, observed};
use crate::time::Timestamp;

/// What has observations, whatever they are worked out of.
#[derive(serde::Deserialize)]
struct Observed {
    observations: Vec<Observation>,
}

impl Cache {
    /// What differs at one instant of what was known at an earlier one.
    pub fn changed(
        &self,
        question: &Question,
        was: Timestamp,
        is: Timestamp,
    ) -> Result<Vec<Change>, Error> {
        let (asked_then, asked_now) = (as_of(question, was), as_of(question, is));
        let mut then = self.then(&asked_then, was, None)?;
        let wanted = then.found.part.as_ref().and_then(|part| part.span);
        // No more than was known: else the days before it would belong to its first week.
        let known = wanted.map(|wanted| then.known.intersection(&wanted.into()));
        let span = known.and_then(|known| known.bounds());
        if span.is_some() {
            then = self.then(&asked_then, was, span)?;
        }
        let now = self.then(&asked_now, is, span)?;
        let Some((old, new)) =
            self.bars_of(&asked_then, &then.found).zip(self.bars_of(&asked_now, &now.found))
        else {
            let old = self.observations_of(&asked_then, &then.found)?;
            let new = self.observations_of(&asked_now, &now.found)?;
            return Ok(observed(&old, &new));
        };
        // What was known then, with what is known now of splits and dividends.
        let mut moved = then.found.clone();
        if let Some((part, now)) = moved.part.as_mut().zip(now.found.part.as_ref()) {
            part.head.actions.clone_from(&now.head.actions);
        }
        let moved = self.bars_of(&asked_now, &moved).unwrap_or_else(|| old.clone());
        let both = then.known.intersection(&now.known);
        Ok(changes(&old, &new, &moved, &|ms| both.contains(Timestamp::from_ms(ms))))
    }

    /// The bars of what was known, if it is bars.
    fn bars_of(&self, question: &Question, found: &Found) -> Option<BarSeries> {
        self.tell(question, found, "")?.bars.map(Arc::unwrap_or_clone)
    }

    /// The observations of what was known.
    fn observations_of(
        &self,
        question: &Question,
        found: &Found,
    ) -> Result<Vec<Observation>, Error> {
        let told = self.tell(question, found, "");
        let read = told.and_then(|told| serde_json::from_slice::<Observed>(&told.entry.body).ok());
        read.map(|read| read.observations).ok_or_else(|| {
            let message = format!("what is held of `{}` cannot be compared", question.read_as);
            Error::new(Kind::InvalidData, message)
        })
    }
}
