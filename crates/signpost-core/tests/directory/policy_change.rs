use std::sync::Arc;

use signpost_core::directory::onboarding::FirstLight;
use signpost_core::directory::{Directory, StartError};
use signpost_core::id::{KeyFingerprint, Receipt};
use signpost_core::memory::MemoryStore;
use signpost_core::policy::{DEFAULT, Policy};
use signpost_core::refusal::Refusal;
use signpost_core::store::StoreError;
use signpost_core::subject::EvaluationKeyId;
use signpost_core::terms::{Action, Outcome, Purpose};
use signpost_core::testing::SeededEntropy;
use signpost_core::turn::{Destroyed, KeyDestroyed};

use crate::fixture::*;

async fn restart(scene: &Scene, policy: &Policy) -> Result<Directory, StartError> {
    let entropy = Arc::new(SeededEntropy::new(2));
    let policy = Arc::new(policy.clone());
    Directory::start(scene.store.clone(), policy, scene.clock.clone(), entropy).await
}

#[tokio::test]
async fn first_light_is_one_entry_and_comes_once() {
    let scene = Scene::new().await;
    let entries = scene.entries().await;
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].action(), entries[0].outcome()), (Action::FirstLight, Outcome::Done));
    // 5 organisations with code and custodies, 18 teams, 6 systems, 6 certificates, 21 groups with
    // members, 21 people with staff reference and token, itself.
    assert_eq!(entries[0].count(), 3 * 5 + 18 + 6 + 6 + 2 * 21 + 3 * 21 + 1);
    let again = Directory::first_light(&*scene.store, &Policy::default(), register().into()).await;
    assert_eq!(again, Err(StartError::AlreadyInitialised));
    assert_eq!(scene.entries().await.len(), 1);
}

#[tokio::test]
async fn without_first_light_there_is_no_start() {
    let scene = Scene::new().await;
    let empty = Scene { store: Arc::new(MemoryStore::new(scene.clock.clone())), ..scene };
    let started = restart(&empty, &Policy::default()).await;
    assert_eq!(started.err(), Some(StartError::NotInitialised));
    assert_eq!(empty.entries().await, []);
}

#[tokio::test]
async fn a_changed_policy_is_put_on_record_once_and_an_unchanged_one_never() {
    let scene = Scene::new().await;
    let old = Policy::default();
    restart(&scene, &old).await.unwrap();
    assert_eq!(scene.entries().await.len(), 1);

    let new = Policy::parse(&DEFAULT.replace("recent_months = 12", "recent_months = 6")).unwrap();
    let directory = restart(&scene, &new).await.unwrap();
    let entries = scene.entries().await;
    assert_eq!(entries.len(), 2);
    assert_eq!((entries[1].action(), entries[1].outcome()), (Action::ChangePolicy, Outcome::Done));
    assert_eq!(entries[1].detail(), *old.digest().as_bytes());
    assert_eq!(entries[1].policy(), new.digest());
    restart(&scene, &new).await.unwrap();
    assert_eq!(scene.entries().await.len(), 2);

    let question = Ok(question(Purpose::S47Enquiry, &child(&[1])));
    let answer = directory.ask(&SAM.presented(), &question, Action::Ask).await.unwrap();
    assert_eq!(scene.entry(answer.receipt).await.policy(), new.digest());
}

/// By the entry that changed it: not by another that wrote the same record since.
#[tokio::test]
async fn since_when_a_policy_is_in_force_outlives_new_evaluation_keys() {
    let scene = Scene::new().await;
    let found = |entry, digest| {
        let store = scene.store.clone();
        let scene = &scene;
        async move {
            let in_force = Directory::policy_in_force(&*store).await.unwrap();
            assert_eq!((in_force.entry, in_force.digest), (entry, digest));
            let time_ms = scene.entry(entry).await.time_ms();
            assert_eq!(u64::try_from(in_force.since.as_millisecond()).unwrap(), time_ms);
        }
    };
    found(Receipt(0), Policy::default().digest()).await;
    scene.clock.step_days(1);
    let new = Policy::parse(&format!("{DEFAULT}# reviewed\n")).unwrap();
    let directory = restart(&scene, &new).await.unwrap();
    found(Receipt(1), new.digest()).await;
    scene.clock.step_days(1);
    let key = (EvaluationKeyId(1), KeyFingerprint::new([1; 32]));
    directory.hold_evaluation_keys(&[key]).await.unwrap();
    assert_eq!(scene.entries().await.last().unwrap().action(), Action::AddEvaluationKey);
    found(Receipt(1), new.digest()).await;
    let old = Policy::default();
    restart(&scene, &old).await.unwrap();
    let last = Receipt(scene.entries().await.len() as u64 - 1);
    found(last, old.digest()).await;
}

#[tokio::test]
async fn whoever_still_runs_with_the_old_policy_decides_no_more() {
    let scene = Scene::new().await;
    scene.record(NORA, &child(&[1]), details()).await;
    let new = Policy::parse(&format!("{DEFAULT}# reviewed\n")).unwrap();
    restart(&scene, &new).await.unwrap();
    let before = scene.entries().await.len();
    let asked = scene.ask(SAM, Purpose::S47Enquiry, &child(&[1])).await;
    assert_eq!(asked, Err(Refusal::Store(StoreError::Unavailable)));
    assert_eq!(scene.entries().await.len(), before);
}

#[tokio::test]
async fn an_evaluation_key_is_put_on_record_once_and_never_missed_or_exchanged() {
    let key = |id, byte| (EvaluationKeyId(id), KeyFingerprint::new([byte; 32]));
    let [first, second, third, exchanged] = [key(1, 1), key(2, 2), key(3, 3), key(1, 9)];
    let scene = Scene::new().await;
    let scene = Scene { store: Arc::new(MemoryStore::new(scene.clock.clone())), ..scene };
    let light = FirstLight::from(register()).with_evaluation_keys(vec![first]);
    Directory::first_light(&*scene.store, &Policy::default(), light).await.unwrap();
    let directory = restart(&scene, &Policy::default()).await.unwrap();
    let refused = |id| Err(StartError::EvaluationKey { id });
    for (keys, held, added) in [
        (&[first][..], Ok(()), 0),
        (&[exchanged], refused(1), 0),
        (&[second, third], refused(1), 0),
        (&[first, second, third], Ok(()), 2),
        (&[third, second, first], Ok(()), 0),
        (&[first, third], refused(2), 0),
        (&[exchanged, second, third], refused(1), 0),
    ] {
        let before = scene.entries().await.len();
        assert_eq!(directory.hold_evaluation_keys(keys).await, held, "{keys:?}");
        let entries = scene.entries().await;
        assert_eq!(entries.len() - before, usize::from(added > 0), "{keys:?}");
        if let Some(entry) = entries.get(before) {
            assert_eq!((entry.action(), entry.count()), (Action::AddEvaluationKey, added));
            assert_eq!((entry.outcome(), entry.actor()), (Outcome::Done, None));
        }
    }
}

#[tokio::test]
async fn a_cut_tail_is_on_record_with_its_length() {
    let scene = Scene::new().await;
    for (cut, count) in [(1, 1), (u64::from(u32::MAX) + 1, u32::MAX)] {
        let receipt = scene.directory.record_cut_tail(cut).await.unwrap();
        let entry = scene.entry(receipt).await;
        assert_eq!((entry.action(), entry.count()), (Action::CutTail, count));
    }
}

#[tokio::test]
async fn a_store_without_space_and_its_return_are_on_record() {
    let scene = Scene::new().await;
    let full = scene.directory.record_full().await.unwrap();
    let writable = scene.directory.record_writable().await.unwrap();
    for (receipt, action) in [(full, Action::NoteFull), (writable, Action::NoteWritable)] {
        let entry = scene.entry(receipt).await;
        assert_eq!((entry.action(), entry.outcome()), (action, Outcome::Done));
        assert_eq!((entry.actor(), entry.system()), (None, None), "of the service itself");
    }
}

#[tokio::test]
async fn a_destroyed_generation_is_on_record_with_its_number_its_key_and_its_files() {
    let scene = Scene::new().await;
    let destroyed = scene.directory.compact().await.unwrap();
    let entry = *scene.entries().await.last().unwrap();
    assert_eq!(entry.action(), Action::DestroyGeneration);
    assert_eq!(u64::from(entry.count()), destroyed.files);
    assert_eq!(entry.detail(), destroyed.detail());
    let (custody, method, file_system) = (String::from("a file"), String::new(), String::new());
    let key = KeyDestroyed { key: [8; 16], custody, method, file_system };
    for (keys, id) in [(vec![key], [8; 16]), (vec![], [0; 16])] {
        let told = Destroyed { generation: 0x0102, keys, ..destroyed.clone() };
        assert_eq!(told.detail()[..8], [0, 0, 0, 0, 0, 0, 1, 2]);
        assert_eq!(told.detail()[8..24], id);
        assert_eq!(told.detail()[24..], [0; 8]);
    }
}
