//! `get --ndjson`: many values by their keys, in one process.
//!
//! A program that begins reads fifty keys, and fifty processes would cost it a tenth of a second. Every
//! key has a line of its own, in the order in which they were read; what is not held is an error in its
//! line, as a symbol is that cannot be served. No pattern is taken: a line is one answer.

use std::io::{Read, Write as _};
use std::path::Path;

use serde_json::{Value, json};

use super::say_warnings;
use crate::cache::record;
use crate::cache::{Cache, Question, Served};
use crate::cli::Invocation;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::error::{Error, Kind, Usage};
use crate::policy::Terms;
use crate::tier::series::Head;

/// A hundred thousand keys: more than any program begins with.
const LONGEST: u64 = 4 * 1024 * 1024;

pub(super) fn run(file: &Path, terms: &Terms, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    if invocation.global.format.is_some() {
        invocation.format(&[Format::Ndjson])?;
    }
    let questions: Vec<Question> = read(file)?
        .lines()
        .enumerate()
        .map(|(number, line)| (number + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
        .map(|(number, line)| {
            invocation.config.key(line).map_err(|usage| usage.at(format_args!("line {number}")))
        })
        .collect::<Result<_, _>>()?;
    let cache = invocation.config.open()?;
    let ui = invocation.ui;
    let mut missing = 0;
    for question in &questions {
        let key = Value::from(question.key.as_str());
        match value(&cache, question, terms) {
            Ok(served) => {
                let (status, value) = (served.status.as_str(), record::value(&served.entry));
                let line = format!("{{\"key\":{key},\"status\":\"{status}\",\"value\":{value}}}");
                writeln!(ui.data(), "{line}")?;
            }
            Err(error) => {
                missing += 1;
                let error = json!({"kind": error.kind.as_str(), "message": error.message});
                writeln!(ui.data(), "{{\"key\":{key},\"error\":{error}}}")?;
            }
        }
    }
    say_warnings(&cache, ui);
    if missing == 0 {
        return Ok(Exit::Success);
    }
    ui.failure(&format!("{missing} of {} keys have no value", questions.len()));
    Ok(Exit::Failure)
}

/// The value of one key, or why there is none.
fn value(cache: &Cache, question: &Question, terms: &Terms) -> Result<Served, Error> {
    let refused = |kind, message: &str| Err(Error::new(kind, message));
    match cache.get(question, terms) {
        Some(served) if Head::is_head(&served.entry.body) => {
            refused(Kind::Unsupported, "it is a series: `mcache fetch` reads it")
        }
        Some(served) => Ok(served),
        None if !terms.offline && cache.holds_stale(question) => {
            refused(Kind::Offline, "what is held is not fresh (--stale serves it)")
        }
        None => refused(Kind::Offline, "nothing is held"),
    }
}

/// The keys, a line each.
fn read(file: &Path) -> Result<String, Usage> {
    let hint = "keys are text, a line each, at most 4 MiB; - is standard input";
    let unreadable = |error: std::io::Error| {
        let message = format!("`{}` cannot be read: {error}", file.display());
        Usage::new(message).hint(hint)
    };
    let input: Box<dyn Read> = if file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        Box::new(std::fs::File::open(file).map_err(unreadable)?)
    };
    let mut text = String::new();
    input.take(LONGEST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if text.len() as u64 > LONGEST {
        return Err(Usage::new("so many keys cannot be meant").hint(hint));
    }
    Ok(text)
}
