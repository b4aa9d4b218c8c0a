//! The endpoints of a provider that is made of configuration, as `provider` takes them.
//!
//! Every value was checked when it was loaded; what needs more than one of them is checked in
//! [`check`](check::check).

mod check;
#[cfg(test)]
mod tests;

pub(super) use check::{Mistake, check};

use super::Layers;
use crate::market::{EndpointName, Interval, Params};
use crate::provider::http::{
    Definition, Endpoint, FIELDS, Place, Pointer, Reading, Rows, Shape, Sign, Spot, Template,
    TimeForm, TimeUnit, Verdict,
};
use crate::time::Zone;

/// What stands for the name of a row in a map.
const KEY: &str = "{key}";

/// What stands for a value that is missing, unless the configuration says so; null always does.
const MISSING: [&str; 1] = [""];

/// All that a provider has.
pub(super) fn definition(layers: &Layers, provider: &str) -> Definition {
    let names = layers.names(&["providers", provider, "endpoints"]);
    let endpoints = names.iter().filter_map(|name| Said { layers, provider, name }.endpoint());
    Definition { endpoints: endpoints.collect() }
}

/// Whether a provider has an endpoint of this name whose answers are kept as they are sent. Who looks a
/// key up asks this, so nothing is built for it.
pub(super) fn gives_payload(layers: &Layers, provider: &str, endpoint: EndpointName) -> bool {
    let name = endpoint.as_str();
    layers.text(&["providers", provider, "kind"]) == Some("http")
        && FIELDS.iter().all(|(role, _)| *role != name)
        && Said { layers, provider, name }.text(&["path"]).is_some()
}

/// What is said of one endpoint.
#[derive(Clone, Copy)]
struct Said<'a> {
    layers: &'a Layers,
    provider: &'a str,
    name: &'a str,
}

impl<'a> Said<'a> {
    fn path(&self, keys: &[&'a str]) -> Vec<&'a str> {
        [&["providers", self.provider, "endpoints", self.name], keys].concat()
    }

    fn text(&self, keys: &[&'a str]) -> Option<&'a str> {
        self.layers.text(&self.path(keys))
    }

    fn names(&self, key: &'a str) -> Vec<String> {
        self.layers.names(&self.path(&[key]))
    }

    fn template(&self, keys: &[&'a str]) -> Option<Template> {
        Template::parse(self.text(keys)?).ok()
    }

    /// The names and the texts below a key.
    fn pairs<T>(&self, key: &str, pair: impl Fn(&str, &str) -> Option<T>) -> Vec<T> {
        let (layers, provider, name) = (self.layers, self.provider, self.name);
        let names = layers.names(&["providers", provider, "endpoints", name, key]);
        let text = |below: &String| {
            pair(below, layers.text(&["providers", provider, "endpoints", name, key, below])?)
        };
        names.iter().filter_map(text).collect()
    }

    /// The endpoint; none if it has no path.
    fn endpoint(&self) -> Option<Endpoint> {
        let mut params = Params::default();
        self.pairs("params", |param, value| Some((param.to_owned(), value.to_owned())))
            .iter()
            .for_each(|(param, value)| params.set(param, value));
        let is_post = self.text(&["method"]) == Some("POST");
        let body = self.template(&["body"]).or_else(|| is_post.then(Template::default));
        Some(Endpoint {
            name: EndpointName::parse(self.name).ok()?,
            path: self.template(&["path"])?,
            query: self.pairs("query", |parameter, text| {
                Some((parameter.into(), Template::parse(text).ok()?))
            }),
            body,
            params,
            verdict: self.verdict(),
            reading: self.reading(),
        })
    }

    fn verdict(&self) -> Verdict {
        let errors = Sign::ALL.into_iter().flat_map(|sign| {
            let (layers, provider, name) = (self.layers, self.provider, self.name);
            let at = ["providers", provider, "endpoints", name, "errors", sign.as_str()];
            let text = move |spot: &String| {
                let path = [&at[..], &[spot]].concat();
                Some((sign, Spot::parse(spot).ok()?, layers.text(&path)?.into()))
            };
            layers.names(&at).iter().filter_map(text).collect::<Vec<_>>()
        });
        Verdict {
            errors: errors.collect(),
            ok: self.pairs("ok", |spot, text| Some((Spot::parse(spot).ok()?, text.into()))),
        }
    }

    /// What its replies are read as; none if they are kept as they are sent.
    fn reading(&self) -> Option<Reading> {
        let (role, known) = FIELDS.into_iter().find(|(role, _)| *role == self.name)?;
        let shape = self.shape();
        let mut fields = self.pairs("fields", |field, text| {
            Some((field.into(), place(shape.unwrap_or(Shape::Objects), text)?))
        });
        if fields.is_empty() {
            return None;
        }
        // In a map the name of a row says when it was, unless something else does.
        let when = known.iter().find(|field| ["time", "date"].contains(field));
        let is_said = |when: &str| fields.iter().any(|(field, _): &(Box<str>, _)| **field == *when);
        if let Some(when) = when.filter(|when| shape == Some(Shape::Map) && !is_said(when)) {
            fields.push(((*when).into(), Place::Key));
        }
        let at = self.text(&["rows"]).and_then(|text| Pointer::parse(text).ok());
        let has_rows = role != "quote" || at.is_some() || shape.is_some();
        let zone = self.text(&["time", "zone"]).and_then(|zone| Zone::parse(zone).ok());
        let unit = self.text(&["time", "unit"]).and_then(|unit| TimeUnit::parse(unit).ok());
        let missing = self.layers.list(&self.path(&["missing"]));
        let constant = |name| self.text(&["constants", name]).map(Into::into);
        let max_rows = self.layers.count(&self.path(&["max_rows"]));
        Some(Reading {
            rows: has_rows.then(|| Rows {
                at: at.unwrap_or_default(),
                shape: shape.unwrap_or(Shape::Objects),
            }),
            fields,
            time: TimeForm {
                unit: unit.unwrap_or(TimeForm::default().unit),
                zone: zone.unwrap_or(Zone::UTC),
            },
            missing: missing.unwrap_or(MISSING.to_vec()).into_iter().map(Into::into).collect(),
            currency: constant("currency"),
            exchange: constant("exchange"),
            intervals: self.pairs("intervals", |interval, name| {
                Some((Interval::from_name(interval)?, name.into()))
            }),
            max_rows: max_rows.and_then(|rows| u32::try_from(rows).ok()),
        })
    }

    /// The shape of its rows, if one is said.
    fn shape(&self) -> Option<Shape> {
        match self.text(&["shape"])? {
            "arrays" => Some(Shape::Arrays),
            "columns" => Some(Shape::Columns),
            "map" => Some(Shape::Map),
            "csv" => Some(Shape::Csv(match self.text(&["delimiter"]) {
                Some("tab") => b'\t',
                said => said.and_then(|said| said.bytes().next()).unwrap_or(b','),
            })),
            _ => Some(Shape::Objects),
        }
    }
}

/// Where a field stands in rows of a shape; none if that is no place there.
fn place(shape: Shape, text: &str) -> Option<Place> {
    match shape {
        Shape::Map if text == KEY => Some(Place::Key),
        Shape::Csv(_) if !text.starts_with('/') => Some(Place::At(Pointer::of(text))),
        _ => Pointer::parse(text).ok().map(Place::At),
    }
}
