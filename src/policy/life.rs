//! How long an entry lives, by the rules in force now.
//!
//! # Order
//!
//! The verdict is computed when an entry is read, so a changed rule holds at once for what is
//! already stored. Strongest last: the default, the type, the class, what is hot, the endpoint or
//! its level, the use case that is known, what is said of this symbol or its list, the use case
//! that is given; how often the value was seen to change, if that is learned, takes the place of what
//! these have said, within bounds; the strategy of the provider scales it; the
//! calendar stretches it to the next open or cuts it at the close; what this one request asks for
//! narrows it; an event ends it. The time to live that `put` was given takes the place of all
//! rules, of the calendar and the strategy too.
//!
//! # Rules for changing it
//!
//! One function judges ([`Rules::judge`]), and says why on the way if anybody asks: what is decided
//! and what is explained cannot drift apart. It allocates nothing unless it explains.

use std::fmt;
use std::sync::LazyLock;
use std::time::Duration;

use super::adaptive::{Adaptive, Looks};
use super::endpoint::Endpoints;
use super::event::Sessions;
use super::finality::Finality;
use super::frozen::FrozenAfter;
use super::hours::{Bound, Hours, is_market_data};
use super::known::{Known, Reader};
use super::plan::SeriesRules;
use super::strategy::{Strategies, Strategy};
use super::ttl::{Keep, Lasting, Subject, Subjects, TtlRule, strongest};
use super::use_case::{Demand, KnownBy, Priority, UseCase, UseCases};
use super::volatility::Volatility;
use crate::calendar::{Calendars, Exchange, Phase};
use crate::entry::{Entry, Format, Life, Until};
use crate::key::{Key, PUT};
use crate::market::{DataType, ExchangeCode, Interval, SessionKind};
use crate::time::Timestamp;
use crate::units::duration_for_people;

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long what no rule names stays fresh.
    pub default_ttl: Duration,
    /// The rules, in any order.
    pub ttl: Vec<TtlRule>,
    /// The symbols that are hot.
    pub hot: Subjects,
    /// What is said of endpoints.
    pub endpoints: Endpoints,
    /// What answers are for.
    pub use_cases: UseCases,
    /// How times to live follow the pace of values; none: not at all.
    pub adaptive: Option<Adaptive>,
    /// When markets are open; none: always.
    pub hours: Option<Hours>,
    /// How long it is remembered that upstream does not know a symbol.
    pub not_found_ttl: Duration,
    /// How long a type is kept after it has gone stale.
    pub keep: Vec<(Box<str>, Keep)>,
    /// How long what no rule names is kept.
    pub default_keep: Keep,
    /// How stale an answer may be when upstream fails; none: as long as it is kept.
    pub stale_if_error: Option<Duration>,
    /// What makes a strategy, and what it makes of a time to live.
    pub strategies: Strategies,
    /// What volatility makes of the time to live of a market's data.
    pub volatility: Volatility,
    /// Above how many times the usual volume it is unusual.
    pub unusual_volume: f64,
    /// How series are filled.
    pub series: SeriesRules,
    /// Whether what looks wrong is marked.
    pub marks_faults: bool,
    /// After how long a quote stands still for too long.
    pub frozen_after: FrozenAfter,
}

/// Nothing is said of any type: what the contract has for payloads.
impl Default for Rules {
    fn default() -> Self {
        Self {
            default_ttl: Duration::from_hours(1),
            ttl: Vec::new(),
            hot: Subjects::default(),
            endpoints: Endpoints::default(),
            use_cases: UseCases::default(),
            adaptive: None,
            hours: None,
            not_found_ttl: Duration::from_hours(1),
            keep: Vec::new(),
            default_keep: Keep::For(Duration::from_hours(7 * 24)),
            stale_if_error: None,
            strategies: Strategies::default(),
            volatility: Volatility::default(),
            unusual_volume: 1.5,
            series: SeriesRules::default(),
            marks_faults: true,
            frozen_after: FrozenAfter::default(),
        }
    }
}

/// Why an entry lives as long as it does: one rule that had its say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule, by the name it has in the configuration or on the command line.
    pub rule: String,
    /// What it says.
    pub says: String,
}

/// Who wants to know why.
trait Trail {
    /// One more rule has had its say. The sentence is only made if it is wanted.
    fn note(&mut self, rule: impl FnOnce() -> String, says: impl FnOnce() -> String);
}

impl Trail for () {
    fn note(&mut self, _: impl FnOnce() -> String, _: impl FnOnce() -> String) {}
}

impl Trail for Vec<Reason> {
    fn note(&mut self, rule: impl FnOnce() -> String, says: impl FnOnce() -> String) {
        self.push(Reason { rule: rule(), says: says() });
    }
}

/// What is said of an entry's time to live, before its market and its provider have their say.
struct Said {
    lasting: Lasting,
    /// The same in a market that is not volatile.
    usual: Lasting,
    after_hours: Option<Duration>,
    use_case: Option<UseCase>,
}

/// What the hours of its exchange make of an entry.
struct Hour {
    exchange: Exchange,
    phase: Phase,
    delay: Duration,
    bound: Bound,
}

/// When an entry goes stale, and why then.
struct End {
    expires_at: Timestamp,
    until: Until,
    /// By rule, before anybody narrows it: from here on it is kept.
    latest: Timestamp,
}

impl Rules {
    /// How long this entry lives. What its reader asks for narrows only.
    pub fn life(&self, entry: &Entry, known: &Known, reader: Reader) -> Life {
        self.judge(entry, known, reader, &mut ())
    }

    /// The rules that had their say, strongest last.
    pub fn reasons(&self, entry: &Entry, known: &Known, reader: Reader) -> Vec<Reason> {
        let mut reasons = Vec::new();
        self.judge(entry, known, reader, &mut reasons);
        reasons
    }

    /// The exchange at which what an entry is about is traded, as far as that is known.
    pub fn exchange(&self, key: &Key, known: &Known) -> Option<Exchange> {
        let said = known.market.exchange.as_ref().map(ExchangeCode::as_str);
        self.hours.as_ref()?.exchange(&Subject::of(key, &self.hot), said)
    }

    /// When bars of a provider under this key are final, by how long they are and of which hours.
    pub fn finality<'a>(
        &'a self,
        key: &Key,
        provider: &str,
        known: &Known,
        (interval, session): (Interval, SessionKind),
    ) -> Finality<'a> {
        let exchange = self.exchange(key, known);
        let delay = self.hours.as_ref().zip(exchange);
        Finality {
            interval,
            session,
            calendars: self.calendars(),
            exchange,
            delay: delay.map_or(Duration::ZERO, |(hours, at)| hours.delay(provider, at)),
            late_correction: self.series.late_correction,
        }
    }

    /// The sessions of every exchange.
    pub fn calendars(&self) -> &Calendars {
        static SHIPPED: LazyLock<Calendars> = LazyLock::new(Calendars::default);
        self.hours.as_ref().map_or(&SHIPPED, |hours| &hours.calendars)
    }

    /// In how many sessions two values of one key and one provider were taken. What is published late
    /// is of the session that had begun by so much earlier.
    pub fn sessions(&self, held: &Entry, new: &Entry, known: &Known) -> Sessions {
        let exchange = self.exchange(&new.key, known);
        let of = |entry: &Entry| {
            let (hours, exchange) = self.hours.as_ref().zip(exchange)?;
            let delay = hours.delay(&entry.provider, exchange);
            hours.session(exchange, entry.fetched_at - delay)
        };
        match (of(held), of(new)) {
            (Some(before), Some(after)) if before != after => Sessions::Two,
            (None, None) if held.fetched_at.day() != new.fetched_at.day() => Sessions::Two,
            _ => Sessions::One,
        }
    }

    /// The number of the definition now in force of an endpoint, which has the name of its type; of
    /// what is worked out, that of what it is made of.
    pub fn definition(&self, provider: &str, data_type: &str) -> u64 {
        let of = |name: &str| self.endpoints.of(provider, name);
        let endpoint = of(data_type).or_else(|| of(DataType::origin(data_type)?.as_str()));
        endpoint.map_or(0, |endpoint| endpoint.definition)
    }

    /// Whether the bars of a provider come without splits and dividends, and none will be told of.
    pub fn is_silent(&self, provider: &str) -> bool {
        let bars = self.endpoints.of(provider, DataType::Bars.as_str());
        bars.is_some_and(|endpoint| endpoint.is_silent)
    }

    /// Whether an entry came under the definition now in force; what a user wrote came under none.
    pub fn is_defined_so(&self, entry: &Entry, known: &Known) -> bool {
        let (provider, data_type) = (&entry.provider, entry.key.data_type());
        let came_under = |name: &str| known.definition == self.definition(provider, name);
        // A provider may have an endpoint by the name of what else is worked out of its bars.
        let worked_out = || DataType::origin(data_type).map(|of| came_under(of.as_str()));
        entry.is_put() || came_under(data_type) || worked_out().unwrap_or(false)
    }

    /// Whether what this provider gives at an instant is of a session of the symbol's exchange; so if
    /// no hours are known of it.
    pub fn is_in_session(&self, key: &Key, provider: &str, known: &Known, at: Timestamp) -> bool {
        let exchange = self.exchange(key, known);
        self.hours.as_ref().zip(exchange).is_none_or(|(hours, exchange)| {
            hours.calendars.phase(exchange, at - hours.delay(provider, exchange)).is_open
        })
    }

    /// What is asked for under this key is for: what is said, else what is known of it beforehand.
    pub fn use_case(&self, key: &Key, said: Option<UseCase>) -> Option<UseCase> {
        let known = || {
            let name = key.subject().filter(|_| is_market_data(key.data_type()))?;
            self.use_cases.known(name, None).map(|(use_case, _)| use_case)
        };
        said.or_else(known)
    }

    /// What comes first of what is asked of a provider: by what it is said to be for, else by what is
    /// said of its endpoint, else by what it is known to be for.
    pub fn priority(&self, key: &Key, provider: &str, said: Option<UseCase>) -> Priority {
        let endpoint = self.endpoints.of(provider, key.data_type()).filter(|_| said.is_none());
        if let Some(priority) = endpoint.and_then(|endpoint| endpoint.priority) {
            return priority;
        }
        let use_case = self.use_case(key, said);
        use_case.map_or(Priority::default(), |use_case| self.use_cases.demand(use_case).priority)
    }

    fn judge<T: Trail>(&self, entry: &Entry, known: &Known, reader: Reader, why: &mut T) -> Life {
        let fetched_at = entry.fetched_at;
        if let Some(ttl) = self.without_rules(entry, why) {
            let latest = fetched_at + ttl;
            let end = End { expires_at: latest, until: Until::Ttl, latest };
            return self.ended(entry, known, end, None, reader, why);
        }
        let subject = Subject::of(&entry.key, &self.hot);
        let said = self.said(entry, &subject, known, reader, why);
        let strategy = self.strategies.of(&entry.provider, known.course, reader.real_now);
        let usual = said.usual.under(Strategy::Normal, &self.strategies);
        let ttl = self.adapted(said.lasting, known.pace, why).under(strategy, &self.strategies);
        let hour = self.hour(entry, &subject, known, said.after_hours, strategy);
        let bound = hour.as_ref().map_or(Bound::Ends(Timestamp::NEVER), |hour| hour.bound);
        let expires_at = bound.expires_at(fetched_at, ttl);
        let until = match &hour {
            _ if expires_at == fetched_at + ttl => Until::Ttl,
            Some(hour) if hour.phase.is_guess => Until::Guess,
            _ => Until::Market,
        };
        if let Some(hour) = hour.filter(|_| until != Until::Ttl) {
            why.note(|| format!("calendar {}", hour.exchange), || hour.to_string());
        }
        if strategy != Strategy::Normal && until == Until::Ttl {
            let rule = || format!("strategy {}", strategy.as_str());
            why.note(rule, || duration_for_people(ttl));
        }
        let reader = match bound {
            // A schedule asks for what is new, and there is nothing while the market is closed.
            Bound::Lasts(_) => reader,
            Bound::Ends(_) => reader.every_time(),
        };
        // A narrower request, a storm or an aggressive provider loses nobody's entry, and nothing is
        // gone while it is fresh under a careful one.
        let latest = expires_at.max(bound.expires_at(fetched_at, usual));
        self.ended(entry, known, End { expires_at, until, latest }, said.use_case, reader, why)
    }

    /// How long an entry is fresh that no rule of its type concerns.
    fn without_rules<T: Trail>(&self, entry: &Entry, why: &mut T) -> Option<Duration> {
        let (rule, ttl) = if let Some(ttl) = entry.own_ttl {
            ("put --ttl", ttl)
        } else if entry.format == Format::NotFound {
            ("ttl.not_found", self.not_found_ttl)
        } else {
            return None;
        };
        why.note(|| rule.to_owned(), || duration_for_people(ttl));
        Some(ttl)
    }

    fn said<T: Trail>(
        &self,
        entry: &Entry,
        subject: &Subject<'_>,
        known: &Known,
        reader: Reader,
        why: &mut T,
    ) -> Said {
        let mut said = Said {
            lasting: Lasting::exactly(self.default_ttl),
            usual: Lasting::exactly(self.default_ttl),
            after_hours: None,
            use_case: reader.use_case,
        };
        match strongest(self.ttl.iter().filter(|rule| !rule.is_of_these()), subject) {
            Some(rule) => said.take(rule, why),
            None => why.note(
                || "cache.memory.default_ttl_hours".to_owned(),
                || duration_for_people(self.default_ttl),
            ),
        }
        let endpoint = self.endpoints.of(&entry.provider, subject.data_type);
        if let Some((lasting, named)) = endpoint.as_ref().and_then(|e| e.lasting.as_ref()) {
            said.lasting = *lasting;
            why.note(|| named.to_string(), || lasting.to_string());
        }
        let moves = is_market_data(subject.data_type);
        let unusual = known.market.unusual_volume(entry.fetched_at);
        if reader.use_case.is_none()
            && let Some(name) = subject.name.filter(|_| moves)
            && let Some((use_case, by)) = self.use_cases.known(name, unusual)
        {
            said.use_case = Some(use_case);
            self.take_demand(&mut said, use_case, by, why);
        }
        let of_these = self.ttl.iter().filter(|rule| rule.is_of_these());
        if let Some(rule) = strongest(of_these, subject) {
            said.take(rule, why);
        }
        if let Some(use_case) = reader.use_case {
            self.take_demand(&mut said, use_case, KnownBy::Given, why);
        }
        said.usual = said.lasting;
        if let Some((class, realised)) =
            subject.class.filter(|_| moves).zip(known.market.volatility)
        {
            let factor = self.volatility.factor(&known.market, class);
            said.lasting = said.lasting.scaled(factor);
            if said.lasting != said.usual {
                let rule = || format!("volatility {realised} a year");
                why.note(rule, || said.lasting.to_string());
            }
        }
        said
    }

    /// What the pace of a value makes of how long it lasts by rule.
    fn adapted<T: Trail>(&self, said: Lasting, pace: Looks, why: &mut T) -> Lasting {
        let usual = said.under(Strategy::Normal, &self.strategies);
        let learned = self.adaptive.and_then(|adaptive| adaptive.ttl(usual, pace));
        let Some(ttl) = learned else { return said };
        why.note(|| "policy adaptive".to_owned(), || Adaptive::says(ttl, pace));
        Lasting::exactly(ttl)
    }

    fn take_demand<T: Trail>(&self, said: &mut Said, use_case: UseCase, by: KnownBy, why: &mut T) {
        let Some(lasting) = self.use_cases.demand(use_case).lasting else { return };
        said.lasting = lasting;
        let says = || match by {
            KnownBy::Given => lasting.to_string(),
            KnownBy::Position => format!("{lasting}: it is in the portfolio"),
            KnownBy::Volume(high) => format!("{lasting}: {high}"),
            KnownBy::List => format!("{lasting}: it is on a watchlist"),
        };
        why.note(|| format!("use_cases.{}", use_case.as_str()), says);
    }

    /// What the hours of its exchange make of it; nothing if it has none.
    fn hour(
        &self,
        entry: &Entry,
        subject: &Subject<'_>,
        known: &Known,
        after_hours: Option<Duration>,
        strategy: Strategy,
    ) -> Option<Hour> {
        // Who says how long something lasts after hours says that it has hours.
        if !is_market_data(subject.data_type) && after_hours.is_none() {
            return None;
        }
        let hours = self.hours.as_ref()?;
        let exchange =
            hours.exchange(subject, known.market.exchange.as_ref().map(ExchangeCode::as_str))?;
        let delay = hours.delay(&entry.provider, exchange);
        let (bound, phase) = hours.bound(exchange, delay, entry.fetched_at);
        let bound = match (bound, after_hours) {
            (Bound::Lasts(open), Some(most)) => {
                let most = self.strategies.scaled(most, strategy);
                Bound::Lasts(open.min(entry.fetched_at + most))
            }
            (bound, _) => bound,
        };
        Some(Hour { exchange, phase, delay, bound })
    }

    /// The life of an entry that ends so by rule, after its reader has had a say.
    fn ended<T: Trail>(
        &self,
        entry: &Entry,
        known: &Known,
        mut end: End,
        use_case: Option<UseCase>,
        reader: Reader,
        why: &mut T,
    ) -> Life {
        if let Some(bound) = reader.max_age {
            why.note(|| "--max-age".to_owned(), || duration_for_people(bound));
            if entry.fetched_at + bound < end.expires_at {
                end = End { expires_at: entry.fetched_at + bound, until: Until::Reader, ..end };
            }
        }
        if !self.is_defined_so(entry, known) {
            // What another definition gave is as old as can be, and kept as long as any.
            let (provider, data_type) = (&entry.provider, entry.key.data_type());
            let rule = || format!("providers.{provider}.endpoints.{data_type}.version");
            why.note(rule, || "stale, it came under another one".to_owned());
            end = End { expires_at: entry.fetched_at, until: Until::Event, ..end };
        }
        if let Some(expired) = known.expired(entry) {
            // An event makes it stale and nothing else: it is kept as if nothing had happened.
            why.note(|| format!("event {}", expired.why), || format!("at {}", expired.at));
            if expired.at < end.expires_at {
                end = End { expires_at: expired.at, until: Until::Event, ..end };
            }
        }
        let demand = use_case.map(|use_case| self.use_cases.demand(use_case));
        let gone_at = match self.keep(entry, demand) {
            Keep::For(time) => end.latest + time,
            Keep::WithoutLimit => Timestamp::NEVER,
        };
        let bound = demand.and_then(|demand| demand.stale_if_error).or(self.stale_if_error);
        Life {
            ttl: end.expires_at.since(entry.fetched_at),
            fetched_at: entry.fetched_at,
            expires_at: end.expires_at,
            until: end.until,
            error_until: bound.map_or(gone_at, |bound| gone_at.min(end.latest + bound)),
            gone_at,
        }
    }

    /// How long it is kept after it has gone stale.
    fn keep(&self, entry: &Entry, demand: Option<&Demand>) -> Keep {
        if entry.format == Format::NotFound {
            // A stale "there is none" is of no use to anybody.
            return Keep::For(Duration::ZERO);
        }
        let name = if entry.is_put() { PUT } else { entry.key.data_type() };
        let endpoint = self.endpoints.of(&entry.provider, entry.key.data_type());
        let of_type = || self.keep.iter().find(|(rule, _)| **rule == *name).map(|(_, keep)| *keep);
        demand
            .and_then(|demand| demand.keep)
            .or_else(|| endpoint.and_then(|endpoint| endpoint.keep))
            .or_else(of_type)
            .unwrap_or(self.default_keep)
    }
}

impl Said {
    fn take<T: Trail>(&mut self, rule: &TtlRule, why: &mut T) {
        self.lasting = rule.lasting;
        self.after_hours = rule.after_hours;
        why.note(|| rule.named.to_string(), || rule.lasting.to_string());
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { phase, delay, bound, .. } = self;
        let (since, until) = (phase.since.for_people(), phase.until.for_people());
        match bound {
            Bound::Lasts(at) if *at < phase.until => {
                write!(f, "closed since {since}: fresh until {}", at.for_people())
            }
            Bound::Lasts(_) => {
                let guess = if phase.is_guess { " (a guess)" } else { "" };
                write!(f, "closed since {since}, nothing new before it opens {until}{guess}")
            }
            Bound::Ends(_) => {
                let close = if phase.is_open { until } else { since };
                write!(f, "fetched before the close of {close}")?;
                if delay.is_zero() {
                    return Ok(());
                }
                write!(f, " was known, {} after it", duration_for_people(*delay))
            }
        }
    }
}
