//! Bars as they are answered: of one symbol and one interval, adjusted as they were asked for.

use super::{BarState, Bars, Fault, Interval};

/// By what prices are adjusted when they are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Adjust {
    /// By nothing: what was paid on that day.
    None,
    /// By splits, as Yahoo shows prices.
    #[default]
    Splits,
    /// By splits and dividends.
    All,
}

impl Adjust {
    /// The name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Splits => "splits",
            Self::All => "all",
        }
    }
}

/// Neighbouring bars whose prices are of shares as they were divided at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many bars.
    pub bars: usize,
    /// The instant, in milliseconds UTC: the splits up to it are in the prices, those after it are
    /// not; and so are the dividends in the adjusted closes.
    pub basis_ms: i64,
}

/// A span that an answer lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Its first instant, in milliseconds UTC.
    pub from_ms: i64,
    /// The first instant after it.
    pub to_ms: i64,
    /// Why it could not be had.
    pub why: String,
}

/// An answer of bars. Its bars are adjusted; final ones come first, then provisional ones, then the
/// live one.
#[derive(Clone, Debug, PartialEq)]
pub struct BarSeries {
    /// The symbol in our spelling.
    pub symbol: String,
    /// `stock`, `crypto`, `fx` or `index`.
    pub asset_class: String,
    /// Who said so.
    pub provider: String,
    /// How long a bar is.
    pub interval: Interval,
    /// What the prices are in.
    pub currency: Option<String>,
    /// By what they are adjusted.
    pub adjust: Adjust,
    /// The bars.
    pub bars: Bars,
    /// How many of them are final.
    pub finals: usize,
    /// How many of them have ended, final or not.
    pub ended: usize,
    /// What is missing of what was asked for; nothing unless a part was wanted.
    pub missing: Vec<Gap>,
    /// What looks wrong of the bars, or, of weeks and months, of their days.
    pub faults: Vec<Fault>,
}

impl BarSeries {
    /// How settled the bar at this place is.
    pub fn state(&self, at: usize) -> BarState {
        if at < self.finals {
            BarState::Final
        } else if at < self.ended {
            BarState::Provisional
        } else {
            BarState::Live
        }
    }
}
