//! What the calendars promise, held against the reference that `tools/calendars.py` writes from the
//! schedule of `exchange_calendars`, and not from our tables.

use proptest::prelude::*;
use xxhash_rust::xxh3::xxh3_64;

use super::*;

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn date(text: &str) -> Date {
    Date::parse(text).unwrap()
}

fn fixture(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calendars/");
    std::fs::read_to_string(format!("{folder}{name}")).unwrap()
}

/// A session as the reference writes it.
fn row(session: &Session) -> String {
    let (from, to) = session
        .rest
        .map_or((String::new(), String::new()), |(from, to)| (from.to_string(), to.to_string()));
    format!("{},{},{},{from},{to}\n", session.date, session.open, session.close)
}

fn rows(exchange: Exchange, from: &str, to: &str) -> Vec<String> {
    let sessions = Calendars::default();
    sessions.sessions(exchange, date(from), date(to)).map(|session| row(&session)).collect()
}

#[test]
fn every_session_is_that_of_the_reference() {
    let text = fixture("years.csv");
    let mut exchanges = std::collections::BTreeSet::new();
    let mut sessions = 0;
    for line in text.lines().skip(1) {
        let [name, year, count, hash] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let exchange = Exchange::from_name(name).unwrap();
        let rows = rows(exchange, &format!("{year}-01-01"), &format!("{year}-12-31"));
        let ours = format!("{:016x}", xxh3_64(rows.concat().as_bytes()));
        assert_eq!((rows.len().to_string(), ours), (count.to_owned(), hash.to_owned()), "{line}");
        exchanges.insert(exchange);
        sessions += rows.len();
    }
    let placed = Exchange::all().filter(|exchange| exchange.table().is_some());
    assert!(exchanges.into_iter().eq(placed));
    assert_eq!(sessions, 202_279);
}

#[test]
fn the_months_of_the_reference_are_ours_line_by_line() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/calendars");
    let mut months = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some((exchange, month)) = name.trim_end_matches(".csv").split_once('-') else {
            continue;
        };
        let first = date(&format!("{month}-01"));
        let next = first.plus(31).parts();
        let last = Date::new(next.0, next.1, 1).unwrap().plus(-1).to_string();
        let ours = rows(Exchange::from_name(exchange).unwrap(), &first.to_string(), &last);
        let header = "session,open,close,break_start,break_end\n";
        assert_eq!(format!("{header}{}", ours.concat()), fixture(&name), "{name}");
        months += 1;
    }
    assert_eq!(months, 35);
}

/// The reference's clocks: those of the time zone database that is built in.
fn zone(exchange: Exchange) -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get(exchange.zone()).unwrap()
}

#[test]
fn clocks_change_when_the_time_zone_database_says() {
    let start = at("2000-01-01").as_ms() / 1000;
    let end = at("2029-01-01").as_ms() / 1000;
    for exchange in Exchange::all() {
        let Some(table) = exchange.table() else { continue };
        let theirs = zone(exchange);
        let offset = |seconds| {
            let instant = jiff::Timestamp::from_second(seconds).unwrap();
            i64::from(theirs.to_offset(instant).seconds())
        };
        for instant in (start..end).step_by(19 * 3600) {
            assert_eq!(table.offsets.at(instant), offset(instant), "{exchange} at {instant}");
        }
        let mut changes = 0;
        for change in theirs.following(jiff::Timestamp::from_second(start).unwrap()) {
            let instant = change.timestamp().as_second();
            // What is beyond the list is the rule, which holds for as long as theirs.
            if instant >= at("2060-01-01").as_ms() / 1000 {
                break;
            }
            for second in [instant - 1, instant] {
                assert_eq!(table.offsets.at(second), offset(second), "{exchange} at {second}");
            }
            changes += 1;
            // In the night, so that a day has one offset from its morning on.
            let local = (instant + offset(instant - 1)).rem_euclid(86_400);
            assert!((0..=4 * 3600).contains(&local), "{exchange} at {instant}");
        }
        let has_rule = !table.offsets.changes.is_empty();
        assert!(
            (has_rule && changes == 120) || (!has_rule && changes < 50),
            "{exchange} {changes}"
        );
    }
}

#[test]
fn every_zone_and_every_table_is_whole() {
    for exchange in Exchange::all() {
        assert!(Exchange::from_name(exchange.as_str()) == Some(exchange), "{exchange}");
        assert!(Exchange::parse(&exchange.as_str().to_lowercase()) == Ok(exchange), "{exchange}");
        let Some(table) = exchange.table() else { continue };
        for day in table.first - 400..table.last + 400 {
            let Some(Hours { open, close, rest }) = table.near(day).hours(day) else { continue };
            let (from, to) = rest.unwrap_or((open + 1, open + 2));
            assert!(open < from && from < to && to < close && close <= 1440, "{exchange} {day}");
        }
    }
    assert_eq!(Exchange::of_suffix("l"), Some(Exchange::XLON));
    assert_eq!(Exchange::of_suffix("F"), None);
}

/// What a session says of itself, whether it is open, in the slow and obvious way.
fn model(session: &Session, at: Timestamp) -> bool {
    let in_break = session.rest.is_some_and(|(from, to)| from <= at && at < to);
    session.open <= at && at < session.close && !in_break
}

/// Every instant at which an exchange opens or closes in a year, in order.
fn edges(calendars: &Calendars, exchange: Exchange, year: i64) -> Vec<Timestamp> {
    let (from, to) = (Date::new(year, 1, 1).unwrap(), Date::new(year, 12, 31).unwrap());
    let mut edges = Vec::new();
    for session in calendars.sessions(exchange, from, to) {
        edges.push(session.open);
        edges.extend(session.rest.into_iter().flat_map(|(from, to)| [from, to]));
        edges.push(session.close);
    }
    edges
}

#[test]
fn stretches_follow_each_other_without_a_gap() {
    let calendars = Calendars::default();
    for exchange in Exchange::all().filter(|exchange| exchange.table().is_some()) {
        for year in [2000, 2007, 2011, 2024, 2026, 2028, 2031] {
            let edges = edges(&calendars, exchange, year);
            let mut walked = Vec::new();
            let mut phase = calendars.phase(exchange, edges[0]);
            while phase.since <= *edges.last().unwrap() {
                walked.push(phase.since);
                let next = calendars.phase(exchange, phase.until);
                assert_eq!(next.since, phase.until, "{exchange} {year}");
                assert_ne!(next.is_open, phase.is_open, "{exchange} {year}");
                phase = next;
            }
            assert_eq!(walked, edges, "{exchange} {year}");
        }
    }
}

/// Every exchange that has sessions and can be closed.
fn any_exchange() -> impl Strategy<Value = Exchange> {
    let all: Vec<Exchange> = Exchange::all().filter(|e| *e != Exchange::ALWAYS).collect();
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_phase_is_what_the_sessions_say(
        exchange in any_exchange(),
        ms in 915_148_800_000..=1_956_528_000_000i64,
    ) {
        let calendars = Calendars::default();
        let at = Timestamp::from_ms(ms);
        let phase = calendars.phase(exchange, at);
        prop_assert!(phase.since <= at && at < phase.until);
        let near = |days| calendars.local_date(exchange, at).plus(days);
        let sessions: Vec<Session> = calendars.sessions(exchange, near(-2), near(2)).collect();
        let is_open = |at| sessions.iter().any(|session| model(session, at));
        prop_assert_eq!(phase.is_open, is_open(at));
        // Of the same kind from its first to its last millisecond, and not before and after.
        let last = Timestamp::from_ms(phase.until.as_ms() - 1);
        for at in [phase.since, last] {
            prop_assert_eq!(calendars.phase(exchange, at), phase);
        }
        let before = Timestamp::from_ms(phase.since.as_ms() - 1);
        prop_assert_ne!(calendars.phase(exchange, before).is_open, phase.is_open);
        prop_assert_ne!(calendars.phase(exchange, phase.until).is_open, phase.is_open);
    }

    #[test]
    fn no_instant_is_too_far_away(exchange in any_exchange(), ms: i64, days: i64) {
        let calendars = Calendars::default();
        let at = Timestamp::from_ms(ms);
        let phase = calendars.phase(exchange, at);
        prop_assert!(phase.since <= at && at <= phase.until);
        let date = calendars.local_date(exchange, at);
        let _ = calendars.session(exchange, date);
        let _ = calendars.session(exchange, Date::from_days(days));
        let _ = calendars.utc_offset_seconds(exchange, at);
        let _ = calendars.day_start(exchange, calendars.trading_date(exchange, at));
    }

    #[test]
    fn a_date_starts_at_its_first_instant(exchange in any_exchange(), day in 10_957..21_549i64) {
        let calendars = Calendars::default();
        let date = Date::from_days(day);
        let start = calendars.day_start(exchange, date);
        let before = Timestamp::from_ms(start.as_ms() - 1);
        prop_assert_eq!(calendars.trading_date(exchange, start), date);
        prop_assert_eq!(calendars.trading_date(exchange, before), date.plus(-1));
        if exchange == Exchange::FX {
            prop_assert_eq!(calendars.local_date(exchange, start), date.plus(-1));
        } else {
            let theirs = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
            let theirs = theirs.to_zoned(zone(exchange)).unwrap().timestamp();
            prop_assert_eq!(start.as_ms(), theirs.as_millisecond());
        }
        if let Some(session) = calendars.session(exchange, date) {
            let next = calendars.day_start(exchange, date.plus(1));
            prop_assert!(start <= session.open && session.close <= next);
        }
    }

    #[test]
    fn a_date_is_the_one_that_the_place_has(
        exchange in any_exchange(),
        seconds in 946_684_800..1_861_920_000i64,
    ) {
        let theirs = zone(exchange).to_datetime(jiff::Timestamp::from_second(seconds).unwrap());
        let ours = Calendars::default().local_date(exchange, Timestamp::from_seconds(seconds));
        prop_assert_eq!(ours.to_string(), theirs.date().to_string());
    }
}

/// Exchange and instant; whether it is open, since and until when; why it is remarkable.
#[rustfmt::skip]
const REMARKABLE: [(&str, &str, bool, &str, &str, &str); 17] = [
    ("XNYS", "2026-07-01T13:29:59Z", false, "2026-06-30T20:00:00Z", "2026-07-01T13:30:00Z", "before the open"),
    ("XNYS", "2026-07-01T13:30:00Z", true, "2026-07-01T13:30:00Z", "2026-07-01T20:00:00Z", "at the open"),
    ("XNYS", "2026-07-01T20:00:00Z", false, "2026-07-01T20:00:00Z", "2026-07-02T13:30:00Z", "at the close"),
    ("XNYS", "2026-07-05T12:00:00Z", false, "2026-07-02T20:00:00Z", "2026-07-06T13:30:00Z", "4 July, observed on Friday"),
    ("XNYS", "2026-11-27T18:00:00Z", false, "2026-11-27T18:00:00Z", "2026-11-30T14:30:00Z", "a half day"),
    ("XNYS", "2001-09-12T15:00:00Z", false, "2001-09-10T20:00:00Z", "2001-09-17T13:30:00Z", "11 September"),
    ("XNYS", "2026-03-08T12:00:00Z", false, "2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z", "clocks go forward"),
    ("XNYS", "2026-11-01T12:00:00Z", false, "2026-10-30T20:00:00Z", "2026-11-02T14:30:00Z", "clocks go back"),
    ("XLON", "2026-03-29T12:00:00Z", false, "2026-03-27T16:30:00Z", "2026-03-30T07:00:00Z", "clocks go forward"),
    ("XTKS", "2026-07-01T02:30:00Z", false, "2026-07-01T02:30:00Z", "2026-07-01T03:30:00Z", "the break"),
    ("XTKS", "2026-07-01T03:30:00Z", true, "2026-07-01T03:30:00Z", "2026-07-01T06:30:00Z", "after the break"),
    ("XTKS", "2024-11-01T05:59:59Z", true, "2024-11-01T03:30:00Z", "2024-11-01T06:00:00Z", "the old close"),
    ("XTKS", "2024-11-05T06:00:00Z", true, "2024-11-05T03:30:00Z", "2024-11-05T06:30:00Z", "the new close"),
    ("XASX", "2026-10-04T12:00:00Z", false, "2026-10-02T06:00:00Z", "2026-10-04T23:00:00Z", "Sydney's Monday is London's Sunday"),
    ("FX", "2026-07-05T20:59:59Z", false, "2026-07-03T21:00:00Z", "2026-07-05T21:00:00Z", "the week-end"),
    ("FX", "2026-03-08T21:00:00Z", true, "2026-03-08T21:00:00Z", "2026-03-13T21:00:00Z", "clocks went forward"),
    ("FX", "2026-03-06T21:59:59Z", true, "2026-03-01T22:00:00Z", "2026-03-06T22:00:00Z", "clocks have not"),
];

#[test]
fn phases_of_remarkable_instants() {
    let calendars = Calendars::default();
    for (exchange, now, is_open, since, until, why) in REMARKABLE {
        let exchange = Exchange::from_name(exchange).unwrap();
        let expected = Phase { is_open, since: at(since), until: at(until), is_guess: false };
        assert_eq!(calendars.phase(exchange, at(now)), expected, "{exchange} {now}: {why}");
    }
    let always = calendars.phase(Exchange::ALWAYS, at("2026-07-05"));
    assert!(always.is_open && !always.is_guess && always.until == Timestamp::NEVER);
}

#[test]
fn what_is_beyond_the_table_is_guessed_and_said_to_be() {
    let calendars = Calendars::default();
    let phase = |exchange, now| calendars.phase(exchange, at(now));
    let guessed = phase(Exchange::XNYS, "2031-07-02T15:00:00Z");
    assert!(guessed.is_open && guessed.is_guess);
    assert_eq!(guessed.until, at("2031-07-02T20:00:00Z"));
    let holiday = phase(Exchange::XNYS, "2031-07-04T15:00:00Z");
    assert_eq!((holiday.is_open, holiday.until), (false, at("2031-07-07T13:30:00Z")));
    let before = phase(Exchange::XTKS, "1999-07-01T06:15:00Z");
    assert!(!before.is_open && before.is_guess, "the hours of the first period");
    assert!(phase(Exchange::FX, "2031-07-02T15:00:00Z").is_guess);
    for (now, is_guess) in [
        ("2000-01-03T15:00:00Z", false),
        ("2000-01-02T15:00:00Z", true),
        ("2028-12-29T20:59:00Z", false),
        ("2028-12-29T21:00:00Z", true),
    ] {
        assert_eq!(phase(Exchange::XNYS, now).is_guess, is_guess, "{now}");
    }
    assert_eq!(known(Exchange::XSHG), Some((date("2000-01-01"), date("2026-12-31"))));
    assert_eq!(known(Exchange::ALWAYS), None);
}

#[test]
fn what_a_user_says_of_a_day_holds() {
    let days = Override::parse_all(
        "\u{feff}exchange,session,open,close,break_start,break_end\n\
         XNYS,2026-07-01,,,,\n\
         nyse, 2026-07-04, 10:00, 14:00, 12:00, 12:30\n\
         XNYS,2026-07-06,09:30,16:00,,\n\
         XNYS,2026-07-06,09:30,24:00,,\n\
         XNYS,2035-07-02,11:00,12:00,,\n",
    );
    let calendars = Calendars::default().with_days(days.unwrap());
    let session = |day| calendars.session(Exchange::XNYS, date(day));
    assert_eq!(session("2026-07-01"), None);
    let saturday = session("2026-07-04").unwrap();
    assert_eq!(saturday.open, at("2026-07-04T14:00:00Z"));
    assert_eq!(saturday.rest, Some((at("2026-07-04T16:00:00Z"), at("2026-07-04T16:30:00Z"))));
    assert_eq!(session("2026-07-06").unwrap().close, at("2026-07-07T04:00:00Z"), "the later line");
    let phase = calendars.phase(Exchange::XNYS, at("2026-07-01T15:00:00Z"));
    assert_eq!((phase.is_open, phase.until), (false, at("2026-07-02T13:30:00Z")));
    assert!(!calendars.phase(Exchange::XNYS, at("2035-07-02T15:30:00Z")).is_guess, "it was said");
    assert!(calendars.phase(Exchange::XNAS, at("2026-07-01T15:00:00Z")).is_open);
}

#[test]
fn a_day_that_makes_no_sense_is_told_by_its_line() {
    let header = "exchange,session,open,close,break_start,break_end";
    for (line, says) in [
        ("XNIS,2026-07-01,,,,", "line 2: `XNIS` is not an exchange"),
        ("FX,2026-07-01,,,,", "line 2: `FX` has no days of its own"),
        ("XNYS,2026-02-30,,,,", "line 2: `2026-02-30` is not a date"),
        ("XNYS,2026-07-01,9:30,16:00,,", "line 2: `9:30` is not a time of day"),
        ("XNYS,2026-07-01,09:30,24:01,,", "line 2: `24:01` is not a time of day"),
        ("XNYS,2026-07-01,16:00,09:30,,", "line 2: these are not the hours of a session"),
        ("XNYS,2026-07-01,09:30,,,", "line 2: these are not the hours of a session"),
        ("XNYS,2026-07-01,09:30,16:00,12:00,", "line 2: these are not the hours of a session"),
        ("XNYS,2026-07-01,09:30,16:00,16:00,17:00", "line 2: these are not the hours"),
        ("XNYS,2026-07-01", "line 2: 2 columns instead of six"),
    ] {
        let usage = Override::parse_all(&format!("{header}\n{line}\n")).unwrap_err();
        assert!(usage.message.starts_with(says), "{line}: {usage:?}");
        assert!(usage.hint.is_some(), "{line}");
    }
    assert!(Override::parse_all("date,exchange\n").unwrap_err().message.starts_with("line 1"));
    assert_eq!(Override::parse_all(&format!("{header}\n")), Ok(Vec::new()));
}

#[test]
fn an_exchange_closed_for_ever_never_opens() {
    let (first, days) = (date("2010-01-01"), 0..8000);
    let day = |offset| Override { exchange: Exchange::XNYS, date: first.plus(offset), hours: None };
    let calendars = Calendars::default().with_days(days.map(day).collect());
    let phase = calendars.phase(Exchange::XNYS, at("2020-07-01T15:00:00Z"));
    assert_eq!((phase.is_open, phase.until), (false, Timestamp::NEVER));
}
