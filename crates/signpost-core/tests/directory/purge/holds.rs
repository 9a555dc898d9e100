//! Legal holds: two names to set one and two to lift it, and what they hold back.

use jiff::SignedDuration;
use signpost_core::directory::purge::{ListHolds, MayNotPurge};
use signpost_core::id::OrganisationId;
use signpost_core::purge::PurgeScope;
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::terms::{Action, PurgedKind, Role};

use super::plans::gone;
use super::*;

#[tokio::test]
async fn approvers_and_privacy_officers_set_holds_and_nobody_else() {
    let scene = Scene::new().await;
    for who in EVERYBODY {
        let may = matches!(who.role, Role::PurgeApprover | Role::PrivacyOfficer);
        let begun = scene.begin_hold(who, of_child(&[1])).await;
        assert_eq!(begun.is_ok(), may, "{who:?}");
        let list = Ok(ListHolds { others_too: true });
        let list = scene.directory.list_holds(&who.presented(), &list).await;
        assert_eq!(list.is_ok(), may || who.role == Role::Auditor, "{who:?}");
        if let Ok(begun) = begun {
            let entry = scene.entry(begun.receipt).await;
            assert_eq!((entry.action(), entry.count()), (Action::SetHold, 1));
            assert_ne!(entry.commitment(), [0; 32]);
            assert_eq!(begun.result.held, Held::Child(None), "no pseudonym comes back");
        }
    }
}

#[tokio::test]
async fn a_hold_stands_from_its_second_name_to_the_second_that_lifts_it() {
    let scene = Scene::of_purges().await;
    let id = scene.begin_hold(PRIYA, of_child(&[1])).await.unwrap().result.id;
    assert!(!scene.begin_hold(PRIYA, of_child(&[1])).await.unwrap().result.stands());
    scene.assert_refused_next(scene.second_hold(PRIYA, id), Reason::SameName).await;
    assert!(scene.second_hold(APRIL, id).await.unwrap().result.stands());
    let waits = Reason::WrongState("the hold does not wait for a second name");
    scene.assert_refused_next(scene.second_hold(PENNY, id), waits).await;
    assert!(scene.lift_hold(PENNY, id).await.unwrap().result.stands(), "one name is not two");
    scene.assert_refused_next(scene.lift_hold(PENNY, id), Reason::SameName).await;
    let lifted = scene.lift_hold(APRIL, id).await.unwrap();
    assert!(!lifted.result.stands());
    let entry = scene.entry(lifted.receipt).await;
    assert_eq!((entry.action(), entry.count()), (Action::LiftHold, 2));
    let stored = scene.store.read(&RecordKey::Hold(id)).await.unwrap().unwrap();
    let Record::Hold(stored) = stored.record else { panic!("a hold's key leads to a hold") };
    assert_eq!(stored.held, Held::Child(None), "a hold that is lifted keeps no child");
    let lifted = Reason::WrongState("the hold does not stand");
    scene.assert_refused_next(scene.lift_hold(PRIYA, id), lifted).await;
}

#[tokio::test]
async fn a_second_name_is_independent_in_time_and_of_that_case() {
    let scene = Scene::of_purges().await;
    let id = scene.begin_hold(PRIYA, of_child(&[1])).await.unwrap().result.id;
    scene.let_in_by(APRIL, PRIYA).await;
    scene.assert_refused_next(scene.second_hold(APRIL, id), Reason::NotIndependent).await;
    let name = HoldName::Second { hold: id, case: text("LEG-2026-8") };
    let set = SetHold { request: scene.request(), name };
    let other = Invalid::field("case_reference", "is not the case reference of the hold");
    let presented = ARTHUR.presented();
    let set = Ok(set);
    let call = scene.directory.set_hold(&presented, &set);
    scene.assert_refused_next(call, Reason::Invalid(other)).await;
    scene.clock.advance(SignedDuration::from_hours(7 * 24));
    let waits = Reason::WrongState("the hold does not wait for a second name");
    scene.assert_refused_next(scene.second_hold(ARTHUR, id), waits).await;
}

#[tokio::test]
async fn everything_is_not_purged_while_a_hold_stands() {
    let scene = Scene::of_purges().await;
    let planned = scene.plan(PurgeScope::All).await;
    let half = scene.plan(PurgeScope::All).await;
    scene.approve(APRIL, &planned).await.unwrap();
    scene.approve(ARTHUR, &planned).await.unwrap();
    scene.clock.advance(SignedDuration::from_hours(24));
    assert!(scene.directory.may_begin_purge(planned.plan.id).await.is_ok());
    let id = scene.hold(of_child(&[1])).await;
    scene.assert_refused_next(scene.try_plan(OLGA, PurgeScope::All), Reason::Held).await;
    scene.assert_refused_next(scene.approve(ARTHUR, &half), Reason::Held).await;
    let begun = scene.directory.may_begin_purge(planned.plan.id).await;
    assert_eq!(begun, Err(MayNotPurge::Held));
    scene.lift_hold(PRIYA, id).await.unwrap();
    scene.lift_hold(ARTHUR, id).await.unwrap();
    assert!(scene.directory.may_begin_purge(planned.plan.id).await.is_ok());
}

#[tokio::test]
async fn held_children_are_left_out_and_no_plan_tells_which() {
    let scene = Scene::of_purges().await;
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.record(NORA, &child(&[3]), details()).await;
    scene.record(SAM, &child(&[3]), details()).await;
    scene.hold(of_child(&[2])).await;
    scene.hold(Held::Organisation(OrganisationId::new([2; 16]))).await;
    let northfield = scene.plan(PurgeScope::Organisation(OrganisationId::new([1; 16]))).await;
    assert_eq!(gone(northfield.counts.as_deref().unwrap(), PurgedKind::FlagCopy), 1);
    let southmoor = scene.plan(PurgeScope::Organisation(OrganisationId::new([2; 16]))).await;
    assert_eq!(gone(southmoor.counts.as_deref().unwrap(), PurgedKind::FlagCopy), 0);
    let (held, free) = (scene.plan(forget(&[2])).await, scene.plan(forget(&[4])).await);
    assert_eq!(held.holds, free.holds, "the same holds with every plan");
    assert_eq!(held.holds, northfield.holds);
    let cases: Vec<_> = held.holds.iter().map(|hold| hold.case.as_str()).collect();
    assert_eq!(cases, ["LEG-2026-7", "LEG-2026-7"]);
    scene.approve(APRIL, &held).await.unwrap();
    scene.clock.advance(SignedDuration::from_hours(24));
    let runnable = scene.directory.may_begin_purge(held.plan.id).await.unwrap();
    assert_eq!(runnable.holds.len(), 2, "the run is told what it must leave");
}
