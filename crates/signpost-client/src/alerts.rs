//! Alerts: what a privacy officer is to look at, and the canaries.

use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;

use crate::client::Client;
use crate::error::ClientError;
use crate::onboarding::{Listed, PAGE_SIZE, next_page};

impl Client {
    /// Lists the open alerts, or all there ever were.
    pub async fn list_alerts(&self, closed_too: bool) -> Result<Listed<v1::Alert>, ClientError> {
        let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
        let mut page_token = String::new();
        loop {
            let message = v1::ListAlertsRequest {
                closed_too,
                page_size: PAGE_SIZE,
                page_token: page_token.clone(),
            };
            let send = |request| async move { self.alerts().list_alerts(request).await };
            let page = self.call(message, send).await?;
            listed.items.extend(page.alerts);
            listed.receipts.push(page.receipt);
            match next_page(&page_token, page.next_page_token)? {
                Some(next) => page_token = next,
                None => return Ok(listed),
            }
        }
    }

    /// Closes an alert with what was found.
    pub async fn close_alert(
        &self,
        message: v1::CloseAlertRequest,
    ) -> Result<v1::CloseAlertResponse, ClientError> {
        let send = |request| async move { self.alerts().close_alert(request).await };
        self.call(message, send).await
    }

    /// Tells who an actor of the ledger is. The look is on record.
    pub async fn identify_actor(
        &self,
        actor_id: &str,
    ) -> Result<v1::IdentifyActorResponse, ClientError> {
        let message = v1::IdentifyActorRequest { actor_id: actor_id.to_owned() };
        let send = |request| async move { self.alerts().identify_actor(request).await };
        self.call(message, send).await
    }

    /// Registers a fictional child as a canary, by the identifiers that stand for it.
    pub async fn add_canary(
        &self,
        request_id: String,
        identifiers: &[Identifier],
    ) -> Result<v1::AddCanaryResponse, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let message = v1::AddCanaryRequest { request_id, pseudonyms };
        let send = |request| async move { self.alerts().add_canary(request).await };
        self.call(message, send).await
    }
}
