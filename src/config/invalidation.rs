//! What expires what, as the configuration says it.
//!
//! A rule stands in its list as the text of a map (see [`tree`](super::tree)); it was checked when it
//! was loaded, by the same function that reads it here.

use serde::Deserialize;

use super::freshness::{scope, subjects};
use super::{Layers, Lists};
use crate::error::{Usage, sanitized};
use crate::key::Template;
use crate::market::Names;
use crate::policy::Invalidation;
use crate::policy::event::{OF_A_SYMBOL, PutRule, Threshold};

/// What expires what. What the configuration has removed is no event, and no rule.
pub(super) fn invalidation(layers: &Layers, lists: &Lists) -> Invalidation {
    let threshold = |change: &str| {
        let own = |name: String| {
            let share = layers.share(&["invalidation", change, &name])?;
            Some((scope(layers, &name, lists), share))
        };
        let names = layers.names(&["invalidation", change]).into_iter();
        let default = layers.share(&["invalidation", change]);
        Threshold { default, own: names.filter_map(own).collect() }
    };
    let texts = |path: &[&str]| layers.list(path).unwrap_or_default();
    Invalidation {
        price_move: threshold("price_move"),
        volume_change: threshold("volume_change"),
        hot: subjects(layers, &texts(&["hot_symbols"]), lists),
        expire: texts(&["invalidation", "expire"])
            .into_iter()
            .filter_map(|text| of_a_symbol(text, layers).ok())
            .collect(),
        rules: texts(&["rules"]).into_iter().filter_map(|text| rule(text, layers).ok()).collect(),
    }
}

/// Reads a pattern of what depends on a symbol.
pub(super) fn of_a_symbol(text: &str, names: &dyn Names) -> Result<Template, Usage> {
    let template = Template::parse(text, names)?;
    if let Some(unknown) = template.names().find(|name| !OF_A_SYMBOL.contains(name)) {
        return Err(Usage::new(format!("`{{{unknown}}}` is not known here"))
            .hint("write {symbol} and {class}, of the symbol that moved"));
    }
    Ok(template)
}

/// Reads a rule from the text of its map.
pub(super) fn rule(text: &str, names: &dyn Names) -> Result<PutRule, Usage> {
    #[derive(Deserialize)]
    struct Said {
        when: Option<String>,
        expire: Option<Vec<String>>,
    }
    let incomplete = |message: String| {
        Err(Usage::new(message).hint("write {when: \"pair_config:{symbol}\", expire: [pairs]}"))
    };
    let Ok(Said { when, expire }) = serde_json::from_str(text) else {
        return incomplete(format!("`{}` is not a map of when and expire", sanitized(text)));
    };
    let (Some(when), Some(expire)) = (&when, &expire) else {
        let missing = if when.is_none() { "when" } else { "expire" };
        return incomplete(format!("a rule has no `{missing}`"));
    };
    let expire =
        expire.iter().map(|text| Template::parse(text, names)).collect::<Result<_, _>>()?;
    PutRule::new(Template::capturing(when, names)?, expire)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Key;
    use crate::units::Share;

    #[test]
    fn the_shipped_events_are_those_of_the_contract() {
        let shipped = invalidation(&Layers::default(), &Lists::default());
        let all = |share| Threshold { default: Some(Share(share)), own: vec![] };
        assert_eq!((shipped.price_move, shipped.volume_change), (all(0.02), all(0.5)));
        assert_eq!(shipped.expire.len(), 3);
    }

    #[test]
    fn the_shipped_rules_are_those_of_the_seed() {
        let shipped = invalidation(&Layers::default(), &Lists::default());
        assert_eq!(shipped.rules.len(), 4);
        for (key, expired) in [
            ("system_config:paper_trading", "system_config"),
            ("pair_config:ETH/USDT", "trading_pairs"),
            ("strategy_config:ETH/USDT:momentum", "pair_strategies:ETH/USDT"),
            ("pair_risk:ETH/USDT", "pair_config:ETH/USDT"),
        ] {
            let event = shipped.after_put(&Key::from_stored(key), &[]).unwrap();
            let names: Vec<String> = event.patterns.iter().map(ToString::to_string).collect();
            assert_eq!(names, [expired], "{key}");
        }
    }

    #[test]
    fn a_rule_that_makes_no_sense_says_why() {
        for (text, says) in [
            ("{}", "a rule has no `when`"),
            (r#"{"when":"a"}"#, "a rule has no `expire`"),
            ("a", "`a` is not a map of when and expire"),
            (r#"{"when":"a:{x}","expire":["b:{y}"]}"#, "`{y}` stands in `expire`"),
            (r#"{"when":"a:{x","expire":["b"]}"#, "a brace without an end"),
        ] {
            let usage = rule(text, &Layers::default()).unwrap_err();
            assert!(usage.message.contains(says), "{text}: {}", usage.message);
            assert!(usage.hint.is_some(), "{text}");
        }
    }
}
