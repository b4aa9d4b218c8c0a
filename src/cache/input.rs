//! What a program that is asked is handed: records, each asked for like any other.
//!
//! They are had before the program's own key is flown for, so nobody holds a key while it waits for
//! another. What cannot be had is `null`, and said: whether it can do without is the program's to know.

use std::collections::HashMap;

use super::lookup::Missing;
use super::record::{self, Told};
use super::{Answer, Cache, Interrupted, News, Purpose, Question, Served};
use crate::market::Json;
use crate::policy::Terms;
use crate::warning::Warning;

/// What programs are handed on their standard input, by the key and the provider that they are asked as.
pub(super) type Handed = HashMap<String, Vec<u8>>;

impl Cache {
    /// What every program is handed that may be asked, also behind others in a chain: once the first
    /// is under way, nothing else can be had before it has answered.
    pub(super) fn hand_inputs(
        &self,
        questions: &[Question],
        open: &[(usize, Missing)],
        (terms, purpose): (&Terms, Purpose),
    ) -> Result<Handed, Interrupted> {
        let mut handed = Handed::new();
        let mut wanted: Vec<Question> = Vec::new();
        let mut owners: Vec<(String, Box<str>)> = Vec::new();
        for question in open.iter().map(|(index, _)| &questions[*index]) {
            for provider in &question.providers {
                let name = format!("{}@{provider}", question.key);
                if handed.contains_key(&name) {
                    continue;
                }
                for (input, question) in (self.inputs)(question, provider) {
                    handed.entry(name.clone()).or_default();
                    wanted.push(question);
                    owners.push((name.clone(), input));
                }
            }
        }
        if wanted.is_empty() {
            return Ok(handed);
        }
        let Terms { no_cache, max_wait, budget, by, .. } = *terms;
        let terms = Terms { no_cache, max_wait, budget, by, ..Terms::default() };
        let mut answers: Vec<Option<Answer>> = wanted.iter().map(|_| None).collect();
        self.fetch(&wanted, &terms, purpose, &mut |index, news| {
            if let News::Answer(answer) = news {
                answers[index] = Some(*answer);
            }
        })?;
        for ((name, input), (question, answer)) in
            owners.into_iter().zip(wanted.iter().zip(answers))
        {
            let text = handed.entry(name).or_default();
            text.extend_from_slice(if text.is_empty() { b"{" } else { b"," });
            text.extend_from_slice(Json::text(&input).as_str().as_bytes());
            text.push(b':');
            text.extend_from_slice(&self.handed(question, &input, answer));
        }
        for text in handed.values_mut() {
            text.extend_from_slice(b"}\n");
        }
        Ok(handed)
    }

    /// A record as a program is handed it, with what is to be said of it.
    fn handed(&self, question: &Question, input: &str, answer: Option<Answer>) -> Vec<u8> {
        let Some(Answer { outcome, warnings, .. }) = answer else { return b"null".to_vec() };
        for warning in warnings {
            self.warn(warning);
        }
        match outcome {
            Ok(served) => self.record(question, &served),
            Err(error) => {
                let (symbol, input) = (question.symbol.to_string(), input.to_owned());
                self.warn(Warning::NotHanded { symbol, input, why: error.message });
                b"null".to_vec()
            }
        }
    }

    /// A record as `fetch -f json` gives it.
    fn record(&self, question: &Question, served: &Served) -> Vec<u8> {
        let told = Told::of(served, self.clock.now());
        let (symbol, mut text) = (question.symbol.name(), Vec::new());
        let open = match &served.bars {
            Some(series) => record::bars::open(series, &[], &mut text),
            None => record::open(&record::stored(&served.entry), symbol, &mut text),
        };
        // Writing to a buffer in memory does not fail.
        let _ = open.and_then(|open| open.close(Some(&told), &mut text));
        text
    }
}
