//! `put`: any program's value under a key.

use std::io::{BufRead as _, BufReader, IsTerminal as _, Read};
use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::say_warnings;
use crate::cli::Invocation;
use crate::cli::args::{Format, Put};
use crate::cli::exit::Exit;
use crate::cli::ui::Ui;
use crate::codec::LARGEST;
use crate::config::Config;
use crate::error::{Usage, sanitized};
use crate::key::Key;
use crate::units::bytes_for_people;

/// One line of `--ndjson`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    key: String,
    #[serde(borrow)]
    value: &'a RawValue,
}

pub(in crate::cli) fn run(args: &Put, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    invocation.format(&[Format::Table])?;
    let Invocation { config, ui, .. } = invocation;
    let values = match (&args.ndjson, &args.key, &args.value) {
        (Some(file), _, _) => lines(file, &config)?,
        (None, key, value) => {
            let key = config.free_key(key.as_deref().unwrap_or_default())?;
            let value = match value {
                Some(value) if value != "-" => value.clone().into_bytes(),
                _ => from_stdin(ui)?,
            };
            vec![(key, sized(value)?)]
        }
    };
    let cache = config.open()?;
    let stored = cache.put(values, args.ttl, &args.tag);
    say_warnings(&cache, ui);
    stored?;
    Ok(Exit::Success)
}

fn lines(file: &Path, config: &Config) -> anyhow::Result<Vec<(Key, Box<[u8]>)>> {
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(|error| {
            Usage::new(format!("`{}` cannot be read: {error}", file.display()))
                .hint("name a file with a line each, or - for standard input")
        })?)
    };
    let mut values = Vec::new();
    for (number, line) in BufReader::new(input).lines().enumerate() {
        let line = line.context("the input cannot be read")?;
        if line.trim().is_empty() {
            continue;
        }
        let place = || format!("line {}", number + 1);
        let read: Line<'_> = serde_json::from_str(&line).map_err(|error| {
            // The parser counts lines within the one that it was given.
            Usage::new(sanitized(&error.to_string().replace("line 1 column", "column")))
                .hint("each line is an object such as {\"key\":\"a\",\"value\":1}; nothing was stored")
                .at(place())
        })?;
        let key = config.free_key(&read.key).map_err(|usage| usage.at(place()))?;
        values.push((key, sized(read.value.get().as_bytes().to_vec())?));
    }
    Ok(values)
}

/// Standard input to its end, but not beyond what can be stored.
fn from_stdin(ui: &mut Ui) -> anyhow::Result<Vec<u8>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        ui.note("reading the value from standard input; end it with Ctrl-D");
    }
    let mut bytes = Vec::new();
    let read = input.take(LARGEST as u64 + 1).read_to_end(&mut bytes);
    read.context("standard input cannot be read")?;
    Ok(bytes)
}

fn sized(value: Vec<u8>) -> Result<Box<[u8]>, Usage> {
    if value.len() > LARGEST {
        return Err(Usage::new(format!(
            "the value is larger than {}",
            bytes_for_people(LARGEST as u64)
        ))
        .hint("a cache holds answers; keep files as files and put their names"));
    }
    Ok(value.into())
}
