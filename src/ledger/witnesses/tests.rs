use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signpost_core::directory::Directory;
use signpost_core::faulty::{Call, Fault, FaultyStore};
use signpost_core::id::Receipt;
use signpost_core::store::Store;
use signpost_embedded::disk::volatile::{Faults, VolatileDisk};
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::Log;
use signpost_ledger::note::Note;
use signpost_ledger::note::key::VerifierKey;
use signpost_ledger::note::signer::{LogSigner, Seed, WitnessSigner};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tonic::Request;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_server::Health as _;
use tonic_health::server::HealthService;

use super::*;
use crate::clock::SystemClock;
use crate::grpc;
use crate::ledger::disk::LogDisk;
use crate::ledger::keeper::{Keeper, publish};
use crate::testing::{first_light, ledger_signer, until};
use crate::witness;

/// A log with a checkpoint over these entries: made, or gone on with.
fn log(place: &Path, entries: &[Vec<u8>]) -> Log {
    let disk = Arc::new(OsDisk);
    let opened = Log::open(disk.clone(), place, ledger_signer());
    let log = opened.or_else(|_| Log::create(disk, place, ledger_signer()));
    let mut log = log.unwrap();
    for (index, entry) in (0..).zip(entries).skip(usize::try_from(log.size()).unwrap()) {
        log.append(index, entry).unwrap();
    }
    log.checkpoint().unwrap();
    log
}

/// So many entries that say this.
fn alike(entry: &str, count: usize) -> Vec<Vec<u8>> {
    vec![entry.as_bytes().to_vec(); count]
}

/// A store of seven entries, and these.
async fn stored() -> (Arc<FaultyStore>, Vec<Vec<u8>>) {
    let (store, rules) = first_light().await;
    for _ in 0..3 {
        rules.record_full().await.unwrap();
        rules.record_writable().await.unwrap();
    }
    let entries = store.entries(Receipt(0), std::num::NonZeroUsize::MAX).await.unwrap();
    (store, entries.iter().map(|entry| entry.as_bytes().to_vec()).collect())
}

fn identity(place: &Path) -> witness::Identity {
    witness::Identity {
        name: "witness.example/w1".to_owned(),
        key: place.join("witness.key"),
        directory: place.join("witness"),
    }
}

/// A witness that serves as long as the test; gives its URL.
async fn serve(identity: &witness::Identity, listen: SocketAddr) -> String {
    let logs = vec![ledger_signer().verifier().clone()];
    let server = witness::Server::prepare(identity, logs, Arc::new(SystemClock)).unwrap();
    let listener = TcpListener::bind(listen).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(server.run(listener, std::future::pending()));
    url
}

/// What the configuration says of a new witness.
async fn witness(place: &Path) -> config::Witness {
    let identity = identity(place);
    let key = identity.create().unwrap().to_string();
    config::Witness { url: serve(&identity, ([127, 0, 0, 1], 0).into()).await, key }
}

fn asker(one: &config::Witness) -> Witness {
    Witness::new(one, ledger_signer().verifier().clone()).unwrap()
}

async fn ask_for(one: &config::Witness, log: &Log) -> Result<Cosigned, NotCosigned> {
    asker(one).ask(&publish(log)).await
}

/// What a start says.
async fn compare(one: &config::Witness, feed: &Feed) -> Result<(), Failure> {
    let witnesses = Witnesses::new(std::slice::from_ref(one), ledger_signer().verifier());
    witnesses.unwrap().compare(feed).await
}

/// What a start says whose store has nothing that the log has not.
async fn compare_log(one: &config::Witness, log: Log) -> Result<(), Failure> {
    compare(one, &Feed::new(first_light().await.0, log)).await
}

#[tokio::test]
async fn a_ledger_that_goes_on_is_cosigned_at_every_start() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    for size in [3, 3, 4, 300] {
        let log = log(&place.path().join("log"), &alike("one", size));
        ask_for(&one, &log).await.unwrap();
        compare_log(&one, log).await.unwrap();
    }
}

#[tokio::test]
async fn a_witness_that_shows_another_history_seals_the_start() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    ask_for(&one, &log(&place.path().join("log"), &alike("one", 5))).await.unwrap();
    for (name, entry, size) in
        [("older", "one", 4), ("other", "other", 5), ("longer", "other", 6), ("none", "one", 0)]
    {
        let log = log(&place.path().join(name), &alike(entry, size));
        let shown = ask_for(&one, &log).await.unwrap_err();
        let NotCosigned::Contradicts { seen, .. } = shown else { panic!("{name}: {shown}") };
        assert_eq!(seen.size, 5, "{name}");
        assert_eq!(compare_log(&one, log).await.unwrap_err().exit, Exit::Sealed, "{name}");
    }
    compare_log(&one, log(&place.path().join("again"), &alike("one", 7))).await.unwrap();
}

/// The repair of a ledger that is lost: from the store, which the witness's checkpoint is a part of.
#[tokio::test]
async fn an_older_tree_is_filled_and_compared_before_anything_more_is_signed() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    let path = |name: &str| place.path().join(name);
    let signed = |feed: &Feed| feed.published().reader.checkpoint().size;
    let (store, entries) = stored().await;
    ask_for(&one, &log(&path("log"), &entries[..5])).await.unwrap();
    for (name, size) in [("none", 0), ("older", 3)] {
        let feed = Feed::new(store.clone(), log(&path(name), &entries[..size]));
        compare(&one, &feed).await.unwrap();
        assert_eq!((feed.size(), signed(&feed)), (5, size as u64), "filled, and not signed");
    }
    let (other, others) = stored().await;
    for (name, size) in [("other-none", 0), ("other", 3)] {
        let feed = Feed::new(other.clone(), log(&path(name), &others[..size]));
        assert_eq!(compare(&one, &feed).await.unwrap_err().exit, Exit::Sealed);
        assert_eq!(signed(&feed), size as u64);
    }
    let longer = [entries.clone(), alike("later", 3)].concat();
    ask_for(&one, &log(&path("log"), &longer)).await.unwrap();
    let feed = Feed::new(store.clone(), log(&path("older"), &entries[..3]));
    assert_eq!(compare(&one, &feed).await.unwrap_err().exit, Exit::Sealed, "the store is older");
    let feed = Feed::new(store.clone(), log(&path("older"), &entries[..3]));
    store.fail(Call::Entries, 0, Fault::Refuses);
    assert_eq!(compare(&one, &feed).await.unwrap_err().exit, Exit::Unavailable, "not read");
}

#[test]
fn what_is_no_witness_is_refused_in_the_configuration() {
    let signer = WitnessSigner::new("witness.example/w1", &Seed::new([8; 32])).unwrap();
    let good = config::Witness {
        url: "http://127.0.0.1:80/w1/".to_owned(),
        key: signer.verifier().to_string(),
    };
    let read = |one| Witnesses::new(&[one], ledger_signer().verifier());
    read(good.clone()).unwrap();
    let other = LogSigner::new("witness.example/w1", &Seed::new([9; 32])).unwrap();
    let wrong = config::Witness { key: other.verifier().to_string(), ..good.clone() };
    assert_eq!(read(wrong).unwrap_err().exit, Exit::Config);
    for url in ["https://127.0.0.1", "127.0.0.1:80", "ftp://x", ""] {
        let wrong = config::Witness { url: url.to_owned(), ..good.clone() };
        assert_eq!(read(wrong).unwrap_err().exit, Exit::Config, "{url}");
    }
}

/// Somebody who holds the key of a witness, answers what they please, and counts.
struct Impostor {
    config: config::Witness,
    asked: Arc<AtomicUsize>,
}

fn impostors_key() -> WitnessSigner {
    WitnessSigner::new("witness.example/w1", &Seed::new([8; 32])).unwrap()
}

impl Impostor {
    /// Answers a checkpoint with this, and shows that.
    async fn new(status: &str, body: &str, shows: &str) -> Self {
        let answer = |status: &str, body: &str| {
            format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len())
        };
        let (cosigns, shows) = (answer(status, body), answer("200 OK", shows));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).await.unwrap_or(0);
                let posted = request[..read].starts_with(b"POST");
                stream.write_all(if posted { &cosigns } else { &shows }.as_bytes()).await.ok();
                counted.fetch_add(usize::from(posted), Ordering::Relaxed);
            }
        });
        let key = impostors_key().verifier().to_string();
        Self { config: config::Witness { url, key }, asked }
    }

    async fn asked_again(&self) {
        until("two questions", async || self.asked.load(Ordering::Relaxed) >= 2).await;
    }
}

/// The note with the log's signature and the impostor's, and the line of the latter.
fn cosigned(text: String) -> (String, String) {
    let note = Note::new(text).unwrap();
    let ours = impostors_key().cosign(&note, 1_700_000_000).unwrap();
    let line = format!("{ours}\n");
    let signed = ledger_signer().sign(&note);
    (note.with(signed).with(ours).to_string(), line)
}

#[tokio::test]
async fn an_answer_that_is_no_cosignature_seals_a_start_and_silence_does_not() {
    let place = tempfile::tempdir().unwrap();
    let entries = alike("one", 5);
    let ours = log(&place.path().join("log"), &entries);
    let text = ours.note().text().to_owned();
    let (_, good) = cosigned(text.clone());
    let other = LogSigner::new("x.example", &Seed::new([1; 32])).unwrap().sign(ours.note());
    // It signs another text, of which ours is the beginning.
    let moved = format!("x\n\n{}", cosigned(format!("{text}\nx\n")).1);
    for (status, body, exit) in [
        ("200 OK", good.as_str(), None),
        ("200 OK", "", Some(Exit::Sealed)),
        ("200 OK", &moved, Some(Exit::Sealed)),
        ("200 OK", &format!("{other}\n"), Some(Exit::Sealed)),
        ("400 Bad Request", "", Some(Exit::Sealed)),
        ("403 Forbidden", "", Some(Exit::Sealed)),
        ("404 Not Found", "", Some(Exit::Sealed)),
        ("409 Conflict", "many", Some(Exit::Sealed)),
        ("503 Service Unavailable", "", Some(Exit::Sealed)),
        ("502 Bad Gateway", "", None),
        ("504 Gateway Timeout", "", None),
    ] {
        let impostor = Impostor::new(status, body, "").await;
        let log = log(&place.path().join("log"), &entries);
        let compared = compare_log(&impostor.config, log).await;
        assert_eq!(compared.err().map(|failure| failure.exit), exit, "{status} {body}");
    }
    let silent = config::Witness {
        url: "http://127.0.0.1:1".to_owned(),
        key: impostors_key().verifier().to_string(),
    };
    compare_log(&silent, ours).await.unwrap();
}

#[tokio::test]
async fn a_tile_that_cannot_be_read_is_no_other_history() {
    let place = tempfile::tempdir().unwrap();
    let ours = log(&place.path().join("log"), &alike("one", 300));
    let origin = ledger_signer().verifier().name().to_owned();
    let checkpoint = |root| Checkpoint { origin: origin.clone(), size: 5, root }.to_string();
    let (same, _) = cosigned(checkpoint(ours.reader().root(5).unwrap()));
    let (other, _) = cosigned(checkpoint(ours.reader().root(6).unwrap()));
    let same = Impostor::new("422 Unprocessable Entity", "", &same).await;
    let other = Impostor::new("422 Unprocessable Entity", "", &other).await;
    let said = ask_for(&same.config, &ours).await.unwrap_err();
    assert!(matches!(said, NotCosigned::Claims { .. }), "{said}");
    let said = ask_for(&other.config, &ours).await.unwrap_err();
    assert!(matches!(said, NotCosigned::Contradicts { .. }), "{said}");
    std::fs::remove_file(place.path().join("log/tile/0/000")).unwrap();
    for one in [same, other] {
        let said = ask_for(&one.config, &ours).await.unwrap_err();
        assert!(matches!(said, NotCosigned::Claims { .. }), "{said}");
    }
}

/// A keeper at work, beside the task that asks witnesses.
struct Scene {
    place: TempDir,
    directory: Directory,
    shelf: Shelf,
    checks: HealthService,
    faults: Faults,
    following: tokio::task::JoinHandle<Result<(), Failure>>,
    _stop: watch::Sender<bool>,
    _close: tokio::sync::oneshot::Sender<()>,
}

impl Scene {
    async fn new(place: TempDir, witnesses: &[config::Witness]) -> Self {
        let (store, directory) = first_light().await;
        let disk = VolatileDisk::new();
        let faults = disk.faults();
        let disk = Arc::new(LogDisk(Arc::new(disk)));
        let log = Log::create(disk, &place.path().join("log"), ledger_signer()).unwrap();
        let (keeper, shelf) = Keeper::new(directory.clone(), Feed::new(store, log));
        let (reporter, _) = tonic_health::server::health_reporter();
        let checks = HealthService::from_health_reporter(reporter.clone());
        let health = Health::new(reporter);
        let (close, closing) = tokio::sync::oneshot::channel::<()>();
        tokio::spawn(keeper.keep(health.clone(), async {
            closing.await.ok();
        }));
        let (stop, stopped) = watch::channel(false);
        let witnesses = Witnesses::new(witnesses, ledger_signer().verifier()).unwrap();
        let following = tokio::spawn(witnesses.follow(shelf.clone(), health, stopped));
        Self { place, directory, shelf, checks, faults, following, _stop: stop, _close: close }
    }

    async fn until_health_says(&self, status: i32) {
        until("health", async || {
            let request = HealthCheckRequest { service: grpc::WITNESSED.to_owned() };
            let checked = self.checks.check(Request::new(request)).await;
            checked.is_ok_and(|checked| checked.into_inner().status == status)
        })
        .await;
    }

    async fn until_cosigned(&self, key: &str) {
        let key: VerifierKey = key.parse().unwrap();
        until("the cosignature", async || {
            Note::parse(self.shelf.last().note.as_bytes()).unwrap().verify(&key).is_ok()
        })
        .await;
    }
}

#[tokio::test]
async fn every_checkpoint_comes_to_bear_the_witnesss_signature() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    let scene = Scene::new(place, std::slice::from_ref(&one)).await;
    for _ in 0..3 {
        scene.directory.record_full().await.unwrap();
        let size = scene.shelf.fresh().await.reader.checkpoint().size;
        scene.until_cosigned(&one.key).await;
        assert!(scene.shelf.last().reader.checkpoint().size >= size);
        scene.until_health_says(1).await;
    }
    let lying = std::fs::read(scene.place.path().join("log/checkpoint")).unwrap();
    Note::parse(&lying).unwrap().verify(&one.key.parse().unwrap()).unwrap();
}

#[tokio::test]
async fn without_its_witness_the_ledger_goes_on_and_says_so_until_it_is_there() {
    let place = tempfile::tempdir().unwrap();
    // An address that nobody has, until the witness does.
    let listen = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let identity = identity(place.path());
    let key = identity.create().unwrap().to_string();
    let absent = config::Witness { url: format!("http://{listen}"), key };
    let scene = Scene::new(place, std::slice::from_ref(&absent)).await;
    scene.until_health_says(2).await;
    scene.directory.record_full().await.unwrap();
    assert!(scene.shelf.fresh().await.reader.checkpoint().size > 1);
    assert!(!scene.following.is_finished());
    serve(&identity, listen).await;
    scene.until_cosigned(&absent.key).await;
    scene.until_health_says(1).await;
}

#[tokio::test]
async fn a_witness_that_shows_another_history_ends_the_service() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    ask_for(&one, &log(&place.path().join("other"), &alike("other", 50))).await.unwrap();
    let scene = Scene::new(place, &[one]).await;
    scene.directory.record_full().await.unwrap();
    let ended = tokio::time::timeout(Duration::from_mins(1), scene.following).await;
    assert_eq!(ended.expect("it ends").unwrap().unwrap_err().exit, Exit::Sealed);
}

/// Whoever has a checkpoint of ours can show it to the witness before we do.
#[tokio::test]
async fn a_later_checkpoint_of_our_own_is_no_other_history() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    let scene = Scene::new(place, &[]).await;
    let older = scene.shelf.fresh().await;
    scene.directory.record_full().await.unwrap();
    let newer = scene.shelf.fresh().await;
    asker(&one).ask(&newer).await.unwrap();
    let said = asker(&one).ask(&older).await.unwrap_err();
    assert!(matches!(said, NotCosigned::Contradicts { .. }), "by what it was asked for: {said}");
    ask(&mut asker(&one), &scene.shelf, older).await.unwrap();
}

/// After a start with an older copy of the tree, and no space to fill it.
#[tokio::test]
async fn what_we_cannot_sign_now_is_no_other_history() {
    let place = tempfile::tempdir().unwrap();
    let one = witness(place.path()).await;
    ask_for(&one, &log(&place.path().join("other"), &alike("other", 50))).await.unwrap();
    let scene = Scene::new(place, &[]).await;
    scene.shelf.fresh().await;
    scene.faults.no_space(0);
    scene.directory.record_full().await.unwrap();
    let said = ask(&mut asker(&one), &scene.shelf, scene.shelf.last()).await.unwrap_err();
    assert!(matches!(said, NotCosigned::Missing { .. }), "{said}");
    scene.faults.space_again();
    let said = ask(&mut asker(&one), &scene.shelf, scene.shelf.last()).await.unwrap_err();
    assert!(matches!(said, NotCosigned::Contradicts { .. }), "{said}");
}

#[tokio::test]
async fn an_unsigned_word_seals_a_start_and_ends_no_service() {
    for (status, body) in
        [("409 Conflict", "1000000\n"), ("422 Unprocessable Entity", ""), ("403 Forbidden", "")]
    {
        let place = tempfile::tempdir().unwrap();
        let impostor = Impostor::new(status, body, "").await;
        let other = log(&place.path().join("other"), &alike("one", 5));
        let said = ask_for(&impostor.config, &other).await.unwrap_err();
        assert!(
            matches!(said, NotCosigned::Claims { .. } | NotCosigned::Refuses { .. }),
            "{status}: {said}"
        );
        assert_eq!(compare_log(&impostor.config, other).await.unwrap_err().exit, Exit::Sealed);
        impostor.asked.store(0, Ordering::Relaxed);
        let scene = Scene::new(place, std::slice::from_ref(&impostor.config)).await;
        scene.directory.record_full().await.unwrap();
        impostor.asked_again().await;
        scene.until_health_says(2).await;
        assert!(!scene.following.is_finished());
    }
}
