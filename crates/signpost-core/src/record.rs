//! What a store holds: versioned records, each found by a key that says nothing on disk.

use std::sync::Arc;

mod key;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::{Alert, AlertMark, Canary};
use crate::decommissioning::Decommissioning;
use crate::flag::ContactFlag;
use crate::history::{AccessReview, History};
use crate::id::{
    ActorId, BodyDigest, DecommissioningId, FlagId, HistoryId, HoldId, LiftId, OrderId,
    OrganisationId, PersonId, ProposalId, PurgeId, Receipt, RequestId, SystemId, TeamId,
};
use crate::purge::{
    LegalHold, MarkerKey, PurgeAnnex, PurgeCertificate, PurgePlan, PurgeQuota, PurgeRun,
    StandingOrder, Suppression,
};
use crate::register::{
    Certificate, Claim, Custodies, Enrolment, Group, Members, Organisation, Person, Proposal,
    ServiceState, System, Team, TokenRecord,
};
use crate::subject::{Pseudonym, Subject};
use crate::terms::ShieldKind;

pub use key::{Kind, Location, RecordKey, RecordKind, Scope};

/// A record of any kind. The order of the variants is stored: add at the end, never reorder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// What holds for a child as such.
    Head(ChildHead),
    /// One copy of a contact flag.
    Flag(FlagCopy),
    /// The first result of a write, for a repeat of it.
    Replay(Replay),
    /// A lifting that waits for its second name.
    Lift(Lift),
    /// An organisation.
    Organisation(Organisation),
    /// A team.
    Team(Team),
    /// A system.
    System(System),
    /// A client certificate.
    Certificate(Certificate),
    /// An access group.
    Group(Group),
    /// A person.
    Person(Person),
    /// A token.
    Token(TokenRecord),
    /// The service's own state.
    Service(ServiceState),
    /// That the clock is in doubt.
    ClockDoubt(ClockDoubt),
    /// Who is in an access group.
    Members(Members),
    /// What only one may be called.
    Claim(Claim),
    /// Where an organisation's tokens are.
    Custodies(Custodies),
    /// An enrolment code.
    Enrolment(Enrolment),
    /// What waits for its second name, or waited.
    Proposal(Proposal),
    /// What a privacy officer is to look at.
    Alert(Alert),
    /// A fictional child.
    Canary(Canary),
    /// How far the ledger has been looked through for alerts.
    AlertMark(AlertMark),
    /// A purge, from its plan on.
    Purge(Box<PurgePlan>),
    /// What a dry run counted.
    PurgeAnnex(PurgeAnnex),
    /// What is held back from every purge.
    Hold(Box<LegalHold>),
    /// The key of all suppressions.
    MarkerKey(MarkerKey),
    /// That writes about a child are discarded.
    Suppression(Suppression),
    /// How many children's purges an operator planned on a day.
    PurgeQuota(PurgeQuota),
    /// The purges that are being run.
    PurgeRun(Box<PurgeRun>),
    /// The certificate of a purge.
    PurgeCertificate(PurgeCertificate),
    /// A history of who looked.
    History(History),
    /// What was decided of one access in a history.
    AccessReview(AccessReview),
    /// By which purges are planned each day.
    StandingOrder(Box<StandingOrder>),
    /// How the service is planned to be closed, or was.
    Decommissioning(Box<Decommissioning>),
}

/// What holds for a child under one pseudonym. Every write about the child writes it anew, so that
/// two writes about one child never pass each other unseen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChildHead {
    /// The pseudonym.
    pub pseudonym: Pseudonym,
    /// The shields that lie on the child: those set on it, and those that flags have brought.
    pub shields: Vec<Shield>,
}

/// A shield: nobody but a broker is shown anything of the child.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shield {
    /// Why.
    pub kind: ShieldKind,
    /// The day by which it is to be looked at again, at most 6 months on. It does not lapse.
    pub review_due: jiff::civil::Date,
    /// Who set it.
    pub set_by: ActorId,
    /// The pseudonyms it was set on, as against those it spread to: a lifting must name one.
    pub set_on: Vec<Pseudonym>,
}

/// The copy of a flag under one pseudonym of its subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagCopy {
    /// The pseudonym it lies under.
    pub under: Pseudonym,
    /// The flag. It is by far the largest that a record holds, and is read at every question.
    #[serde(with = "shared")]
    pub flag: Arc<ContactFlag>,
}

/// By what a repeated write is known: the id alone would let one client read another's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ReplayKey {
    /// The system that sent it.
    pub system: SystemId,
    /// The person who sent it.
    pub person: PersonId,
    /// The id they gave it.
    pub request: RequestId,
}

/// The first result of a write. Its version is the receipt that was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// By what it is found.
    pub key: ReplayKey,
    /// What was asked.
    pub body: BodyDigest,
    /// What was answered.
    pub result: ReplayResult,
    /// The child it was about, if it was about one: it goes when the child goes.
    pub subject: Option<Subject>,
    /// Until when it is kept.
    pub until: Timestamp,
}

/// What a write answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReplayResult {
    /// A flag was recorded or ended.
    Flag(FlagId),
    /// A shield was set.
    ShieldSet,
    /// A lifting was begun, and waits for its second name.
    LiftBegun(LiftId),
    /// A shield was lifted.
    Lifted(LiftId),
    /// The first of two names that confirm the clock was given.
    ClockConfirmationBegun,
    /// The second was given.
    ClockConfirmed,
    /// The register was changed.
    Register(Registered),
    /// A purge was planned, approved or called off.
    Purge(PurgeId),
    /// One of the two names of a hold, or of its lifting, was given.
    Hold(HoldId),
    /// A standing order was set, approved or revoked.
    StandingOrder(OrderId),
    /// The decommissioning was planned, approved or called off.
    Decommissioning(DecommissioningId),
}

/// What a change of the register answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Registered {
    /// An organisation.
    Organisation(OrganisationId),
    /// A team.
    Team(TeamId),
    /// A system.
    System(SystemId),
    /// A proposal.
    Proposal(ProposalId),
    /// So many people were invited.
    People(u32),
    /// What was named is changed.
    Changed,
    /// A certificate was issued: its DER encoding, which nothing else keeps.
    Certificate(Vec<u8>),
    /// A history of who looked was asked for.
    History(HistoryId),
}

/// A lifting of a shield that waits for its second name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lift {
    /// Its id.
    pub id: LiftId,
    /// The child.
    pub subject: Subject,
    /// The first name; the second must be another.
    pub proposer: PersonId,
    /// Until when it waits.
    pub until: Timestamp,
}

/// That the clock stepped ahead, and two people have yet to confirm it. While this record is there,
/// nothing is destroyed and nothing closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockDoubt {
    /// The first name; the second must be another.
    pub first: Option<FirstName>,
}

/// The first of two names, which waits for the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstName {
    /// Whose it is.
    pub person: PersonId,
    /// Until when it waits.
    pub until: Timestamp,
}

/// A record and its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The ledger index of the entry that put its last change on record.
    pub version: Receipt,
    /// The record.
    pub record: Record,
}

/// A stored record that does not decode: damage, or a format this build does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a stored record does not decode (format {format})")]
pub struct RecordError {
    /// The format byte found.
    pub format: u8,
}

impl Record {
    /// The first byte of every encoded record.
    pub const FORMAT: u8 = 5;

    /// By what it is found.
    #[must_use]
    pub fn key(&self) -> RecordKey {
        match self {
            Self::Head(head) => RecordKey::Head(head.pseudonym.clone()),
            Self::Flag(copy) => RecordKey::Flag(copy.under.clone(), copy.flag.id),
            Self::Replay(replay) => RecordKey::Replay(replay.key),
            Self::Lift(lift) => RecordKey::Lift(lift.id),
            Self::Organisation(organisation) => RecordKey::Organisation(organisation.id),
            Self::Team(team) => RecordKey::Team(team.id),
            Self::System(system) => RecordKey::System(system.id),
            Self::Certificate(certificate) => RecordKey::Certificate(certificate.fingerprint),
            Self::Group(group) => RecordKey::Group(group.id),
            Self::Person(person) => RecordKey::Person(person.id),
            Self::Token(token) => RecordKey::Token(token.hash),
            Self::Service(_) => RecordKey::Service,
            Self::ClockDoubt(_) => RecordKey::ClockDoubt,
            Self::Members(members) => RecordKey::Members(members.group),
            Self::Claim(claim) => RecordKey::Claim(claim.claimed()),
            Self::Custodies(custodies) => RecordKey::Custodies(custodies.organisation),
            Self::Enrolment(enrolment) => RecordKey::Enrolment(enrolment.code),
            Self::Proposal(proposal) => RecordKey::Proposal(proposal.id),
            Self::Alert(alert) => RecordKey::Alert(alert.id),
            Self::Canary(canary) => RecordKey::Canary(canary.id),
            Self::AlertMark(_) => RecordKey::AlertMark,
            Self::Purge(plan) => RecordKey::Purge(plan.id),
            Self::PurgeAnnex(annex) => RecordKey::PurgeAnnex(annex.purge),
            Self::Hold(hold) => RecordKey::Hold(hold.id),
            Self::MarkerKey(_) => RecordKey::MarkerKey,
            Self::Suppression(suppression) => RecordKey::Suppression(suppression.marker),
            Self::PurgeQuota(quota) => RecordKey::PurgeQuota(quota.person),
            Self::PurgeRun(_) => RecordKey::PurgeRun,
            Self::PurgeCertificate(certificate) => RecordKey::PurgeCertificate(certificate.purge),
            Self::History(history) => RecordKey::History(history.id),
            Self::AccessReview(review) => RecordKey::AccessReview(review.history, review.entry),
            Self::StandingOrder(_) => RecordKey::StandingOrder,
            Self::Decommissioning(_) => RecordKey::Decommissioning,
        }
    }

    /// Of which kind it is.
    #[must_use]
    pub fn kind(&self) -> RecordKind {
        self.key().kind()
    }

    /// Whether it is found by this key. For a child's record no pseudonym is copied.
    #[must_use]
    pub fn has_key(&self, key: &RecordKey) -> bool {
        match (self, key) {
            (Self::Head(head), RecordKey::Head(pseudonym)) => head.pseudonym == *pseudonym,
            (Self::Flag(copy), RecordKey::Flag(pseudonym, id)) => {
                copy.flag.id == *id && copy.under == *pseudonym
            }
            _ => self.key() == *key,
        }
    }

    /// The format byte and the record in postcard's encoding; in clear, to be sealed by the store.
    #[must_use]
    pub fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let bytes = vec![Self::FORMAT];
        let bytes = postcard::to_extend(self, bytes).expect("a Vec takes every record");
        zeroize::Zeroizing::new(bytes)
    }

    /// Reads what [`Record::encode`] wrote; bytes after it (padding) are passed over.
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let (&format, rest) = bytes.split_first().ok_or(RecordError { format: 0 })?;
        if format != Self::FORMAT {
            return Err(RecordError { format });
        }
        match postcard::take_from_bytes(rest) {
            Ok((record, _padding)) => Ok(record),
            Err(_) => Err(RecordError { format }),
        }
    }
}

/// What is shared is stored as if it were not.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<T: Serialize, S: Serializer>(
        value: &Arc<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        T::serialize(value, serializer)
    }

    pub(super) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Arc<T>, D::Error> {
        T::deserialize(deserializer).map(Arc::new)
    }
}
