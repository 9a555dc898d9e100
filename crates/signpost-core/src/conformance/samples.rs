//! What the cases commit: one record of every kind, and commits of the service itself.

mod closing;
mod purges;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::date;

use crate::alert::{Alert, AlertMark, AlertState, Canary};
use crate::closing::Closing;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::entry::{Nonce, Opening};
use crate::flag::{ContactFlag, ContactRoute, Hours, Involvement, InvolvementDetails, Provenance};
use crate::history::{AccessDecision, AccessReview, History, HistoryState, ReviewNonce};
use crate::id::{
    ActorId, BodyDigest, CanaryId, Fingerprint, FlagId, GroupId, HistoryId, KeyFingerprint, LiftId,
    OrganisationId, PersonId, PolicyDigest, ProposalId, PurgeId, Receipt, RequestId, SystemId,
    TeamId, TokenId,
};
use crate::permit::Permit;
use crate::record::{
    ChildHead, ClockDoubt, FirstName, FlagCopy, Lift, Record, RecordKey, Replay, ReplayKey,
    ReplayResult, Shield,
};
use crate::register::{
    AuthorityExtension, Certificate, Claim, Conditions, Custodies, Enrolment, EnrolmentState,
    Group, HeldToken, Members, Organisation, Person, PersonStanding, Proposal, ProposalState,
    ProposedChange, ServiceState, Standing, System, Team, TokenRecord,
};
use crate::subject::{EvaluationKeyId, NamedPseudonym, Pseudonym, Subject};
use crate::terms::{
    Action, AlertKind, AlertOutcome, CodeScheme, ContactRole, Custody, DisclosureBasis,
    InvolvementStatus, LegalAuthority, Namespace, OrganisationKind, Outcome, Purpose, Role,
    Sensitivity, ServiceType, ShieldKind, SubjectInformed, WithholdingGround,
};
use crate::token::{CodeHash, Token};

/// A commit of these writes, resting on nothing.
pub(super) fn commit(writes: Vec<Write>) -> Commit {
    commit_if(Vec::new(), writes)
}

/// A commit of these writes, resting on these preconditions.
pub(super) fn commit_if(preconditions: Vec<Precondition>, writes: Vec<Write>) -> Commit {
    Commit::permitted(permit(preconditions), Effect { writes, ..Effect::new(Outcome::Done) })
}

/// A commit of these writes that must come before this time.
pub(super) fn commit_before(before: Timestamp, writes: Vec<Write>) -> Commit {
    let permit = permit(Vec::new()).with_end(before);
    Commit::permitted(permit, Effect { writes, ..Effect::new(Outcome::Done) })
}

/// A commit that writes nothing; the number stands in its entry.
pub(super) fn numbered(count: u32) -> Commit {
    Commit::permitted(permit(Vec::new()), Effect { count, ..Effect::new(Outcome::Done) })
}

/// A commit about a child: it has an opening.
pub(super) fn about(subject: Subject, nonce: u8) -> Commit {
    let opening = Some(Opening::new(Nonce::new([nonce; 32]), subject));
    Commit::permitted(permit(Vec::new()), Effect { opening, ..Effect::new(Outcome::Done) })
}

/// A pseudonym of this number, unlike every other.
pub(super) fn pseudonym(number: u16) -> Pseudonym {
    let mut bytes = [0xC5; 64];
    bytes[62..].copy_from_slice(&number.to_be_bytes());
    Pseudonym::new(bytes)
}

/// A child with these pseudonyms.
pub(super) fn subject(numbers: &[u16]) -> Subject {
    let named = numbers.iter().map(|&number| NamedPseudonym {
        namespace: Namespace::Nhs,
        key: EvaluationKeyId(1),
        pseudonym: pseudonym(number),
    });
    Subject::try_from(named.collect::<Vec<_>>()).expect("cases name 1 to 4 different ones")
}

/// A put of the head under this pseudonym.
pub(super) fn put_head(number: u16) -> Write {
    Write::Put(Record::Head(ChildHead { pseudonym: pseudonym(number), shields: Vec::new() }))
}

/// The key of the head under this pseudonym.
pub(super) fn head_key(number: u16) -> RecordKey {
    RecordKey::Head(pseudonym(number))
}

/// The copy of the flag of this id under this pseudonym.
pub(super) fn flag(number: u16, id: u16) -> Record {
    let mut flag = [0; 16];
    flag[14..].copy_from_slice(&id.to_be_bytes());
    Record::Flag(FlagCopy {
        under: pseudonym(number),
        flag: Arc::new(ContactFlag {
            id: FlagId::new(flag),
            subject: subject(&[number]),
            team: TeamId::new([2; 16]),
            involvement: Involvement::new(details(), date(2026, 6, 15)).expect("it is in order"),
            provenance: Provenance {
                owner: OrganisationId::new([1; 16]),
                source_system: SystemId::new([3; 16]),
                feed: None,
                source_reference: text("CASE-1"),
            },
        }),
    })
}

/// A request's first result, of which there is one per number.
pub(super) fn replay(number: u16) -> Record {
    let mut request = [0; 16];
    request[14..].copy_from_slice(&number.to_be_bytes());
    Record::Replay(Replay {
        key: ReplayKey {
            system: SystemId::new([3; 16]),
            person: PersonId::new([4; 16]),
            request: RequestId::new(request),
        },
        body: BodyDigest::new([6; 32]),
        result: ReplayResult::Flag(FlagId::new([7; 16])),
        subject: Some(subject(&[1, 2, 3, 4])),
        until: Timestamp::constant(1_781_524_800, 0),
    })
}

/// One record of every kind.
pub(super) fn every_kind() -> Vec<Record> {
    let shield = Shield {
        kind: ShieldKind::ProtectedIdentity,
        review_due: date(2026, 12, 1),
        set_by: ActorId::new([5; 16]),
        set_on: vec![pseudonym(1)],
    };
    let head = ChildHead { pseudonym: pseudonym(1), shields: vec![shield] };
    let mut records = vec![Record::Head(head)];
    while let Some(next) = records.last().and_then(next_kind) {
        records.push(next);
    }
    records
}

/// A record of the kind behind this one's: without `_`, so that a new kind does not compile until
/// it stands here.
fn next_kind(record: &Record) -> Option<Record> {
    Some(match record {
        Record::Head(_) => flag(1, 1),
        Record::Flag(_) => replay(1),
        Record::Replay(_) => lift(),
        Record::Lift(_) => organisation(),
        Record::Organisation(_) => team(),
        Record::Team(_) => system(),
        Record::System(_) => certificate(),
        Record::Certificate(_) => group(),
        Record::Group(_) => person(),
        Record::Person(_) => token(),
        Record::Token(_) => service(),
        Record::Service(_) => clock_doubt(),
        Record::ClockDoubt(_) => members(),
        Record::Members(_) => claim(),
        Record::Claim(_) => custodies(),
        Record::Custodies(_) => enrolment(),
        Record::Enrolment(_) => proposal(),
        Record::Proposal(_) => alert(),
        Record::Alert(_) => {
            Record::Canary(Canary { id: CanaryId::new([19; 16]), subject: subject(&[3, 4]) })
        }
        Record::Canary(_) => Record::AlertMark(AlertMark { next: Receipt(7) }),
        Record::AlertMark(_) => purges::purge(),
        Record::Purge(_) => purges::annex(),
        Record::PurgeAnnex(_) => purges::hold(),
        Record::Hold(_) => purges::marker_key(),
        Record::MarkerKey(_) => purges::suppression(),
        Record::Suppression(_) => purges::quota(),
        Record::PurgeQuota(_) => purges::run(),
        Record::PurgeRun(_) => purges::certificate(),
        Record::PurgeCertificate(_) => history(),
        Record::History(_) => access_review(),
        Record::AccessReview(_) => purges::standing_order(),
        Record::StandingOrder(_) => closing::decommissioning(),
        Record::Decommissioning(_) => return None,
    })
}

fn lift() -> Record {
    Record::Lift(Lift {
        id: LiftId::new([8; 16]),
        subject: subject(&[1, 2]),
        proposer: PersonId::new([4; 16]),
        until: Timestamp::constant(1_781_524_800, 0),
    })
}

fn organisation() -> Record {
    Record::Organisation(Organisation {
        id: OrganisationId::new([1; 16]),
        kind: OrganisationKind::LocalAuthority,
        scheme: CodeScheme::Gss,
        code: text("E10000000"),
        name: text("Northfield Council"),
        area: text("E10000000"),
        authority: LegalAuthority::ChildrenAct2004S16la,
        authority_until: date(2030, 12, 31),
    })
}

fn team() -> Record {
    Record::Team(Team {
        id: TeamId::new([2; 16]),
        organisation: OrganisationId::new([1; 16]),
        name: text("Children in Need (East)"),
        duty_phone: text("+441632960001"),
        hours: hours(),
    })
}

fn system() -> Record {
    Record::System(System {
        id: SystemId::new([3; 16]),
        organisation: OrganisationId::new([1; 16]),
        name: text("Case system"),
        standing: Standing::Suspended,
        certificates: vec![Fingerprint::new([9; 32])],
    })
}

fn certificate() -> Record {
    Record::Certificate(Certificate {
        fingerprint: Fingerprint::new([9; 32]),
        system: SystemId::new([3; 16]),
        until: Timestamp::constant(1_781_524_800, 0),
        standing: Standing::Revoked,
        renewal: Some(vec![48; 700]),
    })
}

fn group() -> Record {
    Record::Group(Group {
        id: GroupId::new([10; 16]),
        organisation: OrganisationId::new([1; 16]),
        team: TeamId::new([2; 16]),
        role: Role::SocialWorker,
        purposes: vec![Purpose::S47Enquiry, Purpose::TransferIn],
        members_max: 12,
        valid_from: date(2026, 1, 1),
        valid_until: date(2026, 12, 31),
        sponsor: Some(PersonId::new([15; 16])),
    })
}

fn person() -> Record {
    Record::Person(Person {
        id: PersonId::new([4; 16]),
        actor: ActorId::new([5; 16]),
        organisation: OrganisationId::new([1; 16]),
        staff: text("NC-0012"),
        group: GroupId::new([10; 16]),
        standing: PersonStanding::Active,
        conditions: Conditions {
            vetting_on: date(2026, 1, 2),
            barred_list_checked_on: date(2026, 1, 3),
            training_on: date(2026, 1, 4),
            agreement_signed_on: date(2026, 1, 5),
        },
        recertified_on: date(2026, 5, 1),
        let_in_by: Some(PersonId::new([20; 16])),
        code: Some(CodeHash::new([16; 32])),
        tokens: vec![held_token()],
    })
}

fn token() -> Record {
    Record::Token(TokenRecord {
        hash: held_token().hash,
        id: held_token().id,
        person: PersonId::new([4; 16]),
        organisation: OrganisationId::new([1; 16]),
        used_on: date(2026, 6, 1),
        valid_until: date(2026, 9, 30),
        standing: Standing::Active,
        custody: Custody::Out,
    })
}

fn service() -> Record {
    Record::Service(ServiceState {
        policy: PolicyDigest::new([13; 32]),
        policy_since: Some(Receipt(12)),
        evaluation_keys: vec![(EvaluationKeyId(1), KeyFingerprint::new([14; 32]))],
        frozen: vec![PurgeId::new([28; 16])],
        last_certificate: Some([29; 32]),
        closing: Some(Closing {
            at: Timestamp::constant(1_781_524_800, 0),
            announced_on: date(2026, 6, 1),
            is_latched: true,
        }),
    })
}

fn clock_doubt() -> Record {
    Record::ClockDoubt(ClockDoubt {
        first: Some(FirstName {
            person: PersonId::new([4; 16]),
            until: Timestamp::constant(1_781_524_800, 0),
        }),
    })
}

fn members() -> Record {
    Record::Members(Members { group: GroupId::new([10; 16]), people: vec![PersonId::new([4; 16])] })
}

fn claim() -> Record {
    Record::Claim(Claim::Staff(
        OrganisationId::new([1; 16]),
        text("NC-0012"),
        PersonId::new([4; 16]),
    ))
}

fn custodies() -> Record {
    Record::Custodies(Custodies::none(OrganisationId::new([1; 16])).issue())
}

fn enrolment() -> Record {
    Record::Enrolment(Enrolment {
        code: CodeHash::new([16; 32]),
        person: PersonId::new([4; 16]),
        organisation: OrganisationId::new([1; 16]),
        until: Timestamp::constant(1_781_524_800, 0),
        state: EnrolmentState::Redeemed(held_token().hash),
    })
}

fn proposal() -> Record {
    Record::Proposal(Proposal {
        id: ProposalId::new([17; 16]),
        change: ProposedChange::ExtendAuthority(AuthorityExtension {
            organisation: OrganisationId::new([1; 16]),
            base: Receipt(7),
            authority: LegalAuthority::ChildrenAct2004S11,
            until: date(2031, 12, 31),
        }),
        proposer: PersonId::new([4; 16]),
        until: Timestamp::constant(1_781_524_800, 0),
        state: ProposalState::Approved { by: PersonId::new([18; 16]) },
    })
}

fn alert() -> Record {
    let kind = AlertKind::Canary;
    Record::Alert(Alert {
        id: Alert::id_of_entry(kind, Receipt(5)),
        kind,
        actor: Some(ActorId::new([5; 16])),
        organisation: Some(OrganisationId::new([1; 16])),
        system: Some(SystemId::new([3; 16])),
        entry: Receipt(5),
        at: Timestamp::constant(1_781_524_800, 0),
        state: AlertState::Closed { by: PersonId::new([4; 16]), outcome: AlertOutcome::Exercise },
    })
}

fn history() -> Record {
    Record::History(History {
        id: HistoryId::new([21; 16]),
        subject: subject(&[1, 2]),
        reference: text("SAR-2026-0042"),
        requester: PersonId::new([4; 16]),
        until: Timestamp::constant(1_781_524_800, 0),
        state: HistoryState::Consented { by: PersonId::new([18; 16]) },
    })
}

fn access_review() -> Record {
    Record::AccessReview(AccessReview {
        history: HistoryId::new([21; 16]),
        entry: Receipt(6),
        subject: subject(&[1, 2]),
        decision: AccessDecision::Withheld(WithholdingGround::ChildAbuseData),
        by: PersonId::new([18; 16]),
        nonce: ReviewNonce::new([22; 32]),
    })
}

fn held_token() -> HeldToken {
    HeldToken {
        id: TokenId::new([12; 16]),
        hash: Token::new([11; 32]).hash(),
        issued_on: date(2026, 1, 5),
    }
}

/// As long as details can be: a scan of many is a large one.
fn details() -> InvolvementDetails {
    InvolvementDetails {
        service_type: ServiceType::EducationWelfareAttendance,
        status: InvolvementStatus::Transferring,
        sensitivity: Sensitivity::Standard,
        disclosure_basis: DisclosureBasis::CourtOrder,
        subject_informed: SubjectInformed::NotApplicable,
        route: ContactRoute {
            role: ContactRole::TeamAdministrator,
            work_phone: text("+441632960001999"),
            hours: hours(),
            out_of_hours: Some(text("+441632960002999")),
        },
        lead_practitioner: true,
        assessment_held: true,
        started: date(2024, 2, 29),
        ended: Some(date(2026, 5, 31)),
        confirmed_on: date(2026, 6, 1),
        in_error: false,
        disputed: true,
        retain_until: Some(date(2032, 5, 31)),
    }
}

fn permit(preconditions: Vec<Precondition>) -> Permit {
    Permit::of_service(Action::FirstLight, None, PolicyDigest::new([13; 32]), preconditions)
}

fn hours() -> Hours {
    Hours::new(0b1_1111, 540, 1020).expect("nine to five")
}

fn text<T: TryFrom<String>>(text: &str) -> T {
    T::try_from(text.to_owned()).ok().expect("the samples keep to their alphabets")
}
