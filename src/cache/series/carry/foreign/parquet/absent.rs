//! Stands in for reading Parquet where it was not built in: every file is refused.

use std::fs::File;

use super::HINT_IF_ABSENT;
use crate::cache::carry::foreign::Rows;
use crate::error::{Error, Kind};
use crate::market::Interval;

/// Refuses a file.
pub fn read(_: File, _: Interval) -> Result<Rows, Error> {
    Err(Error::new(Kind::Unsupported, "this mcache was built without parquet").hint(HINT_IF_ABSENT))
}
