//! Which part of a series is asked for, and how it is read.

use clap::{Args, ValueEnum};

use super::on_one_line;
use crate::market::{self, Interval};
use crate::policy::wanted::{Edge, Period};
use crate::time::Timestamp;

/// Of what an option says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    /// Whatever is read out of a series.
    Series,
    /// Bars.
    Bars,
    /// Bars and dividends: what splits divide.
    Amounts,
}

impl Of {
    /// What it is of, in a message.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Series => "series",
            Self::Bars => "bars",
            Self::Amounts => "bars and dividends",
        }
    }
}

/// Which part of a series.
#[derive(Args, Debug, Default)]
pub(crate) struct Part {
    /// How long a bar is: 1m 2m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1wk 1mo [default: 1d]
    #[arg(short, long, value_name = "INTERVAL", value_parser = interval)]
    pub(crate) interval: Option<Interval>,
    /// The first day, as the exchange dates it, or an instant: 2026-07-01, 2026-07-01T13:30:00Z
    #[arg(long, value_name = "DATE|TIME", value_parser = edge)]
    pub(crate) from: Option<Edge>,
    /// The last day, included, or the instant before which the last bar begins: a day, a week or a
    /// month that has begun by then is given as a whole [default: now]
    #[arg(long, value_name = "DATE|TIME", value_parser = edge)]
    pub(crate) to: Option<Edge>,
    /// How far back: 5d (sessions), 2wk, 1mo, 20y, ytd, max [default: 1y; of minutes and hours 5d; of a
    /// macro series all]
    #[arg(long, value_name = "PERIOD", conflicts_with = "from", value_parser = period)]
    pub(crate) period: Option<Period>,
    /// With or without early and late trading, for intervals shorter than a day [default: regular]
    #[arg(long, value_name = "HOURS")]
    pub(crate) session: Option<Session>,
}

/// How a series is read.
#[derive(Args, Debug, Default)]
pub(crate) struct Manner {
    /// By what prices are adjusted: none is what was paid on the day, splits what Yahoo shows, all
    /// dividends too [default: splits]
    #[arg(long, value_name = "BY")]
    pub(crate) adjust: Option<Adjust>,
    /// Only bars that do not change any more
    #[arg(long)]
    pub(crate) final_only: bool,
    /// What can be had of it, if not all of it can
    #[arg(long)]
    pub(crate) partial: bool,
    /// What this cache knew then, of series; nobody is asked. A date is the beginning of that day
    /// (UTC)
    #[arg(long, value_name = "TIME", value_parser = super::history::instant, conflicts_with_all = ["refresh", "no_cache"])]
    pub(crate) as_of: Option<Timestamp>,
}

impl Part {
    /// The options that were given, and of what each says something.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&'static str, Of)> + use<> {
        let said = [
            ("--interval", Of::Bars, self.interval.is_some()),
            ("--from", Of::Series, self.from.is_some()),
            ("--to", Of::Series, self.to.is_some()),
            ("--period", Of::Series, self.period.is_some()),
            ("--session", Of::Bars, self.session.is_some()),
        ];
        said.into_iter().filter(|(.., is_said)| *is_said).map(|(name, of, _)| (name, of))
    }
}

impl Manner {
    /// The options that were given, and of what each says something.
    pub(crate) fn said(&self) -> impl Iterator<Item = (&'static str, Of)> + use<> {
        let said = [
            ("--adjust", Of::Amounts, self.adjust.is_some()),
            ("--final-only", Of::Bars, self.final_only),
            ("--partial", Of::Series, self.partial),
        ];
        said.into_iter().filter(|(.., is_said)| *is_said).map(|(name, of, _)| (name, of))
    }
}

fn interval(text: &str) -> Result<Interval, String> {
    Interval::parse(text).map_err(on_one_line)
}

fn edge(text: &str) -> Result<Edge, String> {
    Edge::parse(text).map_err(on_one_line)
}

fn period(text: &str) -> Result<Period, String> {
    Period::parse(text).map_err(on_one_line)
}

/// Hours of trading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Session {
    /// Those of the exchange
    Regular,
    /// Early and late trading too
    Extended,
}

impl From<Session> for market::SessionKind {
    fn from(session: Session) -> Self {
        match session {
            Session::Regular => Self::Regular,
            Session::Extended => Self::Extended,
        }
    }
}

/// What prices are adjusted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adjust {
    /// Nothing: what was paid on the day
    None,
    /// Splits
    Splits,
    /// Splits and dividends
    All,
}

impl From<Adjust> for market::Adjust {
    fn from(adjust: Adjust) -> Self {
        match adjust {
            Adjust::None => Self::None,
            Adjust::Splits => Self::Splits,
            Adjust::All => Self::All,
        }
    }
}
