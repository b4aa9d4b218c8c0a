//! One suite for all that implement the same promise.
//!
//! - `tier` — every place that holds entries
//! - `provider` — every way in which an upstream speaks

mod provider;
mod tier;
