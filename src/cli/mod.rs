//! The command line: reads what was typed, runs a command, says what came of it.
//!
//! The only floor that prints, that knows exit codes, and that uses `anyhow`.

mod args;
mod commands;
mod exit;
mod output;
mod progress;
mod ui;

use std::io;
use std::process::ExitCode;

use crate::cache::{Interrupted, Undone};
use crate::config::{Config, Environment, Said};
use crate::error::{Error, Usage};
use args::{Command, Format, Global};
use exit::Exit;
use ui::Ui;

/// Runs the program.
pub fn main() -> ExitCode {
    let (global, command) = match args::parse() {
        Ok(typed) => typed,
        Err(error) => {
            // Help goes to standard output, mistakes to standard error; a closed one is no matter.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success }.into();
        }
    };
    let environment = Environment::of_this_process();
    let mut ui = Ui::new(&global, environment.as_ref().ok());
    let result = match environment {
        Ok(environment) => run(&global, command, environment, &mut ui),
        Err(usage) => Err(usage.into()),
    };
    ui.end_progress();
    let result = result.and_then(|exit| Ok(ui.flush().map(|()| exit)?));
    match result {
        Ok(exit) => exit,
        Err(error) => report(&error, &mut ui),
    }
    .into()
}

/// What every command is given.
struct Invocation<'a> {
    global: &'a Global,
    config: Config,
    offline: bool,
    ui: &'a mut Ui,
}

impl Invocation<'_> {
    /// The format that was asked for, of those that the command has.
    fn format(&self, among: &[Format]) -> Result<Format, Usage> {
        Self::format_of(self.global.format, among)
    }

    /// This format, or the table if none is said, of those that the command has.
    fn format_of(said: Option<Format>, among: &[Format]) -> Result<Format, Usage> {
        let format = said.unwrap_or(Format::Table);
        if among.contains(&format) {
            return Ok(format);
        }
        let names: Vec<String> =
            among.iter().map(|format| format!("{format:?}").to_lowercase()).collect();
        Err(Usage::new(format!(
            "this command has no format `{}`",
            format!("{format:?}").to_lowercase()
        ))
        .hint(format!("its formats are {}", names.join(", "))))
    }
}

fn run(
    global: &Global,
    command: Command,
    environment: Environment,
    ui: &mut Ui,
) -> anyhow::Result<Exit> {
    // These need no configuration, and must work when it is broken.
    match &command {
        Command::Completions(args) => return commands::completions::run(args, ui),
        Command::Man => return commands::man::run(ui),
        _ => {}
    }
    let offline = global.offline || environment.flag("OFFLINE").is_some_and(is_on);
    let said = Said {
        file: global.config.clone(),
        profile: global.profile.clone(),
        cache_dir: global.cache_dir.clone(),
        set: global.set.clone(),
        caller: global.caller.clone(),
    };
    if let Command::Config(args) = &command
        && let Some(exit) = commands::config::run_without_loading(args, &said, &environment, ui)?
    {
        return Ok(exit);
    }
    let config = Config::load(said, environment)?;
    let invocation = Invocation { global, config, offline, ui };
    match command {
        Command::Fetch(args) => commands::fetch::run(&args, invocation),
        Command::Warm(args) => commands::warm::run(&args, invocation),
        Command::Stats(args) => commands::stats::run(&args, invocation),
        Command::Clear(args) => commands::clear::run(&args, invocation),
        Command::Benchmark(args) => commands::benchmark::run(&args, invocation),
        Command::Keys(args) => commands::keys::run(&args, invocation),
        Command::Get(args) => commands::get::run(&args, invocation),
        Command::Put(args) => commands::put::run(&args, invocation),
        Command::Limits(args) => commands::limits::run(&args, invocation),
        Command::Diff(args) => commands::diff::run(&args, invocation),
        Command::Calendar(args) => commands::calendar::run(&args, invocation),
        Command::Export(args) => commands::export::run(&args, invocation),
        Command::Import(args) => commands::import::run(&args, invocation),
        Command::Config(args) => commands::config::run(&args, invocation),
        Command::Completions(_) | Command::Man => Ok(Exit::Success),
    }
}

/// Whether a variable that is a switch is on: set, and to nothing that says no.
fn is_on(said: &str) -> bool {
    !["0", "false", "no", "off"].contains(&said.to_ascii_lowercase().as_str())
}

/// Says what stopped the program; the exit code that belongs to it.
fn report(error: &anyhow::Error, ui: &mut Ui) -> Exit {
    if error
        .downcast_ref::<io::Error>()
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    {
        // Whoever read had enough.
        return Exit::Success;
    }
    if error.is::<Interrupted>() {
        return Exit::Interrupted;
    }
    if let Some(usage) = error.downcast_ref::<Usage>() {
        ui.usage(usage);
        return Exit::Usage;
    }
    match error.downcast_ref::<Error>() {
        Some(error) => ui.error(None, error),
        None if error.is::<Undone>() => ui.usage(
            &Usage::new(error.to_string())
                .hint("the warning says why; `mcache config check` names the cache folder"),
        ),
        None => ui.failure(&format!("{error:#}")),
    }
    Exit::Failure
}
