//! What is configured, layer upon layer, and who said it.
//!
//! It only picks: reading files is [`load`](super::load)'s, what may stand where is the
//! [`schema`]'s.
//!
//! *Who wins.* At each path the strongest layer that says something; a list replaces a list. A
//! plain value or `~` also hides all that weaker layers say *below* its path: `ttl.quote: 60`
//! over the shipped `ttl.quote.stock: 30` is 60 for every class. The reverse hides nothing: with
//! `ttl.series.macro: 60` over `ttl.series: 86400` both stand, the plain value for what the map
//! leaves unsaid. A reader therefore asks for the closer path first.
//!
//! *Cost.* The shipped values are a sorted table in the program; looking one up is two binary
//! searches and no allocation but the path.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::defaults::{DEFAULTS, PROVIDERS};
use super::endpoints::Made;
use super::kind;
use super::schema::{self, PROFILES};
use super::tree::{Leaf, SEPARATOR, shown};
use crate::ledger::Window;
use crate::policy::Lasting;
use crate::units::{Bytes, Share, parse_bytes, parse_duration, parse_rate, parse_share};

/// Who said a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It is shipped.
    Default,
    /// The user's file.
    File(Arc<Path>),
    /// A profile; without a file, a shipped one.
    Profile(Option<Arc<Path>>, Arc<str>),
    /// The environment variable of this name.
    Variable(String),
    /// `--set`.
    Set,
    /// A flag of its own, as it is written.
    Flag(String),
}

impl Origin {
    /// The file that says it.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(file) | Self::Profile(Some(file), _) => Some(file),
            _ => None,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file) => write!(f, "{}", file.display()),
            Self::Profile(Some(file), name) => write!(f, "{}, profile {name}", file.display()),
            Self::Profile(None, name) => write!(f, "default, profile {name}"),
            Self::Variable(name) | Self::Flag(name) => f.write_str(name),
            Self::Set => f.write_str("--set"),
        }
    }
}

/// One layer: leaves by path.
pub(super) type Layer = BTreeMap<String, (Leaf, Origin)>;

/// The whole configuration.
///
/// Invariant: every leaf was admitted and checked by the schema.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_field_names, reason = "they are layers, and all is layers")]
pub struct Layers {
    /// From the strongest; the shipped table is below them all.
    pub(super) layers: Vec<Layer>,
    pub(super) home: Option<PathBuf>,
    /// What was made of them.
    pub(super) made: Made,
}

impl Layers {
    /// The strongest leaf at this path, and who said it; none if nobody did, or it was removed.
    pub fn get(&self, path: &[&str]) -> Option<(&Leaf, &Origin)> {
        self.find(&path.join("\t"))
    }

    pub(super) fn find(&self, path: &str) -> Option<(&Leaf, &Origin)> {
        for layer in &self.layers {
            if let Some((leaf, origin)) = layer.get(path) {
                return (*leaf != Leaf::Null).then_some((leaf, origin));
            }
            if !layer.is_empty() && ancestors(path).any(|above| layer.contains_key(above)) {
                return None;
            }
        }
        let among = &DEFAULTS[around(path)];
        let at = among.binary_search_by(|(p, _)| (*p).cmp(path)).ok()?;
        Some((&among[at].1, &Origin::Default))
    }

    /// Whether anybody said anything beyond what is shipped.
    pub fn differ(&self) -> bool {
        !self.layers.is_empty()
    }

    /// Whether anybody said anything at or below this path beyond what is shipped.
    pub(super) fn differ_at(&self, path: &str) -> bool {
        let is_at = |said: &String| {
            said.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('\t'))
        };
        self.layers
            .iter()
            .any(|layer| layer.range(path.to_owned()..).map(|(said, _)| said).take(1).any(is_at))
    }

    /// The same, but for what is said below it under these names.
    pub(super) fn differ_below(&self, path: &str, but: &[&str]) -> bool {
        let matters = |said: &String| {
            let name = said[path.len()..].split(SEPARATOR).nth(1);
            name.is_none_or(|name| !but.contains(&name))
        };
        let is_at = |said: &&String| {
            said.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('\t'))
        };
        self.layers.iter().any(|layer| {
            let below = layer.range(path.to_owned()..).map(|(said, _)| said);
            below.take_while(is_at).any(matters)
        })
    }

    /// Whether anything is said at or below this path, by anybody.
    pub(super) fn speak_of(&self, path: &str) -> bool {
        let first = DEFAULTS.partition_point(|(shipped, _)| *shipped < path);
        let shipped = DEFAULTS.get(first).and_then(|(shipped, _)| shipped.strip_prefix(path));
        shipped.is_some_and(|rest| rest.is_empty() || rest.starts_with('\t'))
            || self.differ_at(path)
    }

    /// The names below a path, over all layers, in the order of the alphabet.
    pub fn names(&self, path: &[&str]) -> Vec<String> {
        self.names_below(&path.join("\t"))
    }

    pub(super) fn names_below(&self, path: &str) -> Vec<String> {
        let prefix = format!("{path}{SEPARATOR}");
        let mut names = BTreeSet::new();
        for path in self.said(&prefix) {
            let name = first_name(&path[prefix.len()..]);
            if !names.contains(name) && self.find(path).is_some() {
                names.insert(name.to_owned());
            }
        }
        let mut rest = shipped(&prefix);
        while let Some(((path, _), others)) = rest.split_first() {
            let Some(below) = path.strip_prefix(&*prefix) else { break };
            rest = others;
            let name = first_name(below);
            if !names.contains(name) && !self.layers.is_empty() && self.find(path).is_none() {
                continue;
            }
            names.insert(name.to_owned());
            // There may be hundreds below one name: they are passed over at once.
            let above = &path[..path.len() - below.len() + name.len()];
            let is_below = |(path, _): &(&str, Leaf)| {
                path.strip_prefix(above).is_some_and(|rest| rest.starts_with(SEPARATOR))
            };
            if rest.first().is_some_and(is_below) {
                rest = &rest[rest.partition_point(is_below)..];
            }
        }
        names.into_iter().collect()
    }

    /// Every leaf that holds below a path, with the rest of its own, by path. Where nothing is said of that
    /// it is one look into what is shipped.
    pub(super) fn below(&self, path: &[&str]) -> Vec<(&str, &Leaf)> {
        let path = path.join("\t");
        let prefix = format!("{path}{SEPARATOR}");
        let is_hidden = |layer: &Layer| ancestors(&path).any(|above| layer.contains_key(above));
        if !self.differ_at(&path) && !self.layers.iter().any(is_hidden) {
            let rest = shipped(&prefix).iter().map_while(|(path, leaf)| {
                let rest: &str = path.strip_prefix(&*prefix)?;
                Some((rest, leaf))
            });
            return rest.collect();
        }
        let paths: BTreeSet<&str> = self.paths(&prefix).collect();
        let leaf = |path: &'_ str| self.find(path).map(|(leaf, _)| leaf);
        paths.into_iter().filter_map(|path| Some((&path[prefix.len()..], leaf(path)?))).collect()
    }

    /// Every leaf that holds, with its path as people write it and who said it, by path.
    pub fn all(&self) -> impl Iterator<Item = (String, &Leaf, &Origin)> {
        let paths: BTreeSet<&str> = self.paths("").collect();
        paths.into_iter().filter(|path| !is_profile(path)).filter_map(|path| {
            let (leaf, origin) = self.find(path)?;
            Some((shown(path), leaf, origin))
        })
    }

    /// Every path that any layer mentions and that begins so, some of them more than once.
    fn paths<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a str> {
        let shipped = shipped(prefix).iter().map(|(path, _)| *path);
        self.said(prefix).chain(shipped.take_while(move |path| path.starts_with(prefix)))
    }

    /// The same of what is not shipped.
    pub(super) fn said<'a>(&'a self, prefix: &str) -> impl Iterator<Item = &'a str> {
        self.layers.iter().flat_map(move |layer| {
            layer
                .range(prefix.to_owned()..)
                .map(|(path, _)| path.as_str())
                .take_while(move |path| path.starts_with(prefix))
        })
    }

    fn scalar(&self, path: &[&str]) -> Option<&str> {
        match self.get(path)?.0 {
            Leaf::Text(text) => Some(text),
            Leaf::List(_) | Leaf::Null => None,
        }
    }

    /// A duration; none if it is unset, or is a word such as `unlimited`.
    pub fn duration(&self, path: &[&str]) -> Option<Duration> {
        parse_duration(self.scalar(path)?).ok()
    }

    /// A duration, or a range of them.
    pub fn lasting(&self, path: &[&str]) -> Option<Lasting> {
        Lasting::parse(self.scalar(path)?).ok()
    }

    /// A size.
    pub fn bytes(&self, path: &[&str]) -> Option<Bytes> {
        parse_bytes(self.scalar(path)?).ok()
    }

    /// A part of a whole.
    pub fn share(&self, path: &[&str]) -> Option<Share> {
        parse_share(self.scalar(path)?).ok()
    }

    /// A number of percent that may be above a hundred; 1 is 100 %.
    pub fn rate(&self, path: &[&str]) -> Option<f64> {
        parse_rate(self.scalar(path)?).ok()
    }

    /// A whole number.
    pub fn count(&self, path: &[&str]) -> Option<u64> {
        kind::whole(self.scalar(path)?)
    }

    /// Yes or no; none if it is unset, or is a word such as `zstd`.
    pub fn flag(&self, path: &[&str]) -> Option<bool> {
        kind::flag(self.scalar(path)?)
    }

    /// A finite number.
    pub fn number(&self, path: &[&str]) -> Option<f64> {
        kind::number(self.scalar(path)?)
    }

    /// A text or a word, as it was written.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.scalar(path)
    }

    /// What this provider is told about who asks.
    pub fn user_agent(&self, provider: &str) -> Option<String> {
        let text = self.text(&["providers", provider, "user_agent"])?;
        Some(text.replace("{version}", env!("CARGO_PKG_VERSION")))
    }

    /// A limit: so many calls in so long a time.
    pub fn window(&self, path: &[&str]) -> Option<Window> {
        Window::parse(self.scalar(path)?).ok()
    }

    /// A list, as it was written; an empty one is not none.
    pub fn list(&self, path: &[&str]) -> Option<Vec<&str>> {
        match self.get(path)?.0 {
            Leaf::List(items) => Some(items.iter().map(|item| &**item).collect()),
            Leaf::Text(_) | Leaf::Null => None,
        }
    }

    /// A list of limits; an empty one says that there are none.
    pub fn windows(&self, path: &[&str]) -> Option<Vec<Window>> {
        let items = self.list(path)?;
        Some(items.into_iter().filter_map(|item| Window::parse(item).ok()).collect())
    }

    /// A file or a folder: `~/` is the home, and what a file says is relative to its folder.
    pub fn path(&self, path: &[&str]) -> Option<PathBuf> {
        let (leaf, origin) = self.get(path)?;
        let Leaf::Text(text) = leaf else { return None };
        if let (Some(rest), Some(home)) = (below_home(text), &self.home) {
            return Some(if rest.is_empty() { home.clone() } else { home.join(rest) });
        }
        match origin.file().and_then(Path::parent) {
            Some(folder) => Some(folder.join(&**text)),
            None => Some(PathBuf::from(&**text)),
        }
    }

    /// Every leaf that holds and is a path, with its own path.
    pub(super) fn file_names(&self) -> impl Iterator<Item = (&str, &str)> {
        self.layers.iter().flatten().filter_map(|(path, (leaf, _))| match leaf {
            Leaf::Text(text) if schema::kind(path) == Some(kind::Kind::Path) => {
                Some((path.as_str(), &**text))
            }
            _ => None,
        })
    }
}

/// The name that the rest of a path begins with.
fn first_name(rest: &str) -> &str {
    rest.split(SEPARATOR).next().unwrap_or_default()
}

/// What is shipped, from the first path on that begins so or comes after.
fn shipped(prefix: &str) -> &'static [(&'static str, Leaf)] {
    let around = around(prefix);
    let before = DEFAULTS[around.clone()].partition_point(|(path, _)| *path < prefix);
    &DEFAULTS[around.start + before..]
}

/// Where in what is shipped a path stands, or would: half of it is of providers, and most questions are not.
fn around(path: &str) -> Range<usize> {
    const OF_PROVIDERS: &str = "providers\t";
    match path {
        path if path.starts_with(OF_PROVIDERS) => PROVIDERS,
        path if path < OF_PROVIDERS => 0..PROVIDERS.start,
        _ => PROVIDERS.end..DEFAULTS.len(),
    }
}

/// What follows `~/`, or nothing for `~`; none for any other path.
pub(super) fn below_home(text: &str) -> Option<&str> {
    text.strip_prefix('~')
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .map(|rest| rest.trim_start_matches('/'))
}

/// The paths above this one, the nearest first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices(SEPARATOR).map(|(at, _)| &path[..at])
}

/// Whether it belongs to a profile, which holds only once it is chosen.
pub(super) fn is_profile(path: &str) -> bool {
    path.strip_prefix(PROFILES).is_some_and(|rest| rest.starts_with(SEPARATOR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;

    fn layers(strongest_first: &[&[(&str, &str)]]) -> Layers {
        let leaf = |text: &str| match text {
            "~" => Leaf::Null,
            text => Leaf::Text(Cow::Owned(text.to_owned())),
        };
        let layer = |said: &&[(&str, &str)]| {
            said.iter().map(|(p, t)| (p.replace('.', "\t"), (leaf(t), Origin::Set))).collect()
        };
        Layers { layers: strongest_first.iter().map(layer).collect(), ..Layers::default() }
    }

    fn seconds(layers: &Layers, path: &str) -> Option<u64> {
        layers.duration(&path.split('.').collect::<Vec<_>>()).map(|d| d.as_secs())
    }

    #[test]
    fn without_a_word_from_the_user_the_defaults_hold() {
        let layers = Layers::default();
        assert_eq!(seconds(&layers, "ttl.quote.stock"), Some(30));
        assert_eq!(layers.bytes(&["cache", "memory", "max_bytes"]), Some(Bytes(64 << 20)));
        assert_eq!(layers.count(&["cache", "memory", "max_size"]), Some(1000));
        assert_eq!(layers.number(&["cache", "disk", "max_size_gb"]), Some(1.0));
        assert_eq!(layers.flag(&["cache", "disk", "compression"]), Some(true));
        assert_eq!(layers.path(&["cache", "disk", "cache_dir"]), None);
        assert_eq!(
            layers.list(&["chains", "crypto"]),
            Some(vec!["binance", "coinbase", "yahoo", "kraken"])
        );
        assert_eq!(layers.list(&["providers", "demo", "limits"]), Some(vec![]));
        assert_eq!(
            layers.windows(&["providers", "binance", "limits"]),
            Some(vec![Window { calls: 3000, stretch: Duration::from_mins(1) }])
        );
        assert_eq!(layers.text(&["symbols", "BTC"]), Some("crypto"));
        assert_eq!(
            layers.get(&["keep", "put"]).map(|(_, origin)| origin.to_string()).as_deref(),
            Some("default")
        );
        let providers = layers.names(&["providers"]);
        assert!(
            ["binance", "demo", "fred", "yahoo"]
                .iter()
                .all(|name| providers.contains(&(*name).into()))
        );
        assert!(providers.is_sorted() && providers.len() < 40, "each once: {providers:?}");
        assert_eq!(layers.names(&["keep"])[..3], ["bars", "dividends", "payload"]);
        let shipped = DEFAULTS.iter().filter(|(path, _)| !is_profile(path));
        assert_eq!(layers.all().count(), shipped.count());
    }

    #[test]
    fn a_plain_value_stands_for_all_below_it() {
        let layers = layers(&[&[("ttl.quote", "60")], &[("ttl.quote.stock", "5")]]);
        assert_eq!(seconds(&layers, "ttl.quote.stock"), None);
        assert_eq!(seconds(&layers, "ttl.quote.crypto"), None);
        assert_eq!(seconds(&layers, "ttl.quote"), Some(60));
        assert!(!layers.all().any(|(path, ..)| path == "ttl.quote.stock"));
    }

    #[test]
    fn a_closer_value_leaves_the_plain_one_for_the_rest() {
        let layers = layers(&[&[("ttl.series.macro", "60")]]);
        assert_eq!(seconds(&layers, "ttl.series.macro"), Some(60));
        assert_eq!(seconds(&layers, "ttl.series"), Some(86_400));
    }

    #[test]
    fn null_removes_here_and_below_and_a_stronger_layer_may_set_anew() {
        let layers = layers(&[
            &[("providers.yahoo.kind", "yahoo")],
            &[("providers.yahoo", "~"), ("providers.demo", "~"), ("stale_if_error", "~")],
        ]);
        let providers = layers.names(&["providers"]);
        let is_there = |name: &str| providers.iter().any(|known| known == name);
        assert!(is_there("binance") && is_there("yahoo") && !is_there("demo"), "{providers:?}");
        assert_eq!(providers.len() + 1, Layers::default().names(&["providers"]).len());
        assert_eq!(layers.names(&["providers", "yahoo"]), ["kind"]);
        assert_eq!(layers.text(&["stale_if_error"]), None);
        assert_eq!(layers.names(&["nowhere"]), Vec::<String>::new());
    }

    #[test]
    fn words_are_no_durations_and_no_flags() {
        let layers = layers(&[&[("cache.disk.compression", "zstd")]]);
        assert_eq!(layers.duration(&["keep", "series"]), None);
        assert_eq!(layers.text(&["keep", "series"]), Some("unlimited"));
        assert_eq!(layers.flag(&["cache", "disk", "compression"]), None);
    }

    #[test]
    fn the_version_is_told_and_never_repeated_in_the_file() {
        let expected = concat!("mcache/", env!("CARGO_PKG_VERSION"));
        assert_eq!(Layers::default().user_agent("yahoo").as_deref(), Some(expected));
    }

    #[test]
    fn only_the_home_itself_is_expanded() {
        let layers = Layers {
            home: Some("/home/me".into()),
            ..layers(&[&[("cache.disk.cache_dir", "~/c")]])
        };
        assert_eq!(layers.path(&["cache", "disk", "cache_dir"]), Some("/home/me/c".into()));
        assert_eq!(
            [below_home("~"), below_home("~//x"), below_home("~x"), below_home("/~")],
            [Some(""), Some("x"), None, None]
        );
    }
}
