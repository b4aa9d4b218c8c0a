//! Decisions, and nothing else: how long an entry lives, and what to do with a question.
//!
//! No clock, no file and no socket in here: `now` and what is held come in, a verdict goes out.

mod known;
mod next;
pub mod strategy;
mod ttl;

pub use known::{Known, Reader};
pub use next::{Held, Next, Terms, fallback, may_remember_absence, next};
pub use strategy::{Course, Strategies, Strategy, Use};
pub use ttl::{Reason, Rules, TtlRule};
