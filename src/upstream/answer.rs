//! What an answer comes to: what it gives, or what is wrong with it and what that means for everybody.
//!
//! It refuses to send anything: whether it is asked again is [`conversation`](super::conversation)'s.

use std::time::Duration;

use super::conversation::Inquiry;
use super::http::Arrival;
use super::retry::Again;
use super::site::Site;
use super::{Asking, Blame, Failed, Given, Rejected, Spent, Upstream, send};
use crate::error::{Error, Kind};
use crate::ledger::Said;
use crate::provider::{Pace, Reply, Validators};
use crate::time::Timestamp;

/// The shortest pause after a refusal that names a time.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Whether a failure is nothing of what was asked about: no answer came, or one that says how the
/// provider is, or who we are. A request that is wrong may be so by one of its symbols, and so may an
/// answer that cannot be.
pub(super) fn is_general(kind: Kind, status: Option<u16>) -> bool {
    let is_well = status.is_some_and(|status| status < 500);
    match kind {
        Kind::NotFound | Kind::Unsupported => false,
        Kind::InvalidData => !is_well,
        Kind::Upstream => !matches!(status, Some(..300 | 400 | 404 | 413 | 414 | 422)),
        Kind::RateLimited | Kind::Unauthorized | Kind::Unreachable | Kind::Offline => true,
    }
}

impl Upstream {
    /// What an answer gives, and what it says of how often one may ask; `held` was sent along.
    pub(super) fn read(
        &self,
        asking: &Asking<'_>,
        inquiry: &Inquiry<'_>,
        held: Option<&Validators>,
        mut arrival: Arrival,
        spent: &mut Spent<'_>,
    ) -> Result<Given, Failed> {
        let site = asking.site;
        let body = std::mem::take(&mut arrival.body);
        let status = arrival.status;
        let header = |name: &str| arrival.header(name).map(str::to_owned);
        let content_type = header("content-type").map(Into::into);
        let reply = Reply { status, body, content_type };
        let now = self.reading();
        let pace = site.speech.provider().pace(&inquiry.ask, &reply, &header, now.wall);
        let endpoint = &inquiry.request.endpoint;
        // What nothing limits need not be known, and what was counted before this call started
        // may be counted in another minute.
        let is_of_use = |since: Timestamp| {
            !site.limits.windows.is_empty() && spent.started.is_some_and(|at| at >= since)
        };
        spent.used = pace.used.filter(|(since, _)| is_of_use(*since)).or(spent.used);
        let outcome = match (status, held) {
            (304, Some(_)) => Ok(Given::Unchanged),
            (304, None) => Err(send::unasked(site)),
            _ => match asking.beside {
                [] => {
                    send::read(site, &inquiry.ask, asking.piece.as_ref(), &reply, self.clock.now())
                }
                beside => {
                    let asks = send::several(&inquiry.ask, beside);
                    send::read_several(site, &asks, &reply, self.clock.now())
                }
            },
        };
        let is_nonsense = outcome.as_ref().is_err_and(|error| error.kind == Kind::InvalidData);
        spent.rejected = is_nonsense.then(|| Rejected::of(site, endpoint, &reply));
        outcome.map_err(|error| {
            // A date is meant by the clock of whoever wrote it.
            let its_now = arrival.header("date").and_then(Timestamp::from_http_date);
            let named = arrival
                .header("retry-after")
                .and_then(|text| send::retry_after(text, its_now.unwrap_or(now.wall)));
            self.failed(asking, error, status, named, pace, spent)
        })
    }

    /// What an answer that is no record says: refused by its status, by a time that it names, or,
    /// where the status says nothing of it (Yahoo's 200 with `Too Many Requests`), by what the
    /// provider read.
    fn failed(
        &self,
        asking: &Asking<'_>,
        error: Error,
        status: u16,
        named: Option<Duration>,
        pace: Pace,
        spent: &Spent<'_>,
    ) -> Failed {
        let now = self.reading();
        let banned = pace.banned_until.map(|until| send::bounded(until.since(now.wall)));
        // Not at all, or a date that has passed by our clock, is a moment all the same: whoever
        // refuses everybody must not be asked by everybody at once.
        let wait = named.max(banned).map(|wait| wait.max(SHORTEST_PAUSE));
        let limited = error.kind == Kind::RateLimited;
        if matches!(status, 403 | 418 | 429) || (status >= 400 && wait.is_some()) || limited {
            self.settle(asking, spent, Said::Refused(status, wait), &[], None);
            let error = self.with_pause(asking.site, error);
            // Who has trouble and says when it is over may be asked then; who refuses us may not.
            let is_over_then = limited || Again::after_status(status) != Again::No;
            let again = if is_over_then { Again::AfterPause } else { Again::No };
            let blame = if status >= 500 { Blame::Sick } else { Blame::Refused };
            return Failed { error, again, blame };
        }
        let again = Again::after_status(status);
        let sick = status >= 500 || matches!(error.kind, Kind::Upstream | Kind::InvalidData);
        let blame = if sick { Blame::Sick } else { Blame::Well };
        Failed { error, again, blame }
    }

    /// The error of an upstream that refuses, or has trouble, with the instant at which the pause ends.
    fn with_pause(&self, site: &Site, error: Error) -> Error {
        let now = self.reading();
        match self.ledger.paused_until(&site.name, &now) {
            Some(until) if matches!(error.kind, Kind::RateLimited | Kind::Upstream) => {
                let until = send::time_of_day(until, now.wall);
                error.hint(format!(
                    "it is asked again from {until} on; --offline answers from the cache"
                ))
            }
            _ => error,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_about_a_symbol_is_not_about_all() {
        for (kind, status, general) in [
            (Kind::Unreachable, None, true),
            (Kind::InvalidData, None, true),
            (Kind::RateLimited, None, true),
            (Kind::Unsupported, None, false),
            (Kind::Upstream, Some(500), true),
            (Kind::RateLimited, Some(429), true),
            (Kind::RateLimited, Some(200), true),
            (Kind::Unauthorized, Some(401), true),
            (Kind::Upstream, Some(408), true),
            (Kind::Upstream, Some(302), true),
            (Kind::Upstream, Some(400), false),
            (Kind::Upstream, Some(200), false),
            (Kind::NotFound, Some(400), false),
            (Kind::NotFound, Some(404), false),
            (Kind::InvalidData, Some(200), false),
            (Kind::Unsupported, Some(402), false),
        ] {
            assert_eq!(is_general(kind, status), general, "{kind} {status:?}");
        }
    }
}
