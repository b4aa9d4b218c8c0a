//! What is asked of programs: within the limits like everything else, and with what they need to know
//! of who asks.
//!
//! A program that failed is not started a second time: nobody knows what it did before.

use std::sync::LazyLock;
use std::time::Duration;

use super::line::{Line, Patience};
use super::process::{self, Start};
use super::rejected::Rejected;
use super::retry::Again;
use super::turn::declined;
use super::{Asking, Blame, Failed, Given, Spent, Upstream};
use crate::error::{Error, Kind};
use crate::ledger::{Call, Outcome, Said};
use crate::provider::command::Definition;
use crate::provider::{Ask, Provider as _, Reply, Request, Validators};
use crate::validate;

/// The variable in which a program finds the key that it is asked for.
const KEY: &str = "MCACHE_KEY";

/// The variable in which all keys stand that are asked for by whoever has started this process.
const HELD: &str = "MCACHE_HELD";

/// How many programs may each have started the next.
const MOST_HELD: usize = 16;

/// What programs are told besides their arguments.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// Variables by which an mcache that they start uses the same cache and configuration.
    pub variables: Vec<(String, String)>,
    /// What is asked for by those who have started this process: each `key@provider`. It comes once
    /// this process has ended, so nobody in it may wait for it.
    pub held: Vec<String>,
}

/// The same, made when the first program is to be run.
pub type Told = LazyLock<Surroundings, Box<dyn FnOnce() -> Surroundings + Send>>;

impl Surroundings {
    /// Reads what stands in the variable of what is asked for above.
    pub fn read_held(said: &str) -> Vec<String> {
        said.split_ascii_whitespace().map(str::to_owned).collect()
    }

    /// The error for what is asked for by whoever has started this process, if it is, or if that goes on
    /// without end.
    pub fn refusal(&self, name: &str) -> Option<Error> {
        if self.held.len() >= MOST_HELD {
            let message = format!("{MOST_HELD} programs have started each other");
            return Some(Error::new(Kind::Unsupported, message).hint("a program asks for itself"));
        }
        let key = name.rsplit_once('@').map_or(name, |(key, _)| key);
        self.held.iter().any(|held| held == name).then(|| {
            let message = format!("`{key}` is what this program was started for");
            Error::new(Kind::Unsupported, message)
                .hint("it would wait for itself; `mcache get --stale` reads what is held")
        })
    }

    /// The variables of a program that is started for `name`, for the sake of those `above` it.
    fn of(&self, name: &str, above: &[String]) -> Vec<(String, String)> {
        let key = name.rsplit_once('@').map_or(name, |(key, _)| key);
        let mut held = [&self.held, above].concat();
        held.push(name.to_owned());
        let own = [(KEY.to_owned(), key.to_owned()), (HELD.to_owned(), held.join(" "))];
        self.variables.iter().cloned().chain(own).collect()
    }
}

impl Upstream {
    /// The same, with what programs are told.
    #[must_use]
    pub fn surrounded_by(self, surroundings: Told) -> Self {
        Self { surroundings, ..self }
    }

    /// What programs are told.
    pub fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    /// Why the program of an endpoint would not be run by now or within the caller's patience. Nothing is
    /// entered: this is asked before its input is had, and its turn comes after.
    pub fn hindrance(&self, asking: &Asking<'_>, patience: &mut Patience) -> Option<Error> {
        let Asking { site, symbol, data_type, params, .. } = *asking;
        let ask = Ask { symbol, data_type, provider: &site.name, params };
        let request = site.speech.provider().request(&ask)?;
        let (call, now) = (call(asking, &request), self.reading());
        // What the ledger cannot say is said when it is its turn.
        let refusal = self.ledger.refusal(&call, patience.left_for_limits(), &now).ok()??;
        Some(declined(&call, &refusal, patience, &now))
    }

    /// Runs the program of an endpoint, when it is its turn, and reads what it has printed.
    pub(super) async fn perform(
        &self,
        asking: &Asking<'_>,
        definition: &Definition,
        (ask, request): (&Ask<'_>, &Request),
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<(Given, Option<Validators>), Failed> {
        let site = asking.site;
        let Some(task) = definition.task(ask) else {
            let error = Error::new(Kind::Unsupported, format!("{} has no such program", site.name));
            return Err(Failed::unasked(error.hint("see `mcache config show`")));
        };
        let call = Call { is_probe: spent.is_probe, ..call(asking, request) };
        // Another's trial is not waited for: the program that is tried may wait for this very key.
        let started = self.turn(line, &call, Duration::ZERO, spent.patience).await;
        let started = started.map_err(Failed::unasked)?;
        spent.is_probe |= started.is_probe;
        let start = Start {
            who: &site.name,
            arguments: &task.arguments,
            folder: task.folder.as_deref(),
            variables: &self.surroundings.of(asking.name, asking.above),
            input: asking.input,
            timeout: Some(task.timeout.unwrap_or(site.timeout)),
        };
        if let Some(witness) = spent.witness {
            witness.note_started(&task.arguments);
        }
        let stopwatch = self.clock.stopwatch();
        let ended = process::run(&start).await;
        if ended.as_ref().map_or_else(|failure| failure.ran, |_| true) {
            spent.calls += 1;
            spent.latency += stopwatch.elapsed();
            spent.started = Some(started.at);
        } else {
            self.ledger.give_back(&call, &started, &self.reading());
        }
        let ended = ended.map_err(|failure| sick(failure.error))?;
        if let Some(witness) = spent.witness {
            witness.note_ended(&ended);
        }
        let read = |reply: &Reply| {
            let record = definition.read(ask, reply, self.clock.now())?;
            validate::record(&record).map(|()| record)
        };
        let record = Definition::reply(ask, ended).and_then(|reply| {
            let record = read(&reply);
            let is_nonsense = |error: &Error| error.kind == Kind::InvalidData;
            spent.rejected = (record.as_ref().is_err_and(is_nonsense))
                .then(|| Rejected::printed(site, &request.endpoint, &reply.body));
            record
        });
        match record {
            Ok(record) => Ok((Given::Record(record), None)),
            Err(error) if error.kind == Kind::NotFound => Err(Failed::well(error)),
            Err(error) => Err(sick(error)),
        }
    }

    /// Runs a program that nobody has configured, for the key of this `name`: what it prints. Its
    /// failure is remembered as that of the key; limits it has none.
    pub async fn run(&self, name: &str, arguments: &[String]) -> Result<Vec<u8>, Error> {
        let who = arguments.first().map(String::as_str).unwrap_or_default();
        let who = format!("`{}`", crate::error::sanitized(who));
        let start = Start {
            who: &who,
            arguments,
            folder: None,
            variables: &self.surroundings.of(name, &[]),
            input: &[],
            timeout: None,
        };
        let began = self.reading().wall;
        let ended = process::run(&start).await.map_err(|failure| failure.error);
        let printed = ended.and_then(|ended| ended.printed(&who));
        let failed = printed.as_ref().err();
        let provider = name.rsplit_once('@').map_or(name, |(_, provider)| provider);
        let outcome = Outcome {
            provider,
            started: began,
            said: Said::Answered,
            used: None,
            keys: &[name],
            failed,
        };
        self.ledger.settle(&outcome, &self.reading());
        printed
    }
}

/// The call that a program is.
fn call<'a>(asking: &Asking<'a>, request: &'a Request) -> Call<'a> {
    let site = asking.site;
    Call {
        provider: &site.name,
        endpoint: &request.endpoint,
        weight: site.limits.weight(&request.endpoint, request.weight),
        caller: asking.caller,
        use_case: asking.use_case,
        limits: &site.limits,
        budget_share: asking.budget_share,
        is_probe: false,
    }
}

fn sick(error: Error) -> Failed {
    Failed { error, again: Again::No, blame: Blame::Sick }
}
