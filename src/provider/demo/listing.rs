//! What the embedded upstream lists in Yahoo's shape, and at what prices.
//!
//! Everything is listed since the first session of 2000, and nothing ever changes but [`SPLT`](SPLITS),
//! whose prices are of shares as they are divided when it is asked: before its split four times what
//! they are after it, as Yahoo divides all that was before.

use super::session::{Hours, Session};
use super::walk::{Walk, seconds};
use crate::calendar::Date;
use crate::provider::yahoo;
use crate::time::Timestamp;

/// When everything was first traded: the open of 2000-01-03 in New York.
pub(super) const FIRST_TRADE: i64 = 946_909_800;

/// The stock that splits and pays.
const SPLITS: &str = "SPLT";

/// The date of its split, and how many shares were made of one.
const SPLIT: ((i64, u8, u8), f64) = ((2026, 6, 15), 4.0);

/// What it pays four times a year for a share as they are after the split.
const PAYS: f64 = 0.25;

/// The months and the day of the month, from which on the first session is without the dividend.
const PAYS_IN: ([u8; 4], u8) = ([2, 5, 8, 11], 10);

const DAY: i64 = 86_400;

/// What kind of thing a symbol of Yahoo's is, as it is at the time of asking.
pub(super) struct Listing {
    walk: Walk,
    pub(super) hours: Hours,
    /// Yahoo's short name and the long one.
    pub(super) exchange: [&'static str; 2],
    pub(super) instrument: &'static str,
    pub(super) currency: String,
    /// How many times a price of the walk one share is.
    scale: f64,
    actions: Actions,
}

/// What was done to the shares before the time of asking, oldest first.
#[derive(Default)]
pub(super) struct Actions {
    /// When it was split, and into how many.
    pub(super) split: Option<(i64, f64)>,
    /// From when on a share was bought without how much.
    pub(super) paid: Vec<(i64, f64)>,
    /// By what the closes before each payment are multiplied for it and all later ones.
    adjusts: Vec<f64>,
}

impl Listing {
    pub(super) fn of(symbol: &str, now: Timestamp) -> Self {
        let mut listing = Self::plain(symbol);
        if symbol == SPLITS {
            listing.act(seconds(now));
        }
        listing
    }

    fn plain(symbol: &str) -> Self {
        let (scale, actions) = (1.0, Actions::default());
        if symbol.starts_with('^') {
            return Self {
                walk: Walk::index(symbol),
                hours: Hours::NewYork,
                exchange: ["SNP", "SNP"],
                instrument: "INDEX",
                currency: "USD".to_owned(),
                scale,
                actions,
            };
        }
        if let Some(name) = symbol.strip_suffix("=X") {
            return Self {
                walk: Walk::fx(name),
                hours: Hours::Weekdays,
                exchange: ["CCY", "CCY"],
                instrument: "CURRENCY",
                currency: name.chars().rev().take(3).collect::<Vec<_>>().iter().rev().collect(),
                scale,
                actions,
            };
        }
        match symbol.rsplit_once('-') {
            Some((coin, money)) if !coin.is_empty() && yahoo::MONEY.contains(&money) => Self {
                walk: Walk::pair(coin, money),
                hours: Hours::Always,
                exchange: ["CCC", "CCC"],
                instrument: "CRYPTOCURRENCY",
                currency: money.to_owned(),
                scale,
                actions,
            },
            _ => Self {
                walk: Walk::stock(symbol),
                hours: Hours::NewYork,
                exchange: ["NMS", "NasdaqGS"],
                instrument: "EQUITY",
                currency: "USD".to_owned(),
                scale,
                actions,
            },
        }
    }

    /// Splits and pays, as far as that was before now.
    fn act(&mut self, now: i64) {
        let opening = |year, month, day| {
            let from = Date::new(year, month, day)?.days() * DAY;
            let session = Session::between(self.hours, from, from + 15 * DAY).next()?;
            Some(session).filter(|session| session.start <= now)
        };
        let ((year, month, day), into) = SPLIT;
        self.actions.split = opening(year, month, day).map(|session| (session.start, into));
        self.scale = if self.actions.split.is_some() { 1.0 } else { into };
        let (last_year, ..) = Date::from_days(now.div_euclid(DAY)).parts();
        let days = (2000..=last_year).flat_map(|year| PAYS_IN.0.map(|month| (year, month)));
        let sessions = days.filter_map(|(year, month)| opening(year, month, PAYS_IN.1));
        let paid: Vec<Session> = sessions.collect();
        let mut adjusts: Vec<f64> = Vec::with_capacity(paid.len());
        for session in paid.iter().rev() {
            let close = self.walk.at(session.before(self.hours).end);
            adjusts.push((1.0 - PAYS / close) * adjusts.last().unwrap_or(&1.0));
        }
        adjusts.reverse();
        self.actions.adjusts = adjusts;
        let amount = PAYS * self.scale;
        self.actions.paid = paid.iter().map(|session| (session.start, amount)).collect();
    }

    /// What was done to the shares.
    pub(super) fn actions(&self) -> &Actions {
        &self.actions
    }

    /// The price at an instant, of shares as they are divided now. A quarter or four times of a float
    /// is one too, so the one of before the split is exactly four times the one of after it.
    pub(super) fn price(&self, second: i64) -> f64 {
        self.walk.at(second) * self.scale
    }

    /// A close that was made in a session which started then, less all that was paid since.
    pub(super) fn adjusted(&self, close: f64, start: i64) -> f64 {
        let next = self.actions.paid.partition_point(|(at, _)| *at <= start);
        close * self.actions.adjusts.get(next).unwrap_or(&1.0)
    }

    /// The lowest and the highest price of a session until now, as a quote has them.
    pub(super) fn range(&self, session: Session, now: Timestamp) -> (f64, f64) {
        let (low, high) = self.walk.range(session.start, seconds(now).min(session.end));
        (low * self.scale, high * self.scale)
    }

    /// The lowest and the highest price from one instant to another of a day.
    pub(super) fn bounds(&self, from: i64, to: i64) -> (f64, f64) {
        let (low, high) = self.walk.bounds(from, to);
        (low * self.scale, high * self.scale)
    }

    /// What was traded since the session's start, in whole units; of currencies nobody knows.
    pub(super) fn volume(&self, session: Session, last: i64) -> i64 {
        // In thousandths, as day and seconds together may be large.
        self.thousandths(session) * ((last - session.start) * 1000 / (session.end - session.start))
    }

    /// What was traded from one instant to another, so that the parts of a session come to its whole.
    pub(super) fn volume_between(&self, session: Session, from: i64, to: i64) -> i64 {
        let all = i128::from(self.thousandths(session)) * 1000;
        let (start, length) = (session.start, session.end - session.start);
        let until =
            |second: i64| all * i128::from((second - start).clamp(0, length)) / i128::from(length);
        i64::try_from(until(to) - until(from)).unwrap_or(0)
    }

    fn thousandths(&self, session: Session) -> i64 {
        if self.instrument == "CURRENCY" {
            return 0;
        }
        whole(self.walk.daily_volume(session.start.div_euclid(DAY)) / self.scale) / 1000
    }
}

/// A number without what is behind the point; none of these leaves the range.
fn whole(value: f64) -> i64 {
    format!("{value:.0}").parse().unwrap_or(0)
}
