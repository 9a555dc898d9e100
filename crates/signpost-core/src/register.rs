//! The register: organisations, their systems and teams, access groups, people and their tokens.

mod access;
mod organisation;
mod person;
mod token;

use serde::{Deserialize, Serialize};

pub use access::{
    AuthorityExtension, Group, GroupWidening, MEMBERS_MAX, Members, Proposal, ProposalState,
    ProposedChange,
};
pub use organisation::{CERTIFICATES_MAX, Certificate, Organisation, System, Team};
pub use person::{Conditions, Lapse, Person, PersonStanding};
pub use token::{Custodies, Enrolment, EnrolmentState, HeldToken, TokenRecord};

use crate::closing::Closing;
use crate::id::{KeyFingerprint, OrganisationId, PersonId, PolicyDigest, PurgeId, Receipt};
use crate::subject::EvaluationKeyId;
use crate::terms::CodeScheme;
use crate::text::{OrganisationCode, StaffReference};

/// Whether a system, certificate or token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It may be used.
    Active,
    /// It may not, until it is active again.
    Suspended,
    /// It may not, ever again.
    Revoked,
}

/// What only one of its kind may be called, and who is: so that nobody is registered twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Claim {
    /// An organisation's code.
    Code(CodeScheme, OrganisationCode, OrganisationId),
    /// A staff reference within an organisation.
    Staff(OrganisationId, StaffReference, PersonId),
}

/// What is claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// An organisation's code.
    Code(CodeScheme, OrganisationCode),
    /// A staff reference within an organisation.
    Staff(OrganisationId, StaffReference),
}

impl Claim {
    /// What is claimed.
    #[must_use]
    pub fn claimed(&self) -> Claimed {
        match self {
            Self::Code(scheme, code, _) => Claimed::Code(*scheme, code.clone()),
            Self::Staff(organisation, staff, _) => Claimed::Staff(*organisation, staff.clone()),
        }
    }
}

/// What the service remembers of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// The policy in force; every commit rests on this record's version.
    pub policy: PolicyDigest,
    /// The entry by which that policy came into force; none where it is the very one that wrote
    /// this record, which has no number before it is written.
    pub policy_since: Option<Receipt>,
    /// The evaluation keys that pseudonyms were made with. Without one of them, or with another
    /// under its id, a child who is known would be answered as unknown.
    pub evaluation_keys: Vec<(EvaluationKeyId, KeyFingerprint)>,
    /// The purges that are being run, until the switch: what they take is left out of every answer.
    pub frozen: Vec<PurgeId>,
    /// SHA-256 of the last certificate of a purge.
    pub last_certificate: Option<[u8; 32]>,
    /// The approved closing of the service; none as long as it is to go on.
    pub closing: Option<Closing>,
}

impl ServiceState {
    /// The entry by which the policy came into force, given this record's version.
    #[must_use]
    pub fn in_force_since(&self, version: Receipt) -> Receipt {
        self.policy_since.unwrap_or(version)
    }
}
