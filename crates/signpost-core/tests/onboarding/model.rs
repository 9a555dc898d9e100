//! The whole register against a plain model, on the memory store.

use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use signpost_core::memory::MemoryStore;
use signpost_core::store::Store;
use signpost_core::testing::ManualClock;

use crate::register_model::draw::steps;
use crate::register_model::ops::Step;
use crate::register_model::play_all;
use crate::register_model::world::Home;

/// What is there as long as the process, and knows no disk.
#[derive(Debug)]
struct Memory(Arc<MemoryStore>);

#[async_trait]
impl Home for Memory {
    async fn open(&mut self) -> Arc<dyn Store> {
        self.0.clone()
    }

    fn cut_power_after(&mut self, _operations: u64) {}

    fn cut_power(&mut self) {}
}

fn play_in_memory(steps: Vec<Step>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let clock = Arc::new(ManualClock::default());
    let home = Memory(Arc::new(MemoryStore::new(clock.clone())));
    runtime.block_on(play_all(Box::new(home), clock, steps));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_register_is_what_the_model_is_whatever_is_done_by_whom(steps in steps()) {
        play_in_memory(steps);
    }
}
