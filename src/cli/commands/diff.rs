//! `diff`: what has changed between two instants of what this cache knew, or since a receipt.

use super::receipt::Receipt;
use super::say_warnings;
use crate::cache::{Cache, Question, Slice};
use crate::cli::Invocation;
use crate::cli::args::{Diff, Format};
use crate::cli::exit::Exit;
use crate::cli::output::changes::{Changes, write};
use crate::cli::output::digest::digest;
use crate::config::Choice;
use crate::error::{Error, Kind, Usage};
use crate::market::{Change, DataType};
use crate::policy::{Asked, Period};
use crate::time::Timestamp;

const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Ndjson, Format::Csv];

/// What is compared: the values of one question at two instants.
struct Compared {
    question: Question,
    was: Timestamp,
    is: Timestamp,
    /// The hash of what was served, if a receipt says one.
    hash: Option<String>,
}

pub(in crate::cli) fn run(args: &Diff, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&FORMATS)?;
    let now = invocation.config.clock().now();
    let compared = match &args.receipt {
        Some(path) => since(&Receipt::read(path)?, now, &invocation)?,
        None => vec![between(args, now, &invocation)?],
    };
    let cache = invocation.config.open()?;
    let ui = invocation.ui;
    let mut told = Vec::new();
    let mut exit = Exit::Success;
    for of in &compared {
        let symbol = of.question.symbol.to_string();
        let outcome = changes(&cache, of);
        say_warnings(&cache, ui);
        match outcome {
            Ok(outcome) => told.push((symbol, of, outcome)),
            Err(error) => {
                exit = Exit::Failure;
                ui.error(Some(&symbol), &error);
            }
        }
    }
    let shown: Vec<Changes<'_>> =
        told.iter().map(|(symbol, _, told)| Changes { symbol, changes: &told.changes }).collect();
    let style = ui.style();
    write(&shown, format, style, ui.data())?;
    for (symbol, of, told) in &told {
        if told.changes.is_empty() {
            let Compared { was, is, .. } = of;
            let more = if told.is_other { ", but more is known of it now" } else { "" };
            let nothing = format!("nothing that was known at {was} has changed by {is}{more}");
            ui.note(&format!("{symbol}: {nothing}"));
        }
    }
    Ok(exit)
}

/// What the command line compares.
fn between(args: &Diff, now: Timestamp, invocation: &Invocation<'_>) -> anyhow::Result<Compared> {
    let config = &invocation.config;
    let (was, is) = (args.as_of.unwrap_or(now), args.to.unwrap_or(now));
    for (flag, at) in [("--as-of", was), ("--to", is)] {
        if at > now {
            let usage = Usage::new(format!("{flag} {at} is in the future"));
            return Err(usage.hint(format!("it is {now}")).into());
        }
    }
    if is < was {
        let usage = Usage::new(format!("--to {is} is before --as-of {was}"));
        return Err(usage.hint("the earlier instant is --as-of").into());
    }
    let symbol = config.symbol(args.symbol.as_deref().unwrap_or_default())?;
    let usual = match DataType::usual(symbol.class()) {
        DataType::Quote => DataType::Bars,
        other => other,
    };
    let data_type = args.data_type.as_deref().map_or(Ok(usual), DataType::parse)?;
    if !matches!(data_type, DataType::Bars | DataType::Series | DataType::InflationRate) {
        let usage = Usage::new(format!("{} cannot be compared", data_type.in_prose()));
        let hint = "bars, series and inflation_rate can; bars have adjusted closes too";
        return Err(usage.hint(hint).into());
    }
    let slice = Slice {
        interval: args.interval.unwrap_or_default(),
        session: args.session.map(Into::into).unwrap_or_default(),
        adjust: args.adjust.map(Into::into).unwrap_or_default(),
        asked: Asked { period: Some(Period::Max), ..Asked::default() },
        partial: true,
        ..Slice::default()
    };
    let choice = Choice { provider: args.provider.as_deref(), slice, ..Choice::default() };
    let questions = config.questions(&[symbol], &[data_type], &choice)?;
    let question = questions.into_iter().next();
    let question = question.ok_or_else(|| Usage::new("there is nothing to compare"))?;
    Ok(Compared { question, was, is, hash: None })
}

/// What has to be compared to say what has changed since a receipt.
fn since(
    receipt: &Receipt,
    now: Timestamp,
    invocation: &Invocation<'_>,
) -> anyhow::Result<Vec<Compared>> {
    let was = receipt.as_of()?;
    if was > now {
        let usage = Usage::new(format!("the receipt is of {was}, which is in the future"));
        return Err(usage.hint(format!("it is {now}")).into());
    }
    let of = |answered: &super::receipt::Answered| {
        let question = answered.question(&invocation.config)?;
        Ok(Compared { question, was, is: now, hash: Some(answered.hash.value.clone()) })
    };
    Ok(receipt.answers.iter().map(of).collect::<Result<_, Usage>>()?)
}

/// What comparing has come to.
struct Told {
    changes: Vec<Change>,
    /// Whether it has another hash than a receipt says.
    is_other: bool,
}

/// What has changed.
fn changes(cache: &Cache, of: &Compared) -> Result<Told, Error> {
    let Compared { question, was, is, hash } = of;
    cache.check(std::slice::from_ref(question)).map_err(|usage| {
        Error::new(Kind::Unsupported, usage.message).hint(usage.hint.unwrap_or_default())
    })?;
    let hash_at = |at: Timestamp| {
        let served = cache.recall(question, at)?;
        Ok(digest(question, &served).map(|digest| digest.value))
    };
    if let Some(hash) = hash {
        if hash_at(*is)?.as_ref() == Some(hash) {
            return Ok(Told { changes: Vec::new(), is_other: false });
        }
        if hash_at(*was).ok().flatten().as_ref() != Some(hash) {
            let message = "it has changed since, and what it was is not held any more";
            return Err(Error::new(Kind::Offline, message).hint(
                "`series.past` says how many older versions are kept; `mcache clear` drops them all",
            ));
        }
    }
    // What is worked out of bars changes with them.
    let is_of_bars = question.data_type.made_of() == DataType::Bars;
    let changes = if is_of_bars && question.data_type != DataType::Bars {
        let (data_type, read_as) = (DataType::Bars, question.key.clone());
        cache.changed(&Question { data_type, read_as, ..question.clone() }, *was, *is)?
    } else {
        cache.changed(question, *was, *is)?
    };
    Ok(Told { changes, is_other: hash.is_some() })
}
