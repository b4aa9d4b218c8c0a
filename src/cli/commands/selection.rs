//! What `warm` is about: symbols, lists, schedules, and what was read most.
//!
//! One key may come from several of these: it is asked for once, as early as any of them wants it, and
//! is as fresh as the strictest of them asks.

use std::collections::HashMap;
use std::time::Duration;

use super::{questions, refuse_idle, slice};
use crate::cache::{Cache, Question};
use crate::cli::Invocation;
use crate::cli::args::Warm;
use crate::error::Usage;
use crate::key::Key;
use crate::policy::{Priority, Terms};

/// What is warmed when nothing is named: every list of the configuration.
const EVERYTHING: &str = "@all";

/// What was read before this is not counted among what is read most.
const LATELY: Duration = Duration::from_hours(7 * 24);

/// What is to be warmed.
#[derive(Default)]
pub(super) struct Selection {
    pub(super) questions: Vec<Question>,
    /// How old what is held under a key may be at most.
    pub(super) every: HashMap<Key, Duration>,
    /// What a schedule says of its key.
    priorities: HashMap<Key, Priority>,
    /// Where the questions of one key stand.
    at: HashMap<Key, Vec<usize>>,
}

impl Selection {
    /// What the command line names; without that, every list and every schedule.
    pub(super) fn of(
        args: &Warm,
        cache: &Cache,
        invocation: &mut Invocation<'_>,
    ) -> anyhow::Result<Self> {
        let config = &invocation.config;
        let asked = &args.asked;
        let mut selection = Self::default();
        let is_plain = asked.types.is_empty()
            && asked.params.is_empty()
            && asked.provider.is_none()
            && asked.part.said().next().is_none();
        if args.symbols.is_empty() && args.top.is_none() && is_plain {
            for scheduled in config.scheduled()? {
                selection.add(scheduled.question, scheduled.every, scheduled.priority);
            }
        }
        let has_lists = !config.list("all")?.is_empty();
        let is_wanted = match args.top {
            Some(_) => !args.symbols.is_empty() || !is_plain,
            None => !args.symbols.is_empty() || selection.questions.is_empty() || has_lists,
        };
        if is_wanted {
            let everything = [EVERYTHING.to_owned()];
            let otherwise = if args.top.is_none() { &everything[..] } else { &[] };
            let slice = slice(&asked.part);
            let named = questions(&args.symbols, otherwise, asked, &slice, config, invocation.ui);
            let named = named.map_err(|error| match args.top {
                Some(_) if args.symbols.is_empty() && error.is::<Usage>() => {
                    Usage::new("what is asked of symbols is said, and none is named")
                        .hint("--top asks for what was read, as it was read: name symbols too, or leave the rest away")
                        .into()
                }
                _ => error,
            })?;
            refuse_idle(asked.part.said(), &named)?;
            for question in named {
                selection.add(question, None, None);
            }
        }
        if let Some(top) = args.top {
            if !args.plan {
                cache.count_logged_hits();
            }
            let most = usize::try_from(top).unwrap_or(usize::MAX);
            let read = cache.most_read(cache.clock().now() - LATELY);
            let known = read.iter().filter_map(|name| config.question_named(name));
            let most_read: Vec<Question> = known.take(most).collect();
            for question in most_read {
                selection.add(question, None, None);
            }
        }
        Ok(selection)
    }

    fn add(&mut self, question: Question, every: Option<Duration>, priority: Option<Priority>) {
        if let Some(every) = every {
            let known = self.every.entry(question.key.clone()).or_insert(every);
            *known = every.min(*known);
        }
        if let Some(priority) = priority {
            let known = self.priorities.entry(question.key.clone()).or_insert(priority);
            *known = priority.min(*known);
        }
        let at = self.at.entry(question.key.clone()).or_default();
        let is_same = |known: &Question| {
            known.read_as == question.read_as
                && known.providers == question.providers
                && known.slice == question.slice
        };
        if !at.iter().any(|at| is_same(&self.questions[*at])) {
            at.push(self.questions.len());
            self.questions.push(question);
        }
    }

    /// Puts first what matters most: if time or a budget runs out, it does for what matters least.
    pub(super) fn sort(&mut self, cache: &Cache, terms: &Terms) {
        let Self { questions, priorities, .. } = self;
        questions.sort_by_key(|question| {
            let said = priorities.get(&question.key).copied();
            said.unwrap_or_else(|| cache.priority(question, terms))
        });
        self.at.clear();
    }
}
