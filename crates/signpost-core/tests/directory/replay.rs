use std::sync::Arc;

use jiff::SignedDuration;
use signpost_core::directory::{ContactEnd, LiftProgress, NewShield, ShieldLift};
use signpost_core::record::Record;
use signpost_core::refusal::Reason;
use signpost_core::register::{Person, PersonStanding};
use signpost_core::terms::{Sensitivity, ShieldKind};
use signpost_core::testing::put_records;

use crate::fixture::*;

#[tokio::test]
async fn the_same_again_gives_the_first_result_and_no_new_entry() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1]), details());
    let first = scene.try_record(NORA, contact.clone()).await.unwrap();
    let before = scene.entries().await.len();
    assert_eq!(scene.try_record(NORA, contact.clone()).await, Ok(first));
    scene.clock.advance(SignedDuration::from_hours(48) - SignedDuration::from_millis(1));
    assert_eq!(scene.try_record(NORA, contact).await, Ok(first));
    assert_eq!(scene.entries().await.len(), before);
    assert_eq!(scene.lines(SAM, &child(&[1])).await, 1);
}

#[tokio::test]
async fn every_write_can_be_repeated() {
    let scene = Scene::new().await;
    let named = child(&[1]);
    let flag = scene.record(NORA, &named, details()).await;
    let ended = scene.today();
    let end = Ok(ContactEnd { request: scene.request(), subject: named.clone(), flag, ended });
    let first = scene.directory.end_contact(&NORA.presented(), &end).await.unwrap();
    assert_eq!(scene.directory.end_contact(&NORA.presented(), &end).await, Ok(first));

    let shield = Ok(NewShield {
        request: scene.request(),
        subject: named.clone(),
        kind: ShieldKind::Shielded,
        review_due: scene.today().tomorrow().unwrap(),
    });
    let first = scene.directory.set_shield(&SUE.presented(), &shield).await.unwrap();
    assert_eq!(scene.directory.set_shield(&SUE.presented(), &shield).await, Ok(first));

    let begin = Ok(ShieldLift { request: scene.request(), subject: named.clone(), lift: None });
    let first = scene.directory.lift_shield(&SUE.presented(), &begin).await.unwrap();
    assert_eq!(scene.directory.lift_shield(&SUE.presented(), &begin).await, Ok(first));
    let LiftProgress::AwaitingSecondName(lift) = first.result else { panic!("{first:?}") };

    let complete = Ok(ShieldLift { request: scene.request(), subject: named, lift: Some(lift) });
    let first = scene.directory.lift_shield(&MONA.presented(), &complete).await.unwrap();
    let before = scene.entries().await.len();
    assert_eq!(scene.directory.lift_shield(&MONA.presented(), &complete).await, Ok(first));
    assert_eq!(scene.entries().await.len(), before);
}

#[tokio::test]
async fn another_body_or_another_write_under_the_same_id_is_refused() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1]), details());
    scene.try_record(NORA, contact.clone()).await.unwrap();
    let mut others = vec![contact.clone(), contact.clone(), contact.clone()];
    others[0].subject = child(&[2]);
    others[1].details.sensitivity = Sensitivity::Hidden;
    others[2].source_reference = text("OTHER");
    for other in others {
        let reused = scene.try_record(NORA, other);
        scene.assert_refused_next(reused, Reason::RequestIdReused).await;
    }
    let end = Ok(ContactEnd {
        request: contact.request,
        subject: child(&[1]),
        flag: signpost_core::id::FlagId::new([1; 16]),
        ended: scene.today(),
    });
    let (presented, directory) = (NORA.presented(), &scene.directory);
    let reused = directory.end_contact(&presented, &end);
    scene.assert_refused_next(reused, Reason::RequestIdReused).await;
}

#[tokio::test]
async fn an_id_is_its_own_persons_and_systems() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1]), details());
    let first = scene.try_record(NORA, contact.clone()).await.unwrap();
    let neds = scene.try_record(NED, contact.clone()).await.unwrap();
    assert_ne!(first.receipt, neds.receipt);
    let mut other = scene.contact(&child(&[2]), details());
    other.request = contact.request;
    let elsewhere = scene.directory.record_contact(&NORA.at_system(6), &Ok(other)).await.unwrap();
    assert_ne!(first.result, elsewhere.result);
}

#[tokio::test]
async fn after_forty_eight_hours_an_id_is_new() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1]), details());
    let first = scene.try_record(NORA, contact.clone()).await.unwrap();
    scene.clock.step_days(2);
    let mut other = contact.clone();
    other.subject = child(&[2]);
    let second = scene.try_record(NORA, other.clone()).await.unwrap();
    assert_ne!(first.result, second.result);
    assert_eq!(scene.try_record(NORA, other).await, Ok(second));
}

#[tokio::test]
async fn a_repeat_is_authorised_anew() {
    let scene = Scene::new().await;
    let contact = scene.contact(&child(&[1]), details());
    scene.try_record(NORA, contact.clone()).await.unwrap();
    let suspended = Person { standing: PersonStanding::Suspended, ..NORA.person() };
    put_records(&*scene.store, [Record::Person(suspended)]).await.unwrap();
    scene.assert_refused_next(scene.try_record(NORA, contact), Reason::Suspended).await;
}

#[tokio::test]
async fn a_refused_write_leaves_its_id_unused() {
    let scene = Scene::new().await;
    let mut contact = scene.contact(&child(&[1]), details());
    contact.details.started = scene.today().tomorrow().unwrap();
    scene.try_record(NORA, contact.clone()).await.unwrap_err();
    contact.details.started = scene.today();
    scene.try_record(NORA, contact).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_at_once_many_times_gives_one_flag() {
    let scene = Arc::new(Scene::new().await);
    let before = scene.entries().await.len();
    let contact = scene.contact(&child(&[1, 2]), details());
    let mut repeats = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (scene, contact) = (scene.clone(), contact.clone());
        repeats.spawn(async move { scene.try_record(NORA, contact).await.unwrap() });
    }
    let written = repeats.join_all().await;
    assert!(written.iter().all(|one| *one == written[0]));
    assert_eq!(scene.entries().await.len(), before + 1);
    assert_eq!(scene.lines(SAM, &child(&[2])).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_about_one_child_at_once_all_happen_or_say_that_they_did_not() {
    let scene = Arc::new(Scene::new().await);
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..24 {
        let scene = scene.clone();
        let who = [NORA, EDDIE, PAUL, DORA][number % 4];
        let contact = scene.contact(&child(&[1]), details());
        writes.spawn(async move { scene.try_record(who, contact).await.is_ok() });
    }
    let done = writes.join_all().await.into_iter().filter(|done| *done).count();
    assert!(done > 0);
    assert_eq!(scene.lines(SAM, &child(&[1])).await, done);
}
