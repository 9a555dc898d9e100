//! Organisations, their teams, and the systems that their certificates name.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Standing;
use crate::flag::Hours;
use crate::id::{Fingerprint, OrganisationId, SystemId, TeamId};
use crate::terms::{CodeScheme, LegalAuthority, OrganisationKind};
use crate::text::{AreaCode, Name, OrganisationCode, Phone};

/// An organisation: a council, a trust, a force, a school.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Its id.
    pub id: OrganisationId,
    /// What kind of body it is.
    pub kind: OrganisationKind,
    /// Whose code it is known by.
    pub scheme: CodeScheme,
    /// That code.
    pub code: OrganisationCode,
    /// Its name.
    pub name: Name,
    /// The area it works in.
    pub area: AreaCode,
    /// The law under which it takes part.
    pub authority: LegalAuthority,
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

/// How many certificates of one system count at once: the present one, the next, and some more for
/// machines of one system that each have their own.
pub const CERTIFICATES_MAX: usize = 8;

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
    /// The certificates that name it, at most [`CERTIFICATES_MAX`]: those that were revoked or are
    /// over make way for the next.
    pub certificates: Vec<Fingerprint>,
}

/// A client certificate, which names a system. Found by its fingerprint at every request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// SHA-256 of its DER encoding.
    pub fingerprint: Fingerprint,
    /// The system it names.
    pub system: SystemId,
    /// Until when it counts: its own `notAfter`, as it was admitted.
    pub until: Timestamp,
    /// Whether it may be used; revoked is for ever.
    pub standing: Standing,
    /// Its DER encoding, if the service's own authority signed it for the system's own request: the
    /// same request again is given it again.
    pub renewal: Option<Vec<u8>>,
}
