//! One suite for all that implement the same promise.
//!
//! - `tier` — every place that holds entries
//! - `provider` — every way in which an upstream speaks
//! - `gate` — what none of them may say

mod gate;
mod provider;
mod tier;
