//! Step 3: upstream is asked, all keys of the command at once, and what comes together lands
//! together.

use std::time::Duration;

use futures_util::future::{FutureExt as _, LocalBoxFuture, Shared};
use futures_util::stream::{FuturesUnordered, Stream, StreamExt as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use super::batch::{Batched, batches};
use super::chain::{Askable, Links, flights};
use super::errand::{Errand, Flight, Landed};
use super::input::{Order, Orders};
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

/// That the user stops the command, told to everybody in it.
pub(super) type Stop = Shared<LocalBoxFuture<'static, ()>>;

/// What has come of one flight, or of several that were asked for in one request.
enum Flown {
    Alone(Landed),
    Together(Batched),
}

/// What an errand takes along.
struct Outfit<'a> {
    links: Links<'a>,
    sites: Askable<'a>,
    orders: Orders,
}

impl Cache {
    /// Asks for all open questions at once. Whatever comes together is stored together: a
    /// transaction for each of five hundred answers would take longer than asking.
    pub(super) fn ask(
        &self,
        questions: &[Question],
        open: Vec<(usize, Missing)>,
        terms: &Terms,
        purpose: Purpose,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        let (orders, inbox) = Orders::above(Vec::new());
        let outfit = self.outfit(questions, &open, orders);
        let errand = outfit.errand(questions, terms, purpose);
        let flights = self.departures(&errand, open);
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
            let stop = interrupted().boxed_local().shared();
            self.ask_all(errand, flights, inbox, &stop, deliver).await
        });
        // A host name that is still being looked up would hold the process back, and so would a
        // thread that waits for the lock of a key.
        runtime.shutdown_background();
        result
    }

    /// Asks for open questions while others are under way: for what the programs `above` are handed.
    pub(super) async fn ask_beneath(
        &self,
        questions: &[Question],
        open: Vec<(usize, Missing)>,
        (terms, purpose): (&Terms, Purpose),
        (above, stop): (Vec<String>, &Stop),
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        let (orders, inbox) = Orders::above(above);
        let outfit = self.outfit(questions, &open, orders);
        let errand = outfit.errand(questions, terms, purpose);
        let flights = self.departures(&errand, open);
        self.ask_all(errand, flights, inbox, stop, deliver).await
    }

    fn outfit<'a>(
        &'a self,
        questions: &'a [Question],
        open: &[(usize, Missing)],
        orders: Orders,
    ) -> Outfit<'a> {
        let sites = Askable::of(&self.sites, open.iter().map(|(index, _)| &questions[*index]));
        Outfit { links: Links::of(questions), sites, orders }
    }

    fn departures(&self, errand: &Errand<'_>, mut open: Vec<(usize, Missing)>) -> Vec<Flight> {
        for (index, missing) in &mut open {
            self.set_out(&errand.questions[*index], missing, errand.terms);
        }
        flights(errand.links, open)
    }

    /// Flies all flights until the last has landed, and serves what they order.
    async fn ask_all(
        &self,
        errand: Errand<'_>,
        flights: Vec<Flight>,
        mut inbox: UnboundedReceiver<Order>,
        stop: &Stop,
        deliver: &mut dyn FnMut(usize, News),
    ) -> Result<(), Interrupted> {
        let alone = |flight| self.fly(errand, flight).map(Flown::Alone).left_future();
        // All of them in one set: they stand in line for their permits in the order in which they are in it.
        let mut asking: FuturesUnordered<_> = batches(&errand, flights)
            .into_iter()
            .map(|batch| match <[Flight; 1]>::try_from(batch) {
                Ok([flight]) => alone(flight),
                Err(batch) => self.fly_together(errand, batch).map(Flown::Together).right_future(),
            })
            .collect();
        let mut orders = Vec::new();
        let mut serving = FuturesUnordered::new();
        let mut stopped = stop.clone();
        loop {
            if asking.is_empty() {
                return Ok(());
            }
            let flown = tokio::select! {
                // What has come by the time of an interrupt is stored.
                biased;
                Some(first) = asking.next(), if !asking.is_empty() => {
                    together(first, &mut asking).await
                }
                Some(order) = inbox.recv() => {
                    orders.push(order);
                    continue;
                }
                Some(()) = serving.next(), if !serving.is_empty() => continue,
                // Once all who can order by now have done so: what they want may be one request.
                () = tokio::task::yield_now(), if !orders.is_empty() => {
                    serving.extend(self.serve(std::mem::take(&mut orders), errand, stop));
                    continue;
                }
                () = &mut stopped => {
                    while serving.next().await.is_some() {}
                    return Err(Interrupted);
                }
            };
            let mut landed = Vec::new();
            for flown in flown {
                match flown {
                    Flown::Alone(one) => landed.push(one),
                    Flown::Together(batch) => {
                        self.count_in_vain(&batch);
                        asking.extend(batch.left.into_iter().map(alone));
                        landed.extend(batch.landed);
                    }
                }
            }
            asking.extend(self.land(&errand, landed, deliver).into_iter().map(alone));
            self.say_mishaps();
        }
    }
}

impl<'a> Outfit<'a> {
    fn errand(
        &'a self,
        questions: &'a [Question],
        terms: &'a Terms,
        purpose: Purpose,
    ) -> Errand<'a> {
        let Self { links, sites, orders } = self;
        Errand { links, questions, sites, orders, terms, purpose }
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
async fn together(first: Flown, asking: &mut (impl Stream<Item = Flown> + Unpin)) -> Vec<Flown> {
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
