//! `warm`: fills the cache ahead of those who read; made for cron.

use std::time::Duration;

use super::{line, questions, refuse_idle, say_warnings, slice, terms};
use crate::cache::{AnsweredBy, News, Purpose, Status};
use crate::cli::Invocation;
use crate::cli::args::{Format, Warm};
use crate::cli::exit::Exit;
use crate::cli::progress;
use crate::error::{Usage, sanitized};
use crate::policy::Terms;
use crate::units::duration_for_people;

/// What is warmed when nothing is named: every list of the configuration.
const EVERYTHING: &str = "@all";

/// Longer than any limit makes anybody wait: a hundred years.
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_hours(24 * 36_525);

pub(in crate::cli) fn run(args: &Warm, invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    invocation.format(&[Format::Table])?;
    let tolerated = Tolerance::parse(&args.tolerate)?;
    let everything = [EVERYTHING.to_owned()];
    let said = if args.symbols.is_empty() { &everything } else { args.symbols.as_slice() };
    let mut questions =
        questions(said, &args.asked, &slice(&args.asked.part), &invocation.config, invocation.ui)?;
    refuse_idle(args.asked.part.said(), &questions)?;
    let terms = Terms {
        max_wait: args.max_wait.unwrap_or(AS_LONG_AS_IT_TAKES),
        budget: args.budget,
        early: invocation.config.early_refresh(),
        ..terms(&args.asked, &invocation)
    };
    let cache = invocation.config.open_with(|options| {
        if let Some(jobs) = args.jobs {
            options.change_sites(move |site| site.concurrency = jobs.into());
        }
    })?;
    cache.check(&questions)?;
    // If time or a budget runs out, it does for what matters least.
    questions.sort_by_key(|question| cache.priority(question, &terms));
    let ui = invocation.ui;
    let watch = cache.clock().stopwatch();
    let (mut asked, mut fresh, mut failed) = (0_usize, 0_usize, 0_usize);
    ui.start_progress(questions.len(), "warming");
    let warmed = cache.fetch(&questions, &terms, Purpose::Warm, &mut |index, news| {
        let answer = match news {
            News::Answer(answer) => answer,
            News::Page(filled) => {
                return ui.page(index, &progress::name(&questions[index]), filled);
            }
        };
        ui.done(index);
        for warning in &answer.warnings {
            ui.warn(warning);
        }
        if ui.is_verbose() {
            ui.verbose(&line(&questions[index], &answer, cache.clock().now()));
        }
        match &answer.outcome {
            Ok(served) if served.status == Status::Stale => failed += 1,
            Ok(served) if served.answered_by == AnsweredBy::Upstream => asked += 1,
            Ok(_) => fresh += 1,
            Err(error) => {
                failed += 1;
                ui.error(Some(questions[index].symbol.name()), error);
            }
        }
    });
    ui.end_progress();
    say_warnings(&cache, ui);
    warmed?;
    let took = duration_for_people(watch.elapsed());
    if ui.is_watched() || failed > 0 {
        ui.note(&format!("{asked} asked, {fresh} fresh already, {failed} failed, {took}"));
    }
    let allowed = tolerated.allows(failed, questions.len());
    Ok(if allowed { Exit::Success } else { Exit::Failure })
}

/// How many may fail.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Tolerance {
    Number(usize),
    Percent(f64),
}

impl Tolerance {
    fn parse(text: &str) -> Result<Self, Usage> {
        let share = |percent: &str| {
            percent.parse().ok().filter(|share| (0.0..=100.0).contains(share)).map(Self::Percent)
        };
        let tolerance = match text.strip_suffix('%') {
            Some(percent) => share(percent),
            None => text.parse().ok().map(Self::Number),
        };
        tolerance.ok_or_else(|| {
            Usage::new(format!("`{}` is not a number of failures", sanitized(text)))
                .hint("write a number (3) or a share (5%)")
        })
    }

    #[expect(clippy::cast_precision_loss, reason = "no list has 2^53 symbols")]
    fn allows(self, failed: usize, of: usize) -> bool {
        match self {
            Self::Number(most) => failed <= most,
            Self::Percent(most) => failed as f64 * 100.0 <= most * of as f64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_tolerated_up_to_a_number_or_a_share() {
        for (text, failed, allowed) in
            [("0", 0, true), ("0", 1, false), ("3", 3, true), ("5%", 5, true), ("5%", 6, false)]
        {
            assert_eq!(
                Tolerance::parse(text).unwrap().allows(failed, 100),
                allowed,
                "{text} {failed}"
            );
        }
        for text in ["", "x", "-1", "101%", "%"] {
            assert!(Tolerance::parse(text).is_err(), "{text}");
        }
    }
}
