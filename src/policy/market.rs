//! What is known of the market of a symbol: where it trades, how fast it moves, whether it is busy.
//!
//! A hit needs the [`Market`] and reads nothing else; what it takes to bring that up to date
//! ([`Followed`]) is looked at only when a quote is stored. Every instant is of the program's clock,
//! as the quotes are that it is made of.

use super::volatility::{LONGEST_STEP, Moves, Realised};
use super::volume::{HighVolume, History};
use crate::market::{Class, ExchangeCode, MarketState, Quote};
use crate::number::Number;
use crate::time::Timestamp;

/// What is known of the market of a symbol. The default is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Market {
    /// Where it trades, by the last provider that said so.
    pub exchange: Option<ExchangeCode>,
    /// How much its price moves.
    pub volatility: Option<Realised>,
    /// When more was traded than usual, the last time that this was so.
    pub high_volume: Option<HighVolume>,
}

impl Market {
    /// Why what was fetched at this instant was fetched in unusual volume, if it was.
    pub fn unusual_volume(&self, at: Timestamp) -> Option<HighVolume> {
        self.high_volume.filter(|high| high.holds(at))
    }

    /// Whether what was fetched at this instant was fetched in unusual volume.
    pub fn is_unusual(&self, at: Timestamp) -> bool {
        self.unusual_volume(at).is_some()
    }
}

/// What a quote says of the market of its symbol, besides whose it is and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sighting {
    /// Where it trades.
    pub exchange: Option<ExchangeCode>,
    /// The price; above zero.
    pub price: f64,
    /// What was traded; none if nothing was, or nobody counts.
    pub volume: Option<f64>,
    /// Whether it is of a regular session, as far as is known. Outside of one prices stand still
    /// or are few people's, and volumes are those of the session before.
    pub in_session: bool,
    /// How many times the usual volume is unusual.
    pub unusual_above: f64,
}

impl Sighting {
    /// What is known of a market by nothing else.
    pub fn alone(&self) -> Market {
        Market { exchange: self.exchange, ..Market::default() }
    }

    /// What this quote says; none of what is not traded.
    pub fn of(quote: &Quote, exchange: Option<ExchangeCode>, unusual_above: f64) -> Option<Self> {
        let price = quote.price.as_f64();
        let is_traded = quote.asset_class != Class::Macro.as_str();
        (is_traded && price > 0.0 && price.is_finite()).then(|| Self {
            exchange,
            price,
            volume: quote.volume.as_ref().map(Number::as_f64).filter(|v| *v > 0.0),
            in_session: quote.market_state.is_none_or(|state| state == MarketState::Regular),
            unusual_above,
        })
    }
}

/// Whose a sighting is, and when.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The class of its symbol.
    pub class: Class,
    /// Who said so.
    pub provider: &'a str,
    /// When they were asked.
    pub at: Timestamp,
    /// What they said.
    pub sighting: &'a Sighting,
}

/// What is known of a market, and what it takes to bring that up to date.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Followed {
    /// What is known.
    pub market: Market,
    /// When it was last seen; none if it never was.
    pub seen_at: Option<Timestamp>,
    /// How its price moved.
    pub pace: Option<Moves>,
}

impl Followed {
    /// What comes of a further quote, and of the history of volumes at its time of day if it says
    /// something of that. Nothing comes of a quote that is older than what was seen: two processes
    /// that land at once come in any order.
    ///
    /// What was seen long after it was seen by a clock that was wrong, and is forgotten.
    #[must_use]
    pub fn after(self, seen: &Seen<'_>, history: &History) -> (Self, Option<History>) {
        let Seen { class, provider, at, sighting } = *seen;
        let mut next = self;
        if let Some(seen_at) = next.seen_at.filter(|seen_at| *seen_at > at) {
            if seen_at.since(at) <= LONGEST_STEP {
                return (next, None);
            }
            let market = Market { exchange: next.market.exchange, ..Market::default() };
            next = Self { market, ..Self::default() };
        }
        next.seen_at = Some(at);
        next.market.exchange = sighting.exchange.or(next.market.exchange);
        if !sighting.in_session {
            return (next, None);
        }
        let price = sighting.price;
        let pace = match next.pace.take() {
            Some(pace) => pace.after(provider, price, at),
            None => Moves::from(provider, price, at),
        };
        next.market.volatility = pace.realised(class);
        next.pace = Some(pace);
        let history = sighting.volume.map(|volume| {
            let (held, usual) = (next.market.high_volume, history.usual(at.day()));
            let above = sighting.unusual_above;
            next.market.high_volume = HighVolume::after(held, volume, usual, above, at);
            history.after(at.day(), volume)
        });
        (next, history)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Symbol;

    const SIGHTING: Sighting = Sighting {
        exchange: None,
        price: 100.0,
        volume: None,
        in_session: true,
        unusual_above: 1.5,
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(1_782_918_000 + seconds)
    }

    fn seen(sighting: &Sighting, at: Timestamp) -> Seen<'_> {
        Seen { class: Class::Stock, provider: "yahoo", at, sighting }
    }

    fn after(followed: &Followed, sighting: &Sighting, at: Timestamp) -> Followed {
        followed.clone().after(&seen(sighting, at), &History::default()).0
    }

    /// Twelve returns of one percent, half a minute apart.
    fn stormy() -> Followed {
        (0..=12).fold(Followed::default(), |followed, n| {
            let price = if n % 2 == 0 { 100.0 } else { 101.0 };
            after(&followed, &Sighting { price, ..SIGHTING }, at(i64::from(n) * 30))
        })
    }

    #[test]
    fn an_exchange_that_is_not_said_stays_what_it_was() {
        let nasdaq = ExchangeCode::parse("XNAS");
        let followed =
            after(&Followed::default(), &Sighting { exchange: nasdaq, ..SIGHTING }, at(0));
        assert_eq!(followed.market.exchange, nasdaq);
        let followed = after(&followed, &SIGHTING, at(60));
        assert_eq!(followed.market.exchange, nasdaq);
        let closed =
            Sighting { in_session: false, exchange: ExchangeCode::parse("FX"), ..SIGHTING };
        assert_eq!(after(&followed, &closed, at(120)).market.exchange.unwrap().as_str(), "FX");
    }

    #[test]
    fn what_is_said_outside_of_a_session_is_of_no_pace_and_no_volume() {
        let stormy = stormy();
        let closed = Sighting { in_session: false, price: 1.0, volume: Some(1.0), ..SIGHTING };
        let (next, history) = stormy.clone().after(&seen(&closed, at(600)), &History::default());
        assert_eq!((next.market, next.pace, history), (stormy.market, stormy.pace, None));
        assert_eq!(next.seen_at, Some(at(600)));
    }

    #[test]
    fn what_comes_late_changes_nothing_and_a_wrong_clock_is_forgotten() {
        let stormy = stormy();
        assert!(stormy.market.volatility.is_some());
        let late = Sighting { volume: Some(9.0), price: 1.0, ..SIGHTING };
        let (next, history) = stormy.clone().after(&seen(&late, at(359)), &History::default());
        assert_eq!((next, history), (stormy.clone(), None));
        let right = after(&stormy, &SIGHTING, at(-86_400));
        assert_eq!(right.market.volatility, None);
        assert_eq!(right.pace, Some(Moves::from("yahoo", 100.0, at(-86_400))));
    }

    #[test]
    fn a_volume_is_judged_by_the_days_before_and_then_remembered() {
        let today = at(0).day();
        let history = History((today - 6..today).map(|day| (day, 100.0)).collect());
        let busy = Sighting { volume: Some(230.0), ..SIGHTING };
        let (next, after) = Followed::default().after(&seen(&busy, at(0)), &history);
        assert!(next.market.is_unusual(at(0)) && !next.market.is_unusual(at(-1)));
        assert_eq!(
            next.market.unusual_volume(at(0)).unwrap().to_string(),
            "unusual volume: 2.3 times the median of 6 sessions"
        );
        assert_eq!(after.unwrap().0.last(), Some(&(today, 230.0)));
        let (next, _) = next.after(&seen(&SIGHTING, at(60)), &history);
        assert!(next.market.is_unusual(at(60)), "a quote without a volume ends nothing");
        let usual = Sighting { volume: Some(150.0), ..SIGHTING };
        let (next, _) = next.after(&seen(&usual, at(90)), &history);
        assert!(next.market.is_unusual(at(60)) && !next.market.is_unusual(at(90)));
    }

    #[test]
    fn a_quote_says_what_is_traded() {
        let number = |text| Number::parse(text).unwrap();
        let quote = |class, price| Quote::of(&Symbol::new(class, "TEST"), "yahoo", number(price));
        let of = |quote: &Quote| Sighting::of(quote, None, 1.5);
        assert_eq!(of(&quote(Class::Macro, "5")), None);
        assert_eq!(of(&quote(Class::Stock, "100")), Some(SIGHTING));
        for (state, in_session) in [
            (MarketState::Pre, false),
            (MarketState::Regular, true),
            (MarketState::Post, false),
            (MarketState::Closed, false),
        ] {
            let quote = Quote { market_state: Some(state), ..quote(Class::Stock, "1") };
            assert_eq!(of(&quote).unwrap().in_session, in_session, "{state:?}");
        }
        for (volume, expected) in [("0", None), ("12.5", Some(12.5))] {
            let quote = Quote { volume: Some(number(volume)), ..quote(Class::Fx, "1") };
            assert_eq!(of(&quote).unwrap().volume, expected);
        }
    }
}
