//! `PurgeService`: what destroys and what closes, and the confirmation of the clock it waits for.

use std::pin::pin;

use signpost_core::directory::ClockProgress;
use signpost_proto::v1;
use signpost_proto::v1::purge_service_server::PurgeService;
use tonic::{Request, Response, Status};

use super::{Desk, parse};

/// The service over the directory.
#[derive(Clone, Debug)]
pub(crate) struct Purges {
    desk: Desk,
}

impl Purges {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk }
    }
}

#[tonic::async_trait]
impl PurgeService for Purges {
    async fn confirm_clock(
        &self,
        request: Request<v1::ConfirmClockRequest>,
    ) -> Result<Response<v1::ConfirmClockResponse>, Status> {
        let (_place, caller, message) = self.desk.admit(request).await?;
        let confirmation = parse::clock_confirmation(&message);
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
}
