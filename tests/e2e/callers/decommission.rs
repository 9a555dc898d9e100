//! The decommissioning's part of the table.

use signpost_proto::v1;
use tonic::Status;

use super::Drive;
use crate::harness::{closing_plan, request_id};

impl Drive<'_> {
    /// A call that would be done if it were let in, and the service were not closed.
    pub(super) async fn decommission(&self, call: &str) -> Result<(), Status> {
        let (caller, request_id) = (&self.caller, request_id());
        let mut purges = caller.purges();
        match call {
            "PlanDecommissioning" => {
                let plan = Some(closing_plan(self.service, &self.targets.team));
                let plan = v1::PlanDecommissioningRequest { request_id, plan };
                purges.plan_decommissioning(caller.request(plan)).await.map(drop)
            }
            "ApproveDecommissioning" => {
                let digest = self.planned_closing(&["PURGE_APPROVER"]).await;
                let approve = v1::ApproveDecommissioningRequest { request_id, digest };
                purges.approve_decommissioning(caller.request(approve)).await.map(drop)
            }
            "CancelDecommissioning" => {
                self.planned_closing(&["PURGE_OPERATOR", "PURGE_APPROVER"]).await;
                let cancel = v1::CancelDecommissioningRequest { request_id };
                purges.cancel_decommissioning(caller.request(cancel)).await.map(drop)
            }
            "GetDecommissioning" => {
                let lookers = ["PURGE_OPERATOR", "PURGE_APPROVER", "PRIVACY_OFFICER", "AUDITOR"];
                self.planned_closing(&lookers).await;
                let get = caller.request(v1::GetDecommissioningRequest {});
                purges.get_decommissioning(get).await.map(drop)
            }
            other => panic!("{other} is not driven"),
        }
    }

    /// The digest of a plan that waits, where the caller is one of those who may go on with it.
    async fn planned_closing(&self, may: &[&str]) -> Vec<u8> {
        if !may.contains(&self.name) || self.closed.is_some() {
            return vec![0; 32];
        }
        let plan = closing_plan(self.service, &self.targets.team);
        self.service.plan_closing(plan).await
    }
}
