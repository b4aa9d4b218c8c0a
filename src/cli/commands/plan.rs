//! `--plan` of `fetch` and `warm`: what it would take, printed; nobody is called.

use std::io::Write;
use std::time::Duration;

use super::say_warnings;
use crate::cache::{Cache, Opening, Planned, PlannedProvider, Question};
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, grouped};
use crate::cli::ui::{Style, Ui};
use crate::config::Config;
use crate::policy::Terms;
use crate::time::Timestamp;
use crate::units::duration_for_people;

/// The formats that a plan has.
pub(super) const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Ndjson, Format::Csv];

const HEADER: [&str; 6] = ["key", "provider", "endpoint", "state", "calls", "why"];

/// Says what it would take to answer these questions.
pub(super) fn run(
    cache: &Cache,
    questions: &[Question],
    terms: &Terms,
    format: Format,
    config: &Config,
    ui: &mut Ui,
) -> anyhow::Result<Exit> {
    let plan = cache.forecast(questions, terms, &|provider| config.cost_per_call(provider));
    let style = ui.style();
    write(&plan, format, style, ui.data())?;
    say_warnings(cache, ui);
    for item in &plan.items {
        let said = format!("{} {} {} {}", item.state, item.key, item.calls, item.why);
        if item.state == "refused" {
            ui.note(&format!("{} would not be asked for: {}", item.key, item.why));
        } else {
            ui.verbose(&said);
        }
    }
    for (name, of_provider) in &plan.providers {
        if let Some(reason) = &of_provider.reason {
            let (unfit, calls) = (of_provider.unfit, of_provider.calls);
            ui.note(&format!("{unfit} of {calls} calls of {name} do not fit: {reason}"));
        }
    }
    for opening in &plan.stale_at_open {
        ui.note(&said_of(opening, cache.clock().now()));
    }
    Ok(Exit::Success)
}

/// What becomes of quotes that are fetched before their exchange opens.
fn said_of(opening: &Opening, now: Timestamp) -> String {
    let Opening { exchange, quotes, opens_at } = opening;
    let (quotes, go) = if *quotes == 1 {
        ("1 quote".to_owned(), "goes")
    } else {
        (format!("{quotes} quotes"), "go")
    };
    // To the minute, and never sooner than it is.
    let minutes = opens_at.since(now).as_secs().div_ceil(60);
    let within = duration_for_people(Duration::from_secs(minutes * 60));
    format!(
        "{quotes} of {exchange} {go} stale when it opens {}, in {within}: warm again after that",
        opens_at.for_people()
    )
}

fn write(plan: &Planned, format: Format, style: Style, out: &mut impl Write) -> anyhow::Result<()> {
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(plan)?)?,
        Format::Ndjson => {
            for item in &plan.items {
                writeln!(out, "{}", serde_json::to_string(item)?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            // An empty list has its header too, which the writer takes from the first record.
            if plan.items.is_empty() {
                writer.write_record(HEADER)?;
            }
            for item in &plan.items {
                writer.serialize(item)?;
            }
            writer.flush()?;
        }
        Format::Table | Format::Parquet | Format::Prometheus => {
            table(plan).write(style, out)?;
        }
    }
    Ok(())
}

fn table(plan: &Planned) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("PROVIDER", Left),
        ("ENDPOINT", Left),
        ("CALLS", Right),
        ("FRESH", Right),
        ("TIME", Right),
        ("COST", Right),
        ("BUDGET LEFT", Right),
        ("UNFIT", Right),
    ])
    .dispensing_with(&["UNFIT", "COST", "BUDGET LEFT"]);
    for (name, of_provider) in &plan.providers {
        // What the endpoints of a provider share stands in its first row.
        let mut shared = shared(of_provider).to_vec();
        for (endpoint, of_endpoint) in &of_provider.endpoints {
            let counts = [of_endpoint.calls, of_endpoint.fresh].map(number);
            let head = [name.clone(), endpoint.clone()].into_iter().chain(counts);
            table.row(head.chain(std::mem::replace(&mut shared, vec![String::new(); 4])).collect());
        }
    }
    let all = ["all".to_owned(), String::new(), number(plan.calls), number(plan.fresh)];
    let sums = [seconds(plan.seconds), money(plan.cost), String::new(), number(plan.unfit)];
    table.row(all.into_iter().chain(sums).collect());
    table
}

fn shared(of_provider: &PlannedProvider) -> [String; 4] {
    [
        seconds(of_provider.seconds),
        money(of_provider.cost),
        of_provider.budget_left.map(number).unwrap_or_default(),
        number(of_provider.unfit),
    ]
}

fn number(number: u64) -> String {
    grouped(&number.to_string())
}

fn seconds(seconds: f64) -> String {
    duration_for_people(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// Money, to the cent or to the digits that it has.
fn money(cost: f64) -> String {
    let text = format!("{cost:.6}");
    let text = text.trim_end_matches('0');
    let cents = text.find('.').map_or(text.len(), |point| point + 3);
    format!("{text:0<cents$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_has_cents_and_as_many_digits_more_as_it_needs() {
        for (cost, shown) in [(0.0, "0.00"), (1.5, "1.50"), (0.002, "0.002"), (1234.0, "1234.00")] {
            assert_eq!(money(cost), shown);
        }
    }
}
