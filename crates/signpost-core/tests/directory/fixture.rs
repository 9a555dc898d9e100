//! Two councils, a hospital trust, a police force and a school, none of which exist.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use jiff::civil::{Date, date};
use signpost_core::directory::{
    Answer, ContactEnd, Directory, LiftProgress, NewContact, NewShield, Presented, Question,
    ShieldLift, Written,
};
use signpost_core::entry::Entry;
use signpost_core::flag::{
    ContactFlag, ContactRoute, Hours, Involvement, InvolvementDetails, Provenance,
};
use signpost_core::id::{
    ActorId, Fingerprint, FlagId, GroupId, LiftId, OrganisationId, PersonId, Receipt, RequestId,
    SystemId, TeamId, TokenId,
};
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::record::{FlagCopy, Record, RecordKey};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{
    Certificate, Conditions, Group, Organisation, Person, PersonStanding, Standing, System, Team,
    TokenRecord,
};
use signpost_core::store::Store;
use signpost_core::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use signpost_core::terms::{
    Action, CodeScheme, ContactRole, Custody, DisclosureBasis, InvolvementStatus, LegalAuthority,
    Namespace, OrganisationKind, Outcome, Purpose, Relationship, Role, Sensitivity, ServiceType,
    ShieldKind, SubjectInformed,
};
use signpost_core::testing::{ManualClock, Register, SeededEntropy};
use signpost_core::token::Token;

/// A person of the register, each in a group of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) id: u8,
    pub(crate) organisation: u8,
    pub(crate) team: u8,
    pub(crate) role: Role,
}

const NORTHFIELD: u8 = 1;
const SOUTHMOOR: u8 = 2;
const EASTVALE: u8 = 3;
const WESTBROOK: u8 = 4;
const HILLSIDE: u8 = 5;

const fn who(id: u8, organisation: u8, team: u8, role: Role) -> Who {
    Who { id, organisation, team, role }
}

pub(crate) const NORA: Who = who(1, NORTHFIELD, 11, Role::SocialWorker);
pub(crate) const NED: Who = who(2, NORTHFIELD, 11, Role::SocialWorker);
pub(crate) const MONA: Who = who(3, NORTHFIELD, 11, Role::SocialWorkManager);
pub(crate) const MASHA: Who = who(4, NORTHFIELD, 12, Role::MashPractitioner);
pub(crate) const SAM: Who = who(5, SOUTHMOOR, 21, Role::SocialWorker);
pub(crate) const SUE: Who = who(6, SOUTHMOOR, 21, Role::SocialWorkManager);
pub(crate) const ELLA: Who = who(7, SOUTHMOOR, 22, Role::EarlyHelpWorker);
pub(crate) const YUSUF: Who = who(8, SOUTHMOOR, 23, Role::YouthJusticeWorker);
pub(crate) const EDDIE: Who = who(9, EASTVALE, 31, Role::EdSafeguardingClinician);
pub(crate) const NINA: Who = who(10, EASTVALE, 32, Role::NamedNurseDoctor);
pub(crate) const PAUL: Who = who(11, WESTBROOK, 41, Role::PolicePpu);
pub(crate) const DORA: Who = who(12, HILLSIDE, 51, Role::Dsl);
pub(crate) const BRIAN: Who = who(13, NORTHFIELD, 13, Role::Broker);
pub(crate) const PRIYA: Who = who(14, NORTHFIELD, 14, Role::PrivacyOfficer);
pub(crate) const DAVE: Who = who(15, NORTHFIELD, 15, Role::DataSteward);
pub(crate) const ADA: Who = who(16, NORTHFIELD, 16, Role::AdminOnboarding);
pub(crate) const OLGA: Who = who(17, NORTHFIELD, 17, Role::PurgeOperator);
pub(crate) const APRIL: Who = who(18, NORTHFIELD, 18, Role::PurgeApprover);
pub(crate) const ANDY: Who = who(19, NORTHFIELD, 19, Role::Auditor);
pub(crate) const PETRA: Who = who(20, SOUTHMOOR, 24, Role::PrivacyOfficer);
pub(crate) const PIA: Who = who(21, EASTVALE, 33, Role::PrivacyOfficer);

pub(crate) const EVERYBODY: [Who; 21] = [
    NORA, NED, MONA, MASHA, SAM, SUE, ELLA, YUSUF, EDDIE, NINA, PAUL, DORA, BRIAN, PRIYA, DAVE,
    ADA, OLGA, APRIL, ANDY, PETRA, PIA,
];

const ORGANISATIONS: [(u8, &str, &str); 5] = [
    (NORTHFIELD, "E10000001", "Northfield Council"),
    (SOUTHMOOR, "E10000002", "Southmoor Council"),
    (EASTVALE, "RX1", "Eastvale Hospital Trust"),
    (WESTBROOK, "POL01", "Westbrook Police"),
    (HILLSIDE, "100001", "Hillside School"),
];

impl Who {
    /// What the person's certificate and token say.
    pub(crate) fn presented(self) -> Presented {
        self.at_system(self.organisation)
    }

    /// The person's token over this system's certificate.
    pub(crate) fn at_system(self, system: u8) -> Presented {
        let certificate = Fingerprint::new([system; 32]);
        Presented { certificate, token: Some(Ok(Token::new([self.id; 32]))) }
    }

    pub(crate) fn actor(self) -> ActorId {
        ActorId::new([self.id; 16])
    }

    pub(crate) fn group(self) -> Group {
        Group {
            id: GroupId::new([self.id; 16]),
            organisation: OrganisationId::new([self.organisation; 16]),
            team: TeamId::new([self.team; 16]),
            role: self.role,
            purposes: Purpose::ALL.to_vec(),
            members_max: 5,
            valid_from: date(2026, 1, 1),
            valid_until: LAST_DAY,
            sponsor: None,
        }
    }

    pub(crate) fn person(self) -> Person {
        Person {
            id: PersonId::new([self.id; 16]),
            actor: self.actor(),
            organisation: OrganisationId::new([self.organisation; 16]),
            staff: text(&format!("STAFF-{}", self.id)),
            group: GroupId::new([self.id; 16]),
            standing: PersonStanding::Active,
            conditions: CONDITIONS,
            recertified_on: LAST_DAY,
            let_in_by: None,
            code: None,
            tokens: Vec::new(),
        }
    }

    pub(crate) fn token(self) -> TokenRecord {
        TokenRecord {
            hash: Token::new([self.id; 32]).hash(),
            id: TokenId::new([self.id; 16]),
            person: PersonId::new([self.id; 16]),
            organisation: OrganisationId::new([self.organisation; 16]),
            used_on: LAST_DAY,
            valid_until: LAST_DAY,
            standing: Standing::Active,
            custody: Custody::Out,
        }
    }
}

/// The day until which all is in order, so that a test may move the clock by years.
pub(crate) const LAST_DAY: Date = date(2099, 12, 31);

pub(crate) const CONDITIONS: Conditions = Conditions {
    vetting_on: LAST_DAY,
    barred_list_checked_on: LAST_DAY,
    training_on: LAST_DAY,
    agreement_signed_on: LAST_DAY,
};

pub(crate) fn organisation(id: u8) -> Organisation {
    let (_, code, name) = ORGANISATIONS[usize::from(id) - 1];
    Organisation {
        id: OrganisationId::new([id; 16]),
        kind: match id {
            EASTVALE => OrganisationKind::NhsTrust,
            WESTBROOK => OrganisationKind::PoliceForce,
            HILLSIDE => OrganisationKind::EducationSetting,
            _ => OrganisationKind::LocalAuthority,
        },
        scheme: CodeScheme::Ods,
        code: text(code),
        name: text(name),
        area: text("E10000001"),
        authority: LegalAuthority::ChildrenAct2004S16la,
        authority_until: LAST_DAY,
    }
}

pub(crate) fn system(id: u8, organisation: u8) -> System {
    System {
        id: SystemId::new([id; 16]),
        organisation: OrganisationId::new([organisation; 16]),
        name: text("Case system"),
        standing: Standing::Active,
        certificates: Vec::new(),
    }
}

/// System 6 is a second one of Northfield.
pub(crate) fn register() -> Register {
    let systems: Vec<System> =
        (1..=5).map(|id| system(id, id)).chain([system(6, NORTHFIELD)]).collect();
    let certificate = |id: u8| Certificate {
        fingerprint: Fingerprint::new([id; 32]),
        system: SystemId::new([id; 16]),
        until: Timestamp::MAX,
        standing: Standing::Active,
        renewal: None,
    };
    let mut teams: Vec<Team> = EVERYBODY.iter().map(|who| team(who.team)).collect();
    teams.dedup();
    Register {
        organisations: (1..=5).map(organisation).collect(),
        teams,
        systems,
        certificates: (1..=6).map(certificate).collect(),
        groups: EVERYBODY.iter().map(|who| who.group()).collect(),
        people: EVERYBODY.iter().map(|who| who.person()).collect(),
        tokens: EVERYBODY.iter().map(|who| who.token()).collect(),
    }
}

pub(crate) fn team(id: u8) -> Team {
    Team {
        id: TeamId::new([id; 16]),
        organisation: OrganisationId::new([id / 10; 16]),
        name: text(&format!("Team {id}")),
        duty_phone: text(&format!("+44163296{id:04}")),
        hours: hours(),
    }
}

/// A directory over a memory store, and a clock to move.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) directory: Directory,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) requests: AtomicU64,
}

pub(crate) const NO_LIMIT: NonZeroUsize = NonZeroUsize::new(100_000).unwrap();

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::over(|store| store).await
    }

    /// A scene whose directory works on what this makes of the store.
    pub(crate) async fn over(decorate: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::default());
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        let policy = Arc::new(Policy::default());
        Directory::first_light(&*store, &policy, register().into()).await.unwrap();
        let entropy = Arc::new(SeededEntropy::new(1));
        let decorated = decorate(store.clone());
        let directory = Directory::start(decorated, policy, clock.clone(), entropy).await.unwrap();
        Self { directory, store, clock, requests: AtomicU64::new(1) }
    }

    /// Puts so many entries of the service itself on record.
    pub(crate) async fn fill(&self, entries: u64) {
        for _ in 0..entries {
            self.directory.record_full().await.unwrap();
        }
    }

    pub(crate) fn today(&self) -> Date {
        self.directory.today()
    }

    /// A request id that was not used before.
    pub(crate) fn request(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        request(number)
    }

    pub(crate) async fn ask(
        &self,
        who: Who,
        purpose: Purpose,
        child: &Subject,
    ) -> Result<Answer, Refusal> {
        let question = question(purpose, child);
        self.directory.ask(&who.presented(), &Ok(question), Action::Ask).await
    }

    /// How many lines a social worker's most telling question gives this person.
    pub(crate) async fn lines(&self, who: Who, child: &Subject) -> usize {
        self.ask(who, Purpose::S47Enquiry, child).await.unwrap().signposts.len()
    }

    /// Records a flag with a reference of its own.
    pub(crate) async fn record(
        &self,
        who: Who,
        child: &Subject,
        details: InvolvementDetails,
    ) -> FlagId {
        self.try_record(who, self.contact(child, details)).await.unwrap().result
    }

    pub(crate) fn contact(&self, child: &Subject, details: InvolvementDetails) -> NewContact {
        let request = self.request();
        let reference = format!("CASE-{:?}", u128::from_be_bytes(*request.as_bytes()));
        NewContact { request, subject: child.clone(), details, source_reference: text(&reference) }
    }

    pub(crate) async fn try_record(
        &self,
        who: Who,
        contact: NewContact,
    ) -> Result<Written<FlagId>, Refusal> {
        self.directory.record_contact(&who.presented(), &Ok(contact)).await
    }

    pub(crate) async fn end(
        &self,
        who: Who,
        child: &Subject,
        flag: FlagId,
        ended: Date,
    ) -> Result<Written<FlagId>, Refusal> {
        let end = ContactEnd { request: self.request(), subject: child.clone(), flag, ended };
        self.directory.end_contact(&who.presented(), &Ok(end)).await
    }

    pub(crate) async fn shield(&self, who: Who, child: &Subject) -> Result<Written<()>, Refusal> {
        self.shield_as(who, child, ShieldKind::Shielded).await
    }

    pub(crate) async fn shield_as(
        &self,
        who: Who,
        child: &Subject,
        kind: ShieldKind,
    ) -> Result<Written<()>, Refusal> {
        let shield = NewShield {
            request: self.request(),
            subject: child.clone(),
            kind,
            review_due: self.today().tomorrow().unwrap(),
        };
        self.directory.set_shield(&who.presented(), &Ok(shield)).await
    }

    /// The kind of shield that lies on this child, as it is stored under its first pseudonym.
    pub(crate) async fn shield_kind(&self, child: &Subject) -> Option<ShieldKind> {
        let pseudonym = child.pseudonyms()[0].pseudonym.clone();
        match self.store.read(&RecordKey::Head(pseudonym)).await.unwrap()?.record {
            Record::Head(head) => head.shields.iter().map(|shield| shield.kind).max(),
            other => panic!("a head's key leads to {other:?}"),
        }
    }

    pub(crate) async fn lift(
        &self,
        who: Who,
        child: &Subject,
        lift: Option<LiftId>,
    ) -> Result<Written<LiftProgress>, Refusal> {
        let lift = ShieldLift { request: self.request(), subject: child.clone(), lift };
        self.directory.lift_shield(&who.presented(), &Ok(lift)).await
    }

    /// The first name of a lifting.
    pub(crate) async fn begin_lift(&self, who: Who, child: &Subject) -> LiftId {
        match self.lift(who, child, None).await.unwrap().result {
            LiftProgress::AwaitingSecondName(id) => id,
            LiftProgress::Complete(_) => panic!("one name is not enough"),
        }
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.store.entries(Receipt(0), NO_LIMIT).await.unwrap()
    }

    /// Expects that this was refused for this reason, with one entry that says so and as a rule no subject.
    pub(crate) async fn assert_refused<T: std::fmt::Debug>(
        &self,
        before: usize,
        refused: Result<T, Refusal>,
        expected: Reason,
    ) -> Entry {
        let entries = self.entries().await;
        assert_eq!(entries.len(), before + 1, "exactly one entry");
        let entry = entries[before];
        match refused {
            Err(Refusal::Refused { reason, receipt }) => {
                assert_eq!(reason, expected);
                assert_eq!(receipt, Receipt(before as u64));
            }
            other => panic!("expected {expected:?}, found {other:?}"),
        }
        assert_eq!(entry.outcome(), expected.outcome());
        assert_eq!((entry.released(), entry.count()), (0, 0));
        let openings = self.store.openings(Receipt(before as u64), NO_LIMIT).await.unwrap();
        // A limit of flags or ties tells something of the child, so that it must be counted again.
        let tells = expected == Reason::LimitReached;
        assert_eq!((openings.len(), entry.commitment() != [0; 32]), (usize::from(tells), tells));
        entry
    }

    pub(crate) async fn assert_refused_next<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<T, Refusal>>,
        expected: Reason,
    ) -> Entry {
        let before = self.entries().await.len();
        let refused = call.await;
        self.assert_refused(before, refused, expected).await
    }

    /// The entry of this answer.
    pub(crate) async fn entry(&self, receipt: Receipt) -> Entry {
        self.store.entries(receipt, NonZeroUsize::MIN).await.unwrap()[0]
    }

    pub(crate) async fn assert_nothing(&self, who: Who, child: &Subject) {
        let answer = self.ask(who, Purpose::S47Enquiry, child).await.unwrap();
        assert_eq!((answer.signposts.len(), answer.further_service), (0, false));
        assert_eq!(self.entry(answer.receipt).await.outcome(), Outcome::NoVisibleContact);
    }
}

pub(crate) fn request(number: u64) -> RequestId {
    RequestId::new(u128::from(number).to_be_bytes())
}

pub(crate) fn question(purpose: Purpose, child: &Subject) -> Question {
    Question { subject: child.clone(), purpose, relationship: Relationship::AllocatedCase }
}

/// A child by the pseudonyms of these numbers: below 100 NHS, from there on UPN.
pub(crate) fn child(numbers: &[u8]) -> Subject {
    let named = numbers.iter().map(|&number| NamedPseudonym {
        namespace: if number < 100 { Namespace::Nhs } else { Namespace::Upn },
        key: EvaluationKeyId(1),
        pseudonym: Pseudonym::new([number; 64]),
    });
    Subject::try_from(named.collect::<Vec<_>>()).unwrap()
}

/// A lasting, standard involvement.
pub(crate) fn details() -> InvolvementDetails {
    InvolvementDetails {
        service_type: ServiceType::HealthVisiting,
        status: InvolvementStatus::Active,
        sensitivity: Sensitivity::Standard,
        disclosure_basis: DisclosureBasis::PublicTask,
        subject_informed: SubjectInformed::Informed,
        route: ContactRoute {
            role: ContactRole::AllocatedWorker,
            work_phone: text("+441632960999"),
            hours: hours(),
            out_of_hours: None,
        },
        lead_practitioner: true,
        assessment_held: false,
        started: date(2020, 3, 1),
        ended: None,
        confirmed_on: date(2026, 6, 1),
        in_error: false,
        disputed: false,
        retain_until: None,
    }
}

pub(crate) fn details_with(change: impl FnOnce(&mut InvolvementDetails)) -> InvolvementDetails {
    let mut details = details();
    change(&mut details);
    details
}

pub(crate) fn of(sensitivity: Sensitivity) -> InvolvementDetails {
    details_with(|details| details.sensitivity = sensitivity)
}

pub(crate) fn ended(on: Date) -> InvolvementDetails {
    details_with(|details| details.ended = Some(on))
}

pub(crate) fn hours() -> Hours {
    Hours::new(0b1_1111, 540, 1020).unwrap()
}

pub(crate) fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().unwrap()
}

/// A flag of Nora's of this child, as it would lie in the store.
pub(crate) fn flag(number: u8, id: u16, sensitivity: Sensitivity) -> Record {
    let subject = child(&[number]);
    let under = subject.pseudonyms()[0].pseudonym.clone();
    let group = NORA.group();
    let involvement = Involvement::new(of(sensitivity), date(2026, 6, 15)).unwrap();
    let provenance = Provenance {
        owner: group.organisation,
        source_system: SystemId::new([NORTHFIELD; 16]),
        feed: None,
        source_reference: text(&format!("CASE-{id}")),
    };
    let id = FlagId::new(u128::from(id).to_be_bytes());
    let flag = ContactFlag { id, subject, team: group.team, involvement, provenance };
    Record::Flag(FlagCopy { under, flag: flag.into() })
}
