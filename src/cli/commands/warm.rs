//! `warm`: fills the cache ahead of those who read; made for cron.

use std::time::Duration;

use super::deadline::deadline;
use super::selection::Selection;
use super::{line, plan, say_warnings, terms};
use crate::cache::{Answer, AnsweredBy, Cache, News, Purpose, Question, Status};
use crate::cli::Invocation;
use crate::cli::args::{Format, Warm};
use crate::cli::exit::Exit;
use crate::cli::progress;
use crate::cli::ui::Ui;
use crate::entry::State;
use crate::error::{Error, Kind, Usage, sanitized};
use crate::policy::Terms;
use crate::units::duration_for_people;

/// Longer than any limit makes anybody wait: a hundred years.
const AS_LONG_AS_IT_TAKES: Duration = Duration::from_hours(24 * 36_525);

pub(in crate::cli) fn run(args: &Warm, mut invocation: Invocation<'_>) -> anyhow::Result<Exit> {
    let formats = if args.plan { &plan::FORMATS[..] } else { &[Format::Table] };
    let format = invocation.format(formats)?;
    let tolerated = Tolerance::parse(&args.tolerate)?;
    let cache = invocation.config.open_with(|options| {
        if let Some(jobs) = args.jobs {
            options.jobs = Some(jobs.into());
            options.change_sites(move |site| site.concurrency = site.concurrency.min(jobs.into()));
        }
    })?;
    let mut selection = Selection::of(args, &cache, &mut invocation)?;
    cache.check(&selection.questions)?;
    let mut terms = Terms {
        max_wait: args.max_wait.unwrap_or(AS_LONG_AS_IT_TAKES),
        budget: args.budget,
        early: invocation.config.early_refresh(),
        every: std::mem::take(&mut selection.every),
        ..terms(&args.asked, &invocation)
    };
    selection.sort(&cache, &terms);
    let questions = selection.questions;
    if let Some(text) = &args.by {
        let exchanges = questions.iter().filter_map(|question| cache.exchange(question));
        let calendars = invocation.config.calendars()?;
        terms.by = Some(deadline(text, exchanges, &calendars, cache.clock().now())?);
        // What is left out is counted, and no older answer is wanted in its place.
        terms.max_stale = Some(Duration::ZERO);
    }
    let ui = invocation.ui;
    if args.plan {
        return plan::run(&cache, &questions, &terms, format, &invocation.config, ui);
    }
    let watch = cache.clock().stopwatch();
    let mut count = Count::default();
    ui.start_progress(questions.len(), "warming");
    let warmed = cache.fetch(&questions, &terms, Purpose::Warm, &mut |index, news| match news {
        News::Page(filled) => ui.page(index, &progress::name(&questions[index]), filled),
        News::Answer(answer) => {
            ui.done(index);
            count.add(&questions[index], &answer, &terms, &cache, ui);
        }
    });
    ui.end_progress();
    say_warnings(&cache, ui);
    count.say_left_out(&terms, questions.len(), ui);
    count.say_unkept(&cache, questions.len(), ui);
    warmed?;
    let Count { asked, fresh, failed, .. } = count;
    let took = duration_for_people(watch.elapsed());
    if ui.is_watched() || failed > 0 {
        ui.note(&format!("{asked} asked, {fresh} fresh already, {failed} failed, {took}"));
    }
    let allowed = tolerated.allows(failed, questions.len());
    Ok(if allowed { Exit::Success } else { Exit::Failure })
}

/// What became of the questions.
#[derive(Default)]
struct Count {
    asked: usize,
    fresh: usize,
    failed: usize,
    /// How many of those that failed came and could not be stored.
    unkept: usize,
    /// How many of those that failed there was no time for, and why, of the first.
    left_out: usize,
    why: Option<Error>,
}

impl Count {
    fn add(
        &mut self,
        question: &Question,
        answer: &Answer,
        terms: &Terms,
        cache: &Cache,
        ui: &mut Ui,
    ) {
        let is_timed = terms.by.is_some();
        let now = cache.clock().now();
        // Of who wants all of it anew it is not warm.
        let is_held = !terms.refresh
            && matches!(&answer.outcome, Ok(served)
                if matches!(served.status, Status::Hit | Status::Stale)
                    && served.life.state(now) == State::Fresh);
        // What is fresh still, and was only asked for early, lacks nothing; and cron writes a letter for
        // each line, also where nothing failed.
        let is_heard = ui.is_watched() || ui.is_verbose();
        for warning in answer.warnings.iter().filter(|_| !(is_timed && is_held)) {
            if is_heard || !warning.is_remark() {
                ui.warn(warning);
            }
        }
        if ui.is_verbose() {
            ui.verbose(&line(question, answer, now));
        }
        match &answer.outcome {
            Ok(served) if served.status == Status::Stale && !is_held => self.failed += 1,
            Ok(served) if served.answered_by != AnsweredBy::Upstream => self.fresh += 1,
            Ok(served) if cache.has_kept(served) => self.asked += 1,
            // Nobody who comes later has anything of it.
            Ok(_) => {
                self.failed += 1;
                self.unkept += 1;
            }
            Err(error) if is_timed && error.kind == Kind::RateLimited => {
                self.failed += 1;
                self.left_out += 1;
                self.why.get_or_insert_with(|| error.clone());
            }
            Err(error) => {
                self.failed += 1;
                ui.error(Some(question.symbol.name()), error);
            }
        }
    }

    /// Says once how much came and could not be stored.
    fn say_unkept(&self, cache: &Cache, of: usize, ui: &mut Ui) {
        if self.unkept > 0 {
            let what = format!("{} of {of} answers", self.unkept);
            ui.failure(&cache.unstored(&what).to_string());
        }
    }

    /// Says once how much there was no time for.
    fn say_left_out(&self, terms: &Terms, of: usize, ui: &mut Ui) {
        let (Some(by), Some(why)) = (terms.by, &self.why) else { return };
        let message = format!("{} of {of} left out by {}: {why}", self.left_out, by.for_people());
        let hint = "`mcache warm --plan` says how long all of it takes; -v names what is missing";
        ui.error(None, &Error::new(Kind::RateLimited, message).hint(hint));
    }
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
