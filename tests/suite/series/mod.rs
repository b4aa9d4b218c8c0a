//! Series, tried as a whole: against an upstream that tells of stocks and coins that are made up,
//! and a model that downloads everything afresh.
//!
//! - `stock`, `coin` — what is made up, and what a download of it comes to at an instant
//! - `world` — the upstream that tells of it, and notes what it is asked
//! - `shop` — a cache in this process
//! - `model` — every answer is what a fresh download gives

mod coin;
mod model;
mod shop;
mod stock;
mod world;
