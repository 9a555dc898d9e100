//! What happens at one line of the code: in a process of its own, for there it hits every store.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use signpost_core::id::Receipt;
use signpost_core::record::{RecordKey, Scope};
use signpost_core::store::Store;
use signpost_core::testing::{ManualClock, put_records};
use signpost_embedded::disk::volatile::VolatileDisk;
use signpost_embedded::store::EmbeddedStore;

use crate::support::{options, options_on};
use crate::twin::ALL;
use crate::world::{World, first_light, pseudonym};

/// Set in the other process: where its store lies, and at which point something happens to it.
const DIRECTORY: &str = "SIGNPOST_FAILPOINT_TEST_DIRECTORY";
const POINT: &str = "SIGNPOST_FAILPOINT_TEST_POINT";

/// The directory and the point, in the other process.
fn other_process() -> Option<(PathBuf, String)> {
    let directory = std::env::var_os(DIRECTORY)?;
    Some((PathBuf::from(directory), std::env::var(POINT).unwrap()))
}

/// Runs a test as another process; returns what it said.
fn run_as_other_process(test: &str, directory: &Path, point: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([&format!("failpoints::{test}"), "--exact", "--nocapture"])
        .env(DIRECTORY, directory)
        .env(POINT, point)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

const COMMITS_BEFORE_DEATH: u8 = 3;

/// The frame is durable at both points, and its commit not acknowledged at either: it is there after
/// the next start, whole.
#[tokio::test]
async fn a_frame_is_there_whether_its_process_died_before_or_after_it_was_applied() {
    const TEST: &str = "a_frame_is_there_whether_its_process_died_before_or_after_it_was_applied";
    if let Some((directory, point)) = other_process() {
        return write_until_dead(&directory, &point).await;
    }
    for point in ["before-apply", "after-apply"] {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path(), Arc::new(ManualClock::default()));
        EmbeddedStore::create(&options).unwrap();
        let store = EmbeddedStore::open(&options).unwrap().store;
        first_light(&store).await;
        store.close().await.unwrap();
        let said = run_as_other_process(TEST, directory.path(), point);
        let acknowledged = said.matches("acknowledged").count();
        assert_eq!(acknowledged, usize::from(COMMITS_BEFORE_DEATH), "{point}: {said}");

        let store = EmbeddedStore::open(&options).unwrap().store;
        let entries = store.entries(Receipt(0), ALL).await.unwrap();
        assert_eq!(entries.len(), 1 + acknowledged + 1, "{point}");
        for child in 0..=COMMITS_BEFORE_DEATH {
            let head = store.read(&RecordKey::Head(pseudonym(child))).await.unwrap();
            assert_eq!(head.unwrap().version, Receipt(1 + u64::from(child)), "{point}");
        }
    }
}

async fn write_until_dead(directory: &Path, point: &str) {
    let clock = Arc::new(ManualClock::default());
    let store = EmbeddedStore::open(&options(directory, clock.clone())).unwrap().store;
    let passed = AtomicU8::new(0);
    let die_in_time = move || {
        if passed.fetch_add(1, Ordering::Relaxed) == COMMITS_BEFORE_DEATH {
            std::process::abort();
        }
    };
    fail::cfg_callback(point, die_in_time).unwrap();
    let mut world = World::start(Arc::new(store), clock).await;
    for child in 0.. {
        world.record(child, 0).await;
        println!("acknowledged {child}");
    }
}

/// sled panics on some of what it finds; nobody can say on what.
#[tokio::test]
async fn an_index_that_panics_on_open_is_built_anew() {
    const TEST: &str = "an_index_that_panics_on_open_is_built_anew";
    if let Some((directory, point)) = other_process() {
        fail::cfg(point, "1*panic").unwrap();
        let opened = EmbeddedStore::open(&options(&directory, Arc::new(ManualClock::default())));
        let opened = opened.unwrap();
        let head = opened.store.read(&RecordKey::Head(pseudonym(0))).await.unwrap();
        println!("rebuilt {} found {}", opened.rebuilt_index, head.is_some());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let options = options(directory.path(), clock.clone());
    EmbeddedStore::create(&options).unwrap();
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    first_light(&*store).await;
    World::start(store.clone(), clock).await.record(0, 0).await;
    store.close().await.unwrap();
    let said = run_as_other_process(TEST, directory.path(), "index-opens");
    assert!(said.contains("rebuilt true found true"), "{said}");
}

/// Something filled the disk faster than that was seen: the frame is durable, and sled did not take it.
#[tokio::test(flavor = "multi_thread")]
async fn an_index_without_space_ends_the_store_and_is_built_once_there_is_some() {
    const TEST: &str = "an_index_without_space_ends_the_store_and_is_built_once_there_is_some";
    if let Some((directory, _)) = other_process() {
        return run_the_index_out_of_space(&directory).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let said = run_as_other_process(TEST, directory.path(), "index-applies");
    assert!(said.contains("stopped: the index did not take a durable frame"), "{said}");
    assert!(said.contains("refused: there is no space to build the index"), "{said}");
    assert!(said.contains("opened: rebuilt true found true"), "{said}");
}

async fn run_the_index_out_of_space(directory: &Path) {
    let disk = VolatileDisk::new();
    let options = options_on(directory, Arc::new(disk.clone())).unwrap();
    EmbeddedStore::create(&options).unwrap();
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), options.clock.clone()).await;
    world.record(0, 0).await;
    fail::cfg("index-applies", "return").unwrap();
    assert!(world.try_record(1, 0).await.is_none());
    println!("stopped: {}", store.failure().borrow().unwrap());
    let _failed = store.close().await;
    drop((world, store));

    fail::cfg("index-opens", "return").unwrap();
    disk.faults().tell_free(Some(0));
    println!("refused: {}", EmbeddedStore::open(&options).unwrap_err());
    fail::remove("index-opens");
    fail::remove("index-applies");
    disk.faults().tell_free(None);
    let opened = EmbeddedStore::open(&options).unwrap();
    let head = opened.store.read(&RecordKey::Head(pseudonym(1))).await.unwrap();
    println!("opened: rebuilt {} found {}", opened.rebuilt_index, head.is_some());
}

/// Burst, quiet, and one alone: what the burst was tells nothing any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_quiet_while_a_commit_waits_for_no_company() {
    const TEST: &str = "after_a_quiet_while_a_commit_waits_for_no_company";
    if let Some((directory, point)) = other_process() {
        return commit_alone_after_a_burst(&directory, &point).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let said = run_as_other_process(TEST, directory.path(), "waits-for-company");
    assert!(said.contains("a batch of 40, then alone: waited 0 times"), "{said}");
}

async fn commit_alone_after_a_burst(directory: &Path, point: &str) {
    const BURST: usize = 40;
    const QUIET: Duration = Duration::from_millis(100);
    let options = options(directory, Arc::new(ManualClock::default()));
    EmbeddedStore::create(&options).unwrap();
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    let waited = Arc::new(AtomicU8::new(0));
    let counted = Arc::clone(&waited);
    let count = move || {
        counted.fetch_add(1, Ordering::SeqCst);
    };
    fail::cfg_callback(point, count).unwrap();
    let commit = || {
        let store = Arc::clone(&store);
        tokio::spawn(async move { put_records(&*store, []).await.unwrap() })
    };
    fail::cfg("before-apply", "pause").unwrap();
    let mut waiting = vec![commit()];
    tokio::time::sleep(QUIET).await;
    waiting.extend((0..BURST).map(|_| commit()));
    tokio::time::sleep(QUIET).await;
    fail::remove("before-apply");
    for one in waiting {
        one.await.unwrap();
    }
    tokio::time::sleep(QUIET).await;
    let before = waited.load(Ordering::SeqCst);
    commit().await.unwrap();
    let waited = waited.load(Ordering::SeqCst) - before;
    println!("a batch of {BURST}, then alone: waited {waited} times");
}

/// There is one thread for all here: were it the one that reads, no timer would go on.
#[tokio::test]
async fn a_read_that_waits_for_the_disk_holds_up_no_timer() {
    const TEST: &str = "a_read_that_waits_for_the_disk_holds_up_no_timer";
    if let Some((directory, point)) = other_process() {
        return read_beside_a_timer(&directory, &point).await;
    }
    let directory = tempfile::tempdir().unwrap();
    let said = run_as_other_process(TEST, directory.path(), "index-reads");
    assert!(said.contains("timer, read, timer, scan, end"), "{said}");
}

async fn read_beside_a_timer(directory: &Path, point: &str) {
    let options = options(directory, Arc::new(ManualClock::default()));
    EmbeddedStore::create(&options).unwrap();
    let store = EmbeddedStore::open(&options).unwrap().store;
    fail::cfg(point, "sleep(1000)").unwrap();
    let timer = async || {
        tokio::time::sleep(Duration::from_millis(20)).await;
        print!("timer, ");
    };
    let read = async {
        store.read(&RecordKey::Head(pseudonym(0))).await.unwrap();
        print!("read, ");
    };
    tokio::join!(read, timer());
    let scan = async {
        store.scan(&Scope::Child(pseudonym(0)), None, ALL).await.unwrap();
        print!("scan, ");
    };
    tokio::join!(scan, timer());
    println!("end");
}
