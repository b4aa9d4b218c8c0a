//! Keys, the globs that pick them, and the number under which a key is stored.
//!
//! `<type>:<class>:<SYMBOL>[:<parameters>]`, as in `quote:stock:AAPL`; what `put` writes is free.
//! The spellings of the seeds (`price:crypto:BTC`, `prediction:BTC`) are read and never written.

mod near;
mod template;

use std::fmt;
use std::str::Chars;

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Usage, sanitized};
use crate::market::{Class, DataType, Interval, Names, Params, SessionKind, Symbol};

pub use template::{Captures, Template};

/// The longest key in bytes: ten times what any symbol and parameters need.
const LONGEST: usize = 512;

/// How many providers can hold a value under one key: the slots behind one hash.
pub const SLOTS: i64 = 16;

/// What no key holds: it means something in a pattern.
const FOREIGN: [char; 3] = ['*', '?', '@'];

/// What the seeds write without a class: `prediction:BTC`, `chart:BTC:1D`.
const SEEDS_WITHOUT_CLASS: [&str; 3] = ["prediction", "chart", "ws_history"];

/// The type whose keys name no class and no symbol: what is known of a market at once.
const MARKET: &str = "market";

/// Every type that a key may begin with, whoever gives it. All but `market` name a class and a
/// symbol.
pub const DATA_TYPES: [&str; 12] = [
    "quote",
    "bars",
    "chart",
    "ws_history",
    "series",
    "dividends",
    "splits",
    "prediction",
    MARKET,
    "adjusted_close",
    "total_return",
    "inflation_rate",
];

/// What stays in the value of a parameter: it means nothing else in a key.
const KEPT: &[u8] = b"-._~/+";

/// The provider of what `put` wrote.
pub const PUT: &str = "put";

/// The name of a value.
///
/// Invariant: not empty, at most 512 bytes, no control character, no white space, none of
/// `* ? @`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Box<str>);

impl Key {
    /// The key of one type of data about one symbol.
    pub fn of(data_type: DataType, symbol: &Symbol) -> Self {
        let (data_type, class) = (data_type.as_str(), symbol.class().as_str());
        Self(format!("{data_type}:{class}:{symbol}").into())
    }

    /// The key of what an endpoint gives that takes no symbol: `coinlist:cryptometer`.
    pub fn without_symbol(data_type: DataType, provider: &str) -> Self {
        Self(format!("{}:{provider}", data_type.as_str()).into())
    }

    /// The same with parameters behind it, if there are any: `book:crypto:BTC:depth=10,side=buy`.
    #[must_use]
    pub fn with(self, params: &Params) -> Self {
        if params.is_empty() {
            return self;
        }
        let said = params.iter().map(|(name, value)| format!("{name}={}", encoded(value, KEPT)));
        Self(format!("{}:{}", self.0, said.collect::<Vec<_>>().join(",")).into())
    }

    /// The key of bars: `bars:stock:AAPL:1d`, with early and late trading `bars:stock:AAPL:1m:extended`.
    pub fn of_bars(symbol: &Symbol, interval: Interval, session: SessionKind) -> Self {
        let bars = Self::of(DataType::Bars, symbol);
        let hours = match session {
            SessionKind::Regular => "",
            SessionKind::Extended => ":extended",
        };
        Self(format!("{bars}:{}{hours}", interval.as_str()).into())
    }

    /// Reads a key as people and the seeds write it.
    pub fn parse(text: &str, names: &dyn Names) -> Result<Self, Usage> {
        if let Some(odd) = text.chars().find(|c| FOREIGN.contains(c)) {
            return Err(Usage::new(format!(
                "`{}` is not a key: it holds `{odd}`",
                sanitized(text)
            ))
            .hint("a key is a name such as `quote:stock:AAPL`; `keys PATTERN` takes globs"));
        }
        checked(text)?;
        Ok(Self(in_our_spelling(text, names).into()))
    }

    /// The key that this text already is; for what comes out of the database.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first colon: the type, for all but what `put` wrote.
    pub fn data_type(&self) -> &str {
        self.0.split_once(':').map_or(&self.0, |(data_type, _)| data_type)
    }

    /// The class, if the key follows the grammar.
    pub fn class(&self) -> Option<Class> {
        self.0.split(':').nth(1).and_then(Class::from_name)
    }

    /// The symbol, if the key follows the grammar.
    pub fn symbol(&self) -> Option<&str> {
        self.class()?;
        self.0.split(':').nth(2)
    }

    /// The interval of bars, if it names one.
    pub fn interval(&self) -> Option<Interval> {
        self.symbol()?;
        self.0.split(':').nth(3).and_then(Interval::from_name)
    }

    /// What it is about, class and symbol as they stand in it (`stock:AAPL`), if the key follows
    /// the grammar.
    pub fn subject(&self) -> Option<&str> {
        let symbol = self.symbol()?;
        let start = self.data_type().len() + 1;
        let class = self.0[start..].find(':')? + 1;
        Some(&self.0[start..start + class + symbol.len()])
    }

    /// The first of the sixteen row ids that are this key's: XXH3 of the text with the low four
    /// bits clear. Two keys may share it, so whoever reads a row compares the text too.
    pub fn first_id(&self) -> i64 {
        (xxh3_64(self.0.as_bytes()) & !15).cast_signed()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Which entries are meant: a glob over keys (`*` any run, `?` any one character), and perhaps
/// one provider, as in `quote:*@yahoo`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern {
    glob: Box<str>,
    provider: Option<Box<str>>,
}

impl Pattern {
    /// Reads a pattern as people and the seeds write it.
    pub fn parse(text: &str, names: &dyn Names) -> Result<Self, Usage> {
        let (glob, provider) = match text.rsplit_once('@') {
            Some((glob, provider)) if !provider.is_empty() => (glob, Some(provider.into())),
            _ => (text, None),
        };
        checked(glob)?;
        Ok(Self { glob: in_our_spelling(glob, names).into(), provider })
    }

    /// The pattern that picks the key of this text and no other; none if no key can be called so.
    pub fn of_key(text: &str) -> Option<Self> {
        let is_key = checked(text).is_ok() && !text.contains(FOREIGN);
        is_key.then(|| Self { glob: text.into(), provider: None })
    }

    /// Whether it names one key and no glob.
    pub fn is_one_key(&self) -> bool {
        !self.glob.contains(['*', '?'])
    }

    /// The glob alone.
    pub fn glob(&self) -> &str {
        &self.glob
    }

    /// The provider that it is limited to.
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// What every key that it picks begins with.
    pub fn prefix(&self) -> &str {
        self.glob.split(['*', '?']).next().unwrap_or_default()
    }

    /// Whether this entry is meant.
    pub fn picks(&self, key: &Key, provider: &str) -> bool {
        self.provider.as_deref().is_none_or(|wanted| wanted == provider)
            && matches(&self.glob, &key.0)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.glob)?;
        self.provider.as_ref().map_or(Ok(()), |provider| write!(f, "@{provider}"))
    }
}

/// Percent-encodes a text (RFC 3986): letters and digits stay, and these.
pub(crate) fn encoded(text: &str, besides: &[u8]) -> String {
    use fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || besides.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn checked(text: &str) -> Result<(), Usage> {
    let hint = "a key is a name such as `quote:stock:AAPL` or `system_config:paper_trading`";
    if text.is_empty() {
        return Err(Usage::new("a key is empty").hint(hint));
    }
    if text.len() > LONGEST {
        return Err(Usage::new(format!(
            "the key `{}` is longer than {LONGEST} bytes",
            sanitized(text)
        ))
        .hint(hint));
    }
    if let Some(odd) = text.chars().find(|c| c.is_control() || c.is_whitespace()) {
        return Err(Usage::new(format!("the key `{}` holds {odd:?}", sanitized(text))).hint(hint));
    }
    Ok(())
}

/// The seeds leave the class out and call a quote a price. Where a key follows the grammar, its symbol
/// has the one spelling that it has everywhere.
fn in_our_spelling(text: &str, names: &dyn Names) -> String {
    let mut parts: Vec<String> = text.split(':').map(str::to_owned).collect();
    if parts[0] == "price" {
        "quote".clone_into(&mut parts[0]);
    }
    let is_plain = |part: &String| !part.contains(['*', '?']);
    let has_class = parts.get(1).is_some_and(|part| Class::from_name(part).is_some());
    // `prediction:lstm:NVDA` has a part more than the seeds: it is a name of somebody's own.
    let longest = if parts[0] == "prediction" { 2 } else { 3 };
    let without_class = SEEDS_WITHOUT_CLASS.contains(&parts[0].as_str())
        && (2..=longest).contains(&parts.len())
        && !has_class
        && is_plain(&parts[1]);
    if without_class && let Ok(symbol) = Symbol::parse(&parts[1], names) {
        parts[1] = format!("{}:{symbol}", symbol.class().as_str());
        if let Some(interval) = parts.get_mut(2) {
            *interval = interval.to_ascii_lowercase();
        }
    } else if has_class
        && parts[0] != MARKET
        && DATA_TYPES.contains(&parts[0].as_str())
        && parts.get(2).is_some_and(is_plain)
        && let Ok(symbol) = Symbol::parse(&format!("{}:{}", parts[1], parts[2]), names)
    {
        parts[2] = symbol.to_string();
    }
    parts.join(":")
}

/// Whether the glob matches the whole text, without recursion: on a mismatch the last star takes
/// one more character.
fn matches(glob: &str, text: &str) -> bool {
    let (mut g, mut t) = (glob.chars(), text.chars());
    let mut star: Option<(Chars<'_>, Chars<'_>)> = None;
    loop {
        let (mut wanted, mut given) = (g.clone(), t.clone());
        match (wanted.next(), given.next()) {
            (Some('*'), _) => {
                star = Some((wanted.clone(), t.clone()));
                g = wanted;
            }
            (None, None) => return true,
            (Some(a), Some(b)) if a == '?' || a == b => (g, t) = (wanted, given),
            _ => {
                // The rest of the text, less one more character that the last star takes.
                let Some((after, taken)) = &mut star else { return false };
                if taken.next().is_none() {
                    return false;
                }
                (g, t) = (after.clone(), taken.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Coins;

    impl Names for Coins {
        fn class_of(&self, name: &str) -> Option<Class> {
            (name == "BTC").then_some(Class::Crypto)
        }
        fn alias(&self, _: &str) -> Option<String> {
            None
        }
        fn crypto_quote(&self) -> String {
            "USDT".to_owned()
        }
    }

    #[test]
    fn the_seeds_spellings_are_read_and_ours_are_kept() {
        for (text, expected) in [
            ("quote:stock:AAPL", "quote:stock:AAPL"),
            ("price:crypto:BTC", "quote:crypto:BTC"),
            ("prediction:BTC", "prediction:crypto:BTC"),
            ("prediction:stock:NVDA", "prediction:stock:NVDA"),
            ("chart:BTC:1D", "chart:crypto:BTC:1d"),
            ("ws_history:NVDA:1D", "ws_history:stock:NVDA:1d"),
            ("market:all", "market:all"),
            ("prediction:lstm:NVDA:1h", "prediction:lstm:NVDA:1h"),
            ("prediction:stock:nvda", "prediction:stock:NVDA"),
            ("quote:stock:brk-b", "quote:stock:BRK.B"),
            ("bars:crypto:btc-usdt:1d", "bars:crypto:BTC:1d"),
            ("signal:stock:nvda", "signal:stock:nvda"),
            ("system_config:paper_trading", "system_config:paper_trading"),
            ("pair_strategies:ETH/USDT", "pair_strategies:ETH/USDT"),
        ] {
            assert_eq!(Key::parse(text, &Coins).unwrap().as_str(), expected);
        }
    }

    #[test]
    fn what_cannot_be_a_key_is_refused() {
        let long = "k".repeat(600);
        for text in ["", "a b", "a\nb", "quote:*", "a@b", &long] {
            assert!(Key::parse(text, &Coins).is_err(), "{text}");
        }
    }

    #[test]
    fn globs_pick_what_people_mean() {
        for (pattern, key, provider, picked) in [
            ("quote:*", "quote:stock:AAPL", "yahoo", true),
            ("*:AAPL*", "quote:stock:AAPL", "yahoo", true),
            ("*:AAPL*", "bars:stock:AAPL:1d", "yahoo", true),
            ("*:AAPL", "bars:stock:AAPL:1d", "yahoo", false),
            ("quote:stock:AAP?", "quote:stock:AAPL", "yahoo", true),
            ("price:*", "quote:stock:AAPL", "yahoo", true),
            ("quote:*@yahoo", "quote:stock:AAPL", "yahoo", true),
            ("quote:*@demo", "quote:stock:AAPL", "yahoo", false),
            ("quote:stock:AAPL", "quote:stock:AAPL", "yahoo", true),
            ("quote", "quote:stock:AAPL", "yahoo", false),
        ] {
            let pattern = Pattern::parse(pattern, &Coins).unwrap();
            assert_eq!(pattern.picks(&Key::from_stored(key), provider), picked, "{pattern} {key}");
        }
    }

    #[test]
    fn a_key_says_what_it_is_about() {
        for (key, subject) in [
            ("quote:stock:AAPL", Some("stock:AAPL")),
            ("bars:crypto:BTC/EUR:1d", Some("crypto:BTC/EUR")),
            ("bars:crypto:BTC/EUR:1d:x", Some("crypto:BTC/EUR")),
            ("quote:stock:", Some("stock:")),
            ("quote:stock", None),
            ("coinlist:cryptometer", None),
            ("system_config:paper_trading", None),
            ("AAPL", None),
        ] {
            assert_eq!(Key::from_stored(key).subject(), subject, "{key}");
        }
    }

    #[test]
    fn the_row_id_of_a_key_never_changes() {
        // On disk for ever: XXH3-64 of the text with the low four bits clear.
        let key = Key::from_stored("quote:stock:AAPL");
        assert_eq!(key.first_id() & 15, 0);
        assert_eq!(key.first_id(), 4_276_016_951_806_221_904);
    }

    fn slow_matches(glob: &[char], text: &[char]) -> bool {
        match (glob.first(), text.first()) {
            (None, None) => true,
            (Some('*'), _) => {
                slow_matches(&glob[1..], text)
                    || (!text.is_empty() && slow_matches(glob, &text[1..]))
            }
            (Some('?'), Some(_)) => slow_matches(&glob[1..], &text[1..]),
            (Some(a), Some(b)) if a == b => slow_matches(&glob[1..], &text[1..]),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn the_matcher_agrees_with_the_obvious_one(glob in "[aé*?]{0,8}", text in "[aé]{0,10}") {
            let (g, t): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
            prop_assert_eq!(matches(&glob, &text), slow_matches(&g, &t));
        }
    }
}
