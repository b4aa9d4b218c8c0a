//! Decisions, and nothing else: how long an entry lives, and what to do with a question.
//!
//! No clock, no file and no socket in here: `now` and what is held come in, a verdict goes out.

pub mod adaptive;
pub mod coverage;
mod endpoint;
pub mod event;
pub mod finality;
mod frozen;
pub mod hollow;
pub mod hours;
mod known;
mod life;
pub mod market;
mod next;
pub mod plan;
pub mod quorum;
pub mod replay;
pub mod strategy;
pub mod ttl;
pub mod use_case;
pub mod volatility;
pub mod volume;
pub mod wanted;

pub use adaptive::{Adaptive, Looks};
pub use coverage::{Coverage, Covered};
pub use endpoint::{EndpointRule, Endpoints};
pub use event::{Cause, Event, Expired, Invalidation};
pub use finality::Finality;
pub use frozen::{Frozen, FrozenAfter};
pub use known::{Known, Reader};
pub use life::{Reason, Rules};
pub use market::Market;
pub use next::{Held, Next, Terms, absence, fallback, may_remember_absence, next};
pub use plan::{Plan, SeriesRules, TooOld, Want};
pub use quorum::Agreement;
pub use strategy::{Course, Strategies, Strategy, Use};
pub use ttl::{Keep, Lasting, Scope, Subjects, TtlRule};
pub use use_case::{Priority, UseCase};
pub use volatility::Volatility;
pub use wanted::{Asked, Edge, Period};

#[cfg(test)]
mod tests;
