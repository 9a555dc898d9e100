//! More at once than usual: each request is answered, on record, or told to come back.

mod caseload;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use signpost::entropy::SystemEntropy;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tokio::task::JoinSet;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::{Caller, Service, contact, eventually, nhs_number, question, reopened};

const REQUESTS: usize = 1000;
const CONNECTIONS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_questions_at_once_each_have_an_entry() {
    let service = Service::start().await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", "999 000 0018")]).await;
    let (receipts, shed) = flood(&service, &child).await;
    assert_eq!((receipts.len(), shed), (REQUESTS, 0), "there is a place for each");
    assert_on_record(&service, &receipts).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_places_are_few_what_finds_none_is_told_to_come_back_and_counted() {
    let service = Service::start_with(&[("LIMITS__REQUESTS_IN_FLIGHT_MAX", "8")]).await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", "999 000 0018")]).await;
    let (receipts, shed) = flood(&service, &child).await;
    assert_eq!(receipts.len() + shed, REQUESTS);
    assert!(shed > 0, "8 places are too few for {REQUESTS}");
    assert!(receipts.len() >= 8);
    assert_on_record(&service, &receipts).await;
    // The places are free again.
    assert!(service.person("SOCIAL_WORKER").ask(question(&child)).await.is_ok());

    let ledger = reopened(&service.stop().await).await;
    assert_eq!(ledger.counted(Outcome::Shed) as usize, shed);
    let counts = ledger.0.iter().filter(|entry| entry.outcome() == Outcome::Shed);
    let systems: BTreeSet<_> = counts.map(Entry::system).collect();
    assert!(systems.len() == 1 && !systems.contains(&None), "for the system that asked");
}

/// Each time the journal has grown so far, the store turns while it is asked; who recorded before the
/// turns is found after them.
#[tokio::test(flavor = "multi_thread")]
async fn the_store_turns_by_itself_under_load_and_forgets_nothing() {
    let service = Service::start_with(&[("STORE__TURN_AFTER_BYTES", "100000")]).await;
    let asker = service.person("SOCIAL_WORKER");
    let unknown = asker.child(&[("nhs", "999 000 0018")]).await;
    let child = asker.child(&[("nhs", &nhs_number(7))]).await;
    let nurse = service.person("nurse");
    nurse.record(contact(&child, "CASE-1", service.world.today())).await.unwrap();
    let turned = service.world.path("data/generation-0000000002");
    let receipts = RefCell::new(BTreeSet::new());
    eventually("a turn", || async {
        let (given, _) = flood(&service, &unknown).await;
        receipts.borrow_mut().extend(given);
        turned.exists().then_some(())
    })
    .await;
    eventually("the end of the first generation", || async {
        (!service.world.path("data/generation-0000000001").exists()).then_some(())
    })
    .await;
    let answer = asker.ask(question(&child)).await.unwrap();
    assert_eq!(answer.signposts.len(), 1);
    let ledger = reopened(&service.stop().await).await;
    for receipt in receipts.into_inner() {
        assert_eq!(ledger.at(receipt).outcome(), Outcome::NoVisibleContact);
    }
    let actions: Vec<_> = ledger.0.iter().map(Entry::action).collect();
    let at = |action| actions.iter().position(|done| *done == action).unwrap();
    assert!(at(Action::BeginTurn) < at(Action::DestroyGeneration));
    let destroyed = &ledger.0[at(Action::DestroyGeneration)];
    assert_eq!(destroyed.detail()[..8], 1_u64.to_be_bytes());
    assert_ne!(destroyed.detail()[8..24], [0; 16], "the key that sealed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_is_too_busy_what_finds_no_place_is_told_to_come_back() {
    let service = Service::start_with(&[("LIMITS__STORE_QUEUE_MAX", "1")]).await;
    let child = service.person("SOCIAL_WORKER").child(&[("nhs", "999 000 0018")]).await;
    let (receipts, refused) = flood(&service, &child).await;
    assert_eq!(receipts.len() + refused, REQUESTS);
    assert!(refused > 0, "one place is too few for {REQUESTS}");
    assert_on_record(&service, &receipts).await;
    assert!(service.person("SOCIAL_WORKER").ask(question(&child)).await.is_ok());
    let ledger = reopened(&service.stop().await).await;
    assert_eq!(ledger.counted(Outcome::Shed), 0, "there was a place for each at the desk");
}

/// A client that goes away at any moment, and one that comes back with the same request id.
#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_its_client_gives_up_is_wholly_there_or_not_at_all() {
    const RECORDINGS: usize = 40;
    let service = Service::start().await;
    let nurse = service.person("nurse");
    let child = nurse.child(&[("nhs", "999 000 0018"), ("upn", "B801200005001")]).await;
    let recorded = async || {
        let ledger = service.ledger().await;
        ledger.0.iter().filter(|entry| entry.action() == Action::RecordContact).count()
    };
    let asker = service.person("SOCIAL_WORKER");
    let mut given_up = Vec::new();
    for number in 0..RECORDINGS {
        let contact = contact(&child, &format!("CASE-{number}"), service.world.today());
        let micros = u16::from_be_bytes(SystemEntropy.bytes()) % 8000;
        let recording = nurse.record(contact.clone());
        let time = Duration::from_micros(micros.into());
        let Ok(answered) = tokio::time::timeout(time, recording).await else {
            given_up.push(contact);
            continue;
        };
        answered.unwrap();
    }
    for contact in given_up {
        let before = recorded().await;
        let answer = asker.ask(question(&child[..1])).await.unwrap();
        assert!(answer.signposts.len() >= before, "an entry, and no flag");
        nurse.record(contact).await.unwrap();
    }
    assert_eq!(recorded().await, RECORDINGS, "one entry for each, whatever came before");
    for one in child {
        let answer = asker.ask(question(&[one])).await.unwrap();
        assert_eq!(answer.signposts.len(), RECORDINGS);
    }
    service.stop().await;
}

/// Asks all at once: the receipts of the answers, and how many were shed.
async fn flood(service: &Service, child: &[v1::Pseudonym]) -> (Vec<u64>, usize) {
    let callers: Vec<Caller> =
        (0..CONNECTIONS).map(|_| service.person_alone("SOCIAL_WORKER")).collect();
    let mut asking = JoinSet::new();
    for number in 0..REQUESTS {
        let (caller, question) = (callers[number % CONNECTIONS].clone(), question(child));
        asking.spawn(async move { caller.ask(question).await });
    }
    let (mut receipts, mut shed) = (Vec::new(), 0);
    for answered in asking.join_all().await {
        match answered {
            Ok(answer) => receipts.push(answer.receipt),
            Err(status) => {
                assert_shed(&status);
                shed += 1;
            }
        }
    }
    (receipts, shed)
}

fn assert_shed(status: &Status) {
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "BUSY");
    assert!(details.retry_info().unwrap().retry_delay.is_some());
}

async fn assert_on_record(service: &Service, receipts: &[u64]) {
    let ledger = service.ledger().await;
    let mut sorted = receipts.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), receipts.len(), "no two answers have one entry");
    for receipt in receipts {
        let entry = ledger.at(*receipt);
        assert_eq!((entry.action(), entry.outcome()), (Action::Ask, Outcome::NoVisibleContact));
    }
    let asked = ledger.requests().filter(|entry| entry.action() == Action::Ask).count();
    assert_eq!(asked, receipts.len(), "and no entry is without its answer");
}
