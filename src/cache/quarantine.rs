//! What is refused as nonsense is kept beside the good answers, for whoever wants to know why.
//!
//! It never replaces anything and is never served. Whether it can be kept is of no matter to the answer.

use super::errand::{Came, Errand};
use super::{Cache, Question};
use crate::db::Trouble;
use crate::db::quarantine::{Held, Quarantine, Refused};
use crate::upstream::Asked;
use crate::warning::Warning;

/// Where it is said what came.
const LOOK: &str = "`mcache stats --quarantine` shows what came";

impl Cache {
    /// What is to be kept of what came, if that was nonsense; its error then says where to look.
    pub(super) fn reject(
        &self,
        errand: &Errand<'_>,
        question: &Question,
        came: &mut Came,
    ) -> Option<Refused> {
        let Came::Asked { asked, at } = came else { return None };
        let Asked { outcome: Err(error), rejected, .. } = asked else { return None };
        let rejected = rejected.take()?;
        if errand.terms.no_cache || self.disk().is_none() {
            return None;
        }
        error.hint = Some(match error.hint.take() {
            Some(hint) => format!("{hint}; {LOOK}"),
            None => LOOK.to_owned(),
        });
        Some(Refused {
            key: question.key.to_string(),
            provider: question.providers.first()?.to_string(),
            endpoint: rejected.endpoint,
            at: *at,
            why: error.message.clone(),
            status: rejected.status,
            content_type: rejected.content_type,
            bytes: rejected.bytes,
            body: rejected.body,
        })
    }

    /// Keeps what was refused. Trouble is passed over: what stands in the way of this stands in the way
    /// of good answers too, and is said of them.
    pub(super) fn quarantine(&self, refused: &[Refused]) {
        if let Some(quarantine) = self.quarantined().filter(|_| !refused.is_empty()) {
            let path = quarantine.path();
            if let Ok(Some(aside)) = quarantine.keep(refused, self.clock.real_now()) {
                self.warn(Warning::SetAside { path, aside });
            }
        }
    }

    /// What was refused, the newest first.
    pub fn refused(&self) -> Vec<Held> {
        let Some(quarantine) = self.quarantined() else { return Vec::new() };
        quarantine.list().unwrap_or_else(|trouble| {
            self.say_of_quarantine(&quarantine, &trouble);
            Vec::new()
        })
    }

    /// Forgets what was refused.
    pub fn clear_refused(&self) {
        if let Some(quarantine) = self.quarantined()
            && let Err(trouble) = quarantine.clear()
        {
            self.say_of_quarantine(&quarantine, &trouble);
        }
    }

    fn quarantined(&self) -> Option<Quarantine> {
        self.disk().map(|disk| Quarantine::at(disk.database().folder()))
    }

    fn say_of_quarantine(&self, quarantine: &Quarantine, trouble: &Trouble) {
        let (path, why) = (quarantine.path(), trouble.to_string());
        self.warn(Warning::Unusable { path, why });
    }
}
