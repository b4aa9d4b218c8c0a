//! The questions put to the table of keys (`config/keys.rs`): what may stand where, and what was probably
//! meant.
//!
//! Where a value comes from is the [layers](super::Layers)'.

use std::cell::RefCell;

use super::keys::{CHANGES, CLASSES, FIELDS, INTERVALS, KEYS, LEVELS, SIGNS, USE_CASES};
pub(super) use super::keys::{DATA, PROFILES};
use super::kind::{Kind, is_name, is_query_name, is_symbol};
use super::tree::{Found, Guide, ITEM, Refusal, SEPARATOR, below, shown};
use crate::calendar::Exchange;
use crate::error::{nearest, sanitized};
use crate::key::DATA_TYPES;
use crate::market::{EndpointName, Interval};
use crate::provider::http::{BODY, Spot};

/// Where the providers stand.
const PROVIDERS: &str = "providers";

/// The name in the spelling that it is known by, if this segment of a pattern takes it.
fn taken(segment: &'static str, name: &str) -> Option<String> {
    match segment {
        "*" => is_name(name).then(|| name.to_owned()),
        "?" => is_query_name(name).then(|| name.to_owned()),
        "+" => EndpointName::parse(name).ok().map(|name| name.as_str().to_owned()),
        "^" => is_symbol(name).then(|| name.to_ascii_uppercase()),
        "/" => (!name.is_empty() && Spot::parse(name).is_ok()).then(|| name.to_owned()),
        "<interval>" => {
            let interval = Interval::parse(name).ok().map(Interval::as_str);
            interval.filter(|name| INTERVALS.contains(name)).map(str::to_owned)
        }
        "<exchange>" => Exchange::from_name(name).map(|exchange| exchange.as_str().to_owned()),
        "$" => is_selector(name).then(|| name.to_owned()),
        _ => words(&segment).contains(&name).then(|| name.to_owned()),
    }
}

/// Whether it names a list, or a symbol in upper case (`NVDA`, `crypto:ETH`): in lower case it is
/// rather a misspelt class.
fn is_selector(name: &str) -> bool {
    if let Some(list) = name.strip_prefix('@') {
        return is_name(list);
    }
    let symbol = name.split_once(':').filter(|(class, _)| CLASSES.contains(class));
    let symbol = symbol.map_or(name, |(_, symbol)| symbol);
    // `STOCK` is rather the class than a symbol.
    let word = name.to_ascii_lowercase();
    let is_word = CLASSES.contains(&word.as_str()) || ["hot", "other"].contains(&word.as_str());
    !is_word && is_symbol(symbol) && !symbol.contains(|c: char| c.is_ascii_lowercase())
}

/// The names that a segment of a pattern takes, where they are known.
fn words<'a>(segment: &'a &'static str) -> &'a [&'static str] {
    match *segment {
        "<class>" => CLASSES,
        "<data>" => &DATA_TYPES,
        "<use>" => USE_CASES,
        "<level>" => LEVELS,
        "<change>" => CHANGES,
        "<sign>" => SIGNS,
        "<field>" => FIELDS,
        "<interval>" => INTERVALS,
        "*" | "^" | "$" | "+" | "?" | "/" | "<exchange>" => &[],
        _ => std::slice::from_ref(segment),
    }
}

/// The segments that may follow this path; the item of a list is no name that one could write.
fn following(path: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter_map(move |(pattern, _)| {
        let mut segments = pattern.split('.');
        let fits =
            names(path).all(|name| segments.next().is_some_and(|s| taken(s, name).is_some()));
        fits.then(|| segments.next().filter(|segment| *segment != ITEM)).flatten()
    })
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split(SEPARATOR).filter(|name| !name.is_empty())
}

/// The kind of the value at this path, if one may stand there.
pub fn kind(path: &str) -> Option<Kind> {
    KEYS.iter().find_map(|(pattern, kind)| {
        let (mut segments, mut names) = (pattern.split('.'), names(path));
        loop {
            match (segments.next(), names.next()) {
                (None, None) => return Some(*kind),
                (Some(segment), Some(name)) if taken(segment, name).is_some() => {}
                _ => return None,
            }
        }
    })
}

/// Whether keys may stand below this path.
pub fn is_map(path: &str) -> bool {
    following(path).next().is_some()
}

/// The name below this path in the spelling that it is known by; none for an unknown key.
pub fn child(path: &str, name: &str) -> Option<String> {
    following(path).find_map(|segment| taken(segment, name))
}

/// Whether any name will do below this path.
pub fn is_open(path: &str) -> bool {
    following(path).any(|segment| matches!(segment, "*" | "^" | "+" | "?"))
}

/// The names of this schema that may stand below this path.
pub fn children(path: &str) -> Vec<&'static str> {
    let mut found: Vec<&str> = Vec::new();
    for segment in following(path) {
        for name in words(&segment) {
            if !found.contains(name) {
                found.push(name);
            }
        }
    }
    found
}

/// The path that a misspelt one most probably meant: a neighbour, or the same name elsewhere.
pub fn meant(parent: &str, name: &str) -> Option<String> {
    if let Some(near) = nearest(name, children(parent)) {
        return Some(below(parent, near));
    }
    let name = name.to_ascii_lowercase();
    let mut elsewhere =
        KEYS.iter().filter(|(pattern, _)| pattern.rsplit('.').next() == Some(name.as_str()));
    // `enabled` could be meant of either tier: no guess is better than one of two.
    match (elsewhere.next(), elsewhere.next()) {
        (Some((pattern, _)), None) if !pattern.contains(['*', '^', '$', '+', '?', '/', '<']) => {
            Some(pattern.replace('.', "\t"))
        }
        _ => None,
    }
}

/// The refusal of a key that is not in the table.
pub fn unknown(prefix: &str, parent: &str, name: &str) -> Refusal {
    let full = |path: &str| if prefix.is_empty() { path.to_owned() } else { below(prefix, path) };
    let said = sanitized(&shown(&full(&below(parent, name))));
    let hint = if is_open(parent) {
        let kind = match following(parent).find(|segment| ["^", "?"].contains(segment)) {
            Some("^") => ". - _ / ^ = & :",
            Some(_) => ". - _, and perhaps brackets behind them,",
            None => ". - _",
        };
        format!("a name here has letters, digits and {kind} only")
    } else if following(parent).any(|segment| segment == "/") {
        format!(
            "a name here is a JSON pointer such as /status/code, or {BODY} for all that is sent"
        )
    } else if name == "<<" {
        "merge keys are not read; a profile states what differs".to_owned()
    } else if following(parent).any(|segment| segment == "<exchange>") {
        match nearest(&name.to_ascii_uppercase(), Exchange::names()) {
            Some(near) => format!("did you mean `{}`?", shown(&full(&below(parent, near)))),
            None => "the names of exchanges are those of `mcache calendar`".to_owned(),
        }
    } else if let Some(path) = meant(parent, name) {
        format!("did you mean `{}`?", shown(&full(&path)))
    } else {
        keys_of(parent)
    };
    Refusal { message: format!("unknown key `{said}`"), hint: Some(hint) }
}

/// The keys that there are below this path, in a sentence.
pub(super) fn keys_of(path: &str) -> String {
    let names = children(path);
    match path {
        "" => format!("the keys are {}", names.join(", ")),
        path if !is_map(path) => format!("`{}` holds a value and no keys", shown(path)),
        path if names.is_empty() => format!("the keys of `{}` are names of your own", shown(path)),
        path => format!("the keys of `{}` are {}", shown(path), names.join(", ")),
    }
}

/// Whether such a thing may stand at this path, and if not, what should.
pub fn admit(prefix: &str, path: &str, found: Found) -> Result<(), Refusal> {
    let kind = kind(path);
    let fits = match found {
        // Without any provider the chains would name nobody.
        Found::Null => !path.is_empty() && path != PROVIDERS,
        Found::Map => is_map(path),
        Found::List => kind.is_some_and(Kind::is_list),
        Found::Text => kind.is_some_and(|kind| !kind.is_list()),
    };
    if fits {
        return Ok(());
    }
    let expected = kind.map_or_else(|| "a map".to_owned(), Kind::expected);
    let full = if prefix.is_empty() { path.to_owned() } else { below(prefix, path) };
    let message = match full.as_str() {
        "" => format!("the file is {}, not a map", found.as_str()),
        full => format!("`{}` is {}, not {expected}", shown(full), found.as_str()),
    };
    let hint = match (path, found) {
        (PROVIDERS, Found::Null) => {
            Some("leave it out where nothing differs; demo: ~ below it removes one".to_owned())
        }
        _ => is_map(path).then(|| keys_of(path)),
    };
    Err(Refusal { message, hint })
}

/// Whether this value, or this item of a list, may stand at this path.
pub fn check(prefix: &str, path: &str, text: &str) -> Result<(), Refusal> {
    let Some(kind) = kind(path) else { return Ok(()) };
    kind.check(text).map_err(|usage| {
        let full = if prefix.is_empty() { path.to_owned() } else { below(prefix, path) };
        let message = format!("`{}`: {}", shown(&full), usage.message);
        Refusal { message, hint: usage.hint }
    })
}

/// Leads through a file: the keys of the table, and again all of them under each profile.
#[derive(Default)]
pub struct Keys {
    /// The profiles that were met, also those that say nothing.
    pub profiles: RefCell<Vec<String>>,
}

/// The profile part of a path, and the rest.
pub fn split_profile(path: &str) -> (&str, &str) {
    let inside = path.strip_prefix(PROFILES).and_then(|rest| rest.strip_prefix(SEPARATOR));
    let Some(inside) = inside else { return ("", path) };
    match inside.find(SEPARATOR) {
        Some(at) => {
            let cut = path.len() - inside.len() + at;
            (&path[..cut], &path[cut + 1..])
        }
        None => (path, ""),
    }
}

impl Guide for Keys {
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
        if parent.is_empty() && name == PROFILES {
            return Ok(PROFILES.to_owned());
        }
        if parent == PROFILES {
            if !is_name(name) {
                return Err(Refusal {
                    message: format!("`{}` cannot be the name of a profile", sanitized(name)),
                    hint: Some("a name here has letters, digits and . - _ only".to_owned()),
                });
            }
            self.profiles.borrow_mut().push(name.to_owned());
            return Ok(below(parent, name));
        }
        let (prefix, inner) = split_profile(parent);
        match child(inner, name) {
            Some(name) => Ok(below(parent, &name)),
            None if parent.is_empty()
                && nearest(name, children("").into_iter().chain([PROFILES])) == Some(PROFILES) =>
            {
                let hint = Some(format!("did you mean `{PROFILES}`?"));
                Err(Refusal { hint, ..unknown(prefix, inner, name) })
            }
            None => Err(unknown(prefix, inner, name)),
        }
    }

    fn admit(&self, path: &str, found: Found) -> Result<(), Refusal> {
        if path == PROFILES {
            let hint = Some("write profiles: {dev: {…}}".to_owned());
            let message = format!("`{PROFILES}` is not a map");
            return if found == Found::Map { Ok(()) } else { Err(Refusal { message, hint }) };
        }
        match split_profile(path) {
            // A profile itself, not a key in it; removing one would say nothing.
            (prefix, "") if !prefix.is_empty() && found != Found::Map => Err(Refusal {
                message: format!("`{}` is not a map", shown(prefix)),
                hint: Some(keys_of("")),
            }),
            (prefix, inner) => admit(prefix, inner, found),
        }
    }

    fn check(&self, path: &str, text: &str) -> Result<(), Refusal> {
        let (prefix, inner) = split_profile(path);
        check(prefix, inner, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::defaults::{DEFAULTS, SHIPPED};
    use crate::config::keys::{KINDS, OUTPUTS, PRIORITIES, STRATEGIES};
    use crate::config::tree::{Leaf, flatten};
    use crate::market::Class;
    use crate::policy::{Cause, Priority, Strategy, UseCase};
    use crate::provider::Speech;
    use crate::provider::command::Output;
    use crate::provider::http::{self, Sign};

    /// The shipped file with the keys that have no default, whose hash is without a space.
    fn complete() -> String {
        let uncommented = |line: &str| match line.trim_start().strip_prefix('#') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => line.replacen('#', "", 1),
            _ => line.to_owned(),
        };
        SHIPPED.lines().map(uncommented).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn every_default_passes_its_own_check() {
        let leaves = flatten(SHIPPED, &Keys::default()).unwrap();
        assert_eq!(leaves.len(), DEFAULTS.len());
        for (path, leaf) in leaves {
            assert!(DEFAULTS.iter().any(|(p, l)| *p == path && *l == leaf), "{path}: {leaf:?}");
            assert_ne!(leaf, Leaf::Null, "{path}");
        }
        assert!(DEFAULTS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn every_key_stands_in_the_shipped_file() {
        let leaves = flatten(&complete(), &Keys::default()).unwrap();
        for (pattern, _) in KEYS {
            // What stands in the items of a list is part of the list; and a threshold of one class
            // or symbol cannot stand beside the one of all.
            let of_all = ["invalidation.<change>.", "quorum.tolerance.", "frozen_after."];
            if pattern.contains(ITEM) || of_all.iter().any(|above| pattern.starts_with(above)) {
                continue;
            }
            let found = leaves.iter().any(|(path, _)| {
                let mut segments = pattern.split('.');
                names(path).all(|n| segments.next().is_some_and(|s| taken(s, n).is_some()))
                    && segments.next().is_none()
            });
            assert!(found, "`{pattern}` is missing in cache_config.yaml");
        }
        assert!(leaves.iter().any(|(path, _)| path.starts_with("profiles\t")));
    }

    #[test]
    fn the_words_are_those_of_the_floors_below() {
        assert_eq!(CLASSES, Class::ALL.map(Class::as_str));
        assert_eq!(KINDS, Speech::NAMES);
        assert_eq!(OUTPUTS, Output::NAMED.map(|(name, _)| name));
        assert_eq!(USE_CASES, UseCase::ALL.map(UseCase::as_str));
        assert_eq!(PRIORITIES, Priority::ALL.map(Priority::as_str));
        assert_eq!(CHANGES, [Cause::PRICE_MOVE, Cause::VOLUME_CHANGE].map(|c| c.to_string()));
        assert_eq!(SIGNS, Sign::ALL.map(Sign::as_str));
        assert!(FIELDS.iter().all(|field| http::FIELDS.iter().any(|(_, of)| of.contains(field))));
        assert!(http::FIELDS.iter().all(|(_, of)| of.iter().all(|field| FIELDS.contains(field))));
        let stored = Interval::ALL.into_iter().filter(|interval| *interval <= Interval::Day1);
        assert_eq!(INTERVALS, stored.map(Interval::as_str).collect::<Vec<_>>());
        assert_eq!(STRATEGIES[0], "auto");
        assert_eq!(STRATEGIES[1..], Strategy::ALL.map(Strategy::as_str));
    }

    #[test]
    fn an_unknown_key_is_told_what_was_meant() {
        for (parent, name, hint) in [
            ("cache\tdisk", "max_sise_gb", "did you mean `cache.disk.max_size_gb`?"),
            ("", "chache", "did you mean `cache`?"),
            ("", "max_size_gb", "did you mean `cache.disk.max_size_gb`?"),
            ("ttl", "qoute", "did you mean `ttl.quote`?"),
            ("ttl\tquote", "stok", "did you mean `ttl.quote.stock`?"),
            ("ttl\tquote", "STOCK", "did you mean `ttl.quote.stock`?"),
            ("providers\tyahoo\tdelays", "XTKSS", "did you mean `providers.yahoo.delays.XTKS`?"),
            ("chains", "stocks", "did you mean `chains.stock`?"),
            ("", "providrs", "did you mean `providers`?"),
            ("providers\tyahoo", "time_out", "did you mean `providers.yahoo.timeout`?"),
            ("cache", "elephants", "the keys of `cache` are memory, disk, ttl_by_data_type"),
            (
                "providers\tyahoo\theaders\tX",
                "file",
                "`providers.yahoo.headers.X` holds a value and no keys",
            ),
            ("watchlists", "a b", "a name here has letters, digits and . - _ only"),
            ("cache", "<<", "merge keys are not read; a profile states what differs"),
        ] {
            assert_eq!(unknown("", parent, name).hint.as_deref(), Some(hint), "{parent} {name}");
        }
    }

    #[test]
    fn a_later_key_is_unknown() {
        for (parent, name) in [("", "serve"), ("cache", "shared"), ("providers\tfred", "fields")] {
            assert_eq!(child(parent, name), None, "{parent} {name}");
        }
    }

    #[test]
    fn a_symbol_is_known_in_upper_case() {
        assert_eq!(child("symbols", "brk.b").as_deref(), Some("BRK.B"));
        assert_eq!(child("watchlists", "Tech").as_deref(), Some("Tech"));
        assert_eq!(split_profile("profiles\tdev\tttl\tquote"), ("profiles\tdev", "ttl\tquote"));
        assert_eq!(split_profile("profiles\tdev"), ("profiles\tdev", ""));
        assert_eq!(split_profile("ttl"), ("", "ttl"));
    }
}
