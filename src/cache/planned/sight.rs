//! What is foreseen of the calls of one provider: how many fit, how long they take, and why others do not.

use std::collections::HashMap;
use std::time::Duration;

use super::{Load, PlannedProvider};
use crate::cache::errand::{Errand, Flight};
use crate::cache::{Cache, Question};
use crate::ledger::{Call, Outlook, Pace, Prospect};
use crate::time::Timestamp;
use crate::upstream;

impl Cache {
    /// Whether a call could start without a wait, as its provider will be after what is planned already;
    /// if so it is planned too. Whoever holds a part of a series is waited for.
    pub(super) fn may_start(
        &self,
        errand: Errand<'_>,
        flight: &Flight,
        (question, load): (&Question, &Load),
        prospects: &mut Prospects,
    ) -> bool {
        let holds_some = flight.missing.of_the_asked(question).is_some_and(|f| f.part.is_some());
        let site = question.providers.first().and_then(|provider| errand.sites.get(provider));
        let Some(site) = site else { return true };
        let call = self.call_of(site, load, errand.terms);
        let now = || self.upstream.ledger().prospect(&call, &self.clock.reading()).ok();
        let prospect = prospects.entry(site.name.clone()).or_insert_with(now);
        // What the ledger cannot say is said when the call is made.
        prospect.as_mut().is_none_or(|prospect| prospect.plan(&call, load.calls)) || holds_some
    }
}

/// What is left of each provider that something is planned for; none where that cannot be known.
pub(super) type Prospects = HashMap<String, Option<Prospect>>;

/// What is foreseen of the calls of one provider.
pub(super) struct Sight<'a> {
    /// The calls that were foreseen one by one.
    pub(super) calls: &'a [Call<'a>],
    pub(super) outlook: &'a Outlook,
    pub(super) pace: Pace,
    pub(super) now: Timestamp,
}

impl Sight<'_> {
    /// Writes it down; `left` is what is left of the budget now.
    pub(super) fn tell(&self, left: Option<u64>, of_provider: &mut PlannedProvider) {
        let starts = &self.outlook.starts;
        let foreseen = self.calls.len() as u64;
        let mut fit = starts.iter().filter(|start| start.is_ok()).count() as u64;
        let mut takes = self.outlook.end.map(|end| end.since(self.now)).unwrap_or_default();
        let beyond = of_provider.calls.saturating_sub(foreseen);
        if beyond > 0 && fit == foreseen && fit > 0 {
            let each = takes.as_secs_f64() / as_f64(fit);
            let in_time = self.pace.until.map_or(beyond, |until| {
                let left = until.since(self.now).saturating_sub(takes).as_secs_f64();
                whole(left / each.max(f64::MIN_POSITIVE))
            });
            let in_budget = left.map_or(beyond, |left| left.saturating_sub(fit));
            let more = beyond.min(in_time).min(in_budget);
            takes = takes.mul_f64(as_f64(fit + more) / as_f64(fit));
            fit += more;
        }
        of_provider.unfit = of_provider.calls.saturating_sub(fit);
        of_provider.seconds = rounded(takes);
        of_provider.budget_left = left.map(|left| left.saturating_sub(fit));
        let refused = starts.iter().zip(self.calls).find_map(|(start, call)| {
            let refusal = start.as_ref().err()?;
            Some(match refusal {
                Some(refusal) => upstream::reason(call, &refusal.cause),
                None => "there is no time left for it".to_owned(),
            })
        });
        let unseen = || "there is no time, or no budget, left for it".to_owned();
        of_provider.reason = (of_provider.unfit > 0).then(|| refused.unwrap_or_else(unseen));
    }
}

/// In seconds, to a tenth, and never too few.
pub(super) fn rounded(time: Duration) -> f64 {
    as_f64(u64::try_from(time.as_millis().div_ceil(100)).unwrap_or(u64::MAX)) / 10.0
}

#[expect(clippy::cast_precision_loss, reason = "nobody makes 2^53 calls")]
fn as_f64(number: u64) -> f64 {
    number as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "above zero, and what is above all numbers is the highest"
)]
fn whole(number: f64) -> u64 {
    number as u64
}
