//! The arguments of the commands that carry series from one cache to another.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Part;
use super::part::Session;
use crate::market::Interval;
use crate::policy::Edge;

/// Write what is held of series to a file.
#[derive(Args, Debug)]
#[command(after_help = "\
Only bars that do not change any more are written, with what is known of splits and dividends, and all
of a macro series; nobody is asked. Without --from it is all that is held, without --to all up to the
newest. The file has a checksum, is written whole or not at all, and is read by `mcache import`.

Exit code 1, and no file, if something that was asked for is not held, unless --partial is given.

Examples:
  mcache fetch @tech -t bars --period 20y -q -o /dev/null
  mcache export --symbols @tech tech.mcache
  mcache export --symbols AAPL,MSFT --from 2020-01-01 --to 2025-12-31 five-years.mcache
  mcache export --symbols BTC -i 1h -p binance --partial btc.mcache")]
pub(crate) struct Export {
    /// AAPL, BTC/USDT, GDP, @list; several with commas; - reads them from standard input
    #[arg(short, long, value_name = "SYMBOL", value_delimiter = ',', required = true)]
    pub(crate) symbols: Vec<String>,
    /// bars or series [default: bars; series for macro symbols]
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Which part of a series.
    #[command(flatten)]
    pub(crate) part: Part,
    /// What this provider gave [default: the first of the chain of which something is held]
    #[arg(short, long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// What is held of it, if not all of it is
    #[arg(long)]
    pub(crate) partial: bool,
    /// The file to write, such as tech.mcache
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Take series out of files.
#[derive(Args, Debug)]
#[command(after_help = "\
What is held and final stays; only what is missing is taken, and it is never asked for again. Bars that
are held already are compared: if the prices differ, nothing of that series is taken. Each series is
stored whole or not at all. What may still change is left out, and said. Exit code 1 if a series
could not be taken; the others are.

Files that `mcache export` wrote say themselves what they hold, so no option may say it; everything in
them is checked before anything is taken. Of others say whose prices they are:

  SYMBOL.csv, or a folder of them: with a header such as pandas, Yahoo, Stooq and mcache write it.
    A date is a date of the exchange, an instant has an offset (2026-07-01T09:30:00-04:00) or is in
    seconds or milliseconds since 1970. Columns `Dividends` and `Stock Splits` are read too.
    --basis says when the file was made: the splits up to it are in its prices.
  SYMBOL.parquet, beside those or alone, of pandas, polars or `fetch -f parquet`, with columns of the
    same names, where it was built in.
  BTCUSDT-1h-2026-06.csv or .zip: Binance's bulk files, from data.binance.vision.
  A database of requests-cache with answers of Yahoo's charts, written with serializer='json'.
  Pickles are never read: tools/yfinance_cache_to_csv.py makes csv of a folder of yfinance-cache.

Examples:
  mcache import tech.mcache
  mcache import AAPL.csv -p yahoo --basis 2026-06-30
  mcache import prices/ -p yahoo --basis 2026-06-30 --dry-run
  mcache import BTCUSDT-1m-2026-0*.zip -p binance")]
pub(crate) struct Import {
    /// Files, and folders of csv or Parquet files
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Of what the bars are [default: the name of the file]
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// The provider that would be asked for them
    #[arg(short, long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// How long a bar is [default: 1d, or as the name of a bulk file says]
    #[arg(short, long, value_name = "INTERVAL", value_parser = Interval::parse)]
    pub(crate) interval: Option<Interval>,
    /// With or without early and late trading, for intervals shorter than a day [default: regular]
    #[arg(long, value_name = "HOURS")]
    pub(crate) session: Option<Session>,
    /// When the file was made: the splits up to it are in its prices, and what was final then is taken
    #[arg(long, value_name = "DATE|TIME", value_parser = Edge::parse)]
    pub(crate) basis: Option<Edge>,
    /// By what the prices in the file are adjusted [default: splits]
    #[arg(long, value_name = "BY")]
    pub(crate) adjusted: Option<Adjusted>,
    /// Only say what would be taken
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// What prices in a file are adjusted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Adjusted {
    /// Nothing: what was paid on the day
    None,
    /// Splits, as nearly everybody shows prices
    Splits,
}
