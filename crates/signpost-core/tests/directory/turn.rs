use std::sync::Arc;

use jiff::SignedDuration;
use signpost_core::directory::{MayNotDestroy, TurnError};
use signpost_core::entry::Entry;
use signpost_core::faulty::{Call, Fault, FaultyStore};
use signpost_core::terms::Action;

use crate::fixture::*;

async fn faulty() -> (Scene, Arc<FaultyStore>) {
    let mut made = None;
    let scene = Scene::over(|inner| {
        let faulty = Arc::new(FaultyStore::new(inner));
        made = Some(faulty.clone());
        faulty
    })
    .await;
    (scene, made.unwrap())
}

impl Scene {
    /// What stands on record of turns.
    async fn turns(&self) -> Vec<Action> {
        let entries = self.entries().await;
        let actions = entries.iter().map(Entry::action);
        actions.filter(|it| [Action::BeginTurn, Action::DestroyGeneration].contains(it)).collect()
    }

    async fn finish_turn(&self) -> Vec<u64> {
        let finished = self.directory.finish_turn().await.unwrap();
        finished.iter().map(|destroyed| destroyed.generation).collect()
    }
}

const ONE_TURN: [Action; 2] = [Action::BeginTurn, Action::DestroyGeneration];

#[tokio::test]
async fn a_destruction_that_failed_is_done_again_with_the_same_turn() {
    let (scene, faulty) = faulty().await;
    faulty.fail(Call::Destroy, 0, Fault::Refuses);
    faulty.fail(Call::Destroy, 1, Fault::Refuses);
    scene.directory.compact().await.unwrap_err();
    scene.directory.finish_turn().await.unwrap_err();
    assert_eq!(scene.turns().await, [Action::BeginTurn]);
    assert_eq!(scene.finish_turn().await, [1]);
    assert_eq!(scene.turns().await, ONE_TURN);
    assert!(scene.finish_turn().await.is_empty());
}

/// The next turn does it first, where nobody else has.
#[tokio::test]
async fn a_destruction_whose_entry_was_not_written_goes_on_record_before_the_next_turn() {
    let (scene, faulty) = faulty().await;
    faulty.fail(Call::Commit, 1, Fault::Refuses);
    scene.directory.compact().await.unwrap_err();
    assert_eq!(scene.turns().await, [Action::BeginTurn]);
    assert_eq!(scene.directory.compact().await.unwrap().generation, 2);
    assert_eq!(scene.turns().await, [ONE_TURN, ONE_TURN].concat());
}

#[tokio::test]
async fn a_destruction_that_is_done_again_asks_the_clock_first() {
    let (scene, faulty) = faulty().await;
    faulty.fail(Call::Destroy, 0, Fault::Refuses);
    scene.directory.compact().await.unwrap_err();
    scene.clock.step_by(SignedDuration::from_hours(1));
    scene.directory.record_clock_step().await.unwrap().unwrap();
    let refused = scene.directory.finish_turn().await;
    assert!(matches!(refused, Err(TurnError::MayNot(MayNotDestroy::ClockInDoubt))));
    assert_eq!(scene.turns().await, [Action::BeginTurn]);
}
