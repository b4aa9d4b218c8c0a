//! What of an answer is printed, and in which shape.

use clap::Args;

/// How answers are shown.
#[derive(Args, Debug, Default)]
pub(crate) struct Look {
    /// Only these members, in this order, as in date,close,volume
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) fields: Vec<String>,
    /// The payload alone, without what the cache knows of it
    #[arg(long)]
    pub(crate) raw: bool,
}
