//! A suppressed child: writes get the usual reply and are discarded, and nobody is told.

use jiff::ToSpan;
use jiff::civil::Date;
use signpost_core::directory::AddCanary;
use signpost_core::id::PurgeId;
use signpost_core::purge::suppress;
use signpost_core::record::{Kind, Record, RecordKey, Scope};
use signpost_core::refusal::{Invalid, Reason};
use signpost_core::terms::{Outcome, ShieldKind};
use signpost_core::testing::put_records;

use super::*;

/// A scene in which this child is suppressed for a month, as a run would leave it.
async fn suppressed(numbers: &[u8]) -> Scene {
    let scene = Scene::new().await;
    let until = scene.directory.now() + (24 * 30).hours();
    let records = suppress(&child(numbers), PurgeId::new([1; 16]), until, None, [7; 32]);
    put_records(&*scene.store, records).await.unwrap();
    scene
}

/// Everything that is stored of children.
async fn of_children(scene: &Scene) -> Vec<Record> {
    let all = scene.store.scan(&Scope::Everything, None, NO_LIMIT).await.unwrap();
    let records = all.into_iter().map(|stored| stored.record);
    records
        .filter(|record| matches!(record, Record::Head(_) | Record::Flag(_) | Record::Canary(_)))
        .collect()
}

#[tokio::test]
async fn what_is_written_about_a_suppressed_child_is_answered_and_discarded() {
    let (scene, open) = (suppressed(&[1, 2]).await, suppressed(&[9]).await);
    for named in [&[1_u8][..], &[2], &[3, 1]] {
        let (one, other) =
            (scene.contact(&child(named), details()), open.contact(&child(named), details()));
        let (discarded, kept) = (
            scene.try_record(NORA, one.clone()).await.unwrap(),
            open.try_record(NORA, other.clone()).await.unwrap(),
        );
        assert_eq!(discarded.receipt, kept.receipt, "the same entries, one for one");
        let entries = (scene.entry(discarded.receipt).await, open.entry(kept.receipt).await);
        let told = |entry: &signpost_core::entry::Entry| {
            (entry.action(), entry.outcome(), entry.detail(), entry.count(), entry.released())
        };
        assert_eq!(told(&entries.0), told(&entries.1));
        assert!(entries.0.commitment() != [0; 32] && entries.1.commitment() != [0; 32]);
        assert_eq!(scene.try_record(NORA, one).await.unwrap(), discarded, "a repeat is one");
        assert_eq!(open.try_record(NORA, other).await.unwrap(), kept);
        scene.shield_as(SUE, &child(named), ShieldKind::Shielded).await.unwrap();
        open.shield_as(SUE, &child(named), ShieldKind::Shielded).await.unwrap();
        scene.assert_nothing(SAM, &child(named)).await;
        open.ask(SAM, signpost_core::terms::Purpose::S47Enquiry, &child(named)).await.unwrap();
    }
    assert_eq!(of_children(&scene).await, []);
    assert_eq!(scene.entries().await.len(), open.entries().await.len());
    for record in scene.store.scan(&Scope::Kind(Kind::Replay), None, NO_LIMIT).await.unwrap() {
        let Record::Replay(replay) = record.record else { panic!("they are replays") };
        assert_eq!(replay.subject, None, "the first result keeps no pseudonym");
    }
}

#[tokio::test]
async fn the_same_recording_again_has_the_same_id_and_can_be_ended() {
    let scene = suppressed(&[1, 2]).await;
    let contact = scene.contact(&child(&[1]), details());
    let first = scene.try_record(NORA, contact.clone()).await.unwrap().result;
    let again = signpost_core::directory::NewContact { request: scene.request(), ..contact };
    assert_eq!(scene.try_record(NORA, again.clone()).await.unwrap().result, first);
    let by_the_other = signpost_core::directory::NewContact {
        request: scene.request(),
        subject: child(&[2, 1]),
        ..again
    };
    assert_eq!(scene.try_record(NED, by_the_other).await.unwrap().result, first, "the team's own");
    assert_ne!(scene.record(NORA, &child(&[1]), details()).await, first);
    let ended = scene.end(NORA, &child(&[1]), first, scene.today()).await.unwrap();
    assert_eq!(scene.entry(ended.receipt).await.outcome(), Outcome::Done);
    assert_eq!(ended.result, first);
    let tomorrow = scene.today().tomorrow().unwrap();
    let late = Reason::Invalid(Invalid::field("ended", "ended must not be later than today"));
    let end = |who, ended: Date| scene.end(who, &HELD, first, ended);
    scene.assert_refused_next(end(NORA, tomorrow), late).await;
    scene.assert_refused_next(end(SAM, scene.today()), Reason::NotFound).await;
    let unknown = signpost_core::id::FlagId::new([5; 16]);
    let end = scene.end(NORA, &HELD, unknown, scene.today());
    scene.assert_refused_next(end, Reason::NotFound).await;
    assert_eq!(of_children(&scene).await, []);
}

static HELD: std::sync::LazyLock<Subject> = std::sync::LazyLock::new(|| child(&[1]));

#[tokio::test]
async fn a_canary_of_a_suppressed_child_is_none() {
    let scene = suppressed(&[1]).await;
    let canary = AddCanary { request: scene.request(), subject: child(&[1]) };
    scene.directory.onboard(&PRIYA.presented(), &Ok(canary)).await.unwrap();
    assert_eq!(of_children(&scene).await, []);
}

#[tokio::test]
async fn a_suppression_is_over_in_its_time_and_of_that_child_alone() {
    let scene = suppressed(&[1]).await;
    scene.record(NORA, &child(&[2]), details()).await;
    assert_eq!(of_children(&scene).await.len(), 2, "another child");
    scene.clock.advance(jiff::SignedDuration::from_hours(24 * 30));
    scene.record(NORA, &child(&[1]), details()).await;
    assert_eq!(of_children(&scene).await.len(), 4);
    scene.directory.compact().await.unwrap();
    assert_eq!(scene.store.read(&RecordKey::MarkerKey).await.unwrap(), None, "nothing is left");
    let markers = scene.store.scan(&Scope::Kind(Kind::Suppression), None, NO_LIMIT).await.unwrap();
    assert_eq!(markers, []);
}

#[tokio::test]
async fn a_marker_does_not_hold_the_pseudonym_and_is_under_a_key_that_lasts_as_long() {
    let scene = Scene::new().await;
    let shown = scene.plan(PurgeScope::Child {
        subject: Some(child(&[1])),
        mode: PurgeMode::Suppress { until: scene.today().tomorrow().unwrap() },
    });
    let id = shown.await.plan.id;
    let stored = scene.store.read(&RecordKey::Purge(id)).await.unwrap().unwrap();
    let Record::Purge(plan) = stored.record else { panic!("a plan's key leads to a plan") };
    let (rests_on, writes) =
        scene.directory.suppression_writes([&*plan].into_iter()).await.unwrap();
    assert_eq!(rests_on.len(), 1);
    let records: Vec<Record> = writes
        .into_iter()
        .map(|write| match write {
            signpost_core::commit::Write::Put(record) => record,
            signpost_core::commit::Write::Remove(_) => panic!("nothing is removed"),
        })
        .collect();
    assert_eq!(records.len(), 2);
    for record in &records {
        let bytes = record.encode();
        assert!(!bytes.windows(16).any(|window| window == [1; 16]), "{record:?}");
    }
    let Record::Suppression(first) = &records[0] else { panic!("the markers come first") };
    let mut other = plan.clone();
    other.id = PurgeId::new([3; 16]);
    put_records(&*scene.store, records.clone()).await.unwrap();
    let (_, again) = scene.directory.suppression_writes([&*other].into_iter()).await.unwrap();
    let signpost_core::commit::Write::Put(Record::Suppression(second)) = &again[0] else {
        panic!("the markers come first")
    };
    assert_eq!(first.marker, second.marker, "one key for all");
    let (_, none) =
        scene.directory.suppression_writes([&plan.without_child()].into_iter()).await.unwrap();
    assert_eq!(none, []);
}
