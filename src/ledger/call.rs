//! The words between the ledger and who asks it: what a provider may be asked, a call, what becomes of
//! its claim, and what came of it.
//!
//! Nothing is decided here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Budget, Health, Refusal, Reserve, Ticket, Window};
use crate::error::Error;
use crate::time::Timestamp;
use crate::units::Share;

/// How much a provider may be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// The windows of all its calls together.
    pub windows: Vec<Window>,
    /// What holds for one endpoint besides.
    pub endpoints: BTreeMap<Box<str>, EndpointLimits>,
    /// The calls of a day or a month.
    pub budget: Option<Budget>,
    /// What is kept of each of these for whom.
    pub reserve: Reserve,
}

/// How much one endpoint may be asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndpointLimits {
    /// Its own windows.
    pub windows: Vec<Window>,
    /// What one call of it takes of every window; unless set, what the provider says.
    pub weight: Option<u32>,
}

impl Limits {
    /// Windows only.
    pub fn of(windows: &[Window]) -> Self {
        Self { windows: windows.to_vec(), ..Self::default() }
    }

    /// What a call of an endpoint takes of every window, if the provider itself counts it so.
    pub fn weight(&self, endpoint: &str, by_provider: u32) -> u32 {
        self.endpoints.get(endpoint).and_then(|limits| limits.weight).unwrap_or(by_provider)
    }

    /// Whether nothing is counted.
    pub(super) fn are_none(&self) -> bool {
        self.longest().is_none() && self.budget.is_none()
    }

    /// How long a call matters to any window.
    pub(super) fn longest(&self) -> Option<Duration> {
        let of_endpoints = self.endpoints.values().flat_map(|limits| &limits.windows);
        self.windows.iter().chain(of_endpoints).map(|window| window.apart()).max()
    }
}

/// One call that somebody wants to make.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// Of whom.
    pub provider: &'a str,
    /// Of which of its endpoints.
    pub endpoint: &'a str,
    /// What it takes of every window, above zero.
    pub weight: u32,
    /// Who asks: the owner of a reserve, if there is one of this name.
    pub caller: &'a str,
    /// What for, if that is known.
    pub use_case: Option<&'a str>,
    /// How much may be asked.
    pub limits: &'a Limits,
    /// How much of the budget, whoever used it, may be used up once this call is made.
    pub budget_share: Option<Share>,
    /// Whether it belongs to the request that tries whether a sick provider is well again: a
    /// redirect or a retry of it is not kept out by itself.
    pub is_probe: bool,
}

impl<'a> Call<'a> {
    /// The owner of the reserve that the call counts to; empty for none.
    pub fn share(&self) -> &'a str {
        let is_reserved = |name: &&str| self.limits.reserve.contains_key(*name);
        [Some(self.caller), self.use_case].into_iter().flatten().find(is_reserved).unwrap_or("")
    }
}

/// What became of a claim.
#[derive(Debug)]
pub enum Claim {
    /// The call counts as started.
    Started(Started),
    /// It may start at the instant of this promise: claim again then.
    Promised(Ticket),
    /// It may not start within the caller's patience.
    Refused(Refusal),
}

/// A call that counts as started.
#[derive(Debug, PartialEq, Eq)]
pub struct Started {
    /// When it did.
    pub at: Timestamp,
    pub(super) id: Option<i64>,
    pub(super) period: Option<String>,
    /// Whether it tries whether a sick provider is well again.
    pub is_probe: bool,
}

/// What upstream said to a call.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// It answered, whatever it was.
    Answered,
    /// It refused, with this status of HTTP, and asked to be left alone for so long.
    Refused(u16, Option<Duration>),
    /// The request failed.
    Failed(&'a Error),
    /// Nothing that tells how it is.
    Nothing,
}

/// What there is to note after a request.
#[derive(Clone, Copy, Debug)]
pub struct Outcome<'a> {
    /// Of whom.
    pub provider: &'a str,
    /// When its last call started.
    pub started: Timestamp,
    /// What upstream said.
    pub said: Said<'a>,
    /// What is used of a window by upstream's own count: calls by weight since this instant.
    pub used: Option<(Timestamp, u64)>,
    /// The keys of which it is known by now how they were answered.
    pub keys: &'a [&'a str],
    /// How they failed, if they did.
    pub failed: Option<&'a Error>,
}

/// What one window holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The window.
    pub window: Window,
    /// The endpoint whose own it is.
    pub endpoint: Option<Box<str>>,
    /// The calls in it, by weight.
    pub used: u64,
    /// When each of them leaves it, and its weight, the first first.
    pub leaves: Vec<(Timestamp, u64)>,
}

/// What one provider, or one endpoint of it, has used and may do.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its windows.
    pub windows: Vec<Filled>,
    /// The calls of this period of its budget, and when the next one begins.
    pub spent: Option<(u64, Timestamp)>,
    /// Whether it is well.
    pub health: Health,
    /// Why a call may not start now, if it may not.
    pub refusal: Option<Refusal>,
}
