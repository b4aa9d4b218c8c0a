//! What an answer is for: how fresh that has to be, and how it comes to be known.
//!
//! A use case is given (`--use`) or known: a position of the portfolio is traded, an unusual volume
//! is worth a look, a symbol of a list is watched, strongest first. What is only known holds for
//! market data alone, that is for what moves with the price: a position's dividends are not asked
//! for every thirty seconds.

use std::time::Duration;

use super::ttl::{Keep, Lasting, Subjects};
use super::volume::HighVolume;

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseCase {
    /// Money moves on it.
    Trading,
    /// Much of it changes hands just now.
    HighVolume,
    /// Somebody keeps an eye on it.
    Watchlist,
    /// Somebody looks into it.
    Research,
    /// A program does.
    Analysis,
    /// It is long past.
    Historical,
}

impl UseCase {
    /// Every use case.
    pub const ALL: [Self; 6] = [
        Self::Trading,
        Self::HighVolume,
        Self::Watchlist,
        Self::Research,
        Self::Analysis,
        Self::Historical,
    ];

    /// The name in configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trading => "trading",
            Self::HighVolume => "high_volume",
            Self::Watchlist => "watchlist",
            Self::Research => "research",
            Self::Analysis => "analysis",
            Self::Historical => "historical",
        }
    }

    /// The use case of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|use_case| use_case.as_str() == name)
    }
}

/// What comes first when not everything can be had at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Before all others.
    High,
    /// Whatever is of no use case.
    #[default]
    Medium,
    /// After all others.
    Low,
}

impl Priority {
    /// Every priority.
    pub const ALL: [Self; 3] = [Self::High, Self::Medium, Self::Low];

    /// The name in configuration and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Medium => "medium",
            Self::Low => "low",
        }
    }

    /// The priority of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.as_str() == name)
    }
}

/// What a use case asks for; what it leaves open is as other rules say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// How long a value is fresh.
    pub lasting: Option<Lasting>,
    /// What comes first.
    pub priority: Priority,
    /// Whether it is to be refreshed before it goes stale.
    pub is_real_time: bool,
    /// How stale an answer may be when upstream fails.
    pub stale_if_error: Option<Duration>,
    /// How long a value is kept after it has gone stale.
    pub keep: Option<Keep>,
}

/// What every use case asks for, and by what it is known.
#[derive(Clone, Debug, Default)]
pub struct UseCases {
    /// In the order of [`UseCase::ALL`].
    pub demands: [Demand; UseCase::ALL.len()],
    /// The positions of the portfolio.
    pub positions: Subjects,
    /// The symbols of all lists.
    pub watched: Subjects,
}

/// How a use case has come to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownBy {
    /// Whoever asks has said so.
    Given,
    /// It is in the portfolio.
    Position,
    /// Much more of it is traded than at this time of other days.
    Volume(HighVolume),
    /// It is on a list.
    List,
}

impl UseCases {
    /// What this use case asks for.
    pub fn demand(&self, use_case: UseCase) -> &Demand {
        &self.demands[use_case as usize]
    }

    /// What the market data of a symbol are for, if nobody says.
    pub fn known(&self, subject: &str, unusual: Option<HighVolume>) -> Option<(UseCase, KnownBy)> {
        if self.positions.hold(subject) {
            Some((UseCase::Trading, KnownBy::Position))
        } else if let Some(high) = unusual {
            Some((UseCase::HighVolume, KnownBy::Volume(high)))
        } else if self.watched.hold(subject) {
            Some((UseCase::Watchlist, KnownBy::List))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn what_is_known_of_a_symbol_is_strongest_first() {
        let list = |subjects: &[&str]| Subjects::new(subjects.iter().map(|s| (*s).into()));
        let uses = UseCases {
            positions: list(&["stock:NVDA"]),
            watched: list(&["stock:NVDA", "stock:AMD", "crypto:BTC"]),
            ..UseCases::default()
        };
        let (from, until) = (Timestamp::from_ms(0), Timestamp::NEVER);
        let high = Some(HighVolume { from, until, permille: 2300, days: 20 });
        let busy = high.map(|high| (UseCase::HighVolume, KnownBy::Volume(high)));
        for (subject, unusual, known) in [
            ("stock:NVDA", high, Some((UseCase::Trading, KnownBy::Position))),
            ("stock:AMD", high, busy),
            ("stock:AMD", None, Some((UseCase::Watchlist, KnownBy::List))),
            ("stock:BTC", None, None),
            ("stock:IBM", high, busy),
            ("stock:IBM", None, None),
        ] {
            assert_eq!(uses.known(subject, unusual), known, "{subject} {unusual:?}");
        }
    }

    #[test]
    fn every_name_is_read_back() {
        for use_case in UseCase::ALL {
            assert_eq!(UseCase::from_name(use_case.as_str()), Some(use_case));
            assert_eq!(UseCase::ALL[use_case as usize], use_case);
        }
        for priority in Priority::ALL {
            assert_eq!(Priority::from_name(priority.as_str()), Some(priority));
        }
    }
}
