//! What a program that is asked is handed: records, each asked for like any other.
//!
//! A flight orders them when it has the lock of its program's key and nothing is left to do but to run
//! it: who is answered by another, or waits for another, costs nobody a request. Those that are ordered
//! together are asked for together. What cannot be had is `null`, and said: whether it can do without is
//! the program's to know.
//!
//! # Order
//!
//! Whoever orders what no program prints holds a key while it waits for others, which are never a
//! program's: these waits go one way. What another program prints is ordered before the key is taken,
//! since that one may have to wait for a permit of one that is asking mcache for just this key; each such
//! order is served alone, for a table of several would wait for its own. A program that asks mcache
//! for the key of one that it is run for is refused by the name that is handed down.

use futures_util::future::{FutureExt as _, LocalBoxFuture};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use super::ask::Stop;
use super::errand::Errand;
use super::record::{self, Told};
use super::{Answer, Cache, Interrupted, News, Purpose, Question, Served};
use crate::policy::Terms;
use crate::provider::Speech;
use crate::upstream::Site;
use crate::warning::Warning;

/// How many flights of an errand may hold their keys while they wait for what they ordered: each lock
/// is an open file, of which a process has a thousand.
const MOST_WAITING: usize = 128;

/// What is wanted for a program, each under its name.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// What.
    pub records: Vec<(Box<str>, Question)>,
    /// Whether some of it may be what another program prints.
    pub is_of_programs: bool,
}

/// Where the flights of an errand order what their programs are handed.
pub(super) struct Orders {
    counter: UnboundedSender<Order>,
    places: Semaphore,
    /// For which programs the errand is run, each `key@provider`: this process holds their keys.
    pub(super) above: Vec<String>,
}

/// What one program is to be handed.
pub(super) struct Order {
    /// Whose: `key@provider`.
    name: String,
    wanted: Wanted,
    ready: oneshot::Sender<Vec<u8>>,
}

impl Orders {
    /// Nothing was ordered yet; whoever serves gets the orders.
    pub(super) fn above(above: Vec<String>) -> (Self, UnboundedReceiver<Order>) {
        let (counter, inbox) = unbounded_channel();
        (Self { counter, places: Semaphore::new(MOST_WAITING), above }, inbox)
    }

    /// Waits for the right to order, which must be had before a key is held.
    pub(super) async fn place(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed.
        self.places.acquire().await.ok()
    }

    /// Orders what the program of this name is handed, and waits for it.
    pub(super) async fn had(&self, name: &str, wanted: Wanted) -> Vec<u8> {
        let (ready, comes) = oneshot::channel();
        let _ = self.counter.send(Order { name: name.to_owned(), wanted, ready });
        match comes.await {
            Ok(input) => input,
            // Nobody serves any more: the command is being stopped, and this with it.
            Err(_) => std::future::pending().await,
        }
    }
}

impl Cache {
    /// What the program is handed that answers a question, if one does.
    pub(super) fn inputs_for(&self, question: &Question, site: &Site) -> Wanted {
        match site.speech {
            Speech::Command(_) => (self.inputs)(question, &site.name),
            _ => Wanted::default(),
        }
    }

    /// Serves what was ordered at the same time.
    pub(super) fn serve<'a>(
        &'a self,
        orders: Vec<Order>,
        errand: Errand<'a>,
        stop: &Stop,
    ) -> Vec<LocalBoxFuture<'a, ()>> {
        let serve = |table| self.serve_table(table, errand, stop.clone()).boxed_local();
        tables(orders).into_iter().map(serve).collect()
    }

    async fn serve_table(&self, table: Vec<Order>, errand: Errand<'_>, stop: Stop) {
        let mut above = errand.orders.above.clone();
        if let [alone] = &table[..] {
            above.push(alone.name.clone());
        }
        let wanted: Vec<Question> = table
            .iter()
            .flat_map(|order| &order.wanted.records)
            .map(|(_, wanted)| wanted.clone())
            .collect();
        let answers = self.answers(&wanted, (errand.terms, errand.purpose), (above, &stop)).await;
        let Ok(answers) = answers else { return };
        let mut answers = answers.into_iter();
        for Order { wanted, ready, .. } in table {
            let input = self.written(&wanted, &mut answers);
            // Whoever has ordered it may be gone by now.
            let _ = ready.send(input);
        }
    }

    /// What a program is handed, had for it alone while nothing else is under way.
    pub(super) async fn input(
        &self,
        wanted: &Wanted,
        errand: (&Terms, Purpose),
    ) -> Result<Vec<u8>, Interrupted> {
        let questions: Vec<Question> =
            wanted.records.iter().map(|(_, wanted)| wanted.clone()).collect();
        let stop = std::future::pending().boxed_local().shared();
        let answers = self.answers(&questions, errand, (Vec::new(), &stop)).await?;
        Ok(self.written(wanted, &mut answers.into_iter()))
    }

    /// The answers to what programs are handed.
    async fn answers(
        &self,
        wanted: &[Question],
        (terms, purpose): (&Terms, Purpose),
        beneath: (Vec<String>, &Stop),
    ) -> Result<Vec<Option<Answer>>, Interrupted> {
        let terms = terms_of_inputs(terms);
        let mut answers: Vec<Option<Answer>> = wanted.iter().map(|_| None).collect();
        let deliver: &mut dyn FnMut(usize, News) = &mut |index, mut news| {
            self.complete(&wanted[index], &mut news);
            if let News::Answer(answer) = news {
                answers[index] = Some(*answer);
            }
        };
        let open = self.sift(wanted, &terms, purpose, deliver);
        if !open.is_empty() {
            self.ask_beneath(wanted, open, (&terms, purpose), beneath, deliver).await?;
        }
        Ok(answers)
    }

    /// What stands on the standard input of a program: one object of the records, in their order.
    fn written(
        &self,
        wanted: &Wanted,
        answers: &mut dyn Iterator<Item = Option<Answer>>,
    ) -> Vec<u8> {
        let mut text = Vec::new();
        for ((input, question), answer) in wanted.records.iter().zip(answers) {
            text.extend_from_slice(if text.is_empty() { b"{" } else { b"," });
            record::cells::json_text(input, &mut text);
            text.push(b':');
            text.extend_from_slice(&self.handed(question, input, answer));
        }
        if !text.is_empty() {
            text.extend_from_slice(b"}\n");
        }
        text
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
        let mut text = Vec::new();
        let open = match &served.bars {
            Some(series) => record::bars::open(series, &[], &mut text),
            None => record::open(&record::stored(question, &served.entry), &mut text),
        };
        // Writing to a buffer in memory does not fail.
        let _ = open.and_then(|open| open.close(Some(&told), &mut text));
        text
    }
}

/// The terms under which is asked for what a program is handed: those of whoever wants its answer hold for
/// that, but for what may be waited and used up.
pub(super) fn terms_of_inputs(terms: &Terms) -> Terms {
    let Terms { no_cache, max_wait, budget, by, .. } = *terms;
    Terms { no_cache, max_wait, budget, by, ..Terms::default() }
}

/// The orders that are served together: all of what no program gives, and each of the others alone.
fn tables(orders: Vec<Order>) -> Vec<Vec<Order>> {
    let (alone, together): (Vec<Order>, Vec<Order>) =
        orders.into_iter().partition(|order| order.wanted.is_of_programs);
    let together = (!together.is_empty()).then_some(together);
    alone.into_iter().map(|order| vec![order]).chain(together).collect()
}
