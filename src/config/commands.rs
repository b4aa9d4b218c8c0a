//! The endpoints of a provider that runs programs, as `provider` takes them; what in them does not fit
//! together; and what such a program is handed.

use std::path::Path;

use super::endpoints::Mistake;
use super::sites::runs_programs;
use super::{Config, Layers};
use crate::cache::{Question, Slice, Wanted};
use crate::config::Choice;
use crate::error::Usage;
use crate::market::{DataType, EndpointName, Params};
use crate::provider::command::{Definition, Endpoint, Input, Output};
use crate::provider::http::{FIELDS, Template};

/// What is said of a provider that is asked over a network, and not of one that runs programs.
const OF_THE_NETWORK: [&str; 6] = ["auth", "base_url", "delays", "headers", "tls", "user_agent"];

/// What is said of an endpoint that is a request.
const OF_A_REQUEST: [&str; 17] = [
    "body",
    "classes",
    "constants",
    "delimiter",
    "errors",
    "fields",
    "intervals",
    "max_rows",
    "method",
    "missing",
    "ok",
    "path",
    "query",
    "retry_after",
    "rows",
    "shape",
    "time",
];

/// What is said of an endpoint that is a program.
pub(super) const OF_A_PROGRAM: [&str; 4] = ["command", "input", "output", "timeout"];

/// All that a provider has.
pub(super) fn definition(layers: &Layers, provider: &str) -> Definition {
    let names = layers.names(&["providers", provider, "endpoints"]);
    let endpoints = names.iter().filter_map(|name| endpoint(layers, provider, name));
    Definition { endpoints: endpoints.collect() }
}

/// Whether a program of a provider is told a symbol; none if it has no such program.
pub(super) fn takes_a_symbol(
    layers: &Layers,
    provider: &str,
    endpoint: EndpointName,
) -> Option<bool> {
    if !gives_payload(layers, provider, endpoint) {
        return None;
    }
    definition(layers, provider).endpoint(endpoint.as_str()).map(Endpoint::takes_a_symbol)
}

/// Whether a provider has a program of this name. Who looks a key up asks this, so nothing is built.
pub(super) fn gives_payload(layers: &Layers, provider: &str, endpoint: EndpointName) -> bool {
    runs_programs(layers, provider)
        && layers
            .list(&["providers", provider, "endpoints", endpoint.as_str(), "command"])
            .is_some()
}

/// The endpoint; none if it has no program.
fn endpoint(layers: &Layers, provider: &str, name: &str) -> Option<Endpoint> {
    let at = |key| ["providers", provider, "endpoints", name, key];
    let command = layers.list(&at("command"))?;
    let (_, origin) = layers.get(&at("command"))?;
    let mut params = Params::default();
    for param in layers.names(&at("params")) {
        let value = layers.text(&["providers", provider, "endpoints", name, "params", &param]);
        params.set(&param, value.unwrap_or_default());
    }
    let output = layers.text(&at("output"));
    let output = Output::NAMED.into_iter().find(|(name, _)| Some(*name) == output);
    let input = layers.list(&at("input")).unwrap_or_default();
    Some(Endpoint {
        name: EndpointName::parse(name).ok()?,
        command: command
            .iter()
            .map(|text| Template::of_program(text).ok())
            .collect::<Option<_>>()?,
        // Where a file says it, so that cron runs it where a terminal does.
        folder: origin.file().and_then(Path::parent).and_then(|f| std::path::absolute(f).ok()),
        params,
        input: input.iter().filter_map(|text| Input::parse(text).ok()).collect(),
        timeout: layers.duration(&at("timeout")),
        output: output.map(|(_, output)| output).unwrap_or_default(),
    })
}

/// A mistake in what is said of a provider that is built in: what only one of the kind http has.
pub(super) fn check_built_in(layers: &Layers, provider: &str, name: &str) -> Result<(), Mistake> {
    let of_a_request = OF_A_REQUEST.into_iter().chain(["params"]);
    let at = |key| ["providers", provider, "endpoints", name, key];
    match of_a_request.into_iter().find(|key| is_said(layers, &at(key))) {
        None => Ok(()),
        Some(key) => {
            let hint = format!("leave it out: mcache knows itself how `{provider}` is asked");
            wrong(name, key, format!("`{key}` is for the kind http"), hint)
        }
    }
}

/// A mistake in what is said of a provider that runs programs besides its endpoints.
pub(super) fn check_provider(layers: &Layers, provider: &str) -> Result<(), Mistake> {
    match OF_THE_NETWORK.into_iter().find(|key| is_said(layers, &["providers", provider, key])) {
        None => Ok(()),
        Some(key) => {
            let message = format!("`{key}` is for what is asked over a network");
            let hint = format!("leave it out: `{provider}` runs programs of this machine");
            Err((vec![key.to_owned()], Usage::new(message).hint(hint)))
        }
    }
}

/// Whether anything is said at or below a path.
fn is_said(layers: &Layers, path: &[&str]) -> bool {
    layers.get(path).is_some() || !layers.names(path).is_empty()
}

/// A mistake in an endpoint of one that does not: what only a program has.
pub(super) fn check_none(layers: &Layers, provider: &str, name: &str) -> Result<(), Mistake> {
    let at = |key| ["providers", provider, "endpoints", name, key];
    match OF_A_PROGRAM.into_iter().find(|key| layers.get(&at(key)).is_some()) {
        None => Ok(()),
        Some(key) => {
            let hint = match key {
                "timeout" => format!("`providers.{provider}.timeout` is for all its endpoints"),
                _ => format!(
                    "a provider that runs programs has `kind: command`, and `{provider}` has another"
                ),
            };
            let message = format!("`{key}` is for the kind command");
            wrong(name, key, message, hint)
        }
    }
}

fn wrong(name: &str, key: &str, message: String, hint: impl Into<String>) -> Result<(), Mistake> {
    let path = ["endpoints", name, key].into_iter().filter(|name| !name.is_empty());
    Err((path.map(str::to_owned).collect(), Usage::new(message).hint(hint)))
}

impl Config {
    /// A mistake in an endpoint that is a program, if there is one.
    pub(super) fn check_command(&self, provider: &str, name: &str) -> Result<(), Mistake> {
        let layers = self.layers();
        let at = |key| ["providers", provider, "endpoints", name, key];
        if let Some((role, _)) = FIELDS.iter().find(|(role, _)| *role == name) {
            let message = format!("what a program prints is kept as it is, and `{role}` is not");
            return wrong(name, "", message, format!("name it otherwise, as in my_{role}"));
        }
        if let Some(key) = OF_A_REQUEST.into_iter().find(|key| is_said(layers, &at(key))) {
            let hint = "leave it out: a program is not asked over a network";
            return wrong(name, key, format!("`{key}` is for the kind http"), hint);
        }
        let form = "write the program and its arguments: [python3, predict.py, \"{symbol}\"]";
        let command = layers.list(&at("command")).unwrap_or_default();
        let Some(program) = command.first().and_then(|text| Template::of_program(text).ok()) else {
            return wrong(name, "", format!("the endpoint `{name}` has no `command`"), form);
        };
        if command.first().is_some_and(|text| text.trim().is_empty()) {
            return wrong(name, "command", "the program has no name".to_owned(), form);
        }
        if !program.is_plain() {
            let message = "which program is run cannot depend on what is asked".to_owned();
            return wrong(name, "command", message, form);
        }
        let templates = command.iter().filter_map(|text| Template::of_program(text).ok());
        let hint = "a program is told {symbol} {base} {quote} {param:NAME}; bars are an `input`; \
                    {{ and }} are braces";
        for template in templates {
            if template.names_bars() {
                let message = format!("`{name}` says when bars begin, or how long they are");
                return wrong(name, "command", message, hint);
            }
            if template.names_the_token() || template.names_the_named() || template.is_optional() {
                let message = format!("`{name}` is told what only a request can be");
                return wrong(name, "command", message, hint);
            }
        }
        if layers.duration(&at("timeout")).is_some_and(|timeout| timeout.is_zero()) {
            let hint = "write a time in which it can print: 10s";
            return wrong(name, "timeout", "`timeout` is 0".to_owned(), hint);
        }
        self.check_inputs(provider, name)
    }

    fn check_inputs(&self, provider: &str, name: &str) -> Result<(), Mistake> {
        let path = || ["endpoints", name, "input"].map(str::to_owned).to_vec();
        let mut seen: Vec<String> = Vec::new();
        let mut open = self.types_handed(provider, name);
        for input in self.inputs_of(provider, name) {
            self.data_type(&input.data_type, None).map_err(|usage| (path(), usage))?;
        }
        while let Some(data_type) = open.pop() {
            if data_type == name {
                let message = format!("`{name}` would be handed what it prints itself");
                let hint = "leave out what needs it, directly or through another program";
                return Err((path(), Usage::new(message).hint(hint)));
            }
            if !seen.contains(&data_type) {
                let providers = self.providers();
                let handed = providers.iter().flat_map(|p| self.types_handed(p, &data_type));
                open.extend(handed.collect::<Vec<_>>());
                seen.push(data_type);
            }
        }
        Ok(())
    }

    /// The types of what an endpoint is handed.
    fn types_handed(&self, provider: &str, name: &str) -> Vec<String> {
        let inputs = self.inputs_of(provider, name).into_iter();
        inputs.map(|input| input.data_type.to_ascii_lowercase().replace('-', "_")).collect()
    }

    fn inputs_of(&self, provider: &str, name: &str) -> Vec<Input> {
        let said = self.layers().list(&["providers", provider, "endpoints", name, "input"]);
        said.unwrap_or_default().iter().filter_map(|text| Input::parse(text).ok()).collect()
    }

    /// What a program of a provider is handed for a question.
    pub(super) fn inputs(&self, question: &Question, provider: &str) -> Wanted {
        let of = |input: Input| -> Option<(Box<str>, Question)> {
            let data_type: DataType = self.data_type(&input.data_type, None).ok()?;
            let slice = Slice { interval: input.interval, ..Slice::default() };
            let choice = Choice { slice, ..Choice::default() };
            let symbols = [question.symbol.clone()];
            let question = self.questions(&symbols, &[data_type], &choice).ok()?.pop()?;
            Some((input.name, question))
        };
        let inputs = self.inputs_of(provider, question.data_type.as_str());
        let records: Vec<_> = inputs.into_iter().filter_map(of).collect();
        let mut givers = records.iter().flat_map(|(_, wanted)| &wanted.providers);
        let is_of_programs = givers.any(|name| runs_programs(self.layers(), name));
        Wanted { records, is_of_programs }
    }
}
