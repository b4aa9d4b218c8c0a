//! Answers as tables: quotes in one, anything else in one each.
//!
//! Bars are written as they come, since they may be many; on a terminal only the newest are shown.

use std::io::{self, Write};

use super::fields::{Field, Fields, Layout, Look};
use super::people::{Prices, percent, price, volume};
use super::table::Side::{Left, Right};
use super::table::{Table, grouped, printable, second, value_for_people};
use super::{Printer, Shown};
use crate::cache::record::bars::{Cell, said};
use crate::cache::record::cells::Dates;
use crate::cache::record::members::Members;
use crate::cache::{Served, Status};
use crate::cli::ui::Style;
use crate::entry::State;
use crate::error::sanitized;
use crate::market::{Adjust, BarSeries, DataType, MarketState, Quote};
use crate::number::Number;
use crate::time::Timestamp;
use crate::units::duration_for_people;

/// How many bars a terminal is shown.
const NEWEST: usize = 20;

/// Tables of answers.
pub(super) struct Answers {
    style: Style,
    fields: Fields,
    quotes: Table,
    others: Vec<(String, Table)>,
}

impl Answers {
    pub(super) fn new(style: Style, fields: Fields) -> Self {
        let quotes = if fields.are_all() {
            usual_quotes()
        } else {
            table(&fields.columns(Layout::of_quotes()))
        };
        Self { style, fields, quotes, others: Vec::new() }
    }

    fn quote(&mut self, shown: &Shown<'_>, served: &Served, (quote, record): (&Quote, &[u8])) {
        if self.fields.are_all() {
            self.quotes.row(usual_quote(shown, served, quote));
        } else if let Some(record) = Members::read(record) {
            let columns = self.fields.columns(Layout::of_quotes());
            self.quotes.row(columns.iter().map(|column| cell(column, &record)).collect());
        }
        for line in explained(shown, served) {
            self.quotes.note(line);
        }
    }

    /// The rows of a record; none if it has none.
    fn rows(&self, shown: &Shown<'_>, served: &Served) -> Option<(String, Table)> {
        let layout = Layout::of(shown.question);
        let record = shown.record(served);
        let record = Members::read(&record)?;
        let rows = record.rows(layout.rows_in?)?;
        let columns = if self.fields.are_all() {
            layout.row.iter().filter(|field| field.name != "time").collect()
        } else {
            self.fields.columns(layout)
        };
        let mut table = table(&columns);
        for row in &rows {
            let of = |column: &&Field| if layout.is_of_row(column.name) { row } else { &record };
            table.row(columns.iter().map(|column| cell(column, of(column))).collect());
        }
        let of = if layout.rows_in == Some("events") { layout.plural } else { "observations" };
        let what = so_many(rows.len(), of);
        Some((title(shown, served, &record.text("symbol"), &what), table))
    }

    fn bars(
        &self,
        shown: &Shown<'_>,
        served: &Served,
        series: &BarSeries,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let all = series.bars.len();
        writeln!(out, "{}", title(shown, served, &series.symbol, &what(series)))?;
        for gap in &series.missing {
            let (from, to) = (Timestamp::from_ms(gap.from_ms), Timestamp::from_ms(gap.to_ms));
            writeln!(out, "  missing: {from} to {to}: {}", sanitized(&gap.why))?;
        }
        if all == 0 {
            return Ok(());
        }
        let hidden = if self.style.width.is_some() { all.saturating_sub(NEWEST) } else { 0 };
        of_bars(series, hidden, &self.fields).write(self.style, out)?;
        if hidden > 0 {
            let hidden = so_many(hidden, "earlier bars");
            writeln!(out, "not shown: {hidden}; -f csv prints them all")?;
        }
        Ok(())
    }
}

impl Printer for Answers {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Ok(served) = &shown.answer.outcome else { return Ok(()) };
        if let Some(series) = served.bars.as_deref() {
            return self.bars(shown, served, series, out);
        }
        let record = shown.record(served);
        if let Ok(quote) = serde_json::from_slice::<Quote>(&record) {
            self.quote(shown, served, (&quote, &record));
        } else if let DataType::Payload(endpoint) = shown.question.data_type
            && let Some(record) = Members::read(&record)
        {
            let about = shown.question.symbol.to_string();
            let title = title(shown, served, &about, endpoint.as_str());
            let payload = record.get("payload").unwrap_or_default();
            self.others.push((format!("{title}\n{}", printable(payload)), Table::new(&[])));
        } else if let Some(other) = self.rows(shown, served) {
            self.others.push(other);
        } else {
            let title = format!("{}: {}", shown.question.symbol, value_for_people(&served.entry));
            self.others.push((title, Table::new(&[])));
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.quotes.is_empty() {
            self.quotes.write(self.style, out)?;
        }
        for (title, table) in &self.others {
            writeln!(out, "{title}")?;
            if !table.is_empty() {
                table.write(self.style, out)?;
            }
        }
        Ok(())
    }
}

/// An empty table of these columns.
fn table(columns: &[&Field]) -> Table {
    Table::new(&columns.iter().map(|field| (field.title, field.side())).collect::<Vec<_>>())
}

fn usual_quotes() -> Table {
    Table::new(&[
        ("SYMBOL", Left),
        ("PRICE", Right),
        ("CHANGE", Right),
        ("CHANGE %", Right),
        ("VOLUME", Right),
        ("CURRENCY", Left),
        ("MARKET", Left),
        ("TIME (UTC)", Left),
        ("PROVIDER", Left),
        ("STATUS", Left),
        ("TIER", Left),
        ("AGE", Right),
    ])
    .dispensing_with(&[
        "MARKET",
        "VOLUME",
        "TIME (UTC)",
        "CURRENCY",
        "CHANGE",
        "PROVIDER",
        "CHANGE %",
        "STATUS",
    ])
}

fn usual_quote(shown: &Shown<'_>, served: &Served, quote: &Quote) -> Vec<String> {
    let of = |number: Option<&Number>, text: fn(f64) -> String| {
        number.map_or_else(String::new, |number| text(number.as_f64()))
    };
    vec![
        quote.symbol.clone(),
        price(&quote.price),
        quote.change.as_ref().map_or_else(String::new, price),
        of(quote.change_percent.as_ref(), percent),
        of(quote.volume.as_ref(), volume),
        quote.currency.clone().unwrap_or_default(),
        quote.market_state.map_or("", MarketState::as_str).to_owned(),
        quote.time.as_deref().map(second).unwrap_or_default(),
        quote.provider.clone(),
        served.status.as_str().to_owned(),
        served.answered_by.as_str().to_owned(),
        duration_for_people(served.entry.age(shown.now)),
    ]
}

/// A member of a record, or of one of its rows.
fn cell(column: &Field, of: &Members<'_>) -> String {
    let text = of.text(column.name);
    let number = Number::parse(&text);
    match (column.look, number) {
        (Look::Price, Some(number)) => price(&number),
        (Look::Percent, Some(number)) => percent(number.as_f64()),
        (Look::Volume, Some(number)) => volume(number.as_f64()),
        (Look::Time, _) => sanitized(&second(&text)),
        _ if text.is_empty() => "-".to_owned(),
        _ => sanitized(&text),
    }
}

/// Bars from this place on.
fn of_bars(series: &BarSeries, from: usize, fields: &Fields) -> Table {
    let bars = &series.bars;
    let layout = Layout::of_bars();
    let mut columns = fields.columns(layout);
    if fields.are_all() {
        let other = if bars.days.is_empty() { "date" } else { "time" };
        let has_adjusted = bars.adjusted.iter().any(|price| price.is_finite());
        columns.retain(|column| {
            column.name != other && (has_adjusted || column.name != "adjusted_close")
        });
    }
    let mut table = table(&columns);
    if fields.are_all() {
        table = table.dispensing_with(&["SYMBOL", "ADJ CLOSE", "STATE", "VOLUME", "OPEN"]);
    }
    let prices = [&bars.open, &bars.high, &bars.low, &bars.close, &bars.adjusted];
    let prices =
        Prices::of(prices.into_iter().flat_map(|column| column.iter().skip(from).copied()));
    let mut dates = Dates::new();
    for at in from..bars.len() {
        let cell = |column: &&Field| bar(series, at, column, prices, &mut dates);
        table.row(columns.iter().map(cell).collect());
    }
    table
}

/// A cell of a bar.
fn bar(series: &BarSeries, at: usize, column: &Field, prices: Prices, dates: &mut Dates) -> String {
    let cell = Cell::of(column.name);
    let mut text = Vec::new();
    match (cell, column.look) {
        (Cell::Said(place), _) => {
            return said(series)[place].map_or_else(|| "-".to_owned(), sanitized);
        }
        (Cell::State, _) => return series.state(at).as_str().to_owned(),
        (Cell::Time, _) => {
            dates.instant(series.bars.times[at], &mut text);
            return second(&String::from_utf8_lossy(&text));
        }
        (Cell::Date, _) => match series.bars.days.get(at) {
            Some(day) => dates.date(i64::from(*day), &mut text),
            None => text.push(b'-'),
        },
        (cell, look) => {
            let value = cell.number(series, at).filter(|value| value.is_finite());
            return match (value, look) {
                (None, _) => "-".to_owned(),
                (Some(value), Look::Volume) => volume(value),
                (Some(value), _) => prices.text(value),
            };
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// How many bars there are, and of what.
pub(super) fn what(series: &BarSeries) -> String {
    let bars = so_many(series.bars.len(), "bars");
    let currency = series.currency.as_ref().map(|c| format!(" in {}", sanitized(c)));
    let adjusted = match series.adjust {
        Adjust::None => ", not adjusted",
        Adjust::Splits => "",
        Adjust::All => ", adjusted for splits and dividends",
    };
    format!("{bars} of {}{}{adjusted}", series.interval.as_str(), currency.unwrap_or_default())
}

/// How many, of what several are called.
pub(super) fn so_many(number: usize, plural: &str) -> String {
    let word = if number == 1 { plural.trim_end_matches('s') } else { plural };
    format!("{} {word}", grouped(&number.to_string()))
}

/// What stands over the table of one answer.
pub(super) fn title(shown: &Shown<'_>, served: &Served, symbol: &str, what: &str) -> String {
    let mut title = format!(
        "{}: {what}, {} from {}, {}, {} old",
        sanitized(symbol),
        served.status.as_str(),
        served.answered_by.as_str(),
        served.entry.provider,
        duration_for_people(served.entry.age(shown.now)),
    );
    title.extend(explained(shown, served).into_iter().map(|line| format!("\n  {line}")));
    title
}

/// The rules that set the time to live, a line each, and what came of them; nothing unless that is
/// wanted.
fn explained(shown: &Shown<'_>, served: &Served) -> Vec<String> {
    let Some(mut lines) = shown.why() else { return Vec::new() };
    let until = served.life.expires_at.for_people();
    let happened = match (served.status, served.upstream_calls) {
        (Status::Hit | Status::Stale, 0) => "no call was made",
        (Status::Stale, _) => "upstream failed",
        (_, 0) => "another process asked",
        (..) => "upstream was asked",
    };
    let is_old = served.status == Status::Stale && served.life.state(shown.now) != State::Fresh;
    let state = if is_old { "stale since" } else { "fresh until" };
    lines.push(format!("{happened}: {state} {until}"));
    lines
}
