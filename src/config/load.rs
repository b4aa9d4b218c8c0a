//! Loads the layers: reads the user's file and puts what else was [`said`](super::said) on top.
//!
//! What is wrong is said with its place and stops the program before anything was done. The
//! environment itself is not read here: it is given, so that a test can give another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::defaults::DEFAULTS;
use super::file::{File, Longest};
use super::layers::{Layer, Layers, Origin, below_home, is_profile};
use super::said::{self, Flag};
use super::schema::{self, Keys, PROFILES, split_profile};
use super::tree::{Found, Guide, Refusal, SEPARATOR, flatten, shown};
use crate::error::{Usage, nearest, sanitized};

/// The longest configuration that is read: it is written by hand.
const LONGEST: Longest = Longest {
    bytes: 1_000_000,
    shown: "1 MB",
    hint: "a configuration states only what differs from the defaults",
};

/// Where the configuration is to be found.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The file that was asked for, with `--config` or `MCACHE_CONFIG`; it has to exist.
    pub file: Option<PathBuf>,
    /// The file in the user's configuration folder, which need not exist.
    pub default_file: Option<PathBuf>,
    /// The profile that was asked for, with `--profile` or `MCACHE_PROFILE`.
    pub profile: Option<String>,
    /// The variables of the environment; those that do not begin with `MCACHE_` are passed over.
    pub environment: Vec<(String, String)>,
    /// What `--set` was given, in order; a later one wins.
    pub set: Vec<String>,
    /// Flags that stand for a key, such as `--cache-dir`; stronger than all.
    pub flags: Vec<Flag>,
    /// The user's home, for `~/`.
    pub home: Option<PathBuf>,
}

impl Layers {
    /// Loads all layers and checks every value.
    pub fn load(sources: Sources) -> Result<Self, Usage> {
        let mut layers = Self { home: sources.home, ..Self::default() };
        let file = match (sources.file, sources.default_file) {
            (Some(file), _) => Some(File::read(&file, &LONGEST)?.ok_or_else(|| missing(&file))?),
            (None, Some(file)) => File::read(&file, &LONGEST)?,
            (None, None) => None,
        };
        let (plain, profiled) = match &file {
            Some(file) => file.layers(sources.profile.as_deref())?,
            None => Default::default(),
        };
        layers.push(plain);
        if let Some(profile) = &sources.profile {
            layers.push(shipped_profile(profile, file.as_ref())?);
        }
        layers.push(profiled);
        let variables = said::environment(&sources.environment, &layers)?;
        layers.push(variables);
        layers.push(said::command_line(&sources.set, &sources.flags)?);
        layers.check()?;
        Ok(layers)
    }

    /// The same with what `--what-if` says on top, checked as everything else.
    pub(super) fn what_if(&self, set: &[String]) -> Result<Self, Usage> {
        let mut layers = self.clone();
        layers.push(said::what_if(set)?);
        layers.check()?;
        Ok(layers)
    }

    /// Puts a stronger layer on top.
    fn push(&mut self, layer: Layer) {
        if !layer.is_empty() {
            self.layers.insert(0, layer);
        }
    }

    /// A mistake in what is set at this path, said with the place where it is set.
    ///
    /// For mistakes that show only once all layers are known. The file is read again: nobody
    /// keeps places in mind that are needed only when something is wrong.
    #[must_use]
    pub fn at(&self, path: &[&str], usage: Usage) -> Usage {
        let path = path.join("\t");
        let below = format!("{path}{SEPARATOR}");
        let said = self.layers.iter().flatten().find(|(p, _)| **p == path || p.starts_with(&below));
        match said {
            None => usage.at("default"),
            Some((_, (_, origin @ (Origin::File(file) | Origin::Profile(Some(file), _))))) => {
                let path = match origin {
                    Origin::Profile(_, name) => {
                        format!("{PROFILES}{SEPARATOR}{name}{SEPARATOR}{path}")
                    }
                    _ => path,
                };
                match File::read(file, &LONGEST).ok().flatten().and_then(|file| file.place(&path)) {
                    Some((line, column)) => {
                        usage.at(format_args!("{}:{line}:{column}", file.display()))
                    }
                    None => usage.at(file.display()),
                }
            }
            Some((_, (_, origin))) => usage.at(origin),
        }
    }

    /// What no single value can tell.
    fn check(&self) -> Result<(), Usage> {
        if self.home.is_none()
            && let Some((path, text)) =
                self.file_names().find(|(_, text)| below_home(text).is_some())
        {
            let path: Vec<&str> = path.split(SEPARATOR).collect();
            let usage = Usage::new(format!("`{text}` cannot be found: there is no home folder"));
            return Err(self.at(&path, usage.hint("write the whole path, or set HOME")));
        }
        if self.layers.is_empty() {
            return Ok(());
        }
        let aliases = self.names(&["aliases"]);
        for name in self.names(&["cache", "ttl_by_data_type"]) {
            if schema::DATA.contains(&name.as_str()) || aliases.contains(&name) {
                continue;
            }
            let path = ["cache", "ttl_by_data_type", &name];
            let known = schema::DATA.iter().copied().chain(aliases.iter().map(String::as_str));
            let usage = Usage::new(format!("unknown key `{}`", shown(&path.join("\t"))));
            return Err(self.at(
                &path,
                usage.hint(match nearest(&name, known) {
                    Some(near) => format!("did you mean `cache.ttl_by_data_type.{near}`?"),
                    None => format!("a name is an alias or one of {}", schema::DATA.join(", ")),
                }),
            ));
        }
        Ok(())
    }
}

fn missing(file: &Path) -> Usage {
    Usage::new(format!("{} does not exist", file.display()))
        .hint("`mcache config init` writes one with every key in it")
}

impl File {
    /// What the file says to everybody, and what it says in this profile.
    fn layers(&self, profile: Option<&str>) -> Result<(Layer, Layer), Usage> {
        let (mut plain, mut profiled) = (Layer::new(), Layer::new());
        for (path, leaf) in self.flatten(&Keys::default())? {
            if !is_profile(&path) {
                plain.insert(path, (leaf, Origin::File(Arc::clone(&self.name))));
                continue;
            }
            let (prefix, inner) = split_profile(&path);
            if let Some(name) = profile
                && prefix.rsplit(SEPARATOR).next() == Some(name)
            {
                let origin = Origin::Profile(Some(Arc::clone(&self.name)), name.into());
                profiled.insert(inner.to_owned(), (leaf, origin));
            }
        }
        Ok((plain, profiled))
    }

    /// The profiles that it has.
    fn profiles(&self) -> Vec<String> {
        let keys = Keys::default();
        // Whoever asks has read it before: it is free of faults.
        drop(flatten(&self.text, &keys));
        keys.profiles.into_inner()
    }

    /// The line and the column of the key at this path.
    fn place(&self, path: &str) -> Option<(usize, usize)> {
        flatten(&self.text, &Finder { path }).err()?.place
    }
}

/// Refuses one key, to learn where it stands.
struct Finder<'a> {
    path: &'a str,
}

impl Guide for Finder<'_> {
    fn enter(&self, parent: &str, name: &str) -> Result<String, Refusal> {
        match Keys::default().enter(parent, name)? {
            path if path == self.path => Err(Refusal { message: "here".to_owned(), hint: None }),
            path => Ok(path),
        }
    }

    fn admit(&self, _: &str, _: Found) -> Result<(), Refusal> {
        Ok(())
    }

    fn check(&self, _: &str, _: &str) -> Result<(), Refusal> {
        Ok(())
    }
}

/// What is shipped under this profile, if it is known there or in the file.
fn shipped_profile(profile: &str, file: Option<&File>) -> Result<Layer, Usage> {
    let prefix = format!("{PROFILES}{SEPARATOR}{profile}{SEPARATOR}");
    let mut layer = Layer::new();
    let mut known = file.map(File::profiles).unwrap_or_default();
    for (path, leaf) in DEFAULTS.iter().filter(|(path, _)| is_profile(path)) {
        if let Some(inner) = path.strip_prefix(&prefix) {
            layer.insert(inner.to_owned(), (leaf.clone(), Origin::Profile(None, profile.into())));
        }
        known.extend(split_profile(path).0.rsplit(SEPARATOR).next().map(str::to_owned));
    }
    if known.iter().any(|name| name == profile) {
        return Ok(layer);
    }
    known.sort();
    known.dedup();
    let usage = Usage::new(format!("there is no profile `{}`", sanitized(profile)));
    let usage = match nearest(profile, known.iter().map(String::as_str)) {
        Some(name) => usage.hint(format!("did you mean `{name}`?")),
        None => usage.hint(format!("the profiles are {}", known.join(", "))),
    };
    Err(match file {
        Some(file) => usage.at(file.name.display()),
        None => usage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tree::Leaf;
    use std::time::Duration;

    const SEED: &str = r#"
cache:
  memory: {enabled: true, max_size: 1000, default_ttl_hours: 24}
  disk: {enabled: true, cache_dir: "./cache", max_size_gb: 10, compression: true}
  ttl_by_data_type:
    OHLCV: {market_hours: 300, after_hours: 86400}
    ADJUSTED_CLOSE: 86400
    DIVIDEND: 604800
    CPI_INDEX: 86400
    TREASURY_3M: 3600
"#;

    /// A folder with a file in it.
    fn file(text: impl AsRef<[u8]>) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.yaml");
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn load(text: &str, sources: Sources) -> Result<Layers, Usage> {
        let (_folder, path) = file(text);
        let shorter = |text: String| text.replace(&path.display().to_string(), "c.yaml");
        Layers::load(Sources { file: Some(path.clone()), ..sources }).map_err(|usage| Usage {
            message: shorter(usage.message),
            hint: usage.hint.map(shorter),
        })
    }

    fn profile(name: &str) -> Sources {
        Sources { profile: Some(name.to_owned()), ..Sources::default() }
    }

    fn value(layers: &Layers, path: &[&str]) -> (String, String) {
        let (leaf, origin) = layers.get(path).unwrap();
        let Leaf::Text(text) = leaf else { panic!("{leaf:?}") };
        (text.to_string(), origin.to_string())
    }

    #[test]
    fn the_block_of_the_seed_document_loads_as_it_stands() {
        let block = "cache:\n  memory:\n    enabled: true\n    max_size: 1000\n    \
                     default_ttl_hours: 24\n  disk:\n    cache_dir: \"./cache\"\n    max_size_gb: 10\n  \
                     ttl_by_data_type:\n    OHLCV:\n      market_hours: 300\n      after_hours: 86400\n";
        for text in [SEED, block] {
            let (folder, path) = file(text);
            let layers = Layers::load(Sources { file: Some(path), ..Sources::default() }).unwrap();
            let cache = |rest: &[&'static str]| [&["cache"], rest].concat();
            assert_eq!(layers.number(&cache(&["memory", "default_ttl_hours"])), Some(24.0));
            assert_eq!(layers.number(&cache(&["disk", "max_size_gb"])), Some(10.0));
            assert_eq!(
                layers.duration(&cache(&["ttl_by_data_type", "OHLCV", "after_hours"])),
                Some(Duration::from_hours(24))
            );
            let said = layers.path(&cache(&["disk", "cache_dir"])).unwrap();
            assert_eq!(said, folder.path().join("./cache"), "relative to the file");
        }
    }

    /// Stands for the hint that names all keys.
    const KEYS: &str = "the keys are …";

    /// A file, the message and the hint.
    const MISTAKES: &[(&str, &str, &str)] = &[
        (
            "cache:\n  disk:\n    max_sise_gb: 2\n",
            "c.yaml:3:5: unknown key `cache.disk.max_sise_gb`",
            "did you mean `cache.disk.max_size_gb`?",
        ),
        (
            "cache: {disk: {max_sise_gb: 2}}",
            "c.yaml:1:16: unknown key `cache.disk.max_sise_gb`",
            "did you mean `cache.disk.max_size_gb`?",
        ),
        (
            "profiles:\n  dev:\n    ttl:\n      qoute: 5\n",
            "c.yaml:4:7: unknown key `profiles.dev.ttl.qoute`",
            "did you mean `profiles.dev.ttl.quote`?",
        ),
        ("profile: {}", "c.yaml:1:1: unknown key `profile`", "did you mean `profiles`?"),
        (
            "ttl:\n  quote: {stock: 5x}\n",
            "c.yaml:2:18: `ttl.quote.stock`: `5x` is not a duration",
            "write seconds (90) or 500ms, 30s, 5m, 1h, 7d",
        ),
        (
            "cache:\n  disk:\n    max_size_gb: {a: 1}\n",
            "c.yaml:3:18: `cache.disk.max_size_gb` is a map, not a number from 0.001 to 1000000",
            "",
        ),
        (
            "providers:\n  yahoo:\n    limits: 60/1m\n",
            "c.yaml:3:13: `providers.yahoo.limits` is a single value, not a list of limits like [60/1m]",
            "",
        ),
        (
            "providers:\n  yahoo:\n    limits:\n    - 60/1m\n    - 10/x\n",
            "c.yaml:5:7: `providers.yahoo.limits`: `10/x` is not a limit",
            "write calls/time with both above zero: 60/1m, 20/10s, 2/s; calls of a calendar's day or month stand in `budget`",
        ),
        (
            "cache:\n  - disk\n",
            "c.yaml:2:3: `cache` is a list, not a map",
            "the keys of `cache` are memory, disk, ttl_by_data_type",
        ),
        (
            "cache: {disk: {enabled: true, enabled: false}}",
            "c.yaml:1:31: `cache.disk.enabled` stands here for the second time",
            "keep one of the two",
        ),
        (
            "symbols: {btc: crypto, BTC: stock}",
            "c.yaml:1:24: `symbols.BTC` stands here for the second time",
            "keep one of the two",
        ),
        ("- a\n", "c.yaml:1:1: the file is a list, not a map", KEYS),
        (
            "cache: [a",
            "c.yaml:2:1: not YAML: did not find expected ',' or ']', while parsing a flow sequence at line 1 column 8",
            "",
        ),
        (
            "cache:\n  ttl_by_data_type:\n    OHLVC: 5\n",
            "c.yaml:3:5: unknown key `cache.ttl_by_data_type.OHLVC`",
            "did you mean `cache.ttl_by_data_type.OHLCV`?",
        ),
        ("profiles: {dev: 5}", "c.yaml:1:17: `profiles.dev` is not a map", KEYS),
    ];

    #[test]
    fn a_mistake_is_told_with_its_place_and_what_was_meant() {
        for (text, message, hint) in MISTAKES {
            let usage = load(text, Sources::default()).unwrap_err();
            let hint = if *hint == KEYS { schema::keys_of("") } else { (*hint).to_owned() };
            assert_eq!((usage.message.as_str(), usage.hint.unwrap_or_default()), (*message, hint));
        }
    }

    #[test]
    fn what_is_no_configuration_at_all_says_so() {
        let too_long = format!("# {}\n", "x".repeat(1_000_000));
        for (text, message) in [
            (too_long.as_bytes(), "is longer than 1 MB"),
            (b"cache:\n  \xff\n".as_slice(), "c.yaml:2:3: this is not UTF-8"),
        ] {
            let (_folder, path) = file(text);
            let usage =
                Layers::load(Sources { file: Some(path), ..Sources::default() }).unwrap_err();
            assert!(usage.message.ends_with(message), "{}", usage.message);
        }
        let folder = tempfile::tempdir().unwrap();
        let from = |path: PathBuf| Layers::load(Sources { file: Some(path), ..Sources::default() });
        let message = from(folder.path().to_owned()).unwrap_err().message;
        assert!(message.contains(" cannot be read: "), "{message}");
        let message = from(folder.path().join("none")).unwrap_err().message;
        assert!(message.ends_with("none does not exist"), "{message}");
        let absent = Some(folder.path().join("none"));
        assert!(Layers::load(Sources { default_file: absent, ..Sources::default() }).is_ok());
        assert!(load("", Sources::default()).unwrap().layers.is_empty());
    }

    #[test]
    fn the_stronger_layer_wins_and_is_named() {
        let text = "crypto_quote: B\nttl: {not_found: 2}\nprofiles: {prod: {crypto_quote: C, ttl: {not_found: 3}}}\n";
        let path = ["crypto_quote"];
        let layers = load(text, Sources::default()).unwrap();
        assert_eq!(value(&layers, &path).0, "B");
        assert!(value(&layers, &path).1.ends_with("/c.yaml"));
        let layers = load(text, profile("prod")).unwrap();
        assert_eq!(value(&layers, &path).0, "C");
        assert!(value(&layers, &path).1.ends_with("/c.yaml, profile prod"));
        assert_eq!(layers.duration(&["ttl", "not_found"]), Some(Duration::from_secs(3)));
        let mut sources = profile("prod");
        sources.environment = vec![
            ("MCACHE_CRYPTO_QUOTE".to_owned(), "D".to_owned()),
            ("MCACHE_TTL__NOT_FOUND".to_owned(), "4".to_owned()),
        ];
        let layers = load(text, sources.clone()).unwrap();
        assert_eq!(value(&layers, &path), ("D".to_owned(), "MCACHE_CRYPTO_QUOTE".to_owned()));
        sources.set = vec!["crypto_quote=E".to_owned(), "crypto_quote=F".to_owned()];
        let layers = load(text, sources.clone()).unwrap();
        assert_eq!(value(&layers, &path), ("F".to_owned(), "--set".to_owned()));
        assert_eq!(value(&layers, &["ttl", "not_found"]).1, "MCACHE_TTL__NOT_FOUND");
        sources.flags =
            vec![Flag { name: "--cache-dir", key: "cache.disk.cache_dir", value: "c".to_owned() }];
        let layers = load(text, sources).unwrap();
        let dir = ["cache", "disk", "cache_dir"];
        assert_eq!(value(&layers, &dir), ("c".to_owned(), "--cache-dir".to_owned()));
        assert_eq!(layers.path(&dir), Some("c".into()), "relative to where the command runs");
    }

    #[test]
    fn an_unknown_profile_names_those_that_there_are() {
        let text = "profiles: {mine: {}, fast: }";
        for name in ["mine", "fast", "dev", "prod"] {
            assert!(load(text, profile(name)).is_ok(), "{name}");
        }
        for (text, name, hint) in [
            (text, "min", "did you mean `mine`?"),
            (text, "prd", "did you mean `prod`?"),
            (text, "elephant", "the profiles are dev, fast, mine, prod"),
            ("", "elephant", "the profiles are dev, prod"),
        ] {
            let usage = load(text, profile(name)).unwrap_err();
            assert_eq!(usage.message, format!("c.yaml: there is no profile `{name}`"));
            assert_eq!(usage.hint.as_deref(), Some(hint));
        }
        assert!(Layers::load(profile("mine")).is_err());
    }

    #[test]
    fn a_shipped_profile_is_over_the_file_and_under_the_files_own() {
        let (size, bytes) = (["cache", "memory", "max_size"], ["cache", "memory", "max_bytes"]);
        let layers = Layers::load(profile("prod")).unwrap();
        assert_eq!(value(&layers, &size), ("10000".into(), "default, profile prod".into()));
        let text = "profiles: {prod: {cache: {memory: {max_size: 7}}}, dev: {ttl: {quote: 60}}}\n\
                    cache: {memory: {max_size: 5, max_bytes: 1MiB}}\nttl: {quote: {fx: 1}}";
        let layers = load(text, profile("prod")).unwrap();
        assert_eq!(value(&layers, &size).0, "7");
        assert!(value(&layers, &size).1.ends_with("/c.yaml, profile prod"));
        assert_eq!(value(&layers, &bytes), ("256MiB".into(), "default, profile prod".into()));
        let layers = load(text, profile("dev")).unwrap();
        assert_eq!(value(&layers, &size), ("100".into(), "default, profile dev".into()));
        assert!(value(&layers, &bytes).1.ends_with("/c.yaml"));
        // A plain value stands for all that weaker layers say below it.
        assert_eq!(layers.duration(&["ttl", "quote", "stock"]), None);
        assert_eq!(layers.duration(&["ttl", "quote"]), Some(Duration::from_mins(1)));
    }

    #[test]
    fn tickers_are_what_was_written() {
        let text = "watchlists: {a: [NO, TRUE, 0700, NULL, ON, 600519, 1E5, BRK.B]}\n\
                    symbols: {NO: stock, TRUE: stock, 0700: stock, NULL: stock, brk.b: stock}\n\
                    aliases: {Y: NULL, X: TRUE}\n";
        let layers = load(text, Sources::default()).unwrap();
        assert_eq!(
            layers.list(&["watchlists", "a"]).unwrap(),
            ["NO", "TRUE", "0700", "NULL", "ON", "600519", "1E5", "BRK.B"]
        );
        for name in ["NO", "TRUE", "0700", "NULL", "BRK.B"] {
            assert_eq!(layers.text(&["symbols", name]), Some("stock"), "{name}");
        }
        assert_eq!(layers.text(&["aliases", "Y"]), Some("NULL"));
        assert!(layers.all().any(|(path, ..)| path == "symbols.\"BRK.B\""));
    }

    #[test]
    fn a_name_of_data_may_be_an_alias() {
        let text = "aliases: {OUTPUT: macro:GDP}\ncache: {ttl_by_data_type: {OUTPUT: 5}}\n";
        assert!(load(text, Sources::default()).is_ok());
        let only_in_profile = "profiles: {p: {cache: {ttl_by_data_type: {ELEPHANTS: 5}}}}";
        assert!(load(only_in_profile, Sources::default()).is_ok());
        let usage = load(only_in_profile, profile("p")).unwrap_err();
        assert_eq!(usage.message, "c.yaml:1:43: unknown key `cache.ttl_by_data_type.ELEPHANTS`");
    }

    #[test]
    fn a_home_that_nobody_knows_is_an_error_where_it_is_needed() {
        let text = "providers: {fred: {auth: {file: ~/key}}}";
        let usage = load(text, Sources::default()).unwrap_err();
        assert_eq!(usage.message, "c.yaml:1:27: `~/key` cannot be found: there is no home folder");
        let layers = load(text, Sources { home: Some("/h".into()), ..Sources::default() }).unwrap();
        assert_eq!(layers.path(&["providers", "fred", "auth", "file"]), Some("/h/key".into()));
    }

    #[test]
    fn line_ends_and_anchors_of_other_editors_change_no_place() {
        for (text, message) in [
            ("ttl:\r\n  quote: 5x\r\n", "c.yaml:2:10: `ttl.quote`: `5x` is not a duration"),
            ("\u{feff}ttl: {quote: 5x}", "c.yaml:1:14: `ttl.quote`: `5x` is not a duration"),
            (
                "ttl: &t {quote: 5x}\nprofiles: {a: {ttl: *t}}",
                "c.yaml:1:17: `ttl.quote`: `5x` is not a duration",
            ),
            ("hello", "c.yaml:1:1: the file is a single value, not a map"),
            ("\"\\e[31m\": 1", "c.yaml:1:1: unknown key `[31m`"),
        ] {
            assert_eq!(load(text, Sources::default()).unwrap_err().message, message);
        }
    }

    #[test]
    fn a_later_mistake_finds_its_place_again() {
        let (_folder, path) =
            file("chains:\n  stock: [yaho]\nprofiles:\n  p:\n    chains: {fx: [yaho]}\n");
        let sources = Sources { file: Some(path.clone()), ..profile("p") };
        let layers =
            Layers::load(Sources { set: vec!["chains.macro=x".to_owned()], ..sources }).unwrap();
        for (path_of, place) in [
            (["chains", "stock"], format!("{}:2:3: no", path.display())),
            (["chains", "fx"], format!("{}:5:14: no", path.display())),
            (["chains", "macro"], "--set: no".to_owned()),
            (["chains", "index"], "default: no".to_owned()),
        ] {
            assert_eq!(layers.at(&path_of, Usage::new("no")).message, place);
        }
    }
}
