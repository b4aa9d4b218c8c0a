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

    /// Whether splits or dividends that come to be known change what is read, and would come to be
    /// known by asking for more of it: not by minutes, which reach back a month.
    fn follows_actions(&self, question: &Question) -> bool {
        question.symbol.class() == Class::Stock && !self.stored().is_intraday()
    }

    /// Whether what is read is worked out of the splits and dividends of its own time.
    fn tells_actions(&self, question: &Question) -> bool {
        let is_as_sent = question.data_type == DataType::Bars && self.adjust == Adjust::Splits;
        self.follows_actions(question) && !is_as_sent
    }

    /// Whether what is read is worked out of the splits that were in the prices when they were sent,
    /// and no others.
    fn undoes_actions(&self, question: &Question) -> bool {
        let is_as_traded = question.data_type == DataType::Bars && self.adjust == Adjust::None;
        is_as_traded && self.follows_actions(question)
    }
}
