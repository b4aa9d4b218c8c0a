//! What in an endpoint does not fit together, and where it stands.
//!
//! Each mistake is said of the key that it is in, so that it is told with its line.

use super::{KEY, Said, place};
use crate::config::Layers;
use crate::error::{Usage, nearest, sanitized};
use crate::provider::http::{FIELDS, Place, Shape, Template, needed};

/// A mistake, and the names of the keys that lead to it from the provider on.
pub(in crate::config) type Mistake = (Vec<String>, Usage);

/// What is said only of what is read, with the endpoints that it is for.
const OF_READING: [(&str, &[&str]); 8] = [
    ("constants", &["quote", "bars"]),
    ("delimiter", &["quote", "bars", "series"]),
    ("intervals", &["bars"]),
    ("max_rows", &["bars"]),
    ("missing", &["quote", "bars", "series"]),
    ("rows", &["quote", "bars", "series"]),
    ("shape", &["quote", "bars", "series"]),
    ("time", &["quote", "bars", "series"]),
];

/// A mistake in an endpoint, if there is one.
pub(in crate::config) fn check(layers: &Layers, provider: &str, name: &str) -> Result<(), Mistake> {
    let said = Said::of(layers, provider, name);
    said.check_request()?;
    said.check_keys()?;
    match FIELDS.iter().find(|(role, _)| *role == name) {
        Some((_, known)) => said.check_fields(known).and_then(|()| said.check_question()),
        None => Ok(()),
    }
}

impl Said<'_> {
    /// The mistake in one of its keys.
    fn wrong<T>(&self, keys: &[&str], message: String, hint: String) -> Result<T, Mistake> {
        let path = ["endpoints", self.name].into_iter().chain(keys.iter().copied());
        Err((path.map(str::to_owned).collect(), Usage::new(message).hint(hint)))
    }

    fn check_request(&self) -> Result<(), Mistake> {
        let name = self.name;
        let form = "/v1/quote/{symbol}";
        let Some(path) = self.text(&["path"]) else {
            let hint = format!("write where it is asked: {form}");
            return self.wrong(&[], format!("the endpoint `{name}` has no `path`"), hint);
        };
        if !path.starts_with('/') {
            let message = format!("the path of `{name}` has no slash at its start");
            let hint = format!("it is appended to `base_url`: {form}");
            return self.wrong(&["path"], message, hint);
        }
        if self.text(&["method"]) == Some("GET") && self.text(&["body"]).is_some() {
            let message = format!("`{name}` has a `body`, and a GET has none");
            let hint = "write `method: POST`, or leave it out".to_owned();
            return self.wrong(&["body"], message, hint);
        }
        self.check_names()?;
        let queries = self.names("query");
        let keys = queries.iter().map(|query| vec!["query", query.as_str()]);
        let all = [vec!["path"], vec!["body"]].into_iter().chain(keys);
        all.into_iter().try_for_each(|keys| self.check_template(&keys))
    }

    /// What cannot be filled in where it stands, or must be and does not.
    fn check_template(&self, keys: &[&str]) -> Result<(), Mistake> {
        let name = self.name;
        let Some(template) = self.template(keys) else { return Ok(()) };
        if name != "bars" && template.names_bars() {
            let message = format!("`{name}` says when bars begin, or how long they are");
            let hint = "only the endpoint `bars` is asked with {interval}, {from} and {to}";
            return self.wrong(keys, message, hint.to_owned());
        }
        if template.is_optional() && keys[0] != "query" {
            let message = format!("the {} of `{name}` cannot be left out", keys[0]);
            let hint = "{param:NAME:optional} is for the query; write {param:NAME}".to_owned();
            return self.wrong(keys, message, hint);
        }
        self.check_token(keys, &template)
    }

    /// A key that is to stand in paths and does not, or the reverse.
    fn check_token(&self, keys: &[&str], template: &Template) -> Result<(), Mistake> {
        let name = self.name;
        let wanted = self.layers.flag(&["providers", self.provider, "auth", "path"]) == Some(true);
        match (keys[0] == "path", wanted, template.names_the_token()) {
            (true, true, false) => {
                let message = format!("the path of `{name}` does not say where the key goes");
                let hint = "`auth` has it in the path: write {token} there, as in /bot{token}/x";
                self.wrong(keys, message, hint.to_owned())
            }
            (true, false, true) => {
                let message =
                    format!("the path of `{name}` has a {{token}}, and no key goes there");
                self.wrong(keys, message, "write `auth: {path: true, env: …}`".to_owned())
            }
            (false, _, true) => {
                let message = format!("`{name}` has a {{token}} outside of its path");
                let hint = "a key stands in the path; for the query write `auth: {query: …}`";
                self.wrong(keys, message, hint.to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Of whom a request is about: nobody, or nobody who has a name.
    fn check_names(&self) -> Result<(), Mistake> {
        let Some(endpoint) = self.asked() else { return Ok(()) };
        if endpoint.classes.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("`{}` has no class in `classes`", self.name);
            let hint = "leave it out: then it is asked about every class".to_owned();
            return self.wrong(&["classes"], message, hint);
        }
        if endpoint.classes.is_some() && !endpoint.takes_a_symbol() {
            let message = format!("`{}` has `classes`, and is asked about no symbol", self.name);
            let hint = "write {symbol} where upstream is told which is wanted, or leave it out";
            return self.wrong(&["classes"], message, hint.to_owned());
        }
        let has_names = || !self.layers.names(&["providers", self.provider, "names"]).is_empty();
        if endpoint.templates().any(Template::names_the_named) && !has_names() {
            let message = format!(
                "`{}` wants upstream's own name of a symbol, and there are none",
                self.name
            );
            let hint = format!(
                "write them beside `endpoints` of {}: names: {{BTC: bitcoin}}",
                self.provider
            );
            return self.wrong(&[], message, hint);
        }
        Ok(())
    }

    /// What the request of an endpoint that is read says too little of.
    fn check_question(&self) -> Result<(), Mistake> {
        let Some(endpoint) = self.endpoint() else { return Ok(()) };
        let mut params = endpoint.templates().flat_map(Template::params);
        if let Some(param) = params.find(|param| endpoint.params.get(param).is_none()) {
            let message =
                format!("`{}` is asked with {{param:{param}}}, which is nothing", self.name);
            let hint = format!(
                "write `params: {{{param}: …}}`; only what is kept as it is sent is asked with --param"
            );
            return self.wrong(&[], message, hint);
        }
        let says_interval = endpoint.templates().any(Template::names_an_interval);
        if self.names("intervals").len() > 1 && !says_interval {
            let message = "`bars` has several intervals, and its request says none".to_owned();
            let hint = "write {interval} where upstream is told which is wanted".to_owned();
            return self.wrong(&["intervals"], message, hint);
        }
        Ok(())
    }

    /// Keys of what is read in an endpoint of which that is not read.
    fn check_keys(&self) -> Result<(), Mistake> {
        let name = self.name;
        let fields = self.names("fields");
        let is_read = FIELDS.iter().any(|(role, _)| *role == name);
        if !is_read && !fields.is_empty() {
            let message = format!("`{name}` has `fields`, which are for quote, bars and series");
            let hint = match nearest(name, FIELDS.map(|(role, _)| role)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "without them it is kept as it is sent".to_owned(),
            };
            return self.wrong(&["fields"], message, hint);
        }
        if is_read && fields.is_empty() {
            let message = format!("the endpoint `{name}` has no `fields`");
            let hint = format!(
                "write where each stands, as in {}; under another name it is kept as it is sent",
                example(name)
            );
            return self.wrong(&[], message, hint);
        }
        for (key, of) in OF_READING {
            let path = self.path(&[key]);
            let is_said = self.layers.get(&path).is_some() || !self.names(key).is_empty();
            if is_said && !of.contains(&name) {
                let message = format!("`{key}` is for {}, and not for `{name}`", of.join(", "));
                return self.wrong(&[key], message, "leave it out".to_owned());
            }
        }
        Ok(())
    }

    /// Fields that it does not know, that it lacks, or that stand nowhere.
    fn check_fields(&self, known: &[&str]) -> Result<(), Mistake> {
        let name = self.name;
        let fields = self.names("fields");
        for field in &fields {
            if !known.contains(&field.as_str()) {
                let hint = match nearest(field, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the fields of `{name}` are {}", known.join(", ")),
                };
                let message = format!("`{name}` has no field `{field}`");
                return self.wrong(&["fields", field], message, hint);
            }
        }
        let shape = self.shape();
        let says_when =
            |field: &str| shape == Some(Shape::Map) && ["time", "date"].contains(&field);
        let lacks = |field: &&&str| !fields.iter().any(|said| said == **field) && !says_when(field);
        if let Some(field) = known[..needed(name)].iter().find(lacks) {
            let message = format!("the fields of `{name}` lack `{field}`");
            let hint = format!("write where each stands, as in {}", example(name));
            return self.wrong(&["fields"], message, hint);
        }
        self.check_rows(shape)?;
        fields.iter().try_for_each(|field| self.check_place(shape, field))
    }

    fn check_rows(&self, shape: Option<Shape>) -> Result<(), Mistake> {
        let is_csv = matches!(shape, Some(Shape::Csv(_)));
        if is_csv && self.text(&["rows"]).is_some() {
            let message = "lines of csv are the whole, and `rows` leads into JSON".to_owned();
            return self.wrong(&["rows"], message, "leave it out".to_owned());
        }
        if !is_csv && self.text(&["delimiter"]).is_some() {
            let message = "`delimiter` is for the shape csv".to_owned();
            return self.wrong(&["delimiter"], message, "write `shape: csv`".to_owned());
        }
        if self.name == "bars" && self.names("intervals").is_empty() {
            let message = "the endpoint `bars` has no `intervals`".to_owned();
            let hint = "write what upstream calls each that it has: intervals: {1d: D, 1h: H}";
            return self.wrong(&[], message, hint.to_owned());
        }
        Ok(())
    }

    /// A place that rows of this shape do not have.
    fn check_place(&self, shape: Option<Shape>, field: &str) -> Result<(), Mistake> {
        let keys = ["fields", field];
        let path = [&["providers", self.provider, "endpoints", self.name], &keys[..]].concat();
        let text = self.layers.text(&path).unwrap_or_default();
        let shown = sanitized(text);
        if text == KEY && shape != Some(Shape::Map) {
            let message =
                format!("`{field}` is `{KEY}`, and only rows of the shape map have names");
            return self.wrong(&keys, message, "write `shape: map`, or a JSON pointer".to_owned());
        }
        match place(shape.unwrap_or(Shape::Objects), text) {
            None => self.wrong(
                &keys,
                format!("`{field}`: `{shown}` is not a JSON pointer"),
                format!("write a slash before each name: /{}", shown.trim_start_matches('/')),
            ),
            Some(Place::At(pointer))
                if shape == Some(Shape::Arrays) && !pointer.begins_with_an_index() =>
            {
                self.wrong(
                    &keys,
                    format!("`{field}`: `{shown}` leads to a name, and rows of the shape arrays have none"),
                    "write which of its values it is: /0 is the first".to_owned(),
                )
            }
            Some(_) => Ok(()),
        }
    }
}

/// The least that the fields of an endpoint may be.
fn example(name: &str) -> &'static str {
    match name {
        "quote" => "fields: {price: /data/last}",
        "bars" => "fields: {time: /t, open: /o, high: /h, low: /l, close: /c, volume: /v}",
        _ => "fields: {date: /date, value: /value}",
    }
}
