//! The binary as a process: how it starts, how it stops, and what its exit codes say.

mod commands;
mod disk;
mod first_light;
mod keys;
mod kill;
mod small;
mod walkthrough;

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

use rustix::process::Signal;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;

use crate::harness::{Binary, Caller, World, eventually, question, reopened};

#[tokio::test(flavor = "multi_thread")]
async fn told_to_stop_it_ends_what_is_in_progress_and_loses_no_answer() {
    let world = Binary::initialised();
    let mut binary = Binary::serve(&world, &[]).await;
    let asker = binary.person(&world, "SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let (mut caseload, mut answers) = open_caseload(&asker, &child).await;
    let mut receipts = vec![answer(&mut answers).await];
    let (told, mut asked_beside) = mpsc::unbounded_channel();
    let colleague = binary.person(&world, "colleague");
    let asking = tokio::spawn(ask_until_refused(colleague, child.clone(), told));
    for _ in 0..10 {
        receipts.push(asked_beside.recv().await.unwrap());
    }
    let watcher = binary.person(&world, "teacher");
    let watch = watcher.health().watch(HealthCheckRequest::default()).await.unwrap();
    let mut watch = watch.into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);

    binary.signal(Signal::TERM);
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
    drop(watch);
    eventually("new connections to be refused", || async {
        TcpStream::connect(binary.address).await.is_err().then_some(())
    })
    .await;
    // A caseload that is open goes on to its end.
    for _ in 0..3 {
        caseload.send(asked(&child)).await.unwrap();
        receipts.push(answer(&mut answers).await);
    }
    caseload.close_channel();
    assert!(answers.message().await.unwrap().is_none());
    asking.await.unwrap();
    while let Some(receipt) = asked_beside.recv().await {
        receipts.push(receipt);
    }

    let ended = binary.ended().await;
    assert_eq!(ended.code(), Some(0), "{}", binary.log());
    let ledger = reopened(&world).await;
    for receipt in receipts {
        assert_eq!(ledger.at(receipt).outcome(), Outcome::NoVisibleContact);
        assert!([Action::Ask, Action::AskMany].contains(&ledger.at(receipt).action()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_is_one_process_s_and_a_port_too() {
    let world = Binary::initialised();
    let binary = Binary::serve(&world, &[]).await;
    let second = Binary::output(&world, &["serve"], &[]);
    assert_refused(&second, 75, "lock");

    let other = Binary::initialised();
    let address = binary.address.to_string();
    let third = Binary::output(&other, &["serve"], &[("SERVER__LISTEN", &address)]);
    assert_refused(&third, 69, &address);
}

#[test]
fn a_wrong_configuration_is_one_line_that_names_the_key() {
    let world = Binary::initialised();
    for (key, value, named) in [
        ("SERVER__LISTEN", "nowhere", "listen"),
        ("SERVER__LISTNE", "127.0.0.1:0", "listne"),
        ("LIMITS__DRAIN_SECONDS_MAX", "0", "drain_seconds_max"),
        ("LIMITS__CONNECTIONS_MAX", "-1", "connections_max"),
        ("STORE__KEYRING", "data/keyring", "store.keyring"),
        ("PSEUDONYMISER__MODE", "elsewhere", "mode"),
        ("LOG__LEVEL", "loud", "level"),
        ("POLICY__FILE", "no-such-file.toml", "no-such-file.toml"),
    ] {
        for command in ["serve", "check-config"] {
            let refused = Binary::output(&world, &[command], &[(key, value)]);
            assert_refused(&refused, 64, named);
        }
    }
    let text = std::fs::read_to_string(world.path("signpost.toml")).unwrap();
    for (wrong, named) in [("[serve]\n", "serve"), ("[log]\n", "log"), ("= 1\n", "signpost.toml")] {
        std::fs::write(world.path("signpost.toml"), format!("{text}\n{wrong}")).unwrap();
        assert_refused(&Binary::output(&world, &["serve"], &[]), 64, named);
    }
    std::fs::remove_file(world.path("signpost.toml")).unwrap();
    assert_refused(&Binary::output(&world, &["serve"], &[]), 64, "signpost.toml");
}

#[test]
fn what_was_never_initialised_or_is_of_another_format_is_not_served() {
    let world = Binary::initialised();
    let (data, away) = (world.path("data"), world.path("away"));
    std::fs::rename(&data, &away).unwrap();
    assert_refused(&Binary::output(&world, &["serve"], &[]), 64, "data");
    assert!(!data.exists(), "serving makes no directory");

    std::fs::rename(&away, &data).unwrap();
    std::fs::write(data.join("FORMAT"), "signpost-data 4\n").unwrap();
    assert_refused(&Binary::output(&world, &["serve"], &[]), 65, "FORMAT");

    let empty = World::new();
    assert_refused(&Binary::output(&empty, &["serve"], &[]), 64, "");
}

#[test]
fn a_second_initialisation_is_refused_and_changes_nothing() {
    let world = Binary::initialised();
    let before = files(&world.path(""));
    let init = ["init", "--bootstrap", "bootstrap.toml"];
    assert_refused(&Binary::output(&world, &init, &[]), 64, "");
    assert!(files(&world.path("")) == before, "with its tokens still there");

    std::fs::rename(world.path("tokens"), world.path("handed-over")).unwrap();
    std::fs::create_dir(world.path("tokens")).unwrap();
    let before = files(&world.path(""));
    assert_refused(&Binary::output(&world, &init, &[]), 64, "data");
    assert!(files(&world.path("")) == before, "with its tokens handed over");
}

#[test]
fn a_secret_that_others_may_read_is_refused_by_name() {
    let world = Binary::initialised();
    for secret in ["pki/server.key", "evaluation.keys"] {
        let path = world.path(secret);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        assert_refused(&Binary::output(&world, &["serve"], &[]), 64, secret);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    let keyring = world.path("keyring");
    std::fs::set_permissions(&keyring, PermissionsExt::from_mode(0o755)).unwrap();
    let refused = Binary::output(&world, &["serve"], &[]);
    assert!(!refused.status.success() && text(&refused).contains("keyring"), "{refused:?}");
}

/// The process ended at once with this code and one line, which names this.
fn assert_refused(output: &Output, code: i32, named: &str) {
    let told = text(output);
    assert_eq!(output.status.code(), Some(code), "{told}");
    let lines: Vec<&str> = told.lines().filter(|line| line.starts_with("signpost: ")).collect();
    let [line] = lines.as_slice() else { panic!("one line: {told}") };
    assert!(line.contains(named), "{named} is not in: {line}");
    assert!(told.trim_end().ends_with(line), "the line is the last: {told}");
    assert!(output.stdout.is_empty());
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Every file below a folder and what it holds.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let content = std::fs::read(&path).unwrap();
            found.insert(path, content);
        }
    }
    found
}

type Answers = tonic::Streaming<v1::AskManyResponse>;

/// A caseload that stays open, its first question asked.
async fn open_caseload(asker: &Caller, child: &[v1::Pseudonym]) -> (Questions, Answers) {
    let (questions, received) = mpsc::channel(4);
    questions.send(asked(child)).await.unwrap();
    let request = asker.request(ReceiverStream::new(received));
    let answers = asker.signpost().ask_many(request).await.unwrap().into_inner();
    (Questions(Some(questions)), answers)
}

struct Questions(Option<mpsc::Sender<v1::AskManyRequest>>);

impl Questions {
    async fn send(&self, question: v1::AskManyRequest) -> Result<(), &'static str> {
        self.0.as_ref().unwrap().send(question).await.map_err(|_| "the stream has ended")
    }

    fn close_channel(&mut self) {
        self.0 = None;
    }
}

fn asked(child: &[v1::Pseudonym]) -> v1::AskManyRequest {
    v1::AskManyRequest { number: 1, question: Some(question(child)) }
}

async fn answer(answers: &mut Answers) -> u64 {
    match answers.message().await.unwrap().unwrap().result.unwrap() {
        v1::ask_many_response::Result::Answer(answer) => answer.receipt,
        v1::ask_many_response::Result::Malformed(malformed) => panic!("{malformed:?}"),
    }
}

/// Asks one question after the other until the service is gone, and tells the receipts.
async fn ask_until_refused(
    asker: Caller,
    child: Vec<v1::Pseudonym>,
    told: mpsc::UnboundedSender<u64>,
) {
    while let Ok(answer) = asker.ask(question(&child)).await {
        told.send(answer.receipt).unwrap();
    }
}
