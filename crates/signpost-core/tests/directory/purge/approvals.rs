//! Approving: another and independent person, that very plan, in time; and calling off.

use jiff::{SignedDuration, ToSpan};
use signpost_core::directory::MayNotDestroy;
use signpost_core::directory::purge::MayNotPurge;
use signpost_core::id::{PurgeDigest, PurgeId};
use signpost_core::purge::{MayNotRun, PurgeRules, PurgeScope};
use signpost_core::record::Record;
use signpost_core::refusal::Reason;
use signpost_core::register::PersonStanding;
use signpost_core::terms::{Action, Outcome, PurgeState, Role};
use signpost_core::testing::put_records;

use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

#[tokio::test]
async fn an_approver_approves_and_nobody_else() {
    let scene = Scene::new().await;
    let shown = scene.plan(forget(&[1])).await;
    for who in EVERYBODY {
        if who.role != Role::PurgeApprover {
            scene.assert_refused_next(scene.approve(who, &shown), Reason::Role).await;
        }
    }
    let written = scene.approve(APRIL, &shown).await.unwrap();
    let entry = scene.entry(written.receipt).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::ApprovePurge, Outcome::Done));
    assert_eq!(entry.detail()[..16], *shown.plan.id.as_bytes());
    assert_eq!(entry.detail()[16..], shown.plan.digest.as_bytes()[..16]);
    let shown = scene.shown(shown.plan.id).await;
    assert_eq!(shown.state, PurgeState::Approved);
    assert_eq!(shown.plan.not_before, Some(scene.directory.now() + 24.hours()));
    assert!(shown.plan.planned_in.is_some());
}

#[tokio::test]
async fn nobody_approves_their_own_plan_however_they_come_in() {
    let scene = Scene::of_purges().await;
    let shown = scene.plan(PurgeScope::All).await;
    // The operator moves into a group of approvers, as an administrator could have it.
    let mut moved = OLGA.person();
    moved.group = APRIL.group().id;
    put_records(&*scene.store, [Record::Person(moved)]).await.unwrap();
    scene.assert_refused_next(scene.approve(OLGA, &shown), Reason::SameName).await;
}

#[tokio::test]
async fn an_approver_whom_the_planner_let_in_is_no_second_name() {
    let scene = Scene::of_purges().await;
    let shown = scene.plan(forget(&[1])).await;
    scene.let_in_by(APRIL, OLGA).await;
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::NotIndependent).await;
    scene.approve(ARTHUR, &shown).await.unwrap();
}

#[tokio::test]
async fn everything_needs_two_approvers() {
    let scene = Scene::of_purges().await;
    let shown = scene.plan(PurgeScope::All).await;
    scene.approve(APRIL, &shown).await.unwrap();
    let one = scene.shown(shown.plan.id).await;
    assert_eq!((one.state, one.plan.not_before), (PurgeState::Planned, None));
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::SameName).await;
    scene.let_in_by(ARTHUR, APRIL).await;
    scene.assert_refused_next(scene.approve(ARTHUR, &shown), Reason::NotIndependent).await;
    put_records(&*scene.store, [Record::Person(ARTHUR.person())]).await.unwrap();
    scene.approve(ARTHUR, &shown).await.unwrap();
    assert_eq!(scene.shown(shown.plan.id).await.state, PurgeState::Approved);
}

#[tokio::test]
async fn what_is_approved_is_that_very_plan() {
    let scene = Scene::new().await;
    let (one, other) = (scene.plan(forget(&[1])).await, scene.plan(forget(&[1])).await);
    assert_ne!(one.plan.digest, other.plan.digest, "each has a nonce of its own");
    for digest in [other.plan.digest, PurgeDigest::new([0; 32])] {
        let approved = scene.approve_digest(APRIL, one.plan.id, digest);
        scene.assert_refused_next(approved, Reason::OtherDigest).await;
    }
    let unknown = scene.approve_digest(APRIL, PurgeId::new([9; 16]), one.plan.digest);
    scene.assert_refused_next(unknown, Reason::Unknown("purge")).await;
}

#[tokio::test]
async fn nothing_is_approved_before_it_is_counted() {
    let scene = Scene::new().await;
    let id = scene.try_plan(OLGA, forget(&[1])).await.unwrap().result;
    let shown = scene.shown(id).await;
    assert!(!shown.is_counted);
    let counting = "what the purge takes is being counted; look at it again in a while";
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::WrongState(counting)).await;
}

#[tokio::test]
async fn a_plan_expires_unless_it_is_begun() {
    let scene = Scene::new().await;
    let (early, late) = (scene.plan(forget(&[1])).await, scene.plan(forget(&[2])).await);
    scene.approve(APRIL, &early).await.unwrap();
    scene.clock.advance(13 * DAY + SignedDuration::from_mins(1));
    let no_time = "the plan expires before its cooling-off time is over; plan anew";
    scene.assert_refused_next(scene.approve(APRIL, &late), Reason::WrongState(no_time)).await;
    assert!(scene.directory.may_begin_purge(early.plan.id).await.is_ok());
    scene.clock.advance(DAY);
    let expired = "the plan has expired; plan anew";
    scene.assert_refused_next(scene.approve(APRIL, &late), Reason::WrongState(expired)).await;
    for id in [early.plan.id, late.plan.id] {
        assert_eq!(scene.shown(id).await.state, PurgeState::Expired);
        let begun = scene.directory.may_begin_purge(id).await;
        assert_eq!(begun, Err(MayNotPurge::Plan(MayNotRun::Expired)));
    }
}

#[tokio::test]
async fn an_approved_purge_waits_until_it_has_cooled_off() {
    let scene = Scene::new().await;
    let shown = scene.plan(forget(&[1])).await;
    let id = shown.plan.id;
    let may = |expected| {
        let scene = &scene;
        async move {
            let begun = scene.directory.may_begin_purge(id).await;
            assert_eq!(begun.map(|runnable| runnable.plan.id), expected);
        }
    };
    may(Err(MayNotPurge::Plan(MayNotRun::State))).await;
    scene.approve(APRIL, &shown).await.unwrap();
    may(Err(MayNotPurge::Plan(MayNotRun::CoolingOff))).await;
    scene.clock.advance(DAY - SignedDuration::from_secs(1));
    may(Err(MayNotPurge::Plan(MayNotRun::CoolingOff))).await;
    scene.clock.advance(SignedDuration::from_secs(1));
    may(Ok(id)).await;
    let unknown = scene.directory.may_begin_purge(PurgeId::new([9; 16])).await;
    assert_eq!(unknown, Err(MayNotPurge::Unknown));
}

#[tokio::test]
async fn rules_may_be_others() {
    let rules = PurgeRules {
        cooling_off_hours: 1,
        expires_days: 2,
        child_plans_a_day: 1,
        ..PurgeRules::default()
    };
    let scene = Scene::new().await.ruled(|directory| directory.with_purge_rules(rules));
    let shown = scene.plan(forget(&[1])).await;
    assert_eq!(shown.plan.expires, scene.directory.now() + 48.hours());
    assert!(scene.try_plan(OLGA, forget(&[1])).await.is_err());
    scene.approve(APRIL, &shown).await.unwrap();
    scene.clock.advance(SignedDuration::from_hours(1));
    assert!(scene.directory.may_begin_purge(shown.plan.id).await.is_ok());
}

#[tokio::test]
async fn while_the_clock_is_in_doubt_nothing_is_approved_and_nothing_begins() {
    let scene = Scene::new().await;
    let (approved, shown) = (scene.plan(forget(&[1])).await, scene.plan(forget(&[2])).await);
    scene.approve(APRIL, &approved).await.unwrap();
    scene.clock.advance(2 * DAY);
    scene.clock.step_by(SignedDuration::from_hours(1));
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::ClockInDoubt).await;
    scene.directory.record_clock_step().await.unwrap().unwrap();
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::ClockInDoubt).await;
    let begun = scene.directory.may_begin_purge(approved.plan.id).await;
    assert_eq!(begun, Err(MayNotPurge::MayNotDestroy(MayNotDestroy::ClockInDoubt)));
    scene.cancel(OLGA, approved.plan.id).await.unwrap();
}

#[tokio::test]
async fn a_planner_who_left_stands_behind_nothing() {
    let scene = Scene::new().await;
    let shown = scene.plan(forget(&[1])).await;
    let mut removed = OLGA.person();
    removed.standing = PersonStanding::Removed;
    put_records(&*scene.store, [Record::Person(removed)]).await.unwrap();
    let left = "whoever planned or approved it before may not do so any more";
    scene.assert_refused_next(scene.approve(APRIL, &shown), Reason::WrongState(left)).await;
}

#[tokio::test]
async fn an_operator_or_an_approver_calls_a_purge_off_for_ever() {
    let scene = Scene::of_purges().await;
    for who in EVERYBODY {
        let shown = scene.plan(PurgeScope::Expired { by: scene.today() }).await;
        let id = shown.plan.id;
        if matches!(who.role, Role::PurgeOperator | Role::PurgeApprover) {
            scene.approve(ARTHUR, &shown).await.unwrap();
            let written = scene.cancel(who, id).await.unwrap();
            assert_eq!(scene.entry(written.receipt).await.action(), Action::CancelPurge);
            let over = "the purge has begun, has expired or was called off already";
            scene.assert_refused_next(scene.cancel(who, id), Reason::WrongState(over)).await;
            let off = "the purge was called off";
            let approved = scene.approve(APRIL, &shown);
            if who != APRIL {
                scene.assert_refused_next(approved, Reason::WrongState(off)).await;
            }
            scene.clock.advance(DAY);
            let begun = scene.directory.may_begin_purge(id).await;
            assert_eq!(begun, Err(MayNotPurge::Plan(MayNotRun::State)));
        } else {
            scene.assert_refused_next(scene.cancel(who, id), Reason::Role).await;
        }
    }
}
