//! What the embedded upstream says: the three providers' replies and errors, rebuilt.
//!
//! Every shape here is one of the providers', down to their strings for numbers; a field that
//! they do not send is not sent. A chart without a span is of one day, whatever range is asked for;
//! those of a span are the next file's.

use serde_json::{Value, json};

use super::listing::{FIRST_TRADE, Listing};
use super::session::{Hours, Session};
use super::walk::{Walk, macro_value, seconds};
use super::{Query, is_unknown};
use crate::provider::{Reply, binance, yahoo};
use crate::time::Timestamp;

const DAY: i64 = 86_400;

/// How many quarters a macro series reaches back.
const QUARTERS: i64 = 40;

/// The longest symbol of Binance (`^[A-Z0-9-_.]{1,20}$`, of its error -1100).
const LONGEST_PAIR: usize = 20;

/// A path that none of the three has.
pub(super) fn no_such_page() -> Reply {
    Reply::new(404, b"404 page not found\n".to_vec())
}

/// An error as Yahoo's chart has it.
pub(super) fn refused(status: u16, code: &str, description: &str) -> Reply {
    let error = json!({"code": code, "description": description});
    said(status, &json!({"chart": {"result": null, "error": error}}))
}

pub(super) fn said(status: u16, body: &Value) -> Reply {
    Reply::new(status, body.to_string().into_bytes())
}

/// Yahoo's `/v8/finance/chart/{symbol}`.
pub(super) fn chart(symbol: &str, now: Timestamp) -> Reply {
    if symbol.is_empty() {
        let error = json!({"code": "Not Found", "description": "HTTP 404 Not Found"});
        return said(404, &json!({"finance": {"result": null, "error": error}}));
    }
    if is_unknown(symbol) {
        return refused(404, "Not Found", "No data found, symbol may be delisted");
    }
    let listing = Listing::of(symbol, now);
    let session = Session::latest(listing.hours, now);
    let (last, (low, high)) = (seconds(now).min(session.end), listing.range(session, now));
    let [open, price] = [session.start, last].map(|at| listing.price(at));
    let volume = listing.volume(session, last);
    // The last bar of a running day carries the time of its last trade.
    let time = if last < session.end { last } else { session.start };
    let bars =
        json!({"open": [open], "high": [high], "low": [low], "close": [price], "volume": [volume]});
    let indicators = json!({"quote": [bars], "adjclose": [{"adjclose": [price]}]});
    let meta = meta(symbol, &listing, now, ["1d", "1d"]);
    let result = json!({"meta": meta, "timestamp": [time], "indicators": indicators});
    said(200, &json!({"chart": {"result": [result], "error": null}}))
}

/// What Yahoo says of a symbol besides its bars; of these their granularity and their range.
pub(super) fn meta(symbol: &str, listing: &Listing, now: Timestamp, bars: [&str; 2]) -> Value {
    let session = Session::latest(listing.hours, now);
    let (last, (low, high)) = (seconds(now).min(session.end), listing.range(session, now));
    let mut meta = described(symbol, listing, Session::shown(listing.hours, now));
    meta["regularMarketTime"] = json!(last);
    meta["regularMarketPrice"] = json!(listing.price(last));
    meta["regularMarketDayHigh"] = json!(high);
    meta["regularMarketDayLow"] = json!(low);
    meta["regularMarketVolume"] = json!(listing.volume(session, last));
    meta["chartPreviousClose"] = json!(listing.price(session.before(listing.hours).end));
    meta["dataGranularity"] = json!(bars[0]);
    meta["range"] = json!(bars[1]);
    meta
}

/// The part of Yahoo's meta that no price is in.
fn described(symbol: &str, listing: &Listing, session: Session) -> Value {
    let zone = match (listing.hours, session.offset) {
        (Hours::NewYork, -14_400) => "EDT",
        (Hours::NewYork, _) => "EST",
        _ => "UTC",
    };
    let phase = |start: i64, end: i64| json!({"timezone": zone, "start": start, "end": end, "gmtoffset": session.offset});
    let name = format!("{symbol} (invented)");
    json!({
        "currency": listing.currency,
        "symbol": symbol,
        "exchangeName": listing.exchange[0],
        "fullExchangeName": listing.exchange[1],
        "instrumentType": listing.instrument,
        "firstTradeDate": FIRST_TRADE,
        "hasPrePostMarketData": listing.hours == Hours::NewYork && listing.instrument == "EQUITY",
        "gmtoffset": session.offset,
        "timezone": zone,
        "exchangeTimezoneName": if listing.hours == Hours::NewYork { "America/New_York" } else { "UTC" },
        "longName": name,
        "shortName": name,
        "priceHint": if listing.instrument == "CURRENCY" { 4 } else { 2 },
        "currentTradingPeriod": {
            "pre": phase(session.pre, session.start),
            "regular": phase(session.start, session.end),
            "post": phase(session.end, session.post),
        },
        "validRanges": ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"],
    })
}

/// Binance's `/api/v3/ticker/24hr?symbol=…`, or with several: `symbols=["BTCUSDT","ETHUSDT"]`.
pub(super) fn ticker(query: &Query, now: Timestamp) -> Reply {
    let several = query.get("symbols").filter(|_| query.count() == 1);
    if let Some(Ok(symbols)) = several.map(serde_json::from_str::<Vec<String>>) {
        let each = symbols.iter().map(|symbol| {
            let walk = listed(symbol)?;
            Ok(last_24_hours(symbol, &walk, now))
        });
        return match each.collect::<Result<Vec<Value>, Reply>>() {
            Ok(tickers) => said(200, &Value::Array(tickers)),
            Err(refusal) => refusal,
        };
    }
    match pair(query, &["symbol"]) {
        Ok((symbol, walk)) => said(200, &last_24_hours(symbol, &walk, now)),
        Err(refusal) => refusal,
    }
}

/// The pair that Binance is asked for, with the prices of it; or what it says of parameters that an
/// endpoint does not read, and of a symbol that is none.
pub(super) fn pair<'a>(query: &'a Query, read: &[&str]) -> Result<(&'a str, Walk), Reply> {
    let error = |code: i64, msg: &str| Err(said(400, &json!({"code": code, "msg": msg})));
    let Some(symbol) = query.get("symbol").filter(|symbol| !symbol.is_empty()) else {
        return error(
            -1102,
            "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
        );
    };
    let (sent, known) =
        (query.count(), read.iter().filter(|name| query.get(name).is_some()).count());
    if sent > known {
        return error(
            -1104,
            &format!(
                "Not all sent parameters were read; read '{known}' parameter(s) but was sent '{sent}'."
            ),
        );
    }
    Ok((symbol, listed(symbol)?))
}

/// The prices of a pair, or what is said of one that there is not.
fn listed(symbol: &str) -> Result<Walk, Reply> {
    let error = |code: i64, msg: &str| Err(said(400, &json!({"code": code, "msg": msg})));
    let legal = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-_.".contains(c);
    if symbol.len() > LONGEST_PAIR || !symbol.chars().all(legal) {
        return error(
            -1100,
            "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'.",
        );
    }
    if is_unknown(symbol) {
        return error(-1121, "Invalid symbol.");
    }
    let (coin, quote) = split(symbol);
    Ok(Walk::pair(coin, quote))
}

/// A coin and what it is in; the longest end that is one wins, so `BTCFDUSD` is not in `USD`.
fn split(symbol: &str) -> (&str, &str) {
    let quotes = binance::QUOTES.iter().chain(&yahoo::MONEY);
    let longest = quotes
        .filter(|quote| symbol.len() > quote.len() && symbol.ends_with(**quote))
        .max_by_key(|quote| quote.len());
    longest.map_or((symbol, "USDT"), |quote| symbol.split_at(symbol.len() - quote.len()))
}

fn last_24_hours(symbol: &str, walk: &Walk, now: Timestamp) -> Value {
    let last = seconds(now);
    let first = last - DAY;
    let (low, high) = walk.range(first, last);
    let [before, open, price] = [first - 1, first, last].map(|at| walk.at(at));
    let volume = walk.daily_volume(last.div_euclid(DAY));
    let amount = |value: f64| format!("{value:.8}");
    let spread = price * 0.0001;
    let trades = 1_000 + last.rem_euclid(DAY);
    json!({
        "symbol": symbol,
        "priceChange": amount(price - open),
        "priceChangePercent": format!("{:.3}", (price - open) / open * 100.0),
        "weightedAvgPrice": amount(f64::midpoint(low, high)),
        "prevClosePrice": amount(before),
        "lastPrice": amount(price),
        "lastQty": "0.10000000",
        "bidPrice": amount(price - spread),
        "bidQty": "1.50000000",
        "askPrice": amount(price + spread),
        "askQty": "1.20000000",
        "openPrice": amount(open),
        "highPrice": amount(high),
        "lowPrice": amount(low),
        "volume": amount(volume),
        "quoteVolume": amount(volume * f64::midpoint(low, high)),
        "openTime": now.as_ms() - DAY * 1000,
        "closeTime": now.as_ms(),
        "firstId": first,
        "lastId": first + trades - 1,
        "count": trades,
    })
}

/// FRED's `/fred/series/observations?series_id=…&file_type=json`; no key is asked for.
pub(super) fn observations(query: &Query, now: Timestamp) -> Reply {
    let error = |message: &str| {
        let message = format!("Bad Request.  {message}");
        said(400, &json!({"error_code": 400, "error_message": message}))
    };
    let Some(id) = query.get("series_id").filter(|id| !id.is_empty()) else {
        return error("Variable series_id is not set.");
    };
    if is_unknown(id) {
        return error("The series does not exist.");
    }
    let descending = query.get("sort_order") == Some("desc");
    let limit = query.get("limit").map_or(Ok(100_000), str::parse::<usize>);
    let Ok(limit @ 1..=100_000) = limit else {
        return error("Variable limit is not between 1 and 100000.");
    };
    let today = date(now);
    let mut rows: Vec<Value> = quarters(now)
        .enumerate()
        .map(|(n, (quarter, date))| {
            // FRED's GDP begins with quarters that nobody measured.
            let value =
                if n == 0 { ".".to_owned() } else { format!("{:.3}", macro_value(id, quarter)) };
            json!({"realtime_start": today, "realtime_end": today, "date": date, "value": value})
        })
        .collect();
    let count = rows.len();
    if descending {
        rows.reverse();
    }
    rows.truncate(limit);
    said(
        200,
        &json!({
            "realtime_start": today,
            "realtime_end": today,
            "observation_start": "1600-01-01",
            "observation_end": "9999-12-31",
            "units": "lin",
            "output_type": 1,
            "file_type": "json",
            "order_by": "observation_date",
            "sort_order": if descending { "desc" } else { "asc" },
            "count": count,
            "offset": 0,
            "limit": limit,
            "observations": rows,
        }),
    )
}

/// The quarters that are over, oldest first: counted since the year 0, and their first days.
fn quarters(now: Timestamp) -> impl Iterator<Item = (i64, String)> {
    let today = date(now);
    let part = |range: std::ops::Range<usize>| today.get(range).and_then(|t| t.parse::<i64>().ok());
    let (year, month) = (part(0..4).unwrap_or(1970), part(5..7).unwrap_or(1));
    let running = year * 4 + (month - 1) / 3;
    (running - QUARTERS..running).map(|quarter| {
        let (year, month) = (quarter.div_euclid(4), quarter.rem_euclid(4) * 3 + 1);
        (quarter, format!("{year:04}-{month:02}-01"))
    })
}

/// The date of an instant in UTC.
fn date(instant: Timestamp) -> String {
    instant.to_string().chars().take("2026-07-01".len()).collect()
}
