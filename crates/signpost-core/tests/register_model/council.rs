//! A council and a hospital trust that do not exist, and what is the same of either in every test.

use std::num::NonZeroUsize;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use signpost_core::flag::Hours;
use signpost_core::id::{Fingerprint, OrganisationId, SystemId, TeamId};
use signpost_core::policy::Policy;
use signpost_core::register::{Certificate, Conditions, Organisation, Standing, System};
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms::{
    CodeScheme, LegalAuthority, Namespace, OrganisationKind, Purpose, Role,
};

pub(crate) const NORTHFIELD: u8 = 1;
pub(crate) const EASTVALE: u8 = 2;

/// The council's two teams, and the trust's one.
pub(crate) const NORTH: TeamId = TeamId::new([11; 16]);
pub(crate) const EAST: TeamId = TeamId::new([21; 16]);

/// The day until which all is in order for those of the first light, so that a test may move the
/// clock by years.
pub(crate) const LAST_DAY: Date = date(2099, 12, 31);

pub(crate) const NO_LIMIT: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

pub(crate) const fn org(id: u8) -> OrganisationId {
    OrganisationId::new([id; 16])
}

pub(crate) fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().unwrap()
}

pub(crate) fn hours() -> Hours {
    Hours::new(0b1_1111, 540, 1020).unwrap()
}

/// What the policy lets a group of this role ask for.
pub(crate) fn purposes_of(role: Role) -> Vec<Purpose> {
    let policy = Policy::default();
    let all = Purpose::ALL.iter().copied();
    all.filter(|purpose| policy.cell(role, *purpose).is_some()).collect()
}

pub(crate) fn conditions(vetting_on: Date) -> Conditions {
    Conditions {
        vetting_on,
        barred_list_checked_on: vetting_on,
        training_on: vetting_on,
        agreement_signed_on: vetting_on,
    }
}

pub(crate) fn organisation(id: u8, code: &str, name: &str) -> Organisation {
    Organisation {
        id: org(id),
        kind: OrganisationKind::LocalAuthority,
        scheme: CodeScheme::Ods,
        code: text(code),
        name: text(name),
        area: text("E10000001"),
        authority: LegalAuthority::ChildrenAct2004S11,
        authority_until: LAST_DAY,
    }
}

pub(crate) fn system(of: u8) -> System {
    System {
        id: SystemId::new([of; 16]),
        organisation: org(of),
        name: text("Case system"),
        standing: Standing::Active,
        certificates: Vec::new(),
    }
}

pub(crate) fn certificate(of: u8) -> Certificate {
    Certificate {
        fingerprint: Fingerprint::new([of; 32]),
        system: SystemId::new([of; 16]),
        until: Timestamp::MAX,
        standing: Standing::Active,
        renewal: None,
    }
}

pub(crate) fn child() -> Subject {
    let named = NamedPseudonym {
        namespace: Namespace::Nhs,
        key: EvaluationKeyId(1),
        pseudonym: Pseudonym::new([1; 64]),
    };
    Subject::try_from(vec![named]).unwrap()
}
