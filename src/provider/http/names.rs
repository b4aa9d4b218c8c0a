//! What an upstream calls a symbol, or a side of a pair, where it has a name of its own.

use std::sync::Arc;

use crate::market::Symbol;

/// Names of ours, each with upstream's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(Arc<[(Box<str>, Box<str>)]>);

impl Names {
    /// These names; of one that is there twice the last holds.
    pub fn new(names: impl IntoIterator<Item = (Box<str>, Box<str>)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// What upstream calls what has this name.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(known, _)| **known == *name).map(|(_, is)| &**is)
    }

    /// What upstream calls a symbol; a pair may be named with both sides, also where one goes without
    /// saying.
    pub(super) fn of_symbol(&self, symbol: &Symbol) -> Option<&str> {
        self.get(symbol.name()).or_else(|| self.get(&whole(symbol)?))
    }
}

/// Both sides of a coin, also where one goes without saying.
fn whole(symbol: &Symbol) -> Option<String> {
    symbol.pair().map(|(base, quote)| format!("{base}/{quote}"))
}
