//! The courses of providers: one row each, read with the entries that they judge.
//!
//! What a course means, and what it comes to, is [`policy`](crate::policy)'s. A row whose sum does
//! not fit is as if there were none: a strategy is worth no warning, and whoever asks next writes it
//! anew.
//!
//! A statement that names the table goes through [`joined::prepare`], which leaves it out where there
//! is none.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, params};

use super::{Trouble, joined};
use crate::codec;
use crate::policy::Course;
use crate::time::Timestamp;

const TABLE: &str = "strategy";

/// A change of a provider's course, applied to what stands there in the writer's turn: two processes
/// that change one at once both have their say.
pub struct Turn<'a> {
    /// Whose.
    pub provider: &'a str,
    /// When, by real time.
    pub now: Timestamp,
    /// What it comes to from what it was.
    pub turned: &'a dyn Fn(Course) -> Course,
}

/// The course in a row, its three instants and its sum from this column on; the default if there is
/// none, and nothing if the sum does not fit.
pub fn course(row: &Row<'_>, first: usize, provider: &str) -> Option<Course> {
    let number = |at: usize| row.get_ref(first + at).ok()?.as_i64_or_null().ok();
    let (Some(minimal), Some(conservative), Some(aggressive), Some(sum)) =
        (number(0)?, number(1)?, number(2)?, number(3)?)
    else {
        return Some(Course::default());
    };
    let course = Course {
        minimal_until: Timestamp::from_ms(minimal),
        conservative_until: Timestamp::from_ms(conservative),
        aggressive_until: Timestamp::from_ms(aggressive),
    };
    (codec::course_sum(provider, course) == sum).then_some(course)
}

/// The course of a provider; the default if nothing is known of it.
pub fn of(connection: &Connection, provider: &str) -> Result<Course, Trouble> {
    let mut find = joined::prepare(
        connection,
        "SELECT s.minimal_until_ms, s.conservative_until_ms, s.aggressive_until_ms, s.sum
         FROM (SELECT ?1 AS provider) p LEFT JOIN strategy s ON s.provider = p.provider",
    )?;
    let found = find.query_row([provider], |row| Ok(course(row, 0, provider))).optional()?;
    Ok(found.flatten().unwrap_or_default())
}

/// Every course that is written down, by provider.
pub fn all(connection: &Connection) -> Result<Vec<(Box<str>, Course)>, Trouble> {
    if !joined::is_there(connection, TABLE)? {
        return Ok(Vec::new());
    }
    let mut select = connection.prepare_cached(
        "SELECT minimal_until_ms, conservative_until_ms, aggressive_until_ms, sum, provider
         FROM strategy ORDER BY provider",
    )?;
    let mut rows = select.query([])?;
    let mut courses = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(provider) = row.get_ref(4)?.as_str() else { continue };
        courses.extend(course(row, 0, provider).map(|course| (provider.into(), course)));
    }
    Ok(courses)
}

/// Changes a course; what it is now. It is written only if somebody would notice, and only if there
/// is a table: that one was lost is no reason to set all the entries aside.
pub fn turn(transaction: &Transaction<'_>, turn: &Turn<'_>) -> Result<Course, Trouble> {
    let before = of(transaction, turn.provider)?;
    let after = (turn.turned)(before);
    if after.differs_from(before, turn.now) && joined::is_there(transaction, TABLE)? {
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO strategy
                 (provider, minimal_until_ms, conservative_until_ms, aggressive_until_ms, sum)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                turn.provider,
                after.minimal_until.as_ms(),
                after.conservative_until.as_ms(),
                after.aggressive_until.as_ms(),
                codec::course_sum(turn.provider, after),
            ])?;
    }
    Ok(after)
}
