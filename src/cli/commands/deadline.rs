//! Until when, as it is said: an instant, so long from now, or by the hours of an exchange.
//!
//! It reads no clock and opens no file: now and the calendars are given to it.

use std::time::Duration;

use crate::calendar::{Calendars, Exchange, Session};
use crate::error::{Usage, sanitized};
use crate::time::Timestamp;
use crate::units::parse_duration;

/// The furthest end: further than anybody means.
const FURTHEST: Duration = Duration::from_hours(24 * 36_525);

/// How a deadline is written.
const FORMS: &str = "write 20m, 2026-07-01T15:00:00Z, open-5m or close+10m";

/// How many days ahead a session is looked for: longer than any exchange is closed, but for wars.
const DAYS_AHEAD: i64 = 15;

/// An instant, or so long after now; `forms` says how it is written.
pub(super) fn until(text: &str, now: Timestamp, forms: &str) -> Result<Timestamp, Usage> {
    let refused = |why: &str| Usage::new(format!("`{}` {why}", sanitized(text))).hint(forms);
    let until = parse_duration(text)
        .map(|duration| now + duration)
        .or_else(|_| Timestamp::parse(text))
        .map_err(|_| refused("is neither a duration nor a time"))?;
    if until <= now {
        return Err(refused("is not in the future"));
    }
    if until > now + FURTHEST {
        return Err(refused("is too far away"));
    }
    Ok(until)
}

/// What of a session is meant.
#[derive(Clone, Copy)]
enum Event {
    Open,
    Close,
}

/// So long before or after something of a session.
struct Relative {
    event: Event,
    is_before: bool,
    by: Duration,
}

impl Relative {
    /// Reads `open`, `open-5m`, `close+10m`; none if it begins with neither word.
    fn parse(text: &str) -> Option<Result<Self, Usage>> {
        let (event, rest) = match (text.strip_prefix("open"), text.strip_prefix("close")) {
            (Some(rest), _) => (Event::Open, rest),
            (_, Some(rest)) => (Event::Close, rest),
            _ => return None,
        };
        let bad = || Usage::new(format!("`{}` is no deadline", sanitized(text))).hint(FORMS);
        if rest.is_empty() {
            return Some(Ok(Self { event, is_before: false, by: Duration::ZERO }));
        }
        let (is_before, by) = match (rest.strip_prefix('-'), rest.strip_prefix('+')) {
            (Some(by), _) => (true, by),
            (_, Some(by)) => (false, by),
            _ => return Some(Err(bad())),
        };
        let by = parse_duration(by).ok().filter(|by| *by <= FURTHEST);
        Some(by.map(|by| Self { event, is_before, by }).ok_or_else(bad))
    }

    fn of(&self, session: &Session) -> (Timestamp, Timestamp) {
        let at = match self.event {
            Event::Open => session.open,
            Event::Close => session.close,
        };
        (at, if self.is_before { at - self.by } else { at + self.by })
    }

    /// The instant that is meant of an exchange: of the first session of which it, or what it is counted
    /// from, is still to come.
    fn next(&self, exchange: Exchange, calendars: &Calendars, now: Timestamp) -> Option<Timestamp> {
        let today = calendars.local_date(exchange, now);
        calendars
            .sessions(exchange, today.plus(-2), today.plus(DAYS_AHEAD))
            .map(|session| self.of(&session))
            .find(|(at, meant)| *at > now || *meant > now)
            .map(|(_, meant)| meant)
    }
}

/// The instant of `--by`; what depends on hours, by the first of these exchanges, or by New York where
/// none of them ever closes.
pub(super) fn deadline(
    text: &str,
    exchanges: impl IntoIterator<Item = Exchange>,
    calendars: &Calendars,
    now: Timestamp,
) -> Result<Timestamp, Usage> {
    let Some(relative) = Relative::parse(text) else { return until(text, now, FORMS) };
    let relative = relative?;
    let with_hours = |exchange: &Exchange| *exchange != Exchange::ALWAYS;
    let next = |exchange| Some((relative.next(exchange, calendars, now)?, exchange));
    let first = exchanges.into_iter().filter(with_hours).filter_map(next).min();
    let Some((at, exchange)) = first.or_else(|| next(Exchange::XNYS)) else {
        let usage = Usage::new(format!("`{}` does not come", sanitized(text)));
        return Err(usage.hint("`mcache calendar` shows when exchanges open"));
    };
    if at <= now {
        let usage =
            Usage::new(format!("`{text}` of {exchange} was {}, which has passed", at.for_people()));
        return Err(usage.hint(format!("leave --by away, or {FORMS}")));
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn by(text: &str, exchanges: &[Exchange], now: &str) -> Result<String, Usage> {
        let calendars = Calendars::default();
        deadline(text, exchanges.iter().copied(), &calendars, at(now)).map(|at| at.to_string())
    }

    #[test]
    fn a_deadline_is_a_time_or_so_long_before_or_after_the_market_opens_or_closes() {
        let (ny, london, always) = (Exchange::XNYS, Exchange::XLON, Exchange::ALWAYS);
        let morning = "2026-07-01T05:00:00Z";
        for (text, exchanges, now, expected) in [
            ("20m", &[ny][..], morning, "2026-07-01T05:20:00Z"),
            ("2026-07-01T06:00:00Z", &[ny], morning, "2026-07-01T06:00:00Z"),
            ("open", &[ny], morning, "2026-07-01T13:30:00Z"),
            ("open-5m", &[ny], morning, "2026-07-01T13:25:00Z"),
            ("open-5m", &[ny, london], morning, "2026-07-01T06:55:00Z"),
            ("open-5m", &[always], morning, "2026-07-01T13:25:00Z"),
            ("open-5m", &[], morning, "2026-07-01T13:25:00Z"),
            ("close+10m", &[ny], morning, "2026-07-01T20:10:00Z"),
            ("close+10m", &[ny], "2026-07-01T20:05:00Z", "2026-07-01T20:10:00Z"),
            ("close+10m", &[ny], "2026-07-01T20:10:00Z", "2026-07-02T20:10:00Z"),
            // Once it is open, the next session; over a holiday, the one after it.
            ("open-5m", &[ny], "2026-07-01T15:00:00Z", "2026-07-02T13:25:00Z"),
            ("open-5m", &[ny], "2026-07-02T15:00:00Z", "2026-07-06T13:25:00Z"),
        ] {
            assert_eq!(by(text, exchanges, now).unwrap(), expected, "{text} {now}");
        }
    }

    #[test]
    fn a_deadline_that_has_passed_or_is_none_says_so() {
        let now = "2026-07-01T13:27:00Z";
        for (text, says) in [
            ("open-5m", "`open-5m` of XNYS was Wed 2026-07-01 13:25 UTC, which has passed"),
            ("2026-07-01", "is not in the future"),
            ("0s", "is not in the future"),
            ("open5m", "`open5m` is no deadline"),
            ("open-", "is no deadline"),
            ("close+x", "is no deadline"),
            ("opens-5m", "is no deadline"),
            ("noon", "is neither a duration nor a time"),
            ("9:30", "is neither a duration nor a time"),
            ("", "is neither a duration nor a time"),
            ("2999-01-01", "is too far away"),
        ] {
            let usage = by(text, &[Exchange::XNYS], now).unwrap_err();
            assert!(usage.message.contains(says), "{text}: {}", usage.message);
            assert!(usage.hint.is_some(), "{text}");
        }
    }
}
