//! One file a command: what it asks of the library, and what it says of the outcome.

pub(super) mod benchmark;
pub(super) mod calendar;
pub(super) mod clear;
pub(super) mod completions;
pub(super) mod config;
mod deadline;
pub(super) mod diff;
pub(super) mod export;
pub(super) mod fetch;
pub(super) mod get;
pub(super) mod import;
pub(super) mod keys;
pub(super) mod limits;
mod live;
pub(super) mod man;
mod many;
mod plan;
mod proof;
pub(super) mod put;
mod quarantine;
mod receipt;
mod selection;
mod sources;
pub(super) mod stats;
mod summary;
mod verify;
pub(super) mod warm;
mod what_if;

use std::io::{IsTerminal as _, Read as _};

use crate::cache::{Answer, Cache, Question, Slice};
use crate::config::{Choice, Config};
use crate::error::Usage;
use crate::key::Pattern;
use crate::market::{DataType, Params, Symbol};
use crate::policy::{Terms, wanted};
use crate::time::Timestamp;
use crate::units::duration_for_people;

use super::Invocation;
use super::args::{Asked, Of, Part};
use super::output::passed_over;
use super::ui::Ui;

/// The questions of `fetch` and `warm`: `@lists` opened, `-` read from standard input; without a symbol,
/// of `else_said`, unless every type takes none.
fn questions(
    said: &[String],
    else_said: &[String],
    asked: &Asked,
    slice: &Slice,
    config: &Config,
    ui: &mut Ui,
) -> anyhow::Result<Vec<Question>> {
    let provider = asked.provider.as_deref();
    let types: Vec<DataType> = asked
        .types
        .iter()
        .map(|text| config.data_type(text, provider))
        .collect::<Result<_, _>>()?;
    let params = Params::parse(asked.params.iter().map(String::as_str))?;
    let choice = Choice { provider, slice: slice.clone(), params };
    if said.is_empty() && !types.is_empty() {
        let without_symbols = config.questions(&[], &types, &choice)?;
        if without_symbols.len() == types.len() {
            return Ok(without_symbols);
        }
    }
    let said = if said.is_empty() { else_said } else { said };
    let symbols = symbols(said, config, ui)?;
    Ok(config.questions(&symbols, &types, &choice)?)
}

/// The symbols that are said: `@lists` opened, `-` read from standard input; at least one.
fn symbols(said: &[String], config: &Config, ui: &mut Ui) -> anyhow::Result<Vec<Symbol>> {
    let mut symbols = Vec::new();
    for text in said {
        match text.strip_prefix('@') {
            Some(list) => symbols.extend(config.list(list)?),
            None if text == "-" => {
                for text in symbols_of_stdin(ui)? {
                    symbols.push(config.symbol(&text)?);
                }
            }
            None => symbols.push(config.symbol(text)?),
        }
    }
    if symbols.is_empty() {
        return Err(Usage::new("there is nothing to ask for: the list is empty")
            .hint(
                "name a symbol, such as AAPL, or put one under `portfolio` or `watchlists` in the \
                 configuration, as in watchlists: {tech: [AMD, INTC]}",
            )
            .into());
    }
    Ok(symbols)
}

fn symbols_of_stdin(ui: &mut Ui) -> anyhow::Result<Vec<String>> {
    /// Half a million symbols: more than any exchange lists.
    const LONGEST: u64 = 4 * 1024 * 1024;
    let input = std::io::stdin();
    if input.is_terminal() {
        ui.note("reading symbols from standard input; end them with Ctrl-D");
    }
    let mut text = String::new();
    let read = input.take(LONGEST + 1).read_to_string(&mut text);
    let hint = "symbols are text, with white space between them, at most 4 MiB";
    read.map_err(|error| Usage::new(format!("standard input cannot be read: {error}")).hint(hint))?;
    if text.len() as u64 > LONGEST {
        return Err(Usage::new("standard input is longer than any list of symbols")
            .hint(hint)
            .into());
    }
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

/// The part of a series that `fetch` and `warm` ask for.
fn slice(part: &Part) -> Slice {
    Slice {
        interval: part.interval.unwrap_or_default(),
        session: part.session.map(Into::into).unwrap_or_default(),
        asked: wanted::Asked { from: part.from, to: part.to, period: part.period },
        ..Slice::default()
    }
}

/// Refuses an option that says something of what no question is about.
fn refuse_idle(
    said: impl IntoIterator<Item = (&'static str, Of)>,
    questions: &[Question],
) -> Result<(), Usage> {
    let is_about = |question: &Question, of: Of| match of {
        Of::Series => question.slice.is_some(),
        Of::Bars => question.data_type == DataType::Bars,
        Of::Amounts => matches!(question.data_type, DataType::Bars | DataType::Dividends),
    };
    let idle = said.into_iter().find(|(_, of)| !questions.iter().any(|asked| is_about(asked, *of)));
    let Some(((option, of), question)) = idle.zip(questions.first()) else { return Ok(()) };
    let (of, symbol, other) = (of.as_str(), &question.symbol, question.data_type.in_prose());
    Err(Usage::new(format!("{option} is for {of}, and {symbol} is asked for {other}"))
        .hint(format!("leave {option} away, or name a type with --type, as in `-t bars`")))
}

/// The terms that `fetch` and `warm` share.
fn terms(asked: &Asked, invocation: &Invocation<'_>) -> Terms {
    Terms {
        offline: invocation.offline,
        refresh: asked.refresh,
        use_case: asked.use_case,
        max_age: asked.max_age,
        min_fresh: asked.min_fresh.unwrap_or_default(),
        ..Terms::default()
    }
}

/// Says what the cache has to say about itself.
fn say_warnings(cache: &Cache, ui: &mut Ui) {
    for warning in cache.take_warnings() {
        ui.warn(&warning);
    }
}

/// Says that a pattern picks nothing, and what it may have meant.
fn nothing_matches(cache: &Cache, pattern: &Pattern) -> String {
    match cache.nearest_key(pattern) {
        Some(near) => format!("nothing matches `{pattern}`; did you mean `{near}`?"),
        None => format!("nothing matches `{pattern}`"),
    }
}

/// One line about a request: status, tier, key, age, milliseconds, provider; and who of the chain was
/// passed over.
fn line(question: &Question, answer: &Answer, now: Timestamp) -> String {
    let ms = answer.took.as_secs_f64() * 1000.0;
    match &answer.outcome {
        Ok(served) => {
            let mut who = vec![served.entry.provider.to_string()];
            who.extend(answer.passed.iter().map(passed_over));
            format!(
                "{} {} {} {} {ms:.2}ms {}",
                served.status.as_str(),
                served.answered_by.as_str(),
                served.entry.key,
                duration_for_people(served.entry.age(now)).replace(' ', ""),
                who.join(", "),
            )
        }
        Err(error) => {
            let provider = question.providers.first().map_or("-", AsRef::as_ref);
            format!("error {} {} - {ms:.2}ms {provider}", error.kind, question.key)
        }
    }
}
