//! Carrying: what is held of series leaves the cache as a file, and comes into another out of files.
//!
//! | what | where |
//! |---|---|
//! | what is held of a series, cut out of it to be carried | `load.rs` |
//! | what came in a file takes its place in a series | `unload.rs` |
//! | files that others have written | [`foreign`] |
//!
//! Nobody is asked. Only final bars are carried: what may still change is left where it is. What is
//! held and final is never replaced; what comes over it is compared, and if it differs nothing of the
//! series is taken. What a parcel looks like is [`parcel`](crate::tier::series::parcel)'s.

pub mod foreign;
mod load;
mod unload;

pub use load::Loaded;
pub use unload::{Act, Unloaded};

use crate::error::{Error, Kind, Usage, sanitized};
use crate::key::Key;
use crate::market::{Bars, Class, DataType, Interval, Names, SessionKind, Symbol};
use crate::policy::Coverage;
use crate::span::{Span, Spans};
use crate::tier::series::parcel::{Content, Section};
use crate::time::Timestamp;

/// What a name in a key means: what it says.
struct AsItStands;

impl Names for AsItStands {
    fn class_of(&self, _: &str) -> Option<Class> {
        None
    }

    fn alias(&self, _: &str) -> Option<String> {
        None
    }

    fn crypto_quote(&self) -> String {
        "USDT".to_owned()
    }
}

/// A series as the key of a section names it; refused if it is not one that is carried, spelt as we
/// spell it.
pub(super) fn named(section: &Section) -> Result<(Symbol, Interval, SessionKind), Error> {
    let text = section.key.as_str();
    let refused = || {
        let text = sanitized(text);
        Error::new(Kind::InvalidData, format!("`{text}` is not the key of a series"))
    };
    let class = section.key.class().ok_or_else(refused)?;
    let symbol = section.key.symbol().ok_or_else(refused)?;
    let said = format!("{}:{symbol}", class.as_str());
    let symbol = Symbol::parse(&said, &AsItStands).map_err(|Usage { .. }| refused())?;
    let interval = section.key.interval().unwrap_or_default();
    let sessions = [SessionKind::Regular, SessionKind::Extended];
    let session = match &section.content {
        Content::Observations(_) => {
            let is_it = Key::of(DataType::Series, &symbol) == section.key;
            (is_it && class == Class::Macro).then_some(SessionKind::Regular)
        }
        Content::Bars { .. } => sessions.into_iter().find(|session| {
            let is_it = Key::of_bars(&symbol, interval, *session) == section.key;
            let has_hours = interval.is_intraday() || *session == SessionKind::Regular;
            is_it && has_hours && interval <= Interval::Day1 && class != Class::Macro
        }),
    };
    let is_provider = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let provider = &section.provider;
    let is_named = !provider.is_empty()
        && provider.len() <= 64
        && provider.chars().all(is_provider)
        && &**provider != crate::key::PUT;
    let session = session.filter(|_| is_named).ok_or_else(refused)?;
    Ok((symbol, interval, session))
}

/// The parts of what is known that lie in a span.
fn clipped(coverage: &Coverage, span: Span) -> Coverage {
    Coverage::from_rows(coverage.rows().iter().filter_map(|row| {
        let span = row.span.intersection(span)?;
        Some(crate::policy::coverage::Covered { span, ..*row })
    }))
}

/// The places of bars that begin in spans.
fn places<'a>(bars: &'a Bars, spans: &'a Spans) -> impl Iterator<Item = usize> + 'a {
    (0..bars.len()).filter(|at| spans.contains(Timestamp::from_ms(bars.times[*at])))
}
