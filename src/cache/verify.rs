//! Is everything on the disk what was stored, and what is done about it if it is not.
//!
//! [`Cache::verify`] looks and changes nothing, unlike every other read, which sets damage aside.
//! [`Cache::repair`] sets aside what is bad, keeps the rest, and brings back what stands in
//! databases that were set aside before. Nothing is deleted. Both are commands of their own and not
//! part of an answer, so trouble is given back and not swallowed.
//!
//! A key that was cleared after a database was set aside comes back from there: what was cleared
//! leaves no trace that could say so.

use std::path::Path;

use serde::Serialize;

use super::Cache;
use super::store::Doing;
use crate::db::{Aside, Database, Holds, Trouble};
use crate::entry::Entry;
use crate::policy::Known;
use crate::tier::disk::{Disk, Part};
use crate::tier::salvage::{self, BadRow, Extent};
use crate::time::Timestamp;

/// How often a database is looked at that another process replaces meanwhile.
const LOOKS: usize = 3;

/// What a database is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// Its structure is sound; single entries may be bad.
    Ok,
    /// Its structure is not.
    Damaged,
    /// There is none, or nothing was ever stored in it.
    #[default]
    Absent,
}

/// An entry that is not what was stored, as far as it says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BadEntry {
    /// Its key.
    pub key: Option<String>,
    /// Who gave it.
    pub provider: Option<String>,
    /// Its row in the database.
    pub row: i64,
    /// What of it is bad; of an entry that is sound, something beside it.
    pub part: Part,
}

/// What was found on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The state of the database.
    pub database: Condition,
    /// The state of the ledger of limits.
    pub ledger: Condition,
    /// What is wrong with either, in words.
    pub problems: Vec<String>,
    /// How many entries are sound; of a damaged database, how many can be salvaged.
    pub entries: u64,
    /// The entries that are bad; of a damaged database nobody can tell.
    pub damaged: Vec<BadEntry>,
    /// The names of the files that were set aside.
    pub aside: Vec<String>,
    /// Those among them that hold entries which nobody has brought back yet.
    pub not_brought_back: Vec<String>,
}

impl Verdict {
    /// Whether everything that is in use is what was stored.
    pub fn is_sound(&self) -> bool {
        self.database != Condition::Damaged
            && self.ledger != Condition::Damaged
            && self.damaged.is_empty()
    }
}

/// What was done, and what was found afterwards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repair {
    /// What was found afterwards.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// How many sound entries stayed where they were.
    pub kept: u64,
    /// How many entries were taken out of the damaged database.
    pub salvaged: u64,
    /// How many entries came back from files that had been set aside.
    pub brought_back: u64,
    /// The names of the files that were set aside now.
    pub set_aside: Vec<String>,
}

impl Cache {
    /// Looks at everything on the disk, and changes nothing.
    pub fn verify(&self) -> Result<Verdict, Trouble> {
        let mut verdict = Verdict::default();
        for _ in 0..LOOKS {
            let Some(disk) = &self.disk else { break };
            let before = disk.database().identity();
            verdict = look(&disk.over(Database::at(disk.database().folder())))?;
            if before == disk.database().identity() {
                break;
            }
        }
        match self.upstream.ledger().problems() {
            Err(Trouble::Absent) => {}
            problems => {
                let problems = problems?;
                let is_sound = problems.is_empty();
                verdict.ledger = if is_sound { Condition::Ok } else { Condition::Damaged };
                verdict.problems.extend(problems.into_iter().map(|why| format!("ledger: {why}")));
            }
        }
        Ok(verdict)
    }

    /// Sets aside what is bad, keeps the rest, and brings back what had been set aside.
    pub fn repair(&self) -> Result<Repair, Trouble> {
        let mut repair = Repair::default();
        if let Some(flights) = &self.flights {
            flights.tidy();
        }
        if let Some(aside) = self.upstream.ledger().repair(&self.clock.reading())? {
            repair.set_aside.push(name(&aside));
        }
        let Some(disk) = self.disk.as_ref().filter(|disk| disk.database().folder().is_dir()) else {
            repair.verdict = self.verify()?;
            return Ok(repair);
        };
        // Nearly so: what is known of it may move this a little, and is asked before it is dropped.
        let (unknown, anybody) = (Known::default(), self.anybody());
        let gone_at = |entry: &Entry| self.rules.life(entry, &unknown, anybody).gone_at;
        let found = self.verify()?;
        if found.database == Condition::Damaged || disk.database().has_leftovers() {
            self.rebuild(disk, &gone_at, &mut repair)?;
        }
        if found.database == Condition::Ok {
            repair.kept = found.entries;
            for bad in &found.damaged {
                let row = BadRow { id: bad.row, part: bad.part, key: None, provider: None };
                let aside = disk.set_bad_row_aside(&row)?;
                repair.set_aside.extend(aside.as_deref().map(name));
            }
        }
        for aside in disk.database().asides() {
            if aside.holds == Holds::Entries {
                repair.brought_back += disk.salvage(&aside.path, Extent::Entries, &gone_at)?;
                disk.database().mark_salvaged(&aside.path)?;
            }
        }
        // What came back may be more than there is room for.
        if let Err(trouble) = self.sweep(usize::try_from(repair.brought_back).unwrap_or(0)) {
            self.say(&trouble, Doing::Writing);
        }
        disk.database().close();
        repair.verdict = self.verify()?;
        Ok(repair)
    }

    fn rebuild(
        &self,
        disk: &Disk,
        gone_at: &dyn Fn(&Entry) -> Timestamp,
        repair: &mut Repair,
    ) -> Result<(), Trouble> {
        let fill = |damaged: &Path, fresh: Database| {
            disk.over(fresh).salvage(damaged, Extent::Everything, gone_at)
        };
        if let Some(rebuilt) = disk.database().rebuild(self.clock.real_now(), fill)? {
            repair.salvaged = rebuilt.filled;
            repair.set_aside.push(name(&rebuilt.aside));
        }
        Ok(())
    }
}

/// Looks at a disk tier that nobody else uses: what it meets is not acted on.
fn look(disk: &Disk) -> Result<Verdict, Trouble> {
    let mut verdict = Verdict::default();
    for Aside { path, holds } in disk.database().asides() {
        if matches!(holds, Holds::Entries | Holds::LaterEntries) {
            verdict.not_brought_back.push(name(&path));
        }
        verdict.aside.push(name(&path));
    }
    verdict.problems = match disk.database().problems() {
        Err(Trouble::Absent) => return Ok(verdict),
        problems => problems?,
    };
    verdict.database = Condition::Ok;
    if verdict.problems.is_empty() {
        let damaged = &mut verdict.damaged;
        match disk.inspect(&mut |BadRow { id, part, key, provider }| {
            damaged.push(BadEntry { key, provider, row: id, part });
        }) {
            Ok(count) => verdict.entries = count,
            Err(Trouble::Damaged(why)) => verdict.problems.push(why),
            Err(trouble) => return Err(trouble),
        }
    }
    disk.database().close();
    if !verdict.problems.is_empty() {
        verdict.database = Condition::Damaged;
        verdict.damaged.clear();
        verdict.entries = salvage::count_sound(&disk.database().path())?;
    }
    Ok(verdict)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
