//! `export`: what is held of series, as a file for another cache.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::Path;

use super::{refuse_idle, say_warnings, slice, symbols};
use crate::cache::Question;
use crate::cache::carry::Loaded;
use crate::cli::Invocation;
use crate::cli::args::{Export, Format};
use crate::cli::exit::Exit;
use crate::cli::output::file::Unfinished;
use crate::config::{Choice, Config};
use crate::error::{Error, Kind, Usage};
use crate::market::{Class, DataType, Interval, Symbol};
use crate::span::Span;
use crate::tier::series::parcel::Packer;
use crate::warning::Warning;

/// How many missing stretches of a series are named.
const NAMED: usize = 3;

pub(in crate::cli) fn run(args: &Export, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    invocation.format(&[Format::Table])?;
    let Invocation { config, ui, .. } = invocation;
    refuse_misnamed(&args.file)?;
    let symbols = symbols(&args.symbols, &config, ui)?;
    let questions = questions(args, &symbols, &config)?;
    refuse_idle(args.part.said(), &questions)?;
    let mut file = Unfinished::create(&args.file)?;
    let cache = config.open()?;
    cache.check(&questions)?;
    let mut packer = Packer::new(&mut file.file)?;
    let (mut lacks, mut packed) = (false, 0);
    for question in &questions {
        match cache.load(question) {
            Ok(loaded) => {
                if !loaded.missing.is_empty() {
                    lacks = true;
                    let what = lacking(question, &loaded);
                    if args.partial {
                        let symbol = question.symbol.to_string();
                        ui.warn(&Warning::NotCarried { symbol, what });
                    } else {
                        let error = Error::new(Kind::Offline, what)
                            .hint("fetch it first; --partial writes what is held all the same");
                        ui.error(Some(question.symbol.name()), &error);
                    }
                }
                ui.verbose(&line(&loaded));
                packer.add(&loaded.section)?;
                packed += 1;
            }
            Err(error) => {
                lacks = true;
                ui.error(Some(question.symbol.name()), &error);
            }
        }
    }
    packer.finish()?;
    say_warnings(&cache, ui);
    if packed == 0 || (lacks && !args.partial) {
        // The file is dropped, and one that was there stays.
        return Ok(Exit::Failure);
    }
    file.file.flush()?;
    file.finish()?;
    Ok(Exit::Success)
}

/// Refuses a name that says that the file is of a kind which is not written here.
fn refuse_misnamed(file: &Path) -> Result<(), Usage> {
    const OTHERS: [&str; 5] = ["csv", "json", "ndjson", "jsonl", "parquet"];
    let extension = file.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase);
    let Some(other) = extension.filter(|extension| OTHERS.contains(&extension.as_str())) else {
        return Ok(());
    };
    let message =
        format!("`{}` would be no {other}: only `mcache import` reads it", file.display());
    let hint = format!(
        "name it {}; `mcache fetch SYMBOL -t bars -o {}` writes {other}",
        file.with_extension("mcache").display(),
        file.display(),
    );
    Err(Usage::new(message).hint(hint))
}

/// What is to be carried: bars, and of macro symbols the series.
fn questions(args: &Export, symbols: &[Symbol], config: &Config) -> Result<Vec<Question>, Usage> {
    let types: Vec<DataType> =
        args.types.iter().map(|text| DataType::parse(text)).collect::<Result<_, _>>()?;
    if let Some(other) = types.iter().find(|of| !matches!(of, DataType::Bars | DataType::Series)) {
        return Err(Usage::new(format!("{} cannot be carried", other.in_prose())).hint(
            "bars and series are; dividends, splits and what is worked out of bars go with them",
        ));
    }
    if let Some(interval) = args.part.interval.filter(|interval| *interval > Interval::Day1) {
        return Err(Usage::new(format!("bars of {} are not carried", interval.as_str()))
            .hint("they are made of days when they are read: leave --interval away"));
    }
    let choice = Choice {
        provider: args.provider.as_deref(),
        slice: slice(&args.part),
        ..Choice::default()
    };
    let mut questions = Vec::new();
    for symbol in symbols {
        let usual = match symbol.class() {
            Class::Macro => DataType::Series,
            _ => DataType::Bars,
        };
        let types = if types.is_empty() { vec![usual] } else { types.clone() };
        let of = config.questions(std::slice::from_ref(symbol), &types, &choice)?;
        questions.extend(of);
    }
    Ok(questions)
}

/// What is not held of a span.
fn lacking(question: &Question, loaded: &Loaded) -> String {
    let name = |span: &Span| format!("{} to {}", span.start(), span.end());
    let named: Vec<String> = loaded.missing.iter().take(NAMED).map(name).collect();
    let more = loaded.missing.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let key = &question.key;
    format!("of `{key}` is not held: {}{more}", named.join(", "))
}

/// One line about what is carried.
fn line(loaded: &Loaded) -> String {
    let section = &loaded.section;
    let span = loaded.spans.bounds();
    let span = span.map(|span| format!(" {} to {}", span.start(), span.end())).unwrap_or_default();
    format!("export {} {} {}{span}", section.key, section.provider, loaded.bars)
}
