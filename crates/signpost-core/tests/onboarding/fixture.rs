//! A council and a hospital trust that do not exist, and three administrators who let people in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::civil::{Date, date};
use signpost_core::directory::onboarding::{
    Approve, Invitation, InvitePeople, NewOrganisation, Propose, Redeem, Redeemed, RegisterRequest,
};
use signpost_core::directory::{Answer, Directory, Presented, Question, Written};
use signpost_core::entry::Entry;
use signpost_core::id::{
    ActorId, Fingerprint, GroupId, OrganisationId, PersonId, ProposalId, Receipt, RequestId,
    TeamId, TokenId,
};
use signpost_core::memory::MemoryStore;
use signpost_core::permit::PRACTITIONERS;
use signpost_core::policy::Policy;
use signpost_core::record::{Kind, Record, RecordKey, Registered, Scope, Stored};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{
    Claim, Claimed, Custodies, Enrolment, Group, GroupWidening, Members, Person, PersonStanding,
    Proposal, ProposedChange, Standing, Team, TokenRecord,
};
use signpost_core::store::Store;
use signpost_core::terms::{
    Action, CodeScheme, Custody, LegalAuthority, OrganisationKind, Purpose, Relationship, Role,
};
use signpost_core::testing::{ManualClock, Register, SeededEntropy, put_records};
use signpost_core::token::{CodeHash, EnrolmentCode, Token, TokenHash};

use crate::races::Between;

pub(crate) use crate::register_model::council::*;

/// A person and the token they hold, used over their organisation's system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) person: PersonId,
    pub(crate) system: u8,
    pub(crate) token: u8,
}

/// Three administrators, each in a group of their own.
pub(crate) const ADA: Holder = holder(1, NORTHFIELD);
pub(crate) const ABE: Holder = holder(2, NORTHFIELD);
pub(crate) const AVA: Holder = holder(3, NORTHFIELD);
/// A manager of the council who sponsors its new groups, and a doctor of the trust.
pub(crate) const SOL: Holder = holder(4, NORTHFIELD);
pub(crate) const EVE: Holder = holder(5, EASTVALE);

/// The person of each role of the council.
pub(crate) fn of_role(role: Role) -> Holder {
    holder(100 + role.code(), NORTHFIELD)
}

pub(crate) const fn holder(id: u8, system: u8) -> Holder {
    Holder { person: PersonId::new([id; 16]), system, token: id }
}

/// A system in nobody's name.
pub(crate) fn at_system(system: u8) -> Presented {
    Presented { certificate: Fingerprint::new([system; 32]), token: None }
}

impl Holder {
    pub(crate) fn presented(self) -> Presented {
        Presented { token: Some(Ok(token(self.token))), ..at_system(self.system) }
    }

    pub(crate) fn with_token(self, token: u8) -> Self {
        Self { token, ..self }
    }
}

pub(crate) fn token(number: u8) -> Token {
    Token::new([number; 32])
}

pub(crate) fn code(number: u8) -> EnrolmentCode {
    EnrolmentCode::new([number; 16])
}

/// A group to be opened: three members of this role, sponsored by somebody of the organisation.
pub(crate) fn new_group(organisation: u8, role: Role) -> Group {
    let (team, sponsor) =
        if organisation == NORTHFIELD { (NORTH, SOL.person) } else { (EAST, EVE.person) };
    Group {
        id: GroupId::new([0; 16]),
        organisation: org(organisation),
        team,
        role,
        purposes: purposes_of(role),
        members_max: 3,
        valid_from: date(2026, 6, 1),
        valid_until: date(2030, 12, 31),
        sponsor: Some(sponsor),
    }
}

/// A school that is not registered yet.
pub(crate) fn hillside() -> NewOrganisation {
    NewOrganisation {
        kind: OrganisationKind::EducationSetting,
        scheme: CodeScheme::Urn,
        code: text("100001"),
        name: text("Hillside School"),
        area: text("E10000001"),
        authority: LegalAuthority::EducationAct2002S175,
        authority_until: LAST_DAY,
    }
}

/// Every person of the first light in a group of their own, with one token.
fn first_light() -> Register {
    let mut all: Vec<(Holder, Role)> =
        [ADA, ABE, AVA].map(|admin| (admin, Role::AdminOnboarding)).to_vec();
    all.extend([(SOL, Role::SocialWorkManager), (EVE, Role::NamedNurseDoctor)]);
    all.extend(Role::ALL.iter().map(|role| (of_role(*role), *role)));
    let team = |id: TeamId, of: u8| Team {
        id,
        organisation: org(of),
        name: text("Team"),
        duty_phone: text("+441632960001"),
        hours: hours(),
    };
    let group = |(holder, role): &(Holder, Role)| Group {
        id: GroupId::new(*holder.person.as_bytes()),
        purposes: if PRACTITIONERS.contains(role) { purposes_of(*role) } else { Vec::new() },
        members_max: 2,
        valid_until: LAST_DAY,
        sponsor: None,
        ..new_group(holder.system, *role)
    };
    let person = |(holder, _): &(Holder, Role)| Person {
        id: holder.person,
        actor: ActorId::new([holder.token; 16]),
        organisation: org(holder.system),
        staff: text(&format!("FIRST/{}", holder.token)),
        group: GroupId::new(*holder.person.as_bytes()),
        standing: PersonStanding::Active,
        conditions: conditions(LAST_DAY),
        recertified_on: LAST_DAY,
        let_in_by: None,
        code: None,
        tokens: Vec::new(),
    };
    let token = |(holder, _): &(Holder, Role)| TokenRecord {
        hash: token(holder.token).hash(),
        id: TokenId::new([holder.token; 16]),
        person: holder.person,
        organisation: org(holder.system),
        used_on: LAST_DAY,
        valid_until: LAST_DAY,
        standing: Standing::Active,
        custody: Custody::Out,
    };
    Register {
        organisations: vec![
            organisation(NORTHFIELD, "NFC", "Northfield Council"),
            organisation(EASTVALE, "RX1", "Eastvale Hospital Trust"),
        ],
        teams: vec![team(NORTH, NORTHFIELD), team(EAST, EASTVALE)],
        systems: vec![system(NORTHFIELD), system(EASTVALE)],
        certificates: vec![certificate(NORTHFIELD), certificate(EASTVALE)],
        groups: all.iter().map(group).collect(),
        people: all.iter().map(person).collect(),
        tokens: all.iter().map(token).collect(),
    }
}

/// A directory over a memory store, with somebody between the two who can look and meddle.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) directory: Directory,
    pub(crate) between: Arc<Between>,
    pub(crate) clock: Arc<ManualClock>,
    requests: AtomicU64,
}

/// Every kind of record that a change of the register could leave.
const KINDS: [Kind; 16] = [
    Kind::Replay,
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
    Kind::Members,
    Kind::Claim,
    Kind::Custodies,
    Kind::Enrolment,
    Kind::Proposal,
];

/// Declares how a test reads one kind of record, which must be there.
macro_rules! reads {
    ($($name:ident($id:ty) $variant:ident => $kind:ty;)+) => {
        impl Scene {$(
            pub(crate) async fn $name(&self, id: $id) -> $kind {
                match self.record(RecordKey::$variant(id)).await {
                    Some(Record::$variant(record)) => record,
                    other => panic!("expected a record, found {other:?}"),
                }
            }
        )+}
    };
}

reads! {
    group(GroupId) Group => Group;
    members(GroupId) Members => Members;
    person(PersonId) Person => Person;
    token(TokenHash) Token => TokenRecord;
    enrolment(CodeHash) Enrolment => Enrolment;
    custodies(OrganisationId) Custodies => Custodies;
    proposal(ProposalId) Proposal => Proposal;
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let clock = Arc::new(ManualClock::default());
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let policy = Arc::new(Policy::default());
        Directory::first_light(&*store, &policy, first_light().into()).await.unwrap();
        let between = Arc::new(Between::new(store));
        let entropy = Arc::new(SeededEntropy::new(1));
        let directory =
            Directory::start(between.clone(), policy, clock.clone(), entropy).await.unwrap();
        Self { directory, between, clock, requests: AtomicU64::new(1) }
    }

    pub(crate) fn today(&self) -> Date {
        self.directory.today()
    }

    /// A request id that was not used before.
    pub(crate) fn request(&self) -> RequestId {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        RequestId::new(u128::from(number).to_be_bytes())
    }

    pub(crate) async fn onboard<R: RegisterRequest>(
        &self,
        who: Holder,
        request: R,
    ) -> Result<Written<Registered>, Refusal> {
        self.directory.onboard(&who.presented(), &Ok(request)).await
    }

    /// What becomes of a question for this purpose.
    pub(crate) async fn ask(&self, who: Holder, purpose: Purpose) -> Result<Answer, Refusal> {
        let question =
            Question { subject: child(), purpose, relationship: Relationship::AllocatedCase };
        self.directory.ask(&who.presented(), &Ok(question), Action::Ask).await
    }

    pub(crate) async fn propose(&self, who: Holder, change: ProposedChange) -> ProposalId {
        match ask_for!(self, who, Propose { change }).await.unwrap().result {
            Registered::Proposal(id) => id,
            other => panic!("expected a proposal, found {other:?}"),
        }
    }

    /// What Ada proposes and Abe approves.
    pub(crate) async fn let_in(&self, change: ProposedChange) -> Proposal {
        let proposal = self.propose(ADA, change).await;
        ask_for!(self, ABE, Approve { proposal }).await.unwrap();
        self.proposal(proposal).await
    }

    pub(crate) async fn open(&self, group: Group) -> GroupId {
        match self.let_in(ProposedChange::OpenGroup(group)).await.change {
            ProposedChange::OpenGroup(group) => group.id,
            other => panic!("a group was proposed, not {other:?}"),
        }
    }

    /// A new group of social workers of the council.
    pub(crate) async fn social_workers(&self) -> GroupId {
        self.open(new_group(NORTHFIELD, Role::SocialWorker)).await
    }

    /// The group as it is, to be changed and proposed as a widening.
    pub(crate) async fn widening(&self, id: GroupId) -> GroupWidening {
        let Group { members_max, valid_until, purposes, sponsor, .. } = self.group(id).await;
        let stored = self.between.read(&RecordKey::Group(id)).await.unwrap();
        let base = stored.unwrap().version;
        GroupWidening { group: id, base, members_max, valid_until, purposes, sponsor }
    }

    /// Somebody in order, with the code of this number.
    pub(crate) fn invitation(&self, number: u8) -> Invitation {
        Invitation {
            staff: staff(number),
            conditions: conditions(self.today()),
            code: code(number).hash(),
        }
    }

    pub(crate) async fn try_invite(
        &self,
        group: GroupId,
        people: Vec<Invitation>,
    ) -> Result<Written<Registered>, Refusal> {
        ask_for!(self, ADA, InvitePeople { group, people, dry_run: false }).await
    }

    pub(crate) async fn invite(&self, group: GroupId, number: u8) -> PersonId {
        self.try_invite(group, vec![self.invitation(number)]).await.unwrap();
        self.enrolment(code(number).hash()).await.person
    }

    pub(crate) async fn redeem(
        &self,
        system: u8,
        code_number: u8,
        token_number: u8,
    ) -> Result<Written<Redeemed>, Refusal> {
        let redeem = Redeem { code: code(code_number), token: token(token_number).hash() };
        self.directory.redeem(&at_system(system), &Ok(redeem)).await
    }

    /// Invites somebody, who redeems the code for the token of the same number.
    pub(crate) async fn enrol(&self, group: GroupId, number: u8) -> Holder {
        self.enrol_by(ADA, group, number).await
    }

    /// Lets this administrator invite somebody, who redeems the code for the token of its number.
    pub(crate) async fn enrol_by(&self, by: Holder, group: GroupId, number: u8) -> Holder {
        let people = vec![self.invitation(number)];
        ask_for!(self, by, InvitePeople { group, people, dry_run: false }).await.unwrap();
        let person = self.enrolment(code(number).hash()).await.person;
        let system = self.group(group).await.organisation.as_bytes()[0];
        self.redeem(system, number, number).await.unwrap();
        Holder { person, system, token: number }
    }

    pub(crate) async fn held(&self, holder: Holder) -> TokenRecord {
        self.token(token(holder.token).hash()).await
    }

    pub(crate) async fn record(&self, key: RecordKey) -> Option<Record> {
        self.between.read(&key).await.unwrap().map(|stored| stored.record)
    }

    pub(crate) async fn claimed_by(&self, organisation: u8, number: u8) -> Option<PersonId> {
        let claimed = Claimed::Staff(org(organisation), staff(number));
        match self.record(RecordKey::Claim(claimed)).await {
            Some(Record::Claim(Claim::Staff(_, _, person))) => Some(person),
            _ => None,
        }
    }

    pub(crate) async fn put(&self, record: Record) {
        put_records(&*self.between.inner, [record]).await.unwrap();
    }

    /// Every record, with its version.
    pub(crate) async fn everything(&self) -> Vec<Stored> {
        let mut all = Vec::new();
        for kind in KINDS {
            all.extend(self.between.scan(&Scope::Kind(kind), None, NO_LIMIT).await.unwrap());
        }
        all
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.between.entries(Receipt(0), NO_LIMIT).await.unwrap()
    }

    /// Expects that this is refused for this reason, with one entry that says so, and that no
    /// record is other than before.
    pub(crate) async fn assert_refused<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<T, Refusal>>,
        expected: Reason,
    ) -> Entry {
        let (records, before) = (self.everything().await, self.entries().await.len());
        let refused = call.await;
        let entries = self.entries().await;
        let receipt = Receipt(before as u64);
        assert_eq!(refused.unwrap_err(), Refusal::Refused { reason: expected.clone(), receipt });
        assert_eq!(entries.len(), before + 1, "exactly one entry");
        assert_eq!(self.everything().await, records, "nothing else is changed");
        let entry = entries[before];
        assert_eq!(entry.outcome(), expected.outcome());
        assert_eq!((entry.commitment(), entry.count()), ([0; 32], 0));
        // Of a code that may be in wrong hands the entry says whose it is.
        let is_of_code = matches!(expected, Reason::CodeUsed | Reason::CodeOfOtherOrganisation);
        assert_eq!(entry.detail() != [0; 32], is_of_code);
        entry
    }

    /// Expects that a field is refused.
    pub(crate) async fn assert_invalid<T: std::fmt::Debug>(
        &self,
        call: impl Future<Output = Result<T, Refusal>>,
        field: &str,
    ) {
        let (records, before) = (self.everything().await, self.entries().await.len());
        match call.await {
            Err(Refusal::Refused { reason: Reason::Invalid(invalid), .. }) => {
                assert_eq!(invalid.violations.len(), 1);
                assert_eq!(invalid.violations[0].field, field);
            }
            other => panic!("expected that {field} is refused, found {other:?}"),
        }
        assert_eq!(self.entries().await.len(), before + 1, "exactly one entry");
        assert_eq!(self.everything().await, records, "nothing else is changed");
    }
}

pub(crate) fn staff(number: u8) -> signpost_core::text::StaffReference {
    text(&format!("STAFF-REFERENCE/{number}"))
}
