//! A disk that runs full, is slow, or fails a sync under the running service.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use signpost::exit::Exit;
use signpost_core::terms::{Action, Outcome};
use signpost_embedded::disk::volatile::{Faults, VolatileDisk};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;

use crate::harness::{NORTHFIELD, Service, World, contact, eventually, question, reopened};

async fn service(overrides: &[(&str, &str)]) -> (Service, Faults) {
    let world = World::new();
    world.initialise().await;
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    (Service::serve_on(Arc::new(disk), world, overrides).await, faults)
}

async fn until_health_says(service: &Service, expected: ServingStatus) {
    let health = service.system(Some(NORTHFIELD)).health();
    eventually("health", || {
        let mut health = health.clone();
        async move {
            let checked = health.check(HealthCheckRequest::default()).await.ok()?;
            (checked.into_inner().status() == expected).then_some(())
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_space_nothing_is_answered_and_the_stop_and_its_end_are_on_record() {
    let (service, faults) = service(&[]).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    asker.ask(question(&child)).await.unwrap();
    faults.no_space(0);
    let refused = asker.ask(question(&child)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.get_details_retry_info().is_some(), "it may be tried again");
    let refused = asker.record(contact(&child, "CASE-1", service.world.today())).await;
    assert_eq!(refused.unwrap_err().code(), Code::Unavailable);
    until_health_says(&service, ServingStatus::NotServing).await;
    eventually("the entry of the stop", || async {
        let ledger = service.ledger().await;
        ledger.0.iter().any(|entry| entry.action() == Action::NoteFull).then_some(())
    })
    .await;

    faults.space_again();
    until_health_says(&service, ServingStatus::Serving).await;
    let answer = asker.ask(question(&child)).await.unwrap();
    let ledger = reopened(&service.stop().await).await;
    let last = ledger.at(answer.receipt);
    assert_eq!((last.action(), last.outcome()), (Action::Ask, Outcome::NoVisibleContact));
    let of_itself = ledger.0.iter().map(signpost_core::entry::Entry::action);
    let of_itself: Vec<_> =
        of_itself.filter(|it| [Action::NoteFull, Action::NoteWritable].contains(it)).collect();
    assert_eq!(of_itself, [Action::NoteFull, Action::NoteWritable]);
    assert_eq!(ledger.requests().filter(|entry| entry.action() == Action::Ask).count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_slow_stops_the_service_and_each_request_ends_in_its_time() {
    let (service, faults) = service(&[("LIMITS__REQUEST_SECONDS_MAX", "2")]).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    faults.slow_sync(Duration::MAX);
    let late = asker.ask(question(&child)).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    assert_eq!(late.get_details_error_info().unwrap().reason, "LATE");
    until_health_says(&service, ServingStatus::NotServing).await;
    faults.slow_sync(Duration::ZERO);
    until_health_says(&service, ServingStatus::Serving).await;
    asker.ask(question(&child)).await.unwrap();
    service.stop().await;
}

/// Fails every sync of this until it is lifted.
fn fail_all_syncs(
    faults: &Faults,
    which: impl Fn(&Path) -> bool + Clone + Send + 'static,
) -> Failing {
    const MORE_THAN_ANY_TEST_WAITS_FOR: u64 = 1000;
    let failing = Failing::default();
    failing.0.store(true, Ordering::Relaxed);
    for nth in 1..=MORE_THAN_ANY_TEST_WAITS_FOR {
        let (failing, which) = (failing.clone(), which.clone());
        faults.fail_sync(move |path| failing.0.load(Ordering::Relaxed) && which(path), nth);
    }
    failing
}

#[derive(Clone, Default)]
struct Failing(Arc<AtomicBool>);

impl Failing {
    fn lift(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// The destruction is tried again by itself, and begins no other turn.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_cannot_be_destroyed_is_destroyed_later_and_its_turn_is_begun_once() {
    let (service, faults) = service(&[("STORE__TURN_AFTER_BYTES", "20000")]).await;
    let keyring = std::fs::read_dir(service.world.path("keyring")).unwrap();
    let keys: Vec<_> = keyring.map(|item| item.unwrap().path()).collect();
    let first = keys.into_iter().find(|path| path.to_string_lossy().contains("/key-")).unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let (counted, counting) = (first.clone(), Arc::clone(&tries));
    let count_only = move |path: &Path| {
        counting.fetch_add(usize::from(path == counted), Ordering::Relaxed);
        false
    };
    faults.fail_sync(count_only, 1);
    let failing = fail_all_syncs(&faults, move |path| path == first);
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let turned = service.world.path("data/generation-0000000002");
    eventually("a turn", || async {
        asker.ask(question(&child)).await.unwrap();
        turned.exists().then_some(())
    })
    .await;
    eventually("a third try", || async { (tries.load(Ordering::Relaxed) > 2).then_some(()) }).await;
    failing.lift();
    let of_turns = async || {
        let ledger = service.ledger().await;
        let actions: Vec<_> = ledger.0.iter().map(signpost_core::entry::Entry::action).collect();
        let of = |action| actions.iter().filter(|it| **it == action).count();
        (of(Action::BeginTurn), of(Action::DestroyGeneration))
    };
    eventually("the destruction", || async { (of_turns().await.1 == 1).then_some(()) }).await;
    assert_eq!(of_turns().await, (1, 1));
    assert!(!service.world.path("data/generation-0000000001").exists());
    service.stop().await;
}

/// The first question makes the key of the first segment of openings.
#[tokio::test(flavor = "multi_thread")]
async fn a_keyring_that_takes_no_key_stops_the_service_until_it_does() {
    let (service, faults) = service(&[]).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let failing = fail_all_syncs(&faults, |path| path.to_string_lossy().contains("/key-"));
    let refused = asker.ask(question(&child)).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    until_health_says(&service, ServingStatus::NotServing).await;
    failing.lift();
    until_health_says(&service, ServingStatus::Serving).await;
    asker.ask(question(&child)).await.unwrap();
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_ends_the_process_and_the_next_start_has_all_that_was_told() {
    let (service, faults) = service(&[]).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let told = asker.ask(question(&child)).await.unwrap().receipt;
    faults.fail_sync(|path| path.to_string_lossy().contains("journal-"), 1);
    let failed = asker.ask(question(&child)).await.unwrap_err();
    assert_eq!(failed.code(), Code::Internal, "whether it is on record is unknown");
    let (world, failure) = service.failed().await;
    assert_eq!(failure.exit, Exit::StoreFailed);
    assert_eq!(failure.exit as u8, 74);
    let service = Service::serve(world, &[]).await;
    let after = service.person("SOCIAL_WORKER").ask(question(&child)).await.unwrap();
    let ledger = reopened(&service.stop().await).await;
    for receipt in [told, after.receipt] {
        assert_eq!(ledger.at(receipt).action(), Action::Ask);
    }
}
