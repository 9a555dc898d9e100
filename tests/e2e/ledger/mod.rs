//! The ledger's tree: what a start compares, and what auditors and outsiders verify.

mod answers;
mod commands;
mod start;

use std::path::Path;

use signpost_ledger::note::checkpoint::Checkpoint;

use crate::harness::World;

/// The checkpoint that a county's ledger has on disk, and its bytes.
fn checkpoint(world: &World) -> (Checkpoint, Vec<u8>) {
    let bytes = std::fs::read(world.path("ledger/checkpoint")).unwrap();
    let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
    (Checkpoint::open(&bytes, &key).unwrap().0, bytes)
}

/// Copies a directory with all in it.
fn copy(from: &Path, to: &Path) {
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
