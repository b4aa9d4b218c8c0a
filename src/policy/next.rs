//! What to do with a question: answer it, ask upstream, or refuse.

use std::collections::HashMap;
use std::time::Duration;

use super::use_case::UseCase;
use crate::entry::{Entry, Format, Life, State, Until};
use crate::error::{Error, Kind};
use crate::key::Key;
use crate::time::Timestamp;
use crate::units::Share;

/// What one request asks for beyond its question.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Only the cache may answer.
    pub offline: bool,
    /// Upstream is asked even when a fresh entry is held.
    pub refresh: bool,
    /// Neither read nor written.
    pub no_cache: bool,
    /// What the answers are for, if that is said.
    pub use_case: Option<UseCase>,
    /// No answer older than this is fresh.
    pub max_age: Option<Duration>,
    /// What would expire sooner than this is not fresh.
    pub min_fresh: Duration,
    /// What has less than up to this share of its time left is not fresh, another share for each
    /// key: what was stored together is then asked for at different times.
    pub early: Option<Share>,
    /// How stale an answer may be when upstream fails; none: as the rules say.
    pub max_stale: Option<Duration>,
    /// The longest to wait for others: a slot of a limit, another's flight, a retry's pause.
    pub max_wait: Duration,
    /// How much of a provider's budget may be used up, whoever used it.
    pub budget: Option<Share>,
    /// How old what is held under a key may be, where a schedule says so; only while something new
    /// can come.
    pub every: HashMap<Key, Duration>,
    /// The instant from which on nobody is asked any more, by the program's time.
    pub by: Option<Timestamp>,
}

impl Terms {
    /// The longest to wait for others, as seen from an instant.
    pub fn patience(&self, now: Timestamp) -> Duration {
        self.by.map_or(self.max_wait, |by| self.max_wait.min(by.since(now)))
    }
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            offline: false,
            refresh: false,
            no_cache: false,
            use_case: None,
            max_age: None,
            min_fresh: Duration::ZERO,
            early: None,
            max_stale: None,
            // The contract's default of `fetch --max-wait`.
            max_wait: Duration::from_secs(10),
            budget: None,
            every: HashMap::new(),
            by: None,
        }
    }
}

/// One entry that a tier holds, and how long it lives.
#[derive(Clone, Copy, Debug)]
pub struct Held<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// By the rules in force.
    pub life: Life,
}

/// The next step of a request.
#[derive(Debug)]
pub enum Next {
    /// Answer with the entry of this index.
    Answer(usize),
    /// Ask upstream.
    Ask,
    /// There is no answer, and asking is of no use or not allowed.
    Refuse(Error),
}

/// Decides on what is held for one question to these providers, both best first. That one of them
/// knows of no such thing is no answer as long as another may.
pub fn next(held: &[Held<'_>], providers: &[Box<str>], terms: &Terms, now: Timestamp) -> Next {
    if terms.offline {
        return offline(held, now);
    }
    let will_do = |h: &Held<'_>| h.entry.format != Format::NotFound && will_do(h, terms, now);
    if let Some(found) = held.iter().position(will_do) {
        return Next::Answer(found);
    }
    let mut absent: Vec<Error> =
        providers.iter().map_while(|provider| absence(held, provider, terms, now)).collect();
    if !absent.is_empty() && absent.len() == providers.len() {
        return Next::Refuse(absent.swap_remove(0));
    }
    Next::Ask
}

/// That a provider knows of no such thing, if that is remembered and need not be asked again.
pub fn absence(held: &[Held<'_>], provider: &str, terms: &Terms, now: Timestamp) -> Option<Error> {
    let newest = held.iter().find(|h| &*h.entry.provider == provider)?;
    let is_absent = newest.entry.format == Format::NotFound && will_do(newest, terms, now);
    is_absent.then(|| remembered(newest))
}

/// Whether an entry is as fresh as these terms want it.
fn will_do(held: &Held<'_>, terms: &Terms, now: Timestamp) -> bool {
    !terms.refresh
        && held.life.state(now) == State::Fresh
        && held.life.state(now + terms.min_fresh) == State::Fresh
        && !is_due_early(held, terms, now)
}

/// Which entry may answer in place of an upstream that failed: the first that is not too stale.
///
/// An entry that is still fresh (a `--refresh` that failed) always may.
pub fn fallback(held: &[Held<'_>], terms: &Terms, now: Timestamp) -> Option<usize> {
    let within = |staleness: Duration| {
        terms.max_stale.is_none_or(|bound| !bound.is_zero() && staleness <= bound)
    };
    held.iter().position(|h| {
        h.entry.format != Format::NotFound
            && (h.life.state(now) == State::Fresh
                || (now < h.life.error_until && within(now.since(h.life.expires_at))))
    })
}

/// Whether it may be remembered that a provider knows no such thing: not in place of what it gave
/// before and what may still answer.
pub fn may_remember_absence(held: &[Held<'_>], provider: &str, now: Timestamp) -> bool {
    !held.iter().any(|h| {
        &*h.entry.provider == provider
            && h.entry.format != Format::NotFound
            && h.life.state(now) != State::Gone
    })
}

/// Whether an entry that is still fresh may as well be asked for: only if more time would bring
/// something newer, which it does not while its market is closed, and not if nobody can be asked.
fn is_due_early(held: &Held<'_>, terms: &Terms, now: Timestamp) -> bool {
    let Some(share) = terms.early else { return false };
    if held.life.until != Until::Ttl || held.entry.own_ttl.is_some() {
        return false;
    }
    let most = held.life.ttl.as_secs_f64() * share.0;
    held.life.expires_at.since(now).as_secs_f64() < most * spread(held.entry)
}

/// A number from 0 to 1 that differs from key to key and from one time to the next, and on which all
/// processes agree.
#[expect(clippy::cast_precision_loss, reason = "53 bits of it are spread enough")]
fn spread(entry: &Entry) -> f64 {
    // Fibonacci hashing: the odd number nearest to 2^64 divided by the golden ratio.
    const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
    let mixed = (entry.key.first_id() ^ entry.fetched_at.as_ms()).cast_unsigned();
    mixed.wrapping_mul(GOLDEN) as f64 / u64::MAX as f64
}

fn offline(held: &[Held<'_>], now: Timestamp) -> Next {
    let usable =
        |h: &Held<'_>| h.life.state(now) != State::Gone && h.entry.format != Format::NotFound;
    let best = (0..held.len())
        .filter(|index| usable(&held[*index]))
        .min_by_key(|index| held[*index].life.state(now));
    match best {
        Some(found) => Next::Answer(found),
        None => Next::Refuse(Error::new(
            Kind::Offline,
            "the cache holds no answer and --offline asks nobody",
        )),
    }
}

fn remembered(found: &Held<'_>) -> Error {
    let said = String::from_utf8_lossy(&found.entry.body);
    let until = found.life.expires_at;
    Error::new(Kind::NotFound, format!("{said} (remembered until {until})"))
        .hint("check the spelling; --refresh asks again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;

    const NOW: Timestamp = Timestamp::from_seconds(1_000_000);

    fn entry(format: Format) -> Entry {
        of("yahoo", format)
    }

    fn of(provider: &str, format: Format) -> Entry {
        Entry {
            key: Key::from_stored("quote:stock:AAPL"),
            provider: provider.into(),
            fetched_at: NOW - Duration::from_secs(10),
            own_ttl: None,
            format,
            body: Box::from(*b"{}"),
        }
    }

    /// Fetched ten seconds ago and fresh for `ttl` seconds, kept for an hour after that.
    fn held(entry: &Entry, ttl: u64) -> Held<'_> {
        let ttl = Duration::from_secs(ttl);
        let expires_at = entry.fetched_at + ttl;
        let gone_at = expires_at + Duration::from_hours(1);
        let life = Life {
            ttl,
            fetched_at: entry.fetched_at,
            expires_at,
            until: Until::Ttl,
            error_until: gone_at,
            gone_at,
        };
        Held { entry, life }
    }

    fn verdict(next: &Next) -> &'static str {
        match next {
            Next::Answer(_) => "answer",
            Next::Ask => "ask",
            Next::Refuse(error) => error.kind.as_str(),
        }
    }

    #[test]
    fn every_mode_decides_as_the_contract_says() {
        let json = entry(Format::Json);
        let none = entry(Format::NotFound);
        let normal = Terms::default();
        let offline = Terms { offline: true, ..Terms::default() };
        let refresh = Terms { refresh: true, ..Terms::default() };
        let lasting = Terms { min_fresh: Duration::from_mins(1), ..Terms::default() };
        for (case, held, terms, expected) in [
            ("nothing held", vec![], &normal, "ask"),
            ("fresh", vec![held(&json, 30)], &normal, "answer"),
            ("stale", vec![held(&json, 5)], &normal, "ask"),
            ("stale before fresh", vec![held(&json, 5), held(&json, 30)], &normal, "answer"),
            ("fresh, refreshed", vec![held(&json, 30)], &refresh, "ask"),
            ("fresh, but not for long", vec![held(&json, 30)], &lasting, "ask"),
            ("fresh for long", vec![held(&json, 300)], &lasting, "answer"),
            ("known not to exist", vec![held(&none, 30)], &normal, "not_found"),
            ("known not to exist, refreshed", vec![held(&none, 30)], &refresh, "ask"),
            ("offline and nothing", vec![], &offline, "offline"),
            ("offline and stale", vec![held(&json, 5)], &offline, "answer"),
            ("offline and known not to exist", vec![held(&none, 30)], &offline, "offline"),
        ] {
            assert_eq!(verdict(&next(&held, &["yahoo".into()], terms, NOW)), expected, "{case}");
        }
    }

    #[test]
    fn absence_is_remembered_but_not_in_place_of_what_may_still_answer() {
        let (json, none) = (entry(Format::Json), entry(Format::NotFound));
        let put = Entry { provider: crate::key::PUT.into(), ..json.clone() };
        let another = of("mirror", Format::Json);
        let mut gone = held(&json, 5);
        gone.life.gone_at = NOW;
        for (case, held, remembered) in [
            ("nothing held", vec![], true),
            ("stale", vec![held(&json, 5)], false),
            ("gone", vec![gone], true),
            ("a user's own value", vec![held(&put, 30)], true),
            ("known not to exist", vec![held(&none, 5)], true),
            ("another's", vec![held(&another, 5)], true),
        ] {
            assert_eq!(may_remember_absence(&held, "yahoo", NOW), remembered, "{case}");
        }
    }

    #[test]
    fn only_all_of_a_chain_make_something_absent() {
        let chain: [Box<str>; 2] = ["yahoo".into(), "mirror".into()];
        let (none, mirrors_none) = (entry(Format::NotFound), of("mirror", Format::NotFound));
        let (json, mirrors) = (entry(Format::Json), of("mirror", Format::Json));
        for (case, held, expected) in [
            ("the first", vec![held(&none, 30)], "ask"),
            ("the second", vec![held(&mirrors_none, 30)], "ask"),
            ("both", vec![held(&none, 30), held(&mirrors_none, 30)], "not_found"),
            ("both, one long ago", vec![held(&none, 30), held(&mirrors_none, 5)], "ask"),
            ("the other has it", vec![held(&none, 30), held(&mirrors, 30)], "answer"),
            ("the other had it", vec![held(&none, 30), held(&mirrors, 5)], "ask"),
            ("the first had it", vec![held(&json, 5), held(&mirrors_none, 30)], "ask"),
        ] {
            assert_eq!(verdict(&next(&held, &chain, &Terms::default(), NOW)), expected, "{case}");
        }
        assert_eq!(verdict(&next(&[], &[], &Terms::default(), NOW)), "ask", "nobody can");
    }

    #[test]
    fn gone_entries_never_answer() {
        let json = entry(Format::Json);
        let mut held = held(&json, 5);
        held.life.gone_at = NOW;
        held.life.error_until = NOW;
        let offline = Terms { offline: true, ..Terms::default() };
        assert_eq!(verdict(&next(&[held], &["yahoo".into()], &offline, NOW)), "offline");
        assert!(fallback(&[held], &Terms::default(), NOW).is_none());
    }

    #[test]
    fn a_failed_upstream_falls_back_within_bounds() {
        let json = entry(Format::Json);
        let stale = held(&json, 5);
        for (max_stale, served) in
            [(None, true), (Some(60), true), (Some(5), true), (Some(4), false), (Some(0), false)]
        {
            let terms = Terms { max_stale: max_stale.map(Duration::from_secs), ..Terms::default() };
            assert_eq!(fallback(&[stale], &terms, NOW).is_some(), served, "{max_stale:?}");
        }
        let none = entry(Format::NotFound);
        assert!(fallback(&[held(&none, 5)], &Terms::default(), NOW).is_none());
    }
}
