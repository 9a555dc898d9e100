//! Organisations, and their groups: proposed by one administrator, approved by a different one;
//! narrowed by one alone.

use jiff::civil::date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use signpost_core::directory::Written;
use signpost_core::directory::onboarding::{
    AddTeam, AdmitCertificate, Approve, ChangeTeam, Invitation, InvitePeople, IssueCode,
    MovePerson, NarrowGroup, NewOrganisation, Propose, RecordCustody, RegisterOrganisation,
    RegisterSystem, RemovePerson, ResumeSystem, RevokeCertificate, SuspendPerson, SuspendSystem,
    Withdraw,
};
use signpost_core::id::{
    Fingerprint, GroupId, OrganisationId, PersonId, ProposalId, Receipt, SystemId, TeamId,
};
use signpost_core::record::{Record, RecordKey, Registered};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{
    AuthorityExtension, Custodies, Group, GroupWidening, Organisation, ProposalState,
    ProposedChange,
};
use signpost_core::store::Store;
use signpost_core::terms::{CodeScheme, Custody, LegalAuthority, Purpose, Role};

use crate::fixture::*;

const NO_LONGER_WAITS: Reason = Reason::WrongState("the proposal no longer waits");

fn open(group: Group) -> ProposedChange {
    ProposedChange::OpenGroup(group)
}

fn administrators() -> Group {
    new_group(NORTHFIELD, Role::AdminOnboarding)
}

fn social_workers() -> Group {
    new_group(NORTHFIELD, Role::SocialWorker)
}

#[tokio::test]
async fn a_group_is_opened_by_two_names() {
    let scene = Scene::new().await;
    let chosen = GroupId::new([99; 16]);
    let proposal = scene.propose(ADA, open(Group { id: chosen, ..social_workers() })).await;
    let ProposedChange::OpenGroup(group) = scene.proposal(proposal).await.change else {
        panic!("a group was proposed")
    };
    assert_ne!(group.id, chosen, "an id is not the proposer's to choose");
    assert_eq!(scene.record(RecordKey::Group(group.id)).await, None, "one name opens nothing");
    ask_for!(scene, ABE, Approve { proposal }).await.unwrap();
    assert_eq!(scene.group(group.id).await, Group { id: group.id, ..social_workers() });
    assert_eq!(scene.members(group.id).await.people, []);
    assert_eq!(scene.proposal(proposal).await.state, ProposalState::Approved { by: ABE.person });
}

#[tokio::test]
async fn nobody_approves_what_they_proposed() {
    let scene = Scene::new().await;
    let proposal = scene.propose(ADA, open(social_workers())).await;
    let approve = ask_for!(scene, ADA, Approve { proposal });
    scene.assert_refused(approve, Reason::SameName).await;
}

#[tokio::test]
async fn nobody_makes_their_own_second_name() {
    let scene = Scene::new().await;
    let group = GroupId::new(*ADA.person.as_bytes());
    let first = scene.enrol(group, 91).await;
    let people = vec![scene.invitation(92)];
    let other = GroupId::new(*ABE.person.as_bytes());
    ask_for!(scene, first, InvitePeople { group: other, people, dry_run: false }).await.unwrap();
    let person = scene.enrolment(code(92).hash()).await.person;
    scene.redeem(NORTHFIELD, 92, 92).await.unwrap();
    let second = Holder { person, system: NORTHFIELD, token: 92 };
    for (proposer, approver) in [(ADA, first), (first, ADA), (ADA, second), (second, ADA)] {
        let proposal = scene.propose(proposer, open(social_workers())).await;
        let approve = ask_for!(scene, approver, Approve { proposal });
        scene.assert_refused(approve, Reason::NotIndependent).await;
    }
    // Nor by taking another administrator over, or by being moved.
    let (person, custody) = (ABE.person, Custody::LostRevoked);
    let held = scene.held(ABE).await.id;
    ask_for!(scene, ADA, RecordCustody { person, token: held, custody }).await.unwrap();
    let taken_over = ask_for!(scene, ADA, IssueCode { person, code: code(93).hash() });
    let anew = Reason::WrongState("an administrator is removed and invited anew");
    scene.assert_refused(taken_over, anew).await;
    let moved = ask_for!(scene, ADA, MovePerson { person: SOL.person, group });
    let nobody =
        Reason::WrongState("nobody is moved into administration; remove and invite the person");
    scene.assert_refused(moved, nobody).await;
    let proposal = scene.propose(second, open(social_workers())).await;
    ask_for!(scene, AVA, Approve { proposal }).await.unwrap();
}

#[tokio::test]
async fn two_whom_one_administrator_let_in_are_one_name() {
    let scene = Scene::new().await;
    let group = scene.open(administrators()).await;
    let [first, second] = [scene.enrol(group, 91).await, scene.enrol(group, 92).await];
    let below = scene.enrol_by(second, group, 93).await;
    for (proposer, approver) in [(first, second), (second, first), (first, below)] {
        let proposal = scene.propose(proposer, open(social_workers())).await;
        let approve = ask_for!(scene, approver, Approve { proposal });
        scene.assert_refused(approve, Reason::NotIndependent).await;
    }
    let proposal = scene.propose(below, open(social_workers())).await;
    ask_for!(scene, ABE, Approve { proposal }).await.unwrap();
}

#[tokio::test]
async fn whoever_is_invited_anew_is_still_the_same_name() {
    let scene = Scene::new().await;
    let group = scene.open(administrators()).await;
    let before = scene.enrol_by(ABE, group, 91).await;
    let theirs = scene.enrol_by(before, group, 92).await;
    ask_for!(scene, ABE, RemovePerson { person: before.person }).await.unwrap();
    let again = Invitation { staff: staff(91), ..scene.invitation(93) };
    scene.try_invite(group, vec![again]).await.unwrap();
    let person = scene.enrolment(code(93).hash()).await.person;
    scene.redeem(NORTHFIELD, 93, 93).await.unwrap();
    let anew = Holder { person, system: NORTHFIELD, token: 93 };
    let proposal = scene.propose(theirs, open(social_workers())).await;
    let approve = ask_for!(scene, anew, Approve { proposal });
    scene.assert_refused(approve, Reason::NotIndependent).await;
}

#[tokio::test]
async fn the_first_name_must_still_count_when_the_second_is_given() {
    for way in 0..3 {
        let scene = Scene::new().await;
        let proposal = scene.propose(ADA, open(social_workers())).await;
        let person = ADA.person;
        match way {
            0 => ask_for!(scene, ABE, SuspendPerson { person }).await.unwrap(),
            1 => ask_for!(scene, ABE, RemovePerson { person }).await.unwrap(),
            _ => {
                let group = GroupId::new(*SOL.person.as_bytes());
                ask_for!(scene, ABE, MovePerson { person, group }).await.unwrap()
            }
        };
        let gone = Reason::WrongState("whoever proposed it is no administrator any more");
        scene.assert_refused(ask_for!(scene, AVA, Approve { proposal }), gone).await;
    }
}

#[tokio::test]
async fn a_first_name_of_an_organisation_whose_authority_is_over_counts_no_more() {
    let scene = Scene::new().await;
    let administrators = scene.open(new_group(EASTVALE, Role::AdminOnboarding)).await;
    let first = scene.enrol(administrators, 31).await;
    let proposal = scene.propose(first, open(social_workers())).await;
    let key = RecordKey::Organisation(org(EASTVALE));
    let Some(Record::Organisation(trust)) = scene.record(key).await else { panic!("it is gone") };
    let authority_until = scene.today().yesterday().unwrap();
    let over = Organisation { authority_until, ..trust.clone() };
    scene.put(Record::Organisation(over)).await;
    let gone = Reason::WrongState("whoever proposed it is no administrator any more");
    scene.assert_refused(ask_for!(scene, ABE, Approve { proposal }), gone).await;
    scene.put(Record::Organisation(trust)).await;
    ask_for!(scene, ABE, Approve { proposal }).await.unwrap();
}

#[tokio::test]
async fn a_proposal_waits_for_fourteen_days_and_not_a_moment_longer() {
    let scene = Scene::new().await;
    let first = scene.propose(ADA, open(social_workers())).await;
    let second = scene.propose(ADA, open(social_workers())).await;
    scene.clock.step_by(SignedDuration::from_hours(14 * 24) - SignedDuration::from_millis(1));
    ask_for!(scene, ABE, Approve { proposal: first }).await.unwrap();
    scene.clock.step_by(SignedDuration::from_millis(1));
    let late = ask_for!(scene, ABE, Approve { proposal: second });
    scene.assert_refused(late, NO_LONGER_WAITS).await;
}

#[tokio::test]
async fn a_proposal_is_approved_or_withdrawn_once() {
    let scene = Scene::new().await;
    let withdrawn = scene.propose(ADA, open(social_workers())).await;
    let approved = scene.propose(ADA, open(social_workers())).await;
    ask_for!(scene, AVA, Withdraw { proposal: withdrawn }).await.unwrap();
    ask_for!(scene, ABE, Approve { proposal: approved }).await.unwrap();
    for proposal in [withdrawn, approved] {
        let approve = ask_for!(scene, ABE, Approve { proposal });
        scene.assert_refused(approve, NO_LONGER_WAITS).await;
        let withdraw = ask_for!(scene, ADA, Withdraw { proposal });
        scene.assert_refused(withdraw, NO_LONGER_WAITS).await;
    }
    let proposal = ProposalId::new([99; 16]);
    let unknown = || Reason::Unknown("proposal");
    scene.assert_refused(ask_for!(scene, ABE, Approve { proposal }), unknown()).await;
    scene.assert_refused(ask_for!(scene, ABE, Withdraw { proposal }), unknown()).await;
}

#[tokio::test]
async fn what_has_changed_since_it_was_seen_is_outdated() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let mut widening = scene.widening(group).await;
    widening.members_max = 10;
    let proposal = scene.propose(ADA, ProposedChange::WidenGroup(widening.clone())).await;
    let Group { members_max, valid_until, .. } = scene.group(group).await;
    let purposes = vec![Purpose::S47Enquiry];
    let narrow =
        NarrowGroup { request: scene.request(), group, members_max, valid_until, purposes };
    scene.onboard(AVA, narrow).await.unwrap();
    let approve = ask_for!(scene, ABE, Approve { proposal });
    scene.assert_refused(approve, Reason::Outdated).await;
    let again = ask_for!(scene, ADA, Propose { change: ProposedChange::WidenGroup(widening) });
    scene.assert_refused(again, Reason::Outdated).await;
    assert_eq!(scene.group(group).await.purposes, [Purpose::S47Enquiry]);

    let first = scene.propose(ADA, longer_authority(&scene, 2100).await).await;
    scene.let_in(longer_authority(&scene, 2101).await).await;
    let approve = ask_for!(scene, ABE, Approve { proposal: first });
    scene.assert_refused(approve, Reason::Outdated).await;
}

async fn longer_authority(scene: &Scene, year: i16) -> ProposedChange {
    let organisation = org(NORTHFIELD);
    let stored = scene.between.read(&RecordKey::Organisation(organisation)).await.unwrap();
    ProposedChange::ExtendAuthority(AuthorityExtension {
        organisation,
        base: stored.unwrap().version,
        authority: LegalAuthority::ChildrenAct2004S12,
        until: date(year, 1, 1),
    })
}

#[tokio::test]
async fn an_authority_is_extended_by_two_names() {
    let scene = Scene::new().await;
    scene.let_in(longer_authority(&scene, 2100).await).await;
    let key = RecordKey::Organisation(org(NORTHFIELD));
    let Some(Record::Organisation(found)) = scene.record(key).await else { panic!("it is gone") };
    let expected = (LegalAuthority::ChildrenAct2004S12, date(2100, 1, 1));
    assert_eq!((found.authority, found.authority_until), expected);
    let past = ask_for!(scene, ADA, Propose { change: longer_authority(&scene, 2026).await });
    scene.assert_invalid(past, "extend_authority.authority_until").await;
    let ProposedChange::ExtendAuthority(mut unknown) = longer_authority(&scene, 2102).await else {
        panic!("an extension is one")
    };
    unknown.organisation = OrganisationId::new([99; 16]);
    let unknown =
        ask_for!(scene, ADA, Propose { change: ProposedChange::ExtendAuthority(unknown) });
    scene.assert_refused(unknown, Reason::Unknown("group or organisation")).await;
}

#[tokio::test]
async fn a_new_group_is_held_against_the_register_and_the_policy() {
    let scene = Scene::new().await;
    let workers = social_workers;
    let unknown = [
        (Group { organisation: OrganisationId::new([99; 16]), ..workers() }, "organisation"),
        (Group { team: TeamId::new([99; 16]), ..workers() }, "team of this organisation"),
        (Group { team: EAST, ..workers() }, "team of this organisation"),
    ];
    for (group, what) in unknown {
        let propose = ask_for!(scene, ADA, Propose { change: open(group) });
        scene.assert_refused(propose, Reason::Unknown(what)).await;
    }
    let yesterday = scene.today().yesterday().unwrap();
    let of =
        |role, purposes: &[Purpose]| Group { purposes: purposes.to_vec(), ..new_group(1, role) };
    let twice = [Purpose::S47Enquiry, Purpose::S17Assessment, Purpose::S47Enquiry];
    let invalid = [
        (Group { valid_until: yesterday, ..workers() }, "valid_until"),
        (Group { valid_from: date(2031, 1, 1), ..workers() }, "valid_until"),
        (Group { members_max: 0, ..workers() }, "members_max"),
        (Group { members_max: 501, ..workers() }, "members_max"),
        (of(Role::SocialWorker, &[]), "purposes"),
        (of(Role::SocialWorker, &[Purpose::EmergencyCareAttendance]), "purposes"),
        (of(Role::SocialWorker, &[Purpose::AuditInvestigation]), "purposes"),
        (of(Role::SocialWorker, &twice), "purposes"),
        (Group { sponsor: Some(PersonId::new([99; 16])), ..workers() }, "sponsor_id"),
        (Group { sponsor: Some(EVE.person), ..workers() }, "sponsor_id"),
    ];
    for (group, field) in invalid {
        let field = format!("open_group.{field}");
        scene.assert_invalid(ask_for!(scene, ADA, Propose { change: open(group) }), &field).await;
    }
    for role in Role::ALL.iter().filter(|role| purposes_of(**role).is_empty()) {
        let asking = of(*role, &[Purpose::S47Enquiry]);
        let propose = ask_for!(scene, ADA, Propose { change: open(asking) });
        scene.assert_invalid(propose, "open_group.purposes").await;
        scene.open(of(*role, &[])).await;
    }
}

#[tokio::test]
async fn it_is_held_against_them_again_when_it_is_approved() {
    let scene = Scene::new().await;
    let proposal = scene.propose(ADA, open(social_workers())).await;
    ask_for!(scene, ADA, SuspendPerson { person: SOL.person }).await.unwrap();
    scene.assert_invalid(ask_for!(scene, ABE, Approve { proposal }), "open_group.sponsor_id").await;

    let until = scene.today().saturating_add(3.days());
    let group = Group { valid_until: until, sponsor: None, ..social_workers() };
    let proposal = scene.propose(ADA, open(group)).await;
    scene.clock.step_days(4);
    scene
        .assert_invalid(ask_for!(scene, ABE, Approve { proposal }), "open_group.valid_until")
        .await;
}

#[tokio::test]
async fn a_sponsor_is_active_of_the_organisation_or_an_administrator_and_no_member() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let member = scene.enrol(group, 31).await;
    let invited = scene.invite(group, 32).await;
    let sponsored = |sponsor| open(Group { sponsor: Some(sponsor), ..social_workers() });
    let invited_sponsors = ask_for!(scene, ADA, Propose { change: sponsored(invited) });
    scene.assert_invalid(invited_sponsors, "open_group.sponsor_id").await;
    scene.open(Group { sponsor: Some(member.person), ..social_workers() }).await;
    scene
        .open(Group { sponsor: Some(AVA.person), ..new_group(EASTVALE, Role::NamedNurseDoctor) })
        .await;

    let own = GroupWidening { sponsor: Some(member.person), ..scene.widening(group).await };
    let widen = ask_for!(scene, ADA, Propose { change: ProposedChange::WidenGroup(own) });
    scene.assert_invalid(widen, "widen_group.sponsor_id").await;
}

#[tokio::test]
async fn a_widening_is_what_it_says_and_names_no_fewer_than_there_are() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let before = scene.group(group).await;
    let wider = GroupWidening {
        members_max: 4,
        valid_until: date(2031, 1, 31),
        purposes: vec![Purpose::S47Enquiry],
        sponsor: Some(AVA.person),
        ..scene.widening(group).await
    };
    scene.let_in(ProposedChange::WidenGroup(wider)).await;
    let expected = Group {
        members_max: 4,
        valid_until: date(2031, 1, 31),
        purposes: vec![Purpose::S47Enquiry],
        sponsor: Some(AVA.person),
        ..before
    };
    assert_eq!(scene.group(group).await, expected);

    scene.invite(group, 31).await;
    let two = GroupWidening { members_max: 1, ..scene.widening(group).await };
    let proposal = scene.propose(ADA, ProposedChange::WidenGroup(two.clone())).await;
    scene.invite(group, 32).await;
    scene
        .assert_invalid(ask_for!(scene, ABE, Approve { proposal }), "widen_group.members_max")
        .await;
    let again = ask_for!(scene, ADA, Propose { change: ProposedChange::WidenGroup(two) });
    scene.assert_invalid(again, "widen_group.members_max").await;

    let nowhere = GroupWidening {
        group: GroupId::new([99; 16]),
        base: Receipt(0),
        ..scene.widening(group).await
    };
    let nowhere = ask_for!(scene, ADA, Propose { change: ProposedChange::WidenGroup(nowhere) });
    scene.assert_refused(nowhere, Reason::Unknown("group or organisation")).await;
}

#[tokio::test]
async fn one_name_narrows_a_group_and_never_widens_it() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let member = scene.enrol(group, 31).await;
    scene.invite(group, 32).await;
    let Group { valid_until, purposes, .. } = scene.group(group).await;
    let narrow = |members_max, valid_until, purposes: &[Purpose]| NarrowGroup {
        request: scene.request(),
        group,
        members_max,
        valid_until,
        purposes: purposes.to_vec(),
    };
    let wider = [
        narrow(4, valid_until, &purposes),
        narrow(3, valid_until.tomorrow().unwrap(), &purposes),
        narrow(3, valid_until, &[Purpose::CaseReview]),
    ];
    for narrow in wider {
        let problem = "more members, days or purposes need a proposal and a second name";
        scene.assert_refused(scene.onboard(ADA, narrow), Reason::WrongState(problem)).await;
    }
    let fewer = scene.onboard(ADA, narrow(1, valid_until, &purposes));
    scene.assert_invalid(fewer, "members_max").await;
    let empty = scene.social_workers().await;
    for (wrong, field) in [
        (NarrowGroup { group: empty, ..narrow(0, valid_until, &purposes) }, "members_max"),
        (narrow(3, valid_until, &[Purpose::S47Enquiry; 2]), "purposes"),
    ] {
        scene.assert_invalid(scene.onboard(ADA, wrong), field).await;
    }
    let unknown = NarrowGroup { group: GroupId::new([99; 16]), ..narrow(1, valid_until, &[]) };
    scene.assert_refused(scene.onboard(ADA, unknown), Reason::Unknown("group")).await;

    scene.ask(member, Purpose::S17Assessment).await.unwrap();
    scene.onboard(ADA, narrow(2, valid_until, &[Purpose::S47Enquiry])).await.unwrap();
    scene.assert_refused(scene.ask(member, Purpose::S17Assessment), Reason::Purpose).await;
    scene.ask(member, Purpose::S47Enquiry).await.unwrap();
    let yesterday = scene.today().yesterday().unwrap();
    scene.onboard(ADA, narrow(2, yesterday, &[Purpose::S47Enquiry])).await.unwrap();
    scene.assert_refused(scene.ask(member, Purpose::S47Enquiry), Reason::Expired).await;
}

#[tokio::test]
async fn nobody_narrows_the_group_that_they_are_a_member_of() {
    let scene = Scene::new().await;
    let group = GroupId::new(*ADA.person.as_bytes());
    let valid_until = scene.today().yesterday().unwrap();
    let over = || {
        ask_for!(scene, ADA, NarrowGroup { group, members_max: 1, valid_until, purposes: vec![] })
    };
    let own =
        Reason::WrongState("you are a member of this group; let somebody of another one narrow it");
    scene.assert_refused(over(), own).await;
    ask_for!(scene, ABE, NarrowGroup { group, members_max: 1, valid_until, purposes: vec![] })
        .await
        .unwrap();
    scene.assert_refused(over(), Reason::Expired).await;
}

async fn register(
    scene: &Scene,
    who: Holder,
    organisation: NewOrganisation,
) -> Result<Written<Registered>, Refusal> {
    ask_for!(scene, who, RegisterOrganisation { organisation }).await
}

#[tokio::test]
async fn a_new_organisation_gets_a_team_a_system_a_certificate_and_people() {
    let scene = Scene::new().await;
    let registered = register(&scene, ADA, hillside()).await.unwrap().result;
    let Registered::Organisation(organisation) = registered else { panic!("{registered:?}") };
    assert_eq!(scene.custodies(organisation).await, Custodies::none(organisation));
    let name = || text("Safeguarding");
    let (duty_phone, hours) = (text("+441632960002"), hours());
    let team = ask_for!(scene, ADA, AddTeam { organisation, name: name(), duty_phone, hours });
    let Registered::Team(team) = team.await.unwrap().result else { panic!("a team was added") };
    let system = ask_for!(scene, ADA, RegisterSystem { organisation, name: name() });
    let Registered::System(system) = system.await.unwrap().result else { panic!("a system was") };
    let (fingerprint, until) = (Fingerprint::new([77; 32]), Timestamp::MAX);
    ask_for!(scene, ADA, AdmitCertificate { system, fingerprint, until }).await.unwrap();
    let group = Group { organisation, team, sponsor: None, ..new_group(1, Role::Dsl) };
    let group = scene.open(group).await;
    scene.invite(group, 31).await;
    scene.redeem(77, 31, 31).await.unwrap();
    assert_eq!(scene.custodies(organisation).await, Custodies::none(organisation).issue());
}

#[tokio::test]
async fn an_organisation_is_registered_once_with_a_code_of_its_scheme() {
    let scene = Scene::new().await;
    let no_urn = NewOrganisation { code: text("RX2"), ..hillside() };
    scene.assert_invalid(register(&scene, ADA, no_urn), "code").await;
    let yesterday = scene.today().yesterday().unwrap();
    let past = NewOrganisation { authority_until: yesterday, ..hillside() };
    scene.assert_invalid(register(&scene, ADA, past), "authority_until").await;
    let trust = NewOrganisation { scheme: CodeScheme::Ods, code: text("RX1"), ..hillside() };
    let registered = || Reason::AlreadyRegistered("organisation");
    scene.assert_refused(register(&scene, ADA, trust), registered()).await;
    register(&scene, ADA, hillside()).await.unwrap();
    scene.assert_refused(register(&scene, ABE, hillside()), registered()).await;
    let other_scheme = NewOrganisation { scheme: CodeScheme::Ods, ..hillside() };
    register(&scene, ADA, other_scheme).await.unwrap();
}

#[tokio::test]
async fn what_the_register_does_not_have_is_refused() {
    let scene = Scene::new().await;
    let organisation = OrganisationId::new([99; 16]);
    let (team, system) = (TeamId::new([99; 16]), SystemId::new([99; 16]));
    let (fingerprint, until) = (Fingerprint::new([99; 32]), Timestamp::MAX);
    macro_rules! unknown {
        ($what:literal, $request:ident { $($field:tt)* }) => {
            let call = ask_for!(scene, ADA, $request { $($field)* });
            scene.assert_refused(call, Reason::Unknown($what)).await;
        };
    }
    let (name, duty_phone, hours) = (|| text("Team"), || text("+441632960002"), hours());
    unknown!(
        "organisation",
        AddTeam { organisation, name: name(), duty_phone: duty_phone(), hours }
    );
    unknown!("team", ChangeTeam { team, name: name(), duty_phone: duty_phone(), hours });
    unknown!("organisation", RegisterSystem { organisation, name: name() });
    unknown!("system", SuspendSystem { system });
    unknown!("system", ResumeSystem { system });
    unknown!("system", AdmitCertificate { system, fingerprint, until });
    unknown!("certificate", RevokeCertificate { fingerprint });
}
