//! Any course of operations, with restarts in between, gives what the reference gives.

use std::sync::Arc;

use jiff::ToSpan;
use proptest::prelude::*;
use signpost_core::id::FlagId;
use signpost_core::memory::MemoryStore;
use signpost_core::store::{Clock, Store};
use signpost_core::testing::ManualClock;
use signpost_core::turn::Compaction;

use crate::support::{Place, remove};
use crate::twin::Twin;
use crate::world::{World, first_light};

#[derive(Clone, Debug)]
enum Step {
    Record {
        child: u8,
        reference: u8,
    },
    End {
        nth: prop::sample::Index,
    },
    Ask {
        child: u8,
    },
    ShieldAndLift {
        child: u8,
    },
    MoveClock {
        seconds: i64,
    },
    /// Closes the store and opens it again.
    Reopen,
    /// Closes the store, loses the index, and opens it again.
    CloseAndLoseIndex,
    /// Fills the next generation, records and ends while that is not in use yet, and turns to it.
    Turn {
        child: u8,
    },
}

const CHILDREN: u8 = 3;

fn step() -> impl Strategy<Value = Step> {
    let child = 0..CHILDREN;
    prop_oneof![
        4 => (child.clone(), 0..3_u8)
            .prop_map(|(child, reference)| Step::Record { child, reference }),
        2 => any::<prop::sample::Index>().prop_map(|nth| Step::End { nth }),
        3 => child.clone().prop_map(|child| Step::Ask { child }),
        1 => child.prop_map(|child| Step::ShieldAndLift { child }),
        1 => (-5_i64..60).prop_map(|seconds| Step::MoveClock { seconds }),
        1 => Just(Step::Reopen),
        1 => Just(Step::CloseAndLoseIndex),
        1 => (0..CHILDREN).prop_map(|child| Step::Turn { child }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn the_embedded_store_does_as_the_reference_does(
        steps in prop::collection::vec(step(), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
        runtime.unwrap().block_on(run(steps));
    }
}

async fn run(steps: Vec<Step>) {
    let clock = Arc::new(ManualClock::default());
    let mut place = Place::create(clock.clone());
    place.options.segment_openings_max = 3;
    let reference = MemoryStore::new(clock.clone());
    let twin = Arc::new(Twin::new(reference, place.open().store));
    first_light(&*twin).await;
    let mut world = World::start(twin.clone(), clock.clone()).await;
    let mut flags: Vec<(u8, FlagId)> = Vec::new();
    let mut generation = 1;
    for step in steps {
        match step {
            Step::Record { child, reference } => {
                flags.push((child, world.record(child, reference).await.0));
            }
            Step::End { nth } if !flags.is_empty() => {
                let (child, flag) = *nth.get(&flags);
                world.end(child, flag).await;
            }
            Step::End { .. } => {}
            Step::Ask { child } => {
                world.ask(child).await;
            }
            Step::ShieldAndLift { child } => world.shield_and_lift(child).await,
            Step::MoveClock { seconds } => clock.step(seconds.seconds()),
            Step::Reopen => {
                twin.embedded().close().await.unwrap();
                let opened = place.open();
                assert!(!opened.rebuilt_index, "a closed store needs no new index");
                twin.replace(opened.store);
            }
            Step::Turn { child } => {
                let carry = Arc::new(Compaction { now: clock.now() });
                let next = twin.prepare(carry).await.unwrap().generation;
                flags.push((child, world.record(child, 0).await.0));
                let (ended, flag) = flags[0];
                world.end(ended, flag).await;
                twin.switch(next).await.unwrap();
                twin.destroy(generation).await.unwrap();
                generation = next;
            }
            Step::CloseAndLoseIndex => {
                twin.embedded().close().await.unwrap();
                remove(&place.index(generation));
                let opened = place.open();
                assert!(opened.rebuilt_index);
                twin.replace(opened.store);
            }
        }
        twin.compare(CHILDREN).await;
    }
}
