//! CSV: a header and a row a record; of a series, a row an observation. What failed has no row.

use std::io::{self, Write};

use super::{Printer, Shown};
use crate::market::{DataType, MarketState, Quote, Series};
use crate::number::Number;

const QUOTE: [&str; 18] = [
    "symbol",
    "asset_class",
    "type",
    "provider",
    "price",
    "previous_close",
    "change",
    "change_percent",
    "open",
    "high",
    "low",
    "bid",
    "ask",
    "volume",
    "currency",
    "exchange",
    "market_state",
    "time",
];

const SERIES: [&str; 3] = ["symbol", "date", "value"];

/// Rows of one type.
pub(super) struct Rows {
    data_type: DataType,
    begun: bool,
}

impl Rows {
    pub(super) fn new(data_type: DataType) -> Self {
        Self { data_type, begun: false }
    }

    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        match self.data_type {
            DataType::Quote => row(out, &QUOTE),
            DataType::Series => row(out, &SERIES),
        }
    }
}

impl Printer for Rows {
    fn answer(&mut self, shown: &Shown<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        let Ok(served) = &shown.answer.outcome else { return Ok(()) };
        let body = &served.entry.body;
        match self.data_type {
            DataType::Quote => {
                serde_json::from_slice(body).map_or(Ok(()), |quote| row(out, &cells(&quote)))
            }
            DataType::Series => {
                let Ok(series) = serde_json::from_slice::<Series>(body) else { return Ok(()) };
                for observation in &series.observations {
                    let value = digits(observation.value.as_ref());
                    row(out, &[&series.symbol, &observation.date, value])?;
                }
                Ok(())
            }
        }
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)
    }
}

fn cells(quote: &Quote) -> [&str; 18] {
    [
        &quote.symbol,
        &quote.asset_class,
        &quote.data_type,
        &quote.provider,
        quote.price.as_str(),
        digits(quote.previous_close.as_ref()),
        digits(quote.change.as_ref()),
        digits(quote.change_percent.as_ref()),
        digits(quote.open.as_ref()),
        digits(quote.high.as_ref()),
        digits(quote.low.as_ref()),
        digits(quote.bid.as_ref()),
        digits(quote.ask.as_ref()),
        digits(quote.volume.as_ref()),
        quote.currency.as_deref().unwrap_or_default(),
        quote.exchange.as_deref().unwrap_or_default(),
        quote.market_state.map_or("", MarketState::as_str),
        quote.time.as_deref().unwrap_or_default(),
    ]
}

fn digits(number: Option<&Number>) -> &str {
    number.map_or("", Number::as_str)
}

fn row(out: &mut dyn Write, cells: &[&str]) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().from_writer(out);
    writer.write_record(cells)?;
    writer.flush()
}
