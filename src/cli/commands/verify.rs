//! `stats --verify` and `stats --repair`: is the cache what was stored, and made so again.

use std::fmt::Display;
use std::io::Write as _;

use serde::Serialize;

use super::say_warnings;
use crate::cache::{Condition, Repair, Verdict};
use crate::cli::Invocation;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, grouped};
use crate::cli::ui::Ui;
use crate::db::Trouble;
use crate::error::{Usage, sanitized};

/// How many problems of one kind people are shown; programs are given all.
const SHOWN: usize = 10;

/// Which of the two is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    Verify,
    Repair,
}

pub(super) fn run(task: Task, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json])?;
    let cache = invocation.config.open()?;
    let (folder, ui) = (invocation.config.folder(), invocation.ui);
    let done = match task {
        Task::Repair => cache.repair(),
        Task::Verify => cache.verify().map(|verdict| Repair { verdict, ..Repair::default() }),
    };
    say_warnings(&cache, ui);
    let repair = match done {
        Ok(repair) => repair,
        Err(trouble) => {
            ui.usage(&undone(&trouble, task, &folder.display()));
            return Ok(Exit::Failure);
        }
    };
    match (format, task) {
        (Format::Json, Task::Repair) => json(&repair, ui)?,
        (Format::Json, Task::Verify) => json(&repair.verdict, ui)?,
        _ => people(&repair, task, &folder.display(), ui)?,
    }
    let verdict = &repair.verdict;
    if !verdict.is_sound() {
        let hint = match task {
            Task::Verify => "`mcache stats --repair` sets aside what is bad and keeps the rest",
            Task::Repair => "run it again; the next command that meets the damage sets it aside",
        };
        ui.usage(&Usage::new(summary(verdict)).hint(hint));
        return Ok(Exit::Failure);
    }
    if task == Task::Verify && !verdict.not_brought_back.is_empty() {
        ui.note(
            "`mcache stats --repair` brings back what stands in the databases set aside earlier",
        );
    }
    Ok(Exit::Success)
}

fn json(report: &impl Serialize, ui: &mut Ui) -> anyhow::Result<()> {
    writeln!(ui.data(), "{}", serde_json::to_string_pretty(report)?)?;
    Ok(())
}

/// Why nothing could be said or done, and what helps.
fn undone(trouble: &Trouble, task: Task, folder: &dyn Display) -> Usage {
    let verb = if task == Task::Repair { "repaired" } else { "verified" };
    let what = match trouble {
        Trouble::Foreign(what) => format!("the cache in `{folder}` {what}"),
        trouble => format!("the cache in `{folder}` could not be {verb}: {trouble}"),
    };
    let hint = match trouble {
        Trouble::Locked => "run it again when that has ended",
        Trouble::Full => "make room on the disk and run it again; nothing is lost",
        Trouble::Foreign(_) => {
            "it is left alone; use the program that made it, or another folder with --cache-dir"
        }
        Trouble::Closed(_) => "see whose the folder is and who may read and write in it",
        Trouble::Damaged(_) | Trouble::Absent => "run it again; nothing is lost",
    };
    Usage::new(what).hint(hint)
}

fn summary(verdict: &Verdict) -> String {
    match verdict.damaged.len() {
        0 if verdict.database != Condition::Damaged => "the ledger is damaged".to_owned(),
        0 => "the database is damaged".to_owned(),
        1 => "1 entry is damaged".to_owned(),
        some => format!("{some} entries are damaged"),
    }
}

fn people(repair: &Repair, task: Task, folder: &dyn Display, ui: &mut Ui) -> anyhow::Result<()> {
    let verdict = &repair.verdict;
    let mut table = Table::new(&[("", Side::Left), ("", Side::Right)]);
    let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
    let count = |n: u64| grouped(&n.to_string());
    row("Cache folder", folder.to_string());
    let condition = |condition| match condition {
        Condition::Ok => "ok".to_owned(),
        Condition::Damaged => "damaged".to_owned(),
        Condition::Absent => "absent".to_owned(),
    };
    row("Database", condition(verdict.database));
    row("Ledger of limits", condition(verdict.ledger));
    row("Sound entries", count(verdict.entries));
    row("Damaged entries", count(verdict.damaged.len() as u64));
    if task == Task::Repair {
        row("Kept", count(repair.kept));
        row("Salvaged", count(repair.salvaged));
        row("Brought back", count(repair.brought_back));
        row("Set aside now", count(repair.set_aside.len() as u64));
    }
    row("Files set aside", count(verdict.aside.len() as u64));
    let style = ui.style();
    table.write(style, ui.data())?;
    let problems = verdict.problems.iter().map(|problem| vec![sanitized(problem)]).collect();
    list(&[("PROBLEM", Side::Left)], problems, ui)?;
    let of = |text: &Option<String>| text.as_deref().map_or("?".to_owned(), sanitized);
    let damaged = verdict.damaged.iter();
    let damaged =
        damaged.map(|bad| vec![of(&bad.key), of(&bad.provider), bad.row.to_string()]).collect();
    let head = [("DAMAGED", Side::Left), ("PROVIDER", Side::Left), ("ROW", Side::Right)];
    list(&head, damaged, ui)?;
    let aside = verdict.aside.iter().map(|name| vec![sanitized(name)]).collect();
    list(&[("SET ASIDE", Side::Left)], aside, ui)
}

/// Writes rows, if there are any: not all, if there are many.
fn list(
    head: &[(&'static str, Side)],
    mut rows: Vec<Vec<String>>,
    ui: &mut Ui,
) -> anyhow::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let more = rows.len().saturating_sub(SHOWN);
    rows.truncate(SHOWN);
    let mut table = Table::new(head);
    for row in rows {
        table.row(row);
    }
    if more > 0 {
        table.note(format!("and {more} more: -f json has all"));
    }
    let style = ui.style();
    table.write(style, ui.data())?;
    Ok(())
}
