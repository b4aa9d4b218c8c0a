//! What FRED's observations endpoint sends, field by field.
//!
//! Nothing here is used outside of this folder, and nothing is judged. Values are strings, and a
//! missing one is a point; dates are the first day of the period.

use serde::Deserialize;

/// Either observations or an error.
#[derive(Debug, Deserialize)]
pub(super) struct Envelope {
    pub(super) observations: Option<Vec<Row>>,
    pub(super) error_message: Option<String>,
}

/// One value; what it was known as when (`realtime_start`, `realtime_end`) is left out.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) date: String,
    /// A row of which this is not said at all is none.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(super) value: Option<String>,
}
