//! How long a value lasts by how often it was seen to change.
//!
//! Each time that a held value is replaced by one that was fetched, one learns how much time has gone
//! by and whether it is another value; not how often it has changed in between. The rate of change
//! is estimated from that as Cho and Garcia-Molina do ("Estimating frequency of change", ACM
//! Transactions on Internet Technology 3(3), 2003): `-ln((n - x + 0.5) / (n + 0.5))`
//! changes a mean interval, of n looks of which x have found a change; unlike x / n it neither misses
//! the changes between two looks nor fails where every look has found one. If changes are a Poisson
//! process of that rate, a value has changed with probability p once `-ln(1 - p) / rate` has gone by.
//!
//! # Rules for changing it
//!
//! Paces stand in the database and are read by other versions: looks, changes and the time between
//! them mean the same for ever. Nobody learns anything while a market is closed: a night without a
//! change says nothing of the day, and a change over night is not one in so many hours.

use std::time::Duration;

use super::hours::{Bound, is_market_data};
use super::known::{Known, Reader};
use super::life::Rules;
use crate::entry::{Entry, Format};
use crate::market::{DataType, Traded};
use crate::units::{Share, duration_for_people};

/// Fewer looks than this say nothing.
const FEWEST: u32 = 8;

/// From this many looks on the old ones count half: markets change their pace too.
const MANY: u32 = 64;

/// How times to live follow the pace of values.
///
/// Invariant: `least <= most`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adaptive {
    /// They are never shorter than so many times what the rules say.
    pub least: f64,
    /// Nor longer than so many times.
    pub most: f64,
    /// The probability with which a value may have changed when it goes stale.
    pub stale: Share,
}

impl Default for Adaptive {
    fn default() -> Self {
        Self { least: 0.5, most: 8.0, stale: Share(0.1) }
    }
}

/// How often a value was seen to change. The default is that nobody has looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looks {
    /// How often it was looked at anew.
    pub looks: u32,
    /// How often it was another one.
    pub changes: u32,
    /// The time between the looks, all together, in milliseconds.
    pub elapsed_ms: u64,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The value of before.
    TheSame,
    /// Another one.
    Another,
}

impl Looks {
    /// The same after one more look.
    #[must_use]
    pub fn after(self, elapsed: Duration, seen: Seen) -> Self {
        let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let pace = Self {
            looks: self.looks.saturating_add(1),
            changes: self.changes.saturating_add(u32::from(seen == Seen::Another)),
            elapsed_ms: self.elapsed_ms.saturating_add(ms),
        };
        if pace.looks < MANY {
            return pace;
        }
        Self { looks: pace.looks / 2, changes: pace.changes / 2, elapsed_ms: pace.elapsed_ms / 2 }
    }

    /// The changes in a second, as estimated; without bound where no time has gone by.
    #[expect(clippy::cast_precision_loss, reason = "a century of milliseconds is below 2^53")]
    pub fn rate(self) -> f64 {
        if self.changes == 0 {
            return 0.0;
        }
        let (looks, changes) = (f64::from(self.looks), f64::from(self.changes));
        let of_an_interval = -((looks - changes + 0.5) / (looks + 0.5)).ln();
        of_an_interval * looks / (self.elapsed_ms as f64 / 1000.0)
    }
}

impl Adaptive {
    /// How long a value of this pace lasts that lasts so long by rule; nothing while too little is
    /// known.
    pub fn ttl(&self, usual: Duration, pace: Looks) -> Option<Duration> {
        if pace.looks < FEWEST || pace.changes > pace.looks {
            return None;
        }
        let rate = pace.rate();
        let (least, most) = (usual.mul_f64(self.least), usual.mul_f64(self.most));
        if rate == 0.0 {
            return Some(in_ms(most));
        }
        let wanted = Duration::try_from_secs_f64(-(1.0 - self.stale.0).ln() / rate);
        Some(in_ms(wanted.unwrap_or(Duration::MAX).clamp(least, most)))
    }

    /// Why it lasts so long.
    pub(super) fn says(ttl: Duration, pace: Looks) -> String {
        let Looks { looks, changes, .. } = pace;
        format!("{}: changed in {changes} of {looks} looks", duration_for_people(ttl))
    }
}

impl Rules {
    /// The pace of an entry that takes the place of another of the same name; of no interest to who
    /// does not learn.
    pub fn paced(&self, known: &Known, before: &Entry, after: &Entry) -> Looks {
        let pace = known.pace;
        let Some(adaptive) = self.adaptive else { return Looks::default() };
        let is_learned =
            |entry: &Entry| entry.format != Format::NotFound && entry.own_ttl.is_none();
        if !is_learned(before) || !is_learned(after) || after.fetched_at <= before.fetched_at {
            return pace;
        }
        if !self.is_open_between(before, after, known) {
            return pace;
        }
        let elapsed = after.fetched_at.since(before.fetched_at);
        if !is_another(before, after) {
            return pace.after(elapsed, Seen::TheSame);
        }
        // A change in a day may have come within seconds. Counted in full, a value that always
        // changes and is seldom read would seem to change seldom.
        let usual = self.life(before, &Known::default(), Reader::at(after.fetched_at)).ttl;
        pace.after(elapsed.min(usual.mul_f64(adaptive.most)), Seen::Another)
    }

    /// Whether the market of an entry was open all the time until it was replaced, if it has hours.
    fn is_open_between(&self, before: &Entry, after: &Entry, known: &Known) -> bool {
        let is_bound = is_market_data(before.key.data_type());
        let Some(hours) = self.hours.as_ref().filter(|_| is_bound) else {
            return true;
        };
        let Some(exchange) = self.exchange(&before.key, known) else { return true };
        let delay = hours.delay(&before.provider, exchange);
        match hours.bound(exchange, delay, before.fetched_at) {
            (Bound::Ends(at), phase) => phase.is_open && after.fetched_at <= at,
            (Bound::Lasts(_), _) => false,
        }
    }
}

/// Whether it is another value: of quotes the price and the volume, of all else the bytes.
fn is_another(before: &Entry, after: &Entry) -> bool {
    let traded = |entry: &Entry| {
        let Traded { price, volume, .. } = Traded::read(&entry.body)?;
        Some((price.as_f64(), volume.map(|volume| volume.as_f64())))
    };
    let is_quote = before.key.data_type() == DataType::Quote.as_str();
    match is_quote.then(|| traded(before).zip(traded(after))).flatten() {
        Some((before, after)) => before != after,
        None => before.body != after.body,
    }
}

/// In whole milliseconds, as all times to live are.
fn in_ms(ttl: Duration) -> Duration {
    Duration::from_millis(u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assume, proptest};

    use super::*;
    use crate::key::Key;
    use crate::policy::hours::Hours;
    use crate::time::Timestamp;

    const USUAL: Duration = Duration::from_secs(30);

    fn pace(looks: u32, changes: u32, elapsed_ms: u64) -> Looks {
        Looks { looks, changes, elapsed_ms }
    }

    fn ttl(pace: Looks) -> Option<Duration> {
        Adaptive::default().ttl(USUAL, pace)
    }

    /// Numbers from 0 to 1, the same in every run: `SplitMix64` (Steele, Lea, Flood 2014).
    struct Seeded(u64);

    impl Seeded {
        #[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    #[test]
    fn a_few_looks_say_nothing_and_more_say_what_can_be_counted_by_hand() {
        assert_eq!(ttl(Looks::default()), None);
        assert_eq!(ttl(pace(7, 7, 7)), None);
        assert_eq!(ttl(pace(8, 9, 8)), None, "what cannot be is not believed");
        for (looks, changes, elapsed_s, seconds) in [
            // -ln(0.9) = 0.10536; -ln(13.5 / 20.5) = 0.41773 a mean interval of 100 s.
            (20, 7, 2000, 25.222),
            // -ln(15.5 / 20.5) = 0.27958 an interval of 300 s.
            (20, 5, 6000, 113.055),
            (20, 0, 600, 240.0),
            (20, 20, 600, 15.0),
            (20, 20, 0, 15.0),
        ] {
            let found = ttl(pace(looks, changes, elapsed_s * 1000)).unwrap().as_secs_f64();
            assert!((found - seconds).abs() < 0.01, "{changes} of {looks}: {found}");
        }
    }

    #[test]
    fn the_bounds_of_what_may_be_stale_are_those_of_the_time() {
        let of = |stale| Adaptive { stale: Share(stale), ..Adaptive::default() };
        for (stale, changes, seconds) in
            [(0.0, 5, 15), (1.0, 5, 240), (0.0, 0, 240), (1.0, 20, 240)]
        {
            let found = of(stale).ttl(USUAL, pace(20, changes, 600_000));
            assert_eq!(found, Some(Duration::from_secs(seconds)), "{stale} {changes}");
        }
        assert_eq!(of(0.1).ttl(Duration::ZERO, pace(20, 5, 1)), Some(Duration::ZERO));
    }

    #[test]
    fn a_value_that_never_changes_comes_to_most_and_one_that_always_does_to_least() {
        for (seen, seconds) in [(Seen::TheSame, 240), (Seen::Another, 15)] {
            let mut pace = Looks::default();
            for look in 1..=500 {
                pace = pace.after(USUAL, seen);
                let expected = (look >= FEWEST).then(|| Duration::from_secs(seconds));
                assert_eq!(ttl(pace), expected, "{seen:?} {look}");
                assert!(pace.looks < MANY);
            }
        }
    }

    #[test]
    fn what_was_learned_is_forgotten_in_time() {
        let mut pace = Looks::default();
        for _ in 0..500 {
            pace = pace.after(USUAL, Seen::Another);
        }
        assert_eq!(ttl(pace), Some(Duration::from_secs(15)));
        for _ in 0..500 {
            pace = pace.after(USUAL, Seen::TheSame);
        }
        assert_eq!((pace.changes, ttl(pace)), (0, Some(Duration::from_mins(4))));
    }

    /// Changes as they come by chance, seen at irregular looks. Of a few dozen looks one estimate is
    /// off by a fifth as often as not, so what is held is where estimates lie.
    #[test]
    fn the_rate_of_changes_by_chance_is_found_within_a_fifth() {
        const KEYS: u32 = 100;
        let mut chance = Seeded(4);
        for rate in [0.002, 0.01, 0.03] {
            let mut sum = 0.0;
            for _ in 0..KEYS {
                let mut pace = Looks::default();
                for _ in 0..200 {
                    let seconds = 20.0 + 20.0 * chance.next();
                    let is_changed = chance.next() < 1.0 - (-rate * seconds).exp();
                    let seen = if is_changed { Seen::Another } else { Seen::TheSame };
                    pace = pace.after(Duration::from_secs_f64(seconds), seen);
                }
                sum += pace.rate();
            }
            let found = sum / f64::from(KEYS);
            assert!((found / rate - 1.0).abs() < 0.2, "{found} and not {rate}");
        }
    }

    fn entry(key: &str, at: &str, body: &str) -> Entry {
        Entry {
            key: Key::from_stored(key),
            provider: "yahoo".into(),
            fetched_at: Timestamp::parse(at).unwrap(),
            own_ttl: None,
            format: Format::Json,
            body: body.as_bytes().into(),
        }
    }

    const OPEN: &str = "2026-07-01T15:00:00Z";
    const MINUTE_LATER: &str = "2026-07-01T15:01:00Z";
    const DAY_LATER: &str = "2026-07-02T15:00:00Z";
    const ONE: &str = r#"{"price":1,"volume":5}"#;
    const OTHER: &str = r#"{"price":2,"volume":5}"#;

    /// What a pace of 1 in 3 looks and 5 seconds becomes when one value takes the place of another.
    fn paced(key: &str, from: &str, to: &str, before: &str, after: &str) -> (u32, u32, u64) {
        let rules = Rules {
            adaptive: Some(Adaptive::default()),
            default_ttl: USUAL,
            hours: Some(Hours::default()),
            ..Rules::default()
        };
        let (before, after) = (entry(key, from, before), entry(key, to, after));
        let pace = pace(3, 1, 5000);
        let known = Known { pace, ..Known::default() };
        let fixed = Rules { adaptive: None, ..rules.clone() };
        assert_eq!(fixed.paced(&known, &before, &after), Looks::default());
        let put = Entry { own_ttl: Some(USUAL), ..before.clone() };
        assert_eq!(rules.paced(&known, &put, &after), pace);
        let unknown = Entry { format: Format::NotFound, ..after.clone() };
        assert_eq!(rules.paced(&known, &before, &unknown), pace);
        let Looks { looks, changes, elapsed_ms } = rules.paced(&known, &before, &after);
        (looks, changes, elapsed_ms / 1000)
    }

    #[test]
    fn a_quote_is_another_if_its_price_or_its_volume_is_and_all_else_if_its_bytes_are() {
        for (case, key, before, after, changes) in [
            ("price", "quote:stock:AAPL", ONE, OTHER, 2),
            ("nothing", "quote:stock:AAPL", ONE, ONE, 1),
            ("time", "quote:stock:AAPL", ONE, r#"{"price":1.0,"volume":5,"time":"x"}"#, 1),
            ("volume", "quote:stock:AAPL", ONE, r#"{"price":1}"#, 2),
            ("what is no quote", "quote:stock:AAPL", "{}", "{ }", 2),
            ("other bytes", "series:macro:GDP", ONE, r#"{"price":1,"volume":5 }"#, 2),
            ("the same bytes", "series:macro:GDP", ONE, ONE, 1),
        ] {
            let found = paced(key, OPEN, MINUTE_LATER, before, after);
            assert_eq!(found, (4, changes, 65), "{case}");
        }
    }

    #[test]
    fn a_look_is_one_while_the_market_is_open() {
        let unknown = (3, 1, 5);
        let (saturday, an_hour_later) = ("2026-06-27T12:00:00Z", "2026-06-27T13:00:00Z");
        for (case, key, from, to, after, expected) in [
            ("at once", "quote:stock:AAPL", OPEN, OPEN, OTHER, unknown),
            ("over a close", "quote:stock:AAPL", OPEN, DAY_LATER, OTHER, unknown),
            ("closed", "quote:stock:AAPL", saturday, an_hour_later, ONE, unknown),
            // A change in a day counts as one in 8 times 30 s, no change in full.
            ("a day", "quote:crypto:BTC", OPEN, DAY_LATER, OTHER, (4, 2, 245)),
            ("a day, the same", "quote:crypto:BTC", OPEN, DAY_LATER, ONE, (4, 1, 86_405)),
            ("no market", "series:macro:GDP", OPEN, DAY_LATER, ONE, (4, 1, 86_405)),
        ] {
            assert_eq!(paced(key, from, to, ONE, after), expected, "{case}");
        }
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds_and_more_changes_never_make_it_longer(
            looks in FEWEST..MANY,
            changes in 0..MANY,
            elapsed_ms in 0_u64..200_000_000,
            usual_ms in 0_u64..20_000_000,
            stale in 0.0..1.0,
            least in 0.01..1.0,
            most in 1.0..100.0,
        ) {
            prop_assume!(changes < looks);
            let adaptive = Adaptive { least, most, stale: Share(stale) };
            let usual = Duration::from_millis(usual_ms);
            let ttl = |changes| adaptive.ttl(usual, pace(looks, changes, elapsed_ms)).unwrap();
            let (fewer, more) = (ttl(changes), ttl(changes + 1));
            prop_assert!(more <= fewer, "{more:?} {fewer:?}");
            let step = Duration::from_millis(1);
            prop_assert!(more + step >= usual.mul_f64(least), "{more:?}");
            prop_assert!(fewer <= usual.mul_f64(most), "{fewer:?}");
        }
    }
}
