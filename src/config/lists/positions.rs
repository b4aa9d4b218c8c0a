//! A list in YAML: the one called `positions`, in a file that may say much else.

use std::cell::RefCell;

use super::{PORTFOLIO, POSITIONS};
use crate::config::Layers;
use crate::config::file::File;
use crate::config::tree::{Found, Guide, ITEM, Refusal, SEPARATOR, below, shown, unfold};
use crate::error::{Usage, nearest, sanitized};
use crate::market::Symbol;

/// The name of the symbol in a position that is a map.
const SYMBOL: &str = "symbol";

/// `positions`, on its own or in `portfolio`; or the document, or `portfolio`, is itself the list.
pub(super) fn of_yaml(file: &File, layers: &Layers) -> Result<Vec<Symbol>, Usage> {
    let read = |refused| {
        let positions = Positions { layers, refused, seen: RefCell::default() };
        let led = unfold(&file.text, &positions).map_err(|fault| file.fault(fault));
        led.map(|()| positions.seen.into_inner())
    };
    let mut seen = read(None)?;
    if let Some(nameless) = seen.has_symbol.iter().position(|has| !has) {
        // What is missing has no place: it is read once more, up to the map that lacks it.
        seen = read(Some(nameless))?;
    }
    if seen.has_list || seen.others.is_empty() {
        return Ok(seen.symbols);
    }
    let usage = Usage::new("there is no list `positions`").at(file.name.display());
    Err(match nearest(POSITIONS, seen.others.iter().map(String::as_str)) {
        Some(near) => usage.hint(format!("is `{}` meant to be it?", sanitized(near))),
        None => usage,
    })
}

/// Leads through the YAML of a list: takes its symbols and passes over what else is there.
struct Positions<'a> {
    layers: &'a Layers,
    /// The item that is refused because it has no symbol.
    refused: Option<usize>,
    seen: RefCell<Seen>,
}

#[derive(Default)]
struct Seen {
    symbols: Vec<Symbol>,
    /// Of each item.
    has_symbol: Vec<bool>,
    has_list: bool,
    /// The names that stand where `positions` could.
    others: Vec<String>,
}

/// What a place in the YAML of a list is to the list.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The document or `portfolio`: a list, or a map with `positions`.
    Top,
    List,
    /// A symbol, or a map that has one.
    Item,
    Symbol,
    Elsewhere,
}

impl Place {
    fn of(path: &str) -> Self {
        let names: Vec<&str> = path.split(SEPARATOR).filter(|name| !name.is_empty()).collect();
        match names.strip_prefix(&[PORTFOLIO]).unwrap_or(&names) {
            [] => Self::Top,
            [POSITIONS] => Self::List,
            [ITEM] | [POSITIONS, ITEM] => Self::Item,
            [ITEM, SYMBOL] | [POSITIONS, ITEM, SYMBOL] => Self::Symbol,
            _ => Self::Elsewhere,
        }
    }

    /// What stands there in a list that is right.
    fn expected(self) -> &'static str {
        match self {
            Self::Top | Self::List => "a list",
            _ => "a symbol",
        }
    }
}

impl Guide for Positions<'_> {
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
        let mut seen = self.seen.borrow_mut();
        let path = below(parent, name);
        match Place::of(&path) {
            Place::List => seen.has_list = true,
            Place::Top => {}
            _ if Place::of(parent) == Place::Top => seen.others.push(name.to_owned()),
            _ => {}
        }
        Ok(path)
    }

    fn admit(&self, path: &str, found: Found) -> Result<(), Refusal> {
        let mut seen = self.seen.borrow_mut();
        let place = Place::of(path);
        match (place, found) {
            (Place::Item, Found::Map) if self.refused == Some(seen.has_symbol.len()) => {
                return Err(Refusal {
                    message: "a position has no `symbol`".to_owned(),
                    hint: Some("write {symbol: NVDA}, or NVDA alone".to_owned()),
                });
            }
            (Place::Item, Found::Map | Found::Text) => seen.has_symbol.push(found == Found::Text),
            (Place::Top | Place::List, Found::List) => seen.has_list = true,
            (Place::Elsewhere, _)
            | (_, Found::Null)
            | (Place::Top, Found::Map)
            | (Place::Symbol, Found::Text) => {}
            _ => {
                let what = match path {
                    "" => "the file".to_owned(),
                    path => format!("`{}`", shown(path)),
                };
                let message = format!("{what} is {}, not {}", found.as_str(), place.expected());
                return Err(Refusal { message, hint: None });
            }
        }
        Ok(())
    }

    fn check(&self, path: &str, text: &str) -> Result<(), Refusal> {
        let place = Place::of(path);
        if matches!(place, Place::Item | Place::Symbol) {
            let symbol = Symbol::parse(text, self.layers)
                .map_err(|Usage { message, hint }| Refusal { message, hint })?;
            let mut seen = self.seen.borrow_mut();
            seen.symbols.push(symbol);
            if let Some(last) = seen.has_symbol.last_mut() {
                *last = true;
            }
        }
        Ok(())
    }
}
