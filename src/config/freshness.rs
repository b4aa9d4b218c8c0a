//! The rules of freshness, as the configuration says them.

use std::collections::BTreeSet;
use std::time::Duration;

use super::defaults::{DEFAULTS, DELAYS};
use super::tree::SEPARATOR;
use super::{Config, Layers, Lists, endpoints, market, strategies};
use crate::calendar::Exchange;
use crate::error::Usage;
use crate::market::{Class, DataType, Names as _, Symbol};
use crate::policy::hours::Hours;
use crate::policy::use_case::{Demand, UseCases};
use crate::policy::{
    Adaptive, EndpointRule, Endpoints, FrozenAfter, Keep, Priority, Rules, Scope, SeriesRules,
    Subjects, TtlRule, UseCase,
};
use crate::provider::definition;
use crate::units::Share;

/// How long what no rule names is kept after it has gone stale, unless the configuration says so:
/// the contract's, for payloads.
const KEEP: Keep = Keep::For(Duration::from_hours(7 * 24));

/// What stands beside the types and is none.
const NOT_FOUND: &str = "not_found";

/// The seed's names of data, with the types of ours that they are.
const SEEDS: [(&str, &str); 5] = [
    ("OHLCV", "bars"),
    ("ADJUSTED_CLOSE", "adjusted_close"),
    ("DIVIDEND", "dividends"),
    ("TOTAL_RETURN", "total_return"),
    ("INFLATION_RATE", "inflation_rate"),
];

impl Config {
    /// The rules in force.
    pub(super) fn rules(&self) -> Result<Rules, Usage> {
        let layers = self.layers();
        let said = self.shared_layers();
        let lists = self.lists()?;
        let hours = layers.number(&["cache", "memory", "default_ttl_hours"]).unwrap_or(1.0);
        Ok(Rules {
            default_ttl: Duration::from_secs_f64(hours * 3600.0),
            ttl: self.ttl_rules(lists),
            hot: subjects(layers, &layers.list(&["hot_symbols"]).unwrap_or_default(), lists),
            endpoints: Endpoints::new(move |provider, name| endpoint(&said, provider, name)),
            use_cases: self.use_cases(lists),
            adaptive: adaptive(layers),
            hours: Some(self.hours()?),
            not_found_ttl: layers.duration(&["ttl", NOT_FOUND]).unwrap_or_default(),
            keep: keep(layers),
            default_keep: kept(layers, &["keep", "payload"]).unwrap_or(KEEP),
            stale_if_error: layers.duration(&["stale_if_error"]),
            strategies: strategies::strategies(layers),
            volatility: market::volatility(layers),
            unusual_volume: market::unusual_volume(layers),
            series: series(layers),
            marks_faults: layers.text(&["repair"]) != Some("off"),
            frozen_after: frozen_after(layers),
        })
    }

    fn ttl_rules(&self, lists: &Lists) -> Vec<TtlRule> {
        let layers = self.layers();
        let mut rules: Vec<TtlRule> = layers
            .names(&["cache", "ttl_by_data_type"])
            .iter()
            .filter_map(|name| self.seed(name))
            .collect();
        for data_type in layers.names(&["ttl"]).into_iter().filter(|name| name != NOT_FOUND) {
            let mut rule = |path: &[&str], scope| {
                let Some(lasting) = layers.lasting(path) else { return };
                let (data_type, named) = (data_type.as_str().into(), path.join(".").into());
                rules.push(TtlRule { data_type, scope, lasting, after_hours: None, named });
            };
            rule(&["ttl", &data_type], Scope::Any);
            for name in layers.names(&["ttl", &data_type]) {
                rule(&["ttl", &data_type, &name], scope(layers, &name, lists));
            }
        }
        rules
    }

    /// What the seed says of one name of data: of a type, or of a series that is an alias.
    fn seed(&self, name: &str) -> Option<TtlRule> {
        let layers = self.layers();
        let at = |key| layers.lasting(&["cache", "ttl_by_data_type", name, key]);
        // What a file says of market hours stands below what is shipped as one number.
        let lasting =
            at("market_hours").or_else(|| layers.lasting(&["cache", "ttl_by_data_type", name]))?;
        let seed = SEEDS.iter().find(|(seed, _)| *seed == name);
        let (data_type, scope) = if let Some((_, data_type)) = seed {
            ((*data_type).into(), Scope::Any)
        } else {
            let symbol = layers.alias(name).and_then(|_| Symbol::parse(name, layers).ok())?;
            let these = Subjects::new([symbol.subject()]);
            (DataType::usual(symbol.class()).as_str().into(), Scope::These(these))
        };
        let named = format!("cache.ttl_by_data_type.{name}");
        let after_hours = at("after_hours").map(|lasting| lasting.most);
        Some(TtlRule { data_type, scope, lasting, after_hours, named: named.into() })
    }

    fn use_cases(&self, lists: &Lists) -> UseCases {
        let layers = self.layers();
        let demand = |use_case: UseCase| {
            let at = |key| ["use_cases", use_case.as_str(), key];
            let priority = layers.text(&at("priority")).and_then(Priority::from_name);
            Demand {
                lasting: layers.lasting(&at("ttl")),
                priority: priority.unwrap_or_default(),
                is_real_time: layers.flag(&at("real_time")).unwrap_or(false),
                stale_if_error: layers.duration(&at("stale_if_error")),
                keep: kept(layers, &at("keep")),
            }
        };
        UseCases {
            demands: UseCase::ALL.map(demand),
            positions: Subjects::new(lists.portfolio.iter().map(Symbol::subject)),
            watched: Subjects::new(
                lists.watchlists.iter().flat_map(|(_, list)| list).map(Symbol::subject),
            ),
        }
    }

    /// When markets are open, and how late one hears of it.
    fn hours(&self) -> Result<Hours, Usage> {
        let layers = self.layers();
        let mut delays = Vec::new();
        for (provider, name) in delayed(layers) {
            let delay = layers.duration(&["providers", provider, "delays", name]);
            let known = Exchange::from_name(name).zip(delay);
            delays.extend(known.map(|(at, delay)| (provider.into(), at, delay)));
        }
        Ok(Hours { calendars: self.calendars()?, delays })
    }

    /// The share of its time within which `warm` refreshes what is still fresh.
    pub fn early_refresh(&self) -> Option<Share> {
        self.layers().share(&["early_refresh"])
    }

    /// How far a price may be from the median of several providers'; none: as far as it will.
    pub fn quorum_tolerance(&self, class: Class) -> Option<Share> {
        let path = ["quorum", "tolerance", class.as_str()];
        self.layers().share(&path).or_else(|| self.layers().share(&path[..2]))
    }

    /// A mistake in what is said of lists, which shows only once all layers are known.
    pub(super) fn check_freshness(&self) -> Result<(), Usage> {
        let layers = self.layers();
        for text in layers.list(&["hot_symbols"]).unwrap_or_default() {
            self.symbol(text).map_err(|usage| layers.at(&["hot_symbols"], usage))?;
        }
        for change in ["price_move", "volume_change"] {
            for name in layers.names(&["invalidation", change]) {
                self.check_scope(&name)
                    .map_err(|usage| layers.at(&["invalidation", change, &name], usage))?;
            }
        }
        for data_type in layers.names(&["ttl"]) {
            for name in layers.names(&["ttl", &data_type]) {
                self.check_scope(&name)
                    .map_err(|usage| layers.at(&["ttl", &data_type, &name], usage))?;
            }
        }
        Ok(())
    }

    fn check_scope(&self, name: &str) -> Result<(), Usage> {
        match name.strip_prefix('@') {
            Some(list) => self.check_list(list),
            None if ["other", "hot"].contains(&name) || Class::from_name(name).is_some() => Ok(()),
            None => self.symbol(name).map(drop),
        }
    }
}

/// How times to live follow the pace of values, if they do.
fn adaptive(layers: &Layers) -> Option<Adaptive> {
    if layers.text(&["policy"]) != Some("adaptive") {
        return None;
    }
    let known = Adaptive::default();
    Some(Adaptive {
        least: layers.number(&["adaptive", "least"]).unwrap_or(known.least),
        most: layers.number(&["adaptive", "most"]).unwrap_or(known.most),
        stale: layers.share(&["adaptive", "stale"]).unwrap_or(known.stale),
    })
}

/// Of what something is said under this name: a class, `hot`, `other`, a symbol, or `@list`.
pub(super) fn scope(layers: &Layers, name: &str, lists: &Lists) -> Scope {
    match name {
        "other" => Scope::Any,
        "hot" => Scope::Hot,
        _ => match Class::from_name(name) {
            Some(class) => Scope::Class(class),
            None => Scope::These(subjects(layers, &[name], lists)),
        },
    }
}

/// These symbols and lists as rules know them; what cannot be read was refused before.
pub(super) fn subjects(layers: &Layers, said: &[&str], lists: &Lists) -> Subjects {
    let mut subjects = Vec::new();
    for text in said {
        match text.strip_prefix('@') {
            Some(list) => subjects.extend(lists.of(list).map(Symbol::subject)),
            None => subjects.extend(Symbol::parse(text, layers).map(|symbol| symbol.subject())),
        }
    }
    Subjects::new(subjects)
}

/// How series are filled.
fn series(layers: &Layers) -> SeriesRules {
    let shipped = SeriesRules::default();
    let join_gap = layers.count(&["series", "join_gap"]).and_then(|gap| u32::try_from(gap).ok());
    SeriesRules {
        join_gap: join_gap.unwrap_or(shipped.join_gap),
        late_correction: layers
            .duration(&["series", "late_correction"])
            .unwrap_or(shipped.late_correction),
    }
}

/// Of which provider, and of which exchange, it is said how late one hears of it; sorted, each once.
fn delayed(layers: &Layers) -> BTreeSet<(&str, &str)> {
    let shipped = DELAYS.iter().filter_map(|at| DEFAULTS.get(usize::from(*at)));
    let of_delay = |path| {
        let mut names = str::split(path, SEPARATOR).skip(1);
        let (provider, key, exchange) = (names.next()?, names.next()?, names.next()?);
        (key == "delays").then_some((provider, exchange))
    };
    layers.said("providers\t").chain(shipped.map(|(path, _)| *path)).filter_map(of_delay).collect()
}

/// After how long a quote stands still for too long; what is no duration is never.
fn frozen_after(layers: &Layers) -> FrozenAfter {
    let classes = layers.names(&["frozen_after"]).into_iter();
    let own =
        |name: String| Some((Class::from_name(&name)?, layers.duration(&["frozen_after", &name])));
    FrozenAfter {
        default: layers.duration(&["frozen_after"]),
        classes: classes.filter_map(own).collect(),
    }
}

/// What is said of an endpoint of a provider; none if nothing is. Whoever reads an entry asks this, so
/// nothing is read of any other.
fn endpoint(layers: &Layers, provider: &str, name: &str) -> Option<EndpointRule> {
    if !layers.speak_of(&["providers", provider, "endpoints", name].join("\t")) {
        return None;
    }
    let at = |key| ["providers", provider, "endpoints", name, key];
    let level = layers.text(&at("level"));
    let of_level = level.and_then(|level| layers.lasting(&["levels", level]));
    let named = |key: &str| format!("providers.{provider}.endpoints.{name}.{key}");
    let lasting = match (layers.lasting(&at("ttl")), of_level) {
        (Some(ttl), _) => Some((ttl, named("ttl").into())),
        (None, Some(lasting)) => {
            let level = level.unwrap_or_default();
            Some((lasting, format!("{} {level}", named("level")).into()))
        }
        (None, None) => None,
    };
    Some(EndpointRule {
        lasting,
        keep: kept(layers, &at("keep")),
        priority: layers.text(&at("priority")).and_then(Priority::from_name),
        definition: number(layers, provider, name),
        is_silent: endpoints::is_http(layers, provider),
    })
}

/// The number of an endpoint's definition: of one that a user has written, or changed, all that is said of
/// it and of the names of symbols, but for whom it is asked about, how often, and how long what it gives is
/// fresh; else its version. What is shipped without one has the number 0.
pub(super) fn number(layers: &Layers, provider: &str, endpoint: &str) -> u64 {
    const NO_MATTER: [&str; 9] = [
        "classes",
        "keep",
        "level",
        "limit",
        "priority",
        "retry_after",
        "timeout",
        "ttl",
        "weight",
    ];
    let path = ["providers", provider, "endpoints", endpoint];
    let names = ["providers", provider, "names"];
    let is_changed = |path: &[&str]| layers.differ_below(&path.join("\t"), &NO_MATTER);
    let kind = layers.text(&["providers", provider, "kind"]);
    if !matches!(kind, Some("http" | "command")) || !(is_changed(&path) || is_changed(&names)) {
        return definition(layers.text(&[&path[..], &["version"]].concat()));
    }
    let of_symbols = layers.below(&names).into_iter();
    let of_symbols = of_symbols.map(|(name, leaf)| (format!("names{SEPARATOR}{name}"), leaf));
    let said = layers.below(&path).into_iter().map(|(name, leaf)| (name.to_owned(), leaf));
    let matters = said.filter(|(name, _)| !NO_MATTER.contains(&name.as_str()));
    definition(Some(&format!("{:?}", matters.chain(of_symbols).collect::<Vec<_>>())))
}

/// How long things are kept, by type; what no key names is kept as payloads are.
fn keep(layers: &Layers) -> Vec<(Box<str>, Keep)> {
    let names = layers.names(&["keep"]).into_iter();
    names.filter_map(|name| Some((name.as_str().into(), kept(layers, &["keep", &name])?))).collect()
}

/// How long something is kept, if that is said.
fn kept(layers: &Layers, path: &[&str]) -> Option<Keep> {
    layers.text(path).map(|_| layers.duration(path).map_or(Keep::WithoutLimit, Keep::For))
}
