//! What tests of several modules begin with.

use std::sync::Arc;
use std::time::Duration;

use signpost_core::directory::Directory;
use signpost_core::faulty::FaultyStore;
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::store::Clock;
use signpost_core::testing::Register;
use signpost_ledger::note::signer::{LogSigner, Seed};

use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;

/// A store with first light on record, which fails where it is told to, and the rules over it.
pub(crate) async fn first_light() -> (Arc<FaultyStore>, Directory) {
    first_light_by(Arc::new(SystemClock)).await
}

/// As [`first_light`], by this clock.
pub(crate) async fn first_light_by(clock: Arc<dyn Clock>) -> (Arc<FaultyStore>, Directory) {
    let store = Arc::new(FaultyStore::new(Arc::new(MemoryStore::new(Arc::clone(&clock)))));
    let policy = Arc::new(Policy::default());
    Directory::first_light(&*store, &policy, Register::default().into()).await.unwrap();
    let directory = Directory::start(store.clone(), policy, clock, Arc::new(SystemEntropy));
    (store, directory.await.unwrap())
}

/// Who signs the ledger.
pub(crate) fn ledger_signer() -> LogSigner {
    LogSigner::new("test.example/ledger", &Seed::new([7; 32])).unwrap()
}

/// Waits for this, a minute at most.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
    waited.unwrap_or_else(|_| panic!("waited too long for {what}"));
}
