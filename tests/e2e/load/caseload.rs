//! An open caseload: who may open one, and what it costs others while it waits.

use signpost_proto::v1;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::harness::{Caller, Service, UNREGISTERED, question};

/// Opens a caseload that waits for its first question.
async fn open(
    caller: &Caller,
) -> Result<(mpsc::Sender<v1::AskManyRequest>, tonic::Streaming<v1::AskManyResponse>), Status> {
    let (sender, questions) = mpsc::channel(1);
    let opened = caller.signpost().ask_many(caller.request(ReceiverStream::new(questions))).await?;
    Ok((sender, opened.into_inner()))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_opens_a_caseload_without_being_known() {
    let service = Service::start().await;
    for (caller, reason) in [
        (service.system(Some(UNREGISTERED)), "CERTIFICATE_UNKNOWN"),
        (service.person("SOCIAL_WORKER").without_token(), "TOKEN_MISSING"),
        (service.person("AUDITOR"), "DENIED_ROLE"),
        (service.person("suspended"), "DENIED_SUSPENDED"),
    ] {
        let refused = open(&caller).await.expect_err("it is refused before any question");
        assert_eq!(refused.get_details_error_info().unwrap().reason, reason);
    }
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caseload_that_waits_takes_nobodys_place() {
    let places = [("LIMITS__REQUESTS_IN_FLIGHT_MAX", "2")];
    let service = Service::start_with(&places).await;
    let asker = service.person("SOCIAL_WORKER");
    let child = asker.child(&[("nhs", "999 000 0018")]).await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        waiting.push(open(&asker).await.unwrap());
    }
    asker.ask(question(&child)).await.unwrap();
    for (sender, answers) in &mut waiting {
        let question = v1::AskManyRequest { number: 3, question: Some(question(&child)) };
        sender.send(question).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap().number, 3);
    }
    drop(waiting);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caseload_without_a_next_question_ends() {
    let idle = [("LIMITS__CASELOAD_IDLE_SECONDS_MAX", "1")];
    let service = Service::start_with(&idle).await;
    let (sender, mut answers) = open(&service.person("SOCIAL_WORKER")).await.unwrap();
    let ended = answers.message().await.unwrap_err();
    assert_eq!(ended.code(), Code::DeadlineExceeded);
    assert_eq!(ended.get_details_error_info().unwrap().reason, "IDLE");
    drop(sender);
    service.stop().await;
}
