//! `--chart`: bars as candles, values by day as a line, drawn with characters.
//!
//! What rises is green and what falls is red; without colour, what rises is hollow and what falls is
//! filled. More bars than there are columns are drawn together, so many to a candle; nothing else is
//! left out or smoothed.

mod canvas;
mod plot;
mod scale;

use std::io::{self, Write};

use super::fields::Layout;
use super::people::Prices;
use super::{Printer, Shown, answers};
use crate::cache::record::cells::Dates;
use crate::cache::record::members::Members;
use crate::cache::{Question, Served};
use crate::cli::ui::Style;
use crate::error::{Usage, sanitized};
use crate::market::BarSeries;
use canvas::Paint;

/// One bar, one value, or several in one.
#[derive(Clone, Copy, Debug)]
struct Candle {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: f64,
}

/// What is drawn.
#[derive(Default)]
struct Picture {
    /// Whether these are candles; if not, only the closes are joined.
    is_candles: bool,
    candles: Vec<Candle>,
    /// When each is, for the axis.
    labels: Vec<String>,
}

/// Charts, one below the other.
pub(super) struct Charts {
    style: Style,
    begun: bool,
}

impl Charts {
    pub(super) fn new(style: Style, questions: &[Question]) -> Result<Self, Usage> {
        let has_chart = |layout: &Layout| layout.is_of_row("close") || layout.is_of_row("value");
        match questions.iter().map(Layout::of).find(|layout| !has_chart(layout)) {
            Some(layout) => {
                Err(Usage::new(format!("--chart draws bars and series, and no {}", layout.plural))
                    .hint("choose what has a chart with --type, as in -t bars"))
            }
            None => Ok(Self { style, begun: false }),
        }
    }

    fn draw(&self, shown: &Shown<'_>, served: &Served, out: &mut dyn Write) -> io::Result<()> {
        let (symbol, picture, what) = if let Some(series) = served.bars.as_deref() {
            (&*series.symbol, of_bars(series), answers::what(series))
        } else {
            let record = shown.record(served);
            let record = Members::read(&record);
            let picture = record.map(|record| of_observations(&record)).unwrap_or_default();
            let what = answers::so_many(picture.candles.len(), "observations");
            (shown.question.symbol.name(), picture, what)
        };
        let title = answers::title(shown, served, symbol, &what);
        let style = self.style;
        let Some(head) = picture.head(style) else { return writeln!(out, "{title}") };
        writeln!(out, "{}  {head}", Paint::Strong.of(&sanitized(symbol), style))?;
        let under = title.split_once(": ").map_or(&*title, |(_, under)| under);
        writeln!(out, "{}", Paint::Faint.of(under, style))?;
        plot::draw(&picture, style).write(style, out)
    }
}

impl Printer for Charts {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        let Ok(served) = &shown.answer.outcome else { return Ok(()) };
        if self.begun {
            writeln!(out)?;
        }
        self.begun = true;
        self.draw(shown, served, out)
    }

    fn end(&mut self, _: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}

impl Picture {
    /// The last price, how it got there, and the highest and lowest; none without a price.
    fn head(&self, style: Style) -> Option<String> {
        let closes = || self.candles.iter().map(|candle| candle.close).filter(|p| p.is_finite());
        let (last, first) = (closes().next_back()?, closes().next()?);
        let high = self.candles.iter().map(|candle| candle.high).fold(f64::NAN, f64::max);
        let low = self.candles.iter().map(|candle| candle.low).fold(f64::NAN, f64::min);
        let prices = Prices::of([last, high, low].into_iter());
        let change = last - first;
        let (sign, paint) = match change {
            0.0.. => ("+", Paint::Up),
            _ => ("-", Paint::Down),
        };
        let mut moved = format!("{sign}{}", prices.text(change.abs()));
        if first != 0.0 {
            moved = format!("{moved} ({:+.2} %)", change / first.abs() * 100.0);
        }
        Some(format!(
            "{}  {}  high {}  low {}",
            Paint::Strong.of(&prices.text(last), style),
            paint.of(&moved, style),
            prices.text(high),
            prices.text(low),
        ))
    }
}

/// The bars as candles; what a bar lacks is its close.
fn of_bars(series: &BarSeries) -> Picture {
    let bars = &series.bars;
    let or = |value: f64, other: f64| if value.is_finite() { value } else { other };
    let candle = |at: usize| {
        let close = bars.close[at];
        let open = or(bars.open[at], close);
        Candle {
            open,
            high: or(bars.high[at], open.max(close)),
            low: or(bars.low[at], open.min(close)),
            close,
            volume: or(bars.volume[at], 0.0),
        }
    };
    let mut dates = Dates::new();
    let mut text = Vec::new();
    let labels = (0..bars.len()).map(|at| {
        text.clear();
        match bars.days.get(at) {
            Some(day) => dates.date(i64::from(*day), &mut text),
            None => dates.instant(bars.times[at], &mut text),
        }
        let label = String::from_utf8_lossy(&text);
        // Of an instant to the minute; the year is in nobody's doubt.
        label.get(5..16).map_or_else(|| label.to_string(), |label| label.replace('T', " "))
    });
    let labels = labels.collect();
    Picture { is_candles: true, candles: (0..bars.len()).map(candle).collect(), labels }
}

/// The values of a record as points.
fn of_observations(record: &Members<'_>) -> Picture {
    let mut picture = Picture::default();
    for row in record.rows("observations").unwrap_or_default() {
        let value = row.text("value").parse().unwrap_or(f64::NAN);
        let point = Candle { open: value, high: value, low: value, close: value, volume: 0.0 };
        picture.candles.push(point);
        picture.labels.push(sanitized(&row.text("date")));
    }
    picture
}
