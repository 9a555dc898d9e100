//! Whether a person may act: suspended and resumed, lapsed and recertified.

use jiff::ToSpan;
use signpost_core::directory::onboarding::{
    Invitation, MovePerson, Recertify, RecordConditions, RemovePerson, ResumePerson, SuspendPerson,
};
use signpost_core::id::PersonId;
use signpost_core::record::Record;
use signpost_core::refusal::Reason;
use signpost_core::register::{Lapse, Person, PersonStanding, TokenRecord};
use signpost_core::terms::{Action, Purpose, Role};

use crate::fixture::*;

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
    let sponsored = signpost_core::register::Group { sponsor: Some(sponsor.person), ..sponsored };
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
