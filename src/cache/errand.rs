//! What is under way: the errand of a command, the flights of its keys, and what has come of one that
//! has landed.

use super::chain::{Askable, Links, Whose};
use super::fly::refused;
use super::input::Orders;
use super::lookup::{Found, Missing};
use super::series::Leg;
use super::{Purpose, Question};
use crate::error::Error;
use crate::flight::Holder;
use crate::policy::Terms;
use crate::time::Timestamp;
use crate::upstream::{Asked, Patience};

/// What all questions of one command share.
#[derive(Clone, Copy)]
pub(super) struct Errand<'a> {
    pub(super) links: &'a Links<'a>,
    /// The questions as they are put to whoever is asked now.
    pub(super) questions: &'a [Question],
    /// Whoever may be asked.
    pub(super) sites: &'a Askable<'a>,
    /// Where it is ordered what programs are handed.
    pub(super) orders: &'a Orders,
    pub(super) terms: &'a Terms,
    pub(super) purpose: Purpose,
}

impl Errand<'_> {
    /// The same, of the providers at this place of their chains.
    pub(super) fn at(self, link: usize) -> Self {
        Self { questions: self.links.at(link), ..self }
    }
}

/// One key that is asked for, and everybody in this command who waits for it.
pub(super) struct Flight {
    /// The index of the question that is asked.
    pub(super) index: usize,
    pub(super) missing: Missing,
    /// Further questions of the same key.
    pub(super) waiters: Vec<(usize, Missing)>,
    /// How far a series has come that is being filled.
    pub(super) leg: Option<Box<Leg>>,
}

impl Flight {
    /// The questions of everybody.
    pub(super) fn indices(&self) -> impl Iterator<Item = usize> + '_ {
        self.waiters.iter().map(|(index, _)| *index).chain([self.index])
    }

    /// The same, when what it may wait has been waited in part.
    pub(super) fn with_patience(mut self, left: Patience) -> Self {
        self.missing.trail.patience = Some(left);
        self
    }

    /// Everybody, who asks last; all of them have waited as long as that one.
    pub(super) fn everybody(mut self) -> Vec<(usize, Missing)> {
        for (_, missing) in &mut self.waiters {
            missing.trail.patience = self.missing.trail.patience;
        }
        self.waiters.push((self.index, self.missing));
        self.waiters
    }
}

/// A flight that has landed.
pub(super) struct Landed {
    pub(super) flight: Flight,
    pub(super) came: Came,
    /// The lock of the key, to be kept until what came is stored.
    pub(super) holder: Option<Holder>,
}

/// What came of it.
pub(super) enum Came {
    /// Upstream was asked, or could not be; the value is as old as its request.
    Asked { asked: Asked, at: Timestamp },
    /// Another process had asked: the entry that it stored.
    Shared(Found),
    /// It is known from elsewhere how it fails.
    Failed(Failure),
    /// There was nothing to ask for: what is held of a series is all that can be had.
    Whole,
}

/// How a key fails, though nobody asked for it alone.
pub(super) struct Failure {
    pub(super) error: Error,
    /// Whose flight it was that failed.
    pub(super) whose: Whose,
    /// How many requests that took in this command.
    pub(super) calls: u32,
}

impl Came {
    /// Nobody was asked.
    pub(super) fn refused(error: Error) -> Self {
        let asked = refused(error);
        Self::Asked { asked, at: Timestamp::from_ms(0) }
    }

    /// Nobody was asked in this command.
    pub(super) fn failed(error: Error, whose: Whose) -> Self {
        Self::Failed(Failure { error, whose, calls: 0 })
    }
}

impl Landed {
    /// What came when nobody could be asked at all.
    pub(super) fn refused(flight: Flight, error: &Error) -> Self {
        Self { flight, came: Came::refused(error.clone()), holder: None }
    }
}
