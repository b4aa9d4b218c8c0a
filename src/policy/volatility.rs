//! How much the price of a symbol moves, and what that makes of the time to live of its data.
//!
//! # Shape
//!
//! A [`Moves`] follows the quotes of a symbol: each that comes a little later than the last is a
//! return (the logarithm of the two prices' ratio). Squared returns and the seconds that they took are
//! summed, both halved with every [`HALF_LIFE`] that is followed, and the volatility is the root of
//! the one by the other, for a year of trading. Only time within sessions is followed, so a night
//! neither adds to it nor lets it fade.
//!
//! A year of trading is 365 days of 24 hours for coins, 252 of 24 for currencies, and 252 of six and
//! a half for shares and indices, whatever the exchange: the convention of a quoted volatility.
//!
//! # Rules for changing it
//!
//! A pace stands in the database and is read by other versions: its parts mean the same for ever.

use std::fmt;
use std::time::Duration;

use super::market::Market;
use crate::market::Class;
use crate::time::Timestamp;

/// Nearer together than this two quotes are no return yet: a price that hops between bid and ask
/// would look like a storm to whoever asks ten times a second.
pub const SHORTEST_STEP: Duration = Duration::from_secs(5);

/// Further apart than this they are none either: a night, a week-end or a user's holiday lies
/// between them. No break within a session is as long.
pub const LONGEST_STEP: Duration = Duration::from_hours(2);

/// After this long a silence what was seen before says nothing of today: longer than Easter.
pub const LONGEST_SILENCE: Duration = Duration::from_hours(5 * 24);

/// The time in which what was seen loses half of its weight.
pub const HALF_LIFE: Duration = Duration::from_hours(1);

/// So many returns make a volatility: of fewer one wild one would be most of it.
pub const ENOUGH: u32 = 12;

/// A realised volatility: millionths of the price, a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Realised(pub u32);

impl Realised {
    /// The volatility that is this part of the price; the largest there is if it is more.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a cast of a float saturates, and none is negative"
    )]
    pub fn of(part: f64) -> Self {
        Self((part * 1e6).round() as u32)
    }

    /// The part of the price.
    pub fn part(self) -> f64 {
        f64::from(self.0) / 1e6
    }
}

/// `96%`, and below ten percent `4.2%`.
impl fmt::Display for Realised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.part() * 100.0;
        let places = usize::from(percent < 9.95);
        write!(f, "{percent:.places$}%")
    }
}

/// What is followed of the prices of one symbol that one provider gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Moves {
    /// Who gives them: the prices of two differ by more than a price moves.
    pub provider: Box<str>,
    /// The price from which the next return is taken.
    pub price: f64,
    /// When it was asked for.
    pub at: Timestamp,
    /// The sum of squared returns, by weight.
    pub squares: f64,
    /// The seconds that they took, by weight.
    pub seconds: f64,
    /// How many there were.
    pub returns: u32,
}

impl Moves {
    /// The beginning of one.
    pub fn from(provider: &str, price: f64, at: Timestamp) -> Self {
        let provider = provider.into();
        Self { provider, price, at, squares: 0.0, seconds: 0.0, returns: 0 }
    }

    /// The pace after a further quote. Another provider is followed once the first has been silent
    /// for longer than a step.
    #[must_use]
    pub fn after(self, provider: &str, price: f64, at: Timestamp) -> Self {
        let step = at.since(self.at);
        if step > LONGEST_SILENCE {
            return Self::from(provider, price, at);
        }
        if step > LONGEST_STEP {
            return Self { provider: provider.into(), price, at, ..self };
        }
        if step < SHORTEST_STEP || *self.provider != *provider {
            return self;
        }
        let moved = (price / self.price).ln();
        let seconds = step.as_secs_f64();
        let kept = (-seconds / HALF_LIFE.as_secs_f64()).exp2();
        Self {
            price,
            at,
            squares: self.squares.mul_add(kept, moved * moved),
            seconds: self.seconds.mul_add(kept, seconds),
            returns: self.returns.saturating_add(1),
            ..self
        }
    }

    /// The volatility of something of this class, once enough has been seen.
    pub fn realised(&self, class: Class) -> Option<Realised> {
        let year = seconds_of_trading(class)?;
        let variance = self.squares / self.seconds * year;
        (self.returns >= ENOUGH && variance.is_finite()).then(|| Realised::of(variance.sqrt()))
    }
}

/// The seconds of trading in a year; none for what is not traded.
fn seconds_of_trading(class: Class) -> Option<f64> {
    let (days, hours) = match class {
        Class::Crypto => (365.0, 24.0),
        Class::Fx => (252.0, 24.0),
        Class::Stock | Class::Index => (252.0, 6.5),
        Class::Macro => return None,
    };
    Some(days * hours * 3600.0)
}

/// What volatility makes of a time to live: usual by realised, within bounds. The default is the
/// shipped configuration's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Volatility {
    /// What is usual for shares, as a part of the price in a year: 0.4.
    pub stock: f64,
    /// For indices: 0.25.
    pub index: f64,
    /// For currencies: 0.12.
    pub fx: f64,
    /// For coins: 0.8.
    pub crypto: f64,
    /// The least that a time to live is multiplied by: 0.5.
    pub least: f64,
    /// The most: 1, so that a calm market never makes an answer older than its rule says.
    pub most: f64,
}

impl Default for Volatility {
    fn default() -> Self {
        Self { stock: 0.4, index: 0.25, fx: 0.12, crypto: 0.8, least: 0.5, most: 1.0 }
    }
}

impl Volatility {
    /// What the times to live of the market data of a symbol are multiplied by; 1 while its
    /// volatility is not known.
    pub fn factor(&self, market: &Market, class: Class) -> f64 {
        let usual = match class {
            Class::Stock => self.stock,
            Class::Index => self.index,
            Class::Fx => self.fx,
            Class::Crypto => self.crypto,
            Class::Macro => return 1.0,
        };
        match market.volatility {
            None => 1.0,
            Some(Realised(0)) => self.most,
            Some(realised) => (usual / realised.part()).max(self.least).min(self.most),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::policy::ttl::scaled;

    const START: i64 = 1_782_918_000_000;

    /// What a series of quotes comes to: milliseconds after the last, and the price.
    fn followed(quotes: &[(i64, f64)]) -> Moves {
        let mut at = START;
        let mut pace = Moves::from("yahoo", 100.0, Timestamp::from_ms(at));
        for (step, price) in quotes {
            at += step;
            pace = pace.after("yahoo", *price, Timestamp::from_ms(at));
        }
        pace
    }

    fn market(volatility: Option<f64>) -> Market {
        Market { volatility: volatility.map(Realised::of), ..Market::default() }
    }

    /// So many quotes, half a minute apart, each so much above or below the last in turn.
    fn zigzag(count: usize, by: f64) -> Vec<(i64, f64)> {
        (1..=count).map(|n| (30_000, if n % 2 == 1 { 100.0 * (1.0 + by) } else { 100.0 })).collect()
    }

    #[test]
    fn a_volatility_takes_twelve_returns() {
        assert_eq!(followed(&zigzag(11, 0.01)).realised(Class::Stock), None);
        let pace = followed(&zigzag(12, 0.001));
        // A thousandth every half a minute: 0.001 · √(252 · 6.5 · 3600 / 30), and 365 days of 24 h.
        for (class, expected) in [
            (Class::Stock, 0.4431),
            (Class::Index, 0.4431),
            (Class::Fx, 0.8515),
            (Class::Crypto, 1.0248),
        ] {
            let realised = pace.realised(class).unwrap().part();
            assert!((realised - expected).abs() < 1e-4, "{class:?}: {realised}");
        }
        assert_eq!(pace.realised(Class::Macro), None);
    }

    #[test]
    fn a_price_that_stands_still_has_none_and_lives_as_long_as_may_be() {
        let still = followed(&zigzag(12, 0.0)).realised(Class::Stock).unwrap();
        assert_eq!(still, Realised(0));
        let calm = Market { volatility: Some(still), ..Market::default() };
        for most in [1.0, 3.0] {
            let by = Volatility { most, ..Volatility::default() };
            assert!((by.factor(&calm, Class::Stock) - most).abs() < 1e-9);
        }
    }

    #[test]
    fn one_wild_return_fades() {
        let mut quotes = zigzag(12, 0.0);
        quotes.push((30_000, 110.0));
        let wild = followed(&quotes).realised(Class::Stock).unwrap();
        assert!(wild.part() > 1.0, "{wild}");
        let mut last = wild;
        for _ in 0..8 {
            quotes.extend([(30_000, 110.0); 120]);
            let faded = followed(&quotes).realised(Class::Stock).unwrap();
            assert!(faded < last, "{faded} after {last}");
            last = faded;
        }
        // Eight half-lives: its square weighs a 256th, of whole hours instead of six minutes.
        assert!(last.part() < wild.part() / 30.0, "{last} of {wild}");
    }

    #[test]
    fn what_lies_between_sessions_is_no_return() {
        let hour = 3_600_000;
        for (case, step, price, returns, from) in [
            ("the same instant", 0, 200.0, 12, 100.0),
            ("earlier", -60_000, 200.0, 12, 100.0),
            ("too soon", 4_999, 200.0, 12, 100.0),
            ("soon enough", 5_000, 200.0, 13, 200.0),
            ("two hours", 2 * hour, 200.0, 13, 200.0),
            ("longer", 2 * hour + 1, 200.0, 12, 200.0),
            ("a week-end", 66 * hour, 200.0, 12, 200.0),
            ("a silence", 120 * hour + 1, 200.0, 0, 200.0),
        ] {
            let mut quotes = zigzag(12, 0.001);
            let before = followed(&quotes);
            quotes.push((step, price));
            let after = followed(&quotes);
            assert_eq!(after.returns, returns, "{case}");
            assert!((after.price - from).abs() < 1e-9, "{case}: {}", after.price);
            let as_before = after.realised(Class::Stock) == before.realised(Class::Stock);
            assert_eq!(as_before, returns == 12, "{case}");
        }
    }

    #[test]
    fn two_providers_are_never_compared() {
        let at = |seconds: i64| Timestamp::from_ms(START + seconds * 1000);
        let pace = Moves::from("binance", 100.0, at(0)).after("yahoo", 90.0, at(60));
        assert_eq!((&*pace.provider, pace.returns), ("binance", 0));
        let pace = pace.after("binance", 101.0, at(120));
        assert_eq!((pace.returns, pace.at), (1, at(120)));
        let pace = pace.after("yahoo", 90.0, at(120 + 7201));
        assert_eq!((&*pace.provider, pace.returns), ("yahoo", 1));
        assert_eq!(pace.after("yahoo", 90.0, at(120 + 7261)).returns, 2);
    }

    #[test]
    fn a_factor_is_usual_by_realised_within_its_bounds() {
        let wide = Volatility { least: 0.25, most: 4.0, ..Volatility::default() };
        for (class, by, realised, factor) in [
            (Class::Stock, Volatility::default(), None, 1.0),
            (Class::Stock, Volatility::default(), Some(0.5), 0.8),
            (Class::Stock, Volatility::default(), Some(0.4), 1.0),
            (Class::Stock, Volatility::default(), Some(0.2), 1.0),
            (Class::Stock, Volatility::default(), Some(9.6), 0.5),
            (Class::Stock, wide, Some(0.2), 2.0),
            (Class::Stock, wide, Some(0.01), 4.0),
            (Class::Stock, wide, Some(4000.0), 0.25),
            (Class::Index, wide, Some(0.5), 0.5),
            (Class::Fx, wide, Some(0.24), 0.5),
            (Class::Crypto, wide, Some(1.6), 0.5),
            (Class::Macro, wide, Some(1.6), 1.0),
        ] {
            let found = by.factor(&market(realised), class);
            assert!((found - factor).abs() < 1e-9, "{class:?} {realised:?}: {found}");
        }
    }

    #[test]
    fn a_volatility_is_said_in_percent() {
        for (part, says) in
            [(0.96, "96%"), (2.34, "234%"), (0.0421, "4.2%"), (0.0996, "10%"), (0.0, "0.0%")]
        {
            assert_eq!(Realised::of(part).to_string(), says);
        }
        assert_eq!(Realised::of(1e12), Realised(u32::MAX));
    }

    /// The same by its definition: every return weighed by how long ago it was.
    fn naive(quotes: &[(i64, f64)]) -> Option<f64> {
        let mut at = 0;
        let (mut price, mut since) = (100.0_f64, 0);
        let mut returns: Vec<(i64, f64, f64)> = Vec::new();
        for (step, next) in quotes {
            at += step;
            let apart = at - since;
            if apart < 5000 {
                continue;
            }
            if apart <= 7_200_000 {
                #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds")]
                returns.push((at, (next / price).ln().powi(2), apart as f64 / 1000.0));
            } else {
                // What is not followed makes nothing older.
                for (then, ..) in &mut returns {
                    *then += apart;
                }
            }
            (price, since) = (*next, at);
        }
        #[expect(clippy::cast_precision_loss, reason = "hours in milliseconds")]
        let weight = |then: i64| 0.5_f64.powf((since - then) as f64 / 3_600_000.0);
        let sum = |part: &dyn Fn(&(i64, f64, f64)) -> f64| {
            returns.iter().map(|one| part(one) * weight(one.0)).sum::<f64>()
        };
        let variance = sum(&|one| one.1) / sum(&|one| one.2) * 252.0 * 6.5 * 3600.0;
        (returns.len() >= 12).then(|| variance.sqrt())
    }

    proptest! {
        #[test]
        fn what_is_summed_as_it_comes_is_what_the_definition_says(
            quotes in proptest::collection::vec((1_i64..10_000_000, 50.0..200.0_f64), 0..60),
        ) {
            let found = followed(&quotes).realised(Class::Stock).map(Realised::part);
            let naive = naive(&quotes);
            prop_assert_eq!(found.is_some(), naive.is_some());
            if let (Some(found), Some(naive)) = (found, naive) {
                prop_assert!((found - naive).abs() <= naive * 1e-6 + 1e-6, "{found} {naive}");
            }
        }

        #[test]
        fn a_factor_is_within_bounds_and_falls_as_volatility_rises(
            calm in 0.0..20.0_f64,
            wilder in 0.0..20.0_f64,
            least in 0.01..=1.0_f64,
            most in 1.0..=10.0_f64,
        ) {
            let by = Volatility { least, most, ..Volatility::default() };
            let (calm, wild) = (calm.min(wilder), calm.max(wilder));
            let [calm, wild] = [calm, wild].map(|v| by.factor(&market(Some(v)), Class::Crypto));
            prop_assert!(wild <= calm && least <= wild && calm <= most, "{calm} {wild}");
        }

        #[test]
        fn a_scaled_ttl_is_of_whole_milliseconds_monotone_and_never_nothing(
            ms in 1_u64..10_000_000_000,
            more in 0_u64..10_000_000,
            low in 0.01..10.0_f64,
            high in 0.01..10.0_f64,
        ) {
            let (low, high) = (low.min(high), low.max(high));
            let ttl = Duration::from_millis(ms);
            let short = scaled(ttl, low);
            prop_assert!(short >= Duration::from_millis(1));
            prop_assert_eq!(short.subsec_nanos() % 1_000_000, 0);
            prop_assert!(short <= scaled(ttl, high));
            prop_assert!(short <= scaled(ttl + Duration::from_millis(more), low));
            prop_assert_eq!(scaled(ttl, 1.0), ttl);
        }
    }

    #[test]
    fn no_ttl_stays_none_and_for_ever_stays_for_ever() {
        assert_eq!(scaled(Duration::ZERO, 0.5), Duration::ZERO);
        assert_eq!(scaled(Duration::from_millis(1), 0.01), Duration::from_millis(1));
        assert_eq!(scaled(Duration::MAX, 10.0), Duration::from_millis(u64::MAX));
    }
}
