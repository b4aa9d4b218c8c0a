//! Parquet, of whoever wrote it: pandas, polars and mcache itself.
//!
//! | what | where |
//! |---|---|
//! | rows of a file, by the names of its columns | `reading.rs` |
//! | what a column is, and what its cells say | `kind.rs` |
//! | a column, cell by cell out of its pages | `cells.rs` |
//! | how values are packed | `packed.rs` |
//! | what a file claims, checked before it is believed | `bounds.rs` |
//! | the form in which it claims it, and what the library takes for granted there | `thrift.rs`, `shape.rs` |
//!
//! Only where the feature `parquet` is built in. The format's own library reads what a file says of
//! itself and unpacks its pages; it takes for granted that a writer kept to the format, and asserts it
//! or reserves what a file claims. So what it is given is checked before, and values are taken out of
//! pages here. A file that was tampered with is an error, or says something else; what is unpacked of
//! it and held of its dictionaries comes to no more than of the largest honest file, and a foot is
//! refused that would come to many times its own size.

#[cfg(not(feature = "parquet"))]
mod absent;
#[cfg(feature = "parquet")]
mod bounds;
#[cfg(feature = "parquet")]
mod cells;
#[cfg(feature = "parquet")]
mod kind;
#[cfg(feature = "parquet")]
mod packed;
#[cfg(feature = "parquet")]
mod reading;
#[cfg(feature = "parquet")]
mod shape;
#[cfg(test)]
#[cfg(feature = "parquet")]
mod tests;
#[cfg(feature = "parquet")]
mod thrift;

#[cfg(not(feature = "parquet"))]
pub use absent::read;
#[cfg(feature = "parquet")]
pub use reading::read;

/// What every file begins with.
pub const MAGIC: [u8; 4] = *b"PAR1";

/// Whether files can be read.
pub const IS_BUILT_IN: bool = cfg!(feature = "parquet");

/// What to do where they cannot.
pub const HINT_IF_ABSENT: &str =
    "`cargo install mcache --features parquet` builds an mcache that reads Parquet; or write csv";
