use std::sync::Arc;

use signpost_core::entry::Entry;
use signpost_core::faulty::{Call, Fault, FaultyStore};
use signpost_core::store::Store;
use signpost_core::terms::Action;
use signpost_embedded::disk::volatile::{Faults, VolatileDisk, When};
use signpost_ledger::disk::OsDisk;
use signpost_ledger::note::Note;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{Seed, WitnessSigner};
use signpost_ledger::tree::hash::Hash;
use tempfile::TempDir;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health as _;
use tonic_health::server::HealthService;

use super::*;
use crate::grpc;
use crate::ledger::disk::LogDisk;
use crate::testing::{first_light, ledger_signer, until};

/// A keeper of an empty log, beside a store with first light on record.
struct Scene {
    keeper: Keeper,
    shelf: Shelf,
    store: Arc<FaultyStore>,
    directory: Directory,
    faults: Faults,
    _folder: TempDir,
}

async fn scene() -> Scene {
    let (store, directory) = first_light().await;
    let folder = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    let disk = Arc::new(LogDisk(Arc::new(disk)));
    let log = Log::create(disk, &folder.path().join("ledger"), ledger_signer()).unwrap();
    let (keeper, shelf) = Keeper::new(directory.clone(), Feed::new(store.clone(), log));
    Scene { keeper, shelf, store, directory, faults, _folder: folder }
}

impl Scene {
    async fn entries(&self) -> Vec<Entry> {
        self.store.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap()
    }

    /// How many entries the last checkpoint covers, once it is seen to be signed and each of them to
    /// be in its tree.
    async fn signed(&self) -> u64 {
        let Published { note, reader } = self.shelf.last();
        let key: VerifierKey = ledger_signer().verifier().clone();
        let (checkpoint, _) = Checkpoint::open(note.as_bytes(), &key).unwrap();
        assert_eq!(checkpoint, *reader.checkpoint());
        for (index, entry) in (0..checkpoint.size).zip(self.entries().await) {
            let proof = reader.inclusion(index, checkpoint.size).unwrap();
            proof.verify(&Hash::of_entry(entry.as_bytes()), &checkpoint.root).unwrap();
        }
        checkpoint.size
    }

    /// The actions on record, in order.
    async fn actions(&self) -> Vec<Action> {
        self.entries().await.iter().map(Entry::action).collect()
    }
}

const LIGHT: Action = Action::FirstLight;
const ANCHOR: Action = Action::Anchor;

#[tokio::test]
async fn a_round_ends_with_its_anchor_and_leads_to_no_other() {
    let mut scene = scene().await;
    for _ in 0..3 {
        scene.keeper.round().await.unwrap();
        assert_eq!(scene.actions().await, [LIGHT, ANCHOR], "the keeper does not feed itself");
        assert_eq!(scene.signed().await, 2);
    }
    scene.directory.record_full().await.unwrap();
    scene.directory.record_writable().await.unwrap();
    scene.keeper.round().await.unwrap();
    let (full, writable) = (Action::NoteFull, Action::NoteWritable);
    assert_eq!(scene.actions().await, [LIGHT, ANCHOR, full, writable, ANCHOR]);
    assert_eq!(scene.signed().await, 5);
}

#[tokio::test]
async fn without_space_an_anchor_is_owed_and_signed_when_there_is_some() {
    let mut scene = scene().await;
    scene.faults.no_space(0);
    for _ in 0..3 {
        let error = scene.keeper.round().await.unwrap_err();
        assert!(matches!(error, RoundError::Later(LedgerError::Full { .. })), "{error}");
        assert_eq!(scene.actions().await, [LIGHT, ANCHOR], "one anchor for all tries");
    }
    assert_eq!(scene.signed().await, 0);
    scene.faults.space_again();
    scene.keeper.round().await.unwrap();
    assert_eq!(scene.signed().await, 2);
}

#[tokio::test]
async fn a_store_that_takes_no_anchor_or_gives_no_entries_is_asked_again() {
    let mut scene = scene().await;
    for call in [Call::Entries, Call::Position, Call::Commit] {
        scene.store.fail(call, 0, Fault::Refuses);
        let error = scene.keeper.round().await.unwrap_err();
        assert!(!error.is_final(), "{call:?}: {error}");
    }
    assert_eq!(scene.actions().await, [LIGHT]);
    scene.keeper.round().await.unwrap();
    assert_eq!(scene.signed().await, 2);
}

#[tokio::test]
async fn a_cosignature_that_does_not_fit_is_not_kept_and_ends_nothing() {
    let mut scene = scene().await;
    scene.keeper.round().await.unwrap();
    let witness = WitnessSigner::new("witness.example/w1", &Seed::new([8; 32])).unwrap();
    let note = Note::parse(scene.shelf.last().note.as_bytes()).unwrap();
    let other = Note::new(format!("{}more\n", note.text())).unwrap();
    for signed in [&other, &note] {
        let signature = witness.cosign(signed, 1_700_000_000).unwrap();
        let (text, key) = (note.text().to_owned(), witness.verifier().clone());
        scene.keeper.add_cosignature(Cosigned { text, key, signature }).await.unwrap();
        let kept = Note::parse(scene.shelf.last().note.as_bytes()).unwrap();
        assert_eq!(kept.verify(witness.verifier()).is_ok(), signed == &note);
    }
    scene.directory.record_full().await.unwrap();
    scene.keeper.round().await.unwrap();
    assert_eq!(scene.signed().await, 4);
}

/// A start may have fed it, to compare it with what a witness has seen.
#[tokio::test]
async fn what_was_fed_and_not_signed_is_signed_by_the_next_round() {
    let mut scene = scene().await;
    assert!(scene.keeper.feed.up_to(1).await.unwrap());
    assert!(!scene.keeper.feed.up_to(2).await.unwrap(), "the store ends before");
    assert_eq!((scene.keeper.feed.size(), scene.signed().await), (1, 0));
    scene.keeper.round().await.unwrap();
    assert_eq!(scene.signed().await, 2);
}

#[tokio::test]
async fn a_failed_sync_ends_the_keeping_for_good() {
    let mut scene = scene().await;
    scene.faults.fail_sync(|path| path.to_string_lossy().contains("tile"), 1);
    let error = scene.keeper.round().await.unwrap_err();
    assert!(error.is_final(), "{error}");
    let error = scene.keeper.round().await.unwrap_err();
    assert!(error.is_final(), "it stays lost: {error}");
    assert_eq!(scene.signed().await, 0);
}

/// Whatever was published before the power was cut is part of what is found after it.
#[tokio::test]
async fn a_power_cut_in_a_round_takes_no_checkpoint_back() {
    let rounds = async |scene: &mut Scene| {
        for _ in 0..3 {
            scene.directory.record_full().await.unwrap();
            scene.keeper.round().await?;
        }
        Ok::<_, RoundError>(())
    };
    let mut whole = scene().await;
    let first = whole.faults.count();
    rounds(&mut whole).await.unwrap();
    let operations = whole.faults.count();
    assert!(operations > first + 30, "{operations}");
    for at in first..operations {
        for when in [When::Before, When::After] {
            let mut scene = scene().await;
            scene.faults.write_back(at);
            scene.faults.die(at, when);
            let kept = rounds(&mut scene).await;
            let Scene { keeper, shelf, store, faults, _folder: folder, .. } = scene;
            let published = shelf.last().reader.checkpoint().clone();
            drop((keeper, shelf, faults));
            let log = Log::open(Arc::new(OsDisk), &folder.path().join("ledger"), ledger_signer());
            let log = log.unwrap();
            let left = log.reader();
            assert_eq!(left.root(published.size).unwrap(), published.root, "operation {at}");
            assert!(kept.is_err() || published.size > 6, "operation {at}");
            let entries = store.entries(Receipt(0), NonZeroUsize::MAX).await.unwrap();
            for (index, entry) in (0..left.checkpoint().size).zip(entries) {
                let ours = left.leaf_hash(index).unwrap();
                assert_eq!(ours, Hash::of_entry(entry.as_bytes()), "operation {at}");
            }
        }
    }
}

#[tokio::test]
async fn an_entry_that_nobody_has_written_is_waited_for_by_nobody() {
    let Scene { keeper, shelf, directory, _folder, .. } = scene().await;
    // Without a keeper whoever asks for more than there is signed waits for ever.
    for index in [1, 2, u64::MAX] {
        let last = tokio::time::timeout(Duration::from_mins(1), shelf.covering(index)).await;
        assert_eq!(last.unwrap().unwrap().reader.checkpoint().size, 0);
    }
    let (reporter, _) = tonic_health::server::health_reporter();
    let _keeping = Keeping::begin(keeper, Health::new(reporter));
    let receipt = directory.record_full().await.unwrap();
    assert!(shelf.covering(receipt.0).await.unwrap().reader.checkpoint().size > receipt.0);
}

#[tokio::test]
async fn whoever_asks_again_and_again_waits_for_a_round_that_others_share() {
    let Scene { keeper, shelf, directory, _folder, .. } = scene().await;
    let (reporter, _) = tonic_health::server::health_reporter();
    let keeping = Keeping::begin(keeper, Health::new(reporter));
    shelf.fresh().await;
    let begun = Instant::now();
    for _ in 0..3 {
        let receipt = directory.record_full().await.unwrap();
        let (one, other) = tokio::join!(shelf.fresh(), shelf.fresh());
        assert!(one.reader.checkpoint().size > receipt.0);
        assert_eq!(one.reader.checkpoint(), other.reader.checkpoint());
    }
    assert!(begun.elapsed() >= 3 * DEMANDED_ROUNDS_APART);
    assert_eq!(keeping.close().await, None);
}

/// What health says of the ledger.
async fn status(health: &HealthService) -> Option<i32> {
    let request = HealthCheckRequest { service: grpc::LEDGER_KEPT.to_owned() };
    health.check(Request::new(request)).await.ok().map(|checked| checked.into_inner().status)
}

/// A disk that neither fails nor answers.
#[tokio::test]
async fn health_tells_of_a_checkpoint_that_is_late() {
    let Scene { keeper, shelf, directory, faults, _folder, .. } = scene().await;
    let (reporter, _) = tonic_health::server::health_reporter();
    let checks = HealthService::from_health_reporter(reporter.clone());
    faults.slow_sync(Duration::MAX);
    let keeping = Keeping::begin(keeper, Health::new(reporter));
    let waiting = async {
        while status(&checks).await != Some(2) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    let signed = shelf.last().reader.checkpoint().size;
    // Before anything can fail: a thread that waits for the disk would keep the test from its end.
    faults.slow_sync(Duration::ZERO);
    assert_eq!((told.is_ok(), signed), (true, 0));
    until("its end", async || status(&checks).await == Some(1)).await;
    let receipt = directory.record_full().await.unwrap();
    assert!(shelf.fresh().await.reader.checkpoint().size > receipt.0);
    assert_eq!(keeping.close().await, None);
}

#[tokio::test]
async fn health_tells_of_the_ledger_and_closing_signs_all() {
    let Scene { keeper, shelf, directory, faults, _folder, .. } = scene().await;
    let (reporter, _) = tonic_health::server::health_reporter();
    let checks = HealthService::from_health_reporter(reporter.clone());
    faults.no_space(0);
    let keeping = Keeping::begin(keeper, Health::new(reporter));
    until("the want of space", async || status(&checks).await == Some(2)).await;
    faults.space_again();
    until("its end", async || status(&checks).await == Some(1)).await;
    assert_eq!(shelf.last().reader.checkpoint().size, 2);

    let receipt = directory.record_full().await.unwrap();
    assert_eq!(shelf.fresh().await.reader.checkpoint().size, receipt.0 + 2, "on demand");
    let receipt = directory.record_writable().await.unwrap();
    assert_eq!(keeping.close().await, None);
    assert_eq!(shelf.fresh().await.reader.checkpoint().size, receipt.0 + 2, "all is signed");
}
