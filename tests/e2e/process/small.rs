//! A small file system of its own, filled to the last byte: under the ledger's tree alone, and under
//! store and tree. To mount one takes root; without, these tests say that they are skipped.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;

use signpost_core::terms::Action;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::verify::Verification;
use signpost_ledger::verify::entries::EntryRules;
use signpost_proto::v1;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::harness::{Binary, Caller, NORTHFIELD, Victim, World, eventually, question, reopened};

const MEBIBYTE: usize = 1 << 20;

/// So many questions make more than one bundle of entries.
const QUESTIONS: usize = 300;

/// A file system in memory, unmounted with its value.
struct Small(PathBuf);

impl Small {
    /// Puts these directories of a county on one of so many bytes. None where this process may not.
    fn under(world: &World, directories: &[&str], bytes: usize) -> Option<Self> {
        let place = world.path("small");
        std::fs::create_dir(&place).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={bytes},mode=700"), "tmpfs"])
            .arg(&place)
            .output();
        if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
            println!(
                "skipped: only root may mount the small file system of this test: {mounted:?}"
            );
            return None;
        }
        for directory in directories {
            let (from, to) = (world.path(directory), place.join(directory));
            let copied = Command::new("cp").arg("-a").args([&from, &to]).status().unwrap();
            assert!(copied.success());
            std::fs::remove_dir_all(&from).unwrap();
            std::os::unix::fs::symlink(&to, &from).unwrap();
        }
        Some(Self(place))
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }

    /// Leaves no byte of it.
    fn fill(&self) {
        let mut filler = File::options().create(true).append(true).open(self.filler()).unwrap();
        for piece in [64 * 1024, 1] {
            let piece = vec![0xa5; piece];
            let full = loop {
                if let Err(error) = filler.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(&self.0).status().ok();
    }
}

/// Waits until health says this of a service; the empty name is the whole.
async fn until_health_says(caller: &Caller, service: &str, expected: ServingStatus) {
    eventually("health", || {
        let mut health = caller.health();
        let asked = HealthCheckRequest { service: service.to_owned() };
        async move {
            let checked = health.check(asked).await.ok()?;
            (checked.into_inner().status() == expected).then_some(())
        }
    })
    .await;
}

async fn ask(asker: &Caller, child: &[v1::Pseudonym], receipts: &mut Vec<u64>) {
    receipts.push(asker.ask(question(child)).await.unwrap().receipt);
}

async fn last(auditor: &Caller) -> Vec<u8> {
    let get = auditor.request(v1::GetCheckpointRequest {});
    auditor.ledgers().get_checkpoint(get).await.unwrap().into_inner().checkpoint
}

/// Once a checkpoint covers this entry: it.
async fn covering(auditor: &Caller, index: u64) -> Vec<u8> {
    let asked = auditor.request(v1::ProveInclusionRequest { index, size: 0 });
    auditor.ledgers().prove_inclusion(asked).await.unwrap().into_inner().checkpoint
}

fn key(world: &World) -> VerifierKey {
    signpost::ledger::verifier(&world.config(&[]).ledger).unwrap()
}

fn size(world: &World, note: &[u8]) -> u64 {
    Checkpoint::open(note, &key(world)).unwrap().0.size
}

/// Every receipt is of a question on record, and the tree holds all and each checkpoint of before.
async fn compare(world: &World, receipts: &[u64], kept: &[Vec<u8>]) {
    let (ledger, key, directory) = (reopened(world).await, key(world), world.path("ledger"));
    for receipt in receipts {
        assert_eq!(ledger.at(*receipt).action(), Action::Ask);
    }
    assert_eq!(ledger.requests().filter(|it| it.action() == Action::Ask).count(), receipts.len());
    for kept in kept {
        let mut rules = EntryRules::default();
        let verified = Verification::new(&directory, &key).since(kept);
        let verified = verified.run(|_, entry| rules.check(entry), |_, _| {}).unwrap();
        assert_eq!(verified.checkpoint.size, ledger.0.len() as u64, "all is signed");
    }
}

/// Answers go on without room for the tree: they are on record. Health says so, nothing is signed,
/// nothing signed is taken back, and with room all of it is signed.
#[tokio::test(flavor = "multi_thread")]
async fn a_tree_without_a_byte_of_room_waits_and_then_signs_all() {
    let world = Binary::initialised();
    let Some(small) = Small::under(&world, &["ledger"], 2 * MEBIBYTE) else { return };
    let binary = Binary::serve(&world, &[]).await;
    let (asker, auditor) =
        (binary.person(&world, "SOCIAL_WORKER"), binary.person(&world, "AUDITOR"));
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let (mut receipts, mut kept) = (vec![], vec![]);
    ask(&asker, &child, &mut receipts).await;
    kept.push(covering(&auditor, receipts[0]).await);

    small.fill();
    for _ in 0..QUESTIONS {
        ask(&asker, &child, &mut receipts).await;
    }
    let system = binary.system(&world, Some(NORTHFIELD));
    until_health_says(&system, "signpost.v1.ledger", ServingStatus::NotServing).await;
    until_health_says(&system, "", ServingStatus::Serving).await;
    let waiting = last(&auditor).await;
    assert!(size(&world, &waiting) <= receipts[QUESTIONS], "not all can be signed");
    kept.push(waiting);
    // The next start finds the tree full.
    binary.kill().await;
    let binary = Binary::serve(&world, &[]).await;
    let (asker, auditor) =
        (binary.person(&world, "SOCIAL_WORKER"), binary.person(&world, "AUDITOR"));
    ask(&asker, &child, &mut receipts).await;
    let system = binary.system(&world, Some(NORTHFIELD));
    until_health_says(&system, "signpost.v1.ledger", ServingStatus::NotServing).await;
    assert_eq!(last(&auditor).await, kept[1]);

    small.free();
    until_health_says(&system, "signpost.v1.ledger", ServingStatus::Serving).await;
    let newest = *receipts.last().unwrap();
    let after = covering(&auditor, newest).await;
    assert!(size(&world, &after) > newest);
    kept.push(after);
    binary.stop().await;
    compare(&world, &receipts, &kept).await;
}

/// Without a byte for the store nothing is answered, and nothing that was answered is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_without_a_byte_of_room_answers_nothing_and_loses_nothing() {
    let world = Binary::initialised();
    let parts = ["data", "ledger"];
    let Some(small) = Small::under(&world, &parts, 128 * MEBIBYTE) else { return };
    let binary = Binary::serve(&world, &[]).await;
    let (asker, auditor) =
        (binary.person(&world, "SOCIAL_WORKER"), binary.person(&world, "AUDITOR"));
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let (mut receipts, mut kept) = (vec![], vec![]);
    for _ in 0..QUESTIONS {
        ask(&asker, &child, &mut receipts).await;
    }
    kept.push(covering(&auditor, receipts[0]).await);

    small.fill();
    let system = binary.system(&world, Some(NORTHFIELD));
    for _ in 0..5 {
        let refused = asker.ask(question(&child)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
    }
    until_health_says(&system, "", ServingStatus::NotServing).await;
    small.free();
    until_health_says(&system, "", ServingStatus::Serving).await;
    ask(&asker, &child, &mut receipts).await;
    kept.push(covering(&auditor, *receipts.last().unwrap()).await);

    small.fill();
    until_health_says(&system, "", ServingStatus::NotServing).await;
    binary.kill().await;
    small.free();
    let binary = Binary::serve(&world, &[]).await;
    let asker = binary.person(&world, "SOCIAL_WORKER");
    ask(&asker, &child, &mut receipts).await;
    binary.stop().await;
    compare(&world, &receipts, &kept).await;
}
