//! The operator's own way in: first light with two invited administrators, and two new ones where
//! fewer than two can act.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use signpost_core::directory::onboarding::{
    Approve, FirstLight, Invitation, NewOrganisation, NewSystem, Operator, Propose, Recovery,
    RecoveryError, Redeem, SuspendPerson, SuspendToken,
};
use signpost_core::directory::{AlertWatch, Directory};
use signpost_core::id::{Fingerprint, GroupId, SystemId};
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{
    Claim, Claimed, EnrolmentState, PersonStanding, ProposedChange, Standing,
};
use signpost_core::store::{Clock, Entropy, Store as _};
use signpost_core::terms::{
    Action, CodeScheme, Custody, LegalAuthority, OrganisationKind, Outcome, Role,
};
use signpost_core::testing::{ManualClock, SeededEntropy};

use crate::fixture::*;

const NEW_SYSTEM: NewSystem = NewSystem {
    id: SystemId::new([9; 16]),
    fingerprint: Fingerprint::new([9; 32]),
    until: Timestamp::MAX,
};

fn recovery(scene: &Scene) -> Recovery {
    Recovery {
        scheme: CodeScheme::Ods,
        code: text("NFC"),
        authority: LegalAuthority::ChildrenAct2004S11,
        authority_until: LAST_DAY,
        administrators: vec![scene.invitation(31), scene.invitation(32)],
        system: Some(NEW_SYSTEM),
        tokens_lost: Vec::new(),
    }
}

/// A scene in which Ada is the only administrator who can act.
async fn only_ada() -> Scene {
    let scene = Scene::new().await;
    for other in [ABE, AVA, of_role(Role::AdminOnboarding)] {
        ask_for!(scene, ADA, SuspendPerson { person: other.person }).await.unwrap();
    }
    scene
}

/// Expects that it is refused, and that nothing at all is written.
async fn assert_nothing_recovered(scene: &Scene, recovery: &Recovery, expected: RecoveryError) {
    let (records, entries) = (scene.everything().await, scene.entries().await.len());
    let refused = scene.directory.recover_administrators(recovery).await;
    assert_eq!(refused.unwrap_err(), expected);
    assert_eq!(scene.everything().await, records);
    assert_eq!(scene.entries().await.len(), entries);
}

#[tokio::test]
async fn two_who_can_act_need_no_recovery_and_nothing_is_written() {
    let scene = Scene::new().await;
    let recovery = recovery(&scene);
    assert_nothing_recovered(&scene, &recovery, RecoveryError::NotNeeded(4)).await;
    for other in [AVA, of_role(Role::AdminOnboarding)] {
        ask_for!(scene, ADA, SuspendPerson { person: other.person }).await.unwrap();
    }
    assert_nothing_recovered(&scene, &recovery, RecoveryError::NotNeeded(2)).await;
}

#[tokio::test]
async fn one_who_can_act_is_too_few_and_the_two_new_ones_let_people_in() {
    let scene = only_ada().await;
    let receipt = scene.directory.recover_administrators(&recovery(&scene)).await.unwrap();
    let entries = scene.entries().await;
    let entry = entries.last().unwrap();
    assert_eq!(receipt.0 + 1, entries.len() as u64, "one entry for it all");
    assert_eq!((entry.action(), entry.outcome()), (Action::RecoverAdministrators, Outcome::Done));
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    assert_eq!(watch.look().await.unwrap(), 1, "a privacy officer is told");
    assert_eq!(entry.action().code(), 43);
    assert_eq!((entry.actor(), entry.count()), (None, 2), "in nobody's name");
    assert_eq!(&entry.detail()[16..], org(NORTHFIELD).as_bytes());

    let mut both = Vec::new();
    for number in [31, 32] {
        let person = scene.enrolment(code(number).hash()).await.person;
        assert_eq!(scene.person(person).await.standing, PersonStanding::Invited);
        let system = NEW_SYSTEM.fingerprint.as_bytes()[0];
        scene.redeem(system, number, number).await.unwrap();
        both.push(Holder { person, system, token: number });
    }
    let change = ProposedChange::OpenGroup(new_group(NORTHFIELD, Role::SocialWorker));
    let proposal = scene.propose(both[0], change).await;
    ask_for!(scene, both[1], Approve { proposal }).await.unwrap();
    let again = Recovery { administrators: Vec::new(), ..recovery(&scene) };
    assert_nothing_recovered(&scene, &again, RecoveryError::NotNeeded(3)).await;
}

#[tokio::test]
async fn whose_token_does_not_count_or_whose_time_is_over_cannot_act() {
    let scene = Scene::new().await;
    for other in [AVA, of_role(Role::AdminOnboarding)] {
        ask_for!(scene, ADA, SuspendPerson { person: other.person }).await.unwrap();
    }
    let token = scene.held(ABE).await.id;
    ask_for!(scene, ADA, SuspendToken { person: ABE.person, token }).await.unwrap();
    scene.directory.recover_administrators(&recovery(&scene)).await.unwrap();

    let scene = Scene::new().await;
    for administrator in [ADA, ABE, AVA] {
        let mut person = scene.person(administrator.person).await;
        person.recertified_on = scene.today().saturating_sub(5.months());
        scene.put(Record::Person(person)).await;
    }
    scene.directory.recover_administrators(&recovery(&scene)).await.unwrap();
}

/// Expects that a recovery is needed, and done.
async fn assert_recovered(scene: &Scene) {
    scene.directory.recover_administrators(&recovery(scene)).await.unwrap();
    let again = scene.directory.recover_administrators(&recovery(scene)).await;
    assert!(!matches!(again, Err(RecoveryError::NotNeeded(_))), "until both have redeemed");
    for number in [31, 32] {
        scene.redeem(NEW_SYSTEM.fingerprint.as_bytes()[0], number, number).await.unwrap();
    }
}

#[tokio::test]
async fn whose_organisation_no_certificate_names_any_more_cannot_act() {
    let none = RecoveryError::Refused(Reason::WrongState(
        "no certificate of the organisation counts any more; name a new one",
    ));
    for way in 0..3 {
        let scene = Scene::new().await;
        let Some(Record::System(mut system)) =
            scene.record(RecordKey::System(SystemId::new([NORTHFIELD; 16]))).await
        else {
            panic!("the system is there")
        };
        let mut certificate = certificate(NORTHFIELD);
        match way {
            0 => certificate.until = scene.directory.now(),
            1 => certificate.standing = Standing::Revoked,
            _ => system.standing = Standing::Suspended,
        }
        scene.put(Record::System(system)).await;
        scene.put(Record::Certificate(certificate)).await;
        let without = Recovery { system: None, ..recovery(&scene) };
        assert_nothing_recovered(&scene, &without, none.clone()).await;
        assert_recovered(&scene).await;
    }
}

#[tokio::test]
async fn two_who_are_one_name_cannot_act() {
    let scene = Scene::new().await;
    let group = scene.open(new_group(NORTHFIELD, Role::AdminOnboarding)).await;
    let two = [scene.enrol(group, 41).await, scene.enrol_by(ADA, group, 42).await];
    for other in [ABE, AVA, of_role(Role::AdminOnboarding)] {
        ask_for!(scene, two[0], SuspendPerson { person: other.person }).await.unwrap();
    }
    assert_recovered(&scene).await;
    for one in two {
        assert_eq!(scene.person(one.person).await.standing, PersonStanding::Active);
    }
}

#[tokio::test]
async fn whoever_cannot_act_is_removed_and_may_be_named_again() {
    let scene = only_ada().await;
    let abe = scene.person(ABE.person).await;
    let invited = scene.invite(GroupId::new(*ADA.person.as_bytes()), 41).await;
    let again = Invitation { staff: abe.staff.clone(), ..scene.invitation(31) };
    let administrators = vec![again, scene.invitation(32)];
    let recovery = Recovery { administrators, ..recovery(&scene) };
    scene.directory.recover_administrators(&recovery).await.unwrap();
    for gone in [ABE.person, AVA.person, invited] {
        let person = scene.person(gone).await;
        assert_eq!(person.standing, PersonStanding::Removed);
        assert!(!scene.members(person.group).await.people.contains(&gone));
    }
    assert_eq!(scene.held(ABE).await.standing, Standing::Revoked);
    assert_eq!(scene.enrolment(code(41).hash()).await.state, EnrolmentState::Void);
    assert_eq!(scene.claimed_by(NORTHFIELD, 41).await, None);
    assert_eq!(scene.person(ADA.person).await.standing, PersonStanding::Active);
    let anew = scene.enrolment(code(31).hash()).await.person;
    let claimed = Claimed::Staff(org(NORTHFIELD), abe.staff);
    let Some(Record::Claim(Claim::Staff(_, _, person))) =
        scene.record(RecordKey::Claim(claimed)).await
    else {
        panic!("nobody is called so")
    };
    assert_eq!(person, anew);
}

#[tokio::test]
async fn whose_token_is_lost_cannot_act_whatever_is_on_record() {
    let scene = Scene::new().await;
    let mut lost = Vec::new();
    for who in [ABE, AVA, of_role(Role::AdminOnboarding)] {
        lost.push(scene.person(who.person).await.staff);
    }
    for unknown in [staff(99), scene.person(SOL.person).await.staff] {
        let tokens_lost = [lost.clone(), vec![unknown]].concat();
        let nobodys = Recovery { tokens_lost, ..recovery(&scene) };
        let reason = RecoveryError::Refused(Reason::Unknown("administrator whose token is lost"));
        assert_nothing_recovered(&scene, &nobodys, reason).await;
    }
    let tokens_lost = lost[..2].to_vec();
    let two = Recovery { tokens_lost, ..recovery(&scene) };
    assert_nothing_recovered(&scene, &two, RecoveryError::NotNeeded(2)).await;
    let before = scene.custodies(org(NORTHFIELD)).await;
    let all = Recovery { tokens_lost: lost, ..recovery(&scene) };
    scene.directory.recover_administrators(&all).await.unwrap();
    for who in [ABE, AVA] {
        let token = scene.held(who).await;
        assert_eq!((token.custody, token.standing), (Custody::LostRevoked, Standing::Revoked));
    }
    let after = scene.custodies(org(NORTHFIELD)).await;
    assert_eq!((after.out, after.lost_revoked), (before.out - 3, before.lost_revoked + 3));
    assert!(after.balances());
    assert_eq!(scene.held(ADA).await.custody, Custody::Out);
}

#[tokio::test]
async fn an_organisation_whose_legal_authority_is_over_gets_a_longer_one() {
    let scene = Scene::new().await;
    let Some(Record::Organisation(mut council)) =
        scene.record(RecordKey::Organisation(org(NORTHFIELD))).await
    else {
        panic!("the council is there")
    };
    council.authority_until = scene.today().saturating_sub(1.day());
    scene.put(Record::Organisation(council.clone())).await;
    let ended = Recovery { authority_until: council.authority_until, ..recovery(&scene) };
    let refused = scene.directory.recover_administrators(&ended).await.unwrap_err();
    assert!(matches!(refused, RecoveryError::Refused(Reason::Invalid(_))), "{refused:?}");
    scene.directory.recover_administrators(&recovery(&scene)).await.unwrap();
    council.authority_until = LAST_DAY;
    let found = scene.record(RecordKey::Organisation(org(NORTHFIELD))).await;
    assert_eq!(found, Some(Record::Organisation(council)));
}

#[tokio::test]
async fn what_cannot_be_recovered_so_is_refused() {
    let scene = only_ada().await;
    let refused = |reason| RecoveryError::Refused(reason);
    let unknown = Recovery { code: text("NONE1"), ..recovery(&scene) };
    assert_nothing_recovered(&scene, &unknown, refused(Reason::Unknown("organisation"))).await;
    let trust = Recovery { code: text("RX1"), ..recovery(&scene) };
    let reason = Reason::Unknown("organisation whose people administered before");
    assert_nothing_recovered(&scene, &trust, refused(reason)).await;
    let old = Invitation { staff: scene.person(ADA.person).await.staff, ..scene.invitation(32) };
    let administrators = vec![scene.invitation(31), old];
    let known = Recovery { administrators, ..recovery(&scene) };
    let reason = Reason::AlreadyRegistered("staff reference");
    assert_nothing_recovered(&scene, &known, refused(reason)).await;
    let system = Some(NewSystem { fingerprint: Fingerprint::new([NORTHFIELD; 32]), ..NEW_SYSTEM });
    let admitted = Recovery { system, ..recovery(&scene) };
    let reason = Reason::AlreadyRegistered("certificate");
    assert_nothing_recovered(&scene, &admitted, refused(reason)).await;
    for numbers in [vec![31], vec![31, 31], vec![31, 32, 33]] {
        let administrators = numbers.into_iter().map(|number| scene.invitation(number)).collect();
        let wrong = Recovery { administrators, ..recovery(&scene) };
        let error = scene.directory.recover_administrators(&wrong).await.unwrap_err();
        assert!(matches!(error, RecoveryError::Refused(Reason::Invalid(_))), "{error:?}");
    }
}

#[tokio::test]
async fn first_light_is_the_operator_and_two_who_are_invited() {
    let clock = Arc::new(ManualClock::default());
    let (store, policy) = (Arc::new(MemoryStore::new(clock.clone())), Arc::new(Policy::default()));
    let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::new(1));
    let today = jiff::tz::TimeZone::UTC.to_datetime(clock.now()).date();
    let organisation = NewOrganisation {
        kind: OrganisationKind::ServiceOperator,
        scheme: CodeScheme::Ods,
        code: text("8AB01"),
        name: text("Ashby Hosting"),
        area: text("E10000002"),
        authority: LegalAuthority::ContractorOfNamedBody,
        authority_until: LAST_DAY,
    };
    let duty_phone = text("+441632960100");
    let operator = Operator { organisation: organisation.clone(), duty_phone };
    let invitation = |number| Invitation {
        staff: staff(number),
        conditions: conditions(today),
        code: code(number).hash(),
    };
    let both = [invitation(31), invitation(32)];
    let begin = |operator: Operator, both: &[Invitation]| {
        FirstLight::of_operator(operator, NEW_SYSTEM, both, clock.now(), &*entropy)
    };
    let wrong = NewOrganisation { scheme: CodeScheme::Urn, ..organisation.clone() };
    let wrong = Operator { organisation: wrong, ..operator.clone() };
    assert!(begin(wrong, &both).is_err(), "a code of another scheme");
    assert!(begin(operator.clone(), &both[..1]).is_err(), "one administrator lets nobody in");
    let future = conditions(today.saturating_add(1.day()));
    let untrained = [both[0].clone(), Invitation { conditions: future, ..both[1].clone() }];
    assert!(begin(operator.clone(), &untrained).is_err(), "a check that was not made yet");

    let claimed = RecordKey::Claim(Claimed::Code(organisation.scheme, organisation.code.clone()));
    let light = begin(operator, &both).unwrap();
    Directory::first_light(&*store, &policy, light).await.unwrap();
    let Record::Claim(Claim::Code(_, _, organisation)) =
        store.read(&claimed).await.unwrap().unwrap().record
    else {
        panic!("the operator's code is claimed")
    };
    let directory = Directory::start(store, policy, clock, entropy).await.unwrap();
    let at_system = at_system(NEW_SYSTEM.fingerprint.as_bytes()[0]);
    let change = {
        let mut group = new_group(NORTHFIELD, Role::SocialWorker);
        group.organisation = organisation;
        ProposedChange::OpenGroup(group)
    };
    for number in [31, 32] {
        let redeem = Redeem { code: code(number), token: token(number).hash() };
        directory.redeem(&at_system, &Ok(redeem)).await.unwrap();
    }
    let holder = Holder { person: ADA.person, system: 9, token: 31 };
    let request = signpost_core::id::RequestId::new([1; 16]);
    let proposed = directory.onboard(&holder.presented(), &Ok(Propose { request, change })).await;
    // The administrator may, and this operator has no such team.
    let Err(Refusal::Refused { reason, .. }) = proposed else { panic!("{proposed:?}") };
    assert_eq!(reason, Reason::Unknown("team of this organisation"));
}
