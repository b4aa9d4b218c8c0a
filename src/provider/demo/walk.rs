//! The embedded upstream's prices: a function of a name and an instant, and of nothing else.
//!
//! A price is a base, from a table or a hash of the name, times a slow wave of days and a quick
//! one of minutes and seconds. No history is kept, so any instant can be asked for, and what was
//! said of it is said again.

use std::f64::consts::TAU;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::time::Timestamp;

const DAY: i64 = 86_400;

/// How far, and in how many seconds by a circle's radius, the quick wave goes.
const QUICK: (f64, f64) = (0.002, 600.0);

/// How much a price jumps about from one second to the next.
const JITTER: f64 = 0.0006;

/// More than the slow waves leave a straight line by within a day.
const BEND: f64 = 0.0001;

/// How many instants of a stretch are looked at for its high and its low.
const SAMPLES: i64 = 48;

/// What names that everybody knows are worth in dollars, so that a first look is not odd. The
/// figures are invented, and only of the right size.
const KNOWN: [(&str, f64); 20] = [
    ("AAPL", 230.0),
    ("MSFT", 420.0),
    ("NVDA", 140.0),
    ("^GSPC", 5900.0),
    ("BTC", 64_000.0),
    ("ETH", 3000.0),
    ("BNB", 600.0),
    ("SOL", 150.0),
    ("XRP", 0.6),
    ("DOGE", 0.15),
    ("EUR", 1.08),
    ("GBP", 1.27),
    ("JPY", 0.0067),
    ("CHF", 1.13),
    ("CAD", 0.73),
    ("AUD", 0.66),
    ("GDP", 10_000.0),
    ("CPIAUCSL", 170.0),
    ("UNRATE", 4.0),
    ("FEDFUNDS", 3.0),
];

/// The path of one price.
pub(super) struct Walk {
    name: String,
    /// Where each of the waves begins.
    phases: [f64; 3],
    base: f64,
    /// What one unit is worth in dollars, for what is traded of it.
    worth: f64,
    /// How far it swings, as a share of what a coin or a stock does.
    swing: f64,
    /// Decimal places of the price.
    places: usize,
}

impl Walk {
    fn new(name: &str, [base, worth]: [f64; 2], swing: f64, places: usize) -> Self {
        let phases = [1, 2, 3].map(|n: i64| TAU * noise(name, -n));
        Self { name: name.to_owned(), phases, base, worth, swing, places }
    }

    /// Of what has a price of some hundred: a stock.
    pub(super) fn stock(name: &str) -> Self {
        let base = known(name).unwrap_or_else(|| 20.0 + 500.0 * share(name));
        Self::new(name, [base, base], 1.0, 2)
    }

    /// Of an index, in points.
    pub(super) fn index(name: &str) -> Self {
        let base = known(name).unwrap_or_else(|| 1000.0 + 20_000.0 * share(name));
        Self::new(name, [base, base], 0.7, 2)
    }

    /// Of a currency in another, as in `EURUSD`; a name of one is against the dollar, `INR`.
    pub(super) fn fx(name: &str) -> Self {
        let money = |name: &str| {
            if is_dollar(name) { 1.0 } else { known(name).unwrap_or_else(|| 0.5 + share(name)) }
        };
        let halves = name.split_at_checked(3).filter(|(_, quote)| !quote.is_empty());
        let (base, quote) = halves.unwrap_or(("USD", name));
        let worth = money(base);
        let price = worth / money(quote);
        Self::new(name, [price, worth], 0.3, 4)
    }

    /// Of a coin in a coin or in money; dollars and what is pegged to them are one.
    pub(super) fn pair(coin: &str, quote: &str) -> Self {
        let worth = dollars(coin);
        let base = (worth / dollars(quote)).max(1e-6);
        let places = match base {
            100.0.. => 2,
            1.0.. => 4,
            _ => 8,
        };
        let swing = if is_dollar(coin) { 0.005 } else { 1.5 };
        Self::new(coin, [base, worth], swing, places)
    }

    /// The price at an instant, in seconds since 1970, rounded to its decimal places.
    pub(super) fn at(&self, second: i64) -> f64 {
        let elapsed = small(second.rem_euclid(DAY));
        let slow = self.slow(second.div_euclid(DAY), elapsed);
        let (far, seconds) = QUICK;
        let quick =
            far * (elapsed / seconds + self.phases[2]).sin() + JITTER * noise(&self.name, second);
        self.price(slow + quick)
    }

    /// The part of a price that takes days to move.
    fn slow(&self, day: i64, elapsed: f64) -> f64 {
        let days = small(day) + elapsed / small(DAY);
        // From one day's noise to the next's, so that midnight is no leap.
        let (today, tomorrow) = (noise(&self.name, day), noise(&self.name, day + 1));
        0.12 * (days / 41.0 + self.phases[0]).sin()
            + 0.05 * (days / 9.0 + self.phases[1]).sin()
            + 0.015 * (today + (tomorrow - today) * elapsed / small(DAY))
    }

    /// The price that is so far from the base.
    fn price(&self, away: f64) -> f64 {
        self.rounded(self.base * (self.swing * away).exp())
    }

    /// Between what the price stays in every second of a stretch that lies in one day of UTC.
    ///
    /// They are worked out and not looked for, so that years of days cost nothing; and of a stretch
    /// they are the outermost of its parts', so that bars of any length agree.
    pub(super) fn bounds(&self, from: i64, to: i64) -> (f64, f64) {
        let day = from.div_euclid(DAY);
        let elapsed = |second: i64| small((second - day * DAY).clamp(0, DAY));
        let (first, last) = (elapsed(from), elapsed(to));
        let (start, end) = (self.slow(day, 0.0), self.slow(day, small(DAY)));
        let ((far, seconds), phase) = (QUICK, self.phases[2]);
        let away = |elapsed: f64| {
            start + (end - start) * elapsed / small(DAY) + far * (elapsed / seconds + phase).sin()
        };
        // Where wave and slope cancel out: at a top that much before the height of the wave, at a
        // bottom that much before its depth. As the slope is even, the outermost top and bottom are
        // the first or the last of the stretch.
        let top = (-(end - start) / small(DAY) * seconds / far).clamp(-1.0, 1.0).acos();
        let turns = |turn: f64| {
            let circles = |elapsed: f64| (elapsed / seconds + phase - turn) / TAU;
            let turn_at = move |circle: f64| seconds * (turn + TAU * circle - phase);
            let (from, to) = (circles(first).ceil(), circles(last).floor());
            [from, to].into_iter().filter(move |_| from <= to).map(turn_at)
        };
        let ends = [first, last].into_iter();
        let (low, high) = ends
            .chain(turns(top))
            .chain(turns(-top))
            .map(away)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), away| {
                (low.min(away), high.max(away))
            });
        (self.price(low - JITTER - BEND), self.price(high + JITTER + BEND))
    }

    /// The lowest and the highest price among some of a stretch, both of its ends among them.
    pub(super) fn range(&self, from: i64, to: i64) -> (f64, f64) {
        let prices = (0..=SAMPLES).map(|n| self.at(from + (to - from) * n / SAMPLES));
        prices
            .fold((f64::INFINITY, 0.0_f64), |(low, high), price| (low.min(price), high.max(price)))
    }

    /// What is traded of it in a whole day, in units.
    pub(super) fn daily_volume(&self, day: i64) -> f64 {
        let turnover = 2e9 * (1.0 + 0.4 * noise(&self.name, day)) * (0.2 + share(&self.name));
        turnover / self.worth
    }

    /// A number to the places of this price.
    fn rounded(&self, value: f64) -> f64 {
        rounded(value, self.places)
    }
}

/// A number to so many decimal places, as the nearest float to what is printed: it has no tail.
fn rounded(value: f64, places: usize) -> f64 {
    /// Below it, what a product is off by is far less than what decides.
    const LARGEST: f64 = 1e9;
    const NEAR: f64 = 1e-4;
    const POWERS: [f64; 9] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
    if let Some(power) = POWERS.get(places) {
        let scaled = value * power;
        if scaled.abs() < LARGEST && (scaled.abs().fract() - 0.5).abs() > NEAR {
            return scaled.round() / power;
        }
    }
    // By way of text, which decides between two that are as near.
    format!("{value:.places$}").parse().unwrap_or(value)
}

/// The value of a macro series in a quarter, counted since the year 0: some growth, some noise.
pub(super) fn macro_value(name: &str, quarter: i64) -> f64 {
    const YEAR_2000: i64 = 8000;
    let base = known(name).unwrap_or_else(|| 10.0 + 500.0 * share(name));
    let growth = if base > 100.0 { 0.01 } else { 0.0 };
    base * (growth * small(quarter - YEAR_2000)).exp() * (1.0 + 0.01 * noise(name, quarter))
}

/// The instant in whole seconds since 1970.
pub(super) fn seconds(instant: Timestamp) -> i64 {
    instant.as_ms().div_euclid(1000)
}

fn known(name: &str) -> Option<f64> {
    KNOWN.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn is_dollar(name: &str) -> bool {
    ["USD", "USDT", "USDC", "FDUSD", "TUSD", "BUSD", "DAI", "USD1"].contains(&name)
}

fn dollars(name: &str) -> f64 {
    if is_dollar(name) {
        return 1.0;
    }
    // Coins cost from a cent to a thousand dollars, as many of them in every power of ten.
    known(name).unwrap_or_else(|| 10_f64.powf(5.0 * share(name) - 2.0))
}

/// A number from 0 to 1 that belongs to a name.
fn share(name: &str) -> f64 {
    f64::midpoint(noise(name, i64::MIN), 1.0)
}

/// A number from -1 to 1 that belongs to a name and a number.
fn noise(name: &str, n: i64) -> f64 {
    let hash = xxh3_64_with_seed(name.as_bytes(), n.cast_unsigned());
    // The upper half of the hash, which a float holds exactly.
    let upper = u32::try_from(hash >> 32).unwrap_or(0);
    f64::from(upper) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// A day or a second of a day, which a float holds exactly.
fn small(n: i64) -> f64 {
    i32::try_from(n).map_or(0.0, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_moves_by_little_in_a_minute_and_by_more_in_a_year() {
        for name in ["AAPL", "TSLA", "X", "BRK-B"] {
            let walk = Walk::stock(name);
            let start = 1_780_000_000;
            let mut moved = 0.0_f64;
            for minute in 0..600 {
                let (a, b) = (walk.at(start + 60 * minute), walk.at(start + 60 * (minute + 1)));
                assert!((b / a - 1.0).abs() < 0.003, "{name}: {a} then {b}");
                moved = moved.max((b - a).abs());
            }
            assert!(moved > 0.0, "{name} never moves");
            let (low, high) = walk.range(start, start + 365 * DAY);
            assert!(high / low > 1.1 && high / low < 1.8, "{name}: {low} to {high}");
        }
    }

    #[test]
    fn no_second_leaves_the_bounds_of_its_stretch_and_parts_agree_with_the_whole() {
        for (name, day) in [("AAPL", 20_635_i64), ("SPLT", 11_000), ("X", 15_500), ("Q", 19_999)] {
            let walk = Walk::stock(name);
            let (start, end) = (day * DAY + 48_600, day * DAY + 72_000);
            let whole = walk.bounds(start, end);
            let mut parts = (f64::INFINITY, 0.0_f64);
            let mut grown = (f64::INFINITY, 0.0_f64);
            for from in (start..end).step_by(300) {
                let (low, high) = walk.bounds(from, from + 300);
                for second in from..=from + 300 {
                    let price = walk.at(second);
                    assert!(low <= price && price <= high, "{name} {second}: {low} {price} {high}");
                }
                parts = (parts.0.min(low), parts.1.max(high));
                let (low, high) = walk.bounds(start, from + 300);
                assert!(low <= grown.0 && high >= grown.1, "{name}: a range shrank");
                grown = (low, high);
                assert!(high / low < 1.05, "{name}: {low} to {high}");
            }
            assert_eq!([whole.0, whole.1].map(f64::to_bits), [parts.0, parts.1].map(f64::to_bits));
        }
    }

    #[test]
    fn rounding_is_to_the_float_that_the_text_reads_as() {
        for n in 0..20_000_i64 {
            let value = 1_000.0 * share(&n.to_string());
            for places in [2, 4, 8] {
                let text: f64 = format!("{value:.places$}").parse().unwrap();
                assert_eq!(rounded(value, places).to_bits(), text.to_bits(), "{value}");
            }
        }
        assert_eq!(rounded(0.125, 2).to_bits(), 0.12_f64.to_bits());
    }

    #[test]
    fn a_coin_costs_the_same_in_every_dollar() {
        let [usd, usdt] = ["USD", "USDT"].map(|quote| Walk::pair("BTC", quote).at(1_780_000_000));
        assert!((usd - usdt).abs() < f64::EPSILON);
        assert!(Walk::pair("ETH", "BTC").at(1_780_000_000) < 1.0);
    }
}
