//! Bars out of the rows of a reply.
//!
//! Rows may stand in either order, and only in order. Bars of days begin when the session of their date
//! opens, whatever hour upstream writes; where no calendar knows the date, with the date. What begins
//! outside of the span that was asked for is left out, and so is a row without any price.
//!
//! An endpoint whose request says no span gives the latest rows whatever is asked: what is older than
//! `max_rows` of them is never asked for, since nobody could tell it from what does not exist.

use super::fields::{BARS, BARS_FIELDS, Reading, needed, number};
use super::rows::{Cells, Wanted};
use super::verdict::{Body, Judged};
use super::{Definition, Endpoint, Template};
use crate::calendar::{Calendars, Date};
use crate::error::Error;
use crate::market::{Bar, Bars, Class, Interval, Page, Symbol};
use crate::provider::{Ask, Charts, Piece, Reach, Reply, Request, nonsense};
use crate::time::Timestamp;

impl Definition {
    /// The endpoint that gives bars, with what they are read from.
    pub(super) fn bars(&self) -> Option<(&Endpoint, &Reading)> {
        let endpoint = self.endpoint(BARS)?;
        endpoint.reading.as_ref().map(|reading| (endpoint, reading))
    }
}

impl Charts for Definition {
    fn reach(&self, symbol: &Symbol, interval: Interval) -> Option<Reach> {
        let (endpoint, reading) = self.bars()?;
        let has = reading.intervals.iter().any(|(known, _)| *known == interval);
        if !has || symbol.class() == Class::Macro || !endpoint.fits(symbol, Some(interval)) {
            return None;
        }
        let Some(rows) = reading.max_rows else { return Some(Reach::default()) };
        let reach = Reach { rows: Some(rows), ..Reach::default() };
        if endpoint.templates().any(Template::names_a_span) {
            return Some(reach);
        }
        // The running bar is one of them.
        let ended = Reach { rows: Some(rows.saturating_sub(1).max(1)), ..reach };
        Some(Reach { back: Some(ended.longest(interval)), ..Reach::default() })
    }

    fn request(&self, ask: &Ask<'_>, piece: &Piece) -> Request {
        let bars = Some((piece.interval, piece.span));
        let request =
            self.bars().and_then(|(endpoint, _)| endpoint.request(ask.symbol, ask.params, bars));
        // What is within reach has a request: the same places are filled in.
        request.unwrap_or_else(|| Request {
            endpoint: BARS.into(),
            path: "/".to_owned(),
            query: Vec::new(),
            body: None,
            weight: 1,
        })
    }

    fn read(
        &self,
        ask: &Ask<'_>,
        piece: &Piece,
        reply: &Reply,
        _now: Timestamp,
    ) -> Result<Page, Error> {
        let refused = |why: String| nonsense(ask, reply, why);
        let Some((endpoint, reading)) = self.bars() else {
            return Err(refused("nothing is said of how to read it".to_owned()));
        };
        let page = |bars| Page {
            currency: reading.currency_of(ask.symbol),
            exchange: reading.exchange.as_deref().map(str::to_owned),
            bars,
            ..Page::default()
        };
        if endpoint.verdict.of(ask, reply)? == Judged::Empty {
            return Ok(page(Bars::default()));
        }
        let body = Body::of(reply).ok_or_else(|| refused("it is no text".to_owned()))?;
        reading.bars(ask.symbol, piece, body).map(page).map_err(refused)
    }
}

impl Reading {
    /// The bars of a body that begin in the span of a piece.
    fn bars(&self, symbol: &Symbol, piece: &Piece, body: Body<'_>) -> Result<Bars, String> {
        let Some(rows) = &self.rows else { return Err("nothing is said of its rows".to_owned()) };
        let wanted = Wanted {
            places: self.places(BARS_FIELDS),
            needed: needed(BARS),
            missing: &self.missing,
        };
        let cells = rows.cells(body, &wanted)?;
        let mut all = Vec::with_capacity(cells.len());
        for row in &cells {
            all.extend(self.bar(symbol, piece.interval, row)?);
        }
        if let [first, .., last] = &all[..]
            && first.time > last.time
        {
            all.reverse();
        }
        if !all.is_sorted_by(|a, b| a.time < b.time) {
            return Err("its times do not ascend".to_owned());
        }
        let mut bars = Bars::default();
        for bar in all {
            if piece.span.contains(Timestamp::from_ms(bar.time)) {
                bars.push(bar);
            }
        }
        Ok(bars)
    }

    /// The bar of a row; none if it has no price.
    fn bar(
        &self,
        symbol: &Symbol,
        interval: Interval,
        cells: &Cells<'_, { BARS_FIELDS.len() }>,
    ) -> Result<Option<Bar>, String> {
        let amount = |at: usize| match cells[at].as_deref() {
            Some(text) => number(BARS_FIELDS[at], text).map(|number| number.as_f64()),
            None => Ok(f64::NAN),
        };
        let [close, open, high, low, volume, adjusted] =
            [amount(1)?, amount(2)?, amount(3)?, amount(4)?, amount(5)?, amount(6)?];
        if [close, open, high, low, adjusted].iter().all(|price| price.is_nan()) {
            return Ok(None);
        }
        let Some(text) = cells[0].as_deref() else {
            return Err("one of its rows has no time".to_owned());
        };
        let moment = self.moment("time", text)?;
        let (time, day) = if interval.is_intraday() {
            (moment.at, None)
        } else {
            let day = i32::try_from(moment.day).map_err(|_| "one of its times is none")?;
            (self.opening(symbol, Date::from_days(moment.day)), Some(day))
        };
        Ok(Some(Bar { time: time.as_ms(), day, open, high, low, close, volume, adjusted }))
    }

    /// When the session of a date opens.
    fn opening(&self, symbol: &Symbol, date: Date) -> Timestamp {
        let (exchange, calendars) = (self.exchange_of(symbol), Calendars::default());
        let session = calendars.session(exchange, date);
        session.map_or_else(|| calendars.day_start(exchange, date), |session| session.open)
    }
}
