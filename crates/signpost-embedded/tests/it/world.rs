//! A small register, and what its two people do, through the rules of the core.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::{Date, date};
use signpost_core::directory::{
    Answer, ContactEnd, Directory, NewContact, NewShield, Presented, Question, ShieldLift,
    TurnError,
};
use signpost_core::flag::{ContactRoute, Hours, InvolvementDetails};
use signpost_core::id::{
    ActorId, Fingerprint, FlagId, GroupId, OrganisationId, PersonId, Receipt, RequestId, SystemId,
    TeamId, TokenId,
};
use signpost_core::policy::{self, Policy};
use signpost_core::register::{
    Certificate, Conditions, Group, Organisation, Person, PersonStanding, Standing, System, Team,
    TokenRecord,
};
use signpost_core::store::{Clock, Store};
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms::{
    Action, CodeScheme, ContactRole, Custody, DisclosureBasis, InvolvementStatus, LegalAuthority,
    Namespace, OrganisationKind, Purpose, Relationship, Role, Sensitivity, ServiceType, ShieldKind,
    SubjectInformed,
};
use signpost_core::testing::{Register, SeededEntropy};
use signpost_core::token::Token;
use signpost_core::turn::Destroyed;

/// The directory over a store, and a count that gives each request an id of its own.
pub(crate) struct World {
    directory: Directory,
    requests: u64,
}

/// Texts of the register and of flags, which must not show in any file.
pub(crate) const TEXTS: [&str; 4] =
    ["Northfield Council", "Children in Need (East)", "+441632960001", "CASE-1"];

pub(crate) async fn first_light(store: &dyn Store) -> Receipt {
    try_first_light(store).await.unwrap()
}

/// The first commit of all; none where the store does not take it.
pub(crate) async fn try_first_light(store: &dyn Store) -> Option<Receipt> {
    let policy = Policy::parse(policy::DEFAULT).unwrap();
    Directory::first_light(store, &policy, register().into()).await.ok()
}

impl World {
    pub(crate) async fn start(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        Self::start_from(1, store, clock).await
    }

    /// Two that work at a time need seeds of their own, or they draw the same ids.
    pub(crate) async fn start_from(
        seed: u64,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let policy = Arc::new(Policy::parse(policy::DEFAULT).unwrap());
        let entropy = Arc::new(SeededEntropy::new(seed));
        let directory = Directory::start(store, policy, clock, entropy).await.unwrap();
        Self { directory, requests: 0 }
    }

    pub(crate) async fn ask(&self, child: u8) -> Answer {
        self.try_ask(child).await.unwrap()
    }

    /// Asks; none where there is no answer, because the store has failed.
    pub(crate) async fn try_ask(&self, child: u8) -> Option<Answer> {
        let question = Question {
            subject: subject(child),
            purpose: Purpose::S47Enquiry,
            relationship: Relationship::AllocatedCase,
        };
        self.directory.ask(&presented(0), &Ok(question), Action::Ask).await.ok()
    }

    pub(crate) async fn record(&mut self, child: u8, reference: u8) -> (FlagId, Receipt) {
        self.try_record(child, reference).await.unwrap()
    }

    /// Records a contact; none where it is not, because the store has failed.
    pub(crate) async fn try_record(
        &mut self,
        child: u8,
        reference: u8,
    ) -> Option<(FlagId, Receipt)> {
        let contact = NewContact {
            request: self.request(),
            subject: subject(child),
            details: details(),
            source_reference: format!("CASE-1{reference}").try_into().unwrap(),
        };
        let written = self.directory.record_contact(&presented(0), &Ok(contact)).await.ok()?;
        Some((written.result, written.receipt))
    }

    /// Ends a flag; one that is ended already is refused, which is no matter here.
    pub(crate) async fn end(&mut self, child: u8, flag: FlagId) {
        let request = self.request();
        let end = ContactEnd { request, subject: subject(child), flag, ended: TODAY };
        let _either = self.directory.end_contact(&presented(0), &Ok(end)).await;
    }

    /// Shields a child, and lifts the shield by two people.
    pub(crate) async fn shield_and_lift(&mut self, child: u8) {
        let shield = NewShield {
            request: self.request(),
            subject: subject(child),
            kind: ShieldKind::ProtectedIdentity,
            review_due: date(2026, 10, 1),
        };
        let _either = self.directory.set_shield(&presented(0), &Ok(shield)).await;
        for person in 0..2 {
            let request = self.request();
            let lift = ShieldLift { request, subject: subject(child), lift: None };
            let _either = self.directory.lift_shield(&presented(person), &Ok(lift)).await;
        }
    }

    /// Turns to the next generation, as the service does.
    pub(crate) async fn compact(&self) -> Result<Destroyed, TurnError> {
        self.directory.compact().await
    }

    /// Leaves room for the ids of requests that an earlier process sent.
    pub(crate) fn skip_requests(&mut self, count: u64) {
        self.requests += count;
    }

    fn request(&mut self) -> RequestId {
        self.requests += 1;
        let mut id = [0; 16];
        id[8..].copy_from_slice(&self.requests.to_be_bytes());
        RequestId::new(id)
    }
}

/// The pseudonym of a child, unlike every other.
pub(crate) fn pseudonym(child: u8) -> Pseudonym {
    let mut bytes = [0xA7; 64];
    bytes[0] = child;
    bytes[63] = child;
    Pseudonym::new(bytes)
}

fn subject(child: u8) -> Subject {
    let pseudonym = pseudonym(child);
    let named = NamedPseudonym { namespace: Namespace::Nhs, key: EvaluationKeyId(1), pseudonym };
    Subject::try_from(vec![named]).unwrap()
}

fn presented(person: u8) -> Presented {
    let token = Some(Ok(Token::new([0x20 + person; 32])));
    Presented { certificate: Fingerprint::new([9; 32]), token }
}

fn register() -> Register {
    let organisation = OrganisationId::new([1; 16]);
    let hours = Hours::new(0b1_1111, 540, 1020).unwrap();
    let [name, team_name, phone, _] = TEXTS;
    Register {
        organisations: vec![Organisation {
            id: organisation,
            kind: OrganisationKind::LocalAuthority,
            scheme: CodeScheme::Gss,
            code: "E10000000".to_owned().try_into().unwrap(),
            name: name.to_owned().try_into().unwrap(),
            area: "E10000000".to_owned().try_into().unwrap(),
            authority: LegalAuthority::ChildrenAct2004S16la,
            authority_until: date(2030, 12, 31),
        }],
        teams: vec![Team {
            id: TeamId::new([2; 16]),
            organisation,
            name: team_name.to_owned().try_into().unwrap(),
            duty_phone: phone.to_owned().try_into().unwrap(),
            hours,
        }],
        systems: vec![System {
            id: SystemId::new([3; 16]),
            organisation,
            name: "Case system".to_owned().try_into().unwrap(),
            standing: Standing::Active,
            certificates: Vec::new(),
        }],
        certificates: vec![Certificate {
            fingerprint: Fingerprint::new([9; 32]),
            system: SystemId::new([3; 16]),
            until: Timestamp::MAX,
            standing: Standing::Active,
            renewal: None,
        }],
        groups: vec![Group {
            id: GroupId::new([10; 16]),
            organisation,
            team: TeamId::new([2; 16]),
            role: Role::SocialWorkManager,
            purposes: vec![Purpose::S47Enquiry],
            members_max: 12,
            valid_from: date(2026, 1, 1),
            valid_until: date(2026, 12, 31),
            sponsor: None,
        }],
        people: (0..2).map(person).collect(),
        tokens: (0..2).map(token).collect(),
    }
}

/// The day until which all conditions hold.
const LAST_DAY: Date = date(2099, 12, 31);

fn person(number: u8) -> Person {
    Person {
        id: PersonId::new([0x40 + number; 16]),
        actor: ActorId::new([0x50 + number; 16]),
        organisation: OrganisationId::new([1; 16]),
        staff: format!("STAFF-{number}").try_into().unwrap(),
        group: GroupId::new([10; 16]),
        standing: PersonStanding::Active,
        conditions: Conditions {
            vetting_on: LAST_DAY,
            barred_list_checked_on: LAST_DAY,
            training_on: LAST_DAY,
            agreement_signed_on: LAST_DAY,
        },
        recertified_on: LAST_DAY,
        let_in_by: None,
        code: None,
        tokens: Vec::new(),
    }
}

fn token(person: u8) -> TokenRecord {
    TokenRecord {
        hash: Token::new([0x20 + person; 32]).hash(),
        id: TokenId::new([0x60 + person; 16]),
        person: PersonId::new([0x40 + person; 16]),
        organisation: OrganisationId::new([1; 16]),
        used_on: LAST_DAY,
        valid_until: date(2026, 12, 31),
        standing: Standing::Active,
        custody: Custody::Out,
    }
}

fn details() -> InvolvementDetails {
    InvolvementDetails {
        service_type: ServiceType::EarlyHelp,
        status: InvolvementStatus::Active,
        sensitivity: Sensitivity::Standard,
        disclosure_basis: DisclosureBasis::PublicTask,
        subject_informed: SubjectInformed::Informed,
        route: ContactRoute {
            role: ContactRole::DutyWorker,
            work_phone: TEXTS[2].to_owned().try_into().unwrap(),
            hours: Hours::new(0b1_1111, 540, 1020).unwrap(),
            out_of_hours: None,
        },
        lead_practitioner: false,
        assessment_held: false,
        started: date(2026, 1, 5),
        ended: None,
        confirmed_on: date(2026, 3, 1),
        in_error: false,
        disputed: false,
        retain_until: None,
    }
}

/// The day on which the manual clock stands.
const TODAY: Date = date(2026, 6, 15);
