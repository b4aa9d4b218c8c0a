//! What is built from a configuration: questions, rules, providers, and the cache that one opens.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::{
    Environment, Flag, Layers, Lists, commands, endpoints, invalidation, lists, sites, strategies,
};
use crate::cache::{Cache, Lazily, Options, Question};
use crate::clock::Clock;
use crate::codec::Packing;
use crate::db::hits::LONGEST_CALLER;
use crate::error::{Usage, nearest, sanitized};
use crate::key::{Key, PUT, Pattern};
use crate::market::{Class, DataType, Names, Params, Symbol};
use crate::policy::Rules;
use crate::provider::Speech;
use crate::tier::memory::Bounds;
use crate::tier::series::MOST_PAST;
use crate::time::Timestamp;
use crate::upstream::Surroundings;

/// Who asks, if nobody says.
const CALLER: &str = "cli";

/// What a command line says about the configuration. Flags are stronger than variables.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// `--config`.
    pub file: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--cache-dir`.
    pub cache_dir: Option<String>,
    /// `--set`.
    pub set: Vec<String>,
    /// `--caller`.
    pub caller: Option<String>,
}

/// A configuration, checked, from which everything else is made.
#[derive(Debug)]
pub struct Config {
    layers: Arc<Layers>,
    environment: Arc<Environment>,
    clock: Clock,
    caller: String,
    folder: PathBuf,
    /// What is said of where it comes from, and who asks if that is said.
    said: Arc<(Option<PathBuf>, Option<String>, Option<String>)>,
    /// The lists, once somebody has asked for them.
    pub(super) read_lists: OnceLock<Arc<Lists>>,
}

impl Config {
    /// Gathers what is said on the command line, in the environment and in the user's file.
    pub fn load(said: Said, environment: Environment) -> Result<Self, Usage> {
        let mut sources = environment.sources();
        sources.file = said.file.or(sources.file);
        sources.profile = said.profile.or(sources.profile);
        sources.set = said.set;
        let flag = |value| Flag { name: "--cache-dir", key: "cache.disk.cache_dir", value };
        sources.flags.extend(said.cache_dir.map(flag));
        let caller = said.caller.or_else(|| environment.flag("CALLER").map(str::to_owned));
        let clock = match environment.flag("NOW") {
            None => Clock::system(),
            Some(text) => {
                Clock::starting_at(Timestamp::parse(text).map_err(|u| u.at("MCACHE_NOW"))?)
            }
        };
        let said = Arc::new((sources.file.clone(), sources.profile.clone(), caller.clone()));
        let layers = Layers::load(sources)?;
        let folder = layers
            .path(&["cache", "disk", "cache_dir"])
            .or_else(|| environment.folder("XDG_CACHE_HOME", ".cache"))
            .ok_or_else(|| {
                Usage::new("there is no folder for the cache: HOME is not set")
                    .hint("say one with --cache-dir or MCACHE_CACHE_DIR")
            })?;
        let config = Self {
            layers: Arc::new(layers),
            environment: Arc::new(environment),
            clock,
            caller: checked_caller(caller)?,
            folder,
            said,
            read_lists: OnceLock::new(),
        };
        config.check()?;
        Ok(config)
    }

    /// What is configured, with where it came from.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// The same, for whoever reads them later.
    pub(super) fn shared_layers(&self) -> Arc<Layers> {
        Arc::clone(&self.layers)
    }

    /// The clock that `MCACHE_NOW` set, or the system's.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The environment that it was read from.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The cache folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// Opens the cache; refused if a file that its rules need cannot be read.
    pub fn open(&self) -> Result<Cache, Usage> {
        self.open_with(|_| {})
    }

    /// Opens the cache with options changed, for a benchmark of its own.
    pub fn open_with(&self, change: impl FnOnce(&mut Options)) -> Result<Cache, Usage> {
        let layers = &self.layers;
        let (shared, environment) = (Arc::clone(layers), Arc::clone(&self.environment));
        let (said, lists) = (Arc::clone(layers), Arc::clone(self.lists()?));
        let same = Arc::new(self.with(Arc::clone(layers)));
        let told = Arc::clone(&same);
        let switched_on = |tier| layers.flag(&["cache", tier, "enabled"]).unwrap_or(true);
        let gigabytes = layers.number(&["cache", "disk", "max_size_gb"]).unwrap_or(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the schema bounds it to a million gigabytes"
        )]
        let mut options = Options {
            folder: switched_on("disk").then(|| self.folder.clone()),
            ledger_folder: Some(self.folder.clone()),
            packing: self.packing(),
            most_past: layers
                .count(&["series", "past"])
                .map_or(MOST_PAST, |most| usize::try_from(most).unwrap_or(usize::MAX)),
            max_disk_bytes: (gigabytes * 1e9) as u64,
            memory: switched_on("memory").then(|| Bounds {
                bytes: layers.bytes(&["cache", "memory", "max_bytes"]).map_or(0, |bytes| bytes.0),
                entries: layers.count(&["cache", "memory", "max_size"]).unwrap_or(0),
            }),
            rules: self.rules()?,
            invalidation: Lazily::new(Box::new(move || invalidation::invalidation(&said, &lists))),
            clock: self.clock,
            caller: self.caller.clone(),
            sites: Arc::new(move |name| sites::site(&shared, &environment, name)),
            jobs: None,
            inputs: Arc::new(move |question, provider| same.inputs(question, provider)),
            surroundings: Lazily::new(Box::new(move || told.surroundings())),
        };
        change(&mut options);
        Ok(Cache::open(options))
    }

    /// The rules that would be in force if this were set besides; refused as `--set` would be.
    pub fn rules_if(&self, set: &[String]) -> Result<Rules, Usage> {
        let config = self.with(Arc::new(self.layers.what_if(set)?));
        config.check()?;
        config.rules()
    }

    /// The same with other layers.
    fn with(&self, layers: Arc<Layers>) -> Self {
        Self {
            layers,
            environment: Arc::clone(&self.environment),
            clock: self.clock,
            caller: self.caller.clone(),
            folder: self.folder.clone(),
            said: Arc::clone(&self.said),
            read_lists: OnceLock::new(),
        }
    }

    /// What programs that are asked are told: by what another process uses the same cache and the same
    /// configuration.
    fn surroundings(&self) -> Surroundings {
        let (file, profile, caller) = &*self.said;
        let absolute = |path: &Path| std::path::absolute(path).ok()?.to_str().map(str::to_owned);
        let variables = [
            ("MCACHE_CACHE_DIR", absolute(&self.folder)),
            ("MCACHE_CONFIG", file.as_deref().and_then(absolute)),
            ("MCACHE_PROFILE", profile.clone()),
            ("MCACHE_CALLER", caller.clone()),
        ];
        let said =
            variables.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Surroundings {
            variables: said.collect(),
            held: Surroundings::read_held(self.environment.flag("HELD").unwrap_or_default()),
        }
    }

    /// The name of a provider, if it is configured.
    pub fn provider<'a>(&self, name: &'a str) -> Result<&'a str, Usage> {
        if sites::is_there(&self.layers, name) {
            return Ok(name);
        }
        let known = self.providers();
        let usage = Usage::new(format!("there is no provider `{}`", sanitized(name)));
        Err(usage.hint(match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the providers are {}", known.join(", ")),
        }))
    }

    /// The names of all providers.
    pub fn providers(&self) -> Vec<String> {
        self.layers.names(&["providers"])
    }

    /// The name of an endpoint of a provider, if it has one of this name.
    pub fn endpoint<'a>(&self, provider: &str, name: &'a str) -> Result<&'a str, Usage> {
        let speech = sites::speech(&self.layers, provider);
        let known = speech.as_ref().map(Speech::endpoints).unwrap_or_default();
        if known.contains_key(name) {
            return Ok(name);
        }
        let usage = Usage::new(format!("{provider} has no endpoint `{}`", sanitized(name)));
        let known: Vec<&str> = known.keys().map(AsRef::as_ref).collect();
        Err(usage.hint(match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("its endpoints are {}", known.join(", ")),
        }))
    }

    /// The question that a key as people write it stands for; `KEY@provider` names the entry of
    /// one provider, `KEY` the chain's.
    pub fn key(&self, text: &str) -> Result<Question, Usage> {
        if let Some((key, provider)) = text.rsplit_once('@') {
            let provider = if provider == PUT { PUT } else { self.provider(provider)? };
            return Ok(self.entry(Key::parse(key, &*self.layers)?, provider));
        }
        let mut question = self.entry(Key::parse(text, &*self.layers)?, PUT);
        if let Ok(data_type) = self.data_type(question.key.data_type(), None)
            && question.key.class().is_some()
        {
            question.data_type = data_type;
            let interval = question.key.interval().unwrap_or_default();
            question.providers = self.chain(&question.symbol, question.data_type, interval);
        }
        Ok(question)
    }

    /// A key to write under: free, but without a provider.
    pub fn free_key(&self, text: &str) -> Result<Key, Usage> {
        Key::parse(text, &*self.layers)
    }

    /// The question for the entry of one provider under a key.
    pub fn entry(&self, key: Key, provider: &str) -> Question {
        let class = key.class().unwrap_or(Class::Stock);
        Question {
            symbol: Symbol::new(class, key.symbol().unwrap_or(key.as_str())),
            data_type: DataType::parse(key.data_type()).unwrap_or(DataType::Quote),
            read_as: key.clone(),
            params: Params::default(),
            key,
            providers: if provider == PUT { Vec::new() } else { vec![provider.into()] },
            pinned: provider != PUT,
            slice: None,
        }
    }

    /// A pattern over keys as people write it.
    pub fn pattern(&self, text: &str) -> Result<Pattern, Usage> {
        Pattern::parse(text, &*self.layers)
    }

    /// A symbol as people write it.
    pub fn symbol(&self, text: &str) -> Result<Symbol, Usage> {
        Symbol::parse(text, &*self.layers)
    }

    /// What one call of a provider costs.
    pub fn cost_per_call(&self, provider: &str) -> f64 {
        self.layers.number(&["providers", provider, "cost_per_call"]).unwrap_or(0.0)
    }

    fn packing(&self) -> Packing {
        let path = ["cache", "disk", "compression"];
        let wanted =
            self.layers.text(&path) == Some("zstd") || self.layers.flag(&path) == Some(true);
        if wanted { Packing::Zstd } else { Packing::None }
    }

    /// What shows only once all layers are known.
    fn check(&self) -> Result<(), Usage> {
        if !self.layers.differ() {
            return Ok(());
        }
        // What is shipped was checked before it was.
        let differs = |name: &String| self.layers.differ_at(&format!("providers\t{name}"));
        for name in self.providers().into_iter().filter(differs) {
            let path = ["providers", name.as_str()];
            self.check_provider(&name).map_err(|(keys, usage)| {
                let keys = keys.iter().map(String::as_str);
                let path: Vec<&str> = path.into_iter().chain(keys).collect();
                self.layers.at(&path, usage)
            })?;
        }
        for class in Class::ALL.map(Class::as_str) {
            let path = ["chains", class];
            let chain = self.layers.list(&path).unwrap_or_default();
            for (at, name) in chain.iter().enumerate() {
                let link = self.check_link(name, &chain[..at]);
                link.map_err(|usage| self.layers.at(&path, usage))?;
            }
        }
        strategies::check(&self.layers)?;
        lists::check(&self.layers)?;
        self.check_freshness()
    }

    /// A mistake in a provider, with the keys that lead to it from there.
    fn check_provider(&self, name: &str) -> Result<(), endpoints::Mistake> {
        let of = |key: &str| vec![key.to_owned()];
        let Some(speech) = sites::speech(&self.layers, name) else {
            let kinds = Speech::NAMES.join(", ");
            let usage = Usage::new(format!("the provider `{name}` has no `kind`"));
            let known = self.layers.names(&["providers"]);
            let others = known.iter().map(String::as_str).filter(|other| *other != name);
            return Err((
                Vec::new(),
                usage.hint(match nearest(name, others) {
                    Some(near) => format!("did you mean `{near}`? a new one needs one of {kinds}"),
                    None => format!("add one of {kinds}"),
                }),
            ));
        };
        for key in ["latency", "error_rate", "rate_limit"] {
            if speech != Speech::Demo && self.layers.get(&["providers", name, key]).is_some() {
                let usage =
                    Usage::new(format!("`{key}` is for the kind demo, and `{name}` is real"));
                return Err((of(key), usage.hint("to limit how often it is asked, use `limits`")));
            }
        }
        if !matches!(speech, Speech::Http(_)) {
            self.check_other_than_http(name)?;
        }
        if let Speech::Command(_) = speech {
            commands::check_provider(&self.layers, name)?;
        }
        sites::check_auth(&self.layers, name)?;
        for endpoint in self.layers.names(&["providers", name, "endpoints"]) {
            if let Speech::Command(_) = speech {
                self.check_command(name, &endpoint)?;
                continue;
            }
            commands::check_none(&self.layers, name, &endpoint)?;
            if let Speech::Http(_) = speech {
                endpoints::check(&self.layers, name, &endpoint)?;
            } else {
                self.endpoint(name, &endpoint).map_err(|usage| (of("endpoints"), usage))?;
                commands::check_built_in(&self.layers, name, &endpoint)?;
            }
        }
        let site = sites::site(&self.layers, &self.environment, name);
        let reserved: f64 = site.limits.reserve.values().map(|share| share.0).sum();
        if reserved >= 1.0 {
            let usage = Usage::new("what is reserved leaves nothing for the others");
            return Err((of("reserve"), usage.hint("keep the sum of the shares below 100%")));
        }
        site.check().map_err(|usage| (Vec::new(), usage.at(format_args!("providers.{name}"))))
    }

    /// What a provider of another kind says of itself, and only one of the kind http has.
    fn check_other_than_http(&self, name: &str) -> Result<(), endpoints::Mistake> {
        if self.layers.get(&["providers", name, "auth", "path"]).is_some() {
            let usage = Usage::new(format!("`{name}` has no place for a key in its paths"));
            let hint = "keep query, header or bearer; path is for the kind http";
            return Err((vec!["auth".to_owned(), "path".to_owned()], usage.hint(hint)));
        }
        if !self.layers.names(&["providers", name, "names"]).is_empty() {
            let usage = Usage::new("`names` is for the kind http");
            let hint = format!("leave it out: `{name}` is of another kind");
            return Err((vec!["names".to_owned()], usage.hint(hint)));
        }
        Ok(())
    }

    /// A mistake in a name that a chain holds behind others.
    fn check_link(&self, name: &str, before: &[&str]) -> Result<(), Usage> {
        self.provider(name)?;
        if before.contains(&name) {
            return Err(Usage::new(format!("`{name}` stands twice in a chain"))
                .hint("leave one out: nobody is asked twice, and a quorum is of several"));
        }
        if sites::invents(&self.layers, name) {
            return Err(Usage::new(format!(
                "`{name}` invents its data and cannot stand in a chain"
            ))
            .hint(format!("ask it with `-p {name}`")));
        }
        Ok(())
    }
}

impl Names for Layers {
    fn class_of(&self, name: &str) -> Option<Class> {
        self.text(&["symbols", name]).and_then(Class::from_name)
    }

    fn alias(&self, name: &str) -> Option<String> {
        self.text(&["aliases", name]).map(str::to_owned)
    }

    fn crypto_quote(&self) -> String {
        self.text(&["crypto_quote"]).unwrap_or("USDT").to_owned()
    }
}

/// A caller's name stands in every record of the hit log, so it is short and plain.
fn checked_caller(caller: Option<String>) -> Result<String, Usage> {
    let caller = caller.unwrap_or_else(|| CALLER.to_owned());
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if caller.is_empty() || caller.len() > LONGEST_CALLER || !caller.chars().all(plain) {
        return Err(Usage::new(format!("`{}` is not the name of a caller", sanitized(&caller)))
            .hint(format!("write at most {LONGEST_CALLER} letters, digits and - _ . /")));
    }
    Ok(caller)
}
