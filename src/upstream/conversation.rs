//! One question, from the request that its provider writes to the answer: what is sent, where to, and
//! again where that may help.
//!
//! It refuses to make anything of what comes back: that is [`answer`](super::answer)'s.

use std::time::Duration;

use reqwest::Url;

use super::http::{self, Letter};
use super::line::Line;
use super::retry::Again;
use super::site::Site;
use super::{Asking, Blame, DemoUpstream, Failed, Given, Rejected, Spent, Upstream, send, site};
use crate::error::{Error, Kind};
use crate::ledger::Call;
use crate::provider::{Ask, Request, Speech, Validators};

/// How many redirects are followed for one question.
const MOST_REDIRECTS: usize = 3;

/// One question as its provider puts it.
pub(super) struct Inquiry<'a> {
    pub(super) ask: Ask<'a>,
    pub(super) request: Request,
    /// By which validators are told that hold for it.
    number: i64,
}

impl Upstream {
    /// Asks, and again where that may help and there is time for it.
    pub(super) async fn converse(
        &self,
        asking: &Asking<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<(Given, Option<Validators>), Failed> {
        let site = asking.site;
        let ask = Ask {
            symbol: asking.symbol,
            data_type: asking.data_type,
            provider: &site.name,
            params: asking.params,
        };
        let request = match asking.beside {
            [] => send::request(site, &ask, asking.piece.as_ref()),
            beside => site.speech.provider().request_at_once(&send::several(&ask, beside)),
        };
        let Some(request) = request else {
            return Err(Failed::unasked(send::unable(site, &ask)));
        };
        if let Speech::Command(definition) = &site.speech {
            return self.perform(asking, definition, (&ask, &request), line, spent).await;
        }
        let credentials = site.credentials().map_err(Failed::unasked)?;
        let base = self.base_url(site, line).map_err(Failed::unasked)?;
        let number = request.number(&site.speech, site.base_url.as_deref(), asking.definition);
        let mut letter =
            send::letter(site, &base, &request, credentials).map_err(Failed::unasked)?;
        letter.validators = asking.validators.filter(|held| held.request == number);
        let inquiry = Inquiry { ask, request, number };
        let (mut retries, mut before) = (0, None);
        loop {
            let failed = match self.attempt(asking, &inquiry, letter.clone(), line, spent).await {
                Ok(given) => return Ok(given),
                // Why it could not be asked again says less than how it failed.
                Err(Failed { blame: Blame::Unasked, error, .. }) => {
                    return Err(before.unwrap_or_else(|| Failed::unasked(error)));
                }
                Err(failed) => failed,
            };
            let Some(pause) = self.pause_before_retry(site, &failed, retries, spent) else {
                if failed.error.kind == Kind::Unreachable {
                    line.lost.send_replace(Some(failed.error.clone()));
                }
                return Err(failed);
            };
            tokio::time::sleep(pause).await;
            spent.patience.spend(pause);
            retries += 1;
            before = Some(failed);
        }
    }

    /// How long to wait before asking again, if that helps and if there is time for it: of the
    /// request's own `timeout`, and of what may be waited.
    fn pause_before_retry(
        &self,
        site: &Site,
        failed: &Failed,
        retries: u32,
        spent: &mut Spent<'_>,
    ) -> Option<Duration> {
        let left = spent.patience.left();
        let pause = failed.again.pause(retries)?;
        let now = self.reading();
        let paused = match failed.again {
            Again::AfterPause => {
                self.ledger.paused_until(&site.name, &now).map(|u| u.since(now.wall))
            }
            Again::Soon | Again::No => None,
        };
        if let Some(paused) = paused.filter(|paused| *paused > spent.patience.left_for_limits()) {
            spent.patience.passes_by(now.wall + paused);
            return None;
        }
        let in_time = spent.latency < site.timeout && !left.is_zero();
        (in_time && pause.max(paused.unwrap_or_default()) <= left).then_some(pause)
    }

    /// One try: a request and its answer, through its redirects.
    async fn attempt(
        &self,
        asking: &Asking<'_>,
        inquiry: &Inquiry<'_>,
        mut letter: Letter<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<(Given, Option<Validators>), Failed> {
        let site = asking.site;
        for redirects in 0..=MOST_REDIRECTS {
            if let Some(witness) = spent.witness {
                witness.note_sent(site, &letter);
            }
            spent.status = None;
            let arrival = self.exchange(asking, &inquiry.request, &mut letter, line, spent).await?;
            if let Some(witness) = spent.witness {
                witness.note_arrival(site, &arrival);
            }
            let status = arrival.status;
            spent.status = Some(status);
            let next = send::redirection(site, &letter.url, &arrival).map_err(Failed::well)?;
            let Some(next) = next else {
                // Those of another place would be sent to this one.
                let validators = (redirects == 0)
                    .then(|| send::validators(site, inquiry.number, &arrival))
                    .flatten();
                return self.read(asking, inquiry, letter.validators, arrival, spent).map(
                    |given| match (&given, letter.validators) {
                        (Given::Unchanged, Some(held)) => (given, Some(held.renewed(validators))),
                        _ => (given, validators),
                    },
                );
            };
            send::redirect(site, &mut letter, status, next);
        }
        let message = format!("{} redirects more than {MOST_REDIRECTS} times", site.name);
        let error = Error::new(Kind::Upstream, message);
        Err(Failed::well(error.hint("check `base_url` with `mcache config show`")))
    }

    /// One request and its answer, when it is its turn.
    async fn exchange(
        &self,
        asking: &Asking<'_>,
        request: &Request,
        letter: &mut Letter<'_>,
        line: &Line,
        spent: &mut Spent<'_>,
    ) -> Result<http::Arrival, Failed> {
        let site = asking.site;
        // Built before the call starts, so that it does not arrive late by that time.
        let client = self.clients.client(&site.name, &letter.url, site.certificates);
        let client = client.map_err(Failed::unasked)?;
        let call = Call {
            provider: &site.name,
            endpoint: &request.endpoint,
            weight: site.limits.weight(&request.endpoint, request.weight),
            caller: asking.caller,
            use_case: asking.use_case,
            limits: &site.limits,
            budget_share: asking.budget_share,
            is_probe: spent.is_probe,
        };
        // Whoever stops waiting from here on has made the call.
        let started = self.turn(line, &call, site.timeout, spent.patience).await;
        let started = started.map_err(Failed::unasked)?;
        spent.is_probe |= started.is_probe;
        letter.timeout = site.timeout.saturating_sub(spent.latency);
        let stopwatch = self.clock.stopwatch();
        let outcome = http::exchange(client, letter).await;
        if outcome.as_ref().map_or_else(|failure| failure.left, |_| true) {
            spent.calls += 1;
            spent.latency += stopwatch.elapsed();
            spent.started = Some(started.at);
        } else {
            self.ledger.give_back(&call, &started, &self.reading());
        }
        if let Err(failure) = &outcome {
            let received = failure.received.as_deref();
            let is_nonsense = failure.error.kind == Kind::InvalidData;
            spent.rejected = is_nonsense.then(|| Rejected::torn(site, &request.endpoint, received));
        }
        outcome.map_err(|failure| Failed {
            error: failure.error,
            again: if failure.broke { Again::Soon } else { Again::No },
            blame: Blame::Sick,
        })
    }

    /// Where the site is; the embedded upstream is started when it is first wanted.
    fn base_url(&self, site: &Site, line: &Line) -> Result<Url, Error> {
        let running;
        let text = match &site.base_url {
            Some(text) => text,
            None if site.speech == Speech::Demo => {
                let demo = line.demo.get_or_init(|| {
                    DemoUpstream::start(site.demo, self.clock).map_err(|error| error.to_string())
                });
                running = demo.as_ref().map(DemoUpstream::base_url).map_err(|why| {
                    Error::new(Kind::Unreachable, format!("{} cannot be started: {why}", site.name))
                        .hint("it needs a free port on 127.0.0.1")
                })?;
                &running
            }
            None => {
                let message = format!("{} has no `base_url`", site.name);
                return Err(Error::new(Kind::Unsupported, message)
                    .hint(format!("set `providers.{}.base_url`", site.name)));
            }
        };
        site::base_url(text).map_err(|usage| send::unusable(site, usage))
    }
}
