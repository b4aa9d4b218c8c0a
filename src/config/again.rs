//! The question behind a name of the statistics, so that what was read can be asked for again.
//!
//! Of a series the usual part is meant: which one was read is not remembered.

use super::Config;
use super::questions::{Choice, without_symbol};
use crate::cache::{Question, Slice};
use crate::key::Key;
use crate::market::{Params, SessionKind, Symbol};

impl Config {
    /// The question that is asked under a name, `key@provider`; none if the configuration knows nobody
    /// any more who would answer it so.
    pub fn question_named(&self, name: &str) -> Option<Question> {
        let (text, provider) = name.rsplit_once('@')?;
        let provider = self.provider(provider).ok()?;
        let key = Key::from_stored(text);
        let data_type = self
            .data_type(key.data_type(), None)
            .or_else(|_| self.data_type(key.data_type(), Some(provider)))
            .ok()?;
        let Some(class) = key.class() else {
            let rest = text.splitn(3, ':').nth(2);
            let choice = Choice { params: params(rest)?, ..Choice::default() };
            let question = without_symbol(data_type, provider, None, &choice);
            return (question.key == key).then_some(question);
        };
        let symbol = Symbol::new(class, key.symbol()?);
        let interval = key.interval();
        let rest = text.splitn(4, ':').nth(3).filter(|_| interval.is_none());
        let is_extended = interval.is_some() && text.ends_with(":extended");
        let session = if is_extended { SessionKind::Extended } else { SessionKind::Regular };
        let slice = Slice { interval: interval.unwrap_or_default(), session, ..Slice::default() };
        let choice = Choice { provider: None, slice, params: params(rest)? };
        let of = |provider| self.question(&symbol, data_type, provider, &choice);
        // Who stands in no chain was asked by name.
        let of_chain = of(None);
        let is_of_chain = of_chain.providers.iter().any(|known| **known == *provider);
        let question = if is_of_chain { of_chain } else { of(Some(provider)) };
        (question.key == key).then_some(question)
    }
}

/// The parameters as they stand in a key: `depth=10,side=buy`.
fn params(text: Option<&str>) -> Option<Params> {
    let decoded: Vec<String> =
        text.into_iter().flat_map(|text| text.split(',')).map(decoded).collect::<Option<_>>()?;
    Params::parse(decoded.iter().map(String::as_str)).ok()
}

/// A text without its percent-encoding (RFC 3986).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((byte, behind)) = rest.split_first() {
        rest = behind;
        if *byte != b'%' {
            bytes.push(*byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Said};

    fn config(set: &[&str]) -> Config {
        let set = set.iter().map(|text| (*text).to_owned()).collect();
        let said = Said { set, cache_dir: Some("cache".to_owned()), ..Said::default() };
        Config::load(said, Environment::default()).unwrap()
    }

    #[test]
    fn what_was_read_is_asked_for_again_under_the_same_key() {
        let config = config(&[
            "providers.acme.kind=http",
            "providers.acme.base_url=http://127.0.0.1:1",
            "providers.acme.endpoints.book.path=/book/{symbol}",
            "providers.acme.endpoints.coins.path=/coins",
        ]);
        for (name, pinned) in [
            ("quote:stock:BRK.B@yahoo", false),
            ("quote:crypto:BTC@binance", false),
            ("quote:stock:AAPL@demo", true),
            ("series:macro:GDP@fred", false),
            ("bars:crypto:ETH/BTC:1h@binance", false),
            ("bars:stock:AAPL:1m:extended@yahoo", false),
            ("book:crypto:BTC:depth=10,side=a%2C%20b@acme", false),
            ("coins:acme@acme", false),
            ("coins:acme:page=2@acme", false),
        ] {
            let question = config.question_named(name).unwrap_or_else(|| panic!("{name}"));
            let (key, provider) = name.split_once('@').unwrap();
            assert_eq!(key, question.key.as_str());
            assert_eq!(&*question.providers[0], provider, "{name}");
            assert_eq!(question.pinned, pinned, "{name}");
        }
    }

    #[test]
    fn what_nobody_gives_any_more_is_no_question() {
        let config = config(&[]);
        for name in [
            "quote:stock:AAPL@nobody",
            "sentiment:stock:AAPL@yahoo",
            "a@yahoo",
            "a",
            "",
            "@",
            "a:b:c@put",
        ] {
            assert!(config.question_named(name).is_none(), "{name}");
        }
        assert_eq!(decoded("a%2Cb"), Some("a,b".to_owned()));
        assert_eq!((decoded("%"), decoded("%zz"), decoded("%ff")), (None, None, None));
    }
}
