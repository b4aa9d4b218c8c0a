//! What answering questions would take: calls, time and money, before anybody is asked.
//!
//! It looks and does nothing else: no call is made or counted, no hit is noted, no file is made. What it
//! says of calls is about the most that they are likely to be: a series may end sooner than its provider
//! could give it, and another process may ask for the same; of many pages, each that begins behind a
//! week end overlaps the one before by more than a bar. Retries and redirects are not foreseen.

mod sight;
mod sum;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::batch::batches;
use super::chain::{Askable, Links, flights};
use super::errand::{Errand, Flight};
use super::fly::{lacks_interval, name, unsupported};
use super::input::{Orders, terms_of_inputs};
use super::lookup::{Found, Missing, held};
use super::statistics::{count, money};
use super::{Cache, Purpose, Question, Slice};
use crate::calendar::Exchange;
use crate::entry::{Format, State, Until};
use crate::error::{Error, Kind};
use crate::key::Key;
use crate::ledger::{Call, Pace};
use crate::market::DataType;
use crate::policy::{self, Next, Terms, UseCase};
use crate::provider::Ask;
use crate::time::Timestamp;
use crate::units::duration_for_people;
use crate::upstream::{Access, Site};
use sight::{Prospects, Sight, rounded};
use sum::REFUSED;
pub use sum::{Opening, Planned, PlannedItem, PlannedOf, PlannedProvider};

/// Of how many calls of one provider it is foreseen when each of them starts; those beyond go on at the
/// same pace.
const MOST_FORESEEN: usize = 2_000;

/// What one key costs at its provider.
struct Load {
    /// What it is asked for there.
    endpoint: String,
    calls: u32,
    weight: u32,
    /// What for, if that is known.
    use_case: Option<&'static str>,
}

/// What is known of a plan by now.
#[derive(Default)]
struct Survey {
    planned: Planned,
    /// What each provider is asked for, in the order in which it would be.
    rows: BTreeMap<Box<str>, Vec<Load>>,
    prospects: Prospects,
    /// The keys that were looked at, with what of their series was wanted.
    seen: HashMap<Key, Vec<Option<Slice>>>,
}

impl Cache {
    /// What it would take to answer these questions now, and to hand programs what they are handed for
    /// it. `cost_per_call` is asked for each provider.
    pub fn forecast(
        &self,
        questions: &[Question],
        terms: &Terms,
        cost_per_call: &dyn Fn(&str) -> f64,
    ) -> Planned {
        let now = self.clock.now();
        let mut survey = Survey::default();
        for question in questions {
            survey.is_new(question);
        }
        let mut handed = self.survey(questions, terms, &mut survey, now);
        let terms_of_inputs = terms_of_inputs(terms);
        while !handed.is_empty() {
            let before = survey.planned.items.len();
            handed = self.survey(&handed, &terms_of_inputs, &mut survey, now);
            survey.planned.are_handed(before);
        }
        let Survey { mut planned, rows, .. } = survey;
        planned.stale_at_open = self.openings(questions, now);
        planned.sum_up();
        let latencies = if rows.is_empty() { HashMap::new() } else { self.latencies() };
        for (provider, loads) in &rows {
            let site = (self.sites)(provider);
            let latency = latencies.get(&**provider).copied().unwrap_or_default();
            let of_provider = planned.providers.entry(provider.to_string()).or_default();
            self.foresee(&site, loads, terms, latency, of_provider);
            of_provider.cost = money(
                of_provider.calls.saturating_sub(of_provider.unfit).cast_signed(),
                cost_per_call(provider),
            );
        }
        planned.finish()
    }

    /// Looks at questions; what is handed to the programs among them, where it was not looked at yet.
    fn survey(
        &self,
        questions: &[Question],
        terms: &Terms,
        survey: &mut Survey,
        now: Timestamp,
    ) -> Vec<Question> {
        let open = self.left_open(questions, terms, survey, now);
        // Nobody flies, so nothing is ordered.
        let (orders, _) = Orders::above(Vec::new());
        let (links, purpose) = (Links::of(questions), Purpose::Warm);
        let sites = Askable::of(&self.sites, open.iter().map(|(index, _)| &questions[*index]));
        let flights = flights(&links, open);
        let (links, sites, orders) = (&links, &sites, &orders);
        let errand = Errand { links, questions, sites, orders, terms, purpose };
        let (mut charged, mut handed) = (HashSet::new(), Vec::new());
        for (flight, batch) in batched(&errand, flights) {
            let is_charged = batch.is_some_and(|(number, _)| charged.contains(&number));
            let beside = is_charged.then(|| self.asked_at(errand, &flight, 0, now));
            let (question, (mut item, load)) = beside
                .filter(|(_, (_, load))| load.is_some())
                .unwrap_or_else(|| self.first_able(errand, &flight, &mut survey.prospects, now));
            // Whoever is passed over is passed over with all that would have come with it.
            let is_first = question.providers.first() == questions[flight.index].providers.first();
            let batch = batch.filter(|_| load.is_some() && is_first);
            if let Some((_, others)) = batch {
                item.why = format!("{}; in one request with {others} more", item.why);
            }
            if batch.is_some_and(|(number, _)| !charged.insert(number)) {
                (item.calls, item.is_beside) = (0, true);
            } else if let (Some(load), Some(provider)) = (load, question.providers.first()) {
                survey.rows.entry(provider.clone()).or_default().push(load);
                let site = sites.get(provider);
                let inputs = site.map(|site| self.inputs_for(question, site)).unwrap_or_default();
                let inputs = inputs.records.into_iter().map(|(_, input)| input);
                handed.extend(inputs.filter(|input| survey.is_new(input)));
            }
            survey.planned.items.push(item);
        }
        handed
    }

    /// The questions that what is held leaves open; the others are planned.
    fn left_open(
        &self,
        questions: &[Question],
        terms: &Terms,
        survey: &mut Survey,
        now: Timestamp,
    ) -> Vec<(usize, Missing)> {
        let (mut open, mut answered) = (Vec::new(), HashSet::new());
        for (index, question) in questions.iter().enumerate() {
            match self.held_or_open(question, terms, now) {
                Ok(item) => {
                    if answered.insert((item.key.clone(), item.provider.clone())) {
                        survey.planned.items.push(item);
                    }
                }
                Err(mut missing) => {
                    self.set_out(question, &mut missing, terms);
                    open.push((index, *missing));
                }
            }
        }
        open
    }

    /// What is held of a question, if that answers it or nobody may be asked.
    fn held_or_open(
        &self,
        question: &Question,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<PlannedItem, Box<Missing>> {
        let since = self.clock.stopwatch();
        if question.slice.as_ref().is_some_and(|slice| slice.as_of.is_some()) {
            let why = "what was known then is read, and nobody is asked".to_owned();
            return Ok(item(question, None, State::Fresh.as_str(), why));
        }
        let found = self.look_up(question, terms, now);
        match policy::next(&held(&found), &question.providers, terms, now) {
            Next::Ask => Err(Box::new(Missing::of(found, since))),
            Next::Refuse(error) => Ok(item(question, None, REFUSED, error.message)),
            Next::Answer(index) => {
                let found = &found[index];
                let until = match found.life.expires_at {
                    Timestamp::NEVER => "it does not change any more".to_owned(),
                    at => format!("fresh until {}", at.for_people()),
                };
                let state = found.life.state(now);
                let why = if state == State::Fresh { until } else { "nobody is asked".to_owned() };
                Ok(item(question, Some(found), state.as_str(), why))
            }
        }
    }

    /// What a key costs of the first of its chain who can be asked for it now, with the question to that
    /// one; else of the first who can once its limits allow it, or of the first of all.
    fn first_able<'a>(
        &self,
        errand: Errand<'a>,
        flight: &Flight,
        prospects: &mut Prospects,
        now: Timestamp,
    ) -> (&'a Question, (PlannedItem, Option<Load>)) {
        let first = flight.missing.trail.link;
        let of = |link: usize| self.asked_at(errand, flight, link, now);
        let is_able =
            |(_, (item, _)): &(&Question, (PlannedItem, Option<Load>))| item.state != REFUSED;
        let last = errand.links.whole()[flight.index].providers.len().saturating_sub(1);
        // Who has no bar at all costs nothing, and does not keep the next one from being asked.
        let is_bare = |link: usize| {
            let found = flight.missing.of_the_asked(&errand.at(link).questions[flight.index]);
            found.is_some_and(Found::is_bare)
        };
        let chain = first..=last;
        let mut later = None;
        let chain = chain.map(|link| (link, of(link))).filter(|(_, asked)| is_able(asked));
        for (link, (question, (item, load))) in chain {
            if load.is_none() && link < last && is_bare(link) {
                continue;
            }
            let may_start = load
                .as_ref()
                .is_none_or(|load| self.may_start(errand, flight, (question, load), prospects));
            if may_start {
                return (question, (item, load));
            }
            later.get_or_insert((question, (item, load)));
        }
        later.unwrap_or_else(|| of(first))
    }

    /// What a key costs of the provider at this place of its chain, with the question to that one.
    fn asked_at<'a>(
        &self,
        errand: Errand<'a>,
        flight: &Flight,
        link: usize,
        now: Timestamp,
    ) -> (&'a Question, (PlannedItem, Option<Load>)) {
        let errand = errand.at(link);
        (&errand.questions[flight.index], self.to_ask(&errand, flight, now))
    }

    /// What a key costs that is asked for.
    fn to_ask(
        &self,
        errand: &Errand<'_>,
        flight: &Flight,
        now: Timestamp,
    ) -> (PlannedItem, Option<Load>) {
        let (question, terms) = (&errand.questions[flight.index], errand.terms);
        let found = flight.missing.of_the_asked(question);
        let held = held(&flight.missing.held);
        let asked = question.providers.first();
        if let Some(error) = asked.and_then(|name| policy::absence(&held, name, terms, now)) {
            return (item(question, None, REFUSED, error.message), None);
        }
        match self.burden(errand, flight) {
            Err(error) => (item(question, None, REFUSED, error.message), None),
            Ok(Load { calls: 0, .. }) => {
                let why = "what is held of it is all that can be had".to_owned();
                (item(question, found, State::Fresh.as_str(), why), None)
            }
            Ok(load) => {
                let state = found.map_or("missing", |found| found.life.state(now).as_str());
                let mut why = why(found, terms, now);
                if load.calls > 1 {
                    why = format!("{why}; about {} requests", load.calls);
                }
                let item = item(question, None, state, why);
                let endpoint = load.endpoint.clone();
                (PlannedItem { endpoint, calls: load.calls, ..item }, Some(load))
            }
        }
    }

    /// The endpoint that is asked, how often at most, and how heavy a call is; or why none is made.
    fn burden(&self, errand: &Errand<'_>, flight: &Flight) -> Result<Load, Error> {
        let Errand { questions, sites, terms, .. } = *errand;
        let question = &questions[flight.index];
        let site = question.providers.first().and_then(|provider| sites.get(provider));
        let site = site.ok_or_else(|| unsupported(question))?;
        if let Access::Missing { .. } = site.access {
            let message = format!("{} needs a key and has none", site.name);
            return Err(Error::new(Kind::Unauthorized, message));
        }
        let real = self.clock.reading();
        let cooling = self.upstream.ledger().cooling(&name(question), &real);
        if let Some(cooling) = cooling.filter(|c| !terms.refresh && c.until > real.wall) {
            return Err(cooling.error);
        }
        let ask = Ask {
            symbol: &question.symbol,
            data_type: question.data_type.made_of(),
            provider: &site.name,
            params: &question.params,
        };
        let provider = site.speech.provider();
        let (calls, request) = if question.is_of_bars() {
            if let Some(error) = lacks_interval(question, site) {
                return Err(error);
            }
            let (calls, piece) = self.requests(questions, flight, site, terms)?;
            let request = piece.zip(provider.charts());
            (calls, request.map(|(piece, charts)| charts.request(&ask, &piece)))
        } else {
            let has = provider.has(ask.symbol, ask.data_type);
            let request = has.then(|| provider.request(&ask)).flatten();
            (1, Some(request.ok_or_else(|| unsupported(question))?))
        };
        let Some(request) = request else {
            return Ok(Load { endpoint: String::new(), calls: 0, weight: 1, use_case: None });
        };
        let weight = site.limits.weight(&request.endpoint, request.weight);
        let use_case = self.rules.use_case(&question.key, terms.use_case).map(UseCase::as_str);
        Ok(Load { endpoint: request.endpoint.into_owned(), calls, weight, use_case })
    }

    /// Says when the calls of one provider would be made, and which of them would not.
    fn foresee(
        &self,
        site: &Site,
        loads: &[Load],
        terms: &Terms,
        latency: Duration,
        of_provider: &mut PlannedProvider,
    ) {
        let calls: Vec<Call<'_>> = loads
            .iter()
            .flat_map(|load| {
                std::iter::repeat_n(self.call_of(site, load, terms), load.calls as usize)
            })
            .take(MOST_FORESEEN)
            .collect();
        let (now, real) = (self.clock.now(), self.clock.reading());
        let pace = Pace {
            concurrency: site.concurrency,
            latency,
            patience: terms.max_wait,
            until: terms.by.map(|by| real.wall + by.since(now)),
        };
        let outlook = self.upstream.ledger().outlook(&calls, pace, &real).unwrap_or_default();
        self.say_mishaps();
        let sight = Sight { calls: &calls, outlook: &outlook, pace, now: real.wall };
        let left = self.allowance_of(site, None).budget;
        sight.tell(left.map(|budget| budget.limit.saturating_sub(budget.used)), of_provider);
        // The pages of one series come one after the other.
        let longest = loads.iter().map(|load| load.calls).max().unwrap_or(0);
        let at_least = if of_provider.unfit == 0 { latency * longest } else { Duration::ZERO };
        of_provider.seconds = of_provider.seconds.max(rounded(at_least));
    }

    fn call_of<'c>(&'c self, site: &'c Site, load: &'c Load, terms: &Terms) -> Call<'c> {
        Call {
            provider: &site.name,
            endpoint: &load.endpoint,
            weight: load.weight,
            caller: &self.caller,
            use_case: load.use_case,
            limits: &site.limits,
            budget_share: terms.budget,
            is_probe: false,
        }
    }

    /// The mean time of a call of each provider, by what was counted.
    fn latencies(&self) -> HashMap<String, Duration> {
        let mut sums: HashMap<String, (u64, u64)> = HashMap::new();
        for (name, counts) in self.counters("key", None) {
            let Some((_, provider)) = name.rsplit_once('@') else { continue };
            let sum = sums.entry(provider.to_owned()).or_default();
            let of = |measure| u64::try_from(count(&counts, measure)).unwrap_or(0);
            *sum = (sum.0 + of("calls"), sum.1.saturating_add(of("call_us")));
        }
        let mean =
            |(calls, us): (u64, u64)| Duration::from_micros(us.checked_div(calls).unwrap_or(0));
        sums.into_iter().map(|(provider, sum)| (provider, mean(sum))).collect()
    }

    /// The exchanges that are closed, with how many quotes are asked for that new ones come of when
    /// they open.
    fn openings(&self, questions: &[Question], now: Timestamp) -> Vec<Opening> {
        let mut seen = HashSet::new();
        let mut openings: BTreeMap<Exchange, Opening> = BTreeMap::new();
        for question in questions.iter().filter(|asked| asked.data_type == DataType::Quote) {
            let exchange = self.exchange(question);
            let Some(exchange) = exchange.filter(|_| seen.insert(&question.key)) else { continue };
            let phase = self.rules.calendars().phase(exchange, now);
            if phase.is_open || phase.until == Timestamp::NEVER {
                continue;
            }
            let opening = Opening { exchange, quotes: 0, opens_at: phase.until };
            openings.entry(exchange).or_insert(opening).quotes += 1;
        }
        openings.into_values().collect()
    }
}

/// The flights in the order of their questions, each with the number of its batch and how many others are in
/// that, if it is in one.
fn batched(errand: &Errand<'_>, flights: Vec<Flight>) -> Vec<(Flight, Option<(usize, usize)>)> {
    let mut all = Vec::new();
    for (number, batch) in batches(errand, flights).into_iter().enumerate() {
        let batched = (batch.len() > 1).then(|| (number, batch.len() - 1));
        all.extend(batch.into_iter().map(|flight| (flight, batched)));
    }
    all.sort_by_key(|(flight, _)| flight.index);
    all
}

fn item(
    question: &Question,
    found: Option<&Found>,
    state: &'static str,
    why: String,
) -> PlannedItem {
    let asked = question.providers.first().map_or("", AsRef::as_ref);
    PlannedItem {
        key: question.key.to_string(),
        provider: found.map_or(asked, |found| &found.entry.provider).to_owned(),
        endpoint: question.data_type.made_of().as_str().to_owned(),
        state,
        calls: 0,
        why,
        is_beside: false,
    }
}

/// Why a key is asked for.
fn why(found: Option<&Found>, terms: &Terms, now: Timestamp) -> String {
    if terms.refresh {
        return "--refresh".to_owned();
    }
    let Some(found) = found else { return "it is not held".to_owned() };
    let stretches = found.part.as_ref().map_or(0, |part| part.holes.len());
    let every = terms.every.get(&found.entry.key);
    match (stretches, found.life.state(now)) {
        (1, _) => "one stretch of it is not held".to_owned(),
        (2.., _) => format!("{stretches} stretches of it are not held"),
        (0, State::Fresh) => "it is near its end".to_owned(),
        (0, _) if found.entry.format == Format::NotFound => {
            "it was not known, and that is long ago".to_owned()
        }
        (0, _) => match every.filter(|_| found.life.until == Until::Reader) {
            Some(every) => format!("it is older than {}", duration_for_people(*every)),
            None => format!("stale since {}", found.life.expires_at.for_people()),
        },
    }
}

impl Survey {
    /// Whether a question was not looked at before, of which note is taken.
    fn is_new(&mut self, question: &Question) -> bool {
        let seen = self.seen.entry(question.key.clone()).or_default();
        let is_new = !seen.contains(&question.slice);
        if is_new {
            seen.push(question.slice.clone());
        }
        is_new
    }
}
