//! Nothing that could name a child or let anybody in reaches a disk, a keyring or a log.
//!
//! A search that finds nothing proves something only if it would have found it: each is run again
//! over the same places with a value planted there.

use std::path::{Path, PathBuf};

use rustix::process::Signal;
use signpost_core::token::{EnrolmentCode, Token};
use signpost_proto::v1;
use tonic::Status;
use tonic_types::StatusExt;

use crate::harness::{
    Administrators, Binary, NORTHFIELD, World, contact, question, redeem, request_id,
};

/// What is searched for, and what it is called when it is found.
type Needle = (&'static str, Vec<u8>);

/// What the service told of an error, decoded.
type Told = tonic_types::ErrorDetails;

/// Where the errors that clients were sent are kept.
const ERRORS: &str = "errors-of-clients";

const NHS_TYPED: &str = "999 000 0018";
const UPN_TYPED: &str = "b801 2000 05001";

#[tokio::test(flavor = "multi_thread")]
async fn identifiers_pseudonyms_and_tokens_are_nowhere() {
    for format in ["text", "json"] {
        let world = Binary::initialised();
        let overrides = [("LOG__FORMAT", format), ("LOG__LEVEL", "debug")];
        let mut binary = Binary::serve(&world, &overrides).await;
        let child = traffic(&world, &binary).await;
        binary.signal(Signal::TERM);
        assert_eq!(binary.ended().await.code(), Some(0));
        assert!(binary.log().lines().count() >= 3, "there is a log to search: {}", binary.log());

        let needles = needles(&world, &child);
        let places = places(&world);
        for place in &places {
            let content = read(place);
            for (what, needle) in &needles {
                let found = content.contains(&one_character_each(needle));
                assert!(!found, "{what} lies in {} ({format})", place.display());
            }
        }
        planted_is_found(&places, &needles);
    }
}

/// Writes, asks and refusals; what was told of the refusals is kept in a file to be searched.
async fn traffic(world: &World, binary: &Binary) -> Vec<v1::Pseudonym> {
    let nurse = binary.person(world, "nurse");
    let child = nurse.child(&[("nhs", NHS_TYPED), ("upn", UPN_TYPED)]).await;
    for number in 0..10 {
        let contact = contact(&child, &format!("CASE-{number}"), world.today());
        nurse.record(contact).await.unwrap();
    }
    let asker = binary.person(world, "SOCIAL_WORKER");
    for _ in 0..10 {
        assert_eq!(asker.ask(question(&child)).await.unwrap().signposts.len(), 10);
    }
    let many = v1::AskManyRequest { number: 1, question: Some(question(&child)) };
    assert_eq!(asker.ask_many(vec![many; 20]).await.0.len(), 20);

    let mut refused = wrong(world, binary, &child).await;
    refused.extend(let_in(world, binary).await);
    who_looked(world, binary, &child).await;
    std::fs::write(world.path(ERRORS), format!("{refused:#?}")).unwrap();
    child
}

/// A history of the child, read and reviewed: it is kept.
async fn who_looked(world: &World, binary: &Binary, child: &[v1::Pseudonym]) {
    let officer = binary.person(world, "PRIVACY_OFFICER");
    let asked = officer.request_history(child).await.unwrap();
    let other = binary.person(world, "other-officer");
    other.consent_to_history(&asked.history_id, child).await.unwrap();
    let withheld = other.list_withheld(&asked.history_id).await.unwrap().withheld;
    assert_eq!(withheld.len(), 30);
    let entry = withheld[0].access.as_ref().unwrap().entry;
    other.review_access(&asked.history_id, entry, None).await.unwrap();
    assert_eq!(officer.access_history(&asked.history_id).await.unwrap().accesses.len(), 1);
}

/// Lets somebody in, whose code and token are kept as the others' tokens are; what was told of a
/// second use of the code, and of an identifier in the place of a name.
async fn let_in(world: &World, binary: &Binary) -> [(Status, Told); 2] {
    let by = Administrators {
        first: binary.person(world, "second-administrator"),
        second: binary.person(world, "ADMIN_ONBOARDING"),
        today: world.today(),
    };
    let northfield = by.organisation("Northfield Council").await;
    let team = by.team(&northfield.organisation_id).await;
    let group = by.open(by.group(&team, 1)).await;
    let invited = by.invite(&group.group_id, &["S-1"]).await.unwrap().swap_remove(0);
    let system = binary.system(world, Some(NORTHFIELD));
    let token = redeem(&system, &invited.code).await.unwrap();
    world.give_token("let-in", &token.to_text());
    world.give_token("code", &invited.code.to_text());
    let named = v1::ChangeTeamRequest {
        request_id: request_id(),
        team_id: team.team_id,
        name: NHS_TYPED.to_owned(),
        duty_phone: team.duty_phone,
    };
    let refused = [
        redeem(&system, &invited.code).await.unwrap_err(),
        by.first.change_team(named).await.unwrap_err(),
    ];
    refused.map(|status| (status.clone(), status.get_error_details()))
}

/// Everything a client may do wrong, and all that the service told it of that.
async fn wrong(world: &World, binary: &Binary, child: &[v1::Pseudonym]) -> Vec<(Status, Told)> {
    let nurse = binary.person(world, "nurse");
    let mut refused = Vec::new();
    // The raw numbers themselves, where no client should put them.
    for text in [NHS_TYPED, UPN_TYPED, "9990000018", "B801200005001"] {
        let wrong = contact(child, text, world.today());
        refused.push(nurse.record(wrong).await.unwrap_err());
    }
    for label in ["suspended", "expired", "no-purposes", "teacher"] {
        refused.push(binary.person(world, label).ask(question(child)).await.unwrap_err());
    }
    let system = binary.system(world, Some(NORTHFIELD));
    refused.push(system.ask(question(child)).await.unwrap_err());
    let token = world.token("nurse");
    for token in [&token[..], &token[..token.len() - 1]] {
        refused.push(system.with_token(token).ask(question(child)).await.unwrap_err());
    }
    let mut large = contact(child, "CASE-1", world.today());
    large.pseudonyms[0].value = child[0].value.repeat(500);
    refused.push(nurse.record(large).await.unwrap_err());
    refused.into_iter().map(|status| (status.clone(), status.get_error_details())).collect()
}

fn needles(world: &World, child: &[v1::Pseudonym]) -> Vec<Needle> {
    let mut needles: Vec<Needle> = [
        ("an NHS number as typed", NHS_TYPED),
        ("an NHS number", "9990000018"),
        ("a pupil number as typed", UPN_TYPED),
        ("a pupil number", "B801200005001"),
    ]
    .map(|(what, text)| (what, text.as_bytes().to_vec()))
    .into();
    for pseudonym in child {
        needles.extend(forms(&pseudonym.value));
    }
    let code = world.token("code");
    needles.push(("the text of an enrolment code", code.as_bytes().to_vec()));
    needles.extend(forms(EnrolmentCode::parse(&code).unwrap().as_bytes()));
    for label in ["nurse", "SOCIAL_WORKER", "suspended", "let-in"] {
        let text = world.token(label);
        needles.push(("the text of a token", text.as_bytes().to_vec()));
        needles.extend(forms(Token::parse(&text).unwrap().as_bytes()));
    }
    needles
}

/// A secret's bytes, and the texts in which bytes leak.
fn forms(bytes: &[u8]) -> Vec<Needle> {
    let lower = bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    let list = format!("{bytes:?}");
    vec![
        ("a secret, raw", bytes.to_vec()),
        // Half of it is as bad.
        ("half of a secret, raw", bytes[..bytes.len() / 2].to_vec()),
        ("a secret in capitals of hex", lower.to_uppercase().into_bytes()),
        ("a secret in hex", lower.into_bytes()),
        ("a secret in base64", base64(bytes).into_bytes()),
        ("a secret as a list of numbers", list.as_bytes()[1..list.len() - 1].to_vec()),
    ]
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    // Whole groups of three: what is left over has other digits where more bytes follow.
    for group in bytes.chunks_exact(3) {
        let number = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(DIGITS[(number >> shift) as usize & 63]));
        }
    }
    text
}

/// Every file of the data directory and the keyring, the log, and the errors that clients were sent.
fn places(world: &World) -> Vec<PathBuf> {
    let mut places = Vec::new();
    for folder in ["data", "keyring"] {
        collect(&world.path(folder), &mut places);
    }
    assert!(places.len() >= 6, "data and keyring are searched: {places:?}");
    let logs = std::fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().path());
    places.extend(logs.filter(|path| path.to_string_lossy().contains("stderr-")));
    places.push(world.path(ERRORS));
    places
}

fn collect(folder: &Path, places: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, places) } else { places.push(path) }
    }
}

/// The content of a file, one character for each byte: the library's own search takes text.
fn read(place: &Path) -> String {
    one_character_each(&std::fs::read(place).unwrap())
}

fn one_character_each(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// Each value planted in the midst of each place's content is found there.
fn planted_is_found(places: &[PathBuf], needles: &[Needle]) {
    for place in places {
        let content = std::fs::read(place).unwrap();
        let middle = content.len() / 2;
        for (what, needle) in needles {
            std::fs::write(place, [&content[..middle], needle, &content[middle..]].concat())
                .unwrap();
            let found = read(place).contains(&one_character_each(needle));
            assert!(found, "{what} planted in {} is not found", place.display());
        }
        std::fs::write(place, &content).unwrap();
    }
}
