//! What is asked, out of symbols, types and what else is said: the keys, and who may answer.

use super::{Config, Layers, commands, endpoints, sites};
use crate::cache::{Question, Slice};
use crate::error::{Usage, nearest, sanitized};
use crate::key::Key;
use crate::market::{DataType, EndpointName, Interval, Params, SessionKind, Symbol};
use crate::policy::Period;
use crate::provider::Speech;

/// What is said of questions besides symbols and types.
#[derive(Clone, Debug, Default)]
pub struct Choice<'a> {
    /// Who alone may answer.
    pub provider: Option<&'a str>,
    /// Which part of a series is meant.
    pub slice: Slice,
    /// What the parameters of endpoints are.
    pub params: Params,
}

impl Config {
    /// The questions that symbols and types make: every type of every symbol, without a type the
    /// usual one of its class; of an endpoint without a symbol one, whatever the symbols are.
    pub fn questions(
        &self,
        symbols: &[Symbol],
        data_types: &[DataType],
        choice: &Choice<'_>,
    ) -> Result<Vec<Question>, Usage> {
        let provider = choice.provider.map(|name| self.provider(name)).transpose()?;
        let mut questions = Vec::new();
        for data_type in data_types {
            if let Some(site) = self.site_without_symbol(*data_type, provider) {
                questions.push(without_symbol(*data_type, &site, provider, choice));
            }
        }
        let is_met = |data_type: &DataType| {
            questions.iter().all(|question: &Question| question.data_type != *data_type)
        };
        let of_symbols: Vec<DataType> = data_types.iter().copied().filter(is_met).collect();
        for symbol in symbols {
            let usual = [DataType::usual(symbol.class())];
            for data_type in if data_types.is_empty() { &usual[..] } else { &of_symbols } {
                questions.push(self.question(symbol, *data_type, provider, choice));
            }
        }
        self.check_params(&questions, &choice.params)?;
        Ok(questions)
    }

    /// A parameter that nothing of what is asked for takes: it would be part of a key, and of no request.
    fn check_params(&self, questions: &[Question], said: &Params) -> Result<(), Usage> {
        for (name, _) in said.iter() {
            let mut known: Vec<String> = Vec::new();
            for question in questions {
                for provider in &question.providers {
                    let speech = sites::speech(self.layers(), provider);
                    let of = speech.as_ref().map(|of| of.params(question.data_type));
                    known.extend(of.unwrap_or_default().into_iter().map(str::to_owned));
                }
            }
            if known.iter().any(|known| known == name) {
                continue;
            }
            known.sort_unstable();
            known.dedup();
            let usage =
                Usage::new(format!("nothing that is asked for takes a `{}`", sanitized(name)));
            return Err(usage.hint(match nearest(name, known.iter().map(String::as_str)) {
                Some(near) => format!("did you mean --param {near}=…?"),
                None if known.is_empty() => "leave --param away".to_owned(),
                None => format!("its parameters are {}", known.join(", ")),
            }));
        }
        Ok(())
    }

    /// Who is asked for a type that takes no symbol, if it takes none.
    fn site_without_symbol(&self, data_type: DataType, said: Option<&str>) -> Option<Box<str>> {
        let DataType::Payload(endpoint) = data_type else { return None };
        let knows = |name: &str| {
            endpoints::takes_a_symbol(self.layers(), name, endpoint)
                .or_else(|| commands::takes_a_symbol(self.layers(), name, endpoint))
        };
        if let Some(name) = said {
            return knows(name).filter(|takes| !takes).map(|_| name.into());
        }
        let names = self.providers_own_first();
        let mut known = names.iter().filter_map(|name| Some((name, knows(name)?)));
        known.next().filter(|(_, takes)| !takes).map(|(name, _)| name.as_str().into())
    }

    pub(super) fn question(
        &self,
        symbol: &Symbol,
        data_type: DataType,
        provider: Option<&str>,
        choice: &Choice<'_>,
    ) -> Question {
        let slice = slice_of(data_type, &choice.slice);
        let of = |data_type, interval| match data_type {
            DataType::Bars => {
                let session = slice.as_ref().map(|slice| slice.session).unwrap_or_default();
                Key::of_bars(symbol, interval, session)
            }
            DataType::Payload(_) => Key::of(data_type, symbol).with(&choice.params),
            _ => Key::of(data_type, symbol),
        };
        let (stored, read) =
            slice.as_ref().map(|slice| (slice.stored(), slice.interval)).unwrap_or_default();
        Question {
            key: of(data_type.made_of(), stored),
            read_as: of(data_type, read),
            providers: match provider {
                Some(name) if self.knows_nothing(name, symbol, data_type) => Vec::new(),
                Some(name) => vec![name.into()],
                None => self.chain(symbol, data_type, stored),
            },
            pinned: provider.is_some(),
            symbol: symbol.clone(),
            data_type,
            params: choice.params.clone(),
            slice,
        }
    }

    /// Whether what would be worked out of the bars of a provider would be wrong, since it does not
    /// say what was paid out.
    fn knows_nothing(&self, provider: &str, symbol: &Symbol, data_type: DataType) -> bool {
        let is_of_bars = data_type != DataType::Bars && data_type.made_of() == DataType::Bars;
        is_of_bars
            && sites::speech(self.layers(), provider)
                .is_some_and(|speech| !speech.knows_what_is_paid(symbol))
    }

    /// A type as people write it: one that every provider may have, or the name of an endpoint; with a
    /// provider, what is an endpoint of that comes first.
    pub fn data_type(&self, text: &str, provider: Option<&str>) -> Result<DataType, Usage> {
        let endpoint = EndpointName::parse(text).ok();
        let has = |name: &str, of| {
            endpoints::gives_payload(self.layers(), name, of)
                || commands::gives_payload(self.layers(), name, of)
        };
        if let Some(endpoint) = endpoint.filter(|e| provider.is_some_and(|name| has(name, *e))) {
            return Ok(DataType::Payload(endpoint));
        }
        let known = DataType::parse(text);
        // What somebody puts is a prediction too, also where no provider gives one.
        let is_any = |of: &EndpointName| {
            of.is_prediction() || self.providers().iter().any(|name| has(name, *of))
        };
        match endpoint.filter(|of| known.is_err() && is_any(of)) {
            Some(endpoint) => Ok(DataType::Payload(endpoint)),
            None => known.map_err(|usage| self.meant(text, usage)),
        }
    }

    /// The error for a name that is no type, with the nearest of endpoints too.
    fn meant(&self, text: &str, usage: Usage) -> Usage {
        let of = |name: &String| match sites::speech(self.layers(), name) {
            Some(Speech::Http(definition)) => {
                definition.endpoints.iter().map(|of| of.name).collect::<Vec<_>>()
            }
            Some(Speech::Command(definition)) => {
                definition.endpoints.iter().map(|of| of.name).collect()
            }
            _ => Vec::new(),
        };
        let names: Vec<EndpointName> = self.providers().iter().flat_map(of).collect();
        let all = DataType::ALL.iter().map(DataType::as_str);
        match nearest(text, all.chain(names.iter().map(EndpointName::as_str))) {
            Some(near) => Usage::new(format!("`{}` is not a type", sanitized(text)))
                .hint(format!("did you mean `{near}`?")),
            None => usage,
        }
    }

    /// Every provider by name, those first that are not shipped: what one adds, and calls as a shipped
    /// service calls something of its own, is what is meant.
    fn providers_own_first(&self) -> Vec<String> {
        let mut names = self.providers();
        if self.layers().differ() {
            let shipped = Layers::default();
            names.sort_by_cached_key(|name| sites::is_there(&shipped, name));
        }
        names
    }

    /// Who has this, best first: the chain of the class, else the first other provider by name, one's
    /// own before those that are shipped.
    pub(super) fn chain(
        &self,
        symbol: &Symbol,
        data_type: DataType,
        interval: Interval,
    ) -> Vec<Box<str>> {
        let has = |name: &str| sites::gives(self.layers(), name, symbol, data_type, interval);
        let chain = self.layers().list(&["chains", symbol.class().as_str()]).unwrap_or_default();
        let able: Vec<Box<str>> =
            chain.iter().filter(|name| has(name)).map(|name| (*name).into()).collect();
        if !able.is_empty() {
            return able;
        }
        let others = self.providers_own_first();
        let not_demo = |name: &&String| !sites::invents(self.layers(), name);
        others
            .iter()
            .filter(not_demo)
            .find(|name| has(name))
            .map(|name| name.as_str().into())
            .into_iter()
            .collect()
    }
}

/// The question for what an endpoint gives that takes no symbol.
pub(super) fn without_symbol(
    data_type: DataType,
    site: &str,
    provider: Option<&str>,
    choice: &Choice<'_>,
) -> Question {
    let key = Key::without_symbol(data_type, site).with(&choice.params);
    Question {
        symbol: Symbol::new(crate::market::Class::Stock, site),
        data_type,
        params: choice.params.clone(),
        read_as: key.clone(),
        key,
        providers: vec![site.into()],
        pinned: provider.is_some(),
        slice: None,
    }
}

/// The part of a series that is meant, if it is one: of a macro series all of it, unless it is said
/// from when on; what is worked out of bars is worked out of days.
fn slice_of(data_type: DataType, slice: &Slice) -> Option<Slice> {
    let mut slice = slice.clone();
    match data_type {
        DataType::Quote | DataType::Payload(_) => return None,
        DataType::Bars => {}
        DataType::Dividends
        | DataType::Splits
        | DataType::AdjustedClose
        | DataType::TotalReturn => slice.interval = Interval::Day1,
        DataType::Series | DataType::InflationRate => {
            slice.interval = Interval::Day1;
            if slice.asked.from.is_none() && slice.asked.period.is_none() {
                slice.asked.period = Some(Period::Max);
            }
        }
    }
    if !slice.stored().is_intraday() {
        slice.session = SessionKind::Regular;
    }
    Some(slice)
}
