//! Loads the layers: reads the user's file and puts what else was [`said`](crate::config::said) on top.
//!
//! What is wrong is said with its place and stops the program before anything was done. The
//! environment itself is not read here: it is given, so that a test can give another.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::defaults::DEFAULTS;
use crate::config::file::{File, Longest};
use crate::config::layers::{Layer, Layers, Origin, below_home, is_profile};
use crate::config::said::{self, Flag};
use crate::config::schema::{self, Keys, PROFILES, split_profile};
use crate::config::tree::{Found, Guide, Refusal, SEPARATOR, flatten, shown};
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
mod tests;
