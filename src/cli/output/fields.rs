//! What a record has by type: the members of the record, those of its rows, the columns of a csv.
//!
//! `--fields` picks among them, before anything is asked. Nothing here reads a record.

use crate::cache::Question;
use crate::cache::record::bars::ROWS;
use crate::cli::args::Format;
use crate::error::{Usage, nearest, sanitized};
use crate::market::{DataType, Quote};

use super::table::Side::{self, Left, Right};

/// How a value is shown to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As it is.
    Plain,
    /// As it is, to the right.
    Number,
    /// With the places that matter.
    Price,
    /// With a sign and two places.
    Percent,
    /// In whole numbers, in groups of three digits.
    Volume,
    /// To the second.
    Time,
}

/// A member that can be a column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name in json and csv.
    pub(super) name: &'static str,
    /// Its name in a table.
    pub(super) title: &'static str,
    /// How it is shown there.
    pub(super) look: Look,
}

impl Field {
    /// On which side of a table's column it stands.
    pub(super) fn side(&self) -> Side {
        match self.look {
            Look::Plain | Look::Time => Left,
            Look::Number | Look::Price | Look::Percent | Look::Volume => Right,
        }
    }
}

const fn field(name: &'static str, title: &'static str, look: Look) -> Field {
    Field { name, title, look }
}

const SYMBOL: Field = field("symbol", "SYMBOL", Look::Plain);
const CLASS: Field = field("asset_class", "CLASS", Look::Plain);
const TYPE: Field = field("type", "TYPE", Look::Plain);
const PROVIDER: Field = field("provider", "PROVIDER", Look::Plain);
const CURRENCY: Field = field("currency", "CURRENCY", Look::Plain);
const INTERVAL: Field = field("interval", "INTERVAL", Look::Plain);
const ADJUST: Field = field("adjust", "ADJUSTED BY", Look::Plain);
const OPEN: Field = field("open", "OPEN", Look::Price);
const HIGH: Field = field("high", "HIGH", Look::Price);
const LOW: Field = field("low", "LOW", Look::Price);
const VOLUME: Field = field("volume", "VOLUME", Look::Volume);
const TIME: Field = field("time", "TIME (UTC)", Look::Time);
const DATE: Field = field("date", "DATE", Look::Plain);
const VALUE: Field = field("value", "VALUE", Look::Number);

/// What answers of one type look like.
#[derive(Debug, Eq)]
pub(super) struct Layout {
    /// What several are called.
    pub(super) plural: &'static str,
    /// The members of the record, but for its rows and `cache`.
    pub(super) record: &'static [Field],
    /// The member that holds the rows; none for a record that is one row.
    pub(super) rows_in: Option<&'static str>,
    /// The members of a row.
    pub(super) row: &'static [Field],
    /// The columns of a csv unless others are wanted.
    csv: &'static [&'static str],
}

static QUOTE: Layout = Layout {
    plural: "quotes",
    record: &[
        SYMBOL,
        CLASS,
        TYPE,
        PROVIDER,
        field("price", "PRICE", Look::Price),
        field("previous_close", "PREVIOUS CLOSE", Look::Price),
        field("change", "CHANGE", Look::Price),
        field("change_percent", "CHANGE %", Look::Percent),
        OPEN,
        HIGH,
        LOW,
        field("bid", "BID", Look::Price),
        field("ask", "ASK", Look::Price),
        VOLUME,
        CURRENCY,
        field("exchange", "EXCHANGE", Look::Plain),
        field("market_state", "MARKET", Look::Plain),
        TIME,
    ],
    rows_in: None,
    row: &[],
    csv: &Quote::MEMBERS,
};

static BARS: Layout = Layout {
    plural: "bars",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER, INTERVAL, CURRENCY, ADJUST],
    rows_in: Some(ROWS),
    row: &[
        TIME,
        DATE,
        OPEN,
        HIGH,
        LOW,
        field("close", "CLOSE", Look::Price),
        field("adjusted_close", "ADJ CLOSE", Look::Price),
        VOLUME,
        field("state", "STATE", Look::Plain),
    ],
    csv: &[
        "symbol",
        "date",
        "time",
        "open",
        "high",
        "low",
        "close",
        "adjusted_close",
        "volume",
        "state",
    ],
};

static OBSERVATIONS: Layout = Layout {
    plural: "series",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER],
    rows_in: Some("observations"),
    row: &[DATE, VALUE],
    csv: &["symbol", "date", "value"],
};

static PAYLOAD: Layout = Layout {
    plural: "payloads",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER, field("payload", "PAYLOAD", Look::Plain)],
    rows_in: None,
    row: &[],
    csv: &["symbol", "type", "provider", "payload"],
};

static PRICES_BY_DAY: Layout = Layout {
    plural: "series",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER, CURRENCY],
    rows_in: Some("observations"),
    row: &[DATE, field("value", "VALUE", Look::Price)],
    csv: &["symbol", "date", "value"],
};

static PERCENTS: Layout = Layout {
    plural: "series",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER, CURRENCY],
    rows_in: Some("observations"),
    row: &[DATE, field("value", "PERCENT", Look::Percent)],
    csv: &["symbol", "date", "value"],
};

static RATES: Layout = Layout { record: &[SYMBOL, CLASS, TYPE, PROVIDER], ..PERCENTS };

static DIVIDENDS: Layout = Layout {
    plural: "dividends",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER, CURRENCY],
    rows_in: Some("events"),
    row: &[DATE, TIME, field("amount", "AMOUNT", Look::Price)],
    csv: &["symbol", "date", "time", "amount"],
};

static SPLITS: Layout = Layout {
    plural: "splits",
    record: &[SYMBOL, CLASS, TYPE, PROVIDER],
    rows_in: Some("events"),
    row: &[
        DATE,
        TIME,
        field("numerator", "NUMERATOR", Look::Number),
        field("denominator", "DENOMINATOR", Look::Number),
        field("ratio", "RATIO", Look::Number),
    ],
    csv: &["symbol", "date", "time", "numerator", "denominator", "ratio"],
};

/// What a quote has besides what it is about, in order.
pub(in crate::cli) fn members_of_quotes() -> impl Iterator<Item = &'static str> {
    let is_member = |name: &&str| !["symbol", "asset_class", "type", "provider"].contains(name);
    QUOTE.csv.iter().copied().filter(is_member)
}

impl Layout {
    /// The columns of a csv unless others are wanted.
    pub(super) fn csv(&self) -> &'static [&'static str] {
        self.csv
    }

    /// The layout of what is asked for, by its key; what is nothing else is a series of observations.
    pub(super) fn of(question: &Question) -> &'static Self {
        if let DataType::Payload(_) = question.data_type {
            return &PAYLOAD;
        }
        match question.read_as.data_type() {
            "quote" => &QUOTE,
            "bars" => &BARS,
            "dividends" => &DIVIDENDS,
            "splits" => &SPLITS,
            "adjusted_close" => &PRICES_BY_DAY,
            "total_return" => &PERCENTS,
            "inflation_rate" => &RATES,
            _ => &OBSERVATIONS,
        }
    }

    /// The layout of quotes.
    pub(super) fn of_quotes() -> &'static Self {
        &QUOTE
    }

    /// The layout of bars.
    pub(super) fn of_bars() -> &'static Self {
        &BARS
    }

    /// The member of this name, of the record or of a row.
    fn field(&self, name: &str) -> Option<&'static Field> {
        self.record.iter().chain(self.row).find(|field| field.name == name)
    }

    /// Whether the record has a member of this name.
    pub(super) fn is_of_record(&self, name: &str) -> bool {
        self.record.iter().any(|field| field.name == name)
    }

    /// Whether a row has a member of this name.
    pub(super) fn is_of_row(&self, name: &str) -> bool {
        self.row.iter().any(|field| field.name == name)
    }
}

/// Two layouts are the same if their rows stand under the same names.
impl PartialEq for Layout {
    fn eq(&self, other: &Self) -> bool {
        (self.csv, self.rows_in) == (other.csv, other.rows_in)
    }
}

/// The members that are wanted, in this order; all, if none are named.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields(Vec<&'static str>);

impl Fields {
    /// Reads `--fields`; each must be a member of one of the types that are asked for.
    pub(super) fn read(
        said: &[String],
        format: Format,
        questions: &[Question],
    ) -> Result<Self, Usage> {
        let has_cache = matches!(format, Format::Json | Format::Ndjson);
        let mut valid: Vec<&'static str> = Vec::new();
        let layouts = questions.iter().map(Layout::of);
        let names = layouts.flat_map(|layout| layout.record.iter().chain(layout.row));
        for name in names.map(|field| field.name).chain(has_cache.then_some("cache")) {
            if !valid.contains(&name) {
                valid.push(name);
            }
        }
        let mut wanted = Vec::new();
        for said in said {
            let lower = said.trim().to_ascii_lowercase();
            let Some(name) = valid.iter().find(|name| **name == lower) else {
                return Err(unknown(said, &valid));
            };
            if wanted.contains(name) {
                return Err(Usage::new(format!("--fields names `{name}` twice"))
                    .hint("name each field once"));
            }
            wanted.push(*name);
        }
        Ok(Self(wanted))
    }

    /// Whether nothing was picked.
    pub(super) fn are_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The names that are wanted of a layout; all of the record and of its rows, if none are named.
    pub(super) fn names(&self) -> &[&'static str] {
        &self.0
    }

    /// The columns of a csv.
    pub(super) fn columns(&self, layout: &Layout) -> Vec<&'static Field> {
        let names = if self.are_all() { layout.csv } else { &self.0 };
        names.iter().filter_map(|name| layout.field(name)).collect()
    }
}

fn unknown(said: &str, valid: &[&'static str]) -> Usage {
    let names = valid.join(", ");
    Usage::new(format!("`{}` is not a field", sanitized(said))).hint(
        match nearest(said.trim(), valid.iter().copied()) {
            Some(near) => format!("did you mean `{near}`? The fields are {names}"),
            None => format!("the fields are {names}"),
        },
    )
}
