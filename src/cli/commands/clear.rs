//! `clear`: a plan of what to drop, then its execution.

use std::io::Write as _;

use serde_json::json;

use super::say_warnings;
use crate::cache::{Cache, Cleared, Selection, Undone};
use crate::cli::Invocation;
use crate::cli::args::{Clear, Format};
use crate::cli::exit::Exit;
use crate::entry::State;
use crate::error::{Usage, sanitized};
use crate::key::PUT;
use crate::market::DataType;
use crate::units::bytes_for_people;

pub(in crate::cli) fn run(args: &Clear, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json])?;
    let selection = selection(args, &invocation)?;
    let cache = invocation.config.open()?;
    let cleared = clear(args, &selection, &cache);
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    let plan = cleared?;
    if format == Format::Json {
        let names: Vec<String> =
            plan.names.iter().map(|name| format!("{}@{}", name.key, name.provider)).collect();
        let report = json!({
            "dry_run": args.dry_run,
            "entries": plan.names.len(),
            "bytes": plan.bytes,
            "keys": names,
        });
        writeln!(ui.data(), "{report}")?;
        return Ok(Exit::Success);
    }
    if args.dry_run {
        for name in &plan.names {
            writeln!(ui.data(), "{}@{}", name.key, name.provider)?;
        }
    }
    let verb = if args.dry_run { "would drop" } else { "dropped" };
    writeln!(ui.data(), "{verb} {}", amount(&plan))?;
    if let (true, [pattern]) = (plan.names.is_empty(), selection.patterns.as_slice()) {
        let alone = Selection { patterns: vec![pattern.clone()], ..Selection::default() };
        if cache.list(&alone).is_empty() {
            ui.note(&super::nothing_matches(&cache, pattern));
        }
    }
    if let (true, Some(said)) = (plan.names.is_empty(), &args.data_type)
        && let Err(Usage { hint: Some(hint), .. }) = DataType::parse(said)
    {
        let alone = Selection { data_type: selection.data_type, ..Selection::default() };
        if cache.list(&alone).is_empty() {
            ui.note(&format!("nothing is of the type `{}`: {hint}", sanitized(said)));
        }
    }
    Ok(Exit::Success)
}

/// Drops what is meant; of a dry run, only what that is.
fn clear(args: &Clear, selection: &Selection, cache: &Cache) -> Result<Cleared, Undone> {
    let plan = cache.plan_clear(selection)?;
    if args.dry_run {
        return Ok(plan);
    }
    let cleared = cache.clear(&plan, args.reason.as_ref());
    // Who clears everything wants nothing of upstream's to be left, what was refused neither.
    if is_everything(args) {
        cache.clear_refused();
    }
    cleared.map(|()| plan)
}

/// Whether nothing narrows it.
fn is_everything(args: &Clear) -> bool {
    args.all && !names_some(args) && !(args.gone || args.stale)
}

/// Whether it says something of the entries besides how old they are.
fn names_some(args: &Clear) -> bool {
    !args.patterns.is_empty()
        || args.symbol.is_some()
        || args.data_type.is_some()
        || args.provider.is_some()
        || args.tag.is_some()
}

fn selection(args: &Clear, invocation: &Invocation<'_>) -> anyhow::Result<Selection> {
    let config = &invocation.config;
    if !(names_some(args) || args.gone || args.stale || args.all) {
        return Err(Usage::new("nothing says what to clear")
            .hint(
                "give a pattern (`mcache clear 'quote:*'`), a condition such as --stale, or --all",
            )
            .into());
    }
    let of_type = |text: &String| match DataType::parse(text) {
        Ok(data_type) => data_type.as_str().to_owned(),
        // What `put` wrote has types of its own.
        Err(_) => text.clone(),
    };
    let provider = match args.provider.as_deref() {
        Some(PUT) => Some(PUT),
        Some(name) => Some(config.provider(name)?),
        None => None,
    };
    let states = [(args.stale, State::Stale), (args.gone, State::Gone)];
    Ok(Selection {
        patterns: args
            .patterns
            .iter()
            .map(|text| config.pattern(text))
            .collect::<Result<_, _>>()?,
        symbol: args
            .symbol
            .as_deref()
            .map(|text| config.symbol(text))
            .transpose()?
            .map(|s| s.to_string()),
        data_type: args.data_type.as_ref().map(of_type),
        provider: provider.map(str::to_owned),
        tag: args.tag.clone(),
        states: states.into_iter().filter(|(wanted, _)| *wanted).map(|(_, state)| state).collect(),
    })
}

fn amount(plan: &Cleared) -> String {
    let entries = if plan.names.len() == 1 { "entry" } else { "entries" };
    format!("{} {entries}, {}", plan.names.len(), bytes_for_people(plan.bytes))
}
