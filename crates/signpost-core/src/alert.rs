//! Alerts: what a privacy officer is to look at. None of them says anything of a child.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{ActorId, AlertId, CanaryId, OrganisationId, PersonId, Receipt, SystemId};
use crate::subject::{Pseudonym, Subject};
use crate::terms::{AlertKind, AlertOutcome};

/// What a privacy officer is to look at. It is raised once, from the ledger, after the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: AlertId,
    /// Why it was raised.
    pub kind: AlertKind,
    /// Whose doing it was, or whose enrolment code was shown again or elsewhere; none where a system
    /// alone did it.
    pub actor: Option<ActorId>,
    /// Whose organisation.
    pub organisation: Option<OrganisationId>,
    /// Over which system.
    pub system: Option<SystemId>,
    /// The ledger entry it was raised by.
    pub entry: Receipt,
    /// The time of that entry.
    pub at: Timestamp,
    /// What became of it.
    pub state: AlertState,
}

/// What became of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AlertState {
    /// Nobody has closed it.
    Open,
    /// It was looked at.
    Closed {
        /// By whom.
        by: PersonId,
        /// What was found.
        outcome: AlertOutcome,
    },
}

/// A fictional child that no case has: whoever asks about it has no reason to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// Its id.
    pub id: CanaryId,
    /// Its pseudonyms, evaluated like any other child's.
    pub subject: Subject,
}

/// How far the ledger has been looked through for alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertMark {
    /// The first entry that has not been looked at.
    pub next: Receipt,
}

/// The canaries, to be looked up by pseudonym. It keeps short-lived tags under a random key, and so
/// no list of pseudonyms.
pub(crate) struct Canaries {
    key: zeroize::Zeroizing<[u8; 32]>,
    /// By the tag of a pseudonym: the entry that first registered it.
    since: BTreeMap<[u8; 32], Receipt>,
}

impl Canaries {
    /// The most canaries there may be at once: enough to be met with, too few to watch a caseload.
    pub(crate) const MAX: usize = 200;

    /// These canaries, each with the entry that registered it.
    pub(crate) fn new(key: [u8; 32], canaries: Vec<(Receipt, Canary)>) -> Self {
        let mut all = Self { key: key.into(), since: BTreeMap::new() };
        for (receipt, canary) in canaries {
            for named in canary.subject.pseudonyms() {
                let tag = all.tag(&named.pseudonym);
                let since = all.since.entry(tag).or_insert(receipt);
                *since = receipt.min(*since);
            }
        }
        all
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Whether one of these pseudonyms was a canary's before this entry.
    pub(crate) fn names(&self, subject: &Subject, before: Receipt) -> bool {
        let tags = subject.pseudonyms().iter().map(|named| self.tag(&named.pseudonym));
        tags.filter_map(|tag| self.since.get(&tag)).any(|since| *since < before)
    }

    fn tag(&self, pseudonym: &Pseudonym) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, pseudonym.as_bytes()).as_bytes()
    }
}

impl Alert {
    /// The id of the alert of this kind that one entry raises: the same whenever it is derived.
    #[must_use]
    pub fn id_of_entry(kind: AlertKind, entry: Receipt) -> AlertId {
        id_of(kind, &entry.0.to_be_bytes())
    }

    /// The id of the alert of this kind that is raised once a day for one person.
    #[must_use]
    pub fn id_of_day(kind: AlertKind, actor: ActorId, day: u64) -> AlertId {
        id_of(kind, &[&actor.as_bytes()[..], &day.to_be_bytes()].concat())
    }
}

fn id_of(kind: AlertKind, of: &[u8]) -> AlertId {
    let mut hasher = blake3::Hasher::new_derive_key("signpost 2026 alert id");
    hasher.update(&[kind.code()]).update(of);
    let mut id = [0; 16];
    id.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    AlertId::new(id)
}
