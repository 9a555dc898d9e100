//! The clock put ahead while the service runs, and before it starts: what two people must confirm.

use jiff::ToSpan;
use signpost::grpc::DESTRUCTION;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use signpost_proto::v1::ClockProgress;
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_types::StatusExt;

use crate::harness::{NORTHFIELD, Service, eventually, question, request_id};

/// Sets the clock ten minutes ahead, and waits until that is noticed.
pub(crate) async fn clock_in_doubt(service: &Service) {
    let before = steps(service).await;
    service.world.clock().step(10.minutes());
    eventually("a noticed step", || async { (steps(service).await > before).then_some(()) }).await;
}

async fn steps(service: &Service) -> usize {
    let ledger = service.ledger().await;
    ledger.0.iter().filter(|entry| entry.action() == Action::NoteClockStep).count()
}

/// Waits until health says this of whatever destroys or closes, and still serves the rest.
async fn destruction_is(service: &Service, expected: ServingStatus) {
    let health = service.system(Some(NORTHFIELD)).health();
    let check = |name: &str| {
        let (mut health, request) = (health.clone(), HealthCheckRequest { service: name.into() });
        async move { health.check(request).await.map(|checked| checked.into_inner().status()) }
    };
    eventually("health", || async { (check(DESTRUCTION).await.ok()? == expected).then_some(()) })
        .await;
    for name in signpost::grpc::SERVICES {
        assert_eq!(check(name).await.unwrap(), ServingStatus::Serving, "{name}");
    }
}

async fn confirm(service: &Service, who: &str) -> Result<ClockProgress, Status> {
    confirm_as(service, who, request_id()).await.map(|confirmed| confirmed.progress())
}

async fn confirm_as(
    service: &Service,
    who: &str,
    request_id: String,
) -> Result<v1::ConfirmClockResponse, Status> {
    service.person(who).confirm_clock(v1::ConfirmClockRequest { request_id }).await
}

#[track_caller]
fn assert_reason(refused: Result<ClockProgress, Status>, code: Code, reason: &str) {
    let status = refused.unwrap_err();
    assert_eq!(status.code(), code);
    assert_eq!(status.get_details_error_info().unwrap().reason, reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_of_the_clock_waits_for_two_names_and_answers_go_on() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    destruction_is(&service, ServingStatus::Serving).await;
    let nothing = confirm(&service, "PURGE_OPERATOR").await;
    assert_reason(nothing, Code::FailedPrecondition, "NOTHING_TO_CONFIRM");

    clock_in_doubt(&service).await;
    destruction_is(&service, ServingStatus::NotServing).await;
    asker.ask(question(&child)).await.unwrap();

    let id = request_id();
    let first = confirm_as(&service, "PURGE_OPERATOR", id.clone()).await.unwrap();
    assert_eq!(first.progress(), ClockProgress::AwaitingSecondName);
    assert_eq!(confirm_as(&service, "PURGE_OPERATOR", id).await.unwrap(), first, "a repeat");
    let alone = confirm(&service, "PURGE_OPERATOR").await;
    assert_reason(alone, Code::PermissionDenied, "DENIED_SAME_NAME");
    let malformed = confirm_as(&service, "PURGE_APPROVER", "1".to_owned()).await;
    assert_eq!(malformed.unwrap_err().code(), Code::InvalidArgument);
    destruction_is(&service, ServingStatus::NotServing).await;

    assert_eq!(confirm(&service, "PURGE_APPROVER").await.unwrap(), ClockProgress::Complete);
    destruction_is(&service, ServingStatus::Serving).await;
    let ledger = service.ledger().await;
    let names = ledger.0.iter().filter(|entry| entry.action() == Action::ConfirmClock);
    let given = names.filter(|entry| entry.outcome() == Outcome::Done).map(Entry::count);
    assert_eq!(given.collect::<Vec<_>>(), [1, 2]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_a_day_after_the_last_entry_waits_for_two_names_across_restarts() {
    let service = Service::start().await;
    let world = service.stop().await;
    world.clock().step(25.hours());
    let service = Service::serve(world, &[]).await;
    assert_eq!(steps(&service).await, 1);
    destruction_is(&service, ServingStatus::NotServing).await;
    assert_eq!(
        confirm(&service, "PURGE_APPROVER").await.unwrap(),
        ClockProgress::AwaitingSecondName
    );
    // The doubt outlives a restart, and so does the first name.
    let service = Service::serve(service.stop().await, &[]).await;
    assert_eq!(steps(&service).await, 1);
    destruction_is(&service, ServingStatus::NotServing).await;
    assert_eq!(confirm(&service, "PURGE_OPERATOR").await.unwrap(), ClockProgress::Complete);
    destruction_is(&service, ServingStatus::Serving).await;
    service.stop().await;
}

/// Service time goes on from the last entry, over a restart too.
#[tokio::test(flavor = "multi_thread")]
async fn access_that_has_expired_is_not_revived_by_a_clock_put_back() {
    let service = Service::start().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    asker.ask(question(&child)).await.unwrap();
    let expired = |status: Status| status.get_details_error_info().unwrap().reason;
    service.world.clock().step_days(101);
    assert_eq!(expired(asker.ask(question(&child)).await.unwrap_err()), "DENIED_EXPIRED");
    service.world.clock().step_days(-101);
    assert_eq!(expired(asker.ask(question(&child)).await.unwrap_err()), "DENIED_EXPIRED");
    let service = Service::serve(service.stop().await, &[]).await;
    let asker = service.person("SOCIAL_WORKER");
    assert_eq!(expired(asker.ask(question(&child)).await.unwrap_err()), "DENIED_EXPIRED");
    service.stop().await;
}
