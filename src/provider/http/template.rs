//! Texts with names in braces, into which a question is filled: paths, queries and bodies.
//!
//! A name that nothing is known for makes the whole text impossible, so an endpoint that needs the two
//! sides of a pair has nothing to say of a stock, and one that needs upstream's own name of a symbol nothing
//! of one that has none. The key of a provider is not known here: where it goes stays marked.

use std::time::Duration;

use super::Names;
use crate::error::{Usage, nearest, sanitized};
use crate::market::{Class, Params, Symbol};
use crate::provider::TOKEN;
use crate::span::Span;
use crate::time::Timestamp;

/// Every name that may stand in braces; besides these, `param:NAME`.
const NAMES: [&str; 23] = [
    "symbol",
    "symbol:lower",
    "symbol:name",
    "base",
    "base:lower",
    "base:name",
    "quote",
    "quote:lower",
    "quote:name",
    "interval",
    "from",
    "from:ms",
    "from:date",
    "from:yyyymmdd",
    "from:rfc3339",
    "from:day_before",
    "to",
    "to:ms",
    "to:date",
    "to:yyyymmdd",
    "to:rfc3339",
    "to:day_after",
    "token",
];

/// A day, as far as dates are widened by one.
const DAY: Duration = Duration::from_hours(24);

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
    Symbol(Form),
    Base(Form),
    Quote(Form),
    Interval,
    From(Spelling),
    To(Spelling),
    Param(Box<str>, Manner),
    Token,
}

/// How a parameter is filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Plain,
    /// With the slashes that it has.
    Slashes,
    /// What it stands in is left out where nobody says it.
    Optional,
}

/// How a symbol, or a side of one, is written: as upstream calls it, if that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Else as it is.
    AsIs,
    /// Else as it is; in lower case.
    Lower,
    /// Else not at all.
    Named,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Spelling {
    Seconds,
    Milliseconds,
    Date,
    /// A date without dashes.
    Compact,
    Rfc3339,
    /// The date of a day earlier, or later: for dates of another zone, and ends that are not included.
    Wider,
}

/// What is filled in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filling<'a> {
    pub(super) symbol: &'a Symbol,
    /// What upstream calls symbols.
    pub(super) names: &'a Names,
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

    /// Whether it takes a symbol only by the name that upstream has for it.
    pub fn names_the_named(&self) -> bool {
        let is_named = |manner: &Form| *manner == Form::Named;
        self.places().any(|place| match place {
            Place::Symbol(manner) | Place::Base(manner) | Place::Quote(manner) => is_named(manner),
            _ => false,
        })
    }

    /// Whether the first that stands in it is of a symbol.
    pub(super) fn begins_with_a_symbol(&self) -> bool {
        matches!(
            self.0.first(),
            Some(Part::Place(Place::Symbol(_) | Place::Base(_) | Place::Quote(_)))
        )
    }

    /// Whether nothing is filled into it.
    pub fn is_plain(&self) -> bool {
        self.places().next().is_none()
    }

    /// The parameters that it names.
    pub fn params(&self) -> impl Iterator<Item = &str> {
        self.places().filter_map(|place| match place {
            Place::Param(name, _) => Some(&**name),
            _ => None,
        })
    }

    /// Whether it says where the key of the provider goes.
    pub fn names_the_token(&self) -> bool {
        self.places().any(|place| *place == Place::Token)
    }

    /// Whether it may be left out.
    pub fn is_optional(&self) -> bool {
        self.places().any(|place| matches!(place, Place::Param(_, Manner::Optional)))
    }

    /// Whether it is left out, since nobody says what it is.
    pub(super) fn is_left_out(&self, filling: &Filling<'_>) -> bool {
        self.places().any(|place| {
            matches!(place, Place::Param(_, Manner::Optional)) && place.value(filling).is_none()
        })
    }

    /// The first parameter that it needs and nobody says.
    pub(super) fn lacks(&self, filling: &Filling<'_>) -> Option<&str> {
        self.places().find_map(|place| match place {
            Place::Param(_, Manner::Optional) => None,
            Place::Param(name, _) if place.value(filling).is_none() => Some(&**name),
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
                Part::Place(Place::Token) => out.push_str(TOKEN),
                Part::Place(place) => {
                    let value = place.value(filling)?;
                    if matches!(place, Place::Param(_, Manner::Slashes)) {
                        let segments: Vec<String> = value.split('/').map(&spelt).collect();
                        out.push_str(&segments.join("/"));
                    } else {
                        out.push_str(&spelt(&value));
                    }
                }
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
            return Self::param(param);
        }
        let (what, how) = name.split_once(':').unwrap_or((name, ""));
        let manner = || match how {
            "" => Some(Form::AsIs),
            "lower" => Some(Form::Lower),
            "name" => Some(Form::Named),
            _ => None,
        };
        let spelling = || match how {
            "" => Some(Spelling::Seconds),
            "ms" => Some(Spelling::Milliseconds),
            "date" => Some(Spelling::Date),
            "yyyymmdd" => Some(Spelling::Compact),
            "rfc3339" => Some(Spelling::Rfc3339),
            "day_before" if what == "from" => Some(Spelling::Wider),
            "day_after" if what == "to" => Some(Spelling::Wider),
            _ => None,
        };
        let place = match what {
            "symbol" => manner().map(Self::Symbol),
            "base" => manner().map(Self::Base),
            "quote" => manner().map(Self::Quote),
            "from" => spelling().map(Self::From),
            "to" => spelling().map(Self::To),
            "interval" if how.is_empty() => Some(Self::Interval),
            "token" if how.is_empty() => Some(Self::Token),
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

    /// A parameter, and how it is filled in.
    fn param(text: &str) -> Result<Self, Usage> {
        let (name, how) = text.split_once(':').unwrap_or((text, ""));
        let manner = match how {
            "" if name.len() == text.len() => Manner::Plain,
            "slashes" => Manner::Slashes,
            "optional" => Manner::Optional,
            _ => {
                let usage =
                    Usage::new(format!("`{{param:{}}}` is nothing to fill in", sanitized(text)));
                return Err(usage.hint(match nearest(how, ["slashes", "optional"]) {
                    Some(near) => format!("did you mean `{{param:{}:{near}}}`?", sanitized(name)),
                    None => "write {param:NAME}, {param:NAME:slashes} or {param:NAME:optional}"
                        .to_owned(),
                }));
            }
        };
        Ok(Self::Param(name.into(), manner))
    }

    fn value(&self, filling: &Filling<'_>) -> Option<String> {
        let (symbol, names) = (filling.symbol, filling.names);
        match self {
            Self::Symbol(manner) => manner.written(symbol.name(), names.of_symbol(symbol)),
            Self::Base(manner) => {
                sides(symbol).and_then(|(base, _)| manner.written(base, names.get(base)))
            }
            Self::Quote(manner) => {
                sides(symbol).and_then(|(_, quote)| manner.written(quote, names.get(quote)))
            }
            Self::Interval => filling.interval.map(str::to_owned),
            Self::From(Spelling::Wider) => Some(date(filling.span?.start() - DAY)),
            Self::To(Spelling::Wider) => Some(date(filling.span?.end() + DAY)),
            Self::From(spelling) => Some(spelling.written(filling.span?.start())),
            Self::To(spelling) => Some(spelling.written(filling.span?.end())),
            Self::Param(name, _) => {
                filling.params.iter().find_map(|params| params.get(name)).map(str::to_owned)
            }
            Self::Token => Some(TOKEN.to_owned()),
        }
    }
}

impl Form {
    /// A name as it is written, by what upstream calls it; none if it must call it something.
    fn written(self, name: &str, known: Option<&str>) -> Option<String> {
        match self {
            Self::AsIs => Some(known.unwrap_or(name).to_owned()),
            Self::Lower => Some(known.unwrap_or(name).to_ascii_lowercase()),
            Self::Named => known.map(str::to_owned),
        }
    }
}

impl Spelling {
    fn written(self, at: Timestamp) -> String {
        match self {
            Self::Seconds => at.as_ms().div_euclid(1000).to_string(),
            Self::Milliseconds => at.as_ms().to_string(),
            Self::Compact => date(at).replace('-', ""),
            Self::Rfc3339 => at.to_string(),
            Self::Date | Self::Wider => date(at),
        }
    }
}

/// The date of an instant in UTC.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('T').map_or(text.as_str(), |(date, _)| date).to_owned()
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
        let names = [("BTC", "XBT"), ("DOGE/USD", "dogecoin"), ("BTC/USDT", "bitcoin")];
        let names = Names::new(names.map(|(of, is)| (of.into(), is.into())));
        let filling =
            Filling { symbol: &symbol, names: &names, interval: Some("1D"), span, params };
        Template::parse(template).unwrap().filled(&filling, |value| format!("<{value}>"))
    }

    #[test]
    fn a_question_is_spelt_as_the_template_says() {
        for (template, class, name, expected) in [
            ("/q/{symbol}", Class::Stock, "BRK.B", Some("/q/<BRK.B>")),
            ("{base}-{quote}", Class::Crypto, "SOL", Some("<SOL>-<USDT>")),
            ("{base:lower}{quote:lower}", Class::Crypto, "ETH/EUR", Some("<eth><eur>")),
            ("{base}{quote:lower}", Class::Crypto, "ETH/BTC", Some("<ETH><xbt>")),
            ("{base:name}", Class::Crypto, "BTC/EUR", Some("<XBT>")),
            ("{base:name}", Class::Crypto, "ETH/EUR", None),
            ("{symbol:name}", Class::Crypto, "DOGE/USD", Some("<dogecoin>")),
            ("{symbol:name}", Class::Crypto, "BTC", Some("<XBT>")),
            ("{symbol:name}", Class::Crypto, "DOGE", None),
            ("{symbol:name}", Class::Stock, "DOGE", None),
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
            (
                "{from:day_before} {to:day_after} {to:yyyymmdd}",
                Class::Stock,
                "A",
                Some("<1969-12-31> <1970-01-03> <19700102>"),
            ),
            ("{{{param:depth}}}", Class::Stock, "A", Some("{<10>}")),
            ("{param:width}", Class::Stock, "A", None),
            ("{param:depth:slashes}", Class::Stock, "A", Some("<10>")),
            ("{param:depth:optional}", Class::Stock, "A", Some("<10>")),
            ("/bot{token}/x", Class::Stock, "A", Some("/bot{token}/x")),
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
            ("{from:day_after}", "did you mean `{to:day_after}`?"),
            ("{param:}", "the names are"),
            ("{tokn}", "did you mean `{token}`?"),
            ("{param:path:slash}", "did you mean `{param:path:slashes}`?"),
            ("{param:path:}", "write {param:NAME}, {param:NAME:slashes} or"),
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
        assert!(template("{base:name}").names_the_named());
        assert!(!template("{base}{interval}").names_the_named());
        let params = "{param:a}{param:b:slashes}{param:c:optional}";
        assert_eq!(template(params).params().collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!(template(params).is_optional() && !template("{param:a:slashes}").is_optional());
        assert!(
            template("/{token}/x").names_the_token() && !template("{{token}}").names_the_token()
        );
    }

    #[test]
    fn a_parameter_with_slashes_is_encoded_between_them_and_an_unsaid_one_is_told() {
        let symbol = Symbol::new(Class::Stock, "A");
        let said = Params::parse(["path=a/b c/d"]).unwrap();
        let params = [&said, Params::none()];
        let names = Names::default();
        let filling =
            Filling { symbol: &symbol, names: &names, interval: None, span: None, params };
        let of = |text: &str| Template::parse(text).unwrap();
        let filled = of("/f/{param:path:slashes}").filled(&filling, |v| v.replace(' ', "%20"));
        assert_eq!(filled.as_deref(), Some("/f/a/b%20c/d"));
        let unsaid = of("{param:path}{param:x:optional}{param:y}");
        assert_eq!(unsaid.lacks(&filling), Some("y"));
        assert!(unsaid.is_left_out(&filling) && !of("{param:path:optional}").is_left_out(&filling));
    }
}
