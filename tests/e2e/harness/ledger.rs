//! Reading the ledger: beside a running service, or once nothing runs any more.

use std::num::NonZeroUsize;
use std::sync::Arc;

use signpost_core::entry::Entry;
use signpost_core::id::Receipt;
use signpost_core::store::Store;
use signpost_core::terms::{Action, Outcome};
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;

use super::World;

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// The entries of a ledger at one moment.
#[derive(Debug)]
pub(crate) struct Ledger(pub(crate) Vec<Entry>);

impl Ledger {
    /// Reads all of it.
    pub(crate) async fn read(store: &dyn Store) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let from = Receipt(entries.len() as u64);
            let page = store.entries(from, PAGE).await.unwrap();
            if page.is_empty() {
                return Self(entries);
            }
            entries.extend(page);
        }
    }

    /// The entry of this receipt.
    pub(crate) fn at(&self, receipt: u64) -> &Entry {
        self.0.get(usize::try_from(receipt).unwrap()).expect("a receipt names an entry")
    }

    /// The entries but those of the service itself: they may come at any time.
    pub(crate) fn requests(&self) -> impl Iterator<Item = &Entry> {
        let by_itself = [
            Action::CountRefusals,
            Action::NoteClockStep,
            Action::NoteFull,
            Action::NoteWritable,
            Action::BeginTurn,
            Action::DestroyGeneration,
            Action::Anchor,
            Action::RaiseAlerts,
        ];
        self.0.iter().filter(move |entry| !by_itself.contains(&entry.action()))
    }

    /// How many refusals were counted for this reason.
    pub(crate) fn counted(&self, reason: Outcome) -> u32 {
        let counts = self.0.iter().filter(|entry| entry.action() == Action::CountRefusals);
        counts.filter(|entry| entry.outcome() == reason).map(Entry::count).sum()
    }
}

/// The store that a stopped service left behind.
pub(crate) async fn open_store(world: &World) -> EmbeddedStore {
    let config = world.config(&[]);
    let clock = world.clock();
    let opened = tokio::task::spawn_blocking(move || {
        let keyring = Arc::new(SoftwareKeyring::open(&config.store.keyring).unwrap());
        EmbeddedStore::open(&Options::new(&config.store.data, keyring, clock)).unwrap()
    });
    opened.await.unwrap().store
}

/// The ledger that a stopped service left behind.
pub(crate) async fn reopened(world: &World) -> Ledger {
    let store = open_store(world).await;
    let ledger = Ledger::read(&store).await;
    store.close().await.unwrap();
    ledger
}
