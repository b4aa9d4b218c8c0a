//! What of an answer is printed, and in which shape.

use clap::Args;

/// How answers are shown.
#[derive(Args, Debug, Default)]
pub(crate) struct Look {
    /// Only these members, in this order, as in date,close,volume
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// Draw bars as candles and series as a line
    #[arg(long, conflicts_with_all = ["fields", "raw"])]
    pub(crate) chart: bool,
    /// The payload alone, without what the cache knows of it
    #[arg(long)]
    pub(crate) raw: bool,
}
