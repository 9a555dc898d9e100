//! The dry run against the whole store: what is counted is what the plan covers.

use signpost_core::id::OrganisationId;
use signpost_core::purge::{Coverage, Covered, PurgeScope, Tally};
use signpost_core::record::Scope;
use signpost_core::terms::{Action, PurgedKind};

use super::plans::gone;
use super::*;

#[tokio::test]
async fn a_dry_run_counts_what_the_plan_covers_record_by_record() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 2, 103]), details()).await;
    scene.record(SAM, &child(&[2]), details()).await;
    scene.record(SAM, &child(&[4]), details()).await;
    scene.begin_lift(SUE, &child(&[1])).await;
    for scope in [
        forget(&[1, 2]),
        forget(&[4]),
        forget(&[9]),
        PurgeScope::Organisation(OrganisationId::new([2; 16])),
        PurgeScope::Expired { by: scene.today() },
        PurgeScope::All,
    ] {
        let id = scene.try_plan(OLGA, scope).await.unwrap().result;
        let before = scene.entries().await.len();
        assert_eq!(scene.directory.count_purges().await, Ok(1));
        assert_eq!(scene.directory.count_purges().await, Ok(0), "once");
        let entries = scene.entries().await;
        assert_eq!(entries.len(), before + 1);
        assert_eq!((entries[before].action(), entries[before].count()), (Action::CountPurge, 0));
        let counted = scene.directory.purge_annex_of(&PRIYA.presented(), &Ok(id)).await.unwrap();
        let mut tally = Tally::default();
        let key = signpost_core::record::RecordKey::Purge(id);
        let stored = scene.store.read(&key).await.unwrap().unwrap();
        let Record::Purge(plan) = stored.record else { panic!("a plan's key leads to a plan") };
        let coverage = Coverage::new(&plan, &[]).unwrap();
        for stored in scene.store.scan(&Scope::Everything, None, NO_LIMIT).await.unwrap() {
            // Heads of others that say nothing go with the turn, and are counted of wider scopes alone.
            if let Some(covered) = coverage.covers(stored.version, &stored.record)
                && (plan.scope.child().is_none() || covered != Covered::Empty)
            {
                tally.add(&stored.record, &covered);
            }
        }
        assert_eq!(counted.result, tally.into_counts());
    }
}

#[tokio::test]
async fn a_shield_that_came_from_the_child_still_protects_whom_it_spread_to() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1, 2]), details()).await;
    scene.shield(SUE, &child(&[1])).await.unwrap();
    let shown = scene.plan(forget(&[1])).await;
    let counted = scene.directory.purge_annex_of(&PRIYA.presented(), &Ok(shown.plan.id)).await;
    assert_eq!(gone(&counted.unwrap().result, PurgedKind::ChildHead), 1);
    let stored = scene.store.read(&signpost_core::record::RecordKey::Purge(shown.plan.id)).await;
    let Record::Purge(plan) = stored.unwrap().unwrap().record else { panic!("it is a plan") };
    let coverage = Coverage::new(&plan, &[]).unwrap();
    let other = child(&[2]).pseudonyms()[0].pseudonym.clone();
    let head = scene.store.read(&signpost_core::record::RecordKey::Head(other.clone())).await;
    let head = head.unwrap().unwrap();
    let covered = coverage.covers(head.version, &head.record);
    let Some(Covered::Changed(Record::Head(left))) = covered else { panic!("{covered:?}") };
    assert_eq!(left.shields[0].set_on, [other], "it can still be lifted by naming the child");
}
