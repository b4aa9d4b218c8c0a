//! Series: of bars only what is missing is asked for, and what is held is read as it is wanted.
//!
//! | what | where |
//! |---|---|
//! | which part is meant, and what of it is held | [`standing`] |
//! | the requests that fill it, one after the other | [`flight`] |
//! | a page takes its place | [`fill`] |
//! | what upstream had nothing for | [`hollow`] |
//! | what comes of a request, and of the last one | [`landing`] |
//! | bars, and what is worked out of them, as they are answered | [`reading`] |
//! | what was known at an instant that has passed, and what has changed since | [`past`], [`changed`] |
//! | final bars, compared with upstream | [`check`] |
//! | series as files, out of the cache and into it | [`carry`] |
//!
//! An entry of a series is its head. Which of its bars a question is about, and how it wants them,
//! is its [`Slice`]; the order of the steps is that of every request (see [`cache`](super)).

pub mod carry;
mod changed;
mod check;
mod fill;
mod flight;
mod hollow;
mod landing;
mod past;
mod reading;
mod standing;

pub use check::{Checked, Verified};
pub use flight::Filled;
pub(super) use flight::Leg;
pub use past::Provenance;
pub(super) use past::replaced;
pub(super) use reading::Told;
pub(super) use standing::{Part, stale};

use super::Question;
use crate::market::{Adjust, Class, DataType, Interval, SessionKind};
use crate::policy::{Asked, Period};
use crate::time::Timestamp;

/// Which part of a series is asked for, and how it is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// How long a bar is.
    pub interval: Interval,
    /// Of which hours.
    pub session: SessionKind,
    /// From when to when.
    pub asked: Asked,
    /// What prices are adjusted by.
    pub adjust: Adjust,
    /// Whether only bars are wanted that do not change any more.
    pub final_only: bool,
    /// Whether a part will do.
    pub partial: bool,
    /// As of when it is wanted, if not as of now.
    pub as_of: Option<Timestamp>,
}

impl Slice {
    /// The interval of the bars that it is made of.
    pub fn stored(&self) -> Interval {
        self.interval.min(Interval::Day1)
    }

    /// Whether it will do if some of it cannot be had.
    fn takes_less(&self) -> bool {
        self.partial || self.asked.period == Some(Period::Max)
    }

    /// What splits and dividends that come to be known are to what is read, where asking for more would
    /// tell of them: not minutes, which reach back a month.
    fn actions_for(&self, question: &Question) -> ActionsFor {
        if question.symbol.class() != Class::Stock || self.stored().is_intraday() {
            return ActionsFor::Nothing;
        }
        match (question.data_type, self.adjust) {
            (DataType::Bars, Adjust::Splits) => ActionsFor::Following,
            (DataType::Bars, Adjust::None) => ActionsFor::Undoing,
            _ => ActionsFor::Telling,
        }
    }
}

/// What splits and dividends are to what is read, each as the one before and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ActionsFor {
    /// They change nothing, or nobody tells of them.
    Nothing,
    /// A later one changes the prices.
    Following,
    /// It is worked out of those of its own time.
    Telling,
    /// It is worked out of the splits that were in the prices when they were sent, and no others.
    Undoing,
}
