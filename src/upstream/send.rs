//! What is written on a request and what is read from an answer, apart from waiting and sending.
//!
//! Nothing here touches the network or the ledger.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::http::{Arrival, Letter};
use super::site::{
    Credentials, Place, SHORTEST_BESIDE, SHORTEST_IN_DATA, Secret, Site, host_and_port, joined,
};
use super::{Beside, Given};
use crate::error::{Error, Kind, Usage};
use crate::key;
use crate::market::Record;
use crate::provider::{Ask, Piece, Reply, Request, TOKEN, Validators};
use crate::time::Timestamp;
use crate::validate;

/// The longest pause that an upstream can ask for: a month, the longest ban that is known being
/// Binance's of three days.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(30 * 24);

/// What of a key stands in a path as it is: a colon may (RFC 3986, section 3.3), and Telegram's have one.
const IN_A_PATH: &[u8] = b"-._~:";

/// The error for a site that [`Site::check`] would have refused.
pub(super) fn unusable(site: &Site, usage: Usage) -> Error {
    let error =
        Error::new(Kind::Unsupported, format!("{} cannot be asked: {}", site.name, usage.message));
    match usage.hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// The request with everything that the configuration adds to it.
pub(super) fn letter<'a>(
    site: &'a Site,
    base: &Url,
    request: &Request,
    credentials: Option<&Credentials>,
) -> Result<Letter<'a>, Error> {
    site.check().map_err(|usage| unusable(site, usage))?;
    let mut path = Cow::Borrowed(request.path.as_str());
    if let Some(Credentials { place: Place::Path, secret }) = credentials {
        path = path.replace(TOKEN, &key::encoded(secret.reveal(), IN_A_PATH)).into();
    }
    let mut url = joined(base, &path, &request.query);
    let mut headers = signature(site);
    for (name, value) in &site.headers {
        // `check` has let only those through that can be sent.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value.reveal()))
        {
            headers.insert(name, hidden(value));
        }
    }
    if let Some(Credentials { place, secret }) = credentials {
        let value = |text: &str| {
            HeaderValue::from_str(text).map(hidden).map_err(|_| {
                Error::new(
                    Kind::Unauthorized,
                    format!("the key of {} cannot be sent in a header", site.name),
                )
                .hint("it holds a line break or another character that no key has")
            })
        };
        match place {
            Place::Query(name) => {
                url.query_pairs_mut().append_pair(name, secret.reveal());
            }
            Place::Header(name) => {
                if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
                    headers.insert(name, value(secret.reveal())?);
                }
            }
            Place::Path => {}
            Place::Bearer => {
                headers.insert(AUTHORIZATION, value(&format!("Bearer {}", secret.reveal()))?);
            }
        }
    }
    Ok(Letter {
        provider: &site.name,
        url,
        headers,
        body: request.body.clone(),
        validators: None,
        timeout: site.timeout,
    })
}

/// The headers that any host may see.
fn signature(site: &Site) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_str(&site.user_agent) {
        headers.insert(USER_AGENT, value);
    }
    headers
}

fn hidden(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// Where an answer sends us, if it does; an error if we do not go there.
pub(super) fn redirection(
    site: &Site,
    from: &Url,
    arrival: &Arrival,
) -> Result<Option<Url>, Error> {
    let (301 | 302 | 303 | 307 | 308, Some(location)) =
        (arrival.status, arrival.header("location"))
    else {
        return Ok(None);
    };
    let refused = |why: &str| {
        Err(Error::new(
            Kind::Upstream,
            format!("{} redirects {why}, which is not followed", site.name),
        )
        .hint("check `base_url` with `mcache config show`"))
    };
    let Ok(mut next) = from.join(location) else {
        return refused("to what is no URL");
    };
    if !matches!(next.scheme(), "http" | "https") {
        return refused("to what is not HTTP");
    }
    if from.scheme() == "https" && next.scheme() == "http" {
        return refused("from https to http");
    }
    if !next.username().is_empty() || next.password().is_some() {
        return refused("to a URL with a password");
    }
    if !is_same_place(from, &next)
        && site.secret().is_some_and(|secret| secret.is_in(next.as_str()))
    {
        return refused(&format!("to {} with our key", host_and_port(&next)));
    }
    next.set_fragment(None);
    Ok(Some(next))
}

/// Turns a request to where it was redirected with a status; another host sees no header but who we
/// are. Only 307 and 308 have a POST sent again (RFC 9110, section 15.4), and then to the same server.
pub(super) fn redirect(site: &Site, letter: &mut Letter<'_>, status: u16, next: Url) {
    let is_same = is_same_place(&letter.url, &next);
    if !is_same {
        letter.headers = signature(site);
    }
    letter.body = letter.body.take().filter(|_| is_same && matches!(status, 307 | 308));
    // Whoever sends us on has not said that this is the same place, or the same answer.
    letter.validators = None;
    letter.url = next;
}

/// Whether two URLs lead to the same server: a host that moves from http to https, each on its
/// usual port, stays itself.
fn is_same_place(from: &Url, next: &Url) -> bool {
    let upgraded = (from.scheme(), next.scheme()) == ("http", "https")
        && from.port().is_none()
        && next.port().is_none();
    let same_port = from.scheme() == next.scheme()
        && from.port_or_known_default() == next.port_or_known_default();
    from.host() == next.host() && (same_port || upgraded)
}

/// The time that a `Retry-After` asks for: seconds, or an HTTP date as seen from `now`.
pub(super) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let wait = if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than a number holds is a very long time, and cut below.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        Timestamp::from_http_date(text)?.since(now)
    };
    Some(bounded(wait))
}

/// No longer than an upstream can ask for.
pub(super) fn bounded(wait: Duration) -> Duration {
    wait.min(LONGEST_RETRY_AFTER)
}

/// An instant to come as messages name it: `14:32:10 UTC`, rounded up to the second, and with the
/// date if it is not today's.
pub(super) fn time_of_day(instant: Timestamp, now: Timestamp) -> String {
    let seconds =
        instant.as_ms().div_euclid(1000) + i64::from(instant.as_ms().rem_euclid(1000) > 0);
    let whole = Timestamp::from_seconds(seconds);
    if whole.day() != now.day() {
        return whole.to_string();
    }
    let (minute, second) = (seconds.rem_euclid(3600) / 60, seconds.rem_euclid(60));
    format!("{:02}:{minute:02}:{second:02} UTC", whole.hour())
}

/// The validators that an answer came with, of which none holds our key or a word of a header that
/// was configured: they are written down.
pub(super) fn validators(site: &Site, request: i64, arrival: &Arrival) -> Option<Validators> {
    let found = Validators::of(request, &|name| arrival.single(name).map(str::to_owned));
    found.filter(|found| {
        let shows = |secret: &Secret| found.texts().any(|text| secret.is_in(text));
        !site.secrets(SHORTEST_BESIDE).iter().any(shows)
    })
}

/// The error for an answer that nothing has changed, given to whoever did not ask that.
pub(super) fn unasked(site: &Site) -> Error {
    let name = &site.name;
    let message =
        format!("{name} says that nothing has changed (HTTP 304), and was not asked that");
    Error::new(Kind::Upstream, message)
        .hint("something between here and it answers wrongly; --offline answers from the cache")
}

/// The request for a record, or for a piece of a series; none if the provider has no such thing.
pub(super) fn request(site: &Site, ask: &Ask<'_>, piece: Option<&Piece>) -> Option<Request> {
    let provider = site.speech.provider();
    match piece {
        None if provider.has(ask.symbol, ask.data_type) => provider.request(ask),
        None => None,
        Some(piece) => {
            let charts = provider.charts()?;
            charts.reach(ask.symbol, piece.interval)?;
            Some(charts.request(ask, piece))
        }
    }
}

/// The error for what a provider cannot be asked.
pub(super) fn unable(site: &Site, ask: &Ask<'_>) -> Error {
    let (name, symbol, data_type) = (&site.name, ask.symbol, ask.data_type.as_str());
    if let Some(param) = site.speech.lacks(ask) {
        let message = format!("{name} is asked for {data_type} with a `{param}`, and none is said");
        return Error::new(Kind::Unsupported, message).hint(format!("say it: --param {param}=…"));
    }
    Error::new(Kind::Unsupported, format!("{name} has no {data_type} of `{symbol}`"))
        .hint("ask another provider with -p")
}

/// What is asked, and the same of these.
pub(super) fn several<'a>(ask: &Ask<'a>, beside: &[Beside<'a>]) -> Vec<Ask<'a>> {
    let others = beside.iter().map(|beside| Ask { symbol: beside.symbol, ..*ask });
    std::iter::once(*ask).chain(others).collect()
}

/// What an answer to all of these gives; if it gives nothing of any of them, what is wrong with it.
pub(super) fn read_several(
    site: &Site,
    asks: &[Ask<'_>],
    reply: &Reply,
    now: Timestamp,
) -> Result<Given, Error> {
    let records = site.speech.provider().read_at_once(asks, reply, now);
    let possible = |record: &Record| validate::record(record).is_ok();
    let records: Vec<Option<Record>> =
        records.into_iter().map(|record| record.filter(possible)).collect();
    match asks.first().filter(|_| records.iter().all(Option::is_none)) {
        // It is read as the answer to one of them for what it says of a refusal, or of a limit.
        Some(ask) => read(site, ask, None, reply, now).map(|_| Given::Several(records)),
        None => Ok(Given::Several(records)),
    }
}

/// What an answer gives, or what is wrong with it.
pub(super) fn read(
    site: &Site,
    ask: &Ask<'_>,
    piece: Option<&Piece>,
    reply: &Reply,
    now: Timestamp,
) -> Result<Given, Error> {
    let Some(secret) = site.secret() else { return given(site, ask, piece, reply, now) };
    let mut reply = Cow::Borrowed(reply);
    // It is kept along with what is neither JSON nor text.
    if reply.content_type.as_deref().is_some_and(|said| secret.is_in(said)) {
        reply.to_mut().content_type = None;
    }
    let outcome = given(site, ask, piece, &reply, now);
    let is_as_sent = matches!(outcome, Ok(Given::Record(Record::Payload(_))));
    if outcome.is_ok() && (!is_as_sent || secret.reveal().len() < SHORTEST_IN_DATA) {
        return outcome;
    }
    let text = String::from_utf8_lossy(&reply.body);
    if !secret.is_in(&text) {
        return outcome;
    }
    // What is kept as it was sent is kept without our key. An error quotes the start of the body, and may
    // do so up to the middle of the key, where no search would find it. So either is made again, from a
    // body without; bytes that are no text would no longer be what was sent.
    let kind = outcome.as_ref().map_or_else(|error| error.kind, |_| Kind::InvalidData);
    let is_text = matches!(text, Cow::Borrowed(_));
    let body = secret.removed_from(&text).into_bytes();
    let reply = Reply { status: reply.status, body, content_type: reply.content_type.clone() };
    match given(site, ask, piece, &reply, now) {
        Err(error) => Err(error),
        Ok(again) if is_as_sent && is_text => Ok(again),
        Ok(_) => Err(Error::new(kind, format!("{} answered with our key and no data", site.name))),
    }
}

/// What a provider reads in a reply, if that can be true.
fn given(
    site: &Site,
    ask: &Ask<'_>,
    piece: Option<&Piece>,
    reply: &Reply,
    now: Timestamp,
) -> Result<Given, Error> {
    let provider = site.speech.provider();
    if let Some((piece, charts)) = piece.zip(provider.charts()) {
        let page = charts.read(ask, piece, reply, now)?;
        validate::page(ask.symbol, ask.provider, piece.interval, piece.span, &page)?;
        return Ok(Given::Page(Box::new(page)));
    }
    let record = provider.read(ask, reply, now)?;
    validate::record(&record)?;
    Ok(Given::Record(record))
}

/// The error without the key of the site, whoever wrote it in.
pub(super) fn without_secret(error: Error, site: &Site) -> Error {
    let Some(secret) = site.secret() else { return error };
    let shows = |secret: &Secret| {
        secret.is_in(&error.message)
            || error.hint.as_deref().is_some_and(|hint| secret.is_in(hint))
            || secret.is_in(&format!("{error:?}"))
    };
    if !shows(secret) {
        return error;
    }
    // What caused it is left out: its text is not ours to change.
    let clean = Error::new(error.kind, secret.removed_from(&error.message));
    match &error.hint {
        Some(hint) => clean.hint(secret.removed_from(hint)),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_after_is_seconds_or_a_date() {
        let now = Timestamp::parse("2026-07-01T15:00:00Z").unwrap();
        for (text, expected) in [
            ("120", Some(120)),
            (" 7 ", Some(7)),
            ("0", Some(0)),
            ("99999999999999999999999", Some(30 * 86_400)),
            ("Wed, 01 Jul 2026 15:02:00 GMT", Some(120)),
            ("Wed, 01 Jul 2026 14:00:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
            ("", None),
        ] {
            assert_eq!(retry_after(text, now), expected.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn a_time_is_never_said_too_early() {
        let now = Timestamp::parse("2026-07-01T15:00:00Z").unwrap();
        let later = |ms| time_of_day(now + Duration::from_millis(ms), now);
        assert_eq!(later(0), "15:00:00 UTC");
        assert_eq!(later(61_001), "15:01:02 UTC");
        assert_eq!(later(86_400_000), "2026-07-02T15:00:00Z");
    }

    #[test]
    fn only_the_same_server_is_the_same_place() {
        for (from, next, expected) in [
            ("https://a.example/x", "https://a.example:443/y", true),
            ("http://a.example/x", "https://a.example/x", true),
            ("http://a.example:8080/x", "https://a.example/x", false),
            ("https://a.example/x", "https://b.example/x", false),
            ("https://a.example/x", "https://a.example:8443/x", false),
        ] {
            let same = is_same_place(&Url::parse(from).unwrap(), &Url::parse(next).unwrap());
            assert_eq!(same, expected, "{from} {next}");
        }
    }
}
