//! The upstream of these tests: a real socket on loopback that speaks as Yahoo and Binance do, of
//! stocks and coins that are made up, at an instant that the test says.
//!
//! It notes which bars it is asked for.
//!
//! - `stock`, `coin` — what is made up, and what a download of it comes to at an instant
//! - `shop` — a cache in this process
//! - `fresh` — whether an answer is what a fresh download gives
//! - `year` — a year of sessions, each asked for once

mod coin;
pub mod fresh;
pub mod shop;
pub mod stock;
pub mod year;

use std::ops::Range;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use mcache::market::{Adjust, Interval};
use serde_json::{Value, json};

use stock::Stock;

use crate::sandbox::{Incoming, Upstream, reply};

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub name: String,
    pub interval: Interval,
    /// When the bars begin that were asked for.
    pub span: Range<i64>,
    /// When it was asked.
    pub at: i64,
}

/// What the upstream tells of.
struct Told {
    stocks: Mutex<Vec<Stock>>,
    now: AtomicI64,
    asked: Mutex<Vec<Asked>>,
    /// How many requests are answered at all.
    most: AtomicUsize,
}

/// An upstream with what it tells of.
pub struct World {
    pub upstream: Upstream,
    told: Arc<Told>,
}

impl World {
    pub fn of(stocks: Vec<Stock>) -> Self {
        let told = Told {
            stocks: Mutex::new(stocks),
            now: AtomicI64::new(0),
            asked: Mutex::default(),
            most: AtomicUsize::new(usize::MAX),
        };
        let told = Arc::new(told);
        let telling = Arc::clone(&told);
        let upstream = Upstream::start(move |incoming| telling.answer(incoming));
        Self { upstream, told }
    }

    /// Goes on to an instant.
    pub fn go_to(&self, now: i64) {
        self.told.now.store(now, Ordering::SeqCst);
    }

    /// Leaves all requests after so many without an answer, for ever.
    pub fn answer_at_most(&self, most: usize) {
        self.told.most.store(most, Ordering::SeqCst);
    }

    /// What was asked for so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.told.asked.lock().unwrap().clone()
    }

    /// A stock that it tells of.
    pub fn stock(&self, name: &str) -> Stock {
        let stocks = self.told.stocks.lock().unwrap();
        stocks.iter().find(|stock| stock.name == name).unwrap().clone()
    }

    /// Tells something else of a stock from now on.
    pub fn change(&self, name: &str, change: impl FnOnce(&mut Stock)) {
        let mut stocks = self.told.stocks.lock().unwrap();
        change(stocks.iter_mut().find(|stock| stock.name == name).unwrap());
    }
}

impl Told {
    fn answer(&self, incoming: &Incoming) -> Vec<u8> {
        let (path, query) = incoming.path.split_once('?').unwrap_or((&incoming.path, ""));
        let of = |name: &str| {
            let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
        };
        let number = |name: &str| of(name).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
        let interval = Interval::parse(&of("interval").unwrap_or_default()).unwrap();
        let now = self.now.load(Ordering::SeqCst);
        let note = |name: &str, span: &Range<i64>| {
            let asked = Asked { name: name.to_owned(), interval, span: span.clone(), at: now };
            let mut all = self.asked.lock().unwrap();
            all.push(asked);
            let hangs = all.len() > self.most.load(Ordering::SeqCst);
            drop(all);
            if hangs {
                // Nobody ever wakes it.
                loop {
                    std::thread::park();
                }
            }
        };
        let body = if let Some(name) = path.strip_prefix("/v8/finance/chart/") {
            let span = number("period1") * 1000..number("period2") * 1000;
            note(name, &span);
            let stocks = self.stocks.lock().unwrap();
            let stock = stocks.iter().find(|stock| stock.name == name).unwrap();
            chart(stock, interval, span, now)
        } else {
            let span = number("startTime")..number("endTime") + 1;
            note(&of("symbol").unwrap(), &span);
            let rows = usize::try_from(number("limit")).unwrap();
            coin::klines(interval, span, rows, now)
        };
        reply(200, "application/json", &serde_json::to_vec(&body).unwrap())
    }
}

/// What Yahoo says of a span at an instant, the bars at both of its ends included.
fn chart(stock: &Stock, interval: Interval, span: Range<i64>, now: i64) -> Value {
    let span = span.start..span.end + 1;
    let mut bars = stock.download(interval, span.clone(), now, Adjust::Splits);
    let last_trade = stock.last_trade(now);
    let traded_at = last_trade.map(|(at, _)| at / 1000);
    if let (Some(last), Some((at, session))) = (bars.last_mut(), last_trade) {
        // A running bar carries the second of the last trade.
        let is_running = at < session.close.as_ms() && at < stock.ends_at(interval, last.time);
        if is_running && last.time >= session.open.as_ms() {
            last.time = at;
        }
    }
    let column =
        |of: &dyn Fn(&mcache::market::Bar) -> f64| -> Vec<f64> { bars.iter().map(of).collect() };
    let times: Vec<i64> = bars.iter().map(|bar| bar.time / 1000).collect();
    let mut indicators = json!({"quote": [{
        "open": column(&|bar| bar.open),
        "high": column(&|bar| bar.high),
        "low": column(&|bar| bar.low),
        "close": column(&|bar| bar.close),
        "volume": column(&|bar| bar.volume),
    }]});
    if interval == Interval::Day1 {
        indicators["adjclose"] = json!([{"adjclose": column(&|bar| bar.adjusted)}]);
    }
    let (code, zone) =
        if stock.place == "LSE" { ("GBP", "Europe/London") } else { ("USD", "America/New_York") };
    let mut result = json!({
        "meta": {
            "symbol": stock.name, "currency": code, "exchangeName": stock.place,
            "exchangeTimezoneName": zone, "dataGranularity": interval.as_str(),
            "regularMarketTime": traded_at, "regularMarketPrice": 1.0,
        },
        "timestamp": times,
        "indicators": indicators,
        "events": {"splits": {}, "dividends": {}},
    });
    for split in stock.splits_at(now).into_iter().filter(|split| span.contains(&split.at)) {
        let at = split.at / 1000;
        result["events"]["splits"][at.to_string()] =
            json!({"date": at, "numerator": split.value, "denominator": 1.0});
    }
    for paid in stock.dividends_at(now).into_iter().filter(|paid| span.contains(&paid.at)) {
        let at = paid.at / 1000;
        result["events"]["dividends"][at.to_string()] = json!({"date": at, "amount": paid.value});
    }
    json!({"chart": {"result": [result], "error": null}})
}
