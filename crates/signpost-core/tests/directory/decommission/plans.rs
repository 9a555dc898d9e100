//! Plans of the decommissioning: what each must say, and whose names stand behind one.

use jiff::ToSpan;
use signpost_core::directory::onboarding::Withdraw;
use signpost_core::id::ProposalId;
use signpost_core::purge::Held;
use signpost_core::record::Record;
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::register::PersonStanding;
use signpost_core::terms::{Action, DecommissioningState, Outcome, Role};
use signpost_core::testing::put_records;

use super::*;
use crate::purge::OSCAR;

#[tokio::test]
async fn an_operator_plans_and_two_approvers_approve_that_very_plan() {
    let scene = Scene::of_purges().await;
    for who in EVERYBODY.into_iter().filter(|who| who.role != Role::PurgeOperator) {
        let planned = scene.plan_closing(who, closing_plan(&scene));
        scene.assert_refused_next(planned, Reason::Role).await;
    }
    let planned = scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let entry = scene.entry(planned.receipt).await;
    assert_eq!((entry.action(), entry.count()), (Action::PlanDecommissioning, 2));
    let shown = scene.shown_closing().await;
    assert_eq!(shown.found.state, DecommissioningState::Planned);
    assert_eq!(entry.detail()[..16], *planned.result.as_bytes());
    assert_eq!(entry.detail()[16..], shown.found.digest.as_bytes()[..16]);
    let digest = shown.found.digest;
    let other = scene.approve_closing(APRIL, ClosingDigest::new([0; 32]));
    scene.assert_refused_next(other, Reason::OtherDigest).await;
    for who in EVERYBODY.into_iter().filter(|who| who.role != Role::PurgeApprover) {
        scene.assert_refused_next(scene.approve_closing(who, digest), Reason::Role).await;
    }
    scene.approve_closing(APRIL, digest).await.unwrap();
    assert_eq!(scene.directory.closes_at().await, Ok(None), "one name is not two");
    scene.assert_refused_next(scene.approve_closing(APRIL, digest), Reason::SameName).await;
    let second = scene.approve_closing(ARTHUR, digest).await.unwrap();
    assert_eq!(scene.entry(second.receipt).await.count(), 2);
    let shown = scene.shown_closing().await;
    assert_eq!(shown.found.state, DecommissioningState::Approved);
    assert_eq!(shown.planned_in, planned.receipt);
    assert_eq!(scene.directory.closes_at().await, Ok(Some(noon(&scene))));
}

#[tokio::test]
async fn nobody_approves_their_own_plan_nor_one_of_whom_they_let_in() {
    let scene = Scene::of_purges().await;
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let digest = scene.shown_closing().await.found.digest;
    let mut moved = OLGA.person();
    moved.group = APRIL.group().id;
    put_records(&*scene.store, [Record::Person(moved)]).await.unwrap();
    scene.assert_refused_next(scene.approve_closing(OLGA, digest), Reason::SameName).await;
    put_records(&*scene.store, [Record::Person(OLGA.person())]).await.unwrap();
    scene.let_in_by(APRIL, OLGA).await;
    scene.assert_refused_next(scene.approve_closing(APRIL, digest), Reason::NotIndependent).await;
}

/// A register that two administrators began has two lines of people: the approvers must be of both.
#[tokio::test]
async fn the_approvers_are_independent_of_each_other_and_need_not_be_of_the_planner() {
    let scene = Scene::of_purges().await;
    scene.let_in_by(OLGA, ADA).await;
    scene.let_in_by(APRIL, ADA).await;
    scene.let_in_by(ARTHUR, ADA).await;
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let digest = scene.shown_closing().await.found.digest;
    scene.approve_closing(APRIL, digest).await.unwrap();
    scene.assert_refused_next(scene.approve_closing(ARTHUR, digest), Reason::NotIndependent).await;
    scene.let_in_by(ARTHUR, DAVE).await;
    scene.approve_closing(ARTHUR, digest).await.unwrap();
}

#[tokio::test]
async fn whoever_planned_it_must_still_be_there() {
    let scene = Scene::of_purges().await;
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let digest = scene.shown_closing().await.found.digest;
    let mut gone = OLGA.person();
    gone.standing = PersonStanding::Suspended;
    put_records(&*scene.store, [Record::Person(gone)]).await.unwrap();
    let approved = scene.approve_closing(APRIL, digest).await.unwrap_err();
    assert!(matches!(approved, Refusal::Refused { reason: Reason::WrongState(_), .. }));
}

#[tokio::test]
async fn a_plan_is_planned_anew_until_it_is_approved() {
    let scene = Scene::of_purges().await;
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let first = scene.shown_closing().await.found.digest;
    scene.approve_closing(APRIL, first).await.unwrap();
    let mut later = closing_plan(&scene);
    later.closes_at += DAY;
    scene.plan_closing(OSCAR, later).await.unwrap();
    let second = scene.shown_closing().await.found;
    assert!(second.approvals.is_empty(), "a name given for another plan is none for this");
    scene.assert_refused_next(scene.approve_closing(ARTHUR, first), Reason::OtherDigest).await;
    for who in [APRIL, ARTHUR] {
        scene.approve_closing(who, second.digest).await.unwrap();
    }
    let problem = "the plan is approved; call it off before you plan another";
    let again = scene.plan_closing(OLGA, closing_plan(&scene));
    scene.assert_refused_next(again, Reason::WrongState(problem)).await;
    scene.cancel_closing(ARTHUR).await.unwrap();
    assert_eq!(scene.directory.closes_at().await, Ok(None));
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
}

#[tokio::test]
async fn every_part_of_a_plan_has_its_place_in_the_digest() {
    let scene = Scene::of_purges().await;
    let plan = closing_plan(&scene);
    let id = DecommissioningId::new([1; 16]);
    let changes: [fn(&mut ClosingPlan); 9] = [
        |plan| plan.authority = ClosingAuthority::Exercise,
        |plan| plan.case = text("SRO-2026-00002"),
        |plan| plan.closes_at += SECOND,
        |plan| plan.announced_on = plan.announced_on.tomorrow().unwrap(),
        |plan| plan.regions[0].team = TeamId::new([12; 16]),
        |plan| plan.tasks[1].due_minutes += 1,
        |plan| plan.tasks[1].owner = OrganisationId::new([2; 16]),
        |plan| plan.returns[0].1 = OrganisationId::new([2; 16]),
        |plan| plan.copies[0].method = CopyMethod::NoneHeld,
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut other = plan.clone();
        change(&mut other);
        assert_ne!(other.digest(id), plan.digest(id), "{index}");
    }
    assert_ne!(plan.digest(DecommissioningId::new([2; 16])), plan.digest(id));
}

/// What is changed of a plan that nothing is wrong with.
type Change = Box<dyn Fn(&mut ClosingPlan)>;

#[tokio::test]
async fn a_plan_that_lacks_something_is_refused_by_its_field() {
    let scene = Scene::of_purges().await;
    let now = scene.directory.now();
    let wrong: [(&str, Change); 10] = [
        (
            "closes_ms",
            Box::new(move |plan| {
                plan.closes_at = now;
                plan.announced_on = jiff::civil::date(2020, 1, 1);
            }),
        ),
        ("closes_ms", Box::new(|plan| plan.closes_at += SignedDuration::from_millis(1))),
        (
            "announced_on",
            Box::new(|plan| {
                plan.announced_on = plan.announced_on.saturating_add(30.days());
            }),
        ),
        ("regions", Box::new(|plan| plan.regions.clear())),
        ("regions", Box::new(|plan| plan.regions.push(plan.regions[0]))),
        ("tasks", Box::new(|plan| plan.tasks.clear())),
        ("tasks", Box::new(|plan| plan.tasks.push(plan.tasks[0]))),
        ("returns", Box::new(|plan| plan.returns.truncate(2))),
        ("returns", Box::new(|plan| plan.returns.swap(0, 1))),
        ("copies", Box::new(|plan| plan.copies.truncate(5))),
    ];
    for (field, change) in wrong {
        let mut plan = closing_plan(&scene);
        change(&mut plan);
        let refused = scene.plan_closing(OLGA, plan).await.unwrap_err();
        let Refusal::Refused { reason: Reason::Invalid(Invalid { violations }), .. } = refused
        else {
            panic!("{field}: {refused:?}");
        };
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, [field]);
    }
}

#[tokio::test]
async fn whom_a_plan_names_is_in_the_register() {
    let scene = Scene::of_purges().await;
    let nobody = OrganisationId::new([99; 16]);
    let changes: [fn(&mut ClosingPlan, OrganisationId); 4] = [
        |plan, nobody| plan.tasks[0].owner = nobody,
        |plan, nobody| plan.returns[0].1 = nobody,
        |plan, nobody| plan.copies[0].owner = nobody,
        |plan, nobody| plan.regions[0].organisation = nobody,
    ];
    for change in changes {
        let mut plan = closing_plan(&scene);
        change(&mut plan, nobody);
        let planned = scene.plan_closing(OLGA, plan);
        scene.assert_refused_next(planned, Reason::Unknown("organisation")).await;
    }
    // A team of another organisation's is no local team.
    let mut plan = closing_plan(&scene);
    plan.regions[0].team = TeamId::new([21; 16]);
    let planned = scene.plan_closing(OLGA, plan);
    scene.assert_refused_next(planned, Reason::Unknown("team of that region")).await;
}

#[tokio::test]
async fn an_open_hold_a_clock_in_doubt_and_a_past_instant_stop_an_approval() {
    let scene = Scene::of_purges().await;
    scene.plan_closing(OLGA, closing_plan(&scene)).await.unwrap();
    let digest = scene.shown_closing().await.found.digest;
    let hold = scene.hold(Held::Organisation(OWNER)).await;
    scene.assert_refused_next(scene.approve_closing(ARTHUR, digest), Reason::Held).await;
    scene.lift_hold(PRIYA, hold).await.unwrap();
    scene.lift_hold(APRIL, hold).await.unwrap();
    scene.approve_closing(ARTHUR, digest).await.unwrap();
    scene.advance_to(noon(&scene));
    let past = Reason::WrongState("the closing instant is past; plan anew");
    scene.assert_refused_next(scene.approve_closing(APRIL, digest), past).await;
    scene.clock.step_by(DAY);
    scene.assert_refused_next(scene.approve_closing(APRIL, digest), Reason::ClockInDoubt).await;
}

/// From the announced day on nobody new is let in; all else goes on until the closing.
#[tokio::test]
async fn nobody_new_is_let_in_from_the_announced_day_on() {
    let (scene, noon) = Scene::to_be_closed().await;
    let announced = closing_plan(&scene).announced_on;
    let approve = || {
        let proposal = ProposalId::new([9; 16]);
        let request = scene.request();
        signpost_core::directory::onboarding::Approve { request, proposal }
    };
    let approved = || async {
        let request = Ok(approve());
        scene.directory.onboard(&ADA.presented(), &request).await.map(drop)
    };
    scene.assert_refused_next(approved(), Reason::Unknown("proposal")).await;
    scene.clock.advance(DAY * 7);
    assert_eq!(scene.today(), announced);
    let frozen = "the service is to be closed: nobody new is let in any more";
    let entry = scene.assert_refused_next(approved(), Reason::WrongState(frozen)).await;
    assert_eq!((entry.action(), entry.outcome()), (Action::ApproveAccess, Outcome::WrongState));
    let withdraw = Ok(Withdraw { request: scene.request(), proposal: ProposalId::new([9; 16]) });
    let ada = ADA.presented();
    let withdrawn = scene.directory.onboard(&ada, &withdraw);
    scene.assert_refused_next(withdrawn, Reason::Unknown("proposal")).await;
    assert!(scene.directory.now() < noon);
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 0);
}
