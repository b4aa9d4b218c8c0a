//! The embedded upstream's bars: Yahoo's chart of a span and Binance's klines, rebuilt.
//!
//! A bar is what the walk does in its stretch: it opens and closes at what a quote of these instants
//! says, and no second of it leaves its range. So bars of any length agree with one another and with
//! quotes, whatever span is asked for. As with the real ones, the running bar is there too, and with
//! Yahoo it carries the second of the last trade; minutes are given of some weeks only.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::answers::{self, meta, pair, refused, said};
use super::listing::{FIRST_TRADE, Listing};
use super::session::{Hours, Session};
use super::walk::{Walk, seconds};
use super::{Query, is_unknown};
use crate::market::Interval;
use crate::provider::{Reply, binance};
use crate::time::Timestamp;

const DAY: i64 = 86_400;

/// What Yahoo says that it has.
const INTERVALS: &str = "[1m, 2m, 5m, 15m, 30m, 60m, 90m, 1h, 1d, 5d, 1wk, 1mo, 3mo]";

/// How many bars Binance gives when nobody says how many.
const USUAL_ROWS: usize = 500;

#[derive(Serialize)]
struct Body {
    chart: Chart,
}

#[derive(Serialize)]
struct Chart {
    result: [Outcome; 1],
    error: (),
}

#[derive(Serialize)]
struct Outcome {
    meta: Value,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    timestamp: Vec<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    events: Option<Value>,
    indicators: Indicators,
}

#[derive(Serialize)]
struct Indicators {
    quote: [Columns; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    adjclose: Option<[Adjusted; 1]>,
}

/// The columns of a chart, as Yahoo sends them: none of no bars.
#[derive(Default, Serialize)]
struct Columns {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    open: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    high: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    low: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    close: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    volume: Vec<i64>,
}

#[derive(Serialize)]
struct Adjusted {
    adjclose: Vec<f64>,
}

/// What Yahoo is asked for, in seconds since 1970.
struct Asked {
    interval: Interval,
    from: i64,
    /// The last instant that a bar may begin at.
    to: i64,
    now: i64,
    early_and_late: bool,
}

/// Yahoo's `/v8/finance/chart/{symbol}?period1=…&period2=…&interval=…`.
pub(super) fn chart(symbol: &str, query: &Query, now: Timestamp) -> Reply {
    if symbol.is_empty() || is_unknown(symbol) {
        return answers::chart(symbol, now);
    }
    let asked = match asked(query, seconds(now)) {
        Ok(asked) => asked,
        Err((status, code, why)) => return refused(status, code, &why),
    };
    let listing = Listing::of(symbol, now);
    let mut rows = Rows::new(&listing, asked.now);
    let adjclose = match asked.interval.duration() {
        None => Some([Adjusted { adjclose: days(&asked, &mut rows) }]),
        Some(length) => {
            intraday(&asked, i64::try_from(length.as_secs()).unwrap_or(DAY), &mut rows);
            None
        }
    };
    let outcome = Outcome {
        meta: meta(symbol, &listing, now, [asked.interval.as_str(), ""]),
        events: events(&asked, &listing, query.get("events").unwrap_or_default()),
        indicators: Indicators {
            quote: [rows.columns],
            adjclose: adjclose.filter(|_| !rows.times.is_empty()),
        },
        timestamp: rows.times,
    };
    let body = Body { chart: Chart { result: [outcome], error: () } };
    // Serialisation of these shapes cannot fail: no map has a key that is not text.
    Reply::new(200, serde_json::to_vec(&body).unwrap_or_default())
}

/// The status, the code and the description of an error.
type Refusal = (u16, &'static str, String);

fn asked(query: &Query, now: i64) -> Result<Asked, Refusal> {
    let second = |name| query.get(name).and_then(|text| text.parse::<i64>().ok());
    let (from, to) = (second("period1"), second("period2"));
    let bad = |why: String| Err((400, "Bad Request", why));
    let (Some(from), Some(to)) = (from, to) else {
        return bad("Invalid input - period1 and period2 must be numbers".to_owned());
    };
    if from > to {
        let why = "Invalid input - start date cannot be after end date.";
        return bad(format!("{why} startDate = {from}, endDate = {to}"));
    }
    let name = query.get("interval").unwrap_or("1d");
    let plain = if name == "60m" { "1h" } else { name };
    let Some(interval) = Interval::from_name(plain).filter(|known| {
        let days = [Interval::Minute1, Interval::Minute2, Interval::Minute5, Interval::Minute15];
        let longer = [Interval::Minute30, Interval::Hour1, Interval::Day1];
        days.contains(known) || longer.contains(known)
    }) else {
        let why = "is not supported. Valid intervals:";
        return bad(format!("Invalid input - interval={name} {why} {INTERVALS}"));
    };
    let back = match interval {
        Interval::Minute1 => 30,
        Interval::Hour1 => 730,
        Interval::Day1 => i64::MAX / DAY,
        _ => 60,
    };
    let unprocessable = |why: String| Err((422, "Unprocessable Entity", why));
    if from < now.saturating_sub(back * DAY) {
        return unprocessable(format!(
            "{name} data not available for startTime={from} and endTime={to}. The requested range \
             must be within the last {back} days."
        ));
    }
    if interval == Interval::Minute1 && to.saturating_sub(from) > 8 * DAY {
        return unprocessable(format!(
            "Only 8 days worth of {name} granularity data are allowed to be fetched per request."
        ));
    }
    if to < FIRST_TRADE {
        return bad(format!("Data doesn't exist for startDate = {from}, endDate = {to}"));
    }
    let early_and_late = query.get("includePrePost") == Some("true");
    Ok(Asked { interval, from: from.max(FIRST_TRADE), to: to.min(now), now, early_and_late })
}

/// What is sent of bars, row by row.
struct Rows<'a> {
    listing: &'a Listing,
    now: i64,
    times: Vec<i64>,
    columns: Columns,
}

impl<'a> Rows<'a> {
    fn new(listing: &'a Listing, now: i64) -> Self {
        Self { listing, now, times: Vec::new(), columns: Columns::default() }
    }

    /// The bar from one instant to another of a session, as far as it has come; its close.
    fn push(&mut self, session: Session, from: i64, to: i64) -> f64 {
        let last = to.min(self.now);
        let [open, close] = [from, last].map(|at| self.listing.price(at));
        let (low, high) = self.listing.bounds(from, last);
        // The last trade of a running bar is its time.
        self.times.push(if last < to { last } else { from });
        self.columns.open.push(open);
        self.columns.high.push(high.max(open).max(close));
        self.columns.low.push(low.min(open).min(close));
        self.columns.close.push(close);
        self.columns.volume.push(self.listing.volume_between(session, from, last));
        close
    }
}

/// The bars of days; their adjusted closes.
fn days(asked: &Asked, rows: &mut Rows<'_>) -> Vec<f64> {
    let listing = rows.listing;
    Session::between(listing.hours, asked.from, asked.to)
        .map(|session| {
            let close = rows.push(session, session.start, session.end);
            listing.adjusted(close, session.start)
        })
        .collect()
}

/// The bars of so many seconds, counted from where early, regular and late trading start.
fn intraday(asked: &Asked, length: i64, rows: &mut Rows<'_>) {
    let hours = rows.listing.hours;
    let outer = asked.early_and_late && hours == Hours::NewYork;
    for session in Session::between(hours, asked.from - DAY, asked.to + DAY) {
        let all = [
            (session.pre, session.start),
            (session.start, session.end),
            (session.end, session.post),
        ];
        let phases = if outer { &all[..] } else { &all[1..2] };
        for (start, end) in phases {
            let first = start + ((asked.from - start).max(0) + length - 1) / length * length;
            let mut from = first;
            while from < *end && from <= asked.to {
                rows.push(session, from, (from + length).min(*end));
                from += length;
            }
        }
    }
}

/// What was done to the shares in the span, of what is asked for; none if nothing was.
fn events(asked: &Asked, listing: &Listing, wanted: &str) -> Option<Value> {
    let within = |at: i64| (asked.from..=asked.to).contains(&at);
    let mut events = serde_json::Map::new();
    let actions = listing.actions();
    if let Some((at, into)) =
        actions.split.filter(|(at, _)| within(*at) && wanted.contains("split"))
    {
        let ratio = format!("{into}:1");
        let split = json!({"date": at, "numerator": into, "denominator": 1.0, "splitRatio": ratio});
        events.insert("splits".to_owned(), json!({at.to_string(): split}));
    }
    let paid = actions.paid.iter().filter(|(at, _)| within(*at) && wanted.contains("div"));
    let paid: serde_json::Map<String, Value> =
        paid.map(|(at, amount)| (at.to_string(), json!({"amount": amount, "date": at}))).collect();
    if !paid.is_empty() {
        events.insert("dividends".to_owned(), paid.into());
    }
    (!events.is_empty()).then(|| events.into())
}

/// Binance's `/api/v3/klines?symbol=…&interval=…&startTime=…&endTime=…&limit=…`.
pub(super) fn klines(query: &Query, now: Timestamp) -> Reply {
    let walk = match pair(query, &["symbol", "interval", "startTime", "endTime", "limit"]) {
        Ok((_, walk)) => walk,
        Err(refusal) => return refusal,
    };
    let error = |code: i64, msg: &str| said(400, &json!({"code": code, "msg": msg}));
    let Some(name) = query.get("interval").filter(|name| !name.is_empty()) else {
        let why = "Mandatory parameter 'interval' was not sent, was empty/null, or malformed.";
        return error(-1102, why);
    };
    let Some(interval) = Interval::from_name(name).filter(|i| binance::reach(*i).is_some()) else {
        return error(-1120, "Invalid interval.");
    };
    let number = |name: &str| query.get(name).map(str::parse::<i64>).transpose();
    let (Ok(start), Ok(end), Ok(limit)) = (number("startTime"), number("endTime"), number("limit"))
    else {
        return error(-1100, "Illegal characters found in a parameter.");
    };
    let rows = usize::try_from(limit.unwrap_or(0)).unwrap_or(0).min(binance::ROWS as usize);
    let rows = if rows == 0 { USUAL_ROWS } else { rows };
    let length =
        interval.duration().map_or(DAY, |long| i64::try_from(long.as_secs()).unwrap_or(DAY));
    let first_trade = FIRST_TRADE.div_euclid(DAY) * DAY;
    let last = end.map_or(seconds(now), |ms| ms.div_euclid(1000).min(seconds(now)));
    let last = last.div_euclid(length) * length;
    let count = i64::try_from(rows).unwrap_or(1);
    let first = start.map_or(last - (count - 1) * length, |ms| {
        // Up to the next whole one, as Binance does.
        let second =
            ms.div_euclid(1000).clamp(0, i64::MAX / 2) + i64::from(ms.rem_euclid(1000) > 0);
        (second + length - 1).div_euclid(length) * length
    });
    let first = first.max(first_trade);
    let mut body = "[".to_owned();
    for n in (0..count).take_while(|n| first + n * length <= last) {
        body.push_str(if n == 0 { "" } else { "," });
        row(&mut body, &walk, first + n * length, length, now);
    }
    body.push(']');
    Reply::new(200, body.into_bytes())
}

/// One bar as Binance writes it.
fn row(body: &mut String, walk: &Walk, from: i64, length: i64, now: Timestamp) {
    let to = from + length;
    let last = to.min(seconds(now));
    let [open, close] = [from, last].map(|at| walk.at(at));
    let (low, high) = walk.bounds(from, last);
    let (low, high) = (low.min(open).min(close), high.max(open).max(close));
    let so_far = i32::try_from(last - from).map_or(0.0, f64::from);
    let volume = walk.daily_volume(from.div_euclid(DAY)) * so_far / 86_400.0;
    let [turnover, half] = [volume * f64::midpoint(low, high), volume / 2.0];
    let half_turnover = turnover / 2.0;
    // Writing to a String cannot fail.
    let _ = write!(
        body,
        "[{},\"{open:.8}\",\"{high:.8}\",\"{low:.8}\",\"{close:.8}\",\"{volume:.8}\",{},\
         \"{turnover:.8}\",{},\"{half:.8}\",\"{half_turnover:.8}\",\"0\"]",
        from * 1000,
        to * 1000 - 1,
        last - from,
    );
}
