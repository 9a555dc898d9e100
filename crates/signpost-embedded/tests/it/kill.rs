//! A commit that was acknowledged is there after the process was killed.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use signpost_core::id::Receipt;
use signpost_core::record::RecordKey;
use signpost_core::store::Store;
use signpost_core::testing::ManualClock;
use signpost_embedded::store::EmbeddedStore;

use crate::support::options;
use crate::twin::ALL;
use crate::world::{World, first_light, pseudonym};

/// Set in the process that is to be killed: where its store lies.
const DIRECTORY: &str = "SIGNPOST_KILL_TEST_DIRECTORY";

const TEST: &str = "kill::what_was_acknowledged_is_there_after_a_kill";

const ROUNDS: u8 = 4;
const ACKNOWLEDGED_PER_ROUND: u8 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_acknowledged_is_there_after_a_kill() {
    if let Some(directory) = std::env::var_os(DIRECTORY) {
        return write_until_killed(&PathBuf::from(directory)).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let options = options(directory.path(), Arc::new(ManualClock::default()));
    EmbeddedStore::create(&options).unwrap();
    first_light(&EmbeddedStore::open(&options).unwrap().store).await;

    let mut acknowledged = Vec::new();
    for _ in 0..ROUNDS {
        acknowledged.extend(run_and_kill(directory.path()));
        let store = EmbeddedStore::open(&options).unwrap().store;
        let entries = store.entries(Receipt(0), ALL).await.unwrap();
        let openings = store.openings(Receipt(0), ALL).await.unwrap();
        for (child, receipt) in &acknowledged {
            assert!(*receipt < entries.len() as u64);
            let opening = openings.iter().find(|(entry, _)| entry.0 == *receipt);
            assert!(opening.unwrap().1.subject().contains(&pseudonym(*child)));
            let head = store.read(&RecordKey::Head(pseudonym(*child))).await.unwrap();
            assert!(head.unwrap().version.0 >= *receipt);
        }
    }
    assert_eq!(acknowledged.len(), usize::from(ROUNDS * ACKNOWLEDGED_PER_ROUND));
}

/// Starts this very test as another process, reads what it acknowledges, and kills it.
fn run_and_kill(directory: &Path) -> Vec<(u8, u64)> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([TEST, "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let acknowledged = lines.filter_map(|line| {
        let line = line.unwrap();
        let (_, rest) = line.split_once("acknowledged ")?;
        let (number, receipt) = rest.split_once(' ')?;
        Some((number.parse().unwrap(), receipt.parse().unwrap()))
    });
    let acknowledged = acknowledged.take(ACKNOWLEDGED_PER_ROUND.into()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged
}

async fn write_until_killed(directory: &Path) {
    let clock = Arc::new(ManualClock::default());
    let store = EmbeddedStore::open(&options(directory, clock.clone())).unwrap().store;
    let store = Arc::new(store);
    let first = store.entries(Receipt(0), ALL).await.unwrap().len();
    let mut world = World::start(store, clock).await;
    world.skip_requests(first as u64 * 1000);
    for child in (0..=u8::MAX).cycle() {
        let (_, receipt) = world.record(child, 0).await;
        println!("acknowledged {child} {}", receipt.0);
        std::io::stdout().flush().unwrap();
    }
}
