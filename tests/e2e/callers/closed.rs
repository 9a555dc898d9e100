//! Every call by every kind of caller, once the service is closed.

use jiff::ToSpan;
use signpost_core::token::EnrolmentCode;

use super::{CLOSED, Table, Targets, assert_as_it_says};
use crate::clock::clock_in_doubt;
use crate::harness::{
    OWN_AUTHORITY, Service, certificate_request, closing_plan, eventually, question,
};

/// What was prepared before the service was closed, for then nobody could.
pub(super) struct Before {
    /// An answer about the child.
    pub(super) entry: u64,
    /// One request for all: a system has few places for certificates.
    pub(super) certificate_request: Vec<u8>,
    /// A code that could be redeemed.
    pub(super) code: EnrolmentCode,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cell_of_the_closed_service_is_as_it_says() {
    let service = Service::start_with(&OWN_AUTHORITY).await;
    let child = service.person("colleague").child(&[("nhs", "999 000 0018")]).await;
    service.world.clock().step(12.hours());
    clock_in_doubt(&service).await;
    service.confirm_clock().await;
    let targets = Targets::prepare(&service).await;
    let invited =
        service.administrators().invite(&targets.group.group_id, &["LATE-1"]).await.unwrap();
    let asker = service.person("SOCIAL_WORKER");
    let entry = asker.ask(question(&child)).await.unwrap().receipt;
    let code = invited.into_iter().next().unwrap().code;
    let before = Before { entry, certificate_request: certificate_request().1, code };
    service.approve_closing(closing_plan(&service, &targets.team)).await;
    service.close().await;
    // So that there is something to confirm.
    clock_in_doubt(&service).await;
    eventually("all that follows the closing", || async {
        let closing = service.closing().await.closing?;
        (closing.tokens_revoked && closing.ledger_size > closing.receipt).then_some(())
    })
    .await;
    assert_as_it_says(&Table::read(CLOSED), (&service, &child, &targets), Some(&before)).await;
    service.stop().await;
}
