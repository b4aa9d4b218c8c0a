//! Turns the texts of `src/calendar/data` into static tables, so that a run parses none of them.
//!
//! Strict about the form, and blind to the facts: whether they are right is asked by tests.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::date::Date;

const FOLDER: &str = "src/calendar/data";

type Fault = Box<dyn std::error::Error>;

/// The code of all tables.
pub(crate) fn code() -> Result<String, Fault> {
    println!("cargo::rerun-if-changed={FOLDER}");
    println!("cargo::rerun-if-changed=build/calendars.rs");
    println!("cargo::rerun-if-changed=src/calendar/date.rs");
    let folder = Path::new(FOLDER);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().into_string().map_err(|_| "a name that is not UTF-8")?;
        if let Some(name) = name.strip_suffix(".txt").filter(|name| name.to_uppercase() == *name) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    let mut code = String::new();
    let version = fs::read_to_string(folder.join("version.txt"))?;
    writeln!(code, "pub(super) static VERSION: &str = {:?};", version.trim())?;
    let zones = zones(&fs::read_to_string(folder.join("zones.txt"))?, &mut code)?;
    let (mut tables, mut constants) = (String::new(), String::new());
    for (at, name) in names.iter().enumerate() {
        let text = fs::read_to_string(folder.join(name).with_extension("txt"))?;
        let table = table(name, &text, &zones).map_err(|fault| format!("{name}.txt: {fault}"))?;
        writeln!(tables, "    {table},")?;
        let title = lines(&text).find(|(first, _)| *first == "name").map_or("", |(_, rest)| rest);
        writeln!(constants, "    /// {title}.\n    pub const {name}: Self = Self({at});")?;
    }
    writeln!(code, "impl Exchange {{\n{constants}}}")?;
    writeln!(code, "pub(super) static TABLES: [Table; {}] = [\n{tables}];", names.len())?;
    Ok(code)
}

/// The lines that say something: their first word, and the rest.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .map(|line| line.split_once(' ').unwrap_or((line, "")))
}

/// Writes the clocks; the names of all zones, and which clock is theirs.
fn zones(text: &str, code: &mut String) -> Result<Vec<(String, usize)>, Fault> {
    let mut zones: Vec<(String, usize)> = Vec::new();
    let mut clocks: Vec<(String, String)> = Vec::new();
    let mut in_names = false;
    for (first, rest) in lines(text) {
        if first == "zone" {
            if !in_names {
                clocks.push((String::new(), String::new()));
            }
            in_names = true;
            zones.push((rest.to_owned(), clocks.len() - 1));
            continue;
        }
        in_names = false;
        let (offsets, changes) = clocks.last_mut().ok_or("a line before the first zone")?;
        let words: Vec<&str> = rest.split(' ').collect();
        match (first, &words[..]) {
            ("every", [month, week, "Sunday", clock, minutes]) => {
                let week = if *week == "last" { 5 } else { week.parse::<u8>()? };
                let (month, minutes) = (month.parse::<u8>()?, minutes.parse::<i16>()?);
                let clock = self::minutes(clock)?;
                write!(
                    changes,
                    "Change {{ month: {month}, week: {week}, clock: {clock}, minutes: {minutes} }}, "
                )?;
            }
            (instant, [minutes]) => {
                let (day, clock) = instant.split_once('T').ok_or("an instant without a T")?;
                let clock = clock.strip_suffix('Z').ok_or("an instant without a Z")?;
                let seconds = days(day)? * 86_400 + i64::from(self::minutes(clock)?) * 60;
                let (seconds, minutes) = (u32::try_from(seconds)?, minutes.parse::<i16>()?);
                write!(offsets, "Offset {{ from: {seconds}, minutes: {minutes} }}, ")?;
            }
            _ => return Err(format!("zones.txt: what is `{first} {rest}`?").into()),
        }
    }
    for (at, (offsets, changes)) in clocks.iter().enumerate() {
        writeln!(
            code,
            "#[expect(clippy::unreadable_literal, reason = \"made by the build script\")]\n\
             static OFFSETS_{at}: Offsets = Offsets {{ known: &[{offsets}], changes: &[{changes}] }};"
        )?;
    }
    Ok(zones)
}

/// The table of an exchange.
fn table(mic: &str, text: &str, zones: &[(String, usize)]) -> Result<String, Fault> {
    let (mut title, mut zone, mut bounds) = (None, None, None);
    let (mut periods, mut yearly, mut differing) = (String::new(), String::new(), String::new());
    // What differs from the regular hours has few kinds: closed, and one or two early closes.
    let mut kinds: Vec<String> = Vec::new();
    for (first, rest) in lines(text) {
        match first {
            "name" => title = Some(rest),
            "zone" => zone = zones.iter().find(|(name, _)| name == rest),
            "table" => {
                let (from, to) = rest.split_once(' ').ok_or("`table` wants two dates")?;
                bounds = Some((days(from)?, days(to)?));
            }
            "hours" => {
                let (from, hours) = rest.split_once(' ').ok_or("`hours` wants a date and hours")?;
                write!(periods, "({}, {}), ", days(from)?, self::hours(hours)?)?;
            }
            "yearly" => {
                let (month, day) =
                    rest.split_once('-').ok_or("`yearly` wants a month and a day")?;
                write!(yearly, "({}, {}), ", month.parse::<u8>()?, day.parse::<u8>()?)?;
            }
            date => {
                let kind = match rest {
                    "closed" => "None".to_owned(),
                    hours => format!("Some({})", self::hours(hours)?),
                };
                let known = kinds.iter().position(|known| *known == kind);
                let at = known.unwrap_or(kinds.len());
                if known.is_none() {
                    kinds.push(kind);
                }
                let (start, _) = bounds.ok_or("a day before `table`")?;
                let (day, kind) = (u16::try_from(days(date)? - start)?, u8::try_from(at)?);
                write!(differing, "Differing {{ day: {day}, kind: {kind} }}, ")?;
            }
        }
    }
    let (zone, clock) = zone.ok_or("no known zone")?;
    let (first, last) = bounds.ok_or("no `table`")?;
    Ok(format!(
        "Table {{ name: {mic:?}, title: {:?}, zone: {zone:?}, offsets: &OFFSETS_{clock}, first: {first}, \
         last: {last}, periods: &[{periods}], yearly: &[{yearly}], kinds: &[{}], \
         differing: &[{differing}] }}",
        title.ok_or("no `name`")?,
        kinds.join(", "),
    ))
}

/// `09:30-16:00`, or `09:00-11:30 12:30-15:00`.
fn hours(text: &str) -> Result<String, Fault> {
    let stretch = |text: &str| -> Result<(u16, u16), Fault> {
        let (from, to) = text.split_once('-').ok_or("hours without a dash")?;
        Ok((minutes(from)?, minutes(to)?))
    };
    let (open, close, rest) = match text.split_once(' ') {
        None => {
            let (open, close) = stretch(text)?;
            (open, close, "None".to_owned())
        }
        Some((morning, afternoon)) => {
            let (open, rest) = stretch(morning)?;
            let (back, close) = stretch(afternoon)?;
            (open, close, format!("Some(({rest}, {back}))"))
        }
    };
    Ok(format!("Hours {{ open: {open}, close: {close}, rest: {rest} }}"))
}

/// The minutes since midnight of `09:30`.
fn minutes(clock: &str) -> Result<u16, Fault> {
    let (hour, minute) = clock.split_once(':').ok_or("a time without a colon")?;
    Ok(hour.parse::<u16>()? * 60 + minute.parse::<u16>()?)
}

/// The days since 1970-01-01 of a date.
fn days(date: &str) -> Result<i64, Fault> {
    Ok(Date::parse(date).ok_or_else(|| format!("`{date}` is not a date"))?.days())
}
