//! What upstream gives along with a value to ask by later whether it is still the same (RFC 9110,
//! section 8.8): its `ETag` and its `Last-Modified`.
//!
//! Both are text of upstream that is written down and sent back, so only what has exactly the shape
//! that the RFC gives it is taken; anything odd is as if it had not been sent, which costs a body.

use std::time::Duration;

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{Request, Speech};
use crate::time::Timestamp;

/// The longest `ETag` that is kept, in bytes: those of content networks have a hundred.
const LONGEST_ETAG: usize = 256;

/// The longest `Last-Modified`: the only form that is still written has 29 bytes.
const LONGEST_DATE: usize = 40;

/// One more whenever a provider makes something else of the same reply, or a record is written
/// differently: what was read before must not be confirmed by who reads now. Providers that are shipped as
/// configuration are meant too: they have the number 0 as long as a user changes nothing in them, so who
/// changes what one of them reads (`fields`, `time`, `rows`, `constants`) counts here.
const READING: u64 = 1;

/// By what upstream may say that a value is still the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// Its name for this state of the value.
    pub etag: Option<Box<str>>,
    /// When the value last changed, as it says.
    pub last_modified: Option<Box<str>>,
    /// The number of the request that they came with: they mean nothing for another one.
    pub request: i64,
}

impl Validators {
    /// Those of an answer to the request of this number; none if it has none that are sound. `header`
    /// gives the value of a header that came once.
    pub fn of(request: i64, header: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        let etag = header("etag").filter(|text| is_etag(text));
        let date = header("date");
        let last_modified = header("last-modified").filter(|text| {
            // A value that changes twice in a second has one date for two states (RFC 9110, 8.8.2.2).
            is_date(text) && (etag.is_some() || is_settled(text, date.as_deref()))
        });
        (etag.is_some() || last_modified.is_some()).then(|| Self {
            etag: etag.map(Into::into),
            last_modified: last_modified.map(Into::into),
            request,
        })
    }

    /// The same after upstream has confirmed the value and sent these along: what it says anew counts.
    #[must_use]
    pub fn renewed(&self, by: Option<Self>) -> Self {
        let (etag, last_modified) = by.map(|by| (by.etag, by.last_modified)).unwrap_or_default();
        Self {
            etag: etag.or_else(|| self.etag.clone()),
            last_modified: last_modified.or_else(|| self.last_modified.clone()),
            request: self.request,
        }
    }

    /// Every text in it.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        [self.etag.as_deref(), self.last_modified.as_deref()].into_iter().flatten()
    }
}

impl Request {
    /// The number of this request to a site, and of the way in which its reply is read: equal ones
    /// have the same answer, as far as upstream says so. `definition` is the endpoint's.
    pub fn number(&self, speech: &Speech, base_url: Option<&str>, definition: u64) -> i64 {
        let seed = READING ^ definition.rotate_left(32);
        let texts = [speech.as_str(), base_url.unwrap_or_default(), &self.endpoint, &self.path];
        let query = self.query.iter().flat_map(|(name, value)| [&**name, value.as_str()]);
        texts
            .into_iter()
            .chain(query)
            .chain(self.body.as_deref())
            .fold(seed, |seed, text| xxh3_64_with_seed(text.as_bytes(), seed))
            .cast_signed()
    }
}

/// The number of an endpoint's definition; 0 is the one without a version.
pub fn definition(version: Option<&str>) -> u64 {
    version.map_or(0, |version| xxh3_64_with_seed(version.as_bytes(), 0).max(1))
}

/// Whether this is one entity tag. A list or `*`, sent back, would mean something else.
fn is_etag(text: &str) -> bool {
    let quoted = text.strip_prefix("W/").unwrap_or(text);
    let tag = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    text.len() <= LONGEST_ETAG
        && tag.is_some_and(|tag| tag.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x7e)))
}

fn is_date(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ,:".contains(&byte);
    text.len() <= LONGEST_DATE
        && text.bytes().all(plain)
        && Timestamp::from_http_date(text).is_some()
}

/// Whether a value had not changed for a second when it was sent, as far as upstream says when that
/// was.
fn is_settled(last_modified: &str, date: Option<&str>) -> bool {
    let instant = Timestamp::from_http_date;
    match (instant(last_modified), date.and_then(instant)) {
        (Some(modified), Some(sent)) => modified + Duration::from_secs(1) <= sent,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &str = "Wed, 01 Jul 2026 14:00:00 GMT";

    fn of(headers: &[(&str, &str)]) -> Option<Validators> {
        Validators::of(7, &|name| {
            headers.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn only_what_has_the_shape_of_an_etag_is_kept() {
        let long = format!("\"{}\"", "x".repeat(254));
        let longer = format!("\"{}\"", "x".repeat(255));
        for (text, kept) in [
            ("\"abc\"", true),
            ("W/\"33a64df5-!#~\"", true),
            ("\"\"", true),
            (&long, true),
            (&longer, false),
            ("abc", false),
            ("*", false),
            ("\"", false),
            ("w/\"a\"", false),
            ("\"a\", \"b\"", false),
            ("\"a b\"", false),
            ("\"a\tb\"", false),
            ("\"a\r\nX-Evil: 1\"", false),
            ("\"\u{e9}\"", false),
            ("\"\u{7f}\"", false),
            ("", false),
        ] {
            assert_eq!(of(&[("etag", text)]).is_some(), kept, "{text:?}");
        }
    }

    #[test]
    fn only_a_date_that_tells_two_states_apart_is_kept() {
        let long = format!("{DATE}{}", " ".repeat(40));
        for (headers, kept) in [
            (&[("last-modified", DATE)][..], true),
            (&[("last-modified", DATE), ("date", "Wed, 01 Jul 2026 14:00:01 GMT")], true),
            (&[("last-modified", DATE), ("date", DATE)], false),
            (&[("last-modified", DATE), ("date", "soon")], true),
            (&[("last-modified", "soon")], false),
            (&[("last-modified", "Wed, 01 Jul 2026 14:00:00 GMT (a\tb)")], false),
            (&[("last-modified", &long)], false),
            (&[], false),
        ] {
            let found = of(headers).and_then(|validators| validators.last_modified);
            assert_eq!(found.is_some(), kept, "{headers:?}");
        }
        let both = of(&[("last-modified", DATE), ("date", DATE), ("etag", "\"a\"")]).unwrap();
        assert_eq!(both.texts().collect::<Vec<_>>(), ["\"a\"", DATE]);
    }

    #[test]
    fn what_a_confirmation_says_anew_counts_and_the_rest_stays() {
        let held = of(&[("last-modified", DATE), ("etag", "\"a\"")]).unwrap();
        assert_eq!(held.renewed(None), held);
        let renewed = held.renewed(of(&[("etag", "\"b\"")]));
        assert_eq!(renewed.texts().collect::<Vec<_>>(), ["\"b\"", DATE]);
    }

    #[test]
    fn a_request_that_differs_in_anything_has_another_number() {
        let request = |path: &str, query: &[(&'static str, &str)]| {
            let query = query.iter().map(|(name, value)| (*name, (*value).to_owned()));
            Request::get("quote", path, query, 1)
        };
        let base = Some("https://a.example");
        let number = |request: Request| request.number(&Speech::Yahoo, base, 0);
        let one = request("/x", &[("a", "1")]);
        let known = number(one.clone());
        assert_eq!(
            number(Request { weight: 9, ..one.clone() }),
            known,
            "what it costs is no matter"
        );
        for (case, other) in [
            ("path", number(request("/y", &[("a", "1")]))),
            ("query", number(request("/x", &[("a", "2")]))),
            ("no query", number(request("/x", &[]))),
            ("body", number(Request { body: Some("{}".to_owned()), ..one.clone() })),
            ("endpoint", number(Request { endpoint: "series".into(), ..one.clone() })),
            ("speech", one.number(&Speech::Fred, base, 0)),
            ("site", one.number(&Speech::Yahoo, None, 0)),
            ("definition", one.number(&Speech::Yahoo, base, definition(Some("2")))),
        ] {
            assert_ne!(other, known, "{case}");
        }
    }

    #[test]
    fn only_an_endpoint_without_a_version_has_the_number_0() {
        assert_eq!(definition(None), 0);
        assert_ne!(definition(Some("1")), 0);
        assert_ne!(definition(Some("1")), definition(Some("2")));
        // On disk for ever.
        assert_eq!(definition(Some("1")), 7_335_560_060_985_733_464);
    }
}
