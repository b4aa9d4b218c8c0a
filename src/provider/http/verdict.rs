//! What a reply says of itself: that it is an answer, that there is nothing, or what is wrong.
//!
//! A status says little: many send `200` with an error in the body. It is judged in this order: what
//! `errors` says, the status, what `ok` says. Text of upstream is cut and searched for what may be a
//! secret before it is shown.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::value::RawValue;

use super::pointer::{Pointer, content};
use crate::error::{Error, Kind, Usage};
use crate::market::Json;
use crate::provider::{Ask, Reply, excerpt, nonsense, shown, status_error};

/// Stands for all that was sent, where a pointer may stand.
pub const BODY: &str = "body";

/// Stands between texts of which any will do.
const OR: &str = " | ";

/// Where upstreams say in words what is wrong.
const WORDS: [&str; 16] = [
    "/message",
    "/error/message",
    "/error/description",
    "/error/0",
    "/error",
    "/msg",
    "/detail",
    "/error_message",
    "/errorMessage",
    "/Error Message",
    "/Information",
    "/Note",
    "/errors/0",
    "/description",
    "/reason",
    "/status/error_message",
];

/// What stands there without saying what is wrong: `"error": "false"`.
const SAY_NOTHING: [&str; 5] = ["", "true", "false", "0", "1"];

/// By what a reply is judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What must stand where in an answer; nothing, if nothing is said.
    pub ok: Vec<(Spot, Box<str>)>,
    /// What something that stands somewhere means.
    pub errors: Vec<(Sign, Spot, Box<str>)>,
}

/// Where something stands in a reply.
#[derive(Clone, Debug, PartialEq)]
pub enum Spot {
    /// All of it, as text.
    Body,
    /// Where this leads.
    At(Pointer),
}

/// What something in a reply means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// An error of this kind.
    Error(Kind),
    /// A valid answer with nothing in it.
    Empty,
}

impl Sign {
    /// Every sign, what says more before what says less.
    pub const ALL: [Self; 7] = [
        Self::Error(Kind::RateLimited),
        Self::Error(Kind::Unauthorized),
        Self::Error(Kind::NotFound),
        Self::Empty,
        Self::Error(Kind::Unsupported),
        Self::Error(Kind::InvalidData),
        Self::Error(Kind::Upstream),
    ];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error(kind) => kind.as_str(),
            Self::Empty => "empty",
        }
    }
}

impl Spot {
    /// Reads a pointer that leads somewhere, or the word for all.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        if text == BODY { Ok(Self::Body) } else { Pointer::parse(text).map(Self::At) }
    }

    /// Whether what stands there in a reply fits an expected text, or one of several: `*` is anything,
    /// capitals are of no matter, and what is not there is as null, which only `null` fits.
    pub(super) fn holds(&self, body: &Body<'_>, expected: &str) -> bool {
        let is_null = || expected.split(OR).any(|expected| expected == "null");
        let fits = |text: &str| expected.split(OR).any(|expected| fits(expected, text));
        let value = match self {
            Self::Body => return fits(body.text.trim()),
            Self::At(pointer) => body.json.and_then(|json| pointer.find(json)),
        };
        let Some(value) = value else { return is_null() };
        match content(value) {
            Ok(None) => is_null(),
            Ok(Some(text)) => fits(&text),
            Err(_) => Json::parse(value.get()).is_some_and(|json| fits(json.as_str())),
        }
    }
}

/// What was sent, as text and, if it is that, as JSON.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body<'a> {
    pub(super) text: &'a str,
    pub(super) json: Option<&'a RawValue>,
}

impl<'a> Body<'a> {
    /// The body of a reply; none if it is no text.
    pub(super) fn of(reply: &'a Reply) -> Option<Self> {
        let text = std::str::from_utf8(&reply.body).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Some(Self { text, json: serde_json::from_str(text).ok() })
    }
}

/// What a reply is that is no error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// What was asked for.
    Answer,
    /// Nothing, as is said in so many words.
    Empty,
}

impl Verdict {
    /// What a reply says of itself.
    pub(super) fn of(&self, ask: &Ask<'_>, reply: &Reply) -> Result<Judged, Error> {
        let is_well = (200..300).contains(&reply.status);
        if self.ok.is_empty() && self.errors.is_empty() {
            return if is_well { Ok(Judged::Answer) } else { Err(status_error(ask, reply)) };
        }
        // What is no text says nothing.
        let body = Body::of(reply).unwrap_or(Body { text: "", json: None });
        let found = Sign::ALL.into_iter().find(|sign| {
            let of_sign = self.errors.iter().filter(|(of, ..)| of == sign);
            of_sign.into_iter().any(|(_, spot, expected)| spot.holds(&body, expected))
        });
        match found {
            Some(Sign::Empty) => return Ok(Judged::Empty),
            Some(Sign::Error(kind)) => return Err(said_so(ask, kind, &words(&body, reply))),
            None if !is_well => return Err(status_error(ask, reply)),
            None => {}
        }
        if self.ok.iter().all(|(spot, expected)| spot.holds(&body, expected)) {
            return Ok(Judged::Answer);
        }
        if body.json.is_none() && self.ok.iter().any(|(spot, _)| matches!(spot, Spot::At(_))) {
            return Err(nonsense(ask, reply, "it is no JSON"));
        }
        Err(said_so(ask, Kind::Upstream, &words(&body, reply)))
    }
}

/// The longest wait that is believed: more is a number of something else.
const LONGEST_WAIT: f64 = 1e9;

/// The number of seconds that stands somewhere in a reply.
pub(super) fn seconds(reply: &Reply, at: &Pointer) -> Option<Duration> {
    let text = content(at.find(Body::of(reply)?.json?)?).ok()??;
    let seconds: f64 = text.trim().parse().ok()?;
    (0.0..=LONGEST_WAIT).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

/// What upstream says is wrong, fit to be shown.
fn words(body: &Body<'_>, reply: &Reply) -> String {
    let said = body.json.and_then(|json| {
        WORDS.iter().find_map(|place| {
            let value = Pointer::parse(place).ok()?.find(json)?;
            content(value).ok()?.filter(|text| !SAY_NOTHING.contains(&text.trim()))
        })
    });
    said.map_or_else(|| excerpt(&reply.body), |text: Cow<'_, str>| shown(&text))
}

/// The error of a kind that upstream's body says.
pub(super) fn said_so(ask: &Ask<'_>, kind: Kind, said: &str) -> Error {
    let Ask { symbol, provider, .. } = ask;
    let (message, hint) = match kind {
        Kind::NotFound => (
            format!("{provider} does not know `{symbol}` ({said})"),
            "check the spelling; a class can be said, as in `crypto:BTC`".to_owned(),
        ),
        Kind::RateLimited => (
            format!("{provider} allows no more requests now ({said})"),
            "wait before asking again; --offline answers from the cache".to_owned(),
        ),
        Kind::Unauthorized => (
            format!("{provider} refused the request ({said})"),
            format!("check the key of `providers.{provider}.auth` with `mcache config show`"),
        ),
        Kind::Unsupported => (
            format!("{provider} cannot answer this for `{symbol}` ({said})"),
            "--provider asks another provider".to_owned(),
        ),
        Kind::InvalidData => (
            format!("what {provider} sent for `{symbol}` is of no use ({said})"),
            "nothing was stored; --provider asks another provider".to_owned(),
        ),
        _ => (
            format!("{provider} failed on `{symbol}` ({said})"),
            "try again later; --offline answers from the cache".to_owned(),
        ),
    };
    Error::new(kind, message).hint(hint)
}

/// Whether a text is as expected: `*` stands for anything, and capitals are of no matter.
fn fits(expected: &str, text: &str) -> bool {
    let (expected, text) = (expected.as_bytes(), text.as_bytes());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and up to where it reaches.
    let mut star: Option<(usize, usize)> = None;
    while place < text.len() {
        match expected.get(at) {
            Some(b'*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(byte) if byte.eq_ignore_ascii_case(&text[place]) => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((of_star, reach)) = star else { return false };
                star = Some((of_star, reach + 1));
                (at, place) = (of_star + 1, reach + 1);
            }
        }
    }
    expected[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::{Class, DataType, Params, Symbol};

    fn judged(
        ok: &[(&str, &str)],
        errors: &[(Sign, &str, &str)],
        status: u16,
        body: &str,
    ) -> Result<Judged, Error> {
        let spot = |text: &str| Spot::parse(text).unwrap();
        let verdict = Verdict {
            ok: ok.iter().map(|(at, text)| (spot(at), (*text).into())).collect(),
            errors: errors.iter().map(|(is, at, text)| (*is, spot(at), (*text).into())).collect(),
        };
        let symbol = Symbol::new(Class::Stock, "AAPL");
        let (data_type, provider, params) = (DataType::Quote, "acme", Params::none());
        let ask = Ask { symbol: &symbol, data_type, provider, params };
        verdict.of(&ask, &Reply::new(status, body.as_bytes().to_vec()))
    }

    #[test]
    fn a_value_is_compared_with_its_text_whether_it_is_a_string_or_not() {
        for (expected, body, holds) in [
            ("true", r#"{"a":true}"#, true),
            ("true", r#"{"a":"true"}"#, true),
            ("true", r#"{"a":"True"}"#, true),
            ("true", r#"{"a":"false"}"#, false),
            ("200", r#"{"a":200}"#, true),
            ("[]", r#"{"a":[ ]}"#, true),
            ("[]", r#"{"a":["EQuery:Unknown asset pair"]}"#, false),
            ("null", r#"{"a":null}"#, true),
            ("null", "{}", true),
            ("*", "{}", false),
            ("*", r#"{"a":null}"#, false),
            ("*", r#"{"a":""}"#, true),
            ("", r#"{"a":""}"#, true),
            ("*limit*", r#"{"a":"Your rate LIMIT is reached"}"#, true),
            ("a*b*c", r#"{"a":"aXbbYc"}"#, true),
            ("a*b*c", r#"{"a":"aXbbY"}"#, false),
            ("no data | no liq*", r#"{"a":"No Liquidation"}"#, true),
            ("no data | no liq*", r#"{"a":"No Data"}"#, true),
            ("no data | no liq*", r#"{"a":"no"}"#, false),
            ("[] | null", "{}", true),
            ("true", "no JSON", false),
            ("401 | 403", r#"{"a":403}"#, true),
            ("401 | 403", r#"{"a":40}"#, false),
            ("*no such* | *unknown*", r#"{"a":"Unknown pair"}"#, true),
            ("x | null", "{}", true),
            ("a|b", r#"{"a":"a"}"#, false),
        ] {
            let found = judged(&[("/a", expected)], &[], 200, body);
            assert_eq!(found.is_ok(), holds, "{expected} {body}");
        }
    }

    #[test]
    fn a_wait_is_a_number_of_seconds_and_nothing_else_is() {
        let at = Pointer::parse("/parameters/retry_after").unwrap();
        for (said, wait) in [
            ("34", Some(34_000)),
            ("\" 1.5 \"", Some(1_500)),
            ("0", Some(0)),
            ("-1", None),
            ("1e99", None),
            ("\"NaN\"", None),
            ("\"soon\"", None),
            ("null", None),
            ("[5]", None),
        ] {
            let body = format!("{{\"parameters\":{{\"retry_after\":{said}}}}}");
            let reply = Reply::new(429, body.into_bytes());
            assert_eq!(seconds(&reply, &at), wait.map(Duration::from_millis), "{said}");
        }
        assert_eq!(seconds(&Reply::new(429, b"no JSON".to_vec()), &at), None);
    }

    #[test]
    fn errors_come_before_the_status_and_the_status_before_ok() {
        let errors = [
            (Sign::Error(Kind::Upstream), "/message", "*"),
            (Sign::Error(Kind::RateLimited), "/message", "*limit*"),
            (Sign::Error(Kind::NotFound), "/code", "404"),
            (Sign::Empty, "/data", "[]"),
            (Sign::Error(Kind::RateLimited), BODY, "exceeded*"),
        ];
        for (status, body, expected) in [
            (200, r#"{"status":"ok","data":[1]}"#, Ok(Judged::Answer)),
            (200, r#"{"status":"ok","data":[]}"#, Ok(Judged::Empty)),
            (404, r#"{"data":[]}"#, Ok(Judged::Empty)),
            (200, r#"{"message":"over the limit"}"#, Err(Kind::RateLimited)),
            (500, r#"{"message":"over the limit"}"#, Err(Kind::RateLimited)),
            (200, r#"{"message":"boom"}"#, Err(Kind::Upstream)),
            (200, r#"{"code":"404"}"#, Err(Kind::NotFound)),
            (401, r#"{"status":"ok"}"#, Err(Kind::Unauthorized)),
            (404, "gone", Err(Kind::NotFound)),
            (200, r#"{"status":"bad"}"#, Err(Kind::Upstream)),
            (200, "<html>", Err(Kind::InvalidData)),
            (200, "too many requests", Err(Kind::RateLimited)),
            (200, "Exceeded the daily hits limit\n", Err(Kind::RateLimited)),
        ] {
            let found = judged(&[("/status", "ok")], &errors, status, body);
            assert_eq!(found.map_err(|error| error.kind), expected, "{status} {body}");
        }
        assert_eq!(judged(&[], &[], 503, "").unwrap_err().kind, Kind::Upstream);
    }

    #[test]
    fn what_upstream_says_is_said_on_without_its_secrets() {
        let key = "0123456789abcdef0123456789abcdef";
        for (body, said) in [
            (format!(r#"{{"message":"no key {key}"}}"#), "(no key [redacted])"),
            (r#"{"error":"false","msg":"No Data"}"#.to_owned(), "(No Data)"),
            (
                r#"{"error":["EQuery:Unknown asset pair"]}"#.to_owned(),
                "(EQuery:Unknown asset pair)",
            ),
            (r#"{"error":{"message":"\u001b[31mred"}}"#.to_owned(), "([31mred)"),
            (format!(r#"{{"odd":"{key}"}}"#), r#"(`{"odd":"[redacted]"}`)"#),
        ] {
            let error = judged(&[("/success", "true")], &[], 200, &body).unwrap_err();
            assert_eq!(error.message, format!("acme failed on `AAPL` {said}"));
            assert!(error.hint.is_some());
        }
    }
}
