//! Every action by every role, who never asks, and what the ledger says of whom.

use jiff::Timestamp;
use signpost_core::directory::Question;
use signpost_core::directory::onboarding::*;
use signpost_core::id::{
    Fingerprint, GroupId, OrganisationId, PersonId, ProposalId, Receipt, SystemId, TeamId, TokenId,
};
use signpost_core::permit::{PRACTITIONERS, roles_for};
use signpost_core::record::Record;
use signpost_core::refusal::{Reason, Refusal, Unidentified};
use signpost_core::register::{AuthorityExtension, Group, ProposedChange};
use signpost_core::terms::{Action, Custody, LegalAuthority, Purpose, Relationship, Role};

use crate::fixture::*;

/// Tries every action, at what is not there, and says which of them the role may.
async fn permitted(scene: &Scene, who: Holder) -> Vec<Action> {
    let organisation = OrganisationId::new([99; 16]);
    let (team, system) = (TeamId::new([99; 16]), SystemId::new([99; 16]));
    let (group, person) = (GroupId::new([99; 16]), PersonId::new([99; 16]));
    let (token, proposal) = (TokenId::new([99; 16]), ProposalId::new([99; 16]));
    let (fingerprint, until) = (Fingerprint::new([99; 32]), Timestamp::UNIX_EPOCH);
    let conditions = conditions(scene.today());
    let authority = LegalAuthority::ChildrenAct2004S11;
    let change = ProposedChange::ExtendAuthority(AuthorityExtension {
        organisation,
        base: Receipt(0),
        authority,
        until: LAST_DAY,
    });
    let (name, duty_phone) = (|| text("Name"), || text("+441632960002"));
    let mut permitted = Vec::new();
    macro_rules! try_each {
        ($($request:ident as $action:ident { $($field:tt)* };)+) => {$(
            match ask_for!(scene, who, $request { $($field)* }).await {
                Err(Refusal::Refused { reason: Reason::Role, .. }) => {}
                _ => permitted.push(Action::$action),
            }
        )+};
    }
    try_each! {
        RegisterOrganisation as RegisterOrganisation {
            organisation: NewOrganisation { code: text("NONE"), ..hillside() },
        };
    AddTeam as AddTeam { organisation, name: name(), duty_phone: duty_phone(), hours: hours() };
        ChangeTeam as ChangeTeam { team, name: name(), duty_phone: duty_phone(), hours: hours() };
        RegisterSystem as RegisterSystem { organisation, name: name() };
        SuspendSystem as SuspendSystem { system };
        ResumeSystem as ResumeSystem { system };
        AdmitCertificate as AdmitCertificate { system, fingerprint, until };
        RevokeCertificate as RevokeCertificate { fingerprint };
        Propose as ProposeAccess { change };
        Approve as ApproveAccess { proposal };
        Withdraw as WithdrawProposal { proposal };
        NarrowGroup as NarrowGroup {
            group,
            members_max: 1,
            valid_until: LAST_DAY,
            purposes: Vec::new(),
        };
        InvitePeople as InvitePeople { group, people: Vec::new(), dry_run: false };
        RecordConditions as RecordConditions { person, conditions };
        Recertify as Recertify { person };
        SuspendPerson as SuspendPerson { person };
        ResumePerson as ResumePerson { person };
        MovePerson as MovePerson { person, group };
        RemovePerson as RemovePerson { person };
        IssueCode as IssueCode { person, code: code(99).hash() };
        RenewToken as RenewToken { token: crate::fixture::token(who.token).hash() };
        SuspendToken as SuspendToken { person, token };
        ResumeToken as ResumeToken { person, token };
        RecordCustody as RecordCustody { person, token, custody: Custody::Returned };
    }
    let look = Ok(ListRegister { listing: Listing::Proposals, after: None, limit: 1 });
    match scene.directory.list_register(&who.presented(), &look).await {
        Err(Refusal::Refused { reason: Reason::Role, .. }) => {}
        _ => permitted.push(Action::ListRegister),
    }
    permitted
}

/// Every action of onboarding but those of a system in nobody's name.
fn of_people() -> Vec<Action> {
    let is_onboarding =
        |action: &Action| (9..=31).contains(&action.code()) || (64..=67).contains(&action.code());
    let of_systems = [Action::RenewCertificate, Action::RedeemCode];
    let all = Action::ALL.iter().copied().filter(is_onboarding);
    all.filter(|action| !of_systems.contains(action)).collect()
}

#[tokio::test]
async fn every_action_of_onboarding_is_for_the_roles_listed_and_no_other() {
    let scene = Scene::new().await;
    let before = scene.everything().await;
    for role in Role::ALL {
        let entries = scene.entries().await.len();
        let expected = match role {
            Role::AdminOnboarding => of_people(),
            _ => vec![Action::Recertify, Action::RenewToken],
        };
        assert_eq!(permitted(&scene, of_role(*role)).await, expected, "{role:?}");
        let made = &scene.entries().await[entries..];
        assert_eq!(made.len(), of_people().len(), "one entry each");
        assert!(made.iter().all(|entry| entry.role() == Some(*role)));
        assert_eq!(scene.everything().await, before, "and nothing else");
    }
    for of_systems in [Action::RenewCertificate, Action::RedeemCode] {
        assert_eq!(roles_for(of_systems), []);
    }
}

#[tokio::test]
async fn nobody_changes_the_register_without_a_token_or_with_anothers_system() {
    let scene = Scene::new().await;
    let suspend = Ok(SuspendPerson { request: scene.request(), person: ABE.person });
    let (before, entries) = (scene.everything().await, scene.entries().await.len());
    let nobody = scene.directory.onboard(&at_system(NORTHFIELD), &suspend).await;
    assert_eq!(nobody, Err(Refusal::Unidentified(Unidentified::TokenMissing)));
    let elsewhere = Holder { system: EASTVALE, ..ADA };
    let elsewhere = scene.directory.onboard(&elsewhere.presented(), &suspend).await;
    let expected = Unidentified::TokenOfOtherOrganisation;
    assert_eq!(elsewhere, Err(Refusal::Unidentified(expected)));
    assert_eq!((scene.everything().await, scene.entries().await.len()), (before, entries));
}

async fn assert_never_answered(scene: &Scene, who: Holder) {
    for purpose in Purpose::ALL {
        scene.assert_refused(scene.ask(who, *purpose), Reason::Role).await;
        let question = Ok(Question {
            subject: child(),
            purpose: *purpose,
            relationship: Relationship::AllocatedCase,
        });
        let presented = who.presented();
        let many = scene.directory.ask(&presented, &question, Action::AskMany);
        scene.assert_refused(many, Reason::Role).await;
    }
    scene.assert_refused(scene.directory.may_ask_many(&who.presented()), Reason::Role).await;
}

#[tokio::test]
async fn who_administers_purges_or_audits_is_never_answered_whatever_the_group_says() {
    let scene = Scene::new().await;
    for role in Role::ALL.iter().filter(|role| !PRACTITIONERS.contains(role)) {
        let who = of_role(*role);
        assert_never_answered(&scene, who).await;
        let group = scene.group(GroupId::new(*who.person.as_bytes())).await;
        scene.put(Record::Group(Group { purposes: Purpose::ALL.to_vec(), ..group })).await;
        assert_never_answered(&scene, who).await;
    }
}

#[tokio::test]
async fn whoever_moves_into_administration_is_answered_no_more() {
    let scene = Scene::new().await;
    let workers = scene.social_workers().await;
    let holder = scene.enrol(workers, 31).await;
    let person = holder.person;
    let nobody_moves_there = [Role::AdminOnboarding];
    let others = Role::ALL.iter().filter(|role| !PRACTITIONERS.contains(role));
    for role in others.filter(|role| !nobody_moves_there.contains(role)) {
        scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
        let group = scene.open(new_group(NORTHFIELD, *role)).await;
        ask_for!(scene, ADA, MovePerson { person, group }).await.unwrap();
        assert_never_answered(&scene, holder).await;
        ask_for!(scene, ADA, MovePerson { person, group: workers }).await.unwrap();
    }
}

#[tokio::test]
async fn the_ledger_names_nobody_by_staff_reference_code_or_token() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let other = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    scene.invite(group, 32).await;
    let (person, conditions) = (holder.person, conditions(scene.today()));
    ask_for!(scene, ADA, RecordConditions { person, conditions }).await.unwrap();
    ask_for!(scene, ADA, SuspendPerson { person }).await.unwrap();
    ask_for!(scene, ADA, ResumePerson { person }).await.unwrap();
    ask_for!(scene, ADA, MovePerson { person, group: other }).await.unwrap();
    ask_for!(scene, SOL, Recertify { person }).await.unwrap();
    ask_for!(scene, holder, RenewToken { token: token(33).hash() }).await.unwrap();
    let held = scene.held(holder.with_token(33)).await.id;
    ask_for!(scene, ADA, SuspendToken { person, token: held }).await.unwrap();
    ask_for!(scene, ADA, ResumeToken { person, token: held }).await.unwrap();
    let custody = Custody::LostRevoked;
    ask_for!(scene, ADA, RecordCustody { person, token: held, custody }).await.unwrap();
    ask_for!(scene, ADA, IssueCode { person, code: code(34).hash() }).await.unwrap();
    scene.redeem(NORTHFIELD, 34, 34).await.unwrap();
    ask_for!(scene, ADA, RemovePerson { person }).await.unwrap();
    scene.try_invite(group, vec![scene.invitation(32)]).await.unwrap_err();
    scene.redeem(NORTHFIELD, 34, 35).await.unwrap_err();

    let mut never: Vec<Vec<u8>> = vec![b"STAFF-RE".to_vec(), b"FIRST/".to_vec()];
    for number in 31..=35 {
        never.push(vec![number; 8]);
        never.push(code(number).hash().as_bytes()[..8].to_vec());
        never.push(token(number).hash().as_bytes()[..8].to_vec());
    }
    never.push(person.as_bytes()[..8].to_vec());
    let actors: Vec<_> = scene
        .everything()
        .await
        .into_iter()
        .filter_map(|stored| {
            if let Record::Person(person) = stored.record { Some(person.actor) } else { None }
        })
        .collect();
    for entry in scene.entries().await {
        for bytes in &never {
            let found = entry.as_bytes().windows(bytes.len()).any(|window| window == bytes);
            assert!(!found, "{:?} holds {bytes:?}", entry.action());
        }
        assert!(entry.actor().is_none_or(|actor| actors.contains(&actor)));
    }
}
