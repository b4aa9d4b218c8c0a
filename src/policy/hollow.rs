//! Sessions without a bar in what is known of a series: a halt, days on which nobody traded, or an
//! answer of upstream that was cut short. Which of these, nobody can tell; what follows is decided
//! elsewhere.

use crate::calendar::{Date, Exchange, Session};
use crate::policy::Finality;
use crate::span::{Span, Spans};
use crate::time::Timestamp;

/// The dates of the sessions, in order, that lie in what is known, and in which no bar begins: each
/// whole session of the exchange, but those that are only guessed. `times_ms` are in order.
pub fn hollow(finality: &Finality<'_>, known: &Spans, times_ms: &[i64]) -> Vec<Date> {
    let Some(exchange) = finality.exchange else { return Vec::new() };
    let calendars = finality.calendars;
    let date = |at| calendars.trading_date(exchange, at);
    let mut dates: Vec<Date> = Vec::new();
    for span in known {
        let sessions = calendars.sessions(exchange, date(span.start()), date(span.end()));
        let is_within =
            |session: &Session| span.start() <= session.open && session.close <= span.end();
        let is_hollow = |session: &Session| {
            let of_date = of_date(finality, exchange, session.date).unwrap_or(*span);
            let from = times_ms.partition_point(|ms| *ms < of_date.start().as_ms());
            let has_bar = times_ms.get(from).is_some_and(|ms| *ms < of_date.end().as_ms());
            !has_bar && !calendars.is_guess(exchange, session.date)
        };
        dates.extend(sessions.filter(is_within).filter(is_hollow).map(|session| session.date));
    }
    dates
}

/// All of these dates.
pub fn of_dates(finality: &Finality<'_>, dates: &[Date]) -> Spans {
    let Some(exchange) = finality.exchange else { return Spans::new() };
    dates.iter().filter_map(|date| of_date(finality, exchange, *date)).collect()
}

/// All of a date, with what is traded before and after the session.
fn of_date(finality: &Finality<'_>, exchange: Exchange, date: Date) -> Option<Span> {
    let start = |date| -> Timestamp { finality.calendars.day_start(exchange, date) };
    Span::new(start(date), start(date.plus(1)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::calendar::Calendars;
    use crate::market::{Interval, SessionKind};

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn hollow_of(exchange: &str, known: &[(&str, &str)], bars: &[&str]) -> Vec<String> {
        let calendars = Calendars::default();
        let finality = Finality {
            interval: Interval::Day1,
            session: SessionKind::Regular,
            calendars: &calendars,
            exchange: Exchange::from_name(exchange),
            delay: Duration::ZERO,
            late_correction: Duration::ZERO,
        };
        let known = known.iter().filter_map(|(from, to)| Span::new(at(from), at(to))).collect();
        let times: Vec<i64> = bars.iter().map(|bar| at(bar).as_ms()).collect();
        let dates = hollow(&finality, &known, &times);
        let spans = of_dates(&finality, &dates);
        let is_in = |date: &Date| {
            let session = calendars.session(finality.exchange.unwrap(), *date).unwrap();
            spans.contains(session.open)
        };
        assert!(dates.iter().all(is_in), "{dates:?} {spans:?}");
        dates.iter().map(Date::to_string).collect()
    }

    #[test]
    fn a_session_without_a_bar_is_hollow_and_a_holiday_is_not() {
        // Friday, 3 July 2026 is a holiday in New York.
        let week = [("2026-06-29T04:00:00Z", "2026-07-07T04:00:00Z")];
        let bars = ["2026-06-29T13:30:00Z", "2026-07-01T13:30:00Z", "2026-07-02T13:30:00Z"];
        assert_eq!(hollow_of("XNYS", &week, &bars), ["2026-06-30", "2026-07-06"]);
        // A bar of the evening before the open is of its date.
        let early = ["2026-06-29T13:30:00Z", "2026-06-30T08:00:00Z"];
        assert_eq!(hollow_of("XNYS", &week, &early), ["2026-07-01", "2026-07-02", "2026-07-06"]);
    }

    #[test]
    fn what_is_known_in_part_or_guessed_is_not_hollow() {
        let known = [
            ("2026-06-29T04:00:00Z", "2026-06-30T15:00:00Z"),
            ("2026-07-01T15:00:00Z", "2026-07-02T21:00:00Z"),
        ];
        assert_eq!(hollow_of("XNYS", &known, &[]), ["2026-06-29", "2026-07-02"]);
        let far = [("2035-01-01T00:00:00Z", "2035-02-01T00:00:00Z")];
        assert!(hollow_of("XNYS", &far, &[]).is_empty());
        assert!(hollow_of("nobody knows", &known, &[]).is_empty());
    }

    #[test]
    fn what_never_closes_has_a_session_on_every_date() {
        let known = [("2026-07-03T00:00:00Z", "2026-07-06T00:00:00Z")];
        assert_eq!(
            hollow_of("24/7", &known, &["2026-07-04T00:00:00Z"]),
            ["2026-07-03", "2026-07-05"]
        );
        // A day of currencies begins on the evening before.
        let known = [("2026-07-05T21:00:00Z", "2026-07-07T21:00:00Z")];
        assert_eq!(hollow_of("FX", &known, &["2026-07-05T21:00:00Z"]), ["2026-07-07"]);
    }
}
