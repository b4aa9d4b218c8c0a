//! The exchanges' calendars, as the configuration says them: a file of days, and whose a suffix or
//! a symbol is.
//!
//! Where nothing is said of them nothing is read: a hit needs them too.

use std::path::Path;

use super::file::{File, Longest};
use super::{Config, Layers};
use crate::calendar::{Calendars, Exchange, Override};
use crate::error::Usage;
use crate::market::Symbol;

/// A hundred thousand days.
const LONGEST: Longest =
    Longest { bytes: 4 * 1024 * 1024, shown: "4 MiB", hint: "a day is one line" };

const FILE: [&str; 2] = ["calendars", "file"];

impl Config {
    /// The calendars in force; the file of days is read for it, if one is said.
    pub fn calendars(&self) -> Result<Calendars, Usage> {
        let layers = self.layers();
        if !layers.differ_at("calendars") {
            return Ok(Calendars::default());
        }
        let days = match layers.path(&FILE) {
            Some(path) => days(&path).map_err(|usage| layers.at(&FILE, usage))?,
            None => Vec::new(),
        };
        Ok(Calendars::default()
            .with_days(days)
            .with_suffixes(suffixes(layers))
            .with_symbols(symbols(layers)?))
    }
}

/// Whose each name of a map is.
fn said(layers: &Layers, map: &str) -> Vec<(Box<str>, Exchange)> {
    let of = |name: String| {
        let exchange = layers.text(&["calendars", map, &name])?;
        // Every name was checked when it was loaded.
        Some((name.into(), Exchange::parse(exchange).ok()?))
    };
    layers.names(&["calendars", map]).into_iter().filter_map(of).collect()
}

/// Whose the symbols are that end so; `.L` is meant as `L`.
fn suffixes(layers: &Layers) -> Vec<(Box<str>, Exchange)> {
    let bare = |(suffix, exchange): (Box<str>, Exchange)| {
        (suffix.strip_prefix('.').map(Into::into).unwrap_or(suffix), exchange)
    };
    said(layers, "suffixes").into_iter().map(bare).collect()
}

/// Whose each symbol is, by class and name as in keys.
fn symbols(layers: &Layers) -> Result<Vec<(Box<str>, Exchange)>, Usage> {
    let subject = |(text, exchange): (Box<str>, Exchange)| {
        let symbol = Symbol::parse(&text, layers)
            .map_err(|usage| layers.at(&["calendars", "symbols", &text], usage))?;
        Ok((symbol.subject(), exchange))
    };
    said(layers, "symbols").into_iter().map(subject).collect()
}

/// Reads the days of a file.
fn days(path: &Path) -> Result<Vec<Override>, Usage> {
    let hint = "`calendars.file` names a CSV of days; ~ there is none";
    let hinted = |usage: Usage| Usage { hint: usage.hint.or(Some(hint.to_owned())), ..usage };
    let file = File::read(path, &LONGEST)
        .map_err(hinted)?
        .ok_or_else(|| hinted(Usage::new(format!("{} does not exist", path.display()))))?;
    Override::parse_all(&file.text).map_err(|usage| usage.at(path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::SUFFIXES;

    #[test]
    fn the_shipped_suffixes_are_those_of_the_calendars() {
        let shipped = said(&Layers::default(), "suffixes");
        let known = SUFFIXES.map(|(suffix, exchange)| (Box::from(suffix), exchange));
        assert_eq!(shipped, known);
        assert_eq!(said(&Layers::default(), "symbols"), []);
    }
}
