//! `benchmark`: measures every tier against an upstream, through the same [`Cache`] that `fetch`
//! uses, and puts the targets beside the measurements.
//!
//! [`Cache`]: crate::cache::Cache

mod measure;
mod report;
mod stage;
mod tiers;
mod workload;
mod zipf;

use std::io::Write as _;

use crate::cache::Question;
use crate::cli::Invocation;
use crate::cli::args::{Benchmark, Format};
use crate::cli::exit::Exit;
use crate::config::{Choice, Config};
use crate::error::Usage;
use crate::market::{DataType, Symbol};
use report::Report;
use stage::Stage;

/// What the real provider is asked for: shares that every provider of shares knows.
const LIVE: [&str; 5] = ["AAPL", "MSFT", "NVDA", "AMZN", "GOOGL"];

/// Five steps of the tiers and the workload.
const STEPS: usize = 6;

pub(in crate::cli) fn run(args: &Benchmark, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json, Format::Ndjson])?;
    let Invocation { global, config, offline, ui } = invocation;
    if args.live && offline {
        return Err(Usage::new("--live asks the real provider and --offline asks nobody")
            .hint("leave one of them away; without --live nothing leaves this machine")
            .into());
    }
    let questions = questions(args, &config)?;
    if args.live {
        let provider = questions[0].providers.first().map_or("nobody", AsRef::as_ref);
        let calls = tiers::calls(questions.len());
        ui.note(&format!("{provider} will be asked {calls} times, once for each symbol"));
    }
    let stage = Stage::set(&config, global, (!args.live).then_some(args.latency))?;
    ui.start_progress(STEPS, "measuring");
    let iterations = args.iterations as usize;
    let mut steps = 0..STEPS;
    let mut done = || steps.next().into_iter().for_each(|step| ui.done(step));
    let tiers = tiers::measure(&stage, &questions, iterations, &mut done)?;
    let workload =
        if args.live { None } else { Some(workload::play(&stage, &questions, iterations)?) };
    ui.end_progress();
    let report = Report::new(tiers, workload);
    match format {
        Format::Json => writeln!(ui.data(), "{}", serde_json::to_string_pretty(&report)?)?,
        Format::Ndjson => writeln!(ui.data(), "{}", serde_json::to_string(&report)?)?,
        _ => {
            let style = ui.style();
            report.write(style, ui.data())?;
        }
    }
    Ok(if report.meets_all() { Exit::Success } else { Exit::Failure })
}

/// The symbols, the most read first: invented ones, or a few that exist.
fn questions(args: &Benchmark, config: &Config) -> Result<Vec<Question>, Usage> {
    let count = args.symbols as usize;
    let (names, provider) = if args.live {
        (LIVE.iter().take(count).map(|name| format!("stock:{name}")).collect::<Vec<_>>(), None)
    } else {
        ((1..=count).map(|n| format!("stock:S{n}")).collect(), Some("demo"))
    };
    let symbols: Vec<Symbol> =
        names.iter().map(|name| config.symbol(name)).collect::<Result<_, _>>()?;
    let choice = Choice { provider, ..Choice::default() };
    config.questions(&symbols, &[DataType::Quote], &choice)
}
