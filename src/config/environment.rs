//! The environment of the process, read once and here only.

use std::path::PathBuf;

use super::Sources;
use crate::error::Usage;

/// A copy of the environment; a test may give another.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: Vec<(String, String)>,
}

impl Environment {
    /// The environment of this process. What is not UTF-8 is passed over, unless it is ours.
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    pub fn of_this_process() -> Result<Self, Usage> {
        let mut variables = Vec::new();
        for (name, value) in std::env::vars_os() {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => variables.push((name, value)),
                (Ok(name), Err(_)) if name.starts_with("MCACHE_") => {
                    return Err(Usage::new(format!("{name} is not UTF-8"))
                        .hint("write names of files and folders in UTF-8"));
                }
                _ => {}
            }
        }
        Ok(Self { variables })
    }

    /// A variable; an empty one is as good as none.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables
            .iter()
            .find(|(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }

    /// The variable that stands for a flag: `MCACHE_CALLER` for `--caller`.
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.get(&format!("MCACHE_{name}"))
    }

    /// The user's home.
    pub fn home(&self) -> Option<PathBuf> {
        self.get("HOME").map(PathBuf::from)
    }

    /// A folder of the XDG base directory specification: absolute in the variable, else in the
    /// home; none if there is no home.
    pub fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        self.get(variable)
            .map(PathBuf::from)
            // The specification: a relative path is to be ignored.
            .filter(|path| path.is_absolute())
            .or_else(|| self.home().map(|home| home.join(below_home)))
            .map(|folder| folder.join("mcache"))
    }

    /// The user's file, whether it is there or not.
    pub fn file(&self) -> Option<PathBuf> {
        self.folder("XDG_CONFIG_HOME", ".config").map(|folder| folder.join("config.yaml"))
    }

    /// The sources of a configuration that nothing was said about on the command line.
    pub(super) fn sources(&self) -> Sources {
        Sources {
            file: self.flag("CONFIG").map(PathBuf::from),
            default_file: self.file(),
            profile: self.flag("PROFILE").map(str::to_owned),
            environment: self
                .variables
                .iter()
                .filter(|(name, _)| name.starts_with("MCACHE_"))
                .cloned()
                .collect(),
            home: self.home(),
            ..Sources::default()
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self { variables: variables.map(owned).to_vec() }
    }
}
