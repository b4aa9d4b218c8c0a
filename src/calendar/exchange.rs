//! Where something is traded, by name.
//!
//! The names are the MICs of ISO 10383, and two of our own for markets without a place: `FX`, the
//! week of currencies, and `24/7`, which never closes.

use std::fmt;

use super::table::{TABLES, Table};

/// An exchange whose sessions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub(super) u8);

/// What people call them, in lower case, besides their names.
const ALIASES: [(&str, Exchange); 46] = [
    ("nyse", Exchange::XNYS),
    ("amex", Exchange::XNYS),
    ("arca", Exchange::XNYS),
    ("nasdaq", Exchange::XNAS),
    ("lse", Exchange::XLON),
    ("london", Exchange::XLON),
    ("xetra", Exchange::XETR),
    ("frankfurt", Exchange::XETR),
    ("euronext", Exchange::XPAR),
    ("paris", Exchange::XPAR),
    ("amsterdam", Exchange::XAMS),
    ("brussels", Exchange::XBRU),
    ("lisbon", Exchange::XLIS),
    ("dublin", Exchange::XDUB),
    ("oslo", Exchange::XOSL),
    ("milan", Exchange::XMIL),
    ("madrid", Exchange::XMAD),
    ("bme", Exchange::XMAD),
    ("six", Exchange::XSWX),
    ("zurich", Exchange::XSWX),
    ("vienna", Exchange::XWBO),
    ("stockholm", Exchange::XSTO),
    ("copenhagen", Exchange::XCSE),
    ("helsinki", Exchange::XHEL),
    ("tse", Exchange::XTKS),
    ("jpx", Exchange::XTKS),
    ("tokyo", Exchange::XTKS),
    ("hkex", Exchange::XHKG),
    ("sehk", Exchange::XHKG),
    ("hongkong", Exchange::XHKG),
    ("tsx", Exchange::XTSE),
    ("toronto", Exchange::XTSE),
    ("asx", Exchange::XASX),
    ("sydney", Exchange::XASX),
    ("nzx", Exchange::XNZE),
    ("krx", Exchange::XKRX),
    ("twse", Exchange::XTAI),
    ("sse", Exchange::XSHG),
    ("shanghai", Exchange::XSHG),
    ("sgx", Exchange::XSES),
    ("bse", Exchange::XBOM),
    ("b3", Exchange::BVMF),
    ("crypto", Exchange::ALWAYS),
    ("24x7", Exchange::ALWAYS),
    ("forex", Exchange::FX),
    ("currencies", Exchange::FX),
];

/// The suffixes that ship: Yahoo's. Where an exchange has none of its own here, but keeps the days
/// and hours of another of its country, it is that one: Shenzhen, Kosdaq, TSX Venture, NSE.
pub const SUFFIXES: [(&str, Exchange); 32] = [
    ("AS", Exchange::XAMS),
    ("AX", Exchange::XASX),
    ("BO", Exchange::XBOM),
    ("BR", Exchange::XBRU),
    ("CO", Exchange::XCSE),
    ("DE", Exchange::XETR),
    ("HE", Exchange::XHEL),
    ("HK", Exchange::XHKG),
    ("IL", Exchange::XLON),
    ("IR", Exchange::XDUB),
    ("KQ", Exchange::XKRX),
    ("KS", Exchange::XKRX),
    ("L", Exchange::XLON),
    ("LS", Exchange::XLIS),
    ("MC", Exchange::XMAD),
    ("MI", Exchange::XMIL),
    ("NS", Exchange::XBOM),
    ("NZ", Exchange::XNZE),
    ("OL", Exchange::XOSL),
    ("PA", Exchange::XPAR),
    ("SA", Exchange::BVMF),
    ("SI", Exchange::XSES),
    ("SS", Exchange::XSHG),
    ("ST", Exchange::XSTO),
    ("SW", Exchange::XSWX),
    ("SZ", Exchange::XSHG),
    ("T", Exchange::XTKS),
    ("TO", Exchange::XTSE),
    ("TW", Exchange::XTAI),
    ("TWO", Exchange::XTAI),
    ("V", Exchange::XTSE),
    ("VI", Exchange::XWBO),
];

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 255 tables")]
const PLACES: u8 = TABLES.len() as u8;

impl Exchange {
    /// The week of currencies: from Sunday to Friday, 17:00 in New York.
    pub const FX: Self = Self(PLACES);

    /// The market that never closes.
    pub const ALWAYS: Self = Self(PLACES + 1);

    /// Every exchange: those with a place by their name, then `FX` and `24/7`.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..PLACES + 2).map(Self)
    }

    /// What is known of it; nothing is of the markets without a place.
    pub(super) fn table(self) -> Option<&'static Table> {
        TABLES.get(usize::from(self.0))
    }

    /// The name: a MIC, `FX` or `24/7`.
    pub fn as_str(self) -> &'static str {
        match self.table() {
            Some(table) => table.name,
            None if self == Self::FX => "FX",
            None => "24/7",
        }
    }

    /// What it is called.
    pub fn title(self) -> &'static str {
        match self.table() {
            Some(table) => table.title,
            None if self == Self::FX => "Currencies",
            None => "Always open",
        }
    }

    /// The name of the time zone that its hours are in.
    pub fn zone(self) -> &'static str {
        match self.table() {
            Some(table) => table.zone,
            None if self == Self::FX => Self::XNYS.zone(),
            None => "UTC",
        }
    }

    /// The exchange of this name, in upper or lower case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|exchange| exchange.as_str().eq_ignore_ascii_case(name))
    }

    /// The exchange of this name, or of what people call it: `NYSE`, `xetra`, `forex`.
    pub fn from_alias(name: &str) -> Option<Self> {
        let named = |(alias, _): &&(&str, Self)| alias.eq_ignore_ascii_case(name);
        Self::from_name(name).or_else(|| ALIASES.iter().find(named).map(|(_, exchange)| *exchange))
    }

    /// Every name that [`Self::from_alias`] takes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::all().map(Self::as_str).chain(ALIASES.iter().map(|(alias, _)| *alias))
    }

    /// The exchange that a symbol's suffix is shipped as: `L` of `VOD.L` is London.
    pub fn of_suffix(suffix: &str) -> Option<Self> {
        let said = |(known, _): &&(&str, Self)| known.eq_ignore_ascii_case(suffix);
        SUFFIXES.iter().find(said).map(|(_, exchange)| *exchange)
    }
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
