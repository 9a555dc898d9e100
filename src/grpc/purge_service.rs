//! `PurgeService`: what destroys and what closes, and the confirmation of the clock it waits for.

mod decommission;
mod parse;
mod render;

use std::pin::pin;

use jiff::tz::TimeZone;
use signpost_core::directory::ClockProgress;
use signpost_core::directory::purge::ListHolds;
use signpost_core::refusal::Refusal;
use signpost_core::store::StoreError;
use signpost_ledger::error::LedgerError;
use signpost_proto::v1;
use signpost_proto::v1::purge_service_server::PurgeService;
use tonic::{Request, Response, Status};

use super::parse::clock_confirmation;
use super::render::uuid_text;
use super::{Desk, status};
use crate::purge::Issuer;

/// The service over the directory.
#[derive(Clone, Debug)]
pub(crate) struct Purges {
    desk: Desk,
    certificates: Issuer,
}

impl Purges {
    pub(super) fn new(desk: Desk, certificates: Issuer) -> Self {
        Self { desk, certificates }
    }
}

#[tonic::async_trait]
impl PurgeService for Purges {
    async fn confirm_clock(
        &self,
        request: Request<v1::ConfirmClockRequest>,
    ) -> Result<Response<v1::ConfirmClockResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let confirmation = clock_confirmation(&message);
        let work = pin!(self.desk.directory.confirm_clock(&caller, &confirmation));
        let written = self.desk.in_time(work).await?;
        let progress = match written.result {
            ClockProgress::AwaitingSecondName => v1::ClockProgress::AwaitingSecondName,
            ClockProgress::Complete => v1::ClockProgress::Complete,
        };
        Ok(Response::new(v1::ConfirmClockResponse {
            progress: progress.into(),
            receipt: written.receipt.0,
        }))
    }
    async fn plan_purge(
        &self,
        request: Request<v1::PlanPurgeRequest>,
    ) -> Result<Response<v1::PlanPurgeResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let plan = parse::plan(message, &self.desk.keys);
        let work = pin!(self.desk.directory.plan_purge(&caller, &plan));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::PlanPurgeResponse {
            purge_id: uuid_text(*written.result.as_bytes()),
            receipt: written.receipt.0,
        }))
    }

    async fn approve_purge(
        &self,
        request: Request<v1::ApprovePurgeRequest>,
    ) -> Result<Response<v1::ApprovePurgeResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let approve = parse::approval(&message);
        let work = pin!(self.desk.directory.approve_purge(&caller, &approve));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::ApprovePurgeResponse { receipt: written.receipt.0 }))
    }

    async fn cancel_purge(
        &self,
        request: Request<v1::CancelPurgeRequest>,
    ) -> Result<Response<v1::CancelPurgeResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let cancel = parse::cancellation(&message);
        let work = pin!(self.desk.directory.cancel_purge(&caller, &cancel));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::CancelPurgeResponse { receipt: written.receipt.0 }))
    }

    async fn get_purge(
        &self,
        request: Request<v1::GetPurgeRequest>,
    ) -> Result<Response<v1::GetPurgeResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let purge = parse::purge(&message.purge_id);
        let work = pin!(self.desk.directory.show_purge(&caller, &purge));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::GetPurgeResponse {
            holds: written.result.holds.iter().map(render::hold).collect(),
            purge: Some(render::purge(written.result)),
            receipt: written.receipt.0,
        }))
    }

    async fn list_purges(
        &self,
        request: Request<v1::ListPurgesRequest>,
    ) -> Result<Response<v1::ListPurgesResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let list = parse::listing(&message);
        let work = pin!(self.desk.directory.list_purges(&caller, &list));
        let written = self.desk.in_time(work).await?;
        let (purges, is_more) = written.result;
        let next_page_token = match purges.last() {
            Some(shown) if is_more => hex::encode(shown.plan.id.as_bytes()),
            _ => String::new(),
        };
        Ok(Response::new(v1::ListPurgesResponse {
            purges: purges.into_iter().map(render::purge).collect(),
            next_page_token,
            receipt: written.receipt.0,
        }))
    }

    async fn get_purge_annex(
        &self,
        request: Request<v1::GetPurgeAnnexRequest>,
    ) -> Result<Response<v1::GetPurgeAnnexResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let purge = parse::purge(&message.purge_id);
        let work = pin!(self.desk.directory.purge_annex_of(&caller, &purge));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::GetPurgeAnnexResponse {
            counts: written.result.iter().map(render::count).collect(),
            receipt: written.receipt.0,
        }))
    }

    async fn get_purge_certificate(
        &self,
        request: Request<v1::GetPurgeCertificateRequest>,
    ) -> Result<Response<v1::GetPurgeCertificateResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let purge = parse::purge(&message.purge_id);
        let work = pin!(self.desk.directory.purge_certificate(&caller, &purge));
        let written = self.desk.in_time(work).await?;
        let file = match written.result {
            None => None,
            Some((text, entry)) => {
                self.certificates.file(text, entry).await.map_err(|error| damaged(&error))?
            }
        };
        Ok(Response::new(v1::GetPurgeCertificateResponse {
            certificate: file.map_or_else(Vec::new, |file| file.to_string().into_bytes()),
            receipt: written.receipt.0,
        }))
    }

    async fn set_hold(
        &self,
        request: Request<v1::SetHoldRequest>,
    ) -> Result<Response<v1::SetHoldResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let set = parse::hold(message, &self.desk.keys);
        let work = pin!(self.desk.directory.set_hold(&caller, &set));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::SetHoldResponse {
            hold: Some(render::hold(&written.result)),
            receipt: written.receipt.0,
        }))
    }

    async fn lift_hold(
        &self,
        request: Request<v1::LiftHoldRequest>,
    ) -> Result<Response<v1::LiftHoldResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let lift = parse::lifting(&message);
        let work = pin!(self.desk.directory.lift_hold(&caller, &lift));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::LiftHoldResponse {
            hold: Some(render::hold(&written.result)),
            receipt: written.receipt.0,
        }))
    }

    async fn list_holds(
        &self,
        request: Request<v1::ListHoldsRequest>,
    ) -> Result<Response<v1::ListHoldsResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let list = Ok(ListHolds { others_too: message.others_too });
        let work = pin!(self.desk.directory.list_holds(&caller, &list));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::ListHoldsResponse {
            holds: written.result.iter().map(render::hold).collect(),
            receipt: written.receipt.0,
        }))
    }

    async fn set_standing_order(
        &self,
        request: Request<v1::SetStandingOrderRequest>,
    ) -> Result<Response<v1::SetStandingOrderResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let set = parse::standing_order(message);
        let work = pin!(self.desk.directory.set_standing_order(&caller, &set));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::SetStandingOrderResponse {
            order_id: uuid_text(*written.result.as_bytes()),
            receipt: written.receipt.0,
        }))
    }

    async fn approve_standing_order(
        &self,
        request: Request<v1::ApproveStandingOrderRequest>,
    ) -> Result<Response<v1::ApproveStandingOrderResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let approve = parse::order_approval(&message);
        let work = pin!(self.desk.directory.approve_standing_order(&caller, &approve));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::ApproveStandingOrderResponse { receipt: written.receipt.0 }))
    }

    async fn revoke_standing_order(
        &self,
        request: Request<v1::RevokeStandingOrderRequest>,
    ) -> Result<Response<v1::RevokeStandingOrderResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let revoke = parse::order_revocation(&message);
        let work = pin!(self.desk.directory.revoke_standing_order(&caller, &revoke));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::RevokeStandingOrderResponse { receipt: written.receipt.0 }))
    }

    async fn get_standing_order(
        &self,
        request: Request<v1::GetStandingOrderRequest>,
    ) -> Result<Response<v1::GetStandingOrderResponse>, Status> {
        let (_place, caller, v1::GetStandingOrderRequest {}) = self.desk.admit(request).await?;
        let work = pin!(self.desk.directory.show_standing_order(&caller));
        let written = self.desk.in_time(work).await?;
        let today = TimeZone::UTC.to_datetime(self.desk.directory.now()).date();
        let order = written.result.map(|order| render::standing_order(&order, today));
        Ok(Response::new(v1::GetStandingOrderResponse { order, receipt: written.receipt.0 }))
    }

    async fn plan_decommissioning(
        &self,
        request: Request<v1::PlanDecommissioningRequest>,
    ) -> Result<Response<v1::PlanDecommissioningResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let plan = decommission::plan(message);
        let work = pin!(self.desk.directory.plan_decommissioning(&caller, &plan));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::PlanDecommissioningResponse {
            decommissioning_id: uuid_text(*written.result.as_bytes()),
            receipt: written.receipt.0,
        }))
    }

    async fn approve_decommissioning(
        &self,
        request: Request<v1::ApproveDecommissioningRequest>,
    ) -> Result<Response<v1::ApproveDecommissioningResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let approve = decommission::approval(&message);
        let work = pin!(self.desk.directory.approve_decommissioning(&caller, &approve));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::ApproveDecommissioningResponse { receipt: written.receipt.0 }))
    }

    async fn cancel_decommissioning(
        &self,
        request: Request<v1::CancelDecommissioningRequest>,
    ) -> Result<Response<v1::CancelDecommissioningResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let cancel = decommission::cancellation(&message);
        let work = pin!(self.desk.directory.cancel_decommissioning(&caller, &cancel));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::CancelDecommissioningResponse { receipt: written.receipt.0 }))
    }

    async fn get_decommissioning(
        &self,
        request: Request<v1::GetDecommissioningRequest>,
    ) -> Result<Response<v1::GetDecommissioningResponse>, Status> {
        let (_place, caller, _message) = self.desk.admit(request).await?;
        let work = pin!(self.desk.directory.show_decommissioning(&caller));
        let written = self.desk.in_time(work).await?;
        Ok(Response::new(v1::GetDecommissioningResponse {
            decommissioning: Some(decommission::shown(written.result)),
            receipt: written.receipt.0,
        }))
    }
}

/// A tree that is there and cannot be read.
fn damaged(error: &LedgerError) -> Status {
    tracing::error!(%error, "the ledger's tree cannot be read");
    status::of(&Refusal::Store(StoreError::Damaged))
}

#[cfg(test)]
mod tests;
