//! Planning: who may, what is refused, and that nothing of it depends on the child.

use std::sync::Arc;

use proptest::prelude::*;
use signpost_core::directory::purge::{ListPurges, ShownPurge};
use signpost_core::entry::Entry;
use signpost_core::faulty::CountingStore;
use signpost_core::id::{OrganisationId, PersonId, Receipt, SystemId};
use signpost_core::purge::{Count, PurgeMode, PurgeScope};
use signpost_core::quota::{Spent, What, Whose};
use signpost_core::record::{Record, RecordKey};
use signpost_core::refusal::{Invalid, Reason, Refusal};
use signpost_core::register::PersonStanding;
use signpost_core::terms::{Action, Outcome, PurgeState, PurgedKind, Role, ScopeKind};
use signpost_core::testing::put_records;

use super::*;

#[tokio::test]
async fn an_operator_plans_and_nobody_else() {
    let scene = Scene::new().await;
    for who in EVERYBODY {
        let planned = scene.try_plan(who, forget(&[1]));
        if who.role == Role::PurgeOperator {
            let written = planned.await.unwrap();
            let entry = scene.entry(written.receipt).await;
            assert_eq!((entry.action(), entry.outcome()), (Action::PlanPurge, Outcome::Done));
            assert_eq!(entry.detail()[..16], *written.result.as_bytes());
            assert_ne!(entry.commitment(), [0; 32], "who names a child stands there as having");
            assert_eq!(entry.count(), u32::from(ScopeKind::Child.code()));
        } else {
            scene.assert_refused_next(planned, Reason::Role).await;
        }
    }
}

#[tokio::test]
async fn looks_are_for_those_with_a_part_in_it_and_on_record() {
    let scene = Scene::new().await;
    let id = scene.plan(forget(&[1])).await.plan.id;
    for who in EVERYBODY {
        let (show, annex) = (
            scene.directory.show_purge(&who.presented(), &Ok(id)).await,
            scene.directory.purge_annex_of(&who.presented(), &Ok(id)).await,
        );
        let list = ListPurges { over_too: false, after: None, limit: 5 };
        let list = scene.directory.list_purges(&who.presented(), &Ok(list)).await;
        let may_look = matches!(
            who.role,
            Role::PurgeOperator | Role::PurgeApprover | Role::PrivacyOfficer | Role::Auditor
        );
        assert_eq!((show.is_ok(), list.is_ok()), (may_look, may_look), "{who:?}");
        assert_eq!(annex.is_ok(), who.role == Role::PrivacyOfficer, "{who:?}");
        if let Ok(written) = annex {
            let entry = scene.entry(written.receipt).await;
            assert_eq!(entry.action(), Action::ReadPurgeAnnex);
            assert_eq!(entry.detail()[..16], *id.as_bytes());
        }
        if let Ok(written) = show {
            assert_eq!(scene.entry(written.receipt).await.action(), Action::ShowPurge);
            assert_eq!(written.result.plan.scope.child(), None, "no pseudonym comes back");
        }
    }
}

#[tokio::test]
async fn a_plan_says_what_it_would_take_but_of_one_child() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.record(SAM, &child(&[1]), details()).await;
    let northfield = OrganisationId::new([1; 16]);
    let shown = scene.plan(PurgeScope::Organisation(northfield)).await;
    assert_eq!(gone(shown.counts.as_deref().unwrap(), PurgedKind::FlagCopy), 2);
    assert_eq!(shown.plan.reach.systems, [SystemId::new([1; 16]), SystemId::new([6; 16])]);
    let shown = scene.plan(forget(&[1])).await;
    assert_eq!((shown.counts, shown.is_counted), (None, true));
    let annex = scene.directory.purge_annex_of(&PRIYA.presented(), &Ok(shown.plan.id)).await;
    let counts = annex.unwrap().result;
    assert_eq!(gone(&counts, PurgedKind::FlagCopy), 3, "the copy under 2 as well");
    assert_eq!(gone(&counts, PurgedKind::ChildHead), 1, "2 stays somebody");
    assert_eq!(gone(&counts, PurgedKind::Replay), 2);
}

pub(super) fn gone(counts: &[Count], kind: PurgedKind) -> u64 {
    counts.iter().find(|count| count.kind == kind).unwrap().gone
}

#[tokio::test]
async fn what_is_recorded_after_the_plan_is_not_touched() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let before = scene.entries().await.len() as u64;
    let id = scene.try_plan(OLGA, PurgeScope::All).await.unwrap().result;
    scene.record(SAM, &child(&[2]), details()).await;
    assert_eq!(scene.directory.count_purges().await, Ok(1));
    let shown = scene.shown(id).await;
    assert_eq!(shown.plan.cut_off, Receipt(before - 1));
    assert_eq!(gone(&shown.counts.unwrap(), PurgedKind::FlagCopy), 1);
}

#[tokio::test]
async fn a_scope_must_be_there_and_in_its_time() {
    let scene = Scene::new().await;
    let today = scene.today();
    let suppress = |until| PurgeScope::Child {
        subject: Some(child(&[1])),
        mode: PurgeMode::Suppress { until },
    };
    let until = Reason::Invalid(Invalid::field(
        "child.suppress_until",
        "must be later than today and at most 18 years on",
    ));
    let by = Reason::Invalid(Invalid::field("expired_by", "must not be in the future"));
    let still_there =
        Reason::WrongState("the person is still in the register; remove the person first");
    let years = |years: i64| today.saturating_add(jiff::Span::new().years(years));
    for (scope, reason) in [
        (PurgeScope::Organisation(OrganisationId::new([9; 16])), Reason::Unknown("organisation")),
        (PurgeScope::System(SystemId::new([9; 16])), Reason::Unknown("system")),
        (PurgeScope::Person(PersonId::new([99; 16])), Reason::Unknown("person")),
        (PurgeScope::Person(PersonId::new([1; 16])), still_there),
        (PurgeScope::Expired { by: today.tomorrow().unwrap() }, by),
        (suppress(today), until.clone()),
        (suppress(years(18).tomorrow().unwrap()), until),
    ] {
        scene.assert_refused_next(scene.try_plan(OLGA, scope), reason).await;
    }
    scene.plan(suppress(years(18))).await;
    scene.plan(PurgeScope::Expired { by: today }).await;
    scene.plan(PurgeScope::System(SystemId::new([6; 16]))).await;
    let mut removed = NORA.person();
    removed.standing = PersonStanding::Removed;
    put_records(&*scene.store, [Record::Person(removed.clone())]).await.unwrap();
    scene.plan(PurgeScope::Person(removed.id)).await;
    let claim = signpost_core::register::Claim::Staff(
        removed.organisation,
        removed.staff.clone(),
        PersonId::new([77; 16]),
    );
    put_records(&*scene.store, [Record::Claim(claim)]).await.unwrap();
    let back = "the person came back under the same reference, and is still there";
    let again = scene.try_plan(OLGA, PurgeScope::Person(removed.id));
    scene.assert_refused_next(again, Reason::WrongState(back)).await;
}

#[tokio::test]
async fn an_operator_plans_a_few_children_a_day() {
    let scene = Scene::of_purges().await;
    for number in 1..=5 {
        scene.try_plan(OLGA, forget(&[number])).await.unwrap();
    }
    let spent = Spent { whose: Whose::Person, what: What::Day, again_in_secs: 12 * 60 * 60 };
    let next = scene.try_plan(OLGA, forget(&[1]));
    scene.assert_refused_next(next, Reason::Budget(spent)).await;
    scene.try_plan(OSCAR, forget(&[1])).await.unwrap();
    scene.try_plan(OLGA, PurgeScope::All).await.unwrap();
    scene.clock.advance(jiff::SignedDuration::from_hours(13));
    scene.try_plan(OLGA, forget(&[1])).await.unwrap();
}

#[tokio::test]
async fn a_repeated_plan_is_one_plan() {
    let scene = Scene::new().await;
    let plan = planned(&scene, forget(&[1]));
    let first = scene.directory.plan_purge(&OLGA.presented(), &Ok(plan.clone())).await.unwrap();
    let again = scene.directory.plan_purge(&OLGA.presented(), &Ok(plan.clone())).await.unwrap();
    assert_eq!(first, again);
    let (presented, other) = (OLGA.presented(), Ok(PlanPurge { scope: forget(&[2]), ..plan }));
    let reused = scene.directory.plan_purge(&presented, &other);
    scene.assert_refused_next(reused, Reason::RequestIdReused).await;
}

#[tokio::test]
async fn a_plan_keeps_its_child_no_longer_than_it_may_run() {
    let scene = Scene::new().await;
    let shown = scene.plan(forget(&[1])).await;
    scene.cancel(APRIL, shown.plan.id).await.unwrap();
    let stored = scene.store.read(&RecordKey::Purge(shown.plan.id)).await.unwrap().unwrap();
    let Record::Purge(plan) = stored.record else { panic!("a plan's key leads to a plan") };
    assert_eq!((plan.scope.child(), plan.state), (None, PurgeState::Cancelled));
}

/// What an operator sees of a plan, from the refusal that comes first to the look at the end.
#[derive(Debug, PartialEq)]
struct Seen {
    replies: Vec<Result<u64, Refusal>>,
    shown: ShownPurge,
    entries: Vec<Entry>,
    asked_of_the_store: signpost_core::faulty::Counts,
}

async fn seen(known: &[(u8, bool)], named: &[u8]) -> Seen {
    let mut counting = None;
    let scene = Scene::over(|store| {
        let store = Arc::new(CountingStore::new(store));
        counting = Some(Arc::clone(&store));
        store
    });
    let scene = scene.await;
    for (number, is_shielded) in known {
        // The same entries in either scene, about children of whom one is the named one.
        scene.record(NORA, &child(&[*number]), details()).await;
        if *is_shielded {
            scene.shield(SUE, &child(&[*number])).await.unwrap();
        }
    }
    let counting = counting.unwrap();
    let _ = counting.take();
    let before = scene.entries().await.len();
    let mut replies = Vec::new();
    let plan = scene.try_plan(OLGA, forget(named)).await;
    let id = plan.clone().unwrap().result;
    replies.push(plan.map(|written| written.receipt.0));
    let asked_of_the_store = counting.take();
    scene.directory.count_purges().await.unwrap();
    let shown = scene.directory.show_purge(&OLGA.presented(), &Ok(id)).await.unwrap().result;
    replies.push(scene.approve(OLGA, &shown).await.map(|written| written.receipt.0));
    replies.push(scene.approve(APRIL, &shown).await.map(|written| written.receipt.0));
    let shown = scene.directory.show_purge(&OLGA.presented(), &Ok(id)).await.unwrap().result;
    let until = PurgeMode::Suppress { until: scene.today() };
    let wrong = PurgeScope::Child { subject: Some(child(named)), mode: until };
    replies.push(scene.try_plan(OLGA, wrong).await.map(|written| written.receipt.0));
    for _ in 0..5 {
        replies.push(scene.try_plan(OLGA, forget(named)).await.map(|written| written.receipt.0));
    }
    let entries = scene.entries().await.split_off(before);
    Seen { replies, shown, entries, asked_of_the_store }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn known_and_unknown_children_are_planned_alike(
        numbers in prop::sample::subsequence(vec![1_u8, 2, 3, 4, 5, 6], 1..=3),
        named in prop::sample::subsequence(vec![1_u8, 2, 3, 4], 1..=4),
        is_shielded in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let known: Vec<(u8, bool)> = numbers.iter().map(|&number| (number, is_shielded)).collect();
        // As many children whom nobody names.
        let others: Vec<(u8, bool)> = known.iter().map(|&(number, is)| (number + 50, is)).collect();
        let (one, other) = runtime.block_on(async {
            (seen(&known, &named).await, seen(&others, &named).await)
        });
        prop_assert_eq!(&one.replies, &other.replies);
        prop_assert_eq!(&one.shown, &other.shown);
        prop_assert_eq!(one.asked_of_the_store, other.asked_of_the_store);
        // Everything but the commitments, whose nonces are drawn in one order: those too.
        prop_assert_eq!(&one.entries, &other.entries);
    }
}
