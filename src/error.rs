//! The one error of the library, and the one way to say that a request makes no sense.
//!
//! This file imports nothing of mcache: other modules make errors out of words, not out of their
//! types, so an error can never be the reason for a cycle. Trouble with the cache itself is no
//! error at all, it is a [`Warning`](crate::warning::Warning).

use std::fmt;
use std::sync::Arc;

/// Why a symbol could not be served; the names are the contract's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Upstream does not know the symbol.
    NotFound,
    /// A limit of upstream, or one that we keep for it, allows no call now.
    RateLimited,
    /// The key is missing, wrong or not entitled.
    Unauthorized,
    /// No answer came: name resolution, connection or time-out.
    Unreachable,
    /// Upstream answered that it failed.
    Upstream,
    /// What came cannot be market data.
    InvalidData,
    /// Only the cache may answer, and it does not hold this.
    Offline,
    /// No provider of the chain has this.
    Unsupported,
}

impl Kind {
    /// Every kind, in the order of the contract.
    pub const ALL: [Self; 8] = [
        Self::NotFound,
        Self::RateLimited,
        Self::Unauthorized,
        Self::Unreachable,
        Self::Upstream,
        Self::InvalidData,
        Self::Offline,
        Self::Unsupported,
    ];

    /// The name in output and statistics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::Unauthorized => "unauthorized",
            Self::Unreachable => "unreachable",
            Self::Upstream => "upstream",
            Self::InvalidData => "invalid_data",
            Self::Offline => "offline",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What failed, on what, and what to do about it.
///
/// The message is a lower-case fragment without a full stop; values stand in backticks. It never
/// holds a secret: whoever makes one from a URL leaves the query out.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// Which of the eight it is.
    pub kind: Kind,
    /// What failed and on what.
    pub message: String,
    /// A thing to do, preferably a command that can be pasted.
    pub hint: Option<String>,
    #[source]
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hint: None, source: None }
    }

    /// The same error with a thing to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same error for whoever knows better what to do.
    #[must_use]
    pub fn without_hint(mut self) -> Self {
        self.hint = None;
        self
    }

    /// The same error with what brought it about, for `-v`.
    #[must_use]
    pub fn caused_by(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }
}

/// A command line or a configuration that makes no sense: nothing is done, exit code 2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Usage {
    /// What is wrong, and where.
    pub message: String,
    /// What would be right.
    pub hint: Option<String>,
}

impl Usage {
    /// A mistake of the one who asks.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same mistake with what would be right.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same mistake, said of the place where it stands.
    #[must_use]
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

/// Text from outside, cut and without control characters, fit for a terminal and a message.
pub fn sanitized(text: &str) -> String {
    const LONGEST: usize = 160;
    let mut clean: String =
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    if text.chars().nth(LONGEST).is_some() {
        clean.push('…');
    }
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The candidate that a misspelt word most probably meant, if one is near enough.
///
/// Near is an edit distance of about a third of the word's length, and at least one: enough for
/// two exchanged letters (distance two) in a word of five.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = ((word.chars().count() + 1) / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word.to_lowercase(), &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The number of insertions, deletions and replacements between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_word_finds_its_neighbour() {
        for (word, expected) in [
            ("tttl", Some("ttl")),
            ("yahho", Some("yahoo")),
            ("QOUTE", Some("quote")),
            ("elephant", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, ["ttl", "yahoo", "quote"]), expected, "{word}");
        }
    }

    #[test]
    fn text_from_outside_cannot_drive_the_terminal() {
        assert_eq!(sanitized("a\u{1b}[31m\nb"), "a [31m b");
        assert_eq!(sanitized(&"x".repeat(500)).chars().count(), 161);
    }
}
