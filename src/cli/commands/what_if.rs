//! `stats --what-if`: what the recorded reads would have come to under another configuration.

use std::io::Write as _;

use serde::Serialize;

use super::say_warnings;
use super::stats::{dimension, since};
use crate::cache::{Comparison, Side as OneSide, WhatIf};
use crate::cli::Invocation;
use crate::cli::args::{By, Format, Stats};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, grouped};
use crate::error::Usage;
use crate::time::Timestamp;

/// What is printed as JSON.
#[derive(Serialize)]
struct Printed<'a> {
    what_if: &'a [String],
    since: Option<Timestamp>,
    #[serde(flatten)]
    total: Comparison,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<Vec<Row<'a>>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    #[serde(flatten)]
    comparison: Comparison,
}

pub(super) fn run(args: &Stats, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json])?;
    if let Some(By::Hour | By::Caller) = args.by {
        return Err(Usage::new("reads are not recorded by hour or caller")
            .hint("tell them apart by symbol, key, type or provider")
            .into());
    }
    let then = invocation.config.rules_if(&args.what_if)?;
    let cache = invocation.config.open()?;
    let since = args.since.as_deref().map(|text| since(text, cache.clock().now())).transpose()?;
    let by = args.by.map(|by| (dimension(by), args.top.unwrap_or(20)));
    let what_if = cache.what_if(&then, since, by);
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    if what_if.total.reads == 0 {
        ui.note(match since {
            None => "no reads are recorded yet: `mcache fetch` records them, so come back later",
            Some(_) => "no reads are recorded since then: say an earlier --since, or leave it away",
        });
    }
    if then.adaptive.is_some() {
        ui.note("a replay learns nothing: it follows the rules as if `policy` were fixed");
    }
    if format == Format::Json {
        let rows = args.by.map(|_| rows(&what_if));
        let printed = Printed { what_if: &args.what_if, since, total: what_if.total, rows };
        writeln!(ui.data(), "{}", serde_json::to_string_pretty(&printed)?)?;
    } else if what_if.total.reads > 0 {
        let style = ui.style();
        sides(&what_if.total).write(style, ui.data())?;
        if args.by.is_some() {
            by_name(&what_if).write(style, ui.data())?;
        }
        writeln!(ui.data(), "{}", verdict(&what_if.total))?;
    }
    Ok(Exit::Success)
}

fn rows(what_if: &WhatIf) -> Vec<Row<'_>> {
    what_if.rows.iter().map(|(name, comparison)| Row { name, comparison: *comparison }).collect()
}

fn sides(total: &Comparison) -> Table {
    let right = Side::Right;
    let mut table =
        Table::new(&[("", Side::Left), ("NOW", right), ("THEN", right), ("DIFFERENCE", right)]);
    let Comparison { reads, now, then, .. } = total;
    let mut row = |name: &str, now: String, then: String, difference: String| {
        table.row(vec![name.to_owned(), now, then, difference]);
    };
    let saved = |side: &OneSide| reads - side.calls;
    row("Reads", count(*reads), count(*reads), String::new());
    row("Calls", count(now.calls), count(then.calls), signed(-total.calls_saved));
    row("API calls saved", count(saved(now)), count(saved(then)), signed(total.calls_saved));
    let points = (then.hit_rate - now.hit_rate) * 100.0 + 0.0;
    row("Hit rate", percent(now), percent(then), format!("{points:+.1} points"));
    for (name, now, then) in [
        ("Age, mean", now.age_mean_s, then.age_mean_s),
        ("Age, p99", now.age_p99_s, then.age_p99_s),
    ] {
        let added = then - now + 0.0;
        row(name, format!("{now:.1} s"), format!("{then:.1} s"), format!("{added:+.1} s"));
    }
    table
}

fn by_name(what_if: &WhatIf) -> Table {
    let right = Side::Right;
    let mut table = Table::new(&[
        ("NAME", Side::Left),
        ("READS", right),
        ("CALLS NOW", right),
        ("CALLS THEN", right),
        ("SAVED", right),
        ("AGE NOW", right),
        ("AGE THEN", right),
    ]);
    for (name, Comparison { reads, now, then, calls_saved, .. }) in &what_if.rows {
        table.row(vec![
            name.clone(),
            count(*reads),
            count(now.calls),
            count(then.calls),
            signed(*calls_saved),
            format!("{:.1} s", now.age_mean_s),
            format!("{:.1} s", then.age_mean_s),
        ]);
    }
    table
}

/// Calls saved against age added, in one sentence.
fn verdict(total: &Comparison) -> String {
    if total.now == total.then {
        return "Nothing changes: every read would have been answered as it is now.".to_owned();
    }
    let calls = total.calls_saved.unsigned_abs();
    let plural = if calls == 1 { "call" } else { "calls" };
    let spent = if total.calls_saved < 0 { "more" } else { "saved" };
    let aged = if total.age_added_s < 0.0 { "younger" } else { "older" };
    let age = total.age_added_s.abs();
    format!("{} {plural} {spent}, answers {age:.1} s {aged} on the average.", count(calls))
}

fn count(n: u64) -> String {
    grouped(&n.to_string())
}

fn signed(n: i64) -> String {
    let sign = if n > 0 { "+" } else { "" };
    format!("{sign}{}", grouped(&n.to_string()))
}

fn percent(side: &OneSide) -> String {
    format!("{:.1} %", side.hit_rate * 100.0)
}
