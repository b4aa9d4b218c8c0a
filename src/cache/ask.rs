//! Step 3: upstream is asked, all keys of the command at once, and what comes together lands
//! together.

use std::time::Duration;

use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};
use tokio::signal::unix::{SignalKind, signal};

use super::batch::batches;
use super::chain::{Askable, Links, flights};
use super::fly::{Errand, Landed};
use super::lookup::Missing;
use super::{Cache, Interrupted, News, Purpose, Question};
use crate::error::{Error, Kind};
use crate::policy::Terms;

/// How long what has come waits for what comes right after it, while anything else is under way.
///
/// Answers to requests that were sent together come together. Storing the first at once would keep
/// the others from being read and the next requests from being sent: 500 symbols made 83
/// transactions and took a quarter longer than upstream did.
const TOGETHER: Duration = Duration::from_millis(5);

impl Cache {
    /// Asks for all open questions at once. Whatever comes together is stored together: a
    /// transaction for each of five hundred answers would take longer than asking.
    pub(super) fn ask(
        &self,
        questions: &[Question],
        mut open: Vec<(usize, Missing)>,
        terms: &Terms,
        purpose: Purpose,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        for (index, missing) in &mut open {
            self.set_out(&questions[*index], missing, terms);
        }
        let links = Links::of(questions);
        let askable = Askable::of(&self.sites, open.iter().map(|(index, _)| &questions[*index]));
        let handed = self.hand_inputs(questions, &open, (terms, purpose))?;
        let flights = flights(&links, open);
        let (links, sites, handed) = (&links, &askable, &handed);
        let errand = Errand { links, questions, sites, handed, terms, purpose };
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => {
                let error =
                    Error::new(Kind::Unreachable, "the network cannot be used").caused_by(error);
                let mut flights = flights;
                while !flights.is_empty() {
                    let landed = flights.into_iter().map(|f| Landed::refused(f, &error));
                    flights = self.land(&errand, landed.collect(), deliver);
                }
                return Ok(());
            }
        };
        let result = runtime.block_on(async {
            // Before anything is started, so that nothing is left of it.
            let interrupted = interrupted();
            let (batches, singles) = batches(&errand, flights);
            let mut batched: FuturesUnordered<_> =
                batches.into_iter().map(|batch| self.fly_together(errand, batch)).collect();
            let mut asking: FuturesUnordered<_> =
                singles.into_iter().map(|flight| self.fly(errand, flight)).collect();
            let mut interrupted = std::pin::pin!(interrupted);
            loop {
                if batched.is_empty() && asking.is_empty() {
                    return Ok(());
                }
                let landed = tokio::select! {
                    // What has come by the time of an interrupt is stored.
                    biased;
                    Some(batch) = batched.next(), if !batched.is_empty() => {
                        self.count_in_vain(&batch);
                        asking.extend(batch.left.into_iter().map(|flight| self.fly(errand, flight)));
                        batch.landed
                    }
                    Some(first) = asking.next(), if !asking.is_empty() => {
                        together(first, &mut asking).await
                    }
                    () = &mut interrupted => return Err(Interrupted),
                };
                for flight in self.land(&errand, landed, deliver) {
                    asking.push(self.fly(errand, flight));
                }
                self.say_mishaps();
            }
        });
        // A host name that is still being looked up would hold the process back, and so would a
        // thread that waits for the lock of a key.
        runtime.shutdown_background();
        result
    }
}

/// What is there once the user stops the command: from now on, and not from when it is first looked at.
/// Must be called within a runtime.
pub(super) fn interrupted() -> impl Future<Output = ()> {
    let signal = signal(SignalKind::interrupt());
    async {
        match signal {
            Ok(mut signal) => drop(signal.recv().await),
            // Whoever cannot be told of an interrupt is ended by it.
            Err(_) => std::future::pending().await,
        }
    }
}

/// What has landed, with what lands right after it.
async fn together(first: Landed, asking: &mut (impl Stream<Item = Landed> + Unpin)) -> Vec<Landed> {
    let mut landed = vec![first];
    let mut waited = std::pin::pin!(tokio::time::sleep(TOGETHER));
    loop {
        tokio::select! {
            biased;
            next = asking.next() => match next {
                Some(next) => landed.push(next),
                None => return landed,
            },
            () = &mut waited => return landed,
        }
    }
}
