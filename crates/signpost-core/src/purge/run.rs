//! Purges as they are run: several at once if they are due together, by one turn of the store, in steps
//! that are each on record and each begun anew after a stop wherever it came.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Coverage, Covered, LegalHold, PurgePlan};
use crate::entry::Opening;
use crate::id::{HoldId, PurgeId, Receipt, RunId};
use crate::record::{Record, RecordKind};
use crate::search::{Searched, Sought};
use crate::terms::PurgeState;
use crate::turn::{Carry, Compaction, Destroyed, EraseOpenings, Erased, Passed};

/// A run of purges. There is one at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRun {
    /// Its id, in the detail of the entry of every step.
    pub id: RunId,
    /// The purges, at most [`PurgeRun::PLANS_MAX`].
    pub plans: Vec<PurgeId>,
    /// The holds that stood when it was begun; none is set and none lifted before the switch.
    pub holds: Vec<HoldId>,
    /// When it was begun: what has had its time by then is left behind as well.
    pub begun: Timestamp,
    /// How far it is.
    pub state: PurgeState,
    /// The steps before that, each with its entry. The present one's entry is this record's version.
    pub steps: Vec<(PurgeState, Receipt)>,
    /// From COPIED on: what is left, and what was found of it.
    pub left: Option<LeftBehind>,
    /// From `KEYS_DESTROYED` on: the generation that is gone.
    pub destroyed: Option<Destroyed>,
    /// From `KEYS_DESTROYED` on: the openings that are gone.
    pub erased: Option<Erased>,
    /// At SCANNED: what the search came to.
    pub searched: Option<SearchSummary>,
}

/// The generation that a run leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftBehind {
    /// Its number.
    pub generation: u64,
    /// What of it was carried over and what left behind, by kind.
    pub kinds: Vec<(RecordKind, Passed)>,
    /// What is searched for, by fingerprints.
    pub sought: Vec<Sought>,
    /// How many of those, the first ones, are of openings and of the keys of those.
    pub of_openings: usize,
    /// What the search before the switch came to: it found all.
    pub searched: SearchSummary,
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchSummary {
    /// How many files were read.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many of those that were sought were found, however often.
    pub found: u64,
}

/// The certificate of a purge, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeCertificate {
    /// The purge.
    pub purge: PurgeId,
    /// Its text; the entry of this record's version holds the text's SHA-256.
    pub text: String,
}

/// What a run takes: what every answer leaves out, the turn leaves behind and the erasure erases.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<[Coverage]>);

impl PurgeRun {
    /// The most purges of one run.
    pub const PLANS_MAX: usize = 100;

    /// The entry of a step that was taken, given this record's version.
    #[must_use]
    pub fn entry_of(&self, state: PurgeState, version: Receipt) -> Option<Receipt> {
        if self.state == state {
            return Some(version);
        }
        self.steps.iter().find(|(taken, _)| *taken == state).map(|(_, entry)| *entry)
    }

    /// The same run, one step on.
    #[must_use]
    pub fn stepped(mut self, state: PurgeState, version: Receipt) -> Self {
        self.steps.push((self.state, version));
        self.state = state;
        self
    }

    /// What the entry of a step says: the run's id (16 bytes) and the state it brings it to.
    #[must_use]
    pub fn detail(id: RunId, state: PurgeState) -> [u8; 32] {
        let mut detail = [0; 32];
        detail[..16].copy_from_slice(id.as_bytes());
        detail[16] = state.code();
        detail
    }
}

impl SearchSummary {
    /// Of a search for so many.
    #[must_use]
    pub fn of(searched: &Searched, sought: usize) -> Self {
        let found = (0..sought).filter(|place| searched.has_found(*place)).count() as u64;
        Self { files: searched.files, bytes: searched.bytes, found }
    }
}

impl Taken {
    /// What these plans take while these holds stand.
    #[must_use]
    pub fn new<'p>(plans: impl IntoIterator<Item = &'p PurgePlan>, holds: &[LegalHold]) -> Self {
        Self(plans.into_iter().filter_map(|plan| Coverage::new(plan, holds)).collect())
    }

    /// The record as it stays; none if it is taken. It says the same of the same record every time.
    #[must_use]
    pub fn leaves(&self, version: Receipt, mut record: Record) -> Option<Record> {
        for coverage in &*self.0 {
            match coverage.covers(version, &record) {
                None => {}
                Some(Covered::Goes | Covered::Empty) => return None,
                Some(Covered::Changed(changed)) => record = changed,
            }
        }
        Some(record)
    }
}

impl EraseOpenings for Taken {
    fn erases(&self, entry: Receipt, opening: &Opening) -> bool {
        self.0.iter().any(|coverage| coverage.covers_opening(entry, opening.subject()))
    }
}

/// The turn of a run: what the purges take is left behind, and what has had its time.
#[derive(Debug)]
pub(crate) struct Purging {
    pub(crate) taken: Taken,
    pub(crate) compaction: Compaction,
}

impl Carry for Purging {
    fn carry(&self, version: Receipt, record: Record) -> Option<Record> {
        self.taken.leaves(version, record).and_then(|record| self.compaction.carry(version, record))
    }
}
