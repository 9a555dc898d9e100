//! The ledger's tree: what a start compares, and what auditors and outsiders verify, and who looked.

mod answers;
mod commands;
mod damage;
mod figures;
mod history;
mod start;
pub(crate) mod witness;

use std::path::Path;

use signpost_ledger::note::checkpoint::Checkpoint;
use tokio::task::JoinSet;

use crate::harness::{Service, World, question};

/// What there is of a service, each in a directory of its own.
const PARTS: [&str; 3] = ["data", "keyring", "ledger"];

/// Serves a county, and asks so often.
async fn lived(world: World, questions: usize) -> World {
    let service = Service::serve(world, &[]).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let mut asking = JoinSet::new();
    for _ in 0..questions {
        let (asker, child) = (asker.clone(), child.clone());
        asking.spawn(async move { asker.ask(question(&child)).await.unwrap() });
    }
    asking.join_all().await;
    drop(asker);
    service.stop().await
}

/// The checkpoint that a county's ledger has on disk, and its bytes.
fn checkpoint(world: &World) -> (Checkpoint, Vec<u8>) {
    let bytes = std::fs::read(world.path("ledger/checkpoint")).unwrap();
    let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
    (Checkpoint::open(&bytes, &key).unwrap().0, bytes)
}

/// Copies a directory with all in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}
