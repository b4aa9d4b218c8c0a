//! The width of a bar.

use std::time::Duration;

use crate::error::{Usage, nearest, sanitized};

/// How long a bar is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// One minute.
    Minute1,
    /// Two minutes.
    Minute2,
    /// Three minutes.
    Minute3,
    /// Five minutes.
    Minute5,
    /// A quarter of an hour.
    Minute15,
    /// Half an hour.
    Minute30,
    /// One hour.
    Hour1,
    /// Two hours.
    Hour2,
    /// Four hours.
    Hour4,
    /// Six hours.
    Hour6,
    /// Eight hours.
    Hour8,
    /// Twelve hours.
    Hour12,
    /// One session of the exchange.
    #[default]
    Day1,
    /// The sessions from a Monday on.
    Week1,
    /// The sessions of a month.
    Month1,
}

impl Interval {
    /// Every interval, the shortest first.
    pub const ALL: [Self; 15] = [
        Self::Minute1,
        Self::Minute2,
        Self::Minute3,
        Self::Minute5,
        Self::Minute15,
        Self::Minute30,
        Self::Hour1,
        Self::Hour2,
        Self::Hour4,
        Self::Hour6,
        Self::Hour8,
        Self::Hour12,
        Self::Day1,
        Self::Week1,
        Self::Month1,
    ];

    /// The name in keys and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute1 => "1m",
            Self::Minute2 => "2m",
            Self::Minute3 => "3m",
            Self::Minute5 => "5m",
            Self::Minute15 => "15m",
            Self::Minute30 => "30m",
            Self::Hour1 => "1h",
            Self::Hour2 => "2h",
            Self::Hour4 => "4h",
            Self::Hour6 => "6h",
            Self::Hour8 => "8h",
            Self::Hour12 => "12h",
            Self::Day1 => "1d",
            Self::Week1 => "1wk",
            Self::Month1 => "1mo",
        }
    }

    /// The interval of this name, as it stands in a key.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == name)
    }

    /// Reads an interval as people write it: `1d`, `1D`, `daily`, `60m`; of letters that differ in
    /// case only, `1m` is a minute and `1M` a month, as at the exchanges.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let lower = text.to_ascii_lowercase();
        let said = match text {
            "1M" => "1mo",
            _ => match lower.as_str() {
                "daily" | "day" | "d" => "1d",
                "weekly" | "week" | "1w" | "w" => "1wk",
                "monthly" | "month" => "1mo",
                "hourly" | "hour" | "60m" => "1h",
                other => other,
            },
        };
        Self::from_name(said).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str);
            Usage::new(format!("`{}` is not an interval", sanitized(text))).hint(
                match nearest(said, names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the intervals are {}", names.join(", ")),
                },
            )
        })
    }

    /// How long it is by the clock; none for days and longer, which are the exchange's.
    pub fn duration(self) -> Option<Duration> {
        let minutes = match self {
            Self::Minute1 => 1,
            Self::Minute2 => 2,
            Self::Minute3 => 3,
            Self::Minute5 => 5,
            Self::Minute15 => 15,
            Self::Minute30 => 30,
            Self::Hour1 => 60,
            Self::Hour2 => 120,
            Self::Hour4 => 240,
            Self::Hour6 => 360,
            Self::Hour8 => 480,
            Self::Hour12 => 720,
            Self::Day1 | Self::Week1 | Self::Month1 => return None,
        };
        Some(Duration::from_secs(60 * minutes))
    }

    /// Whether several of its bars lie in one session.
    pub fn is_intraday(self) -> bool {
        self.duration().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interval_is_read_in_its_own_spelling_and_in_others() {
        for interval in Interval::ALL {
            assert_eq!(Interval::parse(interval.as_str()).unwrap(), interval);
        }
        for (text, interval) in [
            ("1D", Interval::Day1),
            ("daily", Interval::Day1),
            ("1w", Interval::Week1),
            ("weekly", Interval::Week1),
            ("1M", Interval::Month1),
            ("1m", Interval::Minute1),
            ("monthly", Interval::Month1),
            ("60m", Interval::Hour1),
            ("4H", Interval::Hour4),
        ] {
            assert_eq!(Interval::parse(text).unwrap(), interval, "{text}");
        }
        for text in ["", "7m", "1y", "day1", "-1d", "1 d"] {
            assert!(Interval::parse(text).is_err(), "{text}");
        }
    }
}
