//! People: invited, moved and removed, suspended and resumed, lapsed and recertified.

use jiff::ToSpan;
use signpost_core::directory::onboarding::{
    Invitation, InvitePeople, IssueCode, MovePerson, Recertify, RecordConditions, RecordCustody,
    RemovePerson, ResumePerson, ResumeToken, SuspendPerson, SuspendToken,
};
use signpost_core::id::{GroupId, PersonId, TokenId};
use signpost_core::record::{Record, Registered};
use signpost_core::refusal::Reason;
use signpost_core::register::{
    Conditions, EnrolmentState, Group, Lapse, Person, PersonStanding, Standing, TokenRecord,
};
use signpost_core::terms::{Action, Custody, Outcome, Purpose, Role};

use crate::fixture::*;

#[tokio::test]
async fn whoever_is_invited_takes_a_place_and_a_staff_reference_at_once() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let people = vec![scene.invitation(31), scene.invitation(32)];
    let invited = scene.try_invite(group, people).await.unwrap();
    assert_eq!(invited.result, Registered::People(2));
    let members = scene.members(group).await.people;
    for (number, id) in [31, 32].into_iter().zip(members) {
        let person = scene.person(id).await;
        assert_eq!(person.standing, PersonStanding::Invited);
        assert_eq!((person.group, person.staff), (group, staff(number)));
        assert_eq!(scene.claimed_by(NORTHFIELD, number).await, Some(id));
        let enrolment = scene.enrolment(code(number).hash()).await;
        assert_eq!((enrolment.person, enrolment.state), (id, EnrolmentState::Open));
    }
}

#[tokio::test]
async fn a_group_takes_no_more_than_its_places() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let four = (31..35).map(|number| scene.invitation(number)).collect();
    scene.assert_refused(scene.try_invite(group, four), Reason::GroupFull).await;
    let three = (31..34).map(|number| scene.invitation(number)).collect();
    scene.try_invite(group, three).await.unwrap();
    let one = scene.try_invite(group, vec![scene.invitation(35)]);
    scene.assert_refused(one, Reason::GroupFull).await;

    let other = scene.social_workers().await;
    let person = scene.invite(other, 36).await;
    let joins = ask_for!(scene, ADA, MovePerson { person, group });
    scene.assert_refused(joins, Reason::GroupFull).await;
}

#[tokio::test]
async fn a_group_that_is_unknown_or_over_takes_nobody() {
    let scene = Scene::new().await;
    let unknown = scene.try_invite(GroupId::new([99; 16]), vec![scene.invitation(31)]);
    scene.assert_refused(unknown, Reason::Unknown("group")).await;

    let other = scene.social_workers().await;
    let person = scene.invite(other, 31).await;
    let until = scene.today();
    let group =
        scene.open(Group { valid_until: until, ..new_group(NORTHFIELD, Role::SocialWorker) }).await;
    scene.invite(group, 32).await;
    scene.clock.step_days(1);
    let over = || Reason::WrongState("the group is over");
    let invite = scene.try_invite(group, vec![scene.invitation(33)]);
    scene.assert_refused(invite, over()).await;
    scene.assert_refused(ask_for!(scene, ADA, MovePerson { person, group }), over()).await;
}

#[tokio::test]
async fn nobody_is_invited_twice_and_no_code_is_issued_twice() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let same_staff = Invitation { staff: staff(31), ..scene.invitation(32) };
    let same_code = Invitation { code: code(31).hash(), ..scene.invitation(32) };
    for second in [same_staff.clone(), same_code.clone()] {
        let both = scene.try_invite(group, vec![scene.invitation(31), second]);
        scene.assert_invalid(both, "people[1]").await;
    }
    scene.invite(group, 31).await;
    let registered = Reason::AlreadyRegistered;
    let invite = scene.try_invite(group, vec![same_staff.clone()]);
    scene.assert_refused(invite, registered("staff reference")).await;
    let invite = scene.try_invite(group, vec![same_code]);
    scene.assert_refused(invite, registered("enrolment code")).await;

    let trust = scene.open(new_group(EASTVALE, Role::NamedNurseDoctor)).await;
    scene.try_invite(trust, vec![same_staff]).await.unwrap();
    assert_ne!(scene.claimed_by(NORTHFIELD, 31).await, scene.claimed_by(EASTVALE, 31).await);
}

#[tokio::test]
async fn all_are_invited_or_none() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    scene.invite(group, 31).await;
    let people = vec![scene.invitation(32), scene.invitation(31)];
    let invite = scene.try_invite(group, people);
    scene.assert_refused(invite, Reason::AlreadyRegistered("staff reference")).await;
    scene.assert_invalid(scene.try_invite(group, Vec::new()), "people").await;
    let too_many = vec![scene.invitation(32); 501];
    scene.assert_invalid(scene.try_invite(group, too_many), "people").await;
}

#[tokio::test]
async fn conditions_are_of_the_past_and_vetting_of_the_last_three_years() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let today = scene.today();
    let tomorrow = today.tomorrow().unwrap();
    let good = conditions(today);
    let oldest = today.saturating_sub(3.years());
    let wrong = [
        (Conditions { vetting_on: tomorrow, ..good }, "vetting_on"),
        (Conditions { barred_list_checked_on: tomorrow, ..good }, "barred_list_checked_on"),
        (Conditions { training_on: tomorrow, ..good }, "training_on"),
        (Conditions { agreement_signed_on: tomorrow, ..good }, "agreement_signed_on"),
        (Conditions { vetting_on: oldest.yesterday().unwrap(), ..good }, "vetting_on"),
    ];
    for (conditions, field) in wrong {
        let people = vec![Invitation { conditions, ..scene.invitation(32) }];
        let invite = scene.try_invite(group, people);
        scene.assert_invalid(invite, &format!("people[0].conditions.{field}")).await;
        let record = ask_for!(scene, ADA, RecordConditions { person, conditions });
        scene.assert_invalid(record, &format!("conditions.{field}")).await;
    }
    let conditions = Conditions { vetting_on: oldest, ..good };
    let people = vec![Invitation { conditions, ..scene.invitation(32) }];
    scene.try_invite(group, people).await.unwrap();
    ask_for!(scene, ADA, RecordConditions { person, conditions }).await.unwrap();
    assert_eq!(scene.person(person).await.conditions, conditions);
}

/// And remembers its request id, as every request does.
#[tokio::test]
async fn a_dry_run_looks_and_writes_nothing_but_its_entry() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let before = scene.everything().await;
    let people = vec![scene.invitation(31), scene.invitation(32)];
    let dry = ask_for!(scene, ADA, InvitePeople { group, people: people.clone(), dry_run: true });
    let written = dry.await.unwrap();
    assert_eq!(written.result, Registered::People(2));
    let mut after = scene.everything().await;
    after.retain(|stored| {
        stored.version != written.receipt || !matches!(stored.record, Record::Replay(_))
    });
    assert_eq!(after, before);
    let entry = *scene.entries().await.last().unwrap();
    assert_eq!((entry.outcome(), entry.count()), (Outcome::Done, 2));

    scene.try_invite(group, people.clone()).await.unwrap();
    let taken = ask_for!(scene, ADA, InvitePeople { group, people, dry_run: true });
    scene.assert_refused(taken, Reason::GroupFull).await;
}

#[tokio::test]
async fn whoever_is_removed_leaves_place_and_staff_reference_and_can_do_nothing_more() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    scene.invite(group, 32).await;
    let invited = scene.invite(group, 33).await;
    for person in [holder.person, invited] {
        ask_for!(scene, ADA, RemovePerson { person }).await.unwrap();
        assert_eq!(scene.person(person).await.standing, PersonStanding::Removed);
    }
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
    let token = scene.held(holder).await;
    assert_eq!((token.standing, token.custody), (Standing::Revoked, Custody::Out));
    assert_eq!(scene.custodies(org(NORTHFIELD)).await.out, 21, "where it is, is recorded apart");
    scene.assert_refused(scene.redeem(NORTHFIELD, 33, 33), Reason::CodeExpired).await;
    assert_eq!(scene.members(group).await.people.len(), 1);
    assert_eq!(scene.claimed_by(NORTHFIELD, 31).await, None);

    let again = Invitation { staff: staff(31), ..scene.invitation(34) };
    scene.try_invite(group, vec![again]).await.unwrap();
    assert_ne!(scene.claimed_by(NORTHFIELD, 31).await, Some(holder.person));
}

#[tokio::test]
async fn whoever_moves_stays_the_same_person_in_another_role() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let before = scene.person(holder.person).await;
    let managers = scene.open(new_group(NORTHFIELD, Role::SocialWorkManager)).await;
    scene.assert_refused(scene.ask(holder, Purpose::CaseReview), Reason::Purpose).await;
    scene.clock.step_days(1);
    let person = holder.person;
    ask_for!(scene, ADA, MovePerson { person, group: managers }).await.unwrap();
    let expected = Person { group: managers, ..before };
    assert_eq!(scene.person(person).await, expected);
    assert_eq!(scene.members(group).await.people, []);
    assert_eq!(scene.members(managers).await.people, [person]);
    assert_eq!(scene.claimed_by(NORTHFIELD, 31).await, Some(person));
    scene.ask(holder, Purpose::CaseReview).await.unwrap();
    let entry = *scene.entries().await.last().unwrap();
    assert_eq!(entry.role(), Some(Role::SocialWorkManager));
}

#[tokio::test]
async fn nobody_is_moved_where_they_are_to_another_organisation_or_under_their_own_sponsorship() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.enrol(group, 31).await.person;
    let stays = ask_for!(scene, ADA, MovePerson { person, group });
    let reason = Reason::WrongState("the person is in this group already");
    scene.assert_refused(stays, reason).await;
    let trust = scene.open(new_group(EASTVALE, Role::NamedNurseDoctor)).await;
    let leaves = ask_for!(scene, ADA, MovePerson { person, group: trust });
    let reason = Reason::Unknown("group of the person's organisation");
    scene.assert_refused(leaves, reason).await;
    let nowhere = ask_for!(scene, ADA, MovePerson { person, group: GroupId::new([99; 16]) });
    scene.assert_refused(nowhere, Reason::Unknown("group")).await;
    let sponsored = new_group(NORTHFIELD, Role::SocialWorker);
    let group = scene.open(Group { sponsor: Some(person), ..sponsored }).await;
    let joins = ask_for!(scene, ADA, MovePerson { person, group });
    let reason = Reason::WrongState("the person sponsors this group");
    scene.assert_refused(joins, reason).await;
}

/// Every change of one person's record, made by somebody of somebody.
async fn every_change(scene: &Scene, who: Holder, of: PersonId, token: TokenId, expected: Reason) {
    let person = of;
    let group = scene.social_workers().await;
    macro_rules! refused {
        ($request:ident { $($field:tt)* }) => {
            let call = ask_for!(scene, who, $request { $($field)* });
            scene.assert_refused(call, expected.clone()).await;
        };
    }
    refused!(RecordConditions { person, conditions: conditions(scene.today()) });
    refused!(SuspendPerson { person });
    refused!(ResumePerson { person });
    refused!(MovePerson { person, group });
    refused!(RemovePerson { person });
    refused!(IssueCode { person, code: code(99).hash() });
    if expected != Reason::WrongState("the person was removed") {
        refused!(SuspendToken { person, token });
        refused!(ResumeToken { person, token });
        refused!(RecordCustody { person, token, custody: Custody::LostRevoked });
    }
}

#[tokio::test]
async fn nobody_changes_their_own_record() {
    let scene = Scene::new().await;
    let own = TokenId::new([ADA.token; 16]);
    every_change(&scene, ADA, ADA.person, own, Reason::OwnRecord).await;
}

#[tokio::test]
async fn whom_the_register_does_not_know_or_has_removed_cannot_be_changed() {
    let scene = Scene::new().await;
    let token = TokenId::new([ABE.token; 16]);
    let nobody = PersonId::new([99; 16]);
    every_change(&scene, ADA, nobody, token, Reason::Unknown("person")).await;
    ask_for!(scene, ADA, RemovePerson { person: AVA.person }).await.unwrap();
    let removed = Reason::WrongState("the person was removed");
    every_change(&scene, ADA, AVA.person, token, removed).await;

    let (person, custody) = (AVA.person, Custody::Returned);
    let of_another = ask_for!(scene, ADA, RecordCustody { person, token, custody });
    scene.assert_refused(of_another, Reason::Unknown("token of this person")).await;
    let token = TokenId::new([AVA.token; 16]);
    ask_for!(scene, ADA, RecordCustody { person, token, custody }).await.unwrap();
}

#[tokio::test]
async fn whoever_is_suspended_may_nothing_until_resumed() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let person = holder.person;
    let resume = ask_for!(scene, ADA, ResumePerson { person });
    scene.assert_refused(resume, Reason::WrongState("the person is not suspended")).await;
    ask_for!(scene, ADA, SuspendPerson { person }).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
    assert_eq!(scene.members(group).await.people, [person], "the place is kept");
    let suspend = ask_for!(scene, ADA, SuspendPerson { person });
    scene.assert_refused(suspend, Reason::WrongState("the person is suspended already")).await;
    ask_for!(scene, ADA, ResumePerson { person }).await.unwrap();
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
}

#[tokio::test]
async fn whoever_was_suspended_before_redeeming_goes_on_waiting() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    ask_for!(scene, ADA, SuspendPerson { person }).await.unwrap();
    scene.assert_refused(scene.redeem(NORTHFIELD, 31, 31), Reason::Suspended).await;
    ask_for!(scene, ADA, ResumePerson { person }).await.unwrap();
    assert_eq!(scene.person(person).await.standing, PersonStanding::Invited);
    scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    assert_eq!(scene.person(person).await.standing, PersonStanding::Active);
}

#[tokio::test]
async fn a_vetting_of_more_than_three_years_ago_refuses_at_once_and_a_new_one_heals() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let oldest = conditions(scene.today().saturating_sub(3.years()));
    let people = vec![Invitation { conditions: oldest, ..scene.invitation(31) }];
    scene.try_invite(group, people).await.unwrap();
    scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    let person = scene.claimed_by(NORTHFIELD, 31).await.unwrap();
    let holder = Holder { person, system: NORTHFIELD, token: 31 };
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    scene.clock.step_days(1);
    let lapsed = || Reason::Lapsed(Lapse::Vetting);
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), lapsed()).await;
    let many = scene.directory.may_ask_many(&holder.presented()).await;
    assert!(many.is_err());
    ask_for!(scene, SOL, Recertify { person }).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), lapsed()).await;
    let conditions = conditions(scene.today());
    ask_for!(scene, ADA, RecordConditions { person, conditions }).await.unwrap();
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
}

/// June 15th to October 15th.
#[tokio::test]
async fn four_months_without_recertification_refuse_at_once_and_the_sponsor_heals() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    for days in [50, 50, 22] {
        scene.clock.step_days(days);
        scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    }
    scene.clock.step_days(1);
    let lapsed = || Reason::Lapsed(Lapse::Recertification);
    let entry = scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), lapsed()).await;
    assert_eq!((entry.action(), entry.role()), (Action::Ask, Some(Role::SocialWorker)));
    let person = holder.person;
    let conditions = conditions(scene.today());
    ask_for!(scene, ADA, RecordConditions { person, conditions }).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), lapsed()).await;
    ask_for!(scene, SOL, Recertify { person }).await.unwrap();
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    assert_eq!(scene.person(person).await.recertified_on, scene.today());
}

#[tokio::test]
async fn whoever_lapsed_can_do_nothing_else_either() {
    let scene = Scene::new().await;
    let lapsed = Person {
        recertified_on: scene.today().saturating_sub(5.months()),
        ..scene.person(ABE.person).await
    };
    scene.put(Record::Person(lapsed)).await;
    let person = ADA.person;
    let suspend = ask_for!(scene, ABE, SuspendPerson { person });
    scene.assert_refused(suspend, Reason::Lapsed(Lapse::Recertification)).await;
}

#[tokio::test]
async fn only_the_sponsor_recertifies_and_only_whoever_is_there() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let person = holder.person;
    let trust = scene.open(new_group(EASTVALE, Role::NamedNurseDoctor)).await;
    let of_trust = scene.enrol(trust, 32).await.person;
    for (who, person) in [
        (ADA, person),
        (EVE, person),
        (holder, person),
        (SOL, of_trust),
        (SOL, SOL.person),
        (SOL, PersonId::new([99; 16])),
    ] {
        let recertify = ask_for!(scene, who, Recertify { person });
        scene.assert_refused(recertify, Reason::NotSponsor).await;
    }
    ask_for!(scene, SOL, Recertify { person }).await.unwrap();
    ask_for!(scene, EVE, Recertify { person: of_trust }).await.unwrap();

    let managers = scene.open(new_group(NORTHFIELD, Role::SocialWorkManager)).await;
    let sponsor = scene.enrol(managers, 33).await;
    let sponsored = new_group(NORTHFIELD, Role::SocialWorker);
    let sponsored = Group { sponsor: Some(sponsor.person), ..sponsored };
    let group = scene.open(sponsored).await;
    ask_for!(scene, ADA, MovePerson { person, group }).await.unwrap();
    let earlier = ask_for!(scene, SOL, Recertify { person });
    scene.assert_refused(earlier, Reason::NotSponsor).await;
    ask_for!(scene, sponsor, Recertify { person }).await.unwrap();

    ask_for!(scene, ADA, SuspendPerson { person: sponsor.person }).await.unwrap();
    let suspended = ask_for!(scene, sponsor, Recertify { person });
    scene.assert_refused(suspended, Reason::Suspended).await;
    ask_for!(scene, ADA, ResumePerson { person: sponsor.person }).await.unwrap();
    ask_for!(scene, ADA, RemovePerson { person }).await.unwrap();
    let gone = ask_for!(scene, sponsor, Recertify { person });
    scene.assert_refused(gone, Reason::WrongState("the person was removed")).await;
}

/// An administrator may sponsor a group of another organisation; who is none any more may not.
#[tokio::test]
async fn a_sponsor_who_could_not_be_named_today_recertifies_nobody() {
    let scene = Scene::new().await;
    let sponsored = new_group(EASTVALE, Role::NamedNurseDoctor);
    let trust = scene.open(Group { sponsor: Some(AVA.person), ..sponsored }).await;
    let person = scene.enrol(trust, 31).await.person;
    ask_for!(scene, AVA, Recertify { person }).await.unwrap();
    let managers = scene.open(new_group(NORTHFIELD, Role::SocialWorkManager)).await;
    ask_for!(scene, ADA, MovePerson { person: AVA.person, group: managers }).await.unwrap();
    let recertify = ask_for!(scene, AVA, Recertify { person });
    scene.assert_refused(recertify, Reason::NotSponsor).await;
}

#[tokio::test]
async fn a_token_unused_for_sixty_days_no_longer_counts() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    scene.clock.step_days(60);
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    scene.clock.step_days(61);
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Expired).await;
    ask_for!(scene, SOL, Recertify { person: holder.person }).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Expired).await;
}

#[tokio::test]
async fn a_token_ends_after_a_year_however_much_it_is_used() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let person = scene.person(holder.person).await;
    scene.put(Record::Person(Person { recertified_on: LAST_DAY, ..person })).await;
    let token = scene.held(holder).await;
    assert_eq!(token.valid_until, scene.today().saturating_add(1.year()));
    scene.put(Record::Token(TokenRecord { used_on: LAST_DAY, ..token })).await;
    scene.clock.step_days(365);
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    scene.clock.step_days(1);
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Expired).await;
}
