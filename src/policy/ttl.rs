//! How long an entry lives, by the rules in force now.
//!
//! The verdict is computed when an entry is read, so a changed rule holds at once for what is
//! already stored. Strongest last: the default, the type, the class, the symbol, the strategy of the
//! provider, and what this one request asks for. The time to live that `put` was given takes the
//! place of all rules, of the strategy too.

use std::time::Duration;

use crate::entry::{Entry, Format, Life};
use crate::key::Key;
use crate::market::Class;
use crate::policy::known::{Known, Reader};
use crate::policy::strategy::{Strategies, Strategy};
use crate::time::Timestamp;
use crate::units::duration_for_people;

/// How long entries that something is true of stay fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TtlRule {
    /// Of this type.
    pub data_type: Box<str>,
    /// And of this class; of any, if none is named.
    pub class: Option<Class>,
    /// And of this symbol; of any, if none is named.
    pub symbol: Option<Box<str>>,
    /// For so long.
    pub ttl: Duration,
    /// The configuration key that says so.
    pub named: Box<str>,
}

impl TtlRule {
    fn holds(&self, of: &Parts<'_>) -> bool {
        *self.data_type == *of.data_type
            && self.class.is_none_or(|class| of.class == Some(class))
            && self.symbol.as_deref().is_none_or(|symbol| of.symbol == Some(symbol))
    }

    fn strength(&self) -> (bool, bool) {
        (self.symbol.is_some(), self.class.is_some())
    }
}

/// What rules ask of a key, taken apart once: there are a dozen rules, and all of them are asked
/// each time that an entry is read.
struct Parts<'a> {
    data_type: &'a str,
    class: Option<Class>,
    symbol: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(key: &'a Key) -> Self {
        Self { data_type: key.data_type(), class: key.class(), symbol: key.symbol() }
    }
}

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Rules {
    /// How long what no rule names stays fresh.
    pub default_ttl: Duration,
    /// The rules, in any order.
    pub ttl: Vec<TtlRule>,
    /// How long it is remembered that upstream does not know a symbol.
    pub not_found_ttl: Duration,
    /// How long a type is kept after it has gone stale; none: without limit.
    pub keep: Vec<(Box<str>, Option<Duration>)>,
    /// How long what no rule names is kept.
    pub default_keep: Option<Duration>,
    /// How stale an answer may be when upstream fails; none: as long as it is kept.
    pub stale_if_error: Option<Duration>,
    /// What makes a strategy, and what it makes of a time to live.
    pub strategies: Strategies,
}

/// Why an entry lives as long as it does: one rule that had its say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The rule, by the name it has in the configuration or on the command line.
    pub rule: String,
    /// What it says.
    pub says: String,
}

impl Rules {
    /// How long this entry lives. What its reader asks for narrows only.
    pub fn life(&self, entry: &Entry, known: &Known, reader: Reader) -> Life {
        let by_rule = self.ttl_of(entry);
        let strategy = self.strategies.of(&entry.provider, known.course, reader.real_now);
        let by_strategy =
            if obeys_strategy(entry) { self.strategies.scaled(by_rule, strategy) } else { by_rule };
        let ttl = reader.max_age.map_or(by_strategy, |bound| by_strategy.min(bound));
        // `keep` counts from when it expires by rule or by strategy, whichever is later. A narrower
        // request or an aggressive provider loses nobody's entry, and nothing is gone while it is
        // fresh under a careful one.
        let expires_by_rule = later(entry.fetched_at, Some(by_rule.max(by_strategy)));
        let gone_at = later(expires_by_rule, self.keep_of(entry));
        let error_until = match self.stale_if_error {
            Some(bound) => gone_at.min(expires_by_rule + bound),
            None => gone_at,
        };
        Life {
            ttl,
            fetched_at: entry.fetched_at,
            expires_at: entry.fetched_at + ttl,
            error_until,
            gone_at,
        }
    }

    /// The rules that had their say, strongest last.
    pub fn reasons(&self, entry: &Entry, known: &Known, reader: Reader) -> Vec<Reason> {
        let strategy = self.strategies.of(&entry.provider, known.course, reader.real_now);
        let mut reasons = Vec::new();
        let mut say = |rule: &str, says: Duration| {
            reasons.push(Reason { rule: rule.to_owned(), says: duration_for_people(says) });
        };
        if let Some(ttl) = entry.own_ttl {
            say("put --ttl", ttl);
        } else if entry.format == Format::NotFound {
            say("ttl.not_found", self.not_found_ttl);
        } else {
            let parts = Parts::of(&entry.key);
            let mut rules: Vec<&TtlRule> =
                self.ttl.iter().filter(|rule| rule.holds(&parts)).collect();
            rules.sort_by_key(|rule| rule.strength());
            if rules.is_empty() {
                say("cache.memory.default_ttl_hours", self.default_ttl);
            }
            for rule in rules {
                say(&rule.named, rule.ttl);
            }
        }
        if strategy != Strategy::Normal && obeys_strategy(entry) {
            let ttl = self.strategies.scaled(self.ttl_of(entry), strategy);
            say(&format!("strategy {}", strategy.as_str()), ttl);
        }
        if let Some(bound) = reader.max_age {
            say("--max-age", bound);
        }
        reasons
    }

    fn ttl_of(&self, entry: &Entry) -> Duration {
        if let Some(own) = entry.own_ttl {
            return own;
        }
        if entry.format == Format::NotFound {
            return self.not_found_ttl;
        }
        let parts = Parts::of(&entry.key);
        self.ttl
            .iter()
            .filter(|rule| rule.holds(&parts))
            .max_by_key(|rule| rule.strength())
            .map_or(self.default_ttl, |rule| rule.ttl)
    }

    fn keep_of(&self, entry: &Entry) -> Option<Duration> {
        if entry.format == Format::NotFound {
            // A stale "there is none" is of no use to anybody.
            return Some(Duration::ZERO);
        }
        let name = if entry.is_put() { &*entry.provider } else { entry.key.data_type() };
        self.keep
            .iter()
            .find(|(rule, _)| **rule == *name)
            .map_or(self.default_keep, |(_, keep)| *keep)
    }
}

/// Whether the strategy of its provider changes how long an entry lives: what upstream gave is asked
/// for less often, what a user wrote and that there is nothing are not.
fn obeys_strategy(entry: &Entry) -> bool {
    entry.own_ttl.is_none() && !entry.is_put() && entry.format != Format::NotFound
}

/// The instant this much later; never, if there is no limit.
fn later(instant: Timestamp, by: Option<Duration>) -> Timestamp {
    by.map_or(Timestamp::NEVER, |by| instant + by)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::State;
    use crate::policy::strategy::Course;

    fn rules() -> Rules {
        let rule = |data_type: &str, class, symbol: Option<&str>, seconds| TtlRule {
            data_type: data_type.into(),
            class,
            symbol: symbol.map(Into::into),
            ttl: Duration::from_secs(seconds),
            named: format!("{data_type} {class:?} {symbol:?}").into(),
        };
        Rules {
            default_ttl: Duration::from_hours(1),
            ttl: vec![
                rule("quote", Some(Class::Macro), None, 300),
                rule("quote", None, None, 30),
                rule("series", None, None, 86_400),
                rule("series", Some(Class::Macro), Some("DGS3MO"), 3600),
            ],
            not_found_ttl: Duration::from_hours(1),
            keep: vec![("quote".into(), Some(Duration::from_hours(168))), ("series".into(), None)],
            default_keep: Some(Duration::from_hours(168)),
            stale_if_error: None,
            strategies: Strategies::default(),
        }
    }

    /// What is known of an entry whose provider has this strategy.
    fn known(strategy: Strategy) -> Known {
        let mut course = Course::default();
        let lasting = match strategy {
            Strategy::Aggressive => &mut course.aggressive_until,
            Strategy::Normal => return Known::default(),
            Strategy::Conservative => &mut course.conservative_until,
            Strategy::Minimal => &mut course.minimal_until,
        };
        *lasting = Timestamp::NEVER;
        Known { course }
    }

    /// Who reads an entry and wants none older than this.
    fn reader(max_age: Option<Duration>) -> Reader {
        Reader { max_age, ..Reader::at(Timestamp::from_seconds(1_000_000)) }
    }

    fn entry(key: &str) -> Entry {
        Entry {
            key: Key::from_stored(key),
            provider: "yahoo".into(),
            fetched_at: Timestamp::from_seconds(1_000_000),
            own_ttl: None,
            format: Format::Json,
            body: Box::from(*b"{}"),
        }
    }

    #[test]
    fn the_strongest_rule_sets_the_ttl() {
        for (key, seconds) in [
            ("quote:stock:AAPL", 30),
            ("quote:macro:GDP", 300),
            ("series:macro:GDP", 86_400),
            ("series:macro:DGS3MO", 3600),
            ("sentiment:stock:AAPL", 3600),
        ] {
            assert_eq!(
                rules().life(&entry(key), &known(Strategy::Normal), reader(None)).ttl.as_secs(),
                seconds,
                "{key}"
            );
        }
    }

    #[test]
    fn a_changed_rule_holds_for_what_is_already_stored() {
        let entry = entry("quote:stock:AAPL");
        let now = entry.fetched_at + Duration::from_mins(1);
        let mut rules = rules();
        assert_eq!(
            rules.life(&entry, &known(Strategy::Normal), reader(None)).state(now),
            State::Stale
        );
        rules.ttl[1].ttl = Duration::from_mins(5);
        assert_eq!(
            rules.life(&entry, &known(Strategy::Normal), reader(None)).state(now),
            State::Fresh
        );
    }

    #[test]
    fn an_entry_goes_from_fresh_to_stale_to_gone() {
        let entry = entry("quote:stock:AAPL");
        let life = rules().life(&entry, &known(Strategy::Normal), reader(None));
        for (seconds, state) in [
            (0, State::Fresh),
            (29, State::Fresh),
            (30, State::Stale),
            (604_829, State::Stale),
            (604_830, State::Gone),
        ] {
            assert_eq!(
                life.state(entry.fetched_at + Duration::from_secs(seconds)),
                state,
                "{seconds}"
            );
        }
        assert_eq!(life.state(entry.fetched_at - Duration::from_secs(1)), State::Fresh);
        assert_eq!(life.state(entry.fetched_at - Duration::from_secs(2)), State::Stale);
    }

    #[test]
    fn a_request_narrows_what_is_fresh_and_loses_nothing() {
        let entry = entry("quote:stock:AAPL");
        let narrow =
            rules().life(&entry, &known(Strategy::Normal), reader(Some(Duration::from_secs(5))));
        assert_eq!(narrow.ttl.as_secs(), 5);
        assert_eq!(
            narrow.gone_at,
            rules().life(&entry, &known(Strategy::Normal), reader(None)).gone_at
        );
        let wide =
            rules().life(&entry, &known(Strategy::Normal), reader(Some(Duration::from_hours(1))));
        assert_eq!(wide.ttl.as_secs(), 30);
    }

    #[test]
    fn what_put_wrote_lives_by_its_own_ttl() {
        let mut put = entry("quote:stock:AAPL");
        put.provider = crate::key::PUT.into();
        put.own_ttl = Some(Duration::from_mins(5));
        assert_eq!(rules().life(&put, &known(Strategy::Normal), reader(None)).ttl.as_secs(), 300);
        let said = rules().reasons(&put, &known(Strategy::Normal), reader(None));
        assert_eq!(said[0].rule, "put --ttl");
    }

    #[test]
    fn reasons_name_the_rules_strongest_last() {
        let entry = entry("series:macro:DGS3MO");
        let says = |strategy| -> Vec<String> {
            let reasons =
                rules().reasons(&entry, &known(strategy), reader(Some(Duration::from_secs(9))));
            reasons.into_iter().map(|reason| reason.says).collect()
        };
        assert_eq!(says(Strategy::Normal), ["24 h", "60 min", "9 s"]);
        assert_eq!(says(Strategy::Conservative), ["24 h", "60 min", "2 h", "9 s"]);
    }

    #[test]
    fn the_strategy_scales_what_a_provider_gave_and_nothing_else() {
        let quote = entry("quote:stock:AAPL");
        let unknown = Entry { format: Format::NotFound, ..quote.clone() };
        let put = Entry {
            provider: crate::key::PUT.into(),
            own_ttl: Some(Duration::from_secs(30)),
            ..quote.clone()
        };
        for (case, entry, strategy, max_age, seconds) in [
            ("aggressive", &quote, Strategy::Aggressive, None, 15),
            ("normal", &quote, Strategy::Normal, None, 30),
            ("conservative", &quote, Strategy::Conservative, None, 60),
            ("minimal", &quote, Strategy::Minimal, None, 120),
            ("narrowed", &quote, Strategy::Minimal, Some(45), 45),
            ("not widened", &quote, Strategy::Minimal, Some(500), 120),
            ("known not to exist", &unknown, Strategy::Minimal, None, 3600),
            ("a user's own", &put, Strategy::Minimal, None, 30),
        ] {
            let max_age = max_age.map(Duration::from_secs);
            assert_eq!(
                rules().life(entry, &known(strategy), reader(max_age)).ttl.as_secs(),
                seconds,
                "{case}"
            );
            let said = rules().reasons(entry, &known(strategy), reader(max_age));
            let named = said.iter().any(|reason| reason.rule.starts_with("strategy"));
            let scaled = strategy != Strategy::Normal && std::ptr::eq(entry, &raw const quote);
            assert_eq!(named, scaled, "{case}: {said:?}");
        }
    }

    #[test]
    fn a_strategy_never_makes_an_entry_go_sooner() {
        let entry = entry("quote:stock:AAPL");
        let second = |seconds| entry.fetched_at + Duration::from_secs(seconds);
        for (keep, stale_if_error) in [(0, None), (60, None), (60, Some(20)), (60, Some(500))] {
            let mut rules = rules();
            rules.keep = vec![("quote".into(), Some(Duration::from_secs(keep)))];
            rules.stale_if_error = stale_if_error.map(Duration::from_secs);
            let bound = keep.min(stale_if_error.unwrap_or(keep));
            for (strategy, counts_from) in [
                (Strategy::Aggressive, 30),
                (Strategy::Normal, 30),
                (Strategy::Conservative, 60),
                (Strategy::Minimal, 120),
            ] {
                let life = rules.life(&entry, &known(strategy), reader(None));
                assert_eq!(life.gone_at, second(counts_from + keep), "{strategy:?}, {keep}");
                assert_eq!(life.error_until, second(counts_from + bound), "{strategy:?}, {keep}");
            }
        }
    }
}
