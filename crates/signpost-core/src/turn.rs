//! The turn: the passage of all that stays from one generation of keys and files to the next.
//!
//! One routine serves compaction, retention, purge and closing. They differ in what they carry over.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::entry::Entry;
use crate::record::Record;
use crate::store::StoreError;
use crate::terms::Action;

/// The generations of a store: the one in use, during a turn the next one, and after it the one
/// before until that is destroyed.
///
/// The contract, held by the same suite as that of [`Store`](crate::store::Store): a turn keeps
/// versions, entries and openings as they are. What is committed while it goes on is carried over
/// too, or left behind by the same rule.
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
}

/// What a turn carries over.
pub trait Carry: Send + Sync + std::fmt::Debug {
    /// The record as it is to stand in the next generation, under the same key; none if it is to be
    /// gone. It is asked again where a record changes while the turn goes on, and must answer the
    /// same for the same record.
    fn carry(&self, record: Record) -> Option<Record>;
}

/// Carries all over but what has had its time: the turn that compacts.
#[derive(Clone, Copy, Debug)]
pub struct Compaction {
    /// The time at which it was begun.
    pub now: Timestamp,
}

/// A generation that is filled, and not yet in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prepared {
    /// Its number.
    pub generation: u64,
    /// How many records were carried over.
    pub carried: u64,
    /// How many were left behind.
    pub left: u64,
}

/// A generation whose keys and files are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destroyed {
    /// Its number.
    pub generation: u64,
    /// Each key that sealed it.
    pub keys: Vec<KeyDestroyed>,
    /// How many files were removed.
    pub files: u64,
    /// How many bytes those held.
    pub bytes: u64,
}

/// That a key was destroyed, and what its keeper can say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDestroyed {
    /// What the key is called; it tells nothing of the key.
    pub key: [u8; 16],
    /// Who had it in custody, and what that cannot exclude.
    pub custody: String,
    /// What was done.
    pub method: String,
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
}

/// Every kind is named: a new kind of record has to say here what a turn does with it.
impl Carry for Compaction {
    fn carry(&self, record: Record) -> Option<Record> {
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
            | Record::PurgeQuota(_) => true,
            Record::Suppression(suppression) => suppression.until > self.now,
            Record::MarkerKey(key) => key.until > self.now,
        };
        stays.then_some(record)
    }
}
