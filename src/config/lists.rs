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

use std::cell::RefCell;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::file::{File, Longest};
use super::tree::{Found, Guide, ITEM, Refusal, SEPARATOR, below, shown, unfold};
use super::{Config, Layers};
use crate::error::{Usage, nearest, sanitized};
use crate::market::Symbol;

const WATCHLISTS: &str = "watchlists";
const PORTFOLIO: &str = "portfolio";
const POSITIONS: &str = "positions";
const FILE: &str = "file";

/// The name of all lists together.
const ALL: &str = "all";

/// What the column of symbols may be called, the best name first.
const COLUMNS: [&str; 2] = ["symbol", "ticker"];

/// The name of the symbol in a position that is a map.
const SYMBOL: &str = "symbol";

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
    let symbols = match Form::of(&file) {
        Form::Yaml => of_yaml(&file, layers),
        Form::Table => of_table(&file, layers),
        Form::Plain => of_plain(&file, layers),
    };
    symbols.map(Some).map_err(hinted)
}

/// The same mistake, with what a list is if nothing better is known.
fn hinted(usage: Usage) -> Usage {
    Usage { hint: usage.hint.or_else(|| Some(FORMS.to_owned())), ..usage }
}

/// How a file says its symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Yaml,
    Table,
    Plain,
}

impl Form {
    fn of(file: &File) -> Self {
        let extension = file.name.extension().and_then(|extension| extension.to_str());
        match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("yaml" | "yml" | "json") => return Self::Yaml,
            Some("csv" | "tsv") => return Self::Table,
            _ => {}
        }
        let line = first_line(&file.text);
        let word = line.split_whitespace().next().unwrap_or_default();
        let is_header = |cell: &str| COLUMNS.iter().any(|name| cell.eq_ignore_ascii_case(name));
        // `symbol` alone is a header even where nothing parts the columns: taken for a symbol, it
        // would be asked for together with every number of the table.
        if line.split(SEPARATORS).map(unquoted).any(is_header) || is_header(word) {
            Self::Table
        } else if line.starts_with(['[', '{'])
            || ["-", "---"].contains(&word)
            || word.ends_with(':')
        {
            Self::Yaml
        } else {
            Self::Plain
        }
    }
}

/// What parts the columns of a table: programs write each of these.
const SEPARATORS: [char; 3] = [',', ';', '\t'];

fn unquoted(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

/// The first line that says something.
fn first_line(text: &str) -> &str {
    let says = |line: &&str| !line.is_empty() && !line.starts_with('#');
    text.lines().map(str::trim).find(says).unwrap_or_default()
}

/// One symbol a line, or several with commas or white space; what follows a `#` is a comment.
fn of_plain(file: &File, layers: &Layers) -> Result<Vec<Symbol>, Usage> {
    let mut symbols = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let said = line.split('#').next().unwrap_or_default();
        for word in
            said.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty())
        {
            symbols.push(parsed(word, layers, &file.name, || at + 1)?);
        }
    }
    Ok(symbols)
}

fn parsed(
    text: &str,
    layers: &Layers,
    file: &Path,
    line: impl FnOnce() -> usize,
) -> Result<Symbol, Usage> {
    Symbol::parse(text, layers)
        .map_err(|usage| usage.at(format_args!("{}:{}", file.display(), line())))
}

/// The column of symbols of a table; a row without one, such as a total, is passed over.
fn of_table(file: &File, layers: &Layers) -> Result<Vec<Symbol>, Usage> {
    let header = first_line(&file.text);
    if header.is_empty() {
        return Ok(Vec::new());
    }
    let count = |separator: &char| header.matches(*separator).count();
    let separator = SEPARATORS.into_iter().rev().max_by_key(count);
    let mut table = csv::ReaderBuilder::new()
        .delimiter(separator.and_then(|separator| separator.try_into().ok()).unwrap_or(b','))
        .comment(Some(b'#'))
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(file.text.as_bytes());
    let malformed = |error: csv::Error| {
        Usage::new(format!("not CSV: {}", sanitized(&error.to_string()))).at(file.name.display())
    };
    let columns = table.headers().map_err(malformed)?.clone();
    let place = |name: &str| columns.iter().position(|column| column.eq_ignore_ascii_case(name));
    let Some(column) = COLUMNS.into_iter().find_map(place) else {
        let names: Vec<&str> = columns.iter().collect();
        return Err(Usage::new("no column is named `symbol` or `ticker`")
            .hint(format!(
                "the first line names the columns; it says {}",
                sanitized(&names.join(", "))
            ))
            .at(format_args!("{}:{}", file.name.display(), line_at(&file.text, 0))));
    };
    let mut symbols = Vec::new();
    for row in table.records() {
        let row = row.map_err(malformed)?;
        let Some(text) = row.get(column).filter(|text| !text.is_empty()) else { continue };
        // Where it is is counted only for a mistake: counting for every row would take for ever.
        let line = || {
            let at = row.position().map_or(0, csv::Position::byte);
            line_at(&file.text, usize::try_from(at).unwrap_or(usize::MAX))
        };
        symbols.push(parsed(text, layers, &file.name, line)?);
    }
    Ok(symbols)
}

/// The line of the first row from this byte on, from where the row before it ended.
fn line_at(text: &str, byte: usize) -> usize {
    let rest = text.get(byte..).unwrap_or_default();
    let is_row = |line: &&str| !line.trim().is_empty() && !line.starts_with('#');
    let skipped = rest.split_inclusive('\n').take_while(|line| !is_row(line)).map(str::len).sum();
    let before = rest.get(..skipped).unwrap_or_default();
    1 + text.get(..byte).unwrap_or_default().matches('\n').count() + before.matches('\n').count()
}

/// `positions`, on its own or in `portfolio`; or the document, or `portfolio`, is itself the list.
fn of_yaml(file: &File, layers: &Layers) -> Result<Vec<Symbol>, Usage> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Environment, Said, Sources};
    use proptest::prelude::*;

    /// What a file of this name with this text lists, by class and name.
    fn listed(name: &str, text: impl AsRef<[u8]>) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let set = vec![format!("portfolio.file={}", path.display())];
        let layers = Layers::load(Sources { set, ..Sources::default() }).unwrap();
        let place = format!("{}/", folder.path().display());
        match portfolio(&layers) {
            Ok(symbols) => {
                let spelt = |symbol: &Symbol| match symbol.class().as_str() {
                    "stock" => symbol.name().to_owned(),
                    class => format!("{class}:{}", symbol.name()),
                };
                Ok(symbols.unwrap().iter().map(spelt).collect::<Vec<_>>().join(" "))
            }
            Err(usage) => {
                assert!(usage.hint.is_some_and(|hint| !hint.is_empty()), "{}", usage.message);
                Err(usage.message.replace(&place, ""))
            }
        }
    }

    const ROWS: &[(&str, &str, &str)] = &[
        // Plain symbols.
        ("a", "AAPL\nMSFT\n", "AAPL MSFT"),
        (
            "a.txt",
            "# mine\n\n aapl, brk-b # two\r\nBTC-USDT\tGDP\r\n",
            "AAPL BRK.B crypto:BTC macro:GDP",
        ),
        ("a.txt", "NO TRUE 0700 NULL 1E5 0700.HK", "NO TRUE 0700 NULL 1E5 0700.HK"),
        ("a.txt", "\u{feff}AAPL,MSFT", "AAPL MSFT"),
        ("a.txt", "AAPL\naapl\nstock:AAPL\n", "AAPL"),
        ("a.txt", "CPI_INDEX", "macro:CPIAUCSL"),
        ("a.txt", "# nothing\n\n", ""),
        ("a.txt", "", ""),
        // Tables.
        ("a.csv", "symbol,quantity\nAAPL,3\nNO,1.5\n0700,\n", "AAPL NO 0700"),
        (
            "a.csv",
            "\u{feff}Name;\"Ticker\";Price\r\n\"A; b\";\"MSFT\";\"1,5\"\r\n\r\nX; TRUE ;2\r\n",
            "MSFT TRUE",
        ),
        ("a.tsv", "Ticker\tSYMBOL\nx y\tIBM\n", "IBM"),
        ("a.CSV", "# of today\n\nSymbol\n\"BRK.B\"\n# no more\n", "BRK.B"),
        ("a.csv", "symbol,quantity\n,7\nAAPL\n", "AAPL"),
        ("a.csv", "symbol\n", ""),
        ("a.csv", "\n", ""),
        ("positions", "Quantity,Symbol\n3,AAPL\n", "AAPL"),
        ("a.txt", "symbol\nAAPL\n", "AAPL"),
        // YAML.
        ("a.yaml", "positions: [AAPL, NO, 0700, TRUE, NULL, 1E5]", "AAPL NO 0700 TRUE NULL 1E5"),
        (
            "a.yml",
            "portfolio:\n  positions:\n  - symbol: NO\n    quantity: 3\n    lots: [{n: 1}, {n: 2}]\n  - MSFT\n",
            "NO MSFT",
        ),
        ("a.yaml", "portfolio: [AAPL]\ncash: {USD: 5}\naccounts: [{positions: 3}]\n", "AAPL"),
        ("a.YAML", "- AAPL\n- {quantity: 1, symbol: btc}\n", "AAPL crypto:BTC"),
        ("a", "# mine\n- AAPL\n- ^GSPC\n", "AAPL index:GSPC"),
        ("a", "---\npositions:\n- AAPL\n", "AAPL"),
        ("a.txt", "positions:\n- AAPL\r\n- MSFT\r\n", "AAPL MSFT"),
        ("a.json", r#"{"positions": [{"symbol": "AAPL", "quantity": 3}]}"#, "AAPL"),
        ("a", r#"["AAPL"]"#, "AAPL"),
        ("a.yaml", "positions:\n", ""),
        ("a.yaml", "positions: ~\n", ""),
        ("a.yaml", "portfolio:\n", ""),
        ("a.yaml", "[]", ""),
        ("a.yaml", "", ""),
    ];

    #[test]
    fn a_file_is_read_as_what_it_is() {
        for (name, text, expected) in ROWS {
            assert_eq!(listed(name, text).as_deref(), Ok(*expected), "{name}: {text:?}");
        }
    }

    const MISTAKES: &[(&str, &[u8], &str)] = &[
        ("a.txt", b"AAPL\n\nA$B\n", "a.txt:3: `A$B` holds '$', which no symbol has"),
        ("a.txt", b"AAPL\r\nx:AAPL\r\n", "a.txt:2: `x` in `x:AAPL` is not a class"),
        ("a.txt", b"@tech", "a.txt:1: `@tech` holds '@', which no symbol has"),
        ("a.txt", b"AAPL\n\0\0\n", "a.txt:2: `` holds '\\0', which no symbol has"),
        ("a.txt", b"AAPL\nM\xc3\n", "--set: a.txt:2:2: this is not UTF-8"),
        ("a.csv", b"AAPL,MSFT\n", "a.csv:1: no column is named `symbol` or `ticker`"),
        ("a.csv", b"# x\n\nAAPL\n", "a.csv:3: no column is named `symbol` or `ticker`"),
        ("a.txt", b"symbol quantity\nAAPL 3\n", "a.txt:1: no column is named `symbol` or `ticker`"),
        (
            "a.csv",
            b"n,symbol\r\n1,AAPL\r\n\r\n# x\r\n2,Cash & more\r\n",
            "a.csv:5: `Cash & more` holds ' ', which no symbol has",
        ),
        ("a.csv", b"symbol\n\"a\nb\"\nA B\n", "a.csv:2: `a b` holds '\\n', which no symbol has"),
        (
            "a.yaml",
            b"positions:\n- AAPL\n- A B\n",
            "a.yaml:3:3: `A B` holds ' ', which no symbol has",
        ),
        ("a.yaml", b"- {symbol: A$}\n", "a.yaml:1:12: `A$` holds '$', which no symbol has"),
        ("a.yaml", b"- AAPL\n- {n: 1}\n- {n: 2}\n", "a.yaml:2:3: a position has no `symbol`"),
        ("a.yaml", b"- {symbol: }\n", "a.yaml:1:3: a position has no `symbol`"),
        ("a.yaml", b"- {symbol: [A]}\n", "a.yaml:1:12: `[].symbol` is a list, not a symbol"),
        ("a.yaml", b"positions: [[A]]\n", "a.yaml:1:13: `positions.[]` is a list, not a symbol"),
        ("a.yaml", b"positions: {AAPL: 3}", "a.yaml:1:12: `positions` is a map, not a list"),
        ("a.yaml", b"positions: AAPL", "a.yaml:1:12: `positions` is a single value, not a list"),
        ("a.yaml", b"AAPL\nMSFT", "a.yaml:1:1: the file is a single value, not a list"),
        ("a.yaml", b"postions: [A]\n", "a.yaml: there is no list `positions`"),
        ("a.yaml", b"portfolio: {cash: 5}\n", "a.yaml: there is no list `positions`"),
        ("a.yaml", b"{}\n---\n{}", "a.yaml: not YAML: "),
        ("a.json", b"[", "a.json:2:1: not YAML: "),
        ("a", b"stock: AAPL\n", "a: there is no list `positions`"),
    ];

    #[test]
    fn a_mistake_in_a_file_is_told_with_its_line() {
        for (name, text, expected) in MISTAKES {
            let said = listed(name, text).unwrap_err();
            assert!(said.starts_with(expected), "{:?}: {said}", String::from_utf8_lossy(text));
        }
        let long = "AAPL\n".repeat(1_000_000);
        assert_eq!(listed("a", long), Err("--set: a is longer than 4 MiB".to_owned()));
    }

    fn config(set: &[&str]) -> Config {
        let set = set.iter().map(|text| (*text).to_owned()).collect();
        let environment = Environment::from([("HOME", "/nowhere")]);
        Config::load(Said { set, ..Said::default() }, environment).unwrap()
    }

    #[test]
    fn a_symbol_is_once_in_a_list_and_once_in_all() {
        let config = config(&[
            "portfolio.positions=nvda,NVDA,BTC",
            "watchlists.b=AMD,BTC-USDT",
            "watchlists.a=stock:NVDA,CPI_INDEX",
        ]);
        let names = |name| {
            let list = config.list(name).unwrap();
            list.iter().map(|symbol| symbol.name().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names("portfolio"), "NVDA BTC");
        assert_eq!(names("b"), "AMD BTC");
        assert_eq!(names("all"), "NVDA BTC CPIAUCSL AMD");
        let Lists { portfolio, watchlists } = &**config.lists().unwrap();
        assert_eq!(*portfolio, config.list("portfolio").unwrap());
        let names: Vec<&str> = watchlists.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
    }

    #[test]
    fn without_lists_there_is_nothing_to_read() {
        for set in [&[][..], &["crypto_quote=EUR"], &["watchlists.a=~", "portfolio.file=~"]] {
            assert_eq!(**config(set).lists().unwrap(), Lists::default(), "{set:?}");
        }
        assert_eq!(config(&[]).list("all"), Ok(vec![]));
        assert_eq!(config(&["portfolio.positions=[]"]).list("portfolio"), Ok(vec![]));
    }

    #[test]
    fn an_unknown_list_is_told_what_was_meant() {
        let config = config(&["watchlists.tech=A"]);
        for (name, hint) in [
            ("tec", "did you mean `@tech`?"),
            ("Portfolio", "did you mean `@portfolio`?"),
            ("al", "did you mean `@all`?"),
            ("elephants", "lists stand under `watchlists` in the configuration"),
            ("", "lists stand under `watchlists` in the configuration"),
        ] {
            let usage = config.list(name).unwrap_err();
            assert_eq!(usage.hint.as_deref(), Some(hint), "{name}");
        }
        let usage = config.list("portfolio").unwrap_err();
        assert!(usage.hint.unwrap().contains("portfolio: {positions: [NVDA]}"));
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..60),
            name in "a(\\.csv|\\.yaml|\\.tsv)?",
        ) {
            let _ = listed(&name, bytes);
        }

        #[test]
        fn no_near_miss_makes_it_panic(
            text in "(symbol|positions|portfolio|[A\u{e9}\"',;:#\\-\\[\\]{}~&* \t\r\n]){0,30}",
            name in "a(\\.csv|\\.yaml|\\.tsv)?",
        ) {
            let file = File { name: Path::new(&name).into(), text };
            let layers = Layers::default();
            let read = match Form::of(&file) {
                Form::Yaml => of_yaml(&file, &layers),
                Form::Table => of_table(&file, &layers),
                Form::Plain => of_plain(&file, &layers),
            };
            let _ = read;
        }
    }
}
