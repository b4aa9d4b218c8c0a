//! What the hours of its exchange make of an entry's time to live.
//!
//! Nothing new can be had of a market that is closed: what was fetched after its close stays fresh
//! until it opens, whatever its time to live. What was fetched before the close has been overtaken
//! once the last price of the session is out, which is the close and the delay with which the
//! provider publishes; no time to live goes beyond that. A lunch break is a close. What never closes
//! is bounded by nothing.

use std::time::Duration;

use super::ttl::Subject;
use crate::calendar::{Calendars, Date, Exchange, Phase};
use crate::market::Class;
use crate::time::Timestamp;

/// The types that move with the price, and so stand still when the market does.
const MARKET_DATA: [&str; 3] = ["quote", "bars", "chart"];

/// Where symbols are traded, when, and how late one hears of it.
#[derive(Clone, Debug, Default)]
pub struct Hours {
    /// The sessions of every exchange.
    pub calendars: Calendars,
    /// How much later than the exchange a provider publishes; not at all, where nothing is said.
    pub delays: Vec<(Box<str>, Exchange, Duration)>,
}

/// What the hours of an exchange make of what was fetched at some instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It is fresh until this instant: nothing new can come before.
    Lasts(Timestamp),
    /// It is not fresh from this instant on: something new has come by then.
    Ends(Timestamp),
}

impl Bound {
    /// When what was fetched at an instant goes stale that lasts so long by its other rules.
    ///
    /// Who says zero wants nothing cached, in whatever hours.
    pub fn expires_at(self, fetched_at: Timestamp, ttl: Duration) -> Timestamp {
        match self {
            Self::Lasts(until) if !ttl.is_zero() => until,
            Self::Lasts(_) => fetched_at,
            Self::Ends(at) => at.min(fetched_at + ttl),
        }
    }
}

/// Whether the entries of this type stand still while the market is closed.
pub fn is_market_data(data_type: &str) -> bool {
    MARKET_DATA.contains(&data_type)
}

impl Hours {
    /// The exchange at which a symbol is traded; none if it has no hours that are known, as what is
    /// traded on an exchange without a calendar.
    ///
    /// What the configuration says is stronger than what upstream `said`, and that than what the
    /// symbol looks like.
    pub fn exchange(&self, subject: &Subject<'_>, said: Option<&str>) -> Option<Exchange> {
        let name = subject.name?;
        if let Some(exchange) = self.calendars.of_symbol(name) {
            return Some(exchange);
        }
        if let Some(said) = said {
            // One without a calendar here is no reason to take another's.
            return Exchange::from_name(said);
        }
        self.usual(subject.class?, name)
    }

    /// The exchange that a symbol looks like.
    fn usual(&self, class: Class, name: &str) -> Option<Exchange> {
        match class {
            Class::Crypto => Some(Exchange::ALWAYS),
            Class::Fx => Some(Exchange::FX),
            Class::Macro => None,
            // Futures (`GC=F`) have hours of their own.
            Class::Stock | Class::Index if name.contains('=') => None,
            Class::Stock | Class::Index => match name.rsplit_once('.') {
                None => Some(Exchange::XNYS),
                // A single letter that is no exchange's is a class of shares: `BRK.B`.
                Some((_, suffix)) => self
                    .calendars
                    .of_suffix(suffix)
                    .or_else(|| (suffix.len() == 1).then_some(Exchange::XNYS)),
            },
        }
    }

    /// The date of the session that has begun last at an instant; none if none has for weeks.
    pub fn session(&self, exchange: Exchange, at: Timestamp) -> Option<Date> {
        /// Longer than any exchange is closed, but for wars.
        const LONGEST_CLOSURE: i64 = 15;
        let today = self.calendars.local_date(exchange, at);
        let days = (-1..LONGEST_CLOSURE).map(|before| today.plus(-before));
        days.filter_map(|day| self.calendars.session(exchange, day))
            .find(|session| session.open <= at)
            .map(|session| session.date)
    }

    /// How much later than the exchange this provider publishes.
    pub fn delay(&self, provider: &str, exchange: Exchange) -> Duration {
        let of = |(name, at, _): &&(Box<str>, Exchange, Duration)| {
            **name == *provider && *at == exchange
        };
        self.delays.iter().find(of).map_or(Duration::ZERO, |(.., delay)| *delay)
    }

    /// What the hours of an exchange make of what was fetched then from a provider with this delay,
    /// and what the exchange was doing.
    pub fn bound(
        &self,
        exchange: Exchange,
        delay: Duration,
        fetched_at: Timestamp,
    ) -> (Bound, Phase) {
        let phase = self.calendars.phase(exchange, fetched_at);
        if phase.until == Timestamp::NEVER {
            return (Bound::Ends(Timestamp::NEVER), phase);
        }
        if !phase.is_open {
            let published = phase.since + delay;
            let bound = if fetched_at < published {
                Bound::Ends(published.min(phase.until))
            } else {
                Bound::Lasts(phase.until)
            };
            return (bound, phase);
        }
        // The delay may be longer than a lunch break: what opens next brings something new too.
        let published = phase.until + delay;
        let ends = if delay.is_zero() {
            published
        } else {
            published.min(self.calendars.phase(exchange, phase.until).until)
        };
        (Bound::Ends(ends), phase)
    }
}
