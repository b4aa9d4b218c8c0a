//! One call past the cache, to see how a provider answers: within the limits, counted, never stored. What a
//! program is handed comes through the cache all the same.

use std::time::Duration;

use super::fly::{name, unsupported};
use super::{Cache, Interrupted, Purpose, Question};
use crate::db::tally::Tally;
use crate::error::{Error, Kind};
use crate::policy::{Terms, UseCase};
use crate::provider::command::End;
use crate::provider::{Findings, Piece, Reply, Speech};
use crate::span::Span;
use crate::upstream::{Asked, Asking, Given, Patience, Sent, Site, Witness};

/// Of so long ago bars are asked for, where a provider gives as many: a week has sessions.
const LOOK_BACK: Duration = Duration::from_hours(7 * 24);

/// What one call came to.
#[derive(Debug)]
pub struct Probe {
    /// What was sent, if anything was.
    pub sent: Option<Sent>,
    /// What came back, without the key of the provider.
    pub reply: Option<Reply>,
    /// By what a program has ended.
    pub ended: Option<End>,
    /// What a program was handed, by the names in its configuration.
    pub handed: Vec<Box<str>>,
    /// What was read of it, or what is wrong.
    pub outcome: Result<Given, Error>,
    /// What stands where the configuration says, of a provider that is made of one.
    pub findings: Option<Findings>,
    /// How long upstream took.
    pub latency: Duration,
}

impl Cache {
    /// Asks the first provider of a question, whatever is held; nothing of the answer is kept but that
    /// a call was made.
    pub fn probe(&self, question: &Question, terms: &Terms) -> Result<Probe, Interrupted> {
        let provider = question.providers.first().map_or("", AsRef::as_ref);
        let site = (self.sites)(provider);
        let witness = Witness::default();
        let asked = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let asked = runtime.block_on(async {
                    tokio::select! {
                        asked = self.ask_before(question, &site, terms, &witness) => asked,
                        _ = tokio::signal::ctrl_c() => Err(Interrupted),
                    }
                });
                runtime.shutdown_background();
                asked?
            }
            Err(error) => super::fly::refused(
                Error::new(Kind::Unreachable, "the network cannot be used").caused_by(error),
            ),
        };
        let mut tally = Tally::default();
        self.count_asking(&mut tally, &name(question), &asked);
        self.store(&mut [], &tally, &[]);
        self.say_mishaps();
        let seen = witness.seen();
        let handed = self.inputs_for(question, &site).records.into_iter().map(|(name, _)| name);
        let findings = match (&site.speech, &seen.reply) {
            (Speech::Http(definition), Some(reply)) => {
                definition.findings(question.data_type.made_of(), reply)
            }
            _ => None,
        };
        Ok(Probe {
            sent: seen.sent,
            reply: seen.reply,
            ended: seen.ended,
            handed: handed.collect(),
            outcome: asked.outcome,
            findings,
            latency: asked.latency,
        })
    }

    async fn ask_before(
        &self,
        question: &Question,
        site: &Site,
        terms: &Terms,
        witness: &Witness,
    ) -> Result<Asked, Interrupted> {
        let piece = match question.is_of_bars().then(|| self.recent(question, site)) {
            Some(None) => return Ok(super::fly::refused(unsupported(question))),
            piece => piece.flatten(),
        };
        let wanted = self.inputs_for(question, site);
        let input = self.input(&wanted, (terms, Purpose::Warm)).await?;
        let name = name(question);
        let mut patience = Patience::of(terms.max_wait);
        let permit = self.upstream.permit(site, &mut patience).await;
        let asking = Asking {
            piece,
            use_case: terms.use_case.map(UseCase::as_str),
            definition: 0,
            input: &input,
            ..self.asking(question, site, &name, terms)
        };
        Ok(self.upstream.ask_before(&asking, &permit, &mut patience, Some(witness)).await)
    }

    /// The newest bars that one request may ask for; none if the provider has none of this interval.
    fn recent(&self, question: &Question, site: &Site) -> Option<Piece> {
        let slice = question.slice.as_ref()?;
        let interval = slice.stored();
        let reach = site.speech.provider().charts()?.reach(&question.symbol, interval)?;
        let bar = interval.duration().unwrap_or_default();
        let back = reach.longest(interval).min(LOOK_BACK.max(bar * 2));
        let end = self.clock.now() + Duration::from_millis(1);
        let span = Span::new(end - back, end)?;
        Some(Piece { interval, span, session: slice.session })
    }
}
