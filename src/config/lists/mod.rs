//! Lists of symbols: the portfolio and the watchlists, as the configuration says them or the files
//! that it names.
//!
//! Nothing is read before a list is asked for, or a cache is opened whose rules depend on one: where
//! none is configured, asking costs a few look-ups. It is read once. What is wrong with a list stops
//! whoever needs it, with the place; a list is never served in part.
//!
//! *What a file may be* is told by the end of its name, else by its first line: YAML (`.yaml`,
//! `.yml`, `.json`), a table with a header (`.csv`, `.tsv`), or plain symbols. A file of another
//! program is welcome as it is: of a table only the column of symbols is read, of YAML only
//! `positions`.

mod positions;
#[cfg(test)]
mod tests;
mod text;

use std::collections::HashSet;
use std::sync::Arc;

use super::file::{File, Longest};
use super::{Config, Layers};
use crate::error::{Usage, nearest, sanitized};
use crate::market::Symbol;

const WATCHLISTS: &str = "watchlists";
const PORTFOLIO: &str = "portfolio";
const POSITIONS: &str = "positions";
const FILE: &str = "file";

/// The name of all lists together.
const ALL: &str = "all";

/// Half a million symbols: more than any exchange lists.
const LONGEST: Longest =
    Longest { bytes: 4 * 1024 * 1024, shown: "4 MiB", hint: "a list is one symbol a line" };

/// What to do about a file that is no list.
const FORMS: &str =
    "a list is plain symbols, a CSV with a column `symbol`, or YAML with a list `positions`";

/// Every list of the configuration, each symbol once in its list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// What is held: `@portfolio`.
    pub portfolio: Vec<Symbol>,
    /// What is watched, by the names of the lists: `@name`.
    pub watchlists: Vec<(String, Vec<Symbol>)>,
}

impl Lists {
    /// The symbols of a list by its name; none for a list that there is not.
    pub fn of(&self, name: &str) -> impl Iterator<Item = &Symbol> {
        let held = self.portfolio.iter().filter(move |_| [PORTFOLIO, ALL].contains(&name));
        let named = move |list: &&(String, Vec<Symbol>)| name == ALL || list.0 == name;
        held.chain(self.watchlists.iter().filter(named).flat_map(|(_, symbols)| symbols))
    }
}

impl Config {
    /// All lists, with their files read: once, since a file may be a pipe, and one run has one
    /// portfolio.
    pub fn lists(&self) -> Result<&Arc<Lists>, Usage> {
        if let Some(lists) = self.read_lists.get() {
            return Ok(lists);
        }
        let lists = self.read_lists()?;
        Ok(self.read_lists.get_or_init(|| Arc::new(lists)))
    }

    fn read_lists(&self) -> Result<Lists, Usage> {
        let layers = self.layers();
        if !layers.differ() {
            return Ok(Lists::default());
        }
        let watchlist = |name: String| {
            let symbols = watchlist(layers, &name)?;
            Ok((name, symbols))
        };
        Ok(Lists {
            portfolio: portfolio(layers)?.unwrap_or_default(),
            watchlists: layers
                .names(&[WATCHLISTS])
                .into_iter()
                .map(watchlist)
                .collect::<Result<_, Usage>>()?,
        })
    }

    /// One list by its name; `all` is the portfolio and every watchlist, each symbol once.
    pub fn list(&self, name: &str) -> Result<Vec<Symbol>, Usage> {
        self.check_list(name)?;
        Ok(each_once(self.lists()?.of(name).cloned()))
    }

    /// Refuses the name of a list that there is not.
    pub(super) fn check_list(&self, name: &str) -> Result<(), Usage> {
        let layers = self.layers();
        let watchlists = layers.names(&[WATCHLISTS]);
        if name == ALL || watchlists.iter().any(|known| known == name) {
            return Ok(());
        }
        let usage = Usage::new(format!("there is no list `@{}`", sanitized(name)));
        if name == PORTFOLIO {
            let is_said = !layers.names(&[PORTFOLIO]).is_empty();
            return if is_said {
                Ok(())
            } else {
                Err(usage.hint(
                    "say what you hold under `portfolio` in the configuration, as in \
                     portfolio: {positions: [NVDA]}",
                ))
            };
        }
        let known = watchlists.iter().map(String::as_str).chain([PORTFOLIO, ALL]);
        Err(usage.hint(match nearest(name, known) {
            Some(near) => format!("did you mean `@{near}`?"),
            None => "lists stand under `watchlists` in the configuration".to_owned(),
        }))
    }
}

/// Refuses a watchlist that could never be asked for.
pub(super) fn check(layers: &Layers) -> Result<(), Usage> {
    for name in layers.names(&[WATCHLISTS]) {
        let usage = Usage::new(format!("a watchlist cannot be named `{name}`"));
        let usage = match name.as_str() {
            PORTFOLIO => usage.hint("what you hold stands under `portfolio`, beside `watchlists`"),
            ALL => usage.hint("`@all` is the portfolio and every watchlist together"),
            _ => continue,
        };
        return Err(layers.at(&[WATCHLISTS, &name], usage));
    }
    Ok(())
}

/// What is held, as said and then from the file; none if neither is configured.
fn portfolio(layers: &Layers) -> Result<Option<Vec<Symbol>>, Usage> {
    let said = said(layers, &[PORTFOLIO, POSITIONS])?;
    let read = of_file(layers, &[PORTFOLIO, FILE])?;
    if said.is_none() && read.is_none() {
        return Ok(None);
    }
    Ok(Some(each_once(said.into_iter().chain(read).flatten())))
}

/// A watchlist. It is said or from a file, never both; where two layers differ in that, the file
/// is closer.
fn watchlist(layers: &Layers, name: &str) -> Result<Vec<Symbol>, Usage> {
    let symbols = match of_file(layers, &[WATCHLISTS, name, FILE])? {
        None => said(layers, &[WATCHLISTS, name])?,
        read => read,
    };
    Ok(each_once(symbols.into_iter().flatten()))
}

fn each_once(symbols: impl Iterator<Item = Symbol>) -> Vec<Symbol> {
    let mut seen = HashSet::new();
    symbols.filter(|symbol| seen.insert(symbol.clone())).collect()
}

/// The symbols that the configuration itself lists at this path.
fn said(layers: &Layers, path: &[&str]) -> Result<Option<Vec<Symbol>>, Usage> {
    let Some(texts) = layers.list(path) else { return Ok(None) };
    let symbols: Result<_, Usage> =
        texts.into_iter().map(|text| Symbol::parse(text, layers)).collect();
    symbols.map(Some).map_err(|usage| layers.at(path, usage))
}

/// The symbols of the file that the configuration names at this path.
fn of_file(layers: &Layers, path: &[&str]) -> Result<Option<Vec<Symbol>>, Usage> {
    let Some(name) = layers.path(path) else { return Ok(None) };
    let file = match File::read(&name, &LONGEST) {
        Ok(Some(file)) => file,
        Ok(None) => {
            let usage = Usage::new(format!("{} does not exist", name.display()))
                .hint("a relative path is relative to the file that says it");
            return Err(layers.at(path, usage));
        }
        Err(usage) => return Err(layers.at(path, hinted(usage))),
    };
    text::symbols(&file, layers).map(Some).map_err(hinted)
}

/// The same mistake, with what a list is if nothing better is known.
fn hinted(usage: Usage) -> Usage {
    Usage { hint: usage.hint.or_else(|| Some(FORMS.to_owned())), ..usage }
}
