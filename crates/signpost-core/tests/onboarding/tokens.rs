//! Tokens and the codes they are redeemed for: issued, used, renewed, and always somewhere.

use jiff::{SignedDuration, ToSpan};
use signpost_core::alert::Alert;
use signpost_core::commit::Write;
use signpost_core::directory::onboarding::{
    IssueCode, ListRegister, Listing, RecordCustody, Redeem, RemovePerson, RenewToken, ResumeToken,
    SuspendPerson, SuspendToken,
};
use signpost_core::directory::{AlertWatch, Question};
use signpost_core::id::{ActorId, PersonId, Receipt, TokenId};
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::{Invalid, Reason, Refusal, Unidentified};
use signpost_core::register::{
    Custodies, EnrolmentState, Group, Organisation, PersonStanding, Standing, System,
};
use signpost_core::terms::{Action, AlertKind, Custody, Purpose, Relationship, Role};

use crate::fixture::*;

/// How often each commit since the last look wrote a token.
fn token_writes(scene: &Scene) -> Vec<usize> {
    let is_token = |write: &&Write| matches!(write, Write::Put(Record::Token(_)));
    let commits = scene.between.take_writes();
    commits.iter().map(|writes| writes.iter().filter(is_token).count()).collect()
}

#[tokio::test]
async fn a_last_use_is_written_with_the_first_thing_of_each_day_and_no_other() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    token_writes(&scene);
    for day in 0..3 {
        for _ in 0..3 {
            scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
        }
        assert_eq!(token_writes(&scene), [usize::from(day > 0), 0, 0]);
        assert_eq!(scene.held(holder).await.used_on, scene.today());
        scene.clock.step_days(1);
    }
    scene.ask(holder, Purpose::CaseReview).await.unwrap_err();
    assert_eq!(token_writes(&scene), [0], "a refusal is no use");
    let question = Question {
        subject: child(),
        purpose: Purpose::S47Enquiry,
        relationship: Relationship::AllocatedCase,
    };
    let (presented, question) = (holder.presented(), Ok(question));
    for _ in 0..2 {
        scene.directory.ask(&presented, &question, Action::AskMany).await.unwrap();
    }
    assert_eq!(token_writes(&scene), [1, 0]);
}

#[tokio::test]
async fn every_change_and_every_look_of_an_administrator_is_a_use() {
    let scene = Scene::new().await;
    let administrators = scene.open(new_group(NORTHFIELD, Role::AdminOnboarding)).await;
    let admin = scene.enrol(administrators, 31).await;
    let person = scene.invite(administrators, 32).await;
    scene.clock.step_days(1);
    token_writes(&scene);
    let looks = Ok(ListRegister { listing: Listing::Organisations, after: None, limit: 10 });
    scene.directory.list_register(&admin.presented(), &looks).await.unwrap();
    let suspend = SuspendPerson { request: scene.request(), person };
    scene.onboard(admin, suspend.clone()).await.unwrap();
    assert_eq!(token_writes(&scene), [1, 0]);
    scene.clock.step_days(1);
    scene.onboard(admin, suspend).await.unwrap();
    assert_eq!(token_writes(&scene), [0; 0], "the first result of before is no use");
    scene.directory.list_register(&admin.presented(), &looks).await.unwrap();
    scene.directory.list_register(&admin.presented(), &looks).await.unwrap();
    assert_eq!(token_writes(&scene), [1, 0]);
}

#[tokio::test]
async fn a_renewal_destroys_the_old_token_in_the_same_commit() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let before = scene.custodies(org(NORTHFIELD)).await;
    scene.clock.step_days(10);
    token_writes(&scene);
    let renew = RenewToken { request: scene.request(), token: token(32).hash() };
    let renewed = scene.onboard(holder, renew.clone()).await.unwrap();
    let old = scene.held(holder).await;
    let new = scene.held(holder.with_token(32)).await;
    assert_eq!((old.standing, old.custody), (Standing::Revoked, Custody::Destroyed));
    assert_eq!((new.standing, new.custody), (Standing::Active, Custody::Out));
    assert_eq!((new.person, new.used_on), (holder.person, scene.today()));
    let held = scene.person(holder.person).await.tokens;
    assert_eq!(held.iter().map(|held| held.id).collect::<Vec<_>>(), [old.id, new.id]);
    let (issued, destroyed) = (before.issued + 1, before.destroyed + 1);
    let expected = Custodies { issued, destroyed, ..before };
    assert_eq!(scene.custodies(org(NORTHFIELD)).await, expected);
    assert_eq!(token_writes(&scene).len(), 1, "all of it is one commit");

    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
    scene.ask(holder.with_token(32), Purpose::S47Enquiry).await.unwrap();
    let written = scene.entries().await.len();
    for with in [holder, holder.with_token(32)] {
        assert_eq!(scene.onboard(with, renew.clone()).await, Ok(renewed.clone()), "a repeat");
    }
    assert_eq!(scene.entries().await.len(), written);
    // By the old one that very renewal is repeated, and nothing else is done.
    let other = RenewToken { token: token(33).hash(), ..renew.clone() };
    scene.assert_refused(scene.onboard(holder, other), Reason::Suspended).await;
    let other = RenewToken { request: scene.request(), ..renew.clone() };
    scene.assert_refused(scene.onboard(holder, other), Reason::Suspended).await;
    // Nor is it, once its holder may not renew any more.
    let found = scene.group(group).await;
    let over = Group { valid_until: scene.today().yesterday().unwrap(), ..found.clone() };
    scene.put(Record::Group(over)).await;
    scene.assert_refused(scene.onboard(holder, renew.clone()), Reason::Suspended).await;
    scene.put(Record::Group(found)).await;
    assert_eq!(scene.onboard(holder, renew.clone()).await, Ok(renewed));
    ask_for!(scene, ADA, SuspendPerson { person: holder.person }).await.unwrap();
    scene.assert_refused(scene.onboard(holder, renew), Reason::Suspended).await;
}

#[tokio::test]
async fn a_person_renews_a_few_times_in_a_month_and_no_more() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let mut holder = scene.enrol(group, 31).await;
    let renew = async |holder: Holder, number| {
        ask_for!(scene, holder, RenewToken { token: token(number).hash() }).await
    };
    for number in 32..35 {
        renew(holder, number).await.unwrap();
        holder = holder.with_token(number);
        scene.clock.step_days(1);
    }
    let problem = "the person was issued 4 tokens within 30 days; a token is renewed again once \
                   the first of them is older";
    scene.assert_refused(renew(holder, 35), Reason::WrongState(problem)).await;
    assert!(scene.custodies(org(NORTHFIELD)).await.balances());
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    scene.clock.step_days(27);
    renew(holder, 35).await.unwrap();
    assert_eq!(scene.person(holder.person).await.tokens.len(), 5);
}

#[tokio::test]
async fn no_token_is_renewed_by_one_that_is_on_record() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    for number in [31, ADA.token] {
        let renew = ask_for!(scene, holder, RenewToken { token: token(number).hash() });
        scene.assert_refused(renew, Reason::AlreadyRegistered("token")).await;
    }
}

#[tokio::test]
async fn a_suspended_token_may_nothing_until_resumed_and_a_revoked_one_is_so_for_ever() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let (person, token) = (holder.person, scene.held(holder).await.id);
    let not_so = || Reason::WrongState("the token does not stand so");
    let resume = ask_for!(scene, ADA, ResumeToken { person, token });
    scene.assert_refused(resume, not_so()).await;
    ask_for!(scene, ADA, SuspendToken { person, token }).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
    let suspend = ask_for!(scene, ADA, SuspendToken { person, token });
    scene.assert_refused(suspend, not_so()).await;
    ask_for!(scene, ADA, ResumeToken { person, token }).await.unwrap();
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();

    let custody = Custody::Returned;
    ask_for!(scene, ADA, RecordCustody { person, token, custody }).await.unwrap();
    let resume = ask_for!(scene, ADA, ResumeToken { person, token });
    scene.assert_refused(resume, not_so()).await;
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
}

#[tokio::test]
async fn a_token_goes_out_once_and_comes_back_or_is_lost_or_destroyed() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    for (number, path) in [
        (31, vec![Custody::Returned, Custody::LostRevoked, Custody::Destroyed]),
        (32, vec![Custody::LostRevoked, Custody::Returned, Custody::Destroyed]),
        (33, vec![Custody::Destroyed]),
    ] {
        let holder = scene.enrol(group, number).await;
        let (person, token) = (holder.person, scene.held(holder).await.id);
        let record = |custody| ask_for!(scene, ADA, RecordCustody { person, token, custody });
        for custody in path {
            let before = scene.custodies(org(NORTHFIELD)).await;
            let from = scene.held(holder).await.custody;
            record(custody).await.unwrap();
            let entry = *scene.entries().await.last().unwrap();
            assert_eq!(entry.count(), u32::from(custody.code()));
            let after = scene.custodies(org(NORTHFIELD)).await;
            assert_eq!(after, before.pass(from, custody).unwrap());
            assert!(after.balances());
            let held = scene.held(holder).await;
            assert_eq!((held.custody, held.standing), (custody, Standing::Revoked));
            let there = Reason::WrongState("the token is there already, or destroyed");
            scene.assert_refused(record(custody), there).await;
            scene.assert_invalid(record(Custody::Out), "custody").await;
        }
        for custody in [Custody::Returned, Custody::LostRevoked] {
            let there = Reason::WrongState("the token is there already, or destroyed");
            scene.assert_refused(record(custody), there).await;
        }
    }
    let custodies = scene.custodies(org(NORTHFIELD)).await;
    assert_eq!((custodies.issued, custodies.out, custodies.destroyed), (23, 20, 3));
}

#[tokio::test]
async fn a_code_is_redeemed_for_a_token_that_is_out_and_counted() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let before = scene.custodies(org(NORTHFIELD)).await;
    let redeemed = scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    let token = scene.token(token(31).hash()).await;
    assert_eq!((token.person, token.organisation), (person, org(NORTHFIELD)));
    assert_eq!((token.standing, token.custody), (Standing::Active, Custody::Out));
    assert_eq!((token.id, token.valid_until), (redeemed.result.token, redeemed.result.valid_until));
    assert_eq!(scene.custodies(org(NORTHFIELD)).await, before.issue());
    let record = scene.person(person).await;
    assert_eq!(record.standing, PersonStanding::Active);
    assert_eq!(record.last_token().unwrap().id, token.id);
    let entry = scene.entries().await[usize::try_from(redeemed.receipt.0).unwrap()];
    assert_eq!((entry.action(), entry.actor()), (Action::RedeemCode, None));
    assert_eq!(entry.detail()[..16], record.actor.as_bytes()[..]);
}

#[tokio::test]
async fn the_very_same_redemption_gives_the_first_result_again_and_another_one_nothing() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let first = scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    scene.clock.step_days(1);
    scene.ask(holder, Purpose::S47Enquiry).await.unwrap();
    scene.clock.step_days(30);
    let before = scene.entries().await.len();
    assert_eq!(scene.redeem(NORTHFIELD, 31, 31).await, Ok(first));
    assert_eq!(scene.entries().await.len(), before);
    scene.assert_refused(scene.redeem(NORTHFIELD, 31, 32), Reason::CodeUsed).await;
    assert_last_code_alert(&scene, holder.person, AlertKind::SecondRedemption).await;
}

/// The last entry refuses a code: it and its alert name whose the code is, and not as who acts.
async fn assert_last_code_alert(scene: &Scene, whose: PersonId, kind: AlertKind) {
    let actor = scene.person(whose).await.actor;
    let entries = scene.entries().await;
    let entry = entries.last().unwrap();
    assert_eq!((entry.actor(), entry.detail()[..16].to_vec()), (None, actor.as_bytes().to_vec()));
    let receipt = Receipt(entries.len() as u64 - 1);
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    watch.look().await.unwrap();
    let alert = scene.record(RecordKey::Alert(Alert::id_of_entry(kind, receipt))).await;
    let Some(Record::Alert(alert)) = alert else { panic!("no alert: {alert:?}") };
    assert_eq!((alert.actor, alert.entry), (Some(actor), receipt));
}

#[tokio::test]
async fn a_code_is_good_for_fourteen_days_and_not_a_moment_longer() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    scene.invite(group, 31).await;
    scene.invite(group, 32).await;
    scene.clock.step_by(SignedDuration::from_hours(14 * 24) - SignedDuration::from_millis(1));
    scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    scene.clock.step_by(SignedDuration::from_millis(1));
    scene.assert_refused(scene.redeem(NORTHFIELD, 32, 32), Reason::CodeExpired).await;
    scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
}

#[tokio::test]
async fn a_code_shown_at_another_organisation_is_refused_and_alerts_open_or_redeemed() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let elsewhere = Reason::CodeOfOtherOrganisation;
    scene.assert_refused(scene.redeem(EASTVALE, 31, 31), elsewhere.clone()).await;
    assert_last_code_alert(&scene, person, AlertKind::CodeElsewhere).await;
    scene.assert_refused(scene.redeem(NORTHFIELD, 99, 31), Reason::CodeUnknown).await;
    scene.redeem(NORTHFIELD, 31, 31).await.unwrap();
    scene.assert_refused(scene.redeem(EASTVALE, 31, 31), elsewhere).await;
    assert_last_code_alert(&scene, person, AlertKind::CodeElsewhere).await;
}

#[tokio::test]
async fn no_two_codes_are_redeemed_for_one_token() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    scene.enrol(group, 31).await;
    scene.invite(group, 32).await;
    let same = scene.redeem(NORTHFIELD, 32, 31);
    scene.assert_refused(same, Reason::AlreadyRegistered("token")).await;
    let enrolment = scene.enrolment(code(32).hash()).await;
    assert_eq!(enrolment.state, EnrolmentState::Open);
}

#[tokio::test]
async fn a_new_code_voids_the_one_before() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let taken = ask_for!(scene, ADA, IssueCode { person, code: code(31).hash() });
    scene.assert_refused(taken, Reason::AlreadyRegistered("enrolment code")).await;
    ask_for!(scene, ADA, IssueCode { person, code: code(32).hash() }).await.unwrap();
    assert_eq!(scene.enrolment(code(31).hash()).await.state, EnrolmentState::Void);
    scene.assert_refused(scene.redeem(NORTHFIELD, 31, 31), Reason::CodeExpired).await;
    scene.redeem(NORTHFIELD, 32, 32).await.unwrap();
}

#[tokio::test]
async fn no_code_is_issued_while_a_token_is_out() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let holder = scene.enrol(group, 31).await;
    let (person, token) = (holder.person, scene.held(holder).await.id);
    let issue = ask_for!(scene, ADA, IssueCode { person, code: code(32).hash() });
    let out = Reason::WrongState("the person's token is out; record where it is first");
    scene.assert_refused(issue, out).await;
    let custody = Custody::LostRevoked;
    ask_for!(scene, ADA, RecordCustody { person, token, custody }).await.unwrap();
    let issued = ask_for!(scene, ADA, IssueCode { person, code: code(32).hash() }).await.unwrap();
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    assert_eq!(watch.look().await, Ok(1), "the token that the new code is in the place of");
    let Some(Record::Alert(alert)) = scene
        .record(RecordKey::Alert(Alert::id_of_entry(AlertKind::NewCode, issued.receipt)))
        .await
    else {
        panic!("no alert")
    };
    assert_eq!(alert.actor, Some(ActorId::new([ADA.token; 16])), "who issued it");
    assert_eq!(
        scene.entries().await[usize::try_from(alert.entry.0).unwrap()].count(),
        1,
        "tokens of before"
    );
    scene.redeem(NORTHFIELD, 32, 32).await.unwrap();
    scene.ask(holder.with_token(32), Purpose::S47Enquiry).await.unwrap();
    scene.assert_refused(scene.ask(holder, Purpose::S47Enquiry), Reason::Suspended).await;
}

/// Else whoever issues it could take the place of somebody who is still to come.
#[tokio::test]
async fn a_second_code_for_somebody_who_never_enrolled_alerts_and_the_first_does_not() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    let person = scene.invite(group, 31).await;
    let mut watch = AlertWatch::start(scene.directory.clone()).await.unwrap();
    assert_eq!(watch.look().await, Ok(0), "the first code comes with the invitation");
    let refused = ask_for!(scene, SOL, IssueCode { person, code: code(32).hash() }).await;
    assert!(refused.is_err(), "no administrator");
    assert_eq!(watch.look().await, Ok(0), "nothing was issued");
    let issued = ask_for!(scene, ABE, IssueCode { person, code: code(32).hash() }).await.unwrap();
    assert_eq!(watch.look().await, Ok(1), "whose is the first code now?");
    let key = RecordKey::Alert(Alert::id_of_entry(AlertKind::NewCode, issued.receipt));
    let Some(Record::Alert(alert)) = scene.record(key).await else { panic!("no alert") };
    assert_eq!(alert.actor, Some(ActorId::new([ABE.token; 16])), "who issued it");
    assert_eq!(
        scene.entries().await[usize::try_from(alert.entry.0).unwrap()].count(),
        0,
        "no token of before"
    );
    scene.assert_refused(scene.redeem(NORTHFIELD, 31, 31), Reason::CodeExpired).await;
}

#[tokio::test]
async fn nobody_enrols_into_a_group_that_is_over_and_no_token_outlasts_its_group() {
    let scene = Scene::new().await;
    let until = scene.today().saturating_add(3.days());
    let workers = new_group(NORTHFIELD, Role::SocialWorker);
    let group = scene.open(Group { valid_until: until, ..workers }).await;
    scene.invite(group, 31).await;
    scene.invite(group, 32).await;
    assert_eq!(scene.redeem(NORTHFIELD, 31, 31).await.unwrap().result.valid_until, until);
    scene.clock.step_days(4);
    scene.assert_refused(scene.redeem(NORTHFIELD, 32, 32), Reason::Expired).await;
}

#[tokio::test]
async fn a_system_that_may_not_act_redeems_nothing() {
    let scene = Scene::new().await;
    let group = scene.social_workers().await;
    scene.invite(group, 31).await;
    let key = RecordKey::Organisation(org(NORTHFIELD));
    let Some(Record::Organisation(found)) = scene.record(key).await else { panic!("it is gone") };
    let yesterday = scene.today().yesterday().unwrap();
    let over = Organisation { authority_until: yesterday, ..found.clone() };
    scene.put(Record::Organisation(over)).await;
    scene.assert_refused(scene.redeem(NORTHFIELD, 31, 31), Reason::Expired).await;
    scene.put(Record::Organisation(found)).await;

    let malformed: Result<Redeem, Invalid> = Err(Invalid::field("code", "must be a code"));
    let presented = at_system(NORTHFIELD);
    scene.assert_invalid(scene.directory.redeem(&presented, &malformed), "code").await;
    let suspended = System { standing: Standing::Suspended, ..system(NORTHFIELD) };
    scene.put(Record::System(suspended)).await;
    let before = scene.everything().await;
    let refused = scene.redeem(NORTHFIELD, 31, 31).await;
    assert_eq!(refused, Err(Refusal::Unidentified(Unidentified::SystemSuspended)));
    assert_eq!(scene.everything().await, before);
}

#[tokio::test]
async fn a_code_is_issued_to_whom_the_register_has() {
    let scene = Scene::new().await;
    let person = PersonId::new([99; 16]);
    let issue = ask_for!(scene, ADA, IssueCode { person, code: code(31).hash() });
    scene.assert_refused(issue, Reason::Unknown("person")).await;
    ask_for!(scene, ADA, RemovePerson { person: AVA.person }).await.unwrap();
    let token = TokenId::new([AVA.token; 16]);
    let (person, custody) = (AVA.person, Custody::Returned);
    ask_for!(scene, ADA, RecordCustody { person, token, custody }).await.unwrap();
    let issue = ask_for!(scene, ADA, IssueCode { person, code: code(31).hash() });
    scene.assert_refused(issue, Reason::WrongState("the person was removed")).await;
}
