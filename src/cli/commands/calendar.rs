//! `calendar`: is the market open, when does it next open and close; lists sessions.
//!
//! It opens no cache: what it says is in the program, and in the user's file of days.

use std::io::Write;

use serde::Serialize;

use crate::calendar::{Calendars, Date, Exchange, Phase, Session, extent, known, version};
use crate::cli::Invocation;
use crate::cli::args::{Calendar, Format};
use crate::cli::exit::Exit;
use crate::cli::output::table::{Side, Table, second};
use crate::cli::ui::{Style, Ui};
use crate::error::{Usage, sanitized};
use crate::time::Timestamp;
use crate::units::duration_for_people;
use crate::warning::Warning;

const FORMATS: [Format; 4] = [Format::Table, Format::Json, Format::Ndjson, Format::Csv];

/// How many days are listed if nobody says to when.
const LISTED_DAYS: i64 = 365;

pub(in crate::cli) fn run(args: &Calendar, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let format = invocation.format(&FORMATS)?;
    let Invocation { config, ui, .. } = invocation;
    let calendars = config.calendars()?;
    let now = config.clock().now();
    let exchange = args.exchange.as_deref().map(Exchange::parse).transpose()?;
    let is_asked = args.is_open || args.is_session.is_some();
    let Some(exchange) = exchange else {
        if is_asked || args.from.is_some() || args.to.is_some() {
            let usage = Usage::new("no exchange is named");
            return Err(usage.hint("write its name first, as in `mcache calendar XNYS`").into());
        }
        let all: Vec<Now> = Exchange::all().map(|each| Now::of(each, &calendars, now)).collect();
        warn(all.iter().filter(|row| row.guess).map(|row| row.of), ui);
        let style = ui.style();
        write_all(&all, format, &calendars, style, ui.data())?;
        return Ok(Exit::Success);
    };
    if args.is_open {
        let phase = calendars.phase(exchange, now);
        warn(phase.is_guess.then_some(exchange), ui);
        return Ok(if phase.is_open { Exit::Success } else { Exit::Failure });
    }
    if let Some(date) = &args.is_session {
        let today = calendars.local_date(exchange, now);
        let date = if date == "today" { today } else { parsed(date)? };
        warn(calendars.is_guess(exchange, date).then_some(exchange), ui);
        let session = calendars.session(exchange, date);
        return Ok(session.map_or(Exit::Failure, |_| Exit::Success));
    }
    let style = ui.style();
    if args.from.is_some() || args.to.is_some() {
        let (from, to) = span(args, calendars.local_date(exchange, now))?;
        let is_guess = [from, to].into_iter().any(|date| calendars.is_guess(exchange, date));
        warn(is_guess.then_some(exchange), ui);
        let sessions = calendars.sessions(exchange, from, to);
        write_sessions(exchange, sessions, format, &calendars, style, ui.data())?;
        return Ok(Exit::Success);
    }
    let row = Now::of(exchange, &calendars, now);
    warn(row.guess.then_some(exchange), ui);
    if format == Format::Table {
        row.table(&calendars).write(style, ui.data())?;
    } else {
        write_all(&[row], format, &calendars, style, ui.data())?;
    }
    Ok(Exit::Success)
}

/// Says once whose sessions are guessed; of a single exchange also what is known.
fn warn(exchanges: impl IntoIterator<Item = Exchange>, ui: &mut Ui) {
    let exchanges: Vec<Exchange> = exchanges.into_iter().collect();
    let names = match exchanges[..] {
        [] => return,
        [one] => vec![extent(one)],
        _ => exchanges.iter().map(Exchange::to_string).collect(),
    };
    ui.warn(&Warning::Guessed { of: names.join(", ") });
}

fn parsed(text: &str) -> Result<Date, Usage> {
    Date::parse(text).ok_or_else(|| {
        Usage::new(format!("`{}` is not a date", sanitized(text))).hint("write 2026-07-01")
    })
}

/// The dates between which sessions are listed, both included.
fn span(args: &Calendar, today: Date) -> Result<(Date, Date), Usage> {
    let from = args.from.as_deref().map(parsed).transpose().map_err(|usage| usage.at("--from"))?;
    let to = args.to.as_deref().map(parsed).transpose().map_err(|usage| usage.at("--to"))?;
    let from = from.unwrap_or(today);
    let to = to.unwrap_or_else(|| from.plus(LISTED_DAYS - 1));
    if to < from {
        let said = if args.from.is_some() { "" } else { " (today)" };
        return Err(Usage::new(format!("--to {to} is before --from {from}{said}"))
            .hint("both are dates of the exchange, and both are listed"));
    }
    Ok((from, to))
}

/// A session as programs are told of it.
#[derive(Serialize)]
struct Row {
    session: String,
    open: Timestamp,
    close: Timestamp,
    break_start: Option<Timestamp>,
    break_end: Option<Timestamp>,
}

impl Row {
    fn of(session: &Session) -> Self {
        Self {
            session: session.date.to_string(),
            open: session.open,
            close: session.close,
            break_start: session.rest.map(|(from, _)| from),
            break_end: session.rest.map(|(_, to)| to),
        }
    }
}

/// What is known of an exchange at an instant.
#[derive(Serialize)]
struct Now {
    #[serde(rename = "exchange")]
    of: Exchange,
    zone: &'static str,
    is_open: bool,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    next_open: Option<Timestamp>,
    next_close: Option<Timestamp>,
    session: Option<Row>,
    guess: bool,
    #[serde(skip)]
    at: Timestamp,
    #[serde(skip)]
    today: Option<Session>,
}

impl Now {
    fn of(of: Exchange, calendars: &Calendars, at: Timestamp) -> Self {
        let Phase { is_open, since, until, is_guess } = calendars.phase(of, at);
        let until = (until != Timestamp::NEVER).then_some(until);
        let after = until.map(|until| calendars.phase(of, until));
        let later = after.map(|after| after.until).filter(|until| *until != Timestamp::NEVER);
        let (next_open, next_close) = if is_open { (later, until) } else { (until, later) };
        let today = session_of(of, calendars, at);
        Self {
            of,
            zone: of.zone(),
            is_open,
            since: (since.as_ms() != i64::MIN).then_some(since),
            until,
            next_open,
            next_close,
            session: today.as_ref().map(Row::of),
            guess: is_guess,
            at,
            today,
        }
    }

    /// Everything about one exchange, for people.
    fn table(&self, calendars: &Calendars) -> Table {
        let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
        let mut row = |name: &str, value: String| table.row(vec![name.to_owned(), value]);
        let here = |instant: Timestamp| clock(self.of, calendars, instant);
        let instant = |instant: Option<Timestamp>| match instant {
            Some(instant) => format!("{} UTC ({} there)", minute(instant), here(instant)),
            None => "never".to_owned(),
        };
        row("exchange", format!("{} ({})", self.of, self.of.title()));
        row("zone", format!("{}, now {}", self.zone, here(self.at)));
        row("open", if self.is_open { "yes" } else { "no" }.to_owned());
        if self.since.is_some() {
            row("since", instant(self.since));
        }
        if self.next_open.is_some() || self.next_close.is_some() {
            row("next open", instant(self.next_open));
            row("next close", instant(self.next_close));
        }
        match &self.today {
            None => row("session", "none today".to_owned()),
            Some(session) => {
                let hours = format!("{} to {} there", here(session.open), here(session.close));
                row("session", format!("{}, {hours}", session.date));
                if let Some((from, to)) = session.rest {
                    row("break", format!("{} to {} there", here(from), here(to)));
                }
                if calendars.is_short(self.of, session) {
                    row("half day", "shorter than usual".to_owned());
                }
            }
        }
        if let Some((first, last)) = known(self.of) {
            row("known", format!("{first} to {last} ({})", version()));
        }
        table
    }
}

/// The session that an instant is in; else that of the date there.
fn session_of(exchange: Exchange, calendars: &Calendars, at: Timestamp) -> Option<Session> {
    let today = calendars.local_date(exchange, at);
    let is_in = |session: &Session| session.open <= at && at < session.close;
    // The day of currencies begins in the evening before.
    let next = calendars.session(exchange, today.plus(1)).filter(is_in);
    next.or_else(|| calendars.session(exchange, today))
}

/// An instant for people, to the minute.
fn minute(instant: Timestamp) -> String {
    let text = second(&instant.to_string());
    text.get(..16).unwrap_or(&text).to_owned()
}

/// The day of the week and the time of day that an exchange has at an instant.
fn clock(exchange: Exchange, calendars: &Calendars, instant: Timestamp) -> String {
    let seconds = calendars.utc_offset_seconds(exchange, instant);
    let local = Timestamp::from_ms(instant.as_ms().saturating_add(seconds * 1000));
    let date = calendars.local_date(exchange, instant);
    let text = local.to_string();
    format!("{} {}", weekday(date), text.get(11..16).unwrap_or_default())
}

fn weekday(date: Date) -> &'static str {
    let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    usize::try_from(date.weekday()).ok().and_then(|day| days.get(day)).copied().unwrap_or_default()
}

fn write_all(
    rows: &[Now],
    format: Format,
    calendars: &Calendars,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => writeln!(out, "{}", serde_json::to_string(rows)?)?,
        Format::Ndjson => {
            for row in rows {
                writeln!(out, "{}", serde_json::to_string(row)?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::Writer::from_writer(out);
            writer.write_record(HEADER_NOW)?;
            for row in rows {
                writer.write_record(cells(row))?;
            }
            writer.flush()?;
        }
        Format::Table | Format::Parquet | Format::Prometheus => {
            overview(rows, calendars).write(style, out)?;
        }
    }
    Ok(())
}

const HEADER_NOW: [&str; 13] = [
    "exchange",
    "zone",
    "is_open",
    "since",
    "until",
    "next_open",
    "next_close",
    "session",
    "open",
    "close",
    "break_start",
    "break_end",
    "guess",
];

fn cells(row: &Now) -> Vec<String> {
    let text = |instant: Option<Timestamp>| instant.map(|i| i.to_string()).unwrap_or_default();
    let session = row.session.as_ref();
    let [since, until, next_open, next_close] =
        [row.since, row.until, row.next_open, row.next_close].map(text);
    vec![
        row.of.to_string(),
        row.zone.to_owned(),
        row.is_open.to_string(),
        since,
        until,
        next_open,
        next_close,
        session.map(|session| session.session.clone()).unwrap_or_default(),
        text(session.map(|session| session.open)),
        text(session.map(|session| session.close)),
        text(session.and_then(|session| session.break_start)),
        text(session.and_then(|session| session.break_end)),
        row.guess.to_string(),
    ]
}

/// All exchanges, for people.
fn overview(rows: &[Now], calendars: &Calendars) -> Table {
    use Side::{Left, Right};
    let mut table = Table::new(&[
        ("EXCHANGE", Left),
        ("NAME", Left),
        ("OPEN", Left),
        ("UNTIL (UTC)", Left),
        ("IN", Right),
        ("NOW THERE", Left),
    ])
    .dispensing_with(&["NOW THERE", "IN", "NAME"]);
    for row in rows {
        table.row(vec![
            row.of.to_string(),
            row.of.title().to_owned(),
            if row.is_open { "yes" } else { "no" }.to_owned(),
            row.until.map(minute).unwrap_or_default(),
            row.until.map(|until| duration_for_people(until.since(row.at))).unwrap_or_default(),
            clock(row.of, calendars, row.at),
        ]);
    }
    table
}

fn write_sessions(
    exchange: Exchange,
    sessions: impl Iterator<Item = Session>,
    format: Format,
    calendars: &Calendars,
    style: Style,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            let rows: Vec<Row> = sessions.map(|session| Row::of(&session)).collect();
            writeln!(out, "{}", serde_json::to_string(&rows)?)?;
        }
        Format::Ndjson => {
            for session in sessions {
                writeln!(out, "{}", serde_json::to_string(&Row::of(&session))?)?;
            }
        }
        Format::Csv => {
            let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(out);
            // The header stands there without a session too.
            writer.write_record(["session", "open", "close", "break_start", "break_end"])?;
            for session in sessions {
                writer.serialize(Row::of(&session))?;
            }
            writer.flush()?;
        }
        Format::Table | Format::Parquet | Format::Prometheus => {
            listed(exchange, sessions, calendars).write(style, out)?;
        }
    }
    Ok(())
}

/// Sessions, for people.
fn listed(
    exchange: Exchange,
    sessions: impl Iterator<Item = Session>,
    calendars: &Calendars,
) -> Table {
    use Side::Left;
    let mut table = Table::new(&[
        ("SESSION", Left),
        ("DAY", Left),
        ("OPEN (UTC)", Left),
        ("CLOSE (UTC)", Left),
        ("BREAK (UTC)", Left),
        ("NOTE", Left),
    ])
    .dispensing_with(&["DAY"]);
    let time = |instant: Timestamp| minute(instant).get(11..).unwrap_or_default().to_owned();
    for session in sessions {
        let rest = session.rest.map(|(from, to)| format!("{} to {}", time(from), time(to)));
        let is_short = calendars.is_short(exchange, &session);
        table.row(vec![
            session.date.to_string(),
            weekday(session.date).to_owned(),
            minute(session.open),
            minute(session.close),
            rest.unwrap_or_default(),
            if is_short { "half day" } else { "" }.to_owned(),
        ]);
    }
    table
}
