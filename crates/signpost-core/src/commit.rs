//! The one thing a store takes: writes, what they rest on, and always exactly one ledger entry.

use jiff::Timestamp;

use crate::entry::{EntryDraft, Opening};
use crate::id::Receipt;
use crate::permit::{Denial, Permit};
use crate::record::{Record, RecordKey};
use crate::terms::{Outcome, Purpose, Relationship};

/// A change and its ledger entry, or an answer's ledger entry alone.
///
/// It cannot be built without a [`Permit`] or a [`Denial`]:
///
/// ```compile_fail,E0451
/// use signpost_core::commit::Commit;
/// fn forge(entry: signpost_core::entry::EntryDraft) -> Commit {
///     Commit { entry, opening: None, before: None, preconditions: vec![], writes: vec![] }
/// }
/// ```
///
/// And an entry's draft cannot be built at all outside this crate:
///
/// ```compile_fail,E0451
/// use signpost_core::entry::EntryDraft;
/// fn forge(draft: EntryDraft) -> EntryDraft {
///     EntryDraft { count: 1, ..draft }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    entry: EntryDraft,
    opening: Option<Opening>,
    before: Option<Timestamp>,
    preconditions: Vec<Precondition>,
    writes: Vec<Write>,
}

/// What must be so when the commit's turn comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// There is no such record.
    Absent(RecordKey),
    /// The record is at this version.
    At(RecordKey, Receipt),
}

/// A change of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The record is put, in place of an earlier one of its key.
    Put(Record),
    /// The record of this key is removed.
    Remove(RecordKey),
}

/// What a permitted action comes to.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) outcome: Outcome,
    pub(crate) purpose: Option<Purpose>,
    pub(crate) relationship: Option<Relationship>,
    pub(crate) released: u8,
    pub(crate) opening: Option<Opening>,
    pub(crate) detail: [u8; 32],
    pub(crate) count: u32,
    pub(crate) preconditions: Vec<Precondition>,
    pub(crate) writes: Vec<Write>,
}

impl Effect {
    pub(crate) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            purpose: None,
            relationship: None,
            released: 0,
            opening: None,
            detail: [0; 32],
            count: 0,
            preconditions: Vec::new(),
            writes: Vec::new(),
        }
    }
}

impl Commit {
    /// What a permitted action comes to; it rests on all that the permit rests on.
    pub(crate) fn permitted(permit: Permit, effect: Effect) -> Self {
        let before = permit.before();
        let (party, action, policy, mut preconditions, mut writes) = permit.into_parts();
        preconditions.extend(effect.preconditions);
        writes.extend(effect.writes);
        let commitment = effect.opening.as_ref().map_or([0; 32], Opening::commitment);
        Self {
            entry: EntryDraft {
                action,
                outcome: effect.outcome,
                party,
                purpose: effect.purpose,
                relationship: effect.relationship,
                released: effect.released,
                policy,
                commitment,
                detail: effect.detail,
                count: effect.count,
            },
            opening: effect.opening,
            before,
            preconditions,
            writes,
        }
    }

    /// The record of a refusal: an entry, its opening where it tells something of a child, and
    /// nothing else.
    pub(crate) fn denied(denial: &Denial) -> Self {
        let (entry, opening) = (denial.to_entry(), denial.opening().cloned());
        Self { entry, opening, before: None, preconditions: Vec::new(), writes: Vec::new() }
    }

    /// The entry, but for its time.
    #[must_use]
    pub fn entry(&self) -> &EntryDraft {
        &self.entry
    }

    /// The entry's opening, where it is about a child.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        self.opening.as_ref()
    }

    /// Before when it must come, if it must.
    #[must_use]
    pub fn before(&self) -> Option<Timestamp> {
        self.before
    }

    /// Whether it may come at this time, in milliseconds since 1970: the time its entry is to have. One
    /// that comes too late fails as one does whose preconditions fail.
    #[must_use]
    pub fn is_in_time(&self, time_ms: u64) -> bool {
        let end_ms = |before: Timestamp| u64::try_from(before.as_millisecond()).unwrap_or(0);
        self.before.is_none_or(|before| time_ms < end_ms(before))
    }

    /// What must be so when its turn comes.
    #[must_use]
    pub fn preconditions(&self) -> &[Precondition] {
        &self.preconditions
    }

    /// The changes, in order.
    #[must_use]
    pub fn writes(&self) -> &[Write] {
        &self.writes
    }
}

impl Precondition {
    /// The record it is about.
    #[must_use]
    pub fn key(&self) -> &RecordKey {
        match self {
            Self::Absent(key) | Self::At(key, _) => key,
        }
    }

    /// Whether it holds, given the record's version, if there is one.
    #[must_use]
    pub fn holds(&self, found: Option<Receipt>) -> bool {
        match self {
            Self::Absent(_) => found.is_none(),
            Self::At(_, version) => found == Some(*version),
        }
    }

    /// That the record stays as it was found.
    pub(crate) fn unchanged(key: RecordKey, found: Option<Receipt>) -> Self {
        match found {
            None => Self::Absent(key),
            Some(version) => Self::At(key, version),
        }
    }
}
