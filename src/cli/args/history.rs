//! What was known when, what has changed since, and how that is proved.

use std::path::PathBuf;

use clap::Args;

use super::part::{Adjust, Session};
use crate::market::Interval;
use crate::time::Timestamp;

/// What proves an answer.
#[derive(Args, Debug, Default)]
pub(crate) struct Proof {
    /// Also write what was served, as of when and with which hash, as JSON; whole or not at all.
    /// `mcache diff --receipt` says later what was restated since
    #[arg(long, value_name = "FILE", conflicts_with = "no_cache")]
    pub(crate) receipt: Option<PathBuf>,
    /// Compare up to 20 final bars, spread over the span, with what upstream says of them now, in at
    /// most 3 requests; nothing is overwritten, and exit code 1 if one differs
    #[arg(long, conflicts_with_all = ["offline", "no_cache", "as_of"])]
    pub(crate) verify: bool,
}

/// What has changed between two instants.
#[derive(Args, Debug)]
#[command(after_help = "\
Nobody is asked: both sides are what this cache held, so fetch first to compare with what is true now.
Listed are values that were known at the first instant and differ at the second; what was not known
yet is no change. Bars are compared as they are read at each instant, adjusted for what was known then.

KIND: restated, a final bar, or an observation, that upstream has corrected; settled, a bar that was
not final yet (the note says what it was); adjusted, a split or a dividend that came to be known and
explains all of it.
FIELD is `bar` where all of it came or went; was and is are then its close.

What is replaced is kept in the newest so many versions of each series (`series.past`).

Exit codes: 0 it could be told, whether anything has changed or not; 1 it could not; 2 the command
line, the receipt or the configuration is wrong.

Examples:
  mcache diff AAPL --as-of 2026-07-01    since the beginning of that day (UTC)
  mcache diff AAPL -i 1m --as-of 2026-07-01T15:00:00Z --to 2026-07-01T16:00:00Z
  mcache diff GDP --as-of 2026-01-01 -f csv
  mcache fetch AAPL -t bars --period 20y --receipt r.json
  mcache diff --receipt r.json           was anything of it restated since?")]
pub(crate) struct Diff {
    /// AAPL, BTC/USDT, GDP, crypto:SOL
    #[arg(value_name = "SYMBOL", required_unless_present = "receipt")]
    pub(crate) symbol: Option<String>,
    /// bars, series or inflation_rate [default: bars; series for macro symbols]
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub(crate) data_type: Option<String>,
    /// How long a bar is: 1m 2m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 1wk 1mo [default: 1d]
    #[arg(short, long, value_name = "INTERVAL", value_parser = Interval::parse)]
    pub(crate) interval: Option<Interval>,
    /// With or without early and late trading, for intervals shorter than a day [default: regular]
    #[arg(long, value_name = "HOURS")]
    pub(crate) session: Option<Session>,
    /// By what prices are adjusted: none, splits or all [default: splits]
    #[arg(long, value_name = "BY")]
    pub(crate) adjust: Option<Adjust>,
    /// Of this provider [default: the first of the chain of whom something was known]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// The earlier instant: 2026-07-01T15:00:00Z, or a date, the beginning of that day (UTC)
    #[arg(long, value_name = "TIME", value_parser = instant, required_unless_present = "receipt")]
    pub(crate) as_of: Option<Timestamp>,
    /// The later instant [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub(crate) to: Option<Timestamp>,
    /// Instead, what has changed since a receipt of `fetch --receipt` was written
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["symbol", "data_type", "interval", "session", "adjust", "provider", "as_of", "to"]
    )]
    pub(crate) receipt: Option<PathBuf>,
}

/// An instant, or the beginning of a date.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    if let Some(date) = Timestamp::from_date(text) {
        return Ok(date);
    }
    Timestamp::parse(text).map_err(super::on_one_line)
}
