//! What is asked about, and the many ways in which people spell it.
//!
//! One thing has one spelling here, so that one thing has one key: `brk-b` and `BRK.B`, `BTC`
//! and `BTC-USDT`, `^GSPC` and `index:GSPC` are the same. A provider translates from this
//! spelling to its own.

use std::fmt;

use crate::error::{Usage, nearest, sanitized};

/// The longest symbol that is accepted, in characters: an option contract of OCC has 21.
const LONGEST: usize = 48;

/// The currency that a coin is quoted in when a symbol names none: `BTC` in a key is BTC in USDT,
/// whatever `crypto_quote` says, so that a changed setting cannot change what a key means.
const UNSAID_QUOTE: &str = "USDT";

/// What a crypto symbol may end in, after a dash or a slash.
const QUOTES: [&str; 10] =
    ["USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "BTC", "ETH"];

/// What a crypto symbol may end in without a separator: nothing that could end a stock's name.
const GLUED_QUOTES: [&str; 3] = ["USDT", "USDC", "FDUSD"];

/// The currencies that are traded against one another, by their three letters.
const CURRENCIES: [&str; 48] = [
    "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CHF", "CLP", "CNH", "CNY", "COP", "CZK", "DKK",
    "EGP", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS", "INR", "ISK", "JPY", "KES", "KRW", "KWD",
    "MXN", "MYR", "NGN", "NOK", "NZD", "PEN", "PHP", "PKR", "PLN", "QAR", "RON", "RUB", "SAR",
    "SEK", "SGD", "THB", "TRY", "TWD", "UAH", "USD", "VND", "ZAR",
];

/// Yahoo's exchange suffixes of one letter: London, Tokyo, Frankfurt and TSX Venture. Any other
/// single letter behind a dot is a class of shares.
const ONE_LETTER_EXCHANGES: [&str; 4] = ["L", "T", "F", "V"];

/// A class of assets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Shares, funds, futures: what an exchange lists.
    Stock,
    /// A coin in some currency.
    Crypto,
    /// A series of an economy.
    Macro,
    /// A currency in another.
    Fx,
    /// An index of an exchange.
    Index,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 5] = [Self::Stock, Self::Crypto, Self::Macro, Self::Fx, Self::Index];

    /// The name in keys and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stock => "stock",
            Self::Crypto => "crypto",
            Self::Macro => "macro",
            Self::Fx => "fx",
            Self::Index => "index",
        }
    }

    /// The class of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == name)
    }
}

/// What the configuration knows about names.
pub trait Names {
    /// The class that a bare name is set to have.
    fn class_of(&self, name: &str) -> Option<Class>;
    /// What this name stands for, as a symbol in any accepted spelling.
    fn alias(&self, name: &str) -> Option<String>;
    /// What a coin is quoted in when a symbol names no currency.
    fn crypto_quote(&self) -> String;
}

/// A configuration that knows no names.
#[cfg(test)]
pub(crate) struct Nobody;

#[cfg(test)]
impl Names for Nobody {
    fn class_of(&self, _: &str) -> Option<Class> {
        None
    }

    fn alias(&self, _: &str) -> Option<String> {
        None
    }

    fn crypto_quote(&self) -> String {
        UNSAID_QUOTE.to_owned()
    }
}

/// One thing that can be asked about.
///
/// Invariant: the name is upper case and of letters, digits and `. - _ / ^ = &`; a pair has one
/// `/`; a coin against the unsaid quote has none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Symbol {
    class: Class,
    name: Box<str>,
}

impl Symbol {
    /// The symbol of this class and this name, already in our spelling.
    pub fn new(class: Class, name: &str) -> Self {
        Self { class, name: name.into() }
    }

    /// Reads a symbol as people write it: `aapl`, `BRK-B`, `^GSPC`, `BTC/USDT`, `macro:GDP`.
    pub fn parse(text: &str, names: &dyn Names) -> Result<Self, Usage> {
        let spelt = checked(text)?;
        let target = names.alias(&spelt).map(|target| checked(&target)).transpose()?;
        let spelt = target.unwrap_or(spelt);
        let (class, name) = match spelt.split_once(':') {
            None => {
                let class = names.class_of(&spelt).unwrap_or_else(|| guessed_class(&spelt));
                (class, spelt.as_str())
            }
            Some((prefix, name)) => (said_class(prefix, text)?, name),
        };
        let lacks_a_side = |(base, quote): (&str, &str)| {
            base.is_empty() || quote.is_empty() || quote.contains('/')
        };
        if name.is_empty()
            || name.contains(':')
            || !name.contains(|c: char| c.is_alphanumeric())
            || (class == Class::Crypto && name.split_once('/').is_some_and(lacks_a_side))
        {
            return Err(Usage::new(format!("`{}` is not a symbol", sanitized(text)))
                .hint("write AAPL, BTC/USDT or, with the class said, macro:GDP"));
        }
        Ok(Self { class, name: normalized(class, name, names) })
    }

    /// What kind of thing it is.
    pub fn class(&self) -> Class {
        self.class
    }

    /// The name without the class.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Class and name as they stand in a key: `stock:AAPL`.
    pub fn subject(&self) -> Box<str> {
        format!("{}:{}", self.class.as_str(), self.name).into()
    }

    /// A coin's base and the currency that it is quoted in; none for any other class.
    pub fn pair(&self) -> Option<(&str, &str)> {
        (self.class == Class::Crypto)
            .then(|| self.name.split_once('/').unwrap_or((&self.name, UNSAID_QUOTE)))
    }

    /// The exchange rate that a stock's or a coin's name reads like, `EURUSD` and `EUR/USD`; none if
    /// it does not.
    #[must_use]
    pub fn as_rate(&self) -> Option<Self> {
        if !matches!(self.class, Class::Stock | Class::Crypto) {
            return None;
        }
        let name = self.name.replace('/', "");
        let (base, quote) = name.split_at_checked(3)?;
        let is_rate = base != quote && [base, quote].iter().all(|of| CURRENCIES.contains(of));
        is_rate.then(|| Self::new(Class::Fx, &name))
    }

    /// A company and its class of shares, `BRK` and `B`; none for a symbol that has none.
    pub fn share_class(&self) -> Option<(&str, &str)> {
        if self.class != Class::Stock {
            return None;
        }
        self.name.rsplit_once('.').filter(|(_, class)| is_share_class(class))
    }
}

/// The name alone, as it stands in keys and output.
impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.name)
    }
}

/// The text in upper case (its class in lower), if it can be a symbol at all.
fn checked(text: &str) -> Result<String, Usage> {
    let text = text.trim();
    let bad = |why: String| {
        Err(Usage::new(why).hint("a symbol has letters, digits and . - _ / ^ = & : only"))
    };
    if text.is_empty() {
        return bad("a symbol is empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return bad(format!("`{}` is longer than {LONGEST} characters", sanitized(text)));
    }
    if let Some(odd) =
        text.chars().find(|c| !(c.is_ascii_alphanumeric() || ".-_/^=&:".contains(*c)))
    {
        return bad(format!("`{}` holds {odd:?}, which no symbol has", sanitized(text)));
    }
    Ok(text.to_ascii_uppercase())
}

fn said_class(prefix: &str, text: &str) -> Result<Class, Usage> {
    let prefix = prefix.to_ascii_lowercase();
    Class::from_name(&prefix).ok_or_else(|| {
        let names = Class::ALL.map(Class::as_str);
        Usage::new(format!("`{prefix}` in `{}` is not a class", sanitized(text))).hint(
            match nearest(&prefix, names) {
                Some(name) => format!("did you mean `{name}`?"),
                None => format!("the classes are {}", names.join(", ")),
            },
        )
    })
}

/// The class of a name that nothing is known about: by its shape.
fn guessed_class(name: &str) -> Class {
    if name.starts_with('^') {
        Class::Index
    } else if name.ends_with("=X") {
        Class::Fx
    } else if name.contains('/') || split_pair(name).is_some() {
        Class::Crypto
    } else {
        Class::Stock
    }
}

/// Base and quote of `BTC/USDT`, `BTC-USDT` and `BTCUSDT`.
fn split_pair(name: &str) -> Option<(&str, &str)> {
    if let Some(pair) = name.split_once('/') {
        return Some(pair);
    }
    if let Some((base, quote)) = name.rsplit_once(['-', '_']) {
        return (!base.is_empty() && QUOTES.contains(&quote)).then_some((base, quote));
    }
    let quote = GLUED_QUOTES.into_iter().find(|quote| name.ends_with(quote))?;
    let (base, quote) = name.split_at(name.len() - quote.len());
    (base.len() >= 2).then_some((base, quote))
}

fn normalized(class: Class, name: &str, names: &dyn Names) -> Box<str> {
    match class {
        Class::Index => name.trim_start_matches('^').into(),
        Class::Fx => name.trim_end_matches("=X").replace(['/', '-'], "").into(),
        Class::Crypto => {
            let unsaid = names.crypto_quote();
            let (base, quote) = split_pair(name).unwrap_or((name, &unsaid));
            let quote = quote.to_ascii_uppercase();
            if quote == UNSAID_QUOTE { base.into() } else { format!("{base}/{quote}").into() }
        }
        Class::Stock => match name.rsplit_once(['-', '.']) {
            Some((company, class)) if is_share_class(class) => format!("{company}.{class}").into(),
            _ => name.into(),
        },
        Class::Macro => name.into(),
    }
}

fn is_share_class(suffix: &str) -> bool {
    suffix.len() == 1
        && suffix.bytes().all(|b| b.is_ascii_alphabetic())
        && !ONE_LETTER_EXCHANGES.contains(&suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Shipped;

    impl Names for Shipped {
        fn class_of(&self, name: &str) -> Option<Class> {
            match name {
                "BTC" | "ETH" => Some(Class::Crypto),
                "GDP" => Some(Class::Macro),
                _ => None,
            }
        }

        fn alias(&self, name: &str) -> Option<String> {
            (name == "CPI_INDEX").then(|| "macro:CPIAUCSL".to_owned())
        }

        fn crypto_quote(&self) -> String {
            "USDT".to_owned()
        }
    }

    #[test]
    fn one_thing_has_one_spelling() {
        for (text, class, name) in [
            ("aapl", Class::Stock, "AAPL"),
            (" AAPL ", Class::Stock, "AAPL"),
            ("BRK.B", Class::Stock, "BRK.B"),
            ("brk-b", Class::Stock, "BRK.B"),
            ("VOD.L", Class::Stock, "VOD.L"),
            ("7203.T", Class::Stock, "7203.T"),
            ("M&M.NS", Class::Stock, "M&M.NS"),
            ("GC=F", Class::Stock, "GC=F"),
            ("stock:BTC", Class::Stock, "BTC"),
            ("BTC", Class::Crypto, "BTC"),
            ("btc/usdt", Class::Crypto, "BTC"),
            ("BTC-USDT", Class::Crypto, "BTC"),
            ("BTCUSDT", Class::Crypto, "BTC"),
            ("BTC-USD", Class::Crypto, "BTC/USD"),
            ("crypto:SOL", Class::Crypto, "SOL"),
            ("ETH/BTC", Class::Crypto, "ETH/BTC"),
            ("GDP", Class::Macro, "GDP"),
            ("cpi_index", Class::Macro, "CPIAUCSL"),
            ("^GSPC", Class::Index, "GSPC"),
            ("index:GSPC", Class::Index, "GSPC"),
            ("EURUSD=X", Class::Fx, "EURUSD"),
            ("fx:EUR/USD", Class::Fx, "EURUSD"),
        ] {
            let symbol = Symbol::parse(text, &Shipped).unwrap();
            assert_eq!((symbol.class(), symbol.name()), (class, name), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_a_symbol_is_refused_with_a_hint() {
        let long = "A".repeat(100_000);
        for text in [
            "",
            " ",
            "AAPL;rm",
            "A B",
            "AAPL\u{1b}[31m",
            "é",
            "foo:BAR",
            "stock:",
            "a:b:c",
            "...",
            "BTC/",
            "/USDT",
            "BTC/USDT/X",
            &long,
        ] {
            let usage = Symbol::parse(text, &Shipped).unwrap_err();
            assert!(usage.hint.is_some(), "{text}");
            assert!(usage.message.chars().count() < 260, "{text}");
        }
    }

    #[test]
    fn a_changed_crypto_quote_changes_the_key_and_not_its_meaning() {
        struct InDollars;
        impl Names for InDollars {
            fn class_of(&self, _: &str) -> Option<Class> {
                Some(Class::Crypto)
            }
            fn alias(&self, _: &str) -> Option<String> {
                None
            }
            fn crypto_quote(&self) -> String {
                "USD".to_owned()
            }
        }
        let symbol = Symbol::parse("BTC", &InDollars).unwrap();
        assert_eq!(symbol.name(), "BTC/USD");
        assert_eq!(symbol.pair(), Some(("BTC", "USD")));
        assert_eq!(Symbol::parse("BTC/USDT", &InDollars).unwrap().name(), "BTC");
    }

    #[test]
    fn a_name_of_two_currencies_reads_like_an_exchange_rate() {
        for (text, rate) in [
            ("EURUSD", Some("fx:EURUSD")),
            ("eur/usd", Some("fx:EURUSD")),
            ("stock:USDJPY", Some("fx:USDJPY")),
            ("fx:EURUSD", None),
            ("USDUSD", None),
            ("USD", None),
            ("GOOGLE", None),
            ("EURUSDX", None),
            ("BTC/USD", None),
            ("BTC", None),
        ] {
            let symbol = Symbol::parse(text, &Nobody).unwrap();
            let read = symbol.as_rate().map(|rate| rate.subject());
            assert_eq!(read.as_deref(), rate, "{text}");
        }
    }
}
