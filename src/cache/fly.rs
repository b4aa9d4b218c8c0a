//! Who asks: this process, holding the lock of the key, or another one whose answer it waits for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::chain::Whose;
use super::errand::{Came, Errand, Flight, Landed};
use super::input::Wanted;
use super::lookup::{Found, Missing, held};
use super::{Cache, Question};
use crate::db::Trouble;
use crate::entry::{Format, State};
use crate::error::{Error, Kind};
use crate::flight::Holder;
use crate::ledger::Mishap;
use crate::market::{Class, DataType, Interval};
use crate::policy::{self, Terms, UseCase};
use crate::provider::Validators;
use crate::time::Timestamp;
use crate::units::duration_for_people;
use crate::upstream::{Asked, Asking, Given, Patience, Permit, Site};
use crate::warning::Warning;

impl Cache {
    /// Asks for one key, or waits for another process that does.
    pub(super) async fn fly(&self, errand: Errand<'_>, mut flight: Flight) -> Landed {
        let errand = errand.at(flight.missing.trail.link);
        let question = &errand.questions[flight.index];
        let asked = question.providers.first().and_then(|provider| errand.sites.get(provider));
        let Some(site) = asked else {
            let came = Came::refused(unsupported(question));
            return Landed { flight, came, holder: None };
        };
        let trail = &flight.missing.trail;
        let most = errand.terms.patience(self.clock.now());
        let mut left = trail.patience.unwrap_or_else(|| Patience::of(most));
        left.bound(most);
        let is_alone = errand.links.whole()[flight.index].providers.len() < 2;
        let mut patience = if trail.waits || is_alone {
            left.waiting_for_limits()
        } else {
            left.passing_limits_by()
        };
        let (came, holder) = self.journey(&errand, &mut flight, site, &mut patience).await;
        flight.missing.trail.patience = Some(patience);
        Landed { flight, came, holder }
    }

    async fn journey(
        &self,
        errand: &Errand<'_>,
        flight: &mut Flight,
        site: &Site,
        patience: &mut Patience,
    ) -> (Came, Option<Holder>) {
        let (question, terms) = (&errand.questions[flight.index], errand.terms);
        let name = name(question);
        let wanted = self.inputs_for(question, site);
        let mut input = wanted.records.is_empty().then(Vec::new);
        if wanted.is_of_programs {
            if let Some(came) = self.landed(question, &flight.missing, &name, terms, None) {
                return (came, None);
            }
            match self.handed_to(errand, flight, (site, &name), &wanted, patience).await {
                Ok(had) => input = Some(had),
                Err(error) => return (Came::refused(error), None),
            }
        }
        loop {
            let place = if input.is_none() { errand.orders.place().await } else { None };
            let mut permit = self.upstream.permit(site, patience).await;
            // Whoever waits behind others for their answers spends no patience, and time all the same.
            patience.bound(terms.patience(self.clock.now()));
            if let Some(error) = self.is_too_late(terms) {
                let holder = flight.leg.as_mut().and_then(|leg| leg.holder.take());
                return (Came::refused(error), holder);
            }
            let aboard = flight.leg.as_mut().map(|leg| leg.holder.take());
            let holder = match aboard.map_or_else(|| self.board(&name, terms), Boarded::Holder) {
                Boarded::Holder(holder) => holder,
                Boarded::Taken => {
                    // Whoever waits for another keeps nobody here from asking for something else.
                    drop(permit);
                    match self.wait_for(question, &flight.missing, &name, terms, patience).await {
                        None => continue,
                        Some(came) => return (came, None),
                    }
                }
            };
            if let Some(came) = self.before_asking(errand.questions, flight, site, &name, terms) {
                return (came, holder);
            }
            if flight.leg.as_ref().is_some_and(|leg| leg.holds_some()) {
                *patience = patience.waiting_for_limits();
            }
            if input.is_none() {
                drop(permit);
                match self.handed_to(errand, flight, (site, &name), &wanted, patience).await {
                    Ok(had) => input = Some(had),
                    Err(error) => return (Came::refused(error), holder),
                }
                drop(place);
                // A program that runs, under the last permit, may be waiting for this very key.
                let Some(free) = self.upstream.permit_at_once(site) else { continue };
                permit = free;
            }
            let input = input.as_deref().unwrap_or_default();
            let came = self.inquire(errand, flight, (site, &permit), input, patience).await;
            return (came, holder);
        }
    }

    /// What a program is handed, unless it could not be run with it.
    async fn handed_to(
        &self,
        errand: &Errand<'_>,
        flight: &Flight,
        (site, name): (&Site, &str),
        wanted: &Wanted,
        patience: &mut Patience,
    ) -> Result<Vec<u8>, Error> {
        let question = &errand.questions[flight.index];
        let asking = self.asking(question, site, name, errand.terms);
        if let Some(error) = self.upstream.hindrance(&asking, patience) {
            return Err(error);
        }
        let had = errand.orders.had(name, wanted.clone()).await;
        self.is_too_late(errand.terms).map_or(Ok(had), Err)
    }

    /// Asks a provider, under the lock of the key.
    async fn inquire(
        &self,
        errand: &Errand<'_>,
        flight: &Flight,
        (site, permit): (&Site, &Permit),
        input: &[u8],
        patience: &mut Patience,
    ) -> Came {
        let question = &errand.questions[flight.index];
        let (name, validators) = (name(question), self.validators(question, &flight.missing));
        let asking = Asking {
            piece: flight.leg.as_ref().and_then(|leg| leg.piece),
            validators: validators.as_ref(),
            input,
            above: &errand.orders.above,
            ..self.asking(question, site, &name, errand.terms)
        };
        let asked = self.upstream.ask(&asking, permit, patience).await;
        // A value is as old as the request for it: what changed on its way is not in it.
        let at = self.clock.now() - asked.latency;
        Came::Asked { asked, at }
    }

    /// What is asked of a provider: one thing, of no piece, and with nothing known or handed.
    pub(in crate::cache) fn asking<'a>(
        &'a self,
        question: &'a Question,
        site: &'a Site,
        name: &'a str,
        terms: &Terms,
    ) -> Asking<'a> {
        Asking {
            site,
            symbol: &question.symbol,
            data_type: question.data_type.made_of(),
            params: &question.params,
            piece: None,
            beside: &[],
            name,
            caller: &self.caller,
            use_case: self.rules.use_case(&question.key, terms.use_case).map(UseCase::as_str),
            budget_share: terms.budget,
            definition: self.rules.definition(&site.name, question.key.data_type()),
            validators: None,
            input: &[],
            above: &[],
        }
    }

    /// The error for what is not asked for any more since the time for it is over.
    pub(super) fn is_too_late(&self, terms: &Terms) -> Option<Error> {
        let by = terms.by.filter(|by| *by <= self.clock.now())?;
        let message = format!("it was not its turn by {}", by.for_people());
        Some(Error::new(Kind::RateLimited, message).hint("a later `--by` goes on"))
    }

    /// What there is to say without asking, under the lock of a key; of a series it is worked out what
    /// to ask for.
    fn before_asking(
        &self,
        questions: &[Question],
        flight: &mut Flight,
        site: &Site,
        name: &str,
        terms: &Terms,
    ) -> Option<Came> {
        let question = &questions[flight.index];
        if flight.leg.is_none() {
            // Between the look at the tiers and this lock another may have landed.
            if let Some(shared) = self.landed(question, &flight.missing, name, terms, None) {
                return Some(shared);
            }
            if !question.is_of_bars() {
                return None;
            }
            if let Some(error) = lacks_interval(question, site) {
                return Some(Came::refused(error));
            }
            match self.embark(questions, flight, site, terms) {
                Ok(leg) => flight.leg = Some(Box::new(leg)),
                Err(error) => return Some(Came::refused(error)),
            }
        }
        let is_whole = flight.leg.as_ref().is_some_and(|leg| leg.piece.is_none());
        is_whole.then_some(Came::Whole)
    }

    /// Takes the lock of a key, if it can be had; without one if locks cannot be kept at all, or if
    /// the answer is not stored and so cannot be shared.
    pub(super) fn board(&self, name: &str, terms: &Terms) -> Boarded {
        let can_share = self.disk().is_some() && !self.writing_given_up.load(Ordering::Relaxed);
        let Some(flights) = self.flights.as_ref().filter(|_| can_share && !terms.no_cache) else {
            return Boarded::Holder(None);
        };
        match flights.board(name) {
            Ok(Some(holder)) => Boarded::Holder(Some(holder)),
            Ok(None) => Boarded::Taken,
            Err(trouble) => {
                self.say_alone(&trouble);
                Boarded::Holder(None)
            }
        }
    }

    /// Waits for the process that asks for this key. What came of it; none if that has to be found
    /// out by asking.
    async fn wait_for(
        &self,
        question: &Question,
        missing: &Missing,
        name: &str,
        terms: &Terms,
        patience: &mut Patience,
    ) -> Option<Came> {
        let flights = self.flights.clone()?;
        let watch = self.clock.stopwatch();
        let since = self.clock.real_now();
        let awaited = name.to_owned();
        let before = self.newer(question, missing, terms, self.clock.now());
        let before = before.map(|found| found.entry.fetched_at);
        let freed = tokio::task::spawn_blocking(move || flights.wait(&awaited));
        let freed = tokio::time::timeout(patience.left(), freed).await;
        patience.spend(watch.elapsed());
        let awaited = Awaited { since, before };
        if let Some(shared) = self.landed(question, missing, name, terms, Some(awaited)) {
            return Some(shared);
        }
        if freed.is_ok() {
            return None;
        }
        let waited = duration_for_people(terms.max_wait);
        let key = &question.key;
        let message = format!("another process asks for `{key}` and had no answer within {waited}");
        Some(Came::refused(
            Error::new(Kind::Unreachable, message)
                .hint("a longer `--max-wait` waits for it; --offline answers from the cache"),
        ))
    }

    /// What another process has come to with this key, if anything: an entry that was not held when
    /// the question was asked and is fresh, or was stored while this waited for it, however short its
    /// time is; its failure, if that came meanwhile, or while the key cools down.
    pub(super) fn landed(
        &self,
        question: &Question,
        missing: &Missing,
        name: &str,
        terms: &Terms,
        awaited: Option<Awaited>,
    ) -> Option<Came> {
        let now = self.clock.now();
        if let Some(found) = self.newer(question, missing, terms, now) {
            let is_awaited = awaited.is_some_and(|a| a.before != Some(found.entry.fetched_at));
            let life = self.rules.life(&found.entry, &found.known, self.anybody());
            let is_of_use = match &found.part {
                None => is_awaited || life.state(now) == State::Fresh,
                // Another process may have filled another part.
                Some(part) => {
                    let is_new = found.entry.fetched_at >= now - missing.since.elapsed();
                    let will_do = found.life.state(now) == State::Fresh && !terms.refresh;
                    // Of a provider without any bar it is found out below who is asked next.
                    let has_bars = !part.head.is_bare();
                    has_bars && part.holes.is_empty() && (will_do || (is_awaited && is_new))
                }
            };
            if is_of_use {
                if found.entry.format != Format::NotFound {
                    return Some(Came::Shared(found));
                }
                let (provider, any) = (found.entry.provider.clone(), Terms::default());
                if let Some(error) = policy::absence(&held(&[found]), &provider, &any, now) {
                    return Some(Came::failed(error, Whose::Anothers));
                }
            }
        }
        let real = self.clock.reading();
        let cooling = self.upstream.ledger().cooling(name, &real)?;
        if awaited.is_some_and(|awaited| cooling.failed_at >= awaited.since) {
            return Some(Came::failed(cooling.error, Whose::Anothers));
        }
        let left = duration_for_people(cooling.until.since(real.wall));
        (!terms.refresh && cooling.until > real.wall).then(|| {
            let error = cooling.error.hint(format!(
                "it failed a moment ago and is not asked again for {left}; --refresh asks at once"
            ));
            Came::failed(error, Whose::Nobodys)
        })
    }

    /// By what the provider that is asked may confirm what is held of it: nothing that is gone, and
    /// not that it knows of nothing. What a market was doing is part of a quote and worked out when a
    /// reply is read, so nothing is confirmed over an open or a close.
    fn validators(&self, question: &Question, missing: &Missing) -> Option<Validators> {
        let found = missing.of_the_asked(question)?;
        let (entry, now) = (&found.entry, self.clock.now());
        let in_session =
            |at| self.rules.is_in_session(&entry.key, &entry.provider, &found.known, at);
        if found.life.state(now) == State::Gone
            || matches!(entry.format, Format::NotFound | Format::Binary)
            || in_session(entry.fetched_at) != in_session(now)
        {
            return None;
        }
        // Whatever stands in the way will be said of an entry; it only costs a body.
        self.disk()?.validators(found.row, entry).ok()?
    }

    /// The entry of the provider that is asked, if there is one that was not held when the question
    /// was taken up and came under the definition now in force.
    fn newer(
        &self,
        question: &Question,
        missing: &Missing,
        terms: &Terms,
        now: Timestamp,
    ) -> Option<Found> {
        let provider = question.providers.first()?;
        let is_new = |found: &Found| {
            found.entry.provider == *provider
                && self.rules.is_defined_so(&found.entry, &found.known)
                && !missing.held.iter().any(|held| held.entry == found.entry)
        };
        self.look_up(question, terms, now).into_iter().find(is_new)
    }

    /// Says what has happened to the ledger.
    pub(super) fn say_mishaps(&self) {
        for mishap in self.upstream.ledger().take_mishaps() {
            match mishap {
                Mishap::SetAside { path, aside } => {
                    self.warn(Warning::LedgerSetAside { path, aside });
                }
                Mishap::Unusable(trouble) => self.say_alone(&trouble),
            }
        }
    }

    /// Says that keys and limits are kept within this process only.
    pub(super) fn say_alone(&self, trouble: &Trouble) {
        if let Some(folder) = &self.ledger_folder
            // What keeps one from being written keeps the other, in other words.
            && !self.is_alone.swap(true, Ordering::Relaxed)
        {
            let (path, why) = (folder.clone(), trouble.to_string());
            self.warn(Warning::Alone { path, why });
        }
    }
}

/// A wait for another process.
#[derive(Clone, Copy)]
pub(super) struct Awaited {
    /// When it began, by real time.
    since: Timestamp,
    /// What had come by then: when it was fetched.
    before: Option<Timestamp>,
}

/// What came of trying to take the lock of a key.
pub(super) enum Boarded {
    /// It may be asked for, under this lock if there is one.
    Holder(Option<Holder>),
    /// Another process asks for it.
    Taken,
}

/// The name of an answer's counters, of its lock, and of its failures: its key and whoever is asked.
pub(super) fn name(question: &Question) -> String {
    let provider = question.providers.first().map_or("none", AsRef::as_ref);
    format!("{}@{provider}", question.key)
}

/// The error for bars of an interval that the provider which was named does not have, if it has others.
pub(super) fn lacks_interval(question: &Question, site: &Site) -> Option<Error> {
    let charts = site.speech.provider().charts()?;
    let has = |interval: &Interval| charts.reach(&question.symbol, *interval).is_some();
    let wanted = question.slice.as_ref().filter(|_| question.pinned)?.stored();
    if has(&wanted) {
        return None;
    }
    // Longer ones are made of days.
    let others: Vec<&str> = Interval::ALL
        .into_iter()
        .filter(|interval| has(&(*interval).min(Interval::Day1)))
        .map(Interval::as_str)
        .collect();
    let (name, symbol, wanted) = (&site.name, &question.symbol, wanted.as_str());
    let error = Error::new(Kind::Unsupported, format!("{name} has no {wanted} bars of `{symbol}`"));
    (!others.is_empty()).then(|| error.hint(format!("it has {}", others.join(", "))))
}

/// The error for what nobody has.
pub(super) fn unsupported(question: &Question) -> Error {
    let (symbol, class) = (&question.symbol, question.symbol.class().as_str());
    let what = match &question.slice {
        Some(slice) if question.data_type == DataType::Bars => {
            format!("{} bars", slice.stored().as_str())
        }
        _ => question.data_type.in_prose().to_owned(),
    };
    let is_named = question.pinned && question.providers.is_empty();
    if is_named && question.symbol.class() != Class::Macro {
        let message = format!(
            "{what} of `{symbol}` cannot be told by the provider that was named: it does not say \
             what was split and paid out"
        );
        return Error::new(Kind::Unsupported, message).hint("leave --provider away");
    }
    if matches!(question.data_type, DataType::Payload(name) if name.is_prediction()) {
        let message = format!("no provider gives a prediction of `{symbol}`");
        return Error::new(Kind::Unsupported, message).hint(
            "name the program that does: providers: {model: {kind: command, endpoints: \
             {prediction: {command: [python3, predict.py, \"{symbol}\"]}}}}",
        );
    }
    let message = format!("no provider of the {class} chain has {what} of `{symbol}`");
    let hint = match question.symbol.class() {
        Class::Macro if question.is_of_bars() => {
            "what is observed of an economy has no bars: `-t series` gives its observations".into()
        }
        _ => format!("see `chains.{class}` in `mcache config show`, or name one with --provider"),
    };
    Error::new(Kind::Unsupported, message).hint(hint)
}

/// What came of it when nobody was asked.
pub(super) fn refused(error: Error) -> Asked {
    uncounted(Err(error))
}

/// What came of something that cost no request, or none that was counted yet.
pub(super) fn uncounted(outcome: Result<Given, Error>) -> Asked {
    Asked {
        outcome,
        validators: None,
        rejected: None,
        is_general: false,
        calls: 0,
        latency: Duration::ZERO,
    }
}
