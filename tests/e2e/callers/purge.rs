//! Purges' and holds' part of the table.

use jiff::civil::Date;
use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;
use signpost_proto::v1::purge_service_client::PurgeServiceClient;
use signpost_proto::v1::set_hold_request::Name;
use tonic::Status;
use tonic::transport::Channel;

use super::Drive;
use crate::harness::{Caller, eventually, request_id};

const CASE: &str = "DPO-2026-00042";

impl Drive<'_> {
    /// A call that would be done if it were let in.
    pub(super) async fn purge(&self, call: &str) -> Result<(), Status> {
        let caller = &self.caller;
        let mut purges = purges(caller);
        match call {
            "PlanPurge" => {
                let child = v1::PurgeOfChild {
                    pseudonyms: self.child.to_vec(),
                    mode: v1::SuppressionMode::Forget.into(),
                    suppress_until: None,
                };
                plan(caller, Scope::Child(child)).await.map(drop)
            }
            "ApprovePurge" => {
                let purge = self.planned(&["PURGE_APPROVER"]).await;
                let (request_id, purge_id, digest) = (request_id(), purge.purge_id, purge.digest);
                let approve = v1::ApprovePurgeRequest { request_id, purge_id, digest };
                purges.approve_purge(caller.request(approve)).await.map(drop)
            }
            "CancelPurge" => {
                let purge = self.planned(&["PURGE_APPROVER", "PURGE_OPERATOR"]).await;
                let (request_id, purge_id) = (request_id(), purge.purge_id);
                let cancel = v1::CancelPurgeRequest { request_id, purge_id };
                purges.cancel_purge(caller.request(cancel)).await.map(drop)
            }
            "GetPurge" => {
                let lookers = ["PURGE_APPROVER", "PURGE_OPERATOR", "PRIVACY_OFFICER", "AUDITOR"];
                let purge_id = self.planned(&lookers).await.purge_id;
                let get = caller.request(v1::GetPurgeRequest { purge_id });
                purges.get_purge(get).await.map(drop)
            }
            "GetPurgeCertificate" => {
                let lookers = ["PURGE_OPERATOR", "PURGE_APPROVER", "PRIVACY_OFFICER", "AUDITOR"];
                let purge_id = self.planned(&lookers).await.purge_id;
                let get = caller.request(v1::GetPurgeCertificateRequest { purge_id });
                purges.get_purge_certificate(get).await.map(drop)
            }
            "GetPurgeAnnex" => {
                let purge_id = self.planned(&["PRIVACY_OFFICER"]).await.purge_id;
                let get = caller.request(v1::GetPurgeAnnexRequest { purge_id });
                purges.get_purge_annex(get).await.map(drop)
            }
            "ListPurges" => {
                let list = caller.request(v1::ListPurgesRequest::default());
                purges.list_purges(list).await.map(drop)
            }
            "SetHold" => {
                let child = v1::HeldChild { pseudonyms: self.child.to_vec() };
                let held = Some(v1::new_hold::Held::Child(child));
                let ground = v1::HoldGround::CourtOrder.into();
                let name = Some(Name::First(v1::NewHold { ground, held }));
                set_hold(caller, name).await.map(drop)
            }
            "LiftHold" => {
                let hold_id = self.standing_hold().await;
                let lift = v1::LiftHoldRequest { request_id: request_id(), hold_id };
                purges.lift_hold(caller.request(lift)).await.map(drop)
            }
            "ListHolds" => {
                let list = caller.request(v1::ListHoldsRequest { others_too: true });
                purges.list_holds(list).await.map(drop)
            }
            other => self.standing(other).await,
        }
    }

    async fn standing(&self, call: &str) -> Result<(), Status> {
        let caller = &self.caller;
        let mut purges = purges(caller);
        let request_id = request_id();
        match call {
            "SetStandingOrder" => {
                self.no_order(&["PURGE_OPERATOR"]).await;
                propose(caller, self.service.world.today()).await.map(drop)
            }
            "ApproveStandingOrder" => {
                let v1::StandingOrder { order_id, digest, .. } =
                    self.proposed(&["PURGE_APPROVER"]).await;
                let approve = v1::ApproveStandingOrderRequest { request_id, order_id, digest };
                purges.approve_standing_order(caller.request(approve)).await.map(drop)
            }
            "RevokeStandingOrder" => {
                let order_id = self.proposed(&["PURGE_APPROVER", "PURGE_OPERATOR"]).await.order_id;
                let revoke = v1::RevokeStandingOrderRequest { request_id, order_id };
                purges.revoke_standing_order(caller.request(revoke)).await.map(drop)
            }
            "GetStandingOrder" => {
                let get = caller.request(v1::GetStandingOrderRequest {});
                purges.get_standing_order(get).await.map(drop)
            }
            other => panic!("{other} is not driven"),
        }
    }

    /// Revokes the order that stands or waits, where the caller is one of those who may go on.
    async fn no_order(&self, may: &[&str]) {
        if !may.contains(&self.name) {
            return;
        }
        let operator = self.service.person("PURGE_OPERATOR");
        let get = operator.request(v1::GetStandingOrderRequest {});
        let shown = purges(&operator).get_standing_order(get).await.unwrap().into_inner();
        let Some(order) = shown.order.filter(|order| order.revoked_by_id.is_empty()) else {
            return;
        };
        let (request_id, order_id) = (request_id(), order.order_id);
        let revoke = operator.request(v1::RevokeStandingOrderRequest { request_id, order_id });
        purges(&operator).revoke_standing_order(revoke).await.unwrap();
    }

    /// An order that waits for its approval, where the caller may go on with it.
    async fn proposed(&self, may: &[&str]) -> v1::StandingOrder {
        if !may.contains(&self.name) {
            let digest = vec![0; 32];
            return v1::StandingOrder { order_id: request_id(), digest, ..Default::default() };
        }
        self.no_order(may).await;
        let operator = self.service.person("PURGE_OPERATOR");
        propose(&operator, self.service.world.today()).await.unwrap();
        let get = operator.request(v1::GetStandingOrderRequest {});
        let shown = purges(&operator).get_standing_order(get).await.unwrap();
        shown.into_inner().order.unwrap()
    }

    /// A plan that waits and is counted, where the caller is one of those who may go on with it.
    async fn planned(&self, may: &[&str]) -> v1::Purge {
        if !may.contains(&self.name) {
            let digest = vec![0; 32];
            return v1::Purge { purge_id: request_id(), digest, ..v1::Purge::default() };
        }
        let operator = self.service.person("PURGE_OPERATOR");
        let by = self.service.world.today();
        let scope = Scope::ExpiredBy(crate::harness::date(by));
        let purge_id = plan(&operator, scope).await.unwrap().purge_id;
        eventually("its count", || async {
            let get = operator.request(v1::GetPurgeRequest { purge_id: purge_id.clone() });
            let found = purges(&operator).get_purge(get).await.unwrap().into_inner();
            found.purge.filter(|purge| purge.counted)
        })
        .await
    }

    /// A hold that stands, where the caller may lift it.
    async fn standing_hold(&self) -> String {
        if !["PURGE_APPROVER", "PRIVACY_OFFICER"].contains(&self.name) {
            return request_id();
        }
        let held = v1::new_hold::Held::Child(v1::HeldChild { pseudonyms: self.child.to_vec() });
        let ground = v1::HoldGround::CourtOrder.into();
        let first = Name::First(v1::NewHold { ground, held: Some(held) });
        let first = set_hold(&self.service.person("PRIVACY_OFFICER"), Some(first)).await.unwrap();
        let hold_id = first.hold.unwrap().hold_id;
        let second = Some(Name::HoldId(hold_id.clone()));
        set_hold(&self.service.person("PURGE_APPROVER"), second).await.unwrap();
        hold_id
    }
}

fn purges(caller: &Caller) -> PurgeServiceClient<Channel> {
    PurgeServiceClient::new(caller.channel())
}

async fn plan(caller: &Caller, scope: Scope) -> Result<v1::PlanPurgeResponse, Status> {
    let plan = v1::PlanPurgeRequest {
        request_id: request_id(),
        scope: Some(scope),
        authority: v1::PurgeAuthority::UkGdprArticle17.into(),
        reason: v1::PurgeReason::Exercise.into(),
        case_reference: CASE.to_owned(),
    };
    Ok(purges(caller).plan_purge(caller.request(plan)).await?.into_inner())
}

async fn propose(caller: &Caller, until: Date) -> Result<v1::SetStandingOrderResponse, Status> {
    let set = v1::SetStandingOrderRequest {
        request_id: request_id(),
        until: Some(crate::harness::date(until)),
        case_reference: CASE.to_owned(),
    };
    Ok(purges(caller).set_standing_order(caller.request(set)).await?.into_inner())
}

async fn set_hold(caller: &Caller, name: Option<Name>) -> Result<v1::SetHoldResponse, Status> {
    let (request_id, case_reference) = (request_id(), CASE.to_owned());
    let set = v1::SetHoldRequest { request_id, name, case_reference };
    Ok(purges(caller).set_hold(caller.request(set)).await?.into_inner())
}
