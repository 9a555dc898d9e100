//! A keyring that takes no new key: the store says so, and is back by itself.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signpost_embedded::disk::volatile::Faults;
use signpost_embedded::store::Condition;

use super::Machine;

/// Every sync of this is to fail until it is lifted.
pub(super) fn fail_all_syncs(
    faults: &Faults,
    which: impl Fn(&Path) -> bool + Clone + Send + 'static,
) -> Arc<AtomicBool> {
    const MORE_THAN_ANY_TEST_WAITS_FOR: u64 = 1000;
    let fails = Arc::new(AtomicBool::new(true));
    for nth in 1..=MORE_THAN_ANY_TEST_WAITS_FOR {
        let (fails, which) = (Arc::clone(&fails), which.clone());
        faults.fail_sync(move |path| fails.load(Ordering::Relaxed) && which(path), nth);
    }
    fails
}

/// Nobody asks a service that says it is not serving: it has to try by itself.
#[tokio::test(flavor = "multi_thread")]
async fn while_no_key_can_be_made_it_is_keyless_and_then_writable_by_itself() {
    let mut machine = Machine::start().await;
    machine.world.ask(0).await; // the third opening, which fills the segment
    assert_eq!(machine.store().condition(), Condition::Writable);
    let fails = fail_all_syncs(&machine.faults, |path| path.to_string_lossy().contains("/key-"));
    machine.assert_takes_no_question().await;
    assert_eq!(machine.store().condition(), Condition::Keyless);
    machine.assert_takes_no_question().await;
    assert_eq!(*machine.store().failure().borrow(), None, "and is no failure");

    fails.store(false, Ordering::Relaxed);
    machine.wait_for(Condition::Writable).await;
    machine.world.ask(2).await;
    machine.world.record(1, 0).await;
    machine.start_after_power_cut().await;
    machine.compare().await;
}
