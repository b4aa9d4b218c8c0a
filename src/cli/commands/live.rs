//! `config check --live`: makes one call past the cache, and shows what was understood of the answer.
//!
//! Everything that upstream wrote has been cut and cleaned by whoever took it out of the answer.

use std::collections::HashMap;
use std::io::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use super::say_warnings;
use crate::cache::{Probe, Question};
use crate::cli::Invocation;
use crate::cli::args::Format;
use crate::cli::exit::Exit;
use crate::cli::output::members_of_quotes;
use crate::cli::output::table::{Side, Table};
use crate::cli::ui::Ui;
use crate::error::{Error, Kind, Usage, sanitized};
use crate::market::{Page, Params, Record, Series};
use crate::policy::Terms;
use crate::provider::Findings;
use crate::provider::command::End;
use crate::provider::http::{BODY, Condition, Finding, shape};
use crate::time::Timestamp;
use crate::units::bytes_for_people;
use crate::upstream::{Given, Sent};

/// What is tried.
pub(super) struct Trial<'a> {
    /// A provider, or an endpoint of one.
    pub(super) of: &'a str,
    /// About what, if that is said.
    pub(super) symbol: Option<&'a str>,
    /// `NAME=VALUE` each.
    pub(super) params: &'a [String],
}

/// What came of it, as JSON has it.
#[derive(Serialize)]
struct Report {
    provider: String,
    #[serde(rename = "type")]
    data_type: String,
    symbol: String,
    understood: bool,
    request: Option<Request>,
    #[serde(skip_serializing_if = "Option::is_none")]
    program: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    handed: Vec<String>,
    answer: Option<Answer>,
    conditions: Vec<Judged>,
    fields: Vec<Line>,
    error: Option<Reported>,
    hints: Vec<String>,
}

#[derive(Serialize)]
struct Request {
    method: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Answer {
    /// None of a program.
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    content_type: Option<String>,
    bytes: usize,
    milliseconds: u64,
    shape: String,
}

#[derive(Serialize)]
struct Judged {
    name: &'static str,
    from: String,
    expected: String,
    sent: Option<String>,
    holds: bool,
}

/// A field: what was read, where from, and what stands there.
#[derive(Default, Serialize)]
struct Line {
    field: String,
    value: Option<String>,
    from: Option<String>,
    sent: Option<String>,
}

#[derive(Serialize)]
struct Reported {
    kind: &'static str,
    message: String,
}

pub(super) fn run(trial: &Trial<'_>, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&[Format::Table, Format::Json])?;
    if invocation.offline {
        return Err(Usage::new("--live asks upstream, and --offline asks nobody")
            .hint("leave one of them away; `mcache config check` alone asks nobody")
            .into());
    }
    let params = Params::parse(trial.params.iter().map(String::as_str))?;
    let question = invocation.config.trial(trial.of, trial.symbol, &params)?;
    let cache = invocation.config.open()?;
    let probe = cache.probe(&question, &Terms::default())?;
    let ui = invocation.ui;
    say_warnings(&cache, ui);
    let hints = hints(&question, &probe, trial);
    let report = Report::of(&question, &probe, hints);
    match format {
        Format::Json => writeln!(ui.data(), "{}", serde_json::to_string(&report)?)?,
        _ => report.write(ui)?,
    }
    Ok(match &probe.outcome {
        Ok(_) => {
            report.hint(ui);
            Exit::Success
        }
        Err(error) => {
            ui.error(Some(&report.symbol), &error.clone().without_hint());
            report.hint(ui);
            Exit::Failure
        }
    })
}

impl Report {
    fn of(question: &Question, probe: &Probe, hints: Vec<String>) -> Self {
        let findings = probe.findings.as_ref();
        let conditions = findings.map(|findings| &*findings.conditions).unwrap_or_default();
        let answer = probe.reply.as_ref().map(|reply| Answer {
            status: probe.ended.is_none().then_some(reply.status),
            exit_code: match probe.ended {
                Some(End::Code(code)) => Some(code),
                Some(End::Signal(_)) | None => None,
            },
            content_type: reply.content_type.as_deref().map(sanitized),
            bytes: reply.body.len(),
            milliseconds: u64::try_from(probe.latency.as_millis()).unwrap_or(u64::MAX),
            shape: shape(reply),
        });
        let (request, program) = match probe.sent.clone() {
            Some(Sent::Request { method, url }) => (Some(Request { method, url }), None),
            Some(Sent::Program(arguments)) => (None, Some(arguments)),
            None => (None, None),
        };
        let error = probe.outcome.as_ref().err();
        let reported =
            |error: &Error| Reported { kind: error.kind.as_str(), message: error.message.clone() };
        Self {
            provider: question.providers.first().map_or("-", AsRef::as_ref).to_owned(),
            data_type: question.data_type.as_str().to_owned(),
            symbol: question.symbol.to_string(),
            understood: error.is_none(),
            request,
            program,
            handed: probe.handed.iter().map(ToString::to_string).collect(),
            answer,
            conditions: conditions.iter().map(Judged::from).collect(),
            fields: lines(probe),
            error: error.map(reported),
            hints,
        }
    }

    fn write(&self, ui: &mut Ui) -> anyhow::Result<()> {
        let mut head = Table::new(&[("", Side::Left), ("", Side::Left)]);
        let mut row = |name: &str, text: String| head.row(vec![name.to_owned(), text]);
        // An endpoint without a symbol is asked about nothing but its provider.
        let symbol = Some(&self.symbol).filter(|symbol| **symbol != self.provider);
        let about = symbol.map(|symbol| format!(" of {symbol}")).unwrap_or_default();
        row("asked", format!("{}{about} from {}", self.data_type, self.provider));
        if let Some(Request { method, url }) = &self.request {
            row("request", format!("{method} {url}"));
        }
        if let Some(arguments) = &self.program {
            row("program", serde_json::to_string(arguments)?);
        }
        if !self.handed.is_empty() {
            row("handed", self.handed.join(", "));
        }
        if let Some(answer) = &self.answer {
            let content_type = answer.content_type.as_deref().unwrap_or("no content type");
            let what = match (answer.status, answer.exit_code) {
                (Some(status), _) => format!("{status}, {content_type}"),
                (None, Some(code)) => format!("exit code {code}"),
                (None, None) => "ended by a signal".to_owned(),
            };
            let size = bytes_for_people(answer.bytes as u64);
            let time = answer.milliseconds;
            row("answer", format!("{what}, {size}, {time} ms"));
            row("shape", answer.shape.clone());
        }
        for Judged { name, from, expected, sent, holds } in &self.conditions {
            let sent = sent.as_deref().unwrap_or("nothing");
            let is = if *holds { "is" } else { "is not" };
            row(name, format!("{from} {is} {expected}: {sent}"));
        }
        let style = ui.style();
        head.write(style, ui.data())?;
        let from_somewhere = self.fields.iter().any(|line| line.from.is_some());
        let columns = [
            ("FIELD", Side::Left),
            ("VALUE", Side::Left),
            ("FROM", Side::Left),
            ("SENT", Side::Left),
        ];
        let columns = if from_somewhere { &columns[..] } else { &columns[..2] };
        let mut table = Table::new(columns);
        for Line { field, value, from, sent } in &self.fields {
            let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            let mut cells = vec![field.clone(), text(value), text(from), text(sent)];
            cells.truncate(columns.len());
            table.row(cells);
        }
        if !table.is_empty() {
            table.write(style, ui.data())?;
        }
        if self.understood {
            let but = if self.handed.is_empty() { "" } else { " but what it was handed" };
            writeln!(ui.data(), "understood; nothing was stored{but}")?;
        }
        Ok(())
    }

    /// Says what to change.
    fn hint(&self, ui: &mut Ui) {
        for hint in &self.hints {
            ui.hint(hint);
        }
    }
}

impl From<&Condition> for Judged {
    fn from(condition: &Condition) -> Self {
        let Condition { name, place, expected, found, holds } = condition.clone();
        Self { name, from: place, expected, sent: found, holds }
    }
}

/// What was read, beside where it stands.
fn lines(probe: &Probe) -> Vec<Line> {
    let mut lines = match &probe.outcome {
        Ok(Given::Record(Record::Quote(quote))) => members(&Record::Quote(quote.clone()).to_json()),
        Ok(Given::Record(Record::Series(series))) => of_series(series),
        Ok(Given::Page(page)) => of_page(page),
        Ok(Given::Record(Record::Payload(_)) | Given::Several(_) | Given::Unchanged) | Err(_) => {
            Vec::new()
        }
    };
    let Some(Findings { rows, fields, .. }) = &probe.findings else { return lines };
    for Finding { name, place, found, .. } in rows.iter().chain(fields) {
        let (from, sent) = (Some(place.clone()), found.clone());
        match lines.iter_mut().find(|line| line.field == *name) {
            Some(line) => (line.from, line.sent) = (from, sent),
            None => lines.push(Line { field: name.clone(), value: None, from, sent }),
        }
    }
    lines
}

/// What a quote says.
fn members(json: &[u8]) -> Vec<Line> {
    let Ok(members) = serde_json::from_slice::<HashMap<String, &RawValue>>(json) else {
        return Vec::new();
    };
    let line = |name: &str| {
        let value = members.get(name).map(|value| value.get()).filter(|value| *value != "null")?;
        let value = serde_json::from_str::<String>(value).unwrap_or_else(|_| value.to_owned());
        Some(Line { field: name.to_owned(), value: Some(sanitized(&value)), ..Line::default() })
    };
    members_of_quotes().filter_map(line).collect()
}

fn said(field: &str, value: String) -> Line {
    Line { field: field.to_owned(), value: Some(value), ..Line::default() }
}

fn of_series(series: &Series) -> Vec<Line> {
    let mut lines = vec![said("observations", series.observations.len().to_string())];
    let ends = [("first", series.observations.first()), ("last", series.observations.last())];
    for (name, observation) in ends {
        if let Some(observation) = observation {
            let value = observation.value.as_ref().map_or("null".to_owned(), ToString::to_string);
            lines.push(said(name, format!("{} {value}", observation.date)));
        }
    }
    lines
}

fn of_page(page: &Page) -> Vec<Line> {
    let bars = &page.bars;
    let mut lines = vec![said("bars", bars.len().to_string())];
    let end = |at: usize| {
        Some(format!("{} {}", Timestamp::from_ms(*bars.times.get(at)?), bars.close.get(at)?))
    };
    let ends = [("first close", end(0)), ("last close", end(bars.len().wrapping_sub(1)))];
    let currency = ("currency", page.currency.as_deref().map(sanitized));
    let exchange = ("exchange", page.exchange.as_deref().map(sanitized));
    for (name, value) in ends.into_iter().chain([currency, exchange]) {
        lines.extend(value.map(|value| said(name, value)));
    }
    lines
}

/// What to change: the places that lead nowhere, what `ok` and `errors` say, and else what the error
/// says itself.
fn hints(question: &Question, probe: &Probe, trial: &Trial<'_>) -> Vec<String> {
    let mut hints = Vec::new();
    let provider = question.providers.first().map_or("-", AsRef::as_ref);
    let is_answer = probe.reply.as_ref().is_some_and(|reply| (200..300).contains(&reply.status));
    if let Some(findings) = &probe.findings {
        let key = |key: &str| format!("providers.{provider}.endpoints.{}.{key}", findings.endpoint);
        let has_failed = probe.outcome.is_err();
        hints.extend(findings.conditions.iter().filter_map(|condition| judged(condition, &key)));
        // In an answer that says that it is none nothing stands where it should.
        let lost = |finding: &&Finding| finding.found.is_none() && (is_answer || !has_failed);
        let lost_rows = findings.rows.iter().find(lost);
        if let Some(rows) = lost_rows.filter(|_| hints.is_empty()) {
            // Where there are no rows, no field of one is.
            hints.push(leads_nowhere(&key("rows"), rows));
        } else if hints.is_empty() {
            let lead =
                |field: &Finding| leads_nowhere(&key(&format!("fields.{}", field.name)), field);
            hints.extend(findings.fields.iter().filter(lost).map(lead));
        }
    }
    let Err(error) = &probe.outcome else { return hints };
    if error.kind == Kind::NotFound && trial.symbol.is_none() {
        hints.push(format!(
            "name a symbol that it has: `mcache config check --live {provider} SYMBOL`"
        ));
    } else if hints.is_empty() {
        hints.extend(error.hint.clone());
    }
    hints
}

fn leads_nowhere(key: &str, finding: &Finding) -> String {
    let what = if finding.is_needed { "" } else { ", so it stays empty" };
    let meant = finding.meant.as_ref().map(|meant| format!(": {meant}")).unwrap_or_default();
    format!("`{key}` is `{}`, where nothing stands{what}{meant}", finding.place)
}

/// Why an answer was judged to be none.
fn judged(condition: &Condition, key: &dyn Fn(&str) -> String) -> Option<String> {
    let Condition { name, place, expected, found, holds } = condition;
    // Of the body the answer's shape says more.
    let found = found.as_ref().filter(|_| place != BODY);
    let found = found.map_or_else(|| "nothing".to_owned(), |found| format!("`{found}`"));
    match (*name, holds) {
        ("ok", true) => None,
        ("ok", false) => Some(format!(
            "`{}` wants `{expected}` at `{place}`, and {found} stands there",
            key("ok")
        )),
        (name, _) => Some(format!(
            "`{}` says so of `{expected}` at `{place}`",
            key(&format!("errors.{name}"))
        )),
    }
}
