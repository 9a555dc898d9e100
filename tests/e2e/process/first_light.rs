//! First light by the binary: two administrators who let others in, and two new ones in their place.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use age::x25519::Identity;
use signpost::clock::SystemClock;
use signpost::secret_file;
use signpost_core::store::Clock;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;

use super::{assert_refused, files, text};
use crate::harness::{Administrators, Binary, NORTHFIELD, Victim, World, reopened, request_id};

const OWN: [(&str, &str); 2] =
    [("AUTHORITY__CERTIFICATE", "pki/authority.pem"), ("AUTHORITY__KEY", "pki/authority.key")];
const INIT: [&str; 5] = ["init", "--operator", "operator.toml", "--out", "first-light"];
const RECOVER: [&str; 6] =
    ["init", "--recover", "--operator", "operator.toml", "--out", "recovered"];

/// A folder with a configuration and nothing else, neither certificates nor keys.
fn nothing_yet() -> World {
    let world = World::at(SystemClock.now());
    std::fs::remove_dir_all(world.path("pki")).unwrap();
    std::fs::create_dir(world.path("pki")).unwrap();
    std::fs::remove_file(world.path("bootstrap.toml")).unwrap();
    world
}

/// Writes the operator's file, with two administrators of these staff references.
fn operator(world: &World, first: &str, second: &str, recipient: Option<&Identity>) {
    let until = world.today().saturating_add(jiff::ToSpan::year(1));
    let mut file = format!(
        "name = \"Ashby Hosting\"\ncode_scheme = \"ODS\"\ncode = \"8AB01\"\narea = \"E10000002\"\n\
         legal_authority = \"CONTRACTOR_OF_NAMED_BODY\"\nauthority_until = \"{until}\"\n\
         phone = \"+441632960100\"\n"
    );
    let recipient = recipient.map(|key| format!("recipient = \"{}\"\n", key.to_public()));
    for (staff, recipient) in [(first, recipient.unwrap_or_default()), (second, String::new())] {
        let today = world.today();
        let checked =
            ["vetting_on", "barred_list_checked_on", "training_on", "agreement_signed_on"]
                .map(|name| format!("{name} = \"{today}\"\n"))
                .concat();
        let administrator =
            format!("[[administrator]]\nstaff_reference = \"{staff}\"\n{recipient}{checked}");
        file.push_str(&administrator);
    }
    std::fs::write(world.path("operator.toml"), file).unwrap();
}

fn run(world: &World, arguments: &[&str]) -> Output {
    tokio::task::block_in_place(|| Binary::output(world, arguments, &OWN))
}

/// Serves, with the administrators' certificate of this folder as the one that is shown.
async fn serve(world: &World, handed: &str) -> Binary {
    for kind in ["pem", "key"] {
        let shown = world.path(&format!("pki/{NORTHFIELD}.{kind}"));
        std::fs::copy(world.path(&format!("{handed}/administration.{kind}")), shown).unwrap();
    }
    Binary::serve(world, &OWN).await
}

/// Each redeems the code of their own over the running service.
fn enrol(binary: &Binary, world: &World, codes: [&str; 2]) -> Administrators {
    let [first, second] = codes.map(|code| {
        let token = format!("{}.token", code.replace('/', "-"));
        let profile = format!(
            "address = \"https://{}\"\nserver_name = \"localhost\"\n\
             authority = \"pki/authority.pem\"\ncertificate = \"pki/{NORTHFIELD}.pem\"\n\
             key = \"pki/{NORTHFIELD}.key\"\ntoken = \"{token}\"\n",
            binary.address
        );
        std::fs::write(world.path("me.toml"), profile).unwrap();
        let done = run(world, &["enrol", "--profile", "me.toml", "--code-file", code]);
        assert!(done.status.success(), "{}", text(&done));
        let token = std::fs::read_to_string(world.path(&token)).unwrap();
        binary.system(world, Some(NORTHFIELD)).with_token(&token)
    });
    Administrators { first, second, today: world.today() }
}

/// One proposes a group, the same may not approve it, the other does.
async fn open_a_group(both: &Administrators) -> v1::Group {
    let operator = both.organisation("Ashby Hosting").await;
    let team = both.team(&operator.organisation_id).await;
    let proposal = both.propose(both.group(&team, 3)).await.unwrap();
    let alone = Administrators { second: both.first.clone(), ..both.clone() };
    assert!(alone.approve(proposal.clone()).await.is_err(), "by one name alone");
    let receipt = both.approve(proposal).await.unwrap();
    let groups = both.groups(&operator.organisation_id).await;
    groups.into_iter().find(|group| group.version == receipt).unwrap()
}

/// The administrators' system renews its own certificate and goes on with it, over TLS.
fn renew_certificate(world: &World) {
    let path = |kind: &str| world.path(&format!("pki/{NORTHFIELD}.{kind}"));
    let read = |kind: &str| std::fs::read(path(kind)).unwrap();
    let before = [read("pem"), read("key")];
    let renew = ["certificate", "renew", "--profile", "me.toml", "--output", "json"];
    let renewed = run(world, &renew);
    assert!(renewed.status.success(), "{}", text(&renewed));
    let told: serde_json::Value = serde_json::from_slice(&renewed.stdout).unwrap();
    assert_eq!(told["fingerprint"].as_str().map(str::len), Some(64), "{told}");
    let after = [read("pem"), read("key")];
    assert!(before[0] != after[0] && before[1] != after[1]);
    let bits = std::fs::metadata(path("key")).unwrap().permissions().mode();
    assert_eq!(bits & 0o777, 0o600);
    assert!(!path("key.next").exists() && !path("pem.next").exists());
    let list = ["admin", "organisation", "list", "--profile", "me.toml"];
    let listed = run(world, &list);
    assert!(listed.status.success(), "by the new one: {}", text(&listed));
    assert!(run(world, &renew).status.success(), "and once more by the new one");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_invited_administrators_begin_and_two_new_ones_begin_again() {
    let world = nothing_yet();
    let key = Identity::generate();
    operator(&world, "AH-0001", "AH-0002", Some(&key));
    let made = run(&world, &INIT);
    assert!(made.status.success(), "{}", text(&made));
    let told = text(&made);
    assert!(told.contains("the code of AH-0002 is not sealed"), "{told}");
    assert!(!told.contains("AH-0001") && !told.contains("sgne_"), "{told}");
    for secret in [
        "first-light/AH-0002.code",
        "first-light/AH-0001.code.age",
        "first-light/administration.key",
        "pki/authority.key",
        "pki/server.key",
        "evaluation.keys",
    ] {
        let bits = std::fs::metadata(world.path(secret)).unwrap().permissions().mode();
        assert_eq!(bits & 0o777, 0o600, "{secret}");
    }
    let before = files(&world.path(""));
    assert_refused(&run(&world, &INIT), 64, "not empty");
    assert!(files(&world.path("")) == before, "a second one changes nothing");
    assert!(run(&world, &["check-config"]).status.success());

    let sealed = std::fs::read(world.path("first-light/AH-0001.code.age")).unwrap();
    let code = String::from_utf8(age::decrypt(&key, &sealed).unwrap()).unwrap();
    secret_file::create(&world.path("first-light/AH-0001.code"), &code).unwrap();
    let binary = serve(&world, "first-light").await;
    let both = enrol(&binary, &world, ["first-light/AH-0001.code", "first-light/AH-0002.code"]);
    let group = open_a_group(&both).await;
    assert_eq!(both.invite(&group.group_id, &["AH-0100"]).await.unwrap().len(), 1);
    renew_certificate(&world);
    operator(&world, "AH-0001", "AH-0002", None);
    assert_refused(&run(&world, &RECOVER), 75, "lock");
    binary.stop().await;

    let entries = reopened(&world).await.0.len();
    assert_refused(&run(&world, &RECOVER), 1, "2 administrators can act");
    assert!(!world.path("recovered").exists(), "nothing half done");
    assert_eq!(reopened(&world).await.0.len(), entries, "and nothing on record");

    let binary = serve(&world, "first-light").await;
    let restarted = |token: &str| {
        let token = std::fs::read_to_string(world.path(token)).unwrap();
        binary.system(&world, Some(NORTHFIELD)).with_token(&token)
    };
    let first = restarted("first-light-AH-0001.code.token");
    let both = Administrators { first, ..both };
    let operator_id = both.organisation("Ashby Hosting").await.organisation_id;
    let mut found = None;
    for group in both.groups(&operator_id).await {
        let people = both.people(&group.group_id).await;
        found = people.into_iter().find(|one| one.staff_reference == "AH-0002").or(found);
    }
    let request =
        v1::SuspendPersonRequest { request_id: request_id(), person_id: found.unwrap().person_id };
    both.first.suspend_person(request).await.unwrap();
    binary.stop().await;

    assert_refused(&run(&world, &RECOVER), 64, "staff reference");
    let recovered = run(&world, &[&RECOVER[..], &["--token-lost", "AH-0001"]].concat());
    assert!(recovered.status.success(), "{}", text(&recovered));
    let binary = serve(&world, "recovered").await;
    let both = enrol(&binary, &world, ["recovered/AH-0001.code", "recovered/AH-0002.code"]);
    open_a_group(&both).await;
    binary.stop().await;
    let ledger = reopened(&world).await;
    let of_it: Vec<_> = ledger
        .0
        .iter()
        .filter(|entry| entry.action() == Action::RecoverAdministrators)
        .map(|entry| (entry.outcome(), entry.actor(), entry.count()))
        .collect();
    assert_eq!(of_it, [(Outcome::Done, None, 2)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_initialisation_that_fails_leaves_nothing_half_done() {
    let world = nothing_yet();
    operator(&world, "AH-0001", "AH-0002", None);
    std::fs::create_dir(world.path("first-light")).unwrap();
    std::fs::write(world.path("first-light/AH-0002.code"), "another's").unwrap();
    let before = files(&world.path(""));
    assert_refused(&run(&world, &INIT), 64, "AH-0002.code");
    assert!(files(&world.path("")) == before);
    assert!(!world.path("data").exists() && !world.path("keyring").exists());

    std::fs::write(world.path("pki/authority.pem"), "a certificate without its key").unwrap();
    let before = files(&world.path(""));
    assert_refused(&run(&world, &INIT), 64, "authority.key");
    assert!(files(&world.path("")) == before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_is_taken_where_another_authority_signs() {
    let world = World::at(SystemClock.now());
    let init = || tokio::task::block_in_place(|| Binary::output(&world, &INIT, &[]));
    operator(&world, "AH-0001", "AH-0002", None);
    let before = files(&world.path(""));
    assert_refused(&init(), 64, "no certificate");
    assert!(files(&world.path("")) == before);
    let file = std::fs::read_to_string(world.path("operator.toml")).unwrap();
    for (certificate, code) in [("stranger", 64), (NORTHFIELD, 0)] {
        let file = format!("certificate = \"pki/{certificate}.pem\"\n{file}");
        std::fs::write(world.path("operator.toml"), file).unwrap();
        let told = init();
        assert_eq!(told.status.code(), Some(code), "{}", text(&told));
    }
    let after = files(&world.path(""));
    let is_given = |path: &&PathBuf| path.starts_with(world.path("pki"));
    assert!(after.keys().filter(is_given).eq(before.keys().filter(is_given)), "nothing is new");
    assert!(!world.path("first-light/administration.key").exists());
    let binary = Binary::serve(&world, &[]).await;
    open_a_group(&enrol(&binary, &world, ["first-light/AH-0001.code", "first-light/AH-0002.code"]))
        .await;
    binary.stop().await;
}
