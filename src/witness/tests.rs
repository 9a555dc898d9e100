use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn;
use hyper::{Method, StatusCode};
use signpost_ledger::disk::OsDisk;
use signpost_ledger::log::Log;
use signpost_ledger::note::Note;
use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::signer::{LogSigner, Seed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::SystemClock;

/// A witness that serves, and how it is told to stop.
struct Running {
    place: tempfile::TempDir,
    address: std::net::SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<Result<(), Failure>>,
}

fn log_signer(seed: u8) -> LogSigner {
    LogSigner::new("signpost.example/ledger", &Seed::new([seed; 32])).unwrap()
}

fn identity(place: &Path) -> Identity {
    let (key, directory) = (place.join("witness.key"), place.join("witness"));
    Identity { name: "witness.example/w1".to_owned(), key, directory }
}

fn prepare(place: &Path) -> Result<Server, Failure> {
    let logs = vec![log_signer(7).verifier().clone()];
    Server::prepare(&identity(place), logs, Arc::new(SystemClock))
}

impl Running {
    async fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        identity(place.path()).create().unwrap();
        let server = prepare(place.path()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            stopped.await.ok();
        };
        Self { place, address, stop, ended: tokio::spawn(server.run(listener, stopped)) }
    }

    async fn send(&self, method: Method, path: &str, body: &str) -> (StatusCode, String, String) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let (mut sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = hyper::Request::builder().method(method).uri(path).header("host", "witness");
        let request = request.body(Full::new(Bytes::from(body.to_owned()))).unwrap();
        let response = sender.send_request(request).await.unwrap();
        let status = response.status();
        let kind = response.headers()[hyper::header::CONTENT_TYPE].to_str().unwrap().to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, kind, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn add(&self, request: &Request) -> (StatusCode, String, String) {
        self.send(Method::POST, "/add-checkpoint", &request.to_string()).await
    }
}

/// A log, and what it asks of a witness.
struct Asking {
    log: Log,
    _place: tempfile::TempDir,
}

impl Asking {
    fn new(entry: &str) -> Self {
        let place = tempfile::tempdir().unwrap();
        let disk = Arc::new(OsDisk);
        let mut log = Log::create(disk, &place.path().join("log"), log_signer(7)).unwrap();
        for index in 0..5 {
            log.append(index, entry.as_bytes()).unwrap();
        }
        log.checkpoint().unwrap();
        Self { log, _place: place }
    }

    fn request(&self, old_size: u64, size: u64) -> Request {
        let reader = self.log.reader();
        let path = reader.consistency(old_size.min(size), size).unwrap().path;
        let origin = log_signer(7).verifier().name().to_owned();
        let checkpoint = Checkpoint { origin, size, root: reader.root(size).unwrap() };
        let note = Note::new(checkpoint.to_string()).unwrap();
        let signature = log_signer(7).sign(&note);
        Request { old_size, path, note: note.with(signature) }
    }
}

#[tokio::test]
async fn a_checkpoint_is_cosigned_and_each_refusal_has_its_status() {
    let running = Running::new().await;
    let (log, other) = (Asking::new("one"), Asking::new("other"));
    let first = log.request(0, 3);
    let (status, _, body) = running.add(&first).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let cosigned = Note::parse(format!("{}{body}", first.note).as_bytes()).unwrap();
    let key = identity(running.place.path()).signer().unwrap().verifier().clone();
    let time = cosigned.verify(&key).unwrap().unwrap();
    assert!(time.abs_diff(SystemClock.now().as_second().cast_unsigned()) < 600);

    let unknown = log.request(3, 5).to_string().replace("signpost.example/ledger", "elsewhere");
    let mut forged = log.request(3, 5);
    let note = Note::new(forged.note.text().to_owned()).unwrap();
    let signature = log_signer(8).sign(&note);
    forged.note = note.with(signature);
    let post = |body: String| running.send(Method::POST, "/add-checkpoint", body.leak());
    assert_eq!(post(String::new()).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post("x".repeat(1 << 20)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(post(unknown).await.0, StatusCode::NOT_FOUND);
    assert_eq!(post(forged.to_string()).await.0, StatusCode::FORBIDDEN);
    assert_eq!(running.add(&log.request(4, 3)).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(running.add(&other.request(3, 5)).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    for conflicting in [log.request(0, 5), other.request(3, 3)] {
        let (status, kind, body) = running.add(&conflicting).await;
        let expected = (StatusCode::CONFLICT, "text/x.tlog.size", "3\n");
        assert_eq!((status, kind.as_str(), body.as_str()), expected);
    }
    assert_eq!(running.send(Method::GET, "/", "").await.0, StatusCode::NOT_FOUND);
    let (status, ..) = running.send(Method::GET, "/add-checkpoint", "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(running.add(&log.request(3, 5)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn it_stops_when_told_and_goes_on_where_it_was() {
    let running = Running::new().await;
    let log = Asking::new("one");
    assert_eq!(running.add(&log.request(0, 3)).await.0, StatusCode::OK);
    let second = prepare(running.place.path()).unwrap_err();
    assert_eq!(second.exit, Exit::Locked);
    // A connection that says nothing does not hold the stop up for ever.
    let _silent = TcpStream::connect(running.address).await.unwrap();
    running.stop.send(()).unwrap();
    running.ended.await.unwrap().unwrap();
    let witness = prepare(running.place.path()).unwrap();
    let refused = witness.desk.add_checkpoint(log.request(0, 5).to_string().as_bytes());
    assert!(matches!(refused, Err(Refused::OtherSize { latest: 3 })), "{refused:?}");
}

/// What it answers to these bytes over a connection that holds so many on their way.
async fn answer_to(sent: &str, buffer: usize, lasts_at_most: Duration, reads: bool) -> String {
    let apart = tempfile::tempdir().unwrap();
    identity(apart.path()).create().unwrap();
    let desk = prepare(apart.path()).unwrap().desk;
    let (mut client, ours) = tokio::io::duplex(buffer);
    let stopping = watch::Sender::new(false);
    let served = serve(desk, ours, stopping.subscribe(), lasts_at_most);
    let mut answer = String::new();
    let asking = async {
        client.write_all(sent.as_bytes()).await.unwrap();
        if reads {
            client.read_to_string(&mut answer).await.unwrap();
        }
    };
    let both = async { tokio::join!(served, asking) };
    tokio::time::timeout(Duration::from_mins(1), both).await.expect("it ends by itself");
    answer
}

const GET: &str = "GET /add-checkpoint HTTP/1.1\r\nhost: witness\r\n\r\n";

#[tokio::test]
async fn a_connection_is_for_one_request() {
    let answer = answer_to(&GET.repeat(3), 1 << 16, Duration::from_mins(2), true).await;
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn whoever_does_not_read_keeps_no_place() {
    answer_to(GET, 64, Duration::from_millis(50), false).await;
}

#[tokio::test]
async fn a_witness_whose_file_was_replaced_answers_that_and_ends() {
    let running = Running::new().await;
    let log = Asking::new("one");
    assert_eq!(running.add(&log.request(0, 3)).await.0, StatusCode::OK);
    let files = std::fs::read_dir(identity(running.place.path()).directory).unwrap();
    let kept = files.map(|file| file.unwrap().path()).find(|path| !path.ends_with("lock"));
    std::fs::write(kept.unwrap(), "another").unwrap();
    let (status, _, body) = running.add(&log.request(3, 5)).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!body.contains('/'), "{body}");
    assert_eq!(running.ended.await.unwrap().unwrap_err().exit, Exit::StoreFailed);
    assert_eq!(prepare(running.place.path()).unwrap_err().exit, Exit::Sealed);
}

#[test]
fn a_directory_or_key_that_is_there_is_not_made_anew() {
    let place = tempfile::tempdir().unwrap();
    let identity = identity(place.path());
    let key = identity.create().unwrap();
    assert_eq!(identity.create().unwrap_err().exit, Exit::Config);
    assert_eq!(*identity.signer().unwrap().verifier(), key);
    std::fs::remove_dir_all(&identity.directory).unwrap();
    assert_eq!(prepare(place.path()).unwrap_err().exit, Exit::Config, "it does not begin anew");
}
