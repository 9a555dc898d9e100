//! What auditors and outsiders type, against a running service and a copied directory.

use std::process::Output;

use jiff::Timestamp;
use serde_json::Value;
use signpost::clock::SystemClock;
use signpost_core::store::Clock;

use super::copy;
use crate::harness::{Binary, Service, World, question};

/// A service by this machine's clock, an auditor's profile, and the ledger's public key.
async fn audited() -> (Service, String) {
    audited_at(SystemClock.now()).await
}

/// The same at another time, to which the clock may be set later.
pub(super) async fn audited_at(now: Timestamp) -> (Service, String) {
    let world = World::at(now);
    world.initialise().await;
    let service = Service::serve(world, &[]).await;
    let address = service.address;
    let profile = format!(
        "address = \"https://{address}\"\nserver_name = \"localhost\"\n\
         authority = \"pki/authority.pem\"\ncertificate = \"pki/northfield.pem\"\n\
         key = \"pki/northfield.key\"\ntoken = \"tokens/AUDITOR.token\"\n"
    );
    std::fs::write(service.world.path("auditor.toml"), profile).unwrap();
    let key = text(&run(&service.world, "key --config signpost.toml", &[]));
    (service, key.trim_end().to_owned())
}

/// Runs `signpost ledger …` on a thread where that stops nobody.
pub(super) fn run(world: &World, words: &str, more: &[&str]) -> Output {
    let arguments: Vec<&str> = ["ledger"].into_iter().chain(words.split_whitespace()).collect();
    tokio::task::block_in_place(|| Binary::output(world, &[&arguments[..], more].concat(), &[]))
}

pub(super) fn text(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Expects exit code 65 and a message with this in it.
fn refused(output: &Output, part: &str) {
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(65), "{output:?}");
    assert!(message.contains(part), "{message}");
    assert_eq!(message.trim_end().lines().count(), 1, "{message}");
}

async fn ask(service: &Service) -> u64 {
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    asker.ask(question(&child)).await.unwrap().receipt
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_keeps_a_checkpoint_and_has_an_answer_and_it_proven() {
    let (service, key) = audited().await;
    let (world, key) = (&service.world, ["--ledger-key", &key]);
    let receipt = ask(&service).await;
    let prove = format!("prove --profile auditor.toml --entry {receipt}");
    assert!(text(&run(world, &prove, &key)).starts_with(&format!("Proven: entry {receipt} ")));
    let kept = text(&run(world, "checkpoint --profile auditor.toml", &[]));
    std::fs::write(world.path("kept.checkpoint"), &kept).unwrap();

    let receipt = ask(&service).await;
    let json = [&key[..], &["--output", "json"]].concat();
    let prove = format!("prove --profile auditor.toml --entry {receipt}");
    let proven: Value = serde_json::from_str(&text(&run(world, &prove, &json))).unwrap();
    assert_eq!(proven["index"], receipt);
    assert_eq!((&proven["action"], proven["entry"].as_str().unwrap().len()), (&"ASK".into(), 512));
    let mistyped = "prove --profile auditor.toml --entry 1000000";
    refused(&run(world, mistyped, &key), "an older copy was put back, unless the receipt");
    let since = "prove --profile auditor.toml --since kept.checkpoint";
    assert!(text(&run(world, since, &key)).contains("begin with the"));

    let other = signpost_ledger::note::signer::Seed::new([9; 32]);
    let other = signpost_ledger::note::signer::LogSigner::new("county.example/ledger", &other);
    let other = other.unwrap().verifier().to_string();
    refused(&run(world, since, &["--ledger-key", &other]), "not signed by");

    let entries = "entries --profile auditor.toml --action ask --output json";
    let listed: Value = serde_json::from_str(&text(&run(world, entries, &[]))).unwrap();
    let listed = listed["entries"].as_array().unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(
        (&listed[1]["index"], &listed[1]["outcome"]),
        (&receipt.into(), &"NO_VISIBLE_CONTACT".into())
    );
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anybody_verifies_a_copied_directory_and_is_told_the_first_entry_that_does_not_fit() {
    let (service, key) = audited().await;
    let (receipt, key) = (ask(&service).await, ["--ledger-key", &key]);
    let prove = format!("prove --profile auditor.toml --entry {receipt}");
    text(&run(&service.world, &prove, &key));
    let kept = text(&run(&service.world, "checkpoint --profile auditor.toml", &[]));
    copy(&service.world.path("ledger"), &service.world.path("older"));
    ask(&service).await;
    let world = &service.stop().await;
    std::fs::write(world.path("kept.checkpoint"), &kept).unwrap();

    assert!(text(&run(world, "verify ledger", &key)).contains("only a checkpoint that was kept"));
    let since = "verify ledger --since kept.checkpoint";
    assert!(text(&run(world, since, &key)).contains("It holds all of the"));
    let json: Value =
        serde_json::from_str(&text(&run(world, &format!("{since} --output json"), &key))).unwrap();
    let size = json["size"].as_u64().unwrap();
    assert!(size > receipt);
    text(&run(world, "verify older", &key));
    std::fs::copy(world.path("ledger/checkpoint"), world.path("kept.checkpoint")).unwrap();
    refused(&run(world, "verify older --since kept.checkpoint", &key), "an older copy");
    let witness = signpost_ledger::note::signer::Seed::new([8; 32]);
    let witness = signpost_ledger::note::signer::WitnessSigner::new("witness.example", &witness);
    let witness = witness.unwrap().verifier().to_string();
    let cosigned = [&key[..], &["--witness-key", &witness]].concat();
    refused(&run(world, "verify ledger", &cosigned), "not signed by");
    for swapped in [
        ["--ledger-key", &witness, "--witness-key", &witness],
        ["--ledger-key", key[1], "--witness-key", key[1]],
    ] {
        let swapped = run(world, "verify ledger", &swapped);
        assert_eq!(swapped.status.code(), Some(64), "{swapped:?}");
    }

    let export = format!("export ledger --first {receipt} --count 2");
    let lines = text(&run(world, &export, &key));
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines[0]["checkpoint"].as_str().unwrap().starts_with("county.example/ledger\n"));
    assert_eq!(
        (lines.len(), &lines[1]["index"], &lines[2]["size"]),
        (3, &receipt.into(), &size.into())
    );
    assert_eq!(lines[1]["entry"].as_str().unwrap().len(), 512);

    let bundle = world.path(&format!("ledger/tile/entries/000.p/{size}"));
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[usize::try_from(receipt).unwrap() * 258 + 100] ^= 1;
    std::fs::write(&bundle, bytes).unwrap();
    refused(&run(world, "verify ledger", &key), &format!("entry {receipt}"));
    refused(&run(world, &export, &key), "has not the hash that was signed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_made_for_a_store_that_has_none() {
    let world = World::new();
    world.initialise().await;
    std::fs::remove_dir_all(world.path("ledger")).unwrap();
    std::fs::remove_file(world.path("ledger.key")).unwrap();
    let keyless = run(&world, "create --config signpost.toml", &[]);
    assert_eq!(keyless.status.code(), Some(64), "no key is made unasked: {keyless:?}");
    let made = text(&run(&world, "create --new-key --config signpost.toml", &[]));
    let key = text(&run(&world, "key --config signpost.toml", &[]));
    assert!(made.contains(key.trim_end()), "{made}");
    for again in ["create --config signpost.toml", "create --new-key --config signpost.toml"] {
        let again = run(&world, again, &[]);
        assert_eq!(again.status.code(), Some(64), "what is there is never overwritten: {again:?}");
    }
    assert_eq!(text(&run(&world, "key --config signpost.toml", &[])), key);
    let service = Service::serve(world, &[]).await;
    ask(&service).await;
    let world = service.stop().await;
    text(&run(&world, "verify ledger", &["--ledger-key", key.trim_end()]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_put_back_is_told_from_a_wrong_question() {
    let (service, key) = audited().await;
    let address = service.address.to_string();
    let world = service.stop().await;
    for part in ["data", "keyring", "ledger"] {
        copy(&world.path(part), &world.path(&format!("older-{part}")));
    }
    let profile = |world: &World, from: &str, to: &str| {
        let path = world.path("auditor.toml");
        let text = std::fs::read_to_string(&path).unwrap().replace(from, to);
        std::fs::write(path, text).unwrap();
    };
    let service = Service::serve(world, &[]).await;
    let later = service.address.to_string();
    profile(&service.world, &address, &later);
    let mut receipt = 0;
    for _ in 0..10 {
        receipt = ask(&service).await;
    }
    let key = ["--ledger-key", &key];
    let prove = format!("prove --profile auditor.toml --entry {receipt}");
    text(&run(&service.world, &prove, &key));
    let kept = text(&run(&service.world, "checkpoint --profile auditor.toml", &[]));
    let world = service.stop().await;
    std::fs::write(world.path("kept.checkpoint"), kept).unwrap();
    for part in ["data", "keyring", "ledger"] {
        std::fs::remove_dir_all(world.path(part)).unwrap();
        std::fs::rename(world.path(&format!("older-{part}")), world.path(part)).unwrap();
    }
    let service = Service::serve(world, &[]).await;
    profile(&service.world, &later, &service.address.to_string());
    refused(&run(&service.world, &prove, &key), "an older copy");
    let since = "prove --profile auditor.toml --since kept.checkpoint";
    refused(&run(&service.world, since, &key), "an older copy");
    service.stop().await;
}
