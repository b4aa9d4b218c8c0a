//! When exchanges are open: sessions, half days, breaks, holidays, clocks.
//!
//! Pure: it reads no clock and no file, and it knows nothing of symbols beyond their suffixes. What
//! is shipped are tables of the program (`data/README.md` says of what); days that a user states
//! override them. Whether something is fresh is the policy's business.
//!
//! # Shape
//!
//! A day of an exchange is found in this order: the user's own days, the days of its table that
//! differ from its weekly hours, its weekly hours. Outside of the table's dates the weekly hours go
//! on, without the holidays that fall on the same date every year: a guess, and said to be one.
//!
//! # Cost
//!
//! A [`phase`](Calendars::phase) is asked on every hit. It searches two short lists and walks over
//! the closed days around the instant; it allocates nothing and knows no time zone by name.

mod date;
mod exchange;
mod offset;
mod overrides;
mod table;
#[cfg(test)]
mod tests;

pub use date::Date;
pub use exchange::{Exchange, SUFFIXES};
pub use overrides::Override;

use crate::time::Timestamp;
use offset::Steady;
use table::{Hours, Near, TABLES, Table, VERSION};

/// The most closed days in a row that are walked over: who closes an exchange for longer than ten
/// years is told that it never opens.
const LONGEST_CLOSURE: i64 = 3660;

/// One trading day of an exchange.
///
/// Invariant: `open < close`, and the rest lies between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// The exchange's date.
    pub date: Date,
    /// The first instant at which it is open.
    pub open: Timestamp,
    /// The first instant at which it is not any more.
    pub close: Timestamp,
    /// The break, in which it is closed.
    pub rest: Option<(Timestamp, Timestamp)>,
}

/// The stretch of time around an instant in which an exchange is open, or in which it is closed.
///
/// Invariant: `since <= at < until` for the instant that it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Whether it is open; it is not in a break.
    pub is_open: bool,
    /// When the stretch began: the last open, close, or end or start of a break.
    pub since: Timestamp,
    /// When it ends; never for what does not close.
    pub until: Timestamp,
    /// Whether the table knows less than this stretch, so that it is guessed.
    pub is_guess: bool,
}

impl Phase {
    /// Closed for all that is known.
    const UNKNOWN: Self = Self {
        is_open: false,
        since: Timestamp::from_ms(i64::MIN),
        until: Timestamp::NEVER,
        is_guess: true,
    };
}

/// The calendars of all exchanges, with what a user states about days, suffixes and symbols; by
/// default what is shipped.
#[derive(Clone, Debug, Default)]
pub struct Calendars {
    /// In the order of exchanges and dates, one of each.
    overrides: Vec<Override>,
    /// Whose suffix is whose; none for what is shipped.
    suffixes: Option<Vec<(Box<str>, Exchange)>>,
    /// The symbols whose exchange is said.
    symbols: Vec<(Box<str>, Exchange)>,
}

/// What the shipped calendars were made from.
pub fn version() -> &'static str {
    VERSION
}

/// The first and the last date that is known of an exchange, and not guessed; none for what never
/// closes.
pub fn known(exchange: Exchange) -> Option<(Date, Date)> {
    table_of(exchange).map(|table| (Date::from_days(table.first), Date::from_days(table.last)))
}

/// The name of an exchange with the dates between which its sessions are known, for people.
pub fn extent(exchange: Exchange) -> String {
    match known(exchange) {
        Some((first, last)) => format!("{exchange} ({first} to {last})"),
        None => exchange.to_string(),
    }
}

/// The table of an exchange; of the week of currencies, the one whose clock it goes by.
fn table_of(exchange: Exchange) -> Option<&'static Table> {
    let place = if exchange == Exchange::FX { Exchange::XNYS } else { exchange };
    TABLES.get(usize::from(place.0))
}

impl Calendars {
    /// The shipped calendars with days that a user states; of one stated twice, the later holds.
    #[must_use]
    pub fn with_days(mut self, days: Vec<Override>) -> Self {
        self.overrides = days;
        // A stable order, so the last of several is the one stated last.
        self.overrides.sort_by_key(|stated| (stated.exchange, stated.date));
        self.overrides.reverse();
        self.overrides.dedup_by_key(|stated| (stated.exchange, stated.date));
        self.overrides.reverse();
        self
    }

    /// The same with these suffixes instead of the shipped ones.
    #[must_use]
    pub fn with_suffixes(mut self, suffixes: Vec<(Box<str>, Exchange)>) -> Self {
        self.suffixes = Some(suffixes);
        self
    }

    /// The same with symbols whose exchange is said.
    #[must_use]
    pub fn with_symbols(mut self, symbols: Vec<(Box<str>, Exchange)>) -> Self {
        self.symbols = symbols;
        self
    }

    /// Whether an exchange is open at an instant, since when, and until when.
    pub fn phase(&self, exchange: Exchange, at: Timestamp) -> Phase {
        let Some(table) = table_of(exchange) else {
            return Phase { is_open: true, is_guess: false, ..Phase::UNKNOWN };
        };
        let seconds = at.as_ms().div_euclid(1000);
        let clock = table.offsets.around(seconds);
        let day = (seconds + clock.seconds).div_euclid(86_400);
        // So far away that a walk could leave the years that dates have.
        if !(Date::MIN.days() + 2..=Date::MAX.days() - 2).contains(&day) {
            return Phase::UNKNOWN;
        }
        match exchange {
            Exchange::FX => week(table, at, clock, day),
            _ => self.stretch(exchange, table, at, clock, day),
        }
    }

    /// The session of a date; none if the exchange is closed on it.
    pub fn session(&self, exchange: Exchange, date: Date) -> Option<Session> {
        let day = date.days();
        let session = |open, close, rest| Session { date, open, close, rest };
        let Some(table) = table_of(exchange) else {
            let midnight = |day: i64| Timestamp::from_seconds(day * 86_400);
            return Some(session(midnight(day), midnight(day + 1), None));
        };
        let clock = table.offsets.around(day * 86_400 + 43_200);
        if exchange == Exchange::FX {
            // A day of currencies begins in the evening before.
            let evening = |day| instant(table, day, FX_EVENING, clock);
            return (date.weekday() < 5).then(|| session(evening(day - 1), evening(day), None));
        }
        let hours = self.hours(exchange, &mut table.near(day), day)?;
        let at = |minute| instant(table, day, minute, clock);
        let rest = hours.rest.map(|(from, to)| (at(from), at(to)));
        Some(session(at(hours.open), at(hours.close), rest))
    }

    /// The sessions from a date to another, both included.
    pub fn sessions(
        &self,
        exchange: Exchange,
        from: Date,
        to: Date,
    ) -> impl Iterator<Item = Session> {
        let days = from.days()..=to.days();
        days.filter_map(move |day| self.session(exchange, Date::from_days(day)))
    }

    /// The date that an exchange has at an instant.
    pub fn local_date(&self, exchange: Exchange, at: Timestamp) -> Date {
        let seconds = at.as_ms().div_euclid(1000);
        let utc = seconds.div_euclid(86_400);
        let day = |table: &Table| (seconds + table.offsets.at(seconds)).div_euclid(86_400);
        Date::from_days(table_of(exchange).map_or(utc, day))
    }

    /// The first instant of a date: its midnight there, or where a clock put forward skips that, the
    /// end of the gap; the days of currencies begin in the evening before.
    ///
    /// A session lies between the start of its date and that of the next.
    pub fn day_start(&self, exchange: Exchange, date: Date) -> Timestamp {
        let day = date.days();
        let Some(table) = table_of(exchange) else { return Timestamp::from_seconds(day * 86_400) };
        if exchange == Exchange::FX {
            let clock = table.offsets.around(day * 86_400 + 43_200);
            return instant(table, day - 1, FX_EVENING, clock);
        }
        // The clocks may change between midnight and noon: then those before the change count.
        let local = day * 86_400;
        let noon = table.offsets.at(local + 43_200);
        let midnight = table.offsets.at(local - noon);
        Timestamp::from_seconds(local - midnight)
    }

    /// The date whose [start](Self::day_start) is the last one before an instant, or at it: of
    /// currencies, from the evening on, the next one.
    pub fn trading_date(&self, exchange: Exchange, at: Timestamp) -> Date {
        let date = self.local_date(exchange, at);
        let next = date.plus(1);
        let is_evening = exchange == Exchange::FX && self.day_start(exchange, next) <= at;
        if is_evening { next } else { date }
    }

    /// Whether a session is shorter than the weekly hours of its day: a half day.
    pub fn is_short(&self, exchange: Exchange, session: &Session) -> bool {
        let table = exchange.table();
        table.and_then(|table| table.regular(session.date.days())).is_some_and(|hours| {
            let regular = u64::from(hours.close - hours.open) * 60;
            session.close.since(session.open).as_secs() < regular
        })
    }

    /// Whether what is said of a date is a guess: nobody knows it, and no user has stated it.
    pub fn is_guess(&self, exchange: Exchange, date: Date) -> bool {
        table_of(exchange).is_some_and(|table| !self.knows(exchange, table, date.days()))
    }

    /// How many seconds an exchange's clock is ahead of UTC at an instant.
    pub fn utc_offset_seconds(&self, exchange: Exchange, at: Timestamp) -> i64 {
        table_of(exchange).map_or(0, |table| table.offsets.at(at.as_ms().div_euclid(1000)))
    }

    /// The exchange of a symbol's suffix: `L` of `VOD.L` is London.
    pub fn of_suffix(&self, suffix: &str) -> Option<Exchange> {
        match &self.suffixes {
            None => Exchange::of_suffix(suffix),
            Some(suffixes) => said_of(suffixes, suffix),
        }
    }

    /// The exchange that is said of a symbol by its name.
    pub fn of_symbol(&self, name: &str) -> Option<Exchange> {
        said_of(&self.symbols, name)
    }

    fn hours(&self, exchange: Exchange, table: &mut Near<'_>, day: i64) -> Option<Hours> {
        match self.overridden(exchange, day) {
            Some(stated) => stated.hours,
            None => table.hours(day),
        }
    }

    fn overridden(&self, exchange: Exchange, day: i64) -> Option<&Override> {
        let key = |stated: &Override| (stated.exchange, stated.date.days());
        let at = self.overrides.binary_search_by_key(&(exchange, day), key).ok()?;
        Some(&self.overrides[at])
    }

    /// The phase of an exchange that has sessions, on a day of its own.
    fn stretch(
        &self,
        exchange: Exchange,
        table: &Table,
        at: Timestamp,
        clock: Steady,
        day: i64,
    ) -> Phase {
        let mut near = table.near(day);
        let hours = self.hours(exchange, &mut near, day);
        let on = |minute| instant(table, day, minute, clock);
        if let Some(Hours { open, close, rest }) = hours
            && on(open) <= at
            && at < on(close)
        {
            let (is_open, since, until) = match rest {
                None => (true, open, close),
                Some((from, _)) if at < on(from) => (true, open, from),
                Some((from, to)) if at < on(to) => (false, from, to),
                Some((_, to)) => (true, to, close),
            };
            let is_guess = !self.knows(exchange, table, day);
            return Phase { is_open, since: on(since), until: on(until), is_guess };
        }
        // Closed, from the last session to the next; that of today is over, or is the next.
        let is_over = hours.is_some_and(|hours| on(hours.close) <= at);
        let (before, after) = if is_over { (day, day + 1) } else { (day - 1, day) };
        let mut found = |day| Some((day, self.hours(exchange, &mut near, day)?));
        let last = (before - LONGEST_CLOSURE..=before).rev().find_map(&mut found);
        let next = (after..=after + LONGEST_CLOSURE).find_map(&mut found);
        let (Some((last, before)), Some((next, after))) = (last, next) else {
            return Phase::UNKNOWN;
        };
        Phase {
            is_open: false,
            since: instant(table, last, before.close, clock),
            until: instant(table, next, after.open, clock),
            is_guess: !self.knows(exchange, table, last) || !self.knows(exchange, table, next),
        }
    }

    /// Whether somebody has said what this day is.
    fn knows(&self, exchange: Exchange, table: &Table, day: i64) -> bool {
        table.knows(day) || self.overridden(exchange, day).is_some()
    }
}

/// What a list says of a name, in upper or lower case.
fn said_of(list: &[(Box<str>, Exchange)], name: &str) -> Option<Exchange> {
    list.iter().find(|(said, _)| said.eq_ignore_ascii_case(name)).map(|(_, exchange)| *exchange)
}

/// The instant of so many minutes after midnight, on a day of a place.
fn instant(table: &Table, day: i64, minute: u16, near: Steady) -> Timestamp {
    let local = day * 86_400 + i64::from(minute) * 60;
    Timestamp::from_seconds(local - table.offsets.on(day, near))
}

/// 17:00, at which the days of currencies begin and end.
const FX_EVENING: u16 = 17 * 60;

/// The phase of the week of currencies.
fn week(table: &Table, at: Timestamp, clock: Steady, day: i64) -> Phase {
    let monday = day - Date::from_days(day).weekday();
    let evening = |of_the_week| instant(table, monday + of_the_week, FX_EVENING, clock);
    let (friday, sunday) = (evening(4), evening(6));
    let (is_open, began, until) = if at < friday {
        (true, -1, friday)
    } else if at < sunday {
        (false, 4, sunday)
    } else {
        (true, 6, evening(11))
    };
    // All of a stretch is known if its beginning is.
    let is_guess = !table.knows(monday + began);
    Phase { is_open, since: evening(began), until, is_guess }
}
