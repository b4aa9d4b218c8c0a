//! What a provider is asked to see whether it is understood: `config check --live`.

use super::{Config, sites};
use crate::cache::{Question, Slice};
use crate::config::Choice;
use crate::error::{Usage, sanitized};
use crate::market::{Class, DataType, EndpointName, Interval, Params, Symbol};
use crate::provider::{SAMPLES, Speech};

impl Config {
    /// The question that tries a provider: a quote of what everybody knows, of a class for which it
    /// stands in a chain if it does, else the next thing that it has. `text` may name an endpoint,
    /// as in `acme/bars`.
    pub fn trial(
        &self,
        text: &str,
        symbol: Option<&str>,
        params: &Params,
    ) -> Result<Question, Usage> {
        let (name, endpoint) = match text.split_once('/') {
            Some((name, endpoint)) => (self.provider(name)?, Some(endpoint)),
            None => (self.provider(text)?, None),
        };
        let Some(speech) = sites::speech(self.layers(), name) else {
            return Err(Usage::new(format!("there is no provider `{name}`")));
        };
        let symbols = match symbol {
            Some(text) => vec![self.symbol(text)?],
            None => self.samples(name),
        };
        let types = match endpoint {
            Some(endpoint) => {
                vec![self.data_type(self.endpoint(name, endpoint)?, Some(name))?]
            }
            None => types(&speech, symbol.and_then(|_| symbols.first())),
        };
        for data_type in types {
            for (symbol, interval) in
                symbols.iter().flat_map(|symbol| intervals().map(move |of| (symbol, of)))
            {
                if speech.gives(symbol, data_type, interval) {
                    let slice = Slice { interval, ..Slice::default() };
                    let choice = Choice { provider: Some(name), slice, params: params.clone() };
                    let one =
                        self.questions(std::slice::from_ref(symbol), &[data_type], &choice)?;
                    return one.into_iter().next().ok_or_else(|| nothing(name, Some(symbol)));
                }
            }
        }
        Err(nothing(name, symbols.first().filter(|_| symbol.is_some())))
    }

    /// What everybody knows, of the classes first for which a provider stands in a chain.
    fn samples(&self, name: &str) -> Vec<Symbol> {
        let is_meant = |class: Class| {
            let chain = self.layers().list(&["chains", class.as_str()]).unwrap_or_default();
            chain.contains(&name)
        };
        let mut samples = SAMPLES.to_vec();
        samples.sort_by_key(|(class, _)| !is_meant(*class));
        samples
            .into_iter()
            .filter_map(|(class, name)| {
                Symbol::parse(&format!("{}:{name}", class.as_str()), self.layers()).ok()
            })
            .collect()
    }
}

/// What a provider may be asked for, what says most first: of a symbol that is said, what is usual of
/// its class.
fn types(speech: &Speech, said: Option<&Symbol>) -> Vec<DataType> {
    let endpoints = speech.endpoints();
    let named = endpoints.keys().filter_map(|name| EndpointName::parse(name).ok());
    said.map(|symbol| DataType::usual(symbol.class()))
        .into_iter()
        .chain([DataType::Quote, DataType::Series, DataType::Bars])
        .chain(named.map(DataType::Payload))
        .collect()
}

/// Every interval, days first.
fn intervals() -> impl Iterator<Item = Interval> {
    let others = Interval::ALL.into_iter().filter(|interval| *interval != Interval::Day1);
    std::iter::once(Interval::Day1).chain(others)
}

/// The mistake of trying a provider with what it has not.
fn nothing(name: &str, symbol: Option<&Symbol>) -> Usage {
    match symbol {
        Some(symbol) => {
            let symbol = sanitized(&symbol.to_string());
            Usage::new(format!("{name} has nothing that can be asked of `{symbol}`"))
                .hint("leave the symbol away, or name an endpoint, as in --live acme/bars")
        }
        None => {
            Usage::new(format!("{name} has nothing that can be asked for without being told more"))
                .hint("give it an endpoint, name a symbol behind it, or say --param NAME=VALUE")
        }
    }
}
