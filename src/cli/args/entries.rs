//! The arguments of the commands that work on entries by key.

#![expect(clippy::struct_excessive_bools, reason = "a flag on a command line is a bool")]

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{cause, duration};
use crate::policy::Cause;

/// Drop entries.
#[derive(Args, Debug)]
#[command(after_help = "\
All conditions that are given must hold; of several patterns, any one. --all alone also empties what
`stats --quarantine` lists.

Examples:
  mcache clear --symbol AAPL             everything about AAPL
  mcache clear --symbol AAPL --reason news
  mcache clear 'quote:*' --stale         stale quotes
  mcache clear --all --dry-run           what would go")]
pub(crate) struct Clear {
    /// Globs over keys: quote:*, *:AAPL*, quote:*@yahoo
    #[arg(value_name = "PATTERN")]
    pub(crate) patterns: Vec<String>,
    /// About this symbol
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// Of this type
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub(crate) data_type: Option<String>,
    /// From this provider
    #[arg(short, long, value_name = "NAME")]
    pub(crate) provider: Option<String>,
    /// With this tag, as `put --tag` gave it
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Option<String>,
    /// That are gone, stale for longer than `keep`: they answer nobody and only take room
    #[arg(long)]
    pub(crate) gone: bool,
    /// That are stale
    #[arg(long)]
    pub(crate) stale: bool,
    /// All of them
    #[arg(long, conflicts_with_all = ["patterns", "symbol", "data_type", "provider", "tag", "gone", "stale"])]
    pub(crate) all: bool,
    /// Count them in the statistics under this word: at most 32 letters, digits and - _ .
    #[arg(long, value_name = "WORD", value_parser = cause)]
    pub(crate) reason: Option<Cause>,
    /// Only say what would be dropped
    #[arg(long)]
    pub(crate) dry_run: bool,
}

/// List entries.
#[derive(Args, Debug)]
pub(crate) struct Keys {
    /// A glob over keys: quote:*, *:AAPL*, quote:*@yahoo
    #[arg(value_name = "PATTERN")]
    pub(crate) pattern: Option<String>,
}

/// Read a value by its key.
#[derive(Args, Debug)]
#[command(after_help = "\
Prints the value byte for byte. Exit code 1 if it is not fresh. Of a pattern, one JSON object
{key: value} with -f json.

With --or-run a program is run if nothing fresh is held, and what it prints is stored under the key
as `put` would, and printed. Whoever asks for the key meanwhile, on the whole machine, waits for that
and runs nothing. If it fails, a stale value stands in for it, with a warning; else the exit code is 1.
No shell is started, and the program reads nothing; MCACHE_KEY is the key. All that follows --or-run
is the program, so every other option stands before it.

With --ndjson many keys are read in one process, a line each, and each has its line in the answer:
{\"key\":…,\"status\":\"hit\",\"value\":…}, or {\"key\":…,\"error\":{\"kind\":…,\"message\":…}} and exit code 1.

Examples:
  mcache get quote:stock:AAPL
  mcache get 'system_config:*' -f json
  mcache get report:daily --ttl 1h --or-run python3 report.py --full
  printf 'trading_pairs\\npair_config:ETH/USDT\\n' | mcache get --ndjson -")]
pub(crate) struct Get {
    /// A key, KEY@provider, or a glob over keys
    #[arg(value_name = "KEY|PATTERN", required_unless_present = "ndjson")]
    pub(crate) key: Option<String>,
    /// A stale value too
    #[arg(long)]
    pub(crate) stale: bool,
    /// Not older than this
    #[arg(long, value_name = "AGE", value_parser = duration)]
    pub(crate) max_age: Option<Duration>,
    /// How long what --or-run prints is fresh [default: 300s]
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "or_run")]
    pub(crate) ttl: Option<Duration>,
    /// Run this program if nothing fresh is held, and keep what it prints
    #[arg(long, value_name = "CMD", num_args = 1.., allow_hyphen_values = true)]
    pub(crate) or_run: Option<Vec<String>>,
    /// Many values at once: the keys, a line each
    #[arg(long, value_name = "-|FILE", conflicts_with_all = ["key", "or_run"])]
    pub(crate) ndjson: Option<PathBuf>,
}

/// Write any program's value under a key.
#[derive(Args, Debug)]
#[command(after_help = "\
What depends on it is expired with it: the key that a tag is, and what `rules` in the configuration
name; it stays held and is stale. An event may expire what was put, as `mcache keys` shows.

Examples:
  mcache put system_config:paper_trading true --ttl 1h
  ./model.py | mcache put prediction:stock:NVDA - --tag model
  printf '{\"key\":\"a\",\"value\":1}\\n' | mcache put --ndjson -")]
pub(crate) struct Put {
    /// The key; any name without white space and * ? @
    #[arg(value_name = "KEY", required_unless_present = "ndjson")]
    pub(crate) key: Option<String>,
    /// The value; - or nothing reads it from standard input
    #[arg(value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) value: Option<String>,
    /// How long it is fresh
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "300s")]
    pub(crate) ttl: Duration,
    /// A name to clear it by, and a key that it expires; may be repeated
    #[arg(long, value_name = "TAG")]
    pub(crate) tag: Vec<String>,
    /// Many values at once, all or none: a line each with {"key":…,"value":…}
    #[arg(long, value_name = "-|FILE", conflicts_with_all = ["key", "value"])]
    pub(crate) ndjson: Option<PathBuf>,
}
