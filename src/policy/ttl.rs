//! How long values last by rule: what a rule may say, and of what.
//!
//! Two shapes stand here. [`Lasting`] is what is said: so long, or a range that the strategy walks.
//! [`Scope`] is of what it is said, from the weakest to the strongest.

use std::time::Duration;

use super::strategy::{Strategies, Strategy};
use crate::error::{Usage, sanitized};
use crate::key::Key;
use crate::market::Class;
use crate::units::{duration_for_people, parse_duration};

/// How long something lasts: exactly so long if both are the same, else a range of which the
/// strategy takes the low end, the middle or the high end.
///
/// Invariant: `least <= most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lasting {
    /// The low end.
    pub least: Duration,
    /// The high end.
    pub most: Duration,
}

impl Lasting {
    /// Exactly so long.
    pub const fn exactly(ttl: Duration) -> Self {
        Self { least: ttl, most: ttl }
    }

    /// Reads a duration, `5m`, or a range of them, `2m-5m`.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let range = text.split_once('-').filter(|(least, _)| !least.trim().is_empty());
        let Some((least, most)) = range else {
            return parse_duration(text).map(Self::exactly);
        };
        let range = Self { least: parse_duration(least)?, most: parse_duration(most)? };
        if range.least > range.most {
            return Err(Usage::new(format!("`{}` ends before it begins", sanitized(text)))
                .hint("write the shorter time first: 2m-5m"));
        }
        Ok(range)
    }

    /// The same scaled, in whole milliseconds.
    #[must_use]
    pub fn scaled(self, factor: f64) -> Self {
        Self { least: scaled(self.least, factor), most: scaled(self.most, factor) }
    }

    /// How long that is under a strategy. A range is walked and not left: who spares a provider
    /// takes its high end.
    pub fn under(self, strategy: Strategy, by: &Strategies) -> Duration {
        if self.least == self.most {
            return by.scaled(self.least, strategy);
        }
        match strategy {
            Strategy::Aggressive => self.least,
            Strategy::Normal => (self.least + self.most) / 2,
            Strategy::Conservative | Strategy::Minimal => self.most,
        }
    }
}

impl std::fmt::Display for Lasting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&duration_for_people(self.least))?;
        if self.least != self.most {
            write!(f, " to {}", duration_for_people(self.most))?;
        }
        Ok(())
    }
}

/// A time to live times a factor, in whole milliseconds; never nothing, unless it was that.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and none is negative"
)]
pub(super) fn scaled(ttl: Duration, factor: f64) -> Duration {
    let ms = (ttl.as_secs_f64() * 1000.0 * factor).round() as u64;
    if ttl.is_zero() { ttl } else { Duration::from_millis(ms.max(1)) }
}

/// How long something is kept after it has gone stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// For so long.
    For(Duration),
    /// As long as there is room.
    WithoutLimit,
}

/// Some symbols, each with its class as in a key: `stock:AAPL`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subjects(Box<[Box<str>]>);

impl Subjects {
    /// These symbols.
    pub fn new(subjects: impl IntoIterator<Item = Box<str>>) -> Self {
        let mut subjects: Vec<_> = subjects.into_iter().collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self(subjects.into())
    }

    /// Whether this is one of them.
    pub fn hold(&self, subject: &str) -> bool {
        self.0.binary_search_by(|held| (**held).cmp(subject)).is_ok()
    }
}

/// Of what something is said, from the weakest to the strongest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of everything.
    Any,
    /// Of a class.
    Class(Class),
    /// Of the symbols that are named as hot.
    Hot,
    /// Of these: one symbol, or a list.
    These(Subjects),
}

/// What rules ask of a key, taken apart once: there are two dozen rules, and all of them are asked
/// each time that an entry is read.
pub struct Subject<'a> {
    pub(super) data_type: &'a str,
    pub(super) class: Option<Class>,
    /// Class and symbol, as in `stock:AAPL`.
    pub(super) name: Option<&'a str>,
    pub(super) is_hot: bool,
}

impl<'a> Subject<'a> {
    /// What rules ask of this key, with the symbols that are named as hot.
    pub fn of(key: &'a Key, hot: &Subjects) -> Self {
        let name = key.subject();
        let is_hot = name.is_some_and(|name| hot.hold(name));
        Self { data_type: key.data_type(), class: key.class(), name, is_hot }
    }
}

impl Scope {
    /// Whether it covers this.
    pub fn covers(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Class(class) => subject.class == Some(*class),
            Self::Hot => subject.is_hot,
            Self::These(these) => subject.name.is_some_and(|name| these.hold(name)),
        }
    }

    /// Which of two that cover the same thing is stronger; one symbol is stronger than a list.
    pub(super) fn strength(&self) -> (u8, usize) {
        match self {
            Self::Any => (0, 0),
            Self::Class(_) => (1, 0),
            Self::Hot => (2, 0),
            Self::These(these) => (3, usize::MAX - these.0.len()),
        }
    }
}

/// How long entries of a type last, and those of them that something is true of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtlRule {
    /// Of this type.
    pub data_type: Box<str>,
    /// And of these.
    pub scope: Scope,
    /// So long.
    pub lasting: Lasting,
    /// At most so long where the market was closed when it was fetched; none: until it opens.
    pub after_hours: Option<Duration>,
    /// The configuration key that says so.
    pub named: Box<str>,
}

impl TtlRule {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        *self.data_type == *subject.data_type && self.scope.covers(subject)
    }

    /// Whether it is said of single symbols.
    pub(super) fn is_of_these(&self) -> bool {
        matches!(self.scope, Scope::These(_))
    }
}

/// The strongest of the rules that hold.
pub(super) fn strongest<'a>(
    rules: impl Iterator<Item = &'a TtlRule>,
    subject: &Subject<'_>,
) -> Option<&'a TtlRule> {
    rules.filter(|rule| rule.holds(subject)).max_by_key(|rule| rule.scope.strength())
}
