//! By what a record is found, and where it lies: keyed, so that neither child nor kind shows.

use serde::{Deserialize, Serialize};

use super::ReplayKey;
use crate::id::{
    AlertId, CanaryId, Fingerprint, FlagId, GroupId, HistoryId, HoldId, LiftId, OrganisationId,
    PersonId, ProposalId, PurgeId, Receipt, SuppressionMarker, SystemId, TeamId,
};
use crate::register::Claimed;
use crate::subject::Pseudonym;
use crate::token::{CodeHash, TokenHash};

/// By what a record is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordKey {
    /// A child's head.
    Head(Pseudonym),
    /// A copy of a flag.
    Flag(Pseudonym, FlagId),
    /// A write's first result.
    Replay(ReplayKey),
    /// A waiting lifting.
    Lift(LiftId),
    /// An organisation.
    Organisation(OrganisationId),
    /// A team.
    Team(TeamId),
    /// A system.
    System(SystemId),
    /// A client certificate.
    Certificate(Fingerprint),
    /// An access group.
    Group(GroupId),
    /// A person.
    Person(PersonId),
    /// A token.
    Token(TokenHash),
    /// The service's own state.
    Service,
    /// That the clock is in doubt.
    ClockDoubt,
    /// Who is in an access group.
    Members(GroupId),
    /// What only one may be called.
    Claim(Claimed),
    /// Where an organisation's tokens are.
    Custodies(OrganisationId),
    /// An enrolment code.
    Enrolment(CodeHash),
    /// What waits for its second name, or waited.
    Proposal(ProposalId),
    /// What a privacy officer is to look at.
    Alert(AlertId),
    /// A fictional child.
    Canary(CanaryId),
    /// How far the ledger has been looked through for alerts.
    AlertMark,
    /// A purge.
    Purge(PurgeId),
    /// What a dry run counted.
    PurgeAnnex(PurgeId),
    /// A legal hold.
    Hold(HoldId),
    /// The key of all suppressions.
    MarkerKey,
    /// A suppression.
    Suppression(SuppressionMarker),
    /// How many children's purges an operator planned on a day.
    PurgeQuota(PersonId),
    /// The purges that are being run.
    PurgeRun,
    /// The certificate of a purge.
    PurgeCertificate(PurgeId),
    /// A history of who looked.
    History(HistoryId),
    /// What was decided of the access of this entry in a history.
    AccessReview(HistoryId, Receipt),
    /// The standing order of purges.
    StandingOrder,
    /// The decommissioning.
    Decommissioning,
}

/// The kinds of record that are scanned as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Kind {
    /// Writes' first results.
    Replay = 3,
    /// Waiting liftings.
    Lift = 4,
    /// Organisations.
    Organisation = 5,
    /// Teams.
    Team = 6,
    /// Systems.
    System = 7,
    /// Client certificates.
    Certificate = 8,
    /// Access groups.
    Group = 9,
    /// People.
    Person = 10,
    /// Tokens.
    Token = 11,
    /// The service's own state.
    Service = 12,
    /// That the clock is in doubt.
    ClockDoubt = 13,
    /// Who is in each access group.
    Members = 14,
    /// What only one may be called.
    Claim = 15,
    /// Where each organisation's tokens are.
    Custodies = 16,
    /// Enrolment codes.
    Enrolment = 17,
    /// Proposals.
    Proposal = 18,
    /// What privacy officers are to look at.
    Alert = 19,
    /// Fictional children.
    Canary = 20,
    /// How far the ledger has been looked through for alerts.
    AlertMark = 21,
    /// Purges.
    Purge = 22,
    /// What dry runs counted.
    PurgeAnnex = 23,
    /// Legal holds.
    Hold = 24,
    /// The key of all suppressions.
    MarkerKey = 25,
    /// Suppressions.
    Suppression = 26,
    /// How many children's purges each operator planned on a day.
    PurgeQuota = 27,
    /// The purges that are being run.
    PurgeRun = 28,
    /// Certificates of purges.
    PurgeCertificate = 29,
    /// Histories of who looked.
    History = 30,
    /// What was decided of accesses in them.
    AccessReview = 31,
    /// The decommissioning.
    Decommissioning = 32,
    /// The standing order of purges.
    StandingOrder = 33,
}

/// The kind of any record: one that is scanned as a whole, or one of a child's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RecordKind {
    /// Children's heads.
    Head,
    /// Copies of flags.
    Flag,
    /// One that is scanned as a whole.
    Of(Kind),
}

/// What a scan goes through: the records of one child, or of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The head and the flags under one pseudonym.
    Child(Pseudonym),
    /// Every record of a kind.
    Kind(Kind),
    /// Every record there is, of which a purge's dry run counts some. It goes through children that
    /// nobody has named, and so nothing else may use it.
    Everything,
}

/// Where a record lies: 32 bytes of its scope (for a child, the child key) and 16 of the record
/// within, all keyed, so that neither child nor kind shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location([u8; 48]);

impl RecordKey {
    /// The scope it belongs to.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::Head(pseudonym) | Self::Flag(pseudonym, _) => Scope::Child(pseudonym.clone()),
            Self::Replay(_) => Scope::Kind(Kind::Replay),
            Self::Lift(_) => Scope::Kind(Kind::Lift),
            Self::Organisation(_) => Scope::Kind(Kind::Organisation),
            Self::Team(_) => Scope::Kind(Kind::Team),
            Self::System(_) => Scope::Kind(Kind::System),
            Self::Certificate(_) => Scope::Kind(Kind::Certificate),
            Self::Group(_) => Scope::Kind(Kind::Group),
            Self::Person(_) => Scope::Kind(Kind::Person),
            Self::Token(_) => Scope::Kind(Kind::Token),
            Self::Service => Scope::Kind(Kind::Service),
            Self::ClockDoubt => Scope::Kind(Kind::ClockDoubt),
            Self::Members(_) => Scope::Kind(Kind::Members),
            Self::Claim(_) => Scope::Kind(Kind::Claim),
            Self::Custodies(_) => Scope::Kind(Kind::Custodies),
            Self::Enrolment(_) => Scope::Kind(Kind::Enrolment),
            Self::Proposal(_) => Scope::Kind(Kind::Proposal),
            Self::Alert(_) => Scope::Kind(Kind::Alert),
            Self::Canary(_) => Scope::Kind(Kind::Canary),
            Self::AlertMark => Scope::Kind(Kind::AlertMark),
            Self::Purge(_) => Scope::Kind(Kind::Purge),
            Self::PurgeAnnex(_) => Scope::Kind(Kind::PurgeAnnex),
            Self::Hold(_) => Scope::Kind(Kind::Hold),
            Self::MarkerKey => Scope::Kind(Kind::MarkerKey),
            Self::Suppression(_) => Scope::Kind(Kind::Suppression),
            Self::PurgeQuota(_) => Scope::Kind(Kind::PurgeQuota),
            Self::PurgeRun => Scope::Kind(Kind::PurgeRun),
            Self::PurgeCertificate(_) => Scope::Kind(Kind::PurgeCertificate),
            Self::History(_) => Scope::Kind(Kind::History),
            Self::AccessReview(..) => Scope::Kind(Kind::AccessReview),
            Self::StandingOrder => Scope::Kind(Kind::StandingOrder),
            Self::Decommissioning => Scope::Kind(Kind::Decommissioning),
        }
    }

    /// The kind of record it finds.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        match self.scope() {
            Scope::Kind(kind) => RecordKind::Of(kind),
            Scope::Child(_) if matches!(self, Self::Head(_)) => RecordKind::Head,
            Scope::Child(_) | Scope::Everything => RecordKind::Flag,
        }
    }

    /// Where it lies under this generation's index key. For stores alone.
    #[must_use]
    pub fn locate(&self, index_key: &[u8; 32]) -> Location {
        let scope = self.scope().locate(index_key);
        let mut within = blake3::Hasher::new_keyed(index_key);
        // The scope too: else every head would end alike, and so would the copies of one flag.
        within.update(b"signpost record\0").update(&scope);
        match self {
            Self::Head(_) => within.update(&[1]),
            Self::Flag(_, id) => within.update(&[2]).update(id.as_bytes()),
            Self::Replay(key) => within
                .update(key.system.as_bytes())
                .update(key.person.as_bytes())
                .update(key.request.as_bytes()),
            Self::Lift(id) => within.update(id.as_bytes()),
            Self::Organisation(id) | Self::Custodies(id) => within.update(id.as_bytes()),
            Self::Team(id) => within.update(id.as_bytes()),
            Self::System(id) => within.update(id.as_bytes()),
            Self::Certificate(fingerprint) => within.update(fingerprint.as_bytes()),
            Self::Group(id) | Self::Members(id) => within.update(id.as_bytes()),
            Self::Person(id) | Self::PurgeQuota(id) => within.update(id.as_bytes()),
            Self::Token(hash) => within.update(hash.as_bytes()),
            Self::Service
            | Self::ClockDoubt
            | Self::AlertMark
            | Self::MarkerKey
            | Self::PurgeRun
            | Self::StandingOrder
            | Self::Decommissioning => &mut within,
            Self::Claim(Claimed::Code(scheme, code)) => {
                within.update(&[1, scheme.code()]).update(code.as_str().as_bytes())
            }
            Self::Claim(Claimed::Staff(organisation, staff)) => within
                .update(&[2])
                .update(organisation.as_bytes())
                .update(staff.as_str().as_bytes()),
            Self::Enrolment(code) => within.update(code.as_bytes()),
            Self::Proposal(id) => within.update(id.as_bytes()),
            Self::Alert(id) => within.update(id.as_bytes()),
            Self::Canary(id) => within.update(id.as_bytes()),
            Self::Purge(id) | Self::PurgeAnnex(id) | Self::PurgeCertificate(id) => {
                within.update(id.as_bytes())
            }
            Self::Hold(id) => within.update(id.as_bytes()),
            Self::Suppression(marker) => within.update(marker.as_bytes()),
            Self::History(id) => within.update(id.as_bytes()),
            Self::AccessReview(history, entry) => {
                within.update(history.as_bytes()).update(&entry.0.to_be_bytes())
            }
        };
        let mut location = [0; 48];
        location[..32].copy_from_slice(&scope);
        location[32..].copy_from_slice(&within.finalize().as_bytes()[..16]);
        Location(location)
    }
}

impl RecordKind {
    /// The number it is stored by, which never changes.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Head => 1,
            Self::Flag => 2,
            Self::Of(kind) => kind as u8,
        }
    }
}

impl Scope {
    /// The first 32 bytes of every location in it; for a child, the child key. Of everything there are
    /// none that all have: these are no record's. For stores alone.
    #[must_use]
    pub fn locate(&self, index_key: &[u8; 32]) -> [u8; 32] {
        let mut scope = blake3::Hasher::new_keyed(index_key);
        match self {
            Self::Child(pseudonym) => {
                scope.update(b"signpost child\0").update(pseudonym.as_bytes())
            }
            Self::Kind(kind) => scope.update(b"signpost kind\0").update(&[*kind as u8]),
            Self::Everything => scope.update(b"signpost everything\0"),
        };
        *scope.finalize().as_bytes()
    }
}

impl Location {
    /// The lowest location of a scope. For stores alone.
    #[must_use]
    pub fn first_of(scope: &[u8; 32]) -> Self {
        let mut location = [0; 48];
        location[..32].copy_from_slice(scope);
        Self(location)
    }

    /// The 48 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 48] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_record_lies_shows_neither_its_kind_nor_its_copies() {
        let flag = FlagId::new([7; 16]);
        let one = Pseudonym::new([1; 64]);
        let other = Pseudonym::new([2; 64]);
        let ends = [
            RecordKey::Head(one.clone()),
            RecordKey::Head(other.clone()),
            RecordKey::Flag(one, flag),
            RecordKey::Flag(other, flag),
        ]
        .map(|key| key.locate(&[3; 32]).as_bytes()[32..].to_vec());
        for (index, end) in ends.iter().enumerate() {
            assert!(!ends[..index].contains(end));
        }
    }

    #[test]
    fn a_record_lies_elsewhere_in_every_generation() {
        let key = RecordKey::Head(Pseudonym::new([1; 64]));
        let [one, other] = [[3; 32], [4; 32]].map(|index_key| key.locate(&index_key));
        assert_ne!(one.as_bytes()[..32], other.as_bytes()[..32]);
        assert_ne!(one.as_bytes()[32..], other.as_bytes()[32..]);
    }
}
