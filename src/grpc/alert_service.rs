//! `AlertService`: what a privacy officer is to look at, and the canaries.

use std::pin::pin;

use signpost_core::alert::{Alert, AlertState};
use signpost_core::directory::{AddCanary, CloseAlert, ListAlerts, Written};
use signpost_core::id::{ActorId, AlertId, OrganisationId, SystemId};
use signpost_core::refusal::Invalid;
use signpost_core::terms::AlertOutcome;
use signpost_proto::v1;
use signpost_proto::v1::alert_service_server::AlertService;
use signpost_pseudonym::oprf::EvaluationKeys;
use tonic::{Request, Response, Status};

use super::Desk;
use super::parse::read;
use super::render::uuid_text;

/// The most alerts of a page, and how many come where the client does not say.
const PAGE_MAX: usize = 500;
const PAGE: usize = 100;

/// The service over the directory.
#[derive(Clone, Debug)]
pub(crate) struct Alerts {
    desk: Desk,
}

impl Alerts {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl AlertService for Alerts {
    async fn list_alerts(
        &self,
        request: Request<v1::ListAlertsRequest>,
    ) -> Result<Response<v1::ListAlertsResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let list = listing(&message);
        let work = pin!(self.desk.directory.list_alerts(&caller, &list));
        let written = self.desk.in_time(work).await?;
        let (alerts, is_more) = written.result;
        let next_page_token = match alerts.last() {
            Some(alert) if is_more => hex::encode(alert.id.as_bytes()),
            _ => String::new(),
        };
        Ok(Response::new(v1::ListAlertsResponse {
            alerts: alerts.iter().map(render).collect(),
            next_page_token,
            receipt: written.receipt.0,
        }))
    }

    async fn close_alert(
        &self,
        request: Request<v1::CloseAlertRequest>,
    ) -> Result<Response<v1::CloseAlertResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let close = closing(&message);
        let work = pin!(self.desk.directory.onboard(&caller, &close));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::CloseAlertResponse { receipt: written.receipt.0 }))
    }

    async fn add_canary(
        &self,
        request: Request<v1::AddCanaryRequest>,
    ) -> Result<Response<v1::AddCanaryResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let canary = canary(&message, &self.desk.keys);
        let work = pin!(self.desk.directory.onboard(&caller, &canary));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::AddCanaryResponse { receipt: written.receipt.0 }))
    }

    async fn identify_actor(
        &self,
        request: Request<v1::IdentifyActorRequest>,
    ) -> Result<Response<v1::IdentifyActorResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let actor = read(|fields| fields.uuid("actor_id", &message.actor_id).map(ActorId::new));
        let work = pin!(self.desk.directory.identify_actor(&caller, &actor));
        let Written { result, receipt } = self.desk.in_time(work).await?;
        Ok(Response::new(v1::IdentifyActorResponse {
            person_id: uuid_text(*result.person.id.as_bytes()),
            organisation_id: uuid_text(*result.organisation.id.as_bytes()),
            organisation_name: result.organisation.name.into(),
            staff_reference: result.person.staff.into(),
            role: result.group.role.code().into(),
            receipt: receipt.0,
        }))
    }
}

fn listing(wire: &v1::ListAlertsRequest) -> Result<ListAlerts, Invalid> {
    read(|fields| {
        let limit = match usize::try_from(wire.page_size) {
            Ok(0) => Some(PAGE),
            Ok(size) if size <= PAGE_MAX => Some(size),
            _ => fields.wrong("page_size", "must be 1 to 500, or 0 for 100"),
        };
        let after = if wire.page_token.is_empty() {
            Some(None)
        } else {
            let mut id = [0; 16];
            match hex::decode_to_slice(&wire.page_token, &mut id) {
                Ok(()) => Some(Some(AlertId::new(id))),
                Err(_) => {
                    fields.wrong("page_token", "must be a next_page_token of the page before")
                }
            }
        };
        Some(ListAlerts { closed_too: wire.closed_too, after: after?, limit: limit? })
    })
}

fn closing(wire: &v1::CloseAlertRequest) -> Result<CloseAlert, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let alert = fields.uuid("alert_id", &wire.alert_id).map(AlertId::new);
        let outcome = fields.term("outcome", wire.outcome, AlertOutcome::from_code);
        Some(CloseAlert { request: request?, alert: alert?, outcome: outcome? })
    })
}

fn canary(wire: &v1::AddCanaryRequest, keys: &EvaluationKeys) -> Result<AddCanary, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let subject = fields.subject(&wire.pseudonyms, keys);
        Some(AddCanary { request: request?, subject: subject? })
    })
}

fn render(alert: &Alert) -> v1::Alert {
    let text = |id: Option<&[u8; 16]>| id.map_or_else(String::new, |id| uuid_text(*id));
    let (outcome, closed_by_id) = match alert.state {
        AlertState::Open => (0, String::new()),
        AlertState::Closed { by, outcome } => {
            (i32::from(outcome.code()), uuid_text(*by.as_bytes()))
        }
    };
    v1::Alert {
        alert_id: uuid_text(*alert.id.as_bytes()),
        kind: alert.kind.code().into(),
        actor_id: text(alert.actor.as_ref().map(ActorId::as_bytes)),
        organisation_id: text(alert.organisation.as_ref().map(OrganisationId::as_bytes)),
        system_id: text(alert.system.as_ref().map(SystemId::as_bytes)),
        entry: alert.entry.0,
        time_ms: alert.at.as_millisecond(),
        outcome,
        closed_by_id,
    }
}
