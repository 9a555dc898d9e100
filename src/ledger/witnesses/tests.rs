use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use signpost_core::directory::Directory;
use signpost_core::memory::MemoryStore;
use signpost_core::policy::Policy;
use signpost_core::testing::Register;
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::Log;
use signpost_ledger::note::Note;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{LogSigner, Seed};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health as _;
use tonic_health::server::HealthService;

use super::*;
use crate::clock::SystemClock;
use crate::entropy::SystemEntropy;
use crate::grpc;
use crate::ledger::keeper::{Keeper, publish};
use crate::witness;

fn signer() -> LogSigner {
    LogSigner::new("test.example/ledger", &Seed::new([7; 32])).unwrap()
}

/// A log of so many entries that say this, with a checkpoint.
fn log(place: &Path, entry: &str, size: u64) -> Log {
    let mut log = Log::create(Arc::new(OsDisk), place, signer()).unwrap();
    for index in 0..size {
        log.append(index, entry.as_bytes()).unwrap();
    }
    log.checkpoint().unwrap();
    log
}

/// A witness that serves as long as the test, and what the configuration says of it.
async fn witness_at(place: &Path, listen: SocketAddr) -> config::Witness {
    let identity = witness::Identity {
        name: "witness.example/w1".to_owned(),
        key: place.join("witness.key"),
        directory: place.join("witness"),
    };
    let key = identity.create().unwrap().to_string();
    let logs = vec![signer().verifier().clone()];
    let server = witness::Server::prepare(&identity, logs, Arc::new(SystemClock)).unwrap();
    let listener = TcpListener::bind(listen).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.run(listener, std::future::pending()));
    config::Witness { url, key }
}

async fn witness(place: &Path) -> config::Witness {
    witness_at(place, "127.0.0.1:0".parse().unwrap()).await
}

async fn compare(one: &config::Witness, log: &Log) -> Result<(), Failure> {
    Witnesses::new(std::slice::from_ref(one), signer().verifier())
        .unwrap()
        .compare(&publish(log))
        .await
}

#[tokio::test]
async fn a_ledger_that_goes_on_is_cosigned_at_every_start() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    let mut log = log(&place.path().join("log"), "one", 3);
    for size in [3, 3, 4, 300] {
        for index in log.size()..size {
            log.append(index, b"one").unwrap();
        }
        log.checkpoint().unwrap();
        compare(&one, &log).await.unwrap();
    }
}

#[tokio::test]
async fn a_witness_of_another_history_seals_the_start() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    compare(&one, &log(&place.path().join("log"), "one", 5)).await.unwrap();
    for (name, entry, size) in
        [("older", "one", 4), ("other", "other", 5), ("longer", "other", 6), ("none", "one", 0)]
    {
        let contradicted = compare(&one, &log(&place.path().join(name), entry, size)).await;
        assert_eq!(contradicted.unwrap_err().exit, Exit::Sealed, "{name}");
    }
    compare(&one, &log(&place.path().join("again"), "one", 7)).await.unwrap();
}

#[tokio::test]
async fn whoever_is_not_the_witness_is_as_if_nobody_were_there() {
    let place = tempfile::tempdir().unwrap();
    let mut one = witness(place.path()).await;
    let log = log(&place.path().join("log"), "one", 5);
    let other = LogSigner::new("witness.example/w1", &Seed::new([9; 32])).unwrap();
    assert_eq!(
        Witnesses::new(
            &[config::Witness { key: other.verifier().to_string(), ..one.clone() }],
            signer().verifier()
        )
        .unwrap_err()
        .exit,
        Exit::Config
    );
    for url in ["https://127.0.0.1", "127.0.0.1:80", "ftp://x", ""] {
        let wrong = config::Witness { url: url.to_owned(), ..one.clone() };
        assert_eq!(
            Witnesses::new(&[wrong], signer().verifier()).unwrap_err().exit,
            Exit::Config,
            "{url}"
        );
    }
    let apart = place.path().join("apart");
    std::fs::create_dir(&apart).unwrap();
    one.key = witness(&apart).await.key;
    compare(&one, &log).await.unwrap();
    one.url += "/nowhere";
    compare(&one, &log).await.unwrap();
    one.url = "http://127.0.0.1:1".to_owned();
    compare(&one, &log).await.unwrap();
}

/// A keeper at work, beside the task that asks witnesses.
struct Scene {
    place: TempDir,
    directory: Directory,
    shelf: Shelf,
    checks: HealthService,
    following: tokio::task::JoinHandle<Result<(), Failure>>,
    _stop: watch::Sender<bool>,
    _close: tokio::sync::oneshot::Sender<()>,
}

impl Scene {
    async fn new(place: TempDir, one: &config::Witness) -> Self {
        let clock = Arc::new(SystemClock);
        let store = Arc::new(MemoryStore::new(clock.clone()));
        let policy = Arc::new(Policy::default());
        Directory::first_light(&*store, &policy, Register::default().into()).await.unwrap();
        let directory = Directory::start(store.clone(), policy, clock, Arc::new(SystemEntropy));
        let directory = directory.await.unwrap();
        let log = Log::create(Arc::new(OsDisk), &place.path().join("log"), signer()).unwrap();
        let (keeper, shelf) = Keeper::new(directory.clone(), store, log);
        let (reporter, _) = tonic_health::server::health_reporter();
        let checks = HealthService::from_health_reporter(reporter.clone());
        let health = Health::new(reporter);
        let (close, closing) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(keeper.keep(health.clone(), async {
            closing.await.ok();
        }));
        let (stop, stopped) = watch::channel(false);
        let witnesses = Witnesses::new(std::slice::from_ref(one), signer().verifier()).unwrap();
        let following = tokio::spawn(witnesses.follow(shelf.clone(), health, stopped));
        Self { place, directory, shelf, checks, following, _stop: stop, _close: close }
    }

    async fn status(&self) -> Option<i32> {
        let request = HealthCheckRequest { service: grpc::WITNESSED.to_owned() };
        let checked = self.checks.check(Request::new(request)).await;
        checked.ok().map(|checked| checked.into_inner().status)
    }

    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        let waiting = async {
            while !is_so(self).await {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_mins(1), waiting).await;
        waited.unwrap_or_else(|_| panic!("waited too long for {what}"));
    }

    fn is_cosigned(&self, key: &str) -> bool {
        let key: VerifierKey = key.parse().unwrap();
        let note = Note::parse(self.shelf.last().note.as_bytes()).unwrap();
        note.verify(&key).is_ok()
    }
}

#[tokio::test]
async fn every_checkpoint_comes_to_bear_the_witnesss_signature() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    let scene = Scene::new(place, &one).await;
    for _ in 0..3 {
        scene.directory.record_full().await.unwrap();
        let size = scene.shelf.fresh().await.reader.checkpoint().size;
        scene.until("the cosignature", async |scene| scene.is_cosigned(&one.key)).await;
        assert!(scene.shelf.last().reader.checkpoint().size >= size);
        scene.until("health", async |scene| scene.status().await == Some(1)).await;
    }
    let lying = std::fs::read(scene.place.path().join("log/checkpoint")).unwrap();
    Note::parse(&lying).unwrap().verify(&one.key.parse().unwrap()).unwrap();
}

#[tokio::test]
async fn without_its_witness_the_ledger_goes_on_and_says_so_until_it_is_there() {
    let place = tempfile::tempdir().unwrap();
    // An address that nobody has, until the witness does.
    let listen = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let key = LogSigner::new("x", &Seed::new([1; 32])).unwrap();
    drop(key);
    let apart = place.path().join("apart");
    std::fs::create_dir(&apart).unwrap();
    let made = witness(&apart).await;
    let absent = config::Witness { url: format!("http://{listen}"), key: made.key };
    let scene = Scene::new(place, &absent).await;
    scene.until("the want of it", async |scene| scene.status().await == Some(2)).await;
    scene.directory.record_full().await.unwrap();
    assert!(scene.shelf.fresh().await.reader.checkpoint().size > 1);
    assert!(!scene.is_cosigned(&absent.key));
    assert!(!scene.following.is_finished());
}

#[tokio::test]
async fn a_witness_that_contradicts_ends_the_service() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    compare(&one, &log(&place.path().join("other"), "other", 50)).await.unwrap();
    let scene = Scene::new(place, &one).await;
    scene.directory.record_full().await.unwrap();
    assert_eq!(scene.following.await.unwrap().unwrap_err().exit, Exit::Sealed);
}

/// Somebody between, who answers every request with this.
async fn impostor(answer: &'static str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _read = stream.read(&mut [0; 4096]).await;
            stream.write_all(answer.as_bytes()).await.ok();
        }
    });
    url
}

#[tokio::test]
async fn an_unsigned_word_seals_a_start_and_ends_no_service() {
    for answer in [
        "HTTP/1.1 409 Conflict\r\ncontent-type: text/x.tlog.size\r\ncontent-length: 8\r\n\r\n1000000\n",
        "HTTP/1.1 422 Unprocessable Entity\r\ncontent-length: 0\r\n\r\n",
    ] {
        let place = tempfile::tempdir().unwrap();
        let one = config::Witness { url: impostor(answer).await, ..witness(place.path()).await };
        let log = log(&place.path().join("other"), "one", 5);
        assert_eq!(compare(&one, &log).await.unwrap_err().exit, Exit::Sealed);
        let scene = Scene::new(place, &one).await;
        scene.directory.record_full().await.unwrap();
        scene.until("health", async |scene| scene.status().await == Some(2)).await;
        scene.shelf.fresh().await;
        assert!(!scene.following.is_finished());
    }
}
