//! The arguments of the commands that ask for symbols.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{Look, Manner, Part, Proof, class, duration, share, use_case};
use crate::market::Class;
use crate::policy::UseCase;
use crate::units::Share;

/// What is asked for.
#[derive(Args, Debug)]
pub(crate) struct Asked {
    /// quote, bars, dividends, splits, adjusted_close, total_return, series, inflation_rate, or the name
    /// of an endpoint of a provider of one's own; several with commas [default: quote; series for macro
    /// symbols]
    #[arg(short = 't', long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Which part of a series.
    #[command(flatten)]
    pub(crate) part: Part,
    /// Ask this provider and no other; `demo` needs no network
    #[arg(short, long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// What an endpoint is asked besides, as in depth=10; may be repeated
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub(crate) params: Vec<String>,
    /// What it is for: trading, high_volume, watchlist, research, analysis or historical, which sets
    /// how fresh it has to be [default: trading for the portfolio, watchlist for the lists, high_volume
    /// for an unusual volume]
    #[arg(short, long = "use", value_name = "USE", value_parser = use_case)]
    pub(crate) use_case: Option<UseCase>,
    /// Ask again what is older than this, as in 10s or 5m
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub(crate) max_age: Option<Duration>,
    /// Ask again what would go stale sooner than this
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) min_fresh: Option<Duration>,
    /// Ask upstream even if the cache is fresh
    #[arg(long, conflicts_with = "offline")]
    pub(crate) refresh: bool,
}

/// Answer from the cache if it is fresh, else from upstream.
#[derive(Args, Debug)]
#[command(after_help = "\
Exit codes: 0 every symbol was served, stale ones with a warning; 1 at least one was not, the others
are printed; 2 the command line or the configuration is wrong, and nothing was done.

--class CLASS --all gives what the cache holds of a class and is not gone, and asks nobody: what is
stale is served as that, with one warning for all of it, and nothing held is no error. --refresh,
--max-age and --min-fresh ask for what is held as if it had been named. -t names another type than
quotes (of macro symbols: series), but for bars and what is made of them.

Examples:
  mcache fetch AAPL MSFT                 two quotes as a table
  mcache fetch GDP -f csv                all observations of a series
  mcache fetch AAPL -t bars --period 20y -f csv
  mcache fetch BTC -t bars -i 1h --from 2026-07-01 --to 2026-07-07
  mcache fetch AAPL --max-age 5s         not older than five seconds
  mcache fetch AAPL --quorum 2           of two of `chains.stock`, with a word if they differ
  mcache fetch BTC -t bars -i 1m --period 1y --plan   how many calls would that be?
  mcache fetch @portfolio @tech          two lists of the configuration; @all is every list
  mcache fetch --class crypto --all      every coin that is held; nobody is asked
  echo AAPL MSFT | mcache fetch - -f ndjson")]
pub(crate) struct Fetch {
    /// AAPL, BRK.B, ^GSPC, BTC, BTC/USDT, GDP, crypto:SOL, @list; - reads them from standard input
    #[arg(value_name = "SYMBOL", required_unless_present_any = ["types", "class", "all"])]
    pub(crate) symbols: Vec<String>,
    /// With --all, in place of symbols: stock, crypto, macro, fx or index
    #[arg(long, value_name = "CLASS", value_parser = class)]
    pub(crate) class: Option<Class>,
    /// All that is held of a class; upstream is not asked
    #[arg(long)]
    pub(crate) all: bool,
    /// What is asked for.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// How stale an answer may be when upstream fails; 0 never [default: as long as it is kept]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_stale: Option<Duration>,
    /// The longest to wait for others: a slot of a limit, another process that asks for the same,
    /// whoever tries a provider after an outage, a retry; 0 for none of these
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub(crate) max_wait: Duration,
    /// Neither read nor write the cache
    #[arg(long, conflicts_with_all = ["offline", "refresh"])]
    pub(crate) no_cache: bool,
    /// Ask so many providers of the chain for a quote and say if their prices differ (`quorum.tolerance`
    /// in the configuration); the answer is that of the best
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(2..=5), conflicts_with = "provider")]
    pub(crate) quorum: Option<u8>,
    /// How a series is read.
    #[command(flatten)]
    pub(crate) manner: Manner,
    /// What proves an answer.
    #[command(flatten)]
    pub(crate) proof: Proof,
    /// Say which rules set the time to live
    #[arg(long)]
    pub(crate) explain: bool,
    /// Call nobody: say what is fresh, how many calls the rest would take, for how long and at what cost
    #[arg(long, conflicts_with_all = ["explain", "output", "receipt", "verify", "fields", "raw", "chart"])]
    pub(crate) plan: bool,
    /// How answers are shown.
    #[command(flatten)]
    pub(crate) look: Look,
    /// Write the data to a file, whole or not at all; .csv, .json, .ndjson and .parquet say the format
    /// if --format does not; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// Fill the cache, so that a later fetch is a hit; made for cron.
#[derive(Args, Debug)]
#[command(after_help = "\
What is fresh is not asked again, unless it is near its end (`early_refresh`), or older than `every` of
its schedule while something new can come. Silent unless something fails or standard error is a terminal.
A second one that starts while the first still runs asks for nothing twice, and one that was killed goes
on where it was: what had come is fresh.

Without a symbol: the portfolio, every watchlist and every schedule (`schedules` in the configuration);
the schedules only if nothing else is asked for, by -t, -i, -p and their like. With --top, what was read
most instead, or besides the symbols that are named.

--plan calls nobody and writes nothing. Calls are the most that they are likely to be; the time is that
of the limits as they are used now, and of the calls as long as they took before. Reads since the cache
was last written to are not counted for its --top.

--by ends it: what cannot start before that is left out, the least important first, and counts as failed.
open-5m is five minutes before the next session of any exchange of the symbols, close+10m ten after its
end; where none of them has hours, New York's. A call that has started is given its time.

Examples:
  mcache warm                            the portfolio, every watchlist and every schedule
  mcache warm @tech                      a list under `watchlists` in the configuration
  mcache warm @tech -t quote,bars        every type of every symbol
  mcache warm --plan                     how many calls would that be, how long, at what cost?
  mcache warm @all -t bars --by open-5m  be done before the market opens
  mcache warm --top 50                   what was read most in the last 7 days
  mcache warm AAPL MSFT --min-fresh 20s  what would go stale within 20 seconds too
  mcache warm @all --tolerate 5%         exit 0 if at most one in twenty failed
  mcache warm @all --budget 50%          leave half of every budget to the others")]
pub(crate) struct Warm {
    /// AAPL, BTC/USDT, GDP, @list; - reads them from standard input [default: @all, the portfolio and
    /// every watchlist, and the schedules]
    #[arg(value_name = "SYMBOL")]
    pub(crate) symbols: Vec<String>,
    /// What is asked for.
    #[command(flatten)]
    pub(crate) asked: Asked,
    /// So many of the keys that were read most in the last 7 days, by what is remembered of reads
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) top: Option<u32>,
    /// Call nobody: say what is fresh, how many calls the rest would take, for how long and at what cost
    #[arg(long)]
    pub(crate) plan: bool,
    /// Begin no call after this: a time (2026-07-01T15:00:00Z), so long from now (20m), or so long before or
    /// after the market next opens or closes (open-5m, close+10m)
    #[arg(long, value_name = "TIME|open-5m")]
    pub(crate) by: Option<String>,
    /// The most requests at the same time, of all providers together; never more of one than its
    /// `concurrency` [default: `concurrency` of each]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) jobs: Option<u16>,
    /// How many may fail for exit code 0, as a number or a share such as 5%
    #[arg(long, value_name = "N|P%", default_value = "0")]
    pub(crate) tolerate: String,
    /// The longest to wait for others: a slot of a limit, another process that asks for the same,
    /// whoever tries a provider after an outage, a retry; 0 for none of these [default: as long as it
    /// takes, but for no pause with more than an hour to go]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) max_wait: Option<Duration>,
    /// Make no call once so much of its provider's budget is used up, whoever used it, as in 50%
    #[arg(long, value_name = "SHARE", value_parser = share)]
    pub(crate) budget: Option<Share>,
}
