//! Texts with names in braces, into which a question is filled: paths, queries and bodies.
//!
//! A name that nothing is known for makes the whole text impossible, so an endpoint that needs the two
//! sides of a pair has nothing to say of a stock.

use crate::error::{Usage, nearest, sanitized};
use crate::market::{Class, Params, Symbol};
use crate::span::Span;
use crate::time::Timestamp;

/// Every name that may stand in braces; besides these, `param:NAME`.
const NAMES: [&str; 15] = [
    "symbol",
    "symbol:lower",
    "base",
    "base:lower",
    "quote",
    "quote:lower",
    "interval",
    "from",
    "from:ms",
    "from:date",
    "from:rfc3339",
    "to",
    "to:ms",
    "to:date",
    "to:rfc3339",
];

/// How many letters a currency has (ISO 4217).
const CURRENCY: usize = 3;

/// A text with places in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Box<str>),
    Place(Place),
}

/// What stands in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Symbol(Case),
    Base(Case),
    Quote(Case),
    Interval,
    From(Spelling),
    To(Spelling),
    Param(Box<str>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Upper,
    Lower,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Seconds,
    Milliseconds,
    Date,
    Rfc3339,
}

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling<'a> {
    pub(super) symbol: &'a Symbol,
    /// What upstream calls the interval of the bars that are asked for.
    pub(super) interval: Option<&'a str>,
    /// When those begin.
    pub(super) span: Option<Span>,
    /// What parameters are, first where a question says so, then where the endpoint does.
    pub(super) params: [&'a Params; 2],
}

impl Template {
    /// Reads a text with names in braces; `{{` and `}}` are braces.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        let mut parts = Vec::new();
        let (mut plain, mut rest) = (String::new(), text);
        while let Some(at) = rest.find(['{', '}']) {
            plain.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                plain.push_str(brace);
                rest = after;
                continue;
            }
            let name = rest.split_once('}').filter(|_| brace == "{");
            let Some((name, after)) = name else {
                return Err(Usage::new(format!(
                    "`{}` has a brace without another",
                    sanitized(text)
                ))
                .hint("write {symbol}, or {{ for a brace"));
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain).into()));
            }
            parts.push(Part::Place(Place::parse(name)?));
            rest = after;
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain.into()));
        }
        Ok(Self(parts))
    }

    /// Whether it says anything of a symbol.
    pub(super) fn names_a_symbol(&self) -> bool {
        self.places()
            .any(|place| matches!(place, Place::Symbol(_) | Place::Base(_) | Place::Quote(_)))
    }

    /// Whether it says when bars begin.
    pub(super) fn names_a_span(&self) -> bool {
        self.places().any(|place| matches!(place, Place::From(_) | Place::To(_)))
    }

    /// Whether it says what only bars have: when they begin, or how long they are.
    pub fn names_bars(&self) -> bool {
        self.names_a_span() || self.names_an_interval()
    }

    /// Whether it says how long bars are.
    pub fn names_an_interval(&self) -> bool {
        self.places().any(|place| *place == Place::Interval)
    }

    /// The parameters that it names.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.places().filter_map(|place| match place {
            Place::Param(name) => Some(&**name),
            _ => None,
        })
    }

    /// The text with everything filled in, each value as `spelt`; none if one is not known.
    pub(super) fn filled(
        &self,
        filling: &Filling<'_>,
        spelt: impl Fn(&str) -> String,
    ) -> Option<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(place) => out.push_str(&spelt(&place.value(filling)?)),
            }
        }
        Some(out)
    }

    fn places(&self) -> impl Iterator<Item = &Place> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place(place) => Some(place),
        })
    }
}

impl Place {
    fn parse(name: &str) -> Result<Self, Usage> {
        if let Some(param) = name.strip_prefix("param:").filter(|param| !param.is_empty()) {
            return Ok(Self::Param(param.into()));
        }
        let (what, how) = name.split_once(':').unwrap_or((name, ""));
        let case = || match how {
            "" => Some(Case::Upper),
            "lower" => Some(Case::Lower),
            _ => None,
        };
        let spelling = || match how {
            "" => Some(Spelling::Seconds),
            "ms" => Some(Spelling::Milliseconds),
            "date" => Some(Spelling::Date),
            "rfc3339" => Some(Spelling::Rfc3339),
            _ => None,
        };
        let place = match what {
            "symbol" => case().map(Self::Symbol),
            "base" => case().map(Self::Base),
            "quote" => case().map(Self::Quote),
            "from" => spelling().map(Self::From),
            "to" => spelling().map(Self::To),
            "interval" if how.is_empty() => Some(Self::Interval),
            _ => None,
        };
        place.ok_or_else(|| {
            let usage = Usage::new(format!("`{{{}}}` is nothing to fill in", sanitized(name)));
            usage.hint(match nearest(name, NAMES) {
                Some(near) => format!("did you mean `{{{near}}}`?"),
                None => {
                    format!("the names are {} and param:NAME", NAMES.join(", "))
                }
            })
        })
    }

    fn value(&self, filling: &Filling<'_>) -> Option<String> {
        let in_case = |text: &str, case| match case {
            Case::Upper => text.to_owned(),
            Case::Lower => text.to_ascii_lowercase(),
        };
        let instant = |at: Timestamp, spelling| match spelling {
            Spelling::Seconds => Some(at.as_ms().div_euclid(1000).to_string()),
            Spelling::Milliseconds => Some(at.as_ms().to_string()),
            Spelling::Date => at.to_string().split('T').next().map(str::to_owned),
            Spelling::Rfc3339 => Some(at.to_string()),
        };
        match self {
            Self::Symbol(case) => Some(in_case(filling.symbol.name(), *case)),
            Self::Base(case) => sides(filling.symbol).map(|(base, _)| in_case(base, *case)),
            Self::Quote(case) => sides(filling.symbol).map(|(_, quote)| in_case(quote, *case)),
            Self::Interval => filling.interval.map(str::to_owned),
            Self::From(spelling) => instant(filling.span?.start(), *spelling),
            Self::To(spelling) => instant(filling.span?.end(), *spelling),
            Self::Param(name) => {
                filling.params.iter().find_map(|params| params.get(name)).map(str::to_owned)
            }
        }
    }
}

/// What is quoted, and in what: of a coin, and of a currency.
pub(super) fn sides(symbol: &Symbol) -> Option<(&str, &str)> {
    match symbol.class() {
        Class::Fx if symbol.name().len() == 2 * CURRENCY => {
            symbol.name().split_at_checked(CURRENCY)
        }
        _ => symbol.pair(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, class: Class, name: &str) -> Option<String> {
        let span = Span::new(Timestamp::from_seconds(0), Timestamp::from_seconds(86_400));
        let symbol = Symbol::new(class, name);
        let of = |text| Params::parse([text]).unwrap();
        let params = [&of("depth=10"), &of("depth=20")];
        let filling = Filling { symbol: &symbol, interval: Some("1D"), span, params };
        Template::parse(template).unwrap().filled(&filling, |value| format!("<{value}>"))
    }

    #[test]
    fn a_question_is_spelt_as_the_template_says() {
        for (template, class, name, expected) in [
            ("/q/{symbol}", Class::Stock, "BRK.B", Some("/q/<BRK.B>")),
            ("{base}-{quote}", Class::Crypto, "BTC", Some("<BTC>-<USDT>")),
            ("{base:lower}{quote:lower}", Class::Crypto, "ETH/BTC", Some("<eth><btc>")),
            ("{base}/{quote}", Class::Fx, "EURUSD", Some("<EUR>/<USD>")),
            ("{base}", Class::Stock, "AAPL", None),
            ("{symbol:lower}", Class::Crypto, "ETH", Some("<eth>")),
            ("{interval}:{from}:{to:ms}", Class::Stock, "A", Some("<1D>:<0>:<86400000>")),
            (
                "{from:date} {to:rfc3339}",
                Class::Stock,
                "A",
                Some("<1970-01-01> <1970-01-02T00:00:00Z>"),
            ),
            ("{{{param:depth}}}", Class::Stock, "A", Some("{<10>}")),
            ("{param:width}", Class::Stock, "A", None),
            ("", Class::Stock, "A", Some("")),
        ] {
            assert_eq!(filled(template, class, name).as_deref(), expected, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused_with_the_nearest_name() {
        for (text, hint) in [
            ("{symbl}", "did you mean `{symbol}`?"),
            ("{symbol:uper}", "did you mean `{symbol:lower}`?"),
            ("{", "write {symbol}, or {{ for a brace"),
            ("a}", "write {symbol}, or {{ for a brace"),
            ("{param:}", "the names are"),
        ] {
            let usage = Template::parse(text).unwrap_err();
            assert!(usage.hint.as_deref().is_some_and(|said| said.starts_with(hint)), "{usage:?}");
        }
    }

    #[test]
    fn a_template_says_what_it_needs() {
        let template = |text| Template::parse(text).unwrap();
        assert!(template("{base}").names_a_symbol() && !template("{param:x}").names_a_symbol());
        assert!(template("{to:ms}").names_a_span() && !template("{interval}").names_a_span());
        assert!(template("{to:ms}").names_bars() && template("{interval}").names_bars());
        assert!(!template("{symbol}").names_bars());
        assert_eq!(template("{param:a}{param:b}").params().collect::<Vec<_>>(), ["a", "b"]);
    }
}
