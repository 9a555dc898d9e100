//! The register: organisations, their systems and teams, access groups, people and their tokens.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::flag::Hours;
use crate::id::{
    ActorId, Fingerprint, GroupId, KeyFingerprint, OrganisationId, PersonId, PolicyDigest,
    SystemId, TeamId, TokenId,
};
use crate::subject::EvaluationKeyId;
use crate::terms::{Purpose, Role};
use crate::text::{Name, OrganisationCode, Phone};
use crate::token::TokenHash;

/// An organisation: a council, a trust, a force, a school.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// Its ODS, GSS or URN code.
    pub code: OrganisationCode,
    /// Its name.
    pub name: Name,
    /// The last day of its legal authority; after it, its people get no answers.
    pub authority_until: Date,
}

/// A team of an organisation, and how it is reached on duty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: Name,
    /// Its duty telephone.
    pub duty_phone: Phone,
    /// When that is answered.
    pub hours: Hours,
}

/// Whether a system, person or token may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It may be used.
    Active,
    /// It may not, until it is active again.
    Suspended,
}

/// A system of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Its id.
    pub id: SystemId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: Name,
    /// Whether it may be used.
    pub standing: Standing,
}

/// A client certificate, which names a system. Found by its fingerprint at every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of its DER encoding.
    pub fingerprint: Fingerprint,
    /// The system it names.
    pub system: SystemId,
}

/// A limited set of practitioners with one team, one role and an end date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its team.
    pub team: TeamId,
    /// The one role of its members.
    pub role: Role,
    /// The purposes its members may ask for, where the policy allows them too.
    pub purposes: Vec<Purpose>,
    /// The most members it may ever have.
    pub members_max: u32,
    /// Its first day.
    pub valid_from: Date,
    /// Its last day.
    pub valid_until: Date,
}

/// A person: one group, one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The person's id.
    pub id: PersonId,
    /// What the person is called in the ledger.
    pub actor: ActorId,
    /// The person's organisation.
    pub organisation: OrganisationId,
    /// The person's group.
    pub group: GroupId,
    /// Whether the person may act.
    pub standing: Standing,
}

/// A token, as it is stored: its hash, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    /// The hash by which it is found.
    pub hash: TokenHash,
    /// What it is called in the ledger.
    pub id: TokenId,
    /// The person who holds it.
    pub person: PersonId,
    /// The organisation it is bound to: it counts over this organisation's systems only.
    pub organisation: OrganisationId,
    /// Its last day.
    pub valid_until: Date,
    /// Whether it may be used.
    pub standing: Standing,
}

/// What the service remembers of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceState {
    /// The policy in force; every commit rests on this record's version.
    pub policy: PolicyDigest,
    /// The evaluation keys that pseudonyms were made with. Without one of them, or with another
    /// under its id, a child who is known would be answered as unknown.
    pub evaluation_keys: Vec<(EvaluationKeyId, KeyFingerprint)>,
}
