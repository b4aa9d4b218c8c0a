//! A snapshot of one symbol.

use serde::{Deserialize, Serialize};

use crate::number::Number;

/// What the market of a symbol was doing when the quote was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MarketState {
    /// Before the session, with early trading.
    Pre,
    /// In the regular session.
    Regular,
    /// After the session, with late trading.
    Post,
    /// No trading.
    Closed,
}

impl MarketState {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pre => "pre",
            Self::Regular => "regular",
            Self::Post => "post",
            Self::Closed => "closed",
        }
    }
}

/// A snapshot: what a symbol costs, and how it got there.
///
/// The fields and their order are the contract's (section 3); what upstream lacks is `None`.
/// Prices are in `currency` as sent (`GBp` is pence); `volume` is in units of the instrument,
/// for crypto in units of the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    /// The symbol in our spelling, `BTC/USD`.
    pub symbol: String,
    /// `stock`, `crypto`, `macro`, `fx` or `index`.
    pub asset_class: String,
    /// Always `quote`.
    #[serde(rename = "type")]
    pub data_type: String,
    /// Who said so.
    pub provider: String,
    /// The last price.
    pub price: Number,
    /// The last price of the session before.
    pub previous_close: Option<Number>,
    /// How far the price has moved: what upstream says, else `price` less `previous_close`.
    pub change: Option<Number>,
    /// The same in percent points of where it came from.
    pub change_percent: Option<Number>,
    /// The first price of the session, or of the last 24 hours where the market never closes.
    pub open: Option<Number>,
    /// The highest price of the same time.
    pub high: Option<Number>,
    /// The lowest price of the same time.
    pub low: Option<Number>,
    /// The best price offered for it.
    pub bid: Option<Number>,
    /// The best price it is offered at.
    pub ask: Option<Number>,
    /// What was traded in the same time.
    pub volume: Option<Number>,
    /// What the prices are in.
    pub currency: Option<String>,
    /// The exchange in upstream's spelling.
    pub exchange: Option<String>,
    /// What the market was doing.
    pub market_state: Option<MarketState>,
    /// When the last price was made, RFC 3339 UTC.
    pub time: Option<String>,
}

/// What of a stored quote says whether its market moves, read without the rest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Traded {
    /// The last price.
    pub price: Number,
    /// What was traded.
    pub volume: Option<Number>,
    /// The last price of the session before.
    pub previous_close: Option<Number>,
}

impl Traded {
    /// Reads a quote as it is stored; none if it is none.
    pub fn read(body: &[u8]) -> Option<Self> {
        serde_json::from_slice(body).ok()
    }
}

impl Quote {
    /// The names of the fields in output, in their order.
    pub const MEMBERS: [&str; 18] = [
        "symbol",
        "asset_class",
        "type",
        "provider",
        "price",
        "previous_close",
        "change",
        "change_percent",
        "open",
        "high",
        "low",
        "bid",
        "ask",
        "volume",
        "currency",
        "exchange",
        "market_state",
        "time",
    ];

    /// A quote of which only the price is known.
    pub fn of(symbol: &super::Symbol, provider: &str, price: Number) -> Self {
        Self {
            symbol: symbol.to_string(),
            asset_class: symbol.class().as_str().to_owned(),
            data_type: super::DataType::Quote.as_str().to_owned(),
            provider: provider.to_owned(),
            price,
            previous_close: None,
            change: None,
            change_percent: None,
            open: None,
            high: None,
            low: None,
            bid: None,
            ask: None,
            volume: None,
            currency: None,
            exchange: None,
            market_state: None,
            time: None,
        }
    }

    /// The same quote with `change` and `change_percent` worked out from `previous_close`, for
    /// an upstream that does not send them.
    #[must_use]
    pub fn with_change_from(mut self, previous_close: Option<Number>) -> Self {
        if let Some(before) = &previous_close {
            self.change = self.price.minus(before);
            let base = before.as_f64();
            if base != 0.0 {
                self.change_percent =
                    Number::rounded((self.price.as_f64() - base) / base * 100.0, 4);
            }
        }
        self.previous_close = previous_close;
        self
    }
}
