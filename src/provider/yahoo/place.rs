//! Where a chart of Yahoo's is of: which date an instant has there, and when the session of a date
//! opens.
//!
//! Yahoo says one distance from UTC, which is today's and wrong beyond a change of the clocks; so its
//! name of the time zone goes first. It guesses no session: what no calendar knows has none.

use super::exchanges;
use super::wire::CourseMeta;
use crate::calendar::{Calendars, Date, Exchange};
use crate::market::{Class, Symbol};
use crate::time::{Timestamp, Zone};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The clocks and the sessions of a place.
pub(super) struct Place {
    zone: Option<Zone>,
    /// Ahead of UTC, in seconds, where the zone is not known.
    ahead: i64,
    opens: Opens,
    calendars: Calendars,
}

/// When a day begins.
enum Opens {
    /// At midnight: of what has days and no sessions.
    Midnight,
    /// When the exchange opens.
    Session(Exchange),
    /// When Yahoo says.
    Unknown,
}

impl Place {
    /// The place that a chart is of.
    pub(super) fn of(symbol: &Symbol, meta: &CourseMeta) -> Self {
        let exchange = meta.exchange_name.as_deref().and_then(exchanges::code);
        let opens = match (symbol.class(), exchange.and_then(Exchange::from_name)) {
            (Class::Fx | Class::Crypto, _) | (_, Some(Exchange::FX | Exchange::ALWAYS)) => {
                Opens::Midnight
            }
            (_, Some(exchange)) => Opens::Session(exchange),
            (_, None) => Opens::Unknown,
        };
        let zone = meta.exchange_timezone_name.as_deref().and_then(|name| Zone::parse(name).ok());
        let ahead = meta.gmtoffset.filter(|ahead| ahead.abs() <= DAY).unwrap_or(0);
        Self { zone, ahead, opens, calendars: Calendars::default() }
    }

    /// The date of an instant there, in days since 1970.
    pub(super) fn day(&self, second: i64) -> i64 {
        (second + self.ahead(second)).div_euclid(DAY)
    }

    /// The second of a day that the clocks show at an instant.
    pub(super) fn second_of_day(&self, second: i64) -> i64 {
        (second + self.ahead(second)).rem_euclid(DAY)
    }

    /// The instant at which the clocks show this on a day.
    pub(super) fn at(&self, day: i64, second_of_day: i64) -> i64 {
        let local = day * DAY + second_of_day;
        // The distance is of an instant that is not known yet, so it is looked up twice: on a day
        // on which the clocks change, the first one may be the other.
        local - self.ahead(local - self.ahead(local - self.ahead))
    }

    /// When the session of a date opens; none if nobody knows.
    pub(super) fn opening(&self, day: i64) -> Option<i64> {
        match self.opens {
            Opens::Midnight => Some(self.at(day, 0)),
            Opens::Session(_) => self.session(day).map(|(open, _)| open),
            Opens::Unknown => None,
        }
    }

    /// When the session of a date opens and closes, where an exchange has sessions.
    pub(super) fn session(&self, day: i64) -> Option<(i64, i64)> {
        let Opens::Session(exchange) = self.opens else { return None };
        let date = Date::from_days(day);
        let session = self.calendars.session(exchange, date)?;
        let seconds = |at: Timestamp| at.as_ms().div_euclid(1000);
        (!self.calendars.is_guess(exchange, date))
            .then(|| (seconds(session.open), seconds(session.close)))
    }

    fn ahead(&self, second: i64) -> i64 {
        let at = Timestamp::from_seconds(second);
        self.zone.as_ref().map_or(self.ahead, |zone| zone.seconds_ahead(at))
    }
}
