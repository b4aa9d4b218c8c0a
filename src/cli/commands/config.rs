//! `config`: what is in force and where it came from.

use std::fs;
use std::io::Write as _;

use anyhow::Context as _;
use serde_json::json;

use super::live::{self, Trial};
use crate::cli::Invocation;
use crate::cli::args::{Config as Args, ConfigAction, Format};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Ui;
use crate::config::tree::Leaf;
use crate::config::{Environment, SHIPPED, Said};
use crate::error::{Usage, sanitized};

/// Variables by which the programs of the seeds moved their caches.
const FOREIGN_FOLDERS: [&str; 2] = ["KINGFISHER_CACHE_DIR", "CRYPTOMETER_CACHE_DIR"];

/// `path` and `init` must work when the file is missing or broken.
pub(in crate::cli) fn run_without_loading(
    args: &Args,
    said: &Said,
    environment: &Environment,
    ui: &mut Ui,
) -> anyhow::Result<Option<Exit>> {
    if !matches!(args.action, ConfigAction::Path | ConfigAction::Init) {
        return Ok(None);
    }
    let named = said.file.clone().or_else(|| environment.flag("CONFIG").map(Into::into));
    let path = named.or_else(|| environment.file()).ok_or_else(|| {
        Usage::new("there is no folder for a configuration: HOME is not set")
            .hint("name a file with --config")
    })?;
    if matches!(args.action, ConfigAction::Init) {
        if path.exists() {
            return Err(Usage::new(format!("`{}` is there already", path.display()))
                .hint("it was left as it is; move it away to get the defaults")
                .into());
        }
        let failed = || format!("`{}` cannot be written", path.display());
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(failed)?;
        }
        fs::write(&path, SHIPPED).with_context(failed)?;
    }
    writeln!(ui.data(), "{}", path.display())?;
    Ok(Some(Exit::Success))
}

pub(in crate::cli) fn run(args: &Args, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    match &args.action {
        ConfigAction::Show { key } => show(key.as_deref().unwrap_or_default(), invocation),
        ConfigAction::Check { live: Some(of), symbol, params } => {
            check_files(&invocation)?;
            let trial = Trial { of, symbol: symbol.as_deref(), params };
            live::run(&trial, invocation)
        }
        _ => check(invocation),
    }
}

/// Every value was checked when it was loaded: what is left are the files of lists and of days, and
/// what schedules name, which are read when they are needed.
fn check_files(invocation: &Invocation<'_>) -> anyhow::Result<()> {
    invocation.config.lists()?;
    invocation.config.calendars()?;
    invocation.config.scheduled()?;
    Ok(())
}

fn check(invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    check_files(&invocation)?;
    let environment = invocation.config.environment();
    let foreign: Vec<&str> =
        FOREIGN_FOLDERS.into_iter().filter(|name| environment.get(name).is_some()).collect();
    let ui = invocation.ui;
    for name in foreign {
        ui.note(&format!("{name} is not read: there is one database; move it with --cache-dir or MCACHE_CACHE_DIR"));
    }
    writeln!(
        ui.data(),
        "the configuration is right; the cache is in {}",
        invocation.config.folder().display()
    )?;
    Ok(Exit::Success)
}

fn show(prefix: &str, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json, Format::Ndjson])?;
    let below = format!("{prefix}.");
    let folder = "cache.disk.cache_dir".to_owned();
    let mut rows: Vec<(String, String, String)> = invocation
        .config
        .layers()
        .all()
        .filter(|(path, ..)| prefix.is_empty() || path == prefix || path.starts_with(&below))
        .map(|(path, leaf, origin)| {
            let value = shown(&path, leaf);
            (path, value, origin.to_string())
        })
        .collect();
    let wanted = prefix.is_empty() || prefix == folder || folder.starts_with(&below);
    if wanted && !rows.iter().any(|(key, ..)| *key == folder) {
        // It has no default that is the same for every user: what it comes to is shown.
        rows.push((folder, invocation.config.folder().display().to_string(), "default".to_owned()));
        rows.sort();
    }
    if rows.is_empty() {
        return Err(Usage::new(format!("no key begins with `{}`", sanitized(prefix)))
            .hint("`mcache config show` lists them all")
            .into());
    }
    let ui = invocation.ui;
    let object = |(key, value, origin): &(String, String, String)| {
        json!({"key": key, "value": value, "origin": origin}).to_string()
    };
    match format {
        Format::Json => {
            let objects: Vec<String> = rows.iter().map(object).collect();
            writeln!(ui.data(), "[\n{}\n]", objects.join(",\n"))?;
        }
        Format::Ndjson => {
            for row in &rows {
                writeln!(ui.data(), "{}", object(row))?;
            }
        }
        _ => {
            let mut table =
                Table::new(&[("KEY", Side::Left), ("VALUE", Side::Left), ("FROM", Side::Left)]);
            for (key, value, origin) in rows {
                table.row(vec![key, value, origin]);
            }
            let style = ui.style();
            table.write(style, ui.data())?;
        }
    }
    Ok(Exit::Success)
}

/// A value as it may be seen: the value of a header may well be a key.
fn shown(path: &str, leaf: &Leaf) -> String {
    match leaf {
        _ if path.contains(".headers.") => "***".to_owned(),
        Leaf::Text(text) => text.to_string(),
        Leaf::List(items) => format!("[{}]", items.join(", ")),
        Leaf::Null => "~".to_owned(),
    }
}
