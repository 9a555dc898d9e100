//! The command line, against a running service: what a practitioner types and is told.

mod admin;
mod bootstrap;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use signpost::clock::SystemClock;
use signpost::config::{Config, Limits, LogFormat, LogLevel, Quotas};
use signpost_core::store::Clock;

use crate::clock::clock_in_doubt;
use crate::harness::{Binary, Service, World, contact};

/// What is typed after `ask`, and the word by which its refusal is known.
type Typed = (&'static [&'static str], &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_taken_as_people_type_it() {
    let service = ready().await;
    for typed in ["999 000 0018", "9990000018", "999-000-0018", "999\u{2011}000\u{2013}0018"]
        .into_iter()
        .chain(["９９９０００００１８", "\u{feff}999\u{a0}000\u{a0}0018", " 999.000.0018 "])
    {
        let asked = ask(&service, &["--nhs", typed], &[]);
        assert_eq!(asked.status.code(), Some(0), "{typed:?}: {}", all(&asked));
        assert!(all(&asked).contains("Westbury School"), "{}", all(&asked));
        assert_silent(&asked, typed);
    }
    for typed in ["B801200005001", "b801 2000 05001"] {
        let asked = ask(&service, &["--upn", typed], &[]);
        assert_eq!(asked.status.code(), Some(0), "{typed:?}: {}", all(&asked));
        assert_silent(&asked, typed);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_is_refused_in_words_of_its_own_and_never_repeated() {
    let service = ready().await;
    let before = service.ledger().await.requests().count();
    let cases: [Typed; 11] = [
        (
            &["--nhs", "\u{661}\u{662}\u{663}\u{664}\u{665}\u{666}\u{667}\u{668}\u{669}\u{660}"],
            "another script",
        ),
        (&["--nhs", "943 476 5871"], "check digit"),
        (&["--nhs", "1000000019"], "ULN"),
        (&["--uln", "943 476 5919"], "NHS"),
        (&["--nhs", "9.43477E+09"], "exponent"),
        (&["--nhs", "9434765919.0"], "point"),
        (&["--nhs", "943476591"], "nine digits"),
        (&["--nhs", "1111111111"], "placeholder"),
        (&["--nhs", "9990000140"], "no check digit"),
        (&["--upn", "A801200005001"], "check letter"),
        (&["--upn", "BO01200005001"], "I, O or S"),
    ];
    let mut sentences = BTreeSet::new();
    for (arguments, word) in cases {
        let refused = ask(&service, arguments, &[]);
        assert_eq!(refused.status.code(), Some(64), "{}", all(&refused));
        assert!(all(&refused).contains(word), "{word:?} is not in {}", all(&refused));
        assert_silent(&refused, arguments[1]);
        let option = arguments[0];
        sentences.insert(all(&refused).replace(option, ""));
    }
    assert_eq!(sentences.len(), cases.len(), "each is told apart: {sentences:#?}");
    let stray = ask(&service, &["--nhs", "999", "000", "0018"], &[]);
    assert!(all(&stray).contains("quotation marks"), "{}", all(&stray));
    let requests = service.ledger().await.requests().count();
    assert_eq!(requests, before, "nothing was sent");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_read_by_a_program() {
    let service = ready().await;
    let asked = ask(&service, &["--nhs", "999 000 0018", "--output", "json"], &[]);
    assert!(asked.status.success(), "{}", all(&asked));
    let answer: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    assert_eq!(answer["signposts"][0]["organisation_name"], "Westbury School");
    assert!(answer["statement"].as_str().unwrap().contains("no evidence"));
    let receipt = answer["receipt"].as_u64().unwrap();
    let ledger = service.ledger().await;
    assert_eq!(ledger.at(receipt).action(), signpost_core::terms::Action::Ask);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_or_a_missing_service_is_one_sentence_and_a_code() {
    let service = ready().await;
    for (token, sentence) in [
        ("teacher", "role"),
        ("suspended", "suspended"),
        ("expired", "expired"),
        ("no-purposes", "purpose"),
        ("nurse", "token"),
    ] {
        let token = format!("tokens/{token}.token");
        let asked = ask(&service, &["--nhs", "999 000 0018"], &["--token-file", &token]);
        // The teacher is at another organisation's system: their token is unknown here.
        let sentence = if token.contains("teacher") { "token" } else { sentence };
        assert_eq!(asked.status.code(), Some(1), "{}", all(&asked));
        assert!(all(&asked).contains(sentence), "{}", all(&asked));
    }
    let address = service.address;
    let world = service.stop().await;
    write_profile(&world, &address.to_string());
    let asked = run(&world, ASK, &["--nhs", "999 000 0018"], &[]);
    assert_eq!(asked.status.code(), Some(1));
    assert!(all(&asked).contains("cannot be reached"), "{}", all(&asked));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_confirm_the_clock() {
    let service = ready().await;
    let confirm = |who: &str, more: &[&str]| {
        let token = format!("tokens/{who}.token");
        let command = ["clock", "confirm", "--profile", "me.toml", "--token-file", &token];
        run(&service.world, &command, &[], more)
    };
    let nothing = confirm("PURGE_OPERATOR", &[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(all(&nothing).contains("nothing to confirm"), "{}", all(&nothing));
    clock_in_doubt(&service).await;
    let first = confirm("PURGE_OPERATOR", &[]);
    assert!(first.status.success() && all(&first).contains("24 hours"), "{}", all(&first));
    let alone = confirm("PURGE_OPERATOR", &[]);
    assert_eq!(alone.status.code(), Some(1));
    assert!(all(&alone).contains("different person"), "{}", all(&alone));
    let second = confirm("PURGE_APPROVER", &["--output", "json"]);
    let second: serde_json::Value = serde_json::from_slice(&second.stdout).unwrap();
    assert_eq!(second["progress"], "COMPLETE");
    let entry = *service.ledger().await.at(second["receipt"].as_u64().unwrap());
    assert_eq!(entry.action(), signpost_core::terms::Action::ConfirmClock);
    service.stop().await;
}

#[test]
fn every_command_explains_itself_with_examples() {
    let world = World::new();
    for command in [
        &["--help"][..],
        &["init", "--help"],
        &["serve", "--help"],
        &["check-config", "--help"],
        &["demo", "--help"],
        &["ask", "--help"],
        &["contact", "record", "--help"],
        &["contact", "end", "--help"],
        &["shield", "set", "--help"],
        &["shield", "lift", "--help"],
        &["clock", "confirm", "--help"],
        &["enrol", "--help"],
        &["token", "renew", "--help"],
        &["policy", "show", "--help"],
        &["admin", "--help"],
        &["admin", "group", "propose", "--help"],
        &["admin", "import", "--help"],
    ] {
        let help = Binary::output(&world, command, &[]);
        assert_eq!(help.status.code(), Some(0), "{command:?}");
        let text = String::from_utf8(help.stdout).unwrap();
        assert!(text.contains("Example") && text.contains("  signpost "), "{command:?}: {text}");
    }
    let unknown = Binary::output(&world, &["aks"], &[]);
    assert_eq!(unknown.status.code(), Some(64));
    let completions = Binary::output(&world, &["completions", "bash"], &[]);
    assert!(completions.status.success() && !completions.stdout.is_empty());
}

#[test]
fn a_good_configuration_is_called_good() {
    let world = Binary::initialised();
    let good = Binary::output(&world, &["check-config", "--output", "json"], &[]);
    assert!(good.status.success(), "{}", all(&good));
    let digest: serde_json::Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!(digest["policy_digest"].as_str().unwrap().len(), 64);
}

#[test]
fn an_authority_that_nobody_could_connect_with_is_refused_before_the_start() {
    let world = Binary::initialised();
    let check = |certificate, key| {
        let authority = [("AUTHORITY__CERTIFICATE", certificate), ("AUTHORITY__KEY", key)];
        Binary::output(&world, &["check-config"], &authority)
    };
    let good = check("pki/authority.pem", "pki/authority.key");
    assert!(good.status.success(), "{}", all(&good));
    let other = check("pki/server.pem", "pki/server.key");
    assert_eq!(other.status.code(), Some(64));
    assert!(all(&other).contains("is none of server.client_authority"), "{}", all(&other));
}

#[test]
fn the_shipped_configuration_has_every_key_and_shows_each_default() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("deploy/signpost.toml");
    let config = Config::load(&path, std::iter::empty()).unwrap();
    assert_eq!(config.limits, Limits::default());
    assert!(!config.server.reflection);
    assert_eq!((config.log.format, config.log.level), (LogFormat::Json, LogLevel::Info));

    let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    let keys = |section: &str| -> Vec<String> {
        table[section].as_table().unwrap().keys().cloned().collect()
    };
    // Whoever adds a key adds it to the file: this destructures all there are.
    let Config {
        server,
        authority,
        store,
        pseudonymiser,
        policy,
        limits: _,
        quotas: _,
        purge,
        log,
        ledger,
    } = config;
    assert_eq!(authority, None);
    let signpost::config::Server {
        listen: _,
        certificate: _,
        key: _,
        client_authority: _,
        reflection: _,
    } = server;
    let signpost::config::Store { data: _, keyring: _, turn_after_bytes: _ } = store;
    let signpost::config::Ledger { directory: _, key: _, origin: _, witness } = ledger;
    assert_eq!(witness, []);
    let signpost::config::Pseudonymiser { mode: _, keys: _ } = pseudonymiser;
    let signpost::config::PolicyFile { file } = policy;
    let signpost::config::Log { format: _, level: _ } = log;
    assert_eq!(file, None);
    assert_eq!(
        sorted(keys("server")),
        ["certificate", "client_authority", "key", "listen", "reflection"]
    );
    assert_eq!(sorted(keys("store")), ["data", "keyring", "turn_after_bytes"]);
    assert_eq!(sorted(keys("ledger")), ["directory", "key", "origin"]);
    assert_eq!(sorted(keys("pseudonymiser")), ["keys", "mode"]);
    assert_eq!(sorted(keys("log")), ["format", "level"]);
    let signpost::config::Purge {
        cooling_off_hours: _,
        expires_days: _,
        child_plans_a_day: _,
        openings_years: _,
        children_at: _,
        copy: _,
        medium: _,
    } = &purge;
    assert_eq!(purge, signpost::config::Purge::default(), "the file shows the defaults");
    assert_eq!(
        sorted(keys("purge")),
        ["child_plans_a_day", "cooling_off_hours", "expires_days", "openings_years"]
    );
    let shown = format!("{:?}", Quotas::default());
    assert_eq!(keys("quotas").len(), shown.matches(": ").count(), "every quota is listed");
    assert!(keys("quotas").iter().all(|key| shown.contains(key)));
    let shown = format!("{:?}", Limits::default());
    for key in keys("limits") {
        assert!(shown.contains(&key), "{key}");
    }
    assert_eq!(keys("limits").len(), shown.matches(": ").count(), "every limit is listed");
}

const ASK: &[&str] = &[
    "ask",
    "--profile",
    "me.toml",
    "--purpose",
    "s47-enquiry",
    "--relationship",
    "allocated-case",
];

/// A service by this machine's clock, one child known to the school, and a profile for the asker.
async fn ready() -> Service {
    let world = World::at(SystemClock.now());
    world.initialise().await;
    let service = Service::serve(world, &[]).await;
    let teacher = service.person("teacher");
    let child = teacher.child(&[("nhs", "999 000 0018"), ("upn", "B801200005001")]).await;
    teacher.record(contact(&child, "CASE-1", service.world.today())).await.unwrap();
    write_profile(&service.world, &service.address.to_string());
    service
}

fn write_profile(world: &World, address: &str) {
    let profile = format!(
        "address = \"https://{address}\"\nserver_name = \"localhost\"\n\
         authority = \"pki/authority.pem\"\ncertificate = \"pki/northfield.pem\"\n\
         key = \"pki/northfield.key\"\ntoken = \"tokens/SOCIAL_WORKER.token\"\n"
    );
    std::fs::write(world.path("me.toml"), profile).unwrap();
}

fn ask(service: &Service, child: &[&str], more: &[&str]) -> Output {
    run(&service.world, ASK, child, more)
}

/// Runs the binary on a thread where that stops nobody.
fn run(world: &World, command: &[&str], child: &[&str], more: &[&str]) -> Output {
    tokio::task::block_in_place(|| Binary::output(world, &[command, child, more].concat(), &[]))
}

fn all(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

/// Neither what was typed nor the digits of it are printed.
fn assert_silent(output: &Output, typed: &str) {
    let printed = all(output);
    let plain: String = typed.chars().filter(|c| c.is_alphanumeric()).collect();
    for secret in [typed.trim(), plain.as_str(), "9990000018", "0000018"] {
        assert!(!printed.contains(secret), "the number is printed: {printed}");
    }
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}
