//! Providers as `upstream` takes them. Secrets are read here and kept nowhere else.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use super::endpoints::Mistake;
use super::{Environment, Layers, Origin, commands, endpoints};
use crate::error::Usage;
use crate::ledger::{Budget, EndpointLimits, Limits};
use crate::market::{DataType, Interval, Symbol};
use crate::provider::Speech;
use crate::time::Zone;
use crate::units::parse_share;
use crate::upstream::{Access, Certificates, Credentials, DemoSettings, Place, Secret, Site};

/// The time-out of a provider that has none set: the shipped providers' own.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The kind of what is made of configuration.
const HTTP: &str = "http";

/// How many requests may be under way at once, unless that is said.
const CONCURRENCY: usize = 8;

/// The places in which a key may be sent, of which one is said.
const PLACES: [&str; 4] = ["query", "header", "bearer", "path"];

/// How many programs of a provider may run at once, unless that is said: each may want a processor.
const PROGRAMS: usize = 2;

/// How a provider speaks; none if there is no such provider.
pub(super) fn speech(layers: &Layers, name: &str) -> Option<Speech> {
    let kind = layers.text(&["providers", name, "kind"])?;
    if kind == HTTP {
        let make = || endpoints::definition(layers, name);
        return Some(Speech::Http(layers.made.or_make(name, make)));
    }
    if kind == "command" {
        return Some(Speech::Command(Arc::new(commands::definition(layers, name))));
    }
    Speech::BUILT_IN.into_iter().find(|speech| speech.as_str() == kind)
}

/// Whether there is a provider of this name.
pub(super) fn is_there(layers: &Layers, name: &str) -> bool {
    layers.text(&["providers", name, "kind"]).is_some()
}

/// Whether it invents its data.
pub(super) fn invents(layers: &Layers, name: &str) -> bool {
    layers.text(&["providers", name, "kind"]) == Some(Speech::Demo.as_str())
}

/// Whether it runs programs.
pub(super) fn runs_programs(layers: &Layers, name: &str) -> bool {
    layers.text(&["providers", name, "kind"]) == Some("command")
}

/// Whether a provider gives what a type is made of. Every hit asks this, so nothing whole is made for it.
pub(super) fn gives(
    layers: &Layers,
    name: &str,
    symbol: &Symbol,
    data_type: DataType,
    interval: Interval,
) -> bool {
    if layers.text(&["providers", name, "kind"]) == Some(HTTP) {
        return endpoints::gives(layers, name, symbol, data_type, interval);
    }
    speech(layers, name).is_some_and(|speech| speech.gives(symbol, data_type, interval))
}

/// A configured provider. Whether its key is there shows when it is asked.
pub(super) fn site(layers: &Layers, environment: &Environment, name: &str) -> Site {
    let at = |key| ["providers", name, key];
    let speech = speech(layers, name).unwrap_or(Speech::Demo);
    let concurrency = if let Speech::Command(_) = speech { PROGRAMS } else { CONCURRENCY };
    Site {
        name: name.to_owned(),
        speech,
        base_url: layers.text(&at("base_url")).map(str::to_owned),
        access: access(layers, environment, name),
        headers: headers(layers, name),
        user_agent: layers
            .user_agent(name)
            .unwrap_or_else(|| concat!("mcache/", env!("CARGO_PKG_VERSION")).to_owned()),
        timeout: layers.duration(&at("timeout")).unwrap_or(TIMEOUT),
        concurrency: layers
            .count(&at("concurrency"))
            .and_then(|n| n.try_into().ok())
            .unwrap_or(concurrency),
        limits: limits(layers, name),
        certificates: match layers.text(&at("tls")) {
            Some("system") => Certificates::System,
            _ => Certificates::Bundled,
        },
        demo: DemoSettings {
            latency: layers.duration(&at("latency")).unwrap_or_default(),
            error_rate: layers.number(&at("error_rate")).unwrap_or(0.0),
            rate_limit: layers.window(&at("rate_limit")),
        },
    }
}

fn limits(layers: &Layers, name: &str) -> Limits {
    let at = |key| ["providers", name, key];
    let endpoint = |endpoint: String| {
        let at = |key| ["providers", name, "endpoints", &endpoint, key];
        let weight = layers.count(&at("weight")).and_then(|weight| weight.try_into().ok());
        let windows = layers.window(&at("limit")).into_iter().collect();
        (endpoint.as_str().into(), EndpointLimits { windows, weight })
    };
    let zone = layers.text(&at("budget_zone")).and_then(|zone| Zone::parse(zone).ok());
    let zone = zone.unwrap_or(Zone::UTC);
    let share = |owner: String| {
        let share = parse_share(layers.text(&["providers", name, "reserve", &owner])?).ok()?;
        Some((owner.into(), share))
    };
    Limits {
        windows: layers.windows(&at("limits")).unwrap_or_default(),
        endpoints: layers.names(&at("endpoints")).into_iter().map(endpoint).collect(),
        budget: layers.text(&at("budget")).and_then(|budget| Budget::parse(budget, zone).ok()),
        reserve: layers.names(&at("reserve")).into_iter().filter_map(share).collect(),
    }
}

fn headers(layers: &Layers, name: &str) -> Vec<(String, Secret)> {
    let value = |header: String| {
        let value = layers.text(&["providers", name, "headers", &header])?;
        Some((header, Secret::new(value)))
    };
    layers.names(&["providers", name, "headers"]).into_iter().filter_map(value).collect()
}

/// A mistake in where the key of a provider goes: in several places, or nowhere although somebody says
/// where it comes from. Who takes the place away that is shipped means to send none.
pub(super) fn check_auth(layers: &Layers, name: &str) -> Result<(), Mistake> {
    let at = |key| ["providers", name, "auth", key];
    let wrong = |keys: &[&str], usage: Usage| {
        Err((keys.iter().copied().map(str::to_owned).collect(), usage))
    };
    let said: Vec<&str> =
        PLACES.into_iter().filter(|place| layers.get(&at(place)).is_some()).collect();
    if said.len() > 1 {
        let usage = Usage::new("a key is sent in one place, and here are several");
        let hint = "keep one of query, header, bearer and path; ~ removes one";
        return wrong(&["auth"], usage.hint(hint));
    }
    let is_sent = said.iter().any(|place| match *place {
        "query" | "header" => true,
        place => layers.flag(&at(place)) == Some(true),
    });
    let is_said = |key: &&'static str| {
        let said = layers.get(&["providers", name, "auth", key]);
        said.is_some_and(|(_, origin)| *origin != Origin::Default)
    };
    match ["env", "file"].into_iter().find(is_said).filter(|_| !is_sent) {
        None => Ok(()),
        Some(key) => {
            let message = format!("the key of `{name}` is sent nowhere: `auth` does not say where");
            let hint = "add one of query: NAME, header: NAME and bearer: true, or of the kind http \
                        path: true";
            wrong(&["auth", key], Usage::new(message).hint(hint))
        }
    }
}

fn access(layers: &Layers, environment: &Environment, name: &str) -> Access {
    let at = |key| ["providers", name, "auth", key];
    let place = if let Some(parameter) = layers.text(&at("query")) {
        Place::Query(parameter.to_owned())
    } else if let Some(header) = layers.text(&at("header")) {
        Place::Header(header.to_owned())
    } else if layers.flag(&at("bearer")) == Some(true) {
        Place::Bearer
    } else if layers.flag(&at("path")) == Some(true) {
        Place::Path
    } else {
        return Access::Open;
    };
    let missing = |hint: String| Access::Missing { hint };
    let secret = if let Some(file) = layers.path(&at("file")) {
        match fs::read_to_string(&file) {
            Ok(text) => text.lines().next().unwrap_or_default().trim().to_owned(),
            Err(error) => {
                return missing(format!("the key file {} cannot be read: {error}", file.display()));
            }
        }
    } else {
        let usual = format!("{}_API_KEY", name.to_ascii_uppercase().replace('-', "_"));
        let variable = layers.text(&at("env")).unwrap_or(&usual);
        match environment.get(variable) {
            Some(value) => value.trim().to_owned(),
            None => return missing(format!("set the variable {variable} to the key of {name}")),
        }
    };
    Access::Key(Credentials { place, secret: Secret::new(secret) })
}
