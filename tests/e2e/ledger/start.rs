//! A start holds that store and ledger belong together, before anything is served.

use signpost::exit::{Exit, Failure};
use signpost::server::Server;
use signpost_core::terms::Action;
use signpost_ledger::verify::Verification;

use super::{PARTS, checkpoint, copy, lived};
use crate::harness::{Service, World, reopened};

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

fn put_back(world: &World, part: &str) {
    std::fs::remove_dir_all(world.path(part)).unwrap();
    std::fs::rename(world.path(&format!("older-{part}")), world.path(part)).unwrap();
}

async fn refusal(world: &World) -> Failure {
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
    let disk = std::sync::Arc::new(signpost_embedded::disk::os::OsDisk);
    signpost::ledger::create(disk, &world.config(&[]).ledger).unwrap();
    let world = lived(world, 1).await;
    let key = signpost::ledger::verifier(&world.config(&[]).ledger).unwrap();
    let directory = world.path("ledger");
    let verified = Verification::new(&directory, &key).since(&note).run(|_, _| Ok(()), |_, _| {});
    assert!(verified.unwrap().checkpoint.size > newest.size);
}
