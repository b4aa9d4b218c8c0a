//! What form the file of a list has, and the forms that are lines: plain symbols, and tables.

use std::path::Path;

use super::positions;
use crate::config::Layers;
use crate::config::file::File;
use crate::error::{Usage, sanitized};
use crate::market::Symbol;

/// What the column of symbols may be called, the best name first.
const COLUMNS: [&str; 2] = ["symbol", "ticker"];

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

/// The symbols of a file, whatever its form.
pub(super) fn symbols(file: &File, layers: &Layers) -> Result<Vec<Symbol>, Usage> {
    match Form::of(file) {
        Form::Yaml => positions::of_yaml(file, layers),
        Form::Table => of_table(file, layers),
        Form::Plain => of_plain(file, layers),
    }
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
