//! A text file of the user's, read whole: bounded, in UTF-8, and without the marks that other
//! editors leave in it.
//!
//! It decides nothing about what stands in the file; it says where a mistake stands. That a file
//! is not there is for the caller to judge.

use std::io::{ErrorKind, Read as _};
use std::path::Path;
use std::sync::Arc;

use super::tree::{Fault, Guide, Leaves, Refusal, flatten, place_after};
use crate::error::Usage;

/// The most that is read of a file.
pub(super) struct Longest {
    pub(super) bytes: u64,
    /// The same as people write it.
    pub(super) shown: &'static str,
    /// What to do about a longer one.
    pub(super) hint: &'static str,
}

/// A file as it was read.
pub(super) struct File {
    pub(super) name: Arc<Path>,
    pub(super) text: String,
}

impl File {
    /// Reads a file; none if there is none.
    pub(super) fn read(name: &Path, longest: &Longest) -> Result<Option<Self>, Usage> {
        let shown = name.display();
        let unreadable =
            |error: std::io::Error| Usage::new(format!("{shown} cannot be read: {error}"));
        let file = match std::fs::File::open(name) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        // A file may be a pipe, whose length nobody knows beforehand.
        let mut bytes = Vec::new();
        file.take(longest.bytes + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > longest.bytes {
            return Err(
                Usage::new(format!("{shown} is longer than {}", longest.shown)).hint(longest.hint)
            );
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let (line, column) = place_after(&String::from_utf8_lossy(&error.as_bytes()[..valid]));
            Usage::new("this is not UTF-8")
                .hint("save the file as UTF-8 text")
                .at(format_args!("{shown}:{line}:{column}"))
        })?;
        // The parser would count a byte order mark as a column.
        let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
        Ok(Some(Self { name: name.into(), text }))
    }

    /// Its leaves, if it is YAML and the guide takes it.
    pub(super) fn flatten(&self, guide: &dyn Guide) -> Result<Leaves, Usage> {
        flatten(&self.text, guide).map_err(|fault| self.fault(fault))
    }

    /// What is wrong with its YAML, said with the place.
    pub(super) fn fault(&self, Fault { place, refusal }: Fault) -> Usage {
        let usage = Usage::from(refusal);
        match place {
            Some((line, column)) => {
                usage.at(format_args!("{}:{line}:{column}", self.name.display()))
            }
            None => usage.at(self.name.display()),
        }
    }
}

impl From<Refusal> for Usage {
    fn from(Refusal { message, hint }: Refusal) -> Self {
        // The parser quotes keys as they are, and they may hold anything.
        Self { message: message.replace(char::is_control, " "), hint }
    }
}
