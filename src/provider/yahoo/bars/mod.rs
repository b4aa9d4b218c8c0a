//! Yahoo's bars: the same endpoint with a span instead of a range.
//!
//! Yahoo makes a running bar's time the second of the last trade, and may send the bar twice then;
//! here every bar begins where its interval or its session does, so that it keeps its time when it
//! has ended. It never takes a coarser granularity for the one that was asked for (Yahoo answers so
//! without an error), a null for a zero, or a day's date from the distance of today's clocks.
//! Weeks and months are not asked for: what Yahoo says of events is plainly wrong there.

#[cfg(test)]
mod tests;

use std::time::Duration;

use super::place::Place;
use super::wire::{Column, Columns, Course, CourseMeta, Happened, Paid, Phase, Prices};
use super::{
    DELISTED, Failure, Said, Yahoo, delisted, encoded, failed, is_same, nonsense, said, spelling,
};
use crate::error::{Error, Kind};
use crate::market::{
    Bar, Bars, DataType, Dividend, Events, Interval, Page, SessionKind, Split, Symbol,
};
use crate::provider::{Ask, Charts, Piece, Provider, Reach, Reply, Request, shown};
use crate::span::Span;
use crate::time::Timestamp;

/// The name of the endpoint that gives bars.
const ENDPOINT: &str = "bars";

/// What Yahoo is asked to send along.
const EVENTS: &str = "div|split|capitalGain";

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The seconds from 0001-01-02 to 9999-12-30, on whose either side there is a date everywhere.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_510_400..=253_402_127_999;

/// By how much less than Yahoo's own look-back is asked for: Yahoo counts from when it answers, and
/// a request may wait for its turn.
const WAIT: Duration = Duration::from_hours(1);

/// Gives bars as Yahoo Finance does.
#[derive(Clone, Copy, Debug)]
pub(in crate::provider) struct YahooCharts;

impl Charts for YahooCharts {
    fn reach(&self, symbol: &Symbol, interval: Interval) -> Option<Reach> {
        reach(interval).filter(|_| Yahoo.has(symbol, DataType::Quote))
    }

    fn request(&self, ask: &Ask<'_>, piece: &Piece) -> Request {
        let Piece { interval, span, session } = piece;
        // What begins at `period2` is given too, and left out when it is read.
        let (from, to) = (seconds(span.start()), seconds_up(span.end()));
        let mut query = vec![
            ("period1", from.to_string()),
            ("period2", to.to_string()),
            ("interval", interval.as_str().to_owned()),
            ("events", EVENTS.to_owned()),
        ];
        if *session == SessionKind::Extended {
            query.push(("includePrePost", true.to_string()));
        }
        let path = format!("/v8/finance/chart/{}", encoded(&spelling(ask.symbol)));
        Request::get(ENDPOINT, path, query, 1)
    }

    fn read(
        &self,
        ask: &Ask<'_>,
        piece: &Piece,
        reply: &Reply,
        _now: Timestamp,
    ) -> Result<Page, Error> {
        match said::<Course>(ask, reply)? {
            Said::Result(course) => page(ask, piece, reply, course),
            Said::Failure(failure) if is_empty(&failure) => Ok(Page::default()),
            Said::Failure(failure) => {
                Err(out_of_reach(ask, piece, &failure)
                    .unwrap_or_else(|| failed(ask, reply, &failure)))
            }
        }
    }
}

/// How many bars of an interval Yahoo gives of whatever it has.
pub(in crate::provider) fn reach(interval: Interval) -> Option<Reach> {
    let days = |days: u64| Duration::from_secs(days * 86_400);
    let back = |back: Duration| Reach { back: Some(back.saturating_sub(WAIT)), ..Reach::default() };
    match interval {
        Interval::Minute1 => Some(Reach { per_call: Some(days(7)), ..back(days(30)) }),
        Interval::Minute2 | Interval::Minute5 | Interval::Minute15 | Interval::Minute30 => {
            Some(back(days(60)))
        }
        Interval::Hour1 => Some(back(days(730))),
        Interval::Day1 => Some(Reach::default()),
        Interval::Minute3
        | Interval::Hour2
        | Interval::Hour4
        | Interval::Hour6
        | Interval::Hour8
        | Interval::Hour12
        | Interval::Week1
        | Interval::Month1 => None,
    }
}

fn seconds(at: Timestamp) -> i64 {
    at.as_ms().div_euclid(1000)
}

/// The same, and of a part of a second the end.
fn seconds_up(at: Timestamp) -> i64 {
    seconds(at) + i64::from(at.as_ms().rem_euclid(1000) > 0)
}

/// Whether Yahoo says in so many words that it has no bar in the span.
fn is_empty(failure: &Failure) -> bool {
    let said = failure.description.as_deref().unwrap_or_default();
    said.contains("Data doesn't exist for startDate") || said.contains("Timestamp data missing")
}

/// The error for a span that is too long, or too long ago, for the interval.
fn out_of_reach(ask: &Ask<'_>, piece: &Piece, failure: &Failure) -> Option<Error> {
    let said = failure.description.as_deref()?;
    let is_reach = said.contains("must be within the last") || said.contains("days worth of");
    let Ask { symbol, provider, .. } = ask;
    let (interval, said) = (piece.interval.as_str(), shown(said));
    is_reach.then(|| {
        Error::new(
            Kind::Unsupported,
            format!("{provider} does not give so many bars of {interval} for `{symbol}` ({said})"),
        )
        .hint("ask for a later start or a longer interval; --provider asks another provider")
    })
}

fn page(ask: &Ask<'_>, piece: &Piece, reply: &Reply, course: Course) -> Result<Page, Error> {
    let asked = spelling(ask.symbol);
    let Course { meta, timestamp, events, indicators } = course;
    if let Some(answered) = meta.symbol.as_deref().filter(|name| !is_same(&asked, name)) {
        let why = format!("it is of `{answered}` and not of `{asked}`");
        return Err(nonsense(ask, reply, why));
    }
    let times = timestamp.unwrap_or_default();
    // Of what else could be left out of nonsense, an answer without bars has this.
    if times.is_empty() && meta.symbol.is_none() {
        return Err(nonsense(ask, reply, "it has no bars, and does not say of what"));
    }
    if times.is_empty() && meta.exchange_name.as_deref() == Some(DELISTED) {
        return Err(delisted(ask));
    }
    let granularity = meta.data_granularity.as_deref().unwrap_or(piece.interval.as_str());
    if Interval::parse(granularity).ok() != Some(piece.interval) {
        let why =
            format!("its bars are of `{granularity}` and not of `{}`", piece.interval.as_str());
        return Err(nonsense(ask, reply, why));
    }
    let place = Place::of(ask.symbol, &meta);
    let rows = rows(&times, indicators).map_err(|why| nonsense(ask, reply, why))?;
    let bars = match piece.interval.duration() {
        Some(length) => {
            let length = i64::try_from(length.as_secs()).unwrap_or(DAY);
            Stretch { meta: &meta, place: &place, session: piece.session, length }.intraday(rows)
        }
        None => days(&meta, &place, rows),
    };
    let bars = bars.map_err(|why| nonsense(ask, reply, why))?;
    let events = happened(events, &place, piece.span).map_err(|why| nonsense(ask, reply, why))?;
    Ok(Page {
        currency: meta.currency,
        exchange: meta.exchange_name,
        first_trade_ms: meta.first_trade_date.filter(|at| TIMES.contains(at)).map(|at| at * 1000),
        bars: within(bars, piece.span),
        events,
    })
}

/// The bars that begin in a span.
fn within(bars: Vec<Bar>, span: Span) -> Bars {
    let mut kept = Bars::default();
    for bar in bars.into_iter().filter(|bar| span.contains(Timestamp::from_ms(bar.time))) {
        kept.push(bar);
    }
    kept
}

/// What Yahoo sent, row by row and with its own times, in seconds; without the rows of halts and gaps,
/// in which everything is null.
fn rows(times: &[Option<i64>], columns: Option<Columns>) -> Result<Vec<(i64, Bar)>, &'static str> {
    let (quote, adjusted) = columns.map_or((None, None), |all| (all.quote, all.adjclose));
    let prices = quote.and_then(|all| all.into_iter().next().flatten());
    let Prices { open, high, low, close, volume } = prices.unwrap_or_default();
    let adjusted = adjusted.and_then(|all| all.into_iter().next().flatten());
    if close.is_none() && !times.is_empty() {
        return Err("it has times and no closes");
    }
    let columns = [open, high, low, close, volume, adjusted.and_then(|all| all.adjclose)];
    if columns.iter().flatten().any(|column| column.len() != times.len()) {
        return Err("its columns differ in length");
    }
    let [open, high, low, close, volume, adjusted] = columns;
    let cell = |column: &Option<Column>, at: usize| {
        column.as_ref().and_then(|column| column[at]).unwrap_or(f64::NAN)
    };
    let mut rows: Vec<(i64, Bar)> = Vec::with_capacity(times.len());
    for (at, time) in times.iter().enumerate() {
        let time = time.filter(|time| TIMES.contains(time)).ok_or("one of its times is none")?;
        let bar = Bar {
            time: time * 1000,
            day: None,
            open: cell(&open, at),
            high: cell(&high, at),
            low: cell(&low, at),
            close: cell(&close, at),
            volume: cell(&volume, at),
            adjusted: cell(&adjusted, at),
        };
        if !bar.close.is_nan() {
            rows.push((time, bar));
        }
    }
    // The running bar may stand behind itself; nothing else may be there twice.
    let settled = &rows[..rows.len().saturating_sub(1)];
    let ascends = settled.is_sorted_by(|a, b| a.0 < b.0) && rows.is_sorted_by(|a, b| a.0 <= b.0);
    if ascends { Ok(rows) } else { Err("its times do not ascend") }
}

/// Whether a bar carries the time of the last trade instead of its own.
fn is_running(meta: &CourseMeta, time: i64) -> bool {
    meta.regular_market_time == Some(time) || time.rem_euclid(60) != 0
}

fn regular(meta: &CourseMeta) -> Option<(i64, i64)> {
    bounds(meta.current_trading_period.as_ref()?.regular.as_ref()?)
}

fn bounds(phase: &Phase) -> Option<(i64, i64)> {
    let (start, end) = (phase.start?, phase.end?);
    (TIMES.contains(&start) && TIMES.contains(&end)).then_some((start, end))
}

/// Bars of days, each at the opening of its session and with the date of the place.
fn days(meta: &CourseMeta, place: &Place, rows: Vec<(i64, Bar)>) -> Result<Vec<Bar>, &'static str> {
    let mut bars: Vec<Bar> = Vec::with_capacity(rows.len());
    let last = rows.len().saturating_sub(1);
    for (at, (time, bar)) in rows.into_iter().enumerate() {
        let day = place.day(time);
        let date = i32::try_from(day).map_err(|_| "one of its times is none")?;
        let before = bars.last().map(|bar| bar.time / 1000);
        let opening = place.opening(day).or_else(|| {
            let running = at == last && is_running(meta, time);
            running.then(|| usual_opening(meta, place, day, before)).flatten()
        });
        let bar = Bar { time: opening.unwrap_or(time) * 1000, day: Some(date), ..bar };
        match bars.last_mut() {
            // Yahoo repeats the running day; the later one knows more.
            Some(before) if before.day == bar.day && at == last => {
                *before = Bar { time: before.time.min(bar.time), ..bar };
            }
            Some(before) if before.day >= bar.day || before.time >= bar.time => {
                return Err("one of its days is there twice");
            }
            _ => bars.push(bar),
        }
    }
    Ok(bars)
}

/// When the session of a day opens by what Yahoo says of others.
fn usual_opening(meta: &CourseMeta, place: &Place, day: i64, before: Option<i64>) -> Option<i64> {
    let start = regular(meta).map(|(start, _)| start);
    if let Some(start) = start.filter(|start| place.day(*start) == day) {
        return Some(start);
    }
    before.or(start).map(|known| place.at(day, place.second_of_day(known)))
}

/// Bars that are shorter than a day.
struct Stretch<'a> {
    meta: &'a CourseMeta,
    place: &'a Place,
    session: SessionKind,
    /// Seconds of a bar.
    length: i64,
}

impl Stretch<'_> {
    /// The bars, the running one at the start of its interval.
    fn intraday(&self, rows: Vec<(i64, Bar)>) -> Result<Vec<Bar>, &'static str> {
        let mut bars: Vec<Bar> = rows.into_iter().map(|(_, bar)| bar).collect();
        let Some(last) = bars.pop() else { return Ok(bars) };
        let time = last.time / 1000;
        let before = bars.last().map(|bar| bar.time / 1000);
        if !is_running(self.meta, time) {
            if before == Some(time) {
                return Err("one of its times is there twice");
            }
            bars.push(last);
            return Ok(bars);
        }
        let Some(start) = self.start(time, before) else { return Ok(bars) };
        match bars.last_mut() {
            // Of what Yahoo says twice, one is the bar so far and one the last trade alone.
            Some(before) if before.time >= start * 1000 => {
                before.high = before.high.max(last.high);
                before.low = before.low.min(last.low);
                before.close = last.close;
                before.volume = before.volume.max(last.volume);
            }
            _ => bars.push(Bar { time: start * 1000, ..last }),
        }
        Ok(bars)
    }

    /// When the bar of a trade begins. None for one after the close: the print of the close, which
    /// Yahoo shows as a bar until the next session and then no more.
    fn start(&self, time: i64, before: Option<i64>) -> Option<i64> {
        let phase = self.phases().find(|(start, end)| *start <= time && time < *end);
        let session = self.place.session(self.place.day(time)).or_else(|| regular(self.meta));
        let during = |(start, end): &(i64, i64)| *start <= time && time < *end;
        if let Some((open, close)) = session
            && self.session == SessionKind::Regular
            && before.is_some_and(|before| open <= before)
            && (close..close + DAY / 2).contains(&time)
        {
            return None;
        }
        let same_day = before.filter(|before| self.place.day(*before) == self.place.day(time));
        let phase = phase.or(session.filter(during)).map(|(start, _)| start);
        // The bars of a session count from its start, wherever in the hour that is; after a break
        // they count from its end, which the bar before tells.
        let from =
            phase.max(same_day).unwrap_or_else(|| time.div_euclid(self.length) * self.length);
        Some(from + (time - from).div_euclid(self.length) * self.length)
    }

    /// What Yahoo says of the hours of today, of those that were asked for.
    fn phases(&self) -> impl Iterator<Item = (i64, i64)> {
        let period = self.meta.current_trading_period.as_ref();
        let early_or_late = period.filter(|_| self.session == SessionKind::Extended);
        let outer = early_or_late.into_iter().flat_map(|period| [&period.pre, &period.post]);
        regular(self.meta).into_iter().chain(outer.filter_map(|phase| bounds(phase.as_ref()?)))
    }
}

/// The events of a span, each when the session of its date opens.
fn happened(events: Option<Happened>, place: &Place, span: Span) -> Result<Events, &'static str> {
    let Some(Happened { splits, dividends, capital_gains }) = events else {
        return Ok(Events::default());
    };
    let when = |date: i64| -> Result<(i64, i32), &'static str> {
        let day = TIMES.contains(&date).then(|| place.day(date)).ok_or("an event has no date")?;
        let at_ms = place.opening(day).unwrap_or(date) * 1000;
        Ok((at_ms, i32::try_from(day).map_err(|_| "an event has no date")?))
    };
    let mut of_span = Events::default();
    for split in splits.unwrap_or_default().into_values() {
        let (at_ms, day) = when(split.date)?;
        let (numerator, denominator) = (split.numerator, split.denominator);
        of_span.splits.push(Split { at_ms, day, numerator, denominator });
    }
    let paid = dividends.unwrap_or_default().into_values().map(|paid| (paid, false));
    let gains = capital_gains.unwrap_or_default().into_values().map(|paid| (paid, true));
    for (Paid { date, amount }, is_capital_gain) in paid.chain(gains) {
        let (at_ms, day) = when(date)?;
        of_span.dividends.push(Dividend { at_ms, day, amount, is_capital_gain });
    }
    of_span.splits.retain(|split| span.contains(Timestamp::from_ms(split.at_ms)));
    of_span.dividends.retain(|paid| span.contains(Timestamp::from_ms(paid.at_ms)));
    of_span.splits.sort_by_key(|split| split.at_ms);
    of_span.dividends.sort_by_key(|paid| (paid.at_ms, paid.is_capital_gain));
    Ok(of_span)
}
