//! Several keys in one request, where their provider takes several symbols at once.
//!
//! A batch takes only the keys that it gets at once and leaves the others to themselves: nobody waits
//! for one key while holding another. Each answer lands by itself, as if it had been asked for alone.
//! What a batch does not bring is asked for singly, also all of it: one symbol that upstream does not
//! know makes it refuse the others too. What fails for a reason that is nothing of its symbols, such as a
//! server that is down, fails for all of them and is not asked again for each.

use std::collections::BTreeMap;

use super::chain::Whose;
use super::errand::{Came, Errand, Failure, Flight, Landed};
use super::fly::{Boarded, name, uncounted};
use super::{Cache, Question};
use crate::db::tally::Tally;
use crate::flight::Holder;
use crate::market::Record;
use crate::policy::Terms;
use crate::time::Timestamp;
use crate::upstream::{Access, Asked, Asking, Beside, Given, Patience, Site};

/// What became of a batch.
#[derive(Default)]
pub(super) struct Batched {
    /// What has come, or had come to another process.
    pub(super) landed: Vec<Landed>,
    /// What is to be asked for singly.
    pub(super) left: Vec<Flight>,
    /// A request that brought nothing, under the name that it is counted by.
    in_vain: Option<(String, Asked)>,
}

/// A key that is asked for, and its lock.
type Aboard = (Flight, Option<Holder>);

/// The flights in their order, and together as many of those whose provider takes several of them at once
/// as it takes, where the first of them stood.
pub(super) fn batches(errand: &Errand<'_>, flights: Vec<Flight>) -> Vec<Vec<Flight>> {
    let mut batches: Vec<Vec<Flight>> = Vec::new();
    let mut begun: BTreeMap<&str, usize> = BTreeMap::new();
    for flight in flights {
        let question = &errand.questions[flight.index];
        // Who was passed over before anybody was asked leaves the question to the next by itself.
        let provider = question.providers.first().filter(|_| flight.missing.trail.link == 0);
        let site = provider.and_then(|provider| errand.sites.get(provider));
        // What upstream says of a key is looked for in what is shown of one answer.
        let site = site.filter(|site| {
            question.slice.is_none() && question.params.is_empty() && site.access == Access::Open
        });
        let most = |site: &Site| site.speech.provider().most_at_once(question.data_type);
        let Some((site, most)) = site.map(|site| (site, most(site))).filter(|(_, most)| *most > 1)
        else {
            batches.push(vec![flight]);
            continue;
        };
        if let Some(at) = begun.get(&*site.name).filter(|at| batches[**at].len() < most) {
            batches[*at].push(flight);
        } else {
            begun.insert(&site.name, batches.len());
            batches.push(vec![flight]);
        }
    }
    batches
}

impl Batched {
    /// Gives each what has come for it; what lacks is left to itself.
    fn share_out(
        &mut self,
        aboard: Vec<Aboard>,
        records: Vec<Option<Record>>,
        mut asked: Asked,
        at: Timestamp,
    ) {
        let mut records = records.into_iter();
        for (flight, holder) in aboard {
            let Some(record) = records.next().flatten() else {
                self.left.push(flight);
                continue;
            };
            // The request was one, so it counts once, whoever it brought something to.
            let calls = std::mem::take(&mut asked.calls);
            let latency = std::mem::take(&mut asked.latency);
            let came = Asked { calls, latency, ..uncounted(Ok(Given::Record(record))) };
            self.landed.push(Landed { flight, came: Came::Asked { asked: came, at }, holder });
        }
    }
}

impl Cache {
    /// Asks for several keys of one provider at once.
    pub(super) async fn fly_together(&self, errand: Errand<'_>, flights: Vec<Flight>) -> Batched {
        let Errand { questions, sites, terms, .. } = errand;
        let mut batched = Batched::default();
        let provider = flights.first().and_then(|f| questions[f.index].providers.first());
        let Some(site) = provider.and_then(|provider| sites.get(provider)) else {
            batched.left = flights;
            return batched;
        };
        let mut patience = self.patience_of(&errand, &flights);
        let permit = self.upstream.permit(site, &mut patience).await;
        patience.bound(terms.patience(self.clock.now()));
        let aboard = self.take_aboard(questions, flights, terms, &mut batched);
        if aboard.len() < 2 || self.is_too_late(terms).is_some() {
            batched.left.extend(aboard.into_iter().map(|(flight, _)| flight));
            return batched;
        }
        let first = &questions[aboard[0].0.index];
        let names: Vec<String> =
            aboard.iter().map(|(flight, _)| name(&questions[flight.index])).collect();
        let others = aboard.iter().map(|(flight, _)| &questions[flight.index].symbol).zip(&names);
        let beside: Vec<Beside<'_>> =
            others.skip(1).map(|(symbol, name)| Beside { symbol, name }).collect();
        let asking = Asking { beside: &beside, ..self.asking(first, site, &names[0], terms) };
        let mut asked = self.upstream.ask(&asking, &permit, &mut patience).await;
        drop(permit);
        let at = self.clock.now() - asked.latency;
        if let Ok(Given::Several(records)) = &mut asked.outcome {
            let records = std::mem::take(records);
            batched.share_out(aboard, records, asked, at);
            return batched;
        }
        let aboard = aboard.into_iter().map(|(f, holder)| (f.with_patience(patience), holder));
        if asked.is_general {
            batched.landed.extend(all_failed(aboard, asked, at));
        } else {
            batched.left.extend(aboard.map(|(flight, _)| flight));
            batched.in_vain = Some((name(first), asked));
        }
        batched
    }

    /// How long a batch may wait; not for a limit, where others may be asked instead.
    fn patience_of(&self, errand: &Errand<'_>, flights: &[Flight]) -> Patience {
        let patience = Patience::of(errand.terms.patience(self.clock.now()));
        let has_another = |flight: &Flight| errand.questions[flight.index].providers.len() > 1;
        if flights.iter().any(has_another) { patience.passing_limits_by() } else { patience }
    }

    /// The keys that may be asked for now, each under its lock. Those that somebody else asks for are left,
    /// and what somebody else has brought has landed.
    fn take_aboard(
        &self,
        questions: &[Question],
        flights: Vec<Flight>,
        terms: &Terms,
        batched: &mut Batched,
    ) -> Vec<Aboard> {
        let mut aboard = Vec::new();
        for flight in flights {
            let question = &questions[flight.index];
            let name = name(question);
            let Boarded::Holder(holder) = self.board(&name, terms) else {
                batched.left.push(flight);
                continue;
            };
            match self.landed(question, &flight.missing, &name, terms, None) {
                Some(came) => batched.landed.push(Landed { flight, came, holder }),
                None => aboard.push((flight, holder)),
            }
        }
        aboard
    }

    /// Counts a request that brought nothing.
    pub(super) fn count_in_vain(&self, batched: &Batched) {
        let Some((name, asked)) = batched.in_vain.as_ref().filter(|(_, asked)| asked.calls > 0)
        else {
            return;
        };
        let (calls, latency) = (asked.calls, asked.latency);
        let asked = Asked { calls, latency, ..uncounted(Ok(Given::Several(Vec::new()))) };
        let mut tally = Tally::default();
        self.count_asking(&mut tally, name, &asked);
        self.store(&mut [], &tally, &[]);
    }
}

/// What came of a request that failed for all of them: its calls are counted to the first.
fn all_failed(aboard: impl Iterator<Item = Aboard>, asked: Asked, at: Timestamp) -> Vec<Landed> {
    let (error, calls) = (asked.outcome.as_ref().err().cloned(), asked.calls);
    let mut first = Some(asked);
    let landed = aboard.filter_map(|(flight, holder)| {
        let came = match first.take() {
            Some(asked) => Came::Asked { asked, at },
            None => Came::Failed(Failure { error: error.clone()?, whose: Whose::Shared, calls }),
        };
        Some(Landed { flight, came, holder })
    });
    landed.collect()
}
