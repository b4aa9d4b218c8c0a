//! Whether a provider may be asked now, how much of what it allows is used, and how it is: what
//! `mcache limits` and `stats` show.
//!
//! It looks and asks nobody: no call is counted and no file is made. All instants are real time, as
//! the ledger's are. What a refusal is called is [`upstream`](crate::upstream)'s to say, so the
//! reason here and the error of a `fetch` cannot differ.

use serde::Serialize;

use super::{Cache, Undone};
use crate::db::Trouble;
use crate::ledger::{self, Call, Cause, Filled, Hindrance, PausedBy, Refusal, Standing};
use crate::time::Timestamp;
use crate::upstream::{self, Site};

/// How a provider is; the names are the contract's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It may be asked.
    #[default]
    Ok,
    /// A window or a budget is used up, or it said that it is asked too often.
    Limited,
    /// It lets nobody of this address through (403, 418).
    Banned,
    /// It fails again and again.
    Sick,
    /// A user paused it.
    Paused,
}

impl Health {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Ok, Self::Limited, Self::Banned, Self::Sick, Self::Paused];

    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "limited",
            Self::Banned => "banned",
            Self::Sick => "sick",
            Self::Paused => "paused",
        }
    }
}

/// What is used of one window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WindowUse {
    /// The window as the configuration has it.
    pub window: String,
    /// The endpoint whose own it is; none for one that all calls of the provider share.
    #[serde(skip)]
    pub endpoint: Option<String>,
    /// The calls in it, by weight.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
    /// When it is empty if nothing more is called; none if it is.
    pub resets_at: Option<Timestamp>,
}

/// What is used of a budget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BudgetUse {
    /// The budget as the configuration has it.
    #[serde(skip)]
    pub budget: String,
    /// The calls of this period.
    pub used: u64,
    /// How many may be.
    pub limit: u64,
    /// When the next period begins.
    pub resets_at: Timestamp,
}

/// Whether a provider, or one endpoint of it, may be asked now; the fields are the contract's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Allowance {
    /// The provider.
    pub provider: String,
    /// The endpoint; none for what all of them share.
    pub endpoint: Option<String>,
    /// Whether the caller of this cache may make a call now.
    pub may_call: bool,
    /// When it may, if it may not now.
    pub until: Option<Timestamp>,
    /// Why it may not.
    pub reason: Option<String>,
    /// How carefully it is asked.
    pub strategy: &'static str,
    /// How it is.
    pub health: Health,
    /// Every window that such a call has to fit into.
    pub limits: Vec<WindowUse>,
    /// The budget, if there is one.
    pub budget: Option<BudgetUse>,
}

impl Allowance {
    /// Whether there is anything to say of it: something is used, or something keeps it from being
    /// asked.
    pub(super) fn is_worth_saying(&self) -> bool {
        let is_used = self.limits.iter().any(|window| window.used > 0);
        !self.may_call || is_used || self.budget.as_ref().is_some_and(|budget| budget.used > 0)
    }

    /// Whether it says more than that of its provider: it is that, or its own limits are used.
    fn says_more(&self) -> bool {
        let is_used = |window: &WindowUse| window.endpoint.is_some() && window.used > 0;
        self.endpoint.is_none() || self.limits.iter().any(is_used)
    }
}

impl Cache {
    /// Whether a provider, or one endpoint of it, may be asked now.
    pub fn allowance(&self, provider: &str, endpoint: Option<&str>) -> Allowance {
        self.allowance_of(&(self.sites)(provider), endpoint)
    }

    /// The same of several providers, of endpoints those that say more: with seventeen that are idle
    /// nobody would find what he looks for.
    pub fn overview(&self, providers: &[String]) -> Vec<Allowance> {
        let mut allowances = self.allowances(providers);
        allowances.retain(Allowance::says_more);
        allowances
    }

    /// The same of several providers, each followed by its endpoints that have limits of their own.
    pub fn allowances(&self, providers: &[String]) -> Vec<Allowance> {
        let mut allowances = Vec::new();
        for provider in providers {
            let site = (self.sites)(provider);
            allowances.push(self.allowance_of(&site, None));
            let limited = site.limits.endpoints.iter().filter(|(_, own)| !own.windows.is_empty());
            allowances.extend(limited.map(|(name, _)| self.allowance_of(&site, Some(name))));
        }
        allowances
    }

    /// Pauses a provider, for every process that uses the same folder.
    ///
    /// What upstream asked for is not shortened: see [`allowance`](Self::allowance) for what holds.
    pub fn pause(&self, provider: &str, until: Timestamp) -> Result<(), Undone> {
        let now = self.clock.reading();
        let paused = self.upstream.ledger().pause(provider, until, &now);
        self.seen_by_all(paused).ok_or_else(|| Undone(format!("{provider} could not be paused")))
    }

    /// Ends the pauses of a provider, closes its breaker, and lets its keys be asked for again.
    pub fn resume(&self, provider: &str) -> Result<(), Undone> {
        let resumed = self.upstream.ledger().resume(provider, &self.clock.reading());
        self.seen_by_all(resumed).ok_or_else(|| Undone(format!("{provider} could not be resumed")))
    }

    /// Whether limits hold for every process that uses the same folder, found out by writing.
    pub fn limits_are_shared(&self) -> bool {
        let shared = self.upstream.ledger().can_be_shared(&self.clock.reading());
        self.say_mishaps();
        shared
    }

    /// What stands in the memory of this process alone was as good as not done.
    fn seen_by_all(&self, done: Result<(), Trouble>) -> Option<()> {
        self.say_mishaps();
        done.ok().filter(|()| self.upstream.ledger().is_shared())
    }

    pub(super) fn allowance_of(&self, site: &Site, endpoint: Option<&str>) -> Allowance {
        let now = self.clock.reading();
        let call = Call {
            provider: &site.name,
            endpoint: endpoint.unwrap_or_default(),
            weight: weight(site, endpoint),
            caller: &self.caller,
            use_case: None,
            limits: &site.limits,
            budget_share: None,
            is_probe: false,
        };
        let standing = self.upstream.ledger().standing(&call, &now).unwrap_or_else(|trouble| {
            let cause = Cause::Unkept(trouble.to_string());
            let refusal = Some(Refusal { until: now.wall, cause });
            Standing {
                windows: Vec::new(),
                spent: None,
                health: ledger::Health::default(),
                refusal,
            }
        });
        self.say_mishaps();
        let refusal = standing.refusal.as_ref();
        Allowance {
            provider: site.name.clone(),
            endpoint: endpoint.map(str::to_owned),
            may_call: refusal.is_none(),
            until: refusal.map(|refusal| refusal.until),
            reason: refusal.map(|refusal| upstream::reason(&call, &refusal.cause)),
            strategy: self.strategy_of(&site.name),
            health: health(&standing, now.wall),
            limits: standing.windows.into_iter().map(WindowUse::from).collect(),
            budget: site.limits.budget.as_ref().zip(standing.spent).map(
                |(budget, (used, resets_at))| BudgetUse {
                    budget: budget.to_string(),
                    used,
                    limit: budget.calls,
                    resets_at,
                },
            ),
        }
    }

    /// How carefully a provider is asked.
    fn strategy_of(&self, provider: &str) -> &'static str {
        let course = self.course(provider);
        self.rules.strategies.of(provider, course, self.clock.real_now()).as_str()
    }
}

impl From<Filled> for WindowUse {
    fn from(filled: Filled) -> Self {
        Self {
            window: filled.window.to_string(),
            endpoint: filled.endpoint.map(Into::into),
            used: filled.used,
            limit: filled.window.calls.into(),
            resets_at: filled.leaves.last().map(|(at, _)| *at),
        }
    }
}

/// What a call takes at the least; of the provider as a whole, a call of its lightest endpoint.
fn weight(site: &Site, endpoint: Option<&str>) -> u32 {
    let known = site.speech.endpoints();
    let asked = known.iter().filter(|(name, _)| endpoint.is_none_or(|endpoint| endpoint == **name));
    asked.map(|(name, weight)| site.limits.weight(name, *weight)).min().unwrap_or(1)
}

/// How a provider is, out of what keeps it from being asked.
fn health(standing: &Standing, now: Timestamp) -> Health {
    match standing.health.hindrance(now) {
        Some(Hindrance::Paused(pause)) => match pause.by {
            PausedBy::User => Health::Paused,
            PausedBy::Upstream(403 | 418) => Health::Banned,
            PausedBy::Upstream(_) => Health::Limited,
        },
        Some(Hindrance::Open(_) | Hindrance::Tried(_)) => Health::Sick,
        None if standing.refusal.is_some() => Health::Limited,
        None => Health::Ok,
    }
}
