//! Histories of who looked: asked for, consented to, read, and reviewed, for privacy officers.

use signpost_proto::v1;
use signpost_pseudonym::identifier::Identifier;

use crate::client::Client;
use crate::error::ClientError;
use crate::onboarding::{Listed, PAGE_SIZE, next_page};

/// A whole history, as the requester may be told it.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The case it was asked for under.
    pub case_reference: String,
    /// The time of the last look, in milliseconds since 1970-01-01T00:00:00Z.
    pub as_of_ms: i64,
    /// The sentence that every letter has to carry.
    pub statement: String,
    /// The accesses, the oldest first.
    pub accesses: Vec<v1::Access>,
    /// The ledger entry of each page.
    pub receipts: Vec<u64>,
}

impl Client {
    /// Asks for the history of a child, by every identifier of it that there is.
    pub async fn request_history(
        &self,
        request_id: String,
        identifiers: &[Identifier],
        case_reference: String,
    ) -> Result<v1::RequestHistoryResponse, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let message = v1::RequestHistoryRequest { request_id, pseudonyms, case_reference };
        let send = |request| async move { self.ledgers().request_history(request).await };
        self.call(message, send).await
    }

    /// Consents to a history that a different person asked for, by the same identifiers and case.
    pub async fn consent_to_history(
        &self,
        request_id: String,
        history_id: String,
        identifiers: &[Identifier],
        case_reference: String,
    ) -> Result<v1::ConsentToHistoryResponse, ClientError> {
        let pseudonyms = self.pseudonymise_child(identifiers).await?;
        let message =
            v1::ConsentToHistoryRequest { request_id, history_id, pseudonyms, case_reference };
        let send = |request| async move { self.ledgers().consent_to_history(request).await };
        self.call(message, send).await
    }

    /// What the requester may be told, over all pages. Each page is on record.
    pub async fn access_history(&self, history_id: &str) -> Result<History, ClientError> {
        let (mut accesses, mut receipts) = (Vec::new(), Vec::new());
        let mut page_token = String::new();
        loop {
            let message = v1::AccessHistoryRequest {
                history_id: history_id.to_owned(),
                page_size: PAGE_SIZE,
                page_token: page_token.clone(),
            };
            let send = |request| async move { self.ledgers().access_history(request).await };
            let page = self.call(message, send).await?;
            accesses.extend(page.accesses);
            receipts.push(page.receipt);
            match next_page(&page_token, page.next_page_token)? {
                Some(next) => page_token = next,
                None => {
                    return Ok(History {
                        case_reference: page.case_reference,
                        as_of_ms: page.as_of_ms,
                        statement: page.statement,
                        accesses,
                        receipts,
                    });
                }
            }
        }
    }

    /// What a history leaves out unless a review releases it, over all pages. Each page is on record.
    pub async fn list_withheld(
        &self,
        history_id: &str,
    ) -> Result<Listed<v1::WithheldAccess>, ClientError> {
        let mut listed = Listed { items: Vec::new(), receipts: Vec::new() };
        let mut page_token = String::new();
        loop {
            let message = v1::ListWithheldRequest {
                history_id: history_id.to_owned(),
                page_size: PAGE_SIZE,
                page_token: page_token.clone(),
            };
            let send = |request| async move { self.ledgers().list_withheld(request).await };
            let page = self.call(message, send).await?;
            listed.items.extend(page.withheld);
            listed.receipts.push(page.receipt);
            match next_page(&page_token, page.next_page_token)? {
                Some(next) => page_token = next,
                None => return Ok(listed),
            }
        }
    }

    /// Decides of one access that a history leaves out.
    pub async fn review_access(
        &self,
        message: v1::ReviewAccessRequest,
    ) -> Result<v1::ReviewAccessResponse, ClientError> {
        let send = |request| async move { self.ledgers().review_access(request).await };
        self.call(message, send).await
    }
}
