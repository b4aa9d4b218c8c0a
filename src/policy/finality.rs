//! When a bar has ended, when it does not change any more, and where one can begin.
//!
//! A bar is live until its interval, or its session, is over. A provider publishes late, and corrects
//! days until some time after the next session has opened; what was fetched after that is final. It
//! knows no bar: only intervals, sessions and instants. What trades where nobody knows has days of
//! UTC.

use std::time::Duration;

use crate::calendar::{Calendars, Date, Exchange, Session};
use crate::market::{Interval, SessionKind};
use crate::span::Span;
use crate::time::Timestamp;

/// How many dates before an instant a session is looked for. Bars that are older than that are final
/// though the exchange has not opened since.
const LONGEST_CLOSURE: i64 = 40;

/// How long before the open early trading begins at the earliest.
const EARLY: Duration = Duration::from_hours(6);

/// How long after the close late trading ends at the latest.
const LATE: Duration = Duration::from_hours(5);

const MS: Duration = Duration::from_millis(1);

/// What decides when the bars of a series are final.
#[derive(Clone, Copy, Debug)]
pub struct Finality<'a> {
    /// How long they are.
    pub interval: Interval,
    /// The sessions of every exchange.
    pub calendars: &'a Calendars,
    /// Where they are traded, if that is known.
    pub exchange: Option<Exchange>,
    /// How much later than the exchange the provider publishes.
    pub delay: Duration,
    /// For how long after the open of the next session a day may still be corrected.
    pub late_correction: Duration,
}

impl Finality<'_> {
    /// The instant before which every bar begins that is final if it was fetched then; nothing is
    /// said of the others, but that no session, or grid of bars, puts one of them before it.
    ///
    /// For days it is the start of the exchange's date, so that a provider for which sessions open a
    /// little earlier than the calendar says has no running bar before it.
    pub fn horizon(&self, fetched_at: Timestamp) -> Timestamp {
        if let Some(length) = self.interval.duration() {
            return fetched_at - length - self.delay + MS;
        }
        let at = fetched_at - self.delay - self.late_correction;
        let exchange = self.place();
        let today = self.calendars.trading_date(exchange, at);
        let has_opened = |date: &Date| {
            self.calendars.session(exchange, *date).is_some_and(|session| session.open <= at)
        };
        let opened = (0..LONGEST_CLOSURE).map(|before| today.plus(-before)).find(has_opened);
        let date = opened.unwrap_or(today.plus(-LONGEST_CLOSURE));
        self.calendars.day_start(exchange, first_day(self.interval, date))
    }

    /// Whether the bar that begins at this instant had ended at another.
    pub fn has_ended(&self, begin: Timestamp, at: Timestamp) -> bool {
        self.end(begin) <= at
    }

    /// When the bar ends that begins at this instant: after its interval, or when the last of its
    /// sessions closes.
    pub fn end(&self, begin: Timestamp) -> Timestamp {
        if let Some(length) = self.interval.duration() {
            return begin + length;
        }
        let exchange = self.place();
        let date = self.calendars.trading_date(exchange, begin);
        let next = next_day(self.interval, date);
        let dates = (date.days()..next.days()).rev().map(Date::from_days);
        let last = dates.filter_map(|date| self.calendars.session(exchange, date)).next();
        // What the calendar knows nothing of ends with its dates.
        last.map_or_else(|| self.calendars.day_start(exchange, next), |session| session.close)
    }

    /// Whether a bar can begin in a span. What is only guessed of an exchange is that it is closed
    /// on weekends.
    ///
    /// Of weeks and months these are the days that they are made of.
    pub fn could_begin(&self, session: SessionKind, span: Span) -> bool {
        let Some(exchange) = self.exchange else { return true };
        let date = |at| self.calendars.trading_date(exchange, at).days();
        // Late trading may go on into the next date, and early trading begin on the one before.
        let mut dates = (date(span.start()) - 1..=date(span.end()) + 1).map(Date::from_days);
        dates.any(|date| {
            if self.calendars.is_guess(exchange, date) {
                let start = |date| self.calendars.day_start(exchange, date);
                return date.weekday() < 5 && meets(span, start(date), start(date.plus(1)));
            }
            let of_date = self.calendars.session(exchange, date);
            of_date.is_some_and(|hours| self.begins(session, span, &hours))
        })
    }

    /// Whether a bar of these hours can begin in a span.
    fn begins(&self, session: SessionKind, span: Span, hours: &Session) -> bool {
        match session {
            _ if !self.interval.is_intraday() => span.contains(hours.open),
            SessionKind::Regular => meets(span, hours.open, hours.close),
            SessionKind::Extended => meets(span, hours.open - EARLY, hours.close + LATE),
        }
    }

    /// Whose sessions count: where nobody knows, the days of UTC.
    fn place(&self) -> Exchange {
        self.exchange.unwrap_or(Exchange::ALWAYS)
    }
}

/// The first date of the bar of days, a week or a month that a date is in.
pub fn first_day(interval: Interval, date: Date) -> Date {
    match interval {
        Interval::Week1 => date.plus(-date.weekday()),
        Interval::Month1 => date.plus(1 - i64::from(date.parts().2)),
        _ => date,
    }
}

/// The first date after the bar of days, a week or a month that a date is in.
pub fn next_day(interval: Interval, date: Date) -> Date {
    match interval {
        Interval::Week1 => date.plus(7 - date.weekday()),
        // Every month is over 31 days after its first, and none has begun twice.
        Interval::Month1 => first_day(interval, first_day(interval, date).plus(31)),
        _ => date.plus(1),
    }
}

/// Whether a span has an instant in common with the time between two.
fn meets(span: Span, from: Timestamp, to: Timestamp) -> bool {
    span.start() < to && from < span.end() && from < to
}
