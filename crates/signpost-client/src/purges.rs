//! Purges and legal holds: planned, approved, called off, looked at.

use signpost_proto::v1;
use signpost_proto::v1::plan_purge_request::Scope;
use signpost_proto::v1::set_hold_request::Name;
use signpost_pseudonym::identifier::Identifier;

use crate::client::Client;
use crate::error::ClientError;
use crate::onboarding::{Listed, PAGE_SIZE, next_page};

impl Client {
    /// Plans a purge of whatever the message says.
    pub async fn plan_purge(
        &self,
        message: v1::PlanPurgeRequest,
    ) -> Result<v1::PlanPurgeResponse, ClientError> {
        let send = |request| async move { self.purges().plan_purge(request).await };
        self.call(message, send).await
    }

    /// Plans a purge of the child that these identifiers stand for; the message's scope is put in place.
    pub async fn plan_purge_of_child(
        &self,
        message: v1::PlanPurgeRequest,
        child: v1::PurgeOfChild,
        identifiers: &[Identifier],
    ) -> Result<v1::PlanPurgeResponse, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let scope = Some(Scope::Child(v1::PurgeOfChild { pseudonyms, ..child }));
        self.plan_purge(v1::PlanPurgeRequest { scope, ..message }).await
    }

    /// Approves a purge.
    pub async fn approve_purge(
        &self,
        message: v1::ApprovePurgeRequest,
    ) -> Result<v1::ApprovePurgeResponse, ClientError> {
        let send = |request| async move { self.purges().approve_purge(request).await };
        self.call(message, send).await
    }

    /// The file of a purge's certificate; empty until there is one that every witness has seen.
    pub async fn get_purge_certificate(
        &self,
        purge_id: &str,
    ) -> Result<v1::GetPurgeCertificateResponse, ClientError> {
        let message = v1::GetPurgeCertificateRequest { purge_id: purge_id.to_owned() };
        let send = |request| async move { self.purges().get_purge_certificate(request).await };
        self.call(message, send).await
    }

    /// Calls a purge off.
    pub async fn cancel_purge(
        &self,
        message: v1::CancelPurgeRequest,
    ) -> Result<v1::CancelPurgeResponse, ClientError> {
        let send = |request| async move { self.purges().cancel_purge(request).await };
        self.call(message, send).await
    }

    /// Shows a purge and the holds that stand. The look is on record.
    pub async fn get_purge(&self, purge_id: &str) -> Result<v1::GetPurgeResponse, ClientError> {
        let message = v1::GetPurgeRequest { purge_id: purge_id.to_owned() };
        let send = |request| async move { self.purges().get_purge(request).await };
        self.call(message, send).await
    }

    /// Lists the purges that are not over, or all there ever were.
    pub async fn list_purges(&self, over_too: bool) -> Result<Listed<v1::Purge>, ClientError> {
        let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
        let mut page_token = String::new();
        loop {
            let message = v1::ListPurgesRequest {
                over_too,
                page_size: PAGE_SIZE,
                page_token: page_token.clone(),
            };
            let send = |request| async move { self.purges().list_purges(request).await };
            let page = self.call(message, send).await?;
            listed.items.extend(page.purges);
            listed.receipts.push(page.receipt);
            match next_page(&page_token, page.next_page_token)? {
                Some(next) => page_token = next,
                None => return Ok(listed),
            }
        }
    }

    /// Shows what was counted, of one child too. The look is on record.
    pub async fn get_purge_annex(
        &self,
        purge_id: &str,
    ) -> Result<v1::GetPurgeAnnexResponse, ClientError> {
        let message = v1::GetPurgeAnnexRequest { purge_id: purge_id.to_owned() };
        let send = |request| async move { self.purges().get_purge_annex(request).await };
        self.call(message, send).await
    }

    /// Proposes the standing order.
    pub async fn set_standing_order(
        &self,
        message: v1::SetStandingOrderRequest,
    ) -> Result<v1::SetStandingOrderResponse, ClientError> {
        let send = |request| async move { self.purges().set_standing_order(request).await };
        self.call(message, send).await
    }

    /// Approves the standing order.
    pub async fn approve_standing_order(
        &self,
        message: v1::ApproveStandingOrderRequest,
    ) -> Result<v1::ApproveStandingOrderResponse, ClientError> {
        let send = |request| async move { self.purges().approve_standing_order(request).await };
        self.call(message, send).await
    }

    /// Revokes the standing order.
    pub async fn revoke_standing_order(
        &self,
        message: v1::RevokeStandingOrderRequest,
    ) -> Result<v1::RevokeStandingOrderResponse, ClientError> {
        let send = |request| async move { self.purges().revoke_standing_order(request).await };
        self.call(message, send).await
    }

    /// Shows the last standing order that was proposed. The look is on record.
    pub async fn get_standing_order(&self) -> Result<v1::GetStandingOrderResponse, ClientError> {
        let send = |request| async move { self.purges().get_standing_order(request).await };
        self.call(v1::GetStandingOrderRequest {}, send).await
    }

    /// Gives one of the two names that set a legal hold.
    pub async fn set_hold(
        &self,
        message: v1::SetHoldRequest,
    ) -> Result<v1::SetHoldResponse, ClientError> {
        let send = |request| async move { self.purges().set_hold(request).await };
        self.call(message, send).await
    }

    /// Gives the first name of a hold on the child that these identifiers stand for; the message's name is
    /// put in place.
    pub async fn hold_child(
        &self,
        message: v1::SetHoldRequest,
        ground: v1::HoldGround,
        identifiers: &[Identifier],
    ) -> Result<v1::SetHoldResponse, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let held = Some(v1::new_hold::Held::Child(v1::HeldChild { pseudonyms }));
        let name = Some(Name::First(v1::NewHold { ground: ground.into(), held }));
        self.set_hold(v1::SetHoldRequest { name, ..message }).await
    }

    /// Gives one of the two names that lift a legal hold.
    pub async fn lift_hold(
        &self,
        message: v1::LiftHoldRequest,
    ) -> Result<v1::LiftHoldResponse, ClientError> {
        let send = |request| async move { self.purges().lift_hold(request).await };
        self.call(message, send).await
    }

    /// Lists the holds that stand, or all there ever were.
    pub async fn list_holds(&self, others_too: bool) -> Result<v1::ListHoldsResponse, ClientError> {
        let message = v1::ListHoldsRequest { others_too };
        let send = |request| async move { self.purges().list_holds(request).await };
        self.call(message, send).await
    }
}
