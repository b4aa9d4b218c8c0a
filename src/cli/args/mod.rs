//! What can be typed, and the help that teaches it.

#![expect(
    clippy::doc_markdown,
    reason = "doc comments are printed as help, where backticks are noise"
)]
#![expect(clippy::struct_excessive_bools, reason = "a flag on a command line is a bool")]

mod calendar;
mod carry;
mod entries;
mod fetch;
mod history;
mod look;
mod part;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgMatches, Args, FromArgMatches, Subcommand, ValueEnum};

use crate::error::{Usage, nearest};
use crate::market::Class;
use crate::policy::{Cause, UseCase};
use crate::units::{Share, parse_duration, parse_share};
pub(crate) use calendar::Calendar;
pub(crate) use carry::{Adjusted, Export, Import};
pub(crate) use entries::{Clear, Get, Keys, Put};
pub(crate) use fetch::{Asked, Fetch, Warm};
pub(crate) use history::{Diff, Proof};
pub(crate) use look::Look;
pub(crate) use part::{Manner, Of, Part};

const ABOUT: &str = "A persistent cache for market data, shared by every script on this machine";

const LONG_ABOUT: &str = "\
A persistent cache for market data, shared by every script on this machine.

The first answer comes from upstream, the next ones from the disk in about two milliseconds, until
new data can exist. What is stale still answers when upstream cannot.";

const EXAMPLES: &str = "\
Examples:
  mcache fetch AAPL --provider demo      try it without a network
  mcache fetch AAPL BTC GDP -f json      a stock, a coin and a macro series, for a program
  mcache fetch AAPL --offline            only what the cache holds
  */5 * * * * mcache warm @tech          keep a list of the configuration warm, from cron
  mcache stats                           what is held, and what it has saved
  mcache limits                          who may be asked now, and who not before when";

/// What holds for every command.
#[derive(Args, Debug, Default)]
pub(crate) struct Global {
    /// Configuration file, instead of the user's own [env: MCACHE_CONFIG]
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,
    /// Profile of the configuration [env: MCACHE_PROFILE]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) profile: Option<String>,
    /// Cache folder [env: MCACHE_CACHE_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub(crate) cache_dir: Option<String>,
    /// Set a key of the configuration, as in `--set ttl.quote.stock=60`; may be repeated
    #[arg(long, global = true, value_name = "KEY=VALUE", help_heading = "Global options")]
    pub(crate) set: Vec<String>,
    /// Output format [default: table]
    #[arg(short, long, global = true, value_name = "FORMAT", help_heading = "Global options")]
    pub(crate) format: Option<Format>,
    /// When to use colour; NO_COLOR is honoured
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Global options"
    )]
    pub(crate) color: Color,
    /// No warnings and no progress
    #[arg(short, long, global = true, help_heading = "Global options")]
    pub(crate) quiet: bool,
    /// One line a request on standard error, and the causes of errors
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Global options")]
    pub(crate) verbose: u8,
    /// Only what the cache holds, fresh or stale; upstream is not asked [env: MCACHE_OFFLINE=1]
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) offline: bool,
    /// Who asks, for `stats --by caller` and what is reserved [env: MCACHE_CALLER]
    #[arg(long, global = true, value_name = "NAME", help_heading = "Global options")]
    pub(crate) caller: Option<String>,
}

/// How data is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people; plain when it goes to a pipe
    Table,
    /// One JSON document
    Json,
    /// One JSON object a line
    Ndjson,
    /// A header and a row a record
    Csv,
    /// Columns for programs, of bars, into a file or a pipe; where it was built in
    Parquet,
    /// Text exposition, for `stats` only
    Prometheus,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Even into a pipe
    Always,
    /// Not at all
    Never,
}

/// The command that was typed.
#[derive(Debug)]
pub(crate) enum Command {
    Fetch(Fetch),
    Warm(Warm),
    Stats(Stats),
    Clear(Clear),
    Benchmark(Benchmark),
    Keys(Keys),
    Get(Get),
    Put(Put),
    Limits(Limits),
    Calendar(Calendar),
    Diff(Diff),
    Export(Export),
    Import(Import),
    Config(Config),
    Completions(Completions),
    Man,
}

/// Every command with its line in the help of the program.
const COMMANDS: [(&str, &str, Augment, Read); 16] = [
    of::<Fetch>("fetch", "Answer from the cache if it is fresh, else from upstream", |m| {
        read(m, Command::Fetch)
    }),
    of::<Warm>("warm", "Fill the cache, so that a later fetch is a hit; made for cron", |m| {
        read(m, Command::Warm)
    }),
    of::<Stats>("stats", "What the cache holds and what it has saved", |m| read(m, Command::Stats)),
    of::<Clear>("clear", "Drop entries", |m| read(m, Command::Clear)),
    of::<Benchmark>(
        "benchmark",
        "Measure every tier against an upstream, offline by default",
        |m| read(m, Command::Benchmark),
    ),
    of::<Keys>("keys", "List entries", |m| read(m, Command::Keys)),
    of::<Get>("get", "Read a value by its key", |m| read(m, Command::Get)),
    of::<Put>("put", "Write any program's value under a key", |m| read(m, Command::Put)),
    of::<Limits>("limits", "May a call be made now, and if not, when and why", |m| {
        read(m, Command::Limits)
    }),
    of::<Calendar>("calendar", "Is the market open, when does it next open and close", |m| {
        read(m, Command::Calendar)
    }),
    of::<Diff>("diff", "What has changed between two instants, or since a receipt", |m| {
        read(m, Command::Diff)
    }),
    of::<Export>("export", "Write what is held of series to a file, for another cache", |m| {
        read(m, Command::Export)
    }),
    of::<Import>("import", "Take series out of files, so that they are never asked for", |m| {
        read(m, Command::Import)
    }),
    of::<Config>("config", "The configuration in force and where each value came from", |m| {
        read(m, Command::Config)
    }),
    of::<Completions>("completions", "Print a completion script for a shell", |m| {
        read(m, Command::Completions)
    }),
    ("man", "Print the manual page", |command| command, |_| Ok(Command::Man)),
];

/// Adds the arguments of a command to it.
type Augment = fn(clap::Command) -> clap::Command;

/// Reads what was typed.
type Read = fn(&ArgMatches) -> Result<Command, clap::Error>;

const fn of<A: Args>(
    name: &'static str,
    about: &'static str,
    read: Read,
) -> (&'static str, &'static str, Augment, Read) {
    (name, about, A::augment_args, read)
}

fn read<A: FromArgMatches>(
    matches: &ArgMatches,
    command: fn(A) -> Command,
) -> Result<Command, clap::Error> {
    A::from_arg_matches(matches).map(command)
}

/// The definition of the command line. The arguments of a command are defined only once it is the
/// one that was typed: defining those of all takes a sixth of a hit.
pub(crate) fn definition() -> clap::Command {
    let root = clap::Command::new("mcache")
        .version(env!("CARGO_PKG_VERSION"))
        .max_term_width(100)
        .subcommand_required(true)
        .arg_required_else_help(true);
    let root = Global::augment_args(root).about(ABOUT).long_about(LONG_ABOUT).after_help(EXAMPLES);
    COMMANDS.into_iter().fold(root, |root, (name, about, augment, _)| {
        let command = clap::Command::new(name).about(about).defer(augment);
        root.subcommand(command)
    })
}

/// Reads the command line; the error is help, the version, or a mistake.
///
/// The command that seems to have been typed is tried alone first: handing the global options down
/// to all of them takes a sixteenth of a hit. What that cannot make sense of is read with everything
/// there is, so help and messages are always the whole definition's.
pub(crate) fn parse() -> Result<(Global, Command), clap::Error> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match alone(&arguments) {
        Some(typed) => Ok(typed),
        None => typed(&definition().try_get_matches_from(arguments)?),
    }
}

/// The command line as one of the first command whose name occurs in it; none if it is anything
/// else.
fn alone(arguments: &[OsString]) -> Option<(Global, Command)> {
    let named = |name: &str| arguments.iter().position(|argument| argument == name);
    let (_, (name, _, augment, _)) =
        COMMANDS.into_iter().filter_map(|of| Some((named(of.0)?, of))).min_by_key(|(at, _)| *at)?;
    let root = clap::Command::new("mcache").disable_help_subcommand(true).subcommand_required(true);
    let command = augment(clap::Command::new(name));
    let root = Global::augment_args(root).subcommand(command);
    typed(&root.try_get_matches_from(arguments).ok()?).ok()
}

fn typed(matches: &ArgMatches) -> Result<(Global, Command), clap::Error> {
    let global = Global::from_arg_matches(matches)?;
    // One of the commands was typed: the definition requires it and knows no other.
    let typed = matches.subcommand().and_then(|(typed, matches)| {
        COMMANDS.iter().find(|(name, ..)| *name == typed).map(|(.., read)| read(matches))
    });
    Ok((global, typed.unwrap_or(Ok(Command::Man))?))
}

/// What the cache holds and what it has saved.
#[derive(Args, Debug)]
#[command(after_help = "\
Counters are kept by day (UTC), so --since counts from the start of its day.

--what-if replays the newest 100,000 reads, each once under the configuration in force and once
under the one that is tried out, against a cache that begins empty. It assumes that every miss is
one call, which succeeds at once; that every strategy is normal, unless it is pinned; that nobody
said --refresh, --max-age or --use. It knows of no exchange but a symbol's own look, of no unusual
volume, and learns nothing for `policy: adaptive`. Warming is no read.
With it, --since is exact, and --by takes symbol, key, type or provider.

--verify reads every entry and changes nothing; exit code 1 if something is damaged. --repair keeps
what is sound, sets aside what is not, and brings back what stands in databases that were set aside
before (cache.db.damaged-*), where nothing newer is held under the same key; a key that was cleared
since comes back too. Nothing is deleted; exit code 1 if the cache is not sound afterwards.

An answer that cannot be market data is invalid_data and replaces nothing. It is kept beside the good
ones: --quarantine lists the newest 100 (at most 4 MiB), the same fault of the same key once, with
how often; json, ndjson and csv have the first 64 KiB of each body, without your keys, as text, or as
base64 where it is none. `mcache clear --all` empties it.

Examples:
  mcache stats --since 7d                the last week
  mcache stats --by symbol --top 10      what is asked most
  mcache stats -f prometheus             for a scraper
  mcache stats --what-if ttl.quote=60s   would it save calls, and how old would answers be?
  mcache stats --quarantine              which answers were refused, and why?
  mcache stats --verify                  is everything on the disk what was stored?")]
pub(crate) struct Stats {
    /// Count from a date, a time, or so long ago (7d)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<String>,
    /// Tell apart by this
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Option<By>,
    /// At most so many rows, the most asked first; hours in their order [default: 20; all hours]
    #[arg(long, value_name = "N", requires = "by")]
    pub(crate) top: Option<usize>,
    /// Instead, what `mcache limits` prints
    #[arg(long, conflicts_with_all = ["since", "by", "reset"])]
    pub(crate) limits: bool,
    /// Instead, what was refused as nonsense, the newest first, and why
    #[arg(long, conflicts_with_all = ["since", "by", "reset", "limits", "what_if", "verify", "repair"])]
    pub(crate) quarantine: bool,
    /// Replay the recorded reads as if this key of the configuration were set so: calls saved
    /// against age added; may be repeated
    #[arg(long, value_name = "KEY=VALUE", conflicts_with_all = ["limits", "reset", "verify", "repair"])]
    pub(crate) what_if: Vec<String>,
    /// Set all counters to zero and forget when what was read; entries stay
    #[arg(long, conflicts_with_all = ["since", "by"])]
    pub(crate) reset: bool,
    /// Check every entry and the database they stand in, without changing anything
    #[arg(long, conflicts_with_all = ["since", "by", "reset", "repair"])]
    pub(crate) verify: bool,
    /// Set aside what is damaged, keep the rest, bring back what was set aside before
    #[arg(long, conflicts_with_all = ["since", "by", "reset"])]
    pub(crate) repair: bool,
}

/// What statistics are told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum By {
    /// The symbol, whatever its type
    Symbol,
    /// The key
    Key,
    /// The type
    Type,
    /// The hour of the day, UTC
    Hour,
    /// The provider
    Provider,
    /// Who asked
    Caller,
}

/// Measure every tier against an upstream, offline by default.
#[derive(Args, Debug)]
#[command(after_help = "\
Starts an upstream of its own on loopback and works in a folder of its own: neither your cache nor a
provider is touched, unless --live is given. Exit code 1 if a target is missed.

Examples:
  mcache benchmark                       every tier against an upstream of 100 ms
  mcache benchmark --latency 600ms -f json")]
pub(crate) struct Benchmark {
    /// How long the demo upstream takes to answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "100ms", conflicts_with = "live")]
    pub(crate) latency: Duration,
    /// How many symbols
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) symbols: u32,
    /// How many samples of each fast step
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u32).range(10..=1_000_000))]
    pub(crate) iterations: u32,
    /// Ask the real provider, sparingly; says how many calls it will make
    #[arg(long)]
    pub(crate) live: bool,
}

/// May a call be made now, and if not, when and why.
#[derive(Args, Debug)]
#[command(after_help = "\
One row a provider, and one an endpoint that has limits of its own (of all providers, that has used
them); csv has a row a limit and budget.
Everything here holds for all processes that use the same cache folder, and goes by real time.

HEALTH: ok; limited, a limit or the budget is used up, or upstream asked for a pause (429); banned,
upstream lets nobody through (403, 418); sick, it failed five times in a row; paused, by --pause.

With --check the exit code is the answer: 0 if every row shown may be called now, 1 if not. The rows
are printed all the same, unless -q says otherwise. It promises nothing: another process may be
faster. A `mcache fetch` needs no check, it keeps to the limits by itself.

Examples:
  mcache limits                          all providers
  mcache limits binance -f json          its windows, budget and health, for a program
  mcache limits yahoo --check -q && ./backfill.sh
  mcache limits yahoo --pause 12h        nobody on this machine asks Yahoo for twelve hours
  mcache limits yahoo --resume           ends that, and whatever Yahoo asked for")]
pub(crate) struct Limits {
    /// Only this provider, or only this endpoint of it, as in binance/quote
    #[arg(value_name = "PROVIDER[/ENDPOINT]")]
    pub(crate) of: Option<String>,
    /// Say by the exit code whether a call may be made now: 0 yes, 1 no
    #[arg(long)]
    pub(crate) check: bool,
    /// Do not ask this provider for so long (12h), or until a time or date (2026-07-01T15:00:00Z)
    #[arg(long, value_name = "DURATION|UNTIL", requires = "of", conflicts_with_all = ["check", "resume"])]
    pub(crate) pause: Option<String>,
    /// Ask this provider again: ends its pauses, whoever asked for them, and forgets its failures
    #[arg(long, requires = "of", conflicts_with = "check")]
    pub(crate) resume: bool,
}

const CHECK: &str = "\
--live asks for a quote, else for the first thing that the provider has; limits and budgets hold, and
the call is counted. Shown are the request without secrets, the status, type, size and shape of the
answer, and each value with where it was read from; of what was not understood, what to change. Of a
program: its arguments, and the shape of what it printed; what it is handed comes through the cache.

Examples:
  mcache config check
  mcache config check --live acme              one quote
  mcache config check --live acme/bars MSFT    one endpoint, and about what";

/// The configuration in force and where each value came from.
#[derive(Args, Debug)]
#[command(after_help = "\
`mcache config check --live PROVIDER` asks a provider once and shows what was understood.

Examples:
  mcache config show ttl.quote
  mcache config check
  mcache config check --live yahoo AAPL")]
pub(crate) struct Config {
    /// What to do.
    #[command(subcommand)]
    pub(crate) action: ConfigAction,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Every value in force and where it came from
    Show {
        /// Only keys that begin so
        #[arg(value_name = "KEY")]
        key: Option<String>,
    },
    /// Check the file, the environment and the flags; exit code 2 if something is wrong
    #[command(after_help = CHECK)]
    Check {
        /// Ask this provider once, store nothing, and show what was understood of its answer; exit
        /// code 1 if nothing was
        #[arg(long, value_name = "PROVIDER[/ENDPOINT]")]
        live: Option<String>,
        /// With --live: ask about this [default: what everybody knows of the first class that it has]
        #[arg(value_name = "SYMBOL", requires = "live")]
        symbol: Option<String>,
        /// With --live: what its endpoint is asked besides, as in depth=10; may be repeated
        #[arg(long = "param", value_name = "NAME=VALUE", requires = "live")]
        params: Vec<String>,
    },
    /// Write the commented defaults to the user's file, if there is none
    Init,
    /// Print the path of the user's file
    Path,
}

/// Print a completion script for a shell.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: clap_complete::Shell,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).map_err(on_one_line)
}

fn use_case(text: &str) -> Result<UseCase, String> {
    let names = UseCase::ALL.map(UseCase::as_str);
    UseCase::from_name(&text.to_ascii_lowercase()).ok_or_else(|| match nearest(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the uses are {}", names.join(", ")),
    })
}

fn class(text: &str) -> Result<Class, String> {
    let names = Class::ALL.map(Class::as_str);
    Class::from_name(&text.to_ascii_lowercase()).ok_or_else(|| match nearest(text, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None if text == "market" => "`mcache get market:all` reads what is kept so".to_owned(),
        None => format!("the classes are {}", names.join(", ")),
    })
}

fn cause(text: &str) -> Result<Cause, String> {
    Cause::parse(text).map_err(on_one_line)
}

fn share(text: &str) -> Result<Share, String> {
    parse_share(text).map_err(on_one_line)
}

fn on_one_line(usage: Usage) -> String {
    match usage.hint {
        Some(hint) => format!("{}; {hint}", usage.message),
        None => usage.message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn a_command_read_alone_is_what_all_commands_together_read() {
        for line in [
            "mcache fetch AAPL",
            "mcache fetch AAPL BTC/USDT -f json --offline",
            "mcache -q --set a=b fetch - --set c=d -vv --color never",
            "mcache fetch --max-age 5s --min-fresh 1m --max-wait 2s --explain -o x AAPL",
            "mcache get quote:stock:AAPL --stale",
            "mcache get a --ttl 1h --or-run fetch -n --stale -- x",
            "mcache put a -1 --ttl 5s",
            "mcache limits yahoo --pause 12h",
            "mcache stats --limits -f json",
            "mcache calendar XNYS --is-session",
            "mcache calendar XNYS --is-session 2026-07-03",
            "mcache config show ttl",
            "mcache man",
        ] {
            let arguments = arguments(line);
            let together = typed(&definition().try_get_matches_from(&arguments).unwrap()).unwrap();
            let alone = alone(&arguments).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(format!("{alone:?}"), format!("{together:?}"), "{line}");
        }
    }

    #[test]
    fn what_cannot_be_read_alone_is_left_to_all_commands_together() {
        for line in [
            "mcache",
            "mcache fetch",
            "mcache fetch --help",
            "mcache fetch AAPL -h",
            "mcache help fetch",
            "mcache --version fetch",
            "mcache fetch AAPL --refresh --offline",
            "mcache fetch AAPL --no-such-flag",
            "mcache --profile stats fetch AAPL",
        ] {
            assert!(alone(&arguments(line)).is_none(), "{line}");
        }
    }
}
