//! How far a command has come: in answers, and in the pages of those that take several.
//!
//! Prints nothing and knows of no terminal; [`Ui`](super::ui::Ui) draws it.

use crate::cache::{Filled, Question};
use crate::market::DataType;

/// How far a command has come.
#[derive(Debug)]
pub(super) struct Progress {
    /// What is done.
    what: String,
    steps: Vec<Step>,
    /// The step that was heard of last, by its name, while it is under way.
    current: Option<(usize, String)>,
}

/// One answer: a page, unless it is known to be more.
#[derive(Clone, Copy, Debug)]
struct Step {
    done: u64,
    of: u64,
}

impl Progress {
    /// Nothing is done yet of so many steps.
    pub(super) fn new(what: &str, steps: usize) -> Self {
        Self { what: what.to_owned(), steps: vec![Step { done: 0, of: 1 }; steps], current: None }
    }

    /// A page has come of what a step takes.
    pub(super) fn page(&mut self, step: usize, name: &str, filled: Filled) {
        let Some(of_step) = self.steps.get_mut(step) else { return };
        *of_step = Step { done: filled.pages.into(), of: filled.of.max(1).into() };
        self.current = (filled.of > 1).then(|| (step, name.to_owned()));
    }

    /// A step is done, whatever it was thought to take.
    pub(super) fn done(&mut self, step: usize) {
        let Some(of_step) = self.steps.get_mut(step) else { return };
        of_step.of = of_step.done.max(1);
        of_step.done = of_step.of;
        self.current.take_if(|(current, _)| *current == step);
    }

    /// How much is done, and how much there is.
    pub(super) fn position(&self) -> (u64, u64) {
        let sum = |of: fn(&Step) -> u64| self.steps.iter().map(of).sum();
        (sum(|step| step.done), sum(|step| step.of))
    }

    /// Whether there is more than one thing to wait for.
    pub(super) fn is_long(&self) -> bool {
        self.position().1 > 1
    }

    /// Whether all that is counted is pages of one answer.
    pub(super) fn is_of_one(&self) -> bool {
        self.steps.len() == 1
    }

    /// What stands before the bar.
    pub(super) fn title(&self) -> &str {
        match &self.current {
            Some((_, name)) if self.is_of_one() => name,
            _ => &self.what,
        }
    }

    /// What stands behind the bar of several answers: the one that was heard of last.
    pub(super) fn detail(&self) -> String {
        let current = self.current.as_ref().filter(|_| !self.is_of_one());
        let detail = current.and_then(|(step, name)| {
            let Step { done, of } = self.steps.get(*step)?;
            Some(format!("{name} {done}/{of} pages"))
        });
        detail.unwrap_or_default()
    }
}

/// A question by the name under which a person asked it.
pub(super) fn name(question: &Question) -> String {
    let (symbol, data_type) = (&question.symbol, question.data_type.as_str());
    match &question.slice {
        Some(slice) if question.data_type == DataType::Bars => {
            format!("{symbol} {data_type} {}", slice.interval.as_str())
        }
        _ => format!("{symbol} {data_type}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pages: u32, of: u32) -> Filled {
        Filled { pages, of }
    }

    #[test]
    fn one_answer_of_one_page_is_nothing_to_wait_for() {
        let mut progress = Progress::new("fetching", 1);
        assert!(!progress.is_long());
        progress.page(0, "BTC bars 1m", filled(1, 1));
        assert!(!progress.is_long());
        progress.done(0);
        assert!(!progress.is_long());
    }

    #[test]
    fn one_answer_counts_its_pages_however_many_they_turn_out_to_be() {
        let mut progress = Progress::new("fetching", 1);
        progress.page(0, "BTC bars 1m", filled(1, 43));
        assert!(progress.is_long());
        assert_eq!((progress.position(), progress.title()), ((1, 43), "BTC bars 1m"));
        progress.page(0, "BTC bars 1m", filled(2, 44));
        assert_eq!((progress.position(), progress.detail().as_str()), ((2, 44), ""));
    }

    #[test]
    fn of_many_answers_the_pages_of_each_count_and_the_last_is_named() {
        let mut progress = Progress::new("warming", 3);
        assert_eq!((progress.position(), progress.title()), ((0, 3), "warming"));
        progress.done(2);
        progress.page(0, "BTC bars 1m", filled(3, 10));
        assert_eq!(progress.position(), (4, 12));
        assert_eq!(progress.detail(), "BTC bars 1m 3/10 pages");
        assert_eq!(progress.title(), "warming");
        // An answer that took fewer than were planned, or failed half-way, is done all the same.
        progress.done(0);
        assert_eq!((progress.position(), progress.detail().as_str()), ((4, 5), ""));
        progress.page(1, "ETH bars 1m", filled(1, 1));
        progress.done(1);
        assert_eq!((progress.position(), progress.detail().as_str()), ((5, 5), ""));
    }

    #[test]
    fn a_step_that_does_not_exist_changes_nothing() {
        let mut progress = Progress::new("fetching", 0);
        progress.page(0, "x", filled(1, 2));
        progress.done(7);
        assert_eq!(progress.position(), (0, 0));
    }
}
