//! When a bar has ended, when it does not change any more, and where one can begin.
//!
//! A bar is live until its interval, or its session, is over. A provider publishes late, and corrects
//! days until some time after the next session has opened; what was fetched after that is final. It
//! knows no bar: only intervals, sessions and instants. What trades where nobody knows has days of
//! UTC.

use std::time::Duration;

use crate::calendar::{Calendars, Date, Exchange, Session};
use crate::market::{Interval, SessionKind};
use crate::span::Span;
use crate::time::Timestamp;

/// How many dates before an instant a session is looked for. Bars that are older than that are final
/// though the exchange has not opened since.
const LONGEST_CLOSURE: i64 = 40;

/// How long before the open early trading begins at the earliest.
const EARLY: Duration = Duration::from_hours(6);

/// How long after the close late trading ends at the latest.
const LATE: Duration = Duration::from_hours(5);

const MS: Duration = Duration::from_millis(1);

/// What decides when the bars of a series are final.
#[derive(Clone, Copy, Debug)]
pub struct Finality<'a> {
    /// How long they are.
    pub interval: Interval,
    /// Of which hours.
    pub session: SessionKind,
    /// The sessions of every exchange.
    pub calendars: &'a Calendars,
    /// Where they are traded, if that is known.
    pub exchange: Option<Exchange>,
    /// How much later than the exchange the provider publishes.
    pub delay: Duration,
    /// For how long after the open of the next session a day may still be corrected.
    pub late_correction: Duration,
}

impl Finality<'_> {
    /// The instant before which every bar begins that is final if it was fetched then; nothing is
    /// said of the others, but that no session, or grid of bars, puts one of them before it.
    ///
    /// For days it is the start of the exchange's date, so that a provider for which sessions open a
    /// little earlier than the calendar says has no running bar before it.
    pub fn horizon(&self, fetched_at: Timestamp) -> Timestamp {
        if let Some(length) = self.interval.duration() {
            return fetched_at - length - self.delay + MS;
        }
        let at = fetched_at - self.delay - self.late_correction;
        let exchange = self.place();
        let today = self.calendars.trading_date(exchange, at);
        let has_opened = |date: &Date| {
            self.calendars.session(exchange, *date).is_some_and(|session| session.open <= at)
        };
        let opened = (0..LONGEST_CLOSURE).map(|before| today.plus(-before)).find(has_opened);
        let date = opened.unwrap_or(today.plus(-LONGEST_CLOSURE));
        self.calendars.day_start(exchange, first_day(self.interval, date))
    }

    /// Whether the bar that begins at this instant had ended at another.
    pub fn has_ended(&self, begin: Timestamp, at: Timestamp) -> bool {
        self.end(begin) <= at
    }

    /// When the bar ends that begins at this instant: after its interval, or when the last of its
    /// sessions closes, or breaks off for lunch. It is later than the instant.
    pub fn end(&self, begin: Timestamp) -> Timestamp {
        if let Some(length) = self.interval.duration() {
            return self.cut_short(begin, begin + length);
        }
        let exchange = self.place();
        let date = self.calendars.trading_date(exchange, begin);
        let next = next_day(self.interval, date);
        let mut dates = (date.days()..next.days()).rev().map(Date::from_days);
        let last = dates.find_map(|date| self.calendars.session(exchange, date));
        // What begins when no session is left ends with its dates.
        let close = last.map(|session| session.close).filter(|close| begin < *close);
        close.unwrap_or_else(|| self.calendars.day_start(exchange, next))
    }

    /// The end of a bar of regular hours: before its interval is over, if trading pauses within it
    /// and is known not to go on.
    fn cut_short(&self, begin: Timestamp, end: Timestamp) -> Timestamp {
        let exchange = self.exchange.filter(|_| self.session == SessionKind::Regular);
        let Some(exchange) = exchange else { return end };
        let open = self.calendars.phase(exchange, begin);
        if !open.is_open || open.is_guess || end <= open.until {
            return end;
        }
        let pause = self.calendars.phase(exchange, open.until);
        if pause.is_open || pause.until < end { end } else { open.until }
    }

    /// Whether a bar can begin in a span. What is only guessed of an exchange is that it is closed
    /// on weekends.
    ///
    /// Of weeks and months these are the days that they are made of.
    pub fn could_begin(&self, span: Span) -> bool {
        let Some(exchange) = self.exchange else { return true };
        let date = |at| self.calendars.trading_date(exchange, at).days();
        // Late trading may go on into the next date, and early trading begin on the one before.
        let mut dates = (date(span.start()) - 1..=date(span.end()) + 1).map(Date::from_days);
        dates.any(|date| {
            if self.calendars.is_guess(exchange, date) {
                let start = |date| self.calendars.day_start(exchange, date);
                return date.weekday() < 5 && meets(span, start(date), start(date.plus(1)));
            }
            let of_date = self.calendars.session(exchange, date);
            of_date.is_some_and(|hours| self.begins(span, &hours))
        })
    }

    /// Whether a bar of these hours can begin in a span.
    fn begins(&self, span: Span, hours: &Session) -> bool {
        match self.session {
            _ if !self.interval.is_intraday() => span.contains(hours.open),
            SessionKind::Regular => meets(span, hours.open, hours.close),
            SessionKind::Extended => meets(span, hours.open - EARLY, hours.close + LATE),
        }
    }

    /// Whose sessions count: where nobody knows, the days of UTC.
    fn place(&self) -> Exchange {
        self.exchange.unwrap_or(Exchange::ALWAYS)
    }
}

/// The first date of the bar of days, a week or a month that a date is in.
pub fn first_day(interval: Interval, date: Date) -> Date {
    match interval {
        Interval::Week1 => date.plus(-date.weekday()),
        Interval::Month1 => date.plus(1 - i64::from(date.parts().2)),
        _ => date,
    }
}

/// The first date after the bar of days, a week or a month that a date is in.
pub fn next_day(interval: Interval, date: Date) -> Date {
    match interval {
        Interval::Week1 => date.plus(7 - date.weekday()),
        // Every month is over 31 days after its first, and none has begun twice.
        Interval::Month1 => first_day(interval, first_day(interval, date).plus(31)),
        _ => date.plus(1),
    }
}

/// Whether a span has an instant in common with the time between two.
fn meets(span: Span, from: Timestamp, to: Timestamp) -> bool {
    span.start() < to && from < span.end() && from < to
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: Duration = Duration::from_hours(24);

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span::new(at(from), at(to)).unwrap()
    }

    fn of<'a>(interval: Interval, exchange: &str, calendars: &'a Calendars) -> Finality<'a> {
        let (delay, late_correction) = (Duration::from_mins(15), DAY);
        let exchange = Exchange::from_name(exchange);
        let session = SessionKind::Regular;
        Finality { interval, session, calendars, exchange, delay, late_correction }
    }

    #[test]
    fn a_minute_is_final_when_it_is_over_and_published() {
        let calendars = Calendars::default();
        let minutes = of(Interval::Minute1, "XNYS", &calendars);
        // The bar of 15:00 ends at 15:01 and is published at 15:16.
        let bar = at("2026-07-01T15:00:00Z");
        for (fetched_at, has_ended, is_final) in [
            ("2026-07-01T15:00:59.999Z", false, false),
            ("2026-07-01T15:01:00Z", true, false),
            ("2026-07-01T15:15:59.999Z", true, false),
            ("2026-07-01T15:16:00Z", true, true),
        ] {
            assert_eq!(minutes.has_ended(bar, at(fetched_at)), has_ended, "{fetched_at}");
            assert_eq!(bar < minutes.horizon(at(fetched_at)), is_final, "{fetched_at}");
        }
    }

    /// Interval, exchange, when it was fetched, and the horizon; why it is remarkable.
    #[rustfmt::skip]
    const HORIZONS: [(Interval, &str, &str, &str, &str); 15] = [
        // Tuesday opens at 13:30; a quarter of an hour and a day later Monday is final.
        (Interval::Day1, "XNYS", "2026-06-24T13:44:59.999Z", "2026-06-22T04:00:00Z", "a moment too early"),
        (Interval::Day1, "XNYS", "2026-06-24T13:45:00Z", "2026-06-23T04:00:00Z", "the day after the next open"),
        (Interval::Day1, "XNYS", "2026-07-05T12:00:00Z", "2026-07-02T04:00:00Z", "Thursday before a long weekend waits for Monday's open"),
        (Interval::Day1, "XNYS", "2026-07-07T13:45:00Z", "2026-07-06T04:00:00Z", "which is a day ago now"),
        (Interval::Day1, "XNYS", "2001-09-17T12:00:00Z", "2001-09-10T04:00:00Z", "11 September"),
        (Interval::Day1, "XNYS", "2026-03-10T13:45:00Z", "2026-03-09T04:00:00Z", "clocks went forward"),
        (Interval::Day1, "XTKS", "2026-07-02T00:15:00Z", "2026-06-30T15:00:00Z", "Tokyo's July begins in June"),
        (Interval::Day1, "FX", "2026-07-06T21:15:00Z", "2026-07-05T21:00:00Z", "Monday begins on Sunday evening"),
        (Interval::Day1, "24/7", "2026-07-05T00:14:59Z", "2026-07-03T00:00:00Z", "days of UTC"),
        (Interval::Day1, "24/7", "2026-07-05T00:15:00Z", "2026-07-04T00:00:00Z", "days of UTC"),
        (Interval::Day1, "nobody knows", "2026-07-05T00:15:00Z", "2026-07-04T00:00:00Z", "days of UTC"),
        (Interval::Day1, "XNYS", "2031-07-02T13:45:00Z", "2031-07-01T04:00:00Z", "what is guessed counts"),
        (Interval::Week1, "XNYS", "2026-07-05T12:00:00Z", "2026-06-29T04:00:00Z", "the week that has not been followed"),
        (Interval::Week1, "FX", "2026-07-06T21:15:00Z", "2026-07-05T21:00:00Z", "a week begins on Sunday evening"),
        (Interval::Month1, "XNYS", "2026-07-02T13:45:00Z", "2026-07-01T04:00:00Z", "June is over and followed"),
    ];

    #[test]
    fn a_day_is_final_some_time_after_the_next_session_has_opened() {
        let calendars = Calendars::default();
        for (interval, exchange, fetched_at, horizon, why) in HORIZONS {
            let found = of(interval, exchange, &calendars).horizon(at(fetched_at));
            assert_eq!(found.to_string(), horizon, "{exchange} {fetched_at}: {why}");
        }
    }

    #[test]
    fn a_bar_ends_when_its_last_session_closes() {
        let calendars = Calendars::default();
        for (interval, exchange, begin, end) in [
            (Interval::Day1, "XNYS", "2026-07-01T13:30:00Z", "2026-07-01T20:00:00Z"),
            // The provider's session opens a little earlier than the calendar's.
            (Interval::Day1, "XNYS", "2026-07-01T13:00:00Z", "2026-07-01T20:00:00Z"),
            (Interval::Day1, "XNYS", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),
            (Interval::Day1, "XNYS", "2026-07-04T13:30:00Z", "2026-07-05T04:00:00Z"),
            (Interval::Day1, "FX", "2026-07-05T21:00:00Z", "2026-07-06T21:00:00Z"),
            (Interval::Day1, "24/7", "2026-07-05T00:00:00Z", "2026-07-06T00:00:00Z"),
            (Interval::Day1, "", "2026-07-05T13:30:00Z", "2026-07-06T00:00:00Z"),
            (Interval::Week1, "XNYS", "2026-06-29T13:30:00Z", "2026-07-02T20:00:00Z"),
            (Interval::Month1, "XNYS", "2026-02-02T14:30:00Z", "2026-02-27T21:00:00Z"),
            (Interval::Hour4, "24/7", "2026-07-05T00:00:00Z", "2026-07-05T04:00:00Z"),
            // Hours from half past on: the last is half of one.
            (Interval::Hour1, "XNYS", "2026-07-01T18:30:00Z", "2026-07-01T19:30:00Z"),
            (Interval::Hour1, "XNYS", "2026-07-01T19:30:00Z", "2026-07-01T20:00:00Z"),
            (Interval::Hour1, "XNYS", "2026-11-27T17:30:00Z", "2026-11-27T18:00:00Z"),
            // Tokyo's lunch; a day of currencies goes over into the next but on Friday.
            (Interval::Hour1, "XTKS", "2026-07-02T02:00:00Z", "2026-07-02T02:30:00Z"),
            (Interval::Hour4, "FX", "2026-07-01T20:00:00Z", "2026-07-02T00:00:00Z"),
            (Interval::Hour4, "FX", "2026-07-03T20:00:00Z", "2026-07-03T21:00:00Z"),
            // When it closes is guessed, and out of hours nobody knows.
            (Interval::Hour1, "XNYS", "2031-07-01T19:30:00Z", "2031-07-01T20:30:00Z"),
            (Interval::Hour1, "XNYS", "2026-07-01T20:00:00Z", "2026-07-01T21:00:00Z"),
        ] {
            let bars = of(interval, exchange, &calendars);
            assert_eq!(bars.end(at(begin)).to_string(), end, "{interval:?} {exchange} {begin}");
            assert!(bars.has_ended(at(begin), at(end)));
            assert!(!bars.has_ended(at(begin), at(end) - MS));
        }
        // With late trading the hour is a whole one.
        let session = SessionKind::Extended;
        let bars = Finality { session, ..of(Interval::Hour1, "XNYS", &calendars) };
        let end = bars.end(at("2026-07-01T19:30:00Z"));
        assert_eq!(end.to_string(), "2026-07-01T20:30:00Z");
    }

    #[test]
    fn an_exchange_closed_for_years_does_not_keep_what_is_old_from_being_final() {
        let header = "exchange,session,open,close,break_start,break_end".to_owned();
        let first = Date::parse("2024-01-01").unwrap();
        let lines = (0..400).map(|day| format!("XNYS,{},,,,", first.plus(day)));
        let text: Vec<String> = [header].into_iter().chain(lines).collect();
        let stated = crate::calendar::Override::parse_all(&text.join("\n")).unwrap();
        let calendars = Calendars::default().with_days(stated);
        let horizon = of(Interval::Day1, "XNYS", &calendars).horizon(at("2024-12-01T12:00:00Z"));
        assert!(horizon > at("2024-10-01"), "{horizon}");
    }

    /// Exchange, interval, hours and a span; whether a bar can begin in it, and why.
    #[rustfmt::skip]
    const BEGINNINGS: [(&str, Interval, SessionKind, &str, &str, bool, &str); 20] = [
        ("XNYS", Interval::Day1, SessionKind::Regular, "2026-07-03", "2026-07-06T13:30:00Z", false, "a long weekend, up to the open"),
        ("XNYS", Interval::Day1, SessionKind::Regular, "2026-07-03", "2026-07-06T13:30:00.001Z", true, "the open"),
        ("XNYS", Interval::Day1, SessionKind::Regular, "2026-07-01T13:30:00.001Z", "2026-07-02", false, "after the open, the day has begun"),
        ("XNYS", Interval::Week1, SessionKind::Regular, "2026-07-01T13:30:00Z", "2026-07-02", true, "weeks are of days"),
        ("XNYS", Interval::Minute1, SessionKind::Regular, "2026-07-01T20:00:00Z", "2026-07-02T13:30:00Z", false, "a night"),
        ("XNYS", Interval::Minute1, SessionKind::Regular, "2026-07-01T19:59:59Z", "2026-07-02", true, "the last second of a session"),
        ("XNYS", Interval::Minute1, SessionKind::Extended, "2026-07-01T20:00:00Z", "2026-07-01T21:00:00Z", true, "late trading"),
        ("XNYS", Interval::Minute1, SessionKind::Extended, "2026-07-02T01:00:00Z", "2026-07-02T07:30:00Z", false, "a night without it"),
        ("XNYS", Interval::Minute1, SessionKind::Extended, "2026-07-02T01:00:00Z", "2026-07-02T07:31:00Z", true, "early trading"),
        ("XNYS", Interval::Minute1, SessionKind::Extended, "2026-07-03", "2026-07-05", true, "late trading goes on into the next date"),
        ("XNYS", Interval::Minute1, SessionKind::Extended, "2026-07-03T01:00:00Z", "2026-07-05", false, "it is over"),
        ("XNYS", Interval::Day1, SessionKind::Regular, "2026-12-25", "2026-12-26", false, "a holiday that is known"),
        ("XNYS", Interval::Day1, SessionKind::Regular, "1985-12-25T12:00:00Z", "1985-12-25T13:00:00Z", true, "a holiday that is guessed may be none"),
        ("XNYS", Interval::Day1, SessionKind::Regular, "1985-12-28T05:00:00Z", "1985-12-30T05:00:00Z", false, "a weekend is one"),
        ("FX", Interval::Hour1, SessionKind::Regular, "2026-07-03T21:00:00Z", "2026-07-05T21:00:00Z", false, "the weekend of currencies"),
        ("FX", Interval::Hour1, SessionKind::Regular, "2026-07-03T21:00:00Z", "2026-07-05T21:01:00Z", true, "up to its end"),
        ("FX", Interval::Day1, SessionKind::Regular, "2026-07-02T21:00:00.001Z", "2026-07-05T21:00:00Z", false, "of their days"),
        ("24/7", Interval::Minute1, SessionKind::Regular, "2026-07-04", "2026-07-04T00:00:00.001Z", true, "midnight"),
        ("24/7", Interval::Day1, SessionKind::Regular, "2026-07-04T00:00:01Z", "2026-07-05", false, "after it"),
        ("", Interval::Day1, SessionKind::Regular, "2026-07-04", "2026-07-05", true, "nobody knows"),
    ];

    #[test]
    fn where_no_session_is_no_bar_can_begin() {
        let calendars = Calendars::default();
        for (exchange, interval, session, from, to, could, why) in BEGINNINGS {
            let bars = Finality { session, ..of(interval, exchange, &calendars) };
            let found = bars.could_begin(span(from, to));
            assert_eq!(found, could, "{exchange} {from} {to}: {why}");
        }
    }

    #[test]
    fn a_horizon_is_found_without_allocating() {
        let calendars = Calendars::default();
        let (now, weekend) = (at("2026-07-05T12:00:00Z"), span("2026-07-04", "2026-07-05"));
        for exchange in Exchange::all() {
            let days = Finality { exchange: Some(exchange), ..of(Interval::Day1, "", &calendars) };
            let counted = allocation_counter::measure(|| {
                assert!(days.horizon(now) < now);
                assert!(days.end(weekend.start()) > weekend.start());
                assert_eq!(days.could_begin(weekend), exchange == Exchange::ALWAYS);
            });
            assert_eq!(counted.count_total, 0, "{exchange}");
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let date = |text| Date::parse(text).unwrap();
        for (interval, day, first, next) in [
            (Interval::Day1, "2026-07-01", "2026-07-01", "2026-07-02"),
            (Interval::Week1, "2026-07-01", "2026-06-29", "2026-07-06"),
            (Interval::Week1, "2026-07-05", "2026-06-29", "2026-07-06"),
            (Interval::Week1, "2026-07-06", "2026-07-06", "2026-07-13"),
            (Interval::Month1, "2026-12-31", "2026-12-01", "2027-01-01"),
            (Interval::Month1, "2028-02-29", "2028-02-01", "2028-03-01"),
        ] {
            let found = (first_day(interval, date(day)), next_day(interval, date(day)));
            assert_eq!(found, (date(first), date(next)), "{interval:?} {day}");
        }
    }

    fn any_exchange() -> impl Strategy<Value = Option<Exchange>> {
        let all: Vec<Exchange> = Exchange::all().collect();
        proptest::option::weighted(0.95, proptest::sample::select(all))
    }

    fn any_time() -> impl Strategy<Value = Timestamp> {
        (946_684_800_000..1_861_920_000_000_i64).prop_map(Timestamp::from_ms)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_final_has_been_followed_by_a_session_for_long_enough(
            exchange in any_exchange(),
            fetched_at in any_time(),
            delay in 0..30_u64,
            late in 0..60_u64,
        ) {
            let (delay, late_correction) = (Duration::from_mins(delay), Duration::from_hours(late));
            let calendars = Calendars::default();
            let days = of(Interval::Day1, "", &calendars);
            let days = Finality { exchange, delay, late_correction, ..days };
            let horizon = days.horizon(fetched_at);
            let place = exchange.unwrap_or(Exchange::ALWAYS);
            let today = calendars.local_date(place, fetched_at);
            let sessions: Vec<Session> =
                calendars.sessions(place, today.plus(-30), today.plus(30)).collect();
            for pair in sessions.windows(2) {
                let is_final = pair[1].open + delay + late_correction <= fetched_at;
                prop_assert_eq!(pair[0].open < horizon, is_final, "{}", pair[0].date);
            }
        }

        #[test]
        fn what_is_final_has_ended_and_stays_final(
            exchange in any_exchange(),
            fetched_at in any_time(),
            before in 0..86_400_000 * 20_i64,
            interval in proptest::sample::select(&Interval::ALL[..]),
            session in proptest::sample::select(&[SessionKind::Regular, SessionKind::Extended][..]),
            late in 0..2_u64,
        ) {
            let calendars = Calendars::default();
            let late_correction = Duration::from_hours(late * 24);
            let delay = Duration::ZERO;
            let bars = of(interval, "", &calendars);
            let bars = Finality { session, exchange, delay, late_correction, ..bars };
            let begin = Timestamp::from_ms(fetched_at.as_ms() - before);
            prop_assert!(bars.end(begin) > begin);
            if begin < bars.horizon(fetched_at) {
                prop_assert!(bars.has_ended(begin, fetched_at), "at any time of its day");
            }
            let later = fetched_at + Duration::from_millis(before.unsigned_abs());
            prop_assert!(bars.horizon(fetched_at) <= bars.horizon(later));
        }

        #[test]
        fn a_bar_can_begin_where_a_session_is(
            exchange in any_exchange(),
            start in any_time(),
            length in 1..86_400_000 * 5_i64,
            interval in proptest::sample::select(&[Interval::Minute1, Interval::Day1][..]),
        ) {
            let calendars = Calendars::default();
            let bars = Finality { exchange, ..of(interval, "", &calendars) };
            let span = Span::new(start, Timestamp::from_ms(start.as_ms() + length)).unwrap();
            let could = bars.could_begin(span);
            let Some(exchange) = exchange else {
                prop_assert!(could);
                return Ok(());
            };
            let date = |at| calendars.local_date(exchange, at);
            let (first, last) = (date(span.start()).plus(-2), date(span.end()).plus(2));
            prop_assume!(!calendars.is_guess(exchange, first) && !calendars.is_guess(exchange, last));
            let expected = calendars.sessions(exchange, first, last).any(|session| {
                let hours = Span::new(session.open, session.close).unwrap();
                if interval.is_intraday() {
                    hours.intersection(span).is_some()
                } else {
                    span.contains(session.open)
                }
            });
            prop_assert_eq!(could, expected);
            let extended = Finality { session: SessionKind::Extended, ..bars };
            prop_assert!(!could || extended.could_begin(span));
        }

        #[test]
        fn no_instant_is_too_far_away(exchange in any_exchange(), ms: i64, other: i64) {
            let calendars = Calendars::default();
            for interval in Interval::ALL {
                let bars = Finality { exchange, ..of(interval, "", &calendars) };
                let _ = bars.horizon(Timestamp::from_ms(ms));
                let _ = bars.end(Timestamp::from_ms(ms));
            }
            let session = SessionKind::Extended;
            let days = Finality { session, exchange, ..of(Interval::Day1, "", &calendars) };
            let (first, last) = (ms.min(other), ms.max(other));
            let span = Span::new(Timestamp::from_ms(first), Timestamp::from_ms(last));
            let _ = span.map(|span| days.could_begin(span));
        }
    }
}
