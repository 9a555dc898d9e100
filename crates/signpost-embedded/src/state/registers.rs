//! The records that every request reads, kept in clear in memory.

use std::collections::BTreeSet;
use std::ops::Bound;

use signpost_core::record::{Kind, RecordKey, Scope, Stored};

use super::ByKey;

/// The records of the register's kinds, by kind and id. A question finds a dozen by their keys, the
/// lists of administrators go through them in order.
#[derive(Debug, Default)]
pub(crate) struct Registers {
    records: ByKey<RegisterKey, Stored>,
    in_order: BTreeSet<RegisterKey>,
}

/// The kind, then the id, filled up with zeros: ids of one kind have one length.
pub(crate) type RegisterKey = [u8; 33];

/// The kinds that are kept in memory.
pub(crate) const REGISTER_KINDS: [Kind; 12] = [
    Kind::Lift,
    Kind::Organisation,
    Kind::Team,
    Kind::System,
    Kind::Certificate,
    Kind::Group,
    Kind::Person,
    Kind::Token,
    Kind::Service,
    Kind::ClockDoubt,
    Kind::MarkerKey,
    Kind::Suppression,
];

/// By what a record is found among the registers; none where its kind is not kept there.
pub(crate) fn register_key(key: &RecordKey) -> Option<RegisterKey> {
    Some(match key {
        // Those behind the children's are read when the register is changed, and at no question.
        RecordKey::Head(_)
        | RecordKey::Flag(..)
        | RecordKey::Replay(_)
        | RecordKey::Members(_)
        | RecordKey::Claim(_)
        | RecordKey::Custodies(_)
        | RecordKey::Enrolment(_)
        | RecordKey::Proposal(_)
        | RecordKey::Alert(_)
        | RecordKey::Canary(_)
        | RecordKey::AlertMark
        | RecordKey::Purge(_)
        | RecordKey::PurgeAnnex(_)
        | RecordKey::Hold(_)
        | RecordKey::PurgeQuota(_)
        | RecordKey::PurgeRun
        | RecordKey::PurgeCertificate(_)
        | RecordKey::History(_)
        | RecordKey::AccessReview(..)
        | RecordKey::StandingOrder
        | RecordKey::Decommissioning => return None,
        RecordKey::Lift(id) => of(Kind::Lift, id.as_bytes()),
        RecordKey::Organisation(id) => of(Kind::Organisation, id.as_bytes()),
        RecordKey::Team(id) => of(Kind::Team, id.as_bytes()),
        RecordKey::System(id) => of(Kind::System, id.as_bytes()),
        RecordKey::Certificate(fingerprint) => of(Kind::Certificate, fingerprint.as_bytes()),
        RecordKey::Group(id) => of(Kind::Group, id.as_bytes()),
        RecordKey::Person(id) => of(Kind::Person, id.as_bytes()),
        RecordKey::Token(hash) => of(Kind::Token, hash.as_bytes()),
        RecordKey::Service => of(Kind::Service, &[]),
        RecordKey::ClockDoubt => of(Kind::ClockDoubt, &[]),
        // Every write about a child looks for them.
        RecordKey::MarkerKey => of(Kind::MarkerKey, &[]),
        RecordKey::Suppression(marker) => of(Kind::Suppression, marker.as_bytes()),
    })
}

/// The kind of a scope whose records are kept in memory.
pub(crate) fn register_kind(scope: &Scope) -> Option<Kind> {
    match scope {
        Scope::Child(_) | Scope::Everything => None,
        Scope::Kind(kind) => REGISTER_KINDS.contains(kind).then_some(*kind),
    }
}

impl Registers {
    pub(crate) fn get(&self, key: &RegisterKey) -> Option<&Stored> {
        self.records.get(key)
    }

    /// Puts a record, or removes it where there is none to put.
    pub(crate) fn set(&mut self, key: RegisterKey, stored: Option<Stored>) {
        if let Some(stored) = stored {
            self.in_order.insert(key);
            self.records.insert(key, stored);
        } else {
            self.in_order.remove(&key);
            self.records.remove(&key);
        }
    }

    /// At most `limit` records of a kind behind `after`.
    pub(crate) fn scan(&self, kind: Kind, after: Option<RegisterKey>, limit: usize) -> Vec<Stored> {
        let from = after.map_or(Bound::Included(of(kind, &[])), Bound::Excluded);
        let behind = self.in_order.range((from, Bound::Unbounded));
        let within = behind.take_while(|key| key[0] == kind as u8);
        within.take(limit).filter_map(|key| self.records.get(key).cloned()).collect()
    }
}

fn of(kind: Kind, id: &[u8]) -> RegisterKey {
    let mut key = [0; 33];
    key[0] = kind as u8;
    key[1..=id.len()].copy_from_slice(id);
    key
}
