//! The children of the benchmarks: pseudonyms that look random, and flags under half of them.

use jiff::civil::{Date, date};
use sha2::{Digest, Sha512};
use signpost_core::flag::{
    ContactFlag, ContactRoute, Hours, Involvement, InvolvementDetails, Provenance,
};
use signpost_core::id::{FlagId, OrganisationId, SystemId, TeamId};
use signpost_core::record::{ChildHead, FlagCopy, Record};
use signpost_core::register::{Organisation, Team};
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms::{
    CodeScheme, ContactRole, DisclosureBasis, InvolvementStatus, LegalAuthority, Namespace,
    OrganisationKind, Sensitivity, ServiceType, SubjectInformed,
};

/// The flags of each known child.
pub(crate) const FLAGS_EACH: usize = 4;

/// The organisation whose team has flagged every known child: never the asker's own.
const OWNER: OrganisationId = OrganisationId::new([0xB1; 16]);
const TEAM: TeamId = TeamId::new([0xB2; 16]);
const SYSTEM: SystemId = SystemId::new([0xB3; 16]);

const TODAY: Date = date(2026, 6, 15);
const UNTIL: Date = date(2099, 12, 31);

/// A child of this number, known or not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ChildOf {
    /// There are flags.
    Known(usize),
    /// There is nothing.
    Unknown(usize),
}

impl ChildOf {
    /// Every second question is about an unknown child.
    pub(crate) fn alternating(number: usize) -> Self {
        if number.is_multiple_of(2) { Self::Known(number / 2) } else { Self::Unknown(number / 2) }
    }

    /// The same at every run. What the OPRF gives looks random too.
    pub(crate) fn pseudonym(self) -> [u8; 64] {
        let (kind, number) = match self {
            Self::Known(number) => ("known", number),
            Self::Unknown(number) => ("unknown", number),
        };
        let hash = Sha512::new().chain_update(kind).chain_update(number.to_string());
        hash.finalize().into()
    }

    /// The child of a question.
    pub(crate) fn subject(self) -> Subject {
        let named = NamedPseudonym {
            namespace: Namespace::Nhs,
            key: EvaluationKeyId(1),
            pseudonym: Pseudonym::new(self.pseudonym()),
        };
        Subject::try_from(vec![named]).expect("one pseudonym is a subject")
    }

    /// All that is stored of a known child.
    pub(crate) fn records(self) -> Vec<Record> {
        let under = Pseudonym::new(self.pseudonym());
        let head = ChildHead { pseudonym: under.clone(), shields: Vec::new() };
        let mut records = vec![Record::Head(head)];
        for number in 0..FLAGS_EACH {
            let mut id = [0; 16];
            id.copy_from_slice(&Sha512::digest(&self.pseudonym()[number..])[..16]);
            let flag = flag(FlagId::new(id), self.subject());
            records.push(Record::Flag(FlagCopy { under: under.clone(), flag: flag.into() }));
        }
        records
    }
}

/// The organisation and the team that the flags name.
pub(crate) fn owner() -> Vec<Record> {
    let organisation = Organisation {
        id: OWNER,
        kind: OrganisationKind::NhsTrust,
        scheme: CodeScheme::Ods,
        code: text("RZZ99"),
        name: text("Southmoor Hospital Trust"),
        area: text("E10000002"),
        authority: LegalAuthority::ChildrenAct2004S16la,
        authority_until: UNTIL,
    };
    let team = Team {
        id: TEAM,
        organisation: OWNER,
        name: text("Safeguarding Nurses"),
        duty_phone: text("+441632960200"),
        hours: hours(),
    };
    vec![Record::Organisation(organisation), Record::Team(team)]
}

fn flag(id: FlagId, subject: Subject) -> ContactFlag {
    let details = InvolvementDetails {
        service_type: ServiceType::HealthVisiting,
        status: InvolvementStatus::Active,
        sensitivity: Sensitivity::Standard,
        disclosure_basis: DisclosureBasis::PublicTask,
        subject_informed: SubjectInformed::Informed,
        route: ContactRoute {
            role: ContactRole::NamedNurse,
            work_phone: text("+441632960201"),
            hours: hours(),
            out_of_hours: None,
        },
        lead_practitioner: false,
        assessment_held: true,
        started: date(2025, 3, 1),
        ended: None,
        confirmed_on: date(2026, 6, 1),
        in_error: false,
        disputed: false,
        retain_until: None,
    };
    let involvement = Involvement::new(details, TODAY).expect("its dates fit together");
    let source_reference = text("CASE-1");
    let provenance =
        Provenance { owner: OWNER, source_system: SYSTEM, feed: None, source_reference };
    ContactFlag { id, subject, team: TEAM, involvement, provenance }
}

fn hours() -> Hours {
    Hours::new(0b1_1111, 540, 1020).expect("nine to five")
}

fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().expect("it keeps to its alphabet")
}
