//! What can be filled into a text, and how each is written.

use std::time::Duration;

use super::Filling;
use super::braces::Of;
use crate::error::{Usage, nearest, sanitized};
use crate::market::{Class, Symbol};
use crate::provider::TOKEN;
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

/// What stands in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
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
pub(super) enum Manner {
    Plain,
    /// With the slashes that it has.
    Slashes,
    /// What it stands in is left out where nobody says it.
    Optional,
}

/// How a symbol, or a side of one, is written: as upstream calls it, if that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Else as it is.
    AsIs,
    /// Else as it is; in lower case.
    Lower,
    /// Else not at all.
    Named,
}

/// How an instant is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    Seconds,
    Milliseconds,
    Date,
    /// A date without dashes.
    Compact,
    Rfc3339,
    /// The date of a day earlier, or later: for dates of another zone, and ends that are not included.
    Wider,
}

impl Place {
    /// What this name means; of what is filled into such a text, if it is none.
    pub(super) fn parse(name: &str, of: Of) -> Result<Self, Usage> {
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
            let known = NAMES.into_iter().filter(|name| of != Of::Program || is_told(name));
            let right = if let Some(near) = nearest(name, known.clone()) {
                format!("did you mean `{{{near}}}`?")
            } else {
                let known: Vec<&str> = known.collect();
                format!("the names are {} and param:NAME;", known.join(", "))
            };
            usage.hint(match of {
                Of::Path => right.trim_end_matches(';').to_owned(),
                Of::Request | Of::Program => {
                    let name = sanitized(name);
                    format!("{right} {{{{{name}}}}} is {{{name}}} itself")
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

    /// What is filled in; none if it is not known.
    pub(super) fn value(&self, filling: &Filling<'_>) -> Option<String> {
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

/// Whether programs are told this: of bars they are handed, and no key and no upstream has names for them.
fn is_told(name: &str) -> bool {
    let (what, how) = name.split_once(':').unwrap_or((name, ""));
    ["symbol", "base", "quote"].contains(&what) && how != "name"
}

/// The date of an instant in UTC.
fn date(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('T').map_or(text.as_str(), |(date, _)| date).to_owned()
}

/// What is quoted, and in what: of a coin, and of a currency.
pub(in crate::provider::http) fn sides(symbol: &Symbol) -> Option<(&str, &str)> {
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

    #[test]
    fn what_nothing_is_known_for_is_refused_with_the_nearest_name() {
        for (name, hint) in [
            ("symbl", "did you mean `{symbol}`? {{symbl}} is {symbl} itself"),
            ("symbol:uper", "did you mean `{symbol:lower}`?"),
            ("from:day_after", "did you mean `{to:day_after}`?"),
            ("param:", "the names are"),
            ("tokn", "did you mean `{token}`?"),
            ("param:path:slash", "did you mean `{param:path:slashes}`?"),
            ("param:path:", "write {param:NAME}, {param:NAME:slashes} or"),
        ] {
            let usage = Place::parse(name, Of::Request).unwrap_err();
            assert!(usage.hint.as_deref().is_some_and(|said| said.starts_with(hint)), "{usage:?}");
        }
        let hint = |of| Place::parse("sym bol", of).unwrap_err().hint.unwrap();
        assert_eq!(hint(Of::Path), "did you mean `{symbol}`?");
        let hint = Place::parse("tokn", Of::Program).unwrap_err().hint.unwrap();
        let told = "symbol, symbol:lower, base, base:lower, quote, quote:lower and param:NAME";
        assert_eq!(hint, format!("the names are {told}; {{{{tokn}}}} is {{tokn}} itself"));
    }
}
