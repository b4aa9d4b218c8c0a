//! Receipts: what was served, as of when, and the hash of it; and reading them back.
//!
//! What the values were is not in them: the cache keeps that. Where it does not any more, the hash
//! tells that something has changed, and nobody can say what.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cache::{Cache, Provenance, Question, Served, Slice};
use crate::cli::output::digest::{ALGORITHM, digest};
use crate::config::{Choice, Config};
use crate::error::{Usage, sanitized};
use crate::market::{Adjust, BarState, DataType, Interval, SessionKind};
use crate::policy::{Asked, Edge};
use crate::time::Timestamp;

/// The version of what is written.
const VERSION: u32 = 1;

/// No receipt is longer, in bytes.
const LONGEST: u64 = 64 * 1024 * 1024;

/// What is written: of one command.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Receipt {
    version: u32,
    mcache: String,
    /// As of when the answers are.
    as_of: String,
    pub(super) answers: Vec<Answered>,
}

/// One answer.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) symbol: String,
    asset_class: String,
    #[serde(rename = "type")]
    data_type: String,
    pub(super) provider: String,
    interval: String,
    session: String,
    adjust: String,
    from: Option<String>,
    to: Option<String>,
    fetched_at: String,
    rows: usize,
    states: Option<States>,
    coverage: Vec<Covered>,
    pub(super) hash: Hash,
}

/// How many bars are how settled.
#[derive(Debug, Default, Serialize, Deserialize)]
struct States {
    r#final: usize,
    provisional: usize,
    live: usize,
}

/// A span, and since when it was known.
#[derive(Debug, Serialize, Deserialize)]
struct Covered {
    from: String,
    to: String,
    fetched_at: String,
}

/// The hash of the rows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hash {
    algorithm: String,
    /// Of what: the csv of these columns, with its header.
    csv: String,
    pub(super) value: String,
}

impl Receipt {
    /// The receipt of what was served as of an instant.
    pub(super) fn new(as_of: Timestamp, answers: Vec<Answered>) -> Self {
        let mcache = env!("CARGO_PKG_VERSION").to_owned();
        Self { version: VERSION, mcache, as_of: as_of.to_string(), answers }
    }

    /// Reads a file.
    pub(super) fn read(path: &Path) -> Result<Self, Usage> {
        let wrong = |why: String| {
            Usage::new(format!("`{}` is no receipt: {}", path.display(), sanitized(&why)))
                .hint("`mcache fetch SYMBOL -t bars --receipt FILE` writes one")
        };
        let unread = |error: std::io::Error| wrong(error.to_string());
        if std::fs::metadata(path).map_err(unread)?.len() > LONGEST {
            return Err(wrong("it is too long".to_owned()));
        }
        let text = std::fs::read(path).map_err(unread)?;
        let receipt: Self =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        if receipt.version != VERSION {
            let version = receipt.version;
            return Err(wrong(format!("it is of version {version}, and this mcache reads 1")));
        }
        for answered in &receipt.answers {
            if answered.hash.algorithm != ALGORITHM {
                return Err(wrong(format!("its hash is no {ALGORITHM}")));
            }
        }
        Ok(receipt)
    }

    /// As of when its answers are.
    pub(super) fn as_of(&self) -> Result<Timestamp, Usage> {
        Timestamp::parse(&self.as_of).map_err(|usage| usage.at("the receipt's `as_of`"))
    }
}

impl Answered {
    /// What is written of an answer; none if it has no rows, or nothing is known of it.
    pub(super) fn of(
        cache: &Cache,
        question: &Question,
        served: &Served,
        as_of: Timestamp,
    ) -> Option<Self> {
        let asked = Question { providers: vec![served.entry.provider.clone()], ..question.clone() };
        let Provenance { span, since } = cache.provenance(&asked, as_of).ok()?;
        let digest = digest(question, served)?;
        let slice = question.slice.as_ref()?;
        let (rows, states) = match served.bars.as_deref() {
            Some(series) => {
                let mut states = States::default();
                for at in 0..series.bars.len() {
                    *match series.state(at) {
                        BarState::Final => &mut states.r#final,
                        BarState::Provisional => &mut states.provisional,
                        BarState::Live => &mut states.live,
                    } += 1;
                }
                (series.bars.len(), Some(states))
            }
            None => (rows_of(&served.entry.body), None),
        };
        let covered = |(span, at): (crate::span::Span, Timestamp)| Covered {
            from: span.start().to_string(),
            to: span.end().to_string(),
            fetched_at: at.to_string(),
        };
        Some(Self {
            symbol: question.symbol.to_string(),
            asset_class: question.symbol.class().as_str().to_owned(),
            data_type: question.data_type.as_str().to_owned(),
            provider: served.entry.provider.to_string(),
            interval: slice.interval.as_str().to_owned(),
            session: slice.session.as_str().to_owned(),
            adjust: slice.adjust.as_str().to_owned(),
            from: span.map(|span| span.start().to_string()),
            to: span.map(|span| span.end().to_string()),
            fetched_at: served.entry.fetched_at.to_string(),
            rows,
            states,
            coverage: since.into_iter().map(covered).collect(),
            hash: Hash {
                algorithm: ALGORITHM.to_owned(),
                csv: digest.columns,
                value: digest.value,
            },
        })
    }

    /// The question that it answers, of which a part will do.
    pub(super) fn question(&self, config: &Config) -> Result<Question, Usage> {
        let symbol = config.symbol(&format!("{}:{}", self.asset_class, self.symbol))?;
        let instant = |text: &Option<String>| {
            text.as_deref().map(Timestamp::parse).transpose().map(|at| at.map(Edge::Instant))
        };
        let unknown = |what: &str, said: &str| {
            Usage::new(format!("the receipt's {what} `{}` is none", sanitized(said)))
        };
        let sessions = [SessionKind::Regular, SessionKind::Extended];
        let session = sessions.into_iter().find(|kind| kind.as_str() == self.session);
        let adjusts = [Adjust::None, Adjust::Splits, Adjust::All];
        let adjust = adjusts.into_iter().find(|adjust| adjust.as_str() == self.adjust);
        let slice = Slice {
            interval: Interval::parse(&self.interval)?,
            session: session.ok_or_else(|| unknown("session", &self.session))?,
            adjust: adjust.ok_or_else(|| unknown("adjust", &self.adjust))?,
            asked: Asked { from: instant(&self.from)?, to: instant(&self.to)?, period: None },
            partial: true,
            ..Slice::default()
        };
        let data_type = DataType::parse(&self.data_type)?;
        let choice = Choice { provider: Some(&self.provider), slice, ..Choice::default() };
        let questions = config.questions(&[symbol], &[data_type], &choice)?;
        let question = questions.into_iter().next().filter(|question| question.slice.is_some());
        question.ok_or_else(|| unknown("type", &self.data_type))
    }
}

/// How many rows a record of observations or events has.
fn rows_of(body: &[u8]) -> usize {
    let record: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let rows = ["observations", "events"].into_iter().find_map(|name| record[name].as_array());
    rows.map_or(0, Vec::len)
}
