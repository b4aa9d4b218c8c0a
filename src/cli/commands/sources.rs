//! What `import` is given: files, which of them are of which kind, and what must be said of them.
//!
//! A file is known by what it begins with. Only paths that were named are looked at, and of a folder the
//! csv files in it and those of Parquet, where they can be read.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::cache::carry::foreign::{Adjusted, Declared, archive, parquet, requests};
use crate::cli::args::{self, Import};
use crate::config::Config;
use crate::error::Usage;
use crate::market::{Class, Interval};
use crate::tier::series::parcel;

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
    /// Parquet.
    Parquet(Box<Declared>),
    /// A database of requests-cache, with what this provider said.
    Requests(Box<str>),
}

/// What `import` was given.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// The files that series are taken out of.
    pub(super) files: Vec<Source>,
    /// What should be known of what is left out.
    pub(super) notes: Vec<String>,
}

/// The files that were named, and those of prices in folders that were.
pub(super) fn of(args: &Import, config: &Config) -> Result<Sources, Usage> {
    let mut sources = Sources::default();
    for path in &args.files {
        if !path.is_dir() {
            sources.files.push(source(path, args, config)?);
            continue;
        }
        if args.symbol.is_some() {
            return Err(Usage::new("--symbol cannot be said of a folder")
                .hint("the files in it are named after their symbols, as in AAPL.csv"));
        }
        for file in files_in(path, &mut sources.notes)? {
            sources.files.push(source(&file, args, config)?);
        }
    }
    Ok(sources)
}

/// The files of prices in a folder.
fn files_in(folder: &Path, notes: &mut Vec<String>) -> Result<Vec<PathBuf>, Usage> {
    let entries = folder.read_dir().map_err(|error| unreadable(folder, &error))?;
    let ends = |path: &Path, end: &str| {
        path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(end))
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let (mut files, mut columns): (Vec<PathBuf>, Vec<PathBuf>) = paths
        .filter(|path| ends(path, "csv") || ends(path, "parquet"))
        .partition(|path| ends(path, "csv"));
    let shown = folder.display();
    if parquet::IS_BUILT_IN {
        files.append(&mut columns);
    }
    let left_out = match columns.len() {
        0 => None,
        1 => Some("1 Parquet file is left out".to_owned()),
        count => Some(format!("{count} Parquet files are left out")),
    };
    match left_out {
        Some(left_out) if files.is_empty() => {
            return Err(Usage::new(format!("there is no csv in `{shown}`, and {left_out}"))
                .hint(parquet::HINT_IF_ABSENT));
        }
        None if files.is_empty() => {
            return Err(Usage::new(format!("there is no csv or Parquet in `{shown}`"))
                .hint("name files of another kind one by one"));
        }
        Some(left_out) => {
            notes.push(format!("of `{shown}` {left_out}: {}", parquet::HINT_IF_ABSENT));
        }
        None => {}
    }
    files.sort();
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Usage {
    Usage::new(format!("`{}` cannot be read: {error}", path.display()))
        .hint("name files, or folders of csv or Parquet files; nothing was taken")
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
        if let Some(option) = said(args) {
            let what = format!("what `mcache export` wrote, and {option} says nothing of it");
            let hint = "it says itself of what it is, and whose: leave the option away, or export \
                        only what is wanted";
            return refused(&what, hint);
        }
        Kind::Parcel
    } else if begin.starts_with(&requests::MAGIC) {
        Kind::Requests(provider(path, args, config)?)
    } else if begin.starts_with(&archive::MAGIC) {
        Kind::Archive(declared()?)
    } else if begin.starts_with(&parquet::MAGIC) {
        if !parquet::IS_BUILT_IN {
            let what = "a Parquet file, which this mcache was built without";
            return refused(what, parquet::HINT_IF_ABSENT);
        }
        Kind::Parquet(declared()?)
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

/// The first option that says of what a file is.
fn said(args: &Import) -> Option<&'static str> {
    let said = [
        ("--symbol", args.symbol.is_some()),
        ("--provider", args.provider.is_some()),
        ("--interval", args.interval.is_some()),
        ("--session", args.session.is_some()),
        ("--basis", args.basis.is_some()),
        ("--adjusted", args.adjusted.is_some()),
    ];
    said.into_iter().find(|(_, is_said)| *is_said).map(|(name, _)| name)
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
