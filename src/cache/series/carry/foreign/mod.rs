//! Files that others have written: rows of prices, and what must be said of them by whoever owns them.
//!
//! | what | where |
//! |---|---|
//! | csv, of whoever wrote it, and Binance's bulk files | [`table`] |
//! | Parquet, where it is built in | [`parquet`] |
//! | what the columns of either are called, and what a row of them comes to | `columns.rs` |
//! | a zip around either | [`archive`] |
//! | a database of requests-cache | [`requests`] |
//!
//! A row says no more than it says: what stands between the first and the last of them is taken to be
//! whole only as far as no session of the exchange is without one. All of it is hostile until it has
//! passed [`validate`](crate::validate), when it takes its place in a series.

pub mod archive;
mod columns;
pub mod parquet;
pub mod requests;
pub mod table;

use std::time::Duration;

use crate::cache::Cache;
use crate::calendar::{Calendars, Date, Exchange};
use crate::error::{Error, Kind};
use crate::key::Key;
use crate::market::{
    Actions, Bar, Bars, Class, Dividend, Events, Interval, Run, SessionKind, Split, Symbol,
};
use crate::policy::{Coverage, Covered, Edge, Finality, Known};
use crate::span::Span;
use crate::tier::series::parcel::{Content, MOST_BARS, Section};
use crate::tier::series::{Head, Stretch};
use crate::time::Timestamp;

/// The most bytes of one file that are read, unpacked.
pub const MOST_BYTES: u64 = 256 * 1024 * 1024;

/// What prices in a file are adjusted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adjusted {
    /// Nothing: what was paid on the day.
    None,
    /// The splits up to when the file was made.
    Splits,
}

/// What is said of a file.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Of what its bars are.
    pub symbol: Symbol,
    /// Who would be asked for them.
    pub provider: Box<str>,
    /// How long they are.
    pub interval: Interval,
    /// Of which hours.
    pub session: SessionKind,
    /// When it was made; now, if that makes no difference.
    pub basis: Option<Edge>,
    /// By what its prices are adjusted; splits, unless the file says otherwise.
    pub adjusted: Option<Adjusted>,
}

/// When a bar begins, as a file says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum When {
    /// On a date of the exchange.
    Day(Date),
    /// At an instant, in milliseconds UTC.
    At(i64),
}

/// A row of prices; what is not said is NaN.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// When.
    pub when: When,
    /// The first price, the highest, the lowest and the last.
    pub prices: [f64; 4],
    /// What was traded.
    pub volume: f64,
    /// The close as it is adjusted.
    pub adjusted: f64,
    /// What was paid out on the day.
    pub dividend: f64,
    /// Into how many shares one was split on the day.
    pub split: f64,
}

/// What stands in a file.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The rows, in any order.
    pub rows: Vec<Row>,
    /// By what the file says that they are adjusted, if it does.
    pub adjusted: Option<Adjusted>,
    /// Whether it says what was split and paid out.
    pub has_events: bool,
    /// How many rows it has that are not final, or have no price.
    pub left_out: usize,
}

/// A series out of a file that another has written.
#[derive(Clone, Debug)]
pub struct Built {
    /// The series.
    pub section: Section,
    /// What should be known of it.
    pub notes: Vec<String>,
}

/// A file that makes no sense, and why.
pub(super) fn senseless(why: impl Into<String>) -> Error {
    Error::new(Kind::InvalidData, why)
}

impl Cache {
    /// Makes a series of the rows of a file.
    pub fn series_of(&self, of: &Declared, rows: &Rows) -> Result<Built, Error> {
        let key = Key::of_bars(&of.symbol, of.interval, of.session);
        let known = self.known_of(&key, &of.provider);
        let finality = self.rules.finality(&key, &of.provider, &known, (of.interval, of.session));
        let place = Place { of, finality, now: self.clock.now() };
        place.built(key, rows)
    }

    /// What is known of a series that is held.
    fn known_of(&self, key: &Key, provider: &str) -> Known {
        let shelf = self.read_disk(key);
        let mut shelf = shelf.iter().flat_map(|shelf| shelf.iter());
        let held = shelf.find(|stored| &*stored.entry.provider == provider);
        held.map(|held| held.known.clone()).unwrap_or_default()
    }
}

/// Where and when the rows of a file belong.
struct Place<'a> {
    of: &'a Declared,
    finality: Finality<'a>,
    now: Timestamp,
}

impl Place<'_> {
    fn calendars(&self) -> &Calendars {
        self.finality.calendars
    }

    fn exchange(&self) -> Exchange {
        self.finality.exchange.unwrap_or(Exchange::ALWAYS)
    }

    fn built(&self, key: Key, rows: &Rows) -> Result<Built, Error> {
        let adjusted = self.adjusted(rows.adjusted)?;
        let (made_at, basis) = self.made()?;
        let mut notes = Vec::new();
        if rows.left_out > 0 {
            notes.push(format!("{} rows without a final price were left out", rows.left_out));
        }
        let bars = self.bars(rows)?;
        let first = bars.times.first().copied().ok_or_else(|| senseless("it has no bar"))?;
        let is_divided = self.of.symbol.class() == Class::Stock && !self.of.interval.is_intraday();
        let is_silent = is_divided && !rows.has_events;
        if is_silent {
            notes.push("it says nothing of splits and dividends: they are asked for, with the bars, when they are wanted".to_owned());
        }
        let (coverage, gaps) = self.coverage(&bars, made_at);
        let spans = coverage.rows().iter().map(|row| Covered { is_silent, ..*row });
        let coverage = Coverage::from_rows(spans);
        if gaps > 0 {
            let places = if gaps == 1 { "place" } else { "places" };
            notes.push(format!(
                "it lacks sessions in {gaps} {places}: they are asked for when they are wanted"
            ));
        }
        // Of prices as they were paid every split is still to come.
        let basis_ms = if adjusted == Adjusted::None { first } else { basis.as_ms() };
        let actions = self.actions(rows, &bars, basis_ms);
        let runs = [Run { bars: bars.len(), basis_ms }];
        let mut bars = Stretch::new(bars, &runs);
        if adjusted == Adjusted::None {
            // Adjusted closes are of another basis than the prices beside them.
            bars.bars.adjusted.fill(f64::NAN);
        }
        // Which splits are in prices as they were paid is known: none since the first of them.
        let actions_at =
            (adjusted == Adjusted::None).then(|| Timestamp::from_ms(first.saturating_add(1)));
        let head = Head { coverage, actions, actions_at, ..Head::default() };
        let section = Section {
            key,
            provider: self.of.provider.clone(),
            fetched_at: made_at,
            content: Content::Bars { head: Box::new(head), bars: Box::new(bars) },
        };
        Ok(Built { section, notes })
    }

    fn adjusted(&self, by_file: Option<Adjusted>) -> Result<Adjusted, Error> {
        match (self.of.adjusted, by_file) {
            (Some(said), Some(file)) if said != file => {
                Err(senseless("its column `adjust` says otherwise than --adjusted"))
            }
            (said, file) => Ok(said.or(file).unwrap_or(Adjusted::Splits)),
        }
    }

    /// Since when all of the file is known, and up to when splits are in its prices: of a date the
    /// start and the end, whatever hour it was.
    fn made(&self) -> Result<(Timestamp, Timestamp), Error> {
        let start = |date| self.calendars().day_start(self.exchange(), date);
        let (made_at, basis) = match self.of.basis {
            Some(Edge::Day(date)) => (start(date), start(date.plus(1)).min(self.now)),
            Some(Edge::Instant(at)) => (at, at),
            None => (self.now, self.now),
        };
        if made_at > self.now {
            return Err(senseless("--basis is in the future").hint(format!("it is {}", self.now)));
        }
        Ok((made_at, basis))
    }

    /// The bars of rows, in order, each once.
    fn bars(&self, rows: &Rows) -> Result<Bars, Error> {
        if rows.rows.len() > MOST_BARS {
            return Err(senseless(format!("it has more than {MOST_BARS} bars")));
        }
        let mut all: Vec<Bar> =
            rows.rows.iter().map(|row| self.bar(row)).collect::<Result<_, _>>()?;
        all.sort_by_key(|bar| bar.time);
        all.dedup_by(|next, bar| next == bar);
        if let Some(pair) = all.windows(2).find(|pair| pair[0].time == pair[1].time) {
            let at = Timestamp::from_ms(pair[0].time);
            return Err(senseless(format!("the bar of {at} is there twice, with two prices")));
        }
        self.check_steps(&all)?;
        let mut bars = Bars::default();
        for bar in all {
            bars.push(bar);
        }
        Ok(bars)
    }

    fn bar(&self, row: &Row) -> Result<Bar, Error> {
        let (time, day) = if self.of.interval.is_intraday() {
            match row.when {
                When::At(ms) => (ms, None),
                When::Day(date) => {
                    let why =
                        format!("`{date}` is a date, and bars of minutes and hours have a time");
                    return Err(senseless(why).hint("say --interval 1d if they are days"));
                }
            }
        } else {
            let date = match row.when {
                When::Day(date) => date,
                When::At(ms) => {
                    self.calendars().trading_date(self.exchange(), Timestamp::from_ms(ms))
                }
            };
            let session = self.calendars().session(self.exchange(), date);
            let start = || self.calendars().day_start(self.exchange(), date);
            let time = session.map_or_else(start, |session| session.open).as_ms();
            let day = i32::try_from(date.days()).map_err(|_| senseless("a date is none"))?;
            (time, Some(day))
        };
        let [open, high, low, close] = row.prices;
        Ok(Bar { time, day, open, high, low, close, volume: row.volume, adjusted: row.adjusted })
    }

    /// Refuses bars that are longer or shorter than they are said to be.
    fn check_steps(&self, bars: &[Bar]) -> Result<(), Error> {
        let Some(length) = self.of.interval.duration() else { return Ok(()) };
        let shortest = bars.windows(2).map(|pair| pair[1].time.abs_diff(pair[0].time)).min();
        let Some(shortest) = shortest.filter(|ms| Duration::from_millis(*ms) != length) else {
            return Ok(());
        };
        let (said, is) = (self.of.interval.as_str(), Duration::from_millis(shortest));
        let is = crate::units::duration_for_people(is);
        Err(senseless(format!("its bars are {is} apart, and {said} was said"))
            .hint("say how long they are with --interval"))
    }

    /// What is known by bars that follow upon each other, and how often they do not.
    fn coverage(&self, bars: &Bars, made_at: Timestamp) -> (Coverage, usize) {
        let mut rows: Vec<Covered> = Vec::new();
        for at in 0..bars.len() {
            let Some(span) = self.span_of(&bars.bar(at)) else { continue };
            match rows.last_mut() {
                Some(row) if !self.is_between(row.span, span) => {
                    row.span = Span::new(row.span.start(), span.end()).unwrap_or(row.span);
                }
                _ => rows.push(Covered {
                    span,
                    is_empty: false,
                    fetched_at: made_at,
                    is_imported: true,
                    is_silent: false,
                }),
            }
        }
        let gaps = rows.len().saturating_sub(1);
        (Coverage::from_rows(rows), gaps)
    }

    /// What is known by one bar: of a day its whole date.
    fn span_of(&self, bar: &Bar) -> Option<Span> {
        let start = |day| self.calendars().day_start(self.exchange(), day);
        let begin = Timestamp::from_ms(bar.time);
        match (self.of.interval.duration(), bar.day) {
            (Some(length), _) => Span::new(begin, begin + length),
            (None, Some(day)) => {
                let date = Date::from_days(day.into());
                // A bar is in its span, whatever a calendar makes of its date.
                Span::new(start(date).min(begin), start(date.plus(1)))
            }
            (None, None) => None,
        }
    }

    /// Whether something is missing between two spans: any bar, where trading never ends; else a
    /// session. Within a session nobody may have traded for a while.
    fn is_between(&self, before: Span, after: Span) -> bool {
        let Some(gap) = Span::new(before.end(), after.start()) else { return false };
        if self.exchange() == Exchange::ALWAYS || !self.of.interval.is_intraday() {
            return self.finality.could_begin(gap);
        }
        let date = |at| self.calendars().trading_date(self.exchange(), at);
        let (from, to) = (date(before.start()).plus(1), date(after.start()));
        let start = |date| self.calendars().day_start(self.exchange(), date);
        let between = Span::new(start(from), start(to));
        between.is_some_and(|between| self.finality.could_begin(between))
    }

    /// What a file says of splits and dividends.
    fn actions(&self, rows: &Rows, bars: &Bars, fetched_ms: i64) -> Actions {
        let mut events = Events::default();
        for row in &rows.rows {
            let Ok(Bar { time: at_ms, day: Some(day), .. }) = self.bar(row) else { continue };
            if row.dividend > 0.0 {
                let amount = row.dividend;
                events.dividends.push(Dividend { at_ms, day, amount, is_capital_gain: false });
            }
            if row.split > 0.0 && (row.split - 1.0).abs() > f64::EPSILON {
                let (numerator, denominator) = (row.split, 1.0);
                events.splits.push(Split { at_ms, day, numerator, denominator });
            }
        }
        let close = |ms: i64| {
            bars.times.partition_point(|time| *time < ms).checked_sub(1).map(|at| bars.close[at])
        };
        let mut actions = Actions::default();
        actions.learn(&events, 0..0, fetched_ms, &close);
        actions
    }
}
