//! What is kept warm, and how often: `schedules` in the configuration.
//!
//! A schedule stands in its list as the text of a map (see [`tree`](super::tree)). Its form was checked
//! when it was loaded; which lists and types there are is found out when somebody warms, or asks for a
//! check: nobody who only reads pays for it.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{is_name, is_symbol};
use super::{Choice, Config};
use crate::cache::{Question, Slice};
use crate::error::{Usage, sanitized};
use crate::market::{DataType, Interval, Params};
use crate::policy::Priority;
use crate::units::parse_duration;

const SCHEDULES: &str = "schedules";

const FORM: &str = "write {symbols: [AAPL, \"@tech\"], types: [quote, \"bars:1d\"], every: 5m}";

/// What is kept warm together, by its form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Symbols, and lists with their `@`.
    symbols: Vec<String>,
    /// Types, some with an interval behind a colon; none for the usual one.
    types: Vec<String>,
    /// How old what it says may be at most; none for as the rules say.
    every: Option<Duration>,
    /// What comes first; none for as the use of each symbol says.
    priority: Option<Priority>,
}

/// One question of a schedule.
#[derive(Clone, Debug)]
pub struct Scheduled {
    /// What is asked.
    pub question: Question,
    /// How old what is held of it may be at most; none for as the rules say.
    pub every: Option<Duration>,
    /// What comes first; none for as its use says.
    pub priority: Option<Priority>,
}

impl Config {
    /// Every question of every schedule, in their order.
    pub fn scheduled(&self) -> Result<Vec<Scheduled>, Usage> {
        let texts = self.layers().list(&[SCHEDULES]).unwrap_or_default();
        let mut all = Vec::new();
        for (number, text) in (1..).zip(texts) {
            let questions = schedule(text).and_then(|schedule| {
                let questions = self.questions_of(&schedule)?;
                let Schedule { every, priority, .. } = schedule;
                Ok(questions.into_iter().map(move |question| Scheduled {
                    question,
                    every,
                    priority,
                }))
            });
            all.extend(questions.map_err(|usage| {
                self.layers().at(&[SCHEDULES], usage.at(format_args!("schedule {number}")))
            })?);
        }
        Ok(all)
    }

    fn questions_of(&self, schedule: &Schedule) -> Result<Vec<Question>, Usage> {
        let mut symbols = Vec::new();
        for text in &schedule.symbols {
            match text.strip_prefix('@') {
                Some(list) => symbols.extend(self.list(list)?),
                None => symbols.push(self.symbol(text)?),
            }
        }
        let choice = |interval| Choice {
            provider: None,
            slice: Slice { interval, ..Slice::default() },
            params: Params::default(),
        };
        if schedule.types.is_empty() {
            return self.questions(&symbols, &[], &choice(Interval::default()));
        }
        let mut questions = Vec::new();
        for text in &schedule.types {
            let (name, interval) = split(text)?;
            let data_type = self.data_type(name, None)?;
            if interval.is_some() && data_type != DataType::Bars {
                let usage = Usage::new(format!("`{}` has an interval", sanitized(text)));
                return Err(usage.hint("only bars have one, as in bars:1d"));
            }
            let of_type =
                self.questions(&symbols, &[data_type], &choice(interval.unwrap_or_default()))?;
            if of_type.is_empty() && schedule.symbols.is_empty() {
                let usage = Usage::new(format!("{name} is asked of symbols, and there are none"));
                return Err(usage.hint(FORM));
            }
            questions.extend(of_type);
        }
        Ok(questions)
    }
}

/// The type of `bars:1d`, and its interval if it has one.
fn split(text: &str) -> Result<(&str, Option<Interval>), Usage> {
    match text.split_once(':') {
        None => Ok((text, None)),
        Some((name, interval)) => Ok((name, Some(Interval::parse(interval)?))),
    }
}

/// Whether it can be a type of a schedule, by its form.
pub(super) fn check_type(text: &str) -> Result<(), Usage> {
    let (name, _) = split(text)?;
    if is_name(name) {
        return Ok(());
    }
    Err(Usage::new(format!("`{}` is not a type", sanitized(text)))
        .hint("write a type, or one with an interval: quote, bars:1h"))
}

/// Whether it can be a symbol, or a list with its `@`.
pub(super) fn is_selection(text: &str) -> bool {
    text.strip_prefix('@').map_or_else(|| is_symbol(text), is_name)
}

/// Reads a schedule from the text of its map.
pub(super) fn schedule(text: &str) -> Result<Schedule, Usage> {
    #[derive(Deserialize)]
    struct Said {
        #[serde(default)]
        symbols: Vec<String>,
        #[serde(default)]
        types: Vec<String>,
        every: Option<String>,
        priority: Option<String>,
    }
    let Ok(Said { symbols, types, every, priority }) = serde_json::from_str(text) else {
        let message =
            format!("`{}` is not a map of symbols, types, every and priority", sanitized(text));
        return Err(Usage::new(message).hint(FORM));
    };
    if symbols.is_empty() && types.is_empty() {
        return Err(Usage::new("a schedule has neither `symbols` nor `types`").hint(FORM));
    }
    let every = every.map(|text| parse_duration(&text)).transpose()?;
    if every.is_some_and(|every| every.is_zero()) {
        let usage = Usage::new("`every` is 0, and would never be fresh");
        return Err(usage.hint("write how old it may be at most, as in every: 5m"));
    }
    let priority = priority.and_then(|name| Priority::from_name(&name));
    Ok(Schedule { symbols, types, every, priority })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_with_what_it_says_and_nothing_is_needed_but_something_to_ask() {
        let text = r#"{"symbols":["AAPL","@tech"],"types":["quote","bars:1h"],"every":"5m","priority":"high"}"#;
        let read = schedule(text).unwrap();
        assert_eq!((read.symbols.len(), read.types.len()), (2, 2));
        assert_eq!(
            (read.every, read.priority),
            (Some(Duration::from_mins(5)), Some(Priority::High))
        );
        assert_eq!(schedule(r#"{"types":["coinlist"]}"#).unwrap().every, None);
    }

    #[test]
    fn a_schedule_that_makes_no_sense_says_why() {
        for (text, says) in [
            ("{}", "neither `symbols` nor `types`"),
            ("AAPL", "`AAPL` is not a map"),
            (r#"{"symbols":["AAPL"],"every":"0"}"#, "`every` is 0"),
        ] {
            let usage = schedule(text).unwrap_err();
            assert!(usage.message.contains(says), "{text}: {}", usage.message);
            assert!(usage.hint.is_some(), "{text}");
        }
    }
}
