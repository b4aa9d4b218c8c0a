//! What happens that makes entries worthless before their time: a price that moves, a volume that
//! swells, a key that is put.
//!
//! An event names what it expires by patterns; what these pick is not gone but stale from that
//! instant on, and may still stand in for an upstream that fails. It is marked beside the entry
//! ([`Expired`]), so a newer value is fresh again. What an event is of is never expired by it, and
//! what is expired is no event: there is no cascade.

use std::borrow::Cow;
use std::fmt;

use super::ttl::{Scope, Subject, Subjects};
use crate::entry::{CLOCK_SLACK, Entry, Format};
use crate::error::{Usage, sanitized};
use crate::key::{Key, Pattern, Template};
use crate::market::{DataType, Traded};
use crate::time::Timestamp;
use crate::units::Share;

/// By how much a share may be passed and still count as met: decimal prices have no exact binary
/// fractions, and 2 % is not more than 2 %.
const ROUNDING: f64 = 1e-10;

/// The names that a pattern of what depends on a symbol may hold.
pub const OF_A_SYMBOL: [&str; 2] = ["symbol", "class"];

/// Why entries were expired, or cleared: a short word.
///
/// Invariant: 1 to 32 letters, digits and `-`, `_`, `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cause(Cow<'static, str>);

impl Cause {
    /// A price moved.
    pub const PRICE_MOVE: Self = Self(Cow::Borrowed("price_move"));
    /// A volume changed within a session.
    pub const VOLUME_CHANGE: Self = Self(Cow::Borrowed("volume_change"));
    /// A key was put that a rule or a tag of it names.
    pub const RULE: Self = Self(Cow::Borrowed("rule"));

    /// Upstream has restated the history of a series.
    pub const RESTATED: Self = Self(Cow::Borrowed("restated"));

    /// The longest in bytes: a word in a table.
    const LONGEST: usize = 32;

    /// Reads a word of the user's.
    pub fn parse(text: &str) -> Result<Self, Usage> {
        Self::from_stored(text).ok_or_else(|| {
            Usage::new(format!("`{}` is not a reason", sanitized(text))).hint(format!(
                "write one word of at most {} letters, digits and - _ .",
                Self::LONGEST
            ))
        })
    }

    /// The cause that this text is; none if it cannot be one.
    pub fn from_stored(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        let fits = (1..=Self::LONGEST).contains(&text.len()) && text.bytes().all(plain);
        fits.then(|| Self(Cow::Owned(text.to_owned())))
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// That an event has expired an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// When, by the program's clock, as `fetched_at` is.
    pub at: Timestamp,
    /// Why.
    pub why: Cause,
}

impl Expired {
    /// The same for an entry that was there when it happened and was fetched at this instant: the
    /// clocks of two programs differ, and it may seem to have come later.
    #[must_use]
    pub fn of(self, fetched_at: Timestamp) -> Self {
        Self { at: self.at.max(fetched_at), ..self }
    }

    /// Whether it holds for an entry that was fetched then: what was fetched later is fresh again.
    pub fn holds_for(&self, fetched_at: Timestamp) -> bool {
        fetched_at <= self.at
    }

    /// Whether it seems to have happened after this instant, by more than clocks are slewed: the clock
    /// was ahead then.
    pub fn is_after(&self, now: Timestamp) -> bool {
        self.at > now + CLOCK_SLACK
    }

    /// Whether it holds for an entry that takes the place of the one that it was said of: what was
    /// asked for before it happened and came after it. What a user writes says what holds now.
    pub fn outlives(&self, newer: &Entry) -> bool {
        !newer.is_put() && newer.fetched_at < self.at
    }
}

/// Something that happened, and what it expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Of which kind.
    pub why: Cause,
    /// What it happened to: no entry under this key is expired by it.
    pub key: Key,
    /// Entries under such keys are expired,
    pub patterns: Vec<Pattern>,
    /// and entries that carry such a tag.
    pub tags: Vec<String>,
}

/// From where on a change is an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Threshold {
    /// Above this share of what was before; none: never.
    pub default: Option<Share>,
    /// Of what has one of its own: a class, a symbol, a list.
    pub own: Vec<(Scope, Share)>,
}

impl Threshold {
    /// What holds for the entry under this key.
    fn of(&self, key: &Key, hot: &Subjects) -> Option<Share> {
        let subject = Subject::of(key, hot);
        let own = self.own.iter().filter(|(scope, _)| scope.covers(&subject));
        own.max_by_key(|(scope, _)| scope.strength()).map(|(_, share)| *share).or(self.default)
    }
}

/// In how many sessions two quotes of one key were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sessions {
    /// Both in the same.
    One,
    /// Each in another: its volume began anew.
    Two,
}

/// What the put of a key expires.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutRule {
    when: Template,
    expire: Vec<Template>,
}

impl PutRule {
    /// The rule that these make, if every name to be filled in is one that `when` takes.
    pub fn new(when: Template, expire: Vec<Template>) -> Result<Self, Usage> {
        let known: Vec<&str> = when.names().collect();
        let unknown = expire.iter().flat_map(Template::names).find(|name| !known.contains(name));
        if let Some(name) = unknown {
            let usage = Usage::new(format!("`{{{name}}}` stands in `expire` and not in `when`"));
            return Err(usage.hint(match known.as_slice() {
                [] => "`when` takes a segment as in `strategy_config:{symbol}:*`".to_owned(),
                known => format!("`when` takes {}", known.join(", ")),
            }));
        }
        Ok(Self { when, expire })
    }

    /// What follows if a key or a tag of this text is put.
    fn follows(&self, text: &str) -> Option<Vec<Pattern>> {
        let captures = self.when.captures(text)?;
        Some(self.expire.iter().filter_map(|expire| expire.filled(&captures)).collect())
    }
}

/// What makes an event, and what events expire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Invalidation {
    /// How far a price may move.
    pub price_move: Threshold,
    /// How far a volume may change within a session.
    pub volume_change: Threshold,
    /// The symbols that are hot.
    pub hot: Subjects,
    /// What depends on a symbol.
    pub expire: Vec<Template>,
    /// What depends on what is put.
    pub rules: Vec<PutRule>,
}

impl Invalidation {
    /// Whether an entry is of a kind that makes events when it replaces another.
    pub fn watches(&self, new: &Entry) -> bool {
        is_quote(new) && !self.expire.is_empty()
    }

    /// What happened if `new` takes the place of `held`; the price first.
    pub fn events(&self, held: &Entry, new: &Entry, sessions: Sessions) -> Vec<Event> {
        let Some((before, after)) = successive(held, new) else { return Vec::new() };
        let price = (before.price.as_f64(), after.price.as_f64());
        let volume = before.volume.zip(after.volume).filter(|_| sessions == Sessions::One);
        let volume = volume.map(|(before, after)| (before.as_f64(), after.as_f64()));
        let changes = [
            (Cause::PRICE_MOVE, &self.price_move, Some(price)),
            (Cause::VOLUME_CHANGE, &self.volume_change, volume),
        ];
        let is_event = |threshold: &Threshold, change: Option<(f64, f64)>| {
            threshold
                .of(&new.key, &self.hot)
                .zip(change)
                .is_some_and(|(by, (before, after))| moved(before, after, by))
        };
        changes
            .into_iter()
            .filter(|(_, threshold, change)| is_event(threshold, *change))
            .filter_map(|(why, ..)| self.of_a_symbol(why, &new.key))
            .collect()
    }

    /// What happened to a symbol, if the key is of one.
    fn of_a_symbol(&self, why: Cause, key: &Key) -> Option<Event> {
        let [symbol, class] = OF_A_SYMBOL;
        let captures = [(symbol, key.symbol()?), (class, key.class()?.as_str())];
        let patterns = self.expire.iter().filter_map(|expire| expire.filled(&captures)).collect();
        Some(Event { why, key: key.clone(), patterns, tags: Vec::new() })
    }

    /// What follows from the put of a key with these tags, if anything: what the rules name that
    /// match the key or a tag, by key or by tag, and the keys that tags are.
    pub fn after_put(&self, key: &Key, tags: &[String]) -> Option<Event> {
        let mut event =
            Event { why: Cause::RULE, key: key.clone(), patterns: Vec::new(), tags: Vec::new() };
        for tag in tags {
            event.patterns.extend(Pattern::of_key(tag));
        }
        for text in [key.as_str()].into_iter().chain(tags.iter().map(String::as_str)) {
            for pattern in self.rules.iter().filter_map(|rule| rule.follows(text)).flatten() {
                if pattern.is_one_key() && pattern.provider().is_none() {
                    event.tags.push(pattern.glob().to_owned());
                }
                event.patterns.push(pattern);
            }
        }
        (!event.patterns.is_empty()).then_some(event)
    }
}

/// What two quotes say of which one takes the other's place: of one key and one provider; none if
/// they are anything else. Which is the later is not told by their clocks, but by which is held.
pub(super) fn successive(held: &Entry, new: &Entry) -> Option<(Traded, Traded)> {
    let same = held.key == new.key && held.provider == new.provider;
    if !(same && is_quote(held) && is_quote(new)) {
        return None;
    }
    Some((Traded::read(&held.body)?, Traded::read(&new.body)?))
}

fn is_quote(entry: &Entry) -> bool {
    entry.format == Format::Json
        && !entry.is_put()
        && entry.key.data_type() == DataType::Quote.as_str()
}

/// Whether something moved by more than a share of what it was before.
pub(super) fn moved(before: f64, after: f64, by: Share) -> bool {
    before > 0.0 && (after - before).abs() / before > by.0 * (1.0 + ROUNDING)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::PUT;
    use crate::market::{Class, Nobody};

    fn templates(texts: &[&str]) -> Vec<Template> {
        texts.iter().map(|text| Template::parse(text, &Nobody).unwrap()).collect()
    }

    fn rule(when: &str, expire: &[&str]) -> Result<PutRule, Usage> {
        PutRule::new(Template::capturing(when, &Nobody).unwrap(), templates(expire))
    }

    fn invalidation() -> Invalidation {
        let share = |share| Threshold { default: Some(Share(share)), own: vec![] };
        Invalidation {
            hot: Subjects::default(),
            price_move: Threshold {
                own: vec![(Scope::Class(Class::Crypto), Share(0.05))],
                ..share(0.02)
            },
            volume_change: share(0.5),
            expire: templates(&["prediction:{class}:{symbol}", "market:*"]),
            rules: vec![
                rule("system_config:*", &["system_config"]).unwrap(),
                rule("strategy_config:{symbol}:*", &["pair_strategies:{symbol}"]).unwrap(),
            ],
        }
    }

    fn quote(key: &str, seconds: i64, price: &str, volume: &str) -> Entry {
        Entry {
            key: Key::from_stored(key),
            provider: "yahoo".into(),
            fetched_at: Timestamp::from_seconds(seconds),
            own_ttl: None,
            format: Format::Json,
            body: format!(r#"{{"price":{price},"volume":{volume}}}"#).as_bytes().into(),
        }
    }

    fn happened(held: &Entry, new: &Entry, sessions: Sessions) -> Vec<Cause> {
        let events = invalidation().events(held, new, sessions);
        events.into_iter().map(|event| event.why).collect()
    }

    #[test]
    fn a_quote_that_differs_by_more_than_the_threshold_is_an_event() {
        use Sessions::{One, Two};
        // Price and volume before and after.
        for (case, class, before, after, sessions, expected) in [
            ("the same", "stock", "100 9", "100 9", One, ""),
            ("2 %", "stock", "50.00 9", "51.00 9", One, ""),
            ("2 % down", "stock", "1.1 9", "1.078 9", One, ""),
            ("2.1 %", "stock", "100 9", "102.1 9", One, "price_move"),
            ("2.1 % down", "stock", "100 9", "97.9 9", Two, "price_move"),
            ("a class of its own", "crypto", "100 9", "105 9", One, ""),
            ("beyond it", "crypto", "100 9", "105.1 9", One, "price_move"),
            ("50 % of volume", "stock", "100 100", "100 150", One, ""),
            ("51 %", "stock", "100 100", "100 151", One, "volume_change"),
            ("51 % less", "stock", "100 100", "100 49", One, "volume_change"),
            ("another session", "stock", "100 100", "100 2", Two, ""),
            ("no volume before", "stock", "100 null", "100 2", One, ""),
            ("no volume now", "stock", "100 2", "100 null", One, ""),
            ("none traded before", "stock", "100 0", "100 2", One, ""),
            ("both", "stock", "1 1", "2 2", One, "price_move volume_change"),
        ] {
            let quote = |seconds, said: &str| {
                let (price, volume) = said.split_once(' ').unwrap();
                quote(&format!("quote:{class}:A"), seconds, price, volume)
            };
            let happened = happened(&quote(0, before), &quote(1, after), sessions);
            let happened: Vec<&str> = happened.iter().map(Cause::as_str).collect();
            assert_eq!(happened.join(" "), expected, "{case}");
        }
    }

    #[test]
    fn only_what_replaces_a_quote_of_the_same_provider_is_an_event() {
        let (key, held) = ("quote:stock:A", quote("quote:stock:A", 0, "100", "9"));
        let new = quote(key, 1, "200", "9");
        assert_eq!(happened(&held, &new, Sessions::One), [Cause::PRICE_MOVE]);
        let behind = quote(key, -1, "200", "9");
        assert_eq!(happened(&held, &behind, Sessions::One), [Cause::PRICE_MOVE]);
        for (case, held, new) in [
            ("of another", Entry { provider: "demo".into(), ..held.clone() }, new.clone()),
            ("another key", quote("quote:stock:B", 0, "100", "9"), new.clone()),
            ("unknown upstream", held.clone(), Entry { format: Format::NotFound, ..new.clone() }),
            ("a user's own", Entry { provider: PUT.into(), ..held.clone() }, new.clone()),
            (
                "no quote",
                quote("series:macro:A", 0, "1", "1"),
                quote("series:macro:A", 1, "2", "2"),
            ),
            ("no number", quote(key, 0, "null", "9"), new.clone()),
        ] {
            assert_eq!(happened(&held, &new, Sessions::One), [], "{case}");
        }
        let silent = Invalidation { price_move: Threshold::default(), ..invalidation() };
        assert_eq!(silent.events(&held, &new, Sessions::One), [], "no threshold, no event");
        assert!(!Invalidation { expire: vec![], ..invalidation() }.watches(&new));
    }

    #[test]
    fn an_event_names_what_depends_on_its_symbol() {
        let new = quote("quote:crypto:ETH/USDT", 1, "200", "9");
        let held = Entry { fetched_at: Timestamp::from_seconds(0), ..new.clone() };
        let held = Entry { body: Box::from(*br#"{"price":1}"#), ..held };
        let events = invalidation().events(&held, &new, Sessions::One);
        let names: Vec<String> = events[0].patterns.iter().map(ToString::to_string).collect();
        assert_eq!(names, ["prediction:crypto:ETH/USDT", "market:*"]);
        assert_eq!(events[0].key, new.key);
    }

    #[test]
    fn a_put_expires_what_rules_and_tags_name() {
        for (key, tags, patterns, of_tags) in [
            ("system_config:paper", &[][..], "system_config", "system_config"),
            ("strategy_config:ETH:a", &[], "pair_strategies:ETH", "pair_strategies:ETH"),
            ("x", &["system_config:y"], "system_config:y system_config", "system_config"),
            ("x", &["group"], "group", ""),
            ("x", &["a b", "*", "quote:*"], "", ""),
            ("x", &["strategy_config:*:1"], "", ""),
            ("x", &[], "", ""),
        ] {
            let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
            let event = invalidation().after_put(&Key::from_stored(key), &tags);
            let (named, tagged) = event.map_or_else(Default::default, |event| {
                let named: Vec<String> = event.patterns.iter().map(ToString::to_string).collect();
                (named.join(" "), event.tags.join(" "))
            });
            assert_eq!((&*named, &*tagged), (patterns, of_tags), "{key} {tags:?}");
        }
    }

    #[test]
    fn a_rule_fills_in_only_what_it_takes() {
        let usage = rule("a:{x}", &["b:{y}"]).unwrap_err();
        assert_eq!(usage.message, "`{y}` stands in `expire` and not in `when`");
        assert_eq!(usage.hint.as_deref(), Some("`when` takes x"));
    }

    #[test]
    fn an_event_holds_for_what_was_there_and_not_for_what_comes() {
        let at = Timestamp::from_seconds(100);
        let marked = |ms: i64| {
            let fetched_at = Timestamp::from_ms(100_000 + ms);
            let expired = Expired { at, why: Cause::RULE }.of(fetched_at);
            (expired.holds_for(fetched_at), expired.at.as_ms() - 100_000)
        };
        assert_eq!(marked(-5000), (true, 0));
        assert_eq!(marked(0), (true, 0));
        assert_eq!(marked(1), (true, 1), "another's clock is ahead");
        assert_eq!(marked(60_000), (true, 60_000), "by a minute");
        let expired = Expired { at, why: Cause::RULE };
        let newer = |provider: &str, ms: i64| Entry {
            provider: provider.into(),
            fetched_at: Timestamp::from_ms(100_000 + ms),
            ..quote("k", 0, "1", "1")
        };
        assert!(expired.outlives(&newer("yahoo", -1)), "asked for before it happened");
        assert!(!expired.outlives(&newer("yahoo", 0)));
        assert!(!expired.outlives(&newer(PUT, -1)), "a user knows better");
    }

    #[test]
    fn a_cause_is_a_short_word() {
        let long = "a".repeat(33);
        for text in ["news", "price_move", "Fed-2026.07", &long[1..]] {
            assert_eq!(Cause::parse(text).unwrap().as_str(), text);
        }
        for text in ["", "two words", "é", "a:b", &long, "\u{1b}[31m"] {
            let usage = Cause::parse(text).unwrap_err();
            assert!(!usage.message.contains('\u{1b}'), "{text}");
        }
    }

    proptest! {
        /// Prices with two decimal places, and a threshold in whole percents.
        #[test]
        fn exactly_the_share_is_never_more_and_anything_beyond_always_is(
            cents in 1_i64..10_000_000, percent in 1_i64..100, sign: bool,
        ) {
            let (before, share) = (cents * 100, Share(f64::from(i32::try_from(percent).unwrap()) / 100.0));
            let change = |by: i64| if sign { before + by } else { before - by };
            let price = |ten_thousandths: i64| format!("{}.{:04}", ten_thousandths / 10_000, ten_thousandths % 10_000).parse::<f64>().unwrap();
            let exactly = cents * percent;
            prop_assert!(!moved(price(before), price(change(exactly)), share));
            prop_assert!(moved(price(before), price(change(exactly + 1)), share));
        }
    }
}
