//! The closing over mutual TLS: at its instant, across restarts, and for streams that are open.

use jiff::ToSpan;
use signpost_core::entry::Entry;
use signpost_core::terms::{Action, Outcome};
use signpost_proto::v1;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::clock::clock_in_doubt;
use crate::harness::{Service, closing_plan, eventually, question};

fn assert_closed<T: std::fmt::Debug>(refused: Result<T, Status>) {
    let status = refused.unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.get_details_error_info().unwrap().reason, "SERVICE_CLOSED");
}

/// A service whose closing is approved, at a minute from now.
async fn to_be_closed() -> Service {
    let service = Service::start().await;
    let administrators = service.administrators();
    let northfield = administrators.organisation("Northfield Council").await;
    let team = administrators.team(&northfield.organisation_id).await;
    service.approve_closing(closing_plan(&service, &team)).await;
    service
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_before_it_is_answered_and_at_it_is_not_and_never_again() {
    let service = to_be_closed().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    service.world.clock().step(59.seconds());
    asker.ask(question(&child)).await.unwrap();
    service.world.clock().step(1.second());
    assert_closed(asker.ask(question(&child)).await);
    let closing = eventually("the closing", || async { service.closing().await.closing }).await;
    let ledger = service.ledger().await;
    let entry = ledger.at(closing.receipt);
    assert_eq!((entry.action(), entry.actor()), (Action::CloseService, None));
    // The clock put back, and a start with it put back.
    service.world.clock().step(-(2.hours()));
    assert_closed(asker.ask(question(&child)).await);
    let service = Service::serve(service.stop().await, &[]).await;
    assert_closed(service.person("SOCIAL_WORKER").ask(question(&child)).await);
    let closing = eventually("what there was", || async {
        service.closing().await.closing.filter(|closing| closing.ledger_size > 0)
    })
    .await;
    assert!(closing.tokens_revoked && closing.ledger_root.len() == 32);
    let ledger = service.ledger().await;
    let late =
        |entry: &&Entry| entry.action() == Action::Ask && entry.outcome() != Outcome::ServiceClosed;
    let at = ledger.at(closing.receipt).time_ms();
    assert!(ledger.0.iter().filter(late).all(|entry| entry.time_ms() < at));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_put_ahead_closes_nothing_before_two_people_confirm_it() {
    let service = to_be_closed().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    clock_in_doubt(&service).await;
    assert_closed(asker.ask(question(&child)).await);
    // For as long as a running service looks at it some times.
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    let shown = service.closing().await;
    assert_eq!((shown.state(), shown.clock_in_doubt), (v1::DecommissioningState::Approved, true));
    assert!(shown.closing.is_none());
    service.confirm_clock().await;
    eventually("the closing", || async { service.closing().await.closing }).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_caseload_ends_with_the_service() {
    let service = to_be_closed().await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let (send_on, questions) = tokio::sync::mpsc::channel(4);
    let stream = tokio_stream::wrappers::ReceiverStream::new(questions);
    let send = asker.request(stream);
    let mut answers = asker.signpost().ask_many(send).await.unwrap().into_inner();
    let one = v1::AskManyRequest { number: 1, question: Some(question(&child)) };
    send_on.send(one).await.unwrap();
    assert_eq!(answers.message().await.unwrap().unwrap().number, 1);
    service.world.clock().step(60.seconds());
    // No further question is asked: the stream hears of it by itself.
    let ended = tokio::time::timeout(crate::harness::PATIENCE, answers.message()).await.unwrap();
    assert_eq!(ended.unwrap_err().get_details_error_info().unwrap().reason, "SERVICE_CLOSED");
    drop(send_on);
    service.stop().await;
}
