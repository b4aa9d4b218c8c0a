//! What `fetch` does besides answering: writes a receipt, compares final bars with upstream.

use std::io::Write as _;

use super::receipt::{Answered, Receipt};
use crate::cache::{Cache, Checked, Interrupted, Question, Served};
use crate::cli::args::Fetch;
use crate::cli::exit::Exit;
use crate::cli::output::changes::{Changes, table};
use crate::cli::output::file::Unfinished;
use crate::cli::output::table::grouped;
use crate::cli::ui::{Style, Ui};
use crate::error::Usage;
use crate::market::DataType;
use crate::policy::Terms;
use crate::time::Timestamp;

/// What is wanted of the answers besides.
#[derive(Default)]
pub(super) struct Proof {
    file: Option<Unfinished>,
    as_of: Option<Timestamp>,
    verify: bool,
    served: Vec<(Question, Served)>,
}

impl Proof {
    /// What is wanted; refused where it cannot be.
    pub(super) fn new(args: &Fetch, questions: &[Question]) -> anyhow::Result<Self> {
        let proof = &args.proof;
        let only = |flag: &str, what: &str| {
            Usage::new(format!("{flag} is for {what}"))
                .hint("name such types with --type, as in `-t bars`")
        };
        let series = questions.iter().all(|question| question.slice.is_some());
        if args.manner.as_of.is_some() && !series {
            return Err(only("--as-of", "series: of quotes only the newest is kept").into());
        }
        if proof.receipt.is_some() && !series {
            return Err(only("--receipt", "series: a quote is gone with the next one").into());
        }
        if proof.verify && !questions.iter().all(|q| q.data_type.made_of() == DataType::Bars) {
            return Err(only("--verify", "bars, and what is worked out of them").into());
        }
        let file = proof.receipt.as_deref().map(Unfinished::create).transpose()?;
        Ok(Self { file, as_of: args.manner.as_of, verify: proof.verify, served: Vec::new() })
    }

    /// Takes note of an answer.
    pub(super) fn see(&mut self, question: &Question, served: &Served) {
        // What `put` wrote comes from no upstream and has no history.
        if (self.file.is_some() || self.verify) && !served.entry.is_put() {
            self.served.push((question.clone(), served.clone()));
        }
    }

    /// Writes the receipt, and compares; what the program ends with because of it.
    pub(super) fn finish(self, cache: &Cache, terms: &Terms, ui: &mut Ui) -> anyhow::Result<Exit> {
        let as_of = self.as_of.unwrap_or_else(|| cache.clock().now());
        if let Some(mut file) = self.file {
            let of = |(question, served): &(Question, Served)| {
                Answered::of(cache, question, served, as_of)
            };
            let answers: Vec<Answered> = self.served.iter().filter_map(of).collect();
            if !answers.is_empty() {
                let receipt = serde_json::to_string_pretty(&Receipt::new(as_of, answers))?;
                writeln!(file.file, "{receipt}")?;
                file.finish()?;
            }
        }
        let mut exit = Exit::Success;
        for (question, served) in self.served.iter().filter(|_| self.verify) {
            let providers = vec![served.entry.provider.clone()];
            let question = Question { providers, ..question.clone() };
            if !verify(&question, cache, terms, ui)? {
                exit = Exit::Failure;
            }
        }
        Ok(exit)
    }
}

/// Compares final bars with upstream; whether none differs.
fn verify(
    question: &Question,
    cache: &Cache,
    terms: &Terms,
    ui: &mut Ui,
) -> Result<bool, Interrupted> {
    let symbol = question.symbol.to_string();
    let verified = cache.verify_bars(question, terms)?;
    super::say_warnings(cache, ui);
    let Checked { provider, bars, of, changes } = match verified.outcome {
        Ok(checked) => checked,
        Err(error) => {
            ui.error(Some(&symbol), &error);
            return Ok(false);
        }
    };
    let mut differing: Vec<_> = changes.iter().map(|change| change.time).collect();
    differing.dedup();
    let differ = match differing.len() {
        0 => "none differ".to_owned(),
        1 => "1 differs".to_owned(),
        many => format!("{many} differ"),
    };
    let (bars, of) = (grouped(&bars.to_string()), grouped(&of.to_string()));
    ui.note(&format!("{symbol}: {bars} of {of} final bars compared with {provider}, {differ}"));
    if !changes.is_empty() {
        let mut text = Vec::new();
        let shown = Changes { symbol: &symbol, changes: &changes };
        // Writing to a buffer in memory does not fail.
        let _ = table(&[shown]).write(Style::default(), &mut text);
        for line in String::from_utf8_lossy(&text).lines() {
            ui.note(line);
        }
    }
    Ok(changes.is_empty())
}
