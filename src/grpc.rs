//! The gRPC adapters: from the wire to the directory's types and back, nothing more.

mod alert_service;
mod caller;
mod ledger_service;
mod onboarding_service;
mod padding;
mod parse;
mod pseudonym_service;
mod purge_service;
mod render;
mod signpost_service;
mod status;

use std::sync::Arc;
use std::time::Duration;

use signpost_core::directory::{Directory, Presented};
use signpost_core::refusal::Refusal;
use signpost_core::terms::Outcome;
use signpost_proto::v1::alert_service_server::AlertServiceServer;
use signpost_proto::v1::ledger_service_server::LedgerServiceServer;
use signpost_proto::v1::onboarding_service_server::OnboardingServiceServer;
use signpost_proto::v1::pseudonym_service_server::PseudonymServiceServer;
use signpost_proto::v1::purge_service_server::PurgeServiceServer;
use signpost_proto::v1::signpost_service_server::SignpostServiceServer;
use signpost_pseudonym::oprf::EvaluationKeys;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::service::RoutesBuilder;
use tonic::{Request, Status};

use crate::admission::ClientAuthorities;
use crate::config::Limits;
use crate::ledger::keeper::Shelf;
use crate::purge::Issuer;
use alert_service::Alerts;
use ledger_service::Ledgers;
use onboarding_service::Onboarding;
use pseudonym_service::Pseudonyms;
use purge_service::Purges;
use signpost_service::Signposts;

pub use padding::PADDED_TO;

/// What a service that was shed, and every other, is called in health and in the policy table.
pub const SERVICES: [&str; 6] = [
    "signpost.v1.SignpostService",
    "signpost.v1.PseudonymService",
    "signpost.v1.OnboardingService",
    "signpost.v1.AlertService",
    "signpost.v1.LedgerService",
    "signpost.v1.PurgeService",
];

/// What health says of all that destroys or closes: not serving while the clock is in doubt.
pub const DESTRUCTION: &str = "signpost.v1.destruction";

/// What health says of the ledger's tree: not serving while no checkpoint can be signed. Answers are
/// on record all the same.
pub const LEDGER_KEPT: &str = "signpost.v1.ledger";

/// What health says of the ledger's witnesses: not serving while one has not cosigned the last
/// checkpoint. It is not known where no witness is configured.
pub const WITNESSED: &str = "signpost.v1.witnesses";

/// The directory and the places for requests in progress.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    pub(crate) directory: Directory,
    places: Arc<Semaphore>,
    caseload_in_flight_max: usize,
    caseload_idle_max: Duration,
    request_max: Duration,
    /// Pseudonyms of any other key are refused.
    keys: Arc<EvaluationKeys>,
}

impl Desk {
    fn new(directory: Directory, keys: Arc<EvaluationKeys>, limits: &Limits) -> Self {
        Self {
            directory,
            places: Arc::new(Semaphore::new(limits.requests_in_flight_max as usize)),
            caseload_in_flight_max: limits.caseload_in_flight_max as usize,
            caseload_idle_max: limits.caseload_idle_time(),
            request_max: limits.request_time(),
            keys,
        }
    }

    /// A place for one request, and who brings it. Where all are taken the request is shed, and
    /// counted for its system.
    async fn admit<T>(
        &self,
        request: Request<T>,
    ) -> Result<(OwnedSemaphorePermit, Presented, T), Status> {
        let (metadata, extensions, message) = request.into_parts();
        let caller = caller::presented(&metadata, &extensions);
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok((place, caller, message));
        }
        self.directory.count_refusal_at(caller.certificate, Outcome::Shed).await;
        Err(status::busy())
    }

    /// What the work comes to, if it ends in time. Work that does not is given up; what it has
    /// handed to the store by then may still be done, as a whole.
    async fn in_time<T>(
        &self,
        work: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Status> {
        in_time(self.request_max, work).await?.map_err(|refusal| status::of(&refusal))
    }

    /// Waits for a place: a caseload goes on as places come free.
    async fn place(&self) -> Result<OwnedSemaphorePermit, Status> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_closed| status::busy())
    }
}

async fn in_time<T>(max: Duration, work: impl Future<Output = T>) -> Result<T, Status> {
    tokio::time::timeout(max, work).await.map_err(|_late| status::late())
}

/// What the services stand on.
#[derive(Clone, Debug)]
pub(crate) struct Services {
    pub(crate) directory: Directory,
    pub(crate) keys: Arc<EvaluationKeys>,
    pub(crate) authorities: ClientAuthorities,
    pub(crate) shelf: Shelf,
    pub(crate) certificates: Issuer,
}

impl Services {
    /// Adds the services, each with its limit on the size of messages.
    pub(crate) fn add_to(self, routes: &mut RoutesBuilder, limits: &Limits) {
        let desk = Desk::new(self.directory, self.keys, limits);
        let bytes_max = limits.message_bytes_max as usize;
        let onboarding_max = limits.onboarding_bytes_max as usize;
        let signposts = SignpostServiceServer::new(Signposts::new(desk.clone()));
        let pseudonyms = PseudonymServiceServer::new(Pseudonyms::new(desk.clone(), limits));
        let alerts = AlertServiceServer::new(Alerts::new(desk.clone()));
        let ledgers = LedgerServiceServer::new(Ledgers::new(desk.clone(), self.shelf));
        let purges = PurgeServiceServer::new(Purges::new(desk.clone(), self.certificates));
        let onboarding = OnboardingServiceServer::new(Onboarding::new(desk, self.authorities));
        routes
            .add_service(signposts.max_decoding_message_size(bytes_max))
            .add_service(pseudonyms.max_decoding_message_size(bytes_max))
            .add_service(onboarding.max_decoding_message_size(onboarding_max))
            .add_service(alerts.max_decoding_message_size(bytes_max))
            .add_service(ledgers.max_decoding_message_size(bytes_max))
            .add_service(purges.max_decoding_message_size(onboarding_max));
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    #[tokio::test]
    async fn work_that_does_not_end_is_given_up_with_a_reason() {
        let never = std::future::pending::<()>();
        let status = in_time(Duration::from_millis(1), never).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert_eq!(status.get_details_error_info().unwrap().reason, "LATE");
        assert!(in_time(Duration::from_mins(1), async {}).await.is_ok());
    }
}
