//! `limits`: may a call be made now, and if not, when and why; pauses by hand and their end.
//!
//! `stats` shows the same in its own words: everything that is printed of limits is printed here.

use std::io::Write;

use serde::Serialize;

use super::deadline::until;
use super::say_warnings;
use crate::cache::{Allowance, BudgetUse, Cache, Health, Report, WindowUse};
use crate::cli::Invocation;
use crate::cli::args::{Format, Limits};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, grouped, second};
use crate::cli::ui::Style;
use crate::config::Config;
use crate::error::Usage;
use crate::time::Timestamp;

const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Ndjson, Format::Csv];

/// How the end of a pause is written.
const FORMS: &str =
    "write 30m, 12h, 7d, 2026-07-01 or 2026-07-01T15:00:00Z, at most 100 years from now";

pub(in crate::cli) fn run(args: &Limits, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&FORMATS)?;
    let Invocation { global, config, ui, .. } = invocation;
    let of = args.of.as_deref().map(|text| named(text, &config)).transpose()?;
    let cache = config.open()?;
    let changes = args.pause.is_some() || args.resume;
    if let Some((provider, endpoint)) = of.filter(|_| changes) {
        if let Some(endpoint) = endpoint {
            let usage = Usage::new("a pause holds for a whole provider");
            return Err(usage.hint(format!("leave `/{endpoint}` away")).into());
        }
        let done = change(provider, args.pause.as_deref(), &cache);
        say_warnings(&cache, ui);
        ui.note(&done?);
        return Ok(Exit::Success);
    }
    let allowances = match of {
        None => cache.overview(&config.providers()),
        Some((provider, None)) => cache.allowances(&[provider.to_owned()]),
        Some((provider, endpoint)) => vec![cache.allowance(provider, endpoint)],
    };
    say_warnings(&cache, ui);
    if !(args.check && global.quiet) {
        let style = ui.style();
        write(&allowances, format, style, ui.data())?;
    }
    // Who asks before a thousand calls must not be told yes by a book that nobody can write.
    let is_kept = !args.check || cache.limits_are_shared();
    say_warnings(&cache, ui);
    let may_call = is_kept && allowances.iter().all(|allowance| allowance.may_call);
    Ok(if args.check && !may_call { Exit::Failure } else { Exit::Success })
}

/// All providers, for `stats --limits`.
pub(super) fn all(invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let everything = Limits { of: None, check: false, pause: None, resume: false };
    run(&everything, invocation)
}

/// The provider that is meant, and its endpoint if one is.
fn named<'a>(text: &'a str, config: &Config) -> Result<(&'a str, Option<&'a str>), Usage> {
    let Some((provider, endpoint)) = text.split_once('/') else {
        return Ok((config.provider(text)?, None));
    };
    let provider = config.provider(provider)?;
    Ok((provider, Some(config.endpoint(provider, endpoint)?)))
}

/// Pauses a provider, or ends that; what there is to say about it.
fn change(provider: &str, pause: Option<&str>, cache: &Cache) -> anyhow::Result<String> {
    let now = cache.clock().real_now();
    let wanted = pause.map(|text| until(text, now, FORMS)).transpose()?;
    match wanted {
        Some(until) => cache.pause(provider, until)?,
        None => cache.resume(provider)?,
    }
    let allowance = cache.allowance(provider, None);
    let reason = allowance.reason.unwrap_or_default();
    Ok(match (wanted, allowance.until.map(in_seconds)) {
        // What upstream asked for ends later.
        (Some(_), Some(until)) if allowance.health != Health::Paused => {
            format!("{provider} is paused until {until} UTC already: {reason}")
        }
        (Some(wanted), _) => format!("{provider} is paused until {} UTC", in_seconds(wanted)),
        (None, None) => format!("{provider} may be asked again"),
        (None, Some(until)) => {
            format!("{provider} may be asked again, but not before {until} UTC: {reason}")
        }
    })
}

const HEADER: [&str; 11] = [
    "provider",
    "endpoint",
    "may_call",
    "until",
    "reason",
    "strategy",
    "health",
    "window",
    "used",
    "limit",
    "resets_at",
];

/// A row of csv: one window or budget of one provider or endpoint.
#[derive(Default, Serialize)]
struct Line<'a> {
    provider: &'a str,
    endpoint: Option<&'a str>,
    may_call: bool,
    until: Option<Timestamp>,
    reason: Option<&'a str>,
    strategy: &'a str,
    health: &'a str,
    window: Option<&'a str>,
    used: Option<u64>,
    limit: Option<u64>,
    resets_at: Option<Timestamp>,
}

impl<'a> Line<'a> {
    fn of(allowance: &'a Allowance) -> Self {
        Self {
            provider: &allowance.provider,
            endpoint: allowance.endpoint.as_deref(),
            may_call: allowance.may_call,
            until: allowance.until,
            reason: allowance.reason.as_deref(),
            strategy: allowance.strategy,
            health: allowance.health.as_str(),
            ..Self::default()
        }
    }

    /// What is limited, one row each; a row without, if nothing is.
    fn all_of(allowance: &'a Allowance) -> Vec<Self> {
        let windows = allowance.limits.iter().map(|window| Self {
            window: Some(&window.window),
            used: Some(window.used),
            limit: Some(window.limit),
            resets_at: window.resets_at,
            ..Self::of(allowance)
        });
        let budget = allowance.budget.iter().map(|budget| Self {
            window: Some(&budget.budget),
            used: Some(budget.used),
            limit: Some(budget.limit),
            resets_at: Some(budget.resets_at),
            ..Self::of(allowance)
        });
        let lines: Vec<Self> = windows.chain(budget).collect();
        if lines.is_empty() { vec![Self::of(allowance)] } else { lines }
    }
}

fn write(
    allowances: &[Allowance],
    format: Format,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(allowances)?)?,
        Format::Ndjson => {
            for allowance in allowances {
                writeln!(out, "{}", serde_json::to_string(allowance)?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            // An empty list has its header too, which the writer takes from the first record.
            if allowances.is_empty() {
                writer.write_record(HEADER)?;
            }
            for line in allowances.iter().flat_map(Line::all_of) {
                writer.serialize(line)?;
            }
            writer.flush()?;
        }
        Format::Table | Format::Parquet | Format::Prometheus => {
            table(allowances).write(style, out)?;
        }
    }
    Ok(())
}

fn table(allowances: &[Allowance]) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("PROVIDER", Left),
        ("MAY CALL", Left),
        ("HEALTH", Left),
        ("LIMITS", Left),
        ("BUDGET", Right),
        ("RESETS (UTC)", Left),
        ("STRATEGY", Left),
        ("UNTIL (UTC)", Left),
        ("REASON", Left),
    ])
    .dispensing_with(&[
        "RESETS (UTC)",
        "STRATEGY",
        "BUDGET",
        "LIMITS",
        "REASON",
        "UNTIL (UTC)",
    ]);
    for allowance in allowances {
        let windows: Vec<String> = allowance.limits.iter().map(used_of).collect();
        let budget = allowance.budget.as_ref();
        table.row(vec![
            name(allowance),
            if allowance.may_call { "yes" } else { "no" }.to_owned(),
            allowance.health.as_str().to_owned(),
            windows.join(", "),
            budget
                .map(|budget| format!("{} of {}", budget.used, budget.budget))
                .unwrap_or_default(),
            budget.map(|budget| in_seconds(budget.resets_at)).unwrap_or_default(),
            allowance.strategy.to_owned(),
            allowance.until.map(in_seconds).unwrap_or_default(),
            allowance.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// What `stats` says of limits: of whoever may not be asked now, and of whoever has used some of a budget.
pub(super) fn restricted(report: &Report, allowances: &[Allowance]) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("PROVIDER", Left),
        ("HEALTH", Left),
        ("STRATEGY", Left),
        ("FULLEST LIMIT", Left),
        ("BUDGET LEFT", Right),
        ("RESETS (UTC)", Left),
        ("BLOCKS", Right),
        ("UNTIL (UTC)", Left),
        ("REASON", Left),
    ])
    .dispensing_with(&["RESETS (UTC)", "BLOCKS", "STRATEGY", "FULLEST LIMIT", "REASON"]);
    for allowance in allowances {
        let budget = allowance.budget.as_ref().filter(|_| allowance.endpoint.is_none());
        if allowance.may_call && budget.is_none_or(|budget| budget.used == 0) {
            continue;
        }
        let fullest = allowance.limits.iter().max_by_key(|window| millionths(window));
        let left = |budget: &BudgetUse| {
            format!("{} of {}", budget.limit.saturating_sub(budget.used), budget.budget)
        };
        table.row(vec![
            name(allowance),
            allowance.health.as_str().to_owned(),
            allowance.strategy.to_owned(),
            fullest.map(used_of).unwrap_or_default(),
            budget.map(left).unwrap_or_default(),
            budget.map(|budget| in_seconds(budget.resets_at)).unwrap_or_default(),
            grouped(&blocks(report, allowance).to_string()),
            allowance.until.map(in_seconds).unwrap_or_default(),
            allowance.reason.clone().unwrap_or_default(),
        ]);
    }
    table
}

/// How often a limit held a request back, of a provider or of one endpoint.
fn blocks(report: &Report, allowance: &Allowance) -> i64 {
    let of_provider = report.providers.get(&allowance.provider).into_iter();
    let endpoints = of_provider.flat_map(|provider| &provider.endpoints);
    let meant = |name: &str| allowance.endpoint.as_deref().is_none_or(|endpoint| endpoint == name);
    endpoints.filter(|(name, _)| meant(name)).map(|(_, endpoint)| endpoint.blocks).sum()
}

/// `binance`, or `binance/quote`.
fn name(allowance: &Allowance) -> String {
    match &allowance.endpoint {
        Some(endpoint) => format!("{}/{endpoint}", allowance.provider),
        None => allowance.provider.clone(),
    }
}

/// `12 of 60/1m`.
fn used_of(window: &WindowUse) -> String {
    format!("{} of {}", window.used, window.window)
}

/// How full a window is, in millionths.
fn millionths(window: &WindowUse) -> u64 {
    window.used.saturating_mul(1_000_000) / window.limit.max(1)
}

/// An instant to come, for people: never too early.
fn in_seconds(instant: Timestamp) -> String {
    let whole = instant.as_ms().saturating_add(999).div_euclid(1000);
    second(&Timestamp::from_seconds(whole).to_string())
}
