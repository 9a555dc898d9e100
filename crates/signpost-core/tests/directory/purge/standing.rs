//! The standing order: two names by which a purge of what is expired is planned and run each day.

use jiff::civil::{Date, date};
use jiff::{SignedDuration, Timestamp, ToSpan};
use signpost_core::directory::purge::{
    ApproveStandingOrder, RevokeStandingOrder, SetStandingOrder,
};
use signpost_core::directory::{MayNotDestroy, RunError};
use signpost_core::id::{OrderId, PersonId, Receipt};
use signpost_core::purge::{Approval, Coverage, PurgePlan, PurgeRules, StandingOrder, UnderOrder};
use signpost_core::record::RecordKey;
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::terms::{Action, PurgeState};

use super::coverage::{plan_of, standing};
use super::*;

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Scene {
    async fn propose(&self, who: Who, until: Date) -> Result<Written<OrderId>, Refusal> {
        let set = SetStandingOrder { request: self.request(), until, case: text("DPO-2026-00042") };
        self.directory.set_standing_order(&who.presented(), &Ok(set)).await
    }

    async fn approve_order(&self, who: Who, id: OrderId) -> Result<Written<OrderId>, Refusal> {
        let digest = self.order().await.digest;
        let approve = ApproveStandingOrder { request: self.request(), order: id, digest };
        self.directory.approve_standing_order(&who.presented(), &Ok(approve)).await
    }

    async fn revoke(&self, who: Who, order: OrderId) -> Result<Written<OrderId>, Refusal> {
        let revoke = RevokeStandingOrder { request: self.request(), order };
        self.directory.revoke_standing_order(&who.presented(), &Ok(revoke)).await
    }

    async fn order(&self) -> StandingOrder {
        let stored = self.store.read(&RecordKey::StandingOrder).await.unwrap().unwrap();
        let Record::StandingOrder(order) = stored.record else { panic!("{stored:?}") };
        *order
    }

    /// An order of Olga's and April's that stands for so many days.
    async fn stands(&self, days: i64) -> OrderId {
        let until = self.today().saturating_add(days.days());
        let id = self.propose(OLGA, until).await.unwrap().result;
        self.approve_order(APRIL, id).await.unwrap();
        id
    }

    async fn today_planned(&self) -> Option<PurgeId> {
        self.directory.plan_by_standing_order().await.unwrap()
    }
}

#[tokio::test]
async fn an_operator_proposes_an_independent_approver_approves_and_nobody_else() {
    let scene = Scene::of_purges().await;
    let until = scene.today().saturating_add(400.days());
    for late in [until.tomorrow().unwrap(), scene.today().yesterday().unwrap()] {
        let problem = "must not be in the past, and at most 400 days on";
        let invalid = Reason::Invalid(Invalid::field("until", problem));
        scene.assert_refused_next(scene.propose(OLGA, late), invalid).await;
    }
    for who in [APRIL, PRIYA, ADA, NORA] {
        assert!(scene.propose(who, until).await.is_err(), "{who:?}");
    }
    let id = scene.propose(OLGA, until).await.unwrap().result;
    assert_eq!(scene.today_planned().await, None, "by one name");
    for who in [OLGA, OSCAR, PRIYA, ADA, NORA] {
        assert!(scene.approve_order(who, id).await.is_err(), "{who:?}");
    }
    let waits = "a standing order stands, or waits for its approval; revoke it first";
    scene.assert_refused_next(scene.propose(OSCAR, until), Reason::WrongState(waits)).await;
    let other = ApproveStandingOrder {
        request: scene.request(),
        order: id,
        digest: PurgeDigest::new([9; 32]),
    };
    let refused = scene.directory.approve_standing_order(&APRIL.presented(), &Ok(other)).await;
    assert!(refused.is_err(), "of another digest");
    let written = scene.approve_order(APRIL, id).await.unwrap();
    let entry = scene.entry(written.receipt).await;
    assert_eq!((entry.action(), entry.count()), (Action::ApproveStandingOrder, 2));
    assert_eq!(entry.detail()[..16], *id.as_bytes());
    assert_eq!(entry.detail()[16..], scene.order().await.digest.as_bytes()[..16]);
    assert!(scene.approve_order(ARTHUR, id).await.is_err(), "it waits no more");
    for (who, is_shown) in [(OLGA, true), (APRIL, true), (PRIYA, true), (ADA, false)] {
        let shown = scene.directory.show_standing_order(&who.presented()).await;
        assert_eq!(shown.is_ok(), is_shown, "{who:?}");
    }
}

#[tokio::test]
async fn an_order_by_one_person_or_by_one_and_whom_they_let_in_is_none() {
    let scene = Scene::of_purges().await;
    let until = scene.today().saturating_add(30.days());
    let id = scene.propose(OLGA, until).await.unwrap().result;
    scene.let_in_by(APRIL, OLGA).await;
    scene.assert_refused_next(scene.approve_order(APRIL, id), Reason::NotIndependent).await;
    let mut moved = OLGA.person();
    moved.group = APRIL.group().id;
    put_records(&*scene.store, [Record::Person(moved)]).await.unwrap();
    scene.assert_refused_next(scene.approve_order(OLGA, id), Reason::SameName).await;
    let left = "whoever proposed the standing order may not do so any more";
    scene.assert_refused_next(scene.approve_order(ARTHUR, id), Reason::WrongState(left)).await;
    assert_eq!(scene.today_planned().await, None);
    // A week later it waits no more, and another takes its place.
    scene.clock.advance(DAY * 7);
    let waits = "the standing order does not wait for an approval";
    scene.assert_refused_next(scene.approve_order(ARTHUR, id), Reason::WrongState(waits)).await;
    assert_ne!(scene.propose(OSCAR, until).await.unwrap().result, id);
}

#[tokio::test]
async fn each_day_one_purge_is_planned_by_the_orders_names_and_run() {
    let scene = Scene::of_purges().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let id = scene.stands(30).await;
    let order = scene.order().await;
    let [set] = scene.actions(Action::SetStandingOrder).await[..] else { panic!() };
    let mut planned = Vec::new();
    for _day in 0..3 {
        let purge = scene.today_planned().await.unwrap();
        assert_eq!(scene.today_planned().await, None, "while it runs");
        let plan = scene.shown(purge).await.plan;
        assert_eq!(plan.scope, PurgeScope::Expired { by: scene.today() });
        assert_eq!(plan.order, Some(UnderOrder { id, digest: order.digest }));
        assert_eq!(plan.planner, order.proposed.by);
        assert_eq!(plan.approvals.len(), 1);
        assert_eq!(plan.approvals[0].by, order.approved.unwrap().by);
        let in_entry = scene.entry(plan.planned_in.unwrap()).await;
        assert_eq!(in_entry.as_bytes(), set.as_bytes(), "the order's entry");
        let approved_in = scene.entry(plan.approvals[0].entry.unwrap()).await;
        assert_eq!(approved_in.action(), Action::ApproveStandingOrder);
        scene.run_to_the_end().await;
        assert_eq!(scene.shown(purge).await.plan.state, PurgeState::Certified);
        assert_eq!(scene.today_planned().await, None, "once a day");
        planned.push(purge);
        scene.clock.advance(DAY);
    }
    assert_eq!(scene.actions(Action::PlanByStandingOrder).await.len(), planned.len());
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1, "it is not past its time");
}

#[tokio::test]
async fn nothing_is_planned_while_the_clock_is_in_doubt() {
    let scene = Scene::of_purges().await;
    scene.stands(30).await;
    scene.clock.step_by(SignedDuration::from_hours(1));
    for _recorded in 0..2 {
        let refused = scene.directory.plan_by_standing_order().await;
        assert!(matches!(refused, Err(RunError::MayNot(MayNotDestroy::ClockInDoubt))));
        scene.directory.record_clock_step().await.unwrap();
    }
    assert_eq!(scene.actions(Action::PlanByStandingOrder).await.len(), 0);
}

#[tokio::test]
async fn nothing_is_planned_after_the_last_day_or_a_revocation() {
    let scene = Scene::of_purges().await;
    scene.stands(1).await;
    for is_planned in [true, true, false] {
        let purge = scene.today_planned().await;
        assert_eq!(purge.is_some(), is_planned);
        scene.run_to_the_end().await;
        scene.clock.advance(DAY);
    }
    for who in [OSCAR, ARTHUR] {
        let id = scene.stands(30).await;
        let purge = scene.today_planned().await.unwrap();
        assert!(scene.revoke(PRIYA, id).await.is_err());
        scene.revoke(who, id).await.unwrap();
        assert_eq!(scene.shown(purge).await.plan.state, PurgeState::Cancelled);
        assert_eq!(scene.step().await.unwrap(), None, "what has not begun is called off");
        let over = Reason::WrongState("the standing order is over");
        scene.assert_refused_next(scene.revoke(who, id), over).await;
        scene.clock.advance(DAY);
        assert_eq!(scene.today_planned().await, None);
    }
}

#[tokio::test]
async fn openings_past_their_time_go_and_younger_ones_stay() {
    let rules = PurgeRules { openings_years: 1, ..PurgeRules::default() };
    let scene = Scene::of_purges().await.ruled(|directory| directory.with_purge_rules(rules));
    scene.record(NORA, &child(&[1]), details()).await;
    scene.stands(400).await;
    scene.clock.advance(DAY * 2);
    scene.record(NORA, &child(&[2]), details()).await;
    let openings = async || {
        let openings = scene.store.openings(Receipt(0), NO_LIMIT).await.unwrap();
        let of = |number| {
            let named = child(&[number]).pseudonyms()[0].pseudonym.clone();
            openings.iter().filter(|(_, one)| one.subject().contains(&named)).count()
        };
        (of(1), of(2))
    };
    assert_eq!(openings().await, (1, 1));
    for (days, left) in [(363, (1, 1)), (1, (0, 1))] {
        scene.clock.advance(DAY * days);
        scene.today_planned().await.unwrap();
        scene.run_to_the_end().await;
        assert_eq!(openings().await, left, "another {days} days on");
    }
}

#[test]
fn an_expiry_covers_openings_below_its_bound_but_of_who_is_held() {
    let mut plan = plan_of(PurgeScope::Expired { by: date(2026, 6, 1) });
    let covers = |plan: &PurgePlan, at| {
        let held = [standing(Held::Child(Some(child(&[3]))))];
        let coverage = Coverage::new(plan, &held).unwrap();
        assert!(!coverage.covers_opening(Receipt(at), &child(&[3])));
        coverage.covers_opening(Receipt(at), &child(&[1]))
    };
    assert!(!covers(&plan, 0), "without a bound");
    plan.reach.openings_below = Some(Receipt(5));
    assert!(covers(&plan, 0) && covers(&plan, 4) && !covers(&plan, 5));
}

/// Computed by another implementation: Python's `hashlib` and `struct`.
#[test]
fn the_digests_of_orders_and_plans_are_these() {
    let mut plan = plan_of(PurgeScope::Expired { by: date(2026, 6, 1) });
    let none = "ca638fe93f2ee85075fd3368613994527f2bdca995aa63976a6f0d49f209c293";
    assert_eq!(hex::encode(plan.compute_digest().unwrap().as_bytes()), none);
    plan.reach.openings_below = Some(Receipt(5));
    let five = "a9df7c31e1a91db4c406f1a731143e9ac8f3341fd800094ac81f1f154dc36e87";
    assert_eq!(hex::encode(plan.compute_digest().unwrap().as_bytes()), five);
    let order = StandingOrder {
        id: OrderId::new([26; 16]),
        until: date(2027, 6, 15),
        openings_years: 6,
        case: text("DPO-2026-00042"),
        digest: PurgeDigest::new([0; 32]),
        proposed: Approval { by: PersonId::new([4; 16]), at: Timestamp::UNIX_EPOCH, entry: None },
        approved: None,
        revoked: None,
        last: None,
    };
    let expected = "a45ca9d121b08dd1bf23c1d72c4f933cbe7b590434cadccea65816d2b700c8fa";
    assert_eq!(hex::encode(order.compute_digest().as_bytes()), expected);
}
