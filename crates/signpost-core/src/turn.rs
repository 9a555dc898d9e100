//! The turn: the passage of all that stays from one generation of keys and files to the next.
//!
//! One routine serves compaction, retention, purge and closing. They differ in what they carry over.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::anchor::Position;
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::record::{Record, RecordKind};
use crate::search::{SearchProgress, Searched, Sought};
use crate::store::StoreError;
use crate::terms::Action;

/// The generations of a store: the one in use, during a turn the next one, and after it the one
/// before until that is destroyed.
///
/// The contract, held by the same suite as that of [`Store`](crate::store::Store): a turn keeps
/// versions, entries and openings as they are. What is committed while it goes on is carried over
/// too, or left behind by the same rule. Openings go by an erasure alone, and no entry ever goes.
#[async_trait]
pub trait Generations: Send + Sync + std::fmt::Debug {
    /// Begins the next generation and fills it with what is carried over, while commits go on. One
    /// that was prepared before and never used is given up. [`StoreError::Busy`] while another is
    /// being prepared, or the one that was in use before is not destroyed.
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError>;

    /// Puts the prepared generation in the place of the present one, durably, once it has caught
    /// up. [`StoreError::Unavailable`] if it is not the one that is prepared.
    async fn switch(&self, generation: u64) -> Result<(), StoreError>;

    /// Destroys the keys of a generation that was in use before, then its files.
    /// [`StoreError::Unavailable`] if there is no such generation, or it is in use. Where it fails it
    /// can be done again. It is remembered, as durably as a commit, until [`Generations::recorded`].
    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError>;

    /// What is left to do of earlier turns, those of an earlier process included.
    async fn unfinished(&self) -> Result<Unfinished, StoreError>;

    /// That a generation was destroyed is on record, and need not be remembered.
    async fn recorded(&self, generation: u64) -> Result<(), StoreError>;

    /// Erases every opening that this names, of entries below `below`: it is found no more, and the
    /// keys it was ever sealed under are destroyed. Its entry stays as it is, and so do all other
    /// openings. Where it was cut short it can be done again. Gives all that was erased, durably
    /// remembered, since [`Generations::erasure_recorded`] was last called.
    ///
    /// [`StoreError::Unavailable`] unless `below` is at or before the first entry of the generation
    /// in use and the one before is destroyed: else a journal might still hold what is erased.
    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError>;

    /// What was erased is on record, and need not be remembered.
    async fn erasure_recorded(&self) -> Result<(), StoreError>;

    /// What to search for, once these openings are erased: a sample of them as they are stored, spread
    /// over all, and the keys they are sealed under. To be asked before; of no generation or place in
    /// particular, so that it can be asked before a turn as well.
    async fn sought_openings(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Vec<Sought>, StoreError>;

    /// Searches every file of the store, and of its keyring, whatever it belongs to. It goes on for as
    /// long as that takes; the service goes on too.
    async fn search(
        &self,
        sought: Arc<[Sought]>,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError>;
}

/// What a turn carries over.
pub trait Carry: Send + Sync + std::fmt::Debug {
    /// The record, of this version, as it is to stand in the next generation, under the same key; none
    /// if it is to be gone. It is asked again where a record changes while the turn goes on, and must
    /// answer the same for the same record at the same version.
    fn carry(&self, version: Receipt, record: Record) -> Option<Record>;
}

/// Which openings are to be erased.
pub trait EraseOpenings: Send + Sync + std::fmt::Debug {
    /// Whether the opening of this entry is to be erased. It may be asked more than once, and must
    /// answer the same.
    fn erases(&self, entry: Receipt, opening: &Opening) -> bool;
}

/// Carries all over but what has had its time: the turn that compacts.
#[derive(Clone, Copy, Debug)]
pub struct Compaction {
    /// The time at which it was begun.
    pub now: Timestamp,
}

/// A generation that is filled, and not yet in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its number.
    pub generation: u64,
    /// How many records were carried over.
    pub carried: u64,
    /// How many were left behind.
    pub left: u64,
    /// The same by kind of record; a kind of which there is none is not there.
    pub kinds: BTreeMap<RecordKind, Passed>,
    /// What to search for once the generation that is left is destroyed: its tracers, its keys as they
    /// lie in files, and a sample, spread over all, of the records that are left behind.
    pub sought: Vec<Sought>,
}

/// How many records of a kind passed a turn, and how many did not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Passed {
    /// How many were carried over.
    pub carried: u64,
    /// How many were left behind.
    pub left: u64,
}

/// A generation whose keys and files are gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Destroyed {
    /// Its number.
    pub generation: u64,
    /// Each key that sealed it.
    pub keys: Vec<KeyDestroyed>,
    /// How many files were removed.
    pub files: u64,
    /// How many bytes those held.
    pub bytes: u64,
    /// How far it was when it was left.
    pub ended: Position,
    /// How far the next one was when it came into use: filled, and nothing more.
    pub followed: Position,
}

/// Openings that are gone, and the keys they were sealed under.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// How many openings.
    pub openings: u64,
    /// How many segments of openings were rewritten for it.
    pub segments: u64,
    /// Each key that sealed one of those.
    pub keys: Vec<KeyDestroyed>,
    /// How many files were removed.
    pub files: u64,
    /// How many bytes those held.
    pub bytes: u64,
}

/// That a key was destroyed, and what its keeper can say of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyDestroyed {
    /// What the key is called; it tells nothing of the key.
    pub key: [u8; 16],
    /// Who had it in custody, and what that cannot exclude.
    pub custody: String,
    /// What was done.
    pub method: String,
    /// The file system that it lay on; empty where it lay in no file, or that is not known.
    pub file_system: String,
}

impl Destroyed {
    /// What its entry says of it: its number (8 bytes) and the id of the key that sealed it (16).
    #[must_use]
    pub fn detail(&self) -> [u8; 32] {
        let mut detail = [0; 32];
        detail[..8].copy_from_slice(&self.generation.to_be_bytes());
        if let Some(destroyed) = self.keys.first() {
            detail[8..24].copy_from_slice(&destroyed.key);
        }
        detail
    }

    /// The generation whose destruction this entry is, if it is one.
    #[must_use]
    pub fn on_record(entry: &Entry) -> Option<u64> {
        let generation = entry.detail().first_chunk().map(|number| u64::from_be_bytes(*number));
        generation.filter(|_| entry.action() == Action::DestroyGeneration)
    }
}

/// What is left to do of earlier turns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    /// The generation that was in use before and is to be destroyed.
    pub retired: Option<u64>,
    /// What is destroyed and not known to be on record.
    pub unrecorded: Vec<Destroyed>,
    /// What is erased and not known to be on record.
    pub erased: Erased,
}

/// Every kind is named: a new kind of record has to say here what a turn does with it.
impl Carry for Compaction {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        let stays = match &record {
            Record::Replay(replay) => replay.until > self.now,
            Record::Lift(lift) => lift.until > self.now,
            Record::Head(_)
            | Record::Flag(_)
            | Record::Organisation(_)
            | Record::Team(_)
            | Record::System(_)
            | Record::Certificate(_)
            | Record::Group(_)
            | Record::Person(_)
            | Record::Token(_)
            | Record::Service(_)
            | Record::ClockDoubt(_)
            | Record::Members(_)
            | Record::Claim(_)
            | Record::Custodies(_)
            | Record::Enrolment(_)
            | Record::Proposal(_)
            | Record::Alert(_)
            | Record::Canary(_)
            | Record::AlertMark(_)
            | Record::Purge(_)
            | Record::PurgeAnnex(_)
            | Record::Hold(_)
            | Record::PurgeQuota(_)
            | Record::PurgeRun(_)
            | Record::PurgeCertificate(_)
            | Record::AccessReview(_)
            | Record::StandingOrder(_)
            | Record::Decommissioning(_) => true,
            Record::Suppression(suppression) => suppression.until > self.now,
            Record::MarkerKey(key) => key.until > self.now,
            Record::History(history) => history.is_kept_at(self.now),
        };
        stays.then_some(record)
    }
}
