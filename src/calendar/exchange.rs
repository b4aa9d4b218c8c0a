//! Where something is traded, by name.
//!
//! The names are the MICs of ISO 10383, and two of our own for markets without a place: `FX`, the
//! week of currencies, and `24/7`, which never closes.

use std::fmt;

use serde::{Serialize, Serializer};

use super::table::{TABLES, Table};
use crate::error::{Usage, nearest, sanitized};

/// An exchange whose sessions are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Exchange(pub(super) u8);

/// What people call them besides.
const ALIASES: [(&str, Exchange); 47] = [
    ("NYSE", Exchange::XNYS),
    ("AMEX", Exchange::XNYS),
    ("ARCA", Exchange::XNYS),
    ("NASDAQ", Exchange::XNAS),
    ("LSE", Exchange::XLON),
    ("LONDON", Exchange::XLON),
    ("XETRA", Exchange::XETR),
    ("FRANKFURT", Exchange::XETR),
    ("EURONEXT", Exchange::XPAR),
    ("PARIS", Exchange::XPAR),
    ("AMSTERDAM", Exchange::XAMS),
    ("BRUSSELS", Exchange::XBRU),
    ("LISBON", Exchange::XLIS),
    ("DUBLIN", Exchange::XDUB),
    ("OSLO", Exchange::XOSL),
    ("MILAN", Exchange::XMIL),
    ("MADRID", Exchange::XMAD),
    ("BME", Exchange::XMAD),
    ("SIX", Exchange::XSWX),
    ("ZURICH", Exchange::XSWX),
    ("VIENNA", Exchange::XWBO),
    ("STOCKHOLM", Exchange::XSTO),
    ("COPENHAGEN", Exchange::XCSE),
    ("HELSINKI", Exchange::XHEL),
    ("TSE", Exchange::XTKS),
    ("JPX", Exchange::XTKS),
    ("TOKYO", Exchange::XTKS),
    ("HKEX", Exchange::XHKG),
    ("SEHK", Exchange::XHKG),
    ("HONGKONG", Exchange::XHKG),
    ("TSX", Exchange::XTSE),
    ("TORONTO", Exchange::XTSE),
    ("ASX", Exchange::XASX),
    ("SYDNEY", Exchange::XASX),
    ("NZX", Exchange::XNZE),
    ("KRX", Exchange::XKRX),
    ("TWSE", Exchange::XTAI),
    ("SSE", Exchange::XSHG),
    ("SHANGHAI", Exchange::XSHG),
    ("SGX", Exchange::XSES),
    ("BSE", Exchange::XBOM),
    ("NSE", Exchange::XBOM),
    ("B3", Exchange::BVMF),
    ("crypto", Exchange::ALWAYS),
    ("24X7", Exchange::ALWAYS),
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

    /// Reads an exchange as people write it: `XNYS`, `nyse`, `24/7`.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        Self::from_alias(text).ok_or_else(|| {
            let usage = Usage::new(format!("`{}` is not an exchange", sanitized(text)));
            usage.hint(match nearest(text, Self::names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`mcache calendar` lists the exchanges".to_owned(),
            })
        })
    }

    /// The exchange of this name, or of what people call it: `NYSE`, `xetra`, `forex`.
    fn from_alias(name: &str) -> Option<Self> {
        let named = |(alias, _): &&(&str, Self)| alias.eq_ignore_ascii_case(name);
        Self::from_name(name).or_else(|| ALIASES.iter().find(named).map(|(_, exchange)| *exchange))
    }

    /// Every name that it has, and what people call it.
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

/// As it is written everywhere else.
impl Serialize for Exchange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
