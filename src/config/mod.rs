//! Gathers what is configured, from the weakest to the strongest: what is shipped, the user's
//! file, a profile of it, the environment, the command line; and opens a cache with it.
//!
//! No other floor imports it: they are given values, not settings. Every value was checked by
//! the [`schema`] when it was loaded; the [`Layers`] only pick the strongest.

mod again;
mod assembly;
mod calendars;
mod commands;
mod defaults;
mod endpoints;
mod environment;
mod file;
mod freshness;
mod invalidation;
mod keys;
pub mod kind;
mod layers;
mod lists;
mod load;
mod market;
mod questions;
mod said;
mod schedules;
pub mod schema;
mod sites;
mod strategies;
pub mod tree;
mod trial;

pub use assembly::{Config, Said};
pub use defaults::SHIPPED;
pub use environment::Environment;
pub use layers::{Layers, Origin};
pub use lists::Lists;
pub use load::Sources;
pub use questions::Choice;
pub use said::Flag;
pub use schedules::{Schedule, Scheduled};
