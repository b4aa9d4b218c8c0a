//! What the environment and the command line say, turned into layers.
//!
//! Both name keys in a single line, so a name has to be found in spellings that a file does not
//! know: `MCACHE_CACHE__DISK__MAX_SIZE_GB`, `symbols."BRK.B"`. A map on the command line sets each of its
//! keys, as in a file; of a variable none is accepted.

use std::borrow::Cow;

use super::kind::Kind;
use super::layers::{Layer, Layers, Origin};
use super::schema::{self, Keys, PROFILES};
use super::tree::{Found, Leaf, Leaves, SEPARATOR, below, flatten, shown};
use crate::error::{Usage, nearest, sanitized};

/// A flag that stands for a key.
#[derive(Clone, Debug)]
pub struct Flag {
    /// The flag as it is written: `--cache-dir`.
    pub name: &'static str,
    /// The key, dotted.
    pub key: &'static str,
    /// The value.
    pub value: String,
}

const PREFIX: &str = "MCACHE_";

/// Variables that are no keys: whoever reads the command line reads them.
const RESERVED: [&str; 9] =
    ["CONFIG", "PROFILE", "CACHE_DIR", "OFFLINE", "CALLER", "NOW", "FIXTURES", "KEY", "HELD"];

/// The key that `MCACHE_CACHE_DIR` sets, though its name has no levels.
const CACHE_DIR: &str = "cache\tdisk\tcache_dir";

/// The layer of the environment.
pub(super) fn environment(variables: &[(String, String)], weaker: &Layers) -> Result<Layer, Usage> {
    let mut layer = Layer::new();
    for (name, value) in variables {
        // An empty variable is an unset one, as everywhere in a shell.
        let Some(rest) = name.strip_prefix(PREFIX).filter(|_| !value.is_empty()) else { continue };
        let path = if rest == "CACHE_DIR" {
            CACHE_DIR.to_owned()
        } else if RESERVED.contains(&rest) {
            continue;
        } else {
            match variable(rest, weaker).map_err(|u| u.at(sanitized(name)))? {
                Some(path) => path,
                None => continue,
            }
        };
        let leaf = read(&path, value).map_err(|u| u.at(sanitized(name)))?;
        // The short name is what the manual tells; it wins over the long one.
        if rest == "CACHE_DIR" || !layer.contains_key(&path) {
            layer.insert(path, (leaf, Origin::Variable(name.clone())));
        }
    }
    Ok(layer)
}

/// The path that a variable sets; none if it is somebody else's.
fn variable(rest: &str, weaker: &Layers) -> Result<Option<String>, Usage> {
    if !rest.contains("__") {
        return top_level(rest);
    }
    let mut path = String::new();
    for word in rest.split("__") {
        let name = word.to_ascii_lowercase();
        // A shell allows neither dots nor dashes in a name, and no difference of case matters.
        let alike = |n: &String| n.to_ascii_lowercase().replace(['.', '-'], "_") == name;
        let known = weaker.names_below(&path).into_iter().find(alike).unwrap_or(name);
        let Some(name) = schema::child(&path, &known) else {
            let refusal = schema::unknown("", &path, &known);
            let meant = schema::meant(&path, &known)
                .map(|meant| format!("did you mean `{}`?", variable_of(&meant)));
            return Err(Usage { message: refusal.message, hint: meant.or(refusal.hint) });
        };
        path = below(&path, &name);
    }
    Ok(Some(path))
}

/// A variable without levels: a key of its own, a misspelt one, or not ours.
fn top_level(rest: &str) -> Result<Option<String>, Usage> {
    let name = rest.to_ascii_lowercase();
    if schema::kind(&name).is_some() {
        return Ok(Some(name));
    }
    let keys: Vec<String> = schema::children("")
        .into_iter()
        .filter(|key| schema::kind(key).is_some())
        .map(str::to_ascii_uppercase)
        .collect();
    match nearest(rest, keys.iter().map(String::as_str).chain(RESERVED)) {
        Some(near) => Err(Usage::new(format!("unknown key `{}`", sanitized(&name)))
            .hint(format!("did you mean `{PREFIX}{near}`?"))),
        None => Ok(None),
    }
}

fn variable_of(path: &str) -> String {
    format!("{PREFIX}{}", path.to_ascii_uppercase().replace(SEPARATOR, "__"))
}

/// The layer of `--set` and of the flags that stand for a key, the strongest last.
pub(super) fn command_line(set: &[String], flags: &[Flag]) -> Result<Layer, Usage> {
    let mut layer = Layer::new();
    assign(&mut layer, set, "--set", &Origin::Set)?;
    for Flag { name, key, value } in flags {
        let path = key.replace('.', "\t");
        put(&mut layer, path, value, Origin::Flag((*name).to_owned())).map_err(|u| u.at(name))?;
    }
    Ok(layer)
}

/// The layer of `--what-if`: as if it were of `--set`.
pub(super) fn what_if(set: &[String]) -> Result<Layer, Usage> {
    const FLAG: &str = "--what-if";
    let mut layer = Layer::new();
    assign(&mut layer, set, FLAG, &Origin::Flag(FLAG.to_owned()))?;
    Ok(layer)
}

fn assign(layer: &mut Layer, set: &[String], flag: &str, origin: &Origin) -> Result<(), Usage> {
    for text in set {
        let said = assignment(text, flag).and_then(|(path, value)| {
            for (path, leaf) in leaves(path, value)? {
                open_to_all(&path)?;
                insert(layer, path, leaf, origin.clone());
            }
            Ok(())
        });
        said.map_err(|usage| usage.at(flag))?;
    }
    Ok(())
}

/// Reads `KEY=VALUE`.
fn assignment<'a>(text: &'a str, flag: &str) -> Result<(String, &'a str), Usage> {
    let bad = |what: &str| {
        Usage::new(format!("`{}` {what}", sanitized(text)))
            .hint(format!("write {flag} KEY=VALUE, as in {flag} cache.disk.max_size_gb=2"))
    };
    let (names, value) = split_key(text).map_err(bad)?;
    if names.iter().any(String::is_empty) {
        return Err(bad("has an empty name in its key"));
    }
    let mut path = String::new();
    for (at, name) in names.iter().enumerate() {
        if path.is_empty() && name == PROFILES {
            return Err(Usage::new(format!("`{PROFILES}` stand in a file"))
                .hint("choose one with --profile NAME"));
        }
        if !schema::is_map(&path) {
            return Err(too_deep(&names, at));
        }
        path = match schema::child(&path, name) {
            Some(name) => below(&path, &name),
            None => return Err(schema::unknown("", &path, name).into()),
        };
    }
    Ok((path, value))
}

/// The names of a dotted key, of which each may be quoted, and what follows its `=`.
fn split_key(text: &str) -> Result<(Vec<String>, &str), &'static str> {
    let (mut names, mut name, mut quoted) = (Vec::new(), String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '.' if !quoted => names.push(std::mem::take(&mut name)),
            '=' if !quoted => {
                names.push(name);
                return Ok((names, &text[at + 1..]));
            }
            c => name.push(c),
        }
    }
    Err(if quoted { "has a quote without an end" } else { "has no `=`" })
}

/// The mistake of a key that goes on where a value stands: most probably a symbol with a dot.
fn too_deep(names: &[String], at: usize) -> Usage {
    let usage = Usage::new(format!("unknown key `{}`", sanitized(&names.join("."))));
    let (parent, whole) = (names[..at - 1].join("."), names[at - 1..].join("."));
    if schema::is_open(&names[..at - 1].join("\t")) {
        return usage.hint(format!("did you mean `{parent}.\"{whole}\"`?"));
    }
    usage.hint(format!("`{}` holds a value", names[..at].join(".")))
}

/// Refuses what may be a key: everybody on the machine sees the arguments of a program.
fn open_to_all(path: &str) -> Result<(), Usage> {
    if schema::kind(path) == Some(Kind::Hidden) {
        return Err(Usage::new(format!("`{}` may be a key and is not set here", shown(path)))
            .hint("write it into the configuration file, or set its variable"));
    }
    Ok(())
}

/// Puts a value into a layer, over what the same layer said before there and below.
fn put(layer: &mut Layer, path: String, value: &str, origin: Origin) -> Result<(), Usage> {
    let leaf = read(&path, value)?;
    insert(layer, path, leaf, origin);
    Ok(())
}

fn insert(layer: &mut Layer, path: String, leaf: Leaf, origin: Origin) {
    let prefix = format!("{path}{SEPARATOR}");
    layer.retain(|earlier, _| !earlier.starts_with(&prefix));
    layer.insert(path, (leaf, origin));
}

/// What a value of the command line sets: each key of a map, else the key itself.
fn leaves(path: String, value: &str) -> Result<Leaves, Usage> {
    if !value.trim_start().starts_with('{') || !schema::is_map(&path) {
        let leaf = read(&path, value)?;
        return Ok(vec![(path, leaf)]);
    }
    // Alone, so that nothing is set beside what is named.
    serde_yaml::from_str::<serde::de::IgnoredAny>(value)
        .map_err(|error| Usage::new(format!("`{}` is no map: {error}", sanitized(value))))?;
    let mut text = value.to_owned();
    for name in path.rsplit(SEPARATOR) {
        text = format!("{{{}: {text}}}", serde_json::Value::from(name));
    }
    // The place is one of a text that nobody wrote.
    flatten(&text, &Keys::default()).map_err(|fault| fault.refusal.into())
}

/// Reads the value of a variable or of `--set`: a scalar, `~`, or a list with commas.
fn read(path: &str, value: &str) -> Result<Leaf, Usage> {
    if value == "~" || value == "null" {
        schema::admit("", path, Found::Null).map_err(Usage::from)?;
        return Ok(Leaf::Null);
    }
    let kind = schema::kind(path);
    if kind.is_none() {
        schema::admit("", path, Found::Text).map_err(Usage::from)?;
    }
    if !kind.is_some_and(Kind::is_list) {
        schema::check("", path, value).map_err(Usage::from)?;
        return Ok(Leaf::Text(Cow::Owned(value.to_owned())));
    }
    if matches!(kind, Some(Kind::Rules | Kind::Schedules)) {
        return maps(path, value);
    }
    let items: Vec<String> = if value.trim_start().starts_with('[') {
        serde_yaml::from_str(value).map_err(|_| {
            Usage::new(format!("`{}`: `{}` is not a list", shown(path), sanitized(value)))
                .hint("write a,b or [a, b]; [] is an empty list")
        })?
    } else {
        value.split(',').map(|item| item.trim().to_owned()).collect()
    };
    for item in &items {
        schema::check("", path, item).map_err(Usage::from)?;
    }
    Ok(Leaf::List(items.into_iter().map(Cow::Owned).collect::<Vec<_>>().into()))
}

/// Reads a list of maps, as it would stand in a file.
fn maps(path: &str, value: &str) -> Result<Leaf, Usage> {
    let leaves = flatten(&format!("{path}: {value}"), &Keys::default())
        .map_err(|fault| Usage::from(fault.refusal))?;
    match <[_; 1]>::try_from(leaves) {
        Ok([(at, list @ Leaf::List(_))]) if at == path => Ok(list),
        _ => Err(Usage::new(format!("`{}`: `{}` is not a list", shown(path), sanitized(value)))
            .hint("write it on one line as in a file, in brackets; [] is an empty list")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Sources;

    fn set(text: &str) -> Result<Layers, Usage> {
        Layers::load(Sources { set: vec![text.to_owned()], ..Sources::default() })
    }

    fn variable(name: &str, value: &str) -> Result<Layers, Usage> {
        let environment = vec![(name.to_owned(), value.to_owned())];
        Layers::load(Sources { environment, ..Sources::default() })
    }

    #[test]
    fn a_key_of_the_command_line_is_dotted_and_quoted_where_a_name_has_dots() {
        let layers = set("symbols.\"BRK.B\"=stock").unwrap();
        assert_eq!(layers.text(&["symbols", "BRK.B"]), Some("stock"));
        let layers = set("symbols.\"GC=F\"=stock").unwrap();
        assert_eq!(layers.text(&["symbols", "GC=F"]), Some("stock"));
        let layers = set("providers.x.user_agent=a=b.c").unwrap();
        assert_eq!(layers.text(&["providers", "x", "user_agent"]), Some("a=b.c"));
    }

    #[test]
    fn a_mistake_on_the_command_line_says_what_is_right() {
        const KEY: &str = "write --set KEY=VALUE, as in --set cache.disk.max_size_gb=2";
        for (text, message, hint) in [
            ("cache.disk", "--set: `cache.disk` has no `=`", KEY),
            ("a.\"b=c", "--set: `a.\"b=c` has a quote without an end", KEY),
            ("=5", "--set: `=5` has an empty name in its key", KEY),
            (
                "cache.disk.max_sise_gb=2",
                "--set: unknown key `cache.disk.max_sise_gb`",
                "did you mean `cache.disk.max_size_gb`?",
            ),
            (
                "symbols.BRK.B=stock",
                "--set: unknown key `symbols.BRK.B`",
                "did you mean `symbols.\"BRK.B\"`?",
            ),
            (
                "stale_if_error.quote=5",
                "--set: unknown key `stale_if_error.quote`",
                "`stale_if_error` holds a value",
            ),
            (
                "cache.disk={enable: true}",
                "--set: unknown key `cache.disk.enable`",
                "did you mean `cache.disk.enabled`?",
            ),
            (
                "ttl.quote={stock: soon}",
                "--set: `ttl.quote.stock`: `soon` is not a duration",
                "write seconds (90) or 500ms, 30s, 5m, 1h, 7d",
            ),
            (
                "providers.x={headers: {X-Key: abc}}",
                "--set: `providers.x.headers.X-Key` may be a key and is not set here",
                "write it into the configuration file, or set its variable",
            ),
            (
                "profiles.dev.ttl.quote=5",
                "--set: `profiles` stand in a file",
                "choose one with --profile NAME",
            ),
            (
                "chains.crypto=[a",
                "--set: `chains.crypto`: `[a` is not a list",
                "write a,b or [a, b]; [] is an empty list",
            ),
        ] {
            let usage = set(text).unwrap_err();
            assert_eq!((usage.message.as_str(), usage.hint.as_deref()), (message, Some(hint)));
        }
    }

    #[test]
    fn a_list_has_commas_or_brackets() {
        for (value, items) in [
            ("yahoo, binance", vec!["yahoo", "binance"]),
            ("[yahoo, NO]", vec!["yahoo", "NO"]),
            ("yahoo", vec!["yahoo"]),
            ("[]", vec![]),
        ] {
            let layers = set(&format!("chains.crypto={value}")).unwrap();
            assert_eq!(layers.list(&["chains", "crypto"]), Some(items), "{value}");
        }
        assert!(set("chains.crypto=").is_err());
    }

    #[test]
    fn a_later_word_wins_over_an_earlier_one_also_from_above() {
        let both = |set: [&str; 2]| {
            let set = set.map(str::to_owned).to_vec();
            Layers::load(Sources { set, ..Sources::default() }).unwrap()
        };
        let stock = ["ttl", "quote", "stock"];
        let layers = both(["ttl.quote.stock=5", "ttl.quote=60"]);
        assert_eq!(layers.text(&stock), None);
        let layers = both(["ttl.quote=60", "ttl.quote.stock=5"]);
        assert_eq!(layers.text(&stock), Some("5"));
        assert_eq!(layers.names(&["ttl", "quote"]), ["stock"]);
        let left = set("providers.demo=~").unwrap().names(&["providers"]);
        assert!(!left.is_empty() && !left.contains(&"demo".to_owned()));
    }

    #[test]
    fn a_map_of_the_command_line_sets_its_keys_and_leaves_the_others() {
        let layers = set("ttl.quote={stock: 5, crypto: ~}").unwrap();
        assert_eq!(layers.text(&["ttl", "quote", "stock"]), Some("5"));
        assert_eq!(layers.text(&["ttl", "quote", "crypto"]), None);
        assert_eq!(
            layers.text(&["ttl", "quote", "fx"]),
            Layers::default().text(&["ttl", "quote", "fx"])
        );
        let layers = set("symbols={\"BRK.B\": stock, NO: crypto}").unwrap();
        assert_eq!(layers.text(&["symbols", "BRK.B"]), Some("stock"));
        assert_eq!(layers.text(&["symbols", "NO"]), Some("crypto"));
        assert!(set("ttl.quote={}").unwrap().layers.is_empty());
        for text in [
            "ttl.quote={",
            "ttl.quote={stock: 5} }",
            "ttl.quote={stock: 5, stock: 6}",
            "ttl.quote={stock: 5}, bars: {stock: 6}",
        ] {
            let usage = set(text).unwrap_err();
            assert!(usage.message.starts_with("--set: "), "{usage}");
        }
        assert!(variable("MCACHE_TTL__QUOTE", "{stock: 5}").is_err());
    }

    #[test]
    fn a_variable_finds_its_key_whatever_the_spelling_of_a_shell() {
        for (name, value, path) in [
            ("MCACHE_CACHE__DISK__MAX_SIZE_GB", "2", &["cache", "disk", "max_size_gb"][..]),
            ("MCACHE_STALE_IF_ERROR", "5m", &["stale_if_error"]),
            ("MCACHE_PROVIDERS__YAHOO__TIMEOUT", "1s", &["providers", "yahoo", "timeout"]),
            ("MCACHE_SYMBOLS__XYZ", "crypto", &["symbols", "XYZ"]),
            ("MCACHE_CACHE_DIR", "/c", &["cache", "disk", "cache_dir"]),
        ] {
            let layers = variable(name, value).unwrap();
            let (leaf, origin) = layers.get(path).unwrap();
            assert_eq!(leaf, &Leaf::Text(Cow::Owned(value.to_owned())), "{name}");
            assert_eq!(origin.to_string(), name);
        }
        let layers = Layers::load(Sources {
            set: vec!["providers.My-Own.kind=yahoo".to_owned()],
            ..Sources::default()
        });
        let environment = [("MCACHE_PROVIDERS__MY_OWN__TIMEOUT".to_owned(), "1s".to_owned())];
        let layer = super::environment(&environment, &layers.unwrap()).unwrap();
        assert!(layer.contains_key("providers\tMy-Own\ttimeout"));
    }

    #[test]
    fn a_variable_that_is_nearly_ours_is_a_mistake_and_any_other_is_not_ours() {
        let keys = schema::keys_of("");
        for (name, hint) in [
            ("MCACHE_CACHE__DISK__MAX_SISE_GB", "did you mean `MCACHE_CACHE__DISK__MAX_SIZE_GB`?"),
            ("MCACHE_CRYPTO_QOUTE", "did you mean `MCACHE_CRYPTO_QUOTE`?"),
            ("MCACHE_OFLINE", "did you mean `MCACHE_OFFLINE`?"),
            ("MCACHE_STALE_IF_ERROR__X", "`stale_if_error` holds a value and no keys"),
            ("MCACHE_A__B", keys.as_str()),
        ] {
            let usage = variable(name, "1").unwrap_err();
            assert!(
                usage.message.starts_with(&format!("{name}: unknown key `")),
                "{}",
                usage.message
            );
            assert_eq!(usage.hint.as_deref(), Some(hint));
        }
        for name in ["MCACHE_ELEPHANT", "MCACHE_NOW", "MCACHE_OFFLINE", "PATH", "MCACHE_", "MCACHE"]
        {
            assert!(variable(name, "1").unwrap().layers.is_empty(), "{name}");
        }
        assert!(variable("MCACHE_CRYPTO_QUOTE", "").unwrap().layers.is_empty());
        assert!(variable("MCACHE_PROVIDERS__X", "1").is_err());
    }
}
