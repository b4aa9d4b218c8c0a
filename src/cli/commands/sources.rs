//! What `import` is given: files, which of them are of which kind, and what must be said of them.
//!
//! A file is known by what it begins with. Only paths that were named are looked at, and of a folder the
//! csv files in it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cache::carry::foreign::{Adjusted, Declared, archive, requests};
use crate::cli::args::{self, Import};
use crate::config::Config;
use crate::error::Usage;
use crate::market::{Class, Interval};
use crate::tier::series::parcel;

/// What every file of Parquet begins with.
const PARQUET: &[u8] = b"PAR1";

/// What every pickle of the last twenty years begins with.
const PICKLE: u8 = 0x80;

/// A file that series are taken out of.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is.
    pub(super) path: PathBuf,
    /// What it is.
    pub(super) kind: Kind,
}

/// What a file is.
#[derive(Debug)]
pub(super) enum Kind {
    /// What `export` writes.
    Parcel,
    /// csv.
    Table(Box<Declared>),
    /// csv in a zip.
    Archive(Box<Declared>),
    /// A database of requests-cache, with what this provider said.
    Requests(Box<str>),
}

/// The files that were named, and the csv files in folders that were.
pub(super) fn of(args: &Import, config: &Config) -> Result<Vec<Source>, Usage> {
    let mut sources = Vec::new();
    for path in &args.files {
        if !path.is_dir() {
            sources.push(source(path, args, config)?);
            continue;
        }
        if args.symbol.is_some() {
            return Err(Usage::new("--symbol cannot be said of a folder")
                .hint("the files in it are named after their symbols, as in AAPL.csv"));
        }
        let entries = path.read_dir().map_err(|error| unreadable(path, &error))?;
        let is_csv =
            |path: &PathBuf| path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        let mut files: Vec<PathBuf> =
            entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_csv).collect();
        if files.is_empty() {
            return Err(Usage::new(format!("there is no csv in `{}`", path.display()))
                .hint("name files of another kind one by one"));
        }
        files.sort();
        for file in files {
            sources.push(source(&file, args, config)?);
        }
    }
    Ok(sources)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Usage {
    Usage::new(format!("`{}` cannot be read: {error}", path.display()))
        .hint("name files, or folders of csv files; nothing was taken")
}

fn source(path: &Path, args: &Import, config: &Config) -> Result<Source, Usage> {
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(16).read_to_end(&mut begin));
    read.map_err(|error| unreadable(path, &error))?;
    let refused = |what: &str, hint: &str| {
        Err(Usage::new(format!("`{}` is {what}", path.display())).hint(hint))
    };
    let declared = || declared(path, args, config).map(Box::new);
    let is_named_so = path.extension().is_some_and(|extension| extension == "mcache");
    let kind = if begin.starts_with(&parcel::MAGIC[..3]) || is_named_so {
        Kind::Parcel
    } else if begin.starts_with(&requests::MAGIC) {
        Kind::Requests(provider(path, args, config)?)
    } else if begin.starts_with(&archive::MAGIC) {
        Kind::Archive(declared()?)
    } else if begin.starts_with(PARQUET) {
        return refused("a Parquet file, which is not read yet", "write it as csv first");
    } else if begin.first() == Some(&PICKLE) {
        return refused(
            "a pickle, which is a program and never run",
            "tools/yfinance_cache_to_csv.py makes csv of those that yfinance-cache has written",
        );
    } else {
        Kind::Table(declared()?)
    };
    Ok(Source { path: path.to_owned(), kind })
}

fn provider(path: &Path, args: &Import, config: &Config) -> Result<Box<str>, Usage> {
    let Some(name) = &args.provider else {
        let path = path.display();
        return Err(Usage::new(format!("`{path}` does not say whose prices they are"))
            .hint("say with --provider who would be asked for them, as in -p yahoo"));
    };
    config.provider(name).map(Into::into)
}

/// What is said of a file of rows, on the command line or by its name.
fn declared(path: &Path, args: &Import, config: &Config) -> Result<Declared, Usage> {
    let provider = provider(path, args, config)?;
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let bulk = bulk(&stem);
    let symbol = match (&args.symbol, &bulk) {
        (Some(said), _) => config.symbol(said)?,
        (None, Some((pair, _))) => config.symbol(&format!("crypto:{pair}"))?,
        (None, None) => config.symbol(&stem).map_err(|usage| {
            let message = format!("`{}` is not named after a symbol", path.display());
            Usage { message, ..usage }.hint("say with --symbol of what its bars are")
        })?,
    };
    if symbol.class() == Class::Macro {
        return Err(Usage::new(format!("`{symbol}` is a series of an economy, and has no bars"))
            .hint("those are taken only out of what `mcache export` wrote"));
    }
    let by_name = bulk.as_ref().map(|(_, interval)| *interval);
    let interval = args.interval.or(by_name).unwrap_or_default();
    if interval > Interval::Day1 {
        return Err(Usage::new(format!("bars of {} are not taken", interval.as_str()))
            .hint("they are made of days when they are read: import days"));
    }
    if args.basis.is_none() && bulk.is_none() {
        return Err(Usage::new(format!("`{}` does not say when it was made", path.display())).hint(
            "--basis 2026-06-30 says so: splits up to then are in its prices, and what was final \
             then is taken",
        ));
    }
    Ok(Declared {
        symbol,
        provider,
        interval,
        session: args.session.map(Into::into).unwrap_or_default(),
        basis: args.basis,
        adjusted: args.adjusted.map(|adjusted| match adjusted {
            args::Adjusted::None => Adjusted::None,
            args::Adjusted::Splits => Adjusted::Splits,
        }),
    })
}

/// The pair and the interval in the name of a bulk file of Binance: `BTCUSDT-1h-2026-06`.
fn bulk(stem: &str) -> Option<(String, Interval)> {
    let mut parts = stem.split('-');
    let (pair, interval, year) = (parts.next()?, parts.next()?, parts.next()?);
    let is_year = year.len() == 4 && year.bytes().all(|byte| byte.is_ascii_digit());
    let is_rest = parts.all(|part| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()));
    let interval = Interval::parse(interval).ok()?;
    (is_year && is_rest && !pair.is_empty()).then(|| (pair.to_owned(), interval))
}
