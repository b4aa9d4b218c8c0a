//! The kinds of value that the configuration knows: what each accepts, and how it is read.
//!
//! Strict, and without a context: whether a provider of that name exists is asked elsewhere. A
//! value is checked when it is loaded, so that whoever reads it later need not doubt it.

use super::Layers;
use super::invalidation::{of_a_symbol, rule};
use super::schedules::{check_type, is_selection, schedule};
use crate::calendar::Exchange;
use crate::error::{Usage, nearest, sanitized};
use crate::key::Template;
use crate::ledger::{Budget, Window};
use crate::policy::Lasting;
use crate::provider;
use crate::time::Zone;
use crate::units::{parse_bytes, parse_duration, parse_rate, parse_share};

/// A kind of value; of a list, the kind of its items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A stretch of time.
    Duration,
    /// A stretch of time, or this word.
    DurationOr(&'static str),
    /// A stretch of time, or a range of them.
    Lasting,
    /// A number of bytes.
    Size,
    /// A part of a whole, in percent.
    Share,
    /// A number of percent that may be above a hundred.
    Rate,
    /// A whole number from the first to the second.
    Count(u64, u64),
    /// A number from the first to the second.
    Number(f64, f64),
    /// Yes or no.
    Flag,
    /// Yes or no, or one of these words.
    FlagOr(&'static [&'static str]),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A list of these words.
    Words(&'static [&'static str]),
    /// One line of text.
    Text,
    /// A symbol in any accepted spelling.
    Symbol,
    /// Scheme, host and any prefix.
    Url,
    /// A file or a folder.
    Path,
    /// The name of an environment variable.
    Variable,
    /// So many calls in so long a time.
    Window,
    /// So many calls in each day or month.
    Budget,
    /// The name of a time zone.
    Zone,
    /// The name of an exchange.
    Exchange,
    /// A path with names in braces, into which a question is filled.
    Route,
    /// Another text with such names: of a query, or a body.
    Filled,
    /// A list of them: a program and its arguments.
    Arguments,
    /// A list of types of which a program is handed records.
    Inputs,
    /// A JSON pointer.
    Pointer,
    /// How instants are written.
    TimeUnit,
    /// What stands between the values of a line.
    Delimiter,
    /// Text with which something is compared; it may be empty.
    Expected,
    /// A list of texts that stand for a value that is missing; one may be empty.
    Marks,
    /// Text that may be a key, and is never shown.
    Hidden,
    /// A list of windows.
    Windows,
    /// A list of symbols.
    Symbols,
    /// A list of names.
    Names,
    /// A pattern of keys that takes segments under names.
    Template,
    /// A list of patterns into which names are filled.
    Templates,
    /// A list of patterns into which a symbol and its class are filled.
    Dependents,
    /// A list of maps: what the put of a key expires.
    Rules,
    /// A list of symbols, and of lists with their `@`.
    Selections,
    /// A list of types, some with an interval.
    Types,
    /// A list of maps: what is kept warm.
    Schedules,
}

impl Kind {
    /// Whether it is a list.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::Windows
                | Self::Words(_)
                | Self::Marks
                | Self::Arguments
                | Self::Inputs
                | Self::Symbols
                | Self::Names
                | Self::Templates
                | Self::Dependents
                | Self::Rules
                | Self::Selections
                | Self::Types
                | Self::Schedules
        )
    }

    /// What is expected, with its article.
    pub fn expected(self) -> String {
        match self {
            Self::Duration => "a duration".to_owned(),
            Self::DurationOr(word) => format!("a duration or `{word}`"),
            Self::Lasting => "a duration or a range like 2m-5m".to_owned(),
            Self::Size => "a size".to_owned(),
            Self::Share => "a share like 80%".to_owned(),
            Self::Rate => "a rate like 40%".to_owned(),
            Self::Count(least, u64::MAX) => format!("a whole number from {least}"),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Number(least, most) => format!("a number from {least} to {most}"),
            Self::Flag => "true or false".to_owned(),
            Self::FlagOr(words) => format!("true, false, {}", words.join(" or ")),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Words(words) => format!("a list of some of {}", words.join(", ")),
            Self::Text | Self::Hidden | Self::Expected => "a line of text".to_owned(),
            Self::Pointer => "a JSON pointer like /data/0".to_owned(),
            Self::TimeUnit => "the form of a time".to_owned(),
            Self::Delimiter => "one character, or `tab`".to_owned(),
            Self::Marks => "a list of texts".to_owned(),
            Self::Arguments => "a list like [python3, predict.py, \"{symbol}\"]".to_owned(),
            Self::Route => "a path like /v1/quote/{symbol}".to_owned(),
            Self::Filled => "a text like {symbol}".to_owned(),
            Self::Symbol => "a symbol".to_owned(),
            Self::Url => "a URL".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Variable => "the name of an environment variable".to_owned(),
            Self::Window => "a limit like 60/1m".to_owned(),
            Self::Budget => "a budget like 500/day".to_owned(),
            Self::Zone => "a time zone".to_owned(),
            Self::Exchange => "an exchange".to_owned(),
            Self::Windows => "a list of limits like [60/1m]".to_owned(),
            Self::Symbols => "a list of symbols".to_owned(),
            Self::Names => "a list of names".to_owned(),
            Self::Template => "a pattern of keys".to_owned(),
            Self::Templates | Self::Dependents => "a list of patterns of keys".to_owned(),
            Self::Rules => "a list of rules like [{when: a, expire: [b]}]".to_owned(),
            Self::Selections => "a list of symbols and @lists".to_owned(),
            Self::Inputs | Self::Types => "a list of types like [quote, \"bars:1d\"]".to_owned(),
            Self::Schedules => "a list of schedules like [{symbols: [AAPL], every: 5m}]".to_owned(),
        }
    }

    /// Whether this text (of a list: this item) is one.
    pub fn check(self, text: &str) -> Result<(), Usage> {
        if text.trim().is_empty() && !matches!(self, Self::Expected | Self::Marks | Self::Arguments)
        {
            return Err(Usage::new(format!("an empty value is not {}", self.item()))
                .hint("leave the key out, or write ~ to remove what is set elsewhere"));
        }
        if text.chars().any(char::is_control) || text.chars().count() > 4096 {
            return Err(self.refused(text));
        }
        let right = match self {
            Self::Duration => return parse_duration(text).map(drop).map_err(short(text)),
            Self::DurationOr(word) if text == word => true,
            Self::DurationOr(word) => {
                return parse_duration(text).map(drop).map_err(|_| {
                    self.refused(text).hint(format!("write 30s, 5m, 1h, 7d or {word}"))
                });
            }
            Self::Lasting => return Lasting::parse(text).map(drop).map_err(short(text)),
            Self::Size => return parse_bytes(text).map(drop).map_err(short(text)),
            Self::Share => return parse_share(text).map(drop).map_err(short(text)),
            Self::Rate => return parse_rate(text).map(drop).map_err(short(text)),
            Self::Count(least, most) => whole(text).is_some_and(|n| (least..=most).contains(&n)),
            Self::Number(least, most) => number(text).is_some_and(|n| (least..=most).contains(&n)),
            Self::Flag => flag(text).is_some(),
            Self::FlagOr(words) => flag(text).is_some() || words.contains(&text),
            Self::Word(words) | Self::Words(words) => words.contains(&text),
            Self::Text | Self::Hidden | Self::Path | Self::Expected | Self::Marks => true,
            Self::Pointer => return provider::http::Pointer::parse(text).map(drop),
            Self::TimeUnit => {
                return provider::http::TimeUnit::parse(text).map(drop).map_err(short(text));
            }
            Self::Delimiter => text == "tab" || (text.len() == 1 && text.is_ascii()),
            Self::Symbol | Self::Symbols => is_symbol(text),
            Self::Url => return check_url(text),
            Self::Variable => is_variable(text),
            Self::Window | Self::Windows => return Window::parse(text).map(drop),
            Self::Route => return provider::http::Template::of_path(text).map(drop),
            Self::Filled => return provider::http::Template::parse(text).map(drop),
            Self::Arguments => return provider::http::Template::of_program(text).map(drop),
            Self::Inputs => return provider::command::Input::parse(text).map(drop),
            Self::Budget => return Budget::parse(text, Zone::UTC).map(drop).map_err(short(text)),
            Self::Zone => return Zone::parse(text).map(drop).map_err(short(text)),
            Self::Exchange => return Exchange::parse(text).map(drop).map_err(short(text)),
            Self::Names => is_name(text),
            Self::Template => {
                return Template::capturing(text, &Layers::default())
                    .map(drop)
                    .map_err(short(text));
            }
            Self::Templates => {
                return Template::parse(text, &Layers::default()).map(drop).map_err(short(text));
            }
            Self::Dependents => {
                return of_a_symbol(text, &Layers::default()).map(drop).map_err(short(text));
            }
            Self::Rules => return rule(text, &Layers::default()).map(drop),
            Self::Selections => is_selection(text),
            Self::Types => return check_type(text).map_err(short(text)),
            Self::Schedules => return schedule(text).map(drop).map_err(short(text)),
        };
        if right { Ok(()) } else { Err(self.refused(text)) }
    }

    /// What one value, or one item, is expected to be.
    fn item(self) -> String {
        match self {
            Self::Windows => Self::Window.expected(),
            Self::Words(words) => Self::Word(words).expected(),
            Self::Symbols => Self::Symbol.expected(),
            Self::Marks => Self::Text.expected(),
            Self::Arguments => "an argument of a program".to_owned(),
            Self::Names => "a name".to_owned(),
            Self::Templates | Self::Dependents => Self::Template.expected(),
            Self::Rules => "a rule".to_owned(),
            Self::Selections => "a symbol, or a list with its @".to_owned(),
            Self::Inputs | Self::Types => "a type".to_owned(),
            Self::Schedules => "a schedule".to_owned(),
            kind => kind.expected(),
        }
    }

    fn refused(self, text: &str) -> Usage {
        let usage = Usage::new(match self {
            Self::Hidden => format!("the value is not {}", self.item()),
            _ => format!("`{}` is not {}", sanitized(text), self.item()),
        });
        let hint = match self {
            Self::Word(words) | Self::Words(words) | Self::FlagOr(words) => {
                nearest(text, words.iter().copied()).map(|word| format!("did you mean `{word}`?"))
            }
            Self::Symbol | Self::Symbols => {
                Some("a symbol has letters, digits and . - _ / ^ = & : only".to_owned())
            }
            Self::Names => Some("a name has letters, digits and . - _ only".to_owned()),
            _ => None,
        };
        Usage { hint, ..usage }
    }
}

/// An error that may quote the text, without the text if that is long.
fn short(text: &str) -> impl Fn(Usage) -> Usage {
    let long = text.chars().count() > 60;
    move |usage| Usage {
        message: if long { "the value is too long".to_owned() } else { usage.message },
        ..usage
    }
}

/// Reads a whole number.
pub fn whole(text: &str) -> Option<u64> {
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Reads a finite number.
pub fn number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    plain.then(|| text.parse().ok())?.filter(|n: &f64| n.is_finite())
}

/// Reads yes or no, in every spelling that YAML or a shell ever had for it.
pub fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Whether it can be the name of something that the user names: a provider, a list, a header.
pub fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// Whether it can be a name in a query: as a name, and some have brackets behind it (`sort[0][field]`).
pub fn is_query_name(text: &str) -> bool {
    let (name, brackets) = text.split_at(text.find('[').unwrap_or(text.len()));
    is_name(name)
        && (brackets.is_empty() || brackets.ends_with(']'))
        && brackets.split('[').skip(1).all(|part| {
            part.strip_suffix(']').is_some_and(|inner| inner.is_empty() || is_name(inner))
        })
}

/// Whether it can be a symbol, by its characters.
pub fn is_symbol(text: &str) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || "._-/^=&:".contains(c);
    (1..=64).contains(&text.len()) && text.chars().all(known)
}

fn is_variable(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Scheme, host and any prefix; what could hold a secret is refused, since a base URL is shown.
fn check_url(text: &str) -> Result<(), Usage> {
    let refused = |why: &str| {
        // The text is not shown: it may hold a password.
        Err(Usage::new(format!("not a base URL: {why}"))
            .hint("write scheme, host and any prefix, as in https://api.example.com/v1"))
    };
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else { return refused("it does not begin with https:// or http://") };
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return refused("it names a user; keys stand in `auth`");
    }
    if rest.contains(['?', '#']) {
        return refused("it has a query; a key in the query stands in `auth`");
    }
    if host.is_empty() || host.starts_with(':') {
        return refused("it has no host");
    }
    if !rest.bytes().all(|b| b.is_ascii_graphic()) || rest.contains(['"', '<', '>', '\\', '`']) {
        return refused("it holds a character that no URL has");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_takes_what_it_is_and_nothing_else() {
        let rows: [(Kind, &[&str], &[&str]); 18] = [
            (Kind::Words(&["stock", "fx"]), &["stock", "fx"], &["STOCK", "stock, fx", ""]),
            (Kind::Duration, &["90", "5m", "0"], &["5x", "", "-1", "unlimited"]),
            (Kind::DurationOr("keep"), &["keep", "5m"], &["kept", "~"]),
            (Kind::Lasting, &["90", "2m-5m", "1h - 6h"], &["5m-2m", "2m-", "-5m", "1-2-3", "x"]),
            (Kind::Size, &["64MiB", "10"], &["64 elephants", "-1"]),
            (Kind::Share, &["80%", "2.5 %", "0%"], &["80", "0.8", "101%", "-1%", "%"]),
            (Kind::Count(1, 1000), &["1", "1000"], &["0", "1001", "1.5", "+1", "1_0"]),
            (Kind::Number(0.0, 1.0), &["0", "0.5", "1", "1e-3"], &["-1", "1.1", "NaN", "inf", "x"]),
            (Kind::Flag, &["true", "FALSE", "on", "0"], &["maybe", "2"]),
            (Kind::FlagOr(&["zstd"]), &["true", "zstd"], &["gzip"]),
            (Kind::Word(&["bundled", "system"]), &["system"], &["System", "os"]),
            (Kind::Text, &["mcache/1 (x; y)"], &["a\nb", "\u{1b}[31m", " "]),
            (Kind::Symbols, &["BRK.B", "^GSPC", "macro:GDP", "NULL"], &["A B", "é", "~"]),
            (
                Kind::Url,
                &["https://a.example", "http://127.0.0.1:8080/v1/", "http://[::1]:80"],
                &[
                    "a.example",
                    "ftp://a",
                    "https://",
                    "https://u:p@a",
                    "https://a?k=1",
                    "https://a b",
                ],
            ),
            (Kind::Variable, &["FRED_API_KEY"], &["1A", "A-B", "$A"]),
            (
                Kind::Windows,
                &["60/1m", "10/10s", "2 / 1s"],
                &["60", "0/1m", "60/0", "60/min", "-1/1m"],
            ),
            (Kind::Exchange, &["XNYS", "xlon", "Xetra", "24/7", "fx"], &["XNYZ", "", "NY SE"]),
            (Kind::Names, &["yahoo", "my-own.2"], &["a b", "@x", "a:b"]),
        ];
        for (kind, right, wrong) in rows {
            for text in right {
                assert_eq!(kind.check(text), Ok(()), "{kind:?}: {text}");
            }
            for text in wrong {
                assert!(kind.check(text).is_err(), "{kind:?}: {text}");
            }
        }
    }

    #[test]
    fn a_refused_value_cannot_drive_the_terminal_or_fill_it() {
        for kind in [Kind::Duration, Kind::Size, Kind::Text, Kind::Url, Kind::Window, Kind::Symbol]
        {
            for text in ["\u{1b}[31m".to_owned(), "9".repeat(100_000)] {
                let Err(usage) = kind.check(&text) else { panic!("{kind:?}") };
                assert!(usage.message.len() < 300, "{kind:?}");
                assert!(!usage.message.contains('\u{1b}'), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_password_in_a_url_is_not_repeated() {
        let usage = Kind::Url.check("https://me:hunter2@a.example").unwrap_err();
        assert!(!usage.message.contains("hunter2"));
    }
}
