//! The real binary, killed again and again while purges run: they end once, as if nothing had been.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::ToSpan;
use rustix::process::Signal;
use signpost::clock::SystemClock;
use signpost_core::record::{Record, RecordKey};
use signpost_core::store::{Clock, Store};
use signpost_core::terms::PurgeState;
use signpost_proto::v1;

use super::{
    STEPS, answer, approved, certificate, forget, get, known_to_two, ledger_key, on_record,
    verified,
};
use crate::harness::{Binary, PATIENCE, Service, Victim, World, eventually, open_store, reopened};

/// Each round kills at the first step that is seen after each start.
const ROUNDS: u32 = 3;

/// What is there before the kills.
struct County {
    world: World,
    purge_id: String,
    purged: Vec<v1::Pseudonym>,
    other: Vec<v1::Pseudonym>,
    before: v1::Answer,
}

impl County {
    /// A county whose purge was planned and approved three hours ago, and may be run by now.
    async fn new() -> Self {
        let world = World::at(SystemClock.now().checked_sub(3.hours()).unwrap());
        world.initialise().await;
        let service = Service::serve(world, &[("PURGE__COOLING_OFF_HOURS", "1")]).await;
        let purged = known_to_two(&service, "999 000 0018").await;
        let other = known_to_two(&service, "999 000 0026").await;
        let before = answer(&service.person("SOCIAL_WORKER"), &other).await;
        let purge_id = approved(&service, forget(&purged)).await;
        let world = service.stop().await;
        world.clock().step(3.hours());
        Self { world, purge_id, purged, other, before }
    }

    /// Serves until a step of the run is told, and dies there; the state that this left.
    async fn killed(&self) -> PurgeState {
        let binary = Binary::serve(&self.world, &[]).await;
        let waiting = async {
            let told = |log: &str| log.contains("came a step on") || log.contains("is certified");
            while !told(&binary.log()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a step");
        binary.kill().await;
        let store = open_store(&self.world).await;
        let id = uuid::Uuid::parse_str(&self.purge_id).unwrap();
        let key = RecordKey::Purge(signpost_core::id::PurgeId::new(id.into_bytes()));
        let Record::Purge(plan) = store.read(&key).await.unwrap().unwrap().record else {
            panic!("it is the plan");
        };
        store.close().await.unwrap();
        plan.state
    }

    /// The run ends, if it has not; it took every step once, and nothing else is gone.
    async fn ends_once(&self) {
        let mut binary = Binary::serve(&self.world, &[]).await;
        let operator = binary.person(&self.world, "PURGE_OPERATOR");
        let ended = || async {
            let purge = get(&operator, &self.purge_id).await.purge.unwrap();
            (purge.state() == v1::PurgeState::Certified).then_some(())
        };
        eventually("the end of the run", ended).await;
        let file = certificate(&operator, &self.purge_id).await;
        verified(&file, &ledger_key(&self.world)).unwrap();
        let asker = binary.person(&self.world, "SOCIAL_WORKER");
        assert_eq!(answer(&asker, &self.other).await, self.before);
        assert!(answer(&asker, &self.purged).await.signposts.is_empty());
        binary.signal(Signal::TERM);
        assert_eq!(binary.ended().await.code(), Some(0), "{}", binary.log());
        assert_eq!(on_record(&reopened(&self.world).await), (STEPS.to_vec(), 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_at_every_step_ends_once() {
    let mut hit = BTreeSet::new();
    for _ in 0..ROUNDS {
        let county = County::new().await;
        loop {
            let state = county.killed().await;
            hit.insert(state.code());
            if matches!(state, PurgeState::Scanned | PurgeState::Certified) {
                break;
            }
        }
        county.ends_once().await;
    }
    let names: Vec<_> = hit.iter().map(|code| PurgeState::from_code(*code).unwrap()).collect();
    println!("killed at {names:?}");
    assert!(names.len() > 2, "killed at {names:?} alone");
}
