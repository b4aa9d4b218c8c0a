//! The exchanges' calendars, as the configuration says them: a file of days, and whose a suffix or
//! a symbol is.
//!
//! Where nothing is said of them nothing is read: a hit needs them too.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::{Config, Layers};
use crate::calendar::{Calendars, Exchange, Override};
use crate::error::Usage;

/// The longest file of days, in bytes: a hundred thousand of them.
const LONGEST: u64 = 4 * 1024 * 1024;

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
            .with_suffixes(said(layers, "suffixes"))
            .with_symbols(said(layers, "symbols")))
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

/// Reads the days of a file.
fn days(path: &Path) -> Result<Vec<Override>, Usage> {
    let shown = path.display();
    let refused = |why: &str| {
        Usage::new(format!("`{shown}` {why}"))
            .hint("`calendars.file` names a CSV of days; ~ there is none")
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| refused(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > LONGEST {
        return Err(refused("is longer than 4 MiB"));
    }
    let text = String::from_utf8(bytes).map_err(|_| refused("is not UTF-8"))?;
    Override::parse_all(&text).map_err(|usage| usage.at(format_args!("`{shown}`")))
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
