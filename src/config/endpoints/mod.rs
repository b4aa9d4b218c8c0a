//! The endpoints of a provider that is made of configuration, as `provider` takes them.
//!
//! Every value was checked when it was loaded; what needs more than one of them is checked in
//! [`check`](check::check).
//!
//! *Cost.* Providers of this kind are shipped and stand in chains, so a hit asks of each whether it might
//! have been asked. That is told by [`gives`] and [`takes_a_symbol`], which make what the request of one
//! endpoint needs and nothing else; a whole definition is [made](Made) once, when upstream is asked.

mod check;
mod made;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(super) use check::{Mistake, check};
pub(super) use made::Made;

use super::Layers;
use super::kind::whole;
use super::tree::{Leaf, SEPARATOR};
use crate::market::{Class, DataType, EndpointName, Interval, Params, Symbol};
use crate::provider::Speech;
use crate::provider::http::{
    Definition, Endpoint, FIELDS, Names, Place, Pointer, Reading, Rows, Shape, Sign, Spot,
    Template, TimeForm, TimeUnit, Verdict, needed,
};
use crate::time::Zone;

/// What stands for the name of a row in a map.
const KEY: &str = "{key}";

/// What stands for a value that is missing, unless the configuration says so; null always does.
const MISSING: [&str; 1] = [""];

/// All that a provider has.
pub(super) fn definition(layers: &Layers, provider: &str) -> Definition {
    let names = layers.names(&["providers", provider, "endpoints"]);
    let endpoints = names.iter().filter_map(|name| Said::of(layers, provider, name).endpoint());
    Definition { endpoints: endpoints.collect() }
}

/// Whether a provider is made of configuration. Who looks a key up asks this, so nothing is built for it.
pub(super) fn is_http(layers: &Layers, provider: &str) -> bool {
    layers.text(&["providers", provider, "kind"]) == Some("http")
}

/// Whether a provider has an endpoint of this name whose answers are kept as they are sent. Who looks a
/// key up asks this, so nothing is built for it.
pub(super) fn gives_payload(layers: &Layers, provider: &str, endpoint: EndpointName) -> bool {
    let name = endpoint.as_str();
    is_http(layers, provider)
        && FIELDS.iter().all(|(role, _)| *role != name)
        && layers.text(&["providers", provider, "endpoints", name, "path"]).is_some()
}

/// Whether a provider gives what a type is made of, where that is bars, of this interval.
pub(super) fn gives(
    layers: &Layers,
    provider: &str,
    symbol: &Symbol,
    data_type: DataType,
    interval: Interval,
) -> bool {
    let made = layers.made.get(provider);
    let definition = made.or_else(|| {
        let given = data_type.made_of();
        let outline = Said::of(layers, provider, given.as_str()).outline(interval)?;
        Some(Arc::new(Definition { endpoints: vec![outline] }))
    });
    definition.is_some_and(|of| Speech::Http(of).gives(symbol, data_type, interval))
}

/// Whether an endpoint of this name, whose answers are kept as they are sent, is asked about a symbol;
/// none if a provider has no such endpoint.
pub(super) fn takes_a_symbol(
    layers: &Layers,
    provider: &str,
    endpoint: EndpointName,
) -> Option<bool> {
    if !gives_payload(layers, provider, endpoint) {
        return None;
    }
    Said::of(layers, provider, endpoint.as_str()).asked().map(|of| of.takes_a_symbol())
}

/// What is said of one endpoint.
#[derive(Clone)]
struct Said<'a> {
    layers: &'a Layers,
    provider: &'a str,
    name: &'a str,
    /// All of it, by path.
    leaves: Vec<(&'a str, &'a Leaf)>,
}

impl<'a> Said<'a> {
    fn of(layers: &'a Layers, provider: &'a str, name: &'a str) -> Self {
        let leaves = layers.below(&["providers", provider, "endpoints", name]);
        Self { layers, provider, name, leaves }
    }

    fn path(&self, keys: &[&'a str]) -> Vec<&'a str> {
        [&["providers", self.provider, "endpoints", self.name], keys].concat()
    }

    fn leaf(&self, keys: &[&str]) -> Option<&'a Leaf> {
        let is_it = |(path, _): &&(&str, &Leaf)| path.split(SEPARATOR).eq(keys.iter().copied());
        self.leaves.iter().find(is_it).map(|(_, leaf)| *leaf)
    }

    fn text(&self, keys: &[&str]) -> Option<&'a str> {
        match self.leaf(keys)? {
            Leaf::Text(text) => Some(text),
            Leaf::List(_) | Leaf::Null => None,
        }
    }

    fn list(&self, key: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
        match self.leaf(&[key])? {
            Leaf::List(items) => Some(items.iter().map(|item| &**item)),
            Leaf::Text(_) | Leaf::Null => None,
        }
    }

    /// The names below a key.
    fn names(&self, key: &str) -> Vec<String> {
        let below = |(path, _): &(&str, &Leaf)| {
            let rest = path.strip_prefix(key)?.strip_prefix(SEPARATOR)?;
            rest.split(SEPARATOR).next().map(str::to_owned)
        };
        let mut names: Vec<String> = self.leaves.iter().filter_map(below).collect();
        names.dedup();
        names
    }

    /// The names below keys, each with its text.
    fn pairs<'s>(
        &'s self,
        keys: &[&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a, 's> {
        let above = keys.join("\t");
        self.leaves.iter().filter_map(move |(path, leaf)| match leaf {
            Leaf::Text(text) => {
                Some((path.strip_prefix(&*above)?.strip_prefix(SEPARATOR)?, &**text))
            }
            Leaf::List(_) | Leaf::Null => None,
        })
    }

    /// What is filled in where these keys lead: the path, the body, or one of the query.
    fn template(&self, keys: &[&str]) -> Option<Template> {
        let text = self.text(keys)?;
        if keys == ["path"] { Template::of_path(text) } else { Template::parse(text) }.ok()
    }

    /// The endpoint; none if it has no path.
    fn endpoint(&self) -> Option<Endpoint> {
        let asked = self.asked()?;
        let retry_after = self.text(&["retry_after"]).and_then(|at| Pointer::parse(at).ok());
        Some(Endpoint { verdict: self.verdict(), retry_after, reading: self.reading(), ..asked })
    }

    /// As much of it as says whether it can be asked about a symbol, of bars about those of an interval;
    /// that it is read is told by the last field that it needs.
    fn outline(&self, interval: Interval) -> Option<Endpoint> {
        let asked = self.asked()?;
        let of = FIELDS.into_iter().find(|(role, _)| *role == self.name);
        let last = of.and_then(|(role, known)| known[..needed(role)].last());
        let is_read = last.is_some_and(|field| self.text(&["fields", *field]).is_some());
        let named = self.text(&["intervals", interval.as_str()]);
        let intervals = named.map(|name| (interval, name.into())).into_iter().collect();
        let reading = is_read.then(|| Reading { intervals, ..Reading::default() });
        Some(Endpoint { reading, ..asked })
    }

    /// What upstream calls symbols.
    fn symbol_names(&self) -> Names {
        let said = self.layers.below(&["providers", self.provider, "names"]).into_iter();
        Names::new(said.filter_map(|(ours, leaf)| match leaf {
            Leaf::Text(theirs) => Some((ours.into(), (**theirs).into())),
            Leaf::List(_) | Leaf::Null => None,
        }))
    }

    /// What it is asked, without what becomes of its replies; none if it has no path.
    fn asked(&self) -> Option<Endpoint> {
        let mut params = Params::default();
        self.pairs(&["params"]).for_each(|(param, value)| params.set(param, value));
        let is_post = self.text(&["method"]) == Some("POST");
        let query =
            |(parameter, text): (&str, _)| Some((parameter.into(), Template::parse(text).ok()?));
        Some(Endpoint {
            name: EndpointName::parse(self.name).ok()?,
            classes: self.list("classes").map(|of| of.filter_map(Class::from_name).collect()),
            names: self.symbol_names(),
            path: self.template(&["path"])?,
            query: self.pairs(&["query"]).filter_map(query).collect(),
            body: self.template(&["body"]).or_else(|| is_post.then(Template::default)),
            params,
            verdict: Verdict::default(),
            retry_after: None,
            reading: None,
        })
    }

    fn verdict(&self) -> Verdict {
        let spot = |(spot, text): (&str, &str)| Some((Spot::parse(spot).ok()?, text.into()));
        let errors = Sign::ALL.into_iter().flat_map(|sign| {
            let said = self.pairs(&["errors", sign.as_str()]).filter_map(spot);
            said.map(move |(spot, text)| (sign, spot, text))
        });
        Verdict { errors: errors.collect(), ok: self.pairs(&["ok"]).filter_map(spot).collect() }
    }

    /// What its replies are read as; none if they are kept as they are sent.
    fn reading(&self) -> Option<Reading> {
        let (role, known) = FIELDS.into_iter().find(|(role, _)| *role == self.name)?;
        let shape = self.shape();
        let field = |(field, text): (&str, _)| {
            Some((field.into(), place(shape.unwrap_or(Shape::Objects), text)?))
        };
        let mut fields: Vec<_> = self.pairs(&["fields"]).filter_map(field).collect();
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
        let missing = self.list("missing").map(|marks| marks.map(Into::into).collect());
        let interval =
            |(interval, name): (&str, &str)| Some((Interval::from_name(interval)?, name.into()));
        let constant = |name| self.text(&["constants", name]).map(Into::into);
        let max_rows = self.text(&["max_rows"]).and_then(whole);
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
            missing: missing.unwrap_or_else(|| MISSING.map(Into::into).to_vec()),
            currency: constant("currency"),
            exchange: constant("exchange"),
            intervals: self.pairs(&["intervals"]).filter_map(interval).collect(),
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
