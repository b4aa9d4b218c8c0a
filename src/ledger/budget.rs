//! Budgets: calls by day or by month, as the provider's own calendar counts them.

use std::fmt;

use crate::error::{Usage, sanitized};
use crate::time::{Timestamp, Zone};

/// When a budget begins anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// At midnight.
    Day,
    /// At midnight on the first of the month.
    Month,
}

/// At most so many calls in each period.
///
/// Invariant: `calls` is above zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub calls: u64,
    /// In each of these.
    pub period: Period,
    /// Whose midnight is meant.
    pub zone: Zone,
}

impl Budget {
    /// Reads `500/day` or `10000/month`.
    pub fn parse(text: &str, zone: Zone) -> Result<Self, Usage> {
        let bad = || {
            Usage::new(format!("`{}` is not a budget", sanitized(text)))
                .hint("write calls/day or calls/month, as in 500/day")
        };
        let (calls, period) = text.split_once('/').ok_or_else(bad)?;
        let period = match period.trim() {
            "day" => Period::Day,
            "month" => Period::Month,
            _ => return Err(bad()),
        };
        let calls = calls.trim().parse().ok().filter(|calls| *calls > 0).ok_or_else(bad)?;
        Ok(Self { calls, period, zone })
    }

    /// The name of the period that an instant is in (`2026-07-01`, `2026-07`), and when the next
    /// one begins.
    pub fn period_at(&self, instant: Timestamp) -> (String, Timestamp) {
        match self.period {
            Period::Day => self.zone.day(instant),
            Period::Month => self.zone.month(instant),
        }
    }
}

/// As it is written in the configuration: `500/day`.
impl fmt::Display for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = match self.period {
            Period::Day => "day",
            Period::Month => "month",
        };
        write!(f, "{}/{period}", self.calls)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_and_written_as_people_write_it() {
        for (text, written) in
            [("500/day", "500/day"), (" 10000 / month ", "10000/month"), ("1/day", "1/day")]
        {
            assert_eq!(Budget::parse(text, Zone::UTC).unwrap().to_string(), written);
        }
        for text in ["", "500", "/day", "0/day", "-1/day", "500/week", "1.5/day", "500/1d"] {
            assert!(Budget::parse(text, Zone::UTC).unwrap_err().hint.is_some(), "{text}");
        }
    }

    #[test]
    fn a_period_ends_where_the_provider_says() {
        let at = |text| Timestamp::parse(text).unwrap();
        let zone = || Zone::parse("America/New_York").unwrap();
        let now = at("2026-07-01T03:00:00Z");
        let day = Budget::parse("5/day", zone()).unwrap().period_at(now);
        assert_eq!(day, ("2026-06-30".to_owned(), at("2026-07-01T04:00:00Z")));
        let month = Budget::parse("5/month", zone()).unwrap().period_at(now);
        assert_eq!(month, ("2026-06".to_owned(), at("2026-07-01T04:00:00Z")));
    }
}
