//! Every sentence that mcache says without failing.
//!
//! Trouble with the cache never stops an answer: it becomes one of these, travels with the answer,
//! and only `cli::ui` prints it. Nothing here decides anything.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::time::Timestamp;
use crate::units::duration_for_people;

/// Something a user should know although the answer stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// An answer is older than its rule allows, because upstream could not be asked.
    ServedStale {
        /// What was asked for.
        symbol: String,
        /// How old the answer is.
        age: Duration,
        /// Why there is no newer one.
        why: String,
    },
    /// Of what the cache knows of a class, some is older than its rule allows.
    SummaryStale {
        /// How many answers.
        stale: usize,
        /// Of how many.
        of: usize,
    },
    /// The database could not be read and stands aside now.
    SetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
    },
    /// The ledger of limits was damaged and stands aside now.
    LedgerSetAside {
        /// Where it was.
        path: PathBuf,
        /// Where it is now.
        aside: PathBuf,
    },
    /// One entry did not match its checksum and stands aside now.
    EntryDamaged {
        /// Whose value it was.
        key: String,
        /// Where its bytes are now; none if they could not be written anywhere.
        aside: Option<PathBuf>,
    },
    /// The database was made by a later major version, or by another program.
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        what: String,
    },
    /// The cache cannot be used for this answer.
    Unusable {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// Limits and locks cannot be kept with other processes.
    Alone {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// What came could not be stored.
    NotStored {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The folder lies on a network, where the fast journal would lose data.
    NetworkFolder {
        /// The folder.
        path: PathBuf,
        /// The kind of file system.
        kind: String,
    },
    /// What is said of sessions is a guess, because nobody knows them yet, or any more.
    Guessed {
        /// The exchanges, with what is known of a single one.
        of: String,
    },
    /// Upstream says something else of what was final.
    Restated {
        /// Of what symbol.
        symbol: String,
    },
    /// An answer lacks a part of what was asked for.
    Partial {
        /// Of what symbol.
        symbol: String,
        /// From when on.
        from: Timestamp,
        /// Until when.
        to: Timestamp,
        /// Why.
        why: String,
    },
    /// A program goes without something that it was to be handed.
    NotHanded {
        /// Of what symbol.
        symbol: String,
        /// The name of what it goes without.
        input: String,
        /// Why.
        why: String,
    },
    /// Fewer providers answered than were wanted.
    NoQuorum {
        /// Of what symbol.
        symbol: String,
        /// How many answered.
        answered: usize,
        /// How many were wanted.
        of: usize,
        /// Why the others did not.
        why: String,
    },
    /// Providers differ in what something costs.
    Disagreement {
        /// Of what symbol.
        symbol: String,
        /// How far the highest is above the lowest, in percent.
        spread: String,
        /// Who says what.
        prices: Vec<String>,
    },
    /// A file lacks a part of what was to be carried.
    NotCarried {
        /// Of what symbol.
        symbol: String,
        /// What is not held.
        what: String,
    },
    /// Some of an answer is possible, and looks wrong.
    LooksWrong {
        /// Of what symbol.
        symbol: String,
        /// What of it, and why.
        what: String,
    },
    /// Upstream has nothing of sessions that there were.
    Hollow {
        /// Of what symbol.
        symbol: String,
        /// Who was asked.
        provider: String,
        /// How many sessions.
        sessions: usize,
        /// Whose.
        exchange: String,
        /// The date of the first of them.
        first: String,
        /// The date of the last of them.
        last: String,
    },
    /// A quote does not move although its market is open.
    Frozen {
        /// Of what symbol.
        symbol: String,
        /// Who gave it.
        provider: String,
        /// Since when.
        since: Timestamp,
        /// How long that is.
        still: Duration,
        /// What is open.
        exchange: String,
    },
    /// The cap is reached by what may not be dropped.
    OverCap {
        /// The folder.
        path: PathBuf,
    },
    /// There was no room for what does not change any more.
    SeriesDropped {
        /// The folder.
        path: PathBuf,
        /// How many series were dropped.
        series: usize,
    },
}

/// What is said of a folder that is too full, whatever is dropped.
const OVER_CAP: &str = "stays above `cache.disk.max_size_gb`: nothing more may be dropped";

/// What is said of final bars that there was no room for.
const DROPPED: &str =
    "though final bars never change; a larger `cache.disk.max_size_gb` keeps them";

fn dropped(f: &mut fmt::Formatter<'_>, path: &Path, series: usize) -> fmt::Result {
    let (path, were) = (path.display(), if series == 1 { "was" } else { "were" });
    write!(f, "the cache in `{path}` is full: {series} series {were} dropped, {DROPPED}")
}

/// An instant so long ago as people say it: `14:02 UTC`, and with the date if it is not today's.
fn time_of(instant: Timestamp, ago: Duration) -> String {
    if instant.day() == (instant + ago).day() {
        let minute = instant.as_ms().div_euclid(60_000).rem_euclid(60);
        format!("{:02}:{minute:02} UTC", instant.hour())
    } else {
        instant.for_people()
    }
}

impl Warning {
    /// Whether nothing went wrong: it says how the data looks that came as it should.
    pub fn is_remark(&self) -> bool {
        matches!(self, Self::LooksWrong { .. } | Self::Hollow { .. } | Self::Frozen { .. })
    }

    /// What is said of the word of several providers.
    fn of_quorum(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoQuorum { symbol, answered, of, why } => {
                write!(f, "{symbol}: {answered} of {of} providers answered: {why}")
            }
            Self::Disagreement { symbol, spread, prices } => {
                write!(f, "{symbol}: prices differ by {spread}: {}", prices.join(", "))
            }
            _ => Ok(()),
        }
    }

    /// What is said of answers that are too old.
    fn of_age(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServedStale { symbol, age, why } => {
                let age = duration_for_people(*age);
                write!(f, "{symbol}: this answer is {age} old, no newer one could be had: {why}")
            }
            Self::SummaryStale { stale, of } => {
                write!(f, "{stale} of {of} are stale, and nobody was asked: --refresh asks")
            }
            _ => Ok(()),
        }
    }

    /// What is said of an answer.
    fn of_an_answer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Restated { symbol } => write!(
                f,
                "{symbol}: upstream says something else of its history than is held, so it was asked \
                 for anew; `mcache diff` says what has changed"
            ),
            Self::Partial { symbol, from, to, why } => {
                write!(f, "{symbol}: nothing from {from} to {to}: {why}")
            }
            Self::NotCarried { symbol, what } | Self::LooksWrong { symbol, what } => {
                write!(f, "{symbol}: {what}")
            }
            Self::NotHanded { symbol, input, why } => {
                write!(f, "{symbol}: the program is handed no `{input}`: {why}")
            }
            Self::Hollow { symbol, provider, sessions: 1, exchange, first, .. } => write!(
                f,
                "{symbol}: {provider} has no bar of {exchange}'s session of {first}; --refresh asks \
                 for it again"
            ),
            Self::Hollow { symbol, provider, sessions, exchange, first, last } => write!(
                f,
                "{symbol}: {provider} has no bars of {sessions} sessions of {exchange} from {first} to \
                 {last}; --refresh asks for them again"
            ),
            Self::Frozen { symbol, provider, since, still, exchange } => {
                let (since, still) = (time_of(*since, *still), duration_for_people(*still));
                write!(
                    f,
                    "{symbol}: {provider}'s quote has not moved since {since} ({still}) although \
                     {exchange} is open"
                )
            }
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServedStale { .. } | Self::SummaryStale { .. } => self.of_age(f),
            Self::SetAside { path, aside } => {
                let aside = aside.file_name().unwrap_or(aside.as_os_str()).display();
                let path = path.display();
                write!(
                    f,
                    "the cache at `{path}` was damaged; set aside as `{aside}`, starting anew"
                )
            }
            Self::LedgerSetAside { path, aside } => {
                let aside = aside.file_name().unwrap_or(aside.as_os_str()).display();
                write!(
                    f,
                    "the ledger of limits at `{}` was damaged; set aside as `{aside}`, what can be read of it holds",
                    path.display()
                )
            }
            Self::EntryDamaged { key, aside: Some(aside) } => {
                let aside = aside.display();
                write!(f, "the entry `{key}` was damaged; its bytes are set aside as `{aside}`")
            }
            Self::EntryDamaged { key, aside: None } => {
                write!(f, "the entry `{key}` is damaged; it is not served")
            }
            Self::Foreign { path, what } => {
                write!(f, "the cache at `{}` {what}; it is left alone and not used", path.display())
            }
            Self::Unusable { path, why } => {
                write!(f, "the cache in `{}` cannot be used: {why}", path.display())
            }
            Self::Alone { path, why } => {
                let path = path.display();
                write!(
                    f,
                    "limits hold within this process only, the ledger in `{path}` cannot be used: {why}"
                )
            }
            Self::NotStored { path, why } => {
                write!(f, "nothing could be stored in `{}`: {why}", path.display())
            }
            Self::NetworkFolder { path, kind } => {
                let path = path.display();
                write!(
                    f,
                    "the cache folder `{path}` is on a network ({kind}): slower, and a local folder is safer"
                )
            }
            Self::Guessed { of } => write!(f, "sessions beyond what is known of {of} are guessed"),
            Self::Restated { .. }
            | Self::Partial { .. }
            | Self::NotCarried { .. }
            | Self::NotHanded { .. }
            | Self::LooksWrong { .. }
            | Self::Hollow { .. }
            | Self::Frozen { .. } => self.of_an_answer(f),
            Self::NoQuorum { .. } | Self::Disagreement { .. } => self.of_quorum(f),
            Self::OverCap { path } => write!(f, "the cache in `{}` {OVER_CAP}", path.display()),
            Self::SeriesDropped { path, series } => dropped(f, path, *series),
        }
    }
}
