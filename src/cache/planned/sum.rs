//! A plan as it is told: each key, and the same summed up by provider and endpoint.
//!
//! It adds up and decides nothing: what a key takes is found in the folder's `mod.rs`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::calendar::Exchange;
use crate::time::Timestamp;

/// The state of what nobody would be asked for.
pub(super) const REFUSED: &str = "refused";

/// What it would take to answer questions.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Planned {
    /// The calls, also those that do not fit.
    pub calls: u64,
    /// How long they take, in seconds.
    pub seconds: f64,
    /// What they cost, but for those that do not fit.
    pub cost: f64,
    /// How many keys cost no call.
    pub fresh: u64,
    /// How many of the calls a budget, or the time that there is, leaves out.
    pub unfit: u64,
    /// Each key.
    pub items: Vec<PlannedItem>,
    /// The same, summed up by provider.
    pub providers: BTreeMap<String, PlannedProvider>,
    /// The quotes that would be stale again once their exchange opens.
    pub stale_at_open: Vec<Opening>,
}

/// What one key would take.
#[derive(Clone, Debug, Serialize)]
pub struct PlannedItem {
    /// The key.
    pub key: String,
    /// Who would be asked for it, or has given what is held.
    pub provider: String,
    /// At which endpoint.
    pub endpoint: String,
    /// What is held of it: `fresh`, `stale`, `gone` or `missing`; `refused` if nobody would be asked
    /// although nothing that is held answers.
    pub state: &'static str,
    /// How many calls, at most.
    pub calls: u32,
    /// Why so many.
    pub why: String,
    /// Whether it costs none since it comes with another.
    #[serde(skip)]
    pub is_beside: bool,
}

/// What one provider would be asked for.
#[derive(Clone, Debug, Default, Serialize)]
pub struct PlannedProvider {
    /// The calls, also those that do not fit.
    pub calls: u64,
    /// How many keys cost no call.
    pub fresh: u64,
    /// How long the calls take that fit, in seconds.
    pub seconds: f64,
    /// What those cost.
    pub cost: f64,
    /// The calls that are left of the budget after them; none without one.
    pub budget_left: Option<u64>,
    /// How many calls do not fit.
    pub unfit: u64,
    /// Why those do not.
    pub reason: Option<String>,
    /// The same by endpoint.
    pub endpoints: BTreeMap<String, PlannedOf>,
}

/// What one endpoint would be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PlannedOf {
    /// The calls.
    pub calls: u64,
    /// How many keys cost none.
    pub fresh: u64,
}

/// An exchange that is closed, whose quotes are as they were until it opens.
#[derive(Clone, Debug, Serialize)]
pub struct Opening {
    /// The exchange.
    pub exchange: Exchange,
    /// How many quotes of it are asked for.
    pub quotes: u64,
    /// When it opens.
    pub opens_at: Timestamp,
}

impl Planned {
    /// Says of the items from this one on that programs are handed them; what costs nothing is left out,
    /// since nobody has asked for it.
    pub(super) fn are_handed(&mut self, first: usize) {
        let costs = |item: &PlannedItem| item.calls > 0 || item.is_beside || item.state == REFUSED;
        for mut item in self.items.split_off(first).into_iter().filter(costs) {
            item.why.push_str("; a program is handed it");
            self.items.push(item);
        }
    }

    /// Counts the items of each provider and endpoint.
    pub(super) fn sum_up(&mut self) {
        for item in &self.items {
            let is_refused = item.state == REFUSED;
            if item.provider.is_empty() || is_refused {
                continue;
            }
            let calls = u64::from(item.calls);
            let fresh = u64::from(calls == 0 && !item.is_beside);
            let of_provider = self.providers.entry(item.provider.clone()).or_default();
            let of_endpoint = of_provider.endpoints.entry(item.endpoint.clone()).or_default();
            of_provider.calls += calls;
            of_provider.fresh += fresh;
            of_endpoint.calls += calls;
            of_endpoint.fresh += fresh;
        }
    }

    /// Sums up all providers: they are asked at the same time.
    pub(super) fn finish(mut self) -> Self {
        for of_provider in self.providers.values() {
            self.calls += of_provider.calls;
            self.fresh += of_provider.fresh;
            self.unfit += of_provider.unfit;
            self.cost += of_provider.cost;
            self.seconds = self.seconds.max(of_provider.seconds);
        }
        // As each is rounded, so that a sum of decimals is one.
        self.cost = (self.cost * 1e6).round() / 1e6;
        self
    }
}
