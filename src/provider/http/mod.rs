//! Providers that are made of configuration: `kind: http`.
//!
//! An endpoint is a request in which a question is filled in, and what its reply is read as. What is
//! not said to have fields is kept as it was sent. What a reply says of itself is heard first: see
//! [`Verdict`].

mod bars;
mod fields;
mod findings;
mod moment;
mod names;
mod pointer;
mod quote;
mod rows;
mod series;
mod template;
mod verdict;

use std::borrow::Cow;
use std::time::Duration;

pub use fields::{FIELDS, Reading, needed};
pub use findings::{Condition, Finding, Findings, shape};
pub use moment::{TimeForm, TimeUnit};
pub use names::Names;
pub use pointer::Pointer;
pub use rows::{Place, Rows, Shape};
pub use template::Template;
pub use verdict::{BODY, Sign, Spot, Verdict};

use super::{
    ALWAYS_OPEN, Ask, Charts, Pace, Provider, Reply, Request, encoded, nonsense, says_limited,
};
use crate::calendar::Exchange;
use crate::error::{Error, Kind};
use crate::market::{
    Class, DataType, EndpointName, ExchangeCode, Interval, Json, Params, Payload, Quote, Record,
    Symbol,
};
use crate::span::Span;
use crate::time::Timestamp;
use template::Filling;
use verdict::{Judged, said_so};

/// Everything that a provider has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Definition {
    /// Its endpoints, each name once.
    pub endpoints: Vec<Endpoint>,
}

/// One named request, and what comes of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Its name.
    pub name: EndpointName,
    /// The classes that it can be asked about; none is every one for which it can be filled in.
    pub classes: Option<Vec<Class>>,
    /// What upstream calls symbols.
    pub names: Names,
    /// The path with a leading slash.
    pub path: Template,
    /// The query, not yet encoded.
    pub query: Vec<(Box<str>, Template)>,
    /// The JSON that is sent along with a POST; none is a GET.
    pub body: Option<Template>,
    /// What parameters are, unless a question says otherwise.
    pub params: Params,
    /// By what its replies are judged.
    pub verdict: Verdict,
    /// Where a refusal says for how many seconds nobody may ask.
    pub retry_after: Option<Pointer>,
    /// What its replies are read as; none is kept as it was sent.
    pub reading: Option<Reading>,
}

impl Definition {
    /// The endpoint of this name.
    pub fn endpoint(&self, name: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.name.as_str() == name)
    }

    /// The parameter without which the endpoint that gives this cannot be asked, if nobody says it.
    pub(super) fn lacks(&self, ask: &Ask<'_>) -> Option<&str> {
        let endpoint = self.giving(ask.data_type).filter(|of| of.reading.is_none())?;
        let params = [ask.params, &endpoint.params];
        let (symbol, names) = (ask.symbol, &endpoint.names);
        let filling = Filling { symbol, names, interval: None, span: None, params };
        endpoint.templates().find_map(|template| template.lacks(&filling))
    }

    /// The parameters that may be said to the endpoint that gives this; what is read has one answer, and
    /// takes none.
    pub(super) fn params(&self, data_type: DataType) -> Vec<&str> {
        let endpoint = self.giving(data_type).filter(|of| of.reading.is_none());
        let named = endpoint.into_iter().flat_map(Endpoint::templates).flat_map(Template::params);
        let set = endpoint.into_iter().flat_map(|of| of.params.iter()).map(|(name, _)| name);
        named.chain(set).collect()
    }

    /// The endpoint that gives this: what is kept as it was sent is asked for as such only.
    fn giving(&self, data_type: DataType) -> Option<&Endpoint> {
        let is_payload = matches!(data_type, DataType::Payload(_));
        let endpoint = self.endpoint(data_type.as_str())?;
        (endpoint.reading.is_none() == is_payload).then_some(endpoint)
    }
}

impl Endpoint {
    /// Every text that is filled in.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let query = self.query.iter().map(|(_, template)| template);
        [&self.path].into_iter().chain(query).chain(&self.body)
    }

    /// Whether it is asked about a symbol.
    pub fn takes_a_symbol(&self) -> bool {
        self.templates().any(Template::names_a_symbol)
    }

    /// What upstream calls an interval, if it has bars of it.
    fn interval(&self, interval: Interval) -> Option<&str> {
        let intervals = &self.reading.as_ref()?.intervals;
        intervals.iter().find(|(known, _)| *known == interval).map(|(_, name)| &**name)
    }

    /// Whether it can be asked about a symbol, of bars about those of an interval; of what is kept as it
    /// was sent, if all parameters are said.
    fn fits(&self, symbol: &Symbol, interval: Option<Interval>) -> bool {
        if self.classes.as_ref().is_some_and(|classes| !classes.contains(&symbol.class())) {
            return false;
        }
        let mut said = Params::default();
        for name in self.templates().flat_map(Template::params) {
            said.set(name, "");
        }
        let start = Timestamp::from_seconds(0);
        let bars = interval.zip(Span::new(start, start + Duration::from_hours(24)));
        self.request(symbol, &said, bars).is_some()
    }

    /// The request for a symbol, of bars for those that begin in a span; none if it cannot be asked
    /// about that.
    fn request(
        &self,
        symbol: &Symbol,
        params: &Params,
        bars: Option<(Interval, Span)>,
    ) -> Option<Request> {
        let interval = match bars {
            Some((interval, _)) => Some(self.interval(interval)?),
            None => None,
        };
        // In the keys of quotes, bars and series stand no parameters: they have one answer.
        let params = if self.reading.is_some() { Params::none() } else { params };
        let (span, params) = (bars.map(|(_, span)| span), [params, &self.params]);
        let filling = Filling { symbol, names: &self.names, interval, span, params };
        let said = self.query.iter().filter(|(_, template)| !template.is_left_out(&filling));
        let query = said.map(|(name, template)| {
            Some((Cow::Owned(name.to_string()), template.filled(&filling, str::to_owned)?))
        });
        let path = self.path.filled(&filling, encoded)?;
        // These lead out of the folder that is meant: whoever reads the URL takes them away.
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return None;
        }
        Some(Request {
            endpoint: self.name.as_str().to_owned().into(),
            path,
            query: query.collect::<Option<_>>()?,
            body: match &self.body {
                Some(body) => Some(body.filled(&filling, within_a_string)?),
                None => None,
            },
            weight: 1,
        })
    }
}

impl Provider for Definition {
    fn has(&self, symbol: &Symbol, data_type: DataType) -> bool {
        // Bars are asked for in pieces, and only an economy has series.
        let may_have = match data_type {
            DataType::Bars => false,
            DataType::Series => symbol.class() == Class::Macro,
            _ => true,
        };
        may_have && self.giving(data_type).is_some_and(|endpoint| endpoint.fits(symbol, None))
    }

    fn request(&self, ask: &Ask<'_>) -> Option<Request> {
        self.giving(ask.data_type)?.request(ask.symbol, ask.params, None)
    }

    fn pace(
        &self,
        ask: &Ask<'_>,
        reply: &Reply,
        _: &dyn Fn(&str) -> Option<String>,
        now: Timestamp,
    ) -> Pace {
        let endpoint = self.endpoint(ask.data_type.as_str());
        let at = endpoint.and_then(|endpoint| endpoint.retry_after.as_ref());
        let wait = at.and_then(|pointer| verdict::seconds(reply, pointer));
        Pace { banned_until: wait.map(|wait| now + wait), ..Pace::default() }
    }

    fn exchange(&self, quote: &Quote) -> Option<ExchangeCode> {
        ExchangeCode::parse(match Class::from_name(&quote.asset_class) {
            Some(Class::Crypto) => ALWAYS_OPEN,
            Some(Class::Fx) => Exchange::FX.as_str(),
            // A name that nobody knows says nothing.
            _ => Exchange::parse(quote.exchange.as_deref()?).ok()?.as_str(),
        })
    }

    fn read(&self, ask: &Ask<'_>, reply: &Reply, _now: Timestamp) -> Result<Record, Error> {
        let Some(endpoint) = self.giving(ask.data_type) else {
            return Err(nonsense(ask, reply, "nothing is said of how to read it"));
        };
        let judged = endpoint.verdict.of(ask, reply)?;
        match &endpoint.reading {
            Some(_) if judged == Judged::Empty => {
                Err(said_so(ask, Kind::NotFound, "the answer is empty"))
            }
            Some(reading) if ask.data_type == DataType::Series => {
                reading.series(ask, reply).map(Record::Series)
            }
            Some(reading) => reading.quote(ask, reply).map(Record::from),
            None => sent(ask, endpoint, reply).map(Record::Payload),
        }
    }

    fn charts(&self) -> Option<&dyn Charts> {
        self.bars().map(|_| self as &dyn Charts)
    }
}

/// A text with a question filled in as it is; none if something of it is not known.
pub(super) fn filled(template: &Template, symbol: &Symbol, params: [&Params; 2]) -> Option<String> {
    let names = Names::default();
    let filling = Filling { symbol, names: &names, interval: None, span: None, params };
    template.filled(&filling, str::to_owned)
}

/// Whether a text begins with what it says of a symbol.
pub(super) fn begins_with_a_symbol(template: &Template) -> bool {
    template.begins_with_a_symbol()
}

/// Whether a text says anything of a symbol.
pub(super) fn names_a_symbol(template: &Template) -> bool {
    template.names_a_symbol()
}

/// What an endpoint sent, as it was sent.
fn sent(ask: &Ask<'_>, endpoint: &Endpoint, reply: &Reply) -> Result<Payload, Error> {
    let symbol = endpoint.takes_a_symbol().then_some(ask.symbol);
    Ok(Payload {
        symbol: symbol.map(Symbol::to_string),
        asset_class: symbol.map(|symbol| symbol.class().as_str().to_owned()),
        data_type: ask.data_type.as_str().to_owned(),
        provider: ask.provider.to_owned(),
        payload: payload(ask, reply)?,
    })
}

/// What was sent, whatever it is; but nothing, and a page for people, is no answer.
fn payload(ask: &Ask<'_>, reply: &Reply) -> Result<Json, Error> {
    let said = reply.content_type.as_deref().unwrap_or_default().to_ascii_lowercase();
    let refused = |why: &str| Err(nonsense(ask, reply, why));
    match std::str::from_utf8(&reply.body) {
        Ok(text) if text.trim().is_empty() => refused("it is empty"),
        Ok(text) => match Json::parse(text) {
            Some(json) => Ok(json),
            None if said.contains("json") => refused("it is no JSON"),
            None if said.contains("html") || is_page(text) => refused("it is a page for people"),
            None if says_limited(&reply.body) => refused("it is a complaint"),
            None => Ok(Json::text(text)),
        },
        Err(_) if said.contains("json") => refused("it is no text"),
        Err(_) => {
            let content_type = reply.content_type.as_deref().filter(|text| is_plain(text));
            Ok(Json::binary(&reply.body, content_type))
        }
    }
}

/// Whether a text begins as a page for people does, whatever its sender says.
fn is_page(text: &str) -> bool {
    const STARTS: [&str; 4] = ["<!", "<html", "<head", "<body"];
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let begins = |start: &&str| {
        text.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    STARTS.iter().any(begins)
}

/// Whether this can be the name of a kind of content (RFC 9110, section 8.3.1).
fn is_plain(content_type: &str) -> bool {
    content_type.len() <= 100 && content_type.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

/// A value as it stands within a string of JSON.
fn within_a_string(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
}
