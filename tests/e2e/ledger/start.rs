//! A start holds that store and ledger belong together, before anything is served.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signpost::exit::{Exit, Failure};
use signpost::server::Server;
use signpost_core::terms::Action;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::disk::{Disk, DiskFile, Status};
use signpost_ledger::verify::Verification;

use super::{PARTS, checkpoint, copy, lived};
use crate::harness::{Service, World, question, reopened};

/// A county that was served twice: as it is, and in `older-…` as it was in between.
async fn aged() -> World {
    let world = World::new();
    world.initialise().await;
    let world = lived(world, 3).await;
    for part in PARTS {
        copy(&world.path(part), &world.path(&format!("older-{part}")));
    }
    lived(world, 3).await
}

pub(super) fn put_back(world: &World, part: &str) {
    std::fs::remove_dir_all(world.path(part)).unwrap();
    std::fs::rename(world.path(&format!("older-{part}")), world.path(part)).unwrap();
}

pub(super) async fn refusal(world: &World) -> Failure {
    let failure = Server::prepare(world.config(&[]), world.clock()).await.unwrap_err();
    assert_eq!(failure.exit, Exit::Sealed, "{failure}");
    assert_eq!(failure.exit as u8, 65);
    failure
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_stops_has_signed_all_of_its_ledger() {
    let world = World::new();
    world.initialise().await;
    assert_eq!(checkpoint(&world).0.size, 0, "first light is signed by the service");
    let world = lived(world, 3).await;
    let ledger = reopened(&world).await;
    assert_eq!(checkpoint(&world).0.size, ledger.0.len() as u64);
    assert_eq!(ledger.0.last().unwrap().action(), Action::Anchor);
    let before = checkpoint(&world).0.size;
    let world = Service::serve(world, &[]).await.stop().await;
    assert_eq!(checkpoint(&world).0.size, before, "nothing new leads to no checkpoint");
}

/// With its keyring, and with the mark in that, it is in itself without fault.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_data_is_noticed_by_the_ledger() {
    let world = aged().await;
    put_back(&world, "data");
    put_back(&world, "keyring");
    let message = refusal(&world).await.message;
    assert!(message.contains("the last checkpoint of the ledger knows of later ones"), "{message}");
    put_back(&world, "ledger");
    lived(world, 1).await;
}

/// It is a prefix of what it was, and is fed again from the store.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_copy_of_the_ledger_is_filled_again_to_the_same_tree() {
    let world = aged().await;
    let (newest, note) = checkpoint(&world);
    put_back(&world, "ledger");
    assert!(checkpoint(&world).0.size < newest.size);
    let world = lived(world, 1).await;
    let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
    let directory = world.path("ledger");
    let verified = Verification::new(&directory, &key).since(&note).run(|_, _| Ok(()), |_, _| {});
    assert!(verified.unwrap().checkpoint.size > newest.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_in_a_tile_or_an_entry_seals_the_service_and_names_the_way_out() {
    let world = aged().await;
    let size = checkpoint(&world).0.size;
    for name in [format!("tile/0/000.p/{size}"), format!("tile/entries/000.p/{size}")] {
        let path = world.path("ledger").join(name);
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[40] ^= 4;
        std::fs::write(&path, flipped).unwrap();
        let message = refusal(&world).await.message;
        assert!(message.contains("signpost ledger create"), "{message}");
        std::fs::write(&path, good).unwrap();
    }
    lived(world, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_of_another_service_seals_it() {
    let (world, other) = (aged().await, aged().await);
    std::fs::remove_dir_all(world.path("ledger")).unwrap();
    copy(&other.path("ledger"), &world.path("ledger"));
    let message = refusal(&world).await.message;
    assert!(message.contains("not signed by"), "another key: {message}");
    std::fs::copy(other.path("ledger.key"), world.path("ledger.key")).unwrap();
    let message = refusal(&world).await.message;
    assert!(message.contains("the last anchor of the ledger"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_ledger_a_service_is_sealed_and_one_made_anew_gets_the_same_tree() {
    let world = aged().await;
    let (newest, note) = checkpoint(&world);
    std::fs::remove_dir_all(world.path("ledger")).unwrap();
    let message = refusal(&world).await.message;
    assert!(message.contains("signpost ledger create"), "{message}");
    signpost::ledger::create(Arc::new(OsDisk), &world.config(&[]).ledger).unwrap();
    let world = lived(world, 1).await;
    let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
    let directory = world.path("ledger");
    let verified = Verification::new(&directory, &key).since(&note).run(|_, _| Ok(()), |_, _| {});
    assert!(verified.unwrap().checkpoint.size > newest.size);
}

/// This machine's disk; as the store's `CURRENT` is opened, another process lets go of store and ledger
/// and has signed more.
#[derive(Debug)]
struct Meanwhile {
    ledger: PathBuf,
    newer: PathBuf,
    is_done: AtomicBool,
}

impl Meanwhile {
    fn look(&self, path: &Path) {
        if path.ends_with("data/CURRENT") && !self.is_done.swap(true, Ordering::Relaxed) {
            std::fs::remove_dir_all(&self.ledger).unwrap();
            copy(&self.newer, &self.ledger);
        }
    }
}

impl Disk for Meanwhile {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.look(path);
        OsDisk.open(path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.look(path);
        OsDisk.open_to_read(path)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        OsDisk.open_or_create(path)
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        OsDisk.status(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        OsDisk.list(directory)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.create_directory(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        OsDisk.sync_directory(path)
    }

    fn file_system(&self, path: &Path) -> io::Result<String> {
        OsDisk.file_system(path)
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        OsDisk.free_bytes(path)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_until_the_store_is_ours_is_what_the_ledger_goes_on_from() {
    let world = aged().await;
    std::fs::rename(world.path("ledger"), world.path("newer-ledger")).unwrap();
    std::fs::rename(world.path("older-ledger"), world.path("ledger")).unwrap();
    let before = checkpoint(&world).0.size;
    let disk = Meanwhile {
        ledger: world.path("ledger"),
        newer: world.path("newer-ledger"),
        is_done: AtomicBool::new(false),
    };
    let service = Service::serve_on(Arc::new(disk), world, &[]).await;
    let newest = checkpoint(&service.world).0.size;
    assert!(newest > before, "the copy took its place");
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    asker.ask(question(&child)).await.unwrap();
    drop(asker);
    let world = service.stop().await;
    assert!(checkpoint(&world).0.size > newest);
}
