//! `get`: a value by its key, byte for byte.

use std::io::Write as _;
use std::time::Duration;

use super::say_warnings;
use crate::cache::record;
use crate::cache::{Cache, Listing, OrRun, Question, Selection, Served, Status};
use crate::cli::Invocation;
use crate::cli::args::{Format, Get};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, value_for_people};
use crate::cli::ui::Ui;
use crate::entry::{Format as EntryFormat, State};
use crate::error::{Error, Kind};
use crate::key::{PUT, Pattern};
use crate::policy::Terms;
use crate::tier::series::Head;

/// How long what a program prints is fresh, unless it is said: as long as what is put.
const TTL: Duration = Duration::from_mins(5);

pub(in crate::cli) fn run(args: &Get, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let terms = Terms { offline: args.stale, max_age: args.max_age, ..Terms::default() };
    if let Some(file) = &args.ndjson {
        return super::many::run(file, &terms, invocation);
    }
    let format = invocation.format(&[Format::Table, Format::Json])?;
    let key = args.key.as_deref().unwrap_or_default();
    let pattern = invocation.config.pattern(key)?;
    if let Some(arguments) = &args.or_run {
        let or_run = OrRun { arguments, ttl: args.ttl.unwrap_or(TTL) };
        return or_run_it(key, &or_run, format, &terms, invocation);
    }
    if !pattern.is_one_key() {
        return of_pattern(&pattern, format, &terms, invocation);
    }
    let question = invocation.config.key(key)?;
    let cache = invocation.config.open()?;
    let served = cache.get(&question, &terms);
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    let Some(served) = served else {
        let why = if !args.stale && cache.holds_stale(&question) {
            "what is held is not fresh (--stale serves it)".to_owned()
        } else {
            absent(&cache, &pattern)
        };
        ui.failure(&format!("{}: {why}", question.key));
        return Ok(Exit::Failure);
    };
    print(&question, &served, format, ui)
}

/// The value of a key, else what a program prints.
fn or_run_it(
    key: &str,
    or_run: &OrRun<'_>,
    format: Format,
    terms: &Terms,
    invocation: Invocation<'_>,
) -> anyhow::Result<Exit> {
    let Invocation { config, offline, ui, .. } = invocation;
    // What is printed is stored under it, so it is a key that one can write.
    config.free_key(key).map_err(|usage| usage.at("--or-run"))?;
    let question = config.key(key)?;
    let cache = config.open()?;
    let answer = if offline {
        let terms = Terms { offline, ..terms.clone() };
        cache.get(&question, &terms).ok_or_else(|| {
            Error::new(Kind::Offline, "nothing is held")
                .hint("leave --offline away: the program is run")
        })
    } else {
        let answer = cache.get_or_run(&question, terms, or_run)?;
        for warning in &answer.warnings {
            ui.warn(warning);
        }
        answer.outcome
    };
    say_warnings(&cache, ui);
    match answer {
        Ok(served) => print(&question, &served, format, ui),
        Err(error) => {
            ui.error(Some(question.key.as_str()), &error);
            Ok(Exit::Failure)
        }
    }
}

fn print(
    question: &Question,
    served: &Served,
    format: Format,
    ui: &mut Ui,
) -> anyhow::Result<Exit> {
    if Head::is_head(&served.entry.body) {
        let symbol = &question.symbol;
        ui.failure(&format!(
            "{}: it is a series: `mcache fetch {symbol} -t bars` reads it",
            question.key
        ));
        return Ok(Exit::Failure);
    }
    if format == Format::Json {
        writeln!(ui.data(), "{}", record::value(&served.entry))?;
    } else {
        ui.data().write_all(&served.entry.body)?;
        // A terminal wants its prompt on a new line; a pipe gets what was stored and no more.
        if ui.is_terminal() && served.entry.format != EntryFormat::Binary {
            ui.data().write_all(b"\n")?;
        }
    }
    if served.status == Status::Stale {
        ui.note("this value is stale");
    }
    Ok(Exit::Success)
}

fn of_pattern(
    pattern: &Pattern,
    format: Format,
    terms: &Terms,
    invocation: Invocation<'_>,
) -> anyhow::Result<Exit> {
    let cache = invocation.config.open()?;
    let listed = cache.list(&Selection { patterns: vec![pattern.clone()], ..Selection::default() });
    let mut found: Vec<(String, Served)> = Vec::new();
    for listing in &listed {
        let (key, provider) = (&listing.key, &listing.provider);
        let question = invocation.config.entry(key.clone(), provider);
        let Some(served) = cache.get(&question, terms) else { continue };
        // The plain name is the chain's: of the first in it that holds the key, or of `put`.
        let named = invocation.config.key(key.as_str())?;
        let holds = |name: &str| listed.iter().any(|l| l.key == *key && l.provider == name);
        let first =
            [PUT].into_iter().chain(named.providers.iter().map(AsRef::as_ref)).find(|n| holds(n));
        let name =
            if first == Some(provider) { key.to_string() } else { format!("{key}@{provider}") };
        found.push((name, served));
    }
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    if found.is_empty() {
        ui.note(&super::nothing_matches(&cache, pattern));
    }
    if format == Format::Json {
        let members: Vec<String> = found
            .iter()
            .map(|(name, served)| {
                format!(
                    "{}:{}",
                    serde_json::Value::from(name.as_str()),
                    record::value(&served.entry)
                )
            })
            .collect();
        writeln!(ui.data(), "{{{}}}", members.join(","))?;
    } else {
        let mut table = Table::new(&[("KEY", Side::Left), ("VALUE", Side::Left)]);
        for (name, served) in &found {
            table.row(vec![name.clone(), value_for_people(&served.entry)]);
        }
        let style = ui.style();
        table.write(style, ui.data())?;
    }
    Ok(if found.is_empty() { Exit::Failure } else { Exit::Success })
}

/// That there is no value, and which key may have been meant.
fn absent(cache: &Cache, pattern: &Pattern) -> String {
    let of_another = Selection {
        patterns: vec![pattern.clone()],
        states: vec![State::Fresh, State::Stale],
        ..Selection::default()
    };
    if let Some(Listing { key, provider, .. }) = cache.list(&of_another).first() {
        return format!(
            "its chain has given nothing that is held (did you mean `{key}@{provider}`?)"
        );
    }
    match cache.nearest_key(pattern) {
        Some(near) if near != pattern.glob() => format!("nothing is held (did you mean `{near}`?)"),
        _ => "nothing is held".to_owned(),
    }
}
